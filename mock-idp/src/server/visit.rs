//! A browser as small as can be, for tests in Rust: it walks a sign-in through an application, and then looks at its pages.

use reqwest::{
    Client as HttpClient, Method, StatusCode,
    header::{COOKIE, LOCATION, SET_COOKIE},
};
use url::Url;

use super::MockIdp;
use crate::flow::scenario::FlowId;

/// More redirects and forms than this are a loop.
const MOST_STEPS: usize = 25;

/// A browser after a sign-in: where it ended, and its cookies. See [`MockIdp::sign_in`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Visit {
    /// The address of the last page.
    pub url: Url,
    /// Its status.
    pub status: StatusCode,
    /// Its text.
    pub body: String,
    /// The flow that was walked, if it was begun by [`MockIdp::begin`].
    pub flow: Option<FlowId>,
    http: HttpClient,
    cookies: Vec<Cookie>,
}

/// Cookies belong to a host, whatever the port.
#[derive(Debug)]
struct Cookie {
    host: String,
    name: String,
    value: String,
}

/// Why a sign-in could not be walked. What the application refuses is no error: it is the last page.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VisitError {
    /// The address is none.
    #[error("`{0}` is no address of a page: write it in full, as in http://localhost:3000/login")]
    Address(String),
    /// Nobody answers, or not in time.
    #[error("{url} does not answer: {source}")]
    Unreachable {
        /// What was asked.
        url: Url,
        /// What went wrong.
        source: reqwest::Error,
    },
    /// The application never came to this authorization server.
    #[error("no sign-in began: {url} answered {status} without leading to {issuer}")]
    NoSignIn {
        /// The last page.
        url: Url,
        /// Its status.
        status: StatusCode,
        /// Where it should have led.
        issuer: String,
    },
    /// The hosted page wants more than a name and a password, or does not take them.
    #[error("the sign-in page is shown again for `{login}`: {said}")]
    Refused {
        /// Who tried.
        login: String,
        /// What the page says.
        said: String,
    },
    /// The server has stopped.
    #[error("the mock-idp of this flow has stopped")]
    Stopped,
    /// The org has no users.
    #[error("there is nobody to sign in: the org has no users")]
    Nobody,
    /// Redirects without an end.
    #[error("more than {MOST_STEPS} redirects, the last one to {0}")]
    Loop(Url),
}

impl MockIdp {
    /// Signs the first user of the org in to an application, whose sign-in begins at this address, as a browser without
    /// scripts would: the hosted page is filled in, redirects and posted responses are followed. Where it ended is in the
    /// [`Visit`], whatever the application made of it.
    ///
    /// # Errors
    /// When nobody answers, the application does not lead to this authorization server, or the hosted page asks for more than
    /// a password.
    pub async fn sign_in(&self, app: impl AsRef<str>) -> Result<Visit, VisitError> {
        self.sign_in_as(self.somebody()?, app).await
    }

    /// The same for the user with this login; a magic one (`id-token.alg-none@fault.test`) too.
    ///
    /// # Errors
    /// As [`MockIdp::sign_in`].
    pub async fn sign_in_as(&self, login: impl AsRef<str>, app: impl AsRef<str>) -> Result<Visit, VisitError> {
        let login = login.as_ref();
        Visit::sign_in(self, app.as_ref(), None, login, &self.password_of(login)).await
    }

    pub(crate) fn somebody(&self) -> Result<String, VisitError> {
        let tenant = self.idp().tenant();
        let user = tenant.users.first().ok_or(VisitError::Nobody)?;
        Ok(user.login.clone())
    }

    pub(crate) fn password_of(&self, login: &str) -> String {
        let tenant = self.idp().tenant();
        let password = tenant.user(login).and_then(|user| user.password.clone());
        password.unwrap_or_else(|| "any password".to_owned())
    }
}

impl Visit {
    /// Another page of the application, in this browser; redirects are followed. A path is meant on the last page's host.
    ///
    /// # Errors
    /// When nobody answers, or redirects have no end.
    pub async fn get(&mut self, address: &str) -> Result<&Self, VisitError> {
        let url = self
            .url
            .join(address)
            .map_err(|_| VisitError::Address(address.to_owned()))?;
        self.go(url).await?;
        Ok(self)
    }

    /// Whether the last page holds this text.
    #[must_use]
    pub fn shows(&self, text: &str) -> bool {
        self.body.contains(text)
    }

