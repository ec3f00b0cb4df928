use gimlet_domain::{release::ReleaseState, role::Role};
use gimlet_store::{
    Activity, ActivityFilter, AdvanceExtra, MemberChange, NewToken, Store, TenantScope, TokenOwner,
};
use tokio::task::JoinSet;

use crate::harness::{at, each_database, member, owner, shop};

async fn all(store: &Store, scope: &TenantScope) -> Vec<Activity> {
    store.activity_after(scope, 0, 1000).await.unwrap()
}

#[tokio::test]
async fn what_happens_is_recorded_with_its_cause_and_for_its_organization_only() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        let stranger = owner(&store, "other").await;
        let release = shop.release(&store, "web").await;
        let next = ReleaseState::Committed { commit: "c".repeat(40) };
        let extra = AdvanceExtra::default();
        let system = store.system();
        let moved = store.advance_release(&system, &release, next.clone(), extra.clone(), at(5));
        moved.await.unwrap().unwrap();
        // Whoever comes second changes nothing, and so nothing is told of it.
        let late = store.advance_release(&system, &release, next, extra, at(6));
        assert_eq!(late.await.unwrap(), None);

        let told = all(&store, &shop.owner).await;
        let kinds: Vec<&str> = told.iter().map(|activity| activity.kind.as_str()).collect();
        assert!(
            kinds.contains(&"cluster.added") && kinds.contains(&"repository.added"),
            "{kinds:?}"
        );
        assert_eq!(kinds[kinds.len() - 2..], ["release.requested", "release.committed"]);
        let last = told.last().unwrap();
        assert_eq!((last.app.as_deref(), last.details.release), (Some("web"), Some(release.id)));
        assert_eq!(last.details.before.as_deref(), Some("queued"));
        let numbers: Vec<u64> = told.iter().map(|activity| activity.seq).collect();
        assert_eq!(numbers, (1..=told.len() as u64).collect::<Vec<_>>());
        assert!(all(&store, &stranger).await.iter().all(|activity| activity.app.is_none()));
    })
    .await;
}

#[tokio::test]
async fn numbers_have_no_gaps_and_never_appear_out_of_order_under_many_writers() {
    each_database(async |store| {
        let scope = owner(&store, "acme").await;
        let before = all(&store, &scope).await.len();
        let mut writers = JoinSet::new();
        for writer in 0..8 {
            let (store, scope) = (store.clone(), scope.clone());
            writers.spawn(async move {
                for turn in 0..12 {
                    let hash = format!("{writer} {turn}");
                    let new = NewToken { hash: &hash, name: "ci", expires_at: None };
                    store.create_token(&scope, new, at(1)).await.unwrap();
                }
            });
        }
        // A reader that resumes from the last number it saw must see every one.
        let mut seen = before as u64;
        while seen < before as u64 + 96 {
            for activity in store.activity_after(&scope, seen, 7).await.unwrap() {
                assert_eq!(activity.seq, seen + 1);
                seen = activity.seq;
            }
            tokio::task::yield_now().await;
        }
        writers.join_all().await;
        assert_eq!(store.activity_bounds(&scope).await.unwrap().last, seen);
    })
    .await;
}

#[tokio::test]
async fn the_record_is_read_by_kind_actor_application_and_time() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        shop.release(&store, "web").await;
        shop.release(&store, "api").await;
        let count = async |filter: ActivityFilter| {
            let filter = ActivityFilter { limit: 100, ..filter };
            store.list_activity(&shop.owner, &filter).await.unwrap().len()
        };
        let of = |kind: &str| ActivityFilter { kind: Some(kind.to_owned()), ..Default::default() };
        assert_eq!(count(of("release")).await, 2);
        assert_eq!(count(of("release.requested")).await, 2);
        assert_eq!(count(of("release.healthy")).await, 0);
        assert_eq!(count(of("rel")).await, 0);
        let web = ActivityFilter { app: Some("web".to_owned()), ..Default::default() };
        assert_eq!(count(web).await, 1);
        let nobody = ActivityFilter { actor: Some("mallory".to_owned()), ..Default::default() };
        assert_eq!(count(nobody).await, 0);
        let late = ActivityFilter { since: Some(at(1_000_000)), ..Default::default() };
        assert_eq!(count(late).await, 0);
        assert_eq!(count(ActivityFilter { before: Some(3), ..Default::default() }).await, 2);
    })
    .await;
}

