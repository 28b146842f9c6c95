//! `id-token/`: signature, algorithm and the key that is chosen for them.

use mock_idp::{
    Fault::{IdToken, Jwks},
    flow::fault::{IdTokenFault as F, JwksFault},
};

use super::super::expect::{
    PREFERABLY_REFUSED, REFUSED, WITH_KEYS_KNOWN, accepted_or_noted, preferably_accepted, preferably_refused, refused,
    refused_star,
};
use crate::{
    case::{Case, Explain, Lane, Variant},
    feature::Feature,
    outcome::Level,
    spec::{ASVS, OIDC_CORE, RFC7515, RFC7518, RFC8725},
};

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "id-token/sig-corrupt",
        title: "ID token with a damaged signature",
        level: Level::MustStar,
        positive: false,
        why: "Without the signature anybody who can touch the token on its way can write any user into it.",
        spec: &[
            OIDC_CORE.section("3.1.3.7 (6)"),
            RFC7515.section("5.2"),
            ASVS.section("9.1.1"),
            RFC8725.section("3.3"),
        ],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            refused_star("flipped", &[IdToken(F::SignatureFlipped)]),
            refused_star("claim-changed", &[IdToken(F::ClaimChangedAfterSigning)]),
            refused_star("empty", &[IdToken(F::SignatureEmpty)]),
            refused_star("dropped", &[IdToken(F::SignatureDropped)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The token endpoint answers with an honest ID token.\n\
                    On the way to the app one bit of the signature, or a claim behind it, is changed.\n\
                    The token still parses and every claim still looks right.\n\
                    An app that decodes without verifying signs the user in.",
            right: "Verifies the signature over header and payload with a key of the issuer's key set, and refuses the sign-in when it does not fit or is missing.",
            false_alarm: "OIDC Core lets a code-flow client rely on TLS to the token endpoint instead of the signature. Profile `core` therefore only warns; `okta` and `asvs` fail, because Okta's guide and ASVS 9.1.1 ask for the signature. Loopback http counts as TLS for this rule.",
            maps: &[
                "o:invalid-sig-rs256",
                "o:invalid-sig-es256",
                "f1:invalid-signature",
                "P#59",
                "L:rp-id_token-bad-sig-rs256",
                "L:rp-id_token-bad-sig-es256",
                "OA:IdTokens/IsSignedTest",
                "CVE-2020-15240",
                "CVE-2026-28802",
            ],
        },
    },
    Case {
        id: "id-token/sig-other-key",
        title: "ID token signed by a key that the issuer never published",
        level: Level::MustStar,
        positive: false,
        why: "A valid signature proves something only if the key is the issuer's.",
        spec: &[OIDC_CORE.section("3.1.3.7 (6)"), ASVS.section("9.1.3")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            refused_star("known-kid", &[IdToken(F::OtherKeyKnownKid)]),
            refused_star("victim", &[IdToken(F::OtherKeyVictim)]),
        ],
        deviation: None,
        explain: Explain {
            story: "An attacker makes a key pair of his own.\n\
                    He signs an ID token with it and writes the issuer's kid into the header.\n\
                    In the second variant he names the victim in sub, email and name.\n\
                    An app that looks at the kid but not at the result of the verification lets him in.",
            right: "Looks the kid up in the issuer's key set, verifies with that key and no other, and refuses.",
            false_alarm: "As for `id-token/sig-corrupt`: profile `core` only warns, because a code-flow client may rely on TLS.",
            maps: &["P#2"],
        },
    },
    Case {
        id: "id-token/alg-none",
        title: "Unsigned ID token with alg none",
        level: Level::Must,
        positive: false,
        why: "A library that takes its instructions from the token's own header verifies nothing.",
        spec: &[
            RFC8725.section("3.1"),
            RFC8725.section("3.2"),
            ASVS.section("9.1.2"),
            OIDC_CORE.section("2"),
        ],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[refused("none", &[IdToken(F::AlgNone)])],
        deviation: Some("A client registered for unsigned ID tokens is not provided for: Okta knows none."),
        explain: Explain {
            story: "The header says `\"alg\": \"none\"` and the signature segment is empty.\n\
                    RFC 7515 defines such tokens, so many libraries can read them.\n\
                    The claims are whatever the sender likes.\n\
                    An app whose library takes the algorithm from the token accepts them.",
            right: "Allows exactly the algorithm that is registered for the client (RS256 with Okta) and refuses any other before it looks at the claims.",
            false_alarm: "Only for a client that registered `id_token_signed_response_alg` = none, which Okta does not offer.",
            maps: &[
                "o:idtoken-sig-none",
                "f1:invalid-null-alg",
                "f2:invalid-null-alg",
                "P#61",
                "L:rp-id_token-sig-none",
                "OA:Jwt/AcceptsNoneSignatureTest",
                "CVE-2021-44878",
                "CVE-2020-26244",
                "CVE-2026-28802",
                "CVE-2022-23540",
                "CVE-2015-9235",
                "CVE-2026-13089",
            ],
        },
    },
    Case {
        id: "id-token/alg-none-variants",
        title: "Unsigned ID token with another spelling of none, or no alg",
        level: Level::Must,
        positive: false,
        why: "A deny-list that contains only `none` is bypassed with one capital letter.",
        spec: &[RFC8725.section("3.1"), RFC7515.section("4.1.1")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            refused("title-case", &[IdToken(F::AlgNoneTitle)]),
            refused("mixed-case", &[IdToken(F::AlgNoneMixed)]),
            refused("upper-case", &[IdToken(F::AlgNoneUpper)]),
            refused("junk-signature", &[IdToken(F::AlgNoneJunk)]),
            refused("missing", &[IdToken(F::AlgMissing)]),
            refused("empty", &[IdToken(F::AlgEmpty)]),
            refused("number", &[IdToken(F::AlgNumber)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The app refuses `none`, because somebody once read about it.\n\
                    The attacker sends `None`, `NoNe` or `NONE`, or leaves the algorithm out.\n\
                    A comparison that ignores case in one place and not in the other lets it through.\n\
                    With junk in the signature, code that only asks \"is there a signature?\" is content.",
            right: "Compares the algorithm with an allow-list, byte for byte, and treats a missing or non-text value as a malformed token.",
            false_alarm: "None known: no client needs any of these spellings.",
            maps: &["P#60", "P#62"],
        },
    },
    Case {
        id: "id-token/hs256-public-key",
        title: "ID token with an HMAC whose key is the issuer's public key",
        level: Level::Must,
        positive: false,
        why: "The public key is public: whoever accepts it as an HMAC secret accepts everybody's tokens.",
        spec: &[RFC8725.section("2.1"), RFC8725.section("3.1"), ASVS.section("9.1.2")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            refused("pkcs1-pem", &[IdToken(F::Hs256Pkcs1Pem)]),
            refused("pkcs1-pem-no-lf", &[IdToken(F::Hs256Pkcs1PemNoLf)]),
            refused("pkcs1-pem-crlf", &[IdToken(F::Hs256Pkcs1PemCrlf)]),
            refused("pkcs1-body", &[IdToken(F::Hs256Pkcs1Body)]),
            refused("pkcs1-body-no-lf", &[IdToken(F::Hs256Pkcs1BodyNoLf)]),
            refused("pkcs1-base64", &[IdToken(F::Hs256Pkcs1Base64)]),
            refused("pkcs1-der", &[IdToken(F::Hs256Pkcs1Der)]),
            refused("spki-pem", &[IdToken(F::Hs256SpkiPem)]),
            refused("spki-pem-no-lf", &[IdToken(F::Hs256SpkiPemNoLf)]),
            refused("spki-pem-crlf", &[IdToken(F::Hs256SpkiPemCrlf)]),
            refused("spki-body", &[IdToken(F::Hs256SpkiBody)]),
            refused("spki-body-no-lf", &[IdToken(F::Hs256SpkiBodyNoLf)]),
            refused("spki-base64", &[IdToken(F::Hs256SpkiBase64)]),
            refused("spki-der", &[IdToken(F::Hs256SpkiDer)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The attacker fetches the issuer's RSA public key, as everybody may.\n\
                    He writes HS256 into the header and uses the text of that key as the HMAC secret.\n\
                    A library with one `verify(token, key)` for all algorithms computes the same HMAC.\n\
                    Which text it takes depends on the library, so fourteen encodings are tried.",
            right: "Pins RS256, so that an HMAC is never computed; keys carry their type and an RSA key cannot become an HMAC secret.",
            false_alarm: "None known.",
            maps: &[
                "P#29",
                "P#30",
                "P#31",
                "P#32",
                "P#33",
                "P#34",
                "P#35",
                "P#36",
                "P#37",
                "P#38",
                "P#39",
                "P#40",
                "P#41",
                "P#42",
                "CVE-2015-9235",
                "CVE-2017-11424",
                "CVE-2022-29217",
                "CVE-2024-33663",
                "CVE-2024-37568",
                "CVE-2026-48526",
                "CVE-2022-23541",
                "CVE-2026-13089",
            ],
        },
    },
    Case {
        id: "id-token/hs256-jwk-material",
        title: "ID token with an HMAC keyed by a member of the published key",
        level: Level::Must,
        positive: false,
        why: "Libraries that pass a JWK to the HMAC use one of its strings as the secret, and all of them are public.",
        spec: &[RFC8725.section("3.1"), ASVS.section("9.1.2")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            refused("n", &[IdToken(F::Hs256Modulus)]),
            refused("e", &[IdToken(F::Hs256Exponent)]),
            refused("kty", &[IdToken(F::Hs256KeyType)]),
            refused("alg", &[IdToken(F::Hs256AlgName)]),
            refused("jwk", &[IdToken(F::Hs256JwkText)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The same confusion as with the PEM text, one layer up.\n\
                    The library hands the JWK, or one member of it, to the HMAC function.\n\
                    `AQAB`, `RSA`, `RS256`, the modulus and the JSON text are known to everybody.\n\
                    The forged token names the right kid, so the key lookup succeeds.",
            right: "Chooses the verification by the registered algorithm and by the type of the key, never by the header alone.",
            false_alarm: "None known.",
            maps: &["P#44", "P#45", "P#46", "P#47", "P#48", "CVE-2026-48526"],
        },
    },
    Case {
        id: "id-token/hs256-client-secret",
        title: "ID token with an HMAC under the client secret although RS256 is registered",
        level: Level::Should,
        positive: false,
        why: "Whoever learns the client secret could then write ID tokens, not only redeem codes.",
        spec: &[
            OIDC_CORE.section("3.1.3.7 (7)"),
            OIDC_CORE.section("3.1.3.7 (8)"),
            RFC8725.section("3.1"),
        ],
        needs: &[Feature::ConfidentialClient],
        lane: Lane::Parallel,
        variants: &[preferably_refused("hs256", &[IdToken(F::Hs256ClientSecret)])],
        deviation: None,
        explain: Explain {
            story: "The client is registered for RS256.\n\
                    The token comes with HS256, rightly keyed with the client secret.\n\
                    The standard knows this algorithm for clients that registered it.\n\
                    A secret that leaks from a configuration file would then open every account.",
            right: "Accepts only the algorithm that was registered.",
            false_alarm: "If HS256 is what the client registered, acceptance is right; Okta signs with RS256 only.",
            maps: &[
                "o:invalid-sig-hs256",
                "f1:invalid-alternate-alg",
                "f2:invalid-alternate-alg",
                "P#28",
                "L:rp-id_token-sig-hs256",
                "L:rp-id_token-bad-sig-hs256",
                "OA:IdTokens/HasCorrectMacTest",
                "CVE-2026-33322",
            ],
        },
    },
    Case {
        id: "id-token/hs256-empty-key",
        title: "ID token with an HMAC under an empty or accidental key",
        level: Level::Must,
        positive: false,
        why: "A secret that was never set becomes the empty string, and anybody can sign with that.",
        spec: &[RFC8725.section("3.5"), ASVS.section("9.1.1")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            refused("empty", &[IdToken(F::Hs256EmptyKey)]),
            refused("nul", &[IdToken(F::Hs256NulKey)]),
            refused("null", &[IdToken(F::Hs256NullKey)]),
            refused("undefined", &[IdToken(F::Hs256UndefinedKey)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The app has no HMAC secret, because it needs none.\n\
                    In some languages that is the empty string, a NUL byte, `null` or `undefined`.\n\
                    The attacker signs with exactly that.\n\
                    Code that asks the configuration for a key and never looks at it accepts the token.",
            right: "Never computes an HMAC for a client that registered RS256, and refuses keys that are too short to be one.",
            false_alarm: "None known.",
            maps: &["CVE-2026-45363"],
        },
    },
    Case {
        id: "id-token/alg-not-registered",
        title: "ID token signed with an algorithm that is not registered for the client",
        level: Level::Should,
        positive: false,
        why: "An app that accepts any published key is only as safe as the weakest of them.",
        spec: &[OIDC_CORE.section("3.1.3.7 (7)"), RFC8725.section("3.1")],
        needs: &[Feature::FetchesJwks],
        lane: Lane::Server,
        variants: &[
            Variant::of(
                "ps256",
                WITH_KEYS_KNOWN,
                &[Jwks(JwksFault::AlternateKeys), IdToken(F::AlgPs256)],
                PREFERABLY_REFUSED,
            ),
            Variant::of(
                "es256",
                WITH_KEYS_KNOWN,
                &[Jwks(JwksFault::AlternateKeys), IdToken(F::AlgEs256)],
                PREFERABLY_REFUSED,
            ),
            Variant::of(
                "rs512",
                WITH_KEYS_KNOWN,
                &[Jwks(JwksFault::AlternateKeys), IdToken(F::AlgRs512)],
                PREFERABLY_REFUSED,
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The key set lists a second RSA key and an EC key beside the usual one.\n\
                    The token is rightly signed by one of them, with PS256, ES256 or RS512.\n\
                    The client is registered for RS256.\n\
                    Nothing is forged: the question is whether the app pins what was agreed.",
            right: "Refuses any algorithm but the registered one, even with a valid signature.",
            false_alarm: "Libraries that accept every asymmetric algorithm of a published key are common, and no attack is known as long as all keys are the issuer's: hence only a warning.",
            maps: &["f1:invalid-alternate-alg", "f2:invalid-alternate-alg", "CVE-2026-48523"],
        },
    },
    Case {
        id: "id-token/ecdsa-zero-signature",
        title: "ES256 signature that is all zeros",
        level: Level::Must,
        positive: false,
        why: "A verifier without the range check accepts a blank signature for any message.",
        spec: &[RFC7518.section("3.4")],
        needs: &[Feature::FetchesJwks],
        lane: Lane::Server,
        variants: &[
            Variant::of(
                "zero",
                WITH_KEYS_KNOWN,
                &[Jwks(JwksFault::AlternateKeys), IdToken(F::EcdsaZero)],
                REFUSED,
            ),
            Variant::of(
                "order",
                WITH_KEYS_KNOWN,
                &[Jwks(JwksFault::AlternateKeys), IdToken(F::EcdsaOrder)],
                REFUSED,
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The key set lists an EC key.\n\
                    The token says ES256 and its signature has r = s = 0, or r = s = the order of the curve.\n\
                    The equation of ECDSA then holds for every message, unless the range is checked first.\n\
                    A whole Java release forgot that.",
            right: "Refuses ES256 because it is not registered, or, where it is, checks that r and s lie between 1 and n - 1.",
            false_alarm: "None known.",
            maps: &["CVE-2022-21449"],
        },
    },
    Case {
        id: "id-token/kid-absent-one-key",
        title: "ID token without kid when only one key can have signed it",
        level: Level::Should,
        positive: true,
        why: "The kid is only needed to choose among several keys; an app that insists on it breaks with issuers that leave it out.",
        spec: &[OIDC_CORE.section("10.1"), RFC7515.section("4.1.4")],
        needs: &[Feature::FetchesJwks],
        lane: Lane::Server,
        variants: &[
            // The key set of a fresh issuer holds one key.
            preferably_accepted("one-key", &[IdToken(F::NoKid)]),
            accepted_or_noted("one-usable-key", &[Jwks(JwksFault::OneUsableKey), IdToken(F::NoKid)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The key set lists one key. The token comes without a kid, rightly signed by it.\n\
                    In the second variant a key for encryption and one of another type stand beside it:\n\
                    only one key fits the algorithm and the purpose.\n\
                    With a single key the standard lets the issuer leave the kid out.",
            right: "Filters the key set by purpose, type and algorithm, and uses the one key that is left.",
            false_alarm: "A refusal only warns: OIDC Core §10.1 tells the issuer when it must send a kid, which is with several keys, and RFC 7515 calls the kid optional; no clause tells the client to accept a token without one. With several keys in the set the standard wants a kid, so refusing the second variant is a note. Okta always sends one.",
            maps: &["o:kid-absent-single-jwks", "L:rp-id_token-kid-absent-single-jwks"],
        },
    },
    Case {
        id: "id-token/kid-absent-many-keys",
        title: "ID token without kid when several keys could have signed it",
        level: Level::May,
        positive: false,
        why: "Both answers conform; knowing which one the app gives helps when an issuer changes.",
        spec: &[OIDC_CORE.section("10.1")],
        needs: &[Feature::FetchesJwks],
        lane: Lane::Server,
        variants: &[accepted_or_noted(
            "many-keys",
            &[Jwks(JwksFault::ManyKeys), IdToken(F::NoKid)],
        )],
        deviation: None,
        explain: Explain {
            story: "The key set lists two RSA signing keys for RS256, the right one second.\n\
                    The token has no kid.\n\
                    Trying both keys is allowed, refusing is allowed.\n\
                    A note says which of the two the app does.",
            right: "Either tries each key that fits, or refuses cleanly.",
            false_alarm: "There is nothing to be alarmed about: only a server error or a wrong user would be a finding.",
            maps: &["o:kid-absent-multiple-jwks", "L:rp-id_token-kid-absent-multiple-jwks"],
        },
    },
];
