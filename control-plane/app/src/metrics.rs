//! What the use cases count.

use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, Opts, Registry};

/// Counters and timers of this component; labels only from closed sets.
#[derive(Clone, Debug)]
pub struct AppMetrics {
    /// Releases that ended, by state word.
    pub(crate) releases_closed: IntCounterVec,
    /// Seconds from a release's request to healthy.
    pub(crate) release_seconds: Histogram,
    /// Artifacts ingested, by event word.
    pub(crate) artifacts: IntCounterVec,
    /// Webhook deliveries, by outcome: `stored`, `replay`, `ignored` or `refused`.
    pub(crate) deliveries: IntCounterVec,
    /// Looks at source repositories, by outcome: `ok` or `failed`.
    pub(crate) polls: IntCounterVec,
    /// Agents connected to this replica.
    pub(crate) agents: IntGauge,
    /// Rounds of a reconciler that failed, by reconciler.
    pub(crate) reconcile_errors: IntCounterVec,
}

impl AppMetrics {
    /// Makes the metrics and registers them.
    ///
    /// # Errors
    /// When a metric of the same name is registered already.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter =
            |name: &str, help: &str, label: &str| -> Result<IntCounterVec, prometheus::Error> {
                let counter = IntCounterVec::new(Opts::new(name, help), &[label])?;
                registry.register(Box::new(counter.clone()))?;
                Ok(counter)
            };
        // From a warm image on a near cluster to a slow rollout.
        let buckets = vec![1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0];
        let release_seconds = Histogram::with_opts(
            HistogramOpts::new(
                "gimlet_release_seconds",
                "Seconds from a release's request to healthy",
            )
            .buckets(buckets),
        )?;
        registry.register(Box::new(release_seconds.clone()))?;
        let agents = IntGauge::new("gimlet_agents_connected", "Agents connected to this replica")?;
        registry.register(Box::new(agents.clone()))?;
        Ok(Self {
            releases_closed: counter(
                "gimlet_releases_closed_total",
                "Releases that ended",
                "state",
            )?,
            release_seconds,
            artifacts: counter("gimlet_artifacts_total", "Artifacts ingested", "event")?,
            deliveries: counter(
                "gimlet_webhook_deliveries_total",
                "Webhook deliveries",
                "outcome",
            )?,
            polls: counter(
                "gimlet_repository_polls_total",
                "Looks at source repositories",
                "outcome",
            )?,
            agents,
            reconcile_errors: counter(
                "gimlet_reconcile_errors_total",
                "Failed rounds of a reconciler",
                "reconciler",
            )?,
        })
    }
}
