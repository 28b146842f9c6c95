//! What stands at the end: counts, the profile, the skipped and the undecided, and the last line.

use std::collections::BTreeMap;

use super::{
    block::undecided,
    look::{Look, Tone},
};
use crate::{
    case::Lane,
    catalog,
    exit::{Policy, exit_code},
    outcome::{Level, Verdict},
    run::RunResult,
    target::Profile,
};

/// The words of the last line, in its order.
pub const WORDS: [&str; 6] = ["pass", "fail", "warn", "skipped", "inconclusive", "error"];

/// What a run says about its profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileStatus {
    /// Every required case was judged and none failed.
    Met,
    /// A required case failed.
    NotMet,
    /// No required case failed, but not every one was judged.
    NotAssessed,
}

impl ProfileStatus {
    /// As printed.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            ProfileStatus::Met => "MET",
            ProfileStatus::NotMet => "NOT MET",
            ProfileStatus::NotAssessed => "not assessed",
        }
    }
}

/// Required are all cases of the catalogue with the level MUST or MUST*, but for the slow lane, which runs only when asked
/// for. A skipped case was judged: it does not apply. MUST* that the profile lowers is a *warn* and so no failure.
#[must_use]
pub fn profile_status(result: &RunResult) -> ProfileStatus {
    if result.count("fail") > 0 {
        return ProfileStatus::NotMet;
    }
    let is_judged = |id: &str| {
        let found = result.cases.iter().find(|own| own.case.id == id);
        found.is_some_and(|own| matches!(own.verdict, Verdict::Pass | Verdict::Warn | Verdict::Skipped(_)))
    };
    let mut required =
        catalog::all().filter(|case| matches!(case.level, Level::Must | Level::MustStar) && case.lane != Lane::Slow);
    let nothing_was_judged = result.aborted.is_some() || result.interrupted || result.cases.is_empty();
    if !nothing_was_judged && required.all(|case| is_judged(case.id)) {
        ProfileStatus::Met
    } else {
        ProfileStatus::NotAssessed
    }
}

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
        profile_status(result).words(),
        exit_code(result, policy)
    )
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
