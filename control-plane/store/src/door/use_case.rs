//! One use case: a transaction of its own on PostgreSQL, a share of one on SQLite.

use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement,
    sqlx::{Postgres, Transaction},
};
use sea_orm_migration::async_trait::async_trait;
use tokio::sync::Mutex;

use super::{Counts, group::Share, statement};
use crate::error::{During, StoreError};

/// Statements that happen together or not at all. Dropped before [`UseCase::commit`], none has happened.
#[derive(Debug)]
pub(crate) struct UseCase {
    place: Place,
    operation: &'static str,
}

#[derive(Debug)]
enum Place {
    Alone { txn: Mutex<Transaction<'static, Postgres>>, counts: Counts },
    Shared(Mutex<Share>),
}

impl UseCase {
    pub(super) fn alone(
        txn: Transaction<'static, Postgres>,
        counts: Counts,
        operation: &'static str,
    ) -> Self {
        Self { place: Place::Alone { txn: Mutex::new(txn), counts }, operation }
    }

    pub(super) fn shared(share: Share, operation: &'static str) -> Self {
        Self { place: Place::Shared(Mutex::new(share)), operation }
    }

    /// Makes everything durable. Only after this may anybody be told that it happened.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let operation = self.operation;
        self.end().await.during(operation)
    }

    /// Undoes everything and answers `value`, once all that the use case may have seen is durable: on
    /// SQLite it may have seen a neighbour of the same transaction, and an answer such as "I have this
    /// already" must not outlive a crash that takes the neighbour away.
    pub(crate) async fn undo<T>(self, value: T) -> Result<T, StoreError> {
        match self.place {
            Place::Alone { txn, counts } => {
                counts.undid(1);
                drop(txn);
            }
            Place::Shared(share) => share.into_inner().undo().await.during(self.operation)?,
        }
        Ok(value)
    }

    pub(super) async fn end(self) -> Result<(), DbErr> {
        match self.place {
            Place::Alone { txn, counts } => {
                let done = txn.into_inner().commit().await;
                match &done {
                    Ok(()) => counts.committed_alone(),
                    Err(_) => counts.failed(),
                }
                done.map_err(statement::connection_error)
            }
            Place::Shared(share) => share.into_inner().commit().await,
        }
    }
}

#[async_trait]
impl ConnectionTrait for UseCase {
    fn get_database_backend(&self) -> DbBackend {
        match &self.place {
            Place::Alone { .. } => DbBackend::Postgres,
            Place::Shared(_) => DbBackend::Sqlite,
        }
    }

    async fn execute_raw(&self, asked: Statement) -> Result<ExecResult, DbErr> {
        match &self.place {
            Place::Alone { txn, .. } => statement::execute(&mut **txn.lock().await, asked).await,
            Place::Shared(share) => {
                let mut share = share.lock().await;
                let done = statement::execute(share.connection()?, asked).await;
                share.judge(done)
            }
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.execute_raw(Statement::from_string(self.get_database_backend(), sql)).await
    }

    async fn query_one_raw(&self, asked: Statement) -> Result<Option<QueryResult>, DbErr> {
        match &self.place {
            Place::Alone { txn, .. } => statement::one(&mut **txn.lock().await, asked).await,
            Place::Shared(share) => {
                let mut share = share.lock().await;
                let row = statement::one(share.connection()?, asked).await;
                share.judge(row)
            }
        }
    }

    async fn query_all_raw(&self, asked: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match &self.place {
            Place::Alone { txn, .. } => statement::all(&mut **txn.lock().await, asked).await,
            Place::Shared(share) => {
                let mut share = share.lock().await;
                let rows = statement::all(share.connection()?, asked).await;
                share.judge(rows)
            }
        }
    }
}
