//! Requests that carry an `Idempotency-Key`: carried out once, answered alike each time.

use std::time::Duration;

use gimlet_store::{KeyedRequest, TenantScope, Turn};
use secrecy::ExposeSecret as _;

use crate::{App, AppError, vault::Purpose};

/// A request that takes longer was cut off; whoever repeats it then has it carried out.
const LONGEST_RUN: Duration = Duration::from_secs(60);

/// What to do with a request that carries a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyedTurn {
    /// It is the first one: carry it out, and then say how it ended.
    First,
    /// It was answered like this, in the form that was given to [`App::keep_answer`].
    Answered {
        /// HTTP status.
        status: u16,
        /// The answer.
        answer: String,
    },
    /// The first one is still being carried out.
    Running,
    /// The key came with another request.
    OtherRequest,
}

impl App {
    /// Whether this request is the first one with its key.
    ///
    /// # Errors
    /// [`AppError::Unavailable`].
    pub async fn begin_keyed(
        &self,
        scope: &TenantScope,
        request: KeyedRequest<'_>,
    ) -> Result<KeyedTurn, AppError> {
        let (parts, now) = (self.parts(), self.now());
        let until = now.after(LONGEST_RUN);
        Ok(match parts.store.begin_keyed(scope, request, until, now).await? {
            Turn::First => KeyedTurn::First,
            Turn::Running => KeyedTurn::Running,
            Turn::OtherRequest => KeyedTurn::OtherRequest,
            Turn::Answered { status, answer } => {
                let opened = parts
                    .vault
                    .unseal(Purpose::KeptAnswer, scope.organization(), &answer)
                    .map_err(|error| AppError::unavailable("a kept answer", error))?;
                KeyedTurn::Answered { status, answer: opened.expose_secret().to_owned() }
            }
        })
    }

    /// Keeps the answer to a first request for a day. It may carry secrets, and is stored sealed.
    ///
    /// # Errors
    /// [`AppError::Unavailable`].
    pub async fn keep_answer(
        &self,
        scope: &TenantScope,
        request: KeyedRequest<'_>,
        status: u16,
        answer: &str,
    ) -> Result<(), AppError> {
        let parts = self.parts();
        let sealed = parts
            .vault
            .seal(Purpose::KeptAnswer, scope.organization(), answer)
            .map_err(|error| AppError::unavailable("keeping an answer", error))?;
        Ok(parts.store.finish_keyed(scope, request, status, sealed).await?)
    }

    /// Frees the key of a request that changed nothing.
    ///
    /// # Errors
    /// [`AppError::Unavailable`].
    pub async fn forget_keyed(
        &self,
        scope: &TenantScope,
        request: KeyedRequest<'_>,
    ) -> Result<(), AppError> {
        Ok(self.parts().store.forget_keyed(scope, request).await?)
    }
}
