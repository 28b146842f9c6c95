//! In what two client secrets differ, without saying them.

use percent_encoding::percent_decode_str;

/// The first characters and the length: enough to tell which secret it is, too little to use it.
pub(super) fn masked(secret: &str) -> String {
    let count = secret.chars().count();
    let beginning: String = secret.chars().take(if count >= 12 { 3 } else { 0 }).collect();
    format!("{beginning}… ({count} characters)")
}

/// What differs, in a sentence.
pub(super) fn difference(sent: &str, registered: &str) -> String {
    let decoded = percent_decode_str(sent).decode_utf8_lossy();
    if sent.trim() == registered {
        return "It has white space before or after it, perhaps the end of a line.".to_owned();
    }
    if decoded == registered {
        return "It is percent-encoded, which only the Authorization header may be.".to_owned();
    }
    if sent.trim_matches(['"', '\'']) == registered {
        return "It has quotes around it.".to_owned();
    }
    if sent.eq_ignore_ascii_case(registered) {
        return "It differs in upper and lower case only.".to_owned();
    }
    if sent.starts_with("${") || sent.starts_with("env:") || sent.starts_with("{{") {
        return "It is a placeholder that was not replaced.".to_owned();
    }
    let same = sent
        .chars()
        .zip(registered.chars())
        .take_while(|(one, other)| one == other)
        .count();
    match same {
        0..3 => "It is a different secret.".to_owned(),
        _ if registered.starts_with(sent) => "It is the beginning of it: the end was cut off.".to_owned(),
        _ => format!("It differs from character {} on.", same + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::{difference, masked};

    #[test]
    fn a_secret_is_never_said() {
        let secret = "a-secret-that-is-long-enough";
        assert_eq!(masked(secret), "a-s… (28 characters)");
        assert_eq!(masked("short"), "… (5 characters)");
        for sent in [
            " a-secret-that-is-long-enough\n",
            "a-secret-that-is-long-enougH",
            "b",
            "a-secret-that",
            "${SECRET}",
        ] {
            let said = difference(sent, secret);
            assert!(
                !said.contains(secret) && !said.contains(sent.trim()) || sent == "b",
                "{said}"
            );
        }
        assert_eq!(
            difference("a-secret-tHat-is", secret),
            "It differs from character 11 on."
        );
    }
}
