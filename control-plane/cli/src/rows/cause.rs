//! Why something does not work, for people.

use gimlet_shared::api::Cause;

use crate::output::{Details, Tone, clean_line};

/// Fields that tell where and why, the last lines, and what to do.
pub(crate) fn describe(details: &mut Details, cause: &Cause) {
    details
        .field("cause", crate::output::Cell::new(Tone::Bad, cause.summary.clone()))
        .field("message", said_anew(cause))
        .field("pod", cause.pod.as_deref())
        .field("container", cause.container.as_deref())
        .field("next step", cause.next_step.clone());
    if !cause.last_lines.is_empty() {
        details.heading(&format!(
            "Last lines of {}",
            cause.container.as_deref().unwrap_or("the container")
        ));
        for line in &cause.last_lines {
            details.item(line.clone());
        }
    }
}

/// The same as lines under a headline.
pub(crate) fn lines(cause: &Cause) -> Vec<String> {
    let places = [
        ("pod", cause.pod.as_deref().unwrap_or_default()),
        ("container", cause.container.as_deref().unwrap_or_default()),
        ("message", &said_anew(cause)),
    ];
    let mut lines: Vec<String> = places
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(label, value)| format!("  {:<11} {}", format!("{label}:"), clean_line(value)))
        .collect();
    if !cause.last_lines.is_empty() {
        lines.push("  last lines:".to_owned());
        lines.extend(cause.last_lines.iter().map(|line| format!("    | {}", clean_line(line))));
    }
    if !cause.next_step.is_empty() {
        lines.push(format!("  {:<11} {}", "next step:", clean_line(&cause.next_step)));
    }
    lines
}

/// The cluster's own message, where it says more than the summary.
fn said_anew(cause: &Cause) -> String {
    if cause.summary.contains(cause.detail.trim()) {
        String::new()
    } else {
        cause.detail.trim().to_owned()
    }
}
