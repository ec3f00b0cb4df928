//! From nothing to a cluster with Flux, in the order that loses no time.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};

use crate::cluster::{Cluster, Options, Own, import};
use crate::down::clear;
use crate::kubectl::Kubectl;
use crate::lab::Lab;
use crate::process::{MARK, ProcessId};
use crate::programs::{self, Programs, tail};
use crate::run::{Record, Run};
use crate::settings::Settings;
use crate::{configuration, images, inotify, packages, pki};

/// Flux as the product's installer carries it: the tests run on what is shipped.
pub(crate) const FLUX_DEFINITIONS: &str =
    include_str!("../../../installer/manifests/flux/crds.yaml");
/// Its namespace, rights and controllers.
pub(crate) const FLUX_CONTROLLERS: &str =
    include_str!("../../../installer/manifests/flux/controllers.yaml");

const COREDNS: &str = include_str!("../conf/coredns.yaml");

/// Each wait takes seconds; on a machine that compiles on all its cores, half a minute.
const PATIENCE: Duration = Duration::from_secs(120);

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
    if let Some(cluster) = find_standing(settings, &run, &programs)? {
        tracing::info!("cluster {} stands already", run.name());
        return Ok(cluster);
    }
    clear(&run)?;
    inotify::raise(settings)?;
    let began = Instant::now();
    let start = Start { settings, run: &run, programs: &programs };
    let cluster = start.begin().and_then(|begun| start.finish(begun, &archives));
    match cluster {
        Ok(cluster) => {
            tracing::info!(
                "cluster {} is ready after {:.1} s",
                run.name(),
                began.elapsed().as_secs_f32()
            );
            Ok(cluster)
        }
        Err(error) => Err(error.context(format!(
            "cluster {} did not come up; its logs are in {}",
            run.name(),
            run.logs().display()
        ))),
    }
}

