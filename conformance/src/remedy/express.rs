//! Express, express-session and openid-client 6. `client` is `import * as client from 'openid-client'`, `config` what
//! `client.discovery()` returned, `attempt` what the session keeps of one sign-in.

use super::{
    Remedy::{self, *},
    Snippet, code, says,
};

pub(super) const fn snippet(remedy: Remedy) -> Snippet {
    match remedy {
        SignIn => code(
            "buildAuthorizationUrl() takes the endpoint from the metadata and encodes every parameter once. Do not spread req.query into its parameters.",
            "const url = client.buildAuthorizationUrl(config, {
  redirect_uri: REDIRECT_URI,
  scope: 'openid profile email',
  state: attempt.state,
  nonce: attempt.nonce,
  code_challenge: await client.calculatePKCECodeChallenge(attempt.verifier),
  code_challenge_method: 'S256',
})
res.redirect(url.href)",
        ),
        RedirectUri => code(
            "The grant derives redirect_uri from the URL that it is given: build that URL on a configured base, not on req.get('host').",
            "const BASE = process.env.BASE_URL          // https://app.example
const REDIRECT_URI = `${BASE}/callback`
const current = new URL(req.originalUrl, BASE)",
        ),
        State => code(
            "openid-client compares the state when expectedState is given; client.skipStateCheck would switch that off. The attempt has to come from this browser's session, and to be gone before anything is redeemed.",
            "// sign-in
const started = { state: client.randomState(), nonce: client.randomNonce(),
                  verifier: client.randomPKCECodeVerifier() }
const old = Object.entries(req.session.attempts ?? {}).slice(-9)
req.session.attempts = Object.fromEntries(
  [...old, [started.state, started]])
// callback
const attempt = Object.entries(req.session.attempts ?? {})
  .find(([state]) => state === req.query.state)?.[1]
if (!attempt) return refuse(res)
delete req.session.attempts[attempt.state]",
        ),
        Nonce => code(
            "The grant compares the nonce when expectedNonce is given, and then requires an ID token. Without it a token with a nonce is refused, one without is accepted.",
            "const tokens = await client.authorizationCodeGrant(config, current, {
  expectedState: attempt.state,
  expectedNonce: attempt.nonce,
  pkceCodeVerifier: attempt.verifier,
})",
        ),
        Pkce => code(
            "calculatePKCECodeChallenge() is S256 only. Send it whatever config.serverMetadata().supportsPKCE() says.",
            "attempt.verifier = client.randomPKCECodeVerifier()
params.code_challenge =
  await client.calculatePKCECodeChallenge(attempt.verifier)
params.code_challenge_method = 'S256'
// callback: { pkceCodeVerifier: attempt.verifier }",
        ),
        Callback => code(
            "authorizationCodeGrant() refuses repeated parameters, errors and front-channel tokens itself; Express answers HEAD with the GET handler, which would spend the code.",
            "app.head('/callback', (req, res) => res.sendStatus(405))
app.get('/callback', async (req, res) => {
  if (/prefetch/i.test(req.get('Sec-Purpose') ?? req.get('Purpose') ?? ''))
    return res.sendStatus(403)
  const tokens = await finish(req)          // throws: one error page
  res.redirect(303, '/profile')             // no code in the address
})",
        ),
        Issuer => code(
            "discovery() refuses a document of another issuer, and the grant compares iss with it, and demands it when the metadata promises it. Both stay on as long as the configuration comes from discovery() with a fixed issuer.",
            "const config = await client.discovery(
  new URL(process.env.OKTA_ISSUER), CLIENT_ID, CLIENT_SECRET)",
        ),
        ClientAuth => code(
            "A client secret alone means client_secret_post. The fourth argument of discovery() names another method; ClientSecretBasic() form-encodes both parts.",
            "const config = await client.discovery(issuer, CLIENT_ID, undefined,
  client.ClientSecretBasic(CLIENT_SECRET))
