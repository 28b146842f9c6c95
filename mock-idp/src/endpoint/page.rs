//! The pages that people see: sign-in in its styles and steps, consent, activation of a device, notices, errors.
//!
//! What is on them follows the contract that end-to-end suites rely on: roots, `data-se`, names, and the ids that Okta's
//! widget numbers and that suites write down all the same.

use std::sync::Arc;

use askama::Template;

use crate::{
    endpoint::{answer, sign_in},
    exchange::Exchange,
    flow::{
        fault::{Fault, Reach},
        near_miss::NearMiss,
        store::{Stage, Transaction},
    },
    okta::{error::OAuthError, problem::Problem},
    protocol::{draft::Reply, random},
    tenant::{EVERYONE, PageStyle, User, UserStatus, emailed_code, masked_address},
};

/// What every page has.
#[derive(Default)]
struct Shell {
    org: String,
    lax: bool,
    /// The style's name in the style sheet: `classic`, `gen2`, `gen3`, `companion`; `plain` for pages that Okta lacks.
    look: &'static str,
    /// Whether the elements are those of the widget's third generation.
    gen3: bool,
}

impl Shell {
    fn of(exchange: &Exchange) -> Self {
        let tenant = exchange.idp.tenant();
        let gen3 = tenant.third_generation && tenant.page != PageStyle::Classic;
        Self {
            org: tenant.name.clone(),
            lax: exchange.idp.lax,
            look: match tenant.page {
                PageStyle::Classic => "classic",
                PageStyle::Companion => "companion",
                _ if gen3 => "gen3",
                _ => "gen2",
            },
            gen3,
        }
    }
}

/// Somebody who signs in with one click.
struct Person {
    login: String,
    name: String,
    initials: String,
    groups: String,
}

/// More people have no button; their names are typed.
const MOST_PEOPLE: usize = 30;

impl Person {
    fn of(user: &User) -> Self {
        let name = format!("{} {}", user.given_name, user.family_name);
        let initial = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
        let groups = user.groups.iter().filter(|group| *group != EVERYONE);
        Self {
            login: user.login.clone(),
            initials: format!("{}{}", initial(&user.given_name), initial(&user.family_name)).to_uppercase(),
            name: name.trim().to_owned(),
            groups: groups.cloned().collect::<Vec<_>>().join(", "),
        }
    }
}

/// The faults of a single flow by the message that they change, as the panel lists them.
fn fault_groups() -> Vec<(String, Vec<Fault>)> {
    let mut groups: Vec<(String, Vec<Fault>)> = Vec::new();
    for fault in Fault::all().filter(|fault| fault.reach() == Reach::Flow && !fault.is_twin()) {
        let message = fault.id().split('.').next().unwrap_or_default();
        match groups.last_mut() {
            Some((known, faults)) if known == message => faults.push(fault),
            _ => groups.push((message.to_owned(), vec![fault])),
        }
    }
    groups
}

/// A page that is a form.
#[derive(Default, Template)]
#[template(path = "form.html")]
struct FormPage<'a> {
    shell: Shell,
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
    fields: Vec<Field<'a>>,
    remember: Option<Checkbox>,
    submit: &'static str,
    submit_id: &'static str,
    links: Vec<Link>,
    /// Whether the links are behind "Need help signing in?".
    folded: bool,
    /// Of the script that tells programs where they are; empty for none.
    nonce: String,
    /// Texts of that script, escaped.
    base: String,
    token: String,
    from: String,
    /// On the companion page: who signs in with one click, how many have no button, and what can go wrong.
    people: Vec<Person>,
    more_people: usize,
    faults: Vec<(String, Vec<Fault>)>,
}

impl FormPage<'_> {
    /// The second generation numbers its elements, the third calls them by the names of their fields.
    fn id_of<'a>(&self, field: &Field<'a>) -> &'a str {
        if self.shell.gen3 { field.name } else { field.id }
    }
}

