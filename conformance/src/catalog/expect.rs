//! What most variants expect, and the shortest way to write such a variant.
//!
//! A refusal by a server error is still a refusal, and worth a warning: therefore `STAYS_CLEAN` stands beside it at a
//! lower level. Somebody else's data on a page is a failure whatever the level of the case.

use mock_idp::Fault;

use crate::{
    case::{Expect, May, Must, MustStar, Should, Variant},
    check::sign_in::{NEVER_AS_SOMEBODY_ELSE, REFUSES_SIGN_IN, SHOWS_NO_STRANGER, SIGNS_IN_AS_USER, STAYS_CLEAN},
    script::{AFTER, Act, MAIN, OTHER, SIGN_IN, Step, user},
};

/// Refused; accepting fails.
pub(super) const REFUSED: &[Expect] = &[Must(REFUSES_SIGN_IN), Should(STAYS_CLEAN)];
/// Refused; accepting fails, in profile `core` it warns.
pub(super) const REFUSED_STAR: &[Expect] = &[MustStar(REFUSES_SIGN_IN), Should(STAYS_CLEAN)];
/// Refused; accepting warns.
pub(super) const PREFERABLY_REFUSED: &[Expect] = &[
    Should(REFUSES_SIGN_IN),
    Should(STAYS_CLEAN),
    Must(NEVER_AS_SOMEBODY_ELSE),
];
/// Refused; accepting is a note.
pub(super) const REFUSED_OR_NOTED: &[Expect] = &[May(REFUSES_SIGN_IN), May(STAYS_CLEAN), Must(NEVER_AS_SOMEBODY_ELSE)];
/// Accepted; refusing fails.
pub(super) const ACCEPTED: &[Expect] = &[Must(SIGNS_IN_AS_USER)];
/// Accepted; refusing warns.
pub(super) const PREFERABLY_ACCEPTED: &[Expect] = &[Should(SIGNS_IN_AS_USER), Must(SHOWS_NO_STRANGER)];
/// Accepted; refusing is a note, an unclean refusal warns.
pub(super) const ACCEPTED_OR_NOTED: &[Expect] =
    &[May(SIGNS_IN_AS_USER), Should(STAYS_CLEAN), Must(NEVER_AS_SOMEBODY_ELSE)];
/// Signed in as the user himself or not at all.
pub(super) const HIMSELF_OR_NOBODY: &[Expect] = &[Must(NEVER_AS_SOMEBODY_ELSE), Should(STAYS_CLEAN)];

/// An honest sign-in, so that the app has fetched the keys, and one with the faults in a new browser. Without the first an
/// app that refuses the token for its algorithm never asks for the keys that the case is about.
pub(super) const WITH_KEYS_KNOWN: &[Step] = &[
    user(Act::SignIn(OTHER)),
    user(Act::NewBrowser),
    user(Act::SignIn(MAIN)),
    user(Act::Probe(AFTER)),
];

/// One sign-in with these faults, which must be refused.
pub(super) const fn refused(name: &'static str, faults: &'static [Fault]) -> Variant {
    Variant::of(name, SIGN_IN, faults, REFUSED)
}

/// One sign-in with these faults, which must be refused except in profile `core`.
pub(super) const fn refused_star(name: &'static str, faults: &'static [Fault]) -> Variant {
    Variant::of(name, SIGN_IN, faults, REFUSED_STAR)
}

/// One sign-in with these faults, which should be refused.
pub(super) const fn preferably_refused(name: &'static str, faults: &'static [Fault]) -> Variant {
    Variant::of(name, SIGN_IN, faults, PREFERABLY_REFUSED)
}

/// One sign-in with these faults, whose refusal is optional.
pub(super) const fn refused_or_noted(name: &'static str, faults: &'static [Fault]) -> Variant {
    Variant::of(name, SIGN_IN, faults, REFUSED_OR_NOTED)
}

/// One sign-in that must work.
pub(super) const fn accepted(name: &'static str, faults: &'static [Fault]) -> Variant {
    Variant::of(name, SIGN_IN, faults, ACCEPTED)
}

/// One sign-in that should work.
pub(super) const fn preferably_accepted(name: &'static str, faults: &'static [Fault]) -> Variant {
    Variant::of(name, SIGN_IN, faults, PREFERABLY_ACCEPTED)
}

/// One sign-in that may be refused, cleanly.
pub(super) const fn accepted_or_noted(name: &'static str, faults: &'static [Fault]) -> Variant {
    Variant::of(name, SIGN_IN, faults, ACCEPTED_OR_NOTED)
}

/// One sign-in that may end either way, but never as somebody else.
pub(super) const fn himself_or_nobody(name: &'static str, faults: &'static [Fault]) -> Variant {
    Variant::of(name, SIGN_IN, faults, HIMSELF_OR_NOBODY)
}
