//! The house: arrows between rooms point one way.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// The rooms of the crate from the bottom to the top: each may use those before it. Names that stand together are one room.
const CRATE: &[&[&str]] = &[
    &["names"],
    &["outcome"],
    &["spec"],
    &["suggest"],
    &["placeholder"],
    &["text"],
    &["target"],
    &["slot"],
    &["edit"],
    &["script"],
    &["markup"],
    &["evidence"],
    &["check"],
    &["abridge"],
    &["feature"],
    &["case"],
    &["catalog"],
    &["select"],
    &["process"],
    &["browser"],
    &["run"],
    &["verdict"],
    &["walk"],
    &["config"],
    &["describe"],
    &["elsewhere"],
    &["habits"],
    &["remedy"],
    &["explain"],
    &["shard"],
    // A stored run holds what the baseline says of it and the exit code that it came to; both are read off a stored run.
    &["report", "baseline", "exit"],
    &["runner"],
    &["suite"],
    &["discover"],
    &["cli"],
];

/// The same inside the runner.
const RUNNER: &[&[&str]] = &[
    &["seed"],
    &["cool_down"],
    &["in_process"],
    &["options"],
    &["task"],
    &["joined"],
    &["stage"],
    &["ledger"],
    &["first_failure"],
    &["preflight"],
    &["control"],
    &["twins"],
    &["ground"],
    &["keys"],
    &["own"],
    &["plan"],
    &["forecast"],
    &["batch"],
    &["context"],
    &["prepare"],
    &["running_app"],
    &["alone"],
    &["beside"],
    &["copy"],
    &["fresh"],
    &["running"],
    &["lanes"],
    &["watch"],
];

/// The same inside the room of browsers.
const BROWSER: &[&[&str]] = &[
    &["coding"],
    &["cookie_jar"],
    &["http"],
    &["page"],
    &["rule"],
    &["webdriver"],
    &["pool"],
];

/// The same among the files that drive real browsers. A session reaches beyond WebDriver in a file of its own.
const WEBDRIVER: &[&[&str]] = &[
    &["error"],
    &["path"],
    &["cookie"],
    &["script"],
    &["tunnel"],
    &["passage"],
    &["proxy"],
    &["gate"],
    &["socket"],
    &["devtools"],
    &["bidi"],
    &["chrome"],
    &["firefox"],
    &["brand"],
    &["wire"],
    &["running"],
    &["process"],
    &["driver"],
    &["install"],
    &["session", "reach"],
];

/// The same among the two drivers of a walk and their words.
const DRIVER: &[&[&str]] = &[&["ability"], &["dress"], &["lead"], &["press"], &["http"], &["window"]];

/// The same inside the room of the law.
const VERDICT: &[&[&str]] = &[
    &["law"],
    &["words"],
    &["cause"],
    &["delivery"],
    &["controls"],
    &["judge"],
    &["case"],
    &["profile"],
];

#[test]
fn arrows_between_rooms_point_down() {
    for (folder, prefix, order) in [
        ("src", "crate", CRATE),
        ("src/runner", "super", RUNNER),
        ("src/browser", "super", BROWSER),
        ("src/browser/webdriver", "super", WEBDRIVER),
        ("src/walk/driver", "super", DRIVER),
        ("src/verdict", "super", VERDICT),
    ] {
        let arrows = arrows(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), prefix);
        assert!(!arrows.is_empty(), "{folder} was not read");
        let level = |room: &str| order.iter().position(|names| names.contains(&room));
        let mut wrong: Vec<String> = Vec::new();
        for (from, to) in &arrows {
            match (level(from), level(to)) {
                (Some(from), Some(to)) if to <= from => {}
                (Some(_), Some(_)) => wrong.push(format!("{from} uses {to}, which stands above it")),
                (None, _) => wrong.push(format!("{from} has no place in the order")),
                (_, None) => wrong.push(format!("{from} uses {to}, which has no place in the order")),
            }
        }
        assert!(wrong.is_empty(), "{folder}:\n{}", wrong.join("\n"));
    }
}

