//! One request on its way through: read whole, answered, recorded, written.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use axum::{
    body::Body as HttpBody,
    extract::State,
    http::{Request, Response, header},
    middleware::Next,
};
use tokio::{runtime::Handle, sync::watch, task::spawn_blocking};

use crate::{
    delivery,
    endpoint::{answer, cors, dpop, limits, page, userinfo},
    exchange::{Answer, Exchange, Refusal},
    flow::{
        record::{Endpoint, Event, Stamp},
        scenario::Barrier,
        store::{Away, Remote},
    },
    idp::Idp,
    okta::error::{
        API_BODY_MALFORMED, API_INTERNAL, API_NO_PERMISSION, API_REQUEST_TOO_LARGE, API_UNAVAILABLE, ApiError,
    },
    protocol::{
        draft::{Cut, Delivery, Reply},
        random,
    },
    wire::{self, Cutter},
};

/// Larger bodies are refused.
const BODY_LIMIT: usize = 1024 * 1024;

/// Whether another process has opened the barrier of a flow is looked for so often.
const HELD: Duration = Duration::from_millis(20);

/// What other processes recorded is looked for so often while somebody follows it.
const FOLLOW: Duration = Duration::from_millis(100);

/// Answers one request.
pub(crate) async fn answer(
    idp: Arc<Idp>,
    endpoint: Endpoint,
    handle: Answer,
    request: Request<HttpBody>,
) -> Response<HttpBody> {
    let at = Stamp::now();
    let (parts, body) = request.into_parts();
    let cutter = parts.extensions.get::<Cutter>().cloned();
    let accepts_gzip = parts
        .headers
        .get(header::ACCEPT_ENCODING)
        .is_some_and(|value| value.to_str().is_ok_and(|value| value.contains("gzip")));
    let body = wire::read_body(body, BODY_LIMIT).await;
    let is_whole = body.is_ok();
    let body = body.unwrap_or_default();
    let mut exchange = Exchange::new(idp, endpoint, at, parts, body);
    // Only metadata and keys are held back for everybody, and answered when that is over.
    let may_be_held = matches!(endpoint, Endpoint::Metadata | Endpoint::Jwks);
    let held_at = may_be_held.then(|| (exchange.idp.clone(), exchange.server_id.clone()));
    let mut reply = if exchange.idp.store.remote().is_some() {
        let answered = shared(exchange, handle, is_whole).await;
        answered.unwrap_or_else(delivery::serialised)
    } else {
        let reply = handled(&mut exchange, handle, is_whole);
        exchange.wait_at_barrier().await;
        finished(&mut exchange, reply)
    };
    if let Some((idp, server)) = held_at
        && let Some(afterwards) = delivery_after_repair(&reply)
    {
        tokio::select! {
            biased;
            response = delivery::write(reply.clone(), accepts_gzip, cutter.as_ref()) => return response,
            () = repaired(&idp, &server) => reply.delivery = afterwards,
        }
    }
    delivery::write(reply, accepts_gzip, cutter.as_ref()).await
}

/// How an answer is delivered that a server-wide fault holds back, once that fault is over; `None` where none does. A server
/// that is repaired is usually one that was started anew: what hung has lost its connection, what was slow is answered.
fn delivery_after_repair(reply: &Reply) -> Option<Delivery> {
    match reply.delivery {
        Delivery::Never => Some(Delivery::Cut(Cut::BeforeHeaders)),
        Delivery::After(_) => Some(Delivery::Normal),
        _ => None,
    }
}

/// Returns when no server-wide fault lets anybody wait for this server any more.
async fn repaired(idp: &Arc<Idp>, server: &str) {
    let mut changes = idp.changes();
    while idp.keeps_waiting(server) {
        if idp.store.remote().is_none() {
            // The sender lives as long as the server.
            let _ = changes.changed().await;
            continue;
        }
        // Another process may have ended it: each unit of work begins with how the org is now.
        tokio::time::sleep(FOLLOW).await;
        let _ = in_unit(idp, Vec::new(), || ()).await;
    }
}

