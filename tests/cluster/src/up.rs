//! From nothing to a cluster with Flux, in the order that loses no time.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::cluster::{Cluster, Options, Own, import};
use crate::down::clear;
use crate::kubectl::{ANSWER_PATIENCE, Kubectl};
use crate::lab::Lab;
use crate::outermost::{Outermost, PATIENCE, new_id, own_program};
use crate::programs::{self, Programs};
use crate::run::{Flavour, Record, Run};
use crate::settings::Settings;
use crate::{configuration, images, inotify, packages, pki};

/// Flux as the product's installer carries it: the tests run on what is shipped.
pub(crate) const FLUX_DEFINITIONS: &str =
    include_str!("../../../installer/manifests/flux/crds.yaml");
/// Its namespace, rights and controllers.
pub(crate) const FLUX_CONTROLLERS: &str =
    include_str!("../../../installer/manifests/flux/controllers.yaml");

const COREDNS: &str = include_str!("../conf/coredns.yaml");

/// Brings the cluster up, or finds it up.
pub(crate) fn up(settings: &Settings, options: &Options) -> Result<Cluster> {
    let run = Run::named(settings, &options.name)?;
    if !rustix::process::geteuid().is_root() {
        bail!(
            "a cluster of our own needs root, for namespaces, mounts and control groups; \
             run this as root, or set KUBECONFIG to a cluster of yours"
        );
    }
    packages::ensure(settings)?;
    let programs = programs::ensure(settings)?;
    let archives = images::ensure(settings, &programs)?;

    let _lock = run.lock()?;
    if let Some(cluster) = find_standing(settings, &run)? {
        tracing::info!("cluster {} stands already", run.name());
        return Ok(cluster);
    }
    clear(&run)?;
    inotify::raise(settings)?;
    let began = Instant::now();
    let start = Start { settings, run: &run, programs: &programs };
    run.conclude(began, start.begin().and_then(|begun| start.finish(begun, &archives)))
}

/// The cluster of `run`, if it stands and answers.
fn find_standing(settings: &Settings, run: &Run) -> Result<Option<Cluster>> {
    let Some((record, lab)) = run.find_standing(Flavour::Real)? else { return Ok(None) };
    let kubectl = Kubectl::of_run(run.root());
    if !kubectl.is_answered(ANSWER_PATIENCE) {
        tracing::info!("cluster {} does not answer; starting it anew", run.name());
        return Ok(None);
    }
    let own =
        Own { settings: settings.clone(), run: run.clone(), lab: Lab::open(&record.id, lab)? };
    Ok(Some(Cluster::new(run.kubeconfig(), kubectl, Some(own))))
}

/// The parts of a start that stay the same throughout.
struct Start<'s> {
    settings: &'s Settings,
    run: &'s Run,
    programs: &'s Programs,
}

/// A lab whose programs are starting.
struct Begun {
    record: Record,
    lab: Outermost,
    port: u16,
}

impl Start<'_> {
    /// Writes the run's files and starts its first process.
    fn begin(&self) -> Result<Begun> {
        let root = self.run.root();
        fs::create_dir_all(root).with_context(|| format!("could not make {}", root.display()))?;
        // Recorded before anything starts: whoever is killed in between leaves a trace to clean up by.
        let mut record = Record::new(new_id(self.run.name()), Flavour::Real);
        self.run.write_record(&record)?;

        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("could not listen on 127.0.0.1")?;
        let port = listener.local_addr().context("could not read the API server's port")?.port();
        configuration::write(self.run, self.programs)?;
        let server = format!("https://127.0.0.1:{port}");
        let servers = pki::Servers { inside: "https://127.0.0.1:6443", outside: &server };
        pki::write(&root.join("pki"), Some(self.run.name()), &self.run.kubeconfig(), servers)?;

        let command = self.lab_command()?;
        let socket = listener.into();
        let lab = Outermost::start(self.settings, self.run, &mut record, "lab", &command, socket)?;
        Ok(Begun { record, lab, port })
    }

    /// The end of `unshare` ends the lab whole.
    fn lab_command(&self) -> Result<Command> {
        let mut command = Command::new("unshare");
        command
            .args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .args(["--propagation", "private", "--"])
            .arg(own_program()?)
            .arg("lab-init")
            .arg(self.run.root())
            .arg(self.run.name());
        Ok(command)
    }

    /// Waits for the parts in their order, gives each what it needs next, and records that all is ready.
    fn finish(&self, begun: Begun, archives: &[PathBuf]) -> Result<Cluster> {
        let kubectl = Kubectl::of_run(self.run.root());
        std::thread::scope(|scope| {
            let imports = scope.spawn(|| self.import_all(&begun, archives));

            let url = format!("https://127.0.0.1:{}/readyz", begun.port);
            begun.lab.wait(self.run, "the API server", || answers_ok(&url))?;
            kubectl.apply(COREDNS)?;
            kubectl.apply(FLUX_DEFINITIONS)?;
            let node = format!("node/{}", self.run.name());
            begun.lab.wait(self.run, "the node", || {
                kubectl
                    .run(&["wait", "--for=condition=Ready", "--timeout=1s", node.as_str()])
                    .is_ok()
            })?;

            // A pod whose image is not there yet would wait for ten seconds before it looks again.
            imports
                .join()
                .map_err(|_| anyhow::anyhow!("the thread that imports images panicked"))??;
            kubectl.apply(FLUX_CONTROLLERS)?;
            tracing::info!("waiting for DNS and Flux");
            wait_for_deployments(&kubectl, "kube-system")?;
            wait_for_deployments(&kubectl, "flux-system")
        })?;
        let Begun { mut record, lab, .. } = begun;
        record.ready = true;
        self.run.write_record(&record)?;
        let own = Own {
            settings: self.settings.clone(),
            run: self.run.clone(),
            lab: Lab::open(&record.id, lab.process)?,
        };
        Ok(Cluster::new(self.run.kubeconfig(), kubectl, Some(own)))
    }

    fn import_all(&self, begun: &Begun, archives: &[PathBuf]) -> Result<()> {
        let socket = self.run.containerd_socket();
        begun.lab.wait(self.run, "containerd", || UnixStream::connect(&socket).is_ok())?;
        for archive in archives {
            import(self.run, archive)?;
        }
        tracing::info!("{} images imported", archives.len());
        Ok(())
    }
}

/// Waits until every Deployment of `namespace` has its pods.
pub(crate) fn wait_for_deployments(kubectl: &Kubectl, namespace: &str) -> Result<()> {
    let (namespace, timeout) =
        (format!("--namespace={namespace}"), format!("--timeout={}s", PATIENCE.as_secs()));
    kubectl.run(&[
        "wait",
        &namespace,
        "--for=condition=Available",
        &timeout,
        "deployment",
        "--all",
    ])?;
    Ok(())
}

fn answers_ok(url: &str) -> bool {
    Command::new("curl")
        .args(["--silent", "--insecure", "--max-time", "5", url])
        .output()
        .is_ok_and(|output| output.stdout == b"ok")
}
