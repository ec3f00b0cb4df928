//! Every rule of the format that a parser can hold against a text.

use serde_json::json;

use super::*;
use crate::policy::EventKind;

const FILE: &str = ".gimlet/web.yaml";

/// A good manifest with more lines in front.
fn with(lines: &str) -> String {
    format!("{lines}\napp: web\nenv: staging\nnamespace: default\nmanifests: |\n  kind: X\n")
}

fn good(text: &str) -> Parsed {
    parse_manifest(FILE, text).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

fn bad(text: &str) -> ManifestError {
    match parse_manifest(FILE, text) {
        Ok(_) => panic!("should be refused:\n{text}"),
        Err(error) => error,
    }
}

/// Asserts place, path and a part of the message.
fn assert_bad(text: &str, place: (usize, usize), path: &str, part: &str) {
    let error = bad(text);
    assert_eq!((error.line(), error.column()), (Some(place.0), Some(place.1)), "{text}\n{error}");
    assert_eq!(error.path(), path, "{text}\n{error}");
    assert!(error.message().contains(part), "{text}\n{error}");
}

#[test]
fn a_whole_manifest_is_read() {
    let text = "\
app: web
env: staging
namespace: my-team
deploy:
  branch: '!{main,master}'
  event: push
  commitMessagePatterns: ['*[web]*', fix*]
manifests: |
  apiVersion: v1
  kind: ConfigMap
";
    let Parsed { manifest, warnings } = good(text);
    assert_eq!((manifest.app.as_str(), manifest.env.as_str()), ("web", "staging"));
    assert_eq!(manifest.namespace, "my-team");
    assert_eq!(manifest.manifests.as_deref(), Some("apiVersion: v1\nkind: ConfigMap\n"));
    let deploy = manifest.deploy.unwrap();
    assert_eq!(deploy.event, Some(EventKind::Push));
    assert_eq!(deploy.branch.unwrap().as_str(), "!{main,master}");
    assert_eq!(deploy.commit_message_patterns.len(), 2);
    assert!(warnings.is_empty());
}

#[test]
fn scalars_keep_their_spelling() {
    for (written, read) in [
        ("on", "on"),
        ("0.10", "0.10"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("yes", "yes"),
        ("2024-01-01", "2024-01-01"),
        ("'on'", "on"),
        ("\"a\\u00e9\"", "aé"),
        ("!!str 1.10", "1.10"),
        ("!!str null", "null"),
    ] {
        let parsed = good(&with(&format!("deploy: {{event: push, branch: {written}}}")));
        assert_eq!(parsed.manifest.deploy.unwrap().branch.unwrap().as_str(), read, "{written}");
    }
}

#[test]
fn null_is_accepted_for_every_optional_field() {
    for null in ["", "~", "null", "Null", "NULL"] {
        for field in [
            "deploy",
            "chart",
            "values",
            "strategicMergePatches",
            "json6902Patches",
            "preview",
            "cleanup",
            "dependencies",
        ] {
            good(&with(&format!("{field}: {null}")));
        }
        for field in ["branch", "tag", "event", "commitMessagePatterns"] {
            let parsed = good(&with(&format!("deploy:\n  {field}: {null}")));
            assert!(parsed.manifest.deploy.is_none());
        }
    }
}

#[test]
fn an_empty_deploy_is_no_policy() {
    for deploy in
        ["deploy: {}", "deploy: {branch: ''}", "deploy: {commitMessagePatterns: []}", "deploy:"]
    {
        let parsed = good(&with(deploy));
        assert!(parsed.manifest.deploy.is_none() && parsed.warnings.is_empty(), "{deploy}");
    }
}

/// Every field of the format.
const WHOLE: &str = "\
app: web
env: staging
namespace: my-team
preview: yes
deploy: {event: push, branch: main}
cleanup: {app: 'web-{{ .BRANCH }}', event: branchDeleted, branch: 'feature/*'}
chart:
  repository: https://chart.onechart.dev
  name: onechart
  version: 0.10
  install: flux
values:
  replicas: 2
  image: {repository: nginx, tag: '1.10'}
  on: [true, ~, 1.5, {deep: x}]
strategicMergePatches: |
  kind: Deployment
json6902Patches:
  - patch: '[]'
    target: {group: apps, version: v1, kind: Deployment, name: web}
manifests: 'kind: X'
dependencies:
  - name: db
    kind: terraform
    spec:
      module: {url: 'https://git.test/m.git?tag=v1', secret: key}
      values: {size: 5}
      secret: more
";

#[test]
fn every_field_is_read() {
    let Parsed { manifest, warnings } = good(WHOLE);
    assert!(warnings.is_empty(), "{warnings:?}");
    assert!(manifest.preview);
    assert_eq!(manifest.cleanup.unwrap().app.as_str(), "web-{{ .BRANCH }}");
    let chart = manifest.chart.unwrap();
    assert_eq!((chart.name.as_str(), chart.version.as_str()), ("onechart", "0.10"));
    assert_eq!(chart.install, crate::chart::Install::Flux);
    assert_eq!(manifest.values.text(&["image", "tag"]).unwrap().as_str(), "1.10");
    assert_eq!(manifest.strategic_merge_patches.unwrap().as_str(), "kind: Deployment\n");
    assert_eq!(manifest.json_patches[0].target.kind.as_str(), "Deployment");
    let terraform = &manifest.dependencies[0].spec;
    assert_eq!(terraform.module.url.as_str(), "https://git.test/m.git?tag=v1");
    assert_eq!(terraform.secret.as_ref().unwrap().as_str(), "more");
}

#[test]
fn the_reference_knows_every_field() {
    let fields: Vec<String> = known_fields().collect();
    for field in ["chart.install", "cleanup.event", "dependencies[].spec.module.url"] {
        assert!(fields.iter().any(|known| known == field), "{field}");
    }
}

#[test]
fn the_parts_of_new_fields_are_checked() {
    for (line, place, path, part) in [
        ("preview: maybe", (1, 10), "preview", "must be `true` or `false`, but is `maybe`"),
        ("preview: [x]", (1, 10), "preview", "but is a list"),
        ("cleanup: {app: x}", (1, 10), "cleanup.branch", "is missing"),
        ("cleanup: {branch: x}", (1, 10), "cleanup.app", "is missing"),
        ("cleanup: {event: branchDeleted}", (1, 10), "cleanup.app", "is missing"),
        ("cleanup: {app: x, branch: y, event: push}", (1, 37), "cleanup.event", "branchDeleted"),
        ("cleanup: {app: x, branches: y}", (1, 19), "cleanup.branches", "did you mean `branch`?"),
        ("cleanup: {app: x, branch: '[a'}", (1, 27), "cleanup.branch", "not a valid pattern"),
        ("chart: onechart", (1, 8), "chart", "must be a map of fields"),
        ("chart: {name: postgresql}", (1, 15), "chart.name", "no built-in chart"),
        ("chart: {name: onechart, version: new}", (1, 34), "chart.version", "neither a version"),
        ("chart: {name: x, repository: x}", (1, 30), "chart.repository", "no URL"),
        ("chart: {name: onechart, install: helm}", (1, 34), "chart.install", "`render` or `flux`"),
        ("values: x", (1, 9), "values", "must be a map of values, but is a text"),
        ("values: {a: [.inf]}", (1, 14), "values.a[0]", "no number of JSON"),
        ("strategicMergePatches: [x]", (1, 24), "strategicMergePatches", "must be a text"),
        ("json6902Patches: {}", (1, 18), "json6902Patches", "must be a list of patches"),
        ("json6902Patches: [{patch: x}]", (1, 19), "json6902Patches[0].target", "is missing"),
        ("json6902Patches: [{target: {}}]", (1, 19), "json6902Patches[0].patch", "is missing"),
        (
            "json6902Patches: [{patch: [], target: {}}]",
            (1, 27),
            "json6902Patches[0].patch",
            "must be a text",
        ),
        ("dependencies: [{name: db}]", (1, 16), "dependencies[0].kind", "is missing"),
        (
            "dependencies: [{name: db, kind: x}]",
            (1, 33),
            "dependencies[0].kind",
            "must be `terraform`",
        ),
        (
            "dependencies: [{name: db, kind: terraform}]",
            (1, 16),
            "dependencies[0].spec",
            "is missing",
        ),
        (
            "dependencies: [{name: db, kind: terraform, spec: {}}]",
            (1, 50),
            "dependencies[0].spec.module",
            "is missing",
        ),
        (
            "dependencies: [{name: db, kind: terraform, spec: {module: {url: ../m}}}]",
            (1, 65),
            "dependencies[0].spec.module.url",
            "is no git repository",
        ),
    ] {
        assert_bad(&with(line), place, path, part);
    }
}

#[test]
fn unknown_parts_of_new_fields_are_warned_about() {
    for (line, path, name) in [
        ("chart: {name: onechart, versoin: 1.0.0}", "chart.versoin", "version"),
        (
            "json6902Patches: [{patch: x, target: {knd: X}}]",
            "json6902Patches[0].target.knd",
            "kind",
        ),
    ] {
        let warnings = good(&with(line)).warnings;
        assert_eq!((warnings.len(), warnings[0].path()), (1, path), "{warnings:?}");
        assert!(
            warnings[0].message().contains(&format!("did you mean `{name}`?")),
            "{}",
            warnings[0]
        );
    }
}

#[test]
fn scalars_that_mean_something_else_to_helm_are_warned_about() {
    for (written, part) in [
        ("1.10", "the number 1.1"),
        ("0777", "the number 511"),
        ("1_000", "the number 1000"),
        ("0x1F", "the number 31"),
        ("on", "the truth `true`"),
        ("no", "the truth `false`"),
        ("12345678901234567890", "the number 12345678901234567000"),
    ] {
        let line = format!("chart: {{name: onechart}}\nvalues: {{image: {{tag: {written}}}}}");
        let warnings = good(&with(&line)).warnings;
        assert_eq!(warnings.len(), 1, "{written}: {warnings:?}");
        assert_eq!((warnings[0].line(), warnings[0].path()), (Some(2), "values.image.tag"));
        assert!(warnings[0].message().contains(part), "{}", warnings[0]);
    }
    for written in ["2", "0.5", "-3", "1e6", "true", "False", "'1.10'", "v1.10", "1.2.3", "~"] {
        let line = format!("chart: {{name: onechart}}\nvalues: {{tag: {written}}}");
        assert!(good(&with(&line)).warnings.is_empty(), "{written}");
    }
}

#[test]
fn values_without_a_chart_are_warned_about() {
    let warnings = good(&with("values: {replicas: 2}")).warnings;
    assert_eq!((warnings.len(), warnings[0].path()), (1, "values"));
}

#[test]
fn optional_fields_may_stand_empty() {
    for line in [
        "chart: {}",
        "chart: {name: '', repository: '', version: ''}",
        "chart: {repository: 'https://x'}",
        "values: {}",
        "strategicMergePatches: ''",
        "json6902Patches: []",
        "preview: false",
        "preview: no",
        "cleanup: {}",
        "dependencies: []",
    ] {
        assert!(good(&with(line)).warnings.is_empty(), "{line}");
    }
}

#[test]
fn unknown_fields_are_warned_about_with_a_suggestion() {
    let parsed = good(&with("enviroment: x\nnameSpace: y\ndeplyo: {}\nfoo: 1"));
    let warnings: Vec<String> = parsed.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 4);
    assert!(
        warnings[0].starts_with(".gimlet/web.yaml:1:1: enviroment: is not a field"),
        "{}",
        warnings[0]
    );
    assert!(warnings[1].contains("did you mean `namespace`?"), "{}", warnings[1]);
    assert!(warnings[2].contains("did you mean `deploy`?"), "{}", warnings[2]);
    assert!(!warnings[3].contains("did you mean"), "{}", warnings[3]);
}

#[test]
fn a_flood_of_unknown_fields_is_told_in_part() {
    let many: String = (0..1000).map(|index| format!("field{index}: x\n")).collect();
    assert_eq!(good(&with(&many)).warnings.len(), fields::MAX_WARNINGS);
}

#[test]
fn unknown_fields_of_deploy_are_errors() {
    assert_bad(
        &with("deploy: {event: push, branches: main}"),
        (1, 23),
        "deploy.branches",
        "did you mean `branch`?",
    );
    assert_bad(&with("deploy:\n  Event: push"), (2, 3), "deploy.Event", "did you mean `event`?");
    assert_bad(&with("deploy:\n  on: push"), (2, 3), "deploy.on", "not a field of `deploy`");
}

#[test]
fn names_are_case_sensitive() {
    assert_bad("App: web\nenv: e\nnamespace: n\nmanifests: x\n", (1, 1), "app", "is missing");
}

#[test]
fn required_fields_are_missed() {
    for (field, text) in [
        ("app", "env: e\nnamespace: n\nmanifests: x"),
        ("env", "app: a\nnamespace: n\nmanifests: x"),
        ("namespace", "app: a\nenv: e\nmanifests: x"),
        ("app", "app:\nenv: e\nnamespace: n\nmanifests: x"),
        ("env", "app: a\nenv: ~\nnamespace: n\nmanifests: x"),
    ] {
        assert_bad(text, (1, 1), field, &format!("add `{field}: …`"));
    }
}

#[test]
fn a_manifest_without_objects_is_refused() {
    for manifests in ["", "manifests:", "manifests: ''", "manifests: |\n  \n", "chart: {name: ''}"]
    {
        let text = format!("app: a\nenv: e\nnamespace: n\n{manifests}\n");
        assert_bad(&text, (1, 1), "", "no chart and no manifests");
    }
}

#[test]
fn names_without_templates_are_checked_at_once() {
    for (app, part) in [
        ("''", "is empty"),
        ("flux", "reserved"),
        ("../other", "not a valid name"),
        ("My-App", "not a valid name"),
        ("a.b", "not a valid name"),
        (&"a".repeat(54), "54 characters"),
    ] {
        let text = format!("app: {app}\nenv: e\nnamespace: n\nmanifests: x\n");
        assert_bad(&text, (1, 6), "app", part);
    }
    assert_bad("app: a\nenv: ../x\nnamespace: n\nmanifests: x\n", (2, 6), "env", "not a name");
    assert_bad(
        "app: a\nenv: e\nnamespace: N\nmanifests: x\n",
        (3, 12),
        "namespace",
        "not a valid name",
    );
}

#[test]
fn names_with_templates_are_checked_later() {
    good("app: '{{ .X }}'\nenv: '{{ .Y }}'\nnamespace: '{{ .Z }}'\nmanifests: x\n");
}

#[test]
fn wrong_types_are_errors() {
    for (line, place, path, part) in [
        ("deploy: push", (1, 9), "deploy", "must be a map of fields, but is a text"),
        ("deploy: [push]", (1, 9), "deploy", "must be a map of fields, but is a list"),
        ("deploy: {branch: [main]}", (1, 18), "deploy.branch", "must be a text, but is a list"),
        ("deploy: {tag: {a: b}}", (1, 15), "deploy.tag", "must be a text, but is a map"),
        ("deploy: {event: [push]}", (1, 17), "deploy.event", "must be a text"),
        (
            "deploy: {commitMessagePatterns: x}",
            (1, 33),
            "deploy.commitMessagePatterns",
            "must be a list of texts",
        ),
        (
            "deploy: {commitMessagePatterns: [a, [b]]}",
            (1, 37),
            "deploy.commitMessagePatterns[1]",
            "must be a text",
        ),
        (
            "deploy: {commitMessagePatterns: [a, ~]}",
            (1, 37),
            "deploy.commitMessagePatterns[1]",
            "is empty",
        ),
    ] {
        assert_bad(&with(line), place, path, part);
    }
    assert_bad("app: [a]\nenv: e\nnamespace: n\nmanifests: x", (1, 6), "app", "must be a text");
    assert_bad(
        "app: a\nenv: e\nnamespace: n\nmanifests:\n  a: b",
        (5, 3),
        "manifests",
        "must be a text, but is a map",
    );
    assert_bad("- a", (1, 1), "", "must be a map of fields, but is a list");
    assert_bad("just text", (1, 1), "", "must be a map of fields, but is a text");
}

#[test]
fn events_are_push_tag_or_pr() {
    for (word, event) in
        [("push", EventKind::Push), ("tag", EventKind::Tag), ("pr", EventKind::PullRequest)]
    {
        let parsed = good(&with(&format!("deploy: {{event: {word}}}")));
        assert_eq!(parsed.manifest.deploy.unwrap().event, Some(event));
    }
    for word in ["Push", "pull_request", "pushed", "true"] {
        assert_bad(
            &with(&format!("deploy: {{event: {word}}}")),
            (1, 17),
            "deploy.event",
            "`push`, `tag` or `pr`",
        );
    }
}

#[test]
fn malformed_globs_are_errors_with_their_place() {
    for (line, place, path) in [
        ("deploy: {event: push, branch: '[abc'}", (1, 31), "deploy.branch"),
        ("deploy: {event: tag, tag: '{v1'}", (1, 27), "deploy.tag"),
        ("deploy: {event: push, branch: '!'}", (1, 31), "deploy.branch"),
        ("deploy: {event: push, branch: 'x{}'}", (1, 31), "deploy.branch"),
        ("deploy: {event: push, branch: '[c-a]'}", (1, 31), "deploy.branch"),
        ("deploy: {commitMessagePatterns: [a, '{b']}", (1, 37), "deploy.commitMessagePatterns[1]"),
    ] {
        assert_bad(&with(line), place, path, "is not a valid pattern");
    }
    good(&with("deploy: {commitMessagePatterns: ['[abc']}"));
}

#[test]
fn policies_that_never_deploy_are_warned_about() {
    let parsed = good(&with("deploy:\n  branch: main"));
    assert_eq!(parsed.warnings.len(), 1);
    assert_eq!((parsed.warnings[0].line(), parsed.warnings[0].path()), (Some(2), "deploy"));
    assert!(parsed.warnings[0].message().contains("add `event: push`"));
}

#[test]
fn duplicate_keys_are_errors() {
    assert_bad(
        &with("app: other\nfoo: x"),
        (3, 1),
        "app",
        "set twice; it stands on line 1 already",
    );
    assert_bad(&with("deploy:\n  event: push\n  event: tag"), (3, 3), "deploy.event", "line 2");
    assert_bad(&with("x: {a: 1, a: 2}"), (1, 11), "x.a", "set twice");
}

#[test]
fn unknown_tags_are_errors_that_say_quote_it() {
    assert_bad(
        &with("deploy: {event: push, branch: !main}"),
        (1, 31),
        "deploy.branch",
        "quote it: \"!main\"",
    );
    assert_bad(
        &with("deploy:\n  event: push\n  branch: !main"),
        (3, 11),
        "deploy.branch",
        "quote it",
    );
    assert_bad(&with("deploy: {event: tag, tag: !v* x}"), (1, 27), "deploy.tag", "quote it");
    assert_bad(
        &with("deploy: {commitMessagePatterns: [!x]}"),
        (1, 34),
        "deploy.commitMessagePatterns[0]",
        "quote it",
    );
    assert_bad(&with("foo: !include x"), (1, 6), "foo", "quote it");
    assert_bad(&with("foo: !x {a: b}"), (1, 6), "foo", "quote it");
    assert_bad(
        &with("deploy: {event: push, branch: ! main}"),
        (1, 31),
        "deploy.branch",
        "quote it",
    );
    good(&with("foo: !!int 3\nbar: !!map {}"));
}

#[test]
fn unquoted_templates_are_errors_that_say_quote_it() {
    for line in ["tag: {{ .SHA }}", "namespace2: {{ .X }}-suffix", "list:\n  - {{ .X }}"] {
        let error = bad(&with(line));
        assert!(error.message().contains("must be quoted"), "{line}: {error}");
        assert!(error.line().is_some_and(|line| line <= 3), "{error}");
    }
    good(&with("foo: v{{ .X }}"));
}

#[test]
fn a_second_document_is_an_error_unless_it_is_empty() {
    let text = with("");
    good(&format!("---\n{text}---\n"));
    good(&format!("---\n---\n{text}...\n"));
    good(&format!("{text}---\n# nothing\n"));
    assert_bad(&format!("{text}---\napp: other\n"), (8, 1), "", "second document");
}

#[test]
fn an_empty_file_is_an_error() {
    for text in ["", "\n\n", "# only a comment\n", "---\n", "---\n---\n", "~"] {
        assert_bad(text, (1, 1), "", "is empty");
    }
}

#[test]
fn anchors_and_merge_keys_are_understood() {
    let parsed = good(&with("x: &policy {event: push, branch: main}\ndeploy: *policy"));
    assert_eq!(parsed.manifest.deploy.unwrap().branch.unwrap().as_str(), "main");
    let parsed = good(&with("x: &p {event: push, branch: main}\ndeploy: {<<: *p, branch: dev}"));
    let deploy = parsed.manifest.deploy.unwrap();
    assert_eq!(
        (deploy.event, deploy.branch.unwrap().as_str().to_owned()),
        (Some(EventKind::Push), "dev".to_owned())
    );
    let parsed =
        good(&with("x: &p {event: push}\ny: &q {event: tag, branch: a}\ndeploy: {<<: [*p, *q]}"));
    assert_eq!(parsed.manifest.deploy.unwrap().event, Some(EventKind::Push));
    assert_bad(&with("deploy: {<<: x}"), (1, 10), "deploy.<<", "takes a map");
}

#[test]
fn broken_yaml_is_an_error_with_its_place() {
    for text in [
        "app: [",
        "app: 'x",
        "a: b: c",
        "\tapp: x",
        "app: *nope",
        "a: &x [*x]",
        "{",
        "app: \"\\q\"",
    ] {
        let error = bad(text);
        assert!(error.line().is_some() && error.column().is_some(), "{text:?}: {error}");
        assert!(!error.to_string().contains('\n'), "{text:?}: {error}");
    }
}

#[test]
fn budgets_end_hostile_texts() {
    assert_bad(&"#".repeat(yaml::MAX_TEXT + 1), (1, 1), "", "larger than 1024 KiB");
    for deep in ["[".repeat(5000), "{a: ".repeat(5000), "- ".repeat(5000)] {
        bad(&deep);
    }
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let alias = format!("*a{}", level - 1);
        laughs += &format!("a{level}: &a{level} [{}]\n", [alias.as_str(); 10].join(", "));
    }
    assert!(bad(&with(&laughs)).message().contains("are aliases nested?"));
}

