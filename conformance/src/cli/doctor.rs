//! `conformance doctor`: everything that comes before the first case, each check by name, and one sentence at the end.

use std::io::{self, Write};

use super::{CommandError, DoctorArgs, load, run, terminal};
use crate::{
    exit,
    report::{
        Setting, compose,
        failure::first_failure,
        look::{Look, Tone},
        plain::{control_line, setup},
        store::Store,
        summary::notice_line,
    },
    run::{Preflight, RunEvent, RunResult},
    runner::{self, Options},
};

/// Where the evidence of a failed doctor lies, beside the runs: `latest` still leads to the last run.
const FOLDER: &str = ".conformance/doctor";

pub(super) async fn doctor(args: DoctorArgs) -> Result<u8, CommandError> {
    let config = load(args.file.as_deref(), &args.config)?;
    let options = Options {
        setup_only: true,
        ..run::options(&config, &args.walk, Vec::new())?
    };
    let look = terminal::look(args.look.look);
    let mut store = Store::at(&config.folder.join(FOLDER));
    let setting = Setting {
        locations: config.locations.clone(),
        config: config.file.display().to_string(),
        folder: run::shown(&store.folder),
        ..Setting::default()
    };
    let quiet = args.look.quiet;
    let mut told: io::Result<()> = Ok(());
    let mut listen = |event: RunEvent<'_>| {
        let text = line_of(&event, &setting, &look, quiet);
        if told.is_ok() {
            told = say(&text);
        }
    };
    let result = tokio::select! {
        result = runner::run(&config, &options, &mut listen) => result,
        name = run::interruption() => {
            run::narrate(&format!("{name}   exit {}", exit::INTERRUPTED));
            return Ok(exit::INTERRUPTED);
        }
    };
    told?;
    if result.aborted.is_some() {
        store.open();
        let failures = result.controls.iter().filter_map(|control| control.failure.as_ref());
        failures.for_each(|failure| store.first_failure(failure));
        store.finish(&compose::run(&result, &setting));
        store.problems().iter().for_each(|problem| run::narrate(problem));
    }
    let (sentence, code) = conclusion(&result, &look);
    say(&sentence)?;
    Ok(code)
}

fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn line_of(event: &RunEvent<'_>, setting: &Setting, look: &Look, quiet: bool) -> String {
    match event {
        RunEvent::Started(header) if !quiet => {
            let app = header.target.replace(":{port}", " (free port)");
            format!(
                "the app {}, the issuer {}\n",
                look.text(&app),
                look.text(&header.issuer)
            )
        }
        RunEvent::Building(command) if !quiet => format!("building the app: {}\n", look.text(command)),
        RunEvent::Preflight(check) if check.ok => match quiet {
            true => String::new(),
            false => well(check, look),
        },
        RunEvent::Preflight(check) => setup(&compose::preflight(check), look),
        RunEvent::Control(control) => {
            let control = &compose::control(control);
            let mut text = format!("{}\n", control_line(control, look));
            if quiet && control.ok {
                text.clear();
            }
            if let Some(failure) = &control.failure {
                text.push_str(&first_failure(failure, setting, look));
            }
            text
        }
        RunEvent::Notice(text) => notice_line(text, look),
        _ => String::new(),
    }
}

fn well(check: &Preflight, look: &Look) -> String {
    let id = format!("{:<28}", check.id);
    format!(
        "{}    {id} {}\n",
        look.paint(Tone::Good, "ok"),
        look.hang(35, &check.saw)
    )
}

/// The last sentence, and the exit code that it names.
fn conclusion(result: &RunResult, look: &Look) -> (String, u8) {
    let Some(why) = &result.aborted else {
        let warnings = result.preflight.iter().filter(|check| !check.ok).count();
        let also = match warnings {
            0 => String::new(),
            1 => ", with one warning above".to_owned(),
            many => format!(", with {many} warnings above"),
        };
        let text = format!(
            "{}{also}: an ordinary sign-in works and can be judged; `conformance run` goes on from here   exit {}\n",
            look.paint(Tone::Good, "ready"),
            exit::CLEAN
        );
        return (text, exit::CLEAN);
    };
    let text = format!(
        "{}: {}; fix it and run `conformance doctor` again   exit {}\n",
        look.paint(Tone::Bad, "not ready"),
        look.text(why),
        exit::NOT_JUDGED
    );
    (text, exit::NOT_JUDGED)
}
