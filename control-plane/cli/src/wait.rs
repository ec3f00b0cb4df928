//! `--wait`: returns when releases are closed, and judges how.

use std::{collections::HashMap, time::Duration};

use clap::Args;
use gimlet_shared::{api::Release, ids::ReleaseId};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};

use crate::{
    client::Client,
    duration,
    error::CliError,
    follow::{Sighting, follow},
    output::{Format, as_json_line, at_path},
    progress::Progress,
    rows::release::subject,
    shell::Shell,
};

/// As the older command has it; a release's own deadline is shorter.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);
/// The live line counts seconds.
const TICK: Duration = Duration::from_secs(1);
/// Versions that may wait to be told.
const SIGHTINGS: usize = 16;

/// Whether a command waits, and how long.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct WaitArgs {
    /// Wait until it is healthy; ends with 3 if it does not become healthy, with 4 if that takes too long.
    #[arg(short, long)]
    wait: bool,
    /// How long to wait: 90s, 10m, 1h30m; absent: 10m.
    #[arg(long, value_name = "TIME", value_parser = duration::parse, requires = "wait")]
    timeout: Option<Duration>,
}

impl WaitArgs {
    /// How long to wait, where that is wanted.
    pub(crate) fn limit(&self) -> Option<Duration> {
        self.wait.then(|| self.timeout.unwrap_or(DEFAULT_TIMEOUT))
    }
}

/// The time limit of a command that always waits.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct TimeoutArgs {
    /// How long to wait: 90s, 10m, 1h30m.
    #[arg(long, value_name = "TIME", value_parser = duration::parse, default_value = "10m")]
    pub(crate) timeout: Duration,
}

/// What to do with each version of a release on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EachVersion {
    /// Tell the progress on standard error.
    Tell,
    /// That, and write it as data too where the format is for programs.
    Write(Format),
}

/// Waits until all of these releases are closed, and returns them as they ended, in the same order.
///
/// # Errors
/// [`CliError::WaitedTooLong`] when `limit` is over, and what stands in the way of following them.
pub(crate) async fn until_closed(
    shell: &mut Shell,
    client: &Client,
    releases: Vec<Release>,
    limit: Option<Duration>,
    each: EachVersion,
) -> Result<Vec<Release>, CliError> {
    shell.if_interrupted = Some(goes_on(&releases));
    let mut waiting = Waiting::new(releases, each);
    let (mut told, mut tasks) = waiting.begin(shell, client)?;
    let deadline = limit.map(|limit| Instant::now() + limit);
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !waiting.is_unread(shell) {
        tokio::select! {
            // What was told before a release's end comes before its end.
            biased;
            Some(sighting) = told.recv() => match sighting {
                Sighting::Seen(release) => waiting.see(shell, *release)?,
                Sighting::Lost(why) => waiting.progress.lose(&mut shell.out, &why),
            },
            end = tasks.join_next() => match end {
                Some(Ok(release)) => waiting.end(shell, release?)?,
                Some(Err(stopped)) => return Err(CliError::local(format!("following a release broke off: {stopped}"))),
                None => break,
            },
            _ = ticks.tick() => waiting.progress.tick(&mut shell.out),
            () = past(deadline) => return Err(waiting.too_long(limit.unwrap_or_default())),
        }
    }
    shell.if_interrupted = None;
    Ok(waiting.finish())
}

/// Nothing to complain about: every release is healthy.
///
/// # Errors
/// [`CliError::NotHealthy`] with those that are not.
pub(crate) fn judge(releases: &[Release]) -> Result<(), CliError> {
    let bad: Vec<Release> =
        releases.iter().filter(|release| release.state != "healthy").cloned().collect();
    if bad.is_empty() { Ok(()) } else { Err(CliError::NotHealthy { releases: bad }) }
}

/// What the followers tell, and how they end.
type Followed = (mpsc::Receiver<Sighting>, JoinSet<Result<Release, CliError>>);

