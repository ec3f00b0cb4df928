//! Who may read and write the built-in gitops repositories.

use std::path::PathBuf;

use gimlet_domain::role::Role;
use gimlet_git::smart_http::Right;
use gimlet_shared::ids::OrganizationId;
use gimlet_store::GIT_USER;

use crate::{App, AppError, secrets, state::require};

/// A repository that may be served, and how.
#[derive(Clone, Debug)]
pub struct GitAccess {
    /// The bare repository.
    pub path: PathBuf,
    /// What may be done with it.
    pub right: Right,
}

impl App {
    /// Says whether the caller may use a repository as `right` asks: lets Flux's credential read its environment's repositories, and people with a token read and, from
    /// the role developer on, write those of their organization.
    ///
    /// # Errors
    /// [`AppError::Unauthorized`] for a wrong credential, [`AppError::NotFound`] for repositories that are
    /// not there or not for the caller, [`AppError::Forbidden`] for a viewer who writes.
    pub async fn authorize_git(
        &self,
        organization: &str,
        repository: &str,
        user: &str,
        password: &str,
        right: Right,
    ) -> Result<GitAccess, AppError> {
        let environment =
            environment_of(repository).ok_or(AppError::NotFound { what: "the repository" })?;
        let owner = if user == GIT_USER {
            self.flux_access(organization, environment, password, right).await?
        } else {
            self.person_access(organization, environment, password, right).await?
        };
        Ok(GitAccess { path: self.gitops_path(owner, repository), right })
    }

    async fn flux_access(
        &self,
        organization: &str,
        environment: &str,
        password: &str,
        right: Right,
    ) -> Result<OrganizationId, AppError> {
        let access = self
            .parts()
            .store
            .find_git_access(organization, environment, GIT_USER, &secrets::hash(password))
            .await?;
        let access = access.ok_or_else(wrong_credential)?;
        match right {
            Right::Read => Ok(access.organization_id),
            // A cluster reads; only people and releases write.
            Right::Write => Err(AppError::Forbidden { needs: Role::Developer }),
        }
    }

    async fn person_access(
        &self,
        organization: &str,
        environment: &str,
        password: &str,
        right: Right,
    ) -> Result<OrganizationId, AppError> {
        let scope = self.scope_of_token(password).await?.ok_or_else(wrong_credential)?;
        let absent = AppError::NotFound { what: "the repository" };
        if self.organization_name(scope.organization()).await? != organization {
            return Err(absent);
        }
        self.parts().store.find_environment_by_name(&scope, environment).await?.ok_or(absent)?;
        require(
            &scope,
            match right {
                Right::Read => Role::Viewer,
                Right::Write => Role::Developer,
            },
        )?;
        Ok(scope.organization())
    }
}

fn wrong_credential() -> AppError {
    AppError::Unauthorized {
        detail: "use an API token as the password; any user name will do".to_owned(),
    }
}

/// `gitops-<env>-apps` or `gitops-<env>-infra`.
fn environment_of(repository: &str) -> Option<&str> {
    let inner = repository.strip_prefix("gitops-")?;
    inner
        .strip_suffix("-apps")
        .or_else(|| inner.strip_suffix("-infra"))
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gitops_repository_names_its_environment() {
        assert_eq!(environment_of("gitops-prod-apps"), Some("prod"));
        assert_eq!(environment_of("gitops-a-b-infra"), Some("a-b"));
        for other in ["gitops--apps", "prod-apps", "gitops-prod", "../gitops-prod-apps", ""] {
            assert_eq!(environment_of(other), None, "{other}");
        }
    }
}
