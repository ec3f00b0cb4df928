//! Every page, and every list of the API, of an organization with 10,000 releases of 1,000 applications: one
//! after the other, and 8 at once. What counts is the time that the server itself says (`Server-Timing`), and
//! its processor time.
//!
//! The peer, in the same run, is a bare axum handler in this process that answers the same bytes from memory:
//! what HTTP costs without a page. It is held beside the client's wall time, where both can be seen.

mod addresses;
pub(super) mod world;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use axum::{Router, body::Bytes, extract::State, http::Uri};
use tokio::task::JoinSet;

use self::{addresses::Page, world::Amount};
use crate::{
    Setting, Size,
    figure::{Figure, Goal, percentile},
    http::{Connection, get},
    server::Server,
    usage::cpu_of,
};

/// Asking at the same time.
const AT_ONCE: usize = 8;
/// Milliseconds of the server that no page exceeds, but one in a hundred.
const GOAL_MS: f64 = 30.0;
/// Repositories that are nowhere are looked for once after the start; that is over then.
const SETTLE: Duration = Duration::from_secs(3);

/// How much there is, and how often each page is asked for, alone and by all at once.
fn load(size: Size) -> (Amount, usize) {
    match size {
        Size::Full => {
            let (apps, releases_of_each) = (1_000, 10);
            (Amount { clusters: 20, repositories: 40, apps, releases_of_each, members: 320 }, 120)
        }
        Size::Smoke => {
            let (apps, releases_of_each) = (4, 3);
            (Amount { clusters: 2, repositories: 2, apps, releases_of_each, members: 3 }, 8)
        }
    }
}

pub(crate) fn measure(setting: &Setting) -> Result<Vec<Figure>> {
    let place = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure_in(setting, place.path()))
}

async fn measure_in(setting: &Setting, place: &Path) -> Result<Vec<Figure>> {
    let (amount, asked) = load(setting.size);
    let (data, began) = (place.join("data"), Instant::now());
    let world = world::build(&data, amount).await?;
    setting.progress.say(format_args!(
        "  {} releases in {:.0?}",
        amount.apps * amount.releases_of_each,
        began.elapsed()
    ));
    let server = Server::start(&setting.programs, &data, &[])?;
    if setting.size == Size::Full {
        tokio::time::sleep(SETTLE).await;
    }
    let mut connection = Connection::open(server.address).await?;
    let pages = addresses::pages(&world, &mut connection).await?;
    let peer = Peer::start().await?;
    let mut rounds: BTreeMap<&'static str, Vec<Sample>> = BTreeMap::new();
    for round in 1..=setting.rounds {
        for page in &pages {
            let sample = sample(&server, &peer, page, asked).await?;
            rounds.entry(page.name).or_default().push(sample);
        }
        let worst = worst(&rounds);
        setting.progress.say(format_args!(
            "  round {round}: the slowest is {} with {:.1} ms",
            worst.0, worst.1
        ));
    }
    Ok(figures(rounds))
}

/// One round of one page.
struct Sample {
    alone: Vec<f64>,
    at_once: Vec<f64>,
    wall: Vec<f64>,
    peer_wall: Vec<f64>,
    cpu_us: f64,
}

async fn sample(server: &Server, peer: &Peer, page: &Page, asked: usize) -> Result<Sample> {
    let before = cpu_of(server.process()?)?;
    let (alone, wall) = ask(server.address, &page.requests, asked).await?;
    let mut all = JoinSet::new();
    for number in 0..AT_ONCE {
        // Each begins elsewhere, so that they do not ask for the same at once.
        let mut requests = page.requests.clone();
        requests.rotate_left(number % page.requests.len());
        let address = server.address;
        all.spawn(async move { ask(address, &requests, asked.div_ceil(4)).await });
    }
    let mut at_once = Vec::new();
    for end in all.join_all().await {
        at_once.extend(end?.0);
    }
    let used = cpu_of(server.process()?)? - before;
    let cpu_us = used.as_secs_f64() * 1e6 / (alone.len() + at_once.len()) as f64;
    let peer_wall = peer.ask(server.address, &page.requests, asked).await?;
    Ok(Sample { alone, at_once, wall, peer_wall, cpu_us })
}

