//! Applies edits to a request that is about to be sent. Parameters that no edit touches stay byte for byte as they were.

use form_urlencoded::byte_serialize;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::{
    browser::http::{Outgoing, target_of},
    edit::{Change, Edit, Initiator, Text},
};

/// What edits decide beside the bytes of the request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manner {
    /// Send no cookies.
    pub no_cookies: bool,
    /// What started the request, when an edit says so.
    pub initiator: Option<Initiator>,
}

/// Where the parameters of a request stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    /// In the query, and the fields of a form in its body.
    Query,
    /// All in the form: an authorization response by form post.
    Form,
}

/// Fills in the values that an edit leaves open.
pub(super) trait Fill {
    /// The text for this placeholder value; `None` when it does not exist yet (a flow that has no response).
    fn text(&mut self, text: Text) -> Option<String>;
    /// Fills `{…}` placeholders of a literal.
    fn plain(&mut self, literal: &str) -> String;
    /// A random value of the same length and alphabet.
    fn alike(&mut self, value: &str) -> String;
    /// The value with every path or URL of the app inside it replaced, in clear or encoded.
    fn retarget(&mut self, value: &str, text: &str) -> String;
}

/// Applies the edits in order. Says which could not be applied.
pub(super) fn apply(
    outgoing: &mut Outgoing,
    edits: &[Edit],
    carrier: Carrier,
    fill: &mut dyn Fill,
) -> (Manner, Vec<String>) {
    let mut manner = Manner::default();
    let mut problems = Vec::new();
    for edit in edits {
        if let Err(problem) = apply_one(outgoing, edit, carrier, fill, &mut manner) {
            problems.push(problem);
        }
    }
    // What another site posts is a form, also an empty one.
    let has_type = outgoing.headers.iter().any(|(name, _)| name == "content-type");
    if manner.initiator == Some(Initiator::OtherSiteForm) && outgoing.method == "POST" && !has_type {
        become_form(outgoing);
    }
    (manner, problems)
}

fn apply_one(
    outgoing: &mut Outgoing,
    edit: &Edit,
    carrier: Carrier,
    fill: &mut dyn Fill,
    manner: &mut Manner,
) -> Result<(), String> {
    match *edit {
        Edit::Identity => {}
        Edit::Query(name, change) => {
            // A field of a form that the app made keeps its place; what it does not have is added to the query.
            let body = String::from_utf8_lossy(&outgoing.body).into_owned();
            let has_field = || body.split('&').any(|piece| decode(piece).0 == name);
            match carrier == Carrier::Form || is_form(outgoing) && has_field() {
                true => outgoing.body = change_parameter(&body, name, change, fill)?.into_bytes(),
                false => change_query(outgoing, name, change, fill)?,
            }
        }
        Edit::RawQuery(text) => {
            let text = fill.plain(text);
            let joined = |known: String| match known.is_empty() {
                true => text,
                false => format!("{known}&{text}"),
            };
            let (path, query) = split_target(&outgoing.target);
            match carrier {
                Carrier::Query => outgoing.target = join_target(&path, &joined(query)),
                Carrier::Form => {
                    let body = String::from_utf8_lossy(&outgoing.body).into_owned();
                    outgoing.body = joined(body).into_bytes();
                }
            }
        }
        Edit::Form(name, change) if carrier == Carrier::Form => change_query(outgoing, name, change, fill)?,
        Edit::Form(name, change) => {
            let body = String::from_utf8_lossy(&outgoing.body).into_owned();
            outgoing.body = change_parameter(&body, name, change, fill)?.into_bytes();
            become_form(outgoing);
        }
        Edit::OtherMode if carrier == Carrier::Form => {
            form_to_query(outgoing);
            "GET".clone_into(&mut outgoing.method);
        }
        Edit::OtherMode => {
            let (path, query) = split_target(&outgoing.target);
            outgoing.target = path;
            outgoing.body = query.into_bytes();
            become_form(outgoing);
        }
        Edit::Method(method) => {
            if carrier == Carrier::Form && matches!(method, "GET" | "HEAD" | "OPTIONS") {
                form_to_query(outgoing);
            }
            method.clone_into(&mut outgoing.method);
        }
        Edit::Header(name, value) => {
            let value = filled(value, fill)?;
            outgoing.set_header(name, value.into_bytes());
        }
        Edit::Body(content_type, text) => {
            outgoing.body = filled(text, fill)?.into_bytes();
            if outgoing.method == "GET" {
                "POST".clone_into(&mut outgoing.method);
            }
            outgoing.set_header("content-type", content_type.as_bytes().to_vec());
        }
        Edit::PathSuffix(suffix) => {
            let (path, query) = split_target(&outgoing.target);
            outgoing.target = join_target(&format!("{path}{suffix}"), &query);
        }
        Edit::PathPrefix(prefix) => outgoing.target.insert_str(0, prefix),
        Edit::PathUpper => {
            let (path, query) = split_target(&outgoing.target);
            outgoing.target = join_target(&path.to_ascii_uppercase(), &query);
        }
        Edit::Path(text) => outgoing.target = filled(text, fill)?,
        Edit::NoCookies => manner.no_cookies = true,
        Edit::From(initiator) => manner.initiator = Some(initiator),
    }
    Ok(())
}

