//! The proof as a whole: worlds side by side, their progress, the verdict on all of them.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use serde_json::{Value, json};

use super::{
    director::Director,
    oracle::{Findings, judge_ledger, judge_repository},
    plan::{KillPlan, Round, rounds},
    pushes::Pushes,
    small::Small,
    tally::Tally,
    world::{World, lock},
};
use crate::{programs::Programs, scripted_cluster::Ledger, steps::Steps};

/// How often progress is told.
const PROGRESS: Duration = Duration::from_secs(10);

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

/// Runs the proof; it takes as long as the plan is large, and not much longer than its limit. Whatever
/// happens in it ends in the verdict.
///
/// # Errors
/// When nothing could be begun.
pub fn prove(programs: &Programs, plan: &KillPlan, steps: &Steps) -> Result<Verdict> {
    let began = Instant::now();
    std::fs::create_dir_all(&plan.folder)?;
    let tally = Tally::new(plan);
    let findings = thread::scope(|scope| {
        let mut worlds = Vec::new();
        for (number, rounds) in rounds(plan).into_iter().enumerate() {
            let tally = &tally;
            worlds.push(scope.spawn(move || run_world(programs, plan, number, rounds, tally)));
        }
        let mut told = Instant::now();
        while worlds.iter().any(|world| !world.is_finished()) {
            if told.elapsed() > PROGRESS {
                told = Instant::now();
                steps.say(&tally);
            }
            thread::sleep(Duration::from_millis(50));
        }
        let mut all = Findings::default();
        for world in worlds {
            match world.join() {
                Ok(findings) => all.merge(findings),
                Err(_) => all.broken.push("a world panicked".to_owned()),
            }
        }
        all
    });
    steps.say(&tally);
    for slow in lock(&tally.slow).iter() {
        steps.say(format_args!("slow: {slow}"));
    }
    Ok(verdict(plan, began, &tally, findings))
}

fn run_world(
    programs: &Programs,
    plan: &KillPlan,
    number: usize,
    rounds: Vec<Round>,
    tally: &Tally,
) -> Findings {
    let mut findings = Findings::default();
    if let Err(error) = try_world(programs, plan, number, rounds, tally, &mut findings) {
        findings.broken.push(format!("world {number}: {error:#}"));
        tally.fail();
    }
    findings
}

fn try_world(
    programs: &Programs,
    plan: &KillPlan,
    number: usize,
    rounds: Vec<Round>,
    tally: &Tally,
    findings: &mut Findings,
) -> Result<()> {
    let folder = plan.folder.join(format!("world-{number}"));
    std::fs::create_dir_all(&folder)?;
    let url = plan.database.fresh_url(&folder)?;
    let (world, developers) = World::start(programs, &folder, &url, plan.flaw)?;
    let small = Small::new(programs, &plan.database, tally, &folder);
    let mut director = Director::new(&world, developers, small, plan, tally);
    let ran = director.run(rounds);
    if ran.is_err() {
        tally.fail();
    }
    findings.unreached.append(&mut director.unreached);
    findings.left_out += director.left_out;
    // What was seen counts, however the run ended.
    judge(&world, &mut director.pushes, findings)?;
    ran
}

/// Holds git and the effect ledger against what was pushed.
fn judge(world: &World, pushes: &mut Pushes<'_>, findings: &mut Findings) -> Result<()> {
    findings.stuck.append(&mut pushes.stuck);
    for (environment, repository) in world.gitops_repositories()? {
        judge_repository(environment, &repository, &pushes.heads, findings)?;
    }
    judge_ledger(&Ledger::read(&world.folder.join("ledger.jsonl"))?, &pushes.heads, findings);
    Ok(())
}

fn verdict(plan: &KillPlan, began: Instant, tally: &Tally, findings: Findings) -> Verdict {
    let mut waits = lock(&tally.waits).clone();
    waits.sort();
    let at = |share: usize| {
        let wait = waits.get((waits.len() * share / 100).min(waits.len().saturating_sub(1)));
        wait.map_or(0, Duration::as_millis)
    };
    let random = Tally::get(&tally.random);
    let line = json!({
        "proof": "kills", "database": plan.database.name(), "seed": plan.seed,
        "worlds": plan.worlds,
        "releases": Tally::get(&tally.releases), "commits": findings.commits,
        "random_kills": random, "crash_points": lock(&tally.points).len(),
        "crash_point_kills": tally.at_points(),
        "lost": findings.lost.len(), "doubled": findings.doubled.len(),
        "stuck": findings.stuck.len(), "broken": findings.broken.len(),
        "unreached": findings.unreached.len(), "rounds_left_out": findings.left_out,
        "agents_freshened": Tally::get(&tally.freshened),
        "push_to_applied_ms": {"p50": at(50), "p99": at(99), "max": at(100)},
        "seconds": began.elapsed().as_secs(),
    });
    Verdict { line, findings: findings.sentences(), cases: random + tally.at_points() }
}
