//! The database: SQLite or PostgreSQL, by URL. Created and migrated at start.

use std::{borrow::Cow, time::Duration};

use sqlx::{
    AnyPool, SqlSafeStr,
    any::{AnyPoolOptions, install_default_drivers},
    migrate::{Migration, MigrationType, Migrator},
};

/// A pool of connections whose schema is up to date. Clones share it.
#[derive(Clone, Debug)]
pub struct Database {
    pub(crate) pool: AnyPool,
}

impl Database {
    /// Connects, creates what is missing, and migrates.
    ///
    /// # Errors
    /// When the URL is wrong, the database unreachable, or a migration fails.
    pub async fn open(url: &str) -> Result<Self, sqlx::Error> {
        if url.starts_with("postgres") && !cfg!(feature = "postgres") {
            let problem = "this build knows SQLite only; for PostgreSQL build with `--features postgres`";
            return Err(sqlx::Error::Configuration(problem.into()));
        }
        install_default_drivers();
        let in_memory = url.starts_with("sqlite:") && (url.contains(":memory:") || url.contains("mode=memory"));
        let mut options = AnyPoolOptions::new().acquire_timeout(Duration::from_secs(10));
        if in_memory {
            // Every connection to `:memory:` is a database of its own, which ends with it: so one connection, for good.
            options = options
                .min_connections(1)
                .max_connections(1)
                .idle_timeout(None)
                .max_lifetime(None);
        }
        let pool = options.connect(&with_create_mode(url, in_memory)).await?;
        migrations().run(&pool).await?;
        Ok(Self { pool })
    }

    /// Whether this is the first time that `what` happens. Two requests at once cannot both be first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn first_time(&self, what: &str, expires_at: i64, now: i64) -> Result<bool, sqlx::Error> {
        sqlx::query("DELETE FROM seen_once WHERE expires_at < $1")
            .bind(now)
            .execute(&self.pool)
            .await?;
        let inserted = sqlx::query("INSERT INTO seen_once (what, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(what)
            .bind(expires_at)
            .execute(&self.pool)
            .await?;
        Ok(inserted.rows_affected() == 1)
    }
}

/// The files of `migrations/`, in order. `sqlx::migrate!` would do the same, at the price of compiling sqlx twice, the
/// second time for the macro.
fn migrations() -> Migrator {
    let files = [(
        1,
        "users and sessions",
        include_str!("../migrations/0001_users_and_sessions.sql"),
    )];
    let migrations = files.map(|(version, description, sql)| {
        let sql = sql.into_sql_str();
        Migration::new(version, Cow::Borrowed(description), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(migrations.into())
}

/// A SQLite file that is not there yet is made, unless the URL says otherwise.
fn with_create_mode(url: &str, in_memory: bool) -> String {
    if !url.starts_with("sqlite:") || in_memory || url.contains("mode=") {
        return url.to_owned();
    }
    format!("{url}{}mode=rwc", if url.contains('?') { '&' } else { '?' })
}
