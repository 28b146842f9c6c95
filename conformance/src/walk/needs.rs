//! What a script needs, read before its first step: abilities of the driver, and how many browsers.

use super::driver::{Ability, window_lacks};
use crate::{
    edit::Edit,
    script::{Act, Place, Slot, Step, Who},
};

/// So many abandoned starts are a sample of what the app sends, and can be had one after the other; more are a load.
const FEW_STARTS: u16 = 50;

/// Why a script cannot be walked at a pace of so many sign-ins a minute: it is about many at once.
#[must_use]
pub fn beyond_pace(script: &[Step], per_minute: u32) -> Option<String> {
    script.iter().find_map(|step| match step.act {
        Act::Flood(starts) if starts > FEW_STARTS && u32::from(starts) > per_minute => Some(format!(
            "left out at a pace: it starts {starts} sign-ins at once, and the run keeps to {per_minute} a minute"
        )),
        Act::Repeat(_, steps) => beyond_pace(steps, per_minute),
        _ => None,
    })
}

/// Why no real browser can walk this script, when that is plain before the first step. `javascript`: scripts make the pages.
#[must_use]
pub fn beyond_browsers(script: &[Step], javascript: bool) -> Option<String> {
    let needed = abilities(script, javascript);
    needed.into_iter().find_map(window_lacks).map(beyond)
}

/// What is said of something that a real browser cannot do.
pub(super) fn beyond(reason: String) -> String {
    format!("the browser driver {reason}")
}

/// What a driver must be able to do to walk this script, in the order in which it is needed.
fn abilities(script: &[Step], javascript: bool) -> Vec<Ability<'static>> {
    let mut needed = Vec::new();
    if javascript && needs_two_tabs(script) {
        needed.push(Ability::TwoTabs);
    }
    for step in script {
        match step.act {
            Act::Crowd(_) => needed.push(Ability::Crowd),
            Act::Flood(starts) if starts > FEW_STARTS => needed.push(Ability::Flood),
            Act::SignOutRace(_) | Act::DeliverTwice(_) => needed.push(Ability::SameMoment),
            Act::RawBytes(_) => needed.push(Ability::RawBytes),
            Act::Repeat(_, steps) => needed.extend(abilities(steps, javascript)),
            // Probes are sent beside the browser with its cookies, so they may carry anything; and a server that calls the
            // app needs no browser.
            Act::ProbeProtected(..) | Act::Roles(..) | Act::Request(Place::BackChannel, _) => {}
            act => needed.extend(act.edits().iter().filter_map(to_edit)),
        }
    }
    needed
}

fn to_edit(edit: &Edit) -> Option<Ability<'static>> {
    match *edit {
        Edit::Header(name, _) => Some(Ability::Header(name)),
        Edit::Method(method) if !matches!(method, "GET" | "POST") => Some(Ability::Method(method)),
        Edit::Body(kind, _) if !kind.starts_with("application/x-www-form-urlencoded") => Some(Ability::OtherBody),
        _ => None,
    }
}

/// Whether somebody starts a second sign-in before he ends the first, and ends the first as well.
fn needs_two_tabs(script: &[Step]) -> bool {
    let mut open: Vec<(Who, Slot)> = Vec::new();
    let mut last: Vec<(Who, Slot)> = Vec::new();
    for Step { who, act } in script.iter().copied() {
        match act {
            Act::Start(slot, _) | Act::DeepLink(slot, _) | Act::InitiateLogin(slot, _) => {
                open.push((who, slot));
                last.retain(|(person, _)| *person != who);
                last.push((who, slot));
            }
            Act::SignIn(slot) | Act::SignInAs(_, slot) | Act::SignInWith(slot, _) => {
                last.retain(|(person, _)| *person != who);
                last.push((who, slot));
            }
            Act::Deliver(slot, _) => {
                let own = open.contains(&(who, slot));
                open.retain(|flow| *flow != (who, slot));
                if own && !last.contains(&(who, slot)) {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

/// How many browsers are open at once: one for each person, and where scripts make the pages one more for whoever asks with
/// cookies that were saved.
pub(super) fn browsers(script: &[Step], javascript: bool) -> u32 {
    people(script) + u32::from(javascript && asks_with_saved_cookies(script))
}

fn people(script: &[Step]) -> u32 {
    fn add(script: &[Step], found: &mut Vec<Who>) {
        for step in script {
            if !found.contains(&step.who) {
                found.push(step.who);
            }
            if let Act::Repeat(_, steps) = step.act {
                add(steps, found);
            }
        }
    }
    let mut found = Vec::new();
    add(script, &mut found);
    u32::try_from(found.len()).unwrap_or(3)
}

fn asks_with_saved_cookies(script: &[Step]) -> bool {
    script.iter().any(|step| match step.act {
        Act::ProbeWith(..) => true,
        Act::Repeat(_, steps) => asks_with_saved_cookies(steps),
        _ => false,
    })
}
