//! How hard a value is to guess, judged from many samples: repetition, counting, the clock, and an estimate of its bits.
//!
//! The estimate is length times alphabet over the positions that vary. It is generous on purpose: it tells short, counted
//! and clock-made values from random ones, and never accuses a structured value (a JWT, a signed cookie) that has enough
//! varying positions.

/// How many samples an estimate needs.
pub(crate) const SAMPLES: usize = 10;

/// What ASVS 5.0 §7.2.3 asks of session ids, and good practice of all such values.
pub(crate) const REQUIRED_BITS: f64 = 128.0;

/// Below this a value can be guessed by somebody who may try as often as a server answers.
pub(crate) const GUESSABLE_BITS: f64 = 64.0;

/// Below this a value is called short. A random UUID has 122 bits and twenty letters and digits have 119: both are in
/// wide use and beyond guessing, so what lies between is told as a note.
pub(crate) const TOLERATED_BITS: f64 = 112.0;

/// What samples of one parameter say.
#[derive(Debug, PartialEq)]
pub(crate) enum Randomness {
    /// Nothing is wrong; the estimate in bits.
    Good(f64),
    /// Can be guessed, and why.
    Weak(String),
    /// Cannot be guessed, and has fewer bits than is asked for.
    Short(String),
    /// Fewer than [`SAMPLES`] samples.
    TooFew(usize),
}

/// Judges samples in the order in which they were made.
pub(crate) fn judge(values: &[&str]) -> Randomness {
    if let Some(repeated) = repeated(values) {
        return Randomness::Weak(format!("the value `{}` came twice", super::facts::shortened(repeated)));
    }
    if values.len() < SAMPLES {
        return Randomness::TooFew(values.len());
    }
    if let Some(pattern) = counts_up(values) {
        return Randomness::Weak(pattern);
    }
    let bits = estimate(values);
    if bits < TOLERATED_BITS {
        let text = format!(
            "about {bits:.0} bits vary over {} samples such as `{}`; {REQUIRED_BITS:.0} are asked for",
            values.len(),
            super::facts::shortened(values.first().copied().unwrap_or_default())
        );
        return match bits < GUESSABLE_BITS {
            true => Randomness::Weak(text),
            false => Randomness::Short(text),
        };
    }
    Randomness::Good(bits)
}

/// A value that occurs twice.
pub(crate) fn repeated<'v>(values: &[&'v str]) -> Option<&'v str> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted
        .windows(2)
        .find_map(|pair| (pair[0] == pair[1]).then_some(pair[0]))
}

/// Bits that vary: for each position, the alphabet it draws from, as far as the samples show it.
fn estimate(values: &[&str]) -> f64 {
    let length = values.iter().map(|value| value.len()).min().unwrap_or_default();
    let alphabet = alphabet_size(values);
    // How many different letters so many draws from the alphabet show on average.
    let draws = u32::try_from(values.len()).map_or(f64::INFINITY, f64::from);
    let expected = alphabet * (1.0 - (1.0 - 1.0 / alphabet).powf(draws));
    (0..length)
        .map(|position| {
            let mut seen: Vec<u8> = values.iter().map(|value| value.as_bytes()[position]).collect();
            seen.sort_unstable();
            seen.dedup();
            let distinct = u32::try_from(seen.len()).map_or(1.0, f64::from);
            // A position that shows clearly fewer letters than its alphabet has counts for what it shows.
            if distinct * 2.0 < expected {
                distinct.log2()
            } else {
                alphabet.log2()
            }
        })
        .sum()
}

/// The smallest usual alphabet that holds every letter of the positions that vary.
fn alphabet_size(values: &[&str]) -> f64 {
    let length = values.iter().map(|value| value.len()).min().unwrap_or_default();
    let varies = |position: &usize| {
        let first = values[0].as_bytes()[*position];
        values.iter().any(|value| value.as_bytes()[*position] != first)
    };
    let letters: Vec<u8> = (0..length)
        .filter(varies)
        .flat_map(|position| values.iter().map(move |value| value.as_bytes()[position]))
        .collect();
    let all = |fits: fn(&u8) -> bool| letters.iter().all(fits);
    if all(u8::is_ascii_digit) {
        10.0
    } else if all(|letter| letter.is_ascii_digit() || matches!(letter, b'a'..=b'f' | b'-'))
        || all(|letter| letter.is_ascii_digit() || matches!(letter, b'A'..=b'F' | b'-'))
    {
        16.0
    } else if all(|letter| matches!(letter, b'A'..=b'Z' | b'2'..=b'7')) {
        32.0
    } else if all(|letter| letter.is_ascii_digit() || letter.is_ascii_lowercase()) {
        36.0
    } else if all(u8::is_ascii_alphanumeric) {
        62.0
    } else {
        64.0
    }
}

