//! `gimlet cluster`.

use std::time::Duration;

use clap::{Args, Subcommand};
use gimlet_shared::api::{Cluster, ClusterConnect, NewCluster};
use tokio::time::{Instant, sleep};

use crate::{
    args::OutputArgs,
    client::Client,
    duration,
    error::CliError,
    output::{Output, Tone, clean_line, moment},
    shell::Shell,
    watch::watch,
};

/// As long as the command's token lasts.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// Someone has pasted the command by then.
const STALLED: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// Add a cluster with its environment, and print the command that connects it.
    Connect(Connect),
    /// List the clusters.
    List(List),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Connect {
    /// What to call the cluster.
    name: String,
    /// What to call its environment; absent: like the cluster.
    #[arg(long, visible_alias = "env", value_name = "NAME", conflicts_with = "renew")]
    environment: Option<String>,
    /// The one namespace that the environment is bound to; absent: the whole cluster.
    #[arg(short, long, value_name = "NAME", conflicts_with = "renew")]
    namespace: Option<String>,
    /// Print a new command for a cluster that is there; the earlier command stops working.
    #[arg(long)]
    renew: bool,
    /// Wait until it is connected; ends with 4 if that takes too long.
    #[arg(short, long)]
    wait: bool,
    /// How long to wait: 90s, 10m, 1h30m; absent: 15m.
    #[arg(long, value_name = "TIME", value_parser = duration::parse, requires = "wait")]
    timeout: Option<Duration>,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct List {
    /// Show new and changed ones as they come.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    output: OutputArgs,
}

impl ClusterCommand {
    pub(crate) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        match self {
            Self::Connect(connect) => connect.run(shell).await,
            Self::List(list) => list.run(shell).await,
        }
    }
}

impl List {
    async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        if self.watch {
            return watch(shell, self.output.output, async || client.list_clusters().await).await;
        }
        let clusters = client.list_clusters().await?;
        shell.out.list(self.output.output, &clusters)
    }
}

impl Connect {
    async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        let limit = self.wait.then(|| self.timeout.unwrap_or(DEFAULT_TIMEOUT));
        let format = self.output.output;
        let connect = if self.renew {
            renew(&client, &self.name).await?
        } else {
            let request = NewCluster {
                name: self.name,
                environment: self.environment,
                namespace: self.namespace,
            };
            client.connect_cluster(&request).await.map_err(|error| match error.field() {
                Some("name") => {
                    error.advise("another name, or --renew for a cluster that is there")
                }
                _ => error,
            })?
        };
        explain(&mut shell.out, &connect);
        let command = clean_line(&connect.command) + "\n";
        shell.out.plain(format, &command, &connect.cluster.name, &connect)?;
        match limit {
            Some(limit) => until_connected(shell, &client, &connect.cluster, limit).await,
            None => Ok(()),
        }
    }
}

async fn renew(client: &Client, name: &str) -> Result<ClusterConnect, CliError> {
    let clusters = client.list_clusters().await?;
    let Some(cluster) = clusters.iter().find(|cluster| cluster.name == name) else {
        return Err(CliError::local(format!("there is no cluster `{name}`"))
            .advise("see `gimlet cluster list`, or leave --renew away to add it"));
    };
    client.renew_enrolment(&cluster.id).await
}

fn explain(out: &mut Output, connect: &ClusterConnect) {
    let until = moment(out.now(), &connect.expires_at);
    out.note(
        Tone::Plain,
        &format!(
            "Run this where kubectl reaches the cluster {}. It works once, until {until}:",
            connect.cluster.name
        ),
    );
}

async fn until_connected(
    shell: &mut Shell,
    client: &Client,
    cluster: &Cluster,
    limit: Duration,
) -> Result<(), CliError> {
    let began = Instant::now();
    let name = &cluster.name;
    shell.if_interrupted = Some("the command above goes on being good".to_owned());
    shell.out.note(Tone::Plain, &format!("waiting for {name} to connect"));
    let mut hint = Some(
        "nothing yet: has the command run to its end, and can the cluster reach the server's agent port?",
    );
    let looked = async {
        loop {
            match client.cluster(&cluster.id).await {
                Ok(now) if now.state == "connected" => return Ok(now),
                Ok(_) => {}
                Err(error) if error.may_pass() => {}
                Err(error) => return Err(error),
            }
            shell.out.live(&format!("● waiting for {name}  {}", duration::short(began.elapsed())));
            if began.elapsed() > STALLED
                && let Some(hint) = hint.take()
            {
                shell.out.note(Tone::Busy, hint);
            }
            sleep(shell.pace.poll).await;
        }
    };
    let Ok(found) = tokio::time::timeout(limit, looked).await else {
        return Err(CliError::WaitedTooLong {
            problem: format!("waited {}: {name} is not connected", duration::short(limit)),
            advice: format!(
                "`gimlet cluster connect {name} --renew` for a new command once this one has lapsed"
            ),
        });
    };
    let version = found?
        .kubernetes_version
        .map(|version| format!(", Kubernetes {version}"))
        .unwrap_or_default();
    let after = duration::short(began.elapsed());
    shell.out.note(Tone::Good, &format!("✓ {name} is connected after {after}{version}"));
    Ok(())
}