/// Which room of this folder uses which, tests left aside.
fn arrows(folder: &Path, prefix: &str) -> BTreeSet<(String, String)> {
    let mut found = BTreeMap::new();
    // What stands deeper in a folder of rooms names its own room by `super`.
    read(folder, folder, prefix == "crate", &mut found);
    let owners = owners(&found);
    let mut arrows = BTreeSet::new();
    for (room, text) in &found {
        for used in used(text, prefix) {
            // What is named by the folder itself is that of the room that defines it.
            let target = match used.starts_with(char::is_lowercase) {
                true => Some(&used),
                false => owners.get(&used),
            };
            if let Some(target) = target.filter(|target| *target != room) {
                arrows.insert((room.clone(), target.clone()));
            }
        }
    }
    arrows
}

/// Which room defines which type, where only one does.
fn owners(found: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut owners: BTreeMap<String, Option<String>> = BTreeMap::new();
    for (room, text) in found {
        for name in text.lines().filter_map(defined) {
            let known = owners.entry(name).or_insert_with(|| Some(room.clone()));
            if known.as_ref() != Some(room) {
                *known = None;
            }
        }
    }
    let known = owners.into_iter();
    known.filter_map(|(name, room)| Some((name, room?))).collect()
}

/// The name of the type that this line begins to define.
fn defined(line: &str) -> Option<String> {
    let line = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(") ")?.1,
        Some(rest) => rest.trim_start(),
        None => line,
    };
    let kinds = ["struct ", "enum ", "trait ", "type "];
    let name = kinds.iter().find_map(|kind| line.strip_prefix(kind))?;
    let letters = name
        .chars()
        .take_while(|letter| letter.is_alphanumeric() || *letter == '_');
    Some(letters.collect())
}

/// The text of every room; a folder is one, where it is to be read.
fn read(root: &Path, folder: &Path, is_deep: bool, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if is_deep {
                read(root, &path, is_deep, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let inside = path.strip_prefix(root).unwrap();
            let room = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
            if !["lib", "main", "mod"].contains(&room) {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                found.entry(room.to_owned()).or_default().push_str(code);
            }
        }
    }
}

/// The first names after `prefix::`, alone or in braces. Types begin with a capital; the rooms that define them are not said.
fn used(text: &str, prefix: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    for (at, _) in code.match_indices(&format!("{prefix}::")) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_' || letter == ':') {
            continue;
        }
        let rest = &code[at + prefix.len() + 2..];
        match rest.strip_prefix('{') {
            Some(list) => names.extend(first_names(list)),
            None => names.extend(first_names(rest.split([';', ',', '{', '(']).next().unwrap_or_default())),
        }
    }
    names
}

/// The first name of each member of a list that may hold lists.
fn first_names(list: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut depth, mut name, mut is_first) = (0_u32, String::new(), true);
    for letter in list.chars().chain(['}']) {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(std::mem::take(&mut name));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(std::mem::take(&mut name));
                is_first = true;
            }
            _ if depth > 0 => {}
            letter if letter.is_alphanumeric() || letter == '_' => {
                if is_first {
                    name.push(letter);
                }
            }
            letter if letter.is_whitespace() => {}
            _ => is_first = false,
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn nested_lists_are_read() {
    let text = "use crate::{\n    a::b,\n    c::{self, d::{e, f}},\n    g,\n};\nuse crate::h::i;\nlet x = crate::j::k(mycrate::l());\n// crate::m\n";
    let names: Vec<String> = used(text, "crate").into_iter().collect();
    assert_eq!(names, ["a", "c", "g", "h", "j"]);
}

#[test]
fn a_type_that_the_folder_names_is_of_the_room_that_defines_it() {
    let rooms = [
        (
            "one",
            "use super::{Gate, two::Rule};\npub(super) struct Brand;\nstruct Shared;\n",
        ),
        ("two", "pub enum Gate {\n    Open,\n}\npub struct Shared;\n"),
    ];
    let found = rooms.map(|(room, text)| (room.to_owned(), text.to_owned())).into();
    let owners: Vec<(String, String)> = owners(&found).into_iter().collect();
    let owned = |name: &str, room: &str| (name.to_owned(), room.to_owned());
    assert_eq!(owners, [owned("Brand", "one"), owned("Gate", "two")]);
    assert_eq!(defined("pub type Owners = Arc<()>;").as_deref(), Some("Owners"));
    assert_eq!(defined("    struct Inner;"), None);
}
