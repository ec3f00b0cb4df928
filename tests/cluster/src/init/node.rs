//! The first process of the node: its place on the bridge, its mounts, and the programs of Kubernetes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change};

use super::components::Components;
use super::supervisor::{Supervisor, read, write};
use super::{cgroup, raise_descriptor_limit, run};
use crate::lab::{LAB_ADDRESS, NODE_ADDRESS};

/// The lab's network namespace, given as standard input and inherited by the short programs below.
const LAB_NETWORK: &str = "/proc/self/fd/0";

/// What the kubelet insists on and would otherwise write to the host's kernel.
const KERNEL_SETTINGS: [(&str, &str); 6] = [
    ("vm/overcommit_memory", "1"),
    ("vm/panic_on_oom", "0"),
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/keys/root_maxbytes", "25000000"),
];

/// Runs the node `name` of the run in `root`, and returns only when something is wrong.
///
/// Expects to be the first process of fresh network, mount, process and host name namespaces, with the
/// lab's network namespace as standard input.
pub fn run_node(root: &Path, name: &str) -> Result<()> {
    let node = Node { components: Components { root }, name };
    raise_descriptor_limit()?;
    cgroup::enter(name)?;
    node.join_network()?;
    node.mount()?;
    write(Path::new("/proc/sys/kernel/hostname"), name)?;

    let mut supervisor = Supervisor::new(root);
    supervisor.spawn(
        "containerd",
        node.components.program("containerd").arg("--config").arg(root.join("containerd.toml")),
    )?;
    supervisor.spawn("etcd", &mut node.etcd())?;
    supervisor.spawn("kube-apiserver", &mut node.api_server())?;
    // The others would only retry, at the cost of the API server's start.
    while !is_api_server_ready() {
        supervisor.collect()?;
        std::thread::sleep(Duration::from_millis(50));
    }
    supervisor.spawn("kubelet", &mut node.kubelet())?;
    supervisor.spawn("kube-controller-manager", &mut node.components.controller_manager())?;
    supervisor.spawn("kube-scheduler", &mut node.components.scheduler())?;
    supervisor.spawn(
        "kube-proxy",
        node.components
            .program("kube-proxy")
            .arg(node.components.flag("config", "kube-proxy.yaml")),
    )?;
    supervisor.watch()
}

struct Node<'r> {
    components: Components<'r>,
    name: &'r str,
}

