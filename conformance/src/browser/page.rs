//! Reading pages as a browser without scripts would, and following those scripts that only submit a form.

use std::time::Duration;

use scraper::{ElementRef, Html, Selector};
use url::Url;

use super::http::Outgoing;
use crate::{
    markup::{self, Unreadable},
    text::holds,
};

/// A form ready to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// Where to, resolved against the page.
    pub action: Url,
    /// `GET` or `POST`.
    pub method: String,
    /// The fields with their present values, in document order. Submit buttons are left out but for the chosen one.
    pub fields: Vec<(String, String)>,
    /// Texts, ids, names and values of its buttons, for finding a form by what it says.
    pub label: String,
    /// Whether it holds nothing but hidden fields (and perhaps a button), as auto-submitting forms do.
    pub only_hidden: bool,
}

impl Form {
    /// Sets a field, or adds it.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.fields.iter_mut().find(|(field, _)| field == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Whether there is a field of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(field, _)| field == name)
    }

    /// The request that sends it.
    #[must_use]
    pub fn request(&self) -> Outgoing {
        if self.method == "POST" {
            return Outgoing::form(&self.action, &self.fields);
        }
        let mut url = self.action.clone();
        url.query_pairs_mut().clear().extend_pairs(&self.fields);
        Outgoing::get(&url)
    }
}

fn selector(text: &'static str) -> Selector {
    Selector::parse(text).unwrap_or_else(|_| unreachable!("a constant selector parses"))
}

/// What a browser without scripts finds on a page: forms, links, and where the page leads by itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// All forms, in document order.
    pub forms: Vec<Form>,
    /// Text and target of every link.
    links: Vec<(String, Url)>,
    /// Where a refresh or a script leads.
    refresh: Option<Url>,
    /// Whether a script sends a form.
    submits: bool,
}

impl Page {
    /// Reads a page that was found at this address.
    ///
    /// # Errors
    /// As [`markup::parse`].
    pub fn read(html: &str, address: &Url, limit: Duration) -> Result<Self, Unreadable> {
        let document = markup::parse(html, limit)?;
        let link = |element: ElementRef<'_>| {
            let text: String = element.text().collect();
            let target = address.join(element.value().attr("href")?).ok()?;
            Some((text.trim().to_owned(), target))
        };
        let lower = html.to_lowercase();
        Ok(Self {
            forms: document
                .select(&selector("form"))
                .map(|form| read_form(form, address))
                .collect(),
            links: document.select(&selector("a[href]")).filter_map(link).collect(),
            refresh: refresh_target(&document, address),
            submits: holds(&lower, ".submit()") || holds(&lower, "onload="),
        })
    }

    /// The form that a sign-in (or sign-out) button belongs to: by what its button says, else the only one.
    #[must_use]
    pub fn form_saying(&self, words: &[&str]) -> Option<Form> {
        let says = |form: &&Form| {
            let text = format!("{} {}", form.label, form.action.path())
                .to_lowercase()
                .replace(['-', '_', ' '], "");
            words.iter().any(|word| text.contains(word))
        };
        let only = || match self.forms.as_slice() {
            [one] => Some(one),
            _ => None,
        };
        self.forms.iter().find(says).or_else(only).cloned()
    }

    /// What bears this text: the target of a link, or the form of a button.
    #[must_use]
    pub fn clickable(&self, text: &str) -> Option<Clickable> {
        let wanted = text.trim();
        if let Some((_, target)) = self.links.iter().find(|(text, _)| text.eq_ignore_ascii_case(wanted)) {
            return Some(Clickable::Link(target.clone()));
        }
        let wanted = wanted.to_lowercase();
        let form = self
            .forms
            .iter()
            .find(|form| form.label.to_lowercase().contains(&wanted));
        form.cloned().map(Clickable::Button)
    }

    /// A form that a script or nothing but hidden fields says is to be sent at once (`form_post`, SAML-style pages).
    #[must_use]
    pub fn self_submitting(&self) -> Option<&Form> {
        let form = self.forms.iter().find(|form| form.only_hidden)?;
        (self.submits && !form.fields.is_empty()).then_some(form)
    }

    /// Where a `<meta http-equiv=refresh>` or a script that only sets `location` leads.
    #[must_use]
    pub fn refresh_target(&self) -> Option<&Url> {
        self.refresh.as_ref()
    }
}

