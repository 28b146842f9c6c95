//! What both benchmarks need: people who sign in, and servers in processes of their own.

use std::{
    fmt,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use mock_idp::{Builder, Client, MockIdp};
use serde_json::Value;

const REDIRECT_URI: &str = "http://localhost:3000/callback";
const SECRET: &str = "a-secret-that-is-long-enough-for-all";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// How long a browser looks for a server that takes its connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// A server with the client that the browsers sign in to.
pub(crate) fn server() -> Builder {
    MockIdp::builder().client(Client::web("web").secret(SECRET).redirect(REDIRECT_URI))
}

pub(crate) fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only([])
        .no_proxy()
        .build()
        .unwrap()
}

/// Why a sign-in came to nothing.
pub(crate) enum Trouble {
    /// A connection broke off in the middle of a request.
    Cut,
    Wrong(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut => f.write_str("a connection broke off"),
            Self::Wrong(what) => f.write_str(what),
        }
    }
}

/// The origins of the servers, and whose turn it is.
#[derive(Debug)]
pub(crate) struct Servers {
    origins: Vec<String>,
    turn: AtomicUsize,
}

impl Servers {
    pub(crate) fn new(origins: Vec<String>) -> Arc<Self> {
        let turn = AtomicUsize::new(0);
        Arc::new(Self { origins, turn })
    }

    fn next(&self) -> &str {
        &self.origins[self.turn.fetch_add(1, Ordering::Relaxed) % self.origins.len()]
    }
}

/// A browser, and the application that people sign in to. Each request goes to the next server.
pub(crate) struct Browser {
    http: reqwest::Client,
    servers: Arc<Servers>,
}

struct Answer {
    status: u16,
    location: String,
    body: String,
}

impl Answer {
    fn wrong(&self, what: &str) -> Trouble {
        Trouble::Wrong(format!("{what}: {} {}", self.status, self.body))
    }
}

impl Browser {
    pub(crate) fn new(servers: Arc<Servers>) -> Self {
        Self { http: http(), servers }
    }

    /// Who takes no connection has not begun: the next server is asked.
    async fn ask(&self, make: impl Fn(&reqwest::Client, String) -> reqwest::RequestBuilder) -> Result<Answer, Trouble> {
        let begun = Instant::now();
        loop {
            let base = format!("{}/oauth2/default/v1", self.servers.next());
            match make(&self.http, base).send().await {
                Err(error) if error.is_connect() && begun.elapsed() < CONNECT_TIMEOUT => {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                Err(_) => return Err(Trouble::Cut),
                Ok(answer) => {
                    let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
                    return Ok(Answer {
                        status: answer.status().as_u16(),
                        location: location.unwrap_or_default().to_owned(),
                        body: answer.text().await.map_err(|_| Trouble::Cut)?,
                    });
                }
            }
        }
    }

    /// A complete sign-in of a new browser: authorization request, hosted page with its form, token request, userinfo. Whoever
    /// is signed in must be who asked for it.
    pub(crate) async fn sign_in(&self, login: &str) -> Result<(), Trouble> {
        let request = [
            ("client_id", "web"),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT_URI),
            ("scope", "openid profile email"),
            ("state", "a-state-of-some-length-0123456789"),
            ("nonce", "a-nonce-of-some-length-0123456789"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let page = self
            .ask(|http, base| http.get(format!("{base}/authorize")).query(&request))
            .await?;
        let token = between(&page.body, "name=\"stateToken\" value=\"", "\"").ok_or_else(|| page.wrong("no page"))?;
        let form = [
            ("stateToken", token),
            ("identifier", login),
            ("credentials.passcode", "any"),
        ];
        let mut back = self
            .ask(|http, base| http.post(format!("{base}/authorize")).form(&form))
            .await?;
        back.location.push('&');
        let code = between(&back.location, "code=", "&").ok_or_else(|| back.wrong("no code"))?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ];
        let answer = self
            .ask(|http, base| {
                let request = http.post(format!("{base}/token"));
                request.basic_auth("web", Some(SECRET)).form(&form)
            })
            .await?;
        let tokens: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        if tokens["id_token"].as_str().and_then(person_of).as_deref() != Some(login) {
            return Err(answer.wrong("not that person's ID token"));
        }
        let access_token = tokens["access_token"].as_str().unwrap_or_default();
        let answer = self
            .ask(|http, base| http.get(format!("{base}/userinfo")).bearer_auth(access_token))
            .await?;
        let info: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        if answer.status == 200 && info["preferred_username"] == login {
            Ok(())
        } else {
            Err(answer.wrong("not that person's userinfo"))
        }
    }
}

/// Whom an ID token names.
fn person_of(token: &str) -> Option<String> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    claims["preferred_username"].as_str().map(str::to_owned)
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(from)?;
    rest.split_once(to).map(|(found, _)| found)
}

/// This program once more, as a server. It ends when this is dropped.
pub(crate) struct Process(Child);

impl Process {
    /// Starts it with these arguments; the line that it prints once it serves.
    pub(crate) fn start(arguments: &[String]) -> (Self, String) {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut process = Self::spawn(command.args(arguments).stdout(Stdio::piped()));
        let mut line = String::new();
        BufReader::new(process.0.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(!line.is_empty(), "it does not start");
        (process, line.trim().to_owned())
    }

    pub(crate) fn spawn(command: &mut Command) -> Self {
        Self(command.spawn().expect("it is installed"))
    }

    /// Ends it at once, in the middle of whatever it does.
    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// User and system time, from fields 14 and 15 of `/proc/{pid}/stat`, in hundredths of a second.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).expect("Linux's /proc");
        let after_name = stat.rsplit_once(')').unwrap().1;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 10)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
