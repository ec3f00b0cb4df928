//! The names that existing CI plugins call: `release make`, `status`, `track` and `delete`.
//!
//! They end with 0 or 1 only, as those expect, and print what those read.

use std::{collections::BTreeMap, str::FromStr, time::Duration};

use clap::Args;
use gimlet_shared::{
    api::{NewRelease, Release},
    ids::{ArtifactId, ReleaseId},
};
use serde::Serialize;
use uuid::Uuid;

use super::{SEE_LIST, find};
use crate::{
    args::OutputArgs,
    duration,
    error::CliError,
    output::{Format, Tone, clean_line},
    rows::release::{outcome, subject},
    shell::Shell,
    wait::{EachVersion, until_closed},
};

/// Release an artifact; `release track` follows what it prints.
#[derive(Clone, Debug, Args)]
pub(crate) struct Make {
    /// Where to.
    #[arg(long, visible_alias = "env", value_name = "NAME")]
    environment: String,
    /// The artifact, `art_…`.
    #[arg(short, long, value_name = "ID")]
    artifact: ArtifactId,
    /// Only this application; absent: every one that the artifact has for the environment.
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Show the newest release of each application of an environment.
#[derive(Clone, Debug, Args)]
pub(crate) struct Status {
    /// The environment.
    #[arg(long, visible_alias = "env", value_name = "NAME")]
    environment: String,
    /// Only this application.
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Follow what `release make` printed; ends with 1 if it does not become healthy.
#[derive(Clone, Debug, Args)]
pub(crate) struct Track {
    /// The id: one release, or several with commas between them.
    id: Ids,
    /// Wait until it is healthy, or is not.
    #[arg(short, long)]
    wait: bool,
    /// How long to wait: 90s, 10m, 1h30m.
    #[arg(short, long, value_name = "TIME", value_parser = duration::parse, default_value = "10m")]
    timeout: Duration,
    #[command(flatten)]
    output: OutputArgs,
}

/// Delete an application, without asking; `gimlet app delete` asks.
#[derive(Clone, Debug, Args)]
pub(crate) struct Delete {
    /// The environment.
    #[arg(long, visible_alias = "env", value_name = "NAME")]
    environment: String,
    /// The application.
    #[arg(long, value_name = "NAME")]
    app: String,
    #[command(flatten)]
    output: OutputArgs,
}

/// One release or several.
#[derive(Clone, Debug)]
struct Ids(Vec<ReleaseId>);

impl FromStr for Ids {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ids = text
            .split(',')
            .map(|id| id.trim().parse().map_err(|_| format!("`{id}` is no id of a release")));
        Ok(Self(ids.collect::<Result<_, _>>()?))
    }
}

/// What `release make` prints.
#[derive(Serialize)]
struct Made {
    /// What `release track` takes.
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    releases: Vec<Release>,
}

impl Make {
    pub(super) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        let request = NewRelease {
            environment: self.environment,
            app: self.app,
            artifact: Some(self.artifact.to_string()),
            ..NewRelease::default()
        };
        let key = Uuid::now_v7().to_string();
        let releases = client.deploy(&request, &key).await.map_err(|error| {
            error.advise_on(404, "see `gimlet artifact list` and `gimlet environment list`")
        })?;
        let ids: Vec<_> = releases.iter().map(|release| release.id.clone()).collect();
        for release in &releases {
            let text = format!("asked for {}: {}", subject(release), release.url);
            shell.out.note(Tone::Plain, &text);
        }
        let made = Made { id: ids.join(","), kind: "release", releases };
        let text = format!("{}\n", clean_line(&made.id));
        shell.out.plain(self.output.output, &text, &made.id, &made)
    }
}

