//! Applications.

use gimlet_shared::api::{App, Workload};
use time::OffsetDateTime;

use super::{cause, pod, short_sha, state};
use crate::output::{Cell, Column, Details, Record, age, moment};

impl Record for App {
    const COLUMNS: &'static [Column] = &[
        Column::always("ENVIRONMENT"),
        Column::always("APP"),
        Column::always("HEALTH"),
        Column::always("SINCE"),
        Column::always("READY"),
        Column::always("COMMIT"),
        Column::cut("CAUSE", 50),
        Column::wide("NAMESPACE"),
        Column::wide("REPOSITORY"),
        Column::wide("RELEASE"),
        Column::wide("IMAGES"),
        Column::wide("URL"),
        Column::wide("PAGE"),
    ];
    const NONE_YET: &'static str = "no applications; the first release of a manifest makes one";

    fn cells(&self, now: OffsetDateTime) -> Vec<Cell> {
        vec![
            self.environment.as_str().into(),
            self.name.as_str().into(),
            state(&self.health),
            age(now, &self.health_at).into(),
            ready(&self.workloads).into(),
            self.sha.as_deref().map(short_sha).into(),
            self.cause.as_ref().map(|cause| cause.summary.as_str()).into(),
            self.namespace.as_str().into(),
            self.repository.as_deref().into(),
            self.latest_release.as_ref().map(|release| release.id.as_str()).into(),
            self.workloads
                .iter()
                .flat_map(|workload| &workload.images)
                .cloned()
                .collect::<Vec<_>>()
                .join(",")
                .into(),
            self.app_url.as_deref().into(),
            self.url.as_str().into(),
        ]
    }

    fn name(&self) -> String {
        format!("{}/{}", self.environment, self.name)
    }

    fn details(&self, now: OffsetDateTime) -> Details {
        let mut details = Details::default();
        details
            .field("app", Record::name(self))
            .field("namespace", self.namespace.as_str())
            .field("health", state(&self.health))
            .field("since", moment(now, &self.health_at))
            .field("repository", self.repository.as_deref())
            .field("commit", self.sha.as_deref())
            .field("url", self.app_url.as_deref())
            .field("page", self.url.as_str());
        if let Some(release) = &self.latest_release {
            let text =
                format!("{} ({}, {})", release.id, release.state, age(now, &release.requested_at));
            details.field("release", text);
        }
        if let Some(found) = &self.cause {
            cause::describe(&mut details, found);
        }
        if !self.workloads.is_empty() {
            details.heading("Workloads");
        }
        for workload in &self.workloads {
            let Workload { kind, name, ready, desired, images } = workload;
            details.item(format!("{kind}/{name}  {ready}/{desired} ready  {}", images.join(", ")));
        }
        pod::describe(&mut details, now, &self.pods, self.pods_left_out);
        // The first is the cause above.
        for alert in self.alerts.iter().skip(1) {
            details.heading("Also wrong");
            cause::describe(&mut details, alert);
        }
        details
    }
}

/// Ready and wanted pods of all workloads; nothing is known while the agent is away.
fn ready(workloads: &[Workload]) -> String {
    if workloads.is_empty() {
        return String::new();
    }
    let sum = |part: fn(&Workload) -> i32| {
        workloads.iter().map(|workload| i64::from(part(workload))).sum::<i64>()
    };
    format!("{}/{}", sum(|workload| workload.ready), sum(|workload| workload.desired))
}
