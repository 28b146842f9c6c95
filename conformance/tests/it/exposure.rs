//! What reports show of what a run met: no secret, and nothing that steers whoever reads.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use conformance::{
    evidence::Evidence,
    report::{
        document::Run,
        github::{self, Place},
        kind::{Kind, Source},
        look::Look,
        plain::Plain,
        store,
    },
};
use mock_idp::flow::record::Event;
use serde_json::Value;

use crate::{
    junit_schema::invalid,
    kept::{conformance, folder, outcome, stored},
};

/// A red run with codes, tokens, cookies and passwords on every leg: the folder, and what it said with `-vv`.
fn red(folder: &Path) -> (PathBuf, String) {
    let arguments = [
        "run",
        "callback/state-mismatch",
        "callback/code-replayed",
        "id-token/aud-wrong",
        "token-request/*",
        "logout/rp-*",
        "--out",
        "kept",
        "-vv",
    ];
    let (code, text) = outcome(&mut conformance(folder, "state-unchecked,aud-unchecked", &arguments));
    assert_eq!(code, 1, "{text}");
    (folder.join("kept"), text)
}

/// Everything that opens something, as the evidence has it.
fn secrets(evidence: &Evidence) -> BTreeSet<String> {
    const NAMES: &[&str] = &[
        "code",
        "state",
        "nonce",
        "code_verifier",
        "client_secret",
        "access_token",
        "refresh_token",
        "id_token_hint",
        "credentials.passcode",
        "password",
    ];
    let mut found: BTreeSet<String> = evidence.target.client_secret.iter().cloned().collect();
    let mut of_request = |target: &str, body: &str, headers: &[(String, String)]| {
        let query = target.split_once('?').map_or("", |(_, query)| query);
        for text in [query, body] {
            let pairs = form_urlencoded::parse(text.as_bytes());
            found.extend(
                pairs
                    .filter(|(name, _)| NAMES.contains(&name.as_ref()))
                    .map(|(_, value)| value.into_owned()),
            );
        }
        for (name, value) in headers {
            match name.to_ascii_lowercase().as_str() {
                "authorization" => found.extend(value.split(' ').nth(1).map(str::to_owned)),
                "cookie" => found.extend(
                    value
                        .split("; ")
                        .filter_map(|pair| Some(pair.split_once('=')?.1.to_owned())),
                ),
                _ => {}
            }
        }
    };
    for hop in &evidence.hops {
        of_request(&hop.request.target, &hop.request.body, &hop.request.headers);
    }
    for record in &evidence.records {
        if let Event::Received { request, .. } = &record.event {
            of_request(&request.target, &request.body, &request.headers);
        }
    }
    for hop in &evidence.hops {
        let cookies = hop.headers("set-cookie").filter_map(|line| line.split(';').next());
        found.extend(cookies.filter_map(|pair| Some(pair.split_once('=')?.1.to_owned())));
    }
    for record in &evidence.records {
        match &record.event {
            Event::CodeIssued { code } => _ = found.insert(code.clone()),
            Event::TokensIssued {
                access_token,
                id_token,
                refresh_token,
            } => {
                found.insert(access_token.clone());
                found.extend(id_token.iter().chain(refresh_token).cloned());
            }
            _ => {}
        }
    }
    // Short values are words of the protocol, not secrets.
    found.retain(|secret| secret.len() >= 12);
    found
}

