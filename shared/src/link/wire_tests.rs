//! Both sides joined by a wire that loses its connection at random moments.
//!
//! The world is small and seeded: a database of commands and a picture of the cluster on one side, a
//! cluster whose effects are counted and a stored cursor on the other. Each step does one random thing.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use uuid::Uuid;

use super::{agent, agent::AgentSession, server, server::ServerSession, *};
use crate::observed::{ObservedState, PodState};

/// What happens to the agent beside lost connections.
#[derive(Clone, Copy, PartialEq)]
enum Agent {
    Lives,
    Dies,
}

struct World {
    dice: StdRng,
    monotonic: Instant,
    server: Option<ServerSession>,
    agent: AgentSession,
    up: VecDeque<String>,
    down: VecDeque<String>,
    // The control plane's truth.
    epoch: u64,
    commands: BTreeMap<u64, Command>,
    outcomes: BTreeMap<u64, CommandOutcome>,
    uncommitted: Vec<(u64, CommandOutcome)>,
    picture: BTreeMap<ObjectKey, ObservedState>,
    acceptances: Vec<u64>,
    // The cluster's truth.
    cluster: BTreeMap<ObjectKey, ObservedState>,
    effects: BTreeMap<CommandId, u32>,
    starts: Vec<u64>,
    running: Vec<Command>,
    storing: Option<agent::Cursor>,
    stored: agent::Cursor,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut dice = StdRng::seed_from_u64(seed);
        let boot_id = BootId(Uuid::from_u128(dice.random()));
        Self {
            dice,
            monotonic: Instant::now(),
            server: None,
            agent: AgentSession::new(identity(boot_id), agent::Cursor::default()),
            up: VecDeque::new(),
            down: VecDeque::new(),
            epoch: 0,
            commands: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            uncommitted: Vec::new(),
            picture: BTreeMap::new(),
            acceptances: Vec::new(),
            cluster: BTreeMap::new(),
            effects: BTreeMap::new(),
            starts: Vec::new(),
            running: Vec::new(),
            storing: None,
            stored: agent::Cursor::default(),
        }
    }

    fn now(&self) -> Now {
        Now { monotonic: self.monotonic, unix: 1_000 }
    }

    fn unfinished(&self) -> Vec<Command> {
        let open = self.commands.iter().filter(|(seq, _)| !self.outcomes.contains_key(seq));
        open.map(|(_, command)| command.clone()).collect()
    }

    fn connect(&mut self) {
        self.cut();
        self.server = Some(ServerSession::new(self.monotonic));
        let out = self.agent.connect(self.now());
        self.do_agent(out);
    }

    /// The connection is lost with everything on it, and with what the server had not committed.
    fn cut(&mut self) {
        self.up.clear();
        self.down.clear();
        self.uncommitted.clear();
        self.server = None;
        self.agent.disconnect();
    }

    /// The agent's process dies; the cluster and the stored cursor stay.
    fn kill_agent(&mut self) {
        self.cut();
        self.running.clear();
        self.storing = None;
        let boot_id = BootId(Uuid::from_u128(self.dice.random()));
        self.agent = AgentSession::new(identity(boot_id), self.stored.clone());
        let now = self.now();
        for (key, state) in self.cluster.clone() {
            self.agent.observe(Observation { key, state }, now);
        }
        let out = self.agent.synced(now);
        self.do_agent(out);
    }

    fn do_agent(&mut self, out: Vec<agent::Output>) {
        for output in out {
            match output {
                agent::Output::Send(frame) => self.up.push_back(encode(&frame)),
                agent::Output::Welcomed { .. } | agent::Output::Renewed { .. } => {}
                agent::Output::Run(command) => {
                    self.starts.push(command.seq);
                    self.running.push(command);
                }
                agent::Output::Save(cursor) => {
                    assert!(self.storing.replace(cursor).is_none(), "two stores at a time");
                }
                agent::Output::End(end) => panic!("the agent ended: {end}"),
            }
        }
    }

    fn do_server(&mut self, out: Vec<server::Output>) {
        for output in out {
            match output {
                server::Output::Send(frame) => self.down.push_back(encode(&frame)),
                server::Output::Hello(_) => {
                    self.epoch += 1;
                    let next_seq = self.commands.len() as u64 + 1;
                    let (epoch, queue, now) = (self.epoch, self.unfinished(), self.monotonic);
                    let out = self.on_server(|it| it.welcome(epoch, next_seq, queue, now));
                    self.do_server(out);
                }
                server::Output::Accepted { seq, .. } => self.acceptances.push(seq),
                server::Output::Done { seq, outcome, .. } => self.uncommitted.push((seq, outcome)),
                server::Output::Snapshot { observations } => {
                    self.picture.clear();
                    self.picture.extend(observations.into_iter().map(|it| (it.key, it.state)));
                }
                server::Output::Delta { observations, gone } => {
                    self.picture.extend(observations.into_iter().map(|it| (it.key, it.state)));
                    gone.iter().for_each(|key| _ = self.picture.remove(key));
                }
                server::Output::Renew { .. } => {}
                server::Output::End(end) => panic!("the server ended: {end}"),
            }
        }
    }

    fn on_server(
        &mut self,
        act: impl FnOnce(&mut ServerSession) -> Vec<server::Output>,
    ) -> Vec<server::Output> {
        self.server.as_mut().map(act).unwrap_or_default()
    }

    fn deliver_up(&mut self) {
        if let Some(message) = self.up.pop_front() {
            let now = self.monotonic;
            let out = self.on_server(|it| it.receive(message.as_bytes(), now));
            self.do_server(out);
        }
    }

    fn deliver_down(&mut self) {
        if let Some(message) = self.down.pop_front() {
            let out = self.agent.receive(message.as_bytes(), self.now());
            self.do_agent(out);
        }
    }

    fn new_command(&mut self) {
        let seq = self.commands.len() as u64 + 1;
        let id = CommandId(Uuid::from_u128(self.dice.random()));
        let object = key("Kustomization", "apps");
        let command =
            Command { seq, id, expires_at: 2_000, body: CommandBody::Reconcile { object } };
        self.commands.insert(seq, command);
        let queue = self.unfinished();
        let out = self.on_server(|it| it.offer(queue));
        self.do_server(out);
    }

    /// One running command has its effect, by its deterministic key, and ends.
    fn finish_one(&mut self) {
        if self.running.is_empty() {
            return;
        }
        let command = self.running.swap_remove(self.dice.random_range(0..self.running.len()));
        *self.effects.entry(command.id).or_default() += 1;
        let outcome = CommandOutcome::Succeeded;
        let out = self.agent.finished(command.seq, command.id, outcome, self.now());
        self.do_agent(out);
    }

    fn store(&mut self) {
        if let Some(cursor) = self.storing.take() {
            self.stored = cursor;
            let out = self.agent.saved();
            self.do_agent(out);
        }
    }

    fn commit(&mut self) {
        if self.uncommitted.is_empty() {
            return;
        }
        let (seq, outcome) = self.uncommitted.remove(0);
        self.outcomes.insert(seq, outcome);
        let out = self.on_server(|it| it.settled(seq));
        self.do_server(out);
    }

    fn change_cluster(&mut self) {
        let key = key("Pod", &format!("web-{}", self.dice.random_range(0..80)));
        let now = self.now();
        if self.dice.random_bool(0.3) {
            self.cluster.remove(&key);
            self.agent.forget(&key, now);
        } else {
            // Some pods are large, so that snapshots take several parts.
            let phase = "x".repeat(self.dice.random_range(1..20_000));
            let state = ObservedState::Pod(PodState { phase, ..PodState::default() });
            self.cluster.insert(key.clone(), state.clone());
            self.agent.observe(Observation { key, state }, now);
        }
    }

    fn pass_time(&mut self, time: Duration) {
        self.monotonic += time;
        let (now, out) = (self.monotonic, self.agent.tick(self.now()));
        self.do_agent(out);
        let out = self.on_server(|it| it.tick(now));
        self.do_server(out);
    }

    fn step(&mut self, fate: Agent) {
        match self.dice.random_range(0..1_000) {
            0..8 => self.cut(),
            8..60 if self.server.is_none() => self.connect(),
            60..64 if fate == Agent::Dies => self.kill_agent(),
            100..350 => self.deliver_up(),
            350..600 => self.deliver_down(),
            600..650 => self.new_command(),
            650..720 => self.finish_one(),
            720..790 => self.store(),
            790..860 => self.commit(),
            860..930 => self.change_cluster(),
            930..932 => {
                let out = self.on_server(ServerSession::resync);
                self.do_server(out);
            }
            932..1_000 => self.pass_time(Duration::from_millis(100)),
            _ => {}
        }
    }

    /// A step without trouble.
    fn step_connected(&mut self) {
        match self.dice.random_range(0..6) {
            0 => self.deliver_up(),
            1 => self.deliver_down(),
            2 => self.new_command(),
            3 => self.finish_one(),
            4 => self.store(),
            _ => self.commit(),
        }
    }

    /// No more trouble: everything on its way arrives and ends.
    fn settle(&mut self) {
        if self.server.is_none() {
            self.connect();
        }
        let mut quiet_rounds = 0;
        while quiet_rounds < 10 {
            let is_quiet = self.up.is_empty()
                && self.down.is_empty()
                && self.running.is_empty()
                && self.storing.is_none()
                && self.uncommitted.is_empty();
            quiet_rounds = if is_quiet { quiet_rounds + 1 } else { 0 };
            self.deliver_up();
            self.deliver_down();
            self.finish_one();
            self.store();
            self.commit();
            self.pass_time(Duration::from_millis(50));
        }
    }
}

