//! Findings that share a cause, as one entry: an app with one bug gives one entry, however many cases meet it.
//!
//! What fixes a case is known (`remedy`), and so is what was changed and which check broke. Findings belong together when
//! one remedy fixes them and they agree in the check, in what was changed, or in what was seen; refusals that came as a
//! server error belong together when the same address answered, or the app printed the same line.

use std::collections::{BTreeMap, HashMap};

use super::{
    document::{Case, Run, Variant, Word},
    finding::{self, SERVER_ERROR},
    summary::counted,
};
use crate::remedy::{self, Remedy};

/// One cause with the cases that meet it.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause<'r> {
    /// The worst verdict of its cases.
    pub verdict: Word,
    /// What is wrong, in one sentence.
    pub headline: String,
    /// What fixes it.
    pub remedy: Option<Remedy>,
    /// The case that shows it best, with the variant to look at.
    pub lead: (&'r Case, &'r Variant),
    /// All of its cases, the lead first.
    pub cases: Vec<&'r Case>,
    /// Whether the baseline covers all of them.
    pub known: bool,
}

/// Cases that decide nothing for the same reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Undecided<'r> {
    /// *inconclusive* or *error*.
    pub verdict: Word,
    /// The reason, as the first of them gives it.
    pub reason: &'r str,
    /// The cases.
    pub cases: Vec<&'r Case>,
}

/// A variant that speaks against the app.
struct Item<'r> {
    case: &'r Case,
    variant: &'r Variant,
    remedy: Option<Remedy>,
    /// What it shares with others of its remedy.
    marks: Vec<String>,
    by_server_error: bool,
}

/// The causes of a run: what is new before what is known, what failed before what warned, the larger first.
#[must_use]
pub fn causes(run: &Run) -> Vec<Cause<'_>> {
    let mut items = items(run);
    assign_remedies(&mut items);
    let mut causes: Vec<Cause<'_>> = gathered(&items).into_iter().filter_map(cause).collect();
    causes.sort_by_key(|cause| {
        let places = run.cases.iter().position(|case| case.id == cause.lead.0.id);
        (
            cause.known,
            std::cmp::Reverse(cause.verdict),
            std::cmp::Reverse(cause.cases.len()),
            places,
        )
    });
    causes
}

/// The cases that decide nothing, gathered by their reasons, the worst first.
#[must_use]
pub fn undecided(run: &Run) -> Vec<Undecided<'_>> {
    let mut found: Vec<(String, Undecided<'_>)> = Vec::new();
    for case in run.cases.iter().filter(|case| case.verdict.is_undecided()) {
        let reason = case.reason.as_deref().unwrap_or_default();
        let key = format!("{} {}", case.verdict, finding::normalised(reason));
        match found.iter_mut().find(|(own, _)| *own == key) {
            Some((_, group)) => group.cases.push(case),
            None => found.push((
                key,
                Undecided {
                    verdict: case.verdict,
                    reason,
                    cases: vec![case],
                },
            )),
        }
    }
    let mut groups: Vec<Undecided<'_>> = found.into_iter().map(|(_, group)| group).collect();
    groups.sort_by_key(|group| (std::cmp::Reverse(group.verdict), std::cmp::Reverse(group.cases.len())));
    groups
}

fn items(run: &Run) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    for case in run.cases.iter().filter(|case| case.verdict.is_finding()) {
        for variant in case.bad_variants() {
            let findings = finding::of_variant(&case.id, variant);
            let Some(attempt) = variant.attempts.last() else {
                continue;
            };
            let by_server_error = attempt.server_error.is_some()
                && (variant.verdict == Word::Warn || findings.iter().all(|own| own.check == SERVER_ERROR));
            let mut marks: Vec<String> = Vec::new();
            if by_server_error {
                if let Some(error) = &attempt.server_error {
                    marks.push(format!("answers {} {}", error.request, error.answer));
                }
                let line = attempt.log.iter().map(|line| finding::normalised(line));
                marks.extend(
                    line.filter(|line| line.len() > 20)
                        .map(|line| format!("prints {line}"))
                        .take(1),
                );
            } else {
                for own in &findings {
                    marks.push(format!("check {}", own.check));
                    marks.push(format!("saw {}", finding::normalised(&own.saw)));
                }
                let changes: Vec<&str> = attempt
                    .sent
                    .iter()
                    .flat_map(|sent| &sent.changes)
                    .map(|change| change.what.as_str())
                    .collect();
                if let [only] = changes.as_slice() {
                    marks.push(format!("changed {only}"));
                }
            }
            items.push(Item {
                case,
                variant,
                remedy: None,
                marks,
                by_server_error,
            });
        }
    }
    items
}

