//! `mock-idp check` and `mock-idp reference`.

use std::path::Path;

use mock_idp::config::{self, Strictness};

use super::say;

/// Reads the file and says what it configures.
pub(crate) fn check(file: &Path, lax: bool) -> anyhow::Result<()> {
    let strictness = if lax { Strictness::Lax } else { Strictness::Okta };
    let config = config::load(file, strictness)?;
    say(&format!("{} is fine", file.display()))?;
    let tenant = config.tenant;
    let ids = |ids: Vec<&str>| ids.join(", ");
    say(&format!(
        "  authorization servers  {}",
        ids(tenant.servers.iter().map(|server| server.id.as_str()).collect())
    ))?;
    say(&format!(
        "  clients                {}",
        ids(tenant.clients.iter().map(|client| client.id.as_str()).collect())
    ))?;
    say(&format!(
        "  users                  {}",
        ids(tenant.users.iter().map(|user| user.login.as_str()).collect())
    ))?;
    if !config.faults.is_empty() {
        let armed: Vec<&str> = config.faults.iter().map(|arming| arming.fault.id()).collect();
        say(&format!("  faults                 {}", ids(armed)))?;
    }
    config.hints.iter().try_for_each(|hint| say(&format!("  hint: {hint}")))
}

/// Prints every key of a `mock-idp.toml`.
pub(crate) fn reference(schema: bool) -> anyhow::Result<()> {
    if schema {
        return say(&serde_json::to_string_pretty(&config::schema())?);
    }
    say(config::reference().trim_end())
}
