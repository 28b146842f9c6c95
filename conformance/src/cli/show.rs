//! `conformance show`, `diff`, `rejudge` and `report`: stored runs, read back.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{CommandError, DiffArgs, RejudgeArgs, ReportArgs, ReportCommand, ShowArgs, run, terminal};
use crate::{
    config, exit,
    report::{
        block,
        difference::{self, Kind as Change},
        document::Run,
        exchange, har,
        kind::{self, Kind, Source},
        look::{Tone, in_json},
        merge, past, rejudge,
        store::{self, Stored, write_whole},
        summary,
    },
    suggest::several,
};

/// The folder of the nearest configuration, or the current one.
pub(super) fn config_folder() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let found = here.ancestors().find(|folder| folder.join(config::FILE_NAME).is_file());
    found.map_or_else(|| here.clone(), Path::to_owned)
}

/// The run that is named. That it was read from the journal is said.
pub(super) fn stored(name: &str) -> Result<Stored, CommandError> {
    let stored = past::named(name, &config_folder()).map_err(|error| CommandError::Usage(error.to_string()))?;
    if let Some(why) = &stored.from_journal {
        run::narrate(&format!("read from the journal: {why}"));
    }
    Ok(stored)
}

pub(super) fn show(args: &ShowArgs) -> Result<u8, CommandError> {
    let mut stored = stored(&args.run)?;
    if let Some(id) = &args.case {
        if stored.run.case(id).is_none() {
            let judged = stored.run.cases.iter().map(|case| case.id.as_str());
            let meant = match several(id, judged, 1).as_slice() {
                [meant, ..] => format!("; did you mean {meant}?"),
                [] => String::new(),
            };
            return Err(CommandError::Usage(format!(
                "the run {} did not judge `{id}`{meant}",
                stored.run.run.id
            )));
        }
        stored.run.cases.retain(|case| case.id == *id);
    }
    let text = text(args, &stored)?;
    match &args.output {
        Some(path) => write_whole(path, &text).map_err(|source| run::unwritable(path, source))?,
        None => io::stdout().write_all(text.as_bytes())?,
    }
    Ok(exit::CLEAN)
}

fn text(args: &ShowArgs, stored: &Stored) -> Result<String, CommandError> {
    let source = Source {
        run: &stored.run,
        folder: Some(stored.folder.clone()),
    };
    if args.format == "har" {
        return archive(args, &source);
    }
    let kind = Kind::parse(&args.format).map_err(CommandError::Usage)?;
    if kind != Kind::Text {
        return kind.render(&source).map_err(CommandError::Usage);
    }
    let look = terminal::look(args.look.look);
    let case = stored.run.cases.first().filter(|_| args.case.is_some());
    Ok(match case {
        Some(case) if case.verdict.is_finding() => block::of_case(case, &look, args.look.verbose.max(1)),
        Some(case) => format!(
            "{} {}   {}  {}\n{}",
            look.paint(Tone::of(case.verdict), case.verdict.as_str()),
            case.id,
            case.level,
            case.title,
            case.reason
                .as_deref()
                .map(|reason| format!("     {reason}\n"))
                .unwrap_or_default()
        ),
        None => kind::text(&stored.run, &look, args.look.verbose),
    })
}

/// Both legs of the case's last attempt, of its first variant that was not well, or of the first.
fn archive(args: &ShowArgs, source: &Source<'_>) -> Result<String, CommandError> {
    let (Some(_), Some(case)) = (&args.case, source.run.cases.first()) else {
        return Err(CommandError::Usage(
            "a HAR is of one case: add --case callback/state-missing".to_owned(),
        ));
    };
    let evidence = match &source.folder {
        Some(folder) => store::read_evidence(folder, case).map_err(|error| CommandError::Usage(error.to_string()))?,
        None => store::CaseEvidence::default(),
    };
    let bad = case.bad_variants().next().map(|variant| variant.name.clone());
    let own = evidence
        .variants
        .iter()
        .find(|own| bad.as_ref().is_none_or(|name| own.name == *name))
        .and_then(|own| own.attempts.last());
    let exchanges = own.map(exchange::exchanges).unwrap_or_default();
    Ok(in_json(&format!("{:#}\n", har::log(&exchanges, &source.run.run.tool))))
}

