//! What was exchanged as a sequence diagram, with the falsified step marked: as Mermaid for summaries, as SVG for pages.

use super::{
    exchange::{Actor, Exchange},
    look::steers,
};

/// Steps that are drawn; a crowd exchanges hundreds.
const DRAWN: usize = 40;
/// Geometry of the drawing, in pixels.
const LANE: usize = 270;
const MARGIN: usize = 110;
const HEAD: usize = 56;
const ROW: usize = 44;
/// Characters that fit above an arrow.
const LABEL: usize = 36;

/// A Mermaid `sequenceDiagram`.
#[must_use]
pub fn mermaid(exchanges: &[Exchange]) -> String {
    let actors = actors(exchanges);
    let mut text = "sequenceDiagram\n".to_owned();
    for (index, actor) in actors.iter().enumerate() {
        text.push_str(&format!("  participant p{index} as {}\n", name(actor)));
    }
    let place = |actor: &Actor| actors.iter().position(|own| own == actor).unwrap_or_default();
    for exchange in exchanges.iter().take(DRAWN) {
        let (from, to) = (place(&exchange.from), place(&exchange.to));
        text.push_str(&format!("  p{from}->>p{to}: {}\n", plain(&exchange.label())));
        for falsified in &exchange.falsified {
            text.push_str(&format!("  Note over p{from},p{to}: falsified: {}\n", plain(falsified)));
        }
        text.push_str(&format!("  p{to}-->>p{from}: {}\n", plain(&exchange.outcome())));
    }
    if exchanges.len() > DRAWN {
        text.push_str(&format!("  Note over p0: {} more steps\n", exchanges.len() - DRAWN));
    }
    text
}

/// An SVG. Each step links to `#{anchor}-{index}`; colours come from the page's style sheet by class.
#[must_use]
pub fn svg(exchanges: &[Exchange], anchor: &str, title: &str) -> String {
    let actors = actors(exchanges);
    let drawn = exchanges.len().min(DRAWN);
    let more = exchanges.len() - drawn;
    let width = 2 * MARGIN + LANE * actors.len().saturating_sub(1);
    let height = HEAD + ROW * (drawn + usize::from(more > 0)) + 16;
    let x = |actor: &Actor| MARGIN + LANE * actors.iter().position(|own| own == actor).unwrap_or_default();
    let mut text = format!(
        "<svg class=\"sequence\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"group\" aria-label=\"{}\">",
        escaped(title)
    );
    for actor in &actors {
        let at = x(actor);
        text.push_str(&format!(
            "<line class=\"life\" x1=\"{at}\" y1=\"{HEAD}\" x2=\"{at}\" y2=\"{}\"/><rect class=\"actor\" x=\"{}\" y=\"8\" width=\"180\" height=\"32\" rx=\"6\"/><text class=\"actor\" x=\"{at}\" y=\"29\">{}</text>",
            height - 8,
            at - 90,
            escaped(&name(actor))
        ));
    }
    for (index, exchange) in exchanges.iter().take(DRAWN).enumerate() {
        let y = HEAD + ROW * index + 24;
        let (from, to) = (x(&exchange.from), x(&exchange.to));
        let tip = if to >= from { to.saturating_sub(7) } else { to + 7 };
        let back = if to >= from { tip - 6 } else { tip + 6 };
        let is_bad = !exchange.falsified.is_empty();
        let class = if is_bad { "step falsified" } else { "step" };
        let mark = if is_bad { "✗ " } else { "" };
        let label = format!("{mark}{}. {}", index + 1, short(&exchange.label()));
        let outcome = short(&exchange.outcome());
        text.push_str(&format!(
            "<a class=\"{class}\" href=\"#{anchor}-{index}\"><title>{}</title><line x1=\"{from}\" y1=\"{y}\" x2=\"{tip}\" y2=\"{y}\"/><path d=\"M{tip} {y} L{back} {} L{back} {} Z\"/><text x=\"{}\" y=\"{}\">{}</text><text class=\"outcome\" x=\"{}\" y=\"{}\">{}</text></a>",
            escaped(&described(exchange)),
            y - 4,
            y + 4,
            (from + to) / 2,
            y - 5,
            escaped(&label),
            (from + to) / 2,
            y + 13,
            escaped(&outcome)
        ));
    }
    if more > 0 {
        let y = HEAD + ROW * drawn + 20;
        text.push_str(&format!(
            "<text class=\"more\" x=\"{}\" y=\"{y}\">{more} more steps below</text>",
            width / 2
        ));
    }
    text + "</svg>"
}

/// A step in a sentence, for those who do not see the drawing.
fn described(exchange: &Exchange) -> String {
    let falsified = match exchange.falsified.as_slice() {
        [] => String::new(),
        all => format!("; falsified: {}", all.join("; ")),
    };
    format!(
        "{} to {}: {}, answered {}{falsified}",
        name(&exchange.from),
        name(&exchange.to),
        exchange.label(),
        exchange.outcome()
    )
}

/// Everybody who takes part: browsers in the order of appearance, then the servers.
fn actors(exchanges: &[Exchange]) -> Vec<Actor> {
    let mut browsers: Vec<Actor> = Vec::new();
    let all = || {
        exchanges
            .iter()
            .take(DRAWN)
            .flat_map(|exchange| [&exchange.from, &exchange.to])
    };
    for actor in all() {
        if matches!(actor, Actor::Browser(_)) && !browsers.contains(actor) {
            browsers.push(actor.clone());
        }
    }
    for actor in [Actor::App, Actor::Server, Actor::Elsewhere] {
        if all().any(|own| *own == actor) {
            browsers.push(actor);
        }
    }
    browsers
}

/// What an actor is called.
#[must_use]
pub fn name(actor: &Actor) -> String {
    match actor {
        Actor::Browser(who) if who == "user" => "Browser".to_owned(),
        Actor::Browser(who) => format!("Browser of the {who}"),
        Actor::App => "App".to_owned(),
        Actor::Server => "Authorization server".to_owned(),
        Actor::Elsewhere => "Another origin".to_owned(),
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(LABEL) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Mermaid reads `;` and `#` as its own, and a line ends a message.
fn plain(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| match c {
            ';' => ',',
            '#' | '<' | '>' | '"' => ' ',
            c if steers(c) => ' ',
            c => c,
        })
        .take(160)
        .collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// For text and attributes of SVG and HTML.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if steers(c) => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}
