//! `concurrency/`: many people at once.

use mock_idp::{
    Fault,
    flow::fault::{
        IdTokenFault::{AudOther, NonceSuffix},
        TokenResponseFault::{ErrorIn200, Status500Json},
    },
};

use crate::{
    case::{Case, Explain, Lane, Must, Should, Variant},
    check::{
        callback::{NEXT_SIGN_IN_WORKS, REAL_NAVIGATION_SIGNS_IN},
        crowd as ask,
        session::{BROWSER_IS_SIGNED_OUT, SESSION_IS_DEAD},
        sign_in::{SHOWS_NO_STRANGER, STAYS_CLEAN},
        token_request::AT_MOST_TWO_TOKEN_REQUESTS,
    },
    edit::{
        Change::{Remove, Set},
        Edit::Query,
        Text::{Plain, Random},
    },
    feature::Feature::{SendsNonce, SignsOut},
    outcome::Level,
    script::{
        AFTER,
        Act::{
            self, Authorize, Callback, Deliver, DeliverTwice, Flood, HoldTokens, NewBrowser, Probe, ProbeWith, Repeat,
            Save, SignIn, SignOutRace, Start,
        },
        Crowd, Hold, MAIN, OTHER, user, victim,
    },
    spec::{ASVS, RFC6749, ROBUSTNESS, WSTG},
};

const fn crowd(size: u16, faulty_every: u16, hold: Hold, rounds: u16) -> Act {
    Act::Crowd(Crowd {
        size,
        faulty_every,
        hold,
        rounds,
    })
}

/// Half of the crowd meets this fault.
macro_rules! mixed {
    ($name:literal, $fault:expr) => {
        Variant::of(
            $name,
            &[user(crowd(20, 2, Hold::Shuffled, 1))],
            &[$fault],
            &[
                Must(ask::BAD_ONES_REFUSED),
                Must(SHOWS_NO_STRANGER),
                Should(ask::EXACTLY_THE_GOOD_ONES),
                Should(STAYS_CLEAN),
            ],
        )
    };
}

