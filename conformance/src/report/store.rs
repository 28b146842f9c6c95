//! Where runs are kept: `.conformance/runs/<id>/` beside the configuration, `latest` leading to the last one.
//!
//! While a run goes on, each case's evidence and a line of the journal are written as soon as it is judged; `run.json` is
//! written at the end. What cannot be written is told and does not end the run.
//!
//! Evidence is `conformance-evidence/1`: one file a case, and `evidence/controls.json` for the controls and twins. Members are
//! only added under this name; one that is removed, or that changes its meaning, makes it `conformance-evidence/2`, which
//! this version refuses.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    document::{self, Case, Run},
    evidence_file,
    journal::{self, Event},
    look::in_json,
};
use crate::{
    evidence::Evidence,
    run::{CaseResult, Failure},
};

/// Runs that are kept; older ones are thrown away. The evidence of a whole run takes some 40 MB.
const KEPT: usize = 5;
/// Bytes that are held back so that the journal and `run.json` can be written when the disk is full.
const RESERVE: usize = 2 * 1024 * 1024;
/// Bytes that must be free for a run to begin: the verdicts of a few cases.
const LEAST: usize = 64 * 1024;

/// The shape of evidence.
const EVIDENCE: &str = "conformance-evidence/1";

const RUN: &str = "run.json";
/// Where the controls and twins are kept.
const CONTROLS: &str = "evidence/controls.json";
pub(super) const JOURNAL: &str = "journal.ndjson";
const HELD_BACK: &str = ".reserve";

/// A place for one run.
#[derive(Debug)]
pub struct Store {
    /// Where its files go.
    pub folder: PathBuf,
    /// `.conformance/`, when the run is kept there and `latest` shall lead to it.
    root: Option<PathBuf>,
    journal: Option<File>,
    /// The journal's last line is not whole.
    is_torn: bool,
    /// The disk is full: what is left of it is for verdicts, and evidence is not written any more.
    is_full: bool,
    /// What went wrong, each thing once.
    problems: Vec<String>,
    /// What was told already.
    told: Vec<String>,
}

/// What is wrong with a place for runs.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// It cannot be written to.
    #[error("{} cannot be written to: {source}; --out DIR names another place", .folder.display())]
    Unwritable {
        /// Where.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of the same name is no run of ours.
    #[error("{} holds a run.json that is no run of this program: {why}; name another folder with --out, or remove the file", .folder.display())]
    Foreign {
        /// Where.
        folder: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// Why a stored run cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is none.
    #[error("there is no run in {}: it holds neither {RUN} nor {JOURNAL}", .0.display())]
    None(PathBuf),
    /// A file cannot be read.
    #[error("{} cannot be read: {source}", .file.display())]
    Io {
        /// Which.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not what this program writes.
    #[error("{} is no run of this program: {why}", .file.display())]
    Foreign {
        /// Which.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// A run that was read back.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Where it lies.
    pub folder: PathBuf,
    /// The run.
    pub run: Run,
    /// Set when it was read from the journal, because the run was killed or `run.json` is torn.
    pub from_journal: Option<String>,
}

/// The evidence of a case: by variant, the attempts in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CaseEvidence {
    /// `conformance-evidence/1`.
    pub schema: String,
    /// The case.
    pub case: String,
    /// Its variants.
    pub variants: Vec<VariantEvidence>,
}

/// The evidence of the controls and twins of a run, in the order in which they were walked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ControlEvidence {
    /// `conformance-evidence/1`.
    pub schema: String,
    /// What each of them left behind.
    pub controls: Vec<Evidence>,
}

/// The evidence of a variant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VariantEvidence {
    /// Its name.
    pub name: String,
    /// What each attempt left behind.
    pub attempts: Vec<Evidence>,
}

impl Store {
    /// The usual place: `.conformance/runs/<id>` in the configuration's folder.
    #[must_use]
    pub fn beside(config_folder: &Path, run_id: &str) -> Self {
        let root = config_folder.join(".conformance");
        Self::new(root.join("runs").join(run_id), Some(root))
    }

