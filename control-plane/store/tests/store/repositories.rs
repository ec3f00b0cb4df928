use gimlet_shared::ids::RepositoryId;
use gimlet_store::{DeliveryReceipt, NewDelivery, PollEnd, RepositoryAddition, StoreError};
use secrecy::ExposeSecret;

use crate::harness::{at, each_database, new_repository, owner, repository};

fn delivery(repository: RepositoryId, delivery_id: &str) -> NewDelivery<'_> {
    NewDelivery {
        repository,
        provider: "github",
        delivery_id,
        kind: "push",
        body: b"{\"ref\":\"refs/heads/main\"}",
    }
}

fn quiet_end(next_due: i64) -> PollEnd {
    PollEnd { next_due: at(next_due), error: None, default_branch: Some("main".to_owned()) }
}

#[tokio::test]
async fn a_repository_is_added_once_by_name() {
    each_database(async |store| {
        let owner = owner(&store, "acme").await;
        let added = repository(&store, &owner, "acme/shop").await;
        let again = store.add_repository(&owner, new_repository("acme/shop"), at(1)).await.unwrap();
        assert!(matches!(again, RepositoryAddition::NameTaken));

        let found = store.find_repository_by_name(&owner, "acme/shop").await.unwrap().unwrap();
        assert_eq!(found.id, added.id);
        assert_eq!(found.webhook_secret.expose_secret(), "hook secret");
        assert_eq!(store.all_repositories(&owner).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_repository_that_is_due_is_claimed_by_one() {
    each_database(async |store| {
        let (owner, system) = (owner(&store, "acme").await, store.system());
        let added = repository(&store, &owner, "acme/shop").await;
        let (one, two) = tokio::join!(
            store.claim_due_repositories(&system, at(1), at(100), 10),
            store.claim_due_repositories(&system, at(1), at(100), 10),
        );
        let claimed: Vec<_> = one.unwrap().into_iter().chain(two.unwrap()).collect();
        assert_eq!(claimed.iter().map(|row| row.id).collect::<Vec<_>>(), [added.id]);

        // Its worker died: it is due again when the lease ends.
        assert_eq!(
            store.claim_due_repositories(&system, at(99), at(200), 10).await.unwrap().len(),
            0
        );
        assert_eq!(
            store.claim_due_repositories(&system, at(100), at(200), 10).await.unwrap().len(),
            1
        );
    })
    .await;
}

#[tokio::test]
async fn a_finished_look_says_when_to_look_again() {
    each_database(async |store| {
        let (owner, system) = (owner(&store, "acme").await, store.system());
        repository(&store, &owner, "acme/shop").await;
        let claimed = store.claim_due_repositories(&system, at(1), at(100), 10).await.unwrap();
        store.finish_poll(&system, &claimed[0], quiet_end(300), at(2)).await.unwrap();

        let found = store.find_repository(&owner, claimed[0].id).await.unwrap().unwrap();
        assert_eq!((found.poll_due_at, found.last_polled_at), (at(300), Some(at(2))));
        assert_eq!(found.default_branch.as_deref(), Some("main"));
        let failed =
            PollEnd { next_due: at(400), error: Some("no route".to_owned()), default_branch: None };
        store.finish_poll(&system, &found, failed, at(3)).await.unwrap();
        let found = store.find_repository(&owner, found.id).await.unwrap().unwrap();
        assert_eq!(
            (found.last_error.as_deref(), found.default_branch.as_deref()),
            (Some("no route"), Some("main"))
        );
    })
    .await;
}

#[tokio::test]
async fn a_hook_during_a_look_keeps_the_repository_due() {
    each_database(async |store| {
        let (owner, system) = (owner(&store, "acme").await, store.system());
        repository(&store, &owner, "acme/shop").await;
        let claimed =
            store.claim_due_repositories(&system, at(1), at(100), 10).await.unwrap().remove(0);
        assert!(store.look_now(&system, claimed.id, at(2)).await.unwrap());
        store.finish_poll(&system, &claimed, quiet_end(300), at(3)).await.unwrap();

        assert_eq!(
            store.claim_due_repositories(&system, at(3), at(100), 10).await.unwrap().len(),
            1
        );
        assert!(!store.look_now(&system, RepositoryId::new(), at(4)).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_replayed_delivery_is_stored_once() {
    each_database(async |store| {
        let (owner, system) = (owner(&store, "acme").await, store.system());
        let shop = repository(&store, &owner, "acme/shop").await;
        let blog = repository(&store, &owner, "acme/blog").await;
        let stored = store.store_delivery(&system, delivery(shop.id, "d1"), at(1)).await.unwrap();
        let DeliveryReceipt::Stored(id) = stored else { panic!("{stored:?}") };
        let replayed = store.store_delivery(&system, delivery(shop.id, "d1"), at(2)).await.unwrap();
        assert_eq!(replayed, DeliveryReceipt::Replay);
        let elsewhere =
            store.store_delivery(&system, delivery(blog.id, "d1"), at(3)).await.unwrap();
        assert!(matches!(elsewhere, DeliveryReceipt::Stored(_)));

        let waiting = store.list_deliveries(&system, shop.id, 10).await.unwrap();
        assert_eq!(waiting.len(), 1);
        assert_eq!((waiting[0].id, waiting[0].body.as_slice()), (id, delivery(shop.id, "d1").body));
        store.finish_deliveries(&system, &[id], at(4)).await.unwrap();
        assert!(store.list_deliveries(&system, shop.id, 10).await.unwrap().is_empty());
        assert_eq!(store.list_deliveries(&system, blog.id, 10).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_delivery_makes_its_repository_due() {
    each_database(async |store| {
        let (owner, system) = (owner(&store, "acme").await, store.system());
        let shop = repository(&store, &owner, "acme/shop").await;
        let claimed =
            store.claim_due_repositories(&system, at(1), at(100), 10).await.unwrap().remove(0);
        store.finish_poll(&system, &claimed, quiet_end(300), at(2)).await.unwrap();

        store.store_delivery(&system, delivery(shop.id, "d1"), at(3)).await.unwrap();
        assert_eq!(
            store.claim_due_repositories(&system, at(3), at(100), 10).await.unwrap().len(),
            1
        );
        let stray = store.store_delivery(&system, delivery(RepositoryId::new(), "d2"), at(4)).await;
        assert!(matches!(stray, Err(StoreError::Absent { what: "repository" })), "{stray:?}");
    })
    .await;
}
