//! `token-response/`: the token endpoint's answer, in every shape it can have.

use mock_idp::{Fault::TokenResponse, flow::fault::TokenResponseFault as F};

use super::expect::{accepted, preferably_accepted, preferably_refused, refused, refused_or_noted};
use crate::{
    case::{Case, Expect, Explain, Lane, May, Must, MustStar, Should, Variant},
    check::{
        crowd::{EXACTLY_THE_GOOD_ONES, NOBODY_AS_ANOTHER, OTHERS_ARE_SERVED_MEANWHILE},
        leaks::ERRORS_LEAK_NOTHING,
        metadata::FAILS_POLITELY,
        pages::PAYLOAD_STAYS_TEXT,
        second_origin::NO_SECRET_AT_SECOND_ORIGIN,
        sign_in::{NEVER_AS_SOMEBODY_ELSE, REFUSES_SIGN_IN, SIGNS_IN_AS_USER, STAYS_CLEAN},
        token::{CLIENT_SECRET_STAYS_HIDDEN, NO_REFRESH_LOOP, NOT_USED_AS_BEARER},
        token_request::AT_MOST_TWO_TOKEN_REQUESTS,
    },
    feature::Feature,
    outcome::Level,
    script::{Act, Crowd, Hold, SIGN_IN, Step, user},
    spec::{ASVS, OIDC_CORE, RFC6749, RFC8259, RFC9110, RFC9700, ROBUSTNESS},
};

const TOLD_IN_OWN_WORDS: &[Expect] = &[
    Must(REFUSES_SIGN_IN),
    Must(PAYLOAD_STAYS_TEXT),
    Must(CLIENT_SECRET_STAYS_HIDDEN),
    Should(FAILS_POLITELY),
];
const POLITELY_REFUSED: &[Expect] = &[
    Should(REFUSES_SIGN_IN),
    Should(FAILS_POLITELY),
    Should(ERRORS_LEAK_NOTHING),
    Must(NEVER_AS_SOMEBODY_ELSE),
];
const NOT_USED: &[Expect] = &[
    Should(REFUSES_SIGN_IN),
    Should(NOT_USED_AS_BEARER),
    Should(STAYS_CLEAN),
    Must(NEVER_AS_SOMEBODY_ELSE),
];
const CLEAN_WHATEVER: &[Expect] = &[
    May(SIGNS_IN_AS_USER),
    Should(STAYS_CLEAN),
    Should(NO_REFRESH_LOOP),
    Must(NEVER_AS_SOMEBODY_ELSE),
];
const TOLERATED: &[Expect] = &[
    Should(SIGNS_IN_AS_USER),
    Should(NO_REFRESH_LOOP),
    Must(NEVER_AS_SOMEBODY_ELSE),
];
const BOUNDED: &[Expect] = &[
    Should(REFUSES_SIGN_IN),
    Should(FAILS_POLITELY),
    Must(NEVER_AS_SOMEBODY_ELSE),
];
const GIVEN_UP: &[Expect] = &[
    Should(EXACTLY_THE_GOOD_ONES),
    Should(OTHERS_ARE_SERVED_MEANWHILE),
    Should(FAILS_POLITELY),
    Must(NOBODY_AS_ANOTHER),
];
const NOT_RESENT: &[Expect] = &[
    Must(REFUSES_SIGN_IN),
    Must(AT_MOST_TWO_TOKEN_REQUESTS),
    Should(FAILS_POLITELY),
];
const SECRETS_KEPT: &[Expect] = &[
    MustStar(NO_SECRET_AT_SECOND_ORIGIN),
    Must(REFUSES_SIGN_IN),
    Should(FAILS_POLITELY),
];
/// Three people at once, one of whom meets the fault.
const ONE_OF_THREE: &[Step] = &[user(Act::Crowd(Crowd {
    size: 3,
    faulty_every: 3,
    hold: Hold::FaultyFirst,
    rounds: 1,
}))];

const fn politely(name: &'static str, faults: &'static [mock_idp::Fault]) -> Variant {
    Variant::of(name, SIGN_IN, faults, POLITELY_REFUSED)
}

const fn told(name: &'static str, faults: &'static [mock_idp::Fault]) -> Variant {
    Variant::of(name, SIGN_IN, faults, TOLD_IN_OWN_WORDS)
}

const fn redirected(name: &'static str, faults: &'static [mock_idp::Fault]) -> Variant {
    Variant::of(name, SIGN_IN, faults, SECRETS_KEPT)
}

