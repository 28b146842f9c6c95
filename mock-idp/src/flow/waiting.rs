//! What waits for a next step outside of the hosted page: authentications of the API, grants that somebody must approve,
//! pushed requests.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::store::{Flow, stored};
use crate::{protocol::params::Params, tenant::Subject};

/// Somebody whose password was right.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Known {
    /// The flow that he brought with him; otherwise the one that he is in stays.
    #[serde(with = "stored::maybe_flow")]
    pub(crate) flow: Option<Arc<Flow>>,
    #[serde(with = "stored::shared")]
    pub(crate) subject: Arc<Subject>,
    /// The base32 secret of the second factor that is still to be asked for.
    pub(crate) totp: Option<String>,
    /// Whether a second factor must be set up first.
    pub(crate) must_enroll: bool,
    /// In how many days the password expires, if that is to be warned of.
    pub(crate) password_expires_in: Option<u32>,
}

/// An authentication that is under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) known: Known,
    pub(crate) status: Status,
    pub(crate) password_expired: bool,
    /// The secret of a second factor that is being set up, base32.
    pub(crate) enrolling: Option<String>,
    pub(crate) relay_state: Option<String>,
    pub(crate) expires: i64,
}

/// What an authentication waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    MfaRequired,
    MfaChallenge,
    /// A second factor must be set up.
    MfaEnroll,
    /// It has its secret; its first code is awaited.
    MfaEnrollActivate,
    PasswordExpired,
    /// The password expires soon, and may be changed now.
    PasswordWarn,
}

/// What a session may be had for, once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SessionToken {
    #[serde(with = "stored::maybe_flow")]
    pub(crate) flow: Option<Arc<Flow>>,
    #[serde(with = "stored::shared")]
    pub(crate) subject: Arc<Subject>,
    pub(crate) amr: Vec<String>,
    pub(crate) expires: i64,
}

/// What is waited for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) kind: Kind,
    pub(crate) client_id: String,
    pub(crate) server: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires: i64,
    pub(crate) outcome: Outcome,
    /// When it was last asked for.
    pub(crate) polled: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Device,
    Ciba,
    OutOfBand,
    /// A password was right, a second factor is wanted.
    Factor,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Outcome {
    /// Nobody has answered. A push (`Ciba`, `OutOfBand`) is answered by the mock itself at the second poll.
    Waiting,
    /// This person said yes.
    Approved(Approval),
    /// Somebody said no.
    Denied,
}

/// Who said yes, or would.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Approval {
    #[serde(with = "stored::maybe_flow")]
    pub(crate) flow: Option<Arc<Flow>>,
    #[serde(with = "stored::shared")]
    pub(crate) subject: Arc<Subject>,
    pub(crate) amr: Vec<String>,
    /// Base32; for [`Kind::Factor`].
    pub(crate) secret: Option<String>,
}

/// A request that was pushed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pushed {
    pub(crate) client_id: String,
    pub(crate) server: String,
    pub(crate) params: Params,
    pub(crate) expires: i64,
}
