//! Charts of manifests: what is made of them, and how their refusals read.

use std::sync::Arc;

use gimlet_helm::chart::load::{self, LoadLimits};
use gimlet_helm::{Dialect, chart::Chart as Loaded};

use super::super::*;
use super::file_name;
use crate::parse::parse_manifest;
use crate::resolve::resolve;
use crate::variables::Variables;

const SERVICE: &str = "\
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
  namespace: {{ .Release.Namespace }}
spec: {ports: [{port: {{ .Values.port }}}]}
";

const DEPLOYMENT: &str = "\
# Runs it.
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ include \"c.name\" . }}}
spec: {replicas: {{ .Values.replicas }}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ include \"c.name\" . }}, labels: {kube: {{ .Capabilities.KubeVersion.Version | quote }}}}
";

fn chart(files: &[(&str, &str)]) -> Arc<Loaded> {
    let mut all = vec![
        ("Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.2.3\n"),
        ("values.yaml", "replicas: 1\nport: 80\n"),
        ("templates/_names.tpl", "{{ define \"c.name\" }}{{ .Release.Name }}{{ end }}"),
    ];
    all.retain(|(path, _)| !files.iter().any(|(other, _)| other == path));
    all.extend(files);
    let files =
        all.into_iter().map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).collect();
    Arc::new(load::files(files, Dialect::Helm3, LoadLimits::default()).unwrap())
}

fn web() -> Arc<Loaded> {
    chart(&[("templates/service.yaml", SERVICE), ("templates/deployment.yaml", DEPLOYMENT)])
}

fn resolved(lines: &str) -> Resolved {
    let text = format!("app: web\nenv: e\nnamespace: shop\nchart: {{name: onechart}}\n{lines}");
    let parsed = parse_manifest("x.yaml", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let variables: Variables = [("SHA", "abc"), ("N", "3"), ("BRANCH", "x")].into_iter().collect();
    resolve(&parsed.manifest, &variables).unwrap_or_else(|error| panic!("{error}"))
}

fn rendered(chart: &Arc<Loaded>, lines: &str) -> Result<Rendered, ManifestError> {
    let inputs = RenderInputs { chart: Some(chart), ..RenderInputs::default() };
    render(&resolved(lines), &inputs)
}

fn good(chart: &Arc<Loaded>, lines: &str) -> Rendered {
    rendered(chart, lines).unwrap_or_else(|error| panic!("{error}"))
}

fn bad(chart: &Arc<Loaded>, lines: &str) -> ManifestError {
    rendered(chart, lines).expect_err(lines)
}

fn paths(rendered: &Rendered) -> Vec<&str> {
    rendered.files.iter().map(|file| file.path.as_str()).collect()
}

#[test]
fn each_template_has_a_file_of_its_own() {
    let rendered = good(&web(), "values: {replicas: 2}\n");
    assert_eq!(paths(&rendered), ["deployment.yaml", "service.yaml"]);
    // A chart's documents stand in the order in which they are installed.
    insta::assert_snapshot!(rendered.files[0].content, @r#"
    ---
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: web, labels: {kube: "v1.31.0"}}
    ---
    # Runs it.
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec: {replicas: 2}
    "#);
    assert!(rendered.files.iter().all(|file| file.content.ends_with('\n')));
    assert!(!rendered.files.iter().any(|file| file.content.contains("# Source")));
    let objects: Vec<String> = rendered.objects.iter().map(ToString::to_string).collect();
    assert_eq!(objects, ["ConfigMap web", "Service shop/web", "Deployment web"]);
    assert!(rendered.warnings.is_empty(), "{:?}", rendered.warnings);
}

#[test]
fn raw_objects_follow_in_a_file_of_their_own() {
    let raw = "manifests: |\n  # Mine.\n  apiVersion: v1\n  kind: Secret\n  metadata: {name: s}\n";
    let rendered = good(&web(), raw);
    assert_eq!(paths(&rendered), ["deployment.yaml", "manifest.yaml", "service.yaml"]);
    assert_eq!(
        rendered.files[1].content,
        "---\n# Mine.\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"
    );
    assert_eq!(rendered.objects.last().unwrap().kind, "Secret");
}

#[test]
fn an_object_of_the_chart_and_of_the_manifest_is_an_error() {
    let raw = "manifests: |\n  apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: web}\n";
    let error = bad(&web(), raw);
    assert_eq!(error.path(), "manifests");
    assert!(error.message().contains("stands in c/templates/deployment.yaml already"), "{error}");
}

#[test]
fn a_text_stays_a_text_and_a_number_a_number() {
    let chart = chart(&[(
        "templates/x.yaml",
        "apiVersion: v1\nkind: X\nmetadata: {name: x}\nspec: {{ toJson .Values.v }}\n",
    )]);
    let lines =
        "values: {v: {a: '{{ .N }}', b: 3, c: 1.50, d: yes, e: '1.10', '{{ .N }}': 0777}}\n";
    let content = &good(&chart, lines).files[0].content;
    let expected = r#"spec: {"3":511,"a":"3","b":3,"c":1.5,"d":true,"e":"1.10"}"#;
    assert!(content.contains(expected), "{content}");
}

#[test]
fn keys_that_become_the_same_are_an_error() {
    let text = "app: web\nenv: e\nnamespace: n\nchart: {name: onechart}\nvalues:\n  a:\n    x: 1\n    '{{ .X }}': 2\n";
    let manifest = parse_manifest("x.yaml", text).unwrap().manifest;
    let error = resolve(&manifest, &[("X", "x")].into_iter().collect()).unwrap_err();
    assert_eq!((error.path(), error.line()), ("values.a.x", Some(8)));
    assert!(error.message().contains("twice"), "{error}");
}

#[test]
fn a_missing_variable_in_values_is_named_with_its_place() {
    let text = "app: web\nenv: e\nnamespace: n\nchart: {name: onechart}\nvalues:\n  a:\n    - b: |\n        x\n        y {{ .NOPE }}\n";
    let manifest = parse_manifest("x.yaml", text).unwrap().manifest;
    let error = resolve(&manifest, &Variables::default()).unwrap_err();
    assert_eq!((error.path(), error.line(), error.column()), ("values.a[0].b", Some(9), Some(14)));
    assert!(error.message().contains("variable `NOPE` is not set"), "{error}");
}

#[test]
fn hooks_tests_definitions_and_notes_are_left_out() {
    let hook = |name: &str, event: &str| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}, annotations: {{helm.sh/hook: {event}}}}}\n"
        )
    };
    let (migrate, test) = (hook("migrate", "pre-install"), hook("probe", "test"));
    let chart = chart(&[
        ("templates/service.yaml", SERVICE),
        ("templates/migrate.yaml", &migrate),
        ("templates/tests/probe.yaml", &test),
        ("templates/NOTES.txt", "Thanks."),
        ("crds/kind.yaml", "kind: CustomResourceDefinition\n"),
    ]);
    let rendered = good(&chart, "");
    assert_eq!(paths(&rendered), ["service.yaml"]);
    let warnings: Vec<&str> = rendered.warnings.iter().map(|warning| warning.message()).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("Job migrate") && !warnings[0].contains("probe"), "{warnings:?}");
    assert!(warnings[1].contains("`crds/`"), "{warnings:?}");
}

