//! The installation itself.

use std::{io::Write as _, time::Duration};

use gimlet_installer::{
    options::{Install, Target},
    progress::{Outcome, Progress, Tense},
    steps::install,
};

use crate::{
    asking::{Asking, Attempt, CONFIG_MAP, GIT_REPOSITORY, SECRET, cluster, installed, stages},
    scripted::{Answer, Scripted, TOKEN, one_environment},
};

#[tokio::test]
#[ignore = "needs a cluster to write to"]
async fn a_second_run_changes_nothing() {
    installed().await;
    let cluster = cluster().await;
    for desired in stages().iter().flat_map(|stage| &stage.objects) {
        let outcome = cluster.bring(desired, Tense::Done).await.unwrap();
        assert_eq!(outcome, Outcome::Unchanged, "{}", desired.reference);
    }
}

#[tokio::test]
#[ignore = "needs a cluster to write to"]
async fn an_installation_keeps_the_git_password_and_a_dry_run_changes_nothing() {
    installed().await;
    let server = Scripted::start(Answer::Plan(one_environment())).await;
    let mut token = tempfile::NamedTempFile::new().unwrap();
    token.write_all(TOKEN.as_bytes()).unwrap();
    let options = Install {
        server: server.url.clone(),
        root_fingerprint: Some(server.fingerprint),
        root_file: None,
        token_file: token.path().to_owned(),
        git_credential_file: None,
        image: None,
        wait: Duration::ZERO,
        dry_run: true,
    };
    let target = Target { kubeconfig: None, context: None };
    let mut progress = Progress::plain(Box::new(std::io::sink()), Tense::WouldBe);
    install(&options, &target, &mut progress).await.unwrap();
    install(&options, &target, &mut progress).await.unwrap();

    let passwords = server.passwords.lock().unwrap().clone();
    assert_eq!(passwords.len(), 2);
    assert_eq!(passwords[0], passwords[1]);
    let owner = Asking::owner().await;
    let get = |kind, namespace, name| Attempt::Get { kind, namespace, name };
    owner.may_not(get(GIT_REPOSITORY, "flux-system", "builtin-green-apps"), "not found").await;
    owner
        .may_not(get(SECRET, "flux-system", "deploy-key-builtin-gitops-green-apps"), "not found")
        .await;
    owner.may(get(CONFIG_MAP, "infrastructure", "gimlet-agent-root")).await;
}
