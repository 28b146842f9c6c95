//! Where to go after sign-in: a path of this app, whatever the visitor's link says (RFC 9700 §4.11.1).

use url::{Url, form_urlencoded};

/// Where those go who asked for nothing, or for something that they cannot have.
pub const DEFAULT: &str = "/profile";
/// It travels in a cookie, and several of those must fit into a request.
const MAX_LENGTH: usize = 512;

/// The `return_to` of a query, if it is safe. Of a repeated one, nothing.
#[must_use]
pub fn from_query(query: &str) -> String {
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "return_to");
    match (values.next(), values.next()) {
        (Some((_, target)), None) => checked(&target),
        _ => DEFAULT.to_owned(),
    }
}

/// The target, if it is a path of this app that shows something; [`DEFAULT`] otherwise.
#[must_use]
pub fn checked(target: &str) -> String {
    if is_local_path(target) && !is_part_of_signing_in(target) {
        target.to_owned()
    } else {
        DEFAULT.to_owned()
    }
}

/// The local path of an absolute URL on this app's own origin, for `target_link_uri`.
#[must_use]
pub fn from_absolute(target: &str, base: &Url) -> String {
    match Url::parse(target) {
        Ok(url) if url.origin() == base.origin() => {
            let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
            checked(&format!("{}{query}", url.path()))
        }
        _ => DEFAULT.to_owned(),
    }
}

/// One slash, then only characters that mean the same to every parser. Browsers read `/\` as `//` and skip tabs and line
/// feeds, so none of these may come; percent-encoded they are harmless.
fn is_local_path(target: &str) -> bool {
    let mut bytes = target.bytes();
    bytes.next() == Some(b'/')
        && bytes.next() != Some(b'/')
        && target.len() <= MAX_LENGTH
        && target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        // A second opinion: what a URL parser makes of it stays on the origin.
        && Url::parse("http://app.invalid/")
            .is_ok_and(|base| base.join(target).is_ok_and(|url| url.origin() == base.origin()))
}

/// Going back to these after sign-in would start over, sign out, or fail.
fn is_part_of_signing_in(target: &str) -> bool {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    [
        "/signin",
        "/login",
        "/signout",
        "/logout",
        "/signed-out",
        "/authorization-code",
    ]
    .iter()
    .any(|prefix| path.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_paths_are_kept_with_their_query() {
        for target in [
            "/",
            "/profile",
            "/profile?a=1&b=%2F%26",
            "/a//b",
            "/%5Cx",
            "/%09/x",
            "/x#part",
        ] {
            assert_eq!(checked(target), target);
        }
    }

    #[test]
    fn everything_that_could_leave_the_app_is_replaced() {
        let targets = [
            "",
            "profile",
            "//evil.test",
            "///evil.test",
            "/\\evil.test",
            "\\\\evil.test",
            "\\/evil.test",
            "https://evil.test",
            "https:evil.test",
            "http://[",
            "javascript:alert(1)",
            "data:text/html,x",
            "/\t/evil.test",
            "/\n/evil.test",
            "/a\r\nSet-Cookie: x=1",
            "/\0",
            "/\u{ff0f}evil.test",
            " /x",
            "%",
            "@evil.test",
            ".evil.test",
        ];
        for target in targets {
            assert_eq!(checked(target), DEFAULT, "{target:?}");
        }
        assert_eq!(checked(&format!("/{}", "a".repeat(600))), DEFAULT);
    }

    #[test]
    fn the_sign_in_paths_are_no_targets() {
        for target in [
            "/signin",
            "/login?x=1",
            "/signout",
            "/authorization-code/callback?code=1",
        ] {
            assert_eq!(checked(target), DEFAULT);
        }
    }

    #[test]
    fn a_target_that_comes_twice_counts_for_nothing() {
        assert_eq!(from_query("return_to=%2Fme&return_to=%2Fprofile"), DEFAULT);
        assert_eq!(from_query("x=1&return_to=%2Fme%3Fa%3D1"), "/me?a=1");
    }

    #[test]
    fn absolute_targets_must_be_on_this_origin() {
        let base = Url::parse("http://localhost:3000").unwrap();
        assert_eq!(from_absolute("http://localhost:3000/me?a=1", &base), "/me?a=1");
        for outside in [
            "http://localhost:3001/me",
            "https://localhost:3000/me",
            "http://localhost:3000@evil.test/",
            "/me",
        ] {
            assert_eq!(from_absolute(outside, &base), DEFAULT);
        }
    }
}
