//! The shapes of the public API, `/api/v1`: what the server answers and what the `gimlet` command reads.
//!
//! Times are RFC 3339 in UTC. Ids are opaque text. Readers ignore fields they do not know.

mod activity;
mod diff;
mod gitops_repository;
mod people;
mod pods;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use activity::{Activity, ActivityQuery, Actor, ChangesQuery, ChangesReset};
pub use diff::{CompareQuery, Diff, DiffLine, FileDiff, Hunk};
pub use gitops_repository::NewGitopsRepository;
pub use people::{
    Member, MemberRole, NewToken, NewTokenSecret, PageQuery, Token, TokenQuery, Version,
};
pub use pods::{ContainerLog, Pod};

/// One page of a list, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Pass as `cursor` to get the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A problem, as RFC 9457 has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Names the kind of problem; stable, and documented under this address.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words; the same for every problem of this kind.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What went wrong this time, and what to do.
    pub detail: String,
    /// The field of the request that is wrong, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The request's id, also in the header `x-request-id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// Who the credential belongs to.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// Login of the person.
    pub login: String,
    /// Name of the organization.
    pub organization: String,
    /// `owner`, `admin`, `developer` or `viewer`.
    pub role: String,
}

/// Exchanges the code of a one-time sign-in link for an API token.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ExchangeLink {
    /// What follows `/sign-in/` in the link.
    pub code: String,
    /// What the token is called in lists.
    pub name: String,
}

/// A new API token; the only time it is shown.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenCreated {
    /// The token, `gim_…`.
    pub token: String,
    /// Who it belongs to.
    pub me: Me,
}

/// A device login that waits for a person's approval (RFC 8628).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeviceStarted {
    /// What the program asks with.
    pub device_code: String,
    /// What the person compares, such as `BDFG-HJKL`.
    pub user_code: String,
    /// Where the person approves.
    pub verification_uri: String,
    /// The same with the code filled in.
    pub verification_uri_complete: String,
    /// Seconds until it lapses.
    pub expires_in: u64,
    /// Seconds between two questions.
    pub interval: u64,
}

/// Asks whether a device login was approved.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DevicePoll {
    /// From [`DeviceStarted`].
    pub device_code: String,
    /// What the token is called in lists.
    pub name: String,
}

/// A cluster and its agent.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Cluster {
    /// `clu_…`.
    pub id: String,
    /// Its name in the organization.
    pub name: String,
    /// `waiting` (never connected), `connected` or `away`.
    pub state: String,
    /// Since when it is connected, or when it was last seen.
    pub last_seen_at: Option<String>,
    /// Version of the agent.
    pub agent_version: Option<String>,
    /// Version of its API server.
    pub kubernetes_version: Option<String>,
    /// Its environments.
    pub environments: Vec<String>,
    /// Applications on it, and how many of them are degraded.
    pub apps: u64,
    /// Degraded applications.
    pub degraded_apps: u64,
    /// When it was added.
    pub created_at: String,
}

/// Adds a cluster and its first environment.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCluster {
    /// A DNS label of at most 40 characters, unique in the organization.
    pub name: String,
    /// Name of its environment; absent: the cluster's name.
    #[serde(default)]
    pub environment: Option<String>,
    /// The one namespace that the environment is bound to; absent: the whole cluster.
    #[serde(default)]
    pub namespace: Option<String>,
    /// Where releases are written; absent: a repository that the server makes and keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gitops_repository: Option<NewGitopsRepository>,
}

/// How to connect a cluster: run the command where `kubectl` reaches it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ClusterConnect {
    /// The cluster.
    pub cluster: Cluster,
    /// One line for a shell. It carries a single-use token, and hands it over on standard input.
    pub command: String,
    /// When the token lapses.
    pub expires_at: String,
}

/// A deploy target.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Environment {
    /// `env_…`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its cluster's name.
    pub cluster: String,
    /// The one namespace it is bound to.
    pub namespace: Option<String>,
    /// Where releases are written.
    pub apps_repository: String,
    /// What the cluster's owner installs.
    pub infra_repository: String,
}

