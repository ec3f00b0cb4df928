//! The proof as a whole: set up, kill, wait, judge.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::{
    killer::{Dose, Killer, Kills, Victim},
    oracle::{Findings, judge_ledger, judge_repository},
    pusher::{Pushed, STUCK, push_on},
    small,
    world::{Size, World, lock, wait_until_ready},
};
use crate::{
    child::until, postgres::fresh_database, programs::Programs, scripted_cluster::Ledger,
    steps::Steps,
};

/// How often progress is told.
const PROGRESS: Duration = Duration::from_secs(10);

/// A database to prove on.
#[derive(Clone, Debug)]
pub enum Database {
    /// A file in the data directory.
    Sqlite,
    /// A server with the right to make databases, by URL.
    Postgres(String),
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
    /// Where everything lies; it stays there when something is wrong.
    pub folder: PathBuf,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The result as one line of JSON.
    pub line: Value,
    /// What is wrong, in sentences.
    pub findings: Vec<String>,
    /// Kills, each of which was survived where there are no findings.
    pub cases: u64,
}

impl Database {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// An empty database for a control plane with its data in `folder`.
    pub(super) fn fresh_url(&self, folder: &Path) -> Result<String> {
        match self {
            Self::Sqlite => Ok(format!("sqlite://{}", folder.join("gimlet.db").display())),
            Self::Postgres(server) => fresh_database(server),
        }
    }
}

/// Runs the proof; it takes as long as the plan is large.
///
/// # Errors
/// When something could not even be judged: a program that ends by itself, a crash point that is never
/// passed, a push that is lost.
pub fn prove(programs: &Programs, plan: &KillPlan, steps: &Steps) -> Result<Verdict> {
    let began = Instant::now();
    std::fs::create_dir_all(&plan.folder)?;
    let kills = Kills::default();
    steps.step("First starts, killed at each step", || {
        small::first_starts(programs, &plan.folder, &plan.database, plan.per_point, &kills)
    })?;
    let size = size_for(plan.releases);
    let url = plan.database.fresh_url(&plan.folder)?;
    let (world, developers) = steps.step("Start a control plane and two clusters", || {
        World::start(programs, &plan.folder, &url, size)
    })?;
    steps.step("New clusters, killed at each step", || {
        small::new_clusters(&world, plan.per_point, &kills)
    })?;
    let pushed = Pushed::default();
    let (is_over, has_failed) = (AtomicBool::new(false), AtomicBool::new(false));
    let stormed = thread::scope(|scope| -> Result<()> {
        let mut pushing = Vec::new();
        for (number, developer) in (0..).zip(developers) {
            let (world, pushed, is_over, has_failed) = (&world, &pushed, &is_over, &has_failed);
            pushing.push(scope.spawn(move || {
                let end = push_on(world, developer, plan.seed ^ number, pushed, is_over);
                has_failed.fetch_or(end.is_err(), Ordering::Relaxed);
                end
            }));
        }
        let killed = storm(&world, plan, &kills, &pushed, &has_failed, steps);
        is_over.store(true, Ordering::Relaxed);
        for pusher in pushing {
            pusher.join().map_err(|_| anyhow::anyhow!("a developer panicked"))??;
        }
        killed
    });
    stormed.with_context(|| evidence(&plan.folder))?;
    steps.say("The killing is over; everything has to come to rest");
    wait_until_ready(world.ports, &world.server)?;
    let unrest = unrest(&world)?;
    let mut findings = Findings::default();
    let heads = lock(&pushed.heads).clone();
    for (environment, repository) in world.gitops_repositories()? {
        judge_repository(environment, &repository, &heads, &mut findings)?;
    }
    judge_ledger(&Ledger::read(&plan.folder.join("ledger.jsonl"))?, &heads, &mut findings);
    Ok(verdict(plan, began, &kills, &pushed, findings, unrest))
}

