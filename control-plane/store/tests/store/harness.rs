//! Databases of their own for every test, and what most tests begin with.

use gimlet_domain::{
    release::{Intent, ReleaseState, Trigger},
    role::Role,
    time::Timestamp,
};
use gimlet_shared::ids::{ArtifactId, ReleaseId};
use gimlet_store::{
    AdvanceExtra, Cluster, ClusterCreation, ClusterScope, Commit, Environment, EventWord,
    GitopsLocation, IngestBatch, NewArtifact, NewEnrolment, NewEnvironment, NewRelease,
    NewRepository, NewToken, Release, RepositoryAddition, SourceRepository, Store, TenantScope,
    TokenFilter, TokenOwner,
};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

/// A token of the hash `hash` that does not lapse.
pub(crate) fn token() -> NewToken<'static> {
    NewToken { hash: "hash", name: "ci", expires_at: None }
}

/// Everyone's tokens.
pub(crate) fn all_tokens() -> TokenFilter {
    TokenFilter { owner: TokenOwner::Everyone, after: None, limit: 100 }
}

/// Runs a test on an empty SQLite database, and on an empty PostgreSQL database where a server is given.
pub(crate) async fn each_database(test: impl AsyncFn(Store)) {
    each_address(async |url| test(Store::open(&url).await.unwrap()).await).await;
}

/// As [`each_database`], before anything has opened it.
pub(crate) async fn each_address(test: impl AsyncFn(String)) {
    let directory = tempfile::tempdir().unwrap();
    test(format!("sqlite://{}", directory.path().join("store.db").display())).await;
    if let Some(server) = postgres_server() {
        on_postgres(&server, test).await;
    }
}

async fn on_postgres(server: &str, test: impl AsyncFn(String)) {
    let admin = sea_orm::Database::connect(server).await.unwrap();
    let name = format!("gimlet_test_{}", Uuid::now_v7().simple());
    admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    test(format!("{base}/{name}")).await;
    admin.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
}

#[expect(clippy::disallowed_methods, reason = "a test has no main that could read it")]
pub(crate) fn postgres_server() -> Option<String> {
    std::env::var("GIMLET_TEST_POSTGRES").ok()
}

/// A moment of the tests' own time.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 + seconds)
}

/// The owner of an organization of this name.
pub(crate) async fn owner(store: &Store, organization: &str) -> TenantScope {
    let system = store.system();
    let login = format!("{organization}-owner");
    let (id, user) = store.ensure_owner(&system, organization, &login, at(0)).await.unwrap();
    let link = Uuid::now_v7().to_string();
    store.create_sign_in_link(&system, id, user, &link, at(60)).await.unwrap();
    store
        .spend_sign_in_link(&link, &format!("session of {login} {link}"), at(3600), at(1))
        .await
        .unwrap()
        .unwrap()
}

/// A member of the organization acme.
pub(crate) async fn member(store: &Store, login: &str, role: Role) -> TenantScope {
    let system = store.system();
    let (organization, user) =
        store.ensure_member(&system, "acme", login, role, at(0)).await.unwrap();
    let link = format!("link of {login}");
    store.create_sign_in_link(&system, organization, user, &link, at(900)).await.unwrap();
    let session = format!("session of {login}");
    store.spend_sign_in_link(&link, &session, at(9000), at(1)).await.unwrap().unwrap()
}

/// A cluster with one environment, and its scope.
pub(crate) struct Connected {
    pub(crate) cluster: Cluster,
    pub(crate) environment: Environment,
    pub(crate) scope: ClusterScope,
    pub(crate) token: String,
}

pub(crate) async fn connected(store: &Store, owner: &TenantScope, environment: &str) -> Connected {
    let token = Uuid::now_v7().to_string();
    let enrolment = NewEnrolment { token_hash: &token, expires_at: at(900) };
    let gitops = GitopsLocation::BuiltIn;
    let new = NewEnvironment { name: environment.to_owned(), namespace: None, gitops };
    let name = format!("cluster-of-{environment}");
    let made =
        store.create_cluster_with_environment(owner, &name, new, enrolment, at(0)).await.unwrap();
    let ClusterCreation::Created { cluster, environment } = made else { panic!("{made:?}") };
    let scope = store.find_enrolment(&token, at(1)).await.unwrap().unwrap().cluster_scope();
    Connected { cluster, environment, scope, token }
}

pub(crate) fn new_repository(name: &str) -> NewRepository {
    NewRepository {
        name: name.to_owned(),
        url: format!("https://git.example/{name}.git"),
        default_branch: None,
        webhook_secret: "hook secret".into(),
        look_token_hash: "look".to_owned(),
    }
}

pub(crate) async fn repository(store: &Store, owner: &TenantScope, name: &str) -> SourceRepository {
    match store.add_repository(owner, new_repository(name), at(0)).await.unwrap() {
        RepositoryAddition::Added(repository) => repository,
        RepositoryAddition::NameTaken => panic!("{name} is taken"),
    }
}

