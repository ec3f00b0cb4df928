//! Signing in: links that work once, and the browser sessions that they open.
//!
//! Links, sessions and tokens are 32 random bytes. Callers pass their SHA-256, and only that is stored:
//! what nobody can guess needs no slow hash.

use gimlet_domain::time::Timestamp;
use gimlet_shared::ids::{OrganizationId, SessionId, UserId};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr};

use crate::{
    columns::insert,
    connect::Store,
    entity::{session, sign_in_link},
    error::{During, StoreError},
    organizations::member_scope,
    scope::{SystemScope, TenantScope},
    tokens::insert_token,
};

const SPEND: &str = "spend a sign-in link";

impl Store {
    /// Stores a link that signs this member in once, until `expires_at`.
    ///
    /// # Errors
    /// [`StoreError::Query`], also where the person is no member.
    pub async fn create_sign_in_link(
        &self,
        _: &SystemScope,
        organization: OrganizationId,
        user: UserId,
        hash: &str,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let row = sign_in_link::Model {
            hash: hash.to_owned(),
            organization_id: organization.0,
            user_id: user.0,
            expires_at: expires_at.0,
            spent_at: None,
        };
        insert(&self.writer, row).await.during("store a sign-in link")
    }

    /// Spends a link and opens a session, both or neither. `None` where the link is unknown, spent or too old.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn spend_sign_in_link(
        &self,
        hash: &str,
        session_hash: &str,
        session_expires: Timestamp,
        now: Timestamp,
    ) -> Result<Option<TenantScope>, StoreError> {
        let txn = self.begin(SPEND).await?;
        let Some(scope) = spend(&txn, hash, now).await? else { return Ok(None) };
        let row = session::Model {
            id: SessionId::new().0,
            hash: session_hash.to_owned(),
            organization_id: scope.organization().0,
            user_id: scope.user().0,
            created_at: now.0,
            expires_at: session_expires.0,
        };
        insert(&txn, row).await.during(SPEND)?;
        txn.commit().await.during(SPEND)?;
        Ok(Some(scope))
    }

    /// Spends a link and makes an API token of this name, both or neither; else as
    /// [`Store::spend_sign_in_link`].
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn spend_sign_in_link_for_token(
        &self,
        hash: &str,
        token_hash: &str,
        token_name: &str,
        now: Timestamp,
    ) -> Result<Option<TenantScope>, StoreError> {
        let txn = self.begin(SPEND).await?;
        let Some(scope) = spend(&txn, hash, now).await? else { return Ok(None) };
        insert_token(&txn, &scope, token_hash, token_name, now).await.during(SPEND)?;
        txn.commit().await.during(SPEND)?;
        Ok(Some(scope))
    }

    /// Whose session this is, unless it is unknown or over.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn find_scope_by_session(
        &self,
        hash: &str,
        now: Timestamp,
    ) -> Result<Option<TenantScope>, StoreError> {
        let row = session::Entity::find()
            .filter(session::Column::Hash.eq(hash))
            .filter(session::Column::ExpiresAt.gt(now.0))
            .one(&self.reader)
            .await
            .during("read a session")?;
        let Some(row) = row else { return Ok(None) };
        member_scope(&self.reader, OrganizationId(row.organization_id), UserId(row.user_id)).await
    }

    /// Ends a session. Ending it twice is no error.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn end_session(&self, hash: &str) -> Result<(), StoreError> {
        let ended = session::Entity::delete_many()
            .filter(session::Column::Hash.eq(hash))
            .exec(&self.writer)
            .await;
        ended.map(drop).during("end a session")
    }
}

async fn spend(
    db: &impl ConnectionTrait,
    hash: &str,
    now: Timestamp,
) -> Result<Option<TenantScope>, StoreError> {
    let spent = sign_in_link::Entity::update_many()
        .col_expr(sign_in_link::Column::SpentAt, Expr::value(now.0))
        .filter(sign_in_link::Column::Hash.eq(hash))
        .filter(sign_in_link::Column::SpentAt.is_null())
        .filter(sign_in_link::Column::ExpiresAt.gt(now.0))
        .exec(db)
        .await
        .during(SPEND)?;
    if spent.rows_affected != 1 {
        return Ok(None);
    }
    let Some(link) = sign_in_link::Entity::find_by_id(hash).one(db).await.during(SPEND)? else {
        return Ok(None);
    };
    member_scope(db, OrganizationId(link.organization_id), UserId(link.user_id)).await
}
