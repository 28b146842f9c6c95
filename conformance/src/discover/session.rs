//! Who is signed in, and how one signs out: by signing in, and comparing what everybody sees with what this person sees.

use std::collections::BTreeMap;

use mock_idp::{MockIdp, flow::record::Endpoint};
use url::Url;

use super::{Findings, entrance::Entrance, register, world};
use crate::{
    browser::page,
    evidence::{Answer, Evidence, Hop, Leg, Shows},
    script::{AFTER, Act, MAIN, Step, user},
    target::{self, Pattern, SignOut, Statuses, Target},
    walk::walk,
};

/// Pages that show in many apps who is signed in.
const USUAL: &[&str] = &[
    "/me",
    "/profile",
    "/account",
    "/user",
    "/userinfo",
    "/api/me",
    "/api/user",
    "/api/session",
    "/dashboard",
    "/protected",
    "/",
];

/// Words on what signs out.
const WORDS: &[&str] = &["sign out", "signout", "log out", "logout", "log off", "abmelden"];

/// Where one signs out in many apps.
const USUAL_OUT: &[&str] = &["/logout", "/signout", "/auth/logout", "/oauth2/sign_out", "/sign-out"];

/// More pages than a summary needs.
const MOST_PROTECTED: usize = 4;

/// Everybody's view of all pages, a sign-in, and this person's view.
const LOOK: &[Step] = &[
    user(Act::ProbeProtected("anonymous", &[])),
    user(Act::SignIn(MAIN)),
    user(Act::ProbeProtected(AFTER, &[])),
];

/// A whole round: in, who?, out, who?
const ROUND: &[Step] = &[
    user(Act::Probe("anonymous")),
    user(Act::SignIn(MAIN)),
    user(Act::Probe(AFTER)),
    user(Act::SignOut(&[])),
    user(Act::FollowSignOut(&[])),
    user(Act::Probe("signed-out")),
];

/// The page that tells who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oracle {
    /// Its path.
    pub probe: String,
    /// What it is like for a signed-in person.
    pub signed_in: Pattern,
    /// What it is like for anybody else.
    pub signed_out: Pattern,
}

/// Fills in what a sign-in shows.
pub(super) async fn find(
    idp: &MockIdp,
    origin: &Url,
    entrance: &Entrance,
    findings: &mut Findings,
    tell: &mut dyn FnMut(&str),
) -> Result<(), String> {
    let mut pages: Vec<String> = USUAL.iter().map(|path| (*path).to_owned()).collect();
    let first = look(idp, origin, entrance, &pages).await?;
    findings.framework = crate::runner::preflight::framework_of(&first);
    findings.is_confidential = first.received(Endpoint::Token).any(|(_, request)| {
        request.body.contains("client_secret=") || request.headers.iter().any(|(name, _)| name == "authorization")
    });
    if !first.hops.iter().any(|hop| hop.leg == Leg::Callback) {
        findings
            .open
            .push("the sign-in did not come back to the app: `conformance doctor` says more".to_owned());
        return Ok(());
    }
    // The page that one lands on, and what it leads to, are shown to somebody who is signed in.
    let landing = first
        .hops
        .iter()
        .rfind(|hop| matches!(hop.leg, Leg::AfterCallback | Leg::Callback));
    let landed = landing.filter(|hop| hop.status() == Some(200));
    for hop in landed
        .into_iter()
        .chain(first.hops.iter().filter(|hop| hop.leg == Leg::Probe))
    {
        let Ok(url) = Url::parse(&hop.url) else { continue };
        let own = page::links(hop.shown(), &url)
            .into_iter()
            .filter(|link| link.target.origin() == origin.origin());
        let own = own.filter(|link| !says(&link.text) && !says(link.target.path()));
        let paths = own.map(|link| link.target.path().to_owned());
        for path in [url.path().to_owned()].into_iter().chain(paths) {
            let is_callback = Url::parse(&entrance.redirect_uri).is_ok_and(|callback| callback.path() == path);
            if !pages.contains(&path) && !is_callback {
                pages.push(path);
            }
        }
    }
    let evidence = look(idp, origin, entrance, &pages).await?;
    let views = views(&evidence);
    let oracle = oracle(&evidence, &views);
    let Some(oracle) = oracle else {
        findings.open.push(
            "no page was found that shows who is signed in, by address or name; `probe` and `signed_in` under [target.session] have \
             to be filled in"
                .to_owned(),
        );
        return Ok(());
    };
    tell(&format!("{} tells who is signed in", oracle.probe));
    findings.protected = views
        .iter()
        .filter(|(path, view)| **path != oracle.probe && view.is_protected())
        .map(|(path, _)| (*path).to_owned())
        .take(MOST_PROTECTED)
        .collect();
    findings.probe = Some(oracle.clone());
    sign_out(idp, origin, entrance, &oracle, &evidence, findings, tell).await
}

