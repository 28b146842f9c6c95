//! The law in words: `explain` prints those sentences that a case needs, and ARCHITECTURE.md holds all of them. A test
//! compares both.

use crate::{case::Case, outcome::Level};

/// Which cases a sentence is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// Those with a check of this level.
    Checks(Level),
    /// Those that walk.
    Walks,
    /// Those that only watch.
    Watches,
    /// Those with several variants.
    Variants,
    /// None: it is about the run.
    Run,
}

/// A part of the law.
#[derive(Clone, Copy, Debug)]
pub struct Sentence {
    about: About,
    /// The sentence, or the few that belong together.
    pub text: &'static str,
}

const fn sentence(about: About, text: &'static str) -> Sentence {
    Sentence { about, text }
}

/// The whole law, in order.
pub const LAW: &[Sentence] = &[
    sentence(
        About::Checks(Level::Must),
        "A broken MUST is a fail: it claims that a named MUST of a standard is broken, or that somebody is signed in who \
         should not be.",
    ),
    sentence(
        About::Checks(Level::MustStar),
        "MUST* is a MUST in the profiles okta and asvs, and a SHOULD in profile core.",
    ),
    sentence(
        About::Checks(Level::Should),
        "A broken SHOULD is a warning, and no more.",
    ),
    sentence(About::Checks(Level::May), "A broken MAY is a note on a pass."),
    sentence(
        About::Walks,
        "An attempt counts when all of this was seen: a plain sign-in worked before it, and another one after it; the same walk \
         with the value left valid was accepted; every step took place; the fault or the edit was delivered. Otherwise the attempt \
         is inconclusive, never a pass and never a fail, and the reason names what was missing.",
    ),
    sentence(
        About::Walks,
        "A fail or a warning needs two attempts that show the same check broken; a pass needs one. Two attempts that \
         differ are inconclusive, whatever the pair.",
    ),
    sentence(
        About::Walks,
        "A refusal that comes as a server error is a warning. 502, 503 and 504 are right answers where the authorization \
         server is at fault.",
    ),
    sentence(
        About::Walks,
        "When the sign-in afterwards fails, the harness first looks for an innocent cause: a limit on requests, a lockout, a \
         process that ended, an answer that was kept from before. The recovery check fails only if a fresh app works without \
         the case, and the case breaks a fresh app twice.",
    ),
    sentence(
        About::Watches,
        "Nothing is sent for it: everything that the run recorded is judged, and what is broken anywhere is broken.",
    ),
    sentence(
        About::Variants,
        "The case is as good as its worst variant: a fail stands beside variants that decided nothing, and those are named \
         beside it.",
    ),
    sentence(
        About::Run,
        "A profile is met when no case failed and every required case was judged. Cases that do not apply to the app count \
         as judged; cases that were left out, by a selector, the configuration or the driver, are not assessed, by name.",
    ),
];

/// The sentences that a case needs.
pub fn about(case: &Case) -> impl Iterator<Item = &'static str> {
    let levels: Vec<Level> = case
        .variants
        .iter()
        .flat_map(|variant| case.asks(variant))
        .map(|expect| expect.level)
        .collect();
    let watches = case.variants.iter().all(|variant| variant.script.is_empty());
    let variants = case.variants.len();
    LAW.iter()
        .filter(move |sentence| match sentence.about {
            // What a MUST* is says nothing to whom nobody told what a MUST is.
            About::Checks(Level::Must) => levels.iter().any(|level| *level >= Level::MustStar),
            About::Checks(level) => levels.contains(&level),
            About::Walks => !watches,
            About::Watches => watches,
            About::Variants => variants > 1,
            About::Run => false,
        })
        .map(|sentence| sentence.text)
}
