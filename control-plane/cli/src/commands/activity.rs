//! `gimlet activity`.

use clap::Args;
use gimlet_shared::api::{Activity as Change, ActivityQuery};
use tokio::time::sleep;

use crate::{
    args::OutputArgs,
    client::Client,
    error::CliError,
    output::{Output, Tone},
    shell::Shell,
};

/// What changed, and who did it.
#[derive(Clone, Debug, Args)]
pub(crate) struct Activity {
    /// A kind such as release.healthy, or a group such as release.
    #[arg(long)]
    kind: Option<String>,
    /// Who did it.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only this environment.
    #[arg(long, visible_alias = "env", value_name = "NAME")]
    environment: Option<String>,
    /// Only this application.
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    /// Not before this moment, such as 2026-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before this moment.
    #[arg(long, value_name = "TIME", conflicts_with = "follow")]
    until: Option<String>,
    /// The most changes that are shown.
    #[arg(long, default_value_t = 30)]
    limit: u32,
    /// Go on with changes as they happen, oldest first.
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    output: OutputArgs,
}

impl Activity {
    pub(crate) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        let mut newest = client.list_activity(&self.query(), self.limit).await?;
        if !self.follow {
            return shell.out.list(self.output.output, &newest);
        }
        newest.reverse();
        // What is newest of all, and not only of what was asked for, is where the stream begins.
        let last = client.list_activity(&ActivityQuery::default(), 1).await?.pop();
        let mut last = last.map_or("0".to_owned(), |change| change.id);
        if !newest.is_empty() {
            shell.out.list(self.output.output, &newest)?;
        }
        while !shell.out.is_closed() {
            match self.follow(&client, &mut shell.out, &mut last).await {
                Ok(()) => {}
                Err(error) if error.may_pass() => {
                    shell.out.note(Tone::Busy, &format!("{}; trying again", error.sentence()));
                }
                Err(error) => return Err(error),
            }
            sleep(shell.pace.poll).await;
        }
        Ok(())
    }

    /// Shows what comes, until the stream ends.
    async fn follow(
        &self,
        client: &Client,
        out: &mut Output,
        last: &mut String,
    ) -> Result<(), CliError> {
        let mut changes = client.changes(last).await?;
        while let Some(change) = changes.next_change().await? {
            last.clone_from(&change.id);
            if self.wants(&change) {
                out.list(self.output.output, &[change])?;
            }
        }
        Ok(())
    }

    fn wants(&self, change: &Change) -> bool {
        let is = |wanted: &Option<String>, value: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| value == Some(wanted))
        };
        let group = change.kind.split_once('.').map(|(group, _)| group);
        (is(&self.kind, Some(&change.kind)) || is(&self.kind, group))
            && is(&self.actor, Some(&change.actor.name))
            && is(&self.environment, change.environment.as_deref())
            && is(&self.app, change.app.as_deref())
    }

    fn query(&self) -> ActivityQuery {
        ActivityQuery {
            kind: self.kind.clone(),
            actor: self.actor.clone(),
            environment: self.environment.clone(),
            app: self.app.clone(),
            since: self.since.clone(),
            until: self.until.clone(),
            ..Default::default()
        }
    }
}
