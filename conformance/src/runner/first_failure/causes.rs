//! Why a first sign-in fails, the surest signs first. Each rule names what it saw and the line of `conformance.toml` (or of
//! the app) that fixes it.

use mock_idp::flow::record::{Endpoint, Event};
use url::Url;

use super::readable;
use crate::{
    browser::page,
    check::cookies::set_by,
    evidence::{Answer, EXPERIMENT, Evidence, Hop, Leg, Person, Probe, Problem, Shows},
    names::is_localhost,
    process::WANTS_HTTPS,
    script::{AFTER, MAIN, Who},
    target::{Config, SignIn},
};

/// A cause in words, and what fixes it.
pub(super) type Cause = (String, String);

/// The first rule that fits.
pub(super) fn likeliest(evidence: &Evidence, config: &Config, output: &str) -> Cause {
    let rules: &[fn(&Signs<'_>) -> Option<Cause>] = &[
        no_answer,
        obstacle,
        refused_client,
        refused_redirect,
        refused_otherwise,
        no_sign_in,
        certificate,
        plain_issuer,
        proxy,
        lost_cookie,
        probe_wants_a_field,
        group_wanted,
        verified_wanted,
        claim_wanted,
        account_wanted,
        address_refused,
        callback_failed,
        probe_is_missing,
        another_page_first,
        nameless,
        session_is_not_kept,
    ];
    let signs = Signs::new(evidence, config, output);
    rules.iter().find_map(|rule| rule(&signs)).unwrap_or_else(|| {
        (
            "nothing that is known as a cause was seen".to_owned(),
            "look at the first hop above that is not what you expect, and at the app's own output".to_owned(),
        )
    })
}

struct Signs<'s> {
    evidence: &'s Evidence,
    config: &'s Config,
    output: String,
}

impl<'s> Signs<'s> {
    fn new(evidence: &'s Evidence, config: &'s Config, output: &str) -> Self {
        Self {
            evidence,
            config,
            output: output.to_lowercase(),
        }
    }

    /// Whether the page that refused, or the app's output, has one of these words (lower case).
    fn says(&self, words: &[&str]) -> bool {
        let page = refusing_hop(self.evidence).map(|hop| page::text_of(hop.shown()).to_lowercase());
        let page = page.unwrap_or_default();
        words
            .iter()
            .any(|word| page.contains(word) || self.output.contains(word))
    }

    fn file(&self) -> String {
        self.config.file.display().to_string()
    }
}

fn cause(text: impl Into<String>, fix: impl Into<String>) -> Option<Cause> {
    Some((text.into(), fix.into()))
}

/// The first probe that does not show what it must.
pub(super) fn wrong_probe(evidence: &Evidence) -> Option<&Probe> {
    let asked = evidence.probes.iter().filter(|probe| probe.label != EXPERIMENT);
    asked.into_iter().find(|probe| probe.shows != wanted(probe))
}

/// Whom a probe of the control must show.
pub(in crate::runner) fn wanted(probe: &Probe) -> Shows {
    match probe.label.as_str() {
        AFTER => Shows::Person(Who::User.name().to_owned()),
        "other-user" => Shows::Person(Who::Victim.name().to_owned()),
        _ => Shows::Nobody,
    }
}

/// The hop of the app that refused: the callback or what followed it, with an error status or an error page at its end.
pub(super) fn refusing_hop(evidence: &Evidence) -> Option<&Hop> {
    let sign_in = |hop: &&Hop| matches!(hop.leg, Leg::SignInStart | Leg::Callback | Leg::AfterCallback);
    let of_app = || evidence.app_hops().filter(sign_in);
    let failed = of_app().find(|hop| hop.status().is_some_and(|status| status >= 400));
    failed.or_else(|| {
        let probe = wrong_probe(evidence)?;
        let hop = &evidence.hops[probe.hop];
        let last = of_app().filter(|hop| hop.at < evidence.hops[probe.hop].at).last();
        match hop.status().is_some_and(|status| status >= 400) {
            true => Some(hop),
            false if probe.shows == Shows::Nameless => None,
            false => last.filter(|hop| hop.status() == Some(200) && hop.leg != Leg::SignInStart),
        }
    })
}

