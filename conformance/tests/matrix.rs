//! Who tests the tester: every planted flaw must redden exactly the cases that it declares, and the app without a flaw
//! none.
//!
//! Each flaw is a test of its own, so `cargo test -p conformance --test matrix -- nonce` runs a few of them. By default
//! a flaw meets the cases that it declares, their neighbours in the catalogue and a sample drawn from its name; with
//! `MATRIX=full` it meets them all.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test that cannot go on should stop, and one that was asked to talk talks"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use conformance::{
    case::{Case, Lane},
    catalog,
    outcome::Verdict,
    run::RunResult,
    runner::{Launch, Launched, Options, run},
    target::Config,
};
use flawed_app::{Flaw, Flaws, flaw::Setting};
use futures_util::{FutureExt, future::BoxFuture};
use libtest_mimic::{Arguments, Failed, Trial};

/// The mail domain of everybody whom the harness invents.
const MAIL_DOMAIN: &str = "users.example.test";

/// How many cases beside its own and their neighbours a flaw meets.
const SAMPLE: usize = 6;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let clean = Trial::test("clean", || twice(clean_app_fails_nothing));
    let flaws = Flaw::ALL.iter().map(|flaw| {
        let trial = Trial::test(flaw.name(), move || twice(|| meets_its_cases(*flaw)));
        trial.with_ignored_flag(not_here(*flaw).is_some())
    });
    libtest_mimic::run(&arguments, std::iter::once(clean).chain(flaws).collect()).exit_code()
}

/// What differs once may be the machine's doing; what differs twice is the harness's or the app's.
fn twice(meet: impl Fn() -> Result<(), Failed>) -> Result<(), Failed> {
    meet().or_else(|_| meet())
}

fn clean_app_fails_nothing() -> Result<(), Failed> {
    let cases: Vec<_> = catalog::all().filter(|case| case.lane != Lane::Slow).collect();
    let result = judged(Flaws::default(), Setting::Default, cases)?;
    let told: Vec<String> = result
        .cases
        .iter()
        .filter(|case| !matches!(case.verdict, Verdict::Pass | Verdict::Skipped(_)))
        .map(|case| story(&result, case.case.id))
        .collect();
    if told.is_empty() {
        Ok(())
    } else {
        Err(told.join("\n").into())
    }
}

fn meets_its_cases(flaw: Flaw) -> Result<(), Failed> {
    let cases = cases_for(flaw);
    let chosen: BTreeSet<&str> = cases.iter().map(|case| case.id).collect();
    let declared: BTreeSet<&str> = flaw
        .reddens()
        .iter()
        .copied()
        .filter(|id| chosen.contains(id))
        .collect();
    let result = judged(Flaws::from(flaw), flaw.setting(), cases);
    if flaw.fails_control() {
        // An app that signs nobody in is not judged at all: that is what must be noticed.
        return match result {
            Err(_) => Ok(()),
            Ok(_) => Err("an app that signs nobody in was judged".into()),
        };
    }
    let result = result?;
    let red: BTreeSet<&str> = result
        .cases
        .iter()
        .filter(|case| is_red(&case.verdict))
        .map(|case| case.case.id)
        .collect();
    let missed = declared
        .difference(&red)
        .map(|id| format!("not red: {}", story(&result, id)));
    let surprising = red
        .difference(&declared)
        .map(|id| format!("red, not declared: {}", story(&result, id)));
    let told: Vec<String> = missed.chain(surprising).collect();
    if told.is_empty() {
        Ok(())
    } else {
        Err(told.join("\n").into())
    }
}

/// Why a flaw cannot be met here; `--include-ignored` tries all the same.
fn not_here(flaw: Flaw) -> Option<&'static str> {
    match flaw.setting() {
        Setting::SecretJwt => Some("the registration of an in-process app knows no client assertion"),
        Setting::ShortSessions => Some("its case waits for a session to run out (lane slow)"),
        Setting::HttpsIssuer => Some("an in-process app gets no issuer over TLS"),
        _ => NOT_HELD
            .iter()
            .find(|(name, _)| *name == flaw.name())
            .map(|(_, why)| *why),
    }
}

/// Flaws whose declaration and verdicts do not agree yet, each with what differs.
const NOT_HELD: &[(&str, &str)] = &[
    (
        "foreign-endpoint-used",
        "its case passes it: the plain-http variant needs an issuer over TLS",
    ),
    (
        "no-state",
        "robustness/bad-bytes warns too: without state a damaged state signs in",
    ),
    (
        "token-request-query",
        "discovery/endpoints-honoured does not see a lost query",
    ),
    (
        "userinfo-token-in-query",
        "discovery/endpoints-honoured does not see a lost query",
    ),
    ("auth-time-unchecked", "step-up was not seen in the control"),
    ("acr-unchecked", "step-up was not seen in the control"),
    ("refresh-unverified", "refreshing was not seen in the control"),
    ("mail-domain-suffix", "met for the first time with its setting"),
    ("open-redirect", "redirect/state-carried fails it too"),
    (
        "sign-out-forgeable",
        "access-token/not-exposed warns too: the hint of a forged sign-out",
    ),
    ("bc-sid-required", "logout/bc-unknown-session warns too"),
    ("profile-in-global", "under load its twins show nobody: inconclusive"),
    (
        "pending-flows-exhausted",
        "after the flood nobody can sign in: inconclusive",
    ),
    (
        "token-request-locked",
        "its replies cannot be held at once: inconclusive",
    ),
];

