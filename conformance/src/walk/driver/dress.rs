//! What a browser adds to a request by itself: who it is, whence the request comes, cookies.

use super::Sender;
use crate::browser::{cookie_jar::same_site, http::Outgoing};

/// Adds who the browser is and what it takes.
pub(in crate::walk) fn add_agent(outgoing: &mut Outgoing) {
    outgoing
        .headers
        .push(("user-agent".to_owned(), b"Mozilla/5.0 (conformance)".to_vec()));
    if !has(outgoing, "accept") {
        let accept = b"text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8";
        outgoing.headers.push(("accept".to_owned(), accept.to_vec()));
    }
}

/// Adds whence the request comes, where it does not say so itself.
pub(in crate::walk) fn add_whence(outgoing: &mut Outgoing, sender: Sender<'_>) {
    for (name, value) in whence(outgoing, sender) {
        if !has(outgoing, name) {
            outgoing.headers.push((name.to_owned(), value.into_bytes()));
        }
    }
}

/// Adds cookies, where there are any.
pub(in crate::walk) fn add_cookies(outgoing: &mut Outgoing, pairs: &[(String, Vec<u8>)]) {
    if !pairs.is_empty() {
        let line = pairs
            .iter()
            .map(|(name, value)| [name.as_bytes(), b"=", value].concat())
            .collect::<Vec<_>>();
        outgoing.headers.push(("cookie".to_owned(), line.join(&b"; "[..])));
    }
}

/// Whether a request has this field.
pub(in crate::walk) fn has(outgoing: &Outgoing, name: &str) -> bool {
    outgoing.headers.iter().any(|(field, _)| field == name)
}

/// The fields by which a browser tells a server whence a request comes, and by which many apps refuse what another site
/// sends: `Origin` (Fetch §3.2: with every method but GET and HEAD) and Fetch Metadata (W3C, §2).
fn whence(outgoing: &Outgoing, sender: Sender<'_>) -> Vec<(&'static str, String)> {
    let target = &outgoing.origin;
    let site = match sender.document {
        None => "none",
        Some(document) if document.origin() == target.origin() => "same-origin",
        Some(document) if same_site(document, target) => "same-site",
        Some(_) => "cross-site",
    };
    let (mode, destination) = match sender.top_level {
        true => ("navigate", "document"),
        false => ("no-cors", "image"),
    };
    let mut fields = vec![
        ("sec-fetch-site", site.to_owned()),
        ("sec-fetch-mode", mode.to_owned()),
        ("sec-fetch-dest", destination.to_owned()),
    ];
    if !matches!(outgoing.method.as_str(), "GET" | "HEAD") {
        let document = sender.document.map(|document| document.origin().ascii_serialization());
        fields.push(("origin", document.unwrap_or_else(|| "null".to_owned())));
    }
    fields
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    #[test]
    fn a_post_of_another_site_says_so_like_that_of_a_browser() {
        let url = |text| Url::parse(text).unwrap();
        let page = url("http://localhost:3000/profile");
        let post = Outgoing::form(&url("http://localhost:3000/logout"), &[]);
        let told = |outgoing: &Outgoing, document: Option<&Url>, top_level| {
            let fields = whence(outgoing, Sender { document, top_level });
            let values: Vec<String> = fields.into_iter().map(|(_, value)| value).collect();
            values.join(" ")
        };
        assert_eq!(
            told(&post, Some(&page), true),
            "same-origin navigate document http://localhost:3000"
        );
        assert_eq!(
            told(&post, Some(&url("http://127.0.0.1:9494/evil")), true),
            "cross-site navigate document http://127.0.0.1:9494"
        );
        assert_eq!(
            told(&Outgoing::get(&page), Some(&url("http://localhost:3001/")), false),
            "same-site no-cors image"
        );
        assert_eq!(told(&Outgoing::get(&page), None, true), "none navigate document");
    }
}
