//! What stands at the end: counts, the profile, the skipped and the undecided, and the last line.

use std::collections::BTreeMap;

use super::{
    cause,
    document::{Case, ProfileStatus, Run, Word},
    look::{Look, Tone},
};
use crate::verdict::{
    self,
    law::{self, Required},
};

/// Ids that are written out; the others are counted.
const NAMED: usize = 6;

/// What a run says about its profile. A skipped case was judged: it does not apply. MUST* that the profile lowers is a *warn*
/// and so no failure. What the baseline knows is a failure all the same, and so is a failed case that is not required.
#[must_use]
pub fn profile_status(run: &Run) -> ProfileStatus {
    let is_left_out = |id: &str| run.run.not_assessed.iter().any(|own| own.case == id);
    let each = verdict::required().map(|case| match run.case(case.id).map(|own| own.verdict) {
        Some(Word::Fail) => Required::Failed,
        Some(Word::Pass | Word::Warn | Word::Skipped) if !is_left_out(case.id) => Required::Judged,
        _ => Required::NotJudged,
    });
    let nothing_was_judged = run.run.aborted.is_some() || run.run.interrupted || run.cases.is_empty();
    let beside = [
        (run.count(Word::Fail) > 0).then_some(Required::Failed),
        nothing_was_judged.then_some(Required::NotJudged),
    ];
    law::profile(each.chain(beside.into_iter().flatten()))
}

/// `48 cases: 44 pass, 1 fail, 3 skipped   9.8 s   profile okta: NOT MET   exit 1`, the same everywhere, without a line
/// end. Pass stands always, other words only with a number.
#[must_use]
pub fn last_line(run: &Run) -> String {
    let mut counts: Vec<String> = Word::ALL
        .iter()
        .map(|word| (run.count(*word), word))
        .filter(|(count, word)| *count > 0 || **word == Word::Pass)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if run.counts.known > 0 {
        counts.push(format!("{} of them known", run.counts.known));
    }
    let all = if run.run.partial && run.run.aborted.is_none() && run.run.selected > run.cases.len() {
        format!("{} of {} cases", run.cases.len(), run.run.selected)
    } else {
        counted(run.cases.len(), "case")
    };
    let status = run.run.profiles.get(&run.run.profile).copied();
    format!(
        "{all}: {}   {}   profile {}: {}   exit {}",
        counts.join(", "),
        seconds(run.run.duration_ms),
        run.run.profile,
        status.unwrap_or(ProfileStatus::NotAssessed).words(),
        run.exit_code
    )
}

/// One notice.
#[must_use]
pub fn notice_line(notice: &str, look: &Look) -> String {
    format!("{}  {}\n", look.paint(Tone::Doubt, "note"), look.hang(6, notice))
}

/// Everything between the causes and the last line: what could not be decided, why nothing was judged, the stale entries of
/// the baseline; with `verbose` also the notes on passes and the skipped by reason.
#[must_use]
pub fn tail(run: &Run, look: &Look, verbose: u8) -> String {
    let mut text = String::new();
    if verbose > 0 {
        for case in &run.cases {
            for note in &case.notes {
                text.push_str(&format!(
                    "{}  {}\n",
                    look.paint(Tone::Faint, "note"),
                    look.hang(6, &format!("{}: {note}", case.id))
                ));
            }
        }
    }
    text.push_str(&undecided(run, look, verbose));
    text.push_str(&skipped(run, look, verbose));
    text.push_str(&left_out(run, look, verbose));
    text.push_str(&stale(run, look));
    if let Some(why) = &run.run.aborted {
        text.push_str(&format!(
            "{} {}\n",
            look.paint(Tone::Bad, "nothing was judged:"),
            look.hang_after(20, 5, why)
        ));
    }
    text
}

/// Cases that decide nothing, gathered by their reasons.
fn undecided(run: &Run, look: &Look, verbose: u8) -> String {
    let mut text = String::new();
    for group in cause::undecided(run) {
        let sign = look.paint(Tone::of(group.verdict), look.sign(Some(group.verdict)));
        let ids = listed(&group.cases, verbose);
        let line = match group.cases.as_slice() {
            [only] => format!("{}: {} - {}", only.id, group.verdict, group.reason),
            cases => format!("{} cases {}: {} ({ids})", cases.len(), group.verdict, group.reason),
        };
        text.push_str(&format!("{sign}    {}\n", look.hang(5, &line)));
    }
    text
}

