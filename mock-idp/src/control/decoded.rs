//! A token, decoded, with the check that each claim asks of an application.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{flow::store::TokenKind, idp::Idp, protocol::jws};

/// What a token says.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Decoded {
    /// `id`, `access`, `refresh`, or `unknown`.
    pub(crate) kind: &'static str,
    /// The token itself.
    pub(crate) token: String,
    pub(crate) header: Map<String, Value>,
    pub(crate) claims: Vec<Claim>,
    /// Whether the signature holds, and by which key.
    pub(crate) signature: Finding,
    /// Whether this server issued it and still takes it.
    pub(crate) standing: Finding,
}

/// One claim.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Claim {
    pub(crate) name: String,
    pub(crate) value: Value,
    /// What an application must make sure of; absent for claims that only inform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) check: Option<&'static str>,
    /// How it stands, as far as it can be judged here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) finding: Option<Finding>,
    /// A fault that shows whether an application makes the check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fault: Option<&'static str>,
}

/// A judgement.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Finding {
    /// `good`, `bad` or `open`.
    pub(crate) state: &'static str,
    pub(crate) text: String,
}

fn finding(state: &'static str, text: impl Into<String>) -> Finding {
    Finding {
        state,
        text: text.into(),
    }
}

/// Claim → what an application must make sure of, and the fault that shows whether it does.
const CHECKS: &[(&str, &str, &str)] = &[
    (
        "iss",
        "equals the issuer that the app is configured with, character for character",
        "id-token.iss-wrong.suffix",
    ),
    ("aud", "contains the app's client id", "id-token.aud-wrong.other"),
    (
        "exp",
        "lies in the future, with a few minutes of leeway at most",
        "id-token.exp-past.1h",
    ),
    (
        "iat",
        "is not unreasonably far from now",
        "id-token.iat-out-of-range.future-1d",
    ),
    (
        "nonce",
        "equals the nonce that this browser's sign-in was begun with",
        "id-token.nonce-wrong.other-flow",
    ),
    (
        "sub",
        "equals the sub of the userinfo answer, and is the key of the account",
        "id-token.sub-mismatch",
    ),
    (
        "at_hash",
        "fits the access token, where the app uses that",
        "id-token.at-hash-wrong.value",
    ),
    (
        "auth_time",
        "is young enough, where the app asked with max_age",
        "id-token.auth-time-old",
    ),
    (
        "azp",
        "equals the app's client id, where it is present",
        "id-token.azp-wrong",
    ),
];

/// Decodes and judges.
pub(crate) fn explain(idp: &Idp, token: &str) -> Decoded {
    let part = |index: usize| -> Option<Map<String, Value>> {
        let text = token.split('.').nth(index)?;
        serde_json::from_slice(&B64.decode(text).ok()?).ok()
    };
    let known = idp.store.tokens.get(token);
    let header = part(0).unwrap_or_default();
    let claims = part(1).unwrap_or_default();
    let looks_like_id = claims.contains_key("nonce") || claims.contains_key("at_hash") || claims.contains_key("amr");
    let kind = match known.as_ref().map(|token| token.kind) {
        Some(TokenKind::Id) => "id",
        Some(TokenKind::Access) => "access",
        Some(TokenKind::Refresh) => "refresh",
        Some(TokenKind::DeviceSecret) => "unknown",
        None if claims.contains_key("scp") => "access",
        None if looks_like_id => "id",
        None => "unknown",
    };
    let now = idp.clock.now();
    let standing = match &known {
        None => finding(
            "open",
            "this server does not know it: it was made elsewhere, or before a reset",
        ),
        Some(token) if token.is_alive(now) => finding("good", "this server takes it"),
        Some(token) if token.revoked => finding("bad", "it was revoked"),
        Some(token) if token.expires <= now => {
            finding("bad", format!("it expired {} seconds ago", now - token.expires))
        }
        Some(_) => finding("bad", "it was revoked with its sign-in, or replaced"),
    };
    let client = known.as_ref().map(|token| token.client_id.clone());
    let claims = claims
        .into_iter()
        .map(|(name, value)| {
            let row = CHECKS
                .iter()
                .find(|(known, ..)| *known == name)
                .filter(|_| kind != "access" || matches!(name.as_str(), "iss" | "aud" | "exp"));
            let finding = row.and_then(|_| judged(idp, &name, &value, kind, client.as_deref(), now));
            let fault = row
                .map(|(.., fault)| *fault)
                .filter(|fault| kind == "id" && fault.parse::<crate::flow::fault::Fault>().is_ok());
            Claim {
                check: row.map(|(_, check, _)| *check),
                finding,
                fault,
                name,
                value,
            }
        })
        .collect();
    Decoded {
        kind,
        token: token.to_owned(),
        signature: signature(idp, token, &header),
        header,
        claims,
        standing,
    }
}

fn judged(idp: &Idp, name: &str, value: &Value, kind: &str, client: Option<&str>, now: i64) -> Option<Finding> {
    let seconds = value.as_i64();
    Some(match name {
        "iss" => {
            let issuer = value.as_str().unwrap_or_default();
            let is_ours = issuer == idp.org || idp.custom_servers().iter().any(|server| server.issuer == issuer);
            if is_ours {
                finding("good", "an issuer of this server")
            } else {
                finding("bad", "no issuer of this server")
            }
        }
        "aud" if kind == "id" => {
            let client = client?;
            let has = value.as_str() == Some(client)
                || value
                    .as_array()
                    .is_some_and(|list| list.iter().any(|one| one == client));
            if has {
                finding("good", format!("the client `{client}`"))
            } else {
                finding("bad", format!("not the client `{client}`"))
            }
        }
        "exp" => match seconds {
            Some(exp) if exp > now => finding("good", format!("in {} seconds", exp - now)),
            Some(exp) => finding("bad", format!("{} seconds ago", now - exp)),
            None => finding("bad", "no number"),
        },
        "iat" => match seconds {
            Some(iat) if iat <= now + 1 => finding("good", format!("{} seconds ago", now - iat)),
            Some(iat) => finding("bad", format!("{} seconds ahead", iat - now)),
            None => finding("bad", "no number"),
        },
        _ => finding("open", "only the app can tell"),
    })
}

fn signature(idp: &Idp, token: &str, header: &Map<String, Value>) -> Finding {
    let alg = header.get("alg").and_then(Value::as_str).unwrap_or_default();
    if header.is_empty() {
        return finding("open", "no JWT: nothing is signed");
    }
    if alg.eq_ignore_ascii_case("none") || token.ends_with('.') {
        return finding("bad", "nobody signed it");
    }
    let kid = header.get("kid").and_then(Value::as_str);
    let mut servers = idp.custom_servers();
    servers.extend(idp.any_server(""));
    for server in &servers {
        for jwk in server.key_set()["keys"].as_array().into_iter().flatten() {
            if jws::verify_with(token, jwk).is_ok() {
                let name = if server.id.is_empty() {
                    "the org server"
                } else {
                    &server.id
                };
                let text = format!("by a key that {name} publishes");
                return if jwk.get("kid").and_then(Value::as_str) == kid {
                    finding("good", text)
                } else {
                    finding("bad", format!("{text}, but under another kid"))
                };
            }
        }
        if jws::verify_with(token, &server.access_token_keys().jwk()).is_ok() {
            return finding(
                "open",
                "by the key of the org server's access tokens, which is never published: they are opaque to apps",
            );
        }
    }
    finding("bad", "no published key verifies it")
}
