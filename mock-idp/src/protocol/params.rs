//! Parameters of a query or a form, in order, duplicates kept (`application/x-www-form-urlencoded`).

use foldhash::{HashMap, HashMapExt};

/// More parameters are refused.
const MOST: usize = 200;
/// Longer names are refused.
const LONGEST_NAME: usize = 256;
/// Longer values are refused: assertions and hints are the longest that there are.
const LONGEST_VALUE: usize = 128 * 1024;

/// Name-value pairs as they arrived, percent-decoded; bytes that are no UTF-8 became replacement characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Params(pub Vec<(String, String)>);

impl Params {
    /// Reads a query or a form body. Every byte string is some form: this cannot fail.
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        // Text of nobody's may hold any number of separators; room is made for as many parameters as are accepted.
        let separators = text.iter().filter(|byte| **byte == b'&').count();
        let mut pairs = Vec::with_capacity(if text.is_empty() { 0 } else { separators.min(MOST) + 1 });
        pairs.extend(form_urlencoded::parse(text).map(|(name, value)| (name.into_owned(), value.into_owned())));
        Self(pairs)
    }

    /// The first value of this name, empty or not.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
    }

    /// The first value of this name, if it is not empty: OAuth treats an empty parameter as absent (RFC 6749 §3.1).
    #[must_use]
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Whether there is a parameter of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Whether there are more parameters, or longer ones, than any request of the protocols has.
    #[must_use]
    pub fn is_excessive(&self) -> bool {
        let is_long = |(name, value): &(String, String)| name.len() > LONGEST_NAME || value.len() > LONGEST_VALUE;
        self.0.len() > MOST || self.0.iter().any(is_long)
    }

    /// The names that occur more than once, each once, in order of appearance.
    #[must_use]
    pub fn duplicates(&self) -> Vec<&str> {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        let mut twice: Vec<&str> = Vec::new();
        for (name, _) in &self.0 {
            let count = counts.entry(name).or_default();
            *count += 1;
            if *count == 2 {
                twice.push(name);
            }
        }
        twice
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes them in form style, which is also how Okta writes queries: a space is `+`.
    #[must_use]
    pub fn write(pairs: &[(String, String)]) -> String {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish()
    }
}
