//! Everything that mock-idp can get wrong, side by side with what this app says to it. A fault that is added over there
//! fails here until somebody has decided.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use mock_idp::{
    Client, MockIdp,
    flow::{
        fault::{Fault, Message, Reach},
        scenario::{FlowId, Persona, Scenario},
    },
};
use reference_app::{
    clock::Clock,
    oidc::{AuthorizationResponse, Identity, RelyingParty, SignInError},
    secret::random_token,
};
use scraper::{Html, Selector};

use crate::fake_idp::{CLIENT_ID, config};

/// What the relying party makes of a fault.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reaction {
    /// The user signs in all the same.
    SignsIn,
    /// `SignInError`, as `Debug` writes it; the beginning is enough.
    Refuses(&'static str),
    /// No part of a sign-in: end of session, refresh, TLS.
    Elsewhere,
}

use Reaction::{Elsewhere, Refuses, SignsIn};

/// The longest entry that a fault's id begins with counts.
const MIRROR: &[(&str, Reaction)] = &[
    ("identity.", SignsIn),
    ("authorization-response.", SignsIn),
    ("authorization-response.iss-wrong.", Refuses("ResponseIssuer")),
    ("authorization-response.iss-missing", Refuses("ResponseIssuerMissing")),
    ("code.", SignsIn),
    ("token-response.rewritten", SignsIn),
    ("token-response.oauth-error.", Refuses("CodeRefused")),
    ("token-response.http-5xx.", Refuses("TokenEndpoint(Status(50")),
    ("token-response.error-in-200.", Refuses("CodeRefused")),
    ("token-response.malformed-body.", Refuses("TokenEndpoint(Malformed")),
    ("token-response.malformed-body.html", Refuses("TokenEndpoint(")),
    ("token-response.malformed-body.form", Refuses("TokenEndpoint(")),
    ("token-response.huge-body.50mb", Refuses("TokenEndpoint(TooLarge)")),
    ("token-response.huge-body.dots", Refuses("TokenEndpoint(TooLarge)")),
    ("token-response.huge-body.nesting", Refuses("TokenEndpoint(")),
    ("token-response.missing-id-token.", Refuses("IdTokenMissing")),
    ("token-response.missing-access-token", Refuses("AccessTokenMissing")),
    ("token-response.token-type-missing", Refuses("TokenType")),
    ("token-response.token-type-unusable.", Refuses("TokenType")),
    ("token-response.token-type-case.", SignsIn),
    ("token-response.minimal.", SignsIn),
    ("token-response.expires-in-odd.", SignsIn),
    ("token-response.extra-members", SignsIn),
    ("token-response.short-lived", SignsIn),
    ("token-response.gzip.valid", SignsIn),
    ("token-response.gzip.bomb", Refuses("TokenEndpoint(")),
    ("token-response.slow.", Refuses("TokenEndpoint(TimedOut)")),
    ("token-response.slow.4s", SignsIn),
    ("token-response.connection-drop.", Refuses("TokenEndpoint(Unreachable)")),
    ("token-response.redirect.", Refuses("TokenEndpoint(Status(30")),
    ("token-response.json-shape.", SignsIn),
    ("id-token.resigned", SignsIn),
    ("id-token.sig-corrupt.", Refuses("IdToken(Signature)")),
    ("id-token.sig-corrupt.dropped", Refuses("IdToken(Malformed)")),
    ("id-token.sig-other-key.", Refuses("IdToken(Signature)")),
    ("id-token.sig-other-key.own-kid", Refuses("IdToken(UnknownKey)")),
    ("id-token.alg-none", Refuses("IdToken(Algorithm)")),
    ("id-token.hs256-", Refuses("IdToken(Algorithm)")),
    ("id-token.alg-not-registered.", Refuses("IdToken(Algorithm)")),
    ("id-token.ecdsa-zero-signature.", Refuses("IdToken(Algorithm)")),
    ("id-token.signed-by-encryption-key", Refuses("IdToken(UnknownKey)")),
    ("id-token.signed-by-weak-key.", Refuses("IdToken(UnknownKey)")),
    ("id-token.kid-absent", SignsIn),
    ("id-token.kid-injection.", Refuses("IdToken(UnknownKey)")),
    ("id-token.kid-injection.path", Refuses("IdToken(")),
    ("id-token.header-jwk.", Refuses("IdToken(UnknownKey)")),
    ("id-token.header-jwk.oct", Refuses("IdToken(Algorithm)")),
    ("id-token.header-jku.", Refuses("IdToken(UnknownKey)")),
    ("id-token.header-x5u-x5c.", Refuses("IdToken(")),
    ("id-token.header-claims", SignsIn),
    ("id-token.crit-unknown.", Refuses("IdToken(Critical)")),
    ("id-token.typ-confusion.", Refuses("IdToken(Kind)")),
    ("id-token.typ-confusion.jwt", SignsIn),
    ("id-token.cross-jwt.", Refuses("IdToken(")),
    ("id-token.unexpected-jwe.", Refuses("IdToken(Malformed)")),
    ("id-token.malformed-structure.", Refuses("IdToken(Malformed)")),
    ("id-token.malformed-structure.not-json", Refuses("IdToken(Claims)")),
    ("id-token.malformed-structure.array", Refuses("IdToken(Claims)")),
    ("id-token.malformed-structure.string", Refuses("IdToken(Claims)")),
    (
        "id-token.malformed-structure.trailing-bytes",
        Refuses("IdToken(Claims)"),
    ),
    ("id-token.malformed-structure.bom", Refuses("IdToken(Claims)")),
    ("id-token.iss-wrong.", Refuses("IdToken(Issuer)")),
    ("id-token.iss-partial.", Refuses("IdToken(Issuer)")),
    ("id-token.iss-missing.absent", Refuses("IdToken(Missing(\"iss\"))")),
    ("id-token.iss-missing.null", Refuses("IdToken(Missing(\"iss\"))")),
    ("id-token.iss-missing.object", Refuses("IdToken(Missing(\"iss\"))")),
    ("id-token.iss-missing.empty", Refuses("IdToken(Issuer)")),
    ("id-token.iss-missing.array", Refuses("IdToken(Issuer)")),
    ("id-token.aud-wrong.", Refuses("IdToken(Audience)")),
    ("id-token.aud-missing.", Refuses("IdToken(Missing(\"aud\"))")),
    ("id-token.aud-missing.empty", Refuses("IdToken(Audience)")),
    ("id-token.aud-single-array", SignsIn),
    ("id-token.aud-untrusted-extra.", Refuses("IdToken(ExtraAudience)")),
    ("id-token.azp-wrong", Refuses("IdToken(AuthorizedParty)")),
    ("id-token.exp-past.", Refuses("IdToken(Expired)")),
    ("id-token.exp-missing.", Refuses("IdToken(Missing(\"exp\"))")),
    ("id-token.nbf-future", Refuses("IdToken(NotYetValid)")),
    ("id-token.iat-out-of-range.past-", Refuses("IdToken(IssuedLongAgo)")),
    (
        "id-token.iat-out-of-range.future-1d",
        Refuses("IdToken(IssuedInFuture)"),
    ),
    ("id-token.iat-missing.", Refuses("IdToken(Missing(\"iat\"))")),
    ("id-token.time-tolerance.", SignsIn),
    ("id-token.sub-missing.", Refuses("IdToken(Missing(\"sub\"))")),
    ("id-token.sub-missing.array", Refuses("IdToken(Claims)")),
    ("id-token.nonce-wrong.", Refuses("IdToken(Nonce)")),
    ("id-token.nonce-missing.", Refuses("IdToken(Nonce)")),
    ("id-token.replayed-token", Refuses("IdToken(Nonce)")),
    ("id-token.at-hash-wrong.", Refuses("IdToken(")),
    ("id-token.at-hash-absent", SignsIn),
    // This app asks for no step-up, so there is nothing to compare.
    ("id-token.step-up-claims.", SignsIn),
    ("id-token.duplicate-claims.", Refuses("IdToken(Claims)")),
    (
        "id-token.type-confusion.exp-string",
        Refuses("IdToken(Missing(\"exp\"))"),
    ),
    ("id-token.type-confusion.nonce-array", Refuses("IdToken(Nonce)")),
    ("id-token.type-confusion.iss-object", Refuses("IdToken(")),
    (
        "id-token.type-confusion.aud-nested",
        Refuses("IdToken(Missing(\"aud\"))"),
    ),
    ("id-token.type-confusion.email-object", SignsIn),
    ("id-token.type-confusion.name-number", SignsIn),
    ("id-token.extra-claims.", SignsIn),
    ("id-token.large-token.", SignsIn),
    ("access-token.resigned", SignsIn),
    ("access-token.opaque-and-long.", Refuses("AccessToken(Malformed)")),
    // Long, but a token all the same.
    ("access-token.opaque-and-long.4k", SignsIn),
    ("access-token.opaque-and-long.12k", SignsIn),
    (
        "access-token.sig-other-key.known-kid",
        Refuses("AccessToken(Signature)"),
    ),
    ("access-token.sig-other-key.own-kid", Refuses("AccessToken(UnknownKey)")),
    ("access-token.iss-wrong.", Refuses("AccessToken(Issuer)")),
    ("access-token.aud-wrong", Refuses("AccessToken(Audience)")),
    ("access-token.exp-past", Refuses("AccessToken(Expired)")),
    ("access-token.cid-wrong", Refuses("AccessToken(Client)")),
    ("userinfo.", SignsIn),
    ("userinfo.sub-mismatch", Refuses("UserinfoSubject")),
    ("userinfo.sub-missing", Refuses("UserinfoSubject")),
    ("userinfo.sub-ambiguous.array-", Refuses("UserinfoSubject")),
    ("metadata.rewritten", SignsIn),
    ("metadata.issuer-mismatch", Refuses("MetadataIssuer")),
    ("metadata.issuer-trailing-slash", Refuses("MetadataIssuer")),
    ("metadata.unavailable.", Refuses("Metadata(Status(50")),
    ("metadata.unavailable.30s", Refuses("Metadata(TimedOut)")),
    ("metadata.malformed.", Refuses("Metadata(")),
    ("metadata.malformed.null-endpoints", Refuses("MetadataEndpoint")),
    ("metadata.unknown-members.", SignsIn),
    ("metadata.endpoints-honoured.", SignsIn),
    ("metadata.cross-origin-redirect", Refuses("Metadata(Status(302))")),
    (
        "metadata.insecure-endpoint.",
        Refuses("MetadataEndpoint(\"token_endpoint\")"),
    ),
    ("metadata.alg-none-advertised", SignsIn),
    ("metadata.pkce-no-fallback.", SignsIn),
    // The document promises what an honest response does not keep.
    ("metadata.iss-parameter", Refuses("ResponseIssuerMissing")),
    ("metadata.no-end-session-endpoint", SignsIn),
    ("jwks.", SignsIn),
    ("jwks.fetch-fails.", Refuses("IdToken(Keys(")),
    ("jwks.fetch-fails.no-keys", Refuses("IdToken(UnknownKey)")),
    ("jwks.unavailable.30s", Refuses("IdToken(Keys(TimedOut))")),
    ("jwks.cross-origin-redirect", Refuses("IdToken(Keys(Status(302)))")),
];

