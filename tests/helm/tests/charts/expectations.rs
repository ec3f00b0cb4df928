//! One case: rendered as both releases of Helm do, and held against what it expects.

use anyhow::{Context as _, Result, bail, ensure};
use gimlet_helm::{chart::render::Rendered, yaml};
use gimlet_helm_cases::{
    Release,
    charts::{Case, Expectation},
};
use serde_json::Value;

use crate::{objects, ours};

/// Checks a case, and that each of its objects is one that Kubernetes knows.
pub(crate) fn check(chart: &str, case: &Case) -> Result<()> {
    for release in Release::ALL {
        match (ours::rendered(chart, case, release), &case.refused) {
            (Ok(rendered), None) => {
                let objects = objects(&rendered)?;
                objects.iter().try_for_each(objects::check)?;
                case.expect.iter().try_for_each(|expected| hold(expected, &objects))?;
            }
            (Err(error), Some(part)) => {
                let said = error.as_printed();
                ensure!(said.contains(part), "{part:?} is not in: {said}");
            }
            (Ok(_), Some(part)) => bail!("it is rendered; expected was {part:?}"),
            (Err(error), None) => bail!("{}", error.as_printed()),
        }
    }
    Ok(())
}

fn objects(rendered: &Rendered) -> Result<Vec<Value>> {
    let documents = rendered.documents.iter();
    documents
        .map(|document| {
            let value = yaml::from_yaml_strict(&document.text)
                .map_err(|error| anyhow::anyhow!("{}: {error:?}", document.source))?;
            value.to_json().map_err(|error| anyhow::anyhow!("{}: {error:?}", document.source))
        })
        .collect()
}

fn hold(expected: &Expectation, objects: &[Value]) -> Result<()> {
    let of_kind: Vec<&Value> = objects.iter().filter(|it| it["kind"] == expected.kind).collect();
    if let Some(count) = expected.count {
        ensure!(of_kind.len() == count, "{} of kind {}", of_kind.len(), expected.kind);
        return Ok(());
    }
    let name = expected.name.as_deref();
    let mut found =
        of_kind.into_iter().filter(|it| name.is_none_or(|name| it["metadata"]["name"] == name));
    let object = found.next().with_context(|| format!("no {} {name:?}", expected.kind))?;
    ensure!(found.next().is_none(), "several of kind {}: say the name", expected.kind);
    let there = object.pointer(&expected.at);
    let place = format!("{} {}", expected.kind, expected.at);
    if expected.absent {
        ensure!(there.is_none(), "{place} is {there:?}");
        return Ok(());
    }
    let there = there.with_context(|| format!("{place} is missing in {object}"))?;
    if let Some(is) = &expected.is {
        ensure!(there == is, "{place} is {there}, not {is}");
    }
    if let Some(has) = &expected.has {
        ensure!(contains(there, has), "{place} is {there}, without {has}");
    }
    Ok(())
}

/// Whether a list has an item, or a map all entries of another.
fn contains(there: &Value, wanted: &Value) -> bool {
    match (there, wanted) {
        (Value::Array(items), wanted) => {
            items.iter().any(|item| item == wanted || contains(item, wanted))
        }
        (Value::Object(entries), Value::Object(wanted)) => {
            wanted.iter().all(|(key, value)| entries.get(key) == Some(value))
        }
        _ => false,
    }
}
