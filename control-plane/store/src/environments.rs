//! Environments, and the credential with which Flux reads their repositories.

use gimlet_domain::time::Timestamp;
use gimlet_shared::ids::{ClusterId, EnvironmentId, OrganizationId};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, sea_query::OnConflict,
};
use serde::{Deserialize, Serialize};

use crate::{
    columns::{active, from_json, to_json},
    connect::Store,
    door::Unproven,
    enrolments::Enrolment,
    entity::{environment, git_credential, organization},
    error::{During, StoreError},
    scope::{ClusterScope, SystemScope, TenantScope},
};

/// The user name under which Flux reads.
pub const GIT_USER: &str = "flux";

/// A named deploy target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Its id.
    pub id: EnvironmentId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// The cluster it lies on.
    pub cluster_id: ClusterId,
    /// Its name in the organization.
    pub name: String,
    /// The one namespace it is bound to; `None` is the whole cluster.
    pub namespace: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where its gitops repositories are.
    pub gitops: GitopsLocation,
}

/// Where an environment's gitops repositories are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum GitopsLocation {
    /// In the control plane's own git server.
    BuiltIn,
    /// The apps repository is with another host; the infra repository stays with us.
    Outside {
        /// URL of the apps repository.
        apps_url: String,
        /// The branch that Flux follows.
        apps_branch: String,
        /// What the control plane pushes with, where the host wants something. Sealed by the caller:
        /// nothing here could read it.
        credential: Option<String>,
    },
}

/// The right to read an environment's repositories, both apps and infra.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GitAccess {
    /// Whose environment.
    pub organization_id: OrganizationId,
    /// Which environment.
    pub environment_id: EnvironmentId,
}

const READ: &str = "read an environment";
const LIST: &str = "list environments";

impl Store {
    /// The organization's environment of this name.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn find_environment_by_name(
        &self,
        scope: &TenantScope,
        name: &str,
    ) -> Result<Option<Environment>, StoreError> {
        let found = environment::Entity::find()
            .filter(environment::owned_by(scope.organization()))
            .filter(environment::Column::Name.eq(name));
        found.one(&self.read(scope)).await.during(READ)?.map(Environment::try_from).transpose()
    }

    /// All of the organization's environments, by name, for what has to look at each of them. Pages read no
    /// more than they show: [`Store::list_environments`].
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn all_environments(
        &self,
        scope: &TenantScope,
    ) -> Result<Vec<Environment>, StoreError> {
        self.environments(scope.organization(), Condition::all()).await
    }

    /// The environments that a commit of this organization may be released to, by name.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn list_organization_environments(
        &self,
        _: &SystemScope,
        organization: OrganizationId,
    ) -> Result<Vec<Environment>, StoreError> {
        self.environments(organization, Condition::all()).await
    }

    /// The environments on the cluster that speaks, by name.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn list_cluster_environments(
        &self,
        scope: &ClusterScope,
    ) -> Result<Vec<Environment>, StoreError> {
        let on_cluster = Condition::all().add(environment::Column::ClusterId.eq(scope.cluster().0));
        self.environments(scope.organization(), on_cluster).await
    }

    async fn environments(
        &self,
        organization: OrganizationId,
        which: Condition,
    ) -> Result<Vec<Environment>, StoreError> {
        let found = environment::Entity::find()
            .filter(environment::owned_by(organization))
            .filter(which)
            .order_by_asc(environment::Column::Name);
        found
            .all(&self.read(&organization))
            .await
            .during(LIST)?
            .into_iter()
            .map(Environment::try_from)
            .collect()
    }

    /// Any environment, for reconcilers.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn find_environment(
        &self,
        system: &SystemScope,
        id: EnvironmentId,
    ) -> Result<Option<Environment>, StoreError> {
        let found =
            environment::Entity::find_by_id(id.0).one(&self.read(system)).await.during(READ)?;
        found.map(Environment::try_from).transpose()
    }

    /// Makes this the password of [`GIT_USER`] for those of the environments that lie on the enrolled
    /// cluster, in place of an earlier one.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn set_git_credential(
        &self,
        enrolment: &Enrolment,
        environments: &[EnvironmentId],
        password_sha256: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        const OPERATION: &str = "store a git credential";

        let scope = enrolment.cluster_scope();
        let rows = self.list_cluster_environments(&scope).await?;
        let rows = rows.into_iter().filter(|row| environments.contains(&row.id)).map(|row| {
            active(git_credential::Model {
                environment_id: row.id.0,
                organization_id: row.organization_id.0,
                password_sha256: password_sha256.to_owned(),
                created_at: now.0,
            })
        });
        let replace = OnConflict::column(git_credential::Column::EnvironmentId)
            .update_columns([
                git_credential::Column::PasswordSha256,
                git_credential::Column::CreatedAt,
            ])
            .to_owned();
        let stored = git_credential::Entity::insert_many(rows).on_conflict(replace);
        stored.exec_without_returning(&self.write(&scope)).await.map(drop).during(OPERATION)
    }

    /// Which environment's repositories this password opens for reading.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn find_git_access(
        &self,
        organization: &str,
        environment: &str,
        user: &str,
        password_sha256: &str,
    ) -> Result<Option<GitAccess>, StoreError> {
        const OPERATION: &str = "check a git credential";

        if user != GIT_USER {
            return Ok(None);
        }
        let named =
            organization::Entity::find().filter(organization::Column::Name.eq(organization));
        let Some(organization) = named.one(&self.read(&Unproven)).await.during(OPERATION)? else {
            return Ok(None);
        };
        let organization_id = OrganizationId(organization.id);
        let named = environment::Entity::find()
            .filter(environment::owned_by(organization_id))
            .filter(environment::Column::Name.eq(environment));
        let Some(environment) = named.one(&self.read(&organization_id)).await.during(OPERATION)?
        else {
            return Ok(None);
        };
        let matching = git_credential::Entity::find_by_id(environment.id)
            .filter(git_credential::Column::PasswordSha256.eq(password_sha256));
        let credential = matching.one(&self.read(&organization_id)).await.during(OPERATION)?;
        Ok(credential
            .map(|_| GitAccess { organization_id, environment_id: EnvironmentId(environment.id) }))
    }
}

/// The row of a new environment.
pub(crate) fn environment_row(environment: &Environment) -> Result<environment::Model, StoreError> {
    Ok(environment::Model {
        id: environment.id.0,
        organization_id: environment.organization_id.0,
        cluster_id: environment.cluster_id.0,
        name: environment.name.clone(),
        namespace: environment.namespace.clone(),
        gitops: to_json("gitops location", &environment.gitops)?,
        created_at: environment.created_at.0,
    })
}

impl TryFrom<environment::Model> for Environment {
    type Error = StoreError;

    fn try_from(row: environment::Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: EnvironmentId(row.id),
            organization_id: OrganizationId(row.organization_id),
            cluster_id: ClusterId(row.cluster_id),
            name: row.name,
            namespace: row.namespace,
            created_at: Timestamp(row.created_at),
            gitops: from_json("gitops location", &row.gitops)?,
        })
    }
}