/// What the authorization server said no to, in its own words.
pub(super) fn refused_by_server(evidence: &Evidence) -> Option<String> {
    refused(evidence).map(|(endpoint, error, text)| format!("{} refused: {error} ({text})", name(endpoint)))
}

fn refused(evidence: &Evidence) -> Option<(Endpoint, &str, &str)> {
    evidence.records.iter().find_map(|record| match &record.event {
        Event::Refused {
            endpoint, error, text, ..
        } if *endpoint != Endpoint::Logout => Some((*endpoint, error.as_str(), text.as_str())),
        _ => None,
    })
}

fn name(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Authorize => "the authorization endpoint",
        Endpoint::Token => "the token endpoint",
        Endpoint::Userinfo => "the userinfo endpoint",
        _ => "an endpoint",
    }
}

fn no_answer(signs: &Signs<'_>) -> Option<Cause> {
    let hop = signs
        .evidence
        .app_hops()
        .find(|hop| matches!(hop.response, Answer::Broken { .. }))?;
    let Answer::Broken { problem, text } = &hop.response else {
        return None;
    };
    let path = hop.request.target.split('?').next().unwrap_or_default();
    match problem {
        Problem::Timeout => {
            let limit = signs.config.run.timeout.unwrap_or(10.0);
            let more = (limit * 3.0).ceil();
            cause(
                format!("{path} gave {text}: that is the limit of one request (`timeout`, {limit} s)"),
                format!("--timeout {more}, or timeout = {more} under [run]; and ask why the app is so slow"),
            )
        }
        Problem::Refused if text.contains("looked up") => cause(
            text.clone(),
            "use a name that this machine knows in `url`: localhost, or one below it such as app.localhost",
        ),
        Problem::Refused => cause(
            format!("nobody listens where {path} should be: {text}"),
            "the app may have ended: look at its output; further ports of it stand in `origins` under [target]",
        ),
        _ => cause(
            format!("{path} broke the connection: {text}"),
            "the app may have crashed: look at its output",
        ),
    }
}

fn obstacle(signs: &Signs<'_>) -> Option<Cause> {
    let text = signs.evidence.obstacles.first()?;
    let fix = if text.contains("[target.provision]") {
        "run the command by hand with such an address, and fix it".to_owned()
    } else if text.contains("nothing says") || text.contains("there is no form") {
        format!("write what the page offers into the steps of {}", signs.file())
    } else {
        "this is what kept the harness from going on; the evidence has the page".to_owned()
    };
    cause(text.clone(), fix)
}

fn refused_client(signs: &Signs<'_>) -> Option<Cause> {
    let (_, error, text) = refused(signs.evidence)?;
    if !matches!(error, "invalid_client" | "unauthorized_client") && !text.to_lowercase().contains("client") {
        return None;
    }
    let idp = &signs.config.idp;
    let env = signs.config.target.start.iter().flat_map(|start| &start.env);
    let given = |what: &str| {
        env.clone()
            .find(|(_, value)| value.contains(what))
            .map(|(name, _)| name.clone())
    };
    let fix = match (given("{idp.client.id}"), given("{idp.client.secret}")) {
        (None, _) => {
            "give the app its client: OKTA_CLIENT_ID = \"{idp.client.id}\" under [target.start.env], by the name that \
            the app reads"
                .to_owned()
        }
        (_, None) if !signs.config.target.declares.public_client => {
            "OKTA_CLIENT_SECRET = \"{idp.client.secret}\" under \
            [target.start.env], or public_client = true under [target.declares]"
                .to_owned()
        }
        (Some(id), _) => format!(
            "does the app use {id} for this client ({})? An app that signs its requests needs client_auth and client_jwks under \
             [idp]",
            idp.client_id
        ),
    };
    cause(
        format!("the authorization server does not take the app for its client: {error} ({text})"),
        fix,
    )
}

