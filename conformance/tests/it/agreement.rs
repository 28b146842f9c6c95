//! Both drivers say the same of the same app: the correct one and ten that are wrong in one way each.
//!
//! Usually every third of these apps meets the cases that its flaw reddens and a neighbour of each, and one of those that are
//! wrong about groups the cases of its flaw; the right app meets half of the cases about groups.
//! `AGREEMENT=full cargo test -p conformance --test it agreement` lets every app meet every case but the slow ones.

use std::{mem::discriminant, time::Duration};

use conformance::{
    browser::{pool::Pool, webdriver::Brand},
    case::{Case, Lane},
    catalog,
    evidence::Evidence,
    outcome::{Outcome, Verdict},
    run::{CaseResult, RunResult, VariantResult},
    runner::{Driver, Options, run},
    walk::beyond_browsers,
};
use flawed_app::Flaw;

use crate::{
    flawed::{config, launcher},
    made::signed_in,
    webdriver::{machine_has_a_browser, pool},
};

/// Apps that are wrong in one way, from every group that a browser can walk. The first of each three is met usually.
const FLAWED: &[Flaw] = &[
    Flaw::StrictCookie,
    Flaw::NoPkce,
    Flaw::StateNotBound,
    Flaw::IssUnchecked,
    Flaw::AccessTokenAudUnchecked,
    Flaw::UserinfoSubUnchecked,
    Flaw::KeyedByEmail,
    Flaw::SessionFixation,
    Flaw::OpenRedirectSlashes,
    Flaw::SignOutCookieOnly,
];

const IN_CHROME: Driver = Driver::WebDriver {
    brand: Brand::Chrome,
    url: None,
};

/// More cases than this a flawed app does not meet, and no case with more variants, unless all are asked for.
const CASES: usize = 2;
const VARIANTS: usize = 3;

/// The right app meets every so manieth case.
const STRIDE: usize = 40;

const HEADERS: &str = "a navigation carries only the headers that the browser writes";
const METHODS: &str = "pages navigate by GET and POST";
const BYTES: &str = "a browser writes whole requests";
const AT_ONCE: &str = "a browser sends one navigation at a time";
const CROWD: &str = "as many browsers as a crowd needs are a load test of the machine, not of the app";

/// Cases of which a browser can tell nothing, or nothing about some of their variants, and why.
const LISTED: &[(&str, &str)] = &[
    ("authorization/redirect-uri-host-spoof", HEADERS),
    ("callback/prefetch-safe", HEADERS),
    ("callback/method-variants", METHODS),
    ("token-response/slow", CROWD),
    ("jwks/stampede", CROWD),
    ("robustness/oversized-request", HEADERS),
    ("robustness/crlf", BYTES),
    ("robustness/login-start-flood", CROWD),
    ("concurrency/n-users", CROWD),
    ("concurrency/reversed-replies", CROWD),
    ("concurrency/mixed-faults", CROWD),
    ("concurrency/one-slow", CROWD),
    ("concurrency/double-callback", AT_ONCE),
    ("concurrency/state-store", CROWD),
    ("concurrency/logout-race", AT_ONCE),
];

/// Checks that answer `CannotTell` where a browser walked and not where an HTTP client did, and why.
const LISTED_CHECKS: &[(&str, &str)] = &[];

/// At most so many cases of a hundred may be listed.
const LISTED_PERCENT: usize = 15;

#[test]
fn what_a_browser_cannot_walk_is_listed_and_little() {
    let beyond: Vec<&str> = catalog::all()
        .filter(|case| {
            case.variants
                .iter()
                .any(|variant| beyond_browsers(variant.script, false).is_some())
        })
        .map(|case| case.id)
        .collect();
    let listed: Vec<&str> = LISTED.iter().map(|(id, _)| *id).collect();
    assert_eq!(beyond, listed);
    assert!(listed.len() * 100 <= LISTED_PERCENT * catalog::all().count());
}

