//! Releases by hand: asking for one, looking at them, going back.

use std::collections::{HashMap, HashSet};

use gimlet_domain::{
    names::FluxNames,
    release::{Intent, Trigger},
    role::Role,
    usual::UsualDurations,
};
use gimlet_shared::{
    api,
    ids::{ArtifactId, EnvironmentId, ReleaseId},
};
use gimlet_store::{
    Artifact, NewRelease, Release, ReleaseFilter, ReleaseLog, StoredManifest, TenantScope,
};

use crate::{
    App, AppError,
    artifacts::{cursor, next_cursor, page_size},
    live::Subject,
    manifests::resolve_manifest,
    pods::pods,
    reconcile::QUEUE_DEADLINE,
    release_view::{Around, add_usual, moments},
    state::require,
};

/// Healthy releases that tell what is usual: enough for a median, and recent.
const USUAL_OF: u64 = 20;

impl App {
    /// Releases an artifact's application, or all it has for the environment; the policy is not asked.
    /// The same `idempotency_key` for the same application answers the release that is there.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::Invalid`] for an application that the
    /// artifact does not have, or a manifest that cannot be resolved.
    pub async fn deploy(
        &self,
        scope: &TenantScope,
        request: api::NewRelease,
        idempotency_key: Option<String>,
    ) -> Result<Vec<api::Release>, AppError> {
        require(scope, Role::Developer)?;
        if let Some(done) = self.done_before::<()>(scope)? {
            return self.released_before(scope, &done.ids()?).await;
        }
        let store = &self.parts().store;
        let environment = store.find_environment_by_name(scope, &request.environment).await?;
        let environment = environment.ok_or(AppError::NotFound { what: "the environment" })?;
        let artifact = self.requested_artifact(scope, &request).await?;
        let manifests = wanted(&artifact, &request)?;
        let names = self.repository_names(scope, [artifact.repository_id]).await?;
        let repository = names.get(&artifact.repository_id).cloned().unwrap_or_default();
        let gitops = self.gitops(&environment).await?;
        let vars = self.environment_vars(&gitops, &environment).await?;
        let mut new = Vec::with_capacity(manifests.len());
        // All of them are read before the first is asked for: a bad one releases nothing.
        for manifest in manifests {
            let resolved = resolve_manifest(
                &manifest.file,
                &manifest.text,
                &artifact.commit,
                &repository,
                &vars,
            )
            .map_err(|error| AppError::invalid("artifact", error.to_string()))?;
            new.push(NewRelease {
                environment: environment.id,
                app: resolved.app,
                namespace: resolved.namespace,
                repository: Some(artifact.repository_id),
                artifact: Some(artifact.id),
                intent: Intent::Deploy { artifact: artifact.id },
                trigger: Trigger::Person(scope.login().to_owned()),
                deadline_at: self.now().after(QUEUE_DEADLINE),
                idempotency_key: idempotency_key.clone(),
                note: None,
            });
        }
        let releases = store.request_releases(scope, new, self.now()).await?;
        self.announce(scope, &releases);
        self.release_views(scope, releases).await
    }

    /// Goes back to what the application was after an earlier, written release.
    ///
    /// # Errors
    /// [`AppError::NotFound`], [`AppError::Forbidden`], [`AppError::Conflict`] for a release that never
    /// reached git or that took the application away.
    pub async fn roll_back(
        &self,
        scope: &TenantScope,
        to: ReleaseId,
    ) -> Result<api::Release, AppError> {
        require(scope, Role::Developer)?;
        if let Some(done) = self.done_before::<()>(scope)? {
            let mut views = self.released_before(scope, &done.ids()?).await?;
            return views.pop().ok_or(AppError::NotFound { what: "the release" });
        }
        let store = &self.parts().store;
        let target = self.rollback_target(scope, to).await?;
        let mut application = store.find_applications(scope, &[target.application_id]).await?;
        // Who brings back what went away owns nothing of it.
        let living = application.pop().filter(|app| app.deleted_at.is_none());
        let repository = living.and_then(|app| app.repository_id);
        let new = NewRelease {
            environment: target.environment_id,
            app: target.app,
            namespace: target.namespace,
            repository,
            artifact: target.artifact,
            intent: Intent::Rollback { to },
            trigger: Trigger::Person(scope.login().to_owned()),
            deadline_at: self.now().after(QUEUE_DEADLINE),
            idempotency_key: None,
            note: None,
        };
        let release = store.request_release(scope, new, self.now()).await?;
        self.announce(scope, std::slice::from_ref(&release));
        self.one_view(scope, release).await
    }

    /// What a request that was cut off has asked for, in its order.
    async fn released_before(
        &self,
        scope: &TenantScope,
        ids: &[ReleaseId],
    ) -> Result<Vec<api::Release>, AppError> {
        let mut releases = self.parts().store.find_releases(scope, ids).await?;
        releases.sort_by_key(|release| ids.iter().position(|id| *id == release.id));
        self.release_views(scope, releases).await
    }

