//! SQLite's one writer: many use cases share one transaction, and so one fsync.
//!
//! Use cases take turns at the one connection. The first of a transaction begins it, each later one runs
//! in a savepoint, so that it can fail alone. Whoever is done lets everyone pass who waited meanwhile, then
//! comes again: the first to come again commits for all, and the others find their end written down. So a
//! use case that is alone costs what it always did, and nobody waits for a timer.
//!
//! An error that may have ended the transaction inside SQLite (no space, no memory, a failed read or
//! write) condemns it: nothing of it is kept, and every use case in it is told so.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use sea_orm::{
    DbErr, RuntimeErr,
    sqlx::{Executor as _, Sqlite, SqliteConnection, SqlitePool, pool::PoolConnection},
};
use tokio::{
    runtime::Handle,
    sync::{Mutex, OwnedMutexGuard},
};
use tokio_util::task::TaskTracker;

use super::{Counts, statement::connection_error};

/// How long a use case waits for its turn before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The writer. Clones share its turns.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    turn: Arc<Mutex<Turn>>,
    /// Beginning, committing and undoing are carried to their end, whoever stops waiting for them.
    steps: TaskTracker,
    counts: Counts,
}

/// What the holder of the turn has: the connection, and the transaction that is open on it.
#[derive(Debug)]
struct Turn {
    pool: SqlitePool,
    connection: Option<PoolConnection<Sqlite>>,
    batch: Option<Arc<Batch>>,
    /// Use cases of the batch that are done and wait for its commit.
    waiting: u64,
}

/// One shared transaction.
#[derive(Debug, Default)]
struct Batch {
    end: OnceLock<Result<(), DbErr>>,
}

/// One use case's turn at the writer.
#[derive(Debug)]
pub(crate) struct Share {
    group: Group,
    /// Gone once it is done.
    turn: Option<OwnedMutexGuard<Turn>>,
    batch: Arc<Batch>,
    /// True where earlier use cases of the transaction must survive this one.
    nested: bool,
    condemned: Option<DbErr>,
}

impl Group {
    /// A writer on this pool, which has one connection.
    pub(crate) fn new(pool: SqlitePool, counts: Counts) -> Self {
        let turn = Turn { pool, connection: None, batch: None, waiting: 0 };
        Self { turn: Arc::new(Mutex::new(turn)), steps: TaskTracker::new(), counts }
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Waits for a turn and begins a use case.
    pub(super) async fn enter(&self) -> Result<Share, DbErr> {
        let group = self.clone();
        let turn = tokio::time::timeout(PATIENCE, self.turn.clone().lock_owned());
        let turn = turn.await.map_err(|_| too_long())?;
        self.carry_out(async move { group.begin(turn).await }).await
    }

    async fn begin(self, mut turn: OwnedMutexGuard<Turn>) -> Result<Share, DbErr> {
        let nested = turn.batch.is_some();
        turn.run(if nested { "SAVEPOINT use_case" } else { "BEGIN IMMEDIATE" }, &self.counts)
            .await?;
        let batch = turn.batch.get_or_insert_default().clone();
        Ok(Share { group: self, turn: Some(turn), batch, nested, condemned: None })
    }

    /// Waits until a transaction has ended, and ends it where nobody else did.
    async fn settle(&self, batch: &Batch) -> Result<(), DbErr> {
        let mut turn = self.turn.lock().await;
        if batch.end.get().is_none() {
            // Its end is written down, good or bad.
            let _ = turn.commit(&self.counts).await;
        }
        drop(turn);
        // Only a commit that has an end gives the turn back.
        batch.end.get().cloned().unwrap_or_else(|| Err(interrupted()))
    }

    async fn carry_out<T: Send + 'static>(
        &self,
        step: impl Future<Output = Result<T, DbErr>> + Send + 'static,
    ) -> Result<T, DbErr> {
        self.steps.spawn(step).await.unwrap_or_else(|_| Err(interrupted()))
    }
}

impl Share {
    /// The connection, for a statement.
    pub(super) fn connection(&mut self) -> Result<&mut SqliteConnection, DbErr> {
        if let Some(error) = &self.condemned {
            return Err(error.clone());
        }
        let connection = self.turn.as_mut().and_then(|turn| turn.connection.as_deref_mut());
        connection.ok_or_else(interrupted)
    }

    /// Looks at what came of a statement: after some errors nothing of the transaction can be trusted.
    pub(super) fn judge<T>(&mut self, result: Result<T, DbErr>) -> Result<T, DbErr> {
        if let Err(error) = &result
            && !leaves_transaction_open(error)
        {
            self.condemned = Some(error.clone());
        }
        result
    }

