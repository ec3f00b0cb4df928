//! Developers who push, and what becomes of it: the ledger says when an application runs what was pushed.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use gimlet_shared::ids::BootId;

use super::{
    oracle::Heads,
    plan::{Hook, Patience, Push},
    source::AppName,
    tally::Tally,
    world::{Developer, World, lock},
};
use crate::scripted_cluster::Effect;

/// A push that took longer to come through is told of, with what hit it: it is not stuck, but worth a look.
const SLOW: Duration = Duration::from_secs(20);

/// How often the ledger is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// See the [module](self).
pub(super) struct Pushes<'a> {
    world: &'a World,
    tally: &'a Tally,
    patience: Patience,
    developers: Vec<Developer>,
    /// What each repository waits for.
    waiting: BTreeMap<usize, Waiting>,
    /// Entries of the ledger that were looked at.
    read: usize,
    /// Every head by application, in order; true where nothing was pushed over it before it was applied.
    pub(super) heads: Heads,
    /// Application and head of everything that took too long.
    pub(super) stuck: Vec<String>,
}

/// A push whose head does not run everywhere yet.
struct Waiting {
    head: String,
    since: Instant,
    left: BTreeSet<AppName>,
    is_stuck: bool,
    /// The blows since.
    hits: Vec<String>,
}

impl<'a> Pushes<'a> {
    pub(super) fn new(
        world: &'a World,
        developers: Vec<Developer>,
        tally: &'a Tally,
        patience: Patience,
    ) -> Self {
        let mut pushes = Self {
            world,
            tally,
            patience,
            developers,
            waiting: BTreeMap::new(),
            read: 0,
            heads: Heads::new(),
            stuck: Vec::new(),
        };
        for repository in 0..pushes.developers.len() {
            // The first commit was there when the repository was added; its head is released too.
            let first = pushes.developers[repository].source.head.clone();
            pushes.note(repository, &[first]);
        }
        pushes
    }

    /// Pushes to a repository, once its last push has come through.
    ///
    /// # Errors
    /// When git fails here, or something is lost.
    pub(super) fn push(&mut self, push: Push) -> Result<()> {
        self.wait_for(push.repository)?;
        let developer = &mut self.developers[push.repository];
        let mut heads = Vec::new();
        for _ in 0..push.commits {
            let before = developer.source.head.clone();
            let after = developer.source.push()?;
            heads.push(after.clone());
            let delivery = BootId::new().to_string();
            let times = match push.hook {
                Hook::Once => 1,
                Hook::Twice => 2,
                Hook::Never => 0,
            };
            // Nobody listens while the server is dead, and GitHub does not come again.
            for _ in 0..times {
                self.world.api.deliver(&developer.added, &delivery, &before, &after);
            }
        }
        self.note(push.repository, &heads);
        Ok(())
    }

    /// A program was hit: whatever is on its way may take longer.
    pub(super) fn hit(&mut self, blow: &str) {
        for waiting in self.waiting.values_mut() {
            waiting.hits.push(blow.to_owned());
        }
    }

    /// A repository whose last push has come through.
    pub(super) fn find_idle(&self) -> Option<usize> {
        (0..self.developers.len()).find(|repository| !self.waiting.contains_key(repository))
    }

    /// Waits until the last push to a repository has come through.
    ///
    /// # Errors
    /// When it is lost.
    pub(super) fn wait_for(&mut self, repository: usize) -> Result<()> {
        loop {
            self.look()?;
            if !self.waiting.contains_key(&repository) {
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
    }

    /// The same for all of them.
    ///
    /// # Errors
    /// When one is lost.
    pub(super) fn wait_for_all(&mut self) -> Result<()> {
        (0..self.developers.len()).try_for_each(|repository| self.wait_for(repository))
    }

    /// Looks at what has come through since the last look.
    ///
    /// # Errors
    /// When a push is lost.
    pub(super) fn look(&mut self) -> Result<()> {
        let read = self.read;
        let news = self.world.ledger.wait(Duration::ZERO, |all| Some(all[read..].to_vec()));
        let news = news.unwrap_or_default();
        self.read += news.len();
        for entry in news {
            if let Effect::Applied { environment, app, sha, .. } = entry.effect {
                self.applied(&AppName { environment, app }, &sha);
            }
        }
        for waiting in self.waiting.values_mut() {
            let waited = waiting.since.elapsed();
            if waited > self.patience.stuck && !waiting.is_stuck {
                waiting.is_stuck = true;
                self.stuck.push(format!("{} of {:?}", waiting.head, waiting.left));
            }
            if waited > self.patience.lost {
                bail!("{} is not applied after {} s", waiting.head, waited.as_secs());
            }
        }
        Ok(())
    }

    fn applied(&mut self, app: &AppName, sha: &str) {
        let (tally, waiting) = (self.tally, &mut self.waiting);
        waiting.retain(|_, waiting| {
            if waiting.head == sha && waiting.left.remove(app) {
                Tally::add(&tally.applied, 1);
                if waiting.left.is_empty() {
                    let waited = waiting.since.elapsed();
                    lock(&tally.waits).push(waited);
                    if waited > SLOW {
                        let (head, hits) = (&waiting.head, waiting.hits.join(", "));
                        let seconds = waited.as_secs();
                        lock(&tally.slow).push(format!("{head} took {seconds} s, hit by {hits}"));
                    }
                }
            }
            !waiting.left.is_empty()
        });
    }

    fn note(&mut self, repository: usize, heads: &[String]) {
        let Some(head) = heads.last() else { return };
        let apps = &self.developers[repository].source.apps;
        for app in apps {
            let known = self.heads.entry(app.clone()).or_default();
            known.extend(heads.iter().map(|it| (it.clone(), it == head)));
        }
        Tally::add(&self.tally.releases, apps.len() * heads.len());
        let left = apps.iter().cloned().collect();
        let waiting = Waiting {
            head: head.clone(),
            since: Instant::now(),
            left,
            is_stuck: false,
            hits: Vec::new(),
        };
        self.waiting.insert(repository, waiting);
    }
}
