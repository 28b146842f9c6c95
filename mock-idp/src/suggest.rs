//! "Did you mean": the nearest of the known names.

/// The known name that is most like this one, if one is like it at all.
pub(crate) fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.78;
    let scored = known.map(|name| (strsim::jaro_winkler(wrong, name), name));
    let best = scored.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(likeness, _)| *likeness >= ALIKE).map(|(_, name)| name)
}
