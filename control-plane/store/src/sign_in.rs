//! Signing in: links that work once, and the browser sessions that they open.
//!
//! Links, sessions and tokens are 32 random bytes. Callers pass their SHA-256, and only that is stored:
//! what nobody can guess needs no slow hash.

use gimlet_domain::{activity::ActivityKind, time::Timestamp};
use gimlet_shared::ids::{OrganizationId, SessionId, UserId};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr};

use crate::{
    activity::{ActivityDetails, NewActivity, record},
    columns::insert,
    connect::Store,
    door::Unproven,
    entity::{api_token, session, sign_in_link},
    error::{During, StoreError},
    organizations::member_scope,
    scope::{Credential, SystemScope, TenantScope},
    tokens::{NewToken, insert_token, note, scope_of, works_at},
};

const SPEND: &str = "spend a sign-in link";

impl Store {
    /// Stores a link that signs this member in once, until `expires_at`.
    ///
    /// # Errors
    /// [`StoreError::Query`], also where the person is no member.
    pub async fn create_sign_in_link(
        &self,
        system: &SystemScope,
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
        insert(&self.write(system), row).await.during("store a sign-in link")
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
        let txn = self.begin(&Unproven, SPEND).await?;
        let Some(scope) = spend(&txn, hash, now).await? else { return txn.undo(None).await };
        let id = SessionId::new();
        let row = session::Model {
            id: id.0,
            hash: session_hash.to_owned(),
            organization_id: scope.organization().0,
            user_id: scope.user().0,
            created_at: now.0,
            expires_at: session_expires.0,
        };
        insert(&txn, row).await.during(SPEND)?;
        let scope = scope.proven_by(Credential::Session(id));
        let details =
            ActivityDetails { member: Some(scope.login().to_owned()), ..Default::default() };
        let noted = NewActivity::new(ActivityKind::SignedIn, scope.actor(), details);
        record(&txn, scope.organization(), vec![noted], now).await?;
        txn.commit().await?;
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
        let txn = self.begin(&Unproven, SPEND).await?;
        let Some(scope) = spend(&txn, hash, now).await? else { return txn.undo(None).await };
        let new = NewToken { hash: token_hash, name: token_name, expires_at: None };
        let token = insert_token(&txn, &scope, new, now).await?;
        let noted = note(ActivityKind::TokenCreated, &scope, &token);
        record(&txn, scope.organization(), vec![noted], now).await?;
        txn.commit().await?;
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
            .one(&self.read(&Unproven))
            .await
            .during("read a session")?;
        let Some(row) = row else { return Ok(None) };
        session_scope(&self.read(&OrganizationId(row.organization_id)), row).await
    }

    /// The member behind a scope as they are now, by the same credential; `None` once the credential was
    /// revoked or has lapsed, or the person is a member no more.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn find_scope_again(
        &self,
        scope: &TenantScope,
        now: Timestamp,
    ) -> Result<Option<TenantScope>, StoreError> {
        const OPERATION: &str = "check a credential again";

        match scope.credential() {
            Credential::Link => {
                let link = Credential::Link;
                member_scope(&self.read(scope), scope.organization(), scope.user(), link).await
            }
            Credential::Session(id) => {
                let row = session::Entity::find_by_id(id.0)
                    .filter(session::Column::ExpiresAt.gt(now.0))
                    .one(&self.read(scope))
                    .await
                    .during(OPERATION)?;
                let Some(row) = row else { return Ok(None) };
                session_scope(&self.read(scope), row).await
            }
            Credential::Token { id, .. } => {
                let row = api_token::Entity::find_by_id(id.0).filter(works_at(now));
                let row = row.one(&self.read(scope)).await.during(OPERATION)?;
                let Some(row) = row else { return Ok(None) };
                scope_of(&self.read(scope), row).await
            }
        }
    }

    /// Ends a session. Ending it twice is no error.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn end_session(&self, hash: &str) -> Result<(), StoreError> {
        let ended = session::Entity::delete_many()
            .filter(session::Column::Hash.eq(hash))
            .exec(&self.write(&Unproven))
            .await;
        ended.map(drop).during("end a session")
    }
}

async fn session_scope(
    db: &impl ConnectionTrait,
    row: session::Model,
) -> Result<Option<TenantScope>, StoreError> {
    let credential = Credential::Session(SessionId(row.id));
    member_scope(db, OrganizationId(row.organization_id), UserId(row.user_id), credential).await
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
    let (organization, user) = (OrganizationId(link.organization_id), UserId(link.user_id));
    member_scope(db, organization, user, Credential::Link).await
}
