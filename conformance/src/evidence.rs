//! What was seen: hops of browsers, probes, and the authorization server's record, on one clock. Stored as JSON, it can
//! be judged again.

use std::collections::BTreeMap;

use mock_idp::flow::{
    fault::Fault,
    record::{Event, Record, Request, Stamp},
    scenario::{FlowId, Persona},
};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::script::{Slot, Who};

/// Everything that one walk left behind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What is known of the target and its registration.
    pub target: TargetFacts,
    /// Who took part. Crowd members follow after the three people of the script, named by flow.
    pub people: Vec<Person>,
    /// The flows that were begun.
    pub flows: Vec<Flow>,
    /// Every request of every browser in order of sending.
    pub hops: Vec<Hop>,
    /// Every answer to "who is signed in?".
    pub probes: Vec<Probe>,
    /// Every time that somebody opened the page of a group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub visits: Vec<Visit>,
    /// The record of the authorization server: of these flows, and of unbound requests that carry their values.
    pub records: Vec<Record>,
    /// Cookies saved by `Act::Save`, name → `name=value` pairs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub saved: BTreeMap<String, Vec<(String, String)>>,
    /// What the harness itself could not do (a step that could not be walked); makes the case inconclusive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obstacles: Vec<String>,
    /// What the driver that walked cannot do; makes the variant skipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beyond: Vec<String>,
    /// What real browsers showed, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub screens: Vec<Screen>,
    /// Why the app did not become ready while the variant's server-wide faults applied; the script was not walked then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_problem: Option<String>,
    /// What the app printed meanwhile, when the harness started it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub app_output: String,
    /// The same by lines with their times, as far as they are remembered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub app_lines: Vec<AppLine>,
}

/// A line that the app printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppLine {
    /// When it arrived.
    pub at: Stamp,
    /// The line.
    pub text: String,
}

/// What is known of the target and of its registration at the authorization server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetFacts {
    /// Origin of the app, for instance `http://localhost:3000`.
    pub app: Url,
    /// Origin of the authorization server.
    pub idp: Url,
    /// The issuer that the app was configured with.
    pub issuer: String,
    /// The second origin, which must never receive anything it is not meant to.
    pub second_origin: Url,
    /// Registered client id.
    pub client_id: String,
    /// Registered secret; `None` for a public client.
    pub client_secret: Option<String>,
    /// Registered redirection endpoint.
    pub redirect_uri: String,
    /// How authorization responses arrive there: learnt from the app's own authorization request.
    #[serde(default)]
    pub response_mode: ResponseMode,
    /// Registered post-logout redirect URIs.
    pub post_logout: Vec<String>,
    /// Scopes that the target declares.
    pub scopes: Vec<String>,
    /// Parameters that the app passes through on purpose.
    pub login_params: Vec<String>,
    /// Protected paths, the probe first.
    pub protected: Vec<String>,
    /// Proxy headers that the app is meant to trust; lower case.
    pub trusted_headers: Vec<String>,
    /// Whether the target declares that it validates access tokens.
    pub validates_access_token: bool,
    /// Whether the target declares that PKCE and nonce stand in for `state`.
    #[serde(default)]
    pub csrf_by_pkce: bool,
    /// Whether the target declares that it checks `iss` in authorization responses (RFC 9207).
    #[serde(default)]
    pub checks_response_issuer: bool,
    /// Whether the harness can start the app anew.
    #[serde(default)]
    pub restartable: bool,
    /// Whether the authorization server was made for this app alone: whatever it was asked, this app asked.
    #[serde(default)]
    pub own_server: bool,
    /// Since when what its own authorization server was asked belongs to this walk, where other walks were made on the same
    /// app: its start, or the moment at which the faults of the walk began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_since: Option<Stamp>,
    /// Names of the cookies that carry a session: without them nobody is signed in. Learnt in the control, by taking each
    /// away.
    pub session_cookies: Vec<String>,
    /// Names of the cookies that carry a pending sign-in, learnt in the same way; `*` at the end of a name stands for what
    /// differs from attempt to attempt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flow_cookies: Vec<String>,
    /// Seconds after a fetch of the key set within which an app may decline to fetch it again.
    #[serde(default = "usual_cool_down")]
    pub cool_down: u64,
    /// Which driver walked.
    pub driver: String,
}

