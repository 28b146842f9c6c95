//! A run: start, preflight, control, twins, lanes, verdicts. It arranges; walking, judging and printing are elsewhere.
//!
//! [`stage`] is an app on an authorization server; [`control`] and [`twins`] hold the honest sign-ins that every verdict
//! stands on; [`lanes`] says what is walked beside what; [`beside`], [`alone`], [`copy`], [`fresh`], [`running`] and [`watch`] walk
//! cases; [`plan`], [`batch`] and [`own`] say and do what happens on fresh apps, [`forecast`] says how long all of it takes;
//! [`context`] is what they share, and where verdicts go; [`preflight`] tells a set-up mistake from a defect.

mod alone;
mod batch;
mod beside;
mod context;
mod control;
mod cool_down;
mod copy;
mod first_failure;
mod forecast;
mod fresh;
mod ground;
mod in_process;
mod joined;
mod keys;
mod lanes;
mod ledger;
mod options;
mod own;
mod plan;
pub mod preflight;
mod prepare;
mod running;
mod running_app;
mod seed;
mod stage;
mod task;
mod twins;
mod watch;

use std::time::{Duration, Instant};

use mock_idp::flow::record::Stamp;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

pub(crate) use self::options::Listener;
use self::{
    context::Context,
    forecast::{Ahead, Measured},
    lanes::Lanes,
    ledger::Ledger,
    running_app::RunningApp,
    stage::{Org, Stage},
    task::Width,
    twins::Twins,
};
pub use self::{
    in_process::{InProcess, Vars},
    options::{Driver, Options},
};
use crate::{
    case::Case,
    run::{Header, RunEvent, RunResult},
    script::Act,
    target::Config,
};

/// Walks that wait in flight for each that works.
const SLOW_FACTOR: usize = 4;

/// Runs the selected cases against the target.
pub async fn run(config: &Config, options: &Options, on: &mut Listener<'_>) -> RunResult {
    let began = Instant::now();
    let mut building = Duration::ZERO;
    let mut ledger = Ledger::new(config, options);
    let mut listen = |event: RunEvent<'_>| {
        if let RunEvent::Built(time) = event {
            building = time;
        }
        on(event);
    };
    let outcome = Box::pin(run_all(config, options, &mut ledger, &mut listen)).await;
    let mut result = ledger.close();
    result.aborted = outcome.err();
    let took = began.elapsed().saturating_sub(building);
    result.duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    on(RunEvent::Finished(&result));
    result
}

/// Everything up to the verdicts. `Err` says why nothing could be judged.
async fn run_all(config: &Config, options: &Options, ledger: &mut Ledger, on: &mut Listener<'_>) -> Result<(), String> {
    let (browsers, found) = preflight::browsers(config, options).await;
    let org = Org::open(config, options, browsers).await?;
    ledger.set_issuer(&org.issuer());
    ledger.count(&org.starts);
    on(RunEvent::Started(ledger.header()));
    if let Some(check) = found {
        let fine = check.ok;
        ledger.preflight(check, on);
        if !fine {
            return Err("the preflight failed: there is no browser to drive".to_owned());
        }
    }
    if let (Some(start), None) = (&config.target.start, &options.launcher)
        && let Some(command) = &start.build
    {
        let began = Instant::now();
        on(RunEvent::Building(command));
        crate::process::build(start, &config.folder)
            .await
            .map_err(|error| error.to_string())?;
        on(RunEvent::Built(began.elapsed()));
    }
    let mut stage = org.stage(config, options).await?;
    if !preflight::check(&stage, config, options.seed, ledger, on).await {
        return Err("the preflight failed: nothing was judged".to_owned());
    }
    let known = control::learn(&mut stage, config, options.seed, ledger, on).await?;
    if options.setup_only {
        stage.close().await;
        org.settle().await;
        return Ok(());
    }
    let width = bearable(&mut stage, config, options, ledger, on).await;
    let walking = Instant::now();
    let twins = Twins::walk(&mut stage, &options.cases, &known, options, width.jobs).await;
    let walking = walking.elapsed();

    let context = Context::new((config, options), (&known, &twins), &org, ledger, on);
    let mut app = RunningApp::new(stage, known.before());
    twins.limit.iter().for_each(|cause| app.meets(&context, cause));
    let lanes = Lanes::of(&options.cases);
    let ahead = Ahead {
        beside: context.foreseen(&lanes.beside),
        alone: context.foreseen(&lanes.alone),
        fresh: context.foreseen(&lanes.fresh()),
    };
    let measured = Measured {
        beside: walking / twins.walks(),
        alone: context.enter(|ledger, _| ledger.control_time()),
        start: app.stage.restartable().then(|| org.starts.each()),
        in_turn: stage::starts_in_turn(config, options),
        patience: app.stage.world.patience,
        at_once: lanes::bears_company(&app.stage, options),
        pace: app.stage.world.pace.per_minute(),
    };
    let forecast = ahead.forecast(measured, width, fresh::width(&context));
    if forecast.is_long() {
        context.say(RunEvent::Notice(forecast.sentence()));
    }
    let watching = lanes.watch.clone();
    let app = lanes.walk(&context, app, width).await;
    watch::watch(&context, watching);
    app.stage.close().await;
    org.settle().await;
    for complaint in org.complaints() {
        context.notice(complaint);
    }
    Ok(())
}

