//! Answers as lines.

use mock_idp::{
    display::{in_json, printable},
    flow::near_miss::NearMiss,
};
use serde_json::Value;

use super::{Command, Ctl, Format};
use crate::cli::say;

/// Prints an answer: a table where one is easier to read than JSON.
pub(super) fn print(arguments: &Ctl, answer: &Value) -> anyhow::Result<()> {
    let list = answer.as_array();
    match (&arguments.command, list) {
        _ if arguments.json => say(&in_json(&serde_json::to_string_pretty(answer)?)),
        (_, Some(list)) if list.is_empty() => say("none"),
        (Command::Env, _) => lines(answer.as_object().into_iter().flatten().map(|(name, value)| {
            let value = value.as_str().unwrap_or_default();
            format!("{name}={value}")
        })),
        (Command::Flows { .. }, Some(list)) => lines(list.iter().map(flow_line)),
        (Command::Wait { .. }, _) if !answer["id"].is_null() => say(&flow_line(answer)),
        (
            Command::Flow {
                format: Format::Text, ..
            },
            _,
        ) => {
            say(&flow_line(answer))?;
            let steps = answer["requests"].as_array();
            steps
                .into_iter()
                .flatten()
                .try_for_each(|step| say(&step_lines(step)))?;
            let checks = answer["checks"].as_array();
            lines(checks.into_iter().flatten().map(|check| {
                format!(
                    "  {:<7} the app {}  {}",
                    text(&check["seen"]),
                    text(&check["what"]),
                    text(&check["detail"])
                )
            }))
        }
        (Command::Requests { .. }, Some(list)) => list.iter().try_for_each(|step| say(&step_lines(step))),
        (Command::Faults, Some(list)) => lines(list.iter().map(armed_line)),
        (Command::Arm { .. } | Command::Disarm { number: Some(_) }, _) => say(&armed_line(answer)),
        (Command::Users, Some(list)) => lines(list.iter().map(|user| {
            let groups = words(&user["groups"], ", ");
            format!("{:<32} {:<12} {groups}", text(&user["login"]), text(&user["status"]))
        })),
        (Command::Clients, Some(list)) => lines(list.iter().map(|client| {
            let kind = if client["secret"].is_null() {
                "public"
            } else {
                "with secret"
            };
            format!(
                "{:<24} {kind:<12} {}",
                text(&client["id"]),
                words(&client["redirect_uris"], " ")
            )
        })),
        (Command::Clock { .. }, _) => say(&format!("{}  offset {} s", text(&answer["now"]), answer["offset"])),
        (Command::Verify { .. }, _) => {
            let unfired = answer["unfired"].as_array();
            lines(
                unfired
                    .into_iter()
                    .flatten()
                    .map(|armed| format!("never fired: {}", armed_line(armed))),
            )?;
            let refused = answer["refused"].as_array();
            refused
                .into_iter()
                .flatten()
                .try_for_each(|step| say(&step_lines(step)))?;
            say(if answer["ok"] == true { "ok" } else { "not ok" })
        }
        (_, _) if answer.is_string() => say(&text(answer)),
        _ => say(&in_json(&serde_json::to_string_pretty(answer)?)),
    }
}

fn lines(lines: impl Iterator<Item = String>) -> anyhow::Result<()> {
    let mut lines = lines;
    lines.try_for_each(|line| say(line.trim_end()))
}

/// A text that cannot write to the terminal; empty for null.
fn text(value: &Value) -> String {
    value.as_str().map(printable).unwrap_or_default()
}

fn words(list: &Value, between: &str) -> String {
    let words = list.as_array().into_iter().flatten().map(text);
    words.collect::<Vec<_>>().join(between)
}

pub(super) fn flow_line(flow: &Value) -> String {
    let or = |value: &Value, none: &str| match text(value) {
        text if text.is_empty() => none.to_owned(),
        text => text,
    };
    let line = format!(
        "{:<8} {:<11} {:<28} {:<16} {} requests  {}",
        text(&flow["id"]),
        text(&flow["status"]),
        or(&flow["user"], "nobody yet"),
        or(&flow["client"], "no client"),
        flow["steps"],
        words(&flow["faults"], ", ")
    );
    line.trim_end().to_owned()
}

fn step_lines(step: &Value) -> String {
    let target = text(&step["request"]["target"]);
    let path = target.split('?').next().unwrap_or_default();
    let mut lines = format!(
        "{:<8} {:<4} {path:<38} {}",
        text(&step["flow"]),
        text(&step["request"]["method"]),
        step["response"]["status"]
            .as_u64()
            .map_or_else(|| "…".to_owned(), |status| status.to_string())
    );
    let refused = &step["refused"];
    if !refused.is_null() {
        lines.push_str(&format!("  {}  {}", text(&refused["error"]), text(&refused["text"])));
    }
    let near_miss = [&refused["near_miss"], &step["explained"]]
        .into_iter()
        .find(|value| !value.is_null());
    if let Some(near_miss) = near_miss.and_then(|value| serde_json::from_value::<NearMiss>(value.clone()).ok()) {
        lines.push_str(&format!("\n{near_miss}"));
    }
    lines.trim_end().to_owned()
}

fn armed_line(armed: &Value) -> String {
    let when = armed["when"].as_object().into_iter().flatten();
    let when: Vec<String> = when.map(|(name, value)| format!("{name} {}", text(value))).collect();
    let times = armed["times"]
        .as_u64()
        .map(|times| format!(", {times} times"))
        .unwrap_or_default();
    let whom = if when.is_empty() {
        "everybody".to_owned()
    } else {
        when.join(", ")
    };
    format!(
        "{:<3} {}  for {whom}{times}  given {}, fired {}{}",
        armed["number"],
        text(&armed["id"]),
        armed["given"],
        armed["fired"],
        if armed["waiting"] == true { "" } else { ", over" }
    )
}