/// A counter or the clock behind a common prefix.
fn counts_up(values: &[&str]) -> Option<String> {
    let prefix = common_prefix(values);
    let suffix = common_suffix(values, prefix);
    let middles: Vec<&str> = values
        .iter()
        .map(|value| {
            value
                .get(prefix..value.len().saturating_sub(suffix))
                .unwrap_or_default()
        })
        .collect();
    // The prefix swallows the leading digits of a clock: they belong to the number.
    let lead = leading_digits(values.first()?.get(..prefix).unwrap_or_default());
    for radix in [10, 16] {
        let numbers: Option<Vec<u128>> = middles
            .iter()
            .map(|middle| u128::from_str_radix(&format!("{lead}{middle}"), radix).ok())
            .collect();
        let Some(numbers) = numbers else { continue };
        let steps: Option<Vec<u128>> = numbers.windows(2).map(|pair| pair[1].checked_sub(pair[0])).collect();
        let Some(steps) = steps else { continue };
        let small = steps.iter().all(|step| *step > 0 && *step < 1 << 40);
        if small {
            return Some(format!(
                "the values count up: `{}`, `{}`, `{}`",
                super::facts::shortened(values[0]),
                super::facts::shortened(values[1]),
                super::facts::shortened(values[2])
            ));
        }
    }
    None
}

fn leading_digits(prefix: &str) -> &str {
    let start = prefix
        .rfind(|letter: char| !letter.is_ascii_digit())
        .map_or(0, |at| at + prefix[at..].chars().next().map_or(1, char::len_utf8));
    let digits = &prefix[start..];
    // More digits than a clock has would overflow and say nothing.
    &digits[digits.len().saturating_sub(20)..]
}

fn common_prefix(values: &[&str]) -> usize {
    let Some(first) = values.first() else { return 0 };
    (0..first.len())
        .take_while(|at| {
            values
                .iter()
                .all(|value| value.as_bytes().get(*at) == first.as_bytes().get(*at))
        })
        .count()
}

fn common_suffix(values: &[&str], prefix: usize) -> usize {
    let Some(first) = values.first() else { return 0 };
    let shortest = values.iter().map(|value| value.len()).min().unwrap_or_default();
    (0..shortest.saturating_sub(prefix))
        .take_while(|back| {
            let from_end = |value: &str| value.as_bytes().get(value.len() - 1 - back).copied();
            values.iter().all(|value| from_end(value) == from_end(first))
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(make: impl Fn(u64) -> String) -> Randomness {
        let values: Vec<String> = (0..50).map(make).collect();
        judge(&values.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Text that looks random to this module: the digest of a number.
    fn random(at: u64) -> String {
        super::super::facts::challenge_of(&at.to_string())
    }

    fn hex(at: u64, length: usize) -> String {
        let bytes = random(at);
        bytes
            .bytes()
            .map(|byte| format!("{:x}", byte % 16))
            .take(length)
            .collect()
    }

    #[test]
    fn random_values_are_good_whatever_their_shape() {
        assert!(matches!(samples(random), Randomness::Good(bits) if bits > 240.0));
        assert!(matches!(samples(|at| hex(at, 32)), Randomness::Good(bits) if bits > 127.0));
        let uuid = |at| format!("{}-4{}-a{}", hex(at, 12), hex(at + 1000, 3), hex(at + 2000, 16));
        assert!(matches!(samples(uuid), Randomness::Good(_)));
        let jwt = |at| {
            format!(
                "eyJhbGciOiJIUzI1NiJ9.eyJyZXR1cm5fdG8iOiIvcHJvZmlsZSJ9{}.{}",
                "A".repeat(300),
                random(at)
            )
        };
        assert!(matches!(samples(jwt), Randomness::Good(_)));
    }

    #[test]
    fn guessable_values_are_weak() {
        assert!(matches!(samples(|_| "constant".to_owned()), Randomness::Weak(_)));
        assert!(matches!(samples(|at| format!("state-{at}")), Randomness::Weak(why) if why.contains("count up")));
        assert!(
            matches!(samples(|at| format!("{}", 1_790_000_000_123 + at * 17)), Randomness::Weak(why) if why.contains("count up"))
        );
        assert!(matches!(samples(|at| hex(at, 8)), Randomness::Weak(why) if why.contains("bits")));
        let padded = |at| format!("{}{}", "x".repeat(60), hex(at, 8));
        assert!(
            matches!(samples(padded), Randomness::Weak(_)),
            "length alone is no entropy"
        );
    }

    /// Sixteen base64url characters are 96 bits: nobody guesses them, and they are fewer than 128.
    #[test]
    fn a_value_of_some_ninety_bits_is_short_and_not_guessable() {
        let short = samples(|at| random(at)[..16].to_owned());
        assert!(matches!(short, Randomness::Short(_)), "{short:?}");
        assert!(matches!(samples(|at| random(at)[..8].to_owned()), Randomness::Weak(_)));
    }

    #[test]
    fn few_samples_say_only_whether_one_came_twice() {
        assert_eq!(judge(&["a", "b"]), Randomness::TooFew(2));
        assert!(matches!(judge(&["a", "a"]), Randomness::Weak(_)));
        assert_eq!(judge(&[]), Randomness::TooFew(0));
    }
}
