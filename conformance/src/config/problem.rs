//! Mistakes in a file, shown at their place.

use std::{
    fmt,
    ops::Range,
    path::{Path, PathBuf},
};

use crate::suggest::nearest;

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
    /// What mends it.
    pub mend: Option<String>,
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

    pub(super) fn whole(file: &Path, message: String, mend: &str) -> Self {
        Self::new(
            file,
            vec![Problem {
                place: None,
                message,
                mend: Some(mend.to_owned()),
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
                if let Some(mend) = &problem.mend {
                    write!(f, " {mend}")?;
                }
            } else if let Some(mend) = &problem.mend {
                write!(f, "\n  {mend}")?;
            }
        }
        Ok(())
    }
}

impl Problem {
    /// What the TOML reader says, in our words, with the nearest known name.
    pub(super) fn syntax(text: &str, error: &toml::de::Error) -> Self {
        let (message, mend) = reworded(error.message());
        Self {
            place: error.span().map(|span| Place::of(text, &span)),
            message,
            mend,
        }
    }

    /// A mistake at a place of the text.
    pub(super) fn at(text: &str, span: Option<Range<usize>>, message: String, mend: impl Into<String>) -> Self {
        Self {
            place: span.map(|span| Place::of(text, &span)),
            message,
            mend: Some(mend.into()),
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

/// "unknown field `sing_in`, expected one of `url`, `sign_in`" → "unknown key `sing_in`" and "did you mean `sign_in`?".
fn reworded(message: &str) -> (String, Option<String>) {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let known = |names: &[&str]| format!("known here: {}", names.join(", "));
    match quoted.split_first() {
        Some((wrong, names)) if message.starts_with("unknown field") => (
            format!("unknown key `{wrong}`"),
            Some(suggestion(wrong, names).unwrap_or_else(|| known(names))),
        ),
        Some((wrong, names)) if message.starts_with("unknown variant") => (
            format!("`{wrong}` is not possible here"),
            Some(suggestion(wrong, names).unwrap_or_else(|| format!("possible: {}", names.join(", ")))),
        ),
        Some((name, [])) if message.starts_with("missing field") => {
            (format!("the key `{name}` is missing"), example(name).map(str::to_owned))
        }
        _ if message.contains("wanted exactly 1 element")
            || message.contains("expected table with exactly 1 entry") =>
        {
            (
                "exactly one way must be given".to_owned(),
                Some("one of get, protected, form, click (sign_in) or get, post, form, click (sign_out)".to_owned()),
            )
        }
        _ => (message.trim_end().replace('\n', "; "), None),
    }
}

fn suggestion(wrong: &str, names: &[&str]) -> Option<String> {
    if let Some(mend) = gone(wrong) {
        return Some(mend.to_owned());
    }
    nearest(wrong, names.iter().copied()).map(|name| format!("did you mean `{name}`?"))
}

/// What became of keys that earlier versions knew.
fn gone(name: &str) -> Option<&'static str> {
    match name {
        "callback_method" => Some("the response mode is learnt from the app's own request now; delete this line"),
        _ => None,
    }
}

/// What a missing key could be.
fn example(name: &str) -> Option<&'static str> {
    Some(match name {
        "target" => "a file begins with [target] and the app's url",
        "url" => "for instance url = \"http://localhost:3000\"",
        "sign_in" => "for instance sign_in = { get = \"/login\" }",
        "callback" => "for instance callback = \"/callback\"",
        "session" => "[target.session] tells who is signed in: probe, signed_in, signed_out",
        "probe" => "a path that only signed-in users see, for instance probe = \"/me\"",
        "signed_in" => "for instance signed_in = { status = 200, contains = \"{user.email}\" }",
        "signed_out" => "for instance signed_out = { status = [302, 401] }",
        "command" => "for instance command = \"npm start\"",
        "reason" => "everything that is left out carries its reason",
        _ => return None,
    })
}
