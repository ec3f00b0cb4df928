//! What is going to happen: every choice of a run, drawn from its seed before anything starts.

use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use gimlet_shared::crash_point::{Occasion, POINTS, Point, Process};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};

use super::world::CLUSTERS;
use crate::postgres::{drop_database, fresh_database};

/// Source repositories of a world: while the release of one is on its way, the next one is pushed to.
pub(super) const REPOSITORIES: usize = 3;

/// How long after a push a random kill comes: from at once to well past what a release takes.
const AFTER_MS: std::ops::Range<u64> = 0..1_800;

/// How often several commits follow on each other without waiting.
const BURSTS: f64 = 0.15;

/// How often the same delivery comes twice, and how often never: the next poll finds the push then.
const REPLAYS: f64 = 0.1;
const UNHEARD: f64 = 0.04;

/// A database to prove on.
#[derive(Clone, Debug)]
pub enum Database {
    /// A file in the data directory.
    Sqlite,
    /// A server with the right to make databases, by URL.
    Postgres(String),
}

/// How long is waited for what must come.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// What nobody may wait longer for: from a push to its being applied, and from there to the end of its release.
    pub stuck: Duration,
    /// After this, what is stuck counts as lost, and the run ends.
    pub lost: Duration,
}

impl Default for Patience {
    /// As the specification has it.
    fn default() -> Self {
        Self { stuck: Duration::from_secs(60), lost: Duration::from_secs(180) }
    }
}

/// How much is proved.
#[derive(Clone, Debug)]
pub struct KillPlan {
    /// Where it runs.
    pub database: Database,
    /// Makes every choice; the same seed makes the same ones.
    pub seed: u64,
    /// At least so many releases.
    pub releases: u64,
    /// Kills at random moments.
    pub random_kills: u64,
    /// Kills at each crash point.
    pub per_point: u64,
    /// The points to kill at; none means all of them.
    pub only: Vec<&'static str>,
    /// A flaw to plant, which has to be found.
    pub flaw: Option<&'static str>,
    /// How many control planes with their clusters go on side by side.
    pub worlds: usize,
    /// What counts as stuck and lost.
    pub patience: Patience,
    /// After this nothing new is begun: the run ends with what it has seen, and says that it was cut off.
    pub limit: Duration,
    /// Where everything lies; it stays there when something is wrong.
    pub folder: PathBuf,
}

/// One push, and one kill while it is on its way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Round {
    pub(super) blow: Blow,
    pub(super) push: Push,
}

/// What is pushed, and who hears of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Push {
    pub(super) repository: usize,
    pub(super) commits: usize,
    pub(super) hook: Hook,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Hook {
    Once,
    Twice,
    Never,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Blow {
    /// At a random moment.
    Random { victims: Vec<Victim>, after: Duration },
    /// At a crash point; the cluster is the one whose agent dies, enrols or renews its certificate.
    Point { point: &'static Point, cluster: usize, passing: u32 },
}

/// Which program is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Victim {
    Server,
    /// The agent of this cluster.
    Agent(usize),
}

impl Database {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// An empty database for a control plane with its data in `folder`.
    pub(super) fn fresh_url(&self, folder: &std::path::Path) -> Result<String> {
        match self {
            Self::Sqlite => Ok(format!("sqlite://{}", folder.join("gimlet.db").display())),
            Self::Postgres(server) => fresh_database(server),
        }
    }

    /// Gives back what [`Database::fresh_url`] made outside of its folder.
    pub(super) fn drop_url(&self, url: &str) -> Result<()> {
        match self {
            Self::Sqlite => Ok(()),
            Self::Postgres(server) => drop_database(server, url),
        }
    }
}

impl Blow {
    /// Where the program that dies is the one of a point.
    pub(super) fn victim_at(point: &Point, cluster: usize) -> Victim {
        match point.process {
            Process::Server => Victim::Server,
            Process::Agent => Victim::Agent(cluster),
        }
    }
}

/// The points that a plan is about.
pub(super) fn points(plan: &KillPlan) -> impl Iterator<Item = &'static Point> {
    POINTS.iter().filter(|point| plan.only.is_empty() || plan.only.contains(&point.name))
}

