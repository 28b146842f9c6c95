//! The pages that people see, filled from the request and its transaction. Okta's own are in `okta/page`; what mock-idp adds
//! to them is here: people and faults on the companion page, what was sent below the error page.

use std::sync::Arc;

use askama::Template;

use crate::{
    endpoint::answer,
    exchange::Exchange,
    flow::{
        fault::{Fault, Reach},
        near_miss::NearMiss,
        store::{Stage, Transaction},
    },
    okta::{
        error::OAuthError,
        page::{
            AuthenticatorsPage, ConsentPage, ErrorPage, FormPage, Link, NoticePage, Shell, SigningOutPage, Step,
            activated,
        },
        problem::Problem,
    },
    protocol::{draft::Reply, random},
    tenant::{EVERYONE, PageStyle, Tenant, User, UserStatus, emailed_code},
};

fn shell(exchange: &Exchange) -> Shell {
    Shell::of(&exchange.idp.tenant(), exchange.idp.lax)
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

/// What the companion page adds above the form: who signs in with one click, and what can go wrong.
#[derive(Template)]
#[template(path = "companion.html")]
struct Companion<'a> {
    action: &'a str,
    handle: &'a str,
    people: Vec<Person>,
    /// How many have no button.
    more_people: usize,
    faults: Vec<(String, Vec<Fault>)>,
}

impl<'a> Companion<'a> {
    fn of(tenant: &Tenant, step: Step<'a>) -> Self {
        let can = |user: &&Arc<User>| matches!(user.status, UserStatus::Active | UserStatus::PasswordExpired);
        let people = tenant.users.iter().filter(can);
        Self {
            action: step.action,
            handle: step.handle,
            more_people: people.clone().count().saturating_sub(MOST_PEOPLE),
            people: people.take(MOST_PEOPLE).map(|user| Person::of(user)).collect(),
            faults: fault_groups(),
        }
    }
}

fn step<'a>(transaction: &'a Transaction, handle: &'a str, style: PageStyle, problem: Problem) -> Step<'a> {
    Step {
        action: &transaction.action,
        handle,
        person: &transaction.identifier,
        remember: transaction.remember,
        style,
        problem,
    }
}

/// The page of the transaction's stage.
pub(crate) fn show(exchange: &Exchange, transaction: &Transaction, handle: &str, problem: Problem) -> Reply {
    let tenant = exchange.idp.tenant();
    let step = step(transaction, handle, tenant.page, problem);
    let page = match &transaction.stage {
        Stage::Consent { scopes, .. } => return consent(exchange, transaction, handle, scopes),
        Stage::Passcode { subject, secret } if emailed_code(secret).is_some() => {
            FormPage::emailed(step, &subject.persona.email)
        }
        Stage::Passcode { .. } => FormPage::passcode(step),
        Stage::NewPassword { .. } => FormPage::new_password(step),
        Stage::Enroll { secret, .. } => FormPage::enrollment(step, secret),
        Stage::Identify => FormPage::identify(step),
        Stage::Password | Stage::Signed(_) => FormPage::password(step),
    };
    let mut page = page.with_script(shell(exchange), exchange.org(), step);
    if tenant.page == PageStyle::Companion && matches!(transaction.stage, Stage::Identify) {
        let companion = Companion::of(&tenant, step);
        if !companion.people.is_empty() {
            page.above = companion.render().unwrap_or_default();
        }
        // The keyboard begins with the people.
        for field in &mut page.fields {
            field.focus = false;
        }
    }
    answer::page_with_script(200, page.render().unwrap_or_default(), &page.nonce)
}

/// Identity Engine's list of security methods: the one that the transaction waits for.
pub(crate) fn authenticators(exchange: &Exchange, transaction: &Transaction, handle: &str) -> Reply {
    let method = match &transaction.stage {
        Stage::Passcode { secret, .. } if emailed_code(secret).is_some() => ("okta_email", "Email"),
        Stage::Passcode { .. } | Stage::Enroll { .. } => ("google_otp", "Google Authenticator"),
        _ => ("okta_password", "Password"),
    };
    let step = step(transaction, handle, exchange.idp.tenant().page, Problem::None);
    let page = AuthenticatorsPage::new(shell(exchange), step, method);
    answer::page(200, page.render().unwrap_or_default())
}

fn consent(exchange: &Exchange, transaction: &Transaction, handle: &str, scopes: &[String]) -> Reply {
    let tenant = exchange.idp.tenant();
    let client = tenant.client(&transaction.request.client_id);
    let page = ConsentPage {
        shell: shell(exchange),
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

/// The page on which a device's code is entered.
pub(crate) fn activate(exchange: &Exchange, code: &str, wrong: bool) -> Reply {
    let page = FormPage::activation(shell(exchange), code, wrong);
    answer::page(200, page.render().unwrap_or_default())
}

/// The page after that.
pub(crate) fn activation(exchange: &Exchange, allowed: bool) -> Reply {
    let (heading, text) = activated(allowed);
    notice(exchange, heading, text, None)
}

/// A page that only says something.
pub(crate) fn notice(exchange: &Exchange, heading: &str, text: &str, link: Option<Link>) -> Reply {
    let page = NoticePage::new(shell(exchange), heading, text, link);
    answer::page(200, page.render().unwrap_or_default())
}

/// The page that loads the front-channel logout URIs of other applications in frames, then goes on.
pub(crate) fn signing_out(exchange: &Exchange, frames: &[String], destination: &str) -> Reply {
    let nonce = random::token22();
    let page = SigningOutPage {
        shell: shell(exchange),
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

/// What was sent, beside what is registered.
#[derive(Template)]
#[template(path = "near_miss.html")]
struct WhatWasSent {
    near_miss: NearMiss,
    flow: String,
}

/// Okta's error page, for refusals that have nowhere to be redirected to; below it, what was sent.
pub(crate) fn error(exchange: &Exchange, error: &OAuthError) -> Reply {
    let below = exchange.near_miss(error).map(|near_miss| WhatWasSent {
        near_miss,
        flow: exchange.flow().map(|flow| flow.id.to_string()).unwrap_or_default(),
    });
    let page = ErrorPage {
        shell: shell(exchange).plain(),
        home: exchange.org(),
        error: error.error,
        description: &error.text,
        below: below.and_then(|below| below.render().ok()).unwrap_or_default(),
    };
    answer::page(400, page.render().unwrap_or_default())
}
