//! [`FlowHandle`]: a flow that was begun, for tests.

use url::Url;

use super::{MockIdp, Visit, VisitError, WeakIdp};
use crate::flow::{
    fault::Fault,
    record::{Event, Record},
    scenario::FlowId,
};

/// A flow that was begun: visit `enter` in a browser, and its next authorization request belongs to the flow. Or let it be
/// walked here, by [`FlowHandle::sign_in`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FlowHandle {
    /// Its id, for [`MockIdp::records`].
    pub id: FlowId,
    /// GET sets a one-shot cookie and answers 204; with `?to=URL` it redirects there.
    pub enter: Url,
    idp: WeakIdp,
}

impl FlowHandle {
    pub(crate) fn new(idp: &MockIdp, id: FlowId, enter: Url) -> Self {
        Self {
            id,
            enter,
            idp: idp.weak(),
        }
    }

    /// Signs in to an application in this flow: the scenario's user, or the first one of the org where the scenario has none.
    /// See [`MockIdp::sign_in`].
    ///
    /// # Errors
    /// As [`MockIdp::sign_in`]; also when the server has stopped.
    pub async fn sign_in(&self, app: impl AsRef<str>) -> Result<Visit, VisitError> {
        let idp = self.idp.upgrade().ok_or(VisitError::Stopped)?;
        let of_scenario = idp
            .idp()
            .store
            .flow(self.id)
            .map(|flow| flow.scenario.user.login.clone())
            .filter(|login| !login.is_empty());
        let login = match of_scenario {
            Some(login) => login,
            None => idp.somebody()?,
        };
        let password = idp.password_of(&login);
        Visit::sign_in(&idp, app.as_ref(), Some((self.id, &self.enter)), &login, &password).await
    }

    /// What happened in this flow so far, in order; empty if the server has stopped.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.idp.upgrade().map(|idp| idp.records(self.id)).unwrap_or_default()
    }

    /// Whether every fault of the scenario was written into an answer that differs from the honest one. Without that a test
    /// proves nothing: the application may never have asked.
    #[must_use]
    pub fn delivered(&self) -> bool {
        let Some(idp) = self.idp.upgrade() else { return false };
        let Some(flow) = idp.idp().store.flow(self.id) else {
            return false;
        };
        let records = self.records();
        let is_delivered = |wanted: &Fault| {
            records.iter().any(|record| match &record.event {
                Event::Sent { fault, twin, bytes, .. } => fault == wanted && (fault.is_rule() || twin != bytes),
                _ => false,
            })
        };
        !flow.scenario.faults.is_empty() && flow.scenario.faults.iter().all(is_delivered)
    }
}
