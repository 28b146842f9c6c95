//! What the matrix has seen, as a table that can be checked in.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use conformance::{catalog, outcome::Verdict, run::RunResult};
use flawed_app::{Flaw, config::ResponseMode};

/// All trials so far, in the order in which they ended.
#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

/// One trial.
pub(crate) enum Row {
    Clean {
        setting: String,
        mode: ResponseMode,
        passed: BTreeSet<&'static str>,
        skipped: BTreeMap<&'static str, String>,
    },
    Flawed {
        flaw: Flaw,
        mode: ResponseMode,
        met: Met,
    },
    Aborted(Flaw, ResponseMode),
}

/// What a flaw met in one response mode.
#[derive(Default)]
pub(crate) struct Met {
    cases: usize,
    red: BTreeMap<&'static str, &'static str>,
    undecided: BTreeMap<&'static str, String>,
}

impl Row {
    pub(crate) fn clean(setting: &str, mode: ResponseMode, result: &RunResult) -> Self {
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
            mode,
            passed,
            skipped,
        }
    }

    pub(crate) fn flawed(flaw: Flaw, mode: ResponseMode, result: &RunResult) -> Self {
        let mut met = Met {
            cases: result.cases.len(),
            ..Met::default()
        };
        for case in &result.cases {
            match &case.verdict {
                Verdict::Fail | Verdict::Warn => _ = met.red.insert(case.case.id, case.verdict.word()),
                Verdict::Inconclusive(reason) | Verdict::Error(reason) => {
                    met.undecided.insert(case.case.id, reason.clone());
                }
                Verdict::Pass | Verdict::Skipped(_) => {}
            }
        }
        Self::Flawed { flaw, mode, met }
    }

    pub(crate) const fn aborted(flaw: Flaw, mode: ResponseMode) -> Self {
        Self::Aborted(flaw, mode)
    }
}

impl Table {
    pub(crate) fn push(&mut self, row: Row) {
        self.0.push(row);
    }
}

/// All that is known of one flaw, by response mode: `None` within means that nothing was judged, absent that it was not tried.
type Modes<'t> = BTreeMap<ResponseMode, Option<&'t Met>>;

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut flawed: BTreeMap<Flaw, Modes<'_>> = BTreeMap::new();
        for row in &self.0 {
            match row {
                Row::Flawed { flaw, mode, met } => _ = flawed.entry(*flaw).or_default().insert(*mode, Some(met)),
                Row::Aborted(flaw, mode) => _ = flawed.entry(*flaw).or_default().insert(*mode, None),
                Row::Clean { .. } => {}
            }
        }
        writeln!(
            f,
            "# The matrix: what each flaw turned red\n\n\
             Written by the tests themselves; do not edit. From the root of the repository:\n\n\
             ```sh\nMATRIX={} MATRIX_OUT=\"$PWD/conformance/MATRIX.md\" cargo test --release -p conformance --test matrix\n```\n\n\
             With `MATRIX=both` each flaw meets its own cases, their neighbours and a sample of the others in both response modes; \
             with `MATRIX=full` it meets all of them.\n",
            std::env::var("MATRIX").unwrap_or_else(|_| "both".to_owned())
        )?;
        let count = |mode| {
            let of_mode = flawed.values().filter_map(|modes| modes.get(&mode));
            let (flaws, cases) = of_mode.fold((0, 0), |(flaws, cases), met| {
                (flaws + 1, cases + met.map_or(0, |met| met.cases))
            });
            format!("{flaws} flaws met {cases} cases")
        };
        writeln!(
            f,
            "In an app that takes its authorization responses in the query, {}; in one that takes them by form post \
             (`response_mode=form_post`), {}. Everything red is declared by its flaw in \
             `fixtures/flawed-app/src/flaw/table.rs` (what form post spares, in `flaw.rs` beside it), and everything declared is \
             red, or the trial fails; the cases that a race decides are named in `conformance/tests/matrix/main.rs`. Flaws that \
             share a root cause share cases.\n",
            count(ResponseMode::Query),
            count(ResponseMode::FormPost)
        )?;
        self.clean(f)?;
        writeln!(
            f,
            "## Flaw by flaw\n\n| flaw | mistake | cases met | red | by form post |\n|---|---|---|---|---|"
        )?;
        for (flaw, modes) in &flawed {
            let (cases, red) = match modes.get(&ResponseMode::Query) {
                Some(Some(met)) => (met.cases.to_string(), listed(met.red.iter())),
                Some(None) => ("0".to_owned(), ABORTED.to_owned()),
                None => (String::new(), "not tried".to_owned()),
            };
            let posted = by_form_post(*flaw, modes);
            writeln!(f, "| `{flaw}` | {} | {cases} | {red} | {posted} |", flaw.description())?;
        }
        writeln!(
            f,
            "\n## Case by case\n\n| case | turned red by | by form post by |\n|---|---|---|"
        )?;
        for case in catalog::all() {
            let by = |mode| {
                let names = flawed.iter().filter_map(|(flaw, modes)| match modes.get(&mode)? {
                    Some(met) => met.red.contains_key(case.id).then(|| format!("`{flaw}`")),
                    None => flaw
                        .reddens()
                        .contains(&case.id)
                        .then(|| format!("`{flaw}` (by its control)")),
                });
                names.collect::<Vec<_>>().join(", ")
            };
            let (query, posted) = (by(ResponseMode::Query), by(ResponseMode::FormPost));
            let posted = match posted == query {
                true => "the same".to_owned(),
                false => posted,
            };
            writeln!(f, "| `{}` | {query} | {posted} |", case.id)?;
        }
        undecided(f, &flawed)
    }
}

