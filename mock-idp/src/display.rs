//! Text that came from outside, made safe to show: a request must not write to somebody's terminal.

/// Whether a character changes how the text around it is shown: control characters, and the bidirectional and invisible
/// ones of Unicode, with which a text can be made to read as another.
#[must_use]
pub fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A text on one line, in which the characters that [steer](steers) are written as `\u{202e}`.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match steers(c) {
            true => plain.extend(c.escape_unicode()),
            false => plain.push(c),
        }
    }
    plain
}

/// JSON in which the characters that [steer](steers) are escaped. JSON leaves most of them as they are, and people read JSON
/// in terminals too. They stand in strings only: line breaks are the one kind of control character between values.
#[must_use]
pub fn in_json(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) && c != '\n' {
            // All of them are in the Basic Multilingual Plane: one unit each.
            escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_is_written_out() {
        assert_eq!(
            printable("a\n\u{1b}[31m\u{202e}é\u{200b}"),
            r"a\u{a}\u{1b}[31m\u{202e}é\u{200b}"
        );
        let json = in_json("{\n\"a\":\"\u{202e}\u{9b}é\"}");
        assert_eq!(json, "{\n\"a\":\"\\u202e\\u009bé\"}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&json).unwrap()["a"],
            "\u{202e}\u{9b}é"
        );
    }
}
