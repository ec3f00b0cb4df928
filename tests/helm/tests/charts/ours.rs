//! What our own rendering makes of the cases of our charts.

use std::sync::Arc;

use gimlet_helm::{
    Dialect, Limits, Settings,
    chart::{
        ChartError,
        capabilities::Capabilities,
        load::{self, LoadLimits},
        overrides::Overrides,
        render::{Printing, Release as Named, Rendered, render},
    },
};
use gimlet_helm_cases::{
    Outcome, Release,
    charts::{self, Case},
};

/// Renders a case as one release of Helm would.
pub(crate) fn rendered(chart: &str, case: &Case, release: Release) -> Result<Rendered, ChartError> {
    let dialect = match release {
        Release::Three => Dialect::Helm3,
        Release::Four => Dialect::Helm4,
    };
    let texts = case.files(chart).map_err(|error| ChartError::Values(format!("{error:#}")))?;
    let files = texts.into_iter().enumerate();
    let files = files.map(|(number, text)| (format!("values-{number}.yaml"), text.into_bytes()));
    let given = Overrides { files: files.collect(), ..Overrides::default() };
    let no_files = |path: &str| Err(format!("open {path}: no such file or directory"));
    let given = given.merge(dialect, &no_files)?;
    let folder = charts::folder(chart).canonicalize();
    let folder = folder.map_err(|error| ChartError::Load(error.to_string()))?;
    let chart = Arc::new(load::path(&folder, dialect, LoadLimits::default())?);
    let named = Named {
        name: case.release.clone(),
        namespace: "default".to_owned(),
        is_upgrade: false,
        capabilities: Capabilities::assumed(dialect),
        skip_schema: false,
    };
    let settings =
        Settings { dialect, seed: [1; 32], now: 1_700_000_000_000_000, limits: Limits::default() };
    render(&chart, &given, &named, &settings)
}

/// The same as text.
pub(crate) fn outcome(chart: &str, case: &Case, release: Release) -> Outcome {
    match rendered(chart, case, release) {
        Ok(rendered) => Outcome::Output(rendered.print(Printing::default())),
        Err(error) => Outcome::Refused(error.as_printed()),
    }
}
