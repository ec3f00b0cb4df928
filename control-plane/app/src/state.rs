//! What every use case works with.

use std::{path::PathBuf, sync::Arc, time::Duration};

use gimlet_charts::Charts;
use gimlet_domain::{
    role::Role,
    time::{Clock, Timestamp},
};
use gimlet_git::{Git, remote::HostPolicy};
use gimlet_shared::ids::{EnvironmentId, OrganizationId, RepositoryId};
use gimlet_store::{Store, SystemScope, TenantScope};
use tokio::sync::Notify;
use url::Url;

use crate::{
    AppError, CertificateAuthority,
    live::{Live, Subject},
    metrics::AppMetrics,
    observed::ClusterViews,
    ports::HookReader,
    vault::Vault,
};

/// How this control plane is reached and where it keeps its files.
#[derive(Clone, Debug)]
pub struct AppConfig {
    /// Where people's browsers and programs reach it.
    pub public_url: Url,
    /// Where agents reach it, `https://host:9443`.
    pub agent_url: Url,
    /// Where Flux reaches its git server; usually the public URL.
    pub git_url: Url,
    /// Git repositories and mirrors lie below it.
    pub data_dir: PathBuf,
    /// Image of the agent that new clusters install.
    pub agent_image: String,
    /// How long a release may take from its commit to healthy.
    pub release_deadline: Duration,
    /// How often a repository is looked at without a hook.
    pub poll_interval: Duration,
    /// Which hosts source and gitops repositories may lie on.
    pub host_policy: HostPolicy,
}

/// The use cases. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What the use cases share.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) system: SystemScope,
    pub(crate) config: AppConfig,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ca: CertificateAuthority,
    pub(crate) vault: Vault,
    pub(crate) charts: Charts,
    pub(crate) git: Git,
    pub(crate) gitops: crate::gitops::OpenRepositories,
    pub(crate) mirrors: crate::ingest::Mirrors,
    pub(crate) hooks: Arc<dyn HookReader>,
    pub(crate) hook_keys: crate::hook_keys::HookKeys,
    pub(crate) inbox: crate::inbox::Inbox,
    pub(crate) live: Live,
    pub(crate) feeds: crate::feed::Feeds,
    pub(crate) views: ClusterViews,
    pub(crate) sessions: crate::link::Sessions,
    pub(crate) troubles: crate::reconcile::Troubles,
    pub(crate) looks: crate::reconcile::Looks,
    pub(crate) writes: crate::reconcile::Writes,
    pub(crate) trail: crate::trace::Trail,
    pub(crate) kept_lines: crate::reconcile::KeptLines,
    pub(crate) wake: Wake,
    pub(crate) metrics: AppMetrics,
}

/// Nudges for the reconcilers; each also looks by itself from time to time.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    pub(crate) repositories: Notify,
    pub(crate) releases: Notify,
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

/// Where what comes from others is read.
pub struct Outside {
    /// Charts, wherever they lie.
    pub charts: Charts,
    /// Webhooks of git hosts.
    pub hooks: Arc<dyn HookReader>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}

impl App {
    /// Puts the use cases together.
    #[must_use]
    pub fn new(
        store: Store,
        config: AppConfig,
        ca: CertificateAuthority,
        vault: Vault,
        outside: Outside,
        clock: Arc<dyn Clock>,
        metrics: AppMetrics,
    ) -> Self {
        let Outside { charts, hooks } = outside;
        let git = Git::new(config.data_dir.join("git-home"));
        Self(Arc::new(Parts {
            system: store.system(),
            store,
            config,
            clock,
            ca,
            vault,
            charts,
            git,
            gitops: crate::gitops::OpenRepositories::default(),
            mirrors: crate::ingest::Mirrors::default(),
            hooks,
            hook_keys: crate::hook_keys::HookKeys::default(),
            inbox: crate::inbox::Inbox::default(),
            live: Live::default(),
            feeds: crate::feed::Feeds::default(),
            views: ClusterViews::default(),
            sessions: crate::link::Sessions::default(),
            troubles: crate::reconcile::Troubles::default(),
            looks: crate::reconcile::Looks::looks(),
            writes: crate::reconcile::Writes::writes(),
            trail: crate::trace::Trail::default(),
            kept_lines: crate::reconcile::KeptLines::default(),
            wake: Wake::default(),
            metrics,
        }))
    }

    /// The organization's changes from now on, as wake-ups.
    #[must_use]
    pub fn changes(&self, scope: &TenantScope) -> tokio::sync::broadcast::Receiver<crate::Change> {
        self.parts().live.listen(scope)
    }

    /// Notes that an open page was handed the event of a change that was told then.
    pub fn note_page_event(&self, told_at: std::time::Instant) {
        self.parts().metrics.note_page(told_at);
    }

    /// The database answers.
    ///
    /// # Errors
    /// [`AppError::Unavailable`].
    pub async fn ready(&self) -> Result<(), AppError> {
        Ok(self.parts().store.ping().await?)
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(crate) fn tell(&self, organization: OrganizationId, subject: Subject) {
        self.0.live.tell(organization, subject);
        self.0.feeds.recorded(organization);
    }

    /// Where the mirror of a source repository lies.
    pub(crate) fn mirror_path(&self, repository: RepositoryId) -> PathBuf {
        self.0.config.data_dir.join("mirrors").join(format!("{repository}.git"))
    }

    /// Where a built-in gitops repository lies.
    pub(crate) fn gitops_path(&self, organization: OrganizationId, name: &str) -> PathBuf {
        self.0
            .config
            .data_dir
            .join("gitops")
            .join(organization.to_string())
            .join(format!("{name}.git"))
    }

    /// Where the copy of an outside gitops repository lies; it may be deleted while nobody uses it.
    pub(crate) fn outside_path(&self, environment: EnvironmentId) -> PathBuf {
        self.0.config.data_dir.join("outside").join(format!("{environment}.git"))
    }

    /// The URL that Flux and people clone a built-in gitops repository from.
    pub(crate) fn gitops_url(&self, organization_name: &str, name: &str) -> String {
        format!(
            "{}/git/{organization_name}/{name}.git",
            self.0.config.git_url.as_str().trim_end_matches('/')
        )
    }

    /// A page's address.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.0.config.public_url.as_str().trim_end_matches('/'))
    }
}

/// Lets `needs` and higher roles pass.
pub(crate) fn require(scope: &TenantScope, needs: Role) -> Result<(), AppError> {
    if scope.role() >= needs { Ok(()) } else { Err(AppError::Forbidden { needs }) }
}
