//! What one release is to change in its gitops repository.

use std::time::Duration;

use gimlet_charts::{Access, FetchedChart};
use gimlet_domain::{
    cause::{Cause, CauseCode},
    release::Intent,
};
use gimlet_git::{
    BranchName, CommitId,
    gitops::{Change, Edit, Gitops, Message},
};
use gimlet_helm::{
    Dialect,
    chart::capabilities::{Capabilities, KubeVersion},
};
use gimlet_manifest::{
    Draw, ManifestError, ObjectRef, RenderInputs, Rendered, Resolved, assumed_capabilities, render,
};
use gimlet_shared::{
    crash_point,
    error_chain::Chain,
    ids::{ArtifactId, ReleaseId},
    namespaces::is_protected_namespace,
};
use gimlet_store::{Artifact, Environment, QueuedGroup, Release};

use tokio::time::timeout;
use tracing::info;

use super::NotWritten;
use crate::{
    App, AppError,
    manifests::resolve_manifest,
    ports::offset,
    tree::{Origin, Place},
};

/// How long the fetch of a chart may hold up its release's turn; within what a write may take.
const FETCH_LIMIT: Duration = Duration::from_secs(30);
/// How many undone commits a rollback names.
const MOST_UNDONE: usize = 200;

impl App {
    pub(super) async fn change(
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
        artifact: ArtifactId,
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
                return Err(NotWritten::refused(invalid_manifest(error.to_string())));
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
            .map_err(|error| NotWritten::refused(invalid_manifest(error.to_string())))?;
            if resolved.app != release.app {
                continue;
            }
            check_namespace(&group.environment, &resolved.namespace)?;
            crash_point!("render.before");
            let draw = self.draw(group, &release.app, &artifact);
            let (resolved, rendered) = self.rendered(group, resolved, draw).await?;
            crash_point!("render.after");
            check_objects(&rendered.objects, &resolved.namespace)?;
            let origin = Origin {
                repository: &repository,
                artifact: artifact.id,
                commit: &artifact.commit,
                trigger: &release.trigger,
            };
            let place = Place { namespace: &resolved.namespace, ..*place };
            return paths(place.deploy(rendered.files, &origin));
        }
        Err(NotWritten::refused(invalid_manifest(format!(
            "commit {} has no manifest for application `{}` in environment `{}`",
            artifact.commit.sha, release.app, group.environment.name
        ))))
    }

    /// Renders a manifest, with its chart where it names one. A chart may take a while: it is rendered where nobody
    /// else waits.
    async fn rendered(
        &self,
        group: &QueuedGroup,
        resolved: Resolved,
        draw: Draw,
    ) -> Result<(Resolved, Rendered), NotWritten> {
        let invalid =
            |error: ManifestError| NotWritten::refused(invalid_manifest(error.to_string()));
        let Some(found) = self.chart(group, &resolved).await? else {
            let rendered = render(&resolved, &RenderInputs::default()).map_err(invalid)?;
            return Ok((resolved, rendered));
        };
        let capabilities = self.capabilities(group).await?;
        let work = tokio::task::spawn_blocking(move || {
            let inputs = RenderInputs {
                chart: Some(&found.chart),
                capabilities: Some(&capabilities),
                draw,
                dialect: Dialect::Helm3,
            };
            let rendered = render(&resolved, &inputs)?;
            Ok((resolved, rendered))
        });
        let rendered = work.await.map_err(|error| AppError::unavailable("the chart", error))?;
        rendered.map_err(invalid)
    }

    /// The chart that a manifest names, if it names one.
    async fn chart(
        &self,
        group: &QueuedGroup,
        resolved: &Resolved,
    ) -> Result<Option<FetchedChart>, NotWritten> {
        let Some(chart) = &resolved.chart else { return Ok(None) };
        let access = Access::anonymous();
        let fetched = timeout(FETCH_LIMIT, self.parts().charts.fetch(&chart.source, &access)).await;
        let fetched = fetched.map_err(|elapsed| AppError::unavailable("the chart", elapsed))?;
        let fetched = fetched.map_err(|fault| {
            if fault.is_temporary() {
                return NotWritten::Later(AppError::unavailable("the chart", fault));
            }
            NotWritten::refused(
                Cause::new(
                    CauseCode::ManifestInvalid,
                    "the manifest's chart cannot be had",
                    "The message says what to do; correct `chart` and push.",
                )
                .with_detail(Chain(&fault).to_string()),
            )
        })?;
        if let Some(note) = &fetched.note {
            info!(
                application.id = %group.application.id,
                organization.id = %group.environment.organization_id,
                note,
                "a chart was had without its source"
            );
        }
        Ok(Some(fetched))
    }

    /// What the cluster can do, by what its agent told of it.
    async fn capabilities(&self, group: &QueuedGroup) -> Result<Capabilities, AppError> {
        let parts = self.parts();
        let cluster =
            parts.store.find_cluster_of_environment(&parts.system, &group.environment).await?;
        let assumed = assumed_capabilities(Dialect::Helm3);
        let told = cluster
            .and_then(|cluster| cluster.kubernetes_version)
            .and_then(|version| KubeVersion::parse(&version, Dialect::Helm3).ok());
        Ok(match told {
            Some(kube_version) => Capabilities { kube_version, ..assumed },
            None => assumed,
        })
    }

    /// What templates draw from: the same for each release of one commit.
    fn draw(&self, group: &QueuedGroup, app: &str, artifact: &Artifact) -> Draw {
        let environment = &group.environment;
        let vault = &self.parts().vault;
        Draw {
            seed: vault.draw_seed(environment.organization_id, &environment.name, app),
            now: artifact.commit.committed_at.0,
        }
    }

    /// [`App::check_owner`] for the artifact of a release; going back and away need none.
    pub(super) async fn check_owner_of(
        &self,
        group: &QueuedGroup,
        release: &Release,
    ) -> Result<(), NotWritten> {
        let Intent::Deploy { artifact } = release.intent else { return Ok(()) };
        let parts = self.parts();
        let artifact = parts
            .store
            .find_release_artifact(&parts.system, artifact)
            .await
            .map_err(AppError::from)?;
        match artifact {
            Some(artifact) => self.check_owner(group, &artifact).await,
            None => Ok(()),
        }
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
            .find_repository_for_system(&parts.system, owner)
            .await
            .map_err(AppError::from)?;
        let owner =
            owner.map_or_else(|| "another repository".to_owned(), |repository| repository.name);
        Err(NotWritten::refused(Cause::new(
            CauseCode::OwnedByAnother,
            format!(
                "`{}` in `{}` belongs to {owner}",
                group.application.name, group.environment.name
            ),
            "Choose another `app` name in this manifest, or delete that application first.",
        )))
    }

    async fn rollback_commit(&self, to: ReleaseId) -> Result<CommitId, NotWritten> {
        let parts = self.parts();
        let target =
            parts.store.find_release_for_system(&parts.system, to).await.map_err(AppError::from)?;
        let commit = target.as_ref().and_then(|release| release.state.commit()).unwrap_or_default();
        commit.parse().map_err(|_| {
            NotWritten::refused(Cause::new(
                CauseCode::GitopsWrite,
                "the release to go back to never reached the gitops repository",
                "Choose another release of the application.",
            ))
        })
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

/// An environment may be bound to one namespace, and none may use the platform's own: Kubernetes would refuse
/// it, and hold up everyone else's new applications with it.
fn check_namespace(environment: &Environment, namespace: &str) -> Result<(), NotWritten> {
    let refused =
        |why: String| Err(NotWritten::refused(invalid_manifest(format!("namespace: {why}"))));
    if is_protected_namespace(namespace) {
        return refused(format!(
            "`{namespace}` belongs to the cluster itself; choose one of your own"
        ));
    }
    match environment.namespace.as_deref().filter(|bound| *bound != namespace) {
        Some(bound) => {
            refused(format!("environment `{}` is bound to namespace `{bound}`", environment.name))
        }
        None => Ok(()),
    }
}

/// Flux puts every object into the manifest's namespace; one that asks for another would be moved silently.
fn check_objects(objects: &[ObjectRef], namespace: &str) -> Result<(), NotWritten> {
    match objects
        .iter()
        .find(|object| object.namespace.as_deref().is_some_and(|own| own != namespace))
    {
        None => Ok(()),
        Some(object) => Err(NotWritten::refused(invalid_manifest(format!(
            "manifests: {object} names its own namespace, but this manifest deploys to `{namespace}`; remove \
             `metadata.namespace`, or give the object a manifest of its own"
        )))),
    }
}

/// Paths are made of checked names; one that is refused is a refusal of the manifest.
fn paths<T>(path: Result<T, gimlet_git::InvalidPath>) -> Result<T, NotWritten> {
    path.map_err(|error| NotWritten::refused(invalid_manifest(error.to_string())))
}

#[cfg(test)]
mod tests {
    use gimlet_domain::time::Timestamp;
    use gimlet_shared::ids::{ClusterId, EnvironmentId, OrganizationId};
    use gimlet_store::GitopsLocation;

    use super::*;

    fn environment(namespace: Option<&str>) -> Environment {
        Environment {
            id: EnvironmentId::new(),
            organization_id: OrganizationId::new(),
            cluster_id: ClusterId::new(),
            name: "prod".to_owned(),
            namespace: namespace.map(str::to_owned),
            created_at: Timestamp(0),
            gitops: GitopsLocation::BuiltIn,
        }
    }

    /// The detail of a refusal; nothing where there was none.
    fn refusal(result: Result<(), NotWritten>) -> Option<String> {
        match result {
            Ok(()) => None,
            Err(NotWritten::Refused(cause)) => {
                assert_eq!(cause.code, CauseCode::ManifestInvalid);
                Some(cause.detail)
            }
            Err(NotWritten::Later(error)) => panic!("trying again would not help: {error}"),
        }
    }

    #[test]
    fn an_application_stays_out_of_the_platform_s_namespaces() {
        let anywhere = environment(None);
        assert_eq!(refusal(check_namespace(&anywhere, "shop")), None);
        for taken in ["infrastructure", "flux-system", "gimlet-builds", "kube-system"] {
            let detail = refusal(check_namespace(&anywhere, taken)).expect("a refusal");
            assert!(detail.starts_with("namespace: ") && detail.contains(taken), "{detail}");
        }
    }

    #[test]
    fn a_bound_environment_takes_its_own_namespace_only() {
        let bound = environment(Some("shop"));
        assert_eq!(refusal(check_namespace(&bound, "shop")), None);
        assert_eq!(
            refusal(check_namespace(&bound, "other")).as_deref(),
            Some("namespace: environment `prod` is bound to namespace `shop`")
        );
    }

    #[test]
    fn an_object_names_the_manifest_s_namespace_or_none() {
        let object = |namespace: Option<&str>| ObjectRef {
            api_version: "v1".to_owned(),
            kind: "Service".to_owned(),
            namespace: namespace.map(str::to_owned),
            name: "web".to_owned(),
        };
        assert_eq!(refusal(check_objects(&[object(None), object(Some("shop"))], "shop")), None);
        let detail = refusal(check_objects(&[object(None), object(Some("other"))], "shop"));
        let detail = detail.expect("a refusal");
        assert!(detail.contains("Service other/web") && detail.contains("`shop`"), "{detail}");
    }
}
