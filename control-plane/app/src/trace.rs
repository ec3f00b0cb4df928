//! The way of a commit as a trace: which steps it took, and how long each was.
//!
//! Ids come from what the steps belong to, so nothing has to be carried from one to the next: a trace has the
//! id of its artifact, a release's span that of its release. Steps of one way find together whichever
//! process took them, also after a restart. Nothing here holds a token, a body or a message.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use gimlet_domain::release::{Intent, ReleaseState};
use gimlet_store::Release;
use uuid::Uuid;

use crate::{App, Timestamp};

/// Requests whose deliveries or releases are not taken up yet; an older one loses its link and nothing else.
const MOST_CAUSES: usize = 4096;

/// Where a span stands: trace and span of the W3C's trace context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanPlace {
    /// The trace.
    pub trace: u128,
    /// The span.
    pub span: u64,
}

/// One step, when it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where it stands.
    pub place: SpanPlace,
    /// The span it is part of, of the same trace.
    pub parent: Option<u64>,
    /// That span is another program's.
    pub parent_is_remote: bool,
    /// What brought it about, in another trace.
    pub cause: Option<SpanPlace>,
    /// Whether it is to be kept; `None` where this program decides.
    pub sampled: Option<bool>,
    /// Answers a request.
    pub kind: StepKind,
    /// What it is.
    pub name: String,
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// What is known of it.
    pub attributes: Vec<(&'static str, String)>,
    /// What went wrong, in a word or sentence of ours.
    pub failure: Option<String>,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Answers a request.
    Server,
    /// Takes up what was stored before.
    Consumer,
    /// Anything else.
    Internal,
}

/// Takes steps, to keep or to drop. Must return at once and never fail.
pub trait Traces: Send + Sync {
    /// A step is over.
    fn record(&self, step: Step);
}

/// Where steps go, and what brought about what is not taken up yet.
#[derive(Default)]
pub(crate) struct Trail {
    traces: OnceLock<Arc<dyn Traces>>,
    causes: Mutex<Causes>,
}

#[derive(Debug, Default)]
struct Causes {
    by_subject: HashMap<Uuid, SpanPlace>,
    oldest_first: VecDeque<Uuid>,
}

tokio::task_local! {
    static REQUEST: SpanPlace;
}

/// Runs `work` as part of the request whose span this is.
pub async fn in_request<T>(place: SpanPlace, work: impl Future<Output = T>) -> T {
    REQUEST.scope(place, work).await
}

impl App {
    /// Has all steps from now on recorded. The first caller wins.
    pub fn trace_to(&self, traces: Arc<dyn Traces>) {
        // A second receiver would be a fault of the wiring, and none that is worth a failure.
        let _ = self.parts().trail.traces.set(traces);
    }

    /// Somebody keeps traces.
    #[must_use]
    pub fn is_traced(&self) -> bool {
        self.parts().trail.traces.get().is_some()
    }

    /// A step is over.
    pub fn record_step(&self, step: Step) {
        if let Some(traces) = self.parts().trail.traces.get() {
            traces.record(step);
        }
    }

    /// The request that runs has brought about `subject`: a delivery or a release.
    pub(crate) fn note_cause(&self, subject: Uuid) {
        let Ok(place) = REQUEST.try_with(|place| *place) else { return };
        let mut causes = self.causes();
        if causes.by_subject.insert(subject, place).is_none() {
            causes.oldest_first.push_back(subject);
        }
        if causes.oldest_first.len() > MOST_CAUSES
            && let Some(oldest) = causes.oldest_first.pop_front()
        {
            causes.by_subject.remove(&oldest);
        }
    }

    fn cause_of(&self, subject: Uuid) -> Option<SpanPlace> {
        self.causes().by_subject.get(&subject).copied()
    }

    fn causes(&self) -> std::sync::MutexGuard<'_, Causes> {
        // Each change leaves the map usable, so it is whole even after a panic elsewhere.
        self.parts().trail.causes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Commits were taken in: the first step of each one's way, and the webhook that announced it.
    pub(crate) fn trace_ingest(
        &self,
        artifact: Uuid,
        began: Timestamp,
        announced: Option<(Uuid, Timestamp)>,
    ) {
        if !self.is_traced() {
            return;
        }
        let (root, now) = (way(artifact), self.now());
        let attributes = vec![("artifact.id", format!("art_{artifact}"))];
        if let Some((delivery, received)) = announced {
            let mut step = self.step(root.trace, "webhook", (received, began));
            step.parent = Some(root.span);
            step.cause = self.cause_of(delivery);
            step.kind = StepKind::Consumer;
            self.record_step(step);
        }
        let mut ingest = self.step(root.trace, "ingest", (began, now));
        ingest.parent = Some(root.span);
        ingest.attributes.clone_from(&attributes);
        self.record_step(ingest);
        let since = announced.map_or(began, |(_, received)| received);
        let mut whole = self.step(root.trace, "commit taken in", (since, now));
        (whole.place, whole.attributes) = (root, attributes);
        self.record_step(whole);
    }

