//! What an attacker would make: other people's tokens, keys, certificates and JWEs.
//!
//! Everything here is derived, nothing is drawn: the same fault on the same draft gives the same bytes.

use std::io::Write;

use aws_lc_rs::{aead, digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compress, Compression, FlushCompress};
use serde_json::{Map, Value, json};

use super::{Context, text};
use crate::protocol::draft::{NamedKey, TokenDraft};

/// A client that is registered at no relying party.
pub(super) const OTHER_CLIENT: &str = "0oaAnotherClient00000";
/// The symmetric key that the JWKS fault `jwks.oct-key-published` publishes.
pub(super) const OCT_KEY: &[u8; 32] = b"a published symmetric key, known";
/// Its `kid`.
pub(super) const OCT_KID: &str = "mock-idp-symmetric-key";
/// The order of P-256 (FIPS 186-4 D.1.2.3), big endian.
pub(super) const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The path at the second origin that answers with these bytes: JSON where they begin with a brace, PEM otherwise.
pub(super) fn echo(bytes: &[u8]) -> String {
    format!("/echo/{}", text::base64url(bytes))
}

/// Bytes without meaning that depend on the label alone.
pub(super) fn junk(label: &str, length: usize) -> Vec<u8> {
    (0_u32..)
        .flat_map(|block| {
            let hash = digest::digest(&digest::SHA256, format!("{label} {block}").as_bytes());
            hash.as_ref().to_vec()
        })
        .take(length)
        .collect()
}

/// The key set that an attacker serves, as JSON.
pub(super) fn attacker_jwks(context: &Context<'_>) -> Vec<u8> {
    json!({"keys": [context.keys.named_jwk(NamedKey::Attacker)]})
        .to_string()
        .into_bytes()
}

/// The attacker's certificate as in `x5c` (RFC 7515 §4.1.6: base64 with padding of the DER).
pub(super) fn attacker_certificate(context: &Context<'_>) -> String {
    STANDARD.encode(context.keys.named_certificate(NamedKey::Attacker))
}

/// The attacker's certificate as served behind `x5u`.
pub(super) fn attacker_certificate_pem(context: &Context<'_>) -> Vec<u8> {
    let text = attacker_certificate(context);
    let lines: Vec<String> = text
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
    .into_bytes()
}

/// A certificate of the key that the authorization server really publishes.
pub(super) fn current_certificate(context: &Context<'_>) -> String {
    STANDARD.encode(context.keys.certificate())
}

/// What a logout token of the same user would hold (Back-Channel Logout 1.0 §2.4).
pub(super) fn logout_claims(draft: &TokenDraft, context: &Context<'_>) -> Map<String, Value> {
    members(json!({
        "iss": context.issuer,
        "sub": draft.claims.get("sub"),
        "aud": context.client_id,
        "iat": context.now,
        "exp": context.now + 120,
        "jti": text::base64url(&junk("logout jti", 24)),
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }))
}

/// What the flow's access token holds; where that is not known, what Okta would have written.
pub(super) fn access_claims(draft: &TokenDraft, context: &Context<'_>) -> Map<String, Value> {
    if let Ok(claims) = serde_json::from_str(&context.own.access_claims) {
        return claims;
    }
    members(json!({
        "ver": 1,
        "jti": format!("AT.{}", text::base64url(&junk("access jti", 32))),
        "iss": context.issuer,
        "aud": "api://default",
        "iat": context.now,
        "exp": context.now + 3600,
        "cid": context.client_id,
        "uid": draft.claims.get("sub"),
        "scp": ["openid", "profile", "email"],
        "sub": context.scenario.user.login,
    }))
}

/// What a client assertion of this client would hold (RFC 7523 §3).
pub(super) fn assertion_claims(context: &Context<'_>) -> Map<String, Value> {
    members(json!({
        "iss": context.client_id,
        "sub": context.client_id,
        "aud": format!("{}/v1/token", context.issuer),
        "iat": context.now,
        "exp": context.now + 300,
        "jti": text::base64url(&junk("assertion jti", 24)),
    }))
}

/// Members that nobody knows: nested, arrays, nulls, names that are URLs, long and non-ASCII ones.
pub(super) fn unknown_members(count: usize) -> Map<String, Value> {
    let shapes = [
        json!("text"),
        json!(null),
        json!([1, [2, [3, {"four": 5}]]]),
        json!({"deeper": {"and": {"deeper": ["still", false]}}}),
        json!(-1.5e-7),
        json!("παράδειγμα 🦀"),
        json!(true),
    ];
    (0..count)
        .map(|number| {
            let name = match number % 4 {
                0 => format!("x_unknown_{number}"),
                1 => format!("https://claims.example/{number}"),
                2 => format!("x-ünknown-{number}"),
                _ => format!("x unknown {number}"),
            };
            (name, shapes[number % shapes.len()].clone())
        })
        .collect()
}

