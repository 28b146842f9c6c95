//! "Did you mean …?"

/// The known name that is most like a wrong one, when one is like it at all.
#[must_use]
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    several(wrong, known, 1).into_iter().next()
}

/// Up to `limit` known names that are like a wrong one, the likeliest first.
#[must_use]
pub fn several<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>, limit: usize) -> Vec<&'a str> {
    let wrong = wrong.to_lowercase();
    let mut scored: Vec<(u32, &str)> = known
        .into_iter()
        .map(|name| {
            let likeness = strsim::jaro_winkler(&wrong, &name.to_lowercase());
            let inside = wrong.len() >= 4 && name.contains(wrong.as_str());
            ((likeness * 1000.0) as u32 + if inside { 150 } else { 0 }, name)
        })
        .filter(|(score, _)| *score >= 780)
        .collect();
    scored.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    scored.into_iter().take(limit).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_comes_first_and_strangers_do_not_come_at_all() {
        let known = [
            "callback/state-missing",
            "callback/state-mismatch",
            "id-token/aud-missing",
        ];
        assert_eq!(nearest("callback/state-mising", known), Some("callback/state-missing"));
        assert_eq!(several("aud-missing", known, 3)[0], "id-token/aud-missing");
        assert_eq!(nearest("zzz", known), None);
    }
}
