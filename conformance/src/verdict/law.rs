//! The law itself, as values that can be enumerated: no text, no evidence, no clock. `tests/it/truth_table.rs` writes
//! every combination down and holds the law against it.

/// The control sign-in before the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Before {
    /// It worked.
    Worked,
    /// It failed, or was never made.
    Failed,
}

/// The same hook with the value left valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Twin {
    /// The app accepted it.
    Accepted,
    /// The variant changes nothing that a twin could leave valid.
    NotNeeded,
    /// The app refused it: a refusal of the fault would say nothing.
    Refused,
}

/// The steps of the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Steps {
    /// Each of them took place.
    Taken,
    /// One did not.
    NotTaken,
    /// The driver of this run cannot take one.
    BeyondDriver,
}

/// The fault or the edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Delivery {
    /// Bytes that differ from the twin's were sent to the app; or there is nothing to deliver.
    Seen,
    /// They were not.
    NotSeen,
    /// They were not, because the app never uses the message that carries them.
    Unused,
}

/// The control sign-in after the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum After {
    /// It worked, or nothing was sent that it could follow.
    Worked,
    /// It failed, and the cause is another one than this walk, or is not known.
    Failed,
    /// The walk did it: a fresh app without the walk works, and this fresh app stopped working after it. For a case whose
    /// level is SHOULD or MAY.
    BrokeShould,
    /// The same for a case whose level is MUST.
    BrokeMust,
}

/// All checks of the variant together: what weighs most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Checks {
    /// Each holds.
    Hold,
    /// A MAY is broken, nothing else.
    MayBroken,
    /// Nothing of weight is broken or open, and the app does not do what one of weight is about.
    Absent,
    /// Nothing of weight is broken, and one of weight could not be answered.
    NotAnswered,
    /// A SHOULD is broken, and no MUST.
    ShouldBroken,
    /// A MUST is broken.
    MustBroken,
}

/// What one attempt at a variant showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// The control before.
    pub before: Before,
    /// The twin.
    pub twin: Twin,
    /// The script.
    pub steps: Steps,
    /// The fault.
    pub delivery: Delivery,
    /// The control after.
    pub after: After,
    /// The questions to the evidence.
    pub checks: Checks,
}

/// What decided that an attempt tells nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Because {
    Before,
    Twin,
    Steps,
    Delivery,
    After,
    Checks,
}

/// What an attempt comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ruling {
    Pass,
    Warn,
    Fail,
    Skipped(Because),
    Inconclusive(Because),
}

/// Rules on one attempt. The order is that of the reasons: what was never walked, what broke the app, what did not take
/// place, and only then what the checks say.
#[must_use]
pub const fn attempt(shown: Attempt) -> Ruling {
    match shown {
        Attempt {
            before: Before::Failed, ..
        } => Ruling::Inconclusive(Because::Before),
        Attempt {
            twin: Twin::Refused, ..
        } => Ruling::Inconclusive(Because::Twin),
        // An app that the walk breaks stops in the middle of it: later steps and messages are missing for this very reason.
        Attempt {
            after: After::BrokeMust,
            ..
        } => Ruling::Fail,
        Attempt {
            steps: Steps::BeyondDriver,
            ..
        } => Ruling::Skipped(Because::Steps),
        Attempt {
            after: After::BrokeShould,
            steps: Steps::Taken,
            delivery: Delivery::Seen,
            checks: Checks::MustBroken,
            ..
        } => Ruling::Fail,
        Attempt {
            after: After::BrokeShould,
            ..
        } => Ruling::Warn,
        Attempt {
            steps: Steps::NotTaken, ..
        } => Ruling::Inconclusive(Because::Steps),
        Attempt {
            delivery: Delivery::Unused,
            ..
        } => Ruling::Skipped(Because::Delivery),
        Attempt {
            delivery: Delivery::NotSeen,
            ..
        } => Ruling::Inconclusive(Because::Delivery),
        Attempt {
            after: After::Failed, ..
        } => Ruling::Inconclusive(Because::After),
        Attempt { checks, .. } => match checks {
            Checks::Hold | Checks::MayBroken => Ruling::Pass,
            Checks::Absent => Ruling::Skipped(Because::Checks),
            Checks::NotAnswered => Ruling::Inconclusive(Because::Checks),
            Checks::ShouldBroken => Ruling::Warn,
            Checks::MustBroken => Ruling::Fail,
        },
    }
}

