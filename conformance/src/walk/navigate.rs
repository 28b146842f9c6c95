//! Sends one request of a browser and follows redirects inside the app.

use mock_idp::flow::record::Stamp;
use url::Url;

use super::{
    Walker,
    editing::{Carrier, Manner, apply},
};
use crate::{
    browser::{
        cookie_jar::{Situation, same_site},
        http::{BODY_LIMIT, Outgoing},
        page::{self, Page},
    },
    edit::{Edit, Initiator},
    evidence::{Answer, Hop, Leg, Problem, ResponseMode},
    markup::Unreadable,
    script::{Place, Slot},
};

/// Pages of up to this many bytes are read where they arrive.
const SMALL_PAGE: usize = 64 * 1024;

/// More redirects inside the app than any sign-in needs.
const REDIRECT_LIMIT: usize = 12;

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

impl Walker<'_> {
    /// Sends a request with the browser's cookies, records the hop, takes in the cookies. Returns the hop's index.
    pub(super) async fn send(&mut self, purpose: Purpose<'_>, outgoing: Outgoing, edits: &[Edit]) -> usize {
        if self.is_real() && !self.is_back_channel(&outgoing) {
            return self.visit(purpose, outgoing, edits).await;
        }
        let (outgoing, unedited) = self.prepare(purpose.who, outgoing, edits);
        let at = Stamp::now();
        let answer = self.world.client.send(&outgoing).await;
        self.note(purpose, at, &outgoing, unedited, answer, true)
    }

    /// Whether this is a request of a server, not of a browser.
    fn is_back_channel(&self, outgoing: &Outgoing) -> bool {
        let backchannel = self.world.site.backchannel.as_ref();
        backchannel.is_some_and(|url| outgoing.target.split('?').next() == Some(url.path()))
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

    /// Adds edits and cookies to a request. The second value is what would have gone out without the edits.
    pub(super) fn prepare(&mut self, who: &str, outgoing: Outgoing, edits: &[Edit]) -> (Outgoing, Option<Outgoing>) {
        let mut edited = outgoing.clone();
        let carrier = self.carrier(&outgoing);
        let (manner, problems) = apply(&mut edited, edits, carrier, self);
        self.evidence.obstacles.extend(problems);
        self.dress(who, &mut edited, manner);
        let unedited = (!edits.is_empty()).then(|| {
            let mut plain = outgoing;
            self.dress(who, &mut plain, Manner::default());
            plain
        });
        (edited, unedited)
    }

    /// Adds what a browser adds: who it is, whence the request comes, cookies.
    fn dress(&mut self, who: &str, outgoing: &mut Outgoing, manner: Manner) {
        outgoing
            .headers
            .push(("user-agent".to_owned(), b"Mozilla/5.0 (conformance)".to_vec()));
        if !outgoing.headers.iter().any(|(name, _)| name == "accept") {
            let accept = b"text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8";
            outgoing.headers.push(("accept".to_owned(), accept.to_vec()));
        }
        let second_origin = self.evidence.target.second_origin.clone();
        let to_app = self.world.site.is_app(&outgoing.origin);
        let from_server = self.is_back_channel(outgoing);
        let browser = self.browser(who);
        let initiator = match manner.initiator.unwrap_or_default() {
            Initiator::CurrentDocument => browser.document.clone(),
            Initiator::AddressBar => None,
            Initiator::OtherSiteLink | Initiator::OtherSiteForm | Initiator::OtherSiteSubresource => {
                Some(second_origin)
            }
        };
        let top_level = manner.initiator != Some(Initiator::OtherSiteSubresource);
        if !from_server {
            for (name, value) in whence(outgoing, initiator.as_ref(), top_level) {
                if !outgoing.headers.iter().any(|(field, _)| field == name) {
                    outgoing.headers.push((name.to_owned(), value.into_bytes()));
                }
            }
        }
        if manner.no_cookies || outgoing.headers.iter().any(|(name, _)| name == "cookie") {
            return;
        }
        let pairs = match &browser.cookies {
            Some(tampered) if to_app => tampered.clone(),
            _ => {
                let situation = Situation {
                    initiator: initiator.as_ref(),
                    method: &outgoing.method,
                    top_level,
                };
                let pairs = browser.jar.pairs(&outgoing.origin, situation, Stamp::now());
                pairs
                    .into_iter()
                    .map(|(name, value)| (name, value.into_bytes()))
                    .collect()
            }
        };
        if !pairs.is_empty() {
            let line = pairs
                .iter()
                .map(|(name, value)| [name.as_bytes(), b"=", value].concat())
                .collect::<Vec<_>>();
            outgoing.headers.push(("cookie".to_owned(), line.join(&b"; "[..])));
        }
    }

    /// Records a hop and, when `keep` says so, lets the answer change the browser.
    pub(super) fn note(
        &mut self,
        purpose: Purpose<'_>,
        at: Stamp,
        sent: &Outgoing,
        unedited: Option<Outgoing>,
        response: Answer,
        keep: bool,
    ) -> usize {
        let done = Stamp::now();
        if let (Answer::Http { truncated: true, .. }, true) = (&response, self.world.site.is_app(&sent.origin)) {
            let path = sent.target.split('?').next().unwrap_or_default();
            self.obstacle(format!(
                "the answer of {path} is longer than {} MiB: what stands beyond was not read",
                BODY_LIMIT / (1024 * 1024)
            ));
        }
        if let (true, Answer::Http { status, headers, .. }) = (keep, &response) {
            let browser = self.browser(purpose.who);
            for (_, line) in headers.iter().filter(|(name, _)| name == "set-cookie") {
                browser.jar.take(&sent.origin, line, done);
            }
            if !(300..400).contains(status) {
                browser.document = Url::parse(&sent.url()).ok();
            }
        }
        self.evidence.hops.push(Hop {
            at,
            done,
            step: self.step,
            who: purpose.who.to_owned(),
            flow: purpose.flow,
            leg: purpose.leg,
            url: sent.url(),
            request: sent.record(),
            unedited: unedited.map(|plain| Box::new(plain.record())),
            response,
            rendered: None,
        });
        self.evidence.hops.len() - 1
    }

    /// Notes a request that is not sent.
    pub(super) fn note_unsent(&mut self, purpose: Purpose<'_>, outgoing: &Outgoing, why: &str) {
        self.note(
            purpose,
            Stamp::now(),
            outgoing,
            None,
            Answer::NotSent { why: why.to_owned() },
            false,
        );
    }

    /// Follows the answer of `hop`: redirects, refreshes and self-submitting forms, as long as they stay inside the app.
    pub(super) async fn follow(&mut self, purpose: Purpose<'_>, mut hop: usize) -> Landing {
        if self.is_real() {
            return self.landed(purpose);
        }
        for _ in 0..REDIRECT_LIMIT {
            let Some(next) = self.next_of(hop).await else {
                return Landing::Page;
            };
            if self.world.site.is_idp(&next.origin) {
                return Landing::Idp(next);
            }
            if !self.world.site.is_app(&next.origin) {
                let elsewhere = Purpose {
                    leg: Leg::Elsewhere,
                    ..purpose
                };
                self.note_unsent(elsewhere, &next, "neither the app nor the authorization server");
                return Landing::Elsewhere;
            }
            hop = self.send(purpose, next, &[]).await;
        }
        if let Some(next) = self.next_of(hop).await {
            let text = format!("more than {REDIRECT_LIMIT} redirects inside the app");
            let answer = Answer::Broken {
                problem: Problem::Loop,
                text,
            };
            self.note(purpose, Stamp::now(), &next, None, answer, false);
        }
        Landing::Page
    }

    /// What a browser would request next after the answer of `hop`; `None` where it stays.
    async fn next_of(&mut self, hop: usize) -> Option<Outgoing> {
        let Hop {
            url, request, response, ..
        } = &self.evidence.hops[hop];
        let Answer::Http { status, headers, .. } = response else {
            return None;
        };
        let base = Url::parse(url).ok()?;
        let header = |wanted: &str| {
            headers
                .iter()
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.as_str())
        };
        if (300..400).contains(status) {
            let target = base.join(header("location")?).ok()?;
            let mut next = Outgoing::get(&target);
            if matches!(status, 307 | 308) {
                next.method.clone_from(&request.method);
                next.body = request.body.clone().into_bytes();
                let content_type = request.headers.iter().find(|(name, _)| name == "content-type");
                next.headers
                    .extend(content_type.map(|(name, value)| (name.clone(), value.clone().into_bytes())));
            }
            return Some(next);
        }
        if let Some(value) = header("refresh") {
            return refresh_header(value, &base).map(|url| Outgoing::get(&url));
        }
        if !header("content-type").is_some_and(|kind| kind.contains("html")) {
            return None;
        }
        let page = self.page(hop).await?;
        match page.self_submitting() {
            Some(form) => Some(submission(form)),
            None => page.refresh_target().map(Outgoing::get),
        }
    }

    /// Reads the page that `hop` brought, long ones beside the threads that wait for answers. `None` after an obstacle was
    /// noted.
    pub(super) async fn page(&mut self, hop: usize) -> Option<Page> {
        let limit = self.world.client.limit();
        let hop = &self.evidence.hops[hop];
        let base = Url::parse(&hop.url).ok()?;
        let html = hop.body();
        let read = match html.len() <= SMALL_PAGE {
            true => Page::read(html, &base, limit),
            false => {
                let html = html.to_owned();
                let reading = tokio::task::spawn_blocking(move || Page::read(&html, &base, limit));
                reading.await.unwrap_or(Err(Unreadable::TooLong))
            }
        };
        match read {
            Ok(page) => Some(page),
            Err(reason) => {
                let path = hop.request.target.split('?').next().unwrap_or_default();
                let text = format!("the page {path} cannot be read: {reason}");
                self.obstacle(text);
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
            self.send(purpose, response, &edits).await;
            return;
        }
        let url = match place {
            Place::SignOut => self.sign_out_address(who).await,
            place => self.world.site.place(place),
        };
        let Some(url) = url else {
            return self.obstacle(format!("the target has no {place:?}"));
        };
        self.send(purpose, Outgoing::get(&url), edits).await;
    }

    pub(super) async fn raw_bytes(&mut self, who: &str, bytes: &str) {
        let bytes = super::editing::Fill::plain(self, bytes);
        let origin = self.world.site.origin.clone();
        let at = Stamp::now();
        let answer = self.world.client.send_raw(&origin, bytes.as_bytes()).await;
        let mut words = bytes.split(' ');
        let mut sent = Outgoing::get(&origin);
        sent.method = words.next().unwrap_or_default().to_owned();
        sent.target = words.next().unwrap_or_default().to_owned();
        sent.body = bytes.clone().into_bytes();
        self.note(
            Purpose {
                who,
                leg: Leg::Direct,
                flow: None,
            },
            at,
            &sent,
            None,
            answer,
            false,
        );
    }
}

