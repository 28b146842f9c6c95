//! What an honest sign-in shows of the set-up: settings that are not used, not sent, or lead nowhere. Only warnings: the
//! sign-in worked.

use mock_idp::flow::record::Endpoint;
use url::Url;

use super::{
    super::{seed::seed_of, stage::Stage},
    fine, wrong,
};
use crate::{
    browser::http::Outgoing,
    check::{
        roles::{MEMBER, members_get_in},
        session::nothing_signed_out,
    },
    evidence::{Answer, Evidence, Leg},
    placeholder::replace,
    run::Preflight,
    script::{Act, MAIN, Membership, Step, user},
    target::{Config, SignOut},
    walk::walk,
};

/// Every check. It asks the app for each configured place once, as nobody in particular.
pub(in crate::runner) async fn after_control(
    stage: &Stage,
    config: &Config,
    evidence: &Evidence,
    seed: u64,
) -> Vec<Preflight> {
    let mut found = vec![
        scopes(evidence, config),
        client_secret(evidence, config),
        post_logout(evidence, config),
    ];
    found.extend(sign_out(evidence));
    found.push(routes(stage, config, evidence).await);
    if !config.target.roles.is_empty() {
        found.push(roles(stage, seed).await);
    }
    if let Some(wait_for) = config.target.start.as_ref().and_then(|start| start.wait_for.as_deref()) {
        found.push(ready_page(stage, wait_for).await);
    }
    found
}

fn warning(id: &'static str, saw: impl Into<String>, wanted: impl Into<String>, fix: impl Into<String>) -> Preflight {
    Preflight {
        warning: true,
        ..wrong(id, saw, wanted, fix)
    }
}

fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    format!("[{}]", quoted.join(", "))
}

/// Whether the app asks for what it is said to ask for.
fn scopes(evidence: &Evidence, config: &Config) -> Preflight {
    const ID: &str = "setup/scopes";
    let declared: Vec<&str> = config.target.declares.scopes.iter().map(String::as_str).collect();
    let request = evidence
        .flow(MAIN)
        .and_then(|flow| flow.authorization_request.as_deref());
    let sent = request.and_then(|request| Url::parse(request).ok()).and_then(|url| {
        let (_, value) = url.query_pairs().find(|(name, _)| name == "scope")?;
        Some(value.into_owned())
    });
    let Some(sent) = sent else {
        return fine(ID, "no scope in the authorization request itself");
    };
    let sent: Vec<&str> = sent.split(' ').filter(|scope| !scope.is_empty()).collect();
    let known = config.target.known_scopes(&config.idp);
    let unknown: Vec<&str> = sent
        .iter()
        .copied()
        .filter(|scope| !known.iter().any(|known| known == scope))
        .collect();
    if !unknown.is_empty() {
        let fix = match config.idp.server.as_str() {
            "org" => "the org authorization server has no custom scopes: the app has to ask for less".to_owned(),
            _ => format!(
                "scopes = {} under [idp], as an admin adds them at Okta",
                listed(&unknown)
            ),
        };
        return warning(
            ID,
            format!(
                "the app asks for {}, which the authorization server does not know: Okta refuses that",
                unknown.join(" and ")
            ),
            "scopes that the authorization server knows",
            fix,
        );
    }
    let missing: Vec<&str> = declared.iter().copied().filter(|scope| !sent.contains(scope)).collect();
    if missing.is_empty() {
        return fine(ID, format!("the app asks for {}", sent.join(" ")));
    }
    warning(
        ID,
        format!(
            "`scopes` declares {}, which the app does not ask for: it sends {}",
            missing.join(" and "),
            sent.join(" ")
        ),
        "the scopes that the app sends",
        format!("scopes = {} under [target.declares]", listed(&sent)),
    )
}

/// Whether a client that has a secret uses it.
fn client_secret(evidence: &Evidence, config: &Config) -> Preflight {
    const ID: &str = "setup/client-secret";
    if config.target.declares.public_client {
        return fine(ID, "a public client has no secret");
    }
    let mut requests = evidence.received(Endpoint::Token).peekable();
    if requests.peek().is_none() {
        return fine(ID, "no token request was seen");
    }
    let proves = |body: &str, headers: &[(String, String)]| {
        body.contains("client_secret=")
            || body.contains("client_assertion=")
            || headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case("authorization"))
    };
    if requests.any(|(_, request)| proves(&request.body, &request.headers)) {
        return fine(ID, "the app authenticates at the token endpoint");
    }
    warning(
        ID,
        "the app has a client secret and does not use it at the token endpoint",
        "client authentication, or a public client",
        "OKTA_CLIENT_SECRET = \"{idp.client.secret}\" under [target.start.env] by the name that the app reads, or public_client = \
         true under [target.declares]",
    )
}

/// Whether there was anything to sign out with. A sign-out that ends nothing is a finding, one that was not made is none.
fn sign_out(evidence: &Evidence) -> Option<Preflight> {
    evidence.no_way_out()?;
    Some(warning(
        "setup/sign-out",
        nothing_signed_out(evidence),
        "a page with a sign-out form, link or button",
        "for instance sign_out = { form = \"/account\" } or sign_out = { post = \"/logout\" } under [target]",
    ))
}

