//! Organizations and their members.

use gimlet_domain::{role::Role, time::Timestamp};
use gimlet_shared::ids::{OrganizationId, UserId};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait},
};

use crate::{
    activity::record,
    columns::{from_word, insert_new},
    connect::Store,
    door::Unproven,
    entity::{member, organization, user},
    error::{During, StoreError},
    members::note_added,
    scope::{Credential, SystemScope, TenantScope},
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
        system: &SystemScope,
        organization: &str,
        login: &str,
        now: Timestamp,
    ) -> Result<(OrganizationId, UserId), StoreError> {
        self.ensure_member(system, organization, login, Role::Owner, now).await
    }

    /// Sees to it that the organization and the person exist, and that the person is a member: with this
    /// role where they were none. Who is a member already keeps the role that they have.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn ensure_member(
        &self,
        system: &SystemScope,
        organization: &str,
        login: &str,
        role: Role,
        now: Timestamp,
    ) -> Result<(OrganizationId, UserId), StoreError> {
        let txn = self.begin(system, ENSURE).await?;
        let organization_id = ensure_organization(&txn, organization, now).await?;
        let user_id = ensure_user(&txn, login, now).await?;
        let member = member::Model {
            organization_id: organization_id.0,
            user_id: user_id.0,
            role: role.as_str().to_owned(),
            created_at: now.0,
        };
        let key = [member::Column::OrganizationId, member::Column::UserId];
        if insert_new(&txn, member, key).await.during(ENSURE)? {
            record(&txn, organization_id, vec![note_added(login, role)], now).await?;
        }
        txn.commit().await?;
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
            .one(&self.read(&Unproven))
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
    credential: Credential,
) -> Result<Option<TenantScope>, StoreError> {
    const OPERATION: &str = "read a member";

    let mut found = member::Entity::find_by_id((organization.0, user.0))
        .select_only()
        .column(member::Column::Role)
        .column(user::Column::Login);
    let same = Expr::col((user::Entity, user::Column::Id))
        .equals((member::Entity, member::Column::UserId));
    QueryTrait::query(&mut found).inner_join(user::Entity, same);
    // Every request asks this, so it is one question.
    let found: Option<(String, String)> = found.into_tuple().one(db).await.during(OPERATION)?;
    let Some((role, login)) = found else { return Ok(None) };
    let role = from_word("role", &role)?;
    Ok(Some(TenantScope::new(organization, user, login, role, credential)))
}
