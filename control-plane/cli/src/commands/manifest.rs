//! `gimlet manifest`: what the server will make of a manifest, told before it is pushed. No server is asked.

use std::{
    collections::BTreeMap,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::{Args, Subcommand};
use gimlet_charts::{Access, Chart, Charts, Git, Options, Policy};
use gimlet_manifest::{
    ChartSource, Install, ManifestError, Parsed, RenderInputs, VariablesBuilder, Warning,
    parse_dotenv, parse_manifest,
};

use gimlet_shared::error_chain::Chain;

use crate::{error::CliError, output::Tone, shell::Shell};

/// The server takes no larger manifest.
const LARGEST_FILE: u64 = 1 << 20;

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ManifestCommand {
    /// Check manifests; silent where nothing is wrong.
    Lint(Lint),
    /// Print the Kubernetes objects that a manifest stands for.
    Template(Template),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Lint {
    /// The manifest; - is standard input. It may be given several times.
    #[arg(short, long = "file", value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Template {
    /// The manifest; - is standard input.
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// File with the variables of its templates, `NAME=value` on each line; what it lacks comes from the
    /// environment.
    #[arg(short, long, value_name = "FILE")]
    vars: Option<PathBuf>,
    /// Where to write the objects; absent: standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl ManifestCommand {
    pub(crate) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        match self {
            Self::Lint(lint) => lint.run(shell).await,
            Self::Template(template) => template.run(shell).await,
        }
    }
}

impl Lint {
    async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let mut wrong = None;
        for file in &self.files {
            match parsed(shell, file).await {
                Ok(parsed) => warn(shell, &parsed.warnings),
                // Every file is told of; the last fault ends the command.
                Err(fault) => {
                    if let Some(before) = wrong.replace(fault) {
                        shell.report(&before);
                    }
                }
            }
        }
        wrong.map_or(Ok(()), Err)
    }
}

impl Template {
    async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let Parsed { manifest, warnings } = parsed(shell, &self.file).await?;
        warn(shell, &warnings);
        let given = match &self.vars {
            Some(path) => variables(shell, path).await?,
            None => BTreeMap::new(),
        };
        let fail = |fault: ManifestError| CliError::local(fault.to_string());
        let advice = "give variables with --vars FILE, or in the environment";
        let all = VariablesBuilder::default().ci(shell.vars.clone()).ci(given);
        let resolved =
            all.build(&manifest).and_then(|all| gimlet_manifest::resolve(&manifest, &all));
        let resolved = resolved.map_err(|fault| fail(fault).advise(advice))?;
        // What Flux installs is not rendered, and so not fetched.
        let rendered_here =
            resolved.chart.as_ref().filter(|chart| chart.install == Install::Render);
        let found = match rendered_here {
            Some(chart) => Some(chart_of(shell, &chart.source).await?),
            None => None,
        };
        let inputs = RenderInputs { chart: found.as_ref(), ..RenderInputs::default() };
        let rendered = gimlet_manifest::render(&resolved, &inputs).map_err(fail)?;
        warn(shell, &rendered.warnings);
        let text: String = rendered.files.iter().map(|file| file.content.as_str()).collect();
        match self.output {
            None => shell.out.data(&text),
            Some(path) => std::fs::write(&path, text).map_err(|source| CliError::File {
                verb: "write",
                path,
                source,
            }),
        }
    }
}

/// The chart that a manifest names; a folder is looked for where the command runs. What is fetched is forgotten
/// afterwards.
async fn chart_of(shell: &mut Shell, source: &ChartSource) -> Result<Arc<Chart>, CliError> {
    let failed = |problem: &dyn std::error::Error| CliError::local(Chain(problem).to_string());
    let scratch = tempfile::tempdir().map_err(|error| failed(&error))?;
    let git = Git::new(scratch.path().join("git-home"));
    let options = Options::new(scratch.path().join("charts"), Policy::person(), git);
    let charts = Charts::open(options).map_err(|error| failed(&error))?;
    let fetched = charts.fetch(source, &Access::anonymous()).await;
    let fetched = fetched.map_err(|error| failed(&error))?;
    if let Some(note) = fetched.note {
        shell.out.note(Tone::Busy, &format!("note: {note}"));
    }
    Ok(fetched.chart)
}

async fn parsed(shell: &mut Shell, file: &Path) -> Result<Parsed, CliError> {
    let text = read(shell, file).await?;
    let name =
        if file == Path::new("-") { "standard input".into() } else { file.to_string_lossy() };
    parse_manifest(&name, &text).map_err(|fault| CliError::local(fault.to_string()))
}

async fn variables(shell: &mut Shell, path: &Path) -> Result<BTreeMap<String, String>, CliError> {
    let text = read(shell, path).await?;
    parse_dotenv(&text).map_err(|fault| CliError::local(format!("{}: {fault}", path.display())))
}

/// A file as text, or standard input.
async fn read(shell: &mut Shell, path: &Path) -> Result<String, CliError> {
    let failed = |source| CliError::File { verb: "read", path: path.to_owned(), source };
    let source: Box<dyn io::Read + Send> = if path == Path::new("-") {
        shell.stdin.take().unwrap_or_else(|| Box::new(io::empty()))
    } else {
        Box::new(std::fs::File::open(path).map_err(failed)?)
    };
    let read = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        source.take(LARGEST_FILE + 1).read_to_string(&mut text).map(|_| text)
    });
    let text = read.await.unwrap_or_else(|stopped| Err(io::Error::other(stopped)));
    let text = text.map_err(failed)?;
    if text.len() as u64 > LARGEST_FILE {
        let problem = format!("{} is larger than {LARGEST_FILE} bytes", path.display());
        return Err(CliError::local(problem));
    }
    Ok(text)
}

fn warn(shell: &mut Shell, warnings: &[Warning]) {
    for warning in warnings {
        shell.out.note(Tone::Busy, &format!("warning: {warning}"));
    }
}
