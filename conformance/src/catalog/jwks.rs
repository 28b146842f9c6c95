//! `jwks/`: the issuer's keys, how they change and what else lies among them.

use mock_idp::{
    Fault::{IdToken, Jwks},
    flow::fault::{IdTokenFault, JwksFault as F},
};

use super::expect::{PREFERABLY_REFUSED, REFUSED, WITH_KEYS_KNOWN, accepted, preferably_accepted};
use crate::{
    case::{Case, Expect, Explain, Lane, May, Must, MustStar, Should, Variant},
    check::{
        crowd::EACH_AS_ITSELF,
        keys::{
            ACCEPTS_NEW_KEY, DURING, FETCHES_STAY_BOUNDED, FEW_FETCHES, GOOD_SIGN_IN_WORKS, KEYS_FETCHED_AGAIN,
            NO_STAMPEDE, ONE_FETCH, REFUSED_WITHOUT_KEYS, WORKS_WITH_KEYS_AGAIN,
        },
        metadata::FAILS_POLITELY,
        sign_in::{REFUSES_SIGN_IN, SHOWS_NO_STRANGER, STAYS_CLEAN},
    },
    edit::CookieEdit,
    feature::Feature,
    outcome::Level,
    script::{AFTER, Act, Crowd, Hold, IdpAct, MAIN, OTHER, SIGN_IN, Step, THIRD, user, victim},
    spec::{ASVS, OIDC_CORE, OKTA_GUIDE, RFC7515, RFC7517, RFC7518, RFC8725, ROBUSTNESS},
};

const FETCHES: &[Feature] = &[Feature::FetchesJwks];
const FAILS_CLOSED: &[Expect] = &[
    MustStar(REFUSED_WITHOUT_KEYS),
    Should(WORKS_WITH_KEYS_AGAIN),
    Should(FAILS_POLITELY),
];
/// A sign-in with the old key, the rotation, and a sign-in with the new one.
const ROTATED_BETWEEN: &[Step] = &[
    user(Act::SignIn(OTHER)),
    user(Act::Idp(IdpAct::CoolDown)),
    user(Act::Idp(IdpAct::RotateKeys)),
    user(Act::NewBrowser),
    user(Act::SignIn(MAIN)),
    user(Act::Probe(AFTER)),
];
/// As above, with the rotation between authorization request and token answer.
const ROTATED_DURING: &[Step] = &[
    user(Act::SignIn(OTHER)),
    user(Act::Idp(IdpAct::CoolDown)),
    user(Act::NewBrowser),
    user(Act::Start(MAIN, &[])),
    user(Act::Authorize(MAIN, &[])),
    user(Act::Idp(IdpAct::RotateKeys)),
    user(Act::Deliver(MAIN, &[])),
    user(Act::Probe(AFTER)),
];
/// A hundred sign-ins with a kid that nobody publishes, then a good one of somebody else.
/// By one person whom the authorization server knows already, quickly: what is asked is how many fetches ten seconds hold.
/// What each attempt left with the app is thrown away, so that the next one starts as the first did.
const HUNDRED_UNKNOWN: &[Step] = &[
    user(Act::Repeat(
        100,
        &[user(Act::Cookies(CookieEdit::Clear)), user(Act::SignIn(MAIN))],
    )),
    victim(Act::SignIn(OTHER)),
    victim(Act::Probe(AFTER)),
];
/// The first sign-in of a fresh process meets the fault; then the keys are back.
const UNTIL_KEYS_ARE_BACK: &[Step] = &[
    user(Act::SignIn(MAIN)),
    user(Act::Probe(DURING)),
    user(Act::Idp(IdpAct::Behave)),
    user(Act::Idp(IdpAct::CoolDown)),
    user(Act::NewBrowser),
    user(Act::SignIn(OTHER)),
    user(Act::NewBrowser),
    user(Act::SignIn(THIRD)),
    user(Act::Probe(AFTER)),
];

const fn fails_closed(name: &'static str, faults: &'static [mock_idp::Fault]) -> Variant {
    Variant::of(name, UNTIL_KEYS_ARE_BACK, faults, FAILS_CLOSED)
}

