//! What an ID token can get wrong.

use super::Message;

faults! {
    /// What an ID token can get wrong.
    IdTokenFault, Message::IdToken, "id-token", twin = Resigned;
    Resigned, "resigned", "OIDC Core 1.0 §2", "Nothing is wrong: the token went through the hook and was signed again.";

    // The signature
    SignatureFlipped, "sig-corrupt.flipped", "RFC 7515 §5.2", "One bit of the signature is flipped.";
    ClaimChangedAfterSigning, "sig-corrupt.claim-changed", "RFC 7515 §5.2", "A claim was changed after signing.";
    SignatureEmpty, "sig-corrupt.empty", "RFC 7515 §5.2", "The header says RS256 and the signature is empty.";
    SignatureDropped, "sig-corrupt.dropped", "RFC 7515 §7.1", "The signature segment is missing together with its dot.";
    OtherKeyKnownKid, "sig-other-key.known-kid", "OIDC Core 1.0 §3.1.3.7 (6)", "The token is signed by an unpublished key under the kid of the published one.";
    OtherKeyVictim, "sig-other-key.victim", "OIDC Core 1.0 §3.1.3.7 (6)", "The token names the victim and is signed by an unpublished key under the kid of the published one.";
    OtherKeyOwnKid, "sig-other-key.own-kid", "OIDC Core 1.0 §10.1.1", "The token is signed by an unpublished key under a kid that the key set never lists.";

    // The algorithm
    AlgNone, "alg-none", "RFC 8725 §3.1", "The token is unsigned and says so.";
    AlgNoneTitle, "alg-none-variants.title-case", "RFC 8725 §3.1", "The algorithm is `None` and the signature is empty.";
    AlgNoneMixed, "alg-none-variants.mixed-case", "RFC 8725 §3.1", "The algorithm is `NoNe` and the signature is empty.";
    AlgNoneUpper, "alg-none-variants.upper-case", "RFC 8725 §3.1", "The algorithm is `NONE` and the signature is empty.";
    AlgNoneJunk, "alg-none-variants.junk-signature", "RFC 8725 §3.1", "The algorithm is `none` and the signature is junk.";
    AlgMissing, "alg-none-variants.missing", "RFC 7515 §4.1.1", "The header names no algorithm and the signature is empty.";
    AlgEmpty, "alg-none-variants.empty", "RFC 7515 §4.1.1", "The algorithm is the empty string and the signature is empty.";
    AlgNumber, "alg-none-variants.number", "RFC 7515 §4.1.1", "The algorithm is a number and the signature is empty.";
    Hs256Pkcs1Pem, "hs256-public-key.pkcs1-pem", "RFC 8725 §2.1", "HS256 keyed with the public key as PKCS#1 PEM.";
    Hs256Pkcs1PemNoLf, "hs256-public-key.pkcs1-pem-no-lf", "RFC 8725 §2.1", "HS256 keyed with the public key as PKCS#1 PEM without the last line feed.";
    Hs256Pkcs1PemCrlf, "hs256-public-key.pkcs1-pem-crlf", "RFC 8725 §2.1", "HS256 keyed with the public key as PKCS#1 PEM with CRLF line ends.";
    Hs256Pkcs1Body, "hs256-public-key.pkcs1-body", "RFC 8725 §2.1", "HS256 keyed with the base64 lines of the PKCS#1 PEM without its header lines.";
    Hs256Pkcs1BodyNoLf, "hs256-public-key.pkcs1-body-no-lf", "RFC 8725 §2.1", "HS256 keyed with the base64 lines of the PKCS#1 PEM without header lines and last line feed.";
    Hs256Pkcs1Base64, "hs256-public-key.pkcs1-base64", "RFC 8725 §2.1", "HS256 keyed with the PKCS#1 public key as one line of base64.";
    Hs256Pkcs1Der, "hs256-public-key.pkcs1-der", "RFC 8725 §2.1", "HS256 keyed with the PKCS#1 public key as DER.";
    Hs256SpkiPem, "hs256-public-key.spki-pem", "RFC 8725 §2.1", "HS256 keyed with the public key as SPKI PEM.";
    Hs256SpkiPemNoLf, "hs256-public-key.spki-pem-no-lf", "RFC 8725 §2.1", "HS256 keyed with the public key as SPKI PEM without the last line feed.";
    Hs256SpkiPemCrlf, "hs256-public-key.spki-pem-crlf", "RFC 8725 §2.1", "HS256 keyed with the public key as SPKI PEM with CRLF line ends.";
    Hs256SpkiBody, "hs256-public-key.spki-body", "RFC 8725 §2.1", "HS256 keyed with the base64 lines of the SPKI PEM without its header lines.";
    Hs256SpkiBodyNoLf, "hs256-public-key.spki-body-no-lf", "RFC 8725 §2.1", "HS256 keyed with the base64 lines of the SPKI PEM without header lines and last line feed.";
    Hs256SpkiBase64, "hs256-public-key.spki-base64", "RFC 8725 §2.1", "HS256 keyed with the SPKI public key as one line of base64.";
    Hs256SpkiDer, "hs256-public-key.spki-der", "RFC 8725 §2.1", "HS256 keyed with the SPKI public key as DER.";
    Hs256Modulus, "hs256-jwk-material.n", "RFC 8725 §3.1", "HS256 keyed with the text of the JWK member n.";
    Hs256Exponent, "hs256-jwk-material.e", "RFC 8725 §3.1", "HS256 keyed with the text of the JWK member e.";
    Hs256KeyType, "hs256-jwk-material.kty", "RFC 8725 §3.1", "HS256 keyed with the text of the JWK member kty.";
    Hs256AlgName, "hs256-jwk-material.alg", "RFC 8725 §3.1", "HS256 keyed with the text of the JWK member alg.";
    Hs256JwkText, "hs256-jwk-material.jwk", "RFC 8725 §3.1", "HS256 keyed with the JSON text of the JWK.";
    Hs256ClientSecret, "hs256-client-secret", "OIDC Core 1.0 §3.1.3.7 (8)", "HS256 keyed with the client secret although RS256 is registered.";
    Hs256EmptyKey, "hs256-empty-key.empty", "RFC 8725 §3.5", "HS256 keyed with the empty string.";
    Hs256NulKey, "hs256-empty-key.nul", "RFC 8725 §3.5", "HS256 keyed with one NUL byte.";
    Hs256NullKey, "hs256-empty-key.null", "RFC 8725 §3.5", "HS256 keyed with the text `null`.";
    Hs256UndefinedKey, "hs256-empty-key.undefined", "RFC 8725 §3.5", "HS256 keyed with the text `undefined`.";
    Hs256PublishedOct, "hs256-published-oct", "RFC 8725 §3.1", "HS256 keyed with the symmetric key that the key set publishes.";
    AlgPs256, "alg-not-registered.ps256", "OIDC Core 1.0 §3.1.3.7 (7)", "The token is rightly signed with PS256 by a published key although RS256 is registered.";
    AlgEs256, "alg-not-registered.es256", "OIDC Core 1.0 §3.1.3.7 (7)", "The token is rightly signed with ES256 by a published key although RS256 is registered.";
    AlgRs512, "alg-not-registered.rs512", "OIDC Core 1.0 §3.1.3.7 (7)", "The token is rightly signed with RS512 by a published key although RS256 is registered.";
    EcdsaZero, "ecdsa-zero-signature.zero", "RFC 7518 §3.4", "An ES256 signature whose r and s are zero.";
    EcdsaOrder, "ecdsa-zero-signature.order", "RFC 7518 §3.4", "An ES256 signature whose r and s are the order of the curve.";
    SignedByEncryptionKey, "signed-by-encryption-key", "RFC 7517 §4.2", "The token is signed by the key that is published for encryption.";
    SignedByWeakKey, "signed-by-weak-key.1024", "RFC 7518 §3.3", "The token is signed by the published RSA key of 1024 bits.";
    SignedByTinyKey, "signed-by-weak-key.512", "RFC 7518 §3.3", "The token is signed by the published RSA key of 512 bits.";

    // The header
    NoKid, "kid-absent", "OIDC Core 1.0 §10.1", "The header names no key.";
    KidUrl, "kid-injection.url", "RFC 8725 §3.10", "The kid is a URL of a foreign origin, the token is signed by the key that is served there.";
    KidJwk, "kid-injection.jwk", "RFC 8725 §3.10", "The kid is the JSON text of the attacker's key, which signed the token.";
    KidPath, "kid-injection.path", "RFC 8725 §3.10", "The kid is a path to /dev/null and the token is signed with the empty HMAC key.";
    KidSql, "kid-injection.sql", "RFC 8725 §3.10", "The kid holds SQL, the token is signed by an attacker's key.";
    KidLdap, "kid-injection.ldap", "RFC 8725 §3.10", "The kid holds LDAP filter characters, the token is signed by an attacker's key.";
    KidShell, "kid-injection.shell", "RFC 8725 §3.10", "The kid holds shell characters, the token is signed by an attacker's key.";
    KidHuge, "kid-injection.huge", "RFC 8725 §3.10", "The kid is 64 KiB long, the token is signed by an attacker's key.";
    HeaderJwk, "header-jwk.rsa", "RFC 7515 §4.1.3", "The header carries the attacker's public key, which verifies the token.";
    HeaderJwkOct, "header-jwk.oct", "RFC 7515 §4.1.3", "The header carries a symmetric key, which verifies the token with HS256.";
    HeaderJwkUrl, "header-jwk.url", "RFC 7515 §4.1.3", "The header's jwk is a URL where the attacker's key is served.";
    HeaderJwkJku, "header-jwk.jku", "RFC 7515 §4.1.3", "The header's jwk carries a jku where the attacker's key is served.";
    HeaderJwkX5u, "header-jwk.x5u", "RFC 7515 §4.1.3", "The header's jwk carries an x5u where the attacker's certificate is served.";
    HeaderJwkX5c, "header-jwk.x5c", "RFC 7515 §4.1.3", "The header's jwk carries the attacker's certificate.";
    HeaderJku, "header-jku.attacker", "RFC 8725 §3.10", "The header points to a key set of a foreign origin with the attacker's key.";
    HeaderJkuAttackerFirst, "header-jku.attacker-first", "RFC 8725 §3.10", "The header points to a foreign key set with the attacker's key first and the right one second.";
    HeaderJkuTrustedFirst, "header-jku.trusted-first", "RFC 8725 §3.10", "The header points to a foreign key set with the right key first and the attacker's second.";
    HeaderX5u, "header-x5u-x5c.x5u", "RFC 8725 §3.10", "The header points to the attacker's certificate at a foreign origin.";
    HeaderX5c, "header-x5u-x5c.x5c", "RFC 8725 §3.10", "The header carries the attacker's certificate.";
    HeaderX5cFirst, "header-x5u-x5c.x5c-first", "RFC 8725 §3.10", "The header carries the attacker's certificate and behind it the right one.";
    HeaderX5cLast, "header-x5u-x5c.x5c-last", "RFC 8725 §3.10", "The header carries the right certificate and behind it the attacker's.";
    HeaderClaims, "header-claims", "RFC 7519 §5.3", "The header repeats sub, iss and email with the victim's values, the payload is right.";
    CritUnknown, "crit-unknown.name", "RFC 7515 §4.1.11", "The header marks an extension that nobody knows as critical.";
    CritExp, "crit-unknown.exp", "RFC 7515 §4.1.11", "The header marks exp as critical, which is no header extension.";
    CritB64, "crit-unknown.b64", "RFC 7515 §4.1.11", "The header marks b64 as critical and sets it to false.";
    TypAtJwt, "typ-confusion.at-jwt", "RFC 8725 §3.11", "The typ is at+jwt, that of an access token.";
    TypLogoutJwt, "typ-confusion.logout-jwt", "RFC 8725 §3.11", "The typ is logout+jwt, that of a logout token.";
    TypJose, "typ-confusion.jose", "RFC 7515 §4.1.9", "The typ is JOSE.";
    TypJwt, "typ-confusion.jwt", "RFC 7519 §5.1", "The typ is JWT, which is fine.";
    TypJwtLower, "typ-confusion.jwt-lower-case", "RFC 7519 §5.1", "The typ is jwt in lower case, which is fine.";

    // Another token altogether
    IsLogoutToken, "cross-jwt.logout-token", "RFC 8725 §3.12", "The ID token is really a logout token of the same user.";
    IsAccessToken, "cross-jwt.access-token", "RFC 8725 §3.12", "The ID token is really an access token of the same user.";
    IsClientAssertion, "cross-jwt.client-assertion", "RFC 8725 §3.12", "The ID token is really a client assertion.";
    JweUnsigned, "unexpected-jwe.unsigned", "OIDC Core 1.0 §3.1.3.7 (1)", "The ID token is a JWE around an unsigned token, encrypted under the client secret.";
    JweRsa15, "unexpected-jwe.rsa1-5", "RFC 8725 §3.2", "The ID token is a JWE whose key was wrapped with RSA1_5.";
    JweZipBomb, "unexpected-jwe.zip-bomb", "RFC 8725 §3.3", "The ID token is a JWE under the client secret that inflates to 64 MiB.";
    JwePbes2, "unexpected-jwe.pbes2", "RFC 8725 §3.3", "The ID token is a JWE with PBES2 and a thousand million iterations.";
    OneSegment, "malformed-structure.one-segment", "RFC 7515 §5.2", "The token has one segment.";
    TwoSegments, "malformed-structure.two-segments", "RFC 7515 §5.2", "The token has two segments.";
    FourSegments, "malformed-structure.four-segments", "RFC 7515 §5.2", "The token has four segments.";
    ManyDots, "malformed-structure.dots", "RFC 7515 §5.2", "The token is followed by ten thousand dots.";
    BadBase64, "malformed-structure.base64", "RFC 7515 §5.2", "The token holds characters that base64url does not have.";
    PayloadNotJson, "malformed-structure.not-json", "RFC 7519 §7.2", "The payload is rightly signed and no JSON.";
    PayloadArray, "malformed-structure.array", "RFC 7519 §7.2", "The payload is rightly signed and a JSON array.";
    PayloadString, "malformed-structure.string", "RFC 7519 §7.2", "The payload is rightly signed and a JSON string.";
    TrailingBytes, "malformed-structure.trailing-bytes", "RFC 7519 §7.2", "The payload is rightly signed and has bytes behind the JSON object.";
    ByteOrderMark, "malformed-structure.bom", "RFC 7519 §7.2", "The payload is rightly signed and begins with a byte order mark.";

    // iss
    IssSuffix, "iss-wrong.suffix", "OIDC Core 1.0 §3.1.3.7 (2)", "The issuer has a character too many.";
    IssOtherTenant, "iss-wrong.other-tenant", "OIDC Core 1.0 §3.1.3.7 (2)", "The issuer is another organisation's.";
    IssOrg, "iss-wrong.org", "OIDC Core 1.0 §3.1.3.7 (2)", "The issuer is the organisation's own server instead of the custom one.";
    IssScheme, "iss-wrong.scheme", "OIDC Core 1.0 §3.1.3.7 (2)", "The issuer has http in place of https, or the other way round.";
    IssPrefix, "iss-partial.prefix", "OIDC Core 1.0 §3.1.3.7 (2)", "The issuer is a prefix of the right one.";
    IssTail, "iss-partial.suffix", "OIDC Core 1.0 §3.1.3.7 (2)", "The issuer is the tail of the right one.";
    IssInner, "iss-partial.substring", "OIDC Core 1.0 §3.1.3.7 (2)", "The issuer is a piece out of the middle of the right one.";
    IssUpperCase, "iss-partial.upper-case", "OIDC Core 1.0 §3.1.3.7 (2)", "Scheme and host of the issuer are in upper case.";
    IssTrailingSlash, "iss-partial.trailing-slash", "OIDC Core 1.0 §3.1.3.7 (2)", "The issuer has a slash at its end that the right one has not.";
    IssLookalike, "iss-partial.lookalike", "OIDC Core 1.0 §3.1.3.7 (2)", "The issuer is the right one with a foreign domain appended.";
    IssAbsent, "iss-missing.absent", "OIDC Core 1.0 §2", "There is no issuer.";
    IssEmpty, "iss-missing.empty", "OIDC Core 1.0 §2", "The issuer is the empty string.";
    IssNull, "iss-missing.null", "OIDC Core 1.0 §2", "The issuer is null.";
    IssArray, "iss-missing.array", "OIDC Core 1.0 §2", "The issuer is an array that holds the right one.";
    IssObject, "iss-missing.object", "OIDC Core 1.0 §2", "The issuer is an object.";

    // aud and azp
    AudSuffix, "aud-wrong.suffix", "OIDC Core 1.0 §3.1.3.7 (3)", "The audience is the client id with a character too many.";
    AudOther, "aud-wrong.other", "OIDC Core 1.0 §3.1.3.7 (3)", "The audience is another client.";
    AudArrayWithoutUs, "aud-wrong.array", "OIDC Core 1.0 §3.1.3.7 (3)", "The audience is an array of other clients.";
    AudPrefix, "aud-wrong.prefix", "OIDC Core 1.0 §3.1.3.7 (3)", "The audience is a prefix of the client id.";
    AudInner, "aud-wrong.substring", "OIDC Core 1.0 §3.1.3.7 (3)", "The audience is a piece out of the middle of the client id.";
    AudAbsent, "aud-missing.absent", "OIDC Core 1.0 §2", "There is no audience.";
    AudNull, "aud-missing.null", "OIDC Core 1.0 §2", "The audience is null.";
    AudEmptyArray, "aud-missing.empty-array", "OIDC Core 1.0 §2", "The audience is an empty array.";
    AudEmpty, "aud-missing.empty", "OIDC Core 1.0 §2", "The audience is the empty string.";
    AudNumber, "aud-missing.number", "OIDC Core 1.0 §2", "The audience is a number.";
    AudObject, "aud-missing.object", "OIDC Core 1.0 §2", "The audience is an object.";
    AudSingleArray, "aud-single-array", "RFC 7519 §4.1.3", "The audience is an array with the client id alone, which is fine.";
    AudExtra, "aud-untrusted-extra.no-azp", "OIDC Core 1.0 §3.1.3.7 (3)", "The audience holds the client and another one, and azp is absent.";
    AudExtraWithAzp, "aud-untrusted-extra.with-azp", "OIDC Core 1.0 §3.1.3.7 (3)", "The audience holds the client and another one, and azp is the client.";
    AzpWrong, "azp-wrong", "OIDC Core 1.0 §3.1.3.7 (5)", "The authorized party is another client.";

    // Times
    ExpPast6m, "exp-past.6m", "OIDC Core 1.0 §3.1.3.7 (9)", "The token expired six minutes ago.";
    ExpPast1h, "exp-past.1h", "OIDC Core 1.0 §3.1.3.7 (9)", "The token expired an hour ago.";
    ExpPast1d, "exp-past.1d", "OIDC Core 1.0 §3.1.3.7 (9)", "The token expired a day ago.";
    ExpPast1y, "exp-past.1y", "OIDC Core 1.0 §3.1.3.7 (9)", "The token expired a year ago.";
    ExpAbsent, "exp-missing.absent", "OIDC Core 1.0 §2", "The token says nothing about its expiry.";
    ExpNull, "exp-missing.null", "OIDC Core 1.0 §2", "The expiry is null.";
    ExpNever, "exp-missing.never", "OIDC Core 1.0 §2", "The expiry is the word never.";
    ExpObject, "exp-missing.object", "OIDC Core 1.0 §2", "The expiry is an object.";
    NbfFuture, "nbf-future", "RFC 7519 §4.1.5", "The token is not to be used before an hour from now.";
    IatFuture1d, "iat-out-of-range.future-1d", "OIDC Core 1.0 §3.1.3.7 (10)", "The token claims to be issued a day from now.";
    IatPast1d, "iat-out-of-range.past-1d", "OIDC Core 1.0 §3.1.3.7 (10)", "The token was issued a day ago and has not expired.";
    IatPast1w, "iat-out-of-range.past-1w", "OIDC Core 1.0 §3.1.3.7 (10)", "The token was issued a week ago and has not expired.";
    IatPast1y, "iat-out-of-range.past-1y", "OIDC Core 1.0 §3.1.3.7 (10)", "The token was issued a year ago and has not expired.";
    IatAbsent, "iat-missing.absent", "OIDC Core 1.0 §2", "The token does not say when it was issued.";
    IatNull, "iat-missing.null", "OIDC Core 1.0 §2", "The time of issue is null.";
    IatString, "iat-missing.string", "OIDC Core 1.0 §2", "The time of issue is a word.";
    IatAhead20s, "time-tolerance.iat-ahead", "OIDC Core 1.0 §3.1.3.7 (10)", "The issuer's clock is 20 seconds ahead in iat, which small skew allows.";
    NbfAhead20s, "time-tolerance.nbf-ahead", "RFC 7519 §4.1.5", "The issuer's clock is 20 seconds ahead in nbf, which small skew allows.";
    ExpIn5s, "time-tolerance.exp-soon", "RFC 7519 §4.1.4", "The token expires in five seconds and is valid now.";
    ExpFraction, "time-tolerance.exp-fraction", "RFC 7519 §2", "The expiry is a number with a fraction, which NumericDate allows.";
    IatFraction, "time-tolerance.iat-fraction", "RFC 7519 §2", "The time of issue is a number with a fraction, which NumericDate allows.";
    ExpExponent, "time-tolerance.exp-exponent", "RFC 7519 §2", "The expiry is the right number in exponent notation, which JSON allows.";
    IatExponent, "time-tolerance.iat-exponent", "RFC 7519 §2", "The time of issue is the right number in exponent notation, which JSON allows.";

    // sub
    SubAbsent, "sub-missing.absent", "OIDC Core 1.0 §2", "There is no subject.";
    SubEmpty, "sub-missing.empty", "OIDC Core 1.0 §2", "The subject is the empty string.";
    SubNull, "sub-missing.null", "OIDC Core 1.0 §2", "The subject is null.";
    SubNumber, "sub-missing.number", "OIDC Core 1.0 §2", "The subject is a number.";
    SubBoolean, "sub-missing.boolean", "OIDC Core 1.0 §2", "The subject is a boolean.";
    SubArray, "sub-missing.array", "OIDC Core 1.0 §2", "The subject is an array of the user and the victim.";
    SubLong, "sub-missing.300-characters", "OIDC Core 1.0 §2", "The subject is 300 characters long, 255 are allowed.";

    // nonce
    NonceSuffix, "nonce-wrong.suffix", "OIDC Core 1.0 §3.1.3.7 (11)", "The nonce has a character too many.";
    NonceConstant, "nonce-wrong.constant", "OIDC Core 1.0 §3.1.3.7 (11)", "The nonce is a constant.";
    NonceOfOtherFlow, "nonce-wrong.other-flow", "OIDC Core 1.0 §3.1.3.7 (11)", "The nonce is that of another flow.";
    NonceAbsent, "nonce-missing.absent", "OIDC Core 1.0 §3.1.3.7 (11)", "There is no nonce although one was sent.";
    NonceNull, "nonce-missing.null", "OIDC Core 1.0 §3.1.3.7 (11)", "The nonce is null although one was sent.";
    NonceEmpty, "nonce-missing.empty", "OIDC Core 1.0 §3.1.3.7 (11)", "The nonce is the empty string although one was sent.";
    Replayed, "replayed-token", "OIDC Core 1.0 §3.1.3.7 (11)", "The token is the still valid one of an earlier sign-in.";

    // Other claims
    AtHashWrong, "at-hash-wrong.value", "OIDC Core 1.0 §3.1.3.8", "at_hash is that of another access token.";
    AtHashUnknownAlg, "at-hash-wrong.unknown-alg", "OIDC Core 1.0 §3.1.3.8", "at_hash is that of another access token and the header's algorithm has no known hash.";
    AtHashAbsent, "at-hash-absent", "OIDC Core 1.0 §3.1.3.6", "There is no at_hash, which the code flow allows.";
    AuthTimeOld, "step-up-claims.auth-time-old", "OIDC Core 1.0 §3.1.3.7 (13)", "The user authenticated a day ago although the request set a maximum age.";
    AuthTimeAbsent, "step-up-claims.auth-time-absent", "OIDC Core 1.0 §2", "There is no auth_time although the request set a maximum age.";
    AcrWeaker, "step-up-claims.acr-weaker", "OIDC Core 1.0 §3.1.3.7 (12)", "acr says a weaker authentication than was asked for.";
    AcrAbsent, "step-up-claims.acr-absent", "OIDC Core 1.0 §3.1.3.7 (12)", "There is no acr although one was asked for.";
    SubTwiceVictimLast, "duplicate-claims.sub-victim-last", "RFC 7519 §4", "There are two sub members, first the user's and then the victim's.";
    SubTwiceVictimFirst, "duplicate-claims.sub-victim-first", "RFC 7519 §4", "There are two sub members, first the victim's and then the user's.";
    AudTwiceWrongFirst, "duplicate-claims.aud-wrong-first", "RFC 7519 §4", "There are two aud members, the wrong one first.";
    AudTwiceWrongLast, "duplicate-claims.aud-wrong-last", "RFC 7519 §4", "There are two aud members, the wrong one last.";
    NonceTwiceWrongFirst, "duplicate-claims.nonce-wrong-first", "RFC 7519 §4", "There are two nonce members, the wrong one first.";
    NonceTwiceWrongLast, "duplicate-claims.nonce-wrong-last", "RFC 7519 §4", "There are two nonce members, the wrong one last.";
    IssTwiceWrongFirst, "duplicate-claims.iss-wrong-first", "RFC 7519 §4", "There are two iss members, the wrong one first.";
    IssTwiceWrongLast, "duplicate-claims.iss-wrong-last", "RFC 7519 §4", "There are two iss members, the wrong one last.";
    ExpString, "type-confusion.exp-string", "RFC 7519 §4.1.4", "The expiry is the right number as a string.";
    NonceArray, "type-confusion.nonce-array", "OIDC Core 1.0 §2", "The nonce is an array that holds the right one.";
    IssAsObject, "type-confusion.iss-object", "RFC 7519 §4.1.1", "The issuer is an object that holds the right one.";
    AudNestedArray, "type-confusion.aud-nested", "RFC 7519 §4.1.3", "The audience is an array in an array.";
    EmailObject, "type-confusion.email-object", "OIDC Core 1.0 §5.1", "The email is an object.";
    NameNumber, "type-confusion.name-number", "OIDC Core 1.0 §5.1", "The name is a number.";
    ExtraClaims, "extra-claims.unknown", "OIDC Core 1.0 §5.1.2", "The token holds forty claims that nobody knows, which must be ignored.";
    Large8k, "large-token.8k", "OIDC Core 1.0 §5.1.2", "The payload is 8 KiB long for the groups in it.";
    Large16k, "large-token.16k", "OIDC Core 1.0 §5.1.2", "The payload is 16 KiB long for the groups in it.";
    Large32k, "large-token.32k", "OIDC Core 1.0 §5.1.2", "The payload is 32 KiB long for the groups in it.";
}
