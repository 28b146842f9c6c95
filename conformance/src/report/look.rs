//! How a report looks: colour, signs, width.

use anstyle::{AnsiColor, Style};

use super::document::Word;
pub use mock_idp::display::{in_json, steers};

/// What the reader's device can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Whether colours may be used. They never carry meaning alone.
    pub color: bool,
    /// Only ASCII.
    pub ascii: bool,
    /// Wrap at this column; `None` never wraps.
    pub width: Option<usize>,
    /// Rows that a live picture may take; `None` for as many as it likes.
    pub height: Option<usize>,
    /// How this program was started, where that is not by its name: for lines that are there to be copied.
    pub program: Option<&'static str>,
}

/// A role that a piece of text plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Good.
    Good,
    /// Bad.
    Bad,
    /// Doubtful.
    Doubt,
    /// What stands out.
    Strong,
    /// What stands back.
    Faint,
}

/// What decides about colour, in the order of precedence: the flag, `NO_COLOR`, `FORCE_COLOR` or `CLICOLOR_FORCE`, then
/// whether the stream is a terminal that can do more than `dumb`.
#[must_use]
pub fn wants_color(flag: Option<bool>, is_terminal: bool, env: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
    let forced = |name: &str| env(name).is_some_and(|value| !value.is_empty() && value != "0");
    match flag {
        Some(flag) => flag,
        None if set("NO_COLOR") => false,
        None if forced("FORCE_COLOR") || forced("CLICOLOR_FORCE") => true,
        None => is_terminal && env("TERM").as_deref() != Some("dumb") && env("CLICOLOR").as_deref() != Some("0"),
    }
}

impl Look {
    /// The text in a tone.
    #[must_use]
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        let style = match tone {
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Bad => AnsiColor::Red.on_default().bold(),
            Tone::Doubt => AnsiColor::Yellow.on_default(),
            Tone::Strong => Style::new().bold(),
            // Bright black is the background in some colour schemes; what is dimmed stays readable in all of them.
            Tone::Faint => Style::new().dimmed(),
        };
        format!("{style}{text}{style:#}")
    }

    /// The text as far as this device can show it.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        // A report may hold what an app sent: nothing that steers a terminal, or turns the order of the text, reaches it.
        let clean = text
            .chars()
            .map(|c| if steers(c) && c != '\n' { '\u{fffd}' } else { c });
        let clean = no_command(clean.collect());
        if !self.ascii {
            return clean;
        }
        let mut plain = String::with_capacity(text.len());
        for c in clean.chars() {
            match c {
                '§' => plain.push_str("s."),
                '…' => plain.push_str("..."),
                '→' => plain.push_str("->"),
                '≠' => plain.push_str("!="),
                '·' => plain.push('.'),
                '–' | '—' => plain.push('-'),
                '’' | '‘' => plain.push('\''),
                '“' | '”' => plain.push('"'),
                c if c.is_ascii() => plain.push(c),
                _ => plain.push('?'),
            }
        }
        plain
    }

    /// One sign per verdict; `None` for a case that has none yet.
    #[must_use]
    pub fn sign(&self, verdict: Option<Word>) -> &'static str {
        match (verdict, self.ascii) {
            (None, true) => ".",
            (None, false) => "·",
            (Some(Word::Pass), true) => "#",
            (Some(Word::Pass), false) => "■",
            (Some(Word::Fail), true) => "X",
            (Some(Word::Fail), false) => "✗",
            (Some(Word::Warn), _) => "!",
            (Some(Word::Skipped), _) => "~",
            (Some(Word::Inconclusive), _) => "?",
            (Some(Word::Error), _) => "E",
        }
    }

    /// Lines of the text, each with this indent except the first, wrapped at the width.
    #[must_use]
    pub fn hang(&self, indent: usize, text: &str) -> String {
        self.hang_after(indent, indent, text)
    }

    /// The same, where so many columns stand before the first line.
    #[must_use]
    pub fn hang_after(&self, before: usize, indent: usize, text: &str) -> String {
        let text = self.text(text);
        let room = |taken: usize| {
            self.width
                .map_or(usize::MAX, |width| width.saturating_sub(taken).max(30))
        };
        let mut lines: Vec<String> = Vec::new();
        for paragraph in text.lines() {
            let mut line = String::new();
            for word in paragraph.split(' ') {
                let room = room(if lines.is_empty() { before } else { indent });
                let is_full = !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room;
                if is_full {
                    lines.push(std::mem::take(&mut line).trim_end().to_owned());
                } else if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
            }
            lines.push(line);
        }
        lines.join(&format!("\n{}", " ".repeat(indent)))
    }
}

