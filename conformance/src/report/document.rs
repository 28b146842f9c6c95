//! `run.json`, schema `conformance-run/1`: what a run came to, as a document of its own. Every report is a rendering of it
//! (the HTML report also reads the evidence beside it), so a stored run is reported like one that has just ended.
//!
//! Policy: members are only added under this name, and readers ignore members that they do not know. A member is removed
//! or changes its meaning only under `conformance-run/2`. Everything in the document is redacted; see
//! [`redact`](super::redact).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tree::Kept;
pub use crate::verdict::ProfileStatus;
use crate::{
    exit::Policy,
    outcome::{Level, Verdict},
};

/// The name of the shape; members are only added under it.
pub const SCHEMA: &str = "conformance-run/1";

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// `conformance-run/1`.
    pub schema: String,
    /// The run itself: how and when, and what it came to.
    pub run: About,
    /// The app under test.
    pub target: Target,
    /// Checks of the set-up.
    #[serde(default)]
    pub preflight: Vec<Preflight>,
    /// Honest sign-ins that the verdicts stand on.
    #[serde(default)]
    pub controls: Vec<Control>,
    /// Cases in the order of the catalogue; in a partial run those that were judged.
    pub cases: Vec<Case>,
    /// What was worth telling and is no case.
    #[serde(default)]
    pub notices: Vec<String>,
    /// How many cases have each verdict.
    pub counts: Counts,
    /// What a baseline said about this run; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Overlay>,
    /// The exit code of the run.
    pub exit_code: u8,
}

/// How and when a run was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct About {
    /// Sortable by time.
    pub id: String,
    /// Hexadecimal.
    pub seed: String,
    /// `core`, `okta` or `asvs`.
    pub profile: String,
    /// `http` or `webdriver`.
    pub driver: String,
    /// `chrome` or `firefox`, where a real browser walked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// Where its driver was running already, and was not started for this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver_url: Option<String>,
    /// Version of the tool.
    pub tool: String,
    /// RFC 3339.
    pub started: String,
    /// Wall time without the build.
    #[serde(default)]
    pub duration_ms: u64,
    /// How often the harness started the app; absent where somebody else did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts: Option<usize>,
    /// The configuration file as it was given.
    #[serde(default)]
    pub config: String,
    /// A fingerprint of the configuration's text and the files beside it; the selector `changed` compares it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_fingerprint: Option<String>,
    /// Files beside the configuration that were written while the app was built, started and used for the first time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written: Vec<String>,
    /// Reports that were written beside the configuration, by this run or an earlier one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<String>,
    /// How many cases were selected.
    #[serde(default)]
    pub selected: usize,
    /// Each profile that was assessed: `met`, `not_met`, `not_assessed`.
    #[serde(default)]
    pub profiles: BTreeMap<String, ProfileStatus>,
    /// Selected cases that the profile requires and that were not judged, each with the reason.
    #[serde(default)]
    pub not_assessed: Vec<NotAssessed>,
    /// Why nothing could be judged.
    #[serde(default)]
    pub aborted: Option<String>,
    /// Whether a signal ended it.
    #[serde(default)]
    pub interrupted: bool,
    /// Whether selected cases were not judged because the run ended early.
    #[serde(default)]
    pub partial: bool,
    /// `2/5`: which part of the selection this run judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// What makes this run red.
    #[serde(default)]
    pub policy: Policy,
}

/// The app under test.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// Its origin.
    pub url: String,
    /// The issuer that it was given.
    pub issuer: String,
    /// What it is made with, as far as that is known.
    #[serde(default)]
    pub framework: Option<Framework>,
}

/// What an app is made with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Framework {
    /// Its name, as `explain --framework` takes it.
    pub guess: String,
    /// How that was found out: `guessed from the cookie connect.sid`, `named in the configuration`.
    pub why: String,
}

/// A check of the set-up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Preflight {
    /// `setup/…`.
    pub id: String,
    /// Whether it is fine.
    pub ok: bool,
    /// Only a warning.
    #[serde(default)]
    pub warning: bool,
    /// What was seen.
    #[serde(default)]
    pub saw: String,
    /// What was wanted.
    #[serde(default)]
    pub wanted: String,
    /// The command or line that fixes it.
    #[serde(default)]
    pub fix: String,
}

