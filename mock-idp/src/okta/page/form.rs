//! The pages that are forms, in their three styles: roots, `data-se`, names and words of Okta's pages, and the ids that its
//! widget numbers and that suites write down all the same.

use askama::Template;

use super::{Shell, in_script};
use crate::{
    okta::problem::Problem,
    protocol::random,
    tenant::{PageStyle, masked_address},
};

/// What the pages of one sign-in are filled with.
#[derive(Clone, Copy)]
pub(crate) struct Step<'a> {
    /// Where the forms go.
    pub(crate) action: &'a str,
    /// The transaction's handle.
    pub(crate) handle: &'a str,
    /// The identifier that was given.
    pub(crate) person: &'a str,
    /// Whether the box for this is ticked.
    pub(crate) remember: bool,
    pub(crate) style: PageStyle,
    pub(crate) problem: Problem,
}

/// The hidden field that tells a step of the page from an authorization request.
pub(crate) const HANDLE: &str = "stateToken";
/// In the query of the page: show the list of authenticators, or go on with this one.
pub(crate) const AUTHENTICATORS: &str = "authenticators";
pub(crate) const AUTHENTICATOR: &str = "authenticator";

impl<'a> Step<'a> {
    /// The page's address with the handle in its query.
    pub(super) fn address(self, further: &str) -> String {
        let Self { action, handle, .. } = self;
        let join = if action.contains('?') { '&' } else { '?' };
        format!("{action}{join}{HANDLE}={handle}{further}")
    }

    /// "Back to sign in".
    pub(super) fn back(self) -> Link {
        link("Back to sign in", &self.address(""), "cancel", "js-cancel")
    }

    /// "Verify with something else": the list of what somebody can prove himself by.
    fn other_authenticator(self) -> Link {
        let href = self.address(&format!("&{AUTHENTICATORS}="));
        link(
            "Verify with something else",
            &href,
            "switchAuthenticator",
            "js-switchAuthenticator",
        )
    }

    /// The field for the user name.
    fn name_field(self, name: &'static str, id: &'static str, focus: bool) -> Field<'a> {
        Field {
            name,
            id,
            kind: "text",
            label: "Username",
            value: self.person,
            autocomplete: "username",
            digits: false,
            error: self.problem.of_identifier(self.style),
            focus,
        }
    }

    fn is_classic(self) -> bool {
        self.style == PageStyle::Classic
    }

    /// What every form of a sign-in has.
    fn form(self) -> FormPage<'a> {
        FormPage {
            classic: self.is_classic(),
            action: self.action,
            class: "ion-form",
            handle: self.handle,
            banner: self.problem.banner(self.style),
            is_answer: self.problem.is_answer(),
            ..FormPage::default()
        }
    }
}

/// A page that is a form.
#[derive(Default, Template)]
#[template(path = "okta/form.html")]
pub(crate) struct FormPage<'a> {
    pub(crate) shell: Shell,
    classic: bool,
    /// Where the form goes.
    action: &'a str,
    id: &'static str,
    class: &'static str,
    heading: &'static str,
    note: String,
    /// A secret to be typed into an authenticator app, in groups of four.
    secret: String,
    /// Whether the code is typed only by those who ask for it: others follow the link in their e-mail.
    code_later: bool,
    /// The identifier that was given on an earlier page.
    person: &'a str,
    banner: &'static str,
    /// Whether the server said so, and not the form itself.
    is_answer: bool,
    /// The transaction; empty where the form is none of a sign-in.
    handle: &'a str,
    pub(crate) fields: Vec<Field<'a>>,
    remember: Option<Checkbox>,
    submit: &'static str,
    submit_id: &'static str,
    links: Vec<Link>,
    /// Whether the links are behind "Need help signing in?".
    folded: bool,
    /// Of the script that tells programs where they are; empty for none.
    pub(crate) nonce: String,
    /// Texts of that script, escaped.
    base: String,
    token: String,
    from: String,
    /// What stands above the form: HTML of mock-idp's own.
    pub(crate) above: String,
}

impl FormPage<'_> {
    /// The second generation numbers its elements, the third calls them by the names of their fields.
    fn id_of<'a>(&self, field: &Field<'a>) -> &'a str {
        if self.shell.gen3 { field.name } else { field.id }
    }
}

