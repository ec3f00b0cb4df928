//! The built-in git server, asked by git itself.

use std::path::Path;

use gimlet_shared::enrol::{ClusterPlan, DescribeCluster};

use crate::harness::{Owner, TestServer, enrolment_token, git};

/// The address of a repository with credentials in it, as git takes them.
fn address(server: &TestServer, user: &str, password: &str, repository: &str) -> String {
    let host = server.url.strip_prefix("http://").unwrap();
    format!("http://{user}:{password}@{host}/git/acme/{repository}.git")
}

async fn run_git(folder: &Path, arguments: &[&str]) -> Result<(), String> {
    let (folder, arguments) =
        (folder.to_owned(), arguments.iter().map(|&a| a.to_owned()).collect::<Vec<_>>());
    let run = move || git(&folder, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

async fn given_environment(server: &TestServer) -> Owner {
    let owner = server.new_owner("acme").await;
    owner.given_cluster("prod").await;
    owner
}

#[tokio::test]
async fn a_person_clones_and_pushes_with_a_token() {
    let server = TestServer::start().await;
    let owner = given_environment(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let url = address(&server, "ana", &owner.token, "gitops-prod-infra");
    run_git(folder.path(), &["clone", "-q", &url, "work"]).await.unwrap();
    let work = folder.path().join("work");
    run_git(&work, &["checkout", "-q", "-B", "main"]).await.unwrap();
    std::fs::write(work.join("note.md"), "hello").unwrap();
    run_git(&work, &["add", "note.md"]).await.unwrap();
    run_git(&work, &["commit", "-q", "-m", "Add a note"]).await.unwrap();
    run_git(&work, &["push", "-q", "origin", "main"]).await.unwrap();

    run_git(folder.path(), &["clone", "-q", "-b", "main", &url, "again"]).await.unwrap();
    assert_eq!(std::fs::read_to_string(folder.path().join("again/note.md")).unwrap(), "hello");
}

#[tokio::test]
async fn a_stranger_gets_nothing_and_learns_nothing() {
    let server = TestServer::start().await;
    given_environment(&server).await;
    let stranger = server.new_owner("rival").await;
    let folder = tempfile::tempdir().unwrap();
    for repository in ["gitops-prod-apps", "gitops-absent-apps"] {
        let url = address(&server, "ana", &stranger.token, repository);
        let refused = run_git(folder.path(), &["clone", "-q", &url]).await.unwrap_err();
        assert!(refused.contains("not found"), "{refused}");
    }
    let url = address(&server, "ana", "gim_wrong", "gitops-prod-apps");
    let refused = run_git(folder.path(), &["clone", "-q", &url]).await.unwrap_err();
    assert!(refused.contains("Authentication failed"), "{refused}");
}

#[tokio::test]
async fn the_clusters_credential_reads_and_never_writes() {
    let server = TestServer::start().await;
    let owner = server.new_owner("acme").await;
    let connect = owner.given_cluster("prod").await;
    // `secret` as a hash.
    let password = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    let describe = DescribeCluster {
        kubernetes_version: "v1.34.4".to_owned(),
        git_password_sha256: password.to_owned(),
    };
    let plan = server
        .agent_client()
        .post(server.agent_url("/enrolment/cluster"))
        .bearer_auth(enrolment_token(&connect))
        .json(&describe);
    let plan: ClusterPlan = plan.send().await.unwrap().json().await.unwrap();
    assert_eq!(plan.environments[0].name, "prod");

    let folder = tempfile::tempdir().unwrap();
    let url = address(&server, &plan.environments[0].git_user, "secret", "gitops-prod-apps");
    run_git(folder.path(), &["clone", "-q", &url, "work"]).await.unwrap();
    let work = folder.path().join("work");
    run_git(&work, &["checkout", "-q", "-B", "main"]).await.unwrap();
    run_git(&work, &["commit", "-q", "--allow-empty", "-m", "Sneak in"]).await.unwrap();
    let refused = run_git(&work, &["push", "-q", "origin", "main"]).await.unwrap_err();
    assert!(refused.contains("403"), "{refused}");
}
