//! API tokens: what programs, and people at a terminal, sign in with.

use std::time::Duration;

use gimlet_domain::{activity::ActivityKind, time::Timestamp};
use gimlet_shared::ids::{OrganizationId, TokenId, UserId};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, sea_query::Expr,
};

use crate::{
    activity::{ActivityDetails, NewActivity, record},
    columns::{insert, moment},
    connect::Store,
    door::Unproven,
    entity::{api_token, user},
    error::{During, StoreError},
    idempotency::note_effect,
    organizations::member_scope,
    scope::{Credential, TenantScope},
};

/// The last use of a token is shown to people: minutes are enough, and most calls then write nothing.
const USE_IS_NOTED_EVERY: Duration = Duration::from_secs(60);

/// An API token without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Its id.
    pub id: TokenId,
    /// Login of its owner.
    pub login: String,
    /// What its owner calls it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it lapses; `None`: never.
    pub expires_at: Option<Timestamp>,
}

/// A token that is to be made. The secret itself is not stored.
#[derive(Clone, Copy, Debug)]
pub struct NewToken<'a> {
    /// SHA-256 of the secret.
    pub hash: &'a str,
    /// What its owner calls it.
    pub name: &'a str,
    /// When it lapses; `None`: never.
    pub expires_at: Option<Timestamp>,
}

/// Whose tokens are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenOwner {
    /// The caller's own.
    Caller,
    /// Every member's.
    Everyone,
}

/// Which tokens to list.
#[derive(Clone, Copy, Debug)]
pub struct TokenFilter {
    /// Whose.
    pub owner: TokenOwner,
    /// Only those after this one.
    pub after: Option<TokenId>,
    /// The most rows that are wanted.
    pub limit: u64,
}

const CREATE: &str = "store a token";
const LIST: &str = "list tokens";
const REVOKE: &str = "revoke a token";

impl Store {
    /// Makes a token of the caller.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn create_token(
        &self,
        scope: &TenantScope,
        new: NewToken<'_>,
        now: Timestamp,
    ) -> Result<ApiToken, StoreError> {
        let txn = self.begin(scope, CREATE).await?;
        let token = insert_token(&txn, scope, new, now).await?;
        let noted = note(ActivityKind::TokenCreated, scope, &token);
        record(&txn, scope.organization(), vec![noted], now).await?;
        note_effect(&txn, scope, &[token.id.to_string()]).await?;
        txn.commit().await?;
        Ok(token)
    }

    /// Whose token this is, unless it is unknown, revoked or lapsed.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn find_scope_by_token(
        &self,
        hash: &str,
        now: Timestamp,
    ) -> Result<Option<TenantScope>, StoreError> {
        let row = api_token::Entity::find()
            .filter(api_token::Column::Hash.eq(hash))
            .filter(works_at(now))
            .one(&self.read(&Unproven))
            .await
            .during("read a token")?;
        let Some(row) = row else { return Ok(None) };
        if row.last_used_at.is_none_or(|last| now.since(Timestamp(last)) >= USE_IS_NOTED_EVERY) {
            self.note_use(&row, now).await?;
        }
        scope_of(&self.read(&OrganizationId(row.organization_id)), row).await
    }

    async fn note_use(&self, row: &api_token::Model, now: Timestamp) -> Result<(), StoreError> {
        let noted = api_token::Entity::update_many()
            .col_expr(api_token::Column::LastUsedAt, Expr::value(now.0))
            .filter(api_token::Column::Id.eq(row.id))
            .exec(&self.write(&OrganizationId(row.organization_id)))
            .await;
        noted.map(drop).during("note the use of a token")
    }

    /// Tokens that work, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn list_tokens(
        &self,
        scope: &TenantScope,
        filter: TokenFilter,
        now: Timestamp,
    ) -> Result<Vec<ApiToken>, StoreError> {
        let rows = api_token::Entity::find()
            .filter(owned(scope, filter.owner))
            .filter(works_at(now))
            .apply_if(filter.after, |rows, id| rows.filter(api_token::Column::Id.gt(id.0)))
            .order_by_asc(api_token::Column::Id)
            .limit(filter.limit)
            .all(&self.read(scope))
            .await
            .during(LIST)?;
        let owners = rows.iter().map(|row| row.user_id);
        let people = user::Entity::find()
            .filter(user::Column::Id.is_in(owners))
            .all(&self.read(scope))
            .await
            .during(LIST)?;
        let login = |id| {
            let found = people.iter().find(|person| person.id == id);
            found.map(|person| person.login.clone()).unwrap_or_default()
        };
        Ok(rows.into_iter().map(|row| token_of(login(row.user_id), row)).collect())
    }

    /// Revokes a token; false where `owner` has no such token that works.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn revoke_token(
        &self,
        scope: &TenantScope,
        owner: TokenOwner,
        id: TokenId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let this = || owned(scope, owner).and(api_token::Column::Id.eq(id.0)).and(works_at(now));
        let txn = self.begin(scope, REVOKE).await?;
        let found = api_token::Entity::find().filter(this()).one(&txn).await.during(REVOKE)?;
        let Some(row) = found else { return txn.undo(false).await };
        let revoked = api_token::Entity::update_many()
            .col_expr(api_token::Column::RevokedAt, Expr::value(now.0))
            .filter(this())
            .exec(&txn)
            .await
            .during(REVOKE)?;
        if revoked.rows_affected != 1 {
            return txn.undo(false).await;
        }
        let person = user::Entity::find_by_id(row.user_id).one(&txn).await.during(REVOKE)?;
        let token = token_of(person.map(|person| person.login).unwrap_or_default(), row);
        let noted = note(ActivityKind::TokenRevoked, scope, &token);
        record(&txn, scope.organization(), vec![noted], now).await?;
        txn.commit().await?;
        Ok(true)
    }
}

