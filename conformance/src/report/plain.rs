//! Lines for logs of CI: one finished line per case, blocks of what is not well, no cursor movement.

use std::{
    io::{self, Write},
    time::Duration,
};

use super::{
    Setting,
    block::{block, broken_level},
    failure::first_failure,
    look::{Look, Tone},
    summary::{last_line, notice_line, profile_name, seconds, tail},
};
use crate::{
    outcome::Verdict,
    run::{CaseResult, Control, Header, Preflight, RunEvent, RunResult},
};

/// GitHub takes ten annotations of a kind per step; the last one says how many more there are.
const ANNOTATIONS: usize = 9;

/// What a build that has nothing to do stays under.
const LONG_BUILD: Duration = Duration::from_secs(3);

/// Writes a run as lines.
#[derive(Debug)]
pub struct Plain<W> {
    out: W,
    look: Look,
    setting: Setting,
    /// On GitHub the lines are folded away, and what is not well is told after them and as annotations.
    github: bool,
    quiet: bool,
    header: Option<Header>,
    finished: usize,
    held_back: String,
}

impl<W: Write> Plain<W> {
    /// A reporter that writes here.
    pub fn new(out: W, look: Look, setting: Setting, github: bool, quiet: bool) -> Self {
        Self {
            out,
            look,
            setting,
            github,
            quiet,
            header: None,
            finished: 0,
            held_back: String::new(),
        }
    }

    /// Takes one event.
    ///
    /// # Errors
    /// When the output cannot be written to.
    pub fn on(&mut self, event: &RunEvent<'_>) -> io::Result<()> {
        match event {
            RunEvent::Started(header) => {
                self.header = Some((*header).clone());
                if !self.quiet {
                    write!(self.out, "{}", opening(header, &self.look))?;
                }
            }
            RunEvent::Building(command) => {
                if !self.quiet {
                    writeln!(self.out, "building the app: {}", self.look.text(command))?;
                }
            }
            RunEvent::Built(time) => {
                if let Some(line) = built(*time).filter(|_| !self.quiet) {
                    self.out.write_all(line.as_bytes())?;
                }
            }
            RunEvent::Preflight(check) => {
                if !check.ok || (!self.quiet && check.warning) {
                    write!(self.out, "{}", setup(check, &self.look))?;
                }
            }
            RunEvent::Control(control) => {
                if !self.quiet || !control.ok {
                    writeln!(self.out, "{}", control_line(control, &self.look))?;
                }
                if let Some(failure) = &control.failure {
                    write!(self.out, "{}", first_failure(failure, &self.setting, &self.look))?;
                }
            }
            RunEvent::CaseStarted(_) => {}
            RunEvent::CaseFinished(result) => self.case(result)?,
            RunEvent::Notice(text) => self.out.write_all(notice_line(text, &self.look).as_bytes())?,
            RunEvent::Finished(result) => self.end(result)?,
        }
        self.out.flush()
    }

    fn case(&mut self, result: &CaseResult) -> io::Result<()> {
        let Some(header) = &self.header else { return Ok(()) };
        if self.github && self.finished == 0 {
            writeln!(self.out, "::group::{} cases", header.selected)?;
        }
        self.finished += 1;
        let is_bad = matches!(result.verdict, Verdict::Fail | Verdict::Warn);
        if !self.quiet {
            let line = case_line(self.finished, header.selected, result, &self.look);
            writeln!(self.out, "{line}")?;
        }
        if is_bad {
            let block = block(result, header, &self.setting, &self.look);
            if self.github {
                self.held_back.push_str(&block);
                self.held_back.push('\n');
            } else {
                writeln!(self.out, "{block}")?;
            }
        }
        Ok(())
    }

    fn end(&mut self, result: &RunResult) -> io::Result<()> {
        if self.github && self.finished > 0 {
            writeln!(self.out, "::endgroup::")?;
        }
        self.out.write_all(self.held_back.as_bytes())?;
        if self.github {
            self.out.write_all(annotations(result, &self.setting).as_bytes())?;
        }
        self.out.write_all(tail(result, &self.look).as_bytes())?;
        writeln!(self.out, "{}", last_line(result, &self.setting.policy))
    }
}