fn refused_redirect(signs: &Signs<'_>) -> Option<Cause> {
    let (endpoint, _, text) = refused(signs.evidence)?;
    if !text.contains("redirect") || endpoint == Endpoint::Token && !text.contains("redirect_uri") {
        return None;
    }
    let sent = authorization_parameter(signs.evidence, "redirect_uri")?;
    cause(
        format!(
            "the app sends redirect_uri={sent}, and {} is registered",
            signs.evidence.target.redirect_uri
        ),
        format!("callback = \"{sent}\" under [target], or fix the app"),
    )
}

fn refused_otherwise(signs: &Signs<'_>) -> Option<Cause> {
    let text = refused_by_server(signs.evidence)?;
    cause(
        text,
        "the real Okta would refuse this as well: fix the request of the app",
    )
}

/// Whether a page says that a token is missing by which a form is known as the app's own, in the words of the common frameworks.
fn wants_form_token(page: &str) -> bool {
    let text = page::text_of(page).to_lowercase();
    speaks_of_forgery(&text) || text.contains("authenticity token") || text.contains("authenticitytoken")
}

/// Whether a text in lower case is about request forgery.
fn speaks_of_forgery(text: &str) -> bool {
    ["csrf", "xsrf", "forgery"].iter().any(|word| text.contains(word))
}

fn no_sign_in(signs: &Signs<'_>) -> Option<Cause> {
    let evidence = signs.evidence;
    if evidence.flow(MAIN)?.authorization_request.is_some() {
        return None;
    }
    if let Some(hop) = evidence.hops.iter().find(|hop| hop.leg == Leg::Elsewhere) {
        let host = Url::parse(&hop.url).ok()?;
        return cause(
            format!("the sign-in leads to {}", host.origin().ascii_serialization()),
            "where the page offers several providers, press ours: sign_in = { steps = [{ open = \"/login\" }, { press = \"Sign in \
             with Okta\" }] }; an origin of the app itself stands in `origins`",
        );
    }
    let start = evidence.hops.iter().rfind(|hop| hop.leg == Leg::SignInStart)?;
    let offered = page::offered(start.shown());
    let path = start.request.target.split('?').next().unwrap_or_default();
    match start.status() {
        Some(404) => cause(
            format!("there is no {path}: it answers 404"),
            "sign_in under [target] has to name the page or path on which a sign-in begins",
        ),
        Some(405) => cause(
            format!("{path} does not take a GET: it answers 405"),
            "name the page with the button, as in sign_in = { form = \"/\" } or { click = \"Sign in\" }",
        ),
        // 419 is Laravel's own, with "Page Expired".
        Some(status) if status == 419 || (400..500).contains(&status) && wants_form_token(start.shown()) => cause(
            format!(
                "{path} answers {status}: {}: it wants the anti-forgery token of a form",
                readable(start.shown())
            ),
            "open the page that has the form, and press its button: sign_in = { steps = [{ open = \"/login\" }, { press = \"Sign in \
             with Okta\" }] }",
        ),
        Some(status) if status >= 400 => cause(
            format!("{path} answers {status}: {}", readable(start.shown())),
            "the app may not reach its issuer: look at its output, and at the names in [target.start.env]",
        ),
        _ if offered.is_empty() => cause(
            format!("{path} is a page without any link or button"),
            "scripts may make it: javascript = true under [target], and --driver webdriver",
        ),
        _ => {
            let first = offered[0].trim_matches('`');
            let way = match &signs.config.target.sign_in {
                SignIn::Get(path) | SignIn::Protected(path) | SignIn::Form(path) => path.clone(),
                SignIn::Click(_) | SignIn::Steps(_) => "/".to_owned(),
            };
            cause(
                format!("{path} does not lead on by itself; it offers {}", offered.join(", ")),
                format!(
                    "sign_in = {{ steps = [{{ open = \"{way}\" }}, {{ press = \"{first}\" }}] }}, with the button that is ours"
                ),
            )
        }
    }
}

