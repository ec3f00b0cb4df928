//! Traces for OpenTelemetry: steps of commits' ways and requests, sent to a collector by OTLP over HTTP.
//!
//! Sending never holds up the work: what does not fit into the queue, or is not taken, is dropped and
//! counted. The standard variables (`OTEL_EXPORTER_OTLP_*`, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`,
//! `OTEL_SDK_DISABLED`) count as everywhere.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use gimlet_app::trace::{SpanPlace, Step, StepKind, Traces};
use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState},
};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks},
};
use prometheus::{IntCounterVec, Registry};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::config::Telemetry;

/// Steps that wait to be sent: some seconds of a busy server.
const QUEUE: usize = 8192;
/// Steps of one request to the collector.
const BATCH: usize = 512;
/// How long a step waits for others before it is sent.
const GATHER: Duration = Duration::from_secs(1);
/// One request, retries included.
const SEND_LIMIT: Duration = Duration::from_secs(10);
/// For what is left when the server stops.
const LAST_SEND_LIMIT: Duration = Duration::from_secs(2);

/// The metric of this component.
pub const SPANS: gimlet_app::MetricDoc = gimlet_app::MetricDoc {
    name: "gimlet_trace_spans_total",
    kind: gimlet_app::MetricKind::Counter,
    help: "Spans of traces, by what became of them",
    labels: &[("outcome", &["sent", "dropped", "failed", "unsampled"])],
};

/// Takes steps and queues those that are sampled.
pub struct Sender {
    queue: mpsc::Sender<SpanData>,
    share: f64,
    spans: IntCounterVec,
    scope: InstrumentationScope,
}

/// Sends what was queued, until the server stops.
pub struct Export {
    queue: mpsc::Receiver<SpanData>,
    exporter: SpanExporter,
    spans: IntCounterVec,
}

/// Sets tracing up, where a collector is configured.
///
/// # Errors
/// When the exporter cannot be made, for a wrong variable say.
pub fn open(
    telemetry: &Telemetry,
    registry: &Registry,
) -> anyhow::Result<Option<(Arc<Sender>, Export)>> {
    let spans = SPANS.counter_vec(registry)?;
    if !is_wanted(telemetry) {
        return Ok(None);
    }
    let mut builder = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary);
    if let Some(endpoint) = &telemetry.endpoint {
        let base = endpoint.as_str().trim_end_matches('/');
        builder = builder.with_endpoint(format!("{base}/v1/traces"));
    }
    let mut exporter = builder.build().context("cannot set up the export of traces")?;
    exporter.set_resource(&resource());
    let (queue, waiting) = mpsc::channel(QUEUE);
    let scope = InstrumentationScope::builder("gimlet-server")
        .with_version(env!("CARGO_PKG_VERSION"))
        .build();
    let sender = Sender { queue, share: telemetry.sample, spans: spans.clone(), scope };
    Ok(Some((Arc::new(sender), Export { queue: waiting, exporter, spans })))
}

/// The standard variables are part of the configuration, and read with it.
#[expect(clippy::disallowed_methods, reason = "this is configuration, read once, before serving")]
fn is_wanted(telemetry: &Telemetry) -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let disabled =
        std::env::var("OTEL_SDK_DISABLED").is_ok_and(|word| word.eq_ignore_ascii_case("true"));
    let named = telemetry.endpoint.is_some()
        || is_set("OTEL_EXPORTER_OTLP_ENDPOINT")
        || is_set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    named && !disabled
}

#[expect(clippy::disallowed_methods, reason = "this is configuration, read once, before serving")]
fn resource() -> Resource {
    let builder = Resource::builder();
    let builder = match std::env::var_os("OTEL_SERVICE_NAME") {
        Some(_) => builder,
        None => builder.with_service_name("gimlet-server"),
    };
    let instance = gimlet_shared::ids::BootId::new().0.to_string();
    builder
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", instance),
        ])
        .build()
}

impl Traces for Sender {
    fn record(&self, step: Step) {
        let outcome = match step.sampled.unwrap_or_else(|| self.samples(step.place)) {
            false => "unsampled",
            true => match self.queue.try_send(self.span(step)) {
                Ok(()) => return,
                Err(_) => "dropped",
            },
        };
        self.spans.with_label_values(&[outcome]).inc();
    }
}

impl Sender {
    /// By the random half of the trace's id, so that all programs of a trace decide alike.
    fn samples(&self, place: SpanPlace) -> bool {
        // The share of 2^63, as OpenTelemetry's own sampler by ratio has it.
        let random = u64::try_from(place.trace & u128::from(u64::MAX)).unwrap_or(u64::MAX) >> 1;
        self.share >= 1.0 || (random as f64) < self.share * 9_223_372_036_854_775_808.0
    }

    fn span(&self, step: Step) -> SpanData {
        let mut links = SpanLinks::default();
        links.links.extend(step.cause.map(|cause| Link::with_context(context(cause))));
        let attributes = step.attributes.into_iter();
        SpanData {
            span_context: context(step.place),
            parent_span_id: step
                .parent
                .map_or(SpanId::INVALID, |span| SpanId::from_bytes(span.to_be_bytes())),
            parent_span_is_remote: step.parent_is_remote,
            span_kind: match step.kind {
                StepKind::Server => SpanKind::Server,
                StepKind::Consumer => SpanKind::Consumer,
                StepKind::Internal => SpanKind::Internal,
            },
            name: step.name.into(),
            start_time: moment(step.began.0),
            end_time: moment(step.ended.0),
            attributes: attributes.map(|(key, value)| KeyValue::new(key, value)).collect(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links,
            status: step.failure.map_or(Status::Unset, Status::error),
            instrumentation_scope: self.scope.clone(),
        }
    }
}

fn context(place: SpanPlace) -> SpanContext {
    let trace = TraceId::from_bytes(place.trace.to_be_bytes());
    let span = SpanId::from_bytes(place.span.to_be_bytes());
    SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::default())
}

fn moment(micros: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

impl Export {
    /// Sends until `ended` fires, and then what is left.
    pub async fn run(mut self, ended: CancellationToken) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut away = false;
        while let Some(first) = ended.run_until_cancelled(self.queue.recv()).await {
            let Some(first) = first else { return };
            batch.push(first);
            let gathered = self.queue.recv_many(&mut batch, BATCH - 1);
            let _ = timeout(GATHER, gathered).await;
            let sent = self.send(std::mem::take(&mut batch), SEND_LIMIT).await;
            // Told once for each time that the collector goes away.
            match sent {
                Ok(()) => away = false,
                Err(error) if !away => {
                    warn!(error, "traces cannot be sent; they are dropped until that works again");
                    away = true;
                }
                Err(error) => debug!(error, "traces cannot be sent"),
            }
        }
        self.queue.close();
        while let Ok(span) = self.queue.try_recv() {
            batch.push(span);
        }
        if !batch.is_empty() && !away {
            let _ = self.send(batch, LAST_SEND_LIMIT).await;
        }
    }

    async fn send(&self, batch: Vec<SpanData>, limit: Duration) -> Result<(), String> {
        let count = batch.len() as u64;
        let sent = match timeout(limit, self.exporter.export(batch)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("the collector does not answer in time".to_owned()),
        };
        let outcome = if sent.is_ok() { "sent" } else { "failed" };
        self.spans.with_label_values(&[outcome]).inc_by(count);
        sent
    }
}
