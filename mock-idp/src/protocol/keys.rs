//! Signing keys and the assembly of a JSON Web Signature (RFC 7515 §7.1) from a [`TokenDraft`].
//!
//! All keys are stored with the crate and public on purpose: start-up generates nothing and a `kid` is stable. The key
//! pairs stay loaded, because parsing an RSA key costs more than signing with it.

use std::sync::LazyLock;

use aws_lc_rs::{
    digest,
    encoding::AsDer,
    hmac, rand as aws_rand,
    rsa::KeyPair as RsaKeyPair,
    signature::{self, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use rsa::{
    pkcs1::EncodeRsaPublicKey,
    pkcs8::{DecodePrivateKey, EncodePublicKey},
    signature::{SignatureEncoding, Signer},
    traits::PublicKeyParts,
};
use serde_json::{Map, Value, json};

use super::draft::{Mangle, NamedKey, Signing, TokenDraft};

mod own;

pub use own::{KeyError, SigningKey};

/// The keys of one authorization server: the one that it publishes, and the named ones that every mock-idp holds.
#[derive(Clone, Debug)]
pub struct KeyRing {
    kid: String,
    material: &'static Material,
}

/// A token could not be signed: a key stored with the crate is damaged or the cryptographic library refused it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the {key} key cannot sign: {problem}")]
pub struct SignError {
    key: &'static str,
    problem: &'static str,
}

impl KeyRing {
    /// The ring of this server after so many rotations. Different servers have different `kid`s, though some share key
    /// material; one rotation changes both.
    #[must_use]
    pub fn of(server: &str, generation: u64) -> Self {
        let kid = digest43(&format!("mock-idp key {generation} of {server}"));
        let offset: u64 = server.bytes().map(u64::from).sum();
        let index = usize::try_from((offset + generation) % SIGNING.len() as u64).unwrap_or(0);
        Self {
            kid,
            material: &SIGNING[index],
        }
    }

    /// The ring whose key signs the access tokens of the org authorization server, which `/keys` never publishes.
    #[must_use]
    pub fn unpublished() -> Self {
        Self {
            kid: digest43("mock-idp key of org access tokens"),
            material: &ORG_ACCESS,
        }
    }

    /// The `kid` of the current key: 43 base64url characters, and not the key's thumbprint (as with Okta).
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The current public key as published, members in Okta's order: `kty alg kid use e n`.
    #[must_use]
    pub fn jwk(&self) -> Value {
        self.material.jwk(&self.kid, "sig")
    }

    /// The current public key, DER, as `SubjectPublicKeyInfo` (RFC 5280 §4.1).
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.material.spki
    }

    /// The current public key, DER, as `RSAPublicKey` (RFC 8017 A.1.1).
    #[must_use]
    pub fn pkcs1_der(&self) -> &[u8] {
        &self.material.pkcs1
    }

    /// The current public key as PEM with LF line ends, `BEGIN PUBLIC KEY`.
    #[must_use]
    pub fn spki_pem(&self) -> String {
        pem("PUBLIC KEY", &self.material.spki)
    }

    /// The current public key as PEM with LF line ends, `BEGIN RSA PUBLIC KEY`.
    #[must_use]
    pub fn pkcs1_pem(&self) -> String {
        pem("RSA PUBLIC KEY", &self.material.pkcs1)
    }

    /// The public JWK of a named key; `use` is `enc` for [`NamedKey::Encryption`] and `sig` for the others.
    #[must_use]
    pub fn named_jwk(&self, key: NamedKey) -> Value {
        let purpose = if key == NamedKey::Encryption { "enc" } else { "sig" };
        named(key).jwk(&self.named_kid(key), purpose)
    }

    /// The `kid` of a named key: stable, and unlike every current `kid`.
    #[must_use]
    pub fn named_kid(&self, key: NamedKey) -> String {
        digest43(&format!("mock-idp named key {key:?}"))
    }

    /// A self-signed certificate of the current key, DER, for `x5c`.
    #[must_use]
    pub fn certificate(&self) -> Vec<u8> {
        self.material.certificate()
    }

    /// A self-signed certificate of a named RSA key, DER, for `x5c` and `x5u`.
    #[must_use]
    pub fn named_certificate(&self, key: NamedKey) -> Vec<u8> {
        named(key).certificate()
    }

    /// Writes the token: signs as [`TokenDraft::signing`] says and then applies [`TokenDraft::mangle`].
    ///
    /// An RSA key signs with the algorithm that the header names, where it is one of RS256 to PS512, else RS256.
    ///
    /// # Errors
    /// When a stored key is unusable.
    pub fn sign(&self, draft: &TokenDraft) -> Result<String, SignError> {
        let header = draft.raw_header.clone().unwrap_or_else(|| to_bytes(&draft.header));
        let payload = draft.raw_payload.clone().unwrap_or_else(|| to_bytes(&draft.claims));
        let input = format!("{}.{}", B64.encode(header), B64.encode(payload));
        let alg = draft.header.get("alg").and_then(Value::as_str).unwrap_or_default();
        let signature = match &draft.signing {
            Signing::Current => self.material.sign(alg, input.as_bytes())?,
            Signing::With(key) => named(*key).sign(alg, input.as_bytes())?,
            Signing::Hmac(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&key, input.as_bytes()).as_ref().to_vec()
            }
            Signing::Bytes(bytes) => bytes.clone(),
            Signing::Empty => Vec::new(),
        };
        let token = format!("{input}.{}", B64.encode(signature));
        Ok(draft
            .mangle
            .iter()
            .fold(token, |token, mangle| apply(token, mangle, draft)))
    }
}

