//! One world under fire: carries out its rounds one after the other, and sees that each release comes through.
//!
//! Only one program is armed at a time, and only while something goes on that reaches the point. What is
//! killed is started at once; the release that was hit recovers while the next one is pushed and hit.

use std::{
    collections::HashMap,
    sync::atomic::Ordering,
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use gimlet_shared::crash_point::{Occasion, Point};

use super::{
    ageing::age_certificate,
    plan::{Blow, Hook, KillPlan, Push, Round, Victim},
    pushes::Pushes,
    small::Small,
    tally::Tally,
    world::{Developer, World, lock, wait_until_ready},
};
use crate::child::{End, until};

/// How long a program may live with a point armed before it counts as not passed this time.
const PASS_LIMIT: Duration = Duration::from_secs(20);

/// How often one point is tried before it counts as never passed.
const TRIES: u32 = 4;

/// While a point waits to be passed and nothing is on its way, somebody pushes again.
const PUSH_AGAIN: Duration = Duration::from_secs(1);

/// An agent that lost its server so often in one life waits longer and longer, up to a minute, as it should in a
/// whole fleet; it is started anew, as a person would, so that the proof goes on.
const DEATHS_BORNE: u32 = 1;

/// Between a push and the stop of a program: it should have something to drain.
const BEFORE_STOP: Duration = Duration::from_millis(400);

/// How often programs and releases are looked at.
const LOOK: Duration = Duration::from_millis(10);
const LOOK_AT_RELEASES: Duration = Duration::from_secs(15);

/// See the [module](self).
pub(super) struct Director<'a> {
    world: &'a World,
    plan: &'a KillPlan,
    tally: &'a Tally,
    small: Small<'a>,
    pub(super) pushes: Pushes<'a>,
    /// How often the server has died in the life of each agent.
    deaths: Vec<u32>,
    /// Releases that are not closed, and since when they were seen to be so.
    open: HashMap<String, Instant>,
    looked_at_releases: Instant,
    /// Requests with a key so far.
    keyed: u64,
    /// Points that were never passed.
    pub(super) unreached: Vec<String>,
    /// Rounds that the run had no time for.
    pub(super) left_out: usize,
}

impl<'a> Director<'a> {
    pub(super) fn new(
        world: &'a World,
        developers: Vec<Developer>,
        small: Small<'a>,
        plan: &'a KillPlan,
        tally: &'a Tally,
    ) -> Self {
        Self {
            world,
            plan,
            tally,
            small,
            pushes: Pushes::new(world, developers, tally, plan.patience),
            deaths: vec![0; world.clusters.len()],
            open: HashMap::new(),
            looked_at_releases: Instant::now(),
            keyed: 0,
            unreached: Vec::new(),
            left_out: 0,
        }
    }

    /// Carries out all rounds, pushes on until `releases` were asked for by all worlds, and waits until
    /// everything is at rest.
    ///
    /// # Errors
    /// When a program ends by itself or does not come up, or something is lost.
    pub(super) fn run(&mut self, rounds: Vec<Round>) -> Result<()> {
        self.pushes.wait_for_all()?;
        let mut rounds = rounds.into_iter();
        while !self.tally.is_over()
            && let Some(round) = rounds.next()
        {
            self.carry_out(&round)?;
            self.look_at_releases();
        }
        self.left_out = rounds.len();
        while !self.tally.is_over() && Tally::get(&self.tally.releases) < self.plan.releases {
            match self.pushes.find_idle() {
                Some(repository) => {
                    self.pushes.push(Push { repository, commits: 1, hook: Hook::Once })?;
                }
                None => sleep(LOOK),
            }
            self.pushes.look()?;
        }
        self.pushes.wait_for_all()?;
        self.wait_for_rest()
    }

    fn carry_out(&mut self, round: &Round) -> Result<()> {
        match &round.blow {
            Blow::Random { victims, after } => self.kill_at_random(round.push, victims, *after),
            Blow::Point { point, passing, .. } if point.occasion == Occasion::FirstStart => {
                self.small.first_start(point, *passing)
            }
            Blow::Point { point, passing, .. } if point.occasion == Occasion::NewCluster => {
                self.pushes.look()?;
                let name = self.small.new_cluster(self.world, point, *passing)?;
                self.pushes.hit(point.name);
                self.server_has_died()?;
                self.small.check_new_cluster(self.world, &name, point)
            }
            Blow::Point { point, cluster, passing } => {
                self.kill_at(round.push, point, *cluster, *passing)
            }
        }
    }

