//! What was said of each habit, as a table that can be checked in. A run of some habits leaves the rows of the others.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use flawed_app::{Habit, config::ResponseMode};

const SKIPPED: &str = "## Why cases were skipped";

/// Whoever was left alone, in the order in which the trials ended.
#[derive(Default)]
pub(crate) struct Seen(pub(crate) Vec<Met>);

/// What a habit, or a pair of them, met.
pub(crate) struct Met {
    pub(crate) habits: Vec<Habit>,
    pub(crate) mode: ResponseMode,
    pub(crate) passed: usize,
    pub(crate) skipped: BTreeMap<&'static str, String>,
    pub(crate) said: BTreeMap<&'static str, String>,
}

impl Met {
    /// The first cell of its row.
    fn name(&self) -> String {
        let names: Vec<String> = self.habits.iter().map(|habit| format!("`{habit}`")).collect();
        let post = match self.mode {
            ResponseMode::Query => "",
            ResponseMode::FormPost => " and responses by form post",
        };
        format!("{}{post}", names.join(" and "))
    }

    /// The other cells: passed, skipped, what was said and why that is fair.
    fn counts(&self) -> String {
        let said = self.said.iter().map(|(case, what)| format!("`{case}` {what}"));
        let said = said.collect::<Vec<_>>().join("; ").replace('|', "\\|");
        format!("{} | {} | {said}", self.passed, self.skipped.len())
    }
}

impl Seen {
    /// The table that stood in this file, with what was seen now in it.
    pub(crate) fn written_over(&self, before: &str) -> String {
        let (rows, reasons) = before.split_once(SKIPPED).unwrap_or((before, ""));
        // First cell → the other cells.
        let mut rows: BTreeMap<String, String> = rows.lines().filter_map(cells).collect();
        let mut reasons: BTreeMap<String, BTreeSet<String>> = reasons.lines().filter_map(reason).collect();
        for met in &self.0 {
            rows.insert(met.name(), met.counts());
            for (case, reason) in &met.skipped {
                let cases = reasons.entry(reason.replace('|', "\\|")).or_default();
                cases.insert(format!("`{case}`"));
            }
        }
        let mut habits = String::new();
        for habit in Habit::ALL {
            if let Some(counts) = rows.remove(&format!("`{habit}`")) {
                _ = writeln!(habits, "| `{habit}` | {} | {counts} |", habit.description());
            }
        }
        // What is left are pairs; a habit that is no more has none.
        rows.retain(|name, _| name.contains(" and "));
        let pairs: String = rows
            .iter()
            .map(|(name, counts)| format!("| {name} | {counts} |\n"))
            .collect();
        let reasons: String = reasons
            .iter()
            .map(|(reason, cases)| {
                let cases: Vec<&str> = cases.iter().map(String::as_str).collect();
                format!("| {reason} | {} |\n", cases.join(", "))
            })
            .collect();
        format!(
            "# Habits: what right apps do, and what no case may call wrong\n\n\
             Written by the tests themselves; do not edit. From the root of the repository:\n\n\
             ```sh\nHABITS=full HABITS_OUT=\"$PWD/conformance/HABITS.md\" cargo test --release -p conformance --test matrix -- habit::\n```\n\n\
             {} of {} habits and {} pairs met every case that does not wait for declared times, and none of them ended in a *fail*. A \
             *warn*, and what came to nothing, stands in the last column with the reason why that is fair; all else passed, or was \
             skipped for the reason below. The habits are code in `fixtures/flawed-app`: `flawed-app --habit NAME` has one.\n\n\
             | habit | what the app does | passed | skipped | what a case says, and why |\n|---|---|---|---|---|\n{habits}\n\
             ## Pairs\n\n| pair | passed | skipped | what a case says, and why |\n|---|---|---|---|\n{pairs}\n\
             {SKIPPED}\n\n| reason | cases |\n|---|---|\n{reasons}",
            habits.lines().count(),
            Habit::ALL.len(),
            rows.len(),
        )
    }
}

/// Name and counts of a row; the sentence of a habit is left out.
fn cells(line: &str) -> Option<(String, String)> {
    let cells: Vec<&str> = line.strip_prefix("| `")?.strip_suffix('|')?.splitn(5, " | ").collect();
    let (name, counts) = match cells.as_slice() {
        [name, _, passed, skipped, said] if passed.parse::<usize>().is_ok() => (name, [passed, skipped, said]),
        [name, passed, skipped, said] if passed.parse::<usize>().is_ok() => (name, [passed, skipped, said]),
        _ => return None,
    };
    let [passed, skipped, said] = counts;
    Some((format!("`{name}"), format!("{passed} | {skipped} | {}", said.trim())))
}

/// A reason and the cases that were skipped for it.
fn reason(line: &str) -> Option<(String, BTreeSet<String>)> {
    let (reason, cases) = line.strip_prefix("| ")?.strip_suffix(" |")?.rsplit_once(" | `")?;
    let cases = format!("`{cases}").split(", ").map(str::to_owned).collect();
    Some((reason.to_owned(), cases))
}