fn certificate(signs: &Signs<'_>) -> Option<Cause> {
    let words = [
        "self-signed certificate",
        "self signed certificate",
        "unable to get local issuer certificate",
        "unable to verify the first certificate",
        "certificate verify failed",
        "certificate_verify_failed",
        "pkix path building failed",
        "certificate signed by unknown authority",
        "unknownissuer",
    ];
    if !signs.says(&words) {
        return None;
    }
    cause(
        "the app does not trust the certificate of the issuer",
        "give it the bundle under [target.start.env]: NODE_EXTRA_CA_CERTS, SSL_CERT_FILE or REQUESTS_CA_BUNDLE = \"{idp.ca}\", by the \
         name that its runtime reads",
    )
}

/// As the rule says it, for a check of its own.
pub(super) fn https_wanted(evidence: &Evidence, config: &Config, output: &str) -> Option<Cause> {
    plain_issuer(&Signs::new(evidence, config, output))
}

fn plain_issuer(signs: &Signs<'_>) -> Option<Cause> {
    let is_plain = signs.evidence.target.issuer.starts_with("http:");
    if !is_plain || !signs.says(WANTS_HTTPS) {
        return None;
    }
    cause(
        "the app's library wants an issuer with https",
        "https_issuer = true under [target.start], and the bundle {idp.ca} in the variable that its runtime reads",
    )
}

fn proxy(signs: &Signs<'_>) -> Option<Cause> {
    let names = [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ];
    let set = names
        .into_iter()
        .find(|name| std::env::var(name).is_ok_and(|value| !value.is_empty()))?;
    if !signs.says(&[
        "proxy",
        "econnrefused",
        "connection refused",
        "discovery failed",
        "503",
        "502",
    ]) {
        return None;
    }
    cause(
        format!("{set} is set, and the app seems to look for the authorization server through it"),
        "the app has to spare localhost and 127.0.0.1; NO_PROXY is set for it, so fix what it does with it",
    )
}

/// The cookie of the pending sign-in does not come back.
fn lost_cookie(signs: &Signs<'_>) -> Option<Cause> {
    let evidence = signs.evidence;
    let callback = evidence.hops.iter().find(|hop| hop.leg == Leg::Callback)?;
    refusing_hop(evidence)?;
    let starts = || evidence.hops.iter().filter(|hop| hop.leg == Leg::SignInStart);
    if let Some(cookie) = starts()
        .flat_map(set_by)
        .find(|cookie| cookie.is_strict() && !cookie.is_deletion())
    {
        return cause(
            format!(
                "the sign-in sets `{}` with SameSite=Strict, which no browser sends on the way back from another site",
                cookie.name
            ),
            "SameSite=Lax in the app",
        );
    }
    let carries = callback.request.headers.iter().any(|(name, _)| name == "cookie");
    let set = starts().flat_map(set_by).any(|cookie| !cookie.is_deletion());
    let (start, back) = (starts().next()?, Url::parse(&callback.url).ok()?);
    let began = Url::parse(&start.url).ok()?;
    if !set || carries || began.host_str() == back.host_str() {
        return None;
    }
    cause(
        format!(
            "the sign-in begins on {} and comes back to {}: the cookie of the pending sign-in stays behind",
            began.host_str().unwrap_or_default(),
            back.host_str().unwrap_or_default()
        ),
        "use one name in `url` and `callback`, and in what the app makes its URLs from",
    )
}

fn group_wanted(signs: &Signs<'_>) -> Option<Cause> {
    if !signs.says(&["group", "member of", "not a member", "role"]) || !is_refused(signs) {
        return None;
    }
    cause(
        format!("the app lets in members only: {}", said(signs)),
        "groups = [\"…\"] under [target.people], with the name that the app wants",
    )
}

fn verified_wanted(signs: &Signs<'_>) -> Option<Cause> {
    if !signs.says(&["verified", "verify your"]) || !is_refused(signs) {
        return None;
    }
    cause(
        format!("the app wants a verified address: {}", said(signs)),
        "claims = { email_verified = true } under [target.people]",
    )
}

fn claim_wanted(signs: &Signs<'_>) -> Option<Cause> {
    if !signs.says(&["claim", "lacks", "attribute", "missing property"]) || !is_refused(signs) {
        return None;
    }
    cause(
        format!("the app misses something about the person: {}", said(signs)),
        "claims = { NAME = \"…\" } under [target.people], by the name of the claim",
    )
}

