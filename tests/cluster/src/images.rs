//! The images of a fresh cluster, written as archives once and kept beside the programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::oci::Image;
use crate::packages;
use crate::programs::{self, Programs};
use crate::run::lock_file;
use crate::settings::Settings;

/// To be raised when this module makes other images from the same programs.
const RECIPE: &str = "1";

/// The names and versions that Flux's own manifests ask for.
const FLUX: [(&str, &str); 4] = [
    ("source-controller", "v1.7.3"),
    ("kustomize-controller", "v1.7.3"),
    ("helm-controller", "v1.4.3"),
    ("notification-controller", "v1.6.0"),
];

const PAUSE: &str = include_str!("../images/pause.c");
const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n";
const GROUP: &str = "root:x:0:\nnobody:x:65534:\n";
const NSSWITCH: &str = "hosts: files dns\npasswd: files\ngroup: files\n";
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Begins an image named `reference` that has a shell, its tools and an HTTP server (busybox, and its
/// `httpd`): what the workloads of tests and the demo are made of. Its name look-ups work.
///
/// Builds the cluster's programs and images first if they are not there.
pub fn shell_image(settings: &Settings, reference: &str) -> Result<Image> {
    packages::ensure(settings)?;
    let programs = programs::ensure(settings)?;
    ensure(settings, &programs)?;
    busybox(
        &settings.cache.join("cluster").join(directory_name(&programs)).join("busybox/bin/busybox"),
        reference,
    )
}

/// The archives of all images in the order in which a starting cluster needs them.
pub(crate) fn ensure(settings: &Settings, programs: &Programs) -> Result<Vec<PathBuf>> {
    let store = settings.cache.join("cluster");
    let directory = store.join(directory_name(programs));
    let _lock = lock_file(&store.join(".lock"))?;
    if !directory.exists() {
        tracing::info!("writing the images of the cluster");
        let partial = store.join(".images.partial");
        if partial.exists() {
            fs::remove_dir_all(&partial)
                .with_context(|| format!("could not remove {}", partial.display()))?;
        }
        fs::create_dir_all(&partial)
            .with_context(|| format!("could not make {}", partial.display()))?;
        write_all(programs, &partial)?;
        fs::rename(&partial, &directory)
            .with_context(|| format!("could not move to {}", directory.display()))?;
    }
    let names =
        ["pause", "coredns"].into_iter().chain(FLUX.map(|(name, _)| name)).chain(["busybox"]);
    Ok(names.map(|name| directory.join(format!("{name}.tar"))).collect())
}

fn directory_name(programs: &Programs) -> String {
    let mut hasher = Sha256::new();
    hasher.update(RECIPE);
    hasher.update(programs.key());
    hasher.update(PAUSE);
    format!("images-{}", hex::encode(&hasher.finalize()[..8]))
}

fn write_all(programs: &Programs, directory: &Path) -> Result<()> {
    let mut images = vec![
        ("pause", pause(directory)?),
        ("coredns", coredns(programs)?),
        ("busybox", busybox(&unpack_busybox(directory)?, "localhost/busybox:dev")?),
    ];
    for (name, version) in FLUX {
        images.push((name, flux(programs, name, version)?));
    }
    for (name, image) in images {
        image.write_to(&directory.join(format!("{name}.tar")))?;
    }
    Ok(())
}

/// The sandbox of every pod.
fn pause(directory: &Path) -> Result<Image> {
    let (source, program) = (directory.join("pause.c"), directory.join("pause"));
    fs::write(&source, PAUSE).with_context(|| format!("could not write {}", source.display()))?;
    let output = Command::new("gcc")
        .args(["-Os", "-s", "-static", "-o"])
        .args([&program, &source])
        .output()
        .context("could not start gcc")?;
    if !output.status.success() {
        bail!(
            "gcc could not compile the pause program:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(Image::new("localhost/pause:dev")
        .user("65535:65535")
        .entrypoint(["/pause"])
        .file(program, "/pause", 0o755))
}

fn coredns(programs: &Programs) -> Result<Image> {
    Ok(Image::new("localhost/coredns:dev").user("65532:65532").entrypoint(["/coredns"]).file(
        programs.path("coredns")?,
        "/coredns",
        0o755,
    ))
}

/// Dynamically linked: a static one of glibc cannot look names up.
fn unpack_busybox(directory: &Path) -> Result<PathBuf> {
    let unpacked = directory.join("busybox");
    fs::create_dir(&unpacked).with_context(|| format!("could not make {}", unpacked.display()))?;
    packages::unpack("busybox", &unpacked)?;
    Ok(unpacked.join("bin/busybox"))
}

fn busybox(program: &Path, reference: &str) -> Result<Image> {
    let mut image = Image::new(reference)
        .env("PATH", "/bin:/sbin:/usr/bin")
        .cmd(["/bin/sh"])
        .file(program, "/bin/busybox", 0o755)
        .bytes(PASSWD, "/etc/passwd", 0o644)
        .bytes(GROUP, "/etc/group", 0o644)
        .bytes(NSSWITCH, "/etc/nsswitch.conf", 0o644)
        .directory("/tmp", 0o1777);
    for applet in
        output_of(Command::new(program).arg("--list"))?.lines().filter(|name| *name != "busybox")
    {
        image = image.symlink(format!("/bin/{applet}"), "busybox");
    }
    let listing = output_of(Command::new("ldd").arg(program))?;
    let mut libraries: Vec<&str> =
        listing.split_whitespace().filter(|word| word.starts_with("/lib")).collect();
    libraries.sort_unstable();
    libraries.dedup();
    for library in libraries {
        image = image.file(library, library, 0o755);
    }
    Ok(image)
}

/// A controller of Flux under its real name, so that the real manifests find it.
fn flux(programs: &Programs, name: &str, version: &str) -> Result<Image> {
    let inside = format!("/usr/local/bin/{name}");
    Ok(Image::new(format!("ghcr.io/fluxcd/{name}:{version}"))
        .user("65534:65534")
        .env("PATH", "/usr/local/bin")
        .env("GNUPGHOME", "/tmp")
        .env("HOME", "/tmp")
        .entrypoint([inside.as_str()])
        .file(programs.path(name)?, &inside, 0o755)
        .file(CERTIFICATES, CERTIFICATES, 0o644)
        .bytes(PASSWD, "/etc/passwd", 0o644)
        .bytes(GROUP, "/etc/group", 0o644)
        .directory("/tmp", 0o1777))
}

fn output_of(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("could not start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} ended with {}", output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
