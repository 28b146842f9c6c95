//! Calls to the authorization server, each bounded in time and size. Redirects are answers, not orders: a client secret,
//! a code or an access token must never follow one (RFC 9700 §4.12). Compression is not asked for, so a small answer
//! cannot grow into a large one.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, header, redirect};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

/// Metadata, keys, tokens and claims of real servers have a few kilobytes.
const BODY_LIMIT: usize = 512 * 1024;

/// Why an answer could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    #[error("no connection, or it broke off")]
    Unreachable,
    #[error("no complete answer within the time limit")]
    TimedOut,
    #[error("status {0}")]
    Status(u16),
    #[error("more than {BODY_LIMIT} bytes")]
    TooLarge,
    #[error("content type `{0}`, expected application/json")]
    NotJson(String),
    #[error("not the JSON that was expected: {0}")]
    Malformed(String),
}

/// The HTTP client.
#[derive(Clone, Debug)]
pub struct Fetcher {
    client: Client,
}

/// An answer whose body has been read.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    content_type: String,
    body: Vec<u8>,
}

impl Fetcher {
    /// A client whose calls end after `timeout`, body included.
    ///
    /// # Errors
    /// When the TLS configuration cannot be built.
    pub fn new(timeout: Duration) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .timeout(timeout)
            .connect_timeout(timeout.min(Duration::from_secs(5)))
            .redirect(redirect::Policy::none())
            .referer(false)
            .user_agent(concat!("reference-app/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client })
    }

    /// A GET whose 200 answer is JSON of this shape.
    ///
    /// # Errors
    /// Anything else.
    pub async fn get_json<T: DeserializeOwned>(&self, url: &Url, bearer: Option<&str>) -> Result<T, FetchError> {
        let request = self.client.get(url.clone());
        let request = match bearer {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = send(request).await?;
        match answer.status {
            200 => answer.json(),
            status => Err(FetchError::Status(status)),
        }
    }

    /// A form post. The answer may have any status: token endpoints explain their refusals.
    ///
    /// # Errors
    /// When there is no complete answer.
    pub async fn post_form(
        &self,
        url: &Url,
        authorization: Option<&str>,
        form: &[(&str, &str)],
    ) -> Result<Answer, FetchError> {
        let request = self.client.post(url.clone()).form(form);
        let request = match authorization {
            Some(value) => request.header(header::AUTHORIZATION, value),
            None => request,
        };
        send(request).await
    }
}

impl Answer {
    /// The body as JSON of this shape.
    ///
    /// # Errors
    /// When it says that it is something else, or is.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, FetchError> {
        let media_type = self.content_type.split(';').next().unwrap_or_default().trim();
        let is_json =
            media_type.eq_ignore_ascii_case("application/json") || media_type.to_ascii_lowercase().ends_with("+json");
        if !is_json {
            return Err(FetchError::NotJson(self.content_type.clone()));
        }
        // First as any value: that bounds the nesting, which members that nobody reads would not, and tells an object from
        // an array, from which serde fills a struct as well, member by member in order.
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(_)) => serde_json::from_slice(&self.body).map_err(|error| malformed(&error)),
            Ok(_) => Err(FetchError::Malformed("no object".to_owned())),
            Err(error) => Err(malformed(&error)),
        }
    }
}

/// Kind and position only: the message itself may quote what was sent.
fn malformed(error: &serde_json::Error) -> FetchError {
    FetchError::Malformed(format!("{:?} error in line {}", error.classify(), error.line()))
}

async fn send(request: RequestBuilder) -> Result<Answer, FetchError> {
    let response = request
        .header(header::ACCEPT, "application/json")
        .send()
        .await
        .map_err(|error| failure(&error))?;
    let status = response.status().as_u16();
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let content_type = content_type
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let body = read(response).await?;
    Ok(Answer {
        status,
        content_type,
        body,
    })
}

/// Reads up to the limit. A `Content-Length` is only a promise, so the bytes are counted as they come.
async fn read(mut response: Response) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
        if body.len() + chunk.len() > BODY_LIMIT {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn failure(error: &reqwest::Error) -> FetchError {
    if error.is_timeout() {
        FetchError::TimedOut
    } else {
        FetchError::Unreachable
    }
}