/// The scope of a token's owner, by this token.
pub(crate) async fn scope_of(
    db: &impl ConnectionTrait,
    row: api_token::Model,
) -> Result<Option<TenantScope>, StoreError> {
    let credential = Credential::Token { id: TokenId(row.id), name: row.name };
    member_scope(db, OrganizationId(row.organization_id), UserId(row.user_id), credential).await
}

/// Neither revoked nor lapsed.
pub(crate) fn works_at(now: Timestamp) -> Expr {
    let lapses = api_token::Column::ExpiresAt;
    api_token::Column::RevokedAt.is_null().and(lapses.is_null().or(lapses.gt(now.0)))
}

fn owned(scope: &TenantScope, owner: TokenOwner) -> Expr {
    let owned = api_token::owned_by(scope.organization());
    match owner {
        TokenOwner::Caller => owned.and(api_token::Column::UserId.eq(scope.user().0)),
        TokenOwner::Everyone => owned,
    }
}

/// Inserts a token of the scope's person.
pub(crate) async fn insert_token(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    new: NewToken<'_>,
    now: Timestamp,
) -> Result<ApiToken, StoreError> {
    let row = api_token::Model {
        id: TokenId::new().0,
        hash: new.hash.to_owned(),
        organization_id: scope.organization().0,
        user_id: scope.user().0,
        name: new.name.to_owned(),
        created_at: now.0,
        last_used_at: None,
        revoked_at: None,
        expires_at: new.expires_at.map(|at| at.0),
    };
    insert(db, row.clone()).await.during(CREATE)?;
    Ok(token_of(scope.login().to_owned(), row))
}

/// That something happened to a token.
pub(crate) fn note(kind: ActivityKind, scope: &TenantScope, token: &ApiToken) -> NewActivity {
    let details = ActivityDetails {
        member: Some(token.login.clone()),
        token: Some(token.name.clone()),
        ..Default::default()
    };
    NewActivity::new(kind, scope.actor(), details)
}

fn token_of(login: String, row: api_token::Model) -> ApiToken {
    ApiToken {
        id: TokenId(row.id),
        login,
        name: row.name,
        created_at: Timestamp(row.created_at),
        last_used_at: moment(row.last_used_at),
        expires_at: moment(row.expires_at),
    }
}
