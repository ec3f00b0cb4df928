//! What changed: the record, and the stream of it.

use std::{convert::Infallible, fmt::Write as _, pin::Pin, time::Duration};

use axum::{
    Json,
    body::Body,
    extract::{OriginalUri, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use gimlet_app::{ActivityFollower, App, FollowStep, TenantScope};
use gimlet_shared::{
    api::{Activity, ActivityQuery, ChangesQuery, ChangesReset, Page, Problem},
    error_chain::Chain,
};
use tokio::time::{Instant, Interval, Sleep, interval_at, sleep};
use tokio_util::sync::CancellationToken;

use super::next_page;
use crate::{
    auth::Authenticated,
    extract::QueryOf,
    problem::{ApiError, ProblemKind},
    state::ApiState,
};

/// Below the idle limits of common proxies, which begin at 30 s.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A credential that was revoked is noticed after this long; a minute is promised.
const RECHECK: Duration = Duration::from_secs(30);
/// How long a browser waits before it comes back, in milliseconds.
const RETRY_MS: u64 = 1_000;
/// Proxies that would collect the messages are told not to.
const UNBUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// What changed in the organization, newest first: who did what, when, and on what.
#[utoipa::path(get, path = "/api/v1/activity", tag = "activity", params(ActivityQuery), responses(
    (status = OK, body = Page<Activity>),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list_activity(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    OriginalUri(uri): OriginalUri,
    QueryOf(query): QueryOf<ActivityQuery>,
) -> Result<(HeaderMap, Json<Page<Activity>>), ApiError> {
    let page = state.app.list_activity(&scope, query).await?;
    Ok((next_page(&uri, page.next_cursor.as_deref()), Json(page)))
}

/// Changes as they happen, each one, in order: server-sent events named `change`, whose `id` is the
/// change's number and whose `data` is an `Activity` as JSON.
///
/// After a break, come back with the last `id` in `Last-Event-ID`, and nothing is missed. Where the changes
/// after it are not kept any more, an event `reset` comes first, with a `ChangesReset` as JSON.
#[utoipa::path(get, path = "/api/v1/changes", tag = "activity",
    params(ChangesQuery, ("Last-Event-ID" = Option<String>, Header, description = "goes before `after`")),
    responses(
        (status = OK, body = Activity, content_type = "text/event-stream",
            description = "events named `change`, and `reset` (`ChangesReset`)"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn changes(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    headers: HeaderMap,
    QueryOf(query): QueryOf<ChangesQuery>,
) -> Result<Response, ApiError> {
    let after = last_event_id(&headers)?.or(query.after);
    let follower = state.app.follow_activity(&scope, after).await?;
    let changes = Changes {
        app: state.app.clone(),
        scope,
        follower,
        shutdown: state.shutdown.clone(),
        told_at: Instant::now(),
        beat: Box::pin(sleep(HEARTBEAT)),
        check: interval_at(Instant::now() + RECHECK, RECHECK),
        greeting: Some(Bytes::from(format!("retry: {RETRY_MS}\n: changes\n\n"))),
    };
    let frames = stream::unfold(changes, |mut changes| async move {
        let frame = changes.next().await?;
        Some((Ok::<_, Infallible>(frame), changes))
    });
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(([kind, UNBUFFERED], Body::from_stream(frames)).into_response())
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    number.map(Some).ok_or_else(|| {
        let detail = "must be the `id` of an event of this stream, a number";
        ApiError::new(ProblemKind::BadCursor, detail).in_field("Last-Event-ID")
    })
}

/// One open stream. It reads nothing ahead: what is not taken from it waits in the database.
struct Changes {
    app: App,
    scope: TenantScope,
    follower: ActivityFollower,
    shutdown: CancellationToken,
    /// When something was last sent.
    told_at: Instant,
    /// Set anew when it has run out, and not for each change: a thousand streams share one clock.
    beat: Pin<Box<Sleep>>,
    check: Interval,
    greeting: Option<Bytes>,
}

impl Changes {
    /// The next bytes, `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(greeting) = self.greeting.take() {
            return Some(greeting);
        }
        loop {
            let step = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return None,
                _ = self.check.tick() => {
                    self.is_still_welcome().await.then_some(())?;
                    continue;
                }
                step = self.follower.next() => step,
                () = self.beat.as_mut() => {
                    let now = Instant::now();
                    let is_silent = now >= self.told_at + HEARTBEAT;
                    self.told_at = if is_silent { now } else { self.told_at };
                    self.beat.as_mut().reset(self.told_at + HEARTBEAT);
                    if is_silent {
                        return Some(Bytes::from_static(b": beat\n\n"));
                    }
                    continue;
                }
            };
            self.told_at = Instant::now();
            return match step {
                FollowStep::Event(event) => Some(event.frame.clone()),
                FollowStep::Reset { last } => Some(reset(last)),
                FollowStep::Ended => None,
            };
        }
    }

    async fn is_still_welcome(&mut self) -> bool {
        match self.app.recheck(&self.scope).await {
            Ok(scope) => scope.is_some(),
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "a stream's credential could not be checked again");
                false
            }
        }
    }
}

fn reset(last: u64) -> Bytes {
    let reset = ChangesReset { last: last.to_string() };
    let json = serde_json::to_string(&reset).unwrap_or_default();
    let mut frame = String::new();
    let _ = write!(frame, "id: {last}\nevent: reset\ndata: {json}\n\n");
    Bytes::from(frame)
}
