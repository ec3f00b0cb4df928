//! Where the charts of manifests come from.

use std::{collections::BTreeSet, path::Path};

use gimlet_charts::{Charts, Hosts, OpenError, Options, Policy};
use gimlet_git::remote::HostPolicy;

/// Opens the folder of fetched charts in the data directory. What may be dialled for repositories may be dialled for
/// charts; nobody's folders are read.
///
/// # Errors
/// When the folder, or the client for requests, cannot be used.
pub fn open_charts(data_dir: &Path, policy: HostPolicy) -> Result<Charts, OpenError> {
    let hosts =
        if policy.allow_private { Hosts::Any } else { Hosts::Public { allowed: BTreeSet::new() } };
    let git = gimlet_charts::Git::new(data_dir.join("git-home"));
    Charts::open(Options::new(data_dir.join("charts"), Policy { hosts, ..Policy::server([]) }, git))
}
