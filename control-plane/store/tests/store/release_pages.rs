use gimlet_domain::release::ReleaseState;
use gimlet_store::{LOGS_KEPT, Release, ReleaseLog, Store};

use crate::harness::{Shop, advance, at, each_database, owner, shop};

async fn healthy(store: &Store, shop: &Shop, app: &str) -> Release {
    let release = shop.committed(store, app).await;
    let done = ReleaseState::Healthy { commit: "c1".to_owned() };
    advance(store, &release, done).await.unwrap()
}

fn log(pod: &str, restarts: i32, second: i64) -> ReleaseLog {
    ReleaseLog {
        pod: pod.to_owned(),
        container: "web".to_owned(),
        restarts,
        lines: vec![format!("line of run {restarts}"), "größe".to_owned()],
        seen_at: at(second),
    }
}

#[tokio::test]
async fn the_last_lines_of_a_container_take_the_place_of_its_earlier_ones() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        let release = shop.release(&store, "web").await;
        let keep = async |log: &ReleaseLog| {
            let organization = shop.owner.organization();
            let system = store.system();
            store.keep_release_log(&system, organization, release.id, log).await.unwrap();
        };
        keep(&log("web-1", 1, 20)).await;
        keep(&log("web-2", 1, 21)).await;
        keep(&log("web-1", 2, 22)).await;
        let kept = store.list_release_logs(&shop.owner, release.id).await.unwrap();
        assert_eq!(kept, [log("web-1", 2, 22), log("web-2", 1, 21)]);

        for number in 0..20 {
            keep(&log(&format!("web-{number:02}"), 1, 100 + number)).await;
        }
        let kept = store.list_release_logs(&shop.owner, release.id).await.unwrap();
        assert_eq!(kept.len() as u64, LOGS_KEPT);
        assert_eq!(kept[0].pod, "web-19");
        let stranger = owner(&store, "rival").await;
        assert!(store.list_release_logs(&stranger, release.id).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn only_healthy_releases_tell_what_is_usual_the_newest_first() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        let first = healthy(&store, &shop, "web").await;
        let second = healthy(&store, &shop, "web").await;
        let other = healthy(&store, &shop, "api").await;
        shop.release(&store, "web").await;
        let ids = |releases: Vec<Release>| releases.iter().map(|it| it.id).collect::<Vec<_>>();
        let (owner, application) = (&shop.owner, first.application_id);
        let of_app = store.list_healthy_of_application(owner, application, 10).await.unwrap();
        assert_eq!(ids(of_app), [second.id, first.id]);
        let environment = shop.connected.environment.id;
        let of_env = store.list_healthy_of_environment(owner, environment, 2).await.unwrap();
        assert_eq!(ids(of_env), [other.id, second.id]);
        let stranger = crate::harness::owner(&store, "rival").await;
        let none = store.list_healthy_of_environment(&stranger, environment, 2).await.unwrap();
        assert!(none.is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_newest_release_of_each_application_is_found_at_once() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        let old = healthy(&store, &shop, "web").await;
        let new = shop.release(&store, "web").await;
        let other = shop.release(&store, "api").await;
        let ids = [old.application_id, other.application_id];
        let mut newest = store.list_newest_releases(&shop.owner, &ids).await.unwrap();
        newest.sort_by_key(|release| release.id);
        assert_eq!(newest, [new.clone(), other.clone()]);
        let some = store.list_newest_releases(&shop.owner, &ids[..1]).await.unwrap();
        assert_eq!(some, std::slice::from_ref(&new));

        let found = store.find_releases(&shop.owner, &[old.id, new.id]).await.unwrap();
        assert_eq!(found.len(), 2);
        let artifacts = store.find_artifacts(&shop.owner, &[shop.artifact]).await.unwrap();
        assert_eq!(artifacts[0].id, shop.artifact);

        let stranger = owner(&store, "rival").await;
        assert!(store.list_newest_releases(&stranger, &ids).await.unwrap().is_empty());
        assert!(store.find_releases(&stranger, &[old.id]).await.unwrap().is_empty());
        assert!(store.find_artifacts(&stranger, &[shop.artifact]).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_application_s_address_is_news_once() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        let release = shop.committed(&store, "web").await;
        let id = release.application_id;
        let set = async |url| store.set_url(&store.system(), id, url).await.unwrap();
        let address = Some("https://web.example/");
        assert!(!set(None).await);
        assert!(set(address).await);
        assert!(!set(address).await);
        let found = store.find_application(&shop.owner, "prod", "web").await.unwrap().unwrap();
        assert_eq!(found.url.as_deref(), address);
        assert!(set(None).await);
    })
    .await;
}
