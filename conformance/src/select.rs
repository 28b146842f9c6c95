//! Which cases: the selectors of the command line and of `skip`.
//!
//! `callback/state-missing` (a case), `callback` or `callback/*` (a group), `*/aud-*` (a pattern), `failed` (what was not
//! well in the last run), `changed` (what was not judged since the configuration or the app's files changed) choose; `level:must` and `lane:slow` narrow the choice down, or choose on their own; `not …`
//! takes away. Cases of the slow lane come only when they are named in full, or
//! by `lane:slow`.

use std::{fmt, str::FromStr};

use crate::{
    case::{Case, Lane},
    catalog,
    outcome::Level,
    suggest::several,
};

/// One selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// This case.
    Case(&'static str),
    /// Every case whose id fits: `*` for anything.
    Pattern(String),
    /// Every case of this weight; MUST includes MUST*.
    Level(Level),
    /// Every case of this lane.
    Lane(Lane),
    /// Every case that was not well in the last run: fail, warn, inconclusive, error.
    Failed,
    /// Every case that was not judged since the configuration or the app's files changed.
    Changed,
    /// None of these.
    Not(Box<Selector>),
}

/// A selector that selects nothing, with what was perhaps meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}{}", hint(.meant))]
pub struct UnknownSelector {
    /// What is wrong with it.
    pub what: String,
    /// What was perhaps meant, likeliest first.
    pub meant: Vec<String>,
}

/// What selectors came to.
#[derive(Debug)]
pub struct Selection {
    /// The cases, in catalogue order.
    pub cases: Vec<&'static Case>,
    /// How many slow cases fitted and were left out because nobody asked for them.
    pub slow_left_out: usize,
}

/// What earlier runs have to say.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// Ids of what was not well in the last run; `Err` says why there is none.
    pub failed: Option<Result<Vec<String>, String>>,
    /// Ids of what was judged since the configuration or the app's files changed.
    pub judged: Vec<String>,
}

/// The cases that all selectors together mean. No selector means all.
///
/// # Errors
/// `failed` without a last run that can be read.
pub fn select(selectors: &[Selector], past: &Past) -> Result<Selection, UnknownSelector> {
    let nothing = |what: String| UnknownSelector {
        what,
        meant: Vec::new(),
    };
    let failed = match &past.failed {
        Some(Ok(failed)) => failed.as_slice(),
        _ if !selectors.iter().any(Selector::uses_last_run) => &[],
        Some(Err(why)) => return Err(nothing(format!("what failed in the last run is not known: {why}"))),
        None => return Err(nothing("there is no last run that could have failed".to_owned())),
    };
    let (mut named, mut levels, mut lanes, mut taken) = (vec![], vec![], vec![], vec![]);
    for selector in selectors {
        match selector {
            Selector::Not(inner) => taken.push(inner.as_ref()),
            Selector::Level(_) => levels.push(selector),
            Selector::Lane(_) => lanes.push(selector),
            _ => named.push(selector),
        }
    }
    let judged = past.judged.as_slice();
    let any = |group: &[&Selector], case: &Case| group.iter().any(|selector| selector.fits(case, failed, judged));
    let fits = |case: &Case| {
        [&named, &levels, &lanes]
            .iter()
            .all(|group| group.is_empty() || any(group, case))
            && !any(&taken, case)
    };
    let asked_for_slow = |case: &Case| {
        let by_name = |selector: &&&Selector| matches!(selector, Selector::Case(_) | Selector::Failed);
        named
            .iter()
            .filter(by_name)
            .any(|selector| selector.fits(case, failed, judged))
            || lanes.contains(&&Selector::Lane(Lane::Slow))
    };
    let (cases, slow): (Vec<_>, Vec<_>) = catalog::all()
        .filter(|case| fits(case))
        .partition(|case| case.lane != Lane::Slow || asked_for_slow(case));
    Ok(Selection {
        cases,
        slow_left_out: slow.len(),
    })
}

