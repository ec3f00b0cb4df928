//! Repositories into single files and back, and whether they are whole.

use std::{ffi::OsString, path::Path, time::Duration};

use crate::{
    Git, RunError,
    binary::{Run, Settings},
    skeleton,
};

/// A repository of gigabytes takes this long on a slow disk.
const TIME_LIMIT: Duration = Duration::from_secs(1800);
/// What these commands print is for the error only.
const OUTPUT_LIMIT: usize = 1 << 20;

/// Why a repository was not made from its bundle.
#[derive(Debug, thiserror::Error)]
pub enum UnbundleError {
    /// The disk refuses.
    #[error("the repository {path} could not be written")]
    Write {
        /// Where it was to be.
        path: std::path::PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// Git refuses.
    #[error("the bundle could not be read")]
    Run(#[from] RunError),
}

impl Git {
    /// The version of the git binary, such as `2.39.5`.
    ///
    /// # Errors
    /// When it is missing or says nothing.
    pub async fn version(&self) -> Result<String, RunError> {
        let arguments = Vec::new();
        let settings = Settings::default();
        let run = Run {
            git_dir: None,
            command: "version",
            arguments,
            settings,
            time_limit: Duration::from_secs(10),
            output_limit: OUTPUT_LIMIT,
        };
        let finished = self.run(run).await?;
        let text = String::from_utf8_lossy(&finished.stdout).into_owned();
        match text.split_whitespace().nth(2) {
            Some(version) if finished.success => Ok(version.to_owned()),
            _ => Err(RunError::Failed { command: "version".into(), complaint: text }),
        }
    }

    /// Writes all refs of a bare repository, and everything they lead to, into the new file `bundle`.
    /// What is pushed meanwhile is in it whole or not at all.
    ///
    /// # Errors
    /// When git does not get to its end. A repository without a commit cannot be bundled.
    pub async fn bundle(&self, repository: &Path, bundle: &Path) -> Result<(), RunError> {
        let arguments = ["create".into(), "--quiet".into(), bundle.into(), "--all".into()];
        self.succeed(Some(repository), "bundle", arguments.to_vec(), Settings::default()).await
    }

    /// Makes the bare repository `repository` of a bundle. It appears whole or not at all; every object is
    /// checked.
    ///
    /// # Errors
    /// [`UnbundleError`].
    pub async fn unbundle(&self, bundle: &Path, repository: &Path) -> Result<(), UnbundleError> {
        let write = |source| UnbundleError::Write { path: repository.to_owned(), source };
        let parent = skeleton::parent_of(repository);
        std::fs::create_dir_all(parent).map_err(write)?;
        let building = tempfile::Builder::new().prefix(".gimlet-init-").tempdir_in(parent);
        let building = building.map_err(write)?;
        skeleton::write(building.path()).map_err(write)?;
        let mut settings = Settings::default();
        settings.set("protocol.file.allow", "always");
        settings.set("transfer.fsckObjects", "true");
        let options = ["--quiet", "--no-tags", "--no-write-fetch-head", "--"].map(OsString::from);
        let mut arguments = options.to_vec();
        arguments.extend([bundle.into(), "+refs/*:refs/*".into()]);
        self.succeed(Some(building.path()), "fetch", arguments, settings).await?;
        skeleton::publish(building.path(), repository).map_err(write)?;
        // It is not there any more; nothing is to be removed.
        let _ = building.keep();
        Ok(())
    }

    /// Has git check every object and link of a bare repository.
    ///
    /// # Errors
    /// [`RunError::Failed`] with what is broken.
    pub async fn fsck(&self, repository: &Path) -> Result<(), RunError> {
        let arguments = ["--strict", "--no-dangling", "--no-progress"].map(OsString::from).to_vec();
        self.succeed(Some(repository), "fsck", arguments, Settings::default()).await
    }

    async fn succeed(
        &self,
        git_dir: Option<&Path>,
        command: &'static str,
        arguments: Vec<OsString>,
        settings: Settings,
    ) -> Result<(), RunError> {
        let (time_limit, output_limit) = (TIME_LIMIT, OUTPUT_LIMIT);
        let run = Run { git_dir, command, arguments, settings, time_limit, output_limit };
        let finished = self.run(run).await?;
        if finished.success {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&finished.stdout);
        let complaint = format!("{} {}", finished.stderr, said.trim()).trim().to_owned();
        Err(RunError::Failed { command: command.into(), complaint })
    }
}
