//! Seeds for everything that a run does, drawn from the run's seed: the same on every toolchain and machine.

use aws_lc_rs::digest::{SHA256, digest};

/// The seed of something named, drawn from the run's seed: the first eight bytes of a SHA-256 over both. The names are
/// part of the promise that a seed can be replayed: renaming one changes what is walked for it.
pub(super) fn seed_of(run: u64, name: impl AsRef<str>) -> u64 {
    let named = format!("{run:016x} {}", name.as_ref());
    let hash = digest(&SHA256, named.as_bytes());
    hash.as_ref()
        .iter()
        .take(8)
        .fold(0, |seed, byte| (seed << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written down: whoever changes these makes every seed that stands in a report worthless.
    #[test]
    fn seeds_are_the_same_everywhere() {
        assert_eq!(seed_of(0x7f3a, "learn"), SEED_OF_LEARN);
        assert_ne!(seed_of(0x7f3a, "learn"), seed_of(0x7f3b, "learn"));
        assert_ne!(seed_of(0x7f3a, "learn"), seed_of(0x7f3a, "preflight"));
    }
    const SEED_OF_LEARN: u64 = 0x5b14_55ee_0ea4_dcad;
}
