//! Issues access, ID and refresh tokens: honest drafts, through their hooks, signed, remembered.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::{
    delivery,
    exchange::Exchange,
    flow::{
        fault::{Fault, Message},
        store::{Grant, Token, TokenKind, locked},
        tamper,
    },
    idp::{Server, with_context},
    okta::{access_token::AccessToken, id_token::IdToken},
    protocol::{
        draft::{Reply, Signing, TokenDraft},
        keys::{KeyRing, SignError},
        random,
    },
    tenant::{AuthMethod, ClaimToken, ClaimValue, Client, PolicyRule, Subject},
};

/// ID tokens live an hour, on every server.
const ID_TOKEN_LIFETIME: i64 = 3600;
/// Access tokens of the org server live an hour.
const ORG_ACCESS_TOKEN_LIFETIME: i64 = 3600;

/// What is to be issued.
pub(crate) struct Issue<'a> {
    pub(crate) server: &'a Server,
    pub(crate) client: &'a Arc<Client>,
    pub(crate) grant: &'a Grant,
    pub(crate) scopes: Vec<String>,
    /// Never on a refresh.
    pub(crate) nonce: Option<String>,
    /// Whether this answers a refresh, which has faults of its own.
    pub(crate) refresh: bool,
    /// Whether the client itself is meant: there is no user.
    pub(crate) machine: bool,
    /// For token exchange.
    pub(crate) issued_token_type: Option<&'static str>,
    /// The thumbprint of the key to which the access token is bound.
    pub(crate) jkt: Option<String>,
    pub(crate) refresh_token: Option<String>,
}

impl Issue<'_> {
    fn subject(&self) -> Option<&Subject> {
        (!self.machine).then_some(self.grant.subject.as_ref())
    }
}

pub(crate) fn new_refresh_token() -> String {
    random::token43()
}

/// What of a token response is compared with its twin: everything but what differs between any two answers.
pub(crate) fn rendering(reply: &Reply) -> String {
    delivery::rendering(reply)
}

/// Issues the tokens of a token response: its members, in Okta's order.
pub(crate) fn issue(exchange: &mut Exchange, issue: &Issue<'_>) -> Result<Value, SignError> {
    let access_token = access_token(exchange, issue)?;
    let wants_id_token = issue.scopes.iter().any(|scope| scope == "openid");
    let id_token = if wants_id_token {
        Some(id_token(exchange, issue, &access_token)?)
    } else {
        None
    };
    if let Some(refresh_token) = &issue.refresh_token {
        let now = exchange.idp.clock.now();
        remember(
            exchange,
            issue,
            TokenKind::Refresh,
            &refresh_token.as_str().into(),
            "".into(),
            now + refresh_token_lifetime(issue),
        );
    }
    let device_secret = issue.scopes.iter().any(|scope| scope == "device_sso") && !issue.machine && !issue.refresh;
    let device_secret = device_secret.then(random::token43);
    if let Some(secret) = &device_secret {
        let expires = exchange.idp.clock.now() + refresh_token_lifetime(issue);
        let text = secret.as_str().into();
        remember(exchange, issue, TokenKind::DeviceSecret, &text, "".into(), expires);
    }
    let mut response = Map::new();
    let token_type = if issue.jkt.is_some() { "DPoP" } else { "Bearer" };
    response.insert("token_type".to_owned(), json!(token_type));
    response.insert("expires_in".to_owned(), json!(access_token_lifetime(issue)));
    response.insert("access_token".to_owned(), json!(&*access_token));
    response.insert("scope".to_owned(), json!(issue.scopes.join(" ")));
    if let Some(refresh_token) = &issue.refresh_token {
        response.insert("refresh_token".to_owned(), json!(refresh_token));
    }
    if let Some(id_token) = id_token {
        response.insert("id_token".to_owned(), json!(&*id_token));
    }
    if let Some(secret) = device_secret {
        response.insert("device_secret".to_owned(), json!(secret));
    }
    if let Some(kind) = issue.issued_token_type {
        response.insert("issued_token_type".to_owned(), json!(kind));
    }
    Ok(Value::Object(response))
}

