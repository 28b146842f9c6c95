//! Faults of the token endpoint's answers, to a code and to a refresh.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Context, MARKUP, forge, text, victim};
use crate::{
    flow::fault::{RefreshFault, TokenResponseFault as F},
    protocol::draft::{Body, Cut, Delivery, Reply, TokenDraft},
};

pub(super) fn apply(reply: &mut Reply, fault: F, context: &Context<'_>) {
    match fault {
        F::Rewritten => {}

        F::InvalidGrant => error(
            reply,
            400,
            "invalid_grant",
            "The authorization code is invalid or has expired.",
        ),
        F::InvalidClient => {
            error(
                reply,
                401,
                "invalid_client",
                "The client secret supplied for a confidential client is invalid.",
            );
            reply
                .headers
                .push(("www-authenticate".into(), "Basic realm=\"Okta\"".into()));
        }
        F::UnknownError => error(reply, 400, "x_unheard_of", "Something that no standard names."),
        F::ErrorMarkup => error(reply, 400, "invalid_grant", &format!("The code is bad{MARKUP}.")),
        F::Status500Json => error(reply, 500, "server_error", "The server encountered an internal error."),
        F::Status502Html => {
            reply.status = 502;
            html(reply, "<html><body><h1>502 Bad Gateway</h1><hr>nginx</body></html>");
        }
        F::Status503RetryAfter => {
            error(
                reply,
                503,
                "temporarily_unavailable",
                "The server is temporarily unavailable.",
            );
            reply.headers.push(("retry-after".into(), "120".into()));
        }
        F::ErrorIn200 => {
            let body = json!({"error": "invalid_grant", "error_description": "The authorization code is invalid."});
            reply.body = Body::Json(body);
        }
        F::ErrorIn200WithTokens => set(reply, "error", json!("invalid_grant")),

        F::BodyEmpty => reply.body = Body::Empty,
        F::BodyTruncated => truncate(reply),
        F::BodyHtml => html(
            reply,
            "<!doctype html><title>Sign in</title><p>Please sign in to continue.",
        ),
        F::BodyArray => rewrite(reply, |value| json!([value])),
        F::BodyString => rewrite(reply, |value| json!(value.to_string())),
        F::BodyForm => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in members(reply) {
                form.append_pair(&name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            }
            reply.body = Body::Bytes(form.finish().into_bytes());
            set_header(reply, "content-type", "application/x-www-form-urlencoded");
        }
        F::HugeJson => {
            // Fifty thousand times a kibibyte, and the honest members behind it: only a limit refuses this.
            let honest = json!(members(reply)).to_string();
            reply.body = Body::Repeat {
                head: b"{\"padding\":\"".to_vec(),
                unit: vec![b'p'; 1024],
                count: 50_000,
                tail: format!("\",{}", honest.trim_start_matches('{')).into_bytes(),
            };
        }
        F::HugeDots => set(reply, "id_token", json!(".".repeat(1024 * 1024))),
        F::HugeNesting => {
            let mut others = members(reply);
            others.shift_remove("id_token");
            let rest = json!(others).to_string();
            let nest = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
            let comma = if others.is_empty() { "" } else { "," };
            let text = format!("{{\"id_token\":{nest}{comma}{}", rest.trim_start_matches('{'));
            reply.body = Body::Bytes(text.into_bytes());
        }

        F::IdTokenAbsent => remove(reply, "id_token"),
        F::IdTokenNull => set(reply, "id_token", Value::Null),
        F::IdTokenEmpty => set(reply, "id_token", json!("")),
        F::IdTokenNumber => set(reply, "id_token", json!(17)),
        F::IdTokenArray => {
            let token = members(reply).get("id_token").cloned().unwrap_or(Value::Null);
            set(reply, "id_token", json!([token]));
        }
        F::AccessTokenAbsent => remove(reply, "access_token"),
        F::NoTokenType => remove(reply, "token_type"),
        F::TokenTypeMac => set(reply, "token_type", json!("mac")),
        F::TokenTypeDpop => set(reply, "token_type", json!("DPoP")),
        F::TokenTypeNa => set(reply, "token_type", json!("N_A")),
        F::TokenTypeLower => set(reply, "token_type", json!("bearer")),
        F::TokenTypeUpper => set(reply, "token_type", json!("BEARER")),
        F::TokenTypeMixed => set(reply, "token_type", json!("bEARER")),
        F::OnlyRequired => {
            let mut left = members(reply);
            left.retain(|name, _| ["access_token", "token_type", "id_token"].contains(&name.as_str()));
            reply.body = Body::Json(Value::Object(left));
        }
        F::ScopeEmpty => set(reply, "scope", json!("")),
        F::ExpiresString => set(reply, "expires_in", json!("3600")),
        F::ExpiresZero => set(reply, "expires_in", json!(0)),
        F::ExpiresNegative => set(reply, "expires_in", json!(-1)),
        F::ExpiresHuge => set(reply, "expires_in", json!(1e300)),
        F::ExpiresFraction => set(reply, "expires_in", json!(3600.5)),
        F::ExpiresNull => set(reply, "expires_in", Value::Null),
        F::ExpiresIn1s => set(reply, "expires_in", json!(1)),
        F::ExtraMembers => {
            for (name, value) in forge::unknown_members(20) {
                set(reply, &name, value);
            }
        }

        F::GzipValid => reply.delivery = Delivery::Gzip,
        F::GzipBomb => reply.delivery = Delivery::GzipBomb(1024 * 1024 * 1024),
        F::Slow4s => reply.delivery = Delivery::After(context.scenario.pause),
        F::Slow30s => reply.delivery = Delivery::After(Duration::from_secs(30)),
        F::Trickle => reply.delivery = Delivery::Trickle(Duration::from_secs(2)),
        F::Hang => reply.delivery = Delivery::Never,
        F::CutBeforeHeaders => reply.delivery = Delivery::Cut(Cut::BeforeHeaders),
        F::CutMidHeaders => reply.delivery = Delivery::Cut(Cut::MidHeaders),
        F::CutMidBody => reply.delivery = Delivery::Cut(Cut::MidBody),
        F::Redirect302 => redirect(reply, 302, context.at_foreign_host("/token")),
        F::Redirect307 => redirect(reply, 307, context.at_foreign_host("/token")),
        F::Redirect308 => redirect(reply, 308, context.at_foreign_host("/token")),
        F::RedirectProtocolRelative => {
            redirect(reply, 307, text::protocol_relative(&context.at_foreign_host("/token")));
        }

        F::MembersReversed => {
            let reversed: Map<String, Value> = members(reply).into_iter().rev().collect();
            reply.body = Body::Json(Value::Object(reversed));
        }
        F::Pretty => {
            if let Ok(text) = serde_json::to_vec_pretty(&members(reply)) {
                reply.body = Body::Bytes(text);
            }
        }
        F::Escaped => reply.body = Body::Bytes(text::escaped(&json!(members(reply))).into_bytes()),
        F::TrailingNewline => reply.body = Body::Bytes(format!("{}\n", json!(members(reply))).into_bytes()),
        F::Charset => set_header(reply, "content-type", "application/json; charset=UTF-8"),
        F::Chunked => reply.delivery = Delivery::Chunked,
        F::CloseDelimited => reply.delivery = Delivery::CloseDelimited,
        F::HeaderCase => reply.delivery = Delivery::UpperCaseHeaders,
    }
}

