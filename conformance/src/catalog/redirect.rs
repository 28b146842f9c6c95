//! `redirect/`: where the app sends the browser after sign-in.

use crate::{
    case::{Case, Expect, Explain, Lane, May, Must, Should, Variant},
    check::{
        callback::NEXT_SIGN_IN_WORKS,
        redirects as ask,
        sign_in::{REFUSES_SIGN_IN, SIGNS_IN_AS_USER, STAYS_CLEAN},
    },
    edit::{
        Change::{Append, Raw, Retarget, Set},
        CookieEdit,
        Edit::{self, From, Query},
        Initiator::OtherSiteSubresource,
        Text::{Plain, Repeat, RequestOf, ResponseOf},
    },
    feature::Feature::{
        CookieCarriesTarget, DeepLinks, InitiateLogin as HasInitiateLogin, SendsState, SignOutRequest,
        SignsInOverSession, StateCarriesTarget,
    },
    outcome::Level,
    script::{
        AFTER,
        Act::{
            Authorize, Callback, Cookies, DeepLink, Deliver, InitiateLogin, NewBrowser, Probe, SignIn, SignInWith,
            SignOut, Start,
        },
        MAIN, OTHER, attacker, user, victim,
    },
    spec::{ASVS, OIDC_CORE, RFC9110, RFC9700, ROBUSTNESS, WSTG},
};

/// The same target under every name by which apps take one.
macro_rules! under_every_name {
    ($change:expr) => {
        &[
            Query("return_to", $change),
            Query("returnTo", $change),
            Query("return_url", $change),
            Query("returnUrl", $change),
            Query("next", $change),
            Query("redirect", $change),
            Query("redirect_to", $change),
            Query("redirect_url", $change),
            Query("callbackUrl", $change),
            Query("rd", $change),
            Query("url", $change),
            Query("target", $change),
            Query("goto", $change),
            Query("continue", $change),
            Query("dest", $change),
            Query("origin", $change),
            Query("RelayState", $change),
        ]
    };
}
pub(super) use under_every_name;

/// A sign-in whose first address carries these targets, finished, because the check may come only then.
macro_rules! targeted {
    ($name:literal, $edits:expr) => {
        Variant::of(
            $name,
            &[user(SignInWith(MAIN, $edits)), user(Probe(AFTER))],
            &[],
            &[Must(ask::STAYS_INSIDE), Should(STAYS_CLEAN)],
        )
    };
}

/// A target that no parser should fall over.
macro_rules! malformed {
    ($name:literal, $change:expr) => {
        Variant::of(
            $name,
            &[
                user(SignInWith(
                    MAIN,
                    &[
                        Query("return_to", $change),
                        Query("returnTo", $change),
                        Query("next", $change),
                        Query("callbackUrl", $change),
                    ],
                )),
                user(NewBrowser),
                user(SignIn(OTHER)),
                user(Probe("again")),
            ],
            &[],
            MALFORMED,
        )
    };
}

const MALFORMED: &[Expect] = &[
    Must(ask::NO_HEADER_INJECTED),
    Must(ask::STAYS_INSIDE),
    Should(STAYS_CLEAN),
    Should(NEXT_SIGN_IN_WORKS),
];

const OUTSIDE: &[Edit] = under_every_name!(Set(Plain("{second_origin}/landing")));

