//! Where Helm charts come from: those that Gimlet carries, and folders on the disk of whoever asks.
//!
//! [`find`] is for the control plane, which reads nobody's disk; [`find_locally`] for the command line. Neither
//! reaches the network: a chart that lies elsewhere is a [`ChartFault::Elsewhere`], whose text says what to do.

mod built_in;
mod error;
mod stand_in;

use std::{path::Path, sync::Arc};

pub use gimlet_helm::chart::Chart;
use gimlet_helm::{
    Dialect,
    chart::load::{self, LoadLimits},
};
use gimlet_manifest::ChartSource;

pub use error::ChartFault;

/// Whose rules charts are read by.
pub const DIALECT: Dialect = Dialect::Helm3;

/// A chart, and what its user should know of it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The chart.
    pub chart: Arc<Chart>,
    /// What is not as the manifest says.
    pub note: Option<String>,
}

/// Finds a chart without leaving this process.
///
/// # Errors
/// [`ChartFault`]: what is asked for is not carried, or not in that version, or lies elsewhere.
pub fn find(source: &ChartSource) -> Result<Found, ChartFault> {
    match source {
        ChartSource::BuiltIn { chart, version } => {
            let chart = built_in::chart(*chart, version)?;
            Ok(Found { chart, note: None })
        }
        ChartSource::Repository { url, name, version } => match stand_in::of(url, name) {
            Some((defaults, chart)) => Ok(Found {
                chart: built_in::with(chart, defaults)?,
                note: Some(stand_in::note(name, version)),
            }),
            None => Err(ChartFault::Elsewhere { chart: source.to_string() }),
        },
        ChartSource::Git(_) | ChartSource::Oci { .. } => {
            Err(ChartFault::Elsewhere { chart: source.to_string() })
        }
        ChartSource::Folder { path } => Err(ChartFault::Folder { path: path.clone() }),
    }
}

/// Finds a chart, in a folder or an archive of this machine too. A path that is not absolute starts at `from`.
///
/// # Errors
/// As [`find`], and [`ChartFault::Unreadable`] where a folder is no chart.
pub fn find_locally(source: &ChartSource, from: &Path) -> Result<Found, ChartFault> {
    let ChartSource::Folder { path } = source else { return find(source) };
    let read = load::path(&from.join(path), DIALECT, LoadLimits::default());
    let chart = read.map_err(|error| ChartFault::Unreadable {
        chart: path.clone(),
        reason: error.to_string(),
    })?;
    Ok(Found { chart: Arc::new(chart), note: None })
}

#[cfg(test)]
mod tests;
