//! Looks at source repositories that are due: by their poll interval, a webhook or a person.

use futures::{StreamExt as _, stream};
use gimlet_shared::error_chain::Chain;
use gimlet_store::{PollEnd, SourceRepository, StoreError};
use tracing::warn;

use super::{AFTER_FAILURE, AT_ONCE, LEASE, LONGEST_RETRY};
use crate::{App, AppError, ingest::LookError, live::Subject};

/// One round: every due repository is looked at, a few at a time.
pub(super) async fn look_at_due_repositories(app: &App) -> Result<(), AppError> {
    let (parts, now) = (app.parts(), app.now());
    let due = parts
        .store
        .claim_due_repositories(&parts.system, now, now.after(LEASE), AT_ONCE.into())
        .await?;
    let more = due.len() == usize::from(AT_ONCE);
    stream::iter(due)
        .for_each_concurrent(usize::from(AT_ONCE), |repository| look(app, repository))
        .await;
    if more {
        parts.wake.repositories.notify_one();
    }
    Ok(())
}

async fn look(app: &App, repository: SourceRepository) {
    let parts = app.parts();
    let looked = app.look_at(&repository).await;
    let outcome = if looked.is_ok() { "ok" } else { "failed" };
    parts.metrics.polls.with_label_values(&[outcome]).inc();
    let end = poll_end(app, looked);
    if let Some(error) = &end.error {
        warn!(
            repository.id = %repository.id,
            organization.id = %repository.organization_id,
            error,
            "a source repository could not be read"
        );
    }
    if let Err(error) = parts.store.finish_poll(&parts.system, &repository, end, app.now()).await {
        warn!(
            repository.id = %repository.id,
            organization.id = %repository.organization_id,
            error = %Chain(&error),
            "a look could not be finished; it is repeated"
        );
    }
    app.tell(repository.organization_id, Subject::Commits);
}

fn poll_end(app: &App, looked: Result<Option<String>, LookError>) -> PollEnd {
    let interval = app.parts().config.poll_interval;
    match looked {
        Ok(default_branch) => {
            PollEnd { next_due: app.now().after(interval), error: None, default_branch }
        }
        // Somebody moved the refs while they were stored: look again at once.
        Err(LookError::Store(StoreError::Conflict { .. })) => {
            PollEnd { next_due: app.now().after(AFTER_FAILURE), error: None, default_branch: None }
        }
        Err(error) => PollEnd {
            next_due: app.now().after(interval.min(LONGEST_RETRY)),
            error: Some(Chain(&error).to_string()),
            default_branch: None,
        },
    }
}
