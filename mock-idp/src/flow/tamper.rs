//! Honest draft + fault → wrong draft. Pure: no I/O, no clock, no randomness.
//!
//! One function per hook. Each takes any [`Fault`] and changes the draft only if the fault is meant for that hook; an
//! endpoint calls its hook once for every fault of the flow, in order.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::{
    fault::{Fault, LogoutRequest, PkceRule, RefreshFault},
    scenario::{FlowId, Persona, Scenario},
    store::stored,
};
use crate::protocol::{
    draft::{AuthorizationDraft, Reply, TokenDraft},
    keys::KeyRing,
};

mod access_token;
mod forge;
mod front_channel;
mod id_token;
mod identity;
mod logout_token;
mod server;
#[cfg(test)]
mod tests;
mod text;
mod token_response;
mod userinfo;

pub use identity::{UNICODE, other_profile};

/// Markup that runs a script where it is not escaped: it breaks out of text, attributes and JSON in a page alike, and
/// leaves an element named `cfmx-element` behind, which the harness looks for.
pub const MARKUP: &str = "\"'><img src=x onerror=cfmx()><cfmx-element></cfmx-element>";

/// Endpoints that a metadata fault moves are published below this path; the router answers `{ODD_PATH}{word}{path}` as it
/// answers `{path}`.
pub const ODD_PATH: &str = "/odd/place/";

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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Earlier {
    /// The nonce of its authorization request.
    pub nonce: Option<String>,
    /// Its authorization code.
    pub code: Option<String>,
    /// Its `state`.
    pub state: Option<String>,
    /// Its ID token as written.
    #[serde(with = "stored::maybe_text")]
    pub id_token: Option<Arc<str>>,
    /// Its access token as written.
    #[serde(with = "stored::maybe_text")]
    pub access_token: Option<Arc<str>>,
    /// The honest claims of its access token, as JSON; empty if none was issued.
    #[serde(with = "stored::text")]
    pub access_claims: Arc<str>,
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

    /// The same under another host name than the authorization server's. Some HTTP clients keep credentials on a redirect to
    /// another port of the same host, and that is no leak to a stranger.
    #[must_use]
    pub fn at_foreign_host(&self, path: &str) -> String {
        let url = self.at_second_origin(path);
        match self.second_origin.host_str() {
            Some("127.0.0.1") => url.replacen("127.0.0.1", "localhost", 1),
            Some("localhost") => url.replacen("localhost", "127.0.0.1", 1),
            _ => url,
        }
    }
}

/// What an ID token or a userinfo answer says about the user: both endpoints call this with the claims that they are
/// about to write, before the hook of the message itself.
pub fn identity(claims: &mut Map<String, Value>, fault: Fault, context: &Context<'_>) {
    if let Fault::Identity(fault) = fault {
        identity::apply(claims, fault, context);
    }
}

/// The text of the authorization code, before it is stored: special characters, other lengths.
pub fn code(code: &mut String, fault: Fault, _context: &Context<'_>) {
    if let Fault::Code(fault) = fault {
        front_channel::code(code, fault);
    }
}

/// What these faults ask for about the flow's PKCE violations.
#[must_use]
pub fn pkce_rule(faults: &[Fault]) -> PkceRule {
    let rules = faults.iter().filter_map(|fault| match fault {
        Fault::Code(code) => Some(code.pkce()),
        _ => None,
    });
    rules
        .into_iter()
        .find(|rule| *rule != PkceRule::Watch)
        .unwrap_or(PkceRule::Watch)
}

/// The authorization response; the code inside went through [`code`] already.
pub fn authorization_response(draft: &mut AuthorizationDraft, fault: Fault, context: &Context<'_>) {
    if let Fault::AuthorizationResponse(fault) = fault {
        front_channel::authorization_response(draft, fault, context);
    }
}

/// The access token, before it is signed.
pub fn access_token(draft: &mut TokenDraft, fault: Fault, context: &Context<'_>) {
    if let Fault::AccessToken(fault) = fault {
        access_token::apply(draft, fault, context);
    }
}

/// The ID token, before it is signed.
pub fn id_token(draft: &mut TokenDraft, fault: Fault, context: &Context<'_>) {
    if let Fault::IdToken(fault) = fault {
        id_token::apply(draft, fault, context);
    }
}

/// The answer of the token endpoint to a code redemption; the tokens inside are written already.
pub fn token_response(reply: &mut Reply, fault: Fault, context: &Context<'_>) {
    if let Fault::TokenResponse(fault) = fault {
        token_response::apply(reply, fault, context);
    }
}

/// The ID token in the answer to a refresh, before it is signed; [`refresh`] then has the answer around it.
pub fn refresh_id_token(draft: &mut TokenDraft, fault: Fault, context: &Context<'_>) {
    if let Fault::RefreshResponse(fault) = fault {
        token_response::refresh_id_token(draft, fault, context);
    }
}

/// The answer of the token endpoint to a refresh.
pub fn refresh(reply: &mut Reply, fault: Fault, _context: &Context<'_>) {
    if let Fault::RefreshResponse(fault) = fault {
        token_response::refresh(reply, fault);
    }
}

/// Whether a refresh under this fault issues a new refresh token and kills the old one. The endpoint does that, because
/// it must know the new token.
#[must_use]
pub fn rotates_refresh_token(fault: Fault) -> bool {
    fault == Fault::RefreshResponse(RefreshFault::Rotated)
}

/// The answer of the userinfo endpoint.
pub fn userinfo(reply: &mut Reply, fault: Fault, context: &Context<'_>) {
    if let Fault::Userinfo(fault) = fault {
        userinfo::apply(reply, fault, context);
    }
}

/// The logout token, before it is signed.
pub fn logout_token(draft: &mut TokenDraft, fault: Fault, context: &Context<'_>) {
    if let Fault::LogoutToken(fault) = fault {
        logout_token::apply(draft, fault, context);
    }
}

/// How the logout token is carried to the relying party.
#[must_use]
pub fn logout_request(fault: Fault) -> LogoutRequest {
    match fault {
        Fault::LogoutToken(fault) => fault.request(),
        _ => LogoutRequest::Form,
    }
}

/// The answer of the end-session endpoint.
pub fn end_session(reply: &mut Reply, fault: Fault, _context: &Context<'_>) {
    if let Fault::EndSession(fault) = fault {
        front_channel::end_session(reply, fault);
    }
}

/// The discovery document.
pub fn metadata(reply: &mut Reply, fault: Fault, context: &Context<'_>) {
    if let Fault::Metadata(fault) = fault {
        server::metadata(reply, fault, context);
    }
}

/// The key set.
pub fn jwks(reply: &mut Reply, fault: Fault, context: &Context<'_>) {
    if let Fault::Jwks(fault) = fault {
        server::jwks(reply, fault, context);
    }
}

/// Whose identity faults borrow; where the scenario names nobody, somebody who exists in no organisation.
fn victim(context: &Context<'_>) -> Persona {
    context.scenario.victim.clone().unwrap_or_else(|| Persona {
        sub: "00uStrangerFromNowhere".to_owned(),
        login: "stranger@nowhere.example".to_owned(),
        email: "stranger@nowhere.example".to_owned(),
        given_name: "Stranger".to_owned(),
        family_name: "Nowhere".to_owned(),
        id_token_name: "Stranger Nowhere".to_owned(),
        userinfo_name: "Stranger of Nowhere".to_owned(),
        claims: Map::new(),
    })
}
