//! Preflight: tells a set-up mistake from a defect, before anything is judged.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use mock_idp::flow::record::{Endpoint, Event, Stamp};
use url::{Host, Url};

mod after_control;

pub(super) use self::after_control::after_control;
use super::{
    first_failure,
    ledger::Ledger,
    options::{Driver, Listener, Options},
    seed::seed_of,
    stage::Stage,
};
use crate::{
    browser::{
        pool::{Pool, PoolOptions},
        webdriver::driver::{DriverError, Versions},
    },
    evidence::{Answer, Evidence, Leg, Shows},
    names::is_localhost,
    run::{Control, Preflight},
    script::{Act, MAIN, Step, user},
    target::Config,
    walk::walk,
};

/// The clock of the app may differ from ours by so much before time cases mean nothing.
const CLOCK_LIMIT_SECONDS: i64 = 10;

/// Most cases need one or two people, and as many again wait for an answer in the app.
const BROWSERS_PER_JOB: u32 = 3;

/// An anonymous question, the start of a sign-in and the hosted page; nobody is judged by it.
const LOOK: &[Step] = &[
    user(Act::Probe("anonymous")),
    user(Act::Start(MAIN, &[])),
    user(Act::Authorize(MAIN, &[])),
];

/// Makes every check and reports it. Says whether the run may go on.
pub(super) async fn check(
    stage: &Stage,
    config: &Config,
    seed: u64,
    ledger: &mut Ledger,
    on: &mut Listener<'_>,
) -> bool {
    let mark = stage.printed();
    let evidence = walk(&stage.world, LOOK, &[], seed_of(seed, "preflight")).await;
    let mut fine = true;
    for check in examine(&evidence, stage, config, &stage.output_since(mark)) {
        fine &= check.ok || check.warning;
        let stop = !check.ok && !check.warning;
        let id = check.id;
        ledger.preflight(check, on);
        if stop {
            let control = Control {
                lane: "set-up".to_owned(),
                ok: false,
                text: format!("{id} is not well, so nobody was asked to sign in"),
                duration_ms: 0,
                failure: Some(first_failure::of(&evidence, config, &stage.output_since(mark))),
            };
            ledger.control(control, on);
            // What follows would only repeat the first mistake in other words.
            break;
        }
    }
    fine
}

/// Opens the browsers of a run, where it wants real ones, and proves that driver and browser fit together.
pub(super) async fn browsers(config: &Config, options: &Options) -> (Option<Pool>, Option<Preflight>) {
    const ID: &str = "setup/driver-version";
    let Driver::WebDriver { brand, url } = &options.driver else {
        let scripts = config.target.javascript.then(|| {
            wrong(
                "setup/javascript",
                "scripts make the pages of this app (`javascript = true`), and an HTTP client runs none",
                "a real browser",
                "conformance run --driver webdriver",
            )
        });
        return (None, scripts);
    };
    let size = u32::try_from(options.jobs)
        .unwrap_or(u32::MAX)
        .saturating_mul(BROWSERS_PER_JOB);
    let wanted = PoolOptions {
        brand: *brand,
        driver: url.clone(),
        headed: options.headed,
        size,
        limit: options.timeout,
    };
    let opened = match &options.browsers {
        Some(pool) => Ok(pool.clone()),
        None => Pool::open(&wanted).await,
    };
    match opened {
        Ok(pool) => {
            let Versions { browser, driver } = &pool.versions;
            let found = fine(ID, format!("{browser} is driven by {driver}"));
            (Some(pool), Some(found))
        }
        Err(error) => {
            let id = match error {
                DriverError::NoDisplay => "setup/display",
                _ => ID,
            };
            let found = wrong(id, error.to_string(), error.wanted(*brand), error.fix(*brand));
            (None, Some(found))
        }
    }
}

fn examine(evidence: &Evidence, stage: &Stage, config: &Config, output: &str) -> Vec<Preflight> {
    vec![
        address_family(evidence),
        app_answers(evidence, config),
        hosts_differ(evidence),
        https_issuer(evidence, config, output),
        stale_metadata(evidence, stage),
        issuer_is_ours(evidence, stage, config),
        redirect_uri_registered(evidence, config),
        cookie_host(evidence),
        oracle(evidence, config),
        clock(evidence),
        signed_out_matches(evidence, config),
        proxy(config),
    ]
}

