//! What the door counts: what was written, and how often was asked.

use prometheus::{IntCounter, Registry};

/// Counters of everything that was written, shared by the clones of a store.
#[derive(Clone, Debug)]
pub(crate) struct Counts {
    use_cases: IntCounter,
    undone: IntCounter,
    commits: IntCounter,
    failed: IntCounter,
    reads: IntCounter,
}

/// What was written since the store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteCounts {
    /// Use cases whose changes are durable.
    pub use_cases: u64,
    /// Use cases that were undone.
    pub undone: u64,
    /// Transactions that were committed: on SQLite one shared by many use cases, with one fsync each.
    pub commits: u64,
    /// Transactions that could not be committed.
    pub failed: u64,
}

impl Counts {
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        Ok(Self {
            use_cases: IntCounter::new(
                "gimlet_store_use_cases_total",
                "Use cases whose changes are durable",
            )?,
            undone: IntCounter::new(
                "gimlet_store_use_cases_undone_total",
                "Use cases that were undone",
            )?,
            commits: IntCounter::new(
                "gimlet_store_commits_total",
                "Transactions that were committed",
            )?,
            failed: IntCounter::new(
                "gimlet_store_commits_failed_total",
                "Transactions that could not be committed",
            )?,
            reads: IntCounter::new(
                "gimlet_store_reads_total",
                "Statements that read what is committed",
            )?,
        })
    }

    pub(crate) fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        for counter in [&self.use_cases, &self.undone, &self.commits, &self.failed, &self.reads] {
            registry.register(Box::new(counter.clone()))?;
        }
        Ok(())
    }

    pub(crate) fn read(&self) -> WriteCounts {
        WriteCounts {
            use_cases: self.use_cases.get(),
            undone: self.undone.get(),
            commits: self.commits.get(),
            failed: self.failed.get(),
        }
    }

    /// A statement read, by itself.
    pub(crate) fn read_once(&self) {
        self.reads.inc();
    }

    /// Statements that read since the store was opened.
    pub(crate) fn reads(&self) -> u64 {
        self.reads.get()
    }

    /// A transaction of one use case was committed.
    pub(crate) fn committed_alone(&self) {
        self.committed(1);
    }

    /// A transaction of so many use cases was committed.
    pub(crate) fn committed(&self, use_cases: u64) {
        self.commits.inc();
        self.use_cases.inc_by(use_cases);
    }

    pub(crate) fn undid(&self, use_cases: u64) {
        self.undone.inc_by(use_cases);
    }

    pub(crate) fn failed(&self) {
        self.failed.inc();
    }
}