/// The answer as it is written, recorded.
fn finished(exchange: &mut Exchange, reply: Reply) -> Reply {
    let reply = delivery::serialised(reply);
    exchange.record_answer(&reply);
    reply
}

/// Decides and answers as one unit of work. What follows a barrier is another one: the store must not be waited for meanwhile.
async fn shared(mut exchange: Exchange, handle: Answer, is_whole: bool) -> Result<Reply, Reply> {
    let idp = exchange.idp.clone();
    if may_be_tried(exchange.endpoint) && !exchange.flow_is_watched() {
        let tried = attempt(&mut exchange, handle, is_whole).await;
        if let Some(reply) = tried.map_err(|why| away(&idp, why))? {
            return Ok(reply);
        }
        exchange.again();
    }
    let wanted = exchange.places();
    let work = move || {
        let reply = handled(&mut exchange, handle, is_whole);
        match exchange.barrier().zip(exchange.flow().map(|flow| flow.id)) {
            None => Ok(finished(&mut exchange, reply)),
            Some((Barrier { at: point, .. }, flow)) => {
                exchange.event(Event::Held { point });
                Err(Box::new((exchange, reply, point, flow)))
            }
        }
    };
    let (mut exchange, reply, point, flow) = match in_unit(&idp, wanted, work).await? {
        Ok(reply) => return Ok(reply),
        Err(held) => *held,
    };
    loop {
        let unit = idp.clone();
        if in_unit(&idp, Vec::new(), move || unit.store.is_released(flow)).await? {
            break;
        }
        tokio::time::sleep(HELD).await;
    }
    let work = move || {
        exchange.event(Event::Released { point });
        finished(&mut exchange, reply)
    };
    in_unit(&idp, Vec::new(), work).await
}

/// Whether what this endpoint does may be done twice where nothing came of it at first. Those of a sign-in do nothing beside
/// what they write into the store.
fn may_be_tried(endpoint: Endpoint) -> bool {
    matches!(
        endpoint,
        Endpoint::Metadata | Endpoint::Jwks | Endpoint::Authorize | Endpoint::Token | Endpoint::Userinfo
    )
}

/// Decides and answers without waiting for the store on a thread; `None` if that has to be done by one that waits.
async fn attempt(exchange: &mut Exchange, handle: Answer, is_whole: bool) -> Result<Option<Reply>, Away> {
    let idp = exchange.idp.clone();
    let Some(remote) = idp.store.remote() else {
        return Ok(None);
    };
    let Some(read) = remote.read_ahead(exchange.places()).await? else {
        return Ok(None);
    };
    let work = || {
        // Who has to learn how the org is has to wait.
        idp.is_current().then(|| {
            let reply = handled(exchange, handle, is_whole);
            let is_held = exchange.barrier().is_some();
            (!is_held).then(|| finished(exchange, reply))
        })
    };
    let Some((Some(Some(reply)), conclusion)) = remote.attempt(read, work) else {
        return Ok(None);
    };
    Ok(remote.conclude(conclusion).await?.then_some(reply))
}

/// Runs `work` as one unit of work, where several processes share what they remember; it will ask for the entries at the places
/// `wanted`. It waits for Redis, so it has a thread for itself meanwhile.
///
/// # Errors
/// The answer where Redis is away, whatever came of `work`: 503.
async fn in_unit<R: Send + 'static>(
    idp: &Arc<Idp>,
    wanted: Vec<String>,
    work: impl FnOnce() -> R + Send + 'static,
) -> Result<R, Reply> {
    let Some(remote) = idp.store.remote().cloned() else {
        return Ok(work());
    };
    let unit_idp = idp.clone();
    let unit = move || {
        let done = remote.unit_with(wanted, || {
            unit_idp.refresh();
            // Without Redis nobody acts on what is not known.
            Remote::broken().is_none().then(work)
        });
        done.and_then(|done| done.ok_or_else(Away::default))
    };
    match spawn_blocking(unit).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(why)) => Err(away(idp, why)),
        // The answer could not be made.
        Err(_) => Err(answer::api_error(&API_INTERNAL)),
    }
}

