//! Why a browser did not do what was asked.

use std::time::Duration;

use fantoccini::error::{CmdError, ErrorStatus};

/// Why a browser did not do what was asked, in the order in which one meets it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrowserError {
    /// It could not be opened.
    #[error("no browser could be opened: {0}")]
    NotOpened(String),
    /// It is no longer there.
    #[error("the browser has gone: {0}")]
    Gone(String),
    /// It did not answer.
    #[error("the browser did not answer within {} s", .0.as_secs())]
    Hangs(Duration),
    /// An alert box was open; it was dismissed.
    #[error("the page showed an alert box: {0}")]
    Alert(String),
    /// A page went away while it was asked.
    #[error("the page went away while it was asked")]
    BetweenPages,
    /// The address led to no page.
    #[error("no page came: {0}")]
    NoPage(String),
    /// The browser or the page refused.
    #[error("{0}")]
    Refused(String),
}

impl BrowserError {
    /// A session that was closed has no browser any more.
    pub(super) fn closed() -> Self {
        BrowserError::Gone("it was closed".to_owned())
    }
}

impl From<CmdError> for BrowserError {
    fn from(error: CmdError) -> Self {
        let CmdError::Standard(told) = &error else {
            return BrowserError::Gone(error.to_string());
        };
        let text = first_line(&told.message);
        match told.error {
            ErrorStatus::UnexpectedAlertOpen => BrowserError::Alert(alert_text(&text)),
            _ if between(&told.message) => BrowserError::BetweenPages,
            ErrorStatus::InvalidSessionId | ErrorStatus::NoSuchWindow => BrowserError::Gone(text),
            ErrorStatus::Timeout | ErrorStatus::ScriptTimeout => BrowserError::NoPage(text),
            ErrorStatus::StaleElementReference => BrowserError::BetweenPages,
            _ if no_page(&told.message) => BrowserError::NoPage(text),
            _ if gone(&told.message) => BrowserError::Gone(text),
            _ => BrowserError::Refused(text),
        }
    }
}

/// Words of `ChromeDriver`, and of geckodriver, for an address that led to a page of the browser's own.
fn no_page(message: &str) -> bool {
    ["net::ERR_", "Reached error page"]
        .iter()
        .any(|words| message.contains(words))
}

/// Words of `ChromeDriver`, and of geckodriver, for a browser or tab that crashed or was ended.
fn gone(message: &str) -> bool {
    [
        "tab crashed",
        "not reachable",
        "disconnected",
        "session deleted",
        "target window already closed",
        "Failed to decode response from marionette",
        "Tried to run command without establishing a connection",
        "Process unexpectedly closed",
    ]
    .iter()
    .any(|words| message.contains(words))
}

/// Words of `ChromeDriver`, and of geckodriver, for a page that was replaced while a script ran in it.
fn between(message: &str) -> bool {
    [
        "Execution context was destroyed",
        "Cannot find context",
        "aborted by navigation",
        "Inspected target navigated",
        "Browsing context has been discarded",
        "Document was unloaded",
        "Actor 'MarionetteCommands' destroyed",
    ]
    .iter()
    .any(|words| message.contains(words))
}

/// `unexpected alert open: {Alert text : hello}` without what is round it.
fn alert_text(message: &str) -> String {
    let text = message.split_once("Alert text :").map_or(message, |(_, text)| text);
    text.trim().trim_end_matches('}').to_owned()
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().trim().to_owned()
}