    /// Keeps what the use case did; returns when it is durable.
    pub(super) async fn commit(mut self) -> Result<(), DbErr> {
        if let Some(error) = self.condemned.clone() {
            return Err(error);
        }
        let group = self.group.clone();
        group
            .clone()
            .carry_out(async move {
                self.leave().await?;
                let batch = self.batch.clone();
                drop(self);
                group.settle(&batch).await
            })
            .await
    }

    /// Undoes what the use case did; returns when all that it may have seen is durable.
    pub(super) async fn undo(self) -> Result<(), DbErr> {
        let (group, batch, nested) = (self.group.clone(), self.batch.clone(), self.nested);
        drop(self);
        if !nested {
            return Ok(());
        }
        group.clone().carry_out(async move { group.settle(&batch).await }).await
    }

    /// Ends the use case inside its transaction and lets the next one in.
    async fn leave(&mut self) -> Result<(), DbErr> {
        let Some(mut turn) = self.turn.take() else { return Err(interrupted()) };
        if self.nested {
            turn.run("RELEASE use_case", &self.group.counts).await?;
        }
        turn.waiting += 1;
        Ok(())
    }
}

impl Drop for Share {
    /// Undoes what was not kept, before anybody else has the turn.
    fn drop(&mut self) {
        let Some(mut turn) = self.turn.take() else { return };
        let counts = self.group.counts.clone();
        counts.undid(1);
        // Outside the runtime nothing can be waited for: closing the connection undoes as well.
        let cut_off = Handle::try_current().is_err().then(interrupted);
        if let Some(error) = self.condemned.take().or(cut_off) {
            turn.condemn(&error, &counts);
            return;
        }
        let nested = self.nested;
        self.group.steps.spawn(async move { turn.undo(nested, &counts).await });
    }
}

impl Turn {
    /// Runs a step of the transaction itself; one that fails condemns it.
    async fn run(&mut self, step: &'static str, counts: &Counts) -> Result<(), DbErr> {
        let done = match self.connection().await {
            Ok(connection) => connection.execute(step).await.map_err(connection_error),
            Err(error) => Err(error),
        };
        if let Err(error) = &done {
            self.condemn(error, counts);
        }
        done.map(drop)
    }

    async fn connection(&mut self) -> Result<&mut SqliteConnection, DbErr> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.pool.acquire().await.map_err(connection_error)?,
        };
        Ok(&mut **self.connection.insert(connection))
    }

    /// Commits for all who wait, and writes down how it ended.
    async fn commit(&mut self, counts: &Counts) -> Result<(), DbErr> {
        self.run("COMMIT", counts).await?;
        counts.committed(std::mem::take(&mut self.waiting));
        if let Some(batch) = self.batch.take() {
            let _ = batch.end.set(Ok(()));
        }
        Ok(())
    }

    async fn undo(&mut self, nested: bool, counts: &Counts) {
        if nested {
            // A failure is written down for all who are in the transaction.
            let _ = self.run("ROLLBACK TO use_case; RELEASE use_case", counts).await;
        } else {
            self.batch = None;
            let _ = self.run("ROLLBACK", counts).await;
        }
    }

    /// Gives the open transaction up, tells everyone in it, and opens the file anew for the next.
    fn condemn(&mut self, error: &DbErr, counts: &Counts) {
        counts.failed();
        counts.undid(std::mem::take(&mut self.waiting));
        if let Some(batch) = self.batch.take() {
            let _ = batch.end.set(Err(error.clone()));
        }
        // Closing undoes whatever is open, in whatever state SQLite left it.
        if let Some(mut connection) = self.connection.take() {
            connection.close_on_drop();
        }
    }
}

/// True for errors after which SQLite keeps the transaction as it was before the statement: a broken
/// constraint (19) and a statement that it does not understand (1).
/// See <https://www.sqlite.org/lang_transaction.html>, "Response To Errors Within A Transaction".
fn leaves_transaction_open(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(source))
    | DbErr::Query(RuntimeErr::SqlxError(source))
    | DbErr::Conn(RuntimeErr::SqlxError(source))) = error
    else {
        return false;
    };
    let code = source.as_database_error().and_then(|error| error.code());
    // Extended codes carry the primary one in their lowest byte.
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| matches!(code & 0xff, 1 | 19))
}

fn too_long() -> DbErr {
    DbErr::ConnectionAcquire(sea_orm::error::ConnAcquireErr::Timeout)
}

fn interrupted() -> DbErr {
    DbErr::Custom("the step was cut off before its end".to_owned())
}

#[cfg(test)]
#[path = "group_tests.rs"]
mod tests;
