//! `callback/`: what the redirection endpoint makes of a response. Parameters go to it as the response mode says unless a
//! variant says otherwise; a good code is one that the authorization server will redeem.

use mock_idp::{
    Fault,
    flow::fault::{
        AuthorizationResponseFault::{IssOther, IssSuffix, SeeOther303},
        CodeFault::{PkceEnforced, PkceIgnored},
        MetadataFault::IssParameterPromised,
    },
};

use crate::{
    case::{Case, Expect, Explain, Lane, May, Must, Should, Variant},
    check::{
        callback as ask, pages,
        sign_in::{NEVER_AS_SOMEBODY_ELSE, REFUSES_SIGN_IN, SIGNS_IN_AS_USER, STAYS_CLEAN},
        token_request::{NO_SECOND_TOKEN_REQUEST, NO_TOKEN_REQUEST, ONE_TOKEN_REQUEST},
    },
    edit::{
        Change::{Append, DropLast, Empty, FlipCase, Random, Remove, Rename, Set, TwiceWrongFirst, TwiceWrongLast},
        Edit::{self, Form, From, Header, Method, NoCookies, OtherMode, Query},
        Initiator::OtherSiteLink,
        Text::{self, AccessTokenOf, IdTokenOf, Plain, ResponseOf},
    },
    feature::Feature::{FetchesDiscovery, ResponseInAddress, SendsNonce, SendsState, SignsInOverSession},
    outcome::Level,
    script::{
        AFTER,
        Act::{Authorize, Callback, Deliver, Insist, NewBrowser, Probe, SignIn, Start},
        BEFORE, MAIN, OTHER, SIGN_IN, Step, THIRD, attacker, user, victim,
    },
    spec::{ASVS, OIDC_CORE, RFC6265BIS, RFC6749, RFC7636, RFC9110, RFC9207, RFC9700, ROBUSTNESS, WSTG},
};

/// What every refusal is asked.
const REFUSED: &[Expect] = &[Must(REFUSES_SIGN_IN), Should(STAYS_CLEAN)];

/// What the refusal of a wrong state is asked: PKCE and nonce may stand in where the target declares it.
const STATE_REFUSED: &[Expect] = &[
    Must(ask::REFUSES_FOREIGN_STATE),
    Should(REFUSES_SIGN_IN),
    Should(STAYS_CLEAN),
];

/// A sign-in whose response is edited.
macro_rules! delivered {
    ($($edit:expr),* $(,)?) => {
        &[
            user(Start(MAIN, &[])),
            user(Authorize(MAIN, &[])),
            user(Deliver(MAIN, &[$($edit),*])),
            user(Probe(AFTER)),
        ]
    };
}

/// An error response in place of the code.
macro_rules! error {
    ($name:literal, $code:literal) => {
        Variant::of(
            $name,
            &[
                user(Start(MAIN, &[])),
                user(Authorize(MAIN, &[])),
                user(Insist(
                    MAIN,
                    &[
                        Query("code", Remove),
                        Query("error", Set(Plain($code))),
                        Query("error_description", Set(Plain("The harness says so."))),
                    ],
                    6,
                )),
                user(Probe(AFTER)),
            ],
            &[],
            ERROR_HANDLED,
        )
    };
}

const ERROR_HANDLED: &[Expect] = &[
    Must(REFUSES_SIGN_IN),
    Should(ask::STOPS_RESTARTING),
    Should(NO_TOKEN_REQUEST),
    Should(STAYS_CLEAN),
];

/// One payload in one parameter of an error response whose state is right.
macro_rules! payload {
    ($name:literal, error, $text:expr) => {
        payload!(@ $name, [Query("error", Set(Plain($text))), Query("error_description", Set(Plain("x")))])
    };
    ($name:literal, $parameter:literal, $text:expr) => {
        payload!(@ $name, [Query("error", Set(Plain("access_denied"))), Query($parameter, Set(Plain($text)))])
    };
    (@ $name:literal, [$first:expr, $second:expr]) => {
        Variant::of(
            $name,
            &[
                user(Start(MAIN, &[])),
                user(Authorize(MAIN, &[])),
                user(Deliver(MAIN, &[Query("code", Remove), $first, $second])),
                user(Probe(AFTER)),
            ],
            &[],
            &[Must(pages::PAYLOAD_STAYS_TEXT), Must(REFUSES_SIGN_IN), Should(STAYS_CLEAN)],
        )
    };
}

const ELEMENT: &str = "\"'><cfmx-element onclick=cfmx()>cfmx</cfmx-element><script>cfmx()</script>";
const ATTRIBUTE: &str = "\" autofocus onfocus=\"cfmx()\" x='' onmouseover='cfmx()";
const SCRIPT: &str = "\";cfmx();//';cfmx();//`;cfmx();//</script><cfmx-element>";
const LINK: &str = "javascript:cfmx()";
const TEMPLATE: &str = "cfmx{{1337*1331}}${1337*1331}<%= 1337*1331 %>#{1337*1331}";
const SENTENCE: &str =
    "Your account was locked for your own safety. Please call 0800 123456 and have your card at hand.";

/// A request that is no navigation, then the real one.
macro_rules! prefetched {
    ($($edit:expr),*) => {
        &[
            user(Start(MAIN, &[])),
            user(Authorize(MAIN, &[])),
            user(Deliver(MAIN, &[$($edit),*])),
            user(Probe("during")),
            user(Deliver(MAIN, &[])),
            user(Probe(AFTER)),
        ]
    };
}

const PREFETCH_HARMLESS: &[Expect] = &[
    Should(ask::REAL_NAVIGATION_SIGNS_IN),
    Should(ask::REAL_NAVIGATION_IS_NO_ERROR),
    Should(STAYS_CLEAN),
];

const METHOD_HARMLESS: &[Expect] = &[
    Should(ask::NOBODY_DURING),
    Should(ask::REAL_NAVIGATION_SIGNS_IN),
    Should(STAYS_CLEAN),
];

