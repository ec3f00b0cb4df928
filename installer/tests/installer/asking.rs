//! Asking the cluster as somebody else, without leaving anything behind: every write is a dry run,
//! which passes RBAC and admission like a real one.

use std::{sync::LazyLock, time::Duration};

use gimlet_installer::{
    AppsAccess, EnrolmentToken, Environment, TrustedRoot,
    plan::{Flux, Inputs, Stage, plan},
    progress::{Progress, Tense},
    steps::{Cluster, apply},
};
use gimlet_shared::enrol::GitLocation;
use kube::{
    Api, Client, Config,
    api::{DeleteParams, Patch, PatchParams, PostParams},
    core::{ApiResource, DynamicObject, GroupVersionKind},
};
use secrecy::SecretString;
use serde_json::Value;
use tokio::{sync::OnceCell, time::Instant};

/// Policies and rights take effect a moment after they are written.
const PATIENCE: Duration = Duration::from_secs(15);

/// What someone tries.
#[derive(Clone, Debug)]
pub(crate) enum Attempt {
    Get { kind: Kind, namespace: &'static str, name: &'static str },
    List { kind: Kind, namespace: &'static str },
    Create { kind: Kind, namespace: &'static str, object: Value },
    Patch { kind: Kind, namespace: &'static str, name: &'static str, patch: Value },
    Delete { kind: Kind, namespace: &'static str, name: &'static str },
}

/// Group and version, kind and plural name. An empty namespace stands for the whole cluster.
pub(crate) type Kind = (&'static str, &'static str, &'static str);

pub(crate) const CONFIG_MAP: Kind = ("v1", "ConfigMap", "configmaps");
pub(crate) const SECRET: Kind = ("v1", "Secret", "secrets");
pub(crate) const POD: Kind = ("v1", "Pod", "pods");
pub(crate) const NAMESPACE: Kind = ("v1", "Namespace", "namespaces");
pub(crate) const JOB: Kind = ("batch/v1", "Job", "jobs");
pub(crate) const DEPLOYMENT: Kind = ("apps/v1", "Deployment", "deployments");
pub(crate) const ROLE_BINDING: Kind =
    ("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings");
pub(crate) const CLUSTER_ROLE_BINDING: Kind =
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings");
pub(crate) const GIT_REPOSITORY: Kind =
    ("source.toolkit.fluxcd.io/v1", "GitRepository", "gitrepositories");
pub(crate) const KUSTOMIZATION: Kind =
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "kustomizations");
pub(crate) const HELM_RELEASE: Kind = ("helm.toolkit.fluxcd.io/v2", "HelmRelease", "helmreleases");

/// Someone, of whom the cluster is asked.
pub(crate) struct Asking {
    client: Client,
    name: String,
}

impl Asking {
    /// The owner of the kubeconfig.
    pub(crate) async fn owner() -> Self {
        Self { client: client(None).await, name: "the owner".into() }
    }

    /// A service account.
    pub(crate) async fn account(namespace: &str, name: &str) -> Self {
        let user = format!("system:serviceaccount:{namespace}:{name}");
        let groups =
            ["system:serviceaccounts".into(), format!("system:serviceaccounts:{namespace}")];
        Self { client: client(Some((user, groups.to_vec()))).await, name: name.into() }
    }

    /// Fails unless the attempt is let through.
    pub(crate) async fn may(&self, attempt: Attempt) {
        self.settles(&attempt, |answer| answer.is_ok(), "let through").await;
    }

    /// Fails unless the attempt is refused with a message that holds `reason`.
    pub(crate) async fn may_not(&self, attempt: Attempt, reason: &str) {
        let refused = |answer: &Result<(), String>| {
            answer.as_ref().is_err_and(|message| message.contains(reason))
        };
        self.settles(&attempt, refused, reason).await;
    }

    /// Writes for good.
    pub(crate) async fn apply(&self, kind: Kind, namespace: &str, object: Value) {
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        let parameters = PatchParams::apply("test").force();
        let mut object = object;
        (object["apiVersion"], object["kind"]) = (kind.0.into(), kind.1.into());
        self.api(kind, namespace).patch(&name, &parameters, &Patch::Apply(&object)).await.unwrap();
    }

    /// Removes for good.
    pub(crate) async fn remove(&self, kind: Kind, namespace: &str, name: &str) {
        self.api(kind, namespace).delete(name, &DeleteParams::default()).await.unwrap();
    }

    async fn settles(
        &self,
        attempt: &Attempt,
        expected: impl Fn(&Result<(), String>) -> bool,
        wanted: &str,
    ) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.attempt(attempt).await;
            if expected(&answer) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{}: {attempt:?}\nwanted: {wanted}\ncame: {answer:?}",
                self.name
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn attempt(&self, attempt: &Attempt) -> Result<(), String> {
        let dry = PatchParams::default();
        let answer = match attempt.clone() {
            Attempt::Get { kind, namespace, name } => {
                self.api(kind, namespace).get(name).await.map(drop)
            }
            Attempt::List { kind, namespace } => {
                self.api(kind, namespace).list(&Default::default()).await.map(drop)
            }
            Attempt::Create { kind, namespace, mut object } => {
                (object["apiVersion"], object["kind"]) = (kind.0.into(), kind.1.into());
                let parameters = PostParams { dry_run: true, ..PostParams::default() };
                let object = serde_json::from_value(object).unwrap();
                self.api(kind, namespace).create(&parameters, &object).await.map(drop)
            }
            Attempt::Patch { kind, namespace, name, patch } => {
                let patch = Patch::Merge(&patch);
                self.api(kind, namespace).patch(name, &dry.dry_run(), &patch).await.map(drop)
            }
            Attempt::Delete { kind, namespace, name } => self
                .api(kind, namespace)
                .delete(name, &DeleteParams::default().dry_run())
                .await
                .map(drop),
        };
        answer.map_err(|error| match error {
            kube::Error::Api(status) => status.message,
            error => panic!("{attempt:?}: {error}"),
        })
    }

    fn api(&self, (api_version, kind, plural): Kind, namespace: &str) -> Api<DynamicObject> {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let kind = GroupVersionKind::gvk(group, version, kind);
        let resource = ApiResource::from_gvk_with_plural(&kind, plural);
        match namespace {
            "" => Api::all_with(self.client.clone(), &resource),
            namespace => Api::namespaced_with(self.client.clone(), namespace, &resource),
        }
    }
}

async fn client(user: Option<(String, Vec<String>)>) -> Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut config = Config::infer().await.expect("KUBECONFIG names a cluster to write to");
    if let Some((user, groups)) = user {
        config.auth_info.impersonate = Some(user);
        config.auth_info.impersonate_groups = Some(groups);
    }
    config.try_into().unwrap()
}

/// Applies the whole plan, for environment `blue` in the whole cluster and `red` in namespace `shop`.
pub(crate) async fn installed() {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    INSTALLED
        .get_or_init(async || {
            let cluster = Cluster::new(client(None).await);
            apply_stages(&cluster, &stages()).await;
        })
        .await;
}

/// Applies stages, and returns what was told about it.
pub(crate) async fn apply_stages(cluster: &Cluster, stages: &[Stage]) -> usize {
    let mut progress = Progress::plain(Box::new(std::io::sink()), Tense::Done);
    let deadline = Instant::now() + Duration::from_secs(60);
    apply(cluster, stages, Tense::Done, deadline, &mut progress).await.unwrap()
}

/// The plan, with a Flux that is there, as on every test cluster.
pub(crate) fn stages() -> Vec<Stage> {
    let environment = |name: &str, namespace: Option<&str>| {
        // Nothing listens there: the sources stay unready, which bounds nothing that is asked here.
        let location = GitLocation { url: "http://127.0.0.1:1/none".into(), branch: "main".into() };
        Environment {
            name: name.into(),
            namespace: namespace.map(Into::into),
            git_user: "flux".into(),
            infra: location.clone(),
            apps: location,
            apps_access: AppsAccess::BuiltIn,
        }
    };
    let token: EnrolmentToken = "a-token".parse().unwrap();
    // One for all plans of this run: a control plane keeps its root.
    static ROOT: LazyLock<String> = LazyLock::new(|| {
        rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap().cert.pem()
    });
    plan(&Inputs {
        flux: Flux::Present,
        server: &"https://127.0.0.1:1".parse().unwrap(),
        root: &TrustedRoot::from_pem(ROOT.as_bytes()).unwrap(),
        image: "gimlet-agent:none",
        token: Some(&token),
        git_password: &SecretString::from("secret"),
        environments: &[environment("blue", None), environment("red", Some("shop"))],
    })
    .unwrap()
}

/// A client of the owner, for the installer's own steps.
pub(crate) async fn cluster() -> Cluster {
    Cluster::new(client(None).await)
}
