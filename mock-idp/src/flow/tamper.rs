//! Honest draft + fault → wrong draft. Pure: no I/O, no clock, no randomness.
//!
//! One function per hook. Each takes any [`Fault`] and changes the draft only if the fault is meant for that hook; an
//! endpoint calls its hook once for every fault of the flow, in order.

use serde_json::{Map, Value, json};
use url::Url;

use super::{
    fault::{Fault, IdTokenFault, LogoutRequest, PkceRule, TokenResponseFault},
    scenario::{FlowId, Scenario},
};
use crate::protocol::{
    draft::{AuthorizationDraft, Body, Reply, Signing, TokenDraft},
    keys::KeyRing,
};

/// What a fault may borrow from.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// The flow's scenario: its user, its victim. For server-wide faults an honest one of an empty user.
    pub scenario: &'a Scenario,
    /// The issuer of the flow's authorization server.
    pub issuer: &'a str,
    /// The client of the flow; empty for server-wide faults.
    pub client_id: &'a str,
    /// Its secret, where it has one.
    pub client_secret: Option<&'a str>,
    /// Where the attacker listens. With a flow its path is `/{flow}`, so that hits are bound: join with
    /// [`Context::at_second_origin`].
    pub second_origin: &'a Url,
    /// The flow; `None` for server-wide faults.
    pub flow: Option<FlowId>,
    /// The keys of the authorization server.
    pub keys: &'a KeyRing,
    /// The authorization server's time, seconds since 1970.
    pub now: i64,
    /// What this flow itself has written so far: code, nonce and state from the authorization response on, the access
    /// token from the ID token's hook on, both tokens for a logout token.
    pub own: Earlier,
    /// What the earlier flow of the scenario left behind.
    pub earlier: Option<Earlier>,
}

/// What a flow left behind, for faults of a later one to borrow.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Earlier {
    /// The nonce of its authorization request.
    pub nonce: Option<String>,
    /// Its authorization code.
    pub code: Option<String>,
    /// Its `state`.
    pub state: Option<String>,
    /// Its ID token as written.
    pub id_token: Option<String>,
    /// Its access token as written.
    pub access_token: Option<String>,
    /// The honest claims of its access token.
    pub access_claims: Map<String, Value>,
}

impl Context<'_> {
    /// A URL of the second origin, bound to this flow where there is one; `path` begins with a slash.
    #[must_use]
    pub fn at_second_origin(&self, path: &str) -> String {
        let origin = self.second_origin.as_str().trim_end_matches('/');
        match self.flow {
            Some(flow) => format!("{origin}/{flow}{path}"),
            None => format!("{origin}{path}"),
        }
    }
}

/// The ID token, before it is signed.
pub fn id_token(draft: &mut TokenDraft, fault: Fault, context: &Context<'_>) {
    let Fault::IdToken(fault) = fault else { return };
    match fault {
        IdTokenFault::Resigned => {}
        IdTokenFault::NonceSuffix => {
            if let Some(Value::String(nonce)) = draft.claims.get_mut("nonce") {
                nonce.push('x');
            }
        }
        IdTokenFault::AudOther => {
            draft
                .claims
                .insert("aud".to_owned(), json!(format!("{}x", context.client_id)));
        }
        IdTokenFault::AlgNone => {
            draft.header.insert("alg".to_owned(), json!("none"));
            draft.signing = Signing::Empty;
        }
        _ => {}
    }
}

/// The access token, before it is signed.
pub fn access_token(_draft: &mut TokenDraft, _fault: Fault, _context: &Context<'_>) {}

/// The answer of the token endpoint to a code redemption; the tokens inside are written already.
pub fn token_response(reply: &mut Reply, fault: Fault, _context: &Context<'_>) {
    let Fault::TokenResponse(fault) = fault else { return };
    match fault {
        TokenResponseFault::Rewritten => {}
        TokenResponseFault::NoTokenType => {
            if let Body::Json(Value::Object(members)) = &mut reply.body {
                members.shift_remove("token_type");
            }
        }
        _ => {}
    }
}

/// What an ID token or a userinfo answer says about the user: both endpoints call this with the claims that they are
/// about to write, before the hook of the message itself.
pub fn identity(_claims: &mut Map<String, Value>, _fault: Fault, _context: &Context<'_>) {}

/// The ID token in the answer to a refresh, before it is signed; [`refresh`] then has the answer around it.
pub fn refresh_id_token(_draft: &mut TokenDraft, _fault: Fault, _context: &Context<'_>) {}

/// The answer of the token endpoint to a refresh.
pub fn refresh(_reply: &mut Reply, _fault: Fault, _context: &Context<'_>) {}

/// The answer of the userinfo endpoint.
pub fn userinfo(_reply: &mut Reply, _fault: Fault, _context: &Context<'_>) {}

/// The logout token, before it is signed.
pub fn logout_token(_draft: &mut TokenDraft, _fault: Fault, _context: &Context<'_>) {}

/// The text of the authorization code, before it is stored: special characters, other lengths.
pub fn code(_code: &mut String, _fault: Fault, _context: &Context<'_>) {}

/// The authorization response; the code inside went through [`code`] already.
pub fn authorization_response(_draft: &mut AuthorizationDraft, _fault: Fault, _context: &Context<'_>) {}

/// The answer of the end-session endpoint.
pub fn end_session(_reply: &mut Reply, _fault: Fault, _context: &Context<'_>) {}

/// The discovery document.
pub fn metadata(_reply: &mut Reply, _fault: Fault, _context: &Context<'_>) {}

/// The key set.
pub fn jwks(_reply: &mut Reply, _fault: Fault, _context: &Context<'_>) {}

/// Whether this fault asks that the flow's PKCE violations be refused, as Okta does, instead of being recorded only.
#[must_use]
pub fn enforces_pkce(fault: Fault) -> bool {
    matches!(fault, Fault::Code(code) if code.pkce() == PkceRule::Enforce)
}

/// How the logout token is carried to the relying party.
#[must_use]
pub fn logout_request(fault: Fault) -> LogoutRequest {
    match fault {
        Fault::LogoutToken(fault) => fault.request(),
        _ => LogoutRequest::Form,
    }
}