/// `target http://localhost:3000   idp … (built in)   http driver   profile okta   seed 7f3a`.
pub(super) fn opening(header: &Header, look: &Look) -> String {
    let faint = |text: &str| look.paint(Tone::Faint, text);
    let where_to = format!(
        "{} {}   {} {} (built in)",
        faint("target"),
        look.paint(
            Tone::Strong,
            &look.text(&header.target.replace(":{port}", " (free port)"))
        ),
        faint("idp"),
        look.text(&header.issuer),
    );
    let how = format!(
        "{} {}   {} {}   {} {}   {} cases",
        faint("driver"),
        header.driver,
        faint("profile"),
        profile_name(header.profile),
        faint("seed"),
        header.seed,
        header.selected,
    );
    // One line in a log; two where a line would be torn.
    let between = if look.width.is_some() { "\n" } else { "   " };
    format!("{where_to}{between}{how}\n")
}

/// A preflight check that is not well: what was seen, what was wanted, what mends it.
#[must_use]
pub fn setup(check: &Preflight, look: &Look) -> String {
    let (word, tone) = if check.ok || check.warning {
        ("WARN", Tone::Doubt)
    } else {
        ("SETUP", Tone::Bad)
    };
    let row = |label: &str, value: &str| {
        let label = look.paint(Tone::Faint, &format!("{label:<9}"));
        if value.is_empty() {
            String::new()
        } else {
            format!("     {label} {}\n", look.hang(15, value))
        }
    };
    format!(
        "{} {}\n{}{}{}",
        look.paint(tone, word),
        look.paint(Tone::Strong, check.id),
        row("saw", &check.saw),
        row("wanted", &check.wanted),
        row("mend", &check.mend)
    )
}

/// How long the build took, when that was long enough to be wondered about.
pub(super) fn built(time: Duration) -> Option<String> {
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    (time >= LONG_BUILD).then(|| format!("the app was built in {}\n", seconds(milliseconds)))
}

/// One control in one line.
#[must_use]
pub fn control_line(control: &Control, look: &Look) -> String {
    let (word, tone) = if control.ok {
        ("control", Tone::Good)
    } else {
        ("control FAILED", Tone::Bad)
    };
    let lane = if control.lane.is_empty() {
        String::new()
    } else {
        format!(" ({})", control.lane)
    };
    format!(
        "{}{lane}: {}   {}",
        look.paint(tone, word),
        look.text(&control.text),
        seconds(control.duration_ms)
    )
}

/// `[ 7/48] FAIL callback/state-cross-session 0.24s MUST`.
fn case_line(number: usize, of: usize, result: &CaseResult, look: &Look) -> String {
    let width = of.to_string().len();
    let word = match &result.verdict {
        Verdict::Pass | Verdict::Skipped(_) => format!("{:<4}", result.verdict.word()),
        other => other.word().to_uppercase(),
    };
    let milliseconds = result.duration_ms;
    let took = format!("{}.{:02}s", milliseconds / 1000, milliseconds % 1000 / 10);
    let level = broken_level(result).unwrap_or(result.case.level);
    let reason = result
        .verdict
        .reason()
        .map(|reason| format!("  {}", look.text(reason)))
        .unwrap_or_default();
    format!(
        "[{number:>width$}/{of}] {} {} {took} {level}{reason}",
        look.paint(Tone::of(&result.verdict), &word),
        result.case.id
    )
}

/// GitHub workflow commands, one per failed case. Newlines and `%` are escaped as the runner wants it.
fn annotations(result: &RunResult, setting: &Setting) -> String {
    let bad: Vec<&CaseResult> = result
        .cases
        .iter()
        .filter(|case| match case.verdict {
            Verdict::Fail | Verdict::Error(_) => true,
            Verdict::Warn => setting.policy.fail_on_warn,
            _ => false,
        })
        .collect();
    let mut text = String::new();
    for case in bad.iter().take(ANNOTATIONS) {
        let (file, line) = setting.location(case.case);
        let title = escape(case.case.id).replace(',', "%2C").replace(':', "%3A");
        let file = escape(&file).replace(',', "%2C").replace(':', "%3A");
        text.push_str(&format!(
            "::error file={file},line={line},title={title}::{}\n",
            escape(case.case.title)
        ));
    }
    if bad.len() > ANNOTATIONS {
        text.push_str(&format!("::error::and {} more\n", bad.len() - ANNOTATIONS));
    }
    text
}

fn escape(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}
