//! `conformance init`: looks at an app and writes its `conformance.toml`.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use url::Url;

use super::{CommandError, InitArgs, run, schema};
use crate::{
    config::reference::SCHEMA_PATH,
    discover::{self, Findings, Wish},
    exit,
    walk::site::is_loopback,
};

pub(super) async fn init(args: InitArgs) -> Result<u8, CommandError> {
    if args.config.exists() && !args.force {
        return Err(CommandError::Usage(format!(
            "{} is there already; --force writes over it, --config names another file",
            args.config.display()
        )));
    }
    if args.url.is_none() && args.command.is_none() {
        return Err(CommandError::Usage(
            "init has to know where the app is: `conformance init http://localhost:3000`, or `conformance init --command 'npm start'`"
                .to_owned(),
        ));
    }
    let url = args
        .url
        .as_deref()
        .map(|text| address(text, &args.reach.allow_host))
        .transpose()?;
    let wish = Wish {
        url,
        command: args.command.clone(),
        folder: folder_of(&args.config)?,
    };
    let quiet = args.look.quiet;
    let mut tell = |text: &str| {
        if !quiet {
            run::narrate(text);
        }
    };
    let looked = tokio::select! {
        looked = discover::look(&wish, &mut tell) => looked,
        name = run::interruption() => {
            run::narrate(&format!("{name}   exit {}", exit::INTERRUPTED));
            return Ok(exit::INTERRUPTED);
        }
    };
    let findings = match looked {
        Ok(findings) => findings,
        Err(why) => {
            run::narrate(&format!("error: {why}"));
            return Ok(exit::NOT_JUDGED);
        }
    };
    write(&args.config, &findings.toml())?;
    schema::write(&wish.folder.join(SCHEMA_PATH))?;
    // What the harness keeps there is nobody's source.
    let _ours = std::fs::write(wish.folder.join(".conformance/.gitignore"), "*\n");
    io::stdout().write_all(conclusion(&args.config, &findings).as_bytes())?;
    Ok(match findings.open.is_empty() {
        true => exit::CLEAN,
        false => exit::NOT_JUDGED,
    })
}

fn address(text: &str, allowed: &[String]) -> Result<Url, CommandError> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(mut url) = url else {
        return Err(CommandError::Usage(format!(
            "`{text}` is no http or https URL; for instance http://localhost:3000"
        )));
    };
    let host = url.host_str().unwrap_or_default().to_owned();
    if !is_loopback(&url) && !allowed.contains(&host) {
        return Err(CommandError::Usage(format!(
            "`{host}` is not on this machine, and attacks are only sent where they are allowed: --allow-host {host} allows it"
        )));
    }
    url.set_path("/");
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

/// The folder of the file, absolute: commands run there.
fn folder_of(file: &Path) -> Result<PathBuf, CommandError> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    std::fs::canonicalize(&folder).map_err(|source| CommandError::Write {
        what: format!("{} is no folder to write into", folder.display()),
        source,
    })
}

fn write(path: &Path, text: &str) -> Result<(), CommandError> {
    std::fs::write(path, text).map_err(|source| CommandError::Write {
        what: format!("{} cannot be written", path.display()),
        source,
    })
}

/// What was written, what is missing, and what comes next.
fn conclusion(file: &Path, findings: &Findings) -> String {
    let mut text = format!("wrote {}\n", file.display());
    for open in &findings.open {
        text.push_str(&format!("not found: {open}\n"));
    }
    let next = match findings.open.is_empty() {
        true => "next: conformance doctor, then conformance run",
        false => "next: fill in the lines that say FILL IN, then conformance doctor",
    };
    text.push_str(next);
    text.push('\n');
    text
}
