//! A release and an application as pages, API and command show them.

use gimlet_domain::{
    cause,
    health::Health,
    release::{Intent, ReleaseState},
    usual::{Moments, UsualDurations},
};
use gimlet_shared::api;
use gimlet_store::{Artifact, Release};

use crate::{App, Timestamp};

/// What belongs to a release's view besides the release.
pub(crate) struct Around<'a> {
    pub(crate) environment: &'a str,
    pub(crate) repository: Option<&'a str>,
    pub(crate) artifact: Option<&'a Artifact>,
    pub(crate) current: bool,
    /// Where people reach its application.
    pub(crate) app_url: Option<&'a str>,
}

impl App {
    /// The view of a release, as of now.
    pub(crate) fn release_view(&self, release: &Release, around: &Around<'_>) -> api::Release {
        let commit = around.artifact.map(|artifact| &artifact.commit);
        let trouble =
            (!release.state.is_closed()).then(|| self.parts().troubles.of(release.id)).flatten();
        api::Release {
            id: release.id.to_string(),
            kind: kind(&release.intent).to_owned(),
            environment: around.environment.to_owned(),
            app: release.app.clone(),
            namespace: release.namespace.clone(),
            state: release.state.word().to_owned(),
            closed: release.state.is_closed(),
            triggered_by: release.trigger.as_str().to_owned(),
            repository: around.repository.map(str::to_owned),
            artifact: release.artifact.map(|id| id.to_string()),
            sha: commit.map(|commit| commit.sha.clone()),
            message: commit
                .map(|commit| commit.message.lines().next().unwrap_or_default().to_owned()),
            author_name: commit.map(|commit| commit.author_name.clone()),
            branch: commit
                .and_then(|commit| commit.branch.clone().or_else(|| commit.source_branch.clone())),
            rollback_to: match &release.intent {
                Intent::Rollback { to } => Some(to.to_string()),
                Intent::Deploy { .. } | Intent::Delete => None,
            },
            gitops_commit: release.state.commit().map(str::to_owned),
            superseded_by: match &release.state {
                ReleaseState::Superseded { by, .. } => by.map(|id| id.to_string()),
                ReleaseState::Queued
                | ReleaseState::Committed { .. }
                | ReleaseState::Observed { .. }
                | ReleaseState::Healthy { .. }
                | ReleaseState::Degraded { .. }
                | ReleaseState::TimedOut { .. }
                | ReleaseState::Failed { .. } => None,
            },
            cause: release.state.cause().cloned().or(trouble).map(cause_view),
            note: release.note.clone(),
            steps: steps(release, self.now()),
            requested_at: release.requested_at.rfc3339(),
            deadline_at: release.deadline_at.rfc3339(),
            finished_at: release.finished_at.map(Timestamp::rfc3339),
            url: self.page(&format!("/releases/{}", release.id)),
            current: around.current,
            app_url: around.app_url.map(str::to_owned),
            pods: Vec::new(),
            pods_left_out: 0,
            logs: Vec::new(),
        }
    }
}

/// Says of each step how long it usually takes.
pub(crate) fn add_usual(steps: &mut [api::Step], usual: &UsualDurations) {
    let known = [usual.written, usual.fetched, usual.applied, usual.healthy];
    for (step, usual) in steps.iter_mut().zip(known) {
        // Going away takes another time than becoming healthy.
        if step.name != "gone" {
            step.usual_ms = usual.and_then(|usual| i64::try_from(usual.as_millis()).ok());
        }
    }
}

/// When a release reached each of its steps.
pub(crate) fn moments(release: &Release) -> Moments {
    Moments {
        requested: release.requested_at,
        committed: release.committed_at,
        fetched: release.fetched_at,
        applied: release.applied_at,
        finished: release.finished_at,
    }
}

/// The word for what a release is to bring about.
fn kind(intent: &Intent) -> &'static str {
    match intent {
        Intent::Deploy { .. } => "deploy",
        Intent::Rollback { .. } => "rollback",
        Intent::Delete => "delete",
    }
}

/// A cause as the API shows it.
pub(crate) fn cause_view(cause: cause::Cause) -> api::Cause {
    api::Cause {
        code: cause.code.as_str().to_owned(),
        summary: cause.summary,
        detail: cause.detail,
        pod: cause.pod,
        container: cause.container,
        last_lines: cause.last_lines,
        next_step: cause.next_step,
    }
}

/// The cause of a bad health.
pub(crate) fn health_cause(health: &Health) -> Option<api::Cause> {
    match health {
        Health::Degraded { cause } => Some(cause_view(cause.clone())),
        Health::Unknown | Health::Progressing | Health::Healthy => None,
    }
}

/// One line per step: its beginning is the end of the one before.
fn steps(release: &Release, now: Timestamp) -> Vec<api::Step> {
    let deletes = matches!(release.intent, Intent::Delete);
    let healthy_at = matches!(release.state, ReleaseState::Healthy { .. })
        .then_some(release.finished_at)
        .flatten();
    let ends = [
        ("written", "Written to the gitops repository", release.committed_at),
        ("fetched", "Fetched by Flux", release.fetched_at.or(release.applied_at).or(healthy_at)),
        ("applied", "Applied to the cluster", release.applied_at.or(healthy_at)),
        if deletes {
            ("gone", "Gone from the cluster", healthy_at)
        } else {
            ("healthy", "Healthy", healthy_at)
        },
    ];
    let mut from = Some(release.requested_at);
    ends.into_iter()
        .map(|(name, title, end)| step(release, now, name, title, &mut from, end))
        .collect()
}

/// `from` is when the step began; `None` once an earlier one did not end.
fn step(
    release: &Release,
    now: Timestamp,
    name: &str,
    title: &str,
    from: &mut Option<Timestamp>,
    end: Option<Timestamp>,
) -> api::Step {
    let began = *from;
    let (state, until) = match (began, end) {
        (Some(_), Some(end)) => ("done", Some(end)),
        (Some(_), None) => match &release.state {
            ReleaseState::Superseded { .. } => ("skipped", release.finished_at),
            ReleaseState::Healthy { .. }
            | ReleaseState::Degraded { .. }
            | ReleaseState::TimedOut { .. }
            | ReleaseState::Failed { .. } => ("failed", release.finished_at),
            ReleaseState::Queued
            | ReleaseState::Committed { .. }
            | ReleaseState::Observed { .. } => ("running", Some(now)),
        },
        (None, _) if release.state.is_closed() => ("skipped", None),
        (None, _) => ("waiting", None),
    };
    let failed = state == "failed";
    *from = if state == "done" { end } else { None };
    let duration = began.zip(until).map(|(began, until)| until.since(began).as_millis());
    api::Step {
        name: name.to_owned(),
        title: title.to_owned(),
        state: state.to_owned(),
        started_at: began.map(Timestamp::rfc3339),
        duration_ms: duration.and_then(|ms| i64::try_from(ms).ok()),
        usual_ms: None,
        error: failed.then(|| release.state.cause().map(|cause| cause.summary.clone())).flatten(),
    }
}

#[cfg(test)]
#[path = "release_view_tests.rs"]
mod tests;
