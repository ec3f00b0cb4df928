use gimlet_domain::role::Role;
use gimlet_store::{Credential, DeviceLogin, NewDeviceLogin, TokenOwner};
use tokio::task::JoinSet;

use crate::harness::{all_tokens, at, each_database, owner, token};

#[tokio::test]
async fn an_owner_is_made_once() {
    each_database(async |store| {
        let system = store.system();
        let first = store.ensure_owner(&system, "acme", "ana", at(0)).await.unwrap();
        let again = store.ensure_owner(&system, "acme", "ana", at(9)).await.unwrap();
        assert_eq!(first, again);
        assert_eq!(store.find_organization_name(first.0).await.unwrap().as_deref(), Some("acme"));
    })
    .await;
}

#[tokio::test]
async fn a_link_signs_in_once_and_not_after_its_time() {
    each_database(async |store| {
        let system = store.system();
        let (organization, user) = store.ensure_owner(&system, "acme", "ana", at(0)).await.unwrap();
        for link in ["link", "late"] {
            store.create_sign_in_link(&system, organization, user, link, at(60)).await.unwrap();
        }
        assert_eq!(store.spend_sign_in_link("late", "s1", at(3600), at(60)).await.unwrap(), None);
        assert_eq!(
            store.spend_sign_in_link("never made", "s2", at(3600), at(1)).await.unwrap(),
            None
        );

        let scope =
            store.spend_sign_in_link("link", "s3", at(3600), at(59)).await.unwrap().unwrap();
        assert_eq!(
            (scope.organization(), scope.user(), scope.login()),
            (organization, user, "ana")
        );
        assert_eq!(scope.role(), Role::Owner);
        assert_eq!(store.spend_sign_in_link("link", "s4", at(3600), at(59)).await.unwrap(), None);
        assert_eq!(store.find_scope_by_session("s4", at(59)).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn of_many_who_spend_a_link_one_gets_in() {
    each_database(async |store| {
        let system = store.system();
        let (organization, user) = store.ensure_owner(&system, "acme", "ana", at(0)).await.unwrap();
        store.create_sign_in_link(&system, organization, user, "link", at(60)).await.unwrap();
        let mut racers = JoinSet::new();
        for racer in 0..20 {
            let store = store.clone();
            let hash = format!("hash {racer}");
            racers.spawn(async move {
                match racer % 2 {
                    0 => store.spend_sign_in_link("link", &hash, at(3600), at(1)).await.unwrap(),
                    _ => store
                        .spend_sign_in_link_for_token("link", &hash, "laptop", at(1))
                        .await
                        .unwrap(),
                }
            });
        }
        let winners = racers.join_all().await.into_iter().flatten().count();
        assert_eq!(winners, 1);
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_by_its_time_or_by_hand() {
    each_database(async |store| {
        let system = store.system();
        let (organization, user) = store.ensure_owner(&system, "acme", "ana", at(0)).await.unwrap();
        store.create_sign_in_link(&system, organization, user, "link", at(60)).await.unwrap();
        let scope = store.spend_sign_in_link("link", "session", at(3600), at(1)).await.unwrap();

        assert_eq!(store.find_scope_by_session("session", at(3599)).await.unwrap(), scope);
        assert_eq!(store.find_scope_by_session("session", at(3600)).await.unwrap(), None);
        store.end_session("session").await.unwrap();
        assert_eq!(store.find_scope_by_session("session", at(2)).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_token_works_until_it_is_revoked() {
    each_database(async |store| {
        let scope = owner(&store, "acme").await;
        let id = store.create_token(&scope, token(), at(0)).await.unwrap().id;
        let found = store.find_scope_by_token("hash", at(5)).await.unwrap().unwrap();
        assert_eq!((found.user(), found.organization()), (scope.user(), scope.organization()));
        assert_eq!(found.credential(), &Credential::Token { id, name: "ci".to_owned() });

        let listed = store.list_tokens(&scope, all_tokens(), at(9)).await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(
            (listed[0].id, listed[0].name.as_str(), listed[0].last_used_at),
            (id, "ci", Some(at(5)))
        );

        assert!(store.revoke_token(&scope, TokenOwner::Caller, id, at(6)).await.unwrap());
        assert!(!store.revoke_token(&scope, TokenOwner::Caller, id, at(7)).await.unwrap());
        assert_eq!(store.find_scope_by_token("hash", at(8)).await.unwrap(), None);
        assert_eq!(store.list_tokens(&scope, all_tokens(), at(9)).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn the_use_of_a_token_is_noted_once_a_minute() {
    each_database(async |store| {
        let scope = owner(&store, "acme").await;
        store.create_token(&scope, token(), at(0)).await.unwrap();
        for (seconds, noted) in [(10, 10), (69, 10), (70, 70)] {
            store.find_scope_by_token("hash", at(seconds)).await.unwrap();
            assert_eq!(
                store.list_tokens(&scope, all_tokens(), at(9)).await.unwrap()[0].last_used_at,
                Some(at(noted))
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_terminal_takes_its_token_once_after_approval() {
    each_database(async |store| {
        let scope = owner(&store, "acme").await;
        assert_eq!(
            store.create_device_login("ABCD", "device", at(600)).await.unwrap(),
            NewDeviceLogin::Created
        );
        assert_eq!(
            store.create_device_login("ABCD", "other", at(600)).await.unwrap(),
            NewDeviceLogin::CodeTaken
        );
        let take = async |device: &str, token: &str, seconds| {
            store.take_device_login(device, token, "laptop", at(seconds)).await.unwrap()
        };

        assert_eq!(take("device", "t1", 1).await, DeviceLogin::Pending);
        assert_eq!(take("nobody's", "t1", 1).await, DeviceLogin::Unknown);
        assert!(store.approve_device_login(&scope, "ABCD", at(2)).await.unwrap());
        assert!(!store.approve_device_login(&scope, "ABCD", at(2)).await.unwrap());
        let DeviceLogin::Approved(approved) = take("device", "t1", 3).await else { panic!() };
        assert_eq!(
            (approved.user(), approved.organization()),
            (scope.user(), scope.organization())
        );
        assert_eq!(take("device", "t2", 4).await, DeviceLogin::Unknown);
        let found = store.find_scope_by_token("t1", at(5)).await.unwrap().unwrap();
        assert_eq!(found.user(), scope.user());
        assert_eq!(store.find_scope_by_token("t2", at(5)).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_device_login_expires_and_is_swept_an_hour_later() {
    each_database(async |store| {
        let scope = owner(&store, "acme").await;
        store.create_device_login("ABCD", "device", at(600)).await.unwrap();
        assert!(!store.approve_device_login(&scope, "ABCD", at(600)).await.unwrap());
        let expired = store.take_device_login("device", "t", "laptop", at(600)).await.unwrap();
        assert_eq!(expired, DeviceLogin::Expired);

        // The owner's own link expired too, long before.
        assert_eq!(store.sweep_expired(&store.system(), at(600 + 3600)).await.unwrap(), 1);
        assert_eq!(store.sweep_expired(&store.system(), at(601 + 3600)).await.unwrap(), 1);
        assert_eq!(
            store.create_device_login("ABCD", "device", at(9000)).await.unwrap(),
            NewDeviceLogin::Created
        );
    })
    .await;
}
