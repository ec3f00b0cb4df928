//! Rows of another organization look absent under every scope.

use gimlet_domain::release::Intent;
use gimlet_store::{
    ApplicationFilter, ArtifactFilter, ClusterFilter, NewEnrolment, NewRelease, ReleaseFilter,
    StoreError, TokenOwner,
};

use crate::harness::{all_tokens, at, connected, each_database, new_release, owner, shop, token};

#[tokio::test]
async fn a_stranger_finds_nothing() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        let stranger = owner(&store, "other").await;
        let release = shop.release(&store, "web").await;
        store.create_token(&shop.owner, token(), at(0)).await.unwrap();

        assert_eq!(store.find_cluster(&stranger, shop.connected.cluster.id).await.unwrap(), None);
        assert_eq!(
            store.find_cluster_by_name(&stranger, &shop.connected.cluster.name).await.unwrap(),
            None
        );
        assert_eq!(store.find_environment_by_name(&stranger, "prod").await.unwrap(), None);
        assert!(store.find_repository(&stranger, shop.repository.id).await.unwrap().is_none());
        assert!(store.find_repository_by_name(&stranger, "acme/shop").await.unwrap().is_none());
        assert_eq!(store.find_artifact(&stranger, shop.artifact).await.unwrap(), None);
        assert_eq!(store.find_artifact_by_sha(&stranger, None, "aaaaaaa").await.unwrap(), []);
        assert_eq!(store.find_application(&stranger, "prod", "web").await.unwrap(), None);
        assert_eq!(store.find_release(&stranger, release.id).await.unwrap(), None);
        assert!(store.find_release(&shop.owner, release.id).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn a_stranger_lists_nothing() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        let stranger = owner(&store, "other").await;
        shop.release(&store, "web").await;
        store.create_token(&shop.owner, token(), at(0)).await.unwrap();
        let (artifacts, releases) = (
            ArtifactFilter {
                repository: Some(shop.repository.id),
                limit: 10,
                ..Default::default()
            },
            ReleaseFilter {
                environment: Some(shop.connected.environment.id),
                limit: 10,
                ..Default::default()
            },
        );

        assert_eq!(store.list_tokens(&stranger, all_tokens(), at(0)).await.unwrap(), []);
        let clusters = ClusterFilter { limit: 10, ..Default::default() };
        assert_eq!(store.list_clusters(&stranger, &clusters).await.unwrap(), []);
        assert_eq!(store.all_environments(&stranger).await.unwrap(), []);
        assert_eq!(store.all_repositories(&stranger).await.unwrap().len(), 0);
        assert_eq!(store.list_artifacts(&stranger, &artifacts).await.unwrap(), []);
        let apps = ApplicationFilter { limit: 10, ..Default::default() };
        assert_eq!(store.list_applications(&stranger, &apps).await.unwrap(), []);
        assert_eq!(store.list_releases(&stranger, &releases).await.unwrap(), []);
        assert_eq!(store.list_releases(&shop.owner, &releases).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_stranger_changes_nothing() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        let stranger = owner(&store, "other").await;
        let made = store.create_token(&shop.owner, token(), at(0)).await.unwrap().id;
        store.record_certificate(&shop.connected.scope, "01", at(900), at(0)).await.unwrap();
        let enrolment = NewEnrolment { token_hash: "stolen", expires_at: at(900) };

        assert!(!store.revoke_token(&stranger, TokenOwner::Everyone, made, at(1)).await.unwrap());
        let cluster = shop.connected.cluster.id;
        assert!(!store.renew_enrolment(&stranger, cluster, enrolment, at(1)).await.unwrap());
        assert_eq!(store.revoke_certificates(&stranger, cluster, at(1)).await.unwrap(), 0);
        assert!(!store.is_certificate_revoked("01").await.unwrap());
        assert!(store.find_enrolment(&shop.connected.token, at(2)).await.unwrap().is_some());
        let release = shop.release(&store, "web").await;
        let new = NewRelease {
            intent: Intent::Rollback { to: release.id },
            ..new_release(
                &connected(&store, &stranger, "prod").await.environment,
                "web",
                shop.artifact,
            )
        };
        let refused = store.request_release(&stranger, new, at(3)).await;
        assert!(matches!(refused, Err(StoreError::Absent { what: "release" })), "{refused:?}");
        let new = new_release(&shop.connected.environment, "web", shop.artifact);
        let refused = store.request_release(&stranger, new, at(3)).await;
        assert!(matches!(refused, Err(StoreError::Absent { what: "environment" })), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn a_certificate_of_one_organization_opens_no_other() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        let stranger = owner(&store, "other").await;
        store.record_certificate(&shop.connected.scope, "01", at(900), at(0)).await.unwrap();
        let cluster = shop.connected.cluster.id;
        let found = store
            .find_cluster_by_certificate(stranger.organization(), cluster, "01")
            .await
            .unwrap();
        assert_eq!(found, None);
        let own = store
            .find_cluster_by_certificate(shop.owner.organization(), cluster, "01")
            .await
            .unwrap();
        assert_eq!(own, Some(shop.connected.scope));
    })
    .await;
}

#[tokio::test]
async fn two_organizations_may_use_the_same_names() {
    each_database(async |store| {
        let (acme, other) = (shop(&store, "acme").await, shop(&store, "other").await);
        let (one, two) = (acme.release(&store, "web").await, other.release(&store, "web").await);
        assert_ne!(one.application_id, two.application_id);
    })
    .await;
}
