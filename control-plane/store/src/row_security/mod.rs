//! Row-level security on PostgreSQL: what the scope's filter says, said a second time by the database.
//!
//! Every table with an `organization_id`, and `organizations`, has it enabled and forced, so that it holds
//! for their owner too. Rows exist for a transaction that set `gimlet.organization` to theirs, and for a
//! connection of the control plane's own work, which set `gimlet.system`. With neither there are none.
//!
//! A login with SUPERUSER or BYPASSRLS passes by any row-level security, forced or not. Such a server works
//! under the role `gimlet_rows` instead, which has neither; it makes the role where it is missing. Where it
//! may not, or where the database says at the end that a table's rows are not held apart, the store does
//! not open.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};

use crate::error::{DatabaseError, During, StoreError};

/// The role of the whole database server under which a login that passes by the policies works.
pub(crate) const ROLE: &str = "gimlet_rows";

const CHECK: &str = "check that organizations are held apart";

/// Protects every table that is not protected, and says whether the login must work under [`ROLE`].
pub(crate) async fn protect(txn: &impl ConnectionTrait) -> Result<Login, StoreError> {
    txn.execute_unprepared(include_str!("protect.sql")).await.during(CHECK)?;
    if !passes_by(txn).await.during(CHECK)? {
        return Ok(Login::Held);
    }
    txn.execute_unprepared(include_str!("role.sql")).await.map_err(|source| {
        StoreError::RowSecurity {
            reason: "the login has BYPASSRLS and may not make the role gimlet_rows to work under",
            source: Some(DatabaseError::from(source)),
        }
    })?;
    Ok(Login::PassesBy)
}

/// How row-level security meets the login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    /// It holds it.
    Held,
    /// It does not: connections take [`ROLE`].
    PassesBy,
}

async fn passes_by(db: &impl ConnectionTrait) -> Result<bool, DbErr> {
    const QUERY: &str =
        "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user";

    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, QUERY)).await?;
    row.map_or(Ok(true), |row| row.try_get_by_index(0))
}

/// Asks the database itself, over a connection as the queries use it, whether each table's rows are held
/// apart.
pub(crate) async fn prove(connection: &impl ConnectionTrait) -> Result<(), StoreError> {
    const QUERY: &str = "SELECT count(*) FROM pg_class c \
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') \
        AND (c.relname = 'organizations' OR EXISTS (SELECT FROM pg_attribute a \
            WHERE a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped)) \
        AND NOT row_security_active(c.oid)";

    let open = connection.query_one_raw(Statement::from_string(DbBackend::Postgres, QUERY)).await;
    let open = open.during(CHECK)?.map(|row| row.try_get_by_index::<i64>(0)).transpose();
    match open.during(CHECK)? {
        Some(0) => Ok(()),
        Some(_) | None => Err(StoreError::RowSecurity {
            reason: "row-level security is not active for the login on every table",
            source: None,
        }),
    }
}
