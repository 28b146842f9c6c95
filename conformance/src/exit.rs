//! Exit codes: an interface like any other. Scripts tell "the app is bad" from "the run did not work" by them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::document::{Run, Word};

/// All is well.
pub const CLEAN: u8 = 0;
/// A case failed (or warned, with `--fail-on warn`): the app is bad.
pub const FAILED: u8 = 1;
/// The command line or the configuration is wrong.
pub const USAGE: u8 = 2;
/// Preflight or control failed, so nothing could be judged; or a case ended in *error*.
pub const NOT_JUDGED: u8 = 3;
/// The selectors select no case.
pub const NOTHING_SELECTED: u8 = 4;
/// The baseline names a failure that is no longer there.
pub const STALE_BASELINE: u8 = 5;
/// A case was inconclusive: it decides nothing, and silence is not success.
pub const INCONCLUSIVE: u8 = 6;
/// A bug in this program.
pub const BUG: u8 = 70;
/// Ended by Ctrl-C or SIGTERM.
pub const INTERRUPTED: u8 = 130;

/// Every code with its sentence, in the order of precedence; for `--help`.
pub const ALL: &[(u8, &str)] = &[
    (BUG, "a bug in this program"),
    (INTERRUPTED, "interrupted"),
    (USAGE, "usage or configuration is wrong"),
    (NOT_JUDGED, "preflight or control failed: nothing could be judged"),
    (FAILED, "a case failed (or warned, with --fail-on warn)"),
    (NOT_JUDGED, "a case ended in error"),
    (INCONCLUSIVE, "a case was inconclusive (unless --allow-inconclusive)"),
    (STALE_BASELINE, "the baseline is stale"),
    (NOTHING_SELECTED, "nothing was selected"),
    (CLEAN, "clean"),
];

/// What makes a run red.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Policy {
    /// A *warn* is as bad as a *fail*.
    pub fail_on_warn: bool,
    /// An *inconclusive* case does not matter.
    pub allow_inconclusive: bool,
    /// What was found does not matter, as long as the run itself worked.
    pub exit_zero: bool,
}

impl Policy {
    /// Whether a new finding of this verdict makes a run fail.
    #[must_use]
    pub fn fails(&self, verdict: Word) -> bool {
        match verdict {
            Word::Fail => true,
            Word::Warn => self.fail_on_warn,
            Word::Pass | Word::Skipped | Word::Inconclusive | Word::Error => false,
        }
    }
}

/// The code of a run: the first that applies. What the baseline knows is no reason to be red; an entry of it that no longer
/// applies is.
#[must_use]
pub fn exit_code(run: &Run, policy: &Policy) -> u8 {
    let finding = |code| if policy.exit_zero { CLEAN } else { code };
    let is_stale = run.baseline.as_ref().is_some_and(|overlay| !overlay.stale.is_empty());
    if run.run.interrupted {
        INTERRUPTED
    } else if run.run.aborted.is_some() {
        NOT_JUDGED
    } else if run.failures(policy) > 0 {
        finding(FAILED)
    } else if run.count(Word::Error) > 0 {
        NOT_JUDGED
    } else if run.count_new(Word::Inconclusive) > 0 && !policy.allow_inconclusive {
        finding(INCONCLUSIVE)
    } else if is_stale {
        finding(STALE_BASELINE)
    } else if run.cases.is_empty() {
        NOTHING_SELECTED
    } else {
        CLEAN
    }
}
