//! From pushes, tags and pull requests to artifacts, decisions and releases, over real repositories.

use std::time::Duration;

use gimlet_shared::api::{Artifact, Release};
use serde_json::{Value, json};

use crate::{
    harness::{TestServer, eventually},
    source::{Shop, Source, manifest},
};

const PULL_REQUEST: &str = include_str!("../../../github/src/fixtures/pull_request.json");
const PUSH: &str = include_str!("../../../github/src/fixtures/push.json");

/// A manifest that every push meets.
fn on_push(value: &str) -> String {
    manifest("prod", "{event: push}", value)
}

/// Why the artifact's only manifest is not released.
fn refusal(artifact: &Artifact) -> &str {
    let [decision] = artifact.decisions.as_slice() else { panic!("{artifact:?}") };
    assert!(!decision.releases && decision.release.is_none(), "{decision:?}");
    &decision.reason
}

fn push_of(branch: &str) -> Value {
    let mut push: Value = serde_json::from_str(PUSH).unwrap();
    push["ref"] = json!(format!("refs/heads/{branch}"));
    push
}

/// `acme/shop` is the repository itself; every other head is a fork.
fn pull_request(number: u64, head: &str, branch: &str, sha: &str) -> Value {
    let mut pull: Value = serde_json::from_str(PULL_REQUEST).unwrap();
    pull["action"] = json!("opened");
    pull["number"] = json!(number);
    pull["pull_request"]["head"]["ref"] = json!(branch);
    pull["pull_request"]["head"]["sha"] = json!(sha);
    pull["pull_request"]["head"]["repo"]["full_name"] = json!(head);
    pull
}

fn shas(artifacts: &[Artifact]) -> Vec<&str> {
    artifacts.iter().map(|artifact| artifact.sha.as_str()).collect()
}

#[tokio::test]
async fn at_first_sight_only_the_head_of_the_default_branch_meets_the_policy() {
    let source = Source::with(&on_push("1"));
    let history: Vec<String> = (2..25).map(|number| source.commit(&number.to_string())).collect();
    source.git(&["tag", "v1"]);
    source.git(&["checkout", "-q", "-b", "feature"]);
    let feature = source.commit("On a branch");
    source.push(&["main", "feature", "v1"]);

    let shop = Shop::given(source).await;
    let (artifacts, head) = (shop.artifacts().await, history.last().unwrap());
    assert_eq!(artifacts.len(), 22);
    let main: Vec<_> = artifacts.iter().filter(|artifact| artifact.branch == "main").collect();
    let newest: Vec<&String> = history.iter().rev().take(20).collect();
    assert_eq!(main.iter().map(|artifact| &artifact.sha).collect::<Vec<_>>(), newest);
    for artifact in &main[1..] {
        assert!(!artifact.is_head && refusal(artifact).contains("only the head of a push"));
    }
    for artifact in [shop.artifact(&feature, "push").await, shop.artifact(head, "tag").await] {
        assert!(refusal(&artifact).contains("before the repository was added"));
    }
    assert!(shop.until_written(main[0]).await.contains('1'));
    assert_eq!(shop.releases().await.len(), 1);
}

#[tokio::test]
async fn of_a_push_of_three_commits_only_the_head_is_released() {
    let shop = Shop::given(Source::with(&manifest("prod", "{event: tag}", "0"))).await;
    shop.source.write("shop.yaml", &on_push("1"));
    let pushed = ["One", "Two", "Three"].map(|message| shop.source.commit(message));
    shop.source.push(&["main"]);
    assert_eq!(shop.deliver("push", "1", &push_of("main")).await, "stored");

    let artifacts = shop.artifacts().await;
    let [one, two, three] = &pushed;
    assert_eq!(shas(&artifacts[..3]), [three, two, one]);
    assert_eq!(artifacts.len(), 4);
    for artifact in &artifacts[1..3] {
        assert!(refusal(artifact).contains("only the head of a push"));
    }
    assert!(artifacts[0].is_head);
    assert!(artifacts[0].decisions[0].reason.contains("the event is a push"));
    shop.until_written(&artifacts[0]).await;
    assert_eq!(shop.releases().await.len(), 1);
}

