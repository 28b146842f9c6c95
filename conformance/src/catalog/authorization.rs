//! `authorization/`: what the app asks the authorization server for.

use mock_idp::{
    Fault,
    flow::fault::MetadataFault::{PkcePlainOnly, PkceUnlisted},
};

use crate::{
    case::{Case, Explain, Lane, May, Must, Should, Variant},
    check::{authorization as ask, leaks, sign_in::STAYS_CLEAN},
    edit::{
        Change::{Remove, Set},
        Edit::{self, Header, Query},
        Text::{Plain, Random},
    },
    feature::Feature::{DeepLinks, FetchesDiscovery, SendsNonce, SendsPkce, SendsState},
    outcome::Level,
    script::{
        Act::{Authorize, DeepLink, Deliver, Flood, NewBrowser, Repeat, Start},
        MAIN, OTHER, Slot, Step, THIRD, attacker, user, victim,
    },
    spec::{ASVS, OIDC_CORE, RFC6749, RFC7636, RFC9111, RFC9700, WSTG},
};

/// Fifty starts in thirty browsers, and some more at the same time: how many sign-ins one browser may leave open is the
/// question of `session/abandoned-flows`.
const FIFTY_STARTS: &[Step] = &[
    user(Repeat(
        10,
        &[
            user(NewBrowser),
            user(Start(MAIN, &[])),
            user(Start(OTHER, &[])),
            user(Start(THIRD, &[])),
            victim(NewBrowser),
            victim(Start(Slot(3), &[])),
            attacker(NewBrowser),
            attacker(Start(Slot(4), &[])),
        ],
    )),
    user(Flood(20)),
];

/// Starts between sign-ins that the user cancelled and sign-ins that failed. Each round has new browsers: an app may well
/// refuse somebody who leaves a dozen sign-ins open (`session/abandoned-flows` asks about that).
const STARTS_BETWEEN_FAILURES: &[Step] = &[user(Repeat(
    10,
    &[
        user(Start(MAIN, &[])),
        user(Authorize(MAIN, &[])),
        user(Deliver(
            MAIN,
            &[Query("code", Remove), Query("error", Set(Plain("access_denied")))],
        )),
        user(Start(OTHER, &[])),
        user(Authorize(OTHER, &[])),
        user(Deliver(OTHER, &[Query("code", Set(Random(43)))])),
        victim(Start(THIRD, &[])),
        user(Start(Slot(3), &[])),
        user(Start(Slot(4), &[])),
        user(NewBrowser),
        victim(NewBrowser),
    ],
))];

/// A start with a forged header.
macro_rules! forged {
    ($name:literal, $edits:expr) => {
        Variant::of(
            $name,
            &[user(Start(MAIN, $edits))],
            &[],
            &[Should(ask::REDIRECT_URI_UNMOVED), Should(STAYS_CLEAN)],
        )
    };
}

/// A plain start, then one whose address carries a parameter of the authorization request.
macro_rules! injected {
    ($level:ident, $name:literal, $parameter:literal, $value:expr) => {
        Variant::of(
            $name,
            &[
                user(Start(OTHER, &[])),
                user(NewBrowser),
                user(Start(MAIN, &[Query($parameter, Set($value))])),
            ],
            &[],
            &[$level(ask::PARAMETERS_NOT_INJECTED), Should(STAYS_CLEAN)],
        )
    };
}

/// What a start under metadata that talk PKCE down must look like.
const DOWNGRADED: &[crate::case::Expect] = &[
    Must(ask::NEVER_PLAIN),
    Must(ask::PKCE_OR_NONCE_REMAINS),
    Should(ask::PKCE_IS_KEPT),
];

const RETURN_TARGETS: &[Edit] = &[
    Query("return_to", Set(Plain("/profile?a=1&b=%2F"))),
    Query("next", Set(Plain("/profile?a=1&b=%2F"))),
];