/// An honest sign-in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Control {
    /// Which lane.
    pub lane: String,
    /// Whether everything was shown that must be.
    pub ok: bool,
    /// One sentence.
    pub text: String,
    /// Wall time.
    #[serde(default)]
    pub duration_ms: u64,
    /// What there is to say of a first one that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// Why the first honest sign-in failed: nothing was judged, so this is all that helps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// Each hop in one line: who, method, place, status and where it leads.
    pub trail: Vec<String>,
    /// The first line of what refused, where something did.
    #[serde(default)]
    pub refused: Option<String>,
    /// The last lines that the app printed meanwhile.
    #[serde(default)]
    pub output: Vec<String>,
    /// The likeliest cause, in words.
    pub cause: String,
    /// The line that fixes it.
    pub fix: String,
}

/// A required case that was not judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotAssessed {
    /// Its id.
    pub case: String,
    /// Why.
    pub why: String,
}

/// A case with its verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Case {
    /// `group/slug`, permanent.
    pub id: String,
    /// What is wrong, or what must work, in a few words.
    pub title: String,
    /// The level in the catalogue.
    pub level: Weight,
    /// Whether the app must accept.
    #[serde(default)]
    pub positive: bool,
    /// Why it matters.
    #[serde(default)]
    pub why: String,
    /// What it came to: the worst of its variants.
    pub verdict: Word,
    /// Why, where the verdict needs a reason.
    #[serde(default)]
    pub reason: Option<String>,
    /// Wall time.
    #[serde(default)]
    pub duration_ms: u64,
    /// Each thing that was tried.
    #[serde(default)]
    pub variants: Vec<Variant>,
    /// Broken MAYs and remarks.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The clauses that it stands on: `RFC6749#10.12`.
    #[serde(default)]
    pub refs: Vec<String>,
    /// The same as they are read, with their addresses.
    #[serde(default)]
    pub clauses: Vec<Clause>,
    /// Where a finding of this case belongs in the app's source.
    pub location: Location,
    /// The file with everything that was seen, relative to `run.json`.
    #[serde(default)]
    pub evidence: Option<String>,
    /// The command that judges this case again with the same random values.
    #[serde(default)]
    pub replay: String,
    /// What that command does not bring back; absent where the seed decides everything that is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_caveat: Option<String>,
    /// The baseline's entries that cover it: it counts as known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<Known>,
}

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Variant {
    /// Its name within the case.
    pub name: String,
    /// What it came to.
    pub verdict: Word,
    /// Why, where the verdict needs a reason.
    #[serde(default)]
    pub reason: Option<String>,
    /// One attempt, or several when the first was no pass.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
}

/// One walk and what was made of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// What was done on the browser's side, in words.
    #[serde(default)]
    pub edits: Vec<String>,
    /// What the authorization server did wrong.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// Both, with what was changed by them.
    #[serde(default)]
    pub sent: Vec<Sent>,
    /// The steps of the walk, where nothing was falsified.
    #[serde(default)]
    pub did: Vec<String>,
    /// Flows at the authorization server.
    #[serde(default)]
    pub flows: Vec<String>,
    /// The control before and after.
    #[serde(default)]
    pub control: Triple,
    /// What every check said.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// The request that the app answered with a server error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_error: Option<ServerError>,
    /// What the app printed while it answered that request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
}

/// A fault of the authorization server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// Its id; `mock-idp faults explain ID` says more.
    pub id: String,
    /// Whether bytes that differ from the valid ones were written.
    pub delivered: bool,
}

/// What was sent that was not as it should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sent {
    /// The fault's id, or the edit in words.
    pub id: String,
    /// Whether it was seen on the wire.
    pub delivered: bool,
    /// The message, shortened.
    pub sent: String,
    /// What differs from the valid message; empty where the message as a whole is what differs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
}

/// A part of a message that was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Which: `claim aud`, `parameter state`, `header cookie`, `status`.
    pub what: String,
    /// Its valid value; `null`: there is none.
    pub before: Option<String>,
    /// What was sent; `null`: it was left out.
    pub after: Option<String>,
}

/// The legs that a verdict stands on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Triple {
    /// Before the first case.
    #[serde(default)]
    pub before: String,
    /// The same walk with the value left valid.
    #[serde(default)]
    pub twin: String,
    /// A sign-in that started after the case's last request.
    #[serde(default)]
    pub after: String,
}

/// What one check said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// Its id.
    pub id: String,
    /// Its weight in this variant and profile.
    pub level: Weight,
    /// What must hold.
    #[serde(default)]
    pub expected: String,
    /// The answer.
    pub outcome: Answer,
    /// What was seen, or why nothing can be told.
    #[serde(default)]
    pub saw: Option<String>,
    /// Of case, check and observation; the same in every run, so that a baseline recognises it.
    #[serde(default)]
    pub fingerprint: Option<String>,
}

