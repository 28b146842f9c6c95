//! `token-request/`: how the app redeems a code.

use mock_idp::{
    Fault,
    flow::fault::{
        CodeFault::{PercentSequences, Symbols},
        TlsFault::{Expired, Untrusted, WrongHost},
    },
};

use crate::{
    case::{Case, Explain, Lane, Must, Should, Variant},
    check::{
        sign_in::{REFUSES_SIGN_IN, SIGNS_IN_AS_USER, STAYS_CLEAN},
        token_request as ask,
    },
    feature::Feature::{SendsPkce, TlsIssuer, UsesClientAssertion, UsesClientSecretBasic},
    outcome::Level,
    script::{
        AFTER,
        Act::{Authorize, Deliver, Idp, NewBrowser, Probe, Repeat, SignIn, Start},
        IdpAct::{Misbehave, OddClient},
        MAIN, SIGN_IN, Step, user,
    },
    spec::{ASVS, OIDC_CORE, RFC6749, RFC7523, RFC7636, RFC9700},
};

/// The certificate goes bad between the browser's visit and the app's.
const BAD_CERTIFICATE: &[Step] = &[
    user(Start(MAIN, &[])),
    user(Authorize(MAIN, &[])),
    user(Idp(Misbehave)),
    user(Deliver(MAIN, &[])),
    user(Probe(AFTER)),
];

macro_rules! bad_certificate {
    ($name:literal, $fault:expr) => {
        Variant::of(
            $name,
            BAD_CERTIFICATE,
            &[Fault::Tls($fault)],
            &[Must(ask::NO_TOKEN_REQUEST), Must(REFUSES_SIGN_IN), Should(STAYS_CLEAN)],
        )
    };
}