    /// Exactly this folder.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self::new(folder.to_owned(), None)
    }

    fn new(folder: PathBuf, root: Option<PathBuf>) -> Self {
        Self {
            folder,
            root,
            journal: None,
            is_torn: false,
            is_full: false,
            problems: Vec::new(),
            told: Vec::new(),
        }
    }

    /// Tries a place before anything is walked. Says which run lies there already and will be replaced.
    ///
    /// # Errors
    /// When it cannot be written to, or holds a `run.json` of somebody else.
    pub fn try_place(folder: &Path) -> Result<Option<String>, PlaceError> {
        let unwritable = |source| PlaceError::Unwritable {
            folder: folder.to_owned(),
            source,
        };
        fs::create_dir_all(folder).map_err(unwritable)?;
        let probe = folder.join(".conformance-write-test");
        let written = fs::write(&probe, vec![0_u8; LEAST]);
        let removed = fs::remove_file(&probe);
        written.and(removed).map_err(unwritable)?;
        match read(folder) {
            Ok(stored) => Ok(Some(stored.run.run.id)),
            Err(ReadError::None(_)) => Ok(None),
            Err(ReadError::Io { source, .. }) => Err(unwritable(source)),
            Err(ReadError::Foreign { why, .. }) => Err(PlaceError::Foreign {
                folder: folder.to_owned(),
                why,
            }),
        }
    }

    /// Where the run is kept.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Begins to write: the journal, and `latest`. What lies there of an earlier run is taken away first, so that the
    /// evidence of two runs is not mixed.
    pub fn open(&mut self) {
        for old in [RUN, JOURNAL, "report.html", HELD_BACK] {
            let _none = fs::remove_file(self.folder.join(old));
        }
        if read_dir_is_ours(&self.folder.join("evidence")) {
            let _none = fs::remove_dir_all(self.folder.join("evidence"));
        }
        let made = fs::create_dir_all(self.folder.join("evidence"));
        self.note("the folder of this run cannot be made", made);
        match File::create(self.folder.join(JOURNAL)) {
            Ok(file) => self.journal = Some(file),
            Err(error) => self.note("the journal cannot be written", Err(error)),
        }
        self.hold_back();
        if let Some(root) = self.root.clone() {
            let _ours = fs::write(root.join(".gitignore"), "*\n");
            if let Some(id) = self.folder.file_name().map(|id| id.to_string_lossy().into_owned()) {
                let pointed = point(&root, &id);
                if let Err(why) = pointed {
                    self.tell(why);
                }
                prune(&root.join("runs"), &id);
            }
        }
    }

    /// Holds as much back as fits on a small disk.
    fn hold_back(&self) {
        let reserve = self.folder.join(HELD_BACK);
        let sizes = std::iter::successors(Some(RESERVE), |size| (*size > LEAST).then_some(size / 2));
        for size in sizes {
            if fs::write(&reserve, vec![0_u8; size]).is_ok() {
                return;
            }
            let _gone = fs::remove_file(&reserve);
        }
    }

    /// Writes down what happened.
    pub fn event(&mut self, event: &Event) {
        let mut written = self.append(event);
        if is_full(&written) && fs::remove_file(self.folder.join(HELD_BACK)).is_ok() {
            self.is_full = true;
            written = self.append(event);
        }
        self.note("the journal cannot be written", written);
    }

    fn append(&mut self, event: &Event) -> io::Result<()> {
        let Some(file) = &mut self.journal else { return Ok(()) };
        if self.is_torn {
            // Readers skip a line that is not whole; the next one must not become part of it.
            file.write_all(b"\n")?;
        }
        let written = journal::write(file, event);
        self.is_torn = written.is_err();
        written
    }

    /// Keeps everything that was seen in a case, unredacted: it can be judged again.
    pub fn evidence(&mut self, result: &CaseResult) {
        if result.variants.is_empty() || self.is_full {
            return;
        }
        self.write_evidence(&evidence_file(result.case.id), &evidence_of(result));
    }

    /// Keeps the controls and twins, unredacted: the cases that only watch are judged by them as well.
    pub fn controls(&mut self, controls: &[Evidence]) {
        let evidence = ControlEvidence {
            schema: EVIDENCE.to_owned(),
            controls: controls.to_vec(),
        };
        self.write_evidence(CONTROLS, &evidence);
    }

    fn write_evidence(&mut self, file: &str, evidence: &impl Serialize) {
        let path = self.folder.join(file);
        let written = File::create(&path).and_then(|file| {
            let mut writer = io::BufWriter::new(file);
            serde_json::to_writer(&mut writer, evidence)?;
            writer.flush()
        });
        if written.is_err() {
            // Half of it helps nobody, and its bytes are wanted for the verdicts.
            let _stays = fs::remove_file(&path);
        }
        self.is_full |= is_full(&written);
        let what = match self.is_full {
            true => "evidence cannot be written from here on, verdicts still are,",
            false => "evidence cannot be written",
        };
        self.note(what, written);
    }

    /// Keeps everything that was seen in a first sign-in that failed.
    pub fn first_failure(&mut self, failure: &Failure) {
        let text = serde_json::json!({ "schema": EVIDENCE, "case": null, "evidence": failure.evidence });
        let written = write_whole(&self.folder.join(Failure::FILE), &text.to_string());
        self.note("evidence cannot be written", written);
    }

    /// Writes `run.json`: whole, or not at all. Says whether it was written.
    pub fn finish(&mut self, run: &Run) -> bool {
        let _gone = fs::remove_file(self.folder.join(HELD_BACK));
        let written = write_whole(&self.folder.join(RUN), &text(run));
        let is_written = written.is_ok();
        self.note("run.json cannot be written", written);
        is_written
    }

    /// What could not be written since it was asked last, as sentences.
    pub fn problems(&mut self) -> Vec<String> {
        std::mem::take(&mut self.problems)
    }

    fn note(&mut self, what: &str, result: io::Result<()>) {
        if let Err(error) = result {
            self.tell(format!("{what} in {}: {error}", self.folder.display()));
        }
    }

    fn tell(&mut self, problem: String) {
        if !self.told.contains(&problem) {
            self.told.push(problem.clone());
            self.problems.push(problem);
        }
    }
}

