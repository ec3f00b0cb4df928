//! Commits: what came in, what was decided for each manifest, and releasing by hand.

use askama::Template;
use axum::{extract::State, response::Html};
use gimlet_app::Subject;
use gimlet_shared::{
    api::{Artifact, ArtifactQuery},
    ids::ArtifactId,
};
use serde::Deserialize;
use uuid::Uuid;

use super::{html, query_string};
use crate::{
    Web,
    errors::PageError,
    extract::{Named, Query, given},
    filters,
    live::{Pace, Region},
    session::Viewer,
    shell::{Section, Shell},
};

/// Which commits to show.
#[derive(Clone, Default, Deserialize)]
pub(super) struct CommitsQuery {
    #[serde(default)]
    repository: String,
    #[serde(default)]
    branch: String,
    #[serde(default)]
    cursor: String,
}

impl CommitsQuery {
    fn is_narrowed(&self) -> bool {
        !self.repository.is_empty() || !self.branch.is_empty()
    }

    fn with_cursor(&self, cursor: Option<&str>) -> String {
        query_string(&[
            ("repository", Some(&self.repository)),
            ("branch", Some(&self.branch)),
            ("cursor", cursor),
        ])
    }
}

#[derive(Template)]
#[template(path = "commits.html", blocks = ["live"])]
struct CommitsPage {
    shell: Shell,
    query: CommitsQuery,
    commits: Vec<Artifact>,
    older: Option<String>,
}

impl CommitsPage {
    async fn of(web: &Web, viewer: &Viewer, query: CommitsQuery) -> Result<Self, PageError> {
        let wanted = ArtifactQuery {
            repository: given(&query.repository),
            branch: given(&query.branch),
            limit: None,
            cursor: given(&query.cursor),
        };
        let page = web.app.list_artifacts(&viewer.scope, wanted).await?;
        let older =
            page.next_cursor.map(|cursor| format!("/commits{}", query.with_cursor(Some(&cursor))));
        Ok(Self { shell: Shell::new(viewer, Section::Commits), query, commits: page.items, older })
    }

    fn region(&self) -> String {
        format!("/commits{}", self.query.with_cursor(Some(&self.query.cursor)))
    }

    fn newest(&self) -> String {
        format!("/commits{}", self.query.with_cursor(None))
    }
}

#[derive(Template)]
#[template(path = "commit.html")]
struct CommitPage {
    shell: Shell,
    commit: Artifact,
}

impl CommitPage {
    /// Sent along with a form, so that pressing its button twice releases once.
    fn key(&self) -> String {
        Uuid::now_v7().simple().to_string()
    }
}

/// The commits, newest first.
pub(super) async fn list(
    State(web): State<Web>,
    viewer: Viewer,
    Query(query): Query<CommitsQuery>,
) -> Result<Html<String>, PageError> {
    html(&CommitsPage::of(&web, &viewer, query).await?)
}

/// The commits as they come in and are released.
pub(super) fn region(query: CommitsQuery) -> Region {
    let concerns =
        |subject: &Subject| matches!(subject, Subject::Commits | Subject::Release { .. });
    Region::new(Pace::List, concerns, move |web, viewer| {
        let query = query.clone();
        async move { Ok(CommitsPage::of(&web, &viewer, query).await?.as_live().render()?) }
    })
}

/// One commit, with its manifests and where each can be released.
pub(super) async fn page(
    State(web): State<Web>,
    viewer: Viewer,
    Named(id): Named<ArtifactId>,
) -> Result<Html<String>, PageError> {
    let commit = web.app.artifact(&viewer.scope, id).await?;
    html(&CommitPage { shell: Shell::new(&viewer, Section::Commits), commit })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::made_up::{HOSTILE, assert_harmless, commit, shell};

    fn list(role: &str, text: &str) -> String {
        let page = CommitsPage {
            shell: shell(role),
            query: CommitsQuery::default(),
            commits: vec![commit(text)],
            older: None,
        };
        page.render().unwrap()
    }

    #[test]
    fn a_commit_says_why_it_was_not_released() {
        let html = list("developer", "main");
        assert!(html.contains("Not released"));
        assert!(html.contains("the policy wants a tag"));
    }

    #[test]
    fn hostile_commits_are_harmless_in_the_list_and_on_their_page() {
        assert_harmless(&list("owner", HOSTILE));
        assert_harmless(
            &CommitPage { shell: shell("owner"), commit: commit(HOSTILE) }.render().unwrap(),
        );
    }

    #[test]
    fn a_message_of_ten_thousand_characters_takes_one_line_of_the_list() {
        assert!(list("viewer", &"Y".repeat(10_000)).len() < 20_000);
    }

    #[test]
    fn each_manifest_can_be_released_by_who_may() {
        let page =
            |role| CommitPage { shell: shell(role), commit: commit("main") }.render().unwrap();
        assert!(page("developer").contains("aria-label=\"Deploy: shop to staging\""));
        assert!(!page("viewer").contains("action=\"/releases\""));
    }

    #[test]
    fn every_showing_of_a_form_has_a_key_of_its_own() {
        let page = CommitPage { shell: shell("owner"), commit: commit("main") };
        assert_ne!(page.key(), page.key());
    }
}
