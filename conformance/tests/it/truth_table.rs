//! The law of verdicts as tables. Each table is read from the top: the first row that fits decides. `_` fits everything.
//! Every combination is looked up, and every row is needed.

use conformance::verdict::{
    law::{
        After, Attempt, Because, Before, Came, Checks, Delivery, ProfileStatus, Required, Ruling, Settled, Steps, Twin,
        Word, attempt, case, profile, variant,
    },
    words::LAW,
};

const BEFORE: [Before; 2] = [Before::Worked, Before::Failed];
const TWIN: [Twin; 3] = [Twin::Accepted, Twin::NotNeeded, Twin::Refused];
const STEPS: [Steps; 3] = [Steps::Taken, Steps::NotTaken, Steps::BeyondDriver];
const DELIVERY: [Delivery; 3] = [Delivery::Seen, Delivery::NotSeen, Delivery::Unused];
const AFTER: [After; 4] = [After::Worked, After::Failed, After::BrokeShould, After::BrokeMust];
const CHECKS: [Checks; 6] = [
    Checks::Hold,
    Checks::MayBroken,
    Checks::Absent,
    Checks::NotAnswered,
    Checks::ShouldBroken,
    Checks::MustBroken,
];

/// One attempt.
///
/// ```text
/// control   twin      steps           fault or   control        checks           verdict
/// before                              edit       after
/// ```
const ATTEMPT: &str = "
failed    _         _               _          _              _                inconclusive: the control before
_         refused   _               _          _              _                inconclusive: the twin
_         _         _               _          broke (must)   _                fail
_         _         beyond driver   _          _              _                skipped: the steps
_         _         taken           seen       broke (should) MUST broken      fail
_         _         _               _          broke (should) _                warn
_         _         not taken       _          _              _                inconclusive: the steps
_         _         _               unused     _              _                skipped: the delivery
_         _         _               not seen   _              _                inconclusive: the delivery
_         _         _               _          failed         _                inconclusive: the control after
_         _         _               _          _              MUST broken      fail
_         _         _               _          _              SHOULD broken    warn
_         _         _               _          _              not answered     inconclusive: the checks
_         _         _               _          _              absent           skipped: the checks
_         _         _               _          _              MAY broken       pass
_         _         _               _          _              hold             pass
";

/// Where the columns of [`ATTEMPT`] begin.
const COLUMNS: [usize; 7] = [0, 10, 20, 36, 47, 62, 79];

fn cells(row: &str) -> Vec<&str> {
    let ends = COLUMNS.iter().skip(1).copied().chain([row.len()]);
    COLUMNS
        .iter()
        .zip(ends)
        .map(|(from, to)| row[*from..to].trim())
        .collect()
}

fn shown(it: Attempt) -> [&'static str; 6] {
    [
        match it.before {
            Before::Worked => "worked",
            Before::Failed => "failed",
        },
        match it.twin {
            Twin::Accepted => "accepted",
            Twin::NotNeeded => "not needed",
            Twin::Refused => "refused",
        },
        match it.steps {
            Steps::Taken => "taken",
            Steps::NotTaken => "not taken",
            Steps::BeyondDriver => "beyond driver",
        },
        match it.delivery {
            Delivery::Seen => "seen",
            Delivery::NotSeen => "not seen",
            Delivery::Unused => "unused",
        },
        match it.after {
            After::Worked => "worked",
            After::Failed => "failed",
            After::BrokeShould => "broke (should)",
            After::BrokeMust => "broke (must)",
        },
        match it.checks {
            Checks::Hold => "hold",
            Checks::MayBroken => "MAY broken",
            Checks::Absent => "absent",
            Checks::NotAnswered => "not answered",
            Checks::ShouldBroken => "SHOULD broken",
            Checks::MustBroken => "MUST broken",
        },
    ]
}

fn ruled(ruling: Ruling) -> String {
    let by = |because| match because {
        Because::Before => "the control before",
        Because::Twin => "the twin",
        Because::Steps => "the steps",
        Because::Delivery => "the delivery",
        Because::After => "the control after",
        Because::Checks => "the checks",
    };
    match ruling {
        Ruling::Pass => "pass".to_owned(),
        Ruling::Warn => "warn".to_owned(),
        Ruling::Fail => "fail".to_owned(),
        Ruling::Skipped(because) => format!("skipped: {}", by(because)),
        Ruling::Inconclusive(because) => format!("inconclusive: {}", by(because)),
    }
}

