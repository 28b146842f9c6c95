//! Sign-out at the app, and on to the end-session endpoint and back.

use std::time::Duration;

use mock_idp::{
    Fault,
    flow::{fault::EndSessionFault, record::Event},
};
use url::Url;

use super::{
    Walker,
    driver::Press,
    navigate::{Landing, Purpose},
    steps::Missing,
};
use crate::{
    browser::{http::Outgoing, page},
    edit::Edit,
    evidence::{Leg, NO_WAY_OUT},
    script::{Place, Slot},
    target::SignOut,
};

/// Words by which a sign-out form is known among several.
const SIGN_OUT_WORDS: &[&str] = &["signout", "logout", "logoff", "abmelden"];

/// The end-session endpoint that never answers.
const HANGS: Fault = Fault::EndSession(EndSessionFault::Hang);

/// When somebody closes the tab that stays empty. It is the harness's own server that hangs, so nothing is learnt later.
pub(super) const TAB_IS_CLOSED: Duration = Duration::from_secs(2);

impl Walker<'_> {
    /// Signs out the way the target says, and stops at the first request that leaves the app.
    pub(super) async fn sign_out(&mut self, who: &str, edits: &[Edit]) {
        let site = std::sync::Arc::clone(&self.world.site);
        // Who wants to sign out is on a page of the app; who was led elsewhere comes back by typing its address.
        let browser = self.browser(who);
        if browser.document.as_ref().is_some_and(|document| !site.is_app(document)) {
            browser.document = None;
        }
        let purpose = Purpose {
            who,
            leg: Leg::SignOut,
            flow: None,
        };
        self.has_missed = false;
        let landing = match &site.sign_out {
            None => return self.obstacle("the target has no sign-out"),
            Some(SignOut::Steps(steps)) => self.steps(purpose, who, steps, edits, Missing::Stops).await,
            Some(SignOut::Form(path)) => {
                let page = Outgoing::get(&site.at(path));
                let what = Press::Form(SIGN_OUT_WORDS);
                self.open_and_press(purpose, (page, &[]), what, (edits, edits)).await
            }
            Some(SignOut::Click(text)) => {
                let page = Outgoing::get(&site.at(&site.oracle.probe));
                let what = Press::Text(text);
                self.open_and_press(purpose, (page, &[]), what, (edits, edits)).await
            }
            Some(SignOut::Post(path)) => {
                self.visit(purpose, Outgoing::form(&site.at(path), &[]), edits).await;
                self.landed(purpose)
            }
            Some(SignOut::Get(path)) => {
                self.visit(purpose, Outgoing::get(&site.at(path)), edits).await;
                self.landed(purpose)
            }
        };
        self.leave_app(purpose, landing);
        // So it is when nobody is signed in; if somebody is, this was no sign-out.
        if self.has_missed && self.browser(who).leaving.is_none() {
            self.note_unsent(purpose, &Outgoing::get(&self.world.site.origin), NO_WAY_OUT);
        }
    }

    /// Keeps where a sign-out leads on to, outside the app.
    fn leave_app(&mut self, purpose: Purpose<'_>, landing: Landing) {
        let told = self.told_in_json();
        let browser = self.browser(purpose.who);
        browser.leaving = None;
        let next = match landing {
            Landing::Idp(next) => Some(next),
            // The app's script reads the answer and goes there.
            Landing::Page => told,
            Landing::Elsewhere => None,
        };
        if let Some(next) = next {
            browser.leaving = Some(next.clone());
            self.note_unsent(
                Purpose {
                    leg: Leg::EndSession,
                    ..purpose
                },
                &next,
                "sign-out leads on from here",
            );
        }
    }

    /// The address at the authorization server that the last answer names, where it is JSON.
    fn told_in_json(&self) -> Option<Outgoing> {
        fn texts<'v>(value: &'v serde_json::Value, found: &mut Vec<&'v str>) {
            match value {
                serde_json::Value::String(text) => found.push(text),
                serde_json::Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
                serde_json::Value::Object(members) => members.values().for_each(|member| texts(member, found)),
                _ => {}
            }
        }
        let answer = self.evidence.hops.last()?;
        if answer.leg != Leg::SignOut || !answer.header("content-type")?.contains("json") {
            return None;
        }
        let value = serde_json::from_str(answer.body()).ok()?;
        let mut found = Vec::new();
        texts(&value, &mut found);
        let mut urls = found.into_iter().filter_map(|text| Url::parse(text).ok());
        urls.find(|url| self.world.site.is_idp(url))
            .map(|url| Outgoing::get(&url))
    }

    /// Where the request that ends a session goes: of a form, its action, which only the page tells; the page itself where
    /// nobody is signed in and it has no such form. Of what is clicked, where the link or its form leads, if the page tells.
    pub(super) async fn sign_out_address(&mut self, who: &str) -> Option<Url> {
        let site = std::sync::Arc::clone(&self.world.site);
        let page_url = match &site.sign_out {
            Some(SignOut::Form(path)) => site.at(path),
            Some(SignOut::Click(_)) => site.at(&site.oracle.probe),
            Some(SignOut::Steps(steps)) => {
                let (last, before) = steps.split_last()?;
                let purpose = Purpose {
                    who,
                    leg: Leg::Direct,
                    flow: None,
                };
                let Landing::Page = self.steps(purpose, who, before, &[], Missing::Stops).await else {
                    return None;
                };
                return self.leads_to(last).await;
            }
            _ => return site.place(Place::SignOut),
        };
        let purpose = Purpose {
            who,
            leg: Leg::Direct,
            flow: None,
        };
        let hop = self.visit(purpose, Outgoing::get(&page_url), &[]).await;
        let page = self.page(hop).await?;
        if let Some(SignOut::Click(text)) = &site.sign_out {
            return page.clickable(text).map(|found| match found {
                page::Clickable::Link(url) => url,
                page::Clickable::Button(form) => form.action,
            });
        }
        let form = page.form_saying(SIGN_OUT_WORDS);
        Some(form.map_or(page_url, |form| form.action))
    }

    /// Follows to the end-session endpoint and back to the app; the edits stand on the request back to the app.
    pub(super) async fn follow_sign_out(&mut self, who: &str, edits: &[Edit]) {
        // A sign-out that stays inside the app leads nowhere, which is a result and no obstacle.
        let Some(mut next) = self.browser(who).leaving.take() else {
            return;
        };
        let purpose = Purpose {
            who,
            leg: Leg::EndSession,
            flow: None,
        };
        if self.world.site.is_idp(&next.origin) {
            self.visit(purpose, next, &[]).await;
            let Some(held) = self.held(who) else { return };
            next = held;
        }
        if !self.world.site.is_app(&next.origin) {
            let elsewhere = Purpose {
                leg: Leg::Elsewhere,
                ..purpose
            };
            self.note_unsent(elsewhere, &next, "sign-out leads elsewhere");
            return;
        }
        let back = Purpose {
            leg: Leg::AfterSignOut,
            ..purpose
        };
        self.visit(back, next, edits).await;
        if let Landing::Idp(next) = self.landed(back) {
            let anew = Purpose {
                leg: Leg::Idp,
                ..purpose
            };
            self.note_unsent(anew, &next, "the app starts a new sign-in");
        }
    }

    /// Whether the end-session endpoint will not answer: somebody closes the tab then.
    pub(super) fn is_hanging(&self) -> bool {
        self.faults.contains(&HANGS)
    }

    /// Loads the front-channel logout URI as a frame of the authorization server does (Front-Channel Logout 1.0 §2).
    pub(super) async fn front_channel(&mut self, who: &str, slot: Slot, edits: &[Edit]) {
        let Some(mut url) = self.world.site.frontchannel.clone() else {
            return self.obstacle("the target has no front-channel logout URI");
        };
        let slot = self.slot(slot);
        let sid = self.sid_of(slot);
        url.query_pairs_mut().append_pair("iss", &self.evidence.target.issuer);
        if let Some(sid) = sid {
            url.query_pairs_mut().append_pair("sid", &sid);
        }
        let idp = self.evidence.target.idp.clone();
        self.browser(who).document = Some(idp);
        let framed = [Edit::From(crate::edit::Initiator::OtherSiteSubresource)];
        let all: Vec<Edit> = framed.into_iter().chain(edits.iter().copied()).collect();
        self.visit(
            Purpose {
                who,
                leg: Leg::Direct,
                flow: Some(slot),
            },
            Outgoing::get(&url),
            &all,
        )
        .await;
    }

    /// The `sid` claim of the ID token that this flow got.
    fn sid_of(&self, slot: Slot) -> Option<String> {
        let id = self.flows.get(&slot)?.id;
        let records = self.world.idp.records(id);
        let token = records.iter().rev().find_map(|record| match &record.event {
            Event::TokensIssued { id_token, .. } => id_token.clone(),
            _ => None,
        })?;
        claims_of(&token)?.get("sid")?.as_str().map(str::to_owned)
    }
}

/// The claims of a compact token, unverified.
fn claims_of(token: &str) -> Option<serde_json::Value> {
    use base64::Engine;
    let payload = token.split('.').nth(1)?;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice(&bytes).ok()
}
