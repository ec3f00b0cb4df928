use gimlet_domain::{
    cause::{Cause, CauseCode},
    health::Health,
    release::{Intent, ReleaseState},
};
use gimlet_shared::ids::ReleaseId;
use gimlet_store::{
    AdvanceExtra, Application, ApplicationChange, ApplicationFilter, NewRelease, ReleaseFilter,
    ReleaseMarks, RepositoryAddition, Store, StoreError, TenantScope,
};
use tokio::task::JoinSet;

use crate::harness::{
    advance, artifact, at, committed, connected, each_database, new_release, new_repository, owner,
    shop, superseded,
};

fn healthy(commit: &str) -> ReleaseState {
    ReleaseState::Healthy { commit: commit.to_owned() }
}

fn failed() -> ReleaseState {
    ReleaseState::Failed { cause: Cause::new(CauseCode::GitopsWrite, "no room", "make room") }
}

/// The organization's living applications.
async fn apps_of(store: &Store, scope: &TenantScope) -> Vec<Application> {
    let all = ApplicationFilter { limit: 100, ..Default::default() };
    let found = store.list_applications(scope, &all).await.unwrap();
    found.into_iter().map(|(app, _)| app).collect()
}

#[tokio::test]
async fn a_release_reads_back_as_it_was_asked_for() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        let asked = shop.release(&store, "web").await;
        let found = store.find_release(&shop.owner, asked.id).await.unwrap().unwrap();
        assert_eq!(found, asked);
        assert_eq!((&found.state, found.artifact), (&ReleaseState::Queued, Some(shop.artifact)));
        let application =
            store.find_application(&shop.owner, "prod", "web").await.unwrap().unwrap();
        assert_eq!((application.id, application.health), (found.application_id, Health::Unknown));
    })
    .await;
}

#[tokio::test]
async fn asking_again_with_the_same_key_gets_the_earlier_release() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        let mut racers = JoinSet::new();
        for _ in 0..10 {
            let key = Some("ci run 7".to_owned());
            let environment = &shop.connected.environment;
            let new = NewRelease {
                idempotency_key: key,
                ..new_release(environment, "web", shop.artifact)
            };
            let (store, owner) = (store.clone(), shop.owner.clone());
            racers
                .spawn(async move { store.request_release(&owner, new, at(10)).await.unwrap().id });
        }
        let mut ids: Vec<ReleaseId> = racers.join_all().await;
        ids.dedup();
        assert_eq!(ids.len(), 1);
        assert_ne!(shop.release(&store, "web").await.id, ids[0]);
        assert_eq!(apps_of(&store, &shop.owner).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_slower_of_two_steps_finds_the_release_changed() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        let queued = shop.release(&store, "web").await;
        let after = advance(&store, &queued, committed("c1")).await.unwrap();
        assert_eq!(after.revision, queued.revision + 1);
        assert_eq!(
            store.find_release(&shop.owner, queued.id).await.unwrap().as_ref(),
            Some(&after)
        );

        assert_eq!(advance(&store, &queued, failed()).await, None);
        assert_eq!(
            store.postpone_release(&store.system(), &queued, at(99), 1, None).await.unwrap(),
            None
        );
        let marks = ReleaseMarks { fetched_at: Some(at(30)), applied_at: None };
        assert_eq!(store.mark_release(&store.system(), &queued, marks).await.unwrap(), None);
        let marked = store.mark_release(&store.system(), &after, marks).await.unwrap().unwrap();
        assert_eq!((marked.fetched_at, &marked.state), (Some(at(30)), &after.state));
    })
    .await;
}

#[tokio::test]
async fn a_closed_release_says_when_and_why() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        let queued = shop.release(&store, "web").await;
        advance(&store, &queued, failed()).await.unwrap();
        let closed = store.find_release(&shop.owner, queued.id).await.unwrap().unwrap();
        assert_eq!((closed.state, closed.finished_at), (failed(), Some(at(20))));
    })
    .await;
}

