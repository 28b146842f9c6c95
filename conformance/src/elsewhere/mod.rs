//! What other test suites and published vulnerabilities have to do with a case: the "Known elsewhere as" part of
//! `explain`.
//!
//! A case names them in short, as the catalogue does (`o:invalid-aud`, `P#64`, `CVE-2024-47806`); here they get their
//! full names and addresses.

mod cve;
mod professos;

pub use cve::{CVES, Cve};

/// What an id of a case's `maps` stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// A module or step of another suite that tests the same.
    Test {
        /// The suite.
        suite: &'static str,
        /// The test's own name.
        name: String,
    },
    /// A vulnerability that the case would have found.
    Vulnerability(Cve),
    /// An issue, an advisory or a change log that reports such a thing.
    Report(String),
}

/// The OpenID Foundation's modules for relying parties, by the catalogue's prefix: suite, what all names begin with.
const OPENID: &[(&str, &str, &str)] = &[
    ("o:", "OpenID Foundation", "oidcc-client-test"),
    (
        "f1:",
        "OpenID Foundation, FAPI 1 Advanced",
        "fapi1-advanced-final-client-test",
    ),
    (
        "f2:",
        "OpenID Foundation, FAPI 2 Security Profile",
        "fapi2-security-profile-final-client-test",
    ),
    (
        "fed:",
        "OpenID Foundation, OpenID Federation",
        "openid-federation-client",
    ),
];

impl Known {
    /// Reads an id as the catalogue writes it.
    #[must_use]
    pub fn of(id: &str) -> Self {
        let test = |suite, name: &str| Known::Test {
            suite,
            name: name.to_owned(),
        };
        for (prefix, suite, stem) in OPENID {
            let Some(short) = id.strip_prefix(prefix) else { continue };
            // The two refresh modules stand beside the others, and the plain runs are given with their whole name.
            return match short.strip_suffix("-test") {
                _ if short.starts_with(stem) => test(suite, short),
                Some(_) => test(suite, &format!("{}-{short}", stem.trim_end_matches("-test"))),
                None => test(suite, &format!("{stem}-{short}")),
            };
        }
        if let Some(name) = id.strip_prefix("L:") {
            return test("oidctest (OpenID, until 2020)", name);
        }
        if let Some(name) = id.strip_prefix("OA:") {
            return test("OAUCH, mirrored", name);
        }
        if let Some(name) = id.strip_prefix("okta-oidc-tck: ") {
            return test("okta-oidc-tck", name);
        }
        if let Some(number) = id.strip_prefix("P#") {
            let step = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            let name = step.and_then(|step| professos::STEPS.get(step)).copied();
            return test("PrOfESSOS", &format!("{number}, {}", name.unwrap_or_default()));
        }
        match CVES.iter().find(|cve| cve.id == id) {
            Some(cve) => Known::Vulnerability(*cve),
            None => Known::Report(id.to_owned()),
        }
    }

    /// Where to read about it, where there is one place.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        match self {
            Known::Vulnerability(cve) => Some(format!("https://nvd.nist.gov/vuln/detail/{}", cve.id)),
            Known::Report(id) if id.starts_with("GHSA-") => Some(format!("https://github.com/advisories/{id}")),
            Known::Test { .. } | Known::Report(_) => None,
        }
    }
}

impl std::fmt::Display for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Known::Test { suite, name } => write!(f, "{suite}: {name}"),
            Known::Vulnerability(cve) => write!(f, "{}, {}: {}", cve.id, cve.product, cve.symptom),
            Known::Report(what) => f.write_str(what),
        }
    }
}
