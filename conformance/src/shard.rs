//! A part of a selection, the same on every machine, so that N jobs take about an N-th of the time.

use std::{fmt, str::FromStr};

use crate::{
    case::{Case, Lane, Variant},
    script::{Act, Step},
};

/// Part `index` of `of`, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which.
    pub index: usize,
    /// Of how many.
    pub of: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text
            .split_once('/')
            .and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        match parsed {
            Some((index, of)) if (1..=of).contains(&index) && of <= 1000 => Ok(Self { index, of }),
            _ => Err("wanted a part of the whole, such as 2/5".to_owned()),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl Shard {
    /// The cases of this part, in their order: the dearest first to the part that has least. Cases that only watch are in
    /// every part, because what they watch is; `report merge` takes the worst of their verdicts.
    #[must_use]
    pub fn of(self, cases: &[&'static Case]) -> Vec<&'static Case> {
        let mut by_cost: Vec<&'static Case> = cases.iter().copied().filter(|case| case.lane != Lane::Watch).collect();
        by_cost.sort_by_key(|case| (std::cmp::Reverse(cost(case)), case.id));
        let mut loads = vec![0_u64; self.of];
        let mut own: Vec<&str> = Vec::new();
        for case in by_cost {
            let place = (0..self.of)
                .min_by_key(|place| (loads[*place], *place))
                .unwrap_or_default();
            loads[place] += cost(case);
            if place + 1 == self.index {
                own.push(case.id);
            }
        }
        cases
            .iter()
            .copied()
            .filter(|case| case.lane == Lane::Watch || own.contains(&case.id))
            .collect()
    }
}

/// What a case costs, in sign-ins.
fn cost(case: &Case) -> u64 {
    let of_lane = match case.lane {
        Lane::Watch => return 0,
        Lane::Parallel => 0,
        // Nothing else runs meanwhile.
        Lane::Alone => 6,
        // An app is started for it, which few others share.
        Lane::Server => 8,
        Lane::Restart => 12,
        Lane::Slow => 60,
    };
    let of = |variant: &Variant| of_lane + sign_ins(variant.script).max(1) + waiting(variant);
    case.variants.iter().map(of).sum()
}

/// How many sign-ins these steps come to, about: some cases ask for a hundred.
pub(crate) fn sign_ins(steps: &[Step]) -> u64 {
    let of = |step: &Step| match step.act {
        Act::Repeat(times, steps) => u64::from(times) * sign_ins(steps),
        Act::Crowd(crowd) => u64::from(crowd.size) * u64::from(crowd.rounds.max(1)),
        // Sign-ins that are only begun.
        Act::Flood(count) => u64::from(count) / 50,
        Act::Deliver(..)
        | Act::SignIn(_)
        | Act::SignInAs(..)
        | Act::SignInWith(..)
        | Act::Insist(..)
        | Act::DeliverTwice(_) => 1,
        _ => 0,
    };
    steps.iter().map(of).sum()
}

/// Walks in which the app waits take seconds.
fn waiting(variant: &Variant) -> u64 {
    let pauses = variant.script.iter().any(|step| matches!(step.act, Act::Wait(_)));
    let delays = variant.faults.iter().any(|fault| fault.delays());
    10 * u64::from(pauses) + 20 * u64::from(delays)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    #[test]
    fn the_parts_are_the_whole_and_cost_about_the_same() {
        let all: Vec<&'static Case> = catalog::all().filter(|case| case.lane != Lane::Slow).collect();
        let of = 4;
        let parts: Vec<Vec<&str>> = (1..=of)
            .map(|index| Shard { index, of }.of(&all).iter().map(|case| case.id).collect())
            .collect();
        for case in &all {
            let count = parts.iter().filter(|part| part.contains(&case.id)).count();
            let expected = if case.lane == Lane::Watch { of } else { 1 };
            assert_eq!(count, expected, "{}", case.id);
        }
        let costs: Vec<u64> = (1..=of)
            .map(|index| Shard { index, of }.of(&all).iter().map(|case| cost(case)).sum())
            .collect();
        let (least, most) = (costs.iter().min().unwrap(), costs.iter().max().unwrap());
        assert!(most - least <= most / 10, "{costs:?}");
    }

    #[test]
    fn a_case_that_signs_many_people_in_costs_as_many_sign_ins() {
        let of = |id: &str| cost(catalog::all().find(|case| case.id == id).unwrap());
        let plain = of("callback/state-mismatch");
        for many in [
            "concurrency/reversed-replies",
            "session/id-entropy",
            "jwks/refetch-throttled",
        ] {
            assert!(of(many) > 30 * plain, "{many}: {} and {plain}", of(many));
        }
        // One variant and one sign-in, which the authorization server answers late.
        assert!(of("token-response/slow") > 10 * plain);
    }

    #[test]
    fn a_part_is_written_as_it_is_read() {
        assert_eq!("2/5".parse::<Shard>().unwrap().to_string(), "2/5");
        for wrong in ["0/5", "6/5", "1", "a/b", "1/0", ""] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
