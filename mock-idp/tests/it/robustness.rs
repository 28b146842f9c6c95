//! Any bytes get a documented answer: never a 500, never a hang; and flows never leak into each other.

use std::sync::LazyLock;

use mock_idp::{
    Event, Fault, MockIdp, Scenario,
    flow::{fault::Message, scenario::Persona},
    protocol::{params::Params, pkce},
};
use proptest::{prelude::*, strategy::ValueTree};

use crate::app::{self, Browser, param};

static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| tokio::runtime::Runtime::new().unwrap());
static IDP: LazyLock<MockIdp> = LazyLock::new(|| RUNTIME.block_on(app::idp()));

static HTTP: LazyLock<reqwest::Client> = LazyLock::new(|| {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    http.no_proxy().build().unwrap()
});

const PATHS: &[&str] = &[
    "/oauth2/default/v1/authorize",
    "/oauth2/v1/authorize",
    "/oauth2/default/v1/token",
    "/oauth2/default/v1/userinfo",
    "/oauth2/default/v1/introspect",
    "/oauth2/default/v1/revoke",
    "/oauth2/default/v1/logout",
    "/oauth2/default/v1/keys",
    "/oauth2/default/.well-known/openid-configuration",
    "/oauth2/default/v1/interact",
    "/oauth2/v1/authorize/redirect",
    "/api/v1/authn",
    "/api/v1/authn/factors/x/verify",
    "/api/v1/sessions",
    "/api/v1/sessions/me",
    "/idp/idx/introspect",
    "/idp/idx/identify",
    "/idp/idx/challenge/answer",
    "/idp/idx/consent",
    "/login/login.htm",
    "/login/sessionCookieRedirect",
    "/login/token/redirect",
    "/login/step-up/redirect",
    "/activate",
    "/_mock/flows/f-1/enter",
    "/",
];
const NAMES: &[&str] = &[
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "prompt",
    "max_age",
    "code_challenge",
    "code_challenge_method",
    "login_hint",
    "acr_values",
    "grant_type",
    "code",
    "code_verifier",
    "client_secret",
    "refresh_token",
    "token",
    "id_token_hint",
    "post_logout_redirect_uri",
    "stateToken",
    "identifier",
    "credentials.passcode",
    "to",
    "access_token",
    "sessionToken",
    "redirectUrl",
    "fromURI",
    "token",
    "okta_key",
    "user_code",
    "rememberMe",
];
const VALUES: &[&str] = &[
    "web",
    "http://localhost:3000/callback",
    "code",
    "id_token token",
    "form_post",
    "openid",
    "none",
    "login",
    "0",
    "S256",
    "authorization_code",
    "refresh_token",
    app::SECRET,
    app::CHALLENGE,
    app::VERIFIER,
    app::ALICE,
];

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::sample::select(VALUES).prop_map(|text| text.as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..40),
        ".{0,40}".prop_map(String::into_bytes),
    ]
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let pair = (proptest::sample::select(NAMES), value());
    prop_oneof![
        proptest::collection::vec(pair, 0..10).prop_map(|pairs| {
            let pairs: Vec<String> = pairs
                .into_iter()
                .map(|(name, value)| format!("{name}={}", percent(&value)))
                .collect();
            pairs.join("&").into_bytes()
        }),
        proptest::collection::vec(any::<u8>(), 0..200),
    ]
}

