//! Keys of one's own: read from a private JWK (RFC 7517, RFC 7518 §6.3), and written as one.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use rsa::{
    BigUint, RsaPrivateKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey},
    traits::{PrivateKeyParts, PublicKeyParts},
};
use serde_json::{Value, json};

use super::{KeyRing, Material, Pair, digest43};

/// A key that was given to sign the tokens of an authorization server.
#[derive(Clone, Debug)]
pub struct SigningKey {
    kid: String,
    material: &'static Material,
}

/// Two keys are the same if they are called the same and publish the same.
impl PartialEq for SigningKey {
    fn eq(&self, other: &Self) -> bool {
        self.kid == other.kid && self.material.spki == other.material.spki
    }
}

/// Why a text is no signing key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyError(&'static str);

impl SigningKey {
    /// Reads a private RSA JWK of 2048 bits or more, or the first one of a JWK set. Its `kid` is kept; without one it gets
    /// one that follows from the key. The key is held until the process ends, as those are that are stored with the crate.
    ///
    /// # Errors
    /// When the text is no JSON, or holds no private RSA key that can sign.
    pub fn from_jwk(text: &str) -> Result<Self, KeyError> {
        let document: Value = serde_json::from_str(text).map_err(|_| KeyError("it is no JSON"))?;
        let candidates = match document.get("keys").and_then(Value::as_array) {
            Some(keys) => keys.clone(),
            None => vec![document],
        };
        let is_private = |jwk: &&Value| jwk["kty"] == "RSA" && jwk.get("d").is_some();
        let jwk = candidates
            .iter()
            .find(is_private)
            .ok_or(KeyError("it holds no private RSA JWK (kty RSA with the member d)"))?;
        let number = |name: &str| {
            let text = jwk.get(name).and_then(Value::as_str)?;
            B64.decode(text).ok().map(|bytes| BigUint::from_bytes_be(&bytes))
        };
        let whole = number("n")
            .zip(number("e"))
            .zip(number("d"))
            .zip(number("p").zip(number("q")));
        let (((n, e), d), (p, q)) =
            whole.ok_or(KeyError("one of its members n, e, d, p, q is missing or no base64url"))?;
        let key = RsaPrivateKey::from_components(n, e, d, vec![p, q])
            .map_err(|_| KeyError("its members do not belong together"))?;
        let pkcs8 = key.to_pkcs8_der().map_err(|_| KeyError("it cannot be encoded"))?;
        let material = Material::from_pkcs8("own", pkcs8.as_bytes().to_vec());
        if !matches!(material.pair, Pair::Rsa(_)) {
            return Err(KeyError("it is shorter than 2048 bits"));
        }
        let kid = match jwk.get("kid").and_then(Value::as_str) {
            Some(kid) if !kid.is_empty() => kid.to_owned(),
            _ => digest43(&B64.encode(&material.spki)),
        };
        Ok(Self {
            kid,
            material: Box::leak(Box::new(material)),
        })
    }

    /// The ring in which this is the current key.
    #[must_use]
    pub fn ring(&self) -> KeyRing {
        KeyRing {
            kid: self.kid.clone(),
            material: self.material,
        }
    }
}

impl KeyRing {
    /// The current key as a private JWK; `None` where it is no RSA key.
    #[must_use]
    pub fn private_jwk(&self) -> Option<Value> {
        let key = RsaPrivateKey::from_pkcs8_der(&self.material.pkcs8).ok()?;
        let [p, q] = key.primes() else { return None };
        let one = BigUint::from(1_u8);
        let write = |number: &BigUint| json!(B64.encode(number.to_bytes_be()));
        let mut jwk = self.jwk();
        jwk["e"] = write(key.e());
        jwk["n"] = write(key.n());
        jwk["d"] = write(key.d());
        jwk["p"] = write(p);
        jwk["q"] = write(q);
        jwk["dp"] = write(&(key.d() % (p - &one)));
        jwk["dq"] = write(&(key.d() % (q - &one)));
        jwk["qi"] = write(&key.crt_coefficient()?);
        Some(jwk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_written_is_read_back() {
        let ring = KeyRing::of("default", 0);
        let jwk = ring.private_jwk().unwrap();
        let read = SigningKey::from_jwk(&jwk.to_string()).unwrap();
        assert_eq!(read.ring().jwk(), ring.jwk());
        let set = json!({"keys": [ring.jwk(), jwk]}).to_string();
        assert_eq!(
            SigningKey::from_jwk(&set).unwrap(),
            read,
            "the first private one of a set"
        );
        let mut nameless = jwk.clone();
        nameless.as_object_mut().unwrap().remove("kid");
        assert_eq!(SigningKey::from_jwk(&nameless.to_string()).unwrap().kid.len(), 43);
    }

    #[test]
    fn what_is_no_signing_key_is_refused() {
        let jwk = KeyRing::of("default", 0).private_jwk().unwrap();
        let mut mixed = jwk.clone();
        mixed["d"] = jwk["dp"].clone();
        let mut cut = jwk.clone();
        cut.as_object_mut().unwrap().remove("q");
        for (text, expected) in [
            ("nonsense".to_owned(), "no JSON"),
            (KeyRing::of("default", 0).jwk().to_string(), "no private RSA JWK"),
            (mixed.to_string(), "do not belong together"),
            (cut.to_string(), "is missing"),
        ] {
            let told = SigningKey::from_jwk(&text).unwrap_err().to_string();
            assert!(told.contains(expected), "{told}");
        }
    }
}
