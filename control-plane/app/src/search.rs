//! Finding things of an organization by a few words: for the palette and the search page.

use gimlet_shared::ids::ReleaseId;
use gimlet_store::{FoundCommit, Release, TenantScope};

use crate::{App, AppError, releases::each_once};

/// Of each kind: a list to choose from, not one to read.
const MOST_HITS: u64 = 6;
/// More words than anybody types; the rest is not looked for.
const MOST_WORDS: usize = 6;

/// A few things of each kind that have all of the words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchHits {
    /// Applications by name and environment.
    pub apps: Vec<AppHit>,
    /// Environments by name and cluster.
    pub environments: Vec<EnvironmentHit>,
    /// Clusters by name.
    pub clusters: Vec<ClusterHit>,
    /// Names of repositories.
    pub repositories: Vec<String>,
    /// Releases by id, and those of the commits.
    pub releases: Vec<ReleaseHit>,
    /// Commits by message, author and hash.
    pub commits: Vec<CommitHit>,
}

/// An application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppHit {
    /// Its name.
    pub name: String,
    /// Its environment.
    pub environment: String,
    /// How it is, as in [`gimlet_shared::api::App::health`].
    pub health: &'static str,
}

/// An environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentHit {
    /// Its name.
    pub name: String,
    /// Id of its cluster, `clu_…`.
    pub cluster_id: String,
    /// Name of its cluster.
    pub cluster: String,
}

/// A cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterHit {
    /// `clu_…`.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseHit {
    /// `rel_…`.
    pub id: String,
    /// Its application.
    pub app: String,
    /// Where it goes.
    pub environment: String,
    /// Where it stands, as in [`gimlet_shared::api::Release::state`].
    pub state: &'static str,
    /// The commit's message, where it brings one that was found.
    pub message: String,
}

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitHit {
    /// Id of its artifact, `art_…`.
    pub id: String,
    /// Its hash.
    pub sha: String,
    /// The whole message.
    pub message: String,
    /// Its author.
    pub author: String,
    /// Its repository.
    pub repository: String,
}

impl App {
    /// What the organization has under these words; nothing for none.
    ///
    /// # Errors
    /// [`AppError::Unavailable`].
    pub async fn search(&self, scope: &TenantScope, text: &str) -> Result<SearchHits, AppError> {
        let text = text.to_lowercase();
        let words: Vec<&str> = text.split_whitespace().take(MOST_WORDS).collect();
        if words.is_empty() {
            return Ok(SearchHits::default());
        }
        let mut hits = self.named(scope, &words).await?;
        let commits = self.parts().store.search_commits(scope, &words, MOST_HITS).await?;
        hits.releases = self.releases_found(scope, &words, &commits).await?;
        let from = commits.iter().map(|commit| commit.repository_id);
        let repositories = self.repository_names(scope, from).await?;
        hits.commits = commits
            .into_iter()
            .map(|commit| CommitHit {
                id: commit.id.to_string(),
                repository: repositories.get(&commit.repository_id).cloned().unwrap_or_default(),
                sha: commit.sha,
                message: commit.message,
                author: commit.author_name,
            })
            .collect();
        Ok(hits)
    }

    /// What has a name.
    async fn named(&self, scope: &TenantScope, words: &[&str]) -> Result<SearchHits, AppError> {
        let store = &self.parts().store;
        let apps = store.search_applications(scope, words, MOST_HITS).await?;
        let apps = apps.into_iter().map(|(app, environment)| AppHit {
            environment,
            name: app.name,
            health: app.health.word(),
        });
        let environments = store.search_environments(scope, words, MOST_HITS).await?;
        let on = each_once(environments.iter().map(|environment| environment.cluster_id));
        let serving = store.find_clusters(scope, &on).await?;
        let environments = environments.into_iter().map(|environment| {
            let cluster = serving.iter().find(|cluster| cluster.id == environment.cluster_id);
            EnvironmentHit {
                name: environment.name,
                cluster_id: environment.cluster_id.to_string(),
                cluster: cluster.map(|cluster| cluster.name.clone()).unwrap_or_default(),
            }
        });
        let clusters = store.search_clusters(scope, words, MOST_HITS).await?.into_iter();
        let clusters =
            clusters.map(|cluster| ClusterHit { id: cluster.id.to_string(), name: cluster.name });
        let repositories = store.search_repositories(scope, words, MOST_HITS).await?.into_iter();
        Ok(SearchHits {
            apps: apps.collect(),
            environments: environments.collect(),
            clusters: clusters.collect(),
            repositories: repositories.map(|found| found.name).collect(),
            ..SearchHits::default()
        })
    }

    /// The release of that id, and those of the commits that were found.
    async fn releases_found(
        &self,
        scope: &TenantScope,
        words: &[&str],
        commits: &[FoundCommit],
    ) -> Result<Vec<ReleaseHit>, AppError> {
        let store = &self.parts().store;
        let mut releases = Vec::new();
        if let [word] = words
            && let Ok(id) = word.parse::<ReleaseId>()
        {
            releases.extend(store.find_release(scope, id).await?);
        }
        let artifacts: Vec<_> = commits.iter().map(|commit| commit.id).collect();
        if !artifacts.is_empty() {
            let found = store.list_releases_of_artifacts(scope, &artifacts, MOST_HITS).await?;
            releases.extend(found);
        }
        let of = each_once(releases.iter().map(|release| release.environment_id));
        let environments = store.find_environments(scope, &of).await?;
        let name_of =
            |id| environments.iter().find(|found| found.id == id).map(|it| it.name.clone());
        let hit = |release: Release| {
            let commit = commits.iter().find(|commit| Some(commit.id) == release.artifact);
            ReleaseHit {
                id: release.id.to_string(),
                environment: name_of(release.environment_id).unwrap_or_default(),
                app: release.app,
                state: release.state.word(),
                message: commit.map(|commit| commit.message.clone()).unwrap_or_default(),
            }
        };
        Ok(releases.into_iter().map(hit).collect())
    }
}