impl TargetFacts {
    /// Whether a cookie carries a session or a pending sign-in, as far as the control could tell.
    #[must_use]
    pub fn is_cookie_of_sign_in(&self, name: &str) -> bool {
        let known = self.session_cookies.iter().chain(&self.flow_cookies);
        known
            .map(|known| {
                known
                    .strip_suffix('*')
                    .map_or((known.as_str(), false), |start| (start, true))
            })
            .any(|(known, begins)| name == known || begins && name.starts_with(known))
    }
}

/// How an authorization response reaches the app's server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResponseMode {
    /// In the query of a GET request, the default of the code flow (OAuth 2.0 Multiple Response Type Encoding Practices §2.1).
    #[default]
    Query,
    /// As the fields of a form that the browser posts (OAuth 2.0 Form Post Response Mode §2).
    FormPost,
}

impl ResponseMode {
    /// What an authorization request asks for. Modes that no server sees (`fragment`, `okta_post_message`) count as `query`.
    #[must_use]
    pub fn of_request(url: &str) -> Self {
        let query = url.split('#').next().and_then(|url| url.split_once('?'));
        let asked = query.is_some_and(|(_, query)| {
            form_urlencoded::parse(query.as_bytes())
                .any(|(name, value)| name == "response_mode" && (value == "form_post" || value == "form_post.jwt"))
        });
        match asked {
            true => Self::FormPost,
            false => Self::Query,
        }
    }
}

/// What most libraries need (see `run.cool_down`).
const fn usual_cool_down() -> u64 {
    60
}

impl Default for TargetFacts {
    fn default() -> Self {
        let nowhere = || Url::parse("http://localhost/").unwrap_or_else(|_| unreachable!("a constant URL parses"));
        Self {
            app: nowhere(),
            idp: nowhere(),
            issuer: String::new(),
            second_origin: nowhere(),
            client_id: String::new(),
            client_secret: None,
            redirect_uri: String::new(),
            response_mode: ResponseMode::default(),
            post_logout: Vec::new(),
            scopes: Vec::new(),
            login_params: Vec::new(),
            protected: Vec::new(),
            trusted_headers: Vec::new(),
            validates_access_token: false,
            csrf_by_pkce: false,
            checks_response_issuer: false,
            restartable: false,
            own_server: false,
            own_since: None,
            session_cookies: Vec::new(),
            flow_cookies: Vec::new(),
            cool_down: usual_cool_down(),
            driver: "http".to_owned(),
        }
    }
}

/// Somebody with an identity that exists nowhere else: every string in it is a canary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// `user`, `victim`, `attacker`, or `crowd-7`.
    pub name: String,
    /// The identity.
    pub persona: Persona,
}

/// One flow of the walk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    /// Its place in the script; crowd and repeated flows count on from 100.
    pub slot: Slot,
    /// Its id at the authorization server.
    pub id: FlowId,
    /// Who signs in, by name in [`Evidence::people`].
    pub person: String,
    /// In whose browser it was started.
    pub browser: String,
    /// What the authorization server was told to do wrong.
    pub faults: Vec<Fault>,
    /// Whether the request that started it was edited, so that its authorization request says little about the app.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub start_edited: bool,
    /// The authorization request as the app made it, before any edit.
    pub authorization_request: Option<String>,
    /// The authorization response (URL of the redirection endpoint with its parameters), before any edit.
    pub authorization_response: Option<String>,
}

/// What a hop was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Leg {
    /// To the app, to start a sign-in, and the redirects that follow inside the app.
    SignInStart,
    /// To the authorization server: authorization request, hosted page, its forms.
    Idp,
    /// To the redirection endpoint.
    Callback,
    /// Inside the app after the redirection endpoint.
    AfterCallback,
    /// "Who is signed in?"; its cookies were a copy.
    Probe,
    /// Sign-out at the app.
    SignOut,
    /// End-session endpoint at the authorization server.
    EndSession,
    /// Back at the app after sign-out.
    AfterSignOut,
    /// Any other request to the app that a script asks for.
    Direct,
    /// To an origin that is neither the app nor the authorization server; it was *not* sent, only noted.
    Elsewhere,
}

/// One request of a browser and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hop {
    /// When it was sent.
    pub at: Stamp,
    /// When the answer had arrived.
    pub done: Stamp,
    /// Index of the step in the script.
    pub step: u16,
    /// Whose browser, by name in [`Evidence::people`].
    pub who: String,
    /// The flow it belongs to.
    pub flow: Option<Slot>,
    /// What it was for.
    pub leg: Leg,
    /// Absolute URL as sent.
    pub url: String,
    /// The request as sent; `target` is path and query.
    pub request: Request,
    /// What would have been sent without the edits, when there were edits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unedited: Option<Box<Request>>,
    /// The answer.
    pub response: Answer,
    /// What scripts made of the page, where a real browser ran them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rendered: Option<String>,
}

