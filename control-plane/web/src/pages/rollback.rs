//! Going back to an earlier release.

use askama::Template;
use axum::{
    extract::State,
    response::{Html, Redirect},
};
use gimlet_shared::{
    api::{App, CompareQuery, Diff, Release, ReleaseQuery},
    ids::ReleaseId,
};

use super::html;
use crate::{
    Web,
    errors::PageError,
    extract::Named,
    filters,
    session::Viewer,
    shell::{Section, Shell},
};

/// How far back to look for a release that was healthy.
const LOOKED_AT: u32 = 50;

#[derive(Template)]
#[template(path = "rollback.html")]
struct RollbackPage {
    shell: Shell,
    /// Goes back to this one.
    release: Release,
    app: App,
    /// What would change in git.
    diff: Diff,
}

/// Git has a state of it to go back to.
pub(super) fn can_return_to(release: &Release) -> bool {
    release.closed
        && !release.current
        && release.kind != "delete"
        && release.gitops_commit.is_some()
}

/// Where "Roll back" on the page of `release` leads: from the newest release of its application to the
/// last healthy one before it, from an older one to itself.
pub(super) async fn way_back(
    web: &Web,
    viewer: &Viewer,
    release: &Release,
) -> Result<Option<Release>, PageError> {
    let query = ReleaseQuery {
        environment: Some(release.environment.clone()),
        app: Some(release.app.clone()),
        limit: Some(LOOKED_AT),
        cursor: None,
    };
    let newest_first = web.app.list_releases(&viewer.scope, query).await?.items;
    Ok(choose(release, newest_first))
}

fn choose(release: &Release, newest_first: Vec<Release>) -> Option<Release> {
    let is_newest = newest_first.first().is_some_and(|newest| newest.id == release.id);
    if !is_newest && !release.current {
        return can_return_to(release).then(|| release.clone());
    }
    newest_first
        .into_iter()
        .skip_while(|other| other.id != release.id)
        .skip(1)
        .find(|other| can_return_to(other) && other.state == "healthy" && other.sha != release.sha)
}

/// Says what would change, before it does.
pub(super) async fn ask(
    State(web): State<Web>,
    viewer: Viewer,
    Named(id): Named<ReleaseId>,
) -> Result<Html<String>, PageError> {
    let release = web.app.release(&viewer.scope, id).await?;
    let app = web.app.app(&viewer.scope, &release.environment, &release.app).await?;
    let query = CompareQuery { from: None, to: Some(release.id.clone()) };
    // A release that cannot be gone back to is refused here, before anybody confirms anything.
    let diff =
        web.app.compare_releases(&viewer.scope, &release.environment, &release.app, &query).await?;
    html(&RollbackPage { shell: Shell::new(&viewer, Section::Releases), release, app, diff })
}

/// Rolls back, and leads to the release that does it.
pub(super) async fn roll_back(
    State(web): State<Web>,
    viewer: Viewer,
    Named(id): Named<ReleaseId>,
) -> Result<Redirect, PageError> {
    let release = web.app.roll_back(&viewer.scope, id).await?;
    Ok(Redirect::to(&format!("/releases/{}", release.id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::made_up;

    fn release(id: &str, sha: &str, state: &str) -> Release {
        Release {
            id: id.to_owned(),
            sha: Some(sha.to_owned()),
            closed: true,
            ..made_up::release(state)
        }
    }

    fn history() -> Vec<Release> {
        vec![
            release("rel_4", "d", "degraded"),
            release("rel_3", "d", "healthy"),
            release("rel_2", "b", "failed"),
            release("rel_1", "a", "healthy"),
        ]
    }

    #[test]
    fn from_the_newest_release_the_way_back_is_the_last_healthy_other_commit() {
        let newest = history().remove(0);
        assert_eq!(choose(&newest, history()).map(|to| to.id), Some("rel_1".to_owned()));
    }

    #[test]
    fn from_an_older_release_the_way_back_is_itself() {
        let older = history().remove(2);
        assert_eq!(choose(&older, history()).map(|to| to.id), Some("rel_2".to_owned()));
    }

    #[test]
    fn a_release_that_never_reached_git_is_no_way_back() {
        let unwritten = Release { gitops_commit: None, ..history().remove(2) };
        assert!(choose(&unwritten, history()).is_none());
    }

    #[test]
    fn a_first_release_has_no_way_back() {
        let only = release("rel_1", "a", "healthy");
        assert!(choose(&only, vec![only.clone()]).is_none());
    }
}
