//! A developer who pushes, waits until her clusters run it, and pushes again.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use gimlet_shared::ids::BootId;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::{
    source::AppName,
    world::{Developer, World, lock},
};
use crate::scripted_cluster::Effect;

/// What nobody may wait longer for: from a push to its applications being applied.
pub(super) const STUCK: Duration = Duration::from_secs(60);

/// After this, what is stuck counts as lost.
const LOST: Duration = Duration::from_secs(240);

/// How often several pushes follow on each other without waiting.
const BURSTS: f64 = 0.15;

/// How often the same delivery comes twice.
const REPLAYS: f64 = 0.1;

/// What was pushed, and what became of it.
#[derive(Debug, Default)]
pub(super) struct Pushed {
    /// Every head by application, in order; true where nothing was pushed over it before it was applied.
    pub(super) heads: Mutex<BTreeMap<AppName, Vec<(String, bool)>>>,
    /// From each last push to its being applied everywhere.
    pub(super) waits: Mutex<Vec<Duration>>,
    /// Application and head of everything that took longer than [`STUCK`].
    pub(super) stuck: Mutex<Vec<String>>,
    /// Releases that were asked for.
    pub(super) releases: AtomicU64,
}

/// Pushes until `is_over`.
///
/// # Errors
/// When git fails here, or something is lost.
pub(super) fn push_on(
    world: &World,
    mut developer: Developer,
    seed: u64,
    pushed: &Pushed,
    is_over: &AtomicBool,
) -> Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut applied = BTreeMap::new();
    let mut read = 0;
    let first = developer.source.head.clone();
    // The first commit was there when the repository was added; its head is released too.
    note(pushed, &developer.source.apps, &[(first, true)]);
    loop {
        let began = Instant::now();
        let head = developer.source.head.clone();
        let mut all_applied = |limit: Duration| {
            world.ledger.wait(limit.saturating_sub(began.elapsed()), |entries| {
                for entry in &entries[read..] {
                    if let Effect::Applied { environment, app, sha, .. } = &entry.effect {
                        let name = AppName { environment: environment.clone(), app: app.clone() };
                        applied.insert(name, sha.clone());
                    }
                }
                read = entries.len();
                let is_applied = |app: &AppName| applied.get(app) == Some(&head);
                developer.source.apps.iter().all(is_applied).then_some(())
            })
        };
        if all_applied(STUCK).is_none() {
            lock(&pushed.stuck).push(format!("{} of {:?}", head, developer.source.apps));
            if all_applied(LOST).is_none() {
                bail!("{head} is not applied after {} s", LOST.as_secs());
            }
        }
        lock(&pushed.waits).push(began.elapsed());
        if is_over.load(Ordering::Relaxed) {
            return Ok(());
        }
        push(world, &mut developer, &mut random, pushed)?;
    }
}

fn push(
    world: &World,
    developer: &mut Developer,
    random: &mut StdRng,
    pushed: &Pushed,
) -> Result<()> {
    let count = if random.random_bool(BURSTS) { random.random_range(2..=3) } else { 1 };
    let mut heads = Vec::new();
    for number in 1..=count {
        let before = developer.source.head.clone();
        let after = developer.source.push()?;
        heads.push((after.clone(), number == count));
        let delivery = BootId::new().to_string();
        // Nobody listens while the server is dead, and GitHub does not come again.
        let taken = world.api.deliver(&developer.added, &delivery, &before, &after);
        if taken && random.random_bool(REPLAYS) {
            world.api.deliver(&developer.added, &delivery, &before, &after);
        }
    }
    note(pushed, &developer.source.apps, &heads);
    Ok(())
}

fn note(pushed: &Pushed, apps: &[AppName], heads: &[(String, bool)]) {
    let mut all = lock(&pushed.heads);
    for app in apps {
        all.entry(app.clone()).or_default().extend_from_slice(heads);
    }
    let count = apps.len() * heads.len();
    pushed.releases.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
}
