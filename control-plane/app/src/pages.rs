//! Lists by name, a page at a time. Only the rows of the page are made into what is shown.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gimlet_shared::api;
use gimlet_store::TenantScope;

use crate::{
    App, AppError,
    artifacts::{next_cursor, page_size},
    releases::environment_name,
    repositories::repository_view,
};

impl App {
    /// A page of clusters, by name.
    ///
    /// # Errors
    /// [`AppError::Invalid`] for a bad limit or cursor.
    pub async fn clusters_page(
        &self,
        scope: &TenantScope,
        query: api::PageQuery,
    ) -> Result<api::Page<api::Cluster>, AppError> {
        let all = self.list_clusters(scope).await?;
        let (items, next_cursor) = cut(all, &query, |row| row.name.clone())?;
        Ok(api::Page { items, next_cursor })
    }

    /// A page of environments, by name.
    ///
    /// # Errors
    /// [`AppError::Invalid`] for a bad limit or cursor.
    pub async fn environments_page(
        &self,
        scope: &TenantScope,
        query: api::PageQuery,
    ) -> Result<api::Page<api::Environment>, AppError> {
        let all = self.list_environments(scope).await?;
        let (items, next_cursor) = cut(all, &query, |row| row.name.clone())?;
        Ok(api::Page { items, next_cursor })
    }

    /// One environment.
    ///
    /// # Errors
    /// [`AppError::NotFound`].
    pub async fn environment(
        &self,
        scope: &TenantScope,
        name: &str,
    ) -> Result<api::Environment, AppError> {
        let all = self.list_environments(scope).await?;
        let found = all.into_iter().find(|environment| environment.name == name);
        found.ok_or(AppError::NotFound { what: "the environment" })
    }

    /// A page of source repositories, by name.
    ///
    /// # Errors
    /// [`AppError::Invalid`] for a bad limit or cursor.
    pub async fn repositories_page(
        &self,
        scope: &TenantScope,
        query: api::PageQuery,
    ) -> Result<api::Page<api::Repository>, AppError> {
        let all = self.parts().store.list_repositories(scope).await?;
        let (rows, next_cursor) = cut(all, &query, |row| row.name.clone())?;
        Ok(api::Page { items: rows.into_iter().map(repository_view).collect(), next_cursor })
    }

    /// A page of applications, by name and environment.
    ///
    /// # Errors
    /// [`AppError::Invalid`] for a bad limit or cursor.
    pub async fn apps_page(
        &self,
        scope: &TenantScope,
        query: api::PageQuery,
    ) -> Result<api::Page<api::App>, AppError> {
        let store = &self.parts().store;
        let environments = store.list_environments(scope).await?;
        let all = store.list_applications(scope).await?;
        let key = |row: &gimlet_store::Application| {
            // No name has a line break, so that the order is that of the names and then the environments.
            format!("{}\n{}", row.name, environment_name(&environments, row.environment_id))
        };
        let (rows, next_cursor) = cut(all, &query, key)?;
        Ok(api::Page { items: self.app_views(scope, rows).await?, next_cursor })
    }
}

/// The rows after the cursor, in the order of their keys, and the cursor for those that are left over.
fn cut<T>(
    mut rows: Vec<T>,
    query: &api::PageQuery,
    key: impl Fn(&T) -> String,
) -> Result<(Vec<T>, Option<String>), AppError> {
    let limit = page_size(query.limit)?;
    let after = query.cursor.as_deref().map(decoded).transpose()?;
    rows.sort_by_key(&key);
    if let Some(after) = after {
        rows.retain(|row| key(row) > after);
    }
    let next = next_cursor(&mut rows, limit, |row| URL_SAFE_NO_PAD.encode(key(row)));
    Ok((rows, next))
}

/// The key in a cursor. It is opaque to callers, and nothing in it is trusted: it only says where to begin.
fn decoded(cursor: &str) -> Result<String, AppError> {
    let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.filter(|key| !key.is_empty())
        .ok_or_else(|| AppError::invalid("cursor", "use the `next_cursor` of the page before"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(limit: u32, cursor: Option<String>) -> (Vec<&'static str>, Option<String>) {
        let query = api::PageQuery { limit: Some(limit), cursor };
        cut(vec!["c", "a", "e", "b", "d"], &query, |row| (*row).to_owned()).unwrap()
    }

    #[test]
    fn pages_go_through_every_row_once_in_order() {
        let (first, cursor) = page(2, None);
        assert_eq!(first, ["a", "b"]);
        let (second, cursor) = page(2, cursor);
        assert_eq!(second, ["c", "d"]);
        assert_eq!(page(2, cursor), (vec!["e"], None));
        assert_eq!(page(5, None).1, None);
    }

    #[test]
    fn a_cursor_that_no_list_gave_is_refused() {
        for bad in ["", "%", "rel_1", "////"] {
            let query = api::PageQuery { limit: None, cursor: Some(bad.to_owned()) };
            assert!(cut(vec!["a"], &query, |row| (*row).to_owned()).is_err(), "{bad}");
        }
    }
}
