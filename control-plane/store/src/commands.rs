//! Commands to the agents: numbered with their cause, sent until done, fenced by session.

use std::str::FromStr;

use gimlet_domain::time::Timestamp;
use gimlet_shared::{
    crash_point,
    ids::{ClusterId, CommandId, OrganizationId, ReleaseId},
    link::{CommandBody, CommandOutcome},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};

use crate::{
    clusters::touch,
    columns::{from_count, from_json, from_word, insert, moment, to_count, to_json},
    connect::Store,
    entity::{cluster, command},
    error::{During, StoreError},
    releases::Release,
    scope::{ClusterScope, SystemScope},
};

/// One command to an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Per cluster, from 1, without gaps.
    pub seq: u64,
    /// The deterministic key of its effect.
    pub id: CommandId,
    /// The cluster that it goes to.
    pub cluster_id: ClusterId,
    /// Whose cluster.
    pub organization_id: OrganizationId,
    /// What to do.
    pub body: CommandBody,
    /// How far it came.
    pub state: CommandState,
    /// How it ended, once done.
    pub outcome: Option<CommandOutcome>,
    /// When it must not start any more.
    pub expires_at: Timestamp,
    /// When it was caused.
    pub created_at: Timestamp,
    /// When the agent took it.
    pub accepted_at: Option<Timestamp>,
    /// When it ended.
    pub done_at: Option<Timestamp>,
    /// The release that caused it.
    pub release_id: Option<ReleaseId>,
}

/// How far a command came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandState {
    /// Not in the agent's hands.
    Queued,
    /// In the agent's hands.
    Accepted,
    /// Ended.
    Done,
}

impl CommandState {
    /// The word that is stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Accepted => "accepted",
            Self::Done => "done",
        }
    }
}

/// A word for no state of a command.
#[derive(Clone, Debug, thiserror::Error)]
#[error("`{0}` is no state of a command; use queued, accepted or done")]
pub struct UnknownCommandState(String);

impl FromStr for CommandState {
    type Err = UnknownCommandState;

    fn from_str(word: &str) -> Result<Self, UnknownCommandState> {
        match word {
            "queued" => Ok(Self::Queued),
            "accepted" => Ok(Self::Accepted),
            "done" => Ok(Self::Done),
            other => Err(UnknownCommandState(other.to_owned())),
        }
    }
}

/// A command that a release's step causes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCommand {
    /// The deterministic key of its effect.
    pub id: CommandId,
    /// The cluster that it goes to.
    pub cluster: ClusterId,
    /// What to do.
    pub body: CommandBody,
    /// When it must not start any more.
    pub expires_at: Timestamp,
}

const STORE: &str = "store a command";
const ACCEPT: &str = "note that a command was accepted";
const FINISH: &str = "note how a command ended";

