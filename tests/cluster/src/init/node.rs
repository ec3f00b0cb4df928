//! The first process of the node: its place on the bridge, its mounts, and the programs of Kubernetes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::supervisor::{Supervisor, read, write};
use super::{cgroup, run};
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
    let node = Node { root, name };
    raise_descriptor_limit()?;
    cgroup::enter(name)?;
    node.join_network()?;
    node.mount()?;
    write(Path::new("/proc/sys/kernel/hostname"), name)?;

    let mut supervisor = Supervisor::new(root);
    supervisor.spawn(
        "containerd",
        node.program("containerd").arg("--config").arg(root.join("containerd.toml")),
    )?;
    supervisor.spawn("etcd", &mut node.etcd())?;
    supervisor.spawn("kube-apiserver", &mut node.api_server())?;
    // The others would only retry, at the cost of the API server's start.
    while !is_api_server_ready() {
        supervisor.collect()?;
        std::thread::sleep(Duration::from_millis(50));
    }
    supervisor.spawn("kubelet", &mut node.kubelet())?;
    supervisor.spawn("kube-controller-manager", &mut node.controller_manager())?;
    supervisor.spawn("kube-scheduler", &mut node.scheduler())?;
    supervisor.spawn(
        "kube-proxy",
        node.program("kube-proxy").arg(node.flag("config", "kube-proxy.yaml")),
    )?;
    supervisor.watch()
}

struct Node<'r> {
    root: &'r Path,
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
            mount_bind(self.root.join(own), path)
                .with_context(|| format!("could not bind over {path}"))?;
        }
        mount_change("/var/lib/kubelet", shared).context("could not share the kubelet's mounts")?;
        for (setting, wanted) in KERNEL_SETTINGS {
            pretend(setting, wanted)?;
        }
        Ok(())
    }

    fn etcd(&self) -> Command {
        let mut command = self.program("etcd");
        command
            .args(["--name=node", "--log-level=warn", "--snapshot-count=5000"])
            .arg(self.flag("data-dir", "etcd"));
        // What a crash of the whole machine would lose, nobody needs.
        command.arg("--unsafe-no-fsync");
        command.args([
            "--listen-client-urls=http://127.0.0.1:2379",
            "--advertise-client-urls=http://127.0.0.1:2379",
        ]);
        command.args([
            "--listen-peer-urls=http://127.0.0.1:2380",
            "--initial-advertise-peer-urls=http://127.0.0.1:2380",
        ]);
        command.arg("--initial-cluster=node=http://127.0.0.1:2380");
        command
    }

    fn api_server(&self) -> Command {
        let mut command = self.program("kube-apiserver");
        command.arg(format!("--advertise-address={NODE_ADDRESS}"));
        command.args([
            "--secure-port=6443",
            "--etcd-servers=http://127.0.0.1:2379",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            "--kubelet-preferred-address-types=InternalIP",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-username-headers=X-Remote-User",
            "--profiling=false",
        ]);
        command.args([
            self.flag("service-account-key-file", "pki/sa.pub"),
            self.flag("service-account-signing-key-file", "pki/sa.key"),
            self.flag("client-ca-file", "pki/ca.crt"),
            self.flag("tls-cert-file", "pki/apiserver.crt"),
            self.flag("tls-private-key-file", "pki/apiserver.key"),
            self.flag("kubelet-client-certificate", "pki/apiserver-kubelet-client.crt"),
            self.flag("kubelet-client-key", "pki/apiserver-kubelet-client.key"),
            self.flag("kubelet-certificate-authority", "pki/ca.crt"),
            self.flag("requestheader-client-ca-file", "pki/front-proxy-ca.crt"),
            self.flag("proxy-client-cert-file", "pki/front-proxy-client.crt"),
            self.flag("proxy-client-key-file", "pki/front-proxy-client.key"),
        ]);
        command
    }

    /// With accounts of its own for each controller and the usual limits it would take five seconds longer
    /// until the first Deployment has its pods.
    fn controller_manager(&self) -> Command {
        let mut command = self.client_program("kube-controller-manager", "admin");
        command.args(["--use-service-account-credentials=false"]);
        command.args([
            self.flag("service-account-private-key-file", "pki/sa.key"),
            self.flag("root-ca-file", "pki/ca.crt"),
            self.flag("cluster-signing-cert-file", "pki/ca.crt"),
            self.flag("cluster-signing-key-file", "pki/ca.key"),
        ]);
        command
    }

    fn scheduler(&self) -> Command {
        self.client_program("kube-scheduler", "kube-scheduler")
    }

    fn kubelet(&self) -> Command {
        let mut command = self.program("kubelet");
        command
            .args([
                self.flag("config", "kubelet.yaml"),
                self.flag("kubeconfig", "pki/kubelet.kubeconfig"),
            ])
            .arg(format!("--hostname-override={}", self.name))
            .arg(format!("--node-ip={NODE_ADDRESS}"));
        command
    }

    /// A control loop that runs alone, as fast as it can, with the kubeconfig of `user`.
    fn client_program(&self, program: &str, user: &str) -> Command {
        let kubeconfig = format!("pki/{user}.kubeconfig");
        let mut command = self.program(program);
        command.args([
            self.flag("kubeconfig", &kubeconfig),
            self.flag("authentication-kubeconfig", &kubeconfig),
            self.flag("authorization-kubeconfig", &kubeconfig),
        ]);
        command.args(["--leader-elect=false", "--bind-address=127.0.0.1", "--profiling=false"]);
        command.args(["--kube-api-qps=500", "--kube-api-burst=1000"]);
        command
    }

    /// The cluster's own program of that name, or the system's.
    fn program(&self, name: &str) -> Command {
        let own = self.root.join("bin").join(name);
        let mut command = if own.exists() { Command::new(own) } else { Command::new(name) };
        command.stdin(Stdio::null());
        command
    }

    fn flag(&self, name: &str, file: &str) -> String {
        format!("--{name}={}", self.root.join(file).display())
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

/// containerd and the API server hold thousands of descriptors; the hard limit cannot be raised everywhere.
fn raise_descriptor_limit() -> Result<()> {
    const ENOUGH: u64 = 65_536;
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let current = Some(maximum.unwrap_or(ENOUGH).min(ENOUGH));
    setrlimit(Resource::Nofile, Rlimit { current, maximum })
        .context("could not raise the descriptor limit")
}

fn make_directory(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("could not make {}", path.display()))
}
