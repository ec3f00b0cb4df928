//! The record of changes and its stream.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::harness::{Owner, TestServer, client, problem};

/// Reads events until `wanted` of them came; the ids and the data.
async fn events(stream: &mut Response, wanted: usize) -> Vec<(String, Value)> {
    let mut text = String::new();
    let read = async {
        loop {
            let found: Vec<_> = text
                .split_inclusive("\n\n")
                .filter(|block| block.ends_with("\n\n"))
                .filter_map(|block| {
                    let line = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
                    Some((line("id: ")?.to_owned(), serde_json::from_str(line("data: ")?).unwrap()))
                })
                .collect();
            if found.len() >= wanted {
                return found;
            }
            let chunk = stream.chunk().await.unwrap().expect("the stream goes on");
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    };
    tokio::time::timeout(Duration::from_secs(30), read).await.expect("events come")
}

async fn open(owner: &Owner, query: &str, last: Option<&str>) -> Response {
    let mut request = owner.request(Method::GET, &format!("/api/v1/changes{query}"));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    answer
}

#[tokio::test]
async fn what_is_done_is_recorded_with_who_did_it_and_is_nobody_elses() {
    let server = TestServer::start().await;
    let (owner, stranger) = (server.new_owner("acme").await, server.new_owner("rival").await);
    owner.given_cluster("prod").await;
    let page = owner.get("/api/v1/activity?kind=cluster").await;
    let change = &page["items"][0];
    assert_eq!(change["kind"], "cluster.added");
    assert_eq!(change["actor"], json!({"kind": "token", "name": "ana", "token": "test"}));
    assert_eq!(change["summary"], "ana (token test) added the cluster prod");
    assert_eq!(stranger.get("/api/v1/activity?kind=cluster").await, json!({"items": []}));
    let unknown = owner.request(Method::GET, "/api/v1/activity?kind=nonsense").send().await;
    assert_eq!(problem(unknown.unwrap()).await.field.as_deref(), Some("kind"));
}

#[tokio::test]
async fn a_stream_brings_each_change_once_and_resumes_where_it_broke() {
    let mut server = TestServer::start().await;
    server.reconcile();
    let (owner, stranger) = (server.new_owner("acme").await, server.new_owner("rival").await);
    let mut live = open(&owner, "", None).await;
    stranger.given_cluster("theirs").await;
    owner.given_cluster("a").await;
    owner.given_cluster("b").await;
    let seen = events(&mut live, 2).await;
    let clusters: Vec<_> = seen.iter().map(|(_, change)| change["cluster"].clone()).collect();
    assert_eq!(clusters, ["a", "b"]);
    for (id, change) in &seen {
        assert_eq!(change["id"], id.as_str());
    }
    drop(live);

    let first: u64 = seen[0].0.parse().unwrap();
    owner.given_cluster("c").await;
    let mut resumed = open(&owner, "", Some(&seen[0].0)).await;
    let missed = events(&mut resumed, 2).await;
    assert_eq!(missed[0].0, (first + 1).to_string());
    assert_eq!((&missed[0].1["cluster"], &missed[1].1["cluster"]), (&json!("b"), &json!("c")));
    let mut by_query = open(&owner, &format!("?after={}", seen[1].0), None).await;
    assert_eq!(events(&mut by_query, 1).await[0].1["cluster"], "c");
}

#[tokio::test]
async fn a_number_that_was_never_given_resets_the_stream() {
    let server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    let newest = owner.get("/api/v1/activity?limit=1").await["items"][0]["id"].clone();
    let mut stream = open(&owner, "", Some("999999")).await;
    let first = events(&mut stream, 1).await.remove(0);
    assert_eq!((first.0.as_str(), first.1), (newest.as_str().unwrap(), json!({"last": newest})));
    let bad = owner.request(Method::GET, "/api/v1/changes").header("last-event-id", "x");
    assert_eq!(problem(bad.send().await.unwrap()).await.status, 400);
    let nobody = client().get(format!("{}/api/v1/changes", server.url)).send().await.unwrap();
    assert_eq!(problem(nobody).await.status, 401);
}