#[derive(Clone, Copy)]
struct Field<'a> {
    name: &'static str,
    id: &'static str,
    kind: &'static str,
    label: &'static str,
    value: &'a str,
    autocomplete: &'static str,
    digits: bool,
    error: &'static str,
    focus: bool,
}

struct Checkbox {
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

fn link(label: &'static str, href: &str, name: &'static str, class: &'static str) -> Link {
    Link {
        label,
        href: href.to_owned(),
        name,
        class,
    }
}

/// Where people learn that passwords are in `mock-idp.toml`.
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

/// The page of the transaction's stage.
pub(crate) fn show(exchange: &Exchange, transaction: &Transaction, handle: &str, problem: Problem) -> Reply {
    let style = exchange.idp.tenant().page;
    let page = match &transaction.stage {
        Stage::Consent { scopes, .. } => return consent(exchange, transaction, handle, scopes),
        Stage::Passcode { .. } => passcode(transaction, handle, style, problem),
        Stage::NewPassword { .. } => new_password(transaction, handle, style, problem),
        Stage::Enroll { secret, .. } => enrollment(transaction, handle, style, secret, problem),
        Stage::Identify if style == PageStyle::Classic => classic(transaction, handle, problem),
        Stage::Identify => identify(transaction, handle, style, problem),
        Stage::Password | Stage::Signed(_) => password(transaction, handle, style, problem),
    };
    let nonce = random::token22();
    let (token, from) = match style {
        PageStyle::Classic => (
            String::new(),
            format!("/oauth2/v1/authorize/redirect?okta_key={handle}"),
        ),
        _ => (handle.to_owned(), String::new()),
    };
    let mut page = FormPage {
        shell: Shell::of(exchange),
        banner: problem.banner(style),
        is_answer: problem.is_answer(),
        nonce: nonce.clone(),
        base: in_script(exchange.org()),
        token: in_script(&token),
        from: in_script(&from),
        ..page
    };
    if style == PageStyle::Companion && matches!(transaction.stage, Stage::Identify) {
        let tenant = exchange.idp.tenant();
        let can = |user: &&Arc<User>| matches!(user.status, UserStatus::Active | UserStatus::PasswordExpired);
        let people = tenant.users.iter().filter(can);
        page.more_people = people.clone().count().saturating_sub(MOST_PEOPLE);
        page.people = people.take(MOST_PEOPLE).map(|user| Person::of(user)).collect();
        page.faults = fault_groups();
        // The keyboard begins with the people.
        for field in &mut page.fields {
            field.focus = false;
        }
    }
    answer::page_with_script(200, page.render().unwrap_or_default(), &nonce)
}

/// The page's address with the transaction's handle in its query.
fn address(transaction: &Transaction, handle: &str, further: &str) -> String {
    let action = &transaction.action;
    let join = if action.contains('?') { '&' } else { '?' };
    format!("{action}{join}{}={handle}{further}", sign_in::HANDLE)
}

/// "Back to sign in".
fn back(transaction: &Transaction, handle: &str) -> Link {
    link(
        "Back to sign in",
        &address(transaction, handle, ""),
        "cancel",
        "js-cancel",
    )
}

/// "Verify with something else": the list of what somebody can prove himself by.
fn other_authenticator(transaction: &Transaction, handle: &str) -> Link {
    let href = address(transaction, handle, &format!("&{}=", sign_in::AUTHENTICATORS));
    link(
        "Verify with something else",
        &href,
        "switchAuthenticator",
        "js-switchAuthenticator",
    )
}

#[derive(Template)]
#[template(path = "authenticators.html")]
struct AuthenticatorsPage<'a> {
    shell: Shell,
    person: &'a str,
    /// The authenticator's `data-se` and its name.
    name: &'static str,
    label: &'static str,
    select: Link,
    back: Link,
}

