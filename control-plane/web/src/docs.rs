//! The documentation at `/docs`, for everyone: no page of it needs a sign-in, a script or a cookie.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    middleware::{self, map_response},
    response::{Html, IntoResponse, Redirect, Response},
};
use gimlet_docs::{Hit, Page, Site};
use gimlet_routes::{Needs, Routes};
use serde::Deserialize;

use crate::{Web, errors::PageError, filters, security};

/// Hits on the page of a search.
const MOST_HITS: usize = 20;
/// Pages that an unknown address suggests.
const MOST_SUGGESTIONS: usize = 5;
/// An upgrade changes the pages; until then a browser need not ask again for a moment.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=60");

/// The routes of the documentation.
pub(crate) fn router(web: Web, site: Arc<Site>) -> Router {
    routes()
        .router()
        .with_state(site)
        .layer(map_response(kept))
        .layer(middleware::from_fn_with_state(web, security::protect))
}

/// They are for everyone.
pub(crate) fn routes() -> Routes<Arc<Site>> {
    Routes::default()
        .get("/docs", Needs::Nothing, home)
        .get("/docs/", Needs::Nothing, async || Redirect::permanent("/docs"))
        .get("/docs/search", Needs::Nothing, search)
        .get("/docs/{*slug}", Needs::Nothing, page)
}

#[derive(Template)]
#[template(path = "docs/page.html")]
struct DocsPage<'a> {
    site: &'a Site,
    page: &'a Page,
    query: &'a str,
    before: Option<&'a Page>,
    after: Option<&'a Page>,
}

#[derive(Template)]
#[template(path = "docs/home.html")]
struct DocsHome<'a> {
    site: &'a Site,
    query: &'a str,
}

#[derive(Template)]
#[template(path = "docs/search.html")]
struct DocsSearch<'a> {
    site: &'a Site,
    query: &'a str,
    hits: Vec<Hit>,
}

#[derive(Template)]
#[template(path = "docs/missing.html")]
struct DocsMissing<'a> {
    site: &'a Site,
    query: &'a str,
    slug: &'a str,
    suggestions: Vec<&'a Page>,
}

/// What somebody looks for.
#[derive(Deserialize)]
struct Question {
    #[serde(default)]
    q: String,
}

async fn home(State(site): State<Arc<Site>>) -> Result<Html<String>, PageError> {
    Ok(Html(DocsHome { site: &site, query: "" }.render()?))
}

async fn page(
    State(site): State<Arc<Site>>,
    Path(slug): Path<String>,
) -> Result<Response, PageError> {
    let Some(page) = site.find(&slug) else { return missing(&site, &slug) };
    let (before, after) = site.neighbours(&slug);
    Ok(Html(DocsPage { site: &site, page, query: "", before, after }.render()?).into_response())
}

fn missing(site: &Site, slug: &str) -> Result<Response, PageError> {
    let suggestions = site.suggest(slug, MOST_SUGGESTIONS);
    let page = DocsMissing { site, query: "", slug, suggestions };
    Ok((StatusCode::NOT_FOUND, Html(page.render()?)).into_response())
}

async fn search(
    State(site): State<Arc<Site>>,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Html<String>, PageError> {
    let query = question.map(|Query(question)| question.q).unwrap_or_default();
    let hits = site.search(&query, MOST_HITS);
    Ok(Html(DocsSearch { site: &site, query: &query, hits }.render()?))
}

async fn kept(mut response: Response) -> Response {
    let is_page = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_page && response.status().is_success() {
        response.headers_mut().insert(CACHE_CONTROL, KEPT);
    }
    response
}

/// Where the reader is, for the table of contents.
trait Place {
    fn is_at(&self, entry: &Page) -> bool;
}

impl Place for DocsPage<'_> {
    fn is_at(&self, entry: &Page) -> bool {
        self.page.slug == entry.slug
    }
}

/// These stand beside the table of contents, not in it.
macro_rules! nowhere {
    ($($page:ident),*) => {
        $(impl Place for $page<'_> {
            fn is_at(&self, _entry: &Page) -> bool {
                false
            }
        })*
    };
}

nowhere!(DocsHome, DocsSearch, DocsMissing);
