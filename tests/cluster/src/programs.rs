//! The Kubernetes and Flux programs, built from the pinned Go modules below `go/`.
//!
//! What is built is kept under a name that holds a hash of the module's files and of the build flags: it
//! never goes stale, and a module that did not change is not built again.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::run::lock_file;
use crate::settings::Settings;

/// How often a build says that it goes on.
const PROGRESS_EVERY: Duration = Duration::from_secs(20);

/// The version that the API server tells its clients; Flux, Helm and the kubelet look at it.
const KUBERNETES_VERSION: &str = "v1.34.4";

/// A Go module of ours and the programs it makes.
pub(crate) struct Module {
    /// The directory below `go/`.
    name: &'static str,
    packages: &'static [&'static str],
    programs: &'static [&'static str],
    /// Other names of its program, which looks at the name it was called by.
    links: &'static [&'static str],
    /// A cold build on two cores, in the order below: later ones profit from earlier ones.
    minutes: u32,
}

/// Kubernetes itself, all programs in one.
const KUBERNETES: Module = Module {
    name: "devcluster",
    packages: &["."],
    programs: &["devcluster"],
    links: &[
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kubelet",
        "kube-proxy",
        "kubectl",
    ],
    minutes: 7,
};

/// What a simulated cluster runs.
const SIMULATED: [Module; 2] = [
    KUBERNETES,
    Module {
        name: "kwok",
        packages: &["sigs.k8s.io/kwok/cmd/kwok"],
        programs: &["kwok"],
        links: &[],
        minutes: 3,
    },
];

/// What a real cluster with Flux runs.
const CLUSTER: [Module; 4] = [
    KUBERNETES,
    Module { name: "coredns", packages: &["."], programs: &["coredns"], links: &[], minutes: 1 },
    Module {
        name: "flux",
        packages: &[
            "github.com/fluxcd/source-controller",
            "github.com/fluxcd/kustomize-controller",
            "github.com/fluxcd/helm-controller",
        ],
        programs: &["source-controller", "kustomize-controller", "helm-controller"],
        links: &[],
        minutes: 5,
    },
    Module {
        name: "fluxnc",
        packages: &["github.com/fluxcd/notification-controller"],
        programs: &["notification-controller"],
        links: &[],
        minutes: 4,
    },
];

/// Built programs by name.
#[derive(Debug)]
pub struct Programs {
    paths: BTreeMap<&'static str, PathBuf>,
    key: String,
}

impl Programs {
    /// The path of the program `name`.
    pub fn path(&self, name: &str) -> Result<&Path> {
        self.paths
            .get(name)
            .map(PathBuf::as_path)
            .with_context(|| format!("no module builds a program {name}"))
    }

    /// All programs with their paths.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        self.paths.iter().map(|(name, path)| (*name, path.as_path()))
    }

    /// A hash that changes when any of the programs does.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }
}

/// The programs of a real cluster, built first if they are not there: about 20 minutes on two cores, with a
/// word on the progress every 20 seconds.
///
/// Fails when Go is missing or a module cannot be downloaded or built, with Go's own words.
pub fn ensure(settings: &Settings) -> Result<Programs> {
    ensure_modules(settings, &CLUSTER)
}

/// The programs of a simulated cluster, built first if they are not there: about 10 minutes on two cores, 3 of
/// them beyond what a real cluster needs as well. Fails as [`ensure`] does.
pub fn ensure_simulated(settings: &Settings) -> Result<Programs> {
    ensure_modules(settings, &SIMULATED)
}

fn ensure_modules(settings: &Settings, modules: &'static [Module]) -> Result<Programs> {
    let store = settings.cache.join("cluster");
    let _lock = lock_file(&store.join(".lock"))?;
    let keyed: Vec<(&Module, PathBuf)> = modules
        .iter()
        .map(|module| Ok((module, store.join(key(module)?))))
        .collect::<Result<_>>()?;

    let missing: Vec<&(&Module, PathBuf)> =
        keyed.iter().filter(|(_, directory)| !directory.exists()).collect();
    if !missing.is_empty() {
        build_all(settings, &store, &missing)?;
    }

    let mut paths = BTreeMap::new();
    let mut hasher = Sha256::new();
    for (module, directory) in &keyed {
        hasher.update(directory.as_os_str().as_encoded_bytes());
        for name in module.programs.iter().chain(module.links) {
            paths.insert(*name, directory.join("bin").join(name));
        }
    }
    Ok(Programs { paths, key: short(&hasher.finalize()) })
}

fn build_all(settings: &Settings, store: &Path, missing: &[&(&Module, PathBuf)]) -> Result<()> {
    let Some(go) = settings.find_program("go") else {
        bail!("Go is missing: install Go 1.25 or later, or set KUBECONFIG to a cluster of yours");
    };
    let minutes: u32 = missing.iter().map(|(module, _)| module.minutes).sum();
    tracing::info!(
        "building {} Go modules for the cluster, once: about {minutes} minutes on two cores when nothing is cached",
        missing.len()
    );
    for (index, (module, directory)) in missing.iter().enumerate() {
        let what = format!("{} ({} of {})", module.programs.join(", "), index + 1, missing.len());
        build(settings, &go, module, store, directory, &what)?;
    }
    if !settings.keep_go_cache {
        remove_go_caches(settings, &go)?;
    }
    Ok(())
}

