//! What the answer of the userinfo endpoint can get wrong.

use super::Message;

faults! {
    /// What the answer of the userinfo endpoint can get wrong.
    UserinfoFault, Message::Userinfo, "userinfo", twin = Rewritten;
    Rewritten, "rewritten", "OIDC Core 1.0 §5.3.2", "Nothing is wrong: the answer went through the hook and was written again.";
    Victim, "sub-mismatch", "OIDC Core 1.0 §5.3.2", "sub, name, email and preferred_username are the victim's.";
    SubAbsent, "sub-missing.absent", "OIDC Core 1.0 §5.3.2", "There is no sub; name and email are the victim's.";
    SubNull, "sub-missing.null", "OIDC Core 1.0 §5.3.2", "The sub is null; name and email are the victim's.";
    SubEmpty, "sub-missing.empty", "OIDC Core 1.0 §5.3.2", "The sub is the empty string; name and email are the victim's.";
    SubArrayOwnFirst, "sub-ambiguous.array-own-first", "OIDC Core 1.0 §5.3.2", "The sub is an array, the user's first and the victim's second.";
    SubArrayVictimFirst, "sub-ambiguous.array-victim-first", "OIDC Core 1.0 §5.3.2", "The sub is an array, the victim's first and the user's second.";
    SubTwiceVictimLast, "sub-ambiguous.twice-victim-last", "RFC 8259 §4", "There are two sub members, first the user's and then the victim's.";
    SubTwiceVictimFirst, "sub-ambiguous.twice-victim-first", "RFC 8259 §4", "There are two sub members, first the victim's and then the user's.";
    Status401, "faults.401", "OIDC Core 1.0 §5.3.3", "The answer is 401 invalid_token.";
    Status403, "faults.403", "OIDC Core 1.0 §5.3.3", "The answer is 403 insufficient_scope.";
    Status429, "faults.429", "OIDC Core 1.0 §5.3.3", "The answer is 429.";
    Status500, "faults.500", "OIDC Core 1.0 §5.3.3", "The answer is 500.";
    BodyEmpty, "faults.empty", "OIDC Core 1.0 §5.3.2", "The body is empty.";
    BodyHtml, "faults.html", "OIDC Core 1.0 §5.3.2", "The body is HTML.";
    BodyTruncated, "faults.truncated", "RFC 8259 §2", "The body is cut off in the middle of the JSON.";
    BodyArray, "faults.array", "OIDC Core 1.0 §5.3.2", "The body is a JSON array around the answer.";
    ContentTypeWrong, "faults.content-type", "OIDC Core 1.0 §5.3.2", "The JSON is labelled text/html.";
    Slow4s, "faults.slow", "OIDC Core 1.0 §5.3.2", "The answer comes after four seconds: many clients give up after five.";
    Hang, "faults.hang", "OIDC Core 1.0 §5.3.2", "The answer never comes and the connection stays open.";
    Jwt, "jwt-response.signed", "OIDC Core 1.0 §5.3.2", "The answer is a rightly signed JWT.";
    JwtSignatureFlipped, "jwt-response.bad-signature", "OIDC Core 1.0 §5.3.2", "The answer is a JWT with the victim's claims and a damaged signature.";
    JwtAlgNone, "jwt-response.alg-none", "RFC 8725 §3.1", "The answer is an unsigned JWT with the victim's claims.";
    JwtAudOther, "jwt-response.wrong-aud", "OIDC Core 1.0 §5.3.2", "The answer is a rightly signed JWT with the victim's claims for another client.";
    Redirect302, "redirect.302", "RFC 9700 §4.9", "The answer is a 302 to a foreign origin.";
    RedirectProtocolRelative, "redirect.protocol-relative", "RFC 9700 §4.9", "The answer is a 302 to a foreign origin, written without a scheme.";
}
