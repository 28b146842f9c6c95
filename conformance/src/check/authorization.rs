//! Questions to the authorization requests that the app makes (RFC 6749 §4.1.1, OIDC Core §3.1.2.1, RFC 7636 §4.3).

use std::io::Read;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use flate2::bufread::ZlibDecoder;
use url::Url;

use super::{
    Check,
    facts::{
        AuthorizationRequest, all_authorization_requests, first, honest_authorization_requests, in_short, issued,
        parameters, query_of, shortened, verifiers,
    },
    no_flow,
    randomness::{Randomness, judge},
};
use crate::{
    evidence::{Evidence, Hop, Leg},
    outcome::Outcome::{self, Broken, CannotTell, Holds, HoldsWith},
    script::{MAIN, OTHER},
};

/// The code flow and nothing else.
pub const RESPONSE_TYPE_IS_CODE: Check = Check {
    id: "response-type-is-code",
    expects: "response_type=code",
    ask: |evidence| {
        each_honest(evidence, |request| match request.get("response_type") {
            Some("code") => Ok(()),
            Some(other) => Err(format!("response_type={other}")),
            None => Err("no response_type".to_owned()),
        })
    },
};

/// It is an OpenID Connect request.
pub const SCOPE_HAS_OPENID: Check = Check {
    id: "scope-has-openid",
    expects: "scope holds `openid`, values separated by single spaces",
    ask: |evidence| {
        each_honest(evidence, |request| {
            let scope = request.get("scope").unwrap_or_default();
            if scope.split(' ').all(|value| value != "openid") {
                return Err(format!("scope `{scope}` lacks `openid`"));
            }
            match scope.split(' ').any(str::is_empty) || scope.contains([',', '\t']) {
                true => Err(format!("scope `{scope}` is not separated by single spaces")),
                false => Ok(()),
            }
        })
    },
};

/// The requested scopes are those that the target declares.
pub const SCOPE_AS_DECLARED: Check = Check {
    id: "scope-as-declared",
    expects: "the scopes that the target declares, no more and no less",
    ask: |evidence| {
        let mut declared = evidence.target.scopes.clone();
        if declared.is_empty() && !honest_authorization_requests(evidence).is_empty() {
            return HoldsWith("the target declares no scopes to compare with".to_owned());
        }
        declared.sort();
        declared.dedup();
        each_honest(evidence, |request| {
            let mut asked: Vec<&str> = request.get("scope").unwrap_or_default().split(' ').collect();
            asked.sort_unstable();
            asked.dedup();
            match asked == declared {
                true => Ok(()),
                false => Err(format!(
                    "asked `{}`, declared `{}`",
                    asked.join(" "),
                    declared.join(" ")
                )),
            }
        })
    },
};

/// No scope value twice: strict servers refuse it.
pub const SCOPE_WITHOUT_DUPLICATES: Check = Check {
    id: "scope-without-duplicates",
    expects: "every scope value once",
    ask: |evidence| {
        each_honest(evidence, |request| {
            let mut values: Vec<&str> = request.get("scope").unwrap_or_default().split(' ').collect();
            values.sort_unstable();
            match values.windows(2).find(|pair| pair[0] == pair[1]) {
                Some(pair) => Err(format!("scope value `{}` comes twice", pair[0])),
                None => Ok(()),
            }
        })
    },
};

/// The registered client.
pub const CLIENT_ID_IS_REGISTERED: Check = Check {
    id: "client-id-is-registered",
    expects: "the registered client_id, byte for byte",
    ask: |evidence| {
        each_honest(evidence, |request| match request.get("client_id") {
            Some(id) if id == evidence.target.client_id => Ok(()),
            other => Err(format!(
                "client_id `{}`, registered `{}`",
                other.unwrap_or_default(),
                evidence.target.client_id
            )),
        })
    },
};

/// The registered redirection endpoint, from every entry page.
pub const REDIRECT_URI_IS_REGISTERED: Check = Check {
    id: "redirect-uri-is-registered",
    expects: "the registered redirect_uri, byte for byte, from every entry page",
    ask: |evidence| {
        let requests = all_authorization_requests(evidence);
        each(&requests, |request| redirect_uri_fits(evidence, request))
    },
};

