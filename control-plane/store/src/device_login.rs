//! Signing in a terminal: it shows a short code, a person approves it in the browser, and the terminal
//! takes a token for its own secret.

use gimlet_domain::{activity::ActivityKind, time::Timestamp};
use gimlet_shared::ids::{OrganizationId, UserId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use crate::{
    activity::record,
    columns::insert,
    connect::Store,
    door::Unproven,
    entity::device_login,
    error::{During, StoreError, is_taken},
    organizations::member_scope,
    scope::{Credential, TenantScope},
    tokens::{NewToken, insert_token, note},
};

/// What came of a new device login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewDeviceLogin {
    /// It waits for approval.
    Created,
    /// Another waiting login has this code: try a new one.
    CodeTaken,
}

/// What a terminal that asks for its token gets.
#[expect(clippy::large_enum_variant, reason = "it is handed on at once, one for each request")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceLogin {
    /// There is no such login, or its token was taken.
    Unknown,
    /// Nobody has approved it.
    Pending,
    /// Its time has passed.
    Expired,
    /// Approved by this person; the token is made.
    Approved(TenantScope),
}

const TAKE: &str = "take the token of a device login";

impl Store {
    /// Stores a login that waits for approval until `expires_at`, with the hashes of both its codes.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn create_device_login(
        &self,
        user_code_hash: &str,
        device_hash: &str,
        expires_at: Timestamp,
    ) -> Result<NewDeviceLogin, StoreError> {
        let row = device_login::Model {
            device_hash: device_hash.to_owned(),
            user_code: user_code_hash.to_owned(),
            organization_id: None,
            user_id: None,
            expires_at: expires_at.0,
            taken_at: None,
        };
        match insert(&self.write(&Unproven), row).await {
            Ok(()) => Ok(NewDeviceLogin::Created),
            Err(error) if is_taken(&error) => Ok(NewDeviceLogin::CodeTaken),
            Err(error) => Err(error).during("store a device login"),
        }
    }

    /// Approves the login with this code for the caller; false where none waits.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn approve_device_login(
        &self,
        scope: &TenantScope,
        user_code_hash: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let approved = device_login::Entity::update_many()
            .col_expr(device_login::Column::OrganizationId, Expr::value(scope.organization().0))
            .col_expr(device_login::Column::UserId, Expr::value(scope.user().0))
            .filter(device_login::Column::UserCode.eq(user_code_hash))
            .filter(device_login::Column::UserId.is_null())
            .filter(device_login::Column::ExpiresAt.gt(now.0))
            .exec(&self.write(scope))
            .await
            .during("approve a device login")?;
        Ok(approved.rows_affected == 1)
    }

    /// Makes the token of an approved login, once.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn take_device_login(
        &self,
        device_hash: &str,
        token_hash: &str,
        token_name: &str,
        now: Timestamp,
    ) -> Result<DeviceLogin, StoreError> {
        let found = device_login::Entity::find_by_id(device_hash)
            .one(&self.read(&Unproven))
            .await
            .during(TAKE)?;
        let (organization, user) = match found {
            None => return Ok(DeviceLogin::Unknown),
            Some(login) if login.taken_at.is_some() => return Ok(DeviceLogin::Unknown),
            Some(login) if login.expires_at <= now.0 => return Ok(DeviceLogin::Expired),
            Some(device_login::Model {
                organization_id: Some(organization),
                user_id: Some(user),
                ..
            }) => (OrganizationId(organization), UserId(user)),
            Some(_) => return Ok(DeviceLogin::Pending),
        };
        let txn = self.begin(&Unproven, TAKE).await?;
        let taken = device_login::Entity::update_many()
            .col_expr(device_login::Column::TakenAt, Expr::value(now.0))
            .filter(device_login::Column::DeviceHash.eq(device_hash))
            .filter(device_login::Column::TakenAt.is_null())
            .exec(&txn)
            .await
            .during(TAKE)?;
        if taken.rows_affected != 1 {
            return txn.undo(DeviceLogin::Unknown).await;
        }
        let link = Credential::Link;
        let Some(scope) = member_scope(&txn, organization, user, link).await? else {
            return txn.undo(DeviceLogin::Unknown).await;
        };
        let new = NewToken { hash: token_hash, name: token_name, expires_at: None };
        let token = insert_token(&txn, &scope, new, now).await?;
        let noted = note(ActivityKind::TokenCreated, &scope, &token);
        record(&txn, organization, vec![noted], now).await?;
        txn.commit().await?;
        Ok(DeviceLogin::Approved(scope))
    }
}
