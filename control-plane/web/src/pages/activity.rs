//! Activity: everything that changed in the organization, who did it and from where to where.

use askama::Template;
use axum::{extract::State, response::Html};
use gimlet_app::Subject;
use gimlet_shared::api::{Activity, ActivityQuery as Wanted};
use serde::Deserialize;

use super::{html, query_string};
use crate::{
    Web,
    errors::PageError,
    extract::{Query, given},
    filters,
    live::{Pace, Region},
    session::Viewer,
    shell::{Section, Shell},
};

/// Rows on a page.
const ROWS: u32 = 50;

/// Which changes to show.
#[derive(Clone, Default, Deserialize)]
pub(super) struct ActivityQuery {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    actor: String,
    #[serde(default)]
    environment: String,
    #[serde(default)]
    app: String,
    /// Days, `2026-05-01`: from the first one to the last one.
    #[serde(default)]
    since: String,
    #[serde(default)]
    until: String,
    #[serde(default)]
    cursor: String,
}

impl ActivityQuery {
    fn is_narrowed(&self) -> bool {
        !self.kind.is_empty() || self.is_narrowed_by_form()
    }

    fn is_narrowed_by_form(&self) -> bool {
        [&self.actor, &self.environment, &self.app, &self.since, &self.until]
            .into_iter()
            .any(|filter| !filter.trim().is_empty())
    }

    fn url(&self, kind: &str, cursor: Option<&str>) -> String {
        let query = query_string(&[
            ("kind", Some(kind)),
            ("actor", Some(self.actor.trim())),
            ("environment", Some(self.environment.trim())),
            ("app", Some(self.app.trim())),
            ("since", Some(&self.since)),
            ("until", Some(&self.until)),
            ("cursor", cursor),
        ]);
        format!("/activity{query}")
    }

    fn wanted(&self) -> Wanted {
        let midnight = |day: &str| given(day).map(|day| format!("{day}T00:00:00Z"));
        let last_moment = |day: &str| given(day).map(|day| format!("{day}T23:59:59.999999Z"));
        Wanted {
            kind: given(&self.kind),
            actor: given(&self.actor),
            environment: given(&self.environment),
            app: given(&self.app),
            since: midnight(&self.since),
            until: last_moment(&self.until),
            limit: Some(ROWS),
            cursor: given(&self.cursor),
        }
    }
}

/// A group of kinds, which narrows the list.
struct KindFilter {
    word: &'static str,
    chosen: bool,
    url: String,
}

const KINDS: [(&str, &str); 7] = [
    ("All", ""),
    ("Releases", "release"),
    ("Clusters", "cluster"),
    ("Repositories", "repository"),
    ("Members", "member"),
    ("Tokens", "token"),
    ("Sign-ins", "session"),
];

#[derive(Template)]
#[template(path = "activity.html", blocks = ["live"])]
struct ActivityPage {
    shell: Shell,
    query: ActivityQuery,
    kinds: Vec<KindFilter>,
    activities: Vec<Activity>,
    environments: Vec<String>,
    older: Option<String>,
}

impl ActivityPage {
    async fn of(web: &Web, viewer: &Viewer, query: ActivityQuery) -> Result<Self, PageError> {
        let page = web.app.list_activity(&viewer.scope, query.wanted()).await?;
        let mut environments = web.app.environment_choices(&viewer.scope).await?;
        // What is chosen can be seen, wherever it stands.
        environments.extend(given(&query.environment));
        environments.sort();
        environments.dedup();
        let older = page.next_cursor.map(|cursor| query.url(&query.kind, Some(&cursor)));
        Ok(Self {
            shell: Shell::new(viewer, Section::Activity),
            kinds: kinds(&query),
            query,
            activities: page.items,
            environments,
            older,
        })
    }

    fn region(&self) -> String {
        self.query.url(&self.query.kind, None)
    }
}