/// Forged host headers do not move the redirection endpoint; refusing them is as good.
pub const REDIRECT_URI_UNMOVED: Check = Check {
    id: "redirect-uri-unmoved",
    expects: "redirect_uri unchanged, or the request refused",
    ask: |evidence| {
        let trusted = evidence
            .hops
            .iter()
            .filter(|hop| hop.unedited.is_some())
            .flat_map(|hop| hop.request.headers.iter())
            .find(|(name, _)| evidence.target.trusted_headers.iter().any(|trusted| trusted == name));
        if let Some((name, _)) = trusted {
            return HoldsWith(format!("the target declares that it trusts `{name}`"));
        }
        match all_authorization_requests(evidence).iter().find(|request| {
            request.flow.is_some_and(|flow| flow.slot == MAIN) && redirect_uri_fits(evidence, request).is_err()
        }) {
            Some(request) => Broken(format!(
                "redirect_uri `{}`, registered `{}`",
                request.get("redirect_uri").unwrap_or_default(),
                evidence.target.redirect_uri
            )),
            None => was_sent_edited(evidence, Leg::SignInStart),
        }
    },
};

/// Something ties the response to the browser: `state`, or PKCE and nonce in its stead (RFC 9700 §2.1).
pub const STATE_OR_PKCE_AND_NONCE: Check = Check {
    id: "state-or-pkce-and-nonce",
    expects: "state, or PKCE S256 and nonce in its stead",
    ask: |evidence| {
        each_honest(evidence, |request| {
            let stand_in = request.has_s256() && request.filled("nonce").is_some();
            match request.filled("state").is_some() || stand_in {
                true => Ok(()),
                false => Err("no state, and no PKCE S256 with a nonce in its stead".to_owned()),
            }
        })
    },
};

/// `state` is there.
pub const STATE_IS_PRESENT: Check = Check {
    id: "state-is-present",
    expects: "a state that is not empty",
    ask: |evidence| each_honest(evidence, |request| present(request, "state")),
};

/// `state` cannot be guessed.
pub const STATE_IS_UNPREDICTABLE: Check = Check {
    id: "state-is-unpredictable",
    expects: "a new state each time that cannot be guessed: no counter, no clock, 64 bits or more",
    ask: |evidence| unpredictable(evidence, "state"),
};

/// `state` is as long as good practice has it.
pub const STATE_IS_LONG: Check = Check {
    id: "state-is-long",
    expects: "about 128 bits or more in state",
    ask: |evidence| long_enough(evidence, "state"),
};

/// `state` survives every URL parser unchanged.
pub const STATE_IS_URL_SAFE: Check = Check {
    id: "state-is-url-safe",
    expects: "only URL-safe characters in state",
    ask: |evidence| each_value(evidence, "state", url_safe),
};

/// `state` tells nothing to those who see the URL.
pub const STATE_HOLDS_NO_SECRET: Check = Check {
    id: "state-holds-no-secret",
    expects: "no verifier, nonce, session id or user data inside state",
    ask: state_holds_no_secret,
};

/// Something ties the code to the sign-in: a nonce or PKCE.
pub const NONCE_OR_PKCE: Check = Check {
    id: "nonce-or-pkce",
    expects: "a nonce, or PKCE S256",
    ask: |evidence| {
        each_honest(evidence, |request| {
            match request.filled("nonce").is_some() || request.has_s256() {
                true => Ok(()),
                false => Err("neither nonce nor PKCE S256: nothing ties a code to this sign-in".to_owned()),
            }
        })
    },
};

/// `nonce` is there.
pub const NONCE_IS_PRESENT: Check = Check {
    id: "nonce-is-present",
    expects: "a nonce that is not empty",
    ask: |evidence| each_honest(evidence, |request| present(request, "nonce")),
};

/// `nonce` cannot be guessed.
pub const NONCE_IS_UNPREDICTABLE: Check = Check {
    id: "nonce-is-unpredictable",
    expects: "a new nonce each time that cannot be guessed: no counter, no clock, 64 bits or more",
    ask: |evidence| unpredictable(evidence, "nonce"),
};

