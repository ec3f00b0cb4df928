//! Applications as people see them, live, and taking one away.

use std::{collections::HashMap, sync::Arc};

use gimlet_domain::{
    health::Workloads,
    names::FluxNames,
    release::{Intent, Trigger},
    role::Role,
};
use gimlet_shared::{
    api,
    ids::{ApplicationId, ArtifactId, ClusterId, ReleaseId, RepositoryId},
};
use gimlet_store::{
    Application, Environment, NewRelease, Release, ReleaseFilter, SeenApplication, TenantScope,
};

use crate::{
    App, AppError,
    observed::ClusterView,
    pods::pods,
    reconcile::QUEUE_DEADLINE,
    release_view::{cause_view, health_cause},
    releases::each_once,
    state::require,
};

impl App {
    /// The views of these applications, in their order and in a fixed number of queries.
    pub(crate) async fn app_views(
        &self,
        scope: &TenantScope,
        applications: Vec<Application>,
    ) -> Result<Vec<api::App>, AppError> {
        let ids: Vec<ApplicationId> = applications.iter().map(|it| it.id).collect();
        let newest = self.parts().store.list_newest_releases(scope, &ids).await?;
        let around = self.around_apps(scope, &applications, newest).await?;
        let clusters = around.clusters();
        let found: HashMap<ClusterId, _> =
            clusters.iter().map(|(id, view)| (*id, view.workloads_by_applier())).collect();
        let view = |application: Application| {
            let workloads = around
                .applier(&application)
                .and_then(|(cluster, applier)| found.get(&cluster)?.get(applier.as_str()));
            app_view(self, application, &around, workloads)
        };
        Ok(applications.into_iter().map(view).collect())
    }

    /// One application, with what its page shows beyond lists: pods, and everything that is wrong.
    ///
    /// # Errors
    /// [`AppError::NotFound`].
    pub async fn app(
        &self,
        scope: &TenantScope,
        environment: &str,
        app: &str,
    ) -> Result<api::App, AppError> {
        Ok(self.see_app(scope, environment, app).await?.0)
    }

    /// One application, and what to hand to a change that is to meet just this.
    ///
    /// # Errors
    /// [`AppError::NotFound`].
    pub async fn see_app(
        &self,
        scope: &TenantScope,
        environment: &str,
        app: &str,
    ) -> Result<(api::App, SeenApplication), AppError> {
        let application = self.application(scope, environment, app).await?;
        let filter = ReleaseFilter {
            environment: Some(application.environment_id),
            app: Some(application.name.clone()),
            artifact: None,
            limit: 1,
            before: None,
        };
        let newest = self.parts().store.list_releases(scope, &filter).await?;
        let seen = SeenApplication {
            id: application.id,
            revision: application.revision,
            newest: newest.first().map(|release| (release.id, release.revision)),
        };
        let around = self.around_apps(scope, std::slice::from_ref(&application), newest).await?;
        let cluster = around
            .applier(&application)
            .and_then(|(cluster, applier)| Some((self.parts().views.get(cluster)?, applier)));
        let found = cluster.as_ref().map(|(view, applier)| view.workloads(applier));
        let mut view = app_view(self, application, &around, found.as_ref());
        if let Some(found) = &found {
            (view.pods, view.pods_left_out) = pods(found);
            view.alerts =
                found.troubles().into_iter().map(|trouble| cause_view(trouble.cause)).collect();
        }
        // While the agent is away, what was wrong last is all that is known.
        if view.alerts.is_empty() {
            view.alerts.extend(view.cause.clone());
        }
        Ok((view, seen))
    }

    /// Takes an application away, from git and so from the cluster; its history stays.
    ///
    /// # Errors
    /// [`AppError::NotFound`], [`AppError::Forbidden`]; [`AppError::Changed`] where it is not what was seen.
    pub async fn delete_app(
        &self,
        scope: &TenantScope,
        environment: &str,
        app: &str,
        seen: Option<SeenApplication>,
    ) -> Result<api::Release, AppError> {
        require(scope, Role::Developer)?;
        let application = self.application(scope, environment, app).await?;
        let new = NewRelease {
            environment: application.environment_id,
            app: application.name,
            namespace: application.namespace,
            repository: application.repository_id,
            artifact: None,
            intent: Intent::Delete,
            trigger: Trigger::Person(scope.login().to_owned()),
            deadline_at: self.now().after(QUEUE_DEADLINE),
            idempotency_key: None,
            note: None,
        };
        let store = &self.parts().store;
        let release = match seen {
            Some(seen) => store
                .request_release_of_seen(scope, &seen, new, self.now())
                .await?
                .ok_or(AppError::Changed { what: "the application" })?,
            None => store.request_release(scope, new, self.now()).await?,
        };
        self.announce(scope, std::slice::from_ref(&release));
        self.one_view(scope, release).await
    }

