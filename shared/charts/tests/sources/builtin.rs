//! The charts that come with the program.

use std::net::TcpListener;

use gimlet_charts::{BuiltInChart, Chart, ChartSource, FetchError, Outcome, Policy, SourceKind};
use gimlet_helm::{
    Dialect, Limits, Settings,
    chart::{
        capabilities::Capabilities,
        overrides::Overrides,
        render::{Release, render},
    },
};

use crate::support::*;

const ONE_CHART: &str = "https://chart.onechart.dev";

fn built_in(chart: BuiltInChart, version: &str) -> ChartSource {
    ChartSource::BuiltIn { chart, version: version.into() }
}

#[tokio::test]
async fn every_built_in_chart_is_there_for_everyone() {
    let place = Place::new();
    let charts = place.with(|options| options.policy = Policy::server([]));
    for (chart, name) in [
        (BuiltInChart::WebApplication, "web-application"),
        (BuiltInChart::CronJob, "cron-job"),
        (BuiltInChart::StaticSite, "static-site"),
    ] {
        let fetched = charts.fetch(&built_in(chart, ""), &anonymous()).await.unwrap();
        assert_eq!(&*fetched.chart.metadata.name, name);
        assert!(!fetched.chart.templates.is_empty() && fetched.chart.schema.is_some());
        // As `helm package` would leave them out.
        assert!(!fetched.chart.files.iter().any(|file| file.path.starts_with("tests/")));
        assert_eq!(fetched.origin, format!("built-in chart {name}"));
        let exact = built_in(chart, &fetched.version);
        assert_eq!(charts.fetch(&exact, &anonymous()).await.unwrap().digest, fetched.digest);
    }
}

#[tokio::test]
async fn a_version_that_does_not_come_with_the_program_is_refused() {
    let place = Place::new();
    let source = built_in(BuiltInChart::WebApplication, "99.0.0");
    let error = place.charts().fetch(&source, &anonymous()).await.unwrap_err();
    assert!(matches!(error, FetchError::NoVersion { .. }), "{error}");
    assert!(told(&error).contains("; it has "), "{error}");
}

#[tokio::test]
async fn one_chart_s_name_alone_is_the_web_application_with_its_defaults() {
    let charts = Place::new().charts();
    let own =
        charts.fetch(&built_in(BuiltInChart::WebApplication, ""), &anonymous()).await.unwrap();
    assert!(printed(&own.chart, "").contains("runAsNonRoot: true"));
    let source = built_in(BuiltInChart::OneChart, "0.70.0");
    let stand_in = charts.fetch(&source, &anonymous()).await.unwrap();
    assert_does_what_one_chart_did(&stand_in.chart);
}

#[tokio::test]
async fn one_chart_s_charts_have_stand_ins_while_their_repository_is_away() {
    // A port that nobody listens at any more.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let charts = Place::new().with(|options| {
        let http = std::mem::take(&mut options.http);
        options.http = http.no_proxy().resolve("chart.onechart.dev", nobody);
    });
    for (name, folder) in
        [("onechart", "web-application"), ("cron-job", "cron-job"), ("static-site", "static-site")]
    {
        let source = in_repository(ONE_CHART, name, "0.74.0");
        let fetched = charts.fetch(&source, &anonymous()).await.unwrap();
        assert_eq!(&*fetched.chart.metadata.name, folder);
        let note = fetched.note.unwrap();
        assert!(note.contains("cannot be reached") && note.contains("takes its place"), "{note}");
        if name == "onechart" {
            assert_does_what_one_chart_did(&fetched.chart);
        }
    }
    assert_eq!(charts.counters().count(SourceKind::Repository, Outcome::WithoutSource), 3);
    let other = in_repository(ONE_CHART, "postgresql", "");
    let error = charts.fetch(&other, &anonymous()).await.unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
}

fn assert_does_what_one_chart_did(chart: &Chart) {
    let text = printed(chart, "");
    assert!(text.contains("app.kubernetes.io/name: onechart"), "{text}");
    assert!(text.contains("nginx:latest") && !text.contains("runAsNonRoot: true"), "{text}");
    assert!(printed(chart, "image: {repository: ours, tag: v1}").contains("ours:v1"));
}

/// What a chart prints with these values.
fn printed(chart: &Chart, values: &str) -> String {
    let dialect = Dialect::Helm3;
    let files = vec![("values".to_owned(), values.as_bytes().to_vec())];
    let values = Overrides { files, ..Overrides::default() };
    let values = values.merge(dialect, &|_| Err("none".to_owned())).unwrap();
    let release = Release {
        name: "shop".to_owned(),
        namespace: "shop".to_owned(),
        is_upgrade: false,
        capabilities: Capabilities::assumed(dialect),
        skip_schema: false,
    };
    let settings = Settings { dialect, seed: [0; 32], now: 0, limits: Limits::default() };
    let chart = std::sync::Arc::new(chart.clone());
    let rendered = render(&chart, &values, &release, &settings).unwrap();
    rendered.documents.iter().map(|document| document.text.as_str()).collect()
}
