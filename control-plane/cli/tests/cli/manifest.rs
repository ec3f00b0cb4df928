//! Manifests, checked and rendered without a server.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::world::World;

const MANIFEST: &str = r#"app: web
env: production
namespace: shop
manifests: |
  apiVersion: v1
  kind: ConfigMap
  metadata: {name: "{{ .APP }}"}
  data: {sha: "{{ .SHA }}", greeting: "{{ .GREETING }}"}
"#;

fn written(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn a_good_manifest_is_linted_in_silence_and_a_bad_one_says_where_it_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let good = written(&folder, "good.yaml", MANIFEST).display().to_string();
    let ran = World::new().run(&format!("manifest lint -f {good}")).await;
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
    let bad = written(&folder, "bad.yaml", "app: web\nenv: [a]\nnamespace: shop\n");
    let worse = written(&folder, "worse.yaml", "env: production\n");
    let args = format!("manifest lint -f {} -f {good} -f {}", bad.display(), worse.display());
    let ran = World::new().run(&args).await;
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    for says in ["bad.yaml:2:6: env: ", "worse.yaml:1:1: app: "] {
        assert!(ran.err.contains(says), "`{}` does not say `{says}`", ran.err);
    }
    let ran = World::new().stdin(MANIFEST).run("manifest lint --file -").await;
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[tokio::test]
async fn a_template_takes_variables_from_the_file_and_then_from_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = written(&folder, "web.yaml", MANIFEST).display().to_string();
    let vars = written(&folder, "vars", "GREETING=hello\n").display().to_string();
    let world = World::new().var("SHA", "8f31c2a").var("GREETING", "not this one");
    let args = format!("manifest template -f {manifest} --vars {vars}");
    insta::assert_snapshot!(world.run(&args).await.data(), @r#"
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: "web"}
    data: {sha: "8f31c2a", greeting: "hello"}
    "#);
    let out = folder.path().join("out.yaml");
    let ran = world.run(&format!("{args} -o {}", out.display())).await;
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    assert!(std::fs::read_to_string(out).unwrap().contains("greeting: \"hello\""));

    let ran = World::new().run(&args).await;
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("SHA") && ran.err.contains("--vars FILE"), "{}", ran.err);
    let ran = World::new().run("manifest template -f /nowhere.yaml").await;
    assert!(ran.err.starts_with("error: cannot read /nowhere.yaml: "), "{}", ran.err);
}

#[tokio::test]
async fn a_chart_is_rendered_with_its_values_and_a_wrong_one_is_named_without_other_advice() {
    let chart = "app: web\nenv: prod\nnamespace: shop\nchart: {name: web-application}\nvalues:\n  replicas: ";
    let ran = World::new().stdin(&format!("{chart}3\n")).run("manifest template -f -").await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("kind: Deployment") && ran.out.contains("replicas: 3"), "{}", ran.out);

    let ran = World::new().stdin(&format!("{chart}three\n")).run("manifest template -f -").await;
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("/replicas: \"three\" is not of type"), "{}", ran.err);
    assert!(!ran.err.contains("--vars"), "{}", ran.err);
}
