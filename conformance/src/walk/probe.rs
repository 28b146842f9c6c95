//! "Who is signed in?": asks the protected page with a copy of the jar, stops at the app's edge, keeps nothing.

use std::collections::BTreeMap;

use url::Url;

use super::{
    Walker,
    driver::{Ability, Peek},
    navigate::{Purpose, TYPED},
};
use crate::{
    browser::{
        http::Outgoing,
        rule::{Hold, Rule},
    },
    edit::Edit,
    evidence::{Answer, Evidence, Leg, Person, Probe, Shows},
    placeholder::of_person,
    target::Oracle,
    text::holds,
};

/// A path that no app has.
const UNKNOWN: &str = "/no-such-page-of-this-app";

impl Walker<'_> {
    pub(super) async fn probe(&mut self, who: &str, label: &str) {
        let page = self.probe_page();
        self.ask(who, label, page, TYPED).await;
    }

    pub(super) async fn probe_with(&mut self, who: &str, label: &str, saved: &str) {
        let Some(pairs) = self.evidence.saved.get(saved).cloned() else {
            return self.obstacle(format!("no cookies were saved as `{saved}`"));
        };
        self.ask_with(who, label, pairs).await;
    }

    /// Asks as somebody who has these cookies and no others.
    pub(super) async fn ask_with(&mut self, who: &str, label: &str, pairs: Vec<(String, String)>) {
        let mut page = self.probe_page();
        if self.sees_scripts(who) {
            return self.ask_elsewhere(who, label, page, pairs).await;
        }
        if pairs.is_empty() {
            return self.ask(who, label, page, &[Edit::NoCookies]).await;
        }
        let line = pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join("; ");
        page.set_header("cookie", line.into_bytes());
        self.ask(who, label, page, &[]).await;
    }

    /// The request for the page that tells who is signed in, with the header fields that it wants.
    pub(super) fn probe_page(&self) -> Outgoing {
        let site = &self.world.site;
        let mut page = Outgoing::get(&site.at(&site.oracle.probe));
        for (name, value) in &site.oracle.headers {
            page.set_header(name, value.as_bytes());
        }
        page
    }

    pub(super) async fn probe_protected(&mut self, who: &str, label: &str, edits: &[Edit]) {
        for path in self.evidence.target.protected.clone() {
            let page = Outgoing::get(&self.world.site.at(&path));
            self.ask(who, label, page, edits).await;
        }
        if edits.contains(&Edit::NoCookies) {
            self.ask_public(who, edits).await;
        }
    }

    /// What the app answers to everybody: at an address that it does not have, and at its root.
    pub(super) async fn ask_public(&mut self, who: &str, edits: &[Edit]) {
        let purpose = Purpose {
            who,
            leg: Leg::Direct,
            flow: None,
        };
        for url in [self.world.site.at(UNKNOWN), self.world.site.origin.clone()] {
            self.send_beside(purpose, Outgoing::get(&url), edits).await;
        }
    }

    /// Whether scripts make the app's pages, and this person's browser runs them.
    pub(super) fn sees_scripts(&mut self, who: &str) -> bool {
        self.world.site.javascript && self.lacks(who, Ability::Scripts).is_none()
    }

    pub(super) async fn ask(&mut self, who: &str, label: &str, page: Outgoing, edits: &[Edit]) {
        let carries = page.headers.iter().any(|(name, _)| name == "cookie");
        if !carries && edits == TYPED && self.sees_scripts(who) {
            return self.ask_window(who, who, label, page).await;
        }
        let purpose = Purpose {
            who,
            leg: Leg::Probe,
            flow: None,
        };
        let hop = self.send_beside(purpose, page, edits).await;
        let answer = &self.evidence.hops[hop].response;
        let shows = match classify(&self.world.site.oracle, &self.evidence, answer, None) {
            // The same page for everybody: who is signed in is what its scripts find out, and here none ran.
            Shows::Nameless if self.world.site.javascript && is_page(answer) => Shows::Nobody,
            shows => shows,
        };
        let is_own = !carries && !edits.contains(&Edit::NoCookies) && self.browser(who).cookies.is_none();
        let is_shown = matches!(shows, Shows::Person(_));
        self.evidence.probes.push(Probe {
            label: label.to_owned(),
            who: who.to_owned(),
            hop,
            shows,
        });
        if is_own && is_shown {
            self.keep_cookies_of_last_probe(who).await;
        }
    }

    /// A page that shows somebody belongs to a session, and what it sets is the session's: an app that renews the id with
    /// each page makes the old one worthless. What a page for nobody sets is not kept, because it may begin a sign-in.
    pub(super) async fn keep_cookies_of_last_probe(&mut self, who: &str) {
        let Some(hop) = self.evidence.probes.last().map(|probe| &self.evidence.hops[probe.hop]) else {
            return;
        };
        let lines: Vec<String> = hop.headers("set-cookie").map(str::to_owned).collect();
        let Ok(url) = Url::parse(&hop.url) else { return };
        for line in lines {
            self.take_cookie(who, &url, &line).await;
        }
    }

    /// Asks in a browser of its own that holds nothing but these cookies, for pages that scripts make: what the page keeps
    /// in the storage of the first browser is no cookie, and nobody who saved the cookies has it.
    async fn ask_elsewhere(&mut self, who: &str, label: &str, page: Outgoing, pairs: Vec<(String, String)>) {
        let elsewhere = format!("{who} elsewhere");
        let cookies = pairs.into_iter().map(|(name, value)| (name, value.into_bytes()));
        self.browser(&elsewhere).cookies = Some(cookies.collect());
        self.ask_window(who, &elsewhere, label, page).await;
        if let Some(left) = self.browsers.remove(&elsewhere) {
            left.driver.close().await;
        }
    }

    /// Asks in a real tab of this browser, for pages that scripts make.
    async fn ask_window(&mut self, who: &str, browser: &str, label: &str, page: Outgoing) {
        let purpose = Purpose {
            who,
            leg: Leg::Probe,
            flow: None,
        };
        let Some(Peek {
            request,
            at,
            answer,
            html,
        }) = self.peek(browser, &page).await
        else {
            return self.obstacle("the protected page could not be opened in a tab");
        };
        let shows = classify(&self.world.site.oracle, &self.evidence, &answer, Some(&html));
        let seen = self.beside(at, request, answer);
        let hop = self.note(purpose, seen, None);
        self.evidence.hops[hop].rendered = Some(html);
        self.evidence.probes.push(Probe {
            label: label.to_owned(),
            who: who.to_owned(),
            hop,
            shows,
        });
    }

    /// Opens a page in a tab of its own beside the open one. `None` after an obstacle was noted, or when no page came.
    async fn peek(&mut self, who: &str, page: &Outgoing) -> Option<Peek> {
        let origin = self.world.site.origin.clone();
        let browser = self.browser(who);
        let rule = Rule {
            hold: Hold::Idp,
            cookies: browser.cookies.clone(),
            bare_first: false,
        };
        match browser.driver.peek(page, &origin, rule).await {
            Ok(peek) => peek,
            Err(trouble) => {
                self.obstacle(trouble);
                None
            }
        }
    }
}

