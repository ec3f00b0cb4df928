//! The charts that come with Gimlet, and the cases beside each: values, and what they have to become.
//!
//! The cases are lists in `charts/<chart>/tests/*.yaml`. Those of [`RECORDED`] are also recorded as both Helms print
//! them.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::{Oracle, Outcome, ask};

/// The charts, by the names of their folders.
pub const CHARTS: [&str; 3] = ["cron-job", "static-site", "web-application"];
/// The file of cases whose whole output is recorded: a few, for they are long.
pub const RECORDED: &str = "whole";

/// The folder of a chart.
#[must_use]
pub fn folder(chart: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts").join(chart)
}

/// Values, and what a chart makes of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it shows, as a sentence.
    pub name: String,
    /// The file it is from, without its ending.
    #[serde(skip)]
    pub file: String,
    /// The release's name.
    #[serde(default = "release")]
    pub release: String,
    /// Whether the chart's `onechart.yaml` goes below the values.
    #[serde(default)]
    pub onechart: bool,
    /// The text of a values file.
    #[serde(default)]
    pub values: String,
    /// What has to be in the objects.
    #[serde(default)]
    pub expect: Vec<Expectation>,
    /// In place of objects: a part of what is said why there are none.
    pub refused: Option<String>,
}

fn release() -> String {
    "shop".to_owned()
}

/// What has to be in an object, or how many there are. One of the last four is said.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The object's kind.
    pub kind: String,
    /// Its name, where there are several of the kind.
    pub name: Option<String>,
    /// A place in it, as a JSON pointer.
    #[serde(default)]
    pub at: String,
    /// What is there, and nothing else.
    pub is: Option<Value>,
    /// What is there among others: an item of a list, or entries of a map.
    pub has: Option<Value>,
    /// That nothing is there.
    #[serde(default)]
    pub absent: bool,
    /// How many objects of the kind there are.
    pub count: Option<usize>,
}

impl Expectation {
    /// How many things are said, of which there may be one.
    fn says(&self) -> usize {
        let said = [self.is.is_some(), self.has.is_some(), self.absent, self.count.is_some()];
        said.into_iter().filter(|it| *it).count()
    }
}

impl Case {
    /// The contents of the values files, in order.
    ///
    /// # Errors
    /// When the chart's `onechart.yaml` cannot be read.
    pub fn files(&self, chart: &str) -> Result<Vec<String>> {
        let mut files = Vec::new();
        if self.onechart {
            files.push(std::fs::read_to_string(folder(chart).join("onechart.yaml"))?);
        }
        files.push(self.values.clone());
        Ok(files)
    }
}

/// Reads the cases of a chart, in the order of their files.
///
/// # Errors
/// Names the file that holds no cases, and the case that is called like another or expects nothing.
pub fn read(chart: &str) -> Result<Vec<Case>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder(chart).join("tests"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path)?;
        let read: Vec<Case> =
            serde_saphyr::from_str(&text).with_context(|| path.display().to_string())?;
        let file = path.file_stem().context("a file has a name")?.to_string_lossy().into_owned();
        cases.extend(read.into_iter().map(|case| Case { file: file.clone(), ..case }));
    }
    let mut seen = BTreeSet::new();
    for case in &cases {
        ensure!(seen.insert(&case.name), "{chart}: two cases are called {:?}", case.name);
        let says = case.file == RECORDED || !case.expect.is_empty() || case.refused.is_some();
        ensure!(says, "{chart}: {:?} expects nothing", case.name);
        let is_clear = case.expect.iter().all(|expected| expected.says() == 1);
        ensure!(is_clear, "{chart}: {:?} expects not just one thing at a place", case.name);
    }
    Ok(cases)
}

/// What Helm makes of a case.
///
/// # Errors
/// When files cannot be written, or Helm cannot be run.
pub fn ask(oracle: &Oracle, chart: &str, case: &Case) -> Result<Outcome> {
    let work = tempfile::tempdir()?;
    let folder = folder(chart).canonicalize()?;
    let mut arguments =
        vec![case.release.clone(), folder.to_str().context("a path in UTF-8")?.to_owned()];
    for (number, text) in case.files(chart)?.into_iter().enumerate() {
        let name = format!("values-{number}.yaml");
        std::fs::write(work.path().join(&name), text)?;
        arguments.extend(["--values".to_owned(), name]);
    }
    ask::run(oracle, work.path(), &arguments)
}
