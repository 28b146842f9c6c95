//! `discovery/`: the document that tells the app where everything is.

use mock_idp::{
    Fault::{AccessToken, IdToken, Jwks, Metadata},
    flow::fault::{AccessTokenFault, IdTokenFault, JwksFault, MetadataFault as F},
};

use super::expect::{preferably_accepted, preferably_refused, refused};
use crate::{
    case::{Case, Expect, Explain, Lane, May, Must, Should, Variant},
    check::{
        metadata::{
            CALLS_PUBLISHED_ENDPOINTS, FAILS_POLITELY, GOES_TO_CONFIGURED_SERVER, KEEPS_RUNNING, METADATA_NOT_USED,
            REFUSES_METADATA, WORKS_AFTER_REPAIR,
        },
        second_origin::{NO_SECRET_AT_SECOND_ORIGIN, NOTHING_AT_SECOND_ORIGIN},
        sign_in::{NEVER_AS_SOMEBODY_ELSE, SIGNS_IN_AS_USER, STAYS_CLEAN},
    },
    edit::{Change, Edit, Text},
    feature::Feature,
    outcome::Level,
    script::{AFTER, Act, IdpAct, MAIN, OTHER, SIGN_IN, Step, THIRD, user},
    spec::{ASVS, DISCOVERY, OIDC_CORE, RFC6749, RFC8259, RFC8414, RFC8725, RFC9700, ROBUSTNESS},
};

const FETCHES: &[Feature] = &[Feature::FetchesDiscovery];
const REFUSED: &[Expect] = &[
    Must(REFUSES_METADATA),
    Should(METADATA_NOT_USED),
    Should(FAILS_POLITELY),
];
const PREFERABLY_REFUSED: &[Expect] = &[Should(REFUSES_METADATA), Should(FAILS_POLITELY)];
const ENDURED: &[Expect] = &[Should(REFUSES_METADATA), May(KEEPS_RUNNING), Should(FAILS_POLITELY)];
const REPAIRED: &[Expect] = &[Should(WORKS_AFTER_REPAIR), Should(FAILS_POLITELY)];
const HONOURED: &[Expect] = &[Must(SIGNS_IN_AS_USER), Must(CALLS_PUBLISHED_ENDPOINTS)];
const IGNORED: &[Expect] = &[
    Must(NOTHING_AT_SECOND_ORIGIN),
    Must(GOES_TO_CONFIGURED_SERVER),
    Should(STAYS_CLEAN),
];

/// One attempt while the server is down, one that may still remember that, and one that must work.
const UNTIL_REPAIRED: &[Step] = &[
    user(Act::SignIn(OTHER)),
    user(Act::Idp(IdpAct::Behave)),
    user(Act::NewBrowser),
    user(Act::SignIn(THIRD)),
    user(Act::NewBrowser),
    user(Act::SignIn(MAIN)),
    user(Act::Probe(AFTER)),
];

/// The same for the key set, which an app may leave alone for a while after it has asked for it.
const UNTIL_KEYS_ARE_REPAIRED: &[Step] = &[
    user(Act::SignIn(OTHER)),
    user(Act::Idp(IdpAct::Behave)),
    user(Act::Idp(IdpAct::CoolDown)),
    user(Act::NewBrowser),
    user(Act::SignIn(THIRD)),
    user(Act::NewBrowser),
    user(Act::SignIn(MAIN)),
    user(Act::Probe(AFTER)),
];

/// A sign-in whose first request names a foreign place in this parameter.
macro_rules! steered {
    ($name:literal, $parameter:literal, $value:literal) => {
        Variant::of(
            $name,
            &[
                user(Act::SignInWith(
                    MAIN,
                    &[Edit::Query($parameter, Change::Set(Text::Plain($value)))],
                )),
                user(Act::Probe(AFTER)),
            ],
            &[],
            IGNORED,
        )
    };
}

const fn endured(name: &'static str, faults: &'static [mock_idp::Fault]) -> Variant {
    Variant::of(name, SIGN_IN, faults, ENDURED)
}

const fn repaired(name: &'static str, faults: &'static [mock_idp::Fault]) -> Variant {
    Variant::of(name, UNTIL_REPAIRED, faults, REPAIRED)
}

const fn keys_repaired(name: &'static str, faults: &'static [mock_idp::Fault]) -> Variant {
    Variant::of(name, UNTIL_KEYS_ARE_REPAIRED, faults, REPAIRED).needing(&[Feature::FetchesJwks])
}