fn account_wanted(signs: &Signs<'_>) -> Option<Cause> {
    let words = [
        "no account",
        "no such user",
        "unknown user",
        "user not found",
        "not registered",
        "not provisioned",
        "does not exist",
        "ask your administrator",
        "not invited",
    ];
    if !signs.says(&words) || !is_refused(signs) {
        return None;
    }
    cause(
        format!("the app wants to know people beforehand: {}", said(signs)),
        "[target.provision] and below it command = \"…{user.email}…\", or post and body: it makes an account for each person",
    )
}

fn address_refused(signs: &Signs<'_>) -> Option<Cause> {
    let words = [
        "invalid email",
        "email domain",
        "e-mail domain",
        "domain is not allowed",
        "not allowed domain",
    ];
    if !signs.says(&words) || !is_refused(signs) {
        return None;
    }
    let email = person(signs.evidence, "user").map(|person| person.persona.email.clone());
    cause(
        format!(
            "the app does not take the address {}: {}",
            email.unwrap_or_default(),
            said(signs)
        ),
        "email = \"{unique}@your-domain.example\" under [target.people]",
    )
}

/// Whether the app said no after the authorization server had said yes.
fn is_refused(signs: &Signs<'_>) -> bool {
    signs.evidence.hops.iter().any(|hop| hop.leg == Leg::Callback) && refusing_hop(signs.evidence).is_some()
}

fn said(signs: &Signs<'_>) -> String {
    refusing_hop(signs.evidence).map_or_else(String::new, |hop| {
        let line: String = readable(hop.shown()).chars().take(120).collect();
        format!("\"{line}\"")
    })
}

fn callback_failed(signs: &Signs<'_>) -> Option<Cause> {
    let callback = |hop: &&Hop| matches!(hop.leg, Leg::Callback | Leg::AfterCallback);
    let hop = signs
        .evidence
        .app_hops()
        .filter(callback)
        .find(|hop| hop.status().is_some_and(|status| status >= 400))?;
    let path = hop.request.target.split('?').next().unwrap_or_default();
    let status = hop.status()?;
    if status == 404 {
        return cause(
            format!("there is no {path}: it answers 404"),
            "callback under [target] has to name the app's redirection endpoint",
        );
    }
    cause(
        format!("the app refuses at {path} with {status}: {}", said(signs)),
        "the app's own output says why, if anything does; the evidence has the tokens that it was given",
    )
}

fn probed<'s>(signs: &Signs<'s>) -> Option<(&'s Probe, &'s Hop)> {
    let probe = wrong_probe(signs.evidence)?;
    Some((probe, &signs.evidence.hops[probe.hop]))
}

fn probe_is_missing(signs: &Signs<'_>) -> Option<Cause> {
    let (_, hop) = probed(signs)?;
    (hop.status() == Some(404)).then_some(())?;
    cause(
        format!("there is no {}: it answers 404", hop.request.target),
        "probe under [target.session] has to name a page that only signed-in people see",
    )
}

fn probe_wants_a_field(signs: &Signs<'_>) -> Option<Cause> {
    let (probe, hop) = probed(signs)?;
    let text = page::text_of(hop.shown()).to_lowercase();
    let refused = hop
        .status()
        .is_some_and(|status| matches!(status, 400 | 401 | 403 | 406 | 415));
    if probe.label != AFTER || !refused {
        return None;
    }
    if !text.contains("header") && !speaks_of_forgery(&text) {
        return None;
    }
    cause(
        format!(
            "{} wants a header field: \"{}\"",
            hop.request.target,
            readable(hop.shown())
        ),
        "headers = { x-csrf = \"1\" } under [target.session], with the field that it wants",
    )
}