fn percent(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_request_is_answered_and_never_with_500(
        path in proptest::sample::select(PATHS),
        method in proptest::sample::select(&["GET", "POST", "PUT", "OPTIONS", "HEAD"][..]),
        content_type in proptest::sample::select(&["application/x-www-form-urlencoded", "application/json", "x"][..]),
        authorization in proptest::option::of("(Basic|Bearer|DPoP)? ?[ -~]{0,30}"),
        in_query in any::<bool>(),
        body in body(),
    ) {
        let idp = &*IDP;
        let status = RUNTIME.block_on(async {
            let mut url = idp.origin().join(path).unwrap();
            if in_query {
                url.set_query(Some(&percent(&body).replace("%26", "&").replace("%3D", "=")));
            }
            let mut request = HTTP.request(method.parse().unwrap(), url).header("content-type", content_type);
            if let Some(value) = authorization {
                request = request.header("authorization", value);
            }
            if !in_query {
                request = request.body(body);
            }
            request.send().await.unwrap().status().as_u16()
        });
        prop_assert!(status < 500, "{status}");
    }

    #[test]
    fn parameters_survive_writing_and_reading(pairs in proptest::collection::vec((".{0,20}", ".{0,20}"), 0..8)) {
        let read = Params::parse(Params::write(&pairs).as_bytes());
        prop_assert_eq!(read.0, pairs);
    }

    #[test]
    fn reading_parameters_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let params = Params::parse(&bytes);
        for name in params.duplicates() {
            prop_assert!(params.has(name));
        }
    }

    #[test]
    fn only_the_right_verifier_proves(verifier in "[A-Za-z0-9._~-]{43,128}", other in "[A-Za-z0-9._~-]{43,128}") {
        let challenge = pkce::s256(&verifier);
        prop_assert!(pkce::is_well_formed(&verifier) && pkce::is_well_formed(&challenge));
        prop_assert!(pkce::proves(&verifier, &challenge, "S256"));
        prop_assert_eq!(pkce::proves(&other, &challenge, "S256"), other == verifier);
    }
}

/// Faults that leave enough standing for a sign-in to be walked to its end.
fn harmless() -> Vec<Option<Fault>> {
    let of = |message| Fault::all().filter(move |fault| fault.message() == message).map(Some);
    let mut faults: Vec<Option<Fault>> = of(Message::IdToken).chain(of(Message::Identity)).collect();
    faults.extend([None, None, None]);
    faults
}

/// Random scenarios at once: each flow gets its own fault and nobody else's, its own user and nobody else's.
#[test]
fn many_flows_at_once_never_leak_into_each_other() {
    const FLOWS: usize = 64;
    let faults = harmless();
    let picks: Vec<usize> = {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let strategy = proptest::collection::vec(0..faults.len(), FLOWS);
        strategy.new_tree(&mut runner).unwrap().current()
    };
    LazyLock::force(&IDP);
    RUNTIME.block_on(async {
        let walks: Vec<_> = picks
            .into_iter()
            .enumerate()
            .map(|(number, pick)| tokio::spawn(walk(number, faults[pick])))
            .collect();
        for walk in walks {
            walk.await.unwrap();
        }
    });
}

async fn walk(number: usize, fault: Option<Fault>) {
    let idp = &*IDP;
    let persona = Persona {
        sub: format!("00uWalker{number:011}"),
        login: format!("walker-{number}@people.test"),
        email: format!("walker-{number}@people.test"),
        id_token_name: format!("Walker {number}"),
        userinfo_name: format!("Walker Number {number}"),
        ..Persona::default()
    };
    let scenario = Scenario::honest(persona.clone()).with_faults(fault);
    let flow = idp.begin(scenario);
    let mut browser = Browser::new();
    browser.get(&flow.enter).await;
    let state = format!("state-{number}");
    let url = app::authorization_url(&idp.issuer(), &[("state", Some(&state))]);
    let back = app::authorize(&mut browser, &url, &persona.login).await;
    assert_eq!(param(&back, "state"), Some(state));
    let answer = app::redeem(&idp.issuer(), &param(&back, "code").unwrap(), &[]).await;
    let tokens: serde_json::Value = answer.json().await.unwrap();
    let info = app::userinfo(&idp.issuer(), tokens["access_token"].as_str().unwrap()).await;
    let info: serde_json::Value = info.json().await.unwrap();
    let records = idp.records(flow.id);
    let sent: Vec<Fault> = records
        .iter()
        .filter_map(|record| match &record.event {
            Event::Sent { fault, .. } => Some(*fault),
            _ => None,
        })
        .collect();
    assert!(
        sent.iter().all(|sent| Some(*sent) == fault),
        "{number}: {sent:?} but {fault:?}"
    );
    assert_eq!(sent.is_empty(), fault.is_none(), "{number}");
    if fault.is_none_or(|fault| fault.message() == Message::IdToken) {
        assert_eq!(info["sub"], persona.sub);
        assert_eq!(info["name"], persona.userinfo_name);
    }
    assert!(records.iter().all(|record| record.flow == Some(flow.id)));
}
