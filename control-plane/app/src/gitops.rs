//! The gitops repositories of environments: where they lie, and who writes them.

use std::{collections::HashMap, sync::Arc};

use gimlet_git::{
    BranchName, InvalidName, RepoPath,
    gitops::{Change, Edit, Gitops, Message, Outside, Repository},
};
use gimlet_shared::ids::EnvironmentId;
use gimlet_store::{Environment, GitopsLocation};
use time::OffsetDateTime;
use tokio::sync::Mutex;

use crate::{
    App, AppError,
    clusters::{apps_repository, infra_repository},
    ports::offset,
};

/// Gitops repositories that are open; one writer each.
#[derive(Clone, Debug, Default)]
pub(crate) struct OpenRepositories(Arc<Mutex<HashMap<EnvironmentId, Gitops>>>);

impl App {
    /// The repository that holds an environment's applications.
    pub(crate) async fn gitops(&self, environment: &Environment) -> Result<Gitops, AppError> {
        let mut open = self.parts().gitops.0.lock().await;
        if let Some(gitops) = open.get(&environment.id) {
            return Ok(gitops.clone());
        }
        let failed = |error| AppError::unavailable("the gitops repository", error);
        let gitops = match &environment.gitops {
            GitopsLocation::BuiltIn => {
                let name = apps_repository(&environment.name);
                let path = self.gitops_path(environment.organization_id, &name);
                Gitops::BuiltIn(Repository::ensure(path, offset(self.now())).await.map_err(failed)?)
            }
            GitopsLocation::Outside { apps_url, credential, .. } => {
                let url = apps_url.parse().map_err(|error: gimlet_git::remote::InvalidUrl| {
                    AppError::unavailable("the gitops repository's address", error)
                })?;
                let credentials = credential
                    .as_deref()
                    .map(|sealed| self.outside_credentials(environment.organization_id, sealed))
                    .transpose()?;
                // Beside the built-in ones, so that the git server never serves the copy.
                let path = self.outside_path(environment.id);
                let (git, policy) = (self.parts().git.clone(), self.parts().config.host_policy);
                let outside = Outside::open(path, git, url, credentials, policy).await;
                Gitops::Outside(outside.map_err(failed)?)
            }
        };
        open.insert(environment.id, gitops.clone());
        Ok(gitops)
    }

    /// Makes an environment's repositories, so that Flux finds them before the first release.
    pub(crate) async fn create_gitops_repositories(
        &self,
        environment: &Environment,
    ) -> Result<(), AppError> {
        let failed = |error| AppError::unavailable("the gitops repository", error);
        let infra =
            self.gitops_path(environment.organization_id, &infra_repository(&environment.name));
        Repository::ensure(infra, offset(self.now())).await.map_err(failed)?;
        let Gitops::BuiltIn(apps) = self.gitops(environment).await? else { return Ok(()) };
        let change = bootstrap(branch_of(environment)?, offset(self.now()))?;
        apps.commit(change).await.map(drop).map_err(failed)
    }
}

/// The first commit of an apps repository: it makes the folder that Flux looks at.
pub(crate) fn bootstrap(branch: BranchName, time: OffsetDateTime) -> Result<Change, AppError> {
    let text = "One Flux Kustomization for each application of this environment. Gimlet writes these files;\n\
                without Gimlet, Flux keeps applying them.\n";
    let message = Message::new("[Gimlet] Bootstrapping")
        .map_err(|error| AppError::unavailable("the gitops repository", error))?;
    Ok(Change {
        branch,
        message,
        time,
        edits: vec![Edit::PutFile { path: readme_path()?, content: text.into() }],
        compare_without: Vec::new(),
    })
}

/// The file of [`bootstrap`].
pub(crate) fn readme_path() -> Result<RepoPath, AppError> {
    "flux/README.md".parse().map_err(|error: gimlet_git::InvalidPath| {
        AppError::unavailable("the gitops repository", error)
    })
}

/// The branch that Flux follows.
pub(crate) fn branch_of(environment: &Environment) -> Result<BranchName, AppError> {
    match &environment.gitops {
        GitopsLocation::BuiltIn => Ok(BranchName::main()),
        GitopsLocation::Outside { apps_branch, .. } => {
            apps_branch.parse().map_err(|error: InvalidName| {
                AppError::unavailable("the gitops repository's branch", error)
            })
        }
    }
}
