//! THE LIST of cases: a slice of slices, one file per group, in the order of the catalogue.

use crate::case::Case;

/// Every group with its cases.
pub const GROUPS: &[(&str, &[Case])] = &[];

/// Every case, in order.
pub fn all() -> impl Iterator<Item = &'static Case> {
    GROUPS.iter().flat_map(|(_, cases)| cases.iter())
}
