//! Why a use case did not happen, in terms that a page and an API can show.

use std::error::Error;

use gimlet_domain::role::Role;
use gimlet_store::StoreError;

/// Why a use case did not happen. `Display` is safe to show to who asked; causes are for the log.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// It does not exist, or not for who asks.
    #[error("{what} was not found")]
    NotFound {
        /// What was looked for.
        what: &'static str,
    },
    /// The role does not suffice.
    #[error("this needs the role {} or a higher one; ask an owner of the organization", needs.as_str())]
    Forbidden {
        /// The lowest role that may.
        needs: Role,
    },
    /// A field of the request is wrong.
    #[error("{field}: {detail}")]
    Invalid {
        /// The field.
        field: String,
        /// What is wrong with it, and what to do.
        detail: String,
    },
    /// The request does not fit what is there.
    #[error("{detail}")]
    Conflict {
        /// What is in the way, and what to do.
        detail: String,
    },
    /// It is not what who asks has seen.
    #[error("{what} is not what you have seen any more; read it again and decide anew")]
    Changed {
        /// What was changed.
        what: &'static str,
    },
    /// Too many at once.
    #[error("too many requests; try again in {retry_after_s} s")]
    TooMany {
        /// Seconds to wait.
        retry_after_s: u64,
    },
    /// The device login waits for its approval.
    #[error("the login waits for approval in the browser")]
    DevicePending,
    /// The device login lapsed or was never started.
    #[error("the login has lapsed; start a new one")]
    DeviceExpired,
    /// The credential is unknown, spent or expired.
    #[error("{detail}")]
    Unauthorized {
        /// What to do.
        detail: String,
    },
    /// Something that the use case needs does not work.
    #[error("{what} does not work at the moment; try again")]
    Unavailable {
        /// What it is.
        what: &'static str,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl AppError {
    /// An [`AppError::Invalid`].
    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), detail: detail.into() }
    }

    /// An [`AppError::Unavailable`] with its cause.
    pub fn unavailable(
        what: &'static str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Unavailable { what, source: source.into() }
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Absent { what } => Self::NotFound { what },
            StoreError::Conflict { what } => Self::Conflict {
                detail: format!("{what} was changed by someone else at the same moment; try again"),
            },
            error @ (StoreError::Address { .. }
            | StoreError::Query { .. }
            | StoreError::RowSecurity { .. }
            | StoreError::Corrupt { .. }) => Self::unavailable("the database", error),
        }
    }
}
