//! Sessions: rows in the database, named by a random cookie of which only the hash is kept.

use axum::http::{HeaderMap, header};
use axum_extra::extract::cookie::{Cookie, SameSite};
use serde_json::{Map, Value};
use sqlx::Row;

use crate::{
    config::Config,
    db::Database,
    oidc::{Check, Identity},
    secret::{random_token, sha256},
    users::{self, User},
};

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Session {
    token: String,
    /// Who.
    pub user: User,
    /// The ID token, for `id_token_hint`.
    pub id_token: String,
    /// The claims at sign-in.
    pub claims: Map<String, Value>,
    /// The checks at sign-in.
    pub checks: Vec<Check>,
}

impl Session {
    /// Whether this sign-in's token named the group. Whole names are compared, one after the other; what the user's record, a
    /// cookie or a parameter says does not count, so whoever leaves the group has lost it at the next sign-in.
    #[must_use]
    pub fn is_in_group(&self, name: &str) -> bool {
        let groups = self.claims.get("groups").and_then(Value::as_array);
        groups.is_some_and(|groups| groups.iter().any(|group| group == name))
    }

    /// The token that forms of this session must send back. It belongs to the session and tells nothing about its cookie.
    #[must_use]
    pub fn csrf_token(&self) -> String {
        sha256(&format!("csrf {}", self.token))
    }
}

/// Starts a session and returns its cookie. The name is always new: one that was planted before sign-in is worth nothing
/// after it.
///
/// # Errors
/// When the database does not answer.
pub async fn start(
    db: &Database,
    config: &Config,
    user: &User,
    identity: &Identity,
    now: i64,
) -> Result<Cookie<'static>, sqlx::Error> {
    let (idle_limit, limit) = limits(config, now);
    sqlx::query("DELETE FROM sessions WHERE created_at <= $1 OR seen_at <= $2")
        .bind(limit)
        .bind(idle_limit)
        .execute(&db.pool)
        .await?;
    let token = random_token();
    sqlx::query(
        "INSERT INTO sessions (token_hash, user_id, sid, id_token, claims, checks, created_at, seen_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
    )
    .bind(sha256(&token))
    .bind(&user.id)
    .bind(identity.sid.as_deref())
    .bind(&identity.id_token)
    .bind(json(&identity.claims))
    .bind(json(&identity.checks))
    .bind(now)
    .execute(&db.pool)
    .await?;
    Ok(cookie(config, token))
}

/// Whoever this request's cookie belongs to, if the session is alive and the user not disabled.
///
/// # Errors
/// When the database does not answer.
pub async fn find(
    db: &Database,
    config: &Config,
    headers: &HeaderMap,
    now: i64,
) -> Result<Option<Session>, sqlx::Error> {
    let Some(token) = token_of(config, headers) else {
        return Ok(None);
    };
    let (idle_limit, limit) = limits(config, now);
    let row = sqlx::query(
        "SELECT u.id, u.subject, u.email, u.email_verified, u.name, u.given_name, u.disabled,
                s.id_token, s.claims, s.checks, s.seen_at
         FROM sessions s JOIN users u ON u.id = s.user_id
         WHERE s.token_hash = $1 AND s.created_at > $2 AND s.seen_at > $3 AND u.disabled = 0",
    )
    .bind(sha256(&token))
    .bind(limit)
    .bind(idle_limit)
    .fetch_optional(&db.pool)
    .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    // Once a minute is exact enough and spares a write per page. A row that is gone meanwhile stays gone.
    if now - row.try_get::<i64, _>("seen_at")? >= 60.min(seconds(config.session_idle) / 10) {
        sqlx::query("UPDATE sessions SET seen_at = $1 WHERE token_hash = $2")
            .bind(now)
            .bind(sha256(&token))
            .execute(&db.pool)
            .await?;
    }
    Ok(Some(Session {
        user: users::from_row(&row)?,
        id_token: row.try_get("id_token")?,
        claims: serde_json::from_str(row.try_get("claims")?).unwrap_or_default(),
        checks: serde_json::from_str(row.try_get("checks")?).unwrap_or_default(),
        token,
    }))
}

/// Ends the session that this request's cookie names, alive or not.
///
/// # Errors
/// When the database does not answer.
pub async fn end(db: &Database, config: &Config, headers: &HeaderMap) -> Result<(), sqlx::Error> {
    if let Some(token) = token_of(config, headers) {
        let query = sqlx::query("DELETE FROM sessions WHERE token_hash = $1").bind(sha256(&token));
        query.execute(&db.pool).await?;
    }
    Ok(())
}

/// Ends what the authorization server asks to end: the session of this `sid`, or every session of this subject. With
/// both, the session must be the subject's.
///
/// # Errors
/// When the database does not answer.
pub async fn end_for(
    db: &Database,
    issuer: &str,
    subject: Option<&str>,
    sid: Option<&str>,
) -> Result<u64, sqlx::Error> {
    let ended = sqlx::query(
        "DELETE FROM sessions WHERE ($1 = '' OR sid = $1) AND user_id IN
             (SELECT id FROM users WHERE issuer = $2 AND ($3 = '' OR subject = $3))",
    )
    .bind(sid.unwrap_or_default())
    .bind(issuer)
    .bind(subject.unwrap_or_default())
    .execute(&db.pool)
    .await?;
    Ok(ended.rows_affected())
}

/// Whether the request brought a session cookie, of a live session or not.
#[must_use]
pub fn came_along(config: &Config, headers: &HeaderMap) -> bool {
    token_of(config, headers).is_some()
}

/// The cookie that takes the session cookie away.
#[must_use]
pub fn removal(config: &Config) -> Cookie<'static> {
    let mut gone = cookie(config, String::new());
    gone.make_removal();
    gone
}

/// The cookie's name. `__Host-` makes browsers insist on `Secure`, `Path=/` and no `Domain`.
#[must_use]
pub fn cookie_name(config: &Config) -> &'static str {
    if config.is_https() {
        "__Host-reference_session"
    } else {
        "reference_session"
    }
}

fn cookie(config: &Config, token: String) -> Cookie<'static> {
    Cookie::build((cookie_name(config), token))
        .http_only(true)
        .secure(config.is_https())
        .same_site(SameSite::Lax)
        .path("/")
        .build()
}

/// The cookie's value, if it comes exactly once. Whatever it is, only its hash is looked up.
fn token_of(config: &Config, headers: &HeaderMap) -> Option<String> {
    let name = cookie_name(config);
    let lines = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok());
    let mut values = lines.flat_map(|line| line.split(';')).filter_map(|pair| {
        let (found, value) = pair.trim().split_once('=')?;
        (found == name).then_some(value)
    });
    let value = values.next()?;
    values.next().is_none().then(|| value.to_owned())
}

/// The times before which a session must not have been used last, and not have begun.
fn limits(config: &Config, now: i64) -> (i64, i64) {
    (now - seconds(config.session_idle), now - seconds(config.session_max))
}

fn seconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
