//! The operations, under the names that they have on the server.

use gimlet_shared::{
    api::{
        Activity, ActivityQuery, App, Artifact, ArtifactQuery, Cluster, ClusterConnect, DevicePoll,
        DeviceStarted, Diff, Environment, ExchangeLink, Me, Member, MemberRole, NewCluster,
        NewRelease, NewRepository, NewToken, NewTokenSecret, Page, Release, ReleaseQuery,
        Repository, RepositoryAdded, Token, TokenCreated, Version,
    },
    ids::{ArtifactId, ReleaseId, TokenId},
};
use reqwest::Method;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Call, Client, Events};
use crate::error::CliError;

/// What a page of the API holds at most.
const LARGEST_PAGE: u32 = 100;

/// The head of the server's own description.
#[derive(Debug, Deserialize)]
struct ApiDocument {
    info: ApiInfo,
}

#[derive(Debug, Deserialize)]
struct ApiInfo {
    version: String,
}

/// A list as this server or an older one answers it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Listed<T> {
    Page(Page<T>),
    Whole(Vec<T>),
}

impl Client {
    pub(crate) async fn api_version(&self) -> Result<String, CliError> {
        let document: ApiDocument = self.get(&["openapi.json"]).await?;
        Ok(document.info.version)
    }

    pub(crate) async fn me(&self) -> Result<Me, CliError> {
        self.get(&["me"]).await
    }

    pub(crate) async fn exchange_link(
        &self,
        request: &ExchangeLink,
    ) -> Result<TokenCreated, CliError> {
        self.post(&["auth", "link"], request).await
    }

    pub(crate) async fn start_device_login(&self) -> Result<DeviceStarted, CliError> {
        self.call(Call::new(Method::POST, &["auth", "device"])).await
    }

    pub(crate) async fn poll_device_login(
        &self,
        request: &DevicePoll,
    ) -> Result<TokenCreated, CliError> {
        self.post(&["auth", "device", "token"], request).await
    }

    pub(crate) async fn list_clusters(&self) -> Result<Vec<Cluster>, CliError> {
        self.everything(&["clusters"], &[]).await
    }

    pub(crate) async fn cluster(&self, id: &str) -> Result<Cluster, CliError> {
        self.get(&["clusters", id]).await
    }

    pub(crate) async fn connect_cluster(
        &self,
        request: &NewCluster,
    ) -> Result<ClusterConnect, CliError> {
        self.post(&["clusters"], request).await
    }

    pub(crate) async fn renew_enrolment(&self, id: &str) -> Result<ClusterConnect, CliError> {
        self.call(Call::new(Method::POST, &["clusters", id, "enrolment"])).await
    }

    pub(crate) async fn list_environments(&self) -> Result<Vec<Environment>, CliError> {
        self.everything(&["environments"], &[]).await
    }

    pub(crate) async fn environment(&self, name: &str) -> Result<Environment, CliError> {
        self.get(&["environments", name]).await
    }

    pub(crate) async fn list_repositories(&self) -> Result<Vec<Repository>, CliError> {
        self.everything(&["repositories"], &[]).await
    }

    pub(crate) async fn repository(&self, id: &str) -> Result<Repository, CliError> {
        self.get(&["repositories", id]).await
    }

    pub(crate) async fn add_repository(
        &self,
        request: &NewRepository,
    ) -> Result<RepositoryAdded, CliError> {
        self.post(&["repositories"], request).await
    }

    pub(crate) async fn look_now(&self, id: &str) -> Result<(), CliError> {
        self.call(Call::new(Method::POST, &["repositories", id, "look"])).await
    }

    /// The newest artifacts, `limit` of them.
    pub(crate) async fn list_artifacts(
        &self,
        query: &ArtifactQuery,
        limit: u32,
    ) -> Result<Vec<Artifact>, CliError> {
        let filter = [("repository", &query.repository), ("branch", &query.branch)];
        self.pages(&["artifacts"], &filter, limit).await
    }