/// The rounds of each world.
pub(super) fn rounds(plan: &KillPlan) -> Vec<Vec<Round>> {
    let mut random = StdRng::seed_from_u64(plan.seed);
    let mut all: Vec<Option<&Point>> = points(plan)
        .flat_map(|point| (0..plan.per_point).map(move |_| Some(point)))
        .chain((0..plan.random_kills).map(|_| None))
        .collect();
    all.shuffle(&mut random);
    let mut worlds = vec![Vec::new(); plan.worlds];
    for (number, point) in all.into_iter().enumerate() {
        let blow = match point {
            Some(point) => at_point(point, &mut random),
            None => at_random(&mut random),
        };
        let push = push(&mut random);
        worlds[number % plan.worlds].push(Round { blow, push });
    }
    worlds
}

fn at_random(random: &mut StdRng) -> Blow {
    let victims = match random.random_range(0..10) {
        0..5 => vec![Victim::Server],
        5..9 => vec![Victim::Agent(random.random_range(0..CLUSTERS))],
        _ => vec![Victim::Server, Victim::Agent(0), Victim::Agent(1)],
    };
    Blow::Random { victims, after: Duration::from_millis(random.random_range(AFTER_MS)) }
}

fn at_point(point: &'static Point, random: &mut StdRng) -> Blow {
    let passing = random.random_range(1..=most_passings(point));
    Blow::Point { point, cluster: random.random_range(0..CLUSTERS), passing }
}

/// About as often as one push makes a program pass the point.
fn most_passings(point: &Point) -> u32 {
    let step = point.name.rsplit_once('.').map_or(point.name, |(step, _)| step);
    match (point.occasion, step) {
        (Occasion::FirstStart, "migration.step") => 6,
        // Two repositories of each cluster.
        (Occasion::NewCluster, _) => 2,
        (
            Occasion::FirstStart
            | Occasion::Enrolment
            | Occasion::KeyedAnswer
            | Occasion::Renewal
            | Occasion::Stop,
            _,
        ) => 1,
        (_, "hook.commit" | "ingest.commit" | "delivery.finish" | "agent.lease") => 1,
        (_, "agent.effect" | "agent.journal" | "git.objects" | "git.reference") => 2,
        (Occasion::OutsideRelease, _) => 2,
        (_, "release.judged") => 8,
        (Occasion::Release, _) => 4,
    }
}

fn push(random: &mut StdRng) -> Push {
    let commits = if random.random_bool(BURSTS) { random.random_range(2..=3) } else { 1 };
    let hook = match random.random::<f64>() {
        it if it < UNHEARD => Hook::Never,
        it if it < UNHEARD + REPLAYS => Hook::Twice,
        _ => Hook::Once,
    };
    Push { repository: random.random_range(0..REPOSITORIES), commits, hook }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(seed: u64) -> KillPlan {
        KillPlan {
            database: Database::Sqlite,
            seed,
            releases: 0,
            random_kills: 10,
            per_point: 3,
            only: Vec::new(),
            flaw: None,
            worlds: 4,
            patience: Patience { stuck: Duration::ZERO, lost: Duration::ZERO },
            limit: Duration::ZERO,
            folder: PathBuf::new(),
        }
    }

    #[test]
    fn a_seed_makes_the_same_choices_again_and_another_one_makes_others() {
        assert_eq!(rounds(&plan(7)), rounds(&plan(7)));
        assert_ne!(rounds(&plan(7)), rounds(&plan(8)));
    }

    #[test]
    fn every_point_is_killed_at_as_often_as_planned_and_the_worlds_share_the_work() {
        let worlds = rounds(&plan(1));
        let lengths: Vec<usize> = worlds.iter().map(Vec::len).collect();
        assert_eq!(lengths.iter().sum::<usize>(), POINTS.len() * 3 + 10);
        assert!(lengths.iter().max().unwrap() - lengths.iter().min().unwrap() <= 1);
        for point in POINTS {
            let at_it = |round: &&Round| matches!(&round.blow, Blow::Point { point: at, .. } if at.name == point.name);
            assert_eq!(worlds.iter().flatten().filter(at_it).count(), 3, "{}", point.name);
        }
        let few = KillPlan { only: vec!["render.after"], random_kills: 0, ..plan(1) };
        assert_eq!(rounds(&few).concat().len(), 3);
    }
}