/// What the selected cases ask of the app at the same time.
struct Demand {
    /// So many walks could be made side by side, and of them so many that wait.
    walks: usize,
    waiting: usize,
    /// So many people's token requests are held together.
    crowd: usize,
}

impl Demand {
    fn of(cases: &[&'static Case]) -> Self {
        let variants = || cases.iter().flat_map(|case| case.variants);
        let crowds = variants()
            .flat_map(|variant| variant.script)
            .filter_map(|step| match step.act {
                Act::Crowd(crowd) if crowd.hold.is_for_all() => Some(usize::from(crowd.size)),
                _ => None,
            });
        Self {
            walks: variants().count(),
            waiting: variants().filter(|variant| variant.waits()).count(),
            crowd: crowds.max().unwrap_or(0),
        }
    }
}

/// How many walks at once the app bears.
async fn bearable(
    stage: &mut Stage,
    config: &Config,
    options: &Options,
    ledger: &mut Ledger,
    on: &mut Listener<'_>,
) -> Width {
    // What is walked at a pace is walked one after the other.
    if options.pace.is_some() {
        return Width { jobs: 1, waiting: 0 };
    }
    // The app is tried with no more than the selected cases need: before a single case, trying would be most of the run.
    let demand = Demand::of(&options.cases);
    let wanted = options.jobs.min(demand.walks);
    if wanted <= 1 && demand.waiting == 0 && demand.crowd == 0 {
        return Width { jobs: 1, waiting: 0 };
    }
    let mut jobs = control::bearable(stage, wanted, options.seed, ledger, on).await;
    let limit = match &options.driver {
        Driver::Http => jobs * SLOW_FACTOR,
        // Each keeps a browser while it waits.
        Driver::WebDriver { .. } => jobs.div_ceil(2),
    };
    let limit = limit.min(demand.waiting.max(1));
    // Crowds have no browsers; where scripts make the pages, they have nothing else either.
    let mut waiting = 0;
    if !config.target.javascript {
        let patient = control::bears_waiting(stage, limit, demand.crowd, options.seed).await;
        waiting = patient.waiting;
        stage.world.at_once = patient.at_once;
    }
    // One that serves people one after the other has nothing to mix up, and would only be waited for.
    if waiting > 0 && control::mixes_people_up(stage, options.seed, ledger, on).await {
        (jobs, waiting) = (1, 0);
    }
    Width { jobs, waiting }
}

impl Header {
    fn new(config: &Config, options: &Options) -> Self {
        let now = OffsetDateTime::now_utc();
        Self {
            id: format!("{:012x}-{:08x}", Stamp::now().0 / 1000, options.seed & 0xffff_ffff),
            seed: format!("{:x}", options.seed),
            profile: options.profile,
            driver: options.driver.name().to_owned(),
            browser: options.driver.browser().map(str::to_owned),
            driver_url: options.driver.url().map(str::to_owned),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            started: now.format(&Rfc3339).unwrap_or_default(),
            target: config.target.url.clone(),
            issuer: String::new(),
            config: config.file.display().to_string(),
            selected: options.cases.len(),
        }
    }
}
