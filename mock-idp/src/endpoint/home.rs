//! The org's own pages: its sign-in page, the page after it, help.

use url::Url;

use crate::{
    endpoint::{
        answer::{self, Answered},
        page, sessions, sign_in,
    },
    exchange::Exchange,
    flow::{
        scenario::Scenario,
        store::{Asker, Request},
    },
    okta::page::{HANDLE, HELP, Link},
    tenant::Persona,
};

/// The sign-in page of the org itself.
pub(crate) const LOGIN: &str = "/login/login.htm";
/// Where people are who signed in for no application.
pub(crate) const USER_HOME: &str = "/app/UserHome";

/// `GET|POST /`: the dashboard, unless it is a step of the sign-in page.
pub(crate) fn root(exchange: &mut Exchange) -> Answered {
    if exchange.form.has(HANDLE) {
        return login(exchange);
    }
    // Relative, so that a path prefix in front of the server stays.
    Ok(answer::redirect(302, "_mock/"))
}

/// `GET|POST /login/login.htm[?fromURI=]`
pub(crate) fn login(exchange: &mut Exchange) -> Answered {
    if exchange.form.has(HANDLE) {
        return sign_in::step(exchange);
    }
    if let Some(reply) = sign_in::back_to_start(exchange) {
        return Ok(reply);
    }
    let wanted = exchange.query.filled("fromURI").unwrap_or(USER_HOME);
    let destination = permitted(exchange, wanted).unwrap_or_else(|| format!("{}{USER_HOME}", exchange.org()));
    if sessions::current(exchange).is_some() {
        return Ok(answer::redirect(302, &destination));
    }
    let flow = exchange.idp.store.begin(false, Scenario::honest(Persona::default()));
    exchange.bind(&flow);
    let request = Request {
        asker: Asker::Home(destination),
        ..Request::default()
    };
    Ok(sign_in::first_page(exchange, &flow, request))
}

/// `GET /app/UserHome`
pub(crate) fn user_home(exchange: &mut Exchange) -> Answered {
    let Some(session) = sessions::current(exchange) else {
        return Ok(answer::redirect(302, &format!("{}{LOGIN}", exchange.org())));
    };
    let text = format!("You are signed in as {}.", session.subject.persona.login);
    let link = Link {
        label: "Sign out",
        href: "/login/signout".to_owned(),
        name: "sign-out",
        class: "js-sign-out",
    };
    Ok(page::notice(exchange, "My Apps", &text, Some(link)))
}

/// `GET /login/signout`
pub(crate) fn sign_out(exchange: &mut Exchange) -> Answered {
    if let Some(session) = sessions::current(exchange) {
        sessions::end(exchange, &session);
    }
    let mut reply = answer::redirect(302, &format!("{}{LOGIN}", exchange.org()));
    sessions::clear_cookies(&mut reply);
    Ok(reply)
}

/// The pages behind "Forgot password?", "Unlock account?" and "Help".
pub(crate) fn help(exchange: &mut Exchange) -> Answered {
    let (heading, text) = match HELP.iter().position(|path| *path == exchange.path) {
        Some(0) => (
            "Reset your password",
            "This is a fake: no mail is sent. A password is what mock-idp.toml says; users without one have \
             every password but \u{201c}wrong\u{201d}.",
        ),
        Some(1) => (
            "Unlock your account",
            "This is a fake: no mail is sent. An account is locked while mock-idp.toml or the management API says so.",
        ),
        _ => (
            "Help",
            "This is a fake Okta for development and tests. Its users are in mock-idp.toml; without one they are \
             alice@example.test and bob@example.test, with any password but \u{201c}wrong\u{201d}.",
        ),
    };
    Ok(page::notice(exchange, heading, text, None))
}

/// The address in full, if browsers may be sent there: within the org, or to a Trusted Origin.
pub(crate) fn permitted(exchange: &Exchange, wanted: &str) -> Option<String> {
    let url = Url::parse(exchange.org()).ok()?.join(wanted).ok()?;
    let origin = url.origin().ascii_serialization();
    let tenant = exchange.idp.tenant();
    let is_ours = origin == exchange.idp.origin.origin().ascii_serialization()
        || url.as_str().starts_with(&format!("{}/", exchange.org()));
    (is_ours || tenant.trusted_origins.contains(&origin)).then(|| url.to_string())
}
