//! `conformance init` on this app, as somebody has it who knows nothing of it: what it writes is judged as it is.

use conformance::{
    Suite,
    discover::{self, Wish},
    target::Config,
};

#[tokio::test]
async fn init_learns_this_app_and_its_file_is_judged_without_editing() {
    let folder = tempfile::tempdir().unwrap();
    let wish = Wish {
        url: None,
        command: Some(format!("exec '{}'", env!("CARGO_BIN_EXE_reference-app"))),
        folder: folder.path().to_owned(),
    };
    let mut told = Vec::new();
    let found = discover::look(&wish, &mut |line| told.push(line.to_owned()))
        .await
        .unwrap();
    let text = found.toml();
    assert_eq!(found.open, [""; 0], "{told:#?}\n{text}");
    for line in [
        "sign_in = { get = \"/signin\" }",
        "sign_out = { form = ",
        "callback = \"/authorization-code/callback\"",
        "post_logout = [\"http://localhost:{port}/signed-out\"]",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let file = folder.path().join("conformance.toml");
    std::fs::write(&file, &text).unwrap();
    let config = Config::load(&file, &[]).unwrap();
    let cases = [
        "callback/state-mismatch",
        "id-token/sig-corrupt",
        "session/id-rotates",
        "logout/session-dead",
        "logout/rp-init-reaches-idp",
    ];
    let suite = Suite::new(config).select(&cases).unwrap();
    suite.run().await.unwrap().assert_ok();
}
