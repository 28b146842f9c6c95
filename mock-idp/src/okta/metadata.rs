//! The metadata documents of an authorization server (OpenID Connect Discovery §3, RFC 8414 §2), members in Okta's order.

use serde_json::{Map, Value, json};

use crate::tenant::Features;

/// What the documents depend on.
#[derive(Clone, Debug)]
pub struct Metadata<'a> {
    /// The org's base URL without a trailing slash.
    pub org: &'a str,
    /// The issuer: the org's URL, or that of a custom server.
    pub issuer: &'a str,
    /// Whether this is the org authorization server.
    pub is_org: bool,
    /// Published custom scopes.
    pub custom_scopes: Vec<&'a str>,
    /// Rows that depend on features of the org.
    pub features: Features,
    /// Where browsers reach the org, if not at its URL.
    pub browser: Option<&'a str>,
    /// Where applications reach it, if not at its URL.
    pub backend: Option<&'a str>,
}

/// The scopes that a custom server knows without configuration.
pub const CUSTOM_SCOPES: &[&str] = &[
    "openid",
    "profile",
    "email",
    "address",
    "phone",
    "offline_access",
    "device_sso",
    "interclient_access",
];
/// The scopes of the org server.
pub const ORG_SCOPES: &[&str] = &[
    "openid",
    "email",
    "profile",
    "address",
    "phone",
    "offline_access",
    "groups",
];

const AUTH_METHODS: &[&str] = &[
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "none",
];
const REQUEST_ALGORITHMS: &[&str] = &[
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512",
];
const DPOP_ALGORITHMS: &[&str] = &["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"];
const CLAIMS: &str = "iss ver sub aud iat exp jti auth_time amr idp nonce name nickname preferred_username given_name \
                      middle_name family_name email email_verified profile zoneinfo locale address phone_number picture \
                      website gender birthdate updated_at at_hash c_hash";
const GRANT_TYPES: &[&str] = &[
    "authorization_code",
    "implicit",
    "refresh_token",
    "password",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:openid:params:grant-type:ciba",
    "urn:okta:params:oauth:grant-type:otp",
    "http://auth0.com/oauth/grant-type/mfa-otp",
    "urn:okta:params:oauth:grant-type:oob",
    "http://auth0.com/oauth/grant-type/mfa-oob",
];

/// Resources of the management API: for each there is a scope `okta.{resource}.manage` and one that ends in `.read`.
const MANAGED: &[&str] = &[
    "agentPools",
    "apiTokens",
    "appGrants",
    "apps",
    "authenticators",
    "authorizationServers",
    "behaviors",
    "brands",
    "captchas",
    "certificateAuthorities",
    "clients",
    "deviceAssurance",
    "devices",
    "domains",
    "emailDomains",
    "eventHooks",
    "factors",
    "features",
    "groups",
    "identitySources",
    "idps",
    "inlineHooks",
    "linkedObjects",
    "logStreams",
    "networkZones",
    "orgs",
    "policies",
    "principalRateLimits",
    "profileMappings",
    "pushProviders",
    "rateLimits",
    "realms",
    "roles",
    "schemas",
    "sessions",
    "templates",
    "trustedOrigins",
    "userTypes",
    "users",
];
const ACCESS_TOKEN_CLAIMS: &[&str] = &["ver", "jti", "iss", "aud", "iat", "exp", "cid", "uid", "scp", "sub"];

