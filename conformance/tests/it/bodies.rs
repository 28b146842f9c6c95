//! Answers that are compressed, long, hostile or slow: what decides is read whole, and nothing is waited for without end.

use std::{
    io::Write,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use conformance::{
    browser::http::{BODY_LIMIT, Client, Outgoing},
    evidence::{Answer, Problem},
};
use flate2::{Compression, write::GzEncoder};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::Url;

/// What the client makes of a server that writes this, piece by piece, with this pause between pieces.
async fn answer_to(pieces: Vec<Vec<u8>>, pause: Duration, limit: Duration) -> Answer {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _): (TcpStream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await;
        for piece in pieces {
            // A client that has heard enough closes the connection.
            if stream.write_all(&piece).await.is_err() {
                return;
            }
            tokio::time::sleep(pause).await;
        }
    });
    let answer = Client::new(limit).send(&Outgoing::get(&url)).await;
    server.abort();
    answer
}

fn page(coding: &str, body: &[u8]) -> Vec<Vec<u8>> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n{coding}content-length: {}\r\n\r\n",
        body.len()
    );
    vec![[head.as_bytes(), body].concat()]
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const AT_ONCE: Duration = Duration::ZERO;
const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_compressed_page_is_what_its_reader_sees() {
    let text = "signed in as somebody@users.example.test";
    let answer = answer_to(
        page("content-encoding: gzip\r\n", &gzip(text.as_bytes())),
        AT_ONCE,
        LIMIT,
    )
    .await;
    let Answer::Http { body, truncated, .. } = answer else {
        panic!("{answer:?}")
    };
    assert_eq!((body.as_str(), truncated), (text, false));
}

#[tokio::test]
async fn a_body_is_read_to_its_limit_and_no_further() {
    let long = [vec![b'x'; 1_000_000], b"the end".to_vec()].concat();
    let Answer::Http { body, truncated, .. } = answer_to(page("", &long), AT_ONCE, LIMIT).await else {
        panic!()
    };
    assert!(body.ends_with("the end") && !truncated);
    let bomb = gzip(&vec![b'x'; BODY_LIMIT + 1]);
    let Answer::Http { body, truncated, .. } =
        answer_to(page("content-encoding: gzip\r\n", &bomb), AT_ONCE, LIMIT).await
    else {
        panic!()
    };
    assert_eq!((body.len(), truncated), (BODY_LIMIT, true));
}

#[tokio::test]
async fn a_body_that_is_not_what_its_header_says_is_no_answer() {
    let answer = answer_to(page("content-encoding: gzip\r\n", b"<p>plain</p>"), AT_ONCE, LIMIT).await;
    let Answer::Broken { problem, text } = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(problem, Problem::Malformed);
    assert!(
        text.starts_with("the body is no gzip, as its Content-Encoding says"),
        "{text}"
    );
}

#[tokio::test]
async fn endless_headers_end() {
    let mut pieces = vec![b"HTTP/1.1 200 OK\r\n".to_vec()];
    pieces.extend((0..200).map(|number| format!("x-{number}: {}\r\n", "v".repeat(60_000)).into_bytes()));
    let answer = answer_to(pieces, AT_ONCE, LIMIT).await;
    assert!(
        matches!(
            &answer,
            Answer::Broken {
                problem: Problem::Malformed,
                ..
            }
        ),
        "{answer:?}"
    );
}

#[tokio::test]
async fn one_byte_at_a_time_is_waited_for_until_time_is_up() {
    let mut pieces = vec![b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n".to_vec()];
    pieces.extend((0..1000).map(|_| b"x".to_vec()));
    let began = Instant::now();
    let answer = answer_to(pieces, Duration::from_millis(50), Duration::from_secs(1)).await;
    assert!(
        matches!(
            &answer,
            Answer::Broken {
                problem: Problem::Timeout,
                ..
            }
        ),
        "{answer:?}"
    );
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}
