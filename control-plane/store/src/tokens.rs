//! API tokens: what programs, and people at a terminal, sign in with.

use std::time::Duration;

use gimlet_domain::time::Timestamp;
use gimlet_shared::ids::{OrganizationId, TokenId, UserId};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, sea_query::Expr,
};

use crate::{
    columns::{insert, moment},
    connect::Store,
    entity::api_token,
    error::{During, StoreError},
    organizations::member_scope,
    scope::TenantScope,
};

/// The last use of a token is shown to people: minutes are enough, and most calls then write nothing.
const USE_IS_NOTED_EVERY: Duration = Duration::from_secs(60);

/// An API token without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Its id.
    pub id: TokenId,
    /// What its owner calls it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

impl Store {
    /// Makes a token of the caller.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn create_token(
        &self,
        scope: &TenantScope,
        hash: &str,
        name: &str,
        now: Timestamp,
    ) -> Result<TokenId, StoreError> {
        insert_token(&self.writer, scope, hash, name, now).await.during("store a token")
    }

    /// Whose token this is, unless it is unknown or revoked.
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
            .filter(api_token::Column::RevokedAt.is_null())
            .one(&self.reader)
            .await
            .during("read a token")?;
        let Some(row) = row else { return Ok(None) };
        if row.last_used_at.is_none_or(|last| now.since(Timestamp(last)) >= USE_IS_NOTED_EVERY) {
            self.note_use(&row, now).await?;
        }
        member_scope(&self.reader, OrganizationId(row.organization_id), UserId(row.user_id)).await
    }

    async fn note_use(&self, row: &api_token::Model, now: Timestamp) -> Result<(), StoreError> {
        let noted = api_token::Entity::update_many()
            .col_expr(api_token::Column::LastUsedAt, Expr::value(now.0))
            .filter(api_token::Column::Id.eq(row.id))
            .exec(&self.writer)
            .await;
        noted.map(drop).during("note the use of a token")
    }

    /// The caller's own tokens that work, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn list_tokens(&self, scope: &TenantScope) -> Result<Vec<ApiToken>, StoreError> {
        let rows = api_token::Entity::find()
            .filter(api_token::owned_by(scope.organization()))
            .filter(api_token::Column::UserId.eq(scope.user().0))
            .filter(api_token::Column::RevokedAt.is_null())
            .order_by_asc(api_token::Column::Id)
            .all(&self.reader)
            .await
            .during("list tokens")?;
        Ok(rows.into_iter().map(ApiToken::from).collect())
    }

    /// Revokes one of the caller's own tokens; false where they have no such token that works.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn revoke_token(
        &self,
        scope: &TenantScope,
        id: TokenId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let revoked = api_token::Entity::update_many()
            .col_expr(api_token::Column::RevokedAt, Expr::value(now.0))
            .filter(api_token::owned_by(scope.organization()))
            .filter(api_token::Column::UserId.eq(scope.user().0))
            .filter(api_token::Column::Id.eq(id.0))
            .filter(api_token::Column::RevokedAt.is_null())
            .exec(&self.writer)
            .await
            .during("revoke a token")?;
        Ok(revoked.rows_affected == 1)
    }
}

/// Inserts a token of the scope's person.
pub(crate) async fn insert_token(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    hash: &str,
    name: &str,
    now: Timestamp,
) -> Result<TokenId, DbErr> {
    let id = TokenId::new();
    let row = api_token::Model {
        id: id.0,
        hash: hash.to_owned(),
        organization_id: scope.organization().0,
        user_id: scope.user().0,
        name: name.to_owned(),
        created_at: now.0,
        last_used_at: None,
        revoked_at: None,
    };
    insert(db, row).await?;
    Ok(id)
}

impl From<api_token::Model> for ApiToken {
    fn from(row: api_token::Model) -> Self {
        Self {
            id: TokenId(row.id),
            name: row.name,
            created_at: Timestamp(row.created_at),
            last_used_at: moment(row.last_used_at),
        }
    }
}