    /// A release that can be gone back to.
    pub(crate) async fn rollback_target(
        &self,
        scope: &TenantScope,
        to: ReleaseId,
    ) -> Result<Release, AppError> {
        let found = self.parts().store.find_release(scope, to).await?;
        let target = found.ok_or(AppError::NotFound { what: "the release" })?;
        let refused = |detail: &str| AppError::Conflict { detail: detail.to_owned() };
        if target.state.commit().is_none() {
            return Err(refused(
                "this release never reached the gitops repository; choose one that did",
            ));
        }
        if matches!(target.intent, Intent::Delete) {
            return Err(refused(
                "this release took the application away; choose one that brought it",
            ));
        }
        Ok(target)
    }

    /// One release, with what its page shows beyond lists: usual durations, pods, and what containers said.
    ///
    /// # Errors
    /// [`AppError::NotFound`].
    pub async fn release(
        &self,
        scope: &TenantScope,
        id: ReleaseId,
    ) -> Result<api::Release, AppError> {
        let store = &self.parts().store;
        let found = store.find_release(scope, id).await?;
        let release = found.ok_or(AppError::NotFound { what: "the release" })?;
        let mut view = self.one_view(scope, release.clone()).await?;
        add_usual(&mut view.steps, &self.usual_durations(scope, &release).await?);
        if view.current || !view.closed {
            (view.pods, view.pods_left_out) = self.pods_of(scope, &release).await?;
        }
        let logs = store.list_release_logs(scope, id).await?;
        view.logs = logs.into_iter().map(log_view).collect();
        Ok(view)
    }

    /// The medians of the application's last healthy releases; of its environment's where it has none.
    async fn usual_durations(
        &self,
        scope: &TenantScope,
        release: &Release,
    ) -> Result<UsualDurations, AppError> {
        let store = &self.parts().store;
        let own =
            store.list_healthy_of_application(scope, release.application_id, USUAL_OF).await?;
        let mut known = own;
        known.retain(|other| other.id != release.id && is_usual(other));
        if known.is_empty() {
            known =
                store.list_healthy_of_environment(scope, release.environment_id, USUAL_OF).await?;
            known.retain(|other| other.id != release.id && is_usual(other));
        }
        Ok(UsualDurations::of(&known.iter().map(moments).collect::<Vec<_>>()))
    }

    /// The pods of a release's application as its cluster reports them; none while its agent is away.
    async fn pods_of(
        &self,
        scope: &TenantScope,
        release: &Release,
    ) -> Result<(Vec<api::Pod>, u32), AppError> {
        let of = [release.environment_id];
        let environment = self.parts().store.find_environments(scope, &of).await?.pop();
        let found = environment.and_then(|environment| {
            let view = self.parts().views.get(environment.cluster_id)?;
            let names = FluxNames::of(&environment.name);
            Some(pods(&view.workloads(&names.application(&release.namespace, &release.app))))
        });
        Ok(found.unwrap_or_default())
    }

    /// A page of releases, newest first.
    ///
    /// # Errors
    /// [`AppError::Invalid`] for a bad limit or cursor, [`AppError::NotFound`] for an unknown environment.
    pub async fn list_releases(
        &self,
        scope: &TenantScope,
        query: api::ReleaseQuery,
    ) -> Result<api::Page<api::Release>, AppError> {
        let store = &self.parts().store;
        let limit = page_size(query.limit)?;
        let environment = match &query.environment {
            Some(name) => {
                let found = store.find_environment_by_name(scope, name).await?;
                Some(found.ok_or(AppError::NotFound { what: "the environment" })?.id)
            }
            None => None,
        };
        let filter = ReleaseFilter {
            environment,
            app: query.app,
            artifact: None,
            limit: u64::from(limit) + 1,
            before: cursor(query.cursor.as_deref())?,
        };
        let mut rows = store.list_releases(scope, &filter).await?;
        let next_cursor = next_cursor(&mut rows, limit, |row| row.id.to_string());
        Ok(api::Page { items: self.release_views(scope, rows).await?, next_cursor })
    }

    /// Tells pages and the writer of new releases.
    pub(crate) fn announce(&self, scope: &TenantScope, releases: &[Release]) {
        for release in releases {
            self.tell(scope.organization(), Subject::release(release));
        }
        self.parts().wake.releases.notify_one();
    }

    pub(crate) async fn one_view(
        &self,
        scope: &TenantScope,
        release: Release,
    ) -> Result<api::Release, AppError> {
        let mut views = self.release_views(scope, vec![release]).await?;
        views.pop().ok_or(AppError::NotFound { what: "the release" })
    }

