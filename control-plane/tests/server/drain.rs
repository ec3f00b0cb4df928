//! A stop under load: within 20 s, with nothing lost.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    agent::Agent,
    world::{Database, Source, World, git},
};

/// A stop has to end within this, whatever is under way.
const LIMIT: Duration = Duration::from_secs(20);
const APPS: [&str; 3] = ["web", "api", "jobs"];

/// An environment of its own cluster; returns the enrolment command.
pub(crate) fn cluster(world: &World, token: &str, name: &str) -> String {
    let (status, made) = world.api(token, "POST", "/clusters", &json!({"name": name}));
    assert_eq!(status, 201, "{made}");
    made["command"].as_str().expect("a command").to_owned()
}

/// Adds the source; returns the repository's id.
pub(crate) fn repository(world: &World, token: &str, source: &Source) -> String {
    let body = json!({"url": source.url(), "name": "acme/shop"});
    let (status, made) = world.api(token, "POST", "/repositories", &body);
    assert_eq!(status, 201, "{made}");
    made["repository"]["id"].as_str().expect("an id").to_owned()
}

pub(crate) fn releases(world: &World, token: &str) -> Vec<Value> {
    let (mut all, mut path) = (Vec::new(), "/releases?limit=100".to_owned());
    loop {
        let (status, page) = world.api(token, "GET", &path, &Value::Null);
        assert_eq!(status, 200, "{page}");
        all.extend(page["items"].as_array().expect("items").iter().cloned());
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/releases?limit=100&cursor={cursor}"),
            None => return all,
        }
    }
}

/// How often each `Deploy-Id` stands in the apps repository.
pub(crate) fn deploys(world: &World) -> BTreeMap<String, usize> {
    let root = world.data().join("gitops");
    let organization =
        std::fs::read_dir(root).expect("repositories").next().expect("one").expect("it");
    let log = git(&organization.path().join("gitops-production-apps.git"), &["log", "--format=%B"]);
    let mut counts = BTreeMap::new();
    for id in log.lines().filter_map(|line| line.strip_prefix("Deploy-Id: ")) {
        *counts.entry(id.to_owned()).or_default() += 1;
    }
    counts
}

/// Every head is released or overtaken, and no release stands in git twice.
fn nothing_is_lost_or_doubled(world: &mut World, token: &str, head: &str) {
    world.wait("the last commit is released", |world| {
        let written = releases(world, token)
            .into_iter()
            .filter(|release| release["artifact"]["sha"] == head || release["sha"] == head);
        written.filter(|release| release["state"] != "queued").count() == APPS.len()
    });
    let counts = deploys(world);
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
    for release in releases(world, token) {
        let (id, state) =
            (release["id"].as_str().expect("id"), release["state"].as_str().expect("state"));
        let in_git = counts.contains_key(id);
        assert!(in_git || matches!(state, "superseded" | "queued"), "{state} {id} is not in git");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_of_pushes_ends_in_time_loses_nothing_and_spreads_the_agents() {
    for database in Database::all() {
        let mut world = World::new(database);
        world.start();
        let token = world.token();
        let mut agents = vec![Agent::enrol(&world, &cluster(&world, &token, "production")).await];
        for number in 0..11 {
            let command = cluster(&world, &token, &format!("other-{number}"));
            agents.push(Agent::enrol(&world, &command).await);
        }
        let source = Source::new();
        source.push(&APPS, "first");
        let id = repository(&world, &token, &source);
        let mut viewer = TcpStream::connect(("127.0.0.1", world.people)).expect("a viewer");
        write!(
            viewer,
            "GET /api/v1/releases HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n"
        )
        .expect("asked");

        for round in 0..3 {
            let mut links = Vec::new();
            for agent in &agents {
                links.push(agent.connect(world.agents).await.expect("welcomed"));
            }
            #[expect(clippy::disallowed_methods, reason = "the test awaits the handles")]
            let links: Vec<_> =
                links.into_iter().map(|link| tokio::task::spawn(link.until_end())).collect();
            for number in 0..4 {
                source.push(&APPS, &format!("round {round}, {number}"));
                world.api(&token, "POST", &format!("/repositories/{id}/look"), &Value::Null);
            }
            world.signal(Signal::TERM);
            let mut told = Vec::new();
            for link in links {
                let ended = link.await.expect("ended");
                assert_eq!(ended.close_code, Some(1012), "{ended:?}");
                told.push(ended.retry_after.expect("a drain"));
            }
            told.sort_unstable();
            told.dedup();
            assert!(told.len() > 1, "all agents come back at once: {told:?}");
            let (code, took) = world.wait_for_end();
            assert_eq!(code, Some(0), "{}", world.log());
            assert!(took < LIMIT, "{took:?}");
            world.start();
        }
        let head = source.push(&APPS, "last");
        world.api(&token, "POST", &format!("/repositories/{id}/look"), &Value::Null);
        nothing_is_lost_or_doubled(&mut world, &token, &head);
        let _ = viewer.read(&mut [0; 1]);
    }
}

#[test]
fn a_server_that_drains_says_so_and_still_answers() {
    let mut world = World::new(Database::Sqlite).with("drain_wait_s = 3\n");
    world.start();
    world.signal(Signal::TERM);
    world.wait("not ready", |world| {
        world.get(world.health, "/readyz").is_some_and(|(status, _)| status == 503)
    });
    let (status, _) = world.get(world.people, "/api/v1/openapi.json").expect("an answer");
    assert_eq!(status, 200);
    assert_eq!(world.get(world.health, "/livez").expect("an answer").0, 200);
    let (code, took) = world.wait_for_end();
    assert!(code == Some(0) && took < LIMIT, "{code:?} {took:?}");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut world = World::new(Database::Sqlite).with("drain_wait_s = 10\n");
    world.start();
    world.signal(Signal::TERM);
    world.wait("not ready", |world| {
        world.get(world.health, "/readyz").is_some_and(|(status, _)| status == 503)
    });
    world.signal(Signal::INT);
    let (code, took) = world.wait_for_end();
    assert_eq!(code, Some(1), "{}", world.log());
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn what_is_logged_changes_without_a_restart() {
    let mut world = World::new(Database::Sqlite).with("log = \"warn\"\n");
    world.start();
    assert!(!world.log().contains("\"level\":\"INFO\""));
    world = world.with_log("info");
    world.signal(Signal::HUP);
    world.wait("news in the log", |world| world.log().contains("what is logged has changed"));
    world = world.with_log("loud");
    world.signal(Signal::HUP);
    world.wait("a refusal in the log", |world| world.log().contains("the logs stay as they were"));
    world.stop();
}
