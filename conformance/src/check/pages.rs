//! Questions to pages, answered by parsing them as their content type says. Never by text search: a payload that comes
//! back escaped, inside JSON or as plain text does no harm.

use scraper::{ElementRef, Html, Selector};
use url::Url;

use super::{Check, facts::in_short};
use crate::{
    evidence::{Evidence, Hop},
    markup,
    outcome::Outcome::{Broken, CannotTell, Holds},
    text::holds,
};

/// Occurs in every payload, and nowhere else.
pub const MARK: &str = "cfmx";

/// The element that HTML payloads make.
pub const ELEMENT: &str = "cfmx-element";

/// What a template engine makes of `{{1337*1331}}` and its like.
const EVALUATED: &str = "1779547";

/// How much of a stranger's text makes a message of its own.
const SPOOF_LENGTH: usize = 60;

/// No payload becomes an element, an attribute, a script or a link.
pub const PAYLOAD_STAYS_TEXT: Check = Check {
    id: "payload-stays-text",
    expects: "the payload comes back as text or not at all, under the right content type",
    ask: |evidence| {
        let mut pages = evidence.app_hops().filter(|hop| hop.was_sent()).peekable();
        if pages.peek().is_none() {
            return CannotTell("the app gave no answer".to_owned());
        }
        match pages.find_map(|hop| Some((hop, injected(hop)?))) {
            Some((hop, saw)) => Broken(format!("{}: {saw}", in_short(hop))),
            None => Holds,
        }
    },
};

/// A stranger's sentence is not shown as if it were the app's.
pub const SHOWS_NO_FOREIGN_MESSAGE: Check = Check {
    id: "shows-no-foreign-message",
    expects: "no long text of the address verbatim on the page",
    ask: |evidence| {
        // The body of a redirect is not shown, and names its address, with the state in it.
        let shown = |hop: &&Hop| is_html(hop) && !matches!(hop.status(), Some(300..400));
        for hop in evidence.app_hops().filter(shown) {
            let text = visible_text(hop);
            let spoofed = sent_texts(evidence)
                .into_iter()
                .find(|sent| sent.len() >= SPOOF_LENGTH && text.contains(sent.as_str()));
            if let Some(spoofed) = spoofed {
                return Broken(format!(
                    "{} shows `{}` as if the app said it",
                    in_short(hop),
                    super::facts::shortened(&spoofed)
                ));
            }
        }
        Holds
    },
};

/// Whether an answer is, or would be taken for, HTML.
pub(crate) fn is_html(hop: &Hop) -> bool {
    match hop.header("content-type") {
        Some(kind) => {
            let kind = kind.to_ascii_lowercase();
            kind.contains("html") || kind.contains("svg") || kind.contains("application/xml")
        }
        // Without a content type browsers look at the bytes.
        None => hop.body().trim_start().starts_with('<'),
    }
}

/// Whether a page lets its reader go on: a link, a form or a button.
pub(crate) fn has_way_on(hop: &Hop) -> bool {
    if !is_html(hop) {
        return false;
    }
    let page = markup::parse_known(hop.shown());
    select(&page, "a[href], form, button, meta[http-equiv]")
        .next()
        .is_some()
}

/// Whether a page says by itself what Referer its links carry.
pub(crate) fn has_meta_referrer(hop: &Hop) -> bool {
    is_html(hop)
        && select(&markup::parse_known(hop.shown()), "meta[name=referrer i]")
            .next()
            .is_some()
}

/// A resource that a page loads from another origin.
pub(crate) fn foreign_resource(hop: &Hop, app: &Url) -> Option<String> {
    if !is_html(hop) {
        return None;
    }
    let base = Url::parse(&hop.url).ok()?;
    let page = markup::parse_known(hop.shown());
    let loads = "script[src], img[src], iframe[src], source[src], video[src], audio[src], embed[src], \
                 link[rel=stylesheet i][href], link[rel~=icon i][href], link[rel=preload i][href]";
    select(&page, loads).find_map(|element| {
        let address = element.attr("src").or_else(|| element.attr("href"))?;
        let url = base.join(address).ok()?;
        // Another port of the app's own host is nobody else's.
        (url.has_host() && url.host() != app.host()).then(|| url.origin().ascii_serialization())
    })
}

/// Where a page sends the browser by itself: `meta` refresh and plain script navigations.
pub(crate) fn navigations(hop: &Hop) -> Vec<String> {
    if !is_html(hop) {
        return Vec::new();
    }
    let page = markup::parse_known(hop.shown());
    let refreshes = select(&page, "meta[http-equiv=refresh i]").filter_map(|element| {
        let content = element.attr("content")?;
        refresh_target(content)
    });
    let scripts = select(&page, "script").flat_map(|script| script_navigations(&script.text().collect::<String>()));
    refreshes.chain(scripts).collect()
}

