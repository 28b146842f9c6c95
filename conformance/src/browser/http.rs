//! One HTTP exchange, exactly as asked: the request target goes out verbatim, redirects are not followed, compression is
//! not asked for, nothing is retried. Bodies that come compressed all the same are decoded. A connection serves one exchange, so that no keep-alive race looks like a defect.

use std::{sync::Arc, time::Duration};

use ::http::{HeaderName, HeaderValue, Method, Request as HttpRequest, Uri, header::CONTENT_ENCODING};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use mock_idp::flow::record::Request;
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use url::Url;

use super::coding;
use crate::{
    evidence::{Answer, Problem},
    names::look_up,
};

/// How much of a decoded body is read, in bytes: what stands beyond decides nothing.
pub const BODY_LIMIT: usize = 8 * 1024 * 1024;

/// How much of what the harness itself sends is kept, and of an answer to raw bytes.
const SENT_LIMIT: usize = 256 * 1024;

/// Bodies of up to this many bytes are decoded where they arrive.
const SMALL: usize = 64 * 1024;

/// The longest request target that the `http` crate takes.
const TARGET_LIMIT: usize = 65_000;

/// A request that is about to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    /// Scheme, host and port decide where it goes; path and query stand in `target`.
    pub origin: Url,
    /// The method.
    pub method: String,
    /// Path and query, sent verbatim.
    pub target: String,
    /// Header fields in order. `Host` is added when absent.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Outgoing {
    /// A GET of this URL.
    #[must_use]
    pub fn get(url: &Url) -> Self {
        Self {
            origin: url.clone(),
            method: "GET".into(),
            target: target_of(url),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A form post to this URL.
    #[must_use]
    pub fn form(url: &Url, fields: &[(String, String)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let headers = vec![("content-type".to_owned(), b"application/x-www-form-urlencoded".to_vec())];
        Self {
            origin: url.clone(),
            method: "POST".into(),
            target: target_of(url),
            headers,
            body: body.into_bytes(),
        }
    }

    /// Sets a header, replacing what was there.
    pub fn set_header(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.headers.retain(|(field, _)| !field.eq_ignore_ascii_case(name));
        self.headers.push((name.to_ascii_lowercase(), value.into()));
    }

    /// The request as evidence keeps it.
    #[must_use]
    pub fn record(&self) -> Request {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let body = &self.body[..self.body.len().min(SENT_LIMIT)];
        Request {
            method: self.method.clone(),
            target: self.target.clone(),
            headers: self
                .headers
                .iter()
                .map(|(name, value)| (name.clone(), text(value)))
                .collect(),
            body: text(body),
        }
    }

    /// The absolute URL as sent.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}{}", self.origin.origin().ascii_serialization(), self.target)
    }
}

/// Path and query of a URL.
#[must_use]
pub fn target_of(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

/// Sends requests; cheap to clone.
#[derive(Clone)]
pub struct Client {
    timeout: Duration,
    tls: Arc<rustls::ClientConfig>,
    fields: Arc<Vec<OriginFields>>,
}

/// Header fields that every request to an origin carries.
#[derive(Clone, Debug)]
struct OriginFields {
    origin: url::Origin,
    fields: Vec<(String, Vec<u8>)>,
}

impl Client {
    /// A client that gives up on an exchange after `timeout`.
    ///
    /// Certificates are not checked: the harness looks at the app, and both servers are told to it by the person who
    /// runs it. What the *app* does about certificates is a case of its own.
    #[must_use]
    pub fn new(timeout: Duration) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap_or_else(|_| unreachable!("the provider supports the default versions"))
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
            .with_no_client_auth();
        Self {
            timeout,
            tls: Arc::new(tls),
            fields: Arc::default(),
        }
    }

    /// The same client, adding these header fields to every request to these origins, where the request has none of the
    /// name. They are not in the evidence: they may be credentials.
    #[must_use]
    pub fn adding(&self, origins: &[Url], fields: &std::collections::BTreeMap<String, String>) -> Self {
        let own: Vec<(String, Vec<u8>)> = fields
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.clone().into_bytes()))
            .collect();
        let for_each = |url: &Url| OriginFields {
            origin: url.origin(),
            fields: own.clone(),
        };
        Self {
            fields: Arc::new(origins.iter().map(for_each).collect()),
            ..self.clone()
        }
    }

    fn dressed(&self, outgoing: &Outgoing) -> Option<Outgoing> {
        let origin = outgoing.origin.origin();
        let more = self
            .fields
            .iter()
            .find(|more| more.origin == origin && !more.fields.is_empty())?;
        let mut dressed = outgoing.clone();
        for (name, value) in &more.fields {
            if !dressed
                .headers
                .iter()
                .any(|(field, _)| field.eq_ignore_ascii_case(name))
            {
                dressed.headers.push((name.clone(), value.clone()));
            }
        }
        Some(dressed)
    }

    /// How long it waits for an answer.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.timeout
    }

    /// The same client, waiting at least this long.
    #[must_use]
    pub fn patient(&self, at_least: Duration) -> Self {
        Self {
            timeout: self.timeout.max(at_least),
            ..self.clone()
        }
    }

    /// The same client, waiting at most this long.
    #[must_use]
    pub fn impatient(&self, at_most: Duration) -> Self {
        Self {
            timeout: self.timeout.min(at_most),
            ..self.clone()
        }
    }

    /// One exchange.
    pub async fn send(&self, outgoing: &Outgoing) -> Answer {
        // The `http` crate knows no longer targets; a browser does, and an app may well lead to one.
        if outgoing.target.len() > TARGET_LIMIT && outgoing.origin.scheme() == "http" {
            return self.send_raw(&outgoing.origin, &by_hand(outgoing)).await;
        }
        // Decoding counts: the limit is for the whole answer.
        let exchange = async { Ok(recorded(self.exchange(outgoing, BODY_LIMIT).await?).await) };
        match tokio::time::timeout(self.timeout, exchange).await {
            Ok(Ok(answer)) => answer,
            Ok(Err((problem, text))) => Answer::Broken { problem, text },
            Err(_) => {
                let (problem, text) = self.late();
                Answer::Broken { problem, text }
            }
        }
    }

    fn late(&self) -> (Problem, String) {
        let text = format!("no complete answer within {} s", self.timeout.as_secs_f32());
        (Problem::Timeout, text)
    }

    /// One exchange whose answer is kept byte for byte, its body up to `limit`.
    ///
    /// # Errors
    /// Why there was no HTTP response.
    pub async fn send_whole(&self, outgoing: &Outgoing, limit: usize) -> Result<Whole, (Problem, String)> {
        let exchange = self.exchange(outgoing, limit);
        tokio::time::timeout(self.timeout, exchange)
            .await
            .map_err(|_| self.late())?
    }

    /// Writes these bytes, reads until the connection ends, the limit is reached or time is up.
    pub async fn send_raw(&self, origin: &Url, bytes: &[u8]) -> Answer {
        let exchange = async {
            let mut stream = connect(origin).await?;
            // A server that refuses a huge request answers and closes before all of it is written.
            let _ = stream.write_all(bytes).await;
            let mut answer = Vec::new();
            let mut limited = stream.take(SENT_LIMIT as u64);
            let mut chunk = vec![0; 16 * 1024];
            loop {
                match limited.read(&mut chunk).await {
                    Ok(0) => break,
                    Ok(count) => answer.extend_from_slice(&chunk[..count]),
                    Err(error) if answer.is_empty() => return Err((Problem::Closed, error.to_string())),
                    Err(_) => break,
                }
                if complete(&answer) {
                    break;
                }
            }
            parse_raw(&answer)
        };
        match tokio::time::timeout(self.timeout, exchange).await {
            Ok(Ok(answer)) => answer,
            Ok(Err((problem, text))) => Answer::Broken { problem, text },
            Err(_) => Answer::Broken {
                problem: Problem::Timeout,
                text: "no complete answer in time".to_owned(),
            },
        }
    }

    async fn exchange(&self, outgoing: &Outgoing, limit: usize) -> Result<Whole, (Problem, String)> {
        let dressed = self.dressed(outgoing);
        let outgoing = dressed.as_ref().unwrap_or(outgoing);
        let stream = connect(&outgoing.origin).await?;
        if outgoing.origin.scheme() != "https" {
            return over(stream, outgoing, limit).await;
        }
        let host = outgoing.origin.host_str().unwrap_or_default().to_owned();
        let name = ServerName::try_from(host).map_err(|error| (Problem::Other, error.to_string()))?;
        let connector = tokio_rustls::TlsConnector::from(Arc::clone(&self.tls));
        let stream = connector
            .connect(name, stream)
            .await
            .map_err(|error| (Problem::Closed, error.to_string()))?;
        over(stream, outgoing, limit).await
    }
}

