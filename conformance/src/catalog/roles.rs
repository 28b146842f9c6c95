//! `roles/`: who gets a page that only the members of a group may see.

use crate::{
    case::{Case, Expect, Explain, Lane, May, Must, Should, Variant},
    check::{
        roles::{
            BORROWED_COOKIES_OPEN_NOTHING, CLAIMED_ROLE_OPENS_NOTHING, LIKENESS_OPENS_NOTHING, MEMBER, MEMBER_ADMITTED,
            MEMBERS_COOKIES, NO_SIGN_IN_LOOP, REFUSED_BY_STATUS, REMOVED_MEMBER_REFUSED, ROLE_PAGE_CLOSED, STRANGER,
        },
        sign_in::STAYS_CLEAN,
    },
    edit::{
        Change::Set,
        CookieEdit::{Add, Borrow},
        Edit::{Header, Method, NoCookies, PathSuffix, Query},
        Text::Plain,
    },
    feature::Feature::{Roles as NamesRoles, SessionCookie, SignsOut},
    outcome::Level,
    script::{
        AFTER,
        Act::{
            Authorize, Cookies, Deliver, FollowSignOut, Groups, NewBrowser, Probe, RoleSignIn, Roles, Save, SignIn,
            SignOut, Start,
        },
        BEFORE, MAIN,
        Membership::{AmongOthers, Elsewhere, ListAsName, LongerNames, Member, NamesAtTheEnd, Stranger},
        OTHER, THIRD, attacker, user, victim,
    },
    spec::{ASVS, OKTA_GROUPS, RFC9110, WSTG},
};

/// A member gets in, on which everything else stands; then the user, in these groups, opens the page with these edits.
macro_rules! outside {
    ($name:literal, $groups:expr, $expect:expr, [$($edit:expr),* $(,)?]) => {
        Variant::of(
            $name,
            &[
                victim(Groups(Member)),
                victim(SignIn(OTHER)),
                victim(Roles(MEMBER, &[])),
                user(Groups($groups)),
                user(SignIn(MAIN)),
                user(Probe(BEFORE)),
                user(Roles(AFTER, &[$($edit),*])),
            ],
            &[],
            $expect,
        )
    };
}

/// As `outside`, after a plain visit of the same person; `$step` is what the person does between the two.
macro_rules! claiming {
    ($name:literal, $expect:expr, [$($step:expr),* $(,)?], [$($edit:expr),* $(,)?]) => {
        Variant::of(
            $name,
            &[
                victim(Groups(Member)),
                victim(SignIn(OTHER)),
                victim(Roles(MEMBER, &[])),
                victim(Save(MEMBERS_COOKIES)),
                user(Groups(Stranger)),
                user(SignIn(MAIN)),
                user(Roles(STRANGER, &[])),
                $($step,)*
                user(Roles(AFTER, &[$($edit),*])),
            ],
            &[],
            $expect,
        )
    };
}

const fn admitted(name: &'static str, script: &'static [crate::script::Step]) -> Variant {
    Variant::of(name, script, &[], ADMITTED)
}

const ADMITTED: &[Expect] = &[Should(MEMBER_ADMITTED), Should(STAYS_CLEAN)];
const CLOSED: &[Expect] = &[Must(ROLE_PAGE_CLOSED), Should(STAYS_CLEAN)];
const EXACT: &[Expect] = &[Must(LIKENESS_OPENS_NOTHING), Should(STAYS_CLEAN)];
const LOST: &[Expect] = &[Must(REMOVED_MEMBER_REFUSED), Should(STAYS_CLEAN)];
const UNCLAIMED: &[Expect] = &[Must(CLAIMED_ROLE_OPENS_NOTHING), Should(STAYS_CLEAN)];

