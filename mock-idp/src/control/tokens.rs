//! Tokens without a sign-in, and what a token says.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Control,
    decoded::{self, Decoded},
    input::{Body, Span},
    problem::Problem,
};
use crate::{
    flow::{
        scenario::Scenario,
        store::{Grant, Request, Revocation, Session, Token, TokenKind},
    },
    okta::{access_token::AccessToken, id_token::IdToken},
    protocol::{
        draft::{NamedKey, Signing, TokenDraft},
        keys::KeyRing,
        random,
    },
    tenant::{ClaimToken, Persona, Subject},
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MintInput {
    /// The login of somebody of this org.
    user: String,
    /// The client; the first one that is registered, if left out.
    client: Option<String>,
    /// `openid profile email` if left out.
    scope: Option<String>,
    /// The authorization server; `default` if left out.
    #[serde(default = "default_server")]
    server: String,
    nonce: Option<String>,
    /// How long they are good; an hour if left out, expired already if negative.
    expires_in: Option<Span>,
    /// Claims of both tokens that are set, or with `null` taken away.
    #[serde(default)]
    claims: Map<String, Value>,
    /// Members of both headers that are set, or with `null` taken away.
    #[serde(default)]
    header: Map<String, Value>,
    /// By which key they are signed.
    #[serde(default)]
    signed_by: SignedBy,
}

fn default_server() -> String {
    "default".to_owned()
}

/// A key.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SignedBy {
    /// The one that the server publishes.
    #[default]
    Published,
    /// One that nobody publishes.
    Other,
    /// Nobody: `alg` is `none`.
    None,
}

/// Tokens, as the token endpoint answers them.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Minted {
    token_type: &'static str,
    expires_in: i64,
    access_token: String,
    id_token: String,
    scope: String,
}

/// Tokens live no longer than a century.
const LONGEST: i64 = 3_200_000_000;

pub(crate) async fn mint(
    State(control): State<Control>,
    Body(input): Body<MintInput>,
) -> Result<Json<Minted>, Problem> {
    let idp = &control.idp;
    let tenant = idp.tenant();
    let user = tenant.user(&input.user).ok_or_else(|| control.no_user(&input.user))?;
    let client = match &input.client {
        Some(id) => {
            control.known_client(id)?;
            tenant.client(id)
        }
        None => tenant.clients.first(),
    };
    let client = client.ok_or_else(|| Problem::not_found("no client is registered").fix("PUT /_mock/clients/web"))?;
    let servers = idp.custom_servers();
    let server = idp.server(&input.server).ok_or_else(|| {
        Problem::unknown(
            "authorization server",
            &input.server,
            servers.iter().map(|server| server.id.as_str()),
        )
    })?;
    let lifetime = input.expires_in.map_or(3600, Span::seconds).clamp(-LONGEST, LONGEST);
    let scope = input.scope.unwrap_or_else(|| "openid profile email".to_owned());
    let scopes: Vec<String> = scope.split_whitespace().map(str::to_owned).collect();
    let now = idp.clock.now();
    let subject = Arc::new(Subject::of(user));
    let access = AccessToken {
        subject: Some(&subject),
        issuer: &server.issuer,
        audience: &server.settings.audience,
        client_id: &client.id,
        now,
        lifetime,
        scopes: &scopes,
        auth_time: Some(now),
        acr: None,
        org: server.id.is_empty(),
        custom: server
            .settings
            .custom_claims(ClaimToken::Access, false, Some(&subject), &scopes),
    };
    let sign = |keys: &KeyRing, claims: Map<String, Value>| -> Result<(String, Map<String, Value>), Problem> {
        let mut draft = TokenDraft {
            header: object(json!({"kid": keys.kid(), "alg": "RS256"})),
            claims,
            signing: Signing::Current,
            mangle: Vec::new(),
            raw_payload: None,
            raw_header: None,
        };
        match input.signed_by {
            SignedBy::Published => {}
            SignedBy::Other => draft.signing = Signing::With(NamedKey::Attacker),
            SignedBy::None => {
                draft.header.insert("alg".to_owned(), json!("none"));
                draft.signing = Signing::Empty;
            }
        }
        overlay(&mut draft.claims, &input.claims);
        overlay(&mut draft.header, &input.header);
        let text = keys.sign(&draft).map_err(|error| Problem::bad(error.to_string()))?;
        Ok((text, draft.claims))
    };
    let (access_token, access_claims) = sign(&server.access_token_keys(), access.claims())?;
    let sid = format!("idx{}", random::token22());
    let amr = ["pwd".to_owned()];
    let id = IdToken {
        subject: &subject,
        issuer: &server.issuer,
        client_id: &client.id,
        now,
        lifetime,
        auth_time: now,
        amr: &amr,
        acr: None,
        idp: &tenant.id,
        nonce: input.nonce.as_deref(),
        scopes: &scopes,
        access_token: Some(&access_token),
        code: None,
        sid: client.wants_sid().then_some(sid.as_str()),
        fat: false,
        custom: server
            .settings
            .custom_claims(ClaimToken::Id, true, Some(&subject), &scopes),
    };
    let (id_token, id_claims) = sign(&server.keys, id.claims())?;
    let grant = Grant {
        flow: idp.store.begin(false, Scenario::honest(Persona::default())),
        request: Arc::new(Request {
            server: server.id.clone(),
            client_id: client.id.clone(),
            scopes: scopes.clone(),
            ..Request::default()
        }),
        session: Arc::new(Session {
            cookie: "".into(),
            idx: "".into(),
            sid: sid.clone(),
            subject: subject.clone(),
            auth_time: now,
            amr: amr.to_vec(),
            expires: now,
            remembered: false,
        }),
        subject: subject.clone(),
        revoked: Arc::new(Revocation::new()),
    };
    for (kind, text, claims) in [
        (TokenKind::Access, &access_token, access_claims),
        (TokenKind::Id, &id_token, id_claims),
    ] {
        // What `exp` says counts, as it does for whoever reads the token.
        let expires = claims.get("exp").and_then(Value::as_i64).unwrap_or(now + lifetime);
        let token = Token {
            kind,
            server: server.id.clone(),
            client_id: client.id.clone(),
            scopes: scopes.clone(),
            grant: Some(grant.clone()),
            claims: Token::claims_text(&claims),
            expires,
            revoked: false,
            grace_until: None,
            last_used: now,
            idle: i64::MAX,
            jkt: None,
        };
        // Nobody takes what the server did not sign.
        if matches!(input.signed_by, SignedBy::Published) {
            idp.store.tokens.put(text.as_str().into(), token);
        }
    }
    Ok(Json(Minted {
        token_type: "Bearer",
        expires_in: lifetime,
        access_token,
        id_token,
        scope,
    }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Sets members; `null` takes one away.
fn overlay(map: &mut Map<String, Value>, with: &Map<String, Value>) {
    for (name, value) in with {
        if value.is_null() {
            map.shift_remove(name);
        } else {
            map.insert(name.clone(), value.clone());
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainInput {
    /// A JWT of this server or of another, or a refresh token.
    token: String,
}

pub(crate) async fn explain(
    State(control): State<Control>,
    Body(input): Body<ExplainInput>,
) -> Result<Json<Decoded>, Problem> {
    let token = input.token.trim();
    if token.is_empty() {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "bad-request", "`token` is empty"));
    }
    Ok(Json(decoded::explain(&control.idp, token)))
}
