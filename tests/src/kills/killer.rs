//! Killing one program over and over: at random moments, and at its crash points.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use gimlet_shared::crash_point::{Occasion, POINTS, Point, Process};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};

use super::world::{World, lock, wait_until_ready};
use crate::child::{Child, End, until};

/// How long a program may live with a point armed before it counts as not passed this time.
const PASS_LIMIT: Duration = Duration::from_secs(20);

/// How often one point is tried again before it counts as unreachable.
const TRIES: u32 = 6;

/// How long a random kill is waited for, in milliseconds.
const RANDOM_LIFE_MS: std::ops::Range<u64> = 50..2_500;

/// How long a program runs before it is told to stop, in milliseconds: long enough to have something to drain.
const LIFE_BEFORE_STOP_MS: std::ops::Range<u64> = 1_200..2_500;

/// Which program is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Victim {
    Server,
    /// The agent of this cluster.
    Agent(usize),
}

/// What a program is killed by next.
#[derive(Clone, Copy, Debug)]
enum Item {
    Random,
    Point { point: &'static Point, tries: u32 },
}

/// How often programs were killed.
#[derive(Debug, Default)]
pub(super) struct Kills {
    pub(super) random: AtomicU64,
    pub(super) points: Mutex<BTreeMap<&'static str, u64>>,
    /// Killers that have done what was planned.
    pub(super) done: AtomicU64,
    /// Nobody has to be killed any more.
    pub(super) is_over: AtomicBool,
}

impl Kills {
    pub(super) fn at_points(&self) -> u64 {
        lock(&self.points).values().sum()
    }

    pub(super) fn count(&self, point: &'static str) {
        *lock(&self.points).entry(point).or_default() += 1;
    }
}

/// How often to kill.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dose {
    pub(super) seed: u64,
    /// Of this program.
    pub(super) random: u64,
    /// At each point.
    pub(super) per_point: u64,
}

/// One program's killer.
pub(super) struct Killer<'a> {
    world: &'a World,
    victim: Victim,
    kills: &'a Kills,
    has_failed: &'a AtomicBool,
    random: StdRng,
    items: VecDeque<Item>,
}

impl<'a> Killer<'a> {
    pub(super) fn new(
        world: &'a World,
        victim: Victim,
        kills: &'a Kills,
        has_failed: &'a AtomicBool,
        dose: Dose,
    ) -> Self {
        let mut random = StdRng::seed_from_u64(dose.seed);
        let points = points_of(world, victim).into_iter();
        let mut items: Vec<Item> = points
            .flat_map(|point| (0..dose.per_point).map(move |_| Item::Point { point, tries: 0 }))
            .chain((0..dose.random).map(|_| Item::Random))
            .collect();
        items.shuffle(&mut random);
        Self { world, victim, kills, has_failed, random, items: items.into() }
    }

    /// Kills until nothing is left to do, or somebody has failed; the program then runs untouched.
    ///
    /// # Errors
    /// When a point is never passed, or the program ends by itself.
    pub(super) fn run(mut self) -> Result<()> {
        let end = self.kill_all().and_then(|()| {
            self.kills.done.fetch_add(1, Ordering::Relaxed);
            self.keep_agent_fresh()
        });
        self.has_failed.fetch_or(end.is_err(), Ordering::Relaxed);
        let started = self.child(|child| child.start(None));
        end.and(started)
    }

    fn kill_all(&mut self) -> Result<()> {
        while !self.has_failed.load(Ordering::Relaxed)
            && let Some(item) = self.items.pop_front()
        {
            match item {
                Item::Random => self.kill_at_random()?,
                Item::Point { point, tries } if !self.kill_at(point)? => {
                    ensure!(tries < TRIES, "the crash point {} was never passed", point.name);
                    // Later, when something else goes on.
                    let place = self.random.random_range(0..=self.items.len());
                    self.items.insert(place, Item::Point { point, tries: tries + 1 });
                }
                Item::Point { .. } => {}
            }
        }
        Ok(())
    }

    /// An agent that lost its server many times comes back later and later, as it should in a whole fleet: while
    /// the server goes on being killed, its agents are too, so that they come back at once.
    fn keep_agent_fresh(&mut self) -> Result<()> {
        while self.victim != Victim::Server
            && !self.kills.is_over.load(Ordering::Relaxed)
            && !self.has_failed.load(Ordering::Relaxed)
        {
            self.kill_at_random()?;
        }
        Ok(())
    }

