//! The charts that Gimlet carries.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use gimlet_helm::{
    chart::{
        Chart, ChartError,
        load::{self, LoadLimits},
        overrides::Overrides,
    },
    semver::{Constraints, Version},
};
use gimlet_manifest::BuiltInChart;

use crate::{ChartFault, DIALECT};

/// A file's path within its chart, and what is in it.
type Packed = (&'static str, &'static [u8]);

/// Every chart's folder, and its files.
static PACKED: &[(&str, &[Packed])] = include!(concat!(env!("OUT_DIR"), "/charts.rs"));

/// A chart's own defaults.
const VALUES: &str = "values.yaml";
/// What stands above them where a chart takes the place of OneChart's.
const ONE_CHART: &str = "onechart.yaml";

/// What a chart does where values say nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Defaults {
    /// What it does by itself: safe before anything else.
    Own,
    /// What OneChart's did.
    OneChart,
}

/// Each chart that was asked for before. They never change.
static LOADED: LazyLock<HashMap<(&'static str, Defaults), Result<Arc<Chart>, ChartFault>>> =
    LazyLock::new(|| {
        let all = PACKED.iter().flat_map(|(folder, files)| {
            [Defaults::Own, Defaults::OneChart].map(|defaults| {
                let loaded = load(files, defaults).map(Arc::new);
                let unreadable = |error: ChartError| ChartFault::Unreadable {
                    chart: (*folder).to_owned(),
                    reason: error.to_string(),
                };
                ((*folder, defaults), loaded.map_err(unreadable))
            })
        });
        all.collect()
    });

/// A chart that is asked for by its own name.
pub(crate) fn chart(chart: BuiltInChart, version: &str) -> Result<Arc<Chart>, ChartFault> {
    // The numbers of OneChart's versions say nothing of ours.
    if chart == BuiltInChart::OneChart {
        return with(chart, Defaults::OneChart);
    }
    let found = with(chart, Defaults::Own)?;
    if allows(version, &found.metadata.version) {
        return Ok(found);
    }
    Err(ChartFault::Version {
        chart: chart.folder(),
        carried: found.metadata.version.to_string(),
        asked: version.to_owned(),
    })
}

/// A chart with these defaults.
pub(crate) fn with(chart: BuiltInChart, defaults: Defaults) -> Result<Arc<Chart>, ChartFault> {
    let folder = chart.folder();
    LOADED.get(&(folder, defaults)).cloned().unwrap_or_else(|| {
        Err(ChartFault::Unreadable { chart: folder.to_owned(), reason: "it is not packed".into() })
    })
}

fn load(files: &[Packed], defaults: Defaults) -> Result<Chart, ChartError> {
    let owned = files.iter().map(|(path, data)| ((*path).to_owned(), data.to_vec())).collect();
    let mut chart = load::files(owned, DIALECT, LoadLimits::default())?;
    if defaults == Defaults::OneChart {
        let above = files.iter().filter(|(path, _)| [VALUES, ONE_CHART].contains(path));
        let mut both: Vec<_> =
            above.map(|(path, data)| ((*path).to_owned(), data.to_vec())).collect();
        both.sort_by_key(|(path, _)| path == ONE_CHART);
        let values = Overrides { files: both, ..Overrides::default() };
        let no_file = |path: &str| Err(format!("{path} is not read"));
        chart.values = values.merge(DIALECT, &no_file)?.freeze();
    }
    Ok(chart)
}

/// Whether a version is one of those that are asked for; nothing asks for any.
fn allows(asked: &str, carried: &str) -> bool {
    if asked.is_empty() {
        return true;
    }
    match (Constraints::parse(asked, DIALECT), Version::parse(carried, DIALECT)) {
        (Ok(asked), Ok(carried)) => asked.allow(&carried),
        (Err(_), _) | (_, Err(_)) => false,
    }
}
