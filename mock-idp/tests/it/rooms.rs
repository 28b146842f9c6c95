//! The arrows between the rooms of the house, read from the source: `use crate::…` may point only where [`ARROWS`] says, and
//! what it says has no circle.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Room → the rooms that it may name. In this order every arrow points up the list.
const ARROWS: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("display", &[]),
    ("protocol", &[]),
    ("suggest", &[]),
    ("tenant", &["protocol"]),
    ("okta", &["protocol", "tenant"]),
    ("flow", &["display", "protocol", "suggest", "tenant"]),
    ("config", &["clock", "flow", "protocol", "suggest", "tenant"]),
    ("idp", &["clock", "flow", "okta", "protocol", "tenant"]),
    ("data", &["flow", "idp", "tenant"]),
    ("tls", &["flow", "idp"]),
    ("wire", &["flow", "tls"]),
    ("delivery", &["protocol", "wire"]),
    (
        "exchange",
        &["delivery", "flow", "idp", "okta", "protocol", "tenant", "wire"],
    ),
    (
        "endpoint",
        &[
            "clock", "delivery", "exchange", "flow", "idp", "okta", "protocol", "tenant", "wire",
        ],
    ),
    // Beside `endpoint`: neither names the other.
    (
        "control",
        &[
            "clock", "flow", "idp", "okta", "protocol", "suggest", "tenant", "tls", "wire",
        ],
    ),
    (
        "router",
        &["control", "endpoint", "exchange", "flow", "idp", "okta", "tls"],
    ),
    (
        "server",
        &[
            "control", "data", "endpoint", "flow", "idp", "router", "tenant", "tls", "wire",
        ],
    ),
];

/// Every room's files, without tests and comments.
fn sources(folder: &Path, prefix: &str, into: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let room = if prefix.is_empty() { stem } else { prefix };
        if path.is_dir() {
            sources(&path, room, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") && stem != "tests" {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            let text = into.entry(room.to_owned()).or_default();
            text.extend(lines.flat_map(|line| [line, "\n"]));
        }
    }
}

/// The rooms that a text names by `crate::room` or in a `use crate::{…}`.
fn named(text: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for rest in text.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            None => {
                rooms.insert(word(rest));
            }
            Some(list) => {
                let mut depth = 0;
                let mut starts = true;
                for (at, letter) in list.char_indices() {
                    match letter {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => starts = true,
                        _ if starts && !letter.is_whitespace() => {
                            rooms.insert(word(&list[at..]));
                            starts = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    rooms
}

fn word(text: &str) -> String {
    let is_part = |letter: &char| letter.is_alphanumeric() || *letter == '_';
    text.chars().take_while(is_part).collect()
}

#[test]
fn every_arrow_between_rooms_is_declared_and_used() {
    let mut rooms = BTreeMap::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut rooms);
    // The front door names every room; the command is another crate.
    rooms.retain(|room, _| !["lib", "main", "cli"].contains(&room.as_str()));
    for (room, text) in &rooms {
        let (_, allowed) = ARROWS
            .iter()
            .find(|(known, _)| known == room)
            .unwrap_or_else(|| panic!("the room `{room}` has no arrows: declare it in ARROWS"));
        let mut named = named(text);
        named.remove(room);
        for target in &named {
            assert!(
                allowed.contains(&target.as_str()),
                "`{room}` names `{target}`: the arrow is not declared"
            );
        }
        for target in *allowed {
            assert!(
                named.contains(*target),
                "`{room}` no longer names `{target}`: take the arrow away"
            );
        }
    }
    for (room, _) in ARROWS {
        assert!(rooms.contains_key(*room), "there is no room `{room}`");
    }
}

#[test]
fn the_arrows_form_no_circle() {
    for (at, (room, targets)) in ARROWS.iter().enumerate() {
        for target in *targets {
            let above = ARROWS[..at].iter().any(|(known, _)| known == target);
            assert!(above, "`{room}` points to `{target}`, which does not stand above it");
        }
    }
}

#[test]
fn nested_uses_are_read() {
    let text = "use crate::{flow::{fault::Fault, store::Store}, idp::Idp};\nlet x = crate::tenant::User;";
    let rooms: Vec<String> = named(text).into_iter().collect();
    assert_eq!(rooms, ["flow", "idp", "tenant"]);
}
