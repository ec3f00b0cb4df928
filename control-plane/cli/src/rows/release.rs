//! Releases.

use std::time::Duration;

use gimlet_shared::api::{Release, Step};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{cause, pod, short_sha, state};
use crate::{
    duration,
    output::{Cell, Column, Details, Record, Tone, age, moment},
};

impl Record for Release {
    const COLUMNS: &'static [Column] = &[
        Column::always("RELEASE"),
        Column::always("ENVIRONMENT"),
        Column::always("APP"),
        Column::always("STATE"),
        Column::always("COMMIT"),
        Column::cut("MESSAGE", 40),
        Column::always("BY"),
        Column::always("AGE"),
        Column::wide("KIND"),
        Column::wide("BRANCH"),
        Column::wide("AUTHOR"),
        Column::wide("TOOK"),
        Column::wide("CAUSE"),
        Column::wide("PAGE"),
    ];
    const NONE_YET: &'static str = "no releases; push a commit whose manifest says when to deploy, or run `gimlet deploy --sha SHA`";

    fn cells(&self, now: OffsetDateTime) -> Vec<Cell> {
        vec![
            self.id.as_str().into(),
            self.environment.as_str().into(),
            self.app.as_str().into(),
            release_state(self),
            self.sha.as_deref().map(short_sha).into(),
            self.message.as_deref().into(),
            self.triggered_by.as_str().into(),
            age(now, &self.requested_at).into(),
            self.kind.as_str().into(),
            self.branch.as_deref().into(),
            self.author_name.as_deref().into(),
            took(self).map(duration::short).unwrap_or_default().into(),
            self.cause.as_ref().map(|cause| cause.summary.as_str()).into(),
            self.url.as_str().into(),
        ]
    }

    fn name(&self) -> String {
        self.id.clone()
    }

    fn details(&self, now: OffsetDateTime) -> Details {
        let mut details = Details::default();
        details
            .field("release", self.id.as_str())
            .field("kind", self.kind.as_str())
            .field("app", format!("{}/{}", self.environment, self.app))
            .field("namespace", self.namespace.as_str())
            .field("state", release_state(self))
            .field(
                "current",
                if self.current {
                    "yes, the application runs what this release brought"
                } else {
                    "no"
                },
            )
            .field("by", self.triggered_by.as_str())
            .field("repository", self.repository.as_deref())
            .field("branch", self.branch.as_deref())
            .field("commit", self.sha.as_deref())
            .field("message", self.message.as_deref())
            .field("author", self.author_name.as_deref())
            .field("artifact", self.artifact.as_deref())
            .field("back to", self.rollback_to.as_deref())
            .field("in git", self.gitops_commit.as_deref())
            .field(
                "superseded",
                self.superseded_by.as_deref().map(|by| format!("by {by}")).unwrap_or_default(),
            )
            .field("note", self.note.as_deref())
            .field("requested", moment(now, &self.requested_at));
        match &self.finished_at {
            Some(at) => details.field("finished", moment(now, at)),
            None => details.field("deadline", moment(now, &self.deadline_at)),
        };
        details.field("url", self.app_url.as_deref()).field("page", self.url.as_str());
        details.heading("Steps");
        for step in &self.steps {
            details.item(step_line(step));
        }
        if let Some(found) = &self.cause {
            details.heading("Why");
            cause::describe(&mut details, found);
        }
        pod::describe(&mut details, now, &self.pods, self.pods_left_out);
        pod::describe_logs(&mut details, &self.logs, self.cause.as_ref());
        details
    }
}

/// The state, in the words of what the release was to bring about.
fn release_state(release: &Release) -> Cell {
    state(if is_gone(release) { "gone" } else { &release.state })
}

/// A deleted application that is as it should be.
fn is_gone(release: &Release) -> bool {
    release.kind == "delete" && release.state == "healthy"
}

/// From the request to the end.
pub(crate) fn took(release: &Release) -> Option<Duration> {
    let read = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
    let end = read(release.finished_at.as_deref()?)?;
    (end - read(&release.requested_at)?).try_into().ok()
}

/// One step on one line.
pub(crate) fn step_line(step: &Step) -> Cell {
    let (icon, tone) = match step.state.as_str() {
        "done" => ("✓", Tone::Good),
        "failed" => ("✗", Tone::Bad),
        "running" => ("●", Tone::Busy),
        "skipped" => ("–", Tone::Faint),
        _ => ("○", Tone::Faint),
    };
    let mut line = format!("{icon} {}", step.title);
    let span = step.duration_ms.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
    if let (Some(span), true) = (span, matches!(step.state.as_str(), "done" | "failed" | "running"))
    {
        line.push_str(&format!("  {}", duration::short(span)));
        let usual = step.usual_ms.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
        if let Some(usual) = usual {
            line.push_str(&format!(", usually {}", duration::short(usual)));
        }
    }
    if step.state == "skipped" {
        line.push_str("  skipped");
    }
    if let Some(error) = &step.error {
        line.push_str(&format!("  {error}"));
    }
    Cell::new(tone, line)
}

/// `web in staging`.
pub(crate) fn subject(release: &Release) -> String {
    format!("{} in {}", release.app, release.environment)
}

/// How a closed release ended, in one sentence without a full stop.
pub(crate) fn outcome(release: &Release) -> String {
    let subject = subject(release);
    let why = |text: &str| match &release.cause {
        Some(cause) => format!("{subject} {text}: {}", cause.summary),
        None => format!("{subject} {text}"),
    };
    match release.state.as_str() {
        "healthy" if release.kind == "delete" => format!("{subject} is gone"),
        "healthy" => format!("{subject} is healthy"),
        "degraded" => why("is degraded"),
        "timed_out" => why("did not become healthy in time"),
        "failed" => why("failed before it reached the cluster"),
        "superseded" => match &release.superseded_by {
            Some(by) => format!("{subject} was superseded by {by} before it was healthy"),
            None => format!("{subject} was superseded by a newer release before it was healthy"),
        },
        other => format!("{subject} is {}", other.replace('_', " ")),
    }
}

/// What there is to say of a release that did not become healthy, besides its outcome.
pub(crate) fn failure_lines(release: &Release) -> Vec<String> {
    let mut lines = release.cause.as_ref().map(cause::lines).unwrap_or_default();
    if let (Some(by), "superseded") = (&release.superseded_by, release.state.as_str()) {
        lines.push(format!(
            "  next step:  `gimlet release wait {by}` follows the one that took its place"
        ));
    }
    lines.push(format!("  page:       {}", release.url));
    lines
}

/// What was asked for, as a noun.
pub(crate) fn deed(release: &Release) -> &str {
    if release.kind == "delete" { "deletion" } else { &release.kind }
}
