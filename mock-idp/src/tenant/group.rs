//! Groups. Who is a member stands with the users, by the group's name.

use serde::{Deserialize, Serialize};

use super::stable_id;

/// The group that everybody is in.
pub const EVERYONE: &str = "Everyone";

/// A group of users.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The `00g…` id.
    pub id: String,
    /// Its name, which `groups` claims carry.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// When it was created, seconds since 1970.
    pub created: i64,
    /// When its profile was last changed, seconds since 1970.
    pub changed: i64,
    /// When its membership was last changed, seconds since 1970.
    pub membership_changed: i64,
}

impl Group {
    /// A group by name. The id is derived from the name, so it is stable.
    #[must_use]
    pub fn named(name: &str, now: i64) -> Self {
        Self {
            id: stable_id("00g", &format!("group {name}")),
            name: name.to_owned(),
            description: String::new(),
            created: now,
            changed: now,
            membership_changed: now,
        }
    }

    /// Whether Okta made it: it can be neither changed nor deleted.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        self.name == EVERYONE
    }
}
