use gimlet_store::{Store, StoreError};

use crate::harness::{at, each_address, each_database};

#[tokio::test]
async fn migrating_again_changes_nothing() {
    each_address(async |url| {
        let store = Store::open(&url).await.unwrap();
        let made = store.ensure_owner(&store.system(), "acme", "ana", at(0)).await.unwrap();
        store.migrate().await.unwrap();

        let reopened = Store::open(&url).await.unwrap();
        assert_eq!(
            reopened.ensure_owner(&reopened.system(), "acme", "ana", at(1)).await.unwrap(),
            made
        );
    })
    .await;
}

#[tokio::test]
async fn several_replicas_may_start_on_an_empty_database() {
    each_address(async |url| {
        // The file's journal mode is changed by the first opener alone.
        let first = Store::open(&url).await.unwrap();
        let others = tokio::join!(Store::open(&url), Store::open(&url), Store::open(&url));
        for store in [Ok(first), others.0, others.1, others.2] {
            store.unwrap().ping().await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn the_database_answers_a_ping() {
    each_database(async |store| store.ping().await.unwrap()).await;
}

#[tokio::test]
async fn an_address_of_no_known_database_is_refused_without_showing_it() {
    for address in
        ["mysql://root:secret@db/gimlet", "sqlite::memory:", "sqlite://relative/secret", "secret"]
    {
        let error = Store::open(address).await.unwrap_err();
        assert!(matches!(error, StoreError::Address { .. }), "{error:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
