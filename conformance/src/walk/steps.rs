//! Sign-in and sign-out as steps: what a person opens, types and presses, over HTTP and in browsers alike.

use url::Url;

use super::{
    Walker,
    driver::Press,
    navigate::{Landing, Purpose},
    sign_in::unchanged,
};
use crate::{
    browser::{
        http::Outgoing,
        page::{self, Clickable},
    },
    edit::Edit,
    evidence::{Hop, Leg},
    placeholder::{of_person, replace},
    target::Move,
};

/// What happens with a step whose button or field is not on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// The step cannot be made: nothing that follows would mean anything.
    Stops,
    /// The page did not come up this time (terms that were agreed to before): the step is left out.
    Skips,
}

impl Walker<'_> {
    /// Makes these steps on behalf of `person`, and follows inside the app after each. Ends early where the app leads to
    /// the authorization server. The edits stand on every request that a step sends.
    pub(super) async fn steps(
        &mut self,
        purpose: Purpose<'_>,
        person: &str,
        steps: &[Move],
        edits: &[Edit],
        missing: Missing,
    ) -> Landing {
        let vars = match self.evidence.person(person) {
            Some(person) => of_person(&person.persona, &person.persona.userinfo_name),
            None => std::collections::BTreeMap::new(),
        };
        let mut typed: Vec<(String, String)> = Vec::new();
        for step in steps {
            match step {
                Move::Fill(fields) => {
                    let filled = fields.iter().map(|(name, text)| (name.clone(), replace(text, &vars)));
                    typed.extend(filled);
                    continue;
                }
                Move::Open(path) => {
                    let page = Outgoing::get(&self.world.site.at(path));
                    self.visit_and_follow(purpose, page, edits).await;
                }
                Move::Press(_) | Move::Submit(_) => {
                    let fields = std::mem::take(&mut typed);
                    match self.make(purpose, step, &fields, edits).await {
                        Some(_) => {}
                        None if missing == Missing::Skips => continue,
                        None if purpose.leg == Leg::SignInStart && self.is_refused(edits) => return Landing::Page,
                        None => return self.stuck(step),
                    }
                }
            }
            match self.landed(purpose) {
                Landing::Page => {}
                elsewhere => return elsewhere,
            }
        }
        Landing::Page
    }

    /// Presses what a step says on the page that is open, which is that of the last hop.
    async fn make(
        &mut self,
        purpose: Purpose<'_>,
        step: &Move,
        typed: &[(String, String)],
        edits: &[Edit],
    ) -> Option<usize> {
        let what = Press::of_step(step, typed)?;
        let opened = self.evidence.hops.len().checked_sub(1)?;
        self.press_with(purpose, what, opened, (edits, edits)).await
    }

    /// Where a step leads from the page that is open, as its markup tells.
    pub(super) async fn leads_to(&self, step: &Move) -> Option<Url> {
        if let Move::Open(path) = step {
            return Some(self.world.site.at(path));
        }
        let hop = self.evidence.hops.last()?;
        let url = Url::parse(&hop.url).ok()?;
        let what = Press::of_step(step, &[])?;
        match what.on(hop.shown(), &url, self.world.client.limit()).await? {
            Clickable::Link(url) => Some(url),
            Clickable::Button(form) => Some(form.action),
        }
    }

    /// Whether the app answered with an error to what this walk changed or broke: then it shows no button to go on with, and
    /// that is its answer, as it is where the sign-in is one request. A sign-out that comes to no end would be held against the
    /// app, and stays open.
    fn is_refused(&self, edits: &[Edit]) -> bool {
        let is_provoked = !unchanged(edits) || !self.faults.is_empty();
        let status = self.evidence.hops.last().and_then(Hop::status);
        is_provoked && status.is_some_and(|status| status >= 400)
    }

    /// A step that cannot be made stops the walk here; the obstacle names what the page offers instead.
    fn stuck(&mut self, step: &Move) -> Landing {
        let (wanted, page) = match step {
            Move::Press(text) => (format!("nothing says `{text}`"), true),
            Move::Submit(form) => (format!("there is no form `{form}`"), true),
            Move::Open(path) => (format!("{path} could not be opened"), false),
            Move::Fill(_) => ("nothing can be filled in".to_owned(), true),
        };
        let offer = self.evidence.hops.last().map(|hop| {
            let offered = page::offered(hop.shown());
            let path = hop.request.target.split('?').next().unwrap_or_default().to_owned();
            match offered.is_empty() || !page {
                true => format!(" on {path}"),
                false => format!(" on {path}; it offers {}", offered.join(", ")),
            }
        });
        self.obstacle(format!("{wanted}{}", offer.unwrap_or_default()));
        Landing::Page
    }
}
