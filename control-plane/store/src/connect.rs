//! Opening the database, its connections, and the lock under which the schema moves.

use std::str::FromStr as _;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbErr, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
    sqlx::{
        self, AssertSqlSafe, Executor as _, PgPool,
        postgres::{PgConnectOptions, PgPoolOptions},
        sqlite::{
            SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
            SqliteSynchronous,
        },
    },
};
use sea_orm_migration::MigratorTrait;

use crate::{
    door::{Connections, Counts, Group, PATIENCE, WriteCounts, connection_error},
    error::{During, StoreError},
    migrations::Migrator,
    planted::look_for_planted_bugs,
    row_security::{self, Login, ROLE},
    scope::SystemScope,
};

/// Readers of a SQLite file beside its one writer: pages and reconcilers that read at the same moment.
const SQLITE_READERS: u32 = 4;

/// Connections of one replica to PostgreSQL, of each of its two kinds: together well below the server's
/// usual limit of 100.
const POSTGRES_CONNECTIONS: u32 = 12;

/// Any number will do as long as every replica takes the same one: the ASCII letters of `gimlet`.
const MIGRATION_LOCK: i64 = 0x0067_696d_6c65_7400;

const MIGRATE: &str = "bring the schema up to date";
const FILE: &str = "open the database file";
const CONNECT: &str = "connect to PostgreSQL";

/// The database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) connections: Connections,
    address: Address,
}

/// Where the database is, and how it is reached.
#[derive(Clone, Debug)]
enum Address {
    Sqlite(SqliteConnectOptions),
    Postgres(PgConnectOptions),
}

impl Store {
    /// Opens `sqlite:///path/to/file` (made where it is missing) or `postgres://…`, and brings the schema
    /// up to date.
    ///
    /// On PostgreSQL row-level security holds organizations apart, whatever a query forgets, also where the
    /// login owns the tables. A login with SUPERUSER or BYPASSRLS, which no row-level security holds, works
    /// under the role `gimlet_rows` (`SET ROLE`), which is made where it is missing.
    ///
    /// # Errors
    /// [`StoreError::Address`] for other addresses, [`StoreError::Query`] where the database cannot be
    /// reached or its schema not be moved, [`StoreError::RowSecurity`] where it would not hold
    /// organizations apart.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        look_for_planted_bugs();
        let address = Address::parse(url)?;
        let login = address.migrate().await?;
        let counts = Counts::new().map_err(|error| DbErr::Custom(error.to_string()));
        let counts = counts.during("count what is written")?;
        let connections = match &address {
            Address::Sqlite(options) => open_sqlite(options, counts).await?,
            Address::Postgres(options) => open_postgres(options, login, counts),
        };
        let store = Self { connections, address };
        if let Address::Postgres(_) = &store.address {
            row_security::prove(&store.read(&store.system())).await?;
        }
        Ok(store)
    }

    /// Brings the schema up to date; does nothing where it is. Several replicas may start at once.
    ///
    /// # Errors
    /// [`StoreError::Query`]; the schema is then as it was.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        self.address.migrate().await.map(drop)
    }

    /// Asks the database for an answer.
    ///
    /// # Errors
    /// [`StoreError::Query`] where none comes.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let answer = self.read(&self.system()).execute_unprepared("SELECT 1").await;
        answer.map(drop).during("reach the database")
    }

    /// The scope of the control plane's own work. Never reach for it on behalf of someone.
    #[must_use]
    pub fn system(&self) -> SystemScope {
        SystemScope::new()
    }

    /// What was written since the store was opened, by this store and its clones.
    #[must_use]
    pub fn write_counts(&self) -> WriteCounts {
        self.connections.counts().read()
    }

    /// How many statements read what is committed since the store was opened, by this store and its clones:
    /// what a page costs, whatever the machine.
    #[must_use]
    pub fn read_count(&self) -> u64 {
        self.connections.counts().reads()
    }

    /// Shows what was read and written among the metrics.
    ///
    /// # Errors
    /// When a metric of the same name is registered already.
    pub fn register_metrics(
        &self,
        registry: &prometheus::Registry,
    ) -> Result<(), prometheus::Error> {
        self.connections.counts().register(registry)
    }
}

impl Address {
    fn parse(url: &str) -> Result<Self, StoreError> {
        match url.split_once(':') {
            Some(("sqlite", _)) => sqlite_options(url).map(Self::Sqlite),
            Some(("postgres" | "postgresql", _)) => {
                let options = PgConnectOptions::from_str(url).map_err(connection_error);
                options.during(CONNECT).map(Self::Postgres)
            }
            Some(_) => Err(StoreError::Address { reason: "is of an unknown kind" }),
            None => Err(StoreError::Address { reason: "names no kind of database" }),
        }
    }

