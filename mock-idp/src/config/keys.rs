//! THE LIST of keys of `mock-idp.toml`: section, name, kind, default, example, what it is for. The check of a file, its
//! JSON schema and its reference are all made from this list.

/// A key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// As it would be written in the file; empty where leaving the key away is the default.
    pub(crate) default: &'static str,
    /// A value that is accepted.
    pub(crate) example: &'static str,
    /// What it is for, in one or two sentences.
    pub(crate) about: &'static str,
}

/// What a value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// A text without which its section means nothing.
    Required,
    Flag,
    Whole,
    Texts,
    OneOf(&'static [&'static str]),
    /// A table with the keys of this section.
    Table(&'static str),
    /// Any number of tables with the keys of this section: `[[name]]`.
    Tables(&'static str),
    /// A table with any keys.
    AnyTable,
    /// Any number of tables with any keys.
    AnyTables,
    Any,
}

impl Kind {
    /// What was expected, as a sentence ends.
    pub(crate) fn expected(self) -> String {
        match self {
            Self::Text | Self::Required => "a text in quotes".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Whole => "a whole number without quotes".to_owned(),
            Self::Texts => "a list of texts, as in [\"one\", \"two\"]".to_owned(),
            Self::OneOf(values) => format!("one of {}", values.join(", ")),
            Self::Table(_) | Self::AnyTable => "a table, as in { name = \"value\" }".to_owned(),
            Self::Tables(_) | Self::AnyTables => "a list of tables".to_owned(),
            Self::Any => "any value".to_owned(),
        }
    }

    /// As the reference calls it.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Required => "text, required".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Whole => "whole number".to_owned(),
            Self::Texts => "list of texts".to_owned(),
            Self::OneOf(values) => values
                .iter()
                .map(|value| format!("`{value}`"))
                .collect::<Vec<_>>()
                .join(", "),
            Self::Table(_) => "table".to_owned(),
            Self::Tables(_) => "list of tables".to_owned(),
            Self::AnyTable => "table with any keys".to_owned(),
            Self::AnyTables => "list of tables with any keys".to_owned(),
            Self::Any => "any".to_owned(),
        }
    }
}

/// A section: its path in the file, what it is for, its keys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section {
    /// `auth_server.claim`; empty for the top of the file.
    pub(crate) path: &'static str,
    /// As it is headed in a file: `[[auth_server.claim]]`.
    pub(crate) header: &'static str,
    pub(crate) about: &'static str,
    pub(crate) keys: &'static [Key],
}

/// The section of this path. Every path that a [`Kind`] names is in the list, which a test holds.
pub(crate) fn section(path: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.path == path)
}

const fn key(name: &'static str, kind: Kind, default: &'static str, example: &'static str, about: &'static str) -> Key {
    Key {
        name,
        kind,
        default,
        example,
        about,
    }
}

