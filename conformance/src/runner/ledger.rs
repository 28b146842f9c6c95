//! What the run has found so far: attempts per variant, verdicts per case, evidence for the watching cases.

use std::{
    collections::{BTreeMap, HashMap},
    time::Instant,
};

use super::{Listener, Options};
use crate::{
    abridge::abridge,
    case::{Case, Variant},
    evidence::Evidence,
    judge::{self, Judgement},
    outcome::Verdict,
    run::{Attempt, CaseResult, Control, ControlTriple, Header, Preflight, RunEvent, RunResult, VariantResult},
    target::Config,
};

/// At most so many attempts at one variant: two agree, or it is flaky.
const ATTEMPT_LIMIT: usize = 3;

/// The book of a run.
pub(super) struct Ledger {
    header: Header,
    order: Vec<&'static Case>,
    open: HashMap<&'static str, OpenCase>,
    closed: BTreeMap<usize, CaseResult>,
    preflight: Vec<Preflight>,
    controls: Vec<Control>,
    notices: Vec<String>,
    framework: Option<(String, String)>,
    /// Evidence of controls and twins, for the watching cases; that of cases is in their attempts.
    pub(super) watched: Vec<Evidence>,
}

struct OpenCase {
    began: Instant,
    variants: Vec<Option<VariantResult>>,
    attempts: Vec<Vec<(Attempt, Judgement)>>,
}

/// What is to happen with a variant after an attempt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Its verdict stands.
    Settled,
    /// Walk it again.
    Again,
}

