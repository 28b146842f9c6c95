//! Userinfo faults.

use serde_json::{Map, Value, json};

use super::{
    Context, forge, text,
    token_response::{error, html, members, redirect, remove, rewrite, set, set_header, truncate},
    victim,
};
use crate::{
    flow::fault::UserinfoFault as F,
    protocol::draft::{Body, Delivery, Mangle, Reply, Signing, TokenDraft},
};

pub(super) fn apply(reply: &mut Reply, fault: F, context: &Context<'_>) {
    match fault {
        F::Rewritten => {}
        F::Victim => {
            set(reply, "sub", json!(victim(context).sub));
            profile_of_victim(reply, context);
        }
        F::SubAbsent => {
            remove(reply, "sub");
            profile_of_victim(reply, context);
        }
        F::SubNull => {
            set(reply, "sub", Value::Null);
            profile_of_victim(reply, context);
        }
        F::SubEmpty => {
            set(reply, "sub", json!(""));
            profile_of_victim(reply, context);
        }
        F::SubArrayOwnFirst => set(reply, "sub", json!([own_sub(reply), victim(context).sub])),
        F::SubArrayVictimFirst => set(reply, "sub", json!([victim(context).sub, own_sub(reply)])),
        F::SubTwiceVictimLast => sub_twice(reply, context, false),
        F::SubTwiceVictimFirst => sub_twice(reply, context, true),

        F::Status401 => bearer_error(reply, 401, "invalid_token", "The access token is invalid."),
        F::Status403 => {
            bearer_error(
                reply,
                403,
                "insufficient_scope",
                "The access token provided does not contain the required scopes.",
            );
        }
        F::Status429 => {
            error(
                reply,
                429,
                "too_many_requests",
                "API call exceeded rate limit due to too many requests.",
            );
            reply.headers.push(("retry-after".into(), "60".into()));
        }
        F::Status500 => error(reply, 500, "server_error", "The server encountered an internal error."),
        F::BodyEmpty => reply.body = Body::Empty,
        F::BodyHtml => html(
            reply,
            "<!doctype html><title>Sign in</title><p>Please sign in to continue.",
        ),
        F::BodyTruncated => truncate(reply),
        F::BodyArray => rewrite(reply, |value| json!([value])),
        F::ContentTypeWrong => set_header(reply, "content-type", "text/html"),
        F::Slow4s => reply.delivery = Delivery::After(context.scenario.pause),
        F::Hang => reply.delivery = Delivery::Never,

        F::Jwt => jwt(reply, context, "RS256", &[], |_| {}),
        F::JwtSignatureFlipped => {
            profile_of_victim(reply, context);
            jwt(reply, context, "RS256", &[], |draft| {
                draft.mangle.push(Mangle::FlipSignatureBit)
            });
        }
        F::JwtAlgNone => {
            profile_of_victim(reply, context);
            jwt(reply, context, "none", &[], |draft| draft.signing = Signing::Empty);
        }
        F::JwtAudOther => {
            profile_of_victim(reply, context);
            jwt(reply, context, "RS256", &[("aud", forge::OTHER_CLIENT)], |_| {});
        }
        F::Redirect302 => redirect(reply, 302, context.at_foreign_host("/userinfo")),
        F::RedirectProtocolRelative => {
            redirect(
                reply,
                302,
                text::protocol_relative(&context.at_foreign_host("/userinfo")),
            );
        }
    }
}

fn own_sub(reply: &Reply) -> Value {
    members(reply).get("sub").cloned().unwrap_or(Value::Null)
}

fn sub_twice(reply: &mut Reply, context: &Context<'_>, victim_first: bool) {
    let text = text::twice(
        &members(reply),
        "sub",
        &own_sub(reply),
        &json!(victim(context).sub),
        victim_first,
    );
    reply.body = Body::Bytes(text.into_bytes());
}

/// The victim's name, addresses and issuer in place of what is there.
fn profile_of_victim(reply: &mut Reply, context: &Context<'_>) {
    let victim = victim(context);
    let present = members(reply);
    let values = [
        ("name", &victim.userinfo_name),
        ("given_name", &victim.given_name),
        ("family_name", &victim.family_name),
        ("email", &victim.email),
        ("preferred_username", &victim.login),
    ];
    for (name, value) in values {
        if present.contains_key(name) {
            set(reply, name, json!(value));
        }
    }
    set(reply, "iss", json!(context.issuer));
}

/// Okta's shape of a bearer error: no body, everything in the challenge (RFC 6750 §3).
fn bearer_error(reply: &mut Reply, status: u16, error: &str, description: &str) {
    reply.status = status;
    reply.body = Body::Empty;
    reply.headers.retain(|(name, _)| name != "content-type");
    let challenge = format!("Bearer error=\"{error}\", error_description=\"{description}\"");
    reply.headers.push(("www-authenticate".into(), challenge.into()));
}

/// The answer as a signed JWT (OIDC Core 1.0 §5.3.2: it carries `iss` and `aud` beside the claims).
fn jwt(
    reply: &mut Reply,
    context: &Context<'_>,
    alg: &str,
    claims: &[(&str, &str)],
    change: impl FnOnce(&mut TokenDraft),
) {
    let mut all: Map<String, Value> = members(reply);
    all.insert("iss".to_owned(), json!(context.issuer));
    all.insert("aud".to_owned(), json!(context.client_id));
    for (name, value) in claims {
        all.insert((*name).to_owned(), json!(value));
    }
    let mut header = Map::new();
    header.insert("kid".to_owned(), json!(context.keys.kid()));
    header.insert("alg".to_owned(), json!(alg));
    let mut draft = TokenDraft {
        header,
        claims: all,
        signing: Signing::Current,
        mangle: Vec::new(),
        raw_payload: None,
        raw_header: None,
    };
    change(&mut draft);
    // A key that cannot sign leaves the answer as it was: the fault then counts as not delivered.
    if let Ok(token) = context.keys.sign(&draft) {
        reply.body = Body::Bytes(token.into_bytes());
        set_header(reply, "content-type", "application/jwt");
    }
}
