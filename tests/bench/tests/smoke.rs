//! The measurements in short: each runs to its end on whatever was built, finds its own work right, and says
//! its figures in lines of JSON. How fast it was is nobody's business here.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should say where")]

use std::{collections::BTreeSet, process::Command};

use gimlet_tests::programs::Programs;
use serde_json::Value;

fn bench(arguments: &[&str]) -> String {
    let programs = Programs::build().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_gimlet-bench"))
        .arg("--programs")
        .arg(programs.folder())
        .args(arguments)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "gimlet-bench {arguments:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_measurement_runs_and_says_its_figures_as_json() {
    let listed = bench(&["--list"]);
    let listed: BTreeSet<&str> =
        listed.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert!(!listed.is_empty());

    let told = bench(&["--smoke"]);
    let figures: Vec<Value> =
        told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let name = |figure: &Value| figure["name"].as_str().unwrap().to_owned();
    let measured: Vec<String> = figures.iter().map(name).collect();
    let benches: BTreeSet<&str> =
        measured.iter().map(|name| name.split_once('/').unwrap().0).collect();
    assert_eq!(benches, listed, "each has figures");
    assert_eq!(measured.iter().collect::<BTreeSet<_>>().len(), measured.len(), "each once");
    for figure in &figures {
        assert!(figure["value"].is_f64() && figure["unit"].is_string(), "{figure}");
        assert_eq!(figure["rounds"].as_array().unwrap().len(), 1, "{figure}");
    }
    let lost = figures.iter().find(|figure| figure["name"] == "webhook-ingest/lost").unwrap();
    assert_eq!(lost["value"], 0.0, "nothing that was acknowledged is lost");
}

#[test]
fn what_cannot_be_measured_is_refused_with_the_names_that_can() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_gimlet-bench")).arg("no-such-thing").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("gitops-commits") && told.contains("webhook-ingest"), "{told}");
}
