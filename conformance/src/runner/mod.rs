//! A run: start, preflight, control, twins, lanes, verdicts. It arranges; walking, judging and printing are elsewhere.
//!
//! [`stage`] is an app on an authorization server; [`control`] holds the honest sign-ins that every verdict stands on;
//! [`lane`] walks cases and settles their verdicts; [`preflight`] tells a set-up mistake from a defect.

mod control;
mod in_process;
mod lane;
mod ledger;
pub mod preflight;
mod stage;

use std::time::{Duration, Instant};

use mock_idp::flow::record::Stamp;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

pub use self::in_process::{InProcess, Vars};
use self::{control::Twins, lane::Width, ledger::Ledger, stage::Org};
use crate::{
    browser::{pool::Pool, webdriver::Brand},
    case::{Case, Lane},
    run::{Header, RunEvent, RunResult},
    target::{Config, Profile},
};

/// Walks that wait in flight for each that works.
const SLOW_FACTOR: usize = 4;

/// How to run.
#[derive(Clone)]
pub struct Options {
    /// The cases, in catalogue order.
    pub cases: Vec<&'static Case>,
    /// Which MUST* lines fail.
    pub profile: Profile,
    /// Cases in flight at once; lowered when the app does not bear it.
    pub jobs: usize,
    /// Decides every random value.
    pub seed: u64,
    /// Limit of one request.
    pub timeout: Duration,
    /// Who walks.
    pub driver: Driver,
    /// Whether a real browser shows its windows.
    pub headed: bool,
    /// Browsers that are there already, for several runs one after the other; `None` opens some for this run.
    pub browsers: Option<Pool>,
    /// How many people a crowd has at least.
    pub crowd: u16,
    /// Starts the app inside this process instead of by `[target.start]`.
    pub launcher: Option<InProcess>,
    /// Serves the issuer over TLS for an app that `launcher` starts, as `https_issuer` does under `[target.start]`.
    pub https_issuer: bool,
}

impl Options {
    /// The usual options for these cases.
    #[must_use]
    pub fn new(cases: Vec<&'static Case>) -> Self {
        Self {
            cases,
            profile: Profile::default(),
            jobs: 4,
            seed: 0,
            timeout: Duration::from_secs(10),
            driver: Driver::default(),
            headed: false,
            browsers: None,
            crowd: 0,
            launcher: None,
            https_issuer: false,
        }
    }
}

/// Who walks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Driver {
    /// An HTTP client: sees every hop and header.
    #[default]
    Http,
    /// A real browser.
    WebDriver {
        /// Which.
        brand: Brand,
        /// A running driver; `None` starts one.
        url: Option<String>,
    },
}

impl Driver {
    /// `http` or `webdriver`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Driver::Http => "http",
            Driver::WebDriver { .. } => "webdriver",
        }
    }
}

/// Where the run reports to while it goes on.
pub(crate) type Listener<'l> = dyn FnMut(RunEvent<'_>) + 'l;

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
    let mut jobs = control::bearable(&stage, options.jobs, options.seed, ledger, on).await;
    // Crowds have no browsers; where scripts make the pages, they have nothing else either.
    let mut bears_waiting = !config.target.javascript && control::bears_waiting(&stage, options.seed).await;
    // One that serves people one after the other has nothing to mix up, and would only be waited for.
    if bears_waiting && control::mixes_people_up(&stage, options.seed, ledger, on).await {
        (jobs, bears_waiting) = (1, false);
    }
    let width = Width {
        jobs,
        waiting: match (&options.driver, bears_waiting) {
            (_, false) => 0,
            (Driver::Http, true) => jobs * SLOW_FACTOR,
            // Each keeps a browser while it waits.
            (Driver::WebDriver { .. }, true) => jobs.div_ceil(2),
        },
    };
    let twins = Twins::walk(&stage, &options.cases, &known, options, jobs).await;

    let mut context = lane::Context {
        config,
        options,
        known: &known,
        twins: &twins,
        org: &org,
        ledger,
        on,
    };
    let selected = |lane: Lane| {
        options
            .cases
            .iter()
            .copied()
            .filter(move |case| case.lane == lane)
            .collect::<Vec<_>>()
    };
    lane::side_by_side(&mut context, &mut stage, selected(Lane::Parallel), width).await;
    lane::side_by_side(&mut context, &mut stage, selected(Lane::Slow), width).await;
    let alone = Width { jobs: 1, waiting: 0 };
    lane::side_by_side(&mut context, &mut stage, selected(Lane::Alone), alone).await;
    let mut server_wide = selected(Lane::Server);
    if stage.restartable() {
        server_wide.extend(selected(Lane::Restart));
        lane::afresh(&mut context, server_wide).await;
    } else {
        lane::on_the_running_app(&mut context, &mut stage, server_wide).await;
        context.skip_all(
            selected(Lane::Restart),
            "the configuration has no [target.start]: the app cannot be restarted",
        );
    }
    lane::watch(&mut context, selected(Lane::Watch));
    stage.close().await;
    for complaint in org.complaints() {
        context.ledger.notice(complaint, context.on);
    }
    Ok(())
}

impl Header {
    fn new(config: &Config, options: &Options) -> Self {
        let now = OffsetDateTime::now_utc();
        Self {
            id: format!("{:012x}-{:08x}", Stamp::now().0 / 1000, options.seed & 0xffff_ffff),
            seed: format!("{:x}", options.seed),
            profile: options.profile,
            driver: options.driver.name().to_owned(),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            started: now.format(&Rfc3339).unwrap_or_default(),
            target: config.target.url.clone(),
            issuer: String::new(),
            config: config.file.display().to_string(),
            selected: options.cases.len(),
        }
    }
}