/// Asks so many times, one after the other; milliseconds by the server's clock and by ours.
async fn ask(
    address: SocketAddr,
    requests: &[Vec<u8>],
    times: usize,
) -> Result<(Vec<f64>, Vec<f64>)> {
    let mut connection = Connection::open(address).await?;
    let (mut server, mut wall) = (Vec::with_capacity(times), Vec::with_capacity(times));
    for request in requests.iter().cycle().take(times) {
        let began = Instant::now();
        let answer = connection.send(request).await?;
        wall.push(began.elapsed().as_secs_f64() * 1e3);
        ensure!(answer.status == 200, "{}", String::from_utf8_lossy(request));
        server.push(answer.server_ms.context("the server does not say how long it took")?);
    }
    Ok((server, wall))
}

/// A bare axum server of this process.
struct Peer {
    address: SocketAddr,
    answers: Arc<std::sync::RwLock<BTreeMap<String, Bytes>>>,
    task: tokio::task::AbortHandle,
}

type Answers = State<Arc<std::sync::RwLock<BTreeMap<String, Bytes>>>>;

async fn stored(State(answers): Answers, uri: Uri) -> Bytes {
    let answers = answers.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    answers.get(uri.path()).cloned().unwrap_or_default()
}

impl Peer {
    async fn start() -> Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let (address, answers) = (listener.local_addr()?, Arc::default());
        let router = Router::new().fallback(stored).with_state(Arc::clone(&answers));
        let mut tasks = JoinSet::new();
        let task = tasks.spawn(async move { axum::serve(listener, router).await });
        tasks.detach_all();
        Ok(Self { address, answers, task })
    }

    /// Has the same bytes answered as often; milliseconds by our clock.
    async fn ask(&self, ours: SocketAddr, requests: &[Vec<u8>], times: usize) -> Result<Vec<f64>> {
        let (mut connection, mut copies) = (Connection::open(ours).await?, Vec::new());
        for (number, request) in requests.iter().enumerate() {
            let answer = connection.send(request).await?;
            let path = format!("/{number}");
            copies.push(get(&path, &[]));
            let mut answers =
                self.answers.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            answers.insert(path, answer.body.into());
        }
        let (mut connection, mut wall) = (Connection::open(self.address).await?, Vec::new());
        for request in copies.iter().cycle().take(times) {
            let began = Instant::now();
            connection.send(request).await?;
            wall.push(began.elapsed().as_secs_f64() * 1e3);
        }
        Ok(wall)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn worst<'a>(rounds: &BTreeMap<&'a str, Vec<Sample>>) -> (&'a str, f64) {
    let last = rounds
        .iter()
        .filter_map(|(name, samples)| Some((*name, percentile(&samples.last()?.at_once, 0.99))));
    last.max_by(|one, other| one.1.total_cmp(&other.1)).unwrap_or(("none", 0.0))
}

fn figures(rounds: BTreeMap<&'static str, Vec<Sample>>) -> Vec<Figure> {
    let each = |samples: &[Sample], of: &dyn Fn(&Sample) -> f64| {
        samples.iter().map(of).collect::<Vec<_>>()
    };
    let mut figures = Vec::new();
    for (page, samples) in rounds {
        let p99 = each(&samples, &|it| percentile(&it.alone, 0.99));
        let p99_at_once = each(&samples, &|it| percentile(&it.at_once, 0.99));
        let peer = each(&samples, &|it| percentile(&it.peer_wall, 0.5));
        figures.extend([
            Figure::of(
                format!("pages/{page}-p50"),
                "ms",
                each(&samples, &|it| percentile(&it.alone, 0.5)),
            ),
            Figure::of(format!("pages/{page}-p99"), "ms", p99).goal(Goal::Max(GOAL_MS)),
            Figure::of(format!("pages/{page}-p99-of-8"), "ms", p99_at_once)
                .goal(Goal::Max(GOAL_MS)),
            Figure::of(format!("pages/{page}-cpu"), "us", each(&samples, &|it| it.cpu_us)),
            Figure::of(
                format!("pages/{page}-wall-p50"),
                "ms",
                each(&samples, &|it| percentile(&it.wall, 0.5)),
            )
            .peer("axum, the same bytes from memory", &peer),
        ]);
    }
    figures
}
