//! Somebody who plays Flux for one environment: fetches when asked, or when its interval is over, and
//! applies what changed. Everything it applies is ready at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::Result;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    FLUX_NAMESPACE,
    api::REQUESTED_AT,
    git::Clone,
    ledger::{Effect, Ledger},
    objects::Objects,
};

const SOURCES: &str = "source.toolkit.fluxcd.io/v1/gitrepositories";
const KUSTOMIZATIONS: &str = "kustomize.toolkit.fluxcd.io/v1/kustomizations";
const DEPLOYMENTS: &str = "apps/v1/deployments";

/// After a fetch that failed. Flux itself waits longer and longer; what is asked of it must not wait for
/// the script.
const RETRY: Duration = Duration::from_millis(500);

/// An environment as an installer tells Flux of it.
#[derive(Clone, Debug)]
pub struct FluxEnvironment {
    /// Its name.
    pub name: String,
    /// The apps repository, with the credential in it.
    pub url: String,
    /// The branch that is followed.
    pub branch: String,
    /// How often Flux looks without being asked. A long one shows a request that was lost.
    pub interval: Duration,
    /// Where the clone lies.
    pub folder: PathBuf,
}

/// Plays Flux until it is dropped.
pub async fn play_flux(objects: Objects, environment: FluxEnvironment, ledger: Arc<Ledger>) {
    let name = format!("builtin-{}-apps", environment.name);
    for (resource, kind) in [(SOURCES, "GitRepository"), (KUSTOMIZATIONS, "Kustomization")] {
        objects.put(
            resource,
            json!({
                "kind": kind,
                "metadata": {"namespace": FLUX_NAMESPACE, "name": name},
                "spec": {"interval": "10m"},
            }),
        );
    }
    let FluxEnvironment { folder, url, branch, .. } = environment.clone();
    let clone = match Clone::make(folder, url, branch).await {
        Ok(clone) => clone,
        Err(error) => return source_failed(&objects, &name, &error),
    };
    let mut player = Player {
        objects,
        environment,
        ledger,
        name,
        clone,
        commit: String::new(),
        apps: BTreeMap::new(),
    };
    player.play().await;
}

struct Player {
    objects: Objects,
    environment: FluxEnvironment,
    ledger: Arc<Ledger>,
    /// Of the environment's own objects.
    name: String,
    clone: Clone,
    /// What is applied.
    commit: String,
    apps: BTreeMap<String, App>,
}

/// An application as it is applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct App {
    /// Blobs of its folder and of its Kustomization, by path.
    files: BTreeMap<String, String>,
    /// Its Kustomization.
    applier: String,
    /// Namespaces and names of its Deployments.
    deployments: BTreeSet<(String, String)>,
}

impl Player {
    async fn play(&mut self) {
        let mut versions = self.objects.versions();
        let mut due = Instant::now();
        loop {
            versions.mark_unchanged();
            let (asked, handled) = self.requests();
            if asked == handled && Instant::now() < due {
                tokio::select! {
                    changed = versions.changed() => if changed.is_err() { return },
                    () = sleep_until(due) => {}
                }
                continue;
            }
            match self.reconcile(asked).await {
                Ok(()) => due = Instant::now() + self.environment.interval,
                Err(error) => {
                    source_failed(&self.objects, &self.name, &error);
                    sleep(RETRY).await;
                    // What failed is due, asked or not.
                    due = Instant::now();
                }
            }
        }
    }

    /// What the source was asked for, and what it has answered.
    fn requests(&self) -> (Value, Value) {
        let Some(source) = self.objects.get(SOURCES, FLUX_NAMESPACE, &self.name) else {
            return (Value::Null, Value::Null);
        };
        let asked = source["metadata"]["annotations"][REQUESTED_AT].clone();
        (asked, source["status"]["lastHandledReconcileAt"].clone())
    }

    async fn reconcile(&mut self, asked: Value) -> Result<()> {
        let commit = self.clone.fetch().await?;
        let is_new = commit != self.commit;
        if is_new {
            let environment = self.environment.name.clone();
            self.ledger.note(Effect::Fetched { environment, commit: commit.clone() });
        }
        let revision = format!("main@sha1:{commit}");
        self.objects.change(SOURCES, FLUX_NAMESPACE, &self.name, |source| {
            let generation = source["metadata"]["generation"].clone();
            source["status"] = json!({
                "observedGeneration": generation,
                "artifact": {"revision": revision},
                "conditions": [ready(&format!("stored artifact for revision '{revision}'"))],
                "lastHandledReconcileAt": asked,
            });
        });
        if is_new {
            self.apply(&commit, &revision).await?;
            self.commit = commit;
        }
        Ok(())
    }

