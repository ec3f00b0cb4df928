//! Finding commits and releases by a few words of them.

use gimlet_shared::ids::{ArtifactId, RepositoryId};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Func, LikeExpr},
};

use crate::{
    connect::Store,
    entity::{artifact, release},
    error::{During, StoreError},
    releases::Release,
    scope::TenantScope,
};

/// Escapes what would match anything.
const ESCAPE: char = '\\';

const SEARCH: &str = "search commits and releases";

/// A commit that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundCommit {
    /// Its artifact.
    pub id: ArtifactId,
    /// Where it comes from.
    pub repository_id: RepositoryId,
    /// Its hash, in hexadecimal.
    pub sha: String,
    /// The whole message.
    pub message: String,
    /// The author's name.
    pub author_name: String,
}

impl Store {
    /// The organization's newest commits that have every one of `words`: in the message or the author's
    /// name, whatever the case, or as the beginning of the hash. Without words, the newest ones.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn search_commits(
        &self,
        scope: &TenantScope,
        words: &[&str],
        limit: u64,
    ) -> Result<Vec<FoundCommit>, StoreError> {
        let every = words.iter().fold(Condition::all(), |every, word| every.add(mentions(word)));
        let rows: Vec<(sea_orm::prelude::Uuid, sea_orm::prelude::Uuid, String, String, String)> =
            artifact::Entity::find()
                .select_only()
                .columns([
                    artifact::Column::Id,
                    artifact::Column::RepositoryId,
                    artifact::Column::Sha,
                    artifact::Column::Message,
                    artifact::Column::AuthorName,
                ])
                .filter(artifact::owned_by(scope.organization()))
                .filter(every)
                .order_by_desc(artifact::Column::Id)
                .limit(limit)
                .into_tuple()
                .all(&self.read(scope))
                .await
                .during(SEARCH)?;
        let found = |(id, repository, sha, message, author_name)| FoundCommit {
            id: ArtifactId(id),
            repository_id: RepositoryId(repository),
            sha,
            message,
            author_name,
        };
        Ok(rows.into_iter().map(found).collect())
    }

    /// The organization's newest releases of these artifacts.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Corrupt`].
    pub async fn list_releases_of_artifacts(
        &self,
        scope: &TenantScope,
        artifacts: &[ArtifactId],
        limit: u64,
    ) -> Result<Vec<Release>, StoreError> {
        let rows = release::Entity::find()
            .filter(release::owned_by(scope.organization()))
            .filter(release::Column::ArtifactId.is_in(artifacts.iter().map(|id| id.0)))
            .order_by_desc(release::Column::Id)
            .limit(limit)
            .all(&self.read(scope))
            .await
            .during(SEARCH)?;
        rows.into_iter().map(Release::try_from).collect()
    }
}

/// The commit has the word somewhere.
fn mentions(word: &str) -> Condition {
    let word = word.to_lowercase();
    let anywhere = |column: artifact::Column| {
        Expr::expr(Func::lower(Expr::col(column))).like(like(&format!("%{}%", escaped(&word))))
    };
    Condition::any()
        .add(anywhere(artifact::Column::Message))
        .add(anywhere(artifact::Column::AuthorName))
        .add(Expr::col(artifact::Column::Sha).like(like(&format!("{}%", escaped(&word)))))
}

fn like(pattern: &str) -> LikeExpr {
    LikeExpr::new(pattern).escape(ESCAPE)
}

/// The word, standing for itself alone.
fn escaped(word: &str) -> String {
    let mut pattern = String::with_capacity(word.len());
    for char in word.chars() {
        if matches!(char, '%' | '_' | ESCAPE) {
            pattern.push(ESCAPE);
        }
        pattern.push(char);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_match_anything_stands_for_itself() {
        assert_eq!(escaped("100%_\\a"), "100\\%\\_\\\\a");
    }
}
