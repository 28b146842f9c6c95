//! The engine against apps that are hopeless: whatever they do, nothing passes that should not, and nothing hangs.

use std::{
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{extract::Request, middleware::map_request};
use conformance::{
    catalog,
    run::RunResult,
    runner::{Driver, InProcess, Options, run},
    target::Config,
};
use flawed_app::{Flaw, Flaws};

use crate::{agreement::run_flawed, scripted::Mode};

const CONFIG: &str = r#"
[target]
url = "http://localhost:{port}"
sign_in = { get = "/signin" }
sign_out = { get = "/signout" }
callback = "/callback"
[target.session]
probe = "/me"
signed_in = { status = 200, contains = "{user.email}" }
signed_out = { status = 401 }
"#;

/// Runs these cases against this app.
async fn run_against(mode: Mode, ids: &[&str]) -> RunResult {
    let config: Config = toml::from_str(CONFIG).unwrap();
    let cases = catalog::all()
        .filter(|case| ids.is_empty() || ids.contains(&case.id))
        .collect();
    let options = Options {
        launcher: Some(mode.app()),
        timeout: Duration::from_secs(2),
        ..Options::new(cases)
    };
    run(&config, &options, &mut |_| {}).await
}

/// Ids of the cases with this verdict.
fn with(result: &RunResult, word: &str) -> Vec<&'static str> {
    result
        .cases
        .iter()
        .filter(|case| case.verdict.word() == word)
        .map(|case| case.case.id)
        .collect()
}

#[tokio::test]
async fn an_app_that_cannot_sign_anybody_in_passes_nothing() {
    for mode in [
        Mode::Hangs,
        Mode::Closes,
        Mode::Fails,
        Mode::Loops,
        Mode::Endless,
        Mode::RejectsEveryone,
    ] {
        let result = run_against(mode, &["callback/state-mismatch", "id-token/alg-none"]).await;
        assert!(result.aborted.is_some(), "{mode:?} was judged");
        assert_eq!(result.count("pass"), 0, "{mode:?} passes {:?}", with(&result, "pass"));
    }
}

#[tokio::test]
async fn an_app_that_shows_the_user_to_everybody_is_not_judged() {
    let result = run_against(Mode::ShowsTheLastUser, &["callback/state-mismatch"]).await;
    let reason = result.aborted.clone().expect("the control must notice");
    assert!(
        reason.contains("must show nobody") || reason.contains("must show the"),
        "{reason}"
    );
    assert_eq!(result.count("pass"), 0);
}

#[tokio::test]
async fn an_app_that_accepts_everybody_fails_every_forgery() {
    let forgeries = [
        "callback/state-missing",
        "callback/state-mismatch",
        "callback/state-cross-session",
        "id-token/alg-none",
        "id-token/aud-wrong",
        "id-token/iss-wrong",
        "id-token/exp-past",
        "id-token/sig-corrupt",
        "id-token/header-jwk",
    ];
    let result = run_against(Mode::AcceptsEveryone, &forgeries).await;
    assert_eq!(result.aborted, None);
    assert_eq!(with(&result, "pass"), Vec::<&str>::new());
    let failed = with(&result, "fail");
    for id in [
        "callback/state-cross-session",
        "id-token/alg-none",
        "id-token/aud-wrong",
        "id-token/exp-past",
    ] {
        assert!(failed.contains(&id), "{id} is not among {failed:?}");
    }
}

/// Which of its cases such an app fails would be chance otherwise.
#[tokio::test]
async fn an_app_that_takes_people_for_one_another_is_walked_with_one_person_at_a_time() {
    let cases: Vec<_> = catalog::all()
        .filter(|case| case.id.starts_with("id-token/aud-"))
        .collect();
    for (flaw, is_mixed_up) in [(Some(Flaw::ProfileInGlobal), true), (None, false)] {
        let result = run_flawed(Driver::Http, None, flaw, &cases).await;
        let told = |notice: &String| notice.starts_with("people who sign in at once are mixed up");
        assert_eq!(result.notices.iter().any(told), is_mixed_up, "{:?}", result.notices);
        assert_eq!(with(&result, "pass").len(), cases.len(), "{flaw:?}");
    }
}

/// How many people came back to the app in a run of this case.
async fn callbacks_in_a_run_of(id: &str) -> usize {
    let callbacks = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&callbacks);
    let launcher = InProcess::new(move |listener, vars| {
        let config = flawed_app::Config::from_vars(&vars);
        let seen = Arc::clone(&seen);
        let count = move |request: Request| {
            let is_callback = request.uri().path() == "/authorization-code/callback";
            seen.fetch_add(usize::from(is_callback), Ordering::Relaxed);
            ready(request)
        };
        async move {
            let router = flawed_app::start(config, Flaws::none()).await?;
            let router = router.layer(map_request(count));
            Ok(async move { axum::serve(listener, router).await })
        }
    });
    let config = crate::flawed::config();
    let cases: Vec<_> = catalog::all().filter(|case| case.id == id).collect();
    let options = Options {
        launcher: Some(launcher),
        ..Options::new(cases)
    };
    let result = run(&config, &options, &mut |_| {}).await;
    assert_eq!(with(&result, "pass"), [id]);
    callbacks.load(Ordering::Relaxed)
}

/// Twenty people were let in at once, and kept waiting, before the only walk of a run.
#[tokio::test]
async fn an_app_bears_no_more_people_at_once_than_the_selected_cases_need() {
    let alone = callbacks_in_a_run_of("authorization/state-unique").await;
    assert!(alone < 20, "{alone} sign-ins for a case of one walk");
    let crowd = callbacks_in_a_run_of("concurrency/reversed-replies").await;
    assert!(crowd > 2 * 20, "{crowd} sign-ins for a case of a crowd");
}

#[tokio::test]
async fn cases_that_ask_different_things_of_the_same_walk_share_it_until_one_is_asked_again() {
    let ids = ["authorization/state-unique", "authorization/nonce-unique"];
    let cases: Vec<_> = catalog::all().filter(|case| ids.contains(&case.id)).collect();
    let result = run_flawed(Driver::Http, None, Some(Flaw::StatePredictable), &cases).await;
    let walks = |id: &str| -> Vec<_> {
        let case = result.cases.iter().find(|case| case.case.id == id).unwrap();
        let attempts = case.variants.iter().flat_map(|variant| &variant.attempts);
        attempts.map(|attempt| attempt.evidence.flows[0].id).collect()
    };
    let (state, nonce) = (walks(ids[0]), walks(ids[1]));
    assert_eq!(
        (with(&result, "fail"), with(&result, "pass")),
        (vec![ids[0]], vec![ids[1]])
    );
    assert_eq!(
        (state.len(), nonce.len()),
        (2, 1),
        "a failure is walked again, a pass is not"
    );
    assert_eq!(state[0], nonce[0]);
    assert_ne!(state[0], state[1]);
}
