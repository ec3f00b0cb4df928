//! All releases of an application, a page at a time, and choosing two of them to compare.

use askama::Template;
use axum::{extract::State, response::Html};
use gimlet_shared::api::{App, Release, ReleaseQuery};
use serde::Deserialize;

use super::{html, query_string};
use crate::{
    Web,
    errors::PageError,
    extract::{Named, Query, given},
    filters,
    session::Viewer,
    shell::{Section, Shell},
};

/// Where the page begins.
#[derive(Default, Deserialize)]
pub(super) struct HistoryQuery {
    #[serde(default)]
    cursor: String,
}

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage {
    shell: Shell,
    app: App,
    releases: Vec<Release>,
    older: Option<String>,
    is_older: bool,
}

impl HistoryPage {
    fn may_return_to(&self, release: &Release) -> bool {
        self.shell.may_release() && super::rollback::can_return_to(release)
    }
}

/// The history, newest first.
pub(super) async fn page(
    State(web): State<Web>,
    viewer: Viewer,
    Named((environment, app)): Named<(String, String)>,
    Query(HistoryQuery { cursor }): Query<HistoryQuery>,
) -> Result<Html<String>, PageError> {
    let view = web.app.app(&viewer.scope, &environment, &app).await?;
    let query = ReleaseQuery {
        environment: Some(environment),
        app: Some(app),
        limit: None,
        cursor: given(&cursor),
    };
    let page = web.app.list_releases(&viewer.scope, query).await?;
    // A query alone leads to this very page.
    let older = page.next_cursor.map(|cursor| query_string(&[("cursor", Some(&cursor))]));
    html(&HistoryPage {
        shell: Shell::new(&viewer, Section::Apps),
        app: view,
        releases: page.items,
        older,
        is_older: !cursor.is_empty(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::made_up::{HOSTILE, app, assert_harmless, release, shell};

    fn page(releases: Vec<Release>) -> String {
        HistoryPage {
            shell: shell("developer"),
            app: app("main"),
            releases,
            older: Some("?cursor=rel_1".to_owned()),
            is_older: false,
        }
        .render()
        .unwrap()
    }

    #[test]
    fn two_releases_are_chosen_and_one_that_never_reached_git_is_not() {
        let written = release("healthy");
        let unwritten = Release { gitops_commit: None, ..release("failed") };
        let html = page(vec![written, unwritten]);
        assert_eq!(html.matches("type=\"radio\"").count(), 2);
        assert!(html.contains("action=\"/apps/production/shop/compare\""));
        assert!(html.contains("not in git"));
    }

    #[test]
    fn a_hostile_history_is_harmless() {
        let message = Some(HOSTILE.to_owned());
        assert_harmless(&page(vec![Release { message, ..release("healthy") }]));
    }

    #[test]
    fn an_application_without_a_release_says_how_to_get_one() {
        assert!(page(Vec::new()).contains("No release yet"));
    }
}