/// Identity Engine's list of security methods: the one that the transaction waits for.
pub(crate) fn authenticators(exchange: &Exchange, transaction: &Transaction, handle: &str) -> Reply {
    let (name, label) = match &transaction.stage {
        Stage::Passcode { secret, .. } if emailed_code(secret).is_some() => ("okta_email", "Email"),
        Stage::Passcode { .. } | Stage::Enroll { .. } => ("google_otp", "Google Authenticator"),
        _ => ("okta_password", "Password"),
    };
    let select = address(transaction, handle, &format!("&{}={name}", sign_in::AUTHENTICATOR));
    let page = AuthenticatorsPage {
        shell: Shell::of(exchange),
        person: &transaction.identifier,
        name,
        label,
        select: link("Select", &select, name, "select-factor"),
        back: back(transaction, handle),
    };
    answer::page(200, page.render().unwrap_or_default())
}

fn classic<'a>(transaction: &'a Transaction, handle: &'a str, problem: Problem) -> FormPage<'a> {
    let style = PageStyle::Classic;
    let is_named = !transaction.identifier.is_empty();
    FormPage {
        classic: true,
        action: &transaction.action,
        id: "form1",
        class: "primary-auth-form",
        heading: "Sign In",
        handle,
        fields: vec![
            Field {
                name: "username",
                id: "okta-signin-username",
                kind: "text",
                label: "Username",
                value: &transaction.identifier,
                autocomplete: "username",
                digits: false,
                error: problem.of_identifier(style),
                focus: !is_named,
            },
            Field {
                name: "password",
                id: "okta-signin-password",
                kind: "password",
                label: "Password",
                value: "",
                autocomplete: "current-password",
                digits: false,
                error: problem.of_password(style),
                focus: is_named,
            },
        ],
        remember: Some(Checkbox {
            name: "remember",
            id: "input41",
            label: "Remember me",
            checked: transaction.remember,
        }),
        submit: "Sign In",
        submit_id: "okta-signin-submit",
        links: vec![forgot(), unlock(), help()],
        folded: true,
        ..FormPage::default()
    }
}

/// Identity Engine's first page, with the password where both are on one.
fn identify<'a>(transaction: &'a Transaction, handle: &'a str, style: PageStyle, problem: Problem) -> FormPage<'a> {
    let is_whole = style != PageStyle::IdentifierFirst;
    let is_named = is_whole && !transaction.identifier.is_empty();
    let mut fields = vec![Field {
        name: "identifier",
        id: "input28",
        kind: "text",
        label: "Username",
        value: &transaction.identifier,
        autocomplete: "username",
        digits: false,
        error: problem.of_identifier(style),
        focus: !is_named,
    }];
    if is_whole {
        fields.push(password_field("input36", problem.of_password(style), is_named));
    }
    FormPage {
        action: &transaction.action,
        id: "form20",
        class: "ion-form",
        heading: "Sign In",
        handle,
        fields,
        remember: Some(Checkbox {
            name: "rememberMe",
            id: if is_whole { "input44" } else { "input36" },
            label: "Keep me signed in",
            checked: transaction.remember,
        }),
        submit: if is_whole { "Sign in" } else { "Next" },
        links: if is_whole {
            vec![forgot(), unlock(), help()]
        } else {
            vec![unlock(), help()]
        },
        ..FormPage::default()
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

/// Identity Engine's second page.
fn password<'a>(transaction: &'a Transaction, handle: &'a str, style: PageStyle, problem: Problem) -> FormPage<'a> {
    FormPage {
        action: &transaction.action,
        id: "form46",
        class: "ion-form",
        heading: "Verify with your password",
        person: &transaction.identifier,
        handle,
        fields: vec![password_field("input54", problem.of_password(style), true)],
        submit: "Verify",
        links: vec![
            forgot(),
            other_authenticator(transaction, handle),
            back(transaction, handle),
        ],
        ..FormPage::default()
    }
}

/// The code of an e-mail.
fn emailed<'a>(page: FormPage<'a>, address: &str) -> FormPage<'a> {
    let address = masked_address(address);
    let (heading, note) = if page.classic {
        (
            "Verify with Email Authentication",
            format!("A verification code was sent to {address}. Check your email and enter the code below."),
        )
    } else {
        (
            "Verify with your email",
            format!(
                "We sent an email to {address}. Click the verification link in your email to continue or enter the code \
                 below."
            ),
        )
    };
    FormPage {
        class: if page.classic {
            "mfa-verify-passcode"
        } else {
            page.class
        },
        code_later: !page.classic,
        heading,
        note,
        ..page
    }
}

