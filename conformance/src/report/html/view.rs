//! What stands in the page, ready for the template: every text is redacted and steers nothing.

use std::collections::BTreeMap;

use askama::Template;
use mock_idp::flow::record::Event;

use super::{
    filters,
    tokens::{self, Token},
};
use crate::{
    catalog,
    evidence::{Evidence, Hop, Leg},
    explain::{self, Fixes, Line},
    remedy::Framework,
    report::{
        cause::{self, Cause},
        diagram,
        document::{Case, ProfileStatus, Run, Triple, Variant, Word},
        exchange, finding, har,
        kind::Source,
        look::steers,
        redact::redact,
        summary::{counted, last_line, listed, seconds},
    },
};

/// What pictures may take together.
const PICTURES: usize = 1024 * 1024;
/// What the markup around the evidence of a case takes, and around a row of one of its tables.
const AROUND_CASE: usize = 1_500;
const AROUND_ROW: usize = 70;
/// Pictures of one case.
const PICTURES_PER_CASE: usize = 4;

const CSS: &str = include_str!("../../../templates/report.css");
const JS: &str = include_str!("../../../templates/report.js");

/// The page.
#[derive(Template)]
#[template(path = "report.html")]
pub(super) struct Page {
    css: &'static str,
    js: &'static str,
    headline: String,
    profile: String,
    status: &'static str,
    badge_class: &'static str,
    counts: String,
    facts: Vec<(&'static str, String)>,
    words: Vec<(&'static str, usize)>,
    causes: Vec<CauseView>,
    undecided: Vec<(&'static str, String, String)>,
    rows: Vec<Row>,
    controls: Vec<(&'static str, &'static str, String)>,
    preflight: Vec<(&'static str, &'static str, String, String)>,
    notices: Vec<String>,
    stale: Vec<String>,
    aborted: String,
    partial: String,
    framework: String,
    framework_why: String,
}

struct CauseView {
    anchor: String,
    word: &'static str,
    label: String,
    headline: String,
    extent: String,
    level: String,
    clauses: Vec<(String, String)>,
    why: String,
    known: String,
    others: Vec<(String, String)>,
    cases: Vec<CaseView>,
    fix: Vec<LineView>,
    explained: Vec<SectionView>,
}

struct SectionView {
    heading: &'static str,
    lines: Vec<LineView>,
}

struct LineView {
    kind: &'static str,
    text: String,
}

struct CaseView {
    anchor: String,
    id: String,
    title: String,
    variant: String,
    is_lead: bool,
    expected: Vec<String>,
    sent: Vec<String>,
    changes: Vec<(String, String, String)>,
    observed: Vec<String>,
    log: String,
    svg: String,
    trust: Vec<String>,
    tokens: Vec<Token>,
    cookies: Vec<(String, String, String, String)>,
    har: String,
    steps: usize,
    file: String,
    elsewhere: String,
    pictures: Vec<(String, String)>,
    replay: String,
    replay_caveat: String,
}

struct Row {
    id: String,
    anchor: String,
    word: &'static str,
    level: String,
    title: String,
    reason: String,
    notes: Vec<String>,
    took: String,
}

/// What is left of the size, in bytes.
struct Room {
    /// For everything that evidence adds; pictures are among it.
    evidence: usize,
    pictures: usize,
}

/// `evidence`: bytes that evidence may take together.
pub(super) fn page(source: &Source<'_>, evidence: usize) -> Page {
    let run = source.run;
    let causes = cause::causes(run);
    let mut room = Room {
        evidence,
        pictures: PICTURES,
    };
    let status = run.run.profiles.get(&run.run.profile).copied();
    let status = status.unwrap_or(ProfileStatus::NotAssessed);
    let framework = run.target.framework.as_ref();
    let guessed = framework.and_then(|own| Framework::parse(&own.guess));
    // Leads first: they are what is read, and have the first claim on the room.
    let mut leads: Vec<CaseView> = causes
        .iter()
        .map(|cause| case_view(cause.lead.0, cause.lead.1, true, source, &mut room))
        .collect();
    let causes: Vec<CauseView> = causes
        .iter()
        .zip(leads.drain(..))
        .enumerate()
        .map(|(number, (cause, lead))| cause_view(number, cause, lead, guessed, source, &mut room))
        .collect();
    let anchors: BTreeMap<&str, &str> = causes
        .iter()
        .flat_map(|cause| &cause.cases)
        .map(|case| (case.id.as_str(), case.anchor.as_str()))
        .collect();
    let rows = run.cases.iter().map(|case| row(case, &anchors)).collect();
    Page {
        css: CSS,
        js: JS,
        headline: headline(run, causes.len()),
        profile: clean(&run.run.profile),
        status: status.words(),
        badge_class: match status {
            ProfileStatus::Met => "good",
            ProfileStatus::NotMet => "bad",
            ProfileStatus::NotAssessed => "doubt",
        },
        counts: clean(&last_line(run)).replace("   ", " · "),
        facts: facts(run),
        words: Word::ALL
            .iter()
            .map(|word| (word.as_str(), run.count(*word)))
            .filter(|(_, count)| *count > 0)
            .collect(),
        undecided: cause::undecided(run)
            .iter()
            .map(|group| (group.verdict.as_str(), clean(group.reason), listed(&group.cases, 1)))
            .collect(),
        rows,
        controls: run
            .controls
            .iter()
            .map(|control| {
                let (word, label) = if control.ok { ("pass", "ok") } else { ("fail", "FAILED") };
                let text = format!("{}: {} ({})", control.lane, control.text, seconds(control.duration_ms));
                (word, label, clean(&text))
            })
            .collect(),
        preflight: run
            .preflight
            .iter()
            .map(|check| {
                let (word, label, text) = match (check.ok, check.warning) {
                    (true, false) => ("pass", "ok", check.saw.clone()),
                    (false, false) => (
                        "fail",
                        "SETUP",
                        format!("{}; wanted {}; {}", check.saw, check.wanted, check.fix),
                    ),
                    _ => (
                        "warn",
                        "WARN",
                        format!("{}; wanted {}; {}", check.saw, check.wanted, check.fix),
                    ),
                };
                (word, label, check.id.clone(), clean(&text))
            })
            .collect(),
        notices: run.notices.iter().map(|notice| clean(notice)).collect(),
        stale: run
            .baseline
            .iter()
            .flat_map(|overlay| &overlay.stale)
            .map(|entry| clean(&format!("{} {}: {}", entry.case, entry.check, entry.why)))
            .collect(),
        aborted: run.run.aborted.as_deref().map(clean).unwrap_or_default(),
        partial: if run.run.partial && run.run.aborted.is_none() {
            format!("the run ended after {} of {} cases", run.cases.len(), run.run.selected)
        } else {
            String::new()
        },
        framework: guessed.map(|own| own.title().to_owned()).unwrap_or_default(),
        framework_why: framework.map(|own| clean(&own.why)).unwrap_or_default(),
        causes,
    }
}

fn headline(run: &Run, causes: usize) -> String {
    let new = run.count_new(Word::Fail) + run.count_new(Word::Warn);
    match (run.run.aborted.is_some(), new, causes) {
        (true, ..) => "Nothing could be judged".to_owned(),
        (_, 0, 0) if run.exit_code == 0 => "No problem was found".to_owned(),
        (_, 0, 0) => "No problem was found, but not every case could be decided".to_owned(),
        (_, 0, _) => "No new problem: what was found is in the baseline".to_owned(),
        (_, new, causes) => format!("{}, found by {}", counted(causes, "problem"), counted(new, "case")),
    }
}

fn facts(run: &Run) -> Vec<(&'static str, String)> {
    let about = &run.run;
    let mut facts = vec![
        ("App", run.target.url.clone()),
        ("Issuer", run.target.issuer.clone()),
        ("Driver", about.walked_by()),
        ("Seed", about.seed.clone()),
        ("Started", to_the_second(&about.started)),
        ("Took", seconds(about.duration_ms)),
        ("Version", format!("conformance {}", about.tool)),
        ("Run", about.id.clone()),
        ("Configuration", about.config.clone()),
    ];
    if let Some(shard) = &about.shard {
        facts.push(("Shard", shard.clone()));
    }
    if let Some(overlay) = &run.baseline {
        facts.push(("Baseline", overlay.file.clone()));
    }
    facts.iter_mut().for_each(|(_, value)| *value = clean(value));
    facts.retain(|(_, value)| !value.is_empty());
    facts
}

/// A UTC time without the part behind the point.
fn to_the_second(time: &str) -> String {
    time.split_once('.')
        .map_or_else(|| time.to_owned(), |(whole, _)| format!("{whole}Z"))
}

fn cause_view(
    number: usize,
    cause: &Cause<'_>,
    lead: CaseView,
    framework: Option<Framework>,
    source: &Source<'_>,
    room: &mut Room,
) -> CauseView {
    let case = cause.lead.0;
    let mut cases = vec![lead];
    for other in cause.cases.iter().skip(1) {
        if let Some(variant) = other.bad_variants().next() {
            cases.push(case_view(other, variant, false, source, room));
        }
    }
    let literal = catalog::all().find(|own| own.id == case.id);
    let fixes = framework.map_or(Fixes::Names, |own| Fixes::For(own, None));
    let sections = literal.map(|own| explain::page(own, &fixes)).unwrap_or_default();
    let (fix, others): (Vec<_>, Vec<_>) = sections
        .into_iter()
        .partition(|section| section.heading == "How to fix it");
    CauseView {
        anchor: format!("cause-{}", number + 1),
        word: if cause.known { "known" } else { cause.verdict.as_str() },
        label: if cause.known {
            "known".to_owned()
        } else {
            cause.verdict.as_str().to_uppercase()
        },
        headline: clean(&cause.headline),
        extent: counted(cause.cases.len(), "case"),
        level: case.broken_level().to_string(),
        clauses: case
            .clauses
            .iter()
            .map(|clause| (clean(&clause.text), link(&clause.url)))
            .collect(),
        why: clean(&case.why),
        known: case
            .known
            .as_ref()
            .map(|known| clean(&known.reason))
            .unwrap_or_default(),
        others: cases
            .iter()
            .skip(1)
            .map(|own| (own.id.clone(), own.anchor.clone()))
            .collect(),
        cases,
        fix: fix
            .into_iter()
            .flat_map(|section| section.lines)
            .map(line_view)
            .collect(),
        explained: others
            .into_iter()
            .filter(|section| section.heading != "Why it matters")
            .map(|section| SectionView {
                heading: section.heading,
                lines: section.lines.into_iter().map(line_view).collect(),
            })
            .collect(),
    }
}

fn line_view(line: Line) -> LineView {
    let (kind, text) = match line {
        Line::Text(text) => ("text", text),
        Line::Item(_, text) => ("item", text),
        Line::Title(text) => ("title", text),
        Line::Code(_, code) => ("code", code.to_owned()),
    };
    LineView {
        kind,
        text: clean(&text),
    }
}

fn case_view(case: &Case, variant: &Variant, is_lead: bool, source: &Source<'_>, room: &mut Room) -> CaseView {
    let attempt = variant.attempts.last().cloned().unwrap_or_default();
    let findings = finding::of_variant(&case.id, variant);
    let mut expected: Vec<String> = Vec::new();
    let mut observed: Vec<String> = Vec::new();
    for found in &findings {
        let (wanted, saw) = (clean(&found.expected), clean(&found.saw));
        if !expected.contains(&wanted) {
            expected.push(wanted);
        }
        if !observed.contains(&saw) {
            observed.push(saw);
        }
    }
    let sent = attempt
        .sent
        .iter()
        .map(|own| {
            let seen = if own.delivered {
                "delivered"
            } else {
                "NOT seen delivered"
            };
            match (own.changes.is_empty(), own.request()) {
                (true, _) => clean(&format!("{} ({}, {seen})", own.sent, own.id)),
                (false, Some(request)) => clean(&format!("{} in {request}, {seen}", own.id)),
                (false, None) => clean(&format!("{}, {seen}", own.id)),
            }
        })
        .chain(attempt.did.iter().map(|step| clean(step)))
        .collect();
    let value = |value: &Option<String>| value.as_deref().map_or("(absent)".to_owned(), clean);
    let changes = attempt
        .sent
        .iter()
        .flat_map(|own| &own.changes)
        .map(|change| (clean(&change.what), value(&change.before), value(&change.after)))
        .collect();
    let anchor = case.id.clone();
    let mut view = CaseView {
        id: case.id.clone(),
        title: clean(&case.title),
        variant: if case.variants.len() > 1 {
            clean(&format!("({})", variant.name))
        } else {
            String::new()
        },
        is_lead,
        expected,
        sent,
        changes,
        observed,
        log: clean(&attempt.log.join("\n")),
        svg: String::new(),
        trust: trust(&attempt.control, variant.attempts.len()),
        tokens: Vec::new(),
        cookies: Vec::new(),
        har: String::new(),
        steps: 0,
        file: format!("{}.har", case.id.replace('/', ".")),
        elsewhere: String::new(),
        pictures: Vec::new(),
        replay: clean(&case.replay),
        replay_caveat: case.replay_caveat.as_deref().map(clean).unwrap_or_default(),
        anchor,
    };
    let evidence = source.evidence(case).and_then(|evidence| {
        let own = evidence.variants.into_iter().find(|own| own.name == variant.name)?;
        own.attempts.into_iter().last()
    });
    if let Some(evidence) = evidence {
        show_evidence(&mut view, &evidence, source.run, room);
    }
    view
}

/// Why a verdict may be trusted: what worked around it, and how often it was found.
fn trust(control: &Triple, attempts: usize) -> Vec<String> {
    let walk = |what: &str, worked: &str, told: &str| match told.strip_prefix("ok") {
        Some(walk) => {
            let walk = walk.trim_start_matches(": ");
            let walk = if walk.is_empty() {
                String::new()
            } else {
                format!(" ({walk})")
            };
            Some(format!("{what} {worked}{walk}."))
        }
        None if told == "not needed" || told.is_empty() => None,
        None => Some(format!("{what}: {told}.")),
    };
    let mut sentences: Vec<String> = [
        walk("An ordinary sign-in before it", "worked", &control.before),
        walk("The same steps with the valid value", "were accepted", &control.twin),
        walk("An ordinary sign-in after it", "worked", &control.after),
        (attempts > 1).then(|| format!("{attempts} attempts came to the same result.")),
    ]
    .into_iter()
    .flatten()
    .collect();
    sentences.iter_mut().for_each(|own| *own = clean(own));
    sentences
}

/// Fills in what only the evidence knows, as far as there is room.
fn show_evidence(view: &mut CaseView, evidence: &Evidence, run: &Run, room: &mut Room) {
    let exchanges = exchange::exchanges(evidence);
    let (mut log, mut svg) = (String::new(), String::new());
    if !exchanges.is_empty() {
        log = in_script(&har::log(&exchanges, &run.run.tool).to_string());
        svg = diagram::svg(&exchanges, &view.anchor, &format!("What was exchanged in {}", view.id));
    }
    let tokens = tokens_of(evidence, run);
    let cookies = cookies(evidence);
    let rows = tokens.iter().flat_map(|token| &token.rows).chain(&cookies);
    let takes = AROUND_CASE + log.len() + svg.len() + rows.map(weight).sum::<usize>();
    if takes > room.evidence {
        view.elsewhere = format!(
            "The page is full: requests, responses, tokens and cookies of this case are in evidence/{}.json beside run.json.",
            view.id.replace('/', ".")
        );
        return;
    }
    room.evidence -= takes;
    view.steps = exchanges.len();
    (view.har, view.svg, view.tokens, view.cookies) = (log, svg, tokens, cookies);
    show_pictures(view, evidence, room);
}

fn tokens_of(evidence: &Evidence, run: &Run) -> Vec<Token> {
    let issued = evidence.records.iter().filter_map(|record| match &record.event {
        Event::TokensIssued {
            id_token: Some(token), ..
        } => Some(token),
        _ => None,
    });
    let mut tokens: Vec<Token> = issued
        .enumerate()
        .take(2)
        .filter_map(|(number, token)| {
            tokens::id_token(&format!("ID token {} as it was written", number + 1), token, run)
        })
        .collect();
    for row in tokens.iter_mut().flat_map(|token| &mut token.rows) {
        *row = (clean(&row.0), clean(&row.1), clean(&row.2), clean(&row.3));
    }
    tokens
}

/// What a row of a table takes in the page.
fn weight(row: &(String, String, String, String)) -> usize {
    // The longest that a character is written as, `&#x27;`, for those that are not written as they are.
    let cell = |text: &String| text.len() + 5 * text.matches(['<', '>', '&', '"', '\'']).count();
    AROUND_ROW + cell(&row.0) + cell(&row.1) + cell(&row.2) + cell(&row.3)
}

fn show_pictures(view: &mut CaseView, evidence: &Evidence, room: &mut Room) {
    for screen in evidence
        .screens
        .iter()
        .filter(|screen| !screen.jpeg.is_empty())
        .take(PICTURES_PER_CASE)
    {
        let is_base64 = screen
            .jpeg
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
        let takes = screen.jpeg.len() + AROUND_CASE;
        if is_base64 && takes <= room.pictures.min(room.evidence) {
            room.pictures -= takes;
            room.evidence -= takes;
            let alt = format!(
                "What the browser of the {} showed at {}",
                screen.who,
                redact(&screen.url)
            );
            view.pictures.push((clean(&alt), screen.jpeg.clone()));
        }
    }
}

/// The app's cookies of each browser: what went to the redirection endpoint, and what the browser has afterwards.
fn cookies(evidence: &Evidence) -> Vec<(String, String, String, String)> {
    let mut rows = Vec::new();
    let callback = evidence
        .hops
        .iter()
        .position(|hop| hop.leg == Leg::Callback && hop.was_sent());
    let Some(at) = callback else { return rows };
    let who = &evidence.hops[at].who;
    let before = sent_cookies(&evidence.hops[at]);
    let mut after = before.clone();
    for hop in evidence.hops[at..]
        .iter()
        .filter(|hop| &hop.who == who && is_of_app(hop.leg))
        .take(3)
    {
        for line in hop.headers("set-cookie") {
            let Some((name, value)) = line.split(';').next().and_then(|pair| pair.split_once('=')) else {
                continue;
            };
            let lower = line.to_ascii_lowercase();
            let is_gone = value.is_empty() || lower.contains("max-age=0") || lower.contains("expires=thu, 01 jan 1970");
            let attributes = line
                .split_once(';')
                .map(|(_, rest)| rest.trim().to_owned())
                .unwrap_or_default();
            after.insert(
                name.trim().to_owned(),
                if is_gone {
                    "removed".to_owned()
                } else {
                    format!("{} ({attributes})", hidden(name.trim(), value))
                },
            );
        }
    }
    let names: Vec<&String> = after.keys().collect();
    for name in names {
        let old = before.get(name).cloned().unwrap_or_else(|| "(absent)".to_owned());
        let new = after.get(name).cloned().unwrap_or_default();
        let new = if new == old { "unchanged".to_owned() } else { new };
        rows.push((clean(who), clean(name), clean(&old), clean(&new)));
    }
    rows
}

const fn is_of_app(leg: Leg) -> bool {
    matches!(leg, Leg::Callback | Leg::AfterCallback)
}

fn sent_cookies(hop: &Hop) -> BTreeMap<String, String> {
    let lines = hop
        .request
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("cookie"));
    lines
        .flat_map(|(_, value)| value.split("; "))
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), hidden(name, value)))
        .collect()
}

fn hidden(name: &str, value: &str) -> String {
    crate::report::redact::hidden(name, value)
}

fn row(case: &Case, anchors: &BTreeMap<&str, &str>) -> Row {
    Row {
        id: case.id.clone(),
        anchor: anchors
            .get(case.id.as_str())
            .map(|own| (*own).to_owned())
            .unwrap_or_default(),
        word: case.verdict.as_str(),
        level: case.level.to_string(),
        title: clean(&case.title),
        reason: case.reason.as_deref().map(clean).unwrap_or_default(),
        notes: case.notes.iter().map(|note| clean(note)).collect(),
        took: seconds(case.duration_ms),
    }
}

/// Text without what turns its order or is not shown. The template escapes markup.
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| {
            if steers(c) && c != '\n' && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// JSON that cannot end the element that it stands in.
fn in_script(json: &str) -> String {
    json.chars().fold(String::with_capacity(json.len()), |mut safe, c| {
        match c {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            c if steers(c) => safe.push_str("\\ufffd"),
            c => safe.push(c),
        }
        safe
    })
}

/// Only addresses of the web are linked.
fn link(url: &str) -> String {
    match url.starts_with("https://") {
        true => clean(url),
        false => String::from("#"),
    }
}
