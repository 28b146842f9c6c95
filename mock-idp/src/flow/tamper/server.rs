//! Faults of what belongs to a whole authorization server: discovery document and key set.

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::{
    Context, ODD_PATH, forge, text,
    token_response::{error, html, members, redirect, remove, rewrite, set, truncate},
};
use crate::{
    flow::fault::{JwksFault, MetadataFault},
    protocol::draft::{Body, Delivery, NamedKey, Reply},
};

pub(super) fn metadata(reply: &mut Reply, fault: MetadataFault, context: &Context<'_>) {
    match fault {
        MetadataFault::Rewritten => {}
        MetadataFault::IssuerSuffix => set(reply, "issuer", json!(format!("{}1", context.issuer))),
        MetadataFault::IssuerTrailingSlash => set(reply, "issuer", json!(format!("{}/", context.issuer))),
        MetadataFault::Status503 => unavailable(reply, 503),
        MetadataFault::Status500 => unavailable(reply, 500),
        MetadataFault::Slow30s => reply.delivery = Delivery::After(Duration::from_secs(30)),
        MetadataFault::Html => html(reply, "<!doctype html><title>Maintenance</title><p>Back soon."),
        MetadataFault::Truncated => truncate(reply),
        MetadataFault::Array => rewrite(reply, |document| json!([document])),
        MetadataFault::NullEndpoints => {
            for name in endpoint_names(reply) {
                set(reply, &name, Value::Null);
            }
        }
        MetadataFault::UnknownMembers => {
            for (name, value) in forge::unknown_members(48) {
                set(reply, &name, value);
            }
        }
        MetadataFault::MtlsAliases => {
            let aliases: serde_json::Map<String, Value> = endpoint_names(reply)
                .into_iter()
                .map(|name| (name, json!(context.at_second_origin("/mtls"))))
                .collect();
            set(reply, "mtls_endpoint_aliases", Value::Object(aliases));
        }
        MetadataFault::UnknownAlgorithms => {
            for (name, value) in members(reply) {
                if let (true, Value::Array(mut list)) = (name.ends_with("_supported"), value) {
                    list.insert(0, json!("x-nobody-knows"));
                    set(reply, &name, Value::Array(list));
                }
            }
        }
        MetadataFault::UnusualPaths => {
            for name in endpoint_names(reply) {
                move_endpoint(reply, &name, context);
            }
        }
        MetadataFault::EndpointQueries => {
            for name in ["authorization_endpoint", "token_endpoint"] {
                edit_url(reply, name, |url| url.set_query(Some("tenant=7")));
            }
        }
        MetadataFault::JwksPath => move_endpoint(reply, "jwks_uri", context),
        MetadataFault::RedirectSecondOrigin => {
            // The foreign document is right in everything but the keys.
            let mut document = members(reply);
            let keys = context.at_second_origin(&forge::echo(&forge::attacker_jwks(context)));
            document.insert("jwks_uri".to_owned(), json!(keys));
            let location = context.at_second_origin(&forge::echo(json!(document).to_string().as_bytes()));
            redirect(reply, 302, location);
        }
        MetadataFault::TokenEndpointPlainHttp => {
            let url = context.at_second_origin("/token").replacen("https://", "http://", 1);
            set(reply, "token_endpoint", json!(url));
        }
        MetadataFault::TokenEndpointOtherHost => {
            set(reply, "token_endpoint", json!(context.at_second_origin("/token")));
        }
        MetadataFault::WeakAlgorithms => {
            set(
                reply,
                "id_token_signing_alg_values_supported",
                json!(["RS256", "none", "HS256"]),
            );
        }
        MetadataFault::PkcePlainOnly => set(reply, "code_challenge_methods_supported", json!(["plain"])),
        MetadataFault::PkceUnlisted => remove(reply, "code_challenge_methods_supported"),
        MetadataFault::IssParameterPromised => {
            set(reply, "authorization_response_iss_parameter_supported", json!(true));
        }
        MetadataFault::NoEndSession => remove(reply, "end_session_endpoint"),
    }
}

