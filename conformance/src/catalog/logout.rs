//! `logout/`: local sign-out, RP-initiated, back-channel and front-channel.

use mock_idp::{
    Fault,
    flow::fault::{
        EndSessionFault::{Error, Hang, StateAbsent, StateOther, Status500},
        LogoutTokenFault::{self as Token},
        MetadataFault::NoEndSession,
    },
};

use super::redirect::under_every_name;
use crate::{
    case::{Case, Expect, Explain, Lane, May, Must, Should, Variant},
    check::{
        cookies::SESSION_COOKIES_ARE_CLEARED,
        logout as ask,
        redirects::STAYS_INSIDE,
        session::{
            BROWSER_IS_SIGNED_OUT, OTHER_SESSION_IS_ALIVE, OTHER_SESSION_IS_DEAD, SESSION_IS_ALIVE, SESSION_IS_DEAD,
            STRANGER_IS_UNTOUCHED,
        },
        sign_in::{SIGNS_IN_AS_USER, STAYS_CLEAN},
    },
    edit::{
        Change::{Raw, Remove, Set},
        CookieEdit::Load,
        Edit::{From, Header, Method, NoCookies, Query},
        Initiator::{OtherSiteForm, OtherSiteSubresource},
        Text::{Plain, Random},
    },
    feature::Feature::{
        BackChannelLogout, FetchesDiscovery, FrontChannelLogout, PromisesSingleSignOut, RpInitiatedLogout,
        SendsLogoutState, SessionCookie, SignOutRequest, SignsOut,
    },
    outcome::Level,
    script::{
        AFTER,
        Act::{
            Cookies, FollowSignOut, FrontChannel, LogoutToken, Probe, ProbeWith, Request, Save, SignIn, SignInAs,
            SignOut,
        },
        MAIN, OTHER,
        Place::{self, BackChannel, PostLogout},
        Step, THIRD, Who, attacker, user, victim,
    },
    spec::{ASVS, BACKCHANNEL, FRONTCHANNEL, RFC8725, RFC9700, RP_LOGOUT, WSTG},
};

/// Sign in, sign out, and try the cookies from before.
const SIGNED_OUT: &[Step] = &[
    user(SignIn(MAIN)),
    user(Probe("signed-in")),
    user(Save("live")),
    user(SignOut(&[])),
    user(Save("after")),
    user(ProbeWith(AFTER, "live")),
    user(Probe("jar")),
];

/// The same, on to the authorization server and back.
const SIGNED_OUT_EVERYWHERE: &[Step] = &[
    user(SignIn(MAIN)),
    user(Probe("signed-in")),
    user(Save("live")),
    user(SignOut(&[])),
    user(FollowSignOut(&[])),
    user(ProbeWith(AFTER, "live")),
    user(Probe("jar")),
];

/// The way back after sign-out is edited.
macro_rules! returned {
    ($name:literal, $($edit:expr),*) => {
        Variant::of(
            $name,
            &[
                user(SignIn(MAIN)),
                user(Probe("signed-in")),
                user(Save("live")),
                user(SignOut(&[])),
                user(FollowSignOut(&[$($edit),*])),
                user(ProbeWith(AFTER, "live")),
            ],
            &[],
            RETURNED,
        )
    };
}

/// The authorization server itself sends the user back with something else.
macro_rules! sent_back {
    ($name:literal, $fault:expr) => {
        Variant::of($name, SIGNED_OUT_EVERYWHERE, &[Fault::EndSession($fault)], RETURNED)
    };
}

const RETURNED: &[Expect] = &[Should(STAYS_CLEAN), Should(SESSION_IS_DEAD)];

/// A sign-out whose address carries targets.
macro_rules! targeted {
    ($name:literal, $change:expr) => {
        Variant::of(
            $name,
            &[
                user(SignIn(MAIN)),
                user(SignOut(under_every_name!($change))),
                user(FollowSignOut(&[])),
            ],
            &[],
            &[Must(STAYS_INSIDE), Should(STAYS_CLEAN)],
        )
    };
}

/// One logout token for one session.
const NOTIFIED: &[Step] = &[
    user(SignIn(MAIN)),
    user(Probe("signed-in")),
    user(LogoutToken(MAIN)),
    user(Probe(AFTER)),
];

/// One logout token while the same user and another one are signed in elsewhere.
const NOTIFIED_AMONG_OTHERS: &[Step] = &[
    victim(SignInAs(Who::User, OTHER)),
    attacker(SignIn(THIRD)),
    user(SignIn(MAIN)),
    user(Probe("signed-in")),
    victim(Probe("other-before")),
    user(LogoutToken(MAIN)),
    user(Probe(AFTER)),
    victim(Probe("other-browser")),
    attacker(Probe("stranger")),
];

const ENDS_THIS_SESSION: &[Expect] = &[
    Must(ask::LOGOUT_TOKEN_ACCEPTED),
    Must(SESSION_IS_DEAD),
    Should(OTHER_SESSION_IS_ALIVE),
    Must(STRANGER_IS_UNTOUCHED),
    Should(ask::LOGOUT_ANSWER_IS_NO_STORE),
];

/// A logout token that must be refused.
macro_rules! refused {
    ($name:literal, $fault:expr) => {
        Variant::of(
            $name,
            NOTIFIED,
            &[Fault::LogoutToken($fault)],
            &[
                Must(ask::LOGOUT_TOKEN_REFUSED),
                Must(SESSION_IS_ALIVE),
                Should(ask::LOGOUT_TOKEN_REFUSED_WITH_400),
            ],
        )
    };
}

