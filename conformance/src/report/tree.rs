//! The files beside a configuration, as far as verdicts may depend on them: which of them changed, and which were written by
//! the run itself.
//!
//! Builds write beside their sources, and apps keep their data there. So a run remembers what was written while the app was
//! built, started and first used, and those files count as they are when the run ends. Somebody may edit a source in that very
//! time, and such an edit must not be taken for output: a file that was there before counts as output only from the second
//! run on that writes it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use super::{document, redact::fingerprint};
use crate::baseline;

/// Folders that hold no source of an app.
const SKIPPED: &[&str] = &[
    ".conformance",
    ".git",
    ".gradle",
    ".hg",
    ".mypy_cache",
    ".next",
    ".nuxt",
    ".output",
    ".parcel-cache",
    ".pytest_cache",
    ".svelte-kit",
    ".svn",
    ".turbo",
    ".venv",
    "__pycache__",
    "build",
    "dist",
    "node_modules",
    "target",
    "venv",
];
/// How files end that apps write while they run: logs, databases, marks of running processes.
const DATA: &[&str] = &[
    ".db",
    ".db-journal",
    ".db-shm",
    ".db-wal",
    ".log",
    ".pid",
    ".sqlite",
    ".sqlite3",
    ".sqlite3-journal",
    ".sqlite3-shm",
    ".sqlite3-wal",
];
/// Files that are looked at; a bigger tree is not one app's.
const FILES: usize = 20_000;

/// What tells one state of a file from another, without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    /// In nanoseconds since 1970.
    changed: u128,
    bytes: u64,
}

/// The files below a folder at some moment, by their paths in it. Folders without sources, stored runs, and what apps write
/// while they run are left away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree(BTreeMap<PathBuf, Stamp>);

impl Tree {
    /// Looks at a folder.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        let mut files = BTreeMap::new();
        let mut open = vec![folder.to_owned()];
        while let Some(next) = open.pop() {
            if next != folder && holds_a_run(&next) {
                continue;
            }
            // In the same order everywhere, so that the same files are looked at where there are too many.
            let mut entries: Vec<_> = fs::read_dir(&next).into_iter().flatten().flatten().collect();
            entries.sort_by_key(fs::DirEntry::file_name);
            for entry in entries {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                let path = entry.path();
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    if !SKIPPED.contains(&name.as_ref()) {
                        open.push(path);
                    }
                    continue;
                }
                // The file that a link leads to counts.
                let Some(own) = fs::metadata(&path).ok().filter(fs::Metadata::is_file) else {
                    continue;
                };
                if DATA.iter().any(|ending| name.ends_with(ending)) {
                    continue;
                }
                let since = own.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
                let stamp = Stamp {
                    changed: since.unwrap_or_default().as_nanos(),
                    bytes: own.len(),
                };
                files.insert(path.strip_prefix(folder).unwrap_or(&path).to_owned(), stamp);
                if files.len() >= FILES {
                    return Self(files);
                }
            }
        }
        Self(files)
    }

    /// Files that are not as they were in an earlier state: new, gone or written.
    fn changed_since(&self, earlier: &Tree) -> BTreeSet<PathBuf> {
        let both = self.0.keys().chain(earlier.0.keys());
        both.filter(|path| self.0.get(*path) != earlier.0.get(*path))
            .cloned()
            .collect()
    }
}

/// Whether a folder is one that this program keeps a run in.
fn holds_a_run(folder: &Path) -> bool {
    let mut beginning = [0; 64];
    let read = fs::File::open(folder.join("run.json")).and_then(|mut file| file.read(&mut beginning));
    let is_run = read.is_ok() && String::from_utf8_lossy(&beginning).contains(document::SCHEMA);
    is_run || folder.join(super::store::JOURNAL).is_file()
}