/// `nonce` is as long as good practice has it.
pub const NONCE_IS_LONG: Check = Check {
    id: "nonce-is-long",
    expects: "about 128 bits or more in nonce",
    ask: |evidence| long_enough(evidence, "nonce"),
};

/// `nonce` works with every authorization server.
pub const NONCE_IS_INTEROPERABLE: Check = Check {
    id: "nonce-is-interoperable",
    expects: "a nonce of at most 43 URL-safe characters that is not the state",
    ask: |evidence| {
        each_honest(evidence, |request| {
            let Some(nonce) = request.filled("nonce") else {
                return Ok(());
            };
            if request.get("state") == Some(nonce) {
                return Err("the nonce is the state".to_owned());
            }
            if nonce.len() > 43 {
                return Err(format!("a nonce of {} characters", nonce.len()));
            }
            url_safe(nonce)
        })
    },
};

/// PKCE with S256 (RFC 7636 §4.2, §4.3), wherever a challenge is sent, and always where no nonce stands in its stead or the
/// client is public (RFC 9700 §2.1.1).
pub const PKCE_IS_S256: Check = Check {
    id: "pkce-is-s256",
    expects: "code_challenge of 43 base64url characters, code_challenge_method=S256; none only for a confidential client \
              that sends a nonce",
    ask: |evidence| {
        let confidential = evidence.target.client_secret.is_some();
        each_honest(evidence, |request| {
            let nonce_stands_in = confidential && request.filled("nonce").is_some();
            match request.get("code_challenge") {
                None if nonce_stands_in => Ok(()),
                _ => pkce_fits(request),
            }
        })
    },
};

/// PKCE is used at all.
pub const PKCE_IS_SENT: Check = Check {
    id: "pkce-is-sent",
    expects: "a code_challenge in every authorization request",
    ask: |evidence| each_honest(evidence, |request| present(request, "code_challenge")),
};

/// A challenge is used once.
pub const CHALLENGE_IS_NEW: Check = Check {
    id: "challenge-is-new",
    expects: "a new code_challenge each time",
    ask: |evidence| {
        let requests = all_authorization_requests(evidence);
        let challenges: Vec<&str> = requests
            .iter()
            .filter_map(|request| request.filled("code_challenge"))
            .collect();
        if challenges.len() < 2 {
            return CannotTell(format!("{} code challenges were seen", challenges.len()));
        }
        match super::randomness::repeated(&challenges) {
            Some(challenge) => Broken(format!("the code_challenge `{}` came twice", shortened(challenge))),
            None => Holds,
        }
    },
};

/// Metadata that offers only `plain` do not talk the app into it.
pub const NEVER_PLAIN: Check = Check {
    id: "never-plain",
    expects: "S256, or no sign-in; never `plain`",
    ask: |evidence| {
        downgraded(evidence, |request| {
            let plain = request.filled("code_challenge").is_some() && !request.has_s256();
            match plain {
                true => Err(format!(
                    "code_challenge_method `{}`",
                    request
                        .get("code_challenge_method")
                        .unwrap_or("(absent, which means plain)")
                )),
                false => Ok(()),
            }
        })
    },
};

/// An app that gives PKCE up has at least a nonce.
pub const PKCE_OR_NONCE_REMAINS: Check = Check {
    id: "pkce-or-nonce-remains",
    expects: "PKCE is kept, or a nonce is sent",
    ask: |evidence| {
        downgraded(evidence, |request| {
            match request.filled("code_challenge").is_some() || request.filled("nonce").is_some() {
                true => Ok(()),
                false => Err("PKCE was dropped and no nonce is sent".to_owned()),
            }
        })
    },
};

/// Metadata without `S256` do not talk the app out of PKCE.
pub const PKCE_IS_KEPT: Check = Check {
    id: "pkce-is-kept",
    expects: "PKCE S256 is kept, or the sign-in stops",
    ask: |evidence| {
        downgraded(evidence, |request| match request.has_s256() {
            true => Ok(()),
            false => Err("PKCE S256 was dropped".to_owned()),
        })
    },
};

