//! Environments.

use gimlet_shared::api::Environment;
use time::OffsetDateTime;

use crate::output::{Cell, Column, Record};

impl Record for Environment {
    const COLUMNS: &'static [Column] = &[
        Column::always("ENVIRONMENT"),
        Column::always("CLUSTER"),
        Column::always("NAMESPACE"),
        Column::always("APPS REPOSITORY"),
        Column::wide("INFRA REPOSITORY"),
        Column::wide("ID"),
    ];
    const NONE_YET: &'static str =
        "no environments; `gimlet cluster connect NAME` makes one with its cluster";

    fn cells(&self, _now: OffsetDateTime) -> Vec<Cell> {
        vec![
            self.name.as_str().into(),
            self.cluster.as_str().into(),
            self.namespace.as_deref().into(),
            self.apps_repository.as_str().into(),
            self.infra_repository.as_str().into(),
            self.id.as_str().into(),
        ]
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}
