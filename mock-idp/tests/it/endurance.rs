//! What a careless or hostile client costs the server, measured on the process itself: memory for bodies that come byte by byte,
//! time while there are no file descriptors.
#![cfg(target_os = "linux")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// mock-idp as a process with at most this many open files.
pub(crate) struct Process {
    child: Child,
    pub(crate) port: u16,
}

impl Process {
    fn start(files: u32) -> Self {
        Self::start_with(files, &[], Stdio::null())
    }

    pub(crate) fn start_with(files: u32, arguments: &[&str], errors: Stdio) -> Self {
        let script = format!("ulimit -n {files}; exec \"$0\" --port 0 \"$@\"");
        let mut child = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_mock-idp")])
            .args(arguments)
            .current_dir(std::env::temp_dir())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut ready)
            .unwrap();
        let origin = ready.split("admin=http://127.0.0.1:").nth(1).expect("the ready line");
        let port = origin.split('/').next().unwrap().parse().unwrap();
        Self { child, port }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap()
    }

    /// Open file descriptors.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id()))
            .unwrap()
            .count()
    }

    /// Resident memory, KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// User and system time, hundredths of a second.
    fn cpu(&self) -> u64 {
        let stat = self.proc("stat");
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    pub(crate) fn is_healthy(&self) -> bool {
        let mut stream = self.connect();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
            .write_all(b"GET /_mock/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.starts_with("HTTP/1.1 200")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_body_costs_no_more_memory_than_its_bytes_however_it_comes() {
    const BYTES: usize = 40_000;
    let process = Process::start(256);
    assert!(process.is_healthy());
    let before = process.resident();
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = process.connect();
        let head = "POST /oauth2/default/v1/token HTTP/1.1\r\nhost: localhost\r\n\
                    content-type: application/x-www-form-urlencoded\r\n";
        write!(stream, "{head}content-length: {}\r\n\r\n", BYTES + 1).unwrap();
        for _ in 0..BYTES {
            stream.write_all(b"a").unwrap();
        }
        streams.push(stream);
    }
    let grown = process.resident().saturating_sub(before);
    assert!(grown < 12 * 1024, "{grown} KiB for {} bytes", 3 * BYTES);
    drop(streams);
    assert!(process.is_healthy());
}

#[test]
fn without_file_descriptors_the_server_waits_and_goes_on_afterwards() {
    let process = Process::start(48);
    assert!(process.is_healthy());
    let streams: Vec<TcpStream> = (0..100).map(|_| process.connect()).collect();
    let before = process.cpu();
    // What is measured is what it does meanwhile.
    std::thread::sleep(Duration::from_secs(1));
    let spent = process.cpu() - before;
    assert!(spent < 30, "{spent} hundredths of a second of CPU in one second");
    drop(streams);
    assert!(process.is_healthy());
}