/// The address in `5; url=…`.
pub(crate) fn refresh_target(content: &str) -> Option<String> {
    let at = content.to_ascii_lowercase().find("url=")?;
    let address = content.get(at + 4..)?.trim();
    Some(address.trim_matches(['"', '\'']).to_owned())
}

/// String literals that a script assigns to its location.
fn script_navigations(script: &str) -> Vec<String> {
    let starts = [
        "location.href",
        "location.replace",
        "location.assign",
        "window.location",
        "document.location",
    ];
    starts
        .iter()
        .flat_map(|start| script.match_indices(start))
        .filter_map(|(at, start)| {
            let rest = script.get(at + start.len()..)?.trim_start_matches([' ', '=', '(']);
            let quote = rest
                .chars()
                .next()
                .filter(|letter| matches!(letter, '"' | '\'' | '`'))?;
            rest.get(1..)?.split(quote).next().map(str::to_owned)
        })
        .collect()
}

/// How a payload got out of its place in an answer; `None` when it did not.
fn injected(hop: &Hop) -> Option<String> {
    for name in ["location", "refresh", "link", "content-location"] {
        let dangerous = hop.headers(name).find(|value| {
            let address = refresh_target(value).unwrap_or_else(|| (*value).to_owned());
            is_script_address(&address) && value.contains(MARK)
        });
        if let Some(value) = dangerous {
            return Some(format!(
                "the header {name} leads to `{}`",
                super::facts::shortened(value)
            ));
        }
    }
    // Everything below needs the mark or what a template makes of it: most pages have neither.
    if !holds(hop.shown(), MARK) && !holds(hop.shown(), EVALUATED) || !is_html(hop) {
        return None;
    }
    let page = markup::parse_known(hop.shown());
    if select(&page, ELEMENT).next().is_some() {
        return Some("the payload became an element".to_owned());
    }
    for element in page.root_element().descendants().filter_map(ElementRef::wrap) {
        if let Some(saw) = injected_into(element) {
            return Some(saw);
        }
    }
    let text = visible_text(hop);
    text.contains(EVALUATED)
        .then(|| "a template engine evaluated the payload".to_owned())
}

/// How a payload changed one element: by an attribute, an address or a script.
fn injected_into(element: ElementRef<'_>) -> Option<String> {
    let tag = element.value().name();
    for (name, value) in element.value().attrs() {
        let lower = name.to_ascii_lowercase();
        if lower.contains(MARK) || (lower.starts_with("on") && escapes_script(value)) {
            return Some(format!("the payload became the attribute `{name}` of <{tag}>"));
        }
        let is_address = matches!(
            lower.as_str(),
            "href" | "src" | "action" | "formaction" | "data" | "xlink:href"
        );
        if is_address && is_script_address(value) && value.contains(MARK) {
            return Some(format!("<{tag} {name}> leads to `{}`", super::facts::shortened(value)));
        }
        if lower == "srcdoc" && value.contains(ELEMENT) {
            return Some(format!("the payload became the srcdoc of <{tag}>"));
        }
    }
    if tag == "script"
        && element
            .value()
            .attr("type")
            .is_none_or(|kind| kind.contains("javascript") || kind == "module")
    {
        let code: String = element.text().collect();
        if escapes_script(&code) {
            return Some("the payload became script code".to_owned());
        }
    }
    None
}

/// Whether an address runs code instead of leading somewhere.
fn is_script_address(address: &str) -> bool {
    let plain: String = address
        .chars()
        .filter(|letter| !letter.is_ascii_control() && !letter.is_whitespace())
        .collect();
    let lower = plain.to_ascii_lowercase();
    ["javascript:", "vbscript:", "data:text/html"]
        .iter()
        .any(|scheme| lower.starts_with(scheme))
}

/// Whether the mark stands in the code itself, outside of every string and comment.
fn escapes_script(code: &str) -> bool {
    let mut inside = Inside::Code;
    let mut letters = code.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let rest = &code[at..];
        match inside {
            Inside::Code if rest.starts_with(MARK) => return true,
            Inside::Code => match letter {
                '"' | '\'' | '`' => inside = Inside::Text(letter),
                '/' if rest.starts_with("//") => inside = Inside::Line,
                '/' if rest.starts_with("/*") => inside = Inside::Block,
                _ => {}
            },
            Inside::Text(_) if letter == '\\' => {
                letters.next();
            }
            // A line break ends a broken string; what follows is code again.
            Inside::Text(quote) if letter == quote || (letter == '\n' && quote != '`') => inside = Inside::Code,
            Inside::Line if letter == '\n' => inside = Inside::Code,
            Inside::Block if rest.starts_with("*/") => inside = Inside::Code,
            Inside::Text(_) | Inside::Line | Inside::Block => {}
        }
    }
    false
}