/// The cluster of `run`, if an earlier `up` completed it and nothing of it has died since.
fn find_standing(settings: &Settings, run: &Run, programs: &Programs) -> Result<Option<Cluster>> {
    let Some(record) = run.record() else { return Ok(None) };
    let Some(lab) =
        record.lab.filter(|_| record.ready && record.is_alive() && run.exits().is_empty())
    else {
        tracing::info!("cleaning up what is left of cluster {}", run.name());
        return Ok(None);
    };
    let kubectl = kubectl(run, programs)?;
    if let Err(error) = kubectl.run(&["get", "--raw", "/readyz", "--request-timeout=10s"]) {
        tracing::info!("cluster {} does not answer ({error}); starting it anew", run.name());
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
    lab: ProcessId,
    port: u16,
}

impl Start<'_> {
    /// Writes the run's files and starts its first process.
    fn begin(&self) -> Result<Begun> {
        let root = self.run.root();
        fs::create_dir_all(root).with_context(|| format!("could not make {}", root.display()))?;
        // Recorded before anything starts: whoever is killed in between leaves a trace to clean up by.
        let mut record = Record { id: new_id(self.run.name()), lab: None, ready: false };
        self.run.write_record(&record)?;

        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("could not listen on 127.0.0.1")?;
        let port = listener.local_addr().context("could not read the API server's port")?.port();
        configuration::write(self.run, self.programs)?;
        let server = format!("https://127.0.0.1:{port}");
        pki::write(&root.join("pki"), self.run.name(), &self.run.kubeconfig(), &server)?;

        let lab = self.spawn_lab(&record.id, listener)?;
        record.lab = Some(lab);
        self.run.write_record(&record)?;
        Ok(Begun { record, lab, port })
    }

    /// Starts the lab detached from this terminal; the end of `unshare` ends it whole.
    fn spawn_lab(&self, id: &str, listener: TcpListener) -> Result<ProcessId> {
        let path = self.run.logs().join("lab.log");
        let log = fs::File::create(&path)
            .with_context(|| format!("could not write {}", path.display()))?;
        let errors =
            log.try_clone().with_context(|| format!("could not write {} twice", path.display()))?;
        let child = Command::new("setsid")
            .args([
                "unshare",
                "--net",
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
            ])
            .args(["--propagation", "private", "--"])
            .arg(own_program()?)
            .arg("lab-init")
            .arg(self.run.root())
            .arg(self.run.name())
            .current_dir("/")
            .env("PATH", self.settings.path_value())
            .env(MARK, id)
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .stdout(log)
            .stderr(errors)
            .spawn()
            .context("could not start the lab")?;
        let pid = i32::try_from(child.id()).context("a process id beyond the system's range")?;
        // Collected when it ends, should this process live that long.
        std::thread::spawn(move || {
            let mut child = child;
            child.wait()
        });
        ProcessId::find(pid).with_context(|| format!("the lab ended at once:\n{}", tail(&path)))
    }

    /// Waits for the parts in their order, gives each what it needs next, and records that all is ready.
    fn finish(&self, begun: Begun, archives: &[PathBuf]) -> Result<Cluster> {
        let kubectl = kubectl(self.run, self.programs)?;
        std::thread::scope(|scope| {
            let imports = scope.spawn(|| self.import_all(&begun, archives));

            let url = format!("https://127.0.0.1:{}/readyz", begun.port);
            self.wait(&begun, "the API server", || answers_ok(&url))?;
            kubectl.apply(COREDNS)?;
            kubectl.apply(FLUX_DEFINITIONS)?;
            let node = format!("node/{}", self.run.name());
            self.wait(&begun, "the node", || {
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
            lab: Lab::open(&record.id, lab)?,
        };
        Ok(Cluster::new(self.run.kubeconfig(), kubectl, Some(own)))
    }

    fn import_all(&self, begun: &Begun, archives: &[PathBuf]) -> Result<()> {
        let socket = self.run.containerd_socket();
        self.wait(begun, "containerd", || UnixStream::connect(&socket).is_ok())?;
        for archive in archives {
            import(self.run, archive)?;
        }
        tracing::info!("{} images imported", archives.len());
        Ok(())
    }

    /// Waits until `done`, unless a part of the run ends or patience does.
    fn wait(&self, begun: &Begun, what: &str, done: impl Fn() -> bool) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !done() {
            let exits = self.run.exits();
            if let Some(program) = exits.split_whitespace().next() {
                let log = self.run.logs().join(format!("{program}.log"));
                bail!("{}; its last words:\n{}", exits.trim(), tail(&log));
            }
            if !begun.lab.is_alive() {
                bail!("the lab ended; its last words:\n{}", tail(&self.run.logs().join("lab.log")));
            }
            if Instant::now() > deadline {
                bail!("{what} was not ready within {} s", PATIENCE.as_secs());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        tracing::info!("{what} is ready");
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

fn kubectl(run: &Run, programs: &Programs) -> Result<Kubectl> {
    Ok(Kubectl::new(
        programs.path("kubectl")?.to_owned(),
        run.kubeconfig(),
        run.root().join("kubectl-cache"),
    ))
}

fn answers_ok(url: &str) -> bool {
    Command::new("curl")
        .args(["--silent", "--insecure", "--max-time", "5", url])
        .output()
        .is_ok_and(|output| output.stdout == b"ok")
}

/// No two starts share it, on this machine and across its reboots.
fn new_id(name: &str) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("{name}-{}-{}", std::process::id(), now.as_nanos())
}

/// The `gimlet-cluster` program: this process's own file, or, when this is a test that uses the library,
/// what cargo builds.
fn own_program() -> Result<PathBuf> {
    let current = std::env::current_exe().context("could not find this program's own file")?;
    if current.file_name().is_some_and(|name| name == "gimlet-cluster") {
        return Ok(current);
    }
    let failed = "could not have cargo build gimlet-cluster, which runs inside the namespaces";
    let output = Command::new("cargo")
        .args(["build", "--quiet", "--workspace", "--bin=gimlet-cluster"])
        .arg("--message-format=json")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output()
        .context(failed)?;
    let words = String::from_utf8_lossy(&output.stdout);
    words
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .next_back()
        .with_context(|| format!("{failed}:\n{}", String::from_utf8_lossy(&output.stderr)))
}
