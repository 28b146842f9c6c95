//! `conformance replay`: the same cases with the same random values, and what became of them.

use std::{
    io::{self, Write},
    path::Path,
};

use clap::ValueEnum;

use super::{CommandError, ReplayArgs, WalkArgs, Way, load, run, show, terminal};
use crate::{
    browser::webdriver::Brand,
    case::Case,
    catalog, exit,
    report::{
        block,
        document::{About, Run, Word},
        look::Tone,
        past::{self, Earlier},
        store::Stored,
    },
    suggest::several,
    target::Profile,
};

pub(super) async fn replay(mut args: ReplayArgs) -> Result<u8, CommandError> {
    let config = load(None, &args.config)?;
    let known = catalog::all().find(|case| case.id == args.what);
    let earlier: Option<Stored> = match known {
        // Without an earlier run the seed decides alone. A seed is of one run, which need not be the last.
        Some(_) => match args.walk.seed {
            Some(seed) => Earlier::of(&config.folder, None).with_seed(seed),
            None => past::named("latest", &config.folder).ok(),
        },
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
        walk_as(&mut args.walk, about)?;
    }
    let options = run::options(&config, &args.walk, cases)?;
    let done = run::drive(&config, &options, run::Plan::told(args.look)).await?;
    let Some(now) = &done.run else { return Ok(done.code) };
    tell(now, earlier.as_ref().map(|stored| &stored.run), &args)?;
    Ok(done.code)
}

/// Lets those walk who walked in a stored run, where nobody names others. What cannot be kept is said.
fn walk_as(args: &mut WalkArgs, stored: &About) -> Result<(), CommandError> {
    if args.driver.is_none() && args.browser.is_none() {
        args.driver = match (stored.driver.as_str(), &stored.driver_url) {
            ("http", _) => Some(Way::Http),
            ("webdriver", url) => Some(Way::WebDriver { url: url.clone() }),
            (other, _) => {
                return Err(CommandError::Usage(format!(
                    "CANNOT REPLAY: that run walked by {other}, which this version does not know; --driver names another way"
                )));
            }
        };
        args.browser = match stored.browser.as_deref() {
            Some(name) => Some(Brand::from_str(name, true).map_err(|_| {
                CommandError::Usage(format!(
                    "CANNOT REPLAY: that run walked in {name}, which this version does not drive; --browser names another"
                ))
            })?),
            None => None,
        };
        if args.driver != Some(Way::Http) && args.browser.is_none() {
            run::narrate(&format!(
                "that run does not say which browser walked: {} does now, --browser names another",
                Brand::default().name()
            ));
        }
        return Ok(());
    }
    let now = args.driver()?;
    if (now.name(), now.browser()) != (stored.driver.as_str(), stored.browser.as_deref()) {
        run::narrate(&format!(
            "that run walked by {}, this one by {}: what they see may differ",
            stored.walked_by(),
            match now.browser() {
                Some(browser) => format!("{} ({browser})", now.name()),
                None => now.name().to_owned(),
            }
        ));
    }
    Ok(())
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
    let ids = run.not_well();
    catalog::all()
        .filter(|case| ids.iter().any(|id| id == case.id))
        .collect()
}

/// `FIXED`, `STILL FAILS` or `CANNOT REPLAY`, case by case.
fn tell(now: &Run, earlier: Option<&Run>, args: &ReplayArgs) -> Result<(), CommandError> {
    let look = terminal::look(args.look.look);
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