/// In the order of the catalogue.
pub(super) const CASES: &[Case] = &[
    Case {
        id: "roles/member-admitted",
        title: "A member of the group gets the page of the group",
        level: Level::Should,
        positive: true,
        why: "Who cannot do their work with the rights that they were given asks for more than they need.",
        spec: &[OKTA_GROUPS.section(""), ASVS.section("8.1.1")],
        needs: &[NamesRoles],
        lane: Lane::Parallel,
        variants: &[
            admitted(
                "plain",
                &[
                    user(Groups(Member)),
                    user(SignIn(MAIN)),
                    user(Probe(BEFORE)),
                    user(Roles(AFTER, &[])),
                ],
            ),
            admitted(
                "among-others",
                &[
                    victim(Groups(Member)),
                    victim(SignIn(OTHER)),
                    victim(Roles(MEMBER, &[])),
                    user(Groups(AmongOthers)),
                    user(SignIn(MAIN)),
                    user(Probe(BEFORE)),
                    user(Roles(AFTER, &[])),
                ],
            ),
            admitted(
                "joined-later",
                &[
                    victim(Groups(Member)),
                    victim(SignIn(OTHER)),
                    victim(Roles(MEMBER, &[])),
                    user(Groups(Stranger)),
                    user(SignIn(THIRD)),
                    user(Roles(STRANGER, &[])),
                    user(Groups(Member)),
                    user(NewBrowser),
                    user(SignIn(MAIN)),
                    user(Probe(BEFORE)),
                    user(Roles(AFTER, &[])),
                ],
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The token names the group, alone or between a dozen others, as Okta sends it: a list of names.\n\
                    The page of the group opens.\n\
                    Somebody who signed in before is put into the group, and gets the page at the next sign-in.\n\
                    Apps that look at the first group only, or store the role once, lock members out.",
            right: "Looks for the group anywhere in the list, at every sign-in.",
            false_alarm: "A warning of the variant `plain` may also mean that `group` or `page` of `[[target.roles]]` is not what the \
                          app knows; the other variants are inconclusive then, as are all other cases of this group.",
            maps: &[],
        },
    },
    Case {
        id: "roles/stranger-refused",
        title: "The page of a group opens for somebody outside the group",
        level: Level::Must,
        positive: false,
        why: "A link that is not shown protects nothing: whoever knows the address, or guesses it, is in.",
        spec: &[
            ASVS.section("8.2.1"),
            ASVS.section("8.3.1"),
            WSTG.section("WSTG-ATHZ-02"),
        ],
        needs: &[NamesRoles],
        lane: Lane::Parallel,
        variants: &[
            outside!("without-groups", Stranger, CLOSED, []),
            outside!("in-other-groups", Elsewhere, CLOSED, []),
            outside!("by-post", Elsewhere, CLOSED, [Method("POST")]),
            outside!("trailing-slash", Elsewhere, CLOSED, [PathSuffix("/")]),
            Variant::of(
                "signed-out",
                &[
                    victim(Groups(Member)),
                    victim(SignIn(OTHER)),
                    victim(Roles(MEMBER, &[])),
                    attacker(Roles(AFTER, &[NoCookies])),
                ],
                &[],
                CLOSED,
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The app shows the link to its administration to members of one group.\n\
                    Somebody else who is signed in types the address, which is the same in every installation.\n\
                    The page checks that there is a session, or nothing at all.\n\
                    The data of all users, and the buttons beside them, are his.",
            right: "Asks for the group on the server, in every handler of the page, and answers 403, or 404 where even the \
                    address is a secret.",
            false_alarm: "Judged only when a member got the page in the same walk. Without `shows` a page is known by the words of \
                          the member's; an answer with 2xx and other words is inconclusive.",
            maps: &[],
        },
    },
    Case {
        id: "roles/refused-plainly",
        title: "Somebody outside the group is sent from sign-in to sign-in",
        level: Level::Should,
        positive: false,
        why: "Signing in again does not make anybody a member: the browser goes round until it gives up, and so does its user.",
        spec: &[RFC9110.section("15.5.4"), RFC9110.section("15.5.5")],
        needs: &[NamesRoles],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "open-the-page",
            &[
                victim(Groups(Member)),
                victim(SignIn(THIRD)),
                victim(Roles(MEMBER, &[])),
                user(Groups(Elsewhere)),
                user(SignIn(MAIN)),
                user(Probe(BEFORE)),
                user(Roles(AFTER, &[])),
                user(RoleSignIn(OTHER)),
                user(Authorize(OTHER, &[])),
                user(Deliver(OTHER, &[])),
            ],
            &[],
            &[Should(NO_SIGN_IN_LOOP), May(REFUSED_BY_STATUS), Should(STAYS_CLEAN)],
        )],
        deviation: None,
        explain: Explain {
            story: "The app treats \"not allowed\" like \"not signed in\" and redirects to its sign-in.\n\
                    The authorization server knows the user and answers at once, without a page.\n\
                    Back at the page the user is still not in the group, and off he goes again.\n\
                    The browser stops with \"too many redirects\"; the authorization server counts an attack.",
            right: "Answers 403 to whoever is signed in and not in the group, with a page that says so and a way to sign in as \
                    somebody else.",
            false_alarm: "One more sign-in that ends in a refusal is a note (a fresh sign-in may bring fresh groups), and so is a \
                          refusal by any other status than 403 or 404, or by a redirect to a page that says so.",
            maps: &[],
        },
    },
    Case {
        id: "roles/group-exact",
        title: "A group with a similar name opens the page",
        level: Level::Must,
        positive: false,
        why: "Groups are made by many people for many purposes: `admins-readers` was never meant to be `admins`.",
        spec: &[
            ASVS.section("8.2.1"),
            WSTG.section("WSTG-ATHZ-02"),
            OKTA_GROUPS.section(""),
        ],
        needs: &[NamesRoles],
        lane: Lane::Parallel,
        variants: &[
            outside!("longer-names", LongerNames, EXACT, []),
            outside!("names-at-the-end", NamesAtTheEnd, EXACT, []),
            outside!("list-as-name", ListAsName, EXACT, []),
        ],
        deviation: Some("Upper and lower case are not tried: some directories do not tell them apart."),
        explain: Explain {
            story: "The app looks for the name of the group in the claim as a text: `groups.includes('admins')` on a string, \
                    a prefix, a regular expression without anchors, a list that is joined and split at commas.\n\
                    The user is in `admins-readers`, in `no-admins`, or in a group called `Everyone,admins,Choir`.\n\
                    Who may make groups somewhere in the company can make one of these.\n\
                    For the app its members are administrators.",
            right: "Compares whole names, one element of the list after the other.",
            false_alarm: "An app that on purpose takes every group that begins so should skip that variant with this reason.",
            maps: &[],
        },
    },
    Case {
        id: "roles/removed-loses",
        title: "Somebody who was removed from the group keeps its page",
        level: Level::Must,
        positive: false,
        why: "Rights are taken away at the authorization server; an app that remembers them keeps the door open.",
        spec: &[ASVS.section("8.2.1"), ASVS.section("8.3.2")],
        needs: &[NamesRoles],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "new-browser",
                &[
                    attacker(Groups(Stranger)),
                    attacker(SignIn(THIRD)),
                    attacker(Roles(STRANGER, &[])),
                    user(Groups(Member)),
                    user(SignIn(OTHER)),
                    user(Roles(MEMBER, &[])),
                    user(Groups(Stranger)),
                    user(NewBrowser),
                    user(SignIn(MAIN)),
                    user(Roles(AFTER, &[])),
                ],
                &[],
                LOST,
            ),
            Variant::of(
                "same-browser",
                &[
                    attacker(Groups(Stranger)),
                    attacker(SignIn(THIRD)),
                    attacker(Roles(STRANGER, &[])),
                    user(Groups(Member)),
                    user(SignIn(OTHER)),
                    user(Roles(MEMBER, &[])),
                    user(SignOut(&[])),
                    user(FollowSignOut(&[])),
                    user(Groups(Stranger)),
                    user(SignIn(MAIN)),
                    user(Roles(AFTER, &[])),
                ],
                &[],
                LOST,
            )
            .needing(&[SignsOut]),
        ],
        deviation: Some(
            "Only the next sign-in is judged: what happens to a session that lives on is up to its length.",
        ),
        explain: Explain {
            story: "The user signs in as a member and gets the page.\n\
                    He is removed from the group and signs in again, in a new browser or in the same one.\n\
                    The token does not name the group any more.\n\
                    The app wrote the role into its user table, or into a cookie, when it was there, and never takes it back.",
            right: "Derives roles from the claims of each sign-in, replaces what was stored, and forgets them at sign-out.",
            false_alarm: "A role that the app's own administrators gave the user beside the group would be no finding, but nobody \
                          gave these people one: each is new.",
            maps: &[],
        },
    },
    Case {
        id: "roles/claimed-in-request",
        title: "A request that says which role its sender has is believed",
        level: Level::Must,
        positive: false,
        why: "Parameters, headers and cookies are what the visitor writes: only the verified token says who is in the group.",
        spec: &[ASVS.section("8.3.1"), WSTG.section("WSTG-ATHZ-03")],
        needs: &[NamesRoles],
        lane: Lane::Parallel,
        variants: &[
            claiming!(
                "query",
                UNCLAIMED,
                [],
                [
                    Query("group", Set(Plain("{group}"))),
                    Query("groups", Set(Plain("{group}"))),
                    Query("role", Set(Plain("{group}"))),
                    Query("roles", Set(Plain("{group}"))),
                    Query("admin", Set(Plain("true"))),
                    Query("is_admin", Set(Plain("1"))),
                ]
            ),
            claiming!(
                "headers",
                UNCLAIMED,
                [],
                [
                    Header("x-groups", Plain("{group}")),
                    Header("x-role", Plain("{group}")),
                    Header("x-roles", Plain("{group}")),
                    Header("x-user-groups", Plain("{group}")),
                    Header("x-forwarded-groups", Plain("{group}")),
                    Header("x-auth-request-groups", Plain("{group}")),
                    Header("remote-groups", Plain("{group}")),
                ]
            ),
            claiming!(
                "cookies",
                UNCLAIMED,
                [
                    user(Cookies(Add("group", Plain("{group}")))),
                    user(Cookies(Add("groups", Plain("{group}")))),
                    user(Cookies(Add("role", Plain("{group}")))),
                    user(Cookies(Add("roles", Plain("{group}")))),
                    user(Cookies(Add("admin", Plain("true")))),
                    user(Cookies(Add("is_admin", Plain("1")))),
                ],
                []
            ),
            claiming!(
                "members-cookies",
                &[Must(BORROWED_COOKIES_OPEN_NOTHING), Should(STAYS_CLEAN)],
                [user(Cookies(Borrow(MEMBERS_COOKIES)))],
                []
            )
            .needing(&[SessionCookie]),
            Variant::of(
                "in-the-response",
                &[
                    victim(Groups(Member)),
                    victim(SignIn(OTHER)),
                    victim(Roles(MEMBER, &[])),
                    attacker(Groups(Stranger)),
                    attacker(SignIn(THIRD)),
                    attacker(Roles(STRANGER, &[])),
                    user(Groups(Stranger)),
                    user(Start(MAIN, &[])),
                    user(Authorize(MAIN, &[])),
                    user(Deliver(
                        MAIN,
                        &[
                            Query("groups", Set(Plain("{group}"))),
                            Query("roles", Set(Plain("{group}"))),
                        ],
                    )),
                    user(Roles(AFTER, &[])),
                ],
                &[],
                UNCLAIMED,
            ),
        ],
        deviation: Some(
            "Names that other apps have used are tried; one that only this app knows is found when it is a cookie of a member.",
        ),
        explain: Explain {
            story: "The app keeps the role where the browser can write: a cookie beside the session, a parameter of the page, \
                    a header that a proxy would set, a parameter of the callback that is merged into the claims.\n\
                    Somebody outside the group writes the name of the group there, or copies the cookie of a member.\n\
                    His session is in order and his signature checks out.\n\
                    His role is whatever he says.",
            right: "Keeps groups with the session on the server (or inside its sealed cookie), from the verified token and nothing \
                    else.",
            false_alarm: "A header that the target declares as trusted (`trusted_headers`) is no finding: a proxy in front has to \
                          strip it.",
            maps: &[],
        },
    },
];
