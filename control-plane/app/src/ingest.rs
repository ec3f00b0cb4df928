//! From a look at a source repository to artifacts, decisions and releases, a commit's in one transaction.
//!
//! Every commit becomes an artifact; only the head of a push meets the deploy policy.

mod commits;
mod judge;

use std::{collections::HashMap, sync::Arc, time::Duration};

use gimlet_git::{
    CommitId,
    mirror::{Mirror, MirrorError},
    remote::InvalidUrl,
};
use gimlet_shared::{
    crash_point,
    ids::{ArtifactId, DeliveryId, RepositoryId},
};
use gimlet_store::{
    Artifact, Delivery, EventWord, IngestBatch, Ingested, SourceRepository, StoreError,
};
use tokio::sync::Mutex;
use tracing::info;

use crate::{App, AppError, Timestamp, live::Subject};

/// What webhooks announce is taken at its word where the commits are here already. The host is asked after
/// this long at the latest.
pub(crate) const CONFIRM_AFTER: Duration = Duration::from_secs(10);

/// Deliveries that one look takes up, each with at most one commit to read; the rest waits for the next.
const DELIVERIES: u64 = 500;

/// Bytes of manifests that are read before what came of them is stored: one push can bring a hundred
/// commits with megabytes each.
const MOST_HELD: usize = 16 << 20;

/// Mirrors that are open.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mirrors(Arc<Mutex<HashMap<RepositoryId, Mirror>>>);

/// What brought about a look, for its trace.
#[derive(Clone, Copy, Debug)]
struct Origin {
    /// When the look began.
    began: Timestamp,
    /// The first webhook that asked for it, and when it came.
    announced: Option<(uuid::Uuid, Timestamp)>,
}

