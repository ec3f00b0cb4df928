//! Why a chart is not there.

use std::sync::Arc;

use gimlet_helm::chart::ChartError;
use gimlet_remote::{RemoteError, RemoteErrorKind};

use crate::digest::Digest;

/// Why a chart was not fetched. Texts name the place and what to do, and hold no credentials; what is deployed
/// stays as it is.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FetchError {
    /// The source is not written as such sources are.
    #[error("{place}: {fault}")]
    Source {
        /// The source.
        place: String,
        /// What is wrong with it, and how it is right.
        fault: String,
    },
    /// The policy says no.
    #[error("{place}: {fault}")]
    NotAllowed {
        /// The source.
        place: String,
        /// What is not allowed, and who could allow it.
        fault: String,
    },
    /// Nobody answers, or not to the end.
    #[error("{place} cannot be reached: {detail}; try again, or check the address")]
    Unreachable {
        /// The address.
        place: String,
        /// What was seen.
        detail: String,
    },
    /// Credentials are missing, wrong, or not enough.
    #[error("{place} refuses access ({detail}); check the credentials that are set for it")]
    Denied {
        /// The address.
        place: String,
        /// What was seen.
        detail: String,
    },
    /// There is no such thing.
    #[error("{place} was not found; check its name")]
    NotFound {
        /// What.
        place: String,
    },
    /// The chart is there, but in no such version.
    #[error("{place} has no version {wanted:?}{hint}")]
    NoVersion {
        /// The chart.
        place: String,
        /// What was asked for.
        wanted: String,
        /// What there is.
        hint: String,
    },
    /// What came is not what such a source gives.
    #[error("{place} gave something that cannot be used: {fault}")]
    Malformed {
        /// The address.
        place: String,
        /// What is wrong.
        fault: String,
    },
    /// It is larger than is taken.
    #[error("{place} is larger than the {limit} bytes that are taken")]
    TooLarge {
        /// The address.
        place: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// What came is not what its index or manifest announces.
    #[error(
        "{place} has the digest {found}, but {expected} was announced; the file was changed or damaged after it \
         was published: publish it again"
    )]
    WrongDigest {
        /// The address.
        place: String,
        /// What was announced.
        expected: Digest,
        /// What came.
        found: Digest,
    },
    /// A git repository could not be used.
    #[error("{place} could not be read")]
    Git {
        /// The source.
        place: String,
        /// Why.
        source: Arc<RemoteError>,
    },
    /// What came is no chart.
    #[error("{place} is no usable chart")]
    Chart {
        /// The source.
        place: String,
        /// Why.
        source: ChartError,
    },
    /// The folder of the cache, or a folder of the machine, cannot be used.
    #[error("cannot use {place}")]
    Disk {
        /// The path.
        place: String,
        /// What the operating system says.
        source: Arc<std::io::Error>,
    },
    /// The work itself was cut off.
    #[error("{place}: the fetch was cut off; try again")]
    CutOff {
        /// The source.
        place: String,
    },
}

impl FetchError {
    /// Whether it may go away by itself: worth another try, and the cache may stand in.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::CutOff { .. } => true,
            Self::Git { source, .. } => source.kind() == RemoteErrorKind::Unreachable,
            Self::Source { .. }
            | Self::NotAllowed { .. }
            | Self::Denied { .. }
            | Self::NotFound { .. }
            | Self::NoVersion { .. }
            | Self::Malformed { .. }
            | Self::TooLarge { .. }
            | Self::WrongDigest { .. }
            | Self::Chart { .. }
            | Self::Disk { .. } => false,
        }
    }

    pub(crate) fn source_fault(place: impl ToString, fault: impl Into<String>) -> Self {
        Self::Source { place: place.to_string(), fault: fault.into() }
    }

    pub(crate) fn not_allowed(place: impl ToString, fault: impl Into<String>) -> Self {
        Self::NotAllowed { place: place.to_string(), fault: fault.into() }
    }

    pub(crate) fn malformed(place: impl ToString, fault: impl Into<String>) -> Self {
        Self::Malformed { place: place.to_string(), fault: fault.into() }
    }
}
