//! A victim that has one of everything, and an intruder in an organization of its own.

use gimlet_domain::release::ReleaseState;
use gimlet_shared::{
    ids::{ArtifactId, CommandId, ReleaseId},
    link::CommandBody,
    observed::ObjectKey,
};
use gimlet_store::{
    AdvanceExtra, IngestBatch, KeyedRequest, NewCommand, NewDecision, NewRelease, NewToken,
    Release, ReleaseLog, Store,
};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use crate::harness::{Shop, at, new_artifact, new_release, pushed};

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) victim: Shop,
    pub(crate) intruder: Shop,
    /// Healthy, with a log and a command.
    pub(crate) release: Release,
    pub(crate) token: gimlet_store::ApiToken,
    /// Of the victim, with a decision and its release.
    pub(crate) decided: ArtifactId,
    /// Looks past every policy.
    raw: DatabaseConnection,
}

pub(crate) const REQUEST: KeyedRequest<'static> =
    KeyedRequest { route: "POST /x", key: "key", request_sha256: "00" };

impl World {
    pub(crate) async fn new(url: &str) -> Self {
        let store = Store::open(url).await.unwrap();
        // The filter is missing for them too, so each has names of its own.
        let victim = shop_of(&store, "victim").await;
        let intruder = shop_of(&store, "intruder").await;
        let release = healthy_release(&store, &victim).await;
        let decided = decided_artifact(&store, &victim).await;
        // A cluster whose agent has come goes before one without.
        store.open_epoch(&victim.connected.scope, "1", "1", at(2)).await.unwrap();
        let token = NewToken { hash: "victim's hash", name: "victim's token", expires_at: None };
        let token = store.create_token(&victim.owner, token, at(2)).await.unwrap();
        store
            .record_certificate(&victim.connected.scope, "victim-01", at(900), at(2))
            .await
            .unwrap();
        store.begin_keyed(&victim.owner, REQUEST, at(90), at(2)).await.unwrap();
        store.create_device_login("CODE", "device", at(900)).await.unwrap();
        // One connection, so that what it says of itself holds for its next query.
        let mut options = sea_orm::ConnectOptions::new(url);
        options.max_connections(1);
        let raw = sea_orm::Database::connect(options).await.unwrap();
        let world = Self { store, victim, intruder, release, token, decided, raw };
        let filled = world.rows_of_victim().await.into_iter().filter(|(_, rows)| !rows.is_empty());
        assert!(filled.count() > 10, "the victim has something to lose");
        world
    }

    /// What no answer to the intruder may hold.
    pub(crate) fn words_of_victim(&self) -> Vec<String> {
        vec![
            "victim".to_owned(),
            self.victim.owner.organization().0.to_string(),
            self.victim.artifact.0.to_string(),
            self.victim.connected.cluster.id.0.to_string(),
            self.release.id.0.to_string(),
            self.release.application_id.0.to_string(),
        ]
    }

    /// Changes that the intruder's organization has on record.
    pub(crate) async fn changes_of_intruder(&self) -> u64 {
        let id = self.quoted(self.intruder.owner.organization().0);
        let query = format!("SELECT count(*) FROM activities WHERE organization_id = {id}");
        u64::try_from(self.raw_all::<i64>(&query).await[0]).unwrap()
    }

    /// Every row of the victim in every table, as text.
    pub(crate) async fn rows_of_victim(&self) -> Vec<(String, Vec<String>)> {
        let tables = match self.raw.get_database_backend() {
            DbBackend::Postgres => {
                "SELECT table_name::text FROM information_schema.columns \
                 WHERE table_schema = 'public' AND column_name = 'organization_id' ORDER BY 1"
            }
            _ => {
                "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c \
                 WHERE m.type = 'table' AND c.name = 'organization_id' ORDER BY 1"
            }
        };
        let id = self.quoted(self.victim.owner.organization().0);
        let mut rows = Vec::new();
        for table in self.raw_all::<String>(tables).await {
            let query = match self.raw.get_database_backend() {
                DbBackend::Postgres => {
                    format!("SELECT t::text FROM {table} t WHERE organization_id = {id} ORDER BY 1")
                }
                _ => {
                    let columns =
                        format!("SELECT 'quote(' || name || ')' FROM pragma_table_info('{table}')");
                    let row = self.raw_all::<String>(&columns).await.join(" || ',' || ");
                    format!("SELECT {row} FROM {table} WHERE organization_id = {id} ORDER BY 1")
                }
            };
            rows.push((table, self.raw_all::<String>(&query).await));
        }
        rows
    }