#[test]
fn no_check_is_listed_that_needs_only_the_authorization_servers_record() {
    let mut record_only = signed_in();
    record_only.hops.clear();
    record_only.probes.clear();
    let checks = catalog::all()
        .flat_map(|case| case.variants)
        .flat_map(|variant| variant.expect);
    for check in checks.map(|expect| expect.check) {
        let listed = LISTED_CHECKS.iter().any(|(id, _)| *id == check.id);
        let can_tell = |evidence: &Evidence| !matches!((check.ask)(evidence), Outcome::CannotTell(_));
        assert!(
            !(listed && can_tell(&record_only)),
            "{check:?} can tell by the record alone"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_drivers_say_the_same_of_a_right_app_and_of_wrong_ones() {
    if !machine_has_a_browser() {
        return;
    }
    let Some(pool) = pool(Duration::from_secs(20)).await else {
        return;
    };
    let mut told = Vec::new();
    let mut red = 0;
    let step = if is_full() { 1 } else { 3 };
    let flawed: Vec<Flaw> = FLAWED.iter().copied().step_by(step).collect();
    for flaw in flawed.iter().copied().map(Some).chain([None]) {
        let name = flaw.map_or("no flaw", Flaw::name);
        let mut cases = cases_for(flaw);
        let mut differing = Vec::new();
        // What differs once may be the machine's doing; what differs twice is a driver's.
        for _ in 0..2 {
            let http = run_flawed(Driver::Http, None, flaw, &cases).await;
            let browser = run_flawed(IN_CHROME, Some(&pool), flaw, &cases).await;
            red += browser.count("fail") + browser.count("warn");
            differing = differences(&cases, &http, &browser);
            cases.retain(|case| differing.iter().any(|(id, _)| *id == case.id));
            if cases.is_empty() {
                break;
            }
        }
        told.extend(differing.into_iter().map(|(_, text)| format!("{name}: {text}")));
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
    assert!(red >= flawed.len(), "the flaws were seen: {red}");
}

/// Pages of a group have more variants than the apps above meet; they are judged in browsers all the same.
#[tokio::test(flavor = "multi_thread")]
async fn both_drivers_say_the_same_of_who_gets_a_page_of_a_group() {
    if !machine_has_a_browser() {
        return;
    }
    let Some(pool) = pool(Duration::from_secs(20)).await else {
        return;
    };
    let all = [Flaw::RoleSignInLoop, Flaw::RoleUnchecked, Flaw::RoleRemembered];
    let flawed = if is_full() { &all[..] } else { &all[..1] };
    for flaw in flawed.iter().copied().map(Some).chain([None]) {
        let of_roles = catalog::all().filter(|case| case.group() == "roles");
        let cases: Vec<_> = match flaw {
            Some(flaw) => of_roles.filter(|case| flaw.reddens().contains(&case.id)).collect(),
            None if is_full() => of_roles.collect(),
            None => of_roles.step_by(2).collect(),
        };
        let http = run_flawed(Driver::Http, None, flaw, &cases).await;
        let browser = run_flawed(IN_CHROME, Some(&pool), flaw, &cases).await;
        let differing = differences(&cases, &http, &browser);
        assert!(differing.is_empty(), "{flaw:?}: {differing:#?}");
        let red = browser.count("fail") + browser.count("warn");
        assert_eq!(red > 0, flaw.is_some(), "{flaw:?}");
        assert_eq!(browser.count("pass") == cases.len(), flaw.is_none(), "{flaw:?}");
    }
}

/// A hundred pictures of the same page tell no more than two of them, and cost time.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_over_and_over_is_pictured_the_first_and_the_last_time() {
    if !machine_has_a_browser() {
        return;
    }
    let Some(pool) = pool(Duration::from_secs(20)).await else {
        return;
    };
    let cases: Vec<_> = catalog::all()
        .filter(|case| case.id == "token-request/verifier-valid")
        .collect();
    let result = run_flawed(IN_CHROME, Some(&pool), None, &cases).await;
    let case = &result.cases[0];
    assert_eq!(case.verdict, Verdict::Pass);
    let evidence = &case.variants[0].attempts[0].evidence;
    assert_eq!(evidence.flows.len(), 20);
    let pictured: Vec<bool> = evidence.screens.iter().map(|screen| !screen.jpeg.is_empty()).collect();
    let (first, last) = (pictured.first(), pictured.last());
    assert_eq!((first, last), (Some(&true), Some(&true)), "{pictured:?}");
    let each = pictured.len() / 20;
    assert_eq!(pictured.iter().filter(|is| **is).count(), 2 * each, "{pictured:?}");
    // What is not pictured is told all the same.
    assert!(evidence.screens.iter().all(|screen| !screen.url.is_empty()));
}

fn is_full() -> bool {
    std::env::var("AGREEMENT").is_ok_and(|value| value == "full")
}

/// The cases that this app meets.
fn cases_for(flaw: Option<Flaw>) -> Vec<&'static Case> {
    let all = catalog::all().filter(|case| case.lane != Lane::Slow);
    if is_full() {
        return all.collect();
    }
    let cheap: Vec<&Case> = all
        .filter(|case| matches!(case.lane, Lane::Parallel | Lane::Watch))
        .filter(|case| case.variants.len() <= VARIANTS)
        .filter(|case| !LISTED.iter().any(|(id, _)| *id == case.id))
        .collect();
    let Some(flaw) = flaw else {
        return cheap.into_iter().step_by(STRIDE).collect();
    };
    let own = |case: &Case| flaw.reddens().contains(&case.id);
    let near = |at: usize| own(cheap[at]) || at > 0 && own(cheap[at - 1]);
    let chosen = (0..cheap.len()).filter(|at| near(*at)).map(|at| cheap[at]);
    chosen.take(CASES).collect()
}

/// What differs, case by case: verdicts of variants, and answers of checks.
fn differences(cases: &[&Case], http: &RunResult, browser: &RunResult) -> Vec<(&'static str, String)> {
    if http.aborted.is_some() || browser.aborted.is_some() {
        let text = format!("http {:?}, browser {:?}", http.aborted, browser.aborted);
        return cases.iter().map(|case| (case.id, text.clone())).collect();
    }
    let pairs = http.cases.iter().zip(&browser.cases);
    pairs
        .flat_map(|(one, other)| {
            let variants = one.variants.iter().zip(&other.variants);
            variants.filter_map(|(ours, theirs)| Some((one.case.id, difference(one, ours, theirs)?)))
        })
        .collect()
}

fn difference(case: &CaseResult, http: &VariantResult, browser: &VariantResult) -> Option<String> {
    let id = case.case.id;
    let beyond = matches!(&browser.verdict, Verdict::Skipped(why) if why.starts_with("the browser driver"));
    if beyond && LISTED.iter().any(|(listed, _)| *listed == id) {
        return None;
    }
    if http.verdict.word() != browser.verdict.word() {
        return Some(format!(
            "{id} {}: {:?} and {:?}",
            http.name, http.verdict, browser.verdict
        ));
    }
    let last = |variant: &VariantResult| {
        variant
            .attempts
            .last()
            .map(|attempt| attempt.checks.clone())
            .unwrap_or_default()
    };
    last(http).iter().zip(last(browser)).find_map(|(ours, theirs)| {
        let holds = |outcome: &Outcome| matches!(outcome, Outcome::Holds | Outcome::HoldsWith(_));
        let same = discriminant(&ours.outcome) == discriminant(&theirs.outcome)
            || holds(&ours.outcome) && holds(&theirs.outcome);
        let listed = LISTED_CHECKS.iter().any(|(listed, _)| *listed == ours.id)
            && matches!(theirs.outcome, Outcome::CannotTell(_));
        (!same && !listed).then(|| {
            format!(
                "{id} {} {}: {:?} and {:?}",
                http.name, ours.id, ours.outcome, theirs.outcome
            )
        })
    })
}

/// Runs these cases against the app with this flaw, or against the right one.
pub(crate) async fn run_flawed(
    driver: Driver,
    browsers: Option<&Pool>,
    flaw: Option<Flaw>,
    cases: &[&'static Case],
) -> RunResult {
    let config = config();
    let options = Options {
        driver,
        browsers: browsers.cloned(),
        launcher: Some(launcher(flaw)),
        timeout: Duration::from_secs(20),
        ..Options::new(cases.to_vec())
    };
    run(&config, &options, &mut |_| {}).await
}
