//! Commands to effects.
//!
//! Each effect has a key that is derived from its command, so that doing it twice is doing it once. A
//! command is tried a few times; what then still fails is its outcome.

use std::{collections::HashMap, time::Duration};

use gimlet_shared::{
    backoff::Backoff,
    crash_point,
    error_chain::Chain,
    has_flaw,
    ids::CommandId,
    link::{Command, CommandBody, CommandOutcome},
    observed::ObjectKey,
};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams},
};
use serde_json::json;
use tokio::{
    task::{Id, JoinSet},
    time::{sleep, timeout},
};
use tracing::info;

use crate::{policy::Policy, watch::clean};

/// The annotation by which Flux is asked to look at an object now.
const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";

/// How often one command is tried.
const ATTEMPTS: u32 = 4;

/// How long one command may take, with all its attempts.
const PATIENCE: Duration = Duration::from_secs(30);

/// Flux's kinds: group, plural, and the versions under which clusters serve them, newest first.
const FLUX_KINDS: [(&str, &str, &str, &[&str]); 7] = [
    ("GitRepository", "source.toolkit.fluxcd.io", "gitrepositories", &["v1"]),
    ("OCIRepository", "source.toolkit.fluxcd.io", "ocirepositories", &["v1", "v1beta2"]),
    ("HelmRepository", "source.toolkit.fluxcd.io", "helmrepositories", &["v1"]),
    ("Bucket", "source.toolkit.fluxcd.io", "buckets", &["v1", "v1beta2"]),
    ("HelmChart", "source.toolkit.fluxcd.io", "helmcharts", &["v1"]),
    ("Kustomization", "kustomize.toolkit.fluxcd.io", "kustomizations", &["v1"]),
    ("HelmRelease", "helm.toolkit.fluxcd.io", "helmreleases", &["v2"]),
];

/// How one command of the link ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its sequence.
    pub seq: u64,
    /// Its id.
    pub id: CommandId,
    /// How.
    pub outcome: CommandOutcome,
}

/// Runs commands beside each other and owns their tasks.
pub struct Actor {
    client: Client,
    namespace: String,
    running: JoinSet<CommandOutcome>,
    names: HashMap<Id, (u64, CommandId)>,
}

impl Actor {
    /// An actor that reads the owner's policy in `namespace`.
    #[must_use]
    pub fn new(client: Client, namespace: String) -> Self {
        Self { client, namespace, running: JoinSet::new(), names: HashMap::new() }
    }

    /// Starts a command.
    pub fn start(&mut self, command: Command) {
        let (client, namespace) = (self.client.clone(), self.namespace.clone());
        let (seq, id) = (command.seq, command.id);
        let task = self.running.spawn(async move { perform(&client, &namespace, &command).await });
        self.names.insert(task.id(), (seq, id));
    }

    /// The next command that ends; `None` when none runs.
    pub async fn next(&mut self) -> Option<Ended> {
        let (task, outcome) = match self.running.join_next_with_id().await? {
            Ok((task, outcome)) => (task, outcome),
            Err(error) => {
                let message = "the agent failed while it carried out the command".to_owned();
                (error.id(), CommandOutcome::Failed { message })
            }
        };
        let (seq, id) = self.names.remove(&task)?;
        Some(Ended { seq, id, outcome })
    }

    /// No command runs.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.running.is_empty()
    }
}

/// Carries out one command, if the owner's policy allows it.
async fn perform(client: &Client, namespace: &str, command: &Command) -> CommandOutcome {
    let work = async {
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));
        let mut attempt = 1;
        loop {
            match try_once(client, namespace, command).await {
                Err(error) if attempt < ATTEMPTS && is_passing(&error) => attempt += 1,
                Err(error) => {
                    return CommandOutcome::Failed { message: clean(&Chain(&error).to_string()) };
                }
                Ok(outcome) => return outcome,
            }
            sleep(backoff.next_delay()).await;
        }
    };
    let outcome = timeout(PATIENCE, work).await.unwrap_or_else(|_| CommandOutcome::Failed {
        message: format!("the Kubernetes API did not answer within {} seconds", PATIENCE.as_secs()),
    });
    info!(command.id = %command.id, command.seq, ?outcome, "command ended");
    outcome
}

