//! When a plain sign-in fails after a walk, the cause is found before anybody is accused. A right app stands behind a front
//! that has one habit; what the front remembers goes with the process, unless the habit says otherwise.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    extract::Request,
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use conformance::{
    catalog,
    run::RunResult,
    runner::{InProcess, Options, run},
    target::Config,
    verdict::{Cause, judge::RECOVERY},
};
use flawed_app::Flaws;

const CONFIG: &str = include_str!("../../../fixtures/flawed-app/conformance.toml");
const SIGN_IN: &str = "/signin";
const CALLBACK: &str = "/authorization-code/callback";

/// What the front does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Habit {
    /// So many sign-ins are begun in the life of a process, then 429.
    Limit(u32),
    /// After so many refused callbacks nobody may begin, 403.
    Lockout(u32),
    /// A callback without `state` breaks the process for good.
    Poison,
    /// The same, but only the first time in the whole test.
    PoisonOnce,
    /// From the n-th request of the whole test on there is no answer, whatever is started.
    Gone(u32),
}

/// What one process remembers.
#[derive(Default)]
struct Memory {
    begun: AtomicU32,
    refused: AtomicU32,
    poisoned: AtomicU32,
}

fn app(habit: Habit, whole_test: Arc<AtomicU32>) -> InProcess {
    InProcess::new(move |listener, vars| {
        let whole_test = Arc::clone(&whole_test);
        let memory = Arc::new(Memory::default());
        async move {
            let config = flawed_app::Config::from_vars(&vars);
            let front = axum::middleware::from_fn(move |request: Request, next: Next| {
                front(habit, Arc::clone(&memory), Arc::clone(&whole_test), request, next)
            });
            let router = flawed_app::app(config, Flaws::none()).layer(front);
            Ok(async move { drop(axum::serve(listener, router).await) })
        }
    })
}

async fn front(
    habit: Habit,
    memory: Arc<Memory>,
    whole_test: Arc<AtomicU32>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let has_state = request.uri().query().is_some_and(|query| query.contains("state="));
    let more = |count: &AtomicU32| count.fetch_add(1, Ordering::Relaxed);
    match habit {
        Habit::Limit(limit) if path == SIGN_IN && more(&memory.begun) >= limit => {
            let wait = [(header::RETRY_AFTER, "60")];
            return (StatusCode::TOO_MANY_REQUESTS, wait, "later").into_response();
        }
        Habit::Lockout(limit) if path == SIGN_IN && memory.refused.load(Ordering::Relaxed) >= limit => {
            return (StatusCode::FORBIDDEN, "too many failed sign-ins from your address").into_response();
        }
        Habit::Poison | Habit::PoisonOnce if memory.poisoned.load(Ordering::Relaxed) > 0 => {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        Habit::Gone(after) if more(&whole_test) >= after => std::future::pending::<()>().await,
        _ => {}
    }
    let answer = next.run(request).await;
    if path == CALLBACK && answer.status().is_client_error() {
        more(&memory.refused);
    }
    if path == CALLBACK
        && !has_state
        && (habit == Habit::Poison || (habit == Habit::PoisonOnce && more(&whole_test) == 0))
    {
        more(&memory.poisoned);
    }
    answer
}

async fn run_with(habit: Habit, ids: &[&str], more: impl FnOnce(&mut Options)) -> RunResult {
    let mut config: Config = toml::from_str(CONFIG).unwrap();
    config.target.start = None;
    let cases = catalog::all()
        .filter(|case| {
            ids.iter()
                .any(|id| case.id == *id || case.id.starts_with(&format!("{id}/")))
        })
        .collect();
    let mut options = Options {
        launcher: Some(app(habit, Arc::default())),
        timeout: Duration::from_secs(3),
        ..Options::new(cases)
    };
    more(&mut options);
    run(&config, &options, &mut |_| {}).await
}

fn ids_with<'r>(result: &'r RunResult, word: &str) -> Vec<&'r str> {
    let cases = result.cases.iter().filter(|case| case.verdict.word() == word);
    cases.map(|case| case.case.id).collect()
}

fn stories(result: &RunResult) -> String {
    let cases = result.cases.iter().map(conformance::run::CaseResult::story);
    cases
        .chain(result.notices.clone())
        .chain(result.aborted.clone())
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test]
async fn a_limit_on_requests_is_named_once_and_fails_nothing() {
    let result = run_with(
        Habit::Limit(16),
        &["id-token/aud-wrong", "callback/state-missing", "callback/code-missing"],
        |_| {},
    )
    .await;
    assert_eq!(ids_with(&result, "fail"), Vec::<&str>::new(), "{}", stories(&result));
    let named = |notice: &&String| notice.contains("the app limits requests") && notice.contains("pace = ");
    let notices: Vec<&String> = result.notices.iter().filter(named).collect();
    assert_eq!(notices.len(), 1, "{}", stories(&result));
    // Who asked sixteen sign-ins to be enough for a minute is told of a pace below that.
    let (_, pace) = notices[0].split_once("--pace ").unwrap();
    let pace: u32 = pace.split(')').next().unwrap().parse().unwrap();
    assert!((1..16).contains(&pace), "{pace}");
    // It can be started afresh, so that everything is judged all the same.
    assert_eq!(
        ids_with(&result, "inconclusive"),
        Vec::<&str>::new(),
        "{}",
        stories(&result)
    );
}

