//! Commands over a WebSocket, each answered under its number: what Chrome's `DevTools` and WebDriver BiDi have in common.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message},
};

use super::error::BrowserError;

/// An answer comes at once, or the browser hangs.
pub(super) const LIMIT: Duration = Duration::from_secs(20);

/// A connection to one browser.
#[derive(Debug)]
pub(super) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    count: u64,
    /// What is said when the browser closes it.
    closed: &'static str,
}

impl Socket {
    /// Connects to this address.
    ///
    /// # Errors
    /// When nobody answers there.
    pub(super) async fn connect(address: &str, closed: &'static str) -> Result<Self, Error> {
        let (stream, _) = connect_async(address).await?;
        Ok(Self {
            stream,
            count: 0,
            closed,
        })
    }

    /// Sends one command and waits for its answer, whole: a result or an error. `hear` gets the events that come before it.
    ///
    /// # Errors
    /// When there is no answer within `limit`, or the browser has gone.
    pub(super) async fn call(
        &mut self,
        method: &str,
        params: Value,
        limit: Duration,
        mut hear: impl FnMut(&Value),
    ) -> Result<Value, BrowserError> {
        self.count += 1;
        let id = self.count;
        let asking = async {
            let request = json!({ "id": id, "method": method, "params": params }).to_string();
            self.stream.send(Message::text(request)).await?;
            while let Some(message) = self.stream.next().await {
                let Ok(told) = serde_json::from_str::<Value>(message?.to_text().unwrap_or_default()) else {
                    continue;
                };
                match told.get("id").and_then(Value::as_u64) {
                    // An answer that was no longer waited for has another number.
                    Some(answered) if answered == id => return Ok(Some(told)),
                    Some(_) => {}
                    None => hear(&told),
                }
            }
            Ok::<_, Error>(None)
        };
        match tokio::time::timeout(limit, asking).await {
            Err(_) => Err(BrowserError::Hangs(limit)),
            Ok(Err(error)) => Err(BrowserError::Gone(error.to_string())),
            Ok(Ok(None)) => Err(BrowserError::Gone(self.closed.to_owned())),
            Ok(Ok(Some(answer))) => Ok(answer),
        }
    }
}

/// A text that every answer of this kind holds.
///
/// # Errors
/// When this one does not.
pub(super) fn text(answer: &Value, name: &str) -> Result<String, BrowserError> {
    let found = answer.get(name).and_then(Value::as_str);
    found
        .map(str::to_owned)
        .ok_or_else(|| BrowserError::Refused(format!("the browser's answer has no {name}: {answer}")))
}