impl Node<'_> {
    /// Hangs `eth0` on the lab's bridge by a pair of virtual links.
    fn join_network(&self) -> Result<()> {
        let address = format!("{NODE_ADDRESS}/24");
        let gateway = LAB_ADDRESS.to_string();
        run_in_lab(
            "ip",
            &["link", "add", "eth0", "type", "veth", "peer", "name", "node0", "netns", LAB_NETWORK],
        )?;
        run_in_lab(
            "nsenter",
            &[
                &format!("--net={LAB_NETWORK}"),
                "ip",
                "link",
                "set",
                "node0",
                "master",
                "lab0",
                "up",
            ],
        )?;
        run("ip", &["link", "set", "lo", "up"])?;
        run("ip", &["address", "add", &address, "dev", "eth0"])?;
        run("ip", &["link", "set", "eth0", "up"])?;
        // Nothing beyond the bridge answers; but without a default route the node's own programs could not
        // begin connections to Service addresses, which are rewritten only on their way out.
        run("ip", &["route", "add", "default", "via", &gateway])?;
        write(Path::new("/proc/sys/net/ipv4/ip_forward"), "1")?;
        write(Path::new("/proc/sys/net/ipv4/conf/all/route_localnet"), "1")
    }

    /// Lays the run's own directories over the default paths of containerd, CNI and the kubelet.
    fn mount(&self) -> Result<()> {
        let shared = MountPropagationFlags::SHARED | MountPropagationFlags::REC;
        mount_change("/", shared).context("could not let containers see each other's mounts")?;
        mount("tmpfs", "/run", "tmpfs", MountFlags::empty(), None)
            .context("could not mount a fresh /run")?;
        for directory in ["/run/netns", "/run/lock"] {
            make_directory(Path::new(directory))?;
        }
        for (own, path) in [
            ("varlog", "/var/log"),
            ("varlibcni", "/var/lib/cni"),
            ("kubelet", "/var/lib/kubelet"),
            ("containerd", "/var/lib/containerd"),
            ("cni.d", "/etc/cni/net.d"),
        ] {
            make_directory(Path::new(path))?;
            mount_bind(self.components.root.join(own), path)
                .with_context(|| format!("could not bind over {path}"))?;
        }
        mount_change("/var/lib/kubelet", shared).context("could not share the kubelet's mounts")?;
        for (setting, wanted) in KERNEL_SETTINGS {
            pretend(setting, wanted)?;
        }
        Ok(())
    }

    fn etcd(&self) -> Command {
        let mut command = self.components.etcd();
        command.args([
            "--listen-client-urls=http://127.0.0.1:2379",
            "--advertise-client-urls=http://127.0.0.1:2379",
            "--listen-peer-urls=http://127.0.0.1:2380",
            "--initial-advertise-peer-urls=http://127.0.0.1:2380",
            "--initial-cluster=node=http://127.0.0.1:2380",
        ]);
        command
    }

    fn api_server(&self) -> Command {
        let mut command = self.components.api_server();
        command.arg(format!("--advertise-address={NODE_ADDRESS}"));
        command.args([
            "--secure-port=6443",
            "--etcd-servers=http://127.0.0.1:2379",
            "--kubelet-preferred-address-types=InternalIP",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-username-headers=X-Remote-User",
        ]);
        command.args([
            self.components.flag("kubelet-client-certificate", "pki/apiserver-kubelet-client.crt"),
            self.components.flag("kubelet-client-key", "pki/apiserver-kubelet-client.key"),
            self.components.flag("kubelet-certificate-authority", "pki/ca.crt"),
            self.components.flag("requestheader-client-ca-file", "pki/front-proxy-ca.crt"),
            self.components.flag("proxy-client-cert-file", "pki/front-proxy-client.crt"),
            self.components.flag("proxy-client-key-file", "pki/front-proxy-client.key"),
        ]);
        command
    }

    fn kubelet(&self) -> Command {
        let mut command = self.components.program("kubelet");
        command
            .args([
                self.components.flag("config", "kubelet.yaml"),
                self.components.flag("kubeconfig", "pki/kubelet.kubeconfig"),
            ])
            .arg(format!("--hostname-override={}", self.name))
            .arg(format!("--node-ip={NODE_ADDRESS}"));
        command
    }
}

/// The API server says `ok` on this path to anyone, once all of its own start is done.
fn is_api_server_ready() -> bool {
    Command::new("curl")
        .args(["--silent", "--insecure", "--max-time", "5", "https://127.0.0.1:6443/readyz"])
        .output()
        .is_ok_and(|output| output.stdout == b"ok")
}

/// A program that needs standard input as it is: the lab's network namespace.
fn run_in_lab(program: &str, arguments: &[&str]) -> Result<()> {
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::inherit())
        .status()
        .with_context(|| format!("could not start {program}"))?;
    anyhow::ensure!(status.success(), "{program} {} ended with {status}", arguments.join(" "));
    Ok(())
}

/// Shows `wanted` in place of a kernel setting, in this mount namespace alone.
fn pretend(setting: &str, wanted: &str) -> Result<()> {
    let path = Path::new("/proc/sys").join(setting);
    if !path.exists() || read(&path)? == wanted {
        return Ok(());
    }
    let shown = PathBuf::from(format!("/run/sysctl-{}", setting.replace('/', "-")));
    write(&shown, wanted)?;
    mount_bind(&shown, &path).with_context(|| format!("could not bind over {}", path.display()))
}

fn make_directory(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("could not make {}", path.display()))
}
