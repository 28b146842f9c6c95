//! Looking for a text in another.

/// Whether a text holds another. Pages can be long, and much is looked for in each: unlike `str::contains`, this is quick in
/// builds without optimisation too.
#[must_use]
pub fn holds(text: &str, what: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), what.as_bytes()).is_some()
}