fn every_attempt() -> Vec<Attempt> {
    let mut all = Vec::new();
    for before in BEFORE {
        for twin in TWIN {
            for steps in STEPS {
                for delivery in DELIVERY {
                    for after in AFTER {
                        all.extend(CHECKS.map(|checks| Attempt {
                            before,
                            twin,
                            steps,
                            delivery,
                            after,
                            checks,
                        }));
                    }
                }
            }
        }
    }
    all
}

#[test]
fn every_combination_of_one_attempt_is_in_the_table() {
    let rows: Vec<Vec<&str>> = ATTEMPT.trim().lines().map(cells).collect();
    let all = every_attempt();
    assert_eq!(all.len(), 2 * 3 * 3 * 3 * 4 * 6);
    let mut used = vec![0; rows.len()];
    for it in all {
        let seen = shown(it);
        let fits = |row: &&Vec<&str>| row.iter().zip(seen).all(|(cell, value)| *cell == "_" || *cell == value);
        let row = rows
            .iter()
            .position(|row| fits(&row))
            .unwrap_or_else(|| panic!("no row for {seen:?}"));
        used[row] += 1;
        assert_eq!(ruled(attempt(it)), rows[row][6], "{seen:?}");
    }
    assert!(
        used.iter().all(|count| *count > 0),
        "rows that decide nothing: {used:?}"
    );
}

/// Said once more, independently of the order of the rows.
#[test]
fn nothing_is_claimed_without_everything_that_it_stands_on() {
    for it in every_attempt() {
        let stands = it.before == Before::Worked && it.twin != Twin::Refused;
        let seen = it.steps == Steps::Taken && it.delivery == Delivery::Seen;
        let broke = matches!(it.after, After::BrokeMust | After::BrokeShould);
        match attempt(it) {
            Ruling::Pass => assert!(
                stands && seen && it.after == After::Worked && it.checks <= Checks::MayBroken,
                "{it:?}"
            ),
            Ruling::Fail => assert!(
                stands
                    && (it.after == After::BrokeMust
                        || (seen && it.after != After::Failed && it.checks == Checks::MustBroken)),
                "{it:?}"
            ),
            Ruling::Warn => assert!(
                stands && (broke || (seen && it.after == After::Worked && it.checks == Checks::ShouldBroken)),
                "{it:?}"
            ),
            Ruling::Skipped(_) | Ruling::Inconclusive(_) => {}
        }
    }
}

/// Attempts at one variant, in order. `x` and `y` are the checks that were broken.
const ATTEMPTS: &str = "
(none)                            again
pass                              pass
fail x                            again
warn x                            again
inconclusive                      again
skipped                           skipped
error                             error
fail x, fail x                    fail
warn x, warn x                    warn
fail x, fail y                    differ
warn x, warn y                    differ
fail x, warn x                    differ
warn x, fail x                    differ
fail x, pass                      differ
warn x, pass                      differ
inconclusive, pass                pass
inconclusive, inconclusive        untold
inconclusive, fail x              again
fail x, inconclusive              again
fail x, skipped                   skipped
fail x, error                     error
inconclusive, fail x, fail x      fail
fail x, inconclusive, fail x      fail
warn x, inconclusive, warn x      warn
fail x, inconclusive, fail y      differ
fail x, inconclusive, warn x      differ
fail x, inconclusive, pass        differ
fail x, inconclusive, inconclusive  differ
inconclusive, warn x, inconclusive  differ
";

fn came(word: &str) -> Came<'_> {
    match word.split_once(' ') {
        Some(("fail", check)) => Came::Fail(vec![check]),
        Some(("warn", check)) => Came::Warn(vec![check]),
        _ => match word {
            "pass" => Came::Pass,
            "inconclusive" => Came::Inconclusive,
            "skipped" => Came::Skipped,
            "error" => Came::Error,
            other => panic!("{other}"),
        },
    }
}

