//! JUnit XML held against a schema: by `xmllint`, against `schemas/junit.xsd`, and in what a schema cannot say, the sums.
//!
//! JUnit XML has no standard. What most readers agree on is `junit-10.xsd` of Jenkins' xUnit plug-in, which
//! that file says in other words. The table below is stricter where readers are (one outcome, numbers that are
//! numbers) and needs no other program.

use std::{
    collections::BTreeMap,
    io::Write,
    ops::RangeInclusive,
    process::{Command, Stdio},
};

use conformance::report::{document::Run, junit};
use quick_xml::{Reader, events::Event};

use crate::report::document;

/// What an attribute holds.
#[derive(Clone, Copy)]
enum Type {
    Text,
    Count,
    /// Seconds with at most three digits behind the point, which is what `SUREFIRE_TIME` takes.
    Seconds,
}
use Type::{Count, Seconds, Text};

struct Element {
    name: &'static str,
    required: &'static [(&'static str, Type)],
    optional: &'static [(&'static str, Type)],
    /// In this order, so many times.
    children: &'static [(&'static [&'static str], RangeInclusive<usize>)],
    has_text: bool,
}

const MANY: RangeInclusive<usize> = 0..=usize::MAX;
const OUTCOME: &[&str] = &["skipped", "error", "failure"];
const MESSAGE: &[(&str, Type)] = &[("type", Text), ("message", Text)];

const fn outcome(name: &'static str) -> Element {
    Element {
        name,
        required: &[],
        optional: MESSAGE,
        children: &[],
        has_text: true,
    }
}

const SCHEMA: &[Element] = &[
    Element {
        name: "testsuites",
        required: &[("name", Text)],
        optional: &[
            ("tests", Count),
            ("failures", Count),
            ("errors", Count),
            ("time", Seconds),
        ],
        children: &[(&["testsuite"], MANY)],
        has_text: false,
    },
    Element {
        name: "testsuite",
        required: &[("name", Text), ("tests", Count), ("failures", Count), ("errors", Count)],
        optional: &[
            ("skipped", Count),
            ("time", Seconds),
            ("timestamp", Text),
            ("hostname", Text),
            ("id", Text),
            ("package", Text),
        ],
        children: &[
            (&["properties"], 0..=1),
            (&["testcase"], MANY),
            (&["system-out"], 0..=1),
            (&["system-err"], 0..=1),
        ],
        has_text: false,
    },
    Element {
        name: "testcase",
        required: &[("name", Text), ("classname", Text)],
        optional: &[("time", Seconds)],
        children: &[(OUTCOME, 0..=1), (&["system-out"], 0..=1), (&["system-err"], 0..=1)],
        has_text: false,
    },
    Element {
        name: "properties",
        required: &[],
        optional: &[],
        children: &[(&["property"], 1..=usize::MAX)],
        has_text: false,
    },
    Element {
        name: "property",
        required: &[("name", Text), ("value", Text)],
        optional: &[],
        children: &[],
        has_text: false,
    },
    outcome("skipped"),
    outcome("error"),
    outcome("failure"),
];

/// An element of a document.
#[derive(Default)]
struct Node {
    name: String,
    attributes: BTreeMap<String, String>,
    children: Vec<Node>,
    text: String,
}

impl Node {
    fn number(&self, attribute: &str) -> Option<usize> {
        self.attributes.get(attribute)?.parse().ok()
    }

    /// Elements of these names, at any depth.
    fn count(&self, names: &[&str]) -> usize {
        let below: usize = self.children.iter().map(|child| child.count(names)).sum();
        below + usize::from(names.contains(&self.name.as_str()))
    }
}