fn is_page(answer: &Answer) -> bool {
    let Answer::Http { headers, .. } = answer else {
        return false;
    };
    headers
        .iter()
        .any(|(name, value)| name == "content-type" && value.starts_with("text/html"))
}

/// Whom this answer of a protected page shows; `rendered` is what scripts made of it.
pub(super) fn classify(oracle: &Oracle, evidence: &Evidence, answer: &Answer, rendered: Option<&str>) -> Shows {
    let (status, body) = match answer {
        Answer::Http { status, body, .. } => (*status, readable(rendered.unwrap_or(body))),
        Answer::Broken { text, .. } => return Shows::Unclear(text.clone()),
        Answer::NotSent { why } => return Shows::Unclear(why.clone()),
    };
    let folded = oracle.signed_in.ignore_case.then(|| body.to_lowercase());
    let holds = |canary: &str| match &folded {
        Some(folded) => holds(folded, &canary.to_lowercase()),
        None => holds(&body, canary),
    };
    let shown: Vec<&Person> = evidence
        .people
        .iter()
        .filter(|person| person.canaries().any(holds))
        .collect();
    let named: Vec<&Person> = evidence
        .people
        .iter()
        .filter(|person| fits(oracle, status, &body, person))
        .collect();
    match (shown.as_slice(), named.as_slice()) {
        ([], []) => nobody(oracle, status, &body),
        ([one], []) | ([], [one]) => Shows::Person(one.name.clone()),
        ([one], [other]) if one.name == other.name => Shows::Person(one.name.clone()),
        ([], named) => Shows::Several(named.iter().map(|person| person.name.clone()).collect()),
        (shown, _) => Shows::Several(shown.iter().map(|person| person.name.clone()).collect()),
    }
}

