//! Random texts in the shapes that Okta uses.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use rand::RngExt;

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// 43 base64url characters: 256 random bits. Codes, refresh tokens, `jti` tails.
#[must_use]
pub fn token43() -> String {
    B64.encode(rand::random::<[u8; 32]>())
}

/// 22 base64url characters: 128 random bits. Session ids and error ids.
#[must_use]
pub fn token22() -> String {
    B64.encode(rand::random::<[u8; 16]>())
}

/// 64 random bits.
pub(crate) fn number() -> u64 {
    rand::random()
}

/// So many letters and digits.
#[must_use]
pub fn alphanumeric(length: usize) -> String {
    let mut random = rand::rng();
    (0..length)
        .map(|_| char::from(ALPHANUMERIC[random.random_range(0..ALPHANUMERIC.len())]))
        .collect()
}

/// So many hexadecimal digits of lower case.
#[must_use]
pub fn hex(length: usize) -> String {
    let mut bytes = vec![0_u8; length];
    rand::rng().fill(&mut bytes[..]);
    let digits = bytes
        .iter()
        .map(|byte| char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
    digits.collect()
}

/// So many capital letters.
#[must_use]
pub fn letters(length: usize) -> String {
    let mut random = rand::rng();
    (0..length)
        .map(|_| char::from(random.random_range(b'A'..=b'Z')))
        .collect()
}

/// So many base32 digits (RFC 4648 §6).
#[must_use]
pub fn base32(length: usize) -> String {
    let mut random = rand::rng();
    (0..length)
        .map(|_| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[random.random_range(0..32)]))
        .collect()
}

/// A random UUID (RFC 9562 §5.4).
#[must_use]
pub fn uuid() -> String {
    let mut bytes = rand::random::<[u8; 16]>();
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
