//! Fresh people: identities in which every string is unguessable and occurs nowhere else.

use std::collections::BTreeMap;

use mock_idp::flow::scenario::Persona;
use rand::{RngExt, rngs::StdRng};
use serde_json::Value;

use crate::{
    placeholder::{of_person, replace, replace_in},
    target::Target,
};

/// How the people of a target are made.
#[derive(Clone, Debug, Default)]
pub struct Mould {
    email: String,
    login: Option<String>,
    given_name: Option<String>,
    claims: serde_json::Map<String, Value>,
}

impl Mould {
    /// As `[target.people]` says.
    #[must_use]
    pub fn of(target: &Target) -> Self {
        let people = &target.people;
        let mut claims = people.claims.clone();
        if !people.groups.is_empty() {
            claims.insert("groups".to_owned(), people.groups.clone().into());
        }
        Self {
            email: target.email_template(),
            login: people.login.clone(),
            given_name: people.given_name.clone(),
            claims,
        }
    }
}

/// Somebody who has never been seen before.
#[must_use]
pub fn fresh(rng: &mut StdRng, mould: &Mould) -> Persona {
    let unique = BTreeMap::from([("unique".to_owned(), letters(rng, 12))]);
    let fill = |text: &str| replace(text, &unique);
    let family_name = capitalised(&letters(rng, 10));
    let sub = format!("00u{}", alphanumeric(rng, 17));
    let invented = capitalised(&letters(rng, 9));
    let given_name = mould.given_name.as_deref().map_or(invented, fill);
    let email = fill(&mould.email);
    let mut persona = Persona {
        sub,
        login: mould.login.as_deref().map_or_else(|| email.clone(), fill),
        email,
        // Two names, so that a page tells which of the two sources it was filled from. Both begin with the given name: a
        // page may greet people by the first word of either.
        id_token_name: format!("{given_name} {}", capitalised(&letters(rng, 12))),
        userinfo_name: format!("{given_name} {}", capitalised(&letters(rng, 12))),
        given_name,
        family_name,
        claims: serde_json::Map::new(),
    };
    let mut vars = of_person(&persona, &persona.userinfo_name);
    vars.extend(unique);
    let claims = mould.claims.iter();
    persona.claims = claims
        .map(|(name, value)| (name.clone(), replace_in(value, &vars)))
        .collect();
    persona
}

/// Random text over an alphabet.
pub(super) fn random(rng: &mut StdRng, alphabet: &[u8], length: usize) -> String {
    (0..length)
        .map(|_| char::from(alphabet[rng.random_range(0..alphabet.len())]))
        .collect()
}

fn letters(rng: &mut StdRng, length: usize) -> String {
    random(rng, b"bcdfghjklmnpqrstvwxz", length)
}

fn alphanumeric(rng: &mut StdRng, length: usize) -> String {
    random(
        rng,
        b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        length,
    )
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
        .unwrap_or_default()
}
