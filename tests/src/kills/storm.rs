//! `cargo prove storm`: a flood of webhooks, doubled, out of order and in part never delivered.
//!
//! Developers push branches to real repositories, and a git host tells of them, as GitHub does, at the real
//! server's port. Every head must become one artifact with one decision and one release, however often and
//! in whatever order it was told of; what was never told of is found by looking. What is forged is refused.

mod flood;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use self::flood::{Delivery, Flood, Kind};
use super::{
    api::{Added, ApiClient, push_event},
    plan::Database,
    proof::Verdict,
    source::{AppName, Source},
    world::{Ports, lock, server, sign_in_link, wait_until_ready},
};
use crate::{child::until, http, programs::Programs, steps::Steps};

/// Of all deliveries, so many tell what another has told already.
const DOUBLED: f64 = 0.3;
/// Of all heads, nobody tells of so many.
const LOST: f64 = 0.05;
/// Pushes come in so many rounds; what a round leaves over is delivered with a later one.
const ROUNDS: usize = 10;
/// Of what waits to be delivered, a round delivers so much.
const AT_ONCE: f64 = 0.7;
/// Branches of one repository; a look reads them all.
const BRANCHES: usize = 400;
/// One forged delivery of each kind for so many good ones.
const FORGED_EACH: usize = 100;
/// Far more than everything takes: what is not there by then is lost.
const PATIENCE: Duration = Duration::from_secs(900);
/// What a sender of webhooks may have to wait (R12 of the requirements); GitHub gives up after 10 s.
const LONGEST_P99: Duration = Duration::from_secs(2);

/// How much is proved.
#[derive(Clone, Debug)]
pub struct StormPlan {
    /// Where it runs.
    pub database: Database,
    /// Makes every choice; the same seed makes the same ones.
    pub seed: u64,
    /// Deliveries, doubled ones included, forged ones not.
    pub deliveries: usize,
    /// Where everything lies.
    pub folder: PathBuf,
}

/// A repository, and what was pushed to it.
struct Shop {
    source: Source,
    added: Added,
    branches: usize,
}

/// Everything that was pushed: heads by commit, with whether anybody told of them.
#[derive(Default)]
struct Pushed {
    heads: BTreeMap<String, bool>,
    /// Pushed when everything else had been looked at, and never told of.
    unannounced_last: usize,
}

/// Runs the proof.
///
/// # Errors
/// When something could not even be judged.
pub fn prove_storm(programs: &Programs, plan: &StormPlan, steps: &Steps) -> Result<Verdict> {
    let began = Instant::now();
    std::fs::create_dir_all(&plan.folder)?;
    let (runtime, ports) = (Arc::new(Runtime::new()?), Ports::free()?);
    let url = plan.database.fresh_url(&plan.folder)?;
    let child = Mutex::new(server(programs, &plan.folder, &url, ports));
    lock(&child).start(None)?;
    wait_until_ready(ports, &child)?;
    let link = sign_in_link(&lock(&child))?;
    let api = ApiClient::sign_in(Arc::clone(&runtime), ports.people, ports.agents, &link)?;
    api.connect_cluster("prod", None)?;
    let mut random = StdRng::seed_from_u64(plan.seed);
    let told = (float(plan.deliveries) * (1.0 - DOUBLED)).round();
    let lost = (told * LOST / (1.0 - LOST)).round();
    let (told, lost) = (whole(told), whole(lost));
    let mut shops = shops(plan, &api, (told + lost).div_ceil(BRANCHES).max(2))?;
    let mut flood = Flood::new(&runtime, ports.people);
    let mut pushed = Pushed::default();
    steps.step("Push, and deliver", || {
        storm(plan, (told, lost), &mut shops, &mut random, &mut flood, &mut pushed)
    })?;
    let count = shops.len() + pushed.heads.len();
    steps.step("Wait until everything that was told of is there", || wait_for(&api, count))?;
    // The last pushes are told of by nobody, and no look is due but the poll.
    let silent = push(&mut shops, lost / 2 + 1, &mut random)?;
    pushed.unannounced_last = silent.len();
    pushed.heads.extend(silent.into_iter().map(|head| (head.sha, false)));
    let count = shops.len() + pushed.heads.len();
    steps.step("Wait until the poll has found the rest", || wait_for(&api, count))?;
    let findings = judge(&api, ports, &shops, &pushed, &flood)?;
    let unknown = pushed.heads.values().filter(|told| !**told).count();
    let line = json!({
        "proof": "storm", "database": plan.database.name(), "seed": plan.seed,
        "deliveries": flood.count(Kind::Good) + flood.count(Kind::Double),
        "doubled": flood.count(Kind::Double), "refused": flood.count(Kind::Forged),
        "heads": pushed.heads.len(), "never_delivered": unknown,
        "found_by_poll_alone": pushed.unannounced_last, "repositories": shops.len(),
        "ack_ms": flood.figures(), "seconds": began.elapsed().as_secs(),
        "findings": findings.len(),
    });
    let cases = u64::try_from(pushed.heads.len())?;
    Ok(Verdict { line, findings, cases })
}

/// Repositories that have been looked at once: what they hold then was not pushed to us.
fn shops(plan: &StormPlan, api: &ApiClient, count: usize) -> Result<Vec<Shop>> {
    let folder = plan.folder.join("sources");
    let mut shops = Vec::new();
    for number in 0..count {
        let app = AppName { environment: "prod".to_owned(), app: format!("app-{number}") };
        let name = format!("shop-{number}");
        let source = Source::create_for_all_branches(&folder, &name, vec![app])?;
        let added = api.add_repository(&source.url(), &format!("acme/{name}"))?;
        shops.push(Shop { source, added, branches: 0 });
    }
    wait_for(api, count)?;
    let is_read = |shop: &Value| shop["last_polled_at"].is_string();
    let read = until(PATIENCE, || {
        api.all("repositories").ok().filter(|all| all.iter().all(is_read)).map(|_| ())
    });
    ensure!(read.is_some(), "the repositories were not looked at");
    Ok(shops)
}

