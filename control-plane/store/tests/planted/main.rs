//! The scope's filter is taken out of every query by a planted bug: on PostgreSQL row-level security alone
//! then holds organizations apart. On SQLite, which has no such thing, the same probes see the leak, so
//! they can fail.
//!
//! A program of its own, since the bug is planted in the whole process. Without the feature
//! `planted-bugs` (the workspace's tests have it) there is nothing to plant, and so nothing to run.

#![cfg(feature = "planted-bugs")]
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its rows has failed")]

#[path = "../store/harness.rs"]
#[expect(dead_code, reason = "the other program of tests uses the rest")]
mod harness;
mod probes;
mod sources;
mod world;

use gimlet_store::{PlantedBug, plant};

use crate::{
    harness::{as_plain_owner, each_address, postgres_server},
    probes::{PROBES, Unfiltered, probe},
    world::World,
};

/// What a probe gave away: words of the victim in the answer, or a change to its rows.
async fn leak_of(world: &World, name: &str) -> Option<String> {
    let before = world.rows_of_victim().await;
    let answer = probe(world, name).await.expect("every probe of the table is carried out");
    if let Some(word) = world.words_of_victim().into_iter().find(|word| answer.contains(word)) {
        return Some(format!("the answer holds {word}: {answer}"));
    }
    let after = world.rows_of_victim().await;
    (before != after).then(|| format!("rows changed; it answered {answer}"))
}

#[test]
fn every_function_under_a_scope_has_a_probe() {
    let probed: Vec<String> = PROBES.iter().map(|(name, _)| (*name).to_owned()).collect();
    let missing: Vec<String> =
        sources::scoped_functions().into_iter().filter(|name| !probed.contains(name)).collect();
    assert!(
        missing.is_empty(),
        "add {missing:?} to PROBES and to `probe` in tests/planted/probes.rs: call it as the intruder, \
         aimed at what the victim has"
    );
}

#[test]
fn every_probe_is_of_a_function_that_is_there() {
    let functions = sources::scoped_functions();
    let stale: Vec<_> =
        PROBES.iter().filter(|(name, _)| !functions.contains(&(*name).to_owned())).collect();
    assert!(stale.is_empty(), "{stale:?}");
}

#[tokio::test]
async fn without_the_filter_sqlite_leaks_as_the_table_says() {
    plant(PlantedBug::MissingScopeFilter);
    let mut wrong = Vec::new();
    for (name, unfiltered) in PROBES {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("store.db").display());
        let world = World::new(&url).await;
        let leak = leak_of(&world, name).await;
        if leak.is_some() != (unfiltered == Unfiltered::Leaks) {
            wrong.push((name, unfiltered, leak));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Where nothing leaks nothing changes, so all probes share a database.
async fn nothing_leaks(url: String) {
    let world = World::new(&url).await;
    for (name, _) in PROBES {
        let leak = leak_of(&world, name).await;
        assert!(leak.is_none(), "{name}: {leak:?}");
    }
}

#[tokio::test]
async fn without_the_filter_postgresql_gives_nothing_away_to_a_superuser_s_server() {
    plant(PlantedBug::MissingScopeFilter);
    each_address(async |url| {
        if url.starts_with("postgres") {
            nothing_leaks(url).await;
        }
    })
    .await;
}

#[tokio::test]
async fn without_the_filter_postgresql_gives_nothing_away_to_the_owner_of_its_tables() {
    plant(PlantedBug::MissingScopeFilter);
    if postgres_server().is_some() {
        as_plain_owner("", nothing_leaks).await;
    }
}
