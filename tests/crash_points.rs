//! The crash points: the list is that of the code, and no shipped program carries them.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use gimlet_shared::crash_point::{POINTS, Process};

/// What is built and handed to people.
const SHIPPED: [&str; 4] =
    ["gimlet-control-plane", "gimlet-agent", "gimlet-installer", "gimlet-cli"];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The names in all `crash_point!("…")` of the sources in a folder.
fn names_below(folder: &Path, names: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            names_below(&path, names);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).expect("a source file");
            let uses = text.split("crash_point!(\"").skip(1);
            names.extend(uses.filter_map(|rest| Some(rest.split_once("\")")?.0.to_owned())));
        }
    }
}

fn names_of(crates: &[&str]) -> Vec<String> {
    let mut names = Vec::new();
    for name in crates {
        names_below(&workspace().join(name), &mut names);
    }
    names.sort();
    names
}

fn listed(process: Process) -> Vec<String> {
    let points = POINTS.iter().filter(|point| point.process == process);
    let mut names: Vec<String> = points.map(|point| point.name.to_owned()).collect();
    names.sort();
    names
}

#[test]
fn every_crash_point_of_the_code_is_listed_once_and_none_is_stale() {
    assert_eq!(listed(Process::Server), names_of(&["control-plane"]));
    assert_eq!(listed(Process::Agent), names_of(&["agent/src"]));
}

#[test]
fn every_step_has_a_point_on_either_side() {
    let names: BTreeSet<&str> = POINTS.iter().map(|point| point.name).collect();
    for name in &names {
        let (step, side) = name.rsplit_once('.').expect("a step and a side");
        let other = if side == "before" { "after" } else { "before" };
        assert!(names.contains(format!("{step}.{other}").as_str()), "{name} stands alone");
    }
}

/// What has to be survived on either side, in the order of a commit's way and then of a program's life.
const DURABLE_STEPS: [&str; 21] = [
    "hook.commit",
    "job.claim",
    "render",
    "git.commit",
    "git.push",
    "push-recorded",
    "command.insert",
    "command.send",
    "agent.journal",
    "agent.effect",
    "agent.report",
    "report.commit",
    "ack",
    "notify",
    "certificate.issue",
    "certificate.store",
    "certificate.renew",
    "agent.renewal",
    "token.spend",
    "migration.step",
    "drain.step",
];

#[test]
fn every_durable_step_has_its_points() {
    let names: BTreeSet<&str> = POINTS.iter().map(|point| point.name).collect();
    for step in DURABLE_STEPS {
        for side in ["before", "after"] {
            assert!(names.contains(format!("{step}.{side}").as_str()), "{step}.{side}");
        }
    }
}

/// The features with which `package` alone would build the crate that has the points.
fn features_in(package: &str) -> String {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "features,normal,build", "--prefix", "none"])
        .args(["--package", package])
        .current_dir(workspace())
        .output()
        .expect("cargo tree");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn no_shipped_program_carries_crash_points() {
    let has_points = |package: &str| {
        let tree = features_in(package);
        assert!(tree.contains("gimlet-shared"), "{package} does not even use the crate: {tree}");
        tree.lines().any(|line| line.contains("crash-points"))
    };
    for package in SHIPPED {
        assert!(!has_points(package), "{package} would be shipped with crash points");
    }
    assert!(has_points("gimlet-tests"), "the question finds nothing, so it says nothing");
}
