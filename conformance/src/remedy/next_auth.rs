//! NextAuth.js 4 (`next-auth`), whose engine for OpenID Connect is openid-client 5.

use super::{
    Remedy::{self, *},
    Snippet, code, says,
};

pub(super) const fn snippet(remedy: Remedy) -> Snippet {
    match remedy {
        SignIn => code(
            "The Okta provider takes addresses from the issuer's metadata. signIn() in the browser may add authorization parameters of its own; only those of the provider are checked.",
            "import OktaProvider from 'next-auth/providers/okta'
export const authOptions: NextAuthOptions = {
  providers: [OktaProvider({
    clientId: process.env.OKTA_CLIENT_ID!,
    clientSecret: process.env.OKTA_CLIENT_SECRET!,
    issuer: process.env.OKTA_ISSUER,
    checks: ['pkce', 'state', 'nonce'],
  })],
}",
        ),
        RedirectUri => code(
            "The redirect URI is NEXTAUTH_URL plus /api/auth/callback/okta. Without NEXTAUTH_URL, and with AUTH_TRUST_HOST or on Vercel, it follows X-Forwarded-Host.",
            "# .env
NEXTAUTH_URL=https://app.example",
        ),
        State => code(
            "Checked by default; checks replaces the default, so name it. The cookie is encrypted and bound to the browser. There is one per browser: a second tab replaces the first attempt's.",
            "OktaProvider({ /* ... */ checks: ['pkce', 'state', 'nonce'] })",
        ),
        Nonce => code(
            "Not among the defaults of version 4. With it the nonce is kept in an encrypted cookie and compared.",
            "OktaProvider({ /* ... */ checks: ['pkce', 'state', 'nonce'] })",
        ),
        Pkce => code(
            "Not among the defaults of version 4. Always S256; the verifier is kept in an encrypted cookie for 15 minutes.",
            "OktaProvider({ /* ... */ checks: ['pkce', 'state', 'nonce'] })",
        ),
        Callback => code(
            "NextAuth reads the response and redirects to callbackUrl. A refused response leads to the error page: give it one of your own, so that ?error= is not shown as it comes.",
            "export const authOptions: NextAuthOptions = {
  pages: { error: '/sign-in-failed' },
}",
        ),
        Issuer => code(
            "A discovered issuer is compared with tokens and with iss of the response. Name the issuer in the settings and let wellKnown follow from it; do not offer a provider whose issuer a user can type.",
            "OktaProvider({ /* ... */ issuer: process.env.OKTA_ISSUER })",
        ),
        ClientAuth => code(
            "Basic by default. The method can be named among the client's settings.",
            "OktaProvider({ /* ... */
  client: { token_endpoint_auth_method: 'client_secret_basic' },
})",
        ),
        BackChannel => says(
            "openid-client 5 follows no redirects and verifies certificates. A private CA goes into NODE_EXTRA_CA_CERTS; never set NODE_TLS_REJECT_UNAUTHORIZED=0, nor httpOptions with an agent that does not verify.",
        ),
        Limits => code(
            "3.5 seconds by default. httpOptions sets another limit, in milliseconds. Metadata is fetched for each sign-in, so an issuer that is late takes nothing down.",
            "OktaProvider({ /* ... */ httpOptions: { timeout: 10_000 } })",
        ),
        TokenResponse => code(
            "With idToken: true, as in the Okta provider, a missing ID token is refused. A provider of your own has to say so too, and must not define token.request without the checks.",
            "{ id: 'okta', type: 'oauth', idToken: true,
  wellKnown: `${issuer}/.well-known/openid-configuration`, /* ... */ }",
        ),
        Signature => code(
            "Always verified, against the metadata's jwks_uri, when idToken is true. A profile() that decodes tokens.id_token itself, or userinfo.request, steps around it.",
            "{ id: 'okta', type: 'oauth', idToken: true, /* ... */ }",
        ),
        Algorithm => code(
            "RS256 and nothing else by default; the setting of the client would change it.",
            "OktaProvider({ /* ... */
  client: { id_token_signed_response_alg: 'RS256' },
})",
        ),
        KeySet => says(
            "openid-client caches the key set per issuer object, and NextAuth 4 makes a new one for every sign-in: rotation is never missed, at the price of two more requests. Rate limits belong in front (a cache for the two documents).",
        ),
        Claims => says(
            "iss, aud, azp and sub are required and compared when idToken is true; there is no switch. Do not overwrite token.sub in the jwt callback with anything but the provider's sub.",
        ),
        Times => says(
            "exp and iat are required; the tolerance is fixed at 10 seconds. Keep the server's clock synchronised rather than widening it.",
        ),
        AccessToken => code(
            "at_hash is compared when it is there. Verify the access token with jose if you read it, in the jwt callback.",
            "async jwt({ token, account }) {
  if (account?.access_token) await jwtVerify(account.access_token, keys, {
    issuer: ISSUER, audience: 'api://default', algorithms: ['RS256'] })
  return token
}",
        ),
        StepUp => code(
            "NextAuth sends what authorization.params says and does not compare the answer: do so in the signIn callback.",
            "callbacks: {
  async signIn({ profile }) {
    const age = Date.now() / 1000 - Number(profile?.auth_time ?? 0)
    return age < 360 && profile?.acr === WANTED
  },
}",
        ),
        Refresh => code(
            "NextAuth does not refresh. In the jwt callback, hold a new ID token against token.sub, and report an error to the session when it fails.",
            "const fresh = await refresh(token.refreshToken)      // your fetch
if (fresh.id_token) {
  const { payload } = await jwtVerify(fresh.id_token, keys, {
    issuer: ISSUER, audience: CLIENT_ID, algorithms: ['RS256'] })
  if (payload.sub !== token.sub) return { ...token, error: 'refused' }
}
return { ...token, refreshToken: fresh.refresh_token ?? token.refreshToken }",
        ),
        Userinfo => says(
            "With idToken: true NextAuth takes the claims from the ID token and does not call userinfo. With idToken: false it does, and compares sub when there is an ID token. A userinfo.request of your own has to compare it itself.",
        ),
        Account => says(
            "Accounts are keyed by provider and profile().id: let that be profile.sub, as the Okta provider does. Never set allowDangerousEmailAccountLinking: it opens existing accounts to whoever has the address.",
        ),
        Trust => code(
            "Compare with true itself, in the signIn callback; derive roles in the jwt callback whenever account is there.",
            "async signIn({ profile }) {
  const domain = profile?.email?.split('@').at(-1)?.toLowerCase()
  return (profile as OktaProfile).email_verified === true
    && domain === 'corp.example'
}",
        ),
        Role => code(
            "Put the groups of the profile into the token at sign-in, and ask for them where the page reads its data: withAuth alone sends strangers to sign-in, in a loop.",
            "callbacks: {
  jwt: ({ token, profile }) =>
    profile ? { ...token, groups: profile.groups ?? [] } : token,
}
// app/admin/page.tsx
const token = await getToken({ req })
if (!token?.groups?.includes('admins')) forbidden()   // 403",
        ),
        Escape => code(
            "React escapes text, but not javascript: addresses. next/image fetches only from hosts that the configuration names: do not open it to all.",
            "const web = (url?: string | null) =>
  /^https?:$/.test(URL.parse(url ?? '')?.protocol ?? '') ? url! : undefined
<img src={web(session.user.image)} alt=\"\" />",
        ),
        SessionId => says(
            "Every sign-in issues a new session token, as encrypted cookie or, with a database adapter, as a new row. Signing in while signed in links the account instead when an adapter is used: sign out first.",
        ),
        SessionStore => code(
            "The default is an encrypted cookie that cannot be revoked; a database session can. Do not copy access tokens into the session callback: it answers to scripts.",
            "session: {
  strategy: 'database',        // with an adapter; 'jwt' keeps a cookie
  maxAge: 8 * 3600, updateAge: 15 * 60,
}",
        ),
        Cookies => code(
            "HttpOnly and SameSite=Lax by default, Secure and __Host-/__Secure- when NEXTAUTH_URL is https. Leave cookies alone, or repeat those options.",
            "NEXTAUTH_URL=https://app.example     # useSecureCookies follows",
        ),
        Guard => code(
            "The middleware guards what its matcher names, so let it name everything but the exceptions; check again where data are read.",
            "export { default } from 'next-auth/middleware'
export const config = {
  matcher: ['/((?!api/auth|_next|sign-in-failed|signed-out|$).*)'],
}",
        ),
        Caching => code(
            "Its own endpoints send no-store; pages are yours.",
            "// next.config.js
headers: async () => [{ source: '/:path*', headers: [
  { key: 'Cache-Control', value: 'no-store' },
  { key: 'Referrer-Policy', value: 'same-origin' },
] }]",
        ),
        ReturnTo => code(
            "The default redirect callback allows the app's own origin only. If you replace it, compare origins.",
            "redirect({ url, baseUrl }) {
  const target = URL.parse(url, baseUrl)
  return target?.origin === baseUrl ? target.href : baseUrl
}",
        ),
        SignOut => says(
            "signOut() posts with a CSRF token and clears the cookies; GET shows a page that asks. With session.strategy 'jwt' a copied cookie lives on until maxAge: only the database strategy ends it on the server.",
        ),
        RpLogout => code(
            "NextAuth does not leave the app. Keep the ID token in the encrypted JWT, and lead the browser on after signOut({ redirect: false }).",
            "const url = new URL(metadata.end_session_endpoint)
if (token?.idToken) url.searchParams.set('id_token_hint', token.idToken)
url.searchParams.set('post_logout_redirect_uri',
  'https://app.example/signed-out')
return NextResponse.redirect(url)",
        ),
        BackChannelLogout => code(
            "Nothing built in, and it needs the database strategy: there must be something to delete.",
            "const { payload: t } = await jwtVerify(form.get('logout_token'), keys, {
  issuer: ISSUER, audience: CLIENT_ID, algorithms: ['RS256'],
  requiredClaims: ['iat', 'exp', 'jti'] })
const event =
  t.events?.['http://schemas.openid.net/event/backchannel-logout']
if (typeof event !== 'object' || 'nonce' in t || !(t.sub || t.sid))
  return new Response(null, { status: 400 })
await endSessions(t)      // delete the rows of Session
return new Response(null, { headers: { 'Cache-Control': 'no-store' } })",
        ),
        FrontChannelLogout => code(
            "Nothing built in. A route of its own compares iss and sid with those in the token, and clears the session cookie.",
            "const token = await getToken({ req })
const query = req.nextUrl.searchParams
if (query.get('iss') !== ISSUER || query.get('sid') !== token?.sid)
  return new Response(null, { status: 400 })
const answer = new NextResponse(null, { headers: {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': `frame-ancestors ${ISSUER_ORIGIN}` } })
answer.cookies.delete('__Secure-next-auth.session-token')",
        ),
        Errors => code(
            "Leave debug off in production, and give errors a page of your own that knows the codes by name instead of printing them.",
            "debug: false,
pages: { error: '/sign-in-failed' },",
        ),
        Isolation => says(
            "NextAuth keeps nothing of a sign-in in the module. Callbacks run in parallel: hand on what they learn through their return value, never through a variable outside.",
        ),
    }
}
