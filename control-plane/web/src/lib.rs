//! The pages that people see: askama templates, htmx for what is live, one style sheet, and a script for
//! what HTML alone cannot do.
//!
//! A handler extracts, calls one use case of `gimlet-app`, and maps its answer to a page; what a page may
//! do is decided there. The API, the webhooks and git live in `gimlet-api`.
//!
//! - `pages` has one module for each part of the product; `templates/` has their markup.
//! - `session` authenticates, `security` keeps other sites out, `text` disarms what comes from outside.
//! - `live` streams the live part of a page; `assets` serves the files that pages name.

mod assets;
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

use axum::{Router, middleware, routing::get};
use gimlet_app::App;
use url::Url;

use crate::session::Transport;

/// What the pages need to know of where they are served.
#[derive(Clone, Debug)]
pub struct WebConfig {
    /// Where people reach the pages. With `https`, cookies travel only there.
    pub public_url: Url,
}

#[derive(Clone)]
pub(crate) struct Web {
    app: App,
    origin: Arc<str>,
    transport: Transport,
}

/// All pages, their streams and their assets, with a page for every path that nothing else answers.
///
/// The router has a fallback; what it is merged with must have none.
pub fn pages_router(app: App, config: &WebConfig) -> Router {
    let transport = match config.public_url.scheme() {
        "https" => Transport::Https,
        _ => Transport::Http,
    };
    let web =
        Web { app, origin: config.public_url.origin().ascii_serialization().into(), transport };
    pages::routes()
        .route("/assets/{file}", get(assets::serve))
        .fallback(async || errors::PageError::NoSuchPage)
        .method_not_allowed_fallback(async || errors::PageError::NoSuchMethod)
        .layer(middleware::from_fn_with_state(web.clone(), security::same_origin))
        .layer(middleware::from_fn_with_state(web.clone(), security::protect))
        .with_state(web)
}
