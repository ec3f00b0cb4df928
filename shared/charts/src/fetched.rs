//! A chart, and how it was come by.

use std::fmt;
use std::sync::Arc;

use gimlet_helm::chart::Chart;

use crate::digest::Digest;
use crate::metrics::Outcome;

/// A chart that was fetched.
#[derive(Clone)]
pub struct FetchedChart {
    /// What it is.
    pub chart: Arc<Chart>,
    /// Of the archive; or of the files of a folder, in a form of our own.
    pub digest: Digest,
    /// As its `Chart.yaml` says.
    pub version: String,
    /// The git commit, or the digest of the registry's manifest, that it came from.
    pub revision: Option<String>,
    /// Where it came from, for people; free of credentials.
    pub origin: String,
    /// What people should know of it, such as that its source is away.
    pub note: Option<String>,
}

/// Without the chart's files, which may be long.
impl fmt::Debug for FetchedChart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchedChart")
            .field("name", &self.chart.metadata.name)
            .field("version", &self.version)
            .field("digest", &self.digest)
            .field("revision", &self.revision)
            .field("origin", &self.origin)
            .field("note", &self.note)
            .finish()
    }
}

/// What a source gave.
pub(crate) struct Obtained {
    pub(crate) chart: Arc<Chart>,
    pub(crate) digest: Digest,
    pub(crate) revision: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) outcome: Outcome,
}

impl Obtained {
    pub(crate) fn new(digest: Digest, chart: Arc<Chart>, outcome: Outcome) -> Self {
        Self { chart, digest, revision: None, note: None, outcome }
    }

    pub(crate) fn at(self, revision: Option<String>) -> Self {
        Self { revision, ..self }
    }

    /// With a note, if there is one; it was then had without its source.
    pub(crate) fn noted(self, note: Option<String>) -> Self {
        match note {
            Some(_) => Self { note, outcome: Outcome::WithoutSource, ..self },
            None => self,
        }
    }

    pub(crate) fn into_fetched(self, origin: String) -> FetchedChart {
        FetchedChart {
            version: self.chart.metadata.version.to_string(),
            chart: self.chart,
            digest: self.digest,
            revision: self.revision,
            origin,
            note: self.note,
        }
    }
}