const DUPLICATE: &[Expect] = &[
    Must(ask::DUPLICATES_ARE_HARMLESS),
    May(REFUSES_SIGN_IN),
    Should(STAYS_CLEAN),
];

/// A wrong state that fits in shape.
const WRONG: Text = Plain("c29tZWJvZHktZWxzZXMtc3RhdGUtMDEyMzQ1Njc4OQ");

/// Somebody's tokens, given to the callback in place of a code.
macro_rules! front_channel {
    ($name:literal, $owner:ident, $($edit:expr),+) => {
        Variant::of(
            $name,
            &[
                $owner(SignIn(MAIN)),
                attacker(NewBrowser),
                attacker(Start(OTHER, &[])),
                attacker(Authorize(OTHER, &[])),
                attacker(Deliver(OTHER, &[Query("code", Remove), $($edit),+])),
                attacker(Probe(AFTER)),
            ],
            &[],
            REFUSED,
        )
    };
}

const STATE_REUSED: &[Step] = &[
    user(SignIn(MAIN)),
    user(Probe(BEFORE)),
    user(Start(OTHER, &[])),
    user(Authorize(OTHER, &[])),
    user(Deliver(OTHER, &[Query("state", Set(ResponseOf(MAIN, "state")))])),
    user(Probe(AFTER)),
];

const STATE_REUSED_WITH_FOREIGN_CODE: &[Step] = &[
    user(SignIn(MAIN)),
    user(Probe(BEFORE)),
    attacker(Start(OTHER, &[])),
    attacker(Authorize(OTHER, &[])),
    user(Deliver(OTHER, &[Query("state", Set(ResponseOf(MAIN, "state")))])),
    user(Probe(AFTER)),
];

/// The attacker's flow is the second one: the faults ride on the victim's code.
const INJECTED_CODE: &[Step] = &[
    victim(Start(MAIN, &[])),
    victim(Authorize(MAIN, &[])),
    attacker(Start(OTHER, &[])),
    attacker(Authorize(OTHER, &[])),
    attacker(Deliver(OTHER, &[Query("code", Set(ResponseOf(MAIN, "code")))])),
    attacker(Probe(AFTER)),
];

const UNSOLICITED: &[Expect] = &[
    Should(ask::SESSION_IS_UNTOUCHED),
    Should(ask::OTHER_TAB_COMPLETES),
    Should(STAYS_CLEAN),
];

/// While the user is signed in and another tab waits, a stranger's error arrives.
macro_rules! unsolicited {
    ($name:literal, $($edit:expr),+) => {
        Variant::of(
            $name,
            &[
                user(SignIn(MAIN)),
                user(Probe(BEFORE)),
                user(Start(OTHER, &[])),
                user(Callback(&[From(OtherSiteLink), $($edit),+])),
                user(Probe(AFTER)),
                user(Authorize(OTHER, &[])),
                user(Deliver(OTHER, &[])),
                user(Probe("other-tab")),
            ],
            &[],
            UNSOLICITED,
        )
    };
}

/// Another issuer is refused before the code is redeemed; a MUST for who says that he compares (RFC 9207 §2.4).
const ISSUER_COMPARED: &[Expect] = &[
    Must(ask::REFUSES_WHEN_ISSUER_IS_CHECKED),
    Should(REFUSES_SIGN_IN),
    Should(NO_TOKEN_REQUEST),
    Should(STAYS_CLEAN),
];

const STRIPPED: &[Edit] = &[
    Query("state", Remove),
    Query("nonce", Remove),
    Query("code_challenge", Remove),
    Query("code_challenge_method", Remove),
];

