//! `mock-idp keys`: the keys of an authorization server as a JWK set.

use anyhow::{Context, bail};
use mock_idp::protocol::keys::KeyRing;
use serde_json::json;

use super::{args::Serve, configuration, say};

/// Prints the keys that this configuration starts with.
pub(crate) fn keys(arguments: &Serve, server: &str, private: bool) -> anyhow::Result<()> {
    let config = configuration(arguments)?;
    let settings = config.tenant.servers.iter().find(|known| known.id == server);
    if settings.is_none() && !server.is_empty() {
        bail!("there is no authorization server `{server}`")
    }
    let own = settings.and_then(|settings| settings.signing_key.as_ref());
    let ring = own.map_or_else(|| KeyRing::of(server, 0), |key| key.ring());
    let jwk = if private {
        ring.private_jwk().context("this key has no private JWK")?
    } else {
        ring.jwk()
    };
    say(&serde_json::to_string_pretty(&json!({"keys": [jwk]}))?)
}
