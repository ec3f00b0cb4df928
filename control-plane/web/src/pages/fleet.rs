//! The clusters of an organization.

use askama::Template;
use axum::{extract::State, response::Html};
use gimlet_app::{Fleet, FleetRow, Subject};
use gimlet_shared::api::Cluster;
use serde::Deserialize;

use super::{
    Filter, html,
    paging::{Paging, wanted},
    query_string,
};
use crate::{
    Web,
    errors::PageError,
    extract::Query,
    filters,
    live::{Pace, Region},
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
    cursor: String,
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
        let wanted = wanted(&query.q, &query.state, &query.cursor);
        let fleet = match query.is_grouped() {
            true => web.app.find_clusters_by_environment(&viewer.scope, &wanted).await?,
            false => web.app.find_clusters(&viewer.scope, &wanted).await?,
        };
        Ok(Self::new(Shell::new(viewer, Section::Fleet), query, fleet))
    }

    fn new(shell: Shell, query: FleetQuery, fleet: Fleet) -> Self {
        let filters = FILTERS
            .map(|(word, value)| Filter {
                word,
                value,
                count: fleet.count(value),
                chosen: query.state == value,
                url: query.url(value, &query.group),
            })
            .into();
        let (total, next) = (fleet.count(&query.state), fleet.page.next_cursor.as_deref());
        let paging = Paging::new(total, &query.cursor, next, "/fleet", &query.parts());
        let sections = sections(fleet.page.items);
        let region = query.with_cursor();
        let regrouped =
            query.url(&query.state, if query.is_grouped() { "" } else { "environment" });
        Self { shell, query, filters, sections, paging, region, regrouped }
    }

    /// Nothing was looked for, and there is nothing.
    fn is_without_clusters(&self) -> bool {
        let all = self.filters.iter().find(|filter| filter.value.is_empty());
        self.query.q.trim().is_empty() && all.is_none_or(|all| all.count == 0)
    }
}

impl FleetQuery {
    fn is_grouped(&self) -> bool {
        self.group == "environment"
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
    fn with_cursor(&self) -> String {
        let mut parts = self.parts().to_vec();
        parts.push(("cursor", Some(&self.cursor)));
        format!("/fleet{}", query_string(&parts))
    }
}

/// The rows under their headings, which follow each other.
fn sections(rows: Vec<FleetRow>) -> Vec<FleetSection> {
    let mut sections: Vec<FleetSection> = Vec::new();
    for FleetRow { environment, cluster } in rows {
        match sections.last_mut() {
            Some(last) if last.environment == environment => last.clusters.push(cluster),
            _ => sections.push(FleetSection { environment, clusters: vec![cluster] }),
        }
    }
    sections
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
    use gimlet_shared::api::Page;

    use super::*;
    use crate::pages::made_up::{HOSTILE, assert_harmless, cluster, shell};

    fn query(state: &str, q: &str, group: &str) -> FleetQuery {
        let [state, q, group] = [state, q, group].map(str::to_owned);
        FleetQuery { state, q, group, cursor: String::new() }
    }

    fn row(environment: Option<&str>, cluster: Cluster) -> FleetRow {
        FleetRow { environment: environment.map(str::to_owned), cluster }
    }

    fn fleet(rows: Vec<FleetRow>, next: Option<&str>) -> Fleet {
        let count = rows.len() as u64;
        let page = Page { items: rows, next_cursor: next.map(str::to_owned) };
        Fleet { page, counts: vec![("", count), ("connected", count), ("degraded", 2)] }
    }

    fn names(page: &FleetPage) -> Vec<&str> {
        let clusters = page.sections.iter().flat_map(|section| &section.clusters);
        clusters.map(|cluster| cluster.name.as_str()).collect()
    }

    #[test]
    fn counters_lead_to_their_state_and_keep_the_search() {
        let rows = vec![row(None, cluster("two", "away", 1))];
        let page = FleetPage::new(shell("viewer"), query("away", "t", ""), fleet(rows, None));
        let degraded = page.filters.iter().find(|filter| filter.value == "degraded").unwrap();
        assert_eq!((degraded.count, degraded.url.as_str()), (2, "/fleet?state=degraded&q=t"));
        assert_eq!(page.region, "/fleet?state=away&q=t");
    }

    #[test]
    fn clusters_stand_under_their_environments() {
        let rows = vec![
            row(Some("production"), cluster("one", "connected", 0)),
            row(Some("a-test"), cluster("one", "connected", 0)),
        ];
        let page = FleetPage::new(shell("viewer"), query("", "", "environment"), fleet(rows, None));
        let headings: Vec<_> =
            page.sections.iter().map(|found| found.environment.clone()).collect();
        assert_eq!(headings, [Some("production".to_owned()), Some("a-test".to_owned())]);
        assert_eq!(names(&page), ["one", "one"]);
        assert_eq!(page.regrouped, "/fleet");
    }

    #[test]
    fn a_large_fleet_leads_on_to_its_next_page() {
        let query = FleetQuery { cursor: "Yw".to_owned(), ..query("connected", "", "") };
        let rows = vec![row(None, cluster("one", "connected", 0))];
        let page = FleetPage::new(shell("viewer"), query, fleet(rows, Some("Yg")));
        assert_eq!(page.region, "/fleet?state=connected&cursor=Yw");
        assert_eq!(page.paging.next.as_deref(), Some("/fleet?state=connected&cursor=Yg"));
        assert_eq!(page.paging.first.as_deref(), Some("/fleet?state=connected"));
    }

    #[test]
    fn a_fleet_page_disarms_names_and_searches() {
        let query = FleetQuery { cursor: HOSTILE.to_owned(), ..query(HOSTILE, HOSTILE, HOSTILE) };
        let rows = || vec![row(Some(HOSTILE), cluster(HOSTILE, HOSTILE, 1))];
        let page = FleetPage::new(shell("owner"), query, fleet(rows(), Some(HOSTILE)));
        assert_harmless(&page.render().unwrap());
        for group in ["", "environment"] {
            let query = FleetQuery { group: group.to_owned(), ..FleetQuery::default() };
            let page = FleetPage::new(shell("owner"), query, fleet(rows(), None));
            assert_harmless(&page.render().unwrap());
        }
    }

    #[test]
    fn an_empty_fleet_says_how_to_begin_to_who_may() {
        let empty = |role| {
            let page = FleetPage::new(shell(role), FleetQuery::default(), fleet(vec![], None));
            page.render().unwrap()
        };
        assert!(empty("owner").contains("gimlet cluster connect"));
        assert!(!empty("viewer").contains("href=\"/fleet/connect\""));
    }

    #[test]
    fn a_search_that_finds_nothing_is_no_empty_fleet() {
        let page = FleetPage::new(shell("owner"), query("", "zz", ""), fleet(vec![], None));
        assert!(page.render().unwrap().contains("No cluster matches"));
    }
}
