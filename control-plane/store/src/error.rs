//! Why the store did not do what it was asked.

use std::error::Error;

use sea_orm::{DbErr, SqlErr};

/// Why a call on the store failed. `Display` never repeats the source.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database's address cannot be used. It may hold a password, so it is not shown.
    #[error(
        "the database address {reason}; use sqlite:///path/to/file or postgres://user@host/name"
    )]
    Address {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The database did not answer, or refused.
    #[error("could not {operation}")]
    Query {
        /// What was tried, such as `read a release`.
        operation: &'static str,
        /// The database's own words.
        source: DatabaseError,
    },
    /// The database would not hold the rows of organizations apart.
    #[error(
        "the database does not hold organizations apart: {reason}; log in with a role that owns the \
         tables and has neither SUPERUSER nor BYPASSRLS"
    )]
    RowSecurity {
        /// What is in the way.
        reason: &'static str,
        /// The database's own words, where it said some.
        source: Option<DatabaseError>,
    },
    /// Someone changed it since it was read.
    #[error("{what} was changed by someone else")]
    Conflict {
        /// What was changed.
        what: &'static str,
    },
    /// The call refers to a row that is not there, or belongs to another organization.
    #[error("{what} was not found")]
    Absent {
        /// The kind of row.
        what: &'static str,
    },
    /// A stored value cannot be read: a newer version wrote it, or someone edited it.
    #[error("the stored {what} cannot be read")]
    Corrupt {
        /// Which value.
        what: &'static str,
        /// What is wrong with it.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// The database's own error, opaque outside this crate.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct DatabaseError(#[from] DbErr);

/// Names the operation that a database error ended.
pub(crate) trait During<T> {
    fn during(self, operation: &'static str) -> Result<T, StoreError>;
}

impl<T> During<T> for Result<T, DbErr> {
    fn during(self, operation: &'static str) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Query { operation, source: DatabaseError(source) })
    }
}

/// True where a unique constraint refused the row.
pub(crate) fn is_taken(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}
