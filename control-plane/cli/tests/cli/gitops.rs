//! Connecting a cluster with a gitops repository of one's own.

use serde_json::{Value, json};

use crate::{
    samples::cluster,
    server::{Reply, Server},
    world::World,
};

fn connect() -> Value {
    json!({"cluster": cluster("eu-1", "waiting"), "expires_at": "2026-03-10T12:15:00Z",
           "command": "printf %s 'get_1' | gimlet-install --token-file -"})
}

async fn server() -> Server {
    Server::start().await.on("POST /api/v1/clusters", [Reply::json(201, &connect())])
}

const CONNECT: &str = "cluster connect eu-1 --gitops-repository https://git.example/acme/gitops";

#[tokio::test]
async fn the_credential_comes_from_standard_input_and_is_never_shown() {
    let server = server().await;
    let world = World::logged_in(&server).stdin("bot:canary:1\n");
    let ran =
        world.run(&format!("{CONNECT} --gitops-branch live --gitops-credential-file -")).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(!format!("{}{}", ran.out, ran.err).contains("canary"));
    let sent = server.body_of("POST /api/v1/clusters");
    let repository = json!({"url": "https://git.example/acme/gitops", "branch": "live",
                            "username": "bot", "password": "canary:1"});
    assert_eq!(sent["gitops_repository"], repository);
}

#[tokio::test]
async fn a_public_repository_needs_no_credential() {
    let server = server().await;
    World::logged_in(&server).run(CONNECT).await.data();
    let sent = server.body_of("POST /api/v1/clusters");
    assert_eq!(sent["gitops_repository"], json!({"url": "https://git.example/acme/gitops"}));
}

#[tokio::test]
async fn what_is_no_credential_is_refused_and_not_repeated() {
    let server = Server::start().await;
    let world = World::logged_in(&server).stdin("canary\n");
    insta::assert_snapshot!(world.run(&format!("{CONNECT} --gitops-credential-file -")).await.failure(), @"
    exit 1
    error: -: a git credential is one line, user:password, with neither part empty
    ");
    let absent = world.run(&format!("{CONNECT} --gitops-credential-file /nowhere/file")).await;
    assert_eq!(absent.code, 1);
    assert!(absent.err.contains("cannot read /nowhere/file"), "{}", absent.err);
}

#[tokio::test]
async fn a_branch_alone_is_not_enough() {
    let server = Server::start().await;
    let ran = World::logged_in(&server).run("cluster connect eu-1 --gitops-branch live").await;
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("--gitops-repository"), "{}", ran.err);
}