fn read_form(form: ElementRef<'_>, page: &Url) -> Form {
    let action = form.value().attr("action").filter(|action| !action.is_empty());
    let action = action
        .and_then(|action| page.join(action).ok())
        .unwrap_or_else(|| page.clone());
    let method = form.value().attr("method").unwrap_or("get").to_ascii_uppercase();
    let mut fields = Vec::new();
    let mut label = form.value().attr("id").unwrap_or_default().to_owned();
    let mut only_hidden = true;
    for element in form.select(&selector("input, button, select, textarea")) {
        let value = element.value();
        let name = value.attr("name").unwrap_or_default();
        let kind = value
            .attr("type")
            .unwrap_or(if value.name() == "button" { "submit" } else { "text" });
        let content = match value.name() {
            "textarea" | "button" => element.text().collect::<String>(),
            "select" => selected_option(element),
            _ => String::new(),
        };
        match kind {
            "submit" | "button" | "image" => {
                for word in [
                    content.as_str(),
                    name,
                    value.attr("id").unwrap_or(""),
                    value.attr("value").unwrap_or(""),
                ] {
                    label.push(' ');
                    label.push_str(word.trim());
                }
                continue;
            }
            "hidden" => {}
            "checkbox" | "radio" if value.attr("checked").is_none() => {
                only_hidden = false;
                continue;
            }
            _ => only_hidden = false,
        }
        if !name.is_empty() && value.attr("disabled").is_none() {
            let text = value.attr("value").map_or(content, str::to_owned);
            fields.push((name.to_owned(), text));
        }
    }
    Form {
        action,
        method,
        fields,
        label,
        only_hidden,
    }
}

fn selected_option(select: ElementRef<'_>) -> String {
    let chosen = select.select(&selector("option[selected]")).next();
    let option = chosen.or_else(|| select.select(&selector("option")).next());
    let value = |option: ElementRef<'_>| {
        option
            .value()
            .attr("value")
            .map_or_else(|| option.text().collect(), str::to_owned)
    };
    option.map(value).unwrap_or_default()
}

/// How long a page may take to be read for a step or a message.
const READING: Duration = Duration::from_secs(2);

/// The page, or an empty one where it cannot be read within bounds.
fn document_of(html: &str) -> Html {
    markup::parse(html, READING).unwrap_or_else(|_| Html::new_document())
}

/// What a person presses who reads this text: a link or button that says it, else one that holds it. The name and value of
/// a button are sent with its form, as browsers do.
#[must_use]
pub fn pressable(html: &str, page: &Url, text: &str) -> Option<Clickable> {
    let document = document_of(html);
    let wanted = plain(text);
    let all: Vec<ElementRef<'_>> = document.select(&selector(PRESSABLE)).collect();
    let found = all
        .iter()
        .find(|element| plain(&says(**element)) == wanted)
        .or_else(|| all.iter().find(|element| plain(&says(**element)).contains(&wanted)))?;
    if found.value().name() == "a" {
        return page.join(found.value().attr("href")?).ok().map(Clickable::Link);
    }
    let around = found.ancestors().filter_map(ElementRef::wrap);
    let named = found.value().attr("form");
    let own = match named {
        Some(id) => document
            .select(&selector("form"))
            .find(|form| form.value().attr("id") == Some(id)),
        None => around.into_iter().find(|element| element.value().name() == "form"),
    };
    let mut form = read_form(own?, page);
    if let Some(action) = found
        .value()
        .attr("formaction")
        .and_then(|action| page.join(action).ok())
    {
        form.action = action;
    }
    if let Some(name) = found.value().attr("name").filter(|name| !name.is_empty()) {
        form.set(name, found.value().attr("value").unwrap_or_default());
    }
    Some(Clickable::Button(form))
}

/// Links and buttons.
const PRESSABLE: &str = "a[href], button, input[type=submit], input[type=button], input[type=image]";

