//! Organizations and their members.

use gimlet_domain::{role::Role, time::Timestamp};
use gimlet_shared::ids::{OrganizationId, UserId};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use crate::{
    columns::{from_word, insert_new},
    connect::Store,
    entity::{member, organization, user},
    error::{During, StoreError},
    scope::{SystemScope, TenantScope},
};

const ENSURE: &str = "set up the organization and its owner";

impl Store {
    /// Sees to it that the organization and the person exist, and that the person is a member: its owner
    /// where they were none. Both are found again by name.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn ensure_owner(
        &self,
        _: &SystemScope,
        organization: &str,
        login: &str,
        now: Timestamp,
    ) -> Result<(OrganizationId, UserId), StoreError> {
        let txn = self.begin(ENSURE).await?;
        let organization_id = ensure_organization(&txn, organization, now).await?;
        let user_id = ensure_user(&txn, login, now).await?;
        let member = member::Model {
            organization_id: organization_id.0,
            user_id: user_id.0,
            role: Role::Owner.as_str().to_owned(),
            created_at: now.0,
        };
        insert_new(&txn, member, [member::Column::OrganizationId, member::Column::UserId])
            .await
            .during(ENSURE)?;
        txn.commit().await.during(ENSURE)?;
        Ok((organization_id, user_id))
    }

    /// The organization's name, for addresses and commit texts.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn find_organization_name(
        &self,
        id: OrganizationId,
    ) -> Result<Option<String>, StoreError> {
        let row = organization::Entity::find_by_id(id.0)
            .one(&self.reader)
            .await
            .during("read an organization")?;
        Ok(row.map(|row| row.name))
    }
}

async fn ensure_organization(
    db: &impl ConnectionTrait,
    name: &str,
    now: Timestamp,
) -> Result<OrganizationId, StoreError> {
    let row = organization::Model {
        id: OrganizationId::new().0,
        name: name.to_owned(),
        created_at: now.0,
    };
    insert_new(db, row, [organization::Column::Name]).await.during(ENSURE)?;
    let found = organization::Entity::find()
        .filter(organization::Column::Name.eq(name))
        .one(db)
        .await
        .during(ENSURE)?;
    found.map(|row| OrganizationId(row.id)).ok_or(StoreError::Absent { what: "organization" })
}

async fn ensure_user(
    db: &impl ConnectionTrait,
    login: &str,
    now: Timestamp,
) -> Result<UserId, StoreError> {
    let row = user::Model { id: UserId::new().0, login: login.to_owned(), created_at: now.0 };
    insert_new(db, row, [user::Column::Login]).await.during(ENSURE)?;
    let found =
        user::Entity::find().filter(user::Column::Login.eq(login)).one(db).await.during(ENSURE)?;
    found.map(|row| UserId(row.id)).ok_or(StoreError::Absent { what: "user" })
}

/// The scope of a member, or nothing where the person is a member no more.
pub(crate) async fn member_scope(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    user: UserId,
) -> Result<Option<TenantScope>, StoreError> {
    const OPERATION: &str = "read a member";

    let Some(member) =
        member::Entity::find_by_id((organization.0, user.0)).one(db).await.during(OPERATION)?
    else {
        return Ok(None);
    };
    let Some(person) = user::Entity::find_by_id(user.0).one(db).await.during(OPERATION)? else {
        return Ok(None);
    };
    Ok(Some(TenantScope::new(organization, user, person.login, from_word("role", &member.role)?)))
}
