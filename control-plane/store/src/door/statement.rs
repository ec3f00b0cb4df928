//! Running one statement of the ORM on a connection of ours.

use sea_orm::{
    DbErr, ExecResult, QueryResult, RuntimeErr, Statement, Value,
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
    let (sql, values) = with_plain_limit(statement);
    sqlx::query_with(AssertSqlSafe(sql), SqlxValues(sea_orm::Values(values)))
}

/// Writes the number of a last `LIMIT` into the text: SQLite parses and plans a statement anew each time that
/// one is bound, which costs more than most reads. PostgreSQL spells its parameters otherwise.
fn with_plain_limit(statement: Statement) -> (String, Vec<Value>) {
    let mut values = statement.values.map(|values| values.0).unwrap_or_default();
    if let (Some(front), Some(Value::BigUnsigned(Some(limit)))) =
        (statement.sql.strip_suffix(" LIMIT ?"), values.last())
    {
        let sql = format!("{front} LIMIT {limit}");
        values.pop();
        return (sql, values);
    }
    (statement.sql, values)
}

fn query_error(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

/// An error of the connection itself.
pub(crate) fn connection_error(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}

#[cfg(test)]
mod tests {
    use sea_orm::{DbBackend, EntityTrait as _, QuerySelect as _, QueryTrait as _};

    use super::*;
    use crate::entity::source_repository::Entity;

    #[test]
    fn a_limit_of_sqlite_is_written_into_the_text_and_one_of_postgresql_is_bound() {
        let query = Entity::find().limit(7);
        let (sql, values) = with_plain_limit(query.build(DbBackend::Sqlite));
        assert!(sql.ends_with(" LIMIT 7") && values.is_empty(), "{sql} {values:?}");
        let (sql, values) = with_plain_limit(query.build(DbBackend::Postgres));
        assert!(sql.ends_with(" LIMIT $1") && values.len() == 1, "{sql} {values:?}");
    }
}
