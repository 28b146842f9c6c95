//! Asks a fresh app how long after a fetch of the key set it declines to fetch it again.

use std::time::Duration;

use mock_idp::flow::record::{Endpoint, Event, Stamp};
use tokio::time::{Instant, sleep_until};

use super::{
    control,
    cool_down::{CoolDown, LONGEST},
    ground::Ground,
    seed::seed_of,
    stage::Stage,
};

/// When a new key is tried, in seconds after the last fetch: at once, as most apps fetch at once, and after the usual
/// times of libraries. Few tries, because some apps turn away whoever was refused often.
const TRIES: &[u64] = &[0, 4, 12, 31, 61];

/// Longer than the time that was learnt, so that a clock that counts seconds agrees.
const MARGIN: Duration = Duration::from_secs(1);

/// What is known of the time between two fetches; asked once in a run, by whoever needs it first, on a fresh app of its own.
pub(super) async fn cool_down(ground: Ground<'_>) -> CoolDown {
    let learnt = ground.org.cool_down.get_or_init(|| async {
        if let Some(seconds) = ground.config.run.cool_down {
            return CoolDown::Told(Duration::from_secs(seconds));
        }
        match ground.org.fresh(ground.config, ground.options, &[], false).await {
            Ok(stage) => {
                let learnt = learn(ground, &stage).await;
                stage.close().await;
                learnt
            }
            Err(_) => CoolDown::Told(LONGEST),
        }
    });
    *learnt.await
}

/// The same, asked on a fresh app that works already.
pub(super) async fn cool_down_of(ground: Ground<'_>, stage: &Stage) -> CoolDown {
    let learnt = ground.org.cool_down.get_or_init(|| async {
        match ground.config.run.cool_down {
            Some(seconds) => CoolDown::Told(Duration::from_secs(seconds)),
            None => learn(ground, stage).await,
        }
    });
    *learnt.await
}

/// Whether an app that works fetches the key set at once for a key that it does not have.
pub(super) async fn fetches_at_once(ground: Ground<'_>, stage: &Stage) -> bool {
    stage.world.idp.rotate_keys(&stage.world.server);
    let seed = seed_of(ground.options.seed, "fetches at once");
    control::sign_in(&stage.world, seed).await.1.is_ok()
}

async fn learn(ground: Ground<'_>, stage: &Stage) -> CoolDown {
    let seed = seed_of(ground.options.seed, "cool-down");
    if control::sign_in(&stage.world, seed).await.1.is_err() {
        return CoolDown::Never;
    }
    // Twice: the first fetch, at the start of the app, may not count, and may have been a while ago.
    let Some(first) = fetched_again(stage, seed, 1).await else {
        return CoolDown::Never;
    };
    match fetched_again(stage, seed, 2).await {
        None => CoolDown::Never,
        Some(second) if first.at_once && second.at_once => CoolDown::AtOnce(second.after + MARGIN),
        Some(second) => CoolDown::Learnt(second.after + MARGIN),
    }
}

/// A fetch of a new key.
struct Fetched {
    /// How long after the last one.
    after: Duration,
    /// Whether nothing was tried in vain before.
    at_once: bool,
}

/// Rotates the key, and tries sign-ins until one is accepted: how long after the last fetch the app fetched again.
async fn fetched_again(stage: &Stage, seed: u64, round: u32) -> Option<Fetched> {
    let last = last_fetch(stage)?;
    let began = Instant::now();
    let since = Duration::from_micros(Stamp::now().0.saturating_sub(last.0));
    stage.world.idp.rotate_keys(&stage.world.server);
    for (index, seconds) in TRIES.iter().enumerate() {
        // Not synchronisation: the time since the last fetch is what is measured.
        sleep_until(began + Duration::from_secs(*seconds).saturating_sub(since)).await;
        let after = since + began.elapsed();
        let seed = seed_of(seed, format!("round {round}, {seconds} s"));
        if control::sign_in(&stage.world, seed).await.1.is_ok() {
            return Some(Fetched {
                after,
                at_once: index == 0,
            });
        }
    }
    None
}

fn last_fetch(stage: &Stage) -> Option<Stamp> {
    let records = stage.world.idp.unbound(Stamp(0));
    let fetches = records.into_iter().filter(|record| {
        let of_keys = matches!(&record.event, Event::Received { endpoint, .. } if *endpoint == Endpoint::Jwks);
        of_keys && record.server == stage.world.server
    });
    fetches.map(|record| record.at).max()
}
