//! A scenario: the value that a flow carries from its first request to its last token.

use std::{fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fault::Fault;

/// Names one flow: everything between one authorization request and the last use of its tokens. Text form `f-<n>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FlowId(pub u64);

impl fmt::Display for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "f-{}", self.0)
    }
}

/// Who signs in: a user of the fake org, complete enough for every claim that Okta sends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Persona {
    /// The `00u…` user id, the `sub` of ID tokens.
    pub sub: String,
    /// The login, the `sub` of custom access tokens and `preferred_username`. Also what is typed into the hosted page.
    pub login: String,
    /// The e-mail address, the same in every source.
    pub email: String,
    /// The `given_name` claim.
    pub given_name: String,
    /// The `family_name` claim.
    pub family_name: String,
    /// The `name` claim as the ID token has it. It differs from `userinfo_name`, so that a page tells which source it read.
    pub id_token_name: String,
    /// The `name` claim as userinfo has it.
    pub userinfo_name: String,
    /// Further claims, for both sources; they replace the computed ones of the same name. A `null` takes a claim away.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub claims: Map<String, Value>,
}

/// Where a flow can be held until it is released, to force an interleaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Point {
    /// Before the token endpoint answers.
    TokenResponse,
    /// Before the userinfo endpoint answers.
    Userinfo,
}

/// A gate that the walk opens. Cloning shares the gate.
///
/// An endpoint that reaches its [`Point`] records `Event::Held`, waits until the gate is open (or the client goes away),
/// and records `Event::Released`.
#[derive(Clone, Debug)]
pub struct Barrier {
    /// Where it holds.
    pub at: Point,
    gate: Arc<tokio::sync::Semaphore>,
}

impl Barrier {
    /// A closed barrier.
    #[must_use]
    pub fn new(at: Point) -> Self {
        Self {
            at,
            gate: Arc::new(tokio::sync::Semaphore::new(0)),
        }
    }

    /// Opens it for good.
    pub fn release(&self) {
        self.gate.close();
    }

    /// Returns as soon as it is open.
    pub async fn opened(&self) {
        // `acquire` fails exactly when the gate was closed, which is how `release` opens it for everybody.
        let _ = self.gate.acquire().await;
    }
}

impl PartialEq for Barrier {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.gate, &other.gate)
    }
}

/// What a flow is to be like. Given to `MockIdp::begin`, it travels by value:
/// flow → authorization code → grant → access and refresh token → `id_token_hint`.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Who signs in.
    pub user: Persona,
    /// Whose identity faults borrow (`VictimSub` and its like).
    pub victim: Option<Persona>,
    /// The flow whose nonce, ID token or code faults borrow.
    pub earlier: Option<FlowId>,
    /// Holds an endpoint of this flow until released.
    pub barrier: Option<Barrier>,
    /// Whether an existing session of the authorization server may answer without the hosted page.
    pub sso: bool,
    /// Show the authorization response as a page with one link instead of redirecting: a browser that cannot stop at a
    /// redirect can stop there.
    pub hold_response: bool,
    /// How long `Delivery::After` faults wait, where the fault does not say.
    pub pause: Duration,
    /// What goes wrong. The faults act together.
    pub faults: Vec<Fault>,
}

impl Scenario {
    /// An honest flow for this user.
    #[must_use]
    pub fn honest(user: Persona) -> Self {
        Self {
            user,
            victim: None,
            earlier: None,
            barrier: None,
            sso: false,
            hold_response: false,
            pause: Duration::from_secs(5),
            faults: Vec::new(),
        }
    }

    /// A flow with this fault, whoever signs in.
    #[must_use]
    pub fn fault(fault: Fault) -> Self {
        Self::honest(Persona::default()).with_faults([fault])
    }

    /// The same flow with these faults.
    #[must_use]
    pub fn with_faults(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.faults.extend(faults);
        self
    }
}
