//! A backup back into a data directory and a database.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use gimlet_git::{CommitId, Git, gitops::Repository};
use gimlet_store::Operator;
use secrecy::ExposeSecret as _;
use serde::Serialize;

use super::{
    GITOPS, archive, database,
    manifest::{DatabaseKind, Manifest},
};
use crate::{config::Config, lock::DataLock};

/// What becomes of what is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Nothing may be there.
    Refuse,
    /// Files are moved to a folder beside them, tables of a PostgreSQL database are dropped.
    Replace,
}

/// What a restore brought.
#[derive(Clone, Debug, Serialize)]
pub struct Restored {
    /// When the backup was made, RFC 3339.
    pub created_at: String,
    /// How many repositories were made.
    pub repositories: usize,
    /// How many commits the database names in them; all of them are there.
    pub commits: usize,
    /// Where the files lie that were there before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<PathBuf>,
}

/// What a data directory may have besides caches, in the order in which it is put in place: the database
/// comes last, so that a server finds all or nothing of it.
const PARTS: [&str; 4] = ["ca", "secrets.key", GITOPS, "gimlet.db"];
/// What belongs to a database file and to no other.
const COMPANIONS: [&str; 2] = ["gimlet.db-wal", "gimlet.db-shm"];

/// Restores `from` for this configuration. Nothing is changed before the backup was found whole.
///
/// # Errors
/// What is wrong with the backup, or stands in its way.
pub async fn restore(config: &Config, from: &Path, existing: Existing) -> anyhow::Result<Restored> {
    let manifest = archive::read_manifest(from)?;
    let kind = if config.is_sqlite() { DatabaseKind::Sqlite } else { DatabaseKind::Postgres };
    ensure!(
        manifest.database == kind,
        "the backup is of {}, and database_url names {}; restore it into the kind it came from",
        manifest.database.word(),
        kind.word()
    );
    crate::serve::make_private(&config.data_dir)
        .with_context(|| format!("cannot make {}", config.data_dir.display()))?;
    let _lock = DataLock::take(&config.data_dir)?;
    refuse_existing(config, existing).await?;
    let staged = tempfile::Builder::new().prefix(".restore-").tempdir_in(&config.data_dir)?;
    stage(config, from, &manifest, staged.path()).await?;
    let commits = check_commits(config, kind, staged.path()).await?;
    if kind == DatabaseKind::Postgres {
        // The one step that may still fail for reasons outside, in one transaction.
        database::fill_postgres(config, &staged.path().join(kind.file()), existing).await?;
    }
    let moved_to = put_in_place(config, kind, staged.path())?;
    let commits = match commits {
        Some(commits) => commits,
        None => missing_commits(config.database_url.expose_secret(), &config.data_dir).await?,
    };
    let repositories = manifest.files.iter().filter(|file| file.name.ends_with(".bundle")).count();
    Ok(Restored { created_at: manifest.created_at, repositories, commits, moved_to })
}

async fn refuse_existing(config: &Config, existing: Existing) -> anyhow::Result<()> {
    if existing == Existing::Replace {
        return Ok(());
    }
    const REMEDY: &str = "choose an empty one, or replace what is there with --replace";
    if let Some(part) = PARTS.iter().find(|part| config.data_dir.join(part).exists()) {
        bail!("{} has {part} already; {REMEDY}", config.data_dir.display());
    }
    let url = config.database_url.expose_secret();
    if let Some(path) = url.strip_prefix("sqlite://") {
        ensure!(!Path::new(path).exists(), "the database {path} is there already; {REMEDY}");
        return Ok(());
    }
    let mut operator = Operator::connect(url).await.context("cannot open the database")?;
    let inspection = operator.inspect().await.context("cannot read the database")?;
    ensure!(!inspection.has_tables, "the database has tables already; {REMEDY}");
    Ok(())
}

/// Unpacks everything beside its place, and has git and SQLite check what they will work with.
async fn stage(
    config: &Config,
    from: &Path,
    manifest: &Manifest,
    staged: &Path,
) -> anyhow::Result<()> {
    let bundles = staged.join("bundles");
    fs::create_dir(&bundles)?;
    fs::create_dir(staged.join(GITOPS))?;
    archive::extract(from, |name| {
        let parts: Vec<&str> = name.split('/').collect();
        Ok(match parts.as_slice() {
            ["database", file] if *file == manifest.database.file() => staged.join(file),
            ["ca", file @ ("root.pem" | "root.key")] => {
                fs::create_dir_all(staged.join("ca"))?;
                staged.join("ca").join(file)
            }
            ["secrets.key"] => staged.join("secrets.key"),
            [GITOPS, owner, file] if file.ends_with(".git.bundle") => {
                bundles.join(format!("{owner}@{file}"))
            }
            _ => bail!("the backup has a file that no backup has: {name}"),
        })
    })?;
    let git = Git::new(config.data_dir.join("git-home"));
    for entry in fs::read_dir(&bundles)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some((owner, file)) = name.split_once('@') else { continue };
        let repository = staged.join(GITOPS).join(owner).join(file.trim_end_matches(".bundle"));
        gimlet_git::unbundle(&git, &entry.path(), &repository)
            .await
            .with_context(|| format!("cannot restore the repository {owner}/{file}"))?;
        git.fsck(&repository)
            .await
            .with_context(|| format!("the restored repository {owner}/{file} is not whole"))?;
    }
    fs::remove_dir_all(&bundles).context("cannot tidy up")
}

