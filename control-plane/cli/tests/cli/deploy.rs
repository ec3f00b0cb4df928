//! Deploying, and waiting for it.

use serde_json::json;

use crate::{
    samples::{NEWER, RELEASE, SHA, at_release, degraded, environment, release, superseded},
    server::{Reply, Server},
    world::World,
};

async fn deploying(events: impl IntoIterator<Item = Reply>) -> Server {
    Server::start()
        .await
        .on("POST /api/v1/releases", [Reply::json(201, &json!([release("queued", 0)]))])
        .on(&at_release("GET", "/events"), events)
}

#[tokio::test]
async fn a_deploy_asks_and_says_where_to_look() {
    let server = deploying([]).await;
    let ran = World::logged_in(&server)
        .run("deploy --environment staging --app web --sha 8F31C2A --repository acme/shop --idempotency-key job-1")
        .await;
    insta::assert_snapshot!(ran.err, @"asked for web in staging: https://gimlet.example/releases/rel_0197a0000000700080000000000000a1");
    insta::assert_snapshot!(ran.data(), @"
    RELEASE                                ENVIRONMENT   APP   STATE      COMMIT    MESSAGE   BY    AGE
    rel_0197a0000000700080000000000000a1   staging       web   ● queued   8f31c2a   Fix tax   ana   2m
    ");
    assert_eq!(
        server.body_of("POST /api/v1/releases"),
        json!({"environment": "staging", "app": "web", "artifact": null, "sha": "8f31c2a", "repository": "acme/shop"})
    );
    assert_eq!(server.seen()[0].headers["idempotency-key"], "job-1");
}

#[tokio::test]
async fn the_only_environment_is_meant_where_none_is_named() {
    let server = deploying([]).await.on(
        "GET /api/v1/environments",
        [
            Reply::json(200, &json!([environment("staging")])),
            Reply::json(200, &json!([environment("staging"), environment("prod")])),
            Reply::json(200, &json!([])),
        ],
    );
    let world = World::logged_in(&server);
    world.run(&format!("deploy --sha {SHA}")).await.data();
    assert_eq!(server.body_of("POST /api/v1/releases")["environment"], "staging");
    insta::assert_snapshot!(world.run(&format!("deploy --sha {SHA}")).await.failure(), @"
    exit 2
    error: there are several environments, and --environment names none
      try: give one of: staging, prod
    ");
    assert_eq!(world.run(&format!("deploy --sha {SHA}")).await.code, 1);
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_with_the_same_key() {
    let server = Server::start().await.on(
        "POST /api/v1/releases",
        [
            Reply::empty(503),
            Reply::problem(429, "too-many-requests", "slow down", None)
                .with_header("retry-after", "0"),
            Reply::problem(409, "idempotency-key-in-use", "it still runs", None),
            Reply::json(201, &json!([release("queued", 0)])),
        ],
    );
    World::logged_in(&server).run(&format!("deploy --env staging --sha {SHA}")).await.data();
    let keys: Vec<_> =
        server.seen().iter().map(|seen| seen.headers["idempotency-key"].clone()).collect();
    assert_eq!(keys.len(), 4);
    assert!(keys.iter().all(|key| *key == keys[0] && key.len() == 36));
}

#[tokio::test]
async fn waiting_tells_each_step_once_and_ends_when_healthy() {
    let server = deploying([Reply::events(&[
        release("queued", 0),
        release("committed", 1),
        release("committed", 1),
        release("observed", 2),
        release("healthy", 4),
    ])])
    .await;
    let ran =
        World::logged_in(&server).run(&format!("deploy --env staging --sha {SHA} --wait")).await;
    insta::assert_snapshot!(ran.err, @r#"
    deploy of web in staging at 8f31c2a "Fix tax"
      https://gimlet.example/releases/rel_0197a0000000700080000000000000a1
      ● Written to the gitops repository
      ✓ Written to the gitops repository  1.0s
      ● Fetched by Flux
      ✓ Fetched by Flux  2.0s
      ● Applied to the cluster
      ✓ Applied to the cluster  3.0s
      ✓ Healthy  4.0s
    ✓ web in staging is healthy after 34s
    "#);
    insta::assert_snapshot!(ran.data(), @"
    RELEASE                                ENVIRONMENT   APP   STATE       COMMIT    MESSAGE   BY    AGE
    rel_0197a0000000700080000000000000a1   staging       web   ✓ healthy   8f31c2a   Fix tax   ana   2m
    ");
}

#[tokio::test]
async fn on_a_terminal_what_runs_is_one_live_line() {
    let server =
        deploying([Reply::events(&[release("committed", 1), release("healthy", 4)])]).await;
    let world = World::logged_in(&server).on_a_terminal().var("NO_COLOR", "1");
    let ran = world.run(&format!("deploy --env staging --sha {SHA} --wait")).await;
    assert!(ran.err.contains("\r\u{1b}[K"), "{:?}", ran.err);
    assert!(!ran.err.contains("● Fetched by Flux  2.0s\n"), "{}", ran.err);
    assert!(ran.err.ends_with("✓ web in staging is healthy after 34s\n"), "{:?}", ran.err);
}

#[tokio::test]
async fn a_degraded_release_ends_with_3_and_prints_the_cause() {
    let server = deploying([Reply::events(&[release("observed", 2), degraded()])]).await;
    let ran = World::logged_in(&server)
        .run(&format!("deploy --env staging --sha {SHA} --wait -o name"))
        .await;
    assert_eq!(ran.out, format!("{RELEASE}\n"));
    insta::assert_snapshot!(ran.failure(), @r#"
    exit 3
    deploy of web in staging at 8f31c2a "Fix tax"
      https://gimlet.example/releases/rel_0197a0000000700080000000000000a1
      ● Written to the gitops repository
      ✓ Written to the gitops repository  1.0s
      ✓ Fetched by Flux  2.0s
      ● Applied to the cluster
      ✓ Applied to the cluster  3.0s
      ✗ Healthy  4.0s  container web keeps crashing with exit code 1
    error: web in staging is degraded: container web keeps crashing with exit code 1
      pod:        web-5d9c-x7
      container:  web
      message:    back-off 40s restarting failed container
      last lines:
        | connecting to db
        | panic: no route to host
      next step:  read the last lines; fix the start of the program and push again
      page:       https://gimlet.example/releases/rel_0197a0000000700080000000000000a1
    "#);
}

#[tokio::test]
async fn every_other_bad_end_is_3_too_and_says_which() {
    let server = deploying([Reply::events(&[superseded()])]).await;
    let ran =
        World::logged_in(&server).run(&format!("deploy --env staging --sha {SHA} --wait")).await;
    assert!(ran.err.contains(NEWER));
    insta::assert_snapshot!(ran.failure(), @r#"
    exit 3
    deploy of web in staging at 8f31c2a "Fix tax"
      https://gimlet.example/releases/rel_0197a0000000700080000000000000a1
      ● Written to the gitops repository
      ✓ Written to the gitops repository  1.0s
      – Fetched by Flux  skipped
      – Applied to the cluster  skipped
      – Healthy  skipped
    error: web in staging was superseded by rel_0197a0000000700080000000000000a2 before it was healthy
      next step:  `gimlet release wait rel_0197a0000000700080000000000000a2` follows the one that took its place
      page:       https://gimlet.example/releases/rel_0197a0000000700080000000000000a1
    "#);
    for (state, says) in
        [("timed_out", "did not become healthy in time"), ("failed", "failed before it reached")]
    {
        let server = deploying([Reply::events(&[release(state, 2)])]).await;
        let ran = World::logged_in(&server)
            .run(&format!("deploy --env staging --sha {SHA} --wait"))
            .await;
        assert_eq!(ran.code, 3);
        assert!(ran.err.contains(says), "{}", ran.err);
    }
}

#[tokio::test]
async fn several_releases_are_waited_for_together() {
    let mut api = release("queued", 0);
    (api["id"], api["app"]) = (json!(NEWER), json!("api"));
    let mut api_done = degraded();
    (api_done["id"], api_done["app"]) = (json!(NEWER), json!("api"));
    let server = deploying([Reply::events(&[release("healthy", 4)])])
        .await
        .on("POST /api/v1/releases", [Reply::json(201, &json!([release("queued", 0), api]))])
        .on(&format!("GET /api/v1/releases/{NEWER}/events"), [Reply::events(&[api_done])]);
    let ran = World::logged_in(&server)
        .run(&format!("deploy --env staging --sha {SHA} --wait -o name"))
        .await;
    assert_eq!((ran.code, ran.out), (3, format!("{RELEASE}\n{NEWER}\n")));
    assert!(ran.err.contains("✓ web in staging is healthy after 34s\n"), "{}", ran.err);
    assert!(ran.err.contains("  api: ✗ Healthy"), "{}", ran.err);
    assert!(
        ran.err.contains("error: api in staging is degraded: container web keeps crashing"),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn a_wait_that_takes_too_long_ends_with_4() {
    let server = deploying([Reply::events(&[release("committed", 1)]).hanging()]).await;
    let ran = World::logged_in(&server)
        .run(&format!("deploy --env staging --sha {SHA} --wait --timeout 50ms"))
        .await;
    assert_eq!(ran.out, "");
    insta::assert_snapshot!(ran.failure(), @r#"
    exit 4
    deploy of web in staging at 8f31c2a "Fix tax"
      https://gimlet.example/releases/rel_0197a0000000700080000000000000a1
      ● Written to the gitops repository
      ✓ Written to the gitops repository  1.0s
      ● Fetched by Flux
    error: waited 50ms: web in staging is still committed
      try: `gimlet release wait rel_0197a0000000700080000000000000a1`; the release goes on by itself
    "#);
}

#[tokio::test]
async fn what_no_manifest_names_is_refused_with_field_and_request() {
    let refused = Reply::problem(
        422,
        "invalid-field",
        "this commit has no such manifest; it has web in prod",
        Some("app"),
    );
    let server = Server::start().await.on("POST /api/v1/releases", [refused]);
    let ran =
        World::logged_in(&server).run(&format!("deploy --env staging --app wbe --sha {SHA}")).await;
    insta::assert_snapshot!(ran.failure(), @"
    exit 1
    error: this commit has no such manifest; it has web in prod
      field: app
      request: req-1
    ");
}