/// A head that was pushed.
struct Head {
    shop: usize,
    branch: String,
    sha: String,
}

/// Pushes so many new branches, spread over the repositories.
fn push(shops: &mut [Shop], count: usize, random: &mut StdRng) -> Result<Vec<Head>> {
    let mut names = vec![Vec::new(); shops.len()];
    for _ in 0..count {
        let shop = random.random_range(0..shops.len());
        shops[shop].branches += 1;
        names[shop].push(format!("branch-{}", shops[shop].branches));
    }
    let mut heads = Vec::new();
    for (shop, names) in names.into_iter().enumerate().filter(|(_, names)| !names.is_empty()) {
        let shas = shops[shop].source.push_branches(&names)?;
        let of_shop = names.into_iter().zip(shas);
        heads.extend(of_shop.map(|(branch, sha)| Head { shop, branch, sha }));
    }
    Ok(heads)
}

/// All rounds of pushes and deliveries.
fn storm(
    plan: &StormPlan,
    (told, lost): (usize, usize),
    shops: &mut [Shop],
    random: &mut StdRng,
    flood: &mut Flood,
    pushed: &mut Pushed,
) -> Result<()> {
    // Half of what nobody tells of is pushed along, the other half at the very end.
    let along = lost - (lost / 2 + 1).min(lost);
    let doubles = plan.deliveries - told;
    let mut waiting: Vec<Delivery> = Vec::new();
    for round in 0..ROUNDS {
        let share = |all: usize| all * (round + 1) / ROUNDS - all * round / ROUNDS;
        let mut heads = push(shops, share(told) + share(along), random)?;
        heads.shuffle(random);
        let silent = heads.split_off(share(told));
        pushed.heads.extend(silent.into_iter().map(|head| (head.sha, false)));
        let mut new: Vec<Delivery> =
            heads.iter().map(|head| delivery(&shops[head.shop], head)).collect();
        pushed.heads.extend(heads.into_iter().map(|head| (head.sha, true)));
        new.shuffle(random);
        let again: Vec<Delivery> = new.iter().take(share(doubles)).map(Delivery::again).collect();
        let forged: Vec<Delivery> =
            new.iter().step_by(FORGED_EACH).flat_map(Delivery::forged).collect();
        waiting.extend(new.into_iter().chain(again).chain(forged));
        waiting.shuffle(random);
        let last = round + 1 == ROUNDS;
        let now = if last { waiting.len() } else { whole(float(waiting.len()) * AT_ONCE) };
        flood.send(waiting.drain(..now).collect())?;
    }
    Ok(())
}

fn delivery(shop: &Shop, head: &Head) -> Delivery {
    let body = push_event(&head.branch, &"0".repeat(40), &head.sha);
    Delivery::new(&shop.added, body)
}

/// Waits until there are so many artifacts.
fn wait_for(api: &ApiClient, count: usize) -> Result<()> {
    let began = Instant::now();
    loop {
        let found = api.all("artifacts")?.len();
        if found >= count {
            return Ok(());
        }
        ensure!(began.elapsed() < PATIENCE, "{found} of {count} heads were found");
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Compares what was pushed with what the server made of it.
fn judge(
    api: &ApiClient,
    ports: Ports,
    shops: &[Shop],
    pushed: &Pushed,
    flood: &Flood,
) -> Result<Vec<String>> {
    let mut findings = flood.findings(LONGEST_P99);
    let (artifacts, releases) = (api.all("artifacts")?, api.releases()?);
    let mut of_sha: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for artifact in &artifacts {
        of_sha.entry(artifact["sha"].as_str().unwrap_or_default()).or_default().push(artifact);
    }
    let mut released: BTreeMap<&str, usize> = BTreeMap::new();
    for release in &releases {
        *released.entry(release["sha"].as_str().unwrap_or_default()).or_default() += 1;
    }
    for sha in pushed.heads.keys() {
        let found = of_sha.get(sha.as_str()).map(Vec::as_slice).unwrap_or_default();
        let decisions = found.iter().flat_map(|one| one["decisions"].as_array()).flatten();
        let good = decisions.clone().filter(|one| one["release"].is_string()).count();
        let count = released.get(sha.as_str()).copied().unwrap_or_default();
        if (found.len(), decisions.count(), good, count) != (1, 1, 1, 1)
            || found[0]["is_head"] != true
        {
            findings.push(format!("{sha}: {} artifacts, {count} releases: {found:?}", found.len()));
        }
    }
    let expected = shops.len() + pushed.heads.len();
    if (artifacts.len(), releases.len()) != (expected, expected) {
        let (artifacts, releases) = (artifacts.len(), releases.len());
        findings.push(format!("{artifacts} artifacts and {releases} releases, not {expected}"));
    }
    let metrics = http::get(ports.health, "/metrics")?.body;
    findings.extend(flood.metrics_findings(&metrics));
    Ok(findings)
}

#[expect(clippy::cast_precision_loss, reason = "counts of deliveries are small")]
fn float(count: usize) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "shares of counts of deliveries"
)]
fn whole(share: f64) -> usize {
    share as usize
}
