//! Backup under load, and restore elsewhere.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::Value;

use crate::{
    agent::Agent,
    drain::{cluster, deploys, releases, repository},
    world::{Database, Source, World, git},
};

const APPS: [&str; 2] = ["web", "api"];

/// Pushes one commit after the other until told to stop.
fn push_until(world: &World, token: &str, source: &Source, id: &str, stop: &AtomicBool) {
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        source.push(&APPS, &format!("under load {number}"));
        world.api(token, "POST", &format!("/repositories/{id}/look"), &Value::Null);
        number += 1;
    }
}

fn every_repository_is_whole(world: &World) {
    let mut count = 0;
    for organization in fs::read_dir(world.data().join("gitops")).expect("repositories") {
        for repository in fs::read_dir(organization.expect("one").path()).expect("its own") {
            git(&repository.expect("one").path(), &["fsck", "--strict", "--no-dangling"]);
            count += 1;
        }
    }
    assert!(count >= 2, "{count}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_is_whole_and_a_server_restored_from_it_doubles_nothing() {
    for database in Database::all() {
        let mut world = World::new(database.clone());
        world.start();
        let token = world.token();
        let agent = Agent::enrol(&world, &cluster(&world, &token, "production")).await;
        let source = Source::new();
        source.push(&APPS, "first");
        let id = repository(&world, &token, &source);
        world.wait("the first release is in git", |world| deploys(world).len() >= APPS.len());
        let file = world.folder.path().join("backup.tar");
        let stop = AtomicBool::new(false);
        let made = std::thread::scope(|scope| {
            scope.spawn(|| push_until(&world, &token, &source, &id, &stop));
            let before = deploys(&world).len();
            while deploys(&world).len() < before + 4 {
                std::thread::yield_now();
            }
            let made =
                world.json(&["backup", "--to", file.to_str().expect("a path"), "-o", "json"]);
            let then = deploys(&world).len();
            while deploys(&world).len() < then + 4 {
                std::thread::yield_now();
            }
            stop.store(true, Ordering::Relaxed);
            made
        });
        assert_eq!(made["repositories"], 2, "{made}");
        assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
        let all_deploys = deploys(&world);
        world.kill();

        let mut restored = World::new(database.another());
        restored.agents = world.agents;
        let from = file.to_str().expect("a path");
        let told = restored.json(&["restore", "--from", from, "-o", "json"]);
        assert!(told["commits"].as_u64().is_some_and(|count| count > 0), "{told}");
        every_repository_is_whole(&restored);
        let in_backup = deploys(&restored);
        assert!(in_backup.keys().all(|id| all_deploys.contains_key(id)));
        assert!(in_backup.len() < all_deploys.len(), "the load went on after the backup");

        restored.start();
        assert!(
            agent.connect(restored.agents).await.is_some(),
            "the agent trusts the same authority"
        );
        // The last commit came after the backup: it is released here, and nothing stands in git twice.
        let head = git(source.folder.path(), &["rev-parse", "HEAD"]);
        restored.api(&token, "POST", &format!("/repositories/{id}/look"), &Value::Null);
        restored.wait("the last commit is released", |world| {
            let all = releases(world, &token);
            let mut last = all.iter().filter(|one| one["sha"] == head.as_str());
            last.clone().count() == APPS.len() && last.all(|one| one["state"] != "queued")
        });
        let counts = deploys(&restored);
        assert!(counts.values().all(|count| *count == 1), "{counts:?}");
        for release in releases(&restored, &token) {
            let id = release["id"].as_str().expect("an id");
            let state = release["state"].as_str().expect("a state");
            let unchanged =
                release["note"].as_str().is_some_and(|note| note.contains("Already there"));
            assert!(
                counts.contains_key(id) || unchanged || state == "superseded",
                "{id} is {state} and not in git"
            );
        }
        every_repository_is_whole(&restored);
        restored.stop();
    }
}

#[test]
fn a_backup_that_is_cut_off_or_altered_is_refused_and_changes_nothing() {
    let mut world = World::new(Database::Sqlite);
    world.start();
    let token = world.token();
    cluster(&world, &token, "production");
    world.stop();
    let file = world.folder.path().join("backup.tar");
    let path = file.to_str().expect("a path");
    assert!(world.run(&["backup", "--to", path]).status.success());
    assert!(world.run(&["restore", "--verify", "--from", path]).status.success());
    let again = world.run(&["backup", "--to", path]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("there already"));

    let whole = fs::read(&file).expect("the backup");
    let mut altered = whole.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    for bad in [whole[..whole.len() / 2].to_vec(), altered, b"no backup".to_vec()] {
        let broken = world.folder.path().join("broken.tar");
        fs::write(&broken, bad).expect("written");
        let target = World::new(Database::Sqlite);
        let output = target.run(&["restore", "--from", broken.to_str().expect("a path")]);
        assert!(!output.status.success(), "{output:?}");
        assert!(!target.data().exists());
    }
}

#[test]
fn what_is_there_is_not_replaced_without_a_word_and_is_kept_with_one() {
    let mut world = World::new(Database::Sqlite);
    world.start();
    let token = world.token();
    cluster(&world, &token, "production");
    let file = world.folder.path().join("backup.tar");
    let path = file.to_str().expect("a path");
    assert!(world.run(&["backup", "--to", path]).status.success());
    let running = world.run(&["restore", "--from", path, "--replace"]);
    assert!(String::from_utf8_lossy(&running.stderr).contains("belongs to a server that runs"));
    cluster(&world, &token, "later");
    world.stop();
    let refused = world.run(&["restore", "--from", path]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--replace"), "{refused:?}");

    let told = world.json(&["restore", "--from", path, "--replace", "-o", "json"]);
    let kept = told["moved_to"].as_str().expect("a folder");
    assert!(fs::exists(format!("{kept}/gimlet.db")).expect("readable"));
    world.start();
    let (_, clusters) = world.api(&token, "GET", "/clusters", &Value::Null);
    let names: Vec<_> =
        clusters["items"].as_array().expect("items").iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["production"]);
}

#[test]
fn a_postgres_database_that_has_tables_is_refused() {
    let Some(database) = Database::postgres() else { return };
    let mut world = World::new(database.clone());
    world.start();
    let token = world.token();
    cluster(&world, &token, "production");
    world.stop();
    let file = world.folder.path().join("backup.tar");
    let path = file.to_str().expect("a path");
    assert!(world.run(&["backup", "--to", path]).status.success());
    let other = World::new(database);
    let refused = other.run(&["restore", "--from", path]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("has tables already"), "{refused:?}");
    let wrong_kind = World::new(Database::Sqlite);
    let refused = wrong_kind.run(&["restore", "--from", path]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("PostgreSQL"), "{refused:?}");
    let replaced = other.run(&["restore", "--from", path, "--replace"]);
    assert!(replaced.status.success(), "{}", String::from_utf8_lossy(&replaced.stderr));
}