#[tokio::test]
async fn a_push_to_a_commit_that_is_here_already_waits_for_no_host() {
    let of_main = |value| manifest("prod", "{event: push, branch: main}", value);
    let shop = Shop::given(Source::with(&of_main("1"))).await;
    let before = shop.source.git(&["rev-parse", "HEAD"]);
    shop.source.git(&["checkout", "-q", "-b", "work"]);
    shop.source.write("shop.yaml", &of_main("2"));
    let after = shop.source.commit("Second");
    shop.source.push(&["work"]);
    shop.look().await;
    assert!(refusal(&shop.artifact(&after, "push").await).contains("`work` does not match"));

    // From here on the host answers nobody.
    std::fs::rename(shop.source.host(), shop.source.host().with_extension("away")).unwrap();
    let mut push = push_of("main");
    (push["before"], push["after"]) = (json!(before), json!(after));
    assert_eq!(shop.deliver("push", "1", &push).await, "stored");
    let artifacts = shop.artifacts().await;
    assert_eq!((artifacts[0].sha.as_str(), artifacts[0].branch.as_str()), (after.as_str(), "main"));
    assert!(shop.until_written(&artifacts[0]).await.contains("value: \"2\""));
}

#[tokio::test]
async fn a_tag_is_released_where_it_matches_and_is_a_variable() {
    let tagged = manifest("prod", "{event: tag, tag: \"v*\"}", "of {{ .TAG }}");
    let shop = Shop::given(Source::with(&tagged)).await;
    let head = shop.source.commit("Second");
    shop.source.git(&["tag", "-a", "-m", "The first", "v1"]);
    shop.source.push(&["main", "v1"]);
    let created = json!({"ref": "v1", "ref_type": "tag", "repository": {"full_name": "acme/shop"}});
    assert_eq!(shop.deliver("create", "1", &created).await, "stored");
    let pushed = shop.artifact(&head, "push").await;
    assert_eq!(refusal(&pushed), "the event is a push, not a tag");
    let v1 = shop.artifact(&head, "tag").await;
    assert_eq!(v1.tag.as_deref(), Some("v1"));
    assert!(shop.until_written(&v1).await.contains("of v1"));

    let head = shop.source.commit("Third");
    shop.source.git(&["tag", "x1"]);
    shop.source.push(&["x1"]);
    shop.look().await;
    let x1 = shop.artifact(&head, "tag").await;
    assert_eq!(x1.tag.as_deref(), Some("x1"));
    assert_eq!(refusal(&x1), "tag `x1` does not match `v*`");
    assert_eq!(shop.releases().await.len(), 1);
}

#[tokio::test]
async fn a_pull_request_is_released_unless_it_comes_from_a_fork() {
    let value = "{{ .SOURCE_BRANCH }} into {{ .TARGET_BRANCH }}";
    let shop = Shop::given(Source::with(&manifest("prod", "{event: pr}", value))).await;
    let (own, foreign) = (shop.source.commit("Ours"), shop.source.commit("Theirs"));
    shop.source.push(&[&format!("{own}:refs/pull/7/head"), &format!("{foreign}:refs/pull/8/head")]);
    shop.look().await;
    assert_eq!(shop.artifacts().await.len(), 1);

    let opened = pull_request(7, "acme/shop", "round", &own);
    assert_eq!(shop.deliver("pull_request", "1", &opened).await, "stored");
    let ours = shop.artifact(&own, "pr").await;
    assert_eq!(ours.branch, "round");
    assert!(shop.until_written(&ours).await.contains("round into main"));

    let opened = pull_request(8, "mallory/shop", "round", &foreign);
    assert_eq!(shop.deliver("pull_request", "2", &opened).await, "stored");
    let theirs = shop.artifact(&foreign, "pr").await;
    assert!(refusal(&theirs).contains("fork"));
    assert_eq!(shop.releases().await.len(), 1);
}

#[tokio::test]
async fn a_pull_request_whose_head_is_gone_stops_nobody() {
    let shop = Shop::given(Source::with(&on_push("1"))).await;
    let gone = pull_request(7, "acme/shop", "round", &"3".repeat(40));
    assert_eq!(shop.deliver("pull_request", "1", &gone).await, "stored");
    let head = shop.source.commit("Second");
    shop.source.push(&["main"]);
    shop.look().await;
    shop.until_written(&shop.artifact(&head, "push").await).await;
    assert_eq!(shop.artifacts().await.len(), 2);
}

