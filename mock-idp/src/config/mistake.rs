//! Mistakes of a file, each with its place and what fixes it.

use std::{fmt, ops::Range};

/// A mistake in a configuration file, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigError {
    /// The file as given.
    pub file: String,
    /// Line and column from 1, and the line itself; `None` for the file as a whole.
    pub place: Option<(usize, usize, String)>,
    /// What is wrong and what was expected.
    pub message: String,
    /// What fixes it.
    pub fix: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((line, column, text)) = &self.place else {
            return write!(f, "{}: {}\n  {}", self.file, self.message, self.fix);
        };
        let number = line.to_string();
        let (gutter, indent) = (" ".repeat(number.len()), " ".repeat(column - 1));
        write!(
            f,
            "{}:{line}:{column}: {}\n {gutter} |\n {number} | {text}\n {gutter} | {indent}^ {}",
            self.file, self.message, self.fix
        )
    }
}

/// Every mistake of a file, in the order of their places; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub Vec<ConfigError>);

impl std::error::Error for Mistakes {}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            let end = if index + 1 < self.0.len() { "\n\n" } else { "" };
            write!(f, "{mistake}{end}")?;
        }
        match self.0.len() {
            0 | 1 => Ok(()),
            count => write!(f, "\n\n{count} mistakes"),
        }
    }
}

/// Collects the mistakes of a file.
pub(super) struct Notes<'a> {
    file: &'a str,
    text: &'a str,
    found: Vec<(usize, ConfigError)>,
}

impl<'a> Notes<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            found: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, span: Range<usize>, message: String, fix: &str) {
        let start = self.text.floor_char_boundary(span.start.min(self.text.len()));
        let mistake = self.at(start, message, fix);
        self.found.push((start, mistake));
    }

    /// All that were found, in the order of the file.
    pub(super) fn into_mistakes(mut self) -> Vec<ConfigError> {
        self.found.sort_by_key(|(start, _)| *start);
        self.found.into_iter().map(|(_, mistake)| mistake).collect()
    }

    fn at(&self, start: usize, message: String, fix: &str) -> ConfigError {
        let line_start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |at| start + at);
        ConfigError {
            file: self.file.to_owned(),
            place: Some((
                self.text[..start].matches('\n').count() + 1,
                self.text[line_start..start].chars().count() + 1,
                self.text[line_start..line_end].trim_end().to_owned(),
            )),
            message,
            fix: fix.to_owned(),
        }
    }
}

/// The nearest of the known names, or all of them.
pub(super) fn suggestion(wrong: &str, known: &[&str]) -> String {
    match crate::suggest::nearest(wrong, known.iter().copied()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}
