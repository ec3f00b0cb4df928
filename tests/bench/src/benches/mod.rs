//! One module for each measurement.

mod gitops_commits;
mod live_streams;
mod pages;
mod webhook_ingest;
mod webhook_to_command;

use anyhow::Result;
use clap::ValueEnum;

pub(crate) use self::live_streams::run_peer as run_fan_out_peer;

use crate::{Setting, figure::Figure};

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Bench {
    /// Durable commits into one gitops repository.
    GitopsCommits,
    /// Changes on their way to a thousand open pages and streams.
    LiveStreams,
    /// Pages and lists of an organization with ten thousand releases.
    Pages,
    /// Signed pushes, stored before they are acknowledged.
    WebhookIngest,
    /// From a webhook to the command at the agent.
    WebhookToCommand,
}

impl Bench {
    /// Everything, in the order in which it is measured.
    pub(crate) const ALL: [Self; 5] = [
        Self::GitopsCommits,
        Self::LiveStreams,
        Self::Pages,
        Self::WebhookIngest,
        Self::WebhookToCommand,
    ];

    /// Its name on the command line and in the figures.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::GitopsCommits => "gitops-commits",
            Self::LiveStreams => "live-streams",
            Self::Pages => "pages",
            Self::WebhookIngest => "webhook-ingest",
            Self::WebhookToCommand => "webhook-to-command",
        }
    }

    /// What it measures, in one line.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::GitopsCommits => {
                "durable commits into one bare repository, 64 writers, beside the git command line"
            }
            Self::LiveStreams => {
                "changes on their way to 1,000 open pages and 1,000 streams of the API, beside bare hyper"
            }
            Self::Pages => {
                "every page and list of 10,000 releases of 1,000 applications, alone and 8 at once"
            }
            Self::WebhookIngest => {
                "signed pushes of 8 kB, stored before they are acknowledged, and 100 kills"
            }
            Self::WebhookToCommand => {
                "from a webhook to the command at the agent, 200 a second, and where the time goes"
            }
        }
    }

    /// Measures it.
    ///
    /// # Errors
    /// When it cannot be set up, or what was done turns out wrong: a figure of wrong work is none.
    pub(crate) fn measure(self, setting: &Setting) -> Result<Vec<Figure>> {
        match self {
            Self::GitopsCommits => gitops_commits::measure(setting),
            Self::LiveStreams => live_streams::measure(setting),
            Self::Pages => pages::measure(setting),
            Self::WebhookIngest => webhook_ingest::measure(setting),
            Self::WebhookToCommand => webhook_to_command::measure(setting),
        }
    }
}
