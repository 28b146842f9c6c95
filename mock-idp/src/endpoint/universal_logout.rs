//! Universal Logout: tells applications that have a place for it that a user's sessions and tokens ended, as Okta does
//! (draft-parecki-oauth-global-token-revocation).

use std::{sync::Arc, time::Duration};

use serde_json::{Map, Value, json};

use crate::{
    endpoint::tokens,
    idp::Idp,
    protocol::{keys::SignError, random},
    tenant::{Client, Subject, User},
};

/// How long an application may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// How long the token is good for, seconds.
const LIFETIME: i64 = 300;

/// What one application was told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UniversalLogout {
    /// The client's id.
    pub client_id: String,
    /// Where it was posted.
    pub url: String,
    /// The status of the answer; `None` if there was none.
    pub status: Option<u16>,
}

/// Tells every application to which the user is assigned and that has a place for it.
pub(crate) async fn send(idp: Arc<Idp>, user: Arc<User>) -> Vec<UniversalLogout> {
    let subject = Subject::of(&user);
    let tenant = idp.tenant();
    let mut told = Vec::new();
    for client in &tenant.clients {
        let Some(url) = client.global_token_revocation_uri.clone() else {
            continue;
        };
        if !client.active || !client.is_assigned(&subject) {
            continue;
        }
        let status = match token(&idp, client, &url) {
            Ok(token) => post(&idp, &url, &token, &user).await,
            Err(_) => None,
        };
        told.push(UniversalLogout {
            client_id: client.id.clone(),
            url,
            status,
        });
    }
    told
}

/// As [`send`], without waiting for the answers.
pub(crate) fn send_later(idp: &Arc<Idp>, user: &Arc<User>) {
    let is_told = |client: &Arc<Client>| client.global_token_revocation_uri.is_some();
    if idp.tenant().clients.iter().any(is_told) {
        tokio::spawn(send(idp.clone(), user.clone()));
    }
}

fn token(idp: &Idp, client: &Client, url: &str) -> Result<String, SignError> {
    let Some(org) = idp.any_server("") else {
        return Ok(String::new());
    };
    let now = idp.clock.now();
    let mut header = tokens::header(&org.keys);
    header.insert("typ".to_owned(), json!("global-token-revocation+jwt"));
    let mut claims: Map<String, Value> = Map::new();
    for (name, value) in [
        ("jti", json!(random::token43())),
        ("iss", json!(idp.org)),
        ("sub", json!(client.id)),
        ("aud", json!(url)),
        ("exp", json!(now + LIFETIME)),
        ("nbf", json!(now)),
        ("iat", json!(now)),
    ] {
        claims.insert(name.to_owned(), value);
    }
    org.keys.sign(&tokens::draft(header, claims))
}

async fn post(idp: &Idp, url: &str, token: &str, user: &User) -> Option<u16> {
    let subject = if idp.tenant().universal_logout_by_email {
        json!({"format": "email", "email": user.email})
    } else {
        json!({"format": "iss_sub", "iss": idp.org, "sub": user.id})
    };
    let request = idp
        .http
        .get()?
        .post(url)
        .timeout(ANSWER_LIMIT)
        .bearer_auth(token)
        .json(&json!({ "sub_id": subject }));
    let answer = request.send().await.ok()?;
    Some(answer.status().as_u16())
}
