//! What a sign-in has passed. Each verification notes its check right after it held, so that the profile page shows
//! what really happened.

use serde::{Deserialize, Serialize};

/// A check between the authorization response and the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "`sentence` says what each one is")]
pub enum Check {
    StateKnown,
    StateFresh,
    ResponseIssuer,
    CodeRedeemed,
    TokenType,
    Algorithm,
    TokenKind,
    Signature,
    Issuer,
    Audience,
    AuthorizedParty,
    NotExpired,
    IssuedRecently,
    Subject,
    Nonce,
    AccessTokenHash,
    AccessTokenSignature,
    AccessTokenIssuer,
    AccessTokenAudience,
    AccessTokenNotExpired,
    AccessTokenClient,
    UserinfoSubject,
}

impl Check {
    /// What held, in one sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::StateKnown => "The answer belongs to a sign-in that this very browser began.",
            Self::StateFresh => "That sign-in was begun a few minutes ago and had not been answered before.",
            Self::ResponseIssuer => "The answer came from the authorization server that was asked.",
            Self::CodeRedeemed => "The code was exchanged with a verifier that only this app knew (PKCE, S256).",
            Self::TokenType => "The tokens are bearer tokens.",
            Self::Algorithm => "The ID token is signed with RS256 and makes no other demands.",
            Self::TokenKind => "It is an ID token, not a token for another purpose.",
            Self::Signature => "Its signature is by a key that the authorization server publishes.",
            Self::Issuer => "It was issued by exactly this authorization server.",
            Self::Audience => "It was issued for this app and for nobody else.",
            Self::AuthorizedParty => "The party that it was issued to is this app.",
            Self::NotExpired => "It has not expired.",
            Self::IssuedRecently => "It was issued neither in the future nor long ago.",
            Self::Subject => "It names a person.",
            Self::Nonce => "It was made for this sign-in: the nonce is the one that was sent.",
            Self::AccessTokenHash => "The access token beside it is the one that it was issued with.",
            Self::AccessTokenSignature => "The access token's signature is by a published key.",
            Self::AccessTokenIssuer => "The access token was issued by exactly this authorization server.",
            Self::AccessTokenAudience => "The access token is for the expected audience.",
            Self::AccessTokenNotExpired => "The access token has not expired.",
            Self::AccessTokenClient => "The access token was issued to this app.",
            Self::UserinfoSubject => "The profile data are about the same person as the ID token.",
        }
    }

    /// The conformance case that tries to break it.
    #[must_use]
    pub const fn case(self) -> &'static str {
        match self {
            Self::StateKnown => "callback/state-cross-session",
            Self::StateFresh => "callback/state-replayed",
            Self::ResponseIssuer => "callback/iss-wrong",
            Self::CodeRedeemed => "callback/code-injection",
            Self::TokenType => "token-response/token-type-unusable",
            Self::Algorithm => "id-token/alg-none",
            Self::TokenKind => "id-token/typ-confusion",
            Self::Signature => "id-token/sig-corrupt",
            Self::Issuer => "id-token/iss-wrong",
            Self::Audience => "id-token/aud-wrong",
            Self::AuthorizedParty => "id-token/azp-wrong",
            Self::NotExpired => "id-token/exp-past",
            Self::IssuedRecently => "id-token/iat-out-of-range",
            Self::Subject => "id-token/sub-missing",
            Self::Nonce => "id-token/nonce-wrong",
            Self::AccessTokenHash => "id-token/at-hash-wrong",
            Self::AccessTokenSignature => "access-token/sig-other-key",
            Self::AccessTokenIssuer => "access-token/iss-wrong",
            Self::AccessTokenAudience => "access-token/aud-wrong",
            Self::AccessTokenNotExpired => "access-token/exp-past",
            Self::AccessTokenClient => "access-token/cid-wrong",
            Self::UserinfoSubject => "userinfo/sub-mismatch",
        }
    }
}

/// The list while it grows.
#[derive(Debug, Default)]
pub struct Checked(Vec<Check>);

impl Checked {
    /// Notes that this check held.
    pub fn held(&mut self, check: Check) {
        self.0.push(check);
    }

    /// The list, in order.
    #[must_use]
    pub fn into_list(self) -> Vec<Check> {
        self.0
    }
}