/// Whether something could not be written because there is no room for it.
fn is_full(written: &io::Result<()>) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(written, Err(error) if matches!(error.kind(), StorageFull | QuotaExceeded))
}

/// `run.json` as it is written.
#[must_use]
pub fn text(run: &Run) -> String {
    match serde_json::to_string_pretty(run) {
        Ok(text) => in_json(&text) + "\n",
        Err(error) => format!("{{\"schema\":\"{}\",\"error\":\"{error}\"}}\n", document::SCHEMA),
    }
}

/// Writes a file beside its place and moves it there, so that nobody reads half of it.
///
/// # Errors
/// When it cannot be written.
pub fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    // What is no ordinary file (a pipe, /dev/stdout) is written to as it is.
    if fs::metadata(path).is_ok_and(|own| !own.is_file()) {
        return fs::write(path, text);
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let written = fs::write(&part, text).and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        let _gone = fs::remove_file(&part);
    }
    written
}

/// Reads a stored run: `run.json`, or the journal of one that was killed.
///
/// # Errors
/// When there is none, or what lies there is not what this program writes.
pub fn read(folder: &Path) -> Result<Stored, ReadError> {
    let (folder, file) = if folder.is_file() {
        (folder.parent().unwrap_or(folder).to_owned(), folder.to_owned())
    } else {
        (folder.to_owned(), folder.join(RUN))
    };
    let torn = match fs::read_to_string(&file) {
        Ok(text) => match parse(&text) {
            Ok(run) => {
                return Ok(Stored {
                    folder,
                    run,
                    from_journal: None,
                });
            }
            Err(why) => Some(why),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Some("it is no text".to_owned()),
        Err(source) => return Err(ReadError::Io { file, source }),
    };
    let journal = fs::read(folder.join(JOURNAL)).ok();
    let run = journal.and_then(|bytes| journal::read(&String::from_utf8_lossy(&bytes)));
    match (run, torn) {
        (Some(run), torn) => Ok(Stored {
            folder,
            run,
            from_journal: Some(torn.map_or_else(
                || "the run was killed before it could write run.json".to_owned(),
                |why| format!("run.json cannot be used ({why})"),
            )),
        }),
        (None, Some(why)) => Err(ReadError::Foreign { file, why }),
        (None, None) => Err(ReadError::None(folder)),
    }
}

fn parse(text: &str) -> Result<Run, String> {
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| format!("it is torn or no JSON: {error}"))?;
    match value["schema"].as_str() {
        Some(document::SCHEMA) => {}
        Some(other) if other.starts_with("conformance-run/") => {
            return Err(format!(
                "its shape is {other}, and this version reads {}",
                document::SCHEMA
            ));
        }
        _ => return Err(format!("it lacks \"schema\": \"{}\"", document::SCHEMA)),
    }
    serde_json::from_value(value).map_err(|error| error.to_string())
}