    /// Applies every application whose files differ, and takes away those that are gone.
    async fn apply(&mut self, commit: &str, revision: &str) -> Result<()> {
        let wanted = apps_of(self.clone.files(commit).await?);
        for (name, files) in &wanted {
            if self.apps.get(name).is_none_or(|app| app.files != *files) {
                let app = self.apply_app(name, files, commit).await?;
                self.apps.insert(name.clone(), app);
            }
        }
        let gone: Vec<String> =
            self.apps.keys().filter(|name| !wanted.contains_key(*name)).cloned().collect();
        for name in gone {
            self.remove_app(&name, commit);
        }
        let appliers = self.apps.values().map(|app| app.applier.clone());
        for applier in appliers.chain([self.name.clone()]).collect::<Vec<_>>() {
            self.objects.change(KUSTOMIZATIONS, FLUX_NAMESPACE, &applier, |object| {
                let generation = object["metadata"]["generation"].clone();
                object["status"] = json!({
                    "observedGeneration": generation,
                    "conditions": [ready(&format!("Applied revision: {revision}"))],
                    "lastAppliedRevision": revision,
                    "lastAttemptedRevision": revision,
                });
            });
        }
        Ok(())
    }

    async fn apply_app(
        &self,
        name: &str,
        files: &BTreeMap<String, String>,
        commit: &str,
    ) -> Result<App> {
        let blobs: Vec<&str> = files.values().map(String::as_str).collect();
        let texts = self.clone.texts(&blobs).await?;
        let mut app = App { files: files.clone(), ..App::default() };
        let (mut kustomization, mut deployments, mut sha) =
            (Value::Null, Vec::new(), String::new());
        for (path, text) in files.keys().zip(&texts) {
            if path.starts_with("flux/") {
                kustomization = serde_saphyr::from_str(text)?;
            } else if path.ends_with("/release.json") {
                let record: Value = serde_json::from_str(text)?;
                sha = record["version"]["sha"].as_str().unwrap_or_default().to_owned();
            } else {
                for document in text.split("\n---\n") {
                    let object: Value = serde_saphyr::from_str(document)?;
                    deployments.extend(Some(object).filter(|it| it["kind"] == "Deployment"));
                }
            }
        }
        let namespace = kustomization["spec"]["targetNamespace"].clone();
        app.applier = kustomization["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        self.put_keeping_status(KUSTOMIZATIONS, FLUX_NAMESPACE, kustomization);
        for mut deployment in deployments {
            let metadata = &mut deployment["metadata"];
            metadata["namespace"] = namespace.clone();
            metadata["labels"]["kustomize.toolkit.fluxcd.io/name"] = app.applier.clone().into();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let place = (text(&namespace), text(&metadata["name"]));
            self.put_keeping_status(DEPLOYMENTS, &place.0, deployment);
            self.roll_out(&place);
            app.deployments.insert(place);
        }
        self.note_applied(name, commit, sha);
        Ok(app)
    }

    fn put_keeping_status(&self, resource: &str, namespace: &str, mut object: Value) {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        if let Some(before) = self.objects.get(resource, namespace, name) {
            object["status"] = before["status"].clone();
        }
        self.objects.put(resource, object);
    }

    /// All pods of a Deployment are of its newest template, and ready.
    fn roll_out(&self, (namespace, name): &(String, String)) {
        self.objects.change(DEPLOYMENTS, namespace, name, |deployment| {
            let generation = deployment["metadata"]["generation"].clone();
            let replicas = deployment["spec"]["replicas"].as_i64().unwrap_or(1);
            deployment["status"] = json!({
                "observedGeneration": generation, "replicas": replicas, "updatedReplicas": replicas,
                "readyReplicas": replicas, "availableReplicas": replicas,
            });
        });
    }

    fn remove_app(&mut self, name: &str, commit: &str) {
        let Some(app) = self.apps.remove(name) else { return };
        for (namespace, name) in &app.deployments {
            self.objects.remove(DEPLOYMENTS, namespace, name);
        }
        self.objects.remove(KUSTOMIZATIONS, FLUX_NAMESPACE, &app.applier);
        self.note_applied(name, commit, String::new());
    }

    fn note_applied(&self, app: &str, commit: &str, sha: String) {
        let (environment, app) = (self.environment.name.clone(), app.to_owned());
        self.ledger.note(Effect::Applied { environment, app, commit: commit.to_owned(), sha });
    }
}

/// The files of each application that has a Kustomization.
fn apps_of(files: BTreeMap<String, String>) -> BTreeMap<String, BTreeMap<String, String>> {
    let app_of = |path: &str| {
        let name = path.strip_prefix("flux/kustomization-")?.strip_suffix(".yaml")?;
        Some(name.to_owned())
    };
    let mut apps: BTreeMap<String, BTreeMap<String, String>> =
        files.keys().filter_map(|path| Some((app_of(path)?, BTreeMap::new()))).collect();
    for (path, blob) in files {
        let name = app_of(&path).or_else(|| path.split_once('/').map(|(name, _)| name.to_owned()));
        if let Some(app) = name.and_then(|name| apps.get_mut(&name)) {
            app.insert(path, blob);
        }
    }
    apps
}

fn ready(message: &str) -> Value {
    json!({"type": "Ready", "status": "True", "reason": "Succeeded", "message": message})
}

fn source_failed(objects: &Objects, name: &str, error: &anyhow::Error) {
    let message = format!("{error:#}");
    objects.change(SOURCES, FLUX_NAMESPACE, name, |source| {
        source["status"]["conditions"] = json!([{
            "type": "Ready", "status": "False", "reason": "GitOperationFailed", "message": message,
        }]);
    });
}