/// In the order of the catalogue.
pub(super) const CASES: &[Case] = &[
    Case {
        id: "redirect/deep-link",
        title: "A deep link survives the sign-in",
        level: Level::Should,
        positive: true,
        why: "Who opened a link in a mail wants that page and not the home page.",
        spec: &[ROBUSTNESS.section("")],
        needs: &[DeepLinks],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "with-query",
            &[
                user(DeepLink(MAIN, "?a=1&b=%2F%26")),
                user(Authorize(MAIN, &[])),
                user(Deliver(MAIN, &[])),
                user(Probe(AFTER)),
            ],
            &[],
            &[Should(ask::LANDS_ON_DEEP_LINK), Should(SIGNS_IN_AS_USER)],
        )],
        deviation: None,
        explain: Explain {
            story: "A signed-out user opens a link to a protected page, with a query of its own.\n\
                    The app starts a sign-in and remembers only the path, or decodes the query once too often.\n\
                    After sign-in she lands on the home page, or on a search for something else.\n\
                    Some apps even go round twice.",
            right: "Lands on the same path and query, after one sign-in.",
            false_alarm: "Skipped for apps whose protected page does not start a sign-in by itself.",
            maps: &[],
        },
    },
    Case {
        id: "redirect/external-target",
        title: "A link to the app sends the user elsewhere",
        level: Level::Must,
        positive: false,
        why: "Open redirect: the address begins with the app's name and ends at the attacker's page.",
        spec: &[
            RFC9700.section("4.11.1"),
            ASVS.section("3.7.2"),
            WSTG.section("WSTG-CLNT-04"),
        ],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            targeted!("sign-in", OUTSIDE),
            Variant::of(
                "callback",
                &[
                    user(Start(MAIN, &[])),
                    user(Authorize(MAIN, &[])),
                    user(Deliver(MAIN, OUTSIDE)),
                    user(Probe(AFTER)),
                ],
                &[],
                &[Must(ask::STAYS_INSIDE)],
            ),
            Variant::of(
                "callback-alone",
                &[user(Callback(OUTSIDE))],
                &[],
                &[Must(ask::STAYS_INSIDE)],
            ),
            Variant::of(
                "sign-out",
                &[user(SignIn(MAIN)), user(SignOut(OUTSIDE))],
                &[],
                &[Must(ask::STAYS_INSIDE)],
            )
            .needing(&[SignOutRequest]),
        ],
        deviation: None,
        explain: Explain {
            story: "The attacker sends a link to the app's own sign-in page, with `next` pointing at his copy of it.\n\
                    The victim sees the right name in the address and signs in, at the real authorization server.\n\
                    Then the app sends her to the copy, which says that the password was wrong.\n\
                    She types it in again.",
            right: "Takes only local paths as targets, and falls back to its home page.",
            false_alarm: "The sign-in is always finished, because many apps check only at the end. Redirects to the app, to other ports of its host \
                          and to the authorization server are fine; so is a page that warns first.",
            maps: &[
                "OA:T4_1_5_OpenRedirectors",
                "CVE-2022-3145",
                "CVE-2022-24858",
                "CVE-2022-29214",
                "CVE-2021-43812",
                "CVE-2022-24794",
                "CVE-2023-50771",
                "CVE-2016-1000001",
            ],
        },
    },
    Case {
        id: "redirect/parser-tricks",
        title: "A target that looks local and is not",
        level: Level::Must,
        positive: false,
        why: "Checks read text, browsers read URLs: a slash, a tab or an @ makes the difference.",
        spec: &[RFC9700.section("4.11.1"), ASVS.section("3.7.2")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            targeted!("two-slashes", under_every_name!(Set(Plain("//evil.example/")))),
            targeted!("three-slashes", under_every_name!(Set(Plain("///evil.example/")))),
            targeted!("slash-backslash", under_every_name!(Set(Plain("/\\evil.example/")))),
            targeted!("two-backslashes", under_every_name!(Set(Plain("\\\\evil.example/")))),
            targeted!("tab", under_every_name!(Set(Plain("/\t/evil.example/")))),
            targeted!("raw-tab", under_every_name!(Raw("/%09/evil.example/"))),
            targeted!("encoded-backslash", under_every_name!(Raw("/%5Cevil.example/"))),
            targeted!(
                "scheme-without-slashes",
                under_every_name!(Set(Plain("https:evil.example/")))
            ),
            targeted!("user-info", under_every_name!(Set(Plain("{app}@evil.example/")))),
            targeted!(
                "prefix",
                under_every_name!(Set(Plain("http://localhost.evil.example/")))
            ),
            targeted!("suffix", under_every_name!(Set(Plain("http://evil-localhost/")))),
            targeted!("nul", under_every_name!(Set(Plain("//evil.example\0/")))),
            targeted!("javascript", under_every_name!(Set(Plain("javascript:cfmx()")))),
            targeted!(
                "data",
                under_every_name!(Set(Plain("data:text/html,<script>cfmx()</script>")))
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The app takes only targets that begin with a slash, or that contain its own name.\n\
                    `//evil`, `/\\evil` and `/<tab>/evil` begin with a slash and lead elsewhere;\n\
                    `http://app@evil` and `http://app.evil` contain the name.\n\
                    Fourteen CVEs in sign-in libraries are of this kind.",
            right: "Parses the target as a browser does and compares origins, or accepts only a plain path pattern.",
            false_alarm: "A Location that no browser can read leads nowhere and passes.",
            maps: &[
                "CVE-2019-20479",
                "CVE-2020-5233",
                "CVE-2021-21291",
                "CVE-2022-23527",
                "CVE-2021-32786",
            ],
        },
    },
    Case {
        id: "redirect/state-carried",
        title: "The return target in the state or a cookie is edited",
        level: Level::Must,
        positive: false,
        why: "A target that was checked at the start and travels unsealed is not checked at all.",
        spec: &[RFC9700.section("4.7.1")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "edited-state",
                &[
                    user(DeepLink(MAIN, "")),
                    user(Authorize(MAIN, &[])),
                    user(Deliver(MAIN, &[Query("state", Retarget("https://evil.example/"))])),
                    user(Probe(AFTER)),
                ],
                &[],
                &[Must(ask::STAYS_INSIDE)],
            )
            .needing(&[DeepLinks, StateCarriesTarget]),
            Variant::of(
                "edited-cookie",
                &[
                    user(DeepLink(MAIN, "")),
                    user(Authorize(MAIN, &[])),
                    user(Cookies(CookieEdit::Retarget("https://evil.example/"))),
                    user(Deliver(MAIN, &[])),
                    user(Probe(AFTER)),
                ],
                &[],
                &[Must(ask::STAYS_INSIDE)],
            )
            .needing(&[DeepLinks, CookieCarriesTarget]),
            Variant::of(
                "appended-to-state",
                &[
                    user(Start(MAIN, &[])),
                    user(Authorize(MAIN, &[])),
                    user(Deliver(MAIN, &[Query("state", Append("|https://evil.example/"))])),
                    user(Probe(AFTER)),
                ],
                &[],
                &[Must(ask::STAYS_INSIDE), Should(STAYS_CLEAN)],
            )
            .needing(&[SendsState]),
            Variant::of(
                "swapped",
                &[
                    attacker(SignInWith(OTHER, OUTSIDE)),
                    victim(Start(MAIN, &[])),
                    victim(Authorize(MAIN, &[])),
                    victim(Deliver(MAIN, &[Query("state", Set(RequestOf(OTHER, "state")))])),
                    victim(Probe(AFTER)),
                ],
                &[],
                &[Must(ask::STAYS_INSIDE), Must(REFUSES_SIGN_IN), Should(STAYS_CLEAN)],
            )
            .needing(&[SendsState]),
            Variant::of(
                "replayed",
                &[
                    user(SignInWith(OTHER, OUTSIDE)),
                    user(Start(MAIN, &[])),
                    user(Authorize(MAIN, &[])),
                    user(Deliver(MAIN, &[Query("state", Set(ResponseOf(OTHER, "state")))])),
                    user(Probe(AFTER)),
                ],
                &[],
                &[Must(ask::STAYS_INSIDE), Should(STAYS_CLEAN)],
            )
            .needing(&[SendsState, SignsInOverSession]),
        ],
        deviation: None,
        explain: Explain {
            story: "The app checks the target when the sign-in starts and then writes it, readable, into state or a cookie.\n\
                    The attacker edits it there, or brings a state of his own with a target of his own.\n\
                    At the callback nobody checks again.\n\
                    The freshly signed-in victim lands on his page.",
            right: "Signs or encrypts what it carries, ties it to the browser, and checks the target again at the end.",
            false_alarm: "The first two variants run only where the control shows a target in clear.",
            maps: &[],
        },
    },
    Case {
        id: "redirect/malformed-target",
        title: "A malformed return target",
        level: Level::Must,
        positive: false,
        why: "The address is public: what makes the handler throw takes the sign-in page down.",
        spec: &[
            RFC9110.section("5.5"),
            WSTG.section("WSTG-INPV-15"),
            RFC9700.section("4.11.1"),
        ],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            malformed!("percent", Raw("%")),
            malformed!("open-bracket", Set(Plain("http://["))),
            Variant::of(
                "64-kb",
                &[
                    user(SignInWith(MAIN, &[Query("return_to", Set(Repeat("aaaaaaaa", 8_125)))])),
                    user(NewBrowser),
                    user(SignIn(OTHER)),
                    user(Probe("again")),
                ],
                &[],
                MALFORMED,
            ),
            malformed!(
                "crlf-header",
                Raw("/%0D%0AX-Crlf-Probe:%20yes%0D%0ASet-Cookie:%20crlf-probe=yes")
            ),
            malformed!("invalid-utf-8", Raw("/%FF%C0%AF")),
        ],
        deviation: None,
        explain: Explain {
            story: "The target parameter holds a lone percent sign, an unfinished host, 64 kilobytes, line breaks, no text.\n\
                    The URL parser throws, and nobody catches it; in one product that stopped the process.\n\
                    Or the line break ends the Location header and begins another.\n\
                    One address then takes the sign-in down, or sets a cookie.",
            right: "Ignores what is no local path and signs the user in as if it were not there.",
            false_alarm: "A refusal with 4xx (400, 414) is as good.",
            maps: &["CVE-2022-31093"],
        },
    },
    Case {
        id: "redirect/third-party-initiated",
        title: "A sign-in started by a third party",
        level: Level::Must,
        positive: false,
        why: "The initiate-login address takes an issuer and a target from anybody.",
        spec: &[OIDC_CORE.section("4")],
        needs: &[HasInitiateLogin],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "good",
                &[
                    user(InitiateLogin(MAIN, &[])),
                    user(Authorize(MAIN, &[])),
                    user(Deliver(MAIN, &[])),
                    user(Probe(AFTER)),
                ],
                &[],
                &[Must(SIGNS_IN_AS_USER)],
            ),
            Variant::of(
                "own-target",
                &[
                    user(InitiateLogin(
                        MAIN,
                        &[Query("target_link_uri", Set(Plain("{app}/?from=portal")))],
                    )),
                    user(Authorize(MAIN, &[])),
                    user(Deliver(MAIN, &[])),
                    user(Probe(AFTER)),
                ],
                &[],
                &[Must(SIGNS_IN_AS_USER), May(ask::LANDS_ON_TARGET_LINK)],
            ),
            Variant::of(
                "wrong-issuer",
                &[user(InitiateLogin(
                    MAIN,
                    &[Query("iss", Set(Plain("{second_origin}")))],
                ))],
                &[],
                &[Must(ask::WRONG_ISSUER_STARTS_NOTHING), Should(STAYS_CLEAN)],
            ),
            Variant::of(
                "external-target",
                &[
                    user(InitiateLogin(
                        MAIN,
                        &[Query("target_link_uri", Set(Plain("{second_origin}/landing")))],
                    )),
                    user(Authorize(MAIN, &[])),
                    user(Deliver(MAIN, &[])),
                ],
                &[],
                &[Must(ask::STAYS_INSIDE), Should(STAYS_CLEAN)],
            ),
            Variant::of(
                "framed",
                &[user(InitiateLogin(MAIN, &[From(OtherSiteSubresource)]))],
                &[],
                &[Should(ask::START_IS_NOT_FRAMED)],
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "OpenID Connect lets a portal start the sign-in, by an address with iss and target_link_uri.\n\
                    The attacker uses that address with an issuer of his own, or with a target of his own,\n\
                    or loads it in a hidden frame.\n\
                    The app asks the wrong server, or lands the victim on the wrong page.",
            right: "Accepts only its own issuer and targets inside itself, and refuses to be framed.",
            false_alarm: "Skipped for apps without an initiate-login address.",
            maps: &["o:3rd-party-init-login", "L:rp-3rd_party-init-login", "CVE-2021-39191"],
        },
    },
];
