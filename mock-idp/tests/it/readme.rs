//! What README.md tells people to type is typed here.

use std::process::Command;

use mock_idp::MockIdp;
use serde_json::Value;

use crate::app::part;

/// The shell block of the section `By hand` that signs in with curl.
fn sign_in_by_hand() -> String {
    let readme = include_str!("../../README.md");
    let section = readme.split_once("## By hand").expect("the section").1;
    let blocks = section.split("```sh\n").skip(1);
    blocks
        .filter_map(|rest| rest.split_once("```"))
        .map(|(block, _)| block)
        .find(|block| block.contains("curl"))
        .expect("a block with curl")
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_by_hand_with_curl_ends_with_tokens_and_claims() {
    let idp = MockIdp::start().await.unwrap();
    let script: String = sign_in_by_hand()
        .lines()
        // The variables come from this test's own server instead.
        .filter(|line| !line.starts_with("eval "))
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut shell = Command::new("bash");
    shell.args(["-euc", &script]).envs(idp.env());
    let output = tokio::task::spawn_blocking(move || shell.output().unwrap())
        .await
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    let mut answers = printed.lines();
    let tokens: Value =
        serde_json::from_str(answers.next().unwrap_or_default()).unwrap_or_else(|_| panic!("{printed}\n{told}"));
    let claims = part(tokens["id_token"].as_str().expect("an ID token"), 1);
    assert_eq!(claims["iss"], idp.issuer());
    assert_eq!(claims["nonce"], "n-0S6_WzA2Mj");
    let userinfo: Value = serde_json::from_str(answers.next().unwrap_or_default()).unwrap();
    assert_eq!(userinfo["sub"], claims["sub"]);
    assert_eq!(userinfo["email"], "alice@example.test");
}
