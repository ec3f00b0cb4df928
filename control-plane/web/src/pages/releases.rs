//! Releases: the list, the live page of one, and asking for one by hand.

use askama::Template;
use axum::{
    extract::State,
    response::{Html, Redirect},
};
use gimlet_app::Subject;
use gimlet_shared::{
    api::{Cause, Diff, NewRelease, Release, ReleaseQuery},
    ids::ReleaseId,
};
use serde::Deserialize;

use super::{html, query_string, rollback};
use crate::{
    Web,
    errors::PageError,
    extract::{Form, Named, Query, given},
    filters, kubectl,
    live::{Pace, Region, known},
    session::Viewer,
    shell::{Section, Shell},
};

/// Which releases to show.
#[derive(Clone, Default, Deserialize)]
pub(super) struct ReleasesQuery {
    #[serde(default)]
    environment: String,
    #[serde(default)]
    app: String,
    #[serde(default)]
    cursor: String,
}

impl ReleasesQuery {
    fn is_narrowed(&self) -> bool {
        !self.environment.is_empty() || !self.app.is_empty()
    }

    fn with_cursor(&self, cursor: Option<&str>) -> String {
        query_string(&[
            ("environment", Some(&self.environment)),
            ("app", Some(&self.app)),
            ("cursor", cursor),
        ])
    }
}

#[derive(Template)]
#[template(path = "releases.html", blocks = ["live"])]
struct ReleasesPage {
    shell: Shell,
    query: ReleasesQuery,
    releases: Vec<Release>,
    older: Option<String>,
}

impl ReleasesPage {
    async fn of(web: &Web, viewer: &Viewer, query: ReleasesQuery) -> Result<Self, PageError> {
        let wanted = ReleaseQuery {
            environment: given(&query.environment),
            app: given(&query.app),
            limit: None,
            cursor: given(&query.cursor),
        };
        let page = web.app.list_releases(&viewer.scope, wanted).await?;
        let older =
            page.next_cursor.map(|cursor| format!("/releases{}", query.with_cursor(Some(&cursor))));
        Ok(Self {
            shell: Shell::new(viewer, Section::Releases),
            query,
            releases: page.items,
            older,
        })
    }

    fn region(&self) -> String {
        format!("/releases{}", self.query.with_cursor(Some(&self.query.cursor)))
    }

    fn newest(&self) -> String {
        format!("/releases{}", self.query.with_cursor(None))
    }
}

#[derive(Template)]
#[template(path = "release.html", blocks = ["live"])]
struct ReleasePage {
    shell: Shell,
    release: Release,
    /// Where "Roll back" leads.
    back_to: Option<Release>,
    /// What it changed; absent in the live part, which stands beside it.
    diff: Option<Diff>,
}

impl ReleasePage {
    async fn of(web: &Web, viewer: &Viewer, id: ReleaseId) -> Result<Self, PageError> {
        let release = web.app.release(&viewer.scope, id).await?;
        let back_to = rollback::way_back(web, viewer, &release).await?;
        Ok(Self { shell: Shell::new(viewer, Section::Releases), release, back_to, diff: None })
    }

    fn commands(&self, cause: &Cause) -> Vec<String> {
        kubectl::commands(cause, &self.release.namespace)
    }

    /// The same from a terminal.
    fn gimlet_commands(&self) -> Vec<String> {
        let id = &self.release.id;
        let follow = if self.release.closed { "show" } else { "wait" };
        let mut commands =
            vec![format!("gimlet release {follow} {id}"), format!("gimlet release diff {id}")];
        let target = self.back_to.as_ref().filter(|_| self.shell.may_release());
        commands.extend(target.map(|to| format!("gimlet release rollback {}", to.id)));
        commands
    }

    /// Pods belong to an open or current release; of an older one the cluster has none.
    fn has_pods(&self) -> bool {
        self.release.current || !self.release.closed
    }

    /// It may still get a commit, so what it changes is shown once that is there.
    fn awaits_commit(&self) -> bool {
        self.release.gitops_commit.is_none() && !self.release.closed
    }

    /// "Roll back" leads to this very release.
    fn returns_here(&self) -> bool {
        self.back_to.as_ref().is_some_and(|back_to| back_to.id == self.release.id)
    }
}

/// The form to release a commit.
#[derive(Deserialize)]
pub(super) struct DeployForm {
    artifact: String,
    environment: String,
    #[serde(default)]
    app: String,
    #[serde(default)]
    key: String,
}

/// The releases, newest first.
pub(super) async fn list(
    State(web): State<Web>,
    viewer: Viewer,
    Query(query): Query<ReleasesQuery>,
) -> Result<Html<String>, PageError> {
    html(&ReleasesPage::of(&web, &viewer, query).await?)
}

/// The releases as they move.
pub(super) fn list_region(query: ReleasesQuery) -> Region {
    let concerns = |subject: &Subject| matches!(subject, Subject::Release { .. });
    Region::new(Pace::List, concerns, move |web, viewer| {
        let query = query.clone();
        async move { Ok(ReleasesPage::of(&web, &viewer, query).await?.as_live().render()?) }
    })
}

/// Releases a commit by hand, and leads to where it can be watched.
pub(super) async fn deploy(
    State(web): State<Web>,
    viewer: Viewer,
    Form(form): Form<DeployForm>,
) -> Result<Redirect, PageError> {
    let new = NewRelease {
        environment: form.environment.trim().to_owned(),
        app: given(&form.app),
        artifact: given(&form.artifact),
        ..NewRelease::default()
    };
    let releases = web.app.deploy(&viewer.scope, new, given(&form.key)).await?;
    Ok(Redirect::to(&match releases.as_slice() {
        [release] => format!("/releases/{}", release.id),
        _ => {
            format!("/releases{}", query_string(&[("environment", Some(form.environment.trim()))]))
        }
    }))
}

