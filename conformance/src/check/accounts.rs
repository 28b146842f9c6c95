//! Which local account did a sign-in open? From outside that is seen only by what the protected page shows.
//!
//! A *marker* is a word that two sign-ins of one account show and a sign-in of somebody else does not: a number, an
//! avatar's address, a date of joining. The stranger is asked between the two, so that what merely grows with time is no
//! marker.

use std::collections::BTreeSet;

use mock_idp::flow::scenario::Persona;

use super::{Check, callback::shows_user, content::plain, no_flow};
use crate::{
    evidence::{Evidence, Hop, Shows},
    outcome::Outcome::{self, Absent, Broken, CannotTell, Holds, HoldsWith},
    script::{AFTER, BEFORE, MAIN},
};

/// Label of the probe after the first sign-in of an account.
pub const FIRST: &str = "first";
/// Label of the probe of somebody else, between.
pub const STRANGER: &str = "stranger";
/// Label of the probe after the second sign-in of the account.
pub const SECOND: &str = "second";
/// Label of the victim's probe after the attacker signed in.
pub const VICTIM_AFTERWARDS: &str = "victim-afterwards";

/// Whoever comes back with another email and name is the same user.
pub const SAME_ACCOUNT: Check = Check {
    id: "same-account",
    expects: "the same local account as before",
    ask: |evidence| {
        let (Some(after), Some(user)) = (page(evidence, AFTER), main_persona(evidence)) else {
            return CannotTell("the protected page was not asked".to_owned());
        };
        if evidence.probe(AFTER).is_some_and(|probe| probe.shows == Shows::Nobody) {
            return CannotTell("the sign-in with a changed profile ended with nobody signed in".to_owned());
        }
        let changing = [&user.email, &user.login, &user.id_token_name, &user.userinfo_name];
        let mut markers = markers(evidence);
        markers.retain(|word| *word != user.sub && !changing.iter().any(|text| overlap(text, word)));
        if let Some(gone) = markers.iter().find(|marker| !words(&after).contains(*marker)) {
            return Broken(format!(
                "`{gone}`, which this account always showed, is gone: another local account"
            ));
        }
        if markers.is_empty() {
            return HoldsWith("the page shows nothing that would tell local accounts apart".to_owned());
        }
        Holds
    },
};

/// Whoever comes back with another email and name gets in.
pub const COMES_BACK_SIGNED_IN: Check = Check {
    id: "comes-back-signed-in",
    expects: "signed in with the changed profile too",
    ask: |evidence| shows_user(evidence, AFTER, MAIN),
};

/// Whoever brings the victim's address or name does not get into the victim's account.
pub const VICTIMS_ACCOUNT_UNREACHABLE: Check = Check {
    id: "victims-account-unreachable",
    expects: "a new account, a refusal or an explicit linking step; nothing of the victim's account",
    ask: |evidence| {
        let (Some(after), Some(attacker), Some(victim)) = (
            page(evidence, AFTER),
            main_persona(evidence),
            persona(evidence, "victim"),
        ) else {
            return CannotTell("the protected page was not asked".to_owned());
        };
        if evidence.probe(FIRST).is_none_or(|probe| probe.shows == Shows::Nobody) {
            return CannotTell("the victim could not sign in first".to_owned());
        }
        if let Some(broken) = victim_sees(evidence, [&attacker.sub]) {
            return broken;
        }
        if evidence.probe(AFTER).is_some_and(|probe| probe.shows == Shows::Nobody) {
            return Holds;
        }
        // What the authorization server itself said about the attacker proves nothing.
        let said = [
            &victim.email,
            &victim.login,
            &victim.id_token_name,
            &victim.userinfo_name,
        ];
        let mut markers = markers(evidence);
        markers.insert(victim.sub.clone());
        markers.retain(|word| !said.iter().any(|text| overlap(text, word)));
        let shown = words(&after);
        if let Some(marker) = markers.iter().find(|marker| shown.contains(*marker)) {
            return Broken(format!("the attacker's page shows `{marker}` of the victim's account"));
        }
        if shown.contains(&attacker.sub) || markers.len() > 1 {
            return Holds;
        }
        // Neither a pass nor an accusation: from outside it cannot be seen.
        Absent("the page shows nothing by which two accounts with one e-mail address could be told apart".to_owned())
    },
};

