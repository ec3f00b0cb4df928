//! The charts that come with this program: those of `charts/`, as they were when it was built.

use gimlet_helm::chart::load;
use gimlet_manifest::BuiltInChart;

use crate::error::FetchError;
use crate::fetched::Obtained;
use crate::metrics::Outcome;
use crate::shelf::{Form, Keep, listing};
use crate::versions;
use crate::work::Workshop;

/// A folder's name, and its files.
type Embedded = (&'static str, &'static [(&'static str, &'static [u8])]);

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The folder of a chart, and its own name.
pub(crate) fn name(chart: BuiltInChart) -> &'static str {
    match chart {
        BuiltInChart::Web => "web-application",
        BuiltInChart::CronJob => "cron-job",
        BuiltInChart::StaticSite => "static-site",
    }
}

pub(crate) async fn fetch(
    shop: &Workshop,
    chart: BuiltInChart,
    wanted: &str,
    place: &str,
) -> Result<Obtained, FetchError> {
    let name = name(chart);
    let files = EMBEDDED.iter().find(|(folder, _)| *folder == name).map(|(_, files)| *files);
    let missing = || FetchError::NotFound { place: place.to_owned() };
    let files = files.ok_or_else(missing)?;
    let fault = |source| FetchError::Chart { place: place.to_owned(), source };
    let listed = files.iter().map(|(path, data)| ((*path).to_owned(), data.to_vec())).collect();
    let listed = load::without_ignored(listed).and_then(listing).map_err(fault)?;
    let (digest, chart) = shop.shelf.put(place, listed, Form::Listing, Keep::InMemory).await?;
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
