//! The catalogue as published: every case with its id, level and direction, in its order, and what all literals owe.

use std::collections::HashSet;

use conformance::{
    case::{Case, Lane},
    catalog,
    outcome::Level,
    script::{AFTER, Act, MAIN, Step},
};
use mock_idp::flow::fault::Reach;

/// `id LEVEL direction` for each case, in the order of the catalogue.
const TABLE: &str = include_str!("catalogue.txt");

#[test]
fn all_cases_have_the_id_level_and_direction_of_the_table_in_its_order() {
    let cases: Vec<String> = catalog::all()
        .map(|case| {
            let level = match case.level {
                Level::Must => "MUST",
                Level::MustStar => "MUST*",
                Level::Should => "SHOULD",
                Level::May => "MAY",
            };
            let direction = if case.positive { "positive" } else { "negative" };
            format!("{} {level} {direction}", case.id)
        })
        .collect();
    let table: Vec<&str> = TABLE.lines().collect();
    assert_eq!(table.len(), 231);
    for (case, row) in cases.iter().zip(&table) {
        assert_eq!(case, row);
    }
    assert_eq!(cases.len(), table.len());
}

#[test]
fn every_variant_has_a_name_of_its_own_and_asks_something() {
    for case in catalog::all() {
        assert!(!case.variants.is_empty(), "{} tries nothing", case.id);
        let mut names = HashSet::new();
        for variant in case.variants {
            assert!(
                names.insert(variant.name),
                "{}: two variants `{}`",
                case.id,
                variant.name
            );
            assert!(is_kebab_case(variant.name), "{}: `{}`", case.id, variant.name);
            assert!(!variant.expect.is_empty(), "{} {} asks nothing", case.id, variant.name);
            let mut checks = HashSet::new();
            for expect in variant.expect {
                let new = checks.insert((expect.check.id, expect.level));
                assert!(new, "{} {} asks {} twice", case.id, variant.name, expect.check.id);
            }
        }
    }
}

#[test]
fn no_variant_weighs_less_than_its_case_in_all_it_asks() {
    for case in catalog::all() {
        let heaviest = case
            .variants
            .iter()
            .flat_map(|variant| variant.expect)
            .map(|expect| expect.level)
            .max();
        assert!(heaviest >= Some(case.level), "{} never asks at its own level", case.id);
    }
}

#[test]
fn texts_are_there_and_speak_of_the_case_itself() {
    let mut stories = HashSet::new();
    for case in catalog::all() {
        let first = case.title.chars().next().is_some_and(char::is_uppercase);
        assert!(
            first && !case.title.ends_with('.'),
            "{}: title `{}`",
            case.id,
            case.title
        );
        for text in [
            case.why,
            case.explain.story,
            case.explain.right,
            case.explain.false_alarm,
        ] {
            assert!(text.ends_with(['.', '?', ':', ')']), "{}: `{text}`", case.id);
        }
        let lines = case.explain.story.lines().count();
        assert!((3..=5).contains(&lines), "{}: a story of {lines} lines", case.id);
        assert!(
            case.explain.story.lines().all(|line| line.trim() == line),
            "{}: indented story",
            case.id
        );
        assert!(stories.insert(case.explain.story), "{}: somebody else's story", case.id);
        assert!(!case.spec.is_empty(), "{} stands on nothing", case.id);
    }
}

#[test]
fn lanes_fit_what_the_faults_reach() {
    for case in catalog::all() {
        let server_wide = case
            .variants
            .iter()
            .flat_map(|variant| variant.faults)
            .any(|fault| fault.reach() == Reach::Server);
        if server_wide {
            assert!(
                matches!(case.lane, Lane::Server | Lane::Restart),
                "{} disturbs others",
                case.id
            );
        }
        if case.lane == Lane::Watch {
            let watches = case
                .variants
                .iter()
                .all(|variant| variant.script.is_empty() && variant.faults.is_empty());
            assert!(watches, "{} does more than watch", case.id);
        }
    }
}

#[test]
fn flow_faults_have_a_flow_to_ride_on() {
    for (case, script, faults) in walked() {
        let rides = faults
            .iter()
            .all(|fault| fault.reach() == Reach::Server || begins_main(script));
        assert!(rides, "{}: a flow fault and no main flow", case.id);
    }
}

#[test]
fn the_usual_questions_have_their_probe() {
    const ASK_AFTER: [&str; 3] = ["refuses-sign-in", "signs-in-as-user", "never-as-somebody-else"];
    for case in catalog::all() {
        for variant in case.variants.iter().filter(|variant| !variant.script.is_empty()) {
            let asks = variant.expect.iter().any(|expect| ASK_AFTER.contains(&expect.check.id));
            let probes = variant.script.iter().any(|step| step.act == Act::Probe(AFTER));
            let labels = variant
                .script
                .iter()
                .any(|step| matches!(step.act, Act::ProbeWith(AFTER, _)));
            assert!(
                !asks || probes || labels,
                "{} {}: no probe `{AFTER}`",
                case.id,
                variant.name
            );
        }
    }
}

fn walked() -> impl Iterator<Item = (&'static Case, &'static [Step], &'static [mock_idp::Fault])> {
    catalog::all()
        .flat_map(|case| {
            case.variants
                .iter()
                .map(move |variant| (case, variant.script, variant.faults))
        })
        .filter(|(_, script, _)| !script.is_empty())
}

fn begins_main(script: &[Step]) -> bool {
    script.iter().any(|step| match step.act {
        Act::Start(slot, _)
        | Act::SignIn(slot)
        | Act::SignInAs(_, slot)
        | Act::SignInWith(slot, _)
        | Act::DeepLink(slot, _)
        | Act::InitiateLogin(slot, _) => slot == MAIN,
        Act::Crowd(crowd) => crowd.faulty_every > 0,
        Act::Repeat(_, steps) => begins_main(steps),
        _ => false,
    })
}

/// Kebab case; a dot parts the place from what is put there, as in the ids of faults.
fn is_kebab_case(name: &str) -> bool {
    name.split(['-', '.'])
        .all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()))
}
