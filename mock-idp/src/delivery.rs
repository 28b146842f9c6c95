//! Turns a [`Reply`] into bytes on the wire, however strangely it wants to be delivered; and into the text that records
//! compare.

use std::{borrow::Cow, convert::Infallible, io::Write, sync::LazyLock, time::Duration};

use axum::{
    body::Body as HttpBody,
    http::{HeaderName, HeaderValue, Response, StatusCode, Version, header},
};
use bytes::Bytes;
use flate2::{
    Compression, Crc,
    write::{DeflateEncoder, GzEncoder},
};
use futures_util::{StreamExt, stream};

use crate::{
    protocol::draft::{Body, Cut, Delivery, Reply},
    wire::Cutter,
};

/// Bodies are produced in pieces of about this size.
const PIECE: usize = 64 * 1024;
/// Records keep this much of a body.
const RECORDED: usize = 64 * 1024;

/// Writes the answer. Pauses that come before the first byte happen here; [`Delivery::Never`] never returns.
pub(crate) async fn write(reply: Reply, accepts_gzip: bool, cutter: Option<&Cutter>) -> Response<HttpBody> {
    match reply.delivery.clone() {
        Delivery::Normal => plain(reply),
        Delivery::After(pause) => {
            tokio::time::sleep(pause).await;
            plain(reply)
        }
        Delivery::Never => std::future::pending().await,
        Delivery::Trickle(interval) => trickle(reply, interval),
        Delivery::Cut(cut) => cut_short(reply, cut, cutter),
        Delivery::Chunked => {
            let pieces = pieces(reply.body.clone());
            head(&reply, HttpBody::from_stream(pieces))
        }
        Delivery::CloseDelimited => {
            let pieces = pieces(reply.body.clone());
            let mut response = head(&reply, HttpBody::from_stream(pieces));
            // Without a length, an answer of HTTP/1.0 ends with its connection.
            *response.version_mut() = Version::HTTP_10;
            response
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
            response
        }
        Delivery::UpperCaseHeaders => {
            if let Some(cutter) = cutter {
                cutter.upper_case_next();
            }
            plain(reply)
        }
        Delivery::Gzip if accepts_gzip => {
            let body = gzip(&whole(&reply.body));
            encoded(&reply, HttpBody::from(body))
        }
        Delivery::Gzip => plain(reply),
        Delivery::GzipBomb(zeros) => encoded(&reply, HttpBody::from_stream(bomb(zeros))),
    }
}

/// The same answer with its JSON written out, so that recording and sending it need not write it again.
#[must_use]
pub(crate) fn serialised(mut reply: Reply) -> Reply {
    if let Body::Json(value) = &reply.body {
        reply.body = Body::Bytes(serde_json::to_vec(value).unwrap_or_default());
    }
    reply
}

/// Status, header and body as text, with the delivery named where it is not the normal one. Two replies that differ in
/// anything differ here, except beyond 64 KiB of body.
#[must_use]
pub(crate) fn rendering(reply: &Reply) -> String {
    let mut text = format!("HTTP {}\n", reply.status);
    for (name, value) in &reply.headers {
        text.push_str(&format!("{name}: {value}\n"));
    }
    text.push('\n');
    text.push_str(&excerpt(&reply.body));
    if reply.delivery != Delivery::Normal {
        text.push_str(&format!("\n[delivery: {:?}]", reply.delivery));
    }
    text
}

/// The body as text, cut after 64 KiB, and its whole length in bytes.
#[must_use]
pub(crate) fn excerpt_and_length(body: &Body) -> (String, u64) {
    let length = match body {
        Body::Empty => 0,
        Body::Json(value) => serde_json::to_vec(value).map_or(0, |bytes| bytes.len() as u64),
        Body::Bytes(bytes) => bytes.len() as u64,
        Body::Repeat {
            head,
            unit,
            count,
            tail,
        } => head.len() as u64 + (unit.len() as u64).saturating_mul(*count) + tail.len() as u64,
    };
    (excerpt(body), length)
}

