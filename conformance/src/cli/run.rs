//! `conformance run`: select, run, tell, keep, exit.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use indicatif::ProgressDrawTarget;
use time::OffsetDateTime;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::Notify,
};

use super::{CommandError, FailOn, RunArgs, RunLookArgs, WalkArgs, load, narration, output, terminal};
use crate::{
    baseline::{self, Baseline},
    case::Case,
    config,
    exit::{self, Policy},
    report::{
        Setting,
        console::Console,
        document::Run,
        github,
        journal::Event,
        kind::{Kind, Source},
        look::Look,
        markdown,
        past::Earlier,
        plain::Plain,
        recorder::Recorder,
        store::{self, Store},
        summary::counted,
        tree::{State, Tree},
    },
    run::RunEvent,
    runner::{self, Driver, Options},
    select::{self, Selector},
    shard::Shard,
    target::Config,
};

/// Limit of one request when nobody says otherwise.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Cases at once when nobody says otherwise.
const JOBS: usize = 4;
/// The same in browsers, of which each keeps a core busy: so many more than there are cores, and at most [`MOST_BROWSERS`].
const BROWSERS_BESIDE_CORES: usize = 1;
const MOST_BROWSERS: usize = 8;
/// How long a run that is to end may go on with what it is doing at that moment.
const GIVE_WAY: Duration = Duration::from_millis(500);
/// How long standard output may take for the end of a run that does not give way.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// How often `--watch` looks for changes.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// A report that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReportRequest {
    kind: Kind,
    /// `None`: in the run's folder.
    path: Option<PathBuf>,
}

/// A kind of report, each with `=PATH` if wanted.
pub(super) fn report_request(text: &str) -> Result<ReportRequest, String> {
    let (kind, path) = match text.split_once('=') {
        Some((kind, path)) => (kind, Some(PathBuf::from(path))),
        None => (text, None),
    };
    Ok(ReportRequest {
        kind: Kind::parse(kind)?,
        path,
    })
}

pub(super) async fn run(args: RunArgs) -> Result<u8, CommandError> {
    let done = once(&args, &args.selectors).await?;
    if !args.watch {
        return Ok(done.code);
    }
    watch(&args, done).await
}

/// Judges again what failed, whenever a file changes, until somebody ends it.
async fn watch(args: &RunArgs, first: Done) -> Result<u8, CommandError> {
    let mut signals = Signals::new();
    let (config, _) = configuration(&args.selectors, args)?;
    let mut selectors = args.selectors.clone();
    let mut last = first;
    loop {
        if last.code == exit::INTERRUPTED {
            return Ok(last.code);
        }
        // Whoever reads this line may save a file at once.
        let before = Tree::of(&config.folder);
        narrate("watching: what failed is judged again when a file changes; Ctrl-C ends");
        if !changed(&config.folder, &before, &mut signals).await {
            return Ok(last.code);
        }
        // What is well again is left alone; when nothing failed, all that was asked for is judged. It is this run that counts,
        // wherever it is kept, and the one before when it did not come to anything.
        if let Some(run) = &last.run {
            selectors.clone_from(&args.selectors);
            let failed = run.not_well();
            if !failed.is_empty() {
                selectors.retain(|text| text.ends_with(".toml"));
                selectors.extend(failed);
            }
        }
        // A configuration that is being written is wrong for a while.
        last = once(args, &selectors).await.unwrap_or_else(|error| {
            narrate(&format!("error: {error}"));
            Done::nothing(exit::USAGE)
        });
    }
}

