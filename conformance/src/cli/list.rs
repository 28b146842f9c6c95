//! `conformance list`: the catalogue, or a part of it, without running anything.

use std::io::{self, Write};

use clap::ValueEnum;
use serde_json::{Value, json};

use super::{CommandError, ListArgs, terminal};
use crate::{
    case::{Case, Lane},
    catalog, config, describe, exit,
    habits::{self, Habit},
    outcome::Level,
    report::{
        look::{Look, Tone},
        past::Earlier,
    },
    select::{self, Selector},
};

/// How the list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
    Md,
}

pub(super) fn list(args: &ListArgs) -> Result<u8, CommandError> {
    if args.habits {
        io::stdout().write_all(habits(args).as_bytes())?;
        return Ok(exit::CLEAN);
    }
    let selectors = args
        .selectors
        .iter()
        .map(|text| Selector::parse(text))
        .collect::<Result<Vec<_>, _>>()?;
    let here = std::env::current_dir()?;
    let folder = here
        .ancestors()
        .find(|folder| folder.join(config::FILE_NAME).is_file())
        .unwrap_or(&here);
    let cases: Vec<&'static Case> = if selectors.is_empty() {
        catalog::all().collect()
    } else {
        let earlier = Earlier::of(folder, None);
        let state = earlier.state(&folder.join(config::FILE_NAME), folder);
        select::select(&selectors, &earlier.past(&state))?.cases
    };
    let look = terminal::look(args.look);
    let text = match args.format {
        Format::Text => as_text(&cases, &look),
        Format::Json => format!("{:#}\n", Value::Array(cases.iter().map(|case| as_json(case)).collect())),
        Format::Md => as_markdown(&cases),
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(if cases.is_empty() {
        exit::NOTHING_SELECTED
    } else {
        exit::CLEAN
    })
}

/// One line per case under its group, and the sums.
fn as_text(cases: &[&Case], look: &Look) -> String {
    let width = cases.iter().map(|case| case.id.len()).max().unwrap_or_default();
    let mut text = String::new();
    let mut group = "";
    for case in cases {
        if case.group() != group {
            group = case.group();
            let count = cases.iter().filter(|other| other.group() == group).count();
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&format!("{} ({count})\n", look.paint(Tone::Strong, group)));
        }
        let lane = match case.lane {
            Lane::Parallel | Lane::Watch => String::new(),
            lane => look.paint(Tone::Faint, &format!("  [{}]", lane_words(lane))),
        };
        let (level, positive) = (case.level.to_string(), if case.positive { "+" } else { " " });
        text.push_str(&format!(
            "  {:<width$}  {level:<6} {positive} {}{lane}\n",
            case.id,
            look.text(case.title)
        ));
    }
    let of = |wanted: &[Level]| cases.iter().filter(|case| wanted.contains(&case.level)).count();
    let variants: usize = cases.iter().map(|case| case.variants.len()).sum();
    text.push_str(&format!(
        "\n{} cases, {variants} variants: {} MUST, {} SHOULD, {} MAY   (+ the app must accept)\n",
        cases.len(),
        of(&[Level::Must, Level::MustStar]),
        of(&[Level::Should]),
        of(&[Level::May]),
    ));
    text
}

fn as_json(case: &Case) -> Value {
    json!({
        "id": case.id,
        "title": case.title,
        "level": case.level,
        "positive": case.positive,
        "why": case.why,
        "lane": case.lane,
        "needs": case.needs,
        "variants": case.variants.iter().map(|variant| variant.name).collect::<Vec<_>>(),
        "refs": case.spec.iter().map(|clause| json!({ "clause": clause.to_string(), "url": clause.url() })).collect::<Vec<_>>(),
        "maps": case.explain.maps,
    })
}

fn as_markdown(cases: &[&Case]) -> String {
    let cell = |text: &str| text.replace('|', "\\|");
    let mut text = "| Case | Level | What | Needs | Clauses |\n|---|---|---|---|---|\n".to_owned();
    for case in cases {
        let clauses: Vec<String> = case
            .spec
            .iter()
            .map(|clause| format!("[{clause}]({})", clause.url()))
            .collect();
        let mut needs = describe::needs(case);
        if !matches!(case.lane, Lane::Parallel | Lane::Watch) {
            needs.push(lane_words(case.lane).to_owned());
        }
        text.push_str(&format!(
            "| `{}` | {} | {} | {} | {} |\n",
            case.id,
            case.level,
            cell(case.title),
            cell(&needs.join(", ")),
            cell(&clauses.join(", "))
        ));
    }
    text
}

/// The habits of right apps that every case has met.
fn habits(args: &ListArgs) -> String {
    let habits: Vec<Habit> = habits::all().collect();
    match args.format {
        Format::Text => habits_as_text(&habits, &terminal::look(args.look)),
        Format::Json => format!("{:#}\n", Value::Array(habits.iter().map(habit_as_json).collect())),
        Format::Md => habits_as_markdown(&habits),
    }
}

fn habits_as_text(habits: &[Habit], look: &Look) -> String {
    let width = habits.iter().map(|habit| habit.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for Habit { name, does, said, .. } in habits {
        text.push_str(&format!("{name:<width$}  {}\n", look.text(does)));
        if !said.is_empty() {
            let said = format!("{:width$}  said all the same: {}", "", look.text(said));
            text.push_str(&format!("{}\n", look.paint(Tone::Faint, &said)));
        }
    }
    let met = habits.iter().map(|habit| habit.passed + habit.skipped).sum::<usize>();
    text.push_str(&format!(
        "\n{} habits of right apps met {met} cases without a fail; where a case warns or decides nothing, it says so above\n",
        habits.len(),
    ));
    text
}

fn habit_as_json(habit: &Habit) -> Value {
    json!({
        "name": habit.name,
        "does": habit.does,
        "passed": habit.passed,
        "skipped": habit.skipped,
        "said": habit.said,
    })
}

fn habits_as_markdown(habits: &[Habit]) -> String {
    let mut text = "| Habit | What the app does | Said all the same |\n|---|---|---|\n".to_owned();
    for Habit { name, does, said, .. } in habits {
        text.push_str(&format!("| `{name}` | {does} | {said} |\n"));
    }
    text
}

/// What a lane means for somebody who waits for it.
pub(super) const fn lane_words(lane: Lane) -> &'static str {
    match lane {
        Lane::Watch => "watches only",
        Lane::Parallel => "in parallel",
        Lane::Alone => "alone",
        Lane::Server => "server-wide fault",
        Lane::Restart => "needs a restart",
        Lane::Slow => "slow: only when asked for",
    }
}
