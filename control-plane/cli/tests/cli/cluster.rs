//! Connecting clusters.

use serde_json::{Value, json};

use crate::{
    samples::cluster,
    server::{Reply, Server},
    world::World,
};

fn connect() -> Value {
    json!({"cluster": cluster("eu-1", "waiting"), "expires_at": "2026-03-10T12:15:00Z",
           "command": "printf %s 'get_1' | gimlet-install --server https://agents.example --token-file -"})
}

#[tokio::test]
async fn the_command_alone_goes_to_standard_output() {
    let server = Server::start().await.on("POST /api/v1/clusters", [Reply::json(201, &connect())]);
    let ran =
        World::logged_in(&server).run("cluster connect eu-1 --env staging --namespace shop").await;
    insta::assert_snapshot!(ran.err, @"Run this where kubectl reaches the cluster eu-1. It works once, until 2026-03-10 12:15:00 UTC (in 15m):");
    insta::assert_snapshot!(ran.data(), @"printf %s 'get_1' | gimlet-install --server https://agents.example --token-file -");
    let sent = server.body_of("POST /api/v1/clusters");
    assert_eq!(sent, json!({"name": "eu-1", "environment": "staging", "namespace": "shop"}));
}

#[tokio::test]
async fn a_renewed_command_is_for_the_cluster_that_is_there() {
    let server = Server::start()
        .await
        .on(
            "GET /api/v1/clusters",
            [Reply::json(200, &json!([cluster("us-1", "away"), cluster("eu-1", "waiting")]))],
        )
        .on("POST /api/v1/clusters/clu_eu-1/enrolment", [Reply::json(201, &connect())]);
    let world = World::logged_in(&server);
    let ran = world.run("cluster connect eu-1 --renew -o json").await.data();
    assert_eq!(serde_json::from_str::<Value>(&ran).unwrap(), connect());
    insta::assert_snapshot!(world.run("cluster connect asia --renew").await.failure(), @"
    exit 1
    error: there is no cluster `asia`
      try: one of us-1, eu-1; or leave --renew away to add it
    ");
}

#[tokio::test]
async fn waiting_ends_when_the_cluster_is_connected() {
    let [waiting, connected] =
        ["waiting", "connected"].map(|state| Reply::json(200, &cluster("eu-1", state)));
    let server =
        Server::start().await.on("POST /api/v1/clusters", [Reply::json(201, &connect())]).on(
            "GET /api/v1/clusters/clu_eu-1",
            [waiting.clone(), waiting, Reply::empty(503), connected],
        );
    let ran = World::logged_in(&server).run("cluster connect eu-1 --wait").await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.err.contains("✓ eu-1 is connected after ")
            && ran.err.ends_with("s, Kubernetes v1.34.2\n"),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn waiting_too_long_for_a_cluster_ends_with_4() {
    let server = Server::start()
        .await
        .on("POST /api/v1/clusters", [Reply::json(201, &connect())])
        .on("GET /api/v1/clusters/clu_eu-1", [Reply::json(200, &cluster("eu-1", "waiting"))]);
    let ran = World::logged_in(&server).run("cluster connect eu-1 --wait --timeout 50ms").await;
    assert!(ran.out.starts_with("printf"));
    insta::assert_snapshot!(ran.failure(), @"
    exit 4
    Run this where kubectl reaches the cluster eu-1. It works once, until 2026-03-10 12:15:00 UTC (in 15m):
    waiting for eu-1 to connect
    error: waited 50ms: eu-1 is not connected
      try: `gimlet cluster connect eu-1 --renew` for a new command once this one has lapsed
    ");
}

#[tokio::test]
async fn a_taken_name_says_what_can_be_done() {
    let taken = Reply::problem(422, "invalid-field", "is taken in this organization", Some("name"));
    let server = Server::start().await.on("POST /api/v1/clusters", [taken]);
    insta::assert_snapshot!(World::logged_in(&server).run("cluster connect eu-1").await.failure(), @"
    exit 1
    error: is taken in this organization
      field: name
      request: req-1
      try: another name, or --renew for a cluster that is there
    ");
}

#[tokio::test]
async fn whatever_is_asked_for_is_asked_for_once_however_often_it_is_sent() {
    let server = Server::start()
        .await
        .on("POST /api/v1/clusters", [Reply::empty(502), Reply::json(201, &connect())])
        .on("GET /api/v1/clusters", [Reply::json(200, &json!([cluster("eu-1", "away")]))])
        .on("POST /api/v1/clusters/clu_eu-1/disconnect", [Reply::empty(503), Reply::empty(204)]);
    let world = World::logged_in(&server);
    assert_eq!(world.run("cluster connect eu-1").await.code, 0);
    assert_eq!(world.run("cluster disconnect eu-1").await.code, 0);
    for line in ["POST /api/v1/clusters", "POST /api/v1/clusters/clu_eu-1/disconnect"] {
        let sent: Vec<_> = server.seen().into_iter().filter(|seen| seen.line == line).collect();
        let keys: Vec<_> = sent.iter().map(|seen| &seen.headers["idempotency-key"]).collect();
        assert!(keys.len() == 2 && keys[0] == keys[1], "{line}: {keys:?}");
    }
}