/// Waits for a change below a folder since it was like this; false when somebody wants to end.
async fn changed(folder: &Path, before: &Tree, signals: &mut Signals) -> bool {
    loop {
        tokio::select! {
            _ = signals.next() => return false,
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
        if Tree::of(folder) != *before {
            return true;
        }
    }
}

/// The configuration and the selectors among the positional arguments.
fn configuration(arguments: &[String], args: &RunArgs) -> Result<(Config, Vec<Selector>), CommandError> {
    let (files, selectors): (Vec<&String>, Vec<&String>) = arguments.iter().partition(|text| text.ends_with(".toml"));
    if let [first, second, ..] = files.as_slice() {
        return Err(CommandError::Usage(format!(
            "one configuration at a time: {first} or {second}"
        )));
    }
    let config = load(files.first().map(|file| Path::new(file.as_str())), &args.config)?;
    let selectors = selectors
        .into_iter()
        .map(|text| Selector::parse(text))
        .collect::<Result<Vec<_>, _>>()?;
    Ok((config, selectors))
}

async fn once(args: &RunArgs, arguments: &[String]) -> Result<Done, CommandError> {
    let (mut config, selectors) = configuration(arguments, args)?;
    drop_expired_skips(&mut config);
    let earlier = Earlier::of(&config.folder, args.out.as_deref());
    let mut state = earlier.state(&config.file, &config.folder);
    let selection = select::select(&selectors, &earlier.past(&state))?;
    args.report
        .iter()
        .filter_map(|request| request.path.as_deref())
        .for_each(|path| state.report(path));
    let cases = match args.shard {
        Some(shard) => shard.of(&selection.cases),
        None => selection.cases,
    };
    if cases.is_empty() {
        narrate(
            "nothing is selected: the selectors exclude one another, nothing failed in the last run, or nothing changed",
        );
        return Ok(Done::nothing(exit::NOTHING_SELECTED));
    }
    if selection.slow_left_out > 0 && !args.look.quiet {
        narrate(&format!(
            "{} left out; the selector lane:slow runs what is slow",
            match selection.slow_left_out {
                1 => "1 slow case is".to_owned(),
                many => format!("{many} slow cases are"),
            }
        ));
    }
    let options = options(&config, &args.walk, cases)?;
    let plan = Plan {
        policy: Policy {
            fail_on_warn: args.fail_on == Some(FailOn::Warn),
            allow_inconclusive: args.allow_inconclusive,
            exit_zero: args.exit_zero,
        },
        look: args.look,
        keep: args.out.as_deref().map_or(Keep::Beside, Keep::At),
        baseline: Some(baseline_of(args.baseline.as_deref(), &config)?),
        shard: args.shard,
        most_failures: args.max_failures.or(args.bail.then_some(1)),
        reports: &args.report,
        flags: args.walk.beyond(&config),
        state: Some(state),
    };
    drive(&config, &options, plan).await
}

/// The baseline that is named, or the one beside the configuration; an absent one is empty.
pub(super) fn baseline_of(named: Option<&Path>, config: &Config) -> Result<Baseline, CommandError> {
    let file = named.map_or_else(|| shown(&config.folder.join(baseline::FILE_NAME)), Path::to_owned);
    if named.is_some_and(|file| !file.exists()) {
        return Err(CommandError::Usage(format!(
            "{} does not exist; `conformance baseline accept --baseline {}` writes it from the last run",
            file.display(),
            file.display()
        )));
    }
    Baseline::load(&file).map_err(|error| CommandError::Usage(error.to_string()))
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

/// How a run is told and kept.
pub(super) struct Plan<'p> {
    pub(super) policy: Policy,
    pub(super) look: RunLookArgs,
    pub(super) keep: Keep<'p>,
    pub(super) baseline: Option<Baseline>,
    pub(super) shard: Option<Shard>,
    /// End after so many new failures.
    pub(super) most_failures: Option<usize>,
    pub(super) reports: &'p [ReportRequest],
    /// Flags that a replay is given again.
    pub(super) flags: String,
    /// The configuration and the app's files.
    pub(super) state: Option<State>,
}

impl Plan<'_> {
    /// Told, not kept, nothing else.
    pub(super) fn told(look: RunLookArgs) -> Self {
        Self {
            policy: Policy::default(),
            look,
            keep: Keep::Not,
            baseline: None,
            shard: None,
            most_failures: None,
            reports: &[],
            flags: String::new(),
            state: None,
        }
    }
}

/// What a run came to.
pub(super) struct Done {
    /// The run as far as it went; `None` when it was ended before it began.
    pub(super) run: Option<Run>,
    /// The exit code.
    pub(super) code: u8,
}

impl Done {
    /// Nothing was run.
    fn nothing(code: u8) -> Self {
        Self { run: None, code }
    }
}

