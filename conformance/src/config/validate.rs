//! What a well-formed file can still get wrong. Every mistake is told, not only the first.

use std::ops::Range;

use mock_idp::tenant::AuthMethod;
use toml::de::{DeTable, DeValue};
use url::{Host, Url};

use super::Problem;
use crate::{
    placeholder,
    select::Selector,
    target::{Config, Pattern, Port, SignIn, SignOut},
};

/// A token answer that takes five seconds must be waited for; less than this would cut off apps that do.
const LEAST_PATIENCE: u64 = 10;

/// Everything that is wrong; empty when the file can be used.
pub(super) fn problems(config: &Config, text: &str, allow_hosts: &[String]) -> Vec<Problem> {
    let mut checker = Checker {
        text,
        table: DeTable::parse(text).ok().map(|table| table.into_inner()),
        problems: Vec::new(),
    };
    checker.url(config, allow_hosts);
    checker.paths(config);
    checker.oracle(config);
    checker.start(config);
    checker.idp_and_run(config);
    checker.problems
}

struct Checker<'t> {
    text: &'t str,
    table: Option<DeTable<'t>>,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    fn report(&mut self, key: &[&str], message: String, mend: impl Into<String>) {
        let span = self.table.as_ref().and_then(|table| span(table, key));
        self.problems.push(Problem::at(self.text, span, message, mend));
    }

    fn url(&mut self, config: &Config, allow_hosts: &[String]) {
        const KEY: &[&str] = &["target", "url"];
        let text = &config.target.url;
        if !self.placeholders(KEY, text, &["port"]) {
            return;
        }
        let url = match Url::parse(&text.replace("{port}", "1")) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => url,
            _ => {
                let mend = "for instance \"http://localhost:3000\"";
                return self.report(KEY, format!("`{text}` is no http or https URL"), mend);
            }
        };
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            let message = "the app's url is its origin, without a path".to_owned();
            self.report(KEY, message, "paths stand in sign_in, callback and probe");
        }
        let host = url.host_str().unwrap_or_default();
        if !is_loopback(&url) && !allow_hosts.iter().any(|allowed| allowed == host) {
            let message = format!("`{host}` is not on this machine, and attacks are only sent where they are allowed");
            self.report(KEY, message, format!("--allow-host {host} allows it"));
        }
        let has_port = text.contains("{port}");
        match &config.target.start {
            None if has_port => {
                let message = "`{port}` is chosen when the app is started, and there is no [target.start]".to_owned();
                self.report(KEY, message, "write the port, or add [target.start]");
            }
            Some(start) if !has_port => {
                let own = url.port_or_known_default();
                if let Port::Fixed(port) = start.port
                    && Some(port) != own
                {
                    let message = format!("the app is started on port {port} and looked for at {text}");
                    self.report(&["target", "start", "port"], message, "write `{port}` in url");
                }
            }
            _ => {}
        }
    }

    fn paths(&mut self, config: &Config) {
        let target = &config.target;
        match &target.sign_in {
            SignIn::Get(path) => self.path(&["target", "sign_in", "get"], path),
            SignIn::Protected(path) => self.path(&["target", "sign_in", "protected"], path),
            SignIn::Form(path) => self.path(&["target", "sign_in", "form"], path),
            SignIn::Click(text) => self.not_empty(&["target", "sign_in", "click"], text),
        }
        match &target.sign_out {
            Some(SignOut::Get(path)) => self.path(&["target", "sign_out", "get"], path),
            Some(SignOut::Post(path)) => self.path(&["target", "sign_out", "post"], path),
            Some(SignOut::Form(path)) => self.path(&["target", "sign_out", "form"], path),
            Some(SignOut::Click(text)) => self.not_empty(&["target", "sign_out", "click"], text),
            None => {}
        }
        self.path_or_url(&["target", "callback"], &target.callback);
        for (key, place) in [
            ("backchannel_logout", &target.backchannel_logout),
            ("frontchannel_logout", &target.frontchannel_logout),
            ("initiate_login", &target.initiate_login),
        ] {
            if let Some(place) = place {
                self.path_or_url(&["target", key], place);
            }
        }
        for path in &target.protected {
            self.path(&["target", "protected"], path);
        }
        for uri in &target.post_logout {
            const KEY: &[&str] = &["target", "post_logout"];
            if self.placeholders(KEY, uri, &["port"]) && Url::parse(&uri.replace("{port}", "1")).is_err() {
                let message = format!("`{uri}` is no absolute URL, and only those can be registered");
                self.report(KEY, message, "for instance \"http://localhost:{port}/\"");
            }
        }
    }

    fn oracle(&mut self, config: &Config) {
        let oracle = &config.target.session;
        self.path(&["target", "session", "probe"], &oracle.probe);
        for (key, pattern) in [("signed_in", &oracle.signed_in), ("signed_out", &oracle.signed_out)] {
            let key = &["target", "session", key];
            if is_empty(pattern) {
                let message = "an empty pattern fits every answer".to_owned();
                self.report(key, message, "give status, contains or both");
            }
            if let Some(code) = pattern.status.0.iter().find(|code| !(100..600).contains(*code)) {
                self.report(
                    key,
                    format!("{code} is no status code"),
                    "for instance 200 or [302, 401]",
                );
            }
            const FIELDS: [&str; 4] = ["user.email", "user.name", "user.sub", "user.login"];
            let used = pattern.contains.as_deref().unwrap_or_default();
            if let Some(name) =
                placeholder::names(used).find(|name| name.starts_with("user.") && !FIELDS.contains(name))
            {
                let mend = "known: {user.email}, {user.name}, {user.sub}, {user.login}";
                self.report(key, format!("nothing fills `{{{name}}}`"), mend);
            }
        }
        if !is_empty(&oracle.signed_in) && is_same(&oracle.signed_in, &oracle.signed_out) {
            let message = "signed_in and signed_out are the same, so nothing can be told apart".to_owned();
            let mend = "signed_in = { contains = \"{user.email}\" } is the surest";
            self.report(&["target", "session", "signed_out"], message, mend);
        }
    }

    fn start(&mut self, config: &Config) {
        let Some(start) = &config.target.start else { return };
        if start.command.trim().is_empty() {
            let message = "an empty command starts nothing".to_owned();
            self.report(
                &["target", "start", "command"],
                message,
                "or leave [target.start] out and start the app by hand",
            );
        }
        self.placeholders(&["target", "start", "command"], &start.command, placeholder::KNOWN);
        if let Some(build) = &start.build {
            self.placeholders(&["target", "start", "build"], build, &[]);
        }
        if let Some(url) = &start.wait_for
            && self.placeholders(&["target", "start", "wait_for"], url, &["port"])
            && Url::parse(&url.replace("{port}", "1")).is_err()
        {
            let mend = "for instance \"http://localhost:{port}/healthz\"";
            self.report(
                &["target", "start", "wait_for"],
                format!("`{url}` is no absolute URL"),
                mend,
            );
        }
        for (name, value) in &start.env {
            self.placeholders(&["target", "start", "env", name], value, placeholder::KNOWN);
        }
    }

    fn idp_and_run(&mut self, config: &Config) {
        if !config.idp.builtin {
            let message = "only the built-in authorization server can misbehave on purpose".to_owned();
            self.report(&["idp", "builtin"], message, "leave it out, or write true");
        }
        if config.idp.client_auth == AuthMethod::PrivateKeyJwt && config.idp.client_jwks.is_empty() {
            let message = "private_key_jwt cannot be verified without the client's public key".to_owned();
            let mend = "add client_jwks = [{ kty = \"RSA\", n = \"…\", e = \"AQAB\" }]";
            self.report(&["idp", "client_auth"], message, mend);
        }
        if config.idp.client_auth == AuthMethod::None {
            let message = "a client without authentication is a public one".to_owned();
            let mend = "leave client_auth out, and write public_client = true under [target.declares]";
            self.report(&["idp", "client_auth"], message, mend);
        }
        if config.run.jobs == Some(0) {
            self.report(
                &["run", "jobs"],
                "no case can run with 0 jobs".to_owned(),
                "1 is one after the other",
            );
        }
        if config
            .run
            .timeout
            .is_some_and(|seconds| !(seconds > 0.0 && seconds <= 3600.0))
        {
            let message = "a request can take more than 0 and at most 3600 seconds".to_owned();
            self.report(&["run", "timeout"], message, "the default is 10");
        }
        if let Some(patience) = config.run.patience.filter(|patience| *patience < LEAST_PATIENCE) {
            let message = format!("{patience} s is less than what an app must wait for a slow authorization server");
            let mend = format!("at least {LEAST_PATIENCE}, and more than the app's own time limit");
            self.report(&["run", "patience"], message, mend);
        }
        for (index, skip) in config.run.skip.iter().enumerate() {
            let index = index.to_string();
            let key = &["run", "skip", &index];
            if let Err(error) = Selector::parse(&skip.case) {
                self.report(key, error.to_string(), "`conformance list` prints every case");
            }
            if skip.reason.trim().is_empty() {
                self.report(
                    key,
                    format!("`{}` is left out without a reason", skip.case),
                    "write why, for those who come later",
                );
            }
            if skip.until.as_deref().is_some_and(|until| date(until).is_none()) {
                self.report(
                    key,
                    "`until` is no date".to_owned(),
                    "for instance until = \"2027-01-31\"",
                );
            }
        }
    }

    fn path(&mut self, key: &[&str], path: &str) {
        if !path.starts_with('/') || path.starts_with("//") {
            let mend = format!("for instance \"/{}\"", path.trim_start_matches('/'));
            self.report(key, format!("`{path}` is no path; it has to start with one `/`"), mend);
        }
    }

    fn path_or_url(&mut self, key: &[&str], place: &str) {
        if !self.placeholders(key, place, &["port"]) {
            return;
        }
        let is_url = Url::parse(&place.replace("{port}", "1")).is_ok_and(|url| url.has_host());
        if !is_url && (!place.starts_with('/') || place.starts_with("//")) {
            let mend = format!("for instance \"/{}\"", place.trim_start_matches('/'));
            self.report(key, format!("`{place}` is neither a path nor an absolute URL"), mend);
        }
    }

    fn not_empty(&mut self, key: &[&str], text: &str) {
        if text.trim().is_empty() {
            self.report(
                key,
                "there is no text to click on".to_owned(),
                "for instance click = \"Sign in\"",
            );
        }
    }

    /// Reports a placeholder that is known nowhere, or not here. True when all is well.
    fn placeholders(&mut self, key: &[&str], text: &str, here: &[&str]) -> bool {
        if let Some(unknown) = placeholder::unknown(text) {
            self.report(key, format!("nothing fills `{{{}}}`", unknown.name), unknown.mend());
            return false;
        }
        let not_here = placeholder::names(text).find(|name| placeholder::KNOWN.contains(name) && !here.contains(name));
        if let Some(name) = not_here {
            let mend = match here {
                [] => "nothing is filled in here".to_owned(),
                names => format!("only {{{}}} is filled in here", names.join("}, {")),
            };
            self.report(key, format!("`{{{name}}}` is not known here"), mend);
            return false;
        }
        true
    }
}

