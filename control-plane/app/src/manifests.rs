//! A stored manifest, its variables, and what comes of both.

use std::collections::BTreeMap;

use gimlet_git::gitops::Gitops;
use gimlet_manifest::{
    ArtifactFacts, EventKind, Install, Manifest, ManifestError, Resolved, Variables, parse_dotenv,
    parse_manifest, resolve,
};
use gimlet_store::{Commit, Environment, EventWord};

use crate::{App, AppError};

/// The environment's own variables, hand-written in its apps repository.
const ENVIRONMENT_VARS: &str = ".gimlet/vars";

/// Variables of an environment, by name.
pub(crate) type EnvironmentVars = BTreeMap<String, String>;

/// Parses a manifest and fills in its variables. What this version does not carry out is refused, since an
/// application must never be deployed with a part of its manifest left out.
pub(crate) fn resolve_manifest(
    file: &str,
    text: &str,
    commit: &Commit,
    repository: &str,
    environment: &EnvironmentVars,
) -> Result<Resolved, ManifestError> {
    let manifest = parse_manifest(file, text)?.manifest;
    check_carried_out(&manifest)?;
    let variables = Variables::for_artifact(&facts(commit, repository))
        .environment(environment.clone())
        .build(&manifest)?;
    resolve(&manifest, &variables)
}

fn check_carried_out(manifest: &Manifest) -> Result<(), ManifestError> {
    if manifest.preview {
        return Err(manifest.refuse("preview", "is not deployed by this version; remove it"));
    }
    if manifest.cleanup.is_some() {
        return Err(manifest.refuse("cleanup", "is not carried out by this version; remove it"));
    }
    if manifest.chart.as_ref().is_some_and(|chart| chart.install == Install::Flux) {
        let message = "is `flux`, which this version does not deploy; use `render`";
        return Err(manifest.refuse("chart.install", message));
    }
    Ok(())
}

/// What variables and policies may know of a commit.
pub(crate) fn facts<'a>(commit: &'a Commit, repository: &'a str) -> ArtifactFacts<'a> {
    ArtifactFacts {
        repository,
        event: event_kind(commit.event),
        branch: commit.branch.as_deref().or(commit.source_branch.as_deref()).unwrap_or_default(),
        tag: commit.tag.as_deref().unwrap_or_default(),
        sha: &commit.sha,
        actor: "",
        job: "",
        url: commit.url.as_deref().unwrap_or_default(),
        message: &commit.message,
        source_branch: commit.source_branch.as_deref().unwrap_or_default(),
        target_branch: commit.target_branch.as_deref().unwrap_or_default(),
    }
}

/// The manifest format's word for an event.
pub(crate) fn event_kind(event: EventWord) -> EventKind {
    match event {
        EventWord::Push => EventKind::Push,
        EventWord::Tag => EventKind::Tag,
        EventWord::PullRequest => EventKind::PullRequest,
    }
}

impl App {
    /// Reads `.gimlet/vars` of an environment's apps repository; none is no variables.
    pub(crate) async fn environment_vars(
        &self,
        gitops: &Gitops,
        environment: &Environment,
    ) -> Result<EnvironmentVars, AppError> {
        let git = |error| AppError::unavailable("the gitops repository", error);
        let Some(head) = gitops.head(&crate::gitops::branch_of(environment)?).await.map_err(git)?
        else {
            return Ok(EnvironmentVars::new());
        };
        let path: gimlet_git::RepoPath =
            ENVIRONMENT_VARS.parse().map_err(|error: gimlet_git::InvalidPath| {
                AppError::unavailable("the gitops repository", error)
            })?;
        let Some(content) = gitops.read_file(head, &path).await.map_err(git)? else {
            return Ok(EnvironmentVars::new());
        };
        parse_dotenv(&String::from_utf8_lossy(&content)).map_err(|error| {
            AppError::invalid(
                format!("{ENVIRONMENT_VARS} of environment {}", environment.name),
                format!("line {}: {}", error.line, error.message),
            )
        })
    }
}
