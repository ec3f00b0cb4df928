//! Running one statement of the ORM on a connection of ours.

use sea_orm::{
    DbErr, ExecResult, QueryResult, RuntimeErr, Statement,
    sqlx::{self, AssertSqlSafe, Database, Executor, IntoArguments, query::Query},
};
use sea_query_sqlx::SqlxValues;

/// A kind of database whose answers the ORM understands.
pub(crate) trait Spoken:
    Database<QueryResult: Into<ExecResult>, Row: Into<QueryResult>>
{
}

impl<DB> Spoken for DB where DB: Database<QueryResult: Into<ExecResult>, Row: Into<QueryResult>> {}

/// Runs a statement for its effect.
pub(crate) async fn execute<'c, DB: Spoken>(
    on: impl Executor<'c, Database = DB>,
    statement: Statement,
) -> Result<ExecResult, DbErr>
where
    SqlxValues: IntoArguments<DB>,
{
    let done = on.execute(prepared(statement)).await;
    done.map(Into::into).map_err(|error| DbErr::Exec(RuntimeErr::SqlxError(error.into())))
}

/// Runs a statement for its first row.
pub(crate) async fn one<'c, DB: Spoken>(
    on: impl Executor<'c, Database = DB>,
    statement: Statement,
) -> Result<Option<QueryResult>, DbErr>
where
    SqlxValues: IntoArguments<DB>,
{
    let row = on.fetch_optional(prepared(statement)).await.map_err(query_error)?;
    Ok(row.map(Into::into))
}

/// Runs a statement for all its rows.
pub(crate) async fn all<'c, DB: Spoken>(
    on: impl Executor<'c, Database = DB>,
    statement: Statement,
) -> Result<Vec<QueryResult>, DbErr>
where
    SqlxValues: IntoArguments<DB>,
{
    let rows = on.fetch_all(prepared(statement)).await.map_err(query_error)?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The text comes from the ORM's builder, and every value is bound.
fn prepared<DB: Database>(statement: Statement) -> Query<'static, DB, SqlxValues>
where
    SqlxValues: IntoArguments<DB>,
{
    let values = statement.values.unwrap_or_else(|| sea_orm::Values(Vec::new()));
    sqlx::query_with(AssertSqlSafe(statement.sql), SqlxValues(values))
}

fn query_error(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

/// An error of the connection itself.
pub(crate) fn connection_error(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}
