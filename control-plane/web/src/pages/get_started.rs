//! The way to the first release: a checklist that ticks itself.

use askama::Template;
use axum::{
    extract::State,
    response::{Html, Redirect},
};
use gimlet_app::{ListQuery, Subject};
use gimlet_shared::api::{Artifact, ArtifactQuery, Cluster, Release, ReleaseQuery, Repository};

use super::html;
use crate::{
    Web,
    errors::PageError,
    filters,
    live::{Pace, Region},
    session::Viewer,
    shell::{Section, Shell},
};

#[derive(Template)]
#[template(path = "get_started.html", blocks = ["live"])]
struct GetStartedPage {
    shell: Shell,
    /// One whose agent has come, where there is one.
    cluster: Option<Cluster>,
    /// The first repository.
    repository: Option<Repository>,
    repositories: u64,
    /// The newest commit.
    commit: Option<Artifact>,
    /// The newest release.
    release: Option<Release>,
}

impl GetStartedPage {
    async fn of(web: &Web, viewer: &Viewer) -> Result<Self, PageError> {
        let scope = &viewer.scope;
        let newest = ArtifactQuery { limit: Some(1), ..ArtifactQuery::default() };
        let newest_release = ReleaseQuery { limit: Some(1), ..ReleaseQuery::default() };
        let first = ListQuery { limit: Some(1), ..ListQuery::default() };
        let mut repositories = web.app.find_repositories(scope, &first).await?;
        Ok(Self {
            shell: Shell::new(viewer, Section::Elsewhere),
            cluster: web.app.find_leading_cluster(scope).await?,
            repositories: repositories.count(""),
            repository: repositories.page.items.pop(),
            commit: web.app.list_artifacts(scope, newest).await?.items.pop(),
            release: web.app.list_releases(scope, newest_release).await?.items.pop(),
        })
    }

    fn connected(&self) -> Option<&Cluster> {
        self.cluster.as_ref().filter(|cluster| cluster.state != "waiting")
    }

    fn done(&self) -> usize {
        [self.connected().is_some(), self.repository.is_some(), self.release.is_some()]
            .into_iter()
            .filter(|done| *done)
            .count()
    }
}

/// Leads to the fleet, or to the checklist while there is none.
pub(super) async fn home(State(web): State<Web>, viewer: Viewer) -> Result<Redirect, PageError> {
    let cluster = web.app.find_leading_cluster(&viewer.scope).await?;
    Ok(Redirect::to(if cluster.is_none() { "/get-started" } else { "/fleet" }))
}

/// The checklist.
pub(super) async fn page(
    State(web): State<Web>,
    viewer: Viewer,
) -> Result<Html<String>, PageError> {
    html(&GetStartedPage::of(&web, &viewer).await?)
}

/// The checklist as it ticks.
pub(super) fn region() -> Region {
    let concerns = |subject: &Subject| !matches!(subject, Subject::App { .. });
    Region::new(Pace::List, concerns, move |web, viewer| async move {
        Ok(GetStartedPage::of(&web, &viewer).await?.as_live().render()?)
    })
}
