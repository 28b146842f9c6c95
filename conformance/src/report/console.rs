//! The report for people at a terminal: live bars per group while the run goes on, then what is worth reading.

use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{
    Setting,
    document::{Case, Run, Word},
    failure::first_failure,
    journal::Event,
    look::{Look, Tone},
    plain::{built, closing, control_line, opening, setup},
    running::Running,
    summary::{last_line, seconds},
};
use crate::case;

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
    preflight: (usize, usize),
    running: Running,
}

impl<S: FnMut(&str)> Console<S> {
    /// A reporter that says texts by `say` and draws its bars here.
    pub fn new(
        say: S,
        draw: ProgressDrawTarget,
        look: Look,
        setting: Setting,
        cases: &[&'static case::Case],
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
            preflight: (0, 0),
            running: Running::new(Instant::now()),
        }
    }

    /// Says where the run is kept, once that is known.
    pub fn kept_in(&mut self, folder: &std::path::Path) {
        folder.clone_into(&mut self.setting.folder);
    }

    /// Draws what runs, and for how long.
    pub fn tick(&mut self) {
        if !self.quiet {
            self.redraw();
        }
    }

    /// Takes one event.
    pub fn on(&mut self, event: &Event) {
        self.running.take(event, true, Instant::now());
        match event {
            Event::RunStarted { run, target } => {
                if !self.quiet {
                    self.print(&opening(run, target, &self.look));
                }
            }
            Event::Building { command } => {
                let text = format!("building the app: {}", self.look.text(command));
                self.bar.set_message(text);
                self.bar.tick();
            }
            Event::Built { duration_ms } => {
                self.bar.set_message(String::new());
                if let Some(line) = built(*duration_ms).filter(|_| !self.quiet) {
                    self.print(&line);
                }
            }
            Event::Preflight { preflight: check } => {
                self.preflight.0 += usize::from(check.ok);
                self.preflight.1 += 1;
                if !check.ok || (check.warning && !self.quiet) {
                    self.print(&setup(check, &self.look));
                }
            }
            Event::Control { control } => {
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
            Event::CaseStarted { id } => {
                self.groups.start(id);
                self.redraw();
            }
            // What is not well is told at the end, by its causes; until then the bars show it.
            Event::CaseFinished { case } => {
                self.groups.finish(case);
                self.redraw();
            }
            // Told again at the end: nothing between bars is read twice.
            Event::Notice { text } => self.bar.set_message(self.look.text(text)),
            Event::Watching { .. } | Event::RunFinished { .. } => {}
        }
    }

    /// Tells the end: the groups, the causes, what could not be decided, and the last line.
    pub fn end(&mut self, run: &Run) {
        self.bar.finish_and_clear();
        if !self.quiet && !run.cases.is_empty() {
            let table = self.groups.table(&self.look);
            self.print(&format!("\n{table}"));
        }
        let notices: String = run
            .notices
            .iter()
            .map(|notice| super::summary::notice_line(notice, &self.look))
            .collect();
        let tail = notices + &closing(run, &self.look, &self.setting);
        if !tail.is_empty() {
            self.print(&format!("\n{tail}"));
        }
        self.print(&format!("\n{}\n", self.look.paint(Tone::Strong, &last_line(run))));
    }

    fn print(&mut self, text: &str) {
        let say = &mut self.say;
        self.bar.suspend(|| say(text));
    }

    fn redraw(&self) {
        let runs = self.running.text(Instant::now());
        let text = match self.groups.has_begun() {
            true => format!("{}   {runs}", self.groups.live(&self.look)),
            false => format!("  {runs}"),
        };
        self.bar.set_message(text);
    }
}

/// The groups of a run with the verdicts that are known.
struct Groups(Vec<Group>);

struct Group {
    name: String,
    cases: Vec<(String, Option<Word>)>,
    running: usize,
    began: Option<Instant>,
}

impl Groups {
    fn of(cases: &[&'static case::Case]) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        for case in cases {
            let name = case.group();
            match groups.iter_mut().find(|group| group.name == name) {
                Some(group) => group.cases.push((case.id.to_owned(), None)),
                None => groups.push(Group {
                    name: name.to_owned(),
                    cases: vec![(case.id.to_owned(), None)],
                    running: 0,
                    began: None,
                }),
            }
        }
        Self(groups)
    }

    fn start(&mut self, id: &str) {
        if let Some(group) = self.group_of(id) {
            group.running += 1;
            group.began.get_or_insert_with(Instant::now);
        }
    }

    fn finish(&mut self, case: &Case) {
        let Some(group) = self.group_of(&case.id) else { return };
        group.running = group.running.saturating_sub(1);
        if let Some((_, verdict)) = group.cases.iter_mut().find(|(id, _)| *id == case.id) {
            *verdict = Some(case.verdict);
        }
    }

    fn group_of(&mut self, id: &str) -> Option<&mut Group> {
        let name = id.split('/').next().unwrap_or(id);
        self.0.iter_mut().find(|group| group.name == name)
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
                let name = if row == 0 { group.name.as_str() } else { "" };
                let counts = if row == 0 { group.counts(look) } else { String::new() };
                let signs: String = cases.iter().map(|(_, verdict)| sign(*verdict, look)).collect();
                let pad = " ".repeat(room.min(longest) - cases.len());
                let line = format!("  {name:<names$}  {signs}{pad}  {counts}");
                text.push_str(line.trim_end());
                text.push('\n');
            }
        }
        text
    }

    fn has_begun(&self) -> bool {
        self.0.iter().any(|group| group.began.is_some())
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

/// The groups of a run that is over, with a sign per case.
#[must_use]
pub fn table(run: &Run, look: &Look) -> String {
    let mut groups = Groups(Vec::new());
    for case in &run.cases {
        let entry = (case.id.clone(), Some(case.verdict));
        match groups.0.iter_mut().find(|group| group.name == case.group()) {
            Some(group) => group.cases.push(entry),
            None => groups.0.push(Group {
                name: case.group().to_owned(),
                cases: vec![entry],
                running: 0,
                began: None,
            }),
        }
    }
    groups.table(look)
}

fn sign(verdict: Option<Word>, look: &Look) -> String {
    let tone = verdict.map_or(Tone::Faint, Tone::of);
    look.paint(tone, look.sign(verdict))
}

impl Group {
    fn done(&self) -> usize {
        self.cases.iter().filter(|(_, verdict)| verdict.is_some()).count()
    }

    /// `6 pass  1 FAIL`: only words with a number, the bad ones in capitals, the long ones cut.
    fn counts(&self, look: &Look) -> String {
        let count = |word: Word| {
            let found = self.cases.iter().filter(|(_, own)| *own == Some(word)).count();
            let shown = match word {
                Word::Fail => "FAIL",
                Word::Error => "ERROR",
                Word::Skipped => "skip",
                Word::Inconclusive => "incon",
                other => other.as_str(),
            };
            (found > 0).then(|| look.paint(Tone::of(word), &format!("{found} {shown}")))
        };
        Word::ALL
            .iter()
            .filter_map(|word| count(*word))
            .collect::<Vec<_>>()
            .join("  ")
    }
}