/// The document element; what is not well formed is an error.
fn parsed(text: &str) -> Result<Node, String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut open = vec![Node::default()];
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(tag) => {
                let mut node = Node {
                    name: String::from_utf8_lossy(tag.name().as_ref()).into_owned(),
                    ..Node::default()
                };
                for attribute in tag.attributes() {
                    let attribute = attribute.map_err(|error| error.to_string())?;
                    let name = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
                    let value = String::from_utf8_lossy(&attribute.value).into_owned();
                    node.attributes.insert(name, value);
                }
                open.push(node);
            }
            Event::End(_) => {
                let node = open.pop().unwrap_or_default();
                open.last_mut().ok_or("an end without a start")?.children.push(node);
            }
            Event::Text(own) => {
                let text = String::from_utf8_lossy(&own).into_owned();
                open.last_mut().ok_or("text outside")?.text.push_str(text.trim());
            }
            Event::GeneralRef(_) | Event::CData(_) => {
                open.last_mut().ok_or("text outside")?.text.push('&');
            }
            Event::Eof => break,
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_) | Event::Empty(_) => {}
        }
    }
    match (
        open.len(),
        open.pop().map(|mut root| (root.children.pop(), root.children.len())),
    ) {
        (1, Some((Some(root), 0))) => Ok(root),
        _ => Err("not one document element".to_owned()),
    }
}

/// Everything at which the document departs from the table.
fn problems(text: &str) -> Vec<String> {
    match parsed(text) {
        Err(error) => vec![format!("not well formed: {error}")],
        Ok(root) if root.name != "testsuites" => vec![format!("the document element is {}", root.name)],
        Ok(root) => {
            let mut found = Vec::new();
            judge(&root, "", &mut found);
            found
        }
    }
}

fn judge(node: &Node, above: &str, found: &mut Vec<String>) {
    let path = format!("{above}/{}", node.name);
    let Some(element) = SCHEMA.iter().find(|own| own.name == node.name) else {
        // The outputs: text and nothing else.
        if !node.attributes.is_empty() || !node.children.is_empty() {
            found.push(format!("{path} holds more than text"));
        }
        return;
    };
    let known = || element.required.iter().chain(element.optional);
    for (name, _) in element.required {
        if !node.attributes.contains_key(*name) {
            found.push(format!("{path} lacks {name}"));
        }
    }
    for (name, value) in &node.attributes {
        match known().find(|(own, _)| own == name) {
            None => found.push(format!("{path} has no attribute {name}")),
            Some((_, kind)) if !takes(*kind, value) => found.push(format!("{path} {name}={value:?}")),
            Some(_) => {}
        }
    }
    if !element.has_text && !node.text.is_empty() {
        found.push(format!("{path} holds text"));
    }
    let mut rest = node.children.as_slice();
    for (names, times) in element.children {
        let count = rest
            .iter()
            .take_while(|child| names.contains(&child.name.as_str()))
            .count();
        if !times.contains(&count) {
            found.push(format!("{path} has {count} of {}", names.join("|")));
        }
        rest = &rest[count..];
    }
    if let Some(child) = rest.first() {
        found.push(format!("{path} has {} out of its place", child.name));
    }
    for (attribute, names) in [
        ("tests", &["testcase"]),
        ("failures", &["failure"]),
        ("errors", &["error"]),
        ("skipped", &["skipped"]),
    ] {
        let counted = node.count(names);
        if node.number(attribute).is_some_and(|said| said != counted) {
            found.push(format!("{path} {attribute} is not {counted}"));
        }
    }
    for child in &node.children {
        judge(child, &path, found);
    }
}

fn takes(kind: Type, value: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match kind {
        Text => true,
        Count => !value.is_empty() && digits(value),
        Seconds => match value.split_once('.') {
            Some((whole, part)) => digits(whole) && digits(part) && part.len() <= 3,
            None => !value.is_empty() && digits(value),
        },
    }
}

/// A run that ended in its set-up, with texts that want to be markup.
fn spoilt() -> Run {
    let mut run = document();
    run.run.aborted = Some("no <sign-in> & nothing else".to_owned());
    run.cases.truncate(2);
    run
}

