//! Pods of an application, and what their containers said.

use gimlet_shared::api::{Cause, ContainerLog, Pod};
use time::OffsetDateTime;

use crate::output::{Cell, Details, Tone, age};

/// The section of an application's pods.
pub(crate) fn describe(details: &mut Details, now: OffsetDateTime, pods: &[Pod], left_out: u32) {
    if pods.is_empty() {
        return;
    }
    let ready = pods.iter().filter(|pod| pod.newest && pod.ready).count();
    let newest = pods.iter().filter(|pod| pod.newest).count();
    details.heading(&format!("Pods ({ready}/{newest} ready)"));
    for pod in pods {
        details.item(line(now, pod));
    }
    if left_out > 0 {
        details.item(format!("and {left_out} more"));
    }
}

fn line(now: OffsetDateTime, pod: &Pod) -> Cell {
    let Pod { name, status, ready_containers, containers, restarts, .. } = pod;
    let mut line = format!("{name}  {status}  {ready_containers}/{containers} ready");
    line.push_str(&match restarts {
        0 => String::new(),
        1 => "  1 restart".to_owned(),
        many => format!("  {many} restarts"),
    });
    if let Some(node) = &pod.node {
        line.push_str(&format!("  on {node}"));
    }
    line.push_str(&format!("  {}", age(now, &pod.created_at)));
    if !pod.newest {
        line.push_str("  (older version)");
    }
    let tone = match (pod.ready, pod.newest) {
        (_, false) => Tone::Faint,
        (true, true) => Tone::Good,
        (false, true) => Tone::Busy,
    };
    Cell::new(tone, line)
}

/// The sections of what containers said, besides those that the cause shows already.
pub(crate) fn describe_logs(details: &mut Details, logs: &[ContainerLog], cause: Option<&Cause>) {
    let is_shown = |log: &&ContainerLog| {
        cause.is_some_and(|cause| {
            !cause.last_lines.is_empty()
                && cause.pod.as_ref() == Some(&log.pod)
                && cause.container.as_ref() == Some(&log.container)
        })
    };
    for log in logs.iter().filter(|log| !is_shown(log)) {
        details.heading(&format!("Last lines of {} in {}", log.container, log.pod));
        for line in &log.lines {
            details.item(line.clone());
        }
    }
}