fn fine(id: &'static str, saw: impl Into<String>) -> Preflight {
    Preflight {
        id,
        ok: true,
        warning: false,
        saw: saw.into(),
        wanted: String::new(),
        fix: String::new(),
    }
}

fn wrong(id: &'static str, saw: impl Into<String>, wanted: impl Into<String>, fix: impl Into<String>) -> Preflight {
    Preflight {
        id,
        ok: false,
        warning: false,
        saw: saw.into(),
        wanted: wanted.into(),
        fix: fix.into(),
    }
}

fn app_answers(evidence: &Evidence, config: &Config) -> Preflight {
    const ID: &str = "setup/app-answers";
    let Some(hop) = evidence.hops.first() else {
        return wrong(ID, "no request was made", "an answer", "report this");
    };
    match &hop.response {
        Answer::Http { status, .. } => fine(ID, format!("{} answers with {status}", evidence.target.app)),
        Answer::Broken { text, .. } | Answer::NotSent { why: text } => wrong(
            ID,
            format!("{}: {text}", evidence.target.app),
            "an HTTP answer",
            match config.target.start {
                Some(_) => "look at what [target.start] command prints, and at `wait_for`".to_owned(),
                None => "start the app with the variables of `conformance env`, or add [target.start]".to_owned(),
            },
        ),
    }
}

/// `localhost` has two addresses, and an app may listen on one of them: a URL that names the other reaches nobody.
fn address_family(evidence: &Evidence) -> Preflight {
    const ID: &str = "setup/ipv6";
    let app = &evidence.target.app;
    let port = app.port_or_known_default().unwrap_or(80);
    let listens = |address: IpAddr| {
        let limit = std::time::Duration::from_millis(300);
        std::net::TcpStream::connect_timeout(&SocketAddr::new(address, port), limit).is_ok()
    };
    let (v4, v6) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST));
    let (named, other, name) = match app.host() {
        Some(Host::Ipv4(address)) if address.is_loopback() => (IpAddr::V4(address), v6, "[::1]"),
        Some(Host::Ipv6(address)) if address.is_loopback() => (IpAddr::V6(address), v4, "127.0.0.1"),
        Some(Host::Domain(host)) if is_localhost(host) => {
            return match (listens(v4), listens(v6)) {
                (true, true) => fine(ID, "the app listens on 127.0.0.1 and on ::1"),
                (false, true) => fine(ID, "the app listens on ::1 only, where browsers find localhost as well"),
                _ => fine(ID, "the app listens on 127.0.0.1"),
            };
        }
        _ => return fine(ID, "the app's host is no loopback address"),
    };
    if listens(named) || !listens(other) {
        return fine(ID, format!("the app is looked for at {named}"));
    }
    wrong(
        ID,
        format!("nobody listens on {named}, and somebody does on {name}, at port {port}"),
        "a URL by which the app is reached",
        "write `url = \"http://localhost:…\"` under [target], which is both addresses, or let the app listen on the other one",
    )
}

/// Whether the app's library takes our issuer at all.
fn https_issuer(evidence: &Evidence, config: &Config, output: &str) -> Preflight {
    const ID: &str = "setup/https-issuer";
    let issuer = &evidence.target.issuer;
    match first_failure::https_wanted(evidence, config, output) {
        Some((saw, fix)) => wrong(ID, format!("{saw}; ours is {issuer}"), "an issuer with https", fix),
        None if issuer.starts_with("https:") => fine(ID, "the issuer is served over TLS"),
        None => fine(ID, "the app takes an issuer without TLS"),
    }
}

/// An app that was started before this run may still use what it read from another authorization server.
fn stale_metadata(evidence: &Evidence, stage: &Stage) -> Preflight {
    const ID: &str = "setup/stale-metadata";
    if stage.restartable() {
        return fine(ID, "the app was started for this run");
    }
    let server = &stage.world.server;
    let has_read = stage.world.idp.unbound(Stamp(0)).into_iter().any(|record| {
        let asked = matches!(&record.event, Event::Received { endpoint, .. } if *endpoint == Endpoint::Metadata);
        asked && record.server == *server
    });
    if has_read {
        return fine(ID, "the app has read our metadata in this run");
    }
    let leads_to_us = evidence
        .flow(MAIN)
        .and_then(|flow| flow.authorization_request.as_deref())
        .is_some_and(|request| leads_to(request, &evidence.target.issuer));
    if leads_to_us {
        return fine(
            ID,
            "the app has not read our metadata in this run: it has them from before, or its endpoints are configured",
        );
    }
    let mut check = wrong(
        ID,
        "the app has not read our metadata in this run, and its sign-in does not lead to our authorization endpoint",
        "an app that uses our discovery document, not one that it read before",
        "restart the app after setting its issuer, as `conformance env` prints it",
    );
    // What the sign-in leads to is said next.
    check.warning = true;
    check
}

