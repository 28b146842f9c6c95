//! What the matrix has seen, as a table that can be checked in.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use conformance::{catalog, outcome::Verdict, run::RunResult};
use flawed_app::Flaw;

/// All trials so far, in the order in which they ended.
#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

/// One trial.
pub(crate) enum Row {
    Clean {
        setting: String,
        passed: BTreeSet<&'static str>,
        skipped: BTreeMap<&'static str, String>,
    },
    Flawed {
        flaw: Flaw,
        met: usize,
        red: BTreeMap<&'static str, &'static str>,
        undecided: BTreeMap<&'static str, String>,
    },
    Aborted(Flaw),
}

impl Row {
    pub(crate) fn clean(setting: &str, result: &RunResult) -> Self {
        let mut skipped = BTreeMap::new();
        let mut passed = BTreeSet::new();
        for case in &result.cases {
            match &case.verdict {
                Verdict::Pass => _ = passed.insert(case.case.id),
                Verdict::Skipped(reason) => _ = skipped.insert(case.case.id, reason.clone()),
                _ => {}
            }
        }
        Self::Clean {
            setting: setting.to_owned(),
            passed,
            skipped,
        }
    }

    pub(crate) fn flawed(flaw: Flaw, result: &RunResult) -> Self {
        let mut red = BTreeMap::new();
        let mut undecided = BTreeMap::new();
        for case in &result.cases {
            match &case.verdict {
                Verdict::Fail | Verdict::Warn => _ = red.insert(case.case.id, case.verdict.word()),
                Verdict::Inconclusive(reason) | Verdict::Error(reason) => {
                    undecided.insert(case.case.id, reason.clone());
                }
                Verdict::Pass | Verdict::Skipped(_) => {}
            }
        }
        Self::Flawed {
            flaw,
            met: result.cases.len(),
            red,
            undecided,
        }
    }

    pub(crate) const fn aborted(flaw: Flaw) -> Self {
        Self::Aborted(flaw)
    }
}

impl Table {
    pub(crate) fn push(&mut self, row: Row) {
        self.0.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut flawed: Vec<_> = self
            .0
            .iter()
            .filter_map(|row| match row {
                Row::Flawed {
                    flaw,
                    met,
                    red,
                    undecided,
                } => Some((*flaw, Some((*met, red, undecided)))),
                Row::Aborted(flaw) => Some((*flaw, None)),
                Row::Clean { .. } => None,
            })
            .collect();
        flawed.sort_by_key(|(flaw, _)| *flaw);
        writeln!(
            f,
            "# The matrix: what each flaw turned red\n\n\
             Written by the tests themselves; do not edit. From the root of the repository:\n\n\
             ```sh\nMATRIX=full MATRIX_OUT=\"$PWD/conformance/MATRIX.md\" cargo test --release -p conformance --test matrix\n```\n"
        )?;
        let met = flawed
            .iter()
            .filter_map(|(_, row)| row.map(|(met, ..)| met))
            .sum::<usize>();
        writeln!(
            f,
            "{} flaws met {met} cases. Everything red is declared by its flaw in `fixtures/flawed-app/src/flaw/table.rs`, \
             and everything declared is red, or the trial fails; the cases that a race decides are named in \
             `conformance/tests/matrix/main.rs`. Flaws that share a root cause share cases.\n",
            flawed.len()
        )?;
        self.clean(f)?;
        writeln!(
            f,
            "## Flaw by flaw\n\n| flaw | mistake | cases met | red |\n|---|---|---|---|"
        )?;
        for (flaw, row) in &flawed {
            match row {
                Some((met, red, _)) => {
                    let red: Vec<String> = red.iter().map(|(id, word)| format!("`{id}` {word}")).collect();
                    writeln!(f, "| `{flaw}` | {} | {met} | {} |", flaw.description(), red.join(", "))?;
                }
                None => {
                    let text = "none: the control fails, so that nothing is judged and the run says so";
                    writeln!(f, "| `{flaw}` | {} | 0 | {text} |", flaw.description())?;
                }
            }
        }
        writeln!(f, "\n## Case by case\n\n| case | turned red by |\n|---|---|")?;
        for case in catalog::all() {
            let by: Vec<String> = flawed
                .iter()
                .filter(|(flaw, row)| match row {
                    Some((_, red, _)) => red.contains_key(case.id),
                    None => flaw.reddens().contains(&case.id),
                })
                .map(|(flaw, row)| match row {
                    Some(_) => format!("`{flaw}`"),
                    None => format!("`{flaw}` (by its control)"),
                })
                .collect();
            writeln!(f, "| `{}` | {} |", case.id, by.join(", "))?;
        }
        self.undecided(f, &flawed)
    }
}

/// A flaw with how many cases it met, what was red and what came to nothing; `None` where nothing was judged.
type Met<'t> = (
    Flaw,
    Option<(
        usize,
        &'t BTreeMap<&'static str, &'static str>,
        &'t BTreeMap<&'static str, String>,
    )>,
);

impl Table {
    fn clean(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "## The app without a flaw\n\n| setting | passed | skipped |\n|---|---|---|"
        )?;
        let mut rows: Vec<_> = self
            .0
            .iter()
            .filter_map(|row| match row {
                Row::Clean {
                    setting,
                    passed,
                    skipped,
                } => Some((setting, passed, skipped)),
                _ => None,
            })
            .collect();
        rows.sort_by_key(|(setting, ..)| setting.as_str());
        for (setting, passed, skipped) in &rows {
            let skipped: Vec<String> = skipped.iter().map(|(id, why)| format!("`{id}`: {why}")).collect();
            writeln!(f, "| {setting} | {} | {} |", passed.len(), skipped.join("; "))?;
        }
        let nowhere: Vec<String> = catalog::all()
            .map(|case| case.id)
            .filter(|id| !rows.iter().any(|(_, passed, _)| passed.contains(id)))
            .map(|id| format!("`{id}`"))
            .collect();
        let nowhere = match nowhere.is_empty() {
            true => "none".to_owned(),
            false => nowhere.join(", "),
        };
        writeln!(f, "\nCases that passed in no setting: {nowhere}.\n")
    }

    /// What a flaw made undecidable: not red, and not passed either.
    fn undecided(&self, f: &mut fmt::Formatter<'_>, flawed: &[Met<'_>]) -> fmt::Result {
        writeln!(
            f,
            "\n## Inconclusive beside a flaw\n\n| flaw | case | reason |\n|---|---|---|"
        )?;
        for (flaw, row) in flawed {
            let Some((_, _, undecided)) = row else { continue };
            for (id, reason) in undecided.iter() {
                writeln!(f, "| `{flaw}` | `{id}` | {} |", reason.replace('|', "\\|"))?;
            }
        }
        Ok(())
    }
}