fn excerpt(body: &Body) -> String {
    let bytes = match body {
        Body::Repeat {
            head,
            unit,
            count,
            tail,
        } => {
            return format!(
                "{}[{} × {count}]{}",
                String::from_utf8_lossy(&head[..head.len().min(RECORDED)]),
                String::from_utf8_lossy(&unit[..unit.len().min(256)]),
                String::from_utf8_lossy(&tail[..tail.len().min(RECORDED)])
            );
        }
        Body::Json(value) => return cut_text(value.to_string()),
        Body::Bytes(bytes) => bytes.as_slice(),
        Body::Empty => &[],
    };
    cut_text(text_of(bytes))
}

/// Bytes as text, with replacement characters where they are no UTF-8. Nearly all of them are: to check that first is several
/// times faster than to look for what has to be replaced.
#[must_use]
pub(crate) fn text_of(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Cuts a text after 64 KiB, at a character boundary.
#[must_use]
pub(crate) fn cut_text(mut text: String) -> String {
    if text.len() > RECORDED {
        let end = (0..=RECORDED).rev().find(|index| text.is_char_boundary(*index));
        text.truncate(end.unwrap_or(0));
    }
    text
}

fn plain(mut reply: Reply) -> Response<HttpBody> {
    let body = match std::mem::replace(&mut reply.body, Body::Empty) {
        repeated @ Body::Repeat { .. } => HttpBody::from_stream(pieces(repeated)),
        Body::Bytes(bytes) => HttpBody::from(bytes),
        other => HttpBody::from(whole(&other)),
    };
    head(&reply, body)
}

fn encoded(reply: &Reply, body: HttpBody) -> Response<HttpBody> {
    let mut response = head(reply, body);
    response
        .headers_mut()
        .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response
}

fn trickle(reply: Reply, interval: Duration) -> Response<HttpBody> {
    let bytes = whole(&reply.body);
    let length = bytes.len();
    let body = stream::iter(bytes).then(move |byte| async move {
        tokio::time::sleep(interval).await;
        Ok::<_, Infallible>(Bytes::from(vec![byte]))
    });
    let mut response = head(&reply, HttpBody::from_stream(body));
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    response
}

fn cut_short(reply: Reply, cut: Cut, cutter: Option<&Cutter>) -> Response<HttpBody> {
    let limit = |bytes: i64| {
        if let Some(cutter) = cutter {
            cutter.cut_after(bytes);
        }
    };
    match cut {
        Cut::BeforeHeaders => limit(0),
        // Inside the second line of the header section: the status line alone is 15 bytes or more.
        Cut::MidHeaders => limit(24),
        Cut::MidBody => {
            let bytes = whole(&reply.body);
            let length = bytes.len();
            let half = Bytes::copy_from_slice(&bytes[..length / 2]);
            let cutter = cutter.cloned();
            let body = stream::iter([Ok(half)]).chain(stream::once(async move {
                // The first half has been handed over; let it leave before the connection is reset.
                tokio::task::yield_now().await;
                if let Some(cutter) = cutter {
                    cutter.cut_after(0);
                }
                Ok::<_, Infallible>(Bytes::from_static(b" "))
            }));
            let mut response = head(&reply, HttpBody::from_stream(body));
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, length.max(2).into());
            return response;
        }
    }
    plain(reply)
}

fn head(reply: &Reply, body: HttpBody) -> Response<HttpBody> {
    let mut response = Response::new(body);
    // A status outside 100..=999 cannot be written at all.
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().reserve(reply.headers.len());
    for (name, value) in &reply.headers {
        let value = match value {
            Cow::Borrowed(text) => HeaderValue::from_maybe_shared(Bytes::from_static(text.as_bytes())),
            Cow::Owned(text) => HeaderValue::from_bytes(text.as_bytes()),
        };
        // Names and values come from us or from parameters that were percent-encoded; one that cannot be written is left out.
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), value) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