    /// Moves the schema over a connection of its own, which no policy and no turn of the writer holds up.
    async fn migrate(&self) -> Result<Login, StoreError> {
        let connection: DatabaseConnection = match self {
            Self::Sqlite(options) => {
                let pool = sqlite_pool(1).connect_with(options.clone()).await;
                pool.map_err(connection_error).during(FILE)?.into()
            }
            Self::Postgres(options) => {
                let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(PATIENCE);
                let pool = pool.connect_with(options.clone()).await;
                pool.map_err(connection_error).during(CONNECT)?.into()
            }
        };
        let migrated = match self {
            Self::Sqlite(_) => migrate_sqlite(&connection).await,
            Self::Postgres(_) => migrate_postgres(&connection).await,
        };
        connection.close().await.during(MIGRATE)?;
        migrated
    }
}

async fn migrate_sqlite(connection: &DatabaseConnection) -> Result<Login, StoreError> {
    // The transaction itself is the lock. A deferred one that turns into a writing one fails at once if
    // another wrote meanwhile.
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..Default::default()
    };
    let txn = connection.begin_with_options(options).await.during(MIGRATE)?;
    take_steps(&txn).await.during(MIGRATE)?;
    txn.commit().await.during(MIGRATE)?;
    Ok(Login::Held)
}

async fn migrate_postgres(connection: &DatabaseConnection) -> Result<Login, StoreError> {
    let txn = connection.begin().await.during(MIGRATE)?;
    // Steps may have to change rows of everyone.
    let lock =
        format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK}); SET LOCAL gimlet.system = 'on'");
    txn.execute_unprepared(&lock).await.during(MIGRATE)?;
    take_steps(&txn).await.during(MIGRATE)?;
    let login = row_security::protect(&txn).await?;
    txn.commit().await.during(MIGRATE)?;
    Ok(login)
}

async fn take_steps(txn: &sea_orm::DatabaseTransaction) -> Result<(), DbErr> {
    Migrator::install(txn).await?;
    // The migrator refuses a schema with steps that it does not know; this binary runs on one.
    let applied = Migrator::get_migration_models(txn).await?;
    let is_applied = |name: &str| applied.iter().any(|step| step.version == name);
    if Migrator::migrations().iter().all(|step| is_applied(step.name())) {
        return Ok(());
    }
    Migrator::up(txn, None).await
}

fn sqlite_options(url: &str) -> Result<SqliteConnectOptions, StoreError> {
    let path = url
        .strip_prefix("sqlite://")
        .filter(|path| path.starts_with('/'))
        .ok_or(StoreError::Address { reason: "has no absolute path after sqlite://" })?;
    Ok(SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(PATIENCE))
}

fn sqlite_pool(connections: u32) -> SqlitePoolOptions {
    let pool = SqlitePoolOptions::new().max_connections(connections).acquire_timeout(PATIENCE);
    pool.idle_timeout(None).max_lifetime(None)
}

async fn open_sqlite(
    options: &SqliteConnectOptions,
    counts: Counts,
) -> Result<Connections, StoreError> {
    let connect = async |pool: SqlitePoolOptions, options| -> Result<SqlitePool, StoreError> {
        pool.connect_with(options).await.map_err(connection_error).during(FILE)
    };
    let writer = connect(sqlite_pool(1), options.clone()).await?;
    let reading = options.clone().pragma("query_only", "on");
    let readers = connect(sqlite_pool(SQLITE_READERS), reading).await?;
    Ok(Connections::Sqlite { readers, writer: Group::new(writer, counts) })
}

fn open_postgres(options: &PgConnectOptions, login: Login, counts: Counts) -> Connections {
    let role = match login {
        Login::Held => String::new(),
        Login::PassesBy => format!("SET ROLE {ROLE};"),
    };
    Connections::Postgres {
        scoped: postgres_pool(options, role.clone()),
        system: postgres_pool(options, format!("{role}SET gimlet.system = 'on'")),
        counts,
    }
}

/// Connections that are made when they are needed, and begin with this.
fn postgres_pool(options: &PgConnectOptions, first: String) -> PgPool {
    PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .after_connect(move |connection, _| {
            let first = first.clone();
            Box::pin(async move {
                connection.execute(sqlx::raw_sql(AssertSqlSafe(first))).await.map(drop)
            })
        })
        .connect_lazy_with(options.clone())
}
