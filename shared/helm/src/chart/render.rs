//! From a chart and values to documents, in the order in which Helm does it.

use std::{
    fmt::Write as _,
    sync::{Arc, LazyLock},
};

use regex::Regex;

use super::{
    Chart, ChartError,
    capabilities::Capabilities,
    chart_value::chart_value,
    coalesce::{self, Nils},
    dependencies,
    documents::{self, Document, Hook},
    load, schema,
    tree::Node,
};
use crate::{
    Dialect, Settings,
    files::files,
    format::quote,
    template::{Render, Templates},
    value::{Entries, Map, MapKind, Str, Value},
};

/// What is rendered, besides chart and values.
#[derive(Clone, Debug)]
pub struct Release {
    /// Its name.
    pub name: String,
    /// Where it goes.
    pub namespace: String,
    /// Whether it replaces another.
    pub is_upgrade: bool,
    /// What the cluster can do.
    pub capabilities: Capabilities,
    /// Whether the chart's schema is asked.
    pub skip_schema: bool,
}

/// What a chart became.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// Definitions of kinds, which are not templates: their paths and texts.
    pub definitions: Vec<(String, String)>,
    /// The documents, in the order of their installation.
    pub documents: Vec<Document>,
    /// The hooks, in the order in which Helm prints them.
    pub hooks: Vec<Hook>,
    /// The chart's own notes.
    pub notes: String,
}

/// Which parts of [`Rendered`] are printed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Printing {
    /// Definitions of kinds, in front.
    pub definitions: bool,
    /// No hooks at all.
    pub no_hooks: bool,
    /// No hooks of `helm test`.
    pub no_tests: bool,
}

impl Rendered {
    /// As `helm template` prints it.
    pub fn print(&self, what: Printing) -> String {
        let mut body = String::new();
        if what.definitions {
            self.definitions.iter().for_each(|(source, text)| push(&mut body, source, text));
        }
        self.documents.iter().for_each(|it| push(&mut body, &it.source, &it.text));
        let mut out = format!("{}\n", body.trim());
        if !what.no_hooks {
            let hooks = self.hooks.iter().filter(|hook| !(what.no_tests && hook.is_test()));
            hooks.for_each(|hook| push(&mut out, &hook.document.source, &hook.document.text));
        }
        out
    }
}

fn push(out: &mut String, source: &str, text: &str) {
    // Writing to a text does not fail.
    let _ = writeln!(out, "---\n# Source: {source}\n{text}");
}

/// Renders a chart with given values.
///
/// # Errors
/// Where Helm refuses, in its words; and where a limit of `settings` is reached.
pub fn render(
    chart: &Arc<Chart>,
    given: &Value,
    release: &Release,
    settings: &Settings,
) -> Result<Rendered, ChartError> {
    let dialect = settings.dialect;
    let mut root = Node::new(chart);
    check(&root, release, dialect)?;
    let empty = Map::new(MapKind::Any, Entries::new());
    let given = given.as_map().unwrap_or(&empty);
    dependencies::process(&mut root, given, dialect).map_err(|error| {
        ChartError::Values(match dialect {
            Dialect::Helm3 => error,
            Dialect::Helm4 => format!("chart dependencies processing failed: {error}"),
        })
    })?;
    let values =
        coalesce::values(&root, given, Nils::Delete, dialect).map_err(ChartError::Values)?;
    if !release.skip_schema {
        schema::check(&root, &values, dialect)?;
    }
    check_range(&root, release, dialect)?;
    let mut printed = templates(&root, &values, release, settings)?;
    let notes_path = format!("{}/templates/NOTES.txt", root.name());
    let notes = printed.iter().find(|(path, _)| *path == notes_path);
    let notes = notes.map(|(_, text)| text.clone()).unwrap_or_default();
    printed.retain(|(path, _)| !path.ends_with("NOTES.txt"));
    printed.sort();
    let (documents, hooks) = documents::sort(&printed, dialect)?;
    let mut definitions = Vec::new();
    find_definitions(&root, root.name(), &mut definitions);
    Ok(Rendered { definitions, documents, hooks, notes })
}

/// The rule for names of releases, which Helm prints.
const NAME: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
/// The longest name.
const NAME_LENGTH: usize = 53;
static NAMES: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(NAME).ok());

fn check(root: &Node, release: &Release, dialect: Dialect) -> Result<(), ChartError> {
    if root.is_library() {
        return Err(ChartError::Request("library charts are not installable".to_owned()));
    }
    let missing = dependencies::missing(root);
    if !missing.is_empty() {
        let (an, quote) = match dialect {
            Dialect::Helm3 => ("An", '`'),
            Dialect::Helm4 => ("an", '\''),
        };
        return Err(ChartError::Request(format!(
            "{an} error occurred while checking for chart dependencies. You may need to run {quote}helm \
             dependency build{quote} to fetch missing dependencies: found in Chart.yaml, but missing in charts/ \
             directory: {}",
            missing.join(", ")
        )));
    }
    let fits = NAMES.as_ref().is_some_and(|rule| rule.is_match(&release.name));
    if !fits || release.name.len() > NAME_LENGTH {
        let front = match dialect {
            Dialect::Helm3 => "",
            Dialect::Helm4 => "release name check failed: ",
        };
        let name = quote(&release.name);
        return Err(ChartError::Request(format!(
            "{front}release name {name}: invalid release name, must match regex {NAME} and the length must not \
             be longer than {NAME_LENGTH}"
        )));
    }
    Ok(())
}