/// The code of an authenticator app, or of an e-mail.
fn passcode<'a>(transaction: &'a Transaction, handle: &'a str, style: PageStyle, problem: Problem) -> FormPage<'a> {
    let is_classic = style == PageStyle::Classic;
    let page = FormPage {
        classic: is_classic,
        action: &transaction.action,
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
        person: &transaction.identifier,
        handle,
        fields: vec![Field {
            name: if is_classic { "answer" } else { "credentials.passcode" },
            id: "input69",
            kind: if is_classic { "tel" } else { "text" },
            label: if is_classic { "Enter Code" } else { "Enter code" },
            value: "",
            autocomplete: "one-time-code",
            digits: true,
            error: problem.of_passcode(style),
            focus: true,
        }],
        submit: "Verify",
        links: if is_classic {
            vec![back(transaction, handle)]
        } else {
            vec![other_authenticator(transaction, handle), back(transaction, handle)]
        },
        ..FormPage::default()
    };
    match &transaction.stage {
        Stage::Passcode { subject, secret } if emailed_code(secret).is_some() => emailed(page, &subject.persona.email),
        _ => page,
    }
}

/// A new password for one that has expired. The names are those of Okta's widget; its words are not known for certain.
fn new_password<'a>(transaction: &'a Transaction, handle: &'a str, style: PageStyle, problem: Problem) -> FormPage<'a> {
    let is_classic = style == PageStyle::Classic;
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
    fields.push(field(
        name,
        "input103",
        "New password",
        problem.of_new_password(),
        !is_classic,
    ));
    fields.push(field(
        "confirmPassword",
        "input111",
        again,
        problem.of_repetition(),
        false,
    ));
    FormPage {
        classic: is_classic,
        action: &transaction.action,
        id: "form87",
        class: if is_classic { "password-expired" } else { "ion-form" },
        heading: "Your password has expired",
        person: &transaction.identifier,
        handle,
        fields,
        submit: "Change Password",
        links: vec![back(transaction, handle)],
        ..FormPage::default()
    }
}

/// The first code of an authenticator app that gets its secret here.
fn enrollment<'a>(
    transaction: &'a Transaction,
    handle: &'a str,
    style: PageStyle,
    secret: &str,
    problem: Problem,
) -> FormPage<'a> {
    let groups: Vec<&str> = (0..secret.len())
        .step_by(4)
        .filter_map(|from| secret.get(from..secret.len().min(from + 4)))
        .collect();
    FormPage {
        class: if style == PageStyle::Classic {
            "enroll-totp"
        } else {
            "ion-form oie-enroll-google-authenticator"
        },
        heading: "Set up Google Authenticator",
        note: "Enter this secret key in your authenticator app, then the code that the app displays".to_owned(),
        secret: groups.join(" "),
        ..passcode(transaction, handle, style, problem)
    }
}

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage<'a> {
    shell: Shell,
    classic: bool,
    action: &'a str,
    handle: &'a str,
    person: &'a str,
    app: &'a str,
    scopes: Vec<String>,
}