struct Waiting {
    order: Vec<String>,
    known: HashMap<String, Release>,
    progress: Progress,
    each: EachVersion,
}

impl Waiting {
    fn new(releases: Vec<Release>, each: EachVersion) -> Self {
        Self {
            order: releases.iter().map(|release| release.id.clone()).collect(),
            progress: Progress::new(&releases),
            known: releases.into_iter().map(|release| (release.id.clone(), release)).collect(),
            each,
        }
    }

    /// Starts to follow what is open; tells of what is closed.
    fn begin(&mut self, shell: &mut Shell, client: &Client) -> Result<Followed, CliError> {
        let (tell, told) = mpsc::channel(SIGHTINGS);
        let mut tasks = JoinSet::new();
        for release in self.ordered().cloned().collect::<Vec<_>>() {
            if release.closed {
                self.end(shell, release)?;
                continue;
            }
            let id: ReleaseId = release.id.parse().map_err(|_| {
                CliError::local(format!(
                    "the server named a release `{}`, which is no id",
                    release.id
                ))
            })?;
            self.see(shell, release)?;
            tasks.spawn(follow(client.clone(), id, shell.pace, tell.clone()));
        }
        Ok((told, tasks))
    }

    /// Every version was to be written, and the reader of them went away.
    fn is_unread(&self, shell: &Shell) -> bool {
        self.each != EachVersion::Tell && shell.out.is_closed()
    }

    fn see(&mut self, shell: &mut Shell, release: Release) -> Result<(), CliError> {
        self.progress.update(&mut shell.out, &release);
        self.remember(shell, release)?;
        self.progress.tick(&mut shell.out);
        Ok(())
    }

    fn end(&mut self, shell: &mut Shell, release: Release) -> Result<(), CliError> {
        self.progress.finish(&mut shell.out, &release);
        self.remember(shell, release)
    }

    fn remember(&mut self, shell: &mut Shell, release: Release) -> Result<(), CliError> {
        match self.each {
            EachVersion::Write(Format::Json) => shell.out.data(&as_json_line(&release)?)?,
            EachVersion::Write(Format::Path(path)) => shell.out.data(&at_path(path, &release)?)?,
            EachVersion::Write(Format::Yaml) => {
                shell.out.data("---\n")?;
                shell.out.one(Format::Yaml, &release)?;
            }
            EachVersion::Write(Format::Table | Format::Wide | Format::Name) | EachVersion::Tell => {
            }
        }
        self.known.insert(release.id.clone(), release);
        Ok(())
    }

    fn too_long(&self, limit: Duration) -> CliError {
        let open: Vec<&Release> = self.ordered().filter(|release| !release.closed).collect();
        let states: Vec<String> = open
            .iter()
            .map(|release| format!("{} is still {}", subject(release), release.state))
            .collect();
        let ids: Vec<&str> = open.iter().map(|release| release.id.as_str()).collect();
        let bad: Vec<String> = self
            .ordered()
            .filter(|release| release.closed && release.state != "healthy")
            .map(crate::rows::release::outcome)
            .collect();
        let all = [states, bad].concat().join("; ");
        CliError::WaitedTooLong {
            problem: format!("waited {}: {all}", duration::short(limit)),
            advice: format!(
                "`gimlet release wait {}`; the release goes on by itself",
                ids.join(" ")
            ),
        }
    }

    fn ordered(&self) -> impl Iterator<Item = &Release> {
        self.order.iter().filter_map(|id| self.known.get(id))
    }

    fn finish(mut self) -> Vec<Release> {
        self.order.iter().filter_map(|id| self.known.remove(id)).collect()
    }
}

fn goes_on(releases: &[Release]) -> String {
    let ids: Vec<&str> = releases.iter().map(|release| release.id.as_str()).collect();
    format!("the release goes on by itself; `gimlet release wait {}` follows it", ids.join(" "))
}

async fn past(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
