//! Lists by name: cut, narrowed, counted and searched in the database.

use std::collections::BTreeMap;

use gimlet_domain::{
    cause::{Cause, CauseCode},
    health::Health,
};
use gimlet_store::{
    Application, ApplicationFilter, ClusterCondition, ClusterFilter, EnvironmentFilter,
    IngestBatch, NewDecision, NewRelease, RepositoryFilter, Store, TenantScope,
};

use crate::harness::{
    Shop, artifact, at, connected, each_database, new_artifact, new_release, owner, pushed,
    repository, shop,
};

async fn apps(store: &Store, scope: &TenantScope, filter: ApplicationFilter) -> Vec<String> {
    let found = store.list_applications(scope, &filter).await.unwrap();
    found.into_iter().map(|(app, environment)| format!("{} in {environment}", app.name)).collect()
}

fn all() -> ApplicationFilter {
    ApplicationFilter { limit: 100, ..Default::default() }
}

/// Two environments on two clusters; `web` in both.
async fn three_apps(store: &Store) -> (Shop, Vec<Application>) {
    let shop = shop(store, "acme").await;
    let staging = connected(store, &shop.owner, "staging").await;
    for (environment, app) in [
        (&staging.environment, "web"),
        (&shop.connected.environment, "web"),
        (&shop.connected.environment, "job"),
    ] {
        let new = new_release(environment, app, shop.artifact);
        store.request_release(&shop.owner, new, at(10)).await.unwrap();
    }
    let made = store.list_applications(&shop.owner, &all()).await.unwrap();
    (shop, made.into_iter().map(|(app, _)| app).collect())
}

fn degraded() -> Health {
    let cause = Cause::new(CauseCode::CrashLoop, "it ends again and again", "Look.");
    Health::Degraded { cause }
}

#[tokio::test]
async fn applications_go_page_by_page_by_name_and_environment() {
    each_database(async |store| {
        let (shop, _) = three_apps(&store).await;
        let mut filter = ApplicationFilter { limit: 1, ..Default::default() };
        let mut seen = Vec::new();
        while let Some((app, environment)) =
            store.list_applications(&shop.owner, &filter).await.unwrap().pop()
        {
            seen.push(format!("{} in {environment}", app.name));
            filter.after = Some((app.name, environment));
        }
        assert_eq!(seen, ["job in prod", "web in prod", "web in staging"]);
    })
    .await;
}

#[tokio::test]
async fn applications_are_narrowed_and_counted_by_health_text_and_cluster() {
    each_database(async |store| {
        let (shop, made) = three_apps(&store).await;
        store.set_health(&store.system(), made[1].id, &degraded(), at(20)).await.unwrap();
        let health = ApplicationFilter { health: Some("degraded".to_owned()), ..all() };
        assert_eq!(apps(&store, &shop.owner, health).await, ["web in prod"]);
        let text = || ApplicationFilter { text: Some("STAG".to_owned()), ..all() };
        assert_eq!(apps(&store, &shop.owner, text()).await, ["web in staging"]);
        let cluster = Some(shop.connected.cluster.id);
        let cluster = ApplicationFilter { cluster, ..all() };
        assert_eq!(apps(&store, &shop.owner, cluster).await, ["job in prod", "web in prod"]);
        let none = ApplicationFilter { text: Some("%".to_owned()), ..all() };
        assert_eq!(apps(&store, &shop.owner, none).await, Vec::<String>::new());

        let count = async |filter| {
            let found = store.count_applications(&shop.owner, &filter).await.unwrap();
            found.into_iter().collect::<BTreeMap<String, u64>>()
        };
        assert_eq!(
            count(all()).await,
            BTreeMap::from([("degraded".to_owned(), 1), ("unknown".to_owned(), 2)])
        );
        assert_eq!(count(text()).await, BTreeMap::from([("unknown".to_owned(), 1)]));
        let clusters = [shop.connected.cluster.id];
        let counts = store.count_cluster_applications(&shop.owner, &clusters).await.unwrap();
        assert_eq!((counts[0].1.all, counts[0].1.degraded, counts.len()), (2, 1, 1));
    })
    .await;
}

#[tokio::test]
async fn clusters_are_cut_narrowed_and_counted_by_how_they_are() {
    each_database(async |store| {
        let (shop, made) = three_apps(&store).await;
        let owner = &shop.owner;
        connected(&store, owner, "edge").await;
        store.open_epoch(&shop.connected.scope, "1", "1", at(5)).await.unwrap();
        store.set_health(&store.system(), made[1].id, &degraded(), at(20)).await.unwrap();
        let names = async |filter: ClusterFilter| {
            let found = store.list_clusters(owner, &filter).await.unwrap();
            found.into_iter().map(|cluster| cluster.name).collect::<Vec<_>>()
        };
        let all = || ClusterFilter { limit: 2, ..Default::default() };
        assert_eq!(names(all()).await, ["cluster-of-edge", "cluster-of-prod"]);
        let after = Some("cluster-of-prod".to_owned());
        assert_eq!(names(ClusterFilter { after, ..all() }).await, ["cluster-of-staging"]);
        for (condition, expected) in [
            (ClusterCondition::Connected, vec!["cluster-of-prod"]),
            (ClusterCondition::Waiting, vec!["cluster-of-edge", "cluster-of-staging"]),
            (ClusterCondition::Away, vec![]),
            (ClusterCondition::Degraded, vec!["cluster-of-prod"]),
        ] {
            let condition = Some(condition);
            assert_eq!(names(ClusterFilter { condition, ..all() }).await, expected);
        }
        let counts = store.count_clusters(owner, &all()).await.unwrap();
        assert_eq!(
            (counts.all, counts.connected, counts.waiting, counts.away, counts.degraded),
            (3, 1, 2, 0, 1)
        );
        let text = ClusterFilter { text: Some("edge".to_owned()), ..all() };
        assert_eq!(store.count_clusters(owner, &text).await.unwrap().all, 1);
        let leading = store.find_leading_cluster(owner).await.unwrap();
        assert_eq!(leading.unwrap().name, "cluster-of-prod");
    })
    .await;
}