fn consent(exchange: &Exchange, transaction: &Transaction, handle: &str, scopes: &[String]) -> Reply {
    let tenant = exchange.idp.tenant();
    let client = tenant.client(&transaction.request.client_id);
    let page = ConsentPage {
        shell: Shell::of(exchange),
        classic: tenant.page == PageStyle::Classic,
        action: &transaction.action,
        handle,
        person: &transaction.identifier,
        app: client.map_or("", |client| &client.name),
        scopes: scopes
            .iter()
            .map(|name| scope_label(exchange, &transaction.request.server, name))
            .collect(),
    };
    answer::page(200, page.render().unwrap_or_default())
}

/// What a scope is called where people are asked about it.
pub(crate) fn scope_label(exchange: &Exchange, server: &str, name: &str) -> String {
    let server = exchange.idp.server(server);
    let scope = server.as_ref().and_then(|server| server.settings.scope(name));
    match scope {
        Some(scope) if !scope.description.is_empty() => scope.description.clone(),
        _ => name.to_owned(),
    }
}

/// Text inside a quoted JavaScript string, escaped as Okta does: everything but letters, digits, dots and underscores.
fn in_script(text: &str) -> String {
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

/// The page on which a device's code is entered.
pub(crate) fn activate(exchange: &Exchange, code: &str, wrong: bool) -> Reply {
    let page = FormPage {
        shell: Shell::of(exchange),
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
        ..FormPage::default()
    };
    answer::page(200, page.render().unwrap_or_default())
}

/// The page after that.
pub(crate) fn activated(exchange: &Exchange, allowed: bool) -> Reply {
    let (heading, text) = if allowed {
        (
            "Device activated",
            "Follow the instructions on your device for next steps",
        )
    } else {
        (
            "Device not activated",
            "Your device cannot be activated because of an internal error",
        )
    };
    notice(exchange, heading, text, None)
}

#[derive(Template)]
#[template(path = "notice.html")]
struct NoticePage<'a> {
    shell: Shell,
    title: String,
    heading: &'a str,
    text: &'a str,
    link: Option<Link>,
}

/// A page that only says something.
pub(crate) fn notice(exchange: &Exchange, heading: &str, text: &str, link: Option<Link>) -> Reply {
    let shell = Shell::of(exchange);
    let page = NoticePage {
        title: format!("{} - {heading}", shell.org),
        shell,
        heading,
        text,
        link,
    };
    answer::page(200, page.render().unwrap_or_default())
}

#[derive(Template)]
#[template(path = "signing_out.html")]
struct SigningOutPage<'a> {
    shell: Shell,
    frames: &'a [String],
    destination: &'a str,
    nonce: &'a str,
}

/// The page that loads the front-channel logout URIs of other applications in frames, then goes on.
pub(crate) fn signing_out(exchange: &Exchange, frames: &[String], destination: &str) -> Reply {
    let nonce = random::token22();
    let page = SigningOutPage {
        shell: Shell::of(exchange),
        frames,
        destination,
        nonce: &nonce,
    };
    let mut reply = answer::page_with_script(200, page.render().unwrap_or_default(), &nonce);
    for (name, value) in &mut reply.headers {
        if name == "content-security-policy" {
            value.to_mut().push_str("; frame-src http: https:");
        }
    }
    reply
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    shell: Shell,
    home: &'a str,
    error: &'a str,
    description: &'a str,
    near_miss: Option<NearMiss>,
    flow: String,
}

/// Okta's error page, for refusals that have nowhere to be redirected to; below it, what was sent.
pub(crate) fn error(exchange: &Exchange, error: &OAuthError) -> Reply {
    let page = ErrorPage {
        shell: Shell {
            look: "plain",
            ..Shell::of(exchange)
        },
        near_miss: exchange.near_miss(error),
        flow: exchange.flow().map(|flow| flow.id.to_string()).unwrap_or_default(),
        home: exchange.org(),
        error: error.error,
        description: &error.text,
    };
    answer::page(400, page.render().unwrap_or_default())
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