fn is_form(outgoing: &Outgoing) -> bool {
    let form = b"application/x-www-form-urlencoded";
    outgoing
        .headers
        .iter()
        .any(|(name, value)| name == "content-type" && value.starts_with(form))
}

fn change_query(outgoing: &mut Outgoing, name: &str, change: Change, fill: &mut dyn Fill) -> Result<(), String> {
    let (path, query) = split_target(&outgoing.target);
    let query = change_parameter(&query, name, change, fill)?;
    outgoing.target = join_target(&path, &query);
    Ok(())
}

/// Moves the fields of a form into the query.
fn form_to_query(outgoing: &mut Outgoing) {
    let (path, query) = split_target(&outgoing.target);
    let fields = String::from_utf8_lossy(&std::mem::take(&mut outgoing.body)).into_owned();
    let joined = [query, fields].into_iter().filter(|part| !part.is_empty());
    outgoing.target = join_target(&path, &joined.collect::<Vec<_>>().join("&"));
    outgoing.headers.retain(|(name, _)| name != "content-type");
}

fn become_form(outgoing: &mut Outgoing) {
    if outgoing.method == "GET" {
        "POST".clone_into(&mut outgoing.method);
    }
    outgoing.set_header("content-type", b"application/x-www-form-urlencoded".to_vec());
}

fn filled(text: Text, fill: &mut dyn Fill) -> Result<String, String> {
    fill.text(text)
        .ok_or_else(|| format!("{text:?} does not exist at this point"))
}

fn split_target(target: &str) -> (String, String) {
    match target.split_once('?') {
        Some((path, query)) => (path.to_owned(), query.to_owned()),
        None => (target.to_owned(), String::new()),
    }
}

