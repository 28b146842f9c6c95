//! Right apps with habits of real ones: whatever cookies they leave and however they answer, nothing is held against them,
//! and what carries their session is found by experiment.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::{Query, State},
    http::{HeaderMap, Response, StatusCode, header},
    routing::get,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use conformance::{
    catalog,
    outcome::Verdict,
    run::RunResult,
    runner::{InProcess, Options, Vars, run},
    target::Config,
};

use mock_idp::Fault;

use crate::made::random;

/// What an app does beside signing people in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Habit {
    /// A device id, a token against forged forms, a language and a copy of the last state, none of them HttpOnly.
    Leftovers,
    /// The session is in two cookies, and neither is enough.
    TwoParts,
    /// Either of two cookies opens the session.
    TwoWays,
    /// A new session id with every page, the old one dead.
    Rotates,
    /// Every unknown address shows the same page.
    CatchesAll,
    /// Sign-ins begin at the protected page and nowhere else.
    StartsAtThePage,
    /// No more than five sign-ins may be pending in a browser.
    FivePending,
    /// A page with a form starts the sign-in, deep links lead to that page, and what the form's own address carries is passed
    /// on.
    StartsByForm,
    /// The answer to a sign-out is JSON, and a script of the app goes on from there.
    JsonSignOut,
    /// The key set is fetched for a key that is not in it, but not twice within two seconds.
    SeldomFetchesKeys,
    /// Compressed answers take longer than an ordinary request may, and are refused in the end.
    UnpacksSlowly,
    /// The scope `email` is not asked for; pages show names.
    AsksForNoMail,
    /// The scope `profile` is not asked for.
    AsksForNoProfile,
}

/// How long an app that seldom fetches keys leaves the authorization server alone.
const BETWEEN_FETCHES: Duration = Duration::from_secs(2);

/// How long a request to an app that unpacks slowly may take, and how long it then does.
const LIMIT: Duration = Duration::from_secs(2);
const UNPACKING: Duration = Duration::from_secs(3);

#[derive(Clone)]
struct App {
    habit: Habit,
    vars: Arc<Vars>,
    http: reqwest::Client,
    store: Arc<Mutex<Store>>,
}

#[derive(Default)]
struct Store {
    count: u64,
    /// Attempt → state, verifier, where to go afterwards.
    pending: HashMap<String, (String, String, String)>,
    /// Session → address or name, ID token.
    sessions: HashMap<String, (String, String)>,
    /// Ids of the keys that were fetched last, and when.
    keys: Option<(Instant, Vec<String>)>,
}

impl Store {
    fn fresh(&mut self) -> String {
        self.count += 1;
        random(&format!("habit {} {}", self.count, rand::random::<u64>()))
    }
}

type Answer = Response<Body>;

fn answer(status: StatusCode, kind: &str, body: impl Into<Body>) -> Answer {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, kind)
        .header(header::CACHE_CONTROL, "no-store")
        .body(body.into())
        .unwrap()
}

fn to(location: &str, cookies: &[String]) -> Answer {
    let mut answer = answer(StatusCode::SEE_OTHER, "text/plain", "");
    answer.headers_mut().insert(header::LOCATION, location.parse().unwrap());
    for cookie in cookies {
        answer.headers_mut().append(header::SET_COOKIE, cookie.parse().unwrap());
    }
    answer
}

fn kept(name: &str, value: &str) -> String {
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax")
}

