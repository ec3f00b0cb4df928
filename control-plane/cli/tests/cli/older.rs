//! The names that existing CI plugins call.

use serde_json::{Value, json};

use crate::{
    samples::{
        NEWER, RELEASE, SHA, app, artifact, at_release, cluster, degraded, environment, release,
        superseded,
    },
    server::{Reply, Server},
    world::World,
};

const ARTIFACT: &str = "art_0197a000000070008000000000000001";

#[tokio::test]
async fn make_prints_one_id_for_all_releases_and_track_takes_it() {
    let mut second = release("queued", 0);
    (second["id"], second["app"]) = (json!(NEWER), json!("api"));
    let server = Server::start()
        .await
        .on("POST /api/v1/releases", [Reply::json(201, &json!([release("queued", 0), second]))])
        .on(&at_release("GET", ""), [Reply::json(200, &release("healthy", 4))])
        .on(&format!("GET /api/v1/releases/{NEWER}"), [Reply::json(200, &release("healthy", 4))]);
    let world = World::logged_in(&server);
    let made =
        world.run(&format!("release make --env staging --artifact {ARTIFACT} -o json")).await;
    let made: Value = serde_json::from_str(&made.data()).unwrap();
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        (id, made["type"].as_str()),
        (format!("{RELEASE},{NEWER}").as_str(), Some("release"))
    );
    assert_eq!(server.body_of("POST /api/v1/releases")["artifact"], ARTIFACT);
    let tracked = world.run(&format!("release track {id} --wait")).await;
    assert_eq!(tracked.code, 0, "{}", tracked.err);
}

#[tokio::test]
async fn track_ends_with_1_for_whatever_did_not_work_and_speaks_older_words() {
    let asked = |release: Value| async move {
        let server = Server::start().await.on(&at_release("GET", ""), [Reply::json(200, &release)]);
        let world = World::logged_in(&server);
        let text = world.run(&format!("release track {RELEASE}")).await;
        let json = world.run(&format!("release track {RELEASE} --wait -o json")).await;
        (text.code, json.code, serde_json::from_str::<Value>(&json.out).unwrap())
    };
    let (text, json, status) = asked(degraded()).await;
    assert_eq!((text, json), (1, 0));
    assert_eq!(status["status"], "processed");
    assert_eq!(status["results"][0]["gitopsCommitStatus"], "HealthCheckFailed");
    let (text, _, status) = asked(release("healthy", 4)).await;
    assert_eq!(
        (text, &status["results"][0]["gitopsCommitStatus"]),
        (0, &json!("ReconciliationSucceeded"))
    );
    let (text, _, status) = asked(release("queued", 0)).await;
    assert_eq!((text, &status["status"], &status["results"]), (0, &json!("new"), &json!([])));
    let (text, _, status) = asked(release("failed", 0)).await;
    assert_eq!((text, &status["status"]), (1, &json!("error")));
    let (text, _, status) = asked(superseded()).await;
    assert_eq!((text, &status["results"][0]["status"]), (1, &json!("failure")));
}

#[tokio::test]
async fn status_is_a_map_of_applications() {
    let server = Server::start()
        .await
        .on("GET /api/v1/apps", [Reply::json(200, &json!([app("healthy")]))])
        .on("GET /api/v1/environments", [Reply::json(200, &json!([environment("staging")]))]);
    let world = World::logged_in(&server);
    let map = world.run("release status --env staging -o json").await.data();
    let map: Value = serde_json::from_str(&map).unwrap();
    assert_eq!(map["web"]["id"], RELEASE);
    assert_eq!(
        world.run("release status --env staging -o name").await.data(),
        format!("{RELEASE}\n")
    );
    insta::assert_snapshot!(world.run("release status --env none").await.failure(), @"
    exit 1
    error: there is no environment `none`
      try: see `gimlet environment list`
    ");
}

#[tokio::test]
async fn a_rollback_may_name_a_commit() {
    let page = json!({"items": [release("healthy", 4)]});
    let server = Server::start()
        .await
        .on("GET /api/v1/releases", [Reply::json(200, &page)])
        .on(&at_release("POST", "/rollback"), [Reply::json(201, &release("queued", 0))]);
    let world = World::logged_in(&server);
    for to in ["1111111", &SHA[..9]] {
        let ran = world.run(&format!("release rollback --env staging --app web --to {to}")).await;
        assert_eq!(ran.code, 0, "{to}: {}", ran.err);
    }
    assert_eq!(world.run("release rollback --env staging --app web --to 2222222").await.code, 1);
    assert_eq!(world.run("release rollback --env staging --app web --to x").await.code, 2);
    assert_eq!(world.run("release rollback").await.code, 2);
    assert_eq!(world.run(&format!("release rollback {RELEASE} --to 1111111")).await.code, 2);
}

#[tokio::test]
async fn delete_does_not_ask() {
    let server = Server::start().await.on(
        "DELETE /api/v1/environments/staging/apps/web",
        [Reply::json(202, &release("queued", 0))],
    );
    let ran = World::logged_in(&server).run("release delete --env staging --app web").await;
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    assert!(ran.err.contains("asked for the deletion of web in staging"), "{}", ran.err);
}

#[tokio::test]
async fn artifacts_are_commits_by_another_name() {
    let one = artifact("aaaaaaa", &[]);
    let server = Server::start()
        .await
        .on("GET /api/v1/artifacts", [Reply::json(200, &json!({"items": [one]}))])
        .on(&format!("GET /api/v1/artifacts/{ARTIFACT}"), [Reply::json(200, &one)]);
    let world = World::logged_in(&server);
    assert_eq!(
        world.run("artifact list --repo acme/shop -o json").await.data(),
        world.run("commits --repo acme/shop -o json").await.data()
    );
    let shown = world.run(&format!("artifact show {ARTIFACT} -o jsonpath={{.sha}}")).await.data();
    assert_eq!(shown, "aaaaaaa0000000000\n");
}

#[tokio::test]
async fn an_environment_is_connected_and_waited_for_by_the_older_names() {
    let connect = json!({"cluster": cluster("eu-1", "waiting"), "expires_at": "2026-03-10T12:15:00Z",
        "command": "printf %s 'get_1' | gimlet-install"});
    let mut staging = environment("staging");
    staging["cluster"] = json!("eu-1");
    let clusters = json!({"items": [cluster("eu-1", "waiting")]});
    let states = ["waiting", "connected"].map(|state| Reply::json(200, &cluster("eu-1", state)));
    let server = Server::start()
        .await
        .on("POST /api/v1/clusters", [Reply::json(201, &connect)])
        .on("GET /api/v1/environments", [Reply::json(200, &json!({"items": [staging]}))])
        .on("GET /api/v1/clusters", [Reply::json(200, &clusters)])
        .on("GET /api/v1/clusters/clu_eu-1", states);
    let world = World::logged_in(&server);
    let ran = world.run("environment connect --env eu-1").await;
    assert_eq!(ran.data(), "printf %s 'get_1' | gimlet-install\n");
    assert_eq!(
        server.body_of("POST /api/v1/clusters"),
        json!({"name": "eu-1", "environment": null, "namespace": null})
    );
    let ran = world.run("environment check --env staging").await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("✓ eu-1 is connected after "), "{}", ran.err);
    let ran = world.run("environment check --env nope").await;
    assert_eq!(
        (ran.code, ran.err.lines().next()),
        (1, Some("error: there is no environment `nope`"))
    );
}