async fn look(idp: &MockIdp, origin: &Url, entrance: &Entrance, pages: &[String]) -> Result<Evidence, String> {
    let target = target_of(origin, entrance, pages[0].clone(), pages, None);
    let world = world(idp, origin, &target, &entrance.redirect_uri)?;
    Ok(walk(&world, LOOK, &[], 1).await)
}

/// A target as far as it is known.
fn target_of(origin: &Url, entrance: &Entrance, probe: String, pages: &[String], sign_out: Option<SignOut>) -> Target {
    Target {
        sign_in: entrance.sign_in.clone(),
        sign_out,
        callback: entrance.redirect_uri.clone(),
        protected: pages.to_vec(),
        ..Target::bare(
            origin.as_str().trim_end_matches('/'),
            target::Oracle {
                probe,
                signed_in: Pattern {
                    contains: Some("{user.email}".to_owned()),
                    ..Pattern::default()
                },
                signed_out: Pattern::default(),
                headers: BTreeMap::new(),
            },
        )
    }
}

/// How a page looks to everybody and to the person who is signed in.
#[derive(Clone, Copy)]
struct View<'e> {
    anonymous: &'e Hop,
    signed_in: &'e Hop,
}

impl View<'_> {
    /// Only for people who are signed in.
    fn is_protected(&self) -> bool {
        let turned_away = self
            .anonymous
            .status()
            .is_some_and(|status| (300..400).contains(&status) || status == 401 || status == 403);
        turned_away && self.signed_in.status() == Some(200)
    }
}

