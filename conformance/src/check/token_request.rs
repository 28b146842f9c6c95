//! Questions to the token requests that the app makes (RFC 6749 §4.1.3, RFC 7636 §4.5).

use base64::{Engine, engine::general_purpose::STANDARD};
use mock_idp::flow::record::Event;
use percent_encoding::percent_decode_str;

use super::{
    Check,
    facts::{
        TokenRequest, challenge_of, claims_of, code_redemptions, honest_redemptions, parameters, query_of,
        redemptions_of, shortened,
    },
    no_flow,
    randomness::{Randomness, judge},
};
use crate::{
    evidence::{Evidence, Hop, Leg},
    outcome::Outcome::{self, Broken, CannotTell, Holds, HoldsWith},
    script::{MAIN, OTHER},
};

/// The value of `client_assertion_type` (RFC 7523 §2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An assertion that is good for longer than this many seconds can be used by whoever finds it.
const ASSERTION_LIMIT: i64 = 3600;

/// Shape of a code redemption.
pub const TOKEN_REQUEST_IS_WELL_FORMED: Check = Check {
    id: "token-request-is-well-formed",
    expects: "POST, form-encoded, grant_type=authorization_code, no query, every parameter once",
    ask: |evidence| each(&undisturbed(evidence), well_formed),
};

/// One callback, one redemption.
pub const ONE_TOKEN_REQUEST_PER_CALLBACK: Check = Check {
    id: "one-token-request-per-callback",
    expects: "exactly one token request for one callback",
    ask: |evidence| {
        let requests = honest_redemptions(evidence);
        if requests.is_empty() {
            return CannotTell("no token request of an undisturbed sign-in was seen".to_owned());
        }
        let mut codes: Vec<&str> = requests.iter().filter_map(|(request, _)| request.get("code")).collect();
        codes.sort_unstable();
        match codes.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Broken(format!(
                "the code `{}` was redeemed twice after one callback",
                shortened(pair[0])
            )),
            None => Holds,
        }
    },
};

/// `redirect_uri` as in the authorization request.
pub const REDIRECT_URI_IS_REPEATED: Check = Check {
    id: "redirect-uri-is-repeated",
    expects: "the redirect_uri of the authorization request, byte for byte",
    ask: |evidence| {
        each_honest(evidence, |request, authorization| {
            match (request.get("redirect_uri"), authorization("redirect_uri")) {
                (Some(sent), Some(wanted)) if sent != wanted => Err(format!("redirect_uri `{sent}` after `{wanted}`")),
                _ => Ok(()),
            }
        })
    },
};

/// `redirect_uri` is there at all.
pub const REDIRECT_URI_IS_SENT: Check = Check {
    id: "redirect-uri-is-sent",
    expects: "a redirect_uri in the token request",
    ask: |evidence| {
        each_honest(evidence, |request, _| match request.get("redirect_uri") {
            Some(_) => Ok(()),
            None => Err("no redirect_uri in the token request".to_owned()),
        })
    },
};

/// The code arrives as it was issued.
pub const CODE_IS_VERBATIM: Check = Check {
    id: "code-is-verbatim",
    expects: "the token endpoint receives exactly the code that was issued",
    ask: |evidence| {
        let Some(flow) = evidence.flow(MAIN) else {
            return no_flow();
        };
        let issued = evidence.events_of(flow.id).find_map(|event| match event {
            Event::CodeIssued { code } => Some(code.as_str()),
            _ => None,
        });
        let Some(issued) = issued else {
            return CannotTell("no code was issued".to_owned());
        };
        let requests = code_redemptions(evidence);
        let codes: Vec<&str> = requests.iter().filter_map(|request| request.get("code")).collect();
        match codes.as_slice() {
            [] => Broken(format!("the code `{}` was never redeemed", shortened(issued))),
            codes if codes.contains(&issued) => Holds,
            codes => Broken(format!(
                "issued `{}`, received `{}`",
                shortened(issued),
                shortened(codes[0])
            )),
        }
    },
};