/// A page without any canary: nobody, somebody without a name, or something else.
fn nobody(oracle: &Oracle, status: u16, body: &str) -> Shows {
    if oracle.signed_out.status.fits(status) && oracle.signed_out.is_said_by(body, &BTreeMap::new()) {
        return Shows::Nobody;
    }
    if oracle.signed_in.status.fits(status) && status < 300 {
        return Shows::Nameless;
    }
    match status {
        // Whatever the patterns say: a redirect or a refusal without anybody's data is how nobody is treated. So is an answer
        // that blames the authorization server, where the protected page itself starts the sign-in: whether the app still
        // works is asked by the control afterwards. Too many requests are no answer to the question.
        429 => Shows::Unclear("status 429: the app limits how often it is asked".to_owned()),
        300..=499 | 502..=504 => Shows::Nobody,
        _ => Shows::Unclear(format!("status {status} without anybody's data")),
    }
}

/// Whether the signed-in pattern fits for this person; a pattern that names nobody fits nobody in particular.
fn fits(oracle: &Oracle, status: u16, body: &str, person: &Person) -> bool {
    let pattern = &oracle.signed_in;
    if !pattern.names_people() || !pattern.status.fits(status) {
        return false;
    }
    let persona = &person.persona;
    [&persona.id_token_name, &persona.userinfo_name]
        .into_iter()
        .any(|name| pattern.is_said_by(body, &of_person(persona, name)))
}

/// A body with the escapes undone that hide an e-mail address from a text search.
fn readable(body: &str) -> String {
    if !body.contains('&') && !body.contains('\\') && !body.contains('%') {
        return body.to_owned();
    }
    ["&#64;", "&#x40;", "&#X40;", "&commat;", "\\u0040", "%40"].iter().fold(
        body.to_owned(),
        |text, escape| match holds(&text, escape) {
            true => text.replace(escape, "@"),
            false => text,
        },
    )
}

#[cfg(test)]
mod tests {
    use mock_idp::flow::scenario::Persona;

    use super::*;
    use crate::target::{Pattern, Statuses};

    fn evidence() -> Evidence {
        let person = |name: &str| Person {
            name: name.to_owned(),
            persona: Persona {
                email: format!("{name}.qzxwv@example.test"),
                sub: format!("00u{name}12345"),
                ..Persona::default()
            },
        };
        Evidence {
            people: vec![person("user"), person("victim")],
            ..Evidence::default()
        }
    }

    fn oracle() -> Oracle {
        Oracle {
            probe: "/me".into(),
            signed_in: Pattern {
                status: Statuses(vec![200]),
                contains: Some("{user.email}".into()),
                ..Pattern::default()
            },
            signed_out: Pattern {
                status: Statuses(vec![302, 401]),
                ..Pattern::default()
            },
            headers: BTreeMap::new(),
        }
    }