/// At most so many attempts at one variant.
pub const ATTEMPT_LIMIT: usize = 3;

/// What one of several attempts came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came<'a> {
    Pass,
    /// These checks, at the level that decides, were broken.
    Warn(Vec<&'a str>),
    /// These checks, at the level that decides, were broken.
    Fail(Vec<&'a str>),
    /// It told nothing.
    Inconclusive,
    Skipped,
    Error,
}

/// What all attempts at a variant come to so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// One more attempt is needed.
    Again,
    Pass,
    Warn,
    Fail,
    /// No attempt told anything: the reason is that of the last.
    Untold,
    /// Two attempts differ, or what one showed could not be seen again.
    Differ,
    Skipped,
    Error,
}

/// Settles the attempts at a variant. A pass needs one attempt; a *warn* and a *fail* need two that show the same check
/// broken; two that show different things decide nothing. Attempts that told nothing do not count.
#[must_use]
pub fn variant(attempts: &[Came<'_>]) -> Settled {
    match attempts.last() {
        None => return Settled::Again,
        Some(Came::Error) => return Settled::Error,
        Some(Came::Skipped) => return Settled::Skipped,
        Some(_) => {}
    }
    let telling: Vec<&Came<'_>> = attempts
        .iter()
        .filter(|came| matches!(came, Came::Pass | Came::Warn(_) | Came::Fail(_)))
        .collect();
    let differ = |(index, one): (usize, &&Came<'_>)| telling[index + 1..].iter().any(|other| !agree(one, other));
    if telling.iter().enumerate().any(differ) {
        return Settled::Differ;
    }
    let is_last = attempts.len() >= ATTEMPT_LIMIT;
    match telling.as_slice() {
        [Came::Pass, ..] => Settled::Pass,
        [Came::Warn(_), _, ..] => Settled::Warn,
        [Came::Fail(_), _, ..] => Settled::Fail,
        [_] if is_last => Settled::Differ,
        [] if attempts.len() >= 2 => Settled::Untold,
        _ => Settled::Again,
    }
}

fn agree(one: &Came<'_>, other: &Came<'_>) -> bool {
    match (one, other) {
        (Came::Pass, Came::Pass) => true,
        (Came::Warn(one), Came::Warn(other)) | (Came::Fail(one), Came::Fail(other)) => {
            one.iter().any(|check| other.contains(check))
        }
        _ => false,
    }
}

/// A verdict without its reason, from the least to the most important of a case's variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Word {
    Skipped,
    Pass,
    Warn,
    Inconclusive,
    Error,
    Fail,
}

/// What the variants of a case come to: the most important word. A *fail* stands whatever its siblings did not tell; a
/// *pass* does not hide what was not judged. `None` without variants.
#[must_use]
pub fn case(variants: impl IntoIterator<Item = Word>) -> Option<Word> {
    variants.into_iter().max()
}

/// What one case that a profile requires came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Required {
    /// Judged: *pass* or *warn*, or it does not apply to this app.
    Judged,
    /// Not judged: not selected, left out by configuration, beyond the driver, *inconclusive* or *error*.
    NotJudged,
    /// It failed.
    Failed,
}

/// What a run says about its profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProfileStatus {
    /// Every required case was judged and none failed.
    Met,
    /// A case failed.
    NotMet,
    /// No case failed, but not every required one was judged.
    NotAssessed,
}

impl ProfileStatus {
    /// As printed.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            ProfileStatus::Met => "MET",
            ProfileStatus::NotMet => "NOT MET",
            ProfileStatus::NotAssessed => "not assessed",
        }
    }
}

/// What the required cases come to.
#[must_use]
pub fn profile(required: impl IntoIterator<Item = Required>) -> ProfileStatus {
    match required.into_iter().max() {
        Some(Required::Failed) => ProfileStatus::NotMet,
        Some(Required::Judged) => ProfileStatus::Met,
        Some(Required::NotJudged) | None => ProfileStatus::NotAssessed,
    }
}
