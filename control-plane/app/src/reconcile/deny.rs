//! The deny-list of certificates, checked against the links that are open here. A revocation at this
//! replica closes its link at once; this finds what another replica revoked, within its period of 2 s.

use std::time::Duration;

use crate::{App, AppError, Timestamp};

/// Longer than any pause between two rounds, also after failed ones.
const REACH: Duration = Duration::from_secs(120);

/// One round.
pub(super) async fn close_revoked_links(app: &App) -> Result<(), AppError> {
    let parts = app.parts();
    let since = Timestamp(app.now().0.saturating_sub(Timestamp(0).after(REACH).0));
    for (cluster, at) in parts.store.list_revoked_since(&parts.system, since).await? {
        parts.sessions.deny(cluster, at);
    }
    Ok(())
}
