//! `answers.md` names the tests that prove what mock-idp answers, and the README tells the same without them.

use std::{collections::BTreeMap, env, fs, path::Path};

const BEGIN: &str = "<!-- answers: written from tests/it/answers.md -->\n";
const END: &str = "<!-- end answers -->";

/// Behaviours that belong together.
struct Purpose {
    name: String,
    rows: Vec<[String; 3]>,
}

fn purposes() -> Vec<Purpose> {
    let sections = include_str!("answers.md").split("\n## ").skip(1);
    sections
        .map(|section| {
            let (name, table) = section.split_once('\n').expect("a heading");
            let lines = table.lines().filter(|line| line.starts_with('|')).skip(2);
            Purpose {
                name: name.to_owned(),
                rows: lines.map(cells).collect(),
            }
        })
        .collect()
}

/// Endpoint, behaviour, tests.
fn cells(line: &str) -> [String; 3] {
    let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
    <[&str; 3]>::try_from(cells)
        .unwrap_or_else(|_| panic!("three cells: {line}"))
        .map(str::to_owned)
}

/// A table per purpose, one row per endpoint.
fn readme_tables(purposes: &[Purpose]) -> String {
    let mut text = String::new();
    for purpose in purposes {
        let mut endpoints: Vec<(&str, Vec<&str>)> = Vec::new();
        for [endpoint, behaviour, _] in &purpose.rows {
            match endpoints.iter_mut().find(|(name, _)| name == endpoint) {
                Some((_, behaviours)) => behaviours.push(behaviour),
                None => endpoints.push((endpoint, vec![behaviour])),
            }
        }
        text.push_str(&format!(
            "\n### {}\n\n| endpoint | behaviour |\n|---|---|\n",
            purpose.name
        ));
        for (endpoint, behaviours) in endpoints {
            text.push_str(&format!("| {endpoint} | {} |\n", behaviours.join("<br>")));
        }
    }
    text.push('\n');
    text
}

/// Test functions by module.
fn tests() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let sources = files.filter(|file| file.extension().is_some_and(|extension| extension == "rs"));
    sources
        .map(|file| {
            let module = file.file_stem().unwrap().to_string_lossy().into_owned();
            (module, fs::read_to_string(file).unwrap())
        })
        .collect()
}

#[test]
fn every_behaviour_names_a_test_that_exists() {
    let purposes = purposes();
    let rows: Vec<&[String; 3]> = purposes.iter().flat_map(|purpose| &purpose.rows).collect();
    assert!(rows.len() > 40, "{} rows", rows.len());
    let tests = tests();
    for [endpoint, behaviour, names] in rows {
        assert!(!endpoint.is_empty() && !behaviour.is_empty());
        assert!(!names.is_empty(), "{endpoint}: no test");
        for name in names.split(", ") {
            let name = name.trim_matches('`');
            let (module, function) = name
                .split_once("::")
                .unwrap_or_else(|| panic!("{name} is not module::test"));
            let source = tests
                .get(module)
                .unwrap_or_else(|| panic!("{name}: there is no tests/it/{module}.rs"));
            let declared = format!("fn {function}(");
            let place = source
                .find(&declared)
                .unwrap_or_else(|| panic!("{name} does not exist"));
            // Directly above stands what makes it a test.
            let before: String = source[..place].lines().rev().take(4).collect::<Vec<_>>().join("\n");
            assert!(
                before.contains("test]") || before.contains("test("),
                "{name} is no test"
            );
        }
    }
}

#[test]
fn the_readme_tells_every_behaviour() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&file).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("the block begins");
    let (told, after) = rest.split_once(END).expect("the block ends");
    let wanted = readme_tables(&purposes());
    if env::var_os("UPDATE_README").is_some() {
        fs::write(&file, format!("{before}{BEGIN}{wanted}{END}{after}")).unwrap();
    } else {
        assert!(
            told == wanted,
            "README.md is older than tests/it/answers.md: UPDATE_README=1 cargo test -p mock-idp --test it answers"
        );
    }
}
