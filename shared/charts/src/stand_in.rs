//! What takes the place of OneChart's charts, so that manifests that name them deploy without its repository.

use gimlet_helm::{
    Dialect,
    chart::{Chart, ChartError, overrides::Overrides},
};

use crate::builtin::File;

/// OneChart's repository.
const REPOSITORY: &str = "https://chart.onechart.dev";
/// A chart's own defaults.
const VALUES: &str = "values.yaml";
/// What stands above them where a chart takes the place of OneChart's.
const ONE_CHART: &str = "onechart.yaml";

/// Whether charts of this repository have a stand-in.
pub(crate) fn is_for(url: &str, name: &str) -> bool {
    url == REPOSITORY && folder(name).is_some()
}

/// The folder of the chart that takes the place of one of OneChart's.
pub(crate) fn folder(name: &str) -> Option<&'static str> {
    match name {
        "onechart" => Some("web-application"),
        "cron-job" => Some("cron-job"),
        "static-site" => Some("static-site"),
        _ => None,
    }
}

/// The chart, doing what OneChart's did where values say nothing.
pub(crate) fn with_defaults(chart: &Chart, files: &[File]) -> Result<Chart, ChartError> {
    let both = [VALUES, ONE_CHART].map(|name| files.iter().find(|(path, _)| *path == name));
    let both = both.into_iter().flatten();
    let both = both.map(|(path, data)| ((*path).to_owned(), data.to_vec())).collect();
    let values = Overrides { files: both, ..Overrides::default() };
    let no_file = |path: &str| Err(format!("{path} is not read"));
    let values = values.merge(Dialect::Helm3, &no_file)?.freeze();
    Ok(Chart { values, ..chart.clone() })
}
