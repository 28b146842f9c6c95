//! The pages that people see: sign-in in its styles and steps, consent, errors.

use askama::Template;

use crate::{
    endpoint::answer,
    exchange::Exchange,
    flow::store::{Stage, Transaction},
    protocol::{draft::Reply, error::OAuthError},
    tenant::PageStyle,
};

/// What a page complains about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    None,
    IdentifierMissing,
    PasswordMissing,
    PasswordWrong,
    Unable,
    PasscodeMissing,
    PasscodeWrong,
}

impl Problem {
    /// Above the form.
    fn banner(self) -> &'static str {
        match self {
            Self::None => "",
            Self::IdentifierMissing | Self::PasswordMissing | Self::PasscodeMissing | Self::PasscodeWrong => {
                "We found some errors. Please review the form and make corrections."
            }
            Self::PasswordWrong => "Password is incorrect",
            Self::Unable => "Unable to sign in",
        }
    }

    /// Under the field that is meant.
    fn field(self) -> &'static str {
        match self {
            Self::IdentifierMissing | Self::PasswordMissing | Self::PasscodeMissing => {
                "This field cannot be left blank"
            }
            Self::PasscodeWrong => "Invalid code. Try again.",
            Self::None | Self::PasswordWrong | Self::Unable => "",
        }
    }
}

/// The page of the transaction's stage.
pub(crate) fn show(
    exchange: &Exchange,
    transaction: &Transaction,
    handle: &str,
    identifier: &str,
    problem: Problem,
) -> Reply {
    let tenant = exchange.idp.tenant();
    let frame = Frame {
        org: &tenant.name,
        lax: exchange.idp.lax,
        action: &transaction.action,
        handle,
        banner: problem.banner(),
        field_error: problem.field(),
    };
    // Templates over plain texts cannot fail to render.
    let html = match &transaction.stage {
        Stage::Consent { scopes, .. } => {
            let client = tenant.client(&transaction.request.client_id);
            let server = exchange.idp.server(&transaction.request.server);
            let described = scopes
                .iter()
                .map(|name| {
                    let scope = server.as_ref().and_then(|server| server.settings.scope(name));
                    let description = scope.map(|scope| scope.description.clone()).unwrap_or_default();
                    if description.is_empty() {
                        name.clone()
                    } else {
                        description
                    }
                })
                .collect();
            let page = ConsentPage {
                frame,
                app: client.map_or("", |client| &client.name),
                scopes: described,
            };
            page.render()
        }
        Stage::Passcode { .. } => PasscodePage { frame, identifier }.render(),
        stage => {
            let second_page = matches!(stage, Stage::Password(_));
            let is_identifier = problem == Problem::IdentifierMissing;
            let page = SignInPage {
                identifier,
                classic: tenant.page == PageStyle::Classic,
                asks_identifier: !second_page,
                asks_password: second_page || tenant.page != PageStyle::IdentifierFirst,
                identifier_error: is_identifier,
                password_error: problem == Problem::PasswordMissing,
                frame,
            };
            page.render()
        }
    };
    answer::page(200, html.unwrap_or_default())
}

/// Okta's error page: for refusals that have nowhere to be redirected to.
pub(crate) fn error(exchange: &Exchange, error: &OAuthError) -> Reply {
    let tenant = exchange.idp.tenant();
    let page = ErrorPage {
        org: &tenant.name,
        lax: exchange.idp.lax,
        home: &exchange.idp.org,
        error: error.error,
        description: &error.text,
    };
    answer::page(400, page.render().unwrap_or_default())
}

/// The page on which a device's code is entered.
pub(crate) fn activate(exchange: &Exchange, code: &str, wrong: bool) -> Reply {
    let tenant = exchange.idp.tenant();
    let page = ActivatePage {
        org: &tenant.name,
        lax: exchange.idp.lax,
        code,
        error: if wrong { "Invalid code. Try again." } else { "" },
    };
    answer::page(200, page.render().unwrap_or_default())
}

/// The page after that.
pub(crate) fn activated(exchange: &Exchange, allowed: bool) -> Reply {
    let tenant = exchange.idp.tenant();
    let page = ActivatedPage {
        org: &tenant.name,
        lax: exchange.idp.lax,
        allowed,
    };
    answer::page(200, page.render().unwrap_or_default())
}

#[derive(Template)]
#[template(path = "activate.html")]
struct ActivatePage<'a> {
    org: &'a str,
    lax: bool,
    code: &'a str,
    error: &'a str,
}

#[derive(Template)]
#[template(path = "activated.html")]
struct ActivatedPage<'a> {
    org: &'a str,
    lax: bool,
    allowed: bool,
}

/// What every form of the hosted page has.
struct Frame<'a> {
    org: &'a str,
    lax: bool,
    /// Where the form goes.
    action: &'a str,
    handle: &'a str,
    banner: &'a str,
    field_error: &'a str,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    frame: Frame<'a>,
    identifier: &'a str,
    classic: bool,
    /// Identity Engine: what this page asks for.
    asks_identifier: bool,
    asks_password: bool,
    identifier_error: bool,
    password_error: bool,
}

#[derive(Template)]
#[template(path = "passcode.html")]
struct PasscodePage<'a> {
    frame: Frame<'a>,
    identifier: &'a str,
}

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage<'a> {
    frame: Frame<'a>,
    app: &'a str,
    scopes: Vec<String>,
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    org: &'a str,
    lax: bool,
    home: &'a str,
    error: &'a str,
    description: &'a str,
}
