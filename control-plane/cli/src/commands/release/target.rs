//! Which release to go back to: by its id, or as older scripts name it.

use clap::Args;
use gimlet_shared::{api::ReleaseQuery, ids::ReleaseId};

use super::SEE_LIST;
use crate::{client::Client, error::CliError};

/// How far back a commit is looked for.
const LOOKED_THROUGH: u32 = 1000;
/// Fewer digits of a commit mean several.
const SHORTEST_SHA: usize = 7;

/// The release to go back to.
#[derive(Clone, Debug, Args)]
pub(super) struct Target {
    /// The release to go back to, `rel_…`.
    #[arg(required_unless_present = "to", conflicts_with = "to")]
    id: Option<ReleaseId>,
    /// Instead of its id: its commit, in the gitops repository or the source repository, at least 7 digits.
    #[arg(long, value_name = "SHA", requires_all = ["environment", "app"])]
    to: Option<String>,
    /// The environment of --to.
    #[arg(long, visible_alias = "env", value_name = "NAME", requires = "to")]
    environment: Option<String>,
    /// The application of --to.
    #[arg(long, value_name = "NAME", requires = "to")]
    app: Option<String>,
}

impl Target {
    /// The id of the release that is meant.
    pub(super) async fn find(&self, client: &Client) -> Result<ReleaseId, CliError> {
        let Some(to) = &self.to else {
            return self.id.ok_or_else(|| CliError::usage("no release is named").advise(SEE_LIST));
        };
        if to.len() < SHORTEST_SHA || !to.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(
                CliError::usage("--to: must be 7 to 40 hexadecimal digits").advise(SEE_LIST)
            );
        }
        let query = ReleaseQuery {
            environment: self.environment.clone(),
            app: self.app.clone(),
            ..ReleaseQuery::default()
        };
        let to = to.to_ascii_lowercase();
        let releases = client.list_releases(&query, LOOKED_THROUGH).await?;
        let begins = |sha: &Option<String>| sha.as_ref().is_some_and(|sha| sha.starts_with(&to));
        // The newest first: a source commit that was released twice means its last release.
        let found = releases.iter().find(|release| begins(&release.gitops_commit)).or_else(|| {
            releases.iter().find(|release| begins(&release.sha) && release.gitops_commit.is_some())
        });
        let none =
            || CliError::local(format!("no release of the application has the commit `{to}`"));
        let id = found.ok_or_else(|| none().advise(SEE_LIST))?.id.parse();
        id.map_err(|_| CliError::local("the server named a release by no id"))
    }
}
