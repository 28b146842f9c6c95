//! Django 5 with Authlib 1.9 (`authlib.integrations.django_client`).

use super::{
    Remedy::{self, *},
    Snippet, code, says,
};

pub(super) const fn snippet(remedy: Remedy) -> Snippet {
    match remedy {
        SignIn => code(
            "Addresses come from the metadata. Keyword arguments of authorize_redirect() become parameters: never pass request.GET on.",
            "oauth = OAuth()
oauth.register(
    \"okta\",
    client_id=settings.OKTA_CLIENT_ID,
    client_secret=settings.OKTA_CLIENT_SECRET,
    server_metadata_url=settings.OKTA_ISSUER
    + \"/.well-known/openid-configuration\",
    client_kwargs={\"scope\": \"openid profile email\",
                   \"code_challenge_method\": \"S256\"},
)",
        ),
        RedirectUri => code(
            "request.build_absolute_uri() follows the Host header, which ALLOWED_HOSTS limits. A setting is simpler.",
            "def login(request):
    return oauth.okta.authorize_redirect(
        request, settings.BASE_URL + reverse(\"callback\"))",
        ),
        State => says(
            "Always sent; authorize_access_token() looks it up in request.session, removes it and refuses an unknown one. Each attempt has its own entry and lapses after an hour, so tabs do not disturb each other. With a cache the session still holds a marker: versions before 1.6.11 did not check it.",
        ),
        Nonce => says(
            "Sent and compared by itself when the scopes contain openid. parse_id_token() called by hand needs the nonce as an argument: None would skip the check.",
        ),
        Pkce => code(
            "Only when it is asked for; the verifier is kept in the session, so use a server-side one.",
            "client_kwargs={\"scope\": \"openid profile email\",
               \"code_challenge_method\": \"S256\"}",
        ),
        Callback => code(
            "Authlib reads the last of repeated parameters, and POST as well as GET. Say what you take.",
            "@require_GET
def callback(request):
    if request.method != \"GET\" or any(
            len(values) > 1 for _, values in request.GET.lists()):
        return HttpResponseBadRequest()
    try:
        token = oauth.okta.authorize_access_token(request)
    except (AuthlibBaseError, JoseError, ValueError, RequestException):
        return render(request, \"sign_in_failed.html\", status=400)
    return redirect(\"profile\")",
        ),
        Issuer => code(
            "Authlib takes the issuer from the document that it fetched, and compares neither that with your setting nor iss of the response. Both are one line.",
            "metadata = oauth.okta.load_server_metadata()
if metadata[\"issuer\"] != settings.OKTA_ISSUER:
    raise SuspiciousOperation(\"metadata of another issuer\")
if request.GET.get(\"iss\", settings.OKTA_ISSUER) != settings.OKTA_ISSUER:
    return HttpResponseBadRequest()",
        ),
        ClientAuth => code(
            "client_secret_basic by default, with a secret. Name another method in client_kwargs.",
            "client_kwargs={\"token_endpoint_auth_method\": \"client_secret_basic\"}",
        ),
        BackChannel => code(
            "requests verifies certificates (REQUESTS_CA_BUNDLE for a private CA, never verify=False) and follows redirects, with the body for 307 and 308. Switch that off.",
            "token = oauth.okta.authorize_access_token(
    request, allow_redirects=False)
info = oauth.okta.userinfo(token=token, allow_redirects=False)",
        ),
        Limits => code(
            "requests waits forever unless configured otherwise, and reads everything. Metadata is fetched at first use, so a late issuer does not keep Django from starting.",
            "client_kwargs={\"scope\": \"openid profile email\",
               \"default_timeout\": (3, 10)}",
        ),
        TokenResponse => code(
            "An error member raises OAuthError. Without an ID token there is simply no userinfo in the result: check.",
            "token = oauth.okta.authorize_access_token(request)
if str(token.get(\"token_type\", \"\")).lower() != \"bearer\" \\
        or \"userinfo\" not in token:
    return render(request, \"sign_in_failed.html\", status=400)
claims = token[\"userinfo\"]",
        ),
        Signature => says(
            "Verified with the metadata's jwks_uri, always, when the token comes through authorize_access_token(). Catch JoseError beside OAuthError: a bad token is a refusal, not a server error. jwt.decode() with options that switch verification off has no place here.",
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
            "token = oauth.okta.authorize_access_token(request, claims_options={
    \"iss\": {\"essential\": True, \"value\": settings.OKTA_ISSUER},
    \"aud\": {\"essential\": True, \"value\": settings.OKTA_CLIENT_ID},
    \"sub\": {\"essential\": True},
})
if token[\"userinfo\"][\"aud\"] not in (CLIENT_ID, [CLIENT_ID]): refuse()",
        ),
        Times => code(
            "exp and iat are required; the tolerance is 120 seconds unless you say otherwise.",
            "token = oauth.okta.authorize_access_token(request, leeway=60)",
        ),
        AccessToken => code(
            "at_hash is compared when it is there. To use what is inside the access token, verify it with joserfc.",
            "keys = KeySet.import_key_set(oauth.okta.fetch_jwk_set())
access = jwt.decode(token[\"access_token\"], keys, algorithms=[\"RS256\"])
JWTClaimsRegistry(leeway=60,
    iss={\"essential\": True, \"value\": settings.OKTA_ISSUER},
    aud={\"essential\": True, \"value\": \"api://default\"},
    exp={\"essential\": True},
    cid={\"essential\": True, \"value\": settings.OKTA_CLIENT_ID},
).validate(access.claims)",
        ),
        StepUp => code(
            "max_age is sent and not compared.",
            "oauth.okta.authorize_redirect(request, uri, max_age=300)
# callback
age = time.time() - claims.get(\"auth_time\", 0)
if age > 360 or claims.get(\"acr\") != WANTED:
    return redirect(\"login\")",
        ),
        Refresh => code(
            "Authlib refreshes without a look at the new ID token.",
            "with oauth.okta._get_oauth_client(**metadata) as client:
    fresh = client.refresh_token(metadata[\"token_endpoint\"], old)
if \"id_token\" in fresh:
    claims = oauth.okta.parse_id_token(fresh, nonce=None)
    if claims[\"sub\"] != request.session[\"sub\"]:
        logout(request)",
        ),
        Userinfo => code(
            "token[\"userinfo\"] is the ID token's claims. userinfo() calls the endpoint and compares nothing.",
            "info = oauth.okta.userinfo(token=token, allow_redirects=False)
if info.get(\"sub\") != claims[\"sub\"]:
    info = claims",
        ),
        Account => code(
            "A model of its own with a unique pair; not User.email, not username.",
            "class Identity(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    iss = models.CharField(max_length=255)
    sub = models.CharField(max_length=255)   # binary collation on MySQL
    class Meta:
        constraints = [models.UniqueConstraint(
            fields=[\"iss\", \"sub\"], name=\"one_account\")]",
        ),
        Trust => code(
            "Compare with True itself. login() does not look at is_active when you name the backend: do it.",
            "verified = claims.get(\"email_verified\") is True
domain = claims.get(\"email\", \"\").rpartition(\"@\")[2].lower()
if not user.is_active:
    return HttpResponseForbidden()
user.groups.set(Group.objects.filter(name__in=claims.get(\"groups\", [])))",
        ),
        Role => code(
            "permission_required and user_passes_test send signed-in strangers to sign-in, in a loop: raise PermissionDenied instead.",
            "def members_only(view):
    def check(request, *args, **kwargs):
        if \"admins\" not in request.session.get(\"groups\", []):
            raise PermissionDenied          # 403
        return view(request, *args, **kwargs)
    return login_required(check)
# in the callback, at every sign-in:
request.session[\"groups\"] = userinfo.get(\"groups\", [])",
        ),
        Escape => code(
            "Templates escape; mark_safe and |safe do not. Addresses need a look at their scheme.",
            "def web(url):
    return url if urlsplit(url or \"\").scheme in {\"http\", \"https\"} else \"\"",
        ),
        SessionId => says(
            "django.contrib.auth.login() begins a new session key, and an empty session when another user was signed in. An app that sets request.session by hand has to call request.session.cycle_key(), or flush() first.",
        ),
        SessionStore => code(
            "The default keeps sessions in the database. signed_cookies is readable and cannot be revoked: not for tokens.",
            "SESSION_ENGINE = \"django.contrib.sessions.backends.cached_db\"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_SAVE_EVERY_REQUEST = False
SESSION_EXPIRE_AT_BROWSER_CLOSE = True",
        ),
        Cookies => code(
            "HttpOnly and SameSite=Lax by default. Secure is not, and Strict would lose the attempt on the way back.",
            "SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SESSION_COOKIE_SAMESITE = \"Lax\"
SESSION_COOKIE_NAME = \"__Host-sessionid\"",
        ),
        Guard => code(
            "Deny by default with the middleware of Django 5.1. RemoteUserMiddleware only where a proxy strips the header.",
            "MIDDLEWARE += [\"django.contrib.auth.middleware.LoginRequiredMiddleware\"]
@login_not_required
def login(request): ...",
        ),
        Caching => code(
            "The Referrer-Policy is same-origin by default; caching is yours.",
            "class NoStore(MiddlewareMixin):
    def process_response(self, request, response):
        response.headers.setdefault(\"Cache-Control\", \"no-store\")
        return response",
        ),
        ReturnTo => code(
            "Django's own check knows the tricks. Keep the target in the session and check it again at the end.",
            "target = request.session.pop(\"next\", \"/\")
if not url_has_allowed_host_and_scheme(
        target, allowed_hosts=None, require_https=request.is_secure()):
    target = \"/\"",
        ),
        SignOut => code(
            "logout() deletes the session's row. With SESSION_SAVE_EVERY_REQUEST = False a late request does not write it back.",
            "@require_POST          # CsrfViewMiddleware checks the token
def sign_out(request):
    logout(request)
    return redirect(\"signed-out\")",
        ),
        RpLogout => code(
            "logout_redirect() raises RuntimeError when the metadata have no such endpoint. It keeps a state in the session: call it after logout().",
            "id_token = request.session.get(\"id_token\")
logout(request)
if not id_token:
    return redirect(\"signed-out\")
return oauth.okta.logout_redirect(
    request, id_token_hint=id_token,
    post_logout_redirect_uri=settings.BASE_URL + reverse(\"signed-out\"))",
        ),
        BackChannelLogout => code(
            "Verify it with joserfc and delete the sessions that it names (keep a table of sid, sub and session key).",
            "@csrf_exempt
@require_POST
@never_cache
def backchannel_logout(request):
    try:
        t = jwt.decode(request.POST[\"logout_token\"], keys(),
                       algorithms=[\"RS256\"]).claims
        registry.validate(t)         # iss, aud, exp, iat, jti essential
        event = t[\"events\"][EVENT]
    except (JoseError, KeyError, TypeError, ValueError):
        return HttpResponseBadRequest()
    if not isinstance(event, dict) or \"nonce\" in t:
        return HttpResponseBadRequest()
    end_sessions(sid=t.get(\"sid\"), sub=t.get(\"sub\"))
    return HttpResponse()",
        ),
        FrontChannelLogout => code(
            "XFrameOptionsMiddleware denies frames: exempt this one view and name the issuer instead.",
            "@xframe_options_exempt
@never_cache
def frontchannel_logout(request):
    ours = (request.GET.get(\"iss\") == settings.OKTA_ISSUER
            and request.GET.get(\"sid\") == request.session.get(\"sid\"))
    if ours:
        logout(request)
    response = HttpResponse(status=200 if ours else 400)
    response[\"Content-Security-Policy\"] = f\"frame-ancestors {ORIGIN}\"
    return response",
        ),
        Errors => code(
            "DEBUG shows settings and traces. Authlib's errors are yours to catch, or they become a 500.",
            "DEBUG = False

try:
    token = oauth.okta.authorize_access_token(request)
except (AuthlibBaseError, JoseError, ValueError) as error:
    log.warning(\"sign-in refused: %s\", error)
    return render(request, \"sign_in_failed.html\", status=400)",
        ),
        Isolation => says(
            "oauth.okta may be shared; it keeps metadata and keys only. What belongs to one sign-in lives in request.session and in local names, never in module globals or in attributes of the client.",
        ),
    }
}
