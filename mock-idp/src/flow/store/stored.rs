//! How entries are written where several processes share them: as JSON, flows by their name.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Code, Flow, Grant, Session, Token, Transaction, held};
use crate::flow::{
    armed::{NextLogin, Waiting},
    scenario::FlowId,
    waiting::{Attempt, Pending, Pushed, SessionToken},
    windows::Window,
};

/// An hour, seconds: so much longer than it is good an entry is kept.
const HOUR: u64 = 3_600;
/// Nothing is kept longer, seconds: 120 days.
const LONGEST: u64 = 120 * 24 * HOUR;

/// What can be shared by several processes.
pub(crate) trait Stored: Clone {
    /// `None` for what cannot be written.
    fn write(&self) -> Option<String>;
    /// `None` for what speaks of something forgotten, or was written by another version.
    fn read(text: &str) -> Option<Self>;
    /// How long it is kept, where it says so itself.
    fn seconds(&self) -> Option<u64> {
        None
    }
}

macro_rules! stored {
    ($($kind:ty),* $(,)?) => { $(
        impl Stored for $kind {
            fn write(&self) -> Option<String> {
                serde_json::to_string(self).ok()
            }
            fn read(text: &str) -> Option<Self> {
                serde_json::from_str(text).ok()
            }
        }
    )* };
}

stored! {
    (), i64, String, Vec<String>, Vec<(String, String)>, Vec<NextLogin>, Waiting, Transaction, Code, Attempt, SessionToken,
    Pending, Pushed, Window,
}

impl Stored for Arc<Flow> {
    fn write(&self) -> Option<String> {
        serde_json::to_string(&self.id).ok()
    }

    fn read(text: &str) -> Option<Self> {
        held::flow(serde_json::from_str(text).ok()?)
    }
}

impl Stored for Arc<Session> {
    fn write(&self) -> Option<String> {
        serde_json::to_string(&**self).ok()
    }

    fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Arc::new)
    }

    fn seconds(&self) -> Option<u64> {
        Some(span(self.auth_time, self.expires))
    }
}

impl Stored for Token {
    fn write(&self) -> Option<String> {
        let text = serde_json::to_string(self).ok();
        if let Some(grant) = &self.grant {
            held::keep(grant.flow.id, span(self.last_used, self.expires));
        }
        text
    }

    fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    fn seconds(&self) -> Option<u64> {
        Some(span(self.last_used, self.expires))
    }
}

/// How long something is kept that is good from then until then.
fn span(from: i64, until: i64) -> u64 {
    let seconds = u64::try_from(until.saturating_sub(from)).unwrap_or(0);
    seconds.saturating_add(HOUR).min(LONGEST)
}

/// A flow by its name.
pub(crate) mod flow {
    use serde::{Deserializer, Serializer, de::Error};

    use super::*;

    pub(crate) fn serialize<S: Serializer>(flow: &Arc<Flow>, serializer: S) -> Result<S::Ok, S::Error> {
        flow.id.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Flow>, D::Error> {
        held::flow(FlowId::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("the flow is forgotten"))
    }
}

/// Perhaps a flow, by its name.
pub(crate) mod maybe_flow {
    use serde::{Deserializer, Serializer, de::Error};

    use super::*;

    pub(crate) fn serialize<S: Serializer>(flow: &Option<Arc<Flow>>, serializer: S) -> Result<S::Ok, S::Error> {
        flow.as_ref().map(|flow| flow.id).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Arc<Flow>>, D::Error> {
        let Some(id) = Option::<FlowId>::deserialize(deserializer)? else {
            return Ok(None);
        };
        let found = held::flow(id).ok_or_else(|| D::Error::custom("the flow is forgotten"));
        found.map(Some)
    }
}

/// A value behind an `Arc`.
pub(crate) mod shared {
    use serde::{Deserializer, Serializer};

    use super::*;

    pub(crate) fn serialize<T: Serialize, S: Serializer>(value: &Arc<T>, serializer: S) -> Result<S::Ok, S::Error> {
        T::serialize(value, serializer)
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<T>, D::Error> {
        T::deserialize(deserializer).map(Arc::new)
    }
}

/// A text behind an `Arc`.
pub(crate) mod text {
    use serde::{Deserializer, Serializer};

    use super::*;

    pub(crate) fn serialize<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
        str::serialize(text, serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
        String::deserialize(deserializer).map(Arc::from)
    }
}

/// Perhaps a text behind an `Arc`.
pub(crate) mod maybe_text {
    use serde::{Deserializer, Serializer};

    use super::*;

    pub(crate) fn serialize<S: Serializer>(text: &Option<Arc<str>>, serializer: S) -> Result<S::Ok, S::Error> {
        text.as_deref().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Arc<str>>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(text.map(Arc::from))
    }
}

impl Serialize for Grant {
    /// As its number, beside its flow, where the rest of it is kept once for all its tokens.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        held::keep_grant(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Grant {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let named = held::GrantName::deserialize(deserializer)?;
        held::grant(named).ok_or_else(|| serde::de::Error::custom("the grant is forgotten"))
    }
}