/// The sections in the order of the reference.
#[rustfmt::skip]
pub(crate) const SECTIONS: &[Section] = &[
    Section { path: "", header: "", about: "The org.", keys: &[
        key("issuer", Kind::Text, "the address that it listens on", "\"http://127.0.0.1:9494\"", "The org's URL as clients see it. Fixed text, never taken from a `Host` header; `/oauth2/{id}` is added for each authorization server."),
        key("store", Kind::Text, "the memory of this process", "\"redis://127.0.0.1:6379/0\"", "Redis (7 or later), where several processes share flows, sessions, tokens, users, clients and faults."),
        key("browser_url", Kind::Text, "the issuer", "\"http://localhost:9494\"", "Where browsers reach the server, if that differs from the issuer: base of the authorization and end-session endpoints in the metadata."),
        key("backend_url", Kind::Text, "the issuer", "\"http://mock-idp:9494\"", "Where applications reach the server, for instance from another container: base of every other endpoint in the metadata."),
        key("custom_domain", Kind::Text, "", "\"https://id.acme.test\"", "The org's own domain; see `issuer_mode`."),
        key("name", Kind::Text, "\"Mock Org\"", "\"Acme\"", "The org's name, shown on its pages."),
        key("page", Kind::OneOf(&["one-page", "identifier-first", "classic", "companion"]), "\"one-page\"", "\"companion\"", "How the sign-in page looks. `companion` is `one-page` with a button for each user and a panel that makes the sign-in fail."),
        key("third_generation", Kind::Flag, "false", "true", "Pages have the elements of the third generation of Okta's widget."),
        key("claims_need_rules", Kind::Flag, "false", "true", "The `claims` of users reach tokens only by `[[auth_server.claim]]`, as with Okta. Otherwise those that no scope covers are put into ID tokens, access tokens and userinfo of every custom authorization server."),
        key("trusted_origins", Kind::Texts, "[]", "[\"http://localhost:4200\"]", "Origins, beside those of redirect URIs, whose scripts may call."),
        key("api_tokens", Kind::Texts, "[\"mock-api-token\"]", "[\"a-token-for-tests\"]", "Tokens for the management API (`Authorization: SSWS ...`)."),
        key("universal_logout_by_email", Kind::Flag, "false", "true", "Universal Logout names users by e-mail address instead of by issuer and id."),
        key("$schema", Kind::Text, "", "\".mock-idp/schema.json\"", "For editors; not read."),
        key("features", Kind::Table("features"), "", "{ par = false }", "Feature-dependent rows of the metadata."),
        key("unverified", Kind::Table("unverified"), "", "{ sid_always = true }", "What is not known of Okta."),
        key("rate_limit", Kind::Table("rate_limit"), "", "{ per_client = 100 }", "How often somebody may ask."),
        key("auth_server", Kind::Tables("auth_server"), "one called `default`", "[{ id = \"default\" }]", "Custom authorization servers. The org's own is always there."),
        key("client", Kind::Tables("client"), "`mock-web-client`", "[{ id = \"web\" }]", "Registered applications. Given once, they replace the default one."),
        key("user", Kind::Tables("user"), "Alice and Bob", "[{ login = \"alice@example.test\" }]", "People. Given once, they replace the default ones."),
        key("fault", Kind::Tables("fault"), "none: everything is honest", "[{ id = \"id-token.exp-past.1h\" }]", "Faults that are armed from the start, and again at each reset."),
    ] },
    Section { path: "client", header: "[[client]]", about: "A registered application.", keys: &[
        key("id", Kind::Required, "", "\"web\"", "`client_id`."),
        key("secret", Kind::Text, "", "\"env:OKTA_CLIENT_SECRET\"", "`client_secret`, as it is or from an environment variable. Without one the client is public and must use PKCE."),
        key("name", Kind::Text, "\"My Web App\" or \"My SPA\"", "\"Expenses\"", "Shown on the consent page."),
        key("redirect_uris", Kind::Texts, "[]", "[\"http://localhost:3000/callback\"]", "Login redirect URIs, compared exactly."),
        key("post_logout_redirect_uris", Kind::Texts, "[]", "[\"http://localhost:3000/\"]", "Logout redirect URIs, compared exactly."),
        key("wildcard_redirect", Kind::Flag, "false", "true", "A `*` may stand in the lowest label of an https redirect URI, as Okta has it."),
        key("wildcard_ports", Kind::Flag, "false", "true", "A `*` may stand for the port of a redirect URI: `http://localhost:*/callback`. Okta has no such thing."),
        key("backchannel_logout_uri", Kind::Text, "", "\"http://localhost:3000/backchannel-logout\"", "Where logout tokens are posted. Okta has no such thing."),
        key("frontchannel_logout_uri", Kind::Text, "", "\"http://localhost:3000/frontchannel-logout\"", "Loaded in a frame at sign-out."),
        key("frontchannel_logout_session_required", Kind::Flag, "false", "true", "`iss` and `sid` go along to the front-channel logout URI."),
        key("global_token_revocation_uri", Kind::Text, "", "\"http://localhost:3000/global-token-revocation\"", "Where Universal Logout posts."),
        key("token_endpoint_auth_method", Kind::OneOf(&["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"]), "`client_secret_basic` with a secret, else `none`", "\"private_key_jwt\"", "How the client proves itself."),
        key("grant_types", Kind::Texts, "[\"authorization_code\", \"refresh_token\"]", "[\"client_credentials\"]", "Grants that it may use, as `grant_type` values."),
        key("pkce_required", Kind::Flag, "true for public clients", "true", "PKCE is required although the client has a secret."),
        key("application_type", Kind::OneOf(&["web", "browser", "native", "service"]), "`web` with a secret, else `browser`", "\"native\"", "What kind of application it is."),
        key("refresh_token_rotation", Kind::OneOf(&["static", "rotate"]), "`rotate` for public clients", "\"rotate\"", "What happens to a refresh token when it is used."),
        key("consent_method", Kind::OneOf(&["TRUSTED", "REQUIRED"]), "\"TRUSTED\"", "\"REQUIRED\"", "Whether users are asked for the scopes that want consent."),
        key("assigned", Kind::Texts, "everybody", "[\"alice@example.test\", \"group:admins\"]", "Who may sign in: logins, ids, and groups as `group:NAME`."),
        key("jwks", Kind::AnyTables, "[]", "[{ kty = \"RSA\", e = \"AQAB\", n = \"sXch\" }]", "Public keys for `private_key_jwt` and request objects."),
        key("groups_claim", Kind::Table("client.groups_claim"), "", "{ name = \"groups\", filter = { starts_with = \"team-\" } }", "The groups claim that the org authorization server puts in with the scope `groups`."),
        key("dpop_bound", Kind::Flag, "false", "true", "Access tokens must be bound by DPoP."),
        key("org_server_only", Kind::Flag, "false", "true", "It may use no authorization server but the org's."),
    ] },
    Section { path: "client.groups_claim", header: "[client.groups_claim]", about: "The groups claim of an application.", keys: &[
        key("name", Kind::Required, "", "\"groups\"", "The name of the claim."),
        key("filter", Kind::Table("filter"), "", "{ regex = \".*\" }", "Which groups."),
    ] },
    Section { path: "user", header: "[[user]]", about: "Somebody who can sign in. Without `password` any password is right, except `wrong`.", keys: &[
        key("login", Kind::Required, "", "\"alice@example.test\"", "What is typed on the sign-in page; upper and lower case are the same."),
        key("password", Kind::Text, "any but `wrong`", "\"Correct-horse-1\"", "The password."),
        key("id", Kind::Text, "derived from the login", "\"00ualice000000000001\"", "The user id, the `sub` of ID tokens."),
        key("email", Kind::Text, "the login, if that is an address", "\"alice@acme.test\"", "The `email` claim."),
        key("given_name", Kind::Text, "from the login", "\"Alice\"", "The `given_name` claim."),
        key("family_name", Kind::Text, "from the login", "\"Example\"", "The `family_name` claim."),
        key("groups", Kind::Texts, "[\"Everyone\"]", "[\"Everyone\", \"admins\"]", "Groups by name. They reach tokens by a claim with `groups`, or by the org server's scope `groups`."),
        key("claims", Kind::AnyTable, "{}", "{ locale = \"de-DE\", employee_id = \"E-1\" }", "Further profile attributes by claim name. Standard ones come with their scopes; for the others see `claims_need_rules`."),
        key("mfa", Kind::Text, "", "\"totp:JBSWY3DPEHPK3PXP\"", "A second factor: `totp:` and a base32 secret, `email:` and the code that every e-mail holds, or `enroll` to have one set up."),
        key("password_expires_in", Kind::Whole, "", "3", "In how many days the password expires; `/api/v1/authn` warns."),
        key("status", Kind::OneOf(&["STAGED", "PROVISIONED", "ACTIVE", "SUSPENDED", "DEPROVISIONED", "LOCKED_OUT", "PASSWORD_EXPIRED", "RECOVERY"]), "\"ACTIVE\"", "\"LOCKED_OUT\"", "Where in its life the account stands."),
    ] },
    Section { path: "fault", header: "[[fault]]", about: "A fault that is armed from the start: the next flows that fit get it, and keep it to their last refresh. What is left out fits everybody.", keys: &[
        key("id", Kind::Required, "", "\"id-token.exp-past.1h\"", "What goes wrong; `mock-idp faults` lists the ids."),
        key("user", Kind::Text, "everybody", "\"slow@example.test\"", "The login of whoever signs in; tests that run at the same time do not meet when each has a user."),
        key("client", Kind::Text, "every client", "\"mock-web-client\"", "A client id."),
        key("endpoint", Kind::OneOf(&["authorize", "token", "userinfo", "introspect", "revoke", "logout", "device", "par"]), "the first request of the flow", "\"token\"", "Given at the flow's first request to this endpoint."),
        key("server", Kind::Text, "\"default\"", "\"default\"", "The authorization server, for faults of metadata, keys and certificate, which reach all its flows."),
        key("times", Kind::Whole, "all", "1", "How many flows get it."),
        key("ttl", Kind::Text, "without end", "\"10m\"", "How long after the start: 90s, 5m, 2h."),
    ] },
    Section { path: "auth_server", header: "[[auth_server]]", about: "A custom authorization server; its issuer is `{org}/oauth2/{id}`.", keys: &[
        key("id", Kind::Required, "", "\"default\"", "Its id: letters, digits, `-` and `_`."),
        key("audience", Kind::Text, "\"api://default\"", "\"api://orders\"", "The `aud` of its access tokens."),
        key("issuer_mode", Kind::OneOf(&["ORG_URL", "CUSTOM_URL", "DYNAMIC"]), "\"DYNAMIC\"", "\"CUSTOM_URL\"", "Where its issuer is, for an org with `custom_domain`."),
        key("scopes", Kind::Texts, "[]", "[\"orders:read\"]", "Scopes by name alone, for which nobody is asked."),
        key("scope", Kind::Tables("auth_server.scope"), "[]", "[{ name = \"money:spend\" }]", "Scopes with everything that Okta has for them."),
        key("claim", Kind::Tables("auth_server.claim"), "[]", "[{ name = \"locale\", attribute = \"locale\" }]", "Custom claims."),
        key("policy", Kind::Tables("auth_server.policy"), "everybody gets tokens", "[{ clients = [\"web\"] }]", "Rules of the access policy; the first that fits decides, and without a fit there are no tokens."),
        key("access_token_lifetime", Kind::Whole, "3600", "300", "Seconds, 300 to 86400; under `--lax` from 1 on."),
        key("refresh_token_lifetime", Kind::Whole, "7776000", "86400", "Seconds from the sign-in on."),
        key("refresh_token_idle", Kind::Whole, "604800", "3600", "Seconds without use after which a refresh token is dead."),
        key("signing_key", Kind::Text, "a key that is stored with the program", "\"signing-key.json\"", "A file with a private RSA JWK, beside this one, that signs this server's tokens until keys are rotated. `mock-idp keys --private` writes one."),
    ] },
    Section { path: "auth_server.scope", header: "[[auth_server.scope]]", about: "A scope of a custom authorization server.", keys: &[
        key("name", Kind::Required, "", "\"money:spend\"", "Its name."),
        key("description", Kind::Text, "", "\"Spend your money\"", "What the consent page calls it."),
        key("consent", Kind::OneOf(&["IMPLICIT", "REQUIRED", "FLEXIBLE"]), "\"IMPLICIT\"", "\"REQUIRED\"", "Whether users are asked."),
        key("default", Kind::Flag, "false", "true", "A request without scopes gets it."),
        key("published", Kind::Flag, "true", "false", "The metadata lists it."),
        key("display_name", Kind::Text, "", "\"Spending\"", "Its name on the consent page."),
        key("optional", Kind::Flag, "false", "true", "The user can leave it out."),
    ] },
    Section { path: "auth_server.claim", header: "[[auth_server.claim]]", about: "A custom claim: exactly one of `value`, `attribute` and `groups`.", keys: &[
        key("name", Kind::Required, "", "\"tenant\"", "Its name."),
        key("value", Kind::Any, "", "\"acme\"", "The same value for everybody."),
        key("attribute", Kind::Text, "", "\"locale\"", "A profile attribute of the user."),
        key("groups", Kind::Table("filter"), "", "{ starts_with = \"team-\" }", "The user's groups that pass."),
        key("token", Kind::OneOf(&["id", "access"]), "\"id\"", "\"access\"", "Where it goes: into ID tokens and userinfo, or into access tokens."),
        key("always", Kind::Flag, "true", "false", "Also in ID tokens that stand next to an access token; otherwise only userinfo has it there."),
        key("scopes", Kind::Texts, "[]", "[\"profile\"]", "Only with one of these scopes."),
    ] },
    Section { path: "auth_server.policy", header: "[[auth_server.policy]]", about: "A rule of the access policy. It fits if every list does; an empty list fits everything.", keys: &[
        key("clients", Kind::Texts, "[]", "[\"web\"]", "Client ids."),
        key("grant_types", Kind::Texts, "[]", "[\"authorization_code\"]", "Grant types."),
        key("users", Kind::Texts, "[]", "[\"alice@example.test\"]", "Logins or ids."),
        key("groups", Kind::Texts, "[]", "[\"admins\"]", "Group names; one is enough."),
        key("scopes", Kind::Texts, "[]", "[\"openid\", \"profile\"]", "Scopes that may be asked for."),
        key("except_users", Kind::Texts, "[]", "[\"bob@example.test\"]", "Logins or ids of those that are left out."),
        key("except_groups", Kind::Texts, "[]", "[\"guests\"]", "Names of groups that are left out."),
        key("access_token_lifetime", Kind::Whole, "that of the server", "600", "Seconds."),
        key("refresh_token_lifetime", Kind::Whole, "that of the server", "86400", "Seconds."),
        key("refresh_token_idle", Kind::Whole, "that of the server", "3600", "Seconds."),
    ] },
    Section { path: "filter", header: "", about: "A filter of groups, where a claim has one: exactly one of these.", keys: &[
        key("starts_with", Kind::Text, "", "\"team-\"", "Groups that begin so."),
        key("equals", Kind::Text, "", "\"admins\"", "The group of this name."),
        key("contains", Kind::Text, "", "\"eng\"", "Groups that hold this."),
        key("regex", Kind::Text, "", "\".*\"", "Groups that match this as a whole."),
    ] },
    Section { path: "features", header: "[features]", about: "Feature-dependent rows of the metadata, and how a feature answers where sources differ.", keys: &[
        key("id_token_encryption", Kind::Flag, "true", "false", "`id_token_encryption_*`."),
        key("device", Kind::Flag, "true", "false", "`device_authorization_endpoint`."),
        key("par", Kind::Flag, "true", "false", "`pushed_authorization_request_endpoint`; several clients push as soon as they see it."),
        key("par_created", Kind::Flag, "false", "true", "Pushed requests are answered with 201, as RFC 9126 has it, instead of the 200 of Okta's specification."),
        key("ciba", Kind::Flag, "true", "false", "`backchannel_*`."),
        key("dpop", Kind::Flag, "true", "false", "`dpop_signing_alg_values_supported`."),
        key("show_lockout", Kind::Flag, "false", "true", "Who is locked out is told so by `/api/v1/authn`."),
        key("api_access_management", Kind::Flag, "true", "false", "Custom authorization servers, which Okta licenses apart."),
    ] },
    Section { path: "unverified", header: "[unverified]", about: "What is not known of Okta, with the likeliest answer as the default.", keys: &[
        key("www_authenticate", Kind::Flag, "true", "false", "A 401 `invalid_client` of the OAuth endpoints carries `WWW-Authenticate`."),
        key("userinfo_post", Kind::Flag, "true", "false", "Userinfo takes POST."),
        key("secret_methods_interchangeable", Kind::Flag, "true", "false", "A client set up for one of `client_secret_basic` and `client_secret_post` may use the other."),
        key("code_reuse_revokes", Kind::Flag, "false", "true", "A code that is used twice revokes what was issued for it."),
        key("introspect_of_others", Kind::Flag, "true", "false", "A client may introspect the tokens of others."),
        key("resource_refused", Kind::Flag, "false", "true", "The authorization endpoint refuses `resource` instead of ignoring it."),
        key("max_age_checked", Kind::Flag, "true", "false", "A `max_age` that is no number is refused instead of ignored."),
        key("sid_always", Kind::Flag, "false", "true", "Every ID token has a `sid`, not only those for clients with a logout URI."),
        key("session_token", Kind::Flag, "true", "false", "The authorization endpoint takes a `sessionToken` also with Identity Engine."),
        key("post_with_query", Kind::Flag, "true", "false", "A posted authorization request may have a query, which is ignored."),
        key("empty_state", Kind::Flag, "false", "true", "An error response has an empty `state` where the request had none."),
    ] },
    Section { path: "rate_limit", header: "[rate_limit]", about: "How often somebody may ask, requests a minute; without a number as often as they like.", keys: &[
        key("per_client", Kind::Whole, "", "100", "For each client (and device), and for each API token."),
        key("per_user", Kind::Whole, "", "40", "For each user who is signed in."),
        key("user_codes", Kind::Whole, "", "5", "Not by the minute: how many user codes of one client may wait for somebody at once."),
    ] },
];
