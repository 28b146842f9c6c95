//! A finding: one check of one case that speaks against the app, with the fingerprint by which the next run knows it again.

use super::{
    document::{Attempt, Case, Variant, Weight, Word},
    redact,
};

/// The name under which a refusal by server error is found, where every check holds.
pub const SERVER_ERROR: &str = "no-server-error";

/// One thing that speaks against the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The check that is broken.
    pub check: String,
    /// How much it weighs.
    pub level: Weight,
    /// What must hold.
    pub expected: String,
    /// What was seen instead.
    pub saw: String,
    /// Of case, check and observation.
    pub fingerprint: String,
}

/// What speaks against the app in a variant: what its last attempt showed.
#[must_use]
pub fn of_variant(case: &str, variant: &Variant) -> Vec<Finding> {
    if !variant.verdict.is_finding() {
        return Vec::new();
    }
    let Some(attempt) = variant.attempts.last() else {
        return Vec::new();
    };
    let mut found: Vec<Finding> = Vec::new();
    for check in attempt.broken() {
        let saw = check.saw.clone().unwrap_or_default();
        found.push(Finding {
            check: check.id.clone(),
            level: check.level,
            expected: check.expected.clone(),
            fingerprint: fingerprint(case, &check.id, &saw),
            saw,
        });
    }
    if found.is_empty() {
        found.extend(by_server_error(case, attempt));
    }
    found
}

/// Everything that speaks against the app in a case, each thing once.
#[must_use]
pub fn of_case(case: &Case) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    if !matches!(case.verdict, Word::Fail | Word::Warn) {
        return found;
    }
    for finding in case.variants.iter().flat_map(|variant| of_variant(&case.id, variant)) {
        if !found.iter().any(|other| other.fingerprint == finding.fingerprint) {
            found.push(finding);
        }
    }
    found
}

/// A refusal that came as a server error: every check holds, and yet something is wrong.
fn by_server_error(case: &str, attempt: &Attempt) -> Option<Finding> {
    let error = attempt.server_error.as_ref()?;
    let saw = format!("{}: {}", error.request, error.answer);
    Some(Finding {
        check: SERVER_ERROR.to_owned(),
        level: Weight::Should,
        expected: "a refusal without a server error".to_owned(),
        fingerprint: fingerprint(case, SERVER_ERROR, &saw),
        saw,
    })
}

/// Six hexadecimal digits of case, check and observation.
#[must_use]
pub fn fingerprint(case: &str, check: &str, saw: &str) -> String {
    redact::fingerprint(&format!("{case} {check} {}", normalised(saw)))
        .chars()
        .take(6)
        .collect()
}

/// What of an observation is the same in every run: words with a digit in them are numbers, random values or addresses,
/// and a hidden secret is known by its name.
#[must_use]
pub fn normalised(saw: &str) -> String {
    let words = saw.split(|c: char| c.is_whitespace() || "&=,;()\"'`".contains(c));
    let kept = words.filter_map(|word| {
        if let Some(name) = word
            .strip_prefix('<')
            .and_then(|word| word.split_once(':'))
            .map(|(name, _)| name)
        {
            return Some(name);
        }
        let stays = !word.is_empty() && (!word.contains(|c: char| c.is_ascii_digit()) || is_status(word));
        stays.then_some(word)
    });
    kept.collect::<Vec<_>>().join(" ")
}

fn is_status(word: &str) -> bool {
    let word = word.trim_matches(':');
    word.len() == 3 && word.parse::<u16>().is_ok_and(|code| (100..600).contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observation_is_recognised_in_the_next_run() {
        let one = normalised("302 /dashboard; the page shows alice-81f2@example.test, wanted refusal");
        let two = normalised("302 /dashboard; the page shows alice-77aa@example.test, wanted refusal");
        assert_eq!(one, two);
        assert_ne!(
            one,
            normalised("200 /dashboard; the page shows alice-77aa@example.test, wanted refusal")
        );
    }

    #[test]
    fn a_hidden_secret_is_known_by_its_name_whatever_its_digits() {
        assert_eq!(
            normalised("GET /callback?code=<code:abcdefab>"),
            normalised("GET /callback?code=<code:01234567>")
        );
    }
}
