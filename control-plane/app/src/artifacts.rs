//! Commits as people see them: every one, with what was decided about it and why.

use std::collections::HashMap;

use gimlet_shared::{
    api,
    ids::{ArtifactId, RepositoryId},
};
use gimlet_store::{ArtifactFilter, DecidedArtifact, Release, ReleaseFilter, TenantScope};

use crate::{App, AppError};

/// Rows on a page where nothing is asked for.
const ROWS: u32 = 30;
/// Most rows on a page.
const MOST_ROWS: u32 = 100;
/// Releases of one artifact that its row links: one for each manifest, with room for repeats.
const RELEASES_OF_AN_ARTIFACT: u64 = 50;

impl App {
    /// A page of artifacts, newest first.
    ///
    /// # Errors
    /// [`AppError::Invalid`] for a bad limit or cursor, [`AppError::NotFound`] for an unknown repository.
    pub async fn list_artifacts(
        &self,
        scope: &TenantScope,
        query: api::ArtifactQuery,
    ) -> Result<api::Page<api::Artifact>, AppError> {
        let store = &self.parts().store;
        let limit = page_size(query.limit)?;
        let repository = match &query.repository {
            Some(name) => {
                let found = store.find_repository_by_name(scope, name).await?;
                Some(found.ok_or(AppError::NotFound { what: "the repository" })?.id)
            }
            None => None,
        };
        let before = cursor(query.cursor.as_deref())?;
        let filter = ArtifactFilter {
            repository,
            branch: query.branch,
            limit: u64::from(limit) + 1,
            before,
        };
        let mut rows = store.list_artifacts(scope, &filter).await?;
        let next_cursor = next_cursor(&mut rows, limit, |row| row.artifact.id.to_string());
        let names = self.repository_names(scope).await?;
        let mut items = Vec::with_capacity(rows.len());
        for row in rows {
            items.push(self.artifact_view(scope, &names, row).await?);
        }
        Ok(api::Page { items, next_cursor })
    }

    /// One artifact.
    ///
    /// # Errors
    /// [`AppError::NotFound`].
    pub async fn artifact(
        &self,
        scope: &TenantScope,
        id: ArtifactId,
    ) -> Result<api::Artifact, AppError> {
        let found = self.parts().store.find_artifact(scope, id).await?;
        let found = found.ok_or(AppError::NotFound { what: "the artifact" })?;
        let names = self.repository_names(scope).await?;
        self.artifact_view(scope, &names, found).await
    }

    pub(crate) async fn repository_names(
        &self,
        scope: &TenantScope,
    ) -> Result<HashMap<RepositoryId, String>, AppError> {
        let all = self.parts().store.list_repositories(scope).await?;
        Ok(all.into_iter().map(|repository| (repository.id, repository.name)).collect())
    }

    async fn artifact_view(
        &self,
        scope: &TenantScope,
        names: &HashMap<RepositoryId, String>,
        row: DecidedArtifact,
    ) -> Result<api::Artifact, AppError> {
        let DecidedArtifact { artifact, decisions } = row;
        let environments = self.parts().store.list_environments(scope).await?;
        let releases = if artifact.manifests.is_empty() {
            Vec::new()
        } else {
            let filter = ReleaseFilter {
                environment: None,
                app: None,
                artifact: Some(artifact.id),
                limit: RELEASES_OF_AN_ARTIFACT,
                before: None,
            };
            self.parts().store.list_releases(scope, &filter).await?
        };
        let release_of = |env: &str, app: &str| {
            let environment = environments.iter().find(|environment| environment.name == env)?;
            let of_app =
                |release: &&Release| release.environment_id == environment.id && release.app == app;
            releases.iter().find(of_app).map(|release| release.id.to_string())
        };
        let commit = artifact.commit;
        Ok(api::Artifact {
            id: artifact.id.to_string(),
            repository: names.get(&artifact.repository_id).cloned().unwrap_or_default(),
            sha: commit.sha,
            event: commit.event.as_str().to_owned(),
            branch: commit.branch.or(commit.source_branch).unwrap_or_default(),
            tag: commit.tag,
            message: commit.message,
            author_name: commit.author_name,
            committed_at: commit.committed_at.rfc3339(),
            created_at: artifact.created_at.rfc3339(),
            is_head: artifact.is_head,
            problems: artifact
                .problems
                .into_iter()
                .map(|problem| match (problem.line, problem.column) {
                    (Some(line), Some(column)) => {
                        format!("{}:{line}:{column}: {}", problem.file, problem.message)
                    }
                    _ => format!("{}: {}", problem.file, problem.message),
                })
                .collect(),
            decisions: decisions
                .into_iter()
                .map(|decision| api::Decision {
                    release: release_of(&decision.env, &decision.app),
                    environment: decision.env,
                    app: decision.app,
                    file: decision.file,
                    releases: decision.releases,
                    reason: decision.reason,
                })
                .collect(),
        })
    }
}

/// The number of rows of a page.
pub(crate) fn page_size(limit: Option<u32>) -> Result<u32, AppError> {
    match limit {
        None => Ok(ROWS),
        Some(rows @ 1..=MOST_ROWS) => Ok(rows),
        Some(_) => Err(AppError::invalid("limit", format!("must be 1 to {MOST_ROWS}"))),
    }
}

/// A cursor is the id of the last row of the page before.
pub(crate) fn cursor<I: std::str::FromStr>(cursor: Option<&str>) -> Result<Option<I>, AppError> {
    let parse = |text: &str| {
        text.parse()
            .map_err(|_| AppError::invalid("cursor", "use the `next_cursor` of the page before"))
    };
    cursor.map(parse).transpose()
}

/// Cuts the row that was read to see whether there are more.
pub(crate) fn next_cursor<T>(
    rows: &mut Vec<T>,
    limit: u32,
    id: impl Fn(&T) -> String,
) -> Option<String> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if rows.len() <= limit {
        return None;
    }
    rows.truncate(limit);
    rows.last().map(id)
}
