//! Keys and signatures made with the `rsa` crate, text by text, so that any wrong token can be written.

use std::sync::OnceLock;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rsa::{
    RsaPrivateKey,
    pkcs1v15::SigningKey,
    rand_core::OsRng,
    sha2::Sha256,
    signature::{SignatureEncoding, Signer},
    traits::PublicKeyParts,
};
use serde_json::{Value, json};

/// The key that the authorization server publishes.
pub(crate) fn published() -> &'static RsaPrivateKey {
    static KEY: OnceLock<RsaPrivateKey> = OnceLock::new();
    KEY.get_or_init(|| generate(2048))
}

/// A key of somebody else.
pub(crate) fn other() -> &'static RsaPrivateKey {
    static KEY: OnceLock<RsaPrivateKey> = OnceLock::new();
    KEY.get_or_init(|| generate(2048))
}

/// A key that is too short.
pub(crate) fn weak() -> &'static RsaPrivateKey {
    static KEY: OnceLock<RsaPrivateKey> = OnceLock::new();
    KEY.get_or_init(|| generate(1024))
}

fn generate(bits: usize) -> RsaPrivateKey {
    RsaPrivateKey::new(&mut OsRng, bits).unwrap()
}

/// The public half as Okta publishes it.
pub(crate) fn jwk(key: &RsaPrivateKey, kid: &str) -> Value {
    let number = |bytes: Vec<u8>| URL_SAFE_NO_PAD.encode(bytes);
    json!({
        "kty": "RSA", "alg": "RS256", "kid": kid, "use": "sig",
        "e": number(key.e().to_bytes_be()), "n": number(key.n().to_bytes_be()),
    })
}

/// Signs header and payload, whatever they say.
pub(crate) fn sign(header: &str, payload: &str, key: &RsaPrivateKey) -> String {
    let input = unsigned(header, payload);
    let signature = SigningKey::<Sha256>::new(key.clone()).sign(input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

/// The first two segments.
pub(crate) fn unsigned(header: &str, payload: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
}