fn cookies(headers: &HeaderMap) -> HashMap<String, String> {
    let line = headers
        .get(header::COOKIE)
        .and_then(|line| line.to_str().ok())
        .unwrap_or_default();
    line.split("; ")
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

impl App {
    /// The session that these cookies open.
    fn session(&self, headers: &HeaderMap) -> Option<(String, (String, String))> {
        let held = cookies(headers);
        let id = match self.habit {
            Habit::TwoParts => format!("{}{}", held.get("sid.0")?, held.get("sid.1")?),
            Habit::TwoWays => held.get("sid").or(held.get("remember"))?.clone(),
            _ => held.get("sid")?.clone(),
        };
        let store = self.store.lock().unwrap();
        let session = store.sessions.get(&id)?.clone();
        Some((id, session))
    }

    fn begin(&self, headers: &HeaderMap, asked: &HashMap<String, String>) -> Answer {
        let mut store = self.store.lock().unwrap();
        let held = cookies(headers);
        let mine: Vec<&String> = held.keys().filter(|name| name.starts_with("tx.")).collect();
        if self.habit == Habit::FivePending && mine.len() >= 5 {
            return answer(
                StatusCode::SERVICE_UNAVAILABLE,
                "text/plain",
                "too many unfinished sign-ins",
            );
        }
        let (attempt, state, verifier) = (store.fresh(), store.fresh(), store.fresh());
        let next = asked.get("next").filter(|next| next.starts_with("/me")).cloned();
        let next = next.unwrap_or_else(|| "/me".to_owned());
        store
            .pending
            .insert(attempt.clone(), (state.clone(), verifier.clone(), next));
        let callback = format!("http://localhost:{}/callback", self.vars["port"]);
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("client_id", self.vars["idp.client.id"].as_str()),
                ("redirect_uri", &callback),
                ("response_type", "code"),
                (
                    "scope",
                    match self.habit {
                        Habit::AsksForNoMail => "openid profile",
                        Habit::AsksForNoProfile => "openid email",
                        _ => "openid email profile",
                    },
                ),
                ("state", &state),
                ("code_challenge", &random(&verifier)),
                ("code_challenge_method", "S256"),
            ])
            .extend_pairs(asked.get("prompt").map(|prompt| ("prompt", prompt)))
            .finish();
        let mut set = vec![match self.habit {
            Habit::FivePending => format!("{}; Max-Age=600", kept(&format!("tx.{}", &state[..8]), &attempt)),
            _ => format!("{}; Max-Age=600", kept("tx", &attempt)),
        }];
        if self.habit == Habit::Leftovers {
            set.push(format!("device={}; Path=/; Max-Age=31536000", store.fresh()));
            set.push(format!("csrf={}; Path=/", store.fresh()));
            set.push("lang=en; Path=/; Max-Age=31536000".to_owned());
        }
        to(&format!("{}/v1/authorize?{query}", self.vars["idp.issuer"]), &set)
    }

    async fn finish(&self, query: &HashMap<String, String>, headers: &HeaderMap) -> Answer {
        let held = cookies(headers);
        let state = query.get("state").cloned().unwrap_or_default();
        let name = match self.habit {
            Habit::FivePending => format!("tx.{}", state.get(..8).unwrap_or_default()),
            _ => "tx".to_owned(),
        };
        let pending = held
            .get(&name)
            .and_then(|attempt| self.store.lock().unwrap().pending.remove(attempt));
        let (Some((wanted, verifier, next)), Some(code)) = (pending, query.get("code")) else {
            return answer(
                StatusCode::BAD_REQUEST,
                "text/html",
                "<p>Sign-in failed. <a href=/>Again</a></p>",
            );
        };
        let tokens = if wanted == state {
            self.redeem(code, &verifier).await
        } else {
            None
        };
        let Some((email, id_token)) = tokens else {
            return answer(
                StatusCode::BAD_REQUEST,
                "text/html",
                "<p>Sign-in failed. <a href=/>Again</a></p>",
            );
        };
        let mut store = self.store.lock().unwrap();
        let id = store.fresh();
        store.sessions.insert(id.clone(), (email, id_token));
        if let Some(old) = held.get("sid") {
            store.sessions.remove(old);
        }
        let gone = format!("{name}=; Path=/; Max-Age=0");
        let mut set = vec![gone];
        match self.habit {
            Habit::TwoParts => {
                let (one, other) = id.split_at(20);
                set.extend([kept("sid.0", one), kept("sid.1", other)]);
            }
            Habit::TwoWays => set.extend([kept("sid", &id), kept("remember", &id)]),
            Habit::Leftovers => set.extend([
                kept("sid", &id),
                format!("last_state={state}; Path=/"),
                "flash=welcome; Path=/".into(),
            ]),
            _ => set.push(kept("sid", &id)),
        }
        to(&next, &set)
    }

    /// Where a sign-in starts: at once, or by a form.
    fn sign_in(&self, headers: &HeaderMap, asked: &HashMap<String, String>) -> Answer {
        if self.habit != Habit::StartsByForm {
            return self.begin(headers, &HashMap::new());
        }
        let next = asked.get("next").map_or("/me", String::as_str);
        let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let form = format!("<form method=post action=\"/signin?next={next}\"><button>Sign in</button></form>");
        answer(StatusCode::OK, "text/html", form)
    }

    /// Address or name, and the ID token, that the code is worth.
    async fn redeem(&self, code: &str, verifier: &str) -> Option<(String, String)> {
        let callback = format!("http://localhost:{}/callback", self.vars["port"]);
        let answer = self
            .http
            .post(format!("{}/v1/token", self.vars["idp.issuer"]))
            .basic_auth(&self.vars["idp.client.id"], Some(&self.vars["idp.client.secret"]))
            .form(&[
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", &callback),
                ("code_verifier", verifier),
            ])
            .send()
            .await
            .ok()?;
        if self.habit == Habit::UnpacksSlowly && answer.headers().contains_key(header::CONTENT_ENCODING) {
            // Not synchronisation: that it takes so long is the habit.
            tokio::time::sleep(UNPACKING).await;
        }
        let answer: serde_json::Value = answer.json().await.ok()?;
        let id_token = answer["id_token"].as_str()?.to_owned();
        let part = |index: usize| -> Option<serde_json::Value> {
            let bytes = URL_SAFE_NO_PAD.decode(id_token.split('.').nth(index)?).ok()?;
            serde_json::from_slice(&bytes).ok()
        };
        if self.habit == Habit::SeldomFetchesKeys && !self.has_key(part(0)?["kid"].as_str()?).await {
            return None;
        }
        let mut claims = part(1)?;
        let shown = match self.habit {
            Habit::AsksForNoMail => "name",
            _ => "email",
        };
        if matches!(self.habit, Habit::AsksForNoMail | Habit::AsksForNoProfile) {
            let userinfo = self.http.get(format!("{}/v1/userinfo", self.vars["idp.issuer"]));
            let answer = userinfo
                .bearer_auth(answer["access_token"].as_str()?)
                .send()
                .await
                .ok()?;
            let about: serde_json::Value = answer.json().await.ok()?;
            if about["sub"] != claims["sub"] {
                return None;
            }
            claims = about;
        }
        let shown = claims[shown].as_str()?;
        let shown = shown.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
        Some((shown, id_token))
    }

    /// Whether a key is in the set, which is fetched for that only now and then.
    async fn has_key(&self, kid: &str) -> bool {
        let (is_held, may_fetch) = {
            let mut store = self.store.lock().unwrap();
            let (at, held) = store.keys.clone().unzip();
            let may_fetch = at.is_none_or(|at: Instant| at.elapsed() > BETWEEN_FETCHES);
            let is_held = held.is_some_and(|held| held.iter().any(|key| key == kid));
            if !is_held && may_fetch {
                store.keys = Some((Instant::now(), Vec::new()));
            }
            (is_held, may_fetch)
        };
        if is_held || !may_fetch {
            return is_held;
        }
        let Ok(answer) = self
            .http
            .get(format!("{}/v1/keys", self.vars["idp.issuer"]))
            .send()
            .await
        else {
            return false;
        };
        let set: serde_json::Value = answer.json().await.unwrap_or_default();
        let keys = set["keys"].as_array().into_iter().flatten();
        let keys: Vec<String> = keys.filter_map(|key| Some(key["kid"].as_str()?.to_owned())).collect();
        let is_held = keys.iter().any(|key| key == kid);
        self.store.lock().unwrap().keys = Some((Instant::now(), keys));
        is_held
    }

    fn page(&self, headers: &HeaderMap, target: &str) -> Answer {
        let Some((id, (email, id_token))) = self.session(headers) else {
            return match self.habit {
                Habit::StartsAtThePage => self.begin(headers, &HashMap::new()),
                Habit::StartsByForm => {
                    let target: String = form_urlencoded::byte_serialize(target.as_bytes()).collect();
                    to(&format!("/signin?next={target}"), &[])
                }
                _ => to("/signin", &[]),
            };
        };
        let body = format!("<p>{email}</p><form method=post action=/signout><button>Sign out</button></form>");
        let mut page = answer(StatusCode::OK, "text/html", body);
        if self.habit == Habit::Rotates {
            let mut store = self.store.lock().unwrap();
            let new = store.fresh();
            store.sessions.remove(&id);
            store.sessions.insert(new.clone(), (email, id_token));
            page.headers_mut()
                .append(header::SET_COOKIE, kept("sid", &new).parse().unwrap());
        }
        page
    }

    fn sign_out(&self, headers: &HeaderMap) -> Answer {
        let Some((id, (_, id_token))) = self.session(headers) else {
            return to("/", &[]);
        };
        self.store.lock().unwrap().sessions.remove(&id);
        let back = format!("http://localhost:{}/", self.vars["port"]);
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("id_token_hint", id_token.as_str()),
                ("post_logout_redirect_uri", &back),
            ])
            .finish();
        let leaving = format!("{}/v1/logout?{query}", self.vars["idp.issuer"]);
        let gone: Vec<String> = ["sid", "sid.0", "sid.1", "remember"]
            .map(|name| format!("{name}=; Path=/; Max-Age=0"))
            .to_vec();
        if self.habit != Habit::JsonSignOut {
            return to(&leaving, &gone);
        }
        let mut told = answer(
            StatusCode::OK,
            "application/json",
            format!("{{\"next\":{{\"url\":\"{leaving}\"}}}}"),
        );
        told.headers_mut().append(header::SET_COOKIE, gone[0].parse().unwrap());
        told
    }
}

