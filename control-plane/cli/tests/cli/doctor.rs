//! `gimlet doctor`.

use serde_json::{Value, json};

use crate::{
    samples::{app, cluster, me, repository},
    server::{Reply, Server},
    world::World,
};

/// The test's clock, as an HTTP date.
const NOW: &str = "Tue, 10 Mar 2026 12:00:05 GMT";

async fn server(clusters: Value, repositories: Value, apps: Value) -> Server {
    let version = Reply::json(200, &json!({"server": "0.1.0", "api": "1"}));
    Server::start()
        .await
        .on("GET /api/v1/version", [version.with_header("date", NOW)])
        .on("GET /api/v1/me", [Reply::json(200, &me())])
        .on("GET /api/v1/clusters", [Reply::json(200, &clusters)])
        .on("GET /api/v1/repositories", [Reply::json(200, &repositories)])
        .on("GET /api/v1/apps", [Reply::json(200, &apps)])
}

#[tokio::test]
async fn what_is_well_is_told_and_ends_with_0() {
    let server = server(
        json!([cluster("eu-1", "connected")]),
        json!([repository()]),
        json!([app("healthy")]),
    )
    .await;
    let ran = World::logged_in(&server).run("doctor").await;
    insta::assert_snapshot!(ran.data(), @"
    ✓ server                http://server answers
    ✓ encryption            none, and what is sent stays on this machine
    ✓ clock                 agrees with the server's to the minute
    ✓ version               this command is 0.1.0, the server 0.1.0
    ✓ login                 ana of acme, owner, by GIMLET_TOKEN
    ✓ cluster eu-1          connected, Kubernetes v1.34.2
    ✓ repository acme/shop  was read 30s ago
    ✓ gitops of staging     the newest releases were written
    ✓ Flux of staging       no application waits for it
    ✓ applications          1, none degraded
    ");
}

#[tokio::test]
async fn what_is_wrong_names_the_next_command_and_ends_with_1() {
    let mut unreadable = repository();
    unreadable["last_error"] = json!("authentication required");
    let mut stuck = app("degraded");
    stuck["cause"]["code"] = json!("flux_failed");
    let clusters = json!([cluster("eu-1", "away"), cluster("new", "waiting")]);
    let server = server(clusters, json!([unreadable]), json!([stuck])).await;
    let ran = World::logged_in(&server).run("doctor").await;
    assert_eq!(ran.code, 1);
    insta::assert_snapshot!(ran.out, @"
    ✓ server                   http://server answers
    ✓ encryption               none, and what is sent stays on this machine
    ✓ clock                    agrees with the server's to the minute
    ✓ version                  this command is 0.1.0, the server 0.1.0
    ✓ login                    ana of acme, owner, by GIMLET_TOKEN
    ✗ cluster eu-1             the agent is away, last seen 2s ago; applications run on
                               next: kubectl -n infrastructure logs deploy/gimlet-agent
    ✗ cluster new              was never connected: its command was not run to its end
                               next: gimlet cluster connect new --renew
    ✗ repository acme/shop     cannot be read: authentication required
                               next: correct its address or rights, then `gimlet repo look acme/shop`
    ✓ gitops of staging        the newest releases were written
    ✗ Flux of staging          web: container web keeps crashing with exit code 1 (back-off 40s restarting failed container)
                               next: kubectl -n flux-system get gitrepositories,kustomizations
    ✗ application staging/web  container web keeps crashing with exit code 1
                               next: gimlet app show staging/web
    ");
    insta::assert_snapshot!(ran.err, @"error: 5 checks failed: cluster eu-1, cluster new, repository acme/shop, Flux of staging, application staging/web");
    let json = World::logged_in(&server).run("doctor -o json").await;
    let report: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((json.code, &report["good"]), (1, &json!(false)));
    assert_eq!(report["checks"][5]["verdict"], "failed");
    assert_eq!(report["checks"][5]["next"], "kubectl -n infrastructure logs deploy/gimlet-agent");
}

#[tokio::test]
async fn a_clock_that_is_off_and_a_far_version_are_noticed() {
    let version = Reply::json(200, &json!({"server": "2.0.0", "api": "1"}));
    let server = server(json!([]), json!([]), json!([]))
        .await
        .on("GET /api/v1/version", [version.with_header("date", "Tue, 10 Mar 2026 11:50:00 GMT")]);
    let ran = World::logged_in(&server).run("doctor").await;
    assert_eq!(ran.code, 1);
    for line in [
        "✗ clock         this machine is 600 s ahead of the server\n",
        "! version       this command is 0.1.0, the server 2.0.0\n",
        "✗ clusters      there is none\n                next: gimlet cluster connect NAME\n",
        "✗ repositories  there is none\n                next: gimlet repo add URL\n",
    ] {
        assert!(ran.out.contains(line), "{line}{}", ran.out);
    }
}

#[tokio::test]
async fn the_first_thing_that_fails_ends_the_look_and_says_why() {
    let ran = World::new().run("doctor").await;
    assert_eq!(ran.code, 1);
    insta::assert_snapshot!(ran.out, @"
    ✗ server  no server is set
              next: run `gimlet auth login --server URL`, or set GIMLET_SERVER
    ");
    let ran = World::new().var("GIMLET_SERVER", "http://127.0.0.1:1").run("doctor").await;
    assert_eq!(ran.code, 1);
    assert!(ran.out.starts_with("✗ server  cannot reach http://127.0.0.1:1: "), "{}", ran.out);
    let server = server(json!([]), json!([]), json!([]))
        .await
        .on("GET /api/v1/me", [Reply::problem(401, "unauthenticated", "unknown token", None)]);
    let ran = World::logged_in(&server).run("doctor").await;
    assert!(
        ran.out
            .contains("✗ login       unknown token\n              next: GIMLET_TOKEN is not valid"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("cluster"), "{}", ran.out);
}
