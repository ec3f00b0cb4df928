//! Finding things by a few words of them: what has a name by it, commits by their message and author.

use gimlet_shared::ids::{ArtifactId, RepositoryId};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Select,
    sea_query::{BinOper, CaseStatement, Expr, ExprTrait, Func, LikeExpr},
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

/// What commits are found by, spelled as in the index `artifacts_by_words`, which is used for nothing else.
const WORDS: &str = "lower(substr(message, 1, 400) || ' ' || substr(author_name, 1, 100))";

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
    /// The organization's newest commits that have every one of `words`: in the beginning of the message
    /// (400 characters) or of the author's name (100), whatever the case, or as the beginning of the hash.
    /// Without words, the newest ones.
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
        // An index of words and ids alone: only what was found is read whole.
        let found = artifact::Entity::find()
            .select_only()
            .column(artifact::Column::Id)
            .filter(artifact::owned_by(scope.organization()))
            .filter(every)
            .order_by_desc(artifact::Column::Id)
            .limit(limit);
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
                .filter(artifact::Column::Id.in_subquery(found.into_query()))
                .order_by_desc(artifact::Column::Id)
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
    Condition::any()
        .add(Expr::cust(WORDS).like(containing(&word)))
        .add(Expr::col(artifact::Column::Sha).like(beginning_with(&word)))
}

/// Text with `part` somewhere in it.
fn containing(part: &str) -> LikeExpr {
    LikeExpr::new(format!("%{}%", escaped(part))).escape(ESCAPE)
}

/// Text that begins with `part`.
fn beginning_with(part: &str) -> LikeExpr {
    LikeExpr::new(format!("{}%", escaped(part))).escape(ESCAPE)
}

/// `name` has `text` somewhere in it, whatever the case.
pub(crate) fn has(name: impl Into<Expr>, text: &str) -> Expr {
    Expr::expr(Func::lower(name)).like(containing(&text.to_lowercase()))
}

/// One text after the other.
pub(crate) fn joined(first: Expr, second: Expr) -> Expr {
    first.binary(BinOper::Custom("||"), second)
}

/// The few rows whose `name` has every word: first those that begin with the first one, then by length,
/// since a short name is matched to a larger part.
pub(crate) fn best<E: EntityTrait>(
    mut rows: Select<E>,
    name: &Expr,
    words: &[&str],
    limit: u64,
) -> Select<E> {
    let lower = Expr::expr(Func::lower(name.clone()));
    let begins = words.first().map_or_else(
        || Expr::value(false),
        |first| lower.clone().like(beginning_with(&first.to_lowercase())),
    );
    let ranked = Expr::expr(CaseStatement::new().case(begins, 0).finally(1));
    for word in words {
        rows = rows.filter(has(name.clone(), word));
    }
    QueryTrait::query(&mut rows)
        .order_by_expr(ranked, Order::Asc)
        .order_by_expr(Expr::expr(Func::char_length(name.clone())), Order::Asc)
        .order_by_expr(name.clone(), Order::Asc);
    rows.limit(limit)
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
