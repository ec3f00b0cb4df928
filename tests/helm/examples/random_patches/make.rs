//! Makes objects and patches for them.

use std::collections::{BTreeMap, BTreeSet};

use gimlet_helm_cases::patches::{JsonCase, Question};
use rand::{Rng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::{Map, Value, json};

/// A kind of map: its fields, and what can stand in each.
type Shape = &'static [(&'static str, What)];

/// What a field holds.
#[derive(Clone, Copy)]
enum What {
    /// Texts, numbers, truths.
    Scalar,
    /// Anything without rules.
    Free,
    Map(Shape),
    /// A list with elements that are told apart by a key; the second key, if there is one, is always there.
    Elements(&'static str, Option<&'static str>, Shape),
    /// A merged list of texts.
    Texts,
    /// A map of scalars.
    Notes,
    /// A list that is replaced.
    Whole(Shape),
}

use What::{Elements, Free, Map as In, Notes, Scalar, Texts, Whole};

const ENV: Shape = &[("value", Scalar), ("valueFrom", Free)];
const MOUNT: Shape = &[("name", Scalar), ("readOnly", Scalar), ("subPath", Scalar)];
const CONTAINER: Shape = &[
    ("image", Scalar),
    ("args", Whole(&[])),
    ("command", Free),
    ("env", Elements("name", None, ENV)),
    ("envFrom", Whole(&[("prefix", Scalar)])),
    (
        "ports",
        Elements("containerPort", Some("protocol"), &[("name", Scalar), ("hostPort", Scalar)]),
    ),
    ("volumeMounts", Elements("mountPath", None, MOUNT)),
    ("resources", Free),
    ("tty", Scalar),
];
const VOLUME: Shape = &[
    ("emptyDir", Free),
    ("configMap", In(&[("name", Scalar), ("items", Whole(&[("key", Scalar)]))])),
    ("hostPath", Free),
];
const POD: Shape = &[
    ("containers", Elements("name", None, CONTAINER)),
    ("initContainers", Elements("name", None, CONTAINER)),
    ("volumes", Elements("name", None, VOLUME)),
    ("hostAliases", Elements("ip", None, &[("hostnames", Whole(&[]))])),
    ("imagePullSecrets", Elements("name", None, &[])),
    ("tolerations", Whole(&[("key", Scalar), ("effect", Scalar)])),
    (
        "topologySpreadConstraints",
        Elements(
            "topologyKey",
            Some("whenUnsatisfiable"),
            &[("maxSkew", Scalar), ("labelSelector", Free)],
        ),
    ),
    ("nodeSelector", Free),
    ("affinity", Free),
    ("restartPolicy", Scalar),
];
const TEMPLATE: Shape = &[("metadata", In(METADATA)), ("spec", In(POD))];
const METADATA: Shape = &[
    ("labels", Free),
    ("annotations", Notes),
    ("finalizers", Texts),
    ("ownerReferences", Elements("uid", None, &[("controller", Scalar)])),
];

/// The kinds: `apiVersion`, `kind` and fields.
const KINDS: [(&str, &str, Shape); 9] = [
    (
        "apps/v1",
        "Deployment",
        &[("spec", In(&[("replicas", Scalar), ("strategy", Free), ("template", In(TEMPLATE))]))],
    ),
    (
        "apps/v1",
        "StatefulSet",
        &[(
            "spec",
            In(&[("template", In(TEMPLATE)), ("volumeClaimTemplates", Whole(&[("spec", Free)]))]),
        )],
    ),
    ("v1", "Pod", &[("spec", In(POD))]),
    (
        "batch/v1",
        "CronJob",
        &[(
            "spec",
            In(&[
                ("jobTemplate", In(&[("spec", In(&[("template", In(TEMPLATE))]))])),
                ("schedule", Scalar),
            ]),
        )],
    ),
    (
        "v1",
        "Service",
        &[(
            "spec",
            In(&[
                (
                    "ports",
                    Elements("port", Some("protocol"), &[("name", Scalar), ("targetPort", Scalar)]),
                ),
                ("selector", Free),
                ("type", Scalar),
            ]),
        )],
    ),
    ("v1", "ConfigMap", &[("data", Free), ("binaryData", Free), ("immutable", Scalar)]),
    (
        "v1",
        "ServiceAccount",
        &[
            ("secrets", Elements("name", None, &[])),
            ("imagePullSecrets", Whole(&[("name", Scalar)])),
        ],
    ),
    (
        "networking.k8s.io/v1",
        "Ingress",
        &[(
            "spec",
            In(&[
                ("rules", Whole(&[("host", Scalar), ("http", Free)])),
                ("tls", Whole(&[("secretName", Scalar)])),
            ]),
        )],
    ),
    (
        "example.com/v1",
        "Thing",
        &[
            (
                "spec",
                In(&[
                    ("containers", Whole(&[("name", Scalar), ("env", Free)])),
                    ("template", Free),
                ]),
            ),
            ("status", Free),
        ],
    ),
];