/// Whether an authorization request goes to the authorization endpoint of this issuer.
fn leads_to(request: &str, issuer: &str) -> bool {
    let path = Url::parse(request).map(|url| url.path().to_owned()).unwrap_or_default();
    path == authorization_path(issuer)
}

/// The path of the authorization endpoint.
fn authorization_path(issuer: &str) -> String {
    let base = Url::parse(issuer).map(|url| url.path().trim_end_matches('/').to_owned());
    match base.unwrap_or_default().as_str() {
        // The org authorization server.
        "" => "/oauth2/v1/authorize".to_owned(),
        base => format!("{base}/v1/authorize"),
    }
}

fn hosts_differ(evidence: &Evidence) -> Preflight {
    const ID: &str = "setup/hosts-differ";
    let (app, idp) = (evidence.target.app.host_str(), evidence.target.idp.host_str());
    if app != idp {
        return fine(
            ID,
            "app and authorization server have different hosts, as in production",
        );
    }
    let host = app.unwrap_or_default();
    let mut check = wrong(
        ID,
        format!("app and authorization server are both on {host}: they share one cookie jar and one site"),
        "different hosts",
        "write `url = \"http://localhost:…\"` under [target]; the authorization server is on 127.0.0.1",
    );
    check.warning = true;
    check
}

fn issuer_is_ours(evidence: &Evidence, stage: &Stage, config: &Config) -> Preflight {
    const ID: &str = "setup/issuer-is-ours";
    let issuer = &evidence.target.issuer;
    let variable = config.target.start.as_ref().and_then(|start| {
        start
            .env
            .iter()
            .find(|(_, value)| value.contains("{idp.issuer}"))
            .map(|(name, _)| name.clone())
    });
    let fix = match &variable {
        Some(name) => format!("make the app use {name}={issuer}"),
        None => format!("configure the app's issuer as {issuer} (`conformance env` prints all variables)"),
    };
    if let Some(request) = evidence
        .flow(MAIN)
        .and_then(|flow| flow.authorization_request.as_deref())
    {
        if leads_to(request, issuer) {
            return fine(ID, "sign-in leads to our issuer");
        }
        let path = Url::parse(request).map(|url| url.path().to_owned()).unwrap_or_default();
        let ours = authorization_path(issuer);
        return wrong(
            ID,
            format!("sign-in leads to {path} of our authorization server"),
            ours,
            fix,
        );
    }
    let elsewhere = evidence.hops.iter().find(|hop| hop.leg == Leg::Elsewhere);
    if let Some(hop) = elsewhere {
        let origin = Url::parse(&hop.url)
            .map(|url| url.origin().ascii_serialization())
            .unwrap_or_default();
        return wrong(ID, format!("sign-in leads to {origin}"), issuer.clone(), fix);
    }
    let last = evidence.hops.iter().rfind(|hop| hop.leg == Leg::SignInStart);
    let answer = last.map_or("nothing".to_owned(), |hop| match hop.status() {
        Some(status) => format!("{} answers with {status}", hop.request.target),
        None => hop.response.problem_text().to_owned(),
    });
    let refused = stage.world.idp.unbound(Stamp(0)).into_iter().any(|record| {
        matches!(
            record.event,
            Event::Received {
                endpoint: Endpoint::Metadata,
                ..
            }
        ) && record.server != stage.world.server
            // Where others serve, it may have been the app of another run.
            && config.idp.url.is_none()
    });
    let hint = if refused {
        "; the app asked for the metadata of another issuer"
    } else {
        ""
    };
    wrong(
        ID,
        format!("no authorization request followed from the sign-in: {answer}{hint}"),
        "a redirect to the authorization endpoint",
        format!("check `sign_in` under [target]; and {fix}"),
    )
}

