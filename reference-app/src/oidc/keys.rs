//! Step 5b: the keys that the authorization server publishes (RFC 7517), fetched when needed and kept for a while.

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::{RelyingParty, fetch::FetchError, jwt::TokenError, metadata::Metadata};

/// How long a key set is used: a withdrawn key is believed for so long at most.
const LIFETIME: Duration = Duration::from_mins(15);
/// How long an old set may serve when the new one cannot be had.
const GRACE: Duration = Duration::from_secs(60);
/// Fetches that unknown key ids may cause in a burst, and how soon another one is allowed. An attacker with forged key
/// ids causes a trickle; a real rotation in the middle of that waits for seconds, not for minutes.
const BURST: u32 = 5;
const REFILL: Duration = Duration::from_secs(4);
/// Keys of one id that are tried.
const MAX_CANDIDATES: usize = 4;

/// The keys while they are good.
#[derive(Default)]
pub struct Keys {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    set: Option<KeySet>,
    failed: Option<(Instant, FetchError)>,
    bucket: Bucket,
}

struct KeySet {
    fetched: Instant,
    stale_after: Instant,
    keys: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    id: Option<String>,
    key: DecodingKey,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl RelyingParty {
    /// The keys with which a token of this key id can be signed; not empty.
    ///
    /// # Errors
    /// [`TokenError::Keys`], [`TokenError::UnknownKey`], [`TokenError::NoKeyId`].
    pub(super) async fn keys_for(&self, metadata: &Metadata, id: Option<&str>) -> Result<Vec<DecodingKey>, TokenError> {
        let asked = Instant::now();
        // Held while fetching, so that a hundred first visitors cause one fetch.
        let mut state = self.keys.state.lock().await;
        if state.set.as_ref().is_none_or(|set| set.stale_after <= asked) {
            self.renew(&metadata.jwks_uri, asked, &mut state).await?;
        }
        match select(&state, id) {
            // Perhaps the keys were rotated since.
            Err(TokenError::UnknownKey) => {}
            decided => return decided,
        }
        let is_newer = state.set.as_ref().is_some_and(|set| set.fetched >= asked);
        if !is_newer && state.bucket.take() {
            self.renew(&metadata.jwks_uri, asked, &mut state).await?;
        }
        select(&state, id)
    }

    async fn renew(&self, url: &Url, asked: Instant, state: &mut State) -> Result<(), TokenError> {
        if let Some((at, error)) = &state.failed
            && *at >= asked
        {
            return Err(TokenError::Keys(error.clone()));
        }
        match self.fetcher.get_json::<Document>(url, None).await {
            Ok(document) => {
                let fetched = Instant::now();
                state.set = Some(KeySet {
                    fetched,
                    stale_after: fetched + LIFETIME,
                    keys: document.keys.iter().filter_map(usable).collect(),
                });
                state.failed = None;
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, "the key set cannot be had");
                state.failed = Some((Instant::now(), error.clone()));
                match &mut state.set {
                    Some(set) if set.fetched.elapsed() < LIFETIME * 4 => {
                        set.stale_after = set.stale_after.max(Instant::now() + GRACE);
                        Ok(())
                    }
                    _ => Err(TokenError::Keys(error)),
                }
            }
        }
    }
}

fn select(state: &State, id: Option<&str>) -> Result<Vec<DecodingKey>, TokenError> {
    let keys = state.set.as_ref().map_or(&[][..], |set| &set.keys[..]);
    let Some(id) = id else {
        // Core §10.1: a token may leave the key id out when there is only one key that it can mean.
        return match keys {
            [] => Err(TokenError::UnknownKey),
            [only] => Ok(vec![only.key.clone()]),
            _ => Err(TokenError::NoKeyId),
        };
    };
    let named = keys.iter().filter(|key| key.id.as_deref() == Some(id));
    let named: Vec<_> = named.take(MAX_CANDIDATES).map(|key| key.key.clone()).collect();
    if named.is_empty() {
        Err(TokenError::UnknownKey)
    } else {
        Ok(named)
    }
}

/// The key, if an RS256 signature may be verified with it; anything else in the set is passed over (RFC 7517 §5).
fn usable(jwk: &Value) -> Option<Key> {
    let text = |name| jwk.get(name).and_then(Value::as_str);
    let fits = |name, wanted: &str| jwk.get(name).is_none_or(|value| value.as_str() == Some(wanted));
    let may_verify = jwk.get("key_ops").is_none_or(|operations| {
        operations
            .as_array()
            .is_some_and(|list| list.iter().any(|operation| operation == "verify"))
    });
    if text("kty") != Some("RSA") || !fits("use", "sig") || !fits("alg", "RS256") || !may_verify {
        return None;
    }
    let modulus = URL_SAFE_NO_PAD.decode(text("n")?).ok()?;
    let exponent = URL_SAFE_NO_PAD.decode(text("e")?).ok()?;
    // RFC 7518 §3.3: 2048 bits or more. The upper bound keeps a verification cheap.
    if !(2048..=8192).contains(&bits(&modulus)) || exponent.is_empty() {
        return None;
    }
    Some(Key {
        id: text("kid").map(str::to_owned),
        key: DecodingKey::from_rsa_raw_components(&modulus, &exponent),
    })
}

fn bits(number: &[u8]) -> usize {
    let Some(first) = number.iter().position(|byte| *byte != 0) else {
        return 0;
    };
    (number.len() - first) * 8 - number[first].leading_zeros() as usize
}

/// A token bucket.
struct Bucket {
    left: u32,
    since: Instant,
}

impl Default for Bucket {
    fn default() -> Self {
        Self {
            left: BURST,
            since: Instant::now(),
        }
    }
}

impl Bucket {
    fn take(&mut self) -> bool {
        let earned = u32::try_from(self.since.elapsed().as_secs() / REFILL.as_secs()).unwrap_or(BURST);
        if earned > 0 {
            self.left = self.left.saturating_add(earned).min(BURST);
            self.since = Instant::now();
        }
        let granted = self.left > 0;
        self.left = self.left.saturating_sub(1);
        granted
    }
}
