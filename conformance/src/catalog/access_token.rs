//! `access-token/`: opaque by standard; Okta's guide validates it all the same.

use mock_idp::{
    Fault::{AccessToken, RefreshResponse, TokenResponse},
    flow::fault::{AccessTokenFault as F, RefreshFault, TokenResponseFault},
};

use crate::{
    case::{Case, Expect, Explain, Lane, May, Must, Should, Variant},
    check::{
        content::NO_OVERSIZED_COOKIE,
        sign_in::{NEVER_AS_SOMEBODY_ELSE, REFUSES_SIGN_IN, SIGNS_IN_AS_USER, STAYS_CLEAN},
        token::{NEVER_THE_NEW_SUBJECT, REFUSES_IF_IT_VALIDATES, STILL_SIGNED_IN, TOKENS_STAY_ON_THE_SERVER},
    },
    feature::Feature,
    outcome::Level,
    script::{AFTER, Act, BEFORE, MAIN, Pause, Place, SIGN_IN, Step, user},
    spec::{ASVS, OIDC_CORE, OKTA_GUIDE, RFC6749, RFC9068, RFC9700, WSTG},
};

const OPAQUE: &[Feature] = &[Feature::OpaqueAccessTokensAllowed];
const FITS: &[Expect] = &[Must(SIGNS_IN_AS_USER), Should(NO_OVERSIZED_COOKIE)];
const FITS_PREFERABLY: &[Expect] = &[
    Should(SIGNS_IN_AS_USER),
    Should(NO_OVERSIZED_COOKIE),
    Must(NEVER_AS_SOMEBODY_ELSE),
];
/// MAY for everybody, MUST for a target that says it validates access tokens.
const VALIDATED: &[Expect] = &[
    May(REFUSES_SIGN_IN),
    Must(REFUSES_IF_IT_VALIDATES),
    May(STAYS_CLEAN),
    Must(NEVER_AS_SOMEBODY_ELSE),
];
const NOT_TAKEN: &[Expect] = &[Must(NEVER_THE_NEW_SUBJECT), Should(STAYS_CLEAN)];
const KEPT: &[Expect] = &[Must(STILL_SIGNED_IN), Should(STAYS_CLEAN)];
/// A sign-in, a pause in which the access token expires, and two visits that make the app refresh.
const UNTIL_REFRESHED: &[Step] = &[
    user(Act::SignIn(MAIN)),
    user(Act::Probe(BEFORE)),
    user(Act::Wait(Pause::TokenLife)),
    user(Act::Request(Place::Protected, &[])),
    user(Act::Wait(Pause::TokenLife)),
    user(Act::Request(Place::Protected, &[])),
    user(Act::Probe(AFTER)),
];
const FALSE_ALARM: &str = "For a relying party the access token is opaque by standard, so accepting is a note; it is a failure only for a target that declares `validates_access_token = true`.";

/// The access token lives for a second, and its refresh goes wrong like this.
macro_rules! refreshed {
    ($name:literal, $fault:expr, $expect:expr) => {
        Variant::of(
            $name,
            UNTIL_REFRESHED,
            &[TokenResponse(TokenResponseFault::ExpiresIn1s), RefreshResponse($fault)],
            $expect,
        )
    };
}

const fn validated(name: &'static str, faults: &'static [mock_idp::Fault]) -> Variant {
    Variant::of(name, SIGN_IN, faults, VALIDATED)
}

