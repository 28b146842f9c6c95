//! Filters of the template.
#![allow(unreachable_pub, reason = "the macro of askama makes its items public")]

use std::fmt::Display;

use askama::{Result, Values, filters::MaybeSafe};

use crate::report::diagram::escaped;

/// Prose with what stands between backticks as code. Everything is escaped; a backtick without a partner stays one.
#[askama::filter_fn]
pub(super) fn prose<T: Display>(text: T, _: &dyn Values) -> Result<MaybeSafe<String>> {
    Ok(MaybeSafe::Safe(marked_up(&text.to_string())))
}

fn marked_up(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, code, after)) = next_code(rest) {
        html.push_str(&format!("{}<code>{}</code>", escaped(before), escaped(code)));
        rest = after;
    }
    html + &escaped(rest)
}

/// The text before the first code, the code, and the text after it.
fn next_code(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('`')?;
    let (code, after) = rest.split_once('`')?;
    (!code.is_empty() && !code.contains('\n')).then_some((before, code, after))
}

#[cfg(test)]
mod tests {
    use super::marked_up;

    #[test]
    fn what_stands_between_backticks_is_code_and_nothing_is_markup() {
        for (text, html) in [
            (
                "set `a < b`, then `c`",
                "set <code>a &lt; b</code>, then <code>c</code>",
            ),
            ("one ` alone", "one ` alone"),
            ("<b>`</b>`", "&lt;b&gt;<code>&lt;/b&gt;</code>"),
            ("``", "``"),
        ] {
            assert_eq!(marked_up(text), html);
        }
    }
}
