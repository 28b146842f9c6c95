//! Ports: a free one, and who holds a taken one.

use std::{
    collections::{HashSet, VecDeque},
    env,
    fs::{self, File, OpenOptions, TryLockError},
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    os::unix::fs::MetadataExt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{net::TcpStream, time::timeout};
use url::Url;

use crate::names::look_up;

/// Below the range from which systems take the local ports of outgoing connections (Linux: 32768 and up): a connection
/// of somebody else cannot take the port between this call and the app's `bind`.
const CANDIDATES: std::ops::Range<u16> = 20_000..32_000;

/// So many ports stay reserved, the last ones. A port needs its reservation only until its app listens.
const RESERVED: usize = 64;

/// A port that nobody listens on, on neither loopback address, and that no other run on this machine was given just now.
///
/// # Errors
/// When no port at all can be bound.
pub fn free_port() -> io::Result<u16> {
    for _ in 0..200 {
        let port = rand::random_range(CANDIDATES);
        if is_free(port) && reserve(port) {
            return Ok(port);
        }
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()
        .map(|address| address.port())
}

fn is_free(port: u16) -> bool {
    let v4 = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port));
    let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, port));
    // A machine without IPv6 refuses the address, not the port.
    v4.is_ok() && !matches!(v6, Err(error) if error.kind() == io::ErrorKind::AddrInUse)
}

/// Whether nobody else was given this port: two runs that start their apps on one port would both be answered by the app that
/// came first, and judge it. It is kept from others by a lock on a file of its name, which ends with this process at the latest.
fn reserve(port: u16) -> bool {
    static LOCKS: Mutex<VecDeque<File>> = Mutex::new(VecDeque::new());
    let folder = env::temp_dir().join("conformance-ports");
    let name = folder.join(port.to_string());
    let _ = fs::create_dir_all(&folder);
    // The file may be another user's, which can be locked but not written.
    let file = File::open(&name).or_else(|_| OpenOptions::new().create(true).append(true).open(&name));
    // Without a file, as on a full disk, the port is as free as it looks.
    let Ok(file) = file else { return true };
    if let Err(TryLockError::WouldBlock) = file.try_lock() {
        return false;
    }
    let mut locks = LOCKS.lock().unwrap_or_else(PoisonError::into_inner);
    locks.push_back(file);
    if locks.len() > RESERVED {
        locks.pop_front();
    }
    true
}

/// The URL's port, when somebody listens there already.
pub(super) async fn occupied(url: &Url) -> Option<u16> {
    let port = url.port_or_known_default()?;
    let host = url.host_str()?.trim_matches(['[', ']']);
    let addresses: Vec<SocketAddr> = look_up(host, port).await.ok()?;
    for address in addresses {
        if let Ok(Ok(_)) = timeout(Duration::from_secs(1), TcpStream::connect(address)).await {
            return Some(port);
        }
    }
    None
}

/// Who listens on this port: `pid 4711 (node server.js)`. `None` where the system does not tell (not Linux, or somebody
/// else's process).
#[must_use]
pub fn holder_of(port: u16) -> Option<String> {
    let sockets = listening_sockets(port);
    if sockets.is_empty() {
        return None;
    }
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        // Beside numbers there are `self` and `thread-self`.
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let Ok(descriptors) = fs::read_dir(entry.path().join("fd")) else {
            continue;
        };
        let holds = descriptors
            .flatten()
            .filter_map(|fd| fs::metadata(fd.path()).ok())
            .any(|file| sockets.contains(&file.ino()));
        if holds {
            return Some(named(pid));
        }
    }
    None
}

/// Ports on which these processes listen, where the system tells.
pub(super) fn ports_of(pids: &[u32]) -> Vec<u16> {
    let inodes: HashSet<u64> = pids
        .iter()
        .flat_map(|pid| fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten())
        .filter_map(|fd| fs::metadata(fd.path()).ok())
        .map(|file| file.ino())
        .collect();
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let mut ports: Vec<u16> = tables
        .iter()
        .flat_map(|table| table.lines().skip(1))
        .filter_map(listener)
        .filter(|(_, inode)| inodes.contains(inode))
        .map(|(port, _)| port)
        .collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// Port and inode of a line of `/proc/net/tcp*` that is about a listening socket.
fn listener(line: &str) -> Option<(u16, u64)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let local = fields.get(1)?.rsplit_once(':')?.1;
    let listens = *fields.get(3)? == "0A";
    let port = u16::from_str_radix(local, 16).ok().filter(|_| listens)?;
    Some((port, fields.get(9)?.parse().ok()?))
}

/// A process in words: `pid 4711 (node server.js)`.
pub(super) fn named(pid: u32) -> String {
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let command = String::from_utf8_lossy(&command).replace('\0', " ");
    format!("pid {pid} ({})", shorten(command.trim()))
}

/// Inodes of listening sockets on a port. Lines of `/proc/net/tcp*`: `sl local remote state tx:rx tr:when retrnsmt uid
/// timeout inode`, the port hexadecimal after the last colon of `local`, state `0A` for listening.
fn listening_sockets(port: u16) -> HashSet<u64> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    let here = lines.filter_map(listener).filter(|(found, _)| *found == port);
    here.map(|(_, inode)| inode).collect()
}

fn shorten(command: &str) -> String {
    match command.char_indices().nth(100) {
        Some((end, _)) => format!("{}…", &command[..end]),
        None => command.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_was_given_is_given_to_nobody_else() {
        let port = free_port().unwrap();
        assert!(is_free(port), "nothing listens there yet");
        assert!(!reserve(port), "another app would be started on it");
    }

    #[test]
    fn a_free_port_can_be_bound_and_is_then_not_free() {
        let port = free_port().unwrap();
        let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        assert!(!is_free(port));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_holder_of_a_port_is_named() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let holder = holder_of(listener.local_addr().unwrap().port()).unwrap();
        assert!(holder.contains(&format!("pid {}", std::process::id())), "{holder}");
    }
}
