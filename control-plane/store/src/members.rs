//! The members of an organization: who they are, and what changes about them.

use gimlet_domain::{
    activity::{ActivityKind, Actor},
    role::Role,
    time::Timestamp,
};
use gimlet_shared::ids::{OrganizationId, UserId};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, sea_query::Expr,
};

use crate::{
    activity::{ActivityDetails, NewActivity, record},
    columns::from_word,
    connect::Store,
    door::UseCase,
    entity::{member, user},
    error::{During, StoreError},
    scope::TenantScope,
};

/// A member of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The person.
    pub user: UserId,
    /// Login of the person.
    pub login: String,
    /// What the person may do here.
    pub role: Role,
    /// Since when.
    pub created_at: Timestamp,
}

/// What came of a change to a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberChange {
    /// It is done; how the member was before.
    Done(Member),
    /// There is no such member.
    Absent,
    /// The caller's role does not reach so high.
    TooHigh,
    /// The organization would have no owner any more.
    LastOwner,
    /// It is not what the caller has seen.
    Changed,
}

const LIST: &str = "list members";
const CHANGE: &str = "change a member";

impl Store {
    /// Members, in the order in which they came to this server, after `after`.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn list_members(
        &self,
        scope: &TenantScope,
        after: Option<UserId>,
        limit: u64,
    ) -> Result<Vec<Member>, StoreError> {
        let rows = member::Entity::find()
            .filter(member::owned_by(scope.organization()))
            .apply_if(after, |rows, user| rows.filter(member::Column::UserId.gt(user.0)))
            .order_by_asc(member::Column::UserId)
            .limit(limit)
            .all(&self.read(scope))
            .await
            .during(LIST)?;
        let ids = rows.iter().map(|row| row.user_id);
        let people = user::Entity::find()
            .filter(user::Column::Id.is_in(ids))
            .all(&self.read(scope))
            .await
            .during(LIST)?;
        let login = |id| people.iter().find(|person| person.id == id).map(|person| &person.login);
        rows.into_iter()
            .filter_map(|row| login(row.user_id).cloned().map(|login| member_of(row, login)))
            .collect()
    }

    /// One member.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn find_member(
        &self,
        scope: &TenantScope,
        login: &str,
    ) -> Result<Option<Member>, StoreError> {
        find(&self.read(scope), scope.organization(), login).await
    }

    /// Gives a member another role; only as it was `seen`, where that is said.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it changes at this moment, [`StoreError::Query`],
    /// [`StoreError::Corrupt`].
    pub async fn set_member_role(
        &self,
        scope: &TenantScope,
        login: &str,
        role: Role,
        seen: Option<&Member>,
        now: Timestamp,
    ) -> Result<MemberChange, StoreError> {
        let txn = self.begin(scope, CHANGE).await?;
        let found = match changeable(&txn, scope, login, Some(role)).await? {
            Ok(found) => found,
            Err(refused) => return txn.undo(refused).await,
        };
        let changed = member::Entity::update_many()
            .col_expr(member::Column::Role, Expr::value(role.as_str()))
            .filter(this(scope, seen.unwrap_or(&found)))
            .exec(&txn)
            .await
            .during(CHANGE)?;
        if changed.rows_affected != 1 {
            return lost(txn, seen).await;
        }
        if found.role != role {
            let noted = note(ActivityKind::MemberRoleChanged, scope, &found, Some(role));
            record(&txn, scope.organization(), vec![noted], now).await?;
        }
        txn.commit().await?;
        Ok(MemberChange::Done(found))
    }

    /// Takes a member out, with all sessions, tokens and links; only as it was `seen`, where that is said.
    ///
    /// # Errors
    /// As [`Store::set_member_role`].
    pub async fn remove_member(
        &self,
        scope: &TenantScope,
        login: &str,
        seen: Option<&Member>,
        now: Timestamp,
    ) -> Result<MemberChange, StoreError> {
        let txn = self.begin(scope, CHANGE).await?;
        let found = match changeable(&txn, scope, login, None).await? {
            Ok(found) => found,
            Err(refused) => return txn.undo(refused).await,
        };
        // What proves the person goes with the row: the foreign keys say so.
        let removed = member::Entity::delete_many()
            .filter(this(scope, seen.unwrap_or(&found)))
            .exec(&txn)
            .await
            .during(CHANGE)?;
        if removed.rows_affected != 1 {
            return lost(txn, seen).await;
        }
        let noted = note(ActivityKind::MemberRemoved, scope, &found, None);
        record(&txn, scope.organization(), vec![noted], now).await?;
        txn.commit().await?;
        Ok(MemberChange::Done(found))
    }
}

