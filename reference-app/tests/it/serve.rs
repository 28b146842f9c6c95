//! Connections: closed when no request comes, finished before the app stops.

use std::{net::SocketAddr, time::Duration};

use reference_app::{app::App, serve::serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

use crate::visitor::World;

/// Only a red test waits this long.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// Serves on a port of its own; what is sent stops it.
async fn start(app: &App) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, told) = oneshot::channel();
    let app = app.clone();
    let serving = tokio::spawn(async move { serve(listener, &app, async { drop(told.await) }).await });
    (address, stop, serving)
}

/// Everything that comes until the connection ends. A reset is an end as well.
async fn until_closed(client: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = timeout(ANSWER_TIMEOUT, client.read_to_end(&mut answer))
        .await
        .expect("the connection stayed open");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn connections_without_a_whole_request_are_closed() {
    let world = World::with(|config| config.header_timeout = Duration::from_millis(300)).await;
    let (address, _stop, _serving) = start(&world.app).await;
    let mut clients = Vec::new();
    for sent in [
        "",
        "G",
        "PRI * HTTP/2.0\r\n",
        "GET / HTTP/1.1\r\nHost: app.test\r\n",
        "GET / HTTP/1.1\r\nHost: app.test\r\nX-Slow: ",
        // The limit holds for each request of a connection, and for none.
        "GET /healthz HTTP/1.1\r\nHost: app.test\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: app.test\r\n\r\nGET / HTTP/1.1\r\n",
    ] {
        for _ in 0..4 {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(sent.as_bytes()).await.unwrap();
            clients.push((sent, client));
        }
    }
    for (sent, mut client) in clients {
        let answer = until_closed(&mut client).await;
        let whole = sent.contains("/healthz");
        assert_eq!(answer.contains("200 OK"), whole, "{sent:?}: {answer}");
    }
}

#[tokio::test]
async fn a_request_that_has_begun_is_answered_before_the_app_stops() {
    let world = World::new().await;
    let (address, stop, serving) = start(&world.app).await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    let mut begun = TcpStream::connect(address).await.unwrap();
    // The answer to the first request shows that this connection was accepted and that the second has been read in part.
    let request = "GET /healthz HTTP/1.1\r\nHost: app.test\r\n\r\n";
    begun.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 17];
    begun.read_exact(&mut answer).await.unwrap();
    let body = "logout_token=x";
    let head = format!(
        "POST /backchannel-logout HTTP/1.1\r\nHost: app.test\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    begun.write_all(head.as_bytes()).await.unwrap();
    // `100 Continue` comes when the app reads the body: the request has begun.
    let mut before = Vec::new();
    while !String::from_utf8_lossy(&before).contains("100 Continue\r\n\r\n") {
        let read = timeout(ANSWER_TIMEOUT, begun.read_buf(&mut before))
            .await
            .unwrap()
            .unwrap();
        assert_ne!(read, 0, "closed before the body was asked for");
    }

    stop.send(()).unwrap();
    assert_eq!(
        until_closed(&mut idle).await,
        "",
        "an idle connection is closed at once"
    );
    assert!(!serving.is_finished());
    begun.write_all(body.as_bytes()).await.unwrap();
    let answer = until_closed(&mut begun).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    timeout(ANSWER_TIMEOUT, serving).await.expect("still serving").unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nothing listens any more");
}
