//! Identity Assertion JWT Authorization Grants (draft-ietf-oauth-identity-assertion-authz-grant): the org server makes one of
//! an ID token, for a custom server that takes it as a jwt-bearer grant.

use std::sync::Arc;

use serde_json::{Map, json};

use super::{direct_grant, issue_directly, required, token_exchange::claim};
use crate::{
    endpoint::{
        answer::{self, Answered},
        client_auth::refusal,
        token::TokenRequest,
        tokens,
    },
    exchange::Exchange,
    flow::store::Grant,
    okta::{error::*, metadata::CUSTOM_SCOPES},
    protocol::{jws, random},
    tenant::Subject,
};

pub(super) const TYPE: &str = "urn:ietf:params:oauth:token-type:id-jag";
/// The `typ` of its header.
const TYP: &str = "oauth-id-jag+jwt";
/// It lives so many seconds, and no longer one is taken.
const LIFETIME: i64 = 300;
/// How far clocks may differ, seconds.
const SKEW: i64 = 60;

/// An ID-JAG for the person of an ID token.
pub(super) fn issue(exchange: &mut Exchange, request: &TokenRequest, original: &Grant) -> Answered {
    let audience = required(exchange, request, "audience")?;
    let servers = exchange.idp.custom_servers();
    let target = servers.into_iter().find(|server| server.issuer == audience);
    let Some(target) = target.filter(|server| server.settings.active) else {
        return Err(refusal(exchange, &EXCHANGE_AUDIENCE));
    };
    let scope = required(exchange, request, "scope")?;
    let is_known = |name: &str| CUSTOM_SCOPES.contains(&name) || target.settings.scope(name).is_some();
    if !scope.split_whitespace().all(is_known) {
        return Err(refusal(exchange, &SCOPE_UNKNOWN));
    }
    if !request.client.is_assigned(&original.subject) {
        return Err(refusal(exchange, &USER_NOT_ASSIGNED));
    }
    let now = exchange.idp.clock.now();
    let mut claims = Map::new();
    claims.insert("jti".to_owned(), json!(random::token43()));
    claims.insert("iss".to_owned(), json!(request.server.issuer));
    claims.insert("sub".to_owned(), json!(original.subject.persona.sub));
    claims.insert("aud".to_owned(), json!(audience));
    claims.insert("client_id".to_owned(), json!(request.client.id));
    if let Some(resource) = request.params.filled("resource") {
        claims.insert("resource".to_owned(), json!(resource));
    }
    claims.insert("scope".to_owned(), json!(scope));
    claims.insert("iat".to_owned(), json!(now));
    claims.insert("exp".to_owned(), json!(now + LIFETIME));
    let keys = &request.server.keys;
    let mut header = tokens::header(keys);
    header.insert("typ".to_owned(), json!(TYP));
    let Ok(id_jag) = keys.sign(&tokens::draft(header, claims)) else {
        return Err(refusal(exchange, &ID_JAG_NOT_GENERATED));
    };
    Ok(answer::json(
        200,
        json!({"token_type": "N_A", "expires_in": LIFETIME, "issued_token_type": TYPE, "access_token": id_jag}),
    ))
}

/// Whether this assertion is one, by its header.
pub(super) fn is_one(assertion: &str) -> bool {
    jws::read_header(assertion).is_ok_and(|header| header.typ.as_deref() == Some(TYP))
}

/// Tokens of a custom server for an ID-JAG of the org.
pub(super) fn redeem(exchange: &mut Exchange, request: &TokenRequest, assertion: &str) -> Answered {
    let (scopes, subject) = match judge(exchange, request, assertion) {
        Ok(known) => known,
        Err(error) => return Err(refusal(exchange, &error)),
    };
    let grant = direct_grant(exchange, request, None, subject, &[], &scopes);
    issue_directly(exchange, request, &grant, "urn:ietf:params:oauth:grant-type:jwt-bearer")
}

fn judge(
    exchange: &Exchange,
    request: &TokenRequest,
    assertion: &str,
) -> Result<(Vec<String>, Arc<Subject>), OAuthError> {
    if request.params.filled("scope").is_some() {
        return Err(ID_JAG_SCOPES_IN_REQUEST);
    }
    let org = exchange.idp.server("").ok_or(ID_JAG_ISSUER)?;
    let claims = jws::verify_with(assertion, &org.keys.jwk())
        .map_err(|_| ID_JAG_SIGNATURE)?
        .claims;
    let number = |name: &str| claims.get(name).and_then(serde_json::Value::as_i64);
    let now = exchange.idp.clock.now();
    if claim(&claims, "iss") != org.issuer {
        return Err(ID_JAG_ISSUER);
    }
    if claim(&claims, "aud") != request.server.issuer {
        return Err(BEARER_AUDIENCE);
    }
    if claim(&claims, "client_id") != request.client.id {
        return Err(ID_JAG_CLIENT);
    }
    let (Some(issued), Some(expires)) = (number("iat"), number("exp")) else {
        return Err(ID_JAG_EXPIRED);
    };
    if expires <= now {
        return Err(ID_JAG_EXPIRED);
    }
    if issued > now + SKEW {
        return Err(ID_JAG_FUTURE);
    }
    if expires - issued > LIFETIME {
        return Err(ID_JAG_LONG);
    }
    let resource = request.params.filled("resource");
    if resource.is_some_and(|resource| resource != claim(&claims, "resource")) {
        return Err(ID_JAG_RESOURCE);
    }
    let scopes: Vec<String> = claim(&claims, "scope").split_whitespace().map(str::to_owned).collect();
    if scopes.is_empty() {
        return Err(ID_JAG_NO_SCOPES);
    }
    let tenant = exchange.idp.tenant();
    let user = tenant.user_by_id(claim(&claims, "sub")).ok_or(ID_JAG_SUBJECT)?;
    let subject = exchange
        .idp
        .current(&Arc::new(Subject::of(user)))
        .ok_or(ID_JAG_SUBJECT)?;
    if !exchange.idp.store.use_once(format!("id-jag {}", claim(&claims, "jti"))) {
        return Err(ID_JAG_REPLAYED);
    }
    Ok((scopes, subject))
}
