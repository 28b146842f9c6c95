//! `robustness/`: what no input from outside may do.

use mock_idp::{
    Fault,
    flow::fault::{
        CodeFault::{Long512, Long2048, Long4096},
        IdentityFault::{LoginCrlf, NameCrlf},
        TokenResponseFault as Reply,
    },
};

use crate::{
    case::{Case, Expect, Explain, Lane, Must, Should, Variant},
    check::{
        leaks::ERRORS_LEAK_NOTHING,
        redirects::NO_HEADER_INJECTED,
        sign_in::{REFUSES_SIGN_IN, SIGNS_IN_AS_USER, STAYS_CLEAN},
    },
    edit::{
        Change::{Bytes, Remove, Set},
        Edit::{Header, Query, RawQuery},
        Text::{Plain, Repeat},
    },
    feature::Feature::{AsksForProfile, SendsState, SignOutRequest},
    outcome::Level,
    script::{
        AFTER,
        Act::{Authorize, Deliver, Flood, NewBrowser, Probe, RawBytes, Request, SignIn, SignInWith, Start},
        MAIN,
        Place::{Callback, SignIn as SignInPage, SignOut},
        SIGN_IN, Step, user,
    },
    spec::{ASVS, RFC6585, RFC6749, RFC8259, RFC9110, RFC9112, ROBUSTNESS, WSTG},
};

macro_rules! ten_times {
    ($text:expr) => {
        concat!($text, $text, $text, $text, $text, $text, $text, $text, $text, $text)
    };
}

/// Two hundred parameters.
const MANY_PARAMETERS: &str = concat!(ten_times!(ten_times!("p=1&")), ten_times!(ten_times!("q=2&")));

/// One oversized request to one place.
macro_rules! oversized {
    ($name:literal, $place:expr, $edit:expr) => {
        Variant::of($name, &[user(Request($place, &[$edit]))], &[], &[Should(STAYS_CLEAN)])
    };
}

/// As long as a request target can be for most HTTP clients, the harness's own included.
const LONG: crate::edit::Change = Set(Repeat("a", 65_000));
const COOKIE: crate::edit::Text = Repeat("padding=0123456789; ", 5_120);

/// Bytes that are no text, in the state beside a good code: one by one, until the flow is used up.
const BAD_STATES: &[Step] = &[
    user(Start(MAIN, &[])),
    user(Authorize(MAIN, &[])),
    user(Deliver(MAIN, &[Query("state", Bytes("%FF%FE"))])),
    user(Deliver(MAIN, &[Query("state", Bytes("%C0%AF"))])),
    user(Deliver(MAIN, &[Query("state", Bytes("a%00b"))])),
    user(Deliver(MAIN, &[Query("state", Bytes("%ED%A0%80"))])),
    user(Deliver(MAIN, &[Query("state", Bytes("%ZZ%4"))])),
    user(Probe(AFTER)),
];

/// Bytes that are no text, in each parameter of a response; the code is never good.
macro_rules! bad_bytes {
    ($name:literal, $bytes:literal) => {
        Variant::of(
            $name,
            &[
                user(Start(MAIN, &[])),
                user(Authorize(MAIN, &[])),
                user(Deliver(
                    MAIN,
                    &[Query("state", Bytes($bytes)), Query("code", Bytes($bytes))],
                )),
                user(Deliver(MAIN, &[Query("code", Remove), Query("error", Bytes($bytes))])),
                user(Deliver(
                    MAIN,
                    &[
                        Query("code", Remove),
                        Query("error", Set(Plain("access_denied"))),
                        Query("error_description", Bytes($bytes)),
                        Query("error_uri", Bytes($bytes)),
                    ],
                )),
                user(Deliver(
                    MAIN,
                    &[Query("iss", Bytes($bytes)), Query("code", Bytes($bytes))],
                )),
                user(Probe(AFTER)),
            ],
            &[],
            &[Should(STAYS_CLEAN), Should(REFUSES_SIGN_IN)],
        )
    };
}

const CRLF_HEADER: &str = "%0D%0AX-Crlf-Probe:%20yes%0D%0ASet-Cookie:%20crlf-probe=yes%0D%0A%0D%0A";
const CR_HEADER: &str = "%0DX-Crlf-Probe:%20yes%0DSet-Cookie:%20crlf-probe=yes";
const LF_HEADER: &str = "%0AX-Crlf-Probe:%20yes%0ASet-Cookie:%20crlf-probe=yes";

const SPLITS_NOTHING: &[Expect] = &[Must(NO_HEADER_INJECTED), Should(STAYS_CLEAN)];

/// Line breaks in the parameters of an error response and in the return target.
macro_rules! line_breaks {
    ($name:literal, $bytes:expr) => {
        Variant::of(
            $name,
            &[
                user(SignInWith(
                    MAIN,
                    &[
                        Query("return_to", Bytes($bytes)),
                        Query("returnTo", Bytes($bytes)),
                        Query("next", Bytes($bytes)),
                    ],
                )),
                user(NewBrowser),
                user(Start(MAIN, &[])),
                user(Authorize(MAIN, &[])),
                user(Deliver(MAIN, &[Query("state", Bytes($bytes))])),
                user(Deliver(
                    MAIN,
                    &[
                        Query("code", Remove),
                        Query("error", Bytes($bytes)),
                        Query("error_description", Bytes($bytes)),
                    ],
                )),
            ],
            &[],
            SPLITS_NOTHING,
        )
    };
}

