//! Charts as files: a case's own, or one that holds every snippet of a theme.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result};

use crate::cases::{CHART_YAML, ChartCase, SHOW_VALUES, Snippet, Theme};

/// The name of the file in which a snippet that is rendered alone lies.
pub const ALONE: &str = "templates/case.yaml";
/// What renders all snippets of a sheet.
const SHEET: &str = "templates/sheet.yaml";

/// The files of a case's chart, with those that it does not give itself.
#[must_use]
pub fn chart_files(case: &ChartCase) -> BTreeMap<String, String> {
    let mut files = case.files.clone();
    files.entry("Chart.yaml".to_owned()).or_insert_with(|| CHART_YAML.to_owned());
    if !files.keys().any(|path| path.starts_with("templates/")) {
        files.insert("templates/values.yaml".to_owned(), SHOW_VALUES.to_owned());
    }
    files
}

/// The files of a chart that renders one snippet and nothing else: it is not wrapped, so that a complaint
/// names its own place.
#[must_use]
pub fn alone(theme: &Theme, snippet: &Snippet) -> BTreeMap<String, String> {
    let mut files = around(theme);
    files.insert(ALONE.to_owned(), snippet.text.clone());
    files
}

/// The files of a chart that renders many snippets: each is a partial, and one template has all their
/// outputs as a line of JSON.
#[must_use]
pub fn sheet(theme: &Theme, snippets: &[(usize, Snippet)]) -> BTreeMap<String, String> {
    let mut files = around(theme);
    let mut lines = String::new();
    for (number, snippet) in snippets {
        files.insert(format!("templates/_{number:04}.tpl"), snippet.text.clone());
        let line = format!(
            "\"{number:04}\": {{{{ include (print $.Template.BasePath \"/_{number:04}.tpl\") . | toJson }}}}\n"
        );
        lines.push_str(&line);
    }
    files.insert(SHEET.to_owned(), lines);
    files
}

fn around(theme: &Theme) -> BTreeMap<String, String> {
    let mut files = theme.files.clone();
    files.entry("Chart.yaml".to_owned()).or_insert_with(|| CHART_YAML.to_owned());
    files.insert("values.yaml".to_owned(), theme.values.clone());
    files
}

/// Writes files below a folder; what lies below `x.tgz/` becomes the archive `x.tgz`.
///
/// # Errors
/// When they cannot be written.
pub fn write(folder: &Path, files: &BTreeMap<String, String>) -> Result<()> {
    let mut archives: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for (path, text) in files {
        if let Some((archive, inner)) = path.split_once(".tgz/") {
            archives.entry(archive).or_default().push((inner, text));
            continue;
        }
        let to = folder.join(path);
        std::fs::create_dir_all(to.parent().context("a path has a parent")?)?;
        std::fs::write(&to, text).with_context(|| format!("cannot write {path}"))?;
    }
    for (name, files) in archives {
        let to = folder.join(format!("{name}.tgz"));
        std::fs::create_dir_all(to.parent().context("a path has a parent")?)?;
        std::fs::write(to, archive(&files)?)?;
    }
    Ok(())
}

/// A gzipped archive of files.
fn archive(files: &[(&str, &str)]) -> Result<Vec<u8>> {
    let packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut archive = tar::Builder::new(packed);
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, path, text.as_bytes())?;
    }
    Ok(archive.into_inner()?.finish()?)
}