/// Why a run ended.
enum End {
    Over,
    Signal(&'static str),
    Enough,
}

/// Runs, tells what happens, and keeps the result, however the run ends.
pub(super) async fn drive(config: &Config, options: &Options, plan: Plan<'_>) -> Result<Done, CommandError> {
    for leftover in crate::process::App::leftovers(&config.folder) {
        let fix = leftover.fix();
        narrate(&format!(
            "an earlier run was killed and left `{}` running; `{fix}` ends it",
            leftover.command
        ));
    }
    plan.keep.try_it(&config.folder)?;
    let look = terminal::look(plan.look.look);
    let setting = Setting {
        policy: plan.policy,
        locations: config.locations.clone(),
        config: config.file.display().to_string(),
        base: terminal::base(&config.folder),
        flags: plan.flags.clone(),
        config_fingerprint: plan.state.as_ref().map(State::fingerprint),
        shard: plan.shard.map(|shard| shard.to_string()),
        folder: PathBuf::new(),
        verbose: plan.look.verbose,
    };
    let (output, writer) = output::Output::open();
    let teller = Teller::new(look, &setting, &options.cases, plan.look, writer);
    let seat = SharedSeat::new(Seat {
        recorder: Recorder::new(setting, plan.baseline),
        store: None,
        teller,
        state: plan.state,
    });
    let overseer = Overseer::start(&seat, options.cases.len(), plan.reports);
    let enough = Notify::new();
    let mut listen = |event: RunEvent<'_>| {
        let mut seat = seat.lock();
        let Some(seat) = &mut *seat else { return };
        narration::lines(&event, plan.look.verbose, &look)
            .iter()
            .for_each(|line| narrate(line));
        seat.take(&event, &plan.keep, &config.folder);
        if plan
            .most_failures
            .is_some_and(|most| seat.failures(&plan.policy) >= most)
        {
            enough.notify_one();
        }
    };
    // One that comes while results are written is heard afterwards.
    let mut signals = Signals::new();
    // The future is dropped here in either case, and with it the app when it still runs.
    let end = tokio::select! {
        biased;
        name = signals.next() => End::Signal(name),
        () = enough.notified() => End::Enough,
        end = tick(&seat) => end,
        _ = runner::run(config, options, &mut listen) => End::Over,
    };
    let Some(seat) = seat.take() else {
        // The overseer was quicker: it is writing down the results, and ends this process.
        return std::future::pending().await;
    };
    drop(overseer);
    let done = seat.close(&end, options.cases.len(), plan.reports);
    // Results are safe by now; who reads slowly is waited for until somebody has enough of it.
    let drained = tokio::select! {
        drained = output.drained() => drained,
        _ = signals.next() => Ok(()),
    };
    if let Err(error) = drained {
        narrate(&format!("standard output could not be written to: {error}"));
    }
    done
}

/// The listeners of a run, until one of two takes them to write down how it ended: the run's own task, or the overseer.
#[derive(Clone)]
struct SharedSeat(Arc<Mutex<Option<Seat>>>);

impl SharedSeat {
    fn new(seat: Seat) -> Self {
        Self(Arc::new(Mutex::new(Some(seat))))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Seat>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Seat> {
        self.lock().take()
    }
}

/// A thread that ends a run whose own task does not give way when it is told to end, because it is judging large pages. The
/// results are kept as they are; apps and browsers end with this process, by their watchdogs. Dropping it ends the thread.
struct Overseer(Arc<Notify>);

impl Overseer {
    fn start(seat: &SharedSeat, all: usize, reports: &[ReportRequest]) -> Self {
        let over = Arc::new(Notify::new());
        let (seat, reports, is_over) = (seat.clone(), reports.to_vec(), Arc::clone(&over));
        let oversee = move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
                return;
            };
            let end = runtime.block_on(async {
                tokio::select! {
                    biased;
                    () = is_over.notified() => None,
                    name = interruption() => {
                        tokio::time::sleep(GIVE_WAY).await;
                        Some(End::Signal(name))
                    }
                }
            });
            if let (Some(end), Some(seat)) = (end, seat.take()) {
                let done = seat.close(&end, all, &reports);
                // What was said last is written by a thread of its own.
                std::thread::sleep(LAST_WORDS);
                std::process::exit(done.map_or(exit::INTERRUPTED, |done| done.code).into());
            }
        };
        // Where there is no thread for it, the run ends as soon as its task gives way.
        let _later = std::thread::Builder::new().name("overseer".to_owned()).spawn(oversee);
        Self(over)
    }
}

impl Drop for Overseer {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// Lets the teller say what runs, every second. It never ends.
async fn tick(seat: &SharedSeat) -> End {
    let mut every = tokio::time::interval(Duration::from_secs(1));
    loop {
        every.tick().await;
        if let Some(seat) = seat.lock().as_mut() {
            seat.teller.tick();
        }
    }
}

/// Who listens to a run: the recorder, the store, the teller, and who looks after the app's files.
struct Seat {
    recorder: Recorder,
    store: Option<Store>,
    teller: Teller,
    state: Option<State>,
}

impl Seat {
    fn take(&mut self, event: &RunEvent<'_>, keep: &Keep<'_>, folder: &Path) {
        if let RunEvent::Started(header) = event {
            self.store = keep.store(folder, &header.id);
            if let Some(store) = &mut self.store {
                store.open();
                self.teller.kept_in(&shown(store.folder()));
            }
        }
        if let (RunEvent::Control(_), Some(state)) = (event, &mut self.state) {
            state.used();
        }
        let told = self.recorder.take(event);
        if let Some(store) = &mut self.store {
            if let RunEvent::CaseFinished(result) = event {
                store.evidence(result);
            }
            if let RunEvent::Watching(controls) = event {
                store.controls(controls);
            }
            if let RunEvent::Control(control) = event
                && let Some(failure) = &control.failure
            {
                store.first_failure(failure);
            }
            store.event(&told);
        }
        self.teller.on(&told);
        self.tell_problems();
    }