/// A source repository.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Repository {
    /// `rep_…`.
    pub id: String,
    /// `owner/name`.
    pub name: String,
    /// URL for `git clone`.
    pub url: String,
    /// Its default branch, once it was read.
    pub default_branch: Option<String>,
    /// When it was last looked at.
    pub last_polled_at: Option<String>,
    /// Why the last look failed.
    pub last_error: Option<String>,
    /// When it was added.
    pub created_at: String,
}

/// Adds a source repository.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRepository {
    /// `http://` or `https://`, without credentials.
    pub url: String,
    /// `owner/name`; absent: the last two parts of the URL's path.
    #[serde(default)]
    pub name: Option<String>,
}

/// An added repository with its hooks; the only time that the secrets are shown.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RepositoryAdded {
    /// The repository.
    pub repository: Repository,
    /// Where GitHub sends push, create and pull-request webhooks.
    pub webhook_url: String,
    /// The webhook's secret.
    pub webhook_secret: String,
    /// `POST` here, with `Authorization: Bearer <look token>`, to have the repository read now.
    pub look_url: String,
    /// The token for that.
    pub look_token: String,
}

/// One releasable version.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Artifact {
    /// `art_…`.
    pub id: String,
    /// `owner/name` of its repository.
    pub repository: String,
    /// The commit.
    pub sha: String,
    /// `push`, `tag` or `pr`.
    pub event: String,
    /// Branch; empty for a tag.
    pub branch: String,
    /// Tag.
    pub tag: Option<String>,
    /// The commit's message.
    pub message: String,
    /// The commit's author.
    pub author_name: String,
    /// When it was committed.
    pub committed_at: String,
    /// When it was ingested.
    pub created_at: String,
    /// It was the head of its push: only a head meets the policy.
    pub is_head: bool,
    /// What could not be read in its manifests.
    pub problems: Vec<String>,
    /// What was decided for each manifest, and why.
    pub decisions: Vec<Decision>,
}

/// What the policy said of one manifest at one commit.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    /// Environment's name.
    pub environment: String,
    /// Application's name.
    pub app: String,
    /// Manifest's file.
    pub file: String,
    /// It was released.
    pub releases: bool,
    /// Why, or why not.
    pub reason: String,
    /// The release, where there is one.
    pub release: Option<String>,
}

/// Asks for a release by hand.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRelease {
    /// Environment's name.
    pub environment: String,
    /// Application's name; absent: every application that the artifact has for the environment.
    #[serde(default)]
    pub app: Option<String>,
    /// The artifact's id, `art_…`.
    #[serde(default)]
    pub artifact: Option<String>,
    /// Instead of it: a commit, at least 7 digits of it.
    #[serde(default)]
    pub sha: Option<String>,
    /// The repository `owner/name` of that commit; needed where several have it.
    #[serde(default)]
    pub repository: Option<String>,
}

/// One attempt to bring an application to an artifact, back, or away.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Release {
    /// `rel_…`.
    pub id: String,
    /// `deploy`, `rollback` or `delete`.
    pub kind: String,
    /// Environment's name.
    pub environment: String,
    /// Application's name.
    pub app: String,
    /// Namespace of the application.
    pub namespace: String,
    /// `queued`, `committed`, `observed`, `healthy`, `degraded`, `timed_out`, `failed` or `superseded`.
    pub state: String,
    /// Nothing moves it any more.
    pub closed: bool,
    /// `policy`, or the login of who asked.
    pub triggered_by: String,
    /// `owner/name` of the source repository.
    pub repository: Option<String>,
    /// The artifact.
    pub artifact: Option<String>,
    /// The source commit.
    pub sha: Option<String>,
    /// First line of the source commit's message.
    pub message: Option<String>,
    /// Author of the source commit.
    pub author_name: Option<String>,
    /// Branch of the source commit.
    pub branch: Option<String>,
    /// For a rollback: the release it goes back to.
    pub rollback_to: Option<String>,
    /// The commit in the gitops repository.
    pub gitops_commit: Option<String>,
    /// The newer release that took its place.
    pub superseded_by: Option<String>,
    /// Why it ended badly, or what stands in its way.
    pub cause: Option<Cause>,
    /// A remark, such as that it was already there.
    pub note: Option<String>,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// When it was asked for.
    pub requested_at: String,
    /// When it ends at the latest.
    pub deadline_at: String,
    /// When it ended.
    pub finished_at: Option<String>,
    /// Its page.
    pub url: String,
    /// The newest one in the gitops repository: what the application runs, or is on its way to.
    pub current: bool,
    /// Where people reach the application, `http` or `https`; absent where nothing leads in from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_url: Option<String>,
    /// The application's pods now; told of a single release that is open or current.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<Pod>,
    /// Pods beyond those.
    #[serde(default, skip_serializing_if = "is_none_of_them")]
    pub pods_left_out: u32,
    /// The last lines of containers that failed under it; told of a single release.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<ContainerLog>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the attribute hands over a reference")]
