//! Pages that only the members of a group may see: who got them. A refusal says nothing unless a member got in, and a trick
//! opened nothing where the page opens for everybody.

use std::collections::BTreeSet;

use super::{
    Check,
    content::plain,
    facts::{in_short, in_words, shows},
};
use crate::{
    evidence::{Evidence, Hop, Leg, Shows, Visit},
    outcome::Outcome::{self, Absent, Broken, CannotTell, Holds, HoldsWith},
    script::{AFTER, BEFORE, OTHER},
};

/// Label of the visit of a member, on which everything else stands.
pub const MEMBER: &str = "member";
/// Label of the plain visit of somebody outside the group.
pub const STRANGER: &str = "stranger";
/// What a member's cookies are saved as.
pub const MEMBERS_COOKIES: &str = "member";

/// A member of the group gets its page.
pub const MEMBER_ADMITTED: Check = Check {
    id: "member-admitted",
    expects: "a member of the group gets its page",
    ask: |evidence| {
        let asked = evidence.visits.iter().any(|visit| visit.label == MEMBER);
        if let Some(why) = asked.then(|| members(evidence, MEMBER).err()).flatten() {
            return CannotTell(why);
        }
        match shows(evidence, BEFORE) {
            Ok(Shows::Person(_)) => {}
            Ok(shows) => {
                return CannotTell(format!(
                    "the member could not sign in: the page shows {}",
                    in_words(shows)
                ));
            }
            Err(why) => return CannotTell(why),
        }
        match members(evidence, AFTER) {
            Ok(_) => Holds,
            Err(why) if visits(evidence, AFTER).next().is_none() => CannotTell(why),
            Err(why) => Broken(why),
        }
    },
};

/// Somebody outside the group, signed in or not, sees nothing of the page.
pub const ROLE_PAGE_CLOSED: Check = Check {
    id: "role-page-closed",
    expects: "403 or 404, and nothing of the page",
    ask: |evidence| match outsider(evidence) {
        Some(outcome) => outcome,
        None => opens_nothing(evidence, "to somebody outside the group"),
    },
};

/// A group with a similar name is another group.
pub const LIKENESS_OPENS_NOTHING: Check = Check {
    id: "likeness-opens-nothing",
    expects: "a group whose name only resembles it does not count",
    ask: |evidence| match outsider(evidence) {
        Some(outcome) => outcome,
        None => opens_nothing(evidence, "to somebody in groups whose names only resemble it"),
    },
};

/// Whoever was removed from the group has lost the page at the next sign-in.
pub const REMOVED_MEMBER_REFUSED: Check = Check {
    id: "removed-member-refused",
    expects: "after a sign-in without the group the page is closed",
    ask: |evidence| {
        opens_nothing(
            evidence,
            "to somebody who was in the group at an earlier sign-in and is not any more",
        )
    },
};

/// What a browser says about groups does not count.
pub const CLAIMED_ROLE_OPENS_NOTHING: Check = Check {
    id: "claimed-role-opens-nothing",
    expects: "what the request says about the visitor's role does not count",
    ask: |evidence| {
        let trusted = visits(evidence, AFTER)
            .filter_map(|visit| evidence.hops.get(visit.hop))
            .flat_map(|hop| &hop.request.headers)
            .find(|(name, _)| evidence.target.trusted_headers.contains(name));
        match trusted {
            Some((name, _)) => HoldsWith(format!("the target declares that it trusts `{name}`")),
            None => opens_nothing(evidence, "to somebody outside the group who only says that he is in it"),
        }
    },
};

/// Cookies of a member that do not carry his session give nobody else his role.
pub const BORROWED_COOKIES_OPEN_NOTHING: Check = Check {
    id: "borrowed-cookies-open-nothing",
    expects: "a member's cookies beside the session do not give his role to another session",
    ask: |evidence| {
        let Some(saved) = evidence.saved.get(MEMBERS_COOKIES) else {
            return CannotTell("the member's cookies were not saved".to_owned());
        };
        if saved.iter().all(|(name, _)| evidence.target.is_cookie_of_sign_in(name)) {
            return Absent("a member gets no cookie beside the one of the session".to_owned());
        }
        opens_nothing(
            evidence,
            "to somebody outside the group with a member's further cookies",
        )
    },
};

/// The refusal is told by its status. Any other answer without the page is a refusal too: a note.
pub const REFUSED_BY_STATUS: Check = Check {
    id: "refused-by-status",
    expects: "403 (or 404, which hides that the page exists)",
    ask: |evidence| {
        if let Some(outcome) = outsider(evidence) {
            return outcome;
        }
        if let Some(outcome) = nothing_refused(evidence) {
            return outcome;
        }
        let wrong = visits(evidence, AFTER).find_map(|visit| {
            let hop = evidence.hops.get(visit.hop)?;
            let status = hop.status().filter(|status| !matches!(status, 403 | 404))?;
            Some(format!("{} refuses with {status}{}", in_short(hop), led(hop)))
        });
        wrong.map_or(Holds, Broken)
    },
};

