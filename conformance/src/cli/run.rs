//! `conformance run`: select, run, tell, keep, exit.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use indicatif::ProgressDrawTarget;
use time::OffsetDateTime;
use tokio::signal::unix::{SignalKind, signal};

use super::{CommandError, FailOn, LookArgs, RunArgs, WalkArgs, load, terminal};
use crate::{
    case::Case,
    config,
    exit::{self, Policy, exit_code},
    report::{Setting, console::Console, json, junit, look::Look, plain::Plain, store, store::Store},
    run::{RunEvent, RunResult},
    runner::{self, Driver, Options},
    select::{self, Selector},
    target::Config,
};

/// Limit of one request when nobody says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Cases at once when nobody says otherwise.
const JOBS: usize = 4;
/// The same in browsers, of which each keeps a core busy: so many more than there are cores, and at most [`MOST_BROWSERS`].
const BROWSERS_BESIDE_CORES: usize = 1;
const MOST_BROWSERS: usize = 8;

/// A report that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReportRequest {
    kind: Kind,
    /// `None`: in the run's folder.
    path: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Junit,
    Json,
}

/// `junit`, `json`, each with `=PATH`.
pub(super) fn report_request(text: &str) -> Result<ReportRequest, String> {
    let (kind, path) = match text.split_once('=') {
        Some((kind, path)) => (kind, Some(PathBuf::from(path))),
        None => (text, None),
    };
    let kind = match kind {
        "junit" => Kind::Junit,
        "json" => Kind::Json,
        other => return Err(format!("there is no report `{other}`; known are junit and json")),
    };
    Ok(ReportRequest { kind, path })
}

pub(super) async fn run(args: RunArgs) -> Result<u8, CommandError> {
    let (files, selectors): (Vec<&String>, Vec<&String>) =
        args.selectors.iter().partition(|text| text.ends_with(".toml"));
    if let [first, second, ..] = files.as_slice() {
        return Err(CommandError::Usage(format!(
            "one configuration at a time: {first} or {second}"
        )));
    }
    let mut config = load(files.first().map(|file| Path::new(file.as_str())), &args.config)?;
    drop_expired_skips(&mut config);
    let selectors = selectors
        .into_iter()
        .map(|text| Selector::parse(text))
        .collect::<Result<Vec<_>, _>>()?;
    let failed = store::last_failed(&config.folder);
    let selection = select::select(&selectors, failed.as_deref())?;
    if selection.cases.is_empty() {
        narrate("nothing is selected: the selectors exclude one another, or nothing failed in the last run");
        return Ok(exit::NOTHING_SELECTED);
    }
    if selection.slow_left_out > 0 && !args.look.quiet {
        narrate(&format!(
            "{} slow cases are left out; the selector lane:slow runs them",
            selection.slow_left_out
        ));
    }
    let policy = Policy {
        fail_on_warn: args.fail_on == Some(FailOn::Warn),
        allow_inconclusive: args.allow_inconclusive,
        exit_zero: args.exit_zero,
    };
    let options = options(&config, &args.walk, selection.cases)?;
    let keep = args.out.as_deref().map_or(Keep::Beside, Keep::At);
    let done = drive(&config, &options, policy, args.look, keep).await?;
    let Some((result, setting, store)) = done else {
        return Ok(exit::INTERRUPTED);
    };
    for request in &args.report {
        write_report(request, &result, &setting, store.as_ref())?;
    }
    Ok(exit_code(&result, &policy))
}

fn usual_jobs(driver: &Driver) -> usize {
    match driver {
        Driver::Http => JOBS,
        Driver::WebDriver { .. } => {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            (cores + BROWSERS_BESIDE_CORES).min(MOST_BROWSERS)
        }
    }
}

/// Options from flags, then the configuration, then defaults.
pub(super) fn options(config: &Config, args: &WalkArgs, cases: Vec<&'static Case>) -> Result<Options, CommandError> {
    let configured = config.run.timeout.map(Duration::from_secs_f64);
    let driver = args.driver()?;
    let jobs = args.jobs.map(usize::from).or(config.run.jobs);
    Ok(Options {
        profile: args.profile.or(config.run.profile).unwrap_or_default(),
        jobs: jobs.unwrap_or_else(|| usual_jobs(&driver)),
        seed: args.seed.unwrap_or_else(rand::random),
        timeout: args.timeout.or(configured).unwrap_or(TIMEOUT),
        driver,
        headed: args.headed,
        pace: args.pace.or(config.run.pace),
        ..Options::new(cases)
    })
}

/// Runs, tells what happens, and keeps the result. `None` when it was interrupted: the app is ended by then.
pub(super) async fn drive(
    config: &Config,
    options: &Options,
    policy: Policy,
    args: LookArgs,
    keep: Keep<'_>,
) -> Result<Option<(RunResult, Setting, Option<Store>)>, CommandError> {
    for leftover in crate::process::App::leftovers(&config.folder) {
        let mend = leftover.mend();
        narrate(&format!(
            "an earlier run was killed and left `{}` running; `{mend}` ends it",
            leftover.command
        ));
    }
    let look = terminal::look(args);
    let mut setting = Setting {
        policy,
        locations: config.locations.clone(),
        config: config.file.display().to_string(),
        folder: PathBuf::new(),
    };
    let mut teller: Option<Teller> = None;
    let mut told: io::Result<()> = Ok(());
    let mut finished = 0;
    let mut store = None;
    let mut listen = |event: RunEvent<'_>| {
        if let RunEvent::Started(header) = &event {
            store = keep.store(&config.folder, &header.id);
            setting.folder = store.as_ref().map(|store| shown(&store.folder)).unwrap_or_default();
        }
        finished += usize::from(matches!(event, RunEvent::CaseFinished(_)));
        let teller = teller.get_or_insert_with(|| Teller::new(look, &setting, &options.cases, args));
        if told.is_ok() {
            told = teller.on(&event);
        }
    };
    // The future is dropped here in either case, and with it the app when it still runs.
    let ended = tokio::select! {
        result = runner::run(config, options, &mut listen) => Ok(result),
        name = interruption() => Err(name),
    };
    let result = match ended {
        Ok(result) => result,
        Err(name) => {
            drop(teller);
            let all = options.cases.len();
            narrate(&format!(
                "{name}: ended after {finished} of {all} cases   exit {}",
                exit::INTERRUPTED
            ));
            return Ok(None);
        }
    };
    told?;
    if let Some(store) = &store {
        store
            .write(&result, &setting)
            .map_err(|source| unwritable(&store.folder, source))?;
    }
    Ok(Some((result, setting, store)))
}

