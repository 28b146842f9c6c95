//! `userinfo/`: the request for claims and what may be made of its answer.

use mock_idp::{
    Fault::{Identity, Userinfo},
    flow::fault::{IdentityFault, UserinfoFault as F},
};

use super::expect::{accepted_or_noted, himself_or_nobody, preferably_accepted};
use crate::{
    case::{Case, Expect, Explain, Lane, May, Must, Should, Variant},
    check::{
        pages::PAYLOAD_STAYS_TEXT,
        second_origin::{NO_INTERNAL_FETCH, NO_SECRET_AT_SECOND_ORIGIN, NOTHING_AT_SECOND_ORIGIN},
        sign_in::{NEVER_AS_SOMEBODY_ELSE, SHOWS_NO_STRANGER, STAYS_CLEAN},
        userinfo::{BEARER_IN_ONE_SAFE_PLACE, SIGNED_IN_OR_TOLD, USERINFO_ASKED_SPARINGLY},
    },
    feature::Feature,
    outcome::Level,
    script::{AFTER, Act, MAIN, SIGN_IN, Step, user, victim},
    spec::{ASVS, OIDC_CORE, RFC6750, RFC8259, RFC9700, WSTG},
};

const CALLS_USERINFO: &[Feature] = &[Feature::CallsUserinfo];
const COPES: &[Expect] = &[
    Should(STAYS_CLEAN),
    Should(USERINFO_ASKED_SPARINGLY),
    Must(NEVER_AS_SOMEBODY_ELSE),
];
const SAME_FOR_TWO: &[Expect] = &[Should(STAYS_CLEAN), Should(SIGNED_IN_OR_TOLD), Must(SHOWS_NO_STRANGER)];
const ESCAPED: &[Expect] = &[Must(PAYLOAD_STAYS_TEXT), Should(STAYS_CLEAN)];
/// Signed by the issuer, and for somebody else: no clause has a client look at that.
const FOR_ANOTHER_CLIENT: &[Expect] = &[Should(NEVER_AS_SOMEBODY_ELSE), Should(STAYS_CLEAN)];
const KEEPS_TOKEN: &[Expect] = &[
    Must(NO_SECRET_AT_SECOND_ORIGIN),
    Must(NEVER_AS_SOMEBODY_ELSE),
    Should(STAYS_CLEAN),
];
/// Two people without name and address, one after the other.
const TWO_NAMELESS: &[Step] = &[
    victim(Act::SignIn(MAIN)),
    victim(Act::Probe("nameless-victim")),
    user(Act::SignIn(MAIN)),
    user(Act::Probe(AFTER)),
];
/// A sign-in, and a look at every page that shows the profile.
const SIGN_IN_AND_LOOK_ROUND: &[Step] = &[
    user(Act::SignIn(MAIN)),
    user(Act::ProbeProtected("pages", &[])),
    user(Act::Probe(AFTER)),
];

const fn copes(name: &'static str, faults: &'static [mock_idp::Fault]) -> Variant {
    Variant::of(name, SIGN_IN, faults, COPES)
}

