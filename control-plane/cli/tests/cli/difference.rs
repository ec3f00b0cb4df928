//! What differs: of a release, between two, and before going back.

use serde_json::{Value, json};

use crate::{
    samples::{NEWER, RELEASE, at_release, release},
    server::{Reply, Server},
    world::World,
};

const COMPARE: &str = "GET /api/v1/environments/staging/apps/web/compare";

fn line(change: &str, text: &str) -> Value {
    json!({"change": change, "text": text})
}

fn diff() -> Value {
    let lines = [
        line("same", "spec:"),
        line("removed", "  replicas: 1"),
        line("added", "  replicas: 2 \u{1b}[2J\u{202e}"),
    ];
    json!({
        "from": "1111111111111111111111111111111111111111", "to": "2222222222222222222222222222222222222222",
        "files": [{"path": "web/deployment.yaml", "change": "changed", "added": 1, "removed": 1,
                   "hunks": [{"old_start": 4, "new_start": 4, "lines": lines}], "note": null}],
        "files_left_out": 0, "note": null,
    })
}

fn same() -> Value {
    json!({"from": null, "to": null, "files": [], "files_left_out": 0,
           "note": "The files of the application are the same."})
}

#[tokio::test]
async fn what_a_release_changed_is_shown_as_a_patch_and_ends_with_1() {
    let server = Server::start().await.on(&at_release("GET", "/diff"), [Reply::json(200, &diff())]);
    let world = World::logged_in(&server);
    let ran = world.run(&format!("release diff {RELEASE}")).await;
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    insta::assert_snapshot!(ran.out, @r"
    web/deployment.yaml (changed, +1 -1)
    @@ -4 +4 @@
     spec:
    -  replicas: 1
    +  replicas: 2 \u{1b}[2J\u{202e}
    ");
    let json = world.run(&format!("release diff {RELEASE} -o json")).await;
    assert_eq!((json.code, serde_json::from_str::<Value>(&json.out).unwrap()), (1, diff()));
    let names = world.run(&format!("release diff {RELEASE} -o name")).await;
    assert_eq!(names.out, "web/deployment.yaml\n");
}

#[tokio::test]
async fn the_same_files_end_with_0_and_say_so() {
    let server = Server::start().await.on(COMPARE, [Reply::json(200, &same())]);
    let ran = World::logged_in(&server)
        .run(&format!("app compare staging/web --from {RELEASE} --to {NEWER}"))
        .await;
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    assert_eq!(ran.err, "The files of the application are the same.\n");
    let wanted = format!("{COMPARE}?from={RELEASE}&to={NEWER}");
    assert_eq!(server.lines(), [wanted]);
}

#[tokio::test]
async fn a_dry_run_shows_what_going_back_would_change_and_asks_for_nothing() {
    let server = Server::start()
        .await
        .on(&at_release("GET", ""), [Reply::json(200, &release("healthy", 4))])
        .on(COMPARE, [Reply::json(200, &diff())]);
    let ran = World::logged_in(&server).run(&format!("release rollback {RELEASE} --dry-run")).await;
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("+  replicas: 2"), "{}", ran.out);
    let wanted = [format!("GET /api/v1/releases/{RELEASE}"), format!("{COMPARE}?to={RELEASE}")];
    assert_eq!(server.lines(), wanted);
}

#[tokio::test]
async fn a_comparison_that_cannot_be_made_ends_with_2() {
    let absent = Reply::problem(404, "not-found", "the release was not found", None);
    let server = Server::start().await.on(&at_release("GET", "/diff"), [absent]);
    let ran = World::logged_in(&server).run(&format!("release diff {RELEASE}")).await;
    insta::assert_snapshot!(ran.failure(), @"
    exit 2
    error: the release was not found
      request: req-1
      try: see `gimlet release list`
    ");
    let ran = World::logged_in(&server).run("app compare staging/web").await;
    assert_eq!(ran.code, 2);
}
