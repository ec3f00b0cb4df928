//! The measurements on a cluster in short: each that needs no real one runs to its end on whatever was
//! built, and finds its own work right. How large or fast it was is nobody's business here.

use std::process::Command;

use gimlet_bench::{figure::Figure, progress::Progress};
use gimlet_tests::{
    measure::{Measurement, Setting, Size},
    programs::{Programs, workspace_root},
};

#[test]
fn the_agent_s_memory_is_told_beside_a_reflector_s() {
    let programs = Programs::build().unwrap();
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--workspace", "--bin", "gimlet-reflector"]);
    assert!(cargo.current_dir(workspace_root()).status().unwrap().success());
    let setting = Setting {
        size: Size::Smoke,
        rounds: 1,
        programs: programs.folder().to_owned(),
        progress: Progress,
    };
    let figures = Measurement::AgentMemory.measure(&setting).unwrap();
    let names: Vec<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
    assert!(names.contains(&"agent-memory/peak") && names.contains(&"agent-memory/pod"));
    let is_told = |figure: &Figure| figure.line().is_ok() && figure.ratio.is_some();
    assert!(figures.iter().all(is_told), "{figures:?}");
}
