//! Changes that are made on the strength of what was seen: of two at the same moment, one wins.

use gimlet_domain::{health::Health, release::Intent, role::Role};
use gimlet_store::{
    Application, ApplicationFilter, MemberChange, SeenApplication, Store, TenantScope,
};

use crate::harness::{advance, at, committed, each_database, member, new_release, shop};

#[tokio::test]
async fn of_two_changes_to_the_member_that_both_have_seen_one_wins() {
    each_database(async |store| {
        let ana = member(&store, "ana", Role::Owner).await;
        member(&store, "ben", Role::Viewer).await;
        for round in 0..20 {
            let seen = store.find_member(&ana, "ben").await.unwrap().unwrap();
            let next = [Role::Viewer, Role::Developer, Role::Admin]
                .into_iter()
                .filter(|role| *role != seen.role)
                .collect::<Vec<_>>();
            let change = async |role: Role| {
                let changed = store.set_member_role(&ana, "ben", role, Some(&seen), at(2));
                changed.await.unwrap()
            };
            let (first, second) = tokio::join!(change(next[0]), change(next[1]));
            let won = [&first, &second];
            let won = won.iter().filter(|end| matches!(end, MemberChange::Done(_))).count();
            assert_eq!(won, 1, "round {round}: {first:?} {second:?}");
            assert!([first, second].contains(&MemberChange::Changed));
        }
    })
    .await;
}

#[tokio::test]
async fn a_member_who_is_not_as_seen_stays() {
    each_database(async |store| {
        let ana = member(&store, "ana", Role::Owner).await;
        member(&store, "ben", Role::Viewer).await;
        let seen = store.find_member(&ana, "ben").await.unwrap().unwrap();
        let moved = store.set_member_role(&ana, "ben", Role::Admin, None, at(2)).await.unwrap();
        assert_eq!(moved, MemberChange::Done(seen.clone()));
        let stale = store.remove_member(&ana, "ben", Some(&seen), at(3)).await.unwrap();
        assert_eq!(stale, MemberChange::Changed);
        let seen = store.find_member(&ana, "ben").await.unwrap().unwrap();
        let fresh = store.remove_member(&ana, "ben", Some(&seen), at(4)).await.unwrap();
        assert_eq!(fresh, MemberChange::Done(seen));
    })
    .await;
}

async fn look(store: &Store, scope: &TenantScope) -> (Application, SeenApplication) {
    let all = ApplicationFilter { limit: 1, ..Default::default() };
    let (application, _) = store.list_applications(scope, &all).await.unwrap().remove(0);
    let newest = store.list_newest_releases(scope, &[application.id]).await.unwrap();
    let newest = newest.first().map(|release| (release.id, release.revision));
    let seen = SeenApplication { id: application.id, revision: application.revision, newest };
    (application, seen)
}

#[tokio::test]
async fn of_two_releases_on_the_strength_of_one_look_one_is_asked_for() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        shop.release(&store, "web").await;
        for round in 0..20 {
            let (_, seen) = look(&store, &shop.owner).await;
            let ask = async || {
                let mut new = new_release(&shop.connected.environment, "web", shop.artifact);
                new.intent = Intent::Delete;
                store.request_release_of_seen(&shop.owner, &seen, new, at(2)).await.unwrap()
            };
            let (first, second) = tokio::join!(ask(), ask());
            assert!(first.is_some() != second.is_some(), "round {round}: {first:?} {second:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_application_that_moved_on_since_the_look_is_not_released() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        let release = shop.release(&store, "web").await;
        let ask = async |seen: &SeenApplication| {
            let new = new_release(&shop.connected.environment, "web", shop.artifact);
            store.request_release_of_seen(&shop.owner, seen, new, at(2)).await.unwrap()
        };
        let system = store.system();
        let (application, seen) = look(&store, &shop.owner).await;
        assert!(store.set_health(&system, application.id, &Health::Healthy, at(2)).await.unwrap());
        assert_eq!(ask(&seen).await, None, "it has another health");
        let (_, seen) = look(&store, &shop.owner).await;
        assert!(store.set_url(&system, application.id, Some("https://web.example")).await.unwrap());
        assert_eq!(ask(&seen).await, None, "it has another address");
        let (_, seen) = look(&store, &shop.owner).await;
        advance(&store, &release, committed("c1")).await.unwrap();
        assert_eq!(ask(&seen).await, None, "its release is in git");
        let (_, seen) = look(&store, &shop.owner).await;
        assert!(ask(&seen).await.is_some());
    })
    .await;
}
