//! Tests through the public surface, one file per room.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

mod agreement;
mod apps_runner;
mod baseline;
mod bodies;
mod browser_cookies;
mod catalogue;
mod causes;
mod cli;
mod config;
mod engine;
mod evidence_laws;
mod explain;
mod exposure;
mod false_alarms;
mod fixed_run;
mod flags;
mod flawed;
mod full_disk;
mod habits;
mod hostile_pages;
mod init;
mod joined;
mod judging;
mod junit_schema;
mod kept;
mod kills;
mod large_pages;
mod made;
mod odd_app;
mod page;
mod places;
mod process;
mod reach;
mod readers;
#[allow(dead_code, reason = "mock-idp's own tests need more of it")]
#[path = "../../../mock-idp/tests/it/redis.rs"]
mod redis;
mod report;
mod rooms;
mod scripted;
mod seeds;
mod shared_apps;
mod steps;
mod truth_table;
mod web_catalogue;
mod web_checks;
mod webdriver;
