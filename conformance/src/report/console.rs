//! The report for people at a terminal: live bars per group while the run goes on, then what is worth reading.

use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{
    Setting,
    block::block,
    failure::first_failure,
    look::{Look, Tone},
    plain::{built, control_line, opening, setup},
    summary::{WORDS, last_line, notices, seconds, tail},
};
use crate::{
    case::Case,
    outcome::Verdict,
    run::{CaseResult, Header, RunEvent},
};

/// What the counts of a row may take.
const COUNTS: usize = 46;
/// Lines that stay for reading beside the live picture; a smaller terminal gets one line instead of it.
const READING: usize = 6;

/// Writes a run for a terminal. What is said goes to `say`, line by line; the bars live on standard error.
pub struct Console<S> {
    say: S,
    look: Look,
    setting: Setting,
    bar: ProgressBar,
    quiet: bool,
    groups: Groups,
    header: Option<Header>,
    preflight: (usize, usize),
}

impl<S: FnMut(&str)> Console<S> {
    /// A reporter that says texts by `say` and draws its bars here.
    pub fn new(
        say: S,
        draw: ProgressDrawTarget,
        look: Look,
        setting: Setting,
        cases: &[&'static Case],
        quiet: bool,
    ) -> Self {
        let bar = ProgressBar::with_draw_target(None, draw);
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Self {
            say,
            look,
            setting,
            bar,
            quiet,
            groups: Groups::of(cases),
            header: None,
            preflight: (0, 0),
        }
    }

    /// Takes one event.
    pub fn on(&mut self, event: &RunEvent<'_>) {
        match event {
            RunEvent::Started(header) => {
                self.header = Some((*header).clone());
                if !self.quiet {
                    self.print(&opening(header, &self.look));
                }
            }
            RunEvent::Building(command) => {
                let text = format!("building the app: {}", self.look.text(command));
                self.bar.set_message(text);
                self.bar.tick();
            }
            RunEvent::Built(time) => {
                self.bar.set_message(String::new());
                if let Some(line) = built(*time).filter(|_| !self.quiet) {
                    self.print(&line);
                }
            }
            RunEvent::Preflight(check) => {
                self.preflight.0 += usize::from(check.ok);
                self.preflight.1 += 1;
                if !check.ok || (check.warning && !self.quiet) {
                    self.print(&setup(check, &self.look));
                }
            }
            RunEvent::Control(control) => {
                if !self.quiet || !control.ok {
                    let (ok, all) = std::mem::take(&mut self.preflight);
                    let before = if all > 0 {
                        format!("preflight {ok}/{all}   ")
                    } else {
                        String::new()
                    };
                    self.print(&format!("{before}{}\n", control_line(control, &self.look)));
                }
                if let Some(failure) = &control.failure {
                    self.print(&first_failure(failure, &self.setting, &self.look));
                }
            }
            RunEvent::CaseStarted(case) => {
                self.groups.start(case);
                self.redraw();
            }
            RunEvent::CaseFinished(result) => {
                self.groups.finish(result);
                if let (Verdict::Fail | Verdict::Warn, Some(header)) = (&result.verdict, &self.header) {
                    let block = block(result, header, &self.setting, &self.look);
                    self.print(&format!("\n{block}"));
                }
                self.redraw();
            }
            // Told again at the end: nothing between bars is read twice.
            RunEvent::Notice(text) => self.bar.set_message(self.look.text(text)),
            RunEvent::Finished(result) => {
                self.bar.finish_and_clear();
                if !self.quiet && !result.cases.is_empty() {
                    let table = self.groups.table(&self.look);
                    self.print(&format!("\n{table}"));
                }
                let tail = notices(result, &self.look) + &tail(result, &self.look);
                if !tail.is_empty() {
                    self.print(&format!("\n{tail}"));
                }
                let line = last_line(result, &self.setting.policy);
                self.print(&format!("\n{}\n", self.look.paint(Tone::Strong, &line)));
            }
        }
    }

    fn print(&mut self, text: &str) {
        let say = &mut self.say;
        self.bar.suspend(|| say(text));
    }

    fn redraw(&self) {
        self.bar.set_message(self.groups.live(&self.look));
    }
}

/// The groups of a run with the verdicts that are known.
struct Groups(Vec<Group>);

struct Group {
    name: &'static str,
    cases: Vec<(&'static str, Option<Verdict>)>,
    running: usize,
    began: Option<Instant>,
}

impl Groups {
    fn of(cases: &[&'static Case]) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        for case in cases {
            let name = case.group();
            match groups.iter_mut().find(|group| group.name == name) {
                Some(group) => group.cases.push((case.id, None)),
                None => groups.push(Group {
                    name,
                    cases: vec![(case.id, None)],
                    running: 0,
                    began: None,
                }),
            }
        }
        Self(groups)
    }

