//! Fresh people: identities in which every string is unguessable and occurs nowhere else.

use mock_idp::flow::scenario::Persona;
use rand::{RngExt, rngs::StdRng};
use serde_json::Map;

/// Somebody who has never been seen before.
#[must_use]
pub fn fresh(rng: &mut StdRng) -> Persona {
    let mark = letters(rng, 12);
    let login = format!("ada.{mark}@users.example.test");
    let family_name = capitalised(&letters(rng, 10));
    Persona {
        sub: format!("00u{}", alphanumeric(rng, 17)),
        email: login.clone(),
        login,
        given_name: capitalised(&letters(rng, 9)),
        family_name,
        // Two names, so that a page tells which of the two sources it was filled from.
        id_token_name: format!("Ada {}", capitalised(&letters(rng, 12))),
        userinfo_name: format!("Ada {}", capitalised(&letters(rng, 12))),
        claims: Map::new(),
    }
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