pub(super) const CASES: &[Case] = &[
    Case {
        id: "discovery/issuer-mismatch",
        title: "Discovery document with another issuer",
        level: Level::Must,
        positive: false,
        why: "The issuer in the document is the only proof that the document belongs to the configured server.",
        spec: &[DISCOVERY.section("4.3"), RFC8414.section("3.3"), ASVS.section("10.5.3")],
        needs: FETCHES,
        lane: Lane::Restart,
        variants: &[
            Variant::of("document", SIGN_IN, &[Metadata(F::IssuerSuffix)], REFUSED),
            Variant::of(
                "document-and-tokens",
                SIGN_IN,
                &[
                    Metadata(F::IssuerSuffix),
                    IdToken(IdTokenFault::IssSuffix),
                    AccessToken(AccessTokenFault::IssSuffix),
                ],
                REFUSED,
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The document at the configured address says that its issuer is a slightly different one.\n\
                    Somebody answered in the server's place, or the configuration points to the wrong tenant.\n\
                    In the second variant the tokens agree with the document.\n\
                    An app that takes the issuer from the document then accepts them.",
            right: "Compares the issuer in the document with the configured one and uses nothing of the document when they differ.",
            false_alarm: "An app that refuses to start is right as well. Sending the browser away and refusing the tokens later is only a warning.",
            maps: &[
                "o:discovery-issuer-mismatch",
                "f1:discovery-issuer-mismatch",
                "f2:discovery-issuer-mismatch",
                "P#13",
                "L:rp-discovery-issuer-not-matching-config",
            ],
        },
    },
    Case {
        id: "discovery/issuer-trailing-slash",
        title: "Discovery document whose issuer has an extra trailing slash",
        level: Level::Should,
        positive: false,
        why: "Issuers are compared as strings; an app that normalises them can confuse two issuers.",
        spec: &[DISCOVERY.section("4.3"), OIDC_CORE.section("3.1.3.7 (2)")],
        needs: FETCHES,
        lane: Lane::Restart,
        variants: &[Variant::of(
            "slash",
            SIGN_IN,
            &[
                Metadata(F::IssuerTrailingSlash),
                IdToken(IdTokenFault::IssTrailingSlash),
                AccessToken(AccessTokenFault::IssTrailingSlash),
            ],
            PREFERABLY_REFUSED,
        )],
        deviation: None,
        explain: Explain {
            story: "Document and tokens agree on an issuer with a slash at its end.\n\
                    The app was configured without it.\n\
                    It is the commonest mistake in a configuration, and some libraries forgive it.\n\
                    The standard asks for an exact comparison.",
            right: "Refuses, and says which two strings differ, so that the configuration can be corrected.",
            false_alarm: "Many libraries normalise on purpose, because providers disagree: accepting is only a warning.",
            maps: &["dawarich#2925", "planka#1514", "omniauth-auth0#89"],
        },
    },
    Case {
        id: "discovery/unavailable",
        title: "The authorization server is down when the app first needs it",
        level: Level::Should,
        positive: false,
        why: "After an outage everything starts at once; an app that gives up must be restarted by hand.",
        spec: &[ROBUSTNESS.section("")],
        needs: FETCHES,
        lane: Lane::Restart,
        variants: &[
            repaired("boot-503", &[Metadata(F::Status503)]),
            repaired("discovery-500", &[Metadata(F::Status500)]),
            repaired("discovery-hang", &[Metadata(F::Slow30s)]),
            keys_repaired("jwks-500", &[Jwks(JwksFault::Status500)]),
            keys_repaired("jwks-hang", &[Jwks(JwksFault::Slow30s)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The app starts while discovery or the key set answers 503, 500, or nothing for thirty seconds.\n\
                    The first sign-in fails, which nobody can help.\n\
                    Then the server is back.\n\
                    An app that keeps the failure, or half a configuration, never signs anybody in again.",
            right: "Fetches when needed, with a time limit and a retry, and says plainly that the server is not there; or ends at its start with a clear message.",
            false_alarm: "Two attempts are made after the repair, because a short memory for failures is fine; after one of the key set the app is left alone for as long as it leaves the key set alone. Answers of 502, 503 or 504 count as polite.",
            maps: &[],
        },
    },
    Case {
        id: "discovery/malformed",
        title: "Malformed discovery document",
        level: Level::Should,
        positive: false,
        why: "A proxy's maintenance page comes with 200 and HTML; it must not take the app down.",
        spec: &[DISCOVERY.section("4.2"), RFC8259.section("2")],
        needs: FETCHES,
        lane: Lane::Restart,
        variants: &[
            endured("html", &[Metadata(F::Html)]),
            endured("truncated", &[Metadata(F::Truncated)]),
            endured("array", &[Metadata(F::Array)]),
            endured("null-endpoints", &[Metadata(F::NullEndpoints)]),
        ],
        deviation: Some(
            "The catalogue wants the process to stay alive; an app that ends at its start with a clear message is a note.",
        ),
        explain: Explain {
            story: "Discovery answers 200 with HTML, half a JSON, a list, or endpoints that are null.\n\
                    The sign-in cannot work, and need not.\n\
                    The app must not crash, hang or redirect the browser to `null`.\n\
                    Afterwards an ordinary sign-in is tried, after a restart if it must be.",
            right: "Shows an ordinary error page, keeps running and tries again later.",
            false_alarm: "An app that refuses to start with such a document has refused it: a note. Answers of 502, 503 or 504 count as polite.",
            maps: &[],
        },
    },
    Case {
        id: "discovery/unknown-members",
        title: "Discovery document with unknown members",
        level: Level::Should,
        positive: true,
        why: "Servers add members with every release; apps must not notice.",
        spec: &[DISCOVERY.section("3"), DISCOVERY.section("4.2")],
        needs: FETCHES,
        lane: Lane::Restart,
        variants: &[
            preferably_accepted("members", &[Metadata(F::UnknownMembers)]),
            preferably_accepted("mtls-aliases", &[Metadata(F::MtlsAliases)]),
            preferably_accepted("algorithms", &[Metadata(F::UnknownAlgorithms)]),
        ],
        deviation: Some(
            "A MUST in the catalogue: Discovery §3 says that members may be added, and no clause that clients must ignore them, hence SHOULD.",
        ),
        explain: Explain {
            story: "The document is right and holds dozens of unknown members, nested ones too.\n\
                    It publishes endpoints for mutual TLS, and lists unknown algorithms first.\n\
                    A strict schema refuses it; code that takes the first algorithm of a list fails later.\n\
                    The standard says that additional members may be there.",
            right: "Ignores what it does not know, and picks from lists what it supports.",
            false_alarm: "The standard allows such members and no clause says in so many words that they must be ignored, hence a warning.",
            maps: &["o:mtls-endpoint-aliases", "L:rp-discovery-webfinger-unknown-member"],
        },
    },
    Case {
        id: "discovery/endpoints-honoured",
        title: "Endpoints on unusual paths, with query parameters",
        level: Level::Must,
        positive: true,
        why: "The document says where the endpoints are; an app that builds the URLs itself works with one server only.",
        spec: &[RFC6749.section("3.1"), RFC6749.section("3.2"), DISCOVERY.section("3")],
        needs: FETCHES,
        lane: Lane::Restart,
        variants: &[
            Variant::of("paths", SIGN_IN, &[Metadata(F::UnusualPaths)], HONOURED),
            Variant::of("query", SIGN_IN, &[Metadata(F::EndpointQueries)], HONOURED),
            Variant::of("jwks", SIGN_IN, &[Metadata(F::JwksPath)], HONOURED).needing(&[Feature::FetchesJwks]),
        ],
        deviation: None,
        explain: Explain {
            story: "The endpoints are published below `/odd/place/`, or with `?tenant=7`, the key set on a new path.\n\
                    Every call is compared with the published address.\n\
                    Apps append `/v1/token` to the issuer, or put `?` behind an address that has a query already.\n\
                    They work with one server until it moves.",
            right: "Uses every address exactly as published and adds its parameters to the query that is there.",
            false_alarm: "Apps with static endpoints never fetch the document and are skipped.",
            maps: &[
                "o:discovery-openid-config",
                "o:discovery-jwks-uri-keys",
                "L:rp-discovery-openid-configuration",
                "L:rp-discovery-jwks_uri-keys",
            ],
        },
    },
    Case {
        id: "discovery/cross-origin-redirect",
        title: "Discovery or key set redirects to another origin",
        level: Level::Should,
        positive: false,
        why: "Otherwise anyone who can place a redirect on the server's origin chooses the keys.",
        spec: &[
            DISCOVERY.section("4.3"),
            DISCOVERY.section("7.2"),
            ASVS.section("9.1.3"),
        ],
        needs: FETCHES,
        lane: Lane::Restart,
        variants: &[
            preferably_refused(
                "discovery",
                &[
                    Metadata(F::RedirectSecondOrigin),
                    IdToken(IdTokenFault::OtherKeyOwnKid),
                    AccessToken(AccessTokenFault::OtherKeyOwnKid),
                ],
            ),
            preferably_refused(
                "jwks",
                &[
                    Jwks(JwksFault::RedirectSecondOrigin),
                    IdToken(IdTokenFault::OtherKeyOwnKid),
                    AccessToken(AccessTokenFault::OtherKeyOwnKid),
                ],
            )
            .needing(&[Feature::FetchesJwks]),
        ],
        deviation: Some("A redirect within the same origin is not tried."),
        explain: Explain {
            story: "The discovery document, or the key set, is answered with a redirect to another origin.\n\
                    There an attacker serves a document with the right issuer and his own keys.\n\
                    The tokens are signed with his key.\n\
                    An HTTP client that follows redirects by itself fetches and trusts it.",
            right: "Follows no redirects for these documents, or only within the issuer's origin.",
            false_alarm: "Following within the same origin is fine and not tried here. Following and still refusing the token is a pass.",
            maps: &["CVE-2026-49478", "CVE-2026-48522"],
        },
    },
    Case {
        id: "discovery/insecure-endpoint",
        title: "Token endpoint without TLS, or on another host",
        level: Level::Should,
        positive: false,
        why: "The code, the verifier and the client secret are sent to that URL.",
        spec: &[
            OIDC_CORE.section("16.17"),
            RFC6749.section("3.2"),
            RFC9700.section("4.4"),
        ],
        needs: FETCHES,
        lane: Lane::Restart,
        variants: &[
            Variant::of(
                "http",
                SIGN_IN,
                &[Metadata(F::TokenEndpointPlainHttp)],
                &[
                    Should(NO_SECRET_AT_SECOND_ORIGIN),
                    Should(FAILS_POLITELY),
                    Must(NEVER_AS_SOMEBODY_ELSE),
                ],
            )
            .needing(&[Feature::TlsIssuer]),
            Variant::of(
                "other-host",
                SIGN_IN,
                &[Metadata(F::TokenEndpointOtherHost)],
                &[
                    May(NO_SECRET_AT_SECOND_ORIGIN),
                    Should(FAILS_POLITELY),
                    Must(NEVER_AS_SOMEBODY_ELSE),
                ],
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The issuer is https; its document names a token endpoint by plain http.\n\
                    In the second variant the endpoint is at a host that has nothing to do with the issuer.\n\
                    The app posts the code, the verifier and its secret there.\n\
                    What arrives is read at the foreign origin.",
            right: "Refuses endpoints without TLS when the issuer has TLS.",
            false_alarm: "Some providers do run the token endpoint on another host, so that variant is only a note. Without TLS for the issuer the first variant is skipped.",
            maps: &["P#50"],
        },
    },
    Case {
        id: "discovery/alg-none-advertised",
        title: "Discovery document that offers unsigned tokens",
        level: Level::Must,
        positive: false,
        why: "What a server offers to all clients is not what was agreed for this client.",
        spec: &[RFC8725.section("3.1"), ASVS.section("9.1.2")],
        needs: FETCHES,
        lane: Lane::Restart,
        variants: &[refused(
            "none",
            &[Metadata(F::WeakAlgorithms), IdToken(IdTokenFault::AlgNone)],
        )],
        deviation: None,
        explain: Explain {
            story: "`id_token_signing_alg_values_supported` lists `none` and HS256 beside RS256.\n\
                    Then an unsigned token comes.\n\
                    Some libraries allow whatever the document lists.\n\
                    The list is meant for choosing at registration, not for verifying.",
            right: "Keeps to the algorithm that was registered, whatever the document lists.",
            false_alarm: "None known.",
            maps: &["P#61", "CVE-2021-44878"],
        },
    },
    Case {
        id: "discovery/issuer-from-request-ignored",
        title: "Sign-in link that names another issuer",
        level: Level::Must,
        positive: false,
        why: "If the request chooses the authorization server, an attacker's link chooses the attacker's.",
        spec: &[OIDC_CORE.section("4"), DISCOVERY.section("7.2"), ASVS.section("10.2.2")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            steered!("iss", "iss", "{second_origin}/{canary}"),
            steered!("issuer", "issuer", "{second_origin}/{canary}"),
            steered!("provider", "provider", "{second_origin}/{canary}"),
            steered!(
                "authorization-endpoint",
                "authorization_endpoint",
                "{second_origin}/{canary}/authorize"
            ),
            steered!(
                "discovery-url",
                "discovery_url",
                "{second_origin}/{canary}/.well-known/openid-configuration"
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "A link to the app's sign-in carries `iss`, `issuer`, `provider` or an endpoint.\n\
                    Each names the attacker's origin.\n\
                    A plugin that supports many providers reads it, fetches that server's document and goes there.\n\
                    The user then types his password on the attacker's page.",
            right: "Ignores such parameters, or accepts only values of its own configuration.",
            false_alarm: "Refusing the request with an error page is a pass.",
            maps: &["P#50", "CVE-2022-39387"],
        },
    },
];
