//! What patching promises besides being like kustomize, which the recorded cases show: order, errors, bounds.

use std::error::Error as _;

use super::*;

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: b}\n";

fn merged(documents: &str, merge: &str) -> Result<String, PatchError> {
    patch(documents, &Patches { strategic_merge: Some(merge), json6902: &[] })
}

fn json(documents: &str, patches: &[(&str, &str)]) -> Result<String, PatchError> {
    let patches: Vec<Json6902Patch> = patches
        .iter()
        .map(|(kind, text)| Json6902Patch {
            patch: (*text).to_owned(),
            target: Target { kind: Some((*kind).to_owned()), ..Target::default() },
        })
        .collect();
    patch(documents, &Patches { strategic_merge: None, json6902: &patches })
}

fn config(data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: web}}\n{data}\n")
}

#[test]
fn documents_keep_their_order_and_end_in_a_newline() {
    let other = CONFIG.replace("name: web", "name: a");
    let out = merged(&format!("{CONFIG}---\n{other}"), &config("data: {c: d}")).unwrap();
    insta::assert_snapshot!(out, @r"
    apiVersion: v1
    data:
      a: b
      c: d
    kind: ConfigMap
    metadata:
      name: web
    ---
    apiVersion: v1
    data:
      a: b
    kind: ConfigMap
    metadata:
      name: a
    ");
    assert!(out.ends_with("name: a\n"));
}

#[test]
fn without_objects_and_patches_there_is_nothing() {
    assert_eq!(patch("", &Patches::default()).unwrap(), "");
    assert_eq!(patch("---\n# nothing\n", &Patches::default()).unwrap(), "");
}

#[test]
fn strategic_merges_come_before_json_patches() {
    let json6902 = [Json6902Patch {
        patch: "- {op: test, path: /data/a, value: merged}\n- {op: remove, path: /data/a}\n"
            .to_owned(),
        target: Target::default(),
    }];
    let merge = config("data: {a: merged}");
    let patches = Patches { strategic_merge: Some(&merge), json6902: &json6902 };
    assert!(patch(CONFIG, &patches).unwrap().contains("data: {}"));
}

#[test]
fn patched_objects_are_patched_to_the_same_again() {
    let merge = config("data: {a: 0777, b: yes, d: 1e3, e: ~}");
    let once = merged(CONFIG, &merge).unwrap();
    assert_eq!(merged(&once, &merge).unwrap(), once);
    assert_eq!(patch(&once, &Patches::default()).unwrap(), once);
}

#[test]
fn errors_are_one_line_that_names_patch_object_and_place() {
    let two = format!("{}---\n{}", config("data: {a: c}"), config("data: {\"x\\ny\": {z: 1}}"));
    for (error, said) in [
        (
            merged(&config("data: {\"x\\ny\": z}"), &two).unwrap_err(),
            "strategicMergePatches, document 2: ConfigMap web (v1): data.x\\ny: is a text, and the patch has a map; \
             patch it with a text, or delete it with null first",
        ),
        (
            json(
                CONFIG,
                &[
                    ("ConfigMap", "[]"),
                    (
                        "ConfigMap",
                        "- {op: remove, path: /data/a}\n- {op: remove, path: \"/data/x\\ny\"}",
                    ),
                ],
            )
            .unwrap_err(),
            "json6902Patches[1].patch[1]: ConfigMap web (v1): remove `/data/x\\ny`: there is no `x\\ny`; add it with \
             `add`, or correct the path",
        ),
        (
            json(CONFIG, &[("Secret", "[]")]).unwrap_err(),
            "json6902Patches[0].target: no object matches kind `Secret`; correct it, or leave the patch out",
        ),
        (
            merged(&format!("{CONFIG}---\n{CONFIG}"), CONFIG).unwrap_err(),
            "strategicMergePatches, document 1: ConfigMap web (v1) is there 2 times; leave one of them",
        ),
        (
            json(CONFIG, &[("ConfigMap", "- {op: remove, path: /metadata}")]).unwrap_err(),
            "json6902Patches[0]: ConfigMap web (v1): would have no `metadata.name` any more; leave that field",
        ),
    ] {
        assert_eq!(error.to_string(), said);
    }
}

#[test]
fn what_the_readers_say_is_the_source_and_not_said_twice() {
    let error = merged("a: [", CONFIG).unwrap_err();
    assert_eq!(
        error.to_string(),
        "document 1: is not valid YAML; mend the place that the reader names"
    );
    assert!(error.source().unwrap().to_string().contains("line 1"));
}

#[test]
fn texts_that_are_too_large_are_refused() {
    let large = |size: usize| format!("# {}\n{CONFIG}", "x".repeat(size));
    for (error, said) in [
        (
            merged(&large(limits::MAX_DOCUMENTS), CONFIG),
            "document 1: a text of more than 16384 KiB",
        ),
        (merged(CONFIG, &large(limits::MAX_PATCH)), "document 1: a text of more than 1024 KiB"),
        (
            json(CONFIG, &[("", &large(limits::MAX_PATCH))]),
            "json6902Patches[0]: a text of more than",
        ),
    ] {
        let error = error.unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn too_many_objects_merges_and_operations_are_refused() {
    let many = |count: usize| {
        let items: Vec<String> = (0..count)
            .map(|at| format!("{{apiVersion: v1, kind: X, metadata: {{name: a{at}}}}}"))
            .collect();
        format!("apiVersion: v1\nkind: List\nitems: [{}]\n", items.join(",\n"))
    };
    let operations = format!("[{}]", vec!["{op: remove, path: /a}"; 10_001].join(","));
    for (error, said) in [
        (merged(&many(10_001), CONFIG), "more than 10000 objects are not patched"),
        (merged(CONFIG, &many(1001)), "more than 1000 objects"),
        (json(CONFIG, &[("", &operations)]), "patches of more than 10000 operations"),
    ] {
        let error = error.unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn aliases_and_copies_do_not_explode() {
    let lists: String = (1..9)
        .map(|at| format!("a{at}: &a{at} [{}]\n", vec![format!("*a{}", at - 1); 10].join(",")))
        .collect();
    let error = merged(&config(&format!("a0: &a0 [x]\n{lists}")), CONFIG).unwrap_err();
    assert!(error.source().unwrap().to_string().contains("more than 1000000 values"), "{error:?}");

    let copies = |path: &str| {
        let copies: Vec<String> =
            (0..60).map(|at| format!("{{op: copy, from: /data, path: {path}{at}}}")).collect();
        format!("[{}]", copies.join(","))
    };
    let error = json(CONFIG, &[("", &copies("/data/x"))]).unwrap_err().to_string();
    assert!(error.contains("with more than 1000000 values are not patched"), "{error}");
}

#[test]
fn objects_are_not_nested_without_end() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert!(merged(&config(&format!("data: {}", nested(190))), CONFIG).is_err());
    let deep = config(&format!("x: {}", nested(190)));
    assert!(merged(&deep, CONFIG).is_ok());
    let error = merged(&config(&format!("x: {}", nested(100_000))), CONFIG).unwrap_err();
    assert!(matches!(error, PatchError::Yaml { .. }), "{error}");

    let into_itself: Vec<String> = (0..300)
        .map(|at| format!("{{op: move, from: /x, path: /y}}, {{op: add, path: /x, value: {{}}}}, {{op: move, from: /y, path: /x/y{at}}}"))
        .collect();
    let error =
        json(&deep, &[("", &format!("[{}]", into_itself.join(",")))]).unwrap_err().to_string();
    assert!(error.contains("would be nested more than 199 levels deep"), "{error}");
}

#[test]
fn the_longest_lists_are_merged_in_no_time() {
    let ports = |from: usize, protocol: &str| -> String {
        let ports =
            (from..from + 20_000).map(|at| format!("{{port: 80, protocol: {protocol}{at}}}"));
        ports.collect::<Vec<_>>().join(",\n")
    };
    let service = |ports: String| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: web}}\nspec: {{ports: [{ports}]}}\n"
        )
    };
    // Each with each would be 400 million comparisons.
    let out = merged(&service(ports(0, "x")), &service(ports(0, "y"))).unwrap();
    assert_eq!(out.matches("port: 80").count(), 40_000);
}

