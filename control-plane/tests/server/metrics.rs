//! Every metric that is documented, drawn or alerted on is one that a running server has.

use std::{collections::BTreeSet, process::Command};

use serde_json::Value;

use crate::world::{Database, World};

const DASHBOARD: &str = include_str!("../../observability/dashboard.json");
const ALERTS: &str = include_str!("../../observability/alerts.yaml");

#[derive(serde::Deserialize)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(serde::Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(serde::Deserialize)]
struct Rule {
    alert: String,
    expr: String,
    labels: std::collections::BTreeMap<String, String>,
    annotations: std::collections::BTreeMap<String, String>,
}

fn rules() -> Vec<Rule> {
    let rules: Rules = serde_saphyr::from_str(ALERTS).expect("rules");
    rules.groups.into_iter().flat_map(|group| group.rules).collect()
}

/// The names in an expression that begin like one of ours.
fn names(expression: &str) -> BTreeSet<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let ours = |name: &&str| name.starts_with("gimlet_") || name.starts_with("process_");
    expression.split(|c| !word(c)).filter(ours).map(str::to_owned).collect()
}

/// All values of a key anywhere in a document.
fn values_of(document: &Value, key: &str, found: &mut Vec<String>) {
    match document {
        Value::Object(fields) => {
            for (name, value) in fields {
                if let (true, Some(text)) = (name == key, value.as_str()) {
                    found.push(text.to_owned());
                }
                values_of(value, key, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| values_of(item, key, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Names of series, and of families, that the server has after a few requests.
fn scraped(world: &World) -> (BTreeSet<String>, BTreeSet<String>) {
    world.get(world.people, "/api/v1/me");
    let mut text = String::new();
    // The reconciler that measures has had its first round when the authority's end is known.
    for _ in 0..500 {
        text = world.get(world.health, "/metrics").expect("metrics").1;
        let known = |line: &str| {
            line.strip_prefix("gimlet_authority_expiry_timestamp_seconds ")
                .is_some_and(|v| v != "0")
        };
        if text.lines().any(known) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let series = text.lines().filter(|line| !line.starts_with('#'));
    let series = series.filter_map(|line| line.split(['{', ' ']).next()).map(str::to_owned);
    let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let families = families.filter_map(|line| line.split(' ').next()).map(str::to_owned);
    (series.collect(), families.collect())
}

#[test]
fn board_rules_and_list_name_what_a_running_server_has() {
    let mut world = World::new(Database::Sqlite);
    world.start();
    let (series, families) = scraped(&world);

    let listed = world.json(&["metrics", "-o", "json"]);
    let listed: BTreeSet<String> = listed
        .as_array()
        .expect("a list")
        .iter()
        .map(|doc| doc["name"].as_str().expect("a name").to_owned())
        .collect();
    assert_eq!(listed, families, "the list and the server differ");

    let board: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let mut drawn = Vec::new();
    values_of(&board, "expr", &mut drawn);
    assert!(drawn.len() > 20);
    for expression in drawn.into_iter().chain(rules().into_iter().map(|rule| rule.expr)) {
        for name in names(&expression) {
            assert!(series.contains(&name), "{name} in {expression}");
        }
    }
}

#[test]
fn every_rule_says_what_happened_and_what_to_do() {
    let mut alerts = BTreeSet::new();
    for rule in rules() {
        for key in ["summary", "description"] {
            assert!(
                rule.annotations.get(key).is_some_and(|text| text.len() >= 10),
                "{}",
                rule.alert
            );
        }
        let link = &rule.annotations["runbook_url"];
        let anchor = format!("/docs/operations#alert-{}", rule.alert.to_lowercase());
        assert_eq!(*link, anchor);
        assert!(["critical", "warning", "info"].contains(&rule.labels["severity"].as_str()));
        assert!(alerts.insert(rule.alert), "two alerts of one name");
    }
    assert!(alerts.len() > 10);
}

#[test]
fn every_panel_says_what_it_shows_and_has_a_place_of_its_own() {
    let board: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let mut taken = BTreeSet::new();
    for panel in board["panels"].as_array().expect("panels") {
        let number = |key: &str| panel["gridPos"][key].as_u64().expect("a number");
        assert!(panel["title"].as_str().is_some_and(|title| !title.is_empty()));
        for x in number("x")..number("x") + number("w") {
            for y in number("y")..number("y") + number("h") {
                assert!(x < 24 && taken.insert((x, y)), "{} lies on another", panel["title"]);
            }
        }
    }
}

/// Prometheus' own judgement, where its tool is installed (Debian: prometheus).
#[test]
fn prometheus_own_tool_finds_the_rules_right_and_they_fire_as_written() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/observability");
    for arguments in [["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"]] {
        match Command::new("promtool").args(arguments).current_dir(folder).output() {
            Ok(output) => assert!(
                output.status.success(),
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            ),
            // Without it, the tests above hold names and shape.
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}"),
        }
    }
}
