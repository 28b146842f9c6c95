//! User profiles: Okta's names on the wire, those of the claims inside.

use serde_json::{Map, Value, json};

use super::{cause, invalid, invalid_field};
use crate::{
    endpoint::answer::Refusal,
    tenant::{PROFILE_NAMES, User},
};

/// The parts of an address: in Okta's profiles, and in the claim `address` (OIDC Core §5.1.1).
const ADDRESS: &[(&str, &str)] = &[
    ("streetAddress", "street_address"),
    ("city", "locality"),
    ("state", "region"),
    ("zipCode", "postal_code"),
    ("countryCode", "country"),
];
/// Longer attributes are refused.
const LONGEST: usize = 4096;

/// The profile as Okta shows it.
pub(crate) fn written(user: &User) -> Value {
    let mut profile = Map::new();
    let mut put = |name: &str, value: Value| {
        profile.insert(name.to_owned(), value);
    };
    put("firstName", json!(user.given_name));
    put("lastName", json!(user.family_name));
    put("mobilePhone", Value::Null);
    put("secondEmail", Value::Null);
    put("login", json!(user.login));
    put("email", json!(user.email));
    for (claim, value) in &user.profile {
        match claim.as_str() {
            "address" => {
                for (name, part) in ADDRESS {
                    if let Some(value) = value.get(part) {
                        put(name, value.clone());
                    }
                }
            }
            "email_verified" | "updated_at" => {}
            claim => {
                let known = PROFILE_NAMES.iter().find(|(_, name)| *name == claim);
                put(known.map_or(claim, |(name, _)| name), value.clone());
            }
        }
    }
    Value::Object(profile)
}

/// Puts the attributes in that were sent; with `replace` those that were not are taken away.
pub(crate) fn read(user: &mut User, profile: &Map<String, Value>, replace: bool) -> Result<(), Refusal> {
    if replace {
        let kept = ["email_verified", "updated_at"];
        user.profile.retain(|name, _| kept.contains(&name.as_str()));
        for field in [
            &mut user.login,
            &mut user.email,
            &mut user.given_name,
            &mut user.family_name,
        ] {
            field.clear();
        }
    }
    for (name, value) in profile {
        let bad = |cause: &str| Err(invalid_field(name, cause));
        let is_fine = match value {
            Value::Object(_) => false,
            Value::Array(list) => !list.iter().any(|entry| entry.is_object() || entry.is_array()),
            Value::String(text) => text.len() <= LONGEST,
            _ => true,
        };
        if !is_fine {
            return bad(cause::NO_ATTRIBUTE);
        }
        let field = match name.as_str() {
            "login" => &mut user.login,
            "email" => &mut user.email,
            "firstName" => &mut user.given_name,
            "lastName" => &mut user.family_name,
            name => {
                put(&mut user.profile, name, value);
                continue;
            }
        };
        match value {
            Value::String(text) => text.trim().clone_into(field),
            Value::Null => field.clear(),
            _ => return bad(cause::NO_TEXT),
        }
    }
    complete(user)
}

fn put(attributes: &mut Map<String, Value>, name: &str, value: &Value) {
    if let Some((_, part)) = ADDRESS.iter().find(|(known, _)| *known == name) {
        let entry = attributes.entry("address").or_insert_with(|| json!({}));
        if let Some(address) = entry.as_object_mut() {
            if value.is_null() {
                address.shift_remove(*part);
            } else {
                address.insert((*part).to_owned(), value.clone());
            }
            if address.is_empty() {
                attributes.shift_remove("address");
            }
        }
        return;
    }
    let known = PROFILE_NAMES.iter().find(|(profile, _)| *profile == name);
    let claim = known.map_or(name, |(_, claim)| claim);
    if value.is_null() {
        attributes.shift_remove(claim);
    } else if !["address", "email_verified", "updated_at"].contains(&claim) {
        attributes.insert(claim.to_owned(), value.clone());
    }
}

/// What no user can be without, in the order in which Okta complains.
fn complete(user: &User) -> Result<(), Refusal> {
    let mut causes = Vec::new();
    for (name, value) in [
        ("login", &user.login),
        ("firstName", &user.given_name),
        ("lastName", &user.family_name),
        ("email", &user.email),
    ] {
        if value.is_empty() {
            causes.push(format!("{name}: {}", cause::BLANK));
        }
    }
    if !is_address(&user.login) {
        causes.push(format!("login: {}", cause::LOGIN_NO_ADDRESS));
    }
    if !user.email.is_empty() && !is_address(&user.email) {
        causes.push(format!("email: {}", cause::EMAIL_NO_ADDRESS));
    }
    match causes.first().and_then(|cause| cause.split(':').next()) {
        Some(field) => Err(invalid(field, &causes)),
        None => Ok(()),
    }
}

fn is_address(text: &str) -> bool {
    let is_text = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control());
    text.len() <= 100
        && text
            .split_once('@')
            .is_some_and(|(local, host)| is_text(local) && is_text(host) && !host.contains('@'))
}