    fn start(&mut self, case: &Case) {
        if let Some(group) = self.0.iter_mut().find(|group| group.name == case.group()) {
            group.running += 1;
            group.began.get_or_insert_with(Instant::now);
        }
    }

    fn finish(&mut self, result: &CaseResult) {
        let Some(group) = self.0.iter_mut().find(|group| group.name == result.case.group()) else {
            return;
        };
        group.running = group.running.saturating_sub(1);
        if let Some((_, verdict)) = group.cases.iter_mut().find(|(id, _)| *id == result.case.id) {
            *verdict = Some(result.verdict.clone());
        }
    }

    /// Per group its name, a sign per case, the counts. Long groups take several rows.
    fn table(&self, look: &Look) -> String {
        let names = self.0.iter().map(|group| group.name.len()).max().unwrap_or_default();
        let longest = self.0.iter().map(|group| group.cases.len()).max().unwrap_or_default();
        let room = look.width.map_or(longest, |width| {
            width.saturating_sub(names + COUNTS).clamp(16, longest.max(16))
        });
        let mut text = String::new();
        for group in &self.0 {
            for (row, cases) in group.cases.chunks(room).enumerate() {
                let name = if row == 0 { group.name } else { "" };
                let counts = if row == 0 { group.counts(look) } else { String::new() };
                let signs: String = cases.iter().map(|(_, verdict)| sign(verdict.as_ref(), look)).collect();
                let pad = " ".repeat(room.min(longest) - cases.len());
                let line = format!("  {name:<names$}  {signs}{pad}  {counts}");
                text.push_str(line.trim_end());
                text.push('\n');
            }
        }
        text
    }

    fn live(&self, look: &Look) -> String {
        let all: usize = self.0.iter().map(|group| group.cases.len()).sum();
        let done: usize = self.0.iter().map(Group::done).sum();
        let running: usize = self.0.iter().map(|group| group.running).sum();
        let began = self.0.iter().filter_map(|group| group.began).min();
        let took = began
            .map(|began| u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX))
            .unwrap_or_default();
        let line = format!("  {done}/{all}   {running} running   {}", seconds(took));
        let table = self.table(look);
        if look
            .height
            .is_some_and(|height| table.lines().count() + READING > height)
        {
            return line;
        }
        format!("\n{table}{line}")
    }
}

fn sign(verdict: Option<&Verdict>, look: &Look) -> String {
    let tone = verdict.map_or(Tone::Faint, Tone::of);
    look.paint(tone, look.sign(verdict))
}

impl Group {
    fn done(&self) -> usize {
        self.cases.iter().filter(|(_, verdict)| verdict.is_some()).count()
    }

    /// `6 pass  1 FAIL`: only words with a number, the bad ones in capitals, the long ones cut.
    fn counts(&self, look: &Look) -> String {
        let count = |word: &str| {
            let found: Vec<&Verdict> = self
                .cases
                .iter()
                .filter_map(|(_, verdict)| verdict.as_ref())
                .filter(|own| own.word() == word)
                .collect();
            let first = found.first()?;
            let shown = match first {
                Verdict::Fail => "FAIL",
                Verdict::Error(_) => "ERROR",
                Verdict::Skipped(_) => "skip",
                Verdict::Inconclusive(_) => "incon",
                other => other.word(),
            };
            Some(look.paint(Tone::of(first), &format!("{} {shown}", found.len())))
        };
        WORDS
            .iter()
            .filter_map(|word| count(word))
            .collect::<Vec<_>>()
            .join("  ")
    }
}
