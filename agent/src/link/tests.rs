use std::collections::VecDeque;

use gimlet_shared::{
    enrol::IssuedCertificate,
    ids::{BootId, CommandId},
    link::{
        Command, CommandBody, CommandOutcome, FromServer, agent,
        server::{self, Output as FromLink},
    },
    observed::{FluxState, ObjectKey, Observation, ObservedState},
};
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::{
    fake_api::FakeApi,
    identity::{Identity, NewKey},
    names,
    test_ca::TestCa,
    test_server::{TestLink, TestServer},
};

const APPS: &str =
    "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/apps";

/// A control plane, a cluster, and an agent that is enrolled between them.
struct Scene {
    server: TestServer,
    api: FakeApi,
    link: Option<Link>,
    changes: mpsc::Sender<Change>,
    leads: watch::Sender<bool>,
    health: Arc<Health>,
    shutdown: CancellationToken,
    _directory: TempDir,
}

impl Scene {
    async fn new() -> Self {
        Self::with(TestCa::issue).await
    }

    /// An agent whose certificate was made so.
    async fn with(issue: impl FnOnce(&TestCa, &str) -> IssuedCertificate) -> Self {
        let (server, api) = (TestServer::start().await, FakeApi::with_own_objects());
        api.set_at(APPS, &json!({}));
        let key = NewKey::make().unwrap();
        let identity = Identity::join(&key, issue(&server.ca, &key.csr_pem)).unwrap();
        let store = IdentityStore::new(api.client(), "infrastructure");
        store.keep(&identity, Some("spent")).await.unwrap();

        let directory = TempDir::new().unwrap();
        let ((changes, receiver), (leads, leading)) = (mpsc::channel(16), watch::channel(true));
        let health = Arc::new(Health::default());
        let link = Link::new(Parts {
            client: api.client(),
            namespace: "infrastructure".into(),
            dialer: server.dialer(),
            root_pem: server.ca.root_pem.clone(),
            token_file: directory.path().join("token"),
            identity: AgentIdentity {
                boot_id: BootId::new(),
                agent_version: "0.1.0".into(),
                kubernetes_version: "v1.34.4".into(),
            },
            changes: receiver,
            leads: leading,
            health: Arc::clone(&health),
            metrics: Arc::new(Metrics::new().unwrap()),
        });
        let shutdown = CancellationToken::new();
        let link = Some(link);
        Self { server, api, link, changes, leads, health, shutdown, _directory: directory }
    }

    /// Runs the agent beside `script`, and stops it when the script is through.
    async fn play<T>(&mut self, script: impl AsyncFnOnce(&Self) -> T) -> T {
        let mut link = self.link.take().unwrap();
        let backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(10));
        let agent = keep_connected(&mut link, backoff, self.shutdown.clone());
        let script = async {
            let result = script(self).await;
            self.shutdown.cancel();
            result
        };
        let played = async { tokio::join!(agent, script) };
        let ((), result) =
            tokio::time::timeout(Duration::from_secs(30), played).await.expect("the play hangs");
        result
    }

    /// Takes the agent's next session and welcomes it with these commands.
    async fn welcome(&self, epoch: u64, queue: Vec<Command>) -> (TestLink, server::AgentHello) {
        let mut link = self.server.accept_link().await;
        let [FromLink::Hello(hello)] = &link.next().await.unwrap()[..] else { panic!() };
        let hello = hello.clone();
        let next_seq = queue.last().map_or(1, |command| command.seq + 1);
        let out = link.session.welcome(epoch, next_seq, queue, std::time::Instant::now());
        link.perform(out).await;
        (link, hello)
    }

    fn patches(&self) -> usize {
        self.api.requests().iter().filter(|line| line.starts_with("PATCH")).count()
    }

    fn stored_cursor(&self) -> agent::Cursor {
        let object = self.api.get("configmaps", names::CURSOR);
        object["data"]["cursor.json"]
            .as_str()
            .map(|text| serde_json::from_str(text).unwrap())
            .unwrap_or_default()
    }
}