    /// A part of writing a release, such as its rendering.
    pub(crate) fn trace_part(&self, release: &Release, name: &'static str, began: Timestamp) {
        if self.is_traced() {
            self.trace_span(release, name, (began, self.now()));
        }
    }

    /// A release has moved: what that completes.
    pub(crate) fn trace_release(&self, before: &Release, after: &Release) {
        if !self.is_traced() {
            return;
        }
        if let (None, Some(committed)) = (before.committed_at, after.committed_at) {
            self.trace_span(after, "waited and written", (after.requested_at, committed));
        }
        if let (None, Some(fetched), Some(committed)) =
            (before.fetched_at, after.fetched_at, after.committed_at)
        {
            self.trace_span(after, "fetched by Flux", (committed, fetched));
        }
        if let (None, Some(applied), Some(fetched)) =
            (before.applied_at, after.applied_at, after.fetched_at)
        {
            self.trace_span(after, "applied by Flux", (fetched, applied));
        }
        if after.state.is_closed() {
            let (now, applied) = (self.now(), after.applied_at);
            if let (Some(applied), ReleaseState::Healthy { .. }) = (applied, &after.state) {
                self.trace_span(after, "became healthy", (applied, now));
            }
            self.trace_whole(after, now);
        }
    }

    /// A command has gone to the agent, and its outcome came back.
    pub(crate) fn trace_command(
        &self,
        release: &Release,
        (sent, done): (Timestamp, Timestamp),
        failure: Option<&str>,
    ) {
        let mut step = self.step(trace_of(release), "command at the agent", (sent, done));
        step.parent = Some(span_of(release));
        step.failure = failure.map(str::to_owned);
        self.record_step(step);
    }

    fn trace_whole(&self, release: &Release, now: Timestamp) {
        let trace = trace_of(release);
        let mut whole = self.step(trace, "release", (release.requested_at, now));
        whole.place.span = span_of(release);
        whole.parent = artifact_of(release).map(|artifact| way(artifact).span);
        whole.cause = self.cause_of(release.id.0);
        whole.attributes = vec![
            ("release.id", release.id.to_string()),
            ("organization.id", release.organization_id.to_string()),
            ("release.state", release.state.word().to_owned()),
        ];
        let good =
            matches!(release.state, ReleaseState::Healthy { .. } | ReleaseState::Superseded { .. });
        whole.failure = (!good).then(|| release.state.word().to_owned());
        self.record_step(whole);
    }

    fn trace_span(&self, release: &Release, name: &str, times: (Timestamp, Timestamp)) {
        let mut step = self.step(trace_of(release), name, times);
        step.parent = Some(span_of(release));
        self.record_step(step);
    }

    fn step(&self, trace: u128, name: &str, (began, ended): (Timestamp, Timestamp)) -> Step {
        Step {
            place: SpanPlace { trace, span: new_span() },
            parent: None,
            parent_is_remote: false,
            cause: None,
            sampled: None,
            kind: StepKind::Internal,
            name: name.to_owned(),
            began,
            ended: ended.max(began),
            attributes: Vec::new(),
            failure: None,
        }
    }
}

/// A span id of its own: random, and never zero.
#[must_use]
pub fn new_span() -> u64 {
    rand::random::<u64>() | 1
}

/// The whole way of an artifact.
fn way(artifact: Uuid) -> SpanPlace {
    SpanPlace { trace: artifact.as_u128(), span: low_half(artifact) }
}

/// Going back and away have no artifact of their own: they are ways of their own.
fn trace_of(release: &Release) -> u128 {
    artifact_of(release).unwrap_or(release.id.0).as_u128()
}

fn artifact_of(release: &Release) -> Option<Uuid> {
    match release.intent {
        Intent::Deploy { artifact } => Some(artifact.0),
        Intent::Rollback { .. } | Intent::Delete => None,
    }
}

fn span_of(release: &Release) -> u64 {
    low_half(release.id.0)
}

/// The random half of a UUID of version 7; two bits of it say so, hence it is never zero.
fn low_half(id: Uuid) -> u64 {
    id.as_u64_pair().1
}
