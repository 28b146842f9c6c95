//! `id-token/`: what else a header can say, and tokens that are something else altogether.

use mock_idp::{Fault::IdToken, flow::fault::IdTokenFault as F};

use super::super::expect::{accepted, himself_or_nobody, preferably_refused, refused, refused_or_noted};
use crate::{
    case::{Case, Expect, Explain, Lane, Must, MustStar, Should, Variant},
    check::{
        second_origin::NOTHING_AT_SECOND_ORIGIN,
        sign_in::{REFUSES_SIGN_IN, STAYS_CLEAN},
    },
    outcome::Level,
    script::SIGN_IN,
    spec::{ASVS, BACKCHANNEL, OIDC_CORE, RFC7515, RFC7516, RFC7519, RFC8725},
};

/// Refused, except where the client may rely on TLS instead of the signature (profile `core`, OIDC Core §3.1.3.7 (6)); and in
/// every profile no address in the token was asked for anything.
const REFUSED_WITHOUT_FETCH: &[Expect] = &[
    MustStar(REFUSES_SIGN_IN),
    Must(NOTHING_AT_SECOND_ORIGIN),
    Should(STAYS_CLEAN),
];

const fn unfetched(name: &'static str, faults: &'static [mock_idp::Fault]) -> Variant {
    Variant::of(name, SIGN_IN, faults, REFUSED_WITHOUT_FETCH)
}

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "id-token/kid-injection",
        title: "ID token whose kid is an address, a path, a query or a command",
        level: Level::Must,
        positive: false,
        why: "The kid comes from the sender: used to build a path, a query or a request, it becomes an entrance.",
        spec: &[RFC8725.section("3.10"), ASVS.section("9.1.3")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            unfetched("url", &[IdToken(F::KidUrl)]),
            unfetched("jwk", &[IdToken(F::KidJwk)]),
            unfetched("path", &[IdToken(F::KidPath)]),
            unfetched("sql", &[IdToken(F::KidSql)]),
            unfetched("ldap", &[IdToken(F::KidLdap)]),
            unfetched("shell", &[IdToken(F::KidShell)]),
            unfetched("huge", &[IdToken(F::KidHuge)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The header's kid is not a name but a URL, a JWK, a path to an empty file, or SQL.\n\
                    The token is signed by a key that the attacker knows, or by the empty one for the path.\n\
                    An app that reads keys by kid from a file or a table finds what the attacker wants.\n\
                    An app that fetches it asks the attacker's server.",
            right: "Looks the kid up among the keys it has from the issuer's key set, as an opaque text, and refuses what it does not find.",
            false_alarm: "As for `id-token/sig-corrupt`: profile `core` only warns of an accepted token. A refetch of the issuer's own key set for an unknown kid is fine and is not counted.",
            maps: &["P#26", "P#27"],
        },
    },
    Case {
        id: "id-token/header-jwk",
        title: "ID token with its own key in the header",
        level: Level::Must,
        positive: false,
        why: "A token that names the key it is to be verified with verifies always.",
        spec: &[RFC7515.section("4.1.3"), RFC8725.section("3.10"), ASVS.section("9.1.3")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            unfetched("rsa", &[IdToken(F::HeaderJwk)]),
            unfetched("oct", &[IdToken(F::HeaderJwkOct)]),
            unfetched("url", &[IdToken(F::HeaderJwkUrl)]),
            unfetched("jku", &[IdToken(F::HeaderJwkJku)]),
            unfetched("x5u", &[IdToken(F::HeaderJwkX5u)]),
            unfetched("x5c", &[IdToken(F::HeaderJwkX5c)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The attacker puts his public key into the header member `jwk` and signs with its private half.\n\
                    The kid matches, the signature verifies, all claims are as they should be.\n\
                    In other variants the key is symmetric, or the jwk only points to where it is served.\n\
                    A library that supports embedded keys takes it for the issuer's.",
            right: "Ignores `jwk` in the header of an ID token: keys come from the issuer's key set only. No address in the header is fetched.",
            false_alarm: "As for `id-token/sig-corrupt`: profile `core` only warns of an accepted token, because a code-flow client may rely on TLS; a request to an address in the token fails in every profile.",
            maps: &[
                "P#14",
                "P#15",
                "P#19",
                "P#20",
                "P#21",
                "P#43",
                "OA:IdTokens/KeyReferencesTest",
                "CVE-2018-0114",
                "CVE-2026-27962",
            ],
        },
    },
    Case {
        id: "id-token/header-jku",
        title: "ID token that points to another key set",
        level: Level::Must,
        positive: false,
        why: "An app that follows the header fetches keys from, and sends requests to, any address an attacker likes.",
        spec: &[RFC8725.section("3.10"), ASVS.section("9.1.3")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            unfetched("attacker", &[IdToken(F::HeaderJku)]),
            unfetched("attacker-first", &[IdToken(F::HeaderJkuAttackerFirst)]),
            unfetched("trusted-first", &[IdToken(F::HeaderJkuTrustedFirst)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The header's `jku` is the address of a key set at an origin of the attacker.\n\
                    It lists his key, alone or beside the issuer's real one.\n\
                    The token is signed with his key.\n\
                    The request alone is a finding: it lets a stranger make the server call any address.",
            right: "Never follows `jku`; the key set's address comes from the configured issuer's metadata.",
            false_alarm: "As for `id-token/sig-corrupt`: profile `core` only warns of an accepted token, because a code-flow client may rely on TLS; a request to an address in the token fails in every profile.",
            maps: &[
                "P#16",
                "P#17",
                "P#18",
                "OA:IdTokens/KeyReferencesTest",
                "CVE-2026-48522",
            ],
        },
    },
    Case {
        id: "id-token/header-x5u-x5c",
        title: "ID token that contains or points to another certificate",
        level: Level::Must,
        positive: false,
        why: "A certificate chain in the header proves only that somebody can make certificates.",
        spec: &[RFC8725.section("3.10"), ASVS.section("9.1.3")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            unfetched("x5u", &[IdToken(F::HeaderX5u)]),
            unfetched("x5c", &[IdToken(F::HeaderX5c)]),
            unfetched("x5c-first", &[IdToken(F::HeaderX5cFirst)]),
            unfetched("x5c-last", &[IdToken(F::HeaderX5cLast)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The header carries the attacker's self-signed certificate in `x5c`, or its address in `x5u`.\n\
                    In two variants the issuer's real certificate stands beside it, first or last.\n\
                    The token is signed with the attacker's key.\n\
                    Code that takes the first, the last or any certificate of the list accepts it.",
            right: "Ignores both members for ID tokens and fetches nothing.",
            false_alarm: "As for `id-token/sig-corrupt`: profile `core` only warns of an accepted token, because a code-flow client may rely on TLS; a request to an address in the token fails in every profile.",
            maps: &["P#22", "P#23", "P#24", "P#25"],
        },
    },
    Case {
        id: "id-token/header-claims",
        title: "ID token with the victim's claims repeated in the header",
        level: Level::Must,
        positive: false,
        why: "Code that merges header and payload lets the header decide who signs in.",
        spec: &[RFC7519.section("5.3")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[himself_or_nobody("victim", &[IdToken(F::HeaderClaims)])],
        deviation: None,
        explain: Explain {
            story: "The payload is the attacker's own and rightly signed.\n\
                    The header repeats `sub`, `iss` and `email`, with the victim's values.\n\
                    RFC 7519 lets a header repeat claims, for encrypted tokens.\n\
                    An app that reads the merged members opens the victim's account.",
            right: "Reads claims from the payload only. Signing in as the payload's user is fine, and so is refusing.",
            false_alarm: "None known: only the victim's account is a finding.",
            maps: &["P#12"],
        },
    },
    Case {
        id: "id-token/crit-unknown",
        title: "ID token with a critical header that the app does not understand",
        level: Level::Must,
        positive: false,
        why: "`crit` is how a token says \"do not accept me unless you know what this means\".",
        spec: &[RFC7515.section("4.1.11")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            refused("name", &[IdToken(F::CritUnknown)]),
            refused("exp", &[IdToken(F::CritExp)]),
            refused("b64", &[IdToken(F::CritB64)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The header lists an extension in `crit` that nobody has heard of, or a name that is no extension.\n\
                    In one variant `b64` is false, so that the payload means something else than it seems to.\n\
                    The token is rightly signed.\n\
                    Verifiers that ignore `crit` accept what another verifier refuses.",
            right: "Refuses every token whose `crit` names something it does not implement.",
            false_alarm: "None known; Okta sends no `crit`.",
            maps: &["CVE-2025-59420", "CVE-2026-32597", "CVE-2026-48525"],
        },
    },
    Case {
        id: "id-token/typ-confusion",
        title: "ID token whose typ says access token or logout token",
        level: Level::Should,
        positive: false,
        why: "The type is what keeps one kind of token from being used as another.",
        spec: &[
            RFC8725.section("3.11"),
            ASVS.section("9.2.2"),
            BACKCHANNEL.section("4.1"),
        ],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            preferably_refused("at-jwt", &[IdToken(F::TypAtJwt)]),
            preferably_refused("logout-jwt", &[IdToken(F::TypLogoutJwt)]),
            refused_or_noted("jose", &[IdToken(F::TypJose)]),
            accepted("absent", &[]),
            accepted("jwt", &[IdToken(F::TypJwt)]),
            accepted("jwt-lower-case", &[IdToken(F::TypJwtLower)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The claims and the nonce are right, the header's `typ` is `at+jwt` or `logout+jwt`.\n\
                    Both types exist so that such tokens are never taken for ID tokens.\n\
                    Okta sends ID tokens without any `typ`, others send `JWT`.\n\
                    Those must work; the two others should not.",
            right: "Refuses the types of other tokens and accepts an absent type and `JWT` in any case.",
            false_alarm: "Accepting `at+jwt` with all claims right is common and only warns. Refusing an absent type or `JWT` is a failure, because real issuers send both.",
            maps: &[],
        },
    },
    Case {
        id: "id-token/cross-jwt",
        title: "Another token of the issuer in place of the ID token",
        level: Level::Must,
        positive: false,
        why: "Everything an issuer signs has a valid signature; only some of it says that a user signed in here, now.",
        spec: &[
            BACKCHANNEL.section("2.4"),
            BACKCHANNEL.section("4.1"),
            RFC8725.section("3.12"),
            ASVS.section("9.2.2"),
        ],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            refused("logout-token", &[IdToken(F::IsLogoutToken)]),
            refused("access-token", &[IdToken(F::IsAccessToken)]),
            refused("client-assertion", &[IdToken(F::IsClientAssertion)]),
        ],
        deviation: None,
        explain: Explain {
            story: "In the member `id_token` comes a logout token, an access token or a client assertion.\n\
                    All three are rightly signed by the issuer's key.\n\
                    A logout token even has the right issuer, audience and user; it lacks the nonce and has `events`.\n\
                    An app that checks the signature and little else signs somebody in.",
            right: "Checks issuer, audience, expiry and nonce, and refuses tokens with an `events` claim.",
            false_alarm: "An app that sends no nonce has less to tell the tokens apart with; it must still see the wrong audience of the access token and the `events` claim of the logout token.",
            maps: &[],
        },
    },
    Case {
        id: "id-token/unexpected-jwe",
        title: "Encrypted ID token where none was agreed",
        level: Level::Must,
        positive: false,
        why: "Decryption proves nothing about the sender, and its parameters can cost the server minutes.",
        spec: &[
            OIDC_CORE.section("3.1.3.7 (1)"),
            RFC8725.section("3.3"),
            RFC7516.section("5.2"),
        ],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            refused("unsigned", &[IdToken(F::JweUnsigned)]),
            refused("rsa1-5", &[IdToken(F::JweRsa15)]),
            refused("zip-bomb", &[IdToken(F::JweZipBomb)]),
            refused("pbes2", &[IdToken(F::JwePbes2)]),
        ],
        deviation: Some("Time is bounded by the harness; memory is not measured."),
        explain: Explain {
            story: "The ID token has five parts: it is encrypted, although no encryption was registered.\n\
                    One holds an unsigned token under a key that the client secret gives.\n\
                    The others ask for RSA1_5, inflate to 64 MiB, or want a thousand million hash rounds first.\n\
                    A library that decrypts by itself accepts the first and dies of the others.",
            right: "Refuses five-part tokens outright when no encryption was agreed.",
            false_alarm: "None known; Okta encrypts ID tokens only for clients that ask for it.",
            maps: &[
                "f1:encrypted-idtoken-usingrsa15",
                "CVE-2026-29000",
                "CVE-2023-51774",
                "CVE-2024-28180",
                "CVE-2025-62706",
                "CVE-2024-33664",
            ],
        },
    },
    Case {
        id: "id-token/malformed-structure",
        title: "ID token that is not a JWT",
        level: Level::Must,
        positive: false,
        why: "A parser that guesses what was meant, or falls over, does the attacker's work.",
        spec: &[RFC7519.section("7.2"), RFC7515.section("5.2")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            refused("one-segment", &[IdToken(F::OneSegment)]),
            refused("two-segments", &[IdToken(F::TwoSegments)]),
            refused("four-segments", &[IdToken(F::FourSegments)]),
            refused("dots", &[IdToken(F::ManyDots)]),
            refused("base64", &[IdToken(F::BadBase64)]),
            refused("not-json", &[IdToken(F::PayloadNotJson)]),
            refused("array", &[IdToken(F::PayloadArray)]),
            refused("string", &[IdToken(F::PayloadString)]),
            refused("trailing-bytes", &[IdToken(F::TrailingBytes)]),
            // RFC 8259 §8.1: a parser may ignore a byte order mark.
            refused_or_noted("bom", &[IdToken(F::ByteOrderMark)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The token has one, two or four segments, ten thousand dots, or characters base64url has not.\n\
                    Or the payload is rightly signed and is no JSON object.\n\
                    Splitting ten thousand dots has cost servers their memory.\n\
                    Half-parsed claims have become an account with an empty name.",
            right: "Refuses everything that is not three base64url segments around two JSON objects, with an ordinary error page.",
            false_alarm: "None known. A server error in place of a refusal is a warning.",
            maps: &["CVE-2025-27144"],
        },
    },
];
