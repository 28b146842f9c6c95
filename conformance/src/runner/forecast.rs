//! How long a run will take, said before its cases are walked: sign-ins at the pace of those that were just made, starts of the
//! app, and the waiting that some cases are about. Pure.

use std::time::Duration;

use super::{
    plan::{Manner, Plan},
    task::{Task, Width},
};
use crate::{report::summary::seconds, shard::sign_ins};

/// What was measured so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    /// A sign-in, with as many others beside it as the app bears.
    pub(super) beside: Duration,
    /// A sign-in by itself, with its sign-out.
    pub(super) alone: Duration,
    /// A start of the app; `None`: it cannot be started by the harness.
    pub(super) start: Option<Duration>,
    /// Whether its copies start one after the other.
    pub(super) in_turn: bool,
    /// How long an app is waited for that waits for the authorization server.
    pub(super) patience: Duration,
    /// Whether fresh apps, and a copy that is kept waiting, work while the main app is walked.
    pub(super) at_once: bool,
    /// Sign-ins a minute, of all apps together, where an app limits them.
    pub(super) pace: Option<u32>,
}

/// What is to be walked.
#[derive(Debug)]
pub(super) struct Ahead {
    /// Side by side.
    pub(super) beside: Vec<Task>,
    /// One after the other.
    pub(super) alone: Vec<Task>,
    /// On fresh apps.
    pub(super) fresh: Vec<Task>,
}

/// An estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forecast {
    sign_ins: u32,
    starts: u32,
    /// Without waiting.
    least: Duration,
    /// Where every app that is kept waiting waits as long as it is waited for.
    most: Duration,
}

impl Ahead {
    /// What that comes to, where nothing fails and is walked again. `fresh` is how many fresh apps there are at once.
    pub(super) fn forecast(&self, measured: Measured, width: Width, fresh: Width) -> Forecast {
        let (beside, held_beside) = counted(&self.beside);
        let (alone, held_alone) = counted(&self.alone);
        let (on_fresh, held_on_fresh) = counted(&self.fresh);
        let on_main = measured.beside * beside + measured.alone * alone;
        let (elsewhere, starts) = match measured.start {
            Some(start) => {
                let manner = Manner {
                    fetches_at_once: true,
                    can_rest: true,
                };
                let starts = whole(Plan::of(&self.fresh, manner).starts());
                // Each walk is followed by a plain sign-in.
                let work = start * starts + measured.alone * 2 * on_fresh;
                let shared = work / whole(fresh.jobs.max(1));
                let least = if measured.in_turn {
                    shared.max(start * starts)
                } else {
                    shared
                };
                (least, starts)
            }
            None => (measured.alone * on_fresh, 0),
        };
        let rounds = |held: u32, width: Width| held.div_ceil(whole(width.waiting.max(1)));
        let [beside_held, alone_held, fresh_held] =
            [rounds(held_beside, width), held_alone, rounds(held_on_fresh, fresh)]
                .map(|rounds| measured.patience * rounds);
        let sign_ins = beside + alone + on_fresh;
        let (least, most) = match (measured.pace, measured.at_once) {
            // Whatever else takes time is done while the next sign-in has to wait.
            (Some(pace), _) => {
                let least = Duration::from_secs(60) * sign_ins / pace.max(1);
                let waits = [beside_held, alone_held, fresh_held];
                (least, waits.into_iter().fold(least, Duration::max))
            }
            (None, true) => {
                let least = on_main.max(elsewhere);
                let most = [on_main + alone_held, beside_held, elsewhere + fresh_held];
                (least, most.into_iter().fold(least, Duration::max))
            }
            (None, false) => {
                let least = on_main + elsewhere;
                (least, least + beside_held + alone_held + fresh_held)
            }
        };
        Forecast {
            sign_ins,
            starts,
            least,
            most,
        }
    }
}

impl Forecast {
    /// Whether it is long enough to be told.
    pub(super) fn is_long(&self) -> bool {
        self.most >= Duration::from_secs(10)
    }

    /// `about 1200 sign-ins and 25 starts of the app: 40 s, or up to 95 s where …`.
    pub(super) fn sentence(&self) -> String {
        let told = |time: Duration| seconds(u64::try_from(time.as_millis()).unwrap_or(u64::MAX).div_ceil(1000) * 1000);
        let starts = match self.starts {
            0 => String::new(),
            starts => format!(" and {starts} starts of the app"),
        };
        let waiting = match self.most > self.least {
            true => format!(
                ", and up to {} where it waits for answers that come late or never",
                told(self.most)
            ),
            false => String::new(),
        };
        format!(
            "about {} sign-ins{starts} lie ahead: some {}{waiting}; what fails is walked again",
            self.sign_ins,
            told(self.least)
        )
    }
}

