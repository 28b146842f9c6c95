//! The harness as a library: a suite for one app, run as a whole or as tests of cargo.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use conformance::{Suite, target::Config};
//!
//! let config = Config::load("conformance.toml".as_ref(), &[])?;
//! let report = Suite::new(config).select(&["callback", "id-token"])?.run().await?;
//! report.assert_ok();
//! # Ok(())
//! # }
//! ```

use std::{process::ExitCode, sync::OnceLock};

use libtest_mimic::{Arguments, Failed, Trial};

use crate::{
    baseline::Baseline,
    case::{Case, Lane},
    catalog,
    report::{
        Setting, block, compose,
        document::{Run, Word},
        look::Look,
    },
    runner::{self, InProcess, Options},
    select::{self, Past, Selector, UnknownSelector},
    target::{Config, Profile},
};

/// What to judge, and how.
#[derive(Clone, Debug)]
pub struct Suite {
    config: Config,
    cases: Vec<&'static Case>,
    app: Option<InProcess>,
    profile: Option<Profile>,
    seed: u64,
    baseline: Option<Baseline>,
}

/// What a suite came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The run, as `run.json` would hold it.
    pub run: Run,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// The set-up or the control sign-in failed: no verdict can be trusted.
    #[error("nothing was judged: {0}")]
    NotJudged(String),
    /// No case was selected.
    #[error("nothing is selected")]
    NothingSelected,
}

impl Suite {
    /// Every case but the slow ones, against the app that this configuration describes.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            cases: catalog::all().filter(|case| case.lane != Lane::Slow).collect(),
            app: None,
            profile: None,
            seed: 0,
            baseline: None,
        }
    }

    /// The app runs inside this process; `[target.start]` is not used.
    #[must_use]
    pub fn in_process(mut self, app: InProcess) -> Self {
        self.config.target.start = None;
        self.app = Some(app);
        self
    }

    /// Only what these selectors mean: `callback`, `level:must`, `not lane:slow`.
    ///
    /// # Errors
    /// When one of them fits no case; `failed` fits none, because a suite has no earlier run.
    pub fn select(mut self, selectors: &[&str]) -> Result<Self, UnknownSelector> {
        let parsed = selectors
            .iter()
            .map(|text| Selector::parse(text))
            .collect::<Result<Vec<_>, _>>()?;
        self.cases = select::select(&parsed, &Past::default())?.cases;
        Ok(self)
    }

    /// Which rules fail a run, instead of what the configuration says.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = Some(profile);
        self
    }

    /// Decides every random value.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// What is known and may stay.
    #[must_use]
    pub fn baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = Some(baseline);
        self
    }

    /// Judges. Nothing is printed and nothing is kept.
    ///
    /// # Errors
    /// When nothing was selected, or nothing could be judged.
    pub async fn run(self) -> Result<Report, SuiteError> {
        if self.cases.is_empty() {
            return Err(SuiteError::NothingSelected);
        }
        let config = &self.config;
        let options = Options {
            launcher: self.app.clone(),
            profile: self.profile.or(config.run.profile).unwrap_or_default(),
            seed: self.seed,
            ..Options::new(self.cases.clone())
        };
        let result = runner::run(config, &options, &mut |_| {}).await;
        if let Some(why) = &result.aborted {
            return Err(SuiteError::NotJudged(why.clone()));
        }
        let setting = Setting {
            locations: config.locations.clone(),
            config: config.file.display().to_string(),
            ..Setting::default()
        };
        let mut run = compose::run(&result, &setting);
        if let Some(baseline) = &self.baseline {
            baseline.apply(&mut run);
        }
        Ok(Report { run })
    }
}

impl Report {
    /// What is wrong with a case, as the console would say it; `None` when it passed, does not apply, or is known.
    #[must_use]
    pub fn problem(&self, id: &str) -> Option<String> {
        let Some(case) = self.run.case(id) else {
            return Some("the run has no verdict for it".to_owned());
        };
        match case.verdict {
            Word::Pass | Word::Skipped => None,
            _ if case.known.is_some() => None,
            Word::Fail | Word::Warn => Some(block::of_case(case, &Look::default(), 1)),
            Word::Inconclusive | Word::Error => Some(block::undecided(case, &Look::default())),
        }
    }

    /// Panics with everything that is wrong.
    ///
    /// # Panics
    /// When a case failed, warned, or could not be decided.
    pub fn assert_ok(&self) {
        let problems: Vec<String> = self
            .run
            .cases
            .iter()
            .filter_map(|case| self.problem(&case.id))
            .collect();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }
}

/// Every case as a test of cargo: call it from the `main` of a test without harness.
///
/// The selected cases share one run, because its controls, twins and recorded flows serve them all; the first test that is
/// asked starts it. Under nextest each test is a process of its own and runs its case alone. Cases that wait for a session to
/// run out are ignored tests.
#[must_use]
pub fn cargo_test(suite: Suite) -> ExitCode {
    static REPORT: OnceLock<Result<Report, String>> = OnceLock::new();
    let arguments = Arguments::from_args();
    let cases: Vec<&'static Case> = catalog::all().filter(|case| is_asked_for(&arguments, case)).collect();
    let trials = catalog::all().map(|case| {
        let suite = Suite {
            cases: cases.clone(),
            ..suite.clone()
        };
        let trial = Trial::test(case.id, move || {
            let report = REPORT.get_or_init(|| judge(suite)).as_ref().map_err(Failed::from)?;
            report.problem(case.id).map_or(Ok(()), |problem| Err(problem.into()))
        });
        trial.with_ignored_flag(case.lane == Lane::Slow)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn judge(suite: Suite) -> Result<Report, String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.block_on(suite.run()).map_err(|error| error.to_string())
}

/// What libtest-mimic will run, so that the harness walks no more than that.
fn is_asked_for(arguments: &Arguments, case: &Case) -> bool {
    let fits = |pattern: &String| {
        if arguments.exact {
            case.id == pattern
        } else {
            case.id.contains(pattern.as_str())
        }
    };
    let ignored = case.lane == Lane::Slow;
    !arguments.list
        && arguments.filter.as_ref().is_none_or(fits)
        && !arguments.skip.iter().any(fits)
        && (arguments.include_ignored || arguments.ignored == ignored)
}
