//! `check` and `config`: what is told before anything runs.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt as _};

use serde_json::Value;

use crate::world::{Database, World};

fn finding<'a>(report: &'a Value, name: &str) -> &'a Value {
    let all = report["findings"].as_array().expect("findings");
    all.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name} in {report:#}"))
}

#[test]
fn a_fresh_place_is_good_and_is_not_touched() {
    for database in Database::all() {
        let world = World::new(database);
        let report = world.json(&["check", "-o", "json"]);
        assert_eq!(report["good"], true, "{report:#}");
        assert!(!world.data().exists());
        assert_eq!(finding(&report, "git")["verdict"], "good");
    }
}

#[test]
fn a_server_that_runs_is_good_and_its_ports_are_its_own() {
    for database in Database::all() {
        let mut world = World::new(database);
        world.start();
        let report = world.json(&["check", "-o", "json"]);
        assert_eq!(report["good"], true, "{report:#}");
        let detail = finding(&report, "listen")["detail"].as_str().expect("text").to_owned();
        assert!(detail.contains("by the server that runs here"), "{detail}");
        assert!(
            finding(&report, "database")["detail"].as_str().expect("text").contains("up to date"),
            "{report:#}"
        );
        let second = world.run(&["run"]);
        let complaint = String::from_utf8_lossy(&second.stderr);
        assert!(
            !second.status.success() && complaint.contains("belongs to a server"),
            "{complaint}"
        );
    }
}

#[test]
fn what_would_fail_is_named_with_its_remedy_and_the_exit_code_says_so() {
    let mut world = World::new(Database::Sqlite);
    world.start();
    let token = world.token();
    let added = serde_json::json!({"url": "https://git.example.com/acme/shop.git"});
    assert_eq!(world.api(&token, "POST", "/repositories", &added).0, 201);
    world.stop();
    let taken = TcpListener::bind(("127.0.0.1", world.health)).expect("free again");
    let key = world.data().join("secrets.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("mode");
    fs::write(world.data().join("ca/root.pem"), "no certificate").expect("written");

    let output = world.run(&["check", "-o", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for (name, says) in [
        ("health_listen", "end the program that has it"),
        ("secrets.key", "chmod 600"),
        ("certificate authority", "from your backup"),
    ] {
        let found = finding(&report, name);
        assert_eq!(found["verdict"], "failed", "{found}");
        assert!(found["remedy"].as_str().expect("text").contains(says), "{found}");
    }
    drop(taken);

    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("mode");
    fs::write(&key, "0".repeat(64)).expect("another key");
    let report = world.json(&["check", "-o", "json"]);
    let found = finding(&report, "secrets.key");
    assert!(found["detail"].as_str().expect("text").contains("does not open 1 of 1"), "{found}");
    fs::remove_file(&key).expect("removed");
    let report = world.json(&["check", "-o", "json"]);
    assert!(finding(&report, "secrets.key")["detail"].as_str().expect("text").contains("missing"));
}

#[test]
fn a_wrong_configuration_ends_with_2_and_names_every_place() {
    let world = World::new(Database::Sqlite).with("pol_interval_s = 5\nlog = \"loud\"\n");
    for command in ["check", "run"] {
        let output = world.run(&[command]);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains("gimlet.toml:") && told.contains("`poll_interval_s`"), "{told}");
    }
}

#[test]
fn a_setting_is_explained_with_what_counts_and_why() {
    let world = World::new(Database::Sqlite);
    let mut command = world.command();
    command.env("GIMLET_POLL_INTERVAL_S", "7").args(["config", "--explain", "poll_interval_s"]);
    let told = String::from_utf8(command.output().expect("run").stdout).expect("text");
    assert!(told.contains("7, from GIMLET_POLL_INTERVAL_S"), "{told}");
    let output = world.run(&["config", "--explain", "poll_intervall"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean `poll_interval_s`?"));
}

#[test]
fn a_misspelt_variable_is_told() {
    let world = World::new(Database::Sqlite);
    let mut command = world.command();
    command.env("GIMLET_PUBLIC_ULR", "x").args(["check", "-o", "json"]);
    let report: Value =
        serde_json::from_slice(&command.output().expect("run").stdout).expect("JSON");
    let found = finding(&report, "environment");
    assert!(found["remedy"].as_str().expect("text").contains("GIMLET_PUBLIC_URL"), "{found}");
}
