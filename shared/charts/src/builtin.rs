//! The charts that come with this program: those of `charts/`, as they were when it was built.

use std::sync::Arc;

use gimlet_helm::chart::{Chart, load};
use gimlet_manifest::BuiltInChart;

use crate::digest::Digest;
use crate::error::FetchError;
use crate::fetched::Obtained;
use crate::metrics::Outcome;
use crate::shelf::{Form, Keep, listing};
use crate::work::Workshop;
use crate::{stand_in, versions};

/// A folder's name, and its files.
type Embedded = (&'static str, &'static [File]);

/// A file's path within its chart, and what is in it.
pub(crate) type File = (&'static str, &'static [u8]);

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

pub(crate) async fn fetch(
    shop: &Workshop,
    chart: BuiltInChart,
    wanted: &str,
    place: &str,
) -> Result<Obtained, FetchError> {
    let name = chart.folder();
    let (files, digest, carried) = carried(shop, name, place).await?;
    if chart == BuiltInChart::OneChart {
        // The numbers of OneChart's versions say nothing of ours.
        let chart = stand_in::with_defaults(&carried, files);
        let chart =
            chart.map_err(|source| FetchError::Chart { place: place.to_owned(), source })?;
        return Ok(Obtained::new(digest, Arc::new(chart), Outcome::Cached));
    }
    let chart = carried;
    let (version, dialect) = (&*chart.metadata.version, shop.shelf.dialect());
    if versions::pick([version].into_iter(), wanted, dialect).is_none() {
        return Err(FetchError::NoVersion {
            place: format!("built-in chart {name}"),
            wanted: wanted.to_owned(),
            hint: versions::hint([version].into_iter(), wanted, dialect),
        });
    }
    Ok(Obtained::new(digest, chart, Outcome::Cached))
}

/// The built-in chart that takes the place of one of OneChart's, whose repository is away.
pub(crate) async fn stand_in(
    shop: &Workshop,
    name: &str,
    place: &str,
    why: &FetchError,
) -> Result<Obtained, FetchError> {
    let folder = stand_in::folder(name);
    let folder = folder.ok_or_else(|| FetchError::NotFound { place: place.to_owned() })?;
    let (files, digest, carried) = carried(shop, folder, place).await?;
    let fault = |source| FetchError::Chart { place: place.to_owned(), source };
    let chart = Arc::new(stand_in::with_defaults(&carried, files).map_err(fault)?);
    let note = format!(
        "{why}; the built-in chart with the same values takes its place, and its read-me names the differences"
    );
    Ok(Obtained::new(digest, chart, Outcome::WithoutSource).noted(Some(note)))
}

async fn carried(
    shop: &Workshop,
    name: &str,
    place: &str,
) -> Result<(&'static [File], Digest, Arc<Chart>), FetchError> {
    let files = EMBEDDED.iter().find(|(folder, _)| *folder == name).map(|(_, files)| *files);
    let files = files.ok_or_else(|| FetchError::NotFound { place: place.to_owned() })?;
    let fault = |source| FetchError::Chart { place: place.to_owned(), source };
    let listed = files.iter().map(|(path, data)| ((*path).to_owned(), data.to_vec())).collect();
    let listed = load::without_ignored(listed).and_then(listing).map_err(fault)?;
    let (digest, chart) = shop.shelf.put(place, listed, Form::Listing, Keep::InMemory).await?;
    Ok((files, digest, chart))
}
