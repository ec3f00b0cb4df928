//! The product's programs, built once, and the agent's image.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use gimlet_cluster::{Cluster, oci::Image};
use sha2::{Digest as _, Sha256};

/// The programs that a stack needs.
const PROGRAMS: [&str; 4] = ["gimlet-server", "gimlet-agent", "gimlet-install", "gimlet"];

/// Where the built programs lie.
#[derive(Clone, Debug)]
pub struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Builds the programs with cargo; quick when nothing has changed.
    ///
    /// # Errors
    /// When cargo fails; what it complains about is on standard error.
    pub fn build() -> Result<Self> {
        let root = workspace_root();
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--quiet", "--workspace"]).current_dir(&root);
        for program in PROGRAMS {
            cargo.args(["--bin", program]);
        }
        let status = cargo.status().context("cannot run cargo")?;
        ensure!(status.success(), "cargo could not build the product's programs");
        Ok(Self { folder: root.join(".target/x86_64-unknown-linux-gnu/debug") })
    }

    /// One program by name: `gimlet`, `gimlet-server`, `gimlet-agent`, `gimlet-install`.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The folder of all of them, for a `PATH`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes the agent's image, hands it to the cluster's registry, and returns its full name. The tag
    /// is made of the program's digest, so that a changed agent is another image.
    ///
    /// # Errors
    /// When the program cannot be read or the registry does not take the image.
    pub fn push_agent_image(&self, cluster: &Cluster, scratch: &Path) -> Result<String> {
        let program = scratch.join("gimlet-agent");
        std::fs::copy(self.path("gimlet-agent"), &program).context("cannot copy the agent")?;
        let stripped = Command::new("strip")
            .arg(&program)
            .status()
            .context("cannot run strip (Debian: binutils)")?;
        ensure!(stripped.success(), "strip failed on the agent");
        let digest = hex::encode(Sha256::digest(std::fs::read(&program)?));
        let name = format!("gimlet-io/gimlet-agent:{}", &digest[..12]);
        let archive = scratch.join("gimlet-agent.tar");
        Image::new(name.clone())
            .user("65532:65532")
            .entrypoint(["/gimlet-agent"])
            .file(&program, "/gimlet-agent", 0o755)
            .directory("/tmp", 0o1777)
            .write_to(&archive)?;
        cluster.push_image(&archive, &name)
    }
}

/// The root of the checkout.
#[must_use]
pub fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[cfg(test)]
mod tests {
    const CONTAINERFILE: &str = include_str!("../../agent/image/Containerfile");

    #[test]
    fn the_agent_s_image_is_the_one_that_is_released() {
        // As `push_agent_image` writes it.
        for line in
            ["FROM scratch", "USER 65532:65532", "ENTRYPOINT [\"/gimlet-agent\"]", "WORKDIR /tmp"]
        {
            assert!(CONTAINERFILE.lines().any(|have| have == line), "{line}");
        }
    }
}
