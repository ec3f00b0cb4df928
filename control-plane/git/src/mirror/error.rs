//! Why a mirror could not be brought up to date.

use std::path::PathBuf;

use crate::ReadError;
use crate::read::CutShort;
use crate::remote::RemoteError;

/// Why a mirror could not be made or brought up to date. What it held before is still there.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// The host gave nothing.
    #[error("the source repository could not be fetched")]
    Remote(#[from] RemoteError),
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

impl From<CutShort> for MirrorError {
    fn from(source: CutShort) -> Self {
        Self::Read(source.into())
    }
}