    pub(crate) async fn release_views(
        &self,
        scope: &TenantScope,
        releases: Vec<Release>,
    ) -> Result<Vec<api::Release>, AppError> {
        let store = &self.parts().store;
        let environments: HashMap<EnvironmentId, String> = store
            .find_environments(scope, &each_once(releases.iter().map(|it| it.environment_id)))
            .await?
            .into_iter()
            .map(|env| (env.id, env.name))
            .collect();
        let applications: HashMap<_, _> = store
            .find_applications(scope, &each_once(releases.iter().map(|it| it.application_id)))
            .await?
            .into_iter()
            .filter(|app| app.deleted_at.is_none())
            .map(|app| (app.id, app))
            .collect();
        let artifacts: HashMap<ArtifactId, Artifact> = store
            .find_artifacts(scope, &each_once(releases.iter().filter_map(|it| it.artifact)))
            .await?
            .into_iter()
            .map(|artifact| (artifact.id, artifact))
            .collect();
        let from = artifacts.values().map(|artifact| artifact.repository_id);
        let repositories = self.repository_names(scope, from).await?;
        let mut views = Vec::with_capacity(releases.len());
        for release in releases {
            let application = applications.get(&release.application_id);
            let artifact = release.artifact.and_then(|id| artifacts.get(&id));
            let around = Around {
                environment: environments.get(&release.environment_id).map_or("", String::as_str),
                repository: artifact
                    .and_then(|artifact| repositories.get(&artifact.repository_id))
                    .map(String::as_str),
                artifact,
                current: application.is_some_and(|app| app.current_release == Some(release.id)),
                app_url: application.and_then(|app| app.url.as_deref()),
            };
            views.push(self.release_view(&release, &around));
        }
        Ok(views)
    }

    async fn requested_artifact(
        &self,
        scope: &TenantScope,
        request: &api::NewRelease,
    ) -> Result<Artifact, AppError> {
        let store = &self.parts().store;
        let absent = AppError::NotFound { what: "the artifact" };
        match (&request.artifact, &request.sha) {
            (Some(id), None) => {
                let id: ArtifactId =
                    id.parse().map_err(|error: gimlet_shared::ids::ParseIdError| {
                        AppError::invalid("artifact", error.to_string())
                    })?;
                Ok(store.find_artifact(scope, id).await?.ok_or(absent)?.artifact)
            }
            (None, Some(sha)) => {
                self.artifact_of_commit(scope, request.repository.as_deref(), sha).await
            }
            (Some(_), Some(_)) => {
                Err(AppError::invalid("sha", "give `artifact` or `sha`, not both"))
            }
            (None, None) => {
                Err(AppError::invalid("artifact", "is missing; give `artifact` or `sha`"))
            }
        }
    }

    async fn artifact_of_commit(
        &self,
        scope: &TenantScope,
        repository: Option<&str>,
        sha: &str,
    ) -> Result<Artifact, AppError> {
        if sha.len() < 7 || sha.len() > 40 || !sha.chars().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(AppError::invalid("sha", "must be 7 to 40 hexadecimal digits"));
        }
        let store = &self.parts().store;
        let repository = match repository {
            Some(name) => {
                let found = store.find_repository_by_name(scope, name).await?;
                Some(found.ok_or(AppError::NotFound { what: "the repository" })?.id)
            }
            None => None,
        };
        let mut found =
            store.find_artifact_by_sha(scope, repository, &sha.to_ascii_lowercase()).await?;
        // One commit may have been pushed and tagged: the newest artifact of it is meant.
        found.sort_by_key(|artifact| artifact.id);
        let newest = found.pop().ok_or(AppError::NotFound { what: "the artifact" })?;
        let ambiguous = |other: &Artifact| {
            other.commit.sha != newest.commit.sha || other.repository_id != newest.repository_id
        };
        if found.iter().any(ambiguous) {
            return Err(AppError::invalid(
                "sha",
                "several commits begin with it; give more digits, or `repository`",
            ));
        }
        Ok(newest)
    }
}

/// A release that brought something: going away, and finding it there already, take other times.
fn is_usual(release: &Release) -> bool {
    !matches!(release.intent, Intent::Delete) && release.note.is_none()
}

fn log_view(log: ReleaseLog) -> api::ContainerLog {
    api::ContainerLog {
        pod: log.pod,
        container: log.container,
        restarts: u32::try_from(log.restarts).unwrap_or_default(),
        lines: log.lines,
        seen_at: log.seen_at.rfc3339(),
    }
}

/// The artifact's manifests for the request's environment and application.
fn wanted<'a>(
    artifact: &'a Artifact,
    request: &api::NewRelease,
) -> Result<Vec<&'a StoredManifest>, AppError> {
    let of_env: Vec<&StoredManifest> =
        artifact.manifests.iter().filter(|manifest| manifest.env == request.environment).collect();
    let found: Vec<&StoredManifest> = of_env
        .iter()
        .filter(|manifest| request.app.as_ref().is_none_or(|app| *app == manifest.app))
        .copied()
        .collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let there: Vec<String> = artifact
        .manifests
        .iter()
        .map(|manifest| format!("{} in {}", manifest.app, manifest.env))
        .collect();
    let there = if there.is_empty() { "no manifest at all".to_owned() } else { there.join(", ") };
    Err(AppError::invalid(
        if of_env.is_empty() { "environment" } else { "app" },
        format!("this commit has no such manifest; it has {there}"),
    ))
}

/// Each of these ids once.
pub(crate) fn each_once<I: Eq + std::hash::Hash>(ids: impl IntoIterator<Item = I>) -> Vec<I> {
    let once: HashSet<I> = ids.into_iter().collect();
    once.into_iter().collect()
}
