//! The pages that people see: askama templates, htmx for what is live, one style sheet, and a script for
//! what HTML alone cannot do.
//!
//! A handler extracts, calls one use case of `gimlet-app`, and maps its answer to a page; what a page may
//! do is decided there. The API, the webhooks and git live in `gimlet-api`.
//!
//! - `pages` has one module for each part of the product; `templates/` has their markup.
//! - `session` authenticates, `security` keeps other sites out, `text` disarms what comes from outside.
//! - `docs` serves the documentation, which `gimlet-docs` makes.
//! - `live` streams the live part of a page; `assets` serves the files that pages name.

mod assets;
mod docs;
mod errors;
mod extract;
mod filters;
mod icons;
mod kubectl;
mod live;
mod marks;
mod pages;
mod security;
mod session;
mod shell;
mod text;
mod when;

use std::sync::Arc;

use axum::{Router, middleware};
use gimlet_app::App;
use gimlet_docs::Site;
use gimlet_routes::RouteRule;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::session::Transport;

/// What the pages need to know of where they are served.
#[derive(Clone, Debug)]
pub struct WebConfig {
    /// Where people reach the pages. With `https`, cookies travel only there.
    pub public_url: Url,
    /// Ends the streams of live pages, which would otherwise hold up a shutdown; browsers connect anew.
    pub shutdown: CancellationToken,
}

#[derive(Clone)]
pub(crate) struct Web {
    app: App,
    origin: Arc<str>,
    transport: Transport,
    shutdown: CancellationToken,
    hubs: live::Hubs,
}

/// All pages, their streams and their assets, with a page for every path that nothing else answers.
///
/// The router has a fallback; what it is merged with must have none.
pub fn pages_router(app: App, config: &WebConfig) -> Router {
    let web = Web::new(app, config);
    pages::routes()
        .router()
        .fallback(async || errors::PageError::NoSuchPage)
        .method_not_allowed_fallback(async || errors::PageError::NoSuchMethod)
        .layer(middleware::from_fn_with_state(web.clone(), security::same_origin))
        .layer(middleware::from_fn_with_state(web.clone(), security::protect))
        .with_state(web)
}

/// The documentation, below `/docs`; it asks for no sign-in. Its styles and scripts are among those of
/// [`pages_router`].
pub fn docs_router(app: App, site: Arc<Site>, config: &WebConfig) -> Router {
    docs::router(Web::new(app, config), site)
}

/// All routes of the pages, the assets and the documentation, each with what it asks of its caller.
#[must_use]
pub fn routes() -> Vec<RouteRule> {
    [pages::routes().rules(), docs::routes().rules()].concat()
}

impl Web {
    fn new(app: App, config: &WebConfig) -> Self {
        let transport = match config.public_url.scheme() {
            "https" => Transport::Https,
            _ => Transport::Http,
        };
        let origin = config.public_url.origin().ascii_serialization().into();
        let (shutdown, hubs) = (config.shutdown.clone(), live::Hubs::default());
        Self { app, origin, transport, shutdown, hubs }
    }
}
