//! Requests that carry a key have one effect, whatever is cut off when.

use gimlet_domain::role::Role;
use gimlet_store::{
    Effect, GitopsLocation, KeyedRequest, NewEnrolment, NewEnvironment, NewToken, Store,
    StoreError, TenantScope, Turn,
};

use crate::harness::{
    Shop, all_tokens, at, each_database, member, new_release, new_repository, shop, token,
};

const REQUEST: KeyedRequest<'static> =
    KeyedRequest { route: "POST /a", key: "k", request_sha256: "1" };

async fn begin(store: &Store, scope: &TenantScope, request: KeyedRequest<'_>, now: i64) -> Turn {
    store.begin_keyed(scope, request, at(now + 60), at(now)).await.unwrap()
}

async fn run(
    store: &Store,
    scope: &TenantScope,
    request: KeyedRequest<'_>,
    now: i64,
) -> TenantScope {
    match begin(store, scope, request, now).await {
        Turn::First(scope) => scope,
        other => panic!("{other:?}"),
    }
}

fn before(scope: &TenantScope) -> Option<Effect> {
    scope.keyed().unwrap().before().cloned()
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_and_another_one_none() {
    each_database(async |store| {
        let (ana, ben) =
            (member(&store, "ana", Role::Owner).await, member(&store, "ben", Role::Owner).await);
        let other = KeyedRequest { request_sha256: "2", ..REQUEST };
        run(&store, &ana, REQUEST, 0).await;
        assert_eq!(begin(&store, &ana, REQUEST, 1).await, Turn::Running);
        assert_eq!(begin(&store, &ana, other, 1).await, Turn::OtherRequest);
        run(&store, &ben, REQUEST, 1).await;
        // The first run was cut off before it did anything.
        let second = run(&store, &ana, REQUEST, 61).await;
        assert_eq!(before(&second), None);
        store.finish_keyed(&second, 201, "sealed".to_owned()).await.unwrap();
        let answered = Turn::Answered { status: 201, answer: "sealed".to_owned() };
        assert_eq!(begin(&store, &ana, REQUEST, 500).await, answered);
        store.forget_keyed(&second).await.unwrap();
        run(&store, &ana, other, 501).await;
    })
    .await;
}

#[tokio::test]
async fn a_run_that_is_cut_off_after_its_effect_leaves_what_it_did() {
    each_database(async |store| {
        let ana = member(&store, "ana", Role::Owner).await;
        let first = run(&store, &ana, REQUEST, 0).await;
        let made = store.create_token(&first.keeping("sealed".to_owned()), token(), at(1)).await;
        let effect =
            Effect { made: vec![made.unwrap().id.to_string()], kept: Some("sealed".into()) };
        // At once, and when the time of the first run is long over.
        for now in [2, 3600] {
            assert_eq!(before(&run(&store, &ana, REQUEST, now).await), Some(effect.clone()));
        }
        // The first one ends badly after all: what it did is not forgotten.
        store.forget_keyed(&first).await.unwrap();
        assert_eq!(before(&run(&store, &ana, REQUEST, 2).await), Some(effect));
    })
    .await;
}

#[tokio::test]
async fn a_run_that_was_only_slow_does_nothing_once_another_one_has_taken_over() {
    each_database(async |store| {
        let ana = member(&store, "ana", Role::Owner).await;
        let slow = run(&store, &ana, REQUEST, 0).await;
        let second = run(&store, &ana, REQUEST, 61).await;
        let create = async |scope: &TenantScope, hash: &str, now| {
            let new = NewToken { hash, ..token() };
            store.create_token(scope, new, at(now)).await
        };
        let refused = create(&slow, "slow", 62).await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
        // Neither its answer nor its end touch the second run.
        store.finish_keyed(&slow, 201, "of the slow one".to_owned()).await.unwrap();
        store.forget_keyed(&slow).await.unwrap();
        assert_eq!(begin(&store, &ana, REQUEST, 63).await, Turn::Running);
        let made = create(&second, "second", 64).await.unwrap();
        let listed = store.list_tokens(&ana, all_tokens(), at(65)).await.unwrap();
        assert_eq!(listed, [made]);
    })
    .await;
}

/// Everything that a request with a key can do.
async fn have_effect(
    store: &Store,
    (shop, scope): (&Shop, &TenantScope),
    what: &str,
    round: &str,
) -> Result<(), StoreError> {
    let cluster = shop.connected.cluster.id;
    let name = format!("{what}-{round}");
    let enrolment = NewEnrolment { token_hash: &name, expires_at: at(900) };
    match what {
        "token" => {
            let new = NewToken { hash: &name, ..token() };
            store.create_token(scope, new, at(1)).await.map(drop)
        }
        "cluster" => {
            let gitops = GitopsLocation::BuiltIn;
            let new = NewEnvironment { name: name.clone(), namespace: None, gitops };
            let made = store.create_cluster_with_environment(scope, &name, new, enrolment, at(1));
            made.await.map(drop)
        }
        "enrolment" => store.renew_enrolment(scope, cluster, enrolment, at(1)).await.map(drop),
        "disconnect" => store.revoke_certificates(scope, cluster, at(1)).await.map(drop),
        "repository" => store.add_repository(scope, new_repository(&name), at(1)).await.map(drop),
        "look" => store.look_for_member(scope, shop.repository.id, at(1)).await.map(drop),
        "release" => {
            let new = new_release(&shop.connected.environment, "web", shop.artifact);
            store.request_release(scope, new, at(1)).await.map(drop)
        }
        _ => panic!("no such effect: {what}"),
    }
}

#[tokio::test]
async fn nothing_that_a_key_can_do_is_done_twice_in_one_run() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        for what in ["token", "cluster", "enrolment", "disconnect", "repository", "look", "release"]
        {
            let request = KeyedRequest { key: what, ..REQUEST };
            let scope = run(&store, &shop.owner, request, 0).await;
            have_effect(&store, (&shop, &scope), what, "first").await.unwrap();
            let again = have_effect(&store, (&shop, &scope), what, "second").await;
            assert!(matches!(again, Err(StoreError::Conflict { .. })), "{what}: {again:?}");
            assert!(before(&run(&store, &shop.owner, request, 1).await).is_some(), "{what}");
        }
    })
    .await;
}