/// One parser's reading is every parser's reading.
pub const QUERY_IS_WELL_FORMED: Check = Check {
    id: "query-is-well-formed",
    expects: "every parameter once, encoded once, nothing raw",
    ask: |evidence| {
        let mut requests = all_authorization_requests(evidence);
        requests.retain(|request| request.flow.is_some_and(|flow| !flow.start_edited));
        each(&requests, |request| well_formed(evidence, request))
    },
};

/// The app's own sign-in address does not let a link change the authorization request.
pub const PARAMETERS_NOT_INJECTED: Check = Check {
    id: "parameters-not-injected",
    expects: "the same authorization request as without the added parameter",
    ask: parameters_not_injected,
};

/// The redirect to the authorization server must not be given to somebody else.
pub const START_IS_NOT_CACHEABLE: Check = Check {
    id: "start-is-not-cacheable",
    expects: "Cache-Control: no-store (or private, no-cache) on the redirect to the authorization server",
    ask: |evidence| {
        let mut starts = starts(evidence).peekable();
        if starts.peek().is_none() {
            return CannotTell("no redirect to the authorization server was seen".to_owned());
        }
        let open = starts.find(|hop| !super::cookies::keeps_caches_away(hop));
        match open {
            Some(hop) => Broken(format!(
                "{} redirects with Cache-Control `{}`",
                in_short(hop),
                hop.header("cache-control").unwrap_or("(absent)")
            )),
            None => Holds,
        }
    },
};

/// Two visitors share nothing of their sign-ins. Other cookies (a language, a consent) may well be the same for everybody.
pub const STARTS_SHARE_NOTHING: Check = Check {
    id: "starts-share-nothing",
    expects: "two starts share neither state nor nonce nor challenge, nor a cookie of the session or the sign-in",
    ask: |evidence| {
        let (Some(one), Some(other)) = (evidence.flow(MAIN), evidence.flow(OTHER)) else {
            return CannotTell("two starts are needed".to_owned());
        };
        let requests = all_authorization_requests(evidence);
        let of = |slot| {
            requests
                .iter()
                .find(|request| request.flow.is_some_and(|flow| flow.slot == slot))
        };
        let (Some(first_request), Some(second_request)) = (of(one.slot), of(other.slot)) else {
            return CannotTell("one of two starts made no authorization request".to_owned());
        };
        for name in ["state", "nonce", "code_challenge"] {
            let value = first_request.filled(name);
            if value.is_some() && value == second_request.filled(name) {
                return Broken(format!("both starts have the same {name}"));
            }
        }
        let cookies = |browser: &str| -> Vec<(String, String)> {
            starts(evidence)
                .filter(|hop| hop.who == browser)
                .flat_map(super::cookies::set_by)
                .filter(|cookie| cookie.value.len() >= 16 && evidence.target.is_cookie_of_sign_in(&cookie.name))
                .map(|cookie| (cookie.name, cookie.value))
                .collect()
        };
        let second = cookies(&other.browser);
        match cookies(&one.browser).into_iter().find(|cookie| second.contains(cookie)) {
            Some((name, _)) if one.browser != other.browser => {
                Broken(format!("two browsers got the same cookie `{name}`"))
            }
            _ => Holds,
        }
    },
};

