//! `id-token/`: the other claims, and what a payload may look like.

use mock_idp::{
    Fault::{IdToken, Identity},
    flow::fault::{IdTokenFault as F, IdentityFault},
};

use super::super::expect::{accepted, preferably_accepted, preferably_refused, refused_or_noted};
use crate::{
    case::{Case, Expect, Explain, Lane, May, Must, Should, Variant},
    check::{
        content::{NO_HEADER_OVERFLOW, NO_OVERSIZED_COOKIE, TEXT_ROUND_TRIPS},
        requests::RESTARTS_ARE_FRESH,
        sign_in::{NEVER_AS_SOMEBODY_ELSE, REFUSES_SIGN_IN, SHOWS_NO_STRANGER, SIGNS_IN_AS_USER, STAYS_CLEAN},
    },
    feature::Feature,
    outcome::Level,
    script::SIGN_IN,
    spec::{ASVS, OIDC_CORE, RFC7519, RFC8259, RFC8725},
};

const STEPS_UP_OR_REFUSES: &[Expect] = &[
    Should(REFUSES_SIGN_IN),
    Should(RESTARTS_ARE_FRESH),
    Should(STAYS_CLEAN),
    Must(NEVER_AS_SOMEBODY_ELSE),
];
/// Refused, or consistently the last of two members.
const REFUSED_OR_LAST: &[Expect] = &[May(REFUSES_SIGN_IN), Should(STAYS_CLEAN)];
const CLEAN: &[Expect] = &[Should(STAYS_CLEAN), Must(SHOWS_NO_STRANGER)];
const FITS: &[Expect] = &[
    Should(SIGNS_IN_AS_USER),
    Should(NO_OVERSIZED_COOKIE),
    Should(NO_HEADER_OVERFLOW),
    Must(SHOWS_NO_STRANGER),
];

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "id-token/at-hash-wrong",
        title: "ID token with the hash of another access token",
        level: Level::Should,
        positive: false,
        why: "`at_hash` ties the two tokens together; without it one of them can be swapped.",
        spec: &[OIDC_CORE.section("3.1.3.8"), OIDC_CORE.section("16.11")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            preferably_refused("value", &[IdToken(F::AtHashWrong)]),
            preferably_refused("unknown-alg", &[IdToken(F::AtHashUnknownAlg)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The ID token is right and its `at_hash` belongs to another access token.\n\
                    So somebody swapped the access token, and userinfo would speak of another user.\n\
                    In the second variant the header names an algorithm for which no hash is known.\n\
                    One library took \"no hash known\" for \"hash is right\".",
            right: "Checks `at_hash` when it is present and it uses the access token.",
            false_alarm: "OIDC Core makes the check optional in the code flow, so accepting is only a warning.",
            maps: &[
                "o:invalid-athash",
                "P#69",
                "L:rp-id_token-bad-at_hash",
                "OA:IdTokens/IsAccessTokenHashCorrectTest",
                "CVE-2026-28498",
            ],
        },
    },
    Case {
        id: "id-token/at-hash-absent",
        title: "ID token without at_hash",
        level: Level::Must,
        positive: true,
        why: "The claim is optional when the tokens come from the token endpoint.",
        spec: &[OIDC_CORE.section("3.1.3.6")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[accepted("absent", &[IdToken(F::AtHashAbsent)])],
        deviation: None,
        explain: Explain {
            story: "The ID token has neither `at_hash` nor `c_hash`.\n\
                    In the code flow both are optional.\n\
                    Okta sends `at_hash`, other issuers do not.\n\
                    An app that insists on it is tied to one issuer's habit.",
            right: "Signs the user in.",
            false_alarm: "None known: the rule that makes `at_hash` required is that of the implicit and hybrid flows.",
            maps: &["f1:missing-athash"],
        },
    },
    Case {
        id: "id-token/step-up-claims",
        title: "Authentication older or weaker than requested",
        level: Level::Should,
        positive: false,
        why: "An app that requests a recent or strong authentication has to check that it got one.",
        spec: &[
            OIDC_CORE.section("2"),
            OIDC_CORE.section("3.1.3.7 (12)"),
            OIDC_CORE.section("3.1.3.7 (13)"),
            ASVS.section("7.5.3"),
            ASVS.section("10.3.4"),
        ],
        needs: &[Feature::SendsStepUp],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "auth-time-old",
                SIGN_IN,
                &[IdToken(F::AuthTimeOld)],
                STEPS_UP_OR_REFUSES,
            )
            .needing(&[Feature::SendsMaxAge]),
            Variant::of(
                "auth-time-absent",
                SIGN_IN,
                &[IdToken(F::AuthTimeAbsent)],
                STEPS_UP_OR_REFUSES,
            )
            .needing(&[Feature::SendsMaxAge]),
            Variant::of("acr-weaker", SIGN_IN, &[IdToken(F::AcrWeaker)], STEPS_UP_OR_REFUSES)
                .needing(&[Feature::SendsAcrValues]),
            Variant::of("acr-absent", SIGN_IN, &[IdToken(F::AcrAbsent)], STEPS_UP_OR_REFUSES)
                .needing(&[Feature::SendsAcrValues]),
        ],
        deviation: None,
        explain: Explain {
            story: "The app sent `max_age`, `prompt=login` or `acr_values`.\n\
                    The token says that the user authenticated yesterday, or weakly, or says nothing.\n\
                    A browser can drop the parameter on its way to the issuer.\n\
                    Only the claims in the token tell what really happened.",
            right: "Compares `auth_time` and `acr` with what it asked for, and starts a new authentication request, with a fresh state, nonce and challenge, or refuses.",
            false_alarm: "Apps that ask for none of these are skipped. Okta sends `acr` only when `acr_values` was sent.",
            maps: &[],
        },
    },
    Case {
        id: "id-token/duplicate-claims",
        title: "ID token with duplicate claims",
        level: Level::Should,
        positive: false,
        why: "Two parsers may read two different users out of one signed token.",
        spec: &[RFC7519.section("4")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            // RFC 7519 §4: a parser refuses, or takes the last. Here the last names the victim, ...
            Variant::of(
                "sub-victim-last",
                SIGN_IN,
                &[IdToken(F::SubTwiceVictimLast)],
                REFUSED_OR_LAST,
            ),
            // ... here it is the right one, ...
            refused_or_noted("sub-victim-first", &[IdToken(F::SubTwiceVictimFirst)]),
            refused_or_noted("aud-wrong-first", &[IdToken(F::AudTwiceWrongFirst)]),
            refused_or_noted("nonce-wrong-first", &[IdToken(F::NonceTwiceWrongFirst)]).needing(&[Feature::SendsNonce]),
            refused_or_noted("iss-wrong-first", &[IdToken(F::IssTwiceWrongFirst)]),
            // ... and here a check that reads it refuses.
            preferably_refused("aud-wrong-last", &[IdToken(F::AudTwiceWrongLast)]),
            preferably_refused("nonce-wrong-last", &[IdToken(F::NonceTwiceWrongLast)]).needing(&[Feature::SendsNonce]),
            preferably_refused("iss-wrong-last", &[IdToken(F::IssTwiceWrongLast)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The payload has two `sub` members, the user's and the victim's, or two `aud`, `nonce` or `iss`.\n\
                    The signature is right.\n\
                    Most parsers keep the last one, some the first, and few complain.\n\
                    If the check reads one and the account the other, the victim is signed in.",
            right: "Refuses duplicate names, or consistently takes the last one.",
            false_alarm: "RFC 7519 §4 lets a parser take the last of two, so that is only a note. Taking the first is a warning, and a fail where the first names the victim.",
            maps: &[],
        },
    },
    Case {
        id: "id-token/type-confusion",
        title: "Claims of the wrong JSON type",
        level: Level::Should,
        positive: false,
        why: "Code that expects text and meets a list crashes, or compares the wrong things.",
        spec: &[RFC7519.section("4.1"), RFC8725.section("3.10")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            Variant::of("exp-string", SIGN_IN, &[IdToken(F::ExpString)], CLEAN),
            Variant::of("nonce-array", SIGN_IN, &[IdToken(F::NonceArray)], CLEAN).needing(&[Feature::SendsNonce]),
            Variant::of("iss-object", SIGN_IN, &[IdToken(F::IssAsObject)], CLEAN),
            Variant::of("aud-nested", SIGN_IN, &[IdToken(F::AudNestedArray)], CLEAN),
            Variant::of("email-object", SIGN_IN, &[IdToken(F::EmailObject)], CLEAN),
            Variant::of("name-number", SIGN_IN, &[IdToken(F::NameNumber)], CLEAN),
        ],
        deviation: Some(
            "Whether such a token is accepted is not judged, only that the app stays clean and shows nobody else.",
        ),
        explain: Explain {
            story: "The expiry is a string, the nonce a list, the issuer an object, the email an object.\n\
                    Dynamic languages pass them on until something breaks.\n\
                    Static ones fail to parse and often answer with a server error.\n\
                    Either way it should be an ordinary refusal, or the claim should be ignored.",
            right: "Refuses or ignores the claim; no server error.",
            false_alarm: "Whether such a token is accepted is not judged here, only whether the app stays clean.",
            maps: &[],
        },
    },
    Case {
        id: "id-token/extra-claims",
        title: "Unknown claims, and names in many alphabets",
        level: Level::Must,
        positive: true,
        why: "Issuers add claims whenever they like, and users have names that are not ASCII.",
        spec: &[
            OIDC_CORE.section("2"),
            OIDC_CORE.section("5.1.2"),
            OIDC_CORE.section("5.2"),
            RFC8259.section("8.1"),
        ],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            accepted("unknown", &[IdToken(F::ExtraClaims)]),
            Variant::of(
                "unicode-name",
                SIGN_IN,
                &[Identity(IdentityFault::NameUnicode)],
                &[Must(SIGNS_IN_AS_USER), Should(TEXT_ROUND_TRIPS)],
            )
            .needing(&[Feature::AsksForProfile]),
            preferably_accepted("unicode-email", &[Identity(IdentityFault::EmailUnicode)])
                .needing(&[Feature::AsksForEmail]),
        ],
        deviation: Some(
            "Text that comes out broken is a warning, and so is the refusal of an address outside of ASCII: OIDC Core §5.1 wants the syntax of RFC 5322.",
        ),
        explain: Explain {
            story: "The token has forty claims the app has never heard of: nested, null, named by URLs.\n\
                    In other variants the user's name or address holds emoji, right-to-left and combining characters.\n\
                    All of it is valid and must be ignored or shown as it is.\n\
                    A strict schema or a three-byte database column locks that user out.",
            right: "Ignores what it does not know and keeps every character.",
            false_alarm: "Addresses with non-ASCII local parts are valid (RFC 6531), but an app may document that it refuses them; skip the case with that reason then.",
            maps: &[],
        },
    },
    Case {
        id: "id-token/large-token",
        title: "ID token of a user in hundreds of groups",
        level: Level::Should,
        positive: true,
        why: "The users with the most rights are in the most groups, and are the first to be locked out by a small limit.",
        spec: &[ASVS.section("3.3.5")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            Variant::of("8k", SIGN_IN, &[IdToken(F::Large8k)], FITS),
            Variant::of("16k", SIGN_IN, &[IdToken(F::Large16k)], FITS),
            Variant::of("32k", SIGN_IN, &[IdToken(F::Large32k)], FITS),
        ],
        deviation: None,
        explain: Explain {
            story: "The user is in 200, 400 or 800 groups, and the token lists them all.\n\
                    An app that keeps the token in a cookie sets one that browsers throw away.\n\
                    One that splits it over many cookies sends headers that proxies refuse.\n\
                    The user is signed in and signed out at once, with no error anywhere.",
            right: "Keeps tokens on the server, or only what it needs of them.",
            false_alarm: "A proxy in front of the app may have a smaller limit than the app: the finding names the server that answered.",
            maps: &["mod_auth_openidc ChangeLog 2026-08-11 (chunked cookie)"],
        },
    },
];