fn another_page_first(signs: &Signs<'_>) -> Option<Cause> {
    let (probe, hop) = probed(signs)?;
    if probe.label != AFTER || !hop.status().is_some_and(|status| (300..400).contains(&status)) {
        return None;
    }
    let base = Url::parse(&hop.url).ok()?;
    let to = base.join(hop.header("location")?).ok()?;
    let sign_in = signs.evidence.hops.iter().find(|hop| hop.leg == Leg::SignInStart)?;
    let sign_in = Url::parse(&sign_in.url).ok()?;
    if to.path() == sign_in.path() || to.path() == base.path() {
        return None;
    }
    // What that page offers is known when the callback led there too.
    let seen = signs.evidence.hops.iter().rev().find(|hop| {
        let url = Url::parse(&hop.url).ok();
        url.is_some_and(|url| url.path() == to.path()) && hop.status() == Some(200)
    });
    let button = seen.and_then(|hop| page::offered(hop.shown()).into_iter().next());
    let button = button.unwrap_or_else(|| "`I agree`".to_owned());
    cause(
        format!("after the sign-in {} leads to {} first", base.path(), to.path()),
        format!(
            "after_callback = [{{ open = \"{}\" }}, {{ press = \"{}\" }}] under [target]",
            to.path(),
            button.trim_matches('`')
        ),
    )
}

fn nameless(signs: &Signs<'_>) -> Option<Cause> {
    let (probe, hop) = probed(signs)?;
    if probe.shows != Shows::Nameless {
        return None;
    }
    let probe_path = &signs.config.target.session.probe;
    let person = person(signs.evidence, &probe.who)?;
    let body = hop.shown();
    if body.to_lowercase().contains(&person.persona.email.to_lowercase()) {
        return cause(
            format!("{probe_path} shows the address in other letters"),
            "signed_in = { contains = \"{user.email}\", ignore_case = true } under [target.session]",
        );
    }
    let domain = person.persona.email.rsplit_once('@').map_or("", |(_, domain)| domain);
    if !domain.is_empty() && body.contains(domain) {
        return cause(
            format!("{probe_path} shows the address in part only"),
            "email = \"ada@{unique}.example.com\" under [target.people], and signed_in = { contains = \"@{user.email_domain}\" } under \
             [target.session]",
        );
    }
    if let Answer::Http { truncated: true, .. } = &hop.response {
        return cause(
            format!("{probe_path} is longer than what is read of a page, and nobody is named before that"),
            "choose a shorter page as `probe` under [target.session]",
        );
    }
    cause(
        format!("{probe_path} looks as `signed_in` says and names nobody: who is signed in cannot be told from it"),
        "probe = a page that shows the name or address of whoever is signed in (the start page often does), under [target.session]",
    )
}

fn session_is_not_kept(signs: &Signs<'_>) -> Option<Cause> {
    let (probe, hop) = probed(signs)?;
    if probe.label != AFTER || probe.shows != Shows::Nobody {
        return None;
    }
    let callback = |hop: &&Hop| matches!(hop.leg, Leg::Callback | Leg::AfterCallback);
    let set: Vec<_> = signs
        .evidence
        .hops
        .iter()
        .filter(callback)
        .flat_map(set_by)
        .filter(|cookie| !cookie.is_deletion())
        .collect();
    let probe_path = &hop.request.target;
    if set.is_empty() {
        return cause(
            format!("the callback sets no cookie, so {probe_path} cannot know who asks"),
            "a page that keeps tokens in scripts needs javascript = true under [target], and --driver webdriver; else the session \
             is opened before the sign-in: look at the app's output",
        );
    }
    let names: Vec<String> = set.into_iter().map(|cookie| cookie.name).collect();
    let host = Url::parse(&hop.url)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_default();
    let hint = match is_localhost(&host) {
        true => "their Domain, Path and Secure attributes have to fit",
        false => "cookies with Secure need https on this host",
    };
    cause(
        format!("the callback sets {} and {probe_path} shows nobody", names.join(", ")),
        format!("does {probe_path} belong to the same session? {hint}"),
    )
}

fn person<'e>(evidence: &'e Evidence, name: &str) -> Option<&'e Person> {
    evidence.person(name)
}

fn authorization_parameter(evidence: &Evidence, name: &str) -> Option<String> {
    let request = evidence.flow(MAIN)?.authorization_request.as_deref()?;
    let url = Url::parse(request).ok()?;
    let (_, value) = url.query_pairs().find(|(found, _)| found == name)?;
    Some(value.into_owned())
}