/// What verdicts of a run depend on beside the app's behaviour: the configuration and the files beside it.
#[derive(Clone, Debug)]
pub struct State {
    folder: PathBuf,
    text: String,
    /// When it was looked at first.
    before: Tree,
    /// What earlier runs wrote.
    earlier: BTreeSet<PathBuf>,
    /// What was written until the app was used for the first time; `None`: it was not yet.
    written: Option<BTreeSet<PathBuf>>,
    /// Reports of this run and of earlier ones: no files of the app.
    reports: BTreeSet<PathBuf>,
}

/// A state as it is stored with a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Of the configuration and the files beside it.
    pub fingerprint: String,
    /// Files that were written while the app was built, started and used for the first time.
    pub written: Vec<String>,
    /// Reports among the files.
    pub reports: Vec<String>,
}

impl State {
    /// The present state, seen by somebody who knows these earlier runs.
    #[must_use]
    pub fn now<'r>(
        config_file: &Path,
        config_folder: &Path,
        earlier: impl Iterator<Item = &'r document::About> + Clone,
    ) -> Self {
        let all = |of: fn(&document::About) -> &[String]| earlier.clone().flat_map(of).map(PathBuf::from).collect();
        Self {
            folder: config_folder.to_owned(),
            text: fs::read_to_string(config_file).unwrap_or_default(),
            before: Tree::of(config_folder),
            earlier: all(|run| &run.written),
            written: None,
            reports: all(|run| &run.reports),
        }
    }

    /// A report will be written there.
    pub fn report(&mut self, path: &Path) {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        if let Ok(own) = absolute(path).strip_prefix(absolute(&self.folder)) {
            self.reports.insert(own.to_owned());
        }
    }

    /// The app was built and started, and somebody signed in for the first time: what changed since the beginning was
    /// written by these, or edited by somebody meanwhile.
    pub fn used(&mut self) {
        if self.written.is_none() {
            self.written = Some(Tree::of(&self.folder).changed_since(&self.before));
        }
    }

    /// Of the state in the beginning.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.fingerprint_of(&self.before)
    }

    /// The state for which the verdicts of a run stand that ends now.
    #[must_use]
    pub fn kept(&self) -> Kept {
        let written = self.written.clone().unwrap_or_default();
        let after = Tree::of(&self.folder);
        let mut files = self.before.clone();
        let is_output = |path: &&PathBuf| !self.before.0.contains_key(*path) || self.earlier.contains(*path);
        for path in written.iter().filter(is_output) {
            match after.0.get(path) {
                Some(stamp) => files.0.insert(path.clone(), *stamp),
                None => files.0.remove(path),
            };
        }
        let names = |paths: &BTreeSet<PathBuf>| paths.iter().map(|path| path.display().to_string()).collect();
        Kept {
            fingerprint: self.fingerprint_of(&files),
            written: names(&written),
            reports: names(&self.reports),
        }
    }

    fn fingerprint_of(&self, files: &Tree) -> String {
        let mut text = format!("{} {}", env!("CARGO_PKG_VERSION"), self.text);
        let is_source = |path: &Path| !self.reports.contains(path) && path != Path::new(baseline::FILE_NAME);
        for (path, stamp) in files.0.iter().filter(|(path, _)| is_source(path)) {
            text.push_str(&format!("\n{} {} {}", path.display(), stamp.changed, stamp.bytes));
        }
        fingerprint(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with a configuration and a source.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        write(&folder, "conformance.toml", "");
        write(&folder, "main.go", "1");
        folder
    }

    /// Each text of another length: two writes may fall into one tick of the clock of a file system.
    fn write(folder: &tempfile::TempDir, name: &str, text: &str) {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn now(folder: &tempfile::TempDir, earlier: &[document::About]) -> State {
        State::now(&folder.path().join("conformance.toml"), folder.path(), earlier.iter())
    }

    /// A run in which these things happen; what it keeps.
    fn run(
        folder: &tempfile::TempDir,
        earlier: &mut Vec<document::About>,
        build: &dyn Fn(),
        meanwhile: &dyn Fn(),
    ) -> String {
        let mut state = now(folder, earlier);
        build();
        state.used();
        meanwhile();
        let kept = state.kept();
        earlier.push(document::About {
            written: kept.written,
            reports: kept.reports,
            ..document::About::default()
        });
        kept.fingerprint
    }

    #[test]
    fn what_a_build_writes_is_no_change_and_hides_none() {
        let folder = folder();
        let mut earlier = Vec::new();
        for round in 1..=3 {
            let output = "o".repeat(round);
            let build = || write(&folder, "app.bin", &output);
            let kept = run(&folder, &mut earlier, &build, &|| ());
            assert_eq!(kept, now(&folder, &earlier).fingerprint(), "round {round}");
        }
        let kept = run(&folder, &mut earlier, &|| write(&folder, "app.bin", "oooo"), &|| ());
        // With an earlier time than the output, as a copy has that keeps times.
        write(&folder, "main.go", "22");
        let old = fs::File::options().write(true).open(folder.path().join("main.go"));
        old.unwrap()
            .set_modified(UNIX_EPOCH + std::time::Duration::from_secs(1))
            .unwrap();
        assert_ne!(kept, now(&folder, &earlier).fingerprint(), "a source changed");
    }

    #[test]
    fn an_edit_during_a_run_is_a_change_even_while_the_app_is_built() {
        let folder = folder();
        let mut earlier = Vec::new();
        let edit = |text: &'static str| {
            let folder = &folder;
            move || write(folder, "main.go", text)
        };
        let kept = run(&folder, &mut earlier, &edit("22"), &|| ());
        assert_ne!(kept, now(&folder, &earlier).fingerprint(), "while the app is built");
        let kept = run(&folder, &mut earlier, &|| (), &edit("333"));
        assert_ne!(kept, now(&folder, &earlier).fingerprint(), "while cases are judged");
        let kept = run(&folder, &mut earlier, &|| (), &|| ());
        assert_eq!(kept, now(&folder, &earlier).fingerprint());
    }

    #[test]
    fn output_that_was_there_before_the_first_run_is_known_from_the_second_on() {
        let folder = folder();
        write(&folder, "app.bin", "o");
        let mut earlier = Vec::new();
        let kept = run(&folder, &mut earlier, &|| write(&folder, "app.bin", "oo"), &|| ());
        assert_ne!(kept, now(&folder, &earlier).fingerprint(), "it may have been a source");
        let kept = run(&folder, &mut earlier, &|| write(&folder, "app.bin", "ooo"), &|| ());
        assert_eq!(kept, now(&folder, &earlier).fingerprint());
        fs::remove_file(folder.path().join("app.bin")).unwrap();
        assert_ne!(kept, now(&folder, &earlier).fingerprint(), "somebody took it away");
    }

    #[test]
    fn data_stored_runs_reports_and_the_baseline_are_no_sources() {
        let folder = folder();
        let mut earlier = Vec::new();
        let mut state = now(&folder, &earlier);
        state.report(&folder.path().join("junit.xml"));
        let kept = state.kept();
        earlier.push(document::About {
            reports: kept.reports,
            ..document::About::default()
        });
        write(&folder, "junit.xml", "<testsuites/>");
        write(&folder, "app.db", "rows");
        write(
            &folder,
            "out/run.json",
            &format!("{{\n  \"schema\": \"{}\"", document::SCHEMA),
        );
        write(&folder, "out/report.html", "<html>");
        write(&folder, "killed/journal.ndjson", "");
        write(&folder, ".conformance/runs/1/run.json", "{}");
        write(&folder, baseline::FILE_NAME, "");
        assert_eq!(kept.fingerprint, now(&folder, &earlier).fingerprint());
        write(&folder, "out2/run.json", "{}");
        assert_ne!(
            kept.fingerprint,
            now(&folder, &earlier).fingerprint(),
            "somebody else's"
        );
    }
}