/// A token response in an unusual but right shape.
macro_rules! shaped {
    ($name:literal, $fault:expr) => {
        Variant::of(
            $name,
            SIGN_IN,
            &[Fault::TokenResponse($fault)],
            &[Must(SIGNS_IN_AS_USER)],
        )
    };
}

/// In the order of the catalogue.
pub(super) const CASES: &[Case] = &[
    Case {
        id: "robustness/oversized-request",
        title: "Requests that are far too large",
        level: Level::Should,
        positive: false,
        why: "The sign-in addresses are public; size must cost the sender more than the app.",
        spec: &[RFC9110.section("15.5.15"), RFC6585.section("5")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            oversized!("sign-in-64-kb", SignInPage, Query("x", LONG)),
            oversized!("sign-in-200-parameters", SignInPage, RawQuery(MANY_PARAMETERS)),
            oversized!("sign-in-100-kb-cookie", SignInPage, Header("cookie", COOKIE)),
            oversized!("callback-64-kb", Callback, Query("x", LONG)),
            oversized!("callback-200-parameters", Callback, RawQuery(MANY_PARAMETERS)),
            oversized!("callback-100-kb-cookie", Callback, Header("cookie", COOKIE)),
            oversized!("sign-out-64-kb", SignOut, Query("x", LONG)).needing(&[SignOutRequest]),
            oversized!("sign-out-200-parameters", SignOut, RawQuery(MANY_PARAMETERS)).needing(&[SignOutRequest]),
            oversized!("sign-out-100-kb-cookie", SignOut, Header("cookie", COOKIE)).needing(&[SignOutRequest]),
        ],
        deviation: Some("Any answer below 500 will do: which 4xx it is, RFC 9110 leaves open."),
        explain: Explain {
            story: "A request carries 64 kilobytes of query, 200 parameters or 100 kilobytes of cookies.\n\
                    The app copies them into logs, sessions and redirects.\n\
                    The server in front of it, or its own parser, falls over.\n\
                    The connection breaks, and with it the requests of others.",
            right: "Answers 400, 414 or 431, or ignores what it does not need.",
            false_alarm: "A limit of the proxy in front of the app shows here as well; the finding names the hop.",
            maps: &[],
        },
    },
    Case {
        id: "robustness/bad-bytes",
        title: "Bytes that are not valid text",
        level: Level::Should,
        positive: false,
        why: "A decoder that throws turns a public address into a server error.",
        spec: &[ROBUSTNESS.section("")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            bad_bytes!("invalid-utf-8", "%FF%FE"),
            bad_bytes!("overlong", "%C0%AF"),
            bad_bytes!("nul", "a%00b"),
            bad_bytes!("lone-surrogate", "%ED%A0%80"),
            bad_bytes!("broken-escape", "%ZZ%4"),
            Variant::of(
                "state",
                BAD_STATES,
                &[],
                &[Should(STAYS_CLEAN), Should(REFUSES_SIGN_IN)],
            )
            .needing(&[SendsState]),
        ],
        deviation: None,
        explain: Explain {
            story: "Every parameter of the callback in turn holds %FF, an overlong slash, a NUL, half a surrogate, %ZZ.\n\
                    Strict decoders throw; lenient ones make something else of it.\n\
                    The error page then fails on the same bytes.\n\
                    The log fills with stack traces that hide the next real one.",
            right: "Answers 4xx with its ordinary error page.",
            false_alarm: "Any answer below 500 will do.",
            maps: &["CVE-2026-73418"],
        },
    },
    Case {
        id: "robustness/crlf",
        title: "Line breaks that become response headers",
        level: Level::Must,
        positive: false,
        why: "Who can end a header line can set cookies and write pages in the app's name.",
        spec: &[RFC9110.section("5.5"), WSTG.section("WSTG-INPV-15")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            line_breaks!("crlf-encoded", CRLF_HEADER),
            line_breaks!("cr-encoded", CR_HEADER),
            line_breaks!("lf-encoded", LF_HEADER),
            Variant::of(
                "cr-raw",
                &[user(RawBytes(
                    "GET {callback}?error=a\rX-Crlf-Probe:yes HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
                ))],
                &[],
                &[Must(NO_HEADER_INJECTED)],
            ),
            Variant::of(
                "lf-raw",
                &[user(RawBytes(
                    "GET {callback}?error=a\nX-Crlf-Probe:yes HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
                ))],
                &[],
                &[Must(NO_HEADER_INJECTED)],
            ),
            Variant::of("name-claim", SIGN_IN, &[Fault::Identity(NameCrlf)], SPLITS_NOTHING).needing(&[AsksForProfile]),
            Variant::of("login-claim", SIGN_IN, &[Fault::Identity(LoginCrlf)], SPLITS_NOTHING)
                .needing(&[AsksForProfile]),
        ],
        deviation: None,
        explain: Explain {
            story: "State, error, return target or a claim hold a carriage return, a line feed, or both.\n\
                    The app copies the value into Location, a cookie or a header for the application behind it.\n\
                    The line ends there, and what follows is a header of the attacker's.\n\
                    He sets a session cookie of his choice in the victim's browser.",
            right: "Never copies such a value into a header, or encodes it first.",
            false_alarm: "Judged by a header that the payload names, so an escaped echo passes.",
            maps: &["mod_auth_openidc ChangeLog 2026-05-23"],
        },
    },
    Case {
        id: "robustness/long-code",
        title: "A long code is accepted",
        level: Level::Should,
        positive: true,
        why: "The standard gives a code no length; a column of 255 characters does.",
        spec: &[RFC6749.section("4.1.2")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            Variant::of("512", SIGN_IN, &[Fault::Code(Long512)], &[Should(SIGNS_IN_AS_USER)]),
            Variant::of("2048", SIGN_IN, &[Fault::Code(Long2048)], &[Should(SIGNS_IN_AS_USER)]),
            Variant::of("4096", SIGN_IN, &[Fault::Code(Long4096)], &[Should(SIGNS_IN_AS_USER)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The authorization server packs its state into the code, which becomes kilobytes long.\n\
                    The app stores it in a column, a cookie or a buffer of fixed size.\n\
                    It is cut and refused, or the request fails.\n\
                    With the server of the developer's machine it worked.",
            right: "Takes the code as it comes, whatever its length.",
            false_alarm: "4096 characters pass the limits of some proxies: a warning, as the whole case is.",
            maps: &[],
        },
    },
    Case {
        id: "robustness/json-shape",
        title: "Token responses in every valid JSON form",
        level: Level::Must,
        positive: true,
        why: "JSON and HTTP leave freedom; an app that parses by hand does not.",
        spec: &[RFC8259.section("4"), RFC9110.section("8.3"), RFC9112.section("7")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            shaped!("member-order", Reply::MembersReversed),
            shaped!("pretty-printed", Reply::Pretty),
            shaped!("escapes", Reply::Escaped),
            shaped!("trailing-newline", Reply::TrailingNewline),
            shaped!("charset", Reply::Charset),
            shaped!("chunked", Reply::Chunked),
            shaped!("close-delimited", Reply::CloseDelimited),
            shaped!("header-case", Reply::HeaderCase),
        ],
        deviation: None,
        explain: Explain {
            story: "After an update the authorization server writes its members in another order, or with line breaks,\n\
                    adds a charset, sends chunks, or closes the connection to end the body.\n\
                    All of it means the same.\n\
                    An app that cuts strings, or compares the content type to the letter, signs nobody in.",
            right: "Signs the user in.",
            false_alarm: "None is known: each shape is allowed by RFC 8259, 9110 or 9112.",
            maps: &[],
        },
    },
    Case {
        id: "robustness/no-leak-on-error",
        title: "Error pages reveal internals of the app",
        level: Level::Should,
        positive: false,
        why: "Stack traces, paths and raw answers tell an attacker where to go on.",
        spec: &[ASVS.section("16.5.1"), WSTG.section("WSTG-ERRH-01")],
        needs: &[],
        lane: Lane::Watch,
        variants: &[Variant::watching("every-answer", &[Should(ERRORS_LEAK_NOTHING)])],
        deviation: Some("Headers of answers are searched for addresses only, not for stack traces."),
        explain: Explain {
            story: "All the refusals of the run are read again.\n\
                    One of them holds a stack trace, a path, a token, the client secret,\n\
                    or the answer of the authorization server as it came.\n\
                    Whoever provokes that error learns versions, libraries and secrets.",
            right: "Says what happened in its own words, and keeps the rest for its log.",
            false_alarm: "Development modes show traces on purpose: run the app as it runs in production.",
            maps: &["CVE-2021-45325"],
        },
    },
    Case {
        id: "robustness/login-start-flood",
        title: "Two thousand sign-ins that nobody finishes",
        level: Level::Should,
        positive: false,
        why: "Every start costs the app memory, and costs the attacker one request.",
        spec: &[ROBUSTNESS.section("")],
        needs: &[],
        lane: Lane::Alone,
        variants: &[Variant::of(
            "2000-starts",
            &[user(Flood(2_000)), user(SignIn(MAIN)), user(Probe(AFTER))],
            &[],
            &[Should(STAYS_CLEAN), Should(SIGNS_IN_AS_USER)],
        )],
        deviation: Some("The growth of memory is not measured."),
        explain: Explain {
            story: "A script opens the sign-in address two thousand times without keeping cookies.\n\
                    The app stores a state for each and never forgets one.\n\
                    Memory grows, or the store evicts the sign-ins of real users.\n\
                    The next user cannot sign in.",
            right: "Keeps unfinished sign-ins in a cookie, or bounds their number and age; the next sign-in works.",
            false_alarm: "A rate limit that answers 429 is fine when an ordinary sign-in works afterwards.",
            maps: &["CVE-2021-22119", "CVE-2026-67437", "CVE-2026-55512"],
        },
    },
];
