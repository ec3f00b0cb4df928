//! A chart in an archive: gzip around tar.

use std::{
    io::{self, Read as _},
    sync::Arc,
};

use flate2::read::MultiGzDecoder;
use tar::EntryType;

use super::{Budget, LoadLimits, Read, chart, without_mark};
use crate::{
    Dialect,
    chart::{Chart, ChartError, paths},
    format::quote,
};

/// What may be unpacked from the smallest archives, whatever the ratio.
const ALWAYS: u64 = 1 << 20;

/// Reads a chart from the bytes of an archive.
///
/// # Errors
/// As [`super::path`].
pub fn archive(bytes: &[u8], dialect: Dialect, limits: LoadLimits) -> Result<Chart, ChartError> {
    let mut budget = Budget::new(limits);
    let files = read(bytes, &mut budget)?;
    chart(files, dialect, &mut budget, 0)
}

/// The files of an archive, without its topmost folder.
pub(super) fn read(bytes: &[u8], budget: &mut Budget) -> Result<Vec<Read>, ChartError> {
    let failed =
        |error: io::Error| ChartError::Load(format!("the archive cannot be read: {error}"));
    if !bytes.starts_with(b"\x1F\x8B") {
        return Err(ChartError::Load("gzip: invalid header".to_owned()));
    }
    // Also what is between the files is unpacked, and so it counts.
    let most = (bytes.len() as u64).saturating_mul(budget.limits.ratio).max(ALWAYS);
    let unpacked = Bounded { from: MultiGzDecoder::new(bytes), left: most };
    let mut archive = tar::Archive::new(unpacked);
    let mut files = Vec::new();
    for entry in archive.entries().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        match entry.header().entry_type() {
            EntryType::Directory | EntryType::XGlobalHeader | EntryType::XHeader => continue,
            EntryType::Symlink | EntryType::Link => {
                let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
                return Err(ChartError::Load(format!("{path} is a link; pack the file itself")));
            }
            _ => {}
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if name.ends_with('/') {
            continue;
        }
        let path = within(&name)?;
        budget.file(&path, entry.size())?;
        let mut data = Vec::new();
        entry.read_to_end(&mut data).map_err(failed)?;
        files.push((path, Arc::from(without_mark(&data))));
    }
    if files.is_empty() {
        return Err(ChartError::Load("no files in chart archive".to_owned()));
    }
    Ok(files)
}

/// The path within the chart; it never leaves it.
fn within(name: &str) -> Result<String, ChartError> {
    let refused = |text: &str| Err(ChartError::Load(text.to_owned()));
    let delimiter = if name.contains('\\') { '\\' } else { '/' };
    let (first, rest) = name.split_once(delimiter).unwrap_or((name, ""));
    let rest = rest.replace(delimiter, "/");
    if rest.starts_with('/') {
        return refused("chart illegally contains absolute paths");
    }
    let path = paths::clean(&rest);
    if path == "." {
        let name = quote(name);
        return Err(ChartError::Load(format!(
            "chart illegally contains content outside the base directory: {name}"
        )));
    }
    if path.starts_with("..") {
        return refused("chart illegally references parent directory");
    }
    let mut letters = path.chars();
    let drive = letters.next().is_some_and(|it| it.is_ascii_alphabetic());
    if drive && letters.as_str().starts_with(":/") {
        return refused("chart contains illegally named files");
    }
    if first == "Chart.yaml" {
        return refused("chart yaml not in base directory");
    }
    Ok(path)
}

/// A reader that ends in an error when it has given too much.
struct Bounded<R> {
    from: R,
    left: u64,
}

impl<R: io::Read> io::Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or_else(|| io::Error::other("it becomes far larger than a chart does"))?;
        Ok(count)
    }
}
