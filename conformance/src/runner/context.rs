//! What all lanes share: who is to be walked, what is known, and where verdicts go.

use std::cell::RefCell;

use super::{
    control::Known,
    ledger::{Ledger, Next},
    options::{Driver, Listener, Options},
    stage::Org,
    task::Task,
    twins::Twins,
};
use crate::{
    case::Case,
    evidence::Evidence,
    outcome::Verdict,
    run::{self, LeftOut, RunEvent},
    target::Config,
    verdict::{Cause, Control, Controls, Judgement},
    walk::{beyond_browsers, beyond_pace},
};

/// What all lanes share. Lanes that go on beside each other take turns where they wait, and write into one book.
pub(super) struct Context<'c, 'l> {
    pub(super) config: &'c Config,
    pub(super) options: &'c Options,
    pub(super) known: &'c Known,
    pub(super) twins: &'c Twins,
    pub(super) org: &'c Org,
    book: RefCell<Book<'c, 'l>>,
}

/// Where everything is entered, and who hears of it.
struct Book<'c, 'l> {
    ledger: &'c mut Ledger,
    on: &'c mut Listener<'l>,
    /// Ids of the causes that the run has told already.
    told: Vec<&'static str>,
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
            book: RefCell::new(Book {
                ledger,
                on,
                told: Vec::new(),
            }),
        }
    }

    /// Enters something. Nobody waits in here, so nobody else holds the book.
    pub(super) fn enter<T>(&self, write: impl FnOnce(&mut Ledger, &mut Listener<'l>) -> T) -> T {
        let book = &mut *self.book.borrow_mut();
        write(book.ledger, book.on)
    }

    /// Tells whoever listens, and keeps nothing.
    pub(super) fn say(&self, event: RunEvent<'_>) {
        self.enter(|_, on| on(event));
    }

    /// Says something about the run, which is kept.
    pub(super) fn notice(&self, text: String) {
        self.enter(|ledger, on| ledger.notice(text, on));
    }

    /// A walk of this case begins.
    pub(super) fn started(&self, case: &'static Case) {
        self.enter(|ledger, on| ledger.started(case, on));
    }

    /// A lane's first plain sign-in.
    pub(super) fn control(&self, control: run::Control) {
        self.enter(|ledger, on| ledger.control(control, on));
    }

    /// Keeps a control or a twin for the watching cases.
    pub(super) fn watch(&self, evidence: Evidence) {
        self.enter(|ledger, _| ledger.watch(evidence));
    }

    /// Takes in an attempt. Says whether another one is needed.
    pub(super) fn attempt(&self, task: Task, evidence: Evidence, judgement: Judgement, controls: &Controls) -> Next {
        let place = (task.case, task.variant);
        self.enter(|ledger, on| ledger.attempt(place, evidence, judgement, controls.into(), on))
    }

    /// Gives a variant a verdict that needs no walk.
    pub(super) fn decide(&self, case: &'static Case, variant: usize, verdict: Verdict) {
        self.enter(|ledger, on| ledger.settle(case, variant, verdict, on));
    }

    /// Gives every variant of these cases the same reason for being left out.
    pub(super) fn leave_out(&self, cases: Vec<&'static Case>, reason: &str) {
        for case in cases {
            for index in 0..case.variants.len() {
                self.skip(case, index, reason.to_owned());
            }
        }
    }

    /// Skips a variant that may apply to the app.
    fn skip(&self, case: &'static Case, index: usize, why: String) {
        let left_out = LeftOut {
            case: case.id,
            why: why.clone(),
        };
        self.enter(|ledger, _| ledger.left_out(left_out));
        self.decide(case, index, Verdict::Skipped(why));
    }

    /// The variants that are to be walked; the others get their verdict here.
    pub(super) fn tasks(&self, cases: &[&'static Case]) -> Vec<Task> {
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
                    self.decide(case, variant, verdict);
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

    /// A variant that cannot be judged.
    pub(super) fn inconclusive(&self, task: Task, reason: String) {
        self.decide(task.case, task.variant, Verdict::Inconclusive(reason));
    }

    /// A walk that panicked is a bug of the harness, and says nothing about the app.
    pub(super) fn settle_bug(&self, task: Task) {
        let text = "the harness has a bug: this walk panicked (see standard error)";
        self.decide(task.case, task.variant, Verdict::Error(text.to_owned()));
    }

    /// Says a cause that holds for the whole run, once. Says whether it is such a cause.
    pub(super) fn tell(&self, cause: &Cause) -> bool {
        let Some(notice) = cause.notice(self.org.pace.below()) else {
            return false;
        };
        let book = &mut *self.book.borrow_mut();
        if !book.told.contains(&cause.id()) {
            book.told.push(cause.id());
            book.ledger.notice(notice, book.on);
        }
        true
    }

    pub(super) fn seed(&self, task: Task) -> u64 {
        task.seed(self.options.seed)
    }
}
