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
    let page = view::page(source).render()?;
    if page.len() <= LIMIT {
        return Ok(page);
    }
    // Estimates fell short: without the requests of both legs it is a fraction of that.
    let bare = Source {
        run: source.run,
        folder: None,
    };
    view::page(&bare).render()
}
