//! Clusters.

use gimlet_shared::api::Cluster;
use time::OffsetDateTime;

use super::state;
use crate::output::{Cell, Column, Record, Tone, age};

impl Record for Cluster {
    const COLUMNS: &'static [Column] = &[
        Column::always("CLUSTER"),
        Column::always("STATE"),
        Column::always("SEEN"),
        Column::always("ENVIRONMENTS"),
        Column::always("APPS"),
        Column::always("DEGRADED"),
        Column::wide("KUBERNETES"),
        Column::wide("AGENT"),
        Column::wide("ID"),
        Column::wide("ADDED"),
    ];
    const NONE_YET: &'static str =
        "no clusters; `gimlet cluster connect NAME` prints the command that connects one";

    fn cells(&self, now: OffsetDateTime) -> Vec<Cell> {
        let tone = if self.degraded_apps > 0 { Tone::Bad } else { Tone::Plain };
        vec![
            self.name.as_str().into(),
            state(&self.state),
            self.last_seen_at.as_deref().map(|at| age(now, at)).unwrap_or_default().into(),
            self.environments.join(",").into(),
            self.apps.to_string().into(),
            Cell::new(tone, self.degraded_apps.to_string()),
            self.kubernetes_version.as_deref().into(),
            self.agent_version.as_deref().into(),
            self.id.as_str().into(),
            age(now, &self.created_at).into(),
        ]
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}
