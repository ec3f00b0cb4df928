//! Applications: how each is in each environment, and taking one away.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use gimlet_app::{Listed, Subject};
use gimlet_shared::api::{App, Cause, Release, ReleaseQuery};
use serde::Deserialize;

use super::{
    Filter, Problem, html,
    paging::{Paging, wanted},
    query_string,
};
use crate::{
    Web,
    errors::PageError,
    extract::{Form, Named, Query},
    filters, kubectl,
    live::{Pace, Region},
    session::Viewer,
    shell::{Section, Shell},
};

/// Releases on an application's page.
const LAST_RELEASES: u32 = 10;

/// Which applications to show.
#[derive(Clone, Default, Deserialize)]
pub(super) struct AppsQuery {
    #[serde(default)]
    health: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    cursor: String,
}

impl AppsQuery {
    fn parts(&self) -> [(&'static str, Option<&str>); 2] {
        [("health", Some(&self.health)), ("q", Some(&self.q))]
    }

    /// The first page of another health.
    fn url(&self, health: &str) -> String {
        format!("/apps{}", query_string(&[("health", Some(health)), ("q", Some(&self.q))]))
    }

    /// This page's own address.
    fn with_cursor(&self) -> String {
        let mut parts = self.parts().to_vec();
        parts.push(("cursor", Some(&self.cursor)));
        format!("/apps{}", query_string(&parts))
    }
}

#[derive(Template)]
#[template(path = "apps.html", blocks = ["live"])]
struct AppsPage {
    shell: Shell,
    query: AppsQuery,
    filters: Vec<Filter>,
    apps: Vec<App>,
    paging: Paging,
    region: String,
}

const FILTERS: [(&str, &str); 5] = [
    ("All", ""),
    ("Healthy", "healthy"),
    ("Progressing", "progressing"),
    ("Degraded", "degraded"),
    ("Unknown", "unknown"),
];

impl AppsPage {
    async fn of(web: &Web, viewer: &Viewer, query: AppsQuery) -> Result<Self, PageError> {
        let wanted = wanted(&query.q, &query.health, &query.cursor);
        let found = web.app.find_apps(&viewer.scope, &wanted).await?;
        Ok(Self::new(Shell::new(viewer, Section::Apps), query, found))
    }

    fn new(shell: Shell, query: AppsQuery, found: Listed<App>) -> Self {
        let filters = FILTERS
            .map(|(word, value)| Filter {
                word,
                value,
                count: found.count(value),
                chosen: query.health == value,
                url: query.url(value),
            })
            .into();
        let (total, next) = (found.count(&query.health), found.page.next_cursor.as_deref());
        let paging = Paging::new(total, &query.cursor, next, "/apps", &query.parts());
        let region = query.with_cursor();
        Self { shell, query, filters, apps: found.page.items, paging, region }
    }

    /// Nothing was looked for, and there is nothing.
    fn is_without_apps(&self) -> bool {
        let all = self.filters.iter().find(|filter| filter.value.is_empty());
        self.query.q.trim().is_empty() && all.is_none_or(|all| all.count == 0)
    }
}

#[derive(Template)]
#[template(path = "app.html", blocks = ["live"])]
struct AppPage {
    shell: Shell,
    app: App,
    releases: Vec<Release>,
}

impl AppPage {
    async fn of(
        web: &Web,
        viewer: &Viewer,
        environment: &str,
        app: &str,
    ) -> Result<Self, PageError> {
        let query = ReleaseQuery {
            environment: Some(environment.to_owned()),
            app: Some(app.to_owned()),
            limit: Some(LAST_RELEASES),
            cursor: None,
        };
        Ok(Self {
            shell: Shell::new(viewer, Section::Apps),
            app: web.app.app(&viewer.scope, environment, app).await?,
            releases: web.app.list_releases(&viewer.scope, query).await?.items,
        })
    }

    fn commands(&self, cause: &Cause) -> Vec<String> {
        kubectl::commands(cause, &self.app.namespace)
    }

    /// What two releases can be compared with: what runs.
    fn compares_with(&self, release: &Release) -> Option<&str> {
        let current = self.app.current_release.as_deref()?;
        (release.gitops_commit.is_some() && release.id != current).then_some(current)
    }

