//! Where a visit ends and what was seen of it: the words that real browsers and single requests share.

use std::sync::Arc;

use mock_idp::flow::record::Stamp;
use url::Url;

use super::http::Outgoing;
use crate::evidence::Answer;

/// Whose an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The app under test.
    App,
    /// The authorization server.
    Idp,
    /// Anybody else: never reached.
    Other,
}

/// Tells whose an address is.
pub type Owners = Arc<dyn Fn(&Url) -> Owner + Send + Sync>;

/// Which navigations are held. Those to other origins always are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hold {
    /// None.
    #[default]
    Nothing,
    /// To the app.
    App,
    /// To the authorization server.
    Idp,
    /// Everything after the first: redirects are seen and not followed.
    AfterFirst,
    /// All.
    Everything,
}

impl Hold {
    /// Whether a navigation to this owner is held that so many went before.
    #[must_use]
    pub fn stops(self, owner: Owner, before: usize) -> bool {
        match self {
            _ if owner == Owner::Other => true,
            Hold::Nothing => false,
            Hold::App => owner == Owner::App,
            Hold::Idp => owner == Owner::Idp,
            Hold::AfterFirst => before > 0,
            Hold::Everything => true,
        }
    }
}

/// What the gate does until it is armed anew.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// Which navigations are held.
    pub hold: Hold,
    /// Cookies that reach the app instead of the browser's, as if the jar had been tampered with.
    pub cookies: Option<Vec<(String, Vec<u8>)>>,
    /// The first navigation goes without any cookies.
    pub bare_first: bool,
}

/// What a request was for, by `Sec-Fetch-Dest` (Fetch Metadata).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Its answer becomes the page.
    Document,
    /// Its answer becomes a frame of a page.
    Frame,
    /// A script asked for it.
    Fetch,
    /// Images, styles, scripts, and the browser's own errands.
    Other,
}

/// One request that passed or was held.
#[derive(Clone, Debug)]
pub struct Seen {
    /// When it came.
    pub at: Stamp,
    /// When its answer was complete.
    pub done: Stamp,
    /// What it was for.
    pub kind: Kind,
    /// Whose it was.
    pub owner: Owner,
    /// The request as it went on, or would have.
    pub request: Outgoing,
    /// The answer; [`Answer::NotSent`] when it was held.
    pub answer: Answer,
}

impl Seen {
    /// Whether it was held.
    #[must_use]
    pub fn is_held(&self) -> bool {
        matches!(self.answer, Answer::NotSent { .. })
    }

    /// Whether a navigation ends here and leaves the open page where it is.
    pub(super) fn is_pageless(&self) -> bool {
        self.is_held() || matches!(&self.answer, Answer::Http { status, .. } if matches!(*status, 204 | 205))
    }

    pub(super) fn is_redirect(&self) -> bool {
        matches!(&self.answer, Answer::Http { status, .. } if matches!(*status, 301 | 302 | 303 | 307 | 308))
    }
}
