//! Applications as people see them, live, and taking one away.

use gimlet_domain::{
    names::FluxNames,
    release::{Intent, Trigger},
    role::Role,
};
use gimlet_shared::api;
use gimlet_store::{Application, Environment, NewRelease, ReleaseFilter, TenantScope};

use crate::{
    App, AppError, reconcile::QUEUE_DEADLINE, release_view::health_cause,
    releases::environment_name, state::require,
};

impl App {
    /// All applications, by environment and name.
    ///
    /// # Errors
    /// [`AppError::Unavailable`].
    pub async fn list_apps(&self, scope: &TenantScope) -> Result<Vec<api::App>, AppError> {
        let store = &self.parts().store;
        let environments = store.list_environments(scope).await?;
        let mut views = Vec::new();
        for application in store.list_applications(scope).await? {
            views.push(self.app_view(scope, application, &environments).await?);
        }
        views.sort_by(|a, b| (&a.name, &a.environment).cmp(&(&b.name, &b.environment)));
        Ok(views)
    }

    /// One application.
    ///
    /// # Errors
    /// [`AppError::NotFound`].
    pub async fn app(
        &self,
        scope: &TenantScope,
        environment: &str,
        app: &str,
    ) -> Result<api::App, AppError> {
        let application = self.application(scope, environment, app).await?;
        let environments = self.parts().store.list_environments(scope).await?;
        self.app_view(scope, application, &environments).await
    }

    /// Takes an application away, from git and so from the cluster; its history stays.
    ///
    /// # Errors
    /// [`AppError::NotFound`], [`AppError::Forbidden`].
    pub async fn delete_app(
        &self,
        scope: &TenantScope,
        environment: &str,
        app: &str,
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
        let release = self.parts().store.request_release(scope, new, self.now()).await?;
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

    async fn app_view(
        &self,
        scope: &TenantScope,
        application: Application,
        environments: &[Environment],
    ) -> Result<api::App, AppError> {
        let environment = environment_name(environments, application.environment_id).to_owned();
        let filter = ReleaseFilter {
            environment: Some(application.environment_id),
            app: Some(application.name.clone()),
            artifact: None,
            limit: 1,
            before: None,
        };
        let newest = self.parts().store.list_releases(scope, &filter).await?.pop();
        let latest_release = match newest {
            Some(release) => Some(self.one_view(scope, release).await?),
            None => None,
        };
        let sha = match application.current_release {
            Some(id) => self.release(scope, id).await?.sha,
            None => None,
        };
        let names = self.repository_names(scope).await?;
        Ok(api::App {
            health: application.health.word().to_owned(),
            health_at: application.health_at.unwrap_or(application.created_at).rfc3339(),
            cause: health_cause(&application.health),
            repository: application.repository_id.and_then(|id| names.get(&id).cloned()),
            latest_release,
            sha,
            workloads: self.workloads(&application, environments),
            url: self.page(&format!("/apps/{environment}/{}", application.name)),
            name: application.name,
            namespace: application.namespace,
            environment,
        })
    }

    /// What the cluster reports of the application's workloads; nothing while its agent is away.
    fn workloads(
        &self,
        application: &Application,
        environments: &[Environment],
    ) -> Vec<api::Workload> {
        let environment =
            environments.iter().find(|environment| environment.id == application.environment_id);
        let Some((environment, view)) =
            environment.and_then(|found| Some((found, self.parts().views.get(found.cluster_id)?)))
        else {
            return Vec::new();
        };
        let applier =
            FluxNames::of(&environment.name).application(&application.namespace, &application.name);
        let found = view.workloads(&applier);
        found
            .workloads
            .into_iter()
            .map(|(key, workload)| api::Workload {
                kind: key.kind.clone(),
                name: key.name.clone(),
                ready: workload.ready,
                desired: workload.desired,
                images: workload.images.clone(),
            })
            .collect()
    }
}
