//! "Did you mean": the nearest of the known names.

/// So many bytes of a text are compared with another: comparing takes time and memory by the product of both lengths, and what
/// somebody sent may be as long as a request may be.
const COMPARED: usize = 200;

/// The beginning of a text, as far as it is compared.
pub(crate) fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(COMPARED)]
}

/// The known name that is most like this one, if one is like it at all: by its beginning and its letters, or because few
/// letters are exchanged, missing or too many.
pub(crate) fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.78;
    // Nothing of that length is a slip.
    if wrong.len() > COMPARED {
        return None;
    }
    let few = (wrong.chars().count() / 4).max(1);
    let likeness = |name: &str| {
        let likeness = strsim::jaro_winkler(wrong, name);
        let is_slip = name.chars().count() > 1 && strsim::damerau_levenshtein(wrong, name) <= few;
        if is_slip { likeness.max(ALIKE) } else { likeness }
    };
    let scored = known
        .filter(|name| name.len() <= COMPARED)
        .map(|name| (likeness(name), name));
    let best = scored.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(likeness, _)| *likeness >= ALIKE).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    /// Compared letter by letter these would take eight terabytes.
    #[test]
    fn texts_as_long_as_a_request_are_not_compared() {
        let long = "a".repeat(1_000_000);
        assert_eq!(nearest(&long, [long.as_str(), "a"].into_iter()), None);
        assert_eq!(nearest("wbe", [long.as_str(), "web"].into_iter()), Some("web"));
    }

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let known = || ["web", "spa", "redirect_uris", "id-token.alg-none"].into_iter();
        for (wrong, expected) in [
            ("wbe", Some("web")),
            ("redirect_uri", Some("redirect_uris")),
            ("id-token.alg-nonne", Some("id-token.alg-none")),
            ("api", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(wrong, known()), expected, "{wrong}");
        }
    }
}
