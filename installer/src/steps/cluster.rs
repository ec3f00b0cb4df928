//! The cluster: one object read, brought to what it should be, or removed.

use std::{fmt, time::Duration};

use kube::{
    Api, Client, Config,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
    core::{ApiResource, DynamicObject},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    FIELD_MANAGER,
    options::Target,
    plan::{Desired, Intent, Reference, differences},
    progress::{Outcome, Tense},
    resource_of,
};

/// Every request is small and none watches, so silence for this long is a broken connection.
const SILENCE: Duration = Duration::from_secs(30);

/// A connection to the cluster's API server.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
}

/// Why the cluster did not do what was asked. Each message says what to do where that is known.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No usable kubeconfig.
    #[error(
        "could not read the kubeconfig; name one with --kubeconfig, and a context of it with --context"
    )]
    Kubeconfig(#[source] KubeconfigError),
    /// The kubeconfig cannot be made into a connection.
    #[error("could not prepare the connection to the cluster")]
    Prepare(#[source] Box<kube::Error>),
    /// The API server refused for lack of rights.
    #[error(
        "this kubeconfig's user may not {action}: {message}; run the installer as a user with the \
         role cluster-admin"
    )]
    Forbidden {
        /// What was asked, with its object.
        action: String,
        /// What the API server said.
        message: String,
    },
    /// The API server refused for another reason.
    #[error("the cluster refused to {action}: {message}")]
    Refused {
        /// What was asked, with its object.
        action: String,
        /// What the API server said.
        message: String,
    },
    /// Someone else owns a field that we want otherwise, or changed the object meanwhile.
    #[error("could not {action}: {message}")]
    Conflict {
        /// What was asked, with its object.
        action: String,
        /// Which field, and whose.
        message: String,
    },
    /// No answer from the API server.
    #[error(
        "could not {action}: the cluster's API server did not answer; is this the right kubeconfig?"
    )]
    Unreachable {
        /// What was asked, with its object.
        action: String,
        /// What the client said.
        source: Box<kube::Error>,
    },
}

impl Cluster {
    /// Prepares the connection that the kubeconfig describes; nothing is sent yet.
    ///
    /// # Errors
    /// When there is no kubeconfig, or it lacks what a connection needs.
    pub async fn connect(target: &Target) -> Result<Self, ClusterError> {
        let kubeconfig = match &target.kubeconfig {
            Some(path) => Kubeconfig::read_from(path),
            None => Kubeconfig::read(),
        };
        let kubeconfig = kubeconfig.map_err(ClusterError::Kubeconfig)?;
        let options =
            KubeConfigOptions { context: target.context.clone(), ..KubeConfigOptions::default() };
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .map_err(ClusterError::Kubeconfig)?;
        config.read_timeout = Some(SILENCE);
        let client =
            Client::try_from(config).map_err(|error| ClusterError::Prepare(Box::new(error)))?;
        Ok(Self { client })
    }

