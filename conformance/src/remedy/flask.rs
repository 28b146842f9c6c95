//! Flask 3 with Authlib 1.9 (`authlib.integrations.flask_client`) and Flask-Session 0.8.

use super::{
    Remedy::{self, *},
    Snippet, code, says,
};

pub(super) const fn snippet(remedy: Remedy) -> Snippet {
    match remedy {
        SignIn => code(
            "Addresses come from the metadata. Keyword arguments of authorize_redirect() become parameters: never pass request.args on.",
            "oauth = OAuth(app)
oauth.register(
    \"okta\",                    # reads OKTA_CLIENT_ID, OKTA_CLIENT_SECRET
    server_metadata_url=ISSUER + \"/.well-known/openid-configuration\",
    client_kwargs={\"scope\": \"openid email profile\",
                   \"code_challenge_method\": \"S256\"},
)",
        ),
        RedirectUri => code(
            "url_for(_external=True) follows the Host header. Take the host from the settings, or limit it with TRUSTED_HOSTS (Flask 3.1).",
            "app.config[\"TRUSTED_HOSTS\"] = [\"app.example\"]
return oauth.okta.authorize_redirect(BASE_URL + url_for(\"callback\"))",
        ),
        State => says(
            "Always sent; authorize_access_token() looks it up in flask.session, removes it and refuses an unknown one. Each attempt has its own entry and lapses after an hour. With OAuth(app, cache=...) the session still holds a marker: versions before 1.6.11 did not check it.",
        ),
        Nonce => says(
            "Sent and compared by itself when the scopes contain openid. parse_id_token() called by hand needs the nonce as an argument: None would skip the check.",
        ),
        Pkce => code(
            "Only when it is asked for. Flask's own session cookie is signed, not encrypted: keep the verifier out of it with Flask-Session.",
            "client_kwargs={\"scope\": \"openid email profile\",
               \"code_challenge_method\": \"S256\"}
Session(app)",
        ),
        Callback => code(
            "Authlib reads the first of repeated parameters; Flask answers HEAD with the GET handler.",
            "@app.get(\"/callback\")
def callback():
    if request.method != \"GET\" or any(
            len(values) > 1 for _, values in request.args.lists()):
        abort(400)
    try:
        token = oauth.okta.authorize_access_token()
    except (AuthlibBaseError, JoseError, ValueError, RequestException):
        return render_template(\"sign_in_failed.html\"), 400
    return redirect(url_for(\"profile\"), 303)",
        ),
        Issuer => code(
            "Authlib takes the issuer from the document that it fetched, and compares neither that with your setting nor iss of the response.",
            "if oauth.okta.load_server_metadata()[\"issuer\"] != ISSUER:
    raise RuntimeError(\"metadata of another issuer\")
if request.args.get(\"iss\", ISSUER) != ISSUER:
    abort(400)",
        ),
        ClientAuth => code(
            "client_secret_basic by default, with a secret. Name another method in client_kwargs.",
            "client_kwargs={\"token_endpoint_auth_method\": \"client_secret_basic\"}",
        ),
        BackChannel => code(
            "requests verifies certificates (REQUESTS_CA_BUNDLE for a private CA, never verify=False) and follows redirects, with the body for 307 and 308. Switch that off.",
            "token = oauth.okta.authorize_access_token(allow_redirects=False)
info = oauth.okta.userinfo(token=token, allow_redirects=False)",
        ),
        Limits => code(
            "requests waits forever unless configured otherwise, and reads everything. Metadata is fetched at first use, so a late issuer does not keep the app from starting.",
            "client_kwargs={\"scope\": \"openid email profile\",
               \"default_timeout\": (3, 10)}",
        ),
        TokenResponse => code(
            "An error member raises OAuthError. Without an ID token there is simply no userinfo in the result: check.",
            "token = oauth.okta.authorize_access_token()
if str(token.get(\"token_type\", \"\")).lower() != \"bearer\" \\
        or \"userinfo\" not in token:
    return render_template(\"sign_in_failed.html\"), 400
claims = token[\"userinfo\"]",
        ),
        Signature => says(
            "Verified with the metadata's jwks_uri, always, when the token comes through authorize_access_token(). Catch JoseError beside OAuthError: a bad token is a refusal, not a server error. Asking userinfo instead, as older guides do, is not enough.",
        ),
        Algorithm => code(
            "Authlib accepts what the metadata advertise. Fix the list after loading them.",
            "metadata = oauth.okta.load_server_metadata()
metadata[\"id_token_signing_alg_values_supported\"] = [\"RS256\"]",
        ),
        KeySet => says(
            "The key set is kept in the client object and fetched again, once, for an unknown kid: every bad token costs a request. Limit the callback's rate where that matters, and keep one OAuth() per process.",
        ),
        Claims => code(
            "Only iss is compared by default, and azp when aud names another client. Require aud and sub.",
            "token = oauth.okta.authorize_access_token(claims_options={
    \"iss\": {\"essential\": True, \"value\": ISSUER},
    \"aud\": {\"essential\": True, \"value\": CLIENT_ID},
    \"sub\": {\"essential\": True},
})
if token[\"userinfo\"][\"aud\"] not in (CLIENT_ID, [CLIENT_ID]):
    abort(400)",
        ),
        Times => code(
            "exp and iat are required; the tolerance is 120 seconds unless you say otherwise.",
            "token = oauth.okta.authorize_access_token(leeway=60)",
        ),
        AccessToken => code(
            "at_hash is compared when it is there. To use what is inside the access token, verify it with joserfc.",
            "keys = KeySet.import_key_set(oauth.okta.fetch_jwk_set())
access = jwt.decode(token[\"access_token\"], keys, algorithms=[\"RS256\"])
JWTClaimsRegistry(leeway=60,
    iss={\"essential\": True, \"value\": ISSUER},
    aud={\"essential\": True, \"value\": \"api://default\"},
    exp={\"essential\": True},
    cid={\"essential\": True, \"value\": CLIENT_ID},
).validate(access.claims)",
        ),
        StepUp => code(
            "max_age is sent and not compared.",
            "oauth.okta.authorize_redirect(uri, max_age=300)
# callback
age = time.time() - claims.get(\"auth_time\", 0)
if age > 360 or claims.get(\"acr\") != WANTED:
    return redirect(url_for(\"login\"), 303)",
        ),
        Refresh => code(
            "Authlib refreshes without a look at the new ID token.",
            "with oauth.okta._get_oauth_client(**metadata) as client:
    fresh = client.refresh_token(metadata[\"token_endpoint\"], old)
if \"id_token\" in fresh:
    claims = oauth.okta.parse_id_token(fresh, nonce=None)
    if claims[\"sub\"] != session[\"user\"][\"sub\"]:
        session.clear()",
        ),
        Userinfo => code(
            "token[\"userinfo\"] is the ID token's claims. userinfo() calls the endpoint and compares nothing.",
            "info = oauth.okta.userinfo(token=token, allow_redirects=False)
if info.get(\"sub\") != claims[\"sub\"]:
    info = claims",
        ),
        Account => code(
            "A unique pair in the table; not the address, not the name.",
            "class Identity(Base):
    __table_args__ = (UniqueConstraint(\"iss\", \"sub\"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    iss: Mapped[str] = mapped_column(String(255))
    sub: Mapped[str] = mapped_column(String(255))   # binary collation",
        ),
        Trust => code(
            "Compare with True itself, and derive roles at every sign-in.",
            "verified = claims.get(\"email_verified\") is True
domain = claims.get(\"email\", \"\").rpartition(\"@\")[2].lower()
if user.disabled or not verified or domain != \"corp.example\":
    abort(403)
session[\"roles\"] = roles_for(claims.get(\"groups\", []))",
        ),
        Role => code(
            "A decorator on the view; abort(403) for signed-in strangers. Keep the groups in the server's session.",
            "def only(group):
    def wrap(view):
        @functools.wraps(view)
        def check(*args, **kwargs):
            if group not in session.get(\"groups\", []):
                abort(403)
            return view(*args, **kwargs)
        return check
    return wrap
# in the callback, at every sign-in:
session[\"groups\"] = list(claims.get(\"groups\") or [])",
        ),
        Escape => code(
            "Jinja escapes in .html templates; f-strings that are returned, Markup() and |safe do not. Addresses need a look at their scheme.",
            "def web(url):
    return url if urlsplit(url or \"\").scheme in {\"http\", \"https\"} else \"\"
return render_template(\"profile.html\", name=name, picture=web(picture))",
        ),
        SessionId => code(
            "Flask-Session keeps the id unless configured otherwise; Flask's own cookie session has none.",
            "session.clear()
session[\"user\"] = {\"sub\": claims[\"sub\"], \"name\": claims.get(\"name\")}
app.session_interface.regenerate(session)",
        ),
        SessionStore => code(
            "Flask's own cookie can be read by its owner and not be revoked: not for tokens. Flask-Session keeps only an id in it.",
            "app.config.update(
    SESSION_TYPE=\"redis\", SESSION_REDIS=redis,
    SESSION_ID_LENGTH=32, SESSION_PERMANENT=True,
    PERMANENT_SESSION_LIFETIME=timedelta(minutes=30),
    SESSION_REFRESH_EACH_REQUEST=False)
Session(app)",
        ),
        Cookies => code(
            "HttpOnly by default; the other two are not. Strict would lose the attempt on the way back.",
            "app.config.update(
    SESSION_COOKIE_NAME=\"__Host-session\",
    SESSION_COOKIE_SECURE=True,
    SESSION_COOKIE_SAMESITE=\"Lax\")",
        ),
        Guard => code(
            "before_request sees every method, after routing.",
            "PUBLIC = {\"home\", \"login\", \"callback\", \"signed_out\", \"static\"}
@app.before_request
def guard():
    if \"user\" not in session and request.endpoint not in PUBLIC:
        return redirect(url_for(\"login\"), 303)",
        ),
        Caching => code(
            "Flask sends Vary: Cookie and nothing else.",
            "@app.after_request
def set_headers(response):
    response.headers[\"Cache-Control\"] = \"no-store\"
    response.headers[\"Referrer-Policy\"] = \"same-origin\"
    return response",
        ),
        ReturnTo => code(
            "Flask has no check of its own. Refuse what browsers read as another host, and check again at the end.",
            "def local(target):
    target = target or \"/\"
    plain = target.startswith(\"/\") and not target.startswith((\"//\", \"/\\\\\"))
    return target if plain and target.isprintable() else \"/\"
return redirect(local(session.pop(\"next\", \"/\")), 303)",
        ),
        SignOut => code(
            "With Flask-Session clear() deletes the entry in the store. SESSION_REFRESH_EACH_REQUEST = False keeps a late request from writing it back. Flask-WTF's CSRFProtect checks the form's token.",
            "CSRFProtect(app)
@app.post(\"/logout\")
def logout():
    session.clear()
    return redirect(url_for(\"signed_out\"), 303)",
        ),
        RpLogout => code(
            "create_logout_url() raises RuntimeError when the metadata have no such endpoint.",
            "id_token = session.get(\"id_token\")
session.clear()
if not id_token:
    return redirect(url_for(\"signed_out\"), 303)
return redirect(oauth.okta.create_logout_url(
    id_token_hint=id_token,
    post_logout_redirect_uri=BASE_URL + url_for(\"signed_out\"))[\"url\"], 303)",
        ),
        BackChannelLogout => code(
            "Verify it with joserfc and delete the sessions that it names in the store.",
            "@app.post(\"/backchannel-logout\")
@csrf.exempt
def backchannel_logout():
    try:
        t = jwt.decode(request.form[\"logout_token\"], keys(),
                       algorithms=[\"RS256\"]).claims
        registry.validate(t)         # iss, aud, exp, iat, jti essential
        event = t[\"events\"][EVENT]
    except (JoseError, KeyError, TypeError, ValueError):
        abort(400)
    if not isinstance(event, dict) or \"nonce\" in t:
        abort(400)
    end_sessions(sid=t.get(\"sid\"), sub=t.get(\"sub\"))
    return \"\", 200, {\"Cache-Control\": \"no-store\"}",
        ),
        FrontChannelLogout => code(
            "The session has to remember the sid of its ID token. The cookie reaches a frame only with SameSite=None.",
            "@app.get(\"/frontchannel-logout\")
def frontchannel_logout():
    ours = (request.args.get(\"iss\") == ISSUER
            and request.args.get(\"sid\") == session.get(\"sid\"))
    if ours:
        session.clear()
    return \"\", 200 if ours else 400, {
        \"Cache-Control\": \"no-store\",
        \"Content-Security-Policy\": f\"frame-ancestors {ISSUER_ORIGIN}\"}",
        ),
        Errors => code(
            "Run it behind a production server, never with debug. Exceptions that nobody catches become a 500.",
            "app.config[\"MAX_CONTENT_LENGTH\"] = 64 * 1024
@app.errorhandler(RequestException)
def issuer_failed(error):
    app.logger.warning(\"authorization server: %s\", error)
    return render_template(\"sign_in_failed.html\"), 502",
        ),
        Isolation => says(
            "oauth.okta may be shared; it keeps metadata and keys only. What belongs to one sign-in lives in flask.session, flask.g and local names, never in module globals.",
        ),
    }
}