async fn connect(origin: &Url) -> Result<TcpStream, (Problem, String)> {
    let host = origin.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = origin.port_or_known_default().unwrap_or(80);
    let addresses = look_up(host, port).await.map_err(|error| {
        (
            Problem::Refused,
            format!("the name {host} cannot be looked up: {error}"),
        )
    })?;
    TcpStream::connect(addresses.as_slice())
        .await
        .map_err(|error| (Problem::Refused, format!("cannot connect to {host}:{port}: {error}")))
}

async fn over<S>(stream: S, outgoing: &Outgoing, limit: usize) -> Result<Whole, (Problem, String)>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let request =
        assemble(outgoing).map_err(|text| (Problem::Other, format!("the harness cannot send this: {text}")))?;
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_headers(512)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| (Problem::Closed, error.to_string()))?;
    let driver = tokio::spawn(connection);
    let answer = receive(sender.send_request(request).await.map_err(describe)?, limit).await;
    driver.abort();
    answer
}

async fn receive(response: ::http::Response<hyper::body::Incoming>, limit: usize) -> Result<Whole, (Problem, String)> {
    let (head, mut body) = response.into_parts();
    let mut bytes = Vec::new();
    let mut truncated = false;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(describe)?;
        if let Some(data) = frame.data_ref() {
            bytes.extend_from_slice(data);
        }
        if bytes.len() > limit {
            bytes.truncate(limit);
            truncated = true;
            break;
        }
    }
    Ok(Whole {
        head,
        body: Bytes::from(bytes),
        truncated,
    })
}

