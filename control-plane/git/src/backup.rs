//! Repositories back from single files.

use std::{ffi::OsString, path::Path};

use gimlet_remote::Settings;

use crate::{Git, RunError, skeleton};

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

/// Makes the bare repository `repository` of a bundle. It appears whole or not at all; every object is
/// checked.
///
/// # Errors
/// [`UnbundleError`].
pub async fn unbundle(git: &Git, bundle: &Path, repository: &Path) -> Result<(), UnbundleError> {
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
    git.succeed(Some(building.path()), "fetch", arguments, settings).await?;
    skeleton::publish(building.path(), repository).map_err(write)?;
    // It is not there any more; nothing is to be removed.
    let _ = building.keep();
    Ok(())
}
