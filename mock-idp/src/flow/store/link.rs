//! A connection to Redis that waits no longer than it may, and that no signal breaks.
//!
//! Commands and answers are written and read by the client library. Its own connection gives up where a signal interrupts a
//! read, which happens whenever this process is paused and goes on (SIGSTOP, a debugger, a frozen container): the answer is
//! lost then, and nobody knows whether the command was carried out. Here the read goes on.

use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use redis::{Client, ConnectionAddr, ConnectionLike, ErrorKind, Parser, RedisError, RedisResult, Value};

/// How long a connection may take to come about.
pub(super) const CONNECT: Duration = Duration::from_secs(1);
/// How long an answer of Redis may take.
pub(super) const ANSWER: Duration = Duration::from_secs(2);

/// See the module.
pub(super) struct Link {
    stream: Uninterrupted,
    parser: Parser,
    database: i64,
    is_open: bool,
}

struct Uninterrupted(TcpStream);

impl Read for Uninterrupted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }
}

impl Link {
    /// Connects and, where the URL says so, signs in and chooses the database.
    ///
    /// # Errors
    /// When nobody answers in time, or Redis refuses.
    pub(super) fn open(client: &Client) -> RedisResult<Self> {
        let info = client.get_connection_info();
        let ConnectionAddr::Tcp(host, port) = info.addr() else {
            return Err((ErrorKind::InvalidClientConfig, "only redis:// is supported").into());
        };
        let stream = reached(host, *port)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER))?;
        stream.set_write_timeout(Some(ANSWER))?;
        let settings = info.redis_settings();
        let mut link = Self {
            stream: Uninterrupted(stream),
            parser: Parser::new(),
            database: settings.db(),
            is_open: true,
        };
        if let Some(password) = settings.password() {
            let mut command = redis::cmd("AUTH");
            if let Some(name) = settings.username() {
                command.arg(name);
            }
            command.arg(password).exec(&mut link)?;
        }
        if settings.db() != 0 {
            redis::cmd("SELECT").arg(settings.db()).exec(&mut link)?;
        }
        Ok(link)
    }

    /// What Redis answers, in order; only the last `wanted` are kept.
    fn converse(&mut self, commands: &[u8], skipped: usize, wanted: usize) -> RedisResult<Vec<Value>> {
        self.stream.0.write_all(commands)?;
        let mut refusal = None;
        let mut answers = Vec::with_capacity(wanted);
        for number in 0..skipped + wanted {
            match self.parser.parse_value(&mut self.stream)? {
                // The first refusal of a transaction says why; the last one only that there was one.
                Value::ServerError(error) if number < skipped => refusal = refusal.or(Some(error)),
                answer if number >= skipped => answers.push(answer),
                _ => {}
            }
        }
        match refusal {
            Some(error) => Err(error.into()),
            None => Ok(answers),
        }
    }
}

/// Why Redis did not answer as it should.
pub(super) fn reason(error: &RedisError) -> String {
    if error.is_timeout() {
        format!("no answer within {} s", ANSWER.as_secs())
    } else {
        error.to_string()
    }
}

/// A connection to the first of the host's addresses that takes it.
fn reached(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl ConnectionLike for Link {
    fn req_packed_command(&mut self, command: &[u8]) -> RedisResult<Value> {
        let answers = self.req_packed_commands(command, 0, 1)?;
        let missing = || RedisError::from((ErrorKind::Client, "no answer was read"));
        answers.into_iter().next().ok_or_else(missing)
    }

    fn req_packed_commands(&mut self, commands: &[u8], skipped: usize, wanted: usize) -> RedisResult<Vec<Value>> {
        let answers = self.converse(commands, skipped, wanted);
        // After a broken conversation nobody knows whose answer comes next.
        self.is_open &= !answers.as_ref().is_err_and(RedisError::is_io_error);
        answers
    }

    fn get_db(&self) -> i64 {
        self.database
    }

    fn check_connection(&mut self) -> bool {
        redis::cmd("PING").exec(self).is_ok()
    }

    fn is_open(&self) -> bool {
        self.is_open
    }
}