/// The tokens that an implicit or hybrid response carries, in the order of the response's parameters.
pub(crate) fn front_channel(
    exchange: &mut Exchange,
    server: &Arc<Server>,
    grant: &Grant,
    code: Option<&str>,
) -> Result<Vec<(String, String)>, SignError> {
    let request = grant.request.clone();
    let wanted = request.response_type;
    let Some(client) = exchange.idp.client(&request.client_id) else {
        return Ok(Vec::new());
    };
    let issue = Issue {
        server,
        client: &client,
        grant,
        scopes: request.scopes.clone(),
        nonce: request.nonce.clone(),
        refresh: false,
        machine: false,
        issued_token_type: None,
        jkt: None,
        refresh_token: None,
    };
    let mut params = Vec::new();
    let access_token = if wanted.token {
        Some(access_token(exchange, &issue)?)
    } else {
        None
    };
    if wanted.id_token {
        let token = front_channel_id_token(exchange, &issue, access_token.as_deref(), code)?;
        params.push(("id_token".to_owned(), token.to_string()));
    }
    if let Some(token) = access_token {
        params.push(("access_token".to_owned(), token.to_string()));
        params.push(("token_type".to_owned(), "Bearer".to_owned()));
        params.push(("expires_in".to_owned(), access_token_lifetime(&issue).to_string()));
        params.push(("scope".to_owned(), request.scopes.join(" ")));
    }
    Ok(params)
}

/// The rule of the access policy that lets these tokens be issued.
fn rule<'a>(issue: &Issue<'a>) -> Option<&'a PolicyRule> {
    let grant_type = match issue.grant.request.grant_type.as_str() {
        "" => "authorization_code",
        other => other,
    };
    issue.server.settings.rule(issue.client, issue.subject(), grant_type)
}

fn access_token_lifetime(issue: &Issue<'_>) -> i64 {
    let settings = &issue.server.settings;
    if issue.server.id.is_empty() {
        return ORG_ACCESS_TOKEN_LIFETIME;
    }
    let of_rule = rule(issue).and_then(|rule| rule.access_token_lifetime);
    of_rule.unwrap_or(settings.access_token_lifetime)
}

fn refresh_token_lifetime(issue: &Issue<'_>) -> i64 {
    let of_rule = rule(issue).and_then(|rule| rule.refresh_token_lifetime);
    of_rule.unwrap_or(issue.server.settings.refresh_token_lifetime)
}

/// After so many seconds without use the refresh token is dead.
fn refresh_token_idle(issue: &Issue<'_>) -> i64 {
    let of_rule = rule(issue).and_then(|rule| rule.refresh_token_idle);
    of_rule.unwrap_or(issue.server.settings.refresh_token_idle)
}

fn access_token(exchange: &mut Exchange, issue: &Issue<'_>) -> Result<Arc<str>, SignError> {
    let now = exchange.idp.clock.now();
    let server = issue.server;
    let is_org = server.id.is_empty();
    let mut claims = AccessToken {
        subject: issue.subject(),
        issuer: &server.issuer,
        audience: &server.settings.audience,
        client_id: &issue.client.id,
        now,
        lifetime: access_token_lifetime(issue),
        scopes: &issue.scopes,
        auth_time: issue.subject().map(|_| issue.grant.session.auth_time),
        acr: issue.grant.request.acr.as_deref(),
        org: is_org,
        custom: server
            .settings
            .custom_claims(ClaimToken::Access, false, issue.subject(), &issue.scopes),
    }
    .claims();
    if let Some(jkt) = &issue.jkt {
        claims.insert("cnf".to_owned(), json!({"jkt": jkt}));
    }
    let keys = server.access_token_keys();
    let mut header = header(&keys);
    if is_org {
        header.insert("typ".to_owned(), json!("application/okta-internal-at+jwt"));
    }
    let faults = faults_of(issue, Message::AccessToken);
    let honest = draft(header, claims);
    let token = sign(exchange, issue, &keys, &honest, &faults, &|draft, fault, context| {
        tamper::access_token(draft, fault, context);
    })?;
    let expires = now + access_token_lifetime(issue);
    let claims = Token::claims_text(&honest.claims);
    {
        let mut memory = locked(&issue.grant.flow.memory);
        memory.access_token = Some(token.clone());
        memory.access_claims = claims.clone();
    }
    remember(exchange, issue, TokenKind::Access, &token, claims, expires);
    Ok(token)
}