/// What a link or button says.
fn says(element: ElementRef<'_>) -> String {
    let value = element.value();
    let inner = element.text().collect::<String>();
    let said = [
        Some(inner.as_str()),
        value.attr("value"),
        value.attr("aria-label"),
        value.attr("alt"),
    ];
    let said = said.into_iter().flatten().find(|text| !text.trim().is_empty());
    said.unwrap_or_default().trim().to_owned()
}

/// Lower case, blanks as one.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// A link of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where it leads, resolved against the page.
    pub target: Url,
    /// What it says.
    pub text: String,
}

/// All links of a page to http and https addresses, in document order.
#[must_use]
pub fn links(html: &str, page: &Url) -> Vec<Link> {
    let document = document_of(html);
    let link = |element: ElementRef<'_>| {
        let target = page.join(element.value().attr("href")?).ok()?;
        let text = says(element);
        matches!(target.scheme(), "http" | "https").then_some(Link { target, text })
    };
    document.select(&selector("a[href]")).filter_map(link).collect()
}

/// A page within the usual bounds; an empty one where it cannot be read.
#[must_use]
pub fn leniently(html: &str, page: &Url) -> Page {
    Page::read(html, page, READING).unwrap_or_default()
}

impl Page {
    /// The form that says one of these words; unlike [`Page::form_saying`] never another one.
    #[must_use]
    pub fn form_saying_exactly(&self, words: &[&str]) -> Option<&Form> {
        let says = |form: &&Form| {
            let text = format!("{} {}", form.label, form.action.path())
                .to_lowercase()
                .replace(['-', '_', ' '], "");
            words.iter().any(|word| text.contains(word))
        };
        self.forms.iter().find(says)
    }
}

/// The form with this `id`, or whose action leads to this path.
#[must_use]
pub fn form_named(html: &str, page: &Url, name: &str) -> Option<Form> {
    let document = document_of(html);
    let all: Vec<ElementRef<'_>> = document.select(&selector("form")).collect();
    let id = name.trim_start_matches('#');
    let by_id = all.iter().find(|form| form.value().attr("id") == Some(id));
    let by_action = || {
        let leads = |form: &&ElementRef<'_>| read_form(**form, page).action.path() == name;
        all.iter().find(leads)
    };
    by_id.or_else(by_action).map(|form| read_form(*form, page))
}

/// The `name` of a field that is called so: by its name, its `id`, its label or its placeholder. The text itself where the
/// page has no such field.
#[must_use]
pub fn field_called(html: &str, text: &str) -> String {
    let document = document_of(html);
    let fields: Vec<ElementRef<'_>> = document.select(&selector("input, select, textarea")).collect();
    let attribute = |wanted: &str, value: &str| {
        let fits = |field: &&ElementRef<'_>| {
            field
                .value()
                .attr(wanted)
                .is_some_and(|found| plain(found) == plain(value))
        };
        fields.iter().find(fits).copied()
    };
    let (labels, inside) = (selector("label"), selector("input, select, textarea"));
    let says_so = |label: &ElementRef<'_>| {
        let said = plain(&label.text().collect::<String>());
        said.trim_end_matches(['*', ':', ' ']) == plain(text)
    };
    let labelled = || {
        let label = document.select(&labels).find(says_so)?;
        match label.value().attr("for") {
            Some(id) => attribute("id", id),
            None => label.select(&inside).next(),
        }
    };
    let field = attribute("name", text)
        .or_else(|| attribute("id", text))
        .or_else(labelled)
        .or_else(|| attribute("placeholder", text))
        .or_else(|| attribute("aria-label", text));
    field
        .and_then(|field| field.value().attr("name"))
        .map_or_else(|| text.to_owned(), str::to_owned)
}

