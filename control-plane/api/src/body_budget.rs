//! How much of strangers' bodies is held in memory at once.
//!
//! A webhook is checked only when its whole body is here, and may have 25 MiB. Without a common bound,
//! anyone could have the server hold any number of them.

use axum::http::{HeaderMap, header};
use tokio::sync::{Semaphore, SemaphorePermit, TryAcquireError};

use crate::problem::{ApiError, ProblemKind};

/// GitHub's own limit for a delivery.
pub(crate) const LARGEST_HOOK_BYTES: usize = 25 * 1024 * 1024;
/// Four of the largest.
const ALL_HOOKS_KIB: usize = 4 * 25 * 1024;
/// Bodies up to this have a bound of their own, so that a few strangers with large ones, which may come
/// slowly, keep no usual hook out.
const USUAL_HOOK_BYTES: usize = 256 * 1024;

/// Hundreds of them, each as large as may be.
const ALL_USUAL_HOOKS_KIB: usize = 64 * 1024;

/// A burst of hooks passes within this.
const RETRY_AFTER_S: u64 = 5;

/// Memory for bodies of unknown origin, given out in KiB.
pub(crate) struct BodyBudget {
    usual: Semaphore,
    large: Semaphore,
}

impl BodyBudget {
    pub(crate) fn for_hooks() -> Self {
        Self { usual: Semaphore::new(ALL_USUAL_HOOKS_KIB), large: Semaphore::new(ALL_HOOKS_KIB) }
    }

    /// Sets memory aside for the body that these headers announce, until the permit is dropped.
    pub(crate) fn reserve(&self, headers: &HeaderMap) -> Result<SemaphorePermit<'_>, ApiError> {
        let announced = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse::<usize>().ok())
            .unwrap_or(LARGEST_HOOK_BYTES);
        if announced > LARGEST_HOOK_BYTES {
            let detail = "a webhook has at most 25 MiB, as GitHub sends no larger ones";
            return Err(ApiError::new(ProblemKind::TooLarge, detail));
        }
        // At most 25600, so it fits.
        let kib = u32::try_from(announced / 1024 + 1).unwrap_or(u32::MAX);
        let budget = if announced <= USUAL_HOOK_BYTES { &self.usual } else { &self.large };
        budget.try_acquire_many(kib).map_err(|error| match error {
            TryAcquireError::NoPermits | TryAcquireError::Closed => {
                let detail = "too many large webhooks at once; send it again";
                ApiError::new(ProblemKind::TooMany, detail).retry_after(RETRY_AFTER_S)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announcing(length: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_LENGTH, length.parse().unwrap())])
    }

    #[test]
    fn bodies_over_the_common_bound_have_to_come_again() {
        let budget = BodyBudget::for_hooks();
        let large = announcing(&(24 * 1024 * 1024).to_string());
        let held: Vec<_> = (0..4).map(|_| budget.reserve(&large).unwrap()).collect();
        assert!(budget.reserve(&large).is_err());
        assert!(
            budget.reserve(&HeaderMap::new()).is_err(),
            "an unannounced body counts as the largest"
        );
        assert!(budget.reserve(&announcing("20000")).is_ok());
        drop(held);
        assert!(budget.reserve(&large).is_ok());
    }

    #[test]
    fn strangers_with_large_bodies_keep_no_usual_hook_out() {
        let budget = BodyBudget::for_hooks();
        let large = announcing(&LARGEST_HOOK_BYTES.to_string());
        let mut held = Vec::new();
        while let Ok(permit) = budget.reserve(&large) {
            held.push(permit);
        }
        assert!(!held.is_empty());
        assert!(budget.reserve(&announcing("20000")).is_ok());
        assert!(budget.reserve(&announcing(&USUAL_HOOK_BYTES.to_string())).is_ok());
    }

    #[test]
    fn a_body_over_the_limit_is_refused_before_it_is_read() {
        assert!(BodyBudget::for_hooks().reserve(&announcing("26214401")).is_err());
        assert!(BodyBudget::for_hooks().reserve(&announcing("99999999999999999999999")).is_ok());
    }
}
