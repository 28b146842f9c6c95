//! `session/`: what a sign-in leaves with the browser, and what it opens.

use mock_idp::{Fault, flow::fault::IdTokenFault::AudOther};

use crate::{
    case::{Case, Expect, Explain, Lane, May, Must, Should, Variant},
    check::{
        cookies as jar, session as ask,
        sign_in::{NEVER_AS_SOMEBODY_ELSE, REFUSES_SIGN_IN, SHOWS_NO_STRANGER, STAYS_CLEAN},
    },
    edit::{
        Change::{Remove, Set},
        CookieEdit::{
            Clear, DropChunk, Duplicate, Empty, FlipBit, FlowCookiesAsSession, InvalidUtf8, Load, Pad, Plant, Truncate,
        },
        Edit::{Header, Method, NoCookies, PathPrefix, PathSuffix, PathUpper, Query},
        Text::{Plain, Random, RequestOf},
    },
    feature::Feature::{
        DeclaresSessionIdle, DeclaresSessionLifetime, OutlastsSessionIdle, SendsNonce, SendsState, SessionCookie,
        SignsInOverSession, SignsOut,
    },
    outcome::Level,
    script::{
        AFTER,
        Act::{
            Authorize, Cookies, Deliver, NewBrowser, Probe, ProbeProtected, ProbeWith, Repeat, Request, Save, SignIn,
            SignInAs, SignOut, Start, Wait,
        },
        BEFORE, MAIN, OTHER,
        Pause::{ClockTick, SessionIdle, SessionLifetime, WithinSessionIdle},
        Place::Root,
        SIGN_IN, Who, attacker, user, victim,
    },
    spec::{ASVS, RFC9700, ROBUSTNESS, WSTG},
};

const ROTATED: &[Expect] = &[
    Must(ask::SIGNED_IN_AFTER),
    Must(jar::SESSION_COOKIE_CHANGES),
    Must(ask::OLD_COOKIES_ARE_DEAD),
];

/// The victim is signed in elsewhere, so that there is something to leak; the attacker has nothing.
macro_rules! without_session {
    ($name:literal, $expect:expr, $($edit:expr),* $(,)?) => {
        Variant::of(
            $name,
            &[
                victim(SignIn(MAIN)),
                attacker(ProbeProtected(AFTER, &[NoCookies $(, $edit)*])),
            ],
            &[],
            $expect,
        )
    };
}

const CLOSED: &[Expect] = &[
    Must(ask::NOTHING_WITHOUT_SESSION),
    Should(ask::NOT_SERVED_WITHOUT_SESSION),
    Should(STAYS_CLEAN),
];
const TRICKED: &[Expect] = &[Must(ask::TRICK_OPENS_NOTHING), Should(STAYS_CLEAN)];
const DAMAGED: &[Expect] = &[Must(ask::ANONYMOUS), Should(STAYS_CLEAN)];

/// A session whose cookies are damaged.
macro_rules! damaged {
    ($name:literal, $edit:expr, $expect:expr) => {
        Variant::of(
            $name,
            &[user(SignIn(MAIN)), user(Cookies($edit)), user(Probe(AFTER))],
            &[],
            $expect,
        )
    };
}