#[tokio::test]
async fn the_last_owner_stays_whoever_is_faster() {
    each_database(async |store| {
        let ana = member(&store, "ana", Role::Owner).await;
        let ben = member(&store, "ben", Role::Owner).await;
        let leave = |scope: TenantScope| {
            let store = store.clone();
            async move { store.remove_member(&scope, scope.login(), None, at(5)).await.unwrap() }
        };
        let (first, second) = tokio::join!(leave(ana.clone()), leave(ben.clone()));
        let gone =
            [&first, &second].iter().filter(|end| matches!(end, MemberChange::Done(_))).count();
        assert_eq!(gone, 1, "{first:?} {second:?}");
        assert!([first, second].contains(&MemberChange::LastOwner));
    })
    .await;
}

#[tokio::test]
async fn a_removed_member_has_no_session_and_no_token_any_more() {
    each_database(async |store| {
        let ana = member(&store, "ana", Role::Owner).await;
        let ben = member(&store, "ben", Role::Developer).await;
        let new = NewToken { hash: "ben's", name: "ci", expires_at: None };
        store.create_token(&ben, new, at(1)).await.unwrap();
        let token = store.find_scope_by_token("ben's", at(2)).await.unwrap().unwrap();
        assert_eq!(store.find_scope_again(&ben, at(2)).await.unwrap().as_ref(), Some(&ben));
        assert_eq!(store.find_scope_again(&token, at(2)).await.unwrap().as_ref(), Some(&token));

        assert_eq!(
            store.remove_member(&ben, "ana", None, at(3)).await.unwrap(),
            MemberChange::TooHigh
        );
        assert!(matches!(
            store.remove_member(&ana, "ben", None, at(3)).await.unwrap(),
            MemberChange::Done(_)
        ));
        assert_eq!(store.find_scope_again(&ben, at(4)).await.unwrap(), None);
        assert_eq!(store.find_scope_again(&token, at(4)).await.unwrap(), None);
        assert_eq!(store.find_scope_by_token("ben's", at(4)).await.unwrap(), None);
        assert_eq!(store.find_member(&ana, "ben").await.unwrap(), None);
        assert_eq!(store.list_members(&ana, None, 10).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_new_role_counts_at_once_and_nobody_raises_themselves() {
    each_database(async |store| {
        let ana = member(&store, "ana", Role::Owner).await;
        let ben = member(&store, "ben", Role::Admin).await;
        let end = store.set_member_role(&ben, "ben", Role::Owner, None, at(2)).await.unwrap();
        assert_eq!(end, MemberChange::TooHigh);
        store.set_member_role(&ana, "ben", Role::Viewer, None, at(2)).await.unwrap();
        let again = store.find_scope_again(&ben, at(3)).await.unwrap().unwrap();
        assert_eq!(again.role(), Role::Viewer);
        let absent =
            store.set_member_role(&ana, "nobody", Role::Viewer, None, at(2)).await.unwrap();
        assert_eq!(absent, MemberChange::Absent);
    })
    .await;
}

#[tokio::test]
async fn a_token_lapses_at_its_time() {
    each_database(async |store| {
        let ana = member(&store, "ana", Role::Owner).await;
        let new = NewToken { hash: "short", name: "ci", expires_at: Some(at(60)) };
        let token = store.create_token(&ana, new, at(1)).await.unwrap();
        let scope = store.find_scope_by_token("short", at(59)).await.unwrap().unwrap();
        assert_eq!(store.find_scope_by_token("short", at(60)).await.unwrap(), None);
        assert_eq!(store.find_scope_again(&scope, at(60)).await.unwrap(), None);
        let late = store.revoke_token(&ana, TokenOwner::Caller, token.id, at(60)).await.unwrap();
        assert!(!late);
    })
    .await;
}