/// Runs of every kind.
fn reports() -> Vec<(&'static str, String)> {
    let mut strict = document();
    strict.run.policy.fail_on_warn = true;
    let mut none = document();
    none.cases.clear();
    let all = [
        ("whole", document()),
        ("strict", strict),
        ("spoilt", spoilt()),
        ("without cases", none),
    ];
    all.map(|(which, run)| (which, junit::document(&run).unwrap())).into()
}

#[test]
fn junit_has_the_structure_that_readers_take() {
    for (which, text) in reports() {
        assert_eq!(problems(&text), [""; 0], "{which}: {text}");
    }
}

/// What the validator says against a document; `None` where this machine has no validator, which under `CI=true` it must have.
#[allow(clippy::print_stderr, reason = "a test that was not run says so")]
pub(crate) fn invalid(text: &str) -> Option<String> {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/schemas/junit.xsd");
    let validator = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema", schema, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut validator) = validator else {
        assert!(
            std::env::var_os("CI").is_none(),
            "no xmllint: `.ci/apps install` installs it"
        );
        eprintln!("NOT RUN: this machine has no xmllint (package libxml2-utils)");
        return None;
    };
    validator.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = validator.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() || said.contains("element"),
        "the validator works: {said}"
    );
    Some(if output.status.success() { String::new() } else { said })
}

#[test]
fn junit_is_valid_under_the_schema_of_its_readers() {
    for (which, text) in reports() {
        let Some(said) = invalid(&text) else { return };
        assert_eq!(said, "", "{which}: {text}");
    }
    // The schema refuses what Jenkins refuses.
    let good = &reports()[0].1;
    for (from, to, wanted) in [
        (
            "<system-out>",
            "<properties/><system-out>",
            "'properties': This element is not expected",
        ),
        (" tests=\"2\"", "", "The attribute 'tests' is required"),
        (
            " tests=\"7\"",
            " tests=\"7\" skipped=\"3\"",
            "The attribute 'skipped' is not allowed",
        ),
        ("time=\"9.812\"", "time=\"9,8.12\"", "is not accepted by the pattern"),
    ] {
        assert!(good.contains(from), "{from}: {good}");
        let said = invalid(&good.replacen(from, to, 1)).unwrap();
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
}

#[test]
fn the_table_refuses_what_departs_from_it() {
    let good = junit::document(&document()).unwrap();
    let refused = |from: &str, to: &str, wanted: &str| {
        assert!(good.contains(from), "{from}");
        let found = problems(&good.replacen(from, to, 1));
        assert!(
            found.iter().any(|problem| problem.contains(wanted)),
            "{wanted}: {found:?}"
        );
    };
    refused(" classname=\"conformance.callback\"", "", "testcase lacks classname");
    refused("<testsuite name=\"callback\"", "<testsuite", "testsuite lacks name");
    refused(
        "<testsuite name",
        "<testsuite severity=\"high\" name",
        "no attribute severity",
    );
    refused("time=\"9.812\"", "time=\"9.8125\"", "time=\"9.8125\"");
    refused("tests=\"7\"", "tests=\"seven\"", "tests=\"seven\"");
    refused("tests=\"7\"", "tests=\"8\"", "tests is not 7");
    refused("failures=\"1\"", "failures=\"0\"", "failures is not 1");
    refused("</testcase>", "<verdict/></testcase>", "verdict out of its place");
    refused(
        "<system-out>",
        "<properties/><system-out>",
        "testcase has properties out of its place",
    );
    refused("</system-out>", "</system-out><system-out/>", "has 2 of system-out");
    refused(
        "<system-out>",
        "<system-err/><system-out>",
        "testcase has system-out out of its place",
    );
    refused("</failure>", "</failure><failure/>", "has 2 of skipped|error|failure");
    refused("<testsuite name", "level<testsuite name", "testsuites holds text");
    refused("</testsuite>", "", "not well formed");
    refused("<testsuites ", "<testsuite ", "not well formed");
    assert_eq!(problems("<results/>"), ["the document element is results"]);
}
