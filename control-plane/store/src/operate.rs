//! What operators ask of a database from outside a running server: what it is, a copy of it, and what it
//! says about files that lie beside it. Nothing here migrates, and only the copy writes.

use std::path::Path;

use gimlet_shared::ids::OrganizationId;
use sea_orm::{
    DbErr, RuntimeErr,
    sqlx::{
        self, Connection as _, Row as _,
        postgres::PgConnection,
        sqlite::{SqliteConnectOptions, SqliteConnection},
    },
};
use sea_orm_migration::MigratorTrait as _;
use uuid::Uuid;

use crate::{
    environments::GitopsLocation,
    error::{During, StoreError},
    migrations::Migrator,
};

/// A database as it is found.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// Kind and version: `SQLite 3.50.4`, `PostgreSQL 15.14`.
    pub version: String,
    /// Steps of the schema that this program knows and the database has not.
    pub pending: Vec<String>,
    /// Steps that the database has and this program does not know: a newer one made them.
    pub unknown: Vec<String>,
    /// The database has tables, ours or others.
    pub has_tables: bool,
    /// The role that we connect as sees the rows of all organizations whatever the policies say; `None`
    /// where a database knows no such policies.
    pub bypasses_row_security: Option<bool>,
}

/// A secret as it is stored: sealed.
#[derive(Clone)]
pub enum SealedSecret {
    /// Signs the deliveries of a webhook.
    Webhook {
        /// Whose it is.
        organization: OrganizationId,
        /// The sealed text.
        sealed: String,
    },
    /// Pushes to an outside gitops repository.
    Gitops {
        /// Whose it is.
        organization: OrganizationId,
        /// The sealed text.
        sealed: String,
    },
}

/// A commit that a release names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedCommit {
    /// Whose release.
    pub organization: OrganizationId,
    /// Name of its environment.
    pub environment: String,
    /// The commit.
    pub sha: String,
}

/// A connection for one question after another.
pub struct Operator(Connected);

enum Connected {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

const CONNECT: &str = "open the database";
const INSPECT: &str = "look at the database";

/// Runs the same statement on either kind of database.
macro_rules! rows {
    ($connected:expr, $sql:expr, $row:ident => $read:expr) => {
        match $connected {
            Connected::Sqlite(connection) => sqlx::query($sql)
                .fetch_all(connection)
                .await
                .map_err(error)
                .during(INSPECT)?
                .iter()
                .map(|$row| $read)
                .collect::<Result<Vec<_>, sqlx::Error>>(),
            Connected::Postgres(connection) => sqlx::query($sql)
                .fetch_all(connection)
                .await
                .map_err(error)
                .during(INSPECT)?
                .iter()
                .map(|$row| $read)
                .collect::<Result<Vec<_>, sqlx::Error>>(),
        }
        .map_err(error)
        .during(INSPECT)?
    };
}

impl Operator {
    /// Connects to the database at `url`, as [`crate::Store::open`] reads it; a file is not made.
    ///
    /// # Errors
    /// [`StoreError::Address`], [`StoreError::Query`].
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        if let Some(path) = url.strip_prefix("sqlite://") {
            let options = SqliteConnectOptions::new().filename(path).create_if_missing(false);
            let opened = SqliteConnection::connect_with(&options).await;
            return Ok(Self(Connected::Sqlite(opened.map_err(error).during(CONNECT)?)));
        }
        if !url.starts_with("postgres") {
            return Err(StoreError::Address { reason: "is of an unknown kind" });
        }
        let opened = PgConnection::connect(url).await;
        Ok(Self(Connected::Postgres(opened.map_err(error).during(CONNECT)?)))
    }