/// A logout token that should be refused; older providers send such ones.
macro_rules! better_refused {
    ($name:literal, $fault:expr) => {
        Variant::of(
            $name,
            NOTIFIED,
            &[Fault::LogoutToken($fault)],
            &[
                Should(ask::LOGOUT_TOKEN_CLEAN),
                Should(ask::LOGOUT_TOKEN_REFUSED),
                Should(SESSION_IS_ALIVE),
            ],
        )
    };
}

/// A good logout token with a type that is fine.
macro_rules! accepted {
    ($name:literal, $fault:expr) => {
        Variant::of(
            $name,
            NOTIFIED,
            &[Fault::LogoutToken($fault)],
            &[Must(ask::LOGOUT_TOKEN_ACCEPTED), Must(SESSION_IS_DEAD)],
        )
    };
}

/// Something that is no logout request.
macro_rules! bad_request {
    ($name:literal, $fault:expr) => {
        Variant::of(
            $name,
            NOTIFIED,
            &[Fault::LogoutToken($fault)],
            &[
                Must(ask::LOGOUT_TOKEN_REFUSED),
                Must(SESSION_IS_ALIVE),
                Must(ask::LOGOUT_TOKEN_CLEAN),
            ],
        )
    };
}

/// The front-channel logout URI in a frame.
macro_rules! framed {
    ($($edit:expr),*) => {
        &[
            user(SignIn(MAIN)),
            user(Probe("signed-in")),
            user(FrontChannel(MAIN, &[$($edit),*])),
            user(Probe(AFTER)),
        ]
    };
}

const SURVIVES: &[Expect] = &[Should(SESSION_IS_ALIVE), Should(STAYS_CLEAN)];

