//! The clusters of an organization.

use askama::Template;
use axum::{extract::State, response::Html};
use gimlet_app::Subject;
use gimlet_shared::api::Cluster;
use serde::Deserialize;

use super::{
    Filter, html, mentions,
    paging::{Paging, page_number},
    query_string,
};
use crate::{
    Web,
    errors::PageError,
    extract::Query,
    filters,
    live::{Pace, Region},
    marks,
    session::Viewer,
    shell::{Section, Shell},
};

/// Which clusters to show.
#[derive(Clone, Default, Deserialize)]
pub(super) struct FleetQuery {
    #[serde(default)]
    state: String,
    #[serde(default)]
    q: String,
    /// `environment`, or nothing.
    #[serde(default)]
    group: String,
    #[serde(default)]
    page: String,
}

#[derive(Template)]
#[template(path = "fleet.html", blocks = ["live"])]
struct FleetPage {
    shell: Shell,
    query: FleetQuery,
    filters: Vec<Filter>,
    sections: Vec<FleetSection>,
    paging: Paging,
    region: String,
    /// Where the list is grouped the other way.
    regrouped: String,
    /// Clusters before the filter.
    total: usize,
}

/// Clusters under one heading.
struct FleetSection {
    /// The environment that they serve; none where the list is not grouped.
    environment: Option<String>,
    clusters: Vec<Cluster>,
}

const FILTERS: [(&str, &str); 5] = [
    ("All", ""),
    ("Connected", "connected"),
    ("Waiting", "waiting"),
    ("Away", "away"),
    ("Degraded", "degraded"),
];

impl FleetPage {
    async fn of(web: &Web, viewer: &Viewer, query: FleetQuery) -> Result<Self, PageError> {
        let all = web.app.list_clusters(&viewer.scope).await?;
        Ok(Self::new(Shell::new(viewer, Section::Fleet), query, all))
    }

    fn new(shell: Shell, query: FleetQuery, all: Vec<Cluster>) -> Self {
        let found: Vec<Cluster> = all.iter().filter(|found| query.finds(found)).cloned().collect();
        let filters = FILTERS
            .map(|(word, value)| Filter {
                word,
                value,
                count: found.iter().filter(|cluster| in_state(cluster, value)).count(),
                chosen: query.state == value,
                url: query.url(value, &query.group),
            })
            .into();
        let shown = found.into_iter().filter(|cluster| in_state(cluster, &query.state));
        let rows = if query.is_grouped() { by_environment(shown) } else { ungrouped(shown) };
        let number = page_number(&query.page);
        let (rows, paging) = Paging::take(rows, number, "/fleet", &query.parts());
        let sections = sections(rows);
        let region = query.with_page();
        let regrouped =
            query.url(&query.state, if query.is_grouped() { "" } else { "environment" });
        Self { shell, query, filters, sections, paging, region, regrouped, total: all.len() }
    }
}

impl FleetQuery {
    fn is_grouped(&self) -> bool {
        self.group == "environment"
    }

    fn finds(&self, cluster: &Cluster) -> bool {
        mentions(&self.q, &[&cluster.name, &cluster.environments.join(" ")])
    }

