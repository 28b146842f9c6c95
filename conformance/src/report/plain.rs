//! Lines for logs of CI: one finished line per case, then the causes of what is not well; no cursor movement.

use std::{
    io::{self, Write},
    time::Instant,
};

use super::{
    Setting, block,
    cause::causes,
    document::{Case, Control, Preflight, Run, Word},
    failure::first_failure,
    github,
    journal::Event,
    look::{Look, Tone},
    running::Running,
    summary::{last_line, notice_line, seconds, tail},
};

/// What a build that has nothing to do stays under, in milliseconds.
const LONG_BUILD: u64 = 3_000;
/// Lines that stand below the only cause: what was skipped, the starts, the counts, the page.
const BELOW: usize = 8;
/// Causes that are told in full; the others by one line each.
const IN_FULL: usize = 12;

/// Writes a run as lines.
#[derive(Debug)]
pub struct Plain<W> {
    out: W,
    look: Look,
    setting: Setting,
    /// On GitHub the lines are folded away, and what is not well is told after them and as annotations.
    github: Option<github::Place>,
    quiet: bool,
    selected: usize,
    finished: usize,
    running: Running,
}

impl<W: Write> Plain<W> {
    /// A reporter that writes here.
    pub fn new(out: W, look: Look, setting: Setting, github: Option<github::Place>, quiet: bool) -> Self {
        Self {
            out,
            look,
            setting,
            github,
            quiet,
            selected: 0,
            finished: 0,
            running: Running::new(Instant::now()),
        }
    }

    /// Says where the run is kept, once that is known.
    pub fn kept_in(&mut self, folder: &std::path::Path) {
        folder.clone_into(&mut self.setting.folder);
    }

