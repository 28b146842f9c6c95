//! A first sign-in that failed, as people need it: what happened, what refused, what the app printed, the likeliest cause.

use super::{
    Setting,
    document::Failure,
    look::{Look, Tone},
};

/// The block below the line of a failed control.
#[must_use]
pub fn first_failure(failure: &Failure, setting: &Setting, look: &Look) -> String {
    let mut block = String::new();
    let mut rows = |label: &str, lines: &[String]| {
        for (index, line) in lines.iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            let label = look.paint(Tone::Faint, &format!("{label:<9}"));
            block.push_str(&format!("     {label} {}\n", look.hang(15, line)));
        }
    };
    rows("walked", &failure.trail);
    rows("refused", failure.refused.as_slice());
    rows("the app", &failure.output);
    rows("likely", std::slice::from_ref(&failure.cause));
    rows("fix", std::slice::from_ref(&failure.fix));
    if !setting.folder.as_os_str().is_empty() {
        let path = setting.folder.join(crate::run::Failure::FILE);
        rows("evidence", &[path.display().to_string()]);
    }
    block
}
