//! Steps against an API server that keeps objects in memory.

use std::time::Duration;

use gimlet_shared::enrol::GitLocation;
use http::{Method, StatusCode};
use secrecy::SecretString;
use serde_json::json;
use tokio::time::Instant;

use super::{install::settle_access, scripted::Scripted, *};
use crate::{
    AppsAccess, Assignment, Environment, TrustedRoot,
    plan::{Flux, Inputs, Stage, plan},
    progress::{Outcome, Progress, Tense},
};

fn stages() -> Vec<Stage> {
    stages_with(AppsAccess::BuiltIn)
}

fn blue(apps_access: AppsAccess) -> Environment {
    let location = GitLocation { url: "http://git/x".into(), branch: "main".into() };
    Environment {
        name: "blue".into(),
        namespace: None,
        git_user: "flux".into(),
        infra: location.clone(),
        apps: location,
        apps_access,
    }
}

fn stages_with(apps_access: AppsAccess) -> Vec<Stage> {
    let root = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    plan(&Inputs {
        flux: Flux::Present,
        server: &"https://gimlet.example:9443".parse().unwrap(),
        root: &TrustedRoot::from_pem(root.cert.pem().as_bytes()).unwrap(),
        image: "gimlet-agent:1",
        token: Some(&"abc".parse().unwrap()),
        git_password: &SecretString::from("secret"),
        environments: &[blue(apps_access)],
    })
    .unwrap()
}

async fn run(server: &Scripted, stages: &[Stage], tense: Tense) -> anyhow::Result<usize> {
    let mut progress = Progress::plain(Box::new(std::io::sink()), tense);
    let deadline = Instant::now() + Duration::from_secs(60);
    apply(&server.cluster(), stages, tense, deadline, &mut progress).await
}

#[tokio::test]
async fn a_second_run_writes_nothing() {
    let (server, stages) = (Scripted::default(), stages());
    run(&server, &stages, Tense::Done).await.unwrap();
    let writes = server.writes();
    assert_eq!(writes, stages.iter().map(|stage| stage.objects.len()).sum::<usize>());
    run(&server, &stages, Tense::Done).await.unwrap();
    assert_eq!(server.writes(), writes);
}

/// What Flux would read an outside apps repository with, in a run with or without a credential.
async fn settled(server: &Scripted, credential: Option<&str>) -> AppsAccess {
    let mut assignment = Assignment {
        cluster: "blue".into(),
        agent_image: "gimlet-agent:1".into(),
        environments: vec![blue(AppsAccess::Public)],
    };
    let credential = credential.map(|text| text.parse().unwrap());
    let mut progress = Progress::plain(Box::new(std::io::sink()), Tense::Done);
    settle_access(&server.cluster(), &mut assignment, credential, &mut progress).await.unwrap();
    assignment.environments.remove(0).apps_access
}

#[tokio::test]
async fn a_credential_of_the_owners_is_written_once_and_stays_without_its_file() {
    let server = Scripted::default();
    assert!(matches!(settled(&server, None).await, AppsAccess::Public));
    let given = stages_with(settled(&server, Some("bot:canary")).await);
    run(&server, &given, Tense::Done).await.unwrap();
    let writes = server.writes();
    run(&server, &given, Tense::Done).await.unwrap();
    assert_eq!(server.writes(), writes);

    let kept = settled(&server, None).await;
    assert!(matches!(kept, AppsAccess::Kept), "{kept:?}");
    let without_file = stages_with(kept);
    run(&server, &without_file, Tense::Done).await.unwrap();
    let writes = server.writes();
    run(&server, &without_file, Tense::Done).await.unwrap();
    assert_eq!(server.writes(), writes);
    let secret = server.object("/secrets/deploy-key-builtin-gitops-blue-apps");
    assert_eq!(secret["data"]["password"], "Y2FuYXJ5");
}