/// The skipped cases: how many, and with `verbose` which and why.
fn skipped(run: &Run, look: &Look, verbose: u8) -> String {
    let mut by_reason: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    for case in run.cases.iter().filter(|case| case.verdict == Word::Skipped) {
        by_reason
            .entry(case.reason.as_deref().unwrap_or_default())
            .or_default()
            .push(case);
    }
    let label = look.paint(Tone::Faint, "skipped");
    let all: usize = by_reason.values().map(Vec::len).sum();
    match (all, verbose) {
        (0, _) => String::new(),
        (_, 0) => {
            let reasons: Vec<String> = by_reason
                .iter()
                .map(|(reason, cases)| format!("{} ({})", reason, cases.len()))
                .collect();
            let cut = match reasons.len() {
                0..4 => reasons.join("; "),
                count => format!("{}; and {} more reasons (-v)", reasons[..2].join("; "), count - 2),
            };
            format!("{label}  {}\n", look.hang(9, &cut))
        }
        _ => by_reason
            .iter()
            .map(|(reason, cases)| {
                let ids: Vec<&str> = cases.iter().map(|case| case.id.as_str()).collect();
                format!("{label}  {}\n", look.hang(9, &format!("{reason}: {}", ids.join(", "))))
            })
            .collect(),
    }
}

/// Required cases that were passed over: the profile is not assessed because of them. The undecided stand above.
fn left_out(run: &Run, look: &Look, verbose: u8) -> String {
    let mut by_reason: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    for own in &run.run.not_assessed {
        let case = run.case(&own.case).filter(|case| !case.verdict.is_undecided());
        if let Some(case) = case {
            by_reason.entry(&own.why).or_default().push(case);
        }
    }
    let label = look.paint(Tone::Faint, "not assessed");
    by_reason
        .into_iter()
        .map(|(why, cases)| {
            format!(
                "{label}  {}\n",
                look.hang(14, &format!("{why}: {}", listed(&cases, verbose)))
            )
        })
        .collect()
}

/// Entries of the baseline that no longer apply, with the command that takes them out.
fn stale(run: &Run, look: &Look) -> String {
    let Some(overlay) = &run.baseline else {
        return String::new();
    };
    let mut text: String = overlay
        .stale
        .iter()
        .map(|entry| {
            format!(
                "{}  {}\n",
                look.paint(Tone::Doubt, "stale"),
                look.hang(7, &format!("{} {}: {}", entry.case, entry.check, entry.why))
            )
        })
        .collect();
    if !overlay.stale.is_empty() {
        let command = format!(
            "       `conformance baseline prune --baseline {}` removes them\n",
            overlay.file
        );
        text.push_str(&look.text(&command));
    }
    text
}

/// `a, b, c and 9 more`.
#[must_use]
pub fn listed(cases: &[&Case], verbose: u8) -> String {
    // The first leads: one with another verdict says so, as the heading is not about it.
    let lead = cases.first().map(|case| case.verdict);
    let named = |case: &&Case| match Some(case.verdict) == lead {
        true => case.id.clone(),
        false => format!("{} ({})", case.id, case.verdict),
    };
    let ids: Vec<String> = cases.iter().map(named).collect();
    if verbose > 0 || ids.len() <= NAMED + 1 {
        return ids.join(", ");
    }
    format!("{} and {} more", ids[..NAMED].join(", "), ids.len() - NAMED)
}

/// `1 case`, `7 cases`.
#[must_use]
pub fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

/// `0.24 s`, `9.8 s`, `2 min 5 s`.
#[must_use]
pub fn seconds(milliseconds: u64) -> String {
    match milliseconds {
        0..1_000 => format!("{}.{:02} s", milliseconds / 1000, milliseconds % 1000 / 10),
        1_000..120_000 => format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100),
        _ => format!("{} min {} s", milliseconds / 60_000, milliseconds % 60_000 / 1000),
    }
}