#[tokio::test]
async fn a_forced_push_shows_what_it_brought() {
    let shop = Shop::given(Source::with(&on_push("1"))).await;
    let lost = shop.source.commit("Lost");
    shop.source.push(&["main"]);
    shop.look().await;
    shop.until_written(&shop.artifact(&lost, "push").await).await;

    shop.source.git(&["reset", "-q", "--hard", "HEAD~1"]);
    shop.source.write("shop.yaml", &on_push("2"));
    let forced = shop.source.commit("Forced");
    shop.source.push(&["+main"]);
    shop.look().await;
    let artifact = shop.artifact(&forced, "push").await;
    assert!(shop.until_written(&artifact).await.contains('2'));
    assert_eq!(shop.artifacts().await.len(), 3);
}

#[tokio::test]
async fn a_branch_that_was_deleted_may_come_again() {
    let shop = Shop::given(Source::with(&on_push("1"))).await;
    shop.source.git(&["checkout", "-q", "-b", "feature"]);
    let first = shop.source.commit("First of the branch");
    shop.source.push(&["feature"]);
    shop.look().await;
    shop.until_written(&shop.artifact(&first, "push").await).await;

    shop.source.push(&[":feature"]);
    shop.look().await;
    assert_eq!(shop.artifacts().await.len(), 2);

    let second = shop.source.commit("Second of the branch");
    shop.source.push(&["feature"]);
    shop.look().await;
    shop.until_written(&shop.artifact(&second, "push").await).await;
    shop.artifact(&first, "push").await;

    // Where a branch was, git now needs a folder.
    let third = shop.source.commit("Third");
    shop.source.push(&[":feature"]);
    shop.source.push(&["HEAD:refs/heads/feature/deep"]);
    shop.look().await;
    let deep = shop.artifacts().await;
    let deep = deep.iter().find(|artifact| artifact.sha == third).unwrap();
    assert_eq!(deep.branch, "feature/deep");
    shop.until_written(deep).await;
}

#[tokio::test]
async fn what_no_webhook_told_is_found_once_by_polling() {
    let server = TestServer::start_polling(Duration::from_millis(200)).await;
    let shop = Shop::on(server, Source::with(&manifest("prod", "{event: tag}", "0"))).await;
    shop.source.write("shop.yaml", &on_push("1"));
    let head = shop.source.commit("Second");
    shop.source.push(&["main"]);
    eventually(async || shas(&shop.artifacts().await).contains(&head.as_str()).then_some(())).await;
    shop.until_polled().await;
    shop.until_polled().await;
    shop.until_written(&shop.artifact(&head, "push").await).await;
    assert_eq!(shop.releases().await.len(), 1);
}

#[tokio::test]
async fn a_webhook_that_is_delivered_again_releases_once() {
    let shop = Shop::given(Source::with(&manifest("prod", "{event: tag}", "0"))).await;
    shop.source.write("shop.yaml", &on_push("1"));
    let head = shop.source.commit("Second");
    shop.source.push(&["main"]);
    for result in ["stored", "replay", "replay"] {
        assert_eq!(shop.deliver("push", "1", &push_of("main")).await, result);
    }
    shop.look().await;
    // The host may tell the same with another delivery.
    assert_eq!(shop.deliver("push", "2", &push_of("main")).await, "stored");
    shop.until_written(&shop.artifact(&head, "push").await).await;
    assert_eq!(shop.releases().await.len(), 1);
}

#[tokio::test]
async fn a_push_of_more_manifests_than_are_held_at_once_is_stored_whole_and_released_once() {
    let shop = Shop::given(Source::with(&manifest("prod", "{event: tag}", "0"))).await;
    let padding = format!("\n#{}\n", "x".repeat(1 << 19));
    for number in 0..8 {
        let large = manifest("elsewhere", "{event: tag}", "0") + &padding;
        shop.source.write(&format!("large-{number}.yaml"), &large);
    }
    shop.source.write("shop.yaml", &on_push("1"));
    let pushed: Vec<_> = (0..6).map(|number| shop.source.commit(&number.to_string())).collect();
    shop.source.push(&["main"]);
    shop.look().await;
    let artifacts = shop.artifacts().await;
    for sha in &pushed {
        assert_eq!(shas(&artifacts).iter().filter(|found| *found == sha).count(), 1, "{sha}");
    }
    shop.until_written(&shop.artifact(pushed.last().unwrap(), "push").await).await;
    assert_eq!(shop.releases().await.len(), 1);
}

