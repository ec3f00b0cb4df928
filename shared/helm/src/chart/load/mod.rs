//! From files to a chart, with Helm's checks and our bounds.

mod archive;
mod folder;
mod ignore;
mod listed;

use std::{collections::BTreeMap, path::Path, sync::Arc};

pub use archive::archive;
pub use listed::{Listed, folder_files, without_ignored};

use super::{Chart, ChartError, File, Metadata, overrides, schema::Schema};
use crate::{Dialect, value::Data, yaml};

/// How much one chart may be, with everything in it.
#[derive(Clone, Copy, Debug)]
pub struct LoadLimits {
    /// Bytes of all files together.
    pub bytes: u64,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// How many files, those of archives within it too.
    pub files: usize,
    /// How many charts may lie within each other.
    pub depth: usize,
    /// How many bytes one byte of an archive may become, on average.
    pub ratio: u64,
}

impl Default for LoadLimits {
    fn default() -> Self {
        // Helm's for the bytes. The largest public charts have 2 000 files and five charts within each other;
        // texts are seldom packed better than 1:20.
        Self { bytes: 100 << 20, file_bytes: 5 << 20, files: 20_000, depth: 16, ratio: 200 }
    }
}

/// What is left of the limits while a chart is read.
#[derive(Debug)]
struct Budget {
    limits: LoadLimits,
    bytes: u64,
    files: usize,
}

impl Budget {
    fn new(limits: LoadLimits) -> Self {
        Self { limits, bytes: limits.bytes, files: limits.files }
    }

    /// Pays for one file, before it is read.
    fn file(&mut self, path: &str, size: u64) -> Result<(), ChartError> {
        let refused = |text| Err(ChartError::Load(text));
        if size > self.limits.file_bytes {
            let most = self.limits.file_bytes;
            return refused(format!(
                "chart file {path:?} is larger than the maximum file size {most}"
            ));
        }
        let Some(bytes) = self.bytes.checked_sub(size) else {
            let most = self.limits.bytes;
            return refused(format!("decompressed chart is larger than the maximum size {most}"));
        };
        let Some(files) = self.files.checked_sub(1) else {
            return refused(format!("the chart has more than {} files", self.limits.files));
        };
        (self.bytes, self.files) = (bytes, files);
        Ok(())
    }
}

/// A file's path within the chart, and what is in it.
type Read = (String, Arc<[u8]>);

/// Reads a chart from a folder, or from an archive in a file.
///
/// # Errors
/// When it cannot be read, is no chart, or is larger than the limits allow.
pub fn path(path: &Path, dialect: Dialect, limits: LoadLimits) -> Result<Chart, ChartError> {
    let about = std::fs::metadata(path).map_err(|_| {
        ChartError::Load(format!("path {:?} not found", path.display().to_string()))
    })?;
    let mut budget = Budget::new(limits);
    if about.is_dir() {
        let files = folder::read(path, &mut budget)?;
        return chart(files, dialect, &mut budget, 0);
    }
    if about.len() > limits.bytes {
        return Err(ChartError::Load(format!("the archive is larger than {} bytes", limits.bytes)));
    }
    let bytes = std::fs::read(path).map_err(|error| ChartError::Load(error.to_string()))?;
    archive(&bytes, dialect, limits)
}

/// Puts a chart together from files in memory: paths within the chart, and what is in each.
///
/// # Errors
/// As [`path`].
pub fn files(
    files: Vec<(String, Vec<u8>)>,
    dialect: Dialect,
    limits: LoadLimits,
) -> Result<Chart, ChartError> {
    let mut budget = Budget::new(limits);
    let mut read = Vec::new();
    for (path, data) in files {
        budget.file(&path, data.len() as u64)?;
        read.push((path, Arc::from(without_mark(&data))));
    }
    chart(read, dialect, &mut budget, 0)
}