fn kinds(query: &ActivityQuery) -> Vec<KindFilter> {
    let filter = |(word, kind): (&'static str, &str)| KindFilter {
        word,
        chosen: query.kind == kind,
        url: query.url(kind, None),
    };
    KINDS.into_iter().map(filter).collect()
}

/// The drawing for a kind of activity.
fn icon_of(kind: &str) -> &'static str {
    match kind {
        "release.healthy" | "cluster.connected" => "check",
        "release.degraded" | "release.failed" | "cluster.revoked" => "cross",
        "release.timed_out" => "clock",
        "release.superseded" => "skipped",
        "cluster.disconnected" => "away",
        "session.signed_in" => "out",
        kind => match kind.split('.').next().unwrap_or_default() {
            "release" => "releases",
            "cluster" => "fleet",
            "repository" => "repositories",
            "token" => "key",
            "member" => "person",
            _ => "activity",
        },
    }
}

/// The CSS class of its tone.
fn tone_of(kind: &str) -> &'static str {
    match kind {
        "release.healthy" | "cluster.connected" => "good",
        "release.degraded" | "release.failed" | "release.timed_out" | "cluster.revoked" => "bad",
        "cluster.disconnected" => "warn",
        _ => "calm",
    }
}

/// What changed.
pub(super) async fn page(
    State(web): State<Web>,
    viewer: Viewer,
    Query(query): Query<ActivityQuery>,
) -> Result<Html<String>, PageError> {
    html(&ActivityPage::of(&web, &viewer, query).await?)
}

/// What changes.
pub(super) fn region(query: ActivityQuery) -> Region {
    let concerns = |_: &Subject| true;
    Region::new(Pace::List, concerns, move |web, viewer| {
        let query = query.clone();
        async move { Ok(ActivityPage::of(&web, &viewer, query).await?.as_live().render()?) }
    })
}

#[cfg(test)]
mod tests {
    use gimlet_shared::api::Actor;

    use super::*;
    use crate::pages::made_up::{HOSTILE, assert_harmless, shell};

    fn activity(text: &str) -> Activity {
        let word = || Some(text.to_owned());
        Activity {
            id: "7".to_owned(),
            at: "2026-05-01T11:59:30Z".to_owned(),
            kind: "release.degraded".to_owned(),
            actor: Actor { kind: "token".to_owned(), name: text.to_owned(), token: word() },
            summary: format!("{text} is degraded"),
            environment: word(),
            app: word(),
            release: Some("rel_2".to_owned()),
            cluster: word(),
            repository: word(),
            member: word(),
            token: word(),
            before: word(),
            after: word(),
            reason: word(),
        }
    }

    fn page_of(query: ActivityQuery, activities: Vec<Activity>) -> String {
        let kinds = kinds(&query);
        let environments = vec!["production".to_owned()];
        let shell = shell("owner");
        let page = ActivityPage { shell, query, kinds, activities, environments, older: None };
        page.render().unwrap()
    }

    #[test]
    fn an_activity_says_who_did_what_and_leads_there() {
        let html = page_of(ActivityQuery::default(), vec![activity("shop")]);
        for shown in ["shop is degraded", "href=\"/releases/rel_2\"", "30 s ago", "datetime="] {
            assert!(html.contains(shown), "{shown} in {html}");
        }
    }

    #[test]
    fn another_kind_keeps_the_other_filters_and_begins_anew() {
        let query = ActivityQuery {
            actor: "ana".to_owned(),
            cursor: "40".to_owned(),
            ..ActivityQuery::default()
        };
        assert_eq!(query.url("release", None), "/activity?kind=release&actor=ana");
    }

    #[test]
    fn hostile_names_are_harmless() {
        let query = ActivityQuery {
            kind: HOSTILE.to_owned(),
            actor: HOSTILE.to_owned(),
            since: HOSTILE.to_owned(),
            ..ActivityQuery::default()
        };
        assert_harmless(&page_of(query, vec![activity(HOSTILE)]));
    }
}
