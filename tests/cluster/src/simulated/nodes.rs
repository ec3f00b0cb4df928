//! Simulated nodes: their objects, whose kubelets kwok plays.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::kubectl::Kubectl;
use crate::outermost::PATIENCE;

/// Makes those of the nodes `node-0001` to `node-COUNT` that are not there; others stay as they are.
pub(super) fn add(kubectl: &Kubectl, count: u32) -> Result<()> {
    let names = kubectl.run(&["get", "nodes", "--output=name"])?;
    let present: BTreeSet<&str> = names.lines().collect();
    let missing: Vec<Value> = (1..=count)
        .map(|number| format!("node-{number:04}"))
        .filter(|name| !present.contains(format!("node/{name}").as_str()))
        .map(|name| node(&name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    tracing::info!("adding {} nodes", missing.len());
    kubectl.apply(&json!({"apiVersion": "v1", "kind": "List", "items": missing}).to_string())?;
    Ok(())
}

/// Waits until `count` nodes are ready.
pub(super) fn wait(kubectl: &Kubectl, count: u32) -> Result<()> {
    let states = "--output=jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}";
    let deadline = Instant::now() + PATIENCE;
    loop {
        let states = kubectl.run(&["get", "nodes", states])?;
        let ready = states.split_whitespace().filter(|state| *state == "True").count();
        if ready >= usize::try_from(count)? {
            tracing::info!("{ready} nodes are ready");
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("only {ready} of {count} nodes were ready within {} s", PATIENCE.as_secs());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A node as large as a usual big machine, with the usual limit of pods.
fn node(name: &str) -> Value {
    let room = json!({"cpu": "32", "memory": "256Gi", "pods": "110"});
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
            },
        },
        "status": {"allocatable": room, "capacity": room},
    })
}
