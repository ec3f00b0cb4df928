//! Storing what a look at a source repository found: artifacts, decisions, releases and refs, at once.

use std::collections::HashSet;

use gimlet_domain::{activity::Actor, time::Timestamp};
use gimlet_shared::ids::{ArtifactId, OrganizationId, RepositoryId};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, sea_query::Expr};

use crate::{
    activity::record,
    artifacts::{Artifact, Commit, ManifestProblem, StoredManifest, artifact_row},
    columns::{insert, insert_new},
    connect::Store,
    entity::{artifact, decision, seen_ref},
    error::{During, StoreError},
    releases::{NewRelease, Release, insert_release},
    repositories::SourceRepository,
    scope::SystemScope,
};

/// An artifact that a look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewArtifact {
    /// Its id, should it be new.
    pub id: ArtifactId,
    /// The commit, and the git event that brought it.
    pub commit: Commit,
    /// Its manifests that could be read.
    pub manifests: Vec<StoredManifest>,
    /// What is wrong with the others.
    pub problems: Vec<ManifestProblem>,
    /// It is its ref's newest commit.
    pub is_head: bool,
}

/// What policy decided about a manifest of a new artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDecision {
    /// The artifact, of the same batch.
    pub artifact: ArtifactId,
    /// The environment that the manifest names.
    pub env: String,
    /// The application.
    pub app: String,
    /// The manifest's path.
    pub file: String,
    /// Whether it is released by itself.
    pub releases: bool,
    /// Why, in plain words.
    pub reason: String,
}

/// How a ref moved since it was last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefChange {
    /// Its full name.
    pub name: String,
    /// Where it pointed; `None` if it was not there.
    pub old: Option<String>,
    /// Where it points; `None` if it is gone.
    pub new: Option<String>,
}

/// What one look found.
#[derive(Clone, Debug, Default)]
pub struct IngestBatch {
    /// Artifacts, oldest first.
    pub artifacts: Vec<NewArtifact>,
    /// Refs that moved.
    pub refs: Vec<RefChange>,
    /// What policy decided, in the order to show it.
    pub decisions: Vec<NewDecision>,
    /// What policy releases.
    pub releases: Vec<NewRelease>,
}

/// What of a batch was new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ingested {
    /// Artifacts that were not there.
    pub artifacts: Vec<ArtifactId>,
    /// Releases that were requested.
    pub releases: Vec<Release>,
}

const INGEST: &str = "store what a look at a repository found";

impl Store {
    /// Stores a batch, all or nothing. An artifact that is there already (same commit, git event and ref)
    /// is left alone, and its decisions and releases are skipped, so that a repeat doubles nothing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where a ref is neither at `old` nor at `new` any more,
    /// [`StoreError::Absent`] where a release names what the organization does not have,
    /// [`StoreError::Query`].
    pub async fn record_ingest(
        &self,
        _: &SystemScope,
        repository: &SourceRepository,
        batch: IngestBatch,
        now: Timestamp,
    ) -> Result<Ingested, StoreError> {
        let organization = repository.organization_id;
        let txn = self.begin(&organization, INGEST).await?;
        for change in &batch.refs {
            move_ref(&txn, repository, change).await?;
        }
        let mut ingested = Ingested::default();
        for new in batch.artifacts {
            let id = new.id;
            if insert_artifact(&txn, organization, repository.id, new, now).await? {
                ingested.artifacts.push(id);
            }
        }
        let fresh: HashSet<ArtifactId> = ingested.artifacts.iter().copied().collect();
        let decided =
            batch.decisions.into_iter().filter(|decision| fresh.contains(&decision.artifact));
        for (position, decision) in decided.enumerate() {
            insert_decision(&txn, organization, position, decision).await?;
        }
        let asked =
            |release: &NewRelease| release.artifact_id().is_none_or(|id| fresh.contains(&id));
        let mut noted = Vec::new();
        for new in batch.releases.into_iter().filter(asked) {
            let actor = Actor::of_trigger(&new.trigger);
            let release = insert_release(&txn, organization, new, now, &actor, &mut noted).await?;
            ingested.releases.push(release);
        }
        record(&txn, organization, noted, now).await?;
        txn.commit().await?;
        Ok(ingested)
    }
}

async fn insert_artifact(
    db: &impl ConnectionTrait,
    organization_id: OrganizationId,
    repository_id: RepositoryId,
    new: NewArtifact,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let artifact = Artifact {
        id: new.id,
        organization_id,
        repository_id,
        commit: new.commit,
        created_at: now,
        manifests: new.manifests,
        problems: new.problems,
        is_head: new.is_head,
    };
    let key = [
        artifact::Column::RepositoryId,
        artifact::Column::Sha,
        artifact::Column::Event,
        artifact::Column::RefName,
    ];
    insert_new(db, artifact_row(&artifact)?, key).await.during(INGEST)
}

async fn insert_decision(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    position: usize,
    new: NewDecision,
) -> Result<(), StoreError> {
    let row = decision::Model {
        artifact_id: new.artifact.0,
        position: i32::try_from(position).unwrap_or(i32::MAX),
        organization_id: organization.0,
        env: new.env,
        app: new.app,
        file: new.file,
        releases: new.releases,
        reason: new.reason,
    };
    insert(db, row).await.during(INGEST)
}

/// Moves a seen ref by compare-and-set. One that is at its new place already needs no move: that is this
/// batch's own repeat, or another look that found the same.
async fn move_ref(
    db: &impl ConnectionTrait,
    repository: &SourceRepository,
    change: &RefChange,
) -> Result<(), StoreError> {
    let this = || {
        seen_ref::Column::RepositoryId
            .eq(repository.id.0)
            .and(seen_ref::Column::Name.eq(change.name.as_str()))
    };
    let moved = match (&change.old, &change.new) {
        (None, None) => true,
        (None, Some(new)) => {
            let row = seen_ref::Model {
                repository_id: repository.id.0,
                name: change.name.clone(),
                organization_id: repository.organization_id.0,
                sha: new.clone(),
            };
            let key = [seen_ref::Column::RepositoryId, seen_ref::Column::Name];
            insert_new(db, row, key).await.during(INGEST)?
        }
        (Some(old), Some(new)) => {
            let moved = seen_ref::Entity::update_many()
                .col_expr(seen_ref::Column::Sha, Expr::value(new.as_str()))
                .filter(this().and(seen_ref::Column::Sha.eq(old.as_str())));
            moved.exec(db).await.during(INGEST)?.rows_affected == 1
        }
        (Some(old), None) => {
            let gone = seen_ref::Entity::delete_many()
                .filter(this().and(seen_ref::Column::Sha.eq(old.as_str())));
            gone.exec(db).await.during(INGEST)?.rows_affected == 1
        }
    };
    if moved {
        return Ok(());
    }
    let current = seen_ref::Entity::find().filter(this()).one(db).await.during(INGEST)?;
    if current.map(|row| row.sha) == change.new {
        return Ok(());
    }
    Err(StoreError::Conflict { what: "a ref of the repository" })
}
