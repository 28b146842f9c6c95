//! Back-channel logout token faults.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Context, forge, text};
use crate::{
    flow::fault::LogoutTokenFault as F,
    protocol::draft::{Mangle, NamedKey, Signing, TokenDraft},
};

/// The member of `events` that makes a token a logout token (Back-Channel Logout 1.0 §2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

pub(super) fn apply(draft: &mut TokenDraft, fault: F, context: &Context<'_>) {
    match fault {
        F::Resigned | F::UnknownField => {}
        F::UnknownClaim => set(draft, "https://claims.example/unknown", json!({"nested": [1, null]})),
        F::SidOnly => remove(draft, "sub"),
        F::SubOnly => remove(draft, "sid"),
        F::SidUnknown => set(draft, "sid", json!(text::base64url(&forge::junk("unknown sid", 18)))),
        F::SubUnknown => {
            remove(draft, "sid");
            set(draft, "sub", json!("00uNobodyHasThisSub0"));
        }
        F::AlgNone => {
            draft.header.insert("alg".to_owned(), json!("none"));
            draft.signing = Signing::Empty;
        }
        F::SignatureFlipped => draft.mangle.push(Mangle::FlipSignatureBit),
        F::OtherKey => draft.signing = Signing::With(NamedKey::Attacker),
        F::Hs256ClientSecret => {
            draft.header.insert("alg".to_owned(), json!("HS256"));
            draft.signing = Signing::Hmac(context.client_secret.unwrap_or_default().as_bytes().to_vec());
        }
        F::IssOther => set(draft, "iss", json!("https://other-tenant.okta.com/oauth2/default")),
        F::IssAbsent => remove(draft, "iss"),
        F::AudOther => set(draft, "aud", json!(forge::OTHER_CLIENT)),
        F::AudAbsent => remove(draft, "aud"),
        F::EventsAbsent => remove(draft, "events"),
        F::EventsOther => set(draft, "events", json!({"http://schemas.openid.net/event/another": {}})),
        F::EventsNoObject => set(draft, "events", json!(EVENT)),
        F::Nonce => set(
            draft,
            "nonce",
            json!(context.own.nonce.as_deref().unwrap_or("n-0S6_WzA2Mj")),
        ),
        F::NoSubNoSid => {
            remove(draft, "sub");
            remove(draft, "sid");
        }
        F::IatAbsent => remove(draft, "iat"),
        F::JtiAbsent => remove(draft, "jti"),
        F::ExpAbsent => remove(draft, "exp"),
        F::ExpPast1h => set(draft, "exp", json!(context.now - 3600)),
        F::IatPast1d => set(draft, "iat", json!(context.now - 86_400)),
        F::JtiFixed => {
            let flow = context.flow.map(|flow| flow.to_string()).unwrap_or_default();
            set(draft, "jti", json!(format!("the-same-each-time-{flow}")));
        }
        F::IdToken => replace(draft, context.own.id_token.as_ref()),
        F::AccessToken => replace(draft, context.own.access_token.as_ref()),
        F::TypLogoutJwt => typ(draft, Some("logout+jwt")),
        F::TypJwt => typ(draft, Some("JWT")),
        F::TypAbsent => typ(draft, None),
        // How these travel is said by `LogoutTokenFault::request`.
        F::RequestGet | F::RequestEmpty | F::RequestJson | F::RequestTwice | F::RequestOptions => {}
        F::RequestHuge => set(draft, "padding", json!("p".repeat(1024 * 1024))),
    }
}

fn set(draft: &mut TokenDraft, name: &str, value: Value) {
    draft.claims.insert(name.to_owned(), value);
}

fn remove(draft: &mut TokenDraft, name: &str) {
    draft.claims.shift_remove(name);
}

fn typ(draft: &mut TokenDraft, typ: Option<&str>) {
    match typ {
        Some(typ) => {
            draft.header.insert("typ".to_owned(), json!(typ));
        }
        None => {
            draft.header.shift_remove("typ");
        }
    }
}

/// Where the flow has no such token yet, nothing is replaced and the fault counts as not delivered.
fn replace(draft: &mut TokenDraft, token: Option<&Arc<str>>) {
    if let Some(token) = token {
        draft.mangle.push(Mangle::Replace(token.to_string()));
    }
}
