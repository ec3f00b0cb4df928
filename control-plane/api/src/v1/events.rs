//! A release as it goes: server-sent events.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    response::sse::{Event, KeepAlive, Sse},
};
use futures::{Stream, StreamExt, stream};
use gimlet_app::{App, Change, Subject, TenantScope};
use gimlet_shared::{api::Problem, api::Release, error_chain::Chain, ids::ReleaseId};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{auth::Authenticated, extract::PathOf, problem::ApiError, state::ApiState};

/// Below the idle limits of common proxies, which begin at 30 s.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Wake-ups may be lost; the database is asked again after this long without one.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// A credential that was revoked is noticed after this long and [`LOOK_AGAIN`]; a minute is promised.
const RECHECK: Duration = Duration::from_secs(30);

/// The release whenever it changes, first as it is, until it is closed. `data` is a `Release` as JSON.
///
/// A reader that comes back gets the newest state, so `Last-Event-ID` changes nothing.
#[utoipa::path(get, path = "/api/v1/releases/{id}/events", tag = "releases", params(("id" = String, Path)),
    responses(
        (status = OK, body = Release, content_type = "text/event-stream", description = "events named `release`"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn release_events(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    PathOf(id): PathOf<ReleaseId>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    // Listen first, so that no change falls between reading and listening.
    let changes = state.app.changes(&scope);
    let first = state.app.release(&scope, id).await?;
    let events = Follower {
        app: state.app.clone(),
        scope,
        id,
        changes,
        shutdown: state.shutdown.clone(),
        sent: String::new(),
        checked_at: Instant::now(),
    }
    .into_events(first);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Follower {
    app: App,
    scope: TenantScope,
    id: ReleaseId,
    changes: broadcast::Receiver<Change>,
    shutdown: CancellationToken,
    /// The last JSON that went out.
    sent: String,
    /// When the credential was last found good.
    checked_at: Instant,
}

/// What to do for the next event.
enum Next {
    Send(Box<Release>),
    Wait,
    End,
}

impl Follower {
    fn into_events(self, first: Release) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold((self, Next::Send(Box::new(first))), |(mut follower, next)| async move {
            let release = match next {
                Next::Send(release) => *release,
                Next::Wait => follower.next_version().await?,
                Next::End => return None,
            };
            let next = if release.closed { Next::End } else { Next::Wait };
            let json = follower.remember(&release);
            Some((Ok(Event::default().event("release").data(json)), (follower, next)))
        })
        .fuse()
    }

    /// The release once it differs from what was sent; `None` when there is nothing more to wait for.
    async fn next_version(&mut self) -> Option<Release> {
        let shutdown = self.shutdown.clone();
        loop {
            shutdown.run_until_cancelled(self.woken()).await??;
            if !self.is_still_welcome().await {
                return None;
            }
            match self.app.release(&self.scope, self.id).await {
                Ok(release) if to_json(&release) != self.sent => return Some(release),
                Ok(_) => {}
                Err(error) => {
                    // The reader comes back by itself, and is then told what is wrong.
                    tracing::warn!(release.id = %self.id, error = %Chain(&error), "a live release was cut off");
                    return None;
                }
            }
        }
    }

    async fn is_still_welcome(&mut self) -> bool {
        if self.checked_at.elapsed() < RECHECK {
            return true;
        }
        self.checked_at = Instant::now();
        matches!(self.app.recheck(&self.scope).await, Ok(Some(_)))
    }

    /// Returns when the release may have changed; `None` when nobody tells of changes any more.
    async fn woken(&mut self) -> Option<()> {
        let told = async {
            loop {
                match self.changes.recv().await {
                    Ok(change)
                        if change.is_for(&self.scope)
                            && matches!(&change.subject, Subject::Release { id, .. } if *id == self.id) =>
                    {
                        return Some(());
                    }
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => return Some(()),
                    Err(RecvError::Closed) => return None,
                }
            }
        };
        timeout(LOOK_AGAIN, told).await.unwrap_or(Some(()))
    }

    fn remember(&mut self, release: &Release) -> String {
        self.sent = to_json(release);
        self.sent.clone()
    }
}

/// Text, numbers and lists only, which JSON can always carry.
fn to_json(release: &Release) -> String {
    serde_json::to_string(release).unwrap_or_default()
}
