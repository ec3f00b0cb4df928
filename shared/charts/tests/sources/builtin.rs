//! The charts that come with the program.

use gimlet_charts::{BuiltInChart, ChartSource, FetchError, Policy};

use crate::support::*;

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
