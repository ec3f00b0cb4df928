//! Finding things of an organization by a few words: for the palette and the search page.

use gimlet_shared::ids::ReleaseId;
use gimlet_store::{FoundCommit, Release, TenantScope};

use crate::{App, AppError, releases::environment_name};

/// Of each kind: a list to choose from, not one to read.
const MOST_HITS: usize = 6;
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
        let commits = self.parts().store.search_commits(scope, &words, MOST_HITS as u64).await?;
        hits.releases = self.releases_found(scope, &words, &commits).await?;
        let repositories = self.repository_names(scope).await?;
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
        let environments = store.list_environments(scope).await?;
        let clusters = store.list_clusters(scope).await?;
        let apps = store.list_applications(scope).await?.into_iter().map(|app| AppHit {
            environment: environment_name(&environments, app.environment_id).to_owned(),
            name: app.name,
            health: app.health.word(),
        });
        let apps = best(words, apps, |app| format!("{} {}", app.name, app.environment));
        let environments = environments.iter().map(|environment| {
            let cluster = clusters.iter().find(|cluster| cluster.id == environment.cluster_id);
            EnvironmentHit {
                name: environment.name.clone(),
                cluster_id: environment.cluster_id.to_string(),
                cluster: cluster.map(|cluster| cluster.name.clone()).unwrap_or_default(),
            }
        });
        let environments = best(words, environments, |found| found.name.clone());
        let clusters = clusters
            .iter()
            .map(|cluster| ClusterHit { id: cluster.id.to_string(), name: cluster.name.clone() });
        let clusters = best(words, clusters, |cluster| cluster.name.clone());
        let repositories =
            store.list_repositories(scope).await?.into_iter().map(|found| found.name);
        let repositories = best(words, repositories, Clone::clone);
        Ok(SearchHits { apps, environments, clusters, repositories, ..SearchHits::default() })
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
            let most = MOST_HITS as u64;
            releases.extend(store.list_releases_of_artifacts(scope, &artifacts, most).await?);
        }
        let environments = store.list_environments(scope).await?;
        let hit = |release: Release| {
            let commit = commits.iter().find(|commit| Some(commit.id) == release.artifact);
            ReleaseHit {
                id: release.id.to_string(),
                environment: environment_name(&environments, release.environment_id).to_owned(),
                app: release.app,
                state: release.state.word(),
                message: commit.map(|commit| commit.message.clone()).unwrap_or_default(),
            }
        };
        Ok(releases.into_iter().map(hit).collect())
    }
}

/// The few of `all` whose name has every word: first those that begin with the first one, then by length,
/// since a short name is matched to a larger part.
fn best<T>(words: &[&str], all: impl Iterator<Item = T>, name: impl Fn(&T) -> String) -> Vec<T> {
    let mut found: Vec<_> = all
        .filter_map(|thing| {
            let name = name(&thing).to_lowercase();
            if !words.iter().all(|word| name.contains(word)) {
                return None;
            }
            let begins = words.first().is_some_and(|word| name.starts_with(word));
            Some(((!begins, name.len(), name), thing))
        })
        .collect();
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    found.into_iter().take(MOST_HITS).map(|(_, thing)| thing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_begin_with_what_was_typed_and_are_short() {
        let names = ["web-checkout", "checkout-worker", "checkout", "shop"].map(str::to_owned);
        let found = best(&["check"], names.clone().into_iter(), Clone::clone);
        assert_eq!(found, ["checkout", "checkout-worker", "web-checkout"]);
        assert_eq!(best(&["check", "work"], names.into_iter(), Clone::clone), ["checkout-worker"]);
    }

    #[test]
    fn no_kind_has_more_than_a_few() {
        let many = (0..100).map(|number| format!("app-{number}"));
        assert_eq!(best(&["app"], many, Clone::clone).len(), MOST_HITS);
    }
}
