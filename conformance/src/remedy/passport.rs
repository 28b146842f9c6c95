//! Passport 0.7 with the strategy of openid-client 6 (`openid-client/passport`).

use super::{
    Remedy::{self, *},
    Snippet, code, says,
};

pub(super) const fn snippet(remedy: Remedy) -> Snippet {
    match remedy {
        SignIn => code(
            "The strategy builds the request from its options and the metadata. Do not pass req.query as options to passport.authenticate().",
            "import { Strategy } from 'openid-client/passport'
passport.use('okta', new Okta({ config, scope: 'openid profile email',
  callbackURL: 'https://app.example/callback' }, verify))
app.get('/login', passport.authenticate('okta'))",
        ),
        RedirectUri => code(
            "Without callbackURL the strategy puts the address together from the request's Host header. Always set it.",
            "new Okta({ config, callbackURL: process.env.BASE_URL + '/callback',
  scope: 'openid profile email' }, verify)",
        ),
        State => code(
            "The strategy sends a state only to servers that do not announce PKCE. Add one: it is then kept in the session and compared. The strategy keeps one attempt per browser; a second tab ends the first, cleanly.",
            "class Okta extends Strategy {
  authorizationRequestParams(req, options) {
    const params = super.authorizationRequestParams(req, options)
    params.set('state', client.randomState())
    params.set('nonce', client.randomNonce())
    return params
  }
}",
        ),
        Nonce => code(
            "For response_type=code the strategy sends no nonce by itself. One that authorizationRequestParams() adds is kept in the session and compared with the ID token.",
            "class Okta extends Strategy {
  authorizationRequestParams(req, options) {
    const params = super.authorizationRequestParams(req, options)
    params.set('nonce', client.randomNonce())
    return params
  }
}",
        ),
        Pkce => says(
            "The strategy always sends S256 with a fresh verifier and keeps it in the session; there is no switch. Of the other strategies passport-oauth2 does so only with pkce: 'S256'.",
        ),
        Callback => code(
            "The strategy reads the response once and refuses repeated parameters. Route only GET to it: Express would answer HEAD with the same handler. failureRedirect leads to a page of your own.",
            "app.head('/callback', (req, res) => res.sendStatus(405))
app.get('/callback',
  passport.authenticate('okta', { failureRedirect: '/sign-in-failed' }),
  (req, res) => res.redirect(303, '/profile'))",
        ),
        Issuer => code(
            "client.discovery() compares the issuer, the strategy's grant compares iss. Both hold as long as config comes from discovery() with a fixed issuer.",
            "const config = await client.discovery(
  new URL(process.env.OKTA_ISSUER), CLIENT_ID, CLIENT_SECRET)",
        ),
        ClientAuth => code(
            "The method belongs to config, as in openid-client without Passport.",
            "const config = await client.discovery(issuer, CLIENT_ID, undefined,
  client.ClientSecretBasic(CLIENT_SECRET))",
        ),
        BackChannel => says(
            "openid-client follows no redirects and refuses http; client.allowInsecureRequests switches the second off. A private CA goes into NODE_EXTRA_CA_CERTS; never set NODE_TLS_REJECT_UNAUTHORIZED=0.",
        ),
        Limits => code(
            "The time limit is config's, in seconds (30 by default). Register the strategy when discovery has worked, and try again when it has not.",
            "config.timeout = 10",
        ),
        TokenResponse => code(
            "The grant refuses errors, missing access tokens and unknown types. The ID token is compulsory once a nonce was sent; the verify callback should not do without it either.",
            "const verify = (tokens, done) => {
  const claims = tokens.claims()
  return claims ? done(null, { iss: claims.iss, sub: claims.sub })
                : done(null, false, { message: 'no ID token' })
}",
        ),
        Signature => code(
            "Signatures of ID tokens from the token endpoint are left to TLS unless you ask.",
            "client.enableNonRepudiationChecks(config)",
        ),
        Algorithm => code(
            "Register the algorithm with the client; otherwise the metadata's list decides.",
            "const config = await client.discovery(issuer, CLIENT_ID, {
  client_secret: CLIENT_SECRET,
  id_token_signed_response_alg: 'RS256',
})",
        ),
        KeySet => code(
            "With enableNonRepudiationChecks() the key set is cached in config and fetched again for an unknown kid at most once a minute. One config per process.",
            "client.enableNonRepudiationChecks(config)",
        ),
        Claims => says(
            "The grant requires and compares iss, aud, sub, exp and iat; there is no switch. Use tokens.claims() in the verify callback, never a decoder of your own.",
        ),
        Times => code(
            "No tolerance by default; allow for clocks.",
            "config[client.clockTolerance] = 60",
        ),
        AccessToken => code(
            "at_hash is compared when it is there. Verify the access token with jose if you read it.",
            "const { payload } = await jwtVerify(tokens.access_token, keys, {
  issuer: ISSUER, audience: 'api://default', algorithms: ['RS256'] })