/// The ID token of a token response: thin.
fn id_token(exchange: &mut Exchange, issue: &Issue<'_>, access_token: &str) -> Result<Arc<str>, SignError> {
    write_id_token(exchange, issue, Some(access_token), None, false)
}

/// The ID token of an authorization response: fat unless an access token comes with it.
fn front_channel_id_token(
    exchange: &mut Exchange,
    issue: &Issue<'_>,
    access_token: Option<&str>,
    code: Option<&str>,
) -> Result<Arc<str>, SignError> {
    write_id_token(exchange, issue, access_token, code, access_token.is_none())
}

fn write_id_token(
    exchange: &mut Exchange,
    issue: &Issue<'_>,
    access_token: Option<&str>,
    code: Option<&str>,
    fat: bool,
) -> Result<Arc<str>, SignError> {
    let now = exchange.idp.clock.now();
    let (grant, server) = (issue.grant, issue.server);
    let tenant = exchange.idp.tenant();
    let org_id = tenant.id.clone();
    let has_sid = issue.client.wants_sid() || tenant.unverified.sid_always;
    let claims = IdToken {
        subject: &grant.subject,
        issuer: &server.issuer,
        client_id: &issue.client.id,
        now,
        lifetime: ID_TOKEN_LIFETIME,
        auth_time: grant.session.auth_time,
        amr: &grant.session.amr,
        acr: grant.request.acr.as_deref(),
        idp: &org_id,
        nonce: issue.nonce.as_deref(),
        scopes: &issue.scopes,
        access_token,
        code,
        sid: has_sid.then_some(grant.session.sid.as_str()),
        fat,
        custom: id_token_claims(issue, !fat),
    }
    .claims();
    let mut faults = faults_of(issue, Message::Identity);
    faults.extend(faults_of(
        issue,
        if issue.refresh {
            Message::RefreshResponse
        } else {
            Message::IdToken
        },
    ));
    let honest = draft(header(&server.keys), claims);
    let token = sign(
        exchange,
        issue,
        &server.keys,
        &honest,
        &faults,
        &|draft, fault, context| match fault.message() {
            Message::Identity => tamper::identity(&mut draft.claims, fault, context),
            Message::RefreshResponse => tamper::refresh_id_token(draft, fault, context),
            _ => tamper::id_token(draft, fault, context),
        },
    )?;
    locked(&grant.flow.memory).id_token = Some(token.clone());
    let claims = Token::claims_text(&honest.claims);
    remember(exchange, issue, TokenKind::Id, &token, claims, now + ID_TOKEN_LIFETIME);
    Ok(token)
}

/// Custom claims of ID tokens. The org server has none but the `groups` claim of the application.
fn id_token_claims(issue: &Issue<'_>, thin: bool) -> Map<String, Value> {
    let subject = &issue.grant.subject;
    let mut claims = issue
        .server
        .settings
        .custom_claims(ClaimToken::Id, thin, Some(subject), &issue.scopes);
    if !thin && let Some((name, groups)) = groups_claim(issue.server, issue.client, subject, &issue.scopes) {
        claims.insert(name, groups);
    }
    claims
}

/// So many groups a claim may hold.
const MOST_GROUPS: usize = 100;

