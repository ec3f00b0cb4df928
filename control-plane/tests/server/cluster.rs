//! A connected cluster on which Flux applies what it is told to, by script.

use gimlet_shared::{
    link::{CommandOutcome, FromAgent, FromServer, SnapshotPart},
    observed::{
        ContainerState, FluxState, ObjectKey, Observation, ObservedState, PodOwner, PodState,
        Ready, Termination, Trouble, WorkloadState,
    },
};
use tokio::{sync::mpsc, task::JoinSet};

use crate::{agent::Agent, world::World};

/// Carries out every command, and says what the test lets it say.
pub(crate) struct Cluster {
    reports: mpsc::UnboundedSender<FromAgent>,
    seq: u64,
    _link: JoinSet<()>,
}

impl Cluster {
    /// Connects an enrolled agent.
    pub(crate) async fn connected(world: &World, agent: &Agent) -> Self {
        let mut link = agent.connect(world.agents).await.expect("welcomed");
        let (reports, mut waiting) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            loop {
                let said = tokio::select! {
                    report = waiting.recv() => match report {
                        Some(report) => link.say(&report).await,
                        None => return,
                    },
                    frame = link.next() => match frame {
                        Some(FromServer::Ping) => link.say(&FromAgent::Pong).await,
                        Some(FromServer::Command(command)) => {
                            let (seq, command_id) = (command.seq, command.id);
                            let outcome = CommandOutcome::Succeeded;
                            let _ = link.say(&FromAgent::Accepted { seq }).await;
                            link.say(&FromAgent::Done { seq, command_id, outcome }).await
                        }
                        Some(_) => Some(()),
                        None => return,
                    },
                };
                if said.is_none() {
                    return;
                }
            }
        });
        Self { reports, seq: 0, _link: tasks }
    }

    /// Tells everything that there is.
    pub(crate) fn report(&mut self, observations: Vec<Observation>) {
        self.seq += 1;
        let (seq, gone) = (self.seq, Vec::new());
        let snapshot = SnapshotPart::Whole;
        let report = FromAgent::State { seq, snapshot, observations, gone };
        self.reports.send(report).expect("it is connected");
    }
}

/// An application as its cluster names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) environment: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) app: &'a str,
}

impl Place<'_> {
    fn applier(self) -> String {
        format!("builtin-{}-apps-{}-{}", self.environment, self.namespace, self.app)
    }

    /// Flux has fetched `fetched`, and the application's Kustomization has applied `applied`.
    pub(crate) fn flux(self, fetched: &str, applied: &str) -> Vec<Observation> {
        let apps = format!("builtin-{}-apps", self.environment);
        let flux = "flux-system";
        vec![
            object("GitRepository", flux, &apps, ObservedState::Source(at(fetched))),
            object("Kustomization", flux, &apps, ObservedState::Applier(at(applied))),
            object("Kustomization", flux, &self.applier(), ObservedState::Applier(at(applied))),
        ]
    }

    /// Its Deployment, of one pod.
    pub(crate) fn deployment(self, ready: i32) -> Observation {
        let state = WorkloadState {
            applied_by: Some(self.applier()),
            desired: 1,
            updated: 1,
            total: 1,
            ready,
            available: ready,
            ..WorkloadState::default()
        };
        object("Deployment", self.namespace, self.app, ObservedState::Workload(state))
    }

    /// A pod of it that ends again and again, with its last line.
    pub(crate) fn crashing_pod(self, name: &str, line: &str) -> Observation {
        let waiting =
            Trouble { reason: "CrashLoopBackOff".to_owned(), message: "back-off".to_owned() };
        let ended =
            Termination { reason: "Error".to_owned(), exit_code: 3, message: String::new() };
        let container = ContainerState {
            name: "main".to_owned(),
            restarts: 2,
            waiting: Some(waiting),
            terminated: Some(ended),
            last_lines: vec![line.to_owned()],
            ..ContainerState::default()
        };
        let owner = PodOwner { kind: "Deployment".to_owned(), name: self.app.to_owned() };
        let state = PodState {
            owner: Some(owner),
            phase: "Running".to_owned(),
            containers: vec![container],
            ..PodState::default()
        };
        object("Pod", self.namespace, name, ObservedState::Pod(state))
    }
}

fn object(kind: &str, namespace: &str, name: &str, state: ObservedState) -> Observation {
    let (kind, namespace, name) = (kind.to_owned(), namespace.to_owned(), name.to_owned());
    Observation { key: ObjectKey { kind, namespace, name }, state }
}

fn at(commit: &str) -> FluxState {
    let applied_revision = Some(format!("main@sha1:{commit}"));
    FluxState {
        ready: Ready::True,
        attempted_revision: applied_revision.clone(),
        applied_revision,
        ..FluxState::default()
    }
}
