//! From a webhook's first byte to the command at the agent: 200 a second, everything durable on the way, into
//! applications whose repositories are mirrored already. Each push moves `main` to a commit that another
//! branch has brought before, as a merge by fast-forward does; the agents are links without a cluster.
//!
//! Each application waits for its command before its next push, so a webhook and its command are told
//! together by the environment alone. How long each step took is what the server's own traces say.
//!
//! The peer is one sync of a small file at the same time on the same disk: everything durable takes several.

mod steps;
mod world;

use std::{
    path::Path,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;

use crate::{
    Setting, Size,
    collector::Collector,
    figure::{Figure, Goal, percentile},
    server::Server,
    usage::{cpu_of, own_cpu},
};

use steps::Steps;
use world::Lane;

/// How much is done.
#[derive(Clone, Copy, Debug)]
struct Load {
    /// Applications, each with a repository, an environment and an agent of its own.
    lanes: u32,
    /// Between two pushes of one of them.
    period: Duration,
    /// Pushes of each of them in a round.
    pushes: u32,
}

impl Load {
    fn of(size: Size) -> Self {
        match size {
            // 200 a second, for 20 seconds.
            Size::Full => Self { lanes: 50, period: Duration::from_millis(250), pushes: 80 },
            Size::Smoke => Self { lanes: 2, period: Duration::from_millis(50), pushes: 3 },
        }
    }
}

/// A push is late when its sender was still waiting for the command of the one before.
const LATE: Duration = Duration::from_millis(5);
/// Between two syncs of the peer.
const PEER_PERIOD: Duration = Duration::from_millis(50);

/// What one push came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passed {
    /// Its request's trace.
    trace: u128,
    sent: SystemTime,
    acknowledged: SystemTime,
    arrived: SystemTime,
    late: bool,
}

pub(crate) fn measure(setting: &Setting) -> Result<Vec<Figure>> {
    let place = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let load = Load::of(setting.size);
    runtime.block_on(measure_in(setting, place.path(), load))
}

async fn measure_in(setting: &Setting, place: &Path, load: Load) -> Result<Vec<Figure>> {
    let collector = Collector::start().await?;
    let endpoint = ("GIMLET_TELEMETRY_ENDPOINT", format!("http://{}", collector.address));
    let server = Server::start(&setting.programs, &place.join("data"), &[endpoint])?;
    let commits = load.pushes * setting.rounds;
    setting.progress.say(format_args!("  {} applications are set up", load.lanes));
    let mut lanes = world::build(&server, place, load.lanes, commits).await?;
    let (mut rates, mut p50, mut p99, mut late) = (vec![], vec![], vec![], vec![]);
    let (mut cpu, mut own, mut syncs, mut all) = (vec![], vec![], vec![], vec![]);
    for round in 1..=setting.rounds {
        let (began, cpu_before, own_before) =
            (Instant::now(), cpu_of(server.process()?)?, own_cpu());
        let (passed, synced) = tokio::join!(
            drive(&mut lanes, load, load.pushes * (round - 1)),
            sync_until(place, load.period * load.pushes)
        );
        let (passed, time) = (passed?, began.elapsed());
        let count = passed.len() as f64;
        rates.push(count / time.as_secs_f64());
        cpu.push((cpu_of(server.process()?)? - cpu_before).as_secs_f64() * 1e6 / count);
        own.push((own_cpu() - own_before).as_secs_f64() * 1e6 / count);
        let millis: Vec<f64> = passed.iter().map(|one| span(one.sent, one.arrived)).collect();
        p50.push(percentile(&millis, 0.5));
        p99.push(percentile(&millis, 0.99));
        late.push(passed.iter().filter(|one| one.late).count() as f64);
        syncs.push(percentile(&synced?, 0.5));
        setting.progress.say(format_args!(
            "  round {round}: {:.0}/s, p50 {:.1} ms, p99 {:.1} ms",
            rates[rates.len() - 1],
            p50[p50.len() - 1],
            p99[p99.len() - 1]
        ));
        all.extend(passed);
    }
    for lane in &lanes {
        lane.check(server.data())?;
    }
    let steps = Steps::of(&collector, &all).await?;
    steps.tell(setting.progress);
    let mut figures = vec![
        Figure::of("webhook-to-command/p50", "ms", p50)
            .goal(Goal::Max(10.0))
            .peer("one sync of a file", &syncs),
        Figure::of("webhook-to-command/p99", "ms", p99).goal(Goal::Max(30.0)),
        Figure::of("webhook-to-command/rate", "1/s", rates),
        Figure::of("webhook-to-command/late", "pushes", late),
        Figure::of("webhook-to-command/server-cpu", "us", cpu),
        Figure::of("webhook-to-command/generator-cpu", "us", own),
    ];
    figures.extend(steps.figures());
    Ok(figures)
}

/// One round: every lane makes its pushes, evenly spread.
async fn drive(lanes: &mut Vec<Lane>, load: Load, first: u32) -> Result<Vec<Passed>> {
    let begin = Instant::now() + Duration::from_millis(50);
    let mut tasks = JoinSet::new();
    for (mut lane, place) in lanes.drain(..).zip(0..) {
        let offset = load.period * place / load.lanes;
        tasks.spawn(async move {
            let mut passed = Vec::new();
            for push in 0..load.pushes {
                let due = begin + offset + load.period * push;
                tokio::time::sleep_until(due.into()).await;
                let late = due.elapsed() > LATE;
                passed.push(Passed { late, ..lane.push(first + push).await? });
            }
            anyhow::Ok((lane, passed))
        });
    }
    let mut all = Vec::new();
    for end in tasks.join_all().await {
        let (lane, passed) = end?;
        lanes.push(lane);
        all.extend(passed);
    }
    ensure!(all.len() as u64 == u64::from(load.lanes) * u64::from(load.pushes), "pushes are lost");
    Ok(all)
}

/// Milliseconds of each sync of a small file for this long.
async fn sync_until(place: &Path, time: Duration) -> Result<Vec<f64>> {
    use std::io::Write as _;

    let (end, path) = (Instant::now() + time, place.join("peer"));
    let mut millis = Vec::new();
    while Instant::now() < end || millis.is_empty() {
        let path = path.clone();
        let synced = tokio::task::spawn_blocking(move || {
            let mut file = std::fs::File::create(path)?;
            file.write_all(&[7; 4096])?;
            let began = Instant::now();
            file.sync_all()?;
            anyhow::Ok(began.elapsed())
        });
        millis.push(synced.await??.as_secs_f64() * 1e3);
        tokio::time::sleep(PEER_PERIOD).await;
    }
    Ok(millis)
}

/// Milliseconds between two moments.
fn span(from: SystemTime, to: SystemTime) -> f64 {
    to.duration_since(from).unwrap_or_default().as_secs_f64() * 1e3
}
