//! A chart in a folder.

use std::{fs::DirEntry, io::Read as _, path::Path, sync::Arc};

use super::{Budget, Read, ignore::Rules, without_mark};
use crate::chart::ChartError;

/// How deep folders may lie within each other.
const DEPTH: usize = 64;

/// Reads all files that `.helmignore` leaves, in the order of their names. Links are refused: they could lead
/// out of the chart.
pub(super) fn read(root: &Path, budget: &mut Budget) -> Result<Vec<Read>, ChartError> {
    let rules = match std::fs::read(root.join(".helmignore")) {
        Ok(text) => Rules::parse(&String::from_utf8_lossy(&text)).map_err(ChartError::Load)?,
        Err(_) => Rules::default(),
    };
    let mut files = Vec::new();
    walk(root, "", &rules, budget, &mut files)?;
    Ok(files)
}

fn walk(
    folder: &Path,
    within: &str,
    rules: &Rules,
    budget: &mut Budget,
    files: &mut Vec<Read>,
) -> Result<(), ChartError> {
    let failed = |error: std::io::Error| {
        ChartError::Load(format!("error reading {}: {error}", folder.display()))
    };
    if within.matches('/').count() >= DEPTH {
        return Err(ChartError::Load(format!(
            "folders of the chart are nested deeper than {DEPTH}"
        )));
    }
    let mut entries = std::fs::read_dir(folder)
        .map_err(failed)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    entries.sort_by_key(DirEntry::file_name);
    for entry in entries {
        let Ok(name) = entry.file_name().into_string() else {
            let path = entry.path();
            return Err(ChartError::Load(format!("the name of {} is no UTF-8", path.display())));
        };
        let path = if within.is_empty() { name } else { format!("{within}/{name}") };
        let kind = entry.file_type().map_err(failed)?;
        if rules.ignores(&path, kind.is_dir()) {
            continue;
        }
        if kind.is_dir() {
            walk(&entry.path(), &path, rules, budget, files)?;
        } else if kind.is_file() {
            let data = file(&entry.path(), &path, budget)?;
            files.push((path, data));
        } else if kind.is_symlink() {
            return Err(ChartError::Load(format!(
                "{path} is a link; put the file itself into the chart"
            )));
        } else {
            let name = entry.path();
            return Err(ChartError::Load(format!(
                "cannot load irregular file {} as it has file mode type bits set",
                name.display()
            )));
        }
    }
    Ok(())
}

fn file(from: &Path, path: &str, budget: &mut Budget) -> Result<Arc<[u8]>, ChartError> {
    let failed = |error: std::io::Error| ChartError::Load(format!("error reading {path}: {error}"));
    let opened = std::fs::File::open(from).map_err(failed)?;
    let size = opened.metadata().map_err(failed)?.len();
    budget.file(path, size)?;
    let mut data = Vec::new();
    // A file that grows meanwhile is cut where it ended.
    opened.take(size).read_to_end(&mut data).map_err(failed)?;
    Ok(without_mark(&data).into())
}