/// Whoever is signed in and not in the group is not sent round: signing in again does not make him a member.
pub const NO_SIGN_IN_LOOP: Check = Check {
    id: "no-sign-in-loop",
    expects: "a refusal; no sign-in that ends in the next sign-in",
    ask: |evidence| {
        if let Some(outcome) = outsider(evidence) {
            return outcome;
        }
        if let Some(outcome) = nothing_refused(evidence) {
            return outcome;
        }
        let Some(flow) = evidence.flow(OTHER) else {
            return CannotTell("the page was not opened as a link".to_owned());
        };
        if flow.authorization_request.is_none() {
            return Holds;
        }
        let page = visits(evidence, AFTER)
            .next()
            .map_or("the page", |visit| visit.page.as_str());
        let again = evidence
            .hops
            .iter()
            .any(|hop| hop.flow == Some(OTHER) && hop.leg == Leg::Idp && !hop.was_sent());
        match again {
            true => Broken(format!(
                "{page} sends somebody outside the group, who is signed in, to sign in again, and to the next sign-in after that"
            )),
            false => HoldsWith(format!(
                "{page} sends somebody outside the group to sign in once more before it refuses"
            )),
        }
    },
};

/// Who of those who opened their pages as members did not get them, and what to look at in the configuration.
///
/// # Errors
/// The first who did not.
pub(crate) fn members_get_in(evidence: &Evidence) -> Result<(), String> {
    members(evidence, MEMBER).map(|_| ())
}

/// What a visit came to.
enum Sight {
    /// The page.
    Page,
    /// An answer without it.
    Closed,
    /// It cannot be told; the text says why.
    Unclear(String),
}

fn visits<'e>(evidence: &'e Evidence, label: &'e str) -> impl Iterator<Item = &'e Visit> {
    evidence.visits.iter().filter(move |visit| visit.label == label)
}

/// The visits of members; `Err` says who did not get in, and what to look at in the configuration.
fn members<'e>(evidence: &'e Evidence, label: &'e str) -> Result<Vec<&'e Visit>, String> {
    let found: Vec<&Visit> = visits(evidence, label).collect();
    if found.is_empty() {
        return Err(format!("no member opened a page of a group (visit `{label}`)"));
    }
    for visit in &found {
        let Some(hop) = evidence.hops.get(visit.hop) else {
            return Err("the answer to a member was not kept".to_owned());
        };
        let got = match (visit.is_shown, hop.status()) {
            (Some(is_shown), _) => is_shown,
            (None, status) => matches!(status, Some(200..=299)),
        };
        if !got {
            return Err(not_admitted(visit, hop));
        }
    }
    Ok(found)
}

fn not_admitted(visit: &Visit, hop: &Hop) -> String {
    let Visit { group, page, .. } = visit;
    let answer = hop.status().map_or_else(
        || hop.response.problem_text().to_owned(),
        |status| format!("was answered with {status}{}", led(hop)),
    );
    let fix = match hop.status() {
        Some(200..=299) => " and without what `shows` names: is `shows` of `[[target.roles]]` on the page?",
        Some(300..=399) => ": `page` of `[[target.roles]]` has to be the page itself",
        Some(404) => ": is `page` of `[[target.roles]]` its path?",
        _ => ": does the app read this claim, and is `group` of `[[target.roles]]` the name that it knows?",
    };
    format!("a member of `{group}` who opened {page} {answer}{fix}")
}

/// Where a redirect leads, for findings; queries hold too much.
fn led(hop: &Hop) -> String {
    let location = hop.header("location").unwrap_or_default();
    match location.split(['?', '#']).next() {
        Some(path) if !path.is_empty() => format!(" and led to {path}"),
        _ => String::new(),
    }
}

/// Whether the visitor is somebody outside the group at all: an app may refuse to sign such people in.
fn outsider(evidence: &Evidence) -> Option<Outcome> {
    match &evidence.probe(BEFORE)?.shows {
        Shows::Person(_) => None,
        Shows::Unclear(what) => Some(CannotTell(format!("the protected page fits neither pattern: {what}"))),
        _ => Some(Absent("the app signs in nobody who is outside the group".to_owned())),
    }
}

