//! Charts that are there already: in memory as they were parsed, on the disk as they came.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use gimlet_helm::Dialect;
use gimlet_helm::chart::load::{self, Listed, LoadLimits};
use gimlet_helm::chart::{Chart, ChartError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::cache::Cache;
use crate::digest::Digest;
use crate::error::FetchError;

/// How much of parsed charts is held in memory, by the bytes of their files.
const MEMORY: u64 = 128 << 20;

/// How the files of a chart are written one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Form {
    /// As Helm packs charts.
    Archive,
    /// As [`listing`] writes those of a folder.
    Listing,
}

/// What an address led to, as it is noted on the disk.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Held {
    pub(crate) digest: Digest,
    pub(crate) form: Form,
    /// The commit, or the digest of the manifest, that it came from.
    pub(crate) revision: Option<String>,
    /// When the source last said so, in seconds since 1970.
    pub(crate) checked_at: u64,
}

/// Where a chart is held after it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// It was far away.
    OnDisk,
    /// It is on this machine anyway.
    InMemory,
}

/// The charts of a cache.
#[derive(Debug)]
pub(crate) struct Shelf {
    cache: Arc<Cache>,
    parsed: Mutex<Parsed>,
    dialect: Dialect,
}

#[derive(Debug, Default)]
struct Parsed {
    /// The last used stands last.
    charts: VecDeque<(Digest, u64, Arc<Chart>)>,
    bytes: u64,
}

impl Shelf {
    pub(crate) fn new(cache: Cache, dialect: Dialect) -> Self {
        Self { cache: Arc::new(cache), parsed: Mutex::default(), dialect }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// A chart that was parsed or kept before.
    pub(crate) async fn find(&self, digest: Digest, form: Form) -> Option<Arc<Chart>> {
        if let Some(chart) = self.remembered(digest) {
            return Some(chart);
        }
        let dialect = self.dialect;
        let read = self.on_disk(move |cache| parse(&cache.bytes(digest)?, form, dialect).ok());
        let chart = Arc::new(read.await??);
        self.remember(digest, &chart);
        Some(chart)
    }

    /// Parses what came from `place`; if it is a chart, it is remembered, and kept where that is worth it.
    pub(crate) async fn put(
        &self,
        place: &str,
        bytes: Vec<u8>,
        form: Form,
        keep: Keep,
    ) -> Result<(Digest, Arc<Chart>), FetchError> {
        let (dialect, digest) = (self.dialect, Digest::of(&bytes));
        let work = self.on_disk(move |cache| {
            let chart = parse(&bytes, form, dialect)?;
            if keep == Keep::OnDisk {
                // A full disk costs another fetch later, and no release now.
                let _ = cache.keep(digest, &bytes);
            }
            Ok(chart)
        });
        let cut_off = || FetchError::CutOff { place: place.to_owned() };
        let fault = |source| FetchError::Chart { place: place.to_owned(), source };
        let chart = Arc::new(work.await.ok_or_else(cut_off)?.map_err(fault)?);
        self.remember(digest, &chart);
        Ok((digest, chart))
    }

    pub(crate) async fn record<T: DeserializeOwned + Send + 'static>(
        &self,
        key: Digest,
    ) -> Option<T> {
        self.on_disk(move |cache| cache.record(key)).await?
    }

    /// Notes something; a disk that refuses costs another question later.
    pub(crate) async fn note<T: Serialize + Send + 'static>(&self, key: Digest, record: T) {
        self.on_disk(move |cache| cache.note(key, &record).is_ok()).await;
    }

    /// Works with the disk, or on something long, away from the runtime's threads. `None` when that is cut off.
    pub(crate) async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Cache) -> T + Send + 'static,
    ) -> Option<T> {
        let cache = Arc::clone(&self.cache);
        tokio::task::spawn_blocking(move || work(&cache)).await.ok()
    }

    fn remembered(&self, digest: Digest) -> Option<Arc<Chart>> {
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        let place = parsed.charts.iter().position(|(known, ..)| *known == digest)?;
        let entry = parsed.charts.remove(place)?;
        let chart = Arc::clone(&entry.2);
        parsed.charts.push_back(entry);
        Some(chart)
    }

    fn remember(&self, digest: Digest, chart: &Arc<Chart>) {
        let size = size(chart);
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if parsed.charts.iter().any(|(known, ..)| *known == digest) {
            return;
        }
        parsed.bytes += size;
        parsed.charts.push_back((digest, size, Arc::clone(chart)));
        while parsed.bytes > MEMORY
            && let Some((_, size, _)) = parsed.charts.pop_front()
        {
            parsed.bytes -= size;
        }
    }
}

/// Bytes of a chart's files; what is parsed of them is of their size.
fn size(chart: &Chart) -> u64 {
    let files = chart.templates.iter().chain(&chart.files);
    let own: usize = files.map(|file| file.data.len() + file.path.len()).sum();
    // For what is parsed already: the chart's description, values and schema.
    own as u64 + 64_000 + chart.dependencies.iter().map(|inner| size(inner)).sum::<u64>()
}

/// The files of a folder in one canonical row, whose digest is that of the folder.
pub(crate) fn listing(mut files: Vec<Listed>) -> Result<Vec<u8>, ChartError> {
    files.sort();
    postcard::to_allocvec(&files).map_err(|error| ChartError::Load(error.to_string()))
}

fn parse(bytes: &[u8], form: Form, dialect: Dialect) -> Result<Chart, ChartError> {
    let limits = LoadLimits::default();
    match form {
        Form::Archive => load::archive(bytes, dialect, limits),
        Form::Listing => {
            let files: Vec<Listed> =
                postcard::from_bytes(bytes).map_err(|error| ChartError::Load(error.to_string()))?;
            load::files(files, dialect, limits)
        }
    }
}
