//! The connection under an exchange: accepts, serves HTTP/1.1, and can be cut at any byte.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    task::{Context, Poll},
};

use axum::{Router, body::Body, http::Request};
use bytes::Bytes;
use futures_util::StreamExt as _;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::server::TlsStream;
use tower::Service;

use crate::{
    flow::tamper::ODD_PATH,
    tls::{Presented, Tls},
};

/// No cut is planned.
const WHOLE: i64 = i64::MAX;
/// How long a client may take to send its header section.
const HEADER_TIME: std::time::Duration = std::time::Duration::from_secs(30);

/// How long a client may take to send its body.
const BODY_TIME: std::time::Duration = std::time::Duration::from_secs(30);
/// How long nothing is accepted after the system could not.
const BREATH: std::time::Duration = std::time::Duration::from_millis(100);

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    TooLarge,
    /// It came too slowly, or broke off.
    Unfinished,
}

/// A whole body of at most this many bytes. Its pieces are copied together as they come: each of them would keep the buffer
/// alive that it was read into, however small it is.
pub(crate) async fn read_body(body: Body, limit: usize) -> Result<Bytes, BodyError> {
    let reading = async {
        let mut whole = Vec::new();
        let mut pieces = body.into_data_stream();
        while let Some(data) = pieces.next().await {
            let data = data.map_err(|_| BodyError::Unfinished)?;
            if whole.len() + data.len() > limit {
                return Err(BodyError::TooLarge);
            }
            whole.extend_from_slice(&data);
        }
        Ok(Bytes::from(whole))
    };
    let read = tokio::time::timeout(BODY_TIME, reading).await;
    read.unwrap_or(Err(BodyError::Unfinished))
}

fn is_of_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

/// The path and query of a request as they were before [`undo_odd_path`].
#[derive(Clone, Debug)]
pub(crate) struct AsReceived(pub(crate) String);

/// A metadata fault publishes endpoints under an odd path; requests there get the path that the router knows.
fn undo_odd_path<B>(request: &mut Request<B>) {
    let target = request
        .uri()
        .path_and_query()
        .map(ToString::to_string)
        .unwrap_or_default();
    let home = target
        .strip_prefix(ODD_PATH)
        .and_then(|rest| rest.split_once('/'))
        .and_then(|(_, rest)| format!("/{rest}").parse().ok());
    if let Some(home) = home {
        *request.uri_mut() = home;
        request.extensions_mut().insert(AsReceived(target));
    }
}

/// Who is at the other end of the connection. Found in the extensions of each request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Lets an answer cut its connection. Found in the extensions of each request.
#[derive(Clone, Debug)]
pub(crate) struct Cutter(Arc<Plan>);

#[derive(Debug)]
struct Plan {
    /// How many bytes may still be written.
    left: AtomicI64,
    /// The next header section is written in upper case.
    upper_case_next: AtomicBool,
}

impl Cutter {
    /// Resets the connection once this many more bytes were written.
    pub(crate) fn cut_after(&self, bytes: i64) {
        self.0.left.store(bytes, Ordering::Release);
    }

    /// Writes the header names of the next answer in upper case.
    pub(crate) fn upper_case_next(&self) {
        self.0.upper_case_next.store(true, Ordering::Release);
    }
}

/// Serves until told to stop; then also open connections end, and those over TLS end when the certificate changes.
pub(crate) async fn serve(listener: TcpListener, tls: Option<Tls>, router: Router, mut stop: watch::Receiver<bool>) {
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // The client is gone already: the next one may do better.
                Err(error) if is_of_client(&error) => continue,
                // Out of file descriptors or of memory: until something is closed every try fails at once.
                Err(_) => {
                    tokio::time::sleep(BREATH).await;
                    continue;
                }
            },
            _ = stop.changed() => return,
        };
        let (router, tls, mut stop) = (router.clone(), tls.clone(), stop.clone());
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let serving = async {
                match tls {
                    None => connection(Stream::Plain(stream), router).await,
                    Some(tls) => secured(stream, &tls, router).await,
                }
            };
            tokio::select! {
                () = serving => {}
                _ = stop.changed() => {}
            }
        });
    }
}

/// A connection over TLS; it ends when the certificate that it was opened with is no longer the one in use.
async fn secured(stream: TcpStream, tls: &Tls, router: Router) {
    let mut news = tls.subscribe();
    let presented: Presented = news.borrow_and_update().clone();
    let serving = async {
        if let Some(stream) = tls.handshake(&presented, stream).await {
            connection(Stream::Tls(Box::new(stream)), router).await;
        }
    };
    tokio::select! {
        () = serving => {}
        _ = news.changed() => {}
    }
}

async fn connection(stream: Stream, router: Router) {
    let peer = stream.socket().peer_addr().ok().map(Peer);
    let cutter = Cutter(Arc::new(Plan {
        left: AtomicI64::new(WHOLE),
        upper_case_next: AtomicBool::new(false),
    }));
    let wire = Wire {
        stream,
        plan: cutter.0.clone(),
    };
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(cutter.clone());
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        undo_odd_path(&mut request);
        router.clone().call(request.map(Body::new))
    });
    // A client that goes away ends its connection with an error; nobody is interested.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_headers(100)
        .max_buf_size(128 * 1024)
        .serve_connection(TokioIo::new(wire), service)
        .await;
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

/// A stream that resets itself when its budget of bytes is used up.
#[derive(Debug)]
struct Wire {
    stream: Stream,
    plan: Arc<Plan>,
}

/// The same bytes with the header names in upper case.
fn in_upper_case(answer: &[u8]) -> Vec<u8> {
    let mut bytes = answer.to_vec();
    let end = bytes
        .windows(4)
        .position(|part| part == b"\r\n\r\n")
        .unwrap_or(bytes.len());
    let mut is_name = false;
    for byte in &mut bytes[..end] {
        match byte {
            b'\n' => is_name = true,
            b':' => is_name = false,
            _ if is_name => byte.make_ascii_uppercase(),
            _ => {}
        }
    }
    bytes
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let left = self.plan.left.load(Ordering::Acquire);
        if left <= 0 {
            // Closing with zero linger sends RST: the peer sees a reset, not a polite end.
            let _ = self.stream.socket().set_zero_linger();
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let mut allowed = &buf[..buf.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
        // hyper hands over a header section in one piece, the first one of an answer.
        let upper_case = self
            .plan
            .upper_case_next
            .load(Ordering::Acquire)
            .then(|| in_upper_case(allowed));
        if let Some(upper_case) = &upper_case {
            allowed = upper_case;
        }
        let written = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, allowed),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, allowed),
        };
        if let Poll::Ready(Ok(count)) = &written {
            self.plan.upper_case_next.store(false, Ordering::Release);
            if left != WHOLE {
                let count = i64::try_from(*count).unwrap_or(i64::MAX);
                self.plan.left.fetch_sub(count, Ordering::AcqRel);
            }
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
