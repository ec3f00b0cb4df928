//! What the environment decides: where the cache is, and whether a cluster is given.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The driver's settings, read once.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(crate) cache: PathBuf,
    pub(crate) kubeconfig: Option<PathBuf>,
    pub(crate) keep_go_cache: bool,
    pub(crate) search_path: Vec<PathBuf>,
}

impl Settings {
    /// Reads `HOME`, `KUBECONFIG`, `GIMLET_KEEP_GO_CACHE` and `PATH`.
    ///
    /// Fails when `HOME` is unset, or when `KUBECONFIG` names more than one file.
    pub fn from_environment() -> Result<Self> {
        let home = variable("HOME")
            .context("HOME is not set; the cache of built programs lives below it")?;
        Ok(Self {
            cache: Path::new(&home).join(".cache/gimlet"),
            kubeconfig: variable("KUBECONFIG").map(|value| kubeconfig(&value)).transpose()?,
            keep_go_cache: variable("GIMLET_KEEP_GO_CACHE").is_some_and(|value| value == "1"),
            search_path: search_path(variable("PATH").as_deref()),
        })
    }

    /// The folder of everything that is kept between runs.
    #[must_use]
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// The same settings with a cache elsewhere.
    #[must_use]
    pub fn with_cache(self, cache: impl Into<PathBuf>) -> Self {
        Self { cache: cache.into(), ..self }
    }

    /// The same settings with a cluster of our own, whatever `KUBECONFIG` says.
    #[must_use]
    pub fn without_kubeconfig(self) -> Self {
        Self { kubeconfig: None, ..self }
    }

    /// Where runs live, one directory each.
    pub(crate) fn runs(&self) -> PathBuf {
        self.cache.join("run")
    }

    /// The program `name` on this machine, if it is installed.
    pub(crate) fn find_program(&self, name: &str) -> Option<PathBuf> {
        self.search_path.iter().map(|directory| directory.join(name)).find(|path| path.is_file())
    }

    /// A value for `PATH` that has the system's own directories, which a user's often lacks.
    pub(crate) fn path_value(&self) -> std::ffi::OsString {
        // Only an entry that holds a colon can fail to join, and these came out of a split at colons.
        std::env::join_paths(&self.search_path).unwrap_or_default()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is where the driver reads its environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn kubeconfig(value: &str) -> Result<PathBuf> {
    if value.contains(':') {
        bail!("KUBECONFIG names several files ({value}); name one");
    }
    Ok(PathBuf::from(value))
}

fn search_path(value: Option<&str>) -> Vec<PathBuf> {
    let mut directories: Vec<PathBuf> = std::env::split_paths(value.unwrap_or_default()).collect();
    for system in ["/usr/local/go/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"] {
        if !directories.iter().any(|directory| directory == Path::new(system)) {
            directories.push(system.into());
        }
    }
    directories
}
