//! What a backup says of itself.

use gimlet_store::Inspection;
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// The layout of the archive. Another one gets another number.
pub(super) const FORMAT: u32 = 1;
/// Its last entry; only then are all checksums known.
pub(super) const NAME: &str = "manifest.json";

/// Which kind of database was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum DatabaseKind {
    Sqlite,
    Postgres,
}

/// One file of the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) format: u32,
    /// Version of the server that made it.
    pub(super) server: String,
    /// RFC 3339.
    pub(super) created_at: String,
    pub(super) database: DatabaseKind,
    pub(super) database_version: String,
    /// Steps that its server knew and the database did not have yet.
    pub(super) pending_steps: Vec<String>,
    pub(super) files: Vec<Entry>,
}

impl DatabaseKind {
    /// Name of its copy.
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Sqlite => "gimlet.db",
            Self::Postgres => "gimlet.dump",
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

impl Manifest {
    pub(super) fn begin(
        kind: DatabaseKind,
        inspection: &Inspection,
        now: OffsetDateTime,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            format: FORMAT,
            server: env!("CARGO_PKG_VERSION").to_owned(),
            created_at: now.replace_nanosecond(0)?.format(&Rfc3339)?,
            database: kind,
            database_version: inspection.version.clone(),
            pending_steps: inspection.pending.clone(),
            files: Vec::new(),
        })
    }
}
