//! Looks at source repositories that are due: by their poll interval, a webhook or a person.

use std::{collections::HashMap, time::Instant};

use gimlet_shared::{crash_point, error_chain::Chain, ids::RepositoryId};
use gimlet_store::{DueLooks, PollEnd, SourceRepository, StoreError};
use tracing::warn;

use super::{AFTER_FAILURE, LEASE, LONGEST_RETRY, places::Turn};
use crate::{
    App, AppError,
    ingest::{CONFIRM_AFTER, LookError, Looked},
    live::Subject,
};

/// One round: looks begin at repositories that are due, as far as there are places. It does not wait for their
/// ends: one that is slow holds up nobody else, and each end makes another round worth while.
pub(super) async fn look_at_due_repositories(app: &App) -> Result<(), AppError> {
    let parts = app.parts();
    while let Some(busy) = parts.looks.busy() {
        let now = app.now();
        let (mut turns, mut refused) = (HashMap::new(), false);
        let due = DueLooks {
            not_of: &busy.organizations,
            not_these: &busy.running,
            limit: busy.free as u64,
        };
        let admit = |repository: RepositoryId, organization| {
            let turn = parts.looks.begin(repository, organization);
            refused |= turn.is_none();
            turn.map(|turn| turns.insert(repository, turn)).is_some()
        };
        crash_point!("poll.claim.before");
        let claimed =
            parts.store.claim_due_looks(&parts.system, now, now.after(LEASE), due, admit).await?;
        crash_point!("poll.claim.after");
        // Behind those whose organization has its share, others may wait.
        let more = !claimed.is_empty() && (refused || claimed.len() == busy.free);
        for repository in claimed {
            if let Some(turn) = turns.remove(&repository.id) {
                begin(app, repository, turn);
            }
        }
        if !more {
            return Ok(());
        }
    }
    Ok(())
}

fn begin(app: &App, repository: SourceRepository, turn: Turn<RepositoryId>) {
    let (app, looks) = (app.clone(), &app.parts().looks);
    let stopped = looks.stopped.clone();
    looks.tasks.spawn(async move {
        app.parts().metrics.looks_running.inc();
        let looked = stopped.run_until_cancelled(look(&app, repository)).await;
        app.parts().metrics.looks_running.dec();
        drop(turn);
        if looked.is_some() {
            app.parts().wake.repositories.notify_one();
        }
    });
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

fn poll_end(app: &App, looked: Result<Looked, LookError>) -> PollEnd {
    let interval = app.parts().config.poll_interval;
    match looked {
        Ok(Looked::AtHost { default_branch }) => {
            PollEnd { next_due: app.now().after(interval), error: None, default_branch }
        }
        Ok(Looked::AtAnnouncements) => {
            let next_due = app.now().after(interval.min(CONFIRM_AFTER));
            PollEnd { next_due, error: None, default_branch: None }
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
