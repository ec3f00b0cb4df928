//! The sweeper of what has run out: sessions, sign-in links, device logins, kept answers, old changes.

use std::time::Duration;

use gimlet_domain::time::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::{
    connect::Store,
    entity::{activity, device_login, idempotency_key, session, sign_in_link},
    error::{During, StoreError},
    scope::SystemScope,
};

/// Kept a while after their end, so that whoever comes late is told "expired" and not "unknown".
const KEPT_AFTER_EXPIRY: Duration = Duration::from_secs(3600);
/// How long an answer is kept for whoever repeats a request.
const ANSWERS_KEPT: Duration = Duration::from_secs(24 * 3600);
/// How long the record of changes reaches back: a year and a month, so that a yearly review finds all of it.
const ACTIVITY_KEPT: Duration = Duration::from_secs(396 * 24 * 3600);

impl Store {
    /// Deletes what expired more than an hour before `now`; returns how many rows.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn sweep_expired(
        &self,
        system: &SystemScope,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        const OPERATION: &str = "delete expired sign-ins";

        let ago = |age| now.0.saturating_sub(Timestamp(0).after(age).0);
        let before = ago(KEPT_AFTER_EXPIRY);
        let answers = idempotency_key::Entity::delete_many()
            .filter(idempotency_key::Column::CreatedAt.lt(ago(ANSWERS_KEPT)));
        let changes =
            activity::Entity::delete_many().filter(activity::Column::At.lt(ago(ACTIVITY_KEPT)));
        let sessions = session::Entity::delete_many().filter(session::Column::ExpiresAt.lt(before));
        let links =
            sign_in_link::Entity::delete_many().filter(sign_in_link::Column::ExpiresAt.lt(before));
        let logins =
            device_login::Entity::delete_many().filter(device_login::Column::ExpiresAt.lt(before));
        let txn = self.begin(system, OPERATION).await?;
        let mut swept = sessions.exec(&txn).await.during(OPERATION)?.rows_affected;
        swept += links.exec(&txn).await.during(OPERATION)?.rows_affected;
        swept += logins.exec(&txn).await.during(OPERATION)?.rows_affected;
        swept += answers.exec(&txn).await.during(OPERATION)?.rows_affected;
        swept += changes.exec(&txn).await.during(OPERATION)?.rows_affected;
        txn.commit().await?;
        Ok(swept)
    }
}