/// In the order of the catalogue.
pub(super) const CASES: &[Case] = &[
    Case {
        id: "callback/happy-control",
        title: "A plain sign-in works",
        level: Level::Must,
        positive: true,
        why: "An app that signs nobody in also refuses every attack; that would prove nothing.",
        spec: &[OIDC_CORE.section("3.1")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[Variant::of("plain", SIGN_IN, &[], &[Must(SIGNS_IN_AS_USER)])],
        deviation: None,
        explain: Explain {
            story: "A user opens the app, signs in at the authorization server and comes back.\n\
                    Nothing is wrong with any message.\n\
                    The protected page must show exactly this user,\n\
                    after exactly one token request and without a server error.",
            right: "Signs the user in.",
            false_alarm: "A fail here is almost always a set-up mistake: `conformance doctor` names it.",
            maps: &[
                "o:oidcc-client-test",
                "o:idtoken-sig-rs256",
                "f1:fapi1-advanced-final-client-test",
                "f2:happy-path",
                "fed:openid-federation-client-test",
                "L:rp-response_type-code",
                "L:rp-id_token-sig-rs256",
            ],
        },
    },
    Case {
        id: "callback/state-missing",
        title: "The callback accepts a code without state",
        level: Level::Must,
        positive: false,
        why: "A response that names no request of this browser may belong to an attacker's sign-in.",
        spec: &[
            RFC6749.section("10.12"),
            OIDC_CORE.section("3.1.2.7"),
            RFC9700.section("4.7.1"),
        ],
        needs: &[SendsState],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "left-out",
            delivered![Query("state", Remove)],
            &[],
            &[
                Must(ask::REFUSES_FOREIGN_STATE),
                Should(REFUSES_SIGN_IN),
                Should(STAYS_CLEAN),
                May(NO_TOKEN_REQUEST),
            ],
        )],
        deviation: None,
        explain: Explain {
            story: "The attacker signs in himself and stops before the callback.\n\
                    He sends the victim the callback address with his code and no state at all.\n\
                    An app that compares the state only when one is there lets it pass.\n\
                    The victim works in the attacker's account.",
            right: "Refuses a response without state, before it redeems anything.",
            false_alarm: "RFC 9700 lets PKCE and nonce carry this protection. An app that relies on them on purpose \
                          declares `csrf_by_pkce = true`; then accepting its own code is a warning.",
            maps: &[
                "f2:ensure-authorization-response-with-invalid-missing-state-fails",
                "P#65",
                "OA:AuthEndpoint/StatePresentTest",
                "CVE-2023-27496",
            ],
        },
    },
    Case {
        id: "callback/state-mismatch",
        title: "The callback accepts a state that the app never sent",
        level: Level::Must,
        positive: false,
        why: "A state protects the user only if the callback compares it.",
        spec: &[
            RFC6749.section("10.12"),
            OIDC_CORE.section("3.1.2.7"),
            ASVS.section("10.2.1"),
        ],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "random",
            delivered![Query("state", Random)],
            &[],
            STATE_REFUSED,
        )],
        deviation: None,
        explain: Explain {
            story: "The callback arrives with a good code and a state of the right length that means nothing.\n\
                    The app looks whether a state is there, but not which.\n\
                    An attacker can therefore use any state with his own code.\n\
                    The victim's browser ends in the attacker's account.",
            right: "Compares the state with the one that it gave to this browser, and refuses any other.",
            false_alarm: "RFC 9700 lets PKCE and nonce carry this protection. An app that relies on them on purpose \
                          declares `csrf_by_pkce = true`; then accepting its own code is a warning.",
            maps: &[
                "f2:ensure-authorization-response-with-invalid-state-fails",
                "P#63",
                "CVE-2025-12419",
            ],
        },
    },
    Case {
        id: "callback/state-near-miss",
        title: "The callback accepts a state that is almost right",
        level: Level::Must,
        positive: false,
        why: "The state must come back exactly; any tolerance makes it easier to guess.",
        spec: &[RFC6749.section("4.1.2")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            Variant::of("truncated", delivered![Query("state", DropLast(1))], &[], STATE_REFUSED),
            Variant::of("suffix", delivered![Query("state", Append("x"))], &[], STATE_REFUSED),
            Variant::of("other-case", delivered![Query("state", FlipCase)], &[], STATE_REFUSED),
            Variant::of("empty", delivered![Query("state", Empty)], &[], STATE_REFUSED),
            Variant::of(
                "null",
                delivered![Query("state", Set(Plain("null")))],
                &[],
                STATE_REFUSED,
            ),
            Variant::of("nul-byte", delivered![Query("state", Append("\0"))], &[], STATE_REFUSED),
            Variant::of("space", delivered![Query("state", Append(" "))], &[], STATE_REFUSED),
            Variant::of(
                "array",
                delivered![Query("state", Rename("state[]"))],
                &[],
                STATE_REFUSED,
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The state comes back with a character less, a character more, in other case, empty or as an array.\n\
                    The app compares prefixes, ignores case, trims, or takes an empty value for nothing to check.\n\
                    `state[]=` reaches it as a list, and the comparison is skipped.\n\
                    What was 128 bits becomes a guess.",
            right: "Compares the whole value, byte for byte, and treats anything but one string as a refusal.",
            false_alarm: "As for `callback/state-mismatch`: `csrf_by_pkce` turns an accepted own code into a warning.",
            maps: &[],
        },
    },
    Case {
        id: "callback/state-replayed",
        title: "A state can be used twice",
        level: Level::Should,
        positive: false,
        why: "A state that stays valid after use lets a response that leaked be sent again.",
        spec: &[RFC9700.section("4.2.4")],
        needs: &[SendsState],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "own-code",
                STATE_REUSED,
                &[],
                &[Should(NO_SECOND_TOKEN_REQUEST), Should(STAYS_CLEAN)],
            )
            .needing(&[SignsInOverSession]),
            Variant::of(
                "foreign-code",
                STATE_REUSED_WITH_FOREIGN_CODE,
                &[],
                &[
                    Must(ask::KEEPS_IDENTITY),
                    Should(NO_SECOND_TOKEN_REQUEST),
                    Should(STAYS_CLEAN),
                ],
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "A sign-in is complete. Its state stood in the address and may be in a log or a Referer.\n\
                    Later a second response arrives in the same browser with that state and a fresh code.\n\
                    An app that never forgets a state redeems the code.\n\
                    If the code is the attacker's, the identity of the session changes.",
            right: "Forgets the state when it is first used; a second use changes nothing.",
            false_alarm: "A second token request alone is a warning; only a changed identity fails.",
            maps: &[],
        },
    },
    Case {
        id: "callback/state-cross-session",
        title: "A sign-in started in one browser can be finished in another",
        level: Level::Must,
        positive: false,
        why: "Login CSRF: the victim unknowingly works in the attacker's account.",
        spec: &[RFC6749.section("10.12"), RFC9700.section("4.7"), ASVS.section("10.1.2")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "code-and-state",
            &[
                attacker(Start(MAIN, &[])),
                attacker(Authorize(MAIN, &[])),
                victim(Deliver(MAIN, &[])),
                victim(Probe(AFTER)),
            ],
            &[],
            REFUSED,
        )],
        deviation: None,
        explain: Explain {
            story: "The attacker starts a sign-in, signs in as himself and stops before the callback.\n\
                    He gives the victim the whole callback address: his code with his state.\n\
                    The app finds the state in a store that all browsers share, and all is well for it.\n\
                    The victim is signed in as the attacker and types in what the attacker wants to read.",
            right: "Ties the state to the browser that started, by a cookie, and refuses it anywhere else.",
            false_alarm: "None is known: the victim's browser never started this sign-in.",
            maps: &[
                "P#64",
                "OA:Threat_BCP_4_7",
                "CVE-2025-68158",
                "CVE-2026-41425",
                "CVE-2012-6134",
                "CVE-2025-12419",
            ],
        },
    },
    Case {
        id: "callback/state-cross-session-live",
        title: "A sign-in started elsewhere can be finished in a browser with a pending sign-in of its own",
        level: Level::Must,
        positive: false,
        why: "A check that asks only whether a sign-in is pending passes for every victim who has one open in another tab.",
        spec: &[RFC9700.section("4.7"), ASVS.section("10.1.2")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "pending-own-flow",
            &[
                victim(Start(OTHER, &[])),
                attacker(Start(MAIN, &[])),
                attacker(Authorize(MAIN, &[])),
                victim(Deliver(MAIN, &[])),
                victim(Probe(AFTER)),
                victim(Authorize(OTHER, &[])),
                victim(Deliver(OTHER, &[])),
                victim(Probe("own")),
                victim(SignIn(THIRD)),
                victim(Probe("restarted")),
            ],
            &[],
            &[Must(REFUSES_SIGN_IN), Must(ask::OWN_FLOW_SURVIVES), Should(STAYS_CLEAN)],
        )],
        deviation: None,
        explain: Explain {
            story: "The victim is about to sign in: the browser has flow cookies and a state of its own.\n\
                    The attacker's callback address arrives, with his code and his state.\n\
                    The app looks for a pending sign-in, finds one, and compares nothing.\n\
                    The victim ends in the attacker's account, and her own sign-in is destroyed.",
            right: "Looks up the very sign-in that the state names, in this browser; the victim's own one stays usable.",
            false_alarm: "The victim's own sign-in may have to be started again: that is allowed.",
            maps: &["P#64", "CVE-2025-68158"],
        },
    },
    Case {
        id: "callback/code-injection",
        title: "A stolen code is accepted in the attacker's own sign-in",
        level: Level::Must,
        positive: false,
        why: "This is the attack that PKCE and nonce exist for.",
        spec: &[RFC9700.section("2.1.1"), RFC9700.section("4.5"), ASVS.section("10.5.1")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            Variant::of("pkce-enforced", INJECTED_CODE, &[Fault::Code(PkceEnforced)], REFUSED),
            Variant::of("pkce-ignored", INJECTED_CODE, &[Fault::Code(PkceIgnored)], REFUSED).needing(&[SendsNonce]),
        ],
        deviation: None,
        explain: Explain {
            story: "The attacker has a code of the victim: from a log, a Referer, a malicious app.\n\
                    He starts a sign-in of his own and replaces the code in his callback address; his state is right.\n\
                    A server that enforces PKCE refuses the redemption: the verifier belongs to another challenge.\n\
                    A lax server answers with the victim's ID token, whose nonce belongs to another sign-in.",
            right: "Sends its own verifier, and refuses an ID token with a nonce that is not its own.",
            false_alarm: "The second variant is skipped for apps that send no nonce: they rely on the server's PKCE check.",
            maps: &["OA:Threat_BCP_4_5", "CVE-2024-10318", "CVE-2023-27490"],
        },
    },
    Case {
        id: "callback/stripped-checks",
        title: "A phishing proxy strips the checks, and the refused callback works elsewhere",
        level: Level::Must,
        positive: false,
        why: "A refusal that leaves a usable code behind gives it to anyone who sees the URL.",
        spec: &[
            RFC9700.section("4.5"),
            RFC9700.section("4.7"),
            RFC9700.section("4.8"),
            RFC7636.section("7"),
        ],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "state-nonce-challenge",
            &[
                user(Start(MAIN, &[])),
                user(Authorize(MAIN, STRIPPED)),
                user(Deliver(MAIN, &[])),
                user(Probe("first")),
                attacker(Deliver(MAIN, &[])),
                attacker(Probe(AFTER)),
            ],
            &[],
            &[
                Must(ask::FIRST_BROWSER_REFUSED),
                Must(REFUSES_SIGN_IN),
                Should(STAYS_CLEAN),
            ],
        )],
        deviation: None,
        explain: Explain {
            story: "The attacker leads the victim through a proxy that takes state, nonce and challenge out of the request.\n\
                    The code that comes back is bound to nothing.\n\
                    The victim's browser is refused, as it should be; the attacker reads the address.\n\
                    In his clean browser the same callback address signs him in as the victim.",
            right: "Refuses in every browser: no state of this browser, no sign-in.",
            false_alarm: "None is known.",
            maps: &["OA:Pkce/IsPkceDowngradeDetectedTest", "CVE-2023-27490"],
        },
    },
    Case {
        id: "callback/no-pending-flow",
        title: "The callback works in a browser that never started a sign-in",
        level: Level::Must,
        positive: false,
        why: "A callback that works without a cookie of this browser allows login CSRF.",
        spec: &[RFC6749.section("10.12"), ASVS.section("10.1.2")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "code-only",
                &[
                    attacker(Start(MAIN, &[])),
                    attacker(Authorize(MAIN, &[])),
                    victim(Callback(&[Query("code", Set(ResponseOf(MAIN, "code")))])),
                    victim(Probe(AFTER)),
                ],
                &[],
                &[Must(REFUSES_SIGN_IN), Should(STAYS_CLEAN), Should(NO_TOKEN_REQUEST)],
            ),
            Variant::of(
                "code-and-random-state",
                &[
                    attacker(Start(MAIN, &[])),
                    attacker(Authorize(MAIN, &[])),
                    victim(Callback(&[
                        Query("code", Set(ResponseOf(MAIN, "code"))),
                        Query("state", Set(Text::Random(43))),
                    ])),
                    victim(Probe(AFTER)),
                ],
                &[],
                &[Must(REFUSES_SIGN_IN), Should(STAYS_CLEAN), Should(NO_TOKEN_REQUEST)],
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "A brand-new browser without any cookie opens the callback address with somebody's good code.\n\
                    There is no pending sign-in that could be finished.\n\
                    Some apps redeem the code first and look for the sign-in afterwards; some crash.\n\
                    Some find nothing to compare with and take that for equality.",
            right: "Refuses with a plain page before it talks to the authorization server.",
            false_alarm: "A token request before the refusal is a warning only.",
            maps: &["CVE-2023-27496", "nextcloud user_oidc#1515"],
        },
    },
    Case {
        id: "callback/code-missing",
        title: "A response with neither code nor error",
        level: Level::Must,
        positive: false,
        why: "What the app does with a missing value shows whether it checks before it acts.",
        spec: &[RFC6749.section("4.1.2")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            Variant::of("left-out", delivered![Query("code", Remove)], &[], REFUSED),
            Variant::of("empty", delivered![Query("code", Empty)], &[], REFUSED),
        ],
        deviation: None,
        explain: Explain {
            story: "The callback arrives with the right state and without a code.\n\
                    A crawler, a cut-off link or a curious person made it.\n\
                    The app dereferences what is not there and answers with a stack trace,\n\
                    or asks the token endpoint with an empty code.",
            right: "Shows a plain page that says that the sign-in did not work, with 4xx.",
            false_alarm: "A refusal that comes as 5xx is a warning.",
            maps: &[],
        },
    },
    Case {
        id: "callback/code-replayed",
        title: "Reload and Back on the callback address",
        level: Level::Should,
        positive: false,
        why: "People reload; a second redemption may revoke the first one's tokens.",
        spec: &[RFC6749.section("4.1.2"), RFC9700.section("4.2.4")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "reload",
            &[
                user(SignIn(MAIN)),
                user(Probe(BEFORE)),
                user(Deliver(MAIN, &[])),
                user(Probe(AFTER)),
            ],
            &[],
            &[
                Must(NEVER_AS_SOMEBODY_ELSE),
                Should(ONE_TOKEN_REQUEST),
                Should(STAYS_CLEAN),
            ],
        )],
        deviation: Some(
            "RFC 6749 §4.1.2 says that a code must not be used twice; a reload of the browser is not the client's own doing, hence a warning.",
        ),
        explain: Explain {
            story: "The user is signed in and presses Reload or Back: the callback address is requested again.\n\
                    The app redeems the code a second time, which the server may answer by revoking its tokens,\n\
                    or it ends in a server error on a page that a moment ago was fine.\n\
                    The user believes that the sign-in is broken.",
            right: "Keeps the user signed in, or says that the sign-in has to be started again.",
            false_alarm: "Being signed out by it is allowed when the page is clean. A repeated token request is a warning.",
            maps: &[
                "OA:TokenEndpoint/MultipleCodeExchangesTest",
                "thunderbird-accounts#1291",
                "AxaFrance oidc-client#1635",
            ],
        },
    },
    Case {
        id: "callback/prefetch-safe",
        title: "A prefetch of the callback address spoils the sign-in",
        level: Level::Should,
        positive: false,
        why: "Browsers, mail scanners and chat previews fetch addresses before people do.",
        spec: &[RFC9110.section("9.2.1"), ROBUSTNESS.section("")],
        needs: &[ResponseInAddress],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "sec-purpose",
                prefetched![Header("sec-purpose", Plain("prefetch"))],
                &[],
                PREFETCH_HARMLESS,
            ),
            Variant::of(
                "purpose",
                prefetched![Header("purpose", Plain("prefetch"))],
                &[],
                PREFETCH_HARMLESS,
            ),
            Variant::of(
                "without-cookies",
                prefetched![Header("sec-purpose", Plain("prefetch")), NoCookies],
                &[],
                PREFETCH_HARMLESS,
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The browser guesses the next address and fetches the callback ahead of time.\n\
                    The app redeems the code and forgets the state.\n\
                    Then the real navigation comes, finds nothing pending, and shows an error.\n\
                    One sign-in in ten fails, only in one browser.",
            right: "Refuses what says that it is a prefetch, or answers the real navigation as if nothing had happened.",
            false_alarm: "Only the real navigation is judged.",
            maps: &["nextcloud user_oidc#1537", "streamlit#15589", "OxiCloud#510"],
        },
    },
    Case {
        id: "callback/method-variants",
        title: "HEAD, OPTIONS, PUT and POST on the callback",
        level: Level::Should,
        positive: false,
        why: "A request that is not a navigation must neither sign anybody in nor use up the pending sign-in.",
        spec: &[RFC9110.section("9.3")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            Variant::of("head", prefetched![Method("HEAD")], &[], METHOD_HARMLESS),
            Variant::of("options", prefetched![Method("OPTIONS")], &[], METHOD_HARMLESS),
            Variant::of("put", prefetched![Method("PUT")], &[], METHOD_HARMLESS),
            Variant::of(
                "other-mode-right",
                delivered![OtherMode],
                &[],
                &[Should(ask::TAKES_OR_REFUSES_POST)],
            ),
            Variant::of(
                "other-mode-wrong-state",
                delivered![Query("state", Random), OtherMode],
                &[],
                &[Should(REFUSES_SIGN_IN), Should(STAYS_CLEAN)],
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "A link checker asks with HEAD, a script with OPTIONS or PUT, before the browser comes.\n\
                    Many frameworks run the GET handler for HEAD: the code is redeemed for nobody.\n\
                    The real navigation then fails.\n\
                    And a handler that takes POST as well may have forgotten the state check there.",
            right: "Answers other methods without touching the sign-in; takes a form post with all checks, or refuses it.",
            false_alarm: "A form post from another site does not carry Lax cookies: a refusal of it passes.",
            maps: &[
                "o:form-post-error",
                "L:rp-response_mode-form_post",
                "L:rp-response_mode-form_post-error",
            ],
        },
    },
    Case {
        id: "callback/duplicate-params",
        title: "State or code sent twice",
        level: Level::Must,
        positive: false,
        why: "When the check reads one copy and the use another, the check is void.",
        spec: &[RFC6749.section("3.1")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "state-good-bad",
                delivered![Query("state", TwiceWrongLast(WRONG))],
                &[],
                DUPLICATE,
            ),
            Variant::of(
                "state-bad-good",
                delivered![Query("state", TwiceWrongFirst(WRONG))],
                &[],
                DUPLICATE,
            ),
            Variant::of(
                "state-any-order",
                &[
                    user(Start(MAIN, &[])),
                    user(Authorize(MAIN, &[])),
                    user(Deliver(MAIN, &[Query("state", TwiceWrongLast(WRONG))])),
                    user(Probe("good-first")),
                    user(NewBrowser),
                    user(Start(OTHER, &[])),
                    user(Authorize(OTHER, &[])),
                    user(Deliver(OTHER, &[Query("state", TwiceWrongFirst(WRONG))])),
                    user(Probe("bad-first")),
                ],
                &[],
                &[Must(ask::ONE_COPY_DECIDES)],
            ),
            Variant::of(
                "code-good-bad",
                delivered![Query("code", TwiceWrongLast(WRONG))],
                &[],
                DUPLICATE,
            ),
            Variant::of(
                "code-bad-good",
                delivered![Query("code", TwiceWrongFirst(WRONG))],
                &[],
                DUPLICATE,
            ),
            Variant::of(
                "state-in-query-and-body",
                delivered![Form("state", Set(WRONG))],
                &[],
                DUPLICATE,
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The callback address holds two states, or two codes, or one in the query and one in the body.\n\
                    The framework's parser takes the last, the library the first, a filter any of them.\n\
                    One copy is checked and another one used.\n\
                    The attacker writes the good value for the check and his own for the use.",
            right: "Refuses a response in which a parameter comes twice, as RFC 6749 says.",
            false_alarm: "An app that always reads the same copy is consistent and passes with a note.",
            maps: &[
                "OA:AuthEndpoint/CodePollutionTest",
                "mod_auth_openidc ChangeLog 2026-08-12",
            ],
        },
    },
    Case {
        id: "callback/extra-params",
        title: "Parameters that the app does not know are ignored",
        level: Level::Must,
        positive: true,
        why: "Servers add parameters; a strict whitelist locks everybody out on the day they do.",
        spec: &[RFC6749.section("4.1.2"), RFC9207.section("2")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "session-state",
                delivered![Query("session_state", Set(Plain("b4f1c0de.7a9e")))],
                &[],
                &[Must(SIGNS_IN_AS_USER)],
            ),
            Variant::of(
                "scope",
                delivered![Query("scope", Set(Plain("openid email profile")))],
                &[],
                &[Must(SIGNS_IN_AS_USER)],
            ),
            Variant::of(
                "unknown",
                delivered![
                    Query("x_trace", Set(Plain("a=b&c=d"))),
                    Query("foo[bar]", Set(Plain("1")))
                ],
                &[],
                &[Must(SIGNS_IN_AS_USER)],
            ),
            Variant::of(
                "iss",
                delivered![Query("iss", Set(Plain("{issuer}")))],
                &[],
                &[Must(SIGNS_IN_AS_USER)],
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The authorization server adds session_state, scope, its issuer, or something new.\n\
                    The standard tells the client to ignore what it does not know.\n\
                    An app with a strict whitelist refuses the response.\n\
                    After an update of the server nobody can sign in.",
            right: "Signs the user in.",
            false_alarm: "The iss in this case is the right one; a wrong one is `callback/iss-wrong`.",
            maps: &["OA:AuthEndpoint/UnrecognizedParameterAllowedTest"],
        },
    },
    Case {
        id: "callback/iss-wrong",
        title: "A response that names another issuer",
        level: Level::Must,
        positive: false,
        why: "In a mix-up attack the code of an honest server is sent to the attacker's token endpoint.",
        spec: &[
            RFC9207.section("2.4"),
            RFC9700.section("2.1"),
            RFC9700.section("4.4.2"),
            ASVS.section("10.2.2"),
        ],
        needs: &[FetchesDiscovery],
        lane: Lane::Restart,
        variants: &[
            Variant::of(
                "other-issuer",
                SIGN_IN,
                &[
                    Fault::Metadata(IssParameterPromised),
                    Fault::AuthorizationResponse(IssOther),
                ],
                ISSUER_COMPARED,
            ),
            Variant::of(
                "suffix",
                SIGN_IN,
                &[
                    Fault::Metadata(IssParameterPromised),
                    Fault::AuthorizationResponse(IssSuffix),
                ],
                ISSUER_COMPARED,
            ),
            Variant::of(
                "not-promised",
                SIGN_IN,
                &[Fault::AuthorizationResponse(IssOther)],
                &[May(REFUSES_SIGN_IN)],
            ),
        ],
        deviation: Some(
            "RFC 9207 §2.4 binds clients that support it, so accepting is a fail only where the target declares `checks_response_issuer`; else a warning.",
        ),
        explain: Explain {
            story: "The app knows several authorization servers, one of them under the attacker's control.\n\
                    The victim chooses the attacker's, which secretly leads her to the honest one.\n\
                    The honest server's code comes back, and the app sends it to the attacker's token endpoint.\n\
                    The parameter iss tells who answered, if only somebody looks.",
            right: "Compares iss with the issuer that it asked, before any token request.",
            false_alarm: "RFC 9207 binds clients that support it: accepting is a fail where the target declares \
                          `checks_response_issuer = true`, else a warning. Where the metadata do not promise the parameter, accepting it is a note: no rule says to look.",
            maps: &[
                "f2:invalid-authorization-response-iss",
                "P#49",
                "OA:BCP_4_4_MixUpAttacks",
                "CVE-2026-73419",
            ],
        },
    },
    Case {
        id: "callback/iss-missing",
        title: "The advertised issuer parameter is missing",
        level: Level::Must,
        positive: false,
        why: "A check that can be skipped by leaving the value out protects nobody.",
        spec: &[RFC9207.section("2.4"), RFC9700.section("4.4.2")],
        needs: &[FetchesDiscovery],
        lane: Lane::Restart,
        variants: &[Variant::of(
            "promised-and-missing",
            SIGN_IN,
            // Okta's responses name no issuer: the promise alone makes that a lack.
            &[Fault::Metadata(IssParameterPromised)],
            &[
                Must(ask::REFUSES_WHEN_ISSUER_IS_CHECKED),
                May(REFUSES_SIGN_IN),
                Should(STAYS_CLEAN),
            ],
        )],
        deviation: None,
        explain: Explain {
            story: "The metadata promise that every response names its issuer.\n\
                    The attacker's server leaves the parameter out of the response that it forwards.\n\
                    An app that compares only what is there finds nothing to object to.\n\
                    The mix-up attack works as if the defence did not exist.",
            right: "Refuses a response without iss when the issuer's metadata promise it.",
            false_alarm: "A client of one fixed server needs no mix-up defence: unless the target declares \
                          `checks_response_issuer = true`, accepting is a note.",
            maps: &["f2:remove-authorization-response-iss"],
        },
    },
    Case {
        id: "callback/error-access-denied",
        title: "The user denies consent",
        level: Level::Must,
        positive: false,
        why: "Refusing consent is an ordinary thing to do and must not end in a dead end or a server error.",
        spec: &[OIDC_CORE.section("3.1.2.6"), RFC6749.section("4.1.2.1")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "access-denied",
            &[
                user(Start(MAIN, &[])),
                user(Authorize(MAIN, &[])),
                user(Deliver(
                    MAIN,
                    &[
                        Query("code", Remove),
                        Query("error", Set(Plain("access_denied"))),
                        Query(
                            "error_description",
                            Set(Plain("User is not assigned to the client application.")),
                        ),
                    ],
                )),
                user(Probe(AFTER)),
                user(SignIn(OTHER)),
                user(Probe("again")),
            ],
            &[],
            &[
                Must(REFUSES_SIGN_IN),
                Should(NO_TOKEN_REQUEST),
                Should(ask::NEXT_SIGN_IN_WORKS),
                Should(STAYS_CLEAN),
                Should(ask::OFFERS_ANOTHER_TRY),
            ],
        )],
        deviation: Some(
            "Only a sign-in from an error is a fail; that the next one works, and that no token is asked for, no clause says.",
        ),
        explain: Explain {
            story: "The user cancels on the hosted page, or is not assigned to the app.\n\
                    The response holds error=access_denied and the right state.\n\
                    The app treats it as impossible: a stack trace, a token request with an empty code,\n\
                    or a page from which no link leads on.",
            right: "Says that the sign-in was not completed, and offers to try again; the next one works.",
            false_alarm: "Any wording and any status below 500 will do. A redirect counts as a way on.",
            maps: &["o:form-post-error", "L:rp-response_mode-form_post-error"],
        },
    },
    Case {
        id: "callback/error-other-codes",
        title: "Every other error code, on every attempt",
        level: Level::Must,
        positive: false,
        why: "An app that answers an error by starting again sends the browser round and round.",
        spec: &[OIDC_CORE.section("3.1.2.6"), RFC6749.section("4.1.2.1")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            error!("login-required", "login_required"),
            error!("interaction-required", "interaction_required"),
            error!("consent-required", "consent_required"),
            error!("temporarily-unavailable", "temporarily_unavailable"),
            error!("server-error", "server_error"),
            error!("unknown-error-code", "unknown_error_code"),
            Variant::of(
                "empty",
                &[
                    user(Start(MAIN, &[])),
                    user(Authorize(MAIN, &[])),
                    user(Insist(
                        MAIN,
                        &[Query("code", Remove), Query("error", Set(Plain("")))],
                        6,
                    )),
                    user(Probe(AFTER)),
                ],
                &[],
                ERROR_HANDLED,
            ),
        ],
        deviation: Some("Restarting without end is a warning: no clause counts restarts."),
        explain: Explain {
            story: "The authorization server answers every attempt with the same error.\n\
                    The app knows one or two codes and treats all others as a reason to start again.\n\
                    The browser goes back and forth until it gives up, and both servers are busy.\n\
                    With server_error this happens to all users at once, when it helps least.",
            right: "Shows a page after the error; at most starts again once or twice.",
            false_alarm: "Starting again is a refusal, not an acceptance; up to three are allowed.",
            maps: &[],
        },
    },
    Case {
        id: "callback/error-xss",
        title: "Error parameters become markup or script",
        level: Level::Must,
        positive: false,
        why: "The callback address is public: anybody can write its error parameters and send the link around.",
        spec: &[
            WSTG.section("WSTG-INPV-01"),
            ASVS.section("1.2.1"),
            ASVS.section("3.2.2"),
        ],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            payload!("error.element", error, ELEMENT),
            payload!("error.attribute", error, ATTRIBUTE),
            payload!("error.script", error, SCRIPT),
            payload!("error.template", error, TEMPLATE),
            payload!("description.element", "error_description", ELEMENT),
            payload!("description.attribute", "error_description", ATTRIBUTE),
            payload!("description.script", "error_description", SCRIPT),
            payload!("description.template", "error_description", TEMPLATE),
            payload!("uri.element", "error_uri", ELEMENT),
            payload!("uri.attribute", "error_uri", ATTRIBUTE),
            payload!("uri.javascript", "error_uri", LINK),
            payload!("state.element", "state", ELEMENT),
            payload!("state.attribute", "state", ATTRIBUTE),
            payload!("state.script", "state", SCRIPT),
            Variant::of(
                "long-text",
                delivered![
                    Query("code", Remove),
                    Query("error", Set(Plain("access_denied"))),
                    Query("error_description", Set(Plain(SENTENCE)))
                ],
                &[],
                &[Should(pages::SHOWS_NO_FOREIGN_MESSAGE)],
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The attacker writes a callback address whose error_description is a script, and mails it.\n\
                    The app shows the text on its error page as it came.\n\
                    The script runs in the app's own origin, with the victim's session.\n\
                    CVEs of this kind exist for eight well-known products.",
            right: "Shows its own words, or escapes what it shows for the very place where it stands.",
            false_alarm: "Judged by parsing the page, never by text search: an escaped, JSON or plain-text echo passes. A \
                          long foreign sentence shown verbatim is a warning (content spoofing).",
            maps: &[
                "CVE-2021-32702",
                "CVE-2020-36599",
                "CVE-2021-24214",
                "CVE-2026-33758",
                "CVE-2026-40302",
                "CVE-2017-6059",
                "CVE-2022-24905",
                "CVE-2022-31102",
            ],
        },
    },
    Case {
        id: "callback/error-and-code",
        title: "Error and code in one response",
        level: Level::Should,
        positive: false,
        why: "No honest server sends a code and an error in one response.",
        spec: &[RFC6749.section("4.1.2.1")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "access-denied",
            delivered![Query("error", Set(Plain("access_denied")))],
            &[],
            &[Should(REFUSES_SIGN_IN), Should(STAYS_CLEAN)],
        )],
        deviation: None,
        explain: Explain {
            story: "The response holds a redeemable code, the right state, and error=access_denied.\n\
                    One part of the app looks for errors, another for codes.\n\
                    The second wins, and the user who said no is signed in.\n\
                    Filters in front of the app see an error and let it pass as harmless.",
            right: "Looks for an error first and refuses.",
            false_alarm: "No clause forbids accepting it in so many words, hence a warning.",
            maps: &[],
        },
    },
    Case {
        id: "callback/error-unsolicited",
        title: "A stranger's error ends the session or another tab's sign-in",
        level: Level::Should,
        positive: false,
        why: "Anybody can send this link; it must not sign people out.",
        spec: &[RFC9700.section("4.7"), ASVS.section("10.5.5")],
        needs: &[SignsInOverSession],
        lane: Lane::Parallel,
        variants: &[
            unsolicited!(
                "wrong-state",
                Query("error", Set(Plain("access_denied"))),
                Query("state", Set(WRONG))
            ),
            unsolicited!("no-state", Query("error", Set(Plain("access_denied")))),
        ],
        deviation: None,
        explain: Explain {
            story: "The user is signed in and has a second sign-in open in another tab.\n\
                    A link leads to the callback address with error=access_denied and no state of hers.\n\
                    The app clears the session, or forgets every pending sign-in.\n\
                    The attacker can sign people out at will.",
            right: "Checks the state of errors too; what does not belong to this browser changes nothing.",
            false_alarm: "None is known; the level is that of a nuisance.",
            maps: &[],
        },
    },
    Case {
        id: "callback/front-channel-tokens",
        title: "The callback accepts tokens in place of a code",
        level: Level::Must,
        positive: false,
        why: "A token that comes through the browser proves only that somebody had it.",
        spec: &[
            RFC9700.section("2.1.2"),
            RFC9700.section("4.6"),
            OIDC_CORE.section("16.11"),
        ],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            front_channel!("victim-id-token-query", victim, Query("id_token", Set(IdTokenOf(MAIN)))),
            front_channel!(
                "victim-access-token-query",
                victim,
                Query("access_token", Set(AccessTokenOf(MAIN))),
                Query("token_type", Set(Plain("Bearer")))
            ),
            front_channel!("victim-id-token-body", victim, Form("id_token", Set(IdTokenOf(MAIN)))),
            front_channel!(
                "victim-access-token-body",
                victim,
                Form("access_token", Set(AccessTokenOf(MAIN)))
            ),
            front_channel!("own-id-token-query", attacker, Query("id_token", Set(IdTokenOf(MAIN)))),
            front_channel!(
                "own-access-token-query",
                attacker,
                Query("access_token", Set(AccessTokenOf(MAIN)))
            ),
        ],
        deviation: Some("Tokens in the fragment never reach the server and are not tried."),
        explain: Explain {
            story: "The attacker has a validly signed ID token or access token: his own, or one that another app got.\n\
                    He gives it to the callback in place of a code; his state is right.\n\
                    An app that still speaks the implicit flow takes it.\n\
                    With an access token it asks userinfo and signs the attacker in as whoever that names.",
            right: "Takes a code and nothing else.",
            false_alarm: "Tokens in the fragment never reach an HTTP client's server: they are not tried here.",
            maps: &["OA:BCP_4_6_AccessTokenInjection", "CVE-2013-4593"],
        },
    },
    Case {
        id: "callback/clean-url",
        title: "The code stays in the address bar",
        level: Level::Should,
        positive: false,
        why: "A URL stays in the browser's history and is sent to the next site as Referer.",
        spec: &[
            RFC9700.section("4.2.4"),
            RFC9700.section("4.3.1"),
            ASVS.section("3.4.5"),
        ],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "plain",
            SIGN_IN,
            &[],
            &[
                Should(ask::FINAL_URL_IS_CLEAN),
                Should(ask::CALLBACK_LOADS_NOTHING_FOREIGN),
                Should(ask::REFERRER_POLICY_IS_SET),
            ],
        )],
        deviation: None,
        explain: Explain {
            story: "The app renders its page right on the callback address.\n\
                    Code and state stay in the address bar and in the history.\n\
                    An image or a script from another site carries them along as Referer.\n\
                    With a lax server the code can still be used.",
            right: "Redirects to a clean address, loads nothing foreign before, and sends a Referrer-Policy.",
            false_alarm: "Each of the three is a warning: today's browsers cut the Referer to the origin by themselves.",
            maps: &["OA:AuthEndpoint/ReferrerPolicyEnforcedTest"],
        },
    },
    Case {
        id: "callback/cross-site-return",
        title: "The redirect back from another site works",
        level: Level::Must,
        positive: true,
        why: "A cookie with SameSite=Strict is not sent on the way back: nobody can sign in, or everybody signs in twice.",
        spec: &[RFC6265BIS.section("name-samesite-cookies")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "by-302",
                SIGN_IN,
                &[],
                &[Must(SIGNS_IN_AS_USER), Should(ask::RETURN_ENDS_SIGNED_IN)],
            ),
            Variant::of(
                "by-303",
                SIGN_IN,
                &[Fault::AuthorizationResponse(SeeOther303)],
                &[Must(SIGNS_IN_AS_USER), Should(ask::RETURN_ENDS_SIGNED_IN)],
            )
            .needing(&[ResponseInAddress]),
        ],
        deviation: Some(
            "A page after the callback that asks for a new sign-in is a warning: the sign-in itself was completed.",
        ),
        explain: Explain {
            story: "The authorization server is on another site, as Okta is, and shows a page of its own.\n\
                    The response is then a cross-site navigation.\n\
                    A cookie with SameSite=Strict stays at home, and the app finds no pending sign-in.\n\
                    On the developer's machine, where all is one site, it worked.",
            right: "Uses SameSite=Lax for flow and session cookies (None with Secure for flow cookies where responses come \
                    as form posts).",
            false_alarm: "The harness follows RFC 6265bis; the app is on localhost and the authorization server on \
                          127.0.0.1, which are different sites.",
            maps: &["guardian/gateway#1490", "okta-aspnet#139"],
        },
    },
];