    /// What could not be kept is said at once, and once.
    fn tell_problems(&mut self) {
        for problem in self.store.as_mut().map(Store::problems).unwrap_or_default() {
            narrate(&problem);
        }
    }

    /// New findings that make a run red.
    fn failures(&self, policy: &Policy) -> usize {
        self.recorder.run().map_or(0, |run| run.failures(policy))
    }

    /// Keeps and tells the end. Results come first: what is told may find nobody who reads.
    fn close(mut self, end: &End, all: usize, reports: &[ReportRequest]) -> Result<Done, CommandError> {
        let run = match end {
            End::Over => self.recorder.run(),
            End::Signal(_) => self.recorder.interrupt(true),
            End::Enough => self.recorder.interrupt(false),
        };
        let mut run = run.cloned();
        if let (Some(run), Some(state)) = (&mut run, &self.state) {
            run.run.keep(state.kept());
        }
        let code = match (&run, end) {
            (Some(run), _) => run.exit_code,
            (None, End::Signal(_)) => exit::INTERRUPTED,
            (None, _) => exit::NOT_JUDGED,
        };
        let mut unwritten = false;
        let mut page = None;
        if let Some(run) = &run {
            if let Some(store) = &mut self.store {
                if !matches!(end, End::Over) {
                    store.event(&Event::finished(run));
                }
                unwritten = !store.finish(run);
            }
            let source = Source {
                run,
                folder: self.store.as_ref().map(|store| store.folder.clone()),
            };
            let is_red = ![exit::CLEAN, exit::NOTHING_SELECTED].contains(&run.exit_code);
            let wants_page = is_red && !reports.iter().any(|request| request.kind == Kind::Html);
            let usual = wants_page && self.store.is_some();
            let usual = usual.then_some(ReportRequest {
                kind: Kind::Html,
                path: None,
            });
            for request in reports.iter().chain(&usual) {
                match write_report(request, &source) {
                    Ok(path) if request.kind == Kind::Html => page = Some(path),
                    Ok(_) => {}
                    Err(error) => {
                        narrate(&format!("error: {error}"));
                        unwritten = true;
                    }
                }
            }
            if self.store.is_some() {
                write_summary(&source);
            }
            self.teller.end(run);
        }
        let finished = run.as_ref().map_or(0, |run| run.cases.len());
        match end {
            End::Signal(name) => narrate(&format!("{name}: ended after {finished} of {all} cases   exit {code}")),
            End::Enough => {
                let failures = run.as_ref().map_or(0, |run| run.failures(&run.run.policy));
                narrate(&format!(
                    "ended after {}, as --max-failures or --bail says: {finished} of {all} cases were judged",
                    counted(failures, "failure")
                ));
            }
            End::Over => {}
        }
        self.tell_problems();
        if let Some(page) = page {
            self.teller.say(&format!("report   {}\n", shown(&page).display()));
        }
        // Verdicts come first; a green run that could not be kept, or without a report that was asked for, is not what was
        // asked for.
        let code = if unwritten && code == exit::CLEAN {
            exit::USAGE
        } else {
            code
        };
        Ok(Done { run, code })
    }
}

/// Where a run's files go.
#[derive(Clone, Copy, Debug)]
pub(super) enum Keep<'a> {
    /// `.conformance/runs/<id>` beside the configuration.
    Beside,
    /// This folder.
    At(&'a Path),
    /// Nowhere.
    Not,
}

impl Keep<'_> {
    /// Tries the place before anything is started.
    fn try_it(self, folder: &Path) -> Result<(), CommandError> {
        let place = match self {
            Keep::Beside => folder.join(".conformance/runs"),
            Keep::At(folder) => folder.to_owned(),
            Keep::Not => return Ok(()),
        };
        let earlier = Store::try_place(&place).map_err(|error| CommandError::Usage(error.to_string()))?;
        if let (Keep::At(folder), Some(id)) = (self, earlier) {
            narrate(&format!(
                "{} holds the run {id}: this run replaces it",
                folder.display()
            ));
        }
        Ok(())
    }