impl Store {
    /// The cluster's commands above `after_seq` that are not done, by number.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn pending_commands(
        &self,
        scope: &ClusterScope,
        after_seq: u64,
        limit: u64,
    ) -> Result<Vec<Command>, StoreError> {
        let rows = command::Entity::find()
            .filter(of_cluster(scope))
            .filter(command::Column::Seq.gt(to_count(after_seq)))
            .filter(command::Column::State.ne(CommandState::Done.as_str()))
            .order_by_asc(command::Column::Seq)
            .limit(limit)
            .all(&self.read(scope))
            .await
            .during("list commands")?;
        rows.into_iter().map(Command::try_from).collect()
    }

    /// Notes that the agent has the command; false where it had it before, or a newer session is open.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn accept_command(
        &self,
        scope: &ClusterScope,
        epoch: u64,
        seq: u64,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let txn = self.begin(scope, ACCEPT).await?;
        if !touch(&txn, scope, epoch, now).await? {
            return txn.undo(false).await;
        }
        let accepted = command::Entity::update_many()
            .col_expr(command::Column::State, Expr::value(CommandState::Accepted.as_str()))
            .col_expr(command::Column::AcceptedAt, Expr::value(now.0))
            .filter(of_cluster(scope))
            .filter(command::Column::Seq.eq(to_count(seq)))
            .filter(command::Column::State.eq(CommandState::Queued.as_str()))
            .exec(&txn)
            .await
            .during(ACCEPT)?;
        txn.commit().await?;
        Ok(accepted.rows_affected == 1)
    }

    /// Notes how a command ended, and returns the release that caused it. `None` where none did, the end
    /// was known, or a newer session is open.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn finish_command(
        &self,
        scope: &ClusterScope,
        epoch: u64,
        seq: u64,
        id: CommandId,
        outcome: &CommandOutcome,
        now: Timestamp,
    ) -> Result<Option<ReleaseId>, StoreError> {
        let outcome = to_json("command outcome", outcome)?;
        let this = of_cluster(scope)
            .and(command::Column::Seq.eq(to_count(seq)))
            .and(command::Column::Id.eq(id.0));
        let txn = self.begin(scope, FINISH).await?;
        if !touch(&txn, scope, epoch, now).await? {
            return txn.undo(None).await;
        }
        let finished = command::Entity::update_many()
            .col_expr(command::Column::State, Expr::value(CommandState::Done.as_str()))
            .col_expr(command::Column::Outcome, Expr::value(outcome))
            .col_expr(command::Column::DoneAt, Expr::value(now.0))
            .filter(this.clone())
            .filter(command::Column::State.ne(CommandState::Done.as_str()))
            .exec(&txn)
            .await
            .during(FINISH)?;
        let row = command::Entity::find().filter(this).one(&txn).await.during(FINISH)?;
        txn.commit().await?;
        let news = row.filter(|_| finished.rows_affected == 1);
        Ok(news.and_then(|row| row.release_id).map(ReleaseId))
    }

    /// Ends every command whose time has passed as expired; returns how many.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn expire_commands(
        &self,
        system: &SystemScope,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let outcome = to_json("command outcome", &CommandOutcome::Expired)?;
        let expired = command::Entity::update_many()
            .col_expr(command::Column::State, Expr::value(CommandState::Done.as_str()))
            .col_expr(command::Column::Outcome, Expr::value(outcome))
            .col_expr(command::Column::DoneAt, Expr::value(now.0))
            .filter(command::Column::State.ne(CommandState::Done.as_str()))
            .filter(command::Column::ExpiresAt.lte(now.0))
            .exec(&self.write(system))
            .await
            .during("expire commands")?;
        Ok(expired.rows_affected)
    }
}

fn of_cluster(scope: &ClusterScope) -> Expr {
    command::owned_by(scope.organization()).and(command::Column::ClusterId.eq(scope.cluster().0))
}

/// Gives a command of a release's step the next number of its cluster.
pub(crate) async fn insert_command(
    db: &impl ConnectionTrait,
    release: &Release,
    new: NewCommand,
    now: Timestamp,
) -> Result<(), StoreError> {
    let this =
        cluster::owned_by(release.organization_id).and(cluster::Column::Id.eq(new.cluster.0));
    cluster::Entity::update_many()
        .col_expr(
            cluster::Column::LastCommandSeq,
            Expr::col(cluster::Column::LastCommandSeq).add(1),
        )
        .filter(this.clone())
        .exec(db)
        .await
        .during(STORE)?;
    let cluster = cluster::Entity::find().filter(this).one(db).await.during(STORE)?;
    let seq = cluster.ok_or(StoreError::Absent { what: "cluster" })?.last_command_seq;
    let row = command::Model {
        id: new.id.0,
        organization_id: release.organization_id.0,
        cluster_id: new.cluster.0,
        seq,
        body: to_json("command body", &new.body)?,
        state: CommandState::Queued.as_str().to_owned(),
        outcome: None,
        expires_at: new.expires_at.0,
        created_at: now.0,
        accepted_at: None,
        done_at: None,
        release_id: Some(release.id.0),
    };
    crash_point!("command.insert.before");
    insert(db, row).await.during(STORE)?;
    crash_point!("command.insert.after");
    Ok(())
}

impl TryFrom<command::Model> for Command {
    type Error = StoreError;

    fn try_from(row: command::Model) -> Result<Self, StoreError> {
        Ok(Self {
            seq: from_count("command number", row.seq)?,
            id: CommandId(row.id),
            cluster_id: ClusterId(row.cluster_id),
            organization_id: OrganizationId(row.organization_id),
            body: from_json("command body", &row.body)?,
            state: from_word("command state", &row.state)?,
            outcome: row
                .outcome
                .as_deref()
                .map(|text| from_json("command outcome", text))
                .transpose()?,
            expires_at: Timestamp(row.expires_at),
            created_at: Timestamp(row.created_at),
            accepted_at: moment(row.accepted_at),
            done_at: moment(row.done_at),
            release_id: row.release_id.map(ReleaseId),
        })
    }
}