#[test]
fn a_byte_order_mark_is_skipped() {
    good(&format!("\u{feff}{}", with("").trim_start()));
}

#[test]
fn windows_line_ends_are_understood() {
    let parsed = good(&with("deploy:\n  event: push").replace('\n', "\r\n"));
    assert_eq!(parsed.manifest.manifests.as_deref(), Some("kind: X\n"));
}

#[test]
fn json_is_read_with_keys_in_any_case() {
    let value = json!({
        "App": "web", "ENV": "staging", "namespace": "default", "unknown": {"a": 1},
        "Deploy": {"Branch": "main", "event": "push", "commitmessagepatterns": null, "other": 1},
        "Manifests": "kind: X", "chart": {"name": "", "repository": ""}, "values": null, "preview": null,
    });
    let Parsed { manifest, warnings } = parse_manifest_json("artifact", &value).unwrap();
    assert_eq!((manifest.app.as_str(), manifest.env.as_str()), ("web", "staging"));
    let deploy = manifest.deploy.unwrap();
    assert_eq!(
        (deploy.event, deploy.branch.unwrap().as_str().to_owned()),
        (Some(EventKind::Push), "main".to_owned())
    );
    assert!(warnings.is_empty());
}

#[test]
fn json_errors_name_the_path() {
    let base = json!({"app": "web", "env": "staging", "namespace": "n", "manifests": "kind: X"});
    for (key, value, path, part) in [
        ("app", json!(5), "app", "must be a text, but is a number or boolean"),
        ("namespace", json!(true), "namespace", "must be a text"),
        ("Chart", json!({"Name": "nope"}), "chart.name", "no built-in chart"),
        ("preview", json!(5), "preview", "must be `true` or `false`"),
        ("deploy", json!({"event": 1}), "deploy.event", "must be a text"),
        ("deploy", json!({"event": "x"}), "deploy.event", "`push`, `tag` or `pr`"),
        ("deploy", json!([]), "deploy", "must be a map"),
        ("env", json!(null), "env", "is missing"),
    ] {
        let mut manifest = base.clone();
        manifest[key] = value;
        let error = parse_manifest_json("artifact", &manifest).unwrap_err();
        assert_eq!((error.path(), error.line()), (path, None), "{error}");
        assert!(error.message().contains(part), "{error}");
    }
    assert!(parse_manifest_json("artifact", &json!([])).is_err());
}

