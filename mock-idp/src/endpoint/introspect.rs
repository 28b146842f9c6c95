//! The introspection endpoint (RFC 7662). Whatever is not good is exactly `{"active":false}`.

use serde_json::{Map, Value, json};

use crate::{
    endpoint::{
        answer::{self, Answered},
        client_auth::{self, refusal},
    },
    exchange::Exchange,
    flow::store::{Grant, Token, TokenKind},
    okta::error::TOKEN_REQUIRED,
};

/// `POST {as}/v1/introspect`
pub(crate) fn describe(exchange: &mut Exchange) -> Answered {
    exchange.server()?;
    let mut params = client_auth::form(exchange)?;
    // A public client names itself in the query.
    if !params.has("client_id")
        && let Some(id) = exchange.query.filled("client_id")
    {
        params.0.push(("client_id".to_owned(), id.to_owned()));
    }
    let token = params.filled("token").map(str::to_owned);
    let found = token.as_deref().and_then(|text| exchange.idp.store.tokens.get(text));
    if let Some(grant) = found.as_ref().and_then(|token| token.grant.as_ref()) {
        exchange.bind(&grant.flow.clone());
    }
    let client = client_auth::authenticate(exchange, &params)?;
    if token.is_none() {
        return Err(refusal(exchange, &TOKEN_REQUIRED));
    }
    let of_others = exchange.idp.tenant().unverified.introspect_of_others;
    let active = found.filter(|token| (of_others || token.client_id == client.id) && is_active(exchange, token));
    Ok(answer::json(
        200,
        active.map_or_else(|| json!({"active": false}), |token| members(&token)),
    ))
}

fn is_active(exchange: &Exchange, token: &Token) -> bool {
    let is_known = |grant: &Grant| exchange.idp.current(&grant.subject).is_some();
    token.server == exchange.server_id
        && token.is_alive(exchange.idp.clock.now())
        && token.grant.as_ref().is_none_or(is_known)
}

/// Claims of an access token that have a place of their own in the answer, or none.
const BUILT_IN: &[&str] = &[
    "ver",
    "jti",
    "iss",
    "aud",
    "iat",
    "exp",
    "cid",
    "uid",
    "scp",
    "auth_time",
    "sub",
    "acr",
];

/// In Okta's order.
fn members(token: &Token) -> Value {
    let claims = token.claims();
    let claim = |name: &str| claims.get(name).cloned();
    let login = |token: &Token| token.grant.as_ref().map(|grant| grant.subject.persona.login.clone());
    let username = login(token).filter(|login| !login.is_empty());
    let mut members = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            members.insert(name.to_owned(), value);
        }
    };
    put("active", Some(json!(true)));
    match token.kind {
        TokenKind::Access => {
            put("scope", Some(json!(token.scopes.join(" "))));
            put("username", username.map(Value::from));
            for name in ["exp", "iat", "sub", "aud", "iss", "jti"] {
                put(name, claim(name));
            }
            let token_type = if token.jkt.is_some() { "DPoP" } else { "Bearer" };
            put("token_type", Some(json!(token_type)));
            put("client_id", Some(json!(token.client_id)));
            for name in claims.keys().filter(|name| !BUILT_IN.contains(&name.as_str())) {
                put(name, claim(name));
            }
            put("uid", claim("uid"));
        }
        TokenKind::Refresh | TokenKind::DeviceSecret => {
            put("token_type", Some(json!("Bearer")));
            put("scope", Some(json!(token.scopes.join(" "))));
            put("client_id", Some(json!(token.client_id)));
            put("username", username.map(Value::from));
            put("exp", Some(json!(token.expires)));
            let sub = token.grant.as_ref().map(|grant| json!(grant.subject.persona.login));
            put("sub", sub);
            put("device_id", Some(Value::Null));
        }
        TokenKind::Id => {
            for (name, value) in &claims {
                put(name, Some(value.clone()));
            }
        }
    }
    Value::Object(members)
}