/// 43 base64url characters that depend on the text alone.
pub(crate) fn digest43(text: &str) -> String {
    B64.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

fn to_bytes(members: &Map<String, Value>) -> Vec<u8> {
    serde_json::to_vec(members).unwrap_or_default()
}

fn apply(token: String, mangle: &Mangle, draft: &TokenDraft) -> String {
    let (head, signature) = token.rsplit_once('.').unwrap_or((&token, ""));
    match mangle {
        Mangle::FlipSignatureBit => {
            let mut bytes = B64.decode(signature).unwrap_or_default();
            if let Some(last) = bytes.last_mut() {
                *last ^= 1;
            }
            format!("{head}.{}", B64.encode(bytes))
        }
        Mangle::ReplaceClaim(name, value) => {
            let mut claims = draft.claims.clone();
            claims.insert(name.clone(), value.clone());
            let header = head.split_once('.').map_or(head, |(header, _)| header);
            format!("{header}.{}.{signature}", B64.encode(to_bytes(&claims)))
        }
        Mangle::DropSignatureSegment => head.to_owned(),
        Mangle::Replace(text) => text.clone(),
        Mangle::Append(text) => format!("{token}{text}"),
        Mangle::Prepend(text) => format!("{text}{token}"),
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap_or_default())
        .collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// A loaded key pair with its public halves in the encodings that forgeries need.
#[derive(Debug)]
struct Material {
    name: &'static str,
    pair: Pair,
    pkcs8: Vec<u8>,
    spki: Vec<u8>,
    pkcs1: Vec<u8>,
    /// Public JWK members that describe the key itself.
    members: Vec<(&'static str, String)>,
}

#[derive(Debug)]
enum Pair {
    Rsa(Box<RsaKeyPair>),
    /// Below 2048 bits, which aws-lc refuses to load.
    ShortRsa(Box<rsa::pkcs1v15::SigningKey<rsa::sha2::Sha256>>),
    Ec(EcdsaKeyPair),
    /// The stored text is damaged; signing says so.
    Unusable(&'static str),
}

macro_rules! stored {
    ($name:literal) => {
        Material::load($name, include_str!(concat!("../../keys/", $name, ".pem")))
    };
}

static SIGNING: LazyLock<[Material; 4]> = LazyLock::new(|| {
    [
        stored!("signing-1"),
        stored!("signing-2"),
        stored!("signing-3"),
        stored!("signing-4"),
    ]
});
static ORG_ACCESS: LazyLock<Material> = LazyLock::new(|| stored!("org-access"));
static ATTACKER: LazyLock<Material> = LazyLock::new(|| stored!("attacker"));
static SECOND: LazyLock<Material> = LazyLock::new(|| stored!("second"));
static EC: LazyLock<Material> = LazyLock::new(|| stored!("ec"));
static WEAK: LazyLock<Material> = LazyLock::new(|| stored!("weak"));
static TINY: LazyLock<Material> = LazyLock::new(|| stored!("tiny"));
static ENCRYPTION: LazyLock<Material> = LazyLock::new(|| stored!("encryption"));

fn named(key: NamedKey) -> &'static Material {
    match key {
        NamedKey::Attacker => &ATTACKER,
        NamedKey::SecondRsa => &SECOND,
        NamedKey::EcP256 => &EC,
        NamedKey::WeakRsa => &WEAK,
        NamedKey::TinyRsa => &TINY,
        NamedKey::Encryption => &ENCRYPTION,
    }
}

impl Material {
    fn load(name: &'static str, pem: &str) -> Self {
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        Self::from_pkcs8(name, STANDARD.decode(body).unwrap_or_default())
    }

    fn from_pkcs8(name: &'static str, pkcs8: Vec<u8>) -> Self {
        if let Ok(pair) = RsaKeyPair::from_pkcs8(&pkcs8) {
            let public = pair.public_key();
            let spki = public.as_der().map(|der| der.as_ref().to_vec()).unwrap_or_default();
            return Self {
                name,
                spki,
                pkcs1: public.as_ref().to_vec(),
                members: rsa_members(
                    public.exponent().big_endian_without_leading_zero(),
                    public.modulus().big_endian_without_leading_zero(),
                ),
                pair: Pair::Rsa(Box::new(pair)),
                pkcs8,
            };
        }
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8) {
            // An uncompressed point: 0x04, then 32 octets each of x and y (SEC 1 §2.3.3).
            let point = pair.public_key().as_ref().to_vec();
            let (x, y) = point.get(1..).unwrap_or_default().split_at(point.len().min(33) - 1);
            return Self {
                name,
                spki: pair
                    .public_key()
                    .as_der()
                    .map(|der| der.as_ref().to_vec())
                    .unwrap_or_default(),
                pkcs1: Vec::new(),
                members: vec![
                    ("kty", "EC".to_owned()),
                    ("alg", "ES256".to_owned()),
                    ("crv", "P-256".to_owned()),
                    ("x", B64.encode(x)),
                    ("y", B64.encode(y)),
                ],
                pair: Pair::Ec(pair),
                pkcs8,
            };
        }
        if let Ok(key) = rsa::RsaPrivateKey::from_pkcs8_der(&pkcs8) {
            let public = key.to_public_key();
            return Self {
                name,
                spki: public.to_public_key_der().map(|der| der.to_vec()).unwrap_or_default(),
                pkcs1: public
                    .to_pkcs1_der()
                    .map(|der| der.as_bytes().to_vec())
                    .unwrap_or_default(),
                members: rsa_members(&public.e().to_bytes_be(), &public.n().to_bytes_be()),
                pair: Pair::ShortRsa(Box::new(rsa::pkcs1v15::SigningKey::new(key))),
                pkcs8,
            };
        }
        Self {
            name,
            pair: Pair::Unusable("the stored key is neither RSA nor P-256"),
            pkcs8,
            spki: Vec::new(),
            pkcs1: Vec::new(),
            members: Vec::new(),
        }
    }

    /// Members in Okta's order: `kty alg kid use`, then what describes the key.
    fn jwk(&self, kid: &str, purpose: &str) -> Value {
        let mut jwk = Map::new();
        for (name, value) in &self.members {
            jwk.insert((*name).to_owned(), json!(value));
            if *name == "alg" {
                jwk.insert("kid".to_owned(), json!(kid));
                jwk.insert("use".to_owned(), json!(purpose));
            }
        }
        Value::Object(jwk)
    }

    /// Empty where the key cannot sign a certificate.
    fn certificate(&self) -> Vec<u8> {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, self.name);
        params
            .self_signed(self)
            .map(|certificate| certificate.der().to_vec())
            .unwrap_or_default()
    }

    fn sign(&self, alg: &str, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let failed = |problem| SignError {
            key: self.name,
            problem,
        };
        let random = aws_rand::SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut bytes = vec![0; pair.public_modulus_len()];
                pair.sign(padding(alg), &random, message, &mut bytes)
                    .map_err(|_| failed("aws-lc refused to sign"))?;
                Ok(bytes)
            }
            Pair::ShortRsa(key) => key
                .try_sign(message)
                .map(|signature| signature.to_vec())
                .map_err(|_| failed("the short RSA key refused to sign")),
            Pair::Ec(pair) => pair
                .sign(&random, message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| failed("aws-lc refused to sign")),
            Pair::Unusable(problem) => Err(failed(problem)),
        }
    }
}

