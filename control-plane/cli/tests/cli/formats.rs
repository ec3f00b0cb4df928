//! `-o jsonpath`, filters of lists, and completion.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::{
    samples::{RELEASE, cluster, degraded, environment, release},
    server::{Reply, Server},
    world::{TOKEN, World},
};

async fn releases() -> Server {
    let mut old = release("healthy", 4);
    (old["id"], old["requested_at"]) = (json!("rel_old"), json!("2026-03-08T12:00:00Z"));
    let page = json!({"items": [degraded(), old]});
    Server::start().await.on("GET /api/v1/releases", [Reply::json(200, &page)])
}

#[tokio::test]
async fn a_path_picks_values_out_of_every_list_and_every_single_thing() {
    let server = releases()
        .await
        .on(&format!("GET /api/v1/releases/{RELEASE}"), [Reply::json(200, &degraded())]);
    let world = World::logged_in(&server);
    let states = world.run("release list -o jsonpath={[*].state}").await.data();
    assert_eq!(states, "degraded\nhealthy\n");
    let why = world.run(&format!("release show {RELEASE} -o jsonpath=$.cause.code")).await.data();
    assert_eq!(why, "crash_loop\n");
    let ran = world.run("release list -o jsonpath={[}").await;
    assert_eq!(ran.code, 2);
    assert!(ran.err.starts_with("error: `{[}` is no path into JSON: "), "{}", ran.err);
    let ran = world.run("release list -o jsonpath=").await;
    assert_eq!((ran.code, ran.err.contains("it is empty")), (2, true), "{}", ran.err);
    let ran = world.run("release list -o xml").await;
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("table, wide, json, yaml, name, jsonpath=…"), "{}", ran.err);
}

#[tokio::test]
async fn releases_are_picked_by_state_and_time() {
    let server = releases().await;
    let world = World::logged_in(&server);
    let names = async |args: &str| world.run(&format!("release list -o name {args}")).await.data();
    assert_eq!(names("--state healthy").await, "rel_old\n");
    assert_eq!(
        names("--state healthy --state degraded --reverse").await,
        format!("rel_old\n{RELEASE}\n")
    );
    assert_eq!(names("--since 24h").await, format!("{RELEASE}\n"));
    assert_eq!(names("--until 2026-03-09T00:00:00Z").await, "rel_old\n");
    assert_eq!(names("--repo acme/other").await, "");
    assert_eq!(names("--offset 1 --limit 5").await, "rel_old\n");
    assert_eq!(world.run("release list --since yesterday").await.code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_completed_by_asking_the_server() {
    let server = Server::start()
        .await
        .on(
            "GET /api/v1/environments",
            [Reply::json(200, &json!([environment("staging"), environment("prod")]))],
        )
        .on("GET /api/v1/clusters", [Reply::json(200, &json!([cluster("eu-1", "connected")]))]);
    let completed = |words: &[&str]| {
        let ran = Command::new(env!("CARGO_BIN_EXE_gimlet"))
            .env_clear()
            .envs([("GIMLET_SERVER", server.url.as_str()), ("GIMLET_TOKEN", TOKEN)])
            .envs([("GIMLET_COMPLETE", "bash"), ("_CLAP_IFS", "\n")])
            .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
            .args(["--"])
            .args(words)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        String::from_utf8(ran.stdout).unwrap()
    };
    assert_eq!(completed(&["gimlet", "release", "list", "--environment", "st"]), "staging");
    assert!(completed(&["gimlet", "rel"]).contains("release"));
    drop(server);
}

#[tokio::test]
async fn what_json_prints_has_the_shape_that_the_api_documents() {
    let server = releases().await;
    let text = World::logged_in(&server).run("release list --limit 1 -o json").await.data();
    let printed: Value = serde_json::from_str(&text).unwrap();
    let mut expected = degraded();
    // Fields that the server leaves out are read as their defaults, and left out again.
    for (name, value) in printed[0].as_object().unwrap() {
        assert_eq!(value, &expected[name], "{name}");
    }
    expected.as_object_mut().unwrap().retain(|name, _| printed[0].get(name).is_none());
    assert_eq!(expected, json!({}));
}