/// Secrets of the run are in the stored evidence and nowhere else.
#[test]
fn no_report_shows_a_secret() {
    let folder = folder();
    let (kept, said) = red(folder.path());
    let stored = stored(&kept);
    let mut planted: BTreeSet<String> = BTreeSet::new();
    for case in &stored.run.cases {
        let evidence = store::read_evidence(&kept, case).unwrap();
        let walks = evidence.variants.iter().flat_map(|variant| &variant.attempts);
        planted.extend(walks.flat_map(secrets));
    }
    planted.extend(store::read_controls(&kept).unwrap().iter().flat_map(secrets));
    assert!(planted.len() > 100, "there is something to hide: {}", planted.len());
    let raw = std::fs::read_to_string(kept.join("evidence/callback.state-mismatch.json")).unwrap();
    assert!(
        planted.iter().any(|secret| raw.contains(secret.as_str())),
        "the stored evidence is complete"
    );
    let mut shown: Vec<(String, String)> = vec![("the console".to_owned(), said)];
    let source = Source {
        run: &stored.run,
        folder: Some(kept.clone()),
    };
    for (kind, name, _) in Kind::ALL {
        shown.push(((*name).to_owned(), kind.render(&source).unwrap()));
    }
    for entry in std::fs::read_dir(&kept).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            shown.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
        }
    }
    for case in &stored.run.cases {
        for extra in [&["-vv"][..], &["--format", "har"], &["--format", "html"]] {
            let mut arguments = vec!["show", "kept", "--case", &case.id];
            arguments.extend(extra);
            let (code, text) = outcome(&mut conformance(folder.path(), "", &arguments));
            assert_eq!(code, 0, "{text}");
            shown.push((arguments.join(" "), text));
        }
    }
    let annotations = github::annotations(&stored.run, &Place);
    shown.push(("annotations".to_owned(), annotations));
    assert!(
        shown.iter().any(|(_, text)| text.contains("<svg class=\"sequence\""))
            && shown.iter().any(|(_, text)| text.contains("sequenceDiagram")),
        "the diagrams are among them"
    );
    for (name, text) in &shown {
        for secret in &planted {
            assert!(!text.contains(secret.as_str()), "{name} shows {secret}");
        }
    }
    // The same things by their fingerprints.
    assert!(shown[0].1.contains("<state:"), "{}", shown[0].1);
}

/// Markup of every kind, control characters, turned text, and commands of the systems that read logs.
const HOSTILE: &str = "<script>alert(1)</script><img src=x onerror=alert(2)> \u{0}\u{1b}[31m\u{202e}\u{2066}\u{200b} | `x` ]]> --> @all \
                       ::error::y %0A\n::add-mask::a\r\n##[error]z ##vso[task.complete]q\n# z\n```\n</script>";

/// Every text of a document that somebody else may have had a hand in, made hostile.
fn spoil(value: &mut Value, name: &str) {
    /// Words that readers of the document take apart.
    const OURS: &[&str] = &[
        "schema",
        "id",
        "verdict",
        "level",
        "outcome",
        "profile",
        "started",
        "evidence",
        "fingerprint",
        "config_fingerprint",
        "seed",
        "kind",
        "at",
        "done",
        "leg",
        "shard",
        "event",
        "fault",
        "message",
        "endpoint",
        "state",
        "slot",
        "point",
        "url",
        "client_secret",
        "response_mode",
        "method",
        "issuer",
        "app",
        "idp",
        "second_origin",
        "redirect_uri",
        "server",
    ];
    match value {
        Value::String(text) if !OURS.contains(&name) => text.push_str(HOSTILE),
        Value::Array(all) => all.iter_mut().for_each(|own| spoil(own, name)),
        Value::Object(all) if !["profiles", "policy"].contains(&name) => {
            all.iter_mut().for_each(|(name, own)| spoil(own, name));
        }
        _ => {}
    }
}

