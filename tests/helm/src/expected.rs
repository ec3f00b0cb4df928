//! What Helm made of each case, recorded beside it: `<theme>.json`, written by the recorder alone.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::{Release, Theme, cases, charts};

/// How one case ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// What was printed.
    Output(String),
    /// Why nothing was, as Helm says it.
    Refused(String),
}

/// How one case ended in both releases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Both {
    /// They differ.
    Differ {
        /// Helm 3.
        #[serde(rename = "3")]
        three: Outcome,
        /// Helm 4.
        #[serde(rename = "4")]
        four: Outcome,
    },
    /// They agree.
    Agree(Outcome),
}

impl Both {
    /// Puts two outcomes together.
    #[must_use]
    pub fn of(three: Outcome, four: Outcome) -> Self {
        if three == four { Self::Agree(three) } else { Self::Differ { three, four } }
    }

    /// That of one release.
    #[must_use]
    pub fn of_release(&self, release: Release) -> &Outcome {
        match (self, release) {
            (Self::Agree(outcome), _)
            | (Self::Differ { three: outcome, .. }, Release::Three)
            | (Self::Differ { four: outcome, .. }, Release::Four) => outcome,
        }
    }
}

/// The outcomes of a theme, by the cases' names.
pub type Expected = BTreeMap<String, Both>;

fn path(theme: &Theme) -> PathBuf {
    cases::folder().join(format!("{}.json", theme.name))
}

/// Where the outcomes of a chart's own cases are recorded.
#[must_use]
pub fn path_of_chart(chart: &str) -> PathBuf {
    charts::folder(chart).join("tests").join(format!("{}.json", charts::RECORDED))
}

/// Reads what was recorded for a theme.
///
/// # Errors
/// When nothing was, or it cannot be read.
pub fn read(theme: &Theme) -> Result<Expected> {
    read_file(&path(theme))
}

/// Reads what was recorded in a file.
///
/// # Errors
/// As [`read`].
pub fn read_file(path: &Path) -> Result<Expected> {
    let remedy = || {
        format!("{}: record it with `cargo run -p gimlet-helm-cases -- --record`", path.display())
    };
    let text = std::fs::read_to_string(path).with_context(remedy)?;
    serde_json::from_str(&text).with_context(remedy)
}

/// Writes it.
///
/// # Errors
/// When the file cannot be written.
pub fn write(theme: &Theme, expected: &Expected) -> Result<()> {
    write_file(&path(theme), expected)
}

/// Writes outcomes into a file.
///
/// # Errors
/// As [`write`].
pub fn write_file(path: &Path, expected: &Expected) -> Result<()> {
    let mut text = serde_json::to_string_pretty(expected)?;
    text.push('\n');
    std::fs::write(path, text).context("cannot write the recorded outcomes")
}

/// Holds what is said now against what was recorded of the theme `name`; returns how many cases there are.
///
/// # Errors
/// Lists the cases of which something else is said now, and one that was recorded and is no case any more.
pub fn compare(name: &str, recorded: &Expected, now: &Expected) -> Result<usize> {
    let differ: Vec<String> = now
        .iter()
        .filter(|(name, said)| recorded.get(*name) != Some(said))
        .map(|(name, said)| {
            format!("{name}\n  recorded: {:?}\n  now:      {said:?}", recorded.get(name))
        })
        .collect();
    ensure!(differ.is_empty(), "{} cases of {name}:\n{}", differ.len(), differ.join("\n"));
    let gone = recorded.keys().find(|name| !now.contains_key(*name));
    ensure!(
        gone.is_none(),
        "{} is recorded in {name} and no case any more",
        gone.map_or("", |it| it)
    );
    Ok(now.len())
}
