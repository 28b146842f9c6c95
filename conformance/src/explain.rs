//! What there is to know about a case, as sections: `explain` prints them, reports may as well.

use crate::{
    case::{Case, Variant},
    describe,
    elsewhere::Known,
    remedy::{self, Framework},
    verdict::words,
};

/// Whose fix snippets a page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fixes {
    /// Those of one framework; when nobody asked for it, with how the last run found it out.
    For(Framework, Option<String>),
    /// Those of every framework.
    ForAll,
    /// None, only how to ask for them.
    Names,
}

/// A piece of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its heading.
    pub heading: &'static str,
    /// What stands under it; never empty.
    pub lines: Vec<Line>,
}

/// A line, or a block, of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Prose.
    Text(String),
    /// An item of a list, this deep.
    Item(usize, String),
    /// A heading within the section.
    Title(String),
    /// Code in this language, as Markdown names it.
    Code(&'static str, &'static str),
}

/// Every section of a case, in order; every case has all of them.
#[must_use]
pub fn page(case: &Case, fixes: &Fixes) -> Vec<Section> {
    let prose = |heading, text: &str| Section {
        heading,
        lines: text.lines().map(|line| Line::Text(line.trim().to_owned())).collect(),
    };
    let story = if case.positive { "The situation" } else { "The attack" };
    vec![
        prose("Why it matters", case.why),
        prose(story, case.explain.story),
        Section {
            heading: "What is sent",
            lines: sent(case),
        },
        Section {
            heading: "How the verdict is decided",
            lines: decided(case),
        },
        prose("What a right app does", case.explain.right),
        Section {
            heading: "How to fix it",
            lines: fix(case, fixes),
        },
        prose("When this could be a false alarm", case.explain.false_alarm),
        Section {
            heading: "Clauses",
            lines: case
                .spec
                .iter()
                .map(|clause| Line::Item(0, format!("{clause}   {}", clause.url())))
                .collect(),
        },
        Section {
            heading: "Known elsewhere as",
            lines: elsewhere(case),
        },
    ]
}

/// The page as Markdown.
#[must_use]
pub fn markdown(case: &Case, fixes: &Fixes) -> String {
    let mut text = format!("# {}\n\n**{}** · {}\n", case.id, case.level, case.title);
    for section in page(case, fixes) {
        text.push_str(&format!("\n## {}\n\n", section.heading));
        for line in section.lines {
            match line {
                Line::Text(line) => text.push_str(&format!("{line}  \n")),
                Line::Item(depth, line) => text.push_str(&format!("{}- {line}\n", "  ".repeat(depth))),
                Line::Title(title) => text.push_str(&format!("\n### {title}\n\n")),
                Line::Code(language, code) => text.push_str(&format!("\n```{language}\n{code}\n```\n\n")),
            }
        }
    }
    text.replace("\n\n\n", "\n\n")
}

/// What every variant does, and what each does on its own.
fn sent(case: &Case) -> Vec<Line> {
    let all: Vec<(&str, Vec<String>)> = case
        .variants
        .iter()
        .map(|variant| (variant.name, walk(variant)))
        .collect();
    if let [(_, only)] = all.as_slice() {
        return only.iter().map(|line| Line::Item(0, line.clone())).collect();
    }
    let in_all = |line: &&String| all.iter().all(|(_, lines)| lines.contains(*line));
    let first = all.first().map(|(_, lines)| lines.as_slice()).unwrap_or_default();
    let mut text = Vec::new();
    if first.iter().any(|line| in_all(&line)) {
        text.push(Line::Item(0, "in every variant".to_owned()));
        let mut is_marked = false;
        for line in first {
            if in_all(&line) {
                text.push(Line::Item(1, line.clone()));
            } else if !is_marked {
                is_marked = true;
                text.push(Line::Item(1, "(here the variant's own part)".to_owned()));
            }
        }
    }
    for (name, lines) in &all {
        let own: Vec<&String> = lines.iter().filter(|line| !in_all(line)).collect();
        match own.as_slice() {
            [] => text.push(Line::Item(0, (*name).to_owned())),
            [only] => text.push(Line::Item(0, format!("{name}: {only}"))),
            several => {
                text.push(Line::Item(0, (*name).to_owned()));
                text.extend(several.iter().map(|line| Line::Item(1, (*line).clone())));
            }
        }
    }
    text
}