/// The answer of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// What was expected is true.
    Holds,
    /// It is not.
    Broken,
    /// It holds, with a remark.
    HoldsWith,
    /// The evidence cannot tell.
    CannotTell,
    /// What it asks about is not there.
    Absent,
}

/// A server error of the app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServerError {
    /// Method and path.
    pub request: String,
    /// The status, or what became of the connection.
    pub answer: String,
}

/// A clause of a standard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Clause {
    /// `RFC 6749 §10.12`.
    pub text: String,
    /// Where to read it.
    pub url: String,
}

/// A place in the app's source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Location {
    /// The file, as written in `[locations]`; the configuration where nothing is written.
    pub file: String,
    /// Counted from 1.
    pub line: u32,
}

/// How many cases have each verdict. `known` are also counted under their verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Accepted or refused as it should be.
    pub pass: usize,
    /// A broken MUST.
    pub fail: usize,
    /// A broken SHOULD, or a refusal by server error.
    pub warn: usize,
    /// Does not apply.
    pub skipped: usize,
    /// Decides nothing.
    pub inconclusive: usize,
    /// The harness or the set-up failed.
    pub error: usize,
    /// Findings that the baseline knows.
    #[serde(default)]
    pub known: usize,
    /// Entries of the baseline that no longer apply.
    #[serde(default)]
    pub fixed: usize,
}

/// What a baseline said about a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Overlay {
    /// The file.
    pub file: String,
    /// Entries that no longer apply, each with the reason: fixed or expired.
    #[serde(default)]
    pub stale: Vec<Stale>,
}

/// An entry of a baseline that no longer applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stale {
    /// The case.
    pub case: String,
    /// The check.
    pub check: String,
    /// Why it is stale, as a sentence.
    pub why: String,
}

/// Why a finding is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Known {
    /// The reason that the baseline gives.
    pub reason: String,
    /// Who sees to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Where it is followed up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
    /// Until when it may stay; `2026-12-31`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// The verdict of a variant or case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// Does not apply, or is left out by configuration.
    Skipped,
    /// As it should be.
    Pass,
    /// A broken SHOULD, or a refusal by server error.
    Warn,
    /// Decides nothing.
    Inconclusive,
    /// The harness or the set-up failed.
    Error,
    /// A broken MUST.
    Fail,
}

/// A level, in the spelling of selectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// Broken: a note.
    May,
    /// Broken: *warn*.
    Should,
    /// Broken: *fail*, in profile `core` *warn*.
    #[serde(rename = "must*")]
    MustStar,
    /// Broken: *fail*.
    Must,
}

impl Run {
    /// How many cases have this verdict.
    #[must_use]
    pub fn count(&self, word: Word) -> usize {
        self.cases.iter().filter(|case| case.verdict == word).count()
    }

    /// How many have it and are not covered by the baseline.
    #[must_use]
    pub fn count_new(&self, word: Word) -> usize {
        let is_new = |case: &&Case| case.verdict == word && case.known.is_none();
        self.cases.iter().filter(is_new).count()
    }

    /// How many cases fail this run: what failed, and what warned where the policy says so, without what the baseline knows.
    #[must_use]
    pub fn failures(&self, policy: &Policy) -> usize {
        self.cases.iter().filter(|case| case.fails(policy)).count()
    }

    /// The ids of the cases that were not well: what speaks against the app, and what is undecided.
    #[must_use]
    pub fn not_well(&self) -> Vec<String> {
        let is_bad = |case: &&Case| case.verdict.is_finding() || case.verdict.is_undecided();
        self.cases.iter().filter(is_bad).map(|case| case.id.clone()).collect()
    }

    /// The case of this id.
    #[must_use]
    pub fn case(&self, id: &str) -> Option<&Case> {
        self.cases.iter().find(|case| case.id == id)
    }

    /// Counts, profile and exit code from the cases as they stand: after anything about them has changed.
    pub fn settle(&mut self) {
        let stale = self.baseline.as_ref().map_or(0, |overlay| overlay.stale.len());
        self.counts = Counts {
            pass: self.count(Word::Pass),
            fail: self.count(Word::Fail),
            warn: self.count(Word::Warn),
            skipped: self.count(Word::Skipped),
            inconclusive: self.count(Word::Inconclusive),
            error: self.count(Word::Error),
            known: self.cases.iter().filter(|case| case.known.is_some()).count(),
            fixed: stale,
        };
        let status = super::summary::profile_status(self);
        self.run.profiles = BTreeMap::from([(self.run.profile.clone(), status)]);
        self.exit_code = crate::exit::exit_code(self, &self.run.policy);
    }