#[tokio::test]
async fn environments_for_production_come_first_and_pages_go_on_from_there() {
    each_database(async |store| {
        let owner = owner(&store, "acme").await;
        for name in ["a-test", "eu-production", "live", "product"] {
            connected(&store, &owner, name).await;
        }
        let mut filter = ClusterFilter { limit: 1, ..Default::default() };
        let mut seen = Vec::new();
        while let Some(found) = store.list_environments_by_use(&owner, &filter).await.unwrap().pop()
        {
            filter.after = Some(found.name.clone());
            seen.push(found.name);
        }
        assert_eq!(seen, ["eu-production", "live", "a-test", "product"]);
        for name in seen {
            let is_first = gimlet_domain::names::is_production(&name);
            assert_eq!(is_first, matches!(name.as_str(), "eu-production" | "live"), "{name}");
        }
        let after = Some("eu-production".to_owned());
        let by_name = EnvironmentFilter { after, limit: 1, ..Default::default() };
        assert_eq!(store.list_environments(&owner, &by_name).await.unwrap()[0].name, "live");
    })
    .await;
}

#[tokio::test]
async fn repositories_are_cut_narrowed_and_counted() {
    each_database(async |store| {
        let owner = owner(&store, "acme").await;
        for name in ["acme/b", "acme/a", "acme/shop"] {
            repository(&store, &owner, name).await;
        }
        let filter = RepositoryFilter { limit: 2, ..Default::default() };
        let page = store.list_repositories(&owner, &filter).await.unwrap();
        assert_eq!((page[0].name.as_str(), page[1].name.as_str()), ("acme/a", "acme/b"));
        let rest = RepositoryFilter { after: Some(page[1].name.clone()), ..filter };
        assert_eq!(store.list_repositories(&owner, &rest).await.unwrap()[0].name, "acme/shop");
        let text = RepositoryFilter { text: Some("SHOP".to_owned()), ..rest };
        assert_eq!(store.count_repositories(&owner, &text).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_best_finds_begin_with_what_was_typed_and_are_short() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        for app in ["web-checkout", "checkout-worker", "checkout", "shop"] {
            shop.release(&store, app).await;
        }
        let found = async |words: &[&str], limit| {
            let found = store.search_applications(&shop.owner, words, limit).await.unwrap();
            found.into_iter().map(|(app, _)| app.name).collect::<Vec<_>>()
        };
        assert_eq!(found(&["check"], 9).await, ["checkout", "checkout-worker", "web-checkout"]);
        assert_eq!(found(&["check", "prod"], 1).await, ["checkout"]);
        assert_eq!(found(&["work", "CHECK"], 9).await, ["checkout-worker"]);
        let clusters = store.search_clusters(&shop.owner, &["of", "prod"], 9).await.unwrap();
        assert_eq!(clusters[0].name, "cluster-of-prod");
        assert_eq!(store.search_environments(&shop.owner, &["pro"], 9).await.unwrap().len(), 1);
        assert_eq!(store.search_repositories(&shop.owner, &["shop"], 9).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn each_decision_has_the_newest_release_of_its_own_manifest() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        let other = artifact(&store, &shop.repository, "cccc").await;
        let new = new_artifact(pushed("bbbb"));
        let (id, environment) = (new.id, &shop.connected.environment);
        let decision = |app: &str| NewDecision {
            artifact: id,
            env: "prod".to_owned(),
            app: app.to_owned(),
            file: format!(".gimlet/{app}.yaml"),
            releases: true,
            reason: "it matches".to_owned(),
        };
        let decisions = vec![decision("web"), decision("job")];
        let batch = IngestBatch { artifacts: vec![new], decisions, ..Default::default() };
        store.record_ingest(&store.system(), &shop.repository, batch, at(1)).await.unwrap();
        let release = async |app: &str, artifact| {
            let new = new_release(environment, app, artifact);
            let new = NewRelease { artifact: Some(artifact), ..new };
            store.request_release(&shop.owner, new, at(10)).await.unwrap().id
        };
        release("web", id).await;
        let newest = release("web", id).await;
        release("job", other).await;
        let found = store.list_decided_releases(&shop.owner, &[id, other]).await.unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        let one = &found[0];
        assert_eq!((one.artifact, one.app.as_str(), one.release), (id, "web", newest));
    })
    .await;
}
