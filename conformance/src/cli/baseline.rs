//! `conformance baseline`: what is known and may stay for a while.

use std::io::{self, BufRead, Write};

use super::{BaselineArgs, BaselineCommand, BaselineFile, CommandError, run, show};
use crate::{
    baseline::{Baseline, BaselineError, FILE_NAME},
    catalog, exit,
    report::{finding, look::Look, store::Stored},
};

pub(super) fn baseline(args: &BaselineArgs) -> Result<u8, CommandError> {
    let (BaselineCommand::Accept(file)
    | BaselineCommand::Review(file)
    | BaselineCommand::Prune(file)
    | BaselineCommand::Check(file)) = &args.command;
    let path = match &file.baseline {
        Some(path) => path.clone(),
        None => run::shown(&show::config_folder().join(FILE_NAME)),
    };
    let mut baseline = Baseline::load(&path).map_err(wrong)?;
    match &args.command {
        BaselineCommand::Accept(file) => accept(&mut baseline, file),
        BaselineCommand::Review(file) => review(&mut baseline, file),
        BaselineCommand::Prune(file) => prune(&mut baseline, file),
        BaselineCommand::Check(file) => check(&baseline, file),
    }
}

fn wrong(error: BaselineError) -> CommandError {
    CommandError::Usage(error.to_string())
}

fn accept(baseline: &mut Baseline, file: &BaselineFile) -> Result<u8, CommandError> {
    if std::env::var("CI").is_ok_and(|ci| !ci.is_empty() && ci != "false") {
        return Err(CommandError::Usage(
            "a pipeline does not accept its own failures: run `conformance baseline accept` on your machine, give the \
             reasons, and commit the file"
                .to_owned(),
        ));
    }
    let Stored { run, .. } = show::stored(&file.run)?;
    let added = baseline.accept(&run);
    baseline.save().map_err(wrong)?;
    writeln!(
        io::stdout(),
        "{added} {} added to {}; `conformance baseline review` asks for the reasons",
        entries(added),
        baseline.file.display()
    )?;
    Ok(exit::CLEAN)
}

/// Goes through the entries without a reason, one question each. What the run observed stands above the question.
fn review(baseline: &mut Baseline, file: &BaselineFile) -> Result<u8, CommandError> {
    let run = match show::stored(&file.run) {
        Ok(stored) => Some(stored.run),
        // Reasons can be given without it.
        Err(_) if file.run == "latest" => None,
        Err(error) => return Err(error),
    };
    let look = Look::default();
    let mut out = io::stdout();
    let mut lines = io::stdin().lock().lines();
    let mut kept = Vec::new();
    let mut left = 0;
    let mut is_over = false;
    for mut entry in std::mem::take(&mut baseline.known) {
        if !entry.reason.trim().is_empty() || is_over {
            left += usize::from(entry.reason.trim().is_empty());
            kept.push(entry);
            continue;
        }
        let until = entry.expires.map(|day| format!(", until {day}")).unwrap_or_default();
        writeln!(out, "{} {} {}{until}", entry.case, entry.check, entry.fingerprint)?;
        if let Some(title) = catalog::all().find(|case| case.id == entry.case).map(|case| case.title) {
            writeln!(out, "  {title}")?;
        }
        let case = run.as_ref().and_then(|run| run.case(&entry.case));
        let findings = case.map(finding::of_case).unwrap_or_default();
        if let Some(found) = findings.iter().find(|found| entry.fits(found)) {
            writeln!(out, "  observed: {}", look.text(&found.saw))?;
        }
        write!(
            out,
            "  why is it accepted? (a reason; Enter: decide later; `remove`: delete the entry) "
        )?;
        out.flush()?;
        let answer = lines.next().transpose()?;
        writeln!(out)?;
        match answer.as_deref().map(str::trim) {
            None => {
                is_over = true;
                left += 1;
            }
            Some("") => left += 1,
            Some("remove") => continue,
            Some(reason) => reason.clone_into(&mut entry.reason),
        }
        kept.push(entry);
    }
    baseline.known = kept;
    baseline.save().map_err(wrong)?;
    writeln!(out, "{left} {} without a reason", entries(left))?;
    Ok(exit::CLEAN)
}

fn prune(baseline: &mut Baseline, file: &BaselineFile) -> Result<u8, CommandError> {
    let Stored { run, .. } = show::stored(&file.run)?;
    let gone = baseline.prune(&run);
    baseline.save().map_err(wrong)?;
    let mut out = io::stdout();
    for entry in &gone {
        writeln!(out, "removed {} {}: {}", entry.case, entry.check, entry.why)?;
    }
    writeln!(
        out,
        "{} {} removed, {} left",
        gone.len(),
        entries(gone.len()),
        baseline.known.len()
    )?;
    Ok(exit::CLEAN)
}

fn check(baseline: &Baseline, file: &BaselineFile) -> Result<u8, CommandError> {
    let mut out = io::stdout();
    let problems = baseline.problems();
    for problem in &problems {
        writeln!(out, "{problem}")?;
    }
    let stale = match show::stored(&file.run) {
        Ok(stored) => baseline.stale(&stored.run),
        // Without a run the file itself can still be looked at.
        Err(_) if file.run == "latest" => Vec::new(),
        Err(error) => return Err(error),
    };
    for entry in &stale {
        writeln!(out, "stale: {} {}: {}", entry.case, entry.check, entry.why)?;
    }
    let count = baseline.known.len();
    writeln!(
        out,
        "{count} {} in {}, {} stale, {} to see to",
        entries(count),
        baseline.file.display(),
        stale.len(),
        problems.len()
    )?;
    Ok(if stale.is_empty() && problems.is_empty() {
        exit::CLEAN
    } else {
        exit::STALE_BASELINE
    })
}

fn entries(count: usize) -> &'static str {
    if count == 1 { "entry" } else { "entries" }
}
