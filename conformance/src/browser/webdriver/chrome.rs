//! How Chromium and Chrome are started.

use std::env;

use fantoccini::wd::Capabilities;
use serde_json::json;

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
    // No questions to strangers about forms that are filled in, pages that are slow, languages.
    "--disable-features=AutofillServerCommunication,OptimizationHints,Translate",
    "--disable-sync",
    "--mute-audio",
    "--window-size=1024,768",
];

/// What only this browser is asked for.
pub(super) fn capabilities(headed: bool) -> Capabilities {
    let mut flags: Vec<&str> = FLAGS.to_vec();
    if !headed {
        flags.push("--headless");
    }
    // Headless windows keep third-party cookies out, as private ones do; an ordinary window lets them in (measured).
    let preferences = json!({
        "download_restrictions": 3,
        "credentials_enable_service": false,
        "profile.cookie_controls_mode": 0,
    });
    let mut options = json!({ "args": flags, "prefs": preferences });
    if let Ok(binary) = env::var("CONFORMANCE_CHROME") {
        options["binary"] = json!(binary);
    }
    let mut wanted = Capabilities::new();
    wanted.insert("goog:chromeOptions".to_owned(), options);
    wanted.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
    wanted
}

/// What mends that it could not be opened.
pub(super) fn mend(told: &str) -> &'static str {
    if told.contains("only supports Chrome version") {
        "browser and driver must be of the same major version: install both from one place (`conformance browser install`)"
    } else if told.contains("cannot find Chrome binary") {
        "install Chromium (`conformance browser install`), or name it in CONFORMANCE_CHROME"
    } else {
        "see whether `chromium --headless` starts on this machine"
    }
}
