//! Claims by scope, and the answer of the userinfo endpoint.

use serde_json::{Map, Value, json};

use crate::tenant::Subject;

const PROFILE: &[&str] = &[
    "middle_name",
    "nickname",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
];

/// The answer of the userinfo endpoint: `sub` and every claim of the granted scopes that has a value.
#[must_use]
pub fn claims(subject: &Subject, scopes: &[String], custom: Map<String, Value>) -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert("sub".to_owned(), json!(subject.persona.sub));
    claims.extend(scope_claims(subject, scopes));
    claims.extend(custom);
    replace(&mut claims, &subject.persona.claims);
    claims
}

/// The claims that the scopes ask for, in the order of Okta's userinfo answers; attributes without a value are left out.
#[must_use]
pub fn scope_claims(subject: &Subject, scopes: &[String]) -> Map<String, Value> {
    let user = &subject.persona;
    let has = |scope: &str| scopes.iter().any(|granted| granted == scope);
    let attribute = |name: &str| subject.profile.get(name).cloned();
    // Without an address there is nothing to be verified either.
    let (profile, email) = (has("profile"), has("email") && !user.email.is_empty());
    let candidates = [
        ("name", profile, Some(json!(user.userinfo_name))),
        ("locale", profile, attribute("locale").or(Some(json!("en-US")))),
        ("email", email, Some(json!(user.email))),
        ("preferred_username", profile, Some(json!(user.login))),
        ("given_name", profile, Some(json!(user.given_name))),
        ("family_name", profile, Some(json!(user.family_name))),
        (
            "zoneinfo",
            profile,
            attribute("zoneinfo").or(Some(json!("America/Los_Angeles"))),
        ),
        (
            "updated_at",
            profile,
            attribute("updated_at").or(Some(json!(subject.updated_at))),
        ),
        (
            "email_verified",
            email,
            attribute("email_verified").or(Some(json!(true))),
        ),
        ("phone_number", has("phone"), attribute("phone_number")),
        ("address", has("address"), attribute("address")),
    ];
    let mut claims = Map::new();
    for (name, granted, value) in candidates {
        if let (true, Some(value)) = (granted, value.filter(|value| !value.is_null())) {
            claims.insert(name.to_owned(), value);
        }
    }
    for name in PROFILE.iter().filter(|_| profile) {
        if let Some(value) = attribute(name).filter(|value| !value.is_null()) {
            claims.insert((*name).to_owned(), value);
        }
    }
    if has("groups") {
        claims.insert("groups".to_owned(), json!(subject.groups));
    }
    claims
}

/// Puts these claims in, over what was computed; a `null` takes a claim away.
pub fn replace(claims: &mut Map<String, Value>, with: &Map<String, Value>) {
    for (name, value) in with {
        if value.is_null() {
            claims.shift_remove(name);
        } else {
            claims.insert(name.clone(), value.clone());
        }
    }
}
