//! The two kinds of tables do the same: whatever is done to one in memory and to one that two processes share.

use std::sync::{Arc, OnceLock};

use proptest::{collection::vec, prelude::*};

use tokio::runtime::Runtime;

use super::{Remote, Table, attempt::ReadAhead};

#[allow(dead_code, reason = "the tests through the public surface need more of it")]
#[path = "../../../tests/it/redis.rs"]
mod redis;

#[derive(Clone, Debug)]
enum Step {
    Get(u8),
    Put(u8, i64),
    InsertNew(u8, i64),
    Take(u8),
    /// Adds to what is there.
    Change(u8, i64),
    /// Adds to what is there or to nothing; removes what becomes negative.
    Alter(u8, i64),
    Retain(i64),
    /// Several steps as one unit of work.
    Unit(Vec<Step>),
    /// The same without waiting, where that is enough.
    Attempt(Vec<Step>),
}

#[derive(Debug, PartialEq)]
enum Seen {
    Entry(Option<i64>),
    Done(bool),
    Several(Vec<Seen>),
    Nothing,
}

fn simple() -> impl Strategy<Value = Step> {
    let key = 0_u8..4;
    let value = -3_i64..10;
    prop_oneof![
        key.clone().prop_map(Step::Get),
        (key.clone(), value.clone()).prop_map(|(key, value)| Step::Put(key, value)),
        (key.clone(), value.clone()).prop_map(|(key, value)| Step::InsertNew(key, value)),
        key.clone().prop_map(Step::Take),
        (key.clone(), value.clone()).prop_map(|(key, value)| Step::Change(key, value)),
        (key, value.clone()).prop_map(|(key, value)| Step::Alter(key, value)),
        value.prop_map(Step::Retain),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => simple(),
        1 => vec(simple(), 1..6).prop_map(Step::Unit),
        2 => vec(simple(), 1..6).prop_map(Step::Attempt),
    ]
}

fn name(key: u8) -> String {
    // One of them is longer than names that are kept as they are.
    format!("{}{key}", "k".repeat(usize::from(key) * 30))
}

fn take(table: &Table<String, i64>, remote: Option<&Arc<Remote>>, step: &Step) -> Seen {
    match step {
        Step::Get(key) => Seen::Entry(table.get(name(*key).as_str())),
        Step::Put(key, value) => {
            table.put(name(*key), *value);
            Seen::Nothing
        }
        Step::InsertNew(key, value) => Seen::Done(table.insert_new(name(*key), *value)),
        Step::Take(key) => Seen::Entry(table.take(name(*key).as_str())),
        Step::Change(key, by) => Seen::Entry(table.change(name(*key).as_str(), |value| {
            *value += by;
            *value
        })),
        Step::Alter(key, by) => Seen::Entry(table.alter(name(*key), |slot| {
            *slot = Some(slot.unwrap_or(0) + by).filter(|value| *value >= 0);
            *slot
        })),
        Step::Retain(least) => {
            table.retain(|value| value >= least);
            Seen::Nothing
        }
        Step::Unit(steps) => {
            let all = || steps.iter().map(|step| take(table, remote, step)).collect();
            Seen::Several(match remote {
                Some(remote) => remote.unit(all).unwrap(),
                None => all(),
            })
        }
        Step::Attempt(steps) => {
            let all = || steps.iter().map(|step| take(table, remote, step)).collect();
            let Some(remote) = remote else {
                return Seen::Several(all());
            };
            let tried = runtime().block_on(async {
                let (seen, conclusion) = remote.attempt(read(remote, table).await, all)?;
                let is_written = remote.conclude(conclusion).await.unwrap();
                assert!(is_written, "nobody came in between");
                Some(seen)
            });
            // All entries are read before; only who looks for keys has to wait.
            let looks_for_keys = steps.iter().any(|step| matches!(step, Step::Retain(_)));
            assert_eq!(tried.is_none(), looks_for_keys);
            Seen::Several(tried.unwrap_or_else(|| remote.unit(all).unwrap()))
        }
    }
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap())
}

/// Every entry that steps are about.
async fn read(remote: &Remote, table: &Table<String, i64>) -> ReadAhead {
    let places = (0..4).map(|key| table.place(name(key).as_str()).unwrap());
    remote.read_ahead(places.collect()).await.unwrap().unwrap()
}

