//! The three legs of a sign-in: start at the app, sign in at the authorization server, deliver the response.

use url::Url;

use super::{
    Walker,
    driver::Press,
    navigate::{Landing, Purpose},
    steps::Missing,
};
use crate::{
    browser::http::Outgoing,
    edit::Edit,
    evidence::{Answer, Leg},
    script::Slot,
    target::SignIn,
};

/// More pages than any hosted sign-in has.
const PAGE_LIMIT: usize = 10;

/// What is typed into every password field: the authorization server takes any but the literal `wrong`.
pub(super) const PASSWORD: &str = "correct horse battery staple";

/// Words by which a sign-in form is known among several; spaces and dashes are taken out before comparing.
const SIGN_IN_WORDS: &[&str] = &["signin", "login", "logon", "continue", "anmelden"];

impl Walker<'_> {
    /// `Start`, `Authorize` and `Deliver`; the edits stand on the first request.
    pub(super) async fn sign_in(&mut self, who: &str, person: &str, slot: Slot, edits: &[Edit]) {
        self.start(who, person, slot, edits).await;
        self.authorize(who, slot, &[]).await;
        self.deliver(who, slot, &[]).await;
    }

    /// Opens the app's sign-in and stops before the authorization request is sent.
    pub(super) async fn start(&mut self, who: &str, person: &str, slot: Slot, edits: &[Edit]) {
        self.provision(person).await;
        self.world.pace.turn().await;
        let slot = self.begin(who, person, slot);
        let purpose = Purpose {
            who,
            leg: Leg::SignInStart,
            flow: Some(slot),
        };
        self.mark_edited(slot, edits);
        let site = std::sync::Arc::clone(&self.world.site);
        let page = Outgoing::get(&site.sign_in_page());
        let landing = match (&site.sign_in, pressed_at(&site.sign_in)) {
            (SignIn::Steps(steps), _) => self.steps(purpose, person, steps, edits, Missing::Stops).await,
            (_, Some(what)) => {
                let beside_query = beside_query(edits);
                self.open_and_press(purpose, (page, edits), what, (edits, &beside_query))
                    .await
            }
            (_, None) => {
                self.visit(purpose, page, edits).await;
                self.landed(purpose)
            }
        };
        self.keep_authorization_request(slot, landing);
    }

    /// Starts another sign-in. That the app begins none is what is to be learnt, and no obstacle to the walk.
    pub(super) async fn start_again(&mut self, who: &str, slot: Slot) {
        let obstacles = self.evidence.obstacles.len();
        self.start(who, who, slot, &[]).await;
        self.evidence.obstacles.truncate(obstacles);
    }

    /// A flow whose first request was edited says little about what the app sends by itself.
    fn mark_edited(&mut self, slot: Slot, edits: &[Edit]) {
        let edited = !unchanged(edits);
        if let Some(flow) = self.evidence.flows.iter_mut().find(|flow| flow.slot == slot) {
            flow.start_edited = edited;
        }
    }

    /// Starts a sign-in the way a third party does (OIDC Core §4).
    pub(super) async fn initiate_login(&mut self, who: &str, slot: Slot, edits: &[Edit]) {
        let Some(mut url) = self.world.site.initiate_login.clone() else {
            return self.obstacle("the target has no `initiate_login` URI");
        };
        self.provision(who).await;
        self.world.pace.turn().await;
        let slot = self.begin(who, who, slot);
        url.query_pairs_mut().append_pair("iss", &self.evidence.target.issuer);
        let purpose = Purpose {
            who,
            leg: Leg::SignInStart,
            flow: Some(slot),
        };
        self.visit(purpose, Outgoing::get(&url), edits).await;
        self.mark_edited(slot, edits);
        let landing = self.landed(purpose);
        self.keep_authorization_request(slot, landing);
    }

    /// Opens the protected page as a deep link.
    pub(super) async fn deep_link(&mut self, who: &str, slot: Slot, suffix: &str) {
        self.provision(who).await;
        self.world.pace.turn().await;
        let slot = self.begin(who, who, slot);
        let purpose = Purpose {
            who,
            leg: Leg::SignInStart,
            flow: Some(slot),
        };
        let mut outgoing = Outgoing::get(&self.world.site.at(&self.world.site.oracle.probe));
        outgoing.target.push_str(suffix);
        self.visit(purpose, outgoing, &[]).await;
        let mut landing = self.landed(purpose);
        // A page on which the user still has to press the button, or to make the steps that follow the first page.
        let site = std::sync::Arc::clone(&self.world.site);
        if let (SignIn::Steps(steps), Landing::Page) = (&site.sign_in, &landing) {
            let rest = steps.get(1..).unwrap_or_default();
            landing = self.steps(purpose, who, rest, &[], Missing::Skips).await;
        }
        if let (Landing::Page, Some(what)) = (&landing, pressed_at(&site.sign_in))
            && self.press(purpose, what).await.is_some()
        {
            landing = self.landed(purpose);
        }
        self.keep_authorization_request(slot, landing);
    }

    pub(super) fn keep_authorization_request(&mut self, slot: Slot, landing: Landing) {
        let Landing::Idp(request) = landing else {
            return;
        };
        if let Some(flow) = self.evidence.flows.iter_mut().find(|flow| flow.slot == slot) {
            flow.authorization_request = Some(as_url(&request));
        }
        if let Some(live) = self.flows.get_mut(&slot) {
            live.request = Some(request);
        }
    }

    /// Sends the authorization request, signs in on the hosted page, stops before the response is delivered.
    pub(super) async fn authorize(&mut self, who: &str, slot: Slot, edits: &[Edit]) {
        let slot = self.slot(slot);
        let Some(live) = self.flows.get(&slot) else {
            return self.obstacle("a flow was to be authorized that was never started");
        };
        // Without an authorization request the app did not start a sign-in: there is nothing to walk, which is a result.
        let (Some(request), enter) = (live.request.clone(), live.enter.clone()) else {
            return;
        };
        self.enter(who, &enter).await;
        let purpose = Purpose {
            who,
            leg: Leg::Idp,
            flow: Some(slot),
        };
        self.visit(purpose, request, edits).await;
        let login = self.login_of(slot);
        for _ in 0..PAGE_LIMIT {
            if let Some(response) = self.held(who) {
                return self.keep_response(purpose, slot, response);
            }
            let what = Press::Hosted(&[
                (&["identifier", "username"], &login),
                (&["credentials.passcode", "password"], PASSWORD),
            ]);
            match self.press(purpose, what).await {
                Some(arrival) if !arrival.is_broken => {}
                // A page without a form is a dead end, which is a result.
                _ => return,
            }
        }
        self.obstacle(format!("the hosted sign-in did not end after {PAGE_LIMIT} pages"));
    }

    /// Lets the authorization server bind the next authorization request of this browser to the flow.
    async fn enter(&mut self, who: &str, enter: &Url) {
        let outgoing = Outgoing::get(enter);
        if let Answer::Http { headers, .. } = self.world.client.send(&outgoing).await {
            for (_, line) in headers.iter().filter(|(name, _)| name == "set-cookie") {
                self.take_cookie(who, enter, line).await;
            }
        }
    }

    pub(super) fn login_of(&self, slot: Slot) -> String {
        let person = self
            .evidence
            .flow(slot)
            .and_then(|flow| self.evidence.person(&flow.person));
        person.map(|person| person.persona.login.clone()).unwrap_or_default()
    }

    pub(super) fn keep_response(&mut self, purpose: Purpose<'_>, slot: Slot, response: Outgoing) {
        if !self.world.site.is_app(&response.origin) {
            let elsewhere = Purpose {
                leg: Leg::Elsewhere,
                ..purpose
            };
            self.note_unsent(
                elsewhere,
                &response,
                "the authorization response leads away from the app",
            );
            return;
        }
        if let Some(flow) = self.evidence.flows.iter_mut().find(|flow| flow.slot == slot) {
            flow.authorization_response = Some(as_url(&response));
        }
        if let Some(live) = self.flows.get_mut(&slot) {
            live.response = Some(response);
        }
    }

    /// Delivers the authorization response to the redirection endpoint and follows inside the app.
    pub(super) async fn deliver(&mut self, who: &str, slot: Slot, edits: &[Edit]) {
        let slot = self.slot(slot);
        let Some(response) = self.response_for(who, slot) else {
            return;
        };
        let purpose = Purpose {
            who,
            leg: Leg::Callback,
            flow: Some(slot),
        };
        self.visit(purpose, response, edits).await;
        self.end_callback(purpose).await;
    }

    /// Delivers, and answers every new authorization request of the app in the same way, at most `times` times.
    pub(super) async fn insist(&mut self, who: &str, slot: Slot, edits: &[Edit], times: u16) {
        let slot = self.slot(slot);
        for _ in 0..times {
            let Some(response) = self.response_for(who, slot) else {
                return;
            };
            let purpose = Purpose {
                who,
                leg: Leg::Callback,
                flow: Some(slot),
            };
            self.visit(purpose, response, edits).await;
            let Landing::Idp(next) = self.landed(purpose) else {
                return;
            };
            if let Some(live) = self.flows.get_mut(&slot) {
                live.request = Some(next);
                live.response = None;
            }
            self.authorize(who, slot, &[]).await;
        }
    }

    /// The response of a flow, in a browser whose open document is the authorization server's.
    pub(super) fn response_for(&mut self, who: &str, slot: Slot) -> Option<Outgoing> {
        let response = self.flows.get(&slot).and_then(|live| live.response.clone())?;
        // Somebody who was sent a link comes from another site just as one who was redirected.
        let idp = self.evidence.target.idp.clone();
        let is_idp = self
            .browser(who)
            .document
            .clone()
            .is_some_and(|document| self.world.site.is_idp(&document));
        if !is_idp {
            self.browser(who).document = Some(idp);
        }
        Some(response)
    }

    /// What a person does where the callback led, where that is anything.
    pub(super) async fn end_callback(&mut self, purpose: Purpose<'_>) {
        let after = Purpose {
            leg: Leg::AfterCallback,
            ..purpose
        };
        let mut landing = self.landed(after);
        let site = std::sync::Arc::clone(&self.world.site);
        if matches!(landing, Landing::Page) && !site.after_callback.is_empty() {
            let person = purpose
                .flow
                .and_then(|slot| self.evidence.flow(slot))
                .map(|flow| flow.person.clone());
            let person = person.unwrap_or_else(|| purpose.who.to_owned());
            landing = self
                .steps(after, &person, &site.after_callback, &[], Missing::Skips)
                .await;
        }
        if let Landing::Idp(next) = landing {
            // An app that answers a refusal with a new sign-in has refused; following it would sign in by the back door.
            self.note_unsent(
                Purpose {
                    leg: Leg::Idp,
                    ..purpose
                },
                &next,
                "the app starts a new sign-in",
            );
        }
    }

    /// A request to the redirection endpoint that no authorization server sent.
    pub(super) async fn bare_callback(&mut self, who: &str, edits: &[Edit]) {
        let (response, edits) = self.bare_response(edits);
        let purpose = Purpose {
            who,
            leg: Leg::Callback,
            flow: None,
        };
        self.visit(purpose, response, &edits).await;
        self.end_callback(purpose).await;
    }
}

