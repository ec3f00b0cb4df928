//! `gimlet cluster`.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, Subcommand};
use gimlet_shared::{
    api::{Cluster, ClusterConnect, NewCluster, NewGitopsRepository},
    git_credential::{GitCredential, GitCredentialError, LONGEST_GIT_CREDENTIAL},
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{Instant, sleep};

use super::named::pick;
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
    #[command(visible_alias = "ls")]
    List(List),
    /// Show a cluster in full.
    Show(Show),
    /// Revoke the agent's certificates and close its link; what Flux applied stays.
    Disconnect(Disconnect),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Show {
    /// The cluster, by name or id.
    #[arg(value_name = "CLUSTER")]
    name: String,
    /// Show it again whenever it changes.
    #[arg(short, long)]
    watch: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Disconnect a cluster.
#[derive(Clone, Debug, Args)]
pub(crate) struct Disconnect {
    /// The cluster, by name or id.
    #[arg(value_name = "CLUSTER")]
    name: String,
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
    #[command(flatten)]
    gitops: Gitops,
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

/// A gitops repository of one's own.
#[derive(Clone, Debug, Args)]
struct Gitops {
    /// Write releases to this repository, on any git host; absent: to one that the server makes and keeps.
    #[arg(long, value_name = "URL", conflicts_with = "renew")]
    gitops_repository: Option<String>,
    /// The branch that Flux follows; absent: main.
    #[arg(long, value_name = "BRANCH", requires = "gitops_repository")]
    gitops_branch: Option<String>,
    /// File with user:password to push with, on one line; - is standard input.
    #[arg(long, value_name = "FILE", requires = "gitops_repository")]
    gitops_credential_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct List {
    /// Show new and changed ones as they come.
    #[arg(short, long)]
    watch: bool,
    #[command(flatten)]
    output: OutputArgs,
}

impl ClusterCommand {
    pub(crate) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        match self {
            Self::Connect(connect) => connect.run(shell).await,
            Self::List(list) => list.run(shell).await,
            Self::Show(show) => show.run(shell).await,
            Self::Disconnect(disconnect) => disconnect.run(shell).await,
        }
    }
}

impl Disconnect {
    async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        let cluster = pick(client.list_clusters().await?, &self.name)?;
        client.disconnect_cluster(&cluster.id).await?;
        let name = &cluster.name;
        shell.out.note(Tone::Good, &format!("✓ {name} is disconnected"));
        shell.out.note(
            Tone::Plain,
            &format!("`gimlet cluster connect {name} --renew` connects it again"),
        );
        Ok(())
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

impl Show {
    async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        let id = pick(client.list_clusters().await?, &self.name)?.id;
        if self.watch {
            let look = async || Ok(vec![client.cluster(&id).await?]);
            return watch(shell, self.output.output, look).await;
        }
        let cluster = client.cluster(&id).await?;
        shell.out.one(self.output.output, &cluster)
    }
}

impl Connect {
    /// As `gimlet cluster connect NAME` without any option.
    pub(crate) fn named(name: String, output: OutputArgs) -> Self {
        Self {
            name,
            environment: None,
            namespace: None,
            gitops: Gitops {
                gitops_repository: None,
                gitops_branch: None,
                gitops_credential_file: None,
            },
            renew: false,
            wait: false,
            timeout: None,
            output,
        }
    }

    pub(crate) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        let limit = self.wait.then(|| self.timeout.unwrap_or(DEFAULT_TIMEOUT));
        let format = self.output.output;
        let connect = if self.renew {
            renew(&client, &self.name).await?
        } else {
            let gitops_repository = self.gitops.read(shell).await?;
            let request = NewCluster {
                name: self.name,
                environment: self.environment,
                namespace: self.namespace,
                gitops_repository,
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
            Some(limit) => {
                shell.if_interrupted = Some("the command above goes on being good".to_owned());
                until_connected(shell, &client, &connect.cluster, limit).await
            }
            None => Ok(()),
        }
    }
}

impl Gitops {
    async fn read(self, shell: &mut Shell) -> Result<Option<NewGitopsRepository>, CliError> {
        let Some(url) = self.gitops_repository else { return Ok(None) };
        let credential = match &self.gitops_credential_file {
            Some(path) => Some(read_credential(path, shell).await?),
            None => None,
        };
        let (username, password) = credential.map(|found| (found.username, found.password)).unzip();
        Ok(Some(NewGitopsRepository { url, branch: self.gitops_branch, username, password }))
    }
}

async fn read_credential(path: &Path, shell: &mut Shell) -> Result<GitCredential, CliError> {
    let failed = |source| CliError::File { verb: "read", path: path.to_owned(), source };
    let source: Box<dyn Read + Send> = if path == Path::new("-") {
        shell.stdin.take().unwrap_or_else(|| Box::new(io::empty()))
    } else {
        Box::new(std::fs::File::open(path).map_err(failed)?)
    };
    // One byte more than a credential may have tells that it is none.
    let limit = LONGEST_GIT_CREDENTIAL as u64 + 1;
    let read = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        source.take(limit).read_to_string(&mut text).map(|_| SecretString::from(text))
    });
    let text = read.await.unwrap_or_else(|stopped| Err(io::Error::other(stopped)));
    let text = text.map_err(failed)?;
    text.expose_secret().parse().map_err(|error: GitCredentialError| {
        CliError::local(format!("{}: {error}", path.display()))
    })
}

async fn renew(client: &Client, name: &str) -> Result<ClusterConnect, CliError> {
    let cluster = pick(client.list_clusters().await?, name)
        .map_err(|error| error.advise_also("leave --renew away to add it"))?;
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

/// Waits until the cluster's agent is here.
pub(crate) async fn until_connected(
    shell: &mut Shell,
    client: &Client,
    cluster: &Cluster,
    limit: Duration,
) -> Result<(), CliError> {
    let began = Instant::now();
    let name = &cluster.name;
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
