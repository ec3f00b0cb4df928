//! On SQLite many use cases share one commit, and each is as whole as if it were alone.

use gimlet_store::{NewToken, Store, StoreError};
use uuid::Uuid;

use crate::harness::{at, each_database, owner};

#[tokio::test]
async fn use_cases_that_wait_at_the_same_time_share_commits() {
    let (_folder, store) = on_sqlite().await;
    let acme = owner(&store, "acme").await;
    let before = store.write_counts();
    let hashes: Vec<String> = (0..64).map(|number| format!("hash {number}")).collect();
    let writes = hashes.iter().map(|hash| {
        store.create_token(&acme, NewToken { hash, name: "ci", expires_at: None }, at(2))
    });
    for written in join_all(writes).await {
        written.unwrap();
    }
    let after = store.write_counts();
    assert_eq!(after.use_cases - before.use_cases, 64);
    let commits = after.commits - before.commits;
    assert!(commits <= 16, "64 use cases took {commits} commits");
    for hash in &hashes {
        assert!(store.find_scope_by_token(hash, at(3)).await.unwrap().is_some(), "{hash}");
    }
}

#[tokio::test]
async fn a_use_case_that_fails_hurts_none_that_shares_its_commit() {
    each_database(async |store| {
        let acme = owner(&store, "acme").await;
        let taken = NewToken { hash: "taken", name: "ci", expires_at: None };
        store.create_token(&acme, taken, at(1)).await.unwrap();
        let hashes: Vec<String> = (0..48)
            .map(
                |number| if number % 3 == 0 { "taken".to_owned() } else { format!("new {number}") },
            )
            .collect();
        let writes = hashes.iter().map(|hash| {
            store.create_token(&acme, NewToken { hash, name: "ci", expires_at: None }, at(2))
        });
        let results = join_all(writes).await;
        for (hash, result) in hashes.iter().zip(results) {
            match result {
                Ok(_) => assert_ne!(hash, "taken"),
                Err(StoreError::Query { .. }) => assert_eq!(hash, "taken"),
                Err(other) => panic!("{other:?}"),
            }
            assert!(store.find_scope_by_token(hash, at(3)).await.unwrap().is_some(), "{hash}");
        }
    })
    .await;
}

#[tokio::test]
async fn whoever_stops_waiting_leaves_the_writer_to_the_others() {
    each_database(async |store| {
        let acme = owner(&store, "acme").await;
        for number in 0..40 {
            let hash = format!("hash {number}");
            let token = NewToken { hash: &hash, name: "ci", expires_at: None };
            let write = store.create_token(&acme, token, at(2));
            // Given up at another point of the way each time.
            let _ =
                tokio::time::timeout(std::time::Duration::from_micros(number * 50), write).await;
        }
        let last = NewToken { hash: "last", name: "ci", expires_at: None };
        store.create_token(&acme, last, at(3)).await.unwrap();
        assert!(store.find_scope_by_token("last", at(4)).await.unwrap().is_some());
    })
    .await;
}

async fn on_sqlite() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(Uuid::now_v7().to_string());
    let store = Store::open(&format!("sqlite://{}", file.display())).await.unwrap();
    (folder, store)
}

/// Polls all of them in turns, as requests that came at the same moment.
async fn join_all<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        for (future, output) in &mut futures {
            if output.is_none()
                && let std::task::Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *output = Some(ready);
            }
        }
        match futures.iter().all(|(_, output)| output.is_some()) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    futures.into_iter().filter_map(|(_, output)| output).collect()
}
