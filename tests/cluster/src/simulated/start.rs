//! From nothing to a simulated cluster.

use std::fs::{self, DirBuilder};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::process::Command;

use anyhow::{Context, Result};
use rustix::net::sockopt::set_socket_reuseport;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, getsockname, socket_with};

use super::{Simulated, nodes};
use crate::kubectl::START_PATIENCE;
use crate::outermost::{Outermost, new_id, own_program};
use crate::programs::Programs;
use crate::run::{Flavour, Record};
use crate::{configuration, pki};

impl Simulated {
    /// Starts the cluster, waits for its parts in their order, and records that all is ready.
    pub(super) fn start(&self, programs: &Programs, count: u32) -> Result<()> {
        let run = &self.run;
        let root = run.root();
        // The store's socket is in there, and whoever may connect to it has all rights.
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(root)
            .with_context(|| format!("could not make {}", root.display()))?;
        // Recorded before anything starts: whoever is killed in between leaves a trace to clean up by.
        let mut record = Record::new(new_id(run.name()), Flavour::Simulated);
        run.write_record(&record)?;

        let (socket, port) = hold_port().context("could not take a free port of 127.0.0.1")?;
        fs::create_dir_all(run.logs())
            .with_context(|| format!("could not make {}", run.logs().display()))?;
        configuration::link_programs(run, programs)?;
        let server = format!("https://127.0.0.1:{port}");
        let servers = pki::Servers { inside: &server, outside: &server };
        pki::write(&root.join("pki"), None, &self.kubeconfig, servers)?;

        let mut command = Command::new(own_program()?);
        command.arg("simulated-init").arg(root);
        let first =
            Outermost::start(&self.settings, run, &mut record, "simulated-init", &command, socket)?;
        first.wait(run, "the API server", || self.kubectl.is_answered(START_PATIENCE))?;
        nodes::add(&self.kubectl, count)?;
        // Pods are refused until the controllers have made their namespace's account.
        let account = ["--namespace=default", "get", "serviceaccount/default"];
        first.wait(run, "the controller manager", || self.kubectl.run(&account).is_ok())?;
        self.wait_for_nodes(count)?;
        record.ready = true;
        run.write_record(&record)
    }
}

/// A free loopback port and the socket that holds it: bound, so that nobody else is given the port, and not
/// listening, so that whoever shares the port gets all connections.
fn hold_port() -> rustix::io::Result<(OwnedFd, u16)> {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    set_socket_reuseport(&socket, true)?;
    bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?;
    let port = SocketAddrV4::try_from(getsockname(&socket)?)?.port();
    Ok((socket, port))
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_held_port_is_nobody_elses() {
        let (_held, port) = hold_port().unwrap();
        let (_other, another) = hold_port().unwrap();
        assert_ne!(port, another);
        assert!(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err());
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
    }
}
