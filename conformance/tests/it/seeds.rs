//! A seed decides every random value of a run, those of the authorization server too.

use conformance::{catalog, runner::Driver};
use url::Url;

use crate::agreement::run_flawed;

/// The authorization codes of every attempt at this case, in order.
async fn codes() -> Vec<String> {
    let cases: Vec<_> = catalog::all().filter(|case| case.id == "id-token/aud-wrong").collect();
    let result = run_flawed(Driver::Http, None, None, &cases).await;
    let attempts = result
        .cases
        .iter()
        .flat_map(|case| &case.variants)
        .flat_map(|variant| &variant.attempts);
    let responses = attempts.flat_map(|attempt| &attempt.evidence.flows).map(|flow| {
        let response = flow.authorization_response.as_deref().expect("a response");
        let response = Url::parse(response).expect("a URL");
        let code = response.query_pairs().find(|(name, _)| name == "code");
        code.expect("a code").1.into_owned()
    });
    responses.collect()
}

#[tokio::test]
async fn two_runs_with_one_seed_meet_the_same_codes() {
    let (first, second) = (codes().await, codes().await);
    assert!(!first.is_empty());
    assert_eq!(first, second);
    let mut different = first.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), first.len(), "two codes are never the same");
}
