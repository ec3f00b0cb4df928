//! Writers that are killed: what was acknowledged is there, and git finds nothing wrong.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use gimlet_git::gitops::{DEPLOY_ID, Message, Repository};
use tokio::task::JoinSet;

use crate::support::*;

/// Where the killed process finds its repository; only it has the variable.
const REPOSITORY: &str = "GIMLET_TEST_KILLED_REPOSITORY";
/// How often a process is killed.
const KILLS: usize = 6;
const WRITERS: usize = 16;

/// Commits until it is killed, and says each commit when it is acknowledged. Not a test: the test below
/// starts this program again with nothing but this.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "only its parent sets the variable")]
async fn writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(REPOSITORY) else { return };
    let repository = Repository::open(path).await.unwrap();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let repository = repository.clone();
        writers.spawn(async move {
            for version in 0.. {
                let id = format!("{}-{writer}-{version}", std::process::id());
                let mut change = change(vec![put(&format!("app-{writer}/file"), &id)]);
                change.message =
                    Message::new("deploy").and_then(|m| m.with_trailer(DEPLOY_ID, &id)).unwrap();
                repository.commit(change).await.unwrap();
                // Unlike `println!`, this is not kept from the parent by the test harness. One write: a
                // kill leaves a line out, or leaves it whole.
                let line = format!("acknowledged {id}\n");
                std::io::stderr().write_all(line.as_bytes()).unwrap();
            }
        });
    }
    writers.join_all().await;
}

/// Lets it commit for a while, kills it, and returns what it acknowledged.
fn kill_a_writer(repository: &Path, after: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kills::writes_until_it_is_killed", "--nocapture"])
        .env(REPOSITORY, repository)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let acknowledged = |line: String| line.strip_prefix("acknowledged ").map(str::to_owned);
    let mut seen: Vec<_> =
        lines.by_ref().map_while(Result::ok).filter_map(acknowledged).take(after).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    // What it said before it died was acknowledged as well; a line that was cut off was not.
    seen.extend(lines.map_while(Result::ok).filter_map(acknowledged));
    seen
}

#[tokio::test]
async fn acknowledged_commits_outlive_a_kill() {
    let place = Place::new();
    let path = place.at("r.git");
    Repository::init(&path, at_second(0)).await.unwrap();
    let mut acknowledged = Vec::new();
    for kill in 0..KILLS {
        acknowledged.extend(kill_a_writer(&path, 1 + 13 * kill));
        git(&path, &["fsck", "--strict", "--full"]);
    }
    let format = "--format=%(trailers:key=Deploy-Id,valueonly,separator=)";
    let there = git(&path, &["log", format, "main"]);
    let there: Vec<&str> = there.lines().filter(|line| !line.is_empty()).collect();
    for id in &acknowledged {
        assert_eq!(there.iter().filter(|other| *other == id).count(), 1, "{id}");
    }
    assert!(acknowledged.len() >= KILLS);
}