impl Selector {
    /// Reads one.
    ///
    /// # Errors
    /// When nothing in the catalogue can fit it.
    pub fn parse(text: &str) -> Result<Self, UnknownSelector> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("not ").or_else(|| text.strip_prefix('!')) {
            return Self::parse(rest).map(|inner| Selector::Not(Box::new(inner)));
        }
        if let Some(level) = text.strip_prefix("level:") {
            return named(level, LEVELS, "level").map(Selector::Level);
        }
        if let Some(lane) = text.strip_prefix("lane:") {
            return named(lane, LANES, "lane").map(Selector::Lane);
        }
        match text {
            "failed" => return Ok(Selector::Failed),
            "changed" => return Ok(Selector::Changed),
            _ => {}
        }
        if let Some(case) = catalog::all().find(|case| case.id == text) {
            return Ok(Selector::Case(case.id));
        }
        let pattern = if catalog::GROUPS
            .iter()
            .any(|(group, _)| *group == text.trim_end_matches('/'))
        {
            format!("{}/*", text.trim_end_matches('/'))
        } else {
            text.to_owned()
        };
        if pattern.contains('*') && catalog::all().any(|case| glob(&pattern, case.id)) {
            return Ok(Selector::Pattern(pattern));
        }
        let ids = catalog::all()
            .map(|case| case.id)
            .chain(catalog::GROUPS.iter().map(|(group, _)| *group));
        Err(UnknownSelector {
            what: format!("no case is called `{text}`"),
            meant: several(text, ids, 3).into_iter().map(str::to_owned).collect(),
        })
    }

    fn fits(&self, case: &Case, failed: &[String], judged: &[String]) -> bool {
        match self {
            Selector::Case(id) => case.id == *id,
            Selector::Pattern(pattern) => glob(pattern, case.id),
            Selector::Level(Level::Must) => matches!(case.level, Level::Must | Level::MustStar),
            Selector::Level(level) => case.level == *level,
            Selector::Lane(lane) => case.lane == *lane,
            Selector::Failed => failed.iter().any(|id| id == case.id),
            Selector::Changed => !judged.iter().any(|id| id == case.id),
            Selector::Not(inner) => !inner.fits(case, failed, judged),
        }
    }

    /// Whether it fits a case, for selectors that need no last run.
    #[must_use]
    pub fn is_about(&self, case: &Case) -> bool {
        self.fits(case, &[], &[])
    }

    fn uses_last_run(&self) -> bool {
        match self {
            Selector::Failed => true,
            Selector::Not(inner) => inner.uses_last_run(),
            _ => false,
        }
    }
}

impl FromStr for Selector {
    type Err = UnknownSelector;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name =
            |table: &[(&'static str, Level)], level| table.iter().find(|(_, own)| *own == level).map(|(name, _)| *name);
        match self {
            Selector::Case(id) => f.write_str(id),
            Selector::Pattern(pattern) => f.write_str(pattern),
            Selector::Level(level) => write!(f, "level:{}", name(LEVELS, *level).unwrap_or_default()),
            Selector::Lane(lane) => {
                let name = LANES.iter().find(|(_, own)| own == lane).map_or("", |(name, _)| *name);
                write!(f, "lane:{name}")
            }
            Selector::Failed => f.write_str("failed"),
            Selector::Changed => f.write_str("changed"),
            Selector::Not(inner) => write!(f, "not {inner}"),
        }
    }
}

const LEVELS: &[(&str, Level)] = &[
    ("must", Level::Must),
    ("must*", Level::MustStar),
    ("should", Level::Should),
    ("may", Level::May),
];

const LANES: &[(&str, Lane)] = &[
    ("watch", Lane::Watch),
    ("parallel", Lane::Parallel),
    ("alone", Lane::Alone),
    ("server", Lane::Server),
    ("restart", Lane::Restart),
    ("slow", Lane::Slow),
];

fn named<T: Copy>(text: &str, table: &[(&'static str, T)], kind: &str) -> Result<T, UnknownSelector> {
    let text = text.to_lowercase();
    table
        .iter()
        .find(|(name, _)| *name == text)
        .map(|(_, value)| *value)
        .ok_or_else(|| UnknownSelector {
            what: format!("there is no {kind} `{text}`"),
            meant: table.iter().map(|(name, _)| format!("{kind}:{name}")).collect(),
        })
}

/// Whether a text fits a pattern in which `*` stands for any text, also none, also with slashes.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(rest) = text.strip_prefix(head) else {
        return false;
    };
    (0..=rest.len())
        .filter(|at| rest.is_char_boundary(*at))
        .any(|at| glob(tail, &rest[at..]))
}

fn hint(meant: &[String]) -> String {
    match meant {
        [] => String::new(),
        meant => format!("; did you mean {}?", meant.join(" or ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text() {
        for (pattern, text, fits) in [
            ("callback/*", "callback/state-missing", true),
            ("callback/*", "callbacks", false),
            ("*/aud-*", "id-token/aud-wrong", true),
            ("*state*", "callback/state-missing", true),
            ("*", "", true),
            ("a*b", "ab", true),
            ("a*b", "abc", false),
        ] {
            assert_eq!(glob(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn levels_and_lanes_are_read_and_written() {
        for text in [
            "level:must",
            "level:must*",
            "level:should",
            "lane:slow",
            "failed",
            "changed",
            "not lane:slow",
        ] {
            assert_eq!(Selector::parse(text).unwrap().to_string(), text);
        }
        let error = Selector::parse("level:most").unwrap_err().to_string();
        assert!(error.contains("level:must"), "{error}");
    }
}
