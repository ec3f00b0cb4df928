//! What takes the place of OneChart's charts, so that manifests that name them deploy without its repository.

use gimlet_manifest::BuiltInChart;

use crate::built_in::Defaults;

/// OneChart's repository.
const REPOSITORY: &str = "https://chart.onechart.dev";

/// The chart of ours for one of OneChart's, and what it does where values say nothing.
pub(crate) fn of(url: &str, name: &str) -> Option<(Defaults, BuiltInChart)> {
    if url != REPOSITORY {
        return None;
    }
    let chart = match name {
        "onechart" => BuiltInChart::OneChart,
        "cron-job" => BuiltInChart::CronJob,
        "static-site" => BuiltInChart::StaticSite,
        _ => return None,
    };
    Some((Defaults::OneChart, chart))
}

/// What its user is told.
pub(crate) fn note(name: &str, version: &str) -> String {
    let version = if version.is_empty() { String::new() } else { format!(" {version}") };
    format!(
        "the built-in chart with the same values takes the place of {name}{version} of {REPOSITORY}; the chart's \
         read-me names the differences"
    )
}
