//! What the scenarios need: node, chromium, and the packages of `package-lock.json`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail, ensure};
use gimlet_tests::programs::workspace_root;
use sha2::{Digest as _, Sha256};

/// The oldest node that playwright-core runs on.
const OLDEST_NODE: u32 = 20;
/// Names that distributions give the browser.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Where everything is.
#[derive(Debug)]
pub(crate) struct Tools {
    /// The browser.
    pub(crate) chromium: PathBuf,
    /// The folder with `node_modules`.
    pub(crate) modules: PathBuf,
}

impl Tools {
    /// Finds them, and installs what is missing where it may.
    pub(crate) fn find() -> Result<Self> {
        check_node()?;
        Ok(Self { chromium: browser()?, modules: modules()? })
    }
}

fn check_node() -> Result<()> {
    let remedy = "install node 20 or newer with npm (Debian: nodejs npm; or nodejs.org)";
    let output = Command::new("node").arg("--version").output().context(remedy)?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let major = version.trim_start_matches('v').split('.').next().and_then(|it| it.parse().ok());
    ensure!(major.is_some_and(|major: u32| major >= OLDEST_NODE), "node is {version}; {remedy}");
    Ok(())
}

fn browser() -> Result<PathBuf> {
    if let Some(found) = find_browser() {
        return Ok(found);
    }
    if !rustix::process::geteuid().is_root() {
        bail!("chromium is missing; install it (Debian: sudo apt-get install chromium)");
    }
    let install = ["install", "--yes", "--no-install-recommends", "chromium"];
    for arguments in [&["update"][..], &install] {
        let status =
            Command::new("apt-get").args(arguments).status().context("cannot run apt-get")?;
        ensure!(status.success(), "apt-get {} failed; install chromium by hand", arguments[0]);
    }
    find_browser().context("chromium was installed and is still not found in the usual folders")
}

fn find_browser() -> Option<PathBuf> {
    let places = BROWSERS.iter().map(|name| Path::new("/usr/bin").join(name));
    places.into_iter().find(|place| place.exists())
}

/// The packages, installed once for each version of the lock file.
fn modules() -> Result<PathBuf> {
    let own = workspace_root().join("tests/browser");
    let lock = std::fs::read(own.join("package-lock.json"))?;
    let hash = &hex::encode(Sha256::digest(&lock))[..16];
    let folder = cache()?.join(hash);
    let done = folder.join("installed");
    if done.exists() {
        return Ok(folder);
    }
    std::fs::create_dir_all(&folder)?;
    for file in ["package.json", "package-lock.json"] {
        std::fs::copy(own.join(file), folder.join(file))?;
    }
    let status = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&folder)
        .status()
        .context("cannot run npm (Debian: npm)")?;
    ensure!(
        status.success(),
        "npm could not install the packages of tests/browser into {}",
        folder.display()
    );
    std::fs::write(done, "")?;
    Ok(folder)
}

#[expect(clippy::disallowed_methods, reason = "a test has no main that could read it")]
fn cache() -> Result<PathBuf> {
    let home = std::env::var_os("HOME").context("HOME is not set")?;
    Ok(PathBuf::from(home).join(".cache/gimlet/browser"))
}
