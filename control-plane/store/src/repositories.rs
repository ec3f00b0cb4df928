//! Source repositories: adding them, and the turns in which they are looked at.

use gimlet_domain::{activity::ActivityKind, time::Timestamp};
use gimlet_shared::ids::{OrganizationId, RepositoryId};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait, QueryFilter, QueryOrder,
    QuerySelect, sea_query::Expr,
};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    activity::{ActivityDetails, NewActivity, record},
    columns::{insert, moment},
    connect::Store,
    entity::{seen_ref, source_repository},
    error::{During, StoreError, is_taken},
    idempotency::note_effect,
    scope::{SystemScope, TenantScope},
};

/// A source repository of an organization.
#[derive(Clone, Debug)]
pub struct SourceRepository {
    /// Its id.
    pub id: RepositoryId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// `owner/name`, unique in the organization.
    pub name: String,
    /// URL for `git fetch`.
    pub url: String,
    /// The branch that its host shows first, once known.
    pub default_branch: Option<String>,
    /// What signs the host's deliveries, as the caller sealed it.
    pub webhook_secret: SecretString,
    /// SHA-256 of the token that asks for a look, in hexadecimal.
    pub look_token_hash: String,
    /// When it must be looked at next.
    pub poll_due_at: Timestamp,
    /// When it was last looked at.
    pub last_polled_at: Option<Timestamp>,
    /// Why the last look failed, if it did.
    pub last_error: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
    /// The number of its last change.
    pub revision: i64,
}

/// A repository to be added.
#[derive(Clone, Debug)]
pub struct NewRepository {
    /// `owner/name`.
    pub name: String,
    /// URL for `git fetch`.
    pub url: String,
    /// The branch that its host shows first, where known.
    pub default_branch: Option<String>,
    /// What signs the host's deliveries. Sealed by the caller: nothing here could read it.
    pub webhook_secret: SecretString,
    /// SHA-256 of the token that asks for a look, in hexadecimal.
    pub look_token_hash: String,
}

/// What came of adding a repository.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one is returned per call, and none is kept")]
pub enum RepositoryAddition {
    /// It stands, and is due at once.
    Added(SourceRepository),
    /// The organization has one of this name.
    NameTaken,
}

/// How a look ended.
#[derive(Clone, Debug)]
pub struct PollEnd {
    /// When to look again.
    pub next_due: Timestamp,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// The default branch as seen; `None` leaves what is known.
    pub default_branch: Option<String>,
}

/// A ref as ingest last saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenRef {
    /// Its full name, such as `refs/heads/main`.
    pub name: String,
    /// The commit it pointed to.
    pub sha: String,
}

const LOOK: &str = "make a repository due";
const ADD: &str = "store a repository";
const READ: &str = "read a repository";
const CLAIM: &str = "claim repositories that are due";
const FINISH: &str = "finish a look at a repository";

