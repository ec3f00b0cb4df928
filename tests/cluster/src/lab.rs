//! The network of one run: a namespace with a bridge, the image registry, and whatever a test lays beside
//! them. Nothing of it is on the host's network.

use std::ffi::OsStr;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use crate::forward::Forward;
use crate::process::{MARK, ProcessId};

/// The lab's own address: what runs in the lab listens here, and pods reach it here.
pub const LAB_ADDRESS: Ipv4Addr = Ipv4Addr::new(172, 30, 0, 1);

/// The image registry of the run, plain HTTP, as pods and `Lab::command` programs reach it.
pub const LAB_REGISTRY: &str = "172.30.0.1:5000";

/// The node's address on the lab's bridge.
pub const NODE_ADDRESS: Ipv4Addr = Ipv4Addr::new(172, 30, 0, 10);

/// A handle on the lab of a run. It keeps the network namespace in existence, not its programs.
#[derive(Clone, Debug)]
pub struct Lab {
    run: String,
    namespace: Arc<File>,
}

impl Lab {
    /// The lab of the run `run`, whose outermost process is `process`.
    pub(crate) fn open(run: &str, process: ProcessId) -> Result<Self> {
        let path = format!("/proc/{}/ns/net", process.pid);
        let namespace = File::open(&path).with_context(|| format!("could not open {path}"))?;
        if !process.is_alive() {
            bail!("the lab of run {run} has ended");
        }
        Ok(Self { run: run.to_owned(), namespace: Arc::new(namespace) })
    }

    /// A command that runs `program` inside the lab's network namespace, with everything else as on the
    /// host: it may listen on [`LAB_ADDRESS`] and reach the node and the registry.
    ///
    /// Its process id is the program's own. `down` ends what was started this way. Convert it for tokio
    /// with `tokio::process::Command::from`. Valid while this handle lives.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        // By descriptor and not by process id, which might be another's by the time nsenter looks.
        command
            .arg(format!("--net=/proc/{}/fd/{}", std::process::id(), self.namespace.as_raw_fd()))
            .arg("--")
            .arg(program)
            .env(MARK, &self.run);
        command
    }

    /// Forwards a free loopback port of the host to `target`, until the handle is dropped. The target may be
    /// anything the lab reaches: its own programs, the node, a pod, a Service.
    pub fn forward(&self, target: SocketAddr) -> Result<Forward> {
        self.forward_from(0, target)
    }

    /// Forwards the loopback port `port` of the host to `target` inside the lab; 0 takes a free one.
    ///
    /// Fails when the port is taken.
    pub fn forward_from(&self, port: u16, target: SocketAddr) -> Result<Forward> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .with_context(|| format!("could not listen on 127.0.0.1:{port}"))?;
        let namespace =
            self.namespace.try_clone().context("could not keep the lab's namespace open")?;
        Forward::start(listener, namespace, target)
    }
}
