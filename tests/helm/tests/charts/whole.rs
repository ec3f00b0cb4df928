//! What holds of a chart as a whole.

use std::{collections::BTreeMap, fs};

use anyhow::{Context as _, Result, ensure};
use gimlet_helm::{
    Dialect,
    chart::load::{self, LoadLimits},
};
use gimlet_helm_cases::{
    Release,
    charts::{self, CHARTS, RECORDED},
    expected,
};
use serde_json::Value;

use crate::ours;

/// The line with which a file begins that several charts have.
const SHARED: &str = "{{- /* The same in every chart that has this file. */ -}}\n";

/// Compares the recorded cases, byte for byte.
pub(crate) fn is_as_recorded(chart: &str) -> Result<()> {
    let recorded = expected::read_file(&expected::path_of_chart(chart))?;
    let cases = charts::read(chart)?;
    let cases: Vec<_> = cases.iter().filter(|case| case.file == RECORDED).collect();
    ensure!(!cases.is_empty(), "{chart} has no case in {RECORDED}.yaml");
    ensure!(
        cases.len() == recorded.len(),
        "record it with `cargo run -p gimlet-helm-cases -- --record`"
    );
    for case in cases {
        let both = recorded.get(&case.name).context("a case that was not recorded")?;
        for release in Release::ALL {
            let (helm, ours) = (both.of_release(release), ours::outcome(chart, case, release));
            ensure!(
                *helm == ours,
                "{:?}, {release:?}\n  Helm: {helm:?}\n  ours: {ours:?}",
                case.name
            );
        }
    }
    Ok(())
}

/// So that no value is left without anyone who tells what it does.
pub(crate) fn every_value_has_a_case(chart: &str) -> Result<()> {
    let mut all = read_values(&fs::read_to_string(charts::folder(chart).join("values.yaml"))?)?;
    for case in charts::read(chart)? {
        // What is refused may be no YAML.
        let given = read_values(&case.values).unwrap_or_default();
        all.retain(|key, _| !given.contains_key(key));
    }
    ensure!(all.is_empty(), "no case of {chart} gives {:?}", all.keys().collect::<Vec<_>>());
    Ok(())
}

fn read_values(text: &str) -> Result<BTreeMap<String, Value>> {
    Ok(serde_saphyr::from_str(text)?)
}

/// Notes tell what to do next, in every case.
pub(crate) fn notes_end_with_a_command(chart: &str) -> Result<()> {
    for case in charts::read(chart)?.iter().filter(|case| case.refused.is_none()) {
        let rendered = ours::rendered(chart, case, Release::Three)
            .map_err(|error| anyhow::anyhow!("{}", error.as_printed()))?;
        let last = rendered.notes.trim_end().lines().last().unwrap_or_default();
        ensure!(
            last.starts_with("  kubectl --namespace default "),
            "{:?} ends with {last:?}",
            case.name
        );
    }
    Ok(())
}

/// What tests a chart is not in its package.
pub(crate) fn carries_no_tests(chart: &str) -> Result<()> {
    let folder = charts::folder(chart).canonicalize()?;
    let loaded = load::path(&folder, Dialect::Helm3, LoadLimits::default())
        .map_err(|error| anyhow::anyhow!("{}", error.as_printed()))?;
    let mut files = loaded.files.iter().map(|file| file.path.to_string());
    ensure!(files.any(|path| path == "README.md"), "{chart} has no read-me");
    let tests = loaded.files.iter().find(|file| file.path.starts_with("tests/"));
    ensure!(tests.is_none(), "{chart} carries its tests");
    Ok(())
}

/// A chart has to be whole by itself, so that what several need lies in each.
pub(crate) fn shared_files_are_the_same() -> Result<()> {
    let mut first: BTreeMap<String, (&str, String)> = BTreeMap::new();
    for chart in CHARTS {
        for entry in fs::read_dir(charts::folder(chart).join("templates"))? {
            let path = entry?.path();
            let name =
                path.file_name().context("a file has a name")?.to_string_lossy().into_owned();
            let text = fs::read_to_string(&path)?;
            if !text.starts_with(SHARED) {
                continue;
            }
            let (other, same) = first.entry(name.clone()).or_insert((chart, text.clone()));
            ensure!(
                *same == text,
                "templates/{name} of {chart} and {other} differ: copy the newer one"
            );
        }
    }
    ensure!(!first.is_empty(), "no file is shared");
    Ok(())
}
