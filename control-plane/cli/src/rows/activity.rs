//! Changes.

use gimlet_shared::api::Activity;
use time::OffsetDateTime;

use crate::output::{Cell, Column, Record, age};

impl Record for Activity {
    const COLUMNS: &'static [Column] = &[
        Column::always("WHEN"),
        Column::always("WHO"),
        Column::always("KIND"),
        Column::cut("WHAT", 100),
        Column::wide("TOKEN"),
        Column::wide("ID"),
    ];
    const NONE_YET: &'static str = "nothing has happened that fits";

    fn cells(&self, now: OffsetDateTime) -> Vec<Cell> {
        vec![
            age(now, &self.at).into(),
            self.actor.name.as_str().into(),
            self.kind.as_str().into(),
            self.summary.as_str().into(),
            self.actor.token.as_deref().into(),
            self.id.as_str().into(),
        ]
    }

    fn name(&self) -> String {
        self.id.clone()
    }
}
