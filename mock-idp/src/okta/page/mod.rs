//! Okta's pages: sign-in in its styles and steps, consent, activation of a device, notices, errors. Data, words and
//! templates; what belongs on which page of a flow is decided in `endpoint`.
//!
//! What is on them follows the contract that end-to-end suites rely on.

use askama::Template;

mod form;

pub(crate) use form::{AUTHENTICATOR, AUTHENTICATORS, FormPage, HANDLE, HELP, Link, Step};

use crate::tenant::{PageStyle, Tenant};

/// What every page has.
#[derive(Default)]
pub(crate) struct Shell {
    org: String,
    lax: bool,
    /// The style's name in the style sheet: `classic`, `gen2`, `gen3`, `companion`; `plain` for pages that Okta lacks.
    look: &'static str,
    /// Whether the elements are those of the widget's third generation.
    gen3: bool,
}

impl Shell {
    /// The shell of this org's pages; `lax` where more is accepted than Okta would.
    pub(crate) fn of(tenant: &Tenant, lax: bool) -> Self {
        let gen3 = tenant.third_generation && tenant.page != PageStyle::Classic;
        Self {
            org: tenant.name.clone(),
            lax,
            look: match tenant.page {
                PageStyle::Classic => "classic",
                PageStyle::Companion => "companion",
                _ if gen3 => "gen3",
                _ => "gen2",
            },
            gen3,
        }
    }

    /// The same without the look of any of Okta's pages.
    pub(crate) fn plain(self) -> Self {
        Self { look: "plain", ..self }
    }
}

/// Identity Engine's list of security methods: the one that the transaction waits for.
#[derive(Template)]
#[template(path = "okta/authenticators.html")]
pub(crate) struct AuthenticatorsPage<'a> {
    shell: Shell,
    person: &'a str,
    /// The authenticator's `data-se` and its name.
    name: &'static str,
    label: &'static str,
    select: Link,
    back: Link,
}

impl<'a> AuthenticatorsPage<'a> {
    /// The page with this method: its `data-se`, its name.
    pub(crate) fn new(shell: Shell, step: Step<'a>, (name, label): (&'static str, &'static str)) -> Self {
        let select = step.address(&format!("&{AUTHENTICATOR}={name}"));
        Self {
            shell,
            person: step.person,
            name,
            label,
            select: form::link("Select", &select, name, "select-factor"),
            back: step.back(),
        }
    }
}

/// Whether an app may have these scopes.
#[derive(Template)]
#[template(path = "okta/consent.html")]
pub(crate) struct ConsentPage<'a> {
    pub(crate) shell: Shell,
    pub(crate) classic: bool,
    pub(crate) action: &'a str,
    pub(crate) handle: &'a str,
    pub(crate) person: &'a str,
    pub(crate) app: &'a str,
    /// As people read them.
    pub(crate) scopes: Vec<String>,
}

/// A page that only says something.
#[derive(Template)]
#[template(path = "okta/notice.html")]
pub(crate) struct NoticePage<'a> {
    shell: Shell,
    title: String,
    heading: &'a str,
    text: &'a str,
    link: Option<Link>,
}

impl<'a> NoticePage<'a> {
    /// The page with this heading and this text.
    pub(crate) fn new(shell: Shell, heading: &'a str, text: &'a str, link: Option<Link>) -> Self {
        Self {
            title: format!("{} - {heading}", shell.org),
            shell,
            heading,
            text,
            link,
        }
    }
}

/// The heading and the text of the page after [`FormPage::activation`].
pub(crate) const fn activated(allowed: bool) -> (&'static str, &'static str) {
    match allowed {
        true => (
            "Device activated",
            "Follow the instructions on your device for next steps",
        ),
        false => (
            "Device not activated",
            "Your device cannot be activated because of an internal error",
        ),
    }
}

/// The page that loads the front-channel logout URIs of other applications in frames, then goes on.
#[derive(Template)]
#[template(path = "okta/signing_out.html")]
pub(crate) struct SigningOutPage<'a> {
    pub(crate) shell: Shell,
    pub(crate) frames: &'a [String],
    pub(crate) destination: &'a str,
    pub(crate) nonce: &'a str,
}

/// Okta's error page, for refusals that have nowhere to be redirected to.
#[derive(Template)]
#[template(path = "okta/error.html")]
pub(crate) struct ErrorPage<'a> {
    pub(crate) shell: Shell,
    pub(crate) home: &'a str,
    pub(crate) error: &'a str,
    pub(crate) description: &'a str,
    /// What stands below Okta's part: HTML of mock-idp's own.
    pub(crate) below: String,
}

/// Text inside a quoted JavaScript string, escaped as Okta does: everything but letters, digits, dots and underscores.
pub(super) fn in_script(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match u32::from(character) {
            _ if character.is_ascii_alphanumeric() || "._".contains(character) => escaped.push(character),
            code @ 0..=0xff => escaped.push_str(&format!("\\x{code:02X}")),
            _ => {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    escaped.push_str(&format!("\\u{unit:04X}"));
                }
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::in_script;

    #[test]
    fn a_text_in_a_script_cannot_leave_its_quotes() {
        assert_eq!(in_script("02.id.a-b_c"), r"02.id.a\x2Db_c");
        assert_eq!(in_script("</script>'\n\u{2028}"), r"\x3C\x2Fscript\x3E\x27\x0A\u2028");
        assert_eq!(in_script("\u{1f511}"), r"\uD83D\uDD11");
    }
}