const fn clean_whatever(name: &'static str, faults: &'static [mock_idp::Fault]) -> Variant {
    Variant::of(name, SIGN_IN, faults, CLEAN_WHATEVER)
}

pub(super) const CASES: &[Case] = &[
    Case {
        id: "token-response/oauth-error",
        title: "The token endpoint returns an OAuth error",
        level: Level::Must,
        positive: false,
        why: "A refusal is an ordinary event; what the server says about it does not belong on the user's page.",
        spec: &[OIDC_CORE.section("3.1.3.4"), RFC6749.section("5.2")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            told("invalid-grant", &[TokenResponse(F::InvalidGrant)]),
            told("invalid-client", &[TokenResponse(F::InvalidClient)]),
            told("unknown", &[TokenResponse(F::UnknownError)]),
            told("markup", &[TokenResponse(F::ErrorMarkup)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The token endpoint answers 400 `invalid_grant`, 401 `invalid_client`, or an unknown error.\n\
                    In one variant the description holds HTML that runs a script.\n\
                    Apps show the answer as it came, with their own configuration beside it.\n\
                    Or they forget the status and look for tokens in the error.",
            right: "Refuses with words of its own and logs the rest.",
            false_alarm: "502 is a polite status here. The text of an error may be shown if it is escaped.",
            maps: &[],
        },
    },
    Case {
        id: "token-response/http-5xx",
        title: "The token endpoint returns a server error",
        level: Level::Should,
        positive: false,
        why: "The authorization server's bad day should be a sentence on a page, not a stack trace.",
        spec: &[RFC6749.section("5")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            politely("500", &[TokenResponse(F::Status500Json)]),
            politely("502", &[TokenResponse(F::Status502Html)]),
            politely("503", &[TokenResponse(F::Status503RetryAfter)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The token endpoint answers 500 with JSON, 502 with HTML, or 503 with Retry-After.\n\
                    The app cannot finish the sign-in.\n\
                    Parsing HTML as JSON is where many crash.\n\
                    The next sign-in must work as if nothing had been.",
            right: "Says that the sign-in service is not available and lets the user try again.",
            false_alarm: "A 4xx, 502, 503 or 504 page is fine; 500 with a stack trace is not.",
            maps: &[],
        },
    },
    Case {
        id: "token-response/error-in-200",
        title: "OAuth error with status 200",
        level: Level::Must,
        positive: false,
        why: "An answer that says error is no success, whatever stands beside it.",
        spec: &[RFC6749.section("5.1"), RFC6749.section("5.2")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            refused("alone", &[TokenResponse(F::ErrorIn200)]),
            preferably_refused("with-tokens", &[TokenResponse(F::ErrorIn200WithTokens)]),
        ],
        deviation: Some(
            "The catalogue refuses tokens beside an error; RFC 6749 §5.1 tells clients to ignore members that they do not know, so with good tokens accepting is a warning.",
        ),
        explain: Explain {
            story: "The status is 200 and the body has a member `error`.\n\
                    Once there is nothing else, once the tokens stand beside it.\n\
                    Code that only looks at the status takes it for success.\n\
                    A well-known middleware made a user without an id of it.",
            right: "Refuses whenever there is an `error` member.",
            false_alarm: "With good tokens beside it the error is a member that RFC 6749 §5.1 lets a client ignore: accepting is a warning.",
            maps: &["CVE-2021-41580"],
        },
    },
    Case {
        id: "token-response/malformed-body",
        title: "Token response that is not a JSON object",
        level: Level::Must,
        positive: false,
        why: "What cannot be read cannot sign anybody in, and must not crash anything.",
        spec: &[RFC6749.section("5.1"), RFC8259.section("2")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            refused("empty", &[TokenResponse(F::BodyEmpty)]),
            refused("truncated", &[TokenResponse(F::BodyTruncated)]),
            refused("html", &[TokenResponse(F::BodyHtml)]),
            refused("array", &[TokenResponse(F::BodyArray)]),
            refused("string", &[TokenResponse(F::BodyString)]),
            preferably_refused("form", &[TokenResponse(F::BodyForm)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The body is empty, cut off, HTML, a list, a string, or form-encoded.\n\
                    Old providers really answered in form encoding, and some libraries still read it.\n\
                    Lists and strings slip through dynamic languages until something is missing.\n\
                    Whatever comes, it is not an answer of RFC 6749.",
            right: "Refuses with an ordinary page.",
            false_alarm: "A library that reads form encoding on purpose for old providers gets a warning: the standard knows only JSON, and the tokens are good.",
            maps: &[],
        },
    },
    Case {
        id: "token-response/missing-id-token",
        title: "Token response without an ID token",
        level: Level::Must,
        positive: false,
        why: "An access token says what may be done, not who is there: signing in by it is not authentication.",
        spec: &[OIDC_CORE.section("3.1.3.3")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            refused("absent", &[TokenResponse(F::IdTokenAbsent)]),
            refused("null", &[TokenResponse(F::IdTokenNull)]),
            refused("empty", &[TokenResponse(F::IdTokenEmpty)]),
            refused("number", &[TokenResponse(F::IdTokenNumber)]),
            refused("array", &[TokenResponse(F::IdTokenArray)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The answer has an access token and no ID token, or null, \"\", a number or a list.\n\
                    The app asks userinfo with the access token and gets a user.\n\
                    So it signs him in, as plain OAuth apps do.\n\
                    Nonce, audience and expiry were never checked.",
            right: "Refuses: with scope `openid` there must be an ID token.",
            false_alarm: "Apps that sign in by userinfo on purpose (plain OAuth) fail here, rightly: they are not OpenID Connect clients.",
            maps: &["CVE-2021-41580"],
        },
    },
    Case {
        id: "token-response/missing-access-token",
        title: "Token response without an access token",
        level: Level::Should,
        positive: false,
        why: "The member is required; an app that goes on will fail later, in a less obvious place.",
        spec: &[RFC6749.section("5.1"), OIDC_CORE.section("3.1.3.3")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[preferably_refused("absent", &[TokenResponse(F::AccessTokenAbsent)])],
        deviation: None,
        explain: Explain {
            story: "The answer has an ID token and no access token.\n\
                    RFC 6749 requires one in every token answer.\n\
                    An app that reads claims from the ID token alone may not notice.\n\
                    One that calls userinfo sends `Bearer undefined`.",
            right: "Refuses the answer as malformed.",
            false_alarm: "If the app never calls userinfo, accepting does no harm: therefore a warning only.",
            maps: &[],
        },
    },
    Case {
        id: "token-response/token-type-unusable",
        title: "Token of a type that the app cannot use",
        level: Level::Should,
        positive: false,
        why: "A client must not use a token whose type it does not understand.",
        spec: &[
            RFC6749.section("5.1"),
            RFC6749.section("7.1"),
            OIDC_CORE.section("3.1.3.3"),
        ],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            refused_or_noted("missing", &[TokenResponse(F::NoTokenType)]),
            Variant::of("mac", SIGN_IN, &[TokenResponse(F::TokenTypeMac)], NOT_USED),
            Variant::of("dpop", SIGN_IN, &[TokenResponse(F::TokenTypeDpop)], NOT_USED),
            Variant::of("n-a", SIGN_IN, &[TokenResponse(F::TokenTypeNa)], NOT_USED),
        ],
        deviation: None,
        explain: Explain {
            story: "`token_type` is absent, or `mac`, `DPoP` or `N_A`.\n\
                    Each of these types is used in another way than Bearer, or not at all.\n\
                    An app that never looks sends the token as Bearer all the same.\n\
                    A token that was meant to be bound to a key then travels without it.",
            right: "Refuses types other than Bearer (in any case of letters).",
            false_alarm: "A missing type is tolerated by many libraries and is only a note.",
            maps: &[],
        },
    },
    Case {
        id: "token-response/token-type-case",
        title: "Another letter case of token_type",
        level: Level::Must,
        positive: true,
        why: "The type is compared without case; servers write it as they like.",
        spec: &[RFC6749.section("5.1")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            accepted("lower", &[TokenResponse(F::TokenTypeLower)]),
            accepted("upper", &[TokenResponse(F::TokenTypeUpper)]),
            accepted("mixed", &[TokenResponse(F::TokenTypeMixed)]),
        ],
        deviation: None,
        explain: Explain {
            story: "`token_type` is `bearer`, `BEARER` or `bEARER`.\n\
                    RFC 6749 says that the value is case insensitive.\n\
                    An app that compares with `==` breaks with the next server.\n\
                    Three well-known projects had exactly this report.",
            right: "Compares without case.",
            false_alarm: "None known.",
            maps: &[
                "f2:token-type-case-insensitivity",
                "panva/openid-client#248",
                "open-liberty#31962",
                "istio authservice#255",
            ],
        },
    },
    Case {
        id: "token-response/minimal",
        title: "Token response with only the required members",
        level: Level::Must,
        positive: true,
        why: "`expires_in`, `scope` and `refresh_token` are optional.",
        spec: &[RFC6749.section("5.1")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            accepted("required-only", &[TokenResponse(F::OnlyRequired)]),
            accepted("empty-scope", &[TokenResponse(F::ScopeEmpty)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The answer has access_token, token_type and id_token and nothing else.\n\
                    In the second variant `scope` is the empty string.\n\
                    Code that computes an expiry from nothing fails.\n\
                    Code that splits the empty string has granted the right named \"\".",
            right: "Signs the user in and assumes nothing about what was left out.",
            false_alarm: "None known.",
            maps: &[
                "f1:no-scope-in-token-endpoint-response",
                "f2:token-endpoint-response-without-expires_in",
                "CVE-2022-31690",
            ],
        },
    },
    Case {
        id: "token-response/expires-in-odd",
        title: "Unusual expires_in values",
        level: Level::May,
        positive: true,
        why: "Servers write numbers as strings, or zero; a sign-in should not depend on it.",
        spec: &[RFC6749.section("5.1"), RFC6749.section("A.14")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            Variant::of("string", SIGN_IN, &[TokenResponse(F::ExpiresString)], TOLERATED),
            clean_whatever("zero", &[TokenResponse(F::ExpiresZero)]),
            clean_whatever("negative", &[TokenResponse(F::ExpiresNegative)]),
            clean_whatever("huge", &[TokenResponse(F::ExpiresHuge)]),
            Variant::of("fraction", SIGN_IN, &[TokenResponse(F::ExpiresFraction)], TOLERATED),
            clean_whatever("null", &[TokenResponse(F::ExpiresNull)]),
        ],
        deviation: None,
        explain: Explain {
            story: "`expires_in` is \"3600\", 3600.5, 0, -1, 1e300 or null.\n\
                    The first two mean what they seem to.\n\
                    The others make dates before the epoch, overflows, or a token that is never fresh.\n\
                    An app that refreshes expired tokens at once may never stop.",
            right: "Reads the number leniently, or ignores it; no crash and no loop.",
            false_alarm: "Refusing the odd ones cleanly is only a note; refusing a string or a fraction is a warning.",
            maps: &[],
        },
    },
    Case {
        id: "token-response/extra-members",
        title: "Token response with unknown members",
        level: Level::Must,
        positive: true,
        why: "The client must ignore what it does not recognise.",
        spec: &[RFC6749.section("5.1")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[accepted("twenty", &[TokenResponse(F::ExtraMembers)])],
        deviation: None,
        explain: Explain {
            story: "Twenty unknown members stand in the answer: nested, null, named by URLs, not ASCII.\n\
                    RFC 6749 says that they must be ignored.\n\
                    A strict schema refuses them.\n\
                    Okta adds such members for some features.",
            right: "Ignores them.",
            false_alarm: "None known.",
            maps: &["OA:TokenEndpoint/UnrecognizedParameterAllowedTest"],
        },
    },
    Case {
        id: "token-response/huge-body",
        title: "Token response that is far too large",
        level: Level::Should,
        positive: false,
        why: "An answer without a limit is read into memory without a limit.",
        spec: &[ROBUSTNESS.section("")],
        needs: &[],
        lane: Lane::Alone,
        variants: &[
            Variant::of("50mb", SIGN_IN, &[TokenResponse(F::HugeJson)], BOUNDED),
            Variant::of("dots", SIGN_IN, &[TokenResponse(F::HugeDots)], BOUNDED),
            Variant::of("nesting", SIGN_IN, &[TokenResponse(F::HugeNesting)], BOUNDED),
        ],
        deviation: Some(
            "Memory is not measured: an app that reads the whole answer and refuses it passes here. Whether others suffer is asked of the sign-in right afterwards.",
        ),
        explain: Explain {
            story: "The answer is 50 MB of JSON with the right tokens at its end.\n\
                    Or the ID token is a megabyte of dots, or a hundred thousand nested lists.\n\
                    Splitting dots and recursing into lists have brought servers down.\n\
                    A sign-in right afterwards shows whether others suffer.",
            right: "Stops reading at a limit (a few hundred kilobytes are plenty) and refuses.",
            false_alarm: "Accepting the 50 MB is only a warning: the standard names no limit.",
            maps: &["CVE-2025-22868", "CVE-2025-27144", "CVE-2025-61920", "CVE-2025-30204"],
        },
    },
    Case {
        id: "token-response/gzip",
        title: "Compressed token response",
        level: Level::Should,
        positive: true,
        why: "Compression that was offered must be understood, and must not be a bomb.",
        spec: &[RFC9110.section("8.4")],
        needs: &[],
        lane: Lane::Alone,
        variants: &[
            preferably_accepted("valid", &[TokenResponse(F::GzipValid)]).needing(&[Feature::AcceptsGzip]),
            Variant::of("bomb", SIGN_IN, &[TokenResponse(F::GzipBomb)], BOUNDED),
        ],
        deviation: Some("Memory is not measured: what shows is a process that dies, or an answer that never comes."),
        explain: Explain {
            story: "The app's request allows gzip, and the answer comes compressed: that must work.\n\
                    Then a compressed answer of one megabyte inflates to one gigabyte.\n\
                    A limit on what comes over the wire does not see it.\n\
                    The process is killed, and with it every user's session.",
            right: "Limits the size after decompression, or does not offer compression on these calls.",
            false_alarm: "Apps that do not send Accept-Encoding: gzip skip the first variant.",
            maps: &["CVE-2025-62706"],
        },
    },
    Case {
        id: "token-response/slow",
        title: "The token endpoint is slow, or never answers",
        level: Level::Should,
        positive: true,
        why: "Four seconds happen; for ever must not, and nobody else should have to wait.",
        spec: &[ROBUSTNESS.section("")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            preferably_accepted("4s", &[TokenResponse(F::Slow4s)]),
            Variant::of("trickle", ONE_OF_THREE, &[TokenResponse(F::Trickle)], GIVEN_UP),
            Variant::of("hang", ONE_OF_THREE, &[TokenResponse(F::Hang)], GIVEN_UP),
        ],
        deviation: None,
        explain: Explain {
            story: "The answer comes after five seconds: the user waits and is signed in.\n\
                    Or it comes byte by byte, or never.\n\
                    A time limit per read never ends with a trickle; a limit on the whole does.\n\
                    Two other users sign in meanwhile: a blocked event loop would hold them too.",
            right: "Waits some seconds, gives up within a minute with a plain error, and serves the others all the while.",
            false_alarm: "Any limit between 4 s and 60 s is fine. Answers of 502, 503 or 504 count as polite.",
            maps: &[],
        },
    },
    Case {
        id: "token-response/connection-drop",
        title: "The connection to the token endpoint breaks",
        level: Level::Must,
        positive: false,
        why: "A code may be used once: sending it again after a broken connection can revoke everything.",
        spec: &[RFC6749.section("4.1.2"), RFC9110.section("9.2.2")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "before-headers",
                SIGN_IN,
                &[TokenResponse(F::CutBeforeHeaders)],
                NOT_RESENT,
            ),
            Variant::of("mid-headers", SIGN_IN, &[TokenResponse(F::CutMidHeaders)], NOT_RESENT),
            Variant::of("mid-body", SIGN_IN, &[TokenResponse(F::CutMidBody)], NOT_RESENT),
        ],
        deviation: None,
        explain: Explain {
            story: "The connection is reset before the answer, in the middle of its headers, or of its body.\n\
                    The app cannot know whether the code was used.\n\
                    Retrying over and over sends the same code again and again.\n\
                    Half an answer must not count as a whole one.",
            right: "Refuses, and lets the user start again; at most one automatic retry.",
            false_alarm: "One retry is allowed: HTTP libraries repeat a request on a connection that was closed while idle.",
            maps: &[],
        },
    },
    Case {
        id: "token-response/redirect",
        title: "The token endpoint redirects to another host",
        level: Level::MustStar,
        positive: false,
        why: "With 307 and 308 the client repeats the whole request: code, verifier and secret go to whoever is named.",
        spec: &[
            ASVS.section("15.3.2"),
            RFC9700.section("4.12"),
            OIDC_CORE.section("16.22"),
        ],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            redirected("302", &[TokenResponse(F::Redirect302)]),
            redirected("307", &[TokenResponse(F::Redirect307)]),
            redirected("308", &[TokenResponse(F::Redirect308)]),
            redirected("protocol-relative", &[TokenResponse(F::RedirectProtocolRelative)]),
        ],
        deviation: Some(
            "The catalogue calls it a broken MUST; the clauses of OAuth bind the authorization server, and only ASVS 15.3.2 tells a client not to follow, hence a warning in profile core.",
        ),
        explain: Explain {
            story: "The token endpoint answers with a redirect to another host.\n\
                    302 turns the request into a GET and may keep the Authorization header.\n\
                    307 and 308 repeat the body; one variant begins with `//`.\n\
                    What arrives at the foreign host is read there.",
            right: "Follows no redirects at the token endpoint.",
            false_alarm: "A request without any secret at the foreign host is not counted.",
            maps: &["CVE-2026-54603", "CVE-2026-54605"],
        },
    },
];