/// Whether something is made for an object or for its patch, which also has nulls and directives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    Object,
    Patch,
}

/// A case whose objects have names of their own, so that cases can be asked together.
pub(crate) fn case(random: &mut StdRng, number: usize) -> Question {
    let mut question = Question::default();
    let mut merges = Vec::new();
    for index in 0..random.random_range(1..=3) {
        let (api_version, kind, shape) = KINDS[random.random_range(0..KINDS.len())];
        let name = format!("c{number}-{index}");
        let mut object = map(random, shape, For::Object, 0);
        object.insert("metadata".to_owned(), Value::Object(map(random, METADATA, For::Object, 0)));
        head(&mut object, api_version, kind, &name);
        if random.random_bool(0.8) {
            let mut patch = map(random, shape, For::Patch, 0);
            if random.random_bool(0.3) {
                patch.insert(
                    "metadata".to_owned(),
                    Value::Object(map(random, METADATA, For::Patch, 0)),
                );
            }
            head(&mut patch, api_version, kind, &name);
            if random.random_bool(0.02) {
                patch.insert("$patch".to_owned(), json!("delete"));
            }
            merges.push(write(random, &Value::Object(patch)));
        }
        if random.random_bool(0.4) {
            let patch = operations(random, &Value::Object(object.clone()));
            let target = BTreeMap::from([("name".to_owned(), name.clone())]);
            // An object that a merge changes is another when the operations come.
            if random.random_bool(0.5) {
                merges.retain(|merge| !merge.contains(&name));
            }
            if merges.iter().all(|merge| !merge.contains("$patch")) {
                question.json.push(JsonCase { patch, target });
            }
        }
        question.documents.push_str(&write(random, &Value::Object(object)));
        question.documents.push_str("---\n");
    }
    question.merge = (!merges.is_empty()).then(|| merges.join("---\n"));
    question
}

fn head(object: &mut Map<String, Value>, api_version: &str, kind: &str, name: &str) {
    object.insert("apiVersion".to_owned(), json!(api_version));
    object.insert("kind".to_owned(), json!(kind));
    let metadata = object.entry("metadata").or_insert_with(|| json!({}));
    if !metadata.is_object() {
        *metadata = json!({});
    }
    metadata["name"] = json!(name);
}

fn map(random: &mut StdRng, shape: Shape, whose: For, depth: usize) -> Map<String, Value> {
    let mut fields = Map::new();
    for (name, what) in shape {
        let often = match what {
            In(_) => 0.9,
            Elements(..) => 0.6,
            Scalar | Free | Notes | Texts | Whole(_) => 0.4,
        };
        if !random.random_bool(often) {
            continue;
        }
        let value = if whose == For::Patch && random.random_bool(0.08) {
            Value::Null
        } else {
            value(random, *what, whose, depth + 1)
        };
        fields.insert((*name).to_owned(), value);
    }
    fields
}