#[test]
fn values_against_the_schema_are_told_by_their_pointers() {
    let schema = r#"{"properties": {"replicas": {"type": "integer"}, "image": {"properties": {"tag": {"type": "string"}}}}}"#;
    let chart = chart(&[("values.schema.json", schema), ("templates/service.yaml", SERVICE)]);
    let error = bad(&chart, "values:\n  image:\n    tag: 1.5\n  replicas: two\n");
    assert_eq!(error.path(), "values");
    for part in ["chart `c` 1.2.3", "/image/tag: 1.5 is not", "/replicas: \"two\" is not"] {
        assert!(error.message().contains(part), "{part}: {error}");
    }
    assert_eq!(error.line(), Some(7), "{error}");
    let error = bad(&chart, "values:\n  port: 80\n  replicas: two\n");
    assert_eq!((error.line(), error.column()), (Some(7), Some(13)));
}

#[test]
fn an_error_in_a_template_names_the_way_to_it() {
    let chart = chart(&[
        ("templates/_names.tpl", "{{ define \"c.name\" }}\n{{ .Values.a.b.c }}{{ end }}"),
        ("templates/x.yaml", "kind: X\nname: {{ include \"c.name\" . }}\n"),
    ]);
    let error = bad(&chart, "");
    assert_eq!((error.path(), error.line()), ("chart", Some(4)));
    assert_eq!(
        error.message(),
        "chart `c` 1.2.3 cannot be rendered with these values: nil pointer evaluating interface {}.b (at \
         c/templates/_names.tpl:2:11 in template `c.name`, included from c/templates/x.yaml:2:10); correct `values`, \
         or use another version of the chart"
    );
}

