//! How to run.

use std::{num::NonZeroU32, time::Duration};

use super::in_process::InProcess;
use crate::{
    browser::{pool::Pool, webdriver::Brand},
    case::Case,
    run::RunEvent,
    target::Profile,
};

/// Where the run reports to while it goes on.
pub(crate) type Listener<'l> = dyn FnMut(RunEvent<'_>) + 'l;

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
    /// Sign-ins a minute; `None` for as fast as the app answers.
    pub pace: Option<NonZeroU32>,
    /// Starts the app inside this process instead of by `[target.start]`.
    pub launcher: Option<InProcess>,
    /// Gives every variant that needs a fresh app one of its own, instead of sharing apps where the faults allow it: slower, and
    /// the same verdicts.
    pub own_apps: bool,
    /// Ends after the first honest sign-in: only the set-up is looked at.
    pub setup_only: bool,
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
            pace: None,
            launcher: None,
            own_apps: false,
            setup_only: false,
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

    /// `chrome` or `firefox`; `None` without a real browser.
    #[must_use]
    pub const fn browser(&self) -> Option<&'static str> {
        match self {
            Driver::Http => None,
            Driver::WebDriver { brand, .. } => Some(brand.name()),
        }
    }

    /// Where a running driver is; `None` where one is started, or none is needed.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        match self {
            Driver::WebDriver { url: Some(url), .. } => Some(url),
            _ => None,
        }
    }
}
