//! Lays what a habit tells over the usual configuration.

use conformance::target::Config;
use libtest_mimic::Failed;
use toml::{Table, Value};

/// Keys whose tables name one of several ways: they replace what was there.
const WHOLE: &[&str] = &["sign_in", "sign_out", "signed_in", "signed_out"];

/// The configuration of this text with these lines laid over it, one after the other.
pub(crate) fn configuration(text: &str, told: &[&str]) -> Result<Config, Failed> {
    let mut table: Table = toml::from_str(text)?;
    for told in told {
        lay(&mut table, toml::from_str(told)?);
    }
    Ok(Value::Table(table).try_into()?)
}

fn lay(below: &mut Table, above: Table) {
    for (name, value) in above {
        match (below.get_mut(&name), value) {
            (Some(Value::Table(known)), Value::Table(more)) if !WHOLE.contains(&name.as_str()) => lay(known, more),
            (_, value) => {
                below.insert(name, value);
            }
        }
    }
}
