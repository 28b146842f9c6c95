//! The command line: one command per file, every flag with an environment twin, exit codes from [`crate::exit`].

mod baseline;
mod browser;
mod doctor;
mod env;
mod explain;
mod init;
mod list;
mod manual;
mod narration;
mod output;
mod replay;
mod run;
mod schema;
mod show;
mod terminal;

use std::{
    ffi::OsString,
    io::{self, Write},
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::builder::FalseyValueParser;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use futures_util::FutureExt;

use crate::{
    browser::webdriver::Brand,
    config::{ConfigError, FILE_NAME},
    exit,
    runner::Driver,
    select::UnknownSelector,
    shard::Shard,
    target::{Config, Profile},
};

/// Drives a web app through OpenID Connect sign-in and sign-out, injects faults and attacks, and judges.
#[derive(Debug, Parser)]
#[command(
    name = "conformance",
    version,
    about,
    max_term_width = 110,
    disable_help_subcommand = true
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at an app, sign in, and write its conformance.toml
    Init(Box<InitArgs>),
    /// Run cases against the app that conformance.toml describes
    Run(Box<RunArgs>),
    /// Check the set-up only: preflight and one honest sign-in, no case
    Doctor(Box<DoctorArgs>),
    /// List the cases: what, why, where they run
    List(ListArgs),
    /// Explain a case: the attack, what is sent, how it is decided, what a right app does
    Explain(ExplainArgs),
    /// Show a stored run again, in any form
    Show(ShowArgs),
    /// Compare two stored runs: what broke, what was fixed
    Diff(DiffArgs),
    /// Judge the stored evidence of a run again, by the rules of this version
    Rejudge(RejudgeArgs),
    /// Work with stored runs: merge the parts of a sharded run
    Report(ReportArgs),
    /// Findings that are known and may stay for a while
    Baseline(BaselineArgs),
    /// Judge one case again as the last run did, or every case of a stored run that did not pass
    Replay(Box<ReplayArgs>),
    /// Print issuer, client id and secret for an app that is started by hand
    Env(EnvArgs),
    /// Print the JSON schema of conformance.toml, for editors
    Schema(SchemaArgs),
    /// Bring a browser and its driver onto this machine, for --driver webdriver
    Browser(BrowserArgs),
    /// Print the version
    Version(VersionArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page, or write one page per command into a folder
    Man(ManArgs),
}

/// Which configuration, and what it may reach.
#[derive(Debug, Args)]
struct ConfigArgs {
    /// Configuration file [default: the nearest conformance.toml, searched upwards]
    #[arg(long, value_name = "FILE", env = "CONFORMANCE_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    reach: ReachArgs,
}

/// Which hosts may be asked.
#[derive(Debug, Args)]
struct ReachArgs {
    /// Allow a target on this host, which is not this machine (repeatable)
    #[arg(long, value_name = "HOST", env = "CONFORMANCE_ALLOW_HOST", value_delimiter = ',')]
    allow_host: Vec<String>,
}

/// How to walk.
#[derive(Debug, Args)]
struct WalkArgs {
    /// Which rules fail a run: core, okta (default) or asvs
    #[arg(long, value_enum, env = "CONFORMANCE_PROFILE", hide_possible_values = true)]
    profile: Option<Profile>,
    /// Who walks: http, or webdriver[=URL] for a real browser [default: http, or webdriver with --browser]
    #[arg(long, env = "CONFORMANCE_DRIVER", value_parser = way)]
    driver: Option<Way>,
    /// Which real browser: chrome (default) or firefox; implies --driver webdriver
    #[arg(
        long,
        value_enum,
        value_name = "NAME",
        env = "CONFORMANCE_BROWSER",
        hide_possible_values = true
    )]
    browser: Option<Brand>,
    /// Show the windows of the browsers
    #[arg(long, env = "CONFORMANCE_HEADED", value_parser = FalseyValueParser::new())]
    headed: bool,
    /// Cases at once; lowered when the app does not bear it [default: 4, in browsers one more than there are cores]
    #[arg(long, value_name = "N", env = "CONFORMANCE_JOBS", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Decides every random value, hexadecimal [default: random]
    #[arg(long, value_name = "HEX", env = "CONFORMANCE_SEED", value_parser = seed)]
    seed: Option<u64>,
    /// Limit of one request: 10, 10s, 500ms [default: 10s]
    #[arg(long, value_name = "TIME", env = "CONFORMANCE_TIMEOUT", value_parser = duration)]
    timeout: Option<Duration>,
    /// Sign-ins a minute, for an app that limits requests [default: as fast as it answers]
    #[arg(long, value_name = "N", env = "CONFORMANCE_PACE")]
    pace: Option<std::num::NonZeroU32>,
}

