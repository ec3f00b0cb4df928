//! `GET /live`: the stream of a tab.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{RawQuery, State},
    http::{
        HeaderMap, HeaderName,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use futures::{
    future::{pending, select_all},
    stream,
};
use gimlet_app::{App, AppError};
use secrecy::ExposeSecret as _;
use tokio::{
    sync::watch,
    time::{Interval, MissedTickBehavior, interval_at},
};

use super::{
    frame::{self, BEAT, OUT, Version},
    hub::Look,
};
use crate::{Web, errors::PageError, pages, session::Viewer};

/// The page says `Live · 9 s ago` at most: so often a sign of life is sent where nothing changes.
const BEAT_EVERY: Duration = Duration::from_secs(10);
/// So long may a stream outlive its session.
const CHECK_EVERY: Duration = Duration::from_secs(30);
/// A page has three at most; more are nobody's page.
const MOST_REGIONS: usize = 8;
/// A list's address with its filters.
const LONGEST_REGION: usize = 2048;
/// Proxies that would collect the events are told not to.
const UNBUFFERED: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// All regions that the query names, each first as it is and then as it changes. `Last-Event-ID` has the
/// version of each that the tab holds, in the same order and with commas between; what did not change since
/// is not sent again.
pub(crate) async fn serve(
    State(web): State<Web>,
    viewer: Viewer,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let named = named_regions(query.as_deref().unwrap_or_default())?;
    let held = headers.get(LAST_EVENT_ID).and_then(|held| held.to_str().ok()).unwrap_or_default();
    let mut held = held.split(',').map(Version::parse);
    let mut views = Vec::with_capacity(named.len());
    for name in named {
        let region = pages::region(&name).ok_or(PageError::NoSuchPage)?;
        let look = web.hubs.look(&web, &viewer, &name, region);
        views.push(View {
            name,
            look,
            has: held.next().flatten(),
            is_shown: false,
            is_gone: false,
        });
    }
    for view in &mut views {
        view.begins().await?;
    }
    let tab = Tab::new(web, viewer, views);
    let events = stream::unfold(tab, |mut tab| async move {
        let event = tab.next().await?;
        Some((Ok::<_, Infallible>(event), tab))
    });
    let kind = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    Ok((kind, [UNBUFFERED], Body::from_stream(events)).into_response())
}

/// The values of `region` in the query.
fn named_regions(query: &str) -> Result<Vec<String>, PageError> {
    let named: Vec<String> = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name == "region")
        .map(|(_, region)| region.into_owned())
        .collect();
    let fits = (1..=MOST_REGIONS).contains(&named.len())
        && named.iter().all(|region| region.len() <= LONGEST_REGION);
    fits.then_some(named).ok_or_else(|| PageError::Unreadable {
        detail: format!(
            "the query has to name 1 to {MOST_REGIONS} regions of at most {LONGEST_REGION} bytes, each as `region`"
        ),
    })
}

/// A region in a tab.
struct View {
    name: String,
    look: watch::Receiver<Look>,
    /// What the tab holds.
    has: Option<Version>,
    /// It was shown in this stream: what follows are changes.
    is_shown: bool,
    is_gone: bool,
}

impl View {
    /// Waits for the first rendering, so that a stream of what is not there is answered with 404.
    async fn begins(&mut self) -> Result<(), PageError> {
        let seen = self.look.wait_for(|look| !matches!(look, Look::Unseen)).await;
        match seen.as_deref() {
            Ok(Look::Shown(_)) => Ok(()),
            Ok(Look::Gone) => Err(PageError::NoSuchPage),
            Ok(Look::Unseen | Look::Broken) | Err(_) => Err(PageError::NotLive),
        }
    }

    /// What the tab does not have yet.
    fn news(&mut self, app: &App) -> News {
        match &*self.look.borrow_and_update() {
            Look::Shown(shot) => {
                let news = shot.news_for(self.has);
                let is_change = news.is_some() && self.is_shown;
                if let Some(told_at) = shot.told_at().filter(|_| is_change) {
                    app.note_page_event(told_at);
                }
                (self.has, self.is_shown) = (Some(shot.version()), true);
                news.map_or(News::None, News::Some)
            }
            Look::Gone if self.is_gone => News::None,
            Look::Gone => {
                self.is_gone = true;
                News::Some(frame::gone(&self.name))
            }
            Look::Unseen => News::None,
            Look::Broken => News::End,
        }
    }

    /// Returns when there may be news; false where none will ever come.
    async fn changed(&mut self) -> bool {
        if self.is_gone {
            return pending().await;
        }
        self.look.changed().await.is_ok()
    }
}

enum News {
    None,
    Some(Bytes),
    End,
}

/// A tab that looks.
struct Tab {
    web: Web,
    viewer: Viewer,
    views: Vec<View>,
    beat: Interval,
    check: Interval,
    is_over: bool,
}

enum Wake {
    Changed,
    Beat,
    Check,
    End,
}

impl Tab {
    fn new(web: Web, viewer: Viewer, views: Vec<View>) -> Self {
        let every = |period| {
            let mut interval = interval_at(tokio::time::Instant::now() + period, period);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        };
        let (beat, check) = (every(BEAT_EVERY), every(CHECK_EVERY));
        Self { web, viewer, views, beat, check, is_over: false }
    }

    /// The next event, or `None` where the stream ends.
    async fn next(&mut self) -> Option<Bytes> {
        while !self.is_over {
            for view in &mut self.views {
                match view.news(&self.web.app) {
                    News::None => {}
                    News::Some(event) => return Some(event),
                    News::End => return None,
                }
            }
            match self.wake().await {
                Wake::Changed => {}
                Wake::Beat => return Some(BEAT),
                Wake::Check => match self.is_signed_in().await {
                    Ok(true) => {}
                    Ok(false) => {
                        self.is_over = true;
                        return Some(OUT);
                    }
                    // The browser comes back, and is then told what is wrong.
                    Err(_) => return None,
                },
                Wake::End => return None,
            }
        }
        None
    }

    async fn wake(&mut self) -> Wake {
        let changed = select_all(self.views.iter_mut().map(|view| Box::pin(view.changed())));
        tokio::select! {
            (lives, ..) = changed => if lives { Wake::Changed } else { Wake::End },
            _ = self.beat.tick() => Wake::Beat,
            _ = self.check.tick() => Wake::Check,
            () = self.web.shutdown.cancelled() => Wake::End,
        }
    }

    /// The same person by the same session, with the same rights.
    async fn is_signed_in(&self) -> Result<bool, AppError> {
        let scope = self.web.app.scope_of_session(self.viewer.session.expose_secret()).await?;
        Ok(scope.is_some_and(|scope| {
            scope.organization() == self.viewer.scope.organization()
                && scope.role() == self.viewer.scope.role()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_names_its_regions_within_bounds() {
        let named = named_regions("region=%2Ffleet%3Fstate%3Daway&x=y&region=/apps").unwrap();
        assert_eq!(named, ["/fleet?state=away", "/apps"]);
        let many = "region=/fleet&".repeat(MOST_REGIONS + 1);
        let long = format!("region={}", "x".repeat(LONGEST_REGION + 1));
        for refused in ["", "x=y", &many, &long] {
            assert!(named_regions(refused).is_err(), "{refused}");
        }
    }
}