/// Where a reader of script code is.
#[derive(Clone, Copy)]
enum Inside {
    Code,
    Text(char),
    Line,
    Block,
}

/// What a reader of the page sees.
fn visible_text(hop: &Hop) -> String {
    let page = markup::parse_known(hop.shown());
    let hidden = |element: &ElementRef<'_>| matches!(element.value().name(), "script" | "style" | "template" | "head");
    page.root_element()
        .descendants()
        .filter_map(|node| {
            let text = node.value().as_text()?;
            let covered = node
                .ancestors()
                .filter_map(ElementRef::wrap)
                .any(|ancestor| hidden(&ancestor));
            (!covered).then(|| text.to_string())
        })
        .collect()
}

/// Values that edits put into requests.
fn sent_texts(evidence: &Evidence) -> Vec<String> {
    evidence
        .hops
        .iter()
        .filter(|hop| hop.unedited.is_some())
        .flat_map(|hop| [super::facts::query_of(&hop.request.target), &hop.request.body])
        .flat_map(super::facts::parameters)
        .map(|(_, value)| value)
        .collect()
}

/// Elements that fit a selector. A selector that does not parse fits nothing; a test holds them all.
fn select<'p>(page: &'p Html, selector: &str) -> impl Iterator<Item = ElementRef<'p>> {
    let parsed = Selector::parse(selector).ok();
    let all: Vec<ElementRef<'p>> = parsed.map(|parsed| page.select(&parsed).collect()).unwrap_or_default();
    all.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Answer, Leg};

    fn hop(kind: &str, body: &str) -> Hop {
        Hop {
            at: mock_idp::flow::record::Stamp(0),
            done: mock_idp::flow::record::Stamp(0),
            step: 0,
            who: "user".into(),
            flow: None,
            leg: Leg::Callback,
            url: "http://localhost:3000/callback".into(),
            request: mock_idp::flow::record::Request::default(),
            unedited: None,
            rendered: None,
            response: Answer::Http {
                status: 400,
                headers: vec![("content-type".into(), kind.into())],
                body: body.into(),
                truncated: false,
            },
        }
    }

    #[test]
    fn what_becomes_markup_is_found() {
        for body in [
            "<p>error: <cfmx-element></cfmx-element></p>",
            "<img src=x onerror=cfmx()>",
            "<a href=\"java\tscript:cfmx()\">back</a>",
            "<a href='javascript:cfmx()'>back</a>",
            "<script>var error = \"\";cfmx();//\";</script>",
            "<p>error: 1779547</p>",
        ] {
            assert!(injected(&hop("text/html", body)).is_some(), "{body}");
        }
    }

    #[test]
    fn what_stays_text_is_not() {
        for (kind, body) in [
            ("text/html", "<p>error: &lt;cfmx-element&gt;</p>"),
            (
                "text/html",
                "<input value=\"&quot;&gt;&lt;cfmx-element&gt; onerror=cfmx()\">",
            ),
            ("text/html", "<script>var error = \"\\\";cfmx();//\";</script>"),
            (
                "text/html",
                "<script type=\"application/json\">{\"error\":\"cfmx()\"}</script>",
            ),
            ("application/json", "{\"error\":\"<cfmx-element></cfmx-element>\"}"),
            ("text/plain", "<cfmx-element></cfmx-element>"),
            ("text/html", "<a href='/login?error=javascript%3Acfmx()'>again</a>"),
            ("text/html", "<p>{{1337*1331}} cfmx</p>"),
        ] {
            assert_eq!(injected(&hop(kind, body)), None, "{body}");
        }
    }

    #[test]
    fn pages_say_where_they_lead() {
        let page = hop(
            "text/html",
            "<meta http-equiv=Refresh content=\"0; URL='//evil.example/'\"><script>location.href = \"https://x.example/\"</script>",
        );
        assert_eq!(navigations(&page), ["//evil.example/", "https://x.example/"]);
        assert!(has_way_on(&hop("text/html", "<a href=/>home</a>")));
        assert!(!has_way_on(&hop("text/html", "<p>no</p>")));
        let app = Url::parse("http://localhost:3000/").unwrap();
        let foreign = hop("text/html", "<script src=https://cdn.example/x.js></script>");
        assert_eq!(foreign_resource(&foreign, &app).as_deref(), Some("https://cdn.example"));
        assert_eq!(
            foreign_resource(&hop("text/html", "<script src=/x.js></script>"), &app),
            None
        );
    }
}
