//! Brings a queued release into its environment's gitops repository: render, commit, hand over to Flux.
//!
//! Each step may be cut off and run again: the commit carries the release's id as its `Deploy-Id`, and is
//! looked for before another one is made.

use std::{collections::HashMap, sync::Arc};

use gimlet_domain::{
    cause::{Cause, CauseCode},
    names::FluxNames,
    order::{Waiting, next_turn},
    release::{Intent, ReleaseEvent},
};
use gimlet_git::{
    BranchName, CommitId, InvalidName, RepoPath,
    gitops::{Change, CommitError, Committed, Edit, Gitops, Message, Outside, Repository},
};
use gimlet_manifest::render;
use gimlet_shared::{
    error_chain::Chain,
    ids::{CommandId, EnvironmentId},
    link::CommandBody,
    observed::ObjectKey,
};
use gimlet_store::{
    AdvanceExtra, ApplicationChange, Artifact, Environment, GitopsLocation, NewCommand,
    QueuedGroup, Release,
};
use tokio::sync::Mutex;
use tracing::{info, warn};

use crate::{
    App, AppError, Timestamp,
    clusters::{apps_repository, infra_repository},
    live::Subject,
    manifests::resolve_manifest,
    observed::FLUX_NAMESPACE,
    ports::offset,
    reconcile::{COMMAND_LIFETIME, retry_delay},
    tree::{Origin, Place},
};

/// How far back an earlier attempt's commit is looked for: more than are ever written within a deadline.
const LOOK_BACK: usize = 2_000;
/// How many undone commits a rollback names.
const MOST_UNDONE: usize = 200;

/// Gitops repositories that are open; one writer each.
#[derive(Clone, Debug, Default)]
pub(crate) struct OpenRepositories(Arc<Mutex<HashMap<EnvironmentId, Gitops>>>);

/// Why a release was not written.
enum NotWritten {
    /// Trying again would not help.
    Refused(Cause),
    /// Something was in the way.
    Later(AppError),
}

impl From<AppError> for NotWritten {
    fn from(error: AppError) -> Self {
        Self::Later(error)
    }
}

/// A release that is in git.
struct Written {
    commit: CommitId,
    note: Option<String>,
}

impl App {
    /// Writes the release of one application whose turn it is.
    pub(crate) async fn write_next(&self, group: QueuedGroup) -> Result<(), AppError> {
        let waiting = self.waiting(&group).await;
        let turn = next_turn(waiting);
        let find = |id| group.releases.iter().find(|release| release.id == id);
        for (overtaken, by) in &turn.overtaken {
            if let Some(release) = find(*overtaken) {
                self.move_release(
                    release,
                    ReleaseEvent::Overtaken { by: *by },
                    AdvanceExtra::default(),
                )
                .await?;
            }
        }
        let Some(release) = turn.write.and_then(find) else { return Ok(()) };
        match self.write(&group, release).await {
            Ok(written) => self.hand_over(&group, release, written).await,
            Err(NotWritten::Refused(cause)) => self
                .move_release(release, ReleaseEvent::Refused { cause }, AdvanceExtra::default())
                .await
                .map(drop),
            Err(NotWritten::Later(error)) => self.try_later(release, &error).await,
        }
    }

    async fn waiting(&self, group: &QueuedGroup) -> Vec<Waiting> {
        let parts = self.parts();
        let last = parts
            .store
            .last_released_artifact(&parts.system, group.application.id)
            .await
            .ok()
            .flatten();
        let mut waiting = Vec::with_capacity(group.releases.len());
        for release in &group.releases {
            let older_than_released = match (&last, release.artifact) {
                (Some(last), Some(artifact)) => self.is_older(artifact, last).await,
                _ => false,
            };
            waiting.push(Waiting {
                id: release.id,
                trigger: release.trigger.clone(),
                older_than_released,
            });
        }
        waiting
    }

    async fn write(&self, group: &QueuedGroup, release: &Release) -> Result<Written, NotWritten> {
        let environment = &group.environment;
        let gitops = self.gitops(environment).await?;
        gitops
            .refresh()
            .await
            .map_err(|error| AppError::unavailable("the gitops repository", error))?;
        let branch = branch_of(environment)?;
        let git = |error| NotWritten::Later(AppError::unavailable("the gitops repository", error));
        let deploy_id = release.id.to_string();
        if let Some(commit) =
            gitops.find_deploy(&branch, &deploy_id, None, LOOK_BACK).await.map_err(git)?
        {
            return Ok(Written { commit, note: None });
        }
        let change = self.change(group, release, &gitops, branch).await?;
        match gitops.commit(change).await {
            Ok(Committed::Made { commit, .. }) => Ok(Written { commit, note: None }),
            Ok(Committed::Unchanged { head }) => Ok(Written {
                commit: head,
                note: Some("Already there: it changes nothing that is deployed.".into()),
            }),
            Err(error) => Err(commit_refusal(error)),
        }
    }