    fn quoted(&self, id: uuid::Uuid) -> String {
        match self.raw.get_database_backend() {
            DbBackend::Postgres => format!("'{id}'"),
            _ => format!("x'{}'", id.simple()),
        }
    }

    async fn raw_all<T: sea_orm::TryGetable>(&self, query: &str) -> Vec<T> {
        let kind = self.raw.get_database_backend();
        // A plain owner sees what it says it may; a superuser sees all, and the setting changes nothing.
        if kind == DbBackend::Postgres {
            self.raw.execute_unprepared("SET gimlet.system = 'on'").await.unwrap();
        }
        let rows = self.raw.query_all_raw(Statement::from_string(kind, query)).await.unwrap();
        rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
    }
}

async fn shop_of(store: &Store, name: &str) -> Shop {
    let owner = crate::harness::owner(store, name).await;
    let connected = crate::harness::connected(store, &owner, &format!("{name}-prod")).await;
    let repository = crate::harness::repository(store, &owner, &format!("{name}/shop")).await;
    let sha = format!("{:0<12}", if name == "victim" { "aaaaaaa" } else { "bbbbbbb" });
    let artifact = crate::harness::artifact(store, &repository, &sha).await;
    Shop { owner, connected, repository, artifact }
}

async fn decided_artifact(store: &Store, victim: &Shop) -> ArtifactId {
    let artifact = new_artifact(pushed("aaaaaaacccc"));
    let id = artifact.id;
    let environment = &victim.connected.environment;
    let decision = NewDecision {
        artifact: id,
        env: environment.name.clone(),
        app: "victim-job".to_owned(),
        file: ".gimlet/victim.yaml".to_owned(),
        releases: true,
        reason: "it is the victim's".to_owned(),
    };
    let release = NewRelease { artifact: Some(id), ..new_release(environment, "victim-job", id) };
    let batch = IngestBatch {
        artifacts: vec![artifact],
        decisions: vec![decision],
        releases: vec![release],
        ..Default::default()
    };
    store.record_ingest(&store.system(), &victim.repository, batch, at(2)).await.unwrap();
    id
}

async fn healthy_release(store: &Store, victim: &Shop) -> Release {
    let committed = victim.committed(store, "victim-web").await;
    let object = ObjectKey {
        kind: "GitRepository".to_owned(),
        namespace: "flux-system".to_owned(),
        name: "victim-apps".to_owned(),
    };
    let command = NewCommand {
        id: CommandId::new(),
        cluster: victim.connected.cluster.id,
        body: CommandBody::Reconcile { object },
        expires_at: at(900),
    };
    let extra = AdvanceExtra { commands: vec![command], ..Default::default() };
    let observed = ReleaseState::Observed { commit: "c1".to_owned() };
    let system = store.system();
    let observed = store.advance_release(&system, &committed, observed, extra, at(21)).await;
    let observed = observed.unwrap().unwrap();
    let log = ReleaseLog {
        pod: "victim-pod".to_owned(),
        container: "web".to_owned(),
        restarts: 1,
        lines: vec!["victim's line".to_owned()],
        seen_at: at(22),
    };
    let (organization, id): (_, ReleaseId) = (victim.owner.organization(), observed.id);
    store.keep_release_log(&system, organization, id, &log).await.unwrap();
    let healthy = ReleaseState::Healthy { commit: "c1".to_owned() };
    crate::harness::advance(store, &observed, healthy).await.unwrap()
}
