//! Changes on their way to those who look: 1,000 tabs with live pages, and 1,000 streams of the API, over
//! loopback. Viewers and whoever makes the changes are this process; the server is another, on the same
//! cores.
//!
//! A change is a rollback (tabs) or a member's new role (streams), asked for over the API. Time runs from the
//! sending of that request to the arrival of the event at each viewer: so it has the request, its transaction
//! and the rendering in it, and the commit lies somewhere within; from the commit on counts the server itself
//! until it hands the event out, in `gimlet_live_event_seconds`. The database lies in memory where the machine
//! has room there, so that what is measured is not the disk.
//!
//! The peer is a process that fans events of the same size out and does nothing else.

mod delays;
mod peer;
mod viewers;

use std::{net::SocketAddr, path::Path, time::Duration};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use tokio::time::Instant;

pub(crate) use self::peer::run as run_peer;
use self::{delays::Delays, peer::Peer, viewers::Viewers};
use super::pages::world::{self, Amount, World};
use crate::{
    Setting, Size,
    figure::{Figure, Goal, percentile},
    http::{Connection, get, post, request},
    server::Server,
    usage::cpu_of,
};

/// Nothing more is under way after a pause this long: a rollback's commit comes within it.
const QUIET: Duration = Duration::from_millis(150);
/// Changes under way at saturation: enough to keep everyone busy, and fewer than a stream may fall behind.
const IN_FLIGHT: u64 = 64;
/// Where Linux keeps files in memory.
const MEMORY: &str = "/dev/shm";

/// How much is done.
#[derive(Clone, Copy)]
struct Load {
    viewers: usize,
    /// Applications whose pages are open, in the spread.
    views: usize,
    /// Changes that are timed.
    changes: usize,
    /// Changes at saturation.
    flood: u64,
}

impl Load {
    fn of(size: Size) -> Self {
        match size {
            Size::Full => Self { viewers: 1_000, views: 100, changes: 100, flood: 400 },
            Size::Smoke => Self { viewers: 6, views: 2, changes: 2, flood: 10 },
        }
    }
}

pub(crate) fn measure(setting: &Setting) -> Result<Vec<Figure>> {
    raise_limit_of_files();
    let memory = Path::new(MEMORY);
    let place = if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure_in(setting, place.path(), Load::of(setting.size)))
}

/// A stream is a descriptor here and one there.
fn raise_limit_of_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Where that is refused, opening the streams says so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// Each round's values.
#[derive(Default)]
struct Rounds {
    spread: Latencies,
    together: Latencies,
    streams: Latencies,
    peer: Latencies,
    spread_shares: Shares,
    together_shares: Shares,
    stream_shares: Shares,
    rate: Vec<f64>,
    cpu: Vec<f64>,
    peer_rate: Vec<f64>,
    peer_cpu: Vec<f64>,
}

/// Of the events that were handed out, those within 2 ms and 10 ms of the commit.
#[derive(Default)]
struct Shares {
    within_2_ms: Vec<f64>,
    within_10_ms: Vec<f64>,
}

impl Shares {
    fn add(&mut self, (within_2_ms, within_10_ms): (f64, f64)) {
        self.within_2_ms.push(within_2_ms);
        self.within_10_ms.push(within_10_ms);
    }
}

#[derive(Default)]
struct Latencies {
    p50: Vec<f64>,
    p99: Vec<f64>,
}

impl Latencies {
    fn add(&mut self, millis: &[f64]) {
        self.p50.push(percentile(millis, 0.5));
        self.p99.push(percentile(millis, 0.99));
    }
}

async fn measure_in(setting: &Setting, place: &Path, load: Load) -> Result<Vec<Figure>> {
    let data = place.join("data");
    let amount =
        Amount { clusters: 2, repositories: 1, apps: load.views, releases_of_each: 2, members: 2 };
    let world = world::build(&data, amount).await?;
    let server = Server::start(&setting.programs, &data, &[])?;
    let site = Site { server, world, load };
    let (peer, mut rounds) = (Peer::start()?, Rounds::default());
    for round in 1..=setting.rounds {
        let begun = site.delays("page").await?;
        rounds.spread.add(&site.tabs(load.views).await?);
        let half = site.delays("page").await?;
        rounds.spread_shares.add(half.shares_since(begun));
        rounds.together.add(&site.tabs(1).await?);
        rounds.together_shares.add(site.delays("page").await?.shares_since(half));
        let bytes = site.streams(&mut rounds).await?;
        bare(&peer, load, bytes, &mut rounds).await?;
        setting.progress.say(format_args!(
            "  round {round}: tabs p50 {:.1} ms, streams {:.0}/s",
            rounds.spread.p50[rounds.spread.p50.len() - 1],
            rounds.rate[rounds.rate.len() - 1]
        ));
    }
    Ok(figures(rounds))
}

