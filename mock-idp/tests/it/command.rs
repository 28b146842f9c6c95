//! The command line, as somebody types it.

use assert_cmd::Command;

fn output(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mock-idp"));
    // No file beside us, and nothing that the machine sets.
    command
        .args(arguments)
        .current_dir(std::env::temp_dir())
        .env_remove("MOCK_IDP_HTTPS");
    String::from_utf8(command.assert().success().get_output().stdout.clone()).unwrap()
}

#[test]
fn env_tells_an_app_its_issuer_and_client() {
    let printed = output(&["env", "--client", "web:s3cret=http://localhost:3000/callback"]);
    assert_eq!(
        printed,
        "export OKTA_ISSUER='http://127.0.0.1:9494/oauth2/default'\nexport OKTA_CLIENT_ID='web'\nexport \
         OKTA_CLIENT_SECRET='s3cret'\n"
    );
}

#[test]
fn env_names_the_ca_where_https_is_served() {
    let printed = output(&["env", "--https=/run/tls", "--format", "dotenv"]);
    assert!(
        printed.starts_with("OKTA_ISSUER=https://127.0.0.1:9494/oauth2/default\n"),
        "{printed}"
    );
    for name in ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"] {
        assert!(printed.contains(&format!("\n{name}=/run/tls/ca.pem\n")), "{printed}");
    }
    // Without a folder it is one beside us.
    let printed = output(&["env", "--https", "--format", "dotenv"]);
    assert!(printed.contains("/.mock-idp/ca.pem\n"), "{printed}");
}
