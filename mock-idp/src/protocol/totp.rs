//! Time-based one-time passwords (RFC 6238): SHA-1, six digits, thirty seconds.

use aws_lc_rs::hmac;

/// Seconds that one code is shown.
const STEP: u64 = 30;

/// The time step in which this code is right, looking one step back and one ahead; `None` if it is wrong or the secret is
/// no base32.
#[must_use]
pub fn step_of(secret: &str, code: &str, now: i64) -> Option<u64> {
    let secret = base32(secret)?;
    let current = u64::try_from(now).ok()? / STEP;
    [current, current.wrapping_sub(1), current + 1]
        .into_iter()
        .find(|step| at_step(&secret, *step) == code)
}

/// The code of this moment; `None` if the secret is no base32.
#[must_use]
pub fn code(secret: &str, now: i64) -> Option<String> {
    Some(at_step(&base32(secret)?, u64::try_from(now).ok()? / STEP))
}

/// RFC 4226 §5.3.
fn at_step(secret: &[u8], step: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[19] & 15);
    let four = [tag[offset] & 127, tag[offset + 1], tag[offset + 2], tag[offset + 3]];
    format!("{:06}", u32::from_be_bytes(four) % 1_000_000)
}

/// RFC 4648 §6, upper or lower case, with or without padding.
fn base32(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for character in text.trim_end_matches('=').chars() {
        let value = match character.to_ascii_uppercase() {
            letter @ 'A'..='Z' => u32::from(letter) - u32::from('A'),
            digit @ '2'..='7' => u32::from(digit) - u32::from('2') + 26,
            _ => return None,
        };
        bits = (bits << 5) | value;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B, the last six of its eight digits; the secret is the ASCII text 12345678901234567890.
    #[test]
    fn the_examples_of_the_standard_hold() {
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        for (now, expected) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            assert_eq!(code(secret, now).as_deref(), Some(expected));
            assert!(step_of(secret, expected, now + 29).is_some());
            assert!(step_of(secret, expected, now + 90).is_none());
        }
        assert_eq!(code("not base32!", 0), None);
    }
}
