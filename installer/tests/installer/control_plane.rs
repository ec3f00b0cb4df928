//! What the installer asks of the control plane, and whom it believes.

use gimlet_installer::{
    ControlPlane, ControlPlaneError, EnrolmentToken, Fingerprint, TrustedRoot, fetch_root,
};
use gimlet_shared::enrol::{ClusterPlan, DescribeCluster};

use crate::scripted::{Answer, Scripted, TOKEN, one_environment};

async fn ask(
    server: &Scripted,
    root: &TrustedRoot,
    token: &str,
) -> Result<ClusterPlan, ControlPlaneError> {
    let token: EnrolmentToken = token.parse().unwrap();
    let question =
        DescribeCluster { kubernetes_version: "v1.34.4".into(), git_password_sha256: "00".into() };
    ControlPlane::new(server.url.clone(), root).unwrap().describe(&token, &question).await
}

fn foreign_root() -> TrustedRoot {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).unwrap();
    TrustedRoot::from_pem(made.cert.pem().as_bytes()).unwrap()
}

#[tokio::test]
async fn the_root_with_the_fingerprint_is_fetched_and_then_trusted() {
    let server = Scripted::start(Answer::Plan(one_environment())).await;
    let root = fetch_root(&server.url, server.fingerprint).await.unwrap();
    assert_eq!(root, server.root);
    assert_eq!(ask(&server, &root, TOKEN).await.unwrap().environments[0].name, "green");
}

#[tokio::test]
async fn a_root_with_another_fingerprint_is_refused() {
    let server = Scripted::start(Answer::Plan(one_environment())).await;
    let foreign = Fingerprint::of(&foreign_root().certificates()[0]);
    let error = fetch_root(&server.url, foreign).await.unwrap_err();
    assert!(error.to_string().contains("someone may be between"), "{error}");
}

#[tokio::test]
async fn a_token_goes_to_nobody_that_the_root_does_not_vouch_for() {
    let server = Scripted::start(Answer::Plan(one_environment())).await;
    let error = ask(&server, &foreign_root(), TOKEN).await.unwrap_err();
    assert!(matches!(error, ControlPlaneError::Unreachable { .. }), "{error}");
    assert!(server.passwords.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_token_that_is_not_good_any_more_is_told_with_its_remedy() {
    let server = Scripted::start(Answer::Plan(one_environment())).await;
    let error = ask(&server, &server.root, "another").await.unwrap_err();
    assert!(matches!(error, ControlPlaneError::TokenRefused));
    assert!(error.to_string().contains("make a new one on the fleet page"));
}

#[tokio::test]
async fn a_redirect_does_not_carry_the_token_away() {
    let server = Scripted::start(Answer::Redirect).await;
    let error = ask(&server, &server.root, TOKEN).await.unwrap_err();
    assert!(matches!(error, ControlPlaneError::Status { .. }), "{error}");
}

#[tokio::test]
async fn an_answer_that_is_no_answer_is_malformed() {
    for answer in [serde_json::json!({}), serde_json::json!("x".repeat(2 * 1024 * 1024))] {
        let server = Scripted::start(Answer::Plan(answer)).await;
        let error = ask(&server, &server.root, TOKEN).await.unwrap_err();
        assert!(matches!(error, ControlPlaneError::Malformed { .. }), "{error}");
    }
}
