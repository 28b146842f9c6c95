//! A browser for tests: keeps cookies, follows nothing, talks to the app's router directly.

use std::collections::BTreeMap;

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use reference_app::{app::App, clock::Clock, config::Config};
use scraper::{Html, Selector};
use serde_json::Value;
use tower::ServiceExt;
use url::Url;

use crate::fake_idp::{FakeIdp, ok};

/// An app, its clock, and the authorization server beside it.
pub(crate) struct World {
    pub(crate) idp: FakeIdp,
    pub(crate) app: App,
    pub(crate) clock: Clock,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let idp = FakeIdp::start().await;
        let mut config = idp.config();
        change(&mut config);
        let clock = Clock::default();
        let app = App::open(config, clock.clone()).await.unwrap();
        Self { idp, app, clock }
    }

    pub(crate) fn visitor(&self) -> Visitor<'_> {
        Visitor {
            world: self,
            cookies: BTreeMap::new(),
        }
    }
}

/// One browser.
#[derive(Clone)]
pub(crate) struct Visitor<'a> {
    world: &'a World,
    pub(crate) cookies: BTreeMap<String, String>,
}

/// An answer.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// A sign-in that has begun.
pub(crate) struct Begun {
    pub(crate) url: Url,
    pub(crate) state: String,
    pub(crate) nonce: String,
}

impl Visitor<'_> {
    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&mut self, path: &str, form: &str) -> Page {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form.to_owned())).unwrap()).await
    }

    /// Sends with this browser's cookies and keeps what comes back.
    pub(crate) async fn send(&mut self, mut request: Request<Body>) -> Page {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() && !request.headers().contains_key(header::COOKIE) {
            request
                .headers_mut()
                .insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        }
        let response = self.world.app.router().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for line in parts.headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let body = to_bytes(body, 1 << 20).await.unwrap();
        Page {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub(crate) async fn begin(&mut self, path: &str) -> Begun {
        let page = self.get(path).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        let url = Url::parse(page.location()).unwrap();
        let parameter = |wanted: &str| {
            url.query_pairs()
                .find(|(name, _)| name == wanted)
                .unwrap_or_else(|| panic!("no {wanted}"))
                .1
                .into_owned()
        };
        Begun {
            state: parameter("state"),
            nonce: parameter("nonce"),
            url,
        }
    }

    /// Delivers an honest authorization response; the token endpoint answers for this sign-in.
    pub(crate) async fn finish(&mut self, begun: &Begun) -> Page {
        self.world
            .idp
            .answer_token(ok(&self.world.idp.token_response(&begun.nonce)));
        self.deliver(&format!("code=a-code&state={}", begun.state)).await
    }

    pub(crate) async fn deliver(&mut self, query: &str) -> Page {
        self.get(&format!("/authorization-code/callback?{query}")).await
    }

    pub(crate) async fn sign_in(&mut self) {
        let begun = self.begin("/signin").await;
        let page = self.finish(&begun).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
    }

    /// The subject that `/me` shows.
    pub(crate) async fn who(&mut self) -> Option<String> {
        let page = self.get("/me").await;
        let me: Value = serde_json::from_str(&page.body).unwrap();
        assert_eq!(page.status.as_u16(), if me["signed_in"] == true { 200 } else { 401 });
        me["sub"].as_str().map(str::to_owned)
    }

    /// The session cookie.
    pub(crate) fn session(&self) -> Option<&String> {
        self.cookies.get("reference_session")
    }
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location")
    }

    pub(crate) fn text_of(&self, selector: &str) -> String {
        let html = Html::parse_document(&self.body);
        let found = html.select(&Selector::parse(selector).unwrap()).next();
        found
            .map(|element| element.text().collect::<String>().trim().to_owned())
            .unwrap_or_default()
    }

    pub(crate) fn attribute(&self, selector: &str, name: &str) -> String {
        let html = Html::parse_document(&self.body);
        let found = html.select(&Selector::parse(selector).unwrap()).next();
        found
            .and_then(|element| element.attr(name))
            .unwrap_or_default()
            .to_owned()
    }

    pub(crate) fn count(&self, selector: &str) -> usize {
        Html::parse_document(&self.body)
            .select(&Selector::parse(selector).unwrap())
            .count()
    }
}
