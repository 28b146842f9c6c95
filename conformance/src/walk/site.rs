//! The target with every place resolved to a URL.

use std::{collections::BTreeMap, path::PathBuf};

use url::{Host, Url};

use super::persona::Mould;
use crate::{
    browser::{http::Outgoing, rule::Owner},
    evidence::TargetFacts,
    placeholder::replace,
    script::Place,
    target::{Declares, Move, Oracle, Provision, Role, SignIn, SignOut, Target},
};

/// The app as the walk sees it.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its origin, with a trailing slash.
    pub origin: Url,
    /// Further origins of the app.
    pub origins: Vec<Url>,
    /// How sign-in starts.
    pub sign_in: SignIn,
    /// What a person does after the callback.
    pub after_callback: Vec<Move>,
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
    /// How the people are made.
    pub people: Mould,
    /// Pages that only the members of a group may see.
    pub roles: Vec<Role>,
    /// What makes an account for each.
    pub provision: Option<Provision>,
    /// Where its command runs, and in which environment.
    pub surroundings: Surroundings,
    /// What evidence says of the target.
    pub facts: TargetFacts,
}

/// Where commands of the configuration run.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The folder.
    pub folder: PathBuf,
    /// The environment of the app.
    pub env: BTreeMap<String, String>,
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
    /// Resolves a target. `vars` fill the placeholders of its values (`port`, `idp.issuer`, …).
    ///
    /// # Errors
    /// When a path or URL of the configuration cannot be resolved; the message names it.
    pub fn new(target: &Target, vars: &BTreeMap<String, String>, facts: TargetFacts) -> Result<Self, BadPlace> {
        let filled = replace(&target.url, vars);
        let origin = Url::parse(&filled).map_err(|error| BadPlace {
            name: "url",
            text: target.url.clone(),
            origin: filled.clone(),
            reason: error.to_string(),
        })?;
        let resolve = |name: &'static str, text: &str| {
            let text = replace(text, vars);
            origin.join(&text).map_err(|error| BadPlace {
                name,
                text: text.clone(),
                origin: origin.to_string(),
                reason: error.to_string(),
            })
        };
        let optional = |name, text: &Option<String>| text.as_deref().map(|text| resolve(name, text)).transpose();
        let callback = resolve("callback", &target.callback)?;
        let post_logout = target.post_logout.iter().map(|text| replace(text, vars)).collect();
        let origins = target.origins.iter().map(|text| resolve("origins", text));
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
            redirect_uri: target.callback_uri(&callback, vars),
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
            origins: origins.collect::<Result<_, _>>()?,
            sign_in: target.sign_in.clone(),
            after_callback: target.after_callback.clone(),
            sign_out: target.sign_out.clone(),
            people: Mould::of(target),
            roles: target.roles.clone(),
            provision: target.provision.clone(),
            surroundings: Surroundings::default(),
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
                SignOut::Click(_) | SignOut::Steps(_) => None,
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
            SignIn::Steps(steps) => match steps.first() {
                Some(Move::Open(path)) => self.at(path),
                _ => self.origin.clone(),
            },
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
        let mut own = [&self.origin, &self.callback].into_iter().chain(&self.origins);
        own.any(|origin| same_server(origin, url))
    }

    /// Whose a URL is.
    #[must_use]
    pub fn owner(&self, url: &Url) -> Owner {
        match (self.is_app(url), self.is_idp(url)) {
            (true, _) => Owner::App,
            (_, true) => Owner::Idp,
            _ => Owner::Other,
        }
    }

    /// Whether a URL is the authorization server's.
    #[must_use]
    pub fn is_idp(&self, url: &Url) -> bool {
        same_server(&self.facts.idp, url)
    }
}

impl Target {
    /// The redirect URI exactly as it has to be registered: an absolute `callback` is taken byte for byte.
    fn callback_uri(&self, resolved: &Url, vars: &BTreeMap<String, String>) -> String {
        let text = replace(&self.callback, vars);
        if text.contains("://") {
            text
        } else {
            resolved.to_string()
        }
    }
}

fn same_server(one: &Url, other: &Url) -> bool {
    let loopback = is_loopback;
    one.scheme() == other.scheme()
        && one.port_or_known_default() == other.port_or_known_default()
        && (one.host_str() == other.host_str() || (loopback(one) && loopback(other)))
}

/// Whether a URL's host is this machine by its very name. `*.localhost` is, whatever a name server says (RFC 6761 §6.3).
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => crate::names::is_localhost(name),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