fn is_none_of_them(count: &u32) -> bool {
    *count == 0
}

/// One step on the way of a release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// `written`, `fetched`, `applied`, `healthy` (or `gone`).
    pub name: String,
    /// What it does, in words.
    pub title: String,
    /// `waiting`, `running`, `done`, `failed` or `skipped`.
    pub state: String,
    /// When it began.
    pub started_at: Option<String>,
    /// How long it took, or has taken so far, in milliseconds.
    pub duration_ms: Option<i64>,
    /// How long it usually takes, in milliseconds: the median of the application's last healthy releases, or
    /// else of its environment's. Told of a single release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual_ms: Option<i64>,
    /// What went wrong.
    pub error: Option<String>,
}

/// Why something does not work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Cause {
    /// A stable word: `image_pull`, `crash_loop`, `not_ready`, `refused`…
    pub code: String,
    /// One sentence.
    pub summary: String,
    /// The cluster's or git's own message.
    pub detail: String,
    /// The pod it shows on.
    pub pod: Option<String>,
    /// The container it shows on.
    pub container: Option<String>,
    /// The container's last lines, oldest first.
    pub last_lines: Vec<String>,
    /// What to do about it.
    pub next_step: String,
}

/// One application in one environment.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct App {
    /// Its name.
    pub name: String,
    /// Environment's name.
    pub environment: String,
    /// Namespace.
    pub namespace: String,
    /// `owner/name` of the repository that owns it.
    pub repository: Option<String>,
    /// `healthy`, `progressing`, `degraded` or `unknown`.
    pub health: String,
    /// Since when.
    pub health_at: String,
    /// What is wrong.
    pub cause: Option<Cause>,
    /// The newest release.
    pub latest_release: Option<Release>,
    /// The source commit that is deployed.
    pub sha: Option<String>,
    /// Its workloads as the cluster reports them.
    pub workloads: Vec<Workload>,
    /// Its page.
    pub url: String,
    /// Where people reach it, `http` or `https`; absent where nothing leads in from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_url: Option<String>,
    /// The release that made it what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_release: Option<String>,
    /// Its pods now; told of a single application.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<Pod>,
    /// Pods beyond those.
    #[serde(default, skip_serializing_if = "is_none_of_them")]
    pub pods_left_out: u32,
    /// Everything that is wrong with it, the lasting first; told of a single application.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<Cause>,
}

/// A workload of an application, live.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Workload {
    /// `Deployment`, `StatefulSet`, `DaemonSet`, `Job`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Ready pods.
    pub ready: i32,
    /// Wanted pods.
    pub desired: i32,
    /// Images of its containers.
    pub images: Vec<String>,
}

/// Which artifacts to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ArtifactQuery {
    /// `owner/name`.
    #[serde(default)]
    pub repository: Option<String>,
    /// Branch.
    #[serde(default)]
    pub branch: Option<String>,
    /// Rows on a page, 1 to 100; absent: 30.
    #[serde(default)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// Which releases to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReleaseQuery {
    /// Environment's name.
    #[serde(default)]
    pub environment: Option<String>,
    /// Application's name.
    #[serde(default)]
    pub app: Option<String>,
    /// Rows on a page, 1 to 100; absent: 30.
    #[serde(default)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
}
