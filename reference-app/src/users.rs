//! The people who have signed in here.

use serde_json::Value;
use sqlx::Row;

use crate::{db::Database, oidc::Identity, secret::random_token};

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// This app's own name for the user; other tables refer to it.
    pub id: String,
    /// `sub`.
    pub subject: String,
    /// `email`, as last seen. Not a key, and not to be trusted unless `email_verified`.
    pub email: Option<String>,
    /// `email_verified` was the JSON value `true`.
    pub email_verified: bool,
    /// `name`, as last seen.
    pub name: Option<String>,
    /// `given_name`, as last seen.
    pub given_name: Option<String>,
    /// Switched off here; signing in again does not switch it on.
    pub disabled: bool,
}

impl User {
    /// What to call the user, whatever is known.
    #[must_use]
    pub fn display_name(&self) -> &str {
        let names = [&self.given_name, &self.name, &self.email];
        names.into_iter().find_map(Option::as_deref).unwrap_or(&self.subject)
    }

    /// The full name, or the next best.
    #[must_use]
    pub fn full_name(&self) -> &str {
        self.name.as_deref().unwrap_or_else(|| self.display_name())
    }
}

/// Finds the user by issuer and subject, or makes one, and takes over the claims of this sign-in.
///
/// # Errors
/// When the database does not answer.
pub async fn find_or_create(db: &Database, identity: &Identity, now: i64) -> Result<User, sqlx::Error> {
    let claim = |name: &str| text(identity.claims.get(name));
    let email_verified = identity.claims.get("email_verified") == Some(&Value::Bool(true));
    let row = sqlx::query(
        "INSERT INTO users (id, issuer, subject, email, email_verified, name, given_name, created_at, signed_in_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
         ON CONFLICT (issuer, subject) DO UPDATE SET
             email = excluded.email, email_verified = excluded.email_verified, name = excluded.name,
             given_name = excluded.given_name, signed_in_at = excluded.signed_in_at
         RETURNING id, subject, email, email_verified, name, given_name, disabled",
    )
    .bind(random_token())
    .bind(&identity.issuer)
    .bind(&identity.subject)
    .bind(claim("email"))
    .bind(i64::from(email_verified))
    .bind(claim("name"))
    .bind(claim("given_name"))
    .bind(now)
    .fetch_one(&db.pool)
    .await?;
    from_row(&row)
}

/// How many people have signed in here.
///
/// # Errors
/// When the database does not answer.
pub async fn count(db: &Database) -> Result<i64, sqlx::Error> {
    let row = sqlx::query("SELECT COUNT(*) AS users FROM users")
        .fetch_one(&db.pool)
        .await?;
    row.try_get("users")
}

/// Reads the columns that both queries return.
pub(crate) fn from_row(row: &sqlx::any::AnyRow) -> Result<User, sqlx::Error> {
    Ok(User {
        id: row.try_get("id")?,
        subject: row.try_get("subject")?,
        email: row.try_get("email")?,
        email_verified: row.try_get::<i64, _>("email_verified")? != 0,
        name: row.try_get("name")?,
        given_name: row.try_get("given_name")?,
        disabled: row.try_get::<i64, _>("disabled")? != 0,
    })
}

/// A claim for display: text that is not blank, cut to a length that no page suffers from. NUL is no character that
/// PostgreSQL can keep.
fn text(claim: Option<&Value>) -> Option<String> {
    let text: String = claim?.as_str()?.chars().filter(|c| *c != '\0').take(500).collect();
    Some(text).filter(|text| !text.trim().is_empty())
}