#[tokio::test]
async fn an_application_has_one_followed_release() {
    each_database(async |store| {
        let (shop, system) = (shop(&store, "acme").await, store.system());
        let first = shop.committed(&store, "web").await;
        let second = shop.release(&store, "web").await;
        let extra = AdvanceExtra::default();
        let beside = store.advance_release(&system, &second, committed("c2"), extra, at(30)).await;
        assert!(matches!(beside, Err(StoreError::Conflict { .. })), "{beside:?}");
        assert_eq!(
            store.find_release(&shop.owner, second.id).await.unwrap().as_ref(),
            Some(&second)
        );

        let end = ReleaseState::Superseded { commit: Some("c1".to_owned()), by: Some(second.id) };
        let extra = AdvanceExtra { overtaken: vec![(first.clone(), end)], ..Default::default() };
        store
            .advance_release(&system, &second, committed("c2"), extra, at(31))
            .await
            .unwrap()
            .unwrap();
        let first = store.find_release(&shop.owner, first.id).await.unwrap().unwrap();
        assert_eq!((first.state.word(), first.finished_at), ("superseded", Some(at(31))));
        let followed = store.list_followed(&system, Some(shop.connected.cluster.id)).await.unwrap();
        assert_eq!(followed.iter().map(|one| one.release.id).collect::<Vec<_>>(), [second.id]);
        assert_eq!(followed[0].environment, shop.connected.environment);

        // Another application's releases are its own affair.
        shop.committed(&store, "api").await;
        assert_eq!(store.list_followed(&system, None).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_step_whose_overtaken_release_moved_changes_nothing() {
    each_database(async |store| {
        let (shop, system) = (shop(&store, "acme").await, store.system());
        let (older, newer) = (shop.release(&store, "web").await, shop.release(&store, "web").await);
        let moved = store
            .postpone_release(&system, &older, at(90), 1, Some("busy"))
            .await
            .unwrap()
            .unwrap();
        let overtaken = vec![(older, superseded(newer.id))];
        let extra = AdvanceExtra { overtaken, ..Default::default() };
        let lost =
            store.advance_release(&system, &newer, committed("c1"), extra, at(30)).await.unwrap();

        assert_eq!(lost, None);
        assert_eq!(store.find_release(&shop.owner, newer.id).await.unwrap(), Some(newer));
        assert_eq!(store.find_release(&shop.owner, moved.id).await.unwrap(), Some(moved));
    })
    .await;
}

#[tokio::test]
async fn queued_releases_are_claimed_together_and_by_one() {
    each_database(async |store| {
        let (shop, system) = (shop(&store, "acme").await, store.system());
        let followed = shop.committed(&store, "web").await;
        let (older, newer) = (shop.release(&store, "web").await, shop.release(&store, "web").await);
        let older =
            store.postpone_release(&system, &older, at(500), 1, None).await.unwrap().unwrap();
        let other = shop.release(&store, "api").await;

        let (one, two) = tokio::join!(
            store.claim_queued(&system, at(30), at(60), 10),
            store.claim_queued(&system, at(30), at(60), 10),
        );
        let mut groups: Vec<_> = one.unwrap().into_iter().chain(two.unwrap()).collect();
        groups.sort_by(|one, other| one.application.name.cmp(&other.application.name));
        let releases: Vec<_> = groups.iter().map(|group| group.releases.clone()).collect();
        assert_eq!(releases, [vec![other], vec![older, newer.clone()]]);
        assert_eq!(groups[1].followed.as_ref().map(|release| release.id), Some(followed.id));
        assert_eq!(groups[1].environment, shop.connected.environment);

        // A finished step gives its application back; the other one comes back when its lease ends.
        advance(&store, &newer, failed()).await.unwrap();
        let third = shop.release(&store, "web").await;
        let again = store.claim_queued(&system, at(31), at(61), 10).await.unwrap();
        assert_eq!(again.len(), 1);
        assert!(again[0].releases.contains(&third));
        assert_eq!(store.claim_queued(&system, at(60), at(90), 10).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_claim_is_kept_by_who_holds_it_and_not_after_it_was_given_back() {
    each_database(async |store| {
        let (shop, system) = (shop(&store, "acme").await, store.system());
        let release = shop.release(&store, "web").await;
        let claimed = store.claim_queued(&system, at(20), at(35), 10).await.unwrap();
        let application = claimed[0].application.id;
        let keep = async |held, until| {
            store.keep_claim(&system, application, at(held), at(until)).await.unwrap()
        };

        assert!(keep(35, 50).await);
        assert!(!keep(35, 60).await, "an older hold on it");
        assert!(store.claim_queued(&system, at(40), at(55), 10).await.unwrap().is_empty());
        assert_eq!(store.claim_queued(&system, at(50), at(65), 10).await.unwrap().len(), 1);
        assert!(!keep(50, 70).await, "somebody else has it");
        advance(&store, &release, failed()).await.unwrap();
        assert!(!keep(65, 80).await, "it was given back");
    })
    .await;
}

#[tokio::test]
async fn a_postponed_release_waits_for_its_time() {
    each_database(async |store| {
        let (shop, system) = (shop(&store, "acme").await, store.system());
        let queued = shop.release(&store, "web").await;
        store
            .postpone_release(&system, &queued, at(100), 2, Some("git is away"))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(store.claim_queued(&system, at(99), at(199), 10).await.unwrap().len(), 0);
        let groups = store.claim_queued(&system, at(100), at(200), 10).await.unwrap();
        assert_eq!(
            (groups[0].releases[0].attempts, groups[0].releases[0].note.as_deref()),
            (2, Some("git is away"))
        );
    })
    .await;
}

#[tokio::test]
async fn an_open_release_past_its_deadline_is_overdue() {
    each_database(async |store| {
        let (shop, system) = (shop(&store, "acme").await, store.system());
        let (queued, closed) =
            (shop.release(&store, "web").await, shop.release(&store, "api").await);
        advance(&store, &closed, failed()).await.unwrap();
        assert_eq!(store.list_overdue(&system, at(599), 10).await.unwrap(), []);
        assert_eq!(store.list_overdue(&system, at(600), 10).await.unwrap(), [queued]);
    })
    .await;
}

#[tokio::test]
async fn the_last_released_artifact_reached_git() {
    each_database(async |store| {
        let (shop, system) = (shop(&store, "acme").await, store.system());
        let first = shop.release(&store, "web").await;
        let last = async || {
            let found = store.last_released_artifact(&system, first.application_id).await.unwrap();
            found.map(|artifact| artifact.id)
        };
        assert_eq!(last().await, None);
        let first = advance(&store, &first, committed("c1")).await.unwrap();
        assert_eq!(last().await, Some(shop.artifact));

        let newer = artifact(&store, &shop.repository, "bbbbbbbbbbbb").await;
        let new = new_release(&shop.connected.environment, "web", newer);
        let second = store.request_release(&shop.owner, new, at(11)).await.unwrap();
        advance(&store, &second, failed()).await.unwrap();
        assert_eq!(last().await, Some(shop.artifact));
        advance(&store, &first, healthy("c1")).await.unwrap();
        assert_eq!(last().await, Some(shop.artifact));
    })
    .await;
}

#[tokio::test]
async fn a_deleted_application_is_gone_and_its_name_is_free() {
    each_database(async |store| {
        let (shop, system) = (shop(&store, "acme").await, store.system());
        let removal = shop.committed(&store, "web").await;
        let change = ApplicationChange { deleted_at: Some(at(40)), ..Default::default() };
        let extra = AdvanceExtra { application: Some(change), ..Default::default() };
        store
            .advance_release(&system, &removal, healthy("c1"), extra, at(40))
            .await
            .unwrap()
            .unwrap();

        assert_eq!(store.find_application(&shop.owner, "prod", "web").await.unwrap(), None);
        assert_eq!(apps_of(&store, &shop.owner).await.len(), 0);
        let next = shop.release(&store, "web").await;
        assert_ne!(next.application_id, removal.application_id);
    })
    .await;
}

#[tokio::test]
async fn an_application_with_a_waiting_release_is_not_deleted() {
    each_database(async |store| {
        let (shop, system) = (shop(&store, "acme").await, store.system());
        let removal = shop.committed(&store, "web").await;
        let waiting = shop.release(&store, "web").await;
        let change = ApplicationChange {
            deleted_at: Some(at(40)),
            namespace: Some("web".to_owned()),
            current_release: Some(removal.id),
            repository: Some(shop.repository.id),
        };
        let extra = AdvanceExtra { application: Some(change), ..Default::default() };
        store
            .advance_release(&system, &removal, healthy("c1"), extra, at(40))
            .await
            .unwrap()
            .unwrap();

        let application =
            store.find_application(&shop.owner, "prod", "web").await.unwrap().unwrap();
        assert_eq!(
            (application.id, application.namespace.as_str()),
            (waiting.application_id, "web")
        );
        assert_eq!(application.current_release, Some(removal.id));
        assert_eq!(application.repository_id, Some(shop.repository.id));
    })
    .await;
}

#[tokio::test]
async fn health_is_written_when_it_is_news() {
    each_database(async |store| {
        let (shop, system) = (shop(&store, "acme").await, store.system());
        let application = shop.release(&store, "web").await.application_id;
        let broken = Health::Degraded {
            cause: Cause::new(CauseCode::CrashLoop, "it ends", "read its lines"),
        };
        assert!(store.set_health(&system, application, &broken, at(50)).await.unwrap());
        assert!(!store.set_health(&system, application, &broken, at(60)).await.unwrap());
        let seen = store.list_cluster_applications(&shop.connected.scope).await.unwrap();
        assert_eq!((&seen[0].health, seen[0].health_at), (&broken, Some(at(50))));
    })
    .await;
}

#[tokio::test]
async fn a_rollback_of_an_unknown_release_is_refused() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        let intent = Intent::Rollback { to: ReleaseId::new() };
        let new =
            NewRelease { intent, ..new_release(&shop.connected.environment, "web", shop.artifact) };
        let refused = store.request_release(&shop.owner, new, at(10)).await;
        assert!(matches!(refused, Err(StoreError::Absent { what: "release" })), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn a_foreign_repository_owns_no_application() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        let stranger = owner(&store, "other").await;
        let RepositoryAddition::Added(foreign) =
            store.add_repository(&stranger, new_repository("other/web"), at(0)).await.unwrap()
        else {
            panic!("the name is free");
        };
        let new = NewRelease {
            repository: Some(foreign.id),
            ..new_release(&shop.connected.environment, "web", shop.artifact)
        };
        let refused = store.request_release(&shop.owner, new, at(10)).await;
        assert!(matches!(refused, Err(StoreError::Absent { what: "repository" })), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn releases_are_listed_by_environment_app_and_artifact() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        let staging = connected(&store, &shop.owner, "staging").await.environment;
        let (web, api) = (shop.release(&store, "web").await, shop.release(&store, "api").await);
        let new = new_release(&staging, "web", shop.artifact);
        let staged = store.request_release(&shop.owner, new, at(12)).await.unwrap();
        let list = async |filter: ReleaseFilter| {
            let found = store
                .list_releases(&shop.owner, &ReleaseFilter { limit: 10, ..filter })
                .await
                .unwrap();
            found.into_iter().map(|release| release.id).collect::<Vec<_>>()
        };

        let artifact = Some(shop.artifact);
        let all = ReleaseFilter { artifact, ..Default::default() };
        assert_eq!(list(all.clone()).await, [staged.id, api.id, web.id]);
        assert_eq!(list(ReleaseFilter { before: Some(api.id), ..all }).await, [web.id]);
        let of_web = ReleaseFilter { app: Some("web".to_owned()), ..Default::default() };
        assert_eq!(list(of_web.clone()).await, [staged.id, web.id]);
        assert_eq!(
            list(ReleaseFilter { environment: Some(staging.id), ..of_web }).await,
            [staged.id]
        );
    })
    .await;
}

#[tokio::test]
async fn what_a_killed_process_held_is_given_back_at_the_next_start() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        let system = store.system();
        shop.release(&store, "web").await;
        let claimed = store.claim_queued(&system, at(20), at(60), 10).await.unwrap();
        assert_eq!(claimed.len(), 1);
        assert!(store.claim_queued(&system, at(30), at(60), 10).await.unwrap().is_empty());
        store.claim_due_repositories(&system, at(20), at(60), 10).await.unwrap();

        store.resume_after_restart(&system, at(30)).await.unwrap();
        let due = store.claim_due_repositories(&system, at(30), at(60), 10).await.unwrap();
        assert_eq!(due.len(), 1, "the repository is looked at again");
        // Several replicas may share a PostgreSQL: there the lease of a release runs out by itself.
        let early = store.claim_queued(&system, at(30), at(90), 10).await.unwrap().len();
        let late = store.claim_queued(&system, at(60), at(90), 10).await.unwrap().len();
        assert_eq!(early + late, 1, "once, and not lost");
    })
    .await;
}