/// How output looks.
#[derive(Clone, Copy, Debug, Args)]
struct LookArgs {
    /// Colour [default: auto; NO_COLOR, FORCE_COLOR and CLICOLOR_FORCE are heard]
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        env = "CONFORMANCE_COLOR",
        default_value = "auto",
        hide_default_value = true
    )]
    color: When,
    /// Only ASCII
    #[arg(long, env = "CONFORMANCE_ASCII", value_parser = FalseyValueParser::new())]
    ascii: bool,
}

/// How a stored run is told.
#[derive(Clone, Copy, Debug, Args)]
struct ShowLookArgs {
    #[command(flatten)]
    look: LookArgs,
    /// Tell more: every case of a cause, everything observed, notes, reasons of skipped cases
    #[arg(short, long, action = clap::ArgAction::Count, env = "CONFORMANCE_VERBOSE")]
    verbose: u8,
}

/// How a look at the set-up is told.
#[derive(Clone, Copy, Debug, Args)]
struct QuietLookArgs {
    #[command(flatten)]
    look: LookArgs,
    /// Only what is not well, and the end
    #[arg(short, long, env = "CONFORMANCE_QUIET", value_parser = FalseyValueParser::new())]
    quiet: bool,
}

/// How a run is told.
#[derive(Clone, Copy, Debug, Args)]
struct RunLookArgs {
    #[command(flatten)]
    look: LookArgs,
    /// Only what is not well, and the counts
    #[arg(short, long, env = "CONFORMANCE_QUIET", value_parser = FalseyValueParser::new())]
    quiet: bool,
    /// Tell more: every case of a cause, everything observed, notes, reasons of skipped cases; and on standard error what
    /// is walked (-vv: every request too)
    #[arg(short, long, action = clap::ArgAction::Count, env = "CONFORMANCE_VERBOSE")]
    verbose: u8,
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Cases to run [default: all]; an argument that ends in .toml is the configuration. callback/state-missing,
    /// callback/*, */aud-*, level:must, lane:slow, failed (in the last run), changed (not judged since the configuration
    /// or the app's files changed), 'not logout/*'
    #[arg(value_name = "FILE.toml|SELECTOR")]
    selectors: Vec<String>,
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    walk: WalkArgs,
    /// Also red: warn (a broken SHOULD)
    #[arg(long, value_enum, env = "CONFORMANCE_FAIL_ON")]
    fail_on: Option<FailOn>,
    /// Inconclusive cases do not make the run red
    #[arg(long, env = "CONFORMANCE_ALLOW_INCONCLUSIVE", value_parser = FalseyValueParser::new())]
    allow_inconclusive: bool,
    /// Findings do not make the run red; a run that did not work still does
    #[arg(long, env = "CONFORMANCE_EXIT_ZERO", value_parser = FalseyValueParser::new())]
    exit_zero: bool,
    /// Findings that are known [default: conformance-baseline.toml beside the configuration, where there is one];
    /// /dev/null for none
    #[arg(long, value_name = "FILE", env = "CONFORMANCE_BASELINE")]
    baseline: Option<PathBuf>,
    /// Only this part of the selection, 2/5; `report merge` puts the parts together
    #[arg(long, value_name = "I/N", env = "CONFORMANCE_SHARD")]
    shard: Option<Shard>,
    /// End at the first case that makes the run red
    #[arg(long, env = "CONFORMANCE_BAIL", value_parser = FalseyValueParser::new())]
    bail: bool,
    /// End after so many of them
    #[arg(long, value_name = "N", env = "CONFORMANCE_MAX_FAILURES", value_parser = most)]
    max_failures: Option<usize>,
    /// Stay, and judge what failed again whenever a file beside the configuration changes
    #[arg(long, env = "CONFORMANCE_WATCH", value_parser = FalseyValueParser::new())]
    watch: bool,
    /// Write reports: html (after a red run by itself), junit, json, sarif, ctrf, tap, md, ndjson, gitlab, text, each with
    /// =PATH if wanted (comma-separated, repeatable)
    #[arg(long, value_name = "KIND[=PATH]", env = "CONFORMANCE_REPORT", value_delimiter = ',', value_parser = run::report_request)]
    report: Vec<run::ReportRequest>,
    /// Keep this run's files here instead of .conformance/runs/ID beside the configuration
    #[arg(long, value_name = "DIR", env = "CONFORMANCE_OUT")]
    out: Option<PathBuf>,
    #[command(flatten)]
    look: RunLookArgs,
}

