//! One release: looking, following, going back.

use serde_json::{Value, json};

use crate::{
    samples::{NEWER, RELEASE, at_release, degraded, release},
    server::{Reply, Server},
    world::World,
};

async fn showing(release: &Value) -> Server {
    Server::start().await.on(&at_release("GET", ""), [Reply::json(200, release)])
}

#[tokio::test]
async fn a_release_is_shown_in_full() {
    let server = showing(&degraded()).await;
    let world = World::logged_in(&server);
    insta::assert_snapshot!(world.run(&format!("release show {RELEASE}")).await.data(), @"
    release:     rel_0197a0000000700080000000000000a1
    kind:        deploy
    app:         staging/web
    namespace:   shop
    state:       ✗ degraded
    current:     no
    by:          ana
    repository:  acme/shop
    branch:      main
    commit:      8f31c2a9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f
    message:     Fix tax
    author:      Ana
    artifact:    art_0197a000000070008000000000000001
    in git:      1111111111111111111111111111111111111111
    requested:   2026-03-10 11:58:00 UTC (2m ago)
    finished:    2026-03-10 11:58:34 UTC (86s ago)
    page:        https://gimlet.example/releases/rel_0197a0000000700080000000000000a1

    Steps
      ✓ Written to the gitops repository  1.0s
      ✓ Fetched by Flux  2.0s
      ✓ Applied to the cluster  3.0s
      ✗ Healthy  4.0s  container web keeps crashing with exit code 1

    Why
    cause:       container web keeps crashing with exit code 1
    message:     back-off 40s restarting failed container
    pod:         web-5d9c-x7
    container:   web
    next step:   read the last lines; fix the start of the program and push again

    Last lines of web
      connecting to db
      panic: no route to host
    ");
    let json = world.run(&format!("release show {RELEASE} -o json")).await.data();
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), degraded());
}