/// In the order of the catalogue.
pub(super) const CASES: &[Case] = &[
    Case {
        id: "authorization/response-type-code",
        title: "The app asks for a code and nothing else",
        level: Level::Must,
        positive: false,
        why: "Tokens that come back in the browser's address can be read by everything that sees the address.",
        spec: &[OIDC_CORE.section("3.1.2.1"), RFC9700.section("2.1.2")],
        needs: &[],
        lane: Lane::Watch,
        variants: &[Variant::watching("every-request", &[Must(ask::RESPONSE_TYPE_IS_CODE)])],
        deviation: None,
        explain: Explain {
            story: "The app asks for `token` or `id_token`, alone or beside the code.\n\
                    The authorization server answers with tokens in the fragment of the address.\n\
                    History, extensions, referrers and injected scripts see them.\n\
                    No proof ties such a token to this browser or this app.",
            right: "Sends response_type=code, exactly, in every authorization request.",
            false_alarm: "None is known. An app that needs a hybrid flow on purpose is outside of these profiles.",
            maps: &["o:oidcc-client-test", "f2:happy-path", "L:rp-response_type-code"],
        },
    },
    Case {
        id: "authorization/scope-openid",
        title: "The scope contains openid, and nothing undocumented",
        level: Level::Must,
        positive: false,
        why: "Without openid it is not an OpenID Connect request, and every further scope is a right that a stolen token grants.",
        spec: &[OIDC_CORE.section("3.1.2.1"), ASVS.section("10.2.3")],
        needs: &[],
        lane: Lane::Watch,
        variants: &[Variant::watching(
            "every-request",
            &[
                Must(ask::SCOPE_HAS_OPENID),
                Should(ask::SCOPE_AS_DECLARED),
                Should(ask::SCOPE_WITHOUT_DUPLICATES),
            ],
        )],
        deviation: Some(
            "Scopes beside the declared ones are a warning: ASVS asks for no more than is needed, and only the owner knows what that is.",
        ),
        explain: Explain {
            story: "The app leaves openid out, or separates scopes by commas, or asks for more than it needs.\n\
                    Without openid no ID token is promised: what comes is plain OAuth.\n\
                    With too many scopes a leaked access token opens more than the app uses.\n\
                    The server that the app is developed against may forgive it, the next one will not.",
            right: "Sends openid and the documented scopes, each once, separated by single spaces.",
            false_alarm: "The comparison uses `scopes` of [target.declares]; an outdated list there is the list's mistake. \
                          Scopes other than the declared ones are a warning; so is one that comes twice: Okta accepts it.",
            maps: &["o:scope-userinfo-claims", "L:rp-scope-userinfo-claims"],
        },
    },
    Case {
        id: "authorization/client-id-exact",
        title: "The client_id is the registered one",
        level: Level::Must,
        positive: false,
        why: "A client_id that is trimmed, re-encoded or taken from elsewhere names another client, or none.",
        spec: &[RFC6749.section("4.1.1")],
        needs: &[],
        lane: Lane::Watch,
        variants: &[Variant::watching(
            "every-request",
            &[Must(ask::CLIENT_ID_IS_REGISTERED)],
        )],
        deviation: None,
        explain: Explain {
            story: "The app is configured with one client_id and sends something else:\n\
                    with a space from the environment file, in another case, of another stage.\n\
                    The server refuses, or tokens are issued to another client.\n\
                    Then the audience of the ID token cannot be this app.",
            right: "Sends the registered client_id byte for byte.",
            false_alarm: "None is known.",
            maps: &["OA:TokenEndpoint/IsClientIdRequiredTest"],
        },
    },
    Case {
        id: "authorization/redirect-uri-exact",
        title: "The redirect_uri is the registered one, from every entry page",
        level: Level::Must,
        positive: false,
        why: "A redirect_uri that varies needs a loose registration, and loose registrations leak codes.",
        spec: &[OIDC_CORE.section("3.1.2.1"), RFC9700.section("2.1")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "twenty-starts",
                &[user(Repeat(
                    10,
                    &[
                        user(NewBrowser),
                        user(Start(MAIN, &[])),
                        victim(NewBrowser),
                        victim(Start(OTHER, &[])),
                    ],
                ))],
                &[],
                &[Must(ask::REDIRECT_URI_IS_REGISTERED)],
            ),
            Variant::of(
                "with-return-target",
                &[user(Start(MAIN, RETURN_TARGETS))],
                &[],
                &[Must(ask::REDIRECT_URI_IS_REGISTERED)],
            ),
            Variant::of(
                "deep-link",
                &[
                    user(DeepLink(MAIN, "")),
                    user(NewBrowser),
                    user(DeepLink(OTHER, "?a=1&b=%2F%26")),
                ],
                &[],
                &[Must(ask::REDIRECT_URI_IS_REGISTERED)],
            )
            .needing(&[DeepLinks]),
        ],
        deviation: Some(
            "Entry pages are the sign-in path, the deep link and return targets; other pages of the app are not known.",
        ),
        explain: Explain {
            story: "The app puts the page to return to, a language or a tenant into the redirect_uri.\n\
                    To accept that, somebody registers a pattern instead of one address.\n\
                    An attacker finds an address that fits the pattern and leads to him.\n\
                    The next victim's code is delivered there.",
            right: "Sends one registered address from every entry page and keeps the return target in its own state.",
            false_alarm: "An app with several registered addresses on purpose; register the one under test.",
            maps: &["OA:AuthEndpoint/RedirectUriFullyMatchedTest"],
        },
    },
    Case {
        id: "authorization/redirect-uri-host-spoof",
        title: "A forged host header moves the redirect_uri",
        level: Level::Should,
        positive: false,
        why: "An app that builds its own URL from request headers can be made to send codes elsewhere.",
        spec: &[RFC9700.section("4.1"), WSTG.section("WSTG-INPV-17")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            forged!("host", &[Header("host", Plain("evil.example"))]),
            forged!("x-forwarded-host", &[Header("x-forwarded-host", Plain("evil.example"))]),
            forged!("x-forwarded-proto", &[Header("x-forwarded-proto", Plain("https"))]),
            forged!(
                "forwarded",
                &[Header("forwarded", Plain("host=evil.example;proto=https"))]
            ),
            forged!("x-original-host", &[Header("x-original-host", Plain("evil.example"))]),
        ],
        deviation: None,
        explain: Explain {
            story: "The attacker makes the victim's request carry a host header of his choice, or poisons a cache with it.\n\
                    The app builds redirect_uri from that header.\n\
                    Where the registration is loose, the code goes to the attacker's host.\n\
                    Where it is exact, the sign-in fails for everybody who gets the cached answer.",
            right: "Takes its own address from its configuration, or refuses a host that it does not know.",
            false_alarm: "An app behind a proxy that must trust such a header: name it in `trusted_headers`. An exact \
                          registration limits the damage, hence a warning.",
            maps: &["CVE-2026-53523", "CVE-2024-21499"],
        },
    },
    Case {
        id: "authorization/state-present",
        title: "An authorization request without state",
        level: Level::Should,
        positive: false,
        why: "If nothing binds the response to the browser, an attacker can sign the victim in to the attacker's account.",
        spec: &[
            OIDC_CORE.section("3.1.2.1"),
            RFC6749.section("10.12"),
            RFC9700.section("2.1"),
            RFC9700.section("4.7.1"),
            ASVS.section("10.2.1"),
        ],
        needs: &[],
        lane: Lane::Watch,
        variants: &[Variant::watching(
            "every-request",
            &[Must(ask::STATE_OR_PKCE_AND_NONCE), Should(ask::STATE_IS_PRESENT)],
        )],
        deviation: None,
        explain: Explain {
            story: "The app starts a sign-in without a value that only this browser knows.\n\
                    The attacker signs in himself, stops before the callback, and sends the callback address to the victim.\n\
                    The victim's browser finishes the attacker's sign-in.\n\
                    What the victim then enters lands in the attacker's account.",
            right: "Sends a fresh state bound to the browser. Okta refuses a request without one.",
            false_alarm: "RFC 9700 lets PKCE together with a nonce stand in for state: then the lack is only a warning.",
            maps: &["CVE-2012-6134"],
        },
    },
    Case {
        id: "authorization/state-unique",
        title: "A state that repeats or can be guessed",
        level: Level::Must,
        positive: false,
        why: "A state that an attacker can predict protects nobody.",
        spec: &[RFC6749.section("10.12"), ASVS.section("10.1.2")],
        needs: &[SendsState],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "fifty-starts",
            FIFTY_STARTS,
            &[],
            &[
                Must(ask::STATE_IS_UNPREDICTABLE),
                Should(ask::STATE_IS_LONG),
                May(ask::STATE_IS_URL_SAFE),
            ],
        )],
        deviation: Some(
            "No clause names 128 bits for state: RFC 6749 §10.12 says non-guessable, which is judged from 64 bits on; fewer than 112 are a warning.",
        ),
        explain: Explain {
            story: "The app makes its state from a counter, the clock or a weak generator, or reuses it.\n\
                    The attacker starts a few sign-ins and sees the pattern.\n\
                    He prepares a callback address with the state that the victim's browser will have.\n\
                    The check of the state passes.",
            right: "Draws at least 128 bits from a cryptographic generator for every start.",
            false_alarm: "The estimate counts the positions that vary, so structured states (a JWT, a signed value) pass \
                          when enough of them does. From 64 bits on nobody guesses it: between 64 and 112 it is a warning, up to 128 (a random UUID) a note.",
            maps: &["CVE-2022-31034", "CVE-2024-21495"],
        },
    },
    Case {
        id: "authorization/state-no-leak",
        title: "A state that reveals secrets",
        level: Level::Should,
        positive: false,
        why: "The state passes through URLs, logs and the authorization server: everything in it is public.",
        spec: &[RFC9700.section("4.7.1"), ASVS.section("14.2.1")],
        needs: &[SendsState],
        lane: Lane::Watch,
        variants: &[Variant::watching("every-state", &[Should(ask::STATE_HOLDS_NO_SECRET)])],
        deviation: None,
        explain: Explain {
            story: "The app packs what it must remember into state: the verifier, the nonce, the session id, the user.\n\
                    The value is only base64, not encryption.\n\
                    Server logs, browser history and the Referer of the next page hold it.\n\
                    Whoever reads one of them has what PKCE and nonce were to keep secret.",
            right: "Uses an opaque random state, or encrypts what it carries.",
            false_alarm: "Encrypted states look like noise and pass. A nonce equal to the state is another case.",
            maps: &[],
        },
    },
    Case {
        id: "authorization/nonce-present",
        title: "An authorization request without nonce",
        level: Level::Should,
        positive: false,
        why: "The nonce is what ties an ID token to the sign-in that asked for it.",
        spec: &[
            OIDC_CORE.section("3.1.2.1"),
            OIDC_CORE.section("15.5.2"),
            RFC9700.section("2.1.1"),
            ASVS.section("10.5.1"),
        ],
        needs: &[],
        lane: Lane::Watch,
        variants: &[Variant::watching(
            "every-request",
            &[Must(ask::NONCE_OR_PKCE), Should(ask::NONCE_IS_PRESENT)],
        )],
        deviation: None,
        explain: Explain {
            story: "The app sends no nonce.\n\
                    The attacker steals a victim's code, or an ID token of an earlier sign-in.\n\
                    He feeds it into a sign-in of his own.\n\
                    Nothing in the token says that it was made for another sign-in.",
            right: "Sends a fresh nonce and compares it with the claim in the ID token.",
            false_alarm: "OpenID Connect makes the nonce optional in the code flow: with PKCE S256 the lack is a warning; \
                          cases about the nonce check are then skipped.",
            maps: &[
                "o:nonce-unless-code-flow",
                "L:rp-nonce-unless-code-flow",
                "OA:AuthEndpoint/NonceRequiredTest",
            ],
        },
    },
    Case {
        id: "authorization/nonce-unique",
        title: "A nonce that repeats or can be guessed",
        level: Level::Must,
        positive: false,
        why: "A repeated nonce lets the token of one sign-in be used in another.",
        spec: &[
            OIDC_CORE.section("15.5.2"),
            RFC9700.section("2.1.1"),
            ASVS.section("10.1.2"),
        ],
        needs: &[SendsNonce],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "fifty-starts",
            FIFTY_STARTS,
            &[],
            &[
                Must(ask::NONCE_IS_UNPREDICTABLE),
                Should(ask::NONCE_IS_LONG),
                Should(ask::NONCE_IS_INTEROPERABLE),
            ],
        )],
        deviation: Some("No clause names 128 bits for a nonce: below 64 bits is a fail, below 112 a warning."),
        explain: Explain {
            story: "The app sends the same nonce again, or one made from a counter or the clock.\n\
                    An ID token that was stolen or kept from an earlier sign-in carries that nonce.\n\
                    Delivered into a new sign-in, it passes the comparison.\n\
                    The attacker is whoever the token names.",
            right: "Draws a nonce of at least 128 bits for every start, other than the state.",
            false_alarm: "Between 64 and 112 estimated bits is a warning. Long nonces, unusual characters and a nonce equal to the state are warnings: some servers refuse \
                          them, the standard does not.",
            maps: &["CVE-2022-31034", "symfony#66135"],
        },
    },
    Case {
        id: "authorization/pkce-s256",
        title: "An authorization request without PKCE S256",
        level: Level::Must,
        positive: false,
        why: "PKCE makes a stolen code worthless; the method plain reveals the secret in the same URL.",
        spec: &[
            RFC7636.section("4.2"),
            RFC7636.section("4.3"),
            RFC7636.section("7.2"),
            RFC9700.section("2.1.1"),
        ],
        needs: &[],
        lane: Lane::Watch,
        variants: &[Variant::watching(
            "every-request",
            &[Must(ask::PKCE_IS_S256), Should(ask::PKCE_IS_SENT)],
        )],
        deviation: Some(
            "The catalogue fails every request without a challenge; RFC 9700 §2.1.1 only recommends PKCE to a confidential client with a nonce, hence a warning there.",
        ),
        explain: Explain {
            story: "The app sends no code_challenge, or one with the method plain.\n\
                    A code leaks: by a log, a Referer, an extension, a malicious app on the phone.\n\
                    Without PKCE whoever has the code and a way to use it is signed in as the victim.\n\
                    With plain the address that leaked the code may have leaked the verifier as well.",
            right: "Sends the S256 challenge of a fresh verifier: 43 base64url characters, code_challenge_method=S256.",
            false_alarm: "A confidential client may protect the code by a nonce instead (RFC 9700 §2.1.1): then no challenge is a \
                          warning. Okta accepts only S256.",
            maps: &[
                "f2:happy-path",
                "OA:Pkce/IsPkceRequiredTest",
                "OA:Pkce/PlainPkceDisabledTest",
                "OA:Pkce/HashedPkceDisabledTest",
                "CVE-2022-31034",
            ],
        },
    },
    Case {
        id: "authorization/pkce-unique",
        title: "A code_challenge that is used twice",
        level: Level::Must,
        positive: false,
        why: "A verifier that is used twice is no longer the secret of one sign-in.",
        spec: &[RFC7636.section("4.1"), RFC7636.section("7.1"), RFC9700.section("2.1.1")],
        needs: &[SendsPkce],
        lane: Lane::Parallel,
        variants: &[
            Variant::of("fifty-starts", FIFTY_STARTS, &[], &[Must(ask::CHALLENGE_IS_NEW)]),
            Variant::of(
                "after-failures",
                STARTS_BETWEEN_FAILURES,
                &[],
                &[Must(ask::CHALLENGE_IS_NEW)],
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The app makes one verifier per session, or keeps it when a sign-in was cancelled or failed.\n\
                    An earlier verifier was sent to the token endpoint and may stand in a log.\n\
                    A code of the next sign-in is bound to the same verifier.\n\
                    Whoever has the old verifier can redeem the new code.",
            right: "Makes a new verifier for every authorization request, whatever became of the last.",
            false_alarm: "None is known.",
            maps: &["f2:happy-path"],
        },
    },
    Case {
        id: "authorization/pkce-no-fallback",
        title: "The app drops PKCE when the metadata do not list S256",
        level: Level::Should,
        positive: false,
        why: "Whoever can change the metadata, or serve an old version, must not be able to switch PKCE off.",
        spec: &[RFC7636.section("7.2"), RFC9700.section("2.1.1"), RFC9700.section("4.8")],
        needs: &[FetchesDiscovery, SendsPkce],
        lane: Lane::Restart,
        variants: &[
            Variant::of(
                "plain-only",
                &[user(Start(MAIN, &[]))],
                &[Fault::Metadata(PkcePlainOnly)],
                DOWNGRADED,
            ),
            Variant::of(
                "not-listed",
                &[user(Start(MAIN, &[]))],
                &[Fault::Metadata(PkceUnlisted)],
                DOWNGRADED,
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The discovery document lists only plain, or no challenge methods at all.\n\
                    The app reads that as permission to use plain or no PKCE.\n\
                    From now on stolen codes can be used.\n\
                    Nobody notices, because every sign-in still works.",
            right: "Sends S256 all the same (servers that do not know PKCE ignore it), or stops.",
            false_alarm: "Dropping PKCE while a nonce is sent and checked is a warning; plain never is.",
            maps: &["OA:Pkce/IsPkcePlainDowngradeDetectedTest"],
        },
    },
    Case {
        id: "authorization/verifier-not-in-front-channel",
        title: "The code_verifier is visible in the browser",
        level: Level::Should,
        positive: false,
        why: "The verifier protects the code only while the app alone knows it.",
        spec: &[RFC7636.section("7.1"), ASVS.section("10.1.1")],
        needs: &[SendsPkce],
        lane: Lane::Watch,
        variants: &[Variant::watching(
            "every-verifier",
            &[
                Should(leaks::VERIFIER_IS_HIDDEN),
                Should(leaks::VERIFIER_COOKIE_IS_ENCRYPTED),
            ],
        )],
        deviation: None,
        explain: Explain {
            story: "The app keeps the verifier where scripts or addresses reach: a readable cookie, a page, the state.\n\
                    A script injected into the page, or a look at a log, gives it away.\n\
                    Together with the code it can be redeemed.\n\
                    PKCE then protects against nobody who sees the browser.",
            right: "Keeps the verifier on the server or in an encrypted HttpOnly cookie until the token request.",
            false_alarm: "A clear-text HttpOnly cookie is a warning and no more: scripts cannot read it. Single-page apps \
                          must hold the verifier in the browser.",
            maps: &[],
        },
    },
    Case {
        id: "authorization/no-secret-in-url",
        title: "A secret appears in a URL or page of the sign-in",
        level: Level::Must,
        positive: false,
        why: "URLs end up in logs, browser histories and Referer headers.",
        spec: &[
            RFC6749.section("2.3.1"),
            ASVS.section("14.2.1"),
            WSTG.section("WSTG-ATHZ-05.2"),
        ],
        needs: &[],
        lane: Lane::Watch,
        variants: &[Variant::watching("every-hop", &[Must(leaks::NO_SECRET_IN_URLS)])],
        deviation: None,
        explain: Explain {
            story: "The app passes the client secret, a token or the verifier on in an address or a page of the sign-in.\n\
                    Proxies, the browser's history and the next site's Referer log keep a copy.\n\
                    Whoever reads one of them can act as the app or as the user.\n\
                    Nothing in the app shows that it happened.",
            right: "Sends secrets in the body or header of its own requests, never through the browser.",
            false_alarm: "The ID token as id_token_hint in a sign-out address is the standard's own way and is left out. \
                          Tokens on pages after sign-in are `access-token/not-exposed`.",
            maps: &["OA:TokenEndpoint/IsAuthInUriAllowedTest", "CVE-2026-34969"],
        },
    },
    Case {
        id: "authorization/well-formed-query",
        title: "An authorization request that parsers read in different ways",
        level: Level::Must,
        positive: false,
        why: "Where two parsers disagree, a check and its use can see different values.",
        spec: &[
            RFC6749.section("3.1"),
            RFC6749.section("B"),
            OIDC_CORE.section("3.1.2.1"),
        ],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "plain-start",
                &[user(Start(MAIN, &[]))],
                &[],
                &[Must(ask::QUERY_IS_WELL_FORMED)],
            ),
            Variant::of(
                "reserved-characters",
                &[user(DeepLink(MAIN, "?a=1&b=%2F%26&c=%C3%A4+%22"))],
                &[],
                &[Must(ask::QUERY_IS_WELL_FORMED)],
            )
            .needing(&[DeepLinks]),
        ],
        deviation: None,
        explain: Explain {
            story: "The app glues its authorization request together by hand.\n\
                    A parameter comes twice, a space or an umlaut stands raw, a value is encoded twice.\n\
                    One server takes the first copy, another the last, a third refuses.\n\
                    A return target with an ampersand then adds parameters of its own.",
            right: "Builds the query with a URL library: every parameter once, encoded once.",
            false_alarm: "State and nonce are opaque and may hold what looks like encoding; they are left out. A plus for a \
                          space is right in form encoding.",
            maps: &["OA:AuthEndpoint/SameParameterTwiceDisallowedTest"],
        },
    },
    Case {
        id: "authorization/params-not-injectable",
        title: "A link to the sign-in page changes the authorization request",
        level: Level::Must,
        positive: false,
        why: "Whoever can choose state, nonce or challenge for a victim can finish the victim's sign-in.",
        spec: &[
            RFC6749.section("10.12"),
            RFC9700.section("4.7"),
            OIDC_CORE.section("15.5.2"),
        ],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            injected!(Must, "redirect-uri", "redirect_uri", Plain("{second_origin}/callback")),
            injected!(Should, "scope", "scope", Plain("openid offline_access admin")),
            injected!(Must, "state", "state", Plain("state-of-the-attacker-0123456789")),
            injected!(Must, "nonce", "nonce", Plain("nonce-of-the-attacker-0123456789")),
            injected!(Should, "response-type", "response_type", Plain("code id_token token")),
            injected!(Should, "response-mode", "response_mode", Plain("fragment")),
            injected!(Should, "prompt", "prompt", Plain("none")),
            injected!(Should, "claims", "claims", Plain("{\"id_token\":{\"groups\":null}}")),
            injected!(
                Must,
                "code-challenge",
                "code_challenge",
                Plain("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
            ),
            injected!(Should, "client-id", "client_id", Plain("another-client")),
        ],
        deviation: Some(
            "Where a form starts the sign-in, the parameters stand in the address of its page: no link sends a form.",
        ),
        explain: Explain {
            story: "The attacker sends the victim a link to the app's own sign-in address, with parameters added.\n\
                    The app copies them into its authorization request.\n\
                    State, nonce or challenge are then the attacker's, or the response comes in another way.\n\
                    The bindings that protect the sign-in are in the wrong hands.",
            right: "Builds the authorization request from its own values and ignores what the link carries.",
            false_alarm: "State, nonce, challenge and redirect_uri from a link are a fail: what an attacker sets he need not guess. \
                          Other parameters are a warning. Parameters that the app passes through on purpose, such as login_hint, belong into \
                          `login_params` of [target.declares].",
            maps: &["mod_auth_openidc ChangeLog 2026-08 (scopes/auth_request_params)"],
        },
    },
    Case {
        id: "authorization/redirect-not-cacheable",
        title: "The redirect to the authorization server can be cached",
        level: Level::Should,
        positive: false,
        why: "A cached redirect gives two visitors the same state, nonce and cookie.",
        spec: &[RFC9111.section("5.2"), ASVS.section("14.3.2")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "two-visitors",
            &[user(Start(MAIN, &[])), attacker(Start(OTHER, &[]))],
            &[],
            &[Should(ask::START_IS_NOT_CACHEABLE), Should(ask::STARTS_SHARE_NOTHING)],
        )],
        deviation: None,
        explain: Explain {
            story: "The sign-in address answers with a redirect that says nothing about caching, or allows it.\n\
                    A shared cache in front of the app keeps it, cookie included.\n\
                    The next visitor gets the first one's state and cookie.\n\
                    Two people then hold one sign-in.",
            right: "Sends Cache-Control: no-store with every redirect that starts a sign-in.",
            false_alarm: "private and no-cache count as well. A 302 without any header is not cached by careful caches, \
                          hence a warning.",
            maps: &["CVE-2025-48947"],
        },
    },
];