#[derive(Debug, Args)]
struct InitArgs {
    /// Where the app answers, for instance http://localhost:3000; with --command it is found out
    #[arg(value_name = "URL")]
    url: Option<String>,
    /// Start the app by this command
    #[arg(long, value_name = "COMMAND", env = "CONFORMANCE_COMMAND")]
    command: Option<String>,
    /// Write this file
    #[arg(
        long,
        value_name = "FILE",
        env = "CONFORMANCE_CONFIG",
        default_value = "conformance.toml",
        hide_default_value = true
    )]
    config: PathBuf,
    /// Write over a file that is there already
    #[arg(long, env = "CONFORMANCE_FORCE", value_parser = FalseyValueParser::new())]
    force: bool,
    #[command(flatten)]
    reach: ReachArgs,
    #[command(flatten)]
    look: QuietLookArgs,
}

#[derive(Debug, Args)]
struct SchemaArgs {
    /// Write it to this file instead of printing it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct DoctorArgs {
    /// The configuration
    #[arg(value_name = "FILE.toml")]
    file: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    walk: WalkArgs,
    #[command(flatten)]
    look: QuietLookArgs,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Which cases [default: all]; see `conformance run --help`
    #[arg(value_name = "SELECTOR")]
    selectors: Vec<String>,
    /// What right apps do in unusual ways, and no case calls wrong
    #[arg(long, conflicts_with = "selectors")]
    habits: bool,
    /// text, json or md
    #[arg(
        long,
        value_enum,
        default_value = "text",
        env = "CONFORMANCE_FORMAT",
        hide_possible_values = true
    )]
    format: list::Format,
    #[command(flatten)]
    look: LookArgs,
}

#[derive(Debug, Args)]
struct ExplainArgs {
    /// The case, for instance callback/state-missing; or `config`
    case: String,
    /// After `config`: a key or table of conformance.toml, for instance sign_in or target.start [default: all]
    #[arg(value_name = "KEY")]
    key: Option<String>,
    /// Fix snippets for this framework, or all [default: the one that the last run guessed]
    #[arg(long, value_name = "NAME", env = "CONFORMANCE_FRAMEWORK", value_parser = explain::choice)]
    framework: Option<explain::Choice>,
    /// Markdown instead of text, with the snippets of all frameworks unless one is named
    #[arg(long, env = "CONFORMANCE_MD", value_parser = FalseyValueParser::new())]
    md: bool,
    #[command(flatten)]
    look: LookArgs,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// latest, a folder, a run.json, or the id of a kept run
    #[arg(value_name = "latest|DIR", default_value = "latest", hide_default_value = true)]
    run: String,
    /// text (default), html, json, ndjson, junit, sarif, ctrf, tap, md or gitlab; har with --case
    #[arg(
        long,
        value_name = "KIND",
        default_value = "text",
        env = "CONFORMANCE_FORMAT",
        hide_default_value = true
    )]
    format: String,
    /// Only this case
    #[arg(long, value_name = "CASE", env = "CONFORMANCE_CASE")]
    case: Option<String>,
    /// Write here instead of to standard output
    #[arg(short, long, value_name = "FILE", env = "CONFORMANCE_OUTPUT")]
    output: Option<PathBuf>,
    #[command(flatten)]
    look: ShowLookArgs,
}

