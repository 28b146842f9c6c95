//! THE LIST of cases: a slice of slices, one file per group, in the order of the catalogue.

mod access_token;
mod authorization;
mod callback;
mod concurrency;
mod discovery;
mod expect;
mod id_token;
mod identity;
mod jwks;
mod logout;
mod redirect;
mod robustness;
mod roles;
mod session;
mod token_request;
mod token_response;
mod userinfo;

use crate::case::Case;

/// Every group with its cases.
pub const GROUPS: &[(&str, &[Case])] = &[
    ("discovery", discovery::CASES),
    ("authorization", authorization::CASES),
    ("callback", callback::CASES),
    ("token-request", token_request::CASES),
    ("token-response", token_response::CASES),
    ("id-token", id_token::proof::CASES),
    ("id-token", id_token::header::CASES),
    ("id-token", id_token::claims::CASES),
    ("id-token", id_token::content::CASES),
    ("access-token", access_token::CASES),
    ("jwks", jwks::CASES),
    ("userinfo", userinfo::CASES),
    ("identity", identity::CASES),
    ("roles", roles::CASES),
    ("session", session::CASES),
    ("redirect", redirect::CASES),
    ("logout", logout::CASES),
    ("robustness", robustness::CASES),
    ("concurrency", concurrency::CASES),
];

/// Every case, in order.
pub fn all() -> impl Iterator<Item = &'static Case> {
    GROUPS.iter().flat_map(|(_, cases)| cases.iter())
}

/// No two cases share an id, and every id begins with its group: held while compiling.
const _: () = {
    let mut group = 0;
    while group < GROUPS.len() {
        let (name, cases) = GROUPS[group];
        let mut at = 0;
        while at < cases.len() {
            assert!(
                begins_with(cases[at].id, name),
                "a case id does not begin with the name of its group"
            );
            let mut other = at + 1;
            while other < cases.len() {
                assert!(!same(cases[at].id, cases[other].id), "two cases have the same id");
                other += 1;
            }
            at += 1;
        }
        let mut later = group + 1;
        while later < GROUPS.len() {
            // A long group stands here in several stretches.
            if same(name, GROUPS[later].0) {
                assert_disjoint(cases, GROUPS[later].1);
            }
            later += 1;
        }
        group += 1;
    }
};

const fn assert_disjoint(some: &[Case], others: &[Case]) {
    let mut at = 0;
    while at < some.len() {
        let mut other = 0;
        while other < others.len() {
            assert!(!same(some[at].id, others[other].id), "two cases have the same id");
            other += 1;
        }
        at += 1;
    }
}

const fn same(one: &str, other: &str) -> bool {
    one.len() == other.len() && begins_with(one, other)
}

/// Whether `text` is `start`, or goes on after it.
const fn begins_with(text: &str, start: &str) -> bool {
    let (text, start) = (text.as_bytes(), start.as_bytes());
    if text.len() < start.len() {
        return false;
    }
    let mut at = 0;
    while at < start.len() {
        if text[at] != start[at] {
            return false;
        }
        at += 1;
    }
    true
}