/// One field of a form.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a> {
    name: &'static str,
    id: &'static str,
    kind: &'static str,
    label: &'static str,
    value: &'a str,
    autocomplete: &'static str,
    digits: bool,
    error: &'static str,
    pub(crate) focus: bool,
}

/// One box to tick.
pub(crate) struct Checkbox {
    name: &'static str,
    id: &'static str,
    label: &'static str,
    checked: bool,
}

/// A link under a form.
pub(crate) struct Link {
    pub(crate) label: &'static str,
    pub(crate) href: String,
    /// Its `data-se`.
    pub(crate) name: &'static str,
    pub(crate) class: &'static str,
}

/// One of them.
pub(super) fn link(label: &'static str, href: &str, name: &'static str, class: &'static str) -> Link {
    Link {
        label,
        href: href.to_owned(),
        name,
        class,
    }
}

/// The paths of the help pages: where people learn that passwords are in `mock-idp.toml`.
pub(crate) const HELP: [&str; 3] = ["/signin/forgot-password", "/signin/unlock", "/help/login"];

fn forgot() -> Link {
    link("Forgot password?", HELP[0], "forgot-password", "js-forgot-password")
}

fn unlock() -> Link {
    link("Unlock account?", HELP[1], "unlock", "js-unlock")
}

fn help() -> Link {
    link("Help", HELP[2], "help", "js-help-link")
}

impl<'a> FormPage<'a> {
    /// The page that asks who somebody is.
    pub(crate) fn identify(step: Step<'a>) -> Self {
        match step.style {
            PageStyle::Classic => Self::classic(step),
            _ => Self::identity_engine(step),
        }
    }

    fn classic(step: Step<'a>) -> Self {
        let is_named = !step.person.is_empty();
        Self {
            id: "form1",
            class: "primary-auth-form",
            heading: "Sign In",
            fields: vec![
                step.name_field("username", "okta-signin-username", !is_named),
                Field {
                    name: "password",
                    ..password_field("okta-signin-password", step.problem.of_password(step.style), is_named)
                },
            ],
            remember: Some(Checkbox {
                name: "remember",
                id: "input41",
                label: "Remember me",
                checked: step.remember,
            }),
            submit: "Sign In",
            submit_id: "okta-signin-submit",
            links: vec![forgot(), unlock(), help()],
            folded: true,
            ..step.form()
        }
    }

    /// Identity Engine's first page, with the password where both are on one.
    fn identity_engine(step: Step<'a>) -> Self {
        let is_whole = step.style != PageStyle::IdentifierFirst;
        let is_named = is_whole && !step.person.is_empty();
        let mut fields = vec![step.name_field("identifier", "input28", !is_named)];
        if is_whole {
            let error = step.problem.of_password(step.style);
            fields.push(password_field("input36", error, is_named));
        }
        Self {
            id: "form20",
            heading: "Sign In",
            fields,
            remember: Some(Checkbox {
                name: "rememberMe",
                id: if is_whole { "input44" } else { "input36" },
                label: "Keep me signed in",
                checked: step.remember,
            }),
            submit: if is_whole { "Sign in" } else { "Next" },
            links: if is_whole {
                vec![forgot(), unlock(), help()]
            } else {
                vec![unlock(), help()]
            },
            ..step.form()
        }
    }

    /// Identity Engine's second page.
    pub(crate) fn password(step: Step<'a>) -> Self {
        Self {
            id: "form46",
            heading: "Verify with your password",
            person: step.person,
            fields: vec![password_field("input54", step.problem.of_password(step.style), true)],
            submit: "Verify",
            links: vec![forgot(), step.other_authenticator(), step.back()],
            ..step.form()
        }
    }

    /// The code of an authenticator app.
    pub(crate) fn passcode(step: Step<'a>) -> Self {
        let is_classic = step.is_classic();
        Self {
            id: "form61",
            class: if is_classic { "mfa-verify-totp" } else { "ion-form" },
            heading: if is_classic {
                "Google Authenticator"
            } else {
                "Verify with Google Authenticator"
            },
            note: if is_classic {
                "Enter your Google Authenticator passcode"
            } else {
                "Enter the temporary code generated in your Google Authenticator app"
            }
            .to_owned(),
            person: step.person,
            fields: vec![Field {
                name: if is_classic { "answer" } else { "credentials.passcode" },
                id: "input69",
                kind: if is_classic { "tel" } else { "text" },
                label: if is_classic { "Enter Code" } else { "Enter code" },
                value: "",
                autocomplete: "one-time-code",
                digits: true,
                error: step.problem.of_passcode(step.style),
                focus: true,
            }],
            submit: "Verify",
            links: if is_classic {
                vec![step.back()]
            } else {
                vec![step.other_authenticator(), step.back()]
            },
            ..step.form()
        }
    }

