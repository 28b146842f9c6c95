//! Host names: which of them are this machine, and where the others are.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The addresses of a host. `localhost` and names below it are this machine, without asking anybody (RFC 6761 §6.3), as in
/// browsers.
///
/// # Errors
/// When the name cannot be looked up.
pub async fn look_up(host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
    if is_localhost(host) {
        return Ok(LOOPBACK.map(|address| SocketAddr::new(address, port)).to_vec());
    }
    Ok(tokio::net::lookup_host((host, port)).await?.collect())
}

/// Whether a host name is `localhost` or one below it.
#[must_use]
pub fn is_localhost(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

/// This machine, in the order in which browsers try.
pub const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