    pub(crate) async fn artifact(&self, id: ArtifactId) -> Result<Artifact, CliError> {
        self.get(&["artifacts", &id.to_string()]).await
    }

    /// The newest releases, `limit` of them.
    pub(crate) async fn list_releases(
        &self,
        query: &ReleaseQuery,
        limit: u32,
    ) -> Result<Vec<Release>, CliError> {
        let filter = [("environment", &query.environment), ("app", &query.app)];
        self.pages(&["releases"], &filter, limit).await
    }

    /// Asks for releases. The same key and request get the same releases, so it may be sent again.
    pub(crate) async fn deploy(
        &self,
        request: &NewRelease,
        key: &str,
    ) -> Result<Vec<Release>, CliError> {
        let body = Some(self.encode(request)?);
        let idempotency_key = Some(key.to_owned());
        let call = Call { body, idempotency_key, ..Call::new(Method::POST, &["releases"]) };
        self.call(call).await
    }

    pub(crate) async fn release(&self, id: ReleaseId) -> Result<Release, CliError> {
        self.get(&["releases", &id.to_string()]).await
    }

    pub(crate) async fn release_diff(&self, id: ReleaseId) -> Result<Diff, CliError> {
        self.get(&["releases", &id.to_string(), "diff"]).await
    }

    /// Without `from` or `to`, what the gitops repository has now stands there.
    pub(crate) async fn compare_releases(
        &self,
        environment: &str,
        app: &str,
        from: Option<ReleaseId>,
        to: Option<ReleaseId>,
    ) -> Result<Diff, CliError> {
        let sides = [("from", from), ("to", to)];
        let query =
            sides.into_iter().filter_map(|(name, id)| Some((name, id?.to_string()))).collect();
        let path = &["environments", environment, "apps", app, "compare"];
        self.call(Call { query, ..Call::new(Method::GET, path) }).await
    }

    pub(crate) async fn roll_back(&self, id: ReleaseId) -> Result<Release, CliError> {
        self.call(Call::new(Method::POST, &["releases", &id.to_string(), "rollback"])).await
    }

    /// The release as it goes.
    pub(crate) async fn release_events(&self, id: ReleaseId) -> Result<Events, CliError> {
        Events::open(self, &Call::new(Method::GET, &["releases", &id.to_string(), "events"])).await
    }

    pub(crate) async fn list_apps(&self) -> Result<Vec<App>, CliError> {
        self.everything(&["apps"], &[]).await
    }

    pub(crate) async fn app(&self, environment: &str, app: &str) -> Result<App, CliError> {
        self.get(&["environments", environment, "apps", app]).await
    }

    pub(crate) async fn delete_app(
        &self,
        environment: &str,
        app: &str,
    ) -> Result<Release, CliError> {
        self.call(Call::new(Method::DELETE, &["environments", environment, "apps", app])).await
    }

