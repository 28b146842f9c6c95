//! The second origin: a place of the attacker's that records every hit. A path that begins with a flow's id is bound to
//! that flow; `/echo/<base64url>` answers with these bytes; whatever else is asked gets 200.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use serde_json::json;

use crate::{
    endpoint::answer::{self, Answered},
    exchange::Exchange,
    flow::scenario::FlowId,
    protocol::{
        draft::{Body, NamedKey, Reply},
        keys::KeyRing,
    },
};

/// Any request to the second origin.
pub(crate) fn anything(exchange: &mut Exchange) -> Answered {
    let path = exchange.path.clone();
    let mut segments = path.trim_start_matches('/').splitn(2, '/');
    let id = segments.next().and_then(|first| first.parse::<FlowId>().ok());
    if let Some(flow) = id.and_then(|id| exchange.idp.store.flow(id)) {
        exchange.bind(&flow);
    }
    if let Some((_, text)) = path.split_once("/echo/") {
        return Ok(echo(text));
    }
    if path.ends_with("/keys") || path.ends_with("jwks.json") {
        let keys = KeyRing::of("", 0);
        return Ok(answer::cacheable(
            json!({"keys": [keys.named_jwk(NamedKey::Attacker)]}),
            60,
        ));
    }
    Ok(answer::json(200, json!({})))
}

fn echo(text: &str) -> Reply {
    let bytes = B64.decode(text).unwrap_or_default();
    let is_json = bytes.first() == Some(&b'{');
    let mut reply = answer::json(200, json!(null));
    reply.body = Body::Bytes(bytes);
    if !is_json && let Some((_, value)) = reply.headers.iter_mut().find(|(name, _)| name == "content-type") {
        *value = "application/x-pem-file".into();
    }
    reply
}