pub(super) fn refresh_id_token(draft: &mut TokenDraft, fault: RefreshFault, context: &Context<'_>) {
    match fault {
        RefreshFault::SubVictim => {
            draft.claims.insert("sub".to_owned(), json!(victim(context).sub));
        }
        RefreshFault::IssOther => {
            draft
                .claims
                .insert("iss".to_owned(), json!(format!("{}1", context.issuer)));
        }
        RefreshFault::Rewritten | RefreshFault::IdTokenAbsent | RefreshFault::InvalidGrant | RefreshFault::Rotated => {}
    }
}

pub(super) fn refresh(reply: &mut Reply, fault: RefreshFault) {
    match fault {
        RefreshFault::IdTokenAbsent => remove(reply, "id_token"),
        RefreshFault::InvalidGrant => error(reply, 400, "invalid_grant", "The refresh token is invalid or expired."),
        RefreshFault::Rewritten | RefreshFault::SubVictim | RefreshFault::IssOther | RefreshFault::Rotated => {}
    }
}

/// The members of a JSON body; empty where the body is no JSON object.
pub(super) fn members(reply: &Reply) -> Map<String, Value> {
    match &reply.body {
        Body::Json(Value::Object(members)) => members.clone(),
        _ => Map::new(),
    }
}

pub(super) fn set(reply: &mut Reply, name: &str, value: Value) {
    if let Body::Json(Value::Object(members)) = &mut reply.body {
        members.insert(name.to_owned(), value);
    }
}

pub(super) fn remove(reply: &mut Reply, name: &str) {
    if let Body::Json(Value::Object(members)) = &mut reply.body {
        members.shift_remove(name);
    }
}

pub(super) fn rewrite(reply: &mut Reply, to: impl FnOnce(&Value) -> Value) {
    if let Body::Json(value) = &reply.body {
        reply.body = Body::Json(to(value));
    }
}

pub(super) fn set_header(reply: &mut Reply, name: &'static str, value: &'static str) {
    match reply.headers.iter_mut().find(|(field, _)| field == name) {
        Some((_, old)) => *old = value.into(),
        None => reply.headers.push((name.into(), value.into())),
    }
}

pub(super) fn error(reply: &mut Reply, status: u16, error: &str, description: &str) {
    reply.status = status;
    reply.body = Body::Json(json!({"error": error, "error_description": description}));
    set_header(reply, "content-type", "application/json");
}

pub(super) fn html(reply: &mut Reply, page: &str) {
    reply.body = Body::Bytes(page.as_bytes().to_vec());
    set_header(reply, "content-type", "text/html; charset=utf-8");
}

/// The first half of the body.
pub(super) fn truncate(reply: &mut Reply) {
    if let Body::Json(value) = &reply.body {
        let mut text = value.to_string().into_bytes();
        text.truncate(text.len() / 2);
        reply.body = Body::Bytes(text);
    }
}

pub(super) fn redirect(reply: &mut Reply, status: u16, location: String) {
    reply.status = status;
    reply.body = Body::Empty;
    reply
        .headers
        .retain(|(name, _)| name != "content-type" && name != "location");
    reply.headers.push(("location".into(), location.into()));
}