    async fn application(
        &self,
        scope: &TenantScope,
        environment: &str,
        app: &str,
    ) -> Result<Application, AppError> {
        let found = self.parts().store.find_application(scope, environment, app).await?;
        found.ok_or(AppError::NotFound { what: "the application" })
    }

    /// Reads what belongs to the views of these applications besides themselves.
    async fn around_apps(
        &self,
        scope: &TenantScope,
        applications: &[Application],
        newest: Vec<Release>,
    ) -> Result<AroundApps<'_>, AppError> {
        let store = &self.parts().store;
        let current: Vec<ReleaseId> =
            applications.iter().filter_map(|application| application.current_release).collect();
        let current = store.find_releases(scope, &current).await?;
        let artifacts: Vec<ArtifactId> =
            current.iter().filter_map(|release| release.artifact).collect();
        let shas: HashMap<ArtifactId, String> = store
            .find_artifacts(scope, &artifacts)
            .await?
            .into_iter()
            .map(|artifact| (artifact.id, artifact.commit.sha))
            .collect();
        let sha_of = |release: &Release| Some((release.id, shas.get(&release.artifact?)?.clone()));
        let of: HashMap<ReleaseId, ApplicationId> =
            newest.iter().map(|release| (release.id, release.application_id)).collect();
        let mut latest = HashMap::with_capacity(newest.len());
        for view in self.release_views(scope, newest).await? {
            let application = view.id.parse().ok().and_then(|id: ReleaseId| of.get(&id));
            if let Some(application) = application {
                latest.insert(*application, view);
            }
        }
        let of = each_once(applications.iter().map(|it| it.environment_id));
        let from = applications.iter().filter_map(|application| application.repository_id);
        Ok(AroundApps {
            app: self,
            environments: store.find_environments(scope, &of).await?,
            repositories: self.repository_names(scope, from).await?,
            shas: current.iter().filter_map(sha_of).collect(),
            latest,
        })
    }
}

/// What belongs to the views of applications besides the applications.
struct AroundApps<'a> {
    app: &'a App,
    environments: Vec<Environment>,
    repositories: HashMap<RepositoryId, String>,
    /// The source commits of current releases.
    shas: HashMap<ReleaseId, String>,
    /// The newest releases.
    latest: HashMap<ApplicationId, api::Release>,
}

impl AroundApps<'_> {
    fn environment(&self, application: &Application) -> Option<&Environment> {
        self.environments.iter().find(|it| it.id == application.environment_id)
    }

    /// The cluster of an application, and its Kustomization there.
    fn applier(&self, application: &Application) -> Option<(ClusterId, String)> {
        let environment = self.environment(application)?;
        let names = FluxNames::of(&environment.name);
        let applier = names.application(&application.namespace, &application.name);
        Some((environment.cluster_id, applier))
    }

    /// The clusters whose agents are here.
    fn clusters(&self) -> HashMap<ClusterId, Arc<ClusterView>> {
        let views = &self.app.parts().views;
        self.environments
            .iter()
            .filter_map(|it| Some((it.cluster_id, views.get(it.cluster_id)?)))
            .collect()
    }
}

/// The view of an application; `found` is what the cluster reports, nothing while its agent is away.
fn app_view(
    app: &App,
    application: Application,
    around: &AroundApps<'_>,
    found: Option<&Workloads<'_>>,
) -> api::App {
    let environment = around.environment(&application).map_or("", |it| it.name.as_str()).to_owned();
    let repository = application.repository_id.and_then(|id| around.repositories.get(&id));
    let sha = application.current_release.and_then(|id| around.shas.get(&id));
    api::App {
        health: application.health.word().to_owned(),
        health_at: application.health_at.unwrap_or(application.created_at).rfc3339(),
        cause: health_cause(&application.health),
        repository: repository.cloned(),
        latest_release: around.latest.get(&application.id).cloned(),
        sha: sha.cloned(),
        workloads: found.map(workload_views).unwrap_or_default(),
        url: app.page(&format!("/apps/{environment}/{}", application.name)),
        app_url: application.url,
        current_release: application.current_release.map(|id| id.to_string()),
        pods: Vec::new(),
        pods_left_out: 0,
        alerts: Vec::new(),
        name: application.name,
        namespace: application.namespace,
        environment,
    }
}

fn workload_views(found: &Workloads<'_>) -> Vec<api::Workload> {
    found
        .workloads
        .iter()
        .map(|(key, workload)| api::Workload {
            kind: key.kind.clone(),
            name: key.name.clone(),
            ready: workload.ready,
            desired: workload.desired,
            images: workload.images.clone(),
        })
        .collect()
}