if (payload.cid !== CLIENT_ID) return done(null, false)",
        ),
        StepUp => code(
            "A max_age that authorizationRequestParams() sets is kept and checked against auth_time. acr is yours to compare, in the verify callback.",
            "params.set('max_age', '300')
// verify:
if (tokens.claims().acr !== WANTED) return done(null, false)",
        ),
        Refresh => code(
            "The strategy does not refresh. Use the grant, and compare sub.",
            "const fresh = await client.refreshTokenGrant(config, refreshToken)
const claims = fresh.claims()
if (claims && claims.sub !== req.user.sub) return req.logout(next)",
        ),
        Userinfo => code(
            "The strategy does not call userinfo. Do it in the verify callback, with the sub that is expected.",
            "const verify = async (tokens, done) => {
  const { sub } = tokens.claims()
  const info = await client.fetchUserInfo(config, tokens.access_token, sub)
  done(null, { sub, name: info.name, email: info.email })
}",
        ),
        Account => code(
            "The verify callback finds the account: by issuer and sub.",
            "const { iss, sub } = tokens.claims()
const user = await Users.findOrCreate({ where: { iss, sub } })
done(null, user)",
        ),
        Trust => code(
            "Compare with true itself, and take roles from the claims of this sign-in.",
            "const domain = claims.email?.split('@').at(-1).toLowerCase()
if (claims.email_verified !== true || domain !== 'corp.example')
  return done(null, false, { message: 'no such account' })
if (user.disabled) return done(null, false)",
        ),
        Role => code(
            "Give the user object its groups in the verify callback, at every sign-in; a middleware on the route asks for them.",
            "const verify = (tokens, done) => {
  const { sub, groups = [] } = tokens.claims()
  done(null, { sub, groups: [groups].flat() })
}
app.use('/admin', (req, res, next) =>
  !req.isAuthenticated() ? res.redirect(303, '/login')
    : req.user.groups.includes('admins') ? next() : res.sendStatus(403))",
        ),
        Escape => code(
            "info.message of a failed sign-in holds the issuer's error_description, which anybody can write: do not show it. Escape claims in the template.",
            "app.get('/sign-in-failed', (req, res) =>
  res.status(400).render('sign-in-failed'))   // words of your own",
        ),
        SessionId => code(
            "Passport 0.6 and later begins a new session in req.logIn(), and passport.authenticate() calls that. keepSessionInfo: true would carry the old contents over.",
            "app.get('/callback',
  passport.authenticate('okta', { keepSessionInfo: false }))",
        ),
        SessionStore => code(
            "serializeUser() decides what the session keeps: ids, not tokens that are not needed. Limits are those of express-session.",
            "passport.serializeUser((user, done) => done(null, user.id))
app.use(session({ store, secret, resave: false, saveUninitialized: false,
  rolling: true, cookie: { secure: true, sameSite: 'lax',
                           maxAge: 30 * 60_000 } }))",
        ),
        Cookies => code(
            "Those of express-session: httpOnly is on, secure and sameSite are not.",
            "cookie: { path: '/', httpOnly: true, secure: true, sameSite: 'lax' }",
        ),
        Guard => code(
            "One middleware before all routers. passport.authenticate('session') only reads the session, it guards nothing.",
            "app.use((req, res, next) => {
  if (req.isAuthenticated() || PUBLIC.has(req.path)) return next()
  return req.method === 'GET' ? res.redirect(303, '/login')
                              : res.sendStatus(401)
})",
        ),
        Caching => code(
            "Neither Express nor Passport sends caching headers.",
            "app.use((req, res, next) => {
  res.set({ 'Cache-Control': 'no-store', 'Referrer-Policy': 'same-origin' })
  next()
})",
        ),
        ReturnTo => code(
            "successReturnToOrRedirect follows req.session.returnTo unchecked: put only local paths there. req.logIn() empties the session, so read it before, or set keepSessionInfo and delete it.",
            "function local(target) {
  const url = URL.parse(String(target ?? ''), BASE)
  return url?.origin === new URL(BASE).origin
    ? url.pathname + url.search : '/'
}",
        ),
        SignOut => code(
            "req.logout() is asynchronous and begins an empty session; destroy it as well. By POST, and not from another site.",
            "app.post('/logout', (req, res, next) => {
  if (req.get('Sec-Fetch-Site') === 'cross-site') return res.sendStatus(403)
  req.logout((error) => error ? next(error)
    : req.session.destroy(() => {
        res.clearCookie('connect.sid')
        res.redirect(303, '/signed-out')
      }))
})",
        ),
        RpLogout => code(
            "Passport knows nothing of it: build the address with openid-client, after the local sign-out. The ID token has to be kept by the verify callback.",
            "const url = client.buildEndSessionUrl(config, {
  id_token_hint: idToken,
  post_logout_redirect_uri: 'https://app.example/signed-out',
})
res.redirect(303, url.href)",
        ),
        BackChannelLogout => code(
            "Neither has anything for it; verify the token with jose and end sessions in the store.",
            "const { payload: t } = await jwtVerify(req.body.logout_token, keys, {
  issuer: ISSUER, audience: CLIENT_ID, algorithms: ['RS256'],
  requiredClaims: ['iat', 'exp', 'jti'] })
const event =
  t.events?.['http://schemas.openid.net/event/backchannel-logout']
if (typeof event !== 'object' || 'nonce' in t || !(t.sub || t.sid))
  return res.sendStatus(400)
await endSessions(t.sid ? { sid: t.sid } : { sub: t.sub })
res.set('Cache-Control', 'no-store').sendStatus(200)",
        ),
        FrontChannelLogout => code(
            "Keep the sid of the ID token in the session and compare it.",
            "app.get('/frontchannel-logout', (req, res, next) => {
  res.set({ 'Cache-Control': 'no-store',
    'Content-Security-Policy': `frame-ancestors ${ISSUER_ORIGIN}` })
  const { iss, sid } = req.query
  if (iss !== ISSUER || sid !== req.session.sid) return res.sendStatus(400)
  req.logout((error) => error ? next(error) : res.sendStatus(200))
})",
        ),
        Errors => code(
            "Everything but access_denied reaches Express as an error: without a handler of your own that is a 500.",
            "app.use((error, req, res, next) => {
  log.error(error)
  res.status(400).render('sign-in-failed')
})",
        ),
        Isolation => says(
            "The strategy object is shared and keeps nothing of a sign-in. Keep it so: what the verify callback finds out goes through done(), not into variables around it.",
        ),
    }
}
