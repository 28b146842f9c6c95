//! For each rule that refuses: the rows that explain it, and what fixes it.

use std::fmt::Write as _;

use super::{NearMiss, Row, parameters, redirect, secret};
use crate::{
    flow::record::Request,
    protocol::{params::Params, pkce},
    suggest,
    tenant::{AuthMethod, AuthServer, Client, Tenant},
};

/// A refused request.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Refused<'a> {
    /// The org as it is registered.
    pub tenant: &'a Tenant,
    /// As it arrived.
    pub request: &'a Request,
    /// The id of the authorization server in the path; empty for the org server.
    pub server: &'a str,
    /// The stable word of the rule that refused.
    pub rule: &'a str,
    /// What the refusal says, in Okta's words.
    pub text: &'a str,
    /// At the token endpoint: the parameters of the authorization request to which the code belongs.
    pub asked: Option<&'a Params>,
}

impl<'a> Refused<'a> {
    /// A request that the org refused by this rule, in these words, at the authorization server of this id.
    #[must_use]
    pub const fn new(tenant: &'a Tenant, request: &'a Request, server: &'a str, rule: &'a str, text: &'a str) -> Self {
        Self {
            tenant,
            request,
            server,
            rule,
            text,
            asked: None,
        }
    }

    /// With the parameters of the authorization request to which the code belongs.
    #[must_use]
    pub const fn asked(mut self, asked: Option<&'a Params>) -> Self {
        self.asked = asked;
        self
    }
}

/// Whether refusals by this rule have no near miss, because nothing was sent wrongly: a pending device, a denied consent.
#[must_use]
pub fn is_without(rule: &str) -> bool {
    parameters::WITHOUT.contains(&rule)
}

/// The near miss of a refusal; `None` where the rule is about nothing that was sent or registered, see [`is_without`].
#[must_use]
pub fn of(refused: Refused<'_>) -> Option<NearMiss> {
    let sent = Sent::read(refused.request);
    let case = Case {
        client: sent
            .client_id()
            .and_then(|id| refused.tenant.client(&id))
            .map(|client| &**client),
        sent,
        refused,
    };
    case.explain()
}

/// What came along: parameters of the query and of the form, and the Authorization header.
pub(super) struct Sent {
    pub(super) params: Params,
    basic: Option<(String, String)>,
    origin: Option<String>,
}

impl Sent {
    fn read(request: &Request) -> Self {
        Self {
            params: Params(request.parameters()),
            basic: request.basic_credentials(),
            origin: request.header("origin").map(str::to_owned),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.params.filled(name)
    }

    fn client_id(&self) -> Option<String> {
        let basic = self.basic.as_ref().map(|(id, _)| id.clone());
        basic.or_else(|| self.get("client_id").map(str::to_owned))
    }

    fn secret(&self) -> Option<&str> {
        let basic = self.basic.as_ref().map(|(_, secret)| secret.as_str());
        basic.or_else(|| self.get("client_secret"))
    }
}

pub(super) struct Case<'a> {
    pub(super) refused: Refused<'a>,
    pub(super) sent: Sent,
    pub(super) client: Option<&'a Client>,
}