/// What the app says to this fault.
fn reaction(fault: Fault) -> Option<Reaction> {
    match fault.message() {
        Message::EndSession | Message::RefreshResponse | Message::Tls | Message::LogoutToken => return Some(Elsewhere),
        _ => {}
    }
    let fitting = MIRROR.iter().filter(|(prefix, _)| fault.id().starts_with(prefix));
    fitting
        .max_by_key(|(prefix, _)| prefix.len())
        .map(|(_, reaction)| *reaction)
}

#[test]
fn every_fault_has_its_answer_and_every_answer_its_fault() {
    let undecided: Vec<_> = Fault::all()
        .filter(|fault| reaction(*fault).is_none())
        .map(Fault::id)
        .collect();
    assert!(undecided.is_empty(), "no reaction is written down for {undecided:#?}");
    for (prefix, _) in MIRROR {
        assert!(
            Fault::all().any(|fault| fault.id().starts_with(prefix)),
            "there is no fault `{prefix}`"
        );
    }
}

/// Every fault of a sign-in, really sent by mock-idp to this relying party; many at once, each in a flow of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn the_relying_party_does_what_is_written_down() {
    let house = Arc::new(House::new(&[]).await);
    let earlier = house.sign_in(Scenario::honest(persona("earlier"))).await;
    let earlier = earlier.expect("an honest sign-in succeeds").0;
    let walks = Fault::all()
        .filter(|fault| reaction(*fault) != Some(Elsewhere))
        .map(|fault| {
            let shared = Arc::clone(&house);
            // Tasks of their own: setting up TLS takes a while, and must not use up the time of the others.
            tokio::spawn(async move {
                let expected = reaction(fault).expect("the test above asks for one");
                let mut scenario = Scenario::honest(persona("user"));
                scenario.victim = Some(persona("victim"));
                scenario.earlier = Some(earlier);
                if fault.reach() == Reach::Flow {
                    scenario.faults = vec![fault];
                }
                let found = match server_faults(fault) {
                    None => shared.sign_in(scenario).await,
                    Some(faults) => House::new(&faults).await.sign_in(scenario).await,
                };
                let found = found.map(|_| ());
                let as_written = match (&found, expected) {
                    (Ok(()), SignsIn) => true,
                    (Err(error), Refuses(beginning)) => format!("{error:?}").starts_with(beginning),
                    _ => false,
                };
                (!as_written).then(|| format!("{fault}: {found:?}, written down is {expected:?}"))
            })
        });
    let found: Vec<_> = stream::iter(walks).buffer_unordered(16).collect().await;
    let wrong: Vec<String> = found.into_iter().filter_map(Result::unwrap).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The faults that must be in force on the server, if any.