fn check_range(root: &Node, release: &Release, dialect: Dialect) -> Result<(), ChartError> {
    let range = &root.metadata.kube_version;
    let version = release.capabilities.kube_version.compared();
    if range.is_empty() || dependencies::is_compatible(range, version, dialect) {
        return Ok(());
    }
    Err(ChartError::render(format!(
        "chart requires kubeVersion: {range} which is incompatible with Kubernetes {version}"
    )))
}

/// A template with what it sees.
struct Job {
    path: String,
    text: String,
    base: String,
    data: Map,
}

/// What every template printed that is no partial.
fn templates(
    root: &Node,
    values: &Map,
    release: &Release,
    settings: &Settings,
) -> Result<Vec<(String, String)>, ChartError> {
    let mut jobs = Vec::new();
    let shared = Shared {
        dialect: settings.dialect,
        release: release_value(release),
        capabilities: release.capabilities.value(settings.dialect),
    };
    let name = root.name().to_string();
    collect(root, &name, true, values.clone(), &shared, &mut jobs);
    // The deepest first, and of equally deep ones the last by name: so do changes by `set` go.
    jobs.sort_by(|a, b| {
        let depth = |job: &Job| job.path.matches('/').count();
        (depth(b), &b.path).cmp(&(depth(a), &a.path))
    });
    let texts = jobs.iter().map(|job| (job.path.as_str(), job.text.as_str()));
    let parsed = Templates::parse(settings.dialect, texts)
        .map_err(|error| ChartError::Render(Box::new(error.into())))?;
    let mut render = Render::new(&parsed, settings);
    let mut printed = Vec::new();
    for job in &jobs {
        if job.path.rsplit('/').next().is_some_and(|base| base.starts_with('_')) {
            continue;
        }
        job.data.insert("Template", shared.template(&job.path, &job.base));
        let text = render
            .file(&job.path, &Value::Map(job.data.clone()))
            .map_err(|error| ChartError::Render(Box::new(error)))?;
        printed.push((job.path.clone(), text));
    }
    Ok(printed)
}

/// What all templates see.
struct Shared {
    dialect: Dialect,
    release: Value,
    capabilities: Value,
}

impl Shared {
    fn values_kind(&self) -> MapKind {
        MapKind::Values(match self.dialect {
            Dialect::Helm3 => "chartutil.Values",
            Dialect::Helm4 => "common.Values",
        })
    }

    fn template(&self, path: &str, base: &str) -> Value {
        let entries: Entries =
            [("Name".into(), Value::str(path)), ("BasePath".into(), Value::str(base))].into();
        Value::Map(Map::new(self.values_kind(), entries))
    }
}

fn release_value(release: &Release) -> Value {
    let entries: [(Str, Value); 6] = [
        ("Name".into(), Value::str(release.name.as_str())),
        ("Namespace".into(), Value::str(release.namespace.as_str())),
        ("IsInstall".into(), Value::Bool(!release.is_upgrade)),
        ("IsUpgrade".into(), Value::Bool(release.is_upgrade)),
        ("Revision".into(), Value::Int(1)),
        ("Service".into(), Value::str("Helm")),
    ];
    Value::map(entries.into())
}

/// Collects a chart's templates and those below it, and gives back what they see.
fn collect(
    node: &Node,
    path: &str,
    is_root: bool,
    values: Map,
    shared: &Shared,
    jobs: &mut Vec<Job>,
) -> Map {
    let below = Map::new(MapKind::Any, Entries::new());
    let chart_files =
        node.chart.files.iter().map(|file| (file.path.clone(), Arc::clone(&file.data)));
    let entries: Entries = [
        ("Chart".into(), chart_value(node, is_root, shared.dialect)),
        ("Files".into(), files(chart_files)),
        ("Release".into(), shared.release.clone()),
        ("Capabilities".into(), shared.capabilities.clone()),
        ("Values".into(), Value::Map(values.of_kind(shared.values_kind()))),
        ("Subcharts".into(), Value::Map(below.clone())),
    ]
    .into();
    let data = Map::new(shared.values_kind(), entries);
    for child in &node.children {
        let name = child.name();
        let inner = match values.get(name) {
            Some(Value::Map(inner)) => inner,
            _ => Map::new(MapKind::Any, Entries::new()),
        };
        let path = format!("{path}/charts/{name}");
        let seen = collect(child, &path, false, inner, shared, jobs);
        below.insert(name.clone(), Value::Map(seen.of_kind(MapKind::Any)));
    }
    for file in &node.chart.templates {
        let base = file.path.rsplit('/').next().unwrap_or(&file.path);
        if node.is_library() && !base.starts_with('_') {
            continue;
        }
        jobs.push(Job {
            path: format!("{path}/{}", file.path),
            text: load::text(&file.data).into_owned(),
            base: format!("{path}/templates"),
            data: data.clone(),
        });
    }
    data
}

/// Files in `crds/` that could be definitions, those of the charts below too.
fn find_definitions(node: &Node, path: &str, found: &mut Vec<(String, String)>) {
    for file in &node.chart.files {
        let lower = file.path.to_lowercase();
        let is_manifest = [".yaml", ".yml", ".json"].iter().any(|ending| lower.ends_with(ending));
        if file.path.starts_with("crds/") && is_manifest {
            found.push((format!("{path}/{}", file.path), load::text(&file.data).into_owned()));
        }
    }
    for child in &node.children {
        find_definitions(child, &format!("{path}/charts/{}", child.name()), found);
    }
}
