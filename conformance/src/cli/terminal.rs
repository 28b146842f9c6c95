//! What the streams of this process can show.

use std::{
    io::{IsTerminal, stderr, stdout},
    path::{Path, PathBuf},
};

use super::{LookArgs, When};
use crate::report::look::{Look, wants_color};

/// Narrower than this nothing is wrapped: it would only be torn.
const NARROWEST: u16 = 50;

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// How standard output looks.
pub(super) fn look(args: LookArgs) -> Look {
    let is_terminal = stdout().is_terminal();
    let flag = match args.color {
        When::Auto => None,
        When::Always => Some(true),
        When::Never => Some(false),
    };
    Look {
        color: wants_color(flag, is_terminal, variable),
        ascii: args.ascii || (is_terminal && !speaks_utf8()),
        width: is_terminal.then(width).flatten(),
        height: is_terminal.then(height).flatten(),
        program: started_as(std::env::args().next()),
    }
}

/// The path by which this program was started from the folder of the shell, as `cargo run` does it. By name it is on the PATH, and
/// an absolute path is that of a wrapper.
fn started_as(first: Option<String>) -> Option<&'static str> {
    let path = first.filter(|first| first.contains('/') && !first.starts_with('/') && !first.contains(' '))?;
    // Once for each process: a look is copied everywhere.
    static PATH: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    Some(PATH.get_or_init(|| path))
}

/// Whether a person watches: both streams are terminals and nobody says `CI`.
pub(super) fn is_watched() -> bool {
    let dumb = variable("TERM").is_some_and(|term| term == "dumb");
    stdout().is_terminal()
        && stderr().is_terminal()
        && !dumb
        && variable("CI").is_none_or(|ci| ci.is_empty() || ci == "false")
}

/// Whether this is a step of a GitHub workflow.
pub(super) fn is_github() -> bool {
    variable("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// A folder as seen from the root of the repository: by what CI says, or by the nearest `.git` above.
pub(super) fn base(folder: &Path) -> PathBuf {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let named = ["GITHUB_WORKSPACE", "CI_PROJECT_DIR", "WORKSPACE"]
        .iter()
        .filter_map(|name| variable(name))
        .filter_map(|root| PathBuf::from(root).canonicalize().ok());
    let above = folder
        .ancestors()
        .find(|folder| folder.join(".git").exists())
        .map(Path::to_owned);
    named
        .chain(above)
        .find_map(|root| folder.strip_prefix(&root).ok().map(Path::to_owned))
        .unwrap_or_default()
}

fn width() -> Option<usize> {
    let columns = rustix::termios::tcgetwinsize(stdout()).ok()?.ws_col;
    (columns >= NARROWEST).then_some(usize::from(columns))
}

fn height() -> Option<usize> {
    let rows = rustix::termios::tcgetwinsize(stdout()).ok()?.ws_row;
    (rows > 0).then_some(usize::from(rows))
}

/// The locale of a terminal. Without any setting terminals of today speak UTF-8, except the Linux console.
fn speaks_utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| variable(name).filter(|value| !value.is_empty()));
    let is_console = variable("TERM").is_some_and(|term| term == "linux");
    match locale {
        Some(locale) => locale.to_lowercase().replace('-', "").contains("utf8") && !is_console,
        None => !is_console,
    }
}
