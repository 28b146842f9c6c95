//! HTML within bounds: how deep elements may nest and how long reading may take. The tree builder of browsers looks through
//! all open elements at many tags (HTML Standard §13.2.4.2), so that a page of nested elements costs the square of its
//! length; browsers stop nesting at some depth, and so does this.

use std::time::{Duration, Instant};

use html5ever::{
    driver,
    tendril::{StrTendril, TendrilSink},
};
use scraper::{Html, HtmlTreeSink};

/// How deep elements may nest. Chromium's limit is 512.
pub const DEPTH_LIMIT: usize = 2_000;

/// How many elements reading one page may make. Formatting elements that are left open are made anew in every paragraph (HTML
/// Standard §13.2.4.3), so that a page of a few kilobytes can ask for millions.
pub const ELEMENTS_LIMIT: usize = 4_000_000;

/// How long reading one page may take; ten times what eight mebibytes of ordinary markup take without optimisation.
pub const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Between two looks at the clock.
const PIECE: usize = 16 * 1024;

/// A page cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Elements nest too deep.
    #[error("its elements nest more than {DEPTH_LIMIT} deep")]
    TooDeep,
    /// It would make too many elements.
    #[error("its formatting elements are left open and would make more than {ELEMENTS_LIMIT} elements")]
    TooMany,
    /// Reading took too long.
    #[error("reading its markup takes too long")]
    TooLong,
}

/// Reads a page.
///
/// # Errors
/// When its elements nest deeper than [`DEPTH_LIMIT`], are more than [`ELEMENTS_LIMIT`], or reading takes longer than `limit`.
pub fn parse(html: &str, limit: Duration) -> Result<Html, Unreadable> {
    within_bounds(html)?;
    let until = Instant::now() + limit;
    let mut parser = driver::parse_document(HtmlTreeSink::new(Html::new_document()), driver::ParseOpts::default());
    let mut rest = html;
    while !rest.is_empty() {
        if Instant::now() > until {
            return Err(Unreadable::TooLong);
        }
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE.min(rest.len())));
        parser.process(StrTendril::from_slice(piece));
        rest = after;
    }
    Ok(parser.finish())
}

/// Reads a page that was read before, so that it is known to be readable; what is not is an empty page.
#[must_use]
pub fn parse_known(html: &str) -> Html {
    parse(html, TIME_LIMIT).unwrap_or_else(|_| Html::new_document())
}

/// Elements that close by themselves when the next of their kind begins, and those without content.
const UNCOUNTED: &[&str] = &[
    "area", "base", "body", "br", "col", "colgroup", "dd", "dt", "embed", "head", "hr", "html", "img", "input", "li",
    "link", "meta", "optgroup", "option", "p", "rp", "rt", "source", "tbody", "td", "tfoot", "th", "thead", "tr",
    "track", "wbr",
];

/// Elements that the parser opens again in the next paragraph when they were not closed.
const FORMATTING: &[&str] = &[
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
];

/// How many elements are open at once and how many are made, told in one pass over the tags without building anything. Text that
/// only looks like a tag (in scripts, in attributes) counts as one, and every tag as the end of a paragraph: that makes the
/// counts too high, never too low.
fn within_bounds(html: &str) -> Result<(), Unreadable> {
    let bytes = html.as_bytes();
    let (mut depth, mut formatting, mut made, mut at) = (0_usize, 0_usize, 0_usize, 0);
    while let Some(found) = memchr::memchr(b'<', &bytes[at..]) {
        at += found + 1;
        let closes = bytes.get(at) == Some(&b'/');
        let start = at + usize::from(closes);
        let length = bytes[start..]
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-')
            .count();
        let name = &bytes[start..start + length];
        if length == 0 || !name[0].is_ascii_alphabetic() {
            continue;
        }
        at = start + length;
        let is_one_of = |names: &[&str]| names.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
        if is_one_of(FORMATTING) {
            formatting = match closes {
                true => formatting.saturating_sub(1),
                false => formatting + 1,
            };
        }
        if !closes {
            made += 1 + formatting;
        }
        if made > ELEMENTS_LIMIT {
            return Err(Unreadable::TooMany);
        }
        if is_one_of(UNCOUNTED) {
            continue;
        }
        if closes {
            depth = depth.saturating_sub(1);
        } else {
            depth += 1;
        }
        if depth > DEPTH_LIMIT {
            return Err(Unreadable::TooDeep);
        }
        // What stands in a script or a style is no markup.
        if !closes
            && [&b"script"[..], b"style"]
                .iter()
                .any(|raw| name.eq_ignore_ascii_case(raw))
        {
            match end_of_raw(&bytes[at..], name) {
                Some(end) => at += end,
                None => return Ok(()),
            }
        }
    }
    Ok(())
}

/// Where the end tag of a script or a style begins.
fn end_of_raw(bytes: &[u8], name: &[u8]) -> Option<usize> {
    let named = |at: &usize| {
        let end = bytes.get(at + 2..at + 2 + name.len());
        end.is_some_and(|end| end.eq_ignore_ascii_case(name))
    };
    memchr::memmem::find_iter(bytes, b"</").find(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_nested_elements_are_refused_at_once() {
        for element in ["<div>", "<b>", "<a x=1><font>"] {
            let page = element.repeat(1_000_000);
            let began = Instant::now();
            assert_eq!(parse(&page, TIME_LIMIT), Err(Unreadable::TooDeep), "{element}");
            assert!(
                began.elapsed() < Duration::from_secs(5),
                "{element} took {:?}",
                began.elapsed()
            );
        }
    }

    #[test]
    fn pages_that_are_only_long_are_read() {
        let rows = "<tr><td>one<td>two".repeat(20_000);
        let items = "<li>item<p>text".repeat(20_000);
        let script = format!("<script>{}</script>", "if (a<b) x='<div>';".repeat(10_000));
        let page = format!("<table>{rows}</table><ul>{items}</ul>{script}<form id=last></form>");
        let read = parse(&page, Duration::from_secs(60)).unwrap();
        let form = scraper::Selector::parse("form#last").unwrap();
        assert_eq!(read.select(&form).count(), 1);
    }

    /// Two hundred kilobytes that would be twenty million elements.
    #[test]
    fn formatting_elements_that_are_left_open_do_not_multiply() {
        let fonts: String = (0..1_000).map(|size| format!("<font size={size}>")).collect();
        let page = format!("<p>{fonts}</p>{}", "<p>text</p>".repeat(20_000));
        assert_eq!(parse(&page, TIME_LIMIT), Err(Unreadable::TooMany));
        // A careless author's page is read.
        let careless = format!("<p><font size=1><b>bold</p>{}", "<p>text</p>".repeat(20_000));
        assert!(parse(&careless, Duration::from_secs(60)).is_ok());
    }

    #[test]
    fn reading_ends_when_its_time_is_up() {
        let page = "<p>text".repeat(100_000);
        assert_eq!(parse(&page, Duration::ZERO), Err(Unreadable::TooLong));
    }

    #[test]
    fn what_is_read_in_pieces_is_what_is_read_at_once() {
        let page = format!("<title>é</title>{}<p id=a>ü&amp;ö</p>", "<p>ärger</p>".repeat(5_000));
        assert_eq!(
            parse(&page, TIME_LIMIT).unwrap().html(),
            Html::parse_document(&page).html()
        );
    }
}
