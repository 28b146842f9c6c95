use conformance::{
    catalog,
    run::RunEvent,
    runner::{Options, run},
};
#[tokio::main]
async fn main() {
    let file = std::env::args().nth(1).unwrap();
    let patterns: Vec<String> = std::env::args().skip(2).collect();
    let text = std::fs::read_to_string(&file).unwrap();
    let mut config: conformance::target::Config = toml::from_str(&text).unwrap();
    config.folder = std::path::Path::new(&file).parent().unwrap().canonicalize().unwrap();
    config.file = file.into();
    let cases: Vec<_> = catalog::all()
        .filter(|c| {
            c.lane != conformance::case::Lane::Slow
                && (patterns.is_empty() || patterns.iter().any(|p| c.id.starts_with(p.as_str())))
        })
        .collect();
    let verbose = std::env::var("V").is_ok();
    let r = run(
        &config,
        &Options {
            jobs: 4,
            ..Options::new(cases)
        },
        &mut |e| match e {
            RunEvent::Preflight(p) => {
                if !p.ok {
                    println!("{p:#?}")
                }
            }
            RunEvent::Control(c) => println!("control {c:?}"),
            RunEvent::Notice(n) => println!("NOTICE {n}"),
            RunEvent::CaseFinished(c) => {
                if c.duration_ms > 3000 {
                    println!("SLOW {} {} ms", c.case.id, c.duration_ms);
                }
                if c.verdict.word() != "pass" {
                    println!("{:?} {} ", c.verdict, c.case.id);
                    for v in &c.variants {
                        if v.verdict.word() != "pass" {
                            println!("    {} {:?}", v.name, v.verdict);
                            if let Some(a) = v.attempts.last() {
                                for k in &a.checks {
                                    if !matches!(k.outcome, conformance::outcome::Outcome::Holds) {
                                        println!("        {} {:?} {:?}", k.id, k.level, k.outcome);
                                    }
                                }
                                if verbose {
                                    println!("        delivered {:?}", a.delivered);
                                    for h in &a.evidence.hops {
                                        println!(
                                            "          {:?} {} {} {} -> {:?} {}",
                                            h.leg,
                                            h.who,
                                            h.request.method,
                                            h.url.chars().take(150).collect::<String>(),
                                            h.status(),
                                            h.header("location").unwrap_or("")
                                        );
                                    }
                                    for x in &a.evidence.probes {
                                        println!("          probe {x:?}");
                                    }
                                    if !a.evidence.app_output.is_empty() {
                                        println!("{}", a.evidence.app_output);
                                    }
                                }
                            }
                        }
                    }
                }
            }
            _ => {}
        },
    )
    .await;
    println!(
        "aborted {:?} in {} ms: {} pass {} fail {} warn {} skipped {} inconclusive {} error",
        r.aborted,
        r.duration_ms,
        r.count("pass"),
        r.count("fail"),
        r.count("warn"),
        r.count("skipped"),
        r.count("inconclusive"),
        r.count("error")
    );
}