fn join_target(path: &str, query: &str) -> String {
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

/// Name and value of one piece of a query, decoded as forms are.
fn decode(piece: &str) -> (String, String) {
    let plain = |text: &str| {
        percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
    (plain(name), plain(value))
}

fn encode(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

fn pair(name: &str, value: &str) -> String {
    format!("{}={}", encode(name), encode(value))
}

/// Changes one parameter of a query string or form body.
fn change_parameter(query: &str, name: &str, change: Change, fill: &mut dyn Fill) -> Result<String, String> {
    let pieces: Vec<&str> = query.split('&').filter(|piece| !piece.is_empty()).collect();
    let at = pieces.iter().position(|piece| decode(piece).0 == name);
    let old = at.map(|at| decode(pieces[at]).1);
    let value = old.as_deref().unwrap_or_default();
    let replacement: Vec<String> = match change {
        Change::Remove => Vec::new(),
        Change::Empty => vec![pair(name, "")],
        Change::Set(text) => vec![pair(name, &filled(text, fill)?)],
        Change::Append(suffix) => vec![pair(name, &format!("{value}{}", fill.plain(suffix)))],
        Change::Prepend(prefix) => vec![pair(name, &format!("{}{value}", fill.plain(prefix)))],
        Change::DropLast(count) => {
            let keep = value.chars().count().saturating_sub(count);
            vec![pair(name, &value.chars().take(keep).collect::<String>())]
        }
        Change::FlipCase => vec![pair(name, &flip_case(value))],
        Change::Random => vec![pair(name, &fill.alike(value))],
        Change::Retarget(text) => vec![pair(name, &fill.retarget(value, text))],
        Change::Rename(other) => vec![pair(other, value)],
        Change::TwiceWrongFirst(text) => vec![pair(name, &filled(text, fill)?), pair(name, value)],
        Change::TwiceWrongLast(text) => vec![pair(name, value), pair(name, &filled(text, fill)?)],
        Change::Raw(text) | Change::Bytes(text) => vec![format!("{}={}", encode(name), fill.plain(text))],
    };
    let mut result: Vec<String> = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        if Some(index) == at {
            result.extend(replacement.iter().cloned());
        } else if decode(piece).0 != name {
            result.push((*piece).to_owned());
        }
    }
    if at.is_none() {
        result.extend(replacement);
    }
    Ok(result.join("&"))
}

fn flip_case(value: &str) -> String {
    let flip = |letter: char| {
        if letter.is_ascii_lowercase() {
            letter.to_ascii_uppercase()
        } else {
            letter.to_ascii_lowercase()
        }
    };
    value.chars().map(flip).collect()
}

/// A parameter of a URL's query, decoded.
pub(super) fn parameter(url: &Url, name: &str) -> Option<String> {
    let (_, query) = split_target(&target_of(url));
    query
        .split('&')
        .map(decode)
        .find(|(found, _)| found == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Fill for Fixed {
        fn text(&mut self, text: Text) -> Option<String> {
            match text {
                Text::Plain(literal) => Some(literal.to_owned()),
                Text::Random(length) => Some("r".repeat(length)),
                Text::Repeat(unit, count) => Some(unit.repeat(count)),
                _ => None,
            }
        }
        fn plain(&mut self, literal: &str) -> String {
            literal.to_owned()
        }
        fn alike(&mut self, value: &str) -> String {
            "x".repeat(value.len())
        }
        fn retarget(&mut self, _: &str, text: &str) -> String {
            text.to_owned()
        }
    }

    fn edited(url: &str, edits: &[Edit]) -> Outgoing {
        let mut outgoing = Outgoing::get(&Url::parse(url).unwrap());
        let (_, problems) = apply(&mut outgoing, edits, Carrier::Query, &mut Fixed);
        assert!(problems.is_empty(), "{problems:?}");
        outgoing
    }

    /// Method, target and body of an edited authorization response by form post.
    fn posted(edits: &[Edit]) -> (String, String, String) {
        let fields = [("code", "a+b"), ("state", "s T")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut outgoing = Outgoing::form(&Url::parse("http://localhost:3000/cb").unwrap(), &fields);
        let (_, problems) = apply(&mut outgoing, edits, Carrier::Form, &mut Fixed);
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(is_form(&outgoing), !outgoing.body.is_empty());
        (
            outgoing.method,
            outgoing.target,
            String::from_utf8(outgoing.body).unwrap(),
        )
    }

    const CALLBACK: &str = "http://localhost:3000/cb?code=a%2Bb&state=s%20T";

    #[test]
    fn what_no_edit_touches_stays_byte_for_byte() {
        let outgoing = edited(CALLBACK, &[Edit::Query("state", Change::FlipCase)]);
        assert_eq!(outgoing.target, "/cb?code=a%2Bb&state=S+t");
        assert_eq!(edited(CALLBACK, &[Edit::Identity]).target, "/cb?code=a%2Bb&state=s%20T");
    }

    #[test]
    fn parameters_are_removed_doubled_and_renamed() {
        assert_eq!(
            edited(CALLBACK, &[Edit::Query("code", Change::Remove)]).target,
            "/cb?state=s%20T"
        );
        let twice = edited(
            CALLBACK,
            &[Edit::Query("code", Change::TwiceWrongFirst(Text::Plain("no")))],
        );
        assert_eq!(twice.target, "/cb?code=no&code=a%2Bb&state=s%20T");
        let renamed = edited(CALLBACK, &[Edit::Query("state", Change::Rename("state[]"))]);
        assert_eq!(renamed.target, "/cb?code=a%2Bb&state%5B%5D=s+T");
        let raw = edited(CALLBACK, &[Edit::Query("state", Change::Bytes("%FF"))]);
        assert_eq!(raw.target, "/cb?code=a%2Bb&state=%FF");
    }

    #[test]
    fn edits_of_a_response_by_form_post_change_its_fields() {
        let post = |target: &str, body: &str| ("POST".to_owned(), target.to_owned(), body.to_owned());
        let error = Change::Set(Text::Plain("denied"));
        assert_eq!(
            posted(&[Edit::Query("code", Change::Remove), Edit::Query("error", error)]),
            post("/cb", "state=s+T&error=denied"),
            "what is added is a field as well"
        );
        assert_eq!(
            posted(&[Edit::RawQuery("p=1")]),
            post("/cb", "code=a%2Bb&state=s+T&p=1")
        );
        assert_eq!(
            posted(&[Edit::Form("state", error)]),
            post("/cb?state=denied", "code=a%2Bb&state=s+T"),
            "the other place is the query"
        );
    }

    #[test]
    fn methods_without_a_body_carry_a_form_post_in_the_query() {
        let query = "/cb?code=a%2Bb&state=s+T".to_owned();
        for (edit, method) in [
            (Edit::OtherMode, "GET"),
            (Edit::Method("HEAD"), "HEAD"),
            (Edit::Method("OPTIONS"), "OPTIONS"),
        ] {
            assert_eq!(posted(&[edit]), (method.to_owned(), query.clone(), String::new()));
        }
        let put = posted(&[Edit::Method("PUT")]);
        assert_eq!(
            put,
            ("PUT".to_owned(), "/cb".to_owned(), "code=a%2Bb&state=s+T".to_owned())
        );
    }

    #[test]
    fn a_form_post_carries_the_query_as_its_body() {
        let outgoing = edited(CALLBACK, &[Edit::OtherMode]);
        assert_eq!((outgoing.method.as_str(), outgoing.target.as_str()), ("POST", "/cb"));
        assert_eq!(outgoing.body, b"code=a%2Bb&state=s%20T");
    }
}
