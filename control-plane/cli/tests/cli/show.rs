//! One cluster, environment or repository in full.

use serde_json::{Value, json};

use crate::{
    samples::{cluster, environment, repository},
    server::{Reply, Server},
    world::World,
};

async fn world_with(list: &str, one: &str, object: &Value) -> (Server, World) {
    let server = Server::start()
        .await
        .on(&format!("GET /api/v1/{list}"), [Reply::json(200, &json!({"items": [object]}))])
        .on(&format!("GET /api/v1/{list}/{one}"), [Reply::json(200, object)]);
    let world = World::logged_in(&server);
    (server, world)
}

#[tokio::test]
async fn a_cluster_is_shown_in_full_by_its_name_or_its_id() {
    let (_server, world) = world_with("clusters", "clu_eu-1", &cluster("eu-1", "connected")).await;
    insta::assert_snapshot!(world.run("cluster show eu-1").await.data(), @"
    cluster:       eu-1
    state:         ✓ connected
    seen:          2s
    environments:  eu-1
    apps:          3
    degraded:      1
    kubernetes:    v1.34.2
    agent:         0.1.0
    id:            clu_eu-1
    added:         9d
    ");
    assert_eq!(world.run("cluster show clu_eu-1 -o name").await.data(), "eu-1\n");
    assert_eq!(world.run("cluster show eu-1 -o jsonpath=$.state").await.data(), "connected\n");
}

#[tokio::test]
async fn an_environment_is_shown_in_full() {
    let (_server, world) = world_with("environments", "staging", &environment("staging")).await;
    insta::assert_snapshot!(world.run("environment show staging").await.data(), @"
    environment:       staging
    cluster:           eu-1
    apps repository:   https://gimlet.example/git/acme/gitops-staging-apps
    infra repository:  https://gimlet.example/git/acme/gitops-staging-infra
    id:                env_staging
    ");
    let printed = world.run("env show env_staging -o json").await.data();
    assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), environment("staging"));
}

#[tokio::test]
async fn a_repository_is_shown_in_full() {
    let (_server, world) = world_with("repositories", "rep_1", &repository()).await;
    insta::assert_snapshot!(world.run("repo show acme/shop").await.data(), @"
    repository:  acme/shop
    url:         https://git.example/acme/shop.git
    branch:      main
    looked:      30s
    id:          rep_1
    added:       9d
    ");
    let printed = world.run("repo show rep_1 -o yaml").await.data();
    assert_eq!(serde_saphyr::from_str::<Value>(&printed).unwrap(), repository());
}

#[tokio::test]
async fn what_is_not_there_is_told_with_what_is() {
    let many: Vec<Value> = (0..10).map(|n| cluster(&format!("eu-{n}"), "away")).collect();
    let server = Server::start()
        .await
        .on("GET /api/v1/clusters", [Reply::json(200, &json!({"items": many}))])
        .on("GET /api/v1/environments", [Reply::json(200, &json!({"items": []}))]);
    let world = World::logged_in(&server);
    insta::assert_snapshot!(world.run("cluster show us-1").await.failure(), @"
    exit 1
    error: there is no cluster `us-1`
      try: one of eu-0, eu-1, eu-2, eu-3, eu-4, eu-5, eu-6, eu-7, or one of 2 more in `gimlet cluster list`
    ");
    insta::assert_snapshot!(world.run("environment show prod").await.failure(), @"
    exit 1
    error: there is no environment `prod`
      try: no environments; `gimlet cluster connect NAME` makes one with its cluster
    ");
}

#[tokio::test]
async fn a_watched_cluster_is_shown_again_when_it_changes() {
    let states = ["connected", "connected", "away"];
    let replies = states.map(|state| Reply::json(200, &cluster("eu-1", state)));
    let gone = Reply::problem(404, "not-found", "the cluster was not found", None);
    let server = Server::start()
        .await
        .on("GET /api/v1/clusters", [Reply::json(200, &json!([cluster("eu-1", "away")]))])
        .on("GET /api/v1/clusters/clu_eu-1", replies.into_iter().chain([gone]));
    let ran = World::logged_in(&server).run("cluster show eu-1 --watch").await;
    assert_eq!((ran.code, ran.err.lines().next()), (1, Some("error: the cluster was not found")));
    insta::assert_snapshot!(ran.out, @"
    CLUSTER   STATE         SEEN   ENVIRONMENTS   APPS   DEGRADED
    eu-1      ✓ connected   2s     eu-1           3      1
    eu-1      ! away        2s     eu-1           3      1
    ");
}