    /// Walks the sign-in that begins at this address.
    pub(crate) async fn sign_in(
        idp: &MockIdp,
        app: &str,
        enter: Option<(FlowId, &Url)>,
        login: &str,
        password: &str,
    ) -> Result<Self, VisitError> {
        let url = Url::parse(app).map_err(|_| VisitError::Address(app.to_owned()))?;
        let mut visit = Self {
            url: url.clone(),
            status: StatusCode::OK,
            body: String::new(),
            flow: enter.map(|(flow, _)| flow),
            http: idp.http(),
            cookies: Vec::new(),
        };
        if let Some((_, enter)) = enter {
            visit.send(Method::GET, enter.clone(), &[]).await?;
        }
        visit.go(url).await?;
        let ours = idp.origin().origin();
        let Some(handle) = visit.handle().filter(|_| visit.url.origin() == ours) else {
            // A session of the authorization server would have answered at once, but this browser is new.
            return Err(VisitError::NoSignIn {
                url: visit.url,
                status: visit.status,
                issuer: idp.issuer(),
            });
        };
        let form = [
            ("stateToken", handle.as_str()),
            ("identifier", login),
            ("username", login),
            ("credentials.passcode", password),
            ("password", password),
        ];
        let action = visit.url.clone();
        let next = visit.send(Method::POST, action, &form).await?;
        visit.follow(next).await?;
        if visit.url.origin() == ours && visit.handle().is_some() {
            return Err(VisitError::Refused {
                login: login.to_owned(),
                said: visit.said(),
            });
        }
        Ok(visit)
    }

    async fn go(&mut self, url: Url) -> Result<(), VisitError> {
        let next = self.send(Method::GET, url, &[]).await?;
        self.follow(next).await
    }

    /// Follows redirects, and forms that send themselves.
    async fn follow(&mut self, mut next: Option<Url>) -> Result<(), VisitError> {
        for _ in 0..MOST_STEPS {
            if let Some(url) = next {
                next = self.send(Method::GET, url, &[]).await?;
                continue;
            }
            let Some((action, fields)) = self.form_that_sends_itself() else {
                return Ok(());
            };
            let fields: Vec<(&str, &str)> = fields
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            next = self.send(Method::POST, action, &fields).await?;
        }
        Err(VisitError::Loop(self.url.clone()))
    }

    /// Sends a request and reads its answer; where that redirects to.
    async fn send(&mut self, method: Method, url: Url, form: &[(&str, &str)]) -> Result<Option<Url>, VisitError> {
        let unreachable = |source| VisitError::Unreachable {
            url: url.clone(),
            source,
        };
        let host = url.host_str().unwrap_or_default().to_owned();
        let ours = self.cookies.iter().filter(|cookie| cookie.host == host);
        let cookies: Vec<String> = ours.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        let mut request = self.http.request(method.clone(), url.clone());
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        if method == Method::POST {
            request = request.form(form);
        }
        let answer = request.send().await.map_err(unreachable)?;
        for cookie in answer.headers().get_all(SET_COOKIE) {
            self.keep(&host, &String::from_utf8_lossy(cookie.as_bytes()));
        }
        let location = answer
            .headers()
            .get(LOCATION)
            .filter(|_| answer.status().is_redirection());
        let next = location.and_then(|location| url.join(&String::from_utf8_lossy(location.as_bytes())).ok());
        self.status = answer.status();
        self.body = answer.text().await.map_err(unreachable)?;
        self.url = url;
        Ok(next)
    }

    fn keep(&mut self, host: &str, cookie: &str) {
        let mut parts = cookie.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        self.cookies.retain(|known| known.host != host || known.name != name);
        let is_gone = parts.any(|part| part.to_ascii_lowercase().starts_with("max-age=0")) || value.is_empty();
        if !is_gone {
            self.cookies.push(Cookie {
                host: host.to_owned(),
                name: name.to_owned(),
                value: value.to_owned(),
            });
        }
    }

    /// The transaction's handle on the hosted page.
    fn handle(&self) -> Option<String> {
        between(&self.body, "name=\"stateToken\" value=\"", "\"")
    }

    /// What the hosted page complains about, or its heading.
    fn said(&self) -> String {
        let banner = self.body.split_once("role=\"alert\"").map_or("", |(_, rest)| rest);
        let complaint = between(banner, "<p>", "</p>");
        let heading = || {
            between(
                &self.body,
                "data-se=\"o-form-head\" class=\"okta-form-title o-form-head\">",
                "<",
            )
        };
        complaint.or_else(heading).unwrap_or_default()
    }

    /// Action and fields of the page of `response_mode=form_post`.
    fn form_that_sends_itself(&self) -> Option<(Url, Vec<(String, String)>)> {
        let (_, form) = self
            .body
            .split_once("onload=\"document.forms[0].submit()\"><form method=\"post\" action=\"")?;
        let (action, rest) = form.split_once('"')?;
        let fields = rest
            .split("<input type=\"hidden\" name=\"")
            .skip(1)
            .filter_map(|field| {
                let (name, rest) = field.split_once("\" value=\"")?;
                let (value, _) = rest.split_once('"')?;
                Some((unescaped(name), unescaped(value)))
            });
        Some((self.url.join(&unescaped(action)).ok()?, fields.collect()))
    }
}

fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| unescaped(found))
}

/// What templates escape.
fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&#38;", "&")
        .replace("&amp;", "&")
}
