//! Flows that were begun: bound to one browser, watched, going wrong as their scenario says.

use std::time::Duration;

use mock_idp::{
    Event, Fault, MockIdp, Scenario,
    flow::{
        fault::{CodeFault, IdTokenFault, JwksFault, MetadataFault},
        record::{Endpoint, Record},
        scenario::{FlowId, Persona},
    },
};

use crate::app::{self, ALICE, Browser, param, part};

fn persona(name: &str) -> Persona {
    Persona {
        sub: format!("00u{name}"),
        login: format!("{name}@people.test"),
        email: format!("{name}@people.test"),
        given_name: name.to_owned(),
        family_name: "Person".to_owned(),
        id_token_name: format!("{name} in the ID token"),
        userinfo_name: format!("{name} in userinfo"),
        ..Persona::default()
    }
}

/// Signs in inside the flow; the URL that the browser is sent back to.
async fn enter_and_authorize(
    idp: &MockIdp,
    scenario: Scenario,
    changes: &[(&str, Option<&str>)],
) -> (FlowId, url::Url) {
    let login = scenario.user.login.clone();
    let flow = idp.begin(scenario);
    let mut browser = Browser::new();
    assert_eq!(browser.get(&flow.enter).await.status(), 204);
    let url = app::authorization_url(&idp.issuer(), changes);
    (flow.id, app::authorize(&mut browser, &url, &login).await)
}

