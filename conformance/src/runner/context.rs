//! What all lanes share: who is to be walked, what is known, and where verdicts go.

use super::{
    control::Known,
    ledger::{Ledger, Next},
    options::{Driver, Listener, Options},
    stage::{Org, Stage},
    task::{Task, Walked},
    twins::Twins,
};
use crate::{
    case::Case,
    outcome::Verdict,
    run::LeftOut,
    target::Config,
    verdict::{Afterwards, Cause, Control, Controls, judge},
    walk::{beyond_browsers, beyond_pace, refresh_records},
};

/// What all lanes share.
pub(super) struct Context<'c, 'l> {
    pub(super) config: &'c Config,
    pub(super) options: &'c Options,
    pub(super) known: &'c Known,
    pub(super) twins: &'c Twins,
    pub(super) org: &'c Org,
    pub(super) ledger: &'c mut Ledger,
    pub(super) on: &'c mut Listener<'l>,
    /// The last plain sign-in of the main app that worked.
    pub(super) before: Control,
    /// Ids of the causes that the run has told already.
    told: Vec<&'static str>,
    /// Whether the app limits requests or locks people out: then its walks are made one at a time.
    pub(super) is_limited: bool,
    /// Why the main app cannot be walked any more.
    ended: Option<String>,
}

impl<'c, 'l> Context<'c, 'l> {
    pub(super) fn new(
        (config, options): (&'c Config, &'c Options),
        (known, twins): (&'c Known, &'c Twins),
        org: &'c Org,
        ledger: &'c mut Ledger,
        on: &'c mut Listener<'l>,
    ) -> Self {
        Self {
            config,
            options,
            known,
            twins,
            org,
            ledger,
            on,
            before: known.before(),
            told: Vec::new(),
            is_limited: false,
            ended: None,
        }
    }

    /// Gives every variant of these cases the same reason for being left out.
    pub(super) fn leave_out(&mut self, cases: Vec<&'static Case>, reason: &str) {
        for case in cases {
            for index in 0..case.variants.len() {
                self.skip(case, index, reason.to_owned());
            }
        }
    }

    /// Skips a variant that may apply to the app.
    fn skip(&mut self, case: &'static Case, index: usize, why: String) {
        self.ledger.left_out(LeftOut {
            case: case.id,
            why: why.clone(),
        });
        self.ledger.settle(case, index, Verdict::Skipped(why), self.on);
    }

    /// The variants that are to be walked; the others get their verdict here.
    pub(super) fn tasks(&mut self, cases: &[&'static Case]) -> Vec<Task> {
        let mut tasks = Vec::new();
        for case in cases {
            for variant in 0..case.variants.len() {
                let task = Task {
                    case,
                    variant,
                    attempt: 1,
                };
                if let Some(reason) = self.choice(task) {
                    self.skip(case, variant, reason);
                } else if let Some(verdict) = self.known_verdict(task) {
                    self.ledger.settle(case, variant, verdict, self.on);
                } else {
                    tasks.push(task);
                }
            }
        }
        tasks
    }

    /// The variants of these cases that will be walked, as far as is known.
    pub(super) fn foreseen(&self, cases: &[&'static Case]) -> Vec<Task> {
        let all = cases.iter().copied().flat_map(|case| {
            (0..case.variants.len()).map(move |variant| Task {
                case,
                variant,
                attempt: 1,
            })
        });
        all.filter(|task| self.choice(*task).is_none() && self.known_verdict(*task).is_none())
            .collect()
    }

    /// Why a variant is left out by choice: of the configuration, or of the driver.
    fn choice(&self, task: Task) -> Option<String> {
        let skipped = self.config.run.skip.iter().find(|skip| {
            skip.case
                .parse::<crate::select::Selector>()
                .is_ok_and(|selector| selector.is_about(task.case))
        });
        if let Some(skip) = skipped {
            return Some(format!("left out by the configuration: {}", skip.reason));
        }
        if self.known.lacks(task.case, task.variant()).is_some() {
            return None;
        }
        let script = task.variant().script;
        let pace = self.org.pace.per_minute();
        if let Some(why) = pace.and_then(|pace| beyond_pace(script, pace)) {
            return Some(why);
        }
        if self.options.driver == Driver::Http {
            return None;
        }
        beyond_browsers(script, self.config.target.javascript)
    }

    /// The verdict of a variant that need not be walked.
    fn known_verdict(&self, task: Task) -> Option<Verdict> {
        let lacks = self.known.lacks(task.case, task.variant());
        lacks.or_else(|| match self.twins.of(task.variant()) {
            Control::Refused(why) => Some(Verdict::Inconclusive(why)),
            Control::Worked(_) | Control::NotNeeded => None,
        })
    }

    /// Judges a walk of the main app by the control after it. Says whether the variant is to be walked again.
    pub(super) fn settle(&mut self, stage: &Stage, walked: Walked, after: Afterwards) -> Option<Task> {
        let Walked {
            task,
            mut evidence,
            mark,
        } = walked;
        refresh_records(&stage.world.idp, &stage.world.server, &mut evidence);
        let controls = Controls {
            before: self.before.clone(),
            twin: self.twins.of(task.variant()),
            after,
        };
        let judgement = judge(task.case, task.variant(), self.options.profile, &evidence, &controls);
        if judgement.verdict != Verdict::Pass {
            evidence.app_output = stage.output_since(mark);
            evidence.app_lines = stage.lines_since(mark);
        }
        let next = self.ledger.attempt(
            (task.case, task.variant),
            evidence,
            judgement,
            (&controls).into(),
            self.on,
        );
        (next == Next::Again).then_some(task.again())
    }

    /// A variant that cannot be judged.
    pub(super) fn inconclusive(&mut self, task: Task, reason: String) {
        self.ledger
            .settle(task.case, task.variant, Verdict::Inconclusive(reason), self.on);
    }

    /// A walk that panicked is a bug of the harness, and says nothing about the app.
    pub(super) fn settle_bug(&mut self, task: Task) {
        let verdict = Verdict::Error("the harness has a bug: this walk panicked (see standard error)".to_owned());
        self.ledger.settle(task.case, task.variant, verdict, self.on);
    }

    /// Says a cause that holds for the whole run, once.
    pub(super) fn tell(&mut self, cause: &Cause) {
        let Some(notice) = cause.notice(self.org.pace.below()) else {
            return;
        };
        self.is_limited = true;
        if !self.told.contains(&cause.id()) {
            self.told.push(cause.id());
            self.ledger.notice(notice, self.on);
        }
    }

    /// The main app is broken for good: what has not been judged on it cannot be.
    pub(super) fn end(&mut self, why: String) {
        self.ledger
            .notice(format!("the walks of the running app end here: {why}"), self.on);
        self.ended = Some(why);
    }

    /// Whether the main app cannot be walked any more; then the task gets its verdict.
    pub(super) fn has_ended(&mut self, task: Task) -> bool {
        let Some(why) = self.ended.clone() else { return false };
        self.inconclusive(task, format!("not walked: {why}"));
        true
    }

    pub(super) fn seed(&self, task: Task) -> u64 {
        task.seed(self.options.seed)
    }
}