/// Kills the programs beside each other until all that was planned is done, and enough was released.
fn storm(
    world: &World,
    plan: &KillPlan,
    kills: &Kills,
    pushed: &Pushed,
    has_failed: &AtomicBool,
    steps: &Steps,
) -> Result<()> {
    let victims = [(Victim::Server, 2), (Victim::Agent(0), 4), (Victim::Agent(1), 4)];
    let victims_count = u64::try_from(victims.len())?;
    thread::scope(|scope| {
        let mut killers = Vec::new();
        for (number, (victim, share)) in (1_u64..).zip(victims) {
            let (seed, random) = (plan.seed ^ (number << 32), plan.random_kills.div_ceil(share));
            let dose = Dose { seed, random, per_point: plan.per_point };
            let killer = Killer::new(world, victim, kills, has_failed, dose);
            killers.push(scope.spawn(move || killer.run()));
        }
        let mut told = Instant::now();
        while !has_failed.load(Ordering::Relaxed) {
            let releases = pushed.releases.load(Ordering::Relaxed);
            let done = kills.done.load(Ordering::Relaxed);
            if done == victims_count && releases >= plan.releases {
                break;
            }
            if told.elapsed() > PROGRESS {
                told = Instant::now();
                steps.say(progress(kills, pushed));
            }
            thread::sleep(Duration::from_millis(50));
        }
        kills.is_over.store(true, Ordering::Relaxed);
        for killer in killers {
            killer.join().map_err(|_| anyhow::anyhow!("a killer panicked"))??;
        }
        Ok(())
    })
}

fn progress(kills: &Kills, pushed: &Pushed) -> String {
    format!(
        "{} releases asked for, {} random kills, {} at crash points, {} stuck",
        pushed.releases.load(Ordering::Relaxed),
        kills.random.load(Ordering::Relaxed),
        kills.at_points(),
        lock(&pushed.stuck).len()
    )
}

/// Releases that have not closed, or not well, a minute after everything was applied.
fn unrest(world: &World) -> Result<Vec<String>> {
    let restless = |releases: &[Value]| -> Vec<String> {
        let state = |release: &Value| release["state"].as_str().unwrap_or_default().to_owned();
        let at_rest = |release: &Value| {
            release["closed"] == true && matches!(state(release).as_str(), "healthy" | "superseded")
        };
        let text = |release: &Value| format!("{} is {}", release["id"], state(release));
        releases.iter().filter(|release| !at_rest(release)).map(text).collect()
    };
    let mut last = Vec::new();
    let rested = until(STUCK, || {
        last = restless(&world.api.releases().ok()?);
        thread::sleep(Duration::from_millis(500));
        last.is_empty().then_some(())
    });
    if rested.is_none() && last.is_empty() {
        bail!("the control plane does not list its releases");
    }
    Ok(last)
}

/// Small proofs have few applications, so that each is released several times.
fn size_for(releases: u64) -> Size {
    if releases < 1_000 {
        Size { repositories: 4, apps_of_each: 4 }
    } else {
        Size { repositories: 8, apps_of_each: 5 }
    }
}

fn evidence(folder: &Path) -> String {
    format!("the evidence is in {}", folder.display())
}

fn verdict(
    plan: &KillPlan,
    began: Instant,
    kills: &Kills,
    pushed: &Pushed,
    findings: Findings,
    unrest: Vec<String>,
) -> Verdict {
    let mut waits = lock(&pushed.waits).clone();
    waits.sort();
    let at = |share: usize| {
        let wait = waits.get((waits.len() * share / 100).min(waits.len().saturating_sub(1)));
        wait.map_or(0, Duration::as_millis)
    };
    let stuck: Vec<String> = lock(&pushed.stuck).iter().chain(&unrest).cloned().collect();
    let random = kills.random.load(Ordering::Relaxed);
    let line = json!({
        "proof": "kills", "database": plan.database.name(), "seed": plan.seed,
        "releases": pushed.releases.load(Ordering::Relaxed), "commits": findings.commits,
        "random_kills": random, "crash_points": lock(&kills.points).len(),
        "crash_point_kills": kills.at_points(),
        "lost": findings.lost.len(), "doubled": findings.doubled.len(), "stuck": stuck.len(),
        "broken": findings.broken.len(),
        "push_to_applied_ms": {"p50": at(50), "p99": at(99), "max": at(100)},
        "seconds": began.elapsed().as_secs(),
    });
    let named = |what: &str, all: Vec<String>| -> Vec<String> {
        all.into_iter().map(|text| format!("{what}: {text}")).collect()
    };
    let all = [
        named("lost", findings.lost),
        named("doubled", findings.doubled),
        named("broken", findings.broken),
        named("stuck", stuck),
    ];
    Verdict { line, findings: all.concat(), cases: random + kills.at_points() }
}
