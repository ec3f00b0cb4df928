//! The one door of every query: it says whose rows exist, and where a use case begins and ends.
//!
//! On PostgreSQL row-level security holds what the scope's own filter says a second time, so the door tells
//! the database who speaks: `gimlet.organization` for one transaction, or `gimlet.system` for the
//! connections of the control plane's own work. A connection that was told neither sees no row at all. On
//! SQLite, which has no such thing, the door keeps the one writer and its shared commits.

mod counts;
mod group;
mod rows;
mod statement;
mod use_case;

pub(crate) use counts::Counts;
pub use counts::WriteCounts;
pub(crate) use group::{Group, PATIENCE};
pub(crate) use rows::{Rows, Sees, Unproven};
pub(crate) use statement::connection_error;
pub(crate) use use_case::UseCase;

use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement,
    sqlx::{AssertSqlSafe, PgPool, Postgres, SqlitePool, Transaction},
};
use sea_orm_migration::async_trait::async_trait;

use crate::{
    connect::Store,
    error::{During, StoreError},
};

/// The connections of a store.
#[derive(Clone, Debug)]
pub(crate) enum Connections {
    /// Many readers, one writer.
    Sqlite { readers: SqlitePool, writer: Group },
    /// Told who speaks per transaction (`scoped`), or at their start (`system`).
    Postgres { scoped: PgPool, system: PgPool, counts: Counts },
}

impl Store {
    /// Where the scope reads what is committed.
    pub(crate) fn read(&self, scope: &impl Sees) -> Read<'_> {
        Read { connections: &self.connections, rows: scope.rows() }
    }

    /// Where the scope writes with single statements, each a use case of its own.
    pub(crate) fn write<'a>(&'a self, scope: &impl Sees) -> Write<'a> {
        Write { connections: &self.connections, rows: scope.rows() }
    }

    /// Begins a use case: all of its statements happen, or none. Dropping it undoes it.
    ///
    /// On SQLite it holds the writer's turn, so nothing but statements belongs inside, and no second one.
    pub(crate) async fn begin(
        &self,
        scope: &impl Sees,
        operation: &'static str,
    ) -> Result<UseCase, StoreError> {
        self.connections.begin(scope.rows(), operation).await.during(operation)
    }
}

impl Connections {
    async fn begin(&self, rows: Rows, operation: &'static str) -> Result<UseCase, DbErr> {
        match self {
            Self::Sqlite { writer, .. } => Ok(UseCase::shared(writer.enter().await?, operation)),
            Self::Postgres { scoped, system, counts } => {
                let begun = match rows {
                    Rows::Of(id) => begin_scoped(scoped, "BEGIN", id.0).await?,
                    Rows::All => system.begin().await.map_err(statement::connection_error)?,
                };
                Ok(UseCase::alone(begun, counts.clone(), operation))
            }
        }
    }

    pub(crate) fn counts(&self) -> &Counts {
        match self {
            Self::Sqlite { writer, .. } => writer.counts(),
            Self::Postgres { counts, .. } => counts,
        }
    }

    fn kind(&self) -> DbBackend {
        match self {
            Self::Sqlite { .. } => DbBackend::Sqlite,
            Self::Postgres { .. } => DbBackend::Postgres,
        }
    }
}

/// Begins a transaction and says whose it is in one round trip. The setting ends with the transaction.
async fn begin_scoped(
    pool: &PgPool,
    begin: &str,
    organization: uuid::Uuid,
) -> Result<Transaction<'static, Postgres>, DbErr> {
    // A UUID is made of hexadecimal digits and hyphens: nothing in it ends the quotes.
    let sql = format!("{begin}; SET LOCAL gimlet.organization = '{organization}'");
    pool.begin_with(AssertSqlSafe(sql)).await.map_err(statement::connection_error)
}

/// Reads under a scope.
pub(crate) struct Read<'a> {
    connections: &'a Connections,
    rows: Rows,
}

/// What each of the three kinds of statement does on the connection that fits.
macro_rules! reading {
    ($self:ident, $ask:ident, $statement:expr) => {{
        $self.connections.counts().read_once();
        match ($self.connections, $self.rows) {
            (Connections::Sqlite { readers, .. }, Rows::All | Rows::Of(_)) => {
                statement::$ask(readers, $statement).await
            }
            (Connections::Postgres { system, .. }, Rows::All) => {
                statement::$ask(system, $statement).await
            }
            (Connections::Postgres { scoped, .. }, Rows::Of(id)) => {
                let mut txn = begin_scoped(scoped, "BEGIN READ ONLY", id.0).await?;
                // Nothing is to be kept: the connection forgets the transaction after the answer is away.
                statement::$ask(&mut *txn, $statement).await
            }
        }
    }};
}

#[async_trait]
impl ConnectionTrait for Read<'_> {
    fn get_database_backend(&self) -> DbBackend {
        self.connections.kind()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        reading!(self, execute, statement)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.execute_raw(Statement::from_string(self.connections.kind(), sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        reading!(self, one, statement)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        reading!(self, all, statement)
    }
}

/// Writes under a scope, one statement at a time.
pub(crate) struct Write<'a> {
    connections: &'a Connections,
    rows: Rows,
}

impl Write<'_> {
    async fn begin(&self) -> Result<UseCase, DbErr> {
        self.connections.begin(self.rows, "write").await
    }
}

#[async_trait]
impl ConnectionTrait for Write<'_> {
    fn get_database_backend(&self) -> DbBackend {
        self.connections.kind()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        if let (Connections::Postgres { system, counts, .. }, Rows::All) =
            (self.connections, self.rows)
        {
            // A statement by itself is a transaction already.
            let done = statement::execute(system, statement).await?;
            counts.committed_alone();
            return Ok(done);
        }
        let txn = self.begin().await?;
        let done = txn.execute_raw(statement).await?;
        txn.end().await?;
        Ok(done)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.execute_raw(Statement::from_string(self.connections.kind(), sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let txn = self.begin().await?;
        let row = txn.query_one_raw(statement).await?;
        txn.end().await?;
        Ok(row)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let txn = self.begin().await?;
        let rows = txn.query_all_raw(statement).await?;
        txn.end().await?;
        Ok(rows)
    }
}