/// In the order of the catalogue.
pub(super) const CASES: &[Case] = &[
    Case {
        id: "token-request/well-formed",
        title: "The token request has the form that the standard requires",
        level: Level::Must,
        positive: false,
        why: "What stands in a query is logged, and what comes twice is read differently by different servers.",
        spec: &[
            RFC6749.section("3.2"),
            RFC6749.section("4.1.2"),
            RFC6749.section("4.1.3"),
            OIDC_CORE.section("3.1.3.1"),
        ],
        needs: &[],
        lane: Lane::Watch,
        variants: &[Variant::watching(
            "every-redemption",
            &[
                Must(ask::TOKEN_REQUEST_IS_WELL_FORMED),
                Must(ask::ONE_TOKEN_REQUEST_PER_CALLBACK),
            ],
        )],
        deviation: None,
        explain: Explain {
            story: "The app redeems its code by GET, in the query, as JSON, or more than once.\n\
                    The code and perhaps the secret stand in the server's access log.\n\
                    A second redemption of one code is an attack in the eyes of the server:\n\
                    it may revoke what the first one gave.",
            right: "Sends one POST with a form body, grant_type=authorization_code, every parameter once.",
            false_alarm: "Redemptions that the harness provoked (replays, double deliveries, dropped connections) are not \
                          counted here.",
            maps: &[
                "OA:TokenEndpoint/IsGetSupportedTest",
                "OA:TokenEndpoint/SameParameterTwiceDisallowedTest",
            ],
        },
    },
    Case {
        id: "token-request/redirect-uri-identical",
        title: "The token request repeats the redirect_uri",
        level: Level::Must,
        positive: false,
        why: "The server compares both values to be sure that the code went where it was meant to go.",
        spec: &[RFC6749.section("4.1.3"), OIDC_CORE.section("3.1.3.1")],
        needs: &[],
        lane: Lane::Watch,
        variants: &[Variant::watching(
            "every-redemption",
            &[Must(ask::REDIRECT_URI_IS_REPEATED), Should(ask::REDIRECT_URI_IS_SENT)],
        )],
        deviation: None,
        explain: Explain {
            story: "The app builds redirect_uri twice, once from its configuration and once from the request.\n\
                    Behind a proxy the two differ: another scheme, host, port or slash.\n\
                    A strict server refuses the code; Okta does.\n\
                    A lax server has lost its proof that the code was not redirected.",
            right: "Sends the same bytes in both requests.",
            false_alarm: "Leaving it out is allowed where the server does not need it: a warning. Okta needs it.",
            maps: &["OA:TokenEndpoint/RedirectUriCheckedTest"],
        },
    },
    Case {
        id: "token-request/code-verbatim",
        title: "A code with reserved characters reaches the token endpoint unchanged",
        level: Level::Must,
        positive: true,
        why: "A code is any printable text; an app that decodes it twice or trims it cannot redeem it.",
        spec: &[RFC6749.section("A.11"), RFC6749.section("B")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "symbols",
                SIGN_IN,
                &[Fault::Code(Symbols)],
                &[Must(ask::CODE_IS_VERBATIM), Must(SIGNS_IN_AS_USER)],
            ),
            Variant::of(
                "percent-sequences",
                SIGN_IN,
                &[Fault::Code(PercentSequences)],
                &[Must(ask::CODE_IS_VERBATIM), Must(SIGNS_IN_AS_USER)],
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The authorization server issues a code with plus signs, slashes, ampersands or percent signs.\n\
                    The app decodes the callback once too often, or glues the token request together unencoded.\n\
                    What reaches the token endpoint is another code.\n\
                    One user in a hundred cannot sign in, and nobody can reproduce it.",
            right: "Decodes the query once, keeps the code as it is, and form-encodes it once.",
            false_alarm: "None is known: every character is allowed by RFC 6749, appendix A.11.",
            maps: &[],
        },
    },
    Case {
        id: "token-request/verifier-valid",
        title: "The code_verifier belongs to the challenge and cannot be guessed",
        level: Level::Must,
        positive: false,
        why: "A verifier that is short, constant or unrelated proves nothing.",
        spec: &[
            RFC7636.section("4.1"),
            RFC7636.section("4.5"),
            RFC7636.section("4.6"),
            RFC7636.section("7.1"),
        ],
        needs: &[SendsPkce],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "twenty-sign-ins",
            &[user(Repeat(20, &[user(NewBrowser), user(SignIn(MAIN))]))],
            &[],
            &[Must(ask::VERIFIER_FITS), Must(ask::VERIFIER_IS_UNPREDICTABLE)],
        )],
        deviation: None,
        explain: Explain {
            story: "The app sends a challenge, but its verifier is constant, too short or made from the clock.\n\
                    A server that enforces PKCE is satisfied as long as the two fit together.\n\
                    An attacker who knows how the verifier is made computes it himself.\n\
                    The stolen code is good again.",
            right: "Draws 32 random bytes per sign-in, sends their base64url as verifier and its SHA-256 as challenge.",
            false_alarm: "Verifiers in sign-ins that the harness disturbed are not compared. The entropy is an estimate \
                          over twenty sign-ins.",
            maps: &[
                "f2:happy-path",
                "OA:Pkce/IsPkceImplementedTest",
                "OA:Pkce/ShortVerifierTest",
            ],
        },
    },
    Case {
        id: "token-request/client-auth-one-method",
        title: "The client authenticates with one method",
        level: Level::Must,
        positive: false,
        why: "Two credentials in one request are refused by strict servers and leak the secret in a second place.",
        spec: &[
            RFC6749.section("2.3"),
            RFC6749.section("2.3.1"),
            OIDC_CORE.section("9"),
            RFC9700.section("2.5"),
        ],
        needs: &[],
        lane: Lane::Watch,
        variants: &[Variant::watching(
            "every-redemption",
            &[
                Must(ask::ONE_CLIENT_AUTHENTICATION),
                Must(ask::SECRET_IS_NOT_IN_TOKEN_URL),
            ],
        )],
        deviation: Some(
            "Sign-ins in which the authorization server did something wrong are left out of the comparison: after a refusal a client may try another method.",
        ),
        explain: Explain {
            story: "The app sends its secret in the Authorization header and in the body, to be on the safe side.\n\
                    RFC 6749 forbids more than one method; Okta answers `Cannot supply multiple client credentials`.\n\
                    Or it puts the secret into the address, where every log keeps it.\n\
                    Or it tries one method after the other and locks the client out.",
            right: "Uses the registered method and no other; a public client sends its client_id only.",
            false_alarm: "A client_id in the body beside Basic is no second method and passes.",
            maps: &[
                "o:client-secret-basic",
                "L:rp-token_endpoint-client_secret_basic",
                "L:rp-token_endpoint-client_secret_post",
                "L:rp-token_endpoint-client_secret_jwt",
                "L:rp-token_endpoint-private_key_jwt",
                "OA:TokenEndpoint/IsClientAuthenticationRequiredTest",
            ],
        },
    },
    Case {
        id: "token-request/basic-encoding",
        title: "Client id and secret are form-encoded for HTTP Basic",
        level: Level::Should,
        positive: false,
        why: "A secret with a colon, a plus or a percent sign otherwise arrives as another secret.",
        spec: &[RFC6749.section("2.3.1")],
        needs: &[UsesClientSecretBasic],
        lane: Lane::Restart,
        variants: &[Variant::of(
            "reserved-characters",
            &[user(Idp(OddClient)), user(SignIn(MAIN)), user(Probe(AFTER))],
            &[],
            &[Should(ask::BASIC_IS_FORM_ENCODED)],
        )],
        deviation: None,
        explain: Explain {
            story: "The registered secret holds a percent sign or a plus.\n\
                    The app puts id and secret into Basic as they are.\n\
                    The server form-decodes them, as RFC 6749 says, and gets another secret.\n\
                    The client is refused, and the secret looks right on both sides.",
            right: "Form-encodes id and secret, joins them with a colon, and encodes that in base64.",
            false_alarm: "Raw Basic is common and works with Okta, whose secrets have no such characters: a warning.",
            maps: &[],
        },
    },
    Case {
        id: "token-request/assertion-claims",
        title: "A client assertion is addressed, short-lived and used once",
        level: Level::Must,
        positive: false,
        why: "An assertion that is good for long, or for everybody, can be replayed like a password.",
        spec: &[OIDC_CORE.section("9"), RFC7523.section("3")],
        needs: &[UsesClientAssertion],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "five-sign-ins",
            &[user(Repeat(5, &[user(NewBrowser), user(SignIn(MAIN))]))],
            &[],
            &[Must(ask::ASSERTION_IS_SOUND)],
        )],
        deviation: None,
        explain: Explain {
            story: "The app signs an assertion instead of sending a secret.\n\
                    It leaves out jti, sets exp a year ahead, or names no audience.\n\
                    A server that receives it, or a log that keeps it, can use it elsewhere.\n\
                    The point of asymmetric client authentication is lost.",
            right: "Sets iss and sub to the client_id, aud to the token endpoint or issuer, exp minutes ahead, a new jti.",
            false_alarm: "Skipped for clients that authenticate by secret.",
            maps: &[
                "L:rp-token_endpoint-client_secret_jwt",
                "L:rp-token_endpoint-private_key_jwt",
                "OA:Jwt/IsJwtReplayDetectedTest",
            ],
        },
    },
    Case {
        id: "token-request/tls-checked",
        title: "The app sends nothing to a token endpoint with a bad certificate",
        level: Level::Must,
        positive: false,
        why: "In the code flow TLS stands for the authorization server's identity; unchecked it stands for nothing.",
        spec: &[
            OIDC_CORE.section("3.1.3.7 (6)"),
            OIDC_CORE.section("16.17"),
            ASVS.section("12.3.2"),
        ],
        needs: &[TlsIssuer],
        lane: Lane::Restart,
        variants: &[
            bad_certificate!("untrusted", Untrusted),
            bad_certificate!("expired", Expired),
            bad_certificate!("wrong-host", WrongHost),
        ],
        deviation: None,
        explain: Explain {
            story: "Somebody between the app and the authorization server answers in its place.\n\
                    His certificate is self-signed, expired or for another host.\n\
                    An app that does not look sends him code, verifier and secret.\n\
                    He signs in as the user, and as the app from then on.",
            right: "Ends the connection before any byte of the request, and shows an error page.",
            false_alarm: "An app that was told to trust the harness's own authority trusts only that one: the bad \
                          certificates are not signed by it, or are for another time or host.",
            maps: &[
                "OA:TokenEndpoint/HasValidCertificateTest",
                "CVE-2022-31105",
                "CVE-2016-11086",
                "CVE-2025-66001",
            ],
        },
    },
];