fn server_faults(fault: Fault) -> Option<Vec<Fault>> {
    match fault.id() {
        // Missing is only what was promised.
        "authorization-response.iss-missing" => Some(vec!["metadata.iss-parameter".parse().unwrap()]),
        _ if fault.reach() == Reach::Server => Some(vec![fault]),
        _ => None,
    }
}

const REDIRECT_URI: &str = "http://localhost:3000/authorization-code/callback";

/// A mock-idp and a relying party that waits for eight seconds: longer than any answer that must be waited for.
struct House {
    idp: MockIdp,
    rp: RelyingParty,
    http: reqwest::Client,
}

fn persona(name: &str) -> Persona {
    let login = format!("{name}-{}@example.test", random_token());
    Persona {
        sub: format!("00u{}", &random_token()[..17]),
        email: login.clone(),
        login,
        given_name: name.to_owned(),
        family_name: "Example".to_owned(),
        id_token_name: format!("{name} Example"),
        userinfo_name: format!("{name} Example"),
        ..Persona::default()
    }
}

impl House {
    async fn new(faults: &[Fault]) -> Self {
        let client = Client::web(CLIENT_ID)
            .secret("a-secret-of-forty-characters-0123456789")
            .redirect(REDIRECT_URI);
        let idp = MockIdp::builder().client(client).start().await.unwrap();
        idp.misbehave("default", faults);
        let mut config = config(idp.issuer());
        config.upstream_timeout = Duration::from_secs(8);
        let browser = reqwest::Client::builder().timeout(Duration::from_secs(60));
        Self {
            rp: RelyingParty::new(config, Clock::default()).unwrap(),
            http: browser.redirect(reqwest::redirect::Policy::none()).build().unwrap(),
            idp,
        }
    }