/// Where a `Refresh` header leads: `0; url=/next` in any spelling (HTML Standard §7.4.7 takes it for the `meta` element).
fn refresh_header(value: &str, base: &Url) -> Option<Url> {
    let (_, target) = value.split_once([';', ','])?;
    let target = target.trim();
    let (name, address) = target.split_once('=')?;
    let address = match name.trim().eq_ignore_ascii_case("url") {
        true => address,
        false => target,
    };
    base.join(address.trim().trim_matches(['\'', '"'])).ok()
}

/// The request that sends a form.
#[must_use]
pub fn submission(form: &page::Form) -> Outgoing {
    if form.method == "POST" {
        return Outgoing::form(&form.action, &form.fields);
    }
    let mut url = form.action.clone();
    url.query_pairs_mut().clear().extend_pairs(&form.fields);
    Outgoing::get(&url)
}

/// The fields by which a browser tells a server whence a request comes, and by which many apps refuse what another site
/// sends: `Origin` (Fetch §3.2: with every method but GET and HEAD) and Fetch Metadata (W3C, §2).
fn whence(outgoing: &Outgoing, initiator: Option<&Url>, top_level: bool) -> Vec<(&'static str, String)> {
    let target = &outgoing.origin;
    let site = match initiator {
        None => "none",
        Some(document) if document.origin() == target.origin() => "same-origin",
        Some(document) if same_site(document, target) => "same-site",
        Some(_) => "cross-site",
    };
    let (mode, destination) = if top_level {
        ("navigate", "document")
    } else {
        ("no-cors", "image")
    };
    let mut fields = vec![
        ("sec-fetch-site", site.to_owned()),
        ("sec-fetch-mode", mode.to_owned()),
        ("sec-fetch-dest", destination.to_owned()),
    ];
    if !matches!(outgoing.method.as_str(), "GET" | "HEAD") {
        let origin = initiator.map_or_else(|| "null".to_owned(), |document| document.origin().ascii_serialization());
        fields.push(("origin", origin));
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_is_read_in_any_case() {
        let base = Url::parse("http://localhost:3000/signin").unwrap();
        for value in ["0;url=/next", "0; URL=/next", "0;URL='/next'", "5; Url=\"/next\" "] {
            let led = refresh_header(value, &base).map(|url| url.path().to_owned());
            assert_eq!(led.as_deref(), Some("/next"), "{value}");
        }
        assert_eq!(refresh_header("5", &base), None);
    }

    #[test]
    fn a_post_of_another_site_says_so_like_that_of_a_browser() {
        let url = |text| Url::parse(text).unwrap();
        let page = url("http://localhost:3000/profile");
        let post = Outgoing::form(&url("http://localhost:3000/logout"), &[]);
        let told = |outgoing: &Outgoing, initiator: Option<&Url>, top_level| {
            let fields = whence(outgoing, initiator, top_level);
            let values: Vec<String> = fields.into_iter().map(|(_, value)| value).collect();
            values.join(" ")
        };
        assert_eq!(
            told(&post, Some(&page), true),
            "same-origin navigate document http://localhost:3000"
        );
        assert_eq!(
            told(&post, Some(&url("http://127.0.0.1:9494/evil")), true),
            "cross-site navigate document http://127.0.0.1:9494"
        );
        assert_eq!(
            told(&Outgoing::get(&page), Some(&url("http://localhost:3001/")), false),
            "same-site no-cors image"
        );
        assert_eq!(told(&Outgoing::get(&page), None, true), "none navigate document");
    }
}
