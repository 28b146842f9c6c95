//! The proxy behind a gate: reads what a browser asks for, hands it on or holds it, and hands the answer back.

use std::{convert::Infallible, sync::Arc};

use ::http::{Request as HttpRequest, Response, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use mock_idp::flow::record::Stamp;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use url::Url;

use super::{
    passage::{OnItsWay, Passage, Shared},
    tunnel::acceptor,
};
use crate::{
    browser::{http::Outgoing, rule::Kind},
    evidence::Answer,
};

/// The path on which the gate itself answers with an empty page: a document of any origin, without asking that origin.
pub(super) const BLANK_PATH: &str = "/conformance-blank";

/// Larger than any script that a page needs.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// Serves every connection of one browser until it is dropped.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                connections.spawn(connection(stream, Arc::clone(&shared)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request: HttpRequest<Incoming>| {
        let shared = Arc::clone(&shared);
        async move {
            if request.method() != ::http::Method::CONNECT {
                return Ok::<_, Infallible>(pass(&shared, request, None).await);
            }
            let authority = request.uri().authority().map(ToString::to_string).unwrap_or_default();
            tokio::spawn(async move {
                if let Ok(stream) = hyper::upgrade::on(request).await {
                    tunnel(TokioIo::new(stream), authority, shared).await;
                }
            });
            Ok(plain(StatusCode::OK, ""))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .max_headers(512)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    // A browser closes connections as it likes.
    let _closed = connection.await;
}

/// Serves what the browser believes to be a TLS connection to this server.
async fn tunnel(stream: impl AsyncRead + AsyncWrite + Unpin + Send, authority: String, shared: Arc<Shared>) {
    let Some(acceptor) = acceptor() else {
        return;
    };
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let service = service_fn(move |request| {
        let (shared, authority) = (Arc::clone(&shared), authority.clone());
        async move { Ok::<_, Infallible>(pass(&shared, request, Some(&authority)).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .max_headers(512)
        .serve_connection(TokioIo::new(stream), service);
    let _closed = connection.await;
}

/// Hands a request on, or holds it. `tunnel`: to whom, for a request that came over TLS.
async fn pass(shared: &Shared, request: HttpRequest<Incoming>, tunnel: Option<&str>) -> Response<Full<Bytes>> {
    let Some(mut outgoing) = read(request, tunnel).await else {
        return plain(
            StatusCode::BAD_REQUEST,
            "the conformance harness cannot read this request",
        );
    };
    if outgoing.target.starts_with(BLANK_PATH) {
        return blank();
    }
    let kind = kind_of(&outgoing);
    if outgoing.target == "/favicon.ico" && kind == Kind::Other {
        return plain(StatusCode::NOT_FOUND, "");
    }
    if matches!(kind, Kind::Other | Kind::Fetch) && is_browsers_own(&outgoing) {
        return plain(StatusCode::BAD_GATEWAY, "the harness lets no browser call home");
    }
    let owner = (shared.owners)(&outgoing.origin);
    let (epoch, number) = match shared.enter(kind, owner, &mut outgoing) {
        Passage::Held => return plain(StatusCode::NO_CONTENT, ""),
        Passage::Number(epoch, number) => (epoch, number),
    };
    let on_its_way = OnItsWay(shared);
    let answer = shared.client.send_whole(&outgoing, BODY_LIMIT).await;
    let record = match &answer {
        Ok(whole) => whole.record(),
        Err((problem, text)) => Answer::Broken {
            problem: *problem,
            text: text.clone(),
        },
    };
    {
        let mut state = shared.state();
        let current = state.epoch == epoch;
        if let Some(seen) = state.seen.get_mut(number).filter(|_| current) {
            seen.answer = record;
            seen.done = Stamp::now();
        }
    }
    drop(on_its_way);
    match answer {
        Ok(whole) => hand_on(whole.head, whole.body),
        Err((_, text)) => plain(StatusCode::BAD_GATEWAY, &format!("no answer: {text}")),
    }
}

/// Whether the browser asks for itself (its clock, its components), whatever its command line says: no page is behind it.
fn is_browsers_own(outgoing: &Outgoing) -> bool {
    let home = |host: &str| {
        const HOMES: &[&str] = &[
            ".google.com",
            ".googleapis.com",
            ".gvt1.com",
            ".gstatic.com",
            ".mozilla.com",
            ".mozilla.net",
            ".mozilla.org",
            ".firefox.com",
        ];
        HOMES.iter().any(|suffix| host.ends_with(suffix))
    };
    let of_a_page = outgoing
        .headers
        .iter()
        .any(|(name, _)| matches!(name.as_str(), "referer" | "origin"));
    !of_a_page && outgoing.origin.host_str().is_some_and(home)
}

/// The request as it goes on: addressed to its server, without what was meant for a proxy. Compression is not asked
/// for, so that bodies can be read.
async fn read(request: HttpRequest<Incoming>, tunnel: Option<&str>) -> Option<Outgoing> {
    let (head, body) = request.into_parts();
    let origin = match tunnel {
        Some(authority) => format!("https://{authority}/"),
        None => format!("{}://{}/", head.uri.scheme_str()?, head.uri.authority()?),
    };
    let origin = Url::parse(&origin).ok()?;
    let target = head
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str())
        .to_owned();
    let body = Limited::new(body, BODY_LIMIT).collect().await.ok()?.to_bytes().to_vec();
    let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, value) in &head.headers {
        if !is_hop_by_hop(name.as_str()) && name != "accept-encoding" {
            headers.push((name.as_str().to_owned(), value.as_bytes().to_vec()));
        }
    }
    Some(Outgoing {
        origin,
        method: head.method.as_str().to_owned(),
        target,
        headers,
        body,
    })
}

fn hand_on(head: ::http::response::Parts, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = head.status;
    for (name, value) in &head.headers {
        if !is_hop_by_hop(name.as_str()) && name != "content-length" {
            response.headers_mut().append(name, value.clone());
        }
    }
    response
}

/// Fields for one connection only (RFC 9110 §7.6.1).
fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection" | "proxy-connection" | "keep-alive" | "transfer-encoding" | "te" | "trailer" | "upgrade"
    )
}

fn kind_of(request: &Outgoing) -> Kind {
    let field = |wanted: &str| {
        let found = request.headers.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    };
    match field("sec-fetch-dest").as_deref() {
        Some("document") => Kind::Document,
        Some("iframe" | "frame" | "fencedframe") => Kind::Frame,
        Some("empty") => Kind::Fetch,
        Some(_) => Kind::Other,
        // Browsers tell this only to origins that they trust; a navigation asks for https instead.
        None if field("upgrade-insecure-requests").is_some() => Kind::Document,
        None => Kind::Other,
    }
}

fn blank() -> Response<Full<Bytes>> {
    let mut response = plain(StatusCode::OK, "<!doctype html><title>blank</title><body>");
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("referrer-policy", "origin"),
    ] {
        response
            .headers_mut()
            .insert(name, ::http::HeaderValue::from_static(value));
    }
    response
}

fn plain(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text.to_owned())));
    *response.status_mut() = status;
    response
}
