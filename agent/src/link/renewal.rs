//! When a new certificate is asked for, and with which key.

use std::time::Duration;

use tokio::time::Instant;

use crate::identity::{Identity, IdentityError, NewKey};

/// How long an answer is waited for before a certificate is asked for again.
const ASK_AGAIN: Duration = Duration::from_secs(300);

/// The plan for one identity; made anew for each session.
#[derive(Debug, Default)]
pub(super) struct Renewal {
    /// Unix seconds; `None` when there is no identity yet.
    due_at: Option<i64>,
    asked: Option<(NewKey, Instant)>,
}

impl Renewal {
    pub(super) fn of(identity: &Identity) -> Self {
        Self { due_at: Some(identity.half_life()), asked: None }
    }

    /// A request to be sent now, for a key that is made for it.
    pub(super) fn request(
        &mut self,
        unix_now: i64,
        now: Instant,
    ) -> Result<Option<String>, IdentityError> {
        let is_due = self.due_at.is_some_and(|due| unix_now >= due);
        let is_waiting = self.asked.as_ref().is_some_and(|(_, at)| now - *at < ASK_AGAIN);
        if !is_due || is_waiting {
            return Ok(None);
        }
        let key = NewKey::make()?;
        let request = key.csr_pem.clone();
        self.asked = Some((key, now));
        Ok(Some(request))
    }

    /// The key that an answer is for. There is none without a question.
    pub(super) fn take_key(&mut self) -> Option<NewKey> {
        self.asked.take().map(|(key, _)| key)
    }

    /// The new identity is kept: the next one is due at its half-life.
    pub(super) fn follow(&mut self, identity: &Identity) {
        *self = Self::of(identity);
    }

    /// The answer could not be used or kept: asks again after a while.
    pub(super) fn put_off(&mut self, unix_now: i64) {
        self.due_at = Some(unix_now + ASK_AGAIN.as_secs().cast_signed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_ca::TestCa;

    #[tokio::test(start_paused = true)]
    async fn a_certificate_is_asked_for_at_half_life_and_again_after_five_minutes() {
        let key = NewKey::make().unwrap();
        let identity = Identity::join(&key, TestCa::new().issue(&key.csr_pem)).unwrap();
        let mut renewal = Renewal::of(&identity);
        let (half, start) = (identity.half_life(), Instant::now());
        assert!(renewal.request(half - 1, start).unwrap().is_none());
        let first = renewal.request(half, start).unwrap().unwrap();
        assert!(renewal.request(half + 10, start).unwrap().is_none());
        let second = renewal.request(half + 10, start + ASK_AGAIN).unwrap().unwrap();
        assert_ne!(first, second);

        let answered = renewal.take_key().unwrap();
        assert_eq!(answered.csr_pem, second);
        assert!(renewal.take_key().is_none());
        renewal.put_off(half);
        assert!(renewal.request(half + 1, start + ASK_AGAIN).unwrap().is_none());
        assert!(renewal.request(half + 300, start + ASK_AGAIN).unwrap().is_some());
    }
}
