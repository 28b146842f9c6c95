//! Client authentication (RFC 6749 §2.3) at the token, introspection and revocation endpoints.

use std::sync::Arc;

use aws_lc_rs::constant_time;
use axum::http::header;
use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;

use crate::{
    endpoint::{answer::Refusal, client_assertion},
    exchange::Exchange,
    okta::error::*,
    protocol::params::Params,
    tenant::{AuthMethod, Client},
};

/// What a client sent to prove itself.
#[derive(Debug)]
struct Credentials {
    id: String,
    secret: Option<String>,
    /// Whether the secret came in the header.
    basic: bool,
}

/// The parameters of an endpoint that takes forms only.
pub(crate) fn form(exchange: &Exchange) -> Result<Params, Refusal> {
    let is_form = exchange.header(header::CONTENT_TYPE).is_some_and(|value| {
        value
            .to_ascii_lowercase()
            .starts_with("application/x-www-form-urlencoded")
    });
    if is_form || exchange.body.is_empty() {
        Ok(exchange.form.clone())
    } else {
        Err(API_MEDIA_TYPE.into())
    }
}

/// The client that sends this request; otherwise the refusal.
///
/// In a watched flow a wrong secret is recorded only; an unknown client never gets through.
pub(crate) fn authenticate(exchange: &mut Exchange, params: &Params) -> Result<Arc<Client>, Refusal> {
    if exchange.query.has("client_secret") || exchange.query.has("client_assertion") {
        objection(exchange, &CREDENTIALS_IN_QUERY)?;
    }
    if params.has("client_assertion") {
        let basic = exchange.header(axum::http::header::AUTHORIZATION).is_some();
        if basic || params.has("client_secret") {
            return Err(refusal(exchange, &CREDENTIALS_SEVERAL));
        }
        return client_assertion::authenticate(exchange, params);
    }
    let credentials = read(exchange, params)?;
    let Some(client) = exchange.idp.client(&credentials.id) else {
        let _ = exchange.refuse(&CLIENT_UNKNOWN);
        return Err(API_CLIENT_UNKNOWN.into());
    };
    let strict = !exchange.idp.tenant().unverified.secret_methods_interchangeable;
    let is_configured = match client.auth_method {
        AuthMethod::ClientSecretBasic => credentials.basic || !strict,
        AuthMethod::ClientSecretPost => !credentials.basic || !strict,
        AuthMethod::ClientSecretJwt | AuthMethod::PrivateKeyJwt => false,
        AuthMethod::None => true,
    };
    if credentials.secret.is_some() && !is_configured {
        objection(exchange, &CLIENT_AUTH_FAILED)?;
    }
    match (&client.secret, &credentials.secret, client.auth_method) {
        (_, None, AuthMethod::None) => {}
        (_, Some(_), AuthMethod::None) | (_, None, _) => objection(exchange, &CLIENT_AUTH_FAILED)?,
        (Some(right), Some(given), _) => {
            if constant_time::verify_slices_are_equal(right.as_bytes(), given.as_bytes()).is_err() {
                objection(exchange, &CLIENT_SECRET_WRONG)?;
            }
        }
        (None, Some(_), _) => objection(exchange, &CLIENT_SECRET_WRONG)?,
    }
    Ok(client)
}

fn read(exchange: &mut Exchange, params: &Params) -> Result<Credentials, Refusal> {
    let basic = exchange
        .header(axum::http::header::AUTHORIZATION)
        .filter(|value| {
            value
                .get(..6)
                .is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic "))
        })
        .map(|value| value[6..].trim().to_owned());
    let id = params.filled("client_id").map(str::to_owned);
    let secret = params.filled("client_secret").map(str::to_owned);
    let Some(basic) = basic else {
        return match id {
            Some(id) => Ok(Credentials {
                id,
                secret,
                basic: false,
            }),
            None => Err(refusal(exchange, &CREDENTIALS_MISSING)),
        };
    };
    if secret.is_some() || params.has("client_assertion") {
        objection(exchange, &CREDENTIALS_SEVERAL)?;
    }
    let text = STANDARD
        .decode(basic)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    match text.as_deref().map(|text| text.split_once(':').ok_or(text)) {
        Some(Ok((id, secret))) => Ok(decoded(exchange, id, secret)),
        // okta-auth-js revokes and introspects tokens of public clients like this.
        Some(Err(id))
            if exchange
                .idp
                .client(id)
                .is_some_and(|client| client.auth_method == AuthMethod::None) =>
        {
            Ok(Credentials {
                id: id.to_owned(),
                secret: None,
                basic: true,
            })
        }
        _ => Err(refusal(exchange, &CREDENTIALS_UNREADABLE)),
    }
}

/// Some libraries form-encode id and secret before Base64 (as RFC 6749 §2.3.1 says), some do not: take what fits.
fn decoded(exchange: &Exchange, id: &str, secret: &str) -> Credentials {
    let plain = |text: &str| {
        percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    let fits = |id: &str, secret: &str| {
        exchange
            .idp
            .client(id)
            .is_some_and(|client| client.secret.as_deref() == Some(secret))
    };
    let (id_plain, secret_plain) = (plain(id), plain(secret));
    let (id, secret) = if !fits(id, secret) && fits(&id_plain, &secret_plain) {
        (id_plain, secret_plain)
    } else {
        (id.to_owned(), secret.to_owned())
    };
    Credentials {
        id,
        secret: Some(secret),
        basic: true,
    }
}

/// The refusal as an error of `?`, or nothing where the flow is only watched.
pub(crate) fn objection(exchange: &mut Exchange, error: &OAuthError) -> Result<(), Refusal> {
    match exchange.object(error) {
        Some(error) => Err(Refusal::OAuth(error)),
        None => Ok(()),
    }
}

/// The refusal, whatever the flow.
pub(crate) fn refusal(exchange: &mut Exchange, error: &OAuthError) -> Refusal {
    Refusal::OAuth(exchange.refuse(error))
}
