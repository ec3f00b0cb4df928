//! The sweeper of what has run out: sessions, sign-in links, device logins.

use std::time::Duration;

use gimlet_domain::time::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::{
    connect::Store,
    entity::{device_login, session, sign_in_link},
    error::{During, StoreError},
    scope::SystemScope,
};

/// Kept a while after their end, so that whoever comes late is told "expired" and not "unknown".
const KEPT_AFTER_EXPIRY: Duration = Duration::from_secs(3600);

impl Store {
    /// Deletes what expired more than an hour before `now`; returns how many rows.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn sweep_expired(&self, _: &SystemScope, now: Timestamp) -> Result<u64, StoreError> {
        const OPERATION: &str = "delete expired sign-ins";

        let before = now.0.saturating_sub(Timestamp(0).after(KEPT_AFTER_EXPIRY).0);
        let sessions = session::Entity::delete_many().filter(session::Column::ExpiresAt.lt(before));
        let links =
            sign_in_link::Entity::delete_many().filter(sign_in_link::Column::ExpiresAt.lt(before));
        let logins =
            device_login::Entity::delete_many().filter(device_login::Column::ExpiresAt.lt(before));
        let mut swept = sessions.exec(&self.writer).await.during(OPERATION)?.rows_affected;
        swept += links.exec(&self.writer).await.during(OPERATION)?.rows_affected;
        swept += logins.exec(&self.writer).await.during(OPERATION)?.rows_affected;
        Ok(swept)
    }
}