const fn escaped(name: &'static str, faults: &'static [mock_idp::Fault]) -> Variant {
    Variant::of(name, SIGN_IN_AND_LOOK_ROUND, faults, ESCAPED)
}

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "userinfo/bearer-in-header",
        title: "The access token travels in the header of the userinfo request",
        level: Level::Must,
        positive: false,
        why: "A token in a URL ends up in access logs, browser histories and Referer headers.",
        spec: &[
            RFC6750.section("2"),
            RFC9700.section("4.3.2"),
            OIDC_CORE.section("5.3.1"),
        ],
        needs: CALLS_USERINFO,
        lane: Lane::Watch,
        variants: &[Variant::watching("observed", &[Must(BEARER_IN_ONE_SAFE_PLACE)])],
        deviation: None,
        explain: Explain {
            story: "The app asks the userinfo endpoint with the access token of the user.\n\
                    RFC 6750 knows three places for it: header, form body, query.\n\
                    The query is written to logs on every machine between.\n\
                    Two places at once let two parsers see two tokens.",
            right: "Sends `Authorization: Bearer …` and nothing else (a form body is allowed too).",
            false_alarm: "Apps that never call userinfo are skipped. Okta itself refuses a token in the query.",
            maps: &[
                "o:userinfo-bearer-header",
                "o:userinfo-bearer-body",
                "L:rp-userinfo-bearer-header",
                "L:rp-userinfo-bearer-body",
                "OA:ApiEndpoint/TokenAsQueryParameterDisabledTest",
            ],
        },
    },
    Case {
        id: "userinfo/sub-mismatch",
        title: "Userinfo response of another user",
        level: Level::Must,
        positive: false,
        why: "The ID token says who signed in; claims about anybody else must not become part of that session.",
        spec: &[OIDC_CORE.section("5.3.2"), OIDC_CORE.section("16.11")],
        needs: CALLS_USERINFO,
        lane: Lane::Parallel,
        variants: &[himself_or_nobody("victim", &[Userinfo(F::Victim)])],
        deviation: None,
        explain: Explain {
            story: "The ID token names the attacker and is right.\n\
                    The userinfo answer has the victim's sub, name, email and login.\n\
                    That happens when an access token was swapped, or a cache answered for somebody else.\n\
                    An app that fills the session from userinfo alone signs the attacker in as the victim.",
            right: "Compares the two `sub`s and uses nothing of the answer when they differ: it refuses, or goes on with the ID token's claims.",
            false_alarm: "Only data of the victim on a page counts. An app that called userinfo and refused afterwards is right, although the OpenID Foundation's suite cannot see that.",
            maps: &["o:userinfo-invalid-sub", "P#6", "L:rp-userinfo-bad-sub-claim"],
        },
    },
    Case {
        id: "userinfo/sub-missing",
        title: "Userinfo response without a subject",
        level: Level::Must,
        positive: false,
        why: "A comparison that is skipped when there is nothing to compare lets any answer in.",
        spec: &[OIDC_CORE.section("5.3.2")],
        needs: CALLS_USERINFO,
        lane: Lane::Parallel,
        variants: &[
            himself_or_nobody("absent", &[Userinfo(F::SubAbsent)]),
            himself_or_nobody("null", &[Userinfo(F::SubNull)]),
            himself_or_nobody("empty", &[Userinfo(F::SubEmpty)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The answer has no `sub`, or null, or the empty string.\n\
                    Name and email in it are the victim's.\n\
                    `if info.sub && info.sub != token.sub` passes.\n\
                    The profile of the session becomes the victim's.",
            right: "Requires `sub` in every userinfo answer, and uses nothing of an answer without it.",
            false_alarm: "None known: `sub` is the one claim that userinfo must always have.",
            maps: &["P#7"],
        },
    },
    Case {
        id: "userinfo/sub-ambiguous",
        title: "Userinfo response with two subjects",
        level: Level::Must,
        positive: false,
        why: "If the check reads one subject and the account the other, the check is useless.",
        spec: &[OIDC_CORE.section("5.3.2"), RFC8259.section("4")],
        needs: CALLS_USERINFO,
        lane: Lane::Parallel,
        variants: &[
            himself_or_nobody("array-own-first", &[Userinfo(F::SubArrayOwnFirst)]),
            himself_or_nobody("array-victim-first", &[Userinfo(F::SubArrayVictimFirst)]),
            himself_or_nobody("twice-victim-last", &[Userinfo(F::SubTwiceVictimLast)]),
            himself_or_nobody("twice-victim-first", &[Userinfo(F::SubTwiceVictimFirst)]),
        ],
        deviation: None,
        explain: Explain {
            story: "`sub` is a list of the user and the victim, or stands in the object twice.\n\
                    Loose comparisons are content when any element fits.\n\
                    Parsers differ in which of two members they keep.\n\
                    The account is then looked up by the other one.",
            right: "Accepts `sub` as one text only, and keys the account by the ID token's.",
            false_alarm: "Keeping the last of two equal names is what most parsers do; signing in as the ID token's user is fine in every variant.",
            maps: &["P#8", "P#9", "P#10", "P#11"],
        },
    },
    Case {
        id: "userinfo/faults",
        title: "A userinfo endpoint that fails",
        level: Level::Should,
        positive: false,
        why: "The sign-in must not hang, loop or crash because a second call after it failed.",
        spec: &[OIDC_CORE.section("5.3.2"), OIDC_CORE.section("5.3.3")],
        needs: CALLS_USERINFO,
        lane: Lane::Parallel,
        variants: &[
            copes("401", &[Userinfo(F::Status401)]),
            copes("403", &[Userinfo(F::Status403)]),
            copes("429", &[Userinfo(F::Status429)]),
            copes("500", &[Userinfo(F::Status500)]),
            copes("empty", &[Userinfo(F::BodyEmpty)]),
            copes("html", &[Userinfo(F::BodyHtml)]),
            copes("truncated", &[Userinfo(F::BodyTruncated)]),
            copes("array", &[Userinfo(F::BodyArray)]),
            copes("content-type", &[Userinfo(F::ContentTypeWrong)]),
            preferably_accepted("slow", &[Userinfo(F::Slow4s)]),
            copes("hang", &[Userinfo(F::Hang)]),
        ],
        deviation: Some("That nothing of a bad body is used is seen only by canaries on pages."),
        explain: Explain {
            story: "The tokens are right; the userinfo call fails.\n\
                    It answers 401, 403, 429, 500, with HTML, half a JSON, a list, or not at all.\n\
                    In one variant it is only slow, five seconds, and must be waited for.\n\
                    Apps crash on the parse, retry without end, or wait for ever.",
            right: "Gives up within its own time limit and either refuses politely or signs in from the ID token's claims.",
            false_alarm: "Refusing and going on are both right. A clean error page after the app's own time-out (60 s at most) is a pass.",
            maps: &["node-solid-server#1490", "mod_auth_openidc ChangeLog 2026-08-12"],
        },
    },
    Case {
        id: "userinfo/jwt-response",
        title: "Userinfo as a signed token",
        level: Level::Should,
        positive: false,
        why: "A signed response that is not verified is worth no more than an unsigned one.",
        spec: &[OIDC_CORE.section("5.3.2"), OIDC_CORE.section("5.3.4")],
        needs: CALLS_USERINFO,
        lane: Lane::Parallel,
        variants: &[
            accepted_or_noted("signed", &[Userinfo(F::Jwt)]),
            himself_or_nobody("bad-signature", &[Userinfo(F::JwtSignatureFlipped)]),
            himself_or_nobody("alg-none", &[Userinfo(F::JwtAlgNone)]),
            Variant::of("wrong-aud", SIGN_IN, &[Userinfo(F::JwtAudOther)], FOR_ANOTHER_CLIENT),
        ],
        deviation: Some(
            "A wrong audience only warns: OIDC Core §5.3.2 has the server name one, and §5.3.4 has the client validate the signature alone.",
        ),
        explain: Explain {
            story: "The answer is a JWT (`application/jwt`), although the client registered nothing of the kind.\n\
                    Once it is rightly signed; then the signature is damaged, missing, or the token is for another client.\n\
                    In the bad ones the profile is the victim's.\n\
                    An app that decodes without verifying shows the victim's data.",
            right: "Verifies such an answer like an ID token, or does not use it at all.",
            false_alarm: "Not understanding the good one is only a note: it was not agreed. Okta answers with plain JSON unless the client asks for more.",
            maps: &["o:userinfo-signed", "L:rp-userinfo-sig"],
        },
    },
    Case {
        id: "userinfo/missing-optional",
        title: "A user without a name or an e-mail address",
        level: Level::Must,
        positive: true,
        why: "Claims that were not released are simply absent, and two users without an address are still two users.",
        spec: &[OIDC_CORE.section("5.3.2")],
        needs: CALLS_USERINFO,
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "absent",
                TWO_NAMELESS,
                &[Identity(IdentityFault::ProfileAbsent)],
                SAME_FOR_TWO,
            ),
            Variant::of(
                "null",
                TWO_NAMELESS,
                &[Identity(IdentityFault::ProfileNull)],
                SAME_FOR_TWO,
            ),
            Variant::of(
                "empty",
                TWO_NAMELESS,
                &[Identity(IdentityFault::ProfileEmpty)],
                SAME_FOR_TWO,
            ),
        ],
        deviation: Some(
            "A refusal without a word is a warning and no fail: OIDC Core §5.3.2 says only that claims may be absent.",
        ),
        explain: Explain {
            story: "Two users sign in, one after the other; neither has an email, a name or a login in any source.\n\
                    The claims are absent, null or empty.\n\
                    An app that insists on them crashes.\n\
                    One that makes the empty email the key of an account puts both users into it.",
            right: "Keys the account by `sub` and falls back to something else for display, or says plainly that it needs the address.",
            false_alarm: "A clear message in place of a sign-in is a pass. The protected page of such a user may fit no pattern of the oracle; that alone is not held against the app.",
            maps: &["CVE-2026-23990"],
        },
    },
    Case {
        id: "userinfo/claims-xss",
        title: "A profile with HTML and scripts in it",
        level: Level::Must,
        positive: false,
        why: "Users can often edit their own profile; what they write there runs in the browser of whoever looks at it.",
        spec: &[
            ASVS.section("1.2.1"),
            ASVS.section("3.2.2"),
            WSTG.section("WSTG-INPV-02"),
        ],
        needs: CALLS_USERINFO,
        lane: Lane::Parallel,
        variants: &[
            escaped("name", &[Identity(IdentityFault::NameMarkup)]).needing(&[Feature::AsksForProfile]),
            escaped("email", &[Identity(IdentityFault::EmailMarkup)]).needing(&[Feature::AsksForEmail]),
            escaped("locale", &[Identity(IdentityFault::LocaleMarkup)]),
            escaped("picture", &[Identity(IdentityFault::PictureScript)]),
            escaped("website", &[Identity(IdentityFault::WebsiteScript)]),
        ],
        deviation: None,
        explain: Explain {
            story: "Name, email or locale hold an image tag whose error handler runs a script.\n\
                    Picture and website are `javascript:` addresses.\n\
                    The pages behind the sign-in are fetched and parsed as their content type says.\n\
                    A new element, attribute, script or link of that kind is the finding.",
            right: "Escapes every claim where it is written, and lets only http and https addresses become links or images.",
            false_alarm: "Escaped text, and the payload inside JSON or plain text with the right content type, are fine: pages are parsed, never searched.",
            maps: &["mod_auth_openidc ChangeLog 2026-05-20"],
        },
    },
    Case {
        id: "userinfo/picture-ssrf",
        title: "A picture URL that points into the internal network",
        level: Level::Should,
        positive: false,
        why: "A server that fetches what a profile names can be sent to addresses that only it can reach.",
        spec: &[ASVS.section("1.3.6"), WSTG.section("WSTG-INPV-19")],
        needs: CALLS_USERINFO,
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "public",
                SIGN_IN_AND_LOOK_ROUND,
                &[Identity(IdentityFault::PictureSecondOrigin)],
                &[May(NOTHING_AT_SECOND_ORIGIN), Should(STAYS_CLEAN)],
            ),
            Variant::of(
                "loopback",
                SIGN_IN_AND_LOOK_ROUND,
                &[Identity(IdentityFault::PictureLoopback)],
                &[Should(NO_INTERNAL_FETCH), Should(STAYS_CLEAN)],
            ),
            Variant::of(
                "loopback-mapped",
                SIGN_IN_AND_LOOK_ROUND,
                &[Identity(IdentityFault::PictureLoopbackMapped)],
                &[Should(NO_INTERNAL_FETCH), Should(STAYS_CLEAN)],
            ),
            Variant::of(
                "file",
                SIGN_IN_AND_LOOK_ROUND,
                &[Identity(IdentityFault::PictureFile)],
                &[Should(NO_INTERNAL_FETCH), Should(STAYS_CLEAN)],
            ),
        ],
        deviation: Some(
            "The metadata address 169.254.169.254 is not tried: a request to it cannot be seen from here, so no answer could fail. The loopback address is tried in two spellings instead, and seen.",
        ),
        explain: Explain {
            story: "The profile's `picture` is an address of the loopback interface, of a cloud's metadata service, or a file.\n\
                    Apps that keep a copy of the avatar fetch it from the server.\n\
                    The answer may hold credentials, and ends up as a picture anyone can download.\n\
                    A request to the harness's own loopback port proves the fetch.",
            right: "Lets the browser load the picture, or fetches only public http(s) addresses after resolving them.",
            false_alarm: "A fetch of the public address is only a note, and a browser that loads the picture is not counted. A request to a cloud's metadata address would leave the machine unseen, so it is not tried.",
            maps: &["CVE-2026-23603", "CVE-2026-33679"],
        },
    },
    Case {
        id: "userinfo/redirect",
        title: "A userinfo endpoint that redirects to a foreign host",
        level: Level::Must,
        positive: false,
        why: "An HTTP client that follows a redirect with the same headers gives the access token to the new host.",
        spec: &[RFC6750.section("5.3"), RFC9700.section("4.9")],
        needs: CALLS_USERINFO,
        lane: Lane::Parallel,
        variants: &[
            Variant::of("302", SIGN_IN, &[Userinfo(F::Redirect302)], KEEPS_TOKEN),
            Variant::of(
                "protocol-relative",
                SIGN_IN,
                &[Userinfo(F::RedirectProtocolRelative)],
                KEEPS_TOKEN,
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The userinfo endpoint answers 302 with an address at another host.\n\
                    In the second variant the address begins with `//`, which some clients take for a path.\n\
                    The client repeats the request there, with the Authorization header.\n\
                    The attacker now holds the user's access token.",
            right: "Follows no redirects on such calls, or drops the Authorization header when the host changes.",
            false_alarm: "A request without the token at the foreign host is not counted.",
            maps: &["CVE-2026-54603"],
        },
    },
];