fn redirect_uri_registered(evidence: &Evidence, config: &Config) -> Preflight {
    const ID: &str = "setup/redirect-uri-registered";
    let registered = &evidence.target.redirect_uri;
    let request = evidence
        .flow(MAIN)
        .and_then(|flow| flow.authorization_request.as_deref());
    let sent = request.and_then(|request| {
        let url = Url::parse(request).ok()?;
        let (_, value) = url.query_pairs().find(|(name, _)| name == "redirect_uri")?;
        Some(value.into_owned())
    });
    match sent {
        Some(sent) if sent == *registered => fine(ID, format!("{sent} is registered")),
        Some(sent) => {
            let differs = difference(registered, &sent);
            wrong(
                ID,
                format!("the app sends redirect_uri={sent}, which differs from the registered one in {differs}"),
                registered.clone(),
                format!(
                    "write `callback = \"{sent}\"` under [target] of {}, or fix the app",
                    config.file.display()
                ),
            )
        }
        // Pushed requests and request objects hide it; the authorization server would have said so.
        None => fine(ID, "no redirect_uri in the authorization request itself"),
    }
}

/// What two URLs differ in, first difference first.
fn difference(one: &str, other: &str) -> &'static str {
    let (Ok(one), Ok(other)) = (Url::parse(one), Url::parse(other)) else {
        return "form";
    };
    if one.scheme() != other.scheme() {
        "scheme"
    } else if one.host_str() != other.host_str() {
        "host (localhost and 127.0.0.1 have separate cookies)"
    } else if one.port_or_known_default() != other.port_or_known_default() {
        "port"
    } else if one.path().trim_end_matches('/') == other.path().trim_end_matches('/') {
        "the trailing slash or the query"
    } else {
        "path"
    }
}

fn cookie_host(evidence: &Evidence) -> Preflight {
    const ID: &str = "setup/cookie-host";
    let callback = Url::parse(&evidence.target.redirect_uri).ok();
    let callback_host = callback.as_ref().and_then(Url::host_str);
    let app_host = evidence.target.app.host_str();
    if callback_host == app_host {
        return fine(ID, "sign-in starts on the host of the callback");
    }
    wrong(
        ID,
        format!(
            "sign-in starts on {} and returns to {}",
            app_host.unwrap_or("?"),
            callback_host.unwrap_or("?")
        ),
        "one host: the cookie of the pending sign-in is not sent to another",
        "use one name in `url` and `callback`",
    )
}

fn oracle(evidence: &Evidence, config: &Config) -> Preflight {
    const ID: &str = "setup/oracle";
    let probe = &config.target.session.probe;
    match evidence.probe("anonymous").map(|probe| &probe.shows) {
        Some(Shows::Nobody) => fine(ID, format!("{probe} shows nobody to a new visitor")),
        Some(Shows::Nameless) => wrong(
            ID,
            format!("{probe} looks to a new visitor as `signed_in` says of a signed-in user"),
            "a page that only signed-in users see",
            "choose another `probe`, or give `contains = \"{user.email}\"` under [target.session] signed_in",
        ),
        other => wrong(
            ID,
            format!(
                "{probe} fits neither pattern for a new visitor: it shows {}",
                say(other)
            ),
            "what `signed_out` says",
            format!("look at {probe} without cookies and correct `signed_out` under [target.session]"),
        ),
    }
}

/// What an anonymous visitor was shown, in words.
fn say(shows: Option<&Shows>) -> String {
    match shows {
        None => "nothing: it was not asked".to_owned(),
        Some(Shows::Nobody) => "nobody".to_owned(),
        Some(Shows::Nameless) => "a signed-in page without a name".to_owned(),
        Some(Shows::Person(name)) => format!("the {name}"),
        Some(Shows::Several(names)) => names.join(" and "),
        Some(Shows::Unclear(what)) => what.clone(),
    }
}

