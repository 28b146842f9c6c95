//! The README's table of what mock-idp answers is held by tests: every row names one that exists.

use std::{collections::BTreeMap, fs, path::Path};

const SECTION: &str = "## mock-idp: what it answers";

/// The rows of the table: endpoint, behaviour, tests.
fn rows(readme: &str) -> Vec<[String; 3]> {
    let section = readme.split_once(SECTION).expect("the section is there").1;
    let section = section.split("\n## ").next().unwrap_or_default();
    let lines = section.lines().filter(|line| line.starts_with('|'));
    lines
        .skip(2)
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            <[&str; 3]>::try_from(cells)
                .unwrap_or_else(|_| panic!("three cells: {line}"))
                .map(str::to_owned)
        })
        .collect()
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
fn every_row_of_the_table_names_a_test_that_exists() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let rows = rows(&fs::read_to_string(readme).unwrap());
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
            assert!(before.contains("test]"), "{name} is no test");
        }
    }
}