impl Status {
    pub(super) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        let mut apps = client.list_apps().await?;
        apps.retain(|app| {
            app.environment == self.environment
                && self.app.as_ref().is_none_or(|wanted| *wanted == app.name)
        });
        let known = client.list_environments().await?;
        if !known.iter().any(|environment| environment.name == self.environment) {
            let problem = format!("there is no environment `{}`", self.environment);
            return Err(CliError::local(problem).advise("see `gimlet environment list`"));
        }
        match self.output.output {
            Format::Json | Format::Yaml | Format::Path(_) => {
                let map: BTreeMap<_, _> =
                    apps.iter().map(|app| (app.name.as_str(), &app.latest_release)).collect();
                shell.out.plain(self.output.output, "", "", &map)
            }
            Format::Table | Format::Wide | Format::Name => {
                let releases: Vec<_> =
                    apps.into_iter().filter_map(|app| app.latest_release).collect();
                shell.out.list(self.output.output, &releases)
            }
        }
    }
}

impl Track {
    pub(super) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        let mut releases = Vec::new();
        for id in &self.id.0 {
            releases.push(find(&client, *id).await?);
        }
        let is_data = match self.output.output {
            Format::Json | Format::Yaml | Format::Path(_) => true,
            Format::Table | Format::Wide | Format::Name => false,
        };
        if is_data {
            // One look, whatever `--wait` says, and 0 when it could be made.
            return shell.out.plain(self.output.output, "", "", &ReleaseStatus::of(&releases));
        }
        if self.wait {
            let limit = Some(self.timeout);
            let closed = until_closed(shell, &client, releases, limit, EachVersion::Tell).await;
            releases = closed.map_err(CliError::into_older)?;
        }
        shell.out.list(self.output.output, &releases)?;
        let bad: Vec<_> = releases.iter().filter(|release| is_bad(release)).map(outcome).collect();
        if bad.is_empty() { Ok(()) } else { Err(CliError::local(bad.join("; ")).advise(SEE_LIST)) }
    }
}

fn is_bad(release: &Release) -> bool {
    release.closed && release.state != "healthy"
}

impl Delete {
    pub(super) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        let deleted = client.delete_app(&self.environment, &self.app).await;
        let deleted = deleted.map_err(|error| error.advise_on(404, "see `gimlet app list`"))?;
        let text = format!("asked for the deletion of {}: {}", subject(&deleted), deleted.url);
        shell.out.note(Tone::Plain, &text);
        match self.output.output {
            Format::Table | Format::Wide => Ok(()),
            format => shell.out.one(format, &deleted),
        }
    }
}

/// How far releases are, in the words that older scripts read.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReleaseStatus {
    #[serde(rename = "type")]
    kind: &'static str,
    status: &'static str,
    status_desc: String,
    results: Vec<Outcome>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    app: String,
    env: String,
    hash: String,
    status: &'static str,
    status_desc: String,
    gitops_commit_status: &'static str,
    gitops_commit_status_desc: String,
}

impl ReleaseStatus {
    fn of(releases: &[Release]) -> Self {
        let is_back = releases.iter().any(|release| release.kind == "rollback");
        let refused: Vec<_> =
            releases.iter().filter(|one| is_bad(one) && one.gitops_commit.is_none()).collect();
        let waits =
            releases.iter().any(|release| !release.closed && release.gitops_commit.is_none());
        let status = match (refused.is_empty(), waits) {
            (false, _) => "error",
            (true, true) => "new",
            (true, false) => "processed",
        };
        let written = releases.iter().filter(|release| release.gitops_commit.is_some());
        Self {
            kind: if is_back { "rollback" } else { "release" },
            status,
            status_desc: refused.into_iter().map(outcome).collect::<Vec<_>>().join("; "),
            results: written.map(Outcome::of).collect(),
        }
    }
}

impl Outcome {
    fn of(release: &Release) -> Self {
        let word = match release.state.as_str() {
            "healthy" => "ReconciliationSucceeded",
            "observed" => "Progressing",
            "degraded" | "timed_out" => "HealthCheckFailed",
            "failed" | "superseded" => "ReconciliationFailed",
            _ => "NotReconciled",
        };
        let why = release.cause.as_ref().map(|cause| cause.summary.clone()).unwrap_or_default();
        Self {
            app: release.app.clone(),
            env: release.environment.clone(),
            hash: release.gitops_commit.clone().unwrap_or_default(),
            status: if release.state == "superseded" { "failure" } else { "success" },
            status_desc: outcome(release),
            gitops_commit_status: word,
            gitops_commit_status_desc: why,
        }
    }
}