/// Whether a claim of groups would be too long. Token responses are not concerned, as with Okta.
pub(crate) fn has_too_many_groups(server: &Server, client: &Client, subject: &Subject, scopes: &[String]) -> bool {
    let of_rules = server
        .settings
        .custom_claims(ClaimToken::Id, false, Some(subject), scopes);
    let groups = server
        .settings
        .claims
        .iter()
        .filter(|rule| matches!(rule.value, ClaimValue::Groups(_)));
    let own = groups_claim(server, client, subject, scopes);
    let mut claims = groups
        .filter_map(|rule| of_rules.get(&rule.name))
        .chain(own.as_ref().map(|(_, groups)| groups));
    claims.any(|groups| groups.as_array().is_some_and(|groups| groups.len() > MOST_GROUPS))
}

/// The application's `groups` claim, with the `groups` scope of the org server.
pub(crate) fn groups_claim(
    server: &Server,
    client: &Client,
    subject: &Subject,
    scopes: &[String],
) -> Option<(String, Value)> {
    let wanted = server.id.is_empty() && scopes.iter().any(|scope| scope == "groups");
    let (name, filter) = client.groups_claim.as_ref().filter(|_| wanted)?;
    Some((name.clone(), json!(filter.of(&subject.groups))))
}

/// Signs what the hooks left of the draft; with faults the honest draft is signed as well, to compare with.
fn sign(
    exchange: &mut Exchange,
    issue: &Issue<'_>,
    keys: &KeyRing,
    honest: &TokenDraft,
    faults: &[Fault],
    hook: &dyn Fn(&mut TokenDraft, Fault, &tamper::Context<'_>),
) -> Result<Arc<str>, SignError> {
    if faults.is_empty() {
        return Ok(keys.sign(honest)?.into());
    }
    let twin = keys.sign(honest)?;
    let mut draft = honest.clone();
    with_context(
        &exchange.idp,
        issue.server,
        Some(&issue.grant.flow),
        Some(issue.client),
        |context| {
            for fault in faults {
                hook(&mut draft, *fault, context);
            }
        },
    );
    let token = keys.sign(&draft)?;
    // A refresh fault may concern only the answer around this token: its own hook records it there.
    let here: Vec<Fault> = faults
        .iter()
        .copied()
        .filter(|fault| fault.message() != Message::RefreshResponse || token != twin)
        .collect();
    exchange.sent(&here, &twin, &token);
    Ok(token.into())
}

fn faults_of(issue: &Issue<'_>, message: Message) -> Vec<Fault> {
    issue.grant.flow.faults(message).collect()
}

/// `kid` first, no `typ`.
pub(crate) fn header(keys: &KeyRing) -> Map<String, Value> {
    let mut header = Map::new();
    header.insert("kid".to_owned(), json!(keys.kid()));
    header.insert("alg".to_owned(), json!("RS256"));
    header
}

pub(crate) fn draft(header: Map<String, Value>, claims: Map<String, Value>) -> TokenDraft {
    TokenDraft {
        header,
        claims,
        signing: Signing::Current,
        mangle: Vec::new(),
        raw_payload: None,
        raw_header: None,
    }
}

fn remember(exchange: &Exchange, issue: &Issue<'_>, kind: TokenKind, text: &Arc<str>, claims: Arc<str>, expires: i64) {
    let token = Token {
        kind,
        server: issue.server.id.clone(),
        client_id: issue.client.id.clone(),
        scopes: issue.scopes.clone(),
        grant: Some(issue.grant.clone()),
        claims,
        expires,
        revoked: false,
        grace_until: None,
        last_used: exchange.idp.clock.now(),
        idle: refresh_token_idle(issue),
        // A confidential client's refresh token is bound to its secret already (RFC 9449 §5).
        jkt: match kind {
            TokenKind::Refresh if issue.client.auth_method != AuthMethod::None => None,
            _ => issue.jkt.clone(),
        },
    };
    let tokens = &exchange.idp.store.tokens;
    if kind == TokenKind::Refresh {
        // A static refresh token stays as it is, its scopes and its expiry included.
        tokens.insert_new(text.clone(), token);
    } else {
        tokens.put(text.clone(), token);
    }
}
