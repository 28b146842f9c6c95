//! The parts of a sharded run as one run, with the verdicts of the whole.

use std::{collections::BTreeSet, fs, io, path::Path};

use super::{
    document::{Case, Overlay, Run, Word},
    evidence_file,
    store::{Stored, write_whole},
};
use crate::{case::Lane, catalog, exit::Policy, shard::Shard};

/// Why parts do not make a whole.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// There is nothing.
    #[error("there is nothing to merge")]
    Nothing,
    /// They are not of one run.
    #[error("{first} and {other} are not parts of one run: {what} differs")]
    Differ {
        /// A part.
        first: String,
        /// Another.
        other: String,
        /// In what.
        what: &'static str,
    },
}

/// Puts parts together. Cases that only watch were judged by each part on what it saw: broken in one is broken.
///
/// # Errors
/// When they are not parts of one run.
pub fn merge(parts: &[Stored]) -> Result<Run, MergeError> {
    let first = parts.first().ok_or(MergeError::Nothing)?;
    let mut whole = first.run.clone();
    whole.run.policy = policy(&first.run);
    whole.cases.clear();
    whole.preflight.clear();
    whole.controls.clear();
    whole.notices.clear();
    whole.run.starts = None;
    let mut seen: BTreeSet<(usize, usize)> = BTreeSet::new();
    for part in parts {
        let run = &part.run;
        let differs = [
            ("the version", run.run.tool != first.run.run.tool),
            ("the profile", run.run.profile != first.run.run.profile),
            ("the driver", run.run.walked_by() != first.run.run.walked_by()),
            ("the policy", policy(run) != policy(&first.run)),
            ("the number of parts", parts_of(run) != parts_of(&first.run)),
        ];
        if let Some((what, _)) = differs.into_iter().find(|(_, differs)| *differs) {
            return Err(MergeError::Differ {
                first: first.folder.display().to_string(),
                other: part.folder.display().to_string(),
                what,
            });
        }
        if let Some(shard) = shard(run) {
            seen.insert((shard.index, shard.of));
        }
        let label = run.run.shard.clone().unwrap_or_else(|| run.run.id.clone());
        whole
            .preflight
            .extend(run.preflight.iter().filter(|check| !check.ok || check.warning).cloned());
        whole.controls.extend(run.controls.iter().cloned().map(|mut control| {
            control.lane = format!("{} of {label}", control.lane);
            control
        }));
        for notice in &run.notices {
            whole.notices.push(format!("{label}: {notice}"));
        }
        if let Some(why) = &run.run.aborted {
            whole.run.aborted.get_or_insert(format!("{label}: {why}"));
        }
        whole.run.interrupted |= run.run.interrupted;
        whole.run.partial |= run.run.partial;
        whole.run.starts = match (whole.run.starts, run.run.starts) {
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other),
        };
        whole.run.duration_ms = whole.run.duration_ms.max(run.run.duration_ms);
        whole.run.started = whole.run.started.clone().min(run.run.started.clone());
        for case in &run.cases {
            match whole.cases.iter_mut().find(|own| own.id == case.id) {
                Some(own) => combine(own, case),
                None => whole.cases.push(case.clone()),
            }
        }
    }
    if let Some((_, of)) = seen.first().copied() {
        let missing: Vec<String> = (1..=of)
            .filter(|index| !seen.contains(&(*index, of)))
            .map(|index| format!("{index}/{of}"))
            .collect();
        if !missing.is_empty() {
            whole.run.partial = true;
            whole.notices.push(format!("parts are missing: {}", missing.join(", ")));
        }
    }
    whole.run.not_assessed = agreed(parts, |run| &run.run.not_assessed, |own| &own.case);
    whole.run.id = format!("{}-merged", first.run.run.id);
    whole.run.shard = None;
    whole.run.selected = whole.cases.len();
    whole.baseline = first.run.baseline.as_ref().map(|overlay| Overlay {
        file: overlay.file.clone(),
        stale: agreed(
            parts,
            |run| run.baseline.as_ref().map_or(&[], |own| &own.stale),
            |own| &own.case,
        ),
    });
    whole.sort();
    whole.settle();
    Ok(whole)
}

fn shard(part: &Run) -> Option<Shard> {
    part.run.shard.as_deref()?.parse().ok()
}

/// Of how many parts this is one; `None` for a run that is no part.
fn parts_of(part: &Run) -> Option<usize> {
    shard(part).map(|shard| shard.of)
}

/// What makes the whole red. A part may end green for the sake of its job, which the whole does not.
fn policy(part: &Run) -> Policy {
    Policy {
        exit_zero: false,
        ..part.run.policy
    }
}

/// What every part says that had the case in question, each thing once.
fn agreed<'p, T: Clone + PartialEq + 'p>(
    parts: &'p [Stored],
    said: impl Fn(&'p Run) -> &'p [T],
    case: impl Fn(&T) -> &str,
) -> Vec<T> {
    let mut all: Vec<T> = Vec::new();
    for own in parts.iter().flat_map(|part| said(&part.run)) {
        let mut had = parts.iter().filter(|part| part.run.case(case(own)).is_some());
        let in_all = had.all(|part| said(&part.run).iter().any(|other| case(other) == case(own)));
        if in_all && !all.contains(own) {
            all.push(own.clone());
        }
    }
    all
}

/// Two verdicts for one case.
fn combine(own: &mut Case, other: &Case) {
    let watches = catalog::all().any(|case| case.id == own.id && case.lane == Lane::Watch);
    // What one part could not tell, another may: that is how a whole run judges what it only watches.
    let rank = |word: Word| match (word, watches) {
        (Word::Fail, _) => 6,
        (Word::Warn, _) => 5,
        (Word::Pass, true) => 4,
        (Word::Error, _) => 3,
        (Word::Inconclusive, _) => 2,
        (Word::Pass, false) => 1,
        (Word::Skipped, _) => 0,
    };
    let time = own.duration_ms.max(other.duration_ms);
    if rank(other.verdict) > rank(own.verdict) {
        *own = other.clone();
    }
    own.duration_ms = time;
}

/// Keeps a merged run with the evidence of its parts.
///
/// # Errors
/// When a file cannot be copied.
pub fn keep(run: &Run, parts: &[Stored], folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder.join("evidence"))?;
    for case in run.cases.iter().filter(|case| case.evidence.is_some()) {
        let same = |part: &&Stored| part.run.case(&case.id).is_some_and(|own| own.verdict == case.verdict);
        let file = evidence_file(&case.id);
        let source = parts
            .iter()
            .filter(same)
            .map(|part| part.folder.join(&file))
            .find(|path| path.is_file());
        if let Some(source) = source {
            fs::copy(source, folder.join(&file))?;
        }
    }
    write_whole(&folder.join("run.json"), &super::store::text(run))
}
