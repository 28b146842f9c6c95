//! What the authorization response and the code in it can get wrong.

use super::Message;

faults! {
    /// What the redirect back to the relying party can get wrong.
    AuthorizationResponseFault, Message::AuthorizationResponse, "authorization-response", twin = Rewritten;
    Rewritten, "rewritten", "RFC 6749 §4.1.2", "Nothing is wrong: the response went through the hook and was written again.";
    IssRight, "iss-right", "RFC 9207 §2", "The response names the right issuer, which is fine.";
    IssOther, "iss-wrong.other", "RFC 9207 §2.4", "The response names another issuer.";
    IssSuffix, "iss-wrong.suffix", "RFC 9207 §2.4", "The response names the issuer with a character too many.";
    IssMissing, "iss-missing", "RFC 9207 §2.4", "The response names no issuer although the metadata promises it.";
    ExtraParameters, "extra-params", "RFC 6749 §4.1.2", "The response holds parameters that nobody knows, which must be ignored.";
    Found302, "status.302", "RFC 6749 §1.7", "The response is a 302, which is fine.";
    SeeOther303, "status.303", "RFC 9700 §4.12", "The response is a 303, which is fine.";
}

faults! {
    /// What the authorization code can be like, and what its redemption asks for.
    CodeFault, Message::Code, "code", twin = Reissued;
    Reissued, "reissued", "RFC 6749 §4.1.2", "Nothing is wrong: the code went through the hook.";
    Symbols, "code-verbatim.symbols", "RFC 6749 App. A.11", "The code holds `+ / = % & ~ . -`, which is allowed.";
    PercentSequences, "code-verbatim.percent-sequences", "RFC 6749 App. A.11", "The code holds what looks like percent-encoding, which is allowed.";
    Long512, "long-code.512", "RFC 6749 §4.1.2", "The code is 512 characters long, which is allowed.";
    Long2048, "long-code.2048", "RFC 6749 §4.1.2", "The code is 2048 characters long, which is allowed.";
    Long4096, "long-code.4096", "RFC 6749 §4.1.2", "The code is 4096 characters long, which is allowed.";
    PkceEnforced, "pkce.enforced", "RFC 7636 §4.6", "The code is redeemed only with the verifier of its challenge, as Okta does.";
    PkceIgnored, "pkce.ignored", "RFC 7636 §4.6", "The code is redeemed whatever verifier comes, and the tokens are those of its own request.";
}

/// What the token endpoint does about the code verifier in a flow of the harness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PkceRule {
    /// Refuses a verifier that belongs to another challenge, as Okta does, and records what else is wrong with PKCE: in
    /// every flow of the harness that says nothing else.
    Watch,
    /// Refuses everything that Okta refuses.
    Enforce,
    /// Records and goes on whatever comes.
    Ignore,
}

impl CodeFault {
    /// The rule that this fault sets for the redemption.
    #[must_use]
    pub const fn pkce(self) -> PkceRule {
        match self {
            CodeFault::PkceEnforced => PkceRule::Enforce,
            CodeFault::PkceIgnored => PkceRule::Ignore,
            _ => PkceRule::Watch,
        }
    }
}
