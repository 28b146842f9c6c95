//! `mock-idp faults [PREFIX]`.

use anyhow::bail;
use mock_idp::Fault;

use super::say;

/// Lists the faults whose ids begin so; a whole id is explained.
pub(crate) fn faults(prefix: Option<&str>) -> anyhow::Result<()> {
    let prefix = prefix.unwrap_or_default();
    if let Ok(fault) = prefix.parse::<Fault>() {
        say(&format!(
            "{fault}\n  {}\n  breaks    {}\n  try it    sign in as {fault}@fault.test with any password",
            fault.description(),
            fault.clause()
        ))?;
        // An id may be the beginning of others: `userinfo.slow` and `userinfo.slow.5s`.
        return list(|fault| fault.id().starts_with(&format!("{prefix}."))).map(drop);
    }
    if list(|fault| fault.id().starts_with(prefix))? > 0 {
        return Ok(());
    }
    match prefix.parse::<Fault>() {
        Err(unknown) => bail!(unknown),
        Ok(_) => Ok(()),
    }
}

/// Prints those that are wanted; how many they were.
fn list(is_wanted: impl Fn(Fault) -> bool) -> anyhow::Result<usize> {
    let mut count = 0;
    for fault in Fault::all().filter(|fault| is_wanted(*fault)) {
        say(&format!("{:<48} {}", fault.id(), fault.description()))?;
        count += 1;
    }
    Ok(count)
}