    async fn change(
        &self,
        group: &QueuedGroup,
        release: &Release,
        gitops: &Gitops,
        branch: BranchName,
    ) -> Result<Change, NotWritten> {
        let place = Place {
            environment: &group.environment.name,
            app: &release.app,
            namespace: &release.namespace,
            deadline: self.parts().config.release_deadline,
        };
        let by = release.trigger.as_str();
        let name = format!("{}/{}", group.environment.name, release.app);
        let (subject, body, edits) = match &release.intent {
            Intent::Deploy { artifact } => {
                let edits = self.deploy_edits(group, release, gitops, &place, *artifact).await?;
                (format!("[Gimlet] {name} automated deploy"), String::new(), edits)
            }
            Intent::Rollback { to } => {
                let from = self.rollback_commit(*to).await?;
                let body = undone(gitops, &branch, &release.app, from).await?;
                (
                    format!("[Gimlet] {name} rolled back by {by}"),
                    body,
                    paths(place.roll_back(from))?,
                )
            }
            Intent::Delete => {
                (format!("[Gimlet] {name} deleted by {by}"), String::new(), paths(place.delete())?)
            }
        };
        let message = Message::new(subject)
            .and_then(|message| message.with_body(body))
            .and_then(|message| message.with_trailer("Deploy-Id", release.id.to_string()))
            .map_err(|error| AppError::unavailable("the gitops repository", error))?;
        let compare_without = paths(place.compare_without())?;
        Ok(Change { branch, message, time: offset(self.now()), edits, compare_without })
    }

    async fn deploy_edits(
        &self,
        group: &QueuedGroup,
        release: &Release,
        gitops: &Gitops,
        place: &Place<'_>,
        artifact: gimlet_shared::ids::ArtifactId,
    ) -> Result<Vec<Edit>, NotWritten> {
        let parts = self.parts();
        let artifact = parts
            .store
            .find_release_artifact(&parts.system, artifact)
            .await
            .map_err(AppError::from)?;
        let artifact =
            artifact.ok_or(NotWritten::Later(AppError::NotFound { what: "the artifact" }))?;
        let repository = self.repository_name(&artifact).await?;
        self.check_owner(group, &artifact).await?;
        let vars = match self.environment_vars(gitops, &group.environment).await {
            Ok(vars) => vars,
            Err(error @ AppError::Invalid { .. }) => {
                return Err(NotWritten::Refused(invalid_manifest(error.to_string())));
            }
            Err(error) => return Err(error.into()),
        };
        for manifest in
            artifact.manifests.iter().filter(|manifest| manifest.env == group.environment.name)
        {
            let resolved = resolve_manifest(
                &manifest.file,
                &manifest.text,
                &artifact.commit,
                &repository,
                &vars,
            )
            .map_err(|error| NotWritten::Refused(invalid_manifest(error.to_string())))?;
            if resolved.app != release.app {
                continue;
            }
            let rendered = render(&resolved)
                .map_err(|error| NotWritten::Refused(invalid_manifest(error.to_string())))?;
            check_namespaces(&rendered.objects, &resolved.namespace)
                .map_err(NotWritten::Refused)?;
            let origin = Origin {
                repository: &repository,
                artifact: artifact.id,
                commit: &artifact.commit,
                trigger: &release.trigger,
            };
            let place = Place { namespace: &resolved.namespace, ..*place };
            return paths(place.deploy(rendered.files, &origin));
        }
        Err(NotWritten::Refused(invalid_manifest(format!(
            "commit {} has no manifest for application `{}` in environment `{}`",
            artifact.commit.sha, release.app, group.environment.name
        ))))
    }

    /// An application belongs to the repository that released it first.
    async fn check_owner(
        &self,
        group: &QueuedGroup,
        artifact: &Artifact,
    ) -> Result<(), NotWritten> {
        let Some(owner) =
            group.application.repository_id.filter(|owner| *owner != artifact.repository_id)
        else {
            return Ok(());
        };
        let parts = self.parts();
        let owner = parts
            .store
            .find_repository_for_hook(&parts.system, owner)
            .await
            .map_err(AppError::from)?;
        let owner =
            owner.map_or_else(|| "another repository".to_owned(), |repository| repository.name);
        Err(NotWritten::Refused(Cause::new(
            CauseCode::OwnedByAnother,
            format!(
                "`{}` in `{}` belongs to {owner}",
                group.application.name, group.environment.name
            ),
            "Choose another `app` name in this manifest, or delete that application first.",
        )))
    }