    fn answer(status: u16, body: &str) -> Answer {
        Answer::Http {
            status,
            headers: Vec::new(),
            body: body.into(),
            truncated: false,
        }
    }

    #[test]
    fn the_canary_decides_not_the_status() {
        let shows = |status, body| classify(&oracle(), &evidence(), &answer(status, body), None);
        assert_eq!(
            shows(200, "hello user.qzxwv@example.test"),
            Shows::Person("user".into())
        );
        assert_eq!(
            shows(200, "hello victim.qzxwv&#64;example.test"),
            Shows::Person("victim".into())
        );
        assert_eq!(
            shows(401, "{\"email\":\"victim.qzxwv@example.test\"}"),
            Shows::Person("victim".into())
        );
        assert_eq!(shows(401, ""), Shows::Nobody);
        for refusal in [303, 400, 404, 424, 502, 503] {
            assert_eq!(shows(refusal, "no"), Shows::Nobody, "{refusal}");
        }
        assert!(matches!(shows(429, "slower"), Shows::Unclear(_)));
        assert_eq!(shows(200, "hello "), Shows::Nameless);
        assert_eq!(
            shows(200, "user.qzxwv@example.test victim.qzxwv@example.test"),
            Shows::Several(vec!["user".into(), "victim".into()])
        );
        assert!(matches!(shows(500, "oops"), Shows::Unclear(_)));
    }

    #[test]
    fn a_page_that_is_always_200_is_told_apart_by_its_text() {
        let mut oracle = oracle();
        oracle.signed_out = Pattern {
            status: Statuses(vec![200]),
            contains: Some("Sign in".into()),
            ..Pattern::default()
        };
        assert_eq!(
            classify(&oracle, &evidence(), &answer(200, "Sign in"), None),
            Shows::Nobody
        );
        assert_eq!(
            classify(&oracle, &evidence(), &answer(200, "Welcome, !"), None),
            Shows::Nameless
        );
    }

    fn people() -> Evidence {
        let mut evidence = evidence();
        for (person, given) in evidence.people.iter_mut().zip(["Bcdf", "Ghjk"]) {
            person.persona.given_name = given.to_owned();
        }
        evidence
    }

    #[test]
    fn a_first_name_an_upper_case_address_and_a_json_value_tell_who_is_there() {
        let with = |signed_in: Pattern, body: &str| {
            let oracle = Oracle { signed_in, ..oracle() };
            classify(&oracle, &people(), &answer(200, body), None)
        };
        let matches = |text: &str| Pattern {
            matches: Some(text.to_owned()),
            ..Pattern::default()
        };
        let greeting = || matches(r"Hi\s+{user.given_name}!");
        assert_eq!(with(greeting(), "<p>Hi  Bcdf!</p>"), Shows::Person("user".into()));
        assert_eq!(with(greeting(), "<p>Hi Ghjk!</p>"), Shows::Person("victim".into()));
        assert_eq!(with(greeting(), "<p>Hi Bcdfx!</p>"), Shows::Nameless);
        let folded = Pattern {
            contains: Some("{user.email}".into()),
            ignore_case: true,
            ..Pattern::default()
        };
        assert_eq!(
            with(folded, "VICTIM.QZXWV@EXAMPLE.TEST"),
            Shows::Person("victim".into())
        );
        let json = || Pattern {
            json: Some("/user/first".into()),
            contains: Some("{user.given_name}".into()),
            ..Pattern::default()
        };
        assert_eq!(
            with(json(), r#"{"user":{"first":"Bcdf"},"by":"Ghjk"}"#),
            Shows::Person("user".into())
        );
        assert_eq!(with(json(), r#"{"user":null,"by":"Ghjk"}"#), Shows::Nameless);
    }
}
