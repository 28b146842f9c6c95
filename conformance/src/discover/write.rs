//! The file: every line with a word on what it is for.

use std::fmt::Write;

use super::Findings;
use crate::target::{Move, Pattern, Port, SignIn, SignOut, Start};

/// A text as TOML.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", texts.join(", "))
}

fn steps(steps: &[Move]) -> String {
    let steps: Vec<String> = steps
        .iter()
        .map(|step| match step {
            Move::Open(path) => format!("{{ open = {} }}", quoted(path)),
            Move::Press(text) => format!("{{ press = {} }}", quoted(text)),
            Move::Submit(form) => format!("{{ submit = {} }}", quoted(form)),
            Move::Fill(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(name, text)| format!("{} = {}", quoted(name), quoted(text)))
                    .collect();
                format!("{{ fill = {{ {} }} }}", fields.join(", "))
            }
        })
        .collect();
    format!("{{ steps = [{}] }}", steps.join(", "))
}

/// The value of `sign_in`.
pub(super) fn sign_in(way: &SignIn) -> String {
    match way {
        SignIn::Get(path) => format!("{{ get = {} }}", quoted(path)),
        SignIn::Protected(path) => format!("{{ protected = {} }}", quoted(path)),
        SignIn::Form(path) => format!("{{ form = {} }}", quoted(path)),
        SignIn::Click(text) => format!("{{ click = {} }}", quoted(text)),
        SignIn::Steps(all) => steps(all),
    }
}

/// The value of `sign_out`.
pub(super) fn sign_out(way: &SignOut) -> String {
    match way {
        SignOut::Get(path) => format!("{{ get = {} }}", quoted(path)),
        SignOut::Post(path) => format!("{{ post = {} }}", quoted(path)),
        SignOut::Form(path) => format!("{{ form = {} }}", quoted(path)),
        SignOut::Click(text) => format!("{{ click = {} }}", quoted(text)),
        SignOut::Steps(all) => steps(all),
    }
}

fn pattern(pattern: &Pattern) -> String {
    let mut parts = Vec::new();
    match pattern.status.0.as_slice() {
        [] => {}
        [one] => parts.push(format!("status = {one}")),
        several => parts.push(format!("status = {several:?}")),
    }
    if let Some(text) = &pattern.contains {
        parts.push(format!("contains = {}", quoted(text)));
    }
    if pattern.ignore_case {
        parts.push("ignore_case = true".to_owned());
    }
    format!("{{ {} }}", parts.join(", "))
}

/// The whole file.
pub(super) fn toml(found: &Findings) -> String {
    let mut file = String::from("#:schema ./.conformance/schema.json\n");
    file.push_str("# Written by `conformance init`; `conformance explain config` has every key.\n\n[target]\n");
    let mut line = |text: &str, about: &str| {
        let _ = match about {
            "" => writeln!(file, "{text}"),
            about => writeln!(file, "{text}   # {about}"),
        };
    };
    let port = if found.has_free_port() {
        "{port} is the port that [target.start] chose"
    } else {
        "the app's origin"
    };
    line(&format!("url = {}", quoted(&found.url)), port);
    match &found.sign_in {
        Some(way) => line(&format!("sign_in = {}", sign_in(way)), "how a sign-in starts"),
        None => line("# sign_in = { get = \"/login\" }", "FILL IN: how a sign-in starts"),
    }
    match &found.sign_out {
        Some(way) => line(&format!("sign_out = {}", sign_out(way)), "how a sign-out happens"),
        None => line(
            "# sign_out = { post = \"/logout\" }",
            "fill in, or the sign-out cases are skipped",
        ),
    }
    match &found.callback {
        Some(callback) => line(&format!("callback = {}", quoted(callback)), "the redirection endpoint"),
        None => line("# callback = \"/callback\"", "FILL IN: the redirection endpoint"),
    }
    if !found.post_logout.is_empty() {
        line(
            &format!("post_logout = {}", list(&found.post_logout)),
            "where the sign-out comes back to",
        );
    }
    if !found.protected.is_empty() {
        line(
            &format!("protected = {}", list(&found.protected)),
            "further pages that only signed-in people see",
        );
    }
    if let Some((name, why)) = &found.framework {
        line(&format!("framework = {}", quoted(name)), &format!("guessed: {why}"));
    }
    line("\n[target.session]", "who is signed in? every verdict stands on this");
    match &found.probe {
        Some(oracle) => {
            line(&format!("probe = {}", quoted(&oracle.probe)), "");
            line(&format!("signed_in = {}", pattern(&oracle.signed_in)), "");
            line(&format!("signed_out = {}", pattern(&oracle.signed_out)), "");
        }
        None => {
            line("# probe = \"/me\"", "FILL IN: a page that shows who is signed in");
            line("# signed_in = { status = 200, contains = \"{user.email}\" }", "FILL IN");
            line("# signed_out = { status = [302, 401] }", "FILL IN");
        }
    }
    line("\n[target.declares]", "what cannot be seen from outside");
    if !found.scopes.is_empty() {
        line(&format!("scopes = {}", list(&found.scopes)), "what the app asked for");
    }
    if found.sign_in.is_some() && !found.is_confidential {
        line("public_client = true", "no client secret was sent");
    }
    if found.is_local_sign_out {
        line(
            "# local_sign_out_only = true",
            "sign-out did not go to the authorization server: on purpose?",
        );
    }
    line(
        "# validates_access_token = true",
        "if the app reads claims of the access token itself",
    );
    if let Some(start) = &found.start {
        start_table(&mut file, start);
        for (name, source) in &found.unknown {
            let _ = writeln!(
                file,
                "# {name} = \"\"   # {source} reads it: fill in where the app needs it"
            );
        }
    }
    file
}

fn start_table(file: &mut String, start: &Start) {
    let _ = writeln!(file, "\n[target.start]\ncommand = {}", quoted(&start.command));
    match start.port {
        Port::Auto => {}
        Port::Fixed(port) => {
            let _ = writeln!(
                file,
                "port = {port}   # it does not listen elsewhere: its copies run one after the other"
            );
        }
    }
    if let Some(wait_for) = &start.wait_for {
        let _ = writeln!(file, "wait_for = {}   # polled until it answers", quoted(wait_for));
    }
    if start.https_issuer {
        let _ = writeln!(file, "https_issuer = true   # the app's library insists on it");
    }
    let _ = writeln!(file, "\n[target.start.env]");
    for (name, value) in &start.env {
        let _ = writeln!(file, "{name} = {}", quoted(value));
    }
}