/// Asks every honest authorization request.
fn each_honest(evidence: &Evidence, ask: impl Fn(&AuthorizationRequest<'_>) -> Result<(), String>) -> Outcome {
    each(&honest_authorization_requests(evidence), ask)
}

fn each(
    requests: &[AuthorizationRequest<'_>],
    ask: impl Fn(&AuthorizationRequest<'_>) -> Result<(), String>,
) -> Outcome {
    if requests.is_empty() {
        return CannotTell("no authorization request was seen".to_owned());
    }
    match requests.iter().find_map(|request| ask(request).err()) {
        Some(saw) => Broken(saw),
        None => Holds,
    }
}

/// Asks one parameter of every honest request that has it.
fn each_value(evidence: &Evidence, name: &str, ask: impl Fn(&str) -> Result<(), String>) -> Outcome {
    each_honest(evidence, |request| request.filled(name).map_or(Ok(()), &ask))
}

/// Asks the main flow's request, made under metadata that talk PKCE down. No request: the sign-in stopped.
fn downgraded(evidence: &Evidence, ask: impl Fn(&AuthorizationRequest<'_>) -> Result<(), String>) -> Outcome {
    if let Some(saw) = evidence.failed_start() {
        return HoldsWith(saw);
    }
    if evidence.flow(MAIN).is_none() {
        return no_flow();
    }
    let requests = all_authorization_requests(evidence);
    match requests.iter().find_map(|request| ask(request).err()) {
        Some(saw) => Broken(saw),
        None => Holds,
    }
}

fn present(request: &AuthorizationRequest<'_>, name: &str) -> Result<(), String> {
    match request.get(name) {
        Some("") => Err(format!("{name} is empty")),
        Some(_) => Ok(()),
        None => Err(format!("no {name}")),
    }
}

fn url_safe(value: &str) -> Result<(), String> {
    let safe = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.' | '_' | '~');
    match value.chars().find(|letter| !safe(*letter)) {
        Some(letter) => Err(format!("`{}` holds `{}`", shortened(value), letter.escape_default())),
        None => Ok(()),
    }
}

fn redirect_uri_fits(evidence: &Evidence, request: &AuthorizationRequest<'_>) -> Result<(), String> {
    match request.get("redirect_uri") {
        Some(uri) if uri == evidence.target.redirect_uri => Ok(()),
        Some(uri) => Err(format!(
            "redirect_uri `{uri}`, registered `{}`",
            evidence.target.redirect_uri
        )),
        None => Err("no redirect_uri".to_owned()),
    }
}

fn pkce_fits(request: &AuthorizationRequest<'_>) -> Result<(), String> {
    let Some(challenge) = request.filled("code_challenge") else {
        return Err("no code_challenge".to_owned());
    };
    match request.get("code_challenge_method") {
        Some("S256") => {}
        Some(other) => return Err(format!("code_challenge_method `{other}`")),
        None => return Err("no code_challenge_method, which means `plain`".to_owned()),
    }
    let alphabet = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    match challenge.len() == 43 && challenge.chars().all(alphabet) {
        true => Ok(()),
        false => Err(format!(
            "the code_challenge `{challenge}` is not 43 base64url characters without padding"
        )),
    }
}

/// Judges the samples of one parameter, in the order of their starts.
fn unpredictable(evidence: &Evidence, name: &str) -> Outcome {
    let requests = all_authorization_requests(evidence);
    let values: Vec<&str> = requests.iter().filter_map(|request| request.filled(name)).collect();
    if values.is_empty() {
        return CannotTell(format!("no {name} was seen"));
    }
    match judge(&values) {
        Randomness::Weak(why) => Broken(format!("{name}: {why}")),
        Randomness::Short(_) => Holds,
        Randomness::Good(bits) if bits < super::randomness::REQUIRED_BITS => {
            HoldsWith(format!("{name}: about {bits:.0} bits over {} samples", values.len()))
        }
        Randomness::Good(_) => Holds,
        Randomness::TooFew(count) => CannotTell(format!("{count} values of {name} are too few to judge")),
    }
}

/// Whether the samples of one parameter have as many bits as is asked for; whether they can be guessed is another question.
fn long_enough(evidence: &Evidence, name: &str) -> Outcome {
    let requests = all_authorization_requests(evidence);
    let values: Vec<&str> = requests.iter().filter_map(|request| request.filled(name)).collect();
    match judge(&values) {
        Randomness::Short(why) => Broken(format!("{name}: {why}")),
        Randomness::Weak(_) | Randomness::Good(_) => Holds,
        Randomness::TooFew(count) => CannotTell(format!("{count} values of {name} are too few to judge")),
    }
}

/// Readings of an opaque value: as it is, and every part that decodes as base64url, unpacked where it is zlib.
pub(super) fn readings(value: &str) -> Vec<String> {
    // `-` is a separator to some and a digit of base64url to others.
    let decoded = value
        .split(['.', '|', ':', '~', '-'])
        .chain(value.split(['.', '|', ':', '~']))
        .chain([value])
        .filter_map(|part| {
            URL_SAFE_NO_PAD
                .decode(part.trim_end_matches('=').replace('+', "-").replace('/', "_"))
                .ok()
        })
        .filter_map(text_of);
    [value.to_owned()].into_iter().chain(decoded).collect()
}

/// Bytes as text; zlib, in which Flask packs its cookies, is unpacked up to 64 KiB.
fn text_of(bytes: Vec<u8>) -> Option<String> {
    String::from_utf8(bytes)
        .or_else(|packed| {
            let mut text = String::new();
            let unpacked = ZlibDecoder::new(packed.as_bytes());
            unpacked.take(64 * 1024).read_to_string(&mut text).map(|_| text)
        })
        .ok()
}

fn state_holds_no_secret(evidence: &Evidence) -> Outcome {
    let mut secrets = super::cookies::session_needles(evidence);
    for verifier in verifiers(evidence) {
        secrets.add("the code_verifier", &verifier);
    }
    for tokens in issued(evidence) {
        secrets.add("an access token", tokens.access_token);
    }
    for canary in evidence.people.iter().flat_map(|person| person.canaries()) {
        secrets.add("data of the user", canary);
    }
    let outcome = each_value(evidence, "state", |state| {
        let readings = readings(state);
        let found = readings.iter().find_map(|reading| secrets.in_text(reading).next());
        match found {
            Some(item) => Err(format!("the state `{}` holds {}", shortened(state), secrets.what(item))),
            None => Ok(()),
        }
    });
    match outcome {
        Holds => nonce_inside_state(evidence),
        other => other,
    }
}

/// The nonce inside the state is one more way to learn it. The nonce *as* the state is another check's.
fn nonce_inside_state(evidence: &Evidence) -> Outcome {
    each_honest(evidence, |request| {
        let (Some(state), Some(nonce)) = (request.filled("state"), request.filled("nonce")) else {
            return Ok(());
        };
        let inside =
            nonce.len() >= 8 && state != nonce && readings(state).iter().any(|reading| reading.contains(nonce));
        match inside {
            true => Err(format!("the state `{}` holds the nonce", shortened(state))),
            false => Ok(()),
        }
    })
}

fn well_formed(evidence: &Evidence, request: &AuthorizationRequest<'_>) -> Result<(), String> {
    let query = query_of(request.url);
    if request.url.contains('#') {
        return Err("the authorization request has a fragment".to_owned());
    }
    if let Some(raw) = query
        .chars()
        .find(|letter| !letter.is_ascii_graphic() || matches!(letter, '"' | '<' | '>'))
    {
        return Err(format!("`{}` stands unencoded in the query", raw.escape_default()));
    }
    let broken_escape = query.match_indices('%').find(|(at, _)| {
        let digits = query.as_bytes().get(at + 1..at + 3).unwrap_or_default();
        digits.len() != 2 || !digits.iter().all(u8::is_ascii_hexdigit)
    });
    if let Some((at, _)) = broken_escape {
        let around: String = query.chars().skip(at).take(6).collect();
        return Err(format!("`{around}` is no percent-encoding"));
    }
    let mut names: Vec<&str> = request.params.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("`{}` comes twice", pair[0]));
    }
    // A value that still looks encoded after decoding was encoded twice. State and nonce may hold anything.
    let twice = ["redirect_uri", "scope", "response_type", "client_id"]
        .into_iter()
        .filter_map(|name| Some((name, request.get(name)?)))
        .find(|(_, value)| {
            let looks_encoded = ["%3A", "%2F", "%20", "%3a", "%2f"]
                .iter()
                .any(|escape| value.contains(escape));
            looks_encoded && *value != evidence.target.redirect_uri && *value != evidence.target.client_id
        });
    match twice {
        Some((name, value)) => Err(format!("{name} is encoded twice: `{value}`")),
        None => Ok(()),
    }
}

fn parameters_not_injected(evidence: &Evidence) -> Outcome {
    let requests = all_authorization_requests(evidence);
    let of = |slot| {
        requests
            .iter()
            .find(|request| request.flow.is_some_and(|flow| flow.slot == slot))
    };
    let Some(plain) = of(OTHER) else {
        return CannotTell("the plain start made no authorization request".to_owned());
    };
    let added = added_parameters(evidence);
    if added.is_empty() {
        return CannotTell("no parameter was added".to_owned());
    }
    let Some(request) = of(MAIN) else {
        // The app refused the link: as good as ignoring it.
        return was_sent_edited(evidence, Leg::SignInStart);
    };
    for (name, value) in &added {
        if evidence.target.login_params.contains(name) {
            continue;
        }
        let copies =
            |request: &AuthorizationRequest<'_>| request.params.iter().filter(|(other, _)| other == name).count();
        let takes = request
            .params
            .iter()
            .any(|(other, taken)| other == name && taken == value);
        if takes && first(&plain.params, name) != Some(value.as_str()) {
            return Broken(format!(
                "`{name}={}` of the link is in the authorization request",
                shortened(value)
            ));
        }
        if copies(request) > copies(plain) {
            return Broken(format!("the link adds another `{name}` to the authorization request"));
        }
    }
    Holds
}

/// Parameters that an edit put on the first request of the main flow.
fn added_parameters(evidence: &Evidence) -> Vec<(String, String)> {
    let edited = evidence
        .hops
        .iter()
        .find(|hop| hop.leg == Leg::SignInStart && hop.flow == Some(MAIN) && hop.unedited.is_some());
    let Some(hop) = edited else { return Vec::new() };
    let before = hop
        .unedited
        .as_ref()
        .map(|request| parameters(query_of(&request.target)))
        .unwrap_or_default();
    let mut added = parameters(query_of(&hop.request.target));
    added.retain(|parameter| !before.contains(parameter));
    added
}

/// Hops of a start that lead to the authorization server: by a redirect, by a refresh, by a script.
fn starts(evidence: &Evidence) -> impl Iterator<Item = &Hop> {
    evidence.hops.iter().filter(|hop| {
        let leads_on =
            |target: &str| Url::parse(target).is_ok_and(|target| target.origin() == evidence.target.idp.origin());
        let by_page = || super::pages::navigations(hop).iter().any(|target| leads_on(target));
        let by_header = || {
            let refresh = hop.header("refresh").and_then(super::pages::refresh_target);
            hop.header("location").is_some_and(leads_on) || refresh.is_some_and(|target| leads_on(&target))
        };
        hop.leg == Leg::SignInStart && hop.was_sent() && (by_header() || by_page())
    })
}

/// Holds when an edited request of this leg was really sent; otherwise nothing was tried.
fn was_sent_edited(evidence: &Evidence, leg: Leg) -> Outcome {
    let sent = evidence
        .hops
        .iter()
        .any(|hop| hop.leg == leg && hop.unedited.is_some() && hop.was_sent());
    match sent {
        true => Holds,
        false => CannotTell("the edited request was not sent".to_owned()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::ZlibEncoder};

    use super::*;

    /// A cookie as Flask writes it: `.` and zlib in base64url, time stamp, signature.
    #[test]
    fn a_packed_cookie_is_read() {
        let verifier = "a-code_verifier-of-more-than-forty-three-characters";
        let mut packer = ZlibEncoder::new(Vec::new(), Compression::default());
        packer
            .write_all(format!("{{\"code_verifier\":\"{verifier}\"}}").as_bytes())
            .unwrap();
        let packed = URL_SAFE_NO_PAD.encode(packer.finish().unwrap());
        let cookie = format!(".{packed}.aV2Qxw.Zm9yZ2Vk-c2ln_bmF0dXJl");
        assert!(readings(&cookie).iter().any(|text| text.contains(verifier)));
        assert!(!readings(".eJw.aV2Qxw.x").iter().any(|text| text.contains(verifier)));
    }
}
