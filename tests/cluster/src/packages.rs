//! The Debian packages a cluster needs, installed when something is missing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::settings::Settings;

/// What must be there, and the Debian package that brings it.
const NEEDED: [(&str, &str); 14] = [
    ("containerd", "containerd"),
    ("ctr", "containerd"),
    ("runc", "runc"),
    ("/usr/lib/cni/ptp", "containernetworking-plugins"),
    ("skopeo", "skopeo"),
    ("docker-registry", "docker-registry"),
    ("iptables", "iptables"),
    ("nft", "nftables"),
    ("conntrack", "conntrack"),
    ("socat", "socat"),
    ("curl", "curl"),
    ("ip", "iproute2"),
    ("unshare", "util-linux"),
    ("gcc", "gcc"),
];

/// While this file says no, packages start no services of theirs.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Installs what is missing.
pub(crate) fn ensure(settings: &Settings) -> Result<()> {
    let mut packages: Vec<&str> = missing(settings).collect();
    packages.dedup();
    if packages.is_empty() {
        return Ok(());
    }
    if settings.find_program("apt-get").is_none() {
        bail!(
            "programs of the Debian packages {packages:?} are missing and there is no apt-get; \
             install what they bring, or set KUBECONFIG to a cluster of yours"
        );
    }
    tracing::info!("installing {}", packages.join(" "));
    let _policy = NoServices::begin()?;
    let install = || {
        let mut arguments = vec!["install", "-y", "--no-install-recommends"];
        arguments.extend(&packages);
        apt_get(&arguments)
    };
    // A machine whose package lists are old or missing needs them first; on all others this saves the time.
    install().or_else(|_| apt_get(&["update"]).and_then(|()| install()))?;

    let still: Vec<&str> = missing(settings).collect();
    if !still.is_empty() {
        bail!("apt-get installed {packages:?}, yet programs of {still:?} are not found in PATH");
    }
    Ok(())
}

/// Unpacks the package `name` below `directory` without installing it.
pub(crate) fn unpack(name: &str, directory: &Path) -> Result<()> {
    let failed = || format!("could not download and unpack the Debian package {name}");
    let download = |_| run(Command::new("apt-get").args(["download", name]).current_dir(directory));
    download(()).or_else(|_| apt_get(&["update"]).and_then(download)).with_context(failed)?;
    for entry in fs::read_dir(directory).with_context(failed)? {
        let path = entry.with_context(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            run(Command::new("dpkg").arg("-x").arg(&path).arg(directory)).with_context(failed)?;
        }
    }
    Ok(())
}

fn missing(settings: &Settings) -> impl Iterator<Item = &'static str> {
    let absent = |program: &str| match program.starts_with('/') {
        true => !Path::new(program).exists(),
        false => settings.find_program(program).is_none(),
    };
    NEEDED.into_iter().filter(move |(program, _)| absent(program)).map(|(_, package)| package)
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    run(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("could not start {command:?}"))?;
    if !output.status.success() {
        bail!(
            "{command:?} ended with {}:\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

/// Forbids packages to start services until it is dropped; then all is as it was.
struct NoServices {
    before: Option<(Vec<u8>, fs::Permissions)>,
}

impl NoServices {
    fn begin() -> Result<Self> {
        let before = match fs::metadata(POLICY) {
            Ok(metadata) => {
                let content =
                    fs::read(POLICY).with_context(|| format!("could not read {POLICY}"))?;
                Some((content, metadata.permissions()))
            }
            Err(_) => None,
        };
        let guard = Self { before };
        fs::write(POLICY, "#!/bin/sh\nexit 101\n")
            .and_then(|()| fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755)))
            .with_context(|| {
                format!("could not write {POLICY}, which keeps packages from starting services")
            })?;
        Ok(guard)
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        let restored = match self.before.take() {
            Some((content, permissions)) => {
                fs::write(POLICY, content).and_then(|()| fs::set_permissions(POLICY, permissions))
            }
            None => fs::remove_file(POLICY),
        };
        if let Err(error) = restored {
            tracing::error!(%error, "could not restore {POLICY}; until it is removed, packages start no services");
        }
    }
}