    /// The code of an e-mail to this address.
    pub(crate) fn emailed(step: Step<'a>, address: &str) -> Self {
        let address = masked_address(address);
        let page = Self::passcode(step);
        if page.classic {
            return Self {
                class: "mfa-verify-passcode",
                heading: "Verify with Email Authentication",
                note: format!("A verification code was sent to {address}. Check your email and enter the code below."),
                ..page
            };
        }
        Self {
            code_later: true,
            heading: "Verify with your email",
            note: format!(
                "We sent an email to {address}. Click the verification link in your email to continue or enter the code \
                 below."
            ),
            ..page
        }
    }

    /// The first code of an authenticator app that gets its secret here.
    pub(crate) fn enrollment(step: Step<'a>, secret: &str) -> Self {
        let groups: Vec<&str> = (0..secret.len())
            .step_by(4)
            .filter_map(|from| secret.get(from..secret.len().min(from + 4)))
            .collect();
        Self {
            class: if step.is_classic() {
                "enroll-totp"
            } else {
                "ion-form oie-enroll-google-authenticator"
            },
            heading: "Set up Google Authenticator",
            note: "Enter this secret key in your authenticator app, then the code that the app displays".to_owned(),
            secret: groups.join(" "),
            ..Self::passcode(step)
        }
    }

    /// A new password for one that has expired. The names are those of Okta's widget; its words are not known for certain.
    pub(crate) fn new_password(step: Step<'a>) -> Self {
        let is_classic = step.is_classic();
        let field = |name, id, label, error, focus| Field {
            name,
            label,
            autocomplete: "new-password",
            ..password_field(id, error, focus)
        };
        let mut fields = Vec::new();
        if is_classic {
            fields.push(Field {
                autocomplete: "current-password",
                ..field("oldPassword", "input95", "Old password", "", true)
            });
        }
        let (name, again) = if is_classic {
            ("newPassword", "Repeat password")
        } else {
            ("credentials.passcode", "Re-enter password")
        };
        let (wrong, differs) = (step.problem.of_new_password(), step.problem.of_repetition());
        fields.push(field(name, "input103", "New password", wrong, !is_classic));
        fields.push(field("confirmPassword", "input111", again, differs, false));
        Self {
            id: "form87",
            class: if is_classic { "password-expired" } else { "ion-form" },
            heading: "Your password has expired",
            person: step.person,
            fields,
            submit: "Change Password",
            links: vec![step.back()],
            ..step.form()
        }
    }

    /// The page on which a device's code is entered.
    pub(crate) fn activation(shell: Shell, code: &'a str, wrong: bool) -> Self {
        Self {
            shell,
            action: "/activate",
            id: "form10",
            class: "ion-form",
            heading: "Activate your device",
            note: "Follow the instructions on your device to get an activation code".to_owned(),
            fields: vec![Field {
                name: "user_code",
                id: "input16",
                kind: "text",
                label: "Activation Code",
                value: code,
                autocomplete: "off",
                digits: false,
                error: if wrong { "Invalid code. Try again." } else { "" },
                focus: true,
            }],
            submit: "Next",
            ..Self::default()
        }
    }

    /// The same page with the script that tells programs where they are: the org's address, and where the form's handle
    /// stands in this style.
    pub(crate) fn with_script(self, shell: Shell, org: &str, step: Step<'_>) -> Self {
        let (token, from) = match step.style {
            PageStyle::Classic => (
                String::new(),
                format!("/oauth2/v1/authorize/redirect?okta_key={}", step.handle),
            ),
            _ => (step.handle.to_owned(), String::new()),
        };
        Self {
            shell,
            nonce: random::token22(),
            base: in_script(org),
            token: in_script(&token),
            from: in_script(&from),
            ..self
        }
    }
}

fn password_field(id: &'static str, error: &'static str, focus: bool) -> Field<'static> {
    Field {
        name: "credentials.passcode",
        id,
        kind: "password",
        label: "Password",
        value: "",
        autocomplete: "current-password",
        digits: false,
        error,
        focus,
    }
}
