//! What is asked of the git binary besides exchanges with other hosts.

use std::{ffi::OsString, path::Path, time::Duration};

use crate::binary::{Git, KEPT_STDERR, Run, RunError, Settings};

/// A repository of gigabytes takes this long on a slow disk.
const TIME_LIMIT: Duration = Duration::from_secs(1800);
/// What these commands print is for the error only.
const OUTPUT_LIMIT: usize = 1 << 20;

impl Git {
    /// Gathers the loose objects of a bare repository in packs, and small packs in larger ones. Each
    /// commit adds about ten loose objects, and nothing else ever gathers them. Safe beside readers and
    /// writers; to be called now and then, such as nightly.
    ///
    /// # Errors
    /// When git does not get to its end within ten minutes.
    pub async fn repack(&self, repository: &Path) -> Result<(), RunError> {
        let arguments = ["--geometric=2", "-d", "-l", "-q"].map(OsString::from).to_vec();
        let run = Run {
            git_dir: Some(repository),
            command: "repack",
            arguments,
            settings: Settings::default(),
            time_limit: Duration::from_secs(600),
            output_limit: KEPT_STDERR,
        };
        let finished = self.run(run).await?;
        if finished.success {
            return Ok(());
        }
        Err(RunError::Failed { command: "repack".into(), complaint: finished.stderr })
    }

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

    /// Has git check every object and link of a bare repository.
    ///
    /// # Errors
    /// [`RunError::Failed`] with what is broken.
    pub async fn fsck(&self, repository: &Path) -> Result<(), RunError> {
        let arguments = ["--strict", "--no-dangling", "--no-progress"].map(OsString::from).to_vec();
        self.succeed(Some(repository), "fsck", arguments, Settings::default()).await
    }

    /// Runs one of these to its end.
    ///
    /// # Errors
    /// When it does not get there.
    pub async fn succeed(
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