fn build(
    settings: &Settings,
    go: &Path,
    module: &Module,
    store: &Path,
    directory: &Path,
    what: &str,
) -> Result<()> {
    let began = Instant::now();
    let partial = store.join(format!(".{}.partial", module.name));
    if partial.exists() {
        fs::remove_dir_all(&partial)
            .with_context(|| format!("could not remove {}", partial.display()))?;
    }
    let bin = partial.join("bin");
    fs::create_dir_all(&bin).with_context(|| format!("could not make {}", bin.display()))?;

    tracing::info!("building {what}, about {} minutes cold", module.minutes);
    let log = partial.join("build.log");
    let output =
        fs::File::create(&log).with_context(|| format!("could not write {}", log.display()))?;
    let mut child = go_command(settings, go)
        .current_dir(source(module))
        .args(["build", "-trimpath", "-ldflags", &link_flags(module), "-o"])
        .arg(output_path(module, &bin))
        .args(module.packages)
        .stdin(Stdio::null())
        .stderr(output)
        .spawn()
        .with_context(|| format!("could not start {}", go.display()))?;
    let mut told = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().context("could not wait for go build")? {
            break status;
        }
        if told.elapsed() > PROGRESS_EVERY {
            told = Instant::now();
            tracing::info!(
                "still building {what}: {} s of about {} minutes",
                began.elapsed().as_secs(),
                module.minutes
            );
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    if !status.success() {
        bail!("go build of {what} ended with {status}:\n{}", tail(&log));
    }
    for link in module.links {
        symlink(module.programs[0], bin.join(link))
            .with_context(|| format!("could not link {link}"))?;
    }
    fs::rename(&partial, directory)
        .with_context(|| format!("could not move to {}", directory.display()))?;
    tracing::info!("built {what} in {} s", began.elapsed().as_secs());
    Ok(())
}

/// A program of our own is named by us, others by their packages.
fn output_path(module: &Module, bin: &Path) -> PathBuf {
    match (module.packages, module.programs) {
        (["."], [program]) => bin.join(program),
        // Ending in a separator, it is a directory to Go.
        _ => bin.join(""),
    }
}

/// Go with caches of our own and no say of the user's environment in what is built.
fn go_command(settings: &Settings, go: &Path) -> Command {
    let caches = settings.cache.join("go");
    let mut command = Command::new(go);
    command
        .env("GOMODCACHE", caches.join("mod"))
        .env("GOCACHE", caches.join("build"))
        .env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "-buildvcs=false")
        .env("GOWORK", "off")
        .env("CGO_ENABLED", "0");
    command
}

/// They are 12 GB after a build of everything and serve nothing once the programs stand.
fn remove_go_caches(settings: &Settings, go: &Path) -> Result<()> {
    let status = go_command(settings, go)
        .args(["clean", "-cache", "-modcache"])
        .current_dir(&settings.cache)
        .status()
        .context("could not start go clean")?;
    if !status.success() {
        tracing::warn!(
            "go clean ended with {status}; {} may be removed",
            settings.cache.join("go").display()
        );
    }
    Ok(())
}

fn link_flags(module: &Module) -> String {
    let mut flags = "-s -w".to_owned();
    if module.name == "devcluster" {
        for package in ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"] {
            let (major, minor) = ("1", "34");
            flags += &format!(
                " -X {package}.gitVersion={KUBERNETES_VERSION} -X {package}.gitMajor={major} \
                 -X {package}.gitMinor={minor} -X {package}.gitTreeState=clean"
            );
        }
    }
    flags
}

/// `NAME-HASH` over everything that decides what is built.
fn key(module: &Module) -> Result<String> {
    let mut hasher = Sha256::new();
    let mut field = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_be_bytes());
        hasher.update(bytes);
    };
    field(link_flags(module).as_bytes());
    field(module.packages.join(" ").as_bytes());
    for file in ["go.mod", "go.sum", "main.go"] {
        let path = source(module).join(file);
        match fs::read(&path) {
            Ok(content) => field(&content),
            // Modules that build other modules' programs have no program of their own.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && file == "main.go" => {
                field(b"")
            }
            Err(error) => {
                return Err(error).with_context(|| format!("could not read {}", path.display()));
            }
        }
    }
    Ok(format!("{}-{}", module.name, short(&hasher.finalize())))
}

fn source(module: &Module) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("go").join(module.name)
}

fn short(hash: &[u8]) -> String {
    hex::encode(&hash[..8])
}

/// The last lines of a log, for an error message.
pub(crate) fn tail(log: &Path) -> String {
    let text =
        fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}