/// In the order of the catalogue.
pub(super) const CASES: &[Case] = &[
    Case {
        id: "session/id-rotates",
        title: "The session id from before sign-in stays valid after it",
        level: Level::Must,
        positive: false,
        why: "Session fixation: who knew the id before knows the session afterwards.",
        spec: &[ASVS.section("7.2.4"), WSTG.section("WSTG-SESS-03")],
        needs: &[SessionCookie],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "from-sign-in-page",
                &[
                    user(Start(MAIN, &[])),
                    user(Save("before")),
                    user(Authorize(MAIN, &[])),
                    user(Deliver(MAIN, &[])),
                    user(Save("after")),
                    user(Probe(AFTER)),
                    user(ProbeWith("old", "before")),
                ],
                &[],
                ROTATED,
            ),
            Variant::of(
                "from-home-page",
                &[
                    user(Request(Root, &[])),
                    user(Start(MAIN, &[])),
                    user(Save("before")),
                    user(Authorize(MAIN, &[])),
                    user(Deliver(MAIN, &[])),
                    user(Save("after")),
                    user(Probe(AFTER)),
                    user(ProbeWith("old", "before")),
                ],
                &[],
                ROTATED,
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The app gives every visitor a session id and keeps it when the visitor signs in.\n\
                    The attacker learns or chooses that id beforehand, on a shared machine or by a planted cookie.\n\
                    The victim signs in with it.\n\
                    The attacker's browser, with the same id, is now signed in as the victim.",
            right: "Issues a new session id at sign-in and lets the old one go.",
            false_alarm: "Judged by whether the old values still open the protected page, not by whether one cookie kept \
                          its name or value beside the session.",
            maps: &["CVE-2021-41246", "CVE-2022-25896", "CVE-2024-52553", "CVE-2023-24426"],
        },
    },
    Case {
        id: "session/planted-id",
        title: "A session id that an attacker planted becomes the victim's",
        level: Level::Must,
        positive: false,
        why: "Cookies can be planted from a sub-domain or over plain http; they must never become a session.",
        spec: &[ASVS.section("7.2.4"), WSTG.section("WSTG-SESS-03")],
        needs: &[SessionCookie],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "own",
                &[
                    attacker(Request(Root, &[])),
                    attacker(Start(OTHER, &[])),
                    attacker(Save("planted")),
                    victim(Cookies(Load("planted"))),
                    victim(SignIn(MAIN)),
                    victim(Probe("victim")),
                    attacker(ProbeWith(AFTER, "planted")),
                ],
                &[],
                &[Must(ask::PLANTED_COOKIES_ARE_DEAD)],
            ),
            Variant::of(
                "random",
                &[
                    victim(Cookies(Plant(Random(43)))),
                    victim(Save("planted")),
                    victim(SignIn(MAIN)),
                    victim(Probe("victim")),
                    attacker(ProbeWith(AFTER, "planted")),
                ],
                &[],
                &[Must(ask::PLANTED_COOKIES_ARE_DEAD)],
            ),
            Variant::of(
                "expired",
                &[
                    attacker(SignIn(OTHER)),
                    attacker(Save("planted")),
                    attacker(SignOut(&[])),
                    victim(Cookies(Load("planted"))),
                    victim(SignIn(MAIN)),
                    victim(Probe("victim")),
                    attacker(ProbeWith(AFTER, "planted")),
                ],
                &[],
                &[Must(ask::PLANTED_COOKIES_ARE_DEAD)],
            )
            .needing(&[SignsOut]),
        ],
        deviation: Some("A planted value is tried in the attacker's browser only, not in a third one."),
        explain: Explain {
            story: "The attacker sets the app's session cookie in the victim's browser: from a sub-domain, over plain http,\n\
                    by a header injection. The value is his own, made up, or of a session that has ended.\n\
                    The app adopts what it is given when the victim signs in.\n\
                    With the same value the attacker is signed in as the victim.",
            right: "Never signs anybody into a session id that came from outside.",
            false_alarm: "Inconclusive when the victim cannot sign in with the planted cookies at all.",
            maps: &["CVE-2021-41246"],
        },
    },
    Case {
        id: "session/cookie-flags",
        title: "The attributes of session and sign-in cookies",
        level: Level::Must,
        positive: false,
        why: "Flags are what keeps a cookie away from scripts, other sites and clear text.",
        spec: &[
            ASVS.section("3.3.1"),
            ASVS.section("3.3.2"),
            ASVS.section("3.3.3"),
            ASVS.section("3.3.4"),
            WSTG.section("WSTG-SESS-02"),
        ],
        needs: &[SessionCookie],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "after-sign-in",
            &[user(SignIn(MAIN)), user(Save("after")), user(Probe(AFTER))],
            &[],
            &[
                Must(jar::SESSION_COOKIE_IS_HTTP_ONLY),
                Should(jar::SESSION_COOKIE_IS_SAME_SITE),
                Should(jar::SESSION_COOKIE_SAYS_SAME_SITE),
                Should(jar::SESSION_COOKIE_IS_NARROW),
                Must(jar::SESSION_COOKIE_IS_SECURE),
                Should(jar::FLOW_COOKIES_HAVE_FLAGS),
                Should(jar::FLOW_COOKIES_ARE_GONE),
                May(jar::SESSION_COOKIE_SECURE_NOTE),
            ],
        )],
        deviation: Some("Path is not judged: an app may own its whole host."),
        explain: Explain {
            story: "The session cookie lacks HttpOnly, SameSite or Secure, or goes to every sub-domain.\n\
                    A script reads it, another site's form carries it, a wireless network sees it.\n\
                    The cookies of the sign-in itself live for a year or are SameSite=Strict.\n\
                    The first is a leak waiting to happen, the second breaks the way back.",
            right: "HttpOnly, SameSite=Lax, Secure on https, the app's own host; flow cookies short-lived and removed.",
            false_alarm: "On plain http (localhost) Secure and the `__Host-` prefix are only notes. No SameSite at all means \
                          Lax in Chromium: a warning, as for SameSite=None, a wide Domain (both may be on purpose) and flow cookies. Which \
                          cookies carry the session and the pending sign-in was found by taking each away.",
            maps: &["CVE-2026-48058"],
        },
    },
    Case {
        id: "session/id-entropy",
        title: "A session id that repeats or can be guessed",
        level: Level::Must,
        positive: false,
        why: "Who can guess one session id is signed in as somebody.",
        spec: &[ASVS.section("7.2.3"), WSTG.section("WSTG-SESS-01")],
        needs: &[SessionCookie],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "fifty-sign-ins",
            &[
                user(Repeat(50, &[user(NewBrowser), user(SignIn(MAIN))])),
                // Cookies that hold the session and the second may be equal within one.
                user(Wait(ClockTick)),
                user(NewBrowser),
                user(SignIn(OTHER)),
            ],
            &[],
            &[Must(jar::SESSION_ID_IS_UNPREDICTABLE)],
        )],
        deviation: None,
        explain: Explain {
            story: "The app numbers its sessions, or makes their ids from the clock or a short random value.\n\
                    The attacker signs in a few times and sees the pattern.\n\
                    He tries the ids in between.\n\
                    One of them is somebody's session.",
            right: "Draws 128 bits or more from a cryptographic generator.",
            false_alarm: "A cookie that holds the session itself (encrypted, signed) has no id to guess: two of one person \
                          may be equal within a second, not for ever. Between 112 and 128 estimated bits it passes.",
            maps: &["CVE-2024-52801"],
        },
    },
    Case {
        id: "session/not-in-url",
        title: "A session id appears in a URL",
        level: Level::Must,
        positive: false,
        why: "Addresses are logged, shared and sent on as Referer.",
        spec: &[ASVS.section("14.2.1"), WSTG.section("WSTG-SESS-04")],
        needs: &[SessionCookie],
        lane: Lane::Watch,
        variants: &[Variant::watching(
            "every-address",
            &[Must(jar::SESSION_ID_IS_NOT_IN_URLS)],
        )],
        deviation: None,
        explain: Explain {
            story: "The app writes the session id into links or redirects, for browsers without cookies.\n\
                    The user copies the address into a mail, or the next site logs it as Referer.\n\
                    Whoever opens it is in the user's session.\n\
                    Nobody stole anything: it was handed over.",
            right: "Keeps the session id in the cookie only.",
            false_alarm: "Only addresses that the app made are read, not those that the harness edited.",
            maps: &[],
        },
    },
    Case {
        id: "session/protected-needs-login",
        title: "A protected page is served without a session",
        level: Level::Must,
        positive: false,
        why: "A sign-in protects nothing when one method or one path forgets to ask for it.",
        spec: &[
            ASVS.section("8.2.1"),
            ASVS.section("8.3.1"),
            WSTG.section("WSTG-ATHN-04"),
        ],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            without_session!("get", CLOSED,),
            without_session!("head", CLOSED, Method("HEAD")),
            without_session!("post", CLOSED, Method("POST")),
            without_session!("options", CLOSED, Method("OPTIONS")),
            without_session!("accept-json", CLOSED, Header("accept", Plain("application/json"))),
            without_session!(
                "accept-xhr",
                CLOSED,
                Header("accept", Plain("*/*")),
                Header("x-requested-with", Plain("XMLHttpRequest"))
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The page asks for a session on GET; the same handler also answers POST, HEAD or OPTIONS.\n\
                    Or the pages are protected and the API behind them is not.\n\
                    Or the refusal is a redirect whose body already holds the page.\n\
                    The attacker simply asks, without any session.",
            right: "Redirects to sign-in or answers 401 or 403, with nothing protected in the body, for every method.",
            false_alarm: "Somebody's data in the answer is a fail; any other 2xx is a warning, unless an unknown address gets the \
                          same. HEAD and OPTIONS with an empty 2xx answer open nothing and pass. Only paths in `protected` are asked.",
            maps: &["CVE-2025-31492", "CVE-2026-73421", "CVE-2025-3891"],
        },
    },
    Case {
        id: "session/bypass-tricks",
        title: "A path or header trick opens a protected page",
        level: Level::Must,
        positive: false,
        why: "Filter and handler read the same request differently, or a header is believed that anybody can send.",
        spec: &[
            WSTG.section("WSTG-ATHN-04"),
            ASVS.section("8.2.1"),
            ASVS.section("8.3.1"),
        ],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            without_session!("double-slash", TRICKED, PathPrefix("/")),
            without_session!("path-parameter", TRICKED, PathSuffix(";x")),
            without_session!("encoded-dot", TRICKED, PathSuffix("/%2e")),
            without_session!("question-mark", TRICKED, PathSuffix("?")),
            without_session!("encoded-hash", TRICKED, PathSuffix("%23/public")),
            without_session!("trailing-slash", TRICKED, PathSuffix("/")),
            without_session!("upper-case", TRICKED, PathUpper),
            without_session!("x-original-url", TRICKED, Header("x-original-url", Plain("/"))),
            without_session!("x-forwarded-uri", TRICKED, Header("x-forwarded-uri", Plain("/"))),
            without_session!(
                "x-forwarded-user",
                TRICKED,
                Header("x-forwarded-user", Plain("{victim.email}")),
                Header("x-forwarded-email", Plain("{victim.email}")),
                Header("x_forwarded_user", Plain("{victim.email}"))
            ),
            without_session!(
                "oidc-claim",
                TRICKED,
                Header("oidc_claim_sub", Plain("{victim.email}")),
                Header("oidc_claim_email", Plain("{victim.email}")),
                Header("oidc-claim-email", Plain("{victim.email}"))
            ),
            without_session!(
                "remote-user",
                TRICKED,
                Header("remote-user", Plain("{victim.email}")),
                Header("x-remote-user", Plain("{victim.email}"))
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "A filter protects `/me`; the request says `//me`, `/me;x`, `/ME` or `/me%23/public`.\n\
                    The filter sees another path, the router the same page.\n\
                    Or the app believes a header that a proxy is meant to set, and that the attacker sets.\n\
                    He reads the page as whoever he names.",
            right: "Decides on the same path that it serves, and takes identity from its own session only.",
            false_alarm: "Headers that the app must trust behind its proxy belong into `trusted_headers`. Only somebody's data is a \
                          finding: one page for all addresses and a public home page open nothing. A 404 for an odd \
                          path is fine.",
            maps: &[
                "CVE-2017-6413",
                "CVE-2025-54576",
                "CVE-2026-40575",
                "CVE-2026-41059",
                "CVE-2025-64484",
            ],
        },
    },
    Case {
        id: "session/flow-cookie-is-not-session",
        title: "A cookie of the unfinished sign-in works as a session",
        level: Level::Must,
        positive: false,
        why: "Two cookies sealed with the same key and no purpose are the same cookie.",
        spec: &[ASVS.section("7.2.1"), ASVS.section("9.2.2")],
        needs: &[SessionCookie],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "renamed",
                &[
                    user(Start(MAIN, &[])),
                    user(Cookies(FlowCookiesAsSession)),
                    user(Probe(AFTER)),
                ],
                &[],
                &[Must(REFUSES_SIGN_IN), Should(STAYS_CLEAN)],
            ),
            Variant::of(
                "state-as-session",
                &[
                    user(Start(MAIN, &[])),
                    user(Cookies(Clear)),
                    user(Cookies(Plant(RequestOf(MAIN, "state")))),
                    user(Probe(AFTER)),
                ],
                &[],
                &[Must(REFUSES_SIGN_IN), Should(STAYS_CLEAN)],
            )
            .needing(&[SendsState]),
            Variant::of(
                "nonce-as-session",
                &[
                    user(Start(MAIN, &[])),
                    user(Cookies(Clear)),
                    user(Cookies(Plant(RequestOf(MAIN, "nonce")))),
                    user(Probe(AFTER)),
                ],
                &[],
                &[Must(REFUSES_SIGN_IN), Should(STAYS_CLEAN)],
            )
            .needing(&[SendsNonce]),
        ],
        deviation: None,
        explain: Explain {
            story: "The app seals state, nonce and verifier into cookies with the key that also seals sessions.\n\
                    The attacker starts a sign-in, takes such a cookie and gives it the session's name.\n\
                    It decrypts, and the app asks no further.\n\
                    He has a session of nobody, which some pages take for somebody.",
            right: "Seals each kind of cookie for its purpose, or keeps sessions on the server.",
            false_alarm: "A page for signed-in users without a name counts as signed in: authenticated as nobody.",
            maps: &["CVE-2023-48309"],
        },
    },
    Case {
        id: "session/tampered-cookie",
        title: "Damaged cookies",
        level: Level::Must,
        positive: false,
        why: "A cookie is input from outside: damaged, it is nobody's session and no reason to fall over.",
        spec: &[ASVS.section("7.2.1"), ROBUSTNESS.section("")],
        needs: &[SessionCookie],
        lane: Lane::Parallel,
        variants: &[
            damaged!("bit-flip", FlipBit, DAMAGED),
            damaged!("truncated", Truncate, DAMAGED),
            damaged!("empty", Empty, DAMAGED),
            damaged!(
                "duplicated",
                Duplicate,
                &[Must(NEVER_AS_SOMEBODY_ELSE), Should(STAYS_CLEAN)]
            ),
            damaged!("100-kb", Pad(100_000), DAMAGED),
            damaged!("chunk-missing", DropChunk, DAMAGED),
            damaged!("invalid-utf-8", InvalidUtf8, DAMAGED),
            Variant::of(
                "malformed-bearer",
                &[user(ProbeProtected(
                    AFTER,
                    &[NoCookies, Header("authorization", Plain("Bearer ..%FF. eyJ"))],
                ))],
                &[],
                DAMAGED,
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The session cookie comes back with a bit flipped, cut, empty, twice, huge, or as bytes that are no text.\n\
                    A careless parser throws, and the answer is a stack trace.\n\
                    A careless check compares only a part of it, and the session still holds.\n\
                    One request can then end the process, or begin a session.",
            right: "Treats it as no cookie: a redirect to sign-in or 4xx.",
            false_alarm: "Of two copies, a good one may win: then it must be the user's own session. A 5xx that still \
                          signs nobody in is a warning.",
            maps: &["CVE-2024-24814", "CVE-2023-28625", "CVE-2026-73418"],
        },
    },
    Case {
        id: "session/no-store",
        title: "Pages with the user's data can be cached",
        level: Level::Should,
        positive: false,
        why: "The Back button on a shared machine, or a shared cache, shows them to the next person.",
        spec: &[ASVS.section("14.3.2"), WSTG.section("WSTG-ATHN-06")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "after-sign-in",
            SIGN_IN,
            &[],
            &[
                Should(jar::PROTECTED_PAGE_IS_NO_STORE),
                Should(jar::SET_COOKIE_IS_NOT_PUBLIC),
            ],
        )],
        deviation: Some(
            "The callback and the redirect to the authorization server are judged only for cookies in public caches; `authorization/redirect-not-cacheable` has the rest.",
        ),
        explain: Explain {
            story: "A protected page is served without Cache-Control, or an answer with Set-Cookie as public.\n\
                    After sign-out the Back button shows the page again.\n\
                    A shared cache hands one user's page, or her cookie, to the next.\n\
                    The app itself never sees that request.",
            right: "Sends Cache-Control: no-store on protected pages, and never public beside Set-Cookie.",
            false_alarm: "private and no-cache are what many frameworks send: a warning. Only pages that show the user are judged.",
            maps: &["CVE-2025-48947"],
        },
    },
    Case {
        id: "session/relogin-other-user",
        title: "A second user signs in over the first one's session",
        level: Level::Must,
        positive: false,
        why: "What is left of the first user is shown to the second.",
        spec: &[ASVS.section("7.2.4")],
        needs: &[SignsInOverSession],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "same-browser",
            &[
                user(SignIn(MAIN)),
                user(Probe(BEFORE)),
                user(Save("before")),
                user(SignInAs(Who::Victim, OTHER)),
                user(Probe(AFTER)),
                user(ProbeWith("old", "before")),
            ],
            &[],
            &[
                Must(ask::SHOWS_SECOND_USER_ONLY),
                Must(SHOWS_NO_STRANGER),
                Must(ask::FIRST_SESSION_IS_DEAD),
                Should(ask::WITHHELD_SESSION_IS_DEAD),
                Should(ask::SECOND_USER_IS_SIGNED_IN),
                Should(STAYS_CLEAN),
            ],
        )],
        deviation: None,
        explain: Explain {
            story: "Two people share a machine. The first did not sign out; the second signs in.\n\
                    The app writes the new identity over the old session and keeps the rest:\n\
                    basket, cached profile, roles.\n\
                    And the first one's cookie, copied earlier, now shows the second.",
            right: "Ends the old session and begins a new, empty one.",
            false_alarm: "An app that asks to sign out first, or begins no second sign-in, leaves nothing to judge: inconclusive. \
                          A Lax cookie does not come along with a form post, nor a Strict one with any response: an old \
                          session that outlives the sign-in for that reason is a warning.",
            maps: &[],
        },
    },
    Case {
        id: "session/failed-login-keeps-order",
        title: "A failed sign-in over a live session",
        level: Level::Must,
        positive: false,
        why: "Between the old identity and the refused one there is no third state.",
        spec: &[ASVS.section("7.2.4")],
        needs: &[SignsInOverSession],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "denied",
                &[
                    user(SignIn(OTHER)),
                    user(Probe(BEFORE)),
                    user(Start(MAIN, &[])),
                    user(Authorize(MAIN, &[])),
                    user(Deliver(
                        MAIN,
                        &[Query("code", Remove), Query("error", Set(Plain("access_denied")))],
                    )),
                    user(Probe(AFTER)),
                ],
                &[],
                &[Must(REFUSES_SIGN_IN), Should(STAYS_CLEAN)],
            ),
            Variant::of(
                "bad-id-token",
                &[
                    user(SignIn(OTHER)),
                    user(Probe(BEFORE)),
                    user(SignInAs(Who::Victim, MAIN)),
                    user(Probe(AFTER)),
                ],
                &[Fault::IdToken(AudOther)],
                &[Must(REFUSES_SIGN_IN), Should(STAYS_CLEAN)],
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "A user is signed in and starts another sign-in, which is refused.\n\
                    The app has already cleared half of the session, or stored half of the new one.\n\
                    The page shows an empty user, or the user of a token that was refused.\n\
                    A refused identity must never be seen.",
            right: "Leaves the old session as it was, or ends it; nothing of the refused sign-in remains.",
            false_alarm: "Both outcomes are fine: still the first user, or signed out.",
            maps: &[],
        },
    },
    Case {
        id: "session/two-tabs",
        title: "Two sign-ins in two tabs",
        level: Level::Should,
        positive: true,
        why: "People open two tabs; one slot for state and verifier makes one of them fail.",
        spec: &[ROBUSTNESS.section(""), RFC9700.section("4.7")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "second-then-first",
                &[
                    user(Start(MAIN, &[])),
                    user(Start(OTHER, &[])),
                    user(Authorize(MAIN, &[])),
                    user(Authorize(OTHER, &[])),
                    user(Deliver(OTHER, &[])),
                    user(Probe("last")),
                    user(Deliver(MAIN, &[])),
                    user(Probe("first")),
                ],
                &[],
                TABS,
            ),
            Variant::of(
                "first-then-second",
                &[
                    user(Start(MAIN, &[])),
                    user(Start(OTHER, &[])),
                    user(Authorize(MAIN, &[])),
                    user(Authorize(OTHER, &[])),
                    user(Deliver(MAIN, &[])),
                    user(Probe("first")),
                    user(Deliver(OTHER, &[])),
                    user(Probe("last")),
                ],
                &[],
                TABS,
            ),
            Variant::of(
                "only-first",
                &[
                    user(Start(MAIN, &[])),
                    user(Start(OTHER, &[])),
                    user(Authorize(MAIN, &[])),
                    user(Deliver(MAIN, &[])),
                    user(Probe("first")),
                ],
                &[],
                &[Should(ask::FIRST_STARTED_SIGNS_IN), Should(STAYS_CLEAN)],
            ),
        ],
        deviation: Some(
            "The catalogue calls a refused last sign-in a broken MUST; no clause says so, hence a warning, and none where the user is signed in by the first tab.",
        ),
        explain: Explain {
            story: "The session ended overnight, and the browser reopens two tabs of the app.\n\
                    Each starts a sign-in; the second overwrites the first one's state and verifier.\n\
                    The user finishes one, then the other, in any order.\n\
                    One of them ends in `state mismatch`, for no reason that she can see.",
            right: "Keeps each sign-in under its own state; both work.",
            false_alarm: "Many libraries keep one sign-in per browser on purpose: a clean refusal of the first is a \
                          warning. Where the first tab has signed the user in, a refusal of the second breaks nothing.",
            maps: &["P#57", "P#58", "nextjs-auth0#142", "express-openid-connect#43"],
        },
    },
    Case {
        id: "session/abandoned-flows",
        title: "Thirty sign-ins that were never finished",
        level: Level::Should,
        positive: true,
        why: "A cookie for every abandoned start makes the next request too large for the server.",
        spec: &[ROBUSTNESS.section("")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "thirty-starts",
            &[
                user(Repeat(30, &[user(Start(OTHER, &[]))])),
                user(SignIn(MAIN)),
                user(Probe(AFTER)),
            ],
            &[],
            &[
                Should(ask::SIGNS_IN_AFTER_ABANDONED_STARTS),
                Should(jar::COOKIE_HEADER_STAYS_SMALL),
            ],
        )],
        deviation: None,
        explain: Explain {
            story: "A page in a background tab starts a sign-in every few minutes, and nobody finishes one.\n\
                    Every start leaves a cookie.\n\
                    After thirty of them the Cookie header passes eight kilobytes and the server answers 431.\n\
                    The user is locked out until she clears her cookies.",
            right: "Bounds what it keeps for unfinished sign-ins, in number and in time.",
            false_alarm: "The limit of 8 KiB is that of common servers and proxies, not of the standard. An app that \
                          bounds its unfinished sign-ins and says so with 429 or 503 passes with a note.",
            maps: &["express-openid-connect#43"],
        },
    },
    Case {
        id: "session/lifetime",
        title: "A session outlives its limits",
        level: Level::Should,
        positive: false,
        why: "A limit that only the browser keeps is no limit for a stolen cookie.",
        spec: &[
            ASVS.section("7.3.1"),
            ASVS.section("7.3.2"),
            WSTG.section("WSTG-SESS-07"),
        ],
        needs: &[],
        lane: Lane::Slow,
        variants: &[
            Variant::of(
                "idle",
                &[
                    user(SignIn(MAIN)),
                    user(Probe("signed-in")),
                    user(Save("live")),
                    user(Wait(SessionIdle)),
                    user(ProbeWith(AFTER, "live")),
                ],
                &[],
                &[Should(ask::SESSION_IS_DEAD)],
            )
            .needing(&[DeclaresSessionIdle]),
            Variant::of(
                "in-use",
                &[
                    user(SignIn(MAIN)),
                    user(Probe("signed-in")),
                    user(Wait(WithinSessionIdle)),
                    user(Probe("in-between")),
                    user(Wait(WithinSessionIdle)),
                    user(Probe(AFTER)),
                ],
                &[],
                &[Should(ask::SESSION_IS_ALIVE)],
            )
            .needing(&[OutlastsSessionIdle]),
            Variant::of(
                "absolute",
                &[
                    user(SignIn(MAIN)),
                    user(Probe("signed-in")),
                    user(Save("live")),
                    user(Wait(SessionLifetime)),
                    user(ProbeWith(AFTER, "live")),
                ],
                &[],
                &[Should(ask::SESSION_IS_DEAD)],
            )
            .needing(&[DeclaresSessionLifetime]),
        ],
        deviation: Some("Only the limits that the target declares are tried; what its documentation says is not read."),
        explain: Explain {
            story: "The app's documentation names an idle time and a longest time for sessions.\n\
                    They are only the cookie's own expiry, which the browser keeps and a thief does not.\n\
                    A cookie that was copied months ago still works.\n\
                    The harness waits past the limit and sends the saved cookie again.\n\
                    It also uses a session again and again until it is older than the idle time: that one must live on.",
            right: "Keeps both limits on the server, or inside the sealed session; each use starts the idle time anew.",
            false_alarm: "Runs only when asked for (lane slow), and only against the `session_idle` and `session_lifetime` \
                          that the target declares.",
            maps: &["CVE-2025-46344"],
        },
    },
];

const TABS: &[Expect] = &[
    Should(ask::LAST_STARTED_SIGNS_IN),
    Should(ask::FIRST_STARTED_SIGNS_IN),
    Should(STAYS_CLEAN),
];
