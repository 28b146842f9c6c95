//! What `explain` knows: every case with every section, a remedy for each, an answer of every framework for each remedy,
//! and the names that others have for it.

use std::collections::{BTreeMap, BTreeSet};

use conformance::{
    catalog,
    elsewhere::{CVES, Known},
    explain::{self, Fixes, Line},
    remedy::{self, Framework, Remedy},
};

/// `case: id; id` for each case, as the catalogue's table has it.
const CASES: &str = include_str!("mappings/cases.txt");
/// `name: case; case` (or `not covered`) for each test of the other suites and each vulnerability: the table read from
/// the other side, with full names.
const SUITES: &str = include_str!("mappings/suites.txt");

#[test]
fn every_case_has_every_section() {
    const HEADINGS: [&str; 9] = [
        "Why it matters",
        "The attack",
        "What is sent",
        "How the verdict is decided",
        "What a right app does",
        "How to fix it",
        "When this could be a false alarm",
        "Clauses",
        "Known elsewhere as",
    ];
    for case in catalog::all() {
        let page = explain::page(case, &Fixes::Names);
        let headings: Vec<&str> = page
            .iter()
            .map(|section| match section.heading {
                "The situation" if case.positive => "The attack",
                heading => heading,
            })
            .collect();
        assert_eq!(headings, HEADINGS, "{}", case.id);
        for section in &page {
            assert!(
                !section.lines.is_empty(),
                "{}: nothing under {}",
                case.id,
                section.heading
            );
            let written = section.lines.iter().all(|line| match line {
                Line::Text(text) | Line::Item(_, text) | Line::Title(text) => !text.trim().is_empty(),
                Line::Code(_, code) => !code.trim().is_empty(),
            });
            assert!(written, "{}: an empty line under {}", case.id, section.heading);
        }
    }
}

#[test]
fn every_case_has_a_remedy_and_every_remedy_fixes_cases() {
    let ids: BTreeSet<&str> = catalog::all().map(|case| case.id).collect();
    for case in &ids {
        let found = remedy::remedies(case);
        assert!(!found.is_empty(), "{case} has no remedy");
        assert!(found.len() <= 3, "{case} needs {found:?}: that is no advice");
    }
    for remedy in Remedy::ALL {
        let cases = remedy::fixed_by(*remedy);
        assert!(!cases.is_empty(), "{} fixes nothing", remedy.name());
        for case in cases {
            assert!(ids.contains(case), "{} fixes {case}, which is no case", remedy.name());
        }
        let once: BTreeSet<_> = cases.iter().collect();
        assert_eq!(once.len(), cases.len(), "{} names a case twice", remedy.name());
    }
}

#[test]
fn remedies_have_names_of_their_own_and_say_what_to_do() {
    let names: BTreeSet<&str> = Remedy::ALL.iter().map(|remedy| remedy.name()).collect();
    assert_eq!(names.len(), Remedy::ALL.len());
    for remedy in Remedy::ALL {
        assert!(!remedy.title().ends_with('.'), "{}", remedy.title());
        assert!(remedy.advice().ends_with('.'), "{}", remedy.advice());
    }
}

#[test]
fn every_framework_answers_for_every_remedy() {
    for framework in Framework::ALL {
        let mut codes = 0;
        for remedy in Remedy::ALL {
            let snippet = framework.snippet(*remedy);
            let place = format!("{} {}", framework.name(), remedy.name());
            assert!(
                snippet.note.len() >= 15 && snippet.note.ends_with('.'),
                "{place}: {}",
                snippet.note
            );
            codes += usize::from(!snippet.code.is_empty());
            assert!(
                snippet.code.lines().count() <= 16,
                "{place}: that is no snippet any more"
            );
            for line in snippet.code.lines() {
                assert_eq!(line, line.trim_end(), "{place}");
                // Four columns of indent on a terminal of eighty.
                let columns = line.replace('\t', "    ").chars().count();
                assert!(columns <= 76, "{place}: {columns} columns: {line}");
            }
        }
        assert!(codes * 2 > Remedy::ALL.len(), "{} mostly talks", framework.name());
    }
}

#[test]
fn no_two_remedies_of_a_framework_have_the_same_answer() {
    // NextAuth.js has one setting for three of them, with a note of its own for each.
    for framework in Framework::ALL {
        let notes: BTreeSet<&str> = Remedy::ALL
            .iter()
            .map(|remedy| framework.snippet(*remedy).note)
            .collect();
        assert_eq!(notes.len(), Remedy::ALL.len(), "{}", framework.name());
    }
}

