//! `gimlet release list`.

use std::{str::FromStr, time::Duration};

use clap::{Args, value_parser};
use gimlet_shared::api::{Release, ReleaseQuery};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    args::OutputArgs, client::Client, commands::commits::LONGEST_LIST, duration, error::CliError,
    shell::Shell, watch::watch,
};

/// How many releases are looked through for those that the server cannot pick out by itself.
const LOOKED_THROUGH: u32 = 1000;

/// List releases, the newest first.
#[derive(Clone, Debug, Args)]
pub(crate) struct List {
    /// Only releases to this environment.
    #[arg(long, visible_alias = "env", value_name = "NAME")]
    environment: Option<String>,
    /// Only releases of this application.
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    #[command(flatten)]
    picked: Picked,
    /// How many.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = value_parser!(u32).range(1..=LONGEST_LIST))]
    limit: u32,
    /// Leave out the newest N of them.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = value_parser!(u32).range(0..=LONGEST_LIST))]
    offset: u32,
    /// The oldest first.
    #[arg(short, long, conflicts_with = "watch")]
    reverse: bool,
    /// Show new and changed ones as they come.
    #[arg(short, long)]
    watch: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// What is picked out here, of the newest thousand.
#[derive(Clone, Debug, Args)]
struct Picked {
    /// Only releases in this state: healthy, degraded, timed_out, failed, superseded, queued, committed or
    /// observed; may be given several times.
    #[arg(long, value_name = "STATE")]
    state: Vec<String>,
    /// Only releases of this source repository.
    #[arg(long, visible_alias = "repo", value_name = "OWNER/NAME")]
    repository: Option<String>,
    /// Only releases asked for since then: a time, as 2026-01-02T15:04:05Z, or a span before now, as 2h.
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Only releases asked for before then.
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
}

/// A moment, or how long before now it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    At(OffsetDateTime),
    Ago(Duration),
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) {
            return Ok(Self::At(at));
        }
        duration::parse_long(text).map(Self::Ago).map_err(|_| {
            "write a time like 2026-01-02T15:04:05Z, or a span before now like 90m or 48h"
                .to_owned()
        })
    }
}

impl Moment {
    fn at(self, now: OffsetDateTime) -> OffsetDateTime {
        match self {
            Self::At(at) => at,
            Self::Ago(span) => now.checked_sub(span.try_into().unwrap_or_default()).unwrap_or(now),
        }
    }
}

impl Picked {
    fn is_everything(&self) -> bool {
        self.state.is_empty()
            && self.repository.is_none()
            && self.since.is_none()
            && self.until.is_none()
    }

    fn holds(&self, release: &Release, now: OffsetDateTime) -> bool {
        let Ok(at) = OffsetDateTime::parse(&release.requested_at, &Rfc3339) else { return false };
        (self.state.is_empty() || self.state.contains(&release.state))
            && self.repository.as_ref().is_none_or(|name| release.repository.as_ref() == Some(name))
            && self.since.is_none_or(|since| at >= since.at(now))
            && self.until.is_none_or(|until| at < until.at(now))
    }
}

impl List {
    pub(super) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        let now = shell.out.now();
        let look = async || self.look(&client, now).await;
        if self.watch {
            return watch(shell, self.output.output, look).await;
        }
        let releases =
            look().await.map_err(|error| error.advise_on(404, "see `gimlet environment list`"))?;
        shell.out.list(self.output.output, &releases)
    }

    async fn look(&self, client: &Client, now: OffsetDateTime) -> Result<Vec<Release>, CliError> {
        let query = ReleaseQuery {
            environment: self.environment.clone(),
            app: self.app.clone(),
            ..ReleaseQuery::default()
        };
        let wanted = self.limit.saturating_add(self.offset);
        let asked = if self.picked.is_everything() { wanted } else { wanted.max(LOOKED_THROUGH) };
        let mut releases = client.list_releases(&query, asked).await?;
        if !self.picked.is_everything() {
            releases.retain(|release| self.picked.holds(release, now));
        }
        releases.drain(..releases.len().min(self.offset as usize));
        releases.truncate(self.limit as usize);
        if self.reverse {
            releases.reverse();
        }
        Ok(releases)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_moment_is_a_time_or_a_span_before_now() {
        let now = datetime!(2026-03-10 12:00 UTC);
        assert_eq!("48h".parse::<Moment>().unwrap().at(now), datetime!(2026-03-08 12:00 UTC));
        let at = "2026-03-10T10:00:00+02:00".parse::<Moment>().unwrap().at(now);
        assert_eq!(at, datetime!(2026-03-10 08:00 UTC));
        for bad in ["", "yesterday", "2026-03-10", "-1h"] {
            assert!(bad.parse::<Moment>().is_err(), "{bad}");
        }
    }
}
