//! How fast the suite is: `cargo bench -p conformance --bench suite`.
//!
//! Every case but the slow ones against the right app inside this process, lane by lane: seconds, cases a second, and how
//! many sign-ins a case costs, with the controls and twins that its verdict stands on.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on stops, and one that ran prints"
)]

mod right_app;

use conformance::{
    case::{Case, Lane},
    catalog,
    runner::{Options, run},
};

/// What is run together, in the order of a run.
const LANES: [(&str, &[Lane]); 3] = [
    ("quick: watched, and side by side", &[Lane::Watch, Lane::Parallel]),
    ("alone: the load is the case", &[Lane::Alone]),
    ("restart: a fresh app and issuer each", &[Lane::Server, Lane::Restart]),
];

#[tokio::main]
async fn main() {
    let config = right_app::config();
    println!(
        "{:<38} {:>6} {:>9} {:>8} {:>8} {:>15}",
        "lane", "cases", "variants", "seconds", "cases/s", "sign-ins/case"
    );
    for (name, lanes) in LANES {
        let cases: Vec<&'static Case> = catalog::all().filter(|case| lanes.contains(&case.lane)).collect();
        let options = Options {
            launcher: Some(right_app::launcher()),
            ..Options::new(cases)
        };
        let result = run(&config, &options, &mut |_| {}).await;
        assert_eq!(result.aborted, None, "nothing was judged");
        let judged: Vec<_> = result
            .cases
            .iter()
            .filter(|case| case.verdict.word() != "skipped")
            .collect();
        let wrong: Vec<String> = judged
            .iter()
            .filter(|case| case.verdict.word() != "pass")
            .map(|case| case.story())
            .collect();
        assert!(wrong.is_empty(), "the right app must pass:\n{}", wrong.join("\n"));
        let variants: usize = judged.iter().map(|case| case.variants.len()).sum();
        // Ids are given in order, to the sign-ins of controls and twins as well.
        let flows = judged
            .iter()
            .flat_map(|case| &case.variants)
            .flat_map(|variant| &variant.attempts)
            .flat_map(|attempt| &attempt.evidence.flows);
        let sign_ins = flows.map(|flow| flow.id.0).max().unwrap_or_default();
        let seconds = result.duration_ms as f64 / 1000.0;
        println!(
            "{name:<38} {:>6} {variants:>9} {seconds:>8.1} {:>8.1} {:>15.1}",
            judged.len(),
            judged.len() as f64 / seconds,
            sign_ins as f64 / judged.len() as f64
        );
    }
}
