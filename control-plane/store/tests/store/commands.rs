use gimlet_domain::release::ReleaseState;
use gimlet_shared::{
    ids::{ClusterId, CommandId},
    link::{CommandBody, CommandOutcome},
    observed::ObjectKey,
};
use gimlet_store::{AdvanceExtra, Command, CommandState, NewCommand, Release, Store, StoreError};

use crate::harness::{Shop, at, committed, connected, each_database, owner, shop};

fn reconcile(cluster: ClusterId) -> NewCommand {
    let object = ObjectKey {
        kind: "GitRepository".to_owned(),
        namespace: "flux-system".to_owned(),
        name: "builtin-prod-apps".to_owned(),
    };
    NewCommand {
        id: CommandId::new(),
        cluster,
        body: CommandBody::Reconcile { object },
        expires_at: at(300),
    }
}

/// A release of `app` in git that caused one command.
async fn commanded(store: &Store, shop: &Shop, app: &str) -> Release {
    let queued = shop.release(store, app).await;
    let commands = vec![reconcile(shop.connected.cluster.id)];
    let extra = AdvanceExtra { commands, ..Default::default() };
    store
        .advance_release(&store.system(), &queued, committed("c1"), extra, at(20))
        .await
        .unwrap()
        .unwrap()
}

async fn pending(store: &Store, shop: &Shop, after: u64) -> Vec<Command> {
    store.pending_commands(&shop.connected.scope, after, 10).await.unwrap()
}

#[tokio::test]
async fn commands_are_numbered_per_cluster_without_gaps() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        let release = commanded(&store, &shop, "web").await;
        commanded(&store, &shop, "api").await;

        let commands = pending(&store, &shop, 0).await;
        assert_eq!(commands.iter().map(|command| command.seq).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(
            (commands[0].release_id, commands[0].state),
            (Some(release.id), CommandState::Queued)
        );
        assert_eq!(commands[0].body, reconcile(shop.connected.cluster.id).body);
        assert_eq!(pending(&store, &shop, 1).await.len(), 1);
        let staging = connected(&store, &shop.owner, "staging").await;
        assert_eq!(store.pending_commands(&staging.scope, 0, 10).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_step_that_loses_causes_no_command() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        let queued = shop.release(&store, "web").await;
        let step = async || {
            let extra = AdvanceExtra {
                commands: vec![reconcile(shop.connected.cluster.id)],
                ..Default::default()
            };
            store
                .advance_release(&store.system(), &queued, committed("c1"), extra, at(20))
                .await
                .unwrap()
        };
        let (one, two) = tokio::join!(step(), step());
        assert_eq!([one, two].into_iter().flatten().count(), 1);
        assert_eq!(pending(&store, &shop, 0).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_command_to_a_foreign_cluster_undoes_the_step() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        let stranger = owner(&store, "other").await;
        let foreign = connected(&store, &stranger, "prod").await;
        let queued = shop.release(&store, "web").await;
        let extra =
            AdvanceExtra { commands: vec![reconcile(foreign.cluster.id)], ..Default::default() };
        let refused =
            store.advance_release(&store.system(), &queued, committed("c1"), extra, at(20)).await;

        assert!(matches!(refused, Err(StoreError::Absent { what: "cluster" })), "{refused:?}");
        let found = store.find_release(&shop.owner, queued.id).await.unwrap().unwrap();
        assert_eq!(found.state, ReleaseState::Queued);
    })
    .await;
}

#[tokio::test]
async fn a_command_is_accepted_and_done_once() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        let release = commanded(&store, &shop, "web").await;
        let command = pending(&store, &shop, 0).await.remove(0);
        let scope = &shop.connected.scope;
        let epoch = store.open_epoch(scope, "0.1.0", "v1.34.4", at(30)).await.unwrap().epoch;
        let finish = async |epoch, id| {
            let outcome = CommandOutcome::Succeeded;
            store.finish_command(scope, epoch, command.seq, id, &outcome, at(32)).await.unwrap()
        };

        assert!(store.accept_command(scope, epoch, command.seq, at(31)).await.unwrap());
        assert!(!store.accept_command(scope, epoch, command.seq, at(31)).await.unwrap());
        assert_eq!(pending(&store, &shop, 0).await[0].state, CommandState::Accepted);
        assert_eq!(finish(epoch, CommandId::new()).await, None);
        assert_eq!(finish(epoch, command.id).await, Some(release.id));
        assert_eq!(finish(epoch, command.id).await, None);
        assert_eq!(pending(&store, &shop, 0).await, []);
    })
    .await;
}

#[tokio::test]
async fn a_fenced_session_moves_no_command() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        commanded(&store, &shop, "web").await;
        let command = pending(&store, &shop, 0).await.remove(0);
        let scope = &shop.connected.scope;
        let older = store.open_epoch(scope, "0.1.0", "v1.34.4", at(30)).await.unwrap().epoch;
        let newer = store.open_epoch(scope, "0.1.0", "v1.34.4", at(31)).await.unwrap();
        assert_eq!((newer.epoch, newer.last_command_seq), (older + 1, command.seq));

        assert!(!store.accept_command(scope, older, command.seq, at(32)).await.unwrap());
        let outcome = CommandOutcome::Succeeded;
        let finished = store
            .finish_command(scope, older, command.seq, command.id, &outcome, at(33))
            .await
            .unwrap();
        assert_eq!(finished, None);
        assert_eq!(pending(&store, &shop, 0).await, [command]);
    })
    .await;
}

#[tokio::test]
async fn a_command_whose_time_has_passed_expires() {
    each_database(async |store| {
        let shop = shop(&store, "acme").await;
        commanded(&store, &shop, "web").await;
        assert_eq!(store.expire_commands(&store.system(), at(299)).await.unwrap(), 0);
        assert_eq!(store.expire_commands(&store.system(), at(300)).await.unwrap(), 1);
        assert_eq!(store.expire_commands(&store.system(), at(301)).await.unwrap(), 0);
        assert_eq!(pending(&store, &shop, 0).await, []);
    })
    .await;
}
