//! What the answer of the token endpoint to a refresh can get wrong.

use super::Message;

faults! {
    /// What the answer to a refresh can get wrong.
    RefreshFault, Message::RefreshResponse, "refresh", twin = Rewritten;
    Rewritten, "rewritten", "OIDC Core 1.0 §12.2", "Nothing is wrong: the answer went through the hook and was written again.";
    SubVictim, "refresh-checked.sub", "OIDC Core 1.0 §12.2", "The new ID token names the victim.";
    IssOther, "refresh-checked.iss", "OIDC Core 1.0 §12.2", "The new ID token comes from another issuer.";
    IdTokenAbsent, "refresh-checked.no-id-token", "OIDC Core 1.0 §12.2", "There is no new ID token, which is allowed.";
    InvalidGrant, "refresh-checked.invalid-grant", "RFC 6749 §5.2", "The answer is 400 invalid_grant.";
    Rotated, "refresh-checked.rotated", "RFC 9700 §4.14", "There is a new refresh token and the old one is dead, which is allowed.";
}
