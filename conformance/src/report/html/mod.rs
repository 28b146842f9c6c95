//! The page: one file that opens from disk without a network. Causes first, each with what was expected, delivered and
//! observed, the sequence, the tokens, the cookies and both legs; then every case.
//!
//! [`view`] says what stands in it, [`tokens`] what must be checked of a token and whether it was, [`filters`] how prose is
//! marked up.

mod filters;
mod tokens;
mod view;

use askama::Template;

use super::kind::Source;

/// Bytes that the page stays under; what does not fit is pointed to.
pub const LIMIT: usize = 8 * 1024 * 1024;

/// The page of a run.
///
/// # Errors
/// Only what filling a template in memory can run into.
pub fn document(source: &Source<'_>) -> Result<String, askama::Error> {
    // What is said of every case comes first; evidence takes what is left.
    let bare = Source {
        run: source.run,
        folder: None,
    };
    let bare = view::page(&bare, 0).render()?;
    let mut room = LIMIT.saturating_sub(bare.len());
    while source.folder.is_some() && room > 0 {
        let page = view::page(source, room).render()?;
        match page.len().saturating_sub(LIMIT) {
            0 => return Ok(page),
            // The markup around it was estimated too low.
            beyond => room = room.saturating_sub(beyond.max(room / 16 + 1)),
        }
    }
    Ok(bare)
}
