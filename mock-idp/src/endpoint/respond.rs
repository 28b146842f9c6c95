//! The authorization response: a code (and tokens) or an error, in the mode that was asked for (RFC 6749 §4.1.2).

use std::sync::Arc;

use askama::Template;

use crate::{
    delivery,
    endpoint::{activate, answer, tokens},
    exchange::Exchange,
    flow::{
        fault::{Fault, Message},
        record::Event,
        store::{Asker, Code, Flow, Grant, Request, locked},
        tamper,
    },
    idp::with_context,
    okta::error::{OAuthError, SERVER_ERROR, TOO_MANY_GROUPS},
    protocol::{
        draft::{AuthorizationDraft, Body, Reply, ResponseMode},
        params::Params,
        random,
    },
};

/// How long a code may be redeemed, seconds.
const CODE_LIFETIME: i64 = 300;

/// Issues what was asked for and brings the browser back.
pub(crate) fn granted(exchange: &mut Exchange, grant: &Grant) -> Reply {
    let issued = match &grant.request.asker {
        Asker::Device(device) => return activate::approve(exchange, grant, device),
        Asker::Home(page) => return answer::redirect(302, page),
        Asker::Interaction => Ok(with_state(
            vec![("interaction_code".to_owned(), issue_code(exchange, grant))],
            &grant.request,
        )),
        Asker::RelyingParty => issue(exchange, grant),
    };
    match issued {
        Ok(params) => response(exchange, Some(&grant.flow), &grant.request, params),
        Err(error) => {
            let error = exchange.refuse(&error);
            refuse(exchange, &grant.request, &error)
        }
    }
}

/// Brings an error back to the relying party: `state`, `error`, `error_description`.
pub(crate) fn refuse(exchange: &mut Exchange, request: &Request, error: &OAuthError) -> Reply {
    if let Asker::Device(device) = &request.asker {
        return activate::deny(exchange, device);
    }
    let mut params = with_state(Vec::new(), request);
    if params.is_empty() && exchange.idp.tenant().unverified.empty_state {
        params.push(("state".to_owned(), String::new()));
    }
    params.push(("error".to_owned(), error.error.to_owned()));
    params.push(("error_description".to_owned(), error.text.to_string()));
    let flow = exchange.flow().cloned();
    response(exchange, flow.as_ref(), request, params)
}

/// The parameters of a good response, in Okta's order.
fn issue(exchange: &mut Exchange, grant: &Grant) -> Result<Vec<(String, String)>, OAuthError> {
    let request = &grant.request;
    let wanted = request.response_type;
    let mut params = Vec::new();
    let code = wanted.code.then(|| issue_code(exchange, grant));
    if wanted.id_token || wanted.token {
        let server = exchange.server_of(&request.server).ok_or(SERVER_ERROR)?;
        let client = exchange.idp.client(&request.client_id).ok_or(SERVER_ERROR)?;
        if wanted.id_token && tokens::has_too_many_groups(&server, &client, &grant.subject, &request.scopes) {
            return Err(TOO_MANY_GROUPS);
        }
        let issued = tokens::front_channel(exchange, &server, grant, code.as_deref()).map_err(|_| SERVER_ERROR)?;
        params.extend(issued);
    }
    if let Some(code) = code {
        params.insert(0, ("code".to_owned(), code));
    }
    Ok(with_state(params, request))
}

fn with_state(mut params: Vec<(String, String)>, request: &Request) -> Vec<(String, String)> {
    if let Some(state) = &request.state {
        params.push(("state".to_owned(), state.clone()));
    }
    params
}

/// A code that the client may redeem once.
pub(crate) fn issue_code(exchange: &mut Exchange, grant: &Grant) -> String {
    let honest = random::token43();
    let mut code = honest.clone();
    let faults: Vec<Fault> = grant.flow.faults(Message::Code).collect();
    let client = exchange.idp.client(&grant.request.client_id);
    if !faults.is_empty()
        && let Some(server) = exchange.idp.server(&grant.request.server)
    {
        with_context(
            &exchange.idp,
            &server,
            Some(&grant.flow),
            client.as_deref(),
            |context| {
                for fault in &faults {
                    tamper::code(&mut code, *fault, context);
                }
            },
        );
    }
    exchange.sent(&faults, &honest, &code);
    {
        let mut memory = locked(&grant.flow.memory);
        memory.nonce.clone_from(&grant.request.nonce);
        memory.state.clone_from(&grant.request.state);
        memory.code = Some(code.clone());
    }
    exchange.event(Event::CodeIssued { code: code.clone() });
    exchange.idp.store.codes.put(
        code.as_str().into(),
        Code {
            grant: grant.clone(),
            expires: exchange.idp.clock.now() + CODE_LIFETIME,
            redeemed: false,
        },
    );
    code
}

