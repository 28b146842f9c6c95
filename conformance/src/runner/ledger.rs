//! What the run has found so far: attempts per variant, verdicts per case, evidence for the watching cases.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Instant,
};

use super::{
    options::{Listener, Options},
    stage::Starts,
};
use crate::{
    abridge::abridge,
    case::Case,
    evidence::Evidence,
    outcome::Verdict,
    run::{
        Attempt, CaseResult, Control, ControlTriple, Header, LeftOut, Preflight, RunEvent, RunResult, VariantResult,
    },
    target::Config,
    verdict::{self, Judgement},
};

/// A variant by its case and its index there.
type Place = (&'static Case, usize);

/// The book of a run.
pub(super) struct Ledger {
    header: Header,
    order: Vec<&'static Case>,
    open: HashMap<&'static str, OpenCase>,
    closed: BTreeMap<usize, CaseResult>,
    preflight: Vec<Preflight>,
    controls: Vec<Control>,
    notices: Vec<String>,
    left_out: Vec<LeftOut>,
    framework: Option<(String, String)>,
    starts: Arc<Starts>,
    /// Evidence of controls and twins, for the watching cases; that of cases is in their attempts.
    watched: Vec<Evidence>,
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
            left_out: Vec::new(),
            framework: None,
            starts: Arc::default(),
            watched: Vec::new(),
        }
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    pub(super) fn set_issuer(&mut self, issuer: &str) {
        issuer.clone_into(&mut self.header.issuer);
    }

    /// Starts of the app are counted there.
    pub(super) fn count(&mut self, starts: &Arc<Starts>) {
        self.starts = Arc::clone(starts);
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

    /// How long the first control took.
    pub(super) fn control_time(&self) -> std::time::Duration {
        let first = self.controls.first().map_or(0, |control| control.duration_ms);
        std::time::Duration::from_millis(first)
    }

    pub(super) fn notice(&mut self, text: String, on: &mut Listener<'_>) {
        on(RunEvent::Notice(text.clone()));
        self.notices.push(text);
    }

    /// Something of a case is left out although it may apply.
    pub(super) fn left_out(&mut self, left_out: LeftOut) {
        if !self.left_out.contains(&left_out) {
            self.left_out.push(left_out);
        }
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
        (case, variant): Place,
        mut evidence: Evidence,
        judgement: Judgement,
        control: ControlTriple,
        on: &mut Listener<'_>,
    ) -> Next {
        if let Some(why) = evidence.beyond.first() {
            self.left_out(LeftOut {
                case: case.id,
                why: why.clone(),
            });
        }
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
        let judgements: Vec<&Judgement> = attempts.iter().map(|(_, judgement)| judgement).collect();
        let Some(verdict) = verdict::agreed(&judgements) else {
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

    /// Takes in a judgement that stands as it is: the same evidence would be judged the same again. `evidence` is the walk
    /// that shows it best.
    pub(super) fn judged(
        &mut self,
        (case, variant): Place,
        mut evidence: Evidence,
        judgement: Judgement,
        control: ControlTriple,
        on: &mut Listener<'_>,
    ) {
        abridge(&mut evidence);
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
            evidence,
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
        let (verdict, notes) = verdict::of_case(case, &variants);
        let result = CaseResult {
            case,
            verdict,
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

    /// Takes in a control or a twin. It is kept as evidence of cases is, and judged by watching cases in that form.
    pub(super) fn watch(&mut self, mut evidence: Evidence) {
        abridge(&mut evidence);
        self.watched.push(evidence);
    }

    /// The controls and twins so far.
    pub(super) fn watched(&self) -> &[Evidence] {
        &self.watched
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
            left_out: self.left_out,
            notices: self.notices,
            starts: self.starts.count(),
            aborted: None,
            interrupted: false,
            duration_ms: 0,
        }
    }
}
