//! What all sources work with.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gimlet_remote::Git;
use tokio::sync::Semaphore;
use url::Url;

use crate::access::Access;
use crate::error::FetchError;
use crate::policy::Policy;
use crate::repository::Indexes;
use crate::shelf::Shelf;
use crate::source::shown;
use crate::web::{Authorization, Web};

/// The largest archive that is taken, in bytes. The largest public charts have a tenth of that.
pub(crate) const LARGEST_ARCHIVE: u64 = 20 << 20;

/// The tools of a fetch.
#[derive(Debug)]
pub(crate) struct Workshop {
    pub(crate) web: Web,
    pub(crate) git: Git,
    pub(crate) shelf: Shelf,
    pub(crate) indexes: Indexes,
    pub(crate) policy: Arc<Policy>,
    /// Where `git` may work.
    pub(crate) drafts: PathBuf,
    /// For how long what a source said is taken for true.
    pub(crate) time_to_live: Duration,
    pub(crate) git_turns: Semaphore,
}

impl Workshop {
    pub(crate) fn is_fresh(&self, checked_at: u64) -> bool {
        now().saturating_sub(checked_at) < self.time_to_live.as_secs()
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map(|it| it.as_secs()).unwrap_or_default()
}

/// How long ago that was, for people.
pub(crate) fn age(checked_at: u64) -> String {
    match now().saturating_sub(checked_at) {
        seconds @ 0..120 => format!("{seconds} seconds ago"),
        seconds @ 120..7_200 => format!("{} minutes ago", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} hours ago", seconds / 3_600),
        seconds => format!("{} days ago", seconds / 86_400),
    }
}

/// The address of a folder, to which names are joined.
pub(crate) fn address(text: &str, place: &str) -> Result<Url, FetchError> {
    let fault = |fault: &str| FetchError::source_fault(place, fault);
    let mut url = Url::parse(text).map_err(|_| fault("its address is no URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fault("its address holds credentials; set them apart from it"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(fault("its address has no host"));
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// A name, or a whole address, as `folder` names it. Names get the folder's query, which may be a signature.
pub(crate) fn join(folder: &Url, name: &str, place: &str) -> Result<Url, FetchError> {
    let joined = folder.join(name);
    let mut url = joined.map_err(|_| FetchError::malformed(place, "an address that is no URL"))?;
    if url.origin() == folder.origin() && url.query().is_none() && Url::parse(name).is_err() {
        url.set_query(folder.query());
    }
    if !url.username().is_empty() || url.password().is_some() {
        let text = format!("an address with credentials, {}", shown(&url));
        return Err(FetchError::malformed(place, text));
    }
    Ok(url)
}

/// The credentials for the host of `url`, if there are any.
pub(crate) fn authorization(
    access: &Access,
    url: &Url,
    place: &str,
) -> Result<Option<Authorization>, FetchError> {
    let Some(auth) = access.auth() else { return Ok(None) };
    let fault = "the token holds characters that no header can carry; copy it again";
    let header = auth.header().ok_or_else(|| FetchError::source_fault(place, fault))?;
    Ok(Some(Authorization { header, origin: url.origin() }))
}
