//! A stored run of this app, judged again from its evidence alone.

use std::path::Path;

use conformance::{
    report::{Setting, difference, recorder::Recorder, rejudge::rejudge, store, store::Store},
    run::RunEvent,
    runner::{self, Options},
    select::{self, Past},
    target::Config as Target,
};

use crate::in_process::app;

#[tokio::test]
async fn a_stored_run_is_judged_again_to_the_same_verdicts() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance.toml");
    let mut config = Target::load(&file, &[]).unwrap();
    config.target.start = None;
    let wanted = ["authorization", "token-request", "callback", "userinfo"].map(|group| group.parse().unwrap());
    let cases = select::select(&wanted, &Past::default()).unwrap().cases;
    let options = Options {
        launcher: Some(app()),
        ..Options::new(cases)
    };
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::at(folder.path());
    store.open();
    let mut recorder = Recorder::new(Setting::default(), None);
    let mut listen = |event: RunEvent<'_>| {
        match &event {
            RunEvent::CaseFinished(case) => store.evidence(case),
            RunEvent::Watching(controls) => store.controls(controls),
            _ => {}
        }
        recorder.take(&event);
    };
    let result = runner::run(&config, &options, &mut listen).await;
    assert_eq!(result.aborted, None);
    store.finish(recorder.run().unwrap());
    assert_eq!(store.problems(), [""; 0]);
    let stored = store::read(folder.path()).unwrap();
    assert!(stored.run.cases.len() > 60, "{}", stored.run.cases.len());
    let again = rejudge(&stored);
    assert_eq!(again.kept, []);
    let differences = difference::between(&stored.run, &again.run);
    assert!(differences.is_empty(), "{differences:#?}");
    assert_eq!(again.run.counts, stored.run.counts);
}