/// The evidence of a case of a stored run.
///
/// # Errors
/// When it cannot be read.
pub fn read_evidence(folder: &Path, case: &Case) -> Result<CaseEvidence, ReadError> {
    let evidence: CaseEvidence = read_json(folder.join(evidence_file(&case.id)))?;
    known_shape(&evidence.schema, folder.join(evidence_file(&case.id)))?;
    Ok(evidence)
}

/// The controls and twins of a stored run.
///
/// # Errors
/// When they cannot be read.
pub fn read_controls(folder: &Path) -> Result<Vec<Evidence>, ReadError> {
    let evidence: ControlEvidence = read_json(folder.join(CONTROLS))?;
    known_shape(&evidence.schema, folder.join(CONTROLS))?;
    Ok(evidence.controls)
}

fn read_json<T: serde::de::DeserializeOwned>(file: PathBuf) -> Result<T, ReadError> {
    let text = fs::read(&file).map_err(|source| ReadError::Io {
        file: file.clone(),
        source,
    })?;
    serde_json::from_slice(&text).map_err(|error| ReadError::Foreign {
        file,
        why: error.to_string(),
    })
}

fn known_shape(schema: &str, file: PathBuf) -> Result<(), ReadError> {
    match schema == EVIDENCE {
        true => Ok(()),
        false => Err(ReadError::Foreign {
            file,
            why: format!("its shape is {schema}, and this version reads {EVIDENCE}"),
        }),
    }
}

/// Everything that was seen in a case.
#[must_use]
pub fn evidence_of(case: &CaseResult) -> CaseEvidence {
    let variants = case.variants.iter().map(|variant| VariantEvidence {
        name: variant.name.to_string(),
        attempts: variant
            .attempts
            .iter()
            .map(|attempt| attempt.evidence.clone())
            .collect(),
    });
    CaseEvidence {
        schema: EVIDENCE.to_owned(),
        case: case.case.id.to_owned(),
        variants: variants.collect(),
    }
}

/// The last kept run of a configuration; `None` when there is none.
#[must_use]
pub fn last(config_folder: &Path) -> Option<Result<Stored, ReadError>> {
    match read(&config_folder.join(".conformance/latest")) {
        Err(ReadError::None(_)) => None,
        read => Some(read),
    }
}

/// The framework that the last kept run names, and how it was found out; `None` when there is no run or it names none. Read
/// leniently: it only chooses which snippets are shown.
#[must_use]
pub fn last_framework(config_folder: &Path) -> Option<(String, String)> {
    let text = fs::read(config_folder.join(".conformance/latest").join(RUN)).ok()?;
    let run: serde_json::Value = serde_json::from_slice(&text).ok()?;
    let framework = &run["target"]["framework"];
    let word = |name: &str| framework[name].as_str().map(str::to_owned);
    Some((word("guess")?, word("why").unwrap_or_default()))
}

/// Replaces `latest` in one step, so that it leads somewhere at any moment.
fn point(root: &Path, id: &str) -> Result<(), String> {
    let latest = root.join("latest");
    if fs::symlink_metadata(&latest).is_ok_and(|own| own.is_dir()) {
        return Err(format!(
            "{} is a folder and not a link, so it cannot lead to this run: remove it (this run is kept in {})",
            latest.display(),
            root.join("runs").join(id).display()
        ));
    }
    let fresh = root.join(format!(".latest-{id}"));
    let _old = fs::remove_file(&fresh);
    std::os::unix::fs::symlink(Path::new("runs").join(id), &fresh)
        .and_then(|()| fs::rename(&fresh, &latest))
        .map_err(|error| format!("{} cannot be made to lead to this run: {error}", latest.display()))
}

/// Whether everything in it is a file that this program writes; a folder with anything else is left alone.
fn read_dir_is_ours(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name())
        .all(|name| name.to_string_lossy().ends_with(".json"))
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
