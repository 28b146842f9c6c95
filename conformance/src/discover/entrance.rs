//! Where a sign-in begins: a path, a page with a button, or a protected page.

use std::collections::BTreeSet;

use mock_idp::MockIdp;
use url::Url;

use crate::{
    browser::{
        cookie_jar::{CookieJar, Situation},
        http::{Client, Outgoing},
        page::{self, Clickable},
    },
    evidence::Answer,
    target::{Move, SignIn},
};

/// Paths that begin a sign-in in many frameworks.
const USUAL: &[&str] = &[
    "/login",
    "/signin",
    "/sign-in",
    "/auth/login",
    "/auth/signin",
    "/oauth2/authorization/okta",
    "/oauth2/sign_in",
    "/oauth2/start",
    "/authorize",
    "/account/login",
    "/accounts/login",
    "/users/sign_in",
    "/oidc/authenticate/",
    "/sso",
];

/// Pages that are usually protected.
const PROTECTED: &[&str] = &[
    "/profile",
    "/me",
    "/account",
    "/dashboard",
    "/protected",
    "/user",
    "/api/me",
];

/// Words on the links and buttons that lead to a sign-in.
const WORDS: &[&str] = &[
    "sign in", "signin", "log in", "login", "log on", "sso", "okta", "continue", "anmelden",
];

/// Words of the provider that is ours, among several.
const OURS: &[&str] = &["okta", "sso", "openid", "oidc"];

const REDIRECTS: usize = 12;

/// A sign-in that leads to our authorization server.
#[derive(Clone, Debug)]
pub(super) struct Entrance {
    pub(super) sign_in: SignIn,
    pub(super) redirect_uri: String,
    pub(super) scopes: Vec<String>,
}

impl Entrance {
    /// The redirection endpoint as the file has it: a path where it is on the app's own origin.
    pub(super) fn callback(&self, origin: &Url) -> String {
        match Url::parse(&self.redirect_uri) {
            Ok(url) if url.origin() == origin.origin() && url.query().is_none() => url.path().to_owned(),
            _ => self.redirect_uri.clone(),
        }
    }
}