    fn store(self, folder: &Path, id: &str) -> Option<Store> {
        match self {
            Keep::Beside => Some(Store::beside(folder, id)),
            Keep::At(folder) => Some(Store::at(folder)),
            Keep::Not => None,
        }
    }
}

/// Who tells: bars for a person, lines for a log.
enum Teller {
    Console(Box<Console<fn(&str)>>),
    Plain(Box<Plain<output::Writer>>, output::Writer),
}

impl Teller {
    fn new(look: Look, setting: &Setting, cases: &[&'static Case], args: RunLookArgs, out: output::Writer) -> Self {
        let quiet = args.quiet;
        // Narration and bars would tear each other apart.
        if terminal::is_watched() && args.verbose == 0 {
            let target = if quiet {
                ProgressDrawTarget::hidden()
            } else {
                ProgressDrawTarget::stderr()
            };
            let say: fn(&str) = say;
            Teller::Console(Box::new(Console::new(say, target, look, setting.clone(), cases, quiet)))
        } else {
            let github = terminal::is_github().then_some(github::Place);
            let plain = Plain::new(out.clone(), look, setting.clone(), github, quiet);
            Teller::Plain(Box::new(plain), out)
        }
    }

    /// Where the run is kept is known once it has begun.
    fn kept_in(&mut self, folder: &Path) {
        match self {
            Teller::Console(console) => console.kept_in(folder),
            Teller::Plain(plain, _) => plain.kept_in(folder),
        }
    }

    fn on(&mut self, event: &Event) {
        match self {
            Teller::Console(console) => console.on(event),
            Teller::Plain(plain, _) => {
                // Whether standard output can be written to is asked at the end.
                let _later = plain.on(event);
            }
        }
    }

    /// A second has passed.
    fn tick(&mut self) {
        match self {
            Teller::Console(console) => console.tick(),
            Teller::Plain(plain, _) => {
                let _later = plain.tick();
            }
        }
    }

    fn end(&mut self, run: &Run) {
        match self {
            Teller::Console(console) => console.end(run),
            Teller::Plain(plain, _) => {
                let _later = plain.end(run);
            }
        }
    }

    fn say(&mut self, text: &str) {
        match self {
            Teller::Console(_) => say(text),
            Teller::Plain(_, out) => {
                let _later = out.write_all(text.as_bytes());
            }
        }
    }
}

fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _gone = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Returns when somebody wants this process to end, with the name of the signal.
pub(super) async fn interruption() -> &'static str {
    Signals::new().next().await
}

/// The signals by which somebody wants this process to end. From the first of these on they end nothing by themselves, so
/// whoever waits for something listens.
struct Signals(Option<[(Signal, &'static str); 3]>);

impl Signals {
    fn new() -> Self {
        let listen = |kind, name| Some((signal(kind).ok()?, name));
        let all = || {
            Some([
                listen(SignalKind::interrupt(), "interrupted")?,
                listen(SignalKind::terminate(), "terminated")?,
                listen(SignalKind::hangup(), "hung up")?,
            ])
        };
        Self(all())
    }

    /// The next of them; one that came since the last call counts.
    async fn next(&mut self) -> &'static str {
        let Some([interrupt, terminate, hang_up]) = &mut self.0 else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.0.recv() => interrupt.1,
            _ = terminate.0.recv() => terminate.1,
            _ = hang_up.0.recv() => hang_up.1,
        }
    }
}

/// Writes a report and says where.
pub(super) fn write_report(request: &ReportRequest, source: &Source<'_>) -> Result<PathBuf, CommandError> {
    let name = request.kind.file();
    let usual = || {
        source
            .folder
            .as_ref()
            .map_or_else(|| PathBuf::from(name), |folder| folder.join(name))
    };
    let path = request.path.clone().unwrap_or_else(usual);
    let text = request
        .kind
        .render(source)
        .map_err(|error| CommandError::Usage(format!("the report {name} cannot be made: {error}")))?;
    store::write_whole(&path, &text).map_err(|source| unwritable(&path, source))?;
    Ok(path)
}

/// Adds to the summary of a GitHub step.
fn write_summary(source: &Source<'_>) {
    let Some(file) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|_| terminal::is_github()) else {
        return;
    };
    let opened = std::fs::OpenOptions::new().append(true).create(true).open(&file);
    let written = opened.and_then(|mut file| file.write_all(markdown::document(source).as_bytes()));
    if let Err(error) = written {
        narrate(&format!("the step's summary cannot be written: {error}"));
    }
}

pub(super) fn unwritable(path: &Path, source: io::Error) -> CommandError {
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