fn views(evidence: &Evidence) -> Vec<(&str, View<'_>)> {
    let of = |label: &str| -> BTreeMap<&str, &Hop> {
        let probes = evidence.probes.iter().filter(|probe| probe.label == label);
        let hops = probes.map(|probe| &evidence.hops[probe.hop]);
        hops.map(|hop| (hop.request.target.as_str(), hop)).collect()
    };
    let (anonymous, signed_in) = (of("anonymous"), of(AFTER));
    let mut views: Vec<(&str, View<'_>)> = signed_in
        .into_iter()
        .filter_map(|(path, hop)| {
            let view = View {
                anonymous: anonymous.get(path)?,
                signed_in: hop,
            };
            Some((path, view))
        })
        .collect();
    // The surest first: pages that turn everybody else away.
    views.sort_by_key(|(path, view)| (!view.is_protected(), *path == "/", path.len()));
    views
}

/// The first page that shows this person to herself and not to everybody.
fn oracle(evidence: &Evidence, views: &[(&str, View<'_>)]) -> Option<Oracle> {
    let persona = &evidence.person("user")?.persona;
    let name_of = |hop: &Hop| -> Option<Pattern> {
        let body = hop
            .shown()
            .replace("&#64;", "@")
            .replace("&#x40;", "@")
            .replace("\\u0040", "@");
        let contains = |text: &str| Pattern {
            contains: Some(text.to_owned()),
            ..Pattern::default()
        };
        if body.contains(&persona.email) {
            return Some(contains("{user.email}"));
        }
        if body.to_lowercase().contains(&persona.email.to_lowercase()) {
            return Some(Pattern {
                ignore_case: true,
                ..contains("{user.email}")
            });
        }
        if body.contains(&persona.id_token_name) || body.contains(&persona.userinfo_name) {
            return Some(contains("{user.name}"));
        }
        body.contains(&persona.given_name)
            .then(|| contains("{user.given_name}"))
    };
    for (path, view) in views {
        let Some(pattern) = name_of(view.signed_in) else {
            continue;
        };
        if name_of(view.anonymous).is_some() {
            continue;
        }
        let (Some(seen), Some(everybody)) = (view.signed_in.status(), view.anonymous.status()) else {
            continue;
        };
        // Where the status is the same the text decides, and nobody's text needs no pattern of its own.
        return Some(Oracle {
            probe: (*path).to_owned(),
            signed_in: Pattern {
                status: Statuses(vec![seen]),
                ..pattern
            },
            signed_out: Pattern {
                status: Statuses(vec![everybody]),
                ..Pattern::default()
            },
        });
    }
    None
}

fn says(text: &str) -> bool {
    let text = text.to_lowercase();
    WORDS.iter().any(|word| text.contains(word))
}

/// Tries what the pages offer for signing out, then the usual places, and keeps what ends the session.
async fn sign_out(
    idp: &MockIdp,
    origin: &Url,
    entrance: &Entrance,
    oracle: &Oracle,
    evidence: &Evidence,
    findings: &mut Findings,
    tell: &mut dyn FnMut(&str),
) -> Result<(), String> {
    let mut ways: Vec<SignOut> = Vec::new();
    let probe_first = |probe: &&crate::evidence::Probe| evidence.hops[probe.hop].request.target != oracle.probe;
    let mut seen: Vec<_> = evidence.probes.iter().filter(|probe| probe.label == AFTER).collect();
    seen.sort_by_key(probe_first);
    for hop in seen.into_iter().map(|probe| &evidence.hops[probe.hop]) {
        let Ok(url) = Url::parse(&hop.url) else { continue };
        if page::leniently(hop.shown(), &url)
            .form_saying_exactly(&["signout", "logout", "logoff", "abmelden"])
            .is_some()
        {
            ways.push(SignOut::Form(hop.request.target.clone()));
        }
        for link in page::links(hop.shown(), &url) {
            let is_own = link.target.origin() == origin.origin();
            if is_own && (says(&link.text) || says(link.target.path())) {
                ways.push(SignOut::Get(link.target.path().to_owned()));
                // A page that asks first.
                ways.push(SignOut::Form(link.target.path().to_owned()));
            }
        }
    }
    ways.extend(USUAL_OUT.iter().map(|path| SignOut::Get((*path).to_owned())));
    ways.extend(USUAL_OUT.iter().map(|path| SignOut::Form((*path).to_owned())));
    ways.extend(USUAL_OUT.iter().map(|path| SignOut::Post((*path).to_owned())));
    let mut tried: Vec<SignOut> = Vec::new();
    for way in ways {
        if tried.contains(&way) {
            continue;
        }
        tried.push(way.clone());
        let Some(round) = round(idp, origin, entrance, oracle, &way).await? else {
            continue;
        };
        tell(&format!("sign-out: {}", super::write::sign_out(&way)));
        findings.sign_out = Some(way.clone());
        match round.hops.iter().find(|hop| hop.leg == Leg::EndSession) {
            None => findings.is_local_sign_out = true,
            Some(hop) => {
                let query = hop.request.target.split_once('?').map_or("", |(_, query)| query);
                let back = form_urlencoded::parse(query.as_bytes())
                    .find(|(name, _)| name == "post_logout_redirect_uri")
                    .map(|(_, value)| value.into_owned());
                register(idp, &entrance.redirect_uri, back.as_slice());
                findings.post_logout = back.into_iter().collect();
            }
        }
        return Ok(());
    }
    findings.open.push(
        "no sign-out was found; `sign_out` under [target] has to be filled in, or its cases are skipped".to_owned(),
    );
    Ok(())
}

/// Signs in and out by this way. `None` when the session does not end, or the app has no such place.
async fn round(
    idp: &MockIdp,
    origin: &Url,
    entrance: &Entrance,
    oracle: &Oracle,
    way: &SignOut,
) -> Result<Option<Evidence>, String> {
    let mut target = target_of(origin, entrance, oracle.probe.clone(), &[], Some(way.clone()));
    target.session.signed_in = oracle.signed_in.clone();
    target.session.signed_out = oracle.signed_out.clone();
    let world = world(idp, origin, &target, &entrance.redirect_uri)?;
    let evidence = walk(&world, ROUND, &[], 2).await;
    let shown = |label: &str| evidence.probe(label).map(|probe| &probe.shows);
    let is_there = matches!(shown(AFTER), Some(Shows::Person(_)));
    let is_gone = shown("signed-out") == Some(&Shows::Nobody);
    let exists = evidence
        .hops
        .iter()
        .filter(|hop| hop.leg == Leg::SignOut)
        .all(|hop| match hop.response {
            Answer::Http { status, .. } => status < 400,
            _ => true,
        });
    Ok((is_there && is_gone && exists).then_some(evidence))
}
