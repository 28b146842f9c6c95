//! `mock-idp env`: what an app needs in its environment.

use anyhow::bail;
use mock_idp::config::Config;

use super::{
    args::{EnvFormat, Serve},
    configuration, say,
};

/// The variables by which platforms are told of a CA: Node, what uses OpenSSL's defaults (Go too), Python's requests.
pub(crate) const CA_VARIABLES: [&str; 3] = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"];

/// Prints the variables.
pub(crate) fn env(arguments: &Serve, format: EnvFormat) -> anyhow::Result<()> {
    let config = configuration(arguments)?;
    let mut pairs = pairs(arguments, &config)?;
    if let Some(file) = arguments.ca_file() {
        // Apps are started elsewhere. The file itself appears when the server starts.
        let file = std::path::absolute(&file).unwrap_or(file).display().to_string();
        pairs.extend(CA_VARIABLES.map(|name| (name, file.clone())));
    }
    match format {
        EnvFormat::Json => {
            let object: serde_json::Map<String, serde_json::Value> = pairs
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect();
            say(&serde_json::to_string_pretty(&object)?)
        }
        EnvFormat::Sh => pairs
            .iter()
            .try_for_each(|(name, value)| say(&format!("export {name}='{}'", value.replace('\'', "'\\''")))),
        EnvFormat::Fish => pairs.iter().try_for_each(|(name, value)| {
            let quoted = value.replace('\\', "\\\\").replace('\'', "\\'");
            say(&format!("set -gx {name} '{quoted}'"))
        }),
        EnvFormat::Dotenv | EnvFormat::Github => pairs
            .iter()
            .try_for_each(|(name, value)| say(&format!("{name}={value}"))),
        EnvFormat::Docker => say(&compose(arguments.port, &pairs)?),
    }
}

fn pairs(arguments: &Serve, config: &Config) -> anyhow::Result<Vec<(&'static str, String)>> {
    let org = config
        .issuer
        .clone()
        .unwrap_or_else(|| format!("{}://{}:{}", arguments.scheme(), arguments.host, arguments.port));
    let Some(client) = config.tenant.clients.first() else {
        bail!("no client is configured")
    };
    let mut pairs = vec![
        ("OKTA_ISSUER", format!("{}/oauth2/default", org.trim_end_matches('/'))),
        ("OKTA_CLIENT_ID", client.id.clone()),
    ];
    pairs.extend(client.secret.clone().map(|secret| ("OKTA_CLIENT_SECRET", secret)));
    Ok(pairs)
}

/// One name for the server, in the browser and in the containers: the same issuer for both.
fn compose(port: u16, pairs: &[(&'static str, String)]) -> anyhow::Result<String> {
    let mut variables = String::new();
    for (name, value) in pairs {
        let value = match *name {
            "OKTA_ISSUER" => format!("http://idp.test:{port}/oauth2/default"),
            _ => value.clone(),
        };
        // A JSON string is a YAML string.
        variables.push_str(&format!("\n      {name}: {}", serde_json::to_string(&value)?));
    }
    Ok(format!(
        "# compose.yaml. Start the browser with --host-resolver-rules=\"MAP idp.test 127.0.0.1\", or name idp.test in\n\
         # /etc/hosts: then browser and containers know the server by one address, and there is one issuer.\n\
         services:\n  idp.test:\n    image: mock-idp\n    ports: [\"{port}:{port}\"]\n    environment:\n      \
         MOCK_IDP_HOST: \"0.0.0.0\"\n      MOCK_IDP_PORT: \"{port}\"\n      MOCK_IDP_ISSUER: \
         \"http://idp.test:{port}\"\n  app:\n    build: .\n    depends_on: [idp.test]\n    environment:{variables}"
    ))
}
