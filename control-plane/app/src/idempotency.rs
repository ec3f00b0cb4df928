//! Requests that carry an `Idempotency-Key`: carried out once, answered alike each time.
//!
//! A use case that such a request may reach begins by asking what was [done before](App::done_before), and
//! gives the store a scope that [keeps](App::keeping) what its answer needs besides rows: the store writes
//! it down in the transaction of the effect. A request that is cut off anywhere, and comes again, then gets
//! the answer of what is there.

use std::{error::Error, str::FromStr, time::Duration};

use gimlet_store::{KeyedRequest, TenantScope, Turn};
use secrecy::ExposeSecret as _;
use serde::{Serialize, de::DeserializeOwned};

use crate::{App, AppError, vault::Purpose};

/// A request that had no effect by then was cut off; whoever repeats it then has it carried out.
const LONGEST_RUN: Duration = Duration::from_secs(60);
/// What does not work where something kept cannot be read or written.
const KEPT: &str = "a kept answer";

/// What to do with a request that carries a key.
#[expect(clippy::large_enum_variant, reason = "it is handed on at once, one for each request")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyedTurn {
    /// It has the key: carry it out under this scope, and then say how it ended.
    First(TenantScope),
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

/// What an earlier run of a request did.
pub(crate) struct Done<T> {
    made: Vec<String>,
    /// What was given to [`App::keeping`].
    pub(crate) kept: T,
}

impl<T> Done<T> {
    /// The ids of what was made, in order.
    pub(crate) fn ids<I>(&self) -> Result<Vec<I>, AppError>
    where
        I: FromStr<Err: Error + Send + Sync + 'static>,
    {
        let read = self.made.iter().map(|id| id.parse());
        read.collect::<Result<_, _>>().map_err(|error| AppError::unavailable(KEPT, error))
    }

    /// The id of the one thing that was made.
    pub(crate) fn id<I>(&self) -> Result<I, AppError>
    where
        I: FromStr<Err: Error + Send + Sync + 'static>,
    {
        self.ids()?.pop().ok_or_else(|| AppError::unavailable(KEPT, "it names nothing"))
    }
}

impl App {
    /// Whether this request has its key for itself.
    ///
    /// # Errors
    /// [`AppError::Unavailable`].
    pub async fn begin_keyed(
        &self,
        scope: &TenantScope,
        request: KeyedRequest<'_>,
    ) -> Result<KeyedTurn, AppError> {
        let now = self.now();
        let until = now.after(LONGEST_RUN);
        Ok(match self.parts().store.begin_keyed(scope, request, until, now).await? {
            Turn::First(scope) => KeyedTurn::First(scope),
            Turn::Running => KeyedTurn::Running,
            Turn::OtherRequest => KeyedTurn::OtherRequest,
            Turn::Answered { status, answer } => {
                KeyedTurn::Answered { status, answer: self.opened(scope, &answer)? }
            }
        })
    }

    /// Keeps the answer of a request for a day. It may carry secrets, and is stored sealed.
    ///
    /// # Errors
    /// [`AppError::Unavailable`].
    pub async fn keep_answer(
        &self,
        scope: &TenantScope,
        status: u16,
        answer: &str,
    ) -> Result<(), AppError> {
        let sealed = self.sealed(scope, answer)?;
        Ok(self.parts().store.finish_keyed(scope, status, sealed).await?)
    }

    /// Frees the key of a request that changed nothing. One that did something keeps it.
    ///
    /// # Errors
    /// [`AppError::Unavailable`].
    pub async fn forget_keyed(&self, scope: &TenantScope) -> Result<(), AppError> {
        Ok(self.parts().store.forget_keyed(scope).await?)
    }

    /// What an earlier run of this request did before it was cut off; `None` where there is none, and the
    /// request is to be carried out.
    pub(crate) fn done_before<T: DeserializeOwned>(
        &self,
        scope: &TenantScope,
    ) -> Result<Option<Done<T>>, AppError> {
        let Some(effect) = scope.keyed().and_then(|keyed| keyed.before()) else { return Ok(None) };
        let kept = match &effect.kept {
            Some(sealed) => self.opened(scope, sealed)?,
            None => "null".to_owned(),
        };
        let kept =
            serde_json::from_str(&kept).map_err(|error| AppError::unavailable(KEPT, error))?;
        Ok(Some(Done { made: effect.made.clone(), kept }))
    }

    /// The scope for the store, which writes `kept` down, sealed, with the effect of a request that carries a
    /// key.
    pub(crate) fn keeping<T: Serialize>(
        &self,
        scope: &TenantScope,
        kept: &T,
    ) -> Result<TenantScope, AppError> {
        if scope.keyed().is_none() {
            return Ok(scope.clone());
        }
        let text =
            serde_json::to_string(kept).map_err(|error| AppError::unavailable(KEPT, error))?;
        Ok(scope.keeping(self.sealed(scope, &text)?))
    }

    fn sealed(&self, scope: &TenantScope, text: &str) -> Result<String, AppError> {
        let sealed = self.parts().vault.seal(Purpose::KeptAnswer, scope.organization(), text);
        sealed.map_err(|error| AppError::unavailable(KEPT, error))
    }

    fn opened(&self, scope: &TenantScope, sealed: &str) -> Result<String, AppError> {
        let opened = self.parts().vault.unseal(Purpose::KeptAnswer, scope.organization(), sealed);
        let opened = opened.map_err(|error| AppError::unavailable(KEPT, error))?;
        Ok(opened.expose_secret().to_owned())
    }
}