    async fn rollback_commit(
        &self,
        to: gimlet_shared::ids::ReleaseId,
    ) -> Result<CommitId, NotWritten> {
        let parts = self.parts();
        let target =
            parts.store.find_release_for_system(&parts.system, to).await.map_err(AppError::from)?;
        let commit = target.as_ref().and_then(|release| release.state.commit()).unwrap_or_default();
        commit.parse().map_err(|_| {
            NotWritten::Refused(Cause::new(
                CauseCode::GitopsWrite,
                "the release to go back to never reached the gitops repository",
                "Choose another release of the application.",
            ))
        })
    }

    /// In one transaction: the release is in git, earlier ones are overtaken, and Flux is to be poked.
    async fn hand_over(
        &self,
        group: &QueuedGroup,
        release: &Release,
        written: Written,
    ) -> Result<(), AppError> {
        let now = self.now();
        let deadline = now.after(self.parts().config.release_deadline);
        let overtaken = match &group.followed {
            Some(followed) => {
                let next = followed.state.next(ReleaseEvent::Overtaken { by: Some(release.id) });
                let next = next.map_err(|error| AppError::unavailable("the release", error))?;
                vec![(followed.clone(), next)]
            }
            None => Vec::new(),
        };
        let application = match release.intent {
            Intent::Delete => crate::apps::deleted(now),
            Intent::Deploy { .. } | Intent::Rollback { .. } => ApplicationChange {
                current_release: Some(release.id),
                namespace: Some(release.namespace.clone()),
                repository: None,
                deleted_at: None,
            },
        };
        let unchanged = written.note.is_some();
        let extra = AdvanceExtra {
            deadline_at: Some(deadline),
            committed_at: Some(now),
            due_at: Some(deadline),
            commands: self.pokes(&group.environment, release, unchanged, now),
            overtaken,
            application: Some(application),
            note: written.note,
            ..AdvanceExtra::default()
        };
        let event = ReleaseEvent::Written { commit: written.commit.to_string() };
        self.move_release(release, event, extra).await?;
        if let Some(followed) = &group.followed {
            self.tell(followed.organization_id, Subject::Release(followed.id));
        }
        self.parts().sessions.wake(group.environment.cluster_id);
        self.parts().views.changed.notify_one();
        Ok(())
    }

    /// Flux is asked to fetch now; where nothing changed, to apply again what it may have given up on.
    fn pokes(
        &self,
        environment: &Environment,
        release: &Release,
        unchanged: bool,
        now: Timestamp,
    ) -> Vec<NewCommand> {
        let names = FluxNames::of(&environment.name);
        let mut objects = vec![("GitRepository", names.apps())];
        if unchanged {
            objects.push(("Kustomization", names.application(&release.namespace, &release.app)));
        }
        objects
            .into_iter()
            .map(|(kind, name)| NewCommand {
                id: CommandId::new(),
                cluster: environment.cluster_id,
                body: CommandBody::Reconcile {
                    object: ObjectKey {
                        kind: kind.to_owned(),
                        namespace: FLUX_NAMESPACE.to_owned(),
                        name,
                    },
                },
                expires_at: now.after(COMMAND_LIFETIME),
            })
            .collect()
    }

    /// Moves a release by an event, tells pages and counts; false if someone else moved it meanwhile.
    pub(crate) async fn move_release(
        &self,
        release: &Release,
        event: ReleaseEvent,
        extra: AdvanceExtra,
    ) -> Result<bool, AppError> {
        let next = release
            .state
            .next(event)
            .map_err(|error| AppError::unavailable("the release", error))?;
        let (parts, now) = (self.parts(), self.now());
        let moved = parts.store.advance_release(&parts.system, release, next, extra, now).await?;
        let Some(moved) = moved else { return Ok(false) };
        info!(
            release.id = %moved.id,
            organization.id = %moved.organization_id,
            app = %moved.app,
            state = moved.state.word(),
            "release moved"
        );
        if moved.state.is_closed() {
            parts.troubles.forget(moved.id);
            parts.metrics.releases_closed.with_label_values(&[moved.state.word()]).inc();
            if matches!(moved.state, gimlet_domain::release::ReleaseState::Healthy { .. }) {
                parts.metrics.release_seconds.observe(now.since(moved.requested_at).as_secs_f64());
            }
        }
        self.tell(moved.organization_id, Subject::Release(moved.id));
        Ok(true)
    }

    async fn try_later(&self, release: &Release, error: &AppError) -> Result<(), AppError> {
        let (parts, attempts) = (self.parts(), release.attempts.saturating_add(1));
        let due = self.now().after(retry_delay(attempts));
        warn!(release.id = %release.id, attempts, error = %Chain(error), "a release could not be written yet");
        parts
            .store
            .postpone_release(&parts.system, release, due, attempts, Some(&error.to_string()))
            .await?;
        self.tell(release.organization_id, Subject::Release(release.id));
        Ok(())
    }