/// A JWE around an unsigned JWT, encrypted under the client secret as OIDC Core 1.0 §10.2 derives the key, so that a
/// relying party that decrypts without being asked to finds readable claims inside.
pub(super) fn jwe_around_unsigned(draft: &TokenDraft, context: &Context<'_>) -> String {
    let inner = format!(
        "{}.{}.",
        text::base64url(b"{\"alg\":\"none\"}"),
        text::base64url(json!(draft.claims).to_string().as_bytes())
    );
    jwe_direct(
        &json!({"alg": "dir", "enc": "A256GCM", "cty": "JWT"}),
        inner.as_bytes(),
        context,
    )
}

/// A JWE under the client secret that inflates to 64 MiB (RFC 7516 §4.1.3).
pub(super) fn jwe_zip_bomb(context: &Context<'_>) -> String {
    jwe_direct(
        &json!({"alg": "dir", "enc": "A256GCM", "zip": "DEF"}),
        &deflate_bomb(64),
        context,
    )
}

/// A JWE whose key claims to be wrapped with RSA1_5. No key of the relying party is known, so the wrapped key is junk.
pub(super) fn jwe_rsa15() -> String {
    let header = json!({"alg": "RSA1_5", "enc": "A256GCM"}).to_string();
    compact([
        header.as_bytes(),
        &junk("wrapped key", 256),
        &junk("iv", 12),
        &junk("text", 512),
        &junk("tag", 16),
    ])
}

/// A JWE that asks for a thousand million iterations of PBKDF2 before anything can be known about it.
pub(super) fn jwe_pbes2() -> String {
    let salt = text::base64url(&junk("salt", 16));
    let header = json!({"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2s": salt, "p2c": 1_000_000_000}).to_string();
    compact([
        header.as_bytes(),
        &junk("wrapped key", 24),
        &junk("iv", 12),
        &junk("text", 512),
        &junk("tag", 16),
    ])
}

fn jwe_direct(header: &Value, plaintext: &[u8], context: &Context<'_>) -> String {
    let header = header.to_string();
    let secret = digest::digest(&digest::SHA256, context.client_secret.unwrap_or_default().as_bytes());
    let iv: [u8; 12] = std::array::from_fn(|at| secret.as_ref()[at]);
    let mut sealed = plaintext.to_vec();
    // The additional data is the header as written (RFC 7516 §5.1).
    let written = aead::Aad::from(text::base64url(header.as_bytes()));
    let tag = aead::UnboundKey::new(&aead::AES_256_GCM, secret.as_ref()).and_then(|key| {
        let key = aead::LessSafeKey::new(key);
        key.seal_in_place_separate_tag(aead::Nonce::assume_unique_for_key(iv), written, &mut sealed)
    });
    let tag = tag.map(|tag| tag.as_ref().to_vec()).unwrap_or_default();
    compact([header.as_bytes(), b"", &iv, &sealed, &tag])
}

fn compact(parts: [&[u8]; 5]) -> String {
    parts.map(text::base64url).join(".")
}

/// Raw DEFLATE of so many MiB of spaces, at the price of compressing one: a flushed block repeats.
fn deflate_bomb(mebibytes: usize) -> Vec<u8> {
    let mut compress = Compress::new(Compression::best(), false);
    let mut block = Vec::with_capacity(16 * 1024);
    let flushed = compress.compress_vec(&vec![b' '; 1024 * 1024], &mut block, FlushCompress::Sync);
    if flushed.is_err() {
        return Vec::new();
    }
    let mut bomb = block.repeat(mebibytes);
    // An empty final block with fixed codes ends the stream (RFC 1951 §3.2.3).
    let _ = bomb.write_all(&[0x03, 0x00]);
    bomb
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn the_bomb_inflates_to_what_it_says() {
        let bomb = deflate_bomb(3);
        assert!(bomb.len() < 16 * 1024, "{}", bomb.len());
        let mut inflated = Vec::new();
        flate2::read::DeflateDecoder::new(bomb.as_slice())
            .read_to_end(&mut inflated)
            .unwrap();
        assert_eq!(inflated.len(), 3 * 1024 * 1024);
        assert!(inflated.iter().all(|byte| *byte == b' '));
    }

    #[test]
    fn junk_is_the_same_every_time() {
        assert_eq!(junk("a", 100), junk("a", 100));
        assert_ne!(junk("a", 100), junk("b", 100));
        assert_eq!(junk("a", 100).len(), 100);
    }

    #[test]
    fn forty_unknown_members_are_forty() {
        assert_eq!(unknown_members(40).len(), 40);
    }
}
