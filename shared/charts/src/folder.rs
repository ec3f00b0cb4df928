//! Folders and archives of this machine.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use gimlet_helm::chart::load::{self, LoadLimits};

use crate::error::FetchError;
use crate::fetched::Obtained;
use crate::metrics::Outcome;
use crate::shelf::{Form, Keep, listing};
use crate::work::{LARGEST_ARCHIVE, Workshop};

pub(crate) async fn fetch(
    shop: &Workshop,
    path: &str,
    place: &str,
) -> Result<Obtained, FetchError> {
    if !shop.policy.allow_local {
        let fault = "a server does not read charts of its own disk; name a Helm repository, a registry or a git \
                     repository";
        return Err(FetchError::not_allowed(place, fault));
    }
    let (own_path, own_place) = (path.to_owned(), place.to_owned());
    let read = shop.shelf.on_disk(move |_| read(Path::new(&own_path), &own_place));
    let cut_off = || FetchError::CutOff { place: place.to_owned() };
    let (bytes, form) = read.await.ok_or_else(cut_off)??;
    let (digest, chart) = shop.shelf.put(place, bytes, form, Keep::InMemory).await?;
    Ok(Obtained::new(digest, chart, Outcome::Fetched))
}

fn read(path: &Path, place: &str) -> Result<(Vec<u8>, Form), FetchError> {
    let disk = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => FetchError::NotFound { place: place.to_owned() },
        _ => FetchError::Disk { place: place.to_owned(), source: Arc::new(source) },
    };
    let about = fs::metadata(path).map_err(disk)?;
    if about.is_dir() {
        let fault = |source| FetchError::Chart { place: place.to_owned(), source };
        let files = load::folder_files(path, LoadLimits::default()).map_err(fault)?;
        return Ok((listing(files).map_err(fault)?, Form::Listing));
    }
    if !about.is_file() {
        let fault = "it is neither a folder nor a file";
        return Err(FetchError::source_fault(place, fault));
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(disk)?;
    file.take(LARGEST_ARCHIVE + 1).read_to_end(&mut bytes).map_err(disk)?;
    if bytes.len() as u64 > LARGEST_ARCHIVE {
        return Err(FetchError::TooLarge { place: place.to_owned(), limit: LARGEST_ARCHIVE });
    }
    Ok((bytes, Form::Archive))
}