fn clock(evidence: &Evidence) -> Preflight {
    const ID: &str = "setup/clock";
    let offset = evidence.hops.iter().find_map(|hop| {
        let date = httpdate::parse_http_date(hop.header("date")?).ok()?;
        let theirs = i64::try_from(date.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs()).ok()?;
        let ours = i64::try_from(hop.done.0 / 1_000_000).ok()?;
        Some(theirs - ours)
    });
    match offset {
        None => fine(ID, "the app sends no Date header; its clock is taken to be ours"),
        Some(offset) if offset.abs() <= CLOCK_LIMIT_SECONDS => {
            fine(ID, format!("the app's clock differs by {offset} s"))
        }
        Some(offset) => {
            let mut check = wrong(
                ID,
                format!("the app's clock differs by {offset} s"),
                format!("at most {CLOCK_LIMIT_SECONDS} s, or cases about time mean nothing"),
                "synchronise the clock of the machine or container that the app runs on",
            );
            check.warning = true;
            check
        }
    }
}

/// A pattern for anonymous visitors that never fits: without it the status alone decides.
fn signed_out_matches(evidence: &Evidence, config: &Config) -> Preflight {
    const ID: &str = "setup/signed-out-matches";
    let oracle = &config.target.session;
    let Some(hop) = evidence.probe("anonymous").map(|probe| &evidence.hops[probe.hop]) else {
        return fine(ID, "the probe was not asked");
    };
    let Some(status) = hop.status() else {
        return fine(ID, "the probe did not answer");
    };
    let pattern = &oracle.signed_out;
    if pattern.status.fits(status) && pattern.is_said_by(hop.shown(), &std::collections::BTreeMap::new()) {
        return fine(ID, format!("{} is as `signed_out` says", oracle.probe));
    }
    let mut check = wrong(
        ID,
        format!(
            "`signed_out` does not fit what {} answers a new visitor: {status}",
            oracle.probe
        ),
        "a pattern that fits",
        format!("signed_out = {{ status = {status} }} under [target.session]"),
    );
    check.warning = true;
    check
}

fn proxy(config: &Config) -> Preflight {
    const ID: &str = "setup/proxy";
    let set = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]
        .into_iter()
        .find(|name| std::env::var(name).is_ok_and(|value| !value.is_empty()));
    let spared = ["NO_PROXY", "no_proxy"].into_iter().any(|name| {
        std::env::var(name)
            .is_ok_and(|value| value.contains("127.0.0.1") || value.contains("localhost") || value == "*")
    });
    match set {
        // An app that the harness starts is told by NO_PROXY.
        Some(name) if !spared && config.target.start.is_none() => {
            let mut check = wrong(
                ID,
                format!("{name} is set: the app may send its calls to the authorization server to a proxy"),
                "direct calls to 127.0.0.1",
                "export NO_PROXY=localhost,127.0.0.1",
            );
            check.warning = true;
            check
        }
        _ => fine(ID, "no proxy stands between app and authorization server"),
    }
}

/// Which framework the app is built on, and how that was found out.
pub(super) fn guess_framework(evidence: &Evidence, config: &Config) -> Option<(String, String)> {
    match config.target.framework.as_deref() {
        None | Some("auto") => {}
        Some(name) => return Some((name.to_owned(), "named in the configuration".to_owned())),
    }
    framework_of(evidence).map(|(name, why)| (name, format!("guessed from the {why}")))
}

/// Which framework the app seems to be built on, from its cookies and header fields, with the reason for the guess.
#[must_use]
pub fn framework_of(evidence: &Evidence) -> Option<(String, String)> {
    const BY_COOKIE: &[(&str, &str)] = &[
        ("connect.sid", "express"),
        ("JSESSIONID", "spring"),
        ("sessionid", "django"),
        ("next-auth", "next-auth"),
        ("authjs", "next-auth"),
        (".AspNetCore", "aspnet"),
        ("_oauth2_proxy", "oauth2-proxy"),
        ("mod_auth_openidc", "apache"),
    ];
    const BY_HEADER: &[(&str, &str, &str)] = &[
        ("x-powered-by", "Express", "express"),
        ("server", "Werkzeug", "flask"),
        ("server", "gunicorn", "flask"),
    ];
    for hop in evidence.app_hops() {
        for line in hop.headers("set-cookie") {
            if let Some((cookie, name)) = BY_COOKIE.iter().find(|(cookie, _)| line.starts_with(cookie)) {
                return Some(((*name).to_owned(), format!("cookie {cookie}")));
            }
        }
        for (header, value, name) in BY_HEADER {
            if hop.headers(header).any(|found| found.contains(value)) {
                return Some(((*name).to_owned(), format!("header {header}: {value}")));
            }
        }
    }
    None
}