fn value(random: &mut StdRng, what: What, whose: For, depth: usize) -> Value {
    match what {
        Scalar => scalar(random),
        Free => free(random, whose, depth),
        In(shape) => {
            let mut fields = map(random, shape, whose, depth);
            if whose == For::Patch && random.random_bool(0.03) {
                let directive = ["replace", "delete", "merge"].choose(random).copied();
                fields.insert("$patch".to_owned(), json!(directive));
            }
            Value::Object(fields)
        }
        Texts => {
            let count = random.random_range(0..4);
            Value::Array((0..count).map(|_| json!(name(random))).collect())
        }
        Notes => {
            let count = random.random_range(0..3);
            Value::Object((0..count).map(|_| (name(random).to_owned(), note(random))).collect())
        }
        Whole([]) => {
            let count = random.random_range(0..4);
            Value::Array((0..count).map(|_| scalar(random)).collect())
        }
        Whole(shape) => {
            let count = random.random_range(0..3);
            Value::Array(
                (0..count).map(|_| Value::Object(map(random, shape, For::Object, depth))).collect(),
            )
        }
        Elements(key, second, shape) => elements(random, (key, second), shape, whose, depth),
    }
}

fn elements(
    random: &mut StdRng,
    (key, second): (&str, Option<&str>),
    shape: Shape,
    whose: For,
    depth: usize,
) -> Value {
    let mut seen = BTreeSet::new();
    let mut items = Vec::new();
    let replace = whose == For::Patch && random.random_bool(0.08);
    for _ in 0..random.random_range(0..4) {
        let name = key_of(random, key);
        let more = second.map(|_| ["TCP", "UDP"].choose(random).copied().unwrap_or("TCP"));
        if !seen.insert((name.to_string(), more)) {
            continue;
        }
        let mut fields = Map::new();
        // An element that is deleted has nothing else; one that says it is replaced is not, with kustomize.
        if whose == For::Patch && random.random_bool(0.15) {
            fields.insert("$patch".to_owned(), json!("delete"));
        } else {
            fields = map(random, shape, whose, depth);
        }
        fields.insert(key.to_owned(), name);
        if let (Some(second), Some(more)) = (second, more) {
            fields.insert(second.to_owned(), json!(more));
        }
        items.push(Value::Object(fields));
    }
    if replace {
        // Not beside an element with a directive of its own: kustomize looks at the first only.
        items.retain(|item| item.get("$patch").is_none());
        items.insert(random.random_range(0..=items.len()), json!({"$patch": "replace"}));
    }
    Value::Array(items)
}

fn key_of(random: &mut StdRng, key: &str) -> Value {
    match key {
        "containerPort" | "port" => json!([80, 443, 8080, 9090].choose(random)),
        _ => json!(name(random)),
    }
}

fn name(random: &mut StdRng) -> &'static str {
    ["a", "b", "c", "d", "e-1"].choose(random).copied().unwrap_or("a")
}

/// An annotation; a null is a text with kustomize.
fn note(random: &mut StdRng) -> Value {
    match scalar(random) {
        Value::String(text) if text == "null" => json!("none"),
        other => other,
    }
}

fn word(random: &mut StdRng) -> &'static str {
    ["a", "b", "c", "long-name", "x.y/z", "yes", "1", "null", "", "two words", "a: b", "#x"]
        .choose(random)
        .copied()
        .unwrap_or("a")
}

fn scalar(random: &mut StdRng) -> Value {
    match random.random_range(0..8) {
        0 => json!(random.random_range(-3..100_000)),
        1 => json!(random.random_bool(0.5)),
        2 => json!(f64::from(random.random_range(-500..500)) / 8.0),
        3 => json!(format!("line {}\nand more\n", word(random))),
        _ => json!(word(random)),
    }
}

fn free(random: &mut StdRng, whose: For, depth: usize) -> Value {
    let mut fields = Map::new();
    for _ in 0..random.random_range(0..4) {
        let key = ["a", "b", "c.d/e", "key", "n", "a10", "a2"].choose(random).copied();
        let value = match random.random_range(0..10) {
            0 if depth < 8 => free(random, whose, depth + 1),
            1 => json!([scalar(random), scalar(random)]),
            2 if whose == For::Patch => Value::Null,
            _ => scalar(random),
        };
        fields.insert(key.unwrap_or("a").to_owned(), value);
    }
    Value::Object(fields)
}