    fn kill_at_random(&mut self, push: Push, victims: &[Victim], after: Duration) -> Result<()> {
        self.pushes.push(push)?;
        let began = Instant::now();
        while began.elapsed() < after {
            self.pushes.look()?;
            self.check_alive(None)?;
            sleep(LOOK);
        }
        for victim in victims {
            lock(self.world.process(*victim)).kill();
        }
        self.tally.random.fetch_add(1, Ordering::Relaxed);
        self.pushes.hit(&format!("{victims:?} after {after:?}"));
        victims.iter().try_for_each(|victim| self.start(*victim))
    }

    fn kill_at(
        &mut self,
        push: Push,
        point: &'static Point,
        cluster: usize,
        passing: u32,
    ) -> Result<()> {
        let victim = Blow::victim_at(point, cluster);
        for attempt in 0..TRIES {
            // In peace: what was hit before has come through.
            self.pushes.wait_for(push.repository)?;
            // First at the passing that was drawn, then at the next one there is.
            let passing = if attempt == 0 { passing } else { 1 };
            self.arm_for(victim, point, cluster, &format!("{}:{passing}", point.name), push)?;
            let end = self.wait_for_end(victim, point.occasion)?;
            lock(self.world.process(victim)).arm(None)?;
            if end.is_some() {
                self.start(victim)?;
            }
            if end == Some(End::AtItsPoint) {
                self.pushes.hit(point.name);
                self.tally.count(point.name);
                return match point.occasion {
                    Occasion::KeyedAnswer => self.ask_again(cluster),
                    _ => Ok(()),
                };
            }
        }
        self.unreached.push(format!("{} was not passed in {TRIES} tries", point.name));
        Ok(())
    }

    /// Arms a point, and sets going what passes it.
    fn arm_for(
        &mut self,
        victim: Victim,
        point: &Point,
        cluster: usize,
        armed: &str,
        push: Push,
    ) -> Result<()> {
        let arm = || lock(self.world.process(victim)).arm(Some(armed));
        match point.occasion {
            Occasion::Release | Occasion::OutsideRelease => {
                arm()?;
                self.pushes.push(push)
            }
            Occasion::Stop => {
                self.pushes.push(push)?;
                sleep(BEFORE_STOP);
                lock(self.world.process(victim)).arm(Some(armed))?;
                lock(self.world.process(victim)).terminate();
                Ok(())
            }
            Occasion::Enrolment => {
                self.world.hand_out_token(cluster)?;
                self.come_again(victim, cluster, armed)
            }
            Occasion::Renewal => {
                let cluster_of = &self.world.clusters[cluster];
                age_certificate(&self.world.folder.join("data/ca"), cluster_of.objects())?;
                self.come_again(victim, cluster, armed)
            }
            Occasion::KeyedAnswer => {
                self.keyed += 1;
                arm()?;
                // It is cut off; what it did shows when it is asked again.
                let _ = self.renew_with_key(cluster);
                Ok(())
            }
            Occasion::FirstStart | Occasion::NewCluster => {
                bail!("{} is passed in no round of a standing world", point.name)
            }
        }
    }

    /// The request with the newest key.
    fn renew_with_key(&self, cluster: usize) -> Result<(String, String)> {
        let (id, key) = (&self.world.clusters[cluster].id, format!("renewal-{}", self.keyed));
        self.world.api.renew_enrolment_with_key(id, &key)
    }

    /// Repeats a request that was cut off, as its client would: however often, it is one, with one answer.
    fn ask_again(&self, cluster: usize) -> Result<()> {
        let (first, second) = (self.renew_with_key(cluster)?, self.renew_with_key(cluster)?);
        ensure!(first == second, "a repeated request was carried out twice");
        Ok(())
    }

