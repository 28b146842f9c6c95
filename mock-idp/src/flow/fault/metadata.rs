//! What discovery document, key set and certificate can get wrong: these reach every flow of their server.

use super::Message;

faults! {
    /// What the discovery document can get wrong.
    MetadataFault, Message::Metadata, "metadata", twin = Rewritten;
    Rewritten, "rewritten", "OIDC Discovery 1.0 §4.2", "Nothing is wrong: the document went through the hook and was written again.";
    IssuerSuffix, "issuer-mismatch", "OIDC Discovery 1.0 §4.3", "The issuer has a character too many.";
    IssuerTrailingSlash, "issuer-trailing-slash", "OIDC Discovery 1.0 §4.3", "The issuer has a slash at its end that the configured one has not.";
    Status503, "unavailable.503", "RFC 9110 §15.6.4", "The answer is 503.";
    Status500, "unavailable.500", "RFC 9110 §15.6.1", "The answer is 500.";
    Slow30s, "unavailable.30s", "OIDC Discovery 1.0 §4.2", "The answer comes after thirty seconds, or when the fault ends.";
    Html, "malformed.html", "OIDC Discovery 1.0 §4.2", "The document is HTML.";
    Truncated, "malformed.truncated", "RFC 8259 §2", "The document is cut off in the middle of the JSON.";
    Array, "malformed.array", "OIDC Discovery 1.0 §4.2", "The document is a JSON array around itself.";
    NullEndpoints, "malformed.null-endpoints", "OIDC Discovery 1.0 §3", "All endpoints are null.";
    UnknownMembers, "unknown-members.members", "OIDC Discovery 1.0 §3", "The document has dozens of members that nobody knows, which must be ignored.";
    MtlsAliases, "unknown-members.mtls-aliases", "RFC 8705 §5", "The document has mtls_endpoint_aliases, which do not concern other clients.";
    UnknownAlgorithms, "unknown-members.algorithms", "OIDC Discovery 1.0 §3", "Every list of supported values begins with one that nobody knows.";
    UnusualPaths, "endpoints-honoured.paths", "OIDC Discovery 1.0 §3", "All endpoints are published on unusual paths, which is allowed.";
    EndpointQueries, "endpoints-honoured.query", "RFC 6749 §3.1", "The authorization and the token endpoint are published with a query of their own, which is allowed.";
    JwksPath, "endpoints-honoured.jwks", "OIDC Discovery 1.0 §3", "The key set is published on a random path, which is allowed.";
    RedirectSecondOrigin, "cross-origin-redirect", "OIDC Discovery 1.0 §4.3", "The answer is a 302 to a foreign origin with the attacker's metadata.";
    TokenEndpointPlainHttp, "insecure-endpoint.http", "OIDC Core 1.0 §16.17", "The token endpoint is on a foreign origin by plain http.";
    TokenEndpointOtherHost, "insecure-endpoint.other-host", "RFC 9700 §4.4", "The token endpoint is on a foreign origin.";
    WeakAlgorithms, "alg-none-advertised", "RFC 8725 §3.1", "The algorithms for ID tokens list none and HS256 beside RS256.";
    PkcePlainOnly, "pkce-no-fallback.plain", "RFC 7636 §7.2", "Only plain is listed as a code challenge method.";
    PkceUnlisted, "pkce-no-fallback.absent", "RFC 8414 §2", "No code challenge methods are listed.";
    IssParameterPromised, "iss-parameter", "RFC 9207 §3", "The document promises the iss parameter in authorization responses.";
    NoEndSession, "no-end-session-endpoint", "RP-Initiated Logout 1.0 §2.1", "There is no end-session endpoint, which is allowed.";
}

faults! {
    /// What the key set can get wrong.
    JwksFault, Message::Jwks, "jwks", twin = Rewritten;
    Rewritten, "rewritten", "RFC 7517 §5", "Nothing is wrong: the key set went through the hook and was written again.";
    AlternateKeys, "alternate-keys", "RFC 7517 §5", "The key set lists a second RSA key without alg and an EC P-256 key beside the right one.";
    OneUsableKey, "kid-absent-one-key.among-others", "OIDC Core 1.0 §10.1", "The key set lists the right key, one for encryption and one of another type.";
    ManyKeys, "kid-absent-many-keys", "OIDC Core 1.0 §10.1", "The key set lists two RSA signing keys for RS256, the right one second.";
    Bare, "unknown-keys.bare", "RFC 7517 §4", "The right key has neither alg nor use, which is allowed.";
    Decorated, "unknown-keys.decorated", "RFC 7517 §4", "The right key has key_ops and members that nobody knows, which is allowed.";
    OtherTypes, "unknown-keys.other-types", "RFC 7517 §5", "Keys of type OKP, AKP, foo and of curve P-521 stand before the right one.";
    NoKeyType, "unknown-keys.no-kty", "RFC 7517 §5", "A key without kty stands before the right one.";
    NullEntry, "unknown-keys.null-entry", "RFC 7517 §5", "A null stands before the right key.";
    BrokenModulus, "unknown-keys.broken-modulus", "RFC 7517 §5", "A key whose modulus is no base64url stands before the right one.";
    SameKidDecoysFirst, "same-kid-other-alg.first", "RFC 7517 §4.5", "Decoys of other types with the same kid stand before the right key.";
    SameKidDecoysLast, "same-kid-other-alg.last", "RFC 7517 §4.5", "Decoys of other types with the same kid stand behind the right key.";
    EncryptionKey, "enc-key-not-for-signing", "RFC 7517 §4.2", "The key set lists a key for encryption beside the right one.";
    OctKey, "oct-key-published", "RFC 8725 §3.1", "The key set lists a symmetric key beside the right one.";
    WeakKeys, "weak-rsa-key", "RFC 7518 §3.3", "The key set lists RSA keys of 1024 and 512 bits beside the right one.";
    Status404, "fetch-fails.404", "RFC 9110 §15.5.5", "The answer is 404.";
    Status500, "fetch-fails.500", "RFC 9110 §15.6.1", "The answer is 500.";
    Html, "fetch-fails.html", "RFC 7517 §5", "The key set is HTML.";
    Hang, "fetch-fails.hang", "RFC 7517 §5", "The answer never comes; the connection stays open until the fault ends.";
    NoKeys, "fetch-fails.no-keys", "RFC 7517 §5", "The key set is empty.";
    Slow2s, "stampede", "RFC 7517 §5", "The answer comes after two seconds, or when the fault ends.";
    Slow30s, "unavailable.30s", "RFC 7517 §5", "The answer comes after thirty seconds, or when the fault ends.";
    RedirectSecondOrigin, "cross-origin-redirect", "ASVS 5.0 §9.1.3", "The answer is a 302 to a foreign origin with the attacker's keys.";
}

faults! {
    /// What the certificate of the TLS listener can get wrong.
    TlsFault, Message::Tls, "tls", twin = Reissued;
    Reissued, "reissued", "OIDC Core 1.0 §16.17", "Nothing is wrong: the certificate was issued anew.";
    Untrusted, "tls-checked.untrusted", "OIDC Core 1.0 §16.17", "The certificate is signed by nobody who is trusted.";
    Expired, "tls-checked.expired", "OIDC Core 1.0 §16.17", "The certificate has expired.";
    WrongHost, "tls-checked.wrong-host", "OIDC Core 1.0 §16.17", "The certificate is for another host.";
}