async fn try_once(
    client: &Client,
    namespace: &str,
    command: &Command,
) -> Result<CommandOutcome, kube::Error> {
    let policy = Policy::load(client.clone(), namespace).await?;
    if let Err(message) = policy.check(&command.body) {
        return Ok(CommandOutcome::Refused { message });
    }
    match &command.body {
        CommandBody::Reconcile { object } => reconcile(client, object, command.id).await,
        CommandBody::Unknown => {
            Ok(CommandOutcome::Refused { message: "this agent does not know the command".into() })
        }
    }
}

/// Asks Flux to look at an object now, unless this very command has done so already, or a later one has:
/// what Flux saw then is newer than what this one is about.
async fn reconcile(
    client: &Client,
    object: &ObjectKey,
    id: CommandId,
) -> Result<CommandOutcome, kube::Error> {
    let Some((kind, group, plural, versions)) =
        FLUX_KINDS.iter().find(|(kind, ..)| *kind == object.kind)
    else {
        let message = format!("{} is no kind of Flux", clean(&object.kind));
        return Ok(CommandOutcome::Refused { message });
    };
    if let Some(part) = [&object.namespace, &object.name].into_iter().find(|it| !is_name(it)) {
        let message = format!("`{}` is not a Kubernetes name", clean(part));
        return Ok(CommandOutcome::Refused { message });
    }
    let request = id.to_string();
    for version in *versions {
        let kind = GroupVersionKind::gvk(group, version, kind);
        let resource = ApiResource::from_gvk_with_plural(&kind, plural);
        let api: Api<DynamicObject> =
            Api::namespaced_with(client.clone(), &object.namespace, &resource);
        let Some(found) = api.get_metadata_opt(&object.name).await? else { continue };
        let asked = found.metadata.annotations.as_ref().and_then(|all| all.get(REQUESTED_AT));
        // An agent that was killed before it could note two commands does both again, in any order.
        let asked = asked.and_then(|asked| asked.parse::<CommandId>().ok());
        let parameters = PatchParams::apply("gimlet-agent");
        let forgets = has_flaw!("agent.asks-again");
        if forgets {
            let patch = json!({"metadata": {"annotations": {REQUESTED_AT: null}}});
            api.patch_metadata(&object.name, &parameters, &Patch::Merge(&patch)).await?;
        }
        if forgets || asked.is_none_or(|asked| asked < id) {
            let patch = json!({"metadata": {"annotations": {REQUESTED_AT: request}}});
            crash_point!("agent.effect.before");
            api.patch_metadata(&object.name, &parameters, &Patch::Merge(&patch)).await?;
            crash_point!("agent.effect.after");
        }
        return Ok(CommandOutcome::Succeeded);
    }
    Ok(CommandOutcome::Failed { message: format!("{object} does not exist") })
}

/// What comes from outside must not change the path of a request.
fn is_name(text: &str) -> bool {
    let allowed = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b"-.".contains(&it);
    !text.is_empty()
        && text.len() <= 253
        && text.bytes().all(allowed)
        && text.as_bytes().first() != Some(&b'.')
}