/// Why there is no refusal to look at.
fn nothing_refused(evidence: &Evidence) -> Option<Outcome> {
    match opens_nothing(evidence, "to somebody outside the group") {
        Broken(_) => Some(Absent(
            "the page opens for people outside the group: see roles/stranger-refused".to_owned(),
        )),
        outcome @ (CannotTell(_) | Absent(_)) => Some(outcome),
        Holds | HoldsWith(_) => None,
    }
}

/// Whether the visits `AFTER` opened nothing, given that a member gets in and that the page is not open anyway.
fn opens_nothing(evidence: &Evidence, whom: &str) -> Outcome {
    let members = match members(evidence, MEMBER) {
        Ok(members) => members,
        Err(why) => return CannotTell(why),
    };
    for visit in visits(evidence, STRANGER) {
        if matches!(sight(evidence, visit, &members), Sight::Page) {
            let page = &visit.page;
            return Absent(format!(
                "{page} opens for people outside the group anyway: see roles/stranger-refused"
            ));
        }
    }
    if visits(evidence, AFTER).next().is_none() {
        return CannotTell("the page of the group was not opened".to_owned());
    }
    let mut unclear = None;
    for visit in visits(evidence, AFTER) {
        match sight(evidence, visit, &members) {
            Sight::Closed => {}
            Sight::Unclear(why) => _ = unclear.get_or_insert(why),
            Sight::Page => {
                let at = evidence.hops.get(visit.hop).map(in_short).unwrap_or_default();
                return Broken(format!("{at} shows the page of `{}` {whom}", visit.group));
            }
        }
    }
    unclear.map_or(Holds, CannotTell)
}

/// What somebody outside the group got.
fn sight(evidence: &Evidence, visit: &Visit, members: &[&Visit]) -> Sight {
    let Some(hop) = evidence.hops.get(visit.hop) else {
        return Sight::Unclear("the answer was not kept".to_owned());
    };
    let at = in_short(hop);
    match (visit.is_shown, hop.status()) {
        (_, None) => Sight::Unclear(format!("{at} was not answered: {}", hop.response.problem_text())),
        (Some(true), Some(_)) => Sight::Page,
        (_, Some(429)) => Sight::Unclear(format!(
            "{at} was answered with 429: the app limits how often it is asked"
        )),
        (None, Some(200..=299)) if !hop.body().is_empty() => {
            let page = words(evidence, hop);
            let is_public = |other: &&Hop| other.leg == Leg::Direct && other.who == hop.who && other.was_sent();
            let mut public = evidence.hops.iter().filter(is_public);
            let member = members.iter().find(|member| member.group == visit.group);
            let member = member.and_then(|member| evidence.hops.get(member.hop));
            if !public.any(|other| words(evidence, other) == page)
                && member.is_some_and(|member| words(evidence, member).is_subset(&page))
            {
                return Sight::Page;
            }
            Sight::Unclear(format!(
                "{at} was answered with 2xx, and whether that is the page cannot be told: say with `shows` of `[[target.roles]]` \
                 what only members see"
            ))
        }
        _ => Sight::Closed,
    }
}