    fn kill_at_random(&mut self) -> Result<()> {
        self.child(|child| child.start(None))?;
        let life = Duration::from_millis(self.random.random_range(RANDOM_LIFE_MS));
        match self.wait_for_end(life)? {
            // Another killer needed it to start anew.
            Some(_) => {}
            None => {
                self.child(|child| {
                    child.kill();
                    Ok(())
                })?;
                self.kills.random.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Whether the program died at the point.
    fn kill_at(&mut self, point: &'static Point) -> Result<bool> {
        let armed = format!("{}:{}", point.name, self.passing(point));
        let began = Instant::now();
        if point.occasion == Occasion::Enrolment && !self.prepare_enrolment() {
            return Ok(false);
        }
        self.child(|child| child.start(Some(&armed)))?;
        match point.occasion {
            Occasion::Enrolment => self.begin_enrolment(),
            Occasion::Stop => self.stop(),
            Occasion::Release
            | Occasion::OutsideRelease
            | Occasion::FirstStart
            | Occasion::NewCluster
            | Occasion::KeyedAnswer => {}
        }
        let left = PASS_LIMIT.saturating_sub(began.elapsed()).max(Duration::from_secs(5));
        let is_hit = match self.wait_for_end(left)? {
            Some(End::AtItsPoint) => true,
            Some(End::KilledFromOutside | End::Otherwise(_)) | None => false,
        };
        if is_hit {
            self.kills.count(point.name);
        }
        Ok(is_hit)
    }

    /// The server must hear of an enrolment while it is armed; an agent must find its token when it starts.
    fn prepare_enrolment(&self) -> bool {
        match self.victim {
            Victim::Server => true,
            Victim::Agent(cluster) => {
                until(PASS_LIMIT, || self.world.hand_out_token(cluster).ok()).is_some()
            }
        }
    }

    fn begin_enrolment(&mut self) {
        if self.victim != Victim::Server {
            return;
        }
        // A server that does not come up is found dead by whoever waits for its end.
        if wait_until_ready(self.world.ports, &self.world.server).is_err() {
            return;
        }
        let cluster = self.random.random_range(0..self.world.clusters.len());
        if self.world.hand_out_token(cluster).is_ok() {
            // It asks for a certificate when it starts; whoever waits for its end goes on waiting. That it
            // could not be started, its own killer finds out.
            let _ = lock(&self.world.clusters[cluster].agent).start_again();
        }
    }

    fn stop(&mut self) {
        let life = Duration::from_millis(self.random.random_range(LIFE_BEFORE_STOP_MS));
        std::thread::sleep(life);
        lock(self.process()).terminate();
    }

    /// Waits for the end of the program, which must not come by itself without having been told to stop.
    fn wait_for_end(&self, limit: Duration) -> Result<Option<End>> {
        let end = until(limit, || lock(self.process()).end());
        if let Some(End::Otherwise(status)) = end {
            ensure!(status.success(), "{:?} ended by itself with {status}", self.victim);
        }
        Ok(end)
    }

    /// At which of its passings the program dies.
    fn passing(&mut self, point: &Point) -> u32 {
        let most = match (point.occasion, point.name) {
            (Occasion::Enrolment, _) | (Occasion::Stop, _) => 1,
            (_, "agent.lease.before" | "agent.lease.after") => 2,
            (_, "release.judged.before" | "release.judged.after") => 12,
            _ => 4,
        };
        self.random.random_range(1..=most)
    }

    fn child(&self, work: impl FnOnce(&mut Child) -> Result<()>) -> Result<()> {
        work(&mut lock(self.process()))
    }

    fn process(&self) -> &'a Mutex<Child> {
        match self.victim {
            Victim::Server => &self.world.server,
            Victim::Agent(cluster) => &self.world.clusters[cluster].agent,
        }
    }
}

/// The points that a program passes while releases go on; those of the agents are shared out among them.
fn points_of(world: &World, victim: Victim) -> Vec<&'static Point> {
    let passed = |point: &&Point| match point.occasion {
        Occasion::Release | Occasion::OutsideRelease | Occasion::Enrolment | Occasion::Stop => true,
        // Killed on their own, and by `tests/keyed.rs`.
        Occasion::FirstStart | Occasion::NewCluster | Occasion::KeyedAnswer => false,
    };
    let points = POINTS.iter().filter(passed);
    match victim {
        Victim::Server => points.filter(|point| point.process == Process::Server).collect(),
        Victim::Agent(cluster) => points
            .filter(|point| point.process == Process::Agent)
            .enumerate()
            .filter(|(index, _)| index % world.clusters.len() == cluster)
            .map(|(_, point)| point)
            .collect(),
    }
}