/// What the links and buttons of a page say, for messages: at most eight.
#[must_use]
pub fn offered(html: &str) -> Vec<String> {
    let document = document_of(html);
    let mut texts: Vec<String> = Vec::new();
    for element in document.select(&selector(PRESSABLE)) {
        let text: String = says(element).split_whitespace().collect::<Vec<_>>().join(" ");
        let text: String = text.chars().take(40).collect();
        if !text.is_empty() && !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts.truncate(8);
    texts.into_iter().map(|text| format!("`{text}`")).collect()
}

/// The text that a person reads on a page, line by line; what is no HTML is taken as it is.
#[must_use]
pub fn text_of(body: &str) -> String {
    if !body.trim_start().starts_with('<') {
        return body.to_owned();
    }
    let document = document_of(body);
    let mut text = String::new();
    for node in document.root_element().descendants() {
        let Some(words) = node.value().as_text() else { continue };
        let parent = node.parent().and_then(ElementRef::wrap);
        let is_hidden = parent.is_some_and(|element| matches!(element.value().name(), "script" | "style" | "title"));
        let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        if !is_hidden && !words.is_empty() {
            text.push_str(&words);
            text.push('\n');
        }
    }
    text
}

/// Something to click.
#[derive(Clone, Debug, PartialEq)]
pub enum Clickable {
    /// A link.
    Link(Url),
    /// The button of a form.
    Button(Form),
}

fn refresh_target(document: &Html, page: &Url) -> Option<Url> {
    for meta in document.select(&selector("meta[http-equiv]")) {
        if !meta
            .value()
            .attr("http-equiv")
            .is_some_and(|kind| kind.eq_ignore_ascii_case("refresh"))
        {
            continue;
        }
        let content = meta.value().attr("content").unwrap_or_default();
        let (delay, target) = content.split_once([';', ','])?;
        let soon = delay.trim().parse::<f64>().is_ok_and(|seconds| seconds <= 5.0);
        let target = target.trim();
        let target = target
            .get(..4)
            .filter(|word| word.eq_ignore_ascii_case("url="))
            .map_or(target, |_| &target[4..]);
        return page.join(target.trim().trim_matches(['\'', '"'])).ok().filter(|_| soon);
    }
    let inline = selector("script:not([src])");
    document
        .select(&inline)
        .find_map(|script| location_of(&script.text().collect::<String>(), page))
}

/// `location = "…"`, `location.href = '…'`, `location.replace("…")` with a literal target.
fn location_of(script: &str, page: &Url) -> Option<Url> {
    let start = script.find("location")?;
    let rest = script[start + "location".len()..].trim_start();
    let rest = rest
        .strip_prefix(".href")
        .or_else(|| rest.strip_prefix(".replace("))
        .or(Some(rest))?;
    let rest = rest
        .strip_prefix(".assign(")
        .unwrap_or(rest)
        .trim_start()
        .trim_start_matches('=')
        .trim_start();
    let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let target = rest[1..].split(quote).next()?;
    page.join(&target.replace("\\/", "/")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(html: &str) -> Page {
        let address = Url::parse("http://localhost:3000/account").unwrap();
        Page::read(html, &address, markup::TIME_LIMIT).unwrap()
    }

    #[test]
    fn a_form_is_found_by_what_its_button_says_and_keeps_its_hidden_fields() {
        let html = r#"<form action="/search"><input name=q><button>Search</button></form>
            <form method=post action="/logout"><input type=hidden name=csrf value="a&amp;b"><button>Sign out</button></form>"#;
        let form = read(html).form_saying(&["signout", "logout"]).unwrap();
        assert_eq!(form.method, "POST");
        assert_eq!(form.action.as_str(), "http://localhost:3000/logout");
        assert_eq!(form.fields, [("csrf".to_owned(), "a&b".to_owned())]);
    }

    #[test]
    fn a_self_submitting_form_is_told_from_one_for_people() {
        let auto = r#"<body onload="document.forms[0].submit()"><form method=post action="http://localhost:3000/cb">
            <input type=hidden name=code value=c><noscript><button>Go</button></noscript></form>"#;
        assert!(read(auto).self_submitting().is_some());
        let human = r#"<form method=post><input name=identifier><script>x.submit()</script></form>"#;
        assert!(read(human).self_submitting().is_none());
    }

    #[test]
    fn refreshes_and_script_redirects_lead_on() {
        let meta = r#"<meta http-equiv="Refresh" content="0; URL='/next'">"#;
        assert_eq!(read(meta).refresh_target().unwrap().path(), "/next");
        let script = r#"<script>window.location.replace("\/home");</script>"#;
        assert_eq!(read(script).refresh_target().unwrap().path(), "/home");
        assert!(read("<p>location = \"/no\"</p>").refresh_target().is_none());
    }
}