    /// A cluster's agent comes anew, to a server that is armed or armed itself.
    fn come_again(&mut self, victim: Victim, cluster: usize, armed: &str) -> Result<()> {
        self.deaths[cluster] = 0;
        let agent = &self.world.clusters[cluster].agent;
        match victim {
            Victim::Agent(_) => lock(agent).start(Some(armed)),
            Victim::Server => {
                lock(&self.world.server).arm(Some(armed))?;
                lock(agent).start(None)
            }
        }
    }

    /// Waits for the end of an armed program, and keeps going what may pass its point.
    fn wait_for_end(&mut self, victim: Victim, occasion: Occasion) -> Result<Option<End>> {
        let is_passed_by_releases =
            matches!(occasion, Occasion::Release | Occasion::OutsideRelease);
        let (began, mut pushed) = (Instant::now(), Instant::now());
        while began.elapsed() < PASS_LIMIT {
            match lock(self.world.process(victim)).end() {
                Some(End::Otherwise(status)) => {
                    let is_stop = occasion == Occasion::Stop && status.success();
                    ensure!(is_stop, "{victim:?} ended by itself with {status}");
                    return Ok(Some(End::Otherwise(status)));
                }
                Some(end) => return Ok(Some(end)),
                None => {}
            }
            self.check_alive(Some(victim))?;
            self.pushes.look()?;
            if is_passed_by_releases
                && pushed.elapsed() > PUSH_AGAIN
                && let Some(repository) = self.pushes.find_idle()
            {
                pushed = Instant::now();
                self.pushes.push(Push { repository, commits: 1, hook: Hook::Once })?;
            }
            sleep(LOOK);
        }
        Ok(None)
    }

    /// No program but the armed one may end.
    fn check_alive(&self, armed: Option<Victim>) -> Result<()> {
        let agents = (0..self.world.clusters.len()).map(Victim::Agent);
        for victim in agents.chain([Victim::Server]).filter(|it| Some(*it) != armed) {
            if let Some(end) = lock(self.world.process(victim)).end() {
                bail!("{victim:?} ended by itself: {end:?}");
            }
        }
        Ok(())
    }

    fn start(&mut self, victim: Victim) -> Result<()> {
        match victim {
            Victim::Server => self.server_has_died(),
            Victim::Agent(cluster) => {
                self.deaths[cluster] = 0;
                lock(&self.world.clusters[cluster].agent).start(None)
            }
        }
    }

    /// Starts the server, and agents that have seen it die too often.
    fn server_has_died(&mut self) -> Result<()> {
        lock(&self.world.server).start(None)?;
        wait_until_ready(self.world.ports, &self.world.server)?;
        for cluster in 0..self.deaths.len() {
            self.deaths[cluster] += 1;
            if self.deaths[cluster] > DEATHS_BORNE {
                Tally::add(&self.tally.freshened, 1);
                self.start(Victim::Agent(cluster))?;
            }
        }
        Ok(())
    }

    /// A release that was applied has to be closed, too, within the time that nobody may wait longer than.
    fn look_at_releases(&mut self) {
        if self.looked_at_releases.elapsed() < LOOK_AT_RELEASES {
            return;
        }
        self.looked_at_releases = Instant::now();
        // What cannot be asked now is asked the next time, and at the end in any case.
        let Ok(newest) = self.world.api.newest_releases() else { return };
        let (now, stuck) = (Instant::now(), self.plan.patience.stuck);
        let open = newest.iter().filter(|release| release["closed"] == false);
        let open = open.filter_map(|release| release["id"].as_str());
        let before = std::mem::take(&mut self.open);
        for id in open {
            let since = before.get(id).copied().unwrap_or(now);
            if now - since > stuck && now - since < stuck + LOOK_AT_RELEASES {
                self.pushes.stuck.push(format!("{id} stays open"));
            }
            self.open.insert(id.to_owned(), since);
        }
    }

    /// After everything was applied, every release has to be closed, and well.
    fn wait_for_rest(&mut self) -> Result<()> {
        let mut restless = Vec::new();
        let mut has_looked = false;
        until(self.plan.patience.stuck, || {
            sleep(Duration::from_millis(300));
            restless = self.world.api.restless_releases().ok()?;
            has_looked = true;
            restless.is_empty().then_some(())
        });
        ensure!(has_looked, "the control plane does not list its releases");
        self.pushes.stuck.extend(restless);
        Ok(())
    }
}
