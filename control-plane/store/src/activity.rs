//! The record of what changed in an organization: written in the transaction of its cause, and numbered
//! in the order in which those transactions commit.
//!
//! A number is drawn by changing the organization's row of `activity_heads`, which stays locked until the
//! transaction ends. Whoever draws the next number therefore commits later, and a reader that has seen a
//! number has seen all before it. Callers record last, so that the lock is short.

use gimlet_domain::{
    activity::{ActivityKind, Actor},
    time::Timestamp,
};
use gimlet_shared::ids::{EnvironmentId, OrganizationId, ReleaseId};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait,
    sea_query::{Alias, Expr, OnConflict},
};
use serde::{Deserialize, Serialize};

use crate::{
    columns::{active, from_count, from_json, to_count, to_json},
    connect::Store,
    entity::{activity, activity_head},
    error::{During, StoreError},
    scope::{SystemScope, TenantScope},
};

/// What was changed, besides environment and application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ActivityDetails {
    /// The release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseId>,
    /// What the release is for: `deploy`, `rollback` or `delete`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// Name of the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Name of the source repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Login of the member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// Name of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// State or role before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// State or role after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Why, in one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One change, as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// Its number in the organization: 1, 2, 3…
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// The word of its kind; a newer version may have written one that is unknown here.
    pub kind: String,
    /// Who did it.
    pub actor: Actor,
    /// The environment that it concerns.
    pub environment: Option<EnvironmentId>,
    /// The application that it concerns.
    pub app: Option<String>,
    /// What else it concerns.
    pub details: ActivityDetails,
}

/// Which changes to read.
#[derive(Clone, Debug, Default)]
pub struct ActivityFilter {
    /// A kind, `release.healthy`, or a group of kinds, `release`.
    pub kind: Option<String>,
    /// Name of who did it.
    pub actor: Option<String>,
    /// Environment.
    pub environment: Option<EnvironmentId>,
    /// Application.
    pub app: Option<String>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// Only numbers below this one.
    pub before: Option<u64>,
    /// The most rows that are wanted.
    pub limit: u64,
}

/// The numbers that are kept, both included; `last` is 0 where nothing was recorded yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActivityBounds {
    /// The oldest that is kept.
    pub first: u64,
    /// The newest.
    pub last: u64,
}

/// One change that is to be recorded.
#[derive(Clone, Debug)]
pub(crate) struct NewActivity {
    pub(crate) kind: ActivityKind,
    pub(crate) actor: Actor,
    pub(crate) environment: Option<EnvironmentId>,
    pub(crate) app: Option<String>,
    pub(crate) details: ActivityDetails,
}

const RECORD: &str = "record what changed";
const READ: &str = "read what changed";

impl NewActivity {
    /// A change that concerns no application.
    pub(crate) fn new(kind: ActivityKind, actor: Actor, details: ActivityDetails) -> Self {
        Self { kind, actor, environment: None, app: None, details }
    }
}

/// Records changes, in their order. To be called last in the transaction of their cause.
pub(crate) async fn record(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    noted: Vec<NewActivity>,
    now: Timestamp,
) -> Result<(), StoreError> {
    if noted.is_empty() {
        return Ok(());
    }
    let count = i64::try_from(noted.len()).unwrap_or(i64::MAX);
    let head = activity_head::Model { organization_id: organization.0, last_seq: count };
    let last = Expr::col((activity_head::Entity, activity_head::Column::LastSeq)).add(count);
    let drawn = OnConflict::column(activity_head::Column::OrganizationId)
        .value(activity_head::Column::LastSeq, last)
        .to_owned();
    let head = activity_head::Entity::insert(active(head))
        .on_conflict(drawn)
        .exec_with_returning(db)
        .await
        .during(RECORD)?;
    let first = head.last_seq - count + 1;
    let mut rows = Vec::with_capacity(noted.len());
    for (seq, new) in (first..).zip(noted) {
        rows.push(active(row(organization, seq, new, now)?));
    }
    activity::Entity::insert_many(rows).exec_without_returning(db).await.map(drop).during(RECORD)
}