pub(super) fn jwks(reply: &mut Reply, fault: JwksFault, context: &Context<'_>) {
    let keys = context.keys;
    let right = || keys.jwk();
    let second = || keys.named_jwk(NamedKey::SecondRsa);
    match fault {
        JwksFault::Rewritten => {}
        JwksFault::AlternateKeys => {
            publish(
                reply,
                [right(), without(second(), &["alg"]), keys.named_jwk(NamedKey::EcP256)],
            );
        }
        JwksFault::OneUsableKey => publish(
            reply,
            [
                keys.named_jwk(NamedKey::Encryption),
                keys.named_jwk(NamedKey::EcP256),
                right(),
            ],
        ),
        JwksFault::ManyKeys => publish(reply, [second(), right()]),
        JwksFault::Bare => publish(reply, [without(right(), &["alg", "use"])]),
        JwksFault::Decorated => {
            let mut key = without(right(), &["use"]);
            key["key_ops"] = json!(["verify"]);
            key["x5c"] = json!([forge::current_certificate(context)]);
            key["x-unknown"] = json!({"nested": [null, 1]});
            publish(reply, [key]);
        }
        JwksFault::OtherTypes => publish(reply, [okp(), akp(), foo(), p521(), right()]),
        JwksFault::NoKeyType => publish(reply, [without(second(), &["kty"]), right()]),
        JwksFault::NullEntry => publish(reply, [Value::Null, right()]),
        JwksFault::BrokenModulus => {
            let mut broken = second();
            broken["n"] = json!("*not base64url*");
            publish(reply, [broken, right()]);
        }
        JwksFault::SameKidDecoysFirst => publish(reply, decoys(context).into_iter().chain([right()])),
        JwksFault::SameKidDecoysLast => publish(reply, [right()].into_iter().chain(decoys(context))),
        JwksFault::EncryptionKey => publish(reply, [right(), keys.named_jwk(NamedKey::Encryption)]),
        JwksFault::OctKey => {
            let oct = json!({
                "kty": "oct", "alg": "HS256", "kid": forge::OCT_KID, "use": "sig", "k": text::base64url(forge::OCT_KEY),
            });
            publish(reply, [right(), oct]);
        }
        JwksFault::WeakKeys => publish(
            reply,
            [
                right(),
                keys.named_jwk(NamedKey::WeakRsa),
                keys.named_jwk(NamedKey::TinyRsa),
            ],
        ),
        JwksFault::Status404 => unavailable(reply, 404),
        JwksFault::Status500 => unavailable(reply, 500),
        JwksFault::Html => html(reply, "<!doctype html><title>Maintenance</title><p>Back soon."),
        JwksFault::Hang => reply.delivery = Delivery::Never,
        JwksFault::NoKeys => publish(reply, []),
        JwksFault::Slow2s => reply.delivery = Delivery::After(Duration::from_secs(2)),
        JwksFault::Slow30s => reply.delivery = Delivery::After(Duration::from_secs(30)),
        JwksFault::RedirectSecondOrigin => {
            redirect(
                reply,
                302,
                context.at_second_origin(&forge::echo(&forge::attacker_jwks(context))),
            );
        }
    }
}

fn unavailable(reply: &mut Reply, status: u16) {
    error(
        reply,
        status,
        "temporarily_unavailable",
        "The server is not available at the moment.",
    );
}

/// Members that hold the URL of an endpoint.
fn endpoint_names(reply: &Reply) -> Vec<String> {
    let is_endpoint = |name: &String| name.ends_with("_endpoint") || name == "jwks_uri";
    members(reply)
        .keys()
        .filter(|name| is_endpoint(name))
        .cloned()
        .collect()
}

/// Publishes an endpoint below [`ODD_PATH`], where the router answers as at the usual place. What is there already stays.
fn move_endpoint(reply: &mut Reply, name: &str, context: &Context<'_>) {
    let word = text::base64url(&forge::junk(&format!("{name} of {}", context.issuer), 6));
    edit_url(reply, name, |url| {
        if url.path().starts_with(ODD_PATH) {
            return;
        }
        let path = format!("{ODD_PATH}{word}{}", url.path());
        url.set_path(&path);
    });
}

fn edit_url(reply: &mut Reply, name: &str, edit: impl FnOnce(&mut Url)) {
    let old = members(reply)
        .get(name)
        .and_then(Value::as_str)
        .and_then(|url| Url::parse(url).ok());
    if let Some(mut url) = old {
        edit(&mut url);
        set(reply, name, json!(url.as_str()));
    }
}

fn publish(reply: &mut Reply, keys: impl IntoIterator<Item = Value>) {
    let keys: Vec<Value> = keys.into_iter().collect();
    reply.body = Body::Json(json!({ "keys": keys }));
}

fn without(mut jwk: Value, names: &[&str]) -> Value {
    if let Value::Object(members) = &mut jwk {
        for name in names {
            members.shift_remove(*name);
        }
    }
    jwk
}

/// Keys of other types and algorithms under the kid of the right one.
fn decoys(context: &Context<'_>) -> [Value; 3] {
    let kid = json!(context.keys.kid());
    let mut ec = context.keys.named_jwk(NamedKey::EcP256);
    ec["kid"] = kid.clone();
    let mut rsa = context.keys.named_jwk(NamedKey::SecondRsa);
    rsa["alg"] = json!("PS256");
    rsa["kid"] = kid.clone();
    let mut okp = okp();
    okp["kid"] = kid;
    [ec, rsa, okp]
}

/// RFC 8037 §2.
fn okp() -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "okp", "x": text::base64url(&forge::junk("okp", 32))})
}

/// The key type for post-quantum algorithms.
fn akp() -> Value {
    json!({"kty": "AKP", "alg": "ML-DSA-44", "use": "sig", "kid": "akp", "pub": text::base64url(&forge::junk("akp", 1312))})
}

fn foo() -> Value {
    json!({"kty": "foo", "kid": "foo", "use": "sig", "bar": [1, {"baz": null}]})
}

/// A point that need not lie on the curve: nobody has a reason to load it.
fn p521() -> Value {
    let coordinate = |label| text::base64url(&forge::junk(label, 66));
    json!({
        "kty": "EC", "crv": "P-521", "alg": "ES512", "use": "sig", "kid": "p521", "x": coordinate("x"), "y": coordinate("y"),
    })
}