/// In the order of the catalogue.
pub(super) const CASES: &[Case] = &[
    Case {
        id: "logout/session-dead",
        title: "The session still works after sign-out",
        level: Level::Must,
        positive: false,
        why: "Sign-out that only forgets the cookie leaves the session to whoever copied it.",
        spec: &[ASVS.section("7.4.1"), WSTG.section("WSTG-SESS-06")],
        needs: &[SignsOut],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "saved-cookies",
            SIGNED_OUT,
            &[],
            &[Must(SESSION_IS_DEAD), Must(BROWSER_IS_SIGNED_OUT)],
        )],
        deviation: Some("The saved cookies are tried on the probe page; other protected pages are not asked again."),
        explain: Explain {
            story: "The attacker has copied the session cookie: on a shared machine, by a script, from a log.\n\
                    The user notices and signs out.\n\
                    The app deletes the cookie in her browser and does nothing on the server.\n\
                    The copy goes on working until it expires, if it does.",
            right: "Ends the session on the server, so that no copy of the cookie works.",
            false_alarm: "Sealed cookies without a server-side record cannot be revoked: a fail under ASVS 7.4.1; the \
                          finding names it a self-contained session.",
            maps: &["CVE-2024-21492", "CVE-2023-20862", "CVE-2026-34454"],
        },
    },
    Case {
        id: "logout/cookies-cleared",
        title: "Sign-out leaves the session cookies in the browser",
        level: Level::Should,
        positive: false,
        why: "A cookie that stays tells the next page, and the next user of the browser, who was here.",
        spec: &[WSTG.section("WSTG-SESS-06")],
        needs: &[SignsOut, SessionCookie],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "after-sign-out",
            SIGNED_OUT,
            &[],
            &[Should(SESSION_COOKIES_ARE_CLEARED)],
        )],
        deviation: Some(
            "Token and refresh cookies are judged as far as they carry the session: without them nobody is signed in.",
        ),
        explain: Explain {
            story: "The app expires its cookie with another Path or Domain than it was set with, or not at all.\n\
                    The browser treats that as another cookie and keeps the first.\n\
                    Token and refresh cookies are forgotten altogether.\n\
                    The next request still carries them.",
            right: "Expires every session, token and refresh cookie under the name, Path and Domain of its setting.",
            false_alarm: "A new value for the next visitor under the same name is fine; only an unchanged value counts.",
            maps: &["CVE-2026-34454"],
        },
    },
    Case {
        id: "logout/scope-of-local",
        title: "Signing out in one browser signs out the other",
        level: Level::Should,
        positive: false,
        why: "People who sign out on a shared computer do not expect to lose their session on their own.",
        spec: &[ASVS.section("7.4.1"), ASVS.section("7.5.2")],
        needs: &[SignsOut],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "two-browsers",
            &[
                user(SignIn(MAIN)),
                victim(SignInAs(Who::User, OTHER)),
                victim(Probe("signed-in")),
                user(SignOut(&[])),
                victim(Probe("other-browser")),
            ],
            &[],
            &[Should(OTHER_SESSION_IS_ALIVE)],
        )],
        deviation: None,
        explain: Explain {
            story: "The same user is signed in on two machines and signs out on one.\n\
                    The app stores one session per user, or ends all of them.\n\
                    The other machine is signed out in the middle of something.\n\
                    The same mistake lets one session overwrite the other.",
            right: "Ends this session; ending all of them is a button of its own.",
            false_alarm: "An app that documents global sign-out does it on purpose: leave the case out with that reason.",
            maps: &[],
        },
    },
    Case {
        id: "logout/csrf",
        title: "Another site can sign the user out",
        level: Level::Should,
        positive: false,
        why: "A nuisance by itself, and the first step of signing the user in as somebody else.",
        spec: &[
            ASVS.section("3.5.1"),
            ASVS.section("3.5.3"),
            WSTG.section("WSTG-SESS-05"),
        ],
        needs: &[SignOutRequest],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "image",
                &[
                    user(SignIn(MAIN)),
                    user(Probe("signed-in")),
                    user(Request(Place::SignOut, &[From(OtherSiteSubresource)])),
                    user(Probe(AFTER)),
                ],
                &[],
                &[Should(SESSION_IS_ALIVE)],
            ),
            Variant::of(
                "form-post",
                &[
                    user(SignIn(MAIN)),
                    user(Probe("signed-in")),
                    user(Request(Place::SignOut, &[Method("POST"), From(OtherSiteForm)])),
                    user(Probe(AFTER)),
                ],
                &[],
                &[Should(SESSION_IS_ALIVE)],
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "A page of another site holds an image whose address is the app's sign-out, or a form that posts there.\n\
                    The browser sends the request, with cookies as far as SameSite lets it.\n\
                    The user is signed out.\n\
                    Together with login CSRF she is then signed in as the attacker, without noticing a change.",
            right: "Signs out by POST with a token against forged forms; a GET asks first.",
            false_alarm: "Sign-out by GET is common, and some portals rely on it: never more than a warning.",
            maps: &[],
        },
    },
    Case {
        id: "logout/when-signed-out",
        title: "Sign-out without a session",
        level: Level::Should,
        positive: false,
        why: "People press the button twice; the second time there is nothing to end.",
        spec: &[RP_LOGOUT.section("2")],
        needs: &[SignsOut],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "no-session",
                &[user(SignOut(&[])), user(FollowSignOut(&[]))],
                &[],
                &[Should(STAYS_CLEAN), Should(ask::NO_EMPTY_HINT)],
            ),
            Variant::of(
                "twice",
                &[
                    user(SignIn(MAIN)),
                    user(SignOut(&[])),
                    user(SignOut(&[])),
                    user(FollowSignOut(&[])),
                ],
                &[],
                &[Should(STAYS_CLEAN), Should(ask::NO_EMPTY_HINT)],
            ),
            Variant::of(
                "expired",
                &[
                    user(SignIn(MAIN)),
                    user(Save("live")),
                    user(SignOut(&[])),
                    user(Cookies(Load("live"))),
                    user(SignOut(&[])),
                    user(FollowSignOut(&[])),
                ],
                &[],
                &[Should(STAYS_CLEAN), Should(ask::NO_EMPTY_HINT)],
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The session is gone already, and the user presses sign-out once more.\n\
                    The app reads the ID token of a session that is not there.\n\
                    It ends in a server error, or sends the browser off with `id_token_hint=null`.\n\
                    Okta answers that with an error page, on which the user stays.",
            right: "Shows its signed-out page, or goes on without a hint.",
            false_alarm: "A sign-out page that offers nothing to a signed-out visitor is fine.",
            maps: &[],
        },
    },
    Case {
        id: "logout/then-login-again",
        title: "Sign in, out, and in again",
        level: Level::Must,
        positive: true,
        why: "What remains of the last session must neither block the next one nor carry over into it.",
        spec: &[ASVS.section("7.2.4")],
        needs: &[SignsOut],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "same-browser",
            &[
                user(SignIn(OTHER)),
                user(Save("first")),
                user(SignOut(&[])),
                user(FollowSignOut(&[])),
                user(SignIn(MAIN)),
                user(Save("second")),
                user(Probe(AFTER)),
            ],
            &[],
            &[Should(SIGNS_IN_AS_USER), Must(ask::NEXT_SIGN_IN_IS_FRESH)],
        )],
        deviation: Some(
            "A second sign-in that fails is a warning: no clause promises it. Old values in it are a fail.",
        ),
        explain: Explain {
            story: "The user signs out and in again in the same browser.\n\
                    The app finds the old state, nonce or verifier and uses it once more.\n\
                    Or it takes up the old session id, which was to be dead.\n\
                    Or it refuses, because something of the old session is in the way.",
            right: "Begins afresh: new state, nonce, challenge and session id.",
            false_alarm: "None is known.",
            maps: &[],
        },
    },
    Case {
        id: "logout/no-silent-return",
        title: "The page after sign-out signs the user in again",
        level: Level::Should,
        positive: false,
        why: "While the authorization server still knows the user, one redirect undoes the sign-out.",
        spec: &[ASVS.section("7.6.2")],
        needs: &[SignsOut],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "landing",
                SIGNED_OUT_EVERYWHERE,
                &[],
                &[Should(BROWSER_IS_SIGNED_OUT), Should(ask::NO_SILENT_RETURN)],
            )
            .needing(&[RpInitiatedLogout]),
            Variant::of(
                "session-alive-at-the-server",
                &[
                    user(SignIn(MAIN)),
                    user(SignOut(&[])),
                    user(Request(PostLogout, &[])),
                    user(Probe("jar")),
                ],
                &[],
                &[Should(BROWSER_IS_SIGNED_OUT), Should(ask::NO_SILENT_RETURN)],
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The user signs out; her session at the authorization server lives on.\n\
                    The app lands her on a page that needs a session, and that page starts a sign-in by itself.\n\
                    The authorization server answers without asking.\n\
                    She is signed in again before she has let go of the mouse.",
            right: "Lands on a public page that offers to sign in and waits.",
            false_alarm: "The walk stops at the redirect to the authorization server, so nobody is really signed in again.",
            maps: &[],
        },
    },
    Case {
        id: "logout/redirect-param",
        title: "A link to sign-out sends the user elsewhere",
        level: Level::Must,
        positive: false,
        why: "Open redirect on sign-out: the user has just been told to expect a sign-in page.",
        spec: &[RFC9700.section("4.11.1")],
        needs: &[SignOutRequest],
        lane: Lane::Parallel,
        variants: &[
            targeted!("outside", Set(Plain("{second_origin}/landing"))),
            targeted!("two-slashes", Set(Plain("//evil.example/"))),
            targeted!("slash-backslash", Set(Plain("/\\evil.example/"))),
            targeted!("raw-tab", Raw("/%09/evil.example/")),
            targeted!("encoded-backslash", Raw("/%5Cevil.example/")),
            targeted!("user-info", Set(Plain("{app}@evil.example/"))),
            targeted!("javascript", Set(Plain("javascript:cfmx()"))),
        ],
        deviation: None,
        explain: Explain {
            story: "The sign-out address takes a page to go to afterwards.\n\
                    The attacker puts his own there, written so that a simple check takes it for local.\n\
                    The user signs out and lands on a copy of the sign-in page.\n\
                    She signs in again, there.",
            right: "Takes local paths or registered addresses only.",
            false_alarm: "The registered post-logout address at another origin would have to be the app's or the \
                          authorization server's.",
            maps: &["CVE-2019-14857", "CVE-2021-32786", "CVE-2022-23527"],
        },
    },
    Case {
        id: "logout/rp-init-reaches-idp",
        title: "Sign-out does not reach the authorization server",
        level: Level::Should,
        positive: false,
        why: "Without it the next click on sign-in needs no password: on a shared machine, anybody's click.",
        spec: &[RP_LOGOUT.section("2")],
        needs: &[SignsOut, PromisesSingleSignOut],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "followed",
            SIGNED_OUT_EVERYWHERE,
            &[],
            &[Should(ask::REACHES_END_SESSION)],
        )],
        deviation: None,
        explain: Explain {
            story: "The app ends its own session and shows its home page.\n\
                    The session at the authorization server lives on.\n\
                    The next person on this machine presses sign-in and is the user before her.\n\
                    Everything looked signed out.",
            right: "Leads the browser to the published end-session endpoint.",
            false_alarm: "Sign-out of the app only, on purpose: declare `local_sign_out_only = true` and the case is skipped.",
            maps: &["o:rp-init-logout", "L:rp-init-logout"],
        },
    },
    Case {
        id: "logout/rp-init-hint",
        title: "The sign-out request does not say which session to end",
        level: Level::Should,
        positive: false,
        why: "Without a hint the server must ask the user, or refuse; Okta refuses.",
        spec: &[RP_LOGOUT.section("2")],
        needs: &[SignsOut, RpInitiatedLogout],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "followed",
            SIGNED_OUT_EVERYWHERE,
            &[],
            &[Should(ask::HINTS_AT_THE_SESSION)],
        )],
        deviation: None,
        explain: Explain {
            story: "The app sends the browser to the end-session endpoint without id_token_hint.\n\
                    The server cannot tell a wish of the user from a link on a foreign page.\n\
                    It asks for confirmation, or shows an error, as Okta does.\n\
                    The user stays signed in there.",
            right: "Sends the ID token of this session as id_token_hint; an expired one is fine.",
            false_alarm: "client_id in its place satisfies the standard, though not Okta: it passes with a note.",
            maps: &["o:rp-init-logout", "L:rp-init-logout"],
        },
    },
    Case {
        id: "logout/rp-init-return-uri",
        title: "The return from sign-out",
        level: Level::Must,
        positive: false,
        why: "A URL that is not registered exactly ends on an error page of the authorization server.",
        spec: &[RP_LOGOUT.section("2"), RP_LOGOUT.section("3"), RP_LOGOUT.section("3.1")],
        needs: &[SignsOut, RpInitiatedLogout],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "followed",
            SIGNED_OUT_EVERYWHERE,
            &[],
            &[Must(ask::RETURN_URI_IS_REGISTERED), Should(ask::RETURN_PAGE_IS_PUBLIC)],
        )],
        deviation: None,
        explain: Explain {
            story: "The app builds post_logout_redirect_uri from the request, or forgets the slash at its end.\n\
                    The server compares it with its list, to the letter, and refuses.\n\
                    The user is left on an error page and is not signed out there.\n\
                    Or the page that she returns to needs a session and answers 401.",
            right: "Sends a registered address byte for byte and answers it for everybody.",
            false_alarm: "No post_logout_redirect_uri at all is allowed: the user then stays at the authorization server.",
            maps: &["o:rp-init-logout", "L:rp-init-logout"],
        },
    },
    Case {
        id: "logout/rp-init-state",
        title: "The user returns from sign-out with another state, none, or an error",
        level: Level::Should,
        positive: false,
        why: "The sign-out is complete whatever comes back; a server error there only alarms the user.",
        spec: &[RP_LOGOUT.section("2"), RP_LOGOUT.section("3")],
        needs: &[SignsOut, RpInitiatedLogout, SendsLogoutState],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "same",
                SIGNED_OUT_EVERYWHERE,
                &[],
                &[
                    Should(ask::RETURN_PAGE_IS_PUBLIC),
                    Should(STAYS_CLEAN),
                    Should(SESSION_IS_DEAD),
                ],
            ),
            sent_back!("different", StateOther),
            sent_back!("none", StateAbsent),
            sent_back!("error", Error),
            returned!("random-at-the-browser", Query("state", Set(Random(43)))),
            returned!("removed-at-the-browser", Query("state", Remove)),
        ],
        deviation: None,
        explain: Explain {
            story: "The app sends a state with its sign-out request and compares it when the user returns.\n\
                    The server loses it, or the user comes back by another way.\n\
                    The app throws, or, worse, had waited for the state before it ended the session.\n\
                    The user is still signed in.",
            right: "Ends the session first; a wrong state on return changes nothing but the page.",
            false_alarm: "Skipped for apps that send no state with sign-out.",
            maps: &[
                "o:rp-init-logout-other-state",
                "o:rp-init-logout-no-state",
                "L:rp-init-logout-other-state",
                "L:rp-init-logout-no-state",
            ],
        },
    },
    Case {
        id: "logout/idp-unreachable",
        title: "The authorization server does not answer the sign-out",
        level: Level::Must,
        positive: false,
        why: "The user's wish to leave must not wait for somebody else's server.",
        spec: &[ASVS.section("7.4.1")],
        needs: &[SignsOut],
        lane: Lane::Parallel,
        variants: &[
            Variant::of("tab-closed", SIGNED_OUT, &[], &[Must(SESSION_IS_DEAD)]),
            Variant::of(
                "server-error",
                SIGNED_OUT_EVERYWHERE,
                &[Fault::EndSession(Status500)],
                &[Must(SESSION_IS_DEAD)],
            )
            .needing(&[RpInitiatedLogout]),
            Variant::of(
                "hang",
                SIGNED_OUT_EVERYWHERE,
                &[Fault::EndSession(Hang)],
                &[Must(SESSION_IS_DEAD)],
            )
            .needing(&[RpInitiatedLogout]),
        ],
        deviation: None,
        explain: Explain {
            story: "The app sends the browser to the end-session endpoint and ends its own session on return.\n\
                    The endpoint hangs or fails, or the user closes the tab there.\n\
                    She never returns, and the session lives on.\n\
                    On a shared machine it is the next person's.",
            right: "Ends its own session first, then sends the browser on.",
            false_alarm: "None is known: the saved cookies are tried right after.",
            maps: &[],
        },
    },
    Case {
        id: "logout/no-end-session-endpoint",
        title: "An authorization server without an end-session endpoint",
        level: Level::Must,
        positive: true,
        why: "The endpoint is optional: its absence must not break the local sign-out.",
        spec: &[ASVS.section("7.4.1"), RP_LOGOUT.section("2.1")],
        needs: &[SignsOut, FetchesDiscovery],
        lane: Lane::Restart,
        variants: &[Variant::of(
            "not-published",
            SIGNED_OUT_EVERYWHERE,
            &[Fault::Metadata(NoEndSession)],
            &[Must(SESSION_IS_DEAD), Must(BROWSER_IS_SIGNED_OUT), Should(STAYS_CLEAN)],
        )],
        deviation: None,
        explain: Explain {
            story: "The discovery document has no end_session_endpoint.\n\
                    The app joins its parameters to nothing: the browser is sent to `undefined?id_token_hint=…`,\n\
                    or the handler throws before it has ended the session,\n\
                    or the app refuses to start.",
            right: "Ends its own session and shows its signed-out page.",
            false_alarm: "Skipped for apps that never fetch the discovery document.",
            maps: &[],
        },
    },
    Case {
        id: "logout/bc-valid-sid",
        title: "A back-channel logout token with a session id",
        level: Level::Must,
        positive: true,
        why: "The notice ends this session, and no other.",
        spec: &[
            BACKCHANNEL.section("2.4"),
            BACKCHANNEL.section("2.5"),
            BACKCHANNEL.section("2.6"),
            BACKCHANNEL.section("2.7"),
            BACKCHANNEL.section("2.8"),
        ],
        needs: &[BackChannelLogout],
        lane: Lane::Parallel,
        variants: &[
            Variant::of("plain", NOTIFIED_AMONG_OTHERS, &[], ENDS_THIS_SESSION),
            Variant::of(
                "sid-only",
                NOTIFIED_AMONG_OTHERS,
                &[Fault::LogoutToken(Token::SidOnly)],
                ENDS_THIS_SESSION,
            ),
            Variant::of(
                "unknown-claim",
                NOTIFIED_AMONG_OTHERS,
                &[Fault::LogoutToken(Token::UnknownClaim)],
                ENDS_THIS_SESSION,
            ),
            Variant::of(
                "unknown-field",
                NOTIFIED_AMONG_OTHERS,
                &[Fault::LogoutToken(Token::UnknownField)],
                ENDS_THIS_SESSION,
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The user ends her session at the authorization server, which tells every app by a signed token.\n\
                    The app looks the session up by sid and ends it.\n\
                    An app that refuses claims or fields that it does not know ends nothing.\n\
                    An app that ends all of the user's sessions throws her out of her other browser.",
            right: "Answers 200 or 204 with no-store, ends this session, leaves the others.",
            false_alarm: "204 is as good as 200. A missing no-store is a warning. Okta has no back-channel logout of this \
                          kind; other servers do.",
            maps: &[
                "o:rp-backchannel-rpinitlogout",
                "L:rp-backchannel-rpinitlogout",
                "CVE-2019-10157",
            ],
        },
    },
    Case {
        id: "logout/bc-valid-sub",
        title: "A back-channel logout token that names the user only",
        level: Level::Must,
        positive: true,
        why: "Without a session id the notice means every session of this user.",
        spec: &[BACKCHANNEL.section("2.4"), BACKCHANNEL.section("2.7")],
        needs: &[BackChannelLogout],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "sub-only",
            NOTIFIED_AMONG_OTHERS,
            &[Fault::LogoutToken(Token::SubOnly)],
            &[
                Must(ask::LOGOUT_TOKEN_ACCEPTED),
                Must(SESSION_IS_DEAD),
                Must(OTHER_SESSION_IS_DEAD),
                Must(STRANGER_IS_UNTOUCHED),
            ],
        )],
        deviation: None,
        explain: Explain {
            story: "An administrator ends all sessions of a user; the token has a sub and no sid.\n\
                    The app knows its sessions only by sid and finds none, or ends just one.\n\
                    The user who was to be locked out goes on working in the other browser.\n\
                    Or the app ends everybody's sessions, because the sid is empty for all of them.",
            right: "Ends every session of this sub, and nobody else's.",
            false_alarm: "None is known.",
            maps: &["mod_auth_openidc ChangeLog 2026-08-11 (sub index)"],
        },
    },
    Case {
        id: "logout/bc-unknown-session",
        title: "A logout token for a session that is gone",
        level: Level::Should,
        positive: true,
        why: "A session that does not exist is signed out: there is nothing to complain about.",
        spec: &[BACKCHANNEL.section("2.7")],
        needs: &[BackChannelLogout],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "already-out",
                &[user(SignIn(MAIN)), user(SignOut(&[])), user(LogoutToken(MAIN))],
                &[],
                &[Should(ask::LOGOUT_TOKEN_ACCEPTED)],
            )
            .needing(&[SignsOut]),
            Variant::of(
                "unknown-sid",
                NOTIFIED,
                &[Fault::LogoutToken(Token::SidUnknown)],
                &[Should(ask::LOGOUT_TOKEN_ACCEPTED)],
            ),
            Variant::of(
                "unknown-sub",
                NOTIFIED,
                &[Fault::LogoutToken(Token::SubUnknown)],
                &[Should(ask::LOGOUT_TOKEN_ACCEPTED)],
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The user signed out in the app a moment ago; now the authorization server's notice arrives.\n\
                    The app finds no such session and answers 400 or 500.\n\
                    The server counts a failed logout, repeats it, and alarms somebody.\n\
                    Nothing was wrong.",
            right: "Answers 200 or 204: the session is signed out.",
            false_alarm: "The standard calls it success; a refusal is a warning.",
            maps: &["nextcloud user_oidc#1431"],
        },
    },
    Case {
        id: "logout/bc-alg-none",
        title: "An unsigned logout token ends a session",
        level: Level::Must,
        positive: false,
        why: "Anybody could sign anybody out.",
        spec: &[BACKCHANNEL.section("2.6")],
        needs: &[BackChannelLogout],
        lane: Lane::Parallel,
        variants: &[refused!("none", Token::AlgNone)],
        deviation: None,
        explain: Explain {
            story: "The back-channel address is reachable by everybody.\n\
                    The attacker posts a token with alg none and the victim's sub.\n\
                    The app reads the claims without asking who signed them.\n\
                    The victim is signed out, as often as the attacker likes.",
            right: "Answers 400; the session lives on.",
            false_alarm: "Another 4xx than 400 is a warning.",
            maps: &[
                "o:rp-backchannel-rpinitlogout-alg-none",
                "L:rp-backchannel-rpinitlogout-lt-alg-none",
            ],
        },
    },
    Case {
        id: "logout/bc-signature",
        title: "A logout token with a wrong signature ends a session",
        level: Level::Must,
        positive: false,
        why: "The signature is all that tells the authorization server's notice from a stranger's.",
        spec: &[BACKCHANNEL.section("2.6")],
        needs: &[BackChannelLogout],
        lane: Lane::Parallel,
        variants: &[
            refused!("bit-flipped", Token::SignatureFlipped),
            refused!("other-key", Token::OtherKey),
            refused!("hs256", Token::Hs256ClientSecret),
        ],
        deviation: None,
        explain: Explain {
            story: "The attacker posts a logout token with a damaged signature, signed by his own key,\n\
                    or with another algorithm than the registered one.\n\
                    The app verifies ID tokens carefully and logout tokens not at all.\n\
                    He signs out whom he likes.",
            right: "Verifies the signature as for ID tokens, and answers 400.",
            false_alarm: "Another 4xx than 400 is a warning.",
            maps: &[
                "o:rp-backchannel-rpinitlogout-wrong-alg",
                "L:rp-backchannel-rpinitlogout-lt-wrong-alg",
                "CVE-2019-10157",
            ],
        },
    },
    Case {
        id: "logout/bc-wrong-iss",
        title: "A logout token of another issuer ends a session",
        level: Level::Must,
        positive: false,
        why: "A sub means something only together with its issuer.",
        spec: &[BACKCHANNEL.section("2.6")],
        needs: &[BackChannelLogout],
        lane: Lane::Parallel,
        variants: &[
            refused!("other", Token::IssOther),
            refused!("missing", Token::IssAbsent),
        ],
        deviation: None,
        explain: Explain {
            story: "The token is signed by a key that the app trusts and names another issuer, or none.\n\
                    With several authorization servers behind one key set that is another tenant's notice.\n\
                    The app compares only the sub or the sid.\n\
                    A user of the other tenant with the same number signs this one out.",
            right: "Compares iss as for ID tokens, and answers 400.",
            false_alarm: "Another 4xx than 400 is a warning.",
            maps: &[
                "o:rp-backchannel-rpinitlogout-wrong-iss",
                "L:rp-backchannel-rpinitlogout-lt-wrong-issuer",
            ],
        },
    },
    Case {
        id: "logout/bc-wrong-aud",
        title: "A logout token for another client ends a session",
        level: Level::Must,
        positive: false,
        why: "Other clients receive valid logout tokens of the same user and could pass them on.",
        spec: &[BACKCHANNEL.section("2.6")],
        needs: &[BackChannelLogout],
        lane: Lane::Parallel,
        variants: &[
            refused!("other", Token::AudOther),
            refused!("missing", Token::AudAbsent),
        ],
        deviation: None,
        explain: Explain {
            story: "Another app of the same authorization server gets a logout token for the user.\n\
                    Whoever runs that app posts it here.\n\
                    Signature, issuer and user are right; only the audience is another.\n\
                    Without a look at aud the session ends.",
            right: "Accepts its own client_id as audience only, and answers 400.",
            false_alarm: "Another 4xx than 400 is a warning.",
            maps: &[
                "o:rp-backchannel-rpinitlogout-wrong-aud",
                "L:rp-backchannel-rpinitlogout-lt-wrong-aud",
            ],
        },
    },
    Case {
        id: "logout/bc-event",
        title: "A token without the logout event ends a session",
        level: Level::Must,
        positive: false,
        why: "The event is what makes a token a logout token.",
        spec: &[
            BACKCHANNEL.section("2.4"),
            BACKCHANNEL.section("2.6"),
            ASVS.section("10.5.5"),
        ],
        needs: &[BackChannelLogout],
        lane: Lane::Parallel,
        variants: &[
            refused!("absent", Token::EventsAbsent),
            refused!("other-event", Token::EventsOther),
            refused!("no-object", Token::EventsNoObject),
        ],
        deviation: None,
        explain: Explain {
            story: "The authorization server signs many kinds of tokens: security events, password changes, ID tokens.\n\
                    One of them, for this user and this client, is posted to the back-channel address.\n\
                    The app looks for iss, aud and sub, finds them, and ends the session.\n\
                    What was meant to inform has signed the user out.",
            right: "Demands the member http://schemas.openid.net/event/backchannel-logout in events, as an object.",
            false_alarm: "Another 4xx than 400 is a warning.",
            maps: &[
                "o:rp-backchannel-rpinitlogout-no-event",
                "o:rp-backchannel-rpinitlogout-wrong-event",
                "L:rp-backchannel-rpinitlogout-lt-no-event",
                "L:rp-backchannel-rpinitlogout-lt-wrong-event",
            ],
        },
    },
    Case {
        id: "logout/bc-nonce",
        title: "A logout token with a nonce ends a session",
        level: Level::Must,
        positive: false,
        why: "The nonce is forbidden there, so that an ID token can never pass for a logout token.",
        spec: &[
            BACKCHANNEL.section("2.4"),
            BACKCHANNEL.section("2.6"),
            ASVS.section("10.5.5"),
        ],
        needs: &[BackChannelLogout],
        lane: Lane::Parallel,
        variants: &[refused!("nonce", Token::Nonce)],
        deviation: None,
        explain: Explain {
            story: "The standard keeps the two kinds of tokens apart by one claim: only ID tokens have a nonce.\n\
                    A token with a nonce and an event was made to be both.\n\
                    An app that does not look accepts it as a logout token.\n\
                    The reverse mistake, in the same app, would be a sign-in.",
            right: "Refuses a logout token with a nonce, with 400.",
            false_alarm: "Another 4xx than 400 is a warning.",
            maps: &[
                "o:rp-backchannel-rpinitlogout-with-nonce",
                "L:rp-backchannel-rpinitlogout-lt-with-nonce",
            ],
        },
    },
    Case {
        id: "logout/bc-missing-claims",
        title: "A logout token without its required claims",
        level: Level::Must,
        positive: false,
        why: "A notice that names nobody, or cannot be told from an old one, is not a notice.",
        spec: &[BACKCHANNEL.section("2.4"), BACKCHANNEL.section("2.6")],
        needs: &[BackChannelLogout],
        lane: Lane::Parallel,
        variants: &[
            refused!("sub-and-sid", Token::NoSubNoSid),
            refused!("iat", Token::IatAbsent),
            refused!("jti", Token::JtiAbsent),
            better_refused!("exp", Token::ExpAbsent),
        ],
        deviation: None,
        explain: Explain {
            story: "The token has neither sub nor sid, or no iat, no jti, no exp.\n\
                    An app that looks up the session of an absent value may find all sessions without one.\n\
                    Without iat, jti and exp an old notice can be replayed for ever.\n\
                    Each is required by the standard.",
            right: "Refuses with 400.",
            false_alarm: "exp became required late and older servers leave it out: accepting that is a warning.",
            maps: &["mod_auth_openidc ChangeLog 2026-08 (iat/jti required)"],
        },
    },
    Case {
        id: "logout/bc-stale",
        title: "An old logout token ends a session",
        level: Level::Must,
        positive: false,
        why: "A notice that was recorded once could sign the user out for ever.",
        spec: &[BACKCHANNEL.section("2.6"), ASVS.section("10.5.5")],
        needs: &[BackChannelLogout],
        lane: Lane::Parallel,
        variants: &[
            refused!("expired", Token::ExpPast1h),
            better_refused!("issued-yesterday", Token::IatPast1d),
            Variant::of(
                "jti-twice",
                &[
                    user(SignIn(MAIN)),
                    user(Probe("signed-in")),
                    user(LogoutToken(MAIN)),
                    user(Probe(AFTER)),
                    user(LogoutToken(MAIN)),
                ],
                &[Fault::LogoutToken(Token::JtiFixed)],
                &[Should(ask::LOGOUT_TOKEN_CLEAN), May(ask::LOGOUT_TOKEN_ACCEPTED)],
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The attacker recorded a logout token of last week, from a log of the app's own proxy.\n\
                    He posts it whenever the user has signed in again.\n\
                    The app looks at the signature and not at the clock.\n\
                    The user cannot stay signed in.",
            right: "Refuses an expired token with 400; may remember jti for as long as tokens live.",
            false_alarm: "The same jti twice may get any answer: that check is optional. An old iat with a valid exp is a \
                          warning.",
            maps: &[],
        },
    },
    Case {
        id: "logout/bc-cross-jwt",
        title: "An ID token or access token is accepted as a logout token",
        level: Level::Must,
        positive: false,
        why: "The user's own tokens are in many hands; none of them may end her session.",
        spec: &[
            BACKCHANNEL.section("2.4"),
            BACKCHANNEL.section("4.1"),
            ASVS.section("10.5.5"),
            RFC8725.section("3.11"),
        ],
        needs: &[BackChannelLogout],
        lane: Lane::Parallel,
        variants: &[
            refused!("id-token", Token::IdToken),
            refused!("access-token", Token::AccessToken),
            Variant::of(
                "typ-logout-jwt",
                NOTIFIED,
                &[],
                &[Must(ask::LOGOUT_TOKEN_ACCEPTED), Must(SESSION_IS_DEAD)],
            ),
            accepted!("typ-jwt", Token::TypJwt),
            accepted!("typ-absent", Token::TypAbsent),
        ],
        deviation: None,
        explain: Explain {
            story: "Somebody posts the user's real ID token, or an access token, as logout_token.\n\
                    Signature, issuer and perhaps audience are right.\n\
                    The app does not ask for the event, and ends the session.\n\
                    Conversely, an app that insists on typ logout+jwt refuses honest servers, which may leave it out.",
            right: "Refuses other kinds of tokens with 400; accepts a good one with typ logout+jwt, JWT, or none.",
            false_alarm: "typ is only recommended; ASVS wants it, so an app that insists on it may leave these variants out.",
            maps: &[],
        },
    },
    Case {
        id: "logout/bc-bad-request",
        title: "Requests to the back-channel endpoint that are not logout requests",
        level: Level::Must,
        positive: false,
        why: "The address is reachable by everybody and must bear everything.",
        spec: &[BACKCHANNEL.section("2.5"), BACKCHANNEL.section("2.8")],
        needs: &[BackChannelLogout],
        lane: Lane::Parallel,
        variants: &[
            bad_request!("get", Token::RequestGet),
            bad_request!("empty-body", Token::RequestEmpty),
            bad_request!("json-body", Token::RequestJson),
            bad_request!("two-tokens", Token::RequestTwice),
            bad_request!("1-mb", Token::RequestHuge),
            Variant::of(
                "options",
                &[
                    user(SignIn(MAIN)),
                    user(Probe("signed-in")),
                    user(Request(
                        BackChannel,
                        &[
                            Method("OPTIONS"),
                            Header("origin", Plain("https://evil.example")),
                            Header("access-control-request-method", Plain("POST")),
                        ],
                    )),
                    user(Probe(AFTER)),
                ],
                &[],
                &[Should(STAYS_CLEAN), Must(SESSION_IS_ALIVE)],
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The address is asked with GET, with an empty body, with JSON, with two tokens, with a megabyte.\n\
                    One of them makes the handler throw; another makes it take the wrong token of two.\n\
                    A generous CORS answer lets scripts of any site post there.\n\
                    None of these may end a session or the process.",
            right: "Answers 4xx and does nothing.",
            false_alarm: "OPTIONS may be answered with 2xx.",
            maps: &["mod_auth_openidc ChangeLog 2026-08-12"],
        },
    },
    Case {
        id: "logout/fc-valid",
        title: "The authorization server signs the user out through a frame",
        level: Level::Must,
        positive: true,
        why: "The frame must be loadable there, and end the session.",
        spec: &[FRONTCHANNEL.section("2"), FRONTCHANNEL.section("4.1")],
        needs: &[FrontChannelLogout],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "with-cookies",
                framed![],
                &[],
                &[
                    Must(ask::FRAME_ENDS_SESSION),
                    Must(ask::FRAME_IS_ALLOWED),
                    Should(ask::FRAME_IS_NO_STORE),
                ],
            ),
            Variant::of(
                "without-cookies",
                framed![NoCookies],
                &[],
                &[Should(STAYS_CLEAN), Must(ask::FRAME_IS_ALLOWED)],
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The authorization server shows its signed-out page, which holds one hidden frame per app.\n\
                    The app's own security headers forbid framing everywhere: the frame stays empty.\n\
                    Or the answer comes out of a cache and the app never hears of it.\n\
                    The user believes that she is signed out everywhere.",
            right: "Allows the authorization server to frame this one address, sends no-store, ends the session of sid.",
            false_alarm: "Browsers do not send Lax cookies into a foreign frame: when none went along and the session \
                          lives on, the case is inconclusive, not failed.",
            maps: &[
                "o:rp-frontchannel-rpinitlogout",
                "o:rp-frontchannel-opinitlogout",
                "L:rp-frontchannel-rpinitlogout",
            ],
        },
    },
    Case {
        id: "logout/fc-wrong-sid",
        title: "A frame with a wrong issuer or session id ends the session",
        level: Level::Should,
        positive: false,
        why: "Any page can load that frame: the values are all that tells a notice from a nuisance.",
        spec: &[FRONTCHANNEL.section("2")],
        needs: &[FrontChannelLogout],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "wrong-iss",
                framed![Query("iss", Set(Plain("{second_origin}")))],
                &[],
                SURVIVES,
            ),
            Variant::of("wrong-sid", framed![Query("sid", Set(Random(24)))], &[], SURVIVES),
            Variant::of("empty-sid", framed![Query("sid", Set(Plain("")))], &[], SURVIVES),
            Variant::of("only-iss", framed![Query("sid", Remove)], &[], SURVIVES),
            Variant::of("only-sid", framed![Query("iss", Remove)], &[], SURVIVES),
            Variant::of(
                "neither",
                framed![Query("iss", Remove), Query("sid", Remove)],
                &[],
                SURVIVES,
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "A foreign page loads the front-channel address without values, or with made-up ones.\n\
                    The app ends whatever session the cookies name.\n\
                    Any advertisement can sign the user out.\n\
                    Some apps even revoke tokens for a sid alone.",
            right: "Compares iss and sid with those of the session; both or nothing.",
            false_alarm: "The standard makes the comparison optional: never more than a warning.",
            maps: &[
                "nginx-openid-connect#117",
                "mod_auth_openidc ChangeLog 2026-08 (sid-only revoke)",
            ],
        },
    },
];