/// The verifier belongs to the challenge.
pub const VERIFIER_FITS: Check = Check {
    id: "verifier-fits",
    expects: "a code_verifier of 43 to 128 unreserved characters whose S256 is the challenge",
    ask: |evidence| {
        each_honest(evidence, |request, authorization| {
            let Some(challenge) = authorization("code_challenge") else {
                return Ok(());
            };
            let Some(verifier) = request.get("code_verifier") else {
                return Err("no code_verifier although a challenge was sent".to_owned());
            };
            let unreserved = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.' | '_' | '~');
            if !(43..=128).contains(&verifier.len()) || !verifier.chars().all(unreserved) {
                return Err(format!(
                    "a code_verifier of {} characters, `{}`",
                    verifier.len(),
                    shortened(verifier)
                ));
            }
            let method_is_plain = authorization("code_challenge_method").is_none_or(|method| method == "plain");
            let fits = match method_is_plain {
                true => verifier == challenge,
                false => challenge_of(verifier) == challenge,
            };
            match fits {
                true => Ok(()),
                false => Err("the code_verifier does not belong to the challenge".to_owned()),
            }
        })
    },
};

/// A verifier cannot be guessed and is used once.
pub const VERIFIER_IS_UNPREDICTABLE: Check = Check {
    id: "verifier-is-unpredictable",
    expects: "a new code_verifier each time that cannot be guessed: no counter, no clock, enough bits",
    ask: |evidence| {
        let requests = honest_redemptions(evidence);
        let verifiers: Vec<&str> = requests
            .iter()
            .filter_map(|(request, _)| request.get("code_verifier"))
            .collect();
        if verifiers.is_empty() {
            return CannotTell("no code_verifier was seen".to_owned());
        }
        match judge(&verifiers) {
            Randomness::Weak(why) => Broken(format!("code_verifier: {why}")),
            Randomness::Short(why) => HoldsWith(format!("code_verifier: {why}")),
            Randomness::Good(_) => Holds,
            Randomness::TooFew(count) => CannotTell(format!("{count} verifiers are too few to judge")),
        }
    },
};

/// The client proves who it is in one way, as it was registered.
pub const ONE_CLIENT_AUTHENTICATION: Check = Check {
    id: "one-client-authentication",
    expects: "exactly one way of client authentication, the same each time; none but client_id for a public client",
    ask: one_client_authentication,
};

/// The secret is no part of an address.
pub const SECRET_IS_NOT_IN_TOKEN_URL: Check = Check {
    id: "secret-is-not-in-token-url",
    expects: "no client secret in the URL of the token endpoint",
    ask: |evidence| {
        each(&code_redemptions(evidence), |request| {
            let query = parameters(query_of(&request.request.target));
            let named = query
                .iter()
                .any(|(name, _)| name == "client_secret" || name == "client_assertion");
            let secret = evidence
                .target
                .client_secret
                .as_deref()
                .filter(|secret| !secret.is_empty());
            let inside = secret.is_some_and(|secret| query.iter().any(|(_, value)| value == secret));
            match named || inside {
                true => Err("the client secret stands in the URL of the token endpoint".to_owned()),
                false => Ok(()),
            }
        })
    },
};

/// Basic credentials are form-encoded first (RFC 6749 §2.3.1).
pub const BASIC_IS_FORM_ENCODED: Check = Check {
    id: "basic-is-form-encoded",
    expects: "client_secret_basic with id and secret form-encoded before base64",
    ask: basic_is_form_encoded,
};

/// A client assertion is fresh, addressed and used once (RFC 7523 §3).
pub const ASSERTION_IS_SOUND: Check = Check {
    id: "assertion-is-sound",
    expects: "iss = sub = client_id, aud = token endpoint or issuer, exp soon, a new jti each time",
    ask: assertion_is_sound,
};

fn arrived(count: usize) -> String {
    match count {
        1 => "a token request arrived".to_owned(),
        _ => format!("{count} token requests arrived"),
    }
}

/// Nothing was redeemed in the main flow.
pub const NO_TOKEN_REQUEST: Check = Check {
    id: "no-token-request",
    expects: "no token request",
    ask: |evidence| match redemptions_of(evidence, MAIN).len() {
        0 => Holds,
        count => Broken(arrived(count)),
    },
};

/// Nothing was redeemed in the second flow.
pub const NO_SECOND_TOKEN_REQUEST: Check = Check {
    id: "no-second-token-request",
    expects: "no token request for the second code",
    ask: |evidence| match redemptions_of(evidence, OTHER).len() {
        0 => Holds,
        count => Broken(format!("{} for the second code", arrived(count))),
    },
};

/// The code is redeemed once.
pub const ONE_TOKEN_REQUEST: Check = Check {
    id: "one-token-request",
    expects: "one token request, however often the response arrives",
    ask: |evidence| match redemptions_of(evidence, MAIN).len() {
        0 => CannotTell("no token request was seen".to_owned()),
        1 => Holds,
        count => Broken(format!("{count} token requests for one code")),
    },
};

