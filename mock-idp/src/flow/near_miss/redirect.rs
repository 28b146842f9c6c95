//! In what two redirect URIs differ.

use url::Url;

use crate::suggest::beginning;

/// The registered URI that is most like the one that was sent.
pub(super) fn nearest<'a>(sent: &str, registered: &'a [String]) -> Option<&'a String> {
    let sent = beginning(sent);
    let likeness = |known: &str| strsim::normalized_damerau_levenshtein(sent, beginning(known));
    let scored = registered.iter().map(|known| (likeness(known), known));
    let best = scored.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.map(|(_, known)| known)
}

/// What differs, in a sentence; `None` if nothing does.
pub(super) fn difference(sent: &str, registered: &str) -> Option<String> {
    if sent == registered {
        return None;
    }
    let (Ok(ours), Ok(theirs)) = (Url::parse(sent), Url::parse(registered)) else {
        return Some("It is no absolute URI: scheme, host and path are needed.".to_owned());
    };
    let mut parts: Vec<String> = Vec::new();
    let mut advice = "";
    let mut differ = |what: &str, one: &str, other: &str| {
        if one != other {
            parts.push(what.to_owned());
        }
    };
    differ("scheme", ours.scheme(), theirs.scheme());
    differ(
        "host",
        ours.host_str().unwrap_or_default(),
        theirs.host_str().unwrap_or_default(),
    );
    differ(
        "port",
        &ours.port_or_known_default().unwrap_or_default().to_string(),
        &theirs.port_or_known_default().unwrap_or_default().to_string(),
    );
    differ("path", ours.path(), theirs.path());
    differ(
        "query",
        ours.query().unwrap_or_default(),
        theirs.query().unwrap_or_default(),
    );
    differ(
        "fragment",
        ours.fragment().unwrap_or_default(),
        theirs.fragment().unwrap_or_default(),
    );
    let is_local = |url: &Url| matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if ours.host_str() != theirs.host_str() && is_local(&ours) && is_local(&theirs) {
        advice = " localhost and 127.0.0.1 have separate cookies: pick one.";
    } else if ours.path() != theirs.path() && ours.path().trim_end_matches('/') == theirs.path().trim_end_matches('/') {
        advice = " It is a slash at the end.";
    } else if ours.path() != theirs.path() && ours.path().eq_ignore_ascii_case(theirs.path()) {
        advice = " It is upper and lower case.";
    }
    Some(match parts.as_slice() {
        [] => {
            "It is the same address written differently; redirect URIs are compared character by character.".to_owned()
        }
        [one] => format!("It differs in the {one} only.{advice}"),
        [first @ .., last] => format!("It differs in {} and {last}.{advice}", first.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn what_differs_is_named() {
        let registered = "http://localhost:3000/callback";
        for (sent, expected) in [
            (
                "http://127.0.0.1:3000/callback",
                "It differs in the host only. localhost and 127.0.0.1 have separate cookies: pick one.",
            ),
            (
                "http://localhost:3000/callback/",
                "It differs in the path only. It is a slash at the end.",
            ),
            (
                "http://localhost:3000/Callback",
                "It differs in the path only. It is upper and lower case.",
            ),
            ("https://localhost:3001/callback", "It differs in scheme and port."),
            (
                "http://LOCALHOST:3000/callback",
                "It is the same address written differently; redirect URIs are compared character by character.",
            ),
            ("/callback", "It is no absolute URI: scheme, host and path are needed."),
        ] {
            assert_eq!(difference(sent, registered).as_deref(), Some(expected), "{sent}");
        }
        assert_eq!(difference(registered, registered), None);
    }
}