/// An answer byte for byte, to be handed on to a browser.
#[derive(Debug)]
pub struct Whole {
    /// Status and header fields.
    pub head: ::http::response::Parts,
    /// The body.
    pub body: Bytes,
    /// Whether the body was longer than the limit.
    pub truncated: bool,
}

impl Whole {
    /// The answer as evidence keeps it, its body decoded and cut after [`BODY_LIMIT`]. A body that is not what its
    /// Content-Encoding says is no answer: no browser shows it.
    #[must_use]
    pub fn record(&self) -> Answer {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let fields = self.head.headers.iter();
        let (body, cut) = match coding::decoded(&self.codings(), &self.body, BODY_LIMIT) {
            Ok((body, more)) => (body, more || self.body.len() > BODY_LIMIT),
            // Of a compressed body that was cut, the end is missing.
            Err(_) if self.truncated => (Vec::new(), true),
            Err(error) => {
                return Answer::Broken {
                    problem: Problem::Malformed,
                    text: error.to_string(),
                };
            }
        };
        Answer::Http {
            status: self.head.status.as_u16(),
            headers: fields
                .map(|(name, value)| (name.as_str().to_owned(), text(value)))
                .collect(),
            body: String::from_utf8_lossy(&body[..body.len().min(BODY_LIMIT)]).into_owned(),
            truncated: self.truncated || cut,
        }
    }

