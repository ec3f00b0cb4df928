//! `helm template` without Helm: `cargo run -p gimlet-helm --example template -- CHART [-f VALUES] [--set …]`.
//!
//! With `--batch` it answers jobs, one JSON object a line on standard input, each with one line.

use std::{
    collections::HashMap,
    io::{BufRead as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::{Parser, ValueEnum};
use gimlet_helm::{
    Dialect, Limits, Settings,
    chart::{
        Chart, ChartError,
        capabilities::{Capabilities, KubeVersion},
        load::{self, LoadLimits},
        overrides::{Overrides, read_from_disk},
        render::{Printing, Release, render},
    },
};
use serde::{Deserialize, Serialize};

/// Prints what a chart becomes, or why it is refused.
#[derive(Clone, Debug, Parser)]
struct Options {
    /// A folder or an archive.
    #[arg(required_unless_present = "batch")]
    chart: Option<PathBuf>,
    /// Reads jobs from standard input.
    #[arg(long, conflicts_with = "chart")]
    batch: bool,
    /// Files with values; later ones win.
    #[arg(short = 'f', long = "values")]
    values: Vec<PathBuf>,
    /// `name=value`
    #[arg(long)]
    set: Vec<String>,
    /// `name=text`
    #[arg(long)]
    set_string: Vec<String>,
    /// `name={"json": 1}`
    #[arg(long)]
    set_json: Vec<String>,
    /// `name=path`
    #[arg(long)]
    set_file: Vec<String>,
    /// `name=anything at all`
    #[arg(long)]
    set_literal: Vec<String>,
    /// The release's name.
    #[arg(long, default_value = "release-name")]
    name: String,
    /// Where it goes.
    #[arg(long, default_value = "default")]
    namespace: String,
    /// The cluster's version.
    #[arg(long)]
    kube_version: Option<String>,
    /// What the cluster can do besides.
    #[arg(long, value_delimiter = ',')]
    api_versions: Vec<String>,
    /// Print definitions of kinds too.
    #[arg(long)]
    include_crds: bool,
    /// Print no hooks.
    #[arg(long)]
    no_hooks: bool,
    /// Print no tests.
    #[arg(long)]
    skip_tests: bool,
    /// Render as an upgrade.
    #[arg(long)]
    is_upgrade: bool,
    /// Do not ask the chart's schema.
    #[arg(long)]
    skip_schema_validation: bool,
    /// Whose behaviour.
    #[arg(long, default_value = "3")]
    helm: Helm,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Helm {
    /// Helm 3.
    #[value(name = "3")]
    Three,
    /// Helm 4.
    #[value(name = "4")]
    Four,
}

impl From<Helm> for Dialect {
    fn from(helm: Helm) -> Self {
        match helm {
            Helm::Three => Self::Helm3,
            Helm::Four => Self::Helm4,
        }
    }
}

/// A line of a batch. What is left out is as on the command line.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Job {
    id: serde_json::Value,
    chart: PathBuf,
    #[serde(default)]
    values: Vec<PathBuf>,
    #[serde(default)]
    set: Vec<String>,
    #[serde(default)]
    set_string: Vec<String>,
    #[serde(default)]
    set_json: Vec<String>,
    #[serde(default)]
    set_file: Vec<String>,
    #[serde(default)]
    set_literal: Vec<String>,
    name: Option<String>,
    namespace: Option<String>,
    kube_version: Option<String>,
    #[serde(default)]
    api_versions: Vec<String>,
    #[serde(default, rename = "includeCRDs", alias = "includeCrds")]
    include_crds: bool,
    #[serde(default)]
    no_hooks: bool,
    #[serde(default)]
    skip_tests: bool,
    #[serde(default)]
    is_upgrade: bool,
    #[serde(default)]
    skip_schema_validation: bool,
    #[serde(default = "three")]
    helm: u8,
}

fn three() -> u8 {
    3
}

/// What a line is answered with.
#[derive(Debug, Serialize)]
struct Answer {
    id: serde_json::Value,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if options.batch {
        return batch();
    }
    let mut out = std::io::stdout();
    match template(&options, &mut HashMap::new()) {
        Ok(text) => {
            let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            written.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{}", error.as_printed());
            ExitCode::FAILURE
        }
    }
}

/// Charts that were read, by path and dialect.
type Charts = HashMap<(PathBuf, u8), Arc<Chart>>;

fn batch() -> ExitCode {
    let mut out = std::io::stdout().lock();
    let mut charts = Charts::new();
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { return ExitCode::FAILURE };
        if line.trim().is_empty() {
            continue;
        }
        let answer = match serde_json::from_str::<Job>(&line) {
            Ok(job) => answer(job, &mut charts),
            Err(error) => refused(serde_json::Value::Null, format!("no job: {error}")),
        };
        let Ok(text) = serde_json::to_string(&answer) else { return ExitCode::FAILURE };
        if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn refused(id: serde_json::Value, error: String) -> Answer {
    Answer { id, ok: false, output: None, error: Some(error) }
}

fn answer(job: Job, charts: &mut Charts) -> Answer {
    let helm = match job.helm {
        3 => Helm::Three,
        4 => Helm::Four,
        other => return refused(job.id, format!("helm is {other}; it is 3 or 4")),
    };
    let options = Options {
        chart: Some(job.chart),
        batch: false,
        values: job.values,
        set: job.set,
        set_string: job.set_string,
        set_json: job.set_json,
        set_file: job.set_file,
        set_literal: job.set_literal,
        name: job.name.unwrap_or_else(|| "release-name".to_owned()),
        namespace: job.namespace.unwrap_or_else(|| "default".to_owned()),
        kube_version: job.kube_version,
        api_versions: job.api_versions,
        include_crds: job.include_crds,
        no_hooks: job.no_hooks,
        skip_tests: job.skip_tests,
        is_upgrade: job.is_upgrade,
        skip_schema_validation: job.skip_schema_validation,
        helm,
    };
    match template(&options, charts) {
        Ok(output) => Answer { id: job.id, ok: true, output: Some(output), error: None },
        Err(error) => refused(job.id, error.as_printed()),
    }
}

/// In Helm's order: the version, the values, the chart.
fn template(options: &Options, charts: &mut Charts) -> Result<String, ChartError> {
    let dialect = Dialect::from(options.helm);
    let mut capabilities = Capabilities::assumed(dialect);
    if let Some(version) = &options.kube_version {
        capabilities.kube_version =
            KubeVersion::parse(version, dialect).map_err(ChartError::Request)?;
    }
    capabilities.api_versions.extend(options.api_versions.iter().cloned());
    let given = overrides(options)?.merge(dialect, &read_from_disk)?;
    let chart = chart(options, charts)?;
    let release = Release {
        name: options.name.clone(),
        namespace: options.namespace.clone(),
        is_upgrade: options.is_upgrade,
        capabilities,
        skip_schema: options.skip_schema_validation,
    };
    let settings = Settings { dialect, seed: [7; 32], now: now(), limits: Limits::default() };
    let rendered = render(&chart, &given, &release, &settings)?;
    Ok(rendered.print(Printing {
        definitions: options.include_crds,
        no_hooks: options.no_hooks,
        no_tests: options.skip_tests,
    }))
}

fn chart(options: &Options, charts: &mut Charts) -> Result<Arc<Chart>, ChartError> {
    let path = options.chart.as_deref().unwrap_or(Path::new("."));
    let key = (path.to_owned(), options.helm as u8);
    if let Some(chart) = charts.get(&key) {
        return Ok(Arc::clone(chart));
    }
    let chart = Arc::new(load::path(path, options.helm.into(), LoadLimits::default())?);
    charts.insert(key, Arc::clone(&chart));
    Ok(chart)
}

fn overrides(options: &Options) -> Result<Overrides, ChartError> {
    let files = options.values.iter().map(|path| {
        let name = path.display().to_string();
        let bytes = std::fs::read(path)
            .map_err(|_| ChartError::Values(format!("open {name}: no such file or directory")))?;
        Ok((name, bytes))
    });
    Ok(Overrides {
        files: files.collect::<Result<_, ChartError>>()?,
        json: options.set_json.clone(),
        set: options.set.clone(),
        strings: options.set_string.clone(),
        from_files: options.set_file.clone(),
        literals: options.set_literal.clone(),
    })
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
