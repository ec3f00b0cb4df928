//! A release from request to end, over the API and its live stream.

use std::path::Path;

use gimlet_app::Subject;
use gimlet_shared::api::{Artifact, Page, Release};
use reqwest::Method;
use serde_json::json;

use crate::harness::{Owner, TestServer, git};

const GOOD: &str = "
apiVersion: v1
kind: ConfigMap
metadata:
  name: shop
data:
  a: b
";

/// Not in the application's namespace, and so refused before anything is written.
const BAD: &str = "
apiVersion: v1
kind: ConfigMap
metadata:
  name: shop
  namespace: kube-system
";

fn commit(folder: &Path, manifest: &str) {
    std::fs::create_dir_all(folder.join(".gimlet")).unwrap();
    let text = format!(
        "app: shop\nenv: prod\nnamespace: shop\nmanifests: |{}",
        manifest.replace('\n', "\n  ")
    );
    std::fs::write(folder.join(".gimlet/shop.yaml"), text).unwrap();
    for arguments in [
        ["init", "-q", "-b", "main"].as_slice(),
        &["add", "."],
        &["commit", "-q", "-m", "Add shop"],
    ] {
        assert!(git(folder, arguments).status.success(), "{arguments:?}");
    }
}

/// An artifact of a source repository with this one manifest.
async fn given_artifact(server: &mut TestServer, owner: &Owner, manifest: &str) -> Artifact {
    let source = server.folder.path().join("acme").join("shop");
    commit(&source, manifest);
    let scope = server.app.scope_of_token(&owner.token).await.unwrap().unwrap();
    let mut changes = server.app.changes(&scope);
    owner.given_cluster("prod").await;
    let url = format!("file://{}", source.display());
    let added = owner.post("/api/v1/repositories", json!({"url": url})).await;
    assert_eq!(added.status(), 201, "{}", added.text().await.unwrap());
    server.reconcile();
    while changes.recv().await.unwrap().subject != Subject::Commits {}
    let page = owner.get("/api/v1/artifacts?repository=acme/shop").await;
    let mut page: Page<Artifact> = serde_json::from_value(page).unwrap();
    page.items.pop().unwrap()
}

async fn deploy(owner: &Owner, artifact: &Artifact, key: &str) -> Release {
    let body = json!({"environment": "prod", "artifact": artifact.id});
    let request = owner.request(Method::POST, "/api/v1/releases").header("idempotency-key", key);
    let answer = request.json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
    let mut releases: Vec<Release> = answer.json().await.unwrap();
    assert_eq!(releases.len(), 1);
    releases.pop().unwrap()
}

/// The `data` of the stream's events, until it ends or `enough` holds.
async fn follow(owner: &Owner, id: &str, enough: impl Fn(&Release) -> bool) -> Vec<Release> {
    let path = format!("/api/v1/releases/{id}/events");
    let request = owner.request(Method::GET, &path).header("last-event-id", "anything");
    let mut answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let (mut text, mut seen) = (String::new(), Vec::<Release>::new());
    while let Some(piece) = answer.chunk().await.unwrap() {
        text.push_str(std::str::from_utf8(&piece).unwrap());
        while let Some((event, rest)) = text.split_once("\n\n") {
            if let Some(data) = event.strip_prefix("event: release\ndata: ") {
                seen.push(serde_json::from_str(data).unwrap());
            }
            text = rest.to_owned();
        }
        if seen.last().is_some_and(&enough) {
            break;
        }
    }
    seen
}

#[tokio::test]
async fn the_stream_ends_with_the_release() {
    let mut server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    let artifact = given_artifact(&mut server, &owner, BAD).await;
    let release = deploy(&owner, &artifact, "1").await;
    let seen = follow(&owner, &release.id, |_| false).await;
    let last = seen.last().unwrap();
    assert!(last.closed && last.cause.is_some(), "{last:?}");
    assert!(seen[..seen.len() - 1].iter().all(|release| !release.closed));
    // Whoever comes later gets the end at once.
    assert_eq!(follow(&owner, &release.id, |_| false).await.len(), 1);
}

#[tokio::test]
async fn the_stream_tells_of_the_commit_and_a_stop_of_the_server_ends_it() {
    let mut server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    let artifact = given_artifact(&mut server, &owner, GOOD).await;
    let release = deploy(&owner, &artifact, "1").await;
    let seen = follow(&owner, &release.id, |release| release.gitops_commit.is_some()).await;
    assert!(seen.last().unwrap().gitops_commit.is_some(), "{seen:?}");

    let rest = follow(&owner, &release.id, |_| {
        server.shutdown.cancel();
        false
    });
    assert!(rest.await.iter().all(|release| !release.closed));
}

#[tokio::test]
async fn the_same_key_asks_for_one_release_and_pages_link_to_the_next() {
    let mut server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    let artifact = given_artifact(&mut server, &owner, GOOD).await;
    let first = deploy(&owner, &artifact, "one").await;
    assert_eq!(deploy(&owner, &artifact, "one").await.id, first.id);
    let second = deploy(&owner, &artifact, "two").await;
    assert_ne!(second.id, first.id);

    let answer =
        owner.request(Method::GET, "/api/v1/releases?app=shop&limit=1").send().await.unwrap();
    let link = answer.headers()["link"].to_str().unwrap().to_owned();
    let page: Page<Release> = answer.json().await.unwrap();
    assert_eq!(page.items[0].id, second.id);
    let (next, relation) = link.split_once(">; ").unwrap();
    assert_eq!(relation, r#"rel="next""#);
    let next = owner.request(Method::GET, next.trim_start_matches('<')).send().await.unwrap();
    assert!(!next.headers().contains_key("link"));
    let page: Page<Release> = next.json().await.unwrap();
    assert_eq!((page.items.len(), page.items[0].id.as_str()), (1, first.id.as_str()));
}