fn app(habit: Habit) -> InProcess {
    InProcess::new(move |listener, vars| async move {
        let app = App {
            habit,
            vars: Arc::new(vars),
            // No connection is kept: a fault may have ended it.
            http: reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap(),
            store: Arc::default(),
        };
        let router = Router::new()
            .route("/", get(|| async { answer(StatusCode::OK, "text/html", "<a href=/signin>Sign in</a>") }))
            .route(
                "/signin",
                get(
                    |State(app): State<App>, Query(asked): Query<HashMap<String, String>>, headers: HeaderMap| async move {
                        app.sign_in(&headers, &asked)
                    },
                )
                .post(
                    |State(app): State<App>, Query(asked): Query<HashMap<String, String>>, headers: HeaderMap| async move {
                        app.begin(&headers, &asked)
                    },
                ),
            )
            .route(
                "/callback",
                get(
                    |State(app): State<App>, Query(query): Query<HashMap<String, String>>, headers: HeaderMap| async move {
                        app.finish(&query, &headers).await
                    },
                ),
            )
            .route(
                "/me",
                get(|State(app): State<App>, uri: axum::http::Uri, headers: HeaderMap| async move {
                    app.page(&headers, &uri.to_string())
                }),
            )
            .route(
                "/signout",
                get(|| async { to("/", &[]) })
                    .post(|State(app): State<App>, headers: HeaderMap| async move { app.sign_out(&headers) }),
            )
            .fallback(|State(app): State<App>| async move {
                match app.habit {
                    Habit::CatchesAll => answer(StatusCode::OK, "text/html", "<div id=root></div>"),
                    _ => answer(StatusCode::NOT_FOUND, "text/plain", "Not found"),
                }
            })
            .with_state(app);
        Ok(async move { drop(axum::serve(listener, router).await) })
    })
}

