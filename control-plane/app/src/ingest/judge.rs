//! What is decided about a commit's manifests, and the releases that follow.

use std::collections::BTreeMap;

use gimlet_domain::release::{Intent, Trigger};
use gimlet_git::{RepoPath, mirror::Folder};
use gimlet_manifest::{
    Decision, GitEvent, Manifest, ManifestError, Resolved, clashes, parse_folder, would_release,
};
use gimlet_shared::ids::ArtifactId;
use gimlet_store::{
    Environment, IngestBatch, ManifestProblem, NewArtifact, NewDecision, NewRelease,
    SourceRepository, StoredManifest,
};

use super::{
    LookError,
    commits::{Found, Standing},
};
use crate::{
    App, AppError, Timestamp,
    manifests::{EnvironmentVars, facts, resolve_manifest},
    reconcile::QUEUE_DEADLINE,
};

/// Where manifests lie in a source repository.
const FOLDER: &str = ".gimlet";

/// The folder of manifests.
pub(super) fn manifest_folder() -> Result<RepoPath, AppError> {
    FOLDER.parse().map_err(|error: gimlet_git::InvalidPath| {
        AppError::unavailable("the manifests' folder", error)
    })
}

/// Decides for one repository, with its organization's environments as they are now.
pub(super) struct Judge<'a> {
    app: &'a App,
    repository: &'a SourceRepository,
    environments: BTreeMap<String, Environment>,
    /// The variables of those that a manifest has named so far.
    vars: BTreeMap<String, Result<EnvironmentVars, String>>,
}

impl<'a> Judge<'a> {
    pub(super) async fn of(
        app: &'a App,
        repository: &'a SourceRepository,
    ) -> Result<Self, LookError> {
        let parts = app.parts();
        let all = parts
            .store
            .list_organization_environments(&parts.system, repository.organization_id)
            .await?;
        let by_name = all.into_iter().map(|environment| (environment.name.clone(), environment));
        Ok(Self { app, repository, environments: by_name.collect(), vars: BTreeMap::new() })
    }

    /// Reads the variables of an environment, which lie in git, unless it was done before.
    async fn learn(&mut self, name: &str) -> Result<(), LookError> {
        let Some(environment) =
            self.environments.get(name).filter(|_| !self.vars.contains_key(name))
        else {
            return Ok(());
        };
        let gitops = self.app.gitops(environment).await?;
        // Bad variables of one environment are that environment's trouble.
        let vars = self.app.environment_vars(&gitops, environment).await;
        self.vars.insert(name.to_owned(), vars.map_err(|error| error.to_string()));
        Ok(())
    }

    /// Adds a commit as an artifact, with what is decided about it; returns the artifact's id.
    pub(super) async fn add(
        &mut self,
        batch: &mut IngestBatch,
        found: Found,
        folder: Folder,
        now: Timestamp,
    ) -> Result<ArtifactId, LookError> {
        let id = ArtifactId::new();
        let texts = texts(&folder);
        let outcome = parse_folder(&texts);
        for manifest in &outcome.manifests {
            self.learn(&manifest.env).await?;
        }
        let mut problems: Vec<ManifestProblem> = outcome.errors.iter().map(problem).collect();
        problems.extend(folder.ignored.iter().map(|ignored| ManifestProblem {
            file: format!("{FOLDER}/{}", ignored.name),
            line: None,
            column: None,
            message: format!("was not read: {}", ignored.reason),
        }));
        let mut good: Vec<(Manifest, Resolved, &str)> = Vec::new();
        for manifest in outcome.manifests {
            let Some((_, text)) = texts.iter().find(|(name, _)| name == manifest.file()) else {
                continue;
            };
            match self.resolve(&manifest, text, &found) {
                Ok(resolved) => good.push((manifest, resolved, text)),
                Err(problem) => problems.push(problem),
            }
        }
        let clashing =
            clashes(&good.iter().map(|(_, resolved, _)| resolved.clone()).collect::<Vec<_>>());
        good.retain(|(manifest, ..)| !clashing.iter().any(|error| error.file() == manifest.file()));
        problems.extend(clashing.iter().map(problem));
        let mut manifests = Vec::with_capacity(good.len());
        for (manifest, resolved, text) in good {
            self.decide(batch, id, &found, &manifest, &resolved, now);
            manifests.push(StoredManifest {
                file: manifest.file().to_owned(),
                app: resolved.app,
                env: resolved.env,
                text: text.to_owned(),
            });
        }
        let is_head = found.standing != Standing::Before;
        batch.artifacts.push(NewArtifact {
            id,
            commit: found.commit,
            manifests,
            problems,
            is_head,
        });
        Ok(id)
    }

