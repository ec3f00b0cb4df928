//! Backup and restore: database, git repositories, certificate authority and the secrets' key in one file.
//!
//! The database is copied first, as of one moment, and the repositories after it: every commit that the
//! copied database names is then in the copied repositories. What a repository has beyond that is found
//! again after a restore by its `Deploy-Id`, and not made a second time.

mod archive;
mod database;
mod manifest;
mod restore;
mod verify;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use gimlet_git::Git;
use gimlet_store::Operator;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use time::{OffsetDateTime, macros::format_description};

use crate::config::Config;
use archive::ArchiveWriter;
use manifest::{DatabaseKind, Manifest};

pub use restore::{Existing, Restored, restore};
pub use verify::{Verified, verify};

/// The folder in the data directory where the repositories lie.
const GITOPS: &str = "gitops";

/// A finished backup.
#[derive(Clone, Debug, Serialize)]
pub struct BackedUp {
    /// The file.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// How many repositories are in it.
    pub repositories: usize,
    /// The database it was made of, and its version.
    pub database: String,
}

/// Writes a backup to `to`: a new file, or a new file in that folder. Others go on working meanwhile. The
/// file appears whole or not at all, and only its owner can read it.
///
/// # Errors
/// What cannot be read or written. No file is left then.
pub async fn back_up(config: &Config, to: &Path) -> anyhow::Result<BackedUp> {
    let file = target(to)?;
    let folder = folder_of(&file);
    let scratch = tempfile::Builder::new()
        .prefix(".gimlet-backup-")
        .tempdir_in(folder)
        .with_context(|| format!("cannot write to {}", folder.display()))?;
    let url = config.database_url.expose_secret();
    let kind = if config.is_sqlite() { DatabaseKind::Sqlite } else { DatabaseKind::Postgres };
    let mut operator = Operator::connect(url).await.context("cannot open the database")?;
    let inspection = operator.inspect().await.context("cannot read the database")?;
    ensure!(inspection.has_tables, "the database is empty; there is nothing to back up");

    // First the database: whatever it names is in git already.
    let snapshot = scratch.path().join(kind.file());
    database::copy(config, &mut operator, &snapshot).await?;
    let mut manifest = Manifest::begin(kind, &inspection, OffsetDateTime::now_utc())?;
    let draft = scratch.path().join("backup.tar");
    let mut archive = ArchiveWriter::create(&draft)?;
    archive.add(&format!("database/{}", kind.file()), &snapshot)?;
    fs::remove_file(&snapshot)?;
    for name in ["ca/root.pem", "ca/root.key", "secrets.key"] {
        let path = config.data_dir.join(name);
        if path.exists() {
            archive.add(name, &path)?;
        }
    }
    let git = Git::new(config.data_dir.join("git-home"));
    let repositories = repositories(&config.data_dir)?;
    for repository in &repositories {
        let bundle = scratch.path().join("repository.bundle");
        let path = config.data_dir.join(GITOPS).join(repository);
        let bundled = git.bundle(&path, &bundle).await;
        bundled.with_context(|| format!("cannot copy the repository {repository}"))?;
        archive.add(&format!("{GITOPS}/{repository}.bundle"), &bundle)?;
        fs::remove_file(&bundle)?;
    }
    manifest.files = archive.entries();
    archive.finish(&manifest)?;
    publish(&draft, &file)?;
    Ok(BackedUp {
        bytes: fs::metadata(&file)?.len(),
        file,
        repositories: repositories.len(),
        database: inspection.version,
    })
}

/// Where the file is to be. An existing one is never written over.
fn target(to: &Path) -> anyhow::Result<PathBuf> {
    if !to.is_dir() {
        ensure!(!to.exists(), "{} is there already; name a new file", to.display());
        ensure!(
            folder_of(to).is_dir(),
            "the folder {} is not there; make it first",
            folder_of(to).display()
        );
        return Ok(to.to_owned());
    }
    let now = OffsetDateTime::now_utc();
    let stamp = now.format(format_description!("[year][month][day]T[hour][minute][second]Z"))?;
    let file = to.join(format!("gimlet-{stamp}.tar"));
    if file.exists() {
        bail!("{} is there already; wait a second", file.display());
    }
    Ok(file)
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Moves the finished file to its place, which must still be free, and makes the move last.
fn publish(draft: &Path, file: &Path) -> anyhow::Result<()> {
    fs::set_permissions(draft, fs::Permissions::from_mode(0o600))?;
    fs::File::open(draft)?.sync_all()?;
    // A hard link fails where a rename would replace.
    fs::hard_link(draft, file).with_context(|| format!("cannot write {}", file.display()))?;
    fs::remove_file(draft)?;
    fs::File::open(folder_of(file))?.sync_all().context("cannot make the backup last")
}

/// The built-in repositories as `<organization>/<name>.git`, sorted.
fn repositories(data_dir: &Path) -> anyhow::Result<Vec<String>> {
    let (root, mut found) = (data_dir.join(GITOPS), Vec::new());
    if !root.exists() {
        return Ok(found);
    }
    for organization in fs::read_dir(&root)? {
        let organization = organization?;
        for repository in fs::read_dir(organization.path())? {
            let repository = repository?;
            let (owner, name) = (organization.file_name(), repository.file_name());
            let (Some(owner), Some(name)) = (owner.to_str(), name.to_str()) else { continue };
            // One that is being made has another name until it is whole.
            if name.ends_with(".git")
                && !name.starts_with('.')
                && repository.path().join("HEAD").exists()
            {
                found.push(format!("{owner}/{name}"));
            }
        }
    }
    found.sort();
    Ok(found)
}
