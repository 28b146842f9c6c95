//! How Chromium and Chrome are started.

use std::{
    env,
    path::{Path, PathBuf},
};

use fantoccini::wd::Capabilities;
use serde_json::json;

use super::path::on_path;

/// Where distributions put the driver when it is not on the path.
pub(super) const USUAL_PLACES: &[&str] = &[
    "/usr/bin/chromedriver",
    "/usr/lib/chromium/chromedriver",
    "/usr/lib/chromium-browser/chromedriver",
    "/usr/lib64/chromium-browser/chromedriver",
    "/opt/homebrew/bin/chromedriver",
    "/usr/local/bin/chromedriver",
    "/snap/bin/chromium.chromedriver",
];

/// The same browser without the windows that nobody sees: a sign-in takes it half the processor time. Debian's is asked for
/// by its place, because the program on the path is a script that outlives it.
const SHELL: &[&str] = &[
    "/usr/lib/chromium/chromium-headless-shell",
    "chromium-headless-shell",
    "chrome-headless-shell",
];

/// Headless, fresh, and silent: nothing is fetched that no page asked for.
const FLAGS: &[&str] = &[
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    // No questions to strangers about forms that are filled in, pages that are slow, languages. And nothing that a window
    // does for the person before it: the list under its address bar is a page of 200 scripts that was loaded for every
    // profile (half the processor time of a run), and a process in store for the next page is never used by this one.
    "--disable-features=AutofillServerCommunication,OptimizationHints,Translate,PreloadTopChromeWebUI,\
     SpareRendererForSitePerProcess,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup,WebUIOmniboxPopup",
    "--disable-sync",
    "--mute-audio",
    "--window-size=1024,768",
];

/// What a browser that nobody looks at does without: a process for what it draws, and one more for each site that a profile
/// visits. Processes keep attackers apart; here a profile is used for one walk, and what cookies and scripts may do does not
/// hang on them. (A sixth of the processor time of a run.)
const UNSEEN: &[&str] = &[
    "--headless",
    "--in-process-gpu",
    "--disable-site-isolation-trials",
    "--renderer-process-limit=1",
];

/// The browser that this machine has for runs without a window, beside the one that everybody has; `None` as well when
/// `CONFORMANCE_CHROME` names the one to use.
pub(super) fn find_shell() -> Option<PathBuf> {
    if env::var_os("CONFORMANCE_CHROME").is_some() {
        return None;
    }
    SHELL.iter().find_map(|name| on_path(name))
}

/// What only this browser is asked for. `shell`: where the one without windows lies, if it is to be used.
pub(super) fn capabilities(headed: bool, shell: Option<&Path>) -> Capabilities {
    let mut flags: Vec<&str> = FLAGS.to_vec();
    if !headed {
        flags.extend(UNSEEN);
    }
    // Headless windows keep third-party cookies out, as private ones do; an ordinary window lets them in (measured).
    let preferences = json!({
        "download_restrictions": 3,
        "credentials_enable_service": false,
        "profile.cookie_controls_mode": 0,
    });
    let mut options = json!({ "args": flags, "prefs": preferences });
    let named = env::var_os("CONFORMANCE_CHROME").map(PathBuf::from);
    if let Some(binary) = named.as_deref().or(shell) {
        options["binary"] = json!(binary);
    }
    let mut wanted = Capabilities::new();
    wanted.insert("goog:chromeOptions".to_owned(), options);
    wanted.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
    wanted
}

/// What to do when it could not be opened.
pub(super) fn fix(told: &str) -> &'static str {
    if told.contains("only supports Chrome version") {
        "browser and driver must be of the same major version: install both from one place (`conformance browser install`)"
    } else if told.contains("cannot find Chrome binary") {
        "install Chromium (`conformance browser install`), or name it in CONFORMANCE_CHROME"
    } else {
        "see whether `chromium --headless` starts on this machine"
    }
}