/// A few operations on places of an object, most of which are there.
fn operations(random: &mut StdRng, object: &Value) -> String {
    let mut places = Vec::new();
    collect(object, String::new(), &mut places);
    places.retain(|(path, _)| !is_head(path));
    let mut operations = Vec::new();
    for _ in 0..random.random_range(1..4) {
        let Some((path, there)) = places.choose(random).cloned() else { continue };
        let (other, _) = places.choose(random).cloned().unwrap_or_default();
        operations.push(match random.random_range(0..12) {
            0 => json!({"op": "test", "path": path, "value": there}),
            1 => json!({"op": "copy", "from": path, "path": "/copied"}),
            2 => json!({"op": "move", "from": path, "path": "/moved"}),
            3 => json!({"op": "remove", "path": path}),
            4 => json!({"op": "add", "path": format!("{path}/x~1y"), "value": scalar(random)}),
            5 => json!({"op": "add", "path": format!("{path}/-"), "value": free(random, For::Object, 5)}),
            6 => json!({"op": "copy", "from": path, "path": other}),
            7 => json!({"op": "test", "path": path, "value": scalar(random)}),
            8..10 => json!({"op": "replace", "path": path, "value": free(random, For::Patch, 5)}),
            _ => json!({"op": "add", "path": path, "value": scalar(random)}),
        });
    }
    if operations.is_empty() {
        operations.push(json!({"op": "add", "path": "/added", "value": scalar(random)}));
    }
    Value::Array(operations).to_string()
}

/// What an object cannot do without; and its annotations, among which kustomize has its own while it works.
fn is_head(path: &str) -> bool {
    matches!(path, "" | "/apiVersion" | "/kind" | "/metadata" | "/metadata/name")
        || path.starts_with("/metadata/annotations")
}

fn collect(value: &Value, path: String, places: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let key = key.replace('~', "~0").replace('/', "~1");
                collect(value, format!("{path}/{key}"), places);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect(value, format!("{path}/{index}"), places);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    places.push((path, value.clone()));
}

/// Writes a value as YAML of different styles: flow and block, quotes or none.
fn write(random: &mut StdRng, value: &Value) -> String {
    let mut text = String::new();
    block(random, value, 0, &mut text);
    text
}

fn block(random: &mut StdRng, value: &Value, indent: usize, out: &mut String) {
    let space = " ".repeat(indent);
    match value {
        Value::Object(fields) if !fields.is_empty() && (indent == 0 || random.random_bool(0.9)) => {
            for (key, value) in fields {
                out.push_str(&format!("{space}{}:", json!(key)));
                nested(random, value, indent + 2, out);
            }
        }
        Value::Array(items) if !items.is_empty() && random.random_bool(0.9) => {
            for item in items {
                out.push_str(&format!("{space}-"));
                nested(random, item, indent + 2, out);
            }
        }
        other => out.push_str(&format!("{space}{other}\n")),
    }
}

fn nested(random: &mut StdRng, value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            out.push('\n');
            block(random, value, indent, out);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            block(random, value, indent, out);
        }
        Value::String(text) => out.push_str(&format!(" {}\n", quoted(random, text, indent))),
        Value::Null if random.random_bool(0.5) => out.push_str(" ~\n"),
        other => out.push_str(&format!(" {other}\n")),
    }
}

fn quoted(random: &mut StdRng, text: &str, indent: usize) -> String {
    let simple = !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/' | ' '));
    match random.random_range(0..3) {
        // What is written plainly may mean something else; that is the point.
        0 if simple => text.to_owned(),
        1 if text.ends_with('\n') => {
            let space = " ".repeat(indent);
            let lines: String = text.lines().map(|line| format!("\n{space}{line}")).collect();
            format!("|{lines}")
        }
        1 if !text.contains('\n') => format!("'{text}'"),
        _ => json!(text).to_string(),
    }
}
