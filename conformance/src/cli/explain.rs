//! `conformance explain`: everything there is to know about a case, printed from its literal and from what the rooms
//! `remedy` and `elsewhere` know about it.

use std::io::{self, Write};

use super::{CommandError, ExplainArgs, terminal};
use crate::{
    case::Case,
    catalog,
    config::{self, reference},
    exit,
    explain::{self, Fixes, Line, Section},
    remedy::Framework,
    report::{
        look::{Look, Tone},
        store,
    },
    suggest::several,
};

/// Whose snippets are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    All,
    One(Framework),
}

/// `all`, or a framework by one of its names.
pub(super) fn choice(text: &str) -> Result<Choice, String> {
    if text == "all" {
        return Ok(Choice::All);
    }
    Framework::parse(text).map(Choice::One).ok_or_else(|| {
        let names = Framework::ALL.iter().map(|framework| framework.name());
        let names: Vec<&str> = names.chain(["all"]).collect();
        let meant = match several(text, names.iter().copied(), 1).as_slice() {
            [name, ..] => format!("did you mean {name}? "),
            [] => String::new(),
        };
        format!("{meant}known are {}", names.join(", "))
    })
}

pub(super) fn explain(args: &ExplainArgs) -> Result<u8, CommandError> {
    if args.case == "config" {
        return config_keys(args);
    }
    if let Some(key) = &args.key {
        return Err(CommandError::Usage(format!(
            "`{key}` is too much: only `conformance explain config` takes a key"
        )));
    }
    let Some(case) = catalog::all().find(|case| case.id == args.case) else {
        let meant = several(&args.case, catalog::all().map(|case| case.id), 3);
        let meant = if meant.is_empty() {
            "`conformance list` shows them all".to_owned()
        } else {
            format!("did you mean {}?", meant.join(", "))
        };
        return Err(CommandError::Usage(format!(
            "no case is called `{}`; {meant}",
            args.case
        )));
    };
    let fixes = match args.framework {
        Some(Choice::One(framework)) => Fixes::For(framework, None),
        Some(Choice::All) => Fixes::ForAll,
        None if args.md => Fixes::ForAll,
        None => guessed(),
    };
    let page = explain::page(case, &fixes);
    let text = if args.md {
        explain::markdown(case, &fixes)
    } else {
        text(case, &page, &terminal::look(args.look))
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(exit::CLEAN)
}

/// `conformance explain config [KEY]`: the reference of `conformance.toml`, or a part of it.
fn config_keys(args: &ExplainArgs) -> Result<u8, CommandError> {
    if args.md {
        io::stdout().write_all(reference::markdown().as_bytes())?;
        return Ok(exit::CLEAN);
    }
    let Some(page) = reference::text(args.key.as_deref()) else {
        let wrong = args.key.as_deref().unwrap_or_default();
        let meant = several(wrong, reference::topics(), 3);
        let meant = match meant.as_slice() {
            [] => "`conformance explain config` shows them all".to_owned(),
            names => format!("did you mean {}?", names.join(", ")),
        };
        return Err(CommandError::Usage(format!(
            "conformance.toml has no key or table `{wrong}`; {meant}"
        )));
    };
    io::stdout().write_all(page.as_bytes())?;
    Ok(exit::CLEAN)
}

/// What the last run of the nearest configuration says about the framework.
fn guessed() -> Fixes {
    let here = std::env::current_dir().unwrap_or_default();
    let folder = here.ancestors().find(|folder| folder.join(config::FILE_NAME).is_file());
    let last = folder.and_then(store::last_framework);
    match last.and_then(|(name, why)| Some((Framework::parse(&name)?, why))) {
        Some((framework, why)) => Fixes::For(framework, Some(why)),
        None => Fixes::Names,
    }
}

/// The page for a terminal.
fn text(case: &Case, page: &[Section], look: &Look) -> String {
    let mut text = format!(
        "{}   {}\n{}\n",
        look.paint(Tone::Strong, case.id),
        case.level,
        look.hang(0, case.title)
    );
    for section in page {
        text.push_str(&format!("\n{}\n", look.paint(Tone::Strong, section.heading)));
        for line in &section.lines {
            let (indent, line) = match line {
                Line::Text(line) => (2, look.hang(2, line)),
                Line::Item(depth, line) => {
                    let indent = 2 + 2 * depth;
                    (indent, format!("- {}", look.hang(indent + 2, line)))
                }
                Line::Title(title) => {
                    text.push('\n');
                    (2, look.paint(Tone::Strong, &look.hang(2, title)))
                }
                Line::Code(_, code) => {
                    text.push('\n');
                    for line in code.lines() {
                        let line = look.text(&line.replace('\t', "    "));
                        text.push_str(format!("    {line}").trim_end());
                        text.push('\n');
                    }
                    text.push('\n');
                    continue;
                }
            };
            text.push_str(&format!("{}{line}\n", " ".repeat(indent)));
        }
    }
    text.replace("\n\n\n", "\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_fits_a_terminal_of_eighty_columns() {
        let look = Look {
            width: Some(80),
            ..Look::default()
        };
        for case in catalog::all() {
            let page = text(case, &explain::page(case, &Fixes::ForAll), &look);
            for line in page.lines() {
                // A word that is longer than a line, such as an address, cannot be wrapped.
                let words = line.trim_start().trim_start_matches("- ").split(' ').count();
                let columns = line.chars().count();
                assert!(columns <= 80 || words == 1, "{}, {columns} columns: {line}", case.id);
            }
        }
    }
}
