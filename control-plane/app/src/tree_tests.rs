use gimlet_domain::time::Timestamp;
use gimlet_store::EventWord;

use super::*;

const PLACE: Place<'_> = Place {
    environment: "prod",
    app: "web",
    namespace: "shop",
    deadline: Duration::from_secs(300),
};

fn commit() -> Commit {
    Commit {
        sha: "ea9ab7cc31b2599bf4afcfd639da516ca27a4780".to_owned(),
        event: EventWord::Push,
        branch: Some("main".to_owned()),
        tag: None,
        source_branch: None,
        target_branch: None,
        message: "Sell \"more\"\n\nshoes".to_owned(),
        author_name: "Ana".to_owned(),
        author_email: "ana@example.com".to_owned(),
        committer_name: "Bea".to_owned(),
        committer_email: "bea@example.com".to_owned(),
        committed_at: Timestamp::from_seconds(1_790_000_000),
        url: None,
    }
}

fn release_json(commit: &Commit) -> String {
    let artifact = "art_0199674e1f6c7a3e8000000000000001".parse().expect("an id");
    let origin = Origin { repository: "acme/shop", artifact, commit, trigger: &Trigger::Policy };
    let line = PLACE.release_json(&origin);
    let line = String::from_utf8(line).expect("text");
    assert!(line.ends_with("}\n") && line.lines().count() == 1, "{line}");
    line
}

/// What each edit does, with the text of the files it writes below it.
fn shown(edits: &[Edit]) -> String {
    let text = |content: &[u8]| String::from_utf8_lossy(content).into_owned();
    let show = |edit: &Edit| match edit {
        Edit::ReplaceFolder { path, files } => {
            let files = files.iter().map(|(name, content)| format!("-- {name}\n{}", text(content)));
            format!("replace {path}\n{}", files.collect::<String>())
        }
        Edit::PutFile { path, content } => format!("put {path}\n{}", text(content)),
        Edit::DeleteFile { path } => format!("delete {path}\n"),
        Edit::DeleteFolder { path } => format!("delete folder {path}\n"),
        Edit::RestoreFolder { path, from } => format!("restore {path} from {from}\n"),
    };
    edits.iter().map(show).collect()
}

#[test]
fn a_deploy_writes_the_rendered_files_the_record_and_flux_s_objects() {
    let files = vec![RenderedFile {
        path: "deployment.yaml".to_owned(),
        content: "kind: Deployment\n".to_owned(),
    }];
    let artifact = "art_0199674e1f6c7a3e8000000000000001".parse().expect("an id");
    let trigger = Trigger::Person("ana".to_owned());
    let origin = Origin { repository: "acme/shop", artifact, commit: &commit(), trigger: &trigger };
    let edits = PLACE.deploy(files, &origin).expect("good paths");
    insta::assert_snapshot!(shown(&edits), @r#"
    replace web
    -- deployment.yaml
    kind: Deployment
    -- release.json
    {"app":"web","env":"prod","artifactId":"art_0199674e1f6c7a3e8000000000000001","triggeredBy":"ana","version":{"repositoryName":"acme/shop","sha":"ea9ab7cc31b2599bf4afcfd639da516ca27a4780","created":1790000000,"branch":"main","authorName":"Ana","authorEmail":"ana@example.com","committerName":"Bea","committerEmail":"bea@example.com","message":"Sell \"more\"\n\nshoes"},"gitopsRef":"","gitopsRepo":"","gitopsCommitStatus":"","gitopsCommitStatusDesc":""}
    put release.json
    {"app":"web","env":"prod","artifactId":"art_0199674e1f6c7a3e8000000000000001","triggeredBy":"ana","version":{"repositoryName":"acme/shop","sha":"ea9ab7cc31b2599bf4afcfd639da516ca27a4780","created":1790000000,"branch":"main","authorName":"Ana","authorEmail":"ana@example.com","committerName":"Bea","committerEmail":"bea@example.com","message":"Sell \"more\"\n\nshoes"},"gitopsRef":"","gitopsRepo":"","gitopsCommitStatus":"","gitopsCommitStatusDesc":""}
    put flux/namespace-shop.yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      annotations:
        kustomize.toolkit.fluxcd.io/prune: disabled
    put flux/kustomization-web.yaml
    apiVersion: kustomize.toolkit.fluxcd.io/v1
    kind: Kustomization
    metadata:
      name: builtin-prod-apps-shop-web
      namespace: flux-system
    spec:
      interval: 10m
      path: ./web
      prune: true
      retryInterval: 30s
      serviceAccountName: gimlet-apply-prod
      sourceRef:
        kind: GitRepository
        name: builtin-prod-apps
      targetNamespace: shop
      timeout: 300s
      wait: true
    "#);
}

#[test]
fn a_rollback_restores_the_folder_and_keeps_flux_s_objects() {
    let from = "ea9ab7cc31b2599bf4afcfd639da516ca27a4780".parse().expect("a commit");
    let edits = PLACE.roll_back(from).expect("good paths");
    insta::assert_snapshot!(shown(&edits), @r#"
    restore web from ea9ab7cc31b2599bf4afcfd639da516ca27a4780
    put flux/namespace-shop.yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      annotations:
        kustomize.toolkit.fluxcd.io/prune: disabled
    put flux/kustomization-web.yaml
    apiVersion: kustomize.toolkit.fluxcd.io/v1
    kind: Kustomization
    metadata:
      name: builtin-prod-apps-shop-web
      namespace: flux-system
    spec:
      interval: 10m
      path: ./web
      prune: true
      retryInterval: 30s
      serviceAccountName: gimlet-apply-prod
      sourceRef:
        kind: GitRepository
        name: builtin-prod-apps
      targetNamespace: shop
      timeout: 300s
      wait: true
    "#);
}

#[test]
fn a_deletion_takes_folder_and_kustomization_and_leaves_the_namespace() {
    let edits = PLACE.delete().expect("good paths");
    insta::assert_snapshot!(shown(&edits), @r#"
    delete folder web
    delete flux/kustomization-web.yaml
    "#);
}

#[test]
fn a_record_names_the_event_unless_it_is_a_push() {
    assert!(!release_json(&commit()).contains(r#""event""#));
    let pull = Commit {
        event: EventWord::PullRequest,
        branch: None,
        source_branch: Some("feature".to_owned()),
        target_branch: Some("main".to_owned()),
        ..commit()
    };
    let json = release_json(&pull);
    for part in [r#""event":"pr""#, r#""sourceBranch":"feature""#, r#""targetBranch":"main""#] {
        assert!(json.contains(part), "{part} is missing: {json}");
    }
    assert!(!json.contains(r#""branch""#), "{json}");
}

#[test]
fn the_record_alone_is_no_change() {
    let left_out = PLACE.compare_without().expect("good paths");
    let left_out: Vec<String> = left_out.iter().map(ToString::to_string).collect();
    assert_eq!(left_out, ["release.json", "web/release.json"]);
}
