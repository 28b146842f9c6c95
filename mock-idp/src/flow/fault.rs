//! THE LIST of faults: everything this authorization server can get wrong on purpose, each with its one-sentence
//! description and the clause that it breaks.
//!
//! One enum per message, one table per file below; ids are `<message>.<what>[.<variant>]` in kebab case, where `<what>` is
//! the slug of the case that uses it, if there is one. Faults are plain values without borrowed data: they fit a `const`
//! case, a control call, a command line, a report and a property test. How each one changes the honest draft stands in
//! [`crate::flow::tamper`], one exhaustive match per message.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::suggest;

/// Which message of the flow a fault changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Message {
    /// What every source (ID token and userinfo) says about the user.
    Identity,
    /// The redirect back to the relying party.
    AuthorizationResponse,
    /// The authorization code itself, and what its redemption asks for.
    Code,
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

mod access_token;
mod authorization;
mod end_session;
mod id_token;
mod identity;
mod logout_token;
mod metadata;
mod refresh;
mod token_response;
mod userinfo;

pub use access_token::AccessTokenFault;
pub use authorization::{AuthorizationResponseFault, CodeFault, PkceRule};
pub use end_session::EndSessionFault;
pub use id_token::IdTokenFault;
pub use identity::IdentityFault;
pub use logout_token::{LogoutRequest, LogoutTokenFault};
pub use metadata::{JwksFault, MetadataFault, TlsFault};
pub use refresh::RefreshFault;
pub use token_response::TokenResponseFault;
pub use userinfo::UserinfoFault;

/// From the list of messages come the enum and everything that is the same for each of them.
macro_rules! messages {
    ($($(#[$doc:meta])* $message:ident($faults:ident);)*) => {
        /// One way in which the authorization server can misbehave.
        ///
        /// ```
        /// use mock_idp::flow::fault::{Fault, IdTokenFault};
        /// let fault: Fault = "id-token.alg-none".parse().unwrap();
        /// assert_eq!(fault, Fault::IdToken(IdTokenFault::AlgNone));
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Fault { $($(#[$doc])* $message($faults)),* }

        impl Fault {
            /// Every fault there is.
            pub fn all() -> impl Iterator<Item = Fault> {
                std::iter::empty()$(.chain($faults::ALL.iter().copied().map(Fault::$message)))*
            }

            /// The permanent id, `<message>.<what>[.<variant>]`.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Fault::$message(fault) => fault.id()),* }
            }

            /// What is wrong, in one sentence.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self { $(Fault::$message(fault) => fault.description()),* }
            }

            /// The clause that is broken.
            #[must_use]
            pub const fn clause(self) -> &'static str {
                match self { $(Fault::$message(fault) => fault.clause()),* }
            }

            /// Which message is changed.
            #[must_use]
            pub const fn message(self) -> Message {
                match self { $(Fault::$message(_) => $faults::MESSAGE),* }
            }

            /// The same hook with the value left valid.
            #[must_use]
            pub const fn twin(self) -> Fault {
                match self { $(Fault::$message(_) => Fault::$message($faults::TWIN)),* }
            }
        }
    };
}

messages! {
    /// In what every source says about the user.
    Identity(IdentityFault);
    /// In the redirect back to the relying party.
    AuthorizationResponse(AuthorizationResponseFault);
    /// In the authorization code.
    Code(CodeFault);
    /// In the token endpoint's answer.
    TokenResponse(TokenResponseFault);
    /// In the ID token.
    IdToken(IdTokenFault);
    /// In the access token.
    AccessToken(AccessTokenFault);
    /// In the answer to a refresh.
    RefreshResponse(RefreshFault);
    /// In the userinfo endpoint's answer.
    Userinfo(UserinfoFault);
    /// In the back-channel logout token.
    LogoutToken(LogoutTokenFault);
    /// In the end-session endpoint's answer.
    EndSession(EndSessionFault);
    /// In the discovery document.
    Metadata(MetadataFault);
    /// In the key set.
    Jwks(JwksFault);
    /// In the certificate.
    Tls(TlsFault);
}

impl Fault {
    /// Whether this fault is a rule of the authorization server instead of a change of bytes: it is delivered as soon as
    /// its hook was passed.
    #[must_use]
    pub const fn is_rule(self) -> bool {
        matches!(
            self,
            Fault::Code(CodeFault::PkceEnforced | CodeFault::PkceIgnored)
                | Fault::RefreshResponse(RefreshFault::Rotated)
        )
    }

    /// Whether this is a twin: a hook that changes nothing.
    #[must_use]
    pub fn is_twin(self) -> bool {
        self == self.twin()
    }

    /// Whether it lets the relying party wait, so that its own time limit decides how long the user does.
    #[must_use]
    pub const fn delays(self) -> bool {
        use TokenResponseFault::{Hang, Slow4s, Slow30s, Trickle};
        matches!(
            self,
            Fault::TokenResponse(Slow4s | Slow30s | Trickle | Hang)
                | Fault::Userinfo(UserinfoFault::Slow4s | UserinfoFault::Hang)
                | Fault::Metadata(MetadataFault::Slow30s)
                | Fault::Jwks(JwksFault::Slow2s | JwksFault::Slow30s | JwksFault::Hang)
        )
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
pub struct UnknownFault(pub String);

impl fmt::Display for UnknownFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(id) = self;
        match suggest::nearest(id, Fault::all().map(Fault::id)) {
            Some(nearest) => write!(f, "there is no fault `{id}`; did you mean `{nearest}`?"),
            None => write!(f, "there is no fault `{id}`; `mock-idp faults` lists them"),
        }
    }
}

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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_are_read_back() {
        let mut seen = HashSet::new();
        for fault in Fault::all() {
            assert!(seen.insert(fault.id()), "{fault} twice");
            assert_eq!(fault.id().parse::<Fault>().unwrap(), fault);
            let json = serde_json::to_string(&fault).unwrap();
            assert_eq!(serde_json::from_str::<Fault>(&json).unwrap(), fault);
        }
        assert!(seen.len() > 300, "{} faults", seen.len());
    }

    #[test]
    fn ids_are_kebab_case_and_begin_with_their_message() {
        for fault in Fault::all() {
            let (message, what) = fault.id().split_once('.').unwrap();
            let word = serde_json::to_value(fault.message()).unwrap();
            let expected = if word == "refresh-response" {
                "refresh"
            } else {
                word.as_str().unwrap()
            };
            assert_eq!(message, expected, "{fault}");
            assert!(
                what.split('.').all(|part| !part.is_empty()
                    && part
                        .chars()
                        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')),
                "{fault}"
            );
        }
    }

    #[test]
    fn every_fault_has_a_sentence_and_a_clause() {
        for fault in Fault::all() {
            assert!(fault.description().ends_with('.'), "{fault}: {}", fault.description());
            assert!(!fault.clause().is_empty(), "{fault}");
            assert!(fault.twin().is_twin());
        }
    }

    #[test]
    fn an_unknown_id_is_named() {
        let error = "id-token.nonsense".parse::<Fault>().unwrap_err();
        assert!(error.to_string().contains("id-token.nonsense"));
    }
}
