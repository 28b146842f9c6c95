//! Why somebody is not signed in.

use std::fmt::Write as _;

use super::{NearMiss, Row, rules::quoted};
use crate::{flow::fault::Fault, suggest, tenant::Tenant};

/// Why a login and a password sign nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotSignedIn {
    /// No user has this login.
    Unknown,
    /// The account is locked, suspended or not active yet.
    Inactive,
    /// The password is not the user's, or it is `wrong`.
    Password,
}

/// The near miss of a login and a password that sign nobody in; the password is not in it.
#[must_use]
pub fn not_signed_in(tenant: &Tenant, login: &str, why: NotSignedIn) -> NearMiss {
    const FEW: usize = 6;
    let known: Vec<&str> = tenant.users.iter().map(|user| user.login.as_str()).collect();
    let user = tenant.user(login);
    match why {
        NotSignedIn::Unknown => {
            let differs = match suggest::nearest(login, known.iter().copied()) {
                Some(nearest) => format!("No user has this login; the nearest is `{nearest}`."),
                None => "No user has this login.".to_owned(),
            };
            let more = known.len().saturating_sub(FEW);
            let mut shown = format!(
                "registered: {}",
                known.iter().take(FEW).copied().collect::<Vec<_>>().join(", ")
            );
            if more > 0 {
                let _ = write!(shown, " and {more} more");
            }
            NearMiss::new(
                "user-unknown",
                vec![Row::bad("identifier", Some(login), shown, differs)],
            )
            .toml(format!("[[user]]\nlogin = {}", quoted(login)))
        }
        NotSignedIn::Inactive => {
            let status = user.map(|user| serde_json::to_value(user.status).unwrap_or_default());
            let status = status
                .as_ref()
                .and_then(|status| status.as_str())
                .unwrap_or("not active");
            let differs = format!("The account is {status}.");
            let row = Row::bad("identifier", Some(login), "an account that is ACTIVE", differs);
            NearMiss::new("user-inactive", vec![row]).toml(format!(
                "# under [[user]] login = {}\nstatus = \"ACTIVE\"",
                quoted(login)
            ))
        }
        NotSignedIn::Password => {
            let (expected, differs) = match user.and_then(|user| user.password.as_ref()) {
                Some(_) => ("the user's password", "It is another one."),
                None => (
                    "any but `wrong`",
                    "The password `wrong` is always refused, so that a test can be refused.",
                ),
            };
            let mut rows = vec![Row::good("identifier", login)];
            rows.push(Row::bad("password", Some("…"), expected, differs));
            NearMiss::new("password-wrong", rows)
        }
    }
}

/// The near miss of a magic login that names no fault.
#[must_use]
pub fn unknown_fault(login: &str, id: &str) -> NearMiss {
    let nearest = suggest::nearest(id, Fault::all().map(Fault::id));
    let (registered, differs) = match nearest {
        Some(nearest) => (format!("did you mean {nearest}?"), format!("There is no fault `{id}`.")),
        None => (
            "a fault".to_owned(),
            format!("There is no fault `{id}`; `mock-idp faults` lists them."),
        ),
    };
    NearMiss::new(
        "fault-unknown",
        vec![Row::bad("identifier", Some(login), registered, differs)],
    )
}
