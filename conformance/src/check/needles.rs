//! Finds any of many long strings in many texts: secrets in addresses and pages, thousands against thousands.

use std::collections::HashMap;

/// The last so many bytes of a needle find its place; shorter needles are not taken.
const TAIL: usize = 8;

/// A bitmap of this many bits (as a power of two) tells most places apart without a look-up.
const BITS: u32 = 20;

/// Strings to look for, each with what it is.
pub(crate) struct Needles {
    items: Vec<(&'static str, String)>,
    tails: HashMap<[u8; TAIL], Vec<usize>>,
    bitmap: Vec<u64>,
}

impl Needles {
    /// No needle yet.
    pub(crate) fn new() -> Self {
        Self {
            items: Vec::new(),
            tails: HashMap::new(),
            bitmap: vec![0; 1 << (BITS - 6)],
        }
    }

    /// Adds a needle; one of fewer than 16 bytes is left out, because it would match by chance.
    pub(crate) fn add(&mut self, what: &'static str, text: &str) {
        if text.len() < 16 {
            return;
        }
        let Some(tail) = text.as_bytes().last_chunk::<TAIL>() else {
            return;
        };
        let same_tail = self.tails.entry(*tail).or_default();
        if same_tail.iter().any(|item| self.items[*item].1 == text) {
            return;
        }
        same_tail.push(self.items.len());
        self.items.push((what, text.to_owned()));
        let (word, bit) = place(*tail);
        self.bitmap[word] |= bit;
    }

    /// Whether there is nothing to look for.
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// What the needle with this number is.
    pub(crate) fn what(&self, item: usize) -> &'static str {
        self.items.get(item).map_or("a secret", |(what, _)| what)
    }

    /// The numbers of the needles in this text, in the order in which they end.
    pub(crate) fn in_text<'n>(&'n self, text: &'n str) -> impl Iterator<Item = usize> + 'n {
        let bytes = text.as_bytes();
        bytes.array_windows::<TAIL>().enumerate().flat_map(move |(at, window)| {
            let (word, bit) = place(*window);
            let candidates = match self.bitmap[word] & bit {
                0 => None,
                _ => self.tails.get(window),
            };
            let before = &bytes[..at + TAIL];
            candidates
                .into_iter()
                .flatten()
                .copied()
                .filter(move |item| before.ends_with(self.items[*item].1.as_bytes()))
        })
    }
}

fn place(tail: [u8; TAIL]) -> (usize, u64) {
    // Fibonacci hashing: the upper bits of the product are well mixed.
    let hash = u64::from_le_bytes(tail).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - BITS);
    let word = usize::try_from(hash >> 6).unwrap_or_default();
    (word, 1 << (hash & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(needles: &[&str], text: &str) -> Vec<usize> {
        let mut all = Needles::new();
        for needle in needles {
            all.add("a needle", needle);
        }
        all.in_text(text).collect()
    }

    #[test]
    fn needles_are_found_wherever_they_stand() {
        let (one, two) = ("first-secret-0123456789", "second-secret-abcdefghi");
        assert_eq!(found(&[one, two], one), [0]);
        assert_eq!(found(&[one, two], &format!("a {two} b {one}")), [1, 0]);
        assert_eq!(found(&[one, two], &format!("{one}{two}")), [0, 1]);
        assert_eq!(
            found(&[one, two], "neither is here, only first-secret-012345678"),
            [] as [usize; 0]
        );
    }

    #[test]
    fn needles_with_one_tail_are_told_apart() {
        let (one, two) = ("one-0123456789-same-tail", "two-0123456789-same-tail");
        assert_eq!(found(&[one, two], &format!("x{two}y")), [1]);
    }

    #[test]
    fn short_and_repeated_needles_are_left_out() {
        assert_eq!(found(&["short"], "short"), [] as [usize; 0]);
        let one = "first-secret-0123456789";
        assert_eq!(found(&[one, one], one), [0]);
    }
}
