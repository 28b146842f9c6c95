//! THE LIST of faults: everything this authorization server can get wrong on purpose, each with its one-sentence
//! description and the clause that it breaks.
//!
//! One enum per message; ids are `<message>.<what>[.<variant>]` in kebab case. Faults are plain values without borrowed
//! data: they fit a `const` case, a control call, a command line, a report and a property test. How each one changes the
//! honest draft stands in [`crate::flow::tamper`], one exhaustive match per message.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Which message of the flow a fault changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Message {
    /// The redirect back to the relying party.
    AuthorizationResponse,
    /// The answer of the token endpoint to a code redemption.
    TokenResponse,
    /// The ID token inside that answer.
    IdToken,
    /// The access token inside that answer.
    AccessToken,
    /// The answer of the userinfo endpoint.
    Userinfo,
    /// The answer of the token endpoint to a refresh.
    RefreshResponse,
    /// The back-channel logout token.
    LogoutToken,
    /// The answer of the end-session endpoint.
    EndSession,
    /// The discovery document (reaches every flow of its authorization server).
    Metadata,
    /// The key set (reaches every flow of its authorization server).
    Jwks,
    /// The TLS certificate (reaches every flow of its listener).
    Tls,
}

/// How far a fault reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reach {
    /// Only the flow that carries it.
    Flow,
    /// Every flow of one authorization server.
    Server,
}

/// One declaration per message: variant, id, clause, sentence. From it come the enum, ids, descriptions and `ALL`.
macro_rules! faults {
    ($(#[$doc:meta])* $name:ident, $message:expr, $prefix:literal, twin = $twin:ident;
     $($variant:ident, $id:literal, $clause:literal, $sentence:literal;)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "the sentence in the table is the documentation")]
        #[non_exhaustive]
        pub enum $name { $(#[doc = $sentence] $variant),* }

        impl $name {
            /// Every fault of this message, in the order of declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];
            /// The message that these faults change.
            pub const MESSAGE: Message = $message;
            /// The same hook with the value left valid: what a right relying party must accept.
            pub const TWIN: $name = $name::$twin;

            /// The fault's permanent id.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $($name::$variant => concat!($prefix, ".", $id)),* }
            }
            /// What is wrong, in one sentence.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self { $($name::$variant => $sentence),* }
            }
            /// The clause that is broken.
            #[must_use]
            pub const fn clause(self) -> &'static str {
                match self { $($name::$variant => $clause),* }
            }
        }
    };
}

faults! {
    /// What an ID token can get wrong.
    IdTokenFault, Message::IdToken, "id-token", twin = Resigned;
    Resigned, "resigned", "OIDC Core 1.0 §2", "Nothing is wrong: the token went through the hook and was signed again.";
    NonceSuffix, "nonce-wrong.suffix", "OIDC Core 1.0 §3.1.3.7 (11)", "The nonce has a character too many.";
    AudOther, "aud-wrong.other", "OIDC Core 1.0 §3.1.3.7 (3)", "The audience is another client.";
    AlgNone, "alg-none", "RFC 8725 §3.1", "The token is unsigned and says so.";
}

faults! {
    /// What the answer of the token endpoint can get wrong.
    TokenResponseFault, Message::TokenResponse, "token-response", twin = Rewritten;
    Rewritten, "rewritten", "RFC 6749 §5.1", "Nothing is wrong: the answer went through the hook and was written again.";
    NoTokenType, "token-type-missing", "RFC 6749 §5.1", "There is no token_type.";
}

/// One way in which the authorization server can misbehave.
///
/// ```
/// use mock_idp::flow::fault::{Fault, IdTokenFault};
/// let fault: Fault = "id-token.alg-none".parse().unwrap();
/// assert_eq!(fault, Fault::IdToken(IdTokenFault::AlgNone));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// In the ID token.
    IdToken(IdTokenFault),
    /// In the token endpoint's answer.
    TokenResponse(TokenResponseFault),
}

macro_rules! each_message {
    ($self:expr, $fault:ident => $body:expr) => {
        match $self {
            Fault::IdToken($fault) => $body,
            Fault::TokenResponse($fault) => $body,
        }
    };
}

impl Fault {
    /// Every fault there is.
    pub fn all() -> impl Iterator<Item = Fault> {
        let id_token = IdTokenFault::ALL.iter().copied().map(Fault::IdToken);
        let token_response = TokenResponseFault::ALL.iter().copied().map(Fault::TokenResponse);
        id_token.chain(token_response)
    }

    /// The permanent id, `<message>.<what>[.<variant>]`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        each_message!(self, fault => fault.id())
    }

    /// What is wrong, in one sentence.
    #[must_use]
    pub const fn description(self) -> &'static str {
        each_message!(self, fault => fault.description())
    }

    /// The clause that is broken.
    #[must_use]
    pub const fn clause(self) -> &'static str {
        each_message!(self, fault => fault.clause())
    }

    /// Which message is changed.
    #[must_use]
    pub const fn message(self) -> Message {
        match self {
            Fault::IdToken(_) => IdTokenFault::MESSAGE,
            Fault::TokenResponse(_) => TokenResponseFault::MESSAGE,
        }
    }

    /// The same hook with the value left valid.
    #[must_use]
    pub const fn twin(self) -> Fault {
        match self {
            Fault::IdToken(_) => Fault::IdToken(IdTokenFault::TWIN),
            Fault::TokenResponse(_) => Fault::TokenResponse(TokenResponseFault::TWIN),
        }
    }

    /// Whether this is a twin: a hook that changes nothing.
    #[must_use]
    pub fn is_twin(self) -> bool {
        self == self.twin()
    }

    /// How far it reaches.
    #[must_use]
    pub const fn reach(self) -> Reach {
        match self.message() {
            Message::Metadata | Message::Jwks | Message::Tls => Reach::Server,
            _ => Reach::Flow,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// There is no fault with this id.
#[derive(Clone, Debug, thiserror::Error)]
#[error("there is no fault `{0}`; `mock-idp faults` lists them")]
pub struct UnknownFault(pub String);

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Fault::all()
            .find(|fault| fault.id() == id)
            .ok_or_else(|| UnknownFault(id.to_owned()))
    }
}

impl Serialize for Fault {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = String::deserialize(deserializer)?;
        id.parse().map_err(serde::de::Error::custom)
    }
}