proptest::proptest! {
    #[test]
    fn no_text_panics(
        documents in "[a:{}\\[\\],&*!|>'\"% \n#?.-]{0,60}",
        merge in "[a:{}\\[\\],&*!|>'\"$ \n.-]{0,60}",
        operations in "[a:{}\\[\\],&*!|>'\"/~ \n.-]{0,60}",
    ) {
        let _ = merged(&documents, &merge);
        let _ = merged(CONFIG, &merge);
        let _ = json(CONFIG, &[("", &operations)]);
    }

    #[test]
    fn no_fields_panic(data in "(\\$?[abp][a-z/]{0,6}: [\\[{]?[a1~]?[\\]}]?\n){0,6}") {
        let object = config(&data);
        let _ = merged(CONFIG, &object);
        let _ = merged(&object, CONFIG);
        let _ = merged(&object, &object);
    }

    #[test]
    fn no_path_panics(
        name in "add|remove|replace|move|copy|test",
        from in "(/(data|a|-|-?[0-9]{1,20}|~[01]?)){0,3}",
        path in "(/(data|a|-|-?[0-9]{1,20}|~[01]?)){0,3}",
    ) {
        let operation = format!("[{{op: {name}, from: '{from}', path: '{path}', value: 1}}]");
        let list = config("data: {a: [1, {a: 2}]}\na: [1, 2]");
        let _ = json(&list, &[("", &operation)]);
    }
}
