//! `conformance explain`: everything there is to know about a case, printed from its literal.

use std::io::{self, Write};

use super::{CommandError, ExplainArgs, list::lane_words, terminal};
use crate::{
    case::{Case, Variant},
    catalog, describe, exit,
    report::look::{Look, Tone},
    select::UnknownSelector,
    suggest::several,
};

pub(super) fn explain(args: &ExplainArgs) -> Result<u8, CommandError> {
    let Some(case) = catalog::all().find(|case| case.id == args.case) else {
        let ids = catalog::all().map(|case| case.id);
        return Err(UnknownSelector {
            what: format!("no case is called `{}`", args.case),
            meant: several(&args.case, ids, 3).into_iter().map(str::to_owned).collect(),
        }
        .into());
    };
    let text = if args.md {
        markdown(case)
    } else {
        text(case, &terminal::look(args.look))
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(exit::CLEAN)
}

/// A piece of the page: a heading and its lines. Lines of the second kind are list items.
struct Section {
    heading: &'static str,
    lines: Vec<String>,
    is_list: bool,
}

/// The page for a terminal.
fn text(case: &Case, look: &Look) -> String {
    let mut page = format!(
        "{}   {}\n{}\n",
        look.paint(Tone::Strong, case.id),
        case.level,
        look.text(case.title)
    );
    for section in sections(case) {
        page.push_str(&format!("\n{}\n", look.paint(Tone::Strong, section.heading)));
        for line in section.lines {
            let depth = line.len() - line.trim_start().len();
            let bullet = if section.is_list { "- " } else { "" };
            let indent = 2 + depth + bullet.len();
            page.push_str(&format!(
                "{}{bullet}{}\n",
                " ".repeat(2 + depth),
                look.hang(indent, line.trim_start())
            ));
        }
    }
    page
}

/// The page as Markdown.
fn markdown(case: &Case) -> String {
    let mut page = format!("# {}\n\n**{}** · {}\n", case.id, case.level, case.title);
    for section in sections(case) {
        page.push_str(&format!("\n## {}\n\n", section.heading));
        for line in section.lines {
            let depth = line.len() - line.trim_start().len();
            let bullet = if section.is_list { "- " } else { "" };
            let end = if section.is_list { "\n" } else { "  \n" };
            page.push_str(&format!("{}{bullet}{}{end}", " ".repeat(depth), line.trim_start()));
        }
    }
    page
}

fn sections(case: &Case) -> Vec<Section> {
    let prose = |heading, text: &str| Section {
        heading,
        lines: text.lines().map(|line| line.trim().to_owned()).collect(),
        is_list: false,
    };
    let list = |heading, lines| Section {
        heading,
        lines,
        is_list: true,
    };
    let mut sections = vec![
        prose("Why it matters", case.why),
        prose("What happens", case.explain.story),
    ];
    sections.push(list("What is sent, and how it is decided", variants(case)));
    sections.push(prose("What a right app does", case.explain.right));
    sections.push(prose("When this could be a false alarm", case.explain.false_alarm));
    let mut terms = vec![format!("runs {}", lane_words(case.lane))];
    if case.positive {
        terms.push("the app must accept: rejecting is the failure".to_owned());
    }
    let needs = describe::needs(case);
    if !needs.is_empty() {
        terms.push(format!(
            "skipped unless the control sign-in showed: {}",
            needs.join(", ")
        ));
    }
    sections.push(list("Terms", terms));
    sections.push(list(
        "Clauses",
        case.spec
            .iter()
            .map(|clause| format!("{clause}   {}", clause.url()))
            .collect(),
    ));
    if !case.explain.maps.is_empty() {
        sections.push(list(
            "Known elsewhere as",
            case.explain.maps.iter().map(|id| (*id).to_owned()).collect(),
        ));
    }
    sections.retain(|section| !section.lines.is_empty());
    sections
}

/// What every variant does, and what each does on its own. A variant's own lines stand one level deeper.
fn variants(case: &Case) -> Vec<String> {
    let all: Vec<(&str, Vec<String>)> = case
        .variants
        .iter()
        .map(|variant| (variant.name, lines(variant)))
        .collect();
    if let [(_, only)] = all.as_slice() {
        return only.clone();
    }
    let in_all = |line: &&String| all.iter().all(|(_, lines)| lines.contains(*line));
    let first = all.first().map(|(_, lines)| lines.as_slice()).unwrap_or_default();
    let mut text = Vec::new();
    if first.iter().any(|line| in_all(&line)) {
        text.push("in every variant".to_owned());
        let mut is_marked = false;
        for line in first {
            if in_all(&line) {
                text.push(format!("  {line}"));
            } else if !is_marked {
                is_marked = true;
                text.push("  (here the variant's own part)".to_owned());
            }
        }
    }
    for (name, lines) in &all {
        let own: Vec<&String> = lines.iter().filter(|line| !in_all(line)).collect();
        match own.as_slice() {
            [] => text.push((*name).to_owned()),
            [only] => text.push(format!("{name}: {only}")),
            several => {
                text.push((*name).to_owned());
                text.extend(several.iter().map(|line| format!("  {line}")));
            }
        }
    }
    text
}

/// Steps, faults and checks of a variant.
fn lines(variant: &Variant) -> Vec<String> {
    let mut lines = describe::steps(variant.script);
    lines.extend(
        describe::faults(variant)
            .into_iter()
            .map(|fault| format!("authorization server: {fault}")),
    );
    lines.extend(describe::checks(variant));
    lines
}