/// For a SQLite backup, before anything is put in place; PostgreSQL has to be filled first.
async fn check_commits(
    config: &Config,
    kind: DatabaseKind,
    staged: &Path,
) -> anyhow::Result<Option<usize>> {
    match kind {
        DatabaseKind::Postgres => Ok(None),
        DatabaseKind::Sqlite => {
            let url = format!("sqlite://{}", staged.join(kind.file()).display());
            let mut operator = Operator::connect(&url).await?;
            let broken = operator.broken_pages().await?;
            ensure!(
                broken.is_empty(),
                "the database in the backup is damaged: {}",
                broken.join("; ")
            );
            drop(operator);
            let _ = config;
            missing_commits(&url, staged).await.map(Some)
        }
    }
}

/// Holds every commit that releases name against the repositories; returns how many there are.
async fn missing_commits(url: &str, root: &Path) -> anyhow::Result<usize> {
    let named = Operator::connect(url).await?.named_commits().await?;
    let (mut missing, mut opened) = (BTreeSet::new(), None);
    for commit in &named {
        let name = format!("{}/gitops-{}-apps.git", commit.organization, commit.environment);
        if opened.as_ref().is_none_or(|(open, _)| *open != name) {
            let repository = Repository::open(root.join(GITOPS).join(&name)).await;
            opened = Some((name.clone(), repository.ok()));
        }
        let id: CommitId =
            commit.sha.parse().context("the database names a commit that is none")?;
        let there = match &opened {
            Some((_, Some(repository))) => repository.commit_info(id).await.is_ok(),
            Some((_, None)) | None => false,
        };
        if !there {
            missing.insert(format!("{} in {name}", commit.sha));
        }
    }
    let shown: Vec<&str> = missing.iter().take(5).map(String::as_str).collect();
    ensure!(
        missing.is_empty(),
        "the backup lacks {} commits that its database names: {}",
        missing.len(),
        shown.join(", ")
    );
    Ok(named.len())
}

/// Moves what is there away, and what was unpacked to its place.
fn put_in_place(
    config: &Config,
    kind: DatabaseKind,
    staged: &Path,
) -> anyhow::Result<Option<PathBuf>> {
    let data_dir = &config.data_dir;
    let moved_to = move_away(data_dir)?;
    for part in PARTS.iter().filter(|part| **part != "gimlet.db") {
        if staged.join(part).exists() {
            fs::rename(staged.join(part), data_dir.join(part))?;
        }
    }
    if kind == DatabaseKind::Sqlite {
        let url = config.database_url.expose_secret();
        let place = url.strip_prefix("sqlite://").map_or(data_dir.join("gimlet.db"), PathBuf::from);
        fs::rename(staged.join(kind.file()), &place)
            .with_context(|| format!("cannot put the database at {}", place.display()))?;
    }
    fs::File::open(data_dir)?.sync_all()?;
    Ok(moved_to)
}

fn move_away(data_dir: &Path) -> anyhow::Result<Option<PathBuf>> {
    let standing: Vec<&str> = PARTS
        .into_iter()
        .chain(COMPANIONS)
        // Copies of what lies elsewhere: of another past than the backup's, and made anew.
        .chain(["mirrors", "outside"])
        .filter(|part| data_dir.join(part).exists())
        .collect();
    if standing.is_empty() {
        return Ok(None);
    }
    let place = tempfile::Builder::new().prefix("replaced-").tempdir_in(data_dir)?.keep();
    for part in standing {
        fs::rename(data_dir.join(part), place.join(part))?;
    }
    Ok(Some(place))
}

impl std::fmt::Display for Restored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "restored what was backed up at {}: {} repositories, with all {} commits that the database names",
            self.created_at, self.repositories, self.commits
        )?;
        match &self.moved_to {
            Some(folder) => writeln!(f, "what was there before lies in {}", folder.display()),
            None => Ok(()),
        }
    }
}
