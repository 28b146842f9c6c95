//! A Redis of one's own for a test: it listens on a free port, keeps nothing, and ends with the test.

use std::{
    io::Write as _,
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// See the module.
pub(crate) struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    /// `None`, with a word on stderr, where no `redis-server` is installed.
    pub(crate) fn start() -> Option<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        Self::at(port)
    }

    /// On this port, which nobody else listens on.
    pub(crate) fn at(port: u16) -> Option<Self> {
        let spawned = Command::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .current_dir(std::env::temp_dir())
            .stdout(Stdio::null())
            .spawn();
        let Ok(child) = spawned else {
            let word = "skipped: no redis-server is installed (apt-get install redis-server)";
            let _ = writeln!(std::io::stderr(), "{word}");
            return None;
        };
        let redis = Self { child, port };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "redis-server does not listen"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(redis)
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Sends it a signal by its name, such as `-STOP`.
    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Ends it, with all that it had; its port.
    pub(crate) fn stop(self) -> u16 {
        self.port
    }
}

/// Sends a signal to a process.
pub(crate) fn signal(child: &Child, name: &str) {
    let done = Command::new("kill").args([name, &child.id().to_string()]).status();
    assert!(done.unwrap().success());
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
