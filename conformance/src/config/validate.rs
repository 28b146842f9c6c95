//! What a well-formed file can still get wrong. Every mistake is told, not only the first.

use std::{collections::BTreeSet, ops::Range};

use mock_idp::tenant::AuthMethod;
use toml::de::{DeTable, DeValue};
use url::Url;

use super::Problem;
use crate::{
    catalog,
    select::Selector,
    suggest::several,
    target::{Config, Move, Pattern, Port, SignIn, SignOut},
    walk::site::is_loopback,
};

/// Everything that is wrong; empty when the file can be used. Of `repaired` keys nothing is said.
pub(super) fn problems(
    config: &Config,
    text: &str,
    table: &DeTable<'_>,
    repaired: &BTreeSet<String>,
    allow_hosts: &[String],
) -> Vec<Problem> {
    let mut checker = Checker {
        text,
        table,
        repaired,
        problems: Vec::new(),
    };
    checker.url(config, allow_hosts);
    checker.paths(config);
    checker.oracle(config);
    checker.people(config);
    checker.start(config);
    checker.idp_and_run(config);
    checker.locations(config);
    checker.problems
}

struct Checker<'t> {
    text: &'t str,
    table: &'t DeTable<'t>,
    repaired: &'t BTreeSet<String>,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    fn report(&mut self, key: &[&str], message: String, fix: impl Into<String>) {
        let path = key.join(".");
        let concerns = |other: &String| {
            let is_below =
                |lower: &str, upper: &str| lower.strip_prefix(upper).is_some_and(|rest| rest.starts_with('.'));
            path == *other || is_below(&path, other) || is_below(other, &path)
        };
        if self.repaired.iter().any(concerns) {
            return;
        }
        self.problems
            .push(Problem::at(self.text, span(self.table, key), message, fix));
    }

    fn is_given(&self, path: &str) -> bool {
        !self.repaired.contains(path)
    }

    /// Where findings belong: by a case, a group, a step of the journey, or the rest.
    fn locations(&mut self, config: &Config) {
        let known = || {
            let groups = catalog::GROUPS.iter().map(|(group, _)| *group);
            let cases = catalog::all().map(|case| case.id);
            ["default", "sign_in", "sign_out"]
                .into_iter()
                .chain(groups)
                .chain(cases)
        };
        for key in config.locations.keys() {
            if known().any(|name| name == key) {
                continue;
            }
            let fix = match several(key, known(), 1).first() {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "a case, a group such as `callback`, or `default`".to_owned(),
            };
            self.report(&["locations", key], format!("`{key}` names no case and no group"), fix);
        }
    }

    fn url(&mut self, config: &Config, allow_hosts: &[String]) {
        const KEY: &[&str] = &["target", "url"];
        let text = &config.target.url;
        if !self.is_given("target.url") {
            return;
        }
        let url = match Url::parse(&text.replace("{port}", "1")) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => url,
            _ => {
                let fix = "for instance \"http://localhost:3000\"";
                return self.report(KEY, format!("`{text}` is no http or https URL"), fix);
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
            None if has_port && self.is_given("target.start") => {
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
            SignIn::Steps(steps) => self.steps(&["target", "sign_in", "steps"], steps, true),
        }
        match &target.sign_out {
            Some(SignOut::Get(path)) => self.path(&["target", "sign_out", "get"], path),
            Some(SignOut::Post(path)) => self.path(&["target", "sign_out", "post"], path),
            Some(SignOut::Form(path)) => self.path(&["target", "sign_out", "form"], path),
            Some(SignOut::Click(text)) => self.not_empty(&["target", "sign_out", "click"], text),
            Some(SignOut::Steps(steps)) => self.steps(&["target", "sign_out", "steps"], steps, true),
            None => {}
        }
        self.steps(&["target", "after_callback"], &target.after_callback, false);
        for origin in &target.origins {
            const KEY: &[&str] = &["target", "origins"];
            let url = Url::parse(&origin.replace("{port}", "1"));
            if !url.is_ok_and(|url| url.has_host() && url.path() == "/") {
                let message = format!("`{origin}` is no origin: scheme, host and port, without a path");
                self.report(KEY, message, "for instance \"http://localhost:3001\"");
            }
        }
        self.header_names(&["target", "headers"], target.headers.keys());
        self.header_names(&["target", "session", "headers"], target.session.headers.keys());
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
            if Url::parse(&uri.replace("{port}", "1")).is_err() {
                let message = format!("`{uri}` is no absolute URL, and only those can be registered");
                self.report(KEY, message, "for instance \"http://localhost:{port}/\"");
            }
        }
    }

    fn oracle(&mut self, config: &Config) {
        let oracle = &config.target.session;
        self.path(&["target", "session", "probe"], &oracle.probe);
        for (key, pattern) in [("signed_in", &oracle.signed_in), ("signed_out", &oracle.signed_out)] {
            let key: &[&str] = &["target", "session", key];
            if pattern.is_empty() {
                let message = "an empty pattern fits every answer".to_owned();
                self.report(key, message, "give status, contains, or both");
            }
            self.pattern(key, pattern);
        }
        if !oracle.signed_in.is_empty() && oracle.signed_in == oracle.signed_out {
            let message = "signed_in and signed_out are the same, so nothing can be told apart".to_owned();
            let fix = "signed_in = { contains = \"{user.email}\" } is the surest";
            self.report(&["target", "session", "signed_out"], message, fix);
        }
    }

    fn pattern(&mut self, key: &[&str], pattern: &Pattern) {
        if let Some(pattern_text) = &pattern.matches
            && let Err(error) = pattern.expression(pattern_text, &std::collections::BTreeMap::new())
        {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
            let message = format!("`{pattern_text}` is no regular expression: {reason}");
            self.report(
                &[key, &["matches"]].concat(),
                message,
                "`contains` looks for plain text",
            );
        }
        if let Some(pointer) = pattern.json.as_deref().filter(|pointer| !pointer.starts_with('/')) {
            let message = format!("`{pointer}` is no JSON pointer; it has to start with /");
            let fix = format!(
                "for instance json = \"/{}\"",
                pointer.trim_start_matches("$.").replace('.', "/")
            );
            self.report(&[key, &["json"]].concat(), message, fix);
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
        if let Some(url) = &start.wait_for
            && Url::parse(&url.replace("{port}", "1")).is_err()
        {
            let fix = "for instance \"http://localhost:{port}/healthz\"";
            self.report(
                &["target", "start", "wait_for"],
                format!("`{url}` is no absolute URL"),
                fix,
            );
        }
    }

    fn people(&mut self, config: &Config) {
        let target = &config.target;
        if let Some(email) = &target.people.email {
            const KEY: &[&str] = &["target", "people", "email"];
            if !email.contains("{unique}") {
                let message =
                    "without `{unique}` everybody has the same address, and nobody can be told apart".to_owned();
                self.report(KEY, message, "for instance \"ada.{unique}@example.com\"");
            } else if email.matches('@').count() != 1 {
                let message = format!("`{email}` is no e-mail address");
                self.report(KEY, message, "for instance \"ada.{unique}@example.com\"");
            }
            if let (Some(domain), Some((_, own))) = (&target.declares.mail_domain, email.rsplit_once('@'))
                && own != domain
            {
                let message = format!("the app is said to let in people of {domain} only, and these are of {own}");
                self.report(KEY, message, "leave one of email and mail_domain out");
            }
        }
        if let Some(login) = target
            .people
            .login
            .as_deref()
            .filter(|login| !login.contains("{unique}"))
        {
            let message = format!("everybody would have the login `{login}`");
            self.report(&["target", "people", "login"], message, "for instance \"ada-{unique}\"");
        }
        for (index, role) in target.roles.iter().enumerate() {
            let index = index.to_string();
            let key = |name| ["target", "roles", index.as_str(), name];
            for (name, text, example) in [("group", &role.group, "admins"), ("claim", &role.claim, "groups")] {
                if text.trim().is_empty() {
                    let fix = format!("for instance {name} = \"{example}\"");
                    self.report(&key(name), format!("`{name}` is empty"), fix);
                }
            }
            self.path(&key("page"), &role.page);
            self.pattern(&key("shows"), &role.shows);
        }
        let Some(provision) = &target.provision else { return };
        const KEY: &[&str] = &["target", "provision"];
        match (&provision.command, &provision.post) {
            (Some(_), Some(_)) => {
                let message = "accounts are made by `command` or by `post`, not by both".to_owned();
                self.report(KEY, message, "keep one of them");
            }
            (None, None) => {
                let message = "it is not said how accounts are made".to_owned();
                self.report(
                    KEY,
                    message,
                    "for instance command = \"./manage.py adduser {user.email}\"",
                );
            }
            (None, Some(place)) => self.path_or_url(&["target", "provision", "post"], place),
            (Some(_), None) if provision.body.is_some() => {
                let message = "a body is posted, and there is no `post`".to_owned();
                self.report(
                    &["target", "provision", "body"],
                    message,
                    "for instance post = \"/test/users\"",
                );
            }
            (Some(_), None) => {}
        }
        self.header_names(&["target", "provision", "headers"], provision.headers.keys());
    }

    fn steps(&mut self, key: &[&str], steps: &[Move], begins: bool) {
        if begins && steps.is_empty() {
            return self.report(
                key,
                "there are no steps".to_owned(),
                "for instance [{ open = \"/login\" }]",
            );
        }
        if begins && !matches!(steps.first(), Some(Move::Open(_))) {
            let message = "the first step has to open a page".to_owned();
            self.report(&[key, &["0"]].concat(), message, "begin with { open = \"/\" }");
        }
        for (index, step) in steps.iter().enumerate() {
            let index_text = index.to_string();
            let place: Vec<&str> = [key, &[index_text.as_str()]].concat();
            match step {
                Move::Open(path) => self.path(&place, path),
                Move::Press(text) | Move::Submit(text) => self.not_empty(&place, text),
                Move::Fill(_) => {
                    let rest = steps.get(index + 1..).unwrap_or_default();
                    let next = rest.iter().find(|step| !matches!(step, Move::Fill(_)));
                    if !matches!(next, Some(Move::Press(_) | Move::Submit(_))) {
                        let message = "nothing sends what is filled in here".to_owned();
                        self.report(&place, message, "add { press = \"Continue\" } after it");
                    }
                }
            }
        }
    }

    fn header_names<'n>(&mut self, key: &[&str], names: impl Iterator<Item = &'n String>) {
        for name in names {
            if ::http::HeaderName::from_bytes(name.as_bytes()).is_err() {
                let message = format!("`{name}` is no name of a header field");
                self.report(
                    &[key, &[name.as_str()]].concat(),
                    message,
                    "for instance x-csrf = \"1\"",
                );
            }
        }
    }

    /// An authorization server that runs already.
    fn running_idp(&mut self, config: &Config) {
        let idp = &config.idp;
        let Some(url) = &idp.url else {
            if idp.store.is_some() {
                let message = "the built-in authorization server keeps what it knows in this process".to_owned();
                self.report(
                    &["idp", "store"],
                    message,
                    "leave it out, or write url = \"…\" beside it",
                );
            }
            return;
        };
        // Faults of certificates stay with the process that they are armed in.
        let is_origin = |url: &Url| url.scheme() == "http" && url.has_host() && url.path() == "/";
        if !Url::parse(url).is_ok_and(|url| is_origin(&url)) {
            let message = format!("`{url}` is no origin with http: scheme, host and port, without a path");
            self.report(&["idp", "url"], message, "for instance \"http://127.0.0.1:9494\"");
        }
        if !idp.store.as_ref().is_some_and(|store| store.starts_with("redis://")) {
            let message = "what runs at `url` is used through the store that it shares".to_owned();
            let fix = "store = \"redis://127.0.0.1:6379/0\", the same as mock-idp --store";
            self.report(&["idp", "store"], message, fix);
        }
        if idp.server == "org" {
            let message = "the org's own server is one for all, and many cases need one of their own".to_owned();
            self.report(&["idp", "server"], message, "use \"default\", or leave url out");
        }
        if idp.backend_url.is_some() {
            let message = "what runs at `url` says itself where apps reach it".to_owned();
            self.report(
                &["idp", "backend_url"],
                message,
                "leave it out: it stands in their mock-idp.toml",
            );
        }
        if config.target.start.as_ref().is_some_and(|start| start.https_issuer) {
            let message = "what runs at `url` has its own certificate, or none".to_owned();
            self.report(&["target", "start", "https_issuer"], message, "leave it out");
        }
    }

    fn idp_and_run(&mut self, config: &Config) {
        if !config.idp.builtin {
            let message = "only the built-in authorization server can misbehave on purpose".to_owned();
            self.report(&["idp", "builtin"], message, "leave it out, or write true");
        }
        self.running_idp(config);
        if config.idp.client_auth == AuthMethod::PrivateKeyJwt && config.idp.client_jwks.is_empty() {
            let message = "private_key_jwt cannot be verified without the client's public key".to_owned();
            let fix = "add client_jwks = [{ kty = \"RSA\", n = \"…\", e = \"AQAB\" }]";
            self.report(&["idp", "client_auth"], message, fix);
        }
        if config.idp.client_auth == AuthMethod::None {
            let message = "a client without authentication is a public one".to_owned();
            let fix = "leave client_auth out, and write public_client = true under [target.declares]";
            self.report(&["idp", "client_auth"], message, fix);
        }
        let server = &config.idp.server;
        let is_id = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if server.is_empty() || !server.chars().all(is_id) {
            let message = format!("`{server}` is no id of an authorization server");
            self.report(
                &["idp", "server"],
                message,
                "\"default\", \"org\", or an id such as \"aus1abc\"",
            );
        }
        if server == "org" && !config.idp.scopes.is_empty() {
            let message = "the org authorization server has no custom scopes".to_owned();
            self.report(
                &["idp", "scopes"],
                message,
                "leave scopes out, or use a custom authorization server",
            );
        }
        if let Some(backend) = &config.idp.backend_url {
            let url = Url::parse(&backend.replace("{idp.port}", "1"));
            if !url.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host() && url.path() == "/") {
                self.report(
                    &["idp", "backend_url"],
                    format!("`{backend}` is no origin: scheme, host and port, without a path"),
                    "for instance \"http://host.docker.internal:{idp.port}\"",
                );
            }
        }
        if config.idp.client_id.trim().is_empty() {
            self.report(
                &["idp", "client_id"],
                "a client needs an id".to_owned(),
                "leave it out for the default one",
            );
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
            let own = Url::parse(path).ok().filter(Url::has_host);
            let own = own.map_or_else(
                || format!("/{}", path.trim_start_matches('/')),
                |url| url.path().to_owned(),
            );
            let message = format!("`{path}` is no path; it has to start with one `/`");
            self.report(key, message, format!("for instance \"{own}\""));
        }
    }

    fn path_or_url(&mut self, key: &[&str], place: &str) {
        let is_url = Url::parse(&place.replace("{port}", "1")).is_ok_and(|url| url.has_host());
        if !is_url && (!place.starts_with('/') || place.starts_with("//")) {
            let fix = format!("for instance \"/{}\"", place.trim_start_matches('/'));
            self.report(key, format!("`{place}` is neither a path nor an absolute URL"), fix);
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
