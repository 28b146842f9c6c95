//! `id-token/`: the claims that OIDC Core 1.0 §3.1.3.7 asks about, in its order.

use mock_idp::{Fault::IdToken, flow::fault::IdTokenFault as F};

use super::super::expect::{
    REFUSED, accepted, accepted_or_noted, himself_or_nobody, preferably_accepted, preferably_refused, refused,
    refused_or_noted,
};
use crate::{
    case::{Case, Explain, Lane, Variant},
    feature::Feature,
    outcome::Level,
    script::{AFTER, Act, MAIN, OTHER, Step, user, victim},
    spec::{ASVS, OIDC_CORE, RFC7519, RFC8725},
};

/// Another flow of the same browser is pending, so that its nonce exists and is unused.
const WITH_ANOTHER_PENDING: &[Step] = &[
    user(Act::Start(OTHER, &[])),
    user(Act::Authorize(OTHER, &[])),
    user(Act::SignIn(MAIN)),
    user(Act::Probe(AFTER)),
];
/// The same person signed in before, in another browser.
const AFTER_OWN_SIGN_IN: &[Step] = &[
    user(Act::SignIn(OTHER)),
    user(Act::NewBrowser),
    user(Act::SignIn(MAIN)),
    user(Act::Probe(AFTER)),
];
/// Somebody else signed in before.
const AFTER_VICTIMS_SIGN_IN: &[Step] = &[
    victim(Act::SignIn(OTHER)),
    user(Act::SignIn(MAIN)),
    user(Act::Probe(AFTER)),
];

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "id-token/iss-wrong",
        title: "ID token of another issuer",
        level: Level::Must,
        positive: false,
        why: "A sub is only unique within its issuer: another issuer's user 7 is somebody else.",
        spec: &[
            OIDC_CORE.section("3.1.3.7 (2)"),
            RFC8725.section("3.8"),
            ASVS.section("10.5.3"),
        ],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            refused("suffix", &[IdToken(F::IssSuffix)]),
            refused("other-tenant", &[IdToken(F::IssOtherTenant)]),
            refused("org", &[IdToken(F::IssOrg)]),
            refused("scheme", &[IdToken(F::IssScheme)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The token is signed with the right key and names another issuer.\n\
                    With Okta that is easily met: the organisation's own server, a custom server beside it, another tenant.\n\
                    Keys can be shared between them, users need not be the same.\n\
                    An app that never compares `iss` mixes the accounts of both.",
            right: "Compares `iss` with the configured issuer, byte for byte, and refuses anything else.",
            false_alarm: "If the app was configured with the other URL of the same organisation, the control sign-in would already have failed: the fake server uses one issuer string everywhere.",
            maps: &[
                "o:invalid-iss",
                "f1:invalid-iss",
                "f2:invalid-iss",
                "fed:invalid-iss-in-id-token",
                "P#2",
                "L:rp-id_token-issuer-mismatch",
                "OA:IdTokens/HasCorrectIssuerTest",
                "CVE-2024-47807",
            ],
        },
    },
    Case {
        id: "id-token/iss-partial",
        title: "ID token whose issuer is almost right",
        level: Level::Must,
        positive: false,
        why: "A comparison by prefix, substring or without case lets an issuer in whose name an attacker can choose.",
        spec: &[OIDC_CORE.section("3.1.3.7 (2)")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            refused("prefix", &[IdToken(F::IssPrefix)]),
            refused("suffix", &[IdToken(F::IssTail)]),
            refused("substring", &[IdToken(F::IssInner)]),
            refused("upper-case", &[IdToken(F::IssUpperCase)]),
            preferably_refused("trailing-slash", &[IdToken(F::IssTrailingSlash)]),
            refused("lookalike", &[IdToken(F::IssLookalike)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The issuer in the token is a prefix, the tail or a piece of the right one.\n\
                    Or it is the right one with `.attacker.example` behind it, or in capitals.\n\
                    `starts_with`, `in` and case-folding all look like comparisons.\n\
                    One Python library compared by substring for a whole release.",
            right: "Compares the two strings for equality.",
            false_alarm: "A lone slash at the end is tolerated by many libraries on purpose, because providers disagree about it: accepting that variant is only a warning.",
            maps: &["CVE-2024-53861"],
        },
    },
    Case {
        id: "id-token/iss-missing",
        title: "ID token without an issuer",
        level: Level::Must,
        positive: false,
        why: "Several libraries check the issuer only if the claim is there.",
        spec: &[OIDC_CORE.section("2"), OIDC_CORE.section("3.1.3.7 (2)")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            refused("absent", &[IdToken(F::IssAbsent)]),
            refused("empty", &[IdToken(F::IssEmpty)]),
            refused("null", &[IdToken(F::IssNull)]),
            refused("array", &[IdToken(F::IssArray)]),
            refused("object", &[IdToken(F::IssObject)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The claim `iss` is left out, empty, null, a list or an object.\n\
                    The app told its library which issuer to expect.\n\
                    The library compares what is there, and nothing is there.\n\
                    With jsonwebtoken, for instance, `iss` must be listed among the required claims as well.",
            right: "Treats a missing or non-text issuer as a wrong one.",
            false_alarm: "None known: `iss` is required in every ID token.",
            maps: &[
                "f1:invalid-missing-iss",
                "f2:invalid-missing-iss",
                "P#4",
                "P#5",
                "OA:IdTokens/HasRequiredClaimsTest",
            ],
        },
    },
    Case {
        id: "id-token/aud-wrong",
        title: "ID token for another client",
        level: Level::Must,
        positive: false,
        why: "Any other app of the same organisation could sign its users in here with the tokens it receives.",
        spec: &[
            OIDC_CORE.section("3.1.3.7 (3)"),
            RFC8725.section("3.9"),
            ASVS.section("10.5.4"),
        ],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            refused("suffix", &[IdToken(F::AudSuffix)]),
            refused("other", &[IdToken(F::AudOther)]),
            refused("array", &[IdToken(F::AudArrayWithoutUs)]),
            refused("prefix", &[IdToken(F::AudPrefix)]),
            refused("substring", &[IdToken(F::AudInner)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The token is signed by the right issuer and was issued to another client.\n\
                    Whoever runs that client, or steals from it, holds such tokens of many users.\n\
                    He plays one to this app in place of the right one.\n\
                    An app that does not ask \"is this for me?\" signs the other client's user in.",
            right: "Refuses unless its client id equals the audience, or is one element of it.",
            false_alarm: "None known: the audience of an ID token is the client id at every provider, Okta included.",
            maps: &[
                "o:invalid-aud",
                "f1:invalid-aud",
                "f2:invalid-aud",
                "fed:invalid-aud-in-id-token",
                "P#67",
                "P#68",
                "L:rp-id_token-aud",
                "OA:IdTokens/HasCorrectAudienceTest",
                "OA:Jwt/HasAudienceClaimTest",
                "CVE-2024-47806",
                "CVE-2020-26160",
                "mozilla-django-oidc#340",
            ],
        },
    },
    Case {
        id: "id-token/aud-missing",
        title: "ID token without an audience",
        level: Level::Must,
        positive: false,
        why: "A token that names nobody may have been issued for another application.",
        spec: &[OIDC_CORE.section("2"), OIDC_CORE.section("3.1.3.7 (3)")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            refused("absent", &[IdToken(F::AudAbsent)]),
            refused("null", &[IdToken(F::AudNull)]),
            refused("empty-array", &[IdToken(F::AudEmptyArray)]),
            refused("empty", &[IdToken(F::AudEmpty)]),
            refused("number", &[IdToken(F::AudNumber)]),
            refused("object", &[IdToken(F::AudObject)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The claim `aud` is left out, null, empty, a number or an object.\n\
                    A library that checks the audience only when there is one finds nothing to refuse.\n\
                    An empty list contains no wrong audience either.\n\
                    One Go library let an empty list pass for years.",
            right: "Requires the claim, as text or a list of texts, with the client id in it.",
            false_alarm: "None known: `aud` is required in every ID token.",
            maps: &[
                "o:missing-aud",
                "f1:invalid-missing-aud",
                "f2:invalid-missing-aud",
                "P#66",
                "L:rp-id_token-aud",
                "CVE-2020-26160",
            ],
        },
    },
    Case {
        id: "id-token/aud-single-array",
        title: "ID token whose audience is a list of one",
        level: Level::Must,
        positive: true,
        why: "The standard lets an issuer write one audience as text or as a list, and issuers do both.",
        spec: &[OIDC_CORE.section("2"), RFC7519.section("4.1.3")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[accepted("array", &[IdToken(F::AudSingleArray)])],
        deviation: None,
        explain: Explain {
            story: "The audience is `[\"<client_id>\"]` where it was `\"<client_id>\"`.\n\
                    Both mean the same.\n\
                    An app that compares with `==` refuses the list.\n\
                    The day the issuer changes its library, nobody can sign in.",
            right: "Accepts both forms.",
            false_alarm: "Okta writes a plain string today; the standard allows both, so this is a failure all the same.",
            maps: &["f1:valid-aud-as-array", "f2:valid-aud-as-array"],
        },
    },
    Case {
        id: "id-token/aud-untrusted-extra",
        title: "ID token that is also for a client which the app does not know",
        level: Level::Must,
        positive: false,
        why: "A token shared with a stranger can be played back by the stranger.",
        spec: &[OIDC_CORE.section("3.1.3.7 (3)")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            refused("no-azp", &[IdToken(F::AudExtra)]),
            accepted_or_noted("with-azp", &[IdToken(F::AudExtraWithAzp)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The audience lists this client and another one that this app has never heard of.\n\
                    Nothing says which of the two asked for the token.\n\
                    The other client holds the same token and can replay it here.\n\
                    With `azp` naming this client the question is settled, and both answers are fine.",
            right: "Refuses audiences that it does not trust; may accept when `azp` is its own client id.",
            false_alarm: "Many libraries only ask whether the client id is among the audiences. OIDC Core says MUST reject untrusted ones, so the first variant fails; the second is only a note.",
            maps: &[
                "f1:invalid-secondary-aud",
                "f2:invalid-secondary-aud",
                "OA:IdTokens/HasAzpForMultiAudienceTest",
            ],
        },
    },
    Case {
        id: "id-token/azp-wrong",
        title: "ID token that was issued to another client",
        level: Level::Should,
        positive: false,
        why: "`azp` says who asked for the token; if that was somebody else, the app is being played a token.",
        spec: &[OIDC_CORE.section("3.1.3.7 (4)"), OIDC_CORE.section("3.1.3.7 (5)")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[preferably_refused("other", &[IdToken(F::AzpWrong)])],
        deviation: None,
        explain: Explain {
            story: "The audience is this client, `azp` is another one.\n\
                    So another client asked for a token that is meant for this one.\n\
                    Some providers do that on purpose, for a front end and its back end.\n\
                    For an app that expects nothing of the kind it is a foreign token.",
            right: "Refuses when `azp` is present and is not its client id.",
            false_alarm: "The second errata of OIDC Core moved the check of `azp` to extensions, so accepting is only a warning.",
            maps: &["OA:IdTokens/HasAuthorizedPartyTest"],
        },
    },
    Case {
        id: "id-token/exp-past",
        title: "Expired ID token",
        level: Level::Must,
        positive: false,
        why: "The expiry is what makes a stolen or logged token worthless after a while.",
        spec: &[OIDC_CORE.section("3.1.3.7 (9)"), ASVS.section("9.2.1")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            refused_or_noted("6m", &[IdToken(F::ExpPast6m)]),
            refused("1h", &[IdToken(F::ExpPast1h)]),
            refused("1d", &[IdToken(F::ExpPast1d)]),
            refused("1y", &[IdToken(F::ExpPast1y)]),
        ],
        deviation: None,
        explain: Explain {
            story: "Everything about the token is right but its age.\n\
                    It expired an hour, a day, a year ago.\n\
                    Such tokens lie in logs, proxies and old browser profiles.\n\
                    An app that ignores `exp` takes them for ever.",
            right: "Refuses when the current time is not before `exp`, with a few minutes of tolerance at most.",
            false_alarm: "Several stacks tolerate five minutes of clock skew (.NET 300 s, Spring and Auth0 60 s), so the six-minute variant is only a note. A clock offset of more than 10 s between the app and the harness makes the case inconclusive.",
            maps: &[
                "f1:invalid-expired-exp",
                "f2:invalid-expired-exp",
                "P#51",
                "P#52",
                "OA:Jwt/IsExpirationCheckedTest",
            ],
        },
    },
    Case {
        id: "id-token/exp-missing",
        title: "ID token without an expiry time",
        level: Level::Must,
        positive: false,
        why: "A check of the expiry that passes when there is none is no check.",
        spec: &[OIDC_CORE.section("2"), OIDC_CORE.section("3.1.3.7 (9)")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            refused("absent", &[IdToken(F::ExpAbsent)]),
            refused("null", &[IdToken(F::ExpNull)]),
            refused("never", &[IdToken(F::ExpNever)]),
            refused("object", &[IdToken(F::ExpObject)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The claim `exp` is left out, null, the word \"never\" or an object.\n\
                    Libraries compare the time only when they find a number.\n\
                    In some languages \"never\" is greater than every number.\n\
                    The token is then good for ever.",
            right: "Requires `exp` to be a number.",
            false_alarm: "None known: `exp` is required in every ID token.",
            maps: &[
                "f1:invalid-missing-exp",
                "f2:invalid-missing-exp",
                "OA:IdTokens/HasRequiredClaimsTest",
            ],
        },
    },
    Case {
        id: "id-token/nbf-future",
        title: "ID token that is not valid yet",
        level: Level::Should,
        positive: false,
        why: "`nbf` is an order of the issuer not to accept the token before that time.",
        spec: &[RFC7519.section("4.1.5"), ASVS.section("9.2.1")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[preferably_refused("1h", &[IdToken(F::NbfFuture)])],
        deviation: None,
        explain: Explain {
            story: "The token says `nbf`: about an hour from now, and expires after that.\n\
                    An honest issuer would not send it today.\n\
                    RFC 7519 says that it must not be accepted.\n\
                    OIDC Core does not list `nbf`, so many verifiers overlook it.",
            right: "Refuses a token whose `nbf` lies in the future by more than the clock skew.",
            false_alarm: "OIDC Core itself does not ask for the check; accepting is a warning.",
            maps: &["OA:Jwt/IsNotBeforeCheckedTest"],
        },
    },
    Case {
        id: "id-token/iat-out-of-range",
        title: "ID token that was issued in the future or long ago",
        level: Level::Should,
        positive: false,
        why: "A token for this sign-in was made seconds ago; one that was not is somebody's old or forged one.",
        spec: &[OIDC_CORE.section("3.1.3.7 (10)")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            preferably_refused("future-1d", &[IdToken(F::IatFuture1d)]),
            refused_or_noted("past-1d", &[IdToken(F::IatPast1d)]),
            refused_or_noted("past-1w", &[IdToken(F::IatPast1w)]),
            refused_or_noted("past-1y", &[IdToken(F::IatPast1y)]),
        ],
        deviation: None,
        explain: Explain {
            story: "`iat` lies a day ahead, or a day, a week, a year back; `exp` is fine.\n\
                    No sign-in takes a day, so the token cannot belong to this one.\n\
                    The standard lets the client decide how far `iat` may be off.\n\
                    An app that looks at `exp` alone never notices.",
            right: "Refuses an `iat` in the future beyond the clock skew, and preferably one older than a sign-in can be.",
            false_alarm: "The acceptable range is the client's choice. Most verifiers accept an old `iat`, so those variants are only notes; accepting a future one is a warning.",
            maps: &["f1:iat-is-week-in-past", "P#53", "P#54", "OA:Jwt/IsIssuedAtCheckedTest"],
        },
    },
    Case {
        id: "id-token/iat-missing",
        title: "ID token that does not say when it was issued",
        level: Level::Should,
        positive: false,
        why: "`iat` is required; without it nobody can tell a fresh token from an old one.",
        spec: &[OIDC_CORE.section("2"), OIDC_CORE.section("3.1.3.7 (10)")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            preferably_refused("absent", &[IdToken(F::IatAbsent)]),
            preferably_refused("null", &[IdToken(F::IatNull)]),
            preferably_refused("string", &[IdToken(F::IatString)]),
        ],
        deviation: Some(
            "The catalogue calls it a broken MUST; OIDC Core §2 binds the issuer, and §3.1.3.7 leaves it to the client whether it looks at `iat`, hence a warning.",
        ),
        explain: Explain {
            story: "The claim `iat` is left out, null or a word.\n\
                    Every ID token must have it.\n\
                    General JWT libraries do not ask for it.\n\
                    An app that relies on such a library alone accepts the token.",
            right: "Requires `iat` to be a number.",
            false_alarm: "That `iat` is there is the issuer's duty, and a client need not look at it. The OpenID Foundation's suite for clients wants such a token refused all the same, hence a warning.",
            maps: &["o:missing-iat", "L:rp-id_token-iat"],
        },
    },
    Case {
        id: "id-token/time-tolerance",
        title: "Valid but unusual times",
        level: Level::Should,
        positive: true,
        why: "Clocks differ by seconds and JSON numbers have several forms: being stricter only locks users out.",
        spec: &[RFC7519.section("2"), RFC7519.section("4.1.4"), RFC7519.section("4.1.5")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            preferably_accepted("iat-ahead", &[IdToken(F::IatAhead20s)]),
            preferably_accepted("nbf-ahead", &[IdToken(F::NbfAhead20s)]),
            preferably_accepted("exp-soon", &[IdToken(F::ExpIn5s)]),
            preferably_accepted("exp-fraction", &[IdToken(F::ExpFraction)]),
            preferably_accepted("iat-fraction", &[IdToken(F::IatFraction)]),
            preferably_accepted("exp-exponent", &[IdToken(F::ExpExponent)]),
            preferably_accepted("iat-exponent", &[IdToken(F::IatExponent)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The issuer's clock is 20 seconds ahead, or the token expires in five.\n\
                    Or a time is written with a fraction, or as `1.79e9`.\n\
                    All of that is valid: a NumericDate is any JSON number.\n\
                    An app that parses an integer, or allows no skew, refuses honest users now and then.",
            right: "Allows some skew and reads any JSON number.",
            false_alarm: "Refusing is a warning only. A clock offset of more than 10 s between the app and the harness makes the case inconclusive.",
            maps: &["mod_auth_openidc ChangeLog 2026-07-27"],
        },
    },
    Case {
        id: "id-token/sub-missing",
        title: "ID token without a usable subject",
        level: Level::Must,
        positive: false,
        why: "The subject is the user; whoever signs in without one shares an account with all the others.",
        spec: &[OIDC_CORE.section("2"), OIDC_CORE.section("3.1.3.7")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            refused("absent", &[IdToken(F::SubAbsent)]),
            refused("empty", &[IdToken(F::SubEmpty)]),
            refused("null", &[IdToken(F::SubNull)]),
            refused("array", &[IdToken(F::SubArray)]),
            himself_or_nobody("number", &[IdToken(F::SubNumber)]),
            himself_or_nobody("boolean", &[IdToken(F::SubBoolean)]),
            himself_or_nobody("300-characters", &[IdToken(F::SubLong)]),
        ],
        deviation: Some("A sub that is a number, a boolean or too long may be accepted, if only as the user himself."),
        explain: Explain {
            story: "The claim `sub` is left out, empty, null, or a list of the user and the victim.\n\
                    In other variants it is a number, a boolean or too long.\n\
                    An app that goes on makes an account with an empty key.\n\
                    The next user without a subject is signed in to the same one.",
            right: "Requires `sub` to be a non-empty text. What it does with a number or a long text is its own affair, as long as nobody becomes somebody else.",
            false_alarm: "Numbers as subjects come from some providers; turning them into text is fine and not counted against the app.",
            maps: &[
                "o:missing-sub",
                "L:rp-id_token-sub",
                "OA:Jwt/HasSubjectClaimTest",
                "symfony#66135",
                "CVE-2026-23990",
            ],
        },
    },
    Case {
        id: "id-token/nonce-wrong",
        title: "ID token with a nonce that the app did not send",
        level: Level::Must,
        positive: false,
        why: "Beside PKCE the nonce is the only defence against a code or token that belongs to another sign-in.",
        spec: &[
            OIDC_CORE.section("3.1.3.7 (11)"),
            OIDC_CORE.section("15.5.2"),
            ASVS.section("10.5.1"),
        ],
        needs: &[Feature::SendsNonce],
        lane: Lane::Parallel,
        variants: &[
            refused("suffix", &[IdToken(F::NonceSuffix)]),
            refused("constant", &[IdToken(F::NonceConstant)]),
            Variant::of(
                "other-flow",
                WITH_ANOTHER_PENDING,
                &[IdToken(F::NonceOfOtherFlow)],
                REFUSED,
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The app sent a nonce with the authorization request.\n\
                    The token comes back with another one: longer, a constant, or that of another pending sign-in.\n\
                    So it was made for another sign-in, perhaps of the attacker.\n\
                    An app that sends a nonce and never compares it believes it is protected.",
            right: "Compares the nonce in the token with the one it keeps for exactly this attempt.",
            false_alarm: "Apps that send no nonce are skipped: it is optional in the code flow, and `authorization/nonce-present` speaks about that.",
            maps: &[
                "o:nonce-invalid",
                "f1:invalid-nonce",
                "f2:invalid-nonce",
                "P#55",
                "L:rp-nonce-invalid",
                "CVE-2024-10318",
            ],
        },
    },
    Case {
        id: "id-token/nonce-missing",
        title: "ID token without the nonce that the app sent",
        level: Level::Must,
        positive: false,
        why: "A comparison that is skipped when the claim is absent protects only against honest tokens.",
        spec: &[OIDC_CORE.section("3.1.3.7 (11)")],
        needs: &[Feature::SendsNonce],
        lane: Lane::Parallel,
        variants: &[
            refused("absent", &[IdToken(F::NonceAbsent)]),
            refused("null", &[IdToken(F::NonceNull)]),
            refused("empty", &[IdToken(F::NonceEmpty)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The app sent a nonce; the token has none, or null, or the empty string.\n\
                    Tokens from a refresh or another flow look like this.\n\
                    `if token.nonce && token.nonce != expected` is the usual mistake.\n\
                    Whoever can swap the token only has to find one without a nonce.",
            right: "Requires the nonce whenever it sent one.",
            false_alarm: "Apps that send no nonce are skipped.",
            maps: &[
                "f1:invalid-missing-nonce",
                "f2:invalid-missing-nonce",
                "P#56",
                "OA:IdTokens/NoncePresentInTokenTest",
                "CVE-2024-10318",
                "openhikmah#556",
            ],
        },
    },
    Case {
        id: "id-token/replayed-token",
        title: "The ID token of an earlier sign-in, still valid",
        level: Level::Must,
        positive: false,
        why: "Tokens are seen by more eyes than one likes; only the nonce says that this one was already used.",
        spec: &[
            OIDC_CORE.section("3.1.3.7 (11)"),
            OIDC_CORE.section("16.9"),
            ASVS.section("10.5.1"),
        ],
        needs: &[Feature::SendsNonce],
        lane: Lane::Parallel,
        variants: &[
            Variant::of("same-user", AFTER_OWN_SIGN_IN, &[IdToken(F::Replayed)], REFUSED),
            Variant::of("other-user", AFTER_VICTIMS_SIGN_IN, &[IdToken(F::Replayed)], REFUSED),
        ],
        deviation: None,
        explain: Explain {
            story: "A first sign-in ends well; its ID token is valid for an hour.\n\
                    A second sign-in starts, and the token endpoint answers with that first token.\n\
                    Signature, issuer, audience and times are right.\n\
                    In the second variant the token is the victim's, and so would be the session.",
            right: "Sees that the nonce is not that of this attempt, and refuses.",
            false_alarm: "Apps that send no nonce are skipped.",
            maps: &["P#55"],
        },
    },
];
