//! `identity/`: which local account a sign-in opens.

use mock_idp::{Fault::Identity, flow::fault::IdentityFault as F};

use super::expect::{accepted, refused};
use crate::{
    case::{Case, Expect, Explain, Lane, Must, Should, Variant},
    check::{
        accounts::{
            COMES_BACK_SIGNED_IN, DISTINCT_ACCOUNTS, FIRST, GROUP_IS_GONE, PROFILE_IS_NEW, SAME_ACCOUNT, SECOND,
            STRANGER, VICTIM_AFTERWARDS, VICTIMS_ACCOUNT_UNREACHABLE,
        },
        sign_in::STAYS_CLEAN,
    },
    feature::Feature,
    outcome::Level,
    script::{AFTER, Act, BEFORE, MAIN, OTHER, Slot, Step, THIRD, attacker, user, victim},
    spec::{ASVS, OIDC_CORE, RFC5321},
};

const FOURTH: Slot = Slot(3);

/// The user signs in twice, somebody else between, and a third time with the changed profile.
const COMES_BACK_CHANGED: &[Step] = &[
    user(Act::SignIn(OTHER)),
    user(Act::Probe(FIRST)),
    victim(Act::SignIn(THIRD)),
    victim(Act::Probe(STRANGER)),
    user(Act::NewBrowser),
    user(Act::SignIn(FOURTH)),
    user(Act::Probe(SECOND)),
    user(Act::NewBrowser),
    user(Act::SignIn(MAIN)),
    user(Act::Probe(AFTER)),
];
/// The victim signs in twice, somebody else between, then the attacker.
const ATTACKER_AFTER_VICTIM: &[Step] = &[
    victim(Act::SignIn(OTHER)),
    victim(Act::Probe(FIRST)),
    user(Act::SignIn(THIRD)),
    user(Act::Probe(STRANGER)),
    victim(Act::NewBrowser),
    victim(Act::SignIn(FOURTH)),
    victim(Act::Probe(SECOND)),
    attacker(Act::SignIn(MAIN)),
    attacker(Act::Probe(AFTER)),
    victim(Act::Probe(VICTIM_AFTERWARDS)),
];
/// A sign-in with the fault, a look at every page, and an honest sign-in in a new browser.
const THEN_WITHOUT: &[Step] = &[
    user(Act::SignIn(MAIN)),
    user(Act::ProbeProtected("pages", &[])),
    user(Act::Probe(BEFORE)),
    user(Act::NewBrowser),
    user(Act::SignIn(OTHER)),
    user(Act::ProbeProtected("pages-afterwards", &[])),
    user(Act::Probe(AFTER)),
];
const UNREACHABLE: &[Expect] = &[Must(VICTIMS_ACCOUNT_UNREACHABLE), Should(STAYS_CLEAN)];
const DISTINCT: &[Expect] = &[Must(DISTINCT_ACCOUNTS), Should(STAYS_CLEAN)];

const fn unreachable(name: &'static str, faults: &'static [mock_idp::Fault]) -> Variant {
    Variant::of(name, ATTACKER_AFTER_VICTIM, faults, UNREACHABLE)
}

const fn distinct(name: &'static str, faults: &'static [mock_idp::Fault]) -> Variant {
    Variant::of(name, ATTACKER_AFTER_VICTIM, faults, DISTINCT)
}

