//! `/_mock/*`: what tests say to the mock itself. Here: entering a flow.

use crate::{
    endpoint::answer::{self, Answered},
    exchange::Exchange,
    flow::scenario::FlowId,
    protocol::error::API_NOT_FOUND,
};

/// The cookie that binds the next authorization request of a browser to a flow.
pub(crate) const FLOW_COOKIE: &str = "mock_idp_flow";

/// The path below which flows live.
pub(crate) const FLOWS: &str = "/_mock/flows/";

/// `GET /_mock/flows/{flow}/enter[?to=URL]`: sets the one-shot cookie, then 204, or a redirect to `to`.
pub(crate) fn enter(exchange: &mut Exchange) -> Answered {
    let text = exchange.path.trim_start_matches(FLOWS);
    let text = text.trim_end_matches("/enter");
    let id = text.strip_prefix("f-").and_then(|number| number.parse().ok());
    let Some(flow) = id.and_then(|id| exchange.idp.store.flow(FlowId(id))) else {
        return Err(API_NOT_FOUND
            .with("this flow was never begun, or it is forgotten")
            .into());
    };
    let ticket = exchange.idp.store.ticket(&flow);
    let cookie = format!("{FLOW_COOKIE}={ticket};{}", exchange.idp.cookie_attributes());
    let mut reply = match exchange.query.filled("to") {
        Some(to) => answer::redirect(302, to),
        None => answer::empty(204),
    };
    reply.headers.push(("set-cookie".into(), cookie.into()));
    Ok(reply)
}
