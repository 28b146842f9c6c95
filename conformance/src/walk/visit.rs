//! Lets a browser send and press, and writes down what came of it, whatever drives it.

use base64::Engine;
use mock_idp::flow::record::Stamp;
use url::Url;

use super::{
    Walker,
    driver::{Ability, Order, Part, Press, Shot, Sight, Visit, opens_page},
    editing::{Manner, apply},
    navigate::{Landing, Purpose, is_at},
    needs,
    sign_in::unchanged,
};
use crate::{
    browser::{
        http::Outgoing,
        page::Clickable,
        rule::{Hold, Kind, Owner, Rule, Seen},
    },
    edit::{Edit, Initiator},
    evidence::{Answer, Leg, Screen},
};

/// A navigation that was held: where the browser wanted to go.
#[derive(Clone, Debug)]
pub(super) struct Held {
    owner: Owner,
    request: Outgoing,
}

/// Where a visit ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    /// The hop that brought the page that is open now.
    pub hop: usize,
    /// Whether the browser failed on the way.
    pub is_broken: bool,
}

impl Walker<'_> {
    /// Sends a request the way a browser can: by a typed address, a link, a form, an image, a frame, and follows as far as the
    /// leg goes. Returns the index of the hop that brought the page that is open now.
    pub(super) async fn visit(&mut self, purpose: Purpose<'_>, outgoing: Outgoing, edits: &[Edit]) -> usize {
        let order = self.order(purpose, outgoing, edits);
        self.carry_out(purpose, order).await.hop
    }

    /// As [`Walker::visit`], on any leg as far as the app's pages lead.
    pub(super) async fn visit_and_follow(&mut self, purpose: Purpose<'_>, outgoing: Outgoing, edits: &[Edit]) -> usize {
        let order = followed(self.order(purpose, outgoing, edits));
        self.carry_out(purpose, order).await.hop
    }

    /// Opens a page to press something on it, and presses it. `on_button`: the edits that a form may carry.
    pub(super) async fn open_and_press(
        &mut self,
        purpose: Purpose<'_>,
        (page, edits): (Outgoing, &[Edit]),
        what: Press<'_>,
        (on_link, on_button): (&[Edit], &[Edit]),
    ) -> Landing {
        let order = Order {
            wants: Some(what),
            ..self.order(purpose, page, edits)
        };
        let opened = self.carry_out(purpose, order).await.hop;
        match self.landed(purpose) {
            Landing::Page => {}
            elsewhere => return elsewhere,
        }
        match self.press_with(purpose, what, opened, (on_link, on_button)).await {
            Some(_) => self.landed(purpose),
            None => {
                // Only scripts may tell what an edited request would be; that is no missing button.
                self.has_missed = unchanged(on_link) && unchanged(on_button);
                Landing::Page
            }
        }
    }

    /// Presses something on the open page, which hop `opened` brought, with these edits on what a link or a button sends.
    /// `None` when the page has no such thing, or only scripts tell what it sends and that was to be edited.
    pub(super) async fn press_with(
        &mut self,
        purpose: Purpose<'_>,
        what: Press<'_>,
        opened: usize,
        (on_link, on_button): (&[Edit], &[Edit]),
    ) -> Option<usize> {
        if unchanged(on_link) && unchanged(on_button) {
            return self.press(purpose, what).await.map(|arrival| arrival.hop);
        }
        let limit = self.world.client.limit();
        let hop = &self.evidence.hops[opened];
        let url = Url::parse(&hop.url).ok()?;
        let shown = hop.shown().to_owned();
        // What a browser sends by itself cannot be changed: the page tells what it would be, and that is sent.
        match what.on(&shown, &url, limit).await {
            Some(Clickable::Link(url)) => Some(self.visit(purpose, Outgoing::get(&url), on_link).await),
            Some(Clickable::Button(form)) if !unchanged(on_button) => {
                Some(self.visit(purpose, form.request(), on_button).await)
            }
            None if !unchanged(on_button) => None,
            _ => self.press(purpose, what).await.map(|arrival| arrival.hop),
        }
    }

    /// Presses something on the open page. `None` when the page has no such thing.
    pub(super) async fn press(&mut self, purpose: Purpose<'_>, what: Press<'_>) -> Option<Arrival> {
        let here = self.browser(purpose.who).document.clone();
        let here = here.unwrap_or_else(|| self.world.site.origin.clone());
        let order = followed(self.order(purpose, Outgoing::get(&here), &[]));
        let wanted = order.request.clone();
        let visit = self.browser(purpose.who).driver.press(what, order).await?;
        Some(self.arrive(purpose, &wanted, None, visit).await)
    }

    async fn carry_out(&mut self, purpose: Purpose<'_>, mut order: Order<'_>) -> Arrival {
        let needed = Ability::to_send(&order.request);
        let lacked = needed.and_then(|needed| self.lacks(purpose.who, needed));
        if let Some(reason) = lacked {
            self.evidence.beyond.push(needs::beyond(reason.clone()));
            self.browser(purpose.who).held = None;
            return Arrival {
                hop: self.note_unsent(purpose, &order.request, &reason),
                is_broken: false,
            };
        }
        if purpose.leg == Leg::EndSession && self.is_hanging() && self.lacks(purpose.who, Ability::GiveUp).is_none() {
            order.patience = Some(super::sign_out::TAB_IS_CLOSED);
        }
        let (wanted, plain) = (order.request.clone(), order.plain.clone());
        let visit = self.browser(purpose.who).driver.visit(order).await;
        self.arrive(purpose, &wanted, plain.as_ref(), visit).await
    }

    /// A request with these edits, and how this leg is walked: it ends where the next one begins.
    fn order(&mut self, purpose: Purpose<'_>, outgoing: Outgoing, edits: &[Edit]) -> Order<'static> {
        let mut request = outgoing.clone();
        let carrier = self.carrier(&outgoing);
        let (manner, problems) = apply(&mut request, edits, carrier, self);
        self.evidence.obstacles.extend(problems);
        let hold = match purpose.leg {
            Leg::Idp | Leg::EndSession => Hold::App,
            Leg::Direct => Hold::AfterFirst,
            _ => Hold::Idp,
        };
        let part = self.part(&request, manner);
        let initiator = self.initiator(purpose.who, manner);
        let browser = self.browser(purpose.who);
        Order {
            request,
            plain: (!edits.is_empty()).then_some(outgoing),
            initiator,
            here: browser.document.clone(),
            part,
            rule: Rule {
                hold,
                cookies: browser.cookies.clone(),
                bare_first: manner.no_cookies,
            },
            wants: None,
            patience: None,
        }
    }

    /// What another site's page loads is an image, or, of the front-channel logout URI, a frame.
    fn part(&self, request: &Outgoing, manner: Manner) -> Option<Part> {
        let frontchannel = self.world.site.frontchannel.as_ref();
        let framed = frontchannel.is_some_and(|url| is_at(request, url));
        match (manner.initiator, framed) {
            (Some(Initiator::OtherSiteSubresource), true) => Some(Part::Frame),
            (Some(Initiator::OtherSiteSubresource), false) => Some(Part::Image),
            _ => None,
        }
    }

    pub(super) fn initiator(&mut self, who: &str, manner: Manner) -> Option<Url> {
        match manner.initiator.unwrap_or_default() {
            Initiator::CurrentDocument => self.browser(who).document.clone(),
            Initiator::AddressBar => None,
            Initiator::OtherSiteLink | Initiator::OtherSiteForm | Initiator::OtherSiteSubresource => {
                Some(self.evidence.target.second_origin.clone())
            }
        }
    }

    /// Why this person's browser cannot do something.
    pub(super) fn lacks(&mut self, who: &str, ability: Ability<'_>) -> Option<String> {
        self.browser(who).driver.lacks(ability)
    }

    /// Whether an act is beyond this person's browser, which is noted then.
    pub(super) fn is_beyond(&mut self, who: &str, ability: Ability<'_>) -> bool {
        let lacked = self.lacks(who, ability).map(needs::beyond);
        let is_beyond = lacked.is_some();
        self.evidence.beyond.extend(lacked);
        is_beyond
    }

    /// Writes down what came of an order.
    async fn arrive(
        &mut self,
        purpose: Purpose<'_>,
        wanted: &Outgoing,
        plain: Option<&Outgoing>,
        visit: Visit,
    ) -> Arrival {
        let Visit {
            seen,
            unedited,
            trouble,
            notes,
            sight,
        } = visit;
        let is_broken = trouble.is_some();
        self.evidence.obstacles.extend(trouble);
        let page = self.write_down(purpose, wanted, plain, unedited, seen);
        self.evidence.obstacles.extend(notes);
        match sight {
            Some(sight) => self.look(purpose.who, page, sight).await,
            // What stands there when something went wrong, where the browser still shows anything.
            None => self.keep_screen(purpose.who, wanted.url(), Vec::new()).await,
        }
        let hop = match page {
            Some(page) => page,
            // The browser answered from its cache, or did nothing.
            None => self.note_unsent(purpose, wanted, "the browser sent no request"),
        };
        Arrival { hop, is_broken }
    }

    /// Turns what was seen into hops. Returns the hop of the last page.
    fn write_down(
        &mut self,
        purpose: Purpose<'_>,
        wanted: &Outgoing,
        plain: Option<&Outgoing>,
        unedited: Option<Outgoing>,
        seen: Vec<Seen>,
    ) -> Option<usize> {
        let carried = seen
            .iter()
            .position(|seen| seen.kind == Kind::Document)
            .or_else(|| seen.iter().position(|seen| seen.request.target == wanted.target));
        self.browser(purpose.who).held = None;
        let mut page = None;
        for (index, seen) in seen.into_iter().enumerate() {
            if seen.is_held() {
                if seen.kind == Kind::Document && self.browser(purpose.who).held.is_none() {
                    self.hold(purpose.who, seen.owner, seen.request);
                }
                continue;
            }
            let first = Some(index) == carried;
            let server_error = matches!(&seen.answer, Answer::Http { status, .. } if *status >= 500);
            let telling = match (seen.kind, seen.owner) {
                _ if first => true,
                (Kind::Document, _) | (Kind::Fetch | Kind::Frame, Owner::App) => true,
                _ => server_error && seen.owner == Owner::App,
            };
            if !telling {
                continue;
            }
            let leg = match (seen.kind, purpose.leg) {
                _ if first => purpose.leg,
                (Kind::Document, Leg::Callback) => Leg::AfterCallback,
                (Kind::Document, leg) => leg,
                _ => Leg::Direct,
            };
            let unedited = plain.filter(|_| first).map(|plain| match &unedited {
                Some(unedited) => unedited.clone(),
                None => Outgoing {
                    headers: seen.request.headers.clone(),
                    ..plain.clone()
                },
            });
            let is_page = first || seen.kind == Kind::Document;
            let hop = self.note(Purpose { leg, ..purpose }, seen, unedited);
            if is_page {
                self.opened(purpose.who, hop);
                page = Some(hop);
            }
        }
        page
    }

    /// Keeps where the browser wants to go.
    pub(super) fn hold(&mut self, who: &str, owner: Owner, mut request: Outgoing) {
        // What the browser adds by itself it will add again.
        request.headers.retain(|(name, _)| name == "content-type");
        self.browser(who).held = Some(Held { owner, request });
    }

    /// An answer that is a page is the open document from now on.
    pub(super) fn opened(&mut self, who: &str, hop: usize) {
        let hop = &self.evidence.hops[hop];
        if opens_page(&hop.response) {
            let url = Url::parse(&hop.url).ok();
            self.browser(who).document = url;
        }
    }

    /// Keeps what scripts made of the page, a picture of it, and what it complained about.
    async fn look(&mut self, who: &str, page: Option<usize>, sight: Sight) {
        let answered = page.is_some_and(|page| {
            let status = self.evidence.hops[page].status();
            status.is_some_and(|status| !(300..400).contains(&status) && status != 204)
        });
        if let (Some(page), Some(rendered)) = (page.filter(|_| answered), sight.rendered) {
            self.evidence.hops[page].rendered = Some(rendered);
        }
        // The hosted form is the same in every walk, and not the app's: a picture of it would tell nobody anything.
        let tells = answered && !sight.is_hosted_form;
        if tells || !sight.alerts.is_empty() || sight.had_others {
            self.keep_screen(who, sight.url, sight.alerts).await;
        }
    }

    /// Keeps a picture of what the browser shows, and what its console says.
    async fn keep_screen(&mut self, who: &str, url: String, alerts: Vec<String>) {
        let (step, is_pictured) = (self.step, !self.is_unpictured);
        let Some(Shot { jpeg, console }) = self.browser(who).driver.screen(is_pictured).await else {
            return;
        };
        self.evidence.screens.push(Screen {
            at: Stamp::now(),
            step,
            who: who.to_owned(),
            url,
            console,
            alerts,
            jpeg: base64::engine::general_purpose::STANDARD.encode(jpeg),
        });
    }

    /// Where the last visit ended.
    pub(super) fn landed(&mut self, purpose: Purpose<'_>) -> Landing {
        let Some(Held { owner, request }) = self.browser(purpose.who).held.take() else {
            return Landing::Page;
        };
        match owner {
            Owner::Idp => Landing::Idp(request),
            Owner::App => Landing::Page,
            Owner::Other => {
                let elsewhere = Purpose {
                    leg: Leg::Elsewhere,
                    ..purpose
                };
                self.note_unsent(elsewhere, &request, "neither the app nor the authorization server");
                Landing::Elsewhere
            }
        }
    }

    /// The request at which the last visit was held, whoever's it is.
    pub(super) fn held(&mut self, who: &str) -> Option<Outgoing> {
        self.browser(who).held.take().map(|held| held.request)
    }
}

/// An order that does not end with the first answer.
fn followed(mut order: Order<'_>) -> Order<'_> {
    if order.rule.hold == Hold::AfterFirst {
        order.rule.hold = Hold::Idp;
    }
    order
}
