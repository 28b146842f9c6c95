//! The userinfo endpoint (OIDC Core §5.3). Refusals have an empty body; the header says why.

use std::sync::Arc;

use axum::http::header;
use serde_json::Value;

use crate::{
    delivery,
    endpoint::{
        answer::{self, Answered, Refusal},
        dpop, tokens,
    },
    exchange::Exchange,
    flow::{
        fault::{Fault, Message},
        store::{Grant, Token, TokenKind},
        tamper,
    },
    idp::{Server, with_context},
    okta::{error::*, userinfo},
    protocol::draft::{Body, Reply},
    tenant::ClaimToken,
};

/// `GET|POST {as}/v1/userinfo`
pub(crate) fn claims(exchange: &mut Exchange) -> Answered {
    let server = exchange.server()?;
    if exchange.method == axum::http::Method::POST && !exchange.idp.tenant().unverified.userinfo_post {
        return Err(API_METHOD.into());
    }
    match presented(exchange) {
        Ok((token, grant)) => Ok(answer_for(exchange, &server, &token, &grant)),
        Err(error) => Err(Refusal::Challenge(exchange.refuse(&error))),
    }
}

/// The access token that was presented, and whose it is.
fn presented(exchange: &mut Exchange) -> Result<(Token, Grant), OAuthError> {
    let in_header = exchange.header(header::AUTHORIZATION).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("dpop");
        known.then(|| token.trim().to_owned())
    });
    let in_body = exchange.form.filled("access_token").map(str::to_owned);
    let in_query = exchange.query.filled("access_token").map(str::to_owned);
    let text = in_header.clone().or(in_body.clone()).or(in_query.clone());
    let Some(text) = text else {
        return Err(ACCESS_TOKEN_MISSING);
    };
    let found = exchange.idp.store.tokens.get(text.as_str());
    if let Some(grant) = found.as_ref().and_then(|token| token.grant.as_ref()) {
        exchange.bind(&grant.flow.clone());
    }
    if in_query.is_some()
        && let Some(error) = exchange.object(&ACCESS_TOKEN_IN_QUERY)
    {
        return Err(error);
    }
    if in_header.is_some() && in_body.is_some() {
        return Err(ACCESS_TOKEN_TWICE);
    }
    let token = found
        .filter(|token| token.kind == TokenKind::Access)
        .ok_or(ACCESS_TOKEN_INVALID)?;
    let grant = token.grant.clone().ok_or(SCOPE_INSUFFICIENT)?;
    if token.server != exchange.server_id {
        return Err(ACCESS_TOKEN_ISSUER);
    }
    if token.revoked || grant.is_revoked() {
        return Err(ACCESS_TOKEN_REVOKED);
    }
    if token.expires <= exchange.idp.clock.now() {
        return Err(ACCESS_TOKEN_EXPIRED);
    }
    let subject = exchange.idp.current(&grant.subject).ok_or(ACCESS_TOKEN_INVALID)?;
    let grant = Grant { subject, ..grant };
    judge_possession(exchange, &token, &text)?;
    if !token.scopes.iter().any(|scope| scope == "openid") {
        return Err(SCOPE_INSUFFICIENT);
    }
    Ok((token, grant))
}

/// A bound token comes with the `DPoP` scheme and a proof by its key (RFC 9449 §7.1).
fn judge_possession(exchange: &Exchange, token: &Token, text: &str) -> Result<(), OAuthError> {
    let scheme = exchange.header(header::AUTHORIZATION).unwrap_or_default();
    let is_dpop = scheme
        .get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("dpop "));
    match (&token.jkt, is_dpop) {
        (None, false) => Ok(()),
        (None, true) => Err(DPOP_NOT_BOUND),
        (Some(_), false) => Err(DPOP_SCHEME),
        (Some(jkt), true) => match dpop::thumbprint(exchange, Some(text))? {
            None => Err(DPOP_PROOF_REQUIRED),
            Some(proved) if proved == *jkt => Ok(()),
            Some(_) => Err(DPOP_NOT_BOUND),
        },
    }
}

fn answer_for(exchange: &mut Exchange, server: &Arc<Server>, token: &Token, grant: &Grant) -> Reply {
    let client = exchange.idp.client(&token.client_id);
    let subject = &grant.subject;
    let mut custom = server
        .settings
        .custom_claims(ClaimToken::Id, false, Some(subject), &token.scopes);
    let groups = client
        .as_ref()
        .and_then(|client| tokens::groups_claim(server, client, subject, &token.scopes));
    custom.extend(groups);
    let honest_claims = userinfo::claims(subject, &token.scopes, custom);
    let honest = answer::json(200, Value::Object(honest_claims.clone()));
    let identity: Vec<Fault> = grant.flow.faults(Message::Identity).collect();
    let own: Vec<Fault> = grant.flow.faults(Message::Userinfo).collect();
    if identity.is_empty() && own.is_empty() {
        return honest;
    }
    let reply = with_context(&exchange.idp, server, Some(&grant.flow), client.as_deref(), |context| {
        let mut claims = honest_claims;
        for fault in &identity {
            tamper::identity(&mut claims, *fault, context);
        }
        let mut reply = Reply {
            body: Body::Json(Value::Object(claims)),
            ..honest.clone()
        };
        for fault in &own {
            tamper::userinfo(&mut reply, *fault, context);
        }
        reply
    });
    let (twin, bytes) = (delivery::rendering(&honest), delivery::rendering(&reply));
    let faults: Vec<Fault> = identity.into_iter().chain(own).collect();
    exchange.sent(&faults, &twin, &bytes);
    reply
}

/// Okta names `http://` here even over TLS, and the org server's paths even for a custom one.
pub(crate) fn challenge(exchange: &Exchange, error: &OAuthError) -> Reply {
    let host = exchange
        .org()
        .split_once("://")
        .map_or(exchange.org(), |(_, host)| host);
    if error.rule.starts_with("dpop") {
        let text = format!(
            "DPoP algs=\"RS256 RS384 RS512 ES256 ES384 ES512\", authorization_uri=\"http://{host}/oauth2/v1/authorize\", \
             realm=\"http://{host}\", scope=\"openid\", error=\"{}\", error_description=\"{}\", \
             resource=\"/oauth2/v1/userinfo\"",
            error.error, error.text
        );
        let mut reply = answer::empty(error.status);
        answer::put(&mut reply, "www-authenticate", text);
        return reply;
    }
    let text = format!(
        "Bearer authorization_uri=\"http://{host}/oauth2/v1/authorize\", realm=\"http://{host}\", scope=\"openid\", \
         error=\"{}\", error_description=\"{}\", resource=\"/oauth2/v1/userinfo\"",
        error.error, error.text
    );
    let mut reply = answer::empty(error.status);
    answer::put(&mut reply, "access-control-expose-headers", "WWW-Authenticate");
    answer::put(&mut reply, "www-authenticate", text);
    reply
}
