//! Parameters and verifiers whatever they hold, and flows that never leak into each other.

use std::sync::LazyLock;

use mock_idp::{
    Event, Fault, MockIdp, Scenario,
    flow::{fault::Message, scenario::Persona},
    protocol::{params::Params, pkce},
};
use proptest::{prelude::*, strategy::ValueTree};

use crate::app::{self, Browser, param};

static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| tokio::runtime::Runtime::new().unwrap());
static IDP: LazyLock<MockIdp> = LazyLock::new(|| RUNTIME.block_on(app::idp()));

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parameters_survive_writing_and_reading(pairs in proptest::collection::vec((".{0,20}", ".{0,20}"), 0..8)) {
        let read = Params::parse(Params::write(&pairs).as_bytes());
        prop_assert_eq!(read.0, pairs);
    }

    #[test]
    fn reading_parameters_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let params = Params::parse(&bytes);
        for name in params.duplicates() {
            prop_assert!(params.has(name));
        }
    }

    #[test]
    fn only_the_right_verifier_proves(verifier in "[A-Za-z0-9._~-]{43,128}", other in "[A-Za-z0-9._~-]{43,128}") {
        let challenge = pkce::s256(&verifier);
        prop_assert!(pkce::is_well_formed(&verifier) && pkce::is_well_formed(&challenge));
        prop_assert!(pkce::proves(&verifier, &challenge, "S256"));
        prop_assert_eq!(pkce::proves(&other, &challenge, "S256"), other == verifier);
    }
}

/// Faults that leave enough standing for a sign-in to be walked to its end.
fn harmless() -> Vec<Option<Fault>> {
    let of = |message| Fault::all().filter(move |fault| fault.message() == message).map(Some);
    let mut faults: Vec<Option<Fault>> = of(Message::IdToken).chain(of(Message::Identity)).collect();
    faults.extend([None, None, None]);
    faults
}

/// Random scenarios at once: each flow gets its own fault and nobody else's, its own user and nobody else's.
#[test]
fn many_flows_at_once_never_leak_into_each_other() {
    const FLOWS: usize = 64;
    let faults = harmless();
    let picks: Vec<usize> = {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let strategy = proptest::collection::vec(0..faults.len(), FLOWS);
        strategy.new_tree(&mut runner).unwrap().current()
    };
    LazyLock::force(&IDP);
    RUNTIME.block_on(async {
        let walks: Vec<_> = picks
            .into_iter()
            .enumerate()
            .map(|(number, pick)| tokio::spawn(walk(number, faults[pick])))
            .collect();
        for walk in walks {
            walk.await.unwrap();
        }
    });
}

async fn walk(number: usize, fault: Option<Fault>) {
    let idp = &*IDP;
    let persona = Persona {
        sub: format!("00uWalker{number:011}"),
        login: format!("walker-{number}@people.test"),
        email: format!("walker-{number}@people.test"),
        id_token_name: format!("Walker {number}"),
        userinfo_name: format!("Walker Number {number}"),
        ..Persona::default()
    };
    let scenario = Scenario::honest(persona.clone()).with_faults(fault);
    let flow = idp.begin(scenario);
    let mut browser = Browser::new();
    browser.get(&flow.enter).await;
    let state = format!("state-{number}");
    let url = app::authorization_url(&idp.issuer(), &[("state", Some(&state))]);
    let back = app::authorize(&mut browser, &url, &persona.login).await;
    assert_eq!(param(&back, "state"), Some(state));
    let answer = app::redeem(&idp.issuer(), &param(&back, "code").unwrap(), &[]).await;
    let tokens: serde_json::Value = answer.json().await.unwrap();
    let info = app::userinfo(&idp.issuer(), tokens["access_token"].as_str().unwrap()).await;
    let info: serde_json::Value = info.json().await.unwrap();
    let records = idp.records(flow.id);
    let sent: Vec<Fault> = records
        .iter()
        .filter_map(|record| match &record.event {
            Event::Sent { fault, .. } => Some(*fault),
            _ => None,
        })
        .collect();
    assert!(
        sent.iter().all(|sent| Some(*sent) == fault),
        "{number}: {sent:?} but {fault:?}"
    );
    assert_eq!(sent.is_empty(), fault.is_none(), "{number}");
    if fault.is_none_or(|fault| fault.message() == Message::IdToken) {
        assert_eq!(info["sub"], persona.sub);
        assert_eq!(info["name"], persona.userinfo_name);
    }
    assert!(records.iter().all(|record| record.flow == Some(flow.id)));
}