    /// Which version answers. An older server does not know the question: its answer is no version.
    pub(crate) async fn version(&self) -> Result<Option<Version>, CliError> {
        match self.get(&["version"]).await {
            Ok(version) => Ok(Some(version)),
            Err(error) if error.status() == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn disconnect_cluster(&self, id: &str) -> Result<(), CliError> {
        self.call(Call::new(Method::POST, &["clusters", id, "disconnect"])).await
    }

    pub(crate) async fn list_members(&self) -> Result<Vec<Member>, CliError> {
        self.everything(&["members"], &[]).await
    }

    pub(crate) async fn set_member_role(
        &self,
        login: &str,
        request: &MemberRole,
    ) -> Result<Member, CliError> {
        let body = Some(self.encode(request)?);
        self.call(Call { body, ..Call::new(Method::PATCH, &["members", login]) }).await
    }

    pub(crate) async fn remove_member(&self, login: &str) -> Result<(), CliError> {
        self.call(Call::new(Method::DELETE, &["members", login])).await
    }

    /// The caller's tokens, or with `all` everyone's.
    pub(crate) async fn list_tokens(&self, all: &str) -> Result<Vec<Token>, CliError> {
        self.everything(&["tokens"], &[("all", all.to_owned())]).await
    }

    pub(crate) async fn create_token(
        &self,
        request: &NewToken,
        key: &str,
    ) -> Result<NewTokenSecret, CliError> {
        let body = Some(self.encode(request)?);
        let idempotency_key = Some(key.to_owned());
        let call = Call { body, idempotency_key, ..Call::new(Method::POST, &["tokens"]) };
        self.call(call).await
    }

    pub(crate) async fn revoke_token(&self, id: TokenId) -> Result<(), CliError> {
        self.call(Call::new(Method::DELETE, &["tokens", &id.to_string()])).await
    }

    /// The newest changes, `limit` of them.
    pub(crate) async fn list_activity(
        &self,
        query: &ActivityQuery,
        limit: u32,
    ) -> Result<Vec<Activity>, CliError> {
        let filter = [
            ("kind", &query.kind),
            ("actor", &query.actor),
            ("environment", &query.environment),
            ("app", &query.app),
            ("since", &query.since),
            ("until", &query.until),
        ];
        self.pages(&["activity"], &filter, limit).await
    }

    /// The changes after number `after`, as they happen.
    pub(crate) async fn changes(&self, after: &str) -> Result<Events, CliError> {
        let query = vec![("after", after.to_owned())];
        Events::open(self, &Call { query, ..Call::new(Method::GET, &["changes"]) }).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, CliError> {
        self.call(Call::new(Method::GET, path)).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, CliError> {
        let body = Some(self.encode(body)?);
        self.call(Call { body, ..Call::new(Method::POST, path) }).await
    }

    fn encode(&self, body: &impl Serialize) -> Result<serde_json::Value, CliError> {
        serde_json::to_value(body)
            .map_err(|error| CliError::local(format!("cannot form the request: {error}")))
    }

    /// Every row of a list. An older server answers with all of them at once, outside of a page.
    async fn everything<T: DeserializeOwned>(
        &self,
        path: &[&str],
        filter: &[(&'static str, String)],
    ) -> Result<Vec<T>, CliError> {
        let mut query = filter.to_vec();
        let mut rows: Vec<T> = Vec::new();
        loop {
            let call = Call { query: query.clone(), ..Call::new(Method::GET, path) };
            let page: Page<T> = match self.call(call).await? {
                Listed::Page(page) => page,
                Listed::Whole(items) => Page { items, next_cursor: None },
            };
            let got_none = page.items.is_empty();
            rows.extend(page.items);
            let Some(cursor) = page.next_cursor.filter(|_| !got_none) else { return Ok(rows) };
            query = filter.to_vec();
            query.extend([("limit", LARGEST_PAGE.to_string()), ("cursor", cursor)]);
        }
    }

    /// Follows the cursors until there are `limit` rows.
    async fn pages<T: DeserializeOwned>(
        &self,
        path: &[&str],
        filter: &[(&'static str, &Option<String>)],
        limit: u32,
    ) -> Result<Vec<T>, CliError> {
        let mut rows: Vec<T> = Vec::new();
        let mut cursor = None;
        loop {
            let missing = limit.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
            let mut query: Vec<(&'static str, String)> = filter
                .iter()
                .filter_map(|(name, value)| Some((*name, value.as_ref()?.clone())))
                .collect();
            query.push(("limit", missing.min(LARGEST_PAGE).to_string()));
            query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let page: Page<T> = self.call(Call { query, ..Call::new(Method::GET, path) }).await?;
            let got_none = page.items.is_empty();
            rows.extend(page.items);
            rows.truncate(limit as usize);
            // An empty page with a cursor would go on for ever.
            if page.next_cursor.is_none() || got_none || rows.len() == limit as usize {
                return Ok(rows);
            }
            cursor = page.next_cursor;
        }
    }
}
