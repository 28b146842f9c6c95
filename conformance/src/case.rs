//! Cases: what must be true of a relying party, as literals.

use mock_idp::Fault;

use crate::{
    check::{Check, sign_in::STAYS_CLEAN},
    feature::Feature,
    outcome::Level,
    script::{Act, IdpAct, Pause, Step},
    spec::Clause,
};

/// One case of the catalogue.
#[derive(Debug)]
pub struct Case {
    /// `group/slug`, permanent.
    pub id: &'static str,
    /// What is wrong (negative) or what must work (positive), in a few words: "the callback accepts a code with
    /// somebody else's state".
    pub title: &'static str,
    /// The level in the catalogue.
    pub level: Level,
    /// Whether the app must *accept*: rejecting is the failure.
    pub positive: bool,
    /// Why it matters, one sentence.
    pub why: &'static str,
    /// What it stands on.
    pub spec: &'static [Clause],
    /// Features that the control must have shown; otherwise the case is skipped.
    pub needs: &'static [Feature],
    /// Where it may run.
    pub lane: Lane,
    /// What is tried, each on its own.
    pub variants: &'static [Variant],
    /// Where what is judged differs from the catalogue's own criterion, and why. `None`: nowhere.
    pub deviation: Option<&'static str>,
    /// The long text of `explain`.
    pub explain: Explain,
}

/// Where a case runs. Derived by hand from the reach of its faults; a test holds it against them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// Only watches what was recorded anyway.
    Watch,
    /// In parallel with others against one running app.
    Parallel,
    /// Alone, because the load itself is the case.
    Alone,
    /// Alone on a fresh app with a fresh issuer, when a start command is given; alone and last when not.
    Server,
    /// Needs the app to be started anew (skipped without a start command).
    Restart,
    /// Only when asked for.
    Slow,
}

/// One thing that is tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Variant {
    /// Its name within the case, kebab case.
    pub name: &'static str,
    /// Features beyond those of the case.
    pub needs: &'static [Feature],
    /// How the browsers walk; empty for a variant of lane `Watch`, which judges everything that was recorded.
    pub script: &'static [Step],
    /// What the authorization server does wrong: these act together, on the flow in slot `MAIN` (flow faults) or on the
    /// whole authorization server (metadata, keys). A flow fault beside a server-wide one counts as delivered when the
    /// app stopped before it asked for the message that carries it, because of the other.
    pub faults: &'static [Fault],
    /// What is asked of the evidence, with its weight.
    pub expect: &'static [Expect],
}

/// A check with its weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expect {
    /// How much it weighs.
    pub level: Level,
    /// The question.
    pub check: Check,
}

/// Broken: fail.
#[allow(non_snake_case, reason = "reads like the standards' own word in a case literal")]
#[must_use]
pub const fn Must(check: Check) -> Expect {
    Expect {
        level: Level::Must,
        check,
    }
}

/// Broken: fail, in profile `core` warn.
#[allow(non_snake_case, reason = "reads like the standards' own word in a case literal")]
#[must_use]
pub const fn MustStar(check: Check) -> Expect {
    Expect {
        level: Level::MustStar,
        check,
    }
}

/// Broken: warn.
#[allow(non_snake_case, reason = "reads like the standards' own word in a case literal")]
#[must_use]
pub const fn Should(check: Check) -> Expect {
    Expect {
        level: Level::Should,
        check,
    }
}

/// Broken: a note.
#[allow(non_snake_case, reason = "reads like the standards' own word in a case literal")]
#[must_use]
pub const fn May(check: Check) -> Expect {
    Expect {
        level: Level::May,
        check,
    }
}

/// Checks that ask about server errors in a measure of their own.
const ASK_ABOUT_SERVER_ERRORS: [&str; 6] = [
    "stays-clean",
    "fails-politely",
    "signs-in-as-user",
    "logout-token-clean",
    "logout-token-refused",
    "logout-token-accepted",
];

impl Case {
    /// What is asked of a variant: its own questions, and of every refusal whether it was a clean one. A refusal by a server
    /// error is a refusal, but not how a sound app says no.
    #[must_use]
    pub fn asks(&self, variant: &Variant) -> Vec<Expect> {
        let mut asks = variant.expect.to_vec();
        let measured = |expect: &Expect| ASK_ABOUT_SERVER_ERRORS.contains(&expect.check.id);
        let refuses = !self.positive && self.level > Level::May && !variant.script.is_empty();
        if refuses && !asks.iter().any(measured) {
            asks.push(Should(STAYS_CLEAN));
        }
        asks
    }

    /// The part of the id before the slash.
    #[must_use]
    pub fn group(&self) -> &'static str {
        self.id.split('/').next().unwrap_or(self.id)
    }
}

impl Variant {
    /// A variant with a script and faults.
    #[must_use]
    pub const fn of(
        name: &'static str,
        script: &'static [Step],
        faults: &'static [Fault],
        expect: &'static [Expect],
    ) -> Self {
        Self {
            name,
            needs: &[],
            script,
            faults,
            expect,
        }
    }

    /// A variant that judges everything that was recorded in the run.
    #[must_use]
    pub const fn watching(name: &'static str, expect: &'static [Expect]) -> Self {
        Self {
            name,
            needs: &[],
            script: &[],
            faults: &[],
            expect,
        }
    }

    /// Whether a walk of this one is a walk of the other too: only what is asked afterwards differs.
    #[must_use]
    pub fn walks_like(&self, other: &Self) -> bool {
        self.script == other.script && self.faults == other.faults
    }

    /// Whether a walk of this one waits for seconds: the app for an answer, or the harness until the app is ready for more.
    #[must_use]
    pub fn waits(&self) -> bool {
        let pauses = |step: &Step| match step.act {
            Act::Wait(pause) => pause != Pause::ClockTick,
            act => act == Act::Idp(IdpAct::CoolDown),
        };
        self.faults.iter().any(|fault| fault.delays()) || self.script.iter().any(pauses)
    }

    /// The same variant, only for apps with these features.
    #[must_use]
    pub const fn needing(mut self, needs: &'static [Feature]) -> Self {
        self.needs = needs;
        self
    }
}

/// The long text of `explain`.
#[derive(Clone, Copy, Debug)]
pub struct Explain {
    /// The attack or the situation, about four short lines.
    pub story: &'static str,
    /// What a right app does.
    pub right: &'static str,
    /// When this could be a false alarm.
    pub false_alarm: &'static str,
    /// Ids of other suites and CVEs, as in the catalogue: `o:invalid-aud`, `CVE-2024-47806`.
    pub maps: &'static [&'static str],
}