#[tokio::test]
async fn a_lockout_after_refused_sign_ins_is_named_once_and_fails_nothing() {
    let result = run_with(
        Habit::Lockout(5),
        &[
            "id-token/aud-wrong",
            "callback/state-missing",
            "callback/state-mismatch",
        ],
        |_| {},
    )
    .await;
    assert_eq!(ids_with(&result, "fail"), Vec::<&str>::new(), "{}", stories(&result));
    let named = |notice: &&String| notice.contains("a lockout after refused sign-ins");
    assert_eq!(result.notices.iter().filter(named).count(), 1, "{}", stories(&result));
    assert!(ids_with(&result, "pass").len() >= 2, "{}", stories(&result));
}

/// Reports gather what has the same reason.
#[test]
fn a_limit_is_one_reason_whichever_page_met_it() {
    let met_at = |page: &str| {
        let cause = Cause::Limited {
            at: format!("{page} answered 429"),
            retry_after: None,
        };
        cause.reason("nobody is signed in")
    };
    assert_eq!(met_at(SIGN_IN), met_at(CALLBACK));
}

/// At a pace nothing begins at once, and two thousand sign-ins would take hours.
#[tokio::test]
async fn what_is_about_many_sign_ins_at_once_is_left_out_at_a_pace() {
    let ids = ["robustness/login-start-flood", "callback/state-missing"];
    let result = run_with(Habit::Limit(u32::MAX), &ids, |options| {
        options.pace = NonZeroU32::new(1000);
    })
    .await;
    assert_eq!(ids_with(&result, "pass"), ids[1..], "{}", stories(&result));
    assert_eq!(ids_with(&result, "skipped"), ids[..1], "{}", stories(&result));
    let left_out = result.left_out.iter().map(|left_out| left_out.case);
    assert_eq!(
        left_out.collect::<Vec<_>>(),
        ids[..1],
        "by name, as all that is left out by choice"
    );
}

/// The lockout comes in the middle of these walks: what they missed afterwards is not the app's fault, and no forged message
/// that was missing then is the reason.
#[tokio::test]
async fn a_walk_that_a_lockout_cut_short_is_open_for_that_reason() {
    let ids = ["concurrency/state-store", "jwks/refetch-throttled"];
    let result = run_with(Habit::Lockout(5), &ids, |_| {}).await;
    assert_eq!(ids_with(&result, "inconclusive").len(), 2, "{}", stories(&result));
    for case in &result.cases {
        let reason = case.verdict.reason().unwrap_or_default();
        assert!(
            reason.contains("the app turns away every browser"),
            "{}",
            stories(&result)
        );
    }
}

#[tokio::test]
async fn a_walk_that_breaks_every_fresh_app_fails_the_recovery_check() {
    let ids = ["callback/state-missing", "id-token/aud-wrong"];
    let result = run_with(Habit::Poison, &ids, |_| {}).await;
    assert_eq!(
        ids_with(&result, "fail"),
        ["callback/state-missing"],
        "{}",
        stories(&result)
    );
    let case = result.cases.iter().find(|case| case.case.id == ids[0]).unwrap();
    let failed = case
        .variants
        .iter()
        .find(|variant| variant.verdict.word() == "fail")
        .unwrap();
    for attempt in &failed.attempts {
        assert!(
            attempt.checks.iter().any(|check| check.id == RECOVERY),
            "{}",
            stories(&result)
        );
        assert!(
            attempt.control.after.starts_with("broken by this walk"),
            "{:?}",
            attempt.control
        );
        assert!(attempt.control.before.starts_with("ok: flow "), "{:?}", attempt.control);
    }
    assert_eq!(failed.attempts.len(), 2);
    // Whoever walked beside it is not accused.
    assert_eq!(
        ids_with(&result, "pass"),
        ["id-token/aud-wrong"],
        "{}",
        stories(&result)
    );
}

#[tokio::test]
async fn what_breaks_once_and_not_again_on_a_fresh_app_accuses_nobody() {
    let result = run_with(
        Habit::PoisonOnce,
        &["callback/state-missing", "id-token/aud-wrong"],
        |_| {},
    )
    .await;
    assert_eq!(ids_with(&result, "fail"), Vec::<&str>::new(), "{}", stories(&result));
    assert_eq!(ids_with(&result, "pass").len(), 2, "{}", stories(&result));
    assert!(
        result
            .notices
            .iter()
            .any(|notice| notice.contains("walking them again one by one")),
        "{:?}",
        result.notices
    );
}

#[tokio::test]
async fn an_app_that_stops_answering_ends_its_walks_after_one_restart() {
    let asked = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&asked);
    let result = run_with(Habit::Gone(400), &["id-token", "callback"], |options| {
        options.launcher = Some(app(Habit::Gone(400), seen));
        options.timeout = Duration::from_secs(1);
    })
    .await;
    assert_eq!(ids_with(&result, "fail"), Vec::<&str>::new(), "{}", stories(&result));
    let ended = |notice: &&String| notice.starts_with("the walks of the running app end here");
    assert_eq!(result.notices.iter().filter(ended).count(), 1, "{:?}", result.notices);
    let open = ids_with(&result, "inconclusive").len();
    assert!(open > 40, "{open} of {}", result.cases.len());
    assert_eq!(
        open + ids_with(&result, "pass").len() + ids_with(&result, "warn").len() + ids_with(&result, "skipped").len(),
        result.cases.len()
    );
    // Not forty cases of time-outs: hardly more than the walks that were in flight, on the main app and on fresh ones, waited in vain.
    let in_vain = asked.load(Ordering::Relaxed) - 400;
    assert!(in_vain < 100, "{in_vain} requests were made in vain");
}
