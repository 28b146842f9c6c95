//! Browser sessions: their cookies, and the API that tells of the browser's own one.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use serde_json::{Value, json};

use crate::{
    clock::iso8601,
    endpoint::{
        answer::{self, Answered},
        api, authn,
    },
    exchange::Exchange,
    flow::store::Session,
    okta::error::{API_AUTHENTICATION_FAILED, API_NOT_FOUND, ApiError},
    protocol::{draft::Reply, random},
    tenant::{PageStyle, Subject},
};

/// How long a session lasts, seconds.
const LIFETIME: i64 = 2 * 3600;
/// How long a session lasts that is to be remembered, seconds.
const REMEMBERED: i64 = 30 * 24 * 3600;

/// A new session, known by its cookies from now on.
pub(crate) fn open(exchange: &Exchange, subject: Arc<Subject>, amr: &[&str], remember: bool) -> Arc<Session> {
    let now = exchange.idp.clock.now();
    let sid = format!("idx{}", random::token22());
    let tenant = exchange.idp.tenant();
    let idx = match tenant.page {
        PageStyle::Classic => "".into(),
        _ => sealed(&tenant.id, &sid).into(),
    };
    let session = Arc::new(Session {
        cookie: format!("102{}", random::token22()).into(),
        idx,
        sid,
        subject,
        auth_time: now,
        amr: amr.iter().map(|method| (*method).to_owned()).collect(),
        expires: now + lifetime(remember),
        remembered: remember,
    });
    keep(exchange, &session);
    // Said here, it need not be asked: nobody else knows this session yet.
    exchange.idp.store.visited.put(session.sid.clone(), Vec::new());
    if !session.subject.guest {
        let id = session.subject.persona.sub.clone();
        exchange.idp.store.last_logins.put(id, now);
    }
    session
}

fn lifetime(remember: bool) -> i64 {
    if remember { REMEMBERED } else { LIFETIME }
}

fn keep(exchange: &Exchange, session: &Arc<Session>) {
    let sessions = &exchange.idp.store.sessions;
    sessions.put(session.cookie.clone(), session.clone());
    if !session.idx.is_empty() {
        sessions.put(session.idx.clone(), session.clone());
    }
}