#[tokio::test]
async fn a_credential_that_no_repository_needs_is_an_error() {
    let mut assignment = Assignment {
        cluster: "blue".into(),
        agent_image: "gimlet-agent:1".into(),
        environments: vec![blue(AppsAccess::BuiltIn)],
    };
    let mut progress = Progress::plain(Box::new(std::io::sink()), Tense::Done);
    let cluster = Scripted::default().cluster();
    let credential = Some("bot:canary".parse().unwrap());
    let settled = settle_access(&cluster, &mut assignment, credential, &mut progress).await;
    assert!(settled.unwrap_err().to_string().contains("--git-credential-file"));
}

#[tokio::test]
async fn a_dry_run_writes_nothing_on_an_empty_cluster_and_on_a_changed_one() {
    let (server, stages) = (Scripted::default(), stages());
    run(&server, &stages, Tense::WouldBe).await.unwrap();
    assert_eq!(server.writes(), 0);
    run(&server, &stages, Tense::Done).await.unwrap();
    let writes = server.writes();
    server.put("/deployments/gimlet-agent", |object| object["spec"]["replicas"] = json!(0));
    run(&server, &stages, Tense::WouldBe).await.unwrap();
    assert_eq!(server.writes(), writes);
}

#[tokio::test]
async fn what_was_changed_by_hand_is_put_right_and_what_is_the_owners_is_left() {
    let (server, stages) = (Scripted::default(), stages());
    run(&server, &stages, Tense::Done).await.unwrap();
    let writes = server.writes();
    server.put("/clusterroles/gimlet-agent", |object| object["rules"] = json!([]));
    server.put("/configmaps/gimlet-agent-policy", |object| {
        object["data"] = json!({"policy.yaml": "mine"})
    });
    server.put("/configmaps/gimlet-agent-cursor", |object| object["data"] = json!({"cursor": "7"}));
    run(&server, &stages, Tense::Done).await.unwrap();
    assert_eq!(server.writes(), writes + 1);
    assert_ne!(server.object("/clusterroles/gimlet-agent")["rules"], json!([]));
    assert_eq!(server.object("/configmaps/gimlet-agent-policy")["data"]["policy.yaml"], "mine");
}

#[tokio::test]
async fn a_conflict_is_told_and_nothing_is_forced() {
    let (server, stages) = (Scripted::default(), stages());
    run(&server, &stages, Tense::Done).await.unwrap();
    server.refuse(
        Method::PATCH,
        StatusCode::CONFLICT,
        "conflict with \"kubectl\": .metadata.labels",
    );
    let namespaces = stages.iter().find(|stage| stage.title == "Namespaces").unwrap();
    let outcome = server.cluster().bring(&namespaces.objects[0], Tense::Done).await.unwrap();
    assert!(matches!(outcome, Outcome::Conflict(with) if with.contains("kubectl")));
}

#[tokio::test]
async fn missing_rights_are_told_apart_from_a_refusing_policy() {
    let (server, stages) = (Scripted::default(), stages());
    server.refuse(Method::PATCH, StatusCode::FORBIDDEN, "User \"dev\" cannot patch namespaces");
    let error = run(&server, &stages, Tense::Done).await.unwrap_err().to_string();
    assert!(error.contains("may not apply Namespace infrastructure"), "{error}");
    assert!(error.contains("cluster-admin"), "{error}");

    server.refuse(
        Method::PATCH,
        StatusCode::FORBIDDEN,
        "admission webhook \"x\" denied the request",
    );
    let error = run(&server, &stages, Tense::Done).await.unwrap_err().to_string();
    assert!(error.starts_with("the cluster refused to apply Namespace infrastructure"), "{error}");
}

#[tokio::test]
async fn a_removal_takes_what_was_installed_but_what_serves_the_environments() {
    let server = Scripted::default();
    run(&server, &stages(), Tense::Done).await.unwrap();
    let mut progress = Progress::plain(Box::new(std::io::sink()), Tense::Done);
    uninstall(&server.cluster(), Tense::Done, &mut progress).await.unwrap();
    let writes = server.writes();
    uninstall(&server.cluster(), Tense::Done, &mut progress).await.unwrap();
    assert_eq!(server.writes(), writes);
    server.object("/configmaps/gimlet-agent-policy");
    server.object("/validatingadmissionpolicies/gimlet-sync-kustomizations");
    server.object("/gitrepositories/builtin-blue-apps");
    server.object("/namespaces/gimlet-builds");
}
