//! What raw objects render to, and which are refused.

use super::*;
use crate::parse::parse_manifest;
use crate::resolve::resolve;
use crate::variables::Variables;

fn resolved(manifests: &str) -> Resolved {
    let block: String = manifests.lines().map(|line| format!("  {line}\n")).collect();
    let text = format!("app: web\nenv: staging\nnamespace: shop\nmanifests: |\n{block}");
    let manifest = parse_manifest("x.yaml", &text).unwrap().manifest;
    resolve(&manifest, &[("SHA", "abc")].into_iter().collect::<Variables>()).unwrap()
}

fn good(manifests: &str) -> Rendered {
    render(&resolved(manifests), &RenderInputs::default())
        .unwrap_or_else(|error| panic!("{manifests}\n{error}"))
}

fn assert_bad(manifests: &str, parts: &[&str]) {
    let error = render(&resolved(manifests), &RenderInputs::default()).unwrap_err();
    for part in parts {
        assert!(error.message().contains(part), "{manifests}\nshould say {part:?}: {error}");
    }
    assert_eq!((error.path(), error.line()), ("manifests", Some(5)));
}

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n";

#[test]
fn documents_keep_their_text_in_one_file() {
    let rendered = good(
        "\
# The settings.
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: other} # here
data:
  text: |
    a
    ---b
---

---
# only a comment
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {sha: \"{{ .SHA }}\"}",
    );
    insta::assert_snapshot!(rendered.files[0].content, @r#"
    ---
    # The settings.
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: web, namespace: other} # here
    data:
      text: |
        a
        ---b
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: web
      labels: {sha: "abc"}
    "#);
    assert_eq!(rendered.files.len(), 1);
    assert_eq!(rendered.files[0].path, "manifest.yaml");
    assert!(rendered.files[0].content.ends_with('\n'));
    let objects: Vec<String> = rendered.objects.iter().map(ToString::to_string).collect();
    assert_eq!(objects, ["ConfigMap other/web", "Deployment web"]);
    assert_eq!((rendered.objects[0].group(), rendered.objects[1].group()), ("", "apps"));
    assert!(rendered.warnings.is_empty());
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    assert_eq!(good(CONFIG).files, good(CONFIG).files);
}

#[test]
fn namespaces_are_not_added() {
    let rendered = good(CONFIG);
    assert_eq!(rendered.objects[0].namespace, None);
    assert!(!rendered.files[0].content.contains("namespace"));
}

#[test]
fn lists_hold_objects() {
    let rendered = good(&format!(
        "apiVersion: v1\nkind: List\nitems:\n- {{{}}}\n- {{apiVersion: v1, kind: Service, metadata: {{name: b}}}}",
        "apiVersion: v1, kind: ConfigMap, metadata: {name: a}"
    ));
    let objects: Vec<String> = rendered.objects.iter().map(ToString::to_string).collect();
    assert_eq!(objects, ["ConfigMap a", "Service b"]);
    assert_bad(
        "apiVersion: v1\nkind: List\nitems:\n- a\n",
        &["document 1, line 4", "items[0]", "not a Kubernetes object"],
    );
    assert_bad("kind: List\nitems: []\n", &["apiVersion", "is missing"]);
    assert_bad(
        "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: List, items: []}]\n",
        &["items[0].metadata", "is missing"],
    );
}

#[test]
fn documents_that_are_no_objects_are_named_with_their_line() {
    for (document, parts) in [
        ("just text", &["document 2, line 6: is a text, not a Kubernetes object"][..]),
        ("- a\n- b", &["document 2, line 6: is a list"]),
        ("kind: X\nmetadata: {name: a}", &["document 2, line 6: apiVersion: is missing"]),
        ("apiVersion: v1\nmetadata: {name: a}", &["document 2, line 6: kind: is missing"]),
        ("apiVersion: v1\nkind: X", &["document 2, line 6: metadata: is missing"]),
        ("apiVersion: v1\nkind: X\nmetadata: a", &["metadata: is missing"]),
        ("apiVersion: v1\nkind: X\nmetadata: {}", &["metadata.name: is missing"]),
        ("apiVersion: v1\nkind: X\nmetadata:\n  generateName: a-", &["metadata.name: is missing"]),
        ("apiVersion: v1\nkind: X\nmetadata:\n  name: ~", &["metadata.name: is missing"]),
        ("apiVersion: v1\nkind: X\nmetadata:\n  name: ''", &["line 9: metadata.name: is empty"]),
        (
            "apiVersion: v1\nkind: X\nmetadata:\n  name: 123",
            &["line 9: metadata.name: `123` is no string", "quote it"],
        ),
        ("apiVersion: v1\nkind: X\nmetadata:\n  name: on", &["metadata.name: `on` is no string"]),
        (
            "apiVersion: v1\nkind: X\nmetadata:\n  name: [a]",
            &["metadata.name: must be a string, but is a list"],
        ),
        ("apiVersion: 1\nkind: X\nmetadata: {name: a}", &["line 6: apiVersion: `1` is no string"]),
        ("apiVersion: v1\nkind: true\nmetadata: {name: a}", &["line 7: kind: `true` is no string"]),
        (
            "apiVersion: v1\nkind: X\nmetadata: {name: a, namespace: 1}",
            &["metadata.namespace: `1` is no string"],
        ),
    ] {
        assert_bad(&format!("{CONFIG}---\n{document}\n"), parts);
    }
}

