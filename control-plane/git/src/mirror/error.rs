//! Why a mirror could not be brought up to date.

use std::path::PathBuf;

use crate::ReadError;
use crate::read::CutShort;
use crate::remote::{RemoteError, RemoteErrorKind};

/// Why a mirror could not be made or brought up to date. What it held before is still there.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// The host gave nothing.
    #[error("the source repository could not be fetched")]
    Remote(#[from] RemoteError),
    /// It has more branches and tags than are followed.
    #[error(
        "the repository has {count} branches and tags, and at most {} are followed; delete those that are \
         done with",
        super::MOST_REFS
    )]
    TooManyRefs {
        /// How many it has.
        count: usize,
    },
    /// It is larger than a mirror may be.
    #[error(
        "the repository is larger than {} GiB, the most that is mirrored; move large files to LFS, or split it",
        super::LARGEST_MIRROR >> 30
    )]
    TooLarge,
    /// The mirror could not be read.
    #[error("the mirror could not be read")]
    Read(#[from] ReadError),
    /// The disk refuses.
    #[error("the mirror {path} could not be written")]
    Write {
        /// The mirror's directory.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
}

impl MirrorError {
    /// Whether another try may go well without anyone doing anything about it.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Remote(error) => error.kind() == RemoteErrorKind::Unreachable,
            Self::Write { .. } => true,
            Self::Read(_) | Self::TooManyRefs { .. } | Self::TooLarge => false,
        }
    }
}

impl From<CutShort> for MirrorError {
    fn from(source: CutShort) -> Self {
        Self::Read(source.into())
    }
}