/// The answer where Redis is away.
fn away(idp: &Idp, Away(why): Away) -> Reply {
    let address = idp
        .store
        .remote()
        .map(|remote| remote.address.as_str())
        .unwrap_or_default();
    let mut reply = answer::api_error(&ApiError {
        causes: vec![format!(
            "The store at {address}, which the processes of this server share, does not answer: {why}"
        )],
        ..API_UNAVAILABLE
    });
    answer::put(&mut reply, "retry-after", "1");
    reply
}

/// Answers a call of the control API as one unit of work. Whether this process lives is told without.
pub(crate) async fn call_in_unit(
    State(idp): State<Arc<Idp>>,
    request: Request<HttpBody>,
    next: Next,
) -> Response<HttpBody> {
    if request.uri().path() == "/_mock/health" {
        return next.run(request).await;
    }
    let runtime = Handle::current();
    match in_unit(&idp, Vec::new(), move || runtime.block_on(next.run(request))).await {
        Ok(response) => response,
        Err(reply) => delivery::write(delivery::serialised(reply), false, None).await,
    }
}

/// Reads what other processes record, while somebody follows it, until the server stops.
pub(crate) async fn follow(idp: Weak<Idp>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(FOLLOW) => {}
            _ = stop.changed() => return,
        }
        let Some(idp) = idp.upgrade() else { return };
        if idp.journal.is_followed() {
            // What cannot be read now is read at the next turn.
            let _ = spawn_blocking(move || idp.journal.catch_up()).await;
        }
    }
}

/// Decides and answers; the flow that the exchange is bound to decides what is drawn meanwhile.
fn handled(exchange: &mut Exchange, handle: Answer, is_whole: bool) -> Reply {
    let _scope = random::scope();
    exchange.note_domain();
    let is_foreign = is_management(&exchange.path) && !is_for_us(exchange);
    let left = limits::count(exchange);
    let answered = if !is_whole {
        Err(API_BODY_MALFORMED.into())
    } else if is_foreign {
        Err(ApiError {
            causes: vec![
                "The Host header names another server: start this one with that name as its --issuer.".to_owned(),
            ],
            ..API_NO_PERMISSION
        }
        .into())
    } else if left.is_some_and(|left| left.exceeded) {
        Err(limits::refusal(exchange))
    } else if exchange.query.is_excessive() || exchange.form.is_excessive() {
        Err(API_REQUEST_TOO_LARGE.into())
    } else {
        handle(exchange)
    };
    let mut reply = answered.unwrap_or_else(|refusal| match refusal {
        Refusal::OAuth(error) => answer::oauth_error(exchange, &error),
        Refusal::Api(error) => {
            exchange.explain_api(&error);
            answer::api_error(&error)
        }
        Refusal::Page(error) => page::error(exchange, &error),
        Refusal::Dpop(error) => {
            let mut reply = answer::oauth_error(exchange, &error);
            if error.error == "use_dpop_nonce" {
                answer::put(&mut reply, "dpop-nonce", dpop::nonce(exchange));
            }
            reply
        }
        Refusal::Challenge(error) => userinfo::challenge(exchange, &error),
    });
    answer::complete(exchange, &mut reply, left);
    cors::allow(exchange, &mut reply);
    exchange.finish();
    reply
}

/// What administers the org: no name of somebody else's that resolves to this machine may reach it (DNS rebinding).
fn is_management(path: &str) -> bool {
    path.starts_with("/api/v1/") || path.starts_with("/oauth2/v1/clients")
}

fn is_for_us(exchange: &Exchange) -> bool {
    let host = exchange.header(header::HOST);
    host.is_none_or(|host| exchange.idp.is_own_host(host))
}
