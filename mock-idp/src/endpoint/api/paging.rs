//! Lists in pages: `limit`, `after`, and the next page in a `Link` field (RFC 8288).

use serde_json::Value;

use crate::{
    endpoint::answer::{self, Answered},
    exchange::Exchange,
    okta::error::API_PAGING,
    protocol::params::Params,
};

/// How many entries a page has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) usual: usize,
    pub(crate) most: usize,
}

/// Most lists.
pub(crate) const USUAL: Limits = Limits { usual: 200, most: 200 };

/// One page. `key` orders the entries and is the cursor: an entry that is deleted between two pages costs no other one.
pub(crate) fn page<T>(
    exchange: &Exchange,
    mut entries: Vec<T>,
    key: impl Fn(&T) -> String,
    render: impl Fn(&T) -> Value,
    limits: Limits,
) -> Answered {
    let limit = match exchange.query.filled("limit").map(str::parse::<usize>) {
        None => limits.usual,
        Some(Ok(limit)) if limit > 0 => limit.min(limits.most),
        Some(_) => return Err(API_PAGING.into()),
    };
    entries.sort_by_cached_key(&key);
    if let Some(after) = exchange.query.filled("after") {
        entries.retain(|entry| key(entry).as_str() > after);
    }
    let rest = entries.len() > limit;
    entries.truncate(limit);
    let rendered: Vec<Value> = entries.iter().map(render).collect();
    let mut reply = answer::json(200, Value::Array(rendered));
    let here = format!("{}{}", exchange.org(), exchange.target);
    answer::put(&mut reply, "link", format!("<{}>; rel=\"self\"", in_link(&here)));
    if let Some(last) = entries.last().filter(|_| rest) {
        let next = next(exchange, &key(last), limit);
        answer::put(&mut reply, "link", format!("<{}>; rel=\"next\"", in_link(&next)));
    }
    Ok(reply)
}

fn next(exchange: &Exchange, after: &str, limit: usize) -> String {
    let asked = exchange.query.0.iter();
    let mut query: Vec<(String, String)> = asked
        .filter(|(name, _)| name != "after" && name != "limit")
        .cloned()
        .collect();
    query.push(("after".to_owned(), after.to_owned()));
    query.push(("limit".to_owned(), limit.to_string()));
    format!("{}?{}", exchange.url(), Params::write(&query))
}

/// What would end the target of a link early.
fn in_link(url: &str) -> String {
    url.replace('<', "%3C").replace('>', "%3E").replace('"', "%22")
}
