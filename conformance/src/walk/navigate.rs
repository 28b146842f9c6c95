//! Requests of a script that lead to no sign-in or sign-out, those that are sent beside the browser, and how all of them are
//! written down.

use mock_idp::flow::record::Stamp;
use url::Url;

use super::{
    Walker,
    driver::{Ability, Sender, dress, read_page},
    editing::{Carrier, Manner, apply},
};
use crate::{
    browser::{
        http::{BODY_LIMIT, Outgoing},
        page::Page,
        rule::{Kind, Seen},
    },
    edit::{Edit, Initiator},
    evidence::{Answer, Hop, Leg, ResponseMode},
    script::{Place, Slot},
    verdict::Cause,
};

/// Where following redirects ended.
pub(super) enum Landing {
    /// A page, an error, or no answer.
    Page,
    /// The next request would go to the authorization server.
    Idp(Outgoing),
    /// The next request would go to neither server; it was noted and not sent.
    Elsewhere,
}

/// What belongs to a hop beside the request.
#[derive(Clone, Copy)]
pub(super) struct Purpose<'a> {
    /// Whose browser.
    pub who: &'a str,
    /// What for.
    pub leg: Leg,
    /// For which flow.
    pub flow: Option<Slot>,
}

/// A typed address: every cookie of the app goes along, as when the user comes back later.
pub(super) const TYPED: &[Edit] = &[Edit::From(Initiator::AddressBar)];

/// Whether a request goes to this address: its path, and its query with more behind it. Some apps tell by the query what a
/// request to one path means.
pub(super) fn is_at(outgoing: &Outgoing, url: &Url) -> bool {
    let (path, query) = outgoing.target.split_once('?').unwrap_or((&outgoing.target, ""));
    path == url.path() && query.starts_with(url.query().unwrap_or_default())
}