/// Where a run's files go.
#[derive(Clone, Copy, Debug)]
pub(super) enum Keep<'a> {
    /// `.conformance/runs/<id>` beside the configuration.
    Beside,
    /// This folder.
    At(&'a Path),
}

impl Keep<'_> {
    fn store(self, folder: &Path, id: &str) -> Option<Store> {
        match self {
            Keep::Beside => Some(Store::beside(folder, id)),
            Keep::At(folder) => Some(Store::at(folder)),
        }
    }
}

/// Who tells: bars for a person, lines for a log.
enum Teller {
    Console(Box<Console<fn(&str)>>),
    Plain(Box<Plain<io::Stdout>>),
}

impl Teller {
    fn new(look: Look, setting: &Setting, cases: &[&'static Case], args: LookArgs) -> Self {
        let quiet = args.quiet;
        // Narration and bars would tear each other apart.
        if terminal::is_watched() && args.verbose == 0 {
            let say: fn(&str) = |text| {
                let mut out = io::stdout().lock();
                let _gone = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            };
            let target = if quiet {
                ProgressDrawTarget::hidden()
            } else {
                ProgressDrawTarget::stderr()
            };
            Teller::Console(Box::new(Console::new(say, target, look, setting.clone(), cases, quiet)))
        } else {
            Teller::Plain(Box::new(Plain::new(
                io::stdout(),
                look,
                setting.clone(),
                terminal::is_github(),
                quiet,
            )))
        }
    }

    fn on(&mut self, event: &RunEvent<'_>) -> io::Result<()> {
        match self {
            Teller::Console(console) => {
                console.on(event);
                Ok(())
            }
            Teller::Plain(plain) => plain.on(event),
        }
    }
}

/// Returns when somebody wants this process to end, with the name of the signal. A second one ends it at once, as usual:
/// the handler is gone by then, and the watchdogs of `process` see to the apps.
pub(super) async fn interruption() -> &'static str {
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hang_up)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
        signal(SignalKind::hangup()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => "interrupted",
        _ = terminate.recv() => "terminated",
        _ = hang_up.recv() => "hung up",
    }
}

fn write_report(
    request: &ReportRequest,
    result: &RunResult,
    setting: &Setting,
    store: Option<&Store>,
) -> Result<(), CommandError> {
    let (text, name) = match request.kind {
        Kind::Json => (format!("{:#}\n", json::document(result, setting)), "run.json"),
        Kind::Junit => (
            junit::document(result, setting)
                .map_err(|error| CommandError::Usage(format!("the JUnit report cannot be written: {error}")))?,
            "junit.xml",
        ),
    };
    let usual = || {
        store
            .map(|store| store.folder.join(name))
            .unwrap_or_else(|| PathBuf::from(name))
    };
    let path = request.path.clone().unwrap_or_else(usual);
    let written = match path.parent() {
        Some(folder) => std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, text)),
        None => std::fs::write(&path, text),
    };
    written.map_err(|source| unwritable(&path, source))
}

fn unwritable(path: &Path, source: io::Error) -> CommandError {
    CommandError::Write {
        what: format!("{} cannot be written", path.display()),
        source,
    }
}

/// Takes away the skips whose time is over, and says so: what was left out for a while comes back by itself.
fn drop_expired_skips(config: &mut Config) {
    let today = OffsetDateTime::now_utc().date();
    config.run.skip.retain(|skip| {
        let is_over = skip
            .until
            .as_deref()
            .and_then(config::date)
            .is_some_and(|until| until < today);
        if is_over {
            narrate(&format!(
                "{} is no longer left out: its `until` is over ({})",
                skip.case, skip.reason
            ));
        }
        !is_over
    });
}

/// Relative to the current folder where that is shorter.
pub(super) fn shown(folder: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    folder
        .strip_prefix(&here)
        .map_or_else(|_| folder.to_owned(), Path::to_owned)
}

/// One line of narration.
pub(super) fn narrate(text: &str) {
    let _gone = writeln!(io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::browser::webdriver::Brand;

    #[test]
    fn browsers_are_bounded_by_the_cores_and_single_requests_are_not() {
        let browsers = Driver::WebDriver {
            brand: Brand::Chrome,
            url: None,
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let jobs = usual_jobs(&browsers);
        assert!((2..=MOST_BROWSERS).contains(&jobs), "{jobs}");
        assert!(jobs > cores || jobs == MOST_BROWSERS, "{jobs} on {cores} cores");
        assert_eq!(usual_jobs(&Driver::Http), 4);
    }
}