#[derive(Debug, Args)]
struct DiffArgs {
    /// The earlier run
    #[arg(value_name = "OLD")]
    old: String,
    /// The later run
    #[arg(value_name = "NEW", default_value = "latest", hide_default_value = true)]
    new: String,
    #[command(flatten)]
    look: LookArgs,
}

#[derive(Debug, Args)]
struct RejudgeArgs {
    /// latest, a folder, a run.json, or the id of a kept run
    #[arg(value_name = "latest|DIR", default_value = "latest", hide_default_value = true)]
    run: String,
    #[command(flatten)]
    look: LookArgs,
}

#[derive(Debug, Args)]
struct ReportArgs {
    #[command(subcommand)]
    command: ReportCommand,
}

#[derive(Debug, Subcommand)]
enum ReportCommand {
    /// Put the parts of a sharded run together
    Merge {
        /// The folders of the parts
        #[arg(value_name = "DIR", required = true)]
        parts: Vec<PathBuf>,
        /// Where the whole goes
        #[arg(
            long,
            value_name = "DIR",
            default_value = "conformance-merged",
            env = "CONFORMANCE_OUT"
        )]
        out: PathBuf,
        /// Write reports, as `conformance run` does
        #[arg(long, value_name = "KIND[=PATH]", env = "CONFORMANCE_REPORT", value_delimiter = ',', value_parser = run::report_request)]
        report: Vec<run::ReportRequest>,
        #[command(flatten)]
        look: ShowLookArgs,
    },
    /// Print the JSON schema of run.json
    Schema,
}

#[derive(Debug, Args)]
struct BaselineArgs {
    #[command(subcommand)]
    command: BaselineCommand,
}

#[derive(Debug, Subcommand)]
enum BaselineCommand {
    /// Add what is new in a run, with empty reasons; not in CI
    Accept(BaselineFile),
    /// Ask for the reason of every entry that has none
    Review(BaselineFile),
    /// Take out what no longer applies; adds nothing
    Prune(BaselineFile),
    /// Say what is wrong with the file, and what no longer applies
    Check(BaselineFile),
}

#[derive(Debug, Args)]
struct BaselineFile {
    /// The run to compare with: latest, a folder, a run.json, or the id of a kept run
    #[arg(value_name = "latest|DIR", default_value = "latest", hide_default_value = true)]
    run: String,
    /// The file [default: conformance-baseline.toml beside the configuration]
    #[arg(long, value_name = "FILE", env = "CONFORMANCE_BASELINE")]
    baseline: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct ReplayArgs {
    /// A case, as the last run judged it; or a stored run, of which every case that did not pass is judged again
    #[arg(value_name = "CASE|DIR")]
    what: String,
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    walk: WalkArgs,
    #[command(flatten)]
    look: RunLookArgs,
}

#[derive(Debug, Args)]
struct EnvArgs {
    /// The configuration
    #[arg(value_name = "FILE.toml")]
    file: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArgs,
    /// sh (for eval), dotenv or json
    #[arg(
        long,
        value_enum,
        default_value = "sh",
        env = "CONFORMANCE_ENV_FORMAT",
        hide_possible_values = true
    )]
    format: env::Format,
}

#[derive(Debug, Args)]
struct BrowserArgs {
    #[command(subcommand)]
    command: BrowserCommand,
}

