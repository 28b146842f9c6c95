//! Faults of what passes through the browser: code, authorization response, end-session answer.

use url::Url;

use super::{Context, forge, text, token_response::error};
use crate::{
    flow::fault::{AuthorizationResponseFault, CodeFault, EndSessionFault},
    protocol::draft::{AuthorizationDraft, Delivery, Reply},
};

pub(super) fn code(code: &mut String, fault: CodeFault) {
    match fault {
        CodeFault::Reissued | CodeFault::PkceEnforced | CodeFault::PkceIgnored => {}
        CodeFault::Symbols => code.push_str("+/=%&~.-"),
        CodeFault::PercentSequences => code.push_str("%2B%20%25%zz%u0041"),
        CodeFault::Long512 => lengthen(code, 512),
        CodeFault::Long2048 => lengthen(code, 2048),
        CodeFault::Long4096 => lengthen(code, 4096),
    }
}

fn lengthen(code: &mut String, length: usize) {
    let filling = text::base64url(&forge::junk(code, length));
    let missing = length.saturating_sub(code.len());
    code.extend(filling.chars().take(missing));
}

pub(super) fn authorization_response(
    draft: &mut AuthorizationDraft,
    fault: AuthorizationResponseFault,
    context: &Context<'_>,
) {
    let mut iss = |value: Option<String>| {
        draft.params.retain(|(name, _)| name != "iss");
        if let Some(value) = value {
            draft.params.push(("iss".to_owned(), value));
        }
    };
    match fault {
        AuthorizationResponseFault::Rewritten => {}
        AuthorizationResponseFault::IssRight => iss(Some(context.issuer.to_owned())),
        AuthorizationResponseFault::IssOther => iss(Some("https://other-tenant.okta.com/oauth2/default".to_owned())),
        AuthorizationResponseFault::IssSuffix => iss(Some(format!("{}1", context.issuer))),
        AuthorizationResponseFault::IssMissing => iss(None),
        AuthorizationResponseFault::ExtraParameters => {
            for (name, value) in [
                ("session_state", "7b2e.c41d"),
                ("scope", "openid profile"),
                ("x_unknown", "1"),
            ] {
                draft.params.push((name.to_owned(), value.to_owned()));
            }
        }
        AuthorizationResponseFault::Found302 => draft.status = 302,
        AuthorizationResponseFault::SeeOther303 => draft.status = 303,
    }
}

pub(super) fn end_session(reply: &mut Reply, fault: EndSessionFault) {
    match fault {
        EndSessionFault::Rewritten => {}
        EndSessionFault::StateOther => return_with(reply, &[("state", Some("another-state"))]),
        EndSessionFault::StateAbsent => return_with(reply, &[("state", None)]),
        EndSessionFault::Error => return_with(
            reply,
            &[
                ("error", Some("server_error")),
                ("error_description", Some("The sign-out failed.")),
            ],
        ),
        EndSessionFault::Hang => reply.delivery = Delivery::Never,
        EndSessionFault::Status500 => {
            reply.headers.retain(|(name, _)| name != "location");
            error(reply, 500, "server_error", "The server encountered an internal error.");
        }
    }
}

/// Changes parameters of the URL that the user comes back to.
fn return_with(reply: &mut Reply, changes: &[(&str, Option<&str>)]) {
    let Some((_, location)) = reply.headers.iter_mut().find(|(name, _)| name == "location") else {
        return;
    };
    let Ok(mut url) = Url::parse(location) else { return };
    let mut pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    for (name, value) in changes {
        pairs.retain(|(old, _)| old != name);
        pairs.extend(value.map(|value| ((*name).to_owned(), value.to_owned())));
    }
    url.set_query(None);
    if !pairs.is_empty() {
        url.query_pairs_mut().extend_pairs(pairs);
    }
    *location = String::from(url).into();
}
