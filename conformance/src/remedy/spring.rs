//! Spring Security 6.5 (`oauth2Login`), with Spring Boot or without; the Okta starter configures the same classes.

use super::{
    Remedy::{self, *},
    Snippet, code, says,
};

pub(super) const fn snippet(remedy: Remedy) -> Snippet {
    match remedy {
        SignIn => code(
            "Addresses come from the issuer's metadata; the request is built by DefaultOAuth2AuthorizationRequestResolver, which takes nothing from the query. A customizer should not either.",
            "# application.properties
spring.security.oauth2.client.provider.okta.issuer-uri=${OKTA_ISSUER}
spring.security.oauth2.client.registration.okta.client-id=${OKTA_CLIENT_ID}
spring.security.oauth2.client.registration.okta.client-secret=${OKTA_SECRET}
spring.security.oauth2.client.registration.okta.scope=openid,profile,email",
        ),
        RedirectUri => code(
            "The default template {baseUrl}/login/oauth2/code/{registrationId} follows the Host header, and X-Forwarded-Host once forwarded headers are trusted. Write the address out.",
            "spring.security.oauth2.client.registration.okta.redirect-uri=\\
  https://app.example/login/oauth2/code/okta
server.forward-headers-strategy=none",
        ),
        State => says(
            "Always sent, kept in the HTTP session by HttpSessionOAuth2AuthorizationRequestRepository, compared and removed. It keeps one attempt per browser: a second tab ends the first, cleanly. A repository of your own (a cookie, say) has to encrypt and to remove it too.",
        ),
        Nonce => says(
            "Sent and compared by itself when the scopes contain openid; the ID token decoder checks its hash against the session's. A resolver of your own must keep DefaultOAuth2AuthorizationRequestResolver inside.",
        ),
        Pkce => code(
            "Version 6 uses PKCE for public clients only (client-authentication-method=none). Confidential ones need the customizer; Okta.configureOAuth2WithPkce() does the same.",
            "var resolver = new DefaultOAuth2AuthorizationRequestResolver(
    clients, \"/oauth2/authorization\");
resolver.setAuthorizationRequestCustomizer(
    OAuth2AuthorizationRequestCustomizers.withPkce());
http.oauth2Login(login -> login.authorizationEndpoint(
    endpoint -> endpoint.authorizationRequestResolver(resolver)));",
        ),
        Callback => code(
            "OAuth2LoginAuthenticationFilter answers every method and reads the first of repeated parameters. Put a filter before it; it redirects to a clean address by itself.",
            "http.addFilterBefore((request, response, chain) -> {
  var r = (HttpServletRequest) request;
  var back = r.getRequestURI().startsWith(\"/login/oauth2/code/\");
  var twice = r.getParameterMap().values().stream()
      .anyMatch(v -> v.length > 1);
  if (back && (twice || !r.getMethod().equals(\"GET\")))
    ((HttpServletResponse) response).sendError(400);
  else chain.doFilter(request, response);
}, OAuth2LoginAuthenticationFilter.class);",
        ),
        Issuer => code(
            "With issuer-uri the metadata's issuer is compared. iss of the authorization response is not looked at: with one issuer that is allowed; with several, compare it in the filter above.",
            "if (!ISSUER.equals(request.getParameter(\"iss\"))) response.sendError(400);",
        ),
        ClientAuth => code(
            "client_secret_basic by default, with form-encoded parts. Name another one in the registration; only that is used.",
            "spring.security.oauth2.client.registration.okta.\\
  client-authentication-method=client_secret_basic",
        ),
        BackChannel => code(
            "Certificates are verified against the JVM's trust store; the JDK's client behind RestClient follows redirects only where it is told to. Say so, for token, userinfo and key requests alike.",
            "var http = HttpClient.newBuilder()
    .followRedirects(HttpClient.Redirect.NEVER)
    .connectTimeout(Duration.ofSeconds(3)).build();
var factory = new JdkClientHttpRequestFactory(http);
factory.setReadTimeout(Duration.ofSeconds(10));",
        ),
        Limits => code(
            "No time limit by default. Give the token client and the userinfo service a RestClient or RestTemplate with one. A supplier of the registration lets the app start without the issuer.",
            "var client = new RestClientAuthorizationCodeTokenResponseClient();
client.setRestClient(RestClient.builder().requestFactory(factory)
    .messageConverters(c -> { c.clear();
      c.add(new FormHttpMessageConverter());
      c.add(new OAuth2AccessTokenResponseHttpMessageConverter()); })
    .defaultStatusHandler(new OAuth2ErrorResponseErrorHandler()).build());
http.oauth2Login(l -> l.tokenEndpoint(t ->
    t.accessTokenResponseClient(client)));
new SupplierClientRegistrationRepository(() -> discovered());",
        ),
        TokenResponse => says(
            "A missing access token, another token type than Bearer and, with openid, a missing ID token are refused; extra members go to additionalParameters. A converter of your own should not be more generous.",
        ),
        Signature => says(
            "OidcIdTokenDecoderFactory verifies with the provider's jwks-uri, always. Header members such as jwk and jku are not used. A JwtDecoder of your own for ID tokens steps around it: configure the factory instead.",
        ),
        Algorithm => code(
            "RS256 unless the factory is configured otherwise, whatever the metadata says.",
            "@Bean JwtDecoderFactory<ClientRegistration> idTokens() {
  var factory = new OidcIdTokenDecoderFactory();
  factory.setJwsAlgorithmResolver(r -> SignatureAlgorithm.RS256);
  return factory;
}",
        ),
        KeySet => says(
            "Nimbus caches the set for five minutes and fetches it again for an unknown kid, rate limited and by one thread at a time; symmetric keys and use=enc are passed over. The factory keeps one decoder per registration: do not build decoders per request.",
        ),
        Claims => code(
            "OidcIdTokenValidator requires iss, sub, aud, exp and iat, compares iss and aud, and wants azp for several audiences. setJwtValidatorFactory() replaces all of it: add to it instead.",
            "factory.setJwtValidatorFactory(r -> new DelegatingOAuth2TokenValidator<>(
    new JwtTimestampValidator(), new OidcIdTokenValidator(r), own));",
        ),
        Times => code(
            "60 seconds of tolerance by default.",
            "var validator = new OidcIdTokenValidator(registration);
validator.setClockSkew(Duration.ofSeconds(60));",
        ),
        AccessToken => code(
            "at_hash is not checked; a validator can. To use what is inside the access token, decode it with a JwtDecoder of its own.",
            "NimbusJwtDecoder decoder = NimbusJwtDecoder.withIssuerLocation(ISSUER)
    .jwsAlgorithm(SignatureAlgorithm.RS256).build();
decoder.setJwtValidator(new DelegatingOAuth2TokenValidator<>(
    JwtValidators.createDefaultWithIssuer(ISSUER),
    new JwtClaimValidator<List<String>>(\"aud\",
        aud -> aud != null && aud.contains(\"api://default\")),
    new JwtClaimValidator<String>(\"cid\", CLIENT_ID::equals)));",
        ),
        StepUp => code(
            "Nothing is compared by itself: add a validator beside OidcIdTokenValidator.",
            "OAuth2TokenValidator<Jwt> fresh = jwt -> {
  Instant at = jwt.getClaimAsInstant(\"auth_time\");
  return at != null && at.isAfter(Instant.now().minusSeconds(360))
      ? OAuth2TokenValidatorResult.success()
      : OAuth2TokenValidatorResult.failure(new OAuth2Error(\"stale\"));
};",
        ),
        Refresh => says(
            "Since 6.5 a refreshed ID token is held against the first (iss, sub, aud, iat, nonce) by OidcAuthorizedClientRefreshedEventListener, and the session's user is renewed. Before 6.5 the new ID token is ignored. invalid_grant removes the authorized client; send the user to sign in again.",
        ),
        Userinfo => says(
            "OidcUserService compares sub and refuses the sign-in when it differs. An OAuth2UserService of your own should delegate to it. It calls userinfo only when the scopes ask for claims of it.",
        ),
        Account => code(
            "Authentication.getName() is sub unless user-name-attribute says otherwise: leave it at sub, and look accounts up by issuer and sub.",
            "spring.security.oauth2.client.provider.okta.user-name-attribute=sub
// OidcUserService delegate:
users.findByIssuerAndSubject(user.getIssuer().toString(),
    user.getSubject());",
        ),
        Trust => code(
            "Compare with TRUE itself, and map authorities from the claims of this sign-in.",
            "if (!Boolean.TRUE.equals(user.getEmailVerified())) throw refused();
@Bean GrantedAuthoritiesMapper mapper() {
  return authorities -> rolesOf(authorities);   // from OidcUserAuthority
}",
        ),
        Role => code(
            "The Okta starter makes authorities of the claim `groups` (okta.oauth2.groups-claim); without it map them. Signed-in strangers get 403.",
            "http.authorizeHttpRequests(requests -> requests
    .requestMatchers(\"/admin/**\").hasAuthority(\"admins\")
    .anyRequest().authenticated());
// without the starter: a GrantedAuthoritiesMapper that reads, of an
// OidcUserAuthority, getIdToken().getClaimAsStringList(\"groups\")",
        ),
        Escape => code(
            "Thymeleaf escapes with th:text and not with th:utext. The default failure page shows the error's description: give it one of your own.",
            "<span th:text=\"${user.fullName}\"></span>
http.oauth2Login(l -> l.failureUrl(\"/sign-in-failed\"));",
        ),
        SessionId => says(
            "The session id changes at sign-in (changeSessionId), by default. sessionFixation().none() would switch that off; newSession() starts an empty one, which is better where users change.",
        ),
        SessionStore => code(
            "The cookie holds an id, the container keeps the rest; tokens stay in the OAuth2AuthorizedClientRepository. Never put an ID into the URL.",
            "server.servlet.session.timeout=30m
server.servlet.session.tracking-modes=cookie",
        ),
        Cookies => code(
            "HttpOnly by default; the other two are not.",
            "server.servlet.session.cookie.secure=true
server.servlet.session.cookie.same-site=lax
server.servlet.session.cookie.http-only=true",
        ),
        Guard => code(
            "Deny by default. StrictHttpFirewall refuses //, ;x, %2f and their kin; do not loosen it. RequestHeaderAuthenticationFilter only where a proxy strips the header.",
            "http.authorizeHttpRequests(requests -> requests
    .requestMatchers(\"/\", \"/signed-out\", \"/error\").permitAll()
    .anyRequest().authenticated());",
        ),
        Caching => code(
            "no-store is sent by default; headers().cacheControl().disable() would switch it off. The Referrer-Policy has to be asked for.",
            "http.headers(headers -> headers.referrerPolicy(policy ->
    policy.policy(ReferrerPolicy.SAME_ORIGIN)));",
        ),
        ReturnTo => says(
            "The request cache keeps the page that was asked for, never an address from a parameter. SavedRequestAwareAuthenticationSuccessHandler follows a parameter only after setTargetUrlParameter(): leave that alone.",
        ),
        SignOut => says(
            "POST /logout with a CSRF token invalidates the session and clears the context, by default. csrf().disable() lets GET and foreign forms do it. Add deleteCookies(\"JSESSIONID\"), and a logoutSuccessUrl that is public.",
        ),
        RpLogout => code(
            "The handler sends id_token_hint and goes to the published endpoint, or to the default target when there is none.",
            "var handler = new OidcClientInitiatedLogoutSuccessHandler(clients);
handler.setPostLogoutRedirectUri(\"https://app.example/signed-out\");
http.logout(logout -> logout.logoutSuccessHandler(handler));",
        ),
        BackChannelLogout => code(
            "Built in: POST /logout/connect/back-channel/okta, with all checks. In a cluster give it an OidcSessionRegistry that is shared.",
            "http.oidcLogout(logout -> logout.backChannel(Customizer.withDefaults()));",
        ),
        FrontChannelLogout => code(
            "Nothing built in: a controller compares iss and sid with the OidcUser's. Frames are denied by default, so allow the issuer's there.",
            "@GetMapping(\"/frontchannel-logout\")
ResponseEntity<Void> out(@AuthenticationPrincipal OidcUser user,
    String iss, String sid, HttpServletRequest request) {
  boolean ours = user != null && user.getIssuer().toString().equals(iss)
      && Objects.equals(user.getClaimAsString(\"sid\"), sid);
  if (ours) request.getSession().invalidate();
  return ResponseEntity.status(ours ? 200 : 400)
      .cacheControl(CacheControl.noStore()).build();
}",
        ),
        Errors => code(
            "Boot's error page shows neither message nor trace unless it is configured to.",
            "server.error.include-message=never
server.error.include-stacktrace=never
server.max-http-request-header-size=16KB",
        ),
        Isolation => says(
            "Beans are singletons: nothing of a sign-in belongs in their fields. The principal comes from the SecurityContext of the request; copy it before you hand work to another thread.",
        ),
    }
}
