//! Random texts in the shapes that Okta uses.
//!
//! They come from the system, but for a request of a flow whose scenario has a seed: what is answered then is drawn from
//! that seed, so that a walk can be made again with the same codes and token ids. Signing keys are never drawn from it.

use std::{cell::RefCell, marker::PhantomData};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

thread_local! {
    static SEEDED: RefCell<Option<StdRng>> = const { RefCell::new(None) };
}

/// While it lives, a seed that was given to [`seed`] decides what is drawn on this thread. It stays on its thread: nothing
/// may wait while it lives.
#[derive(Debug)]
pub(crate) struct Scope(PhantomData<*const ()>);

/// Begins a scope without a seed.
pub(crate) fn scope() -> Scope {
    SEEDED.set(None);
    Scope(PhantomData)
}

impl Drop for Scope {
    fn drop(&mut self) {
        SEEDED.set(None);
    }
}

impl Scope {
    /// From now on the seed decides.
    pub(crate) fn seeded(self, by: u64) -> Self {
        seed(by);
        self
    }
}

/// From now on, until the scope around it ends, the seed decides what is drawn on this thread.
pub(crate) fn seed(by: u64) {
    SEEDED.set(Some(StdRng::seed_from_u64(by)));
}

/// Draws from the seed where there is one.
fn draw<T>(with: impl FnOnce(&mut dyn Rng) -> T) -> T {
    SEEDED.with_borrow_mut(|seeded| match seeded {
        Some(seeded) => with(seeded),
        None => with(&mut rand::rng()),
    })
}

fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    draw(|random| random.fill_bytes(&mut bytes));
    bytes
}

/// 43 base64url characters: 256 random bits. Codes, refresh tokens, `jti` tails.
#[must_use]
pub fn token43() -> String {
    B64.encode(bytes::<32>())
}

/// 22 base64url characters: 128 random bits. Session ids and error ids.
#[must_use]
pub fn token22() -> String {
    B64.encode(bytes::<16>())
}

/// 64 random bits.
pub(crate) fn number() -> u64 {
    u64::from_le_bytes(bytes())
}

/// So many letters and digits.
#[must_use]
pub fn alphanumeric(length: usize) -> String {
    letters_of(ALPHANUMERIC, length)
}

/// So many hexadecimal digits of lower case.
#[must_use]
pub fn hex(length: usize) -> String {
    let mut bytes = vec![0_u8; length];
    draw(|random| random.fill_bytes(&mut bytes));
    let digits = bytes
        .iter()
        .map(|byte| char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
    digits.collect()
}

/// So many capital letters.
#[must_use]
pub fn letters(length: usize) -> String {
    letters_of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", length)
}

/// So many base32 digits (RFC 4648 §6).
#[must_use]
pub fn base32(length: usize) -> String {
    letters_of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", length)
}

/// A random UUID (RFC 9562 §5.4).
#[must_use]
pub fn uuid() -> String {
    let mut bytes = bytes::<16>();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| &digits[from..to];
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// An Okta id: the three characters that fix the type and 17 more.
#[must_use]
pub fn okta_id(prefix: &str) -> String {
    format!("{prefix}{}", alphanumeric(17))
}

/// So many letters of an alphabet.
fn letters_of(alphabet: &[u8], length: usize) -> String {
    draw(|random| {
        (0..length)
            .map(|_| char::from(alphabet[random.random_range(0..alphabet.len())]))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides_within_its_scope_and_nowhere_else() {
        let drawn = |by| {
            let _scope = scope().seeded(by);
            (token43(), okta_id("00u"), uuid(), hex(8), number())
        };
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
        drop(drawn(7));
        assert_ne!(token43(), token43());
    }
}