pub(super) const CASES: &[Case] = &[
    Case {
        id: "access-token/opaque-and-long",
        title: "Access token that is not a JWT, or is very long",
        level: Level::Must,
        positive: true,
        why: "What an access token looks like is between the two servers; the app only carries it.",
        spec: &[RFC9068.section("6"), RFC6749.section("1.4"), ASVS.section("3.3.5")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            Variant::of("opaque", SIGN_IN, &[AccessToken(F::Opaque)], FITS).needing(OPAQUE),
            Variant::of("broken-jwt", SIGN_IN, &[AccessToken(F::BrokenJwt)], FITS).needing(OPAQUE),
            Variant::of("4k", SIGN_IN, &[AccessToken(F::Long4k)], FITS),
            Variant::of("12k", SIGN_IN, &[AccessToken(F::Long12k)], FITS_PREFERABLY),
        ],
        deviation: None,
        explain: Explain {
            story: "The access token is a random string, something that looks like a JWT and is none, 4 KB or 12 KB.\n\
                    All of that is allowed.\n\
                    Apps that decode it to read claims break; apps that keep it in a cookie lose the cookie.\n\
                    Okta's tokens grow with every custom claim.",
            right: "Keeps it on the server and passes it on as it is.",
            false_alarm: "Targets that declare `validates_access_token` skip the opaque variants. At 12 KB a failure is only a warning, because some proxies end there.",
            maps: &[],
        },
    },
    Case {
        id: "access-token/refresh-checked",
        title: "Refresh response with another user's ID token",
        level: Level::Must,
        positive: false,
        why: "The refreshed ID token replaces the first one; if nobody compares them, the session changes hands.",
        spec: &[OIDC_CORE.section("12.2"), RFC9700.section("4.14")],
        needs: &[Feature::RefreshesTokens],
        lane: Lane::Parallel,
        variants: &[
            refreshed!("other-sub", RefreshFault::SubVictim, NOT_TAKEN),
            refreshed!("other-iss", RefreshFault::IssOther, NOT_TAKEN),
            refreshed!("no-id-token", RefreshFault::IdTokenAbsent, KEPT),
            refreshed!("invalid-grant", RefreshFault::InvalidGrant, NOT_TAKEN),
            refreshed!("rotated", RefreshFault::Rotated, KEPT),
        ],
        deviation: None,
        explain: Explain {
            story: "The access token expires after a second and the app refreshes it.\n\
                    The answer has an ID token of the victim, or of another issuer, or none, or is an error.\n\
                    Or all is well and the refresh token was replaced, so that the old one is dead.\n\
                    Each time the question is whose session it is afterwards.",
            right: "Requires equal `iss` and `sub`; keeps the session when there is no new ID token; stores a new refresh token; leads to a new sign-in after invalid_grant.",
            false_alarm: "Apps that never refresh are skipped. Ending the session is right for the bad answers.",
            maps: &[
                "o:refresh-token",
                "o:refresh-token-invalid-issuer",
                "o:refresh-token-invalid-sub",
                "f1:refresh-token-test",
                "f2:refresh-token-test",
            ],
        },
    },
    Case {
        id: "access-token/not-exposed",
        title: "Tokens stay on the server",
        level: Level::Should,
        positive: false,
        why: "Whatever a script can read, an injected script can send away.",
        spec: &[ASVS.section("10.1.1"), WSTG.section("WSTG-ATHZ-05")],
        needs: &[],
        lane: Lane::Watch,
        variants: &[Variant::watching("observed", &[Should(TOKENS_STAY_ON_THE_SERVER)])],
        deviation: None,
        explain: Explain {
            story: "Every page, JSON answer, redirect and cookie of the run is searched for the tokens that were issued.\n\
                    Apps print them for debugging, put them into a state object of the page, or into a plain cookie.\n\
                    One cross-site script then has them all.\n\
                    They outlive the session that they came with.",
            right: "Keeps tokens in the session on the server, or in an encrypted HttpOnly cookie.",
            false_alarm: "The ID token in `id_token_hint` at sign-out is not counted. A single-page app that documents that it holds its own tokens should skip the case with that reason.",
            maps: &["CVE-2023-1584", "CVE-2024-39315"],
        },
    },
    Case {
        id: "access-token/sig-other-key",
        title: "Access token signed by a key that the issuer never published",
        level: Level::May,
        positive: false,
        why: "An app that decides by the access token must know who wrote it.",
        spec: &[OKTA_GUIDE.section(""), RFC9068.section("4")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            validated("known-kid", &[AccessToken(F::OtherKeyKnownKid)]),
            validated("own-kid", &[AccessToken(F::OtherKeyOwnKid)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The ID token is right; the access token is signed by another key.\n\
                    Once under the issuer's kid, once under one that the key set never lists.\n\
                    Okta's redirect guide lets the app verify it and answer 403 otherwise.\n\
                    Apps that read scopes or groups from it must do so.",
            right: "Verifies it like the ID token when it uses anything in it, or treats it as opaque.",
            false_alarm: FALSE_ALARM,
            maps: &[
                "okta-oidc-tck: invalidSignatureAccessTokenJwt",
                "okta-oidc-tck: wrongKeyIdAccessTokenJwt",
            ],
        },
    },
    Case {
        id: "access-token/iss-wrong",
        title: "Access token of another authorization server",
        level: Level::May,
        positive: false,
        why: "Two servers of one organisation may share users and still grant different rights.",
        spec: &[OKTA_GUIDE.section(""), RFC9068.section("4")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[validated("other-server", &[AccessToken(F::IssOther)])],
        deviation: None,
        explain: Explain {
            story: "The access token names another authorization server of the same organisation as its issuer.\n\
                    The signature is right.\n\
                    Rights that were granted there would be used here.\n\
                    Only apps that validate access tokens are asked to notice.",
            right: "Compares `iss` with the configured issuer when it validates the token.",
            false_alarm: FALSE_ALARM,
            maps: &[],
        },
    },
    Case {
        id: "access-token/aud-wrong",
        title: "Access token for another API",
        level: Level::May,
        positive: false,
        why: "A token for another API says nothing about rights here.",
        spec: &[OKTA_GUIDE.section(""), RFC9068.section("4")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[validated("other-api", &[AccessToken(F::AudOther)])],
        deviation: None,
        explain: Explain {
            story: "The audience of the access token is another API than the one agreed (`api://default` with Okta).\n\
                    Everything else is right.\n\
                    Apps that validate access tokens and forget the audience accept any token of the issuer.\n\
                    Others need not look.",
            right: "Compares `aud` with its own audience when it validates the token.",
            false_alarm: FALSE_ALARM,
            maps: &["okta-oidc-tck: wrongAudienceAccessTokenJwt"],
        },
    },
    Case {
        id: "access-token/exp-past",
        title: "Expired access token beside a valid ID token",
        level: Level::May,
        positive: false,
        why: "Whoever validates the token must also know that it has expired.",
        spec: &[OKTA_GUIDE.section(""), RFC9068.section("4")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[validated("2h", &[AccessToken(F::ExpPast2h)])],
        deviation: None,
        explain: Explain {
            story: "The ID token is fresh; the access token says that it expired two hours ago.\n\
                    `expires_in` beside it says an hour from now.\n\
                    An app that validates the token should believe the token.\n\
                    Others see only `expires_in`.",
            right: "Refuses an expired access token when it validates it.",
            false_alarm: FALSE_ALARM,
            maps: &[],
        },
    },
    Case {
        id: "access-token/cid-wrong",
        title: "Access token that was issued to another client",
        level: Level::May,
        positive: false,
        why: "A token taken from another app must not carry its rights into this one.",
        spec: &[OKTA_GUIDE.section(""), RFC9068.section("4")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[validated("other-client", &[AccessToken(F::CidOther)])],
        deviation: None,
        explain: Explain {
            story: "Okta writes the client's id into the claim `cid`.\n\
                    Here it names another client; issuer, audience and signature are right.\n\
                    The token was taken from another app of the organisation.\n\
                    Only apps that validate access tokens are asked to notice.",
            right: "Compares `cid` with its own client id when it validates the token.",
            false_alarm: FALSE_ALARM,
            maps: &[],
        },
    },
];
