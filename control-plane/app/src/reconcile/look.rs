//! Looks at source repositories that are due: by their poll interval, a webhook or a person.

use std::time::Instant;

use gimlet_shared::{crash_point, error_chain::Chain};
use gimlet_store::{PollEnd, SourceRepository, StoreError};
use tracing::warn;

use super::{AFTER_FAILURE, LEASE, LONGEST_RETRY};
use crate::{App, AppError, ingest::LookError, live::Subject};

/// One round: looks begin at repositories that are due, as far as there are places. It does not wait for their
/// ends: one that is slow holds up nobody else, and each end makes another round worth while.
pub(super) async fn look_at_due_repositories(app: &App) -> Result<(), AppError> {
    let parts = app.parts();
    while let Some(busy) = parts.looks.busy() {
        let now = app.now();
        crash_point!("poll.claim.before");
        let due = parts
            .store
            .claim_due_repository(
                &parts.system,
                now,
                now.after(LEASE),
                &busy.organizations,
                &busy.repositories,
            )
            .await?;
        crash_point!("poll.claim.after");
        let Some(repository) = due else { return Ok(()) };
        let turn = parts.looks.begin(repository.id, repository.organization_id);
        let (app, stopped) = (app.clone(), parts.looks.stopped.clone());
        parts.looks.tasks.spawn(async move {
            app.parts().metrics.looks_running.inc();
            let looked = stopped.run_until_cancelled(look(&app, repository)).await;
            app.parts().metrics.looks_running.dec();
            drop(turn);
            if looked.is_some() {
                app.parts().wake.repositories.notify_one();
            }
        });
    }
    Ok(())
}

async fn look(app: &App, repository: SourceRepository) {
    let parts = app.parts();
    let began = Instant::now();
    let looked = app.look_at(&repository).await;
    parts.metrics.look_seconds.observe(began.elapsed().as_secs_f64());
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