impl rcgen::PublicKeyData for Material {
    fn der_bytes(&self) -> &[u8] {
        &self.pkcs1
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

impl rcgen::SigningKey for Material {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Material::sign(self, "RS256", message).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

fn rsa_members(exponent: &[u8], modulus: &[u8]) -> Vec<(&'static str, String)> {
    vec![
        ("kty", "RSA".to_owned()),
        ("alg", "RS256".to_owned()),
        ("e", B64.encode(exponent)),
        ("n", B64.encode(modulus)),
    ]
}

fn padding(alg: &str) -> &'static dyn signature::RsaEncoding {
    match alg {
        "RS384" => &signature::RSA_PKCS1_SHA384,
        "RS512" => &signature::RSA_PKCS1_SHA512,
        "PS256" => &signature::RSA_PSS_SHA256,
        "PS384" => &signature::RSA_PSS_SHA384,
        "PS512" => &signature::RSA_PSS_SHA512,
        _ => &signature::RSA_PKCS1_SHA256,
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, jwk::Jwk};

    use super::*;

    fn draft(signing: Signing, alg: &str) -> TokenDraft {
        let members = |value: Value| value.as_object().cloned().unwrap();
        TokenDraft {
            header: members(json!({"kid": "k", "alg": alg})),
            claims: members(json!({"sub": "somebody", "exp": 4_102_444_800_i64})),
            signing,
            mangle: Vec::new(),
            raw_payload: None,
            raw_header: None,
        }
    }

    fn verifies(token: &str, jwk: Value, alg: Algorithm) -> bool {
        let jwk: Jwk = serde_json::from_value(jwk).unwrap();
        decode::<Value>(token, &DecodingKey::from_jwk(&jwk).unwrap(), &Validation::new(alg)).is_ok()
    }

    #[test]
    fn the_published_jwk_verifies_what_the_ring_signs_and_no_other_does() {
        let ring = KeyRing::of("default", 0);
        for (name, alg) in [
            ("RS256", Algorithm::RS256),
            ("RS512", Algorithm::RS512),
            ("PS256", Algorithm::PS256),
        ] {
            let token = ring.sign(&draft(Signing::Current, name)).unwrap();
            // The published `alg` is RS256 always; the key itself serves for the others.
            let mut jwk = ring.jwk();
            jwk["alg"] = json!(name);
            assert!(verifies(&token, jwk.clone(), alg), "{name}");
            let mut stranger = ring.named_jwk(NamedKey::Attacker);
            stranger["alg"] = json!(name);
            assert!(!verifies(&token, stranger, alg), "{name}");
        }
        let token = ring.sign(&draft(Signing::With(NamedKey::EcP256), "ES256")).unwrap();
        assert!(verifies(&token, ring.named_jwk(NamedKey::EcP256), Algorithm::ES256));
    }

    #[test]
    fn every_named_key_signs_and_has_a_public_half() {
        let ring = KeyRing::of("default", 0);
        for key in [
            NamedKey::Attacker,
            NamedKey::SecondRsa,
            NamedKey::EcP256,
            NamedKey::WeakRsa,
            NamedKey::TinyRsa,
            NamedKey::Encryption,
        ] {
            let token = ring.sign(&draft(Signing::With(key), "RS256")).unwrap();
            assert!(token.split('.').all(|part| !part.is_empty()), "{key:?}");
            assert_eq!(ring.named_jwk(key)["kid"], json!(ring.named_kid(key)));
        }
        assert_eq!(ring.named_jwk(NamedKey::Encryption)["use"], "enc");
        let modulus = B64
            .decode(ring.named_jwk(NamedKey::WeakRsa)["n"].as_str().unwrap())
            .unwrap();
        assert_eq!(modulus.len() * 8, 1024);
        let modulus = B64
            .decode(ring.named_jwk(NamedKey::TinyRsa)["n"].as_str().unwrap())
            .unwrap();
        assert_eq!(modulus.len() * 8, 512);
    }

    #[test]
    fn certificates_carry_the_key_that_they_name() {
        let ring = KeyRing::of("default", 0);
        let certificate = ring.certificate();
        let holds = |der: &[u8]| certificate.windows(der.len()).any(|part| part == der);
        assert!(holds(ring.spki_der()), "the certificate holds the public key");
        assert!(!holds(&named(NamedKey::Attacker).spki));
        assert_ne!(ring.named_certificate(NamedKey::Attacker), certificate);
    }

    #[test]
    fn rotation_changes_key_and_kid() {
        let (before, after) = (KeyRing::of("default", 0), KeyRing::of("default", 1));
        assert_ne!(before.kid(), after.kid());
        assert_ne!(before.jwk()["n"], after.jwk()["n"]);
        assert_eq!(before.kid().len(), 43);
        assert_ne!(KeyRing::of("aus1", 0).kid(), KeyRing::of("aus2", 0).kid());
    }

    #[test]
    fn published_members_stand_in_oktas_order() {
        let jwk = KeyRing::of("default", 0).jwk();
        let names: Vec<&String> = jwk.as_object().unwrap().keys().collect();
        assert_eq!(names, ["kty", "alg", "kid", "use", "e", "n"]);
        assert_eq!(jwk["e"], "AQAB");
    }

    #[test]
    fn mangles_touch_only_what_they_name() {
        let ring = KeyRing::of("default", 0);
        let honest = ring.sign(&draft(Signing::Current, "RS256")).unwrap();
        let mangled = |mangle| {
            let mut wrong = draft(Signing::Current, "RS256");
            wrong.mangle.push(mangle);
            ring.sign(&wrong).unwrap()
        };
        let flipped = mangled(Mangle::FlipSignatureBit);
        assert_ne!(flipped, honest);
        assert_eq!(flipped.rsplit_once('.').unwrap().0, honest.rsplit_once('.').unwrap().0);
        let replaced = mangled(Mangle::ReplaceClaim("sub".to_owned(), json!("victim")));
        assert_eq!(replaced.rsplit_once('.').unwrap().1, honest.rsplit_once('.').unwrap().1);
        assert_eq!(
            mangled(Mangle::DropSignatureSegment),
            honest.rsplit_once('.').unwrap().0
        );
    }
}