/// Puts a chart together from its files.
fn chart(
    files: Vec<Read>,
    dialect: Dialect,
    budget: &mut Budget,
    depth: usize,
) -> Result<Chart, ChartError> {
    if depth >= budget.limits.depth {
        let most = budget.limits.depth;
        return Err(ChartError::Load(format!("more than {most} charts lie within each other")));
    }
    let mut metadata = head(&files, dialect)?;
    let mut chart = Chart {
        metadata: Metadata::default(),
        values: Data::Nil,
        templates: Vec::new(),
        files: Vec::new(),
        schema: None,
        dependencies: Vec::new(),
    };
    let mut within: BTreeMap<String, Vec<Read>> = BTreeMap::new();
    for (path, data) in files {
        match path.strip_prefix("charts/") {
            Some(inner) if !path.ends_with(".prov") => {
                let name = inner.split('/').next().unwrap_or(inner).to_owned();
                within.entry(name).or_default().push((inner.to_owned(), data));
            }
            _ => sort_in(path, data, &mut chart, metadata.as_mut(), dialect)?,
        }
    }
    let missing = || ChartError::Load("Chart.yaml file is missing".to_owned());
    chart.metadata = metadata.ok_or_else(missing)?;
    let invalid = |error| ChartError::Load(format!("validation: {error}"));
    chart.metadata.validate(dialect).map_err(invalid)?;
    for (name, files) in within {
        if let Some(inner) = dependency(&name, files, dialect, budget, depth).map_err(|error| {
            let outer = &chart.metadata.name;
            ChartError::Load(format!("error unpacking subchart {name} in {outer}: {error}"))
        })? {
            chart.dependencies.push(Arc::new(inner));
        }
    }
    Ok(chart)
}

/// Puts a file that is no part of a dependency where it belongs.
fn sort_in(
    path: String,
    data: Arc<[u8]>,
    chart: &mut Chart,
    mut metadata: Option<&mut Metadata>,
    dialect: Dialect,
) -> Result<(), ChartError> {
    match path.as_str() {
        "Chart.yaml" | "Chart.lock" => {}
        "values.yaml" => {
            chart.values = overrides::values_file(&data, dialect)
                .map_err(|error| ChartError::Load(format!("cannot load values.yaml: {error}")))?;
        }
        "values.schema.json" => chart.schema = Some(Schema::new(data)),
        "requirements.yaml" | "requirements.lock" => {
            if path == "requirements.yaml" {
                fill(metadata.as_deref_mut(), &data, &path)?;
            }
            if metadata.is_some_and(|it| &*it.api_version == "v1") {
                chart.files.push(file(path, data));
            }
        }
        _ if path.starts_with("templates/") => chart.templates.push(file(path, data)),
        _ => chart.files.push(file(path, data)),
    }
    Ok(())
}

/// What lies in `charts/` under one name: a folder or an archive. Hidden ones are no charts.
fn dependency(
    name: &str,
    files: Vec<Read>,
    dialect: Dialect,
    budget: &mut Budget,
    depth: usize,
) -> Result<Option<Chart>, ChartError> {
    if name.starts_with(['_', '.']) {
        return Ok(None);
    }
    if name.ends_with(".tgz") {
        let Some((path, bytes)) = files.into_iter().next() else { return Ok(None) };
        if path != name {
            return Err(ChartError::Load(format!("expected {name}, got {path}")));
        }
        let files = archive::read(&bytes, budget)?;
        return chart(files, dialect, budget, depth + 1).map(Some);
    }
    let inner = files.into_iter().filter_map(|(path, data)| {
        let (_, rest) = path.split_once('/')?;
        Some((rest.to_owned(), data))
    });
    chart(inner.collect(), dialect, budget, depth + 1).map(Some)
}

/// `Chart.yaml`, wherever it stands among the files.
fn head(files: &[Read], dialect: Dialect) -> Result<Option<Metadata>, ChartError> {
    let mut metadata = None;
    for (path, data) in files.iter().filter(|(path, _)| path == "Chart.yaml") {
        let mut found = metadata.take();
        fill(Some(found.get_or_insert_with(Metadata::default)), data, path)?;
        metadata = found;
    }
    if let Some(metadata) = &mut metadata {
        if metadata.api_version.is_empty() {
            metadata.api_version = "v1".into();
        }
        if dialect == Dialect::Helm4 {
            match &*metadata.api_version {
                "v1" | "v2" => {}
                "v3" => return Err(ChartError::Load("invalid chart apiVersion".to_owned())),
                _ => return Err(ChartError::Load("unsupported chart version".to_owned())),
            }
        }
    }
    Ok(metadata)
}

fn fill(metadata: Option<&mut Metadata>, data: &[u8], path: &str) -> Result<(), ChartError> {
    let failed = |error| ChartError::Load(format!("cannot load {path}: {error}"));
    let value = yaml::from_yaml(&text(data)).map_err(|error| failed(error.to_string()))?;
    metadata.map_or(Ok(()), |metadata| metadata.fill(&value).map_err(failed))
}

fn file(path: String, data: Arc<[u8]>) -> File {
    File { path: path.into(), data }
}

/// A text of a chart, without a byte order mark.
pub(super) fn text(data: &[u8]) -> std::borrow::Cow<'_, str> {
    crate::value::from_bytes(data)
}

/// What every file loses in front: Go's editors' mark.
fn without_mark(data: &[u8]) -> &[u8] {
    data.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(data)
}

#[cfg(test)]
mod tests;
