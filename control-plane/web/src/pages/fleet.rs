//! The clusters of an organization.

use askama::Template;
use axum::{
    extract::State,
    response::{Html, Response},
};
use gimlet_app::Subject;
use gimlet_shared::api::Cluster;
use serde::Deserialize;

use super::{Filter, html, mentions, query_string};
use crate::{
    Web,
    errors::PageError,
    extract::Query,
    filters,
    live::{self, Pace},
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
}

#[derive(Template)]
#[template(path = "fleet.html", blocks = ["live"])]
struct FleetPage {
    shell: Shell,
    query: FleetQuery,
    filters: Vec<Filter>,
    clusters: Vec<Cluster>,
    stream: String,
    /// Clusters before the filter.
    total: usize,
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
        let filters = FILTERS
            .map(|(word, value)| Filter {
                word,
                value,
                count: all.iter().filter(|cluster| in_state(cluster, value)).count(),
                chosen: query.state == value,
                url: format!(
                    "/fleet{}",
                    query_string(&[("state", Some(value)), ("q", Some(&query.q))])
                ),
            })
            .into();
        let stream = query_string(&[("state", Some(&query.state)), ("q", Some(&query.q))]);
        let total = all.len();
        let clusters = all.into_iter().filter(|cluster| query.shows(cluster)).collect();
        Self { shell, query, filters, clusters, stream: format!("/fleet/stream{stream}"), total }
    }
}

impl FleetQuery {
    fn shows(&self, cluster: &Cluster) -> bool {
        let environments = cluster.environments.join(" ");
        in_state(cluster, &self.state) && mentions(&self.q, &[&cluster.name, &environments])
    }
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
pub(super) async fn stream(
    State(web): State<Web>,
    viewer: Viewer,
    Query(query): Query<FleetQuery>,
) -> Response {
    let concerns = |subject: &Subject| matches!(subject, Subject::Cluster(_) | Subject::App { .. });
    live::stream(web, viewer, Pace::List, concerns, move |web, viewer| {
        let query = query.clone();
        async move { Ok(FleetPage::of(&web, &viewer, query).await?.as_live().render()?) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::made_up::{HOSTILE, assert_harmless, cluster, shell};

    fn fleet(state: &str, q: &str) -> FleetPage {
        let query = FleetQuery { state: state.to_owned(), q: q.to_owned() };
        let clusters = vec![
            cluster("one", "connected", 0),
            cluster("two", "away", 1),
            cluster("three", "connected", 2),
        ];
        FleetPage::new(shell("viewer"), query, clusters)
    }

    fn names(page: &FleetPage) -> Vec<&str> {
        page.clusters.iter().map(|cluster| cluster.name.as_str()).collect()
    }

    #[test]
    fn a_filter_and_a_search_narrow_together() {
        assert_eq!(names(&fleet("", "")), ["one", "two", "three"]);
        assert_eq!(names(&fleet("degraded", "")), ["two", "three"]);
        assert_eq!(names(&fleet("degraded", "THREE-env")), ["three"]);
    }

    #[test]
    fn counters_count_the_whole_fleet_and_keep_the_search() {
        let page = fleet("away", "t");
        let degraded = page.filters.iter().find(|filter| filter.value == "degraded").unwrap();
        assert_eq!((degraded.count, degraded.url.as_str()), (2, "/fleet?state=degraded&q=t"));
        assert_eq!(page.stream, "/fleet/stream?state=away&q=t");
    }

    #[test]
    fn a_fleet_page_disarms_names_and_searches() {
        let query = FleetQuery { state: HOSTILE.to_owned(), q: HOSTILE.to_owned() };
        let page = FleetPage::new(shell("owner"), query, vec![cluster(HOSTILE, HOSTILE, 1)]);
        assert_harmless(&page.render().unwrap());
    }

    #[test]
    fn an_empty_fleet_says_how_to_begin_to_who_may() {
        let empty =
            |role| FleetPage::new(shell(role), FleetQuery::default(), Vec::new()).render().unwrap();
        assert!(empty("owner").contains("href=\"/fleet/connect\""));
        assert!(!empty("viewer").contains("href=\"/fleet/connect\""));
    }
}
