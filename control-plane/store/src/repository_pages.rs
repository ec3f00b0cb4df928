//! Source repositories a page at a time.

use gimlet_shared::ids::RepositoryId;
use sea_orm::{
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Select,
    sea_query::{Expr, ExprTrait},
};

use crate::{
    connect::Store,
    entity::source_repository,
    error::{During, StoreError},
    repositories::SourceRepository,
    scope::TenantScope,
    search::{best, has},
};

/// Which repositories to list.
#[derive(Clone, Debug, Default)]
pub struct RepositoryFilter {
    /// Only with this in the name or the address, whatever the case.
    pub text: Option<String>,
    /// Only after the one of this name.
    pub after: Option<String>,
    /// At most so many.
    pub limit: u64,
}

const LIST: &str = "list repositories";

impl Store {
    /// The organization's repositories, by name.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn list_repositories(
        &self,
        scope: &TenantScope,
        filter: &RepositoryFilter,
    ) -> Result<Vec<SourceRepository>, StoreError> {
        let name = source_repository::Column::Name;
        let rows = found_by(scope, filter)
            .apply_if(filter.after.as_ref(), |rows, after| rows.filter(name.gt(after)))
            .order_by_asc(name)
            .limit(filter.limit);
        self.read_repositories(scope, rows).await
    }

    /// How many repositories the filter finds; its place and limit do not count.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn count_repositories(
        &self,
        scope: &TenantScope,
        filter: &RepositoryFilter,
    ) -> Result<u64, StoreError> {
        let counted = found_by(scope, filter).count(&self.read(scope)).await;
        counted.during("count repositories")
    }

    /// The organization's repositories of these ids, in no order; unknown ids are left out.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn find_repositories(
        &self,
        scope: &TenantScope,
        ids: &[RepositoryId],
    ) -> Result<Vec<SourceRepository>, StoreError> {
        let ids = source_repository::Column::Id.is_in(ids.iter().map(|id| id.0));
        self.read_repositories(scope, owned(scope).filter(ids)).await
    }

    /// The few repositories whose name has all of these words, the best first.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub async fn search_repositories(
        &self,
        scope: &TenantScope,
        words: &[&str],
        limit: u64,
    ) -> Result<Vec<SourceRepository>, StoreError> {
        let name = Expr::col((source_repository::Entity, source_repository::Column::Name));
        self.read_repositories(scope, best(owned(scope), &name, words, limit)).await
    }

    async fn read_repositories(
        &self,
        scope: &TenantScope,
        rows: Select<source_repository::Entity>,
    ) -> Result<Vec<SourceRepository>, StoreError> {
        let rows = rows.all(&self.read(scope)).await.during(LIST)?;
        Ok(rows.into_iter().map(SourceRepository::from).collect())
    }
}

fn owned(scope: &TenantScope) -> Select<source_repository::Entity> {
    source_repository::Entity::find().filter(source_repository::owned_by(scope.organization()))
}

fn found_by(scope: &TenantScope, filter: &RepositoryFilter) -> Select<source_repository::Entity> {
    owned(scope).apply_if(filter.text.as_ref(), |rows, text| {
        let column = |column| Expr::col((source_repository::Entity, column));
        let name = has(column(source_repository::Column::Name), text);
        rows.filter(name.or(has(column(source_repository::Column::Url), text)))
    })
}
