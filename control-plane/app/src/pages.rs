//! Lists by name, a page at a time: the database finds the rows, cuts them and counts them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gimlet_shared::api;
use gimlet_store::{
    ApplicationFilter, ClusterFilter, EnvironmentFilter, RepositoryFilter, TenantScope,
};

use crate::{
    App, AppError,
    artifacts::{next_cursor, page_size},
    repositories::repository_view,
};

/// Which rows of a list to show.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// Only those with this in one of their names; all where it is empty.
    pub text: String,
    /// Only those of this state, in the words of the list; all where it is empty.
    pub state: String,
    /// Rows of a page; 30 where none is given.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl ListQuery {
    /// The text, where there is one.
    pub(crate) fn text(&self) -> Option<String> {
        let text = self.text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

impl From<api::PageQuery> for ListQuery {
    fn from(query: api::PageQuery) -> Self {
        Self { limit: query.limit, cursor: query.cursor, ..Self::default() }
    }
}

/// A page of a list, and how many rows there are of it.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// The page.
    pub page: api::Page<T>,
    /// Rows with the text of the query, in each state and, as the empty word, in all.
    pub counts: Vec<(&'static str, u64)>,
}

impl<T> Listed<T> {
    /// Rows with the text of the query in `state`.
    #[must_use]
    pub fn count(&self, state: &str) -> u64 {
        self.counts.iter().find(|(word, _)| *word == state).map_or(0, |(_, count)| *count)
    }
}

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
        let (limit, after) = place(&query)?;
        let filter = ClusterFilter { after, limit: u64::from(limit) + 1, ..Default::default() };
        let mut rows = self.parts().store.list_clusters(scope, &filter).await?;
        let next_cursor = next_cursor(&mut rows, limit, |row| encoded(&row.name));
        Ok(api::Page { items: self.cluster_views(scope, rows).await?, next_cursor })
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
        let (limit, after) = place(&query)?;
        let filter = EnvironmentFilter { cluster: None, after, limit: u64::from(limit) + 1 };
        let mut rows = self.parts().store.list_environments(scope, &filter).await?;
        let next_cursor = next_cursor(&mut rows, limit, |row| encoded(&row.name));
        Ok(api::Page { items: self.environment_views(scope, rows).await?, next_cursor })
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
        let found = self.parts().store.find_environment_by_name(scope, name).await?;
        let absent = || AppError::NotFound { what: "the environment" };
        let found = found.ok_or_else(absent)?;
        self.environment_views(scope, vec![found]).await?.pop().ok_or_else(absent)
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
        let (limit, after) = place(&query)?;
        let filter = RepositoryFilter { text: None, after, limit: u64::from(limit) + 1 };
        self.repositories_of(scope, &filter, limit).await
    }

    /// A page of source repositories with a text in their name or address, by name.
    ///
    /// # Errors
    /// [`AppError::Invalid`] for a bad limit or cursor.
    pub async fn find_repositories(
        &self,
        scope: &TenantScope,
        query: &ListQuery,
    ) -> Result<Listed<api::Repository>, AppError> {
        let (limit, after) = query.place()?;
        let filter = RepositoryFilter { text: query.text(), after, limit: u64::from(limit) + 1 };
        let counts = vec![("", self.parts().store.count_repositories(scope, &filter).await?)];
        Ok(Listed { page: self.repositories_of(scope, &filter, limit).await?, counts })
    }

    async fn repositories_of(
        &self,
        scope: &TenantScope,
        filter: &RepositoryFilter,
        limit: u32,
    ) -> Result<api::Page<api::Repository>, AppError> {
        let mut rows = self.parts().store.list_repositories(scope, filter).await?;
        let next_cursor = next_cursor(&mut rows, limit, |row| encoded(&row.name));
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
        self.apps_of(scope, &ListQuery::from(query)).await
    }

    /// A page of applications of a health, with a text in the name of the application, its environment or
    /// its repository, by name and environment.
    ///
    /// # Errors
    /// [`AppError::Invalid`] for a bad limit or cursor.
    pub async fn find_apps(
        &self,
        scope: &TenantScope,
        query: &ListQuery,
    ) -> Result<Listed<api::App>, AppError> {
        let filter = ApplicationFilter { text: query.text(), ..Default::default() };
        let found = self.parts().store.count_applications(scope, &filter).await?;
        let count = |state: &str| {
            found.iter().find(|(health, _)| health == state).map_or(0, |(_, count)| *count)
        };
        let mut counts: Vec<(&'static str, u64)> =
            HEALTHS.iter().map(|state| (*state, count(state))).collect();
        counts.push(("", found.iter().map(|(_, count)| count).sum()));
        Ok(Listed { page: self.apps_of(scope, query).await?, counts })
    }

    async fn apps_of(
        &self,
        scope: &TenantScope,
        query: &ListQuery,
    ) -> Result<api::Page<api::App>, AppError> {
        let (limit, after) = query.place()?;
        let filter = ApplicationFilter {
            text: query.text(),
            health: (!query.state.is_empty()).then(|| query.state.clone()),
            cluster: None,
            after: after.map(|key| two_names(&key)).transpose()?,
            limit: u64::from(limit) + 1,
        };
        let mut rows = self.parts().store.list_applications(scope, &filter).await?;
        // No name has a line break.
        let key = |(app, environment): &(gimlet_store::Application, String)| {
            encoded(&format!("{}\n{environment}", app.name))
        };
        let next_cursor = next_cursor(&mut rows, limit, key);
        let rows = rows.into_iter().map(|(app, _)| app).collect();
        Ok(api::Page { items: self.app_views(scope, rows).await?, next_cursor })
    }
}

/// The words of an application's health.
const HEALTHS: [&str; 4] = ["healthy", "progressing", "degraded", "unknown"];

impl ListQuery {
    /// Rows of a page, and the key after which it begins.
    pub(crate) fn place(&self) -> Result<(u32, Option<String>), AppError> {
        Ok((page_size(self.limit)?, self.cursor.as_deref().map(decoded).transpose()?))
    }
}

fn place(query: &api::PageQuery) -> Result<(u32, Option<String>), AppError> {
    ListQuery::from(query.clone()).place()
}

/// A key as a cursor.
pub(crate) fn encoded(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(key)
}

/// The key in a cursor. It is opaque to callers, and nothing in it is trusted: it only says where to begin.
fn decoded(cursor: &str) -> Result<String, AppError> {
    let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    // A database takes no text with a zero in it.
    text.filter(|key| !key.is_empty() && !key.contains('\0')).ok_or_else(foreign_cursor)
}

fn two_names(key: &str) -> Result<(String, String), AppError> {
    let (app, environment) = key.split_once('\n').ok_or_else(foreign_cursor)?;
    Ok((app.to_owned(), environment.to_owned()))
}

fn foreign_cursor() -> AppError {
    AppError::invalid("cursor", "use the `next_cursor` of the page before")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_gives_its_key_back() {
        for key in ["web", "web\nproduction", "acme/Ä"] {
            assert_eq!(decoded(&encoded(key)).ok().as_deref(), Some(key));
        }
        assert_eq!(two_names("web\nprod").ok(), Some(("web".to_owned(), "prod".to_owned())));
    }

    #[test]
    fn a_cursor_that_no_list_gave_is_refused() {
        for bad in ["", "%", "rel_1", "////", &encoded("a\0b")] {
            let query = ListQuery { cursor: Some(bad.to_owned()), ..ListQuery::default() };
            assert!(query.place().is_err(), "{bad}");
        }
        assert!(two_names("web").is_err());
    }
}
