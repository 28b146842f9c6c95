//! Which browser is driven, and what differs by it before it runs: the name of its driver, where that lies, and how both
//! are asked for.

use std::{
    env,
    path::{Path, PathBuf},
};

use fantoccini::wd::Capabilities;
use serde_json::{Value, json};

use super::{chrome, firefox, path::on_path};

/// A browser with the driver that belongs to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Brand {
    /// Chromium or Chrome, by chromedriver.
    #[default]
    Chrome,
    /// Firefox, by geckodriver.
    Firefox,
}

/// What a browser is asked to be like when it is opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish<'w> {
    /// Whether its window is shown.
    pub headed: bool,
    /// The program that has no windows to show, if it is to be used.
    pub shell: Option<&'w Path>,
    /// The port of its proxy on this machine; `None` for a browser whose profiles have proxies of their own.
    pub proxy: Option<u16>,
    /// How long a page or a script may take, in milliseconds.
    pub limit: u64,
}

impl Brand {
    /// `chrome` or `firefox`, as the command line takes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Brand::Chrome => "chrome",
            Brand::Firefox => "firefox",
        }
    }

    /// The program that drives it.
    #[must_use]
    pub const fn driver(self) -> &'static str {
        match self {
            Brand::Chrome => "chromedriver",
            Brand::Firefox => "geckodriver",
        }
    }

    /// The command that installs it, or says how.
    #[must_use]
    pub const fn install_command(self) -> &'static str {
        match self {
            Brand::Chrome => "conformance browser install",
            Brand::Firefox => "conformance browser install --browser firefox",
        }
    }

    /// The driver of this machine: by the variable that names it (`CHROMEDRIVER`, `GECKODRIVER`), else on the path, else in
    /// the folder that hosted runners name (`CHROMEWEBDRIVER`, `GECKOWEBDRIVER`), else where it is usually put.
    #[must_use]
    pub fn find_driver(self) -> Option<PathBuf> {
        let (program, folder) = match self {
            Brand::Chrome => ("CHROMEDRIVER", "CHROMEWEBDRIVER"),
            Brand::Firefox => ("GECKODRIVER", "GECKOWEBDRIVER"),
        };
        if let Some(named) = env::var_os(program).map(PathBuf::from) {
            return named.is_file().then_some(named);
        }
        let named = env::var_os(folder).map(|folder| PathBuf::from(folder).join(self.driver()));
        on_path(self.driver()).or_else(|| {
            let mut places = named.into_iter().chain(self.usual_places());
            places.find(|place| place.is_file())
        })
    }

    fn usual_places(self) -> Vec<PathBuf> {
        match self {
            Brand::Chrome => chrome::USUAL_PLACES.iter().map(PathBuf::from).collect(),
            Brand::Firefox => firefox::usual_places(),
        }
    }

    /// The shell command that starts the driver on this port, with `folder` for what its browsers write.
    pub(super) fn command(self, program: &Path, port: u16, folder: &Path) -> String {
        let program = program.display();
        match self {
            Brand::Chrome => format!("exec '{program}' --port={port} --log-level=SEVERE"),
            // Without its own free port the second one would ask for that of the first.
            Brand::Firefox => format!(
                "exec '{program}' --port={port} --websocket-port=0 --log=error --profile-root='{}'",
                folder.display()
            ),
        }
    }

    /// The program of this machine that is the browser without its windows, for runs that show none.
    pub(super) fn find_shell(self) -> Option<PathBuf> {
        match self {
            Brand::Chrome => chrome::find_shell(),
            Brand::Firefox => None,
        }
    }

    /// Whether this machine could use a program that is the browser without its windows, and has none.
    pub(super) fn lacks_shell(self) -> bool {
        self == Brand::Chrome && env::var_os("CONFORMANCE_CHROME").is_none() && self.find_shell().is_none()
    }

    /// Whether one driver has as many browsers as are wanted. geckodriver has one at a time.
    pub(super) const fn shares_driver(self) -> bool {
        matches!(self, Brand::Chrome)
    }

    pub(super) fn capabilities(self, wish: Wish<'_>) -> Capabilities {
        let mut wanted = match self {
            Brand::Chrome => chrome::capabilities(wish.headed, wish.shell),
            Brand::Firefox => firefox::capabilities(wish.headed),
        };
        wanted.insert("acceptInsecureCerts".to_owned(), json!(true));
        wanted.insert("unhandledPromptBehavior".to_owned(), json!("dismiss and notify"));
        wanted.insert(
            "timeouts".to_owned(),
            json!({ "pageLoad": wish.limit, "script": wish.limit }),
        );
        if let Some(port) = wish.proxy {
            let address = format!("127.0.0.1:{port}");
            let mut proxy = json!({ "proxyType": "manual", "httpProxy": address, "sslProxy": address });
            if self == Brand::Chrome {
                // Without the exception it does not ask a proxy for loopback addresses; Firefox has a preference for it.
                proxy["noProxy"] = json!(["<-loopback>"]);
            }
            wanted.insert("proxy".to_owned(), proxy);
        }
        wanted
    }

    /// What the driver calls itself, by the capabilities of a browser that it opened: `ChromeDriver 156.0.8078.79`. Empty
    /// when it does not tell.
    pub(super) fn driver_version(self, told: &Capabilities) -> String {
        let (name, version) = match self {
            Brand::Chrome => (
                "ChromeDriver",
                told.get("chrome").and_then(|chrome| chrome.get("chromedriverVersion")),
            ),
            Brand::Firefox => ("geckodriver", told.get("moz:geckodriverVersion")),
        };
        let version = version.and_then(Value::as_str).unwrap_or_default();
        match version.split(' ').next() {
            None | Some("") => String::new(),
            Some(version) => format!("{name} {version}"),
        }
    }

    /// What the driver says of a browser that could not be opened, with what fixes it.
    pub(super) fn advice(self, told: &str) -> String {
        let told = told.lines().next().unwrap_or_default();
        let fix = match self {
            Brand::Chrome => chrome::fix(told),
            Brand::Firefox => firefox::fix(told),
        };
        format!("{told}; {fix}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WISH: Wish<'_> = Wish {
        headed: false,
        shell: None,
        proxy: Some(4711),
        limit: 15_000,
    };

    #[test]
    fn both_browsers_ask_the_gate_for_loopback_addresses_and_take_its_certificate() {
        let chrome = Value::Object(Brand::Chrome.capabilities(WISH));
        assert_eq!(chrome["proxy"]["noProxy"], json!(["<-loopback>"]));
        let firefox = Value::Object(Brand::Firefox.capabilities(WISH));
        let options = &firefox["moz:firefoxOptions"];
        assert_eq!(options["prefs"]["network.proxy.allow_hijacking_localhost"], true);
        assert_eq!(firefox["proxy"].get("noProxy"), None);
        for wanted in [chrome, firefox] {
            assert_eq!(wanted["proxy"]["httpProxy"], "127.0.0.1:4711");
            assert_eq!(wanted["acceptInsecureCerts"], true);
            assert_eq!(wanted["timeouts"]["pageLoad"], 15_000);
        }
    }

    #[test]
    fn windows_are_shown_when_that_is_asked_for() {
        let headed = Wish { headed: true, ..WISH };
        for (brand, options, flag) in [
            (Brand::Chrome, "goog:chromeOptions", json!("--headless")),
            (Brand::Firefox, "moz:firefoxOptions", json!("-headless")),
        ] {
            let flags = |wish| brand.capabilities(wish)[options]["args"].as_array().cloned().unwrap();
            assert!(flags(WISH).contains(&flag), "{brand:?}");
            assert!(!flags(headed).contains(&flag), "{brand:?}");
        }
    }

    #[test]
    fn firefox_is_asked_for_the_wire_that_chromes_devtools_are() {
        let firefox = Brand::Firefox.capabilities(WISH);
        assert_eq!(firefox["webSocketUrl"], true);
        assert!(!firefox.contains_key("goog:loggingPrefs"));
        let command = Brand::Firefox.command(Path::new("/opt/gecko driver"), 4444, Path::new("/tmp/a"));
        assert_eq!(
            command,
            "exec '/opt/gecko driver' --port=4444 --websocket-port=0 --log=error --profile-root='/tmp/a'"
        );
    }

    #[test]
    fn drivers_say_their_version_in_their_own_ways() {
        let told = |value: Value| value.as_object().cloned().unwrap();
        let chrome = told(json!({ "chrome": { "chromedriverVersion": "156.0.1.2 (abcdef)" } }));
        assert_eq!(Brand::Chrome.driver_version(&chrome), "ChromeDriver 156.0.1.2");
        let firefox = told(json!({ "moz:geckodriverVersion": "0.37.1" }));
        assert_eq!(Brand::Firefox.driver_version(&firefox), "geckodriver 0.37.1");
        assert_eq!(Brand::Firefox.driver_version(&chrome), "");
    }

    #[test]
    fn what_keeps_firefox_from_starting_comes_with_what_fixes_it() {
        let told = "Expected browser binary location, but unable to find binary in default location, no \
                    'moz:firefoxOptions.binary' capability provided, and no binary flag set on the command line";
        let advice = Brand::Firefox.advice(told);
        assert!(advice.contains("CONFORMANCE_FIREFOX"), "{advice}");
        assert!(
            advice.contains("conformance browser install --browser firefox"),
            "{advice}"
        );
    }
}