/// The code is redeemed at most twice.
pub const AT_MOST_TWO_TOKEN_REQUESTS: Check = Check {
    id: "at-most-two-token-requests",
    expects: "at most two token requests for one code",
    ask: |evidence| match redemptions_of(evidence, MAIN).len() {
        count @ 3.. => Broken(format!("{count} token requests for one code")),
        _ => Holds,
    },
};

/// Redemptions after callbacks that the harness left as they were: what it put into a callback twice, the app may hand on
/// twice.
fn undisturbed(evidence: &Evidence) -> Vec<TokenRequest<'_>> {
    let edited = |request: &TokenRequest<'_>| {
        let flow = evidence.flows.iter().find(|flow| Some(flow.id) == request.record.flow);
        let of_flow = |hop: &&Hop| hop.leg == Leg::Callback && hop.unedited.is_some();
        let mut edited = evidence.hops.iter().filter(of_flow);
        match flow {
            Some(flow) => edited.any(|hop| hop.flow == Some(flow.slot)),
            None => edited.next().is_some(),
        }
    };
    let mut requests = code_redemptions(evidence);
    requests.retain(|request| !edited(request));
    requests
}

/// Redemptions in flows in which the authorization server did nothing wrong: an app may well try another way to
/// authenticate when the first one was refused.
fn in_good_flows(evidence: &Evidence) -> Vec<TokenRequest<'_>> {
    let good = |request: &TokenRequest<'_>| {
        let flow = evidence.flows.iter().find(|flow| Some(flow.id) == request.record.flow);
        flow.is_some_and(|flow| flow.faults.iter().all(|fault| fault.is_twin()))
    };
    let mut requests = code_redemptions(evidence);
    requests.retain(good);
    requests
}

fn each(requests: &[TokenRequest<'_>], ask: impl Fn(&TokenRequest<'_>) -> Result<(), String>) -> Outcome {
    if requests.is_empty() {
        return CannotTell("no token request was seen".to_owned());
    }
    match requests.iter().find_map(|request| ask(request).err()) {
        Some(saw) => Broken(saw),
        None => Holds,
    }
}

/// Asks every redemption of an undisturbed sign-in, together with the parameters of its authorization request.
fn each_honest(
    evidence: &Evidence,
    ask: impl Fn(&TokenRequest<'_>, &dyn Fn(&str) -> Option<String>) -> Result<(), String>,
) -> Outcome {
    let requests = honest_redemptions(evidence);
    if requests.is_empty() {
        return CannotTell("no token request of an undisturbed sign-in was seen".to_owned());
    }
    let broken = requests.iter().find_map(|(request, authorization)| {
        let parameter = |name: &str| authorization.filled(name).map(str::to_owned);
        ask(request, &parameter).err()
    });
    broken.map_or(Holds, Broken)
}

fn well_formed(request: &TokenRequest<'_>) -> Result<(), String> {
    if request.request.method != "POST" {
        return Err(format!("method {}", request.request.method));
    }
    let content_type = request.header("content-type").unwrap_or_default().to_ascii_lowercase();
    if !content_type.starts_with("application/x-www-form-urlencoded") {
        return Err(format!("content type `{content_type}`"));
    }
    let query = query_of(&request.request.target);
    if !query.is_empty() {
        return Err(format!(
            "the token endpoint was called with a query, `{}`",
            shortened(query)
        ));
    }
    match request.get("grant_type") {
        Some("authorization_code") => {}
        other => return Err(format!("grant_type `{}`", other.unwrap_or("(absent)"))),
    }
    let mut names: Vec<&str> = request.params.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("`{}` comes twice", pair[0])),
        None => Ok(()),
    }
}