fn identity(boot_id: BootId) -> agent::AgentIdentity {
    let (agent_version, kubernetes_version) = ("0.1.0".into(), "v1.34.4".into());
    agent::AgentIdentity { boot_id, agent_version, kubernetes_version }
}

fn key(kind: &str, name: &str) -> ObjectKey {
    ObjectKey { kind: kind.into(), namespace: "shop".into(), name: name.into() }
}

fn lived(seed: u64, fate: Agent) -> World {
    let mut world = World::new(seed);
    let out = world.agent.synced(world.now());
    world.do_agent(out);
    for _ in 0..4_000 {
        world.step(fate);
    }
    world.settle();
    world
}

#[test]
fn every_command_is_applied_once_and_in_order_though_connections_are_lost() {
    for seed in 0..20 {
        let world = lived(seed, Agent::Lives);
        let all: Vec<_> = world.commands.keys().copied().collect();
        assert!(all.len() > 100, "seed {seed} made only {} commands", all.len());
        assert_eq!(world.starts, all, "seed {seed}: started once each, in order");
        let ended: Vec<_> = world.outcomes.keys().copied().collect();
        assert_eq!(ended, all, "seed {seed}: all ended");
        assert!(world.outcomes.values().all(|it| *it == CommandOutcome::Succeeded), "seed {seed}");
    }
}

