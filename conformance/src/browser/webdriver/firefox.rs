//! How Firefox is started.

use std::{env, path::PathBuf};

use fantoccini::wd::Capabilities;
use serde_json::{Value, json};

use super::path::on_path;

/// Where the driver is put when it is not on the path; `cargo install` puts it below the home folder.
const USUAL_PLACES: &[&str] = &[
    "/usr/bin/geckodriver",
    "/usr/local/bin/geckodriver",
    "/opt/homebrew/bin/geckodriver",
    "/snap/bin/geckodriver",
    "/snap/bin/firefox.geckodriver",
];

/// Switches with one position for all runs.
const OFF: &[&str] = &[
    // Questions to strangers: whether there is a network, what is dangerous, what is new.
    "app.normandy.enabled",
    "browser.discovery.enabled",
    "browser.safebrowsing.blockedURIs.enabled",
    "browser.safebrowsing.downloads.enabled",
    "browser.safebrowsing.malware.enabled",
    "browser.safebrowsing.phishing.enabled",
    "browser.safebrowsing.update.enabled",
    "browser.search.update",
    "browser.topsites.contile.enabled",
    "datareporting.healthreport.uploadEnabled",
    "datareporting.policy.dataSubmissionEnabled",
    "dom.push.connection.enabled",
    "extensions.getAddons.cache.enabled",
    "extensions.systemAddon.update.enabled",
    "extensions.update.enabled",
    "identity.fxaccounts.enabled",
    "media.gmp-manager.updateEnabled",
    "messaging-system.rsexperimentloader.enabled",
    "network.captive-portal-service.enabled",
    "network.connectivity-service.enabled",
    "security.certerrors.mitm.priming.enabled",
    "security.remote_settings.crlite_filters.enabled",
    "security.remote_settings.intermediates.enabled",
    "toolkit.telemetry.unified",
    // Connections and pages that nobody asked for yet.
    "browser.urlbar.speculativeConnect.enabled",
    "network.predictor.enabled",
    "network.prefetch-next",
    // An address is asked for as it was typed, not by https first.
    "dom.security.https_first",
    "dom.security.https_first_schemeless",
    // Nothing of a window that no page has drawn.
    "browser.chrome.site_icons",
    "browser.translations.enable",
    "signon.autofillForms",
    "signon.rememberSignons",
    // A process that waits for pages that may never come.
    "dom.ipc.processPrelaunch.enabled",
    // A page may open the tab in which a second look is taken.
    "dom.disable_open_during_load",
];

/// What only this browser is asked for. Commands do not wait for pages: the harness knows by its gate and by BiDi when one
/// has come, while the driver waits for seconds after a click that led to no page.
pub(super) fn capabilities(headed: bool) -> Capabilities {
    let mut flags = vec!["-width", "1024", "-height", "768"];
    if !headed {
        flags.push("-headless");
    }
    let mut options = json!({
        "args": flags,
        "prefs": preferences(),
        "env": { "MOZ_CRASHREPORTER_DISABLE": "1" },
    });
    if let Some(binary) = binary() {
        options["binary"] = json!(binary);
    }
    let mut wanted = Capabilities::new();
    wanted.insert("browserName".to_owned(), json!("firefox"));
    wanted.insert("moz:firefoxOptions".to_owned(), options);
    wanted.insert("pageLoadStrategy".to_owned(), json!("none"));
    wanted.insert("webSocketUrl".to_owned(), json!(true));
    wanted
}

fn preferences() -> Value {
    let mut all = json!({
        // Without it no proxy is asked for loopback addresses.
        "network.proxy.allow_hijacking_localhost": true,
        // As in the other browser: otherwise a frame of the app on the page of the authorization server has a jar of its
        // own, and a sign-out by front channel that works could not be told from one that does nothing.
        "network.cookie.cookieBehavior": 0,
        "network.dns.disablePrefetch": true,
        "network.http.speculative-parallel-limit": 0,
        "network.trr.mode": 5,
        "security.OCSP.enabled": 0,
        "app.update.disabledForTesting": true,
        "services.settings.server": "data:,nobody",
        "toolkit.telemetry.server": "data:,nobody",
        "browser.region.network.url": "",
        "browser.aboutHomeSnippets.updateUrl": "",
    });
    for name in OFF {
        all[*name] = json!(false);
    }
    all
}

/// `CONFORMANCE_FIREFOX`; or `firefox-esr`, as Debian calls it, where nothing on the path is called `firefox`, which is all
/// that the driver looks for.
fn binary() -> Option<PathBuf> {
    if let Some(named) = env::var_os("CONFORMANCE_FIREFOX") {
        return Some(named.into());
    }
    match on_path("firefox") {
        Some(_) => None,
        None => on_path("firefox-esr"),
    }
}

pub(super) fn usual_places() -> Vec<PathBuf> {
    let home = env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo/bin/geckodriver"));
    USUAL_PLACES.iter().map(PathBuf::from).chain(home).collect()
}

/// What to do when it could not be opened.
pub(super) fn fix(told: &str) -> &'static str {
    if told.contains("unable to find binary") || told.contains("not a Firefox executable") {
        "install Firefox (`conformance browser install --browser firefox`), or name it in CONFORMANCE_FIREFOX"
    } else if told.contains("matching set of capabilities") || told.contains("webSocketUrl") {
        "browser or driver is too old: Firefox 140 and geckodriver 0.36 are new enough"
    } else {
        "see whether `firefox --headless` starts on this machine"
    }
}