/// Whether the way back after sign-out is registered.
fn post_logout(evidence: &Evidence, config: &Config) -> Preflight {
    const ID: &str = "setup/post-logout";
    let Some(hop) = evidence.hops.iter().find(|hop| hop.leg == Leg::EndSession) else {
        return fine(ID, "sign-out does not go to the end-session endpoint");
    };
    let query = hop.request.target.split_once('?').map_or("", |(_, query)| query);
    let parameter = |text: &str| {
        let mut pairs = form_urlencoded::parse(text.as_bytes());
        let (_, value) = pairs.find(|(name, _)| name == "post_logout_redirect_uri")?;
        Some(value.into_owned())
    };
    let registered = &evidence.target.post_logout;
    match parameter(query).or_else(|| parameter(&hop.request.body)) {
        Some(sent) if registered.contains(&sent) => fine(ID, format!("{sent} is registered")),
        Some(sent) => warning(
            ID,
            format!("sign-out sends post_logout_redirect_uri={sent}, which is not registered"),
            "a registered URI: the authorization server refuses any other",
            format!(
                "post_logout = [\"{}\"] under [target], or fix the app",
                with_port(&sent, config)
            ),
        ),
        None if registered.is_empty() => fine(ID, "sign-out does not ask to come back"),
        None => warning(
            ID,
            "post_logout registers a URI, and sign-out does not send post_logout_redirect_uri",
            "the parameter, or no registration",
            "leave post_logout out, or let the app send it",
        ),
    }
}

/// A URL with the placeholder for a port that is chosen anew each time.
fn with_port(sent: &str, config: &Config) -> String {
    let port = Url::parse(sent).ok().and_then(|url| url.port());
    match port {
        Some(port) if config.target.url.contains("{port}") => sent.replacen(&format!(":{port}"), ":{port}", 1),
        _ => sent.to_owned(),
    }
}

/// Whether every configured place exists.
async fn routes(stage: &Stage, config: &Config, evidence: &Evidence) -> Preflight {
    const ID: &str = "setup/routes";
    let target = &config.target;
    let site = &stage.world.site;
    let get = |key: &'static str, path: &String| (key, Outgoing::get(&site.at(path)));
    let mut asked: Vec<(&str, Outgoing)> = target.protected.iter().map(|path| get("protected", path)).collect();
    let places = [
        ("frontchannel_logout", &site.frontchannel),
        ("initiate_login", &site.initiate_login),
    ];
    asked.extend(
        places
            .into_iter()
            .filter_map(|(key, url)| Some((key, Outgoing::get(url.as_ref()?)))),
    );
    if let Some(url) = &site.backchannel {
        asked.push(("backchannel_logout", Outgoing::form(url, &[])));
    }
    let mut missing: Vec<String> = Vec::new();
    for (key, request) in asked {
        if let Answer::Http { status: 404, .. } = stage.world.client.send(&request).await {
            missing.push(format!("{key} = \"{}\"", request.target));
        }
    }
    // Whoever was signed in has walked there already.
    let signed_out = evidence.hops.iter().find(|hop| hop.leg == Leg::SignOut);
    let by_path = matches!(
        target.sign_out,
        Some(SignOut::Get(_) | SignOut::Post(_) | SignOut::Form(_))
    );
    if let Some(hop) = signed_out.filter(|hop| by_path && hop.status() == Some(404)) {
        missing.push(format!("sign_out at \"{}\"", hop.request.target));
    }
    if missing.is_empty() {
        return fine(ID, "every configured place answers");
    }
    warning(
        ID,
        format!("404 Not Found: {}", missing.join(", ")),
        "places that exist",
        format!("correct or leave out in [target] of {}", config.file.display()),
    )
}

/// Somebody who is in every group of `[[target.roles]]` opens their pages.
const AS_MEMBER: &[Step] = &[
    user(Act::Groups(Membership::Member)),
    user(Act::SignIn(MAIN)),
    user(Act::Roles(MEMBER, &[])),
];

/// Whether a member of each group gets its page: on that all cases about groups stand.
async fn roles(stage: &Stage, seed: u64) -> Preflight {
    const ID: &str = "setup/roles";
    let evidence = walk(&stage.world, AS_MEMBER, &[], seed_of(seed, "setup/roles")).await;
    match members_get_in(&evidence) {
        Ok(()) => fine(ID, "a member of each group gets its page"),
        Err(saw) => warning(
            ID,
            saw,
            "the page, for a person whose token names the group",
            "`group`, `page`, `shows` and `claim` of [[target.roles]] as the app has them; until then the cases roles/* decide nothing",
        ),
    }
}

/// Whether the page that is waited for exists: a 404 comes as soon as anything listens, perhaps before the app is ready.
async fn ready_page(stage: &Stage, wait_for: &str) -> Preflight {
    const ID: &str = "setup/wait-for";
    let site = &stage.world.site;
    let port = site.origin.port_or_known_default().unwrap_or(80).to_string();
    let vars = [("port".to_owned(), port)].into();
    let Ok(url) = Url::parse(&replace(wait_for, &vars)) else {
        return fine(ID, "nothing is waited for");
    };
    match stage.world.client.send(&Outgoing::get(&url)).await {
        Answer::Http { status: 404, .. } => warning(
            ID,
            format!("{url} answers 404: any server does that as soon as it listens"),
            "a page that answers when the app is ready",
            "wait_for = \"http://localhost:{port}/\" under [target.start]",
        ),
        _ => fine(ID, format!("{url} answers when the app is ready")),
    }
}
