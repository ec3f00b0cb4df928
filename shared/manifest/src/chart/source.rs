//! Where a chart comes from.

use std::fmt;

use gimlet_helm::{Dialect, semver::Constraints};
use serde::Serialize;

use super::git::GitSource;
use crate::finding::quoted;

/// Where a chart comes from, and which version of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum ChartSource {
    /// The control plane carries it.
    #[serde(rename_all = "camelCase")]
    BuiltIn {
        /// Which one.
        chart: BuiltInChart,
        /// What is asked for; empty is the one there is.
        version: String,
    },
    /// A Helm repository.
    #[serde(rename_all = "camelCase")]
    Repository {
        /// The repository's URL, without a slash at the end.
        url: String,
        /// The chart's name in it.
        name: String,
        /// A version or a range; empty is the newest stable one.
        version: String,
    },
    /// A folder of a git repository.
    Git(GitSource),
    /// A registry of container images.
    #[serde(rename_all = "camelCase")]
    Oci {
        /// `oci://host/path`, without a slash or a tag at the end.
        url: String,
        /// A version or a range; empty is the newest stable one.
        version: String,
    },
    /// A folder on the disk of whoever reads the manifest; only the command line takes it.
    #[serde(rename_all = "camelCase")]
    Folder {
        /// As it is written.
        path: String,
    },
}

/// A chart that the control plane carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BuiltInChart {
    /// A web application, or any other server.
    Web,
    /// A job by a schedule.
    CronJob,
    /// A site of files, built once.
    StaticSite,
}

impl BuiltInChart {
    /// The names by which manifests call them, without a `repository`.
    pub const NAMES: [&str; 4] = ["onechart", "web-application", "cron-job", "static-site"];

    /// The chart that a manifest calls `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "onechart" | "web-application" => Some(Self::Web),
            "cron-job" => Some(Self::CronJob),
            "static-site" => Some(Self::StaticSite),
            _ => None,
        }
    }

    /// The folder it lies in, and its own name.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::CronJob => "cron-job",
            Self::StaticSite => "static-site",
        }
    }
}

/// What is wrong with the fields of a chart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SourceFault {
    /// The field of `chart`.
    pub(crate) field: &'static str,
    pub(crate) message: String,
}

impl SourceFault {
    pub(super) fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, message: message.into() }
    }
}

/// The forms that a chart's name can take.
const FORMS: &str = "write `repository: https://…` and the chart's `name`, or a `name` that is `https://….git?…`, \
                     `oci://…` or `./folder`";

impl ChartSource {
    /// Reads the three fields.
    pub(crate) fn read(repository: &str, name: &str, version: &str) -> Result<Self, SourceFault> {
        check_characters("repository", repository)?;
        check_characters("name", name)?;
        check_version(version)?;
        if !repository.is_empty() {
            return in_repository(repository, name, version);
        }
        let is_git = |url: &str| {
            let path = url.split('?').next().unwrap_or(url);
            path.trim_end_matches('/').ends_with(".git")
        };
        if name.starts_with("oci://") {
            return oci(name, version);
        }
        if let Some(rest) = name.strip_prefix("git@") {
            return GitSource::over_ssh(rest, name).map(Self::Git);
        }
        if name.starts_with("https://") || name.starts_with("http://") {
            if is_git(name) {
                return GitSource::over_http(name).map(Self::Git);
            }
            let message = format!(
                "{} is no git repository, whose path ends in `.git`; for a Helm repository put its URL in \
                 `repository` and the chart's name here",
                quoted(name)
            );
            return Err(SourceFault::new("name", message));
        }
        if name == "." || ["./", "../", "/"].iter().any(|start| name.starts_with(start)) {
            return Ok(Self::Folder { path: name.to_owned() });
        }
        match BuiltInChart::from_name(name) {
            Some(chart) => Ok(Self::BuiltIn { chart, version: version.to_owned() }),
            None => Err(SourceFault::new(
                "name",
                format!(
                    "{} is no built-in chart; those are {}. For others, {FORMS}",
                    quoted(name),
                    BuiltInChart::NAMES.map(|name| format!("`{name}`")).join(", ")
                ),
            )),
        }
    }

    /// The version or range that is asked for; empty where none is, and for git and folders.
    pub fn version(&self) -> &str {
        match self {
            Self::BuiltIn { version, .. }
            | Self::Repository { version, .. }
            | Self::Oci { version, .. } => version,
            Self::Git(_) | Self::Folder { .. } => "",
        }
    }
}

impl fmt::Display for ChartSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn { chart, .. } => write!(f, "the built-in chart {}", chart.folder())?,
            Self::Repository { url, name, .. } => write!(f, "{name} of {url}")?,
            Self::Git(git) => {
                write!(f, "{}", git.url)?;
                if !git.path.is_empty() {
                    write!(f, ", folder {}", git.path)?;
                }
            }
            Self::Oci { url, .. } => write!(f, "{url}")?,
            Self::Folder { path } => write!(f, "{path}")?,
        }
        match self.version() {
            "" => Ok(()),
            version => write!(f, ", version {version}"),
        }
    }
}

fn in_repository(url: &str, name: &str, version: &str) -> Result<ChartSource, SourceFault> {
    let url = url.trim_end_matches('/');
    let part = |part: &str| {
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !part.is_empty() && !part.starts_with('.') && part.chars().all(fine)
    };
    if !name.split('/').all(part) {
        let message = format!("{} is no name of a chart in a repository", quoted(name));
        return Err(SourceFault::new("name", message));
    }
    if url.starts_with("oci://") {
        return oci(&format!("{url}/{name}"), version);
    }
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() => Ok(ChartSource::Repository {
            url: url.to_owned(),
            name: name.to_owned(),
            version: version.to_owned(),
        }),
        _ => {
            let message = format!(
                "{} is no URL of a Helm repository; it starts with `https://` or `oci://`",
                quoted(url)
            );
            Err(SourceFault::new("repository", message))
        }
    }
}

fn oci(name: &str, version: &str) -> Result<ChartSource, SourceFault> {
    let url = name.trim_end_matches('/');
    let rest = url.strip_prefix("oci://").unwrap_or_default();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if host.is_empty() || path.is_empty() || path.contains("..") {
        let message = format!("{} names no chart; write `oci://host/path/chart`", quoted(name));
        return Err(SourceFault::new("name", message));
    }
    if path.contains([':', '@']) {
        return Err(SourceFault::new("name", "holds a tag or digest; write it in `version`"));
    }
    Ok(ChartSource::Oci { url: url.to_owned(), version: version.to_owned() })
}

/// No field of a chart holds what could become another word of a command or another line of a message.
fn check_characters(field: &'static str, text: &str) -> Result<(), SourceFault> {
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(SourceFault::new(field, format!("{} holds white space", quoted(text))));
    }
    Ok(())
}

fn check_version(version: &str) -> Result<(), SourceFault> {
    if version.is_empty() {
        return Ok(());
    }
    Constraints::parse(version, Dialect::Helm4).map(|_| ()).map_err(|_| {
        let message = format!(
            "{} is neither a version nor a range of versions, such as `1.2.3` or `^1.2`",
            quoted(version)
        );
        SourceFault::new("version", message)
    })
}