#[test]
fn what_a_chart_says_itself_is_told_alone() {
    let chart = chart(&[("templates/x.yaml", "{{ required \"set a host\" .Values.host }}")]);
    assert_eq!(
        bad(&chart, "").message(),
        "chart `c` 1.2.3 refuses these values: set a host (at c/templates/x.yaml:1:4)"
    );
}

#[test]
fn a_broken_chart_is_told_as_such() {
    let chart = chart(&[("templates/x.yaml", "a\n{{ nope }}")]);
    let error = bad(&chart, "");
    assert!(error.message().contains("is broken: function \"nope\" not defined"), "{error}");
    assert!(error.message().contains("(at c/templates/x.yaml:2:4)"), "{error}");
}

#[test]
fn documents_of_a_chart_must_be_objects_too() {
    let chart = chart(&[("templates/x.yaml", "apiVersion: v1\nkind: X\nmetadata: {name: 5}\n")]);
    let error = bad(&chart, "");
    assert_eq!(error.path(), "chart");
    assert!(error.message().contains("c/templates/x.yaml, line 3: metadata.name"), "{error}");
}

#[test]
fn a_chart_that_was_not_fetched_renders_nothing() {
    let error = render(&resolved(""), &RenderInputs::default()).unwrap_err();
    assert!(error.message().contains("was not fetched"), "{error}");
}

#[test]
fn a_chart_that_prints_nothing_is_an_error() {
    let chart = chart(&[("templates/x.yaml", "{{ if .Values.on }}a: 1{{ end }}")]);
    assert!(bad(&chart, "").message().contains("no object at all"));
}

#[test]
fn the_same_seed_gives_the_same_files() {
    let chart = chart(&[(
        "templates/x.yaml",
        "apiVersion: v1\nkind: X\nmetadata: {name: x}\ndata: {p: {{ randAlphaNum 20 | quote }}}\n",
    )]);
    let files = |seed: u8| {
        let draw = Draw { seed: [seed; 32], now: 0 };
        let inputs = RenderInputs { chart: Some(&chart), draw, ..RenderInputs::default() };
        render(&resolved(""), &inputs).unwrap().files
    };
    assert_eq!(files(1), files(1));
    assert_ne!(files(1), files(2));
}

#[test]
fn names_of_files_are_safe_for_flux() {
    for (source, file) in [
        ("c/templates/deployment.yaml", "deployment.yaml"),
        ("c/charts/d/templates/a/b.yml", "b.yml"),
        ("c/templates/x.tpl", "x.tpl.yaml"),
        ("c/templates/kustomization.yaml", "chart-kustomization.yaml"),
        ("c/templates/.hidden.yaml", "hidden.yaml"),
        ("c/templates/.yaml", "yaml.yaml"),
        ("c/templates/release.json", "release.json.yaml"),
        ("c/templates/a b\u{e9}.yaml", "a-b-.yaml"),
    ] {
        assert_eq!(file_name(source), file, "{source}");
    }
}

