//! What stands at the end: counts, the profile, the skipped and the undecided, and the last line.

use std::collections::BTreeMap;

use super::{
    block::undecided,
    look::{Look, Tone},
};
use crate::{
    exit::{Policy, exit_code},
    outcome::Verdict,
    run::RunResult,
    target::Profile,
    verdict::{ProfileStatus, not_assessed, profile_status},
};

/// The words of the last line, in its order.
pub const WORDS: [&str; 6] = ["pass", "fail", "warn", "skipped", "inconclusive", "error"];

/// `48 cases: 44 pass, 1 fail, 3 skipped   9.8 s   profile okta: NOT MET   exit 1`, the same everywhere, without a line
/// end. Pass stands always, other words only with a number.
#[must_use]
pub fn last_line(result: &RunResult, policy: &Policy) -> String {
    let counts: Vec<String> = WORDS
        .iter()
        .map(|word| (result.count(word), word))
        .filter(|(count, word)| *count > 0 || **word == "pass")
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    format!(
        "{} cases: {}   {}   profile {}: {}   exit {}",
        result.cases.len(),
        counts.join(", "),
        seconds(result.duration_ms),
        profile_name(result.header.profile),
        status_words(profile_status(result)),
        exit_code(result, policy)
    )
}

/// A profile's status as printed.
#[must_use]
pub const fn status_words(status: ProfileStatus) -> &'static str {
    match status {
        ProfileStatus::Met => "MET",
        ProfileStatus::NotMet => "NOT MET",
        ProfileStatus::NotAssessed => "not assessed",
    }
}

/// What was told while the run went on, once more.
#[must_use]
pub fn notices(result: &RunResult, look: &Look) -> String {
    result.notices.iter().map(|notice| notice_line(notice, look)).collect()
}

/// One notice.
#[must_use]
pub fn notice_line(notice: &str, look: &Look) -> String {
    format!("{}  {}\n", look.paint(Tone::Doubt, "note"), look.hang(6, notice))
}

/// Everything between the last case and the last line: notes on passes, the undecided, the skipped by reason.
#[must_use]
pub fn tail(result: &RunResult, look: &Look) -> String {
    let mut text = String::new();
    for case in &result.cases {
        for note in &case.notes {
            text.push_str(&format!(
                "{}  {}\n",
                look.paint(Tone::Faint, "note"),
                look.hang(6, &format!("{}: {note}", case.case.id))
            ));
        }
    }
    for case in result
        .cases
        .iter()
        .filter(|case| matches!(case.verdict, Verdict::Inconclusive(_) | Verdict::Error(_)))
    {
        text.push_str(&undecided(case, look));
    }
    text.push_str(&skipped(result, look));
    text.push_str(&left_out(result, look));
    if let Some(why) = &result.aborted {
        text.push_str(&format!(
            "{} {}\n",
            look.paint(Tone::Bad, "nothing was judged:"),
            look.hang(5, why)
        ));
    }
    text
}

/// The skipped cases, gathered by their reasons.
#[must_use]
pub fn skipped(result: &RunResult, look: &Look) -> String {
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for case in &result.cases {
        if let Verdict::Skipped(reason) = &case.verdict {
            by_reason.entry(reason).or_default().push(case.case.id);
        }
    }
    let mut text = String::new();
    for (reason, ids) in by_reason {
        let label = look.paint(Tone::Faint, "skipped");
        text.push_str(&format!(
            "{label}  {}\n",
            look.hang(9, &format!("{reason}: {}", ids.join(", ")))
        ));
    }
    text
}

/// The cases that the run chose and left out, by their reasons: the profile is not assessed because of them.
fn left_out(result: &RunResult, look: &Look) -> String {
    if profile_status(result) != ProfileStatus::NotAssessed {
        return String::new();
    }
    let mut by_reason: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let chosen = |id: &str| result.left_out.iter().any(|left_out| left_out.case == id);
    for (id, why) in not_assessed(result).into_iter().filter(|(id, _)| chosen(id)) {
        by_reason.entry(why).or_default().push(id);
    }
    let label = look.paint(Tone::Faint, "not assessed");
    let line = |(why, ids): (String, Vec<&str>)| {
        format!("{label}  {}\n", look.hang(14, &format!("{why}: {}", ids.join(", "))))
    };
    by_reason.into_iter().map(line).collect()
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

/// `core`, `okta`, `asvs`.
#[must_use]
pub const fn profile_name(profile: Profile) -> &'static str {
    match profile {
        Profile::Core => "core",
        Profile::Okta => "okta",
        Profile::Asvs => "asvs",
    }
}