/// The member, if the caller may bring it to `next`, or out where there is none.
async fn changeable(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    login: &str,
    next: Option<Role>,
) -> Result<Result<Member, MemberChange>, StoreError> {
    // Locked first, so that of two owners who leave at once one stays.
    let owners = || {
        member::owned_by(scope.organization()).and(member::Column::Role.eq(Role::Owner.as_str()))
    };
    member::Entity::update_many()
        .col_expr(member::Column::Role, Expr::value(Role::Owner.as_str()))
        .filter(owners())
        .exec(db)
        .await
        .during(CHANGE)?;
    let Some(found) = find(db, scope.organization(), login).await? else {
        return Ok(Err(MemberChange::Absent));
    };
    if !scope.role().may_change(found.role, next) && found.user != scope.user() {
        return Ok(Err(MemberChange::TooHigh));
    }
    // Oneself: down or out, never up.
    if found.user == scope.user() && next.is_some_and(|next| next > found.role) {
        return Ok(Err(MemberChange::TooHigh));
    }
    let stays = next == Some(Role::Owner);
    if found.role == Role::Owner && !stays {
        let left = member::Entity::find().filter(owners()).count(db).await.during(CHANGE)?;
        if left <= 1 {
            return Ok(Err(MemberChange::LastOwner));
        }
    }
    Ok(Ok(found))
}

async fn find(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    login: &str,
) -> Result<Option<Member>, StoreError> {
    let named = user::Entity::find().filter(user::Column::Login.eq(login));
    let Some(person) = named.one(db).await.during("read a member")? else { return Ok(None) };
    let row = member::Entity::find_by_id((organization.0, person.id));
    let row = row.one(db).await.during("read a member")?;
    row.map(|row| member_of(row, person.login)).transpose()
}

/// The member as it was read: of two who change it at the same moment the second finds no such row.
fn this(scope: &TenantScope, member: &Member) -> Expr {
    member::owned_by(scope.organization())
        .and(member::Column::UserId.eq(member.user.0))
        .and(member::Column::Role.eq(member.role.as_str()))
        .and(member::Column::CreatedAt.eq(member.created_at.0))
}

/// What is told to whom someone else was faster.
async fn lost(txn: UseCase, seen: Option<&Member>) -> Result<MemberChange, StoreError> {
    let changed = txn.undo(MemberChange::Changed).await?;
    // Who has not said what they saw may try again as they are.
    seen.map(|_| changed).ok_or(StoreError::Conflict { what: "the member" })
}

fn member_of(row: member::Model, login: String) -> Result<Member, StoreError> {
    Ok(Member {
        user: UserId(row.user_id),
        login,
        role: from_word("role", &row.role)?,
        created_at: Timestamp(row.created_at),
    })
}

fn note(
    kind: ActivityKind,
    scope: &TenantScope,
    member: &Member,
    after: Option<Role>,
) -> NewActivity {
    let details = ActivityDetails {
        member: Some(member.login.clone()),
        before: Some(member.role.as_str().to_owned()),
        after: after.map(|role| role.as_str().to_owned()),
        ..Default::default()
    };
    NewActivity::new(kind, scope.actor(), details)
}

/// That a person became a member, by whoever operates the server.
pub(crate) fn note_added(login: &str, role: Role) -> NewActivity {
    let details = ActivityDetails {
        member: Some(login.to_owned()),
        after: Some(role.as_str().to_owned()),
        ..Default::default()
    };
    NewActivity::new(ActivityKind::MemberAdded, Actor::System, details)
}
