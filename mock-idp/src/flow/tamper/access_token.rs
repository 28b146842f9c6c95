//! Access token faults.

use serde_json::{Value, json};

use super::{Context, forge, text};
use crate::{
    flow::fault::AccessTokenFault as F,
    protocol::draft::{Mangle, NamedKey, Signing, TokenDraft},
};

pub(super) fn apply(draft: &mut TokenDraft, fault: F, context: &Context<'_>) {
    let mut set = |name: &str, value: Value| {
        draft.claims.insert(name.to_owned(), value);
    };
    match fault {
        F::Resigned => {}
        F::Opaque => {
            let token = text::base64url(&forge::junk(&label(draft), 32));
            draft.mangle.push(Mangle::Replace(token));
        }
        F::BrokenJwt => {
            let junk = text::base64url(&forge::junk(&label(draft), 60));
            let header = text::base64url(b"{\"alg\":\"RS256\",\"kid\":");
            draft.mangle.push(Mangle::Replace(format!("{header}.{junk}.AAAA")));
        }
        F::Long4k => set("padding", json!(padding(4 * 1024))),
        F::Long12k => set("padding", json!(padding(12 * 1024))),
        F::OtherKeyKnownKid => draft.signing = Signing::With(NamedKey::Attacker),
        F::OtherKeyOwnKid => {
            let kid = context.keys.named_kid(NamedKey::Attacker);
            draft.header.insert("kid".to_owned(), json!(kid));
            draft.signing = Signing::With(NamedKey::Attacker);
        }
        F::IssOther => set(
            "iss",
            json!(format!("{}/oauth2/ausAnotherServer0000", origin(context.issuer))),
        ),
        F::IssSuffix => set("iss", json!(format!("{}1", context.issuer))),
        F::IssTrailingSlash => set("iss", json!(format!("{}/", context.issuer))),
        F::AudOther => set("aud", json!("api://another-api")),
        F::ExpPast2h => set("exp", json!(context.now - 7200)),
        F::CidOther => set("cid", json!(forge::OTHER_CLIENT)),
    }
}

/// An opaque token must still be one of a kind: it is derived from the token's id.
fn label(draft: &TokenDraft) -> String {
    let id = draft.claims.get("jti").map(Value::to_string);
    format!("opaque access token {}", id.unwrap_or_default())
}

/// Text that makes a token of about this many characters: base64url writes three bytes as four.
fn padding(length: usize) -> String {
    "p".repeat(length * 3 / 4)
}

fn origin(issuer: &str) -> &str {
    issuer.split_once("/oauth2/").map_or(issuer, |(org, _)| org)
}
