//! Live pages. What changes on a page is a *region*, named by the page's own address; one stream of
//! server-sent events carries all regions of a tab.
//!
//! - `hub` renders a region once per change, for everyone who looks at it with the same role.
//! - `splice` finds the little of it that changed, and `frame` writes the events.
//! - `stream` serves `GET /live`. What the browser does with it is `assets/live.js`.
//!
//! Every event leads to the whole truth: a reader that missed some gets the region in full, so a lost one
//! does no harm, a stream can begin anywhere, and a slow reader holds no more than one event.

mod frame;
mod hub;
mod splice;
mod stream;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use futures::future::{BoxFuture, FutureExt};
use gimlet_app::Subject;

pub(crate) use self::{hub::Hubs, stream::serve};
use crate::{Web, errors::PageError, session::Viewer};

/// How often a region is rendered at most. The first change after a pause is rendered at once.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// One thing, which people watch.
    Page,
    /// A list, which is more work and less urgent.
    List,
}

impl Pace {
    /// Between the beginnings of two renderings.
    fn gap(self) -> Duration {
        match self {
            Self::Page => Duration::from_millis(10),
            Self::List => Duration::from_millis(250),
        }
    }
}

type Render =
    dyn Fn(Web, Viewer) -> BoxFuture<'static, Result<String, PageError>> + Send + Sync + 'static;

/// What a region's rendering learns about what it shows, and what tells it then which changes concern it:
/// two ends of one thing.
pub(crate) fn known<T>() -> (Arc<OnceLock<T>>, Arc<OnceLock<T>>) {
    let known = Arc::new(OnceLock::new());
    (known.clone(), known)
}

/// A live part of a page.
pub(crate) struct Region {
    pace: Pace,
    concerns: Box<dyn Fn(&Subject) -> bool + Send + Sync>,
    render: Box<Render>,
}

impl Region {
    /// What `render` makes, rendered again after every change that `concerns` it.
    ///
    /// `render` may use the viewer's organization and role, and nothing else of the person: what it makes is
    /// shown to all who have both. Its clock stands still at [`Viewer::now`], so that equal states give
    /// equal bytes; the browser keeps the words of times current.
    pub(crate) fn new<C, R, F>(pace: Pace, concerns: C, render: R) -> Self
    where
        C: Fn(&Subject) -> bool + Send + Sync + 'static,
        R: Fn(Web, Viewer) -> F + Send + Sync + 'static,
        F: Future<Output = Result<String, PageError>> + Send + 'static,
    {
        let render = move |web, viewer| render(web, viewer).boxed();
        Self { pace, concerns: Box::new(concerns), render: Box::new(render) }
    }
}