const ABORTED: &str = "none: the control fails, so that nothing is judged and the run says so";

fn listed<'c>(red: impl Iterator<Item = (&'c &'static str, &'c &'static str)>) -> String {
    red.map(|(id, word)| format!("`{id}` {word}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// What was red by form post, told as the difference to the query.
fn by_form_post(flaw: Flaw, modes: &Modes<'_>) -> String {
    let (query, posted) = match (modes.get(&ResponseMode::Query), modes.get(&ResponseMode::FormPost)) {
        (_, None) => return "not tried".to_owned(),
        (_, Some(None)) => return "the control fails".to_owned(),
        (Some(Some(query)), Some(Some(posted))) => (query, posted),
        (_, Some(Some(posted))) => return listed(posted.red.iter()),
    };
    let more = listed(posted.red.iter().filter(|(id, _)| !query.red.contains_key(*id)));
    let less: Vec<String> = query
        .red
        .keys()
        .filter(|id| !posted.red.contains_key(*id))
        .map(|id| format!("`{id}`"))
        .collect();
    let mut told = Vec::new();
    if !more.is_empty() {
        told.push(format!("also {more}"));
    }
    if !less.is_empty() {
        let why = flaw.spared_by_form_post().map_or("", |(_, why)| why);
        told.push(format!("without {}: {why}", less.join(", ")));
    }
    match told.is_empty() {
        true => "the same".to_owned(),
        false => told.join("; "),
    }
}

impl Table {
    fn clean(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "## The app without a flaw\n\n| setting | responses | passed | skipped |\n|---|---|---|---|"
        )?;
        let mut rows: Vec<_> = self
            .0
            .iter()
            .filter_map(|row| match row {
                Row::Clean {
                    setting,
                    mode,
                    passed,
                    skipped,
                } => Some((*mode, setting, passed, skipped)),
                _ => None,
            })
            .collect();
        rows.sort_by_key(|(mode, setting, ..)| (*mode, setting.as_str()));
        for (mode, setting, passed, skipped) in &rows {
            let mode = match mode {
                ResponseMode::Query => "in the query",
                ResponseMode::FormPost => "by form post",
            };
            let skipped: Vec<String> = skipped.iter().map(|(id, why)| format!("`{id}`: {why}")).collect();
            writeln!(f, "| {setting} | {mode} | {} | {} |", passed.len(), skipped.join("; "))?;
        }
        let nowhere: Vec<String> = catalog::all()
            .map(|case| case.id)
            .filter(|id| !rows.iter().any(|(_, _, passed, _)| passed.contains(id)))
            .map(|id| format!("`{id}`"))
            .collect();
        let nowhere = match nowhere.is_empty() {
            true => "none".to_owned(),
            false => nowhere.join(", "),
        };
        writeln!(f, "\nCases that passed in no setting: {nowhere}.\n")
    }
}

/// What a flaw made undecidable: not red, and not passed either.
fn undecided(f: &mut fmt::Formatter<'_>, flawed: &BTreeMap<Flaw, Modes<'_>>) -> fmt::Result {
    writeln!(
        f,
        "\n## Inconclusive beside a flaw\n\n| flaw | responses | case | reason |\n|---|---|---|---|"
    )?;
    for (flaw, modes) in flawed {
        for (mode, met) in modes {
            let mode = match mode {
                ResponseMode::Query => "in the query",
                ResponseMode::FormPost => "by form post",
            };
            let undecided = met.iter().flat_map(|met| &met.undecided);
            for (id, reason) in undecided {
                writeln!(f, "| `{flaw}` | {mode} | `{id}` | {} |", reason.replace('|', "\\|"))?;
            }
        }
    }
    Ok(())
}