    /// The repository that holds an environment's applications.
    pub(crate) async fn gitops(&self, environment: &Environment) -> Result<Gitops, AppError> {
        let mut open = self.parts().gitops.0.lock().await;
        if let Some(gitops) = open.get(&environment.id) {
            return Ok(gitops.clone());
        }
        let path =
            self.gitops_path(environment.organization_id, &apps_repository(&environment.name));
        let failed = |error| AppError::unavailable("the gitops repository", error);
        let gitops = match &environment.gitops {
            GitopsLocation::BuiltIn => {
                Gitops::BuiltIn(Repository::ensure(path, offset(self.now())).await.map_err(failed)?)
            }
            GitopsLocation::Outside { apps_url, credential, .. } => {
                let url = apps_url.parse().map_err(|error: gimlet_git::remote::InvalidUrl| {
                    AppError::unavailable("the gitops repository's address", error)
                })?;
                let credentials =
                    credential.as_deref().map(crate::ingest::credentials).transpose()?;
                let config = &self.parts().config;
                let outside = Outside::open(
                    path,
                    self.parts().git.clone(),
                    url,
                    credentials,
                    config.host_policy,
                )
                .await;
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
        let readme: RepoPath =
            "flux/README.md".parse().map_err(|error: gimlet_git::InvalidPath| {
                AppError::unavailable("the gitops repository", error)
            })?;
        let text = "One Flux Kustomization for each application of this environment. Gimlet writes these files;\n\
                    without Gimlet, Flux keeps applying them.\n";
        let message = Message::new("[Gimlet] Bootstrapping")
            .map_err(|error| AppError::unavailable("the gitops repository", error))?;
        let change = Change {
            branch: branch_of(environment)?,
            message,
            time: offset(self.now()),
            edits: vec![Edit::PutFile { path: readme, content: text.into() }],
            compare_without: Vec::new(),
        };
        apps.commit(change).await.map(drop).map_err(failed)
    }
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

/// One `This reverts commit …` line for each release that a rollback undoes, newest first.
async fn undone(
    gitops: &Gitops,
    branch: &BranchName,
    app: &str,
    to: CommitId,
) -> Result<String, NotWritten> {
    let git = |error| NotWritten::Later(AppError::unavailable("the gitops repository", error));
    let Some(head) = gitops.head(branch).await.map_err(git)? else { return Ok(String::new()) };
    let folder = paths(app.parse())?;
    let history = gitops.history(head, &folder, MOST_UNDONE).await.map_err(git)?;
    Ok(history
        .into_iter()
        .take_while(|commit| commit.id != to)
        .filter(|commit| !commit.message.contains("This reverts commit "))
        .map(|commit| format!("This reverts commit {}.\n", commit.id))
        .collect())
}

fn invalid_manifest(detail: String) -> Cause {
    Cause::new(
        CauseCode::ManifestInvalid,
        "the manifest cannot be used",
        "The message names the file and the place; correct it and push.",
    )
    .with_detail(detail)
}

/// Flux puts every object into the manifest's namespace; one that asks for another would be moved silently.
fn check_namespaces(objects: &[gimlet_manifest::ObjectRef], namespace: &str) -> Result<(), Cause> {
    match objects
        .iter()
        .find(|object| object.namespace.as_deref().is_some_and(|own| own != namespace))
    {
        None => Ok(()),
        Some(object) => Err(invalid_manifest(format!(
            "manifests: {object} names its own namespace, but this manifest deploys to `{namespace}`; remove \
             `metadata.namespace`, or give the object a manifest of its own"
        ))),
    }
}

/// Paths are made of checked names; one that is refused is a refusal of the manifest.
fn paths<T>(path: Result<T, gimlet_git::InvalidPath>) -> Result<T, NotWritten> {
    path.map_err(|error| NotWritten::Refused(invalid_manifest(error.to_string())))
}

fn commit_refusal(error: CommitError) -> NotWritten {
    match error {
        CommitError::InvalidPath { .. }
        | CommitError::Root
        | CommitError::NotAFolder { .. }
        | CommitError::NotAFile { .. }
        | CommitError::NotInHistory { .. }
        | CommitError::NothingToRestore { .. } => NotWritten::Refused(
            Cause::new(
                CauseCode::GitopsWrite,
                "the gitops repository cannot take this release",
                "The message names the path; correct the repository by hand, or choose another release.",
            )
            .with_detail(Chain(&error).to_string()),
        ),
        error => NotWritten::Later(AppError::unavailable("the gitops repository", error)),
    }
}