fn figures(rounds: Rounds) -> Vec<Figure> {
    const PEER: &str = "a tokio channel and hyper, the same bytes";
    let millis = |name: &str, rounds: Vec<f64>, most: f64| {
        Figure::of(format!("live-streams/{name}"), "ms", rounds).goal(Goal::Max(most))
    };
    let share = |name: &str, rounds: Vec<f64>, least: f64| {
        Figure::of(format!("live-streams/{name}-of-commit"), "share", rounds).goal(Goal::Min(least))
    };
    let Rounds { spread, together, streams, peer, rate, cpu, peer_rate, peer_cpu, .. } = rounds;
    let [of_spread, of_together, of_streams] =
        [rounds.spread_shares, rounds.together_shares, rounds.stream_shares];
    vec![
        share("tabs-spread-handed-within-2-ms", of_spread.within_2_ms, 0.5),
        share("tabs-spread-handed-within-10-ms", of_spread.within_10_ms, 0.99),
        share("tabs-on-one-page-handed-within-2-ms", of_together.within_2_ms, 0.5),
        share("tabs-on-one-page-handed-within-10-ms", of_together.within_10_ms, 0.99),
        share("streams-handed-within-2-ms", of_streams.within_2_ms, 0.5),
        share("streams-handed-within-10-ms", of_streams.within_10_ms, 0.99),
        millis("tabs-spread-p50", spread.p50, 2.0),
        millis("tabs-spread-p99", spread.p99, 10.0),
        millis("tabs-on-one-page-p50", together.p50, 2.0),
        millis("tabs-on-one-page-p99", together.p99, 10.0),
        millis("streams-p50", streams.p50, 2.0).peer(PEER, &peer.p50),
        millis("streams-p99", streams.p99, 10.0).peer(PEER, &peer.p99),
        Figure::of("live-streams/deliveries", "1/s", rate)
            .goal(Goal::Min(50_000.0))
            .peer(PEER, &peer_rate),
        Figure::of("live-streams/cpu-per-delivery", "us", cpu).peer(PEER, &peer_cpu),
    ]
}

/// The server with what is asked of it.
struct Site {
    server: Server,
    world: World,
    load: Load,
}

impl Site {
    /// Opens all tabs on the pages of so many applications, and times rollbacks of these; milliseconds to
    /// each tab that shows the application.
    async fn tabs(&self, views: usize) -> Result<Vec<f64>> {
        let cookie = format!("gimlet_session={}", self.world.cookie);
        let headers = [("cookie", cookie.as_str()), ("accept", "text/event-stream")];
        let page = |viewer: usize| {
            let (app, environment) = &self.world.apps[viewer % views];
            get(&format!("/live?region=/apps/{environment}/{app}"), &headers)
        };
        let requests = (0..self.load.viewers).map(page).collect();
        let mut tabs = Viewers::open(self.server.address, requests, 1).await?;
        let mut millis = Vec::new();
        for change in 0..self.load.changes {
            tabs.settle(QUIET).await?;
            let view = change % views;
            let looking: Vec<usize> = (view..self.load.viewers).step_by(views).collect();
            let before: Vec<u64> = looking.iter().map(|viewer| tabs.got[*viewer]).collect();
            let asked = Instant::now();
            let made = self.roll_back(view);
            let seen = tabs.until(|got| {
                looking.iter().zip(&before).all(|(viewer, before)| got[*viewer] > *before)
            });
            let (made, seen) = tokio::join!(made, seen);
            made?;
            let mut first = vec![None; self.load.viewers];
            for arrival in seen?.into_iter().filter(|arrival| arrival.events > 0) {
                first[arrival.viewer].get_or_insert(arrival.at);
            }
            let looking = looking.iter().filter_map(|viewer| first[*viewer]);
            millis.extend(looking.map(|at| (at - asked).as_secs_f64() * 1e3));
        }
        Ok(millis)
    }

    async fn delays(&self, reader: &str) -> Result<Delays> {
        Delays::of(&self.server, reader).await
    }

    async fn roll_back(&self, view: usize) -> Result<()> {
        let path = format!("/api/v1/releases/{}/rollback", self.world.first_releases[view]);
        self.server.call(&path, Some(&self.world.token), &json!({})).await.map(drop)
    }

    /// Opens all streams of changes, times a member's new roles one by one, and then floods; returns how
    /// many bytes an event has.
    async fn streams(&self, rounds: &mut Rounds) -> Result<usize> {
        let mut roles = Roles::new(self).await?;
        let last = roles.last_change().await?;
        let headers = [("authorization", roles.bearer.as_str()), ("last-event-id", last.as_str())];
        let request = get("/api/v1/changes", &headers);
        let mut streams =
            Viewers::open(self.server.address, vec![request; self.load.viewers], 0).await?;
        // All listen once a first change has reached them.
        roles.change(0).await?;
        streams.until(|got| got.iter().all(|got| *got >= 1)).await?;
        let (mut millis, begun) = (Vec::new(), self.delays("stream").await?);
        for number in 1..=self.load.changes {
            let (asked, wanted) = (Instant::now(), number as u64 + 1);
            let (made, seen) = tokio::join!(
                roles.change(number),
                streams.until(|got| got.iter().all(|got| *got >= wanted))
            );
            made?;
            let arrived = seen?.into_iter().filter(|arrival| arrival.events > 0);
            millis.extend(arrived.map(|it| (it.at - asked).as_secs_f64() * 1e3));
        }
        rounds.streams.add(&millis);
        rounds.stream_shares.add(self.delays("stream").await?.shares_since(begun));
        let (process, before) = (self.server.process()?, (streams.bytes, streams.total()));
        let flood = flood(&mut streams, self.load.flood, process, async |number| {
            // The role before was that of an even number.
            roles.change(usize::try_from(number)? + self.load.changes + 1).await
        });
        let (rate, cpu) = flood.await?;
        rounds.rate.push(rate);
        rounds.cpu.push(cpu);
        let events = streams.total() - before.1;
        Ok(usize::try_from((streams.bytes - before.0) / events.max(1))?)
    }
}