#[test]
fn frameworks_answer_to_their_names() {
    for framework in Framework::ALL {
        assert_eq!(Framework::parse(framework.name()), Some(*framework));
        assert_eq!(Framework::parse(&framework.name().to_uppercase()), Some(*framework));
        assert!(!framework.version().is_empty() && !framework.fence().is_empty());
    }
    // What the preflight guesses.
    for guess in [
        "express",
        "spring",
        "django",
        "next-auth",
        "aspnet",
        "oauth2-proxy",
        "flask",
    ] {
        assert!(Framework::parse(guess).is_some(), "{guess}");
    }
    assert_eq!(Framework::parse("cobol"), None);
}

#[test]
fn pages_show_the_snippets_that_are_wanted() {
    let case = catalog::all()
        .find(|case| case.id == "callback/code-injection")
        .unwrap();
    let shown = |fixes: &Fixes| {
        let page = explain::page(case, fixes);
        let section = page.iter().find(|section| section.heading == "How to fix it").unwrap();
        let code = section.lines.iter().filter_map(|line| match line {
            Line::Code(_, code) => Some(*code),
            _ => None,
        });
        code.collect::<Vec<_>>()
    };
    let express = shown(&Fixes::For(Framework::Express, None));
    let of_express = |remedy| Framework::Express.snippet(remedy).code;
    assert_eq!(express, [of_express(Remedy::Nonce), of_express(Remedy::Pkce)]);
    assert!(shown(&Fixes::Names).is_empty());
    let all = shown(&Fixes::ForAll);
    assert!(all.len() > 2 * express.len() && express.iter().all(|code| all.contains(code)));
}

#[test]
fn cases_are_known_elsewhere_as_the_catalogue_says() {
    let table: Vec<(&str, Vec<&str>)> = CASES.lines().map(row).collect();
    let cases: Vec<(&str, Vec<&str>)> = catalog::all()
        .map(|case| (case.id, case.explain.maps.to_vec()))
        .collect();
    assert_eq!(table.len(), 231);
    for (row, case) in table.iter().zip(&cases) {
        assert_eq!(row, case);
    }
    assert_eq!(table.len(), cases.len());
}

#[test]
fn the_other_suites_tests_are_covered_by_the_cases_that_name_them() {
    let mut named: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for case in catalog::all() {
        for id in case.explain.maps {
            let name = match Known::of(id) {
                Known::Test { suite, name } if suite.starts_with("PrOfESSOS") => format!("PrOfESSOS {name}"),
                Known::Test { suite, name } if suite.starts_with("OAUCH") => format!("OAUCH {name}"),
                Known::Test {
                    suite: "okta-oidc-tck", ..
                } => continue,
                Known::Test { name, .. } => name,
                Known::Vulnerability(cve) => cve.id.to_owned(),
                Known::Report(_) => continue,
            };
            named.entry(name).or_default().insert(case.id);
        }
    }
    let mut covered = 0;
    for line in SUITES.lines() {
        let (name, cases) = line.rsplit_once(": ").unwrap();
        let cases: BTreeSet<&str> = match cases {
            "not covered" => BTreeSet::new(),
            cases => cases.split("; ").collect(),
        };
        covered += usize::from(!cases.is_empty());
        assert_eq!(named.remove(name).unwrap_or_default(), cases, "{name}");
    }
    assert!(named.is_empty(), "no suite has these: {named:?}");
    assert!(covered > 350, "{covered}");
}

#[test]
fn every_vulnerability_is_named_by_a_case_and_has_an_address() {
    let named: BTreeSet<&str> = catalog::all().flat_map(|case| case.explain.maps).copied().collect();
    for cve in CVES {
        assert!(named.contains(cve.id), "{}", cve.id);
        let known = Known::of(cve.id);
        assert_eq!(known, Known::Vulnerability(*cve));
        assert!(known.url().unwrap().ends_with(cve.id));
        assert!(known.to_string().contains(cve.product));
    }
    for id in named.iter().filter(|id| id.starts_with("CVE-")) {
        assert!(
            matches!(Known::of(id), Known::Vulnerability(_)),
            "{id} is not described"
        );
    }
}

#[test]
fn clauses_lead_to_a_page() {
    for clause in catalog::all().flat_map(|case| case.spec) {
        let url = url::Url::parse(&clause.url()).unwrap();
        assert_eq!(url.scheme(), "https", "{url}");
    }
}

fn row(line: &str) -> (&str, Vec<&str>) {
    let (case, ids) = line.split_once(':').unwrap();
    let ids = ids.trim();
    let ids = if ids.is_empty() {
        Vec::new()
    } else {
        ids.split("; ").collect()
    };
    (case, ids)
}
