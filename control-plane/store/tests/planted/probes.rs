//! One call of every function that a scope opens, made by the intruder and aimed at the victim.

use gimlet_domain::role::Role;
use gimlet_shared::link::CommandOutcome;
use gimlet_store::{
    ActivityFilter, ApplicationFilter, ArtifactFilter, ClusterFilter, EnvironmentFilter,
    GitopsLocation, NewEnrolment, NewEnvironment, NewToken, ReleaseFilter, RepositoryFilter,
    SeenApplication, TenantScope, TokenFilter, TokenOwner, Turn,
};

use crate::{
    harness::{at, new_release, new_repository},
    world::{REQUEST, World},
};

/// What a call gives away where nothing but its other filters is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfiltered {
    /// Rows of another organization are read or changed.
    Leaks,
    /// Something else in the statement still holds: the cluster or the person of the scope, a key that
    /// carries the organization, or a foreign key.
    Holds,
}

use Unfiltered::{Holds, Leaks};

/// Every function, and how it fares without the filter on a database without row-level security.
pub(crate) const PROBES: [(&str, Unfiltered); 74] = [
    ("list_activity", Leaks),
    ("activity_after", Leaks),
    ("activity_bounds", Leaks),
    ("list_applications", Leaks),
    ("count_applications", Leaks),
    ("find_applications", Leaks),
    ("search_applications", Leaks),
    ("count_cluster_applications", Leaks),
    ("find_application", Leaks),
    ("list_cluster_applications", Holds),
    ("list_artifacts", Leaks),
    ("find_artifact", Leaks),
    ("find_artifact_by_sha", Leaks),
    ("record_certificate", Holds),
    ("revoke_certificates", Leaks),
    ("create_cluster_with_environment", Holds),
    ("find_cluster", Leaks),
    ("find_cluster_by_name", Leaks),
    ("find_cluster_of", Holds),
    ("list_clusters", Leaks),
    ("count_clusters", Leaks),
    ("find_clusters", Leaks),
    ("find_leading_cluster", Leaks),
    ("search_clusters", Leaks),
    ("open_epoch", Holds),
    ("touch_cluster", Holds),
    ("note_disconnected", Holds),
    ("pending_commands", Holds),
    ("accept_command", Holds),
    ("finish_command", Holds),
    ("approve_device_login", Holds),
    ("renew_enrolment", Holds),
    ("find_environment_by_name", Leaks),
    ("all_environments", Leaks),
    ("list_environments", Leaks),
    ("list_environments_by_use", Leaks),
    ("find_environments", Leaks),
    ("list_environments_on", Leaks),
    ("search_environments", Leaks),
    ("list_cluster_environments", Holds),
    ("forget_keyed", Holds),
    ("begin_keyed", Holds),
    ("finish_keyed", Holds),
    ("list_members", Leaks),
    ("find_member", Holds),
    ("set_member_role", Holds),
    ("remove_member", Holds),
    ("list_release_logs", Leaks),
    ("list_newest_releases", Leaks),
    ("find_releases", Leaks),
    ("find_artifacts", Leaks),
    ("list_decided_releases", Leaks),
    ("list_healthy_of_application", Leaks),
    ("list_healthy_of_environment", Leaks),
    ("request_release", Holds),
    ("request_releases", Holds),
    ("request_release_of_seen", Holds),
    ("find_release", Leaks),
    ("list_releases", Leaks),
    ("add_repository", Holds),
    ("all_repositories", Leaks),
    ("list_repositories", Leaks),
    ("count_repositories", Leaks),
    ("find_repositories", Leaks),
    ("search_repositories", Leaks),
    ("find_repository", Leaks),
    ("look_for_member", Leaks),
    ("find_repository_by_name", Leaks),
    ("search_commits", Leaks),
    ("list_releases_of_artifacts", Leaks),
    ("find_scope_again", Holds),
    ("create_token", Holds),
    ("list_tokens", Leaks),
    ("revoke_token", Leaks),
];