fn reconcile(seq: u64) -> Command {
    let object = ObjectKey {
        kind: "Kustomization".into(),
        namespace: "flux-system".into(),
        name: "apps".into(),
    };
    let body = CommandBody::Reconcile { object };
    Command { seq, id: CommandId::new(), expires_at: i64::MAX, body }
}

fn source(revision: &str) -> Observation {
    let key = ObjectKey {
        kind: "GitRepository".into(),
        namespace: "flux-system".into(),
        name: "apps".into(),
    };
    let applied_revision = Some(revision.to_owned());
    Observation {
        key,
        state: ObservedState::Source(FluxState { applied_revision, ..FluxState::default() }),
    }
}

/// Runs the session until it gives out something of this sort.
async fn until<T>(link: &mut TestLink, pick: impl Fn(&FromLink) -> Option<T>) -> T {
    let mut outputs = VecDeque::new();
    loop {
        while let Some(output) = outputs.pop_front() {
            if let Some(found) = pick(&output) {
                return found;
            }
        }
        outputs.extend(link.next().await.expect("the agent is gone"));
    }
}

fn done(output: &FromLink) -> Option<(u64, CommandOutcome)> {
    match output {
        FromLink::Done { seq, outcome, .. } => Some((*seq, outcome.clone())),
        _ => None,
    }
}

#[tokio::test]
async fn a_command_is_carried_out_and_its_end_is_told_after_it_was_stored() {
    let mut scene = Scene::new().await;
    let command = reconcile(1);
    let id = command.id;
    scene
        .play(async move |scene: &Scene| {
            let (mut link, hello) = scene.welcome(1, vec![command]).await;
            assert_eq!((hello.last_applied, hello.kubernetes_version.as_str()), (0, "v1.34.4"));
            assert_eq!(until(&mut link, done).await, (1, CommandOutcome::Succeeded));
            assert_eq!(scene.stored_cursor().last_applied(), 1);
        })
        .await;
    let annotations = &scene.api.get_at(APPS)["metadata"]["annotations"];
    assert_eq!(annotations["reconcile.fluxcd.io/requestedAt"], id.to_string());
}

#[tokio::test]
async fn after_a_broken_connection_the_agent_is_back_and_does_nothing_twice() {
    let mut scene = Scene::new().await;
    scene
        .play(async |scene: &Scene| {
            let command = reconcile(1);
            let (mut link, _) = scene.welcome(1, vec![command.clone()]).await;
            until(&mut link, done).await;
            drop(link);
            let (mut link, hello) = scene.welcome(2, vec![command, reconcile(2)]).await;
            assert_eq!(hello.last_applied, 1);
            assert_eq!(until(&mut link, done).await.0, 1);
            assert_eq!(until(&mut link, done).await.0, 2);
        })
        .await;
    assert_eq!(scene.patches(), 2);
}

#[tokio::test]
async fn the_picture_goes_up_once_it_is_complete_and_changes_follow() {
    let mut scene = Scene::new().await;
    scene
        .play(async |scene: &Scene| {
            let (mut link, _) = scene.welcome(1, Vec::new()).await;
            scene.changes.send(Change::Seen(source("main@1"))).await.unwrap();
            scene.changes.send(Change::Synced).await.unwrap();
            let snapshot = until(&mut link, |output| match output {
                FromLink::Snapshot { observations } => Some(observations.clone()),
                _ => None,
            });
            assert_eq!(snapshot.await, [source("main@1")]);
            assert!(scene.health.ready().is_ok());
            scene.changes.send(Change::Seen(source("main@2"))).await.unwrap();
            let delta = until(&mut link, |output| match output {
                FromLink::Delta { observations, .. } => Some(observations.clone()),
                _ => None,
            });
            assert_eq!(delta.await, [source("main@2")]);
        })
        .await;
}

