//! What a run leaves behind: the events it tells while it goes, and the result that `run.json` stores. Reporters fold
//! over these and know nothing else.

use std::time::Duration;

use serde::Serialize;

use crate::{
    case::Case,
    evidence::Evidence,
    outcome::{Level, Outcome, Verdict},
    target::Profile,
};

/// Something that happened in the run, in order.
#[derive(Debug)]
pub enum RunEvent<'a> {
    /// The selection is known and the target is about to be started.
    Started(&'a Header),
    /// The app is built by this command, which may take minutes; the time is not the run's.
    Building(&'a str),
    /// It was built in this time.
    Built(Duration),
    /// A preflight check was made.
    Preflight(&'a Preflight),
    /// The control sign-in was made (once per lane).
    Control(&'a Control),
    /// A case is about to be walked.
    CaseStarted(&'static Case),
    /// A case has its verdict.
    CaseFinished(&'a CaseResult),
    /// The cases that only watch are about to be judged: by what cases walked, and by these controls and twins.
    Watching(&'a [Evidence]),
    /// Something worth telling that is no case: "parallelism lowered to 1: ...".
    Notice(String),
    /// All is over.
    Finished(&'a RunResult),
}

/// What is known before the first case.
#[derive(Clone, Debug, Serialize)]
pub struct Header {
    /// Run id, sortable by time.
    pub id: String,
    /// Seed, hexadecimal.
    pub seed: String,
    /// The profile.
    pub profile: Profile,
    /// `http` or `webdriver`.
    pub driver: String,
    /// `chrome` or `firefox`, where a real browser walks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// Where its driver was running already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver_url: Option<String>,
    /// Version of this tool.
    pub tool: String,
    /// Start, RFC 3339.
    pub started: String,
    /// URL of the app.
    pub target: String,
    /// The issuer.
    pub issuer: String,
    /// Configuration file as given.
    pub config: String,
    /// How many cases are selected.
    pub selected: usize,
}

/// A preflight check: tells a set-up mistake from a defect.
#[derive(Clone, Debug, Serialize)]
pub struct Preflight {
    /// `setup/…`.
    pub id: &'static str,
    /// Whether it is fine.
    pub ok: bool,
    /// Only a warning: the run goes on.
    pub warning: bool,
    /// What was seen.
    pub saw: String,
    /// What was wanted.
    pub wanted: String,
    /// The command or line that fixes it.
    pub fix: String,
}

/// A control sign-in.
#[derive(Clone, Debug, Serialize)]
pub struct Control {
    /// Which lane.
    pub lane: String,
    /// Whether everything that it must show was shown.
    pub ok: bool,
    /// One sentence: who signed in, what was shown, what went wrong.
    pub text: String,
    /// How long it took.
    pub duration_ms: u64,
    /// What there is to say of a first one that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// Why the first honest sign-in failed: nothing was judged, so this is all that helps.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// Each hop in one line: who, method, place, status and where it leads.
    pub trail: Vec<String>,
    /// The first line of what refused, where something did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// The last lines that the app printed meanwhile.
    pub output: Vec<String>,
    /// The likeliest cause, in words.
    pub cause: String,
    /// The line that fixes it.
    pub fix: String,
    /// Everything that was seen. Stored beside `run.json`, as [`Failure::FILE`].
    #[serde(skip)]
    pub evidence: Box<Evidence>,
}

impl Failure {
    /// Where its evidence is kept, below the run's folder.
    pub const FILE: &'static str = "evidence/first-sign-in.json";
}

/// A case of which something was left out although it may apply to the app: by the configuration, by the driver, for want
/// of a start command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Id of the case.
    pub case: &'static str,
    /// Why.
    pub why: String,
}

/// A case with its verdict.
#[derive(Debug, Serialize)]
pub struct CaseResult {
    /// The case.
    #[serde(skip)]
    pub case: &'static Case,
    /// What its variants come to.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Wall time.
    pub duration_ms: u64,
    /// Each variant.
    pub variants: Vec<VariantResult>,
    /// Things worth telling beside the verdict: broken MAYs, remarks, and variants that came to something else.
    pub notes: Vec<String>,
}

impl CaseResult {
    /// What it came to, and what the checks saw of each variant that is not well: many lines, for the message of a test.
    #[must_use]
    pub fn story(&self) -> String {
        let mut lines = vec![format!("{}: {}", self.case.id, told(&self.verdict))];
        for variant in self.variants.iter().filter(|variant| variant.verdict != Verdict::Pass) {
            lines.push(format!("    {}: {}", variant.name, told(&variant.verdict)));
            for (attempt, number) in variant.attempts.iter().zip(1..) {
                for check in &attempt.checks {
                    lines.push(format!("        attempt {number}: {} {:?}", check.id, check.outcome));
                }
            }
        }
        lines.join("\n")
    }
}

fn told(verdict: &Verdict) -> String {
    match verdict.reason() {
        Some(reason) => format!("{}, {reason}", verdict.word()),
        None => verdict.word().to_owned(),
    }
}

/// A variant with its verdict.
#[derive(Debug, Serialize)]
pub struct VariantResult {
    /// Its name.
    pub name: &'static str,
    /// Its verdict.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// One attempt, or two when the first looked like a fail.
    pub attempts: Vec<Attempt>,
}

/// One walk and what was made of it.
#[derive(Debug, Serialize)]
pub struct Attempt {
    /// What every check said.
    pub checks: Vec<CheckResult>,
    /// Faults and edits with whether they were seen delivered.
    pub delivered: Vec<Delivered>,
    /// Control before, twin, control after: `ok: flow 12`, `broken: …`, `not needed`.
    pub control: ControlTriple,
    /// Everything that was seen. Stored beside `run.json`.
    #[serde(skip)]
    pub evidence: Evidence,
}

/// The three legs that a verdict stands on.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ControlTriple {
    /// Before the first case.
    pub before: String,
    /// The same hook with the value left valid.
    pub twin: String,
    /// A sign-in that started after the case's last hop.
    pub after: String,
}

/// Whether a fault or edit was seen on the wire.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Delivered {
    /// The fault's id, or the edit in words.
    pub id: String,
    /// Whether bytes that differ from the twin's were written.
    pub delivered: bool,
    /// What was sent, shortened: for the report's `sent` line.
    pub sent: String,
}

/// What one check said.
#[derive(Clone, Debug, Serialize)]
pub struct CheckResult {
    /// The check's id.
    pub id: &'static str,
    /// Its weight in this variant, after the profile was applied.
    pub level: Level,
    /// What must hold.
    pub expects: &'static str,
    /// The answer.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// A whole run.
#[derive(Debug, Serialize)]
pub struct RunResult {
    /// What was known before.
    pub header: Header,
    /// Preflight checks.
    pub preflight: Vec<Preflight>,
    /// Controls.
    pub controls: Vec<Control>,
    /// Framework guess with its reason.
    pub framework: Option<(String, String)>,
    /// Cases in catalogue order.
    pub cases: Vec<CaseResult>,
    /// Cases that were left out, whole or in part, in the order of the run.
    pub left_out: Vec<LeftOut>,
    /// Notices.
    pub notices: Vec<String>,
    /// How often the harness started the app.
    pub starts: usize,
    /// Nothing could be judged, and why (preflight or control broken).
    pub aborted: Option<String>,
    /// Ended by Ctrl-C.
    pub interrupted: bool,
    /// Wall time.
    pub duration_ms: u64,
}

impl RunResult {
    /// How many cases have this verdict word.
    #[must_use]
    pub fn count(&self, word: &str) -> usize {
        self.cases.iter().filter(|case| case.verdict.word() == word).count()
    }
}
