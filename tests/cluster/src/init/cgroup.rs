//! The control groups of a node: one subtree in each hierarchy, so that the host's own stay untouched.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::supervisor::{read, write};
use crate::process::kill;

const ROOT: &str = "/sys/fs/cgroup";

/// Groups empty themselves within half a second of their processes' end.
const REMOVE_DEADLINE: Duration = Duration::from_secs(10);

/// Makes the subtree `gimlet-NAME` in each hierarchy and moves this process into its part `system`.
pub(super) fn enter(name: &str) -> Result<()> {
    if Path::new(ROOT).join("cgroup.controllers").exists() {
        bail!(
            "this machine has control groups of version 2 only; the cluster's node needs version 1 or hybrid"
        );
    }
    let hierarchies = hierarchies()?;
    if hierarchies.is_empty() {
        bail!("no control group hierarchy is mounted below {ROOT}");
    }
    for hierarchy in hierarchies {
        let group = hierarchy.join(group_name(name));
        let system = group.join("system");
        fs::create_dir_all(&group)
            .with_context(|| format!("could not make {}", group.display()))?;
        if hierarchy.ends_with("cpuset") {
            // A new cpuset is empty and takes no process before it has processors and memory.
            for file in ["cpuset.cpus", "cpuset.mems"] {
                write(&group.join(file), &read(&hierarchy.join(file))?)?;
            }
            write(&group.join("cgroup.clone_children"), "1")?;
        }
        fs::create_dir_all(&system)
            .with_context(|| format!("could not make {}", system.display()))?;
        write(&system.join("cgroup.procs"), "0")?;
    }
    Ok(())
}

/// Removes the subtree of the node `name`, killing what is still inside.
pub(crate) fn remove(name: &str) -> Result<()> {
    let deadline = Instant::now() + REMOVE_DEADLINE;
    let groups: Vec<PathBuf> = fs::read_dir(ROOT)
        .with_context(|| format!("could not list {ROOT}"))?
        .filter_map(|entry| Some(entry.ok()?.path().join(group_name(name))))
        .collect();
    for group in groups {
        while group.exists() {
            remove_tree(&group);
            if group.exists() {
                if Instant::now() > deadline {
                    bail!("control group {} does not become empty", group.display());
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
    Ok(())
}

/// One round, from the leaves up; what cannot go yet is left for the next.
fn remove_tree(group: &Path) {
    let inside = fs::read_dir(group).into_iter().flatten().flatten();
    for child in inside.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove_tree(&child.path());
    }
    if fs::remove_dir(group).is_err()
        && let Ok(processes) = fs::read_to_string(group.join("cgroup.procs"))
    {
        let pids: Vec<i32> = processes.lines().filter_map(|line| line.parse().ok()).collect();
        kill(&pids);
    }
}

/// The version 1 hierarchies; `cpu` and the like may be links to joint ones, and `unified` has no controllers.
fn hierarchies() -> Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = fs::read_dir(ROOT)
        .with_context(|| format!("could not list {ROOT}"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir() && !path.ends_with("unified"))
        .collect();
    found.sort();
    Ok(found)
}

fn group_name(node: &str) -> String {
    format!("gimlet-{node}")
}
