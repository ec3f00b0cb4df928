//! The first process of a simulated cluster: the programs of its control plane, on the host's loopback.

use std::net::SocketAddrV4;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::net::getsockname;

use super::components::Components;
use super::raise_descriptor_limit;
use super::supervisor::Supervisor;
use crate::kubectl::{Kubectl, START_PATIENCE};

/// Sockets in the run's directory, where all programs start; whole paths are often longer than the 107 bytes
/// that a socket's may have. On a loopback port, every user of the machine could write to the store.
///
/// etcd insists on something like a port, which ends up in the file's name.
const STORE: &str = "unix://etcd.sock:0";
const STORE_PEERS: &str = "unix://etcd-peers.sock:0";

/// Runs the control plane of the run in `root`, and returns only when something is wrong.
///
/// Expects as standard input the socket that holds the API server's loopback port, bound and not listening.
pub fn run_simulated(root: &Path) -> Result<()> {
    let port = getsockname(std::io::stdin())
        .and_then(SocketAddrV4::try_from)
        .context("standard input is no socket that holds the API server's port")?
        .port();
    raise_descriptor_limit()?;

    let components = Components { root };
    let mut supervisor = Supervisor::new(root);
    supervisor.spawn("etcd", &mut tied(root, &etcd(components)))?;
    supervisor.spawn("kube-apiserver", &mut tied(root, &api_server(components, port)))?;
    // The others would only retry, at the cost of the API server's start.
    let kubectl = Kubectl::of_run(root);
    while !kubectl.is_answered(START_PATIENCE) {
        supervisor.collect()?;
        std::thread::sleep(Duration::from_millis(50));
    }
    for (name, mut command) in [
        ("kube-controller-manager", components.controller_manager()),
        ("kube-scheduler", components.scheduler()),
    ] {
        supervisor.spawn(name, &mut tied(root, command.arg("--secure-port=0")))?;
    }
    supervisor.spawn("kwok", &mut tied(root, &kwok(components)))?;
    supervisor.watch()
}

fn etcd(components: Components<'_>) -> Command {
    let mut command = components.etcd();
    command.args([
        format!("--listen-client-urls={STORE}"),
        format!("--advertise-client-urls={STORE}"),
        format!("--listen-peer-urls={STORE_PEERS}"),
        format!("--initial-advertise-peer-urls={STORE_PEERS}"),
        format!("--initial-cluster=node={STORE_PEERS}"),
    ]);
    command
}

/// Sharing the port is what lets it listen where the run's first process holds the place.
fn api_server(components: Components<'_>, port: u16) -> Command {
    let mut command = components.api_server();
    command
        .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
        .args(["--permit-port-sharing=true", "--endpoint-reconciler-type=none"])
        .arg(format!("--secure-port={port}"))
        .arg(format!("--etcd-servers={STORE}"));
    command
}

/// Plays the kubelet of every node: its lease, its conditions, and its pods, which are ready at once.
fn kwok(components: Components<'_>) -> Command {
    let mut command = components.program("kwok");
    command
        .args(["--manage-all-nodes=true", "--node-lease-duration-seconds=40"])
        .arg(components.flag("kubeconfig", "pki/admin.kubeconfig"));
    command
}

/// `command`, ending with this process: there is no process namespace that would see to it.
fn tied(root: &Path, command: &Command) -> Command {
    let mut tied = Command::new("setpriv");
    tied.args(["--pdeathsig", "KILL", "--"])
        .arg(command.get_program())
        .args(command.get_args())
        // Where kwok looks for a configuration; the user's own is none of ours.
        .env("KWOK_WORKDIR", root)
        .current_dir(root)
        .stdin(Stdio::null());
    tied
}
