//! The failure that everybody meets first: an honest sign-in that does not work. Nothing was judged yet, so what was seen
//! is all that helps: every hop, what refused, what the app printed, one likely cause and the line that fixes it.

mod causes;

use url::Url;

pub(super) use self::causes::wanted;

use crate::{
    evidence::{Answer, Evidence, Hop, Leg},
    run::Failure,
    target::Config,
};

/// Hops of a trail; more are a loop, of which the beginning tells enough.
const HOPS: usize = 24;
/// Lines of the app's output.
const OUTPUT: usize = 12;
/// Characters of a line that is shown.
const LINE: usize = 160;

/// What there is to say of a control that failed. `output` is what the app printed while it was walked.
pub(super) fn of(evidence: &Evidence, config: &Config, output: &str) -> Failure {
    let (cause, fix) = causes::likeliest(evidence, config, output);
    Failure {
        trail: trail(evidence),
        refused: refusal(evidence),
        output: last_lines(output),
        cause,
        fix,
        evidence: Box::new(evidence.clone()),
    }
}

/// Whether the app wants an issuer with https and has none: the cause, and what fixes it.
pub(super) fn https_wanted(evidence: &Evidence, config: &Config, output: &str) -> Option<(String, String)> {
    causes::https_wanted(evidence, config, output)
}

/// Each hop of the walk up to where it went wrong, in one line.
fn trail(evidence: &Evidence) -> Vec<String> {
    let end = causes::wrong_probe(evidence).map_or(evidence.hops.len(), |probe| probe.hop + 1);
    let mut lines: Vec<String> = evidence.hops[..end].iter().map(line).collect();
    if lines.len() > HOPS {
        // The last ones are where it went wrong.
        let left_out = lines.len() - HOPS;
        lines.drain(..left_out);
        lines.insert(0, format!("… {left_out} requests before"));
    }
    lines
}

/// `user      GET  /login                              302 → http://127.0.0.1:4711/oauth2/default/v1/authorize`.
fn line(hop: &Hop) -> String {
    let url = Url::parse(&hop.url).ok();
    let path = hop.request.target.split('?').next().unwrap_or_default();
    let place = match (hop.leg, &url) {
        (Leg::Idp | Leg::EndSession | Leg::Elsewhere, Some(url)) => {
            format!("{}{path}", url.origin().ascii_serialization())
        }
        _ => path.to_owned(),
    };
    let answer = match &hop.response {
        Answer::Http { status, .. } => match hop.header("location") {
            Some(to) if (300..400).contains(status) => format!("{status} → {}", without_query(to)),
            _ => status.to_string(),
        },
        Answer::NotSent { why } => format!("not sent: {why}"),
        Answer::Broken { text, .. } => text.clone(),
    };
    let what = match hop.leg {
        Leg::Probe => "who?",
        Leg::Callback => "callback",
        _ => "",
    };
    let line = format!("{:<8} {:<4} {place}  {answer}", hop.who, hop.request.method);
    match what {
        "" => shortened(&line),
        what => shortened(&format!("{line}   ({what})")),
    }
}

fn without_query(location: &str) -> String {
    let bare = location.split(['?', '#']).next().unwrap_or(location);
    match bare.len() == location.len() {
        true => bare.to_owned(),
        false => format!("{bare}?…"),
    }
}

/// The first line of what refused: the app's error page, or the authorization server.
fn refusal(evidence: &Evidence) -> Option<String> {
    if let Some(text) = causes::refused_by_server(evidence) {
        return Some(shortened(&format!("the authorization server: {text}")));
    }
    let hop = causes::refusing_hop(evidence)?;
    let said = readable(hop.shown());
    let status = hop.status()?;
    let path = hop.request.target.split('?').next().unwrap_or_default();
    Some(shortened(&format!("{path} answered {status}: {said}")))
}

/// The first line that a person would read on a page.
pub(super) fn readable(body: &str) -> String {
    let text = crate::browser::page::text_of(body);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.next().unwrap_or("an empty page").to_owned()
}

fn last_lines(output: &str) -> Vec<String> {
    let lines: Vec<&str> = output.lines().filter(|line| !line.trim().is_empty()).collect();
    let from = lines.len().saturating_sub(OUTPUT);
    lines[from..].iter().map(|line| shortened(line)).collect()
}

fn shortened(line: &str) -> String {
    let line = line.trim_end();
    match line.char_indices().nth(LINE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}
