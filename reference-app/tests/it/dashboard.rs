//! The dashboard of mock-idp in a real browser, beside this app's sign-in: what it shows, by which keys it is used, and that
//! axe-core finds nothing. Without a browser these tests fail under `CI=true` and say that they were not run otherwise.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    http::{Request, Response},
};
use conformance::browser::webdriver::{Brand, driver::Driver};
use fantoccini::{Client, Locator, key::Key};
use mock_idp::{Client as Registration, MockIdp, User};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::browser::{self, has_driver};

/// How long a page may take on a busy machine.
const PAGE_TIMEOUT: Duration = Duration::from_secs(20);
const CALLBACK: &str = "http://localhost:3000/callback";
/// Somebody whose every attribute would run if it were taken for HTML.
const HOSTILE: &str = "<img src=x onerror=document.title=1>@evil.test";

/// A server with a dashboard, and a browser that shows it.
struct Stage {
    idp: MockIdp,
    /// The path in front of `/_mock/`.
    prefix: &'static str,
    browser: Client,
    driver: Driver,
}

impl Stage {
    async fn set() -> Option<Self> {
        Self::set_behind(None).await
    }

    /// Behind a proxy that serves it below `/dev/`, if one listens here.
    async fn set_behind(proxy: Option<TcpListener>) -> Option<Self> {
        if !has_driver() {
            return None;
        }
        let mut eve = User::with_login(HOSTILE);
        eve.given_name = "<script>document.title=1</script>".to_owned();
        let mut builder = MockIdp::builder()
            .user("alice@example.test")
            .user(eve)
            .client(Registration::web("web").redirect(CALLBACK));
        if let Some(proxy) = &proxy {
            builder = builder.issuer(&format!("http://{}", proxy.local_addr().unwrap()));
        }
        let idp = builder.start().await.unwrap();
        let prefix = if proxy.is_some() { "/dev" } else { "" };
        if let Some(proxy) = proxy {
            let port = idp.port();
            let forward = Router::new().fallback(move |request: Request<Body>| forwarded(port, request));
            tokio::spawn(async move { axum::serve(proxy, forward).await });
        }
        let driver = Driver::start(Brand::Chrome, false).await.unwrap();
        let browser = driver.window().await.unwrap();
        Some(Self {
            idp,
            prefix,
            browser,
            driver,
        })
    }

    async fn open(&self, hash: &str) {
        let url = self
            .idp
            .origin()
            .join(&format!("{}/_mock/{hash}", self.prefix))
            .unwrap();
        self.browser.goto(url.as_str()).await.unwrap();
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let url = self.idp.origin().join(&format!("/_mock/{path}")).unwrap();
        let answer = reqwest::Client::new().post(url).json(body).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// Somebody signs in without the page; the code is redeemed.
    async fn sign_in(&self, login: &str) {
        let secret = self.idp.client().unwrap().secret.unwrap();
        assert_eq!(self.redeemed(login, &secret).await, 200);
    }

    /// The status with which the code of such a sign-in is redeemed by a client with this secret.
    async fn redeemed(&self, login: &str, secret: &str) -> u16 {
        self.post("login", &json!({ "user": login })).await;
        let params = [
            ("client_id", "web"),
            ("response_type", "code"),
            ("redirect_uri", CALLBACK),
            ("scope", "openid profile"),
            ("state", "the-state"),
            ("nonce", "the-nonce"),
        ];
        let url = format!("{}/v1/authorize", self.idp.issuer());
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let answer = http.get(&url).query(&params).send().await.unwrap();
        let location = answer.headers()["location"].to_str().unwrap();
        let back = reqwest::Url::parse(location).unwrap();
        let code = back
            .query_pairs()
            .find(|(name, _)| name == "code")
            .unwrap()
            .1
            .into_owned();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
        ];
        let url = format!("{}/v1/token", self.idp.issuer());
        let answer = http
            .post(url)
            .basic_auth("web", Some(secret))
            .form(&form)
            .send()
            .await
            .unwrap();
        answer.status().as_u16()
    }

    /// Waits until the page shows this text in such an element.
    async fn expect(&self, selector: &str, text: &str) {
        let began = std::time::Instant::now();
        loop {
            let seen = self.all(selector).await;
            if seen.iter().any(|seen| seen.contains(text)) {
                return;
            }
            assert!(
                began.elapsed() < PAGE_TIMEOUT,
                "{selector} never shows {text}: {seen:?}"
            );
        }
    }

