//! What changed between two runs.

use super::{
    document::{Case, Run, Word},
    finding,
};

/// One case that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The case.
    pub case: String,
    /// What happened to it.
    pub kind: Kind,
    /// In a sentence.
    pub text: String,
}

/// What happened to a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It fails or warns and did not.
    Broken,
    /// It fails in another way.
    Otherwise,
    /// It could be decided and no longer can.
    Lost,
    /// It failed and no longer does.
    Fixed,
    /// Anything else.
    Changed,
}

/// The differences, the worst first.
#[must_use]
pub fn between(old: &Run, new: &Run) -> Vec<Difference> {
    let mut found: Vec<Difference> = new
        .cases
        .iter()
        .filter_map(|case| old.case(&case.id).and_then(|before| of_case(before, case)))
        .collect();
    found.sort_by(|one, other| (one.kind, &one.case).cmp(&(other.kind, &other.case)));
    found
}

fn of_case(before: &Case, after: &Case) -> Option<Difference> {
    let of = |case: &Case| finding::of_case(case);
    let (was, is) = (of(before), of(after));
    let said = |case: &Case| match of(case).first() {
        Some(found) => format!("{} ({})", case.verdict, found.saw),
        None => match &case.reason {
            Some(reason) => format!("{} ({reason})", case.verdict),
            None => case.verdict.to_string(),
        },
    };
    let text = format!("{} → {}", said(before), said(after));
    let kind = if before.verdict == after.verdict {
        let same = is
            .iter()
            .all(|own| was.iter().any(|other| other.fingerprint == own.fingerprint));
        if same && is.len() == was.len() {
            return None;
        }
        Kind::Otherwise
    } else if after.verdict.is_finding() && (!before.verdict.is_finding() || after.verdict > before.verdict) {
        Kind::Broken
    } else if before.verdict.is_finding() && after.verdict == Word::Pass {
        Kind::Fixed
    } else if after.verdict.is_undecided() {
        Kind::Lost
    } else {
        Kind::Changed
    };
    Some(Difference {
        case: after.id.clone(),
        kind,
        text,
    })
}

impl Kind {
    /// As printed.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Broken => "broke",
            Kind::Otherwise => "fails differently",
            Kind::Lost => "undecided",
            Kind::Fixed => "fixed",
            Kind::Changed => "changed",
        }
    }
}
