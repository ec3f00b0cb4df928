//! How much waits, and for how long: what an operator watches.

use gimlet_domain::time::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::{
    commands::CommandState,
    connect::Store,
    entity::{command, delivery, release, source_repository},
    error::{During, StoreError},
    releases::in_states,
    scope::SystemScope,
};

/// How much waits, of all organizations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Open releases by the word of their state.
    pub releases: Vec<(String, u64)>,
    /// Since when the oldest release that is due waits to be written.
    pub oldest_release: Option<Timestamp>,
    /// Since when the repository that has waited longest is due for a look.
    pub oldest_look: Option<Timestamp>,
    /// Since when the oldest webhook waits to be taken up.
    pub oldest_delivery: Option<Timestamp>,
    /// Since when the oldest command waits for its outcome.
    pub oldest_command: Option<Timestamp>,
}

const WAITING: &str = "count what waits";

impl Store {
    /// Counts what waits at `now`.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn waiting(
        &self,
        system: &SystemScope,
        now: Timestamp,
    ) -> Result<Waiting, StoreError> {
        let db = self.read(system);
        let states = release::Entity::find()
            .select_only()
            .column(release::Column::State)
            .column_as(release::Column::Id.count(), "count")
            .filter(in_states(&["queued", "committed", "observed"]))
            .group_by(release::Column::State)
            .into_tuple::<(String, i64)>()
            .all(&db)
            .await
            .during(WAITING)?;
        let oldest_release = release::Entity::find()
            .select_only()
            .column_as(release::Column::DueAt.min(), "oldest")
            .filter(in_states(&["queued"]))
            .filter(release::Column::DueAt.lte(now.0))
            .into_tuple::<Option<i64>>()
            .one(&db)
            .await
            .during(WAITING)?;
        let oldest_look = source_repository::Entity::find()
            .select_only()
            .column_as(source_repository::Column::PollDueAt.min(), "oldest")
            .filter(source_repository::Column::PollDueAt.lte(now.0))
            .into_tuple::<Option<i64>>()
            .one(&db)
            .await
            .during(WAITING)?;
        let oldest_delivery = delivery::Entity::find()
            .select_only()
            .column_as(delivery::Column::ReceivedAt.min(), "oldest")
            .filter(delivery::Column::FinishedAt.is_null())
            .into_tuple::<Option<i64>>()
            .one(&db)
            .await
            .during(WAITING)?;
        let oldest_command = command::Entity::find()
            .select_only()
            .column_as(command::Column::CreatedAt.min(), "oldest")
            .filter(command::Column::State.ne(CommandState::Done.as_str()))
            .filter(command::Column::ExpiresAt.gt(now.0))
            .into_tuple::<Option<i64>>()
            .one(&db)
            .await
            .during(WAITING)?;
        let moment = |found: Option<Option<i64>>| found.flatten().map(Timestamp);
        Ok(Waiting {
            releases: states
                .into_iter()
                .map(|(state, count)| (state, u64::try_from(count).unwrap_or(0)))
                .collect(),
            oldest_release: moment(oldest_release),
            oldest_look: moment(oldest_look),
            oldest_delivery: moment(oldest_delivery),
            oldest_command: moment(oldest_command),
        })
    }
}
