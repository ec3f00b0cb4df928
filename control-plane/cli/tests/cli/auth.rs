//! Logging in, out, and saying who one is.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::json;

use crate::{
    samples::me,
    server::{Reply, Server},
    world::World,
};

fn token() -> Reply {
    Reply::json(200, &json!({"token": "gim_new", "me": me()}))
}

#[tokio::test]
async fn a_device_login_shows_address_and_code_and_polls_until_it_is_approved() {
    let pending = || Reply::problem(400, "login-pending", "the login waits", None);
    let started = json!({"device_code": "gdc_1", "user_code": "BDFG-HJKL", "verification_uri": "https://g/device",
        "verification_uri_complete": "https://g/device?code=BDFG-HJKL", "expires_in": 600, "interval": 0});
    let server = Server::start()
        .await
        .on("POST /api/v1/auth/device", [Reply::json(200, &started)])
        .on("POST /api/v1/auth/device/token", [pending(), pending(), token()]);
    let world = World::new().at(&server);
    let ran = world.run("auth login").await;
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    insta::assert_snapshot!(ran.err, @"
    Open https://g/device?code=BDFG-HJKL
    and compare the code: BDFG-HJKL
    logged in to http://server as ana (acme, owner)
    the token is in HOME/.config/gimlet/config.toml
    ");
    assert_eq!(server.lines().len(), 4);
    assert_eq!(
        server.body_of("POST /api/v1/auth/device/token"),
        json!({"device_code": "gdc_1", "name": "gimlet on laptop"})
    );
    let file = fs::read_to_string(world.config_file()).unwrap();
    assert_eq!(file, format!("server = \"{}\"\ntoken = \"gim_new\"\n", server.url));
    assert_eq!(fs::metadata(world.config_file()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_lapsed_device_login_ends_with_an_error() {
    let started = json!({"device_code": "gdc_1", "user_code": "B", "verification_uri": "https://g/device",
        "verification_uri_complete": "https://g/device?code=B", "expires_in": 600, "interval": 0});
    let server =
        Server::start().await.on("POST /api/v1/auth/device", [Reply::json(200, &started)]).on(
            "POST /api/v1/auth/device/token",
            [Reply::problem(400, "login-expired", "the login has lapsed", None)],
        );
    let ran = World::new().at(&server).run("auth login").await;
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("error: the login has lapsed\n"), "{}", ran.err);
}

#[tokio::test]
async fn a_link_names_the_server_and_is_exchanged_for_a_token() {
    let server = Server::start().await.on("POST /api/v1/auth/link", [token()]);
    let world = World::new();
    let ran = world.run(&format!("auth login --link {}/sign-in/gsl_code", server.url)).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(
        server.body_of("POST /api/v1/auth/link"),
        json!({"code": "gsl_code", "name": "gimlet on laptop"})
    );
    assert!(fs::read_to_string(world.config_file()).unwrap().contains("gim_new"));
}

#[tokio::test]
async fn a_spent_link_changes_nothing() {
    let refused = Reply::problem(401, "unauthenticated", "this sign-in link is already used", None);
    let server = Server::start().await.on("POST /api/v1/auth/link", [refused]);
    let world = World::new().at(&server);
    insta::assert_snapshot!(world.run("auth login --link gsl_code").await.failure(), @"
    exit 1
    error: this sign-in link is already used
      request: req-1
      try: ask for a new link: each works once, and for 15 minutes
    ");
    assert!(!world.config_file().exists());
}

#[tokio::test]
async fn a_token_from_a_file_or_from_standard_input_is_tried_before_it_is_kept() {
    let server = Server::start().await.on("GET /api/v1/me", [Reply::json(200, &me())]);
    let world = World::new().at(&server).stdin("gim_piped\n");
    assert_eq!(world.run("auth login --token-file -").await.code, 0);
    assert_eq!(server.seen()[0].headers["authorization"], "Bearer gim_piped");
    assert!(fs::read_to_string(world.config_file()).unwrap().contains("gim_piped"));

    let path = world.config_file().with_file_name("token");
    fs::write(&path, " gim_file \n").unwrap();
    assert_eq!(world.run(&format!("auth login --token-file {}", path.display())).await.code, 0);
    assert_eq!(server.seen()[1].headers["authorization"], "Bearer gim_file");
}

#[tokio::test]
async fn the_kept_login_serves_later_commands_until_it_is_forgotten() {
    let server = Server::start()
        .await
        .on("POST /api/v1/auth/link", [token()])
        .on("GET /api/v1/me", [Reply::json(200, &me())]);
    let mut world = World::new().at(&server);
    world.run("auth login --link gsl_code").await.data();
    world = world.var("GIMLET_SERVER", "");
    insta::assert_snapshot!(world.run("auth status").await.data(), @"
    server:        http://server
    login:         ana
    organization:  acme
    role:          owner
    token from:    file
    ");
    assert_eq!(server.seen()[1].headers["authorization"], "Bearer gim_new");
    insta::assert_snapshot!(world.run("auth logout").await.err, @"the token is gone from HOME/.config/gimlet/config.toml; the server still knows it");
    insta::assert_snapshot!(world.run("auth status").await.failure(), @"
    exit 1
    error: not logged in to http://server
      try: run `gimlet auth login --server http://server`, or set GIMLET_TOKEN
    ");
    insta::assert_snapshot!(world.run("auth logout").await.err, @"there is no login to forget");
}

#[tokio::test]
async fn flags_go_before_the_environment_and_that_before_the_file() {
    let server = Server::start()
        .await
        .on("POST /api/v1/auth/link", [token()])
        .on("GET /api/v1/me", [Reply::json(200, &me())]);
    let mut world = World::new().at(&server);
    world.run("auth login --link gsl_code").await.data();
    let from = async |world: &World, args: &str| {
        let shown = world.run(&format!("auth status -o json {args}")).await.data();
        let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
        let sent =
            server.seen().pop().unwrap().headers["authorization"].to_str().unwrap().to_owned();
        (shown["token_from"].as_str().unwrap().to_owned(), sent)
    };
    let expect = |source: &str, token: &str| (source.to_owned(), format!("Bearer {token}"));
    assert_eq!(from(&world, "").await, expect("file", "gim_new"));
    world = world.var("GIMLET_TOKEN", "gim_var");
    assert_eq!(from(&world, "").await, expect("environment", "gim_var"));
    assert_eq!(from(&world, "--token gim_flag").await, expect("flag", "gim_flag"));
}

#[tokio::test]
async fn the_kept_token_is_sent_to_its_own_server_only() {
    let (own, other) =
        (Server::start().await.on("POST /api/v1/auth/link", [token()]), Server::start().await);
    let world = World::new().at(&own);
    world.run("auth login --link gsl_code").await.data();
    let ran = world.run(&format!("app list --server {}", other.url)).await;
    assert_eq!(ran.code, 1);
    assert!(ran.err.starts_with("error: not logged in to http://127.0.0.1:"), "{}", ran.err);
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn a_token_that_is_not_valid_any_more_says_how_to_log_in() {
    let refused = Reply::problem(401, "unauthenticated", "this token is unknown or revoked", None);
    let server = Server::start().await.on("GET /api/v1/apps", [refused]);
    insta::assert_snapshot!(World::logged_in(&server).run("app list").await.failure(), @"
    exit 1
    error: this token is unknown or revoked
      request: req-1
      try: GIMLET_TOKEN is not valid at http://server; give it a new one, or unset it and log in
    ");
    insta::assert_snapshot!(World::new().at(&server).run("app list").await.failure(), @"
    exit 1
    error: not logged in to http://server
      try: run `gimlet auth login --server http://server`, or set GIMLET_TOKEN
    ");
}
