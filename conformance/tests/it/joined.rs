//! An authorization server that runs already, as two replicas behind a proxy, leads to the verdicts that the built-in one leads
//! to: for the right app and for one that is wrong; and two shards that share it come to what one run comes to.
//!
//!     JOINED=full cargo test -p conformance --test it -- joined
//!
//! meets every case, in some minutes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use conformance::{
    case::{Case, Lane},
    catalog,
    run::RunResult,
    runner::{Options, run},
    shard::Shard,
};
use flawed_app::Flaw;
use futures_util::future::join3;
use mock_idp::MockIdp;
use tokio::net::{TcpListener, TcpStream};

use crate::{
    flawed::{self, launcher, verdicts},
    redis::Redis,
};

/// What `cargo test` meets: faults of tokens, of userinfo and of what is served for everybody, on fresh apps; barriers; the
/// second origin; logout tokens.
const SAMPLE: &[&str] = &[
    "id-token/alg-",
    "concurrency/",
    "userinfo/redirect",
    "userinfo/sub-",
    "discovery/cross-origin-redirect",
    "logout/bc-",
];

/// What it meets of them with the app that is wrong.
const FEW: &[&str] = &["id-token/alg-", "userinfo/redirect", "logout/bc-alg-none"];

/// Those that are walked. What only watches sees less in a shard.
fn cases(sample: &[&str]) -> Vec<&'static Case> {
    let is_met = |case: &Case| match std::env::var("JOINED").as_deref() {
        Ok("full") => true,
        _ => sample.iter().any(|begin| case.id.starts_with(begin)),
    };
    catalog::all()
        .filter(|case| !matches!(case.lane, Lane::Slow | Lane::Watch) && is_met(case))
        .collect()
}

/// A Redis, two replicas that share it, and a proxy before them that gives each connection to the next one.
struct Replicas {
    origin: String,
    redis: Redis,
    both: [MockIdp; 2],
}

impl Replicas {
    async fn start() -> Option<Self> {
        let redis = Redis::start()?;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let start = || {
            let builder = MockIdp::builder().issuer(&origin).store(&redis.url());
            async { builder.start().await.unwrap() }
        };
        let both = [start().await, start().await];
        let ports = [both[0].port(), both[1].port()];
        let turn = Arc::new(AtomicUsize::new(0));
        tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let port = ports[turn.fetch_add(1, Ordering::Relaxed) % 2];
                tokio::spawn(async move {
                    let mut to = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    // Either side may break off: some faults are about that.
                    let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                });
            }
        });
        Some(Self { origin, redis, both })
    }
}

async fn judged(flaw: Option<Flaw>, replicas: Option<&Replicas>, cases: Vec<&'static Case>) -> RunResult {
    let mut config = flawed::config();
    // Nobody is asked how long to wait between two fetches of the keys: the flawed app never does.
    config.run.cool_down = Some(0);
    config.idp.url = replicas.map(|replicas| replicas.origin.clone());
    config.idp.store = replicas.map(|replicas| replicas.redis.url());
    let options = Options {
        launcher: Some(launcher(flaw)),
        timeout: Duration::from_secs(20),
        seed: 11,
        ..Options::new(cases)
    };
    run(&config, &options, &mut |_| {}).await
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_run_already_lead_to_the_same_verdicts() {
    let Some(replicas) = Replicas::start().await else {
        return;
    };
    for (flaw, sample) in [(None, SAMPLE), (Some(Flaw::AlgNoneAccepted), FEW)] {
        let cases = cases(sample);
        let shard = |index| Shard { index, of: 2 }.of(&cases);
        let (built_in, first, second) = join3(
            judged(flaw, None, cases.clone()),
            judged(flaw, Some(&replicas), shard(1)),
            judged(flaw, Some(&replicas), shard(2)),
        )
        .await;
        let name = flaw.map_or("the right app", Flaw::name);
        for result in [&built_in, &first, &second] {
            assert_eq!(result.aborted, None, "{name}");
        }
        let mut joined = verdicts(&first);
        joined.extend(verdicts(&second));
        joined.sort();
        assert!(joined.len() >= cases.len(), "{} verdicts", joined.len());
        eprintln!("{name}: {} verdicts", joined.len());
        similar(name, &verdicts(&built_in), &joined);
        assert!(verdicts(&built_in).iter().any(|verdict| verdict.ends_with(": fail")) == flaw.is_some());
    }
    // Nothing of the runs is left behind.
    for idp in &replicas.both {
        let origin = format!("http://127.0.0.1:{}", idp.port());
        let clients = reqwest::get(format!("{origin}/_mock/clients")).await.unwrap();
        let clients: serde_json::Value = clients.json().await.unwrap();
        assert_eq!(clients.as_array().unwrap().len(), 1, "{clients}");
        let keys = reqwest::get(format!("{origin}/_mock/keys")).await.unwrap();
        let keys: serde_json::Value = keys.json().await.unwrap();
        assert_eq!(keys.as_array().unwrap().len(), 2, "{keys}");
    }
}

fn similar(name: &str, built_in: &[String], joined: &[String]) {
    let missing = built_in.iter().filter(|verdict| !joined.contains(verdict));
    let added = joined.iter().filter(|verdict| !built_in.contains(verdict));
    let differ: Vec<String> = missing
        .map(|verdict| format!("{name}: built-in {verdict}"))
        .chain(added.map(|verdict| format!("{name}: joined {verdict}")))
        .collect();
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[tokio::test]
async fn what_cannot_be_joined_is_said() {
    let Some(redis) = Redis::start() else { return };
    let refused = async |url: &str| -> String {
        let mut config = flawed::config();
        config.idp.url = Some(url.to_owned());
        config.idp.store = Some(redis.url());
        let result = run(&config, &Options::new(cases(FEW)), &mut |_| {}).await;
        result.aborted.expect("nothing can be judged")
    };
    // Somebody else, and a mock-idp that shares nothing.
    let stranger = wiremock::MockServer::start().await;
    let text = refused(&stranger.uri()).await;
    assert!(text.contains("has to lead to a mock-idp"), "{text}");
    let alone = MockIdp::start().await.unwrap();
    let text = refused(alone.origin().as_str().trim_end_matches('/')).await;
    assert!(text.contains("has served from this store"), "{text}");
}
