//! Commits as people see them: every one, with what was decided about it and why.

use std::collections::HashMap;

use gimlet_shared::{
    api,
    ids::{ArtifactId, RepositoryId},
};
use gimlet_store::{
    ArtifactFilter, DecidedArtifact, DecidedRelease, Decision, ManifestProblem, TenantScope,
};

use crate::{App, AppError, releases::each_once};

/// Rows on a page where nothing is asked for.
const ROWS: u32 = 30;
/// Most rows on a page.
const MOST_ROWS: u32 = 100;

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
        Ok(api::Page { items: self.artifact_views(scope, rows).await?, next_cursor })
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
        let absent = || AppError::NotFound { what: "the artifact" };
        let found = found.ok_or_else(absent)?;
        self.artifact_views(scope, vec![found]).await?.pop().ok_or_else(absent)
    }

    /// The names of these repositories.
    pub(crate) async fn repository_names(
        &self,
        scope: &TenantScope,
        ids: impl IntoIterator<Item = RepositoryId>,
    ) -> Result<HashMap<RepositoryId, String>, AppError> {
        let found = self.parts().store.find_repositories(scope, &each_once(ids)).await?;
        Ok(found.into_iter().map(|repository| (repository.id, repository.name)).collect())
    }

    /// The views of these artifacts, in their order and in a fixed number of queries.
    async fn artifact_views(
        &self,
        scope: &TenantScope,
        rows: Vec<DecidedArtifact>,
    ) -> Result<Vec<api::Artifact>, AppError> {
        let from = rows.iter().map(|row| row.artifact.repository_id);
        let repositories = self.repository_names(scope, from).await?;
        let ids: Vec<ArtifactId> = rows.iter().map(|row| row.artifact.id).collect();
        let mut releases = HashMap::<_, Vec<DecidedRelease>>::new();
        for release in self.parts().store.list_decided_releases(scope, &ids).await? {
            releases.entry(release.artifact).or_default().push(release);
        }
        let view = |row: DecidedArtifact| {
            let releases = releases.remove(&row.artifact.id).unwrap_or_default();
            view(&repositories, row, &releases)
        };
        Ok(rows.into_iter().map(view).collect())
    }
}

fn view(
    repositories: &HashMap<RepositoryId, String>,
    row: DecidedArtifact,
    releases: &[DecidedRelease],
) -> api::Artifact {
    let DecidedArtifact { artifact, decisions } = row;
    let commit = artifact.commit;
    api::Artifact {
        id: artifact.id.to_string(),
        repository: repositories.get(&artifact.repository_id).cloned().unwrap_or_default(),
        sha: commit.sha,
        event: commit.event.as_str().to_owned(),
        branch: commit.branch.or(commit.source_branch).unwrap_or_default(),
        tag: commit.tag,
        message: commit.message,
        author_name: commit.author_name,
        committed_at: commit.committed_at.rfc3339(),
        created_at: artifact.created_at.rfc3339(),
        is_head: artifact.is_head,
        problems: artifact.problems.into_iter().map(problem_line).collect(),
        decisions: decisions
            .into_iter()
            .map(|decision| decision_view(decision, releases))
            .collect(),
    }
}

fn decision_view(decision: Decision, releases: &[DecidedRelease]) -> api::Decision {
    let release = releases
        .iter()
        .find(|release| release.environment == decision.env && release.app == decision.app);
    api::Decision {
        release: release.map(|found| found.release.to_string()),
        environment: decision.env,
        app: decision.app,
        file: decision.file,
        releases: decision.releases,
        reason: decision.reason,
    }
}

/// `file:line:column: message`, as compilers write it.
fn problem_line(problem: ManifestProblem) -> String {
    let ManifestProblem { file, line, column, message } = problem;
    match line.zip(column) {
        Some((line, column)) => format!("{file}:{line}:{column}: {message}"),
        None => format!("{file}: {message}"),
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

/// Cuts the row that was read to see whether there are more; the cursor for them, if there are.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_one_to_a_hundred_rows_and_thirty_unless_told() {
        assert_eq!(page_size(None).ok(), Some(30));
        assert_eq!(page_size(Some(1)).ok(), Some(1));
        assert_eq!(page_size(Some(100)).ok(), Some(100));
        for bad in [0, 101, u32::MAX] {
            let error = page_size(Some(bad)).expect_err("out of bounds");
            assert_eq!(error.to_string(), "limit: must be 1 to 100");
        }
    }

    #[test]
    fn a_cursor_is_an_id_and_nothing_else() {
        let id = ArtifactId::new();
        assert_eq!(cursor(Some(&id.to_string())).ok(), Some(Some(id)));
        assert_eq!(cursor::<ArtifactId>(None).ok(), Some(None));
        for bad in ["", "art_", "rel_00000000000000000000000000000000", "'; drop table"] {
            assert!(cursor::<ArtifactId>(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_row_beyond_a_page_shows_only_as_its_cursor() {
        let page = |found: usize| {
            let mut rows: Vec<usize> = (1..=found).collect();
            let cursor = next_cursor(&mut rows, 3, usize::to_string);
            (rows.len(), cursor)
        };
        assert_eq!(page(0), (0, None));
        assert_eq!(page(3), (3, None));
        assert_eq!(page(4), (3, Some("3".to_owned())));
    }

    #[test]
    fn a_problem_without_a_place_names_its_file() {
        let problem = |line, column| ManifestProblem {
            file: ".gimlet/web.yaml".to_owned(),
            line,
            column,
            message: "app: is missing".to_owned(),
        };
        assert_eq!(
            problem_line(problem(Some(2), Some(1))),
            ".gimlet/web.yaml:2:1: app: is missing"
        );
        assert_eq!(problem_line(problem(None, None)), ".gimlet/web.yaml: app: is missing");
    }
}