impl Metadata<'_> {
    /// Where this server's endpoints live: `{org}/oauth2/v1` or `{issuer}/v1`.
    #[must_use]
    pub fn endpoints(&self) -> String {
        if self.is_org {
            format!("{}/oauth2/v1", self.org)
        } else {
            format!("{}/v1", self.issuer)
        }
    }

    /// The same at another base URL than the org's.
    fn endpoints_at(&self, base: Option<&str>) -> String {
        let endpoints = self.endpoints();
        match (base, endpoints.strip_prefix(self.org)) {
            (Some(base), Some(path)) => format!("{base}{path}"),
            _ => endpoints,
        }
    }

    /// `openid-configuration`.
    #[must_use]
    pub fn openid_configuration(&self) -> Value {
        let base = self.endpoints_at(self.backend);
        let browsers = self.endpoints_at(self.browser);
        let features = self.features;
        let mut document = Map::new();
        let mut put = |name: &str, value: Value| {
            document.insert(name.to_owned(), value);
        };
        put("issuer", json!(self.issuer));
        put("authorization_endpoint", json!(format!("{browsers}/authorize")));
        put("token_endpoint", json!(format!("{base}/token")));
        put("userinfo_endpoint", json!(format!("{base}/userinfo")));
        put(
            "registration_endpoint",
            json!(format!("{}/oauth2/v1/clients", self.backend.unwrap_or(self.org))),
        );
        put("jwks_uri", json!(format!("{base}/keys")));
        put(
            "response_types_supported",
            json!([
                "code",
                "id_token",
                "code id_token",
                "code token",
                "id_token token",
                "code id_token token"
            ]),
        );
        put(
            "response_modes_supported",
            json!(["query", "fragment", "form_post", "okta_post_message"]),
        );
        put("grant_types_supported", json!(GRANT_TYPES));
        put("subject_types_supported", json!(["public"]));
        put("id_token_signing_alg_values_supported", json!(["RS256"]));
        if features.id_token_encryption {
            put(
                "id_token_encryption_alg_values_supported",
                json!(["RSA-OAEP-256", "RSA-OAEP-384", "RSA-OAEP-512"]),
            );
            put("id_token_encryption_enc_values_supported", json!(["A256GCM"]));
        }
        put("scopes_supported", json!(self.scopes()));
        put("token_endpoint_auth_methods_supported", json!(AUTH_METHODS));
        put("claims_supported", json!(CLAIMS.split_whitespace().collect::<Vec<_>>()));
        put("code_challenge_methods_supported", json!(["S256"]));
        put("introspection_endpoint", json!(format!("{base}/introspect")));
        put("introspection_endpoint_auth_methods_supported", json!(AUTH_METHODS));
        put("revocation_endpoint", json!(format!("{base}/revoke")));
        put("revocation_endpoint_auth_methods_supported", json!(AUTH_METHODS));
        put("end_session_endpoint", json!(format!("{browsers}/logout")));
        put("request_parameter_supported", json!(true));
        put("request_object_signing_alg_values_supported", json!(REQUEST_ALGORITHMS));
        if features.device {
            put(
                "device_authorization_endpoint",
                json!(format!("{base}/device/authorize")),
            );
        }
        if features.par {
            put("pushed_authorization_request_endpoint", json!(format!("{base}/par")));
        }
        if features.ciba {
            put("backchannel_token_delivery_modes_supported", json!(["poll"]));
            put(
                "backchannel_authentication_request_signing_alg_values_supported",
                json!(REQUEST_ALGORITHMS),
            );
        }
        if features.dpop {
            put("dpop_signing_alg_values_supported", json!(DPOP_ALGORITHMS));
        }
        Value::Object(document)
    }

    /// `oauth-authorization-server` (RFC 8414): without what only OpenID Connect needs. The org server publishes neither keys
    /// nor userinfo here.
    #[must_use]
    pub fn oauth_authorization_server(&self) -> Value {
        const OPENID_ONLY: &[&str] = &[
            "userinfo_endpoint",
            "id_token_signing_alg_values_supported",
            "id_token_encryption_alg_values_supported",
            "id_token_encryption_enc_values_supported",
        ];
        let Value::Object(openid) = self.openid_configuration() else {
            return Value::Null;
        };
        let mut document = Map::new();
        for (name, value) in openid {
            let value = match name.as_str() {
                "jwks_uri" if self.is_org => continue,
                known if OPENID_ONLY.contains(&known) => continue,
                "response_types_supported" => json!([
                    "code",
                    "token",
                    "id_token",
                    "code id_token",
                    "code token",
                    "id_token token",
                    "code id_token token"
                ]),
                "grant_types_supported" => self.oauth_grant_types(),
                "claims_supported" => json!(ACCESS_TOKEN_CLAIMS),
                "scopes_supported" if self.is_org => self.management_scopes(),
                _ => value,
            };
            document.insert(name, value);
        }
        if self.is_org {
            document.insert("frontchannel_logout_supported".to_owned(), json!(true));
            document.insert("frontchannel_logout_session_supported".to_owned(), json!(true));
            document.insert(
                "identity_chaining_requested_token_types_supported".to_owned(),
                json!(["urn:ietf:params:oauth:token-type:id-jag"]),
            );
        }
        Value::Object(document)
    }

    fn oauth_grant_types(&self) -> Value {
        let mut grants: Vec<&str> = GRANT_TYPES.to_vec();
        grants.insert(4, "client_credentials");
        if self.is_org {
            grants.retain(|grant| *grant != "urn:openid:params:grant-type:ciba");
        }
        grants.push("urn:ietf:params:oauth:grant-type:token-exchange");
        if !self.is_org {
            grants.push("urn:ietf:params:oauth:grant-type:jwt-bearer");
        }
        json!(grants)
    }

    fn management_scopes(&self) -> Value {
        let managed = MANAGED
            .iter()
            .flat_map(|resource| ["manage", "read"].map(|what| format!("okta.{resource}.{what}")));
        let openid = self.scopes().into_iter().map(str::to_owned);
        managed.chain(openid).collect::<Vec<_>>().into()
    }

    fn scopes(&self) -> Vec<&str> {
        let fixed = if self.is_org { ORG_SCOPES } else { CUSTOM_SCOPES };
        fixed
            .iter()
            .copied()
            .chain(self.custom_scopes.iter().copied())
            .collect()
    }
}