#[derive(Debug, Subcommand)]
enum BrowserCommand {
    /// Install both through the system's package manager, or print the commands to type
    Install {
        /// Which: chrome (Chromium, where it is to be had) or firefox
        #[arg(
            long,
            value_enum,
            value_name = "NAME",
            default_value = "chrome",
            env = "CONFORMANCE_BROWSER",
            hide_possible_values = true
        )]
        browser: Brand,
    },
}

#[derive(Debug, Args)]
struct VersionArgs {
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct CompletionsArgs {
    /// The shell, for instance bash: conformance completions bash > ~/.local/share/bash-completion/completions/conformance
    shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
struct ManArgs {
    /// Folder for conformance.1, conformance-run.1 and so on [default: print conformance.1]
    dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Warn,
    Fail,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

/// What ends a command early, each with its exit code.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error(
        "there is no {FILE_NAME} here or above; `conformance init URL` writes one, `conformance run FILE.toml` names one"
    )]
    NoConfig,
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Selector(#[from] UnknownSelector),
    #[error("{what}: {source}")]
    Write { what: String, source: io::Error },
    #[error(transparent)]
    Output(#[from] io::Error),
}

impl CommandError {
    fn code(&self) -> u8 {
        match self {
            CommandError::Selector(_) => exit::NOTHING_SELECTED,
            CommandError::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => exit::CLEAN,
            _ => exit::USAGE,
        }
    }
}

/// Runs the program with these arguments and returns its exit code.
pub async fn main(args: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match program()
        .try_get_matches_from(args)
        .and_then(|matches| Cli::from_arg_matches(&matches))
    {
        Ok(cli) => cli,
        Err(error) => {
            let _gone = error.print();
            return if error.use_stderr() { exit::USAGE } else { exit::CLEAN };
        }
    };
    match AssertUnwindSafe(dispatch(cli)).catch_unwind().await {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            let code = error.code();
            if code != exit::CLEAN {
                let _gone = writeln!(io::stderr(), "error: {error}");
            }
            code
        }
        Err(_) => {
            let _gone = writeln!(
                io::stderr(),
                "error: this is a bug in conformance; the lines above say where"
            );
            exit::BUG
        }
    }
}

async fn dispatch(cli: Cli) -> Result<u8, CommandError> {
    match cli.command {
        Command::Init(args) => init::init(*args).await,
        Command::Run(args) => run::run(*args).await,
        Command::Doctor(args) => doctor::doctor(*args).await,
        Command::List(args) => list::list(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Show(args) => show::show(&args),
        Command::Diff(args) => show::diff(&args),
        Command::Rejudge(args) => show::rejudge(&args),
        Command::Report(args) => show::report(&args),
        Command::Baseline(args) => baseline::baseline(&args),
        Command::Replay(args) => replay::replay(*args).await,
        Command::Env(args) => env::env(args),
        Command::Schema(args) => schema::schema(&args),
        Command::Browser(args) => browser::browser(args).await,
        Command::Version(args) => version(&args),
        Command::Completions(args) => manual::completions(&args),
        Command::Man(args) => manual::man(&args),
    }
}

/// The help text of a command (`""` for the program itself), as `--help` prints it without colours on a hundred columns.
#[must_use]
pub fn help(command: &str) -> String {
    let mut program = program().term_width(100);
    program.build();
    match program.find_subcommand_mut(command) {
        Some(sub) => sub.render_help().to_string(),
        None => program.render_help().to_string(),
    }
}

/// The command line: help shows which variables there are, not what they hold.
fn program() -> clap::Command {
    Cli::command().after_help(after_help()).mut_subcommands(|sub| {
        let sub = sub.mut_args(|arg| arg.hide_env_values(true));
        if sub.get_name() == "run" {
            sub.after_help(after_help())
        } else {
            sub
        }
    })
}

fn version(args: &VersionArgs) -> Result<u8, CommandError> {
    let version = env!("CARGO_PKG_VERSION");
    let mut out = io::stdout();
    if args.json {
        writeln!(
            out,
            "{}",
            serde_json::json!({ "name": "conformance", "version": version, "run_schema": crate::report::document::SCHEMA })
        )?;
    } else {
        writeln!(out, "conformance {version}")?;
    }
    Ok(exit::CLEAN)
}

/// Reads the configuration: the positional file, `--config`, or the nearest one upwards.
fn load(file: Option<&Path>, args: &ConfigArgs) -> Result<Config, CommandError> {
    let file = match (file, &args.config) {
        (Some(_), Some(_)) if std::env::var_os("CONFORMANCE_CONFIG").is_none() => {
            return Err(CommandError::Usage(
                "the configuration is given twice: as FILE.toml and as --config".to_owned(),
            ));
        }
        (Some(file), _) => file.to_owned(),
        (None, Some(file)) => file.clone(),
        (None, None) => {
            let here = std::env::current_dir()?;
            let found = Config::find(&here).ok_or(CommandError::NoConfig)?;
            // Relative where it lies below, as people would type it.
            found.strip_prefix(&here).map(Path::to_owned).unwrap_or(found)
        }
    };
    Ok(Config::load(&file, &args.reach.allow_host)?)
}

/// What `--driver` says; which browser is another flag.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    Http,
    WebDriver { url: Option<String> },
}

fn way(text: &str) -> Result<Way, String> {
    match text.split_once('=') {
        None if text == "http" => Ok(Way::Http),
        None if text == "webdriver" => Ok(Way::WebDriver { url: None }),
        Some(("webdriver", url)) if url.starts_with("http") => Ok(Way::WebDriver {
            url: Some(url.to_owned()),
        }),
        _ => Err("wanted http, webdriver, or webdriver=http://127.0.0.1:9515".to_owned()),
    }
}

impl WalkArgs {
    /// Who walks. Somebody who names a browser wants it to be driven.
    fn driver(&self) -> Result<Driver, CommandError> {
        let url = match (&self.driver, self.browser) {
            (None | Some(Way::Http), None) => return Ok(Driver::Http),
            (Some(Way::Http), Some(brand)) => {
                return Err(CommandError::Usage(format!(
                    "--browser {} wants a real browser and --driver http none: leave one of them away",
                    brand.name()
                )));
            }
            (None, Some(_)) => None,
            (Some(Way::WebDriver { url }), _) => url.clone(),
        };
        let brand = self.browser.unwrap_or_default();
        Ok(Driver::WebDriver { brand, url })
    }

