//! What is to be armed: a fault, and for whom.

use std::time::Duration;

use super::{
    fault::{Fault, Reach},
    record::Endpoint,
};

/// A fault that is armed when the server starts (`[[fault]]` in `mock-idp.toml`, `--fault`), and again at each reset.
///
/// ```
/// let mut arming = mock_idp::flow::Arming::new("id-token.exp-past.1h".parse()?);
/// arming.user = Some("slow@example.test".to_owned());
/// arming.times = Some(1);
/// assert_eq!(arming.objection(), None);
/// # Ok::<(), mock_idp::flow::fault::UnknownFault>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Arming {
    /// What goes wrong.
    pub fault: Fault,
    /// Only for whoever signs in with this login, ignoring case.
    pub user: Option<String>,
    /// Only for this client.
    pub client: Option<String>,
    /// Given at the flow's first request to this endpoint.
    pub endpoint: Option<Endpoint>,
    /// The authorization server, for faults that reach all its flows.
    pub server: String,
    /// How many flows get it; all, if `None`.
    pub times: Option<u32>,
    /// How long from arming; without end, if `None`.
    pub ttl: Option<Duration>,
}

impl Arming {
    /// For every flow of the authorization server `default`, without end.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            user: None,
            client: None,
            endpoint: None,
            server: "default".to_owned(),
            times: None,
            ttl: None,
        }
    }

    /// Why it cannot be armed so, in a sentence; `None` if it can.
    #[must_use]
    pub fn objection(&self) -> Option<String> {
        if self.times == Some(0) {
            return Some("`times` is at least 1".to_owned());
        }
        let is_narrow = self.user.is_some() || self.client.is_some() || self.endpoint.is_some() || self.times.is_some();
        (self.fault.reach() == Reach::Server && is_narrow).then(|| {
            format!(
                "`{}` reaches every flow of an authorization server: it takes no user, client, endpoint or `times`",
                self.fault
            )
        })
    }
}
