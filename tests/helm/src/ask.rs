//! Asks a real Helm what it makes of cases.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;

use crate::{
    Oracle, Outcome,
    cases::{ChartCase, Snippet, Theme},
    lay_out,
};

/// What Helm makes of a case's chart.
///
/// # Errors
/// When files cannot be written, or Helm cannot be run.
pub fn chart(oracle: &Oracle, case: &ChartCase) -> Result<Outcome> {
    let work = tempfile::tempdir()?;
    lay_out::write(&work.path().join("c"), &lay_out::chart_files(case))?;
    lay_out::write(work.path(), &case.beside)?;
    run(oracle, work.path(), &arguments(case, work.path())?)
}

/// The arguments behind `helm template` for a case; value files are written where it runs.
fn arguments(case: &ChartCase, folder: &Path) -> Result<Vec<String>> {
    let release = if case.release.is_empty() { "rel" } else { &case.release };
    let mut all = vec![release.to_owned(), "c".to_owned()];
    for (number, text) in case.values.iter().enumerate() {
        let name = format!("values-{number}.yaml");
        std::fs::write(folder.join(&name), text)?;
        all.extend(["--values".to_owned(), name]);
    }
    let lists = [
        ("--set", &case.set),
        ("--set-string", &case.set_string),
        ("--set-json", &case.set_json),
        ("--set-file", &case.set_file),
        ("--set-literal", &case.set_literal),
        ("--api-versions", &case.api_versions),
    ];
    for (flag, list) in lists {
        all.extend(list.iter().flat_map(|value| [flag.to_owned(), value.clone()]));
    }
    for (flag, text) in [("--namespace", &case.namespace), ("--kube-version", &case.kube_version)] {
        if !text.is_empty() {
            all.extend([flag.to_owned(), text.clone()]);
        }
    }
    let switches = [
        ("--include-crds", case.include_crds),
        ("--no-hooks", case.no_hooks),
        ("--skip-tests", case.skip_tests),
        ("--is-upgrade", case.is_upgrade),
        ("--skip-schema-validation", case.skip_schema),
    ];
    all.extend(switches.iter().filter(|(_, on)| *on).map(|(flag, _)| (*flag).to_owned()));
    Ok(all)
}

