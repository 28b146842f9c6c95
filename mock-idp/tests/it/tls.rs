//! Certificates: who trusts the CA takes the right ones and none of the wrong ones, and the record tells what was presented.

use mock_idp::{
    Event, Fault, MockIdp,
    flow::{fault::TlsFault, record::Stamp},
};

/// A client that trusts this server's CA and keeps its connection open.
fn trusting(idp: &MockIdp) -> reqwest::Client {
    let ca = reqwest::Certificate::from_pem(idp.ca_pem().unwrap().as_bytes()).unwrap();
    reqwest::Client::builder()
        .tls_certs_only([ca])
        .no_proxy()
        .build()
        .unwrap()
}

async fn asks(client: &reqwest::Client, idp: &MockIdp) -> bool {
    let url = format!("{}/.well-known/openid-configuration", idp.issuer());
    client.get(url).send().await.is_ok_and(|reply| reply.status() == 200)
}

/// Certificates that were presented because of this fault, beside the right one.
fn presented(idp: &MockIdp, wanted: TlsFault) -> Vec<(String, String)> {
    let records = idp.unbound(Stamp(0)).into_iter();
    let sent = records.filter_map(|record| match record.event {
        Event::Sent { fault, twin, bytes, .. } if fault == Fault::Tls(wanted) => Some((twin, bytes)),
        _ => None,
    });
    sent.collect()
}

/// What comes of the first request for which this certificate was presented. Those before it may still have gone over the
/// connection of the old certificate, while it was being closed.
async fn asks_anew(client: &reqwest::Client, idp: &MockIdp, fault: TlsFault) -> bool {
    for _ in 0..100 {
        let answered = asks(client, idp).await;
        if !presented(idp, fault).is_empty() {
            return answered;
        }
    }
    panic!("{fault:?} was never presented");
}

#[tokio::test]
async fn a_wrong_certificate_is_refused_even_by_who_was_connected_before() {
    let idp = MockIdp::builder().tls(true).start().await.unwrap();
    let client = trusting(&idp);
    for fault in [TlsFault::Untrusted, TlsFault::Expired, TlsFault::WrongHost] {
        assert!(asks(&client, &idp).await, "before {fault:?}");
        idp.misbehave("default", &[Fault::Tls(fault)]);
        assert!(!asks_anew(&client, &idp, fault).await, "{fault:?} was taken");
        let seen = presented(&idp, fault);
        assert!(seen.iter().all(|(twin, bytes)| twin != bytes), "{fault:?}");
        idp.behave("default");
    }
    assert!(asks(&client, &idp).await, "after all of them");
}

#[tokio::test]
async fn who_does_not_look_gets_through() {
    let idp = MockIdp::builder().tls(true).start().await.unwrap();
    let careless = reqwest::Client::builder()
        .tls_certs_only([])
        .tls_danger_accept_invalid_certs(true)
        .no_proxy()
        .build()
        .unwrap();
    idp.misbehave("default", &[Fault::Tls(TlsFault::Untrusted)]);
    assert!(asks(&careless, &idp).await);
}

#[tokio::test]
async fn a_certificate_that_was_issued_anew_is_as_good() {
    let idp = MockIdp::builder().tls(true).start().await.unwrap();
    let client = trusting(&idp);
    assert!(asks(&client, &idp).await);
    idp.misbehave("default", &[Fault::Tls(TlsFault::Reissued)]);
    assert!(asks_anew(&client, &idp, TlsFault::Reissued).await);
}

#[tokio::test]
async fn another_server_that_behaves_changes_nothing() {
    let idp = MockIdp::builder().tls(true).start().await.unwrap();
    let client = trusting(&idp);
    let other = idp.add_server();
    idp.misbehave("default", &[Fault::Tls(TlsFault::Expired)]);
    idp.behave(&other);
    assert!(!asks_anew(&client, &idp, TlsFault::Expired).await);
}