/// The answer as text; `None` where the function has no probe.
pub(crate) async fn probe(world: &World, name: &str) -> Option<String> {
    if let Some(answer) = reads(world, name).await {
        return Some(answer);
    }
    if let Some(answer) = pages(world, name).await {
        return Some(answer);
    }
    if let Some(answer) = writes(world, name).await {
        return Some(answer);
    }
    of_cluster(world, name).await
}

async fn reads(world: &World, name: &str) -> Option<String> {
    let World { store, victim, intruder, release, .. } = world;
    let me = &intruder.owner;
    let environment = &victim.connected.environment;
    let activity = ActivityFilter { limit: 100, ..Default::default() };
    let artifacts = ArtifactFilter { limit: 100, ..Default::default() };
    let releases = ReleaseFilter { limit: 100, ..Default::default() };
    let tokens = TokenFilter { owner: TokenOwner::Everyone, after: None, limit: 100 };
    Some(match name {
        "list_activity" => format!("{:?}", store.list_activity(me, &activity).await),
        "activity_after" => format!("{:?}", store.activity_after(me, 0, 100).await),
        "activity_bounds" => {
            let bounds = store.activity_bounds(me).await.unwrap();
            let more = bounds.last > world.changes_of_intruder().await;
            if more { "counts the victim's changes".to_owned() } else { format!("{bounds:?}") }
        }
        "find_application" => {
            format!("{:?}", store.find_application(me, &environment.name, "victim-web").await)
        }
        "list_artifacts" => format!("{:?}", store.list_artifacts(me, &artifacts).await),
        "find_artifact" => format!("{:?}", store.find_artifact(me, victim.artifact).await),
        "find_artifact_by_sha" => {
            format!("{:?}", store.find_artifact_by_sha(me, None, "aaaaaaa").await)
        }
        "find_cluster" => format!("{:?}", store.find_cluster(me, environment.cluster_id).await),
        "find_cluster_by_name" => {
            let theirs = &victim.connected.cluster.name;
            format!("{:?}", store.find_cluster_by_name(me, theirs).await)
        }
        "find_environment_by_name" => {
            format!("{:?}", store.find_environment_by_name(me, &environment.name).await)
        }
        "all_environments" => format!("{:?}", store.all_environments(me).await),
        "list_members" => format!("{:?}", store.list_members(me, None, 100).await),
        "find_member" => format!("{:?}", store.find_member(me, "victim-owner").await),
        "list_release_logs" => format!("{:?}", store.list_release_logs(me, release.id).await),
        "list_newest_releases" => {
            format!("{:?}", store.list_newest_releases(me, &[release.application_id]).await)
        }
        "find_releases" => format!("{:?}", store.find_releases(me, &[release.id]).await),
        "list_decided_releases" => {
            format!("{:?}", store.list_decided_releases(me, &[world.decided]).await)
        }
        "find_artifacts" => format!("{:?}", store.find_artifacts(me, &[victim.artifact]).await),
        "list_healthy_of_application" => {
            let found = store.list_healthy_of_application(me, release.application_id, 9).await;
            format!("{found:?}")
        }
        "list_healthy_of_environment" => {
            format!("{:?}", store.list_healthy_of_environment(me, environment.id, 9).await)
        }
        "find_release" => format!("{:?}", store.find_release(me, release.id).await),
        "list_releases" => format!("{:?}", store.list_releases(me, &releases).await),
        "all_repositories" => format!("{:?}", store.all_repositories(me).await),
        "find_repository" => {
            format!("{:?}", store.find_repository(me, victim.repository.id).await)
        }
        "find_repository_by_name" => {
            format!("{:?}", store.find_repository_by_name(me, "victim/shop").await)
        }
        "search_commits" => format!("{:?}", store.search_commits(me, &["greeting"], 9).await),
        "list_releases_of_artifacts" => {
            format!("{:?}", store.list_releases_of_artifacts(me, &[victim.artifact], 9).await)
        }
        "find_scope_again" => format!("{:?}", store.find_scope_again(me, at(3)).await),
        "list_tokens" => format!("{:?}", store.list_tokens(me, tokens, at(3)).await),
        _ => return None,
    })
}

