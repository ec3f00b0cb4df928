//! What one release changes in its environment's apps repository.

use std::{collections::BTreeMap, time::Duration};

use gimlet_domain::{names::FluxNames, release::Trigger};
use gimlet_git::{CommitId, InvalidPath, RepoPath, gitops::Edit};
use gimlet_manifest::RenderedFile;
use gimlet_shared::ids::ArtifactId;
use gimlet_store::Commit;
use serde::Serialize;

/// Flux looks again by itself this often, to correct what was changed by hand.
const INTERVAL: &str = "10m";
/// Flux tries again this soon after a failure.
const RETRY_INTERVAL: &str = "30s";

/// The application that a release is about, as its files name it. All names are DNS labels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) environment: &'a str,
    pub(crate) app: &'a str,
    pub(crate) namespace: &'a str,
    /// How long Flux waits for the workloads.
    pub(crate) deadline: Duration,
}

/// Where a release came from, for `release.json`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    pub(crate) repository: &'a str,
    pub(crate) artifact: ArtifactId,
    pub(crate) commit: &'a Commit,
    pub(crate) trigger: &'a Trigger,
}

impl Place<'_> {
    /// Edits that bring the application to these rendered files.
    pub(crate) fn deploy(
        &self,
        files: Vec<RenderedFile>,
        origin: &Origin<'_>,
    ) -> Result<Vec<Edit>, InvalidPath> {
        let record = self.release_json(origin);
        let mut folder: BTreeMap<String, Vec<u8>> =
            files.into_iter().map(|file| (file.path, file.content.into_bytes())).collect();
        folder.insert("release.json".to_owned(), record.clone());
        Ok(vec![
            Edit::ReplaceFolder { path: self.app.parse()?, files: folder },
            Edit::PutFile { path: "release.json".parse()?, content: record },
            self.namespace_file()?,
            self.kustomization_file()?,
        ])
    }

    /// Edits that bring the application back to what it was at a commit.
    pub(crate) fn roll_back(&self, from: CommitId) -> Result<Vec<Edit>, InvalidPath> {
        Ok(vec![
            Edit::RestoreFolder { path: self.app.parse()?, from },
            self.namespace_file()?,
            self.kustomization_file()?,
        ])
    }

    /// Edits that take the application away; its namespace stays.
    pub(crate) fn delete(&self) -> Result<Vec<Edit>, InvalidPath> {
        Ok(vec![
            Edit::DeleteFolder { path: self.app.parse()? },
            Edit::DeleteFile { path: self.kustomization_path()? },
        ])
    }

    /// Files whose difference alone is no change: they name the release, not what is deployed.
    pub(crate) fn compare_without(&self) -> Result<Vec<RepoPath>, InvalidPath> {
        Ok(vec!["release.json".parse()?, format!("{}/release.json", self.app).parse()?])
    }

    fn kustomization_path(&self) -> Result<RepoPath, InvalidPath> {
        format!("flux/kustomization-{}.yaml", self.app).parse()
    }

    /// One Kustomization per application, so that a bad one blocks neither its fix nor its neighbours.
    fn kustomization_file(&self) -> Result<Edit, InvalidPath> {
        let names = FluxNames::of(self.environment);
        let content = format!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\n\
             kind: Kustomization\n\
             metadata:\n\
             \x20 name: {name}\n\
             \x20 namespace: flux-system\n\
             spec:\n\
             \x20 interval: {INTERVAL}\n\
             \x20 path: ./{app}\n\
             \x20 prune: true\n\
             \x20 retryInterval: {RETRY_INTERVAL}\n\
             \x20 serviceAccountName: {account}\n\
             \x20 sourceRef:\n\
             \x20   kind: GitRepository\n\
             \x20   name: {source}\n\
             \x20 targetNamespace: {namespace}\n\
             \x20 timeout: {timeout}s\n\
             \x20 wait: true\n",
            name = names.application(self.namespace, self.app),
            app = self.app,
            account = names.apply_account(),
            source = names.apps(),
            namespace = self.namespace,
            timeout = self.deadline.as_secs(),
        );
        Ok(Edit::PutFile { path: self.kustomization_path()?, content: content.into_bytes() })
    }

    /// The namespace outlives its applications: others, or data, may be in it.
    fn namespace_file(&self) -> Result<Edit, InvalidPath> {
        let content = format!(
            "apiVersion: v1\n\
             kind: Namespace\n\
             metadata:\n\
             \x20 name: {}\n\
             \x20 annotations:\n\
             \x20   kustomize.toolkit.fluxcd.io/prune: disabled\n",
            self.namespace
        );
        Ok(Edit::PutFile {
            path: format!("flux/namespace-{}.yaml", self.namespace).parse()?,
            content: content.into_bytes(),
        })
    }

    fn release_json(&self, origin: &Origin<'_>) -> Vec<u8> {
        let commit = origin.commit;
        let record = ReleaseJson {
            app: self.app,
            env: self.environment,
            artifact_id: origin.artifact.to_string(),
            triggered_by: origin.trigger.as_str(),
            version: Version {
                repository_name: origin.repository,
                sha: &commit.sha,
                created: commit.committed_at.seconds(),
                branch: commit.branch.as_deref(),
                event: (commit.event != gimlet_store::EventWord::Push)
                    .then(|| commit.event.as_str()),
                source_branch: commit.source_branch.as_deref(),
                target_branch: commit.target_branch.as_deref(),
                tag: commit.tag.as_deref(),
                author_name: &commit.author_name,
                author_email: &commit.author_email,
                committer_name: &commit.committer_name,
                committer_email: &commit.committer_email,
                message: &commit.message,
                url: commit.url.as_deref(),
            },
            gitops_ref: "",
            gitops_repo: "",
            gitops_commit_status: "",
            gitops_commit_status_desc: "",
        };
        // Text and numbers only: this cannot fail.
        let mut line = serde_json::to_vec(&record).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

/// `release.json` as existing readers know it; what applies only to answers is empty here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReleaseJson<'a> {
    app: &'a str,
    env: &'a str,
    artifact_id: String,
    triggered_by: &'a str,
    version: Version<'a>,
    gitops_ref: &'a str,
    gitops_repo: &'a str,
    gitops_commit_status: &'a str,
    gitops_commit_status_desc: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Version<'a> {
    repository_name: &'a str,
    sha: &'a str,
    created: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    branch: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_branch: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_branch: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<&'a str>,
    author_name: &'a str,
    author_email: &'a str,
    committer_name: &'a str,
    committer_email: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