/// What is pressed to start a sign-in; `None` where the address alone starts it, or several steps do.
fn pressed_at(sign_in: &SignIn) -> Option<Press<'_>> {
    match sign_in {
        SignIn::Get(_) | SignIn::Protected(_) | SignIn::Steps(_) => None,
        SignIn::Form(_) => Some(Press::Form(SIGN_IN_WORDS)),
        SignIn::Click(text) => Some(Press::Text(text)),
    }
}

/// Whether a request goes out as it stands.
pub(super) fn unchanged(edits: &[Edit]) -> bool {
    edits.iter().all(|edit| *edit == Edit::Identity)
}

/// The edits that a form may carry: what stands in an address comes by a link, and a link opens the page of the form and
/// does not send it.
fn beside_query(edits: &[Edit]) -> Vec<Edit> {
    let in_address = |edit: &&Edit| matches!(edit, Edit::Query(..) | Edit::RawQuery(_));
    edits.iter().filter(|edit| !in_address(edit)).copied().collect()
}

/// A request as one URL: a form post is written as if its fields stood in the query.
fn as_url(outgoing: &Outgoing) -> String {
    let url = outgoing.url();
    if outgoing.body.is_empty() {
        return url;
    }
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}{}", String::from_utf8_lossy(&outgoing.body))
}
