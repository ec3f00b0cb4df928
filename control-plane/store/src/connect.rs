//! Opening the database, its connections, and the lock under which the schema moves.

use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, RuntimeErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
    sqlx::{
        postgres::PgPoolOptions,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
    },
};
use sea_orm_migration::MigratorTrait;

use crate::{
    error::{During, StoreError},
    migrations::Migrator,
    scope::SystemScope,
};

/// Readers of a SQLite file beside its one writer: pages and reconcilers that read at the same moment.
const SQLITE_READERS: u32 = 4;

/// Connections of one replica to PostgreSQL, well below the server's usual limit of 100.
const POSTGRES_CONNECTIONS: u32 = 16;

/// How long a call waits for its turn at the database before it fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Any number will do as long as every replica takes the same one: the ASCII letters of `gimlet`.
const MIGRATION_LOCK: i64 = 0x0067_696d_6c65_7400;

/// The database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Store {
    /// SQLite has one writer; on PostgreSQL both are the same pool.
    pub(crate) writer: DatabaseConnection,
    pub(crate) reader: DatabaseConnection,
}

impl Store {
    /// Opens `sqlite:///path/to/file` (made where it is missing) or `postgres://…`, and brings the schema
    /// up to date.
    ///
    /// # Errors
    /// [`StoreError::Address`] for other addresses, [`StoreError::Query`] where the database cannot be
    /// reached or its schema not be moved.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let store = match url.split_once(':') {
            Some(("sqlite", _)) => Self::open_sqlite(url).await?,
            Some(("postgres" | "postgresql", _)) => Self::open_postgres(url).await?,
            Some(_) => return Err(StoreError::Address { reason: "is of an unknown kind" }),
            None => return Err(StoreError::Address { reason: "names no kind of database" }),
        };
        store.migrate().await?;
        Ok(store)
    }

    async fn open_sqlite(url: &str) -> Result<Self, StoreError> {
        let path = url
            .strip_prefix("sqlite://")
            .filter(|path| path.starts_with('/'))
            .ok_or(StoreError::Address { reason: "has no absolute path after sqlite://" })?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(PATIENCE);
        let pool = |connections| {
            let pool =
                SqlitePoolOptions::new().max_connections(connections).acquire_timeout(PATIENCE);
            pool.idle_timeout(None).max_lifetime(None)
        };
        let open = "open the database file";
        let writer =
            pool(1).connect_with(options.clone()).await.map_err(connection_error).during(open)?;
        let reading = options.pragma("query_only", "on");
        let reader = pool(SQLITE_READERS)
            .connect_with(reading)
            .await
            .map_err(connection_error)
            .during(open)?;
        Ok(Self { writer: writer.into(), reader: reader.into() })
    }

    async fn open_postgres(url: &str) -> Result<Self, StoreError> {
        let pool =
            PgPoolOptions::new().max_connections(POSTGRES_CONNECTIONS).acquire_timeout(PATIENCE);
        let pool =
            pool.connect(url).await.map_err(connection_error).during("connect to PostgreSQL")?;
        let both = DatabaseConnection::from(pool);
        Ok(Self { writer: both.clone(), reader: both })
    }

    /// Brings the schema up to date; does nothing where it is. Several replicas may start at once.
    ///
    /// # Errors
    /// [`StoreError::Query`]; the schema is then as it was.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        const OPERATION: &str = "bring the schema up to date";

        // On SQLite the transaction itself is the lock.
        let txn = self.begin(OPERATION).await?;
        if txn.get_database_backend() == DbBackend::Postgres {
            let lock = format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})");
            txn.execute_unprepared(&lock).await.during(OPERATION)?;
        }
        Migrator::install(&txn).await.during(OPERATION)?;
        // The migrator refuses a schema with steps that it does not know; this binary runs on one.
        let applied = Migrator::get_migration_models(&txn).await.during(OPERATION)?;
        let is_applied = |name: &str| applied.iter().any(|step| step.version == name);
        if !Migrator::migrations().iter().all(|step| is_applied(step.name())) {
            Migrator::up(&txn, None).await.during(OPERATION)?;
        }
        txn.commit().await.during(OPERATION)
    }

    /// Asks the database for an answer.
    ///
    /// # Errors
    /// [`StoreError::Query`] where none comes.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.writer.ping().await.during("reach the database")
    }

    /// The scope of the control plane's own work. Never reach for it on behalf of someone.
    #[must_use]
    pub fn system(&self) -> SystemScope {
        SystemScope::new()
    }

    /// Starts a transaction that writes; dropping it undoes it.
    pub(crate) async fn begin(
        &self,
        operation: &'static str,
    ) -> Result<DatabaseTransaction, StoreError> {
        // A deferred transaction that turns into a writing one fails at once if another wrote meanwhile.
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        };
        self.writer.begin_with_options(options).await.during(operation)
    }
}

fn connection_error(error: sea_orm::sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}