/// The ways in which a request authenticates the client.
fn methods(request: &TokenRequest<'_>) -> Vec<&'static str> {
    let basic = request.header("authorization").is_some_and(|value| {
        value
            .get(..6)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic "))
    });
    [
        (basic, "client_secret_basic"),
        (request.get("client_secret").is_some(), "client_secret_post"),
        (request.get("client_assertion").is_some(), "client_assertion"),
    ]
    .into_iter()
    .filter_map(|(used, name)| used.then_some(name))
    .collect()
}

fn one_client_authentication(evidence: &Evidence) -> Outcome {
    let requests = code_redemptions(evidence);
    let public = evidence.target.client_secret.is_none();
    let outcome = each(&requests, |request| {
        let methods = methods(request);
        match (methods.as_slice(), public) {
            ([], true) if request.get("client_id").is_some() => Ok(()),
            ([], true) => Err("a public client sent no client_id".to_owned()),
            ([], false) => Err("a client with a secret did not authenticate".to_owned()),
            (["client_assertion"], _) | ([_], false) => Ok(()),
            (several, true) => Err(format!("a public client sent {}", several.join(" and "))),
            (several, false) => Err(format!("{} at the same time", several.join(" and "))),
        }
    });
    if outcome != Holds {
        return outcome;
    }
    let used: Vec<Vec<&str>> = in_good_flows(evidence).iter().map(methods).collect();
    match used.windows(2).find(|pair| pair[0] != pair[1]) {
        Some(pair) => Broken(format!(
            "once {}, once {}",
            pair[0].join(" and "),
            pair[1].join(" and ")
        )),
        None => Holds,
    }
}

fn basic_is_form_encoded(evidence: &Evidence) -> Outcome {
    let Some(secret) = evidence.target.client_secret.as_deref() else {
        return CannotTell("the client has no secret".to_owned());
    };
    let requests = code_redemptions(evidence);
    let basic = requests.iter().find_map(|request| {
        let value = request.header("authorization")?;
        let (scheme, credentials) = value.split_once(' ')?;
        let bytes = STANDARD.decode(credentials.trim()).ok()?;
        scheme
            .eq_ignore_ascii_case("basic")
            .then(|| String::from_utf8_lossy(&bytes).into_owned())
    });
    let Some(basic) = basic else {
        return CannotTell("no Basic credentials were seen".to_owned());
    };
    let decoded = |text: &str| {
        percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    let client = &evidence.target.client_id;
    let encoded_right = basic
        .split_once(':')
        .is_some_and(|(id, password)| decoded(id) == *client && decoded(password) == secret);
    if encoded_right {
        return Holds;
    }
    match basic == format!("{client}:{secret}") {
        true => Broken("id and secret went into Basic without form-encoding".to_owned()),
        false => Broken("the Basic credentials decode to something else than id and secret".to_owned()),
    }
}

fn assertion_is_sound(evidence: &Evidence) -> Outcome {
    let requests = code_redemptions(evidence);
    let mut seen: Vec<String> = Vec::new();
    let mut found = false;
    for request in &requests {
        let Some(assertion) = request.get("client_assertion") else {
            continue;
        };
        found = true;
        if request.get("client_assertion_type") != Some(JWT_BEARER) {
            return Broken("client_assertion_type is not jwt-bearer".to_owned());
        }
        let Some(claims) = claims_of(assertion) else {
            return Broken("the client_assertion is no JWT".to_owned());
        };
        let text = |name: &str| {
            claims
                .get(name)
                .and_then(|value| value.as_str())
                .unwrap_or_default()
                .to_owned()
        };
        let client = &evidence.target.client_id;
        if text("iss") != *client || text("sub") != *client {
            return Broken(format!(
                "iss `{}`, sub `{}`, wanted `{client}` in both",
                text("iss"),
                text("sub")
            ));
        }
        let audiences: Vec<&str> = match claims.get("aud") {
            Some(serde_json::Value::String(one)) => vec![one],
            Some(serde_json::Value::Array(many)) => many.iter().filter_map(|value| value.as_str()).collect(),
            _ => Vec::new(),
        };
        let ours = |audience: &&str| audience.starts_with(evidence.target.issuer.as_str());
        if audiences.is_empty() || !audiences.iter().all(ours) {
            return Broken(format!("aud `{}`", audiences.join(" ")));
        }
        let Some(expires) = claims.get("exp").and_then(serde_json::Value::as_i64) else {
            return Broken("the client_assertion has no exp".to_owned());
        };
        let now = i64::try_from(request.record.at.0 / 1_000_000).unwrap_or(i64::MAX);
        if expires.saturating_sub(now) > ASSERTION_LIMIT {
            return Broken(format!(
                "the client_assertion is good for {} seconds",
                expires.saturating_sub(now)
            ));
        }
        let jti = text("jti");
        if jti.is_empty() {
            return Broken("the client_assertion has no jti".to_owned());
        }
        if seen.contains(&jti) {
            return Broken(format!("the jti `{}` came twice", shortened(&jti)));
        }
        seen.push(jti);
    }
    match (found, seen.len()) {
        (false, _) => CannotTell("no client_assertion was seen".to_owned()),
        (true, 1) => HoldsWith("one assertion was seen".to_owned()),
        _ => Holds,
    }
}
