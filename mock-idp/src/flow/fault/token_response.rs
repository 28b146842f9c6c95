//! What the answer of the token endpoint to a code redemption can get wrong.

use super::Message;

faults! {
    /// What the answer of the token endpoint can get wrong.
    TokenResponseFault, Message::TokenResponse, "token-response", twin = Rewritten;
    Rewritten, "rewritten", "RFC 6749 §5.1", "Nothing is wrong: the answer went through the hook and was written again.";

    // Errors
    InvalidGrant, "oauth-error.invalid-grant", "RFC 6749 §5.2", "The answer is 400 invalid_grant.";
    InvalidClient, "oauth-error.invalid-client", "RFC 6749 §5.2", "The answer is 401 invalid_client with WWW-Authenticate.";
    UnknownError, "oauth-error.unknown", "RFC 6749 §5.2", "The answer is 400 with an error code that nobody knows.";
    ErrorMarkup, "oauth-error.markup", "RFC 6749 §5.2", "The answer is 400 invalid_grant and its description holds HTML that runs a script.";
    Status500Json, "http-5xx.500", "RFC 9110 §15.6.1", "The answer is 500 with a JSON body.";
    Status502Html, "http-5xx.502", "RFC 9110 §15.6.3", "The answer is 502 with an HTML body.";
    Status503RetryAfter, "http-5xx.503", "RFC 9110 §15.6.4", "The answer is 503 with Retry-After.";
    ErrorIn200, "error-in-200.alone", "RFC 6749 §5.2", "The answer is 200 with an error and no tokens.";
    ErrorIn200WithTokens, "error-in-200.with-tokens", "RFC 6749 §5.2", "The answer is 200 with an error beside the tokens.";

    // The body
    BodyEmpty, "malformed-body.empty", "RFC 6749 §5.1", "The body is empty.";
    BodyTruncated, "malformed-body.truncated", "RFC 8259 §2", "The body is cut off in the middle of the JSON.";
    BodyHtml, "malformed-body.html", "RFC 6749 §5.1", "The body is HTML.";
    BodyArray, "malformed-body.array", "RFC 6749 §5.1", "The body is a JSON array around the answer.";
    BodyString, "malformed-body.string", "RFC 6749 §5.1", "The body is a JSON string that holds the answer.";
    BodyForm, "malformed-body.form", "RFC 6749 §5.1", "The body is form-encoded.";
    HugeJson, "huge-body.50mb", "ASVS 5.0 §4.3.1", "The body is 50 MB of JSON.";
    HugeDots, "huge-body.dots", "RFC 7515 §5.2", "The id_token is a megabyte of dots.";
    HugeNesting, "huge-body.nesting", "RFC 8259 §9", "The body nests arrays a hundred thousand levels deep.";

    // Members
    IdTokenAbsent, "missing-id-token.absent", "OIDC Core 1.0 §3.1.3.3", "There is no id_token.";
    IdTokenNull, "missing-id-token.null", "OIDC Core 1.0 §3.1.3.3", "The id_token is null.";
    IdTokenEmpty, "missing-id-token.empty", "OIDC Core 1.0 §3.1.3.3", "The id_token is the empty string.";
    IdTokenNumber, "missing-id-token.number", "OIDC Core 1.0 §3.1.3.3", "The id_token is a number.";
    IdTokenArray, "missing-id-token.array", "OIDC Core 1.0 §3.1.3.3", "The id_token is an array around the token.";
    AccessTokenAbsent, "missing-access-token", "RFC 6749 §5.1", "There is no access_token.";
    NoTokenType, "token-type-missing", "RFC 6749 §5.1", "There is no token_type.";
    TokenTypeMac, "token-type-unusable.mac", "RFC 6749 §7.1", "The token_type is mac.";
    TokenTypeDpop, "token-type-unusable.dpop", "RFC 6749 §7.1", "The token_type is DPoP although no proof was sent.";
    TokenTypeNa, "token-type-unusable.n-a", "RFC 6749 §7.1", "The token_type is N_A.";
    TokenTypeLower, "token-type-case.lower", "RFC 6749 §5.1", "The token_type is bearer, which is fine.";
    TokenTypeUpper, "token-type-case.upper", "RFC 6749 §5.1", "The token_type is BEARER, which is fine.";
    TokenTypeMixed, "token-type-case.mixed", "RFC 6749 §5.1", "The token_type is bEARER, which is fine.";
    OnlyRequired, "minimal.required-only", "RFC 6749 §5.1", "There are only access_token, token_type and id_token, which is allowed.";
    ScopeEmpty, "minimal.empty-scope", "RFC 6749 §3.3", "The scope is the empty string.";
    ExpiresString, "expires-in-odd.string", "RFC 6749 §5.1", "expires_in is the right number as a string.";
    ExpiresZero, "expires-in-odd.zero", "RFC 6749 §5.1", "expires_in is 0.";
    ExpiresNegative, "expires-in-odd.negative", "RFC 6749 §5.1", "expires_in is -1.";
    ExpiresHuge, "expires-in-odd.huge", "RFC 6749 §5.1", "expires_in is 1e300.";
    ExpiresFraction, "expires-in-odd.fraction", "RFC 6749 §5.1", "expires_in is 3600.5.";
    ExpiresNull, "expires-in-odd.null", "RFC 6749 §5.1", "expires_in is null.";
    ExpiresIn1s, "short-lived", "RFC 6749 §5.1", "expires_in is one second, so that a refresh falls due at once.";
    ExtraMembers, "extra-members", "RFC 6749 §5.1", "There are twenty members that nobody knows, which must be ignored.";

    // Delivery
    GzipValid, "gzip.valid", "RFC 9110 §8.4", "The answer is compressed, as the request allowed.";
    GzipBomb, "gzip.bomb", "RFC 9110 §8.4", "The answer is compressed and inflates to 1 GB.";
    Slow4s, "slow.4s", "RFC 6749 §5.1", "The answer comes after four seconds: many clients give up after five.";
    Slow30s, "slow.30s", "RFC 6749 §5.1", "The answer comes after thirty seconds.";
    Trickle, "slow.trickle", "RFC 6749 §5.1", "The answer comes byte by byte, two seconds apart.";
    Hang, "slow.hang", "RFC 6749 §5.1", "The answer never comes and the connection stays open.";
    CutBeforeHeaders, "connection-drop.before-headers", "RFC 9112 §8", "The connection is reset before the answer.";
    CutMidHeaders, "connection-drop.mid-headers", "RFC 9112 §8", "The connection is reset within the header section.";
    CutMidBody, "connection-drop.mid-body", "RFC 9112 §8", "The connection is reset within the body.";
    Redirect302, "redirect.302", "RFC 9700 §4.12", "The answer is a 302 to a foreign origin.";
    Redirect307, "redirect.307", "RFC 9700 §4.12", "The answer is a 307 to a foreign origin.";
    Redirect308, "redirect.308", "RFC 9700 §4.12", "The answer is a 308 to a foreign origin.";
    RedirectProtocolRelative, "redirect.protocol-relative", "RFC 9700 §4.12", "The answer is a 307 to a foreign origin, written without a scheme.";

    // Other shapes of the right answer
    MembersReversed, "json-shape.order", "RFC 8259 §4", "The members come in reverse order, which is fine.";
    Pretty, "json-shape.pretty", "RFC 8259 §2", "The JSON is indented, which is fine.";
    Escaped, "json-shape.escapes", "RFC 8259 §7", "Every character of names and strings is a \\u escape, which is fine.";
    TrailingNewline, "json-shape.newline", "RFC 8259 §2", "A line feed follows the JSON, which is fine.";
    Charset, "json-shape.charset", "RFC 9110 §8.3.1", "The content type has a charset parameter, which is fine.";
    Chunked, "json-shape.chunked", "RFC 9112 §7.1", "The body is sent in chunks, which is fine.";
    CloseDelimited, "json-shape.close", "RFC 9112 §6.3", "The body ends with the connection, as in HTTP/1.0, which is fine.";
    HeaderCase, "json-shape.header-case", "RFC 9110 §5.1", "The header names are in upper case, which is fine.";
}
