//! Both drivers say the same of the same app: the correct one and a dozen that are wrong in one way each.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use conformance::{
    catalog,
    run::RunResult,
    runner::{Driver, Launch, Launched, Options, run},
    target::Config,
};
use flawed_app::Flaws;
use futures_util::future::BoxFuture;

use crate::webdriver::machine_has_a_browser;

const CONFIG: &str = include_str!("../../../fixtures/flawed-app/conformance.toml");

/// The flawed app inside this process.
struct Flawed(Flaws);

impl Launch for Flawed {
    fn launch(&self, vars: BTreeMap<String, String>) -> BoxFuture<'static, Result<Launched, String>> {
        let flaws = self.0.clone();
        Box::pin(async move {
            let address = format!("localhost:{}", vars["port"]);
            let listener = tokio::net::TcpListener::bind(&address)
                .await
                .map_err(|error| error.to_string())?;
            let (issuer, id, secret) = (&vars["idp.issuer"], &vars["idp.client.id"], &vars["idp.client.secret"]);
            let config = flawed_app::Config::new(issuer, id, secret, &format!("http://{address}"));
            let server = tokio::spawn(flawed_app::serve(listener, config, flaws));
            Ok(Box::new(Ended(server)) as Launched)
        })
    }
}

/// Ends the server when it is dropped.
struct Ended(tokio::task::JoinHandle<std::io::Result<()>>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn run_flawed(driver: Driver, flaws: Flaws, ids: &[&str]) -> RunResult {
    let mut config: Config = toml::from_str(CONFIG).unwrap();
    config.target.start = None;
    let cases = catalog::all()
        .filter(|case| ids.is_empty() || ids.iter().any(|id| case.id.starts_with(id)))
        .collect();
    let options = Options {
        driver,
        launcher: Some(Arc::new(Flawed(flaws))),
        timeout: Duration::from_secs(10),
        ..Options::new(cases)
    };
    run(&config, &options, &mut |_| {}).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_browser_walks_the_correct_app() {
    if !machine_has_a_browser() {
        return;
    }
    let ids = [
        "callback/happy-control",
        "callback/state-mismatch",
        "id-token/aud-wrong",
    ];
    let result = run_flawed(Driver::WebDriver { url: None }, Flaws::none(), &ids).await;
    assert_eq!(result.aborted, None);
    for case in &result.cases {
        assert_eq!(case.verdict.word(), "pass", "{}: {:?}", case.case.id, case.verdict);
    }
    assert_eq!(result.cases.len(), ids.len());
}