/// What a real browser showed at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Screen {
    /// When.
    pub at: Stamp,
    /// Index of the step in the script.
    pub step: u16,
    /// Whose browser.
    pub who: String,
    /// The address of the open page.
    pub url: String,
    /// Errors on its console.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub console: Vec<String>,
    /// What alert boxes said; they were dismissed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<String>,
    /// The picture, base64; empty when there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub jpeg: String,
}

/// The answer to a hop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Answer {
    /// An HTTP response. The body is decoded; what stands beyond 8 MiB was not read (`truncated`). Kept evidence holds less of
    /// a long one: see [`abridge`](crate::abridge).
    Http {
        status: u16,
        headers: Vec<(String, String)>,
        #[serde(default)]
        body: String,
        truncated: bool,
    },
    /// The request was noted and not sent (another origin, or the walk stops here).
    NotSent { why: String },
    /// No HTTP response: connection refused, reset, malformed. `Timeout` when the harness gave up waiting.
    Broken { problem: Problem, text: String },
}

/// Why there was no HTTP response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Problem {
    /// Nobody listens.
    Refused,
    /// The connection ended early.
    Closed,
    /// The harness gave up.
    Timeout,
    /// What came was no HTTP.
    Malformed,
    /// More redirects inside the app than any sign-in needs.
    Loop,
    /// Anything else.
    Other,
}

/// Whom the protected page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "shows", content = "who", rename_all = "kebab-case")]
pub enum Shows {
    /// Nobody: what an anonymous visitor gets.
    Nobody,
    /// This person, by name in [`Evidence::people`].
    Person(String),
    /// More than one person's canaries on one page.
    Several(Vec<String>),
    /// The page of a signed-in user without any known canary: "authenticated as nobody".
    Nameless,
    /// Neither the signed-in nor the signed-out pattern fits; the text says what came.
    Unclear(String),
}

/// What the names of a crowd's members begin with.
pub const IN_A_CROWD: &str = "crowd-";

/// The label of probes that are only asked to learn something about the app.
pub const EXPERIMENT: &str = "experiment";

/// Why a sign-out was not sent: the configured page has nothing that signs out.
pub const NO_WAY_OUT: &str = "the page offers no sign-out";

/// One answer to "who is signed in?".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// The label from the script.
    pub label: String,
    /// Whose browser (whose jar was copied).
    pub who: String,
    /// Index into [`Evidence::hops`].
    pub hop: usize,
    /// The answer.
    pub shows: Shows,
}

/// Somebody opened a page that only the members of a group may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// The label from the script.
    pub label: String,
    /// Who.
    pub who: String,
    /// The group whose page it is.
    pub group: String,
    /// The page's path, as configured.
    pub page: String,
    /// Index into [`Evidence::hops`].
    pub hop: usize,
    /// Whether the answer held what only members see; `None` where the configuration does not say what that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_shown: Option<bool>,
}

impl Hop {
    /// The status, where there was an HTTP answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match &self.response {
            Answer::Http { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The body, empty where there was none.
    #[must_use]
    pub fn body(&self) -> &str {
        match &self.response {
            Answer::Http { body, .. } => body,
            _ => "",
        }
    }

    /// What the reader sees: what scripts made of the page where they ran, else the body.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.rendered.as_deref().unwrap_or_else(|| self.body())
    }

    /// All values of a response header; the name in lower case.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        let headers: &[(String, String)] = match &self.response {
            Answer::Http { headers, .. } => headers,
            _ => &[],
        };
        headers
            .iter()
            .filter(move |(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }

    /// The first value of a response header.
    #[must_use]
    pub fn header<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.headers(name).next()
    }

    /// Whether the answer says that too much is asked at the moment: 429, or 503 with `Retry-After`.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        match self.status() {
            Some(429) => true,
            Some(503) => self.header("retry-after").is_some(),
            _ => false,
        }
    }

    /// Whether somebody asked who signs in together with many others.
    #[must_use]
    pub fn is_of_a_crowd(&self) -> bool {
        self.who.starts_with(IN_A_CROWD)
    }

    /// Whether it was really sent.
    #[must_use]
    pub fn was_sent(&self) -> bool {
        !matches!(self.response, Answer::NotSent { .. })
    }

    /// Whether the app answered with a server error, broke the connection or never answered. A request head of more than
    /// 32 KiB may find the connection closed: who refuses it before the end need not read on, and the answer is lost. A
    /// target with a raw line feed or control character is no request line (RFC 9112 §3): a server may take what comes
    /// before the line feed for HTTP/0.9 and answer without a status line, or close the connection.
    #[must_use]
    pub fn is_server_error(&self) -> bool {
        match &self.response {
            Answer::Http { status, .. } => *status >= 500,
            Answer::Broken {
                problem: Problem::Timeout,
                ..
            } => true,
            Answer::Broken { .. } => {
                let is_no_request = self.request.target.contains(char::is_control);
                self.head_size() <= 32 * 1024 && !is_no_request
            }
            Answer::NotSent { .. } => false,
        }
    }
}