async fn run_on(habit: Habit, ids: &[&str]) -> RunResult {
    run_with(habit, ids, |_, _| {}).await
}

async fn run_with(habit: Habit, ids: &[&str], change: impl FnOnce(&mut Config, &mut Options)) -> RunResult {
    let sign_in = match habit {
        Habit::StartsAtThePage => "{ protected = \"/me\" }",
        Habit::StartsByForm => "{ form = \"/signin\" }",
        _ => "{ get = \"/signin\" }",
    };
    let (scopes, shown) = match habit {
        Habit::AsksForNoMail => (r#"["openid", "profile"]"#, "name"),
        Habit::AsksForNoProfile => (r#"["openid", "email"]"#, "email"),
        _ => (r#"["openid", "profile", "email"]"#, "email"),
    };
    let config = format!(
        r#"
[target]
url = "http://localhost:{{port}}"
sign_in = {sign_in}
sign_out = {{ form = "/me" }}
callback = "/callback"
post_logout = ["http://localhost:{{port}}/"]
[target.session]
probe = "/me"
signed_in = {{ status = 200, contains = "{{user.{shown}}}" }}
signed_out = {{ status = 303 }}
[target.declares]
scopes = {scopes}
"#
    );
    let mut config: Config = toml::from_str(&config).unwrap();
    let cases = catalog::all().filter(|case| ids.contains(&case.id)).collect();
    let mut options = Options {
        launcher: Some(app(habit)),
        ..Options::new(cases)
    };
    change(&mut config, &mut options);
    let result = run(&config, &options, &mut |_| {}).await;
    assert_eq!(result.aborted, None, "{habit:?}");
    result
}

/// Everything that is neither pass nor skip, with what was said about it.
fn complaints(result: &RunResult) -> Vec<String> {
    let open = result
        .cases
        .iter()
        .filter(|case| !matches!(case.verdict.word(), "pass" | "skipped"));
    open.map(|case| format!("{} {:?} {:?}", case.case.id, case.verdict, case.notes))
        .collect()
}

/// The cookies that the run took for a session's.
fn learnt(result: &RunResult) -> Vec<String> {
    let attempts = result
        .cases
        .iter()
        .flat_map(|case| &case.variants)
        .flat_map(|variant| &variant.attempts);
    attempts
        .map(|attempt| attempt.evidence.target.session_cookies.clone())
        .find(|names| !names.is_empty())
        .unwrap_or_default()
}

const OF_COOKIES: &[&str] = &[
    "authorization/state-no-leak",
    "session/id-rotates",
    "session/planted-id",
    "session/cookie-flags",
    "session/not-in-url",
    "session/tampered-cookie",
    "session/flow-cookie-is-not-session",
    "logout/session-dead",
    "logout/cookies-cleared",
    "logout/then-login-again",
];

#[tokio::test]
async fn what_a_sign_in_leaves_beside_the_session_is_not_taken_for_one() {
    let result = run_on(Habit::Leftovers, OF_COOKIES).await;
    assert_eq!(learnt(&result), ["sid"]);
    assert_eq!(complaints(&result), Vec::<String>::new());
}

#[tokio::test]
async fn a_session_in_two_cookies_is_found_whole() {
    let result = run_on(Habit::TwoParts, OF_COOKIES).await;
    assert_eq!(learnt(&result), ["sid.0", "sid.1"]);
    assert_eq!(complaints(&result), Vec::<String>::new());
}

#[tokio::test]
async fn each_of_two_cookies_that_open_the_session_is_one() {
    let result = run_on(Habit::TwoWays, &["session/cookie-flags", "logout/cookies-cleared"]).await;
    assert_eq!(learnt(&result), ["sid", "remember"]);
    assert_eq!(complaints(&result), Vec::<String>::new());
}

#[tokio::test]
async fn a_session_id_that_is_new_with_every_page_passes_the_control() {
    let result = run_on(Habit::Rotates, OF_COOKIES).await;
    assert_eq!(learnt(&result), ["sid"]);
    assert_eq!(complaints(&result), Vec::<String>::new());
}

#[tokio::test]
async fn one_page_for_every_address_is_no_open_door() {
    let ids = ["session/bypass-tricks", "session/protected-needs-login"];
    let result = run_on(Habit::CatchesAll, &ids).await;
    assert_eq!(complaints(&result), Vec::<String>::new());
    assert_eq!(result.count("pass"), 2);
}

#[tokio::test]
async fn where_the_page_starts_the_sign_in_none_begins_over_a_session() {
    let ids = [
        "session/relogin-other-user",
        "session/failed-login-keeps-order",
        "callback/error-unsolicited",
    ];
    let result = run_on(Habit::StartsAtThePage, &ids).await;
    assert_eq!(complaints(&result), Vec::<String>::new());
    assert_eq!(result.count("skipped"), 3);
}

#[tokio::test]
async fn a_limit_of_pending_sign_ins_is_no_fault() {
    let result = run_on(Habit::FivePending, &["session/abandoned-flows", "session/cookie-flags"]).await;
    assert_eq!(complaints(&result), Vec::<String>::new());
}

#[tokio::test]
async fn a_sign_out_that_answers_json_is_followed() {
    let ids = [
        "logout/rp-init-reaches-idp",
        "logout/rp-init-hint",
        "logout/rp-init-return-uri",
        "logout/session-dead",
    ];
    let result = run_on(Habit::JsonSignOut, &ids).await;
    assert_eq!(complaints(&result), Vec::<String>::new());
    assert_eq!(result.count("pass"), 4);
}

/// A link opens the page of the form; nobody's link sends the form, so what its own address may carry is no hole.
#[tokio::test]
async fn a_form_that_starts_sign_ins_is_pressed_on_deep_links_and_edited_by_no_link() {
    let ids = [
        "redirect/deep-link",
        "authorization/params-not-injectable",
        "authorization/redirect-uri-exact",
    ];
    let result = run_on(Habit::StartsByForm, &ids).await;
    assert_eq!(complaints(&result), Vec::<String>::new());
    assert_eq!(result.count("pass"), 3);
}

/// Most libraries leave the authorization server alone for a while after they fetched its keys.
#[tokio::test]
async fn how_long_an_app_waits_between_two_fetches_of_the_keys_is_learnt() {
    let ids = ["jwks/rotation-between-logins", "jwks/rotation-mid-flow"];
    let result = run_on(Habit::SeldomFetchesKeys, &ids).await;
    assert_eq!(complaints(&result), Vec::<String>::new());
    assert_eq!(result.count("pass"), 2);
    let told = result
        .notices
        .iter()
        .filter_map(|notice| notice.split_once("`cool_down = "));
    let seconds: Vec<u64> = told
        .map(|(_, rest)| rest.split('`').next().unwrap().parse().unwrap())
        .collect();
    let [seconds] = seconds.as_slice() else {
        panic!("{:?}", result.notices)
    };
    assert!(Duration::from_secs(*seconds) > BETWEEN_FETCHES, "{:?}", result.notices);
}

/// Also where the configuration was fitted to an app that gives up early on an authorization server without an answer.
#[tokio::test]
async fn an_app_may_take_longer_over_a_bomb_than_over_other_requests() {
    let result = run_with(Habit::UnpacksSlowly, &["token-response/gzip"], |config, options| {
        options.timeout = LIMIT;
        config.run.patience = Some(LIMIT.as_secs());
    })
    .await;
    assert_eq!(complaints(&result), Vec::<String>::new());
    assert_eq!(result.count("pass"), 1);
}

/// Every case that changes what the authorization server says of a person.
fn about_people() -> Vec<&'static str> {
    let cases = catalog::all().filter(|case| {
        let mut faults = case.variants.iter().flat_map(|variant| variant.faults);
        faults.any(|fault| matches!(fault, Fault::Identity(_)))
    });
    cases.map(|case| case.id).collect()
}

/// The reason for which a variant was left out.
fn skipped<'r>(result: &'r RunResult, id: &str, variant: &str) -> &'r str {
    let case = result.cases.iter().find(|case| case.case.id == id).unwrap();
    let variant = case.variants.iter().find(|other| other.name == variant).unwrap();
    match &variant.verdict {
        Verdict::Skipped(why) => why,
        other => panic!("{id}: {other:?}"),
    }
}