fn rules(records: &[Record]) -> Vec<&str> {
    records
        .iter()
        .filter_map(|record| match &record.event {
            Event::WouldRefuse { rule, .. } => Some(rule.as_str()),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn a_fault_travels_with_its_flow_and_with_no_other() {
    let idp = app::idp().await;
    let fault = Fault::IdToken(IdTokenFault::AlgNone);
    let scenario = Scenario::honest(persona("ann")).with_faults([fault]);
    let (flow, back) = enter_and_authorize(&idp, scenario, &[]).await;
    let tokens: serde_json::Value = app::redeem(&idp.issuer(), &param(&back, "code").unwrap(), &[])
        .await
        .json()
        .await
        .unwrap();
    let token = tokens["id_token"].as_str().unwrap();
    assert_eq!(part(token, 0)["alg"], "none");
    let honest = app::sign_in(&idp.issuer(), ALICE, &[]).await;
    assert_eq!(part(honest["id_token"].as_str().unwrap(), 0)["alg"], "RS256");

    let records = idp.records(flow);
    let sent = records.iter().find_map(|record| match &record.event {
        Event::Sent { fault, twin, bytes, .. } => Some((*fault, twin.clone(), bytes.clone())),
        _ => None,
    });
    let (recorded, twin, bytes) = sent.expect("the hook was recorded");
    assert_eq!((recorded, bytes.as_str()), (fault, token));
    assert_eq!(part(&twin, 0)["alg"], "RS256");
    assert_eq!(part(&twin, 1), part(&bytes, 1), "nothing but the signature differs");
    assert!(rules(&records).is_empty());
    let received: Vec<Endpoint> = records
        .iter()
        .filter_map(|record| match &record.event {
            Event::Received { endpoint, .. } => Some(*endpoint),
            _ => None,
        })
        .collect();
    assert_eq!(received, [Endpoint::Authorize, Endpoint::Authorize, Endpoint::Token]);
}

#[tokio::test]
async fn a_watched_flow_goes_on_and_says_what_okta_would_have_refused() {
    let idp = app::idp().await;
    let changes = [
        ("state", None),
        ("code_challenge_method", Some("plain")),
        ("scope", Some("openid nonsense")),
    ];
    let (flow, back) = enter_and_authorize(&idp, Scenario::honest(persona("bea")), &changes).await;
    let answer = app::redeem(
        &idp.issuer(),
        &param(&back, "code").unwrap(),
        &[("client_secret", Some("wrong")), ("code_verifier", None)],
    )
    .await;
    assert_eq!(answer.status(), 200);
    assert_eq!(
        rules(&idp.records(flow)),
        [
            "state-missing",
            "pkce-plain",
            "scope-unknown",
            "client-auth",
            "verifier-missing"
        ]
    );
}

#[tokio::test]
async fn a_stranger_is_refused_what_a_watched_flow_is_not() {
    let idp = app::idp().await;
    let answer = Browser::new()
        .get(app::authorization_url(&idp.issuer(), &[("state", None)]))
        .await;
    assert_eq!(answer.status(), 302);
    assert_eq!(
        answer.headers()["location"].to_str().unwrap(),
        "http://localhost:3000/callback?error=invalid_request&error_description=\
         The+authentication+request+has+an+invalid+%27state%27+parameter."
    );
}

#[tokio::test]
async fn a_magic_user_gets_the_fault_of_his_name() {
    let idp = app::idp().await;
    let tokens = app::sign_in(&idp.issuer(), "id-token.alg-none@fault.test", &[]).await;
    assert_eq!(part(tokens["id_token"].as_str().unwrap(), 0)["alg"], "none");
}

#[tokio::test]
async fn requests_of_nobody_are_kept_apart() {
    let idp = app::idp().await;
    let mut browser = Browser::new();
    browser
        .get(format!("{}/.well-known/openid-configuration", idp.issuer()))
        .await;
    let flow = idp.begin(Scenario::honest(persona("eve")));
    browser.get(idp.second_origin().join("/steal?code=1").unwrap()).await;
    let bound = idp.second_origin().join(&format!("/{}/keys", flow.id)).unwrap();
    assert!(browser.get(bound).await.text().await.unwrap().contains("RSA"));
    let targets = |records: &[Record]| -> Vec<String> {
        records
            .iter()
            .filter_map(|record| match &record.event {
                Event::Received { request, .. } => Some(request.target.clone()),
                _ => None,
            })
            .collect()
    };
    assert_eq!(
        targets(&idp.unbound(mock_idp::flow::record::Stamp(0))),
        ["/oauth2/default/.well-known/openid-configuration", "/steal?code=1"]
    );
    assert_eq!(targets(&idp.records(flow.id)), [format!("/{}/keys", flow.id)]);
}

/// As Okta does: somebody who injects a stolen code brings the verifier of his own sign-in.
#[tokio::test]
async fn a_verifier_of_another_sign_in_is_refused_unless_the_flow_says_otherwise() {
    let idp = app::idp().await;
    let foreign = [(
        "code_verifier",
        Some("the-verifier-of-somebody-elses-sign-in-0123456789"),
    )];
    for (faults, status) in [(vec![], 400), (vec![Fault::Code(CodeFault::PkceIgnored)], 200)] {
        let scenario = Scenario::honest(persona("cyn")).with_faults(faults);
        let (_, back) = enter_and_authorize(&idp, scenario, &[]).await;
        let answer = app::redeem(&idp.issuer(), &param(&back, "code").unwrap(), &foreign).await;
        assert_eq!(answer.status(), status);
    }
}

#[tokio::test]
async fn what_hung_ends_with_its_fault_and_what_was_slow_is_answered() {
    let idp = app::idp().await;
    let (jwks, metadata) = (
        format!("{}/v1/keys", idp.issuer()),
        format!("{}/.well-known/openid-configuration", idp.issuer()),
    );
    // Long before a slow answer comes by itself; who waits for an answer that never comes sees an end too.
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap();
    for (fault, url) in [
        (Fault::Jwks(JwksFault::Hang), &jwks),
        (Fault::Jwks(JwksFault::Slow30s), &jwks),
        (Fault::Metadata(MetadataFault::Slow30s), &metadata),
    ] {
        let mut told = idp.subscribe();
        idp.misbehave("default", &[fault]);
        let asked = tokio::spawn(client.get(url).send());
        // The request has been answered with silence when its answer is recorded.
        while !matches!(told.recv().await.unwrap().event, Event::Answered { .. }) {}
        idp.behave("default");
        match (fault, asked.await.unwrap()) {
            (Fault::Jwks(JwksFault::Hang), answer) => {
                let error = answer.expect_err("there was an answer");
                assert!(!error.is_timeout(), "{error:?}");
            }
            (_, answer) => assert_eq!(answer.unwrap().status(), 200, "{fault}"),
        }
    }
}