impl Ledger {
    pub(super) fn new(config: &Config, options: &Options) -> Self {
        Self {
            header: Header::new(config, options),
            order: options.cases.clone(),
            open: HashMap::new(),
            closed: BTreeMap::new(),
            preflight: Vec::new(),
            controls: Vec::new(),
            notices: Vec::new(),
            framework: None,
            watched: Vec::new(),
        }
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    pub(super) fn set_issuer(&mut self, issuer: &str) {
        issuer.clone_into(&mut self.header.issuer);
    }

    pub(super) fn set_target(&mut self, url: String, framework: Option<(String, String)>) {
        self.header.target = url;
        self.framework = framework;
    }

    pub(super) fn preflight(&mut self, check: Preflight, on: &mut Listener<'_>) {
        on(RunEvent::Preflight(&check));
        self.preflight.push(check);
    }

    pub(super) fn control(&mut self, control: Control, on: &mut Listener<'_>) {
        on(RunEvent::Control(&control));
        self.controls.push(control);
    }

    pub(super) fn notice(&mut self, text: String, on: &mut Listener<'_>) {
        on(RunEvent::Notice(text.clone()));
        self.notices.push(text);
    }

    /// Opens a case when its first variant begins.
    fn open(&mut self, case: &'static Case, on: &mut Listener<'_>) -> &mut OpenCase {
        self.open.entry(case.id).or_insert_with(|| {
            on(RunEvent::CaseStarted(case));
            OpenCase {
                began: Instant::now(),
                variants: case.variants.iter().map(|_| None).collect(),
                attempts: case.variants.iter().map(|_| Vec::new()).collect(),
            }
        })
    }

    pub(super) fn started(&mut self, case: &'static Case, on: &mut Listener<'_>) {
        self.open(case, on);
    }

    /// A variant's verdict is known without walking it.
    pub(super) fn settle(&mut self, case: &'static Case, variant: usize, verdict: Verdict, on: &mut Listener<'_>) {
        let open = self.open(case, on);
        let name = case.variants[variant].name;
        open.variants[variant] = Some(VariantResult {
            name,
            verdict,
            attempts: Vec::new(),
        });
        self.close_if_complete(case, on);
    }

    /// Takes in an attempt. Says whether another one is needed.
    pub(super) fn attempt(
        &mut self,
        case: &'static Case,
        variant: usize,
        mut evidence: Evidence,
        judgement: Judgement,
        control: ControlTriple,
        on: &mut Listener<'_>,
    ) -> Next {
        // It is judged; a page of megabytes in each of a thousand walks would not fit into memory.
        abridge(&mut evidence);
        let open = self.open(case, on);
        let attempt = Attempt {
            checks: judgement.checks.clone(),
            delivered: judgement.delivered.clone(),
            control,
            evidence,
        };
        let attempts = &mut open.attempts[variant];
        attempts.push((attempt, judgement));
        let verdicts: Vec<&Verdict> = attempts.iter().map(|(_, judgement)| &judgement.verdict).collect();
        let Some(verdict) = agreed(&verdicts) else {
            return Next::Again;
        };
        let attempts = std::mem::take(attempts)
            .into_iter()
            .map(|(attempt, _)| attempt)
            .collect();
        let name = case.variants[variant].name;
        open.variants[variant] = Some(VariantResult {
            name,
            verdict,
            attempts,
        });
        self.close_if_complete(case, on);
        Next::Settled
    }

    /// Takes in a judgement that stands as it is: the same evidence would be judged the same again.
    pub(super) fn judged(
        &mut self,
        case: &'static Case,
        variant: usize,
        judgement: Judgement,
        control: ControlTriple,
        on: &mut Listener<'_>,
    ) {
        let open = self.open(case, on);
        let Judgement {
            verdict,
            checks,
            delivered,
            ..
        } = judgement;
        let attempt = Attempt {
            checks,
            delivered,
            control,
            evidence: Evidence::default(),
        };
        let name = case.variants[variant].name;
        open.variants[variant] = Some(VariantResult {
            name,
            verdict,
            attempts: vec![attempt],
        });
        self.close_if_complete(case, on);
    }

    fn close_if_complete(&mut self, case: &'static Case, on: &mut Listener<'_>) {
        let complete = self
            .open
            .get(case.id)
            .is_some_and(|open| open.variants.iter().all(Option::is_some));
        if !complete {
            return;
        }
        let Some(open) = self.open.remove(case.id) else { return };
        let variants: Vec<VariantResult> = open.variants.into_iter().flatten().collect();
        let verdict = judge::worst(variants.iter().map(|variant| &variant.verdict)).cloned();
        let mut notes: Vec<String> = Vec::new();
        for variant in &variants {
            let remarks = variant.attempts.last().map(remarks).unwrap_or_default();
            for remark in remarks {
                if !notes.contains(&remark) {
                    notes.push(remark);
                }
            }
            if let Verdict::Skipped(reason) = &variant.verdict
                && !matches!(verdict, Some(Verdict::Skipped(_)))
            {
                notes.push(format!("variant {} skipped: {reason}", variant.name));
            }
        }
        let result = CaseResult {
            case,
            verdict: verdict.unwrap_or_else(|| Verdict::Error("the case has no variants".to_owned())),
            duration_ms: u64::try_from(open.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            variants,
            notes,
        };
        on(RunEvent::CaseFinished(&result));
        let place = self
            .order
            .iter()
            .position(|other| other.id == case.id)
            .unwrap_or(usize::MAX);
        self.closed.insert(place, result);
    }

    /// All evidence so far, the controls' first.
    pub(super) fn everything(&self) -> impl Iterator<Item = &Evidence> {
        let walked = self
            .closed
            .values()
            .flat_map(|case| &case.variants)
            .flat_map(|variant| &variant.attempts);
        self.watched.iter().chain(walked.map(|attempt| &attempt.evidence))
    }

    pub(super) fn close(self) -> RunResult {
        RunResult {
            header: self.header,
            preflight: self.preflight,
            controls: self.controls,
            framework: self.framework,
            cases: self.closed.into_values().collect(),
            notices: self.notices,
            aborted: None,
            interrupted: false,
            duration_ms: 0,
        }
    }
}

/// Broken MAYs and remarks of an attempt.
fn remarks(attempt: &Attempt) -> Vec<String> {
    use crate::outcome::{Level, Outcome};
    let remark = |check: &crate::run::CheckResult| match (&check.outcome, check.level) {
        (Outcome::Broken(saw), Level::May) => Some(saw.clone()),
        (Outcome::HoldsWith(remark), _) => Some(remark.clone()),
        _ => None,
    };
    attempt.checks.iter().filter_map(remark).collect()
}

/// What attempts come to together. Two of two decide against the app, one of two is flaky, a pass needs one.
/// `None`: one more attempt is needed.
fn agreed(verdicts: &[&Verdict]) -> Option<Verdict> {
    let count = |wanted: &Verdict| verdicts.iter().filter(|verdict| **verdict == wanted).count();
    let against = count(&Verdict::Fail) + count(&Verdict::Warn);
    let last = *verdicts.last()?;
    match last {
        Verdict::Pass if against == 0 => Some(Verdict::Pass),
        Verdict::Pass => Some(Verdict::Inconclusive(flaky(verdicts))),
        Verdict::Fail if count(&Verdict::Fail) >= 2 => Some(Verdict::Fail),
        // Broken both times, once less badly: what was seen twice is the lesser.
        Verdict::Fail | Verdict::Warn if against >= 2 => Some(Verdict::Warn),
        Verdict::Inconclusive(_) if verdicts.len() >= 2 && against == 0 => Some(last.clone()),
        Verdict::Skipped(_) | Verdict::Error(_) => Some(last.clone()),
        _ if verdicts.len() >= ATTEMPT_LIMIT => Some(Verdict::Inconclusive(flaky(verdicts))),
        _ => None,
    }
}

fn flaky(verdicts: &[&Verdict]) -> String {
    let words: Vec<_> = verdicts.iter().map(|verdict| verdict.word()).collect();
    let reason = verdicts
        .iter()
        .find_map(|verdict| verdict.reason())
        .map(|why| format!(" ({why})"))
        .unwrap_or_default();
    format!("flaky: the attempts came to {}{reason}", words.join(", then "))
}

/// The variant of a case by its index.
pub(super) fn variant(case: &'static Case, index: usize) -> &'static Variant {
    &case.variants[index]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_attempts_decide_against_the_app_and_one_of_two_is_flaky() {
        let pass = Verdict::Pass;
        let fail = Verdict::Fail;
        let unknown = Verdict::Inconclusive("the reason".into());
        assert_eq!(agreed(&[&pass]), Some(Verdict::Pass));
        assert_eq!(agreed(&[&fail]), None);
        assert_eq!(agreed(&[&fail, &fail]), Some(Verdict::Fail));
        assert!(matches!(agreed(&[&fail, &pass]), Some(Verdict::Inconclusive(_))));
        assert_eq!(agreed(&[&unknown]), None);
        assert_eq!(agreed(&[&unknown, &pass]), Some(Verdict::Pass));
        assert_eq!(agreed(&[&unknown, &fail]), None);
        assert_eq!(agreed(&[&unknown, &fail, &fail]), Some(Verdict::Fail));
        assert_eq!(agreed(&[&unknown, &unknown]), Some(unknown.clone()));
    }
}