/// What `helm template` says to arguments, in a folder.
pub(crate) fn run(oracle: &Oracle, folder: &Path, arguments: &[String]) -> Result<Outcome> {
    let mut helm = oracle.helm();
    helm.arg("template").args(arguments).current_dir(folder);
    let output = helm.output().context("cannot run helm")?;
    let said = String::from_utf8(output.stdout).context("helm prints UTF-8")?;
    if output.status.success() {
        return Ok(Outcome::Output(said));
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    // What stands before are warnings, with the time of day.
    let at = complaint.find("Error: ").with_context(|| format!("helm said only: {complaint}"))?;
    let here = format!("{}/", folder.display());
    Ok(Outcome::Refused(complaint[at..].trim_end().replace(&here, "")))
}

/// What Helm makes of a snippet alone.
///
/// # Errors
/// As [`chart`].
pub fn alone(oracle: &Oracle, theme: &Theme, snippet: &Snippet) -> Result<Outcome> {
    let work = written(&lay_out::alone(theme, snippet))?;
    run(oracle, work.path(), &["rel".to_owned(), "c".to_owned()])
}

fn written(files: &BTreeMap<String, String>) -> Result<TempDir> {
    let work = tempfile::tempdir()?;
    lay_out::write(&work.path().join("c"), files)?;
    Ok(work)
}

/// What Helm makes of many snippets at once; they are told apart by their place in the list. One that is
/// refused spoils the sheet: then it is named.
///
/// # Errors
/// As [`chart`], and when Helm refuses the sheet without naming one of its snippets.
pub fn sheet(oracle: &Oracle, theme: &Theme, of: &[(usize, Snippet)]) -> Result<Sheet> {
    let work = written(&lay_out::sheet(theme, of))?;
    match run(oracle, work.path(), &["rel".to_owned(), "c".to_owned()])? {
        Outcome::Output(text) => Ok(Sheet::Rendered(outputs(&text)?)),
        Outcome::Refused(why) => match spoiler(&why, of) {
            Some(by) => Ok(Sheet::Spoiled { by, why }),
            None => bail!("{}: helm refuses the whole sheet: {why}", theme.name),
        },
    }
}

/// How a sheet ended.
#[derive(Debug)]
pub enum Sheet {
    /// The outputs by the snippets' places.
    Rendered(BTreeMap<usize, String>),
    /// One snippet was refused, and nothing was printed.
    Spoiled {
        /// Its place in the list.
        by: usize,
        /// What Helm said.
        why: String,
    },
}

fn outputs(text: &str) -> Result<BTreeMap<usize, String>> {
    let lines = text.lines().filter(|line| line.starts_with('"'));
    lines
        .map(|line| {
            let (number, output) =
                line.split_once(": ").context("a line of a sheet has a colon")?;
            let number = number.trim_matches('"').parse()?;
            let output = serde_json::from_str(output).with_context(|| format!("in {line}"))?;
            Ok((number, output))
        })
        .collect()
}

/// The place in the list of the snippet that a complaint is about: Helm names the line of the sheet, and
/// of a snippet that cannot be parsed its file.
fn spoiler(why: &str, of: &[(usize, Snippet)]) -> Option<usize> {
    if let Some(line) = number_behind(why, "templates/sheet.yaml:") {
        return line.checked_sub(1);
    }
    let number = number_behind(why, "templates/_")?;
    of.iter().position(|(place, _)| *place == number)
}

fn number_behind(text: &str, mark: &str) -> Option<usize> {
    let (_, rest) = text.split_once(mark)?;
    rest.split(|it: char| !it.is_ascii_digit()).next()?.parse().ok()
}

/// How many snippets of which nothing is known are asked at once: one that is refused makes the others
/// wait for another turn.
const AT_ONCE: usize = 40;

/// What Helm makes of all snippets of a theme. Those of `refused` are asked one by one, those of `rendered`
/// all at once, the others in small groups.
///
/// # Errors
/// As [`sheet`].
pub fn snippets(oracle: &Oracle, theme: &Theme, known: &Known) -> Result<Vec<(String, Outcome)>> {
    let mut outcomes = Vec::new();
    let (mut rendered, mut new) = (Vec::new(), Vec::new());
    for (number, snippet) in theme.snippets().into_iter().enumerate() {
        if known.refused.contains(&snippet.name) {
            let outcome = alone(oracle, theme, &snippet)?;
            outcomes.push((snippet.name, outcome));
        } else if known.rendered.contains(&snippet.name) {
            rendered.push((number, snippet));
        } else {
            new.push((number, snippet));
        }
    }
    together(oracle, theme, rendered, &mut outcomes)?;
    for group in new.chunks(AT_ONCE) {
        together(oracle, theme, group.to_vec(), &mut outcomes)?;
    }
    Ok(outcomes)
}

/// The names of the cases that are known to be refused, and to be rendered.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Refused.
    pub refused: BTreeSet<String>,
    /// Rendered.
    pub rendered: BTreeSet<String>,
}

/// Asks about a group at once, and alone about those that are refused.
fn together(
    oracle: &Oracle,
    theme: &Theme,
    mut group: Vec<(usize, Snippet)>,
    outcomes: &mut Vec<(String, Outcome)>,
) -> Result<()> {
    while !group.is_empty() {
        match sheet(oracle, theme, &group)? {
            Sheet::Rendered(mut outputs) => {
                for (number, snippet) in group {
                    let output = outputs.remove(&number);
                    let output =
                        output.with_context(|| format!("{} printed nothing", snippet.name))?;
                    outcomes.push((snippet.name, Outcome::Output(output)));
                }
                break;
            }
            Sheet::Spoiled { by, why } => {
                ensure!(by < group.len(), "{}: helm names no snippet: {why}", theme.name);
                let (_, snippet) = group.remove(by);
                let outcome = alone(oracle, theme, &snippet)?;
                let is_refused = matches!(outcome, Outcome::Refused(_));
                ensure!(is_refused, "alone, {} is no error: {why}", snippet.name);
                outcomes.push((snippet.name, outcome));
            }
        }
    }
    Ok(())
}