pub(crate) const CASES: &[Case] = &[
    Case {
        id: "identity/keyed-by-sub",
        title: "A returning user with a new e-mail address and name",
        level: Level::Must,
        positive: false,
        why: "Addresses and names change, by marriage or by reuse; only issuer and sub stay with the person.",
        spec: &[OIDC_CORE.section("5.7"), ASVS.section("10.5.2")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[Variant::of(
            "changed-profile",
            COMES_BACK_CHANGED,
            &[Identity(F::ProfileChanged)],
            &[Must(SAME_ACCOUNT), Should(COMES_BACK_SIGNED_IN), Should(STAYS_CLEAN)],
        )],
        deviation: None,
        explain: Explain {
            story: "A user signs in twice, and a third time with the same sub and another email, name and login.\n\
                    An app that keys accounts by the address makes a second account, or fails on a unique column.\n\
                    The user's data seem lost.\n\
                    And whoever gets the old address later gets the old account.",
            right: "Finds the account by issuer and sub, and updates the profile.",
            false_alarm: "From outside an account is known by what the page shows: a number, a picture, a date that stayed the same twice. A page that shows nothing of the kind gives a pass with a note.",
            maps: &["CVE-2025-65431"],
        },
    },
    Case {
        id: "identity/email-collision",
        title: "Another user with the victim's e-mail address",
        level: Level::Must,
        positive: false,
        why: "In many directories users choose their own e-mail address: matching accounts by it gives them away.",
        spec: &[OIDC_CORE.section("5.7"), ASVS.section("10.5.2")],
        needs: &[Feature::AsksForEmail],
        lane: Lane::Parallel,
        variants: &[
            unreachable("unverified", &[Identity(F::VictimProfileUnverified)]),
            unreachable("unsaid", &[Identity(F::VictimProfileUnsaid)]),
        ],
        deviation: Some(
            "Skipped where the page shows nothing by which two accounts could be told apart: that is neither a pass nor a finding.",
        ),
        explain: Explain {
            story: "The victim has an account in the app.\n\
                    The attacker, with a sub of his own, sets his address, name and login to the victim's.\n\
                    `email_verified` is false, or absent.\n\
                    An app that looks users up by address signs him in to the victim's account.",
            right: "Makes a new account, refuses, or asks the owner of the existing account to link them; the key is issuer and sub.",
            false_alarm: "The attacker's page naturally shows the address that the issuer said. Only the victim's sub, or something else that the victim's account alone shows, is a finding; if the page shows nothing of the kind the case is skipped.",
            maps: &[
                "P#3",
                "CVE-2024-21632",
                "CVE-2022-31107",
                "CVE-2025-61783",
                "CVE-2026-55075",
                "CVE-2020-26254",
                "CVE-2024-38351",
                "CVE-2025-24856",
            ],
        },
    },
    Case {
        id: "identity/email-verified-type",
        title: "An email_verified that is true only in a loose comparison",
        level: Level::Must,
        positive: false,
        why: "The string `\"false\"` is true in many languages.",
        spec: &[OIDC_CORE.section("5.7"), OIDC_CORE.section("5.1")],
        needs: &[Feature::AsksForEmail],
        lane: Lane::Parallel,
        variants: &[
            unreachable("string-false", &[Identity(F::VerifiedStringFalse)]),
            unreachable("string-true", &[Identity(F::VerifiedStringTrue)]),
            unreachable("zero", &[Identity(F::VerifiedZero)]),
            unreachable("one", &[Identity(F::VerifiedOne)]),
            unreachable("null", &[Identity(F::VerifiedNull)]),
            unreachable("absent", &[Identity(F::VerifiedAbsent)]),
        ],
        deviation: Some(
            "An app that links accounts by verified addresses is judged by what it opens: skipped where its page does not tell two accounts apart.",
        ),
        explain: Explain {
            story: "The attacker's address is the victim's, `email_verified` is a string, a number, null or absent.\n\
                    The app links accounts by verified addresses.\n\
                    `if claims.email_verified` is true for the string \"false\".\n\
                    `!= false` is true for null and for nothing at all.",
            right: "Takes an address for verified only if the claim is the JSON value true, and does not open an existing account even then without the owner's consent.",
            false_alarm: "Some providers really send strings; an app that links on \"true\" should know its issuer. Okta sends JSON booleans.",
            maps: &["CVE-2026-55076"],
        },
    },
    Case {
        id: "identity/sub-exact",
        title: "Subjects that are almost equal",
        level: Level::Must,
        positive: false,
        why: "`sub` is case sensitive: a database that ignores case merges two people into one account.",
        spec: &[OIDC_CORE.section("2")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            distinct("case", &[Identity(F::SubOtherCase)]),
            distinct("trailing-space", &[Identity(F::SubTrailingSpace)]),
            distinct("normal-form", &[Identity(F::SubFullWidth)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The attacker's sub is the victim's in other case, with a space behind it, or in another Unicode form.\n\
                    For the issuer these are different users.\n\
                    Column collations, trimming and normalisation make them equal.\n\
                    The second to come gets the first one's account.",
            right: "Stores and compares `sub` byte for byte.",
            false_alarm: "Refusing a strange subject is fine. If the page shows neither user the case is inconclusive.",
            maps: &["CVE-2024-32879", "CVE-2025-24399"],
        },
    },
    Case {
        id: "identity/sub-odd-values",
        title: "Subjects with unusual values",
        level: Level::Must,
        positive: true,
        why: "A subject can be any text; the word admin in it grants nothing.",
        spec: &[OIDC_CORE.section("2")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            accepted("null", &[Identity(F::SubWordNull)]),
            accepted("undefined", &[Identity(F::SubWordUndefined)]),
            accepted("zero", &[Identity(F::SubWordZero)]),
            accepted("admin", &[Identity(F::SubWordAdmin)]),
            accepted("path", &[Identity(F::SubPath)]),
            accepted("quotes", &[Identity(F::SubQuotes)]),
            accepted("ldap", &[Identity(F::SubLdap)]),
            accepted("255-characters", &[Identity(F::Sub255)]),
        ],
        deviation: Some(
            "The password form that an app may have beside its sign-in is not tried, and rights are seen only as far as a page shows them.",
        ),
        explain: Explain {
            story: "The subject is the word null, undefined or admin, the digit 0, a path, or full of quotes.\n\
                    All of these are valid: up to 255 ASCII characters.\n\
                    Apps that turn it into a file name, a query or a boolean misread it.\n\
                    The user must be an ordinary new user, neither locked out nor somebody special.",
            right: "Treats `sub` as an opaque text in a column of at least 255 characters.",
            false_alarm: "Issuers other than Okta do use such subjects. An app with a password form beside the sign-in should also refuse the passwords `null` and empty for users who have none; that is not tried here.",
            maps: &["CVE-2026-41571"],
        },
    },
    Case {
        id: "identity/email-odd",
        title: "E-mail addresses that only seem to belong to the allowed domain",
        level: Level::Must,
        positive: false,
        why: "A rule about mail domains is only as good as the code that finds the domain.",
        spec: &[ASVS.section("10.5.2"), RFC5321.section("4.1.2")],
        needs: &[Feature::FiltersMailDomain, Feature::AsksForEmail],
        lane: Lane::Parallel,
        variants: &[
            refused("two-at", &[Identity(F::EmailTwoAt)]),
            refused("full-width-at", &[Identity(F::EmailFullWidthAt)]),
            refused("crlf", &[Identity(F::EmailCrlf)]),
            refused("trailing-dot", &[Identity(F::EmailTrailingDot)]),
            refused("sub-domain", &[Identity(F::EmailSubdomain)]),
            refused("outside", &[Identity(F::EmailOutside)]),
        ],
        deviation: None,
        explain: Explain {
            story: "The app lets in only addresses of one domain.\n\
                    The address has two @, a full-width @, a line break, a dot at its end, or a sub-domain.\n\
                    `ends_with`, `split('@')[1]` and regular expressions without anchors all let some of them in.\n\
                    Whoever may choose his address is in.",
            right: "Parses the address strictly, takes what follows the last @, and compares the whole domain.",
            false_alarm: "Only for apps that declare `mail_domain`; a sub-domain may be allowed on purpose, then skip the case with that reason.",
            maps: &["CVE-2026-40574", "GHSA-7rqj-j65f-68wh"],
        },
    },
    Case {
        id: "identity/claims-refreshed",
        title: "Rights that were removed are gone at the next sign-in",
        level: Level::Should,
        positive: false,
        why: "A role that was removed must not live on in the app's own user record.",
        spec: &[ASVS.section("7.4.2"), ASVS.section("8.3.2")],
        needs: &[],
        lane: Lane::Parallel,
        variants: &[
            Variant::of(
                "group-removed",
                THEN_WITHOUT,
                &[Identity(F::GroupAdded)],
                &[Should(GROUP_IS_GONE), Should(STAYS_CLEAN)],
            ),
            Variant::of(
                "profile-changed",
                THEN_WITHOUT,
                &[Identity(F::ProfileChanged)],
                &[Should(PROFILE_IS_NEW), Should(STAYS_CLEAN)],
            )
            .needing(&[Feature::AsksForEmail]),
        ],
        deviation: Some(
            "A user who was disabled in the app itself cannot be made from outside: only groups and profile are tried.",
        ),
        explain: Explain {
            story: "The user signs in with a group, and again, in a new browser, without it.\n\
                    In the second variant it is the email and the name that change back.\n\
                    Apps that store claims at the first sign-in never look again.\n\
                    The group lives on in the local account.",
            right: "Replaces what it derived from claims at every sign-in.",
            false_alarm: "Only what a page shows can be judged: where no page names the group nothing can be left over, and where none shows the address that variant is skipped. Whether a user disabled in the app stays disabled cannot be tried from outside.",
            maps: &["CVE-2026-58422", "CVE-2026-33668"],
        },
    },
];