#[test]
fn attempts_at_a_variant_come_to_what_the_table_says() {
    for row in ATTEMPTS.trim().lines() {
        let (attempts, wanted) = row.rsplit_once(' ').unwrap();
        let attempts: Vec<Came<'_>> = attempts
            .trim()
            .split(", ")
            .filter(|word| *word != "(none)")
            .map(came)
            .collect();
        let settled = format!("{:?}", variant(&attempts)).to_lowercase();
        assert_eq!(settled, wanted, "{row}");
    }
}

/// Every sequence that a run can make: it goes on while the law says so.
#[test]
fn no_sequence_of_attempts_goes_on_for_ever_or_claims_what_was_seen_once() {
    let one = [
        "pass",
        "warn x",
        "warn y",
        "fail x",
        "fail y",
        "inconclusive",
        "skipped",
        "error",
    ];
    let mut open: Vec<Vec<&str>> = vec![Vec::new()];
    let mut settled = 0;
    while let Some(so_far) = open.pop() {
        assert!(so_far.len() <= 3, "{so_far:?} goes on");
        for word in one {
            let mut attempts = so_far.clone();
            attempts.push(word);
            let came: Vec<Came<'_>> = attempts.iter().copied().map(came).collect();
            let claims = |kind: &str| {
                let same = |check: &str| {
                    attempts
                        .iter()
                        .filter(|word| **word == format!("{kind} {check}"))
                        .count()
                };
                let others = attempts
                    .iter()
                    .filter(|word| !word.starts_with(kind) && **word != "inconclusive")
                    .count();
                (same("x") >= 2 || same("y") >= 2) && others == 0
            };
            settled += 1;
            match variant(&came) {
                Settled::Again => open.push(attempts),
                Settled::Fail => assert!(claims("fail"), "{attempts:?}"),
                Settled::Warn => assert!(claims("warn"), "{attempts:?}"),
                Settled::Pass => assert!(
                    attempts.iter().all(|word| ["pass", "inconclusive"].contains(word)),
                    "{attempts:?}"
                ),
                Settled::Untold | Settled::Differ | Settled::Skipped | Settled::Error => {}
            }
        }
    }
    assert!(settled > 50, "{settled}");
}

/// Two variants of one case.
///
/// ```text
///               skipped       pass          warn          inconclusive  error         fail
/// ```
const CASE: &str = "
skipped       skipped       pass          warn          inconclusive  error         fail
pass          pass          pass          warn          inconclusive  error         fail
warn          warn          warn          warn          inconclusive  error         fail
inconclusive  inconclusive  inconclusive  inconclusive  inconclusive  error         fail
error         error         error         error         error         error         fail
fail          fail          fail          fail          fail          fail          fail
";

const WORDS: [Word; 6] = [
    Word::Skipped,
    Word::Pass,
    Word::Warn,
    Word::Inconclusive,
    Word::Error,
    Word::Fail,
];

#[test]
fn variants_of_a_case_come_to_what_the_table_says() {
    let word = |word: Word| format!("{word:?}").to_lowercase();
    for (row, one) in CASE.trim().lines().zip(WORDS) {
        let cells: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(cells[0], word(one));
        for (cell, other) in cells[1..].iter().zip(WORDS) {
            assert_eq!(
                case([one, other]).map(word).as_deref(),
                Some(*cell),
                "{one:?} {other:?}"
            );
        }
    }
    assert_eq!(case([]), None);
}

/// Two cases that a profile requires.
#[test]
fn a_profile_is_met_only_where_every_required_case_was_judged() {
    use ProfileStatus::{Met, NotAssessed, NotMet};
    use Required::{Failed, Judged, NotJudged};
    for (required, status) in [
        (vec![], NotAssessed),
        (vec![Judged], Met),
        (vec![Judged, Judged], Met),
        (vec![Judged, NotJudged], NotAssessed),
        (vec![NotJudged], NotAssessed),
        (vec![Judged, Failed], NotMet),
        (vec![NotJudged, Failed], NotMet),
        (vec![Failed], NotMet),
    ] {
        assert_eq!(profile(required.clone()), status, "{required:?}");
    }
}

/// The page for people and the page of every case say the same.
#[test]
fn the_architecture_page_holds_the_whole_law_in_words() {
    let folded = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let page = folded(include_str!("../../../ARCHITECTURE.md"));
    for sentence in LAW {
        assert!(
            page.contains(&folded(sentence.text)),
            "ARCHITECTURE.md lacks: {}",
            sentence.text
        );
    }
}
