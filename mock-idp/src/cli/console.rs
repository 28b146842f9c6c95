//! What the terminal shows while the server runs: one line for each request, and the near miss of each refusal; and the
//! journal, which holds everything.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    fs::File,
    io::{BufWriter, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use anstyle::{AnsiColor, Style};
use anyhow::Context;
use mock_idp::{
    display::{in_json, printable},
    flow::{
        near_miss::NearMiss,
        record::{Endpoint, Event, Record, Request},
        scenario::FlowId,
    },
};
use tokio::sync::{
    broadcast::{Receiver, error::RecvError},
    oneshot,
};

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Volume {
    /// Nothing but mistakes.
    Quiet,
    /// A line for each request.
    Normal,
    /// Beside each line what was sent and where it led.
    Verbose,
}

/// A file with one record a line (NDJSON).
pub(crate) struct Journal {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Journal {
    /// Opens the file, at its end if it exists.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::options()
            .append(true)
            .create(true)
            .open(path)
            .with_context(|| format!("cannot write the journal to {}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::new(file),
        })
    }

    fn write(&mut self, line: &str) -> std::io::Result<()> {
        self.file.write_all(line.as_bytes())?;
        self.file.write_all(b"\n")
    }
}

/// Follows the records until told to stop, and then writes what is left of them.
pub(crate) async fn follow(
    mut records: Receiver<Arc<Record>>,
    volume: Volume,
    mut journal: Option<Journal>,
    mut stop: oneshot::Receiver<()>,
) {
    let mut console = Console::new(volume);
    let mut is_stopping = false;
    loop {
        let next = match records.try_recv() {
            Ok(record) => Ok(record),
            Err(tokio::sync::broadcast::error::TryRecvError::Lagged(count)) => Err(RecvError::Lagged(count)),
            Err(_) => {
                flush(&mut journal);
                if is_stopping {
                    return;
                }
                tokio::select! {
                    next = records.recv() => next,
                    _ = &mut stop => { is_stopping = true; continue }
                }
            }
        };
        match next {
            Ok(record) => {
                if let Ok(line) = serde_json::to_string(&*record).map(|line| in_json(&line)) {
                    append(&mut journal, &line);
                }
                if let Some(text) = console.text(&record) {
                    show(&text);
                }
            }
            Err(RecvError::Lagged(count)) => {
                append(&mut journal, &format!("{{\"event\":\"lost\",\"records\":{count}}}"));
                show(&format!("{count} records came too quickly to be shown\n"));
            }
            Err(RecvError::Closed) => return flush(&mut journal),
        }
    }
}

/// Writes a line; a journal that cannot be written is told of once and given up.
fn append(journal: &mut Option<Journal>, line: &str) {
    let Some(open) = journal else { return };
    if let Err(error) = open.write(line) {
        show(&format!("the journal ends here: {}: {error}\n", open.path.display()));
        *journal = None;
    }
}

fn flush(journal: &mut Option<Journal>) {
    let Some(open) = journal else { return };
    if let Err(error) = open.file.flush() {
        show(&format!("the journal ends here: {}: {error}\n", open.path.display()));
        *journal = None;
    }
}

fn show(text: &str) {
    // Nobody is left to be told that stderr is closed.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Whether stderr is a terminal that wants colour, or somebody insists (no-color.org, CLICOLOR_FORCE, FORCE_COLOR).
fn wants_colour() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    let is_terminal = std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    set("FORCE_COLOR") || set("CLICOLOR_FORCE") || (is_terminal && !set("NO_COLOR"))
}

/// A request that is not answered yet.
struct Open {
    flow: Option<FlowId>,
    endpoint: Endpoint,
    request: Request,
    client: String,
    outcome: Vec<String>,
    refusal: Option<(String, String)>,
    near_miss: Option<NearMiss>,
}

/// Turns records into text.
struct Console {
    volume: Volume,
    colour: bool,
    open: BTreeMap<u64, Open>,
    /// What is known of a flow: its client, and who signed in.
    flows: HashMap<FlowId, (String, String)>,
}

/// More flows are not remembered at once; a line then lacks the client that only its flow knew.
const FLOWS: usize = 2_000;
/// The same for requests that are never answered.
const OPEN: usize = 2_000;

const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const WRONG_ON_PURPOSE: Style = AnsiColor::Magenta.on_default();

impl Console {
    fn new(volume: Volume) -> Self {
        Self {
            volume,
            colour: wants_colour(),
            open: BTreeMap::new(),
            flows: HashMap::new(),
        }
    }

    /// The lines that are complete with this record.
    fn text(&mut self, record: &Record) -> Option<String> {
        if self.volume == Volume::Quiet {
            return None;
        }
        match &record.event {
            Event::Received {
                exchange,
                endpoint,
                request,
            } => {
                if self.open.len() == OPEN {
                    self.open.pop_first();
                }
                let open = Open {
                    flow: record.flow,
                    endpoint: *endpoint,
                    client: self.client(record.flow, request),
                    request: request.clone(),
                    outcome: Vec::new(),
                    refusal: None,
                    near_miss: None,
                };
                self.open.insert(*exchange, open);
                None
            }
            Event::Answered {
                exchange,
                status,
                headers,
                body,
                ..
            } => {
                let mut open = self.open.remove(exchange)?;
                if *status >= 400 && open.refusal.is_none() {
                    open.refusal = summary(body);
                }
                let location = headers.iter().find(|(name, _)| name == "location");
                Some(self.line(record, &open, *status, location.map(|(_, value)| value.as_ref())))
            }
            Event::NearMiss { exchange, near_miss } => {
                if let Some(open) = self.open.get_mut(exchange) {
                    open.near_miss = Some(near_miss.clone());
                }
                None
            }
            Event::Refused { error, text, .. } => {
                let open = self.latest(record.flow)?;
                open.refusal = Some((error.clone(), text.clone()));
                None
            }
            Event::WouldRefuse { text, .. } => {
                self.latest(record.flow)?
                    .outcome
                    .push(format!("accepted although: {text}"));
                None
            }
            Event::SignedIn { login, sso } => {
                if let Some(flow) = record.flow {
                    self.flows.entry(flow).or_default().1.clone_from(login);
                }
                let how = if *sso { " by an existing session" } else { "" };
                self.latest(record.flow)?
                    .outcome
                    .push(format!("{login} signed in{how}"));
                None
            }
            Event::CodeIssued { .. } => {
                self.latest(record.flow)?.outcome.push("code".to_owned());
                None
            }
            Event::TokensIssued {
                id_token,
                refresh_token,
                ..
            } => {
                let login = record
                    .flow
                    .and_then(|flow| self.flows.get(&flow))
                    .map(|(_, login)| login.clone());
                let mut kinds = vec!["access"];
                kinds.extend(id_token.is_some().then_some("ID"));
                kinds.extend(refresh_token.is_some().then_some("refresh"));
                let whose = login
                    .filter(|login| !login.is_empty())
                    .map(|login| format!(" of {login}"));
                let outcome = format!("{} token{}", kinds.join(", "), whose.unwrap_or_default());
                self.latest(record.flow)?.outcome.push(outcome);
                None
            }
            Event::Sent { fault, .. } => {
                let told = self.painted(WRONG_ON_PURPOSE, &format!("fault {fault}"));
                match self.latest(record.flow) {
                    Some(open) => {
                        open.outcome.push(told);
                        None
                    }
                    None => Some(format!("{}  {told}\n", clock(record.at.0))),
                }
            }
            Event::LogoutTokenPosted {
                url, status, problem, ..
            } => {
                let answer = match (status, problem) {
                    (Some(status), _) => status.to_string(),
                    (None, problem) => problem.clone().unwrap_or_else(|| "no answer".to_owned()),
                };
                let flow = record.flow.map(|flow| flow.to_string()).unwrap_or_default();
                Some(format!(
                    "{}  {flow:10} POST {}  {}  logout token\n",
                    clock(record.at.0),
                    printable(url),
                    printable(&answer)
                ))
            }
            _ => None,
        }
    }

    fn painted(&self, style: Style, text: &str) -> String {
        if self.colour {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    /// The request of this flow that came last and is not answered.
    fn latest(&mut self, flow: Option<FlowId>) -> Option<&mut Open> {
        self.open.values_mut().rev().find(|open| open.flow == flow)
    }

    /// Who asks: as the request says, or as the flow knows.
    fn client(&mut self, flow: Option<FlowId>, request: &Request) -> String {
        let said = request.client_id();
        let Some(flow) = flow else {
            return said.unwrap_or_default();
        };
        if self.flows.len() >= FLOWS && !self.flows.contains_key(&flow) {
            self.flows.clear();
        }
        let known = self.flows.entry(flow).or_default();
        if let Some(said) = said {
            known.0 = said;
        }
        known.0.clone()
    }

    fn line(&self, record: &Record, open: &Open, status: u16, location: Option<&str>) -> String {
        let path = open.request.target.split('?').next().unwrap_or_default();
        let flow = open.flow.map(|flow| flow.to_string()).unwrap_or_default();
        let style = match (status, &open.refusal) {
            (400.., _) | (_, Some(_)) => BAD,
            _ => GOOD,
        };
        let outcome = match &open.refusal {
            Some((error, text)) => format!("{}  {}", printable(error), printable(text)),
            None if !open.outcome.is_empty() => open.outcome.join(", "),
            None if open.near_miss.is_some() => "nobody is signed in".to_owned(),
            None => what(open.endpoint, status, location),
        };
        let status = if status == 0 {
            "---".to_owned()
        } else {
            status.to_string()
        };
        let mut text = format!(
            "{} {:4} {} {:<16} {}  {outcome}\n",
            self.painted(DIM, &format!("{}  {flow:10}", clock(record.at.0))),
            printable(&open.request.method),
            self.painted(BOLD, &format!("{:<38}", printable(path))),
            printable(&open.client),
            self.painted(style, &status),
        );
        if self.volume == Volume::Verbose {
            for (name, value) in open.request.parameters() {
                // What somebody typed or keeps secret may be real, unlike everything else here.
                let shown = if SECRETS.contains(&name.as_str()) {
                    "…"
                } else {
                    &value
                };
                let pair = format!("{}={}", printable(&name), printable(shown));
                let _ = writeln!(text, "  {}", self.painted(DIM, &pair));
            }
            if let Some(location) = location {
                let _ = writeln!(text, "  {}", self.painted(DIM, &format!("-> {}", printable(location))));
            }
        }
        if let Some(near_miss) = &open.near_miss {
            let _ = write!(text, "{near_miss}");
        }
        text
    }
}

/// Parameters whose values are not shown.
const SECRETS: &[&str] = &[
    "client_secret",
    "password",
    "credentials.passcode",
    "answer",
    "oldPassword",
    "newPassword",
    "confirmPassword",
];

/// Code and words of an error in the management shape.
fn summary(body: &str) -> Option<(String, String)> {
    let error: serde_json::Value = serde_json::from_str(body).ok()?;
    let text = |name: &str| error.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    Some((text("errorCode")?, text("errorSummary")?))
}

/// What an answer is, where nothing else was told of it.
fn what(endpoint: Endpoint, status: u16, location: Option<&str>) -> String {
    if let Some(location) = location {
        return format!(
            "to {}",
            printable(location.split(['?', '#']).next().unwrap_or_default())
        );
    }
    let good = (200..300).contains(&status);
    let words = match endpoint {
        Endpoint::Metadata if good => "metadata",
        Endpoint::Jwks if good => "keys",
        Endpoint::Authorize | Endpoint::SignInPage if good => "page",
        Endpoint::Userinfo if good => "claims",
        Endpoint::SecondOrigin => "at the second origin",
        _ => "",
    };
    words.to_owned()
}

/// Hours, minutes and seconds of a moment in microseconds since 1970, UTC.
fn clock(micros: u64) -> String {
    let seconds = micros / 1_000_000 % 86_400;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