fn is_red(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Fail | Verdict::Warn)
}

/// Its own cases, the neighbours of each, and a sample that its name decides.
fn cases_for(flaw: Flaw) -> Vec<&'static Case> {
    let all: Vec<&'static Case> = catalog::all().filter(|case| case.lane != Lane::Slow).collect();
    if std::env::var("MATRIX").is_ok_and(|value| value == "full") {
        return all;
    }
    let mut chosen: BTreeSet<usize> = BTreeSet::new();
    for (at, case) in all.iter().enumerate() {
        if flaw.reddens().contains(&case.id) {
            chosen.extend([at.saturating_sub(1), at, (at + 1).min(all.len() - 1)]);
        }
    }
    let cheap = |at: &usize| matches!(all[*at].lane, Lane::Parallel | Lane::Watch);
    let mut hasher = DefaultHasher::new();
    flaw.name().hash(&mut hasher);
    let start = usize::try_from(hasher.finish() % 1009).unwrap_or_default();
    let sample = (0..all.len())
        .map(|step| (start + step * 37) % all.len())
        .filter(cheap)
        .take(SAMPLE);
    chosen.extend(sample);
    chosen.into_iter().map(|at| all[at]).collect()
}

/// Runs these cases against the app with these flaws, in this process.
fn judged(flaws: Flaws, setting: Setting, cases: Vec<&'static Case>) -> Result<RunResult, Failed> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/flawed-app/conformance.toml");
    let mut config: Config = toml::from_str(&std::fs::read_to_string(&file)?)?;
    config.target.start = None;
    match setting {
        Setting::RefreshTokens => config.target.declares.scopes.push("offline_access".to_owned()),
        Setting::MailDomain => config.target.declares.mail_domain = Some(MAIL_DOMAIN.to_owned()),
        _ => {}
    }
    let launcher: Arc<dyn Launch> = Arc::new(InProcess(flaws, setting));
    let options = Options {
        launcher: Some(launcher),
        ..Options::new(cases)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let talkative = std::env::var_os("MATRIX_VERBOSE").is_some();
    let result = runtime.block_on(run(&config, &options, &mut |event| {
        if talkative {
            eprintln!("{event:?}");
        }
    }));
    match &result.aborted {
        Some(reason) => Err(format!("nothing was judged: {reason}").into()),
        None => Ok(result),
    }
}

/// What a case came to, with what its checks saw.
fn story(result: &RunResult, id: &str) -> String {
    let Some(case) = result.cases.iter().find(|case| case.case.id == id) else {
        return format!("{id}: not run");
    };
    let mut text = format!(
        "{id}: {} {}",
        case.verdict.word(),
        case.verdict.reason().unwrap_or_default()
    );
    for variant in case.variants.iter().filter(|variant| variant.verdict != Verdict::Pass) {
        let reason = variant.verdict.reason().unwrap_or_default();
        text.push_str(&format!("\n    {}: {} {reason}", variant.name, variant.verdict.word()));
        for check in variant
            .attempts
            .last()
            .map(|attempt| attempt.checks.as_slice())
            .unwrap_or_default()
        {
            text.push_str(&format!("\n        {} {:?}", check.id, check.outcome));
        }
    }
    text
}

/// The flawed app inside this process.
struct InProcess(Flaws, Setting);

impl Launch for InProcess {
    fn launch(&self, vars: BTreeMap<String, String>) -> BoxFuture<'static, Result<Launched, String>> {
        let (flaws, setting) = (self.0.clone(), self.1);
        async move {
            let port: u16 = vars["port"].parse().map_err(|_| "the port is no number".to_owned())?;
            let listener = bind(port).await?;
            let origin = format!("http://localhost:{port}");
            let (id, secret) = (&vars["idp.client.id"], &vars["idp.client.secret"]);
            let mut config = flawed_app::Config::new(&vars["idp.issuer"], id, secret, &origin);
            match setting {
                Setting::RefreshTokens => config.refresh_tokens = true,
                Setting::MailDomain => config.mail_domain = Some(MAIL_DOMAIN.to_owned()),
                Setting::StepUp => {
                    config.max_age = Some(3600);
                    config.acr_values = Some("urn:okta:loa:1fa:pwd".to_owned());
                }
                _ => {}
            }
            let task = tokio::spawn(async move {
                let _ = flawed_app::serve(listener, config, flaws).await;
            });
            Ok(Box::new(AbortOnDrop(task)) as Launched)
        }
        .boxed()
    }
}

/// The port of the app before may be free only once its task has really ended.
async fn bind(port: u16) -> Result<tokio::net::TcpListener, String> {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    loop {
        match tokio::net::TcpListener::bind(("127.0.0.1", port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) if std::time::Instant::now() > deadline => return Err(error.to_string()),
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