/// Tries what the start page offers, then the usual places.
///
/// # Errors
/// When the app does not answer at all.
pub(super) async fn find(idp: &MockIdp, origin: &Url, tell: &mut dyn FnMut(&str)) -> Result<Option<Entrance>, String> {
    let visitor = Visitor {
        client: Client::new(super::TIMEOUT),
        idp: idp.origin().clone(),
        origin: origin.clone(),
    };
    let home = visitor.visit(Outgoing::get(origin), &mut CookieJar::default()).await;
    let (url, body) = match home {
        Landed::Nothing(why) => return Err(format!("the app at {origin} does not answer: {why}")),
        Landed::Idp(request) => return Ok(entrance(SignIn::Protected("/".to_owned()), &request)),
        Landed::Page { url, body } => (url, body),
        Landed::Elsewhere => (origin.clone(), String::new()),
    };
    let mut paths: Vec<String> = Vec::new();
    for link in page::links(&body, &url) {
        let is_own = link.target.origin() == origin.origin();
        if is_own && (says(&link.text, WORDS) || says(link.target.path(), WORDS)) {
            paths.push(link.target.path().to_owned());
        }
    }
    paths.extend(USUAL.iter().map(|path| (*path).to_owned()));
    let mut tried: BTreeSet<String> = BTreeSet::new();
    let mut pages: Vec<(String, Url, String)> = vec![("/".to_owned(), url, body)];
    for path in paths {
        if !tried.insert(path.clone()) {
            continue;
        }
        match visitor.open(&path).await {
            Landed::Idp(request) => return Ok(entrance(SignIn::Get(path), &request)),
            Landed::Page { url, body } => pages.push((path, url, body)),
            Landed::Nothing(_) | Landed::Elsewhere => {}
        }
    }
    for path in PROTECTED {
        if let Landed::Idp(request) = visitor.open(path).await {
            return Ok(entrance(SignIn::Protected((*path).to_owned()), &request));
        }
    }
    tell("no address leads to our authorization server by itself: trying the forms and buttons of the pages");
    for (path, url, body) in &pages {
        if let Some(found) = visitor.press_everything(path, url, body).await {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn says(text: &str, words: &[&str]) -> bool {
    let text = text.to_lowercase();
    words.iter().any(|word| text.contains(word))
}

/// What the authorization request tells.
fn entrance(sign_in: SignIn, request: &Outgoing) -> Option<Entrance> {
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .chain(form_urlencoded::parse(&request.body))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let value = |wanted: &str| {
        pairs
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.clone())
    };
    Some(Entrance {
        sign_in,
        redirect_uri: value("redirect_uri")?,
        scopes: value("scope")
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
    })
}

/// Where following ended.
enum Landed {
    /// The next request would go to our authorization server.
    Idp(Outgoing),
    Page {
        url: Url,
        body: String,
    },
    /// Somebody else's server.
    Elsewhere,
    /// No answer, or an error.
    Nothing(String),
}

/// Somebody who looks around, with a browser's cookies for one visit.
struct Visitor {
    client: Client,
    idp: Url,
    origin: Url,
}

impl Visitor {
    async fn open(&self, path: &str) -> Landed {
        match self.origin.join(path) {
            Ok(url) => self.visit(Outgoing::get(&url), &mut CookieJar::default()).await,
            Err(error) => Landed::Nothing(error.to_string()),
        }
    }

    async fn visit(&self, mut request: Outgoing, jar: &mut CookieJar) -> Landed {
        for _ in 0..REDIRECTS {
            let url = match Url::parse(&request.url()) {
                Ok(url) => url,
                Err(error) => return Landed::Nothing(error.to_string()),
            };
            if url.origin() == self.idp.origin() {
                return Landed::Idp(request);
            }
            let is_near = url.origin() == self.origin.origin() || crate::walk::site::is_loopback(&url);
            if !is_near {
                return Landed::Elsewhere;
            }
            let now = mock_idp::flow::record::Stamp::now();
            let situation = Situation {
                initiator: Some(&self.origin),
                method: &request.method,
                top_level: true,
            };
            let pairs = jar.pairs(&url, situation, now);
            if !pairs.is_empty() {
                let line: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
                request.set_header("cookie", line.join("; "));
            }
            request.set_header("accept", "text/html,*/*;q=0.8");
            if request.method == "POST" {
                request.set_header("origin", self.origin.origin().ascii_serialization());
            }
            let answer = self.client.send(&request).await;
            let Answer::Http {
                status, headers, body, ..
            } = answer
            else {
                return Landed::Nothing(answer.problem_text().to_owned());
            };
            for (_, line) in headers.iter().filter(|(name, _)| name == "set-cookie") {
                jar.take(&url, line, now);
            }
            let header = |wanted: &str| {
                headers
                    .iter()
                    .find(|(name, _)| name == wanted)
                    .map(|(_, value)| value.as_str())
            };
            let next = match header("location") {
                Some(location) if (300..400).contains(&status) => {
                    url.join(location).ok().map(|url| Outgoing::get(&url))
                }
                _ if status < 400 => {
                    let page = page::leniently(&body, &url);
                    let sent = page.self_submitting().map(page::Form::request);
                    sent.or_else(|| page.refresh_target().map(Outgoing::get))
                }
                _ => return Landed::Nothing(format!("status {status}")),
            };
            match next {
                Some(next) => request = next,
                None => return Landed::Page { url, body },
            }
        }
        Landed::Nothing("it redirects without end".to_owned())
    }

    /// Presses what a page offers, ours first, until something leads to our authorization server.
    async fn press_everything(&self, path: &str, url: &Url, body: &str) -> Option<Entrance> {
        let mut texts: Vec<String> = page::offered(body)
            .into_iter()
            .map(|text| text.trim_matches('`').to_owned())
            .filter(|text| says(text, WORDS) || says(text, OURS))
            .collect();
        texts.sort_by_key(|text| !says(text, OURS));
        let only = page::leniently(body, url).forms.len() == 1;
        for text in texts {
            // Tokens of the page go with its cookies: it is opened anew for each try.
            let mut jar = CookieJar::default();
            let Landed::Page { url, body } = self.visit(Outgoing::get(url), &mut jar).await else {
                continue;
            };
            let mut fields = Vec::new();
            let (request, is_form) = match page::pressable(&body, &url, &text) {
                Some(Clickable::Link(target)) => (Outgoing::get(&target), false),
                Some(Clickable::Button(mut form)) => {
                    for (name, value) in &mut form.fields {
                        let asks = value.is_empty()
                            && ["mail", "user", "identifier"]
                                .iter()
                                .any(|word| name.to_lowercase().contains(word));
                        if asks {
                            "ada.sample@example.com".clone_into(value);
                            fields.push(name.clone());
                        }
                    }
                    (form.request(), true)
                }
                None => continue,
            };
            let Landed::Idp(request) = self.visit(request, &mut jar).await else {
                continue;
            };
            let sign_in = if fields.is_empty() && is_form && only {
                SignIn::Form(path.to_owned())
            } else {
                let mut steps = vec![Move::Open(path.to_owned())];
                if !fields.is_empty() {
                    let typed = fields.into_iter().map(|name| (name, "{user.email}".to_owned()));
                    steps.push(Move::Fill(typed.collect()));
                }
                steps.push(Move::Press(text));
                SignIn::Steps(steps)
            };
            return entrance(sign_in, &request);
        }
        None
    }
}
