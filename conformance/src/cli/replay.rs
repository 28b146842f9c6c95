//! `conformance replay`: the same cases with the same random values, and what became of them.

use std::{
    io::{self, Write},
    path::Path,
};

use super::{CommandError, ReplayArgs, load, run, show, terminal};
use crate::{
    case::Case,
    catalog, exit,
    report::{
        block,
        document::{Run, Word},
        look::Tone,
        past,
        store::Stored,
    },
    suggest::several,
    target::Profile,
};

pub(super) async fn replay(mut args: ReplayArgs) -> Result<u8, CommandError> {
    let config = load(None, &args.config)?;
    let known = catalog::all().find(|case| case.id == args.what);
    let earlier: Option<Stored> = match known {
        // Without an earlier run the seed decides alone.
        Some(_) => past::named("latest", &config.folder).ok(),
        None if args.what.contains('/') && !Path::new(&args.what).exists() => return Err(unknown(&args.what)),
        None => Some(show::stored(&args.what)?),
    };
    let cases: Vec<&'static Case> = match (known, &earlier) {
        (Some(case), _) => vec![case],
        (None, Some(stored)) => not_well(&stored.run),
        (None, None) => Vec::new(),
    };
    if cases.is_empty() {
        run::narrate("CANNOT REPLAY: every case of that run passed");
        return Ok(exit::NOTHING_SELECTED);
    }
    if let Some(stored) = &earlier {
        let about = &stored.run.run;
        args.walk.seed = args.walk.seed.or_else(|| u64::from_str_radix(&about.seed, 16).ok());
        args.walk.profile = args.walk.profile.or_else(|| Profile::named(&about.profile));
    }
    let options = run::options(&config, &args.walk, cases)?;
    let done = run::drive(&config, &options, run::Plan::told(args.look)).await?;
    let Some(now) = &done.run else { return Ok(done.code) };
    tell(now, earlier.as_ref().map(|stored| &stored.run), &args)?;
    Ok(done.code)
}

fn unknown(name: &str) -> CommandError {
    let meant = several(name, catalog::all().map(|case| case.id), 3);
    let hint = if meant.is_empty() {
        String::new()
    } else {
        format!("; did you mean {}?", meant.join(" or "))
    };
    CommandError::Usage(format!(
        "no case is called `{name}`, and there is no stored run there{hint}"
    ))
}

fn not_well(run: &Run) -> Vec<&'static Case> {
    let is_bad = |id: &str| {
        run.case(id)
            .is_some_and(|case| case.verdict.is_finding() || case.verdict.is_undecided())
    };
    catalog::all().filter(|case| is_bad(case.id)).collect()
}

/// `FIXED`, `STILL FAILS` or `CANNOT REPLAY`, case by case.
fn tell(now: &Run, earlier: Option<&Run>, args: &ReplayArgs) -> Result<(), CommandError> {
    let look = terminal::look(args.look);
    let mut out = io::stdout();
    for case in &now.cases {
        let was = earlier.and_then(|run| run.case(&case.id)).map(|case| case.verdict);
        let (word, tone) = match (was, case.verdict) {
            (_, Word::Fail | Word::Warn) if was.is_some_and(Word::is_finding) => ("STILL FAILS", Tone::Bad),
            (_, Word::Fail | Word::Warn) => ("FAILS", Tone::Bad),
            (Some(was), Word::Pass) if was.is_finding() => ("FIXED", Tone::Good),
            (_, Word::Pass) => ("PASSES", Tone::Good),
            _ => ("CANNOT REPLAY", Tone::Doubt),
        };
        writeln!(out, "{} {}", look.paint(tone, word), look.paint(Tone::Strong, &case.id))?;
        if case.verdict.is_undecided() {
            write!(out, "{}", block::undecided(case, &look))?;
        }
    }
    if let Some(why) = &now.run.aborted {
        writeln!(out, "{} {why}", look.paint(Tone::Doubt, "CANNOT REPLAY"))?;
    }
    Ok(())
}
