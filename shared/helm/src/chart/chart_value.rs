//! The value of `.Chart`.

use super::{
    metadata::{Dependency, Maintainer, Metadata},
    tree::Node,
};
use crate::{
    Dialect,
    format::to_text,
    value::{Entries, List, ListKind, Map, MapKind, Object, Str, Value},
};

/// A structure's fields by Go's names. How they are called in JSON follows from the types' names.
type Fields = Vec<(&'static str, Value)>;

pub(super) fn chart_value(node: &Node, is_root: bool, dialect: Dialect) -> Value {
    match dialect {
        Dialect::Helm3 => structure(&node.metadata, is_root),
        Dialect::Helm4 => map(&node.metadata, is_root),
    }
}

/// Helm 4 makes a map of all fields but those that are empty lists of structures.
fn map(metadata: &Metadata, is_root: bool) -> Value {
    let mut entries = Entries::new();
    for (name, value) in fields(metadata, Dialect::Helm4) {
        entries.insert(name.into(), value);
    }
    entries.insert("IsRoot".into(), Value::Bool(is_root));
    Value::map(entries)
}

/// Helm 3 has a structure within a structure, which shows when it is printed.
fn structure(metadata: &Metadata, is_root: bool) -> Value {
    let mut fields = fields(metadata, Dialect::Helm3);
    let inner = Object::new("chart.Metadata", fields.clone(), &[]);
    let printed = to_text(&Value::Object(inner)).unwrap_or_default();
    fields.push(("IsRoot", Value::Bool(is_root)));
    let text = format!("{{{printed} {is_root}}}");
    Value::Object(Object::with_text("struct { chart.Metadata; IsRoot bool }", fields, &[], text))
}

fn fields(it: &Metadata, dialect: Dialect) -> Fields {
    let text = |text: &Str| Value::Str(text.clone());
    let texts = |texts: &[Str]| Value::strings(texts.iter().cloned());
    let annotations = it.annotations.as_ref().map(|annotations| {
        let entries = annotations.iter().map(|(key, value)| (key.clone(), text(value))).collect();
        Value::Map(Map::new(MapKind::Strings, entries))
    });
    let annotations =
        annotations.unwrap_or_else(|| Value::Map(Map::new(MapKind::Strings, Entries::new())));
    let maintainers = it.maintainers.iter().flatten().map(|it| maintainer(it, dialect)).collect();
    let listed = it.dependencies.iter().flatten().map(|it| dependency(it, dialect)).collect();
    let list = |name, items| match dialect {
        Dialect::Helm3 => Value::List(List::new(ListKind::Named(name), items)),
        Dialect::Helm4 => Value::list(items),
    };
    vec![
        ("Name", text(&it.name)),
        ("Home", text(&it.home)),
        ("Sources", texts(&it.sources)),
        ("Version", text(&it.version)),
        ("Description", text(&it.description)),
        ("Keywords", texts(&it.keywords)),
        ("Maintainers", list("[]*chart.Maintainer", maintainers)),
        ("Icon", text(&it.icon)),
        ("APIVersion", text(&it.api_version)),
        ("Condition", text(&it.condition)),
        ("Tags", text(&it.tags)),
        ("AppVersion", text(&it.app_version)),
        ("Deprecated", Value::Bool(it.deprecated)),
        ("Annotations", annotations),
        ("KubeVersion", text(&it.kube_version)),
        ("Dependencies", list("[]*chart.Dependency", listed)),
        ("Type", text(&it.kind)),
    ]
}

fn maintainer(it: &Maintainer, dialect: Dialect) -> Value {
    let fields: Fields = vec![
        ("Name", Value::Str(it.name.clone())),
        ("Email", Value::Str(it.email.clone())),
        ("URL", Value::Str(it.url.clone())),
    ];
    object("*chart.Maintainer", fields, dialect)
}

fn dependency(it: &Dependency, dialect: Dialect) -> Value {
    let imports = it.import_values.iter().map(crate::value::Data::thaw).collect();
    let fields: Fields = vec![
        ("Name", Value::Str(it.name.clone())),
        ("Version", Value::Str(it.version.clone())),
        ("Repository", Value::Str(it.repository.clone())),
        ("Condition", Value::Str(it.condition.clone())),
        ("Tags", Value::strings(it.tags.iter().cloned())),
        ("Enabled", Value::Bool(it.enabled)),
        ("ImportValues", Value::list(imports)),
        ("Alias", Value::Str(it.alias.clone())),
    ];
    object("*chart.Dependency", fields, dialect)
}

fn object(type_name: &'static str, fields: Fields, dialect: Dialect) -> Value {
    match dialect {
        Dialect::Helm3 => Value::Object(Object::new(type_name, fields, &[])),
        Dialect::Helm4 => {
            Value::map(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
        }
    }
}
