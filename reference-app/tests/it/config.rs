//! Settings: each mistake is named with the line that fixes it.

use reference_app::config::{Config, ConfigError};

fn read(settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::from_lookup(|name| {
        let given = settings.iter().rev().find(|(known, _)| *known == name);
        given.map(|(_, value)| (*value).to_owned())
    })
}

const GOOD: &[(&str, &str)] = &[
    ("OKTA_ISSUER", "https://dev-1.okta.com/oauth2/default"),
    ("OKTA_CLIENT_ID", "0oa1"),
];

fn with<'a>(name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    [GOOD, &[(name, value)]].concat()
}

#[test]
fn the_defaults_are_those_that_are_documented() {
    let config = read(GOOD)
        .map_err(|error| error.to_string())
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        config.redirect_uri(),
        "http://localhost:3000/authorization-code/callback"
    );
    assert_eq!(config.post_logout_redirect_uri(), "http://localhost:3000/signed-out");
    assert_eq!(config.audience.as_deref(), Some("api://default"));
    assert_eq!(config.scopes, "openid profile email");
    assert_eq!(config.database_url, "sqlite::memory:");
    assert_eq!(
        (config.session_idle.as_secs(), config.session_max.as_secs()),
        (1800, 28_800)
    );
    assert_eq!(
        (config.upstream_timeout.as_secs(), config.header_timeout.as_secs()),
        (10, 30)
    );
    assert!(config.client_secret.is_none() && !config.is_https());
}

#[test]
fn settings_are_taken_over() {
    assert_eq!(
        read(&with("PORT", "8080")).ok().map(|c| c.redirect_uri()).as_deref(),
        Some("http://localhost:8080/authorization-code/callback")
    );
    let https = read(&with("BASE_URL", "https://app.test")).ok().unwrap();
    assert_eq!(
        (https.redirect_uri().as_str(), https.is_https()),
        ("https://app.test/authorization-code/callback", true)
    );
    assert_eq!(read(&with("OKTA_AUDIENCE", "")).ok().unwrap().audience, None);
    assert_eq!(
        read(&with("SCOPES", " openid  groups ")).ok().unwrap().scopes,
        "openid groups"
    );
    for issuer in [
        "http://127.0.0.1:9494/oauth2/default",
        "http://localhost:9494",
        "http://[::1]:9494",
        "http://okta.localhost",
    ] {
        assert!(read(&with("OKTA_ISSUER", issuer)).is_ok(), "{issuer}");
    }
    let mut remote = with("OKTA_ISSUER", "http://idp.test:9494/oauth2/default");
    assert!(read(&remote).is_err());
    remote.push(("ALLOW_HTTP_ISSUER", "true"));
    assert!(read(&remote).is_ok());
}

#[test]
fn a_mistake_names_the_variable_the_problem_and_the_fixing_line() {
    let cases = [
        (
            "OKTA_ISSUER",
            "",
            "OKTA_ISSUER is not set\n  for instance: OKTA_ISSUER=https://",
        ),
        ("OKTA_CLIENT_ID", " ", "OKTA_CLIENT_ID is not set"),
        (
            "OKTA_ISSUER",
            "https://{yourOktaDomain}/oauth2/default",
            "replace the part in braces",
        ),
        ("OKTA_ISSUER", "https://dev-1-admin.okta.com", "leave `-admin` out"),
        ("OKTA_ISSUER", "dev-1.okta.com", "which is no URL"),
        ("OKTA_ISSUER", "http://dev-1.okta.com", "clear text"),
        ("OKTA_ISSUER", "https://dev-1.okta.com?x=1", "has no query"),
        ("OKTA_ISSUER", "ftp://dev-1.okta.com", "expected https"),
        ("PORT", "0", "which is no port"),
        ("PORT", "70000", "which is no port"),
        ("PORT", "http", "which is no whole number"),
        ("BASE_URL", "https://app.test/path", "scheme, host and port only"),
        ("BASE_URL", "app.test", "which is no URL"),
        ("SCOPES", "profile email", "without `openid`"),
        ("COOKIE_KEY", "short", "expected 32 or more"),
        ("SESSION_MAX_SECONDS", "8h", "which is no whole number"),
        ("HEADER_TIMEOUT_SECONDS", "0", "expected 1 to"),
        ("UPSTREAM_TIMEOUT_SECONDS", "18446744073709551615", "expected 1 to"),
    ];
    for (name, value, expected) in cases {
        let message = read(&with(name, value))
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(
            message.contains(expected) && message.starts_with(name),
            "{name}={value}: {message}"
        );
        assert!(message.contains(&format!("\n  for instance: {name}=")), "{message}");
    }
}

#[test]
fn secrets_do_not_show() {
    let config = read(&with("OKTA_CLIENT_SECRET", "very-secret-text")).ok().unwrap();
    assert_eq!(format!("{:?}", config.client_secret), "Some((secret))");
}