    /// The JSON schema of this document.
    #[must_use]
    pub fn schema() -> serde_json::Value {
        let mut schema = schemars::schema_for!(Run).to_value();
        if let Some(root) = schema.as_object_mut() {
            root.insert("title".to_owned(), SCHEMA.into());
        }
        schema
    }
}

impl About {
    /// Who walked: `http`, `webdriver (firefox)`.
    #[must_use]
    pub fn walked_by(&self) -> String {
        match &self.browser {
            Some(browser) => format!("{} ({browser})", self.driver),
            None => self.driver.clone(),
        }
    }

    /// Remembers the state for which the verdicts stand.
    pub fn keep(&mut self, state: Kept) {
        self.config_fingerprint = Some(state.fingerprint);
        self.written = state.written;
        self.reports = state.reports;
    }
}

impl Case {
    /// The part of the id before the slash.
    #[must_use]
    pub fn group(&self) -> &str {
        self.id.split('/').next().unwrap_or(&self.id)
    }

    /// Whether it makes a run fail. What the baseline knows does not.
    #[must_use]
    pub fn fails(&self, policy: &Policy) -> bool {
        self.known.is_none() && policy.fails(self.verdict)
    }

    /// Variants that speak against the app.
    pub fn bad_variants(&self) -> impl Iterator<Item = &Variant> {
        self.variants.iter().filter(|variant| variant.verdict.is_finding())
    }

    /// The heaviest level of what is broken; SHOULD for a refusal by server error, the catalogue's level where nothing is.
    #[must_use]
    pub fn broken_level(&self) -> Weight {
        let attempts = self.variants.iter().filter_map(|variant| variant.attempts.last());
        let broken = attempts.flat_map(Attempt::broken).map(|check| check.level).max();
        let otherwise = if self.verdict == Word::Warn {
            Weight::Should
        } else {
            self.level
        };
        broken.unwrap_or(otherwise)
    }
}

impl Sent {
    /// `POST /callback`: which request of the browser was edited; `None` for what the authorization server sent.
    #[must_use]
    pub fn request(&self) -> Option<&str> {
        let line = self.sent.split('?').next().unwrap_or_default();
        let (method, path) = line.split_once(' ')?;
        let is_request = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
        (is_request && path.starts_with('/') && !path.contains(' ')).then_some(line)
    }
}

impl Attempt {
    /// The broken checks that decide; a broken MAY is a note.
    pub fn broken(&self) -> impl Iterator<Item = &Check> {
        let decides = |check: &&Check| check.outcome == Answer::Broken && check.level != Weight::May;
        self.checks.iter().filter(decides)
    }
}

impl Word {
    /// Every verdict, in the order of the last line.
    pub const ALL: [Word; 6] = [
        Word::Pass,
        Word::Fail,
        Word::Warn,
        Word::Skipped,
        Word::Inconclusive,
        Word::Error,
    ];

    /// As printed and stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Word::Skipped => "skipped",
            Word::Pass => "pass",
            Word::Warn => "warn",
            Word::Inconclusive => "inconclusive",
            Word::Error => "error",
            Word::Fail => "fail",
        }
    }

    /// Whether it says something against the app.
    #[must_use]
    pub const fn is_finding(self) -> bool {
        matches!(self, Word::Fail | Word::Warn)
    }

    /// Whether it decides nothing although something was tried.
    #[must_use]
    pub const fn is_undecided(self) -> bool {
        matches!(self, Word::Inconclusive | Word::Error)
    }
}

impl From<&Verdict> for Word {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Pass => Word::Pass,
            Verdict::Skipped(_) => Word::Skipped,
            Verdict::Warn => Word::Warn,
            Verdict::Inconclusive(_) => Word::Inconclusive,
            Verdict::Error(_) => Word::Error,
            Verdict::Fail => Word::Fail,
        }
    }
}

impl std::fmt::Display for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Level> for Weight {
    fn from(level: Level) -> Self {
        match level {
            Level::May => Weight::May,
            Level::Should => Weight::Should,
            Level::MustStar => Weight::MustStar,
            Level::Must => Weight::Must,
        }
    }
}

impl std::fmt::Display for Weight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Weight::May => "MAY",
            Weight::Should => "SHOULD",
            Weight::MustStar => "MUST*",
            Weight::Must => "MUST",
        })
    }
}
