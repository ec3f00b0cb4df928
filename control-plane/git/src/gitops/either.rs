//! One face for both places where gitops repositories are.

use std::collections::BTreeMap;

use super::{Change, CommitError, Committed, Outside, Repository};
use crate::remote::RemoteError;
use crate::{BranchName, ChangeLimits, Changes, CommitId, CommitInfo, ReadError, RepoPath};

/// A gitops repository, wherever it is. Cheap to clone. Each method does what the method of the same
/// name does on [`Repository`] or [`Outside`].
#[derive(Clone, Debug)]
pub enum Gitops {
    /// On our own disk.
    BuiltIn(Repository),
    /// On another git host.
    Outside(Outside),
}

impl Gitops {
    /// Brings the local copy up to date; a built-in repository always is.
    ///
    /// # Errors
    /// As [`Outside::refresh`].
    pub async fn refresh(&self) -> Result<(), RemoteError> {
        match self {
            Self::BuiltIn(_) => Ok(()),
            Self::Outside(outside) => outside.refresh().await,
        }
    }

    /// Commits a change.
    ///
    /// # Errors
    /// As [`Repository::commit`] and [`Outside::commit`].
    pub async fn commit(&self, change: Change) -> Result<Committed, CommitError> {
        match self {
            Self::BuiltIn(repository) => repository.commit(change).await,
            Self::Outside(outside) => outside.commit(change).await,
        }
    }

    /// The newest commit of a branch, as of the last refresh.
    ///
    /// # Errors
    /// As [`Repository::head`].
    pub async fn head(&self, branch: &BranchName) -> Result<Option<CommitId>, ReadError> {
        self.local().head(branch).await
    }

    /// One file at a commit.
    ///
    /// # Errors
    /// As [`Repository::read_file`].
    pub async fn read_file(
        &self,
        at: CommitId,
        path: &RepoPath,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        self.local().read_file(at, path).await
    }

    /// All files below a folder at a commit.
    ///
    /// # Errors
    /// As [`Repository::read_folder`].
    pub async fn read_folder(
        &self,
        at: CommitId,
        path: &RepoPath,
    ) -> Result<BTreeMap<String, Vec<u8>>, ReadError> {
        self.local().read_folder(at, path).await
    }

    /// The files that differ between two commits.
    ///
    /// # Errors
    /// As [`Repository::changes`].
    pub async fn changes(
        &self,
        from: Option<CommitId>,
        to: CommitId,
        paths: Vec<RepoPath>,
        limits: ChangeLimits,
    ) -> Result<Changes, ReadError> {
        self.local().changes(from, to, paths, limits).await
    }

    /// Whether one commit lies in the history of another.
    ///
    /// # Errors
    /// As [`Repository::contains`].
    pub async fn contains(
        &self,
        descendant: CommitId,
        ancestor: CommitId,
    ) -> Result<bool, ReadError> {
        self.local().contains(descendant, ancestor).await
    }

    /// One commit.
    ///
    /// # Errors
    /// As [`Repository::commit_info`].
    pub async fn commit_info(&self, id: CommitId) -> Result<CommitInfo, ReadError> {
        self.local().commit_info(id).await
    }

    /// The commits that changed a path.
    ///
    /// # Errors
    /// As [`Repository::history`].
    pub async fn history(
        &self,
        from: CommitId,
        path: &RepoPath,
        limit: usize,
    ) -> Result<Vec<CommitInfo>, ReadError> {
        self.local().history(from, path, limit).await
    }

    /// The commit of an earlier attempt of a deploy.
    ///
    /// # Errors
    /// As [`Repository::find_deploy`].
    pub async fn find_deploy(
        &self,
        branch: &BranchName,
        deploy_id: &str,
        since: Option<CommitId>,
        limit: usize,
    ) -> Result<Option<CommitId>, ReadError> {
        self.local().find_deploy(branch, deploy_id, since, limit).await
    }

    fn local(&self) -> &Repository {
        match self {
            Self::BuiltIn(repository) => repository,
            Self::Outside(outside) => outside.copy(),
        }
    }
}