/// A commit pushed to `main`.
pub(crate) fn pushed(sha: &str) -> Commit {
    Commit {
        sha: sha.to_owned(),
        event: EventWord::Push,
        branch: Some("main".to_owned()),
        tag: None,
        source_branch: None,
        target_branch: None,
        message: "Change the greeting".to_owned(),
        author_name: "Ana".to_owned(),
        author_email: "ana@example.com".to_owned(),
        committer_name: "Ana".to_owned(),
        committer_email: "ana@example.com".to_owned(),
        committed_at: at(0),
        url: None,
    }
}

pub(crate) fn new_artifact(commit: Commit) -> NewArtifact {
    NewArtifact {
        id: ArtifactId::new(),
        commit,
        manifests: Vec::new(),
        problems: Vec::new(),
        is_head: true,
    }
}

/// An artifact of this commit, stored.
pub(crate) async fn artifact(
    store: &Store,
    repository: &SourceRepository,
    sha: &str,
) -> ArtifactId {
    let batch = IngestBatch { artifacts: vec![new_artifact(pushed(sha))], ..Default::default() };
    store.record_ingest(&store.system(), repository, batch, at(1)).await.unwrap().artifacts[0]
}

/// A release by hand of this artifact.
pub(crate) fn new_release(
    environment: &Environment,
    app: &str,
    artifact: ArtifactId,
) -> NewRelease {
    NewRelease {
        environment: environment.id,
        app: app.to_owned(),
        namespace: "default".to_owned(),
        repository: None,
        artifact: None,
        intent: Intent::Deploy { artifact },
        trigger: Trigger::Person("ana".to_owned()),
        deadline_at: at(600),
        idempotency_key: None,
        note: None,
    }
}

/// An organization with everything that a release needs.
pub(crate) struct Shop {
    pub(crate) owner: TenantScope,
    pub(crate) connected: Connected,
    pub(crate) repository: SourceRepository,
    pub(crate) artifact: ArtifactId,
}

pub(crate) async fn shop(store: &Store, organization: &str) -> Shop {
    let owner = owner(store, organization).await;
    let connected = connected(store, &owner, "prod").await;
    let repository = repository(store, &owner, "acme/shop").await;
    let artifact = artifact(store, &repository, "aaaaaaaaaaaa").await;
    Shop { owner, connected, repository, artifact }
}

impl Shop {
    /// A queued release of `app`.
    pub(crate) async fn release(&self, store: &Store, app: &str) -> Release {
        let new = new_release(&self.connected.environment, app, self.artifact);
        store.request_release(&self.owner, new, at(10)).await.unwrap()
    }

    /// A release of `app` that is in git.
    pub(crate) async fn committed(&self, store: &Store, app: &str) -> Release {
        let queued = self.release(store, app).await;
        advance(store, &queued, committed("c1")).await.unwrap()
    }
}

pub(crate) fn committed(commit: &str) -> ReleaseState {
    ReleaseState::Committed { commit: commit.to_owned() }
}

pub(crate) fn superseded(by: ReleaseId) -> ReleaseState {
    ReleaseState::Superseded { commit: None, by: Some(by) }
}

pub(crate) async fn advance(
    store: &Store,
    release: &Release,
    next: ReleaseState,
) -> Option<Release> {
    store
        .advance_release(&store.system(), release, next, AdvanceExtra::default(), at(20))
        .await
        .unwrap()
}

/// As [`each_address`] on PostgreSQL alone, where a server is given: under a login that owns the database
/// and may do nothing else, with what `attributes` adds to it.
pub(crate) async fn as_plain_owner(attributes: &str, test: impl AsyncFn(String)) {
    let Some(server) = postgres_server() else { return };
    let admin = sea_orm::Database::connect(&server).await.unwrap();
    let name = format!("gimlet_test_{}", Uuid::now_v7().simple());
    let make = format!("CREATE ROLE {name} LOGIN PASSWORD 'test' {attributes}");
    admin.execute_unprepared(&make).await.unwrap();
    let make = format!("CREATE DATABASE {name} OWNER {name}");
    admin.execute_unprepared(&make).await.unwrap();
    let own = format!("ALTER SCHEMA public OWNER TO {name}");
    let inside = sea_orm::Database::connect(database_of(&server, &name)).await.unwrap();
    inside.execute_unprepared(&own).await.unwrap();
    inside.close().await.unwrap();
    let (_, host) = server.rsplit_once('@').unwrap();
    test(database_of(&format!("postgres://{name}:test@{host}"), &name)).await;
    admin.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    admin.execute_unprepared(&format!("DROP ROLE {name}")).await.unwrap();
}

fn database_of(server: &str, name: &str) -> String {
    let (address, settings) =
        server.split_once('?').map_or((server, String::new()), |(a, s)| (a, format!("?{s}")));
    let (base, _) = address.rsplit_once('/').unwrap();
    format!("{base}/{name}{settings}")
}