/// The shape of an `idx` cookie: a JWE of the compact kind whose header begins with `zip`. It hides nothing here.
fn sealed(org: &str, sid: &str) -> String {
    let (org, sid) = (json!(org), json!(sid));
    let header = format!(r#"{{"zip":"DEF","ver":"1","oid":{org},"enc":"A256GCM","alg":"dir","xsid":{sid}}}"#);
    let (vector, text, tag) = (&random::token22()[..16], random::token43(), random::token22());
    format!("{}..{vector}.{text}.{tag}", B64.encode(header))
}

/// The browser's session, with its account as it is now.
pub(crate) fn current(exchange: &Exchange) -> Option<Arc<Session>> {
    let now = exchange.idp.clock.now();
    let cookies = [exchange.cookie("sid"), exchange.cookie("idx")];
    let sessions = &exchange.idp.store.sessions;
    let mut found = cookies.into_iter().flatten().filter_map(|cookie| sessions.get(cookie));
    let session = found.find(|session| session.expires > now)?;
    let subject = exchange.idp.current(&session.subject)?;
    Some(Arc::new(Session {
        subject,
        ..Session::clone(&session)
    }))
}

/// Ends it, by either cookie.
pub(crate) fn end(exchange: &Exchange, session: &Session) {
    let sessions = &exchange.idp.store.sessions;
    sessions.take(&session.cookie);
    sessions.take(&session.idx);
}

/// `sid`, with Identity Engine also `idx`; they last as long as the browser is open unless the session is to be remembered.
/// (`JSESSIONID` is left out: cookies ignore ports, and it would end the sessions of every Java application on this host.)
pub(crate) fn cookies(exchange: &Exchange, session: &Session) -> Vec<String> {
    let attributes = exchange.idp.cookie_attributes();
    let lifetime = if session.remembered {
        format!(";Max-Age={}", session.expires - exchange.idp.clock.now())
    } else {
        String::new()
    };
    let mut cookies = vec![format!("sid={};Version=1;{attributes}{lifetime}", session.cookie)];
    if !session.idx.is_empty() {
        cookies.push(format!("idx={};Version=1;{attributes}{lifetime}", session.idx));
    }
    cookies.extend(device_cookie(exchange));
    cookies
}

/// The device token, two years long, for a browser that has none.
pub(crate) fn device_cookie(exchange: &Exchange) -> Option<String> {
    if exchange.cookie("DT").is_some() {
        return None;
    }
    let attributes = exchange.idp.cookie_attributes();
    let device = random::token22();
    Some(format!("DT=DI1{device};Version=1;{attributes};Max-Age=63072000"))
}

/// Takes away the cookies that a session leaves.
pub(crate) fn clear_cookies(reply: &mut Reply) {
    answer::clear_cookies(reply, &["sid", "idx", "xids"]);
}

/// `GET|DELETE /api/v1/sessions/me`
pub(crate) fn mine(exchange: &mut Exchange) -> Answered {
    let session = current(exchange).ok_or_else(none_here)?;
    if exchange.method != axum::http::Method::DELETE {
        return Ok(answer::json(200, described(exchange, &session, "me")));
    }
    end(exchange, &session);
    let mut reply = answer::empty(204);
    clear_cookies(&mut reply);
    Ok(reply)
}

/// `POST /api/v1/sessions/me/lifecycle/refresh`
pub(crate) fn refresh_mine(exchange: &mut Exchange) -> Answered {
    let session = prolonged(exchange, current(exchange).ok_or_else(none_here)?);
    let mut reply = answer::json(200, described(exchange, &session, "me"));
    for cookie in cookies(exchange, &session) {
        answer::put(&mut reply, "set-cookie", cookie);
    }
    Ok(reply)
}

/// `POST /api/v1/sessions`: a session for a session token, to be made known to the browser by other means.
pub(crate) fn create(exchange: &mut Exchange) -> Answered {
    let body = api::object(exchange)?;
    let token = body.get("sessionToken").and_then(Value::as_str).unwrap_or_default();
    let session = authn::redeem(exchange, token).ok_or(API_AUTHENTICATION_FAILED)?.session;
    Ok(answer::json(200, described(exchange, &session, &session.cookie)))
}

/// `GET|DELETE /api/v1/sessions/{id}`, for holders of an API token.
pub(crate) fn one(exchange: &mut Exchange) -> Answered {
    api::require_token(exchange)?;
    let session = named(exchange)?;
    if exchange.method == axum::http::Method::DELETE {
        end(exchange, &session);
        return Ok(answer::empty(204));
    }
    Ok(answer::json(200, described(exchange, &session, &session.cookie)))
}

/// `POST /api/v1/sessions/{id}/lifecycle/refresh`, for holders of an API token.
pub(crate) fn refresh(exchange: &mut Exchange) -> Answered {
    api::require_token(exchange)?;
    let session = prolonged(exchange, named(exchange)?);
    Ok(answer::json(200, described(exchange, &session, &session.cookie)))
}

fn named(exchange: &Exchange) -> Result<Arc<Session>, ApiError> {
    let id = exchange.segment(3);
    let now = exchange.idp.clock.now();
    let found = exchange.idp.store.sessions.get(id);
    found
        .filter(|session| session.expires > now)
        .ok_or_else(|| API_NOT_FOUND.with(&format!("Resource not found: {id} (Session)")))
}

fn none_here() -> ApiError {
    API_NOT_FOUND.with("Resource not found: me (Session)")
}

fn prolonged(exchange: &Exchange, session: Arc<Session>) -> Arc<Session> {
    let session = Arc::new(Session {
        expires: exchange.idp.clock.now() + lifetime(session.remembered),
        ..Session::clone(&session)
    });
    keep(exchange, &session);
    session
}

/// A session as the API describes it; `name` is how its links call it.
fn described(exchange: &Exchange, session: &Session, name: &str) -> Value {
    let persona = &session.subject.persona;
    let has_factor = session.amr.iter().any(|method| method == "mfa");
    let proved = iso8601(session.auth_time);
    let org = exchange.org();
    let link = format!("{org}/api/v1/sessions/{name}");
    let person = if name == "me" { "me" } else { &persona.sub };
    json!({
        "id": &*session.cookie,
        "userId": persona.sub,
        "login": persona.login,
        "createdAt": proved,
        "expiresAt": iso8601(session.expires),
        "status": "ACTIVE",
        "lastPasswordVerification": proved,
        "lastFactorVerification": has_factor.then_some(&proved),
        "amr": session.amr,
        "idp": {"id": exchange.idp.tenant().id, "type": "OKTA"},
        "mfaActive": has_factor,
        "_links": {
            "self": {"href": link, "hints": {"allow": ["GET", "DELETE"]}},
            "refresh": {"href": format!("{link}/lifecycle/refresh"), "hints": {"allow": ["POST"]}},
            "user": {
                "name": persona.userinfo_name,
                "href": format!("{org}/api/v1/users/{person}"),
                "hints": {"allow": ["GET"]},
            },
        },
    })
}
