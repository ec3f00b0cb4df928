//! The files that the programs of a run read, written from the templates below `conf/`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context, Result};

use crate::lab::LAB_REGISTRY;
use crate::programs::Programs;
use crate::run::Run;

/// Directories that the node binds over the system's own, or that its programs write to.
const DIRECTORIES: [&str; 8] =
    ["logs", "varlog", "varlibcni", "kubelet", "containerd", "etcd", "registry", "cni.d"];

/// Fills the run's directory.
pub(crate) fn write(run: &Run, programs: &Programs) -> Result<()> {
    for directory in DIRECTORIES {
        make_directory(&run.root().join(directory))?;
    }
    for (file, template) in [
        ("containerd.toml", include_str!("../conf/containerd.toml")),
        ("kubelet.yaml", include_str!("../conf/kubelet.yaml")),
        ("kube-proxy.yaml", include_str!("../conf/kube-proxy.yaml")),
        ("registry.yml", include_str!("../conf/registry.yml")),
        ("cni.d/10-ptp.conflist", include_str!("../conf/cni.conflist")),
        // Pods learn no name server but the cluster's own.
        ("resolv.conf", ""),
    ] {
        write_file(&run.root().join(file), &render(run, template))?;
    }
    // containerd looks for the registry's own name first and for `_default` with all others.
    for registry in [LAB_REGISTRY, "_default"] {
        let directory = run.root().join("certs.d").join(registry);
        make_directory(&directory)?;
        write_file(&directory.join("hosts.toml"), include_str!("../conf/hosts.toml"))?;
    }
    link_programs(run, programs)
}

/// Makes `programs` reachable in the run's `bin/`, by the names they are called by.
pub(crate) fn link_programs(run: &Run, programs: &Programs) -> Result<()> {
    let directory = run.root().join("bin");
    make_directory(&directory)?;
    for (name, path) in programs.iter() {
        symlink(path, directory.join(name)).with_context(|| format!("could not link {name}"))?;
    }
    Ok(())
}

fn render(run: &Run, template: &str) -> String {
    template.replace("@RUN@", &run.root().display().to_string()).replace("@NAME@", run.name())
}

fn make_directory(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("could not make {}", path.display()))
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("could not write {}", path.display()))
}
