//! Who a flow is about.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Who signs in: a user of the fake org, complete enough for every claim that Okta sends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Persona {
    /// The `00u…` user id, the `sub` of ID tokens.
    pub sub: String,
    /// The login, the `sub` of custom access tokens and `preferred_username`. Also what is typed into the hosted page.
    pub login: String,
    /// The e-mail address, the same in every source.
    pub email: String,
    /// The `given_name` claim.
    pub given_name: String,
    /// The `family_name` claim.
    pub family_name: String,
    /// The `name` claim as the ID token has it. It differs from `userinfo_name`, so that a page tells which source it read.
    pub id_token_name: String,
    /// The `name` claim as userinfo has it.
    pub userinfo_name: String,
    /// Further claims, for both sources; they replace the computed ones of the same name. A `null` takes a claim away.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub claims: Map<String, Value>,
}