/// Whether a URL's host is this machine by its very name.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn is_empty(pattern: &Pattern) -> bool {
    pattern.status.0.is_empty() && pattern.contains.as_deref().unwrap_or_default().is_empty()
}

fn is_same(one: &Pattern, other: &Pattern) -> bool {
    one.status == other.status && one.contains == other.contains
}

/// `YYYY-MM-DD`.
pub(crate) fn date(text: &str) -> Option<time::Date> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    time::Date::parse(text, format).ok()
}

/// Where a value stands; the deepest part of the key that exists. A number indexes a list.
fn span(table: &DeTable<'_>, key: &[&str]) -> Option<Range<usize>> {
    let (first, rest) = key.split_first()?;
    let (name, value) = table.iter().find(|(name, _)| name.get_ref() == first)?;
    let mut found = if rest.is_empty() { value.span() } else { name.span() };
    let mut value = value.get_ref();
    for part in rest {
        let next = match value {
            DeValue::Table(table) => table
                .iter()
                .find(|(name, _)| name.get_ref() == part)
                .map(|(_, value)| value),
            DeValue::Array(list) => part.parse().ok().and_then(|index: usize| list.get(index)),
            _ => None,
        };
        let Some(next) = next else { break };
        found = next.span();
        value = next.get_ref();
    }
    Some(found)
}