impl Tone {
    /// The tone of a verdict.
    #[must_use]
    pub const fn of(verdict: Word) -> Self {
        match verdict {
            Word::Pass => Tone::Good,
            Word::Fail | Word::Error => Tone::Bad,
            Word::Warn | Word::Inconclusive => Tone::Doubt,
            Word::Skipped => Tone::Faint,
        }
    }
}

/// Logs of CI systems are read for commands: GitHub takes lines that begin with `::`, others what begins with `##` anywhere.
/// A space keeps them text.
#[must_use]
pub fn no_command(text: String) -> String {
    const ANYWHERE: &[&str] = &["##[", "##vso[", "##teamcity["];
    let text = ANYWHERE.iter().fold(text, |text, command| {
        text.replace(command, &format!("# {}", &command[1..]))
    });
    if !text.contains("::") {
        return text;
    }
    let line = |line: &str| match line.trim_start().strip_prefix("::") {
        Some(rest) => format!("{}: :{rest}", &line[..line.len() - rest.len() - 2]),
        None => line.to_owned(),
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_beats_the_environment_and_no_color_beats_force() {
        let env = |set: &'static [(&str, &str)]| {
            move |name: &str| {
                set.iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| (*value).to_owned())
            }
        };
        for (flag, terminal, set, expected) in [
            (None, true, &[][..], true),
            (None, false, &[][..], false),
            (None, true, &[("TERM", "dumb")][..], false),
            (None, true, &[("NO_COLOR", "1"), ("FORCE_COLOR", "1")][..], false),
            (None, true, &[("NO_COLOR", "")][..], true),
            (None, false, &[("CLICOLOR_FORCE", "1")][..], true),
            (None, false, &[("FORCE_COLOR", "0")][..], false),
            (Some(true), false, &[("NO_COLOR", "1")][..], true),
            (Some(false), true, &[("FORCE_COLOR", "1")][..], false),
        ] {
            assert_eq!(
                wants_color(flag, terminal, env(set)),
                expected,
                "{flag:?} {terminal} {set:?}"
            );
        }
    }

    #[test]
    fn what_an_app_sent_cannot_steer_the_terminal() {
        let look = Look::default();
        assert_eq!(look.text("a\u{1b}[2Jb\r"), "a\u{fffd}[2Jb\u{fffd}");
        assert_eq!(look.text("a\u{202e}b\u{2066}c\u{200b}"), "a\u{fffd}b\u{fffd}c\u{fffd}");
        let ascii = Look { ascii: true, ..look };
        assert_eq!(ascii.text("§4 → ü"), "s.4 -> ?");
    }

    #[test]
    fn what_an_app_sent_commands_no_pipeline() {
        let look = Look::default();
        let text = look.text("a ::b\n  ::error::x ##[error]y\n##vso[z]");
        assert_eq!(text, "a ::b\n  : :error::x # #[error]y\n# #vso[z]");
    }

    #[test]
    fn long_texts_hang() {
        let look = Look {
            width: Some(40),
            ..Look::default()
        };
        assert_eq!(
            look.hang(4, "one two three four five six seven eight"),
            "one two three four five six seven\n    eight"
        );
        assert_eq!(
            look.hang_after(10, 4, "one two three four five six   seven eight"),
            "one two three four five six\n    seven eight",
            "what stands before counts, and no spaces are left at an end"
        );
    }
}