/// Why a repository could not be looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookError {
    #[error("the repository's address cannot be used")]
    Address(#[from] InvalidUrl),
    #[error("the repository could not be read")]
    Mirror(#[from] MirrorError),
    #[error("a commit could not be read")]
    Read(#[from] gimlet_git::ReadError),
    #[error("what was found could not be stored")]
    Store(#[from] StoreError),
    #[error("the environments could not be read")]
    App(#[from] AppError),
}

/// What a look has looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Looked {
    /// The host itself.
    AtHost { default_branch: Option<String> },
    /// What webhooks announced, no more.
    AtAnnouncements,
}

impl App {
    /// Stores what is new in a repository. Where webhooks say how branches moved between commits that are
    /// here, that is believed at once, since they are signed as the host's; everything else is fetched.
    pub(crate) async fn look_at(&self, repository: &SourceRepository) -> Result<Looked, LookError> {
        let (parts, began) = (self.parts(), self.now());
        // Read before the fetch, so that the fetch sees what they announce.
        let deliveries =
            parts.store.list_deliveries(&parts.system, repository.id, DELIVERIES).await?;
        let mirror = self.mirror(repository).await?;
        let origin =
            Origin { began, announced: deliveries.first().map(|one| (one.id.0, one.received_at)) };
        let Some(news) = commits::of_announcements(self, repository, &mirror, &deliveries).await?
        else {
            return self.look_at_host(repository, &mirror, &deliveries, origin).await;
        };
        self.take_in(repository, &mirror, news, origin).await?;
        self.finish_read(deliveries.iter().map(|delivery| delivery.id).collect()).await?;
        if mirror.age().is_some_and(|age| age < CONFIRM_AFTER) {
            return Ok(Looked::AtAnnouncements);
        }
        self.look_at_host(repository, &mirror, &[], Origin { began: self.now(), announced: None })
            .await
    }

    async fn look_at_host(
        &self,
        repository: &SourceRepository,
        mirror: &Mirror,
        deliveries: &[Delivery],
        origin: Origin,
    ) -> Result<Looked, LookError> {
        mirror.fetch().await?;
        let default_branch = mirror.default_branch().await?.map(|name| name.short().to_owned());
        let mut news =
            commits::of_refs(self, repository, mirror, default_branch.as_deref()).await?;
        let announced_heads = commits::of_deliveries(mirror, deliveries, self.now()).await;
        news.commits.extend(announced_heads.commits);
        self.take_in(repository, mirror, news, origin).await?;
        let ids = deliveries.iter().map(|delivery| delivery.id);
        self.finish_read(ids.filter(|id| !announced_heads.unread.contains(id)).collect()).await?;
        // What is left is looked for again, as everything is that fails.
        announced_heads
            .failure
            .map_or(Ok(Looked::AtHost { default_branch }), |failure| Err(failure.into()))
    }

    async fn take_in(
        &self,
        repository: &SourceRepository,
        mirror: &Mirror,
        news: commits::News,
        origin: Origin,
    ) -> Result<(), LookError> {
        if news.commits.is_empty() && news.refs.is_empty() {
            return Ok(());
        }
        self.record(repository, mirror, news, origin).await
    }

    /// Nothing more is to be done for these deliveries.
    async fn finish_read(&self, read: Vec<DeliveryId>) -> Result<(), LookError> {
        if read.is_empty() {
            return Ok(());
        }
        let parts = self.parts();
        crash_point!("delivery.finish.before");
        parts.store.finish_deliveries(&parts.system, &read, self.now()).await?;
        crash_point!("delivery.finish.after");
        Ok(())
    }

    async fn record(
        &self,
        repository: &SourceRepository,
        mirror: &Mirror,
        news: commits::News,
        origin: Origin,
    ) -> Result<(), LookError> {
        let mut judge = judge::Judge::of(self, repository).await?;
        let (mut batch, mut events, mut held) = (IngestBatch::default(), HashMap::new(), 0);
        for found in news.commits {
            let event = found.commit.event;
            let folder = mirror.read_folder(found.id, &judge::manifest_folder()?).await?;
            held += folder.files.iter().map(|file| file.content.len()).sum::<usize>();
            let id = judge.add(&mut batch, found, folder, self.now()).await?;
            events.insert(id, event);
            if held > MOST_HELD {
                let (full, of_full) = (std::mem::take(&mut batch), std::mem::take(&mut events));
                self.store(repository, full, &of_full, origin).await?;
                held = 0;
            }
        }
        // Where the refs are comes last: whatever is cut off before is found, and recognized, again.
        batch.refs = news.refs;
        self.store(repository, batch, &events, origin).await
    }

    async fn store(
        &self,
        repository: &SourceRepository,
        batch: IngestBatch,
        events: &HashMap<ArtifactId, EventWord>,
        origin: Origin,
    ) -> Result<(), LookError> {
        let parts = self.parts();
        crash_point!("ingest.commit.before");
        let ingested =
            parts.store.record_ingest(&parts.system, repository, batch, self.now()).await?;
        crash_point!("ingest.commit.after");
        for event in ingested.artifacts.iter().filter_map(|id| events.get(id)) {
            parts.metrics.artifacts.with_label_values(&[event.as_str()]).inc();
        }
        self.trace_heads(&ingested, origin);
        info!(
            repository.id = %repository.id,
            organization.id = %repository.organization_id,
            artifacts = ingested.artifacts.len(),
            releases = ingested.releases.len(),
            "ingested"
        );
        self.tell(repository.organization_id, Subject::Commits);
        for release in &ingested.releases {
            self.tell(repository.organization_id, Subject::release(release));
        }
        parts.wake.releases.notify_one();
        Ok(())
    }

    /// A push of a hundred commits is one way: that of the commit that is released, or else of its last one.
    fn trace_heads(&self, ingested: &Ingested, origin: Origin) {
        let mut heads: Vec<ArtifactId> =
            ingested.releases.iter().filter_map(|release| release.artifact).collect();
        if heads.is_empty() {
            heads.extend(ingested.artifacts.last());
        }
        heads.sort_unstable();
        heads.dedup();
        for head in heads {
            self.trace_ingest(head.0, origin.began, origin.announced);
        }
    }

    /// Whether one artifact lies in the history of another of the same repository.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] where the database does not answer.
    pub(crate) async fn is_older(
        &self,
        artifact: ArtifactId,
        last: &Artifact,
    ) -> Result<bool, AppError> {
        let parts = self.parts();
        let Some(artifact) = parts.store.find_release_artifact(&parts.system, artifact).await?
        else {
            return Ok(false);
        };
        if artifact.repository_id != last.repository_id || artifact.commit.sha == last.commit.sha {
            return Ok(false);
        }
        let (Ok(older), Ok(newer)) = (artifact.commit.sha.parse(), last.commit.sha.parse()) else {
            return Ok(false);
        };
        let Some(repository) =
            parts.store.find_repository_for_system(&parts.system, artifact.repository_id).await?
        else {
            return Ok(false);
        };
        // Without a mirror there is no history to hold against the release: it goes ahead.
        match self.mirror(&repository).await {
            Ok(mirror) => Ok(is_ancestor(&mirror, older, newer).await),
            Err(_) => Ok(false),
        }
    }

    /// The name of an artifact's repository.
    pub(crate) async fn repository_name(&self, artifact: &Artifact) -> Result<String, AppError> {
        let parts = self.parts();
        let found =
            parts.store.find_repository_for_system(&parts.system, artifact.repository_id).await?;
        Ok(found.ok_or(AppError::NotFound { what: "the repository" })?.name)
    }

    async fn mirror(&self, repository: &SourceRepository) -> Result<Mirror, LookError> {
        let mut open = self.parts().mirrors.0.lock().await;
        if let Some(mirror) = open.get(&repository.id) {
            return Ok(mirror.clone());
        }
        let (parts, path) = (self.parts(), self.mirror_path(repository.id));
        let url = repository.url.parse()?;
        let mirror =
            Mirror::ensure(path, parts.git.clone(), url, None, parts.config.host_policy).await?;
        open.insert(repository.id, mirror.clone());
        Ok(mirror)
    }
}

/// A commit that is gone is in nobody's history.
async fn is_ancestor(mirror: &Mirror, older: CommitId, newer: CommitId) -> bool {
    mirror.is_ancestor(older, newer).await.unwrap_or(false)
}
