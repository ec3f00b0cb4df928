//! Where the time goes, by what the server's traces say: the trace of a webhook's request is ours, and the
//! commit's own trace links to it.

use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Result, ensure};
use opentelemetry_proto::tonic::trace::v1::Span;

use super::{Passed, span};
use crate::{
    collector::Collector,
    figure::{Figure, percentile},
    progress::Progress,
};

/// Traces come within a second or two.
const PATIENCE: Duration = Duration::from_secs(20);

/// The steps, in their order; each begins where the one before ends.
const STEPS: [&str; 8] = [
    "accepted and checked",
    "stored, and taken up",
    "read, judged and stored",
    "taken up for writing",
    "rendered",
    "committed",
    "command inserted",
    "sent and arrived",
];

/// Milliseconds of each step of each push.
pub(super) struct Steps {
    steps: [Vec<f64>; 8],
    acknowledged: Vec<f64>,
    whole: Vec<f64>,
}

impl Steps {
    /// Waits for the traces and finds each push in them.
    pub(super) async fn of(collector: &Collector, all: &[Passed]) -> Result<Self> {
        let began = Instant::now();
        loop {
            let spans = collector.spans();
            let steps = Self::find(&spans, all);
            if steps.whole.len() == all.len() {
                return Ok(steps);
            }
            ensure!(
                began.elapsed() < PATIENCE,
                "only {} of {} pushes are in the traces",
                steps.whole.len(),
                all.len()
            );
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    fn find(spans: &[Span], all: &[Passed]) -> Self {
        let mut ways: HashMap<&[u8], HashMap<&str, &Span>> = HashMap::new();
        let mut way_of: HashMap<u128, &[u8]> = HashMap::new();
        for one in spans {
            ways.entry(one.trace_id.as_slice()).or_default().insert(one.name.as_str(), one);
            for link in one.links.iter().filter(|_| one.name == "webhook") {
                let request: Result<[u8; 16], _> = link.trace_id.as_slice().try_into();
                if let Ok(request) = request {
                    way_of.insert(u128::from_be_bytes(request), one.trace_id.as_slice());
                }
            }
        }
        let (steps, acknowledged, whole) = Default::default();
        let mut found = Self { steps, acknowledged, whole };
        for passed in all {
            let way = way_of.get(&passed.trace).and_then(|way| ways.get(way));
            if let Some(moments) = way.and_then(|way| moments(way, passed)) {
                for (step, ends) in found.steps.iter_mut().zip(moments.windows(2)) {
                    step.push(span(ends[0], ends[1]));
                }
                found.acknowledged.push(span(passed.sent, passed.acknowledged));
                found.whole.push(span(passed.sent, passed.arrived));
            }
        }
        found
    }

    /// The table.
    pub(super) fn tell(&self, progress: Progress) {
        progress.say(format_args!("  {:28}{:>9}{:>9}{:>9}", "ms", "mean", "p50", "p99"));
        let rows = STEPS.into_iter().zip(&self.steps);
        let whole = [("whole", &self.whole), ("(acknowledged)", &self.acknowledged)];
        for (name, values) in rows.chain(whole) {
            let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
            let (p50, p99) = (percentile(values, 0.5), percentile(values, 0.99));
            progress.say(format_args!("  {name:28}{mean:9.2}{p50:9.2}{p99:9.2}"));
        }
    }

    /// The medians.
    pub(super) fn figures(&self) -> Vec<Figure> {
        let steps = STEPS.into_iter().zip(&self.steps);
        let figures = steps.map(|(name, values)| {
            let name = format!("webhook-to-command/step: {name}");
            Figure::of(name, "ms", vec![percentile(values, 0.5)])
        });
        figures.collect()
    }
}

/// Where the steps of one push begin and end; `None` while a span is missing.
fn moments(way: &HashMap<&str, &Span>, passed: &Passed) -> Option<[SystemTime; 9]> {
    let at = |nanos: u64| UNIX_EPOCH + Duration::from_nanos(nanos);
    let [webhook, ingest, render, commit, handed] =
        ["webhook", "ingest", "render", "gitops commit", "handed over"].map(|name| way.get(name));
    Some([
        passed.sent,
        at(webhook?.start_time_unix_nano),
        at(ingest?.start_time_unix_nano),
        at(ingest?.end_time_unix_nano),
        at(render?.start_time_unix_nano),
        at(render?.end_time_unix_nano),
        at(commit?.end_time_unix_nano),
        at(handed?.end_time_unix_nano),
        passed.arrived,
    ])
}
