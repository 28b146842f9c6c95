//! Habits: what right apps do in unusual ways, and what the cases said of each. Read from `HABITS.md`, which the tests write.

/// One habit that every case has met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Habit {
    /// Its name in kebab case.
    pub name: &'static str,
    /// What the app does, and who else does so.
    pub does: &'static str,
    /// How many cases it passed.
    pub passed: usize,
    /// How many cases were skipped, for want of what they are about.
    pub skipped: usize,
    /// What cases say of it all the same, and why that is fair; never a fail, and mostly nothing.
    pub said: &'static str,
}

const TABLE: &str = include_str!("../HABITS.md");

/// Every habit that is proved, in the order of the table.
pub fn all() -> impl Iterator<Item = Habit> {
    TABLE.lines().filter_map(row)
}

/// A line `| name in backticks | sentence | passed | skipped | said |`; pairs, reasons and headings are none.
fn row(line: &'static str) -> Option<Habit> {
    let cells: Vec<&str> = line
        .strip_prefix('|')?
        .strip_suffix('|')?
        .split(" | ")
        .map(str::trim)
        .collect();
    let &[name, does, passed, skipped, said] = cells.as_slice() else {
        return None;
    };
    Some(Habit {
        name: name.strip_prefix('`')?.strip_suffix('`')?,
        does,
        passed: passed.parse().ok()?,
        skipped: skipped.parse().ok()?,
        said,
    })
}
