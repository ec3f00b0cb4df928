//! Why a chart was not found.

/// Why a chart was not found; each text says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChartFault {
    /// It would have to be fetched.
    #[error(
        "{chart} would have to be fetched, which Gimlet does not do yet; let Flux fetch and install it with \
         `chart.install: flux`, or use a built-in chart"
    )]
    Elsewhere {
        /// Which one, and where it lies.
        chart: String,
    },
    /// It lies on a disk that is not ours to read.
    #[error(
        "{path} is a folder, which only the command line reads; use a built-in chart, or put what \
         `helm template` prints in `manifests`"
    )]
    Folder {
        /// As it is written.
        path: String,
    },
    /// The version is not the one that is carried.
    #[error(
        "the built-in chart {chart} has version {carried}, which `{asked}` leaves out; remove `version`"
    )]
    Version {
        /// Which chart.
        chart: &'static str,
        /// What there is.
        carried: String,
        /// What was asked for.
        asked: String,
    },
    /// It is no chart.
    #[error("{chart} cannot be read as a chart: {reason}")]
    Unreadable {
        /// Which one.
        chart: String,
        /// What is wrong with it.
        reason: String,
    },
}