/// Lets the faults of the flow at the response, then writes it in its mode.
fn response(
    exchange: &mut Exchange,
    flow: Option<&Arc<Flow>>,
    request: &Request,
    params: Vec<(String, String)>,
) -> Reply {
    let mut draft = AuthorizationDraft {
        status: 302,
        redirect_uri: request.redirect_uri.clone(),
        params,
        mode: request.mode,
    };
    let hold = flow.is_some_and(|flow| flow.scenario.hold_response);
    let faults: Vec<Fault> = flow
        .map(|flow| flow.faults(Message::AuthorizationResponse).collect())
        .unwrap_or_default();
    if faults.is_empty() {
        return write(&draft, hold);
    }
    let honest = write(&draft, hold);
    let client = exchange.idp.client(&request.client_id);
    if let Some(server) = exchange.idp.server(&request.server) {
        with_context(&exchange.idp, &server, flow, client.as_deref(), |context| {
            for fault in &faults {
                tamper::authorization_response(&mut draft, *fault, context);
            }
        });
    }
    let written = write(&draft, hold);
    exchange.sent(&faults, &essence(&honest), &essence(&written));
    written
}

/// What of a response matters to the relying party; request ids and such differ between any two.
fn essence(reply: &Reply) -> String {
    let mut reply = reply.clone();
    reply
        .headers
        .retain(|(name, _)| name == "location" || name == "content-type");
    delivery::rendering(&reply)
}

fn write(draft: &AuthorizationDraft, hold: bool) -> Reply {
    let encoded = Params::write(&draft.params);
    let base = &draft.redirect_uri;
    let location = match draft.mode {
        ResponseMode::Query if encoded.is_empty() => base.clone(),
        ResponseMode::Query => format!("{base}{}{encoded}", if base.contains('?') { '&' } else { '?' }),
        ResponseMode::Fragment => format!("{base}#{encoded}"),
        ResponseMode::FormPost => return form_post(draft),
        ResponseMode::PostMessage => return post_message(draft),
    };
    if hold {
        let page = HeldPage { location: &location };
        return answer::page(200, page.render().unwrap_or_default());
    }
    answer::redirect(draft.status, &location)
}

#[derive(Template)]
#[template(path = "okta/form_post.html")]
struct FormPostPage<'a> {
    action: &'a str,
    params: &'a [(String, String)],
}

#[derive(Template)]
#[template(path = "held.html")]
struct HeldPage<'a> {
    location: &'a str,
}

#[derive(Template)]
#[template(path = "okta/post_message.html")]
struct PostMessagePage {
    /// A JSON object, with `<` escaped.
    message: String,
    /// A JSON string.
    target: String,
}

fn form_post(draft: &AuthorizationDraft) -> Reply {
    let page = FormPostPage {
        action: &draft.redirect_uri,
        params: &draft.params,
    };
    scripted(page.render().unwrap_or_default())
}

fn post_message(draft: &AuthorizationDraft) -> Reply {
    let message: serde_json::Map<String, serde_json::Value> = draft
        .params
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().into()))
        .collect();
    let origin = url::Url::parse(&draft.redirect_uri)
        .map(|url| url.origin().ascii_serialization())
        .unwrap_or_default();
    let script_safe = |value: serde_json::Value| value.to_string().replace('<', "\\u003c");
    let page = PostMessagePage {
        message: script_safe(message.into()),
        target: script_safe(origin.into()),
    };
    let mut reply = scripted(page.render().unwrap_or_default());
    // The page must be framed by the application that waits for the message.
    reply.headers.retain(|(name, _)| name != "x-frame-options");
    reply
}

/// A page that consists of a script.
fn scripted(html: String) -> Reply {
    let mut reply = answer::page(200, html.clone());
    reply.headers.retain(|(name, _)| name != "content-security-policy");
    reply.body = Body::Bytes(html.into_bytes());
    reply
}