#[test]
fn dependencies_are_objects_of_flux() {
    let lines = "\
manifests: |
  apiVersion: v1
  kind: ConfigMap
  metadata: {name: raw}
dependencies:
  - name: db
    kind: terraform
    spec:
      module: {url: 'https://git.test/m.git?tag=v1&path=/azure/db/', secret: key}
      values: {size: 5, name: \"it's \\\"{{ .SHA }}\\\"\", list: [a]}
      secret: more
  - {name: plain, kind: Terraform, spec: {module: {url: 'https://git.test/n'}}}
";
    let rendered = good(&web(), lines);
    let file = rendered.files.iter().find(|file| file.path == "dependencies.yaml").unwrap();
    insta::assert_snapshot!(file.content, @r#"
    ---
    apiVersion: source.toolkit.fluxcd.io/v1
    kind: GitRepository
    metadata:
      name: web-db
      namespace: shop
    spec:
      interval: 24h
      ref:
        tag: v1
      secretRef:
        name: key
      url: https://git.test/m.git
    ---
    apiVersion: infra.contrib.fluxcd.io/v1alpha2
    kind: Terraform
    metadata:
      name: web-db
      namespace: shop
    spec:
      approvePlan: auto
      interval: 24h
      path: ./azure/db
      sourceRef:
        kind: GitRepository
        name: web-db
      vars:
      - name: list
        value:
        - a
      - name: name
        value: it's "abc"
      - name: size
        value: 5
      varsFrom:
      - kind: Secret
        name: more
      writeOutputsToSecret:
        name: web-db-output
    ---
    apiVersion: source.toolkit.fluxcd.io/v1
    kind: GitRepository
    metadata:
      name: web-plain
      namespace: shop
    spec:
      interval: 24h
      url: https://git.test/n
    ---
    apiVersion: infra.contrib.fluxcd.io/v1alpha2
    kind: Terraform
    metadata:
      name: web-plain
      namespace: shop
    spec:
      approvePlan: auto
      interval: 24h
      path: ./
      sourceRef:
        kind: GitRepository
        name: web-plain
      writeOutputsToSecret:
        name: web-plain-output
    "#);
}

#[test]
fn a_chart_that_flux_installs_is_a_release() {
    let lines = |chart: &str| {
        format!(
            "app: web\nenv: e\nnamespace: shop\nchart: {{{chart}, install: flux}}\nvalues: {{a: '{{{{ .SHA }}}}', b: 1}}\n"
        )
    };
    let files = |chart: &str| {
        let manifest = parse_manifest("x.yaml", &lines(chart)).unwrap().manifest;
        let resolved = resolve(&manifest, &[("SHA", "abc")].into_iter().collect()).unwrap();
        render(&resolved, &RenderInputs::default()).unwrap().files
    };
    let repository = files("name: onechart, repository: 'https://charts.test', version: ^1.0");
    assert_eq!(repository[0].path, "helmrelease.yaml");
    insta::assert_snapshot!(repository[0].content, @r#"
    ---
    apiVersion: source.toolkit.fluxcd.io/v1
    kind: HelmRepository
    metadata:
      name: web
      namespace: shop
    spec:
      interval: 10m
      url: https://charts.test
    ---
    apiVersion: helm.toolkit.fluxcd.io/v2
    kind: HelmRelease
    metadata:
      name: web
      namespace: shop
    spec:
      chart:
        spec:
          chart: onechart
          sourceRef:
            kind: HelmRepository
            name: web
          version: ^1.0
      interval: 10m
      releaseName: web
      values:
        a: abc
        b: 1
    "#);
    let oci = files("name: 'oci://reg.test/c', version: 1.2.3+a");
    let content = &oci[0].content;
    for part in [
        "kind: OCIRepository",
        "  ref:\n    tag: 1.2.3_a\n  url: oci://reg.test/c\n",
        "    mediaType: application/vnd.cncf.helm.chart.content.v1.tar+gzip\n    operation: copy\n",
        "  chartRef:\n    kind: OCIRepository\n    name: web\n",
    ] {
        assert!(content.contains(part), "{part}\n{content}");
    }
    let git = files("name: 'https://git.test/r.git?branch=main&path=c'");
    let content = &git[0].content;
    for part in [
        "  ref:\n    branch: main\n  url: https://git.test/r.git\n",
        "      chart: ./c\n      reconcileStrategy: Revision\n      sourceRef:\n        kind: GitRepository\n",
    ] {
        assert!(content.contains(part), "{part}\n{content}");
    }
}

#[test]
fn flux_installs_only_what_it_can_fetch() {
    for (chart, part) in [
        ("name: onechart", "built-in chart"),
        ("name: ./c", "cannot read a folder"),
        ("name: 'git@git.test:o/r.git'", "no keys for ssh"),
    ] {
        let text = format!("app: web\nenv: e\nnamespace: n\nchart: {{{chart}, install: flux}}\n");
        let manifest = parse_manifest("x.yaml", &text).unwrap().manifest;
        let resolved = resolve(&manifest, &Variables::default()).unwrap();
        let error = render(&resolved, &RenderInputs::default()).unwrap_err();
        assert_eq!((error.path(), error.line()), ("chart.install", Some(4)));
        assert!(error.message().contains(part), "{error}");
    }
}

#[test]
fn what_flux_will_make_can_be_seen() {
    let text = "app: web\nenv: e\nnamespace: shop\nchart: {name: c, repository: 'https://x.test', install: flux}\n";
    let manifest = parse_manifest("x.yaml", text).unwrap().manifest;
    let resolved = resolve(&manifest, &Variables::default()).unwrap();
    let chart = web();
    let inputs = RenderInputs { chart: Some(&chart), ..RenderInputs::default() };
    let plain = render_as_plain_objects(&resolved, &inputs).unwrap();
    assert_eq!(paths(&plain), ["deployment.yaml", "service.yaml"]);
}