/// Subjects that are almost equal are different users.
pub const DISTINCT_ACCOUNTS: Check = Check {
    id: "distinct-accounts",
    expects: "two accounts: neither page shows anything of the other user",
    ask: |evidence| {
        let (Some(after), Some(attacker), Some(victim)) = (
            page(evidence, AFTER),
            main_persona(evidence),
            persona(evidence, "victim"),
        ) else {
            return CannotTell("the protected page was not asked".to_owned());
        };
        let own = |who: &Persona| [who.email.clone(), who.id_token_name.clone(), who.userinfo_name.clone()];
        if let Some(text) = own(victim).iter().find(|text| after.contains(text.as_str())) {
            return Broken(format!("the page of another subject shows the victim's `{text}`"));
        }
        let [email, id_token_name, userinfo_name] = own(attacker);
        if let Some(broken) = victim_sees(evidence, [&email, &id_token_name, &userinfo_name]) {
            return broken;
        }
        match evidence.probe(AFTER).map(|probe| &probe.shows) {
            // A page that shows less than an address or a whole name (`Hi Ada!`) tells people apart as `signed_in` says.
            Some(Shows::Person(name)) if name == "victim" => {
                Broken("the page of another subject is the victim's".to_owned())
            }
            _ if shows_user(evidence, AFTER, MAIN) == Holds => Holds,
            Some(Shows::Nobody) => Holds,
            _ if own(attacker).iter().any(|text| after.contains(text.as_str())) => Holds,
            _ => CannotTell("the page shows neither user, so accounts cannot be told apart".to_owned()),
        }
    },
};

/// A group that was taken away is gone at the next sign-in.
pub const GROUP_IS_GONE: Check = Check {
    id: "group-is-gone",
    expects: "no page of the new session names the group that was taken away",
    ask: |evidence| {
        let Some(user) = main_persona(evidence) else {
            return no_flow();
        };
        match refreshed(evidence, &format!("group-of-{}", user.sub), "the group") {
            // Most apps have no groups: nothing can outlive their removal.
            Absent(why) => HoldsWith(why),
            outcome => outcome,
        }
    },
};

/// A profile that changed is the new one at the next sign-in.
pub const PROFILE_IS_NEW: Check = Check {
    id: "profile-is-new",
    expects: "the pages of the new session show the profile of the new sign-in",
    ask: |evidence| {
        let Some(user) = main_persona(evidence) else {
            return no_flow();
        };
        refreshed(
            evidence,
            &format!("changed-{}", user.email),
            "the address of the first sign-in",
        )
    },
};

/// Shown up to the probe `BEFORE`, and not any more behind it, in whatever case.
fn refreshed(evidence: &Evidence, text: &str, what: &str) -> Outcome {
    let Some(before) = evidence.probe(BEFORE) else {
        return CannotTell("the protected page was not asked".to_owned());
    };
    let text = text.to_lowercase();
    let shown = |hop: &&Hop| plain(hop.shown()).to_lowercase().contains(&text);
    let shows = |range: &[Hop]| range.iter().find(shown).cloned();
    let (earlier, later) = evidence.hops.split_at((before.hop + 1).min(evidence.hops.len()));
    if let Some(hop) = shows(later) {
        return Broken(format!("{} still shows {what} after a new sign-in without it", hop.url));
    }
    match shows(earlier) {
        Some(_) => Holds,
        None if before.shows == Shows::Nobody => CannotTell("the first sign-in ended with nobody signed in".to_owned()),
        None => Absent(format!("no page shows {what}, so that it cannot outlive the next one")),
    }
}

/// Words that the two sign-ins of an account share and a stranger's has not.
fn markers(evidence: &Evidence) -> BTreeSet<String> {
    let words = |label| page(evidence, label).map(|page| words(&page)).unwrap_or_default();
    let (first, second, stranger) = (words(FIRST), words(SECOND), words(STRANGER));
    if stranger.is_empty() {
        return BTreeSet::new();
    }
    first
        .intersection(&second)
        .filter(|word| !stranger.contains(*word))
        .cloned()
        .collect()
}

/// Broken when the victim's own page shows one of these texts of the attacker.
fn victim_sees<'t>(evidence: &Evidence, texts: impl IntoIterator<Item = &'t String>) -> Option<Outcome> {
    let page = page(evidence, VICTIM_AFTERWARDS)?;
    let text = texts
        .into_iter()
        .find(|text| !text.is_empty() && page.contains(text.as_str()))?;
    Some(Broken(format!(
        "the victim's page shows `{text}` of the attacker: one account for both"
    )))
}