    fn resolve(
        &self,
        manifest: &Manifest,
        text: &str,
        found: &Found,
    ) -> Result<Resolved, ManifestProblem> {
        let none = EnvironmentVars::new();
        let vars = match self.vars.get(&manifest.env) {
            Some(Ok(vars)) => vars,
            Some(Err(message)) => {
                let file = manifest.file().to_owned();
                return Err(ManifestProblem {
                    file,
                    line: None,
                    column: None,
                    message: message.clone(),
                });
            }
            None => &none,
        };
        resolve_manifest(manifest.file(), text, &found.commit, &self.repository.name, vars)
            .map_err(|error| problem(&error))
    }

    fn decide(
        &self,
        batch: &mut IngestBatch,
        artifact: ArtifactId,
        found: &Found,
        manifest: &Manifest,
        resolved: &Resolved,
        now: Timestamp,
    ) {
        let environment = self.environments.get(&resolved.env);
        let Decision { releases, reason, warnings: _ } =
            verdict(environment, found, manifest, resolved, &self.repository.name);
        batch.decisions.push(NewDecision {
            artifact,
            env: resolved.env.clone(),
            app: resolved.app.clone(),
            file: manifest.file().to_owned(),
            releases,
            reason,
        });
        if let (true, Some(environment)) = (releases, environment) {
            batch.releases.push(NewRelease {
                environment: environment.id,
                app: resolved.app.clone(),
                namespace: resolved.namespace.clone(),
                repository: Some(self.repository.id),
                artifact: Some(artifact),
                intent: Intent::Deploy { artifact },
                trigger: Trigger::Policy,
                deadline_at: now.after(QUEUE_DEADLINE),
                idempotency_key: None,
                note: None,
            });
        }
    }
}

/// What is decided: the deploy policy is asked last, where nothing else stands against a release.
fn verdict(
    environment: Option<&Environment>,
    found: &Found,
    manifest: &Manifest,
    resolved: &Resolved,
    repository: &str,
) -> Decision {
    let no = |reason: String| Decision { releases: false, reason, warnings: Vec::new() };
    let Some(environment) = environment else {
        return no(format!(
            "there is no environment `{}`; connect a cluster with one, or correct `env`",
            resolved.env
        ));
    };
    if let Some(bound) =
        environment.namespace.as_ref().filter(|bound| **bound != resolved.namespace)
    {
        return no(format!(
            "environment `{}` is bound to namespace `{bound}`; correct `namespace`",
            environment.name
        ));
    }
    match found.standing {
        Standing::Before => {
            return no("only the head of a push meets the policy; release it by hand".to_owned());
        }
        Standing::AlreadyThere => {
            return no(
                "it was there before the repository was added; release it by hand".to_owned()
            );
        }
        Standing::Fork => {
            return no("it comes from a fork; release it by hand after reading it".to_owned());
        }
        Standing::Head => {}
    }
    let facts = facts(&found.commit, repository);
    let event = GitEvent {
        event: facts.event,
        branch: facts.branch,
        tag: facts.tag,
        message: facts.message,
        source_branch: facts.source_branch,
        target_branch: facts.target_branch,
    };
    would_release(manifest.deploy.as_ref().unwrap_or(&Default::default()), &event)
}

fn texts(folder: &Folder) -> Vec<(String, String)> {
    folder
        .files
        .iter()
        .map(|file| {
            (format!("{FOLDER}/{}", file.name), String::from_utf8_lossy(&file.content).into_owned())
        })
        .collect()
}

fn problem(error: &ManifestError) -> ManifestProblem {
    let number = |place: Option<usize>| place.and_then(|place| u32::try_from(place).ok());
    let message = if error.path().is_empty() {
        error.message().to_owned()
    } else {
        format!("{}: {}", error.path(), error.message())
    };
    ManifestProblem {
        file: error.file().to_owned(),
        line: number(error.line()),
        column: number(error.column()),
        message,
    }
}
