//! Signed pushes of 8 kB: each is acknowledged only when it is stored. Then the server is killed in the middle,
//! again and again, and everything that it acknowledged is sent once more: what it does not know is lost.
//!
//! The peer is the check of the signature alone, in this process: what no server can do without.

use std::{
    path::Path,
    sync::Arc,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use tokio::task::JoinSet;

use crate::{
    Setting, Size,
    figure::{Figure, Goal, percentile},
    hook::{Hook, NOWHERE, push},
    http::Connection,
    server::Server,
    usage::{cpu_of, own_cpu},
};

/// Bytes of a body.
const BODY: usize = 8 * 1024;

/// How much is done.
#[derive(Clone, Copy)]
struct Load {
    senders: usize,
    /// How long a round lasts.
    time: Duration,
    kills: u32,
}

impl Load {
    fn of(size: Size) -> Self {
        match size {
            Size::Full => Self { senders: 128, time: Duration::from_secs(4), kills: 100 },
            Size::Smoke => Self { senders: 4, time: Duration::from_millis(100), kills: 1 },
        }
    }
}

pub(crate) fn measure(setting: &Setting) -> Result<Vec<Figure>> {
    let place = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let load = Load::of(setting.size);
    runtime.block_on(measure_in(setting, place.path(), load))
}

async fn measure_in(setting: &Setting, place: &Path, load: Load) -> Result<Vec<Figure>> {
    let mut server = Server::start(&setting.programs, &place.join("data"), &[])?;
    let target = Arc::new(Target::add(&server, place).await?);
    let (mut rates, mut cpu, mut p50, mut p99) = (vec![], vec![], vec![], vec![]);
    let (mut signature, mut own) = (vec![], vec![]);
    for round in 1..=setting.rounds {
        let before = cpu_of(server.process()?)?;
        let (began, own_before) = (Instant::now(), own_cpu());
        let sent = flood(&server, &target, load, load.time).await?;
        let time = began.elapsed();
        let used = cpu_of(server.process()?)? - before;
        let count = sent.acknowledged.len() as f64;
        ensure!(count > 0.0, "nothing was acknowledged");
        rates.push(count / time.as_secs_f64());
        own.push((own_cpu() - own_before).as_secs_f64() * 1e6 / count);
        cpu.push(used.as_secs_f64() * 1e6 / count);
        p50.push(percentile(&sent.millis, 0.5));
        p99.push(percentile(&sent.millis, 0.99));
        signature.push(signature_cost(&target)?);
        setting.progress.say(format_args!(
            "  round {round}: {:.0}/s, {:.0} us of the server each, p99 {:.1} ms",
            rates[rates.len() - 1],
            cpu[cpu.len() - 1],
            p99[p99.len() - 1]
        ));
    }
    let lost = kill_and_count_lost(setting, &mut server, &target, load).await?;
    Ok(vec![
        Figure::of("webhook-ingest/rate", "1/s", rates).goal(Goal::Min(8_000.0)),
        Figure::of("webhook-ingest/server-cpu", "us", cpu)
            .goal(Goal::Max(100.0))
            .peer("HMAC-SHA-256 alone", &signature),
        Figure::of("webhook-ingest/generator-cpu", "us", own),
        Figure::of("webhook-ingest/acknowledged-p50", "ms", p50),
        Figure::of("webhook-ingest/acknowledged-p99", "ms", p99).goal(Goal::Max(25.0)),
        Figure::of("webhook-ingest/lost", "deliveries", vec![lost]).goal(Goal::Max(0.0)),
    ])
}

/// A webhook, and the push that is sent to it again and again.
struct Target {
    hook: Hook,
    body: Vec<u8>,
    signature: String,
    next: AtomicU64,
}

impl Target {
    async fn add(server: &Server, place: &Path) -> Result<Self> {
        let source = place.join("source.git");
        let made = std::process::Command::new("git")
            .args(["init", "-q", "--bare", "-b", "main"])
            .arg(&source)
            .status()?;
        ensure!(made.success(), "git init failed");
        let hook = Hook::add(server, &server.token().await?, "acme/measured", &source).await?;
        let body = push("acme/measured", NOWHERE, &"8f31c2a0".repeat(5), BODY);
        let signature = hook.signature(&body)?;
        Ok(Self { hook, body, signature, next: AtomicU64::new(0) })
    }

    fn request(&self, delivery: u64) -> Vec<u8> {
        self.hook.request(&format!("measured-{delivery}"), &self.signature, &self.body, &[])
    }
}

#[derive(Default)]
struct Sent {
    acknowledged: Vec<u64>,
    millis: Vec<f64>,
}

/// Sends for a while; each sender waits for its answer. A sender whose server dies keeps what it has.
async fn flood(server: &Server, target: &Arc<Target>, load: Load, time: Duration) -> Result<Sent> {
    let (end, address) = (Instant::now() + time, server.address);
    let mut senders = JoinSet::new();
    for _ in 0..load.senders {
        let target = Arc::clone(target);
        senders.spawn(async move {
            let mut sent = Sent::default();
            let Ok(mut connection) = Connection::open(address).await else { return Ok(sent) };
            while Instant::now() < end {
                let delivery = target.next.fetch_add(1, Ordering::Relaxed);
                let request = target.request(delivery);
                let began = Instant::now();
                let Ok(answer) = connection.send(&request).await else { break };
                let text = String::from_utf8_lossy(&answer.body);
                ensure!(answer.status == 202, "a push was answered {}: {text}", answer.status);
                sent.acknowledged.push(delivery);
                sent.millis.push(began.elapsed().as_secs_f64() * 1e3);
            }
            Ok(sent)
        });
    }
    let mut all = Sent::default();
    for end in senders.join_all().await {
        let sent = end?;
        all.acknowledged.extend(sent.acknowledged);
        all.millis.extend(sent.millis);
    }
    Ok(all)
}

/// Kills the server while it is flooded, and returns how many acknowledged deliveries it does not know.
async fn kill_and_count_lost(
    setting: &Setting,
    server: &mut Server,
    target: &Arc<Target>,
    load: Load,
) -> Result<f64> {
    let mut lost = 0;
    for kill in 1..=load.kills {
        // At another moment each time.
        let moment = Duration::from_millis(20 + u64::from(kill * 37 % 180));
        let (flooded, killed) = tokio::join!(flood(server, target, load, moment * 4), async {
            tokio::time::sleep(moment).await;
            let process = rustix::process::Pid::from_raw(i32::try_from(server.process()?)?)
                .context("no process")?;
            rustix::process::kill_process(process, rustix::process::Signal::KILL)?;
            anyhow::Ok(())
        });
        killed?;
        server.kill()?;
        server.start_again()?;
        let mut connection = Connection::open(server.address).await?;
        for delivery in flooded?.acknowledged {
            // 200: it was stored before.
            lost += u32::from(connection.send(&target.request(delivery)).await?.status != 200);
        }
        if kill % 10 == 0 {
            setting.progress.say(format_args!("  killed {kill} times, {lost} lost"));
        }
    }
    Ok(f64::from(lost))
}

/// Microseconds that checking one signature takes.
fn signature_cost(target: &Target) -> Result<f64> {
    const TIMES: u32 = 2_000;
    let began = own_cpu();
    for _ in 0..TIMES {
        std::hint::black_box(target.hook.signature(std::hint::black_box(&target.body))?);
    }
    Ok((own_cpu() - began).as_secs_f64() * 1e6 / f64::from(TIMES))
}