/// Red when something broke.
pub(super) fn diff(args: &DiffArgs) -> Result<u8, CommandError> {
    let (old, new) = (stored(&args.old)?, stored(&args.new)?);
    let look = terminal::look(args.look);
    let found = difference::between(&old.run, &new.run);
    let mut text = String::new();
    for own in &found {
        let tone = match own.kind {
            Change::Broken | Change::Otherwise => Tone::Bad,
            Change::Lost => Tone::Doubt,
            Change::Fixed => Tone::Good,
            Change::Changed => Tone::Faint,
        };
        text.push_str(&format!(
            "{} {}\n     {}\n",
            look.paint(tone, own.kind.word()),
            look.paint(Tone::Strong, &own.case),
            look.hang(5, &own.text)
        ));
    }
    let only = |one: &Run, other: &Run| one.cases.iter().filter(|case| other.case(&case.id).is_none()).count();
    let (gone, added) = (only(&old.run, &new.run), only(&new.run, &old.run));
    let count = |kind| found.iter().filter(|own| own.kind == kind).count();
    text.push_str(&format!(
        "{} broke, {} fail differently, {} fixed, {} undecided, {} changed; {gone} only in {}, {added} only in {}\n",
        count(Change::Broken),
        count(Change::Otherwise),
        count(Change::Fixed),
        count(Change::Lost),
        count(Change::Changed),
        old.run.run.id,
        new.run.run.id,
    ));
    io::stdout().write_all(text.as_bytes())?;
    let is_worse = count(Change::Broken) + count(Change::Otherwise) > 0;
    Ok(if is_worse { exit::FAILED } else { exit::CLEAN })
}

/// Judges again, and says where this version comes to something else.
pub(super) fn rejudge(args: &RejudgeArgs) -> Result<u8, CommandError> {
    let stored = stored(&args.run)?;
    let look = terminal::look(args.look);
    let again = rejudge::rejudge(&stored);
    let mut out = io::stdout();
    for (case, why) in &again.kept {
        writeln!(out, "{}  {case}: {why}", look.paint(Tone::Faint, "as it was"))?;
    }
    for own in difference::between(&stored.run, &again.run) {
        writeln!(
            out,
            "{} {}\n     {}",
            look.paint(Tone::Doubt, "differs"),
            look.paint(Tone::Strong, &own.case),
            look.hang(5, &own.text)
        )?;
    }
    writeln!(out, "{}", summary::last_line(&again.run))?;
    Ok(again.run.exit_code)
}

pub(super) fn report(args: &ReportArgs) -> Result<u8, CommandError> {
    match &args.command {
        ReportCommand::Schema => {
            let schema = Run::schema();
            writeln!(io::stdout(), "{schema:#}")?;
            Ok(exit::CLEAN)
        }
        ReportCommand::Merge {
            parts,
            out,
            report,
            look,
        } => {
            let stored = parts
                .iter()
                .map(|part| self::stored(&part.display().to_string()))
                .collect::<Result<Vec<_>, _>>()?;
            let merged = merge::merge(&stored).map_err(|error| CommandError::Usage(error.to_string()))?;
            merge::keep(&merged, &stored, out).map_err(|source| run::unwritable(out, source))?;
            let source = Source {
                run: &merged,
                folder: Some(out.clone()),
            };
            for request in report {
                run::write_report(request, &source)?;
            }
            let look = (terminal::look(look.look), look.verbose);
            io::stdout().write_all(kind::text(&merged, &look.0, look.1).as_bytes())?;
            Ok(merged.exit_code)
        }
    }
}