/// Functions that read lists a page at a time, or things of a page at once.
async fn pages(world: &World, name: &str) -> Option<String> {
    let World { store, victim, intruder, release, .. } = world;
    let me = &intruder.owner;
    let environment = &victim.connected.environment;
    let clusters = ClusterFilter { limit: 100, ..Default::default() };
    let apps = ApplicationFilter { limit: 100, ..Default::default() };
    let repositories = RepositoryFilter { limit: 100, ..Default::default() };
    let theirs = Some("victim".to_owned());
    let (words, cluster) = (["victim"], [environment.cluster_id]);
    // A number names nobody: here it counts what only the victim has.
    let counted =
        |count: u64| if count > 0 { "counts what is the victim's" } else { "none" }.to_owned();
    Some(match name {
        "list_applications" => format!("{:?}", store.list_applications(me, &apps).await),
        "count_applications" => {
            let theirs = ApplicationFilter { text: theirs, ..apps };
            let found = store.count_applications(me, &theirs).await.unwrap();
            counted(found.iter().map(|(_, count)| count).sum())
        }
        "find_applications" => {
            format!("{:?}", store.find_applications(me, &[release.application_id]).await)
        }
        "search_applications" => format!("{:?}", store.search_applications(me, &words, 9).await),
        "count_cluster_applications" => {
            format!("{:?}", store.count_cluster_applications(me, &cluster).await)
        }
        "list_clusters" => format!("{:?}", store.list_clusters(me, &clusters).await),
        "count_clusters" => {
            let theirs = ClusterFilter { text: theirs, ..clusters };
            counted(store.count_clusters(me, &theirs).await.unwrap().all)
        }
        "find_clusters" => format!("{:?}", store.find_clusters(me, &cluster).await),
        "find_leading_cluster" => format!("{:?}", store.find_leading_cluster(me).await),
        "search_clusters" => format!("{:?}", store.search_clusters(me, &words, 9).await),
        "list_environments" => {
            let all = EnvironmentFilter { limit: 100, ..Default::default() };
            format!("{:?}", store.list_environments(me, &all).await)
        }
        "list_environments_by_use" => {
            format!("{:?}", store.list_environments_by_use(me, &clusters).await)
        }
        "find_environments" => {
            format!("{:?}", store.find_environments(me, &[environment.id]).await)
        }
        "list_environments_on" => format!("{:?}", store.list_environments_on(me, &cluster).await),
        "search_environments" => format!("{:?}", store.search_environments(me, &words, 9).await),
        "list_repositories" => {
            format!("{:?}", store.list_repositories(me, &repositories).await)
        }
        "count_repositories" => {
            let theirs = RepositoryFilter { text: theirs, ..repositories };
            counted(store.count_repositories(me, &theirs).await.unwrap())
        }
        "find_repositories" => {
            format!("{:?}", store.find_repositories(me, &[victim.repository.id]).await)
        }
        "search_repositories" => format!("{:?}", store.search_repositories(me, &words, 9).await),
        _ => return None,
    })
}