#[test]
fn broken_documents_are_named_with_their_line() {
    assert_bad(&format!("{CONFIG}---\na: [\n"), &["document 2, line", "not valid YAML"]);
    assert_bad(&format!("{CONFIG}---\na: 1\na: 2\n"), &["document 2, line 7: a: is set twice"]);
    assert_bad(&format!("{CONFIG}---\na: !x 2\n"), &["document 2, line 6: a: ", "quote it"]);
}

#[test]
fn an_object_that_stands_twice_is_an_error() {
    assert_bad(
        &format!("{CONFIG}---\n{CONFIG}"),
        &["document 2", "ConfigMap web stands in document 1 already"],
    );
    good(&format!("{CONFIG}---\n{}", CONFIG.replace("ConfigMap", "Service")));
    good(&format!("{CONFIG}---\n{CONFIG}  namespace: other\n"));
    let ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\n";
    assert_bad(
        &format!("{ingress}---\n{}", ingress.replace("/v1", "/v1beta1")),
        &["stands in document 1"],
    );
}

#[test]
fn secrets_in_clear_are_warned_about() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n";
    for data in ["data: {a: Yg==}", "stringData: {a: b}"] {
        let rendered = good(&format!("{CONFIG}---\n{secret}{data}\n"));
        assert_eq!(rendered.warnings.len(), 1, "{data}");
        let warning = rendered.warnings[0].message();
        assert!(warning.contains("document 2: Secret s goes to git in clear"), "{warning}");
    }
    for other in ["type: Opaque", "data: {}", "data: {a: ENC}\nsops: {mac: x}"] {
        assert!(good(&format!("{secret}{other}\n")).warnings.is_empty(), "{other}");
    }
    let sealed = secret.replace(
        "apiVersion: v1\nkind: Secret",
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret",
    );
    assert!(good(&format!("{sealed}spec: {{encryptedData: {{a: b}}}}\n")).warnings.is_empty());
}

#[test]
fn nothing_to_deploy_is_an_error() {
    for manifests in ["# nothing", "---\n---", "{{ if false }}x{{ end }}"] {
        assert_bad(manifests, &["no chart and no manifests"]);
    }
}

#[test]
fn a_document_may_start_on_the_line_of_its_marker() {
    let rendered = good(
        "--- {apiVersion: v1, kind: X, metadata: {name: a}}\n--- # b\napiVersion: v1\nkind: Z\nmetadata: {name: b}",
    );
    assert_eq!(rendered.objects.len(), 2);
    assert_eq!(rendered.files[0].content.matches("---\n").count(), 2);
}

#[test]
fn the_number_of_objects_is_limited() {
    let items = "{apiVersion: v1, kind: X, metadata: {name: aNUM}}";
    let items: Vec<String> =
        (0..1001).map(|index| items.replace("NUM", &index.to_string())).collect();
    assert_bad(
        &format!("apiVersion: v1\nkind: List\nitems: [{}]", items.join(",\n")),
        &["more than 1000 objects"],
    );
}

#[test]
fn values_that_grow_too_large_are_refused() {
    let manifest = parse_manifest(
        "x.yaml",
        "app: a\nenv: e\nnamespace: n\nmanifests: |\n  {{ .A }}{{ .A }}\n",
    )
    .unwrap();
    let large: Variables = [("A", "#".repeat(600_000))].into_iter().collect();
    let error = resolve(&manifest.manifest, &large).unwrap_err();
    assert!(error.message().contains("the output grows too large"), "{error}");
}

proptest::proptest! {
    #[test]
    fn no_document_panics(text in "[a:{}\\[\\],&*!|>'\"% \n#?.-]{0,80}") {
        let mut resolved = resolved(CONFIG);
        resolved.manifests = Some(text);
        let _ = render(&resolved, &RenderInputs::default());
    }
}
