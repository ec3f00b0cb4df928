//! `gimlet-server check`: everything that `run` would need, looked at without changing anything.

mod files;
mod outside;

use std::{fmt, path::Path};

use gimlet_store::Operator;
use secrecy::ExposeSecret as _;
use serde::Serialize;

use crate::config::Config;

/// How one thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// The server runs, and something is probably not what is wanted.
    Warning,
    /// `run` would fail, or lose something.
    Failed,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What: `database`, `port 9000` …
    pub name: String,
    /// How it was found.
    pub verdict: Verdict,
    /// What was seen.
    pub detail: String,
    /// What to do; empty where there is nothing to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remedy: String,
}

impl Finding {
    fn good(name: impl Into<String>, detail: impl Into<String>) -> Self {
        let (name, detail) = (name.into(), detail.into());
        Self { name, verdict: Verdict::Good, detail, remedy: String::new() }
    }

    fn warning(
        name: impl Into<String>,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let (name, detail, remedy) = (name.into(), detail.into(), remedy.into());
        Self { name, verdict: Verdict::Warning, detail, remedy }
    }

    fn failed(
        name: impl Into<String>,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let (name, detail, remedy) = (name.into(), detail.into(), remedy.into());
        Self { name, verdict: Verdict::Failed, detail, remedy }
    }
}

/// Everything that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Nothing failed; there may be warnings.
    pub good: bool,
    /// One for each thing.
    pub findings: Vec<Finding>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            let word = match finding.verdict {
                Verdict::Good => "ok     ",
                Verdict::Warning => "warning",
                Verdict::Failed => "failed ",
            };
            writeln!(f, "{word}  {}: {}", finding.name, finding.detail)?;
            if !finding.remedy.is_empty() {
                writeln!(f, "         → {}", finding.remedy)?;
            }
        }
        let count = |verdict| self.findings.iter().filter(|one| one.verdict == verdict).count();
        let (failed, warnings) = (count(Verdict::Failed), count(Verdict::Warning));
        match (failed, warnings) {
            (0, 0) => writeln!(f, "everything that a server needs is here"),
            (0, warnings) => writeln!(f, "a server would run; warnings: {warnings}"),
            (failed, warnings) => writeln!(f, "failed: {failed}, warnings: {warnings}"),
        }
    }
}

/// Looks at everything that `run` would need with this configuration.
pub async fn check(config: &Config) -> Report {
    let mut findings = files::misspelt_variables();
    findings.extend(files::data_dir(&config.data_dir));
    let running = files::is_running(&config.data_dir);
    findings.extend(outside::ports(config, running));
    findings.extend(outside::addresses(config).await);
    findings.push(outside::git(&config.data_dir).await);
    findings.extend(outside::telemetry(config).await);
    findings.push(files::authority(&config.data_dir));
    findings.extend(database(config).await);
    let good = findings.iter().all(|finding| finding.verdict != Verdict::Failed);
    Report { good, findings }
}

async fn database(config: &Config) -> Vec<Finding> {
    const NAME: &str = "database";
    let url = config.database_url.expose_secret();
    if let Some(path) = url.strip_prefix("sqlite://")
        && !Path::new(path).exists()
    {
        let detail = format!("{path} is not there yet; the first start makes it");
        return vec![Finding::good(NAME, detail), files::secrets_key(&config.data_dir, &[])];
    }
    let looked = async {
        let mut operator = Operator::connect(url).await?;
        let inspection = operator.inspect().await?;
        // Tables that are not there yet hold no secrets, and those of a newer version are not read.
        let readable = inspection.has_tables && inspection.pending.len() < FIRST_STEPS;
        let sealed = if readable { operator.sealed_secrets().await? } else { Vec::new() };
        Ok::<_, gimlet_store::StoreError>((inspection, sealed))
    };
    match looked.await {
        Ok((inspection, sealed)) => {
            let mut findings = schema(&inspection);
            findings.push(files::secrets_key(&config.data_dir, &sealed));
            findings
        }
        Err(error) => {
            let detail = gimlet_shared::error_chain::Chain(&error).to_string();
            let remedy = "check database_url, and that the database runs and lets this role in";
            vec![Finding::failed(NAME, detail, remedy)]
        }
    }
}

/// With this many steps missing, there is no table of repositories yet.
const FIRST_STEPS: usize = 4;

fn schema(inspection: &gimlet_store::Inspection) -> Vec<Finding> {
    const NAME: &str = "database";
    let version = &inspection.version;
    let mut findings = vec![match (inspection.pending.as_slice(), inspection.unknown.as_slice()) {
        ([], []) => Finding::good(NAME, format!("{version}, its schema is up to date")),
        (pending, []) => {
            let steps = pending.join(", ");
            Finding::good(NAME, format!("{version}; the next start migrates it: {steps}"))
        }
        (_, unknown) => Finding::warning(
            NAME,
            format!("{version}; a newer version migrated it: {}", unknown.join(", ")),
            "this version runs on it while the next one is rolled out or back; do not skip a version",
        ),
    }];
    if inspection.bypasses_row_security == Some(true) {
        findings.push(Finding::warning(
            "database role",
            "it may pass over row-level security; the server works under the role gimlet_rows, which may not",
            "give the server a role without SUPERUSER and BYPASSRLS that owns its database",
        ));
    }
    findings
}