/// Whether trying again may help.
fn is_passing(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => status.code == 429 || status.code >= 500,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use gimlet_shared::link::CommandOutcome as Outcome;

    use super::*;
    use crate::{fake_api::FakeApi, names};

    const PATH: &str =
        "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/apps";

    fn reconcile_of(kind: &str, namespace: &str, name: &str) -> Command {
        let object =
            ObjectKey { kind: kind.into(), namespace: namespace.into(), name: name.into() };
        let body = CommandBody::Reconcile { object };
        Command { seq: 1, id: CommandId::new(), expires_at: i64::MAX, body }
    }

    async fn run(api: &FakeApi, command: &Command) -> Outcome {
        let mut actor = Actor::new(api.client(), "infrastructure".into());
        actor.start(command.clone());
        actor.next().await.unwrap().outcome
    }

    #[tokio::test]
    async fn flux_is_asked_by_an_annotation_with_the_commands_id() {
        let api = FakeApi::with_own_objects();
        api.set_at(PATH, &json!({"spec": {"suspend": false}}));
        let command = reconcile_of("Kustomization", "flux-system", "apps");
        assert_eq!(run(&api, &command).await, Outcome::Succeeded);
        let object = api.get_at(PATH);
        assert_eq!(object["metadata"]["annotations"][REQUESTED_AT], command.id.to_string());
        assert_eq!(object["spec"], json!({"suspend": false}));
    }

    #[tokio::test]
    async fn a_command_that_comes_after_a_later_one_has_no_effect() {
        let api = FakeApi::with_own_objects();
        api.set_at(PATH, &json!({}));
        let (earlier, later) = (
            reconcile_of("Kustomization", "flux-system", "apps"),
            reconcile_of("Kustomization", "flux-system", "apps"),
        );
        for command in [&earlier, &later, &earlier] {
            assert_eq!(run(&api, command).await, Outcome::Succeeded);
        }
        let annotations = &api.get_at(PATH)["metadata"]["annotations"];
        assert_eq!(annotations[REQUESTED_AT], later.id.to_string());
        let patches = api.requests().iter().filter(|line| line.starts_with("PATCH")).count();
        assert_eq!(patches, 2);
    }

    #[tokio::test]
    async fn the_same_command_again_has_no_effect() {
        let api = FakeApi::with_own_objects();
        api.set_at(PATH, &json!({}));
        let command = reconcile_of("Kustomization", "flux-system", "apps");
        run(&api, &command).await;
        assert_eq!(run(&api, &command).await, Outcome::Succeeded);
        let patches = api.requests().iter().filter(|line| line.starts_with("PATCH")).count();
        assert_eq!(patches, 1);
    }

    #[tokio::test]
    async fn an_object_that_is_absent_or_no_flux_kind_is_told_in_words() {
        let api = FakeApi::with_own_objects();
        let outcome = run(&api, &reconcile_of("Kustomization", "flux-system", "apps")).await;
        let message = "Kustomization flux-system/apps does not exist".to_owned();
        assert_eq!(outcome, Outcome::Failed { message });
        let outcome = run(&api, &reconcile_of("Secret", "flux-system", "apps")).await;
        assert_eq!(outcome, Outcome::Refused { message: "Secret is no kind of Flux".into() });
    }

    #[tokio::test]
    async fn names_that_would_change_the_path_are_refused() {
        for name in ["../secrets", "a/b", "", "..", "a%2fb", "A", "a?x"] {
            let api = FakeApi::with_own_objects();
            let outcome = run(&api, &reconcile_of("Kustomization", "flux-system", name)).await;
            assert!(matches!(outcome, Outcome::Refused { .. }), "{name}: {outcome:?}");
            assert!(api.requests().iter().all(|line| line.contains(names::POLICY)), "{name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn passing_trouble_is_tried_again_and_lasting_is_not() {
        let api = FakeApi::with_own_objects();
        api.set_at(PATH, &json!({}));
        api.fail_next("PATCH", 500);
        api.fail_next("GET /apis/kustomize", 429);
        let command = reconcile_of("Kustomization", "flux-system", "apps");
        assert_eq!(run(&api, &command).await, Outcome::Succeeded);

        api.fail_next("PATCH", 403);
        let command = reconcile_of("Kustomization", "flux-system", "apps");
        assert!(matches!(run(&api, &command).await, Outcome::Failed { .. }));
    }

    #[tokio::test]
    async fn what_the_owner_forbids_is_refused_before_anything_is_touched() {
        let api = FakeApi::with_own_objects();
        api.set_at(PATH, &json!({}));
        let policy = "allow:\n- commands: [reconcile]\n  namespaces: [shop]\n";
        api.set("configmaps", names::POLICY, &json!({"data": {"policy.yaml": policy}}));
        let outcome = run(&api, &reconcile_of("Kustomization", "flux-system", "apps")).await;
        let Outcome::Refused { message } = outcome else { panic!("{outcome:?}") };
        assert!(message.contains("owner does not allow"), "{message}");
        assert_eq!(api.get_at(PATH)["metadata"]["annotations"], serde_json::Value::Null);
    }

    #[tokio::test]
    async fn an_older_version_of_a_kind_is_found_too() {
        let path =
            "/apis/source.toolkit.fluxcd.io/v1beta2/namespaces/flux-system/ocirepositories/apps";
        let api = FakeApi::with_own_objects();
        api.set_at(path, &json!({}));
        let outcome = run(&api, &reconcile_of("OCIRepository", "flux-system", "apps")).await;
        assert_eq!(outcome, Outcome::Succeeded);
    }
}
