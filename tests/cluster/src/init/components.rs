//! The programs of a control plane, with the flags that both flavours of a cluster give them.

use std::path::Path;
use std::process::{Command, Stdio};

/// Builds the commands of one run's programs.
#[derive(Clone, Copy)]
pub(super) struct Components<'r> {
    pub(super) root: &'r Path,
}

impl Components<'_> {
    /// A store whose content nobody needs after a crash of the machine. Where it listens is left open.
    pub(super) fn etcd(&self) -> Command {
        let mut command = self.program("etcd");
        command
            .args(["--name=node", "--log-level=warn", "--snapshot-count=5000", "--unsafe-no-fsync"])
            .arg(self.flag("data-dir", "etcd"));
        command
    }

    /// Where it listens, its store and what it does with nodes are left open.
    pub(super) fn api_server(&self) -> Command {
        let mut command = self.program("kube-apiserver");
        command.args([
            "--service-cluster-ip-range=10.96.0.0/16",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            "--profiling=false",
        ]);
        command.args([
            self.flag("service-account-key-file", "pki/sa.pub"),
            self.flag("service-account-signing-key-file", "pki/sa.key"),
            self.flag("client-ca-file", "pki/ca.crt"),
            self.flag("tls-cert-file", "pki/apiserver.crt"),
            self.flag("tls-private-key-file", "pki/apiserver.key"),
        ]);
        command
    }

    /// With accounts of its own for each controller and the usual limits it would take five seconds longer
    /// until the first Deployment has its pods.
    pub(super) fn controller_manager(&self) -> Command {
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

    pub(super) fn scheduler(&self) -> Command {
        self.client_program("kube-scheduler", "kube-scheduler")
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
    pub(super) fn program(&self, name: &str) -> Command {
        let own = self.root.join("bin").join(name);
        let mut command = if own.exists() { Command::new(own) } else { Command::new(name) };
        command.stdin(Stdio::null());
        command
    }

    /// `--NAME=` with the path of a file of the run.
    pub(super) fn flag(&self, name: &str, file: &str) -> String {
        format!("--{name}={}", self.root.join(file).display())
    }
}
