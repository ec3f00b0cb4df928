//! kubectl, bound to one cluster.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// A cluster that stands answers at once; on a machine under load, within seconds.
pub(crate) const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// An API server that is starting accepts connections long before it answers; who waits for it looks up this often
/// to see whether it has ended.
pub(crate) const START_PATIENCE: Duration = Duration::from_secs(2);

/// A kubectl program with the kubeconfig of one cluster.
#[derive(Clone, Debug)]
pub struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
    cache: PathBuf,
}

impl Kubectl {
    pub(crate) fn new(program: PathBuf, kubeconfig: PathBuf, cache: PathBuf) -> Self {
        Self { program, kubeconfig, cache }
    }

    /// For the run in `root`, whose files need not be there yet.
    pub(crate) fn of_run(root: &Path) -> Self {
        let file = |name| root.join(name);
        Self::new(file("bin/kubectl"), file("kubeconfig"), file("kubectl-cache"))
    }

    /// Whether the API server is ready; one that accepts connections is given `patience` to answer.
    pub(crate) fn is_answered(&self, patience: Duration) -> bool {
        let timeout = format!("--request-timeout={}ms", patience.as_millis());
        self.run(&["get", "--raw", "/readyz", &timeout]).is_ok()
    }

    /// The program itself.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// A command that has the cluster and waits for its further arguments.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .arg("--cache-dir")
            .arg(&self.cache)
            .stdin(Stdio::null());
        command
    }

    /// Runs kubectl with `arguments` and returns what it printed; its complaint becomes the error.
    pub fn run<S: AsRef<str>>(&self, arguments: &[S]) -> Result<String> {
        let arguments = arguments.iter().map(AsRef::as_ref);
        self.finish(
            self.command().args(arguments.clone()),
            &arguments.collect::<Vec<_>>().join(" "),
            "",
        )
    }

    /// Applies the manifests in `yaml`, server-side; fields that others own are taken over.
    pub fn apply(&self, yaml: &str) -> Result<String> {
        let arguments = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
        self.finish(self.command().args(arguments).stdin(Stdio::piped()), "apply", yaml)
    }

    fn finish(&self, command: &mut Command, what: &str, input: &str) -> Result<String> {
        let failed = || format!("could not run {} {what}", self.program.display());
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().with_context(failed)?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).with_context(failed)?;
        }
        let output = child.wait_with_output().with_context(failed)?;
        if !output.status.success() {
            bail!("kubectl {what}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