/// Makes so many changes, as fast as all viewers take them; deliveries a second, and microseconds of the
/// process for each. Every viewer has to get every one.
async fn flood(
    viewers: &mut Viewers,
    changes: u64,
    process: u32,
    mut change: impl AsyncFnMut(u64) -> Result<()>,
) -> Result<(f64, f64)> {
    let (before, began, cpu) = (viewers.got.clone(), Instant::now(), cpu_of(process)?);
    let behind = |got: &[u64]| {
        let got = got.iter().zip(&before).map(|(got, before)| got - before);
        got.min().unwrap_or_default()
    };
    for number in 0..changes {
        change(number).await?;
        viewers.until(|got| behind(got) + IN_FLIGHT > number).await?;
    }
    viewers.until(|got| behind(got) >= changes).await?;
    let delivered = viewers.total() - before.iter().sum::<u64>();
    ensure!(delivered == changes * before.len() as u64, "{delivered} deliveries: too many");
    let (time, cpu) = (began.elapsed().as_secs_f64(), cpu_of(process)? - cpu);
    Ok((delivered as f64 / time, cpu.as_secs_f64() * 1e6 / delivered as f64))
}

/// One member whose role goes to and fro.
struct Roles {
    connection: Connection,
    bearer: String,
}

impl Roles {
    async fn new(site: &Site) -> Result<Self> {
        let connection = Connection::open(site.server.address).await?;
        let mut roles = Self { connection, bearer: format!("Bearer {}", site.world.token) };
        // Where an earlier round left it is unknown, and the same role again is no change.
        roles.set("viewer").await?;
        Ok(roles)
    }

    async fn change(&mut self, number: usize) -> Result<()> {
        self.set(if number.is_multiple_of(2) { "developer" } else { "viewer" }).await
    }

    /// The number of the newest change of the organization.
    async fn last_change(&mut self) -> Result<String> {
        let headers = [("authorization", self.bearer.as_str())];
        let answer = self.connection.send(&get("/api/v1/activity?limit=1", &headers)).await?;
        let page: serde_json::Value = serde_json::from_slice(&answer.body)?;
        Ok(page["items"][0]["id"].as_str().context("a change has a number")?.to_owned())
    }

    async fn set(&mut self, role: &str) -> Result<()> {
        let body = json!({ "role": role }).to_string();
        let headers = [("authorization", self.bearer.as_str())];
        let path = "/api/v1/members/member-1";
        let asked = request("PATCH", path, &headers, body.as_bytes());
        let answer = self.connection.send(&asked).await?;
        ensure!(answer.status == 200, "{}", String::from_utf8_lossy(&answer.body));
        Ok(())
    }
}

/// The same from the peer, with events of so many bytes.
async fn bare(peer: &Peer, load: Load, bytes: usize, rounds: &mut Rounds) -> Result<()> {
    let listen = get("/", &[]);
    let mut viewers = Viewers::open(peer.address, vec![listen; load.viewers], 1).await?;
    let mut teller = Teller::new(peer.address, bytes).await?;
    let mut millis = Vec::new();
    for number in 0..load.changes {
        let (asked, wanted) = (Instant::now(), number as u64 + 2);
        let (told, seen) =
            tokio::join!(teller.tell(), viewers.until(|got| got.iter().all(|got| *got >= wanted)));
        told?;
        let arrived = seen?.into_iter().filter(|arrival| arrival.events > 0);
        millis.extend(arrived.map(|it| (it.at - asked).as_secs_f64() * 1e3));
    }
    rounds.peer.add(&millis);
    let flood = flood(&mut viewers, load.flood, peer.process(), async |_| teller.tell().await);
    let (rate, cpu) = flood.await?;
    rounds.peer_rate.push(rate);
    rounds.peer_cpu.push(cpu);
    Ok(())
}

struct Teller {
    connection: Connection,
    request: Vec<u8>,
}

impl Teller {
    async fn new(address: SocketAddr, bytes: usize) -> Result<Self> {
        let data = "x".repeat(bytes.checked_sub(28).context("an event has a kind")?);
        let event = format!("id: 1\nevent: change\ndata: {data}\n\n");
        let request = post("/", &[], event.as_bytes());
        Ok(Self { connection: Connection::open(address).await?, request })
    }

    async fn tell(&mut self) -> Result<()> {
        let answer = self.connection.send(&self.request).await?;
        ensure!(answer.status == 200, "the peer answered {}", answer.status);
        Ok(())
    }
}