/// The words of a page, without those that are others for everybody and at every time.
fn words(evidence: &Evidence, hop: &Hop) -> BTreeSet<String> {
    let personal: Vec<&str> = evidence.people.iter().flat_map(|person| person.canaries()).collect();
    let is_common = |word: &&str| {
        // Long words are tokens and ids.
        word.len() < 16
            && !word.chars().any(|letter| letter.is_ascii_digit())
            && !personal.iter().any(|canary| canary.contains(word))
    };
    plain(hop.shown())
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .filter(is_common)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        check::fixture::{evidence, probed},
        evidence::Answer,
    };

    fn visited(mut all: Evidence, label: &str, who: &str, status: u16, body: &str, is_shown: Option<bool>) -> Evidence {
        all = probed(all, label, who, body, Shows::Nobody);
        let hop = all.probes.pop().unwrap().hop;
        all.hops[hop].response = Answer::Http {
            status,
            headers: Vec::new(),
            body: body.to_owned(),
            truncated: false,
        };
        all.visits.push(Visit {
            label: label.to_owned(),
            who: who.to_owned(),
            group: "admins".to_owned(),
            page: "/admin".to_owned(),
            hop,
            is_shown,
        });
        all
    }

    fn signed_in() -> Evidence {
        probed(evidence(&[]), BEFORE, "user", "hello", Shows::Person("user".to_owned()))
    }

    const PAGE: &str = "<h1>All accounts</h1><p>Ada victim.canary@example.test, 17 sign-ins</p>";

    #[test]
    fn without_a_member_who_gets_in_nothing_is_judged() {
        let refused = visited(signed_in(), MEMBER, "victim", 403, "no", Some(false));
        let all = visited(refused, AFTER, "user", 403, "no", Some(false));
        let CannotTell(why) = (ROLE_PAGE_CLOSED.ask)(&all) else {
            panic!()
        };
        assert!(
            why.contains("a member of `admins` who opened /admin was answered with 403"),
            "{why}"
        );
        assert!(matches!((ROLE_PAGE_CLOSED.ask)(&signed_in()), CannotTell(_)));
        assert!(matches!((NO_SIGN_IN_LOOP.ask)(&all), CannotTell(_)));
    }

    #[test]
    fn what_only_members_see_decides_whatever_the_status() {
        let member = || visited(signed_in(), MEMBER, "victim", 200, PAGE, Some(true));
        let ask =
            |status, is_shown| (ROLE_PAGE_CLOSED.ask)(&visited(member(), AFTER, "user", status, "?", Some(is_shown)));
        assert_eq!(ask(403, false), Holds);
        assert_eq!(ask(302, false), Holds);
        assert_eq!(ask(200, false), Holds);
        assert!(matches!(ask(200, true), Broken(_)));
        // A redirect whose body holds the page all the same.
        assert!(matches!(ask(302, true), Broken(_)));
        assert!(matches!(ask(429, false), CannotTell(_)));
    }

    #[test]
    fn without_a_pattern_the_words_of_the_members_page_decide() {
        let member = || visited(signed_in(), MEMBER, "victim", 200, PAGE, None);
        let ask = |body: &str| (ROLE_PAGE_CLOSED.ask)(&visited(member(), AFTER, "user", 200, body, None));
        let same = "<h1>All accounts</h1><p>Bob user.canary@example.test, 18 sign-ins</p>";
        let wrong = "<h1>Not for you</h1><p>Only members see the accounts</p>";
        assert!(matches!(ask(same), Broken(_)));
        assert!(matches!(ask(wrong), CannotTell(_)));
        assert_eq!(
            (ROLE_PAGE_CLOSED.ask)(&visited(member(), AFTER, "user", 403, PAGE, None)),
            Holds
        );
    }

    #[test]
    fn one_page_for_all_addresses_opens_nothing() {
        let shell = "<div id=root></div>loading";
        let member = visited(signed_in(), MEMBER, "victim", 200, shell, None);
        let mut all = visited(member, AFTER, "user", 200, shell, None);
        let mut unknown = all.hops.last().unwrap().clone();
        unknown.leg = Leg::Direct;
        all.hops.push(unknown);
        assert!(matches!((ROLE_PAGE_CLOSED.ask)(&all), CannotTell(_)));
    }

    #[test]
    fn a_page_that_is_open_anyway_proves_no_trick() {
        let member = visited(signed_in(), MEMBER, "victim", 200, PAGE, Some(true));
        let open = visited(member, STRANGER, "user", 200, PAGE, Some(true));
        let all = visited(open, AFTER, "user", 200, PAGE, Some(true));
        assert!(matches!((CLAIMED_ROLE_OPENS_NOTHING.ask)(&all), Absent(_)));
        assert!(matches!((REMOVED_MEMBER_REFUSED.ask)(&all), Absent(_)));
    }

    #[test]
    fn a_member_who_is_refused_is_a_finding_of_its_own() {
        assert_eq!(
            (MEMBER_ADMITTED.ask)(&visited(signed_in(), AFTER, "user", 200, PAGE, Some(true))),
            Holds
        );
        assert!(matches!(
            (MEMBER_ADMITTED.ask)(&visited(signed_in(), AFTER, "user", 403, "no", Some(false))),
            Broken(_)
        ));
        let control = visited(signed_in(), MEMBER, "victim", 403, "no", Some(false));
        assert!(matches!(
            (MEMBER_ADMITTED.ask)(&visited(control, AFTER, "user", 403, "no", Some(false))),
            CannotTell(_)
        ));
    }

    #[test]
    fn cookies_beside_the_session_are_needed_to_borrow_any() {
        let member = visited(signed_in(), MEMBER, "victim", 200, PAGE, Some(true));
        let mut all = visited(member, AFTER, "user", 200, PAGE, Some(true));
        all.target.session_cookies = vec!["sid".to_owned()];
        let saved = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect();
        all.saved.insert(MEMBERS_COOKIES.to_owned(), saved(&["sid"]));
        assert!(matches!((BORROWED_COOKIES_OPEN_NOTHING.ask)(&all), Absent(_)));
        all.saved.insert(MEMBERS_COOKIES.to_owned(), saved(&["sid", "role"]));
        assert!(matches!((BORROWED_COOKIES_OPEN_NOTHING.ask)(&all), Broken(_)));
    }
}