impl Walker<'_> {
    /// Whether this is a request of a server, not of a browser.
    fn is_back_channel(&self, outgoing: &Outgoing) -> bool {
        let backchannel = self.world.site.backchannel.as_ref();
        backchannel.is_some_and(|url| is_at(outgoing, url))
    }

    /// How the app's authorization responses arrive: as they did in this walk, as its requests ask, or as it was learnt.
    pub(super) fn response_mode(&self) -> ResponseMode {
        let arrived = self.flows.values().find_map(|live| live.response.as_ref());
        let asked = || {
            self.evidence
                .flows
                .iter()
                .find_map(|flow| flow.authorization_request.as_deref())
        };
        match (arrived.map(|response| response.method.as_str()), asked()) {
            (Some("POST"), _) => ResponseMode::FormPost,
            (Some(_), _) => ResponseMode::Query,
            (None, Some(request)) => ResponseMode::of_request(request),
            (None, None) => self.evidence.target.response_mode,
        }
    }

    /// Where the parameters of this request stand: edits of a response change what the code behind it reads.
    pub(super) fn carrier(&self, outgoing: &Outgoing) -> Carrier {
        let by_form = outgoing.method == "POST" && self.response_mode() == ResponseMode::FormPost;
        match by_form && self.world.site.is_callback(outgoing) {
            true => Carrier::Form,
            false => Carrier::Query,
        }
    }

    /// A request to the redirection endpoint without any parameters, as the response mode has it, and the edits on it. A
    /// form post that no authorization server caused comes from some other site.
    pub(super) fn bare_response(&self, edits: &[Edit]) -> (Outgoing, Vec<Edit>) {
        let callback = &self.world.site.callback;
        if self.response_mode() == ResponseMode::Query {
            return (Outgoing::get(callback), edits.to_vec());
        }
        let says = edits.iter().any(|edit| matches!(edit, Edit::From(_)));
        let from = (!says).then_some(Edit::From(Initiator::OtherSiteForm));
        (
            Outgoing::form(callback, &[]),
            from.into_iter().chain(edits.iter().copied()).collect(),
        )
    }

    /// A request that is sent beside the browser with its cookies, with these edits on it. The second value is what would
    /// have gone out without them.
    pub(super) async fn prepare(
        &mut self,
        who: &str,
        outgoing: Outgoing,
        edits: &[Edit],
    ) -> (Outgoing, Option<Outgoing>) {
        let mut edited = outgoing.clone();
        let carrier = self.carrier(&outgoing);
        let (manner, problems) = apply(&mut edited, edits, carrier, self);
        self.evidence.obstacles.extend(problems);
        self.dress(who, &mut edited, manner).await;
        // Typing an address is no attack: it is not evidence of an edit.
        if edits.is_empty() || edits == TYPED {
            return (edited, None);
        }
        let mut plain = outgoing;
        self.dress(who, &mut plain, Manner::default()).await;
        (edited, Some(plain))
    }

    /// Adds what a browser adds: who it is, whence the request comes, cookies.
    async fn dress(&mut self, who: &str, outgoing: &mut Outgoing, manner: Manner) {
        dress::add_agent(outgoing);
        let initiator = self.initiator(who, manner);
        let sender = Sender {
            document: initiator.as_ref(),
            top_level: manner.initiator != Some(Initiator::OtherSiteSubresource),
        };
        if !self.is_back_channel(outgoing) {
            dress::add_whence(outgoing, sender);
        }
        if manner.no_cookies || dress::has(outgoing, "cookie") {
            return;
        }
        let to_app = self.world.site.is_app(&outgoing.origin);
        let browser = self.browser(who);
        let pairs = match &browser.cookies {
            Some(tampered) if to_app => tampered.clone(),
            _ => match browser.driver.cookies(outgoing, sender).await {
                Ok(pairs) => {
                    let pairs = pairs.into_iter();
                    pairs.map(|(name, value)| (name, value.into_bytes())).collect()
                }
                Err(trouble) => {
                    self.obstacle(trouble);
                    Vec::new()
                }
            },
        };
        dress::add_cookies(outgoing, &pairs);
    }

    /// Sends a request beside the browser, with its cookies, and keeps nothing of the answer. Returns the hop.
    pub(super) async fn send_beside(&mut self, purpose: Purpose<'_>, outgoing: Outgoing, edits: &[Edit]) -> usize {
        let (request, unedited) = self.prepare(purpose.who, outgoing, edits).await;
        let at = Stamp::now();
        let answer = self.world.client.send(&request).await;
        let seen = self.beside(at, request, answer);
        self.note(purpose, seen, unedited)
    }

    /// An exchange that is complete now.
    pub(super) fn beside(&self, at: Stamp, request: Outgoing, answer: Answer) -> Seen {
        Seen {
            at,
            done: Stamp::now(),
            kind: Kind::Document,
            owner: self.world.site.owner(&request.origin),
            request,
            answer,
        }
    }

    /// Records a hop.
    pub(super) fn note(&mut self, purpose: Purpose<'_>, seen: Seen, unedited: Option<Outgoing>) -> usize {
        let sent = seen.request;
        if let (Answer::Http { truncated: true, .. }, true) = (&seen.answer, self.world.site.is_app(&sent.origin)) {
            let path = sent.target.split('?').next().unwrap_or_default();
            self.obstacle(format!(
                "the answer of {path} is longer than {} MiB: what stands beyond was not read",
                BODY_LIMIT / (1024 * 1024)
            ));
        }
        self.evidence.hops.push(Hop {
            at: seen.at,
            done: seen.done,
            step: self.step,
            who: purpose.who.to_owned(),
            flow: purpose.flow,
            leg: purpose.leg,
            url: sent.url(),
            request: sent.record(),
            unedited: unedited.map(|plain| Box::new(plain.record())),
            response: seen.answer,
            rendered: None,
        });
        self.tell_pace();
        self.evidence.hops.len() - 1
    }

    /// Counts the sign-ins that the app let begin, and tells when it refuses a request because there were too many.
    fn tell_pace(&self) {
        let Some((last, earlier)) = self.evidence.hops.split_last() else {
            return;
        };
        let starts = last.leg == Leg::SignInStart;
        // 503 with `Retry-After` may be the authorization server's fault, once that takes part.
        let may_be_a_limit = match last.leg {
            Leg::Idp | Leg::EndSession | Leg::Elsewhere => false,
            _ => starts || last.status() == Some(429),
        };
        match Cause::limit_in(std::iter::once(last)) {
            Some(Cause::Limited { retry_after, .. }) if may_be_a_limit => {
                self.world.pace.met_limit(&self.world.site.origin, retry_after)
            }
            None if starts && !earlier.iter().any(|hop| hop.leg == last.leg && hop.flow == last.flow) => {
                self.world.pace.let_through(&self.world.site.origin);
            }
            _ => {}
        }
    }

    /// Records a hop whose answer the browser keeps as if its tab had got it.
    pub(super) fn note_kept(&mut self, purpose: Purpose<'_>, seen: Seen) -> usize {
        let hop = self.note(purpose, seen.clone(), None);
        self.browser(purpose.who).driver.take_in(seen);
        self.opened(purpose.who, hop);
        hop
    }

    /// Records a request that is not sent.
    pub(super) fn note_unsent(&mut self, purpose: Purpose<'_>, outgoing: &Outgoing, why: &str) -> usize {
        let answer = Answer::NotSent { why: why.to_owned() };
        let seen = self.beside(Stamp::now(), outgoing.clone(), answer);
        self.note(purpose, seen, None)
    }

    /// Reads the page that `hop` brought. `None` after an obstacle was noted.
    pub(super) async fn page(&mut self, hop: usize) -> Option<Page> {
        let hop = &self.evidence.hops[hop];
        let url = Url::parse(&hop.url).ok()?;
        match read_page(hop.body(), &url, self.world.client.limit()).await {
            Ok(page) => Some(page),
            Err(unreadable) => {
                self.obstacle(unreadable);
                None
            }
        }
    }

    pub(super) async fn request(&mut self, who: &str, place: Place, edits: &[Edit]) {
        let purpose = Purpose {
            who,
            leg: Leg::Direct,
            flow: None,
        };
        if place == Place::Callback {
            let (response, edits) = self.bare_response(edits);
            self.visit(purpose, response, &edits).await;
            return;
        }
        let url = match place {
            Place::SignOut => self.sign_out_address(who).await,
            place => self.world.site.place(place),
        };
        let Some(url) = url else {
            return self.obstacle(format!("the target has no {place:?}"));
        };
        let outgoing = Outgoing::get(&url);
        match self.is_back_channel(&outgoing) {
            true => self.send_beside(purpose, outgoing, edits).await,
            false => self.visit(purpose, outgoing, edits).await,
        };
    }

    pub(super) async fn raw_bytes(&mut self, who: &str, bytes: &str) {
        if self.is_beyond(who, Ability::RawBytes) {
            return;
        }
        let bytes = super::editing::Fill::plain(self, bytes);
        let origin = self.world.site.origin.clone();
        let at = Stamp::now();
        let answer = self.world.client.send_raw(&origin, bytes.as_bytes()).await;
        let mut words = bytes.split(' ');
        let mut sent = Outgoing::get(&origin);
        sent.method = words.next().unwrap_or_default().to_owned();
        sent.target = words.next().unwrap_or_default().to_owned();
        sent.body = bytes.clone().into_bytes();
        let purpose = Purpose {
            who,
            leg: Leg::Direct,
            flow: None,
        };
        let seen = self.beside(at, sent, answer);
        self.note(purpose, seen, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The module of Apache does everything at one path: `?logout=` signs out, `?logout=backchannel` takes logout tokens.
    #[test]
    fn an_address_is_told_by_its_query_where_it_has_one() {
        let at = |address: &str, target: &str| {
            let url = Url::parse("http://localhost:3000").unwrap();
            is_at(&Outgoing::get(&url.join(target).unwrap()), &url.join(address).unwrap())
        };
        assert!(at("/callback?logout=backchannel", "/callback?logout=backchannel"));
        assert!(at("/callback?logout=get", "/callback?logout=get&sid=1"));
        assert!(at("/frontchannel", "/frontchannel?iss=x&sid=1"));
        assert!(!at("/callback?logout=backchannel", "/callback?logout="));
        assert!(!at("/logout", "/logout-all"));
    }
}