/// Each of these variants was left out for this reason.
fn are_left_out(result: &RunResult, variants: &[(&str, &str)], reason: &str) {
    for (id, variant) in variants {
        assert_eq!(skipped(result, id, variant), reason, "{id}");
    }
}

/// An app that is told no address cannot be told a wrong one.
#[tokio::test]
async fn an_app_that_does_not_ask_for_addresses_is_not_asked_about_them() {
    let result = run_on(Habit::AsksForNoMail, &about_people()).await;
    assert_eq!(complaints(&result), Vec::<String>::new());
    let about_addresses = [
        ("identity/email-collision", "unverified"),
        ("identity/email-verified-type", "string-false"),
        ("identity/claims-refreshed", "profile-changed"),
        ("id-token/extra-claims", "unicode-email"),
        ("userinfo/claims-xss", "email"),
    ];
    are_left_out(&result, &about_addresses, "the app does not ask for the scope `email`");
}

#[tokio::test]
async fn an_app_that_does_not_ask_for_names_is_not_asked_about_them() {
    let result = run_on(Habit::AsksForNoProfile, &about_people()).await;
    assert_eq!(complaints(&result), Vec::<String>::new());
    let about_names = [
        ("id-token/extra-claims", "unicode-name"),
        ("userinfo/claims-xss", "name"),
        ("robustness/crlf", "name-claim"),
        ("robustness/crlf", "login-claim"),
    ];
    are_left_out(&result, &about_names, "the app does not ask for the scope `profile`");
}