    async fn all(&self, selector: &str) -> Vec<String> {
        let script = "return [...document.querySelectorAll(arguments[0])].map((node) => node.textContent)";
        let texts = self.browser.execute(script, vec![json!(selector)]).await.unwrap();
        serde_json::from_value(texts).unwrap()
    }

    /// Presses the button with this label.
    async fn press(&self, label: &str) {
        let waiting = self.browser.wait().at_most(PAGE_TIMEOUT);
        let path = format!("//button[text()='{label}']");
        let button = waiting.for_element(Locator::XPath(&path)).await.unwrap();
        button.click().await.unwrap();
    }

    async fn click(&self, selector: &str) {
        let waiting = self.browser.wait().at_most(PAGE_TIMEOUT);
        let element = waiting.for_element(Locator::Css(selector)).await.unwrap();
        element.click().await.unwrap();
    }

    /// What axe-core finds on the page as it stands.
    async fn is_accessible(&self) {
        let script = format!(
            "const done = arguments[arguments.length - 1];\n{}\n;axe.run(document, {{resultTypes: ['violations']}}).then(\
             (found) => done(found.violations.map((one) => one.id + ': ' + one.nodes[0].html)), (error) => done([String(error)]))",
            include_str!("../axe/axe.min.js")
        );
        let found = self.browser.execute_async(&script, Vec::new()).await.unwrap();
        assert_eq!(found, json!([]));
    }

    async fn picture(&self, name: &str) {
        browser::picture(&self.browser, name).await;
    }