    /// Says what runs, where nothing was said for ten seconds.
    ///
    /// # Errors
    /// When the output cannot be written to.
    pub fn tick(&mut self) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        match self.running.line(Instant::now()) {
            Some(line) => {
                writeln!(self.out, "{}", self.look.paint(Tone::Faint, &line))?;
                self.out.flush()
            }
            None => Ok(()),
        }
    }

    /// Takes one event.
    ///
    /// # Errors
    /// When the output cannot be written to.
    pub fn on(&mut self, event: &Event) -> io::Result<()> {
        let is_told = !matches!(event, Event::CaseStarted { .. } | Event::RunFinished { .. });
        self.running.take(event, is_told, Instant::now());
        match event {
            Event::RunStarted { run, target } => {
                self.selected = run.selected;
                if !self.quiet {
                    write!(self.out, "{}", opening(run, target, &self.look))?;
                }
            }
            Event::Building { command } => {
                if !self.quiet {
                    writeln!(self.out, "building the app: {}", self.look.text(command))?;
                }
            }
            Event::Built { duration_ms } => {
                if let Some(line) = built(*duration_ms).filter(|_| !self.quiet) {
                    self.out.write_all(line.as_bytes())?;
                }
            }
            Event::Preflight { preflight } => {
                if !preflight.ok || (!self.quiet && preflight.warning) {
                    write!(self.out, "{}", setup(preflight, &self.look))?;
                }
            }
            Event::Control { control } => {
                if !self.quiet || !control.ok {
                    writeln!(self.out, "{}", control_line(control, &self.look))?;
                }
                if let Some(failure) = &control.failure {
                    write!(self.out, "{}", first_failure(failure, &self.setting, &self.look))?;
                }
            }
            Event::CaseFinished { case } => self.case(case)?,
            Event::Notice { text } => self.out.write_all(notice_line(text, &self.look).as_bytes())?,
            Event::CaseStarted { .. } | Event::Watching { .. } | Event::RunFinished { .. } => {}
        }
        self.out.flush()
    }

    fn case(&mut self, case: &Case) -> io::Result<()> {
        if self.github.is_some() && self.finished == 0 {
            writeln!(self.out, "::group::{} cases", self.selected)?;
        }
        self.finished += 1;
        if self.quiet && !case.verdict.is_undecided() && !case.verdict.is_finding() {
            return Ok(());
        }
        if !self.quiet {
            let line = case_line(self.finished, self.selected, case, &self.look);
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    /// Tells the end: the causes, what could not be decided, and the last line.
    ///
    /// # Errors
    /// When the output cannot be written to.
    pub fn end(&mut self, run: &Run) -> io::Result<()> {
        if self.github.is_some() && self.finished > 0 {
            writeln!(self.out, "::endgroup::")?;
        }
        self.out.write_all(closing(run, &self.look, &self.setting).as_bytes())?;
        if let Some(place) = &self.github {
            self.out.write_all(github::annotations(run, place).as_bytes())?;
        }
        writeln!(self.out, "{}", self.look.paint(Tone::Strong, &last_line(run)))?;
        self.out.flush()
    }
}

/// The causes, each in full; then all of them again by a line each, unless the only one is still on the screen; then what is
/// undecided.
#[must_use]
pub fn closing(run: &Run, look: &Look, setting: &Setting) -> String {
    let causes = causes(run);
    let mut text = String::new();
    for cause in causes.iter().take(IN_FULL) {
        text.push_str(&block::of_cause(cause, look, setting.verbose));
        text.push('\n');
    }
    // The heading of the only one may stand above the screen.
    let is_beyond = look.height.is_some_and(|height| text.lines().count() + BELOW > height);
    if causes.len() > 1 || is_beyond {
        for cause in &causes {
            let (label, tone) = match cause.known {
                true => ("known".to_owned(), Tone::Faint),
                false => (cause.verdict.as_str().to_uppercase(), Tone::of(cause.verdict)),
            };
            let hint = match cause.cases.len() {
                1 => String::new(),
                _ => format!("   ({})", cause.lead.0.id),
            };
            let extent = cause.extent();
            let before = label.len() + 1 + extent.len() + 2;
            text.push_str(&format!(
                "{} {}  {}\n",
                look.paint(tone, &label),
                look.paint(Tone::Strong, &extent),
                look.hang_after(before, 5, &format!("{}{hint}", cause.headline)),
            ));
        }
    }
    let starts = match run.run.starts {
        Some(starts) if starts > 1 => format!("the app was started {starts} times\n"),
        _ => String::new(),
    };
    text + &tail(run, look, setting.verbose) + &starts
}

/// `target http://localhost:3000   idp … (built in)   http driver   profile okta   seed 7f3a`.
pub(super) fn opening(run: &super::document::About, target: &super::document::Target, look: &Look) -> String {
    let faint = |text: &str| look.paint(Tone::Faint, text);
    let where_to = format!(
        "{} {}   {} {} (built in)",
        faint("target"),
        look.paint(Tone::Strong, &look.text(&target.url.replace(":{port}", " (free port)"))),
        faint("idp"),
        look.text(&target.issuer),
    );
    let shard = run
        .shard
        .as_ref()
        .map(|shard| format!("   {} {shard}", faint("shard")))
        .unwrap_or_default();
    let how = format!(
        "{} {}   {} {}   {} {}   {} cases{shard}",
        faint("driver"),
        look.text(&run.walked_by()),
        faint("profile"),
        look.text(&run.profile),
        faint("seed"),
        look.text(&run.seed),
        run.selected,
    );
    // One line in a log; two where a line would be torn.
    let between = if look.width.is_some() { "\n" } else { "   " };
    format!("{where_to}{between}{how}\n")
}

/// A preflight check that is not well: what was seen, what was wanted, what fixes it.
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
        look.paint(Tone::Strong, &look.text(&check.id)),
        row("saw", &check.saw),
        row("wanted", &check.wanted),
        row("fix", &check.fix)
    )
}

/// How long the build took, when that was long enough to be wondered about.
pub(super) fn built(milliseconds: u64) -> Option<String> {
    (milliseconds >= LONG_BUILD).then(|| format!("the app was built in {}\n", seconds(milliseconds)))
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
fn case_line(number: usize, of: usize, case: &Case, look: &Look) -> String {
    let width = of.to_string().len();
    let (word, tone) = match case.verdict {
        _ if case.known.is_some() => ("known".to_owned(), Tone::Faint),
        Word::Pass | Word::Skipped => (format!("{:<4}", case.verdict.as_str()), Tone::of(case.verdict)),
        other => (other.as_str().to_uppercase(), Tone::of(other)),
    };
    let milliseconds = case.duration_ms;
    let took = format!("{}.{:02}s", milliseconds / 1000, milliseconds % 1000 / 10);
    // What an app printed, which some reasons quote, stands in the summary.
    let reason = case
        .reason
        .as_deref()
        .and_then(|reason| reason.lines().next())
        .map(|reason| format!("  {}", look.text(reason)))
        .unwrap_or_default();
    format!(
        "[{number:>width$}/{of}] {} {} {took} {}{reason}",
        look.paint(tone, &word),
        case.id,
        case.broken_level()
    )
}