    /// One sign-in through the hosted page, in a browser of its own.
    async fn sign_in(&self, scenario: Scenario) -> Result<(FlowId, Identity), SignInError> {
        let login = scenario.user.login.clone();
        let (url, attempt) = self.rp.begin("/", None).await?;
        let flow = self.idp.begin(scenario);
        let mut browser = Browser::default();
        browser.send(self.http.get(flow.enter.clone())).await;
        let page = browser.send(self.http.get(url.clone())).await.text().await.unwrap();
        let (action, mut fields) = form(&page);
        for (name, value) in [("identifier", login.as_str()), ("credentials.passcode", "any")] {
            fields.retain(|(known, _)| known != name);
            fields.push((name.to_owned(), value.to_owned()));
        }
        let answer = browser
            .send(self.http.post(url.join(&action).unwrap()).form(&fields))
            .await;
        let location = answer.headers()["location"].to_str().unwrap().to_owned();
        let query = location
            .strip_prefix(&format!("{REDIRECT_URI}?"))
            .unwrap_or_else(|| panic!("{location}"));
        let response = AuthorizationResponse::parse(query)?;
        self.rp
            .finish(response, attempt)
            .await
            .map(|identity| (flow.id, identity))
    }
}

/// Keeps the cookies of the authorization server.
#[derive(Default)]
struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Browser {
    async fn send(&mut self, request: reqwest::RequestBuilder) -> reqwest::Response {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let response = request.header("cookie", cookies.join("; ")).send().await.unwrap();
        for line in response.headers().get_all("set-cookie") {
            let (name, rest) = line.to_str().unwrap().split_once('=').unwrap();
            self.cookies
                .insert(name.to_owned(), rest.split(';').next().unwrap().to_owned());
        }
        response
    }
}

/// Action and fields of the first form.
fn form(page: &str) -> (String, Vec<(String, String)>) {
    let page = Html::parse_document(page);
    let form = page
        .select(&Selector::parse("form").unwrap())
        .next()
        .expect("the hosted page has a form");
    let inputs = Selector::parse("input[name]").unwrap();
    let fields = form
        .select(&inputs)
        .filter(|input| !matches!(input.attr("type"), Some("checkbox" | "submit")));
    let fields = fields.map(|input| {
        (
            input.attr("name").unwrap_or_default().to_owned(),
            input.attr("value").unwrap_or_default().to_owned(),
        )
    });
    (form.attr("action").unwrap_or_default().to_owned(), fields.collect())
}