impl Store {
    /// Adds a repository, due at once.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn add_repository(
        &self,
        scope: &TenantScope,
        new: NewRepository,
        now: Timestamp,
    ) -> Result<RepositoryAddition, StoreError> {
        let row = source_repository::Model {
            id: RepositoryId::new().0,
            organization_id: scope.organization().0,
            name: new.name,
            url: new.url,
            default_branch: new.default_branch,
            secret: new.webhook_secret.expose_secret().to_owned(),
            look_token_hash: new.look_token_hash,
            poll_due_at: now.0,
            last_polled_at: None,
            last_error: None,
            created_at: now.0,
            revision: 1,
        };
        let txn = self.begin(scope, ADD).await?;
        match insert(&txn, row.clone()).await {
            Err(error) if is_taken(&error) => return txn.undo(RepositoryAddition::NameTaken).await,
            inserted => inserted.during(ADD)?,
        }
        let details = ActivityDetails { repository: Some(row.name.clone()), ..Default::default() };
        let noted = NewActivity::new(ActivityKind::RepositoryAdded, scope.actor(), details);
        record(&txn, scope.organization(), vec![noted], now).await?;
        note_effect(&txn, scope, &[RepositoryId(row.id).to_string()]).await?;
        txn.commit().await?;
        Ok(RepositoryAddition::Added(row.into()))
    }

    /// All of the organization's repositories, by name, for what has to look at each of them. Pages read no
    /// more than they show: [`Store::list_repositories`].
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn all_repositories(
        &self,
        scope: &TenantScope,
    ) -> Result<Vec<SourceRepository>, StoreError> {
        let rows = source_repository::Entity::find()
            .filter(source_repository::owned_by(scope.organization()))
            .order_by_asc(source_repository::Column::Name)
            .all(&self.read(scope))
            .await
            .during("list repositories")?;
        Ok(rows.into_iter().map(SourceRepository::from).collect())
    }

    /// One of the organization's repositories.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn find_repository(
        &self,
        scope: &TenantScope,
        id: RepositoryId,
    ) -> Result<Option<SourceRepository>, StoreError> {
        self.one_repository(scope, source_repository::Column::Id.eq(id.0)).await
    }

    /// The organization's repository of this name.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn find_repository_by_name(
        &self,
        scope: &TenantScope,
        name: &str,
    ) -> Result<Option<SourceRepository>, StoreError> {
        self.one_repository(scope, source_repository::Column::Name.eq(name)).await
    }

    async fn one_repository(
        &self,
        scope: &TenantScope,
        which: Expr,
    ) -> Result<Option<SourceRepository>, StoreError> {
        let found = source_repository::Entity::find()
            .filter(source_repository::owned_by(scope.organization()))
            .filter(which)
            .one(&self.read(scope))
            .await;
        Ok(found.during(READ)?.map(SourceRepository::from))
    }

    /// Any repository, for work that no person asks for: what a webhook or look token is checked against,
    /// and where a release comes from.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn find_repository_for_system(
        &self,
        system: &SystemScope,
        id: RepositoryId,
    ) -> Result<Option<SourceRepository>, StoreError> {
        let found = source_repository::Entity::find_by_id(id.0).one(&self.read(system)).await;
        Ok(found.during(READ)?.map(SourceRepository::from))
    }

    /// Takes up to `limit` repositories that are due, longest due first. Each is due again at
    /// `lease_until`, should its look never finish.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn claim_due_repositories(
        &self,
        system: &SystemScope,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u64,
    ) -> Result<Vec<SourceRepository>, StoreError> {
        let due = source_repository::Entity::find()
            .filter(source_repository::Column::PollDueAt.lte(now.0))
            .order_by_asc(source_repository::Column::PollDueAt)
            .limit(limit)
            .all(&self.read(system))
            .await
            .during(CLAIM)?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let txn = self.begin(system, CLAIM).await?;
        let mut claimed = Vec::with_capacity(due.len());
        for row in due {
            if set_due(&txn, &row, lease_until).await.during(CLAIM)? {
                let row = source_repository::Model {
                    poll_due_at: lease_until.0,
                    revision: row.revision + 1,
                    ..row
                };
                claimed.push(row.into());
            }
        }
        txn.commit().await?;
        Ok(claimed)
    }

    /// Notes how the look at a claimed repository ended. Where something asked for a look since it was
    /// claimed, it stays due for that.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn finish_poll(
        &self,
        _: &SystemScope,
        claimed: &SourceRepository,
        end: PollEnd,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let this = source_repository::Column::Id.eq(claimed.id.0);
        let mut noted = source_repository::Entity::update_many()
            .col_expr(source_repository::Column::LastPolledAt, Expr::value(now.0))
            .col_expr(source_repository::Column::LastError, Expr::value(end.error))
            .filter(this.clone());
        if let Some(branch) = end.default_branch {
            noted = noted.col_expr(source_repository::Column::DefaultBranch, Expr::value(branch));
        }
        let txn = self.begin(&claimed.organization_id, FINISH).await?;
        source_repository::Entity::update_many()
            .col_expr(source_repository::Column::PollDueAt, Expr::value(end.next_due.0))
            .filter(this)
            .filter(source_repository::Column::Revision.eq(claimed.revision))
            .exec(&txn)
            .await
            .during(FINISH)?;
        noted.exec(&txn).await.during(FINISH)?;
        txn.commit().await
    }

    /// Makes a repository due; false where it is gone.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn look_now(
        &self,
        system: &SystemScope,
        id: RepositoryId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        look_now(&self.write(system), id, now).await.during(LOOK)
    }

    /// The same for a member's own repository.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn look_for_member(
        &self,
        scope: &TenantScope,
        id: RepositoryId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let txn = self.begin(scope, LOOK).await?;
        let owned = source_repository::Entity::find_by_id(id.0)
            .filter(source_repository::owned_by(scope.organization()));
        if owned.one(&txn).await.during(LOOK)?.is_none() {
            return txn.undo(false).await;
        }
        let is_due = look_now(&txn, id, now).await.during(LOOK)?;
        note_effect(&txn, scope, &[]).await?;
        txn.commit().await?;
        Ok(is_due)
    }

    /// The refs of a repository as ingest last saw them, by name.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn list_seen_refs(
        &self,
        system: &SystemScope,
        id: RepositoryId,
    ) -> Result<Vec<SeenRef>, StoreError> {
        let rows = seen_ref::Entity::find()
            .filter(seen_ref::Column::RepositoryId.eq(id.0))
            .order_by_asc(seen_ref::Column::Name)
            .all(&self.read(system))
            .await
            .during("list the refs of a repository")?;
        Ok(rows.into_iter().map(|row| SeenRef { name: row.name, sha: row.sha }).collect())
    }
}

/// Makes a repository due, and tells a look that is under way that it must come again.
pub(crate) async fn look_now(
    db: &impl ConnectionTrait,
    id: RepositoryId,
    now: Timestamp,
) -> Result<bool, DbErr> {
    let updated = source_repository::Entity::update_many()
        .col_expr(source_repository::Column::PollDueAt, Expr::value(now.0))
        .col_expr(
            source_repository::Column::Revision,
            Expr::col(source_repository::Column::Revision).add(1),
        )
        .filter(source_repository::Column::Id.eq(id.0))
        .exec(db)
        .await?;
    Ok(updated.rows_affected == 1)
}

/// Sets when a repository is due, where it has not changed since it was read.
pub(crate) async fn set_due(
    db: &impl ConnectionTrait,
    row: &source_repository::Model,
    due_at: Timestamp,
) -> Result<bool, DbErr> {
    let updated = source_repository::Entity::update_many()
        .col_expr(source_repository::Column::PollDueAt, Expr::value(due_at.0))
        .col_expr(source_repository::Column::Revision, Expr::value(row.revision + 1))
        .filter(source_repository::Column::Id.eq(row.id))
        .filter(source_repository::Column::Revision.eq(row.revision))
        .exec(db)
        .await?;
    Ok(updated.rows_affected == 1)
}

impl From<source_repository::Model> for SourceRepository {
    fn from(row: source_repository::Model) -> Self {
        Self {
            id: RepositoryId(row.id),
            organization_id: OrganizationId(row.organization_id),
            name: row.name,
            url: row.url,
            default_branch: row.default_branch,
            webhook_secret: row.secret.into(),
            look_token_hash: row.look_token_hash,
            poll_due_at: Timestamp(row.poll_due_at),
            last_polled_at: moment(row.last_polled_at),
            last_error: row.last_error,
            created_at: Timestamp(row.created_at),
            revision: row.revision,
        }
    }
}
