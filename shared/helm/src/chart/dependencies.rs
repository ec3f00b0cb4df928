//! Which charts of a tree there are: aliases, conditions, tags; and what parents import from them.

use super::{
    coalesce::{self, Nils},
    metadata::Dependency,
    tree::{self, Node},
};
use crate::{
    Dialect,
    format::to_text,
    semver::{Constraints, Version},
    value::{Data, Map, Value},
};

/// The names of listed charts that are not there.
pub(super) fn missing(node: &Node) -> Vec<String> {
    let listed = node.metadata.dependencies.iter().flatten();
    let absent =
        listed.filter(|wanted| node.children.iter().all(|child| *child.name() != wanted.name));
    absent.map(|wanted| wanted.name.to_string()).collect()
}

/// Leaves the charts that are switched on, under their aliases, and imports values.
pub(super) fn process(node: &mut Node, given: &Map, dialect: Dialect) -> Result<(), String> {
    select(node, given, "", dialect)?;
    import(node, dialect)
}

/// Whether a range lets a version in; what cannot be read lets nothing in.
pub(super) fn is_compatible(range: &str, version: &str, dialect: Dialect) -> bool {
    let Ok(version) = Version::parse(version, dialect) else { return false };
    Constraints::parse(range, dialect).is_ok_and(|range| range.allow(&version))
}

fn select(node: &mut Node, given: &Map, path: &str, dialect: Dialect) -> Result<(), String> {
    if node.metadata.dependencies.is_empty() {
        return Ok(());
    }
    rename(node, dialect);
    let values = coalesce::values(node, given, Nils::Delete, dialect)?;
    let mut listed: Vec<Dependency> =
        node.metadata.dependencies.iter().flatten().cloned().collect();
    tags(&mut listed, &values);
    conditions(&mut listed, &values, path);
    let is_off = |name: &str| listed.iter().any(|it| !it.enabled && &*it.name == name);
    node.children.retain(|child| !is_off(child.name()));
    for child in &mut node.children {
        let path = format!("{path}{}.", child.name());
        select(child, &values, &path, dialect)?;
    }
    let on: Vec<bool> = listed.iter().map(|it| !is_off(&it.name)).collect();
    let kept = listed.into_iter().zip(on).filter(|(_, on)| *on).map(|(it, _)| Some(it));
    node.metadata.dependencies = kept.collect();
    Ok(())
}

/// The charts under the names of the list: those that are not listed, then the listed ones, each as often as
/// it is.
fn rename(node: &mut Node, dialect: Dialect) {
    let fits = |child: &Node, wanted: &Dependency| {
        *child.name() == wanted.name
            && is_compatible(&wanted.version, &child.metadata.version, dialect)
    };
    let listed: Vec<Dependency> = node.metadata.dependencies.iter().flatten().cloned().collect();
    let unlisted =
        node.children.iter().filter(|child| !listed.iter().any(|wanted| fits(child, wanted)));
    let mut children: Vec<Node> = unlisted.cloned().collect();
    for wanted in &listed {
        if let Some(found) = node.children.iter().find(|child| fits(child, wanted)) {
            let mut child = found.clone();
            if !wanted.alias.is_empty() {
                child.metadata.name = wanted.alias.clone();
            }
            children.push(child);
        }
    }
    node.children = children;
    for wanted in node.metadata.dependencies.iter_mut().flatten() {
        if !wanted.alias.is_empty() {
            wanted.name = wanted.alias.clone();
        }
        wanted.enabled = true;
    }
}

fn tags(listed: &mut [Dependency], values: &Map) {
    let Some(tags) = tree::table(values, "tags") else { return };
    for it in listed {
        let said = it.tags.iter().filter_map(|tag| match tags.get(tag) {
            Some(Value::Bool(on)) => Some(on),
            _ => None,
        });
        let said: Vec<bool> = said.collect();
        it.enabled = said.is_empty() || said.contains(&true);
    }
}

/// The first condition that is a truth decides.
fn conditions(listed: &mut [Dependency], values: &Map, path: &str) {
    for it in listed {
        let condition = it.condition.trim().to_owned();
        let mut said =
            condition.split(',').filter(|part| !part.is_empty()).filter_map(
                |part| match tree::leaf(values, &format!("{path}{part}")) {
                    Some(Value::Bool(on)) => Some(on),
                    _ => None,
                },
            );
        if let Some(on) = said.next() {
            it.enabled = on;
        }
    }
}

/// From the lowest charts upwards: values of a chart become defaults of the chart above it.
fn import(node: &mut Node, dialect: Dialect) -> Result<(), String> {
    for child in &mut node.children {
        import(child, dialect)?;
    }
    if node.metadata.dependencies.is_empty() {
        return Ok(());
    }
    let values = coalesce::values(node, &tree::empty(), Nils::Keep, dialect)?;
    let imported = tree::empty();
    for it in node.metadata.dependencies.iter_mut().flatten() {
        let mut converted = Vec::new();
        for wanted in &it.import_values {
            let Some((child, parent)) = import_of(wanted) else { continue };
            converted.push(Data::Map(vec![
                ("child".into(), Data::Str(child.as_str().into())),
                ("parent".into(), Data::Str(parent.as_str().into())),
            ]));
            let Some(found) = tree::table(&values, &format!("{}.{child}", it.name)) else {
                continue;
            };
            coalesce::tables(&imported, &at_path(&parent, found), Nils::Keep, dialect);
        }
        it.import_values = converted;
    }
    let own = tree::copy(&values);
    coalesce::tables(&own, &imported, Nils::Keep, dialect);
    node.values = own;
    Ok(())
}

/// Where an entry of `import-values` takes from, and where it brings to.
fn import_of(wanted: &Data) -> Option<(String, String)> {
    match wanted.thaw() {
        Value::Str(name) => Some((format!("exports.{name}"), ".".to_owned())),
        Value::Map(map) => {
            let text = |key| {
                let value = map.get(key).unwrap_or(Value::Nil);
                to_text(&value).map(|text| text.to_string()).unwrap_or_default()
            };
            Some((text("child"), text("parent")))
        }
        _ => None,
    }
}

fn at_path(path: &str, values: Map) -> Map {
    if path == "." {
        return values;
    }
    path.split('.').rev().fold(values, |inner, part| {
        let outer = tree::empty();
        outer.insert(part, Value::Map(inner));
        outer
    })
}
