//! What the use cases count.

mod doc;

use std::time::{Duration, Instant};

use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Registry,
};

pub use doc::{MetricDoc, MetricKind};

const RELEASES_CLOSED: MetricDoc = MetricDoc::counter(
    "gimlet_releases_closed_total",
    "Releases that ended, by how",
    &[("state", &["healthy", "degraded", "timed_out", "failed", "superseded"])],
);
const RELEASES_OPEN: MetricDoc = MetricDoc::gauge(
    "gimlet_releases_open",
    "Releases under way in the whole installation, by where they stand",
    &[("state", &["queued", "committed", "observed"])],
);
const RELEASE_SECONDS: MetricDoc = MetricDoc::histogram(
    "gimlet_release_seconds",
    "Seconds from a release's request to healthy",
    &[],
);
const ARTIFACTS: MetricDoc = MetricDoc::counter(
    "gimlet_artifacts_total",
    "Artifacts ingested, by git event",
    &[("event", &["push", "tag", "pr"])],
);
const DELIVERIES: MetricDoc = MetricDoc::counter(
    "gimlet_webhook_deliveries_total",
    "Webhook deliveries, by what became of them",
    &[("outcome", &["stored", "replay", "ignored", "refused"])],
);
const POLLS: MetricDoc = MetricDoc::counter(
    "gimlet_repository_polls_total",
    "Looks at source repositories, by how they ended",
    &[("outcome", &["ok", "failed"])],
);
const LOOK_SECONDS: MetricDoc = MetricDoc::histogram(
    "gimlet_repository_look_seconds",
    "Seconds that a look at a source repository took, its fetch included",
    &[],
);
const LOOKS_RUNNING: MetricDoc = MetricDoc::gauge(
    "gimlet_repository_looks_running",
    "Looks at source repositories that run in this replica",
    &[],
);
const AGENTS: MetricDoc =
    MetricDoc::gauge("gimlet_agents_connected", "Agents connected to this replica", &[]);
const SESSIONS_ENDED: MetricDoc = MetricDoc::counter(
    "gimlet_agent_sessions_ended_total",
    "Agent sessions that ended, by why: the connection went, the agent broke the protocol or a limit, it was \
     refused or fenced, or this server drained it",
    &[("reason", &["gone", "protocol", "policy", "too_large", "refused", "drained"])],
);
const COMMANDS_DONE: MetricDoc = MetricDoc::counter(
    "gimlet_commands_done_total",
    "Commands whose outcome an agent told, by outcome",
    &[("outcome", &["succeeded", "failed", "refused", "expired"])],
);
const QUEUE_AGE: MetricDoc = MetricDoc::gauge(
    "gimlet_queue_age_seconds",
    "Seconds that the oldest entry of a queue has waited past its time; 0 for an empty queue",
    &[("queue", &["releases", "looks", "deliveries", "commands"])],
);
const RECONCILE_ERRORS: MetricDoc = MetricDoc::counter(
    "gimlet_reconcile_errors_total",
    "Rounds of a reconciler that failed",
    &[("reconciler", &["repositories", "releases", "follow", "sweep", "deny", "measure"])],
);
const DATABASE_SECONDS: MetricDoc = MetricDoc::histogram(
    "gimlet_database_answer_seconds",
    "Seconds until the database answers: a connection's turn included for `connection`, counting what waits \
     for `query`",
    &[("operation", &["connection", "query"])],
);
const DATA_FREE: MetricDoc = MetricDoc::gauge(
    "gimlet_data_free_bytes",
    "Bytes that are free on the file system of the data directory",
    &[],
);
const AUTHORITY_EXPIRY: MetricDoc = MetricDoc::gauge(
    "gimlet_authority_expiry_timestamp_seconds",
    "When the root of the agents' certificates ends, in seconds since 1970",
    &[],
);

const LIVE_SECONDS: MetricDoc = MetricDoc::histogram(
    "gimlet_live_event_seconds",
    "Seconds from the commit of a change in this replica until its event is handed to an open page, or to a \
     stream of the API",
    &[("reader", &["page", "stream"])],
);

/// All metrics of this component.
pub const METRICS: &[MetricDoc] = &[
    RELEASES_CLOSED,
    RELEASES_OPEN,
    RELEASE_SECONDS,
    ARTIFACTS,
    DELIVERIES,
    POLLS,
    LOOK_SECONDS,
    LOOKS_RUNNING,
    AGENTS,
    SESSIONS_ENDED,
    COMMANDS_DONE,
    QUEUE_AGE,
    RECONCILE_ERRORS,
    DATABASE_SECONDS,
    DATA_FREE,
    AUTHORITY_EXPIRY,
    LIVE_SECONDS,
];

