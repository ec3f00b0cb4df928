//! Source repositories.

use gimlet_shared::api::{Repository, RepositoryAdded};
use time::OffsetDateTime;

use crate::output::{Cell, Column, Details, Record, Tone, age};

impl Record for Repository {
    const COLUMNS: &'static [Column] = &[
        Column::always("REPOSITORY"),
        Column::always("URL"),
        Column::always("BRANCH"),
        Column::always("LOOKED"),
        Column::cut("ERROR", 60),
        Column::wide("ID"),
        Column::wide("ADDED"),
    ];
    const NONE_YET: &'static str = "no repositories; add one with `gimlet repo add URL`";

    fn cells(&self, now: OffsetDateTime) -> Vec<Cell> {
        vec![
            self.name.as_str().into(),
            self.url.as_str().into(),
            self.default_branch.as_deref().into(),
            self.last_polled_at.as_deref().map(|at| age(now, at)).unwrap_or_default().into(),
            Cell::new(Tone::Bad, self.last_error.clone().unwrap_or_default()),
            self.id.as_str().into(),
            age(now, &self.created_at).into(),
        ]
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

impl Record for RepositoryAdded {
    const COLUMNS: &'static [Column] = Repository::COLUMNS;
    const NONE_YET: &'static str = Repository::NONE_YET;

    fn cells(&self, now: OffsetDateTime) -> Vec<Cell> {
        self.repository.cells(now)
    }

    fn name(&self) -> String {
        self.repository.name.clone()
    }

    fn details(&self, _now: OffsetDateTime) -> Details {
        let mut details = Details::default();
        details
            .field("repository", self.repository.name.as_str())
            .field("url", self.repository.url.as_str())
            .field("webhook url", self.webhook_url.as_str())
            .field("webhook secret", self.webhook_secret.as_str())
            .field("look url", self.look_url.as_str())
            .field("look token", self.look_token.as_str());
        details
    }
}
