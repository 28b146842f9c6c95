//! Where runs are kept: `.conformance/runs/<id>/` beside the configuration, `latest` leading to the last one.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{Setting, block::evidence_file, json::document};
use crate::run::{CaseResult, Failure, RunResult};

/// Runs that are kept; older ones are thrown away. The evidence of a whole run takes some 40 MB.
const KEPT: usize = 5;

/// A place for one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// Where its files go.
    pub folder: PathBuf,
    /// `.conformance/`, when the run is kept there and `latest` shall lead to it.
    root: Option<PathBuf>,
}

impl Store {
    /// The usual place: `.conformance/runs/<id>` in the configuration's folder.
    #[must_use]
    pub fn beside(config_folder: &Path, run_id: &str) -> Self {
        let root = config_folder.join(".conformance");
        Self {
            folder: root.join("runs").join(run_id),
            root: Some(root),
        }
    }

    /// Exactly this folder.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            root: None,
        }
    }

    /// Writes `run.json` and the evidence of every case, and lets `latest` lead here.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn write(&self, result: &RunResult, setting: &Setting) -> io::Result<()> {
        fs::create_dir_all(self.folder.join("evidence"))?;
        for case in result.cases.iter().filter(|case| !case.variants.is_empty()) {
            let file = fs::File::create(self.folder.join(evidence_file(case.case)))?;
            let mut writer = io::BufWriter::new(file);
            serde_json::to_writer(&mut writer, &evidence(case))?;
            io::Write::flush(&mut writer)?;
        }
        for failure in result.controls.iter().filter_map(|control| control.failure.as_ref()) {
            let text = json!({ "schema": "conformance-evidence/1", "case": null, "evidence": failure.evidence });
            fs::write(self.folder.join(Failure::FILE), text.to_string())?;
        }
        fs::write(
            self.folder.join("run.json"),
            format!("{:#}\n", document(result, setting)),
        )?;
        if let Some(root) = &self.root {
            let _ours = fs::write(root.join(".gitignore"), "*\n");
            point(root, &result.header.id)?;
            prune(&root.join("runs"), &result.header.id);
        }
        Ok(())
    }
}

/// The ids of the cases that were not well in the last kept run; `None` when there is none.
#[must_use]
pub fn last_failed(config_folder: &Path) -> Option<Vec<String>> {
    let text = fs::read(config_folder.join(".conformance/latest/run.json")).ok()?;
    let run: Value = serde_json::from_slice(&text).ok()?;
    let is_bad = |case: &&Value| {
        matches!(
            case["verdict"].as_str(),
            Some("fail" | "warn" | "inconclusive" | "error")
        )
    };
    Some(
        run["cases"]
            .as_array()?
            .iter()
            .filter(is_bad)
            .filter_map(|case| case["id"].as_str().map(str::to_owned))
            .collect(),
    )
}

/// The framework that the last kept run guessed, and why; `None` when there is no run or it guessed none.
#[must_use]
pub fn last_framework(config_folder: &Path) -> Option<(String, String)> {
    let text = fs::read(config_folder.join(".conformance/latest/run.json")).ok()?;
    let run: Value = serde_json::from_slice(&text).ok()?;
    let framework = &run["target"]["framework"];
    let word = |name: &str| framework[name].as_str().map(str::to_owned);
    Some((word("guess")?, word("why").unwrap_or_default()))
}

/// Everything that was seen in a case, unredacted: it can be judged again.
fn evidence(case: &CaseResult) -> Value {
    let attempts = |attempts: &[crate::run::Attempt]| {
        attempts
            .iter()
            .map(|attempt| json!(attempt.evidence))
            .collect::<Vec<_>>()
    };
    let variants = case
        .variants
        .iter()
        .map(|variant| json!({ "name": variant.name, "attempts": attempts(&variant.attempts) }));
    json!({ "schema": "conformance-evidence/1", "case": case.case.id, "variants": variants.collect::<Vec<_>>() })
}

/// Replaces `latest` in one step, so that it leads somewhere at any moment.
fn point(root: &Path, id: &str) -> io::Result<()> {
    let fresh = root.join(format!(".latest-{id}"));
    let _old = fs::remove_file(&fresh);
    std::os::unix::fs::symlink(Path::new("runs").join(id), &fresh)?;
    fs::rename(&fresh, root.join("latest"))
}

/// Throws the oldest runs away; ids sort by time. What cannot be removed stays.
fn prune(runs: &Path, newest: &str) {
    let mut ids: Vec<_> = fs::read_dir(runs)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    ids.sort();
    let excess = ids.len().saturating_sub(KEPT);
    for id in ids.into_iter().take(excess).filter(|id| id != newest) {
        let _stays = fs::remove_dir_all(runs.join(id));
    }
}