#[test]
fn a_manifest_survives_the_way_through_json() {
    let manifest = good(WHOLE).manifest;
    let json = serde_json::to_value(&manifest).unwrap();
    let parsed = parse_manifest_json(FILE, &json).unwrap();
    assert!(parsed.warnings.is_empty(), "{:?}", parsed.warnings);
    assert_eq!(serde_json::to_value(&parsed.manifest).unwrap(), json);
    assert_eq!(json["values"]["replicas"], json!(2));
    assert_eq!(json["chart"]["install"], json!("flux"));
}

#[test]
fn a_bad_file_does_not_harm_the_others() {
    let files = [
        ("b.yaml", with("")),
        ("a.yml", with("").replace("web", "api")),
        ("broken.yaml", "app: [".to_owned()),
        ("README.md", "app: [".to_owned()),
        ("vars", "A=b".to_owned()),
        ("old.cue", "app: \"x\"".to_owned()),
    ];
    let outcome = parse_folder(&files);
    let names: Vec<&str> = outcome.manifests.iter().map(Manifest::file).collect();
    assert_eq!(names, ["a.yml", "b.yaml"]);
    assert_eq!(outcome.errors.len(), 1);
    assert_eq!(outcome.errors[0].file(), "broken.yaml");
    assert_eq!(outcome.warnings.len(), 1);
    assert!(outcome.warnings[0].message().contains("export it to YAML"));
}

#[test]
fn two_files_for_one_application_are_errors_for_both() {
    let files = [
        ("a.yaml", with("")),
        ("b.yaml", with("")),
        ("c.yaml", with("").replace("staging", "production")),
    ];
    let outcome = parse_folder(&files);
    assert_eq!(outcome.manifests.len(), 1);
    assert_eq!(outcome.manifests[0].file(), "c.yaml");
    let errors: Vec<String> = outcome.errors.iter().map(ToString::to_string).collect();
    assert_eq!(errors.len(), 2);
    assert!(
        errors[0].starts_with("a.yaml:2:6: app: ") && errors[0].contains("b.yaml"),
        "{}",
        errors[0]
    );
    assert!(
        errors[1].starts_with("b.yaml:2:6: app: ") && errors[1].contains("a.yaml"),
        "{}",
        errors[1]
    );
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "(?s).*", special in "[a:{}\\[\\],&*!|>'\"% \n#?-]{0,60}") {
        let _ = parse_manifest("x", &text);
        let _ = parse_manifest("x", &special);
        let _ = parse_manifest("x", &with(&special));
    }
}