fn whole(body: &Body) -> Vec<u8> {
    match body {
        Body::Empty => Vec::new(),
        Body::Json(value) => serde_json::to_vec(value).unwrap_or_default(),
        Body::Bytes(bytes) => bytes.clone(),
        Body::Repeat {
            head,
            unit,
            count,
            tail,
        } => {
            let count = usize::try_from(*count)
                .unwrap_or(usize::MAX)
                .min(PIECE / unit.len().max(1));
            [head.as_slice(), &unit.repeat(count), tail].concat()
        }
    }
}

/// The body in pieces, produced while it is written.
fn pieces(body: Body) -> impl stream::Stream<Item = Result<Bytes, Infallible>> + Send {
    let (head, unit, count, tail) = match body {
        Body::Repeat {
            head,
            unit,
            count,
            tail,
        } => (head, unit, count, tail),
        other => (whole(&other), Vec::new(), 0, Vec::new()),
    };
    let per_piece = (PIECE / unit.len().max(1)).max(1) as u64;
    let piece = Bytes::from(unit.repeat(usize::try_from(per_piece.min(count)).unwrap_or(1)));
    let full = count / per_piece;
    let rest = usize::try_from(count % per_piece).unwrap_or(0);
    let last = Bytes::from(unit.repeat(rest));
    let repeated = stream::unfold(0, move |done| {
        let piece = piece.clone();
        async move { (done < full).then_some((piece, done + 1)) }
    });
    stream::iter([Bytes::from(head)])
        .chain(repeated)
        .chain(stream::iter([last, Bytes::from(tail)]))
        .filter(|piece| std::future::ready(!piece.is_empty()))
        .map(Ok)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing into memory cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// A gzip stream that decodes to this many zero bytes, made piece by piece: about one thousandth of that on the wire.
///
/// One flushed block is compressed once and sent over and over, so that the bomb costs whoever throws it nothing.
fn bomb(zeros: u64) -> impl stream::Stream<Item = Result<Bytes, Infallible>> + Send {
    let block = &*ZEROS;
    let count = zeros / BLOCK;
    let mut sum = Crc::new();
    for _ in 0..count {
        sum.combine(&block.sum);
    }
    // RFC 1952 §2.3: magic, deflate, no flags, no time, best compression, unknown system.
    let head = Bytes::from_static(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
    // An empty last block with fixed codes (RFC 1951 §3.2.6), then the sum and the length modulo 2^32.
    let mut tail = vec![0x03, 0x00];
    tail.extend_from_slice(&sum.sum().to_le_bytes());
    tail.extend_from_slice(&sum.amount().to_le_bytes());
    let blocks = stream::iter((0..count).map(|_| block.deflated.clone()));
    stream::once(async { head })
        .chain(blocks)
        .chain(stream::once(async { Bytes::from(tail) }))
        .map(Ok)
}

const BLOCK: u64 = 4 * 1024 * 1024;

/// Four mebibytes of zeros, compressed and flushed to a byte boundary, with their check sum.
struct Zeros {
    deflated: Bytes,
    sum: Crc,
}

static ZEROS: LazyLock<Zeros> = LazyLock::new(|| {
    let zeros = vec![0; usize::try_from(BLOCK).unwrap_or(0)];
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    // Writing into a vector cannot fail.
    let _ = encoder.write_all(&zeros);
    let _ = encoder.flush();
    let mut sum = Crc::new();
    sum.update(&zeros);
    Zeros {
        deflated: Bytes::from(encoder.get_ref().clone()),
        sum,
    }
});

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[tokio::test]
    async fn a_bomb_inflates_to_what_it_promises_and_is_small() {
        let pieces: Vec<Bytes> = bomb(3 * BLOCK).map(|piece| piece.unwrap_or_default()).collect().await;
        let stream = pieces.concat();
        assert!(stream.len() < 32 * 1024, "{}", stream.len());
        let mut inflated = Vec::new();
        // The reader checks sum and length.
        flate2::read::GzDecoder::new(stream.as_slice())
            .read_to_end(&mut inflated)
            .unwrap();
        assert_eq!(inflated.len() as u64, 3 * BLOCK);
        assert!(inflated.iter().all(|byte| *byte == 0));
    }
}