fn row(
    organization: OrganizationId,
    seq: i64,
    new: NewActivity,
    now: Timestamp,
) -> Result<activity::Model, StoreError> {
    Ok(activity::Model {
        organization_id: organization.0,
        seq,
        at: now.0,
        kind: new.kind.as_str().to_owned(),
        actor: new.actor.name().to_owned(),
        actor_data: to_json("actor", &new.actor)?,
        environment_id: new.environment.map(|id| id.0),
        app: new.app,
        data: to_json("change", &new.details)?,
    })
}

impl Store {
    /// Changes of the organization, newest first.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn list_activity(
        &self,
        scope: &TenantScope,
        filter: &ActivityFilter,
    ) -> Result<Vec<Activity>, StoreError> {
        let rows = activity::Entity::find()
            .filter(activity::owned_by(scope.organization()))
            .apply_if(filter.kind.as_ref(), |rows, kind| {
                rows.filter(match kind.contains('.') {
                    true => activity::Column::Kind.eq(kind.as_str()),
                    // The database computes the group from the kind.
                    false => Expr::col(Alias::new("kind_group")).eq(kind.as_str()),
                })
            })
            .apply_if(filter.actor.as_ref(), |rows, actor| {
                rows.filter(activity::Column::Actor.eq(actor.as_str()))
            })
            .apply_if(filter.environment, |rows, id| {
                rows.filter(activity::Column::EnvironmentId.eq(id.0))
            })
            .apply_if(filter.app.as_ref(), |rows, app| {
                rows.filter(activity::Column::App.eq(app.as_str()))
            })
            .apply_if(filter.since, |rows, at| rows.filter(activity::Column::At.gte(at.0)))
            .apply_if(filter.until, |rows, at| rows.filter(activity::Column::At.lt(at.0)))
            .apply_if(filter.before, |rows, seq| {
                rows.filter(activity::Column::Seq.lt(to_count(seq)))
            })
            .order_by_desc(activity::Column::Seq)
            .limit(filter.limit)
            .all(&self.read(scope))
            .await
            .during(READ)?;
        rows.into_iter().map(Activity::try_from).collect()
    }

    /// Changes of the organization after number `after`, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn activity_after(
        &self,
        scope: &TenantScope,
        after: u64,
        limit: u64,
    ) -> Result<Vec<Activity>, StoreError> {
        self.after(scope.organization(), after, limit).await
    }

    /// The same for whoever hands changes to those who listen.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn activity_after_for_system(
        &self,
        _: &SystemScope,
        organization: OrganizationId,
        after: u64,
        limit: u64,
    ) -> Result<Vec<Activity>, StoreError> {
        self.after(organization, after, limit).await
    }

    async fn after(
        &self,
        organization: OrganizationId,
        after: u64,
        limit: u64,
    ) -> Result<Vec<Activity>, StoreError> {
        let rows = activity::Entity::find()
            .filter(activity::owned_by(organization))
            .filter(activity::Column::Seq.gt(to_count(after)))
            .order_by_asc(activity::Column::Seq)
            .limit(limit)
            .all(&self.read(&organization))
            .await
            .during(READ)?;
        rows.into_iter().map(Activity::try_from).collect()
    }

    /// Which numbers are kept.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn activity_bounds(&self, scope: &TenantScope) -> Result<ActivityBounds, StoreError> {
        let edge = |order| {
            let rows = activity::Entity::find()
                .filter(activity::owned_by(scope.organization()))
                .order_by(activity::Column::Seq, order)
                .limit(1);
            async { rows.one(&self.read(scope)).await.during(READ) }
        };
        let newest = edge(sea_orm::Order::Desc).await?;
        let oldest = edge(sea_orm::Order::Asc).await?;
        Ok(ActivityBounds {
            first: oldest.map_or(Ok(1), |row| from_count("number of a change", row.seq))?,
            last: newest.map_or(Ok(0), |row| from_count("number of a change", row.seq))?,
        })
    }
}

impl TryFrom<activity::Model> for Activity {
    type Error = StoreError;

    fn try_from(row: activity::Model) -> Result<Self, StoreError> {
        Ok(Self {
            seq: from_count("number of a change", row.seq)?,
            at: Timestamp(row.at),
            kind: row.kind,
            actor: from_json("actor", &row.actor_data)?,
            environment: row.environment_id.map(EnvironmentId),
            app: row.app,
            details: from_json("change", &row.data)?,
        })
    }
}