pub(super) const CASES: &[Case] = &[
    Case {
        id: "jwks/rotation-between-logins",
        title: "Keys rotated since the last sign-in",
        level: Level::MustStar,
        positive: true,
        why: "Okta rotates its keys four times a year, and without notice when it must.",
        spec: &[OIDC_CORE.section("10.1.1"), OKTA_GUIDE.section("")],
        needs: FETCHES,
        lane: Lane::Server,
        variants: &[Variant::of(
            "rotated",
            ROTATED_BETWEEN,
            &[],
            &[
                MustStar(ACCEPTS_NEW_KEY),
                Should(KEYS_FETCHED_AGAIN),
                Must(SHOWS_NO_STRANGER),
            ],
        )],
        deviation: Some(
            "OIDC Core §10.1.1 describes the rotation without a MUST for clients; Okta expects it of its apps, hence MUST*.",
        ),
        explain: Explain {
            story: "A user signs in, and the app keeps the key set.\n\
                    The issuer withdraws the key and publishes another under a new kid.\n\
                    The next token names that kid.\n\
                    An app that loaded the keys once refuses everybody until somebody restarts it.",
            right: "Fetches the key set again when a token names a kid that it does not know.",
            false_alarm: "Libraries wait between two fetches (30 s to 5 min). If the last fetch was less than the configured cool-down ago, a refusal is inconclusive.",
            maps: &["o:signing-key-rotation", "L:rp-key-rotation-op-sign-key"],
        },
    },
    Case {
        id: "jwks/rotation-mid-flow",
        title: "Keys rotated while a user signs in",
        level: Level::Should,
        positive: true,
        why: "A key rotation can happen during a sign-in; the user should not notice it.",
        spec: &[OIDC_CORE.section("10.1.1")],
        needs: FETCHES,
        lane: Lane::Server,
        variants: &[Variant::of(
            "rotated",
            ROTATED_DURING,
            &[],
            &[Should(ACCEPTS_NEW_KEY), Must(SHOWS_NO_STRANGER)],
        )],
        deviation: None,
        explain: Explain {
            story: "The app has the keys and sends the user to the issuer.\n\
                    While he types his password the key is replaced.\n\
                    The token that comes back is signed with the new one.\n\
                    An app that fetched the keys at the start of the sign-in and never again refuses it.",
            right: "Fetches the key set again for an unknown kid, at the moment of verification.",
            false_alarm: "As for `jwks/rotation-between-logins`: within the cool-down a refusal is inconclusive.",
            maps: &[
                "o:signing-key-rotation-just-before-signing",
                "L:rp-key-rotation-op-sign-key-native",
            ],
        },
    },
    Case {
        id: "jwks/unknown-kid-fails-closed",
        title: "A kid that the key set never lists",
        level: Level::MustStar,
        positive: false,
        why: "When the key is not found there is nothing to verify with: taking any other, or none, is guessing.",
        spec: &[OIDC_CORE.section("10.1.1"), ASVS.section("9.1.3")],
        needs: FETCHES,
        lane: Lane::Server,
        variants: &[Variant::of(
            "unknown",
            SIGN_IN,
            &[IdToken(IdTokenFault::OtherKeyOwnKid)],
            &[MustStar(REFUSES_SIGN_IN), Should(FEW_FETCHES), Should(STAYS_CLEAN)],
        )],
        deviation: Some(
            "As for a bad signature, OIDC Core §3.1.3.7 (6) lets a client in the code flow rely on TLS, hence MUST*.",
        ),
        explain: Explain {
            story: "The token is signed by an attacker's key and names its kid.\n\
                    The key set does not have it, however often it is fetched.\n\
                    Some code then tries the first key, some skips the verification, some fetches for ever.\n\
                    The right answer is no.",
            right: "Fetches the key set once more, does not find the kid, and refuses.",
            false_alarm: "Up to five fetches are fine. The case runs on a fresh app, because it uses up the patience with the key set.",
            maps: &[],
        },
    },
    Case {
        id: "jwks/refetch-throttled",
        title: "A hundred tokens with unknown kids",
        level: Level::Should,
        positive: false,
        why: "If every forged kid costs a fetch, anybody can make the app attack its own issuer.",
        spec: &[ROBUSTNESS.section("")],
        needs: FETCHES,
        lane: Lane::Server,
        variants: &[Variant::of(
            "hundred",
            HUNDRED_UNKNOWN,
            &[IdToken(IdTokenFault::OtherKeyOwnKid)],
            &[
                Should(FETCHES_STAY_BOUNDED),
                Should(GOOD_SIGN_IN_WORKS),
                Must(SHOWS_NO_STRANGER),
            ],
        )],
        deviation: None,
        explain: Explain {
            story: "A hundred sign-ins in a row bring tokens with a kid that nobody publishes.\n\
                    An app that fetches the key set for each sends a hundred requests.\n\
                    The issuer's rate limit then hits every user of the organisation.\n\
                    Afterwards an honest user signs in and must get through.",
            right: "Limits refetches for unknown kids (a few, then one each half minute), and keeps serving tokens of known keys.",
            false_alarm: "Beside the first one up to 20 fetches in ten seconds are fine.",
            maps: &["mod_auth_openidc ChangeLog 2026-08-12", "MongoDB SERVER-89870"],
        },
    },
    Case {
        id: "jwks/unknown-keys",
        title: "Key set with unknown entries",
        level: Level::Must,
        positive: true,
        why: "New key types appear in key sets years before every client knows them.",
        spec: &[
            RFC7517.section("4"),
            RFC7517.section("4.2"),
            RFC7517.section("4.3"),
            RFC7517.section("4.4"),
            RFC7517.section("5"),
        ],
        needs: FETCHES,
        lane: Lane::Server,
        variants: &[
            accepted("bare", &[Jwks(F::Bare)]),
            accepted("decorated", &[Jwks(F::Decorated)]),
            preferably_accepted("other-types", &[Jwks(F::OtherTypes)]),
            preferably_accepted("no-kty", &[Jwks(F::NoKeyType)]),
            preferably_accepted("null-entry", &[Jwks(F::NullEntry)]),
            preferably_accepted("broken-modulus", &[Jwks(F::BrokenModulus)]),
        ],
        deviation: Some(
            "Entries of other types, without kty, null or with a broken modulus are a SHOULD of RFC 7517 §5; the catalogue has one MUST for all.",
        ),
        explain: Explain {
            story: "The right key has neither alg nor use, or has key_ops, a certificate and unknown members.\n\
                    Before it stand keys of other types, one without a type, a null, one with a broken modulus.\n\
                    Parsers that read the whole set at once fail at the first of them.\n\
                    Then nobody can sign in, although the right key is there.",
            right: "Reads each entry for itself and passes over what it does not understand.",
            false_alarm: "RFC 7517 §4 says that unknown members MUST be ignored, §5 that keys which are not understood SHOULD be: refusing the set for another key is a warning.",
            maps: &["oidctest#86", "mod_auth_openidc jwks corpus"],
        },
    },
    Case {
        id: "jwks/same-kid-other-alg",
        title: "Keys of other types under the same kid",
        level: Level::Should,
        positive: true,
        why: "A kid need not be unique across types; it is a hint, not a key.",
        spec: &[RFC7517.section("4.5"), RFC7515.section("6")],
        needs: FETCHES,
        lane: Lane::Server,
        variants: &[
            preferably_accepted("first", &[Jwks(F::SameKidDecoysFirst)]),
            preferably_accepted("last", &[Jwks(F::SameKidDecoysLast)]),
        ],
        deviation: None,
        explain: Explain {
            story: "An EC key, an OKP key and an RSA key for PS256 share the kid of the right key.\n\
                    RFC 7517 allows that for keys of different types.\n\
                    A map from kid to key keeps only one of them.\n\
                    If it is the wrong one, the verification fails.",
            right: "Selects by kid, type and algorithm.",
            false_alarm: "Refusing is a warning: Okta never does this.",
            maps: &["f2:happy-path"],
        },
    },
    Case {
        id: "jwks/enc-key-not-for-signing",
        title: "Token signed by the key that is published for encryption",
        level: Level::Should,
        positive: false,
        why: "Encryption keys are often held by other systems with less protection.",
        spec: &[RFC7517.section("4.2")],
        needs: FETCHES,
        lane: Lane::Server,
        variants: &[Variant::of(
            "enc",
            WITH_KEYS_KNOWN,
            &[Jwks(F::EncryptionKey), IdToken(IdTokenFault::SignedByEncryptionKey)],
            PREFERABLY_REFUSED,
        )],
        deviation: None,
        explain: Explain {
            story: "The key set lists a key with `\"use\": \"enc\"` beside the signing key.\n\
                    The token is signed with it and names its kid.\n\
                    The signature is mathematically right.\n\
                    The issuer said that this key is not for signatures.",
            right: "Uses only keys whose `use` is `sig` or absent.",
            false_alarm: "`use` is optional and many libraries ignore it, so accepting is a warning.",
            maps: &[],
        },
    },
    Case {
        id: "jwks/oct-key-published",
        title: "Symmetric key in the key set",
        level: Level::Must,
        positive: false,
        why: "A secret that is published is no secret: everybody can sign with it.",
        spec: &[RFC8725.section("3.1"), ASVS.section("9.1.2")],
        needs: FETCHES,
        lane: Lane::Server,
        variants: &[Variant::of(
            "oct",
            WITH_KEYS_KNOWN,
            &[Jwks(F::OctKey), IdToken(IdTokenFault::Hs256PublishedOct)],
            REFUSED,
        )],
        deviation: None,
        explain: Explain {
            story: "By mistake the key set lists a symmetric key.\n\
                    The attacker reads it there and makes an HS256 token with it.\n\
                    The library finds the kid and the fitting type.\n\
                    It verifies, as everybody's token would.",
            right: "Accepts RS256 only, and ignores symmetric keys in a key set.",
            false_alarm: "None known.",
            maps: &["CVE-2026-48526"],
        },
    },
    Case {
        id: "jwks/weak-rsa-key",
        title: "RSA keys that are too short",
        level: Level::Should,
        positive: false,
        why: "A 512-bit key can be factored in hours on rented machines.",
        spec: &[RFC7518.section("3.3")],
        needs: FETCHES,
        lane: Lane::Server,
        variants: &[
            Variant::of(
                "1024",
                WITH_KEYS_KNOWN,
                &[Jwks(F::WeakKeys), IdToken(IdTokenFault::SignedByWeakKey)],
                PREFERABLY_REFUSED,
            ),
            Variant::of(
                "512",
                WITH_KEYS_KNOWN,
                &[Jwks(F::WeakKeys), IdToken(IdTokenFault::SignedByTinyKey)],
                PREFERABLY_REFUSED,
            ),
        ],
        deviation: None,
        explain: Explain {
            story: "The key set lists RSA keys of 1024 and 512 bits beside the right one.\n\
                    The token is rightly signed with one of them.\n\
                    RFC 7518 asks for 2048 bits at least.\n\
                    An app that takes any size is as safe as the smallest key ever published.",
            right: "Refuses RSA keys below 2048 bits.",
            false_alarm: "The mistake would be the issuer's, so accepting is a warning.",
            maps: &["OA:IdTokens/SigningKeySecureTest"],
        },
    },
    Case {
        id: "jwks/fetch-fails",
        title: "Key set that cannot be fetched",
        level: Level::MustStar,
        positive: false,
        why: "Without keys nothing can be verified; letting people in \"for now\" is letting everybody in.",
        spec: &[ASVS.section("9.1.1"), RFC8725.section("3.3")],
        needs: FETCHES,
        lane: Lane::Restart,
        variants: &[
            fails_closed("404", &[Jwks(F::Status404)]),
            fails_closed("500", &[Jwks(F::Status500)]),
            fails_closed("html", &[Jwks(F::Html)]),
            fails_closed("hang", &[Jwks(F::Hang)]),
            fails_closed("no-keys", &[Jwks(F::NoKeys)]),
        ],
        deviation: Some(
            "As for a bad signature, OIDC Core §3.1.3.7 (6) lets a client in the code flow rely on TLS, hence MUST*; a sign-in that fails after the repair is a warning.",
        ),
        explain: Explain {
            story: "A fresh process has no keys yet, and the key set answers 404, 500, HTML, nothing, or an empty list.\n\
                    The token of the first sign-in is right.\n\
                    The app cannot know that, so it must refuse.\n\
                    Then the keys are back, and people must be able to sign in without a restart.",
            right: "Refuses while there are no keys, remembers the failure briefly, and fetches again.",
            false_alarm: "If the repaired key set was not asked for again within the configured cool-down, the case is inconclusive. 502, 503 and 504 count as polite.",
            maps: &[],
        },
    },
    Case {
        id: "jwks/stampede",
        title: "Thirty first sign-ins at once",
        level: Level::Should,
        positive: false,
        why: "After a deployment many people sign in at the same time.",
        spec: &[ROBUSTNESS.section("")],
        needs: FETCHES,
        lane: Lane::Restart,
        variants: &[Variant::of(
            "thirty",
            &[user(Act::Crowd(Crowd {
                size: 30,
                faulty_every: 0,
                hold: Hold::Free,
                rounds: 1,
            }))],
            &[Jwks(F::Slow2s)],
            &[
                Should(EACH_AS_ITSELF),
                Should(NO_STAMPEDE),
                May(ONE_FETCH),
                Should(STAYS_CLEAN),
            ],
        )],
        deviation: None,
        explain: Explain {
            story: "A fresh process, no keys yet, thirty users at once, and a key set that takes two seconds.\n\
                    Every one of them needs the keys.\n\
                    An app without a shared fetch asks thirty times; one with a lock may time out.\n\
                    All thirty must get in.",
            right: "Fetches once and lets the others wait for it.",
            false_alarm: "More than one fetch (one per worker process, say) is a note; more than thirty a warning.",
            maps: &[],
        },
    },
];
