//! What becomes of claims: text that must survive, cookies and headers that must not overflow.

use super::{Check, no_flow};
use crate::{
    evidence::Leg,
    outcome::Outcome::{Broken, Holds, HoldsWith},
    script::MAIN,
};

/// Text of claims comes out as it went in, whatever alphabet it is in.
pub const TEXT_ROUND_TRIPS: Check = Check {
    id: "text-round-trips",
    expects: "names and addresses appear as the authorization server sent them",
    ask: |evidence| {
        let Some(person) = evidence.flow(MAIN).and_then(|flow| evidence.person(&flow.person)) else {
            return no_flow();
        };
        let persona = &person.persona;
        let tail = mock_idp::flow::tamper::UNICODE;
        let mut shown = false;
        for hop in evidence.app_hops().filter(|hop| !hop.shown().is_empty()) {
            let text = plain(hop.shown());
            for name in [&persona.id_token_name, &persona.userinfo_name] {
                for (at, _) in text.match_indices(name.as_str()).filter(|_| !name.is_empty()) {
                    shown = true;
                    let rest = &text[at + name.len()..];
                    if !same_text(rest, tail) {
                        let saw: String = rest.chars().take(24).collect();
                        return Broken(format!(
                            "{} shows the name followed by `{saw}`, sent was `{tail}`",
                            hop.url
                        ));
                    }
                }
            }
        }
        if shown {
            Holds
        } else {
            HoldsWith("no page shows the name, so its text could not be compared".to_owned())
        }
    },
};

/// No cookie is longer than a browser keeps (RFC 6265 §6.1: 4096 bytes of name, value and attributes).
pub const NO_OVERSIZED_COOKIE: Check = Check {
    id: "no-oversized-cookie",
    expects: "no cookie over 4096 bytes",
    ask: |evidence| {
        for hop in evidence.app_hops() {
            if let Some(cookie) = hop.headers("set-cookie").find(|cookie| cookie.len() > 4096) {
                let name = cookie.split('=').next().unwrap_or_default();
                return Broken(format!(
                    "{} sets the cookie `{name}` of {} bytes",
                    hop.url,
                    cookie.len()
                ));
            }
        }
        Holds
    },
};

/// No request of the browser is refused for the size of its header.
pub const NO_HEADER_OVERFLOW: Check = Check {
    id: "no-header-overflow",
    expects: "no 431 and no 502 for headers that are too large",
    ask: |evidence| {
        let overflow = evidence.app_hops().find(|hop| {
            matches!(hop.status(), Some(431 | 502)) || (hop.status() == Some(400) && hop.leg == Leg::Probe)
        });
        match overflow {
            Some(hop) => {
                let server = hop.header("server").unwrap_or("the app");
                Broken(format!(
                    "{server} answered {} with {}",
                    hop.url,
                    hop.status().unwrap_or_default()
                ))
            }
            None => Holds,
        }
    },
};

/// The text of a page or a JSON answer: entities and escapes resolved.
pub(crate) fn plain(body: &str) -> String {
    let trimmed = body.trim_start();
    if trimmed.starts_with(['{', '[', '"'])
        && let Ok(value) = serde_json::from_str::<serde_json::Value>(trimmed)
    {
        return strings(&value).join("\n");
    }
    let page = crate::markup::parse_known(body);
    let text: Vec<&str> = page.root_element().text().collect();
    let attributes = page
        .root_element()
        .descendants()
        .filter_map(|node| node.value().as_element());
    let values = attributes.flat_map(|element| element.attrs().map(|(_, value)| value));
    text.into_iter().chain(values).collect::<Vec<_>>().join("\n")
}

fn strings(value: &serde_json::Value) -> Vec<String> {
    match value {
        serde_json::Value::String(text) => vec![text.clone()],
        serde_json::Value::Array(items) => items.iter().flat_map(strings).collect(),
        serde_json::Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| std::iter::once(name.clone()).chain(strings(value)))
            .collect(),
        other => vec![other.to_string()],
    }
}

/// Whether `shown` begins with `sent`, white space aside: pages fold it.
fn same_text(shown: &str, sent: &str) -> bool {
    let mut shown = shown.chars().filter(|c| !c.is_whitespace());
    sent.chars()
        .filter(|c| !c.is_whitespace())
        .all(|c| shown.next() == Some(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::fixture::{Page, evidence};

    #[test]
    fn an_unbroken_name_holds_and_a_broken_one_does_not() {
        let sent = format!("Ada Userinfo{}", mock_idp::flow::tamper::UNICODE);
        let whole = evidence(&[Page::ok(&format!("<p>Hello {sent}!</p>"))]);
        assert_eq!((TEXT_ROUND_TRIPS.ask)(&whole), Holds);
        let json = evidence(&[Page::ok(&serde_json::json!({ "name": sent }).to_string())]);
        assert_eq!((TEXT_ROUND_TRIPS.ask)(&json), Holds);
        let broken = evidence(&[Page::ok("<p>Hello Ada Userinfo ????</p>")]);
        assert!(matches!((TEXT_ROUND_TRIPS.ask)(&broken), Broken(_)));
        let silent = evidence(&[Page::ok("<p>Hello</p>")]);
        assert!(matches!((TEXT_ROUND_TRIPS.ask)(&silent), HoldsWith(_)));
    }

    #[test]
    fn cookies_and_headers_have_limits() {
        let small = evidence(&[Page::ok("").with("set-cookie", "sid=1")]);
        assert_eq!((NO_OVERSIZED_COOKIE.ask)(&small), Holds);
        let large = evidence(&[Page::ok("").with("set-cookie", &format!("sid={}", "a".repeat(5000)))]);
        assert!(matches!((NO_OVERSIZED_COOKIE.ask)(&large), Broken(_)));
        assert_eq!((NO_HEADER_OVERFLOW.ask)(&small), Holds);
        let overflow = evidence(&[Page::status(431)]);
        assert!(matches!((NO_HEADER_OVERFLOW.ask)(&overflow), Broken(_)));
    }
}
