//! Commits that can be released.

use gimlet_shared::api::{Artifact, Decision};
use time::OffsetDateTime;

use super::short_sha;
use crate::output::{Cell, Column, Record, Tone, age};

impl Record for Artifact {
    const COLUMNS: &'static [Column] = &[
        Column::always("COMMIT"),
        Column::cut("REF", 24),
        Column::cut("MESSAGE", 44),
        Column::cut("AUTHOR", 20),
        Column::always("AGE"),
        Column::cut("DECISIONS", 60),
        Column::wide("REPOSITORY"),
        Column::wide("EVENT"),
        Column::wide("ARTIFACT"),
    ];
    const NONE_YET: &'static str = "no commits; add a repository with `gimlet repo add URL`, or read one now with `gimlet repo look NAME`";

    fn cells(&self, now: OffsetDateTime) -> Vec<Cell> {
        vec![
            short_sha(&self.sha).into(),
            self.tag.as_deref().unwrap_or(&self.branch).into(),
            self.message.lines().next().into(),
            self.author_name.as_str().into(),
            age(now, &self.created_at).into(),
            decisions(self),
            self.repository.as_str().into(),
            self.event.as_str().into(),
            self.id.as_str().into(),
        ]
    }

    fn name(&self) -> String {
        self.id.clone()
    }
}

/// What was decided and why: problems first, since nothing was decided about what cannot be read.
fn decisions(artifact: &Artifact) -> Cell {
    let problems =
        artifact.problems.iter().map(|problem| format!("problem: {}", first_line(problem)));
    let all: Vec<String> = problems.chain(artifact.decisions.iter().map(decision)).collect();
    let tone = if artifact.problems.is_empty() { Tone::Plain } else { Tone::Bad };
    if all.is_empty() {
        let why = if artifact.is_head { "no manifest" } else { "not the head of its push" };
        return Cell::new(Tone::Faint, why);
    }
    Cell::new(tone, all.join("; "))
}

fn decision(decision: &Decision) -> String {
    let word = if decision.releases { "released" } else { "held" };
    format!("{}/{} {word}: {}", decision.environment, decision.app, first_line(&decision.reason))
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
