use gimlet_shared::ids::ClusterId;
use gimlet_store::{
    ClusterCreation, ClusterFilter, GIT_USER, GitopsLocation, NewEnrolment, NewEnvironment, Spend,
};
use tokio::task::JoinSet;

use crate::harness::{at, connected, each_database, owner};

#[tokio::test]
async fn a_taken_name_makes_neither_cluster_nor_environment() {
    each_database(async |store| {
        let owner = owner(&store, "acme").await;
        connected(&store, &owner, "prod").await;
        let create = async |cluster: &str, environment: &str, token: &str| {
            let new = NewEnvironment {
                name: environment.to_owned(),
                namespace: Some("web".to_owned()),
                gitops: GitopsLocation::BuiltIn,
            };
            let enrolment = NewEnrolment { token_hash: token, expires_at: at(900) };
            store
                .create_cluster_with_environment(&owner, cluster, new, enrolment, at(0))
                .await
                .unwrap()
        };

        let same_cluster = create("cluster-of-prod", "staging", "t1").await;
        assert_eq!(same_cluster, ClusterCreation::NameTaken { field: "cluster" });
        assert_eq!(
            create("second", "prod", "t2").await,
            ClusterCreation::NameTaken { field: "environment" }
        );
        assert_eq!(
            store
                .list_clusters(&owner, &ClusterFilter { limit: 9, ..Default::default() })
                .await
                .unwrap()
                .len(),
            1
        );
        assert_eq!(store.find_enrolment("t2", at(1)).await.unwrap(), None);

        assert!(matches!(create("second", "staging", "t3").await, ClusterCreation::Created { .. }));
        let staging = store.find_environment_by_name(&owner, "staging").await.unwrap().unwrap();
        assert_eq!(staging.namespace.as_deref(), Some("web"));
        assert_eq!(store.all_environments(&owner).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn an_environment_keeps_its_outside_repository() {
    each_database(async |store| {
        let owner = owner(&store, "acme").await;
        let gitops = GitopsLocation::Outside {
            apps_url: "https://git.example/acme/gitops.git".to_owned(),
            apps_branch: "main".to_owned(),
            credential: Some("v1:sealed".to_owned()),
        };
        let new =
            NewEnvironment { name: "prod".to_owned(), namespace: None, gitops: gitops.clone() };
        let enrolment = NewEnrolment { token_hash: "t", expires_at: at(900) };
        let made =
            store.create_cluster_with_environment(&owner, "eu-1", new, enrolment, at(0)).await;
        let ClusterCreation::Created { environment, .. } = made.unwrap() else { panic!("taken") };
        assert_eq!(environment.gitops, gitops);
        let system = store.system();
        let read = store.find_environment(&system, environment.id).await.unwrap().unwrap();
        assert_eq!(read.gitops, gitops);
    })
    .await;
}

#[tokio::test]
async fn of_a_hundred_keys_that_spend_a_token_one_wins() {
    each_database(async |store| {
        let owner = owner(&store, "acme").await;
        let made = connected(&store, &owner, "prod").await;
        let mut racers = JoinSet::new();
        for key in 0..100 {
            let (store, token) = (store.clone(), made.token.clone());
            racers.spawn(async move {
                store.spend_enrolment(&token, &format!("key {key}"), at(2)).await.unwrap()
            });
        }
        let outcomes = racers.join_all().await;
        let winners: Vec<_> =
            outcomes.iter().filter(|spend| matches!(spend, Spend::Spent(_))).collect();
        assert_eq!(winners.len(), 1);
        assert_eq!(outcomes.iter().filter(|spend| **spend == Spend::Refused).count(), 99);

        // The winner lost the answer: it alone may ask again.
        let Spend::Spent(enrolment) = winners[0] else { panic!("{winners:?}") };
        let key = enrolment.spent.clone().unwrap();
        let again = store.spend_enrolment(&made.token, &key, at(3)).await.unwrap();
        assert_eq!(again, Spend::SameKeyAgain(enrolment.clone()));
        assert_eq!(
            store.spend_enrolment(&made.token, &key, at(900)).await.unwrap(),
            Spend::Refused
        );
    })
    .await;
}

#[tokio::test]
async fn renewing_an_enrolment_ends_the_older_token() {
    each_database(async |store| {
        let owner = owner(&store, "acme").await;
        let made = connected(&store, &owner, "prod").await;
        let renewed = NewEnrolment { token_hash: "new", expires_at: at(1000) };
        assert!(store.renew_enrolment(&owner, made.cluster.id, renewed, at(5)).await.unwrap());

        assert_eq!(store.find_enrolment(&made.token, at(6)).await.unwrap(), None);
        assert_eq!(store.spend_enrolment(&made.token, "key", at(6)).await.unwrap(), Spend::Refused);
        assert!(matches!(
            store.spend_enrolment("new", "key", at(6)).await.unwrap(),
            Spend::Spent(_)
        ));
        assert!(!store.renew_enrolment(&owner, ClusterId::new(), renewed, at(7)).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_certificate_speaks_for_its_cluster_until_it_is_revoked() {
    each_database(async |store| {
        let owner = owner(&store, "acme").await;
        let (made, other) =
            (connected(&store, &owner, "prod").await, connected(&store, &owner, "staging").await);
        store.record_certificate(&made.scope, "01", at(86_400), at(0)).await.unwrap();
        let find = async |cluster, serial: &str| {
            store.find_cluster_by_certificate(owner.organization(), cluster, serial).await.unwrap()
        };

        assert_eq!(find(made.cluster.id, "01").await, Some(made.scope));
        assert_eq!(find(other.cluster.id, "01").await, None);
        assert_eq!(find(made.cluster.id, "02").await, None);
        assert!(!store.is_certificate_revoked("01").await.unwrap());
        assert!(store.is_certificate_revoked("02").await.unwrap());

        assert_eq!(store.revoke_certificates(&owner, made.cluster.id, at(1)).await.unwrap(), 1);
        assert_eq!(find(made.cluster.id, "01").await, None);
        assert!(store.is_certificate_revoked("01").await.unwrap());
        assert_eq!(store.spend_enrolment(&made.token, "key", at(2)).await.unwrap(), Spend::Refused);
    })
    .await;
}

#[tokio::test]
async fn the_newest_session_fences_the_older_one() {
    each_database(async |store| {
        let owner = owner(&store, "acme").await;
        let made = connected(&store, &owner, "prod").await;
        let first = store.open_epoch(&made.scope, "0.1.0", "v1.34.4", at(10)).await.unwrap().epoch;
        assert!(store.touch_cluster(&made.scope, first, at(11)).await.unwrap());
        let second = store.open_epoch(&made.scope, "0.1.1", "v1.34.4", at(20)).await.unwrap().epoch;
        assert_eq!((first, second), (1, 2));

        assert!(!store.touch_cluster(&made.scope, first, at(30)).await.unwrap());
        store.note_disconnected(&made.scope, first, at(31)).await.unwrap();
        let seen = store.find_cluster(&owner, made.cluster.id).await.unwrap().unwrap();
        assert_eq!((seen.connected_at, seen.last_seen_at), (Some(at(20)), Some(at(20))));
        assert_eq!(seen.agent_version.as_deref(), Some("0.1.1"));

        store.note_disconnected(&made.scope, second, at(32)).await.unwrap();
        let seen = store.find_cluster_of(&made.scope).await.unwrap().unwrap();
        assert_eq!((seen.connected_at, seen.last_seen_at), (None, Some(at(32))));
    })
    .await;
}

#[tokio::test]
async fn a_git_password_opens_the_environments_of_its_cluster_only() {
    each_database(async |store| {
        let owner = owner(&store, "acme").await;
        let (made, other) =
            (connected(&store, &owner, "prod").await, connected(&store, &owner, "staging").await);
        let enrolment = store.find_enrolment(&made.token, at(1)).await.unwrap().unwrap();
        let both = [made.environment.id, other.environment.id];
        store.set_git_credential(&enrolment, &both, "first", at(1)).await.unwrap();
        store.set_git_credential(&enrolment, &both, "second", at(2)).await.unwrap();
        let find = async |environment: &str, user: &str, password: &str| {
            let access = store.find_git_access("acme", environment, user, password).await.unwrap();
            access.map(|access| access.environment_id)
        };

        assert_eq!(find("prod", GIT_USER, "second").await, Some(made.environment.id));
        assert_eq!(find("prod", GIT_USER, "first").await, None);
        assert_eq!(find("prod", "ana", "second").await, None);
        assert_eq!(find("staging", GIT_USER, "second").await, None);
        assert_eq!(store.find_git_access("other", "prod", GIT_USER, "second").await.unwrap(), None);
    })
    .await;
}