#[tokio::test]
async fn only_the_leader_connects_and_one_that_is_deposed_leaves() {
    let mut scene = Scene::new().await;
    scene.leads.send_replace(false);
    scene
        .play(async |scene: &Scene| {
            scene.leads.send_replace(true);
            let (mut link, _) = scene.welcome(1, Vec::new()).await;
            scene.leads.send_replace(false);
            assert!(link.next().await.is_none());
            let cursor = r#"{"settledBelow":8}"#;
            scene.api.set("configmaps", names::CURSOR, &json!({"data": {"cursor.json": cursor}}));
            scene.leads.send_replace(true);
            let (_link, hello) = scene.welcome(2, Vec::new()).await;
            assert_eq!(hello.last_applied, 7);
        })
        .await;
}

#[tokio::test]
async fn a_cursor_that_another_replica_wrote_is_read_again_before_the_next_session() {
    let mut scene = Scene::new().await;
    scene
        .play(async |scene: &Scene| {
            let command = reconcile(5);
            let (mut link, _) = scene.welcome(1, vec![command.clone()]).await;
            scene.api.fail_next("PUT", 409);
            while link.next().await.is_some() {}
            let (mut link, _) = scene.welcome(2, vec![command]).await;
            assert_eq!(until(&mut link, done).await, (5, CommandOutcome::Succeeded));
        })
        .await;
    assert_eq!(scene.patches(), 1);
}

#[tokio::test]
async fn a_new_certificate_is_asked_for_stored_and_used_by_the_next_connection() {
    let mut scene = Scene::with(TestCa::issue_past_half_life).await;
    let identity = scene.api.get("secrets", names::IDENTITY)["data"]["tls.crt"].clone();
    scene
        .play(async |scene: &Scene| {
            let (mut link, _) = scene.welcome(1, Vec::new()).await;
            scene.changes.send(Change::Synced).await.unwrap();
            scene.changes.send(Change::Seen(source("main@1"))).await.unwrap();
            let csr = until(&mut link, |output| match output {
                FromLink::Renew { csr_pem } => Some(csr_pem.clone()),
                _ => None,
            });
            let issued = scene.server.ca.issue(&csr.await);
            let out = link.session.renewed(issued.chain_pem, issued.roots_pem);
            link.perform(out).await;
            link.send(&FromServer::Drain { retry_after: 0 }).await;
            while link.next().await.is_some() {}
            scene.welcome(2, Vec::new()).await;
        })
        .await;
    assert_ne!(scene.api.get("secrets", names::IDENTITY)["data"]["tls.crt"], identity);
}

#[tokio::test]
async fn at_shutdown_what_runs_ends_and_is_told() {
    let mut scene = Scene::new().await;
    let command = reconcile(1);
    scene
        .play(async |scene: &Scene| {
            // The first try fails, so that the command still runs when the agent is told to stop.
            scene.api.fail_next("GET /apis/kustomize", 500);
            let (mut link, _) = scene.welcome(1, vec![command]).await;
            until(&mut link, |output| matches!(output, FromLink::Accepted { .. }).then_some(()))
                .await;
            scene.shutdown.cancel();
            assert_eq!(until(&mut link, done).await, (1, CommandOutcome::Succeeded));
            assert!(link.next().await.is_none());
        })
        .await;
}

#[test]
fn only_a_session_that_held_resets_the_delay_and_the_servers_hint_is_obeyed() {
    let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(60));
    let lost = |seconds| SessionEnd::Lost {
        held: Duration::from_secs(seconds),
        source: attempt::LossCause::Rules(agent::SessionEnd::Silent),
    };
    for _ in 0..10 {
        delay_after(&lost(59), &mut backoff);
    }
    assert_eq!(backoff.bound(), Duration::from_secs(60));
    assert!(delay_after(&lost(60), &mut backoff).unwrap() <= Duration::from_millis(500));
    let retry_after = Duration::from_secs(90);
    let sent_away = SessionEnd::SentAway {
        held: Duration::ZERO,
        retry_after,
        source: agent::SessionEnd::Draining { retry_after },
    };
    assert_eq!(delay_after(&sent_away, &mut backoff), Some(retry_after));
    assert_eq!(delay_after(&SessionEnd::ShutDown, &mut backoff), None);
}