    async fn end(self) {
        browser::end(self.browser, self.driver).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_appears_while_one_looks_and_can_be_looked_into() {
    let Some(stage) = Stage::set().await else { return };
    stage.browser.goto(stage.idp.origin().as_str()).await.unwrap();
    stage.expect("#live", "live").await;
    stage.expect(".empty", "No sign-in yet").await;
    stage
        .post("faults", &json!({"id": "id-token.exp-past.1h", "times": 1}))
        .await;
    stage.sign_in("alice@example.test").await;
    stage.expect("#flow-list .who", "alice@example.test").await;
    // By keyboard: into the list, and the first flow.
    let first = stage.browser.find(Locator::Css("#flow-list a")).await.unwrap();
    first.send_keys(&Key::Enter.to_string()).await.unwrap();
    stage.expect(".detail h2", "alice@example.test").await;
    stage.expect(".diagram text", "code for tokens → 200").await;
    stage.click("#step-2").await;
    stage.expect("#panel h3", "code for tokens").await;
    stage.expect("#request", "grant_type=authorization_code").await;
    stage.expect(".notice", "id-token.exp-past.1h").await;
    stage.is_accessible().await;
    stage.picture("dashboard-wire").await;
    stage.click("#tab-Tokens").await;
    stage.expect("#panel td", "equals the issuer").await;
    stage.is_accessible().await;
    stage.picture("dashboard-tokens").await;
    stage.click("#tab-Checks").await;
    stage.expect("#panel td", "uses PKCE with S256").await;
    stage.click("#tab-Copy").await;
    stage.expect("#curl", "curl -i -X POST").await;
    // The address says which step is shown, and survives a reload.
    stage.browser.refresh().await.unwrap();
    stage.expect("#panel h3", "code for tokens").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_org_is_steered_by_click() {
    let Some(stage) = Stage::set().await else { return };
    for (hash, heading) in [
        ("#users", "Users"),
        ("#clients", "Clients"),
        ("#faults", "Faults"),
        ("#keys", "Keys"),
        ("#clock", "Clock"),
        ("#requests", "Requests"),
    ] {
        stage.open(hash).await;
        stage.expect("h2", heading).await;
        stage.is_accessible().await;
    }
    stage.open("#clock").await;
    stage.press("+1 h").await;
    stage.expect(".page p", "+3600 s").await;
    stage.open("#faults/id-token.alg-none").await;
    stage.expect("#fault-count", "of").await;
    stage.press("Arm").await;
    stage.expect("td", "everybody").await;
    stage.open("#keys").await;
    stage.press("Rotate with overlap").await;
    stage.expect("td", "still published").await;
    stage.click("#reset").await;
    stage
        .browser
        .find(Locator::Css("#reset-dialog .primary"))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    stage.expect("#told", "Reset").await;
    stage.open("#faults").await;
    stage.expect(".soft", "Nothing is armed.").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_values_are_shown_and_never_run() {
    let Some(stage) = Stage::set().await else { return };
    stage.sign_in(HOSTILE).await;
    stage.open("").await;
    stage.expect("#flow-list .who", HOSTILE).await;
    stage.click("#flow-list a").await;
    stage.expect(".detail h2", HOSTILE).await;
    stage.click("#tab-Tokens").await;
    stage.expect("#panel td", "<script>").await;
    stage.open("#users").await;
    stage.expect("td", "<script>").await;
    assert_eq!(stage.all("main img, main script").await.len(), 0);
    assert_eq!(stage.browser.title().await.unwrap(), "mock-idp");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_flows_are_listed_and_filtered_at_once() {
    let Some(stage) = Stage::set().await else { return };
    for _ in 0..500 {
        stage.idp.answer(authorization_request()).await;
    }
    stage.sign_in("alice@example.test").await;
    stage.open("").await;
    stage.expect("#flow-count", "500 of 500").await;
    let field = stage.browser.find(Locator::Css("#filter")).await.unwrap();
    field.send_keys("alice exchanged").await.unwrap();
    stage.expect("#flow-count", "1 of 500").await;
    stage.end().await;
}

fn authorization_request() -> Request<Vec<u8>> {
    let target = "/oauth2/default/v1/authorize?client_id=web&response_type=code&scope=openid&state=s\
                  &redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcallback";
    Request::get(target).body(Vec::new()).unwrap()
}

/// What a proxy with a path of its own does: the path goes, the Host becomes the server's address, bodies are passed on as they
/// come.
async fn forwarded(port: u16, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let path = target.strip_prefix("/dev").unwrap_or(target);
    let mut headers = parts.headers;
    headers.remove("host");
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy();
    let call = http
        .build()
        .unwrap()
        .request(parts.method, format!("http://127.0.0.1:{port}{path}"));
    let answer = call.headers(headers).body(body).send().await.unwrap();
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if name != "transfer-encoding" {
            response = response.header(name, value);
        }
    }
    let pieces = futures_util::stream::unfold(answer, |mut answer| async move {
        let piece = answer.chunk().await.ok()??;
        Some((Ok::<_, std::io::Error>(piece), answer))
    });
    response.body(Body::from_stream(pieces)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_path_prefix_everything_works_as_well() {
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let Some(stage) = Stage::set_behind(Some(proxy)).await else {
        return;
    };
    // Without the slash too: the redirect stays below the prefix.
    let url = stage.idp.origin().join("/dev/_mock").unwrap();
    stage.browser.goto(url.as_str()).await.unwrap();
    stage.expect("#live", "live").await;
    stage.expect("#env", "OKTA_ISSUER").await;
    stage.sign_in("alice@example.test").await;
    stage.expect("#flow-list .who", "alice@example.test").await;
    stage.click("#flow-list a").await;
    stage.click("#tab-Copy").await;
    stage.expect("#curl", "/dev/oauth2/default/v1/authorize").await;
    assert!(
        stage
            .browser
            .current_url()
            .await
            .unwrap()
            .path()
            .starts_with("/dev/_mock/")
    );
    stage.open("#clock").await;
    stage.press("+1 h").await;
    stage.expect(".page p", "+3600 s").await;
    stage.open("#requests").await;
    stage.expect("summary", "/v1/token").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_explained_and_an_empty_dashboard_says_how_to_begin() {
    let Some(stage) = Stage::set().await else { return };
    stage.open("").await;
    stage.expect("#env", "OKTA_CLIENT_ID").await;
    stage.is_accessible().await;
    let wrong = "/oauth2/default/v1/authorize?client_id=web&response_type=code&scope=openid&state=s&redirect_uri=\
                 http%3A%2F%2F127.0.0.1%3A3000%2Fcallback";
    stage.idp.answer(Request::get(wrong).body(Vec::new()).unwrap()).await;
    stage
        .idp
        .answer(Request::get("/oauth2/nope/v1/keys").body(Vec::new()).unwrap())
        .await;
    stage.expect("#flow-list .tag", "refused").await;
    stage.click("#flow-list a").await;
    stage.expect(".notice td", "It differs in the host only").await;
    stage.expect(".notice pre", "redirect_uris = [").await;
    stage.is_accessible().await;
    stage.browser.set_window_size(375, 760).await.unwrap();
    stage.is_accessible().await;
    stage.open("#requests").await;
    stage.click("details").await;
    stage.expect(".notice td", "No authorization server has this id.").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_was_refused_opens_at_the_refusal() {
    let Some(stage) = Stage::set().await else { return };
    stage.open("").await;
    assert_eq!(stage.redeemed("alice@example.test", "another-secret").await, 401);
    stage.click("#flow-list a").await;
    stage.expect(".notice", "It is a different secret.").await;
    stage.expect("#request", "POST /oauth2/default/v1/token").await;
    stage.end().await;
}
