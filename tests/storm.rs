//! The storm of webhooks in short, on both databases; `cargo prove storm` is the whole of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should say where")]

use gimlet_tests::{
    kills::{Database, StormPlan, prove_storm},
    programs::Programs,
    steps::Steps,
};

/// Enough that deliveries are stored many at a time and that a poll has several repositories to find.
const DELIVERIES: usize = 1_200;

fn every_head_once(database: Database) {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let plan =
        StormPlan { database, seed: 7, deliveries: DELIVERIES, folder: folder.path().to_owned() };
    let verdict = prove_storm(&Programs::build().unwrap(), &plan, &Steps::default()).unwrap();
    assert!(verdict.findings.is_empty(), "{:#?} {}", verdict.findings, verdict.line);
}

#[test]
fn webhooks_doubled_shuffled_and_lost_bring_every_head_once() {
    every_head_once(Database::Sqlite);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how tests are told of a PostgreSQL server")]
fn webhooks_doubled_shuffled_and_lost_bring_every_head_once_to_postgresql() {
    if let Ok(url) = std::env::var("GIMLET_TEST_POSTGRES") {
        every_head_once(Database::Postgres(url));
    }
}