#[tokio::test]
async fn an_absent_release_says_where_to_look() {
    let absent = Reply::problem(404, "not-found", "the release was not found", None);
    let server = Server::start().await.on(&at_release("GET", ""), [absent]);
    insta::assert_snapshot!(World::logged_in(&server).run(&format!("release show {RELEASE}")).await.failure(), @"
    exit 1
    error: the release was not found
      request: req-1
      try: see `gimlet release list`
    ");
}

#[tokio::test]
async fn waiting_goes_on_by_asking_where_no_stream_gets_through() {
    let server = Server::start()
        .await
        .on(
            &at_release("GET", ""),
            [
                Reply::json(200, &release("queued", 0)),
                Reply::json(200, &release("committed", 1)),
                Reply::empty(502),
                Reply::empty(502),
                Reply::empty(502),
                Reply::empty(502),
                Reply::json(200, &release("observed", 3)),
                Reply::json(200, &release("observed", 3)),
                Reply::json(200, &release("observed", 3)),
                Reply::json(200, &release("healthy", 4)),
            ],
        )
        .on(
            &at_release("GET", "/events"),
            [Reply::of(200, "text/html", "<p>log in</p>".to_owned())],
        );
    let ran = World::logged_in(&server).run(&format!("release wait {RELEASE} -o name")).await;
    insta::assert_snapshot!(ran.err, @r#"
    deploy of web in staging at 8f31c2a "Fix tax"
      https://gimlet.example/releases/rel_0197a0000000700080000000000000a1
      ● Written to the gitops repository
      ✓ Written to the gitops repository  1.0s
      ● Fetched by Flux
    http://server answered with status 502 and no explanation; trying again
    the server answers again
      ✓ Fetched by Flux  2.0s
      ✓ Applied to the cluster  3.0s
      ● Healthy
      ✓ Healthy  4.0s
    ✓ web in staging is healthy after 34s
    "#);
    assert_eq!(ran.data(), format!("{RELEASE}\n"));
    let streams = server.lines().iter().filter(|line| line.ends_with("/events")).count();
    assert_eq!(streams, 3, "streams are given up");
}

#[tokio::test]
async fn a_broken_stream_is_opened_again() {
    let server = showing(&release("observed", 2)).await.on(
        &at_release("GET", "/events"),
        [
            Reply::events(&[release("observed", 2)]),
            Reply::events(&[release("observed", 2)]),
            Reply::events(&[release("observed", 2)]),
            Reply::events(&[release("observed", 2)]),
            Reply::events(&[release("observed", 3), release("healthy", 4)]),
        ],
    );
    World::logged_in(&server).run(&format!("release wait {RELEASE}")).await.data();
    assert_eq!(server.lines().iter().filter(|line| line.ends_with("/events")).count(), 5);
}

#[tokio::test]
async fn a_silent_stream_is_dead() {
    let server = Server::start()
        .await
        .on(
            &at_release("GET", ""),
            [Reply::json(200, &release("observed", 2)), Reply::json(200, &release("healthy", 4))],
        )
        .on(&at_release("GET", "/events"), [Reply::events(&[]).hanging()]);
    World::logged_in(&server).run(&format!("release wait {RELEASE}")).await.data();
}

#[tokio::test]
async fn a_token_revoked_while_waiting_ends_the_wait() {
    let revoked = Reply::problem(401, "unauthenticated", "this token is unknown or revoked", None);
    let server = Server::start()
        .await
        .on(&at_release("GET", ""), [Reply::json(200, &release("observed", 2)), revoked.clone()])
        .on(&at_release("GET", "/events"), [revoked]);
    let ran = World::logged_in(&server).run(&format!("release wait {RELEASE}")).await;
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("error: this token is unknown or revoked\n"), "{}", ran.err);
}

#[tokio::test]
async fn a_release_that_is_closed_already_is_judged_at_once() {
    let server = showing(&degraded()).await;
    let world = World::logged_in(&server);
    for command in ["release wait", "release show --wait"] {
        assert_eq!(world.run(&format!("{command} {RELEASE}")).await.code, 3, "{command}");
    }
    assert_eq!(world.run(&format!("release show --watch {RELEASE}")).await.code, 0);
    assert!(server.lines().iter().all(|line| !line.ends_with("/events")));
}

#[tokio::test]
async fn watching_writes_each_version_for_programs() {
    let server = showing(&release("committed", 1))
        .await
        .on(&at_release("GET", "/events"), [Reply::events(&[release("observed", 2), degraded()])]);
    let world = World::logged_in(&server);
    let lines = world.run(&format!("release show {RELEASE} --watch -o json")).await.data();
    let states: Vec<String> = lines
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["state"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(states, ["committed", "observed", "degraded"]);
    let yaml = world.run(&format!("release show {RELEASE} --watch -o yaml")).await.data();
    assert_eq!(yaml.matches("---\n").count(), 3, "{yaml}");
}

#[tokio::test]
async fn going_back_is_a_release_of_its_own() {
    let mut back = release("queued", 0);
    (back["id"], back["kind"], back["rollback_to"]) =
        (json!(NEWER), json!("rollback"), json!(RELEASE));
    let mut done = release("healthy", 4);
    (done["id"], done["kind"], done["rollback_to"]) =
        (json!(NEWER), json!("rollback"), json!(RELEASE));
    let server = Server::start()
        .await
        .on(&at_release("POST", "/rollback"), [Reply::json(201, &back)])
        .on(&format!("GET /api/v1/releases/{NEWER}/events"), [Reply::events(&[done])]);
    let world = World::logged_in(&server);
    let ran = world.run(&format!("release rollback {RELEASE} -o name")).await;
    insta::assert_snapshot!(ran.err, @"asked for the rollback of web in staging: https://gimlet.example/releases/rel_0197a0000000700080000000000000a1");
    assert_eq!(ran.data(), format!("{NEWER}\n"));
    let ran = world.run(&format!("release rollback {RELEASE} --wait -o name")).await;
    insta::assert_snapshot!(ran.err, @r#"
    rollback of web in staging at 8f31c2a "Fix tax"
      https://gimlet.example/releases/rel_0197a0000000700080000000000000a1
      ● Written to the gitops repository
      ✓ Written to the gitops repository  1.0s
      ✓ Fetched by Flux  2.0s
      ✓ Applied to the cluster  3.0s
      ✓ Healthy  4.0s
    ✓ web in staging is healthy after 34s
    "#);
    assert_eq!(ran.code, 0);
}

#[tokio::test]
async fn a_rollback_to_what_never_was_is_refused_and_not_sent_twice() {
    let refused =
        Reply::problem(409, "conflict", "this release never reached the gitops repository", None);
    let server = Server::start().await.on(&at_release("POST", "/rollback"), [refused]);
    let world = World::logged_in(&server);
    insta::assert_snapshot!(world.run(&format!("release rollback {RELEASE}")).await.failure(), @"
    exit 1
    error: this release never reached the gitops repository
      request: req-1
      try: see `gimlet release list`
    ");
    assert_eq!(server.seen().len(), 1);
}
