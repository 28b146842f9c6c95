//! ASP.NET Core 9 with the OpenID Connect and cookie handlers of `Microsoft.AspNetCore.Authentication`.

use super::{
    Remedy::{self, *},
    Snippet, code, says,
};

pub(super) const fn snippet(remedy: Remedy) -> Snippet {
    match remedy {
        SignIn => code(
            "Addresses come from the authority's metadata. ResponseType is id_token by default: ask for a code. Nothing of the query gets in unless OnRedirectToIdentityProvider puts it there.",
            "builder.Services.AddAuthentication(options => {
  options.DefaultScheme = CookieAuthenticationDefaults.AuthenticationScheme;
  options.DefaultChallengeScheme = \"okta\";
}).AddCookie().AddOpenIdConnect(\"okta\", options => {
  options.Authority = config[\"Okta:Issuer\"];
  options.ClientId = config[\"Okta:ClientId\"];
  options.ClientSecret = config[\"Okta:ClientSecret\"];
  options.ResponseType = OpenIdConnectResponseType.Code;
  options.ResponseMode = OpenIdConnectResponseMode.Query;
  options.Scope.Add(\"email\");
});",
        ),
        RedirectUri => code(
            "Put together from the request's host and CallbackPath. Limit the hosts, and trust forwarded headers of known proxies only.",
            "// appsettings.json: \"AllowedHosts\": \"app.example\"
options.Events.OnRedirectToIdentityProvider = context => {
  context.ProtocolMessage.RedirectUri = \"https://app.example/signin-oidc\";
  return Task.CompletedTask;
};",
        ),
        State => says(
            "The state is encrypted and bound to the browser by a correlation cookie, one per attempt and removed by the callback. ProtocolValidator.RequireState = false would switch the check off. CorrelationCookie.Expiration and RemoteAuthenticationTimeout (15 minutes) bound it.",
        ),
        Nonce => says(
            "Sent and compared by default, with an encrypted cookie per attempt. ProtocolValidator.RequireNonce = false would switch it off.",
        ),
        Pkce => says(
            "On by default with ResponseType code, always S256, the verifier inside the encrypted state. UsePkce = false would switch it off.",
        ),
        Callback => code(
            "The handler takes GET and form posts on CallbackPath. Failures reach OnRemoteFailure: without it they become a 500. The redirect to a clean address is its own.",
            "options.Events.OnRemoteFailure = context => {
  context.Response.Redirect(\"/sign-in-failed\");
  context.HandleResponse();
  return Task.CompletedTask;
};",
        ),
        Issuer => code(
            "The authority's metadata decide which issuer tokens must have: compare the two once. iss of the response is not compared.",
            "options.TokenValidationParameters.ValidIssuer = config[\"Okta:Issuer\"];
options.Events.OnMessageReceived = context => {
  var iss = context.ProtocolMessage.Iss;
  if (iss is not null && iss != config[\"Okta:Issuer\"])
    context.Fail(\"the response is of another issuer\");
  return Task.CompletedTask;
};",
        ),
        ClientAuth => says(
            "The handler sends client_secret_post, and only that. For another method clear ClientSecret of the token request in OnAuthorizationCodeReceived and add the header (or a client_assertion) to Backchannel's request: never both.",
        ),
        BackChannel => code(
            "HttpClient follows redirects unless configured otherwise, and verifies certificates: never set a callback that returns true. RequireHttpsMetadata is on by default.",
            "options.BackchannelHttpHandler = new SocketsHttpHandler {
  AllowAutoRedirect = false,
};",
        ),
        Limits => code(
            "One minute and 10 MB by default. Metadata is fetched at the first sign-in and again after a failure.",
            "options.BackchannelTimeout = TimeSpan.FromSeconds(10);
options.Backchannel = new HttpClient(options.BackchannelHttpHandler!) {
  Timeout = options.BackchannelTimeout,
  MaxResponseContentBufferSize = 512 * 1024,
};",
        ),
        TokenResponse => code(
            "An error member and a missing ID token are refused. The token type is not looked at.",
            "options.Events.OnTokenResponseReceived = context => {
  var answer = context.TokenEndpointResponse;
  if (answer.AccessToken is null || !\"Bearer\".Equals(answer.TokenType,
      StringComparison.OrdinalIgnoreCase)) context.Fail(\"token answer\");
  return Task.CompletedTask;
};",
        ),
        Signature => says(
            "Required by default, with the keys of the metadata. RequireSignedTokens = false, a SignatureValidator or an IssuerSigningKeyResolver of your own would switch that off. Header members such as jwk and jku are not used.",
        ),
        Algorithm => code(
            "Any algorithm that fits a published key unless you name one.",
            "options.TokenValidationParameters.ValidAlgorithms =
  [SecurityAlgorithms.RsaSha256];
options.TokenValidationParameters.ValidTypes = [\"JWT\"];",
        ),
        KeySet => code(
            "Fetched again for an unknown kid (RefreshOnIssuerKeyNotFound), at most every five minutes by default: shorten the pause, keep it. One ConfigurationManager for the process.",
            "options.RefreshInterval = TimeSpan.FromSeconds(30);
options.AutomaticRefreshInterval = TimeSpan.FromHours(12);",
        ),
        Claims => code(
            "Issuer and audience are validated by default (ValidateIssuer, ValidateAudience). One audience only, and no renaming of claims, are yours to say.",
            "options.MapInboundClaims = false;
options.TokenValidationParameters.ValidAudience = options.ClientId;
options.Events.OnTokenValidated = context => {
  if (context.SecurityToken.Audiences.Count() != 1
      || string.IsNullOrEmpty(context.SecurityToken.Subject))
    context.Fail(\"audience or subject\");
  return Task.CompletedTask;
};",
        ),
        Times => code(
            "Five minutes of tolerance by default. iat is required by the protocol validator and not compared.",
            "options.TokenValidationParameters.ClockSkew = TimeSpan.FromMinutes(1);",
        ),
        AccessToken => code(
            "at_hash is compared when it is there. To use what is inside the access token, validate it with JsonWebTokenHandler.",
            "var result = await new JsonWebTokenHandler().ValidateTokenAsync(
  accessToken, new TokenValidationParameters {
    ValidIssuer = issuer, ValidAudience = \"api://default\",
    ConfigurationManager = options.ConfigurationManager as
      BaseConfigurationManager,
    ValidAlgorithms = [SecurityAlgorithms.RsaSha256] });
var ours = result.IsValid && result.Claims[\"cid\"] as string == clientId;",
        ),
        StepUp => code(
            "MaxAge is sent; auth_time and acr are yours to compare.",
            "options.MaxAge = TimeSpan.FromMinutes(5);
options.ProtocolValidator.RequireAuthTime = true;
options.Events.OnTokenValidated = context => {
  if (context.SecurityToken.Claims.FirstOrDefault(c => c.Type == \"acr\")
      ?.Value != wanted) context.Fail(\"too weak\");
  return Task.CompletedTask;
};",
        ),
        Refresh => code(
            "The handler does not refresh. In OnValidatePrincipal of the cookie, validate a new ID token and compare sub.",
            "if (fresh.IdToken is not null) {
  var token = await handler.ValidateTokenAsync(fresh.IdToken, parameters);
  if (!token.IsValid || token.Claims[\"sub\"] as string
      != context.Principal!.FindFirstValue(\"sub\"))
    context.RejectPrincipal();
}",
        ),
        Userinfo => code(
            "The handler compares sub when it fetches userinfo itself. Map what you need.",
            "options.GetClaimsFromUserInfoEndpoint = true;
options.ClaimActions.MapJsonKey(\"email\", \"email\");",
        ),
        Account => code(
            "ASP.NET Core Identity keys external sign-ins by provider and ProviderKey: let that be sub, and never look users up by address to sign them in.",
            "await signInManager.ExternalLoginSignInAsync(\"okta\",
  principal.FindFirstValue(\"sub\")!, isPersistent: false,
  bypassTwoFactor: true);",
        ),
        Trust => code(
            "Claims are strings: compare with \"true\" and the value type. Derive roles in OnTokenValidated.",
            "var verified = principal.Claims.Any(c => c is {
  Type: \"email_verified\", Value: \"true\",
  ValueType: ClaimValueTypes.Boolean });
var domain = email.Split('@')[^1].ToLowerInvariant();",
        ),
        Role => code(
            "Map the claim to roles, so that [Authorize(Roles)] and policies know it; a signed-in stranger then gets 403 by AccessDeniedPath.",
            "oidcOptions.TokenValidationParameters.RoleClaimType = \"groups\";
app.MapGet(\"/admin\", Admin)
  .RequireAuthorization(policy => policy.RequireRole(\"admins\"));
// AccessDeniedPath: a page with status 403, not the sign-in",
        ),
        Escape => code(
            "Razor escapes @values, Html.Raw does not. Do not show context.Failure.Message of OnRemoteFailure: it holds error_description.",
            "var web = Uri.TryCreate(picture, UriKind.Absolute, out var uri)
  && uri.Scheme is \"http\" or \"https\" ? uri : null;",
        ),
        SessionId => says(
            "Every sign-in issues a new cookie ticket. Data in ISession are another matter: its id stays, so call HttpContext.Session.Clear() in OnTicketReceived, or do without it.",
        ),
        SessionStore => code(
            "The cookie is an encrypted ticket that cannot be revoked, and grows with SaveTokens. A ticket store keeps it on the server.",
            "builder.Services.AddOptions<CookieAuthenticationOptions>(
    CookieAuthenticationDefaults.AuthenticationScheme)
  .Configure<ITicketStore>((options, store) => {
    options.SessionStore = store;             // IDistributedCache inside
    options.ExpireTimeSpan = TimeSpan.FromMinutes(30);
    options.SlidingExpiration = true;
  });",
        ),
        Cookies => code(
            "HttpOnly and SameSite=Lax by default, Secure as the request was. Correlation and nonce cookies are SameSite=None for form posts; with ResponseMode query they may be Lax.",
            "cookie.Cookie.SecurePolicy = CookieSecurePolicy.Always;
cookie.Cookie.Name = \"__Host-session\";
options.CorrelationCookie.SameSite = SameSiteMode.Lax;
options.NonceCookie.SameSite = SameSiteMode.Lax;",
        ),
        Guard => code(
            "A fallback policy closes every endpoint that says nothing, UseAuthorization() every method.",
            "builder.Services.AddAuthorizationBuilder().SetFallbackPolicy(
  new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
app.MapGet(\"/signed-out\", () => \"...\").AllowAnonymous();",
        ),
        Caching => code(
            "The handlers send no-store with their redirects; pages are yours.",
            "app.Use(async (context, next) => {
  context.Response.Headers.CacheControl = \"no-store\";
  context.Response.Headers[\"Referrer-Policy\"] = \"same-origin\";
  await next();
});",
        ),
        ReturnTo => code(
            "AuthenticationProperties.RedirectUri is followed unchecked.",
            "app.MapGet(\"/login\", (string? returnUrl, IUrlHelper url) =>
  Results.Challenge(new AuthenticationProperties {
    RedirectUri = url.IsLocalUrl(returnUrl) ? returnUrl : \"/\",
  }, [\"okta\"]));",
        ),
        SignOut => code(
            "By POST with an antiforgery token. With a ticket store the session dies on the server; without one only the cookie goes.",
            "[HttpPost, ValidateAntiForgeryToken]
public IActionResult Logout() => SignOut(
  new AuthenticationProperties { RedirectUri = \"/signed-out\" },
  CookieAuthenticationDefaults.AuthenticationScheme, \"okta\");",
        ),
        RpLogout => code(
            "Signing out of the OpenID Connect scheme goes to end_session_endpoint, and returns to SignedOutCallbackPath: register that one. id_token_hint needs SaveTokens.",
            "options.SaveTokens = true;
options.SignedOutCallbackPath = \"/signout-callback-oidc\";
options.SignedOutRedirectUri = \"/signed-out\";",
        ),
        BackChannelLogout => code(
            "Nothing built in: validate with JsonWebTokenHandler and remove tickets from the store.",
            "app.MapPost(\"/backchannel-logout\", async (HttpRequest request) => {
  var form = await request.ReadFormAsync();
  var token = await handler.ValidateTokenAsync(form[\"logout_token\"],
      parameters);               // issuer, ClientId, keys, RS256
  if (!token.IsValid || !HasEvent(token) || !Has(token, \"jti\")
      || Has(token, \"nonce\")) return Results.BadRequest();
  await store.RemoveAsync(token.Claims);   // by sid, else by sub
  return Results.Ok();
}).AllowAnonymous().DisableAntiforgery();",
        ),
        FrontChannelLogout => says(
            "Built in: RemoteSignOutPath (/signout-oidc) compares sid and iss when the session has them, and signs out of SignOutScheme. Register that address. Frames are allowed unless the antiforgery system or you send X-Frame-Options: exempt this path.",
        ),
        Errors => code(
            "The developer page only in development; Kestrel limits the request line to 8 KB and headers to 32 KB.",
            "if (!app.Environment.IsDevelopment()) app.UseExceptionHandler(\"/error\");
app.UseStatusCodePagesWithReExecute(\"/error\");",
        ),
        Isolation => says(
            "Options, handlers' events and singletons are shared: keep what belongs to one sign-in in HttpContext, the properties or the principal, and use no static fields.",
        ),
    }
}