/// A spoilt copy of a kept run. Evidence is spoilt where an app or a person writes it: names, headers, bodies, output.
fn spoilt(kept: &Path, copy: &Path) -> Run {
    std::fs::create_dir_all(copy.join("evidence")).unwrap();
    let read = |path: &Path| -> Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
    for entry in std::fs::read_dir(kept.join("evidence")).unwrap() {
        let path = entry.unwrap().path();
        let mut evidence = read(&path);
        for variant in evidence["variants"].as_array_mut().into_iter().flatten() {
            for walk in variant["attempts"].as_array_mut().into_iter().flatten() {
                for hop in walk["hops"].as_array_mut().into_iter().flatten() {
                    for part in ["request", "response", "who", "rendered"] {
                        spoil(&mut hop[part], part);
                    }
                }
                for record in walk["records"].as_array_mut().into_iter().flatten() {
                    for part in ["request", "headers", "body", "bytes", "text", "id_token"] {
                        spoil(&mut record[part], part);
                    }
                    if let Some(record) = record.as_object_mut() {
                        record.retain(|_, value| !value.is_null());
                    }
                }
            }
        }
        std::fs::write(
            copy.join("evidence").join(path.file_name().unwrap()),
            evidence.to_string(),
        )
        .unwrap();
    }
    let mut run = read(&kept.join("run.json"));
    spoil(&mut run, "");
    let run: Run = serde_json::from_value(run).unwrap();
    std::fs::write(copy.join("run.json"), store::text(&run)).unwrap();
    run
}

#[test]
fn nothing_that_an_app_says_steers_who_reads_a_report() {
    let folder = folder();
    let (kept, _) = red(folder.path());
    let copy = folder.path().join("spoilt");
    let run = spoilt(&kept, &copy);
    let own = run.case("callback/state-mismatch").unwrap();
    let evidence = store::read_evidence(&copy, own).expect("the spoilt evidence is evidence");
    assert!(
        evidence.variants[0].attempts[0]
            .hops
            .iter()
            .any(|hop| hop.who.contains("<script>")),
        "it is spoilt"
    );
    let source = Source {
        run: &run,
        folder: Some(copy),
    };
    for (kind, name, _) in Kind::ALL {
        let text = kind.render(&source).unwrap();
        let is_json = matches!(
            kind,
            Kind::Json | Kind::Ndjson | Kind::Sarif | Kind::Ctrf | Kind::Gitlab
        );
        assert!(text.contains("alert(1)"), "{name} tells it");
        // JSON is read in terminals and pagers too.
        for c in ['\u{0}', '\u{1b}', '\u{202e}', '\u{2066}', '\u{200b}', '\r'] {
            assert!(!text.contains(c), "{name}: {c:?}");
        }
        if is_json {
            for document in serde_json::Deserializer::from_str(&text).into_iter::<Value>() {
                document.unwrap_or_else(|error| panic!("{name}: {error}"));
            }
            continue;
        }
        if matches!(kind, Kind::Html | Kind::Markdown | Kind::Junit) {
            for markup in ["<script>alert", "<img src=x", "]]>alert"] {
                assert!(!text.contains(markup), "{name}: {markup}");
            }
        }
        if matches!(kind, Kind::Text | Kind::Tap | Kind::Markdown) {
            commands_nobody(name, &text);
        }
    }
    let junit = Kind::Junit.render(&source).unwrap();
    assert!(quick_junit::Report::deserialize_from_str(&junit).is_ok());
    assert_eq!(invalid(&junit).unwrap_or_default(), "");
    // The log of a workflow: each command is ours.
    let mut log = Vec::new();
    let setting = crate::report::setting();
    let mut plain = Plain::new(&mut log, Look::default(), setting, Some(Place), false);
    plain.end(&run).unwrap();
    let log = String::from_utf8(log).unwrap();
    for line in log.lines().filter(|line| line.trim_start().starts_with("::")) {
        assert!(
            line.starts_with("::error ") || line.starts_with("::warning ") || line.starts_with("::error::and "),
            "{line}"
        );
    }
    assert!(!log.contains("##[") && !log.contains("##vso["), "{log}");
}

/// No line is a command of GitHub Actions or Azure Pipelines.
fn commands_nobody(name: &str, text: &str) {
    for line in text.lines() {
        assert!(!line.trim_start().starts_with("::"), "{name}: {line}");
        assert!(!line.contains("##[") && !line.contains("##vso["), "{name}: {line}");
    }
}