async fn writes(world: &World, name: &str) -> Option<String> {
    let World { store, victim, intruder, token, .. } = world;
    let me = &intruder.owner;
    let cluster = victim.connected.cluster.id;
    let enrolment = NewEnrolment { token_hash: "stolen", expires_at: at(900) };
    Some(match name {
        "revoke_certificates" => {
            format!("{:?}", store.revoke_certificates(me, cluster, at(3)).await)
        }
        "create_cluster_with_environment" => {
            let gitops = GitopsLocation::BuiltIn;
            let new = NewEnvironment { name: "new".to_owned(), namespace: None, gitops };
            let made = store.create_cluster_with_environment(me, "new", new, enrolment, at(3));
            format!("{:?}", made.await)
        }
        "approve_device_login" => {
            format!("{:?}", store.approve_device_login(me, "CODE", at(3)).await)
        }
        "renew_enrolment" => {
            format!("{:?}", store.renew_enrolment(me, cluster, enrolment, at(3)).await)
        }
        "begin_keyed" => format!("{:?}", store.begin_keyed(me, REQUEST, at(90), at(3)).await),
        "finish_keyed" => {
            let mine = running(world).await;
            format!("{:?}", store.finish_keyed(&mine, 200, String::new()).await)
        }
        "forget_keyed" => {
            let mine = running(world).await;
            format!("{:?}", store.forget_keyed(&mine).await)
        }
        "set_member_role" => {
            let changed =
                store.set_member_role(me, "victim-owner", Role::Viewer, None, at(3)).await;
            format!("{changed:?}")
        }
        "remove_member" => {
            format!("{:?}", store.remove_member(me, "victim-owner", None, at(3)).await)
        }
        "request_release" => {
            let new = new_release(&victim.connected.environment, "stolen", victim.artifact);
            format!("{:?}", store.request_release(me, new, at(3)).await)
        }
        "request_releases" => {
            let new = new_release(&victim.connected.environment, "stolen", victim.artifact);
            format!("{:?}", store.request_releases(me, vec![new], at(3)).await)
        }
        "request_release_of_seen" => {
            let new = new_release(&victim.connected.environment, "stolen", victim.artifact);
            let seen =
                SeenApplication { id: world.release.application_id, revision: 1, newest: None };
            format!("{:?}", store.request_release_of_seen(me, &seen, new, at(3)).await)
        }
        "look_for_member" => {
            format!("{:?}", store.look_for_member(me, victim.repository.id, at(3)).await)
        }
        "add_repository" => {
            format!("{:?}", store.add_repository(me, new_repository("stolen"), at(3)).await)
        }
        "create_token" => {
            let new = NewToken { hash: "stolen", name: "stolen", expires_at: None };
            format!("{:?}", store.create_token(me, new, at(3)).await)
        }
        "revoke_token" => {
            let revoked = store.revoke_token(me, TokenOwner::Everyone, token.id, at(3)).await;
            format!("{revoked:?}")
        }
        _ => return None,
    })
}

/// The intruder's run of a request with the victim's key, which is another one of their own. It comes when an
/// earlier run of theirs counts as cut off.
async fn running(world: &World) -> TenantScope {
    let World { store, intruder, .. } = world;
    match store.begin_keyed(&intruder.owner, REQUEST, at(190), at(100)).await.unwrap() {
        Turn::First(scope) => scope,
        other => panic!("{other:?}"),
    }
}

async fn of_cluster(world: &World, name: &str) -> Option<String> {
    let World { store, intruder, .. } = world;
    let me = &intruder.connected.scope;
    Some(match name {
        "list_cluster_applications" => {
            format!("{:?}", store.list_cluster_applications(me).await)
        }
        "record_certificate" => {
            format!("{:?}", store.record_certificate(me, "new", at(9), at(3)).await)
        }
        "find_cluster_of" => format!("{:?}", store.find_cluster_of(me).await),
        "open_epoch" => format!("{:?}", store.open_epoch(me, "1", "1", at(3)).await),
        "touch_cluster" => format!("{:?}", store.touch_cluster(me, 0, at(3)).await),
        "note_disconnected" => format!("{:?}", store.note_disconnected(me, 0, at(3)).await),
        "pending_commands" => format!("{:?}", store.pending_commands(me, 0, 100).await),
        "accept_command" => format!("{:?}", store.accept_command(me, 0, 1, at(3)).await),
        "finish_command" => {
            let id = gimlet_shared::ids::CommandId::new();
            let done = CommandOutcome::Expired;
            format!("{:?}", store.finish_command(me, 0, 1, id, &done, at(3)).await)
        }
        "list_cluster_environments" => {
            format!("{:?}", store.list_cluster_environments(me).await)
        }
        _ => return None,
    })
}
