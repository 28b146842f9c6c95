//! Everything that mock-idp can get wrong, side by side with what this app says to it. A fault that is added over there
//! fails here until somebody has decided.

use mock_idp::flow::fault::{Fault, Message};

/// What the relying party makes of a fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Reaction {
    /// The user signs in all the same.
    SignsIn,
    /// `SignInError`, as `Debug` writes it; the beginning is enough.
    Refuses(&'static str),
    /// No part of a sign-in: end of session, refresh, TLS.
    Elsewhere,
}

use Reaction::{Elsewhere, Refuses, SignsIn};

/// The longest entry that a fault's id begins with counts.
const MIRROR: &[(&str, Reaction)] = &[
    ("identity.", SignsIn),
    ("authorization-response.", SignsIn),
    ("authorization-response.iss-wrong.", Refuses("ResponseIssuer")),
    ("authorization-response.iss-missing", Refuses("ResponseIssuerMissing")),
    ("code.", SignsIn),
    ("token-response.rewritten", SignsIn),
    ("token-response.oauth-error.", Refuses("CodeRefused")),
    ("token-response.http-5xx.", Refuses("TokenEndpoint(Status(50")),
    // Its body is JSON and names an error.
    ("token-response.http-5xx.500", Refuses("CodeRefused")),
    ("token-response.error-in-200.", Refuses("CodeRefused")),
    ("token-response.malformed-body.", Refuses("TokenEndpoint(Malformed")),
    ("token-response.malformed-body.html", Refuses("TokenEndpoint(")),
    ("token-response.malformed-body.form", Refuses("TokenEndpoint(")),
    ("token-response.huge-body.50mb", Refuses("TokenEndpoint(TooLarge)")),
    ("token-response.huge-body.dots", Refuses("TokenEndpoint(TooLarge)")),
    ("token-response.huge-body.nesting", Refuses("TokenEndpoint(")),
    ("token-response.missing-id-token.", Refuses("IdTokenMissing")),
    ("token-response.missing-access-token", Refuses("AccessTokenMissing")),
    ("token-response.token-type-missing", Refuses("TokenType")),
    ("token-response.token-type-unusable.", Refuses("TokenType")),
    ("token-response.token-type-case.", SignsIn),
    ("token-response.minimal.", SignsIn),
    ("token-response.expires-in-odd.", SignsIn),
    ("token-response.extra-members", SignsIn),
    ("token-response.short-lived", SignsIn),
    ("token-response.gzip.valid", SignsIn),
    ("token-response.gzip.bomb", Refuses("TokenEndpoint(")),
    ("token-response.slow.", Refuses("TokenEndpoint(TimedOut)")),
    ("token-response.slow.5s", SignsIn),
    ("token-response.connection-drop.", Refuses("TokenEndpoint(Unreachable)")),
    ("token-response.redirect.", Refuses("TokenEndpoint(Status(30")),
    ("token-response.json-shape.", SignsIn),
    ("id-token.resigned", SignsIn),
    ("id-token.sig-corrupt.", Refuses("IdToken(Signature)")),
    ("id-token.sig-corrupt.dropped", Refuses("IdToken(Malformed)")),
    ("id-token.sig-other-key.", Refuses("IdToken(Signature)")),
    ("id-token.sig-other-key.own-kid", Refuses("IdToken(UnknownKey)")),
    ("id-token.alg-none", Refuses("IdToken(Algorithm)")),
    ("id-token.hs256-", Refuses("IdToken(Algorithm)")),
    ("id-token.alg-not-registered.", Refuses("IdToken(Algorithm)")),
    ("id-token.ecdsa-zero-signature.", Refuses("IdToken(Algorithm)")),
    ("id-token.signed-by-encryption-key", Refuses("IdToken(UnknownKey)")),
    ("id-token.signed-by-weak-key.", Refuses("IdToken(UnknownKey)")),
    ("id-token.kid-absent", SignsIn),
    ("id-token.kid-injection.", Refuses("IdToken(UnknownKey)")),
    ("id-token.kid-injection.path", Refuses("IdToken(")),
    ("id-token.header-jwk.", Refuses("IdToken(UnknownKey)")),
    ("id-token.header-jwk.oct", Refuses("IdToken(Algorithm)")),
    ("id-token.header-jku.", Refuses("IdToken(UnknownKey)")),
    ("id-token.header-x5u-x5c.", Refuses("IdToken(")),
    ("id-token.header-claims", SignsIn),
    ("id-token.crit-unknown.", Refuses("IdToken(Critical)")),
    ("id-token.typ-confusion.", Refuses("IdToken(Kind)")),
    ("id-token.typ-confusion.jwt", SignsIn),
    ("id-token.cross-jwt.", Refuses("IdToken(")),
    ("id-token.unexpected-jwe.", Refuses("IdToken(Malformed)")),
    ("id-token.malformed-structure.", Refuses("IdToken(Malformed)")),
    ("id-token.malformed-structure.not-json", Refuses("IdToken(Claims)")),
    ("id-token.malformed-structure.array", Refuses("IdToken(Claims)")),
    ("id-token.malformed-structure.string", Refuses("IdToken(Claims)")),
    (
        "id-token.malformed-structure.trailing-bytes",
        Refuses("IdToken(Claims)"),
    ),
    ("id-token.malformed-structure.bom", Refuses("IdToken(Claims)")),
    ("id-token.iss-wrong.", Refuses("IdToken(Issuer)")),
    ("id-token.iss-partial.", Refuses("IdToken(Issuer)")),
    ("id-token.iss-missing.absent", Refuses("IdToken(Missing(\"iss\"))")),
    ("id-token.iss-missing.null", Refuses("IdToken(Missing(\"iss\"))")),
    ("id-token.iss-missing.object", Refuses("IdToken(Missing(\"iss\"))")),
    ("id-token.iss-missing.empty", Refuses("IdToken(Issuer)")),
    ("id-token.iss-missing.array", Refuses("IdToken(Issuer)")),
    ("id-token.aud-wrong.", Refuses("IdToken(Audience)")),
    ("id-token.aud-missing.", Refuses("IdToken(Missing(\"aud\"))")),
    ("id-token.aud-missing.empty", Refuses("IdToken(Audience)")),
    ("id-token.aud-single-array", SignsIn),
    ("id-token.aud-untrusted-extra.", Refuses("IdToken(ExtraAudience)")),
    ("id-token.azp-wrong", Refuses("IdToken(AuthorizedParty)")),
    ("id-token.exp-past.", Refuses("IdToken(Expired)")),
    ("id-token.exp-missing.", Refuses("IdToken(Missing(\"exp\"))")),
    ("id-token.nbf-future", Refuses("IdToken(NotYetValid)")),
    ("id-token.iat-out-of-range.past-", Refuses("IdToken(IssuedLongAgo)")),
    (
        "id-token.iat-out-of-range.future-1d",
        Refuses("IdToken(IssuedInFuture)"),
    ),
    ("id-token.iat-missing.", Refuses("IdToken(Missing(\"iat\"))")),
    ("id-token.time-tolerance.", SignsIn),
    ("id-token.sub-missing.", Refuses("IdToken(Missing(\"sub\"))")),
    ("id-token.sub-missing.array", Refuses("IdToken(Claims)")),
    ("id-token.nonce-wrong.", Refuses("IdToken(Nonce)")),
    ("id-token.nonce-missing.", Refuses("IdToken(Nonce)")),
    ("id-token.replayed-token", Refuses("IdToken(Nonce)")),
    ("id-token.at-hash-wrong.", Refuses("IdToken(")),
    ("id-token.at-hash-absent", SignsIn),
    // This app asks for no step-up, so there is nothing to compare.
    ("id-token.step-up-claims.", SignsIn),
    ("id-token.duplicate-claims.", Refuses("IdToken(Claims)")),
    (
        "id-token.type-confusion.exp-string",
        Refuses("IdToken(Missing(\"exp\"))"),
    ),
    ("id-token.type-confusion.nonce-array", Refuses("IdToken(Nonce)")),
    ("id-token.type-confusion.iss-object", Refuses("IdToken(")),
    (
        "id-token.type-confusion.aud-nested",
        Refuses("IdToken(Missing(\"aud\"))"),
    ),
    ("id-token.type-confusion.email-object", SignsIn),
    ("id-token.type-confusion.name-number", SignsIn),
    ("id-token.extra-claims.", SignsIn),
    ("id-token.large-token.", SignsIn),
    ("access-token.resigned", SignsIn),
    ("access-token.opaque-and-long.", Refuses("AccessToken(Malformed)")),
    (
        "access-token.sig-other-key.known-kid",
        Refuses("AccessToken(Signature)"),
    ),
    ("access-token.sig-other-key.own-kid", Refuses("AccessToken(UnknownKey)")),
    ("access-token.iss-wrong.", Refuses("AccessToken(Issuer)")),
    ("access-token.aud-wrong", Refuses("AccessToken(Audience)")),
    ("access-token.exp-past", Refuses("AccessToken(Expired)")),
    ("access-token.cid-wrong", Refuses("AccessToken(Client)")),
    ("userinfo.", SignsIn),
    ("userinfo.sub-mismatch", Refuses("UserinfoSubject")),
    ("userinfo.sub-missing", Refuses("UserinfoSubject")),
    ("userinfo.sub-ambiguous.array-", Refuses("UserinfoSubject")),
    ("metadata.rewritten", SignsIn),
    ("metadata.issuer-mismatch", Refuses("MetadataIssuer")),
    ("metadata.issuer-trailing-slash", Refuses("MetadataIssuer")),
    ("metadata.unavailable.", Refuses("Metadata(Status(50")),
    ("metadata.unavailable.30s", Refuses("Metadata(TimedOut)")),
    ("metadata.malformed.", Refuses("Metadata(")),
    ("metadata.malformed.null-endpoints", Refuses("MetadataEndpoint")),
    ("metadata.unknown-members.", SignsIn),
    ("metadata.endpoints-honoured.", SignsIn),
    ("metadata.cross-origin-redirect", Refuses("Metadata(Status(302))")),
    (
        "metadata.insecure-endpoint.",
        Refuses("MetadataEndpoint(\"token_endpoint\")"),
    ),
    ("metadata.alg-none-advertised", SignsIn),
    ("metadata.pkce-no-fallback.", SignsIn),
    // The document promises what the honest response keeps, or does not.
    ("metadata.iss-parameter", SignsIn),
    ("metadata.no-end-session-endpoint", SignsIn),
    ("jwks.", SignsIn),
    ("jwks.fetch-fails.", Refuses("IdToken(Keys(")),
    ("jwks.fetch-fails.no-keys", Refuses("IdToken(UnknownKey)")),
    ("jwks.unavailable.30s", Refuses("IdToken(Keys(TimedOut))")),
    ("jwks.cross-origin-redirect", Refuses("IdToken(Keys(Status(302)))")),
];

/// What the app says to this fault.
pub(crate) fn reaction(fault: Fault) -> Option<Reaction> {
    match fault.message() {
        Message::EndSession | Message::RefreshResponse | Message::Tls | Message::LogoutToken => return Some(Elsewhere),
        _ => {}
    }
    let fitting = MIRROR.iter().filter(|(prefix, _)| fault.id().starts_with(prefix));
    fitting
        .max_by_key(|(prefix, _)| prefix.len())
        .map(|(_, reaction)| *reaction)
}

#[test]
fn every_fault_has_its_answer_and_every_answer_its_fault() {
    let undecided: Vec<_> = Fault::all()
        .filter(|fault| reaction(*fault).is_none())
        .map(Fault::id)
        .collect();
    assert!(undecided.is_empty(), "no reaction is written down for {undecided:#?}");
    for (prefix, _) in MIRROR {
        assert!(
            Fault::all().any(|fault| fault.id().starts_with(prefix)),
            "there is no fault `{prefix}`"
        );
    }
}