    /// Uses an existing client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// The version of the API server, such as `v1.34.4`.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn version(&self) -> Result<String, ClusterError> {
        match self.client.apiserver_version().await {
            Ok(info) => Ok(info.git_version),
            Err(error) => Err(failed("ask for its version", error)),
        }
    }

    /// An object as it is, or `None`. A kind that the cluster does not know has no objects.
    ///
    /// # Errors
    /// When the API server refuses or does not answer.
    pub async fn find(&self, reference: &Reference) -> Result<Option<Value>, ClusterError> {
        match self.api(reference).get(&reference.name).await {
            Ok(object) => Ok(Some(as_value(&object))),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(failed(&format!("read {reference}"), error)),
        }
    }

    /// An object of a known kind, decoded, or `None`.
    ///
    /// # Errors
    /// As [`Cluster::find`], and when it is not of the expected form.
    pub async fn find_as<T: DeserializeOwned>(
        &self,
        kind: (&str, &str),
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<T>, ClusterError> {
        let Some((resource, _)) = resource_of(kind.0, kind.1) else { return Ok(None) };
        let namespace = namespace.map(str::to_owned);
        let reference = Reference { resource, namespace, name: name.to_owned() };
        let Some(value) = self.find(&reference).await? else { return Ok(None) };
        serde_json::from_value(value).map(Some).map_err(|error| ClusterError::Refused {
            action: format!("read {reference}"),
            message: error.to_string(),
        })
    }

    /// The objects of a kind in a namespace that carry a label selector. None if there is no such
    /// namespace or kind.
    ///
    /// # Errors
    /// When the API server refuses or does not answer.
    pub async fn list<T>(&self, namespace: &str, selector: &str) -> Result<Vec<T>, ClusterError>
    where
        T: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + fmt::Debug
            + DeserializeOwned,
    {
        let api: Api<T> = Api::namespaced(self.client.clone(), namespace);
        match api.list(&ListParams::default().labels(selector)).await {
            Ok(list) => Ok(list.items),
            Err(error) if is_absent(&error) => Ok(Vec::new()),
            Err(error) => Err(failed(&format!("list {} of {namespace}", T::plural(&())), error)),
        }
    }

    /// Brings one object to what it should be, or says what that would take.
    ///
    /// # Errors
    /// When the API server refuses or does not answer. A conflict with another writer of an object
    /// that is not ours alone is an [`Outcome`].
    pub async fn bring(&self, desired: &Desired, tense: Tense) -> Result<Outcome, ClusterError> {
        let reference = &desired.reference;
        if desired.intent == Intent::Absent {
            return self.remove(reference, tense).await;
        }
        match self.find(reference).await? {
            None => {
                if tense == Tense::Done {
                    self.create(desired).await?;
                }
                Ok(Outcome::Created)
            }
            Some(_) if desired.intent == Intent::Once => Ok(Outcome::Unchanged),
            Some(live) => self.reconcile(desired, &live, tense).await,
        }
    }

    /// Removes an object if it is there.
    ///
    /// # Errors
    /// When the API server refuses or does not answer.
    pub async fn remove(
        &self,
        reference: &Reference,
        tense: Tense,
    ) -> Result<Outcome, ClusterError> {
        if self.find(reference).await?.is_none() {
            return Ok(Outcome::Unchanged);
        }
        if tense == Tense::WouldBe {
            return Ok(Outcome::Removed);
        }
        match self.api(reference).delete(&reference.name, &DeleteParams::background()).await {
            Ok(_) => Ok(Outcome::Removed),
            Err(error) if is_absent(&error) => Ok(Outcome::Unchanged),
            Err(error) => Err(failed(&format!("remove {reference}"), error)),
        }
    }

    async fn create(&self, desired: &Desired) -> Result<(), ClusterError> {
        if desired.intent != Intent::Once {
            return self.apply(desired, PatchParams::apply(FIELD_MANAGER)).await.map(|_| ());
        }
        let reference = &desired.reference;
        // A plain create: should someone else be quicker, theirs stays.
        let parameters =
            PostParams { field_manager: Some(FIELD_MANAGER.into()), ..PostParams::default() };
        let object: DynamicObject =
            serde_json::from_value(desired.object.clone()).map_err(|error| {
                failed(&format!("create {reference}"), kube::Error::SerdeError(error))
            })?;
        match self.api(reference).create(&parameters, &object).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
            Err(error) => Err(failed(&format!("create {reference}"), error)),
        }
    }

    /// Asks first what would become of the object, so that nothing is written when nothing changes.
    async fn reconcile(
        &self,
        desired: &Desired,
        live: &Value,
        tense: Tense,
    ) -> Result<Outcome, ClusterError> {
        let parameters = PatchParams::apply(FIELD_MANAGER);
        let parameters =
            if desired.intent == Intent::Ours { parameters.force() } else { parameters };
        let proposed = match self.apply(desired, parameters.clone().dry_run()).await {
            Ok(proposed) => proposed,
            Err(ClusterError::Conflict { message, .. }) => return Ok(Outcome::Conflict(message)),
            Err(error) => return Err(error),
        };
        let changed = differences(live, &proposed);
        if changed.is_empty() {
            return Ok(Outcome::Unchanged);
        }
        if tense == Tense::Done {
            self.apply(desired, parameters).await?;
        }
        Ok(Outcome::Configured(changed))
    }

    async fn apply(
        &self,
        desired: &Desired,
        parameters: PatchParams,
    ) -> Result<Value, ClusterError> {
        let reference = &desired.reference;
        let patch = Patch::Apply(&desired.object);
        match self.api(reference).patch(&reference.name, &parameters, &patch).await {
            Ok(object) => Ok(as_value(&object)),
            Err(error) => Err(failed(&format!("apply {reference}"), error)),
        }
    }

    fn api(&self, reference: &Reference) -> Api<DynamicObject> {
        let resource: &ApiResource = &reference.resource;
        match &reference.namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, resource),
            None => Api::all_with(self.client.clone(), resource),
        }
    }
}

fn as_value(object: &DynamicObject) -> Value {
    // An object that came as JSON goes back to JSON.
    serde_json::to_value(object).unwrap_or_default()
}

/// For a kind that it does not serve, the API server answers with this code and without a reason.
fn is_absent(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

fn failed(action: &str, error: kube::Error) -> ClusterError {
    let action = action.to_owned();
    match error {
        kube::Error::Api(status) if status.is_forbidden() && !is_admission(&status.message) => {
            ClusterError::Forbidden { action, message: status.message }
        }
        kube::Error::Api(status) if status.is_conflict() => {
            ClusterError::Conflict { action, message: status.message }
        }
        kube::Error::Api(status) => ClusterError::Refused { action, message: status.message },
        error => ClusterError::Unreachable { action, source: Box::new(error) },
    }
}

/// Admission refuses with "forbidden" as well, and no more rights would help against it.
fn is_admission(message: &str) -> bool {
    message.contains("admission") || message.contains("quota")
}
