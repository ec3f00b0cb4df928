//! What a release changes in git: the page of it, and comparing two releases of an application.

use askama::Template;
use axum::{extract::State, response::Html};
use gimlet_app::{AppError, Subject};
use gimlet_shared::{
    api::{App, CompareQuery, Diff, Release, ReleaseQuery},
    ids::ReleaseId,
};
use serde::Deserialize;

use super::html;
use crate::{
    Web,
    errors::{PageError, sentence},
    extract::{Named, Query, given},
    filters,
    live::{Pace, Region},
    session::Viewer,
    shell::{Section, Shell},
};

/// Releases to choose from.
const CHOICES: u32 = 50;

#[derive(Template)]
#[template(path = "changes.html", blocks = ["live"])]
struct ChangesPage {
    shell: Shell,
    release: Release,
    diff: Diff,
}

impl ChangesPage {
    async fn of(web: &Web, viewer: &Viewer, id: ReleaseId) -> Result<Self, PageError> {
        let release = web.app.release(&viewer.scope, id).await?;
        let diff = web.app.release_diff(&viewer.scope, id).await?;
        Ok(Self { shell: Shell::new(viewer, Section::Releases), release, diff })
    }
}

/// What a release changed.
pub(super) async fn page(
    State(web): State<Web>,
    viewer: Viewer,
    Named(id): Named<ReleaseId>,
) -> Result<Html<String>, PageError> {
    html(&ChangesPage::of(&web, &viewer, id).await?)
}

/// The same once it is written.
pub(super) fn region(id: ReleaseId) -> Region {
    let concerns = move |subject: &Subject| match subject {
        Subject::Release { id: changed, .. } => *changed == id,
        Subject::App { .. } | Subject::Cluster(_) | Subject::Commits => false,
    };
    Region::new(Pace::Page, concerns, move |web, viewer| async move {
        Ok(ChangesPage::of(&web, &viewer, id).await?.as_live().render()?)
    })
}

/// One side of a comparison.
struct Side {
    name: &'static str,
    label: &'static str,
    /// The release's id; empty for what git has now.
    chosen: String,
}

impl Side {
    /// It is chosen, and too old to be among `releases`.
    fn is_elsewhere(&self, releases: &[Release]) -> bool {
        !self.chosen.is_empty() && releases.iter().all(|release| release.id != self.chosen)
    }
}

#[derive(Template)]
#[template(path = "compare.html")]
struct ComparePage {
    shell: Shell,
    app: App,
    sides: [Side; 2],
    /// Those that are in git.
    releases: Vec<Release>,
    diff: Option<Diff>,
    problem: Option<String>,
}

/// The two releases.
#[derive(Default, Deserialize)]
pub(super) struct Chosen {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

/// Compares two releases of an application.
pub(super) async fn compare(
    State(web): State<Web>,
    viewer: Viewer,
    Named((environment, app)): Named<(String, String)>,
    Query(chosen): Query<Chosen>,
) -> Result<Html<String>, PageError> {
    let scope = &viewer.scope;
    let view = web.app.app(scope, &environment, &app).await?;
    let query = ReleaseQuery {
        environment: Some(environment.clone()),
        app: Some(app.clone()),
        limit: Some(CHOICES),
        ..ReleaseQuery::default()
    };
    let mut releases = web.app.list_releases(scope, query).await?.items;
    releases.retain(|release| release.gitops_commit.is_some());
    let query = CompareQuery { from: given(&chosen.from), to: given(&chosen.to) };
    let (diff, problem) = match web.app.compare_releases(scope, &environment, &app, &query).await {
        Ok(diff) => (Some(diff), None),
        Err(AppError::Invalid { field, detail }) => {
            (None, Some(sentence(&format!("{field}: {detail}"))))
        }
        Err(error) => return Err(error.into()),
    };
    let sides = [
        Side { name: "from", label: "Old", chosen: chosen.from },
        Side { name: "to", label: "New", chosen: chosen.to },
    ];
    let shell = Shell::new(&viewer, Section::Apps);
    html(&ComparePage { shell, app: view, sides, releases, diff, problem })
}

#[cfg(test)]
mod tests {
    use gimlet_shared::api::{DiffLine, FileDiff, Hunk};

    use super::*;
    use crate::pages::made_up::{HOSTILE, app, assert_harmless, release, shell};

    fn diff(text: &str) -> Diff {
        let line = |change: &str| DiffLine { change: change.to_owned(), text: text.to_owned() };
        let lines = vec![line("same"), line("removed"), line("added")];
        let file = FileDiff {
            path: text.to_owned(),
            change: "changed".to_owned(),
            added: 1,
            removed: 1,
            hunks: vec![Hunk { old_start: 7, new_start: 7, lines }],
            note: Some(text.to_owned()),
        };
        let note = Some(text.to_owned());
        Diff { from: Some("a".repeat(40)), to: None, files: vec![file], files_left_out: 2, note }
    }

    fn changes(diff: Diff) -> String {
        let page = ChangesPage { shell: shell("viewer"), release: release("healthy"), diff };
        page.render().unwrap()
    }

    #[test]
    fn a_line_that_came_or_went_is_told_by_a_sign_and_not_by_colour_alone() {
        let html = changes(diff("replicas: 3"));
        assert!(html.contains("<ins><b aria-hidden=\"true\">+</b>replicas: 3"));
        assert!(html.contains("<del><b aria-hidden=\"true\">−</b>replicas: 3"));
        assert!(html.contains("2 more files differ"));
    }

    #[test]
    fn a_hostile_file_is_harmless_however_long_its_name() {
        assert_harmless(&changes(diff(HOSTILE)));
        let long = changes(diff(&"x".repeat(10_000)));
        assert!(!long.contains(&format!("<code class=\"wrap\">{}", "x".repeat(301))));
    }

    #[test]
    fn a_comparison_keeps_what_was_chosen_and_says_what_is_wrong_with_it() {
        let side = |name, chosen: &str| Side { name, label: "Old", chosen: chosen.to_owned() };
        let page = ComparePage {
            shell: shell("viewer"),
            app: app("main"),
            sides: [side("from", "rel_gone"), side("to", "rel_2")],
            releases: vec![release("healthy")],
            diff: None,
            problem: Some("It never reached git.".to_owned()),
        };
        let html = page.render().unwrap();
        assert!(html.contains("<option value=\"rel_gone\" selected>"), "{html}");
        assert!(html.contains("<option value=\"rel_2\" selected>"), "{html}");
        assert!(html.contains("role=\"alert\""));
    }
}
