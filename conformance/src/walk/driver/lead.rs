//! Where a page leads by itself: redirects, refreshes, and forms that send themselves.

use std::time::Duration;

use url::Url;

use crate::{
    browser::{http::Outgoing, page::Page},
    evidence::Answer,
    markup::Unreadable,
};

/// Pages of up to this many bytes are read where they arrive.
const SMALL_PAGE: usize = 64 * 1024;

/// Whether an answer becomes the open page: a redirect does not, and on 204 a browser stays where it is (RFC 9110 §15.3.5).
pub(in crate::walk) fn opens_page(answer: &Answer) -> bool {
    matches!(answer, Answer::Http { status, .. } if !(300..400).contains(status) && *status != 204)
}

/// Reads a page, a long one beside the threads that wait for answers.
///
/// # Errors
/// A sentence that names the page and says why it cannot be read.
pub(in crate::walk) async fn read_page(html: &str, url: &Url, limit: Duration) -> Result<Page, String> {
    let read = match html.len() <= SMALL_PAGE {
        true => Page::read(html, url, limit),
        false => {
            let (html, url) = (html.to_owned(), url.clone());
            let reading = tokio::task::spawn_blocking(move || Page::read(&html, &url, limit));
            reading.await.unwrap_or(Err(Unreadable::TooLong))
        }
    };
    read.map_err(|reason| format!("the page {} cannot be read: {reason}", url.path()))
}

/// What a browser requests next after this answer; `None` where it stays.
///
/// # Errors
/// As [`read_page`].
pub(in crate::walk) async fn leads_on(
    sent: &Outgoing,
    answer: &Answer,
    limit: Duration,
) -> Result<Option<Outgoing>, String> {
    let Answer::Http {
        status, headers, body, ..
    } = answer
    else {
        return Ok(None);
    };
    let Ok(base) = Url::parse(&sent.url()) else {
        return Ok(None);
    };
    let header = |wanted: &str| {
        headers
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.as_str())
    };
    if (300..400).contains(status) {
        let target = header("location").and_then(|location| base.join(location).ok());
        return Ok(target.map(|target| redirected(sent, *status, &target)));
    }
    if let Some(value) = header("refresh") {
        return Ok(refresh_header(value, &base).map(|url| Outgoing::get(&url)));
    }
    if !header("content-type").is_some_and(|kind| kind.contains("html")) {
        return Ok(None);
    }
    let page = read_page(body, &base, limit).await?;
    Ok(match page.self_submitting() {
        Some(form) => Some(form.request()),
        None => page.refresh_target().map(Outgoing::get),
    })
}

/// 307 and 308 keep method and body (RFC 9110 §15.4.8).
fn redirected(sent: &Outgoing, status: u16, target: &Url) -> Outgoing {
    let mut next = Outgoing::get(target);
    if matches!(status, 307 | 308) {
        next.method.clone_from(&sent.method);
        next.body.clone_from(&sent.body);
        let content_type = sent.headers.iter().find(|(name, _)| name == "content-type");
        next.headers.extend(content_type.cloned());
    }
    next
}

/// Where a `Refresh` header leads: `0; url=/next` in any spelling (HTML Standard §7.4.7 takes it for the `meta` element).
fn refresh_header(value: &str, base: &Url) -> Option<Url> {
    let (_, target) = value.split_once([';', ','])?;
    let target = target.trim();
    let (name, address) = target.split_once('=')?;
    let address = match name.trim().eq_ignore_ascii_case("url") {
        true => address,
        false => target,
    };
    base.join(address.trim().trim_matches(['\'', '"'])).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_is_read_in_any_case() {
        let base = Url::parse("http://localhost:3000/signin").unwrap();
        for value in ["0;url=/next", "0; URL=/next", "0;URL='/next'", "5; Url=\"/next\" "] {
            let led = refresh_header(value, &base).map(|url| url.path().to_owned());
            assert_eq!(led.as_deref(), Some("/next"), "{value}");
        }
        assert_eq!(refresh_header("5", &base), None);
    }

    #[test]
    fn only_307_and_308_send_a_form_again() {
        let url = |path: &str| Url::parse(&format!("http://localhost:3000{path}")).unwrap();
        let sent = Outgoing::form(&url("/login"), &[("user".to_owned(), "ada".to_owned())]);
        for (status, method, body) in [
            (302, "GET", ""),
            (303, "GET", ""),
            (307, "POST", "user=ada"),
            (308, "POST", "user=ada"),
        ] {
            let next = redirected(&sent, status, &url("/next"));
            assert_eq!(
                (next.method.as_str(), next.target.as_str()),
                (method, "/next"),
                "{status}"
            );
            assert_eq!(String::from_utf8_lossy(&next.body), body, "{status}");
        }
    }
}
