//! Refusals of a place or a setting: the authorization server, the path, the method, what a policy or a feature of the org
//! does not let through.

use super::{
    NearMiss, Row,
    rules::{Case, of_client, quoted},
};
use crate::suggest;

impl Case<'_> {
    /// `/oauth2/{server}` of a server that is not there.
    pub(super) fn server_unknown(&self) -> NearMiss {
        let sent = self.refused.server;
        let ids: Vec<&str> = self
            .refused
            .tenant
            .servers
            .iter()
            .map(|server| server.id.as_str())
            .collect();
        let nearest = suggest::nearest(sent, ids.iter().copied());
        let differs = match nearest {
            Some(nearest) => format!("No authorization server has this id; the nearest is `{nearest}`."),
            None => "No authorization server has this id.".to_owned(),
        };
        let row = Row::bad(
            "authorization server",
            Some(sent),
            format!("registered: {}", ids.join(", ")),
            differs,
        );
        let path = nearest.or_else(|| ids.first().copied()).unwrap_or("default");
        NearMiss::new(self.refused.rule, vec![row])
            .app(format!("set the issuer to one that ends in /oauth2/{path}"))
            .toml(format!("[[auth_server]]\nid = {}", quoted(sent)))
    }

    fn path(&self) -> &str {
        let target = &self.refused.request.target;
        target.split('?').next().unwrap_or(target)
    }

    /// A path that no endpoint has: usually an issuer with something left out or written twice.
    pub(super) fn path_unknown(&self) -> Option<NearMiss> {
        // What browsers and crawlers ask of every server is no mistake of an application.
        const ASKED_OF_ALL: &[&str] = &[
            "/favicon",
            "/robots.txt",
            "/apple-touch-icon",
            "/.well-known/appspecific/",
        ];
        const PATHS: &[&str] = &[
            "/oauth2/default/.well-known/openid-configuration",
            "/oauth2/default/v1/authorize",
            "/oauth2/default/v1/token",
            "/oauth2/default/v1/userinfo",
            "/oauth2/default/v1/keys",
            "/oauth2/default/v1/logout",
            "/oauth2/default/v1/introspect",
            "/oauth2/default/v1/revoke",
            "/.well-known/openid-configuration",
            "/oauth2/v1/authorize",
            "/oauth2/v1/token",
        ];
        let path = self.path();
        if ASKED_OF_ALL.iter().any(|known| path.starts_with(known)) {
            return None;
        }
        let end = |path: &str| {
            path.trim_end_matches('/')
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        let same_end = PATHS
            .iter()
            .find(|known| !end(path).is_empty() && end(known) == end(path));
        let nearest = suggest::nearest(path, PATHS.iter().copied()).or(same_end.copied());
        let (expected, differs) = match nearest {
            Some(nearest) => (nearest, "No endpoint has this path."),
            None => (
                "a path of the discovery document",
                "No endpoint has this path; the discovery document names them all.",
            ),
        };
        let miss = NearMiss::new(self.refused.rule, vec![Row::bad("path", Some(path), expected, differs)]);
        Some(miss.app("take the endpoints from /oauth2/default/.well-known/openid-configuration"))
    }

    pub(super) fn method_wrong(&self) -> NearMiss {
        let method = self.refused.request.method.as_str();
        let expected = match method {
            "GET" | "HEAD" => "POST",
            _ => "GET",
        };
        let row = Row::bad(
            "method",
            Some(method),
            expected,
            "This endpoint does not take that method.",
        );
        NearMiss::new(self.refused.rule, vec![row]).app(format!("send {expected} {}", self.path()))
    }

    /// The parameter that Okta's text names in quotes.
    pub(super) fn parameter_missing(&self) -> NearMiss {
        let name = self.refused.text.split('\'').nth(1).unwrap_or("parameter");
        self.one(name, "required", "It was not sent, or empty.", &format!("send {name}"))
    }

    pub(super) fn parameter_duplicate(&self) -> NearMiss {
        let params = &self.sent.params.0;
        let is_twice = |name: &String| params.iter().filter(|(other, _)| other == name).count() > 1;
        let name = params.iter().map(|(name, _)| name).find(|name| is_twice(name));
        let name = name.map_or("parameter", String::as_str);
        let values: Vec<&str> = params
            .iter()
            .filter(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
            .collect();
        let row = Row::bad(name, Some(&values.join(" and ")), "once", "It was sent more than once.");
        NearMiss::new(self.refused.rule, vec![row]).app(format!("send {name} once, in the query or in the form"))
    }

    pub(super) fn org_server_only(&self) -> Option<NearMiss> {
        let client = self.client?;
        let mut rows = self.client_row();
        rows.push(Row::bad(
            "authorization server",
            Some(self.refused.server),
            "the org's own",
            "The client may use no custom authorization server.",
        ));
        Some(
            NearMiss::new(self.refused.rule, rows)
                .app("set the issuer to the org's URL, without /oauth2/…")
                .toml(of_client(client, "org_server_only = false")),
        )
    }

    pub(super) fn policy(&self) -> NearMiss {
        let mut rows = self.client_row();
        rows.push(Row::bad(
            "scope",
            self.sent.get("scope").or_else(|| self.asked("scope")),
            "what a rule of the access policy lets through",
            self.refused.text,
        ));
        let client = self.client.map(|client| client.id.as_str()).unwrap_or_default();
        NearMiss::new(self.refused.rule, rows).toml(format!(
            "# under [[auth_server]] id = {}\n[[auth_server.policy]]\nclients = [{}]",
            quoted(self.refused.server),
            quoted(client)
        ))
    }

    pub(super) fn consent(&self) -> Option<NearMiss> {
        let client = self.client?;
        let mut rows = self.client_row();
        rows.push(Row::bad(
            "scope",
            self.sent.get("scope").or_else(|| self.asked("scope")),
            "scopes that the user has allowed, or that need no consent",
            self.refused.text,
        ));
        Some(
            NearMiss::new(self.refused.rule, rows)
                .app("send the request without prompt=none, so that the user can be asked")
                .toml(of_client(client, "consent_method = \"TRUSTED\"")),
        )
    }

    pub(super) fn second_factor(&self) -> NearMiss {
        let row = Row::bad(
            "acr_values",
            self.sent.get("acr_values").or_else(|| self.asked("acr_values")),
            "a second factor of the user",
            self.refused.text,
        );
        NearMiss::new(self.refused.rule, vec![row]).toml("# under [[user]]\nmfa = \"totp:JBSWY3DPEHPK3PXP\"")
    }

    /// What a key of the file switches.
    pub(super) fn setting(&self, name: &str, lines: &str) -> NearMiss {
        let sent = match name {
            "server" => Some(self.refused.server),
            name => self.sent.get(name),
        };
        let row = Row::bad(name, sent, "not with these settings", self.refused.text);
        NearMiss::new(self.refused.rule, vec![row]).toml(lines)
    }

    pub(super) fn rate_limit(&self) -> NearMiss {
        let limit = &self.refused.tenant.rate_limit;
        let shown = |limit: Option<u32>| limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
        let row = Row::bad(
            "requests in this minute",
            Some("too many"),
            format!(
                "per client: {}, per user: {}",
                shown(limit.per_client),
                shown(limit.per_user)
            ),
            self.refused.text,
        );
        NearMiss::new(self.refused.rule, vec![row])
            .app("wait until the time in X-Rate-Limit-Reset, then send the request again")
            .toml("[rate_limit]\nper_client = 100000\nper_user = 100000")
    }
}