/// Gives every finding the remedy that fixes most of them: as few causes as explain everything.
fn assign_remedies(items: &mut [Item<'_>]) {
    let remedies_of: Vec<Vec<Remedy>> = items.iter().map(|item| remedy::remedies(&item.case.id)).collect();
    loop {
        let mut reach: BTreeMap<Remedy, usize> = BTreeMap::new();
        for (item, remedies) in items.iter().zip(&remedies_of) {
            if item.remedy.is_none() && !item.by_server_error {
                remedies
                    .iter()
                    .for_each(|remedy| *reach.entry(*remedy).or_default() += 1);
            }
        }
        // Of equals the first in the order of a sign-in.
        let Some((best, _)) = reach.into_iter().min_by_key(|(_, count)| std::cmp::Reverse(*count)) else {
            break;
        };
        for (item, remedies) in items.iter_mut().zip(&remedies_of) {
            if item.remedy.is_none() && !item.by_server_error && remedies.contains(&best) {
                item.remedy = Some(best);
            }
        }
    }
    for item in items.iter_mut().filter(|item| item.by_server_error) {
        item.remedy = Some(Remedy::Errors);
    }
}

/// Items that hang together: of one case, or of one remedy with a mark in common.
fn gathered<'i, 'r>(items: &'i [Item<'r>]) -> Vec<Vec<&'i Item<'r>>> {
    let mut root: Vec<usize> = (0..items.len()).collect();
    fn find(root: &mut [usize], mut at: usize) -> usize {
        while root[at] != at {
            root[at] = root[root[at]];
            at = root[at];
        }
        at
    }
    let mut first: HashMap<String, usize> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        let kind = if item.by_server_error { "server error" } else { "" };
        let remedy = item.remedy.map(Remedy::name).unwrap_or_default();
        let of_case = format!("{kind} case {}", item.case.id);
        let marks = item.marks.iter().map(|mark| format!("{kind} {remedy} {mark}"));
        for mark in marks.chain([of_case]) {
            match first.get(&mark) {
                Some(&other) => {
                    let (one, other) = (find(&mut root, index), find(&mut root, other));
                    root[one.max(other)] = one.min(other);
                }
                None => _ = first.insert(mark, index),
            }
        }
    }
    let mut groups: BTreeMap<usize, Vec<&Item<'_>>> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        groups.entry(find(&mut root, index)).or_default().push(item);
    }
    groups.into_values().collect()
}

fn cause<'r>(items: Vec<&Item<'r>>) -> Option<Cause<'r>> {
    // The plainest case leads: heaviest level, then the most variants that agree, then the order of the catalogue.
    let weight = |item: &&&Item<'r>| (item.variant.verdict, item.case.broken_level());
    let best = items.iter().map(|item| weight(&item)).max()?;
    let lead = items.iter().find(|item| weight(item) == best)?;
    let mut cases: Vec<&Case> = vec![lead.case];
    for item in &items {
        if !cases.iter().any(|case| case.id == item.case.id) {
            cases.push(item.case);
        }
    }
    Some(Cause {
        verdict: lead.variant.verdict,
        headline: headline(lead, cases.len()),
        remedy: lead.remedy,
        lead: (lead.case, lead.variant),
        known: cases.iter().all(|case| case.known.is_some()),
        cases,
    })
}

fn headline(lead: &Item<'_>, cases: usize) -> String {
    let error = lead
        .variant
        .attempts
        .last()
        .and_then(|attempt| attempt.server_error.as_ref());
    match (error, lead.by_server_error) {
        (Some(error), true) => {
            let path = error.request.split(' ').nth(1).unwrap_or(&error.request);
            let many = if cases > 1 { "refusals" } else { "a refusal" };
            match error.answer.parse::<u16>() {
                Ok(status) => format!("{path} answers {status} to {many}"),
                Err(_) => format!("{path} breaks the connection for {many}"),
            }
        }
        _ => lead.case.title.clone(),
    }
}

impl Cause<'_> {
    /// `55 cases`, or the only case.
    #[must_use]
    pub fn extent(&self) -> String {
        match self.cases.as_slice() {
            [only] => only.id.clone(),
            cases => counted(cases.len(), "case"),
        }
    }
}