impl Case<'_> {
    fn explain(&self) -> Option<NearMiss> {
        match self.refused.rule {
            "client-unknown" => Some(self.client_unknown()),
            "redirect-uri-unregistered" => {
                self.redirect_uri("redirect_uri", |client| &client.redirect_uris, "redirect_uris")
            }
            "post-logout-uri-unregistered" => self.redirect_uri(
                "post_logout_redirect_uri",
                |client| &client.post_logout_redirect_uris,
                "post_logout_redirect_uris",
            ),
            "service-client" => self.service_client(),
            "pkce-missing" => self.challenge_missing(),
            "pkce-plain" => Some(self.one(
                "code_challenge_method",
                "registered: S256",
                "Without code_challenge_method it is `plain`, which Okta does not accept.",
                "send code_challenge_method=S256",
            )),
            "pkce-malformed" => Some(self.one(
                "code_challenge",
                "required: 43 to 128 of A-Z a-z 0-9 - . _ ~",
                "It is not the base64url of a SHA-256, which has 43 characters and no `=`.",
                "send base64url(sha256(code_verifier)) without padding",
            )),
            "state-missing" => Some(self.one(
                "state",
                "required",
                "Okta refuses requests without it.",
                "send a random state and compare it at the callback",
            )),
            "nonce-missing" => Some(self.one(
                "nonce",
                "required with response types id_token and token",
                "Nothing would tie the ID token to this browser.",
                "send a random nonce and compare it with the ID token's",
            )),
            "scope-unknown" | "scope-missing" | "scope-openid-missing" => Some(self.scope()),
            "grant-type-not-allowed" => self.grant_type(),
            "client-auth" => Some(self.client_auth()),
            "redirect-uri-mismatch" => self.redirect_uri_mismatch(),
            "verifier-mismatch" | "verifier-missing" | "verifier-unexpected" => self.verifier(),
            "code-invalid" => Some(self.one(
                "code",
                "a code of this server",
                "No such code was issued, or it was forgotten at a restart.",
                "redeem the code as it came, percent-decoded once",
            )),
            "code-reused" => Some(self.one(
                "code",
                "good once",
                "This code was redeemed before: by a second request to the callback, a reload or a retry.",
                "redeem a code once",
            )),
            "code-expired" => Some(self.one("code", "good for 300 seconds", "It is older.", "redeem it at once")),
            "code-other-client" => Some(self.one(
                "client_id",
                self.asked("client_id").unwrap_or("another client"),
                "The code was issued to another client.",
                "use one client id in both requests",
            )),
            "browser-origin" => Some(self.origin()),
            "user-not-assigned" => self.assignment(),
            "server-unknown" => Some(self.server_unknown()),
            "path-unknown" => self.path_unknown(),
            "method-wrong" => Some(self.method_wrong()),
            "parameter-missing" => Some(self.parameter_missing()),
            "parameter-duplicate" => Some(self.parameter_duplicate()),
            "org-server-only" => self.org_server_only(),
            "policy-denied" | "policy-scopes" => Some(self.policy()),
            "consent-required" => self.consent(),
            "acr-unmet" => Some(self.second_factor()),
            "resource" => Some(self.setting("resource", "[unverified]\nresource_refused = false")),
            "feature-disabled" => Some(self.setting("server", "[features]\napi_access_management = true")),
            "rate-limit" => Some(self.rate_limit()),
            rule => {
                let sent = parameters::name_of(rule).and_then(|name| self.sent.get(name));
                parameters::explain(rule, self.refused.request, sent, self.refused.text)
            }
        }
    }

    pub(super) fn asked(&self, name: &str) -> Option<&str> {
        self.refused.asked.and_then(|asked| asked.filled(name))
    }

    /// A single parameter, which only the application can fix.
    pub(super) fn one(&self, name: &str, registered: &str, differs: &str, app: &str) -> NearMiss {
        let row = Row::bad(name, self.sent.get(name), registered, differs);
        NearMiss::new(self.refused.rule, vec![row]).app(app)
    }

    pub(super) fn client_row(&self) -> Vec<Row> {
        self.client
            .map(|client| Row::good("client_id", &client.id))
            .into_iter()
            .collect()
    }

    fn client_unknown(&self) -> NearMiss {
        let ids: Vec<&str> = self
            .refused
            .tenant
            .clients
            .iter()
            .map(|client| client.id.as_str())
            .collect();
        let sent = self.sent.client_id();
        let given = sent.as_deref().unwrap_or_default();
        let inactive = self.client.is_some();
        let differs = match suggest::nearest(given, ids.iter().copied()) {
            _ if inactive => "The application is deactivated.".to_owned(),
            Some(nearest) => format!("No client has this id; the nearest is `{nearest}`."),
            None => "No client has this id.".to_owned(),
        };
        let row = Row::bad(
            "client_id",
            sent.as_deref(),
            format!("registered: {}", ids.join(", ")),
            differs,
        );
        let mut miss = NearMiss::new(self.refused.rule, vec![row]);
        if let Some(nearest) = suggest::nearest(given, ids.iter().copied()).filter(|_| !inactive) {
            miss = miss.app(format!("send client_id={nearest}"));
        }
        if inactive {
            return miss.app(format!("activate it: POST /api/v1/apps/{given}/lifecycle/activate"));
        }
        if given.is_empty() {
            return miss.app("send client_id");
        }
        let mut lines = format!("[[client]]\nid = {}", quoted(given));
        if self.sent.secret().is_some() {
            lines.push_str("\nsecret = \"env:OKTA_CLIENT_SECRET\"");
        }
        if let Some(uri) = self.sent.get("redirect_uri").or_else(|| self.asked("redirect_uri")) {
            let _ = write!(lines, "\nredirect_uris = [{}]", quoted(uri));
        }
        miss.toml(lines)
    }

    fn redirect_uri(&self, name: &str, registered: fn(&Client) -> &Vec<String>, key: &str) -> Option<NearMiss> {
        let sent = self.sent.get(name);
        let mut rows = self.client_row();
        let Some(client) = self.client else {
            // At sign-out the client is named by the hint alone.
            let row = Row::bad(name, sent, "a registered one", "No client of this org has it.");
            return Some(NearMiss::new(self.refused.rule, vec![row]));
        };
        let known = registered(client);
        let nearest = redirect::nearest(sent.unwrap_or_default(), known);
        let (shown, differs) = match (sent, nearest) {
            (_, None) => (
                "none is registered".to_owned(),
                format!("The client `{}` has no {key}.", client.id),
            ),
            (None, Some(nearest)) => (format!("registered: {nearest}"), "It was not sent.".to_owned()),
            (Some(sent), Some(nearest)) => (
                format!("registered: {nearest}"),
                redirect::difference(sent, nearest).unwrap_or_default(),
            ),
        };
        rows.push(Row::bad(name, sent, shown, differs));
        let miss = NearMiss::new(self.refused.rule, rows);
        let Some(sent) = sent else {
            return Some(miss.app(format!("send {name}")));
        };
        Some(miss.toml(of_client(client, &extended(key, known, sent))))
    }

    fn service_client(&self) -> Option<NearMiss> {
        let client = self.client?;
        let mut rows = self.client_row();
        rows.push(Row {
            name: "application_type".to_owned(),
            sent: Some("service".to_owned()),
            registered: Some("web, browser or native".to_owned()),
            differs: Some("Services have no users to sign in.".to_owned()),
        });
        Some(NearMiss::new(self.refused.rule, rows).toml(of_client(client, "application_type = \"web\"")))
    }

    fn challenge_missing(&self) -> Option<NearMiss> {
        let client = self.client?;
        let why = if client.secret.is_none() {
            format!(
                "The client `{}` is public: it has no secret, so it must use PKCE.",
                client.id
            )
        } else {
            format!("The client `{}` has pkce_required = true.", client.id)
        };
        let mut rows = self.client_row();
        rows.push(Row::bad("code_challenge", None, "required", why));
        let line = if client.secret.is_none() {
            "secret = \"env:OKTA_CLIENT_SECRET\""
        } else {
            "pkce_required = false"
        };
        Some(
            NearMiss::new(self.refused.rule, rows)
                .app("send code_challenge and code_challenge_method=S256")
                .toml(of_client(client, line)),
        )
    }

    fn server(&self) -> Option<&AuthServer> {
        self.refused
            .tenant
            .servers
            .iter()
            .find(|server| server.id == self.refused.server)
    }

    fn scope(&self) -> NearMiss {
        let sent = self.sent.get("scope");
        let custom = self.server().map(|server| server.scopes.as_slice()).unwrap_or_default();
        let is_org = self.refused.server.is_empty();
        let mut known: Vec<&str> = vec!["openid", "profile", "email", "address", "phone", "offline_access"];
        known.extend(if is_org {
            &["groups"][..]
        } else {
            &["device_sso", "interclient_access"]
        });
        let built_in = known.len();
        known.extend(custom.iter().map(|scope| scope.name.as_str()));
        let unknown: Vec<&str> = sent
            .unwrap_or_default()
            .split_whitespace()
            .filter(|scope| !known.contains(scope))
            .collect();
        let differs = match (self.refused.rule, unknown.as_slice()) {
            ("scope-openid-missing", _) => {
                "profile, email, address, phone and ID tokens need the scope openid.".to_owned()
            }
            (_, []) if sent.is_none() => "It was not sent, and no scope is a default.".to_owned(),
            (_, []) => "It is too long, or may not be asked for here.".to_owned(),
            (_, [one]) => match suggest::nearest(one, known.iter().copied()) {
                Some(nearest) => format!("`{one}` is not known; the nearest is `{nearest}`."),
                None => format!("`{one}` is not known."),
            },
            (_, several) => format!("{} are not known.", several.join(", ")),
        };
        let row = Row::bad("scope", sent, format!("known: {}", known.join(" ")), differs);
        let miss = NearMiss::new(self.refused.rule, vec![row]);
        if unknown.is_empty() {
            return miss.app("send scope=openid, and profile and email as needed");
        }
        if is_org {
            return miss
                .app("the org authorization server has no scopes of its own: use a custom one, /oauth2/default");
        }
        let wanted: Vec<String> = known[built_in..]
            .iter()
            .chain(&unknown)
            .map(|scope| quoted(scope))
            .collect();
        miss.toml(format!(
            "# under [[auth_server]] id = {}\nscopes = [{}]",
            quoted(self.refused.server),
            wanted.join(", ")
        ))
    }

    fn grant_type(&self) -> Option<NearMiss> {
        let client = self.client?;
        let mut rows = self.client_row();
        let (name, wanted) = match self.sent.get("grant_type") {
            Some(grant) => ("grant_type", grant),
            None => ("response_type", self.sent.get("response_type").unwrap_or_default()),
        };
        let grant = match name {
            "grant_type" => wanted,
            _ if wanted.contains("token") => "implicit",
            _ => "authorization_code",
        };
        let registered = format!("registered: {}", client.grant_types.join(", "));
        rows.push(Row::bad(
            name,
            Some(wanted),
            registered,
            format!("It needs the grant `{grant}`."),
        ));
        let line = extended("grant_types", &client.grant_types, grant);
        Some(NearMiss::new(self.refused.rule, rows).toml(of_client(client, &line)))
    }

    fn client_auth(&self) -> NearMiss {
        let rule = self.refused.rule;
        let Some(client) = self.client else {
            let row = Row::bad(
                "client_id",
                self.sent.client_id().as_deref(),
                "required",
                "Neither an Authorization header that can be read nor a client_id came along.",
            );
            return NearMiss::new(rule, vec![row]).app("send the client id and secret in the header or in the form");
        };
        let mut rows = self.client_row();
        match (self.sent.secret(), &client.secret, client.auth_method) {
            (Some(sent), _, AuthMethod::None) => {
                rows.push(Row {
                    sent: Some(secret::masked(sent)),
                    ..Row::bad(
                        "client_secret",
                        None,
                        "none: the client is public",
                        "A public client has no secret to send.",
                    )
                });
                let lines = of_client(client, "secret = \"env:OKTA_CLIENT_SECRET\"");
                NearMiss::new(rule, rows).app("do not send a secret").toml(lines)
            }
            (Some(sent), Some(right), _) if sent != right => {
                rows.push(Row {
                    sent: Some(secret::masked(sent)),
                    ..Row::bad(
                        "client_secret",
                        None,
                        format!("registered: {}", secret::masked(right)),
                        secret::difference(sent, right),
                    )
                });
                let lines = of_client(client, "secret = \"env:OKTA_CLIENT_SECRET\"");
                NearMiss::new(rule, rows)
                    .app("`mock-idp env` prints the registered secret")
                    .toml(lines)
            }
            (None, Some(_), method) if method != AuthMethod::PrivateKeyJwt => {
                rows.push(Row::bad(
                    "client_secret",
                    None,
                    "required",
                    "The client has a secret, and none was sent.",
                ));
                NearMiss::new(rule, rows).app("send it in the Authorization header or as client_secret")
            }
            (sent, ..) => {
                let method = serde_json::to_value(client.auth_method).unwrap_or_default();
                let method = method.as_str().unwrap_or_default().to_owned();
                let used = match (&self.sent.basic, sent) {
                    (Some(_), _) => "client_secret_basic",
                    (None, Some(_)) => "client_secret_post",
                    (None, None) => "none",
                };
                let line = format!("token_endpoint_auth_method = {}", quoted(used));
                rows.push(Row {
                    name: "method".to_owned(),
                    sent: Some(used.to_owned()),
                    registered: Some(format!("registered: {method}")),
                    differs: Some("The client authenticates in another way than it is registered for.".to_owned()),
                });
                NearMiss::new(rule, rows).toml(of_client(client, &line))
            }
        }
    }

    fn redirect_uri_mismatch(&self) -> Option<NearMiss> {
        let asked = self.asked("redirect_uri")?;
        let sent = self.sent.get("redirect_uri");
        let differs = match sent {
            None => "It was sent to the authorization endpoint, so it must be sent here too.".to_owned(),
            Some(sent) => redirect::difference(sent, asked)?,
        };
        let mut rows = self.client_row();
        rows.push(Row::bad(
            "redirect_uri",
            sent,
            format!("asked for with: {asked}"),
            differs,
        ));
        Some(NearMiss::new(self.refused.rule, rows).app("send the same redirect_uri to both endpoints"))
    }

    fn verifier(&self) -> Option<NearMiss> {
        let sent = self.sent.get("code_verifier");
        let challenge = self.asked("code_challenge");
        let mut rows = self.client_row();
        let app = match (sent, challenge) {
            (Some(sent), Some(challenge)) => {
                let differs = if pkce::is_well_formed(sent) {
                    format!("Its S256 is {}: it belongs to another request.", pkce::s256(sent))
                } else {
                    "It is not a valid verifier: 43 to 128 of A-Z a-z 0-9 - . _ ~.".to_owned()
                };
                rows.push(Row::bad(
                    "code_verifier",
                    Some(sent),
                    format!("challenge: {challenge}"),
                    differs,
                ));
                "keep the verifier with the browser's session, one for each sign-in, until its callback"
            }
            (None, challenge) => {
                let registered = challenge.map_or_else(|| "required".to_owned(), |text| format!("challenge: {text}"));
                let differs = "A challenge was sent to the authorization endpoint, so its verifier is needed here.";
                rows.push(Row::bad("code_verifier", None, registered, differs));
                "send code_verifier"
            }
            (sent, None) => {
                let differs = "No challenge was sent to the authorization endpoint.";
                rows.push(Row::bad("code_verifier", sent, "not expected", differs));
                "send code_challenge with the authorization request"
            }
        };
        Some(NearMiss::new(self.refused.rule, rows).app(app))
    }

    fn origin(&self) -> NearMiss {
        let sent = self.sent.origin.as_deref();
        let row = Row {
            name: "Origin".to_owned(),
            ..Row::bad(
                "",
                sent,
                "that of a redirect URI, or a Trusted Origin",
                "Scripts of this origin may not call.",
            )
        };
        let origins = &self.refused.tenant.trusted_origins;
        NearMiss::new(self.refused.rule, vec![row]).toml(extended("trusted_origins", origins, sent.unwrap_or_default()))
    }

    fn assignment(&self) -> Option<NearMiss> {
        let client = self.client?;
        let assigned = client.assigned.clone().unwrap_or_default();
        let who = self
            .sent
            .get("identifier")
            .or_else(|| self.sent.get("username"))
            .unwrap_or("the user");
        let mut rows = self.client_row();
        rows.push(Row::bad(
            "identifier",
            Some(who),
            format!("assigned: {}", assigned.join(", ")),
            "The application is assigned to others only.",
        ));
        let line = extended("assigned", &assigned, who);
        Some(NearMiss::new(self.refused.rule, rows).toml(of_client(client, &line)))
    }
}

/// Lines of this client's table.
pub(super) fn of_client(client: &Client, line: &str) -> String {
    format!("# under [[client]] id = {}\n{line}", quoted(&client.id))
}

/// The key with the known values and this one.
fn extended(key: &str, known: &[String], further: &str) -> String {
    const FEW: usize = 3;
    if known.len() > FEW {
        return format!("{key} = [{}]    # and those that you use", quoted(further));
    }
    let mut shown: Vec<String> = known.iter().map(|text| quoted(text)).collect();
    shown.push(quoted(further));
    format!("{key} = [{}]", shown.join(", "))
}

/// As TOML writes it.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