#[test]
fn acceptances_reach_the_control_plane_in_order_within_a_connection() {
    for seed in 100..110 {
        let mut world = World::new(seed);
        let out = world.agent.synced(world.now());
        world.do_agent(out);
        world.connect();
        for _ in 0..2_000 {
            world.step_connected();
        }
        world.settle();
        let all: Vec<_> = world.commands.keys().copied().collect();
        assert_eq!(world.acceptances, all, "seed {seed}");
    }
}

#[test]
fn no_command_is_lost_and_none_stays_open_when_the_agent_dies() {
    for seed in 200..220 {
        let world = lived(seed, Agent::Dies);
        let all: Vec<_> = world.commands.keys().copied().collect();
        assert_eq!(world.outcomes.keys().copied().collect::<Vec<_>>(), all, "seed {seed}");
        assert_eq!(world.effects.len(), all.len(), "seed {seed}: each has its effect");
    }
}

#[test]
fn the_picture_becomes_what_the_cluster_is() {
    for seed in 300..310 {
        let world = lived(seed, Agent::Dies);
        assert!(!world.cluster.is_empty());
        // Texts beyond 4 KiB arrive cut, as from an agent that is not ours.
        let taken = |(key, state): (&ObjectKey, &ObservedState)| {
            let seen = Observation { key: key.clone(), state: state.clone() }.harmless();
            (seen.key, seen.state)
        };
        let expected = world.cluster.iter().map(taken).collect();
        assert!(world.picture == expected, "seed {seed}");
    }
}

#[test]
fn the_agent_forgets_what_the_control_plane_has_settled() {
    let mut world = lived(7, Agent::Lives);
    world.new_command();
    world.settle();
    assert!(world.stored.finished.len() <= 2, "{:?}", world.stored);
}