/// How many sign-ins these walks make, and how many of them let the app wait.
fn counted(tasks: &[Task]) -> (u32, u32) {
    let sum: u64 = tasks.iter().map(|task| sign_ins(task.variant().script).max(1)).sum();
    let held = tasks.iter().filter(|task| task.waits()).count();
    (u32::try_from(sum).unwrap_or(u32::MAX), whole(held))
}

fn whole(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    fn tasks(id: &str) -> Vec<Task> {
        let case = catalog::all().find(|case| case.id == id).unwrap();
        let task = |variant| Task {
            case,
            variant,
            attempt: 1,
        };
        (0..case.variants.len()).map(task).collect()
    }

    const MEASURED: Measured = Measured {
        beside: Duration::from_millis(100),
        alone: Duration::from_millis(300),
        start: Some(Duration::from_secs(2)),
        in_turn: false,
        patience: Duration::from_secs(15),
        at_once: false,
        pace: None,
    };
    const WIDTH: Width = Width { jobs: 4, waiting: 16 };
    const ONE_BY_ONE: Width = Width { jobs: 1, waiting: 0 };

    #[test]
    fn sign_ins_starts_and_waiting_are_all_counted() {
        let (id_entropy, late) = (tasks("session/id-entropy"), tasks("token-response/slow"));
        let many = sign_ins(id_entropy[0].variant().script);
        assert!(many >= 50, "{many}");
        let ahead = |beside: &[Task], fresh: &[Task]| Ahead {
            beside: beside.to_vec(),
            alone: Vec::new(),
            fresh: fresh.to_vec(),
        };
        let plain = ahead(&id_entropy, &[]).forecast(MEASURED, WIDTH, WIDTH);
        assert_eq!(u64::from(plain.sign_ins), many);
        assert_eq!(
            (plain.least, plain.most),
            (MEASURED.beside * plain.sign_ins, plain.least)
        );
        assert!(!plain.sentence().contains("starts") && !plain.sentence().contains("up to"));
        // One round of waiting where many may wait at once, and as many as there are where none may.
        let beside = ahead(&late, &[]).forecast(MEASURED, WIDTH, WIDTH);
        assert_eq!(beside.most - beside.least, MEASURED.patience);
        let one_by_one = ahead(&late, &[]).forecast(MEASURED, ONE_BY_ONE, WIDTH);
        assert!(one_by_one.most - one_by_one.least > MEASURED.patience);
        let fresh = ahead(&[], &tasks("discovery/malformed")).forecast(MEASURED, WIDTH, ONE_BY_ONE);
        assert!(
            fresh.starts >= 1 && fresh.least >= Duration::from_secs(2) * fresh.starts,
            "{fresh:?}"
        );
        assert!(
            fresh.sentence().contains("starts of the app lie ahead: some "),
            "{}",
            fresh.sentence()
        );
        // Copies that start one after the other take as long as all their starts.
        let slow_to_start = Measured {
            in_turn: true,
            ..MEASURED
        };
        let three = Width { jobs: 3, waiting: 12 };
        let all_fresh = ahead(&[], &tasks("discovery/malformed"));
        let in_turn = all_fresh.forecast(slow_to_start, WIDTH, three);
        assert!(in_turn.least >= Duration::from_secs(2) * in_turn.starts, "{in_turn:?}");
        assert!(all_fresh.forecast(MEASURED, WIDTH, three).least < in_turn.least);
        // Beside one another, what takes longest decides.
        let company = Measured {
            at_once: true,
            ..MEASURED
        };
        let everything = ahead(
            &[late.clone(), id_entropy.clone()].concat(),
            &tasks("discovery/malformed"),
        );
        let (together, in_turn) = (
            everything.forecast(company, WIDTH, WIDTH),
            everything.forecast(MEASURED, WIDTH, WIDTH),
        );
        assert!(
            together.least < in_turn.least && together.most < in_turn.most,
            "{together:?} {in_turn:?}"
        );
        assert!(together.most >= MEASURED.patience.max(together.least), "{together:?}");
        // At a pace, that is what decides.
        let slow = Measured {
            pace: Some(10),
            ..MEASURED
        };
        let paced = everything.forecast(slow, WIDTH, WIDTH);
        assert_eq!(paced.least, Duration::from_secs(6) * paced.sign_ins);
        // Somebody else started it: nothing is started.
        let running = Measured {
            start: None,
            ..MEASURED
        };
        assert_eq!(
            ahead(&[], &tasks("discovery/malformed"))
                .forecast(running, WIDTH, WIDTH)
                .starts,
            0
        );
    }
}