// public client: client.None()",
        ),
        BackChannel => code(
            "openid-client does not follow redirects (redirect: 'manual') and refuses http addresses; client.allowInsecureRequests switches the second off. A private CA goes into NODE_EXTRA_CA_CERTS; never set NODE_TLS_REJECT_UNAUTHORIZED=0. A customFetch has to pass the options on.",
            "config[client.customFetch] = (url, options) => fetch(url, options)",
        ),
        Limits => code(
            "config.timeout is in seconds (30 by default) and covers the whole call. Sizes are not limited: cap them in a customFetch. Discover when the first sign-in needs it, and forget a failure.",
            "let ready
const okta = () => ready ??= client.discovery(issuer, CLIENT_ID, SECRET)
  .then((config) => { config.timeout = 10; return config })
  .catch((error) => { ready = undefined; throw error })",
        ),
        TokenResponse => code(
            "The grant refuses error members, other statuses, missing access tokens and unknown token types, and compares bearer without case. idTokenExpected makes the ID token compulsory (expectedNonce does so too).",
            "await client.authorizationCodeGrant(config, current, {
  ...checks, idTokenExpected: true,
})",
        ),
        Signature => code(
            "openid-client leaves the signature of an ID token that came straight from the token endpoint to TLS, as OpenID Connect allows. Okta's guides and ASVS want it verified: one line. Keys come from the metadata's jwks_uri only.",
            "client.enableNonRepudiationChecks(config)",
        ),
        Algorithm => code(
            "Without a registered algorithm the metadata's list decides. Register one; none is never accepted.",
            "const config = await client.discovery(issuer, CLIENT_ID, {
  client_secret: CLIENT_SECRET,
  id_token_signed_response_alg: 'RS256',
})",
        ),
        KeySet => code(
            "The key set is used only with enableNonRepudiationChecks(). It is cached, fetched again for an unknown kid at most once a minute, and chosen by kid, kty, use and alg. Keep one config for the whole process: the cache lives in it.",
            "export const config = await client.discovery(/* once */)
client.enableNonRepudiationChecks(config)",
        ),
        Claims => says(
            "authorizationCodeGrant() requires iss, aud, sub, exp and iat and compares them with the configuration; several audiences need azp. There is no switch. Do not decode tokens.id_token yourself, use tokens.claims().",
        ),
        Times => code(
            "exp, iat and nbf are checked without tolerance by default. Allow for clocks, but not more than a few minutes.",
            "config[client.clockTolerance] = 60",
        ),
        AccessToken => code(
            "at_hash is compared when it is there. To use what is inside the access token, verify it with jose.",
            "import { createRemoteJWKSet, jwtVerify } from 'jose'
const keys = createRemoteJWKSet(new URL(metadata.jwks_uri))
const { payload } = await jwtVerify(tokens.access_token, keys, {
  issuer: ISSUER, audience: 'api://default', algorithms: ['RS256'] })
if (payload.cid !== CLIENT_ID) throw new Error('another client')",
        ),
        StepUp => code(
            "maxAge makes the grant check auth_time. acr is yours to compare.",
            "const tokens = await client.authorizationCodeGrant(config, current, {
  ...checks, maxAge: 300,
})
if (tokens.claims().acr !== 'urn:okta:loa:2fa:any') return stepUp(res)",
        ),
        Refresh => code(
            "refreshTokenGrant() validates a new ID token but does not know the old one: compare sub. Any error ends the session.",
            "const fresh = await client.refreshTokenGrant(config, s.refreshToken)
const claims = fresh.claims()
if (claims && claims.sub !== s.user.sub) throw new Error('another user')
s.refreshToken = fresh.refresh_token ?? s.refreshToken",
        ),
        Userinfo => code(
            "The third argument is compared with the answer's sub; client.skipSubjectCheck would switch that off.",
            "const { sub } = tokens.claims()
const info = await client.fetchUserInfo(config, tokens.access_token, sub)",
        ),
        Account => code(
            "Look accounts up by both claims, with a unique index over them and a binary collation.",
            "const { iss, sub } = tokens.claims()
await db.query(`INSERT INTO users (iss, sub, email) VALUES ($1, $2, $3)
  ON CONFLICT (iss, sub) DO UPDATE SET email = excluded.email`,
  [iss, sub, info.email ?? null])",
        ),
        Trust => code(
            "Compare with true itself: \"false\" is truthy in JavaScript. Take roles from this sign-in, not from the database.",
            "const verified = claims.email_verified === true
const domain = claims.email?.split('@').at(-1).toLowerCase()
const allowed = verified && domain === 'corp.example'
req.session.roles = rolesFor(claims.groups ?? [])",
        ),
        Role => code(
            "A middleware on the route. includes() on the array compares whole names; on a string it would find parts.",
            "req.session.groups = [claims.groups ?? []].flat()  // every sign-in
const only = (group) => (req, res, next) =>
  !req.session.user ? res.redirect(303, '/login')
    : req.session.groups.includes(group) ? next() : res.sendStatus(403)
app.use('/admin', only('admins'), adminRouter)",
        ),
        Escape => code(
            "Use a template engine that escapes (EJS <%= %>, Handlebars {{ }}); res.send() of a concatenated string does not. Let only web addresses become links.",
            "const web = (url) =>
  /^https?:$/.test(URL.parse(url ?? '')?.protocol ?? '') ? url : undefined
res.render('profile', { name: info.name, picture: web(info.picture) })",
        ),
        SessionId => code(
            "express-session keeps the id at sign-in unless it is configured otherwise.",
            "const user = { sub, name: info.name }
await new Promise((done, fail) =>
  req.session.regenerate((error) => (error ? fail(error) : done())))
req.session.user = user",
        ),
        SessionStore => code(
            "express-session sends only a signed id; the store keeps the rest. MemoryStore is for development. cookie.maxAge is the idle limit, the total life is yours to check.",
            "app.use(session({ store, secret: process.env.SESSION_SECRET,
  resave: false, saveUninitialized: false, rolling: true,
  cookie: { httpOnly: true, sameSite: 'lax', secure: true,
            maxAge: 30 * 60_000 } }))
