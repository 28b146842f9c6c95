//! `mock-idp init`: a file to begin with.

use std::{fs, io::Write, path::Path};

use anyhow::Context;
use mock_idp::config;

use super::say;

const FILE: &str = r#"#:schema ./.mock-idp/schema.json
# An Okta org for development and tests. `mock-idp reference` lists every key, `mock-idp check` reads this file.

[[auth_server]]
id = "default"                                      # its issuer: http://127.0.0.1:9494/oauth2/default
audience = "api://default"

[[client]]
id = "web"
secret = "a-secret-that-is-long-enough"             # or "env:OKTA_CLIENT_SECRET"; without one a public client
redirect_uris = ["http://localhost:3000/callback"]
post_logout_redirect_uris = ["http://localhost:3000/"]

[[user]]                                            # any password is right, except `wrong`
login = "alice@example.test"
groups = ["Everyone", "admins"]
claims = { locale = "de-DE" }

[[user]]
login = "bob@example.test"
"#;

/// Writes `mock-idp.toml` and `.mock-idp/schema.json`; never over a file that is there.
pub(crate) fn init(folder: &Path) -> anyhow::Result<()> {
    let file = folder.join("mock-idp.toml");
    let mut open = fs::File::options()
        .write(true)
        .create_new(true)
        .open(&file)
        .with_context(|| format!("cannot create {}", file.display()))?;
    open.write_all(FILE.as_bytes())
        .with_context(|| format!("cannot write {}", file.display()))?;
    let schema = folder.join(".mock-idp").join("schema.json");
    fs::create_dir_all(folder.join(".mock-idp"))
        .and_then(|()| fs::write(&schema, serde_json::to_string_pretty(&config::schema())? + "\n"))
        .with_context(|| format!("cannot write {}", schema.display()))?;
    say(&format!("{}\n{}\nnext: mock-idp", file.display(), schema.display()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_file_to_begin_with_is_fine() {
        let config = mock_idp::config::parse("mock-idp.toml", super::FILE).unwrap();
        assert_eq!(config.tenant.users.len(), 2);
        assert!(config.hints.is_empty());
    }
}