/// Steps and faults of a variant.
fn walk(variant: &Variant) -> Vec<String> {
    let faults = describe::faults(variant);
    let faults = faults.into_iter().map(|fault| format!("authorization server: {fault}"));
    describe::steps(variant.script).into_iter().chain(faults).collect()
}

/// The checks of the variants, and what stands behind a verdict.
fn decided(case: &Case) -> Vec<Line> {
    let mut lines = Vec::new();
    for check in unique(case.variants.iter().flat_map(|variant| describe::checks(case, variant))) {
        let asked: Vec<&str> = case
            .variants
            .iter()
            .filter(|variant| describe::checks(case, variant).contains(&check))
            .map(|variant| variant.name)
            .collect();
        let everywhere = asked.len() == case.variants.len();
        let by = if everywhere {
            String::new()
        } else {
            format!(" ({})", asked.join(", "))
        };
        lines.push(Line::Item(0, format!("{check}{by}")));
    }
    lines.extend(words::about(case).map(|text| Line::Item(0, text.to_owned())));
    lines.extend(
        case.deviation
            .map(|reason| Line::Item(0, format!("Differs from the catalogue: {reason}"))),
    );
    let terms = describe::terms(case);
    lines.extend(terms.into_iter().map(|line| Line::Item(0, line)));
    lines
}

/// What fixes it, with the snippets that are wanted.
fn fix(case: &Case, fixes: &Fixes) -> Vec<Line> {
    let remedies = remedy::remedies(case.id);
    let mut lines = Vec::new();
    if let Fixes::For(framework, Some(why)) = fixes {
        let title = framework.title();
        lines.push(Line::Text(format!(
            "For {title} ({why}, by the last run); `--framework NAME` shows another."
        )));
    }
    for remedy in &remedies {
        lines.push(Line::Title(remedy.title().to_owned()));
        lines.push(Line::Text(remedy.advice().to_owned()));
        let frameworks: &[Framework] = match fixes {
            Fixes::For(framework, _) => std::slice::from_ref(framework),
            Fixes::ForAll => Framework::ALL,
            Fixes::Names => &[],
        };
        for framework in frameworks {
            let snippet = framework.snippet(*remedy);
            lines.push(Line::Item(0, format!("{}: {}", framework.title(), snippet.note)));
            if !snippet.code.is_empty() {
                lines.push(Line::Code(framework.fence(), snippet.code));
            }
        }
    }
    match fixes {
        Fixes::For(framework, _) => lines.push(Line::Text(format!("Written for {}.", framework.version()))),
        Fixes::ForAll => {}
        Fixes::Names => {
            let names: Vec<&str> = Framework::ALL.iter().map(|framework| framework.name()).collect();
            lines.push(Line::Title("In your framework".to_owned()));
            lines.push(Line::Text(format!(
                "conformance explain {} --framework NAME, with one of {}, or all.",
                case.id,
                names.join(", ")
            )));
        }
    }
    lines
}

/// Other suites' tests, vulnerabilities and reports.
fn elsewhere(case: &Case) -> Vec<Line> {
    if case.explain.maps.is_empty() {
        return vec![Line::Text(
            "No other suite for relying parties has it, and no published vulnerability is on record here.".to_owned(),
        )];
    }
    let known = case.explain.maps.iter().map(|id| Known::of(id));
    known
        .map(|known| match known.url() {
            Some(url) => Line::Item(0, format!("{known}   {url}")),
            None => Line::Item(0, known.to_string()),
        })
        .collect()
}

/// Each line once, in the order of first appearance.
fn unique(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut found = Vec::new();
    for line in lines {
        if !found.contains(&line) {
            found.push(line);
        }
    }
    found
}
