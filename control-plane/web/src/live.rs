//! Live pages: a stream of server-sent events whose messages are the live part of the page, rendered
//! anew. Every message is the whole truth, so a lost one does no harm, and a stream can begin anywhere.

use std::{convert::Infallible, future::Future, time::Duration};

use axum::{
    http::HeaderName,
    response::{IntoResponse, Response, Sse, sse::Event},
};
use futures::stream;
use gimlet_app::{Change, Subject};
use gimlet_shared::error_chain::Chain;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, sleep, timeout_at},
};

use crate::{Web, errors::PageError, session::Viewer};

/// The page says `Live · 9 s ago` at most: so often a sign of life is sent where nothing changes.
const BEAT: Duration = Duration::from_secs(10);
/// After this the browser connects anew and is authenticated anew: so long may a stream outlive its
/// session.
const LIFE: Duration = Duration::from_secs(600);
/// Proxies that would collect the messages are told not to.
const UNBUFFERED: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

/// How long changes are collected before the page is rendered anew.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// One thing: at once, as people see it.
    Page,
    /// A list, which is more work and less urgent.
    List,
}

impl Pace {
    fn pause(self) -> Duration {
        match self {
            Self::Page => Duration::from_millis(50),
            Self::List => Duration::from_secs(1),
        }
    }
}

struct Session<C, R> {
    web: Web,
    viewer: Viewer,
    changes: Receiver<Change>,
    pace: Pace,
    concerns: C,
    render: R,
    shown: bool,
    ends_at: Instant,
}

/// Sends what `render` makes at once, and again after every change that `concerns` the page.
pub(crate) fn stream<C, R, F>(
    web: Web,
    viewer: Viewer,
    pace: Pace,
    concerns: C,
    render: R,
) -> Response
where
    C: Fn(&Subject) -> bool + Send + 'static,
    R: Fn(Web, Viewer) -> F + Send + 'static,
    F: Future<Output = Result<String, PageError>> + Send + 'static,
{
    let changes = web.app.changes(&viewer.scope);
    let ends_at = Instant::now() + LIFE;
    let session = Session { web, viewer, changes, pace, concerns, render, shown: false, ends_at };
    let messages = stream::unfold(session, |mut session| async move {
        let shutdown = session.web.shutdown.clone();
        let event = shutdown.run_until_cancelled(session.next()).await??;
        Some((Ok::<_, Infallible>(event), session))
    });
    ([UNBUFFERED], Sse::new(messages)).into_response()
}

enum Wake {
    Changed,
    Quiet,
    Over,
}

impl<C, R, F> Session<C, R>
where
    C: Fn(&Subject) -> bool,
    R: Fn(Web, Viewer) -> F,
    F: Future<Output = Result<String, PageError>>,
{
    /// The next message, or `None` where the stream ends.
    async fn next(&mut self) -> Option<Event> {
        if self.shown {
            match self.wake().await {
                Wake::Changed => {}
                Wake::Quiet => return Some(beat()),
                Wake::Over => return None,
            }
        }
        match (self.render)(self.web.clone(), self.viewer.clone()).await {
            Ok(html) => {
                self.shown = true;
                Some(Event::default().data(html))
            }
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "a live page could not be rendered, its stream ends");
                None
            }
        }
    }

    async fn wake(&mut self) -> Wake {
        let quiet_at = Instant::now() + BEAT;
        loop {
            let next = timeout_at(quiet_at.min(self.ends_at), self.changes.recv()).await;
            match next {
                Ok(Ok(change)) if self.is_mine(&change) => break,
                Ok(Ok(_)) => {}
                // What was missed is unknown, so look at everything.
                Ok(Err(RecvError::Lagged(_))) => break,
                Ok(Err(RecvError::Closed)) => return Wake::Over,
                Err(_) if Instant::now() >= self.ends_at => return Wake::Over,
                Err(_) => return Wake::Quiet,
            }
        }
        sleep(self.pace.pause()).await;
        // What came meanwhile is seen by the same rendering.
        while self.changes.try_recv().is_ok() {}
        Wake::Changed
    }

    fn is_mine(&self, change: &Change) -> bool {
        change.is_for(&self.viewer.scope) && (self.concerns)(&change.subject)
    }
}

fn beat() -> Event {
    Event::default().event("beat").data("")
}