#[tokio::test]
async fn a_commit_without_manifests_shows_up() {
    let source = Source::new();
    let head = source.commit("Nothing yet");
    source.push(&["main"]);
    let shop = Shop::given(source).await;
    let artifact = shop.artifact(&head, "push").await;
    assert!(artifact.is_head && artifact.decisions.is_empty() && artifact.problems.is_empty());
    assert_eq!((artifact.message.trim(), artifact.author_name.as_str()), ("Nothing yet", "Ana"));
}

#[tokio::test]
async fn a_bad_manifest_is_told_by_place_and_does_not_hold_up_a_good_one() {
    let source = Source::new();
    source.write("bad.yaml", "app: bad\nenv: prod\nnamespace: bad\ndeploy:\n  event: psh\n");
    source.write("shop.yaml", &on_push("1"));
    let head = source.commit("One of each");
    source.push(&["main"]);
    let shop = Shop::given(source).await;
    let artifact = shop.artifact(&head, "push").await;
    let [problem] = artifact.problems.as_slice() else { panic!("{artifact:?}") };
    assert!(problem.starts_with(".gimlet/bad.yaml:5:"), "{problem}");
    assert!(problem.contains("deploy.event: must be `push`, `tag` or `pr`"), "{problem}");
    shop.until_written(&artifact).await;
}

#[tokio::test]
async fn an_unknown_environment_is_named() {
    let shop = Shop::given(Source::with(&manifest("staging", "{event: push}", "1"))).await;
    let artifacts = shop.artifacts().await;
    assert!(refusal(&artifacts[0]).contains("no environment `staging`"));
    assert_eq!(shop.releases().await.len(), 0);
}

#[tokio::test]
async fn policy_does_not_go_back_in_time_and_a_person_may() {
    let shop = Shop::given(Source::with(&on_push("old"))).await;
    let old = shop.artifacts().await.remove(0);
    shop.until_written(&old).await;
    shop.source.write("shop.yaml", &on_push("new"));
    let new = shop.source.commit("Second");
    shop.source.push(&["main"]);
    shop.look().await;
    assert!(shop.until_written(&shop.artifact(&new, "push").await).await.contains("new"));

    shop.source.push(&[&format!("{}:refs/heads/late", old.sha)]);
    shop.look().await;
    let artifacts = shop.artifacts().await;
    let late = artifacts.iter().find(|artifact| artifact.branch == "late").unwrap();
    let release = late.decisions[0].release.as_deref().unwrap();
    let release = shop.until(release, |release| release.closed).await;
    assert_eq!((release.state.as_str(), release.gitops_commit), ("superseded", None));

    let body = json!({"environment": "prod", "artifact": old.id});
    let asked = shop.owner.post("/api/v1/releases", body).await;
    assert_eq!(asked.status(), 201);
    let asked: Vec<Release> = asked.json().await.unwrap();
    let back = shop.until(&asked[0].id, |release| release.gitops_commit.is_some()).await;
    assert!(shop.deployed(&back.gitops_commit.unwrap()).contains("old"));
}

#[tokio::test]
async fn another_repository_cannot_take_an_application_over() {
    let shop = Shop::given(Source::with(&on_push("ours"))).await;
    let ours = shop.artifacts().await.remove(0);
    assert!(shop.until_written(&ours).await.contains("ours"));

    let other = Source::with(&on_push("theirs"));
    let url = format!("file://{}", other.host().display());
    let added = json!({"url": url, "name": "other/shop"});
    assert_eq!(shop.owner.post("/api/v1/repositories", added).await.status(), 201);
    let theirs = eventually(async || {
        let of_it = |release: &Release| release.repository.as_deref() == Some("other/shop");
        shop.releases().await.into_iter().find(|release| of_it(release) && release.closed)
    })
    .await;
    assert_eq!(theirs.state, "failed", "{theirs:?}");
    assert_eq!(theirs.cause.as_ref().unwrap().code, "owned_by_another");
    assert_eq!(theirs.gitops_commit, None);
}

#[tokio::test]
async fn the_first_push_to_a_repository_that_was_added_empty_is_a_push_on_every_branch() {
    let shop = Shop::given(Source::new()).await;
    shop.source.write("prod.yaml", &on_push("1"));
    shop.source.commit("First");
    shop.source.git(&["checkout", "-q", "-b", "feature"]);
    let feature = shop.source.commit("On a branch");
    shop.source.push(&["main", "feature"]);
    shop.look().await;
    let artifact = shop.artifact(&feature, "push").await;
    assert!(artifact.decisions[0].releases, "{artifact:?}");
}
