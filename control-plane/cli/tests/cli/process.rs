//! The program itself: its streams, its signals, and what it prints without a server.

use std::process::{Command, Stdio};

use serde_json::json;

use crate::{
    samples::{RELEASE, at_release, cluster, release},
    server::{Reply, Server},
    world::World,
};

fn gimlet(server: &Server) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gimlet"));
    command.env_clear().env("GIMLET_SERVER", &server.url).env("GIMLET_TOKEN", "gim_x");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_lists_and_ends_with_0() {
    let server = Server::start()
        .await
        .on("GET /api/v1/clusters", [Reply::json(200, &json!([cluster("eu-1", "away")]))]);
    let ran = gimlet(&server).args(["cluster", "list", "-o", "name"]).output().unwrap();
    assert_eq!((ran.status.code(), ran.stdout.as_slice()), (Some(0), b"eu-1\n".as_slice()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_went_away_is_no_error_and_no_panic() {
    let many: Vec<_> = (0..500).map(|index| cluster(&format!("c{index}"), "connected")).collect();
    let server = Server::start().await.on("GET /api/v1/clusters", [Reply::json(200, &json!(many))]);
    let mut child = gimlet(&server).args(["cluster", "list", "-o", "json"]).spawn().unwrap();
    drop(child.stdout.take());
    let ran = child.wait_with_output().unwrap();
    assert_eq!((ran.status.code(), String::from_utf8(ran.stderr).unwrap().as_str()), (Some(0), ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_wait_ends_with_130_and_says_that_the_release_goes_on() {
    let server = Server::start()
        .await
        .on(&at_release("GET", ""), [Reply::json(200, &release("committed", 1))])
        .on(&at_release("GET", "/events"), [Reply::events(&[release("committed", 1)]).hanging()]);
    let child = gimlet(&server).args(["release", "wait", RELEASE]).spawn().unwrap();
    while !server.lines().iter().any(|line| line.ends_with("/events")) {
        tokio::task::yield_now().await;
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let ran = child.wait_with_output().unwrap();
    let err = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(130), "{err}");
    assert!(err.ends_with(&format!("error: interrupted\nthe release goes on by itself; `gimlet release wait {RELEASE}` follows it\n")), "{err}");
}

#[tokio::test]
async fn versions_of_both_sides_are_shown() {
    let document = json!({"openapi": "3.1.0", "info": {"title": "Gimlet", "version": "1"}});
    let server =
        Server::start().await.on("GET /api/v1/openapi.json", [Reply::json(200, &document)]);
    let world = World::new().at(&server);
    insta::assert_snapshot!(world.run("version").await.data(), @"
    client: 0.1.0
    server: http://server, API version 1
    ");
    insta::assert_snapshot!(world.run("version --client -o json").await.data(), @r#"
    {
      "client": "0.1.0"
    }
    "#);
    assert_eq!(World::new().run("version").await.data(), "client: 0.1.0\n");
    let ran = World::new().var("GIMLET_SERVER", "http://127.0.0.1:1").run("version").await;
    assert_eq!((ran.code, ran.out.as_str()), (1, "client: 0.1.0\n"));
}

#[tokio::test]
async fn each_shell_gets_its_completion() {
    for (shell, holds) in [
        ("bash", "complete -o nospace"),
        ("zsh", "#compdef gimlet"),
        ("fish", "complete --keep-order --exclusive --command gimlet"),
    ] {
        let script = World::new().run(&format!("completion {shell}")).await.data();
        assert!(script.contains(holds) && script.contains("GIMLET_COMPLETE"), "{shell}: {script}");
    }
}

#[tokio::test]
async fn help_documents_exit_codes_and_environment() {
    let help = World::new().run("--help").await.data();
    for word in
        ["GIMLET_TOKEN", "HTTPS_PROXY", "3    a release did not become healthy", "130  interrupted"]
    {
        assert!(help.contains(word), "{word}: {help}");
    }
    assert_eq!(World::new().run("--version").await.data(), "gimlet 0.1.0\n");
}
