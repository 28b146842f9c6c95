//! Mistakes in a file, shown at their place.

use std::{
    fmt,
    ops::Range,
    path::{Path, PathBuf},
};

/// Everything that is wrong with a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, as given.
    pub file: PathBuf,
    /// What is wrong, in the order of the file.
    pub problems: Vec<Problem>,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where; `None` for the file as a whole.
    pub place: Option<Place>,
    /// What is wrong and what was expected.
    pub message: String,
    /// What fixes it.
    pub fix: Option<String>,
}

/// A place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// How many characters are meant.
    pub width: usize,
    /// The line itself.
    pub text: String,
}

impl ConfigError {
    pub(super) fn new(file: &Path, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| {
            problem
                .place
                .as_ref()
                .map_or((0, 0), |place| (place.line, place.column))
        });
        Self {
            file: file.to_owned(),
            problems,
        }
    }

    pub(super) fn whole(file: &Path, message: String, fix: &str) -> Self {
        Self::new(
            file,
            vec![Problem {
                place: None,
                message,
                fix: Some(fix.to_owned()),
            }],
        )
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            write!(f, "{}", self.file.display())?;
            if let Some(place) = &problem.place {
                write!(f, ":{}:{}", place.line, place.column)?;
            }
            write!(f, ": {}", problem.message)?;
            if let Some(place) = &problem.place {
                let number = place.line.to_string();
                let gutter = " ".repeat(number.len());
                let carets = "^".repeat(place.width.max(1));
                let indent = " ".repeat(place.column - 1);
                write!(
                    f,
                    "\n {gutter} |\n {number} | {}\n {gutter} | {indent}{carets}",
                    place.text
                )?;
                if let Some(fix) = &problem.fix {
                    write!(f, " {fix}")?;
                }
            } else if let Some(fix) = &problem.fix {
                write!(f, "\n  {fix}")?;
            }
        }
        Ok(())
    }
}

impl Problem {
    /// What the TOML reader says, in our words: the first mistake of each line, for the others mostly follow from it.
    pub(super) fn of_syntax(text: &str, errors: &[toml::de::Error]) -> Vec<Self> {
        let mut problems: Vec<Self> = Vec::new();
        for error in errors {
            let place = error.span().map(|span| Place::of(text, &span));
            let line = |place: &Option<Place>| place.as_ref().map(|place| place.line);
            let is_empty = error.span().is_some_and(|span| text[span].trim().is_empty());
            let (message, fix) = reworded(error.message(), is_empty);
            let follows = |problem: &Self| line(&problem.place) == line(&place) || problem.message == message;
            if problems.iter().any(follows) {
                continue;
            }
            problems.push(Self {
                place,
                message,
                fix: fix.map(str::to_owned),
            });
        }
        problems
    }

    /// A mistake at a place of the text.
    pub(super) fn at(text: &str, span: Option<Range<usize>>, message: String, fix: impl Into<String>) -> Self {
        Self {
            place: span.map(|span| Place::of(text, &span)),
            message,
            fix: Some(fix.into()),
        }
    }
}

impl Place {
    /// The first line of a span.
    fn of(text: &str, span: &Range<usize>) -> Self {
        let start = text.floor_char_boundary(span.start.min(text.len()));
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let end = text.floor_char_boundary(span.end.clamp(start, line_end));
        Self {
            line: text[..start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            width: text[start..end].chars().count().clamp(1, 120),
            text: text[line_start..line_end].trim_end().replace('\t', " "),
        }
    }
}

/// What a TOML mistake means to somebody who does not read grammars.
fn reworded(message: &str, is_empty: bool) -> (String, Option<&'static str>) {
    let told = |text: &str, fix: &'static str| (text.to_owned(), Some(fix));
    if message.contains("duplicate key") {
        return told("this key is given twice", "keep one of them");
    }
    if message.contains("missing comma") {
        return told("a comma or the closing bracket is missing", "for instance [302, 401]");
    }
    if message.contains("string values must be quoted") && is_empty {
        return told("this key has no value", "for instance callback = \"/callback\"");
    }
    if message.contains("string values must be quoted") {
        return told("texts stand in quotes", "for instance url = \"http://localhost:3000\"");
    }
    if message.contains("unclosed array") || message.contains("invalid array") {
        return told("this list does not end", "close it with ]");
    }
    if message.contains("unclosed inline table") || message.contains("invalid inline table") {
        return told("this table does not end", "close it with }");
    }
    if message.contains("unclosed table") {
        return told("this heading does not end", "for instance [target.session]");
    }
    if message.contains("invalid basic string") || message.contains("invalid literal string") {
        return told("this text does not end", "close it with the quote that it began with");
    }
    (
        format!("this is no TOML: {}", message.trim_end().replace('\n', "; ")),
        None,
    )
}
