//! Artifacts: releasable versions as ingest stored them, with what policy decided.

use std::{collections::HashMap, str::FromStr};

use gimlet_domain::time::Timestamp;
use gimlet_shared::ids::{ArtifactId, OrganizationId, RepositoryId};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait,
};
use serde::{Deserialize, Serialize};

use crate::{
    columns::{from_json, from_word, to_json},
    connect::Store,
    entity::{artifact, decision},
    error::{During, StoreError},
    scope::{SystemScope, TenantScope},
};

/// Shorter prefixes of a commit's hash match too much to mean one commit.
const SHORTEST_SHA_PREFIX: usize = 7;

/// A commit has one artifact per git event and ref: more matches than this are a prefix that is too short.
const MOST_SHA_MATCHES: u64 = 20;

/// One releasable version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Its id.
    pub id: ArtifactId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Where it comes from.
    pub repository_id: RepositoryId,
    /// The commit, and the git event that brought it.
    pub commit: Commit,
    /// When it was stored.
    pub created_at: Timestamp,
    /// Its manifests that could be read.
    pub manifests: Vec<StoredManifest>,
    /// What is wrong with the others.
    pub problems: Vec<ManifestProblem>,
    /// It was its ref's newest commit when it came.
    pub is_head: bool,
}

/// A commit, and the git event that brought it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its hash, in hexadecimal.
    pub sha: String,
    /// The kind of git event.
    pub event: EventWord,
    /// The branch that was pushed.
    pub branch: Option<String>,
    /// The tag that was made.
    pub tag: Option<String>,
    /// The branch that a pull request comes from.
    pub source_branch: Option<String>,
    /// The branch that a pull request goes to.
    pub target_branch: Option<String>,
    /// The whole message.
    pub message: String,
    /// The author's name.
    pub author_name: String,
    /// The author's email address.
    pub author_email: String,
    /// The committer's name.
    pub committer_name: String,
    /// The committer's email address.
    pub committer_email: String,
    /// When it was committed.
    pub committed_at: Timestamp,
    /// Its page at the source host.
    pub url: Option<String>,
}

impl Commit {
    /// The ref that makes two artifacts of one commit different: the tag, the pull request's two branches,
    /// or the branch. Git allows no `:` in a ref, so the pair cannot be mistaken for one name.
    pub(crate) fn ref_name(&self) -> String {
        let name = |part: &Option<String>| part.clone().unwrap_or_default();
        match self.event {
            EventWord::Push => name(&self.branch),
            EventWord::Tag => name(&self.tag),
            EventWord::PullRequest => {
                format!("{}:{}", name(&self.source_branch), name(&self.target_branch))
            }
        }
    }
}

/// The kind of a git event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventWord {
    /// Commits arrived on a branch.
    Push,
    /// A tag was made.
    Tag,
    /// A pull request was opened or got commits.
    PullRequest,
}

impl EventWord {
    /// The word that is stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Tag => "tag",
            Self::PullRequest => "pr",
        }
    }
}

/// A word for no kind of git event.
#[derive(Clone, Debug, thiserror::Error)]
#[error("`{0}` is no kind of git event; use push, tag or pr")]
pub struct UnknownEvent(String);

impl FromStr for EventWord {
    type Err = UnknownEvent;

    fn from_str(word: &str) -> Result<Self, UnknownEvent> {
        match word {
            "push" => Ok(Self::Push),
            "tag" => Ok(Self::Tag),
            "pr" => Ok(Self::PullRequest),
            other => Err(UnknownEvent(other.to_owned())),
        }
    }
}

/// A manifest at the artifact's commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredManifest {
    /// Its path in the repository.
    pub file: String,
    /// The application it describes.
    pub app: String,
    /// The environment it is for.
    pub env: String,
    /// Its text.
    pub text: String,
}

/// What is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestProblem {
    /// Its path in the repository.
    pub file: String,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column, from 1.
    pub column: Option<u32>,
    /// What is wrong and what to do.
    pub message: String,
}

/// What policy decided about one manifest of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
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

/// An artifact with what policy decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidedArtifact {
    /// The artifact.
    pub artifact: Artifact,
    /// One per manifest, in the order of the manifests.
    pub decisions: Vec<Decision>,
}

/// Which artifacts to list.
#[derive(Clone, Debug, Default)]
pub struct ArtifactFilter {
    /// Only of this repository.
    pub repository: Option<RepositoryId>,
    /// Only of this pushed branch.
    pub branch: Option<String>,
    /// At most so many.
    pub limit: u64,
    /// Only older than this one.
    pub before: Option<ArtifactId>,
}

const READ: &str = "read an artifact";
const LIST: &str = "list artifacts";

