//! The short form of `cargo prove kills`, and that it finds what is wrong.
//!
//! `cargo verify` runs these one after the other, as each keeps the machine busy.

use std::time::Duration;

use gimlet_tests::{
    kills::{Database, KillPlan, Patience, Verdict, prove},
    postgres::Postgres,
    programs::Programs,
    steps::Steps,
};
use tempfile::TempDir;

/// Long enough for a busy machine; a quiet one needs a minute or so.
const LIMIT: Duration = Duration::from_secs(600);

fn plan(database: Database, folder: &TempDir) -> KillPlan {
    KillPlan {
        database,
        // Another order, and other moments, at each run; the first line of its output says which.
        seed: rand::random(),
        releases: 0,
        random_kills: 20,
        per_point: 1,
        only: Vec::new(),
        flaw: None,
        worlds: 4,
        patience: Patience::default(),
        limit: LIMIT,
        folder: folder.path().to_owned(),
    }
}

fn run(plan: &KillPlan) -> Verdict {
    // The provider of the whole process; whoever is first sets it.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let steps = Steps::default();
    steps.say(format_args!("seed {}", plan.seed));
    let programs = Programs::build().expect("the programs");
    let verdict = prove(&programs, plan, &steps).expect("a verdict");
    steps.say(&verdict.line);
    verdict
}

/// Survives a kill at each crash point, and some at random moments.
fn survives(database: Database) {
    let folder = TempDir::new().expect("a folder");
    let verdict = run(&plan(database, &folder));
    if !verdict.findings.is_empty() {
        let evidence = folder.keep();
        panic!("{:#?}\nthe evidence is in {}", verdict.findings, evidence.display());
    }
    assert_eq!(verdict.line["crash_point_kills"], verdict.line["crash_points"]);
    assert_eq!(verdict.line["random_kills"], 20);
}

/// What the proof says of programs with a flaw that are killed at one point.
fn verdict_with(
    flaw: &'static str,
    point: &'static str,
    kills: u64,
    patience: Patience,
) -> Verdict {
    let folder = TempDir::new().expect("a folder");
    run(&KillPlan {
        only: vec![point],
        flaw: Some(flaw),
        random_kills: 0,
        per_point: kills,
        worlds: 1,
        patience,
        ..plan(Database::Sqlite, &folder)
    })
}

#[test]
#[ignore = "takes a minute of the whole machine; cargo verify runs it"]
fn a_kill_at_each_crash_point_and_some_at_random_lose_and_double_nothing_on_sqlite() {
    survives(Database::Sqlite);
}

#[test]
#[ignore = "takes a minute of the whole machine; cargo verify runs it"]
fn a_kill_at_each_crash_point_and_some_at_random_lose_and_double_nothing_on_postgres() {
    let postgres = Postgres::start().expect("PostgreSQL");
    survives(Database::Postgres(postgres.url("postgres")));
}

#[test]
#[ignore = "starts programs; cargo verify runs it"]
fn an_agent_that_does_not_look_whether_it_has_asked_is_found_to_ask_twice() {
    let verdict = verdict_with("agent.asks-again", "agent.effect.after", 3, Patience::default());
    assert_ne!(verdict.line["doubled"], 0, "{:#?}", verdict.findings);
    assert_eq!(verdict.line["lost"], 0, "{:#?}", verdict.findings);
}

#[test]
#[ignore = "starts programs; cargo verify runs it"]
fn a_command_that_counts_as_done_once_it_is_accepted_is_found_stuck_and_then_lost() {
    // Another poke that comes after the kill helps the lost one; of so many kills some have none. The run ends
    // with the first loss.
    let soon = Patience { stuck: Duration::from_secs(12), lost: Duration::from_secs(16) };
    let verdict = verdict_with("link.done-once-accepted", "agent.effect.before", 12, soon);
    assert_ne!(verdict.line["stuck"], 0, "{:#?}", verdict.findings);
    assert_ne!(verdict.line["lost"], 0, "{:#?}", verdict.findings);
}