fn page(evidence: &Evidence, label: &str) -> Option<String> {
    let probe = evidence.probe(label)?;
    evidence.hops.get(probe.hop).map(|hop| plain(hop.shown()))
}

fn persona<'e>(evidence: &'e Evidence, name: &str) -> Option<&'e Persona> {
    evidence.person(name).map(|person| &person.persona)
}

fn main_persona(evidence: &Evidence) -> Option<&Persona> {
    persona(evidence, &evidence.flow(MAIN)?.person)
}

fn words(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_alphanumeric() || "@._+-".contains(c)))
        // What ends a sentence is no part of its last word.
        .map(|word| word.trim_matches(['.', '-', '+', '_', '@']))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Whether one is part of the other, in any case: pages show addresses in capitals.
fn overlap(text: &str, word: &str) -> bool {
    let (text, word) = (text.to_lowercase(), word.to_lowercase());
    text.contains(&word) || word.contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{evidence, probed};

    const USER: &str = "00uusercanary user.canary@example.test";
    const VICTIM: &str = "00uvictimcanary victim.canary@example.test";

    fn person(name: &str) -> Shows {
        Shows::Person(name.to_owned())
    }

    fn two_visits(first: &str, stranger: &str, second: &str, after: &str, shows: Shows) -> Evidence {
        let all = probed(evidence(&[]), FIRST, "user", first, person("user"));
        let all = probed(all, STRANGER, "victim", stranger, person("victim"));
        let all = probed(all, SECOND, "user", second, person("user"));
        probed(all, AFTER, "user", after, shows)
    }

    #[test]
    fn another_number_is_another_account() {
        let (first, second) = (format!("id 12 at 10.01 {USER}"), format!("id 12 at 10.03 {USER}"));
        let stranger = format!("id 13 at 10.02 {VICTIM}");
        let ask = |after: &str| (SAME_ACCOUNT.ask)(&two_visits(&first, &stranger, &second, after, person("user")));
        assert_eq!(
            ask("id 12 at 10.04 00uusercanary changed-user.canary@example.test"),
            Holds
        );
        assert!(matches!(
            ask("id 14 at 10.04 00uusercanary changed-user.canary@example.test"),
            Broken(_)
        ));
    }

    /// A page that shows the address in capitals still shows an address, which may change.
    #[test]
    fn an_address_in_capitals_is_no_marker() {
        let shown = |text: &str| format!("{} id 12", text.to_uppercase());
        let (first, stranger) = (shown("user.canary@example.test"), shown("victim.canary@example.test"));
        let changed = shown("changed-user.canary@example.test");
        let all = two_visits(&first, &stranger, &first, &changed, person("user"));
        assert!(matches!((SAME_ACCOUNT.ask)(&all), Holds | HoldsWith(_)));
    }

    /// "Member 12." and "Member 12 since May" name the same number.
    #[test]
    fn what_ends_a_sentence_is_no_part_of_a_word() {
        let (first, second) = (format!("Member 12. {USER}"), format!("{USER} member-id: 12."));
        let stranger = format!("Member 13. {VICTIM}");
        let after = "You are 12 and 00uusercanary changed-user.canary@example.test";
        let all = two_visits(&first, &stranger, &second, after, person("user"));
        assert_eq!((SAME_ACCOUNT.ask)(&all), Holds);
        let all = attack(
            "Hello 00uattackercanary.",
            person("attacker"),
            &format!("id 12. {VICTIM}"),
        );
        assert_eq!((VICTIMS_ACCOUNT_UNREACHABLE.ask)(&all), Holds);
    }

    #[test]
    fn a_page_without_markers_says_so() {
        let all = two_visits(
            USER,
            VICTIM,
            USER,
            "00uusercanary changed-user.canary@example.test",
            person("user"),
        );
        assert!(matches!((SAME_ACCOUNT.ask)(&all), HoldsWith(_)));
        let refused = two_visits(USER, VICTIM, USER, "please sign in", Shows::Nobody);
        assert!(matches!((SAME_ACCOUNT.ask)(&refused), CannotTell(_)));
        assert!(matches!((COMES_BACK_SIGNED_IN.ask)(&refused), Broken(_)));
    }

    /// A page that shows first names tells two people apart, and nothing about addresses.
    #[test]
    fn who_is_shown_is_told_by_what_the_page_shows_of_people() {
        let distinct = |shows| (DISTINCT_ACCOUNTS.ask)(&attack("Hi Ada!", shows, "Hi Bea!"));
        assert_eq!(distinct(person("attacker")), Holds);
        assert!(matches!(distinct(person("victim")), Broken(_)));
        assert!(matches!(distinct(Shows::Unclear(String::new())), CannotTell(_)));
        let refreshed = |first: &str, then: &str, shows| {
            let all = probed(evidence(&[]), BEFORE, "user", first, shows);
            (PROFILE_IS_NEW.ask)(&probed(all, AFTER, "user", then, person("user")))
        };
        let (old, new) = ("CHANGED-USER.CANARY@EXAMPLE.TEST", "USER.CANARY@EXAMPLE.TEST");
        assert_eq!(refreshed(old, new, person("user")), Holds);
        assert!(matches!(refreshed(old, old, person("user")), Broken(_)));
        assert!(matches!(refreshed("Hi Ada!", "Hi Ada!", person("user")), Absent(_)));
        assert!(matches!(refreshed("sign in", "Hi Ada!", Shows::Nobody), CannotTell(_)));
    }

    fn attack(after: &str, shows: Shows, victim_afterwards: &str) -> Evidence {
        let mut all = probed(
            evidence(&[]),
            FIRST,
            "victim",
            &format!("id 12 {VICTIM}"),
            person("victim"),
        );
        all.flows[0].person = "attacker".to_owned();
        all.flows[0].browser = "attacker".to_owned();
        let all = probed(all, STRANGER, "user", &format!("id 13 {USER}"), person("user"));
        let all = probed(all, SECOND, "victim", &format!("id 12 {VICTIM}"), person("victim"));
        let all = probed(all, AFTER, "attacker", after, shows);
        probed(all, VICTIM_AFTERWARDS, "victim", victim_afterwards, person("victim"))
    }

    #[test]
    fn the_victims_account_is_recognised() {
        let ask =
            |after: &str, shows: Shows, victim: &str| (VICTIMS_ACCOUNT_UNREACHABLE.ask)(&attack(after, shows, victim));
        let honest = format!("id 12 {VICTIM}");
        let own = "id 14 00uattackercanary victim.canary@example.test";
        assert_eq!(ask(own, person("victim"), &honest), Holds);
        assert_eq!(ask("please sign in", Shows::Nobody, &honest), Holds);
        assert!(matches!(ask(&honest, person("victim"), &honest), Broken(_)));
        assert!(matches!(
            ask("id 12 00uattackercanary", person("attacker"), &honest),
            Broken(_)
        ));
        assert!(matches!(
            ask(own, person("victim"), "id 12 00uattackercanary"),
            Broken(_)
        ));
    }

    #[test]
    fn equal_pages_cannot_be_told_apart() {
        let mut all = probed(
            evidence(&[]),
            FIRST,
            "victim",
            "victim.canary@example.test",
            person("victim"),
        );
        all.flows[0].person = "attacker".to_owned();
        let all = probed(all, AFTER, "attacker", "victim.canary@example.test", person("victim"));
        assert!(matches!((VICTIMS_ACCOUNT_UNREACHABLE.ask)(&all), Absent(_)));
    }

    #[test]
    fn nearly_equal_subjects_stay_apart() {
        let ask = |after: &str, victim: &str| (DISTINCT_ACCOUNTS.ask)(&attack(after, person("attacker"), victim));
        assert_eq!(ask("attacker.canary@example.test", VICTIM), Holds);
        assert!(matches!(ask("victim.canary@example.test", VICTIM), Broken(_)));
        assert!(matches!(
            ask("attacker.canary@example.test", "attacker.canary@example.test"),
            Broken(_)
        ));
    }

    #[test]
    fn what_was_taken_away_must_go() {
        let ask = |first: &str, second: &str| {
            let all = probed(evidence(&[]), BEFORE, "user", first, person("user"));
            (GROUP_IS_GONE.ask)(&probed(all, AFTER, "user", second, person("user")))
        };
        assert_eq!(ask("[\"group-of-00uusercanary\"]", "[]"), Holds);
        assert!(matches!(
            ask("[\"group-of-00uusercanary\"]", "[\"group-of-00uusercanary\"]"),
            Broken(_)
        ));
        assert!(matches!(ask("[]", "[]"), HoldsWith(_)));
    }
}