impl Hop {
    /// Bytes of the request's target and headers.
    fn head_size(&self) -> usize {
        let headers = self
            .request
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len());
        self.request.target.len() + headers.sum::<usize>()
    }
}

impl Evidence {
    /// That the app did not start, and why.
    #[must_use]
    pub fn failed_start(&self) -> Option<String> {
        let problem = self.start_problem.as_ref()?;
        Some(format!("the app did not start: {problem}"))
    }

    /// The page that was to sign somebody out for the first time and has nothing to do it with.
    #[must_use]
    pub fn no_way_out(&self) -> Option<&Hop> {
        let of_sign_out = || self.hops.iter().filter(|hop| hop.leg == Leg::SignOut);
        let step = of_sign_out().next()?.step;
        let first = || of_sign_out().filter(move |hop| hop.step == step);
        let is_missing = |hop: &Hop| matches!(&hop.response, Answer::NotSent { why } if why == NO_WAY_OUT);
        first()
            .any(is_missing)
            .then(|| first().find(|hop| hop.was_sent()))
            .flatten()
    }

    /// The last probe with this label.
    #[must_use]
    pub fn probe(&self, label: &str) -> Option<&Probe> {
        self.probes.iter().rev().find(|probe| probe.label == label)
    }

    /// The flow in this slot.
    #[must_use]
    pub fn flow(&self, slot: Slot) -> Option<&Flow> {
        self.flows.iter().find(|flow| flow.slot == slot)
    }

    /// The person of this name.
    #[must_use]
    pub fn person(&self, name: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.name == name)
    }

    /// Events of one flow, in order.
    pub fn events_of(&self, id: FlowId) -> impl Iterator<Item = &Event> {
        self.records
            .iter()
            .filter(move |record| record.flow == Some(id))
            .map(|record| &record.event)
    }

    /// Requests that reached an endpoint of the authorization server, with the flow they were bound to. What a browser asks
    /// beforehand on behalf of a script (CORS preflight, Fetch §4.8) is no request of the app.
    pub fn received(&self, wanted: mock_idp::flow::record::Endpoint) -> impl Iterator<Item = (&Record, &Request)> {
        self.records.iter().filter_map(move |record| match &record.event {
            Event::Received { endpoint, request, .. } if *endpoint == wanted && request.method != "OPTIONS" => {
                Some((record, request))
            }
            _ => None,
        })
    }

    /// Hops to the app itself: those whose answer says something about the app.
    pub fn app_hops(&self) -> impl Iterator<Item = &Hop> {
        self.hops
            .iter()
            .filter(|hop| !matches!(hop.leg, Leg::Idp | Leg::EndSession | Leg::Elsewhere))
    }
}

impl Who {
    /// The name in [`Evidence::people`].
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Who::User => "user",
            Who::Victim => "victim",
            Who::Attacker => "attacker",
        }
    }
}

impl Answer {
    /// What went wrong on the connection; empty for an HTTP answer.
    #[must_use]
    pub fn problem_text(&self) -> &str {
        match self {
            Answer::Broken { text, .. } => text,
            Answer::NotSent { why } => why,
            Answer::Http { .. } => "",
        }
    }
}

impl Person {
    /// Strings that occur nowhere but in this person's identity.
    pub fn canaries(&self) -> impl Iterator<Item = &str> {
        let persona = &self.persona;
        [
            &persona.email,
            &persona.sub,
            &persona.login,
            &persona.given_name,
            &persona.family_name,
            &persona.id_token_name,
            &persona.userinfo_name,
        ]
        .into_iter()
        .map(String::as_str)
        .filter(|canary| canary.len() >= 8)
    }
}