impl Store {
    /// The organization's artifacts, newest first.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn list_artifacts(
        &self,
        scope: &TenantScope,
        filter: &ArtifactFilter,
    ) -> Result<Vec<DecidedArtifact>, StoreError> {
        let rows = artifact::Entity::find()
            .filter(artifact::owned_by(scope.organization()))
            .apply_if(filter.repository, |rows, id| {
                rows.filter(artifact::Column::RepositoryId.eq(id.0))
            })
            .apply_if(filter.branch.as_ref(), |rows, name| {
                rows.filter(artifact::Column::Branch.eq(name))
            })
            .apply_if(filter.before, |rows, id| rows.filter(artifact::Column::Id.lt(id.0)))
            .order_by_desc(artifact::Column::Id)
            .limit(filter.limit)
            .all(&self.read(scope))
            .await
            .during(LIST)?;
        self.with_decisions(scope, rows).await
    }

    /// One of the organization's artifacts.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn find_artifact(
        &self,
        scope: &TenantScope,
        id: ArtifactId,
    ) -> Result<Option<DecidedArtifact>, StoreError> {
        let row = artifact::Entity::find()
            .filter(artifact::owned_by(scope.organization()))
            .filter(artifact::Column::Id.eq(id.0))
            .one(&self.read(scope))
            .await
            .during(READ)?;
        Ok(self.with_decisions(scope, row.into_iter().collect()).await?.pop())
    }

    /// The organization's artifacts whose commit begins with `prefix`, newest first, at most 20. A prefix
    /// of fewer than 7 hexadecimal digits matches nothing.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn find_artifact_by_sha(
        &self,
        scope: &TenantScope,
        repository: Option<RepositoryId>,
        prefix: &str,
    ) -> Result<Vec<Artifact>, StoreError> {
        if prefix.len() < SHORTEST_SHA_PREFIX
            || !prefix.bytes().all(|byte| byte.is_ascii_hexdigit())
        {
            return Ok(Vec::new());
        }
        let rows = artifact::Entity::find()
            .filter(artifact::owned_by(scope.organization()))
            .filter(artifact::Column::Sha.starts_with(prefix.to_ascii_lowercase()))
            .apply_if(repository, |rows, id| rows.filter(artifact::Column::RepositoryId.eq(id.0)))
            .order_by_desc(artifact::Column::Id)
            .limit(MOST_SHA_MATCHES)
            .all(&self.read(scope))
            .await
            .during(READ)?;
        rows.into_iter().map(Artifact::try_from).collect()
    }

    /// Any artifact, for the reconciler that writes its release.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn find_release_artifact(
        &self,
        system: &SystemScope,
        id: ArtifactId,
    ) -> Result<Option<Artifact>, StoreError> {
        let row = artifact::Entity::find_by_id(id.0).one(&self.read(system)).await.during(READ)?;
        row.map(Artifact::try_from).transpose()
    }

    async fn with_decisions(
        &self,
        scope: &TenantScope,
        rows: Vec<artifact::Model>,
    ) -> Result<Vec<DecidedArtifact>, StoreError> {
        let mut decisions = HashMap::<_, Vec<Decision>>::new();
        let found = decision::Entity::find()
            .filter(decision::owned_by(scope.organization()))
            .filter(decision::Column::ArtifactId.is_in(rows.iter().map(|row| row.id)))
            .order_by_asc(decision::Column::ArtifactId)
            .order_by_asc(decision::Column::Position);
        for row in found.all(&self.read(scope)).await.during(LIST)? {
            decisions.entry(row.artifact_id).or_default().push(row.into());
        }
        let decided = |row: artifact::Model| {
            let decisions = decisions.remove(&row.id).unwrap_or_default();
            Ok(DecidedArtifact { artifact: row.try_into()?, decisions })
        };
        rows.into_iter().map(decided).collect()
    }
}

/// True where the organization has this artifact.
pub(crate) async fn owns_artifact(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    id: ArtifactId,
) -> Result<bool, StoreError> {
    let owned = artifact::Entity::find()
        .select_only()
        .column(artifact::Column::Id)
        .filter(artifact::owned_by(organization).and(artifact::Column::Id.eq(id.0)));
    Ok(owned.into_tuple::<uuid::Uuid>().one(db).await.during(READ)?.is_some())
}

/// The row of an artifact.
pub(crate) fn artifact_row(artifact: &Artifact) -> Result<artifact::Model, StoreError> {
    let commit = artifact.commit.clone();
    Ok(artifact::Model {
        id: artifact.id.0,
        organization_id: artifact.organization_id.0,
        repository_id: artifact.repository_id.0,
        ref_name: commit.ref_name(),
        sha: commit.sha,
        event: commit.event.as_str().to_owned(),
        branch: commit.branch,
        tag: commit.tag,
        source_branch: commit.source_branch,
        target_branch: commit.target_branch,
        message: commit.message,
        author_name: commit.author_name,
        author_email: commit.author_email,
        committer_name: commit.committer_name,
        committer_email: commit.committer_email,
        committed_at: commit.committed_at.0,
        url: commit.url,
        manifests: to_json("manifests", &artifact.manifests)?,
        problems: to_json("manifest problems", &artifact.problems)?,
        is_head: artifact.is_head,
        created_at: artifact.created_at.0,
    })
}

impl TryFrom<artifact::Model> for Artifact {
    type Error = StoreError;

    fn try_from(row: artifact::Model) -> Result<Self, StoreError> {
        let commit = Commit {
            sha: row.sha,
            event: from_word("git event", &row.event)?,
            branch: row.branch,
            tag: row.tag,
            source_branch: row.source_branch,
            target_branch: row.target_branch,
            message: row.message,
            author_name: row.author_name,
            author_email: row.author_email,
            committer_name: row.committer_name,
            committer_email: row.committer_email,
            committed_at: Timestamp(row.committed_at),
            url: row.url,
        };
        Ok(Self {
            id: ArtifactId(row.id),
            organization_id: OrganizationId(row.organization_id),
            repository_id: RepositoryId(row.repository_id),
            commit,
            created_at: Timestamp(row.created_at),
            manifests: from_json("manifests", &row.manifests)?,
            problems: from_json("manifest problems", &row.problems)?,
            is_head: row.is_head,
        })
    }
}

impl From<decision::Model> for Decision {
    fn from(row: decision::Model) -> Self {
        Self {
            env: row.env,
            app: row.app,
            file: row.file,
            releases: row.releases,
            reason: row.reason,
        }
    }
}
