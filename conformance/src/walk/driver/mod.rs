//! What a person's browser does, whatever it is made of: the words in which the walk speaks to it.
//!
//! [`Http`] sends single requests and does with the answers what a browser does; [`Window`] is a real browser. The walk is
//! written against [`Driver`] alone: what one of the two cannot do has a name ([`Ability`]) and a reason.

mod ability;
pub(super) mod dress;
mod http;
mod lead;
mod press;
mod window;

use std::time::Duration;

use futures_util::future::BoxFuture;
use mock_idp::flow::record::Stamp;
use url::Url;

pub(super) use self::{
    ability::Ability,
    http::Http,
    lead::{leads_on, opens_page, read_page},
    press::Press,
    window::{Window, lacks as window_lacks},
};
use crate::{
    browser::{
        http::Outgoing,
        rule::{Rule, Seen},
    },
    evidence::Answer,
};

/// One person's browser: its cookies, its open page, and what can be done with it.
pub(super) trait Driver: Send + Sync {
    /// Why it cannot do this, as the rest of a sentence; `None` where it can.
    fn lacks(&self, ability: Ability<'_>) -> Option<String>;

    /// Sends a request as a typed address, a link, a form, an image or a frame does, and goes on until the browser rests on
    /// a page or its next navigation is held.
    fn visit<'a>(&'a mut self, order: Order<'a>) -> BoxFuture<'a, Visit>;

    /// Presses something on the open page, and goes on like [`Driver::visit`]; the request of the order is where the person
    /// is. `None`: the page has no such thing.
    fn press<'a>(&'a mut self, what: Press<'a>, order: Order<'a>) -> BoxFuture<'a, Option<Visit>>;

    /// The cookies that would go along with this request. Nothing is sent for it to the app.
    fn cookies<'a>(&'a mut self, request: &'a Outgoing, sender: Sender<'a>) -> BoxFuture<'a, Result<Pairs, String>>;

    /// Puts a cookie into the jar as if this address had set it with this line of `Set-Cookie`.
    fn plant<'a>(&'a mut self, url: &'a Url, set_cookie: &'a str) -> BoxFuture<'a, Result<(), String>>;

    /// Takes every cookie of this address's host away.
    fn clear<'a>(&'a mut self, origin: &'a Url) -> BoxFuture<'a, Result<(), String>>;

    /// Takes in an answer that was fetched beside the browser, as if its tab had got it: cookies, and the open page.
    fn take_in(&mut self, seen: Seen);

    /// Opens a page in a tab of its own beside the open one, with the same cookies and storage, and closes it. `None`: no
    /// page came.
    fn peek<'a>(
        &'a mut self,
        page: &'a Outgoing,
        beside: &'a Url,
        rule: Rule,
    ) -> BoxFuture<'a, Result<Option<Peek>, String>>;

    /// What the browser shows at this moment. `None`: it shows nothing to anybody.
    fn screen(&mut self, is_pictured: bool) -> BoxFuture<'_, Option<Shot>>;

    /// Ends the browser and forgets its profile.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// `name=value` pairs in the order in which they are sent.
pub(super) type Pairs = Vec<(String, String)>;

/// What starts a request, as far as cookies and header fields care (RFC 6265bis §5.2, Fetch Metadata §2).
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender<'a> {
    /// The document that it starts from; `None` when the address was typed.
    pub document: Option<&'a Url>,
    /// Whether the answer becomes the page (not an image or frame of one).
    pub top_level: bool,
}

/// A request that a browser is to send.
#[derive(Debug)]
pub(super) struct Order<'a> {
    /// The request.
    pub request: Outgoing,
    /// The same without the edits, where there are any.
    pub plain: Option<Outgoing>,
    /// The document that the request starts from; `None` when the address is typed.
    pub initiator: Option<Url>,
    /// The document that is open.
    pub here: Option<Url>,
    /// Whether it is loaded as a part of the initiator's page.
    pub part: Option<Part>,
    /// Which navigations are held, and what happens to the cookies.
    pub rule: Rule,
    /// What is going to be pressed: a page that has it is not followed to where it leads by itself.
    pub wants: Option<Press<'a>>,
    /// How long the person waits for an answer; `None` for as long as answers may take.
    pub patience: Option<Duration>,
}

/// A part of a page that is a request of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Image,
    Frame,
}

/// What came of an order.
#[derive(Debug, Default)]
pub(super) struct Visit {
    /// Every exchange, in order, and the navigation that was held.
    pub seen: Vec<Seen>,
    /// The first request as it would have gone out without the edits, where that is known; else it has the header fields of
    /// the one that did.
    pub unedited: Option<Outgoing>,
    /// Why the browser did not do it.
    pub trouble: Option<String>,
    /// What is to be known of the page, and is no failure of the browser.
    pub notes: Vec<String>,
    /// What stands there in the end, where the browser shows it to somebody.
    pub sight: Option<Sight>,
}

/// The open page as a person sees it.
#[derive(Debug)]
pub(super) struct Sight {
    /// Its address.
    pub url: String,
    /// Its markup, where scripts have worked on it.
    pub rendered: Option<String>,
    /// Whether it is a page of the authorization server that waits for a person.
    pub is_hosted_form: bool,
    /// What alert boxes said meanwhile.
    pub alerts: Vec<String>,
    /// Whether other windows were opened, which were closed.
    pub had_others: bool,
}

/// A page that was opened beside the open one.
#[derive(Debug)]
pub(super) struct Peek {
    pub request: Outgoing,
    pub at: Stamp,
    pub answer: Answer,
    /// What scripts made of it.
    pub html: String,
}

/// What a browser shows.
#[derive(Debug, Default)]
pub(super) struct Shot {
    /// A picture as JPEG; empty where none was asked for.
    pub jpeg: Vec<u8>,
    /// What its console complained of.
    pub console: Vec<String>,
}
