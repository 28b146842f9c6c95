//! Reading pages as a browser without scripts would, and following those scripts that only submit a form.

use scraper::{ElementRef, Html, Selector};
use url::Url;

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
}

fn selector(text: &'static str) -> Selector {
    Selector::parse(text).unwrap_or_else(|_| unreachable!("a constant selector parses"))
}

/// All forms of a page, in document order.
#[must_use]
pub fn forms(html: &str, page: &Url) -> Vec<Form> {
    let document = Html::parse_document(html);
    document
        .select(&selector("form"))
        .map(|form| read_form(form, page))
        .collect()
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

/// The form that a sign-in (or sign-out) button belongs to: by what its button says, else the only one.
#[must_use]
pub fn form_saying(html: &str, page: &Url, words: &[&str]) -> Option<Form> {
    let forms = forms(html, page);
    let says = |form: &Form| {
        let text = format!("{} {}", form.label, form.action.path())
            .to_lowercase()
            .replace(['-', '_', ' '], "");
        words.iter().any(|word| text.contains(word))
    };
    let position = forms.iter().position(says).or((forms.len() == 1).then_some(0))?;
    forms.into_iter().nth(position)
}

/// What bears this text: the target of a link, or the form of a button.
#[must_use]
pub fn clickable(html: &str, page: &Url, text: &str) -> Option<Clickable> {
    let document = Html::parse_document(html);
    let said = |element: ElementRef<'_>| {
        element
            .text()
            .collect::<String>()
            .trim()
            .eq_ignore_ascii_case(text.trim())
    };
    if let Some(link) = document.select(&selector("a[href]")).find(|link| said(*link)) {
        return page.join(link.value().attr("href")?).ok().map(Clickable::Link);
    }
    let wanted = text.trim().to_lowercase();
    let form = forms(html, page)
        .into_iter()
        .find(|form| form.label.to_lowercase().contains(&wanted));
    form.map(Clickable::Button)
}

/// Something to click.
#[derive(Clone, Debug, PartialEq)]
pub enum Clickable {
    /// A link.
    Link(Url),
    /// The button of a form.
    Button(Form),
}

/// A form that a script or nothing but hidden fields says is to be sent at once (`form_post`, SAML-style pages).
#[must_use]
pub fn self_submitting(html: &str, page: &Url) -> Option<Form> {
    let lower = html.to_lowercase();
    let scripted = lower.contains(".submit()") || lower.contains("onload=");
    let forms = forms(html, page);
    let form = forms.into_iter().find(|form| form.only_hidden)?;
    (scripted && !form.fields.is_empty()).then_some(form)
}

/// Where a `<meta http-equiv=refresh>` or a script that only sets `location` leads.
#[must_use]
pub fn refresh_target(html: &str, page: &Url) -> Option<Url> {
    let document = Html::parse_document(html);
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

    fn page() -> Url {
        Url::parse("http://localhost:3000/account").unwrap()
    }

    #[test]
    fn a_form_is_found_by_what_its_button_says_and_keeps_its_hidden_fields() {
        let html = r#"<form action="/search"><input name=q><button>Search</button></form>
            <form method=post action="/logout"><input type=hidden name=csrf value="a&amp;b"><button>Sign out</button></form>"#;
        let form = form_saying(html, &page(), &["signout", "logout"]).unwrap();
        assert_eq!(form.method, "POST");
        assert_eq!(form.action.as_str(), "http://localhost:3000/logout");
        assert_eq!(form.fields, [("csrf".to_owned(), "a&b".to_owned())]);
    }

    #[test]
    fn a_self_submitting_form_is_told_from_one_for_people() {
        let auto = r#"<body onload="document.forms[0].submit()"><form method=post action="http://localhost:3000/cb">
            <input type=hidden name=code value=c><noscript><button>Go</button></noscript></form>"#;
        assert!(self_submitting(auto, &page()).is_some());
        let human = r#"<form method=post><input name=identifier><script>x.submit()</script></form>"#;
        assert!(self_submitting(human, &page()).is_none());
    }

    #[test]
    fn refreshes_and_script_redirects_lead_on() {
        let meta = r#"<meta http-equiv="Refresh" content="0; URL='/next'">"#;
        assert_eq!(refresh_target(meta, &page()).unwrap().path(), "/next");
        let script = r#"<script>window.location.replace("\/home");</script>"#;
        assert_eq!(refresh_target(script, &page()).unwrap().path(), "/home");
        assert!(refresh_target("<p>location = \"/no\"</p>", &page()).is_none());
    }
}
