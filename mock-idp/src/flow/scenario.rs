//! A scenario: the value that a flow carries from its first request to its last token.

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use crate::protocol::random;
pub use crate::tenant::Persona;

/// Names one flow: everything between one authorization request and the last use of its tokens.
///
/// Its text is `f-<n>-<seven letters>`: flows count up, and the letters are random, so that a page that did not read a name
/// cannot guess it. A number below 2^35 has no letters (`f-7`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId(pub u64);

/// So many random bits stand behind the count of a flow: seven letters of five bits.
const RANDOM_BITS: u32 = 35;
/// Lower case, without letters that look like digits.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

impl FlowId {
    /// The name of the `count`th flow.
    pub(crate) fn random(count: u64) -> Self {
        let random = random::number() & ((1 << RANDOM_BITS) - 1);
        Self((count << RANDOM_BITS) | random)
    }
}

impl fmt::Display for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0 >> RANDOM_BITS;
        if count == 0 {
            return write!(f, "f-{}", self.0);
        }
        write!(f, "f-{count}-")?;
        for shift in (0..RANDOM_BITS).step_by(5).rev() {
            let letter = LETTERS[usize::try_from((self.0 >> shift) & 31).unwrap_or(0)];
            write!(f, "{}", char::from(letter))?;
        }
        Ok(())
    }
}

/// A text that names no flow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no flow's name, which looks like f-12-k3v9x2m")]
pub struct NoFlowId(pub String);

impl FromStr for FlowId {
    type Err = NoFlowId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NoFlowId(text.to_owned());
        let rest = text.strip_prefix("f-").ok_or_else(wrong)?;
        let Some((count, letters)) = rest.split_once('-') else {
            return rest.parse().map(Self).map_err(|_| wrong());
        };
        let count: u64 = count.parse().map_err(|_| wrong())?;
        if letters.len() != 7 || count == 0 || count >= 1 << (u64::BITS - RANDOM_BITS) {
            return Err(wrong());
        }
        letters
            .bytes()
            .try_fold(count, |number, letter| {
                let value = LETTERS.iter().position(|known| *known == letter).ok_or_else(wrong)?;
                Ok((number << 5) | u64::try_from(value).unwrap_or(0))
            })
            .map(Self)
    }
}

impl Serialize for FlowId {
    /// As its text: other languages cannot hold the number.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FlowId {
    /// From its text; evidence that was stored earlier has numbers.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(u64),
            Text(String),
        }
        match Either::deserialize(deserializer)? {
            Either::Number(number) => Ok(Self(number)),
            Either::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

/// Where a flow can be held until it is released, to force an interleaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Point {
    /// Before the token endpoint answers.
    TokenResponse,
    /// Before the userinfo endpoint answers.
    Userinfo,
}

/// A gate that the walk opens. Cloning shares the gate.
///
/// An endpoint that reaches its [`Point`] records `Event::Held`, waits until the gate is open (or the client goes away),
/// and records `Event::Released`.
#[derive(Clone, Debug)]
pub struct Barrier {
    /// Where it holds.
    pub at: Point,
    gate: Arc<tokio::sync::Semaphore>,
}

impl Barrier {
    /// A closed barrier.
    #[must_use]
    pub fn new(at: Point) -> Self {
        Self {
            at,
            gate: Arc::new(tokio::sync::Semaphore::new(0)),
        }
    }

    /// Opens it for good.
    pub fn release(&self) {
        self.gate.close();
    }

    /// Returns as soon as it is open.
    pub async fn opened(&self) {
        // `acquire` fails exactly when the gate was closed, which is how `release` opens it for everybody.
        let _ = self.gate.acquire().await;
    }
}

impl PartialEq for Barrier {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.gate, &other.gate)
    }
}

/// What a flow is to be like. Given to `MockIdp::begin`, it travels by value:
/// flow → authorization code → grant → access and refresh token → `id_token_hint`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Who signs in.
    pub user: Persona,
    /// Whose identity faults borrow (`VictimSub` and its like).
    pub victim: Option<Persona>,
    /// The flow whose nonce, ID token or code faults borrow.
    pub earlier: Option<FlowId>,
    /// Holds an endpoint of this flow until released.
    #[serde(skip)]
    pub barrier: Option<Barrier>,
    /// Whether an existing session of the authorization server may answer without the hosted page.
    pub sso: bool,
    /// Whether the user is signed in without the hosted page.
    pub auto: bool,
    /// Show the authorization response as a page with one link instead of redirecting: a browser that cannot stop at a
    /// redirect can stop there.
    pub hold_response: bool,
    /// How long `Delivery::After` faults wait, where the fault does not say.
    pub pause: Duration,
    /// Decides the random values of this flow: its name, codes, tokens' ids. The second flow with the same seed draws
    /// others, as two codes must never be the same.
    pub seed: Option<u64>,
    /// What goes wrong. The faults act together.
    pub faults: Vec<Fault>,
}

impl Scenario {
    /// An honest flow for this user.
    #[must_use]
    pub fn honest(user: Persona) -> Self {
        Self {
            user,
            victim: None,
            earlier: None,
            barrier: None,
            sso: false,
            auto: false,
            hold_response: false,
            pause: Duration::from_secs(4),
            seed: None,
            faults: Vec::new(),
        }
    }

    /// A flow with this fault, whoever signs in.
    #[must_use]
    pub fn fault(fault: Fault) -> Self {
        Self::honest(Persona::default()).with_faults([fault])
    }

    /// The same flow with these faults.
    #[must_use]
    pub fn with_faults(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.faults.extend(faults);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_differ() {
        for count in [1, 12, (1 << 29) - 1] {
            let (one, other) = (FlowId::random(count), FlowId::random(count));
            assert_ne!(one, other);
            assert_eq!(one.to_string().parse(), Ok(one));
            let json = serde_json::to_string(&one).unwrap();
            assert_eq!(serde_json::from_str::<FlowId>(&json).unwrap(), one);
        }
        assert!(FlowId::random(3) > FlowId::random(2));
        assert_eq!("f-7".parse(), Ok(FlowId(7)));
        assert_eq!(serde_json::from_str::<FlowId>("7").unwrap(), FlowId(7));
        for wrong in [
            "",
            "f-",
            "f-x",
            "f-1-short",
            "f-0-aaaaaaa",
            "f-1-AAAAAAA",
            "f-536870912-aaaaaaa",
            "7",
        ] {
            assert!(wrong.parse::<FlowId>().is_err(), "{wrong}");
        }
    }
}