    fn may_return_to(&self, release: &Release) -> bool {
        self.shell.may_release() && super::rollback::can_return_to(release)
    }
}

#[derive(Template)]
#[template(path = "app_delete.html")]
struct DeletePage {
    shell: Shell,
    app: App,
    problem: Option<Problem>,
}

/// The name, typed again.
#[derive(Deserialize)]
pub(super) struct Confirmation {
    #[serde(default)]
    confirm: String,
}

/// All applications.
pub(super) async fn list(
    State(web): State<Web>,
    viewer: Viewer,
    Query(query): Query<AppsQuery>,
) -> Result<Html<String>, PageError> {
    html(&AppsPage::of(&web, &viewer, query).await?)
}

/// All applications as they change.
pub(super) fn list_region(query: AppsQuery) -> Region {
    let concerns =
        |subject: &Subject| matches!(subject, Subject::App { .. } | Subject::Release { .. });
    Region::new(Pace::List, concerns, move |web, viewer| {
        let query = query.clone();
        async move { Ok(AppsPage::of(&web, &viewer, query).await?.as_live().render()?) }
    })
}

/// One application.
pub(super) async fn page(
    State(web): State<Web>,
    viewer: Viewer,
    Named((environment, app)): Named<(String, String)>,
) -> Result<Html<String>, PageError> {
    html(&AppPage::of(&web, &viewer, &environment, &app).await?)
}

/// One application as it changes.
pub(super) fn region(environment: String, app: String) -> Region {
    let own = (environment.clone(), app.clone());
    let concerns = move |subject: &Subject| match subject {
        Subject::App { environment, app } => (environment, app) == (&own.0, &own.1),
        // Looking once too often, for another environment's, does no harm.
        Subject::Release { app, .. } => app.as_ref().is_none_or(|app| *app == own.1),
        Subject::Cluster(_) | Subject::Commits => false,
    };
    Region::new(Pace::Page, concerns, move |web, viewer| {
        let (environment, app) = (environment.clone(), app.clone());
        async move { Ok(AppPage::of(&web, &viewer, &environment, &app).await?.as_live().render()?) }
    })
}

/// Asks for the application's name before it is taken away.
pub(super) async fn ask_delete(
    State(web): State<Web>,
    viewer: Viewer,
    Named((environment, app)): Named<(String, String)>,
) -> Result<Html<String>, PageError> {
    let app = web.app.app(&viewer.scope, &environment, &app).await?;
    html(&DeletePage { shell: Shell::new(&viewer, Section::Apps), app, problem: None })
}

/// Takes the application away, once its name was typed.
pub(super) async fn delete(
    State(web): State<Web>,
    viewer: Viewer,
    Named((environment, app)): Named<(String, String)>,
    Form(Confirmation { confirm }): Form<Confirmation>,
) -> Result<Response, PageError> {
    if confirm.trim() != app {
        let detail =
            format!("Type the application's name, {app}, to delete it. Nothing was deleted.");
        let problem = Some(Problem { field: "confirm".to_owned(), detail });
        let app = web.app.app(&viewer.scope, &environment, &app).await?;
        let page = DeletePage { shell: Shell::new(&viewer, Section::Apps), app, problem };
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)?).into_response());
    }
    let release = web.app.delete_app(&viewer.scope, &environment, &app, None).await?;
    Ok(Redirect::to(&format!("/releases/{}", release.id)).into_response())
}

#[cfg(test)]
mod tests {
    use gimlet_shared::api::Page;

    use super::*;
    use crate::pages::made_up::{HOSTILE, app, assert_harmless, release, shell};

    #[test]
    fn hostile_workloads_and_versions_are_harmless() {
        let page = AppPage {
            shell: shell("owner"),
            app: app(HOSTILE),
            releases: vec![release("healthy")],
        };
        assert_harmless(&page.render().unwrap());
        let page = DeletePage { shell: shell("owner"), app: app(HOSTILE), problem: None };
        assert_harmless(&page.render().unwrap());
    }

    #[test]
    fn each_earlier_release_offers_the_way_back_to_who_may() {
        let page = |role| {
            let releases = vec![release("healthy")];
            AppPage { shell: shell(role), app: app("main"), releases }.render().unwrap()
        };
        assert!(page("developer").contains("href=\"/releases/rel_2/rollback\""));
        assert!(!page("viewer").contains("/rollback"));
    }

    #[test]
    fn many_applications_are_shown_in_pages_and_counted_as_a_whole() {
        let items = (0..50).map(|_| app("main")).collect();
        let page = Page { items, next_cursor: Some("Yg".to_owned()) };
        let found = Listed { page, counts: vec![("healthy", 990), ("", 1_000)] };
        let query =
            AppsQuery { health: "healthy".to_owned(), cursor: "YQ".to_owned(), q: String::new() };
        let page = AppsPage::new(shell("viewer"), query, found);
        assert_eq!((page.filters[0].count, page.filters[1].count), (1_000, 990));
        assert_eq!(page.region, "/apps?health=healthy&cursor=YQ");
        let html = page.render().unwrap();
        assert!(
            html.contains("990 in all")
                && html.contains("href=\"/apps?health=healthy&#38;cursor=Yg\""),
            "{html}"
        );
        assert_harmless(&html);
    }

    #[test]
    fn an_application_is_deleted_only_by_typing_its_name() {
        let page = DeletePage { shell: shell("owner"), app: app("main"), problem: None };
        assert!(page.render().unwrap().contains("required pattern=\"shop\""));
    }
}
