//! Everything that happens from now on, as server-sent events.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::stream;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::{Control, input::Query, problem::Problem};
use crate::flow::scenario::FlowId;

/// Between two brief events.
const BREATH: Duration = Duration::from_millis(200);

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventsQuery {
    /// Only records of this flow.
    flow: Option<String>,
    /// Only that something happened, as `event: changed`, at most five times a second, instead of whole records.
    #[serde(default)]
    brief: bool,
}

pub(crate) async fn stream(
    State(control): State<Control>,
    Query(query): Query<EventsQuery>,
) -> Result<impl IntoResponse, Problem> {
    let wanted: Option<FlowId> = match query.flow {
        Some(text) => Some(
            text.parse()
                .map_err(|_| Problem::bad(format!("`flow={text}` is no flow's name")))?,
        ),
        None => None,
    };
    let news = control.idp.journal.follow();
    let brief = query.brief;
    let events = stream::unfold(news, move |mut news| async move {
        loop {
            let event = match news.recv().await {
                Ok(record) if wanted.is_some_and(|wanted| record.flow != Some(wanted)) => continue,
                Ok(_) if brief => {
                    tokio::time::sleep(BREATH).await;
                    while !matches!(news.try_recv(), Err(TryRecvError::Empty | TryRecvError::Closed)) {}
                    Event::default().event("changed").data("")
                }
                Ok(record) => {
                    let data = serde_json::to_string(&*record).unwrap_or_default();
                    Event::default().event("record").id(record.at.0.to_string()).data(data)
                }
                // A reader that is too slow is told what it missed.
                Err(RecvError::Lagged(count)) => Event::default().event("missed").data(count.to_string()),
                Err(RecvError::Closed) => return None,
            };
            return Some((Ok::<_, Infallible>(event), news));
        }
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}
