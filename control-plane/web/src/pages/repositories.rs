//! Source repositories: adding one, its hooks, and looking at it now.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use gimlet_app::Listed;
use gimlet_shared::{
    api::{NewRepository, Repository, RepositoryAdded},
    ids::RepositoryId,
};
use serde::Deserialize;

use super::{
    Problem, html,
    paging::{Paging, wanted},
};
use crate::{
    Web,
    errors::PageError,
    extract::{Form, Named, Query, given, without_login},
    filters,
    session::Viewer,
    shell::{Section, Shell},
};

/// Which repositories to show.
#[derive(Clone, Default, Deserialize)]
pub(super) struct RepositoriesQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    cursor: String,
}

/// The form of a new repository.
#[derive(Clone, Default, Deserialize)]
pub(super) struct RepositoryForm {
    #[serde(default)]
    url: String,
    #[serde(default)]
    name: String,
}

#[derive(Template)]
#[template(path = "repositories.html")]
struct RepositoriesPage {
    shell: Shell,
    query: RepositoriesQuery,
    repositories: Vec<Repository>,
    paging: Paging,
}

impl RepositoriesPage {
    fn new(shell: Shell, query: RepositoriesQuery, found: Listed<Repository>) -> Self {
        let (total, next) = (found.count(""), found.page.next_cursor.as_deref());
        let parts = [("q", Some(query.q.as_str()))];
        let paging = Paging::new(total, &query.cursor, next, "/repositories", &parts);
        Self { shell, query, repositories: found.page.items, paging }
    }

    /// Nothing was looked for, and there is nothing.
    fn is_without_repositories(&self) -> bool {
        self.query.q.trim().is_empty() && self.paging.total == 0
    }
}

#[derive(Template)]
#[template(path = "repository_add.html")]
struct AddPage {
    shell: Shell,
    form: RepositoryForm,
    problem: Option<Problem>,
}

#[derive(Template)]
#[template(path = "repository_added.html")]
struct AddedPage {
    shell: Shell,
    added: RepositoryAdded,
}

/// The repositories.
pub(super) async fn page(
    State(web): State<Web>,
    viewer: Viewer,
    Query(query): Query<RepositoriesQuery>,
) -> Result<Html<String>, PageError> {
    let wanted = wanted(&query.q, "", &query.cursor);
    let found = web.app.find_repositories(&viewer.scope, &wanted).await?;
    html(&RepositoriesPage::new(Shell::new(&viewer, Section::Repositories), query, found))
}

/// The form to add one.
pub(super) async fn form(viewer: Viewer) -> Result<Html<String>, PageError> {
    let shell = Shell::new(&viewer, Section::Repositories);
    html(&AddPage { shell, form: RepositoryForm::default(), problem: None })
}

/// Adds a repository, and shows its hooks and their secrets this once.
pub(super) async fn add(
    State(web): State<Web>,
    viewer: Viewer,
    Form(form): Form<RepositoryForm>,
) -> Result<Response, PageError> {
    let shell = Shell::new(&viewer, Section::Repositories);
    let new = NewRepository { url: form.url.trim().to_owned(), name: given(&form.name) };
    match web.app.add_repository(&viewer.scope, new).await {
        Ok(added) => Ok(html(&AddedPage { shell, added })?.into_response()),
        Err(error) => {
            let form = RepositoryForm { url: without_login(&form.url), ..form };
            let page = AddPage { shell, form, problem: Some(Problem::of(error)?) };
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)?).into_response())
        }
    }
}

/// Has a repository read now.
pub(super) async fn look(
    State(web): State<Web>,
    viewer: Viewer,
    Named(id): Named<RepositoryId>,
) -> Result<Redirect, PageError> {
    web.app.look_now(&viewer.scope, id).await?;
    Ok(Redirect::to("/repositories"))
}
