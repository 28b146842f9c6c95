//! The target with every place resolved to a URL.

use url::Url;

use crate::{
    browser::http::Outgoing,
    evidence::TargetFacts,
    script::Place,
    target::{Declares, Oracle, SignIn, SignOut, Target},
};

/// The app as the walk sees it.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its origin, with a trailing slash.
    pub origin: Url,
    /// How sign-in starts.
    pub sign_in: SignIn,
    /// How sign-out happens.
    pub sign_out: Option<SignOut>,
    /// The redirection endpoint.
    pub callback: Url,
    /// The back-channel logout URI.
    pub backchannel: Option<Url>,
    /// The front-channel logout URI.
    pub frontchannel: Option<Url>,
    /// Where third parties start a sign-in.
    pub initiate_login: Option<Url>,
    /// Who tells who is signed in.
    pub oracle: Oracle,
    /// Whether pages are made by scripts, so that only a tab of a real browser shows them.
    pub javascript: bool,
    /// What cannot be seen from outside.
    pub declares: Declares,
    /// What evidence says of the target.
    pub facts: TargetFacts,
}

/// A place in the configuration is no URL of the app.
#[derive(Debug, thiserror::Error)]
#[error("`{name} = \"{text}\"` is no place of the app at {origin}: {reason}")]
pub struct BadPlace {
    name: &'static str,
    text: String,
    origin: String,
    reason: String,
}

impl Site {
    /// Resolves a target whose port is known.
    ///
    /// # Errors
    /// When a path or URL of the configuration cannot be resolved; the message names it.
    pub fn new(target: &Target, port: u16, facts: TargetFacts) -> Result<Self, BadPlace> {
        let filled = target.url.replace("{port}", &port.to_string());
        let origin = Url::parse(&filled).map_err(|error| BadPlace {
            name: "url",
            text: target.url.clone(),
            origin: filled.clone(),
            reason: error.to_string(),
        })?;
        let resolve = |name: &'static str, text: &str| {
            let text = text.replace("{port}", &port.to_string());
            origin.join(&text).map_err(|error| BadPlace {
                name,
                text: text.clone(),
                origin: origin.to_string(),
                reason: error.to_string(),
            })
        };
        let optional = |name, text: &Option<String>| text.as_deref().map(|text| resolve(name, text)).transpose();
        let callback = resolve("callback", &target.callback)?;
        let post_logout = target
            .post_logout
            .iter()
            .map(|text| text.replace("{port}", &port.to_string()))
            .collect();
        let mut protected = vec![target.session.probe.clone()];
        protected.extend(
            target
                .protected
                .iter()
                .filter(|path| **path != target.session.probe)
                .cloned(),
        );
        let facts = TargetFacts {
            app: origin.clone(),
            redirect_uri: target.callback_uri(&callback, port),
            post_logout,
            scopes: target.declares.scopes.clone(),
            login_params: target.declares.login_params.clone(),
            protected,
            trusted_headers: target
                .declares
                .trusted_headers
                .iter()
                .map(|name| name.to_lowercase())
                .collect(),
            validates_access_token: target.declares.validates_access_token,
            csrf_by_pkce: target.declares.csrf_by_pkce,
            checks_response_issuer: target.declares.checks_response_issuer,
            ..facts
        };
        Ok(Self {
            sign_in: target.sign_in.clone(),
            sign_out: target.sign_out.clone(),
            backchannel: optional("backchannel_logout", &target.backchannel_logout)?,
            frontchannel: optional("frontchannel_logout", &target.frontchannel_logout)?,
            initiate_login: optional("initiate_login", &target.initiate_login)?,
            oracle: target.session.clone(),
            javascript: target.javascript,
            declares: target.declares.clone(),
            callback,
            origin,
            facts,
        })
    }

    /// A path of the app as a URL; verbatim where the path has unusual characters.
    #[must_use]
    pub fn at(&self, path: &str) -> Url {
        self.origin.join(path).unwrap_or_else(|_| self.origin.clone())
    }

    /// Where a place is; `None` when the target has no such place.
    #[must_use]
    pub fn place(&self, place: Place) -> Option<Url> {
        match place {
            Place::SignIn => Some(self.sign_in_page()),
            Place::Callback => Some(self.callback.clone()),
            Place::SignOut => match self.sign_out.as_ref()? {
                SignOut::Get(path) | SignOut::Post(path) | SignOut::Form(path) => Some(self.at(path)),
                SignOut::Click(_) => None,
            },
            Place::Protected => Some(self.at(&self.oracle.probe)),
            // An app that signs out locally registers none: its users land where they started.
            Place::PostLogout => match self.facts.post_logout.first() {
                Some(uri) => Url::parse(uri).ok(),
                None => Some(self.origin.clone()),
            },
            Place::BackChannel => self.backchannel.clone(),
            Place::InitiateLogin => self.initiate_login.clone(),
            Place::Root => Some(self.origin.clone()),
        }
    }

    /// The page or path on which a sign-in begins.
    #[must_use]
    pub fn sign_in_page(&self) -> Url {
        match &self.sign_in {
            SignIn::Get(path) | SignIn::Protected(path) | SignIn::Form(path) => self.at(path),
            SignIn::Click(_) => self.origin.clone(),
        }
    }

    /// Whether a request goes to the redirection endpoint, whatever stands in its query.
    #[must_use]
    pub fn is_callback(&self, outgoing: &Outgoing) -> bool {
        let path = outgoing.target.split('?').next().unwrap_or_default();
        path == self.callback.path() && same_server(&self.callback, &outgoing.origin)
    }

    /// Whether a URL is the app's. Loopback names of the same port count: apps that build URLs from a fixed name.
    #[must_use]
    pub fn is_app(&self, url: &Url) -> bool {
        same_server(&self.origin, url)
    }

    /// Whether a URL is the authorization server's.
    #[must_use]
    pub fn is_idp(&self, url: &Url) -> bool {
        same_server(&self.facts.idp, url)
    }
}

impl Target {
    /// The redirect URI exactly as it has to be registered: an absolute `callback` is taken byte for byte.
    fn callback_uri(&self, resolved: &Url, port: u16) -> String {
        let text = self.callback.replace("{port}", &port.to_string());
        if text.contains("://") {
            text
        } else {
            resolved.to_string()
        }
    }
}

fn same_server(one: &Url, other: &Url) -> bool {
    let loopback = |url: &Url| matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    one.scheme() == other.scheme()
        && one.port_or_known_default() == other.port_or_known_default()
        && (one.host_str() == other.host_str() || (loopback(one) && loopback(other)))
}
