//! Applications.

use serde_json::json;

use crate::{
    samples::{RELEASE, app, at_release, release},
    server::{Reply, Server},
    world::World,
};

const AT_APP: &str = "/api/v1/environments/staging/apps/web";

fn deleting(state: &str, done: usize) -> serde_json::Value {
    let mut release = release(state, done);
    release["kind"] = json!("delete");
    release["steps"][3]["title"] = json!("Gone from the cluster");
    release
}

async fn deletable() -> Server {
    Server::start()
        .await
        .on(&format!("DELETE {AT_APP}"), [Reply::json(202, &deleting("queued", 0))])
        .on(&at_release("GET", "/events"), [Reply::events(&[deleting("healthy", 4)])])
}

#[tokio::test]
async fn applications_are_listed_with_their_health() {
    let mut elsewhere = app("degraded");
    elsewhere["environment"] = json!("prod");
    let server = Server::start()
        .await
        .on("GET /api/v1/apps", [Reply::json(200, &json!([app("healthy"), elsewhere]))]);
    let world = World::logged_in(&server);
    insta::assert_snapshot!(world.run("app list").await.data(), @"
    ENVIRONMENT   APP   HEALTH       SINCE   READY   COMMIT    CAUSE
    staging       web   ✓ healthy    60m     2/2     8f31c2a   -
    prod          web   ✗ degraded   60m     1/2     8f31c2a   container web keeps crashing with exit code 1
    ");
    insta::assert_snapshot!(world.run("app list --environment prod -o wide").await.data(), @"
    ENVIRONMENT   APP   HEALTH       SINCE   READY   COMMIT    CAUSE                                           NAMESPACE   REPOSITORY   RELEASE                                IMAGES                              URL   PAGE
    prod          web   ✗ degraded   60m     1/2     8f31c2a   container web keeps crashing with exit code 1   shop        acme/shop    rel_0197a0000000700080000000000000a1   registry.example/shop/web:8f31c2a   -     https://gimlet.example/apps/staging/web
    ");
    assert_eq!(world.run("app list -o name").await.data(), "staging/web\nprod/web\n");
}

#[tokio::test]
async fn an_application_is_shown_in_full() {
    let server =
        Server::start().await.on(&format!("GET {AT_APP}"), [Reply::json(200, &app("degraded"))]);
    insta::assert_snapshot!(World::logged_in(&server).run("app show staging/web").await.data(), @"
    app:         staging/web
    namespace:   shop
    health:      ✗ degraded
    since:       2026-03-10 11:00:00 UTC (60m ago)
    repository:  acme/shop
    commit:      8f31c2a9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f
    page:        https://gimlet.example/apps/staging/web
    release:     rel_0197a0000000700080000000000000a1 (healthy, 2m)
    cause:       container web keeps crashing with exit code 1
    message:     back-off 40s restarting failed container
    pod:         web-5d9c-x7
    container:   web
    next step:   read the last lines; fix the start of the program and push again

    Last lines of web
      connecting to db
      panic: no route to host

    Workloads
      Deployment/web  1/2 ready  registry.example/shop/web:8f31c2a
    ");
}

#[tokio::test]
async fn a_watched_application_is_shown_when_it_changes() {
    let revoked = Reply::problem(401, "unauthenticated", "revoked", None);
    let replies =
        [Reply::json(200, &app("progressing")), Reply::json(200, &app("healthy")), revoked];
    let server = Server::start().await.on(&format!("GET {AT_APP}"), replies);
    let ran = World::logged_in(&server).run("app show staging/web --watch").await;
    assert_eq!((ran.code, ran.out.lines().count()), (1, 3), "{}", ran.out);
}

#[tokio::test]
async fn deleting_asks_for_the_name_on_a_terminal() {
    let server = deletable().await;
    let world =
        World::logged_in(&server).on_a_terminal().var("NO_COLOR", "1").stdin("staging/web\n");
    let ran = world.run("app delete staging/web -o name").await;
    insta::assert_snapshot!(ran.err, @"
    This deletes staging/web from git and from the cluster.
    Type its name to go on: asked for the deletion of web in staging: https://gimlet.example/releases/rel_0197a0000000700080000000000000a1
    ");
    assert_eq!(ran.data(), format!("{RELEASE}\n"));

    let ran = world.stdin("web\n").run("app delete staging/web").await;
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.ends_with("error: that is not `staging/web`; nothing was deleted\n"),
        "{}",
        ran.err
    );
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn deleting_off_a_terminal_needs_yes() {
    let server = deletable().await;
    let world = World::logged_in(&server).stdin("staging/web\n");
    insta::assert_snapshot!(world.run("app delete staging/web").await.failure(), @"
    exit 2
    error: deleting staging/web needs a person's consent, and nobody can be asked here
      try: add --yes
    ");
    assert!(server.seen().is_empty());
    let ran = world.run("app delete staging/web --yes --wait").await;
    insta::assert_snapshot!(ran.err, @r#"
    deletion of web in staging at 8f31c2a "Fix tax"
      https://gimlet.example/releases/rel_0197a0000000700080000000000000a1
      ● Written to the gitops repository
      ✓ Written to the gitops repository  1.0s
      ✓ Fetched by Flux  2.0s
      ✓ Applied to the cluster  3.0s
      ✓ Gone from the cluster  4.0s
    ✓ web in staging is gone after 34s
    "#);
    assert!(ran.data().contains("✓ gone"));
}
