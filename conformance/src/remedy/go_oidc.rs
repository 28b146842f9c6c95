//! Go with go-oidc 3, x/oauth2 and scs 2 for sessions. `a.sessions` is the `*scs.SessionManager`, `a.oauth2` the
//! `oauth2.Config`, `a.verifier` the `*oidc.IDTokenVerifier`.

use super::{
    Remedy::{self, *},
    Snippet, code, says,
};

pub(super) const fn snippet(remedy: Remedy) -> Snippet {
    match remedy {
        SignIn => code(
            "AuthCodeURL() builds the query. Options come from your own values, never from r.URL.Query().",
            "a.oauth2 = oauth2.Config{
	ClientID: clientID, ClientSecret: clientSecret,
	Endpoint:    provider.Endpoint(),
	RedirectURL: baseURL + \"/callback\",
	Scopes:      []string{oidc.ScopeOpenID, \"profile\", \"email\"},
}
http.Redirect(w, r, a.oauth2.AuthCodeURL(state,
	oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)),
	http.StatusSeeOther)",
        ),
        RedirectUri => code(
            "One string in oauth2.Config serves both requests. Never build it from r.Host.",
            "RedirectURL: os.Getenv(\"BASE_URL\") + \"/callback\",",
        ),
        State => code(
            "Neither library keeps or compares it: do both, in the session, and pop it before the exchange. Bound the list.",
            "state := rand.Text()                       // crypto/rand, Go 1.24
a.sessions.Put(ctx, \"attempt:\"+state, attempt{nonce, verifier})
// callback
got, ok := a.sessions.Pop(ctx, \"attempt:\"+query.Get(\"state\")).(attempt)
if !ok {
	return errors.New(\"this browser has no such sign-in open\")
}",
        ),
        Nonce => code(
            "Verify() does not know it: compare it yourself.",
            "idToken, err := a.verifier.Verify(ctx, raw)
if err != nil {
	return err
}
if idToken.Nonce != got.nonce {
	return errors.New(\"nonce did not match\")
}",
        ),
        Pkce => code(
            "x/oauth2 has all of it, but you have to ask.",
            "verifier := oauth2.GenerateVerifier()
url := a.oauth2.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier))
token, err := a.oauth2.Exchange(ctx, code, oauth2.VerifierOption(verifier))",
        ),
        Callback => code(
            "A ServeMux pattern with GET answers HEAD too. query.Get() reads the first of repeated parameters.",
            "query := r.URL.Query()
for _, values := range query {
	if len(values) != 1 {
		return errBadRequest
	}
}
if r.Method != http.MethodGet || query.Get(\"error\") != \"\" ||
	query.Get(\"code\") == \"\" {
	return errBadRequest
}",
        ),
        Issuer => code(
            "NewProvider() compares the issuer of the metadata; oidc.InsecureIssuerURLContext() would switch that off. iss of the response is yours.",
            "if iss := query.Get(\"iss\"); iss != \"\" && iss != issuer {
	return errors.New(\"the response is of another issuer\")
}",
        ),
        ClientAuth => code(
            "x/oauth2 tries Basic and then the form until one works: name the style.",
            "endpoint := provider.Endpoint()
endpoint.AuthStyle = oauth2.AuthStyleInHeader",
        ),
        BackChannel => code(
            "net/http verifies certificates (SSL_CERT_FILE for a private CA, never InsecureSkipVerify) and follows redirects, with the body for 307 and 308.",
            "client := &http.Client{CheckRedirect: func(*http.Request,
	[]*http.Request) error { return http.ErrUseLastResponse }}
ctx = oidc.ClientContext(ctx, client)     // for x/oauth2 as well",
        ),
        Limits => code(
            "http.DefaultClient waits forever. x/oauth2 reads at most 1 MB, go-oidc has no limit. Call NewProvider() when it is needed and again after a failure.",
            "client.Timeout = 10 * time.Second
client.Transport = &limited{http.DefaultTransport, 512 << 10}

func (l *limited) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := l.next.RoundTrip(r)
	if err == nil {
		res.Body = http.MaxBytesReader(nil, res.Body, l.max)
	}
	return res, err
}",
        ),
        TokenResponse => code(
            "Exchange() refuses errors and a missing access token. The ID token and the type are yours to look at.",
            "raw, ok := token.Extra(\"id_token\").(string)
if !ok || !strings.EqualFold(token.TokenType, \"bearer\") {
	return errors.New(\"token response is not complete\")
}",
        ),
        Signature => says(
            "Verify() checks it with the provider's jwks_uri and refuses jwk headers and unknown crit. Config.InsecureSkipSignatureCheck would switch it off; so does reading claims with a JWT library of your own.",
        ),
        Algorithm => code(
            "By default what the metadata advertise (never none or HMAC).",
            "verifier := provider.Verifier(&oidc.Config{
	ClientID:             clientID,
	SupportedSigningAlgs: []string{oidc.RS256},
})",
        ),
        KeySet => says(
            "RemoteKeySet keeps the keys, fetches them again for an unknown kid and lets all who wait share that fetch. There is no pause between fetches: limit the callback's rate. Keep one provider for the process.",
        ),
        Claims => code(
            "Verify() compares iss and looks for the client id in aud; SkipIssuerCheck and SkipClientIDCheck would switch that off. Further audiences, azp and an empty sub are yours.",
            "var more struct{ Azp string `json:\"azp\"` }
err = idToken.Claims(&more)
if err != nil || len(idToken.Audience) != 1 || idToken.Subject == \"\" ||
	(more.Azp != \"\" && more.Azp != clientID) {
	return errors.New(\"not a token for this client\")
}",
        ),
        Times => code(
            "exp is compared without tolerance and nbf with five minutes; iat is not looked at. Config.Now can allow for clocks.",
            "if idToken.IssuedAt.IsZero() ||
	idToken.IssuedAt.After(time.Now().Add(time.Minute)) {
	return errors.New(\"iat\")
}",
        ),
        AccessToken => code(
            "at_hash is compared only when you call for it. To read the access token, verify it with a verifier of its own.",
            "if idToken.AccessTokenHash != \"\" {
	err = idToken.VerifyAccessToken(token.AccessToken)
}
api := provider.Verifier(&oidc.Config{ClientID: \"api://default\"})
access, err := api.Verify(ctx, token.AccessToken)   // then compare cid",
        ),
        StepUp => code(
            "Send it as an option, compare it in the claims.",
            "oauth2.SetAuthURLParam(\"max_age\", \"300\")
var c struct {
	AuthTime int64  `json:\"auth_time\"`
	ACR      string `json:\"acr\"`
}
if err := idToken.Claims(&c); err != nil || c.ACR != wanted ||
	time.Since(time.Unix(c.AuthTime, 0)) > 6*time.Minute {
	return errStepUp
}",
        ),
        Refresh => code(
            "TokenSource() renews the access token and does not look at the ID token.",
            "fresh, err := a.oauth2.TokenSource(ctx, old).Token()
if raw, ok := fresh.Extra(\"id_token\").(string); ok && err == nil {
	idToken, err := a.verifier.Verify(ctx, raw)
	if err != nil || idToken.Subject != user.Subject {
		return a.sessions.Destroy(ctx)
	}
}",
        ),
        Userinfo => code(
            "UserInfo() does not compare sub.",
            "info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
if err != nil || info.Subject != idToken.Subject {
	return errors.New(\"userinfo is about another subject\")
}",
        ),
        Account => code(
            "A unique pair, byte for byte.",
            "INSERT INTO users (iss, sub, email) VALUES ($1, $2, $3)
ON CONFLICT (iss, sub) DO UPDATE SET email = excluded.email",
        ),
        Trust => code(
            "UserInfo.EmailVerified also takes the string \"true\": read it as a bool yourself.",
            "var c struct {
	Email    string   `json:\"email\"`
	Verified bool     `json:\"email_verified\"`   // a string is an error
	Groups   []string `json:\"groups\"`
}
err := idToken.Claims(&c)
domain := c.Email[strings.LastIndexByte(c.Email, '@')+1:]",
        ),
        Role => code(
            "A handler around the page; slices.Contains compares whole names.",
            "var claims struct{ Groups []string `json:\"groups\"` }
if err := idToken.Claims(&claims); err != nil { /* refuse */ }
sessions.Put(ctx, \"groups\", claims.Groups)   // every sign-in

func only(group string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		groups, _ := sessions.Get(r.Context(), \"groups\").([]string)
		if !slices.Contains(groups, group) {
			http.Error(w, \"not for you\", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}",
        ),
        Escape => code(
            "html/template escapes for the place, javascript: addresses included; text/template and fmt.Fprintf do not.",
            "import \"html/template\"
var profile = template.Must(template.New(\"\").Parse(
	`<p>{{.Name}}</p><img src=\"{{.Picture}}\" alt=\"\">`))",
        ),
        SessionId => code(
            "scs keeps the token until it is configured otherwise.",
            "if err := a.sessions.RenewToken(ctx); err != nil {
	return err
}
a.sessions.Put(ctx, \"user\", user)     // after Clear(), for another user",
        ),
        SessionStore => code(
            "The cookie is 32 random bytes; the store holds the rest.",
            "sessions := scs.New()
sessions.Store = redisstore.New(pool)
sessions.Lifetime = 8 * time.Hour
sessions.IdleTimeout = 30 * time.Minute",
        ),
        Cookies => code(
            "HttpOnly and SameSite=Lax by default, Secure is not.",
            "sessions.Cookie.Name = \"__Host-session\"
sessions.Cookie.Secure = true
sessions.Cookie.SameSite = http.SameSiteLaxMode
sessions.Cookie.HttpOnly = true",
        ),
        Guard => code(
            "Two muxes: what is public, and the rest behind one handler.",
            "public.Handle(\"/\", requireUser(private))

func requireUser(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !sessions.Exists(r.Context(), \"user\") {
			http.Redirect(w, r, \"/login\", http.StatusSeeOther)
			return
		}
		next.ServeHTTP(w, r)
	})
}",
        ),
        Caching => code(
            "One handler around everything.",
            "func noStore(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(\"Cache-Control\", \"no-store\")
		w.Header().Set(\"Referrer-Policy\", \"same-origin\")
		next.ServeHTTP(w, r)
	})
}",
        ),
        ReturnTo => code(
            "url.Parse does not read backslashes and control characters as browsers do: refuse them first.",
            "func local(target string) string {
	u, err := url.Parse(target)
	if err != nil || u.IsAbs() || u.Host != \"\" ||
		!strings.HasPrefix(target, \"/\") ||
		strings.HasPrefix(target, \"//\") ||
		strings.ContainsFunc(target, func(c rune) bool {
			return c == '\\\\' || unicode.IsControl(c) }) {
		return \"/\"
	}
	return target
}",
        ),
        SignOut => code(
            "Destroy() deletes the entry in the store. CrossOriginProtection (Go 1.25) refuses foreign forms.",
            "mux.HandleFunc(\"POST /logout\", func(w http.ResponseWriter,
	r *http.Request) {
	if err := sessions.Destroy(r.Context()); err != nil {
		http.Error(w, \"try again\", http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, \"/signed-out\", http.StatusSeeOther)
})
handler := http.NewCrossOriginProtection().Handler(mux)",
        ),
        RpLogout => code(
            "go-oidc does not know the endpoint: read it from the metadata.",
            "var metadata struct {
	EndSession string `json:\"end_session_endpoint\"`
}
err := provider.Claims(&metadata)
query := url.Values{\"post_logout_redirect_uri\": {base + \"/signed-out\"}}
if idToken != \"\" {
	query.Set(\"id_token_hint\", idToken)
}
http.Redirect(w, r, metadata.EndSession+\"?\"+query.Encode(), 303)",
        ),
        BackChannelLogout => code(
            "VerifyLogout() checks signature, iss, aud, exp, jti, the event, nonce, and that sub or sid is there.",
            "mux.HandleFunc(\"POST /backchannel-logout\", func(w http.ResponseWriter,
	r *http.Request) {
	w.Header().Set(\"Cache-Control\", \"no-store\")
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	token, err := verifier.VerifyLogout(r.Context(),
		r.PostFormValue(\"logout_token\"))
	if err != nil || token.IssuedAt.IsZero() {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	endSessions(token.SessionID, token.Subject)
})",
        ),
        FrontChannelLogout => code(
            "The session has to remember the sid of its ID token. The cookie reaches a frame only with SameSite=None.",
            "w.Header().Set(\"Cache-Control\", \"no-store\")
w.Header().Set(\"Content-Security-Policy\", \"frame-ancestors \"+origin)
q := r.URL.Query()
if q.Get(\"iss\") != issuer || q.Get(\"sid\") == \"\" ||
	q.Get(\"sid\") != sessions.GetString(ctx, \"sid\") {
	w.WriteHeader(http.StatusBadRequest)
	return
}
err := sessions.Destroy(ctx)",
        ),
        Errors => code(
            "Never http.Error(w, err.Error(), ...): errors of Exchange() hold the issuer's whole answer.",
            "server := &http.Server{Handler: handler, MaxHeaderBytes: 16 << 10,
	ReadHeaderTimeout: 5 * time.Second}
log.Printf(\"sign-in refused: %v\", err)
w.WriteHeader(http.StatusBadRequest)
render(w, \"sign-in-failed\", nil)",
        ),
        Isolation => says(
            "provider, verifier and oauth2.Config may be shared: they are not written to after the start. Keep what belongs to one sign-in in the session and in local variables, and run the tests with -race.",
        ),
    }
}
