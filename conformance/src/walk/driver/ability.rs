//! What one driver can do and another cannot, by name.

use crate::browser::http::Outgoing;

/// Something that not every driver can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::walk) enum Ability<'a> {
    /// Runs the scripts of pages.
    Scripts,
    /// Keeps two sign-ins of one person on their way where scripts keep each in its tab.
    TwoTabs,
    /// Is opened as often as a crowd has people.
    Crowd,
    /// Starts so many sign-ins at once.
    Flood,
    /// Sends two requests at the same moment.
    SameMoment,
    /// Sends bytes that are no HTTP request.
    RawBytes,
    /// Puts this header field on a navigation.
    Header(&'a str),
    /// Navigates by this method.
    Method(&'a str),
    /// Posts something else than a form.
    OtherBody,
    /// Stops waiting for an answer before time is up.
    GiveUp,
}

impl<'a> Ability<'a> {
    /// What a driver must be able to do to send this request by navigating; `None`: any browser can.
    pub(in crate::walk) fn to_send(request: &'a Outgoing) -> Option<Self> {
        let content_type = request.headers.iter().find(|(name, _)| name == "content-type");
        let is_form = content_type.is_none_or(|(_, value)| value.starts_with(b"application/x-www-form-urlencoded"));
        if let Some((name, _)) = request.headers.iter().find(|(name, _)| name != "content-type") {
            return Some(Ability::Header(name));
        }
        match request.method.as_str() {
            "GET" if request.body.is_empty() => None,
            "POST" if is_form => None,
            "POST" => Some(Ability::OtherBody),
            method => Some(Ability::Method(method)),
        }
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    #[test]
    fn what_a_request_needs_is_named() {
        let url = Url::parse("http://localhost:3000/callback").unwrap();
        let with = |change: &dyn Fn(&mut Outgoing)| {
            let mut request = Outgoing::form(&url, &[("code".to_owned(), "a".to_owned())]);
            change(&mut request);
            Ability::to_send(&request).map(|ability| format!("{ability:?}"))
        };
        assert_eq!(Ability::to_send(&Outgoing::get(&url)), None);
        assert_eq!(with(&|_| {}), None);
        assert_eq!(
            with(&|request| request.method = "PUT".into()).as_deref(),
            Some("Method(\"PUT\")")
        );
        assert_eq!(
            with(&|request| request.method = "GET".into()).as_deref(),
            Some("Method(\"GET\")")
        );
        let json = |request: &mut Outgoing| request.set_header("content-type", "application/json");
        assert_eq!(with(&json).as_deref(), Some("OtherBody"));
        let host = |request: &mut Outgoing| request.set_header("X-Forwarded-Host", "evil.example");
        assert_eq!(with(&host).as_deref(), Some("Header(\"x-forwarded-host\")"));
    }
}