    fn parts(&self) -> [(&'static str, Option<&str>); 3] {
        [("state", Some(&self.state)), ("q", Some(&self.q)), ("group", Some(&self.group))]
    }

    /// The first page in another state or grouped otherwise.
    fn url(&self, state: &str, group: &str) -> String {
        let query = [("state", Some(state)), ("q", Some(&self.q)), ("group", Some(group))];
        format!("/fleet{}", query_string(&query))
    }

    /// This page's own address.
    fn with_page(&self) -> String {
        let mut parts = self.parts().to_vec();
        parts.push(("page", Some(&self.page)));
        format!("/fleet{}", query_string(&parts))
    }
}

/// A cluster under the heading it belongs to.
type Row = (Option<String>, Cluster);

fn ungrouped(clusters: impl Iterator<Item = Cluster>) -> Vec<Row> {
    clusters.map(|cluster| (None, cluster)).collect()
}

/// Every cluster under each of its environments; production first.
fn by_environment(clusters: impl Iterator<Item = Cluster>) -> Vec<Row> {
    let mut rows: Vec<Row> = clusters
        .flat_map(|cluster| {
            let environments = cluster.environments.clone();
            environments.into_iter().map(move |environment| (Some(environment), cluster.clone()))
        })
        .collect();
    let order = |row: &Row| {
        let name = row.0.clone().unwrap_or_default();
        (!marks::is_production(&name), name, row.1.name.clone())
    };
    rows.sort_by_cached_key(order);
    rows
}

fn sections(rows: Vec<Row>) -> Vec<FleetSection> {
    let mut sections: Vec<FleetSection> = Vec::new();
    for (environment, cluster) in rows {
        match sections.last_mut() {
            Some(last) if last.environment == environment => last.clusters.push(cluster),
            _ => sections.push(FleetSection { environment, clusters: vec![cluster] }),
        }
    }
    sections
}

fn in_state(cluster: &Cluster, state: &str) -> bool {
    match state {
        "" => true,
        "degraded" => cluster.degraded_apps > 0,
        state => cluster.state == state,
    }
}

/// The fleet.
pub(super) async fn page(
    State(web): State<Web>,
    viewer: Viewer,
    Query(query): Query<FleetQuery>,
) -> Result<Html<String>, PageError> {
    html(&FleetPage::of(&web, &viewer, query).await?)
}

/// The fleet as it changes.
pub(super) fn region(query: FleetQuery) -> Region {
    let concerns = |subject: &Subject| matches!(subject, Subject::Cluster(_) | Subject::App { .. });
    Region::new(Pace::List, concerns, move |web, viewer| {
        let query = query.clone();
        async move { Ok(FleetPage::of(&web, &viewer, query).await?.as_live().render()?) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::made_up::{HOSTILE, assert_harmless, cluster, shell};

    fn query(state: &str, q: &str, group: &str) -> FleetQuery {
        let [state, q, group] = [state, q, group].map(str::to_owned);
        FleetQuery { state, q, group, page: String::new() }
    }

    fn fleet(query: FleetQuery) -> FleetPage {
        let clusters = vec![
            cluster("one", "connected", 0),
            cluster("two", "away", 1),
            cluster("three", "connected", 2),
        ];
        FleetPage::new(shell("viewer"), query, clusters)
    }

    fn names(page: &FleetPage) -> Vec<&str> {
        let clusters = page.sections.iter().flat_map(|section| &section.clusters);
        clusters.map(|cluster| cluster.name.as_str()).collect()
    }

    #[test]
    fn a_filter_and_a_search_narrow_together() {
        assert_eq!(names(&fleet(query("", "", ""))), ["one", "two", "three"]);
        assert_eq!(names(&fleet(query("degraded", "", ""))), ["two", "three"]);
        assert_eq!(names(&fleet(query("degraded", "THREE-env", ""))), ["three"]);
    }

    #[test]
    fn counters_count_what_the_search_finds_and_keep_it() {
        let page = fleet(query("away", "t", ""));
        let degraded = page.filters.iter().find(|filter| filter.value == "degraded").unwrap();
        assert_eq!((degraded.count, degraded.url.as_str()), (2, "/fleet?state=degraded&q=t"));
        assert_eq!(page.region, "/fleet?state=away&q=t");
    }

    #[test]
    fn clusters_stand_under_their_environments_and_production_comes_first() {
        let serving = |name: &str, environments: &[&str]| {
            let environments = environments.iter().map(ToString::to_string).collect();
            Cluster { environments, ..cluster(name, "connected", 0) }
        };
        let clusters = vec![serving("one", &["a-test", "production"]), serving("two", &["a-test"])];
        let page = FleetPage::new(shell("viewer"), query("", "", "environment"), clusters);
        let headings: Vec<_> =
            page.sections.iter().map(|found| found.environment.clone()).collect();
        assert_eq!(headings, [Some("production".to_owned()), Some("a-test".to_owned())]);
        assert_eq!(names(&page), ["one", "one", "two"]);
        assert_eq!(page.regrouped, "/fleet");
    }

    #[test]
    fn a_large_fleet_is_shown_in_pages() {
        let clusters = (0..120).map(|number| cluster(&format!("c{number:03}"), "connected", 0));
        let query = FleetQuery { page: "3".to_owned(), ..query("connected", "", "") };
        let page = FleetPage::new(shell("viewer"), query, clusters.collect());
        assert_eq!(names(&page).len(), 20);
        assert_eq!(page.region, "/fleet?state=connected&page=3");
        assert_eq!(page.paging.previous.as_deref(), Some("/fleet?state=connected&page=2"));
    }

    #[test]
    fn a_fleet_page_disarms_names_and_searches() {
        let query = FleetQuery { page: HOSTILE.to_owned(), ..query(HOSTILE, "", HOSTILE) };
        let page = FleetPage::new(shell("owner"), query, vec![cluster(HOSTILE, HOSTILE, 1)]);
        assert_harmless(&page.render().unwrap());
        for group in ["", "environment"] {
            let query = FleetQuery { group: group.to_owned(), ..FleetQuery::default() };
            let page = FleetPage::new(shell("owner"), query, vec![cluster(HOSTILE, "away", 1)]);
            assert_harmless(&page.render().unwrap());
        }
    }

    #[test]
    fn an_empty_fleet_says_how_to_begin_to_who_may() {
        let empty =
            |role| FleetPage::new(shell(role), FleetQuery::default(), Vec::new()).render().unwrap();
        assert!(empty("owner").contains("gimlet cluster connect"));
        assert!(!empty("viewer").contains("href=\"/fleet/connect\""));
    }
}
