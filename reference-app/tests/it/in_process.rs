//! This app inside the process of the harness.

use conformance::runner::InProcess;
use reference_app::{app::App, clock::Clock, config::Config, serve::serve};

/// As `[target.start] env` in conformance.toml starts it outside.
pub(crate) fn app() -> InProcess {
    InProcess::new(|listener, vars| async move {
        let setting = |name: &str| {
            let variable = match name {
                "PORT" => "port",
                "OKTA_ISSUER" => "idp.issuer",
                "OKTA_CLIENT_ID" => "idp.client.id",
                "OKTA_CLIENT_SECRET" => "idp.client.secret",
                _ => return None,
            };
            vars.get(variable).cloned()
        };
        let config = Config::from_lookup(setting).map_err(|error| error.to_string())?;
        let app = App::open(config, Clock::default()).await;
        let app = app.map_err(|error| error.to_string())?;
        Ok(async move { serve(listener, &app, std::future::pending()).await })
    })
}