#[test]
fn of_two_attempts_that_decide_on_the_same_entry_one_is_written() {
    let Some(server) = redis::Redis::start() else { return };
    let remotes = [(); 2].map(|()| Remote::new(&server.url(), 0).unwrap());
    let tables = remotes
        .each_ref()
        .map(|remote| Table::<String, i64>::new(Some(remote), "table", 60));
    let decisions = [
        Step::Take(0),
        Step::Change(0, 5),
        Step::Alter(0, -9),
        Step::InsertNew(1, 3),
    ];
    for decision in &decisions {
        tables[0].put(name(0), 7);
        tables[0].take(name(1).as_str());
        let [first, second] = runtime().block_on(async {
            let reads = [read(&remotes[0], &tables[0]).await, read(&remotes[1], &tables[1]).await];
            let mut written = Vec::new();
            for (at, ahead) in reads.into_iter().enumerate() {
                let work = || {
                    tables[at].put(name(2), i64::try_from(at).unwrap());
                    take(&tables[at], Some(&remotes[at]), decision)
                };
                let (seen, conclusion) = remotes[at].attempt(ahead, work).unwrap();
                written.push((seen, remotes[at].conclude(conclusion).await.unwrap()));
            }
            written.try_into().unwrap()
        });
        assert_eq!(first.0, second.0, "both decided alike: {decision:?}");
        assert_eq!((first.1, second.1), (true, false), "{decision:?}");
        assert_eq!(tables[0].get(name(2).as_str()), Some(0), "the second one wrote nothing");
    }
}

#[test]
fn a_shared_table_does_what_one_in_memory_does() {
    let Some(server) = redis::Redis::start() else { return };
    let url = server.url();
    let steps = vec((any::<bool>(), step()), 1..60);
    let mut turn = 0;
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(64)
    };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let turns = std::cell::RefCell::new(&mut turn);
    runner
        .run(&steps, |steps| {
            **turns.borrow_mut() += 1;
            let url = format!("{url}?prefix=model-{}", turns.borrow());
            let replicas = [(); 2].map(|()| Remote::new(&url, 0).unwrap());
            let shared = replicas
                .each_ref()
                .map(|remote| Table::<String, i64>::new(Some(remote), "table", 60));
            let model = Table::<String, i64>::new(None, "table", 60);
            for (at_second, step) in steps {
                let at = usize::from(at_second);
                let expected = take(&model, None, &step);
                let seen = take(&shared[at], Some(&replicas[at]), &step);
                prop_assert_eq!(seen, expected, "{:?}", step);
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn of_many_that_change_an_entry_at_once_none_is_lost() {
    let Some(server) = redis::Redis::start() else { return };
    let tables: Vec<Table<String, i64>> = (0..4)
        .map(|_| Table::new(Some(&Remote::new(&server.url(), 0).unwrap()), "table", 60))
        .collect();
    tables[0].put("token".to_owned(), 7);
    let taken: Vec<bool> = std::thread::scope(|scope| {
        let threads: Vec<_> = tables
            .iter()
            .map(|table| {
                scope.spawn(|| {
                    for _ in 0..50 {
                        table.alter("count".to_owned(), |count| *count.get_or_insert(0) += 1);
                    }
                    table.take("token").is_some()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(tables[0].get("count"), Some(200));
    assert_eq!(taken.iter().filter(|taken| **taken).count(), 1, "one gets it");
}

#[test]
fn with_redis_away_nothing_is_found_and_the_unit_tells() {
    // Nobody listens on port 1.
    let remote = Remote::new("redis://127.0.0.1:1/0", 0).unwrap();
    let table = Table::<String, i64>::new(Some(&remote), "table", 60);
    let found = remote.unit(|| {
        table.put("key".to_owned(), 1);
        (
            table.get("key"),
            table.take("key"),
            table.insert_new("other".to_owned(), 2),
        )
    });
    assert!(found.is_err(), "{found:?}");
    assert_eq!(table.get("key"), None);
    assert!(Remote::new("http://127.0.0.1:1/", 0).is_err());
    assert!(Remote::new("redis://127.0.0.1:1/?prefix=a*b", 0).is_err());
}
