//! What was acknowledged survives `kill -9`.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
    sync::Arc,
};

use gimlet_store::{NewToken, Store};

use crate::harness::{at, owner};

/// Names the database of the child, which is this test's own program.
const DATABASE: &str = "GIMLET_TEST_CRASH_DATABASE";

/// Use cases at the same time, so that they share commits.
const WRITERS: u64 = 16;

#[tokio::test]
async fn nothing_that_was_acknowledged_is_lost_by_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("store.db").display());
    let mut acknowledged = Vec::new();
    for round in 0..10 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::writes_until_it_is_killed", "--ignored"])
            .env(DATABASE, &url)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        // Each round is cut off at another place.
        while seen < 40 + 13 * round {
            let line = lines.next().expect("the child ended by itself").unwrap();
            seen += u64::from(note(&line, &mut acknowledged));
        }
        child.kill().unwrap();
        // What it had said before it died counts as well; its last line may be cut.
        for line in lines.map_while(Result::ok) {
            note(&line, &mut acknowledged);
        }
        child.wait().unwrap();

        let store = Store::open(&url).await.unwrap();
        for hash in &acknowledged {
            let found = store.find_scope_by_token(hash, at(5)).await.unwrap();
            assert!(found.is_some(), "round {round}: `{hash}` was acknowledged and is lost");
        }
    }
}

/// Takes a whole line that acknowledges.
fn note(line: &str, acknowledged: &mut Vec<String>) -> bool {
    let hash = line.strip_prefix("done ").and_then(|rest| rest.strip_suffix(" end"));
    acknowledged.extend(hash.map(str::to_owned));
    hash.is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the other test's child"]
#[expect(clippy::disallowed_methods, reason = "a test has no main that could read it")]
async fn writes_until_it_is_killed() {
    let Ok(url) = std::env::var(DATABASE) else { return };
    let store = Store::open(&url).await.unwrap();
    let acme = Arc::new(owner(&store, "acme").await);
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..WRITERS {
        let (store, acme) = (store.clone(), acme.clone());
        writers.spawn(async move {
            loop {
                let hash = uuid::Uuid::now_v7().to_string();
                let token = NewToken { hash: &hash, name: "ci", expires_at: None };
                store.create_token(&acme, token, at(2)).await.unwrap();
                writeln!(std::io::stdout().lock(), "done {hash} end").unwrap();
            }
        });
    }
    writers.join_next().await;
}