app.use((req, res, next) =>
  Date.now() - req.session.since > 8 * 3600_000
    ? req.session.destroy(next) : next())",
        ),
        Cookies => code(
            "httpOnly is on by default, secure and sameSite are not. Behind a proxy that ends TLS, Express has to trust it, or no secure cookie is set.",
            "app.set('trust proxy', 1)
app.use(session({ name: '__Host-sid', /* ... */
  cookie: { path: '/', httpOnly: true, secure: true, sameSite: 'lax' } }))",
        ),
        Guard => code(
            "One middleware before all routers; app.use() sees every method and the same path that the routers see.",
            "const PUBLIC = new Set(['/', '/login', '/callback', '/signed-out'])
app.use((req, res, next) => {
  if (req.session.user || PUBLIC.has(req.path)) return next()
  return req.accepts('html') && req.method === 'GET'
    ? res.redirect(303, '/login') : res.sendStatus(401)
})",
        ),
        Caching => code(
            "Express sends no caching headers, and adds an ETag.",
            "app.use((req, res, next) => {
  res.set({ 'Cache-Control': 'no-store', 'Referrer-Policy': 'same-origin' })
  next()
})",
        ),
        ReturnTo => code(
            "URL parses as browsers do. Keep the result with the attempt and check it again before the redirect.",
            "function local(target) {
  const url = URL.parse(String(target ?? ''), BASE)
  return url?.origin === new URL(BASE).origin
    ? url.pathname + url.search : '/'
}
res.redirect(303, local(attempt.returnTo))",
        ),
        SignOut => code(
            "destroy() deletes the session in the store; with resave: false a late request does not write it back. The form carries a token, or Sec-Fetch-Site is compared.",
            "app.post('/logout', (req, res, next) => {
  if (req.get('Sec-Fetch-Site') === 'cross-site') return res.sendStatus(403)
  req.session.destroy((error) => {
    if (error) return next(error)
    res.clearCookie('sid', { path: '/' })
    res.redirect(303, '/signed-out')
  })
})",
        ),
        RpLogout => code(
            "buildEndSessionUrl() throws when the metadata have no end_session_endpoint. It adds client_id itself. Read the ID token before the session is destroyed.",
            "const { idToken } = req.session
// after destroy():
if (!config.serverMetadata().end_session_endpoint || !idToken)
  return res.redirect(303, '/signed-out')
res.redirect(303, client.buildEndSessionUrl(config, {
  id_token_hint: idToken, post_logout_redirect_uri: `${BASE}/signed-out`,
}).href)",
        ),
        BackChannelLogout => code(
            "openid-client has nothing for it; verify the token with jose and end the sessions in the store.",
            "const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
app.post('/backchannel-logout', express.urlencoded({ limit: '64kb' }),
  async (req, res) => {
    res.set('Cache-Control', 'no-store')
    const { payload: t } = await jwtVerify(req.body.logout_token, keys, {
      issuer: ISSUER, audience: CLIENT_ID, algorithms: ['RS256'],
      requiredClaims: ['iat', 'exp', 'jti'] })
    if (typeof t.events?.[EVENT] !== 'object' || 'nonce' in t
        || !(t.sub || t.sid)) return res.sendStatus(400)
    await endSessions(t.sid ? { sid: t.sid } : { sub: t.sub })
    res.sendStatus(200)
  })                                   // errors of jwtVerify: 400",
        ),
        FrontChannelLogout => code(
            "The session has to remember the sid of its ID token. The cookie reaches a frame only with SameSite=None.",
            "app.get('/frontchannel-logout', (req, res) => {
  res.set({ 'Cache-Control': 'no-store',
    'Content-Security-Policy': `frame-ancestors ${ISSUER_ORIGIN}` })
  const { iss, sid } = req.query
  if (iss !== ISSUER || sid !== req.session.sid) return res.sendStatus(400)
  req.session.destroy(() => res.sendStatus(200))
})",
        ),
        Errors => code(
            "Node limits headers and the request line to 16 KB (431). Express 5 passes rejected promises to the error handler; with NODE_ENV=production the built-in one shows no stack, but it still answers 500.",
            "app.use((error, req, res, next) => {
  log.error(error)
  if (res.headersSent) return next(error)
  const ours = error.status >= 400 && error.status < 500
  res.status(ours ? error.status : 400).render('sign-in-failed')
})",
        ),
        Isolation => code(
            "config may be shared; attempts, tokens and users belong to req.session or to local constants, never to a variable of the module.",
            "const tokens = await client.authorizationCodeGrant(config, current, checks)
req.session.user = { sub: tokens.claims().sub }   // not: currentUser = ...",
        ),
    }
}
