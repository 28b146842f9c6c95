//! What an access token can get wrong.

use super::Message;

faults! {
    /// What an access token can get wrong.
    AccessTokenFault, Message::AccessToken, "access-token", twin = Resigned;
    Resigned, "resigned", "RFC 9068 §2", "Nothing is wrong: the token went through the hook and was signed again.";
    Opaque, "opaque-and-long.opaque", "RFC 6749 §1.4", "The access token is a random string, which is allowed.";
    BrokenJwt, "opaque-and-long.broken-jwt", "RFC 6749 §1.4", "The access token looks like a JWT and is none, which is allowed.";
    Long4k, "opaque-and-long.4k", "RFC 6749 §1.4", "The access token is 4 KiB long, which is allowed.";
    Long12k, "opaque-and-long.12k", "RFC 6749 §1.4", "The access token is 12 KiB long, which is allowed.";
    OtherKeyKnownKid, "sig-other-key.known-kid", "RFC 9068 §4", "The access token is signed by an unpublished key under the kid of the published one.";
    OtherKeyOwnKid, "sig-other-key.own-kid", "RFC 9068 §4", "The access token is signed by an unpublished key under a kid that the key set never lists.";
    IssOther, "iss-wrong.other-server", "RFC 9068 §4", "The issuer is another authorization server of the same organisation.";
    IssSuffix, "iss-wrong.suffix", "RFC 9068 §4", "The issuer has a character too many.";
    IssTrailingSlash, "iss-wrong.trailing-slash", "RFC 9068 §4", "The issuer has a slash at its end that the right one has not.";
    AudOther, "aud-wrong", "RFC 9068 §4", "The audience is another API.";
    ExpPast2h, "exp-past", "RFC 9068 §4", "The access token expired two hours ago.";
    CidOther, "cid-wrong", "RFC 9068 §2.2", "The access token was issued to another client.";
}