/// From a warm image on a near cluster to a slow rollout.
const RELEASE_BUCKETS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0];
/// From a mirror that is up to date to the fetch of a large repository.
const LOOK_BUCKETS: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 120.0];
/// From a file in memory to the patience with a database that is away.
const DATABASE_BUCKETS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// From an event that waits for nobody to a list that is made four times a second.
const LIVE_BUCKETS: &[f64] = &[0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 2.0];

/// Counters and timers of this component; labels only from closed sets.
#[derive(Clone, Debug)]
pub struct AppMetrics {
    /// Releases that ended, by state word.
    pub(crate) releases_closed: IntCounterVec,
    /// Releases under way, by state word.
    pub(crate) releases_open: IntGaugeVec,
    /// Seconds from a release's request to healthy.
    pub(crate) release_seconds: Histogram,
    /// Artifacts ingested, by event word.
    pub(crate) artifacts: IntCounterVec,
    /// Webhook deliveries, by outcome: `stored`, `replay`, `ignored` or `refused`.
    pub(crate) deliveries: IntCounterVec,
    /// Looks at source repositories, by outcome: `ok` or `failed`.
    pub(crate) polls: IntCounterVec,
    /// Seconds of each look.
    pub(crate) look_seconds: Histogram,
    /// Looks that run.
    pub(crate) looks_running: IntGauge,
    /// Agents connected to this replica.
    pub(crate) agents: IntGauge,
    /// Sessions that ended, by reason.
    pub(crate) sessions_ended: IntCounterVec,
    /// Commands that ended, by outcome.
    pub(crate) commands_done: IntCounterVec,
    /// Age of the oldest entry, by queue.
    pub(crate) queue_age: GaugeVec,
    /// Rounds of a reconciler that failed, by reconciler.
    pub(crate) reconcile_errors: IntCounterVec,
    /// Seconds of the database, by operation.
    pub(crate) database_seconds: HistogramVec,
    /// Free bytes beside the data.
    pub(crate) data_free: IntGauge,
    /// End of the authority's root.
    pub(crate) authority_expiry: Gauge,
    /// Seconds to open pages.
    live_page: Histogram,
    /// Seconds to streams of the API.
    live_stream: Histogram,
}

impl AppMetrics {
    /// Makes the metrics and registers them.
    ///
    /// # Errors
    /// When a metric of the same name is registered already.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let live = LIVE_SECONDS.histogram_vec(registry, LIVE_BUCKETS)?;
        Ok(Self {
            releases_closed: RELEASES_CLOSED.counter_vec(registry)?,
            releases_open: RELEASES_OPEN.int_gauge_vec(registry)?,
            release_seconds: RELEASE_SECONDS.histogram_of(registry, RELEASE_BUCKETS)?,
            artifacts: ARTIFACTS.counter_vec(registry)?,
            deliveries: DELIVERIES.counter_vec(registry)?,
            polls: POLLS.counter_vec(registry)?,
            look_seconds: LOOK_SECONDS.histogram_of(registry, LOOK_BUCKETS)?,
            looks_running: LOOKS_RUNNING.int_gauge_of(registry)?,
            agents: AGENTS.int_gauge_of(registry)?,
            sessions_ended: SESSIONS_ENDED.counter_vec(registry)?,
            commands_done: COMMANDS_DONE.counter_vec(registry)?,
            queue_age: QUEUE_AGE.gauge_vec(registry)?,
            reconcile_errors: RECONCILE_ERRORS.counter_vec(registry)?,
            database_seconds: DATABASE_SECONDS.histogram_vec(registry, DATABASE_BUCKETS)?,
            data_free: DATA_FREE.int_gauge_of(registry)?,
            authority_expiry: AUTHORITY_EXPIRY.gauge_of(registry)?,
            live_page: live.with_label_values(&["page"]),
            live_stream: live.with_label_values(&["stream"]),
        })
    }

    /// Notes that a change which was told then is handed to an open page.
    pub(crate) fn note_page(&self, told_at: Instant) {
        self.live_page.observe(told_at.elapsed().as_secs_f64());
    }

    /// Notes that a change which was told then is handed to a stream of the API.
    pub(crate) fn note_stream(&self, told_at: Instant) {
        self.live_stream.observe(told_at.elapsed().as_secs_f64());
    }

    /// Notes how long the database took.
    pub(crate) fn note_database(&self, operation: &'static str, took: Duration) {
        self.database_seconds.with_label_values(&[operation]).observe(took.as_secs_f64());
    }
}
