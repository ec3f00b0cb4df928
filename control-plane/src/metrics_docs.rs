//! The list of all metrics, for the documentation and for whoever watches a server.

use std::fmt::Write as _;

use gimlet_app::{MetricDoc, MetricKind};

/// Every metric that a running server has, by name.
///
/// # Errors
/// When two have one name, which a test keeps from happening.
pub fn all() -> anyhow::Result<Vec<MetricDoc>> {
    let parts = [gimlet_app::METRICS, gimlet_api::METRICS, crate::process::METRICS];
    let mut all: Vec<MetricDoc> = parts.into_iter().flatten().copied().collect();
    all.push(crate::telemetry::SPANS);
    all.extend_from_slice(STORE);
    all.sort_by_key(|doc| doc.name);
    for pair in all.windows(2) {
        anyhow::ensure!(pair[0].name != pair[1].name, "two metrics are called {}", pair[0].name);
    }
    Ok(all)
}

/// Those that the store's own counts are shown as.
const STORE: &[MetricDoc] = &[
    MetricDoc::counter(
        "gimlet_store_use_cases_total",
        "Use cases whose changes are durable in the database",
        &[],
    ),
    MetricDoc::counter(
        "gimlet_store_use_cases_undone_total",
        "Use cases whose changes were undone",
        &[],
    ),
    MetricDoc::counter(
        "gimlet_store_commits_total",
        "Transactions that were committed: on SQLite one is shared by many use cases, with one fsync",
        &[],
    ),
    MetricDoc::counter(
        "gimlet_store_commits_failed_total",
        "Transactions that could not be committed",
        &[],
    ),
    MetricDoc::counter(
        "gimlet_store_reads_total",
        "Statements that read what is committed in the database",
        &[],
    ),
];

/// The list as a table in Markdown.
#[must_use]
pub fn markdown(all: &[MetricDoc]) -> String {
    let mut text =
        String::from("| metric | kind | labels | what it tells |\n| --- | --- | --- | --- |\n");
    for MetricDoc { name, kind, help, labels } in all {
        let kind = match kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram => "histogram",
        };
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, values)| match values {
                [] => format!("`{label}`"),
                values => format!("`{label}`: {}", values.join(", ")),
            })
            .collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| `{name}` | {kind} | {} | {help} |", labels.join("; "));
    }
    text
}
