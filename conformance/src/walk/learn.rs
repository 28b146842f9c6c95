//! Which cookies carry the session, and which the pending sign-in: found by taking each of them away.
//!
//! A sign-in leaves more than a session with the browser: tokens against forged forms, flash messages, device ids,
//! languages, and, on a shared host, the authorization server's own cookies. None of these is a session, and only an
//! experiment tells which is which.

use cookie::Cookie;

use super::Walker;
use crate::{
    evidence::{EXPERIMENT, Leg, Shows},
    script::{MAIN, OTHER, Slot},
};

/// More cookies than this that a sign-in leaves behind are not tried one by one for the pending sign-in.
const TRIED_SINGLY: usize = 8;

/// Whoever tries sign-ins without a cookie: somebody whose browser the control does not need before its last step.
const TESTER: &str = "attacker";

impl Walker<'_> {
    /// Learns both kinds of cookies from the person who is signed in and from the sign-ins so far. What an experiment
    /// cannot do is no obstacle to the walk.
    pub(super) async fn learn_cookies(&mut self, who: &str) {
        let obstacles = self.evidence.obstacles.len();
        let session = self.session_cookies(who).await;
        self.evidence.target.flow_cookies = self.flow_cookies(&session).await;
        self.evidence.target.session_cookies = session;
        self.evidence.obstacles.truncate(obstacles);
    }

    /// The cookies without which nobody is signed in, and those of which one is enough.
    async fn session_cookies(&mut self, who: &str) -> Vec<String> {
        let held = self.names_held(who).await;
        if held.len() < 2 && !self.world.site.javascript {
            // With it the control showed the user, and without it nobody.
            return held;
        }
        let mut set_last = held.clone();
        let by_callback = self.set_in(MAIN, &[Leg::Callback, Leg::AfterCallback]);
        set_last.retain(|name| by_callback.iter().any(|set| set.name == *name && !set.deletes));
        let candidates = if !set_last.is_empty() && self.is_signed_in_with(who, &set_last).await {
            set_last
        } else if self.is_signed_in_with(who, &held).await {
            held
        } else {
            // The session is not in the cookies: scripts keep it elsewhere.
            return Vec::new();
        };
        let mut needed = Vec::new();
        for name in &candidates {
            let others: Vec<String> = candidates.iter().filter(|other| *other != name).cloned().collect();
            if self.is_signed_in_with(who, &others).await {
                continue;
            }
            needed.push(name.clone());
            // An app may end a session of which a part is missing.
            if !self.is_signed_in_with(who, &candidates).await && !self.signs_in_anew(who).await {
                return needed;
            }
        }
        if needed.is_empty() || !self.is_signed_in_with(who, &needed).await {
            let alternatives = self.alternatives(who, &candidates, &needed).await;
            needed.extend(alternatives);
        }
        candidates.into_iter().filter(|name| needed.contains(name)).collect()
    }

    /// Where several cookies open the same session, for instance a session and a "remember me": each that does, together
    /// with what is needed in any case; or else as few as do it together.
    async fn alternatives(&mut self, who: &str, candidates: &[String], needed: &[String]) -> Vec<String> {
        let others: Vec<&String> = candidates.iter().filter(|name| !needed.contains(name)).collect();
        let mut found = Vec::new();
        for name in &others {
            let with: Vec<String> = needed.iter().chain([*name]).cloned().collect();
            if self.is_signed_in_with(who, &with).await {
                found.push((*name).clone());
            }
        }
        if !found.is_empty() {
            return found;
        }
        let mut kept: Vec<String> = candidates.to_vec();
        for name in others {
            let fewer: Vec<String> = kept.iter().filter(|other| *other != name).cloned().collect();
            if self.is_signed_in_with(who, &fewer).await {
                kept = fewer;
            }
        }
        kept.retain(|name| !needed.contains(name));
        kept
    }

    /// The cookies that a start sets and that its callback needs or takes away; `*` at the end stands for what differs from
    /// attempt to attempt.
    async fn flow_cookies(&mut self, session: &[String]) -> Vec<String> {
        let started = self.set_in(MAIN, &[Leg::SignInStart]);
        let again = self.set_in(OTHER, &[Leg::SignInStart]);
        let ended = self.set_in(MAIN, &[Leg::Callback, Leg::AfterCallback]);
        let mut found: Vec<String> = Vec::new();
        let mut left: Vec<String> = Vec::new();
        for set in started
            .iter()
            .filter(|set| !set.deletes && !session.contains(&set.name))
        {
            let name = &set.name;
            let recurs = again.is_empty() || again.iter().any(|other| other.name == *name);
            let taken_away = ended.iter().any(|other| other.name == *name && other.deletes);
            let known = match (recurs, taken_away) {
                (false, _) => pattern(name, &again),
                (true, true) => Some(name.clone()),
                (true, false) => {
                    left.push(name.clone());
                    None
                }
            };
            found.extend(known);
        }
        left.sort();
        left.dedup();
        // Most apps need none of what they leave behind: one attempt without all of it says so.
        if !left.is_empty() && !self.signs_in_without(&left).await {
            match left.as_slice() {
                [_] => found.append(&mut left),
                several if several.len() <= TRIED_SINGLY => {
                    for name in left {
                        if !self.signs_in_without(std::slice::from_ref(&name)).await {
                            found.push(name);
                        }
                    }
                }
                _ => {}
            }
        }
        found.sort();
        found.dedup();
        found
    }

    /// Whether a sign-in works when the browser does not bring these cookies back to the callback.
    async fn signs_in_without(&mut self, names: &[String]) -> bool {
        self.new_browser(TESTER).await;
        let slot = self.fresh_slot();
        self.start(TESTER, TESTER, slot, &[]).await;
        let held = self.app_cookies(TESTER).await;
        self.authorize(TESTER, slot, &[]).await;
        let kept = held.into_iter().filter(|(name, _)| !names.contains(name));
        self.browser(TESTER).cookies = Some(kept.map(|(name, value)| (name, value.into_bytes())).collect());
        self.deliver(TESTER, slot, &[]).await;
        self.browser(TESTER).cookies = None;
        self.probe(TESTER, EXPERIMENT).await;
        let signed_in = self.last_probe_shows(TESTER);
        self.new_browser(TESTER).await;
        signed_in
    }

    /// A new sign-in of this person in a new browser.
    async fn signs_in_anew(&mut self, who: &str) -> bool {
        self.new_browser(who).await;
        let slot = self.fresh_slot();
        self.sign_in(who, who, slot, &[]).await;
        self.probe(who, EXPERIMENT).await;
        self.last_probe_shows(who)
    }

    /// Whether the protected page shows this person to somebody who has only these cookies.
    async fn is_signed_in_with(&mut self, who: &str, names: &[String]) -> bool {
        let mut pairs = self.app_cookies(who).await;
        pairs.retain(|(name, _)| names.contains(name));
        self.ask_with(who, EXPERIMENT, pairs).await;
        let signed_in = self.last_probe_shows(who);
        if signed_in {
            // A session id that is renewed with each page lives on only under its new value.
            self.keep_cookies_of_last_probe(who).await;
        }
        signed_in
    }

    fn last_probe_shows(&self, who: &str) -> bool {
        let shows = self.evidence.probes.last().map(|probe| &probe.shows);
        shows == Some(&Shows::Person(who.to_owned()))
    }

    async fn names_held(&mut self, who: &str) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (name, _) in self.app_cookies(who).await {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// What the app set in these legs of a flow, in order.
    fn set_in(&self, slot: Slot, legs: &[Leg]) -> Vec<Set> {
        let now = cookie::time::OffsetDateTime::now_utc();
        let hops = self.evidence.hops.iter();
        hops.filter(|hop| hop.flow == Some(slot) && legs.contains(&hop.leg))
            .flat_map(|hop| hop.headers("set-cookie"))
            .filter_map(|line| Cookie::parse(line).ok())
            .map(|cookie| Set {
                name: cookie.name().to_owned(),
                deletes: cookie.value().is_empty()
                    || cookie.max_age().is_some_and(|age| !age.is_positive())
                    || cookie.expires_datetime().is_some_and(|at| at <= now),
            })
            .collect()
    }
}

/// A cookie that was set or taken away.
struct Set {
    name: String,
    deletes: bool,
}

/// What a name that is another one in every attempt begins with, and `*`.
fn pattern(name: &str, again: &[Set]) -> Option<String> {
    let common = |other: &Set| {
        let letters = name.bytes().zip(other.name.bytes());
        letters.take_while(|(one, other)| one == other).count()
    };
    let longest = again.iter().map(common).max().filter(|length| *length > 1)?;
    name.get(..longest).map(|start| format!("{start}*"))
}