/// One release.
pub(super) async fn page(
    State(web): State<Web>,
    viewer: Viewer,
    Named(id): Named<ReleaseId>,
) -> Result<Html<String>, PageError> {
    let diff = web.app.release_diff(&viewer.scope, id).await?;
    html(&ReleasePage { diff: Some(diff), ..ReleasePage::of(&web, &viewer, id).await? })
}

/// One release as it moves.
pub(super) fn region(id: ReleaseId) -> Region {
    // Which application it is of is known from the first rendering on, and never changes.
    let (known, learned) = known();
    let concerns = move |subject: &Subject| match subject {
        Subject::Release { id: changed, .. } => *changed == id,
        Subject::App { environment, app } => {
            known.get().is_none_or(|(in_it, own)| (in_it, own) == (environment, app))
        }
        Subject::Cluster(_) | Subject::Commits => false,
    };
    Region::new(Pace::Page, concerns, move |web, viewer| {
        let learned = learned.clone();
        async move {
            let page = ReleasePage::of(&web, &viewer, id).await?;
            learned.get_or_init(|| (page.release.environment.clone(), page.release.app.clone()));
            Ok(page.as_live().render()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::made_up::{self, HOSTILE, assert_harmless, release, shell, with_cause};

    fn page(release: Release) -> ReleasePage {
        ReleasePage { shell: shell("developer"), release, back_to: None, diff: None }
    }

    #[test]
    fn a_release_shows_its_steps_with_durations() {
        let html = page(release("observed")).render().unwrap();
        for shown in ["shop", "8f31c2a", "Fix tax", "Rolling out", "0.4 s", "11 s", "30 s ago"] {
            assert!(html.contains(shown), "{shown}");
        }
        assert!(html.contains("data-since=\"2026-05-01T11:59:49Z\""));
    }

    #[test]
    fn a_degraded_release_shows_its_cause_and_what_to_do() {
        let html =
            page(with_cause(release("degraded"), "DATABASE_URL is not set")).render().unwrap();
        for shown in [
            "container web ends again and again",
            "DATABASE_URL is not set",
            "Set DATABASE_URL and push.",
            "kubectl -n shop logs shop-7d4b -c web --previous",
        ] {
            assert!(html.contains(shown), "{shown}");
        }
    }

    #[test]
    fn hostile_logs_and_messages_are_harmless() {
        let release = Release {
            message: Some(HOSTILE.to_owned()),
            author_name: Some(HOSTILE.to_owned()),
            branch: Some(HOSTILE.to_owned()),
            note: Some(HOSTILE.to_owned()),
            ..with_cause(release("degraded"), HOSTILE)
        };
        assert_harmless(&page(release.clone()).render().unwrap());
        let list = ReleasesPage {
            shell: shell("owner"),
            query: ReleasesQuery::default(),
            releases: vec![release],
            older: None,
        };
        assert_harmless(&list.render().unwrap());
    }

    #[test]
    fn what_the_stream_sends_is_a_part_of_the_page() {
        let page = page(with_cause(release("degraded"), "boom"));
        let live = page.as_live().render().unwrap();
        assert!(page.render().unwrap().contains(live.trim()));
        // A carriage return would end a message of the stream early.
        assert!(!live.contains('\r'));
    }

    #[test]
    fn the_way_back_is_offered_to_who_may_take_it() {
        let earlier = Release { id: "rel_1".to_owned(), ..release("healthy") };
        let offered = |role| {
            let (release, back_to) = (release("degraded"), Some(earlier.clone()));
            let page = ReleasePage { shell: shell(role), release, back_to, diff: None };
            page.render().unwrap()
        };
        assert!(offered("developer").contains("href=\"/releases/rel_1/rollback\""));
        assert!(!offered("viewer").contains("/rollback"));
    }

    #[test]
    fn a_step_says_how_long_it_usually_takes() {
        let mut release = release("observed");
        release.steps[1].usual_ms = Some(20_000);
        assert!(page(release).render().unwrap().contains("usually 20 s"));
    }

    #[test]
    fn the_application_is_opened_from_its_release_and_pods_and_last_lines_are_shown() {
        let pod = made_up::pod("shop-7d4b", "CrashLoopBackOff");
        let log = made_up::log("shop-6c5f", "panic: no route");
        let release = Release {
            app_url: Some("https://shop.example/".to_owned()),
            current: true,
            pods: vec![pod],
            logs: vec![log],
            ..release("degraded")
        };
        let html = page(release).render().unwrap();
        for shown in [
            "href=\"https://shop.example/\"",
            "Open app",
            "0/1 ready",
            "CrashLoopBackOff",
            "node-a",
            "panic: no route",
            "gimlet release diff rel_2",
        ] {
            assert!(html.contains(shown), "{shown}");
        }
    }

    #[test]
    fn an_address_that_is_no_page_is_not_opened() {
        let app_url = Some("javascript:alert(1)".to_owned());
        let html = page(Release { app_url, ..release("healthy") }).render().unwrap();
        assert!(!html.contains("javascript:"), "{html}");
    }

    #[test]
    fn hostile_pods_and_outputs_are_harmless() {
        let release = Release {
            current: true,
            pods: vec![made_up::pod(HOSTILE, HOSTILE)],
            logs: vec![made_up::log(HOSTILE, HOSTILE)],
            app_url: Some(HOSTILE.to_owned()),
            ..release("degraded")
        };
        assert_harmless(&page(release).render().unwrap());
    }
}