    /// The flags that decide what is judged and that this configuration does not say, as they are typed.
    fn beyond(&self, config: &Config) -> String {
        let usual = config.run.profile.unwrap_or_default();
        let profile = self.profile.filter(|profile| *profile != usual);
        let profile = profile.map(|profile| format!(" --profile {}", profile.name()));
        let driver = self.driver.as_ref().map(|way| match way {
            Way::Http => " --driver http".to_owned(),
            Way::WebDriver { url: None } => " --driver webdriver".to_owned(),
            Way::WebDriver { url: Some(url) } => format!(" --driver webdriver={url}"),
        });
        let browser = self.browser.map(|brand| format!(" --browser {}", brand.name()));
        [profile, driver, browser].into_iter().flatten().collect()
    }
}

fn most(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err("wanted a number from 1".to_owned()),
    }
}

fn seed(text: &str) -> Result<u64, String> {
    u64::from_str_radix(text.trim_start_matches("0x"), 16).map_err(|_| "wanted up to 16 hexadecimal digits".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    match number.trim().parse::<f64>() {
        Ok(number) if number > 0.0 && number * unit <= 3600.0 => Ok(Duration::from_secs_f64(number * unit)),
        _ => Err("wanted a time between 1ms and 3600s, such as 10, 2.5s or 500ms".to_owned()),
    }
}

fn after_help() -> String {
    let mut text = "Exit codes, the first that applies:\n".to_owned();
    for (code, sentence) in exit::ALL {
        text.push_str(&format!("  {code:>3}  {sentence}\n"));
    }
    text.push_str("\nFlags come before CONFORMANCE_* variables, these before conformance.toml, that before defaults.");
    text
}
