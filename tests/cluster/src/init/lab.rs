//! The first process of a run: bridge, registry, the way in from the host, and the node.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use tokio::sync::oneshot;

use super::run;
use super::supervisor::Supervisor;
use crate::forward::pump;
use crate::lab::{LAB_ADDRESS, NODE_ADDRESS};

/// Runs the lab of the run in `root` for the node `name`, and returns only when something is wrong.
///
/// Expects to be the first process of a fresh network, mount and process namespace, and a listening socket
/// as standard input: the host's port of the API server, made before this process left the host's network.
pub fn run_lab(root: &Path, name: &str) -> Result<()> {
    let listener = std::io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .context("could not take the listening socket")?;
    let listener = TcpListener::from(listener);

    run("ip", &["link", "set", "lo", "up"])?;
    run("ip", &["link", "add", "lab0", "type", "bridge"])?;
    run("ip", &["address", "add", &format!("{LAB_ADDRESS}/24"), "dev", "lab0"])?;
    run("ip", &["link", "set", "lab0", "up"])?;
    // Pods and Services answer to programs of the lab, and so through forwarded ports to the host.
    for network in ["10.244.0.0/16", "10.96.0.0/16"] {
        run("ip", &["route", "add", network, "via", &NODE_ADDRESS.to_string()])?;
    }

    let mut supervisor = Supervisor::new(root);
    supervisor.spawn(
        "registry",
        Command::new("docker-registry").arg("serve").arg(root.join("registry.yml")),
    )?;
    supervisor.spawn("node", &mut node_command(root, name)?)?;

    let api_server = SocketAddr::from((NODE_ADDRESS, 6443));
    std::thread::Builder::new()
        .name("forward".into())
        .spawn(move || {
            // Held for as long as the process lives: nobody stops this one.
            let (_running, stopped) = oneshot::channel();
            if let Err(error) = pump(listener, api_server, stopped) {
                tracing::error!(%error, "the forwarded port of the API server closed");
            }
        })
        .context("could not start the forwarding thread")?;
    supervisor.watch()
}

/// The node in namespaces of its own; it gets this lab's network as standard input, to hang itself on it.
fn node_command(root: &Path, name: &str) -> Result<Command> {
    let own = std::env::current_exe().context("could not find this program's own file")?;
    let network = File::open("/proc/self/ns/net")
        .context("could not open the lab's own network namespace")?;
    let mut command = Command::new("unshare");
    command
        .args(["--net", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc"])
        .args(["--propagation", "private", "--"])
        .arg(own)
        .arg("node-init")
        .arg(root)
        .arg(name)
        .stdin(Stdio::from(network));
    Ok(command)
}
