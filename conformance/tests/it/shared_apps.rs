//! Cases that share a fresh app come to the verdicts that they come to on an app of their own: for the right app and for
//! apps that are wrong about discovery or keys.
//!
//!     SHARED_APPS=full cargo test -p conformance --test it -- shared_apps
//!
//! meets all of them, in a minute and a half on two cores. And what is walked beside what, or at the same time.

use std::time::Duration;

use conformance::{
    case::{Case, Lane},
    catalog,
    outcome::Verdict,
    run::{RunEvent, RunResult},
    runner::{Options, run},
};
use flawed_app::{Flaw, Habit, Habits};
use futures_util::{StreamExt, future::join, stream};

use crate::flawed::{config, launcher, launcher_with, verdicts};

/// Wrong in one way each, about what an app reads at its start or fetches later.
const FLAWED: &[Flaw] = &[
    Flaw::DiscoveryIssuerUnchecked,
    Flaw::DiscoveryMalformedCrash,
    Flaw::DiscoveryStrictSchema,
    Flaw::EndpointsHardCoded,
    Flaw::DiscoveryRedirectFollowed,
    Flaw::JwksNeverRefetched,
    Flaw::UnknownKidUnchecked,
    Flaw::JwksStrict,
    Flaw::KidRequired,
    Flaw::EncryptionKeyUsed,
    Flaw::JwksFailureOpen,
];

/// What `cargo test` meets of them; all of them with `SHARED_APPS=full`.
const SAMPLE: &[Flaw] = &[Flaw::DiscoveryMalformedCrash, Flaw::EncryptionKeyUsed];

/// Runs in flight at once: each has several apps.
const AT_ONCE: usize = 3;

/// Cases in which the app is left without an answer for half a minute.
const LONG: &[&str] = &["discovery/unavailable", "jwks/fetch-fails"];

async fn judged(flaw: Option<Flaw>, own_apps: bool, cases: &[&'static Case]) -> RunResult {
    let mut config = config();
    // Nobody is asked how long to wait between two fetches of the keys: the flawed app never does.
    config.run.cool_down = Some(0);
    let options = Options {
        launcher: Some(launcher(flaw)),
        timeout: Duration::from_secs(20),
        own_apps,
        seed: 7,
        ..Options::new(cases.to_vec())
    };
    run(&config, &options, &mut |_| {}).await
}

fn fresh_cases(wanted: impl Fn(&Case) -> bool) -> Vec<&'static Case> {
    catalog::all()
        .filter(|case| matches!(case.lane, Lane::Server | Lane::Restart) && wanted(case))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sharing_an_app_changes_no_verdict() {
    let flawed = match std::env::var("SHARED_APPS").as_deref() {
        Ok("full") => FLAWED,
        _ => SAMPLE,
    };
    let apps = [None].into_iter().chain(flawed.iter().copied().map(Some));
    let runs = apps.map(|flaw| async move {
        // The long ones are met by the right app and by those that are wrong about them.
        let is_about =
            |case: &Case| !LONG.contains(&case.id) || flaw.is_none_or(|flaw| flaw.reddens().contains(&case.id));
        let cases = fresh_cases(is_about);
        let (shared, own) = join(judged(flaw, false, &cases), judged(flaw, true, &cases)).await;
        let name = flaw.map_or("the right app", Flaw::name);
        eprintln!(
            "{name}: {} starts, {} with apps of their own",
            shared.starts, own.starts
        );
        (name, shared, own)
    });
    let runs: Vec<_> = stream::iter(runs).buffer_unordered(AT_ONCE).collect().await;
    let mut wrong = Vec::new();
    for (name, shared, own) in runs {
        assert_eq!((&shared.aborted, &own.aborted), (&None, &None), "{name}");
        // Hardly more where an app fetches its keys only once: nothing of what is about keys can be shared then.
        assert!(
            shared.starts <= own.starts + own.starts / 20,
            "{name}: {} starts instead of {}",
            shared.starts,
            own.starts
        );
        // A busy machine makes a few walks wait too long, which are walked again on apps of their own; how many starts the
        // plan has is asked where the plan is.
        if name == "the right app" {
            let half = own.starts / 2;
            assert!(
                shared.starts <= half,
                "the right app was started {} times",
                shared.starts
            );
        }
        let differ = verdicts(&shared)
            .into_iter()
            .zip(verdicts(&own))
            .filter(|(shared, own)| shared != own);
        wrong.extend(differ.map(|(shared, own)| format!("{name}: shared {shared}, own {own}")));
        eprintln!(
            "{name}: {} starts, {} with apps of their own",
            shared.starts, own.starts
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a shared app shows counts when another shared app shows it, on which nobody came before who came before the first time.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_on_a_shared_app_is_looked_at_on_a_shared_app_again() {
    let cases = fresh_cases(|case| case.group() == "jwks" && !LONG.contains(&case.id));
    let right = judged(None, false, &cases).await;
    let trusting = judged(Some(Flaw::SignatureUnchecked), false, &cases).await;
    let all = trusting.cases.iter().flat_map(|case| &case.variants);
    let found: Vec<_> = all
        .filter(|variant| matches!(variant.verdict, Verdict::Warn | Verdict::Fail))
        .collect();
    assert!(found.len() >= 4, "{}", verdicts(&trusting).join("\n"));
    for variant in &found {
        assert_eq!(variant.attempts.len(), 2, "{} was seen twice", variant.name);
    }
    let more = trusting.starts.saturating_sub(right.starts);
    assert!(more < found.len(), "{more} more starts for {} findings", found.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_is_kept_waiting_keeps_neither_the_others_nor_the_fresh_ones() {
    // The first waits for tokens that never come. The second is walked alone on the main app, the third on a fresh one.
    let (waits, others) = ("token-response/slow", ["concurrency/n-users", "jwks/oct-key-published"]);
    let cases: Vec<_> = catalog::all()
        .filter(|case| case.id == waits || others.contains(&case.id))
        .collect();
    assert_eq!(cases.len(), 3);
    let mut config = config();
    config.run.cool_down = Some(0);
    let options = Options {
        launcher: Some(launcher(None)),
        seed: 7,
        ..Options::new(cases)
    };
    let mut ended = Vec::new();
    let result = run(&config, &options, &mut |event| {
        if let RunEvent::CaseFinished(case) = event {
            ended.push(case.case.id);
        }
    })
    .await;
    assert_eq!(ended.last(), Some(&waits), "{ended:?}");
    assert!(
        verdicts(&result).iter().all(|verdict| verdict.ends_with(": pass")),
        "{:?}",
        verdicts(&result)
    );
    // The main one, the copy that told how it fetches keys and was kept waiting, and the fresh one.
    assert_eq!(result.starts, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_with_two_connections_meets_crowds_of_two() {
    let crowds = ["concurrency/reversed-replies", "concurrency/mixed-faults"];
    let cases = catalog::all().filter(|case| crowds.contains(&case.id)).collect();
    let options = Options {
        launcher: Some(launcher_with(None, Habits::from_iter([Habit::SmallPool]))),
        seed: 7,
        ..Options::new(cases)
    };
    let result = run(&config(), &options, &mut |_| {}).await;
    let verdicts = verdicts(&result);
    assert_eq!(verdicts.len(), 5, "{verdicts:?}");
    assert!(
        verdicts.iter().all(|verdict| verdict.ends_with(": pass")),
        "{verdicts:?}"
    );
}