/// In the order of the catalogue.
pub(super) const CASES: &[Case] = &[
    Case {
        id: "concurrency/n-users",
        title: "Many users sign in at the same time",
        level: Level::Must,
        positive: false,
        why: "State that is kept in one variable belongs to the last request that wrote it.",
        spec: &[ASVS.section("10.1.2"), WSTG.section("WSTG-SESS-08")],
        needs: &[],
        lane: Lane::Alone,
        variants: &[Variant::of(
            "twenty-users",
            &[user(crowd(20, 0, Hold::Free, 1))],
            &[],
            &[
                Must(ask::NOBODY_AS_ANOTHER),
                Should(ask::EACH_AS_ITSELF),
                Should(STAYS_CLEAN),
            ],
        )],
        deviation: Some("A user who is refused is a warning; somebody else's session is a fail."),
        explain: Explain {
            story: "Twenty users, each in a browser of their own, start and finish at the same moment.\n\
                    The app keeps verifier, token or user in a field of a shared object, or in a cache with a bad key.\n\
                    Two requests cross, and one user's page shows another's name.\n\
                    It happens on Monday morning and never in a test.",
            right: "Signs everybody in as themselves.",
            false_alarm: "Reported as `not seen in N sign-ins`: a race that did not show is not proved absent. An app that \
                          fails only under load shows it here and nowhere else.",
            maps: &["CVE-2026-33544", "CVE-2025-67490", "CVE-2026-40155"],
        },
    },
    Case {
        id: "concurrency/reversed-replies",
        title: "Replies arrive in a different order than the requests",
        level: Level::Must,
        positive: false,
        why: "An app that takes the next reply for its own mixes up users.",
        spec: &[ASVS.section("10.1.2")],
        needs: &[],
        lane: Lane::Alone,
        variants: &[
            Variant::of(
                "reversed",
                &[user(crowd(20, 0, Hold::Reversed, 2))],
                &[],
                &[
                    Must(ask::NOBODY_AS_ANOTHER),
                    Should(ask::EACH_AS_ITSELF),
                    Should(STAYS_CLEAN),
                ],
            ),
            Variant::of(
                "shuffled",
                &[user(crowd(20, 0, Hold::Shuffled, 2))],
                &[],
                &[
                    Must(ask::NOBODY_AS_ANOTHER),
                    Should(ask::EACH_AS_ITSELF),
                    Should(STAYS_CLEAN),
                ],
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "Twenty users ask for tokens; the authorization server holds all replies and sends the last one first.\n\
                    The same follows with the userinfo replies, and once more in random order.\n\
                    An app that stores the flow in one place, or matches replies by order, gives user 1 the token of user 20.\n\
                    In one product exactly this swapped identities.",
            right: "Keeps each reply with its own request.",
            false_alarm: "An app with a small pool of workers waits for fewer replies at the same time: then there are as many people as it waits for. \
                          Inconclusive when it asks one after the other, so that no two replies can be held together.",
            maps: &["CVE-2026-33544"],
        },
    },
    Case {
        id: "concurrency/mixed-faults",
        title: "Good and bad sign-ins interleaved",
        level: Level::Must,
        positive: false,
        why: "An error that is kept in a shared place refuses the wrong user, or accepts one.",
        spec: &[ASVS.section("10.1.2")],
        needs: &[],
        lane: Lane::Alone,
        variants: &[
            mixed!("bad-nonce", Fault::IdToken(NonceSuffix)).needing(&[SendsNonce]),
            mixed!("bad-audience", Fault::IdToken(AudOther)),
            mixed!("server-error", Fault::TokenResponse(Status500Json)),
        ],
        deviation: None,
        explain: Explain {
            story: "Ten users get good tokens and ten get bad ones, in turn and at the same moment.\n\
                    The app keeps the expected nonce, or the last error, where all requests reach it.\n\
                    A good user is refused for somebody else's token.\n\
                    Or a bad token passes by somebody else's nonce.",
            right: "Exactly the good ones are signed in.",
            false_alarm: "Reported with the number of trials.",
            maps: &[],
        },
    },
    Case {
        id: "concurrency/one-slow",
        title: "One user's sign-in hangs while others continue",
        level: Level::Should,
        positive: false,
        why: "A lock around the token request lets one slow reply stop everybody.",
        spec: &[ROBUSTNESS.section("")],
        needs: &[],
        lane: Lane::Alone,
        variants: &[Variant::of(
            "first-is-held",
            &[user(crowd(11, 0, Hold::FirstOnly, 1))],
            &[],
            &[
                Should(ask::OTHERS_DO_NOT_WAIT),
                Should(ask::EACH_AS_ITSELF),
                Should(STAYS_CLEAN),
            ],
        )],
        deviation: Some(
            "The held reply is released as soon as the others are done, not after thirty seconds: what counts is whether they had to wait for it.",
        ),
        explain: Explain {
            story: "The authorization server holds the reply for one user.\n\
                    The app waits for it with a lock in its hand, or in its only worker.\n\
                    Ten others cannot sign in until that one reply comes.\n\
                    One slow server makes the whole app slow.",
            right: "Signs the ten others in while the first one waits.",
            false_alarm: "The held reply is released when all others are done; an app with fewer than two workers cannot \
                          pass, and that is the finding.",
            maps: &[],
        },
    },
    Case {
        id: "concurrency/double-callback",
        title: "The same callback twice at the same time",
        level: Level::Should,
        positive: false,
        why: "Double clicks and service workers send it twice; the user must not notice.",
        spec: &[ROBUSTNESS.section(""), RFC6749.section("4.1.2")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "in-parallel",
            &[
                user(HoldTokens),
                user(Start(MAIN, &[])),
                user(Authorize(MAIN, &[])),
                user(DeliverTwice(MAIN)),
                user(Probe(AFTER)),
            ],
            &[],
            &[
                Should(REAL_NAVIGATION_SIGNS_IN),
                Should(STAYS_CLEAN),
                Should(AT_MOST_TWO_TOKEN_REQUESTS),
            ],
        )],
        deviation: Some("That there is one account afterwards is seen only as far as the page shows it."),
        explain: Explain {
            story: "The browser sends the callback again while the first one's code is being redeemed.\n\
                    Both requests find the state, both redeem the code, both create the user.\n\
                    The second redemption fails and takes the session of the first with it,\n\
                    or there are now two accounts.",
            right: "One of them signs in, the other ends cleanly, and the browser is signed in.",
            false_alarm: "Which of the two wins does not matter.",
            maps: &[
                "OA:Concurrency/SingleFastACExchangeTest",
                "OxiCloud#510",
                "nextcloud user_oidc#1515",
            ],
        },
    },
    Case {
        id: "concurrency/state-store",
        title: "Hundreds of sign-in starts mixed with callbacks and errors",
        level: Level::Must,
        positive: false,
        why: "All requests share the store of pending sign-ins: it has to handle them at the same time.",
        spec: &[ASVS.section("10.1.2"), ROBUSTNESS.section("")],
        needs: &[],
        lane: Lane::Alone,
        variants: &[Variant::of(
            "two-hundred-starts",
            &[
                user(Start(OTHER, &[])),
                user(Flood(200)),
                user(Repeat(
                    20,
                    &[
                        victim(NewBrowser),
                        victim(Start(MAIN, &[])),
                        victim(Callback(&[
                            Query("state", Set(Random(43))),
                            Query("error", Set(Plain("access_denied"))),
                        ])),
                        victim(Callback(&[
                            Query("state", Set(Random(43))),
                            Query("code", Set(Random(43))),
                        ])),
                        victim(Callback(&[Query("state", Remove), Query("code", Set(Random(43)))])),
                    ],
                )),
                user(Authorize(OTHER, &[])),
                user(Deliver(OTHER, &[])),
                user(Probe("again")),
                user(crowd(40, 4, Hold::Free, 1)),
            ],
            &[Fault::TokenResponse(ErrorIn200)],
            &[
                Must(ask::BAD_ONES_REFUSED),
                Should(STAYS_CLEAN),
                Should(NEXT_SIGN_IN_WORKS),
                Should(ask::EXACTLY_THE_GOOD_ONES),
            ],
        )],
        deviation: Some(
            "A good sign-in that fails is a warning: only a bad one that works, or a mix-up, breaks a clause.",
        ),
        explain: Explain {
            story: "Two hundred sign-ins start, callbacks with unknown states and errors arrive, and forty users finish.\n\
                    The store of pending sign-ins is a map without a lock, or cleans up while others read.\n\
                    In one product that ended the process.\n\
                    In others a good state is gone when its callback comes.",
            right: "No crash, no server error, and exactly the good sign-ins end signed in.",
            false_alarm: "Forged callbacks arrive in browsers of their own, each with one sign-in of its own, so that no limit of \
                          pending sign-ins per browser is met. Reported with the number of trials.",
            maps: &["CVE-2026-28789"],
        },
    },
    Case {
        id: "concurrency/logout-race",
        title: "Sign-out while pages are loading",
        level: Level::Should,
        positive: false,
        why: "A page that writes the session back after sign-out revives it.",
        spec: &[ASVS.section("7.4.1")],
        needs: &[SignsOut],
        lane: Lane::Alone,
        variants: &[Variant::of(
            "ten-pages",
            &[
                user(SignIn(MAIN)),
                user(Probe("signed-in")),
                user(Save("live")),
                user(SignOutRace(10)),
                user(ProbeWith(AFTER, "live")),
                user(Probe("jar")),
            ],
            &[],
            &[Should(SESSION_IS_DEAD), Should(BROWSER_IS_SIGNED_OUT)],
        )],
        deviation: None,
        explain: Explain {
            story: "Ten requests with the session cookie are on their way when the user signs out.\n\
                    Each of them has read the session and writes it back when it is done.\n\
                    The last one to write wins, and that is a page and not the sign-out.\n\
                    The session, or its cookie, is alive again.",
            right: "Once the session has ended, nothing writes it back.",
            false_alarm: "A race that did not show is not proved absent; self-contained sessions show in `logout/session-dead`.",
            maps: &[],
        },
    },
];
