//! `gimlet deploy`.

use clap::Args;
use gimlet_shared::{api::NewRelease, ids::ArtifactId};
use uuid::Uuid;

use super::environment::named_or_only;
use crate::{
    args::OutputArgs,
    error::CliError,
    output::Tone,
    rows::release::subject,
    shell::Shell,
    wait::{EachVersion, WaitArgs, judge, until_closed},
};

/// A whole SHA-1; the server's shortest prefix.
const SHA_DIGITS: std::ops::RangeInclusive<usize> = 7..=40;
/// What the server takes.
const LONGEST_KEY: usize = 255;

/// Release a commit by hand; the deploy policy is not asked.
#[derive(Clone, Debug, Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["sha", "artifact"])))]
pub(crate) struct Deploy {
    /// Where to; absent: the only environment that there is.
    #[arg(long, visible_alias = "env", value_name = "NAME")]
    environment: Option<String>,
    /// Only this application; absent: every one that the commit has a manifest for.
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    /// The commit, at least 7 digits of it.
    #[arg(long, value_parser = parse_sha)]
    sha: Option<String>,
    /// The commit's repository; needed where several have it.
    #[arg(
        long,
        visible_alias = "repo",
        value_name = "OWNER/NAME",
        requires = "sha",
        conflicts_with = "artifact"
    )]
    repository: Option<String>,
    /// The artifact instead of a commit.
    #[arg(long, value_name = "ID")]
    artifact: Option<ArtifactId>,
    #[command(flatten)]
    wait: WaitArgs,
    /// Runs with the same key and the same request get the same releases, so that a CI job can run again.
    #[arg(long, value_name = "KEY", value_parser = parse_key)]
    idempotency_key: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

impl Deploy {
    pub(crate) async fn run(self, shell: &mut Shell) -> Result<(), CliError> {
        let client = shell.client()?;
        let request = NewRelease {
            environment: named_or_only(&client, self.environment).await?,
            app: self.app,
            artifact: self.artifact.map(|id| id.to_string()),
            sha: self.sha,
            repository: self.repository,
        };
        // A key of our own lets a request be sent again whose answer was lost.
        let key = self.idempotency_key.unwrap_or_else(|| Uuid::now_v7().to_string());
        let releases = client.deploy(&request, &key).await.map_err(|error| {
            error.advise_on(404, "see `gimlet commits` and `gimlet environment list`")
        })?;
        let Some(limit) = self.wait.limit() else {
            for release in &releases {
                shell
                    .out
                    .note(Tone::Plain, &format!("asked for {}: {}", subject(release), release.url));
            }
            return shell.out.list(self.output.output, &releases);
        };
        let closed = until_closed(shell, &client, releases, Some(limit), EachVersion::Tell).await?;
        shell.out.list(self.output.output, &closed)?;
        judge(&closed)
    }
}

fn parse_sha(text: &str) -> Result<String, String> {
    if SHA_DIGITS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_lowercase());
    }
    Err("must be 7 to 40 hexadecimal digits, as `git rev-parse HEAD` prints them".to_owned())
}

fn parse_key(text: &str) -> Result<String, String> {
    if (1..=LONGEST_KEY).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(format!("must be 1 to {LONGEST_KEY} visible ASCII characters, such as a UUID"))
}
