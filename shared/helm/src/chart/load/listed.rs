//! A chart's folder as a list of files in memory, wherever they come from: a disk, a commit, a program.

use std::path::Path;

use super::{Budget, LoadLimits, folder, ignore::Rules, text};
use crate::chart::ChartError;

/// A file's path within the chart, and its bytes.
pub type Listed = (String, Vec<u8>);

/// Reads the files of a chart's folder that its `.helmignore` leaves, in the order of their names within each
/// folder. Links are refused.
///
/// # Errors
/// When they cannot be read, or are more than the limits allow.
pub fn folder_files(path: &Path, limits: LoadLimits) -> Result<Vec<Listed>, ChartError> {
    let files = folder::read(path, &mut Budget::new(limits))?;
    Ok(files.into_iter().map(|(path, data)| (path, data.to_vec())).collect())
}

/// Leaves what the `.helmignore` among the files leaves.
///
/// # Errors
/// When the rules cannot be read.
pub fn without_ignored(files: Vec<Listed>) -> Result<Vec<Listed>, ChartError> {
    let rules = match files.iter().find(|(path, _)| path == ".helmignore") {
        Some((_, rules)) => Rules::parse(&text(rules)).map_err(ChartError::Load)?,
        None => Rules::default(),
    };
    let kept = files.into_iter().filter(|(path, _)| !is_ignored(path, &rules));
    Ok(kept.collect())
}

/// Whether the file, or a folder that it lies in, is ignored.
fn is_ignored(path: &str, rules: &Rules) -> bool {
    let folders = path.match_indices('/').map(|(end, _)| &path[..end]);
    folders.into_iter().any(|folder| rules.ignores(folder, true)) || rules.ignores(path, false)
}