    /// What the database is.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn inspect(&mut self) -> Result<Inspection, StoreError> {
        let (kind, version, tables) = match &self.0 {
            Connected::Sqlite(_) => (
                "SQLite",
                "SELECT sqlite_version()",
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
            ),
            Connected::Postgres(_) => (
                "PostgreSQL",
                "SHOW server_version",
                "SELECT table_name::text FROM information_schema.tables \
                 WHERE table_schema = ANY (current_schemas(false))",
            ),
        };
        let version: Vec<String> = rows!(&mut self.0, version, row => row.try_get(0));
        let tables: Vec<String> = rows!(&mut self.0, tables, row => row.try_get(0));
        let applied = self.applied(&tables).await?;
        let known: Vec<String> =
            Migrator::migrations().iter().map(|step| step.name().to_owned()).collect();
        let without = |all: &[String], others: &[String]| -> Vec<String> {
            all.iter().filter(|step| !others.contains(step)).cloned().collect()
        };
        Ok(Inspection {
            version: format!("{kind} {}", version.join("")),
            pending: without(&known, &applied),
            unknown: without(&applied, &known),
            has_tables: !tables.is_empty(),
            bypasses_row_security: self.bypasses_row_security().await?,
        })
    }

    async fn applied(&mut self, tables: &[String]) -> Result<Vec<String>, StoreError> {
        if !tables.iter().any(|table| table == "seaql_migrations") {
            return Ok(Vec::new());
        }
        let sql = "SELECT version FROM seaql_migrations ORDER BY version";
        Ok(rows!(&mut self.0, sql, row => row.try_get(0)))
    }

    async fn bypasses_row_security(&mut self) -> Result<Option<bool>, StoreError> {
        let Connected::Postgres(connection) = &mut self.0 else { return Ok(None) };
        let sql = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user";
        let row = sqlx::query(sql).fetch_one(connection).await.map_err(error).during(INSPECT)?;
        row.try_get(0).map(Some).map_err(error).during(INSPECT)
    }

    /// Every secret that is kept sealed.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn sealed_secrets(&mut self) -> Result<Vec<SealedSecret>, StoreError> {
        self.see_all().await?;
        let sql = "SELECT organization_id, secret FROM source_repositories";
        let webhooks: Vec<(Uuid, String)> =
            rows!(&mut self.0, sql, row => Ok((row.try_get(0)?, row.try_get(1)?)));
        let sql = "SELECT organization_id, gitops FROM environments";
        let environments: Vec<(Uuid, String)> =
            rows!(&mut self.0, sql, row => Ok((row.try_get(0)?, row.try_get(1)?)));
        let mut all: Vec<SealedSecret> = webhooks
            .into_iter()
            .map(|(owner, sealed)| SealedSecret::Webhook {
                organization: OrganizationId(owner),
                sealed,
            })
            .collect();
        for (owner, gitops) in environments {
            if let GitopsLocation::Outside { credential: Some(sealed), .. } = location(&gitops)? {
                let organization = OrganizationId(owner);
                all.push(SealedSecret::Gitops { organization, sealed });
            }
        }
        Ok(all)
    }

    /// The commits that releases name, of environments whose repositories are the server's own.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn named_commits(&mut self) -> Result<Vec<NamedCommit>, StoreError> {
        self.see_all().await?;
        let sql = "SELECT DISTINCT r.organization_id, e.name, e.gitops, r.commit_sha \
                   FROM releases r JOIN environments e ON e.id = r.environment_id \
                   WHERE r.commit_sha IS NOT NULL";
        let found: Vec<(Uuid, String, String, String)> = rows!(&mut self.0, sql, row => {
            Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?))
        });
        let mut named = Vec::with_capacity(found.len());
        for (owner, environment, gitops, sha) in found {
            if matches!(location(&gitops)?, GitopsLocation::BuiltIn) {
                named.push(NamedCommit { organization: OrganizationId(owner), environment, sha });
            }
        }
        named.sort();
        Ok(named)
    }

    /// Copies a SQLite database to the new file `to`, as of one moment, while others write.
    ///
    /// # Errors
    /// [`StoreError::Address`] for another kind of database, [`StoreError::Query`].
    pub async fn copy_to(&mut self, to: &Path) -> Result<(), StoreError> {
        let Connected::Sqlite(connection) = &mut self.0 else {
            return Err(StoreError::Address { reason: "is no file" });
        };
        let Some(path) = to.to_str() else {
            return Err(StoreError::Address { reason: "is copied to a path that is no UTF-8" });
        };
        // A parameter is taken for the name as any text would be.
        let copied = sqlx::query("VACUUM INTO ?").bind(path).execute(connection).await;
        copied.map(drop).map_err(error).during("copy the database")
    }

    /// Checks a SQLite file from its first page to its last.
    ///
    /// # Errors
    /// [`StoreError::Query`]; what is broken is the answer.
    pub async fn broken_pages(&mut self) -> Result<Vec<String>, StoreError> {
        let Connected::Sqlite(connection) = &mut self.0 else { return Ok(Vec::new()) };
        let found = sqlx::query("PRAGMA integrity_check").fetch_all(connection).await;
        let found = found.map_err(error).during("check the database")?;
        let words = found.iter().map(|row| row.try_get::<String, _>(0));
        let words = words.collect::<Result<Vec<_>, _>>().map_err(error).during(INSPECT)?;
        Ok(words.into_iter().filter(|word| word != "ok").collect())
    }

    /// Lifts the rows' policies for this session, where there are some.
    async fn see_all(&mut self) -> Result<(), StoreError> {
        let Connected::Postgres(connection) = &mut self.0 else { return Ok(()) };
        let set = sqlx::query("SET gimlet.system = 'on'").execute(connection).await;
        set.map(drop).map_err(error).during(INSPECT)
    }
}

fn location(text: &str) -> Result<GitopsLocation, StoreError> {
    crate::columns::from_json("gitops location", text)
}

fn error(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}