    /// All content codings, in the order in which they were applied.
    fn codings(&self) -> String {
        let fields = self.head.headers.get_all(CONTENT_ENCODING).iter();
        let texts: Vec<&str> = fields.filter_map(|value| value.to_str().ok()).collect();
        texts.join(",")
    }
}

/// The record of an answer; long and compressed bodies are decoded beside the threads that wait for answers.
async fn recorded(whole: Whole) -> Answer {
    if whole.body.len() <= SMALL && !whole.head.headers.contains_key(CONTENT_ENCODING) {
        return whole.record();
    }
    let decoding = tokio::task::spawn_blocking(move || whole.record());
    decoding.await.unwrap_or_else(|error| Answer::Broken {
        problem: Problem::Other,
        text: format!("the body could not be decoded: {error}"),
    })
}

/// A request as bytes.
fn by_hand(outgoing: &Outgoing) -> Vec<u8> {
    let mut bytes = format!(
        "{} {} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n",
        outgoing.method,
        outgoing.target,
        host_of(&outgoing.origin)
    )
    .into_bytes();
    for (name, value) in &outgoing.headers {
        bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    bytes.extend(format!("content-length: {}\r\n\r\n", outgoing.body.len()).into_bytes());
    bytes.extend(&outgoing.body);
    bytes
}

fn assemble(outgoing: &Outgoing) -> Result<HttpRequest<Full<Bytes>>, String> {
    let method = Method::from_bytes(outgoing.method.as_bytes()).map_err(|error| error.to_string())?;
    let target: Uri = outgoing
        .target
        .parse()
        .map_err(|error| format!("request target: {error}"))?;
    let mut request = HttpRequest::new(Full::new(Bytes::from(outgoing.body.clone())));
    *request.method_mut() = method;
    *request.uri_mut() = target;
    let headers = request.headers_mut();
    for (name, value) in &outgoing.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| format!("header {name}: {error}"))?;
        let value = HeaderValue::from_bytes(value).map_err(|error| format!("header {name}: {error}"))?;
        headers.append(name, value);
    }
    if !headers.contains_key("host") {
        let host = host_of(&outgoing.origin);
        headers.insert("host", HeaderValue::from_str(&host).map_err(|error| error.to_string())?);
    }
    Ok(request)
}

/// Host and port, as the `Host` header has them.
#[must_use]
pub fn host_of(url: &Url) -> String {
    match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        None => url.host_str().unwrap_or_default().to_owned(),
    }
}

#[allow(clippy::needless_pass_by_value, reason = "used as a function value in map_err")]
fn describe(error: hyper::Error) -> (Problem, String) {
    let problem = if error.is_parse() {
        Problem::Malformed
    } else {
        Problem::Closed
    };
    let cause = std::error::Error::source(&error)
        .map(|cause| format!(": {cause}"))
        .unwrap_or_default();
    (problem, format!("{error}{cause}"))
}

/// Whether a raw answer has its headers and, by `Content-Length`, its body.
fn complete(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    length.is_some_and(|length| body.len() >= length)
}

fn parse_raw(answer: &[u8]) -> Result<Answer, (Problem, String)> {
    if answer.is_empty() {
        return Err((Problem::Closed, "the connection ended without an answer".to_owned()));
    }
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|code| code.parse().ok());
    let Some(status) = status else {
        return Err((
            Problem::Malformed,
            format!("no status line: {}", head.chars().take(80).collect::<String>()),
        ));
    };
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Ok(Answer::Http {
        status,
        headers,
        body: body.to_owned(),
        truncated: false,
    })
}

/// Accepts every certificate; see [`Client::new`].
#[derive(Debug)]
struct AnyCertificate(Arc<rustls::crypto::CryptoProvider>);

impl rustls::client::danger::ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &rustls_pki_types::CertificateDer<'_>,
        _: &[rustls_pki_types::CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: rustls_pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &rustls_pki_types::CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &rustls_pki_types::CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
